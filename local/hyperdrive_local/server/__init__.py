"""The HTTP side of the embedded API server."""

from hyperdrive_local.server.app import ApiServer

__all__ = ["ApiServer"]
