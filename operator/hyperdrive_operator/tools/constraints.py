"""constraints.txt: the versions that the image installs, taken from the environment that the tests passed in.

``python -m hyperdrive_operator.tools.constraints`` writes the file (``make constraints``).
"""

import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[3]
HEADER: Final = (
    "# What the image installs, pinned: versions that the tests passed with. Written by `make constraints`;\n"
    "# what is allowed is in pyproject.toml.\n"
)


def constraints() -> str:
    """Return the file's text: one line for each distribution that the operator needs."""
    return HEADER + "".join(f"{name}=={metadata.version(name)}\n" for name in sorted(needed(dependencies())))


def dependencies() -> list[str]:
    """Return what pyproject.toml says that the operator needs itself."""
    found: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    return found


def needed(requirements: Iterable[str]) -> set[str]:
    """Return the names of all that these need, here and without extras, also indirectly."""
    found: set[str] = set()
    waiting = set(_names(requirements))
    while waiting:
        found |= waiting
        waiting = {name for each in waiting for name in _names(metadata.requires(each) or ())} - found
    return found


def _names(requirements: Iterable[str]) -> Iterator[str]:
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield canonicalize_name(requirement.name)
            yield from _of_extras(requirement)


def _of_extras(requirement: Requirement) -> Iterator[str]:
    for text in metadata.requires(requirement.name) or () if requirement.extras else ():
        inner = Requirement(text)
        if inner.marker is not None and any(inner.marker.evaluate({"extra": extra}) for extra in requirement.extras):
            yield canonicalize_name(inner.name)


if __name__ == "__main__":
    (ROOT / "constraints.txt").write_text(constraints())
