"""Raw results as JSON lines, so that an interrupted run goes on where it was, and what code they were made with."""

import hashlib
import json
import os
import platform
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import hyperdrive_operator

Key = tuple[str | int, ...]

_LIBRARIES: Final = ("optuna", "scipy", "numpy", "cmaes")
#: What proposals and values come from: other code may give other results.
_SOURCES: Final = (
    "api/v1alpha1/sampling.py",
    "api/v1alpha1/search_space.py",
    "core/constraints.py",
    "core/distributions.py",
    "core/proposing.py",
    "core/sampling.py",
    "core/space.py",
    "optimizer/*.py",
)
_BENCH_SOURCES: Final = ("problems.py", "tables.py", "race.py", "bound.py")


class Results:
    """A file to which each result is added at once. A line that was cut off by an interruption counts as none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[Key, Any] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            for line in path.read_text().splitlines():
                try:
                    key, value = json.loads(line)
                except ValueError:
                    continue
                self._known[tuple(key)] = value

    def __contains__(self, key: Key) -> bool:
        return key in self._known

    def __getitem__(self, key: Key) -> Any:
        return self._known[key]

    def add(self, key: Key, value: Any) -> None:
        """Keep a result. It begins on a line of its own, whatever an interruption has left."""
        self._known[key] = value
        with self._path.open("a") as file:
            file.write("\n" + json.dumps([key, value], separators=(",", ":")))

    def complete(self, keys: Sequence[Key], compute: Callable[[Key], Any], jobs: int, title: str) -> None:
        """Compute what is missing, in so many processes, with a line of progress for each hundredth."""
        missing = [key for key in keys if key not in self]
        if len(missing) < len(keys):
            print(f"{title}: {len(keys) - len(missing)} of {len(keys)} results are known already", flush=True)
        for count, (key, value) in enumerate(_computed(missing, compute, jobs), 1):
            self.add(key, value)
            if count * 100 // len(missing) > (count - 1) * 100 // len(missing):
                named = " ".join(map(str, key))
                print(f"{title}: {count * 100 // len(missing)} % ({count} of {len(missing)}: {named})", flush=True)


def _computed(keys: list[Key], compute: Callable[[Key], Any], jobs: int) -> Iterable[tuple[Key, Any]]:
    if jobs == 1:
        for key in keys:
            yield key, compute(key)
        return
    with ProcessPoolExecutor(jobs) as pool:
        futures = {pool.submit(compute, key): key for key in keys}
        for future in as_completed(futures):
            yield futures[future], future.result()


def digest() -> str:
    """Return what stands for the code and the libraries that results depend on."""
    root, here = Path(hyperdrive_operator.__file__).parent, Path(__file__).parent
    files = [file for pattern in _SOURCES for file in sorted(root.glob(pattern))]
    files += [here / name for name in _BENCH_SOURCES]
    sums = hashlib.sha256()
    for file in files:
        sums.update(file.name.encode() + file.read_bytes())
    sums.update(libraries().encode())
    return sums.hexdigest()[:12]


def libraries() -> str:
    """Return the versions of what computes."""
    return ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)


def machine() -> str:
    """Return the facts of this machine that times depend on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].split(":", 1)[1].strip() if lines else model
    return f"{model}, {os.cpu_count()} cores, one used; Python {platform.python_version()}, {libraries()}"
