"""What the demo says at its end: the best trials, how to look further, or what went wrong. Pure."""

from shlex import quote

from rich.console import RenderableType

from .board import Board
from .options import DATA, ROOT, Options, show_path
from .progress import trial_table
from .text import best_trial_line

TOP = 5


def summary(board: Board, seconds: float) -> list[RenderableType]:
    """How the sweep went, and its best trials."""
    succeeded, failed = board.count("Succeeded"), board.count("Failed")
    stopped = board.count("EarlyStopped")
    ended = f"{succeeded + failed + stopped} trials in {seconds:.0f} s: {succeeded} succeeded, {failed} failed"
    if stopped:
        ended += f", {stopped} stopped early"
    return ["", ended, "", trial_table(board, board.by_value()[:TOP]), ""]


def look_further(options: Options, name: str, kubeconfig: str, best: str) -> list[str]:
    """The commands with which a person goes on."""
    lines = ["to look further:"]
    if options.kubeconfig is None:
        again = "make cluster"
        if options.data != DATA:
            again = f"python -m hyperdrive_demo --serve --data-dir {quote(str(options.data))}"
        lines.append(f"  {again}   # starts this cluster again with its results; then, in another terminal:")
    at = "" if options.namespace == "default" else f" -n {quote(options.namespace)}"
    lines += [
        f"  export KUBECONFIG={quote(kubeconfig)}",
        f"  kubectl{at} get hd",
        f"  kubectl{at} get hdt",
        f"  kubectl{at} describe hd {name}",
    ]
    if best:
        lines.append(f"  kubectl{at} logs job/{best}")
    if options.kubeconfig is not None:
        lines.append(f"to remove the sweep, its trials and Jobs:  kubectl{at} delete hd {name}")
        lines.append(f"to remove HyperDrive's CRDs and every sweep with them:  kubectl delete -f {crds()}")
    return lines


def crds() -> str:
    """Path of the CRDs, for a command line."""
    return quote(show_path(ROOT / "crds"))


def last_line(board: Board) -> str:
    """The line that scripts read."""
    if board.sweep.best is None:
        raise ValueError("a sweep without a best trial has no such line")
    return best_trial_line(board.sweep, board.sweep.best)


def failure(step: str, problem: str, board: Board | None, log: str, log_lines: list[str]) -> list[str]:
    """Which step failed and why: the sweep's own words, then the operator's last."""
    lines = ["", f"the demo failed while {step}: {problem}"]
    if board and board.sweep.conditions:
        lines.append(f"conditions of the sweep {board.sweep.name}:")
        lines += [f"  {c.type}={c.status} {c.reason}: {c.message}" for c in board.sweep.conditions]
    if log_lines:
        lines.append(f"last lines of {log}:")
        lines += [f"  {line}" for line in log_lines]
    return lines
