"""Constraints between parameters: CEL rules over `params` that a combination must satisfy to be run.

A rule that needs a parameter which is not active in a combination does not apply to it. One that fails in any other way
(numbers of different types, say) is not satisfied; most such mistakes are found before the first trial.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from random import Random
from typing import Any, Final

import cel

from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec

from . import space
from .problems import Problem

#: Combinations on which each rule is tried before the first trial.
SAMPLES: Final = 50
#: As many rules as 200 live sweeps may have.
MAX_COMPILED: Final = 3_200

_COMPREHENSION: Final = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(")
_NAME: Final = re.compile(r"""\bparams\s*(?:\.\s*([A-Za-z_]\w*)|\[\s*(?:"([^"]*)"|'([^']*)')\s*\])""")


def allows(spec: HyperDriveSpec, parameters: Mapping[str, Any]) -> bool:
    """Tell whether a combination satisfies all constraints."""
    return broken_rule(spec, parameters) is None


def broken_rule(spec: HyperDriveSpec, parameters: Mapping[str, Any]) -> str | None:
    """Return the first constraint that a combination breaks, if there is one."""
    return next((one.rule for one in spec.constraints if not _is_satisfied(one.rule, parameters)), None)


def constraint_problems(spec: HyperDriveSpec) -> tuple[Problem, ...]:
    """Find rules that cannot be read, name no parameter, fail, or say neither yes nor no."""
    known = [parameter.name for parameter in spec.search_space]
    samples = [space.draw(spec.search_space, Random(f"constraints/{n}")) for n in range(SAMPLES)]  # noqa: S311
    return tuple(
        Problem(names.REASON_INVALID_SPEC, f"spec.constraints[{index}].rule", message)
        for index, constraint in enumerate(spec.constraints)
        if (message := _problem(constraint.rule, known, samples))
    )


def _is_satisfied(rule: str, parameters: Mapping[str, Any]) -> bool:
    try:
        return _compiled(rule).execute({"params": dict(parameters)}) is True
    except KeyError:
        return True  # it is about a parameter that is not active
    except (TypeError, ValueError, RuntimeError, ArithmeticError):
        return False


def _problem(rule: str, known: Iterable[str], samples: list[dict[str, Any]]) -> str:
    try:
        program = _compiled(rule)
    except (ValueError, RuntimeError) as error:
        return f"is no CEL expression: {error}"
    if len(_COMPREHENSION.findall(rule)) > 1:
        return "may go through one list at most (all, exists, map, filter): split it into several constraints"
    for match in _NAME.finditer(rule):
        name = match[1] or match[2] or match[3]
        if name not in known:
            return f"names no parameter of searchSpace: {name!r}; use one of {', '.join(sorted(known))}"
    for parameters in samples:
        try:
            answer = program.execute({"params": parameters})
        except KeyError:
            continue
        except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
            return f"fails for params {parameters}: {error}"
        if not isinstance(answer, bool):
            return f"must be true or false, but is {answer!r} for params {parameters}"
    return ""


@lru_cache(maxsize=MAX_COMPILED)
def _compiled(rule: str) -> cel.Program:
    return cel.compile(rule)
