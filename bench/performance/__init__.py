"""What the operator costs and how fast it is, beside a client that does the least that any controller can do."""
