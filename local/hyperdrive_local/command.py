"""The command that starts an embedded cluster and tells what happens in it."""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from hyperdrive_local.cluster import Cluster, ClusterError
from hyperdrive_local.controllers.follow import follow
from hyperdrive_local.errors import ApiError
from hyperdrive_local.objects import Object
from hyperdrive_local.registry import Registry
from hyperdrive_local.resources import CUSTOM_RESOURCE_DEFINITIONS, EVENTS

DESCRIPTION = """\
An embedded Kubernetes for trying and testing HyperDrive: an API server on 127.0.0.1, the Job controller, garbage
collection, and one node that runs a pod's containers as processes of this machine, as you, with nothing around them.
It is no cluster fit for work. Needs no root, no Docker, no network."""

EPILOG = """\
images: a pod's image must be named by --image, since nothing is pulled. FOLDER stands for what the image has in its
WORKDIR; ENTRYPOINT, CMD, ENV and WORKDIR are read from FOLDER/Dockerfile. python:* needs no folder. `python` is the
interpreter that runs this command.

example:
  python -m hyperdrive_local --crds crds --image localhost/hyperdrive-digits:1=manifests/samples/digits
  kubectl --kubeconfig .local/kubeconfig get pods --watch
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        asyncio.run(_run(options))
    except ClusterError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m hyperdrive_local",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path(".local"),
        metavar="FOLDER",
        help="where objects, logs and the kubeconfig are kept (default: .local)",
    )
    parser.add_argument("--port", type=_port, default=0, metavar="N", help="listen there (default: any free port)")
    parser.add_argument(
        "--image",
        type=_image,
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="let a folder stand for an image; may be given again",
    )
    parser.add_argument("--crds", type=Path, metavar="FOLDER", help="install the CRDs that the folder's *.yaml define")
    parser.add_argument("--fresh", action="store_true", help="forget everything from before")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number up to 65535, or 0 for any free one")
    return int(text)


def _image(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    if not (name and equals and folder):
        raise argparse.ArgumentTypeError(f"{text!r}: write NAME=FOLDER, as in acme/train:1=./train")
    if not Path(folder).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r}: there is no folder {folder}")
    return name, Path(folder)


async def _run(options: argparse.Namespace) -> None:
    definitions = _read_definitions(options.crds) if options.crds else []
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    cluster = Cluster(options.data_dir, images=dict(options.image), fresh=options.fresh)
    await cluster.start(options.port)
    try:
        _install(cluster.registry, definitions)
        _say(f"kubeconfig: {cluster.kubeconfig}")
        await _until(stop, cluster)
    finally:
        await cluster.stop()
    _say("stopped")


async def _until(stop: asyncio.Event, cluster: Cluster) -> None:
    """Wait for the signal; a part that fails ends the wait with its error."""
    tasks: list[asyncio.Task[Any]] = [
        asyncio.create_task(stop.wait()),
        asyncio.create_task(cluster.wait()),
        asyncio.create_task(follow(cluster.registry, EVENTS, Narrator(cluster.registry).hear)),
    ]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    for task in done:
        await task


class Narrator:
    """Says what a person at the terminal wants to know: how Jobs end, and every new trouble once."""

    WORTH_TELLING = frozenset({"Completed", "Suspended", "Resumed"})

    def __init__(self, registry: Registry) -> None:
        # what happened before this start was told then
        self._told = {event["metadata"]["uid"] for event in registry.list(EVENTS)[0]}

    def hear(self, kind: str, event: Object) -> None:
        """Take note of an event of the cluster."""
        uid = event["metadata"]["uid"]
        if kind == "DELETED":
            self._told.discard(uid)
            return
        if uid in self._told:
            return
        self._told.add(uid)
        if event.get("type") == "Warning" or event.get("reason") in self.WORTH_TELLING:
            about = event["involvedObject"]
            where = f"{about.get('namespace', '')}/{about['name']}".removeprefix("/")
            _say(f"{about['kind'].lower()} {where}: {event['reason']}: {event['message']}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _read_definitions(folder: Path) -> list[Object]:
    files = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    if not files:
        raise ClusterError(f"--crds {folder}: there is no *.yaml in it")
    found = []
    for file in files:
        try:
            documents = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
        except (OSError, yaml.YAMLError) as error:
            raise ClusterError(f"--crds: {file} can't be read: {error}") from error
        found += [d for d in documents if isinstance(d, dict) and d.get("kind") == CUSTOM_RESOURCE_DEFINITIONS.kind]
    return found


def _install(registry: Registry, definitions: Sequence[Object]) -> None:
    for definition in definitions:
        name = definition["metadata"]["name"]
        try:
            present = registry.get(CUSTOM_RESOURCE_DEFINITIONS, "", name)
        except ApiError:
            present = None
        try:
            if present is None:
                registry.create(CUSTOM_RESOURCE_DEFINITIONS, "", definition)
            else:
                definition["metadata"]["resourceVersion"] = present["metadata"]["resourceVersion"]
                registry.update(CUSTOM_RESOURCE_DEFINITIONS, "", name, definition)
        except ApiError as error:
            raise ClusterError(f"--crds: {error.message}") from error
