"""The optimisers, and the processes they run in. Numerical libraries are imported there alone, never here."""
