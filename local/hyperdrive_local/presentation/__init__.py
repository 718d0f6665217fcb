"""How objects are shown: tables and their columns."""
