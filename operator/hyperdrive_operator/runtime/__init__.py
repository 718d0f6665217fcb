"""Wiring: configuration, logs, metrics, kopf's streams, and the supervisor that owns every thread."""
