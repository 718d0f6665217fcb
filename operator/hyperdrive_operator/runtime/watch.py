"""The only file that knows kopf: its stream of HyperDrives, in a thread and loop of its own, handing over raw objects.

kopf brings discovery, paged lists, bookmarks, reconnects and re-login. Everything else of it stays unused: no stateful
handlers, no finalizers, no annotations, no peering, no events. It never tells of an object that was deleted while a
stream was broken: the controller's own relist finds those. What sweeps consist of, a hundred events to one of theirs,
the controller's informers watch (docs/design/0006).
"""

import asyncio
import concurrent.futures
import dataclasses
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

import aiohttp
import kopf

from hyperdrive_operator.api import names
from hyperdrive_operator.kube.credentials import as_kubectl_does, authorization, load_configuration
from hyperdrive_operator.kube.decoding import ShallowResponse
from hyperdrive_operator.kube.errors import KubeConfigError
from hyperdrive_operator.kube.kinds import HYPERDRIVES, Kind, Object

#: Called in the watcher's thread for each event. The type is None for what was there before the stream began.
EventSink = Callable[[Kind, str | None, Object], None]
#: Called in the watcher's thread when a stream has begun (anew) by a list: what that lacks, no event will tell.
ListSink = Callable[[], None]

NAME: Final = "hyperdrive-operator"
# After the last of these a 403 or 5xx ends kopf, and with it the process. A quarter of an hour outlasts the upgrade of
# a control plane or a mended Role.
ERROR_BACKOFFS: Final = (1, 1, 2, 3, 5, 8, 13, 21, *[30] * 28)
# An exec plugin may fail for a while (its own network); five minutes of it end the process.
LOGIN_RETRIES: Final = 30
LOGIN_DELAY_SECONDS: Final = 10.0
# kopf opens a stream that ends at once again without a pause, a thousand times a second.
REOPEN_SECONDS: Final = 1.0
# Workers only hand over: what they have not done in this time, the relist at the next start does.
EXIT_SECONDS: Final = 0.5


class KopfWatcher:
    """Owns kopf's thread. Start it once; ``finished`` holds its end, good or bad."""

    def __init__(
        self,
        *,
        kubeconfig: str | None,
        context: str | None,
        namespaces: Sequence[str],
        on_event: EventSink,
        on_list: ListSink = lambda: None,
    ) -> None:
        self._kubeconfig = kubeconfig
        self._context = context
        self._namespaces = tuple(namespaces)
        self._on_event = on_event
        self._asked: set[str] = set()  # grows in the watcher's thread, and is read in others
        self._tracing = trace(on_list, self._asked)
        self._thread = threading.Thread(target=self._run, name="kopf", daemon=True)
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_flag: asyncio.Event | None = None
        self._lock = threading.Lock()
        #: Set when kopf has begun, before it has listed anything.
        self.ready = threading.Event()
        self.finished: concurrent.futures.Future[None] = concurrent.futures.Future()
        self.finished.set_running_or_notify_cancel()  # else who waits for it in vain, cancels it with themselves

    @property
    def overlooked(self) -> tuple[str, ...]:
        """The plurals that kopf has not asked for yet. What its discovery does not find it never asks for."""
        return () if HYPERDRIVES.plural in self._asked else (HYPERDRIVES.plural,)

    def start(self) -> None:
        """Begin to watch. The CRDs must be served by now: kopf looks for them only once."""
        self._thread.start()

    def stop(self) -> None:
        """Ask for the end, from any thread, at any time, any number of times."""
        with self._lock:
            self._stopping.set()
            if self._loop is not None and self._stop_flag is not None:
                self._loop.call_soon_threadsafe(self._stop_flag.set)

    def join(self, seconds: float) -> bool:
        """Wait for the thread's end; False if it takes longer. It is a daemon: it never keeps the process alive."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except Exception as error:  # noqa: BLE001  # the top of a thread: the supervisor raises it
            self.finished.set_exception(error)
        except BaseException as error:  # noqa: BLE001  # a CancelledError would look like the supervisor's own
            self.finished.set_exception(RuntimeError(f"kopf's loop was ended by {error!r}"))
        else:
            self.finished.set_result(None)

    async def _main(self) -> None:
        # An asyncio.Event: kopf waits for a threading one in an executor's thread, which keeps a crashed loop alive.
        stop_flag = asyncio.Event()
        with self._lock:
            if self._stopping.is_set():
                return
            self._loop, self._stop_flag = asyncio.get_running_loop(), stop_flag
        try:
            await kopf.operator(
                registry=self._registry(),
                settings=watch_settings(),
                clusterwide=not self._namespaces,
                namespaces=self._namespaces,
                # by default kopf looks up its user's name: in a container the user often is a mere number
                identity=NAME,  # type: ignore[arg-type]  # a NewType of str that kopf keeps to itself
                ready_flag=self.ready,
                stop_flag=stop_flag,
            )
        finally:
            with self._lock:
                self._loop = self._stop_flag = None

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()

        @kopf.on.login(id="login", retries=LOGIN_RETRIES, registry=registry)
        async def login(**_: Any) -> kopf.AiohttpSession:
            try:
                info = await connection_info(self._kubeconfig, self._context)
            except KubeConfigError as error:
                raise kopf.TemporaryError(str(error), delay=LOGIN_DELAY_SECONDS) from error
            return Login(server=info.server, info=info, tracing=self._tracing)

        kind = HYPERDRIVES

        @kopf.on.event(kind.group, kind.version, kind.plural, id=kind.plural, registry=registry)
        async def observe(event: kopf.RawEvent, **_: Any) -> None:
            self._on_event(kind, event["type"], event["object"])  # type: ignore[arg-type]  # a TypedDict is a dict

        return registry


def watch_settings() -> kopf.OperatorSettings:
    """Make kopf an informer and nothing else."""
    settings = kopf.OperatorSettings()
    settings.peering.standalone = True  # else any peering object named "default" makes operators pause each other
    settings.scanning.disabled = True  # no watching of CRDs and namespaces, no rights for it
    settings.posting.enabled = False
    settings.queueing.exit_timeout = EXIT_SECONDS
    settings.watching.chunk_size = 500
    settings.networking.connect_timeout = 10
    settings.networking.request_timeout = 60
    settings.networking.error_backoffs = ERROR_BACKOFFS
    # Nothing of ours is stateful; should that ever change by mistake, at least it is named after us.
    settings.persistence.finalizer = f"{names.GROUP}/kopf"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=f"kopf.{names.GROUP}", v1=False)
    settings.persistence.diffbase_storage = _NoDiffs()
    return settings


async def connection_info(kubeconfig: str | None, context: str | None) -> kopf.ConnectionInfo:
    """Read the same credentials as our own client. kopf asks again after a 401."""
    configuration = await load_configuration(kubeconfig, context)
    scheme, token = await authorization(configuration) or (None, None)
    return kopf.ConnectionInfo(
        server=str(configuration.host),
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        scheme=scheme,
        token=token,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        proxy_url=configuration.proxy,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Login(kopf.AiohttpSession):
    """Credentials as kopf's own, but for sessions whose answers nest no deeper than a JSON parser bears.

    As with its own, equal ones are equal (kopf does not try again what was refused), and each use opens a session: kopf
    closes it and asks for the next, also while it ends.
    """

    info: kopf.ConnectionInfo
    tracing: aiohttp.TraceConfig = dataclasses.field(repr=False, compare=False)
    aiohttp_session: aiohttp.ClientSession = dataclasses.field(init=False, repr=False, compare=False)

    def __getattr__(self, name: str) -> aiohttp.ClientSession:
        if name != "aiohttp_session":
            raise AttributeError(name)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=as_kubectl_does(self.info.as_ssl_context())),
            headers=self.info.as_http_headers(),
            proxy=self.info.proxy_url,
            response_class=ShallowResponse,
            trace_configs=[self.tracing],
        )


def trace(on_list: ListSink, asked: set[str]) -> aiohttp.TraceConfig:
    """Look at kopf's requests: note what it asks for, tell of lists, let time pass between two streams of the same."""
    opened: dict[str, float] = {}

    async def start(_session: object, _context: object, request: aiohttp.TraceRequestStartParams) -> None:
        if "limit" in request.url.query:
            asked.add(request.url.path.rsplit("/", 1)[-1])
        if "watch" not in request.url.query:
            return
        now = asyncio.get_running_loop().time()
        due = max(opened.get(request.url.path, 0.0) + REOPEN_SECONDS, now)
        opened[request.url.path] = due
        await asyncio.sleep(due - now)

    async def end(_session: object, _context: object, request: aiohttp.TraceRequestEndParams) -> None:
        is_list = "limit" in request.url.query and request.url.path.endswith(f"/{HYPERDRIVES.plural}")
        if is_list and request.response.status < 300:
            on_list()

    tracing = aiohttp.TraceConfig()
    tracing.on_request_start.append(start)
    tracing.on_request_end.append(end)
    return tracing


class _NoDiffs(kopf.DiffBaseStorage):
    """Keeps kopf from copying and comparing whole objects at each event, for handlers that we do not have."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return {}

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        return None

    def store(self, **_: Any) -> None:
        pass
