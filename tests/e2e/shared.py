"""What the processes of one run have in common: things that one of them makes, notes, and turns at the cluster."""

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Shared:
    """A folder that all processes of a run write to, under file locks: a process that dies holds none."""

    folder: Path

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what the first process that asks has made, as JSON has it; the others wait for it."""
        with self._locked(name, fcntl.LOCK_EX):
            if not self.has(name):
                self._file(name).write_text(json.dumps(make()), encoding="utf-8")
            return self.get(name)

    def get(self, name: str) -> Any:
        """Return what was made under a name."""
        return json.loads(self._file(name).read_text(encoding="utf-8"))

    def has(self, name: str) -> bool:
        """Tell whether a process has made it."""
        return self._file(name).exists()

    @contextmanager
    def turn(self, *, alone: bool) -> Iterator[None]:
        """Have a turn at the cluster, beside the others or, once their turns are over, alone."""
        with self._locked("turn", fcntl.LOCK_EX if alone else fcntl.LOCK_SH):
            yield

    def note(self, line: str) -> None:
        """Keep a line for the end of the run."""
        with (self.folder / "notes").open("a", encoding="utf-8") as notes:
            notes.write(f"{line}\n")

    def notes(self) -> list[str]:
        """Return what was noted, each line once: what every process has to say is said once."""
        file = self.folder / "notes"
        return list(dict.fromkeys(file.read_text(encoding="utf-8").splitlines())) if file.exists() else []

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    @contextmanager
    def _locked(self, name: str, how: int) -> Iterator[None]:
        with (self.folder / f"{name}.lock").open("w") as file:
            fcntl.flock(file, how)
            yield
