"""Config: how the operator is told what to do. The only reader of the environment.

One precedence for every setting: the flag, then its HYPERDRIVE_* variable, then the default.
"""

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from hyperdrive_operator import __version__

from .settings import LEASE, SETTINGS

_DURATION: Final = re.compile(r"(?=\d)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
# RFC 1123, as the API server has it: a typo must not become a watch that stays silent for ever.
_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def _duration(value: object) -> float:
    found = _DURATION.fullmatch(str(value))
    if found is None:
        raise ValueError("give a duration such as 10m, 90s or 1h30m")
    hours, minutes, seconds = (int(group or 0) for group in found.groups())
    return float(hours * 3600 + minutes * 60 + seconds)


def _namespaces(value: object) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(part.strip() for part in str(value).split(",") if part.strip()))
    for name in found:
        if not _NAMESPACE.fullmatch(name):
            raise ValueError(
                f"{name!r} is no name of a namespace; give names with commas between, such as team-a,team-b"
            )
    return found


class Listen(BaseModel):
    """Where /metrics, /healthz and /readyz are served."""

    model_config = ConfigDict(frozen=True)

    host: str
    port: int


def _listen(value: object) -> Listen | None:
    text = str(value)
    if text == "off":
        return None
    host, colon, port = text.rpartition(":")  # the last one: the address of a pod may be IPv6
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError("give ADDRESS:PORT such as 127.0.0.1:8080 (port 0: any free one), or off")
    return Listen(host=host.removeprefix("[").removesuffix("]"), port=int(port))


class LeaseName(BaseModel):
    """Which Lease makes one of several replicas the leader."""

    model_config = ConfigDict(frozen=True)

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def _lease(value: object) -> LeaseName | None:
    text = str(value)
    if text == "off":
        return None
    namespace, slash, name = text.partition("/")
    if not slash or not _NAMESPACE.fullmatch(namespace) or not _NAMESPACE.fullmatch(name):
        raise ValueError(f"give NAMESPACE/NAME of a Lease, such as hyperdrive-system/{LEASE}, or off")
    return LeaseName(namespace=namespace, name=name)


class Config(BaseModel):
    """The operator's settings, checked."""

    model_config = ConfigDict(frozen=True)

    kubeconfig: str | None
    context: str | None
    namespaces: Annotated[tuple[str, ...], BeforeValidator(_namespaces)]
    workers: Annotated[int, Field(ge=1, le=64)]
    resync_seconds: Annotated[float, BeforeValidator(_duration), Field(ge=10)]
    listen: Annotated[Listen | None, BeforeValidator(_listen)]
    best_values: Annotated[int, Field(ge=0, le=10_000)]
    leader_elect: Annotated[LeaseName | None, BeforeValidator(_lease)]
    # The API server keeps whole seconds. Shorter ones are lost whenever an API server restarts.
    lease_duration_seconds: Annotated[float, BeforeValidator(_duration), Field(ge=5, le=300)]
    log_format: Literal["text", "json"]
    log_level: Literal["debug", "info", "warning", "error"]
    #: Who writes our events: the pod's name where there is one.
    instance: str
    #: Whether that name is a pod's, which no other process has at the same time.
    is_pod: bool

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str], argv: Sequence[str], *, terminal: bool = False, hostname: str = "unknown"
    ) -> "Config":
        """Read flags and environment. A wrong value exits with status 2 and one line that says what to give."""
        parser = _parser()
        flags = vars(parser.parse_args(argv))
        given: dict[str, Any] = {
            one.name: flags[one.name] or environ.get(one.variable) or one.default for one in SETTINGS
        }
        given["log_format"] = given["log_format"] or ("text" if terminal else "json")
        given["kubeconfig"] = given["kubeconfig"] or _kubeconfig(environ)
        given["instance"] = environ.get("POD_NAME") or hostname
        given["is_pod"] = bool(environ.get("POD_NAME"))
        given["leader_elect"] = given["leader_elect"] or _own_lease(environ, given["kubeconfig"])
        if given["context"] and not given["kubeconfig"]:
            parser.error("--context: there is no kubeconfig file to take it from; name one with --kubeconfig")
        try:
            return cls.model_validate({(f"{k}_seconds" if k in _DURATIONS else k): v for k, v in given.items()})
        except ValidationError as error:
            parser.error(_explain(error, flags))


_DURATIONS: Final = frozenset({"resync", "lease_duration"})
# Where the kubelet puts the namespace of a pod.
_SERVICE_ACCOUNT_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def _kubeconfig(environ: Mapping[str, str]) -> str | None:
    """Find the kubeconfig as kubectl does. None: the service account of the pod we are in."""
    if environ.get("KUBECONFIG"):
        return environ["KUBECONFIG"]
    default = Path(environ.get("HOME") or "~").expanduser() / ".kube" / "config"
    return str(default) if default.is_file() else None


def _own_lease(environ: Mapping[str, str], kubeconfig: str | None) -> str:
    """Return the Lease in the namespace of the pod that we are in; off where we are in none."""
    namespace = environ.get("POD_NAMESPACE", "")
    if not namespace and kubeconfig is None and _SERVICE_ACCOUNT_NAMESPACE.is_file():
        namespace = _SERVICE_ACCOUNT_NAMESPACE.read_text(encoding="utf-8").strip()
    return f"{namespace}/{LEASE}" if namespace else "off"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, for logs and people alike."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message.removeprefix('argument ')} (--help lists all settings)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="hyperdrive-operator",
        description="Runs HyperDrive sweeps: one Kubernetes Job per combination of hyperparameters.",
        epilog="Each setting can also be given as a variable: HYPERDRIVE_ and the flag's name in capitals, such as "
        "HYPERDRIVE_LOG_LEVEL for --log-level. A flag wins over its variable, the variable over the default.",
        allow_abbrev=False,
    )
    add: Any = parser.add_argument
    for one in SETTINGS:
        add(one.flag, metavar=one.form, help=f"{one.about}; default: {one.default_in_words}")
    add("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


def _explain(error: ValidationError, flags: Mapping[str, object]) -> str:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]).removesuffix("_seconds")
    setting = next(one for one in SETTINGS if one.name == name)
    source = setting.flag if flags.get(name) else f"{setting.variable} (or {setting.flag})"
    message = str(first["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    return f"{source}: {message[0].lower()}{message[1:]}"
