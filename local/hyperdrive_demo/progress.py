"""The sweep's progress: a screen where there is a terminal, a line a change where there is none. Pure."""

from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .board import FINISHED_TRIAL, Board, Trial
from .text import pairs, show

STYLES = {
    "Succeeded": "green",
    "Failed": "red",
    "EarlyStopped": "yellow",
    "Cancelled": "yellow",
    "Running": "cyan",
    "Queued": "dim",
}
WAITING_SECONDS = 10.0  # an operator that lives has long written a first status by then


def screen(board: Board, seconds: float, *, rows: int) -> RenderableType:
    """Everything at one glance: the trials, a bar, the best so far, and what keeps it waiting."""
    parts: list[RenderableType] = [trial_table(board, board.in_order()[-rows:])]
    hidden = len(board.trials) - rows
    if hidden > 0:
        parts.append(Text(f"{hidden} earlier trials are not shown", style="dim"))
    parts.append(_bar(board, seconds))
    if note := waiting(board, seconds):
        parts.append(Text(note, style="yellow"))
    return Group(*parts)


def trial_table(board: Board, trials: list[Trial]) -> Table:
    """One row a trial, one column a parameter; the best so far stands out."""
    sweep = board.sweep
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("TRIAL", no_wrap=True)
    table.add_column("STATE", no_wrap=True)
    table.add_column(sweep.metric.upper(), justify="right", no_wrap=True)
    for name in sweep.parameter_names:
        table.add_column(name.upper(), justify="right", no_wrap=True)
    for trial in trials:
        is_best = sweep.best is not None and sweep.best.name == trial.name
        cells = [Text(trial.name), Text(trial.state, style=STYLES.get(trial.state, ""))]
        cells.append(Text("" if trial.value is None else show(trial.value)))
        cells += [
            Text(show(trial.parameters[name]) if name in trial.parameters else "") for name in sweep.parameter_names
        ]
        table.add_row(*cells, style="bold" if is_best else "")
    return table


def _bar(board: Board, seconds: float) -> Table:
    sweep = board.sweep
    finished = board.count(*FINISHED_TRIAL)
    row = Table.grid(padding=(0, 2))
    words = [f"{finished}/{sweep.planned} finished", f"{sweep.running} running"]
    if failed := board.count("Failed"):
        words.append(f"{failed} failed")
    if stopped := board.count("EarlyStopped"):
        words.append(f"{stopped} stopped early")
    if sweep.best:
        words.append(f"best {show(sweep.best.value)} ({sweep.best.name})")
    bar = ProgressBar(total=max(sweep.planned, 1), completed=finished, width=24)
    row.add_row(bar, *(Text(word, no_wrap=True) for word in words), Text(f"{seconds:.0f} s", style="dim"))
    return row


def waiting(board: Board, seconds: float) -> str:
    """Why nothing moves; empty while it does."""
    if board.sweep.stalled:
        return f"stalled: {board.sweep.stalled}"
    if not board.sweep.state and seconds > WAITING_SECONDS:
        return "the operator has not picked up the sweep yet"
    return ""


@dataclass(frozen=True, slots=True)
class Moment:
    """A board, and how long progress has been shown by then."""

    board: Board
    seconds: float


def changes(before: Moment | None, now: Moment) -> list[str]:
    """The lines for what is new between two moments."""
    after = now.board
    lines = []
    for trial in after.in_order():
        old = before.board.trials.get(trial.number) if before else None
        if old is None or old.state != trial.state:
            lines += _trial_lines(after, trial)
    note = waiting(after, now.seconds)
    if note and (before is None or waiting(before.board, before.seconds) != note):
        lines.append(note)
    return lines


def _trial_lines(board: Board, trial: Trial) -> list[str]:
    if trial.state == "Running":
        return [f"{trial.name} runs: {pairs(trial.parameters, board.sweep.parameter_names)}"]
    if not trial.is_finished:
        return []
    finished = f"{board.count(*FINISHED_TRIAL)}/{board.sweep.planned}"
    if trial.state == "Failed":
        return [f"{trial.name} failed: {trial.message or 'no reason given'} ({finished})"]
    value = "no value" if trial.value is None else f"{board.sweep.metric}={show(trial.value)}"
    if trial.state == "EarlyStopped":
        return [f"{trial.name} stopped early: {value}; {trial.message or 'no reason given'} ({finished})"]
    return [f"{trial.name} succeeded: {value} ({finished})"]
