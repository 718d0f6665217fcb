"""How much early termination saves and what it costs, on learning curves that were recorded, not invented."""
