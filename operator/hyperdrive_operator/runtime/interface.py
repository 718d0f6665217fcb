"""What the process needs of the controller, so that a test can put its own in its place."""

from typing import Protocol

from hyperdrive_operator.controller.leadership import Leadership
from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.events import EventRecorder
from hyperdrive_operator.kube.kinds import Kind, Object

from .telemetry import Telemetry


class ControllerLike(Protocol):
    """It observes, and works."""

    synced: bool
    heartbeat: float

    @property
    def problem(self) -> str:
        """Why not all that happens is heard of for now; empty if it is."""

    def observe(self, kind: Kind, event_type: str | None, body: Object) -> None:
        """Take in what a stream has brought. In the controller's loop."""

    def relist_soon(self) -> None:
        """List the sweeps again: a stream has begun anew, and does not tell what was deleted before. In the loop."""

    async def run(self, leadership: Leadership) -> None:
        """Work until cancelled, once we are the leader."""

    async def drain(self) -> None:
        """Begin nothing new, and return when what was begun is done and what was read is recorded."""


class ControllerFactory(Protocol):
    """Makes the controller: the class itself, or a test's own."""

    def __call__(
        self,
        client: KubeClient,
        recorder: EventRecorder,
        telemetry: Telemetry,
        /,
        *,
        namespaces: tuple[str, ...],
        workers: int,
        resync_seconds: float,
    ) -> ControllerLike: ...
