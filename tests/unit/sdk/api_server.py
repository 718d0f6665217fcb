"""An API server that takes PATCHes of one Job and does as it is told: for the reporter, which knows no more of it."""

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import trustme

Object = dict[str, Any]
#: Longer than anything here takes, on a busy machine too.
PATIENCE = 30.0


@dataclass
class Request:
    """A PATCH as it came in."""

    path: str
    headers: dict[str, str]
    body: Object
    #: The client's side of the connection.
    client: tuple[str, int]

    @property
    def metrics(self) -> Any:
        return json.loads(self.body["metadata"]["annotations"]["hyperdrive.dev/metrics"])

    @property
    def curve(self) -> Any:
        return json.loads(self.body["metadata"]["annotations"]["hyperdrive.dev/curve"])


@dataclass
class ApiServer:
    """What it was sent, and what it answers."""

    port: int
    account: Path
    seen: SimpleQueue[Request] = field(default_factory=SimpleQueue)
    status: int = 200
    answer: Object = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    #: Called before each answer: it may wait.
    before_answer: Callable[[], object] = lambda: None

    def next(self) -> Request:
        """Wait for the next PATCH."""
        return self.seen.get(timeout=PATIENCE)

    def environ(self, **more: str) -> dict[str, str]:
        """Return what a trial's container finds in its environment."""
        return {
            "HYPERDRIVE_TRIAL": "digits-7",
            "HYPERDRIVE_PRIMARY_METRIC": "accuracy",
            "HYPERDRIVE_GOAL": "Maximize",
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(self.port),
            "HYPERDRIVE_SERVICE_ACCOUNT": str(self.account),
            **more,
        }


@contextmanager
def api_server(folder: Path) -> Iterator[ApiServer]:
    """Serve HTTPS on a free port; `folder` becomes the service account's."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.crt")
    (folder / "token").write_text("first\n")
    (folder / "namespace").write_text("lab")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = _Server(("127.0.0.1", 0), _Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    api = ApiServer(server.server_address[1], folder)
    server.api = api
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    api: ApiServer
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients leave when they are killed, or do not trust us."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PATCH(self) -> None:
        assert isinstance(self.server, _Server)
        api = self.server.api
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        api.seen.put(Request(self.path, dict(self.headers), body, self.client_address))
        api.before_answer()
        said = json.dumps(api.answer).encode()
        self.send_response(api.status)
        for name, value in {**api.headers, "Content-Length": str(len(said))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server's name
        """Say nothing."""
