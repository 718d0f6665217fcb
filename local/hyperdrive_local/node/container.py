"""One container of a pod, from its image to its end, and from its end to its next start."""

import asyncio
import secrets
import signal
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from hyperdrive_local.node.environment import Surroundings, base_environment, command_line, pod_environment
from hyperdrive_local.node.fields import ConfigError
from hyperdrive_local.node.image import Image, ImageError, ImageTable
from hyperdrive_local.node.logs import LogFile
from hyperdrive_local.node.paths import PathMap, make_view, show_in_view
from hyperdrive_local.node.process import ContainerProcess, StartError
from hyperdrive_local.node.reaper import Reaper
from hyperdrive_local.node.status import ContainerRecord
from hyperdrive_local.node.volumes import ConfigMaps
from hyperdrive_local.objects import Object
from hyperdrive_local.times import now, to_text

FIRST_BACKOFF_SECONDS = 10  # the kubelet's, for restarts and for pulls
MAX_BACKOFF_SECONDS = 300
MAX_MESSAGE_BYTES = 4096  # of a termination message
MAX_FALLBACK_LINES, MAX_FALLBACK_BYTES = 80, 2048
START_FAILED = 128


class Whole(Protocol):
    """The pod, as its containers see it."""

    pod: Object
    folder: Path
    stopping: asyncio.Event

    def volumes(self) -> dict[str, Path]:
        """The places of its volumes; ConfigError as long as one can't be had."""

    def write(self) -> None:
        """Tell the API server how things stand."""

    def tell(self, container: ContainerRecord, kind: str, reason: str, message: str) -> None:
        """Record an event about a container."""

    def opened(self, container: ContainerRecord, log: LogFile) -> None:
        """A run has begun to write its log."""

    async def pause(self, seconds: float | None, also: Awaitable[Any] | None = None) -> None:
        """Wait for a time, or until `also` or the pod's end comes first."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the node gives every container."""

    images: ImageTable
    reaper: Reaper
    surroundings: Surroundings
    config_maps: Callable[[str], ConfigMaps]  # of a namespace
    config_maps_changed: Callable[[], Coroutine[Any, Any, None]]  # waits for a change of any


class Container:
    """Runs one container as often as its pod's restart policy wants."""

    def __init__(self, whole: Whole, record: ContainerRecord, tools: Tools) -> None:
        self.record = record
        self._whole = whole
        self._tools = tools
        self._process: ContainerProcess | None = None
        self._folder = whole.folder / "containers" / record.name

    def signal(self, number: int) -> None:
        """Send a signal to its processes, if any."""
        if self._process:
            self._process.signal(number)

    async def run(self, policy: str) -> None:
        """Run until it is over: at the pod's end, or when the restart policy has it stay as it ended."""
        whole, record = self._whole, self.record
        while True:
            await self._run_once()
            again = policy == "Always" or (policy == "OnFailure" and record.exit_code != 0)
            if whole.stopping.is_set() or not again:
                record.over = True
                return
            whole.write()
            if record.restarts:
                await self._back_off()
            if whole.stopping.is_set():
                record.over = True
                return
            record.restarts += 1

    async def _back_off(self) -> None:
        """Wait before another start: the first one is at once, as the kubelet's is."""
        record, pod = self.record, self._whole.pod["metadata"]
        seconds = min(FIRST_BACKOFF_SECONDS << min(record.restarts - 1, 10), MAX_BACKOFF_SECONDS)
        whose = f"{pod['name']}_{pod['namespace']}({pod['uid']})"
        ended = record.state
        message = f"back-off {_duration(seconds)} restarting failed container={record.name} pod={whose}"
        record.last_state = ended
        record.state = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
        told = f"Back-off restarting failed container {record.name} in pod {whose}"
        self._whole.tell(record, "Warning", "BackOff", told)
        self._whole.write()
        await self._whole.pause(seconds)
        if self._whole.stopping.is_set():
            record.state = ended

    async def _run_once(self) -> None:
        whole, record = self._whole, self.record
        image = await self._image()
        setup = await self._set_up(image) if image else None
        if setup is None or whole.stopping.is_set():
            self.never_ran()
            return
        argv, folder, environment, message_file = setup
        log = LogFile(whole.folder / "logs" / record.name / f"{record.restarts}.log")
        whole.opened(record, log)
        if "terminated" in record.state:
            record.last_state = record.state
        record.container_id = f"process://{secrets.token_hex(32)}"
        started = to_text(now())
        try:
            self._process = await ContainerProcess.start(
                argv, folder=folder, environment=environment, log=log, reaper=self._tools.reaper
            )
        except StartError as error:
            log.close()
            whole.tell(record, "Warning", "Failed", f"Error: {error}")
            self._ended(START_FAILED, "StartError", "1970-01-01T00:00:00Z", str(error))
            return
        if whole.stopping.is_set():
            self._process.signal(signal.SIGTERM)
        record.state = {"running": {"startedAt": started}}
        whole.tell(record, "Normal", "Started", "Container started")
        whole.write()
        code = await self._process.wait()
        self._process = None
        message = self._last_words(message_file, log, code)
        self._ended(code, "Completed" if code == 0 else "Error", started, message)

    def never_ran(self) -> None:
        """As the kubelet says it of a container that it can't find when its pod ends."""
        message = "The container could not be located when the pod was terminated"
        ending = {"exitCode": 137, "reason": "ContainerStatusUnknown", "message": message}
        self.record.state = {"terminated": ending | {"startedAt": None, "finishedAt": None}}

    def _ended(self, code: int, reason: str, started: str, message: str) -> None:
        ending: dict[str, Any] = {
            "exitCode": code,
            "reason": reason,
            "startedAt": started,
            "finishedAt": to_text(now()),
            "containerID": self.record.container_id,
        }
        self.record.state = {"terminated": ending | ({"message": message} if message else {})}

    def _last_words(self, message_file: Path, log: LogFile, code: int) -> str:
        text = message_file.read_bytes()[-MAX_MESSAGE_BYTES:].decode(errors="replace") if message_file.exists() else ""
        fallback = self.record.spec.get("terminationMessagePolicy") == "FallbackToLogsOnError"
        if text or code == 0 or not fallback:
            return text
        return log.tail(MAX_FALLBACK_LINES, MAX_FALLBACK_BYTES)

    async def _image(self) -> Image | None:
        """The image; waits as long as there is none of that name, None if the pod ends before."""
        name, record = self.record.spec["image"], self.record
        seconds = FIRST_BACKOFF_SECONDS
        problem = f"no folder stands for it: start the cluster with --image {name}=FOLDER"
        while not self._whole.stopping.is_set():
            try:
                image = self._tools.images.find(name)
            except (ImageError, OSError) as error:
                image, problem = None, str(error)
            if image:
                record.image_id = image.folder.as_uri() if image.folder else ""
                return image
            failed = f'failed to pull image "{name}": {problem}'
            self._waits("ErrImagePull", failed, f"Failed to pull image: {failed}")
            await self._whole.pause(1)  # long enough to be seen, as the real one's attempt is
            backing_off = f'Back-off pulling image "{name}": ErrImagePull: {failed}'
            self._waits("ImagePullBackOff", backing_off, f'Back-off pulling image "{name}"')
            await self._whole.pause(seconds)
            seconds = min(2 * seconds, MAX_BACKOFF_SECONDS)
        return None

    async def _set_up(self, image: Image) -> tuple[list[str], Path, dict[str, str], Path] | None:
        """What to start and where; waits as long as something it refers to is missing."""
        while not self._whole.stopping.is_set():
            changed = asyncio.ensure_future(self._tools.config_maps_changed())
            try:
                return self._setup(image)
            except ConfigError as error:
                self._waits("CreateContainerConfigError", str(error), f"Error: {error}")
                await self._whole.pause(None, changed)
            finally:
                changed.cancel()
        return None

    def _waits(self, reason: str, message: str, told: str) -> None:
        # a state that is told already is not told again
        if self.record.state.get("waiting") != {"reason": reason, "message": message}:
            self.record.state = {"waiting": {"reason": reason, "message": message}}
            self._whole.write()
        kind, event = ("Normal", "BackOff") if reason == "ImagePullBackOff" else ("Warning", "Failed")
        self._whole.tell(self.record, kind, event, told)

    def _setup(self, image: Image) -> tuple[list[str], Path, dict[str, str], Path]:
        pod, container = self._whole.pod, self.record.spec
        config_maps = self._tools.config_maps(pod["metadata"]["namespace"])
        known = pod_environment(pod, container, self._tools.surroundings.allocatable, config_maps)
        words = command_line(container, image, known)
        root = self._folder / str(self.record.restarts)
        view, home, message_file = root / "work", root / "home", root / "termination-log"
        make_view(view, image.folder)
        (home / "tmp").mkdir(parents=True, exist_ok=True)
        paths = self._paths(image, view, message_file)
        environment = base_environment(self._tools.surroundings, pod, container, home)
        environment["TERMINATION_LOG"] = str(message_file)
        given = {**image.environment, **known}
        environment |= {name: paths.translate(value) for name, value in given.items()}
        folder = self._working_folder(container, image, paths, root)
        return [paths.translate(word) for word in words], folder, environment, message_file

    def _paths(self, image: Image, view: Path, message_file: Path) -> PathMap:
        paths = PathMap()
        paths.add(image.working_dir, view)
        paths.add(self.record.spec.get("terminationMessagePath", "/dev/termination-log"), message_file)
        volumes = self._whole.volumes()
        for number, mount in enumerate(self.record.spec.get("volumeMounts", ())):
            where = f"volumeMounts[{number}]"
            if mount.get("subPathExpr"):
                raise ConfigError(f"{where}.subPathExpr is not supported on this node: use subPath")
            place = volumes.get(mount["name"])
            if place is None:
                raise ConfigError(f'{where}.name: there is no volume "{mount["name"]}" in spec.volumes')
            if sub_path := mount.get("subPath"):
                place = place / sub_path
                place.parent.mkdir(parents=True, exist_ok=True)
                if not place.exists():
                    place.mkdir()
            paths.add(mount["mountPath"], place)
            show_in_view(view, image.working_dir, mount["mountPath"], place)
        return paths

    def _working_folder(self, container: dict[str, Any], image: Image, paths: PathMap, root: Path) -> Path:
        wanted = container.get("workingDir") or image.working_dir
        if wanted == image.working_dir:
            return root / "work"
        folder = paths.find(wanted)
        if folder is None:
            # the container runtime, too, makes a working directory that the image doesn't have
            folder = root / "root" / wanted.strip("/")
            paths.add(wanted, folder)
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
