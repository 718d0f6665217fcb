"""A search space: how many combinations it has, the one at an index, and one drawn at random.

Parameters with conditions form a forest: each hangs on the one choice that its `when` names, and has a value only where
that choice has one of the values listed. A combination holds the active parameters, in the order of the spec.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from hyperdrive_operator.api.v1alpha1 import Choice, Parameter, canonical

from . import distributions

Parameters = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Node:
    """A parameter, and those that hang on it."""

    parameter: Parameter
    children: tuple["_Node", ...]

    def active_children(self, value: Any) -> tuple["_Node", ...]:
        """Return the children that are active when this parameter has that value."""
        key = canonical(value)
        return tuple(child for child in self.children if key in child.activating_values())

    def activating_values(self) -> set[str]:
        """Return the values of the parent for which this parameter is active."""
        when = self.parameter.when
        return {canonical(value) for value in when.values} if when else set()


def size(space: Sequence[Parameter], *, on_grid: bool = False) -> int | None:
    """Return the number of combinations, or None if there are uncountably or unboundedly many.

    On a grid, continuous parameters with gridPoints are countable.
    """
    return _size(_forest(space), on_grid=on_grid)


def combination_at(space: Sequence[Parameter], index: int) -> Parameters:
    """Return the combination at an index from 0 below size(space, on_grid=True), the last parameter varying fastest."""
    chosen: Parameters = {}
    _choose(_forest(space), index, chosen)
    return _ordered(space, chosen)


def draw(space: Sequence[Parameter], random: Random) -> Parameters:
    """Draw one combination; the parameters are independent of each other, but for their conditions."""
    return assemble(space, lambda parameter: distributions.draw(parameter, random))


def assemble(space: Sequence[Parameter], choose: Callable[[Parameter], Any]) -> Parameters:
    """Build one combination by asking for the value of each active parameter, parents before their children."""
    chosen: Parameters = {}
    waiting = list(reversed(_forest(space)))
    while waiting:
        node = waiting.pop()
        value = choose(node.parameter)
        chosen[node.parameter.name] = value
        waiting += reversed(node.active_children(value))
    return _ordered(space, chosen)


def _forest(space: Iterable[Parameter]) -> tuple[_Node, ...]:
    """Return the parameters that hang on none, with all below them. Specs have no circles."""
    hanging: defaultdict[str | None, list[Parameter]] = defaultdict(list)
    for parameter in space:
        hanging[parameter.when.parameter if parameter.when else None].append(parameter)

    def below(parent: str | None) -> tuple[_Node, ...]:
        return tuple(_Node(parameter, below(parameter.name)) for parameter in hanging.get(parent, ()))

    return below(None)


def _size(nodes: Iterable[_Node], *, on_grid: bool) -> int | None:
    sizes = [_size_of(node, on_grid=on_grid) for node in nodes]
    return None if None in sizes else math.prod(size for size in sizes if size is not None)


def _size_of(node: _Node, *, on_grid: bool) -> int | None:
    if not node.children or not isinstance(node.parameter.expression, Choice):
        return distributions.count(node.parameter, on_grid=on_grid)
    blocks = [_size(node.active_children(value), on_grid=on_grid) for value in node.parameter.expression.values]
    return None if None in blocks else sum(block for block in blocks if block is not None)


def _choose(nodes: Sequence[_Node], index: int, chosen: Parameters) -> None:
    """Write the values at an index into `chosen`: the nodes are the digits of a number, the last the lowest."""
    for node in reversed(nodes):
        digits = _size_of(node, on_grid=True)
        if digits is None:
            raise ValueError(f"{node.parameter.name} has no countable values")
        index, digit = divmod(index, digits)
        _choose_one(node, digit, chosen)


def _choose_one(node: _Node, index: int, chosen: Parameters) -> None:
    """Write the value of a node, and of what is active below it: each value has a block as large as what it allows."""
    name = node.parameter.name
    if not node.children or not isinstance(node.parameter.expression, Choice):
        chosen[name] = distributions.value_at(node.parameter, index)
        return
    for value in node.parameter.expression.values:
        active = node.active_children(value)
        block = _size(active, on_grid=True) or 0
        if index < block:
            chosen[name] = value
            _choose(active, index, chosen)
            return
        index -= block


def _ordered(space: Iterable[Parameter], chosen: Parameters) -> Parameters:
    return {parameter.name: chosen[parameter.name] for parameter in space if parameter.name in chosen}
