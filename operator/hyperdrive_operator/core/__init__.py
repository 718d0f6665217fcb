"""What to do: pure decisions over frozen values. No IO, no clock, no global randomness."""
