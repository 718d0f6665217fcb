"""The logs of pods, in memory, with KubeClient's interface: read and followed, with times, from a second on."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from datetime import timedelta

from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.errors import ClusterError, InvalidError
from hyperdrive_operator.kube.kinds import PODS, Kind, Object

from .builders import NOW


class FakeLogs(KubeClient):
    """What the pods print. `logs` may be set as a whole, or told bit by bit with `say`."""

    def __init__(self) -> None:
        # not the parent's: there is no transport
        self.logs: dict[str, str | ClusterError] = {}
        #: What the container of a pod that was started again said before.
        self.previous_logs: dict[str, str] = {}
        #: Pod, container, and since when or how many lines, of each request for a log.
        self.log_requests: list[tuple[str, str, str]] = []
        self.requests = 0
        self._runs: Counter[str] = Counter()
        #: Lines that stand in older files of a log: the API serves the newest one alone, to who asks from then on.
        self._rotated: Counter[str] = Counter()
        self._waiting: list[asyncio.Future[None]] = []

    def say(self, pod: str, text: str) -> None:
        """Let a pod print."""
        self.logs[pod] = str(self.logs.get(pod, "")) + text
        self.wake()

    def rotate(self, pod: str) -> None:
        """Let the kubelet begin a new file for a pod's log."""
        self._rotated[pod] = str(self.logs.get(pod, "")).count("\n")

    def start_again(self, pod: str, unheard: str = "") -> None:
        """Let a pod's container print a last thing that nobody hears, die and be started again."""
        self.previous_logs[pod] = str(self.logs.get(pod, "")) + unheard
        self.logs[pod] = ""
        self._runs[pod] += 1
        self.wake()

    def wake(self) -> None:
        """Let those who follow look again."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def read_log(
        self, namespace: str, pod: str, container: str = "", *, tail_lines: int, limit_bytes: int
    ) -> bytes:
        self.requests += 1
        self.log_requests.append((pod, container, f"tail {tail_lines}"))
        self.found(PODS, namespace, pod)
        log = self.logs.get(pod, "")
        if isinstance(log, ClusterError):
            raise log
        return "".join(log.splitlines(keepends=True)[-tail_lines:]).encode()[:limit_bytes]

    async def stream_log(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        follow: bool = True,
        previous: bool = False,
        since_time: str = "",
        timestamps: bool = False,
        idle_seconds: float | None = None,  # noqa: ARG002  the interface's; nothing here ever hangs
    ) -> AsyncGenerator[bytes]:
        """Give each line a time of its own, a second after the line before it."""
        assert timestamps, "the operator always asks for times"
        self.requests += 1
        self.log_requests.append((pod, container, "previous" if previous else since_time))
        sent, run, rotated = 0, self._runs[pod], 0 if previous else self._rotated[pod]
        while True:
            if self._runs[pod] != run:
                return
            is_over = not follow or self.found(PODS, namespace, pod)["status"].get("phase") != "Running"
            log = self.previous_logs.get(pod) if previous else self.logs.get(pod, "")
            if isinstance(log, ClusterError):
                raise log
            if log is None:
                raise InvalidError(400, "BadRequest", "previous terminated container not found")
            before = 0 if previous else self.previous_logs.get(pod, "").count("\n")
            newest = log.split("\n", rotated)[-1]
            stamped = _stamped(newest, since_time, before + rotated, is_over=is_over)
            if len(stamped) > sent:
                yield stamped[sent:]
                sent = len(stamped)
            elif is_over:
                return
            else:
                await self._moved()

    async def _moved(self) -> None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting

    def found(self, kind: Kind, namespace: str, name: str) -> Object:
        """Return an object; NotFoundError if there is none."""
        raise NotImplementedError


def _stamped(log: str, since: str, before: int, *, is_over: bool) -> bytes:
    """Return the lines of a log with their times, from a second on. An unfinished line comes when nothing follows."""
    text = ""
    lines = log.split("\n")
    for number, line in enumerate(lines):
        is_finished = number < len(lines) - 1
        time = f"{NOW + timedelta(seconds=before + number):%Y-%m-%dT%H:%M:%S}"
        if (is_finished or (line and is_over)) and f"{time}Z" >= since:
            text += f"{time}.000000001Z {line}" + ("\n" if is_finished else "")
    return text.encode()
