"""The kinds that every cluster has: their schemas and their semantic rules."""
