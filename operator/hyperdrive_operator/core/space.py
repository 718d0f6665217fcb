"""A search space: how many combinations it has, the one at an index, and one drawn at random.

Parameters with conditions form a forest: each hangs on the one choice that its `when` names, and has a value only where
that choice has one of the values listed. A combination holds the active parameters, in the order of the spec.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

from hyperdrive_operator.api.v1alpha1 import Choice, Parameter, canonical

from . import distributions
from .identity import ById

Parameters = dict[str, Any]

#: As many live sweeps as the operator is designed for: each pass and each draw of a sweep needs its forest.
MAX_FORESTS = 200


@dataclass(frozen=True, slots=True)
class _Node:
    """A parameter, those that hang on it, and how many combinations of them there are, on a grid and otherwise.

    All of it is computed once, from the leaves up: what is active with each of a thousand values must not be asked for
    anew at every level above.
    """

    parameter: Parameter
    #: What is active with each value of a choice, by the value's canonical text, in their order. Empty for a leaf.
    active: Mapping[str, tuple["_Node", ...]]
    size: int | None
    grid_size: int | None


def size(space: Sequence[Parameter], *, on_grid: bool = False) -> int | None:
    """Return the number of combinations, or None if there are uncountably or unboundedly many.

    On a grid, continuous parameters with gridPoints are countable.
    """
    return _product(_forest(ById(space)), on_grid=on_grid)


def combination_at(space: Sequence[Parameter], index: int) -> Parameters:
    """Return the combination at an index from 0 below size(space, on_grid=True), the last parameter varying fastest."""
    chosen: Parameters = {}
    _choose(_forest(ById(space)), index, chosen)
    return _ordered(space, chosen)


def draw(space: Sequence[Parameter], random: Random) -> Parameters:
    """Draw one combination; the parameters are independent of each other, but for their conditions."""
    return assemble(space, lambda parameter: distributions.draw(parameter, random))


def assemble(space: Sequence[Parameter], choose: Callable[[Parameter], Any]) -> Parameters:
    """Build one combination by asking for the value of each active parameter, parents before their children."""
    chosen: Parameters = {}
    waiting = list(reversed(_forest(ById(space))))
    while waiting:
        node = waiting.pop()
        value = choose(node.parameter)
        chosen[node.parameter.name] = value
        if node.active:
            waiting += reversed(node.active[canonical(value)])
    return _ordered(space, chosen)


@lru_cache(maxsize=MAX_FORESTS)
def _forest(key: ById[Sequence[Parameter]]) -> tuple[_Node, ...]:
    """Return the parameters that hang on none, with all below them. Specs have no circles."""
    hanging: defaultdict[str | None, list[Parameter]] = defaultdict(list)
    for parameter in key.value:
        hanging[parameter.when.parameter if parameter.when else None].append(parameter)

    def below(parent: str | None) -> tuple[_Node, ...]:
        return tuple(_node(parameter, below(parameter.name)) for parameter in hanging.get(parent, ()))

    return below(None)


def _node(parameter: Parameter, children: tuple[_Node, ...]) -> _Node:
    if not children or not isinstance(parameter.expression, Choice):
        size, grid_size = distributions.count(parameter), distributions.count(parameter, on_grid=True)
        return _Node(parameter, {}, size, grid_size)
    active: dict[str, list[_Node]] = {canonical(value): [] for value in parameter.expression.values}
    for child in children:
        when = child.parameter.when
        for text in active.keys() & {canonical(value) for value in (when.values if when else ())}:
            active[text].append(child)
    blocks = {text: tuple(nodes) for text, nodes in active.items()}
    return _Node(parameter, blocks, _sum(blocks, on_grid=False), _sum(blocks, on_grid=True))


def _sum(blocks: Mapping[str, tuple[_Node, ...]], *, on_grid: bool) -> int | None:
    total = 0
    for nodes in blocks.values():
        block = _product(nodes, on_grid=on_grid)
        if block is None:
            return None
        total += block
    return total


def _product(nodes: Iterable[_Node], *, on_grid: bool) -> int | None:
    total = 1
    for node in nodes:
        factor = node.grid_size if on_grid else node.size
        if factor is None:
            return None
        total *= factor
    return total


def _choose(nodes: Sequence[_Node], index: int, chosen: Parameters) -> None:
    """Write the values at an index into `chosen`: the nodes are the digits of a number, the last the lowest."""
    for node in reversed(nodes):
        if node.grid_size is None:
            raise ValueError(f"{node.parameter.name} has no countable values")
        index, digit = divmod(index, node.grid_size)
        _choose_one(node, digit, chosen)


def _choose_one(node: _Node, index: int, chosen: Parameters) -> None:
    """Write the value of a node, and of what is active below it: each value has a block as large as what it allows."""
    position = 0
    active: tuple[_Node, ...] = ()
    for active in node.active.values():
        block = _product(active, on_grid=True) or 0
        if index < block:
            break
        index -= block
        position += 1
    chosen[node.parameter.name] = distributions.value_at(node.parameter, position if node.active else index)
    if node.active:
        _choose(active, index, chosen)


def _ordered(space: Iterable[Parameter], chosen: Parameters) -> Parameters:
    return {parameter.name: chosen[parameter.name] for parameter in space if parameter.name in chosen}
