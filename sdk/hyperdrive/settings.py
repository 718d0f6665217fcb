"""What a process knows of its trial, and whether it is the one that reports. Read from the environment, once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Where Kubernetes puts a pod's token, the API server's certificate authority and the namespace.
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")

#: Between two writes of one process. With it 1,000 running trials are at most 200 writes a second.
INTERVAL_SECONDS = 5.0
#: What the end of a script may be held up to send its last report.
FLUSH_SECONDS = 5.0
#: What one request may take.
REQUEST_SECONDS = 5.0

#: A process's number among those that train together, as torchrun, Open MPI and MPICH say it: the first one counts.
_RANKS = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "LOCAL_RANK")


@dataclass(frozen=True)
class Server:
    """Where the API server is, and the files with which to talk to it."""

    host: str
    port: int
    account: Path = SERVICE_ACCOUNT


@dataclass(frozen=True)
class Settings:
    """All that a reporter goes by."""

    #: The trial's name, which is its Job's; empty outside of a trial.
    trial: str = ""
    #: Guards against a Job of the same name that is not ours any more; empty if it is not known.
    job_uid: str = ""
    primary_metric: str = ""
    is_higher_better: bool = True
    #: Whether this process is the one of its trial that reports.
    is_reporter: bool = True
    #: None outside of a cluster.
    server: Server | None = None
    #: Print each report too, as name=value.
    prints: bool = False
    interval_seconds: float = INTERVAL_SECONDS
    flush_seconds: float = FLUSH_SECONDS
    handles_sigterm: bool = True


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read what the operator, Kubernetes and the launcher of the processes say."""
    return Settings(
        trial=environ.get("HYPERDRIVE_TRIAL", ""),
        job_uid=environ.get("HYPERDRIVE_JOB_UID", ""),
        primary_metric=environ.get("HYPERDRIVE_PRIMARY_METRIC", ""),
        is_higher_better=environ.get("HYPERDRIVE_GOAL", "Maximize") != "Minimize",
        is_reporter=is_reporter(environ),
        server=_server(environ),
        prints=_flag(environ.get("HYPERDRIVE_PRINT"), default=False),
        interval_seconds=_seconds(environ.get("HYPERDRIVE_REPORT_INTERVAL"), default=INTERVAL_SECONDS),
        handles_sigterm=_flag(environ.get("HYPERDRIVE_SIGTERM"), default=True),
    )


def is_reporter(environ: Mapping[str, str]) -> bool:
    """Tell whether this process reports for its trial: of several processes, and of several pods, the first.

    Ranks count across pods where a launcher spans them, and then the first rank may be in any pod. Where the launcher
    spans one pod alone, or there is none, the pod's index in its Job counts too.
    """
    own_word = environ.get("HYPERDRIVE_REPORTER")
    if own_word is not None:
        return _flag(own_word, default=True)
    rank = next((environ[name] for name in _RANKS if environ.get(name)), None)
    if rank is not None and rank != "0":
        return False
    is_first_pod = environ.get("JOB_COMPLETION_INDEX", "0") == "0"
    return is_first_pod if rank is None else is_first_pod or _spans_pods(environ)


def read_parameters(environ: Mapping[str, str]) -> dict[str, Any]:
    """Read the trial's parameters: none outside of a trial. ValueError if they are no JSON object."""
    parameters = json.loads(environ.get("HYPERDRIVE_PARAMETERS") or "{}")
    if not isinstance(parameters, dict):
        raise ValueError("no JSON object")
    return parameters


def _spans_pods(environ: Mapping[str, str]) -> bool:
    nodes = environ.get("GROUP_WORLD_SIZE")  # torchrun's count of pods
    if nodes is not None:
        return nodes != "1"
    everywhere = environ.get("WORLD_SIZE") or environ.get("OMPI_COMM_WORLD_SIZE")
    here = environ.get("LOCAL_WORLD_SIZE") or environ.get("OMPI_COMM_WORLD_LOCAL_SIZE")
    return everywhere not in (None, "1", here)


def _server(environ: Mapping[str, str]) -> Server | None:
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host or not port.isdecimal():
        return None
    return Server(host, int(port), Path(environ.get("HYPERDRIVE_SERVICE_ACCOUNT") or SERVICE_ACCOUNT))


def _flag(text: str | None, *, default: bool) -> bool:
    if not text:
        return default
    return text.strip().lower() not in ("0", "false", "no", "off")


def _seconds(text: str | None, *, default: float) -> float:
    try:
        seconds = float(text or default)
    except ValueError:
        return default
    return seconds if 1.0 <= seconds <= 3600.0 else default
