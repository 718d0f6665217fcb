"""The demo's command line, and where its files are."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: The clone that this file is part of: the demo runs what lies there.
ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "manifests" / "samples" / "digits"
DATA = ROOT / ".local" / "demo"
SAMPLE_SWEEP = SAMPLE / "sweep.yaml"
SAMPLE_IMAGE = "localhost/hyperdrive-digits:1"


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for."""

    kubeconfig: Path | None
    namespace: str
    keep: bool
    serve: bool
    sweep: Path
    picture: Path | None
    data: Path

    @property
    def operator_log(self) -> Path:
        """What the operator says."""
        return self.data / "operator.log"

    @property
    def cluster_log(self) -> Path:
        """What the embedded cluster says; beside its data, since a fresh start empties that."""
        return self.data.with_name(f"{self.data.name}-cluster.log")


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m hyperdrive_demo",
        description="Run one HyperDrive sweep and name its best trial: on an embedded cluster of local processes, "
        "or on the cluster that a kubeconfig names. KUBECONFIG of the environment is never read.",
        epilog=f"On a cluster of yours the sample needs its image on the nodes: build {show_path(SAMPLE)} as "
        f"{SAMPLE_IMAGE}.",
    )
    parser.add_argument(
        "--kubeconfig", type=Path, metavar="FILE", help="run on this cluster instead of an embedded one"
    )
    parser.add_argument("--namespace", default="default", help="namespace of the sweep (default: %(default)s)")
    parser.add_argument("--sweep", type=Path, metavar="FILE", default=SAMPLE_SWEEP,
                        help="HyperDrive manifest to run (default: the digits sample)")  # fmt: skip
    parser.add_argument("--keep", action="store_true", help="when the sweep has ended, stay up until Ctrl-C")
    parser.add_argument("--serve", action="store_true",
                        help="run no sweep: start what the last demo left, and an operator")  # fmt: skip
    parser.add_argument("--picture", type=Path, metavar="FILE", help="save what was shown as an SVG picture")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", default=DATA,
                        help="where the embedded cluster keeps its data (default: .local/demo)")  # fmt: skip
    given = parser.parse_args(arguments)
    if given.serve and given.kubeconfig:
        parser.error("--serve starts the embedded cluster, --kubeconfig names another: give one of them")
    return Options(
        kubeconfig=given.kubeconfig,
        namespace=given.namespace,
        keep=given.keep,
        serve=given.serve,
        sweep=given.sweep,
        picture=given.picture,
        data=given.data_dir,
    )


def show_path(path: Path) -> str:
    """Write a path as short as it can be from here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
