"""What nobody should send and somebody will: JSON of any shape, from a seed, and objects broken at random places."""

import copy
import random
from collections.abc import Callable, Sequence
from typing import Any

Path = tuple[Any, ...]


def _nested(levels: int, leaf: Any) -> Any:
    for level in range(levels):
        leaf = [leaf] if level % 2 else {"a": leaf}
    return leaf


#: Texts that mean something to somebody: numbers that are none, placeholders, times at the edges, halves of characters.
TEXTS: tuple[str, ...] = (
    "", " ", "\n", "\x00", "\ud800", "é" * 50, "[", "x" * 10_000, "$(params.x", "$(params.)", "$$(params.x)",
    "$(params.x)", "$(params.$(params.x))", "nan", "NaN", "-inf", "Infinity", "1e999", "0x10", "1_000", "\u0661",
    "null", "{}", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "2026-02-30T00:00:00Z", "10m",
    "-1s", "999999999999h", "0s", "1h1h", "../../other", "%s%n", "{0}", "params.x > 0", "params[", "(?P<value>",
    "(a*)*b", "Succeeded", "Cancelled", "Complete", "Pending", "metadata", "uid",
)  # fmt: skip
NUMBERS: tuple[Any, ...] = (
    0, -1, 1, 2**31, 2**53 + 1, 2**63, -(2**63), 10**30, 10**400, 0.5, -0.0, 1e-320, 1e308, -1e308, 5e-324,
)  # fmt: skip
SHAPES: tuple[Any, ...] = (
    None, True, False, [], {}, [None], [[]], {"": None}, {"a": {"b": []}}, _nested(80, 1), _nested(400, "x"),
    [0] * 2_000, {str(i): i for i in range(300)},
)  # fmt: skip


class Hostile(random.Random):
    """Makes hostile things. Those of a seed are always the same."""

    def value(self) -> Any:
        """Return any JSON value."""
        return copy.deepcopy(self.choice(self.choice((TEXTS, NUMBERS, SHAPES))))

    def text(self, pieces: Sequence[str], most: int = 10) -> str:
        """Return some pieces after one another."""
        return "".join(self.choices(pieces, k=self.randint(0, most)))

    def broken(self, body: Any, times: int = 1, spare: Callable[[Path], bool] = lambda _: False) -> Any:
        """Return a copy of a JSON value that is broken in so many places, but for those to spare."""
        whole = [copy.deepcopy(body)]
        for _ in range(times):
            places = [path for path in _places(whole) if len(path) > 1 and not spare(path[1:])]
            if not places:
                break
            *way, last = self.choice(places)
            parent: Any = whole
            for step in way:
                parent = parent[step]
            self._break(parent, last)
        return whole[0]

    def worn(self, body: Any, times: int = 1, spare: Callable[[Path], bool] = lambda _: False) -> Any:
        """Return a copy that is broken as a typed API would still admit it: each field keeps its type, or is gone."""
        whole = [copy.deepcopy(body)]
        for _ in range(times):
            places = [path for path in _places(whole) if len(path) > 1 and not spare(path[1:])]
            if not places:
                break
            *way, last = self.choice(places)
            parent: Any = whole
            for step in way:
                parent = parent[step]
            self._wear(parent, last)
        return whole[0]

    def _wear(self, parent: Any, key: Any) -> None:
        value = parent[key]
        if self.randrange(4) == 0:
            del parent[key]
        elif isinstance(value, bool):
            parent[key] = not value
        elif isinstance(value, int):
            parent[key] = self.choice([0, -1, 1, 2**31 - 1, -(2**31)])
        elif isinstance(value, str):
            parent[key] = self.choice(TEXTS)
        elif isinstance(parent, list):
            parent.append(copy.deepcopy(value))

    def _break(self, parent: Any, key: Any) -> None:
        match self.randrange(6):
            case 0:
                del parent[key]
            case 1 if isinstance(parent, list):
                parent.append(copy.deepcopy(parent[key]))
            case 2 if isinstance(parent[key], int | float) and not isinstance(parent[key], bool):
                parent[key] = self.choice(NUMBERS)
            case 3 if isinstance(parent[key], str):
                parent[key] = self.choice(TEXTS)
            case 4 if isinstance(parent, dict):
                parent.setdefault(self.choice(TEXTS), self.value())
            case _:
                parent[key] = self.value()


def _places(node: Any, path: Path = ()) -> list[Path]:
    """Return the path to each item and field, but for those deep within what is hostile already."""
    if len(path) > 12:
        return []
    if isinstance(node, dict):
        items: Any = list(node.items())
    elif isinstance(node, list):
        items = list(enumerate(node))
    else:
        return []
    found: list[Path] = []
    for key, value in items[:50]:
        found += [(*path, key), *_places(value, (*path, key))]
    return found
