"""The user's own pattern for metrics in log lines: a regular expression in RE2's syntax, which takes linear time.

Python's own expressions may take for ever on a line of a hundred characters, and everything else would wait.
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import re2

from hyperdrive_operator.api import names
from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec

from .metrics import Aim, LineReader, Pair, Report, line_reader, number, report_of
from .problems import Problem

#: Of one line. Each match may cost a look at the whole line.
MAX_MATCHES: Final = 256
#: What a compiled pattern may take.
MAX_MEMORY: Final = 2 * 1024 * 1024
#: Katib's form has no names: the first group is the metric's name, the second its value.
_UNNAMED: Final = {"name": 1, "value": 2}


class _Pattern(NamedTuple):
    search: Any
    groups: dict[str, int]


def reader_of(spec: HyperDriveSpec, aim: Aim) -> LineReader:
    """Return what reads a line of a trial's output: the manifest's pattern, or what reads the usual forms."""
    if not spec.metrics.pattern:
        return line_reader(aim)
    pattern, groups = _compiled(spec.metrics.pattern)

    def read(line: bytes) -> Report | None:
        pairs: list[Pair] = []
        step: float | None = None
        for count, match in enumerate(pattern.finditer(line)):
            if count == MAX_MATCHES:
                break
            found = {group: _text(match, at) for group, at in groups.items()}
            pairs.append((found.get("name") or aim.primary, found["value"]))
            step = number(found.get("step", "")) if step is None else step
        if not pairs:
            return None
        report = report_of(pairs)
        return report if step is None else report._replace(step=step)

    return read


def pattern_problems(spec: HyperDriveSpec) -> tuple[Problem, ...]:
    """Return what is wrong with the manifest's pattern, if there is one."""
    if not spec.metrics.pattern:
        return ()
    try:
        _compiled(spec.metrics.pattern)
    except ValueError as error:
        return (Problem(names.REASON_INVALID_SPEC, "spec.metrics.pattern", str(error)),)
    return ()


@lru_cache(maxsize=256)
def _compiled(text: str) -> _Pattern:
    """Compile a pattern. Raises ValueError."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY
    try:
        pattern = re2.compile(text.encode(), options)
    except re2.error as error:
        why = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(
            f"is no regular expression in RE2's syntax (github.com/google/re2/wiki/Syntax): {why}"
        ) from error
    groups = {str(name, "utf-8") if isinstance(name, bytes) else name: at for name, at in pattern.groupindex.items()}
    if not groups and pattern.groups >= len(_UNNAMED):
        groups = _UNNAMED
    elif not groups and pattern.groups == 1:
        groups = {"value": 1}
    if "value" not in groups:
        raise ValueError(
            "needs a group (?P<value>...) for the metric's value, and may have (?P<name>...) for its name "
            "(without it, it is the primary metric) and (?P<step>...)"
        )
    return _Pattern(pattern, {name: at for name, at in groups.items() if name in {"name", "value", "step"}})


def _text(match: Any, group: int) -> str:
    raw: bytes = match.group(group) or b""
    return raw.decode(errors="replace").strip()
