"""What reports cost through the whole operator on a real cluster: requests and CPU, for log, annotation and reporter.

    python -m bench.cost_of_reports --kubeconfig FILE --audit-log FILE [--trials 20] [--seconds 60]

Needs a cluster whose nodes run containers, with the CRDs of this checkout and no other operator; and its API server's
audit log (level Metadata). For each source the operator is started anew, a process of its own, with so many trials that
report once a second, each in a pod; when all have begun it is watched for so long. What it takes with the same pods and
no reports is subtracted.
"""

import argparse
import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml

from hyperdrive_operator.api.names import ANNOTATION_METRICS
from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.errors import ClusterError
from hyperdrive_operator.kube.kinds import HYPERDRIVES, JOBS, Kind, Object

from . import live

SOURCES: Final = ("none", "log", "annotation", "reporter")
#: After all trials run: what their start has caused must be over.
SETTLE_SECONDS: Final = 10
#: The API server writes its audit log in batches.
AUDIT_SECONDS: Final = 35
ROOT: Final = Path(__file__).parents[1]
REPORTER: Final = "trainer"

_KINDS: Final = {
    "ServiceAccount": Kind("", "v1", "serviceaccounts", "ServiceAccount"),
    "Role": Kind("rbac.authorization.k8s.io", "v1", "roles", "Role"),
    "RoleBinding": Kind("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding"),
    "ConfigMap": Kind("", "v1", "configmaps", "ConfigMap"),
}
_SILENT: Final = "import time\ntime.sleep(3600)"
_PRINTS: Final = """
import time
for epoch in range(3600):
    print(f"epoch={epoch} loss=0.{epoch:04} score=0.{epoch:04}", flush=True)
    time.sleep(1)
"""
_REPORTS: Final = """
import time
from hyperdrive import report
for epoch in range(3600):
    report(score=epoch / 10000, loss=epoch / 10000, step=epoch)
    time.sleep(1)
"""


@dataclass(frozen=True, slots=True)
class Round:
    """What was seen of one source."""

    cpu_seconds: float
    reports: int
    counted: int
    #: By who made them and what: the operator or the writer of the reports; verb and resource.
    requests: Counter[tuple[str, str]]


def main() -> None:
    """Read the command line, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--audit-log", required=True, type=Path)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--sources", nargs="+", choices=SOURCES, default=list(SOURCES))
    parser.add_argument("--image", default=live.IMAGE, help=f"an image with Python (default: {live.IMAGE})")
    parser.add_argument("--operator-log", default=os.devnull)
    asyncio.run(_run(parser.parse_args()))


async def _run(arguments: argparse.Namespace) -> None:
    client = await KubeClient.connect(kubeconfig=arguments.kubeconfig, user_agent="bench-annotator")
    idle = 0.0
    for source in arguments.sources:
        found = await _round(client, source, arguments)
        if source == "none":
            idle = found.cpu_seconds
        _print(source, found, idle, arguments)
    await client.close()


# --- one source ------------------------------------------------------


async def _round(client: KubeClient, source: str, arguments: argparse.Namespace) -> Round:
    trials, seconds = arguments.trials, arguments.seconds
    async with (
        live.namespace(client, f"bench-{source}") as namespace,
        live.operator(arguments.kubeconfig, namespace, arguments.operator_log) as operator,
    ):
        if source == "reporter":
            await _allow_reporter(client, namespace)
        await client.create(HYPERDRIVES, namespace, _sweep(source, trials, arguments.image))

        async def all_run() -> bool:
            found = await live.records(client, namespace)
            return sum(record.get("status", {}).get("state") == "Running" for record in found) == trials

        await live.wait_for(f"{trials} running trials", all_run)
        writers = _annotators(client, namespace, trials) if source == "annotation" else []
        await asyncio.sleep(SETTLE_SECONDS)
        counted, cpu, began = await _counted(client, namespace), operator.cpu_seconds(), datetime.now(UTC)
        clock = time.monotonic()
        await asyncio.sleep(seconds)
        cpu, ended = operator.cpu_seconds() - cpu, datetime.now(UTC)
        reports = 0 if source == "none" else round(trials * (time.monotonic() - clock))
        counted = await _counted(client, namespace) - counted
        for writer in writers:
            writer.cancel()
        await asyncio.gather(*writers, return_exceptions=True)
    await asyncio.sleep(AUDIT_SECONDS)
    requests = Counter(_requests(arguments.audit_log, namespace, began, ended))
    return Round(cpu, reports, counted, requests)


def _sweep(source: str, trials: int, image: str) -> Object:
    script = {"log": _PRINTS, "reporter": _REPORTS}.get(source, _SILENT)
    metrics = {"metrics": {"source": "Log" if source in {"log", "none"} else "Annotation"}}
    pod: Object = {}
    if source == "reporter":
        pod = {
            "serviceAccountName": REPORTER,
            "volumes": [{"name": "sdk", "configMap": {"name": "sdk"}}],
            "container": {
                "volumeMounts": [{"name": "sdk", "mountPath": "/sdk/hyperdrive"}],
                "env": [{"name": "PYTHONPATH", "value": "/sdk"}],
            },
        }
    return live.sweep("bench", script, trials, image=image, pod=pod, **metrics)


async def _allow_reporter(client: KubeClient, namespace: str) -> None:
    """Apply the Role of the docs, and bring the reporter to the pods without an image of its own."""
    documents = yaml.safe_load_all((ROOT / "manifests" / "reporter-role.yaml").read_text(encoding="utf-8"))
    files = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "sdk" / "hyperdrive").glob("*.py")}
    sdk = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "sdk"}, "data": files}
    for document in (*documents, sdk):
        body = {**document, "metadata": {**document["metadata"], "namespace": namespace}}
        await client.create(_KINDS[document["kind"]], namespace, body)


def _annotators(client: KubeClient, namespace: str, trials: int) -> list[asyncio.Task[None]]:
    return [asyncio.create_task(_annotate(client, namespace, f"bench-{number + 1}")) for number in range(trials)]


async def _annotate(client: KubeClient, namespace: str, job: str) -> None:
    """Write a new value each second, as a script with kubectl would."""
    began = time.monotonic()
    for epoch in range(3600):
        value = json.dumps({"score": epoch / 10000, "loss": epoch / 10000, "step": epoch})
        with suppress(ClusterError):  # one that is lost is none of the operator's
            await client.patch(JOBS, namespace, job, {"metadata": {"annotations": {ANNOTATION_METRICS: value}}})
        await asyncio.sleep(max(0.0, began + epoch + 1 - time.monotonic()))


async def _counted(client: KubeClient, namespace: str) -> int:
    """Return how many reports the records have: some seconds behind what the operator knows."""
    found = await live.records(client, namespace)
    return sum(record.get("status", {}).get("reports", 0) for record in found)


# --- the audit log ---------------------------------------------------


def _requests(log: Path, namespace: str, began: datetime, ended: datetime) -> Iterator[tuple[str, str]]:
    """Yield who asked for what in the namespace between two times. Watches and followed logs began before."""
    for line in _lines(log):
        if namespace not in line:
            continue
        event: dict[str, Any] = json.loads(line)
        reference = event.get("objectRef") or {}
        received = datetime.fromisoformat(event["requestReceivedTimestamp"])
        if event["stage"] == "ResponseComplete" and began <= received <= ended:
            resource = "/".join(filter(None, (reference.get("resource"), reference.get("subresource"))))
            yield _who(event, namespace), f"{event['verb']} {resource}"


def _who(event: dict[str, Any], namespace: str) -> str:
    if event.get("userAgent", "").startswith("hyperdrive-operator"):
        return "operator"
    if event["user"]["username"] == f"system:serviceaccount:{namespace}:{REPORTER}":
        return "writer"
    return (
        "writer" if event.get("userAgent", "").startswith("bench-annotator") and event["verb"] == "patch" else "other"
    )


def _lines(log: Path) -> Iterator[str]:
    """Yield all complete lines, those that were rotated away (NAME-TIME.log) first."""
    for path in [*sorted(log.parent.glob(f"{log.stem}-*{log.suffix}")), log]:
        with path.open(encoding="utf-8") as stream:
            yield from (line for line in stream if line.endswith("\n"))


# --- what came out ---------------------------------------------------


def _print(source: str, found: Round, idle: float, arguments: argparse.Namespace) -> None:
    print(
        f"{source}: {arguments.trials} trials, {arguments.seconds} s, {found.reports} reports, {found.counted} recorded"
    )
    print(f"  the operator's CPU: {found.cpu_seconds:.2f} s", end="")
    if found.reports:
        each = 1e6 * (found.cpu_seconds - idle) / found.reports
        print(f", {each:.0f} us a report without the {idle:.2f} s that it takes when nothing is reported", end="")
    print()
    for who in ("operator", "writer"):
        for line in _per_report(found, who):
            print(f"  {who}: {line}", flush=True)


def _per_report(found: Round, who: str) -> Sequence[str]:
    of = {what: count for (by, what), count in found.requests.items() if by == who}
    each = (f" ({count / found.reports:.3f} a report)" if found.reports else "" for count in of.values())
    return [f"{what}: {count}{share}" for (what, count), share in zip(of.items(), each, strict=True)] or ["no requests"]


if __name__ == "__main__":
    main()
