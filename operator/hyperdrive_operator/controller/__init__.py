"""The loop: a queue of keys, one reconcile, and the periodic relist."""
