"""The image's pins: complete, and within what pyproject.toml allows."""

from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hyperdrive_operator.tools.constraints import dependencies, needed

ROOT = Path(__file__).parents[3]


def test_all_that_the_operator_needs_is_pinned_within_what_is_allowed() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert needed(dependencies()) <= set(pins), "run `make constraints`"
    requirements = [Requirement(text) for text in dependencies()]
    refused = [str(r) for r in requirements if not r.specifier.contains(pins[canonicalize_name(r.name)])]
    assert refused == [], "pyproject.toml allows other versions than constraints.txt pins: run `make constraints`"
