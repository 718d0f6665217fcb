"""Who may talk to the server: those who have read the kubeconfig, which only its owner can.

Pods are local processes here, so whoever may create one may run anything as the server's user. And client-go sends its
token over TLS alone, so there is TLS, with a certificate authority that lives as long as the server.
"""

import base64
import hmac
import os
import ssl
from pathlib import Path

import trustme
import yaml
from aiohttp import typedefs, web

from hyperdrive_local.errors import unauthorized

HOST = "127.0.0.1"
OPEN_PATHS = frozenset({"/healthz", "/livez", "/readyz", "/version"})  # as on a real server
CONTEXT = "hyperdrive-local"


class Certificate:
    """A certificate for 127.0.0.1, and the authority to trust it by."""

    def __init__(self) -> None:
        authority = trustme.CA(organization_name="HyperDrive embedded cluster")
        self.authority = authority.cert_pem.bytes()
        self._issued = authority.issue_cert(HOST, "localhost")

    def server_context(self) -> ssl.SSLContext:
        """The server's side of TLS."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._issued.configure_cert(context)
        return context


def require_token(token: str) -> typedefs.Middleware:
    """Let nobody in without the token."""
    expected = f"Bearer {token}".encode()

    @web.middleware
    async def middleware(request: web.Request, handler: typedefs.Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode()
        if request.path not in OPEN_PATHS and not hmac.compare_digest(given, expected):
            raise unauthorized()
        return await handler(request)

    return middleware


def write_kubeconfig(path: Path, url: str, authority: bytes, token: str) -> None:
    """Write what kubectl needs, readable by its owner alone: whole or not at all."""
    cluster = {"server": url, "certificate-authority-data": base64.b64encode(authority).decode()}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": CONTEXT, "user": {"token": token}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT, "namespace": "default"}}],
        "current-context": CONTEXT,
    }
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        yaml.safe_dump(config, file, sort_keys=False)
    partial.replace(path)
