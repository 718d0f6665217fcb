"""Wiring: configuration, kopf, logs, health and the process itself."""
