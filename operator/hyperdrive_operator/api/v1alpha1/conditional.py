"""Conditions of parameters (`when`): each names a choice and values of it, and none waits for itself."""

from collections.abc import Mapping, Sequence
from typing import Final

from .base import canonical
from .search_space import Parameter

PARENT_RULE: Final = (
    "self.all(p, !has(p.when) || self.exists(q, q.name == p.when.parameter && has(q.choice) && q.name != p.name))"
)
PARENT_MESSAGE: Final = "when.parameter must name another parameter of searchSpace, one with a choice"


def check_conditions(parameters: Sequence[Parameter]) -> None:
    """Raise ValueError if a condition names no choice, or values that the choice does not have, or goes in a circle."""
    by_name = {parameter.name: parameter for parameter in parameters}
    for parameter in parameters:
        _check_parent(parameter, by_name)
    for parameter in parameters:
        _check_for_cycle(parameter, by_name)


def _check_parent(parameter: Parameter, by_name: Mapping[str, Parameter]) -> None:
    """Raise ValueError if a condition names no choice, or values that the choice does not have."""
    if parameter.when is None:
        return
    parent = by_name.get(parameter.when.parameter)
    if parent is None or parent.choice is None or parent is parameter:
        raise ValueError(PARENT_MESSAGE)
    known = {canonical(value) for value in parent.choice.values}
    for value in parameter.when.values:
        if canonical(value) not in known:
            raise ValueError(
                f"when.values of {parameter.name!r} has {value!r}, which is no value of {parent.name!r}: "
                f"use some of {', '.join(sorted(known)[:10])}"
            )


def _check_for_cycle(parameter: Parameter, by_name: Mapping[str, Parameter]) -> None:
    """Raise ValueError if a parameter is active only when, over others, it is active itself."""
    seen = {parameter.name}
    ancestor = parameter
    while ancestor.when is not None:
        ancestor = by_name[ancestor.when.parameter]
        if ancestor.name in seen:
            raise ValueError(f"the conditions of {parameter.name!r} and {ancestor.name!r} go in a circle: remove one")
        seen.add(ancestor.name)
