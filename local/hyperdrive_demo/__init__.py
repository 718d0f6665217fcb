"""The demo: one real sweep, followed to its best trial."""
