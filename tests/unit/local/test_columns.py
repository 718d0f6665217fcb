"""What tables are made of: durations and paths."""

from typing import Any

import pytest

from hyperdrive_local.presentation.durations import between, human, since
from hyperdrive_local.presentation.jsonpath import PathError, compile_path

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-2, "<invalid>"),
        (-0.5, "0s"),
        (0.9, "0s"),
        (119, "119s"),
        (2 * MINUTE, "2m"),
        (2 * MINUTE + 1, "2m1s"),
        (10 * MINUTE + 59, "10m"),
        (3 * HOUR - 1, "179m"),
        (3 * HOUR, "3h"),
        (7 * HOUR + 5 * MINUTE, "7h5m"),
        (8 * HOUR + 5 * MINUTE, "8h"),
        (2 * DAY - 1, "47h"),
        (2 * DAY + 3 * HOUR, "2d3h"),
        (8 * DAY + 3 * HOUR, "8d"),
        (2 * YEAR - 1, "729d"),
        (2 * YEAR + DAY, "2y1d"),
        (8 * YEAR, "8y"),
    ],
)
def test_a_duration_is_shown_as_kubectl_shows_it(seconds: float, text: str) -> None:
    assert human(seconds) == text


def test_what_is_no_time_is_unknown() -> None:
    assert since(None) == "<unknown>"
    assert since("yesterday") == "<unknown>"
    assert between(None, None) == ""
    assert between("2026-11-24T10:00:00Z", "2026-11-24T10:01:40Z") == "100s"


OBJ: dict[str, Any] = {
    "spec": {"a.b": 1, "list": [{"name": "x", "size": 1}, {"name": "y", "size": 5, "on": True}]},
    "status": {"conditions": [{"type": "Ready", "status": "False"}, {"type": "Complete", "status": "True"}]},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ('.status.conditions[?(@.type=="Complete")].status', ["True"]),
        (".status.conditions[?(@.type=='Nothing')].status", []),
        (".spec.list[0].name", ["x"]),
        (".spec.list[-1].name", ["y"]),
        (".spec.list[7].name", []),
        (".spec.list[*].name", ["x", "y"]),
        (".spec.list[?(@.size>=2)].name", ["y"]),
        (".spec.list[?(@.size!=1)].name", ["y"]),
        (".spec.list[?(@.name>1)].name", []),
        (".spec.list[?(@.on)].name", ["y"]),
        (".spec.list[?(@.on==true)].name", ["y"]),
        (r".spec.a\.b", [1]),
        (".spec['a.b']", [1]),
        ("..size", [1, 5]),
        (".nothing.at.all", []),
        (".spec.list.name", []),
    ],
)
def test_a_path_finds(path: str, found: list[Any]) -> None:
    assert compile_path(path)(OBJ) == found


@pytest.mark.parametrize("path", ["spec", ".spec[", ".a[?(@.b==c)]"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(PathError):
        compile_path(path)
