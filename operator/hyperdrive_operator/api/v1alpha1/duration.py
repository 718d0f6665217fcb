"""Lengths of time as Kubernetes' users write them: 2h30m."""

import re
from datetime import timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from .base import cel

_FORM: Final = r"^([0-9]{1,7}([.][0-9]{1,3})?(h|m|s|ms)){1,4}$"
_PART: Final = re.compile(r"([0-9.]+)(h|ms|m|s)")
_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_MESSAGE: Final = "must be a duration above zero, as in 2h30m, 90m or 45s: numbers with the units h, m, s and ms"
#: A digit that is not 0: so it is above zero.
_RULE: Final = f"self.matches('{_FORM}') && self.matches('[1-9]')"


def seconds_of(duration: str) -> float:
    """Return the length of a duration that is one."""
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(duration))


def length_of(duration: str) -> timedelta:
    """Return the length of a duration that is one, to the millisecond."""
    return timedelta(milliseconds=round(seconds_of(duration) * 1000))


def duration_of(seconds: float) -> str:
    """Write a length of time in whole seconds: 9000 as 2h30m, 0 as 0s."""
    minutes, second = divmod(round(seconds), 60)
    hour, minute = divmod(minutes, 60)
    parts = ((hour, "h"), (minute, "m"), (second, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"


def _checked(text: str) -> str:
    if not re.fullmatch(_FORM[1:-1], text) or not re.search("[1-9]", text):
        raise ValueError(_MESSAGE)
    return text


#: A length of time above zero. Go reads it too.
Duration = Annotated[str, Field(max_length=48, json_schema_extra=cel((_RULE, _MESSAGE))), AfterValidator(_checked)]
