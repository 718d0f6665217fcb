"""Conversions between CEL's types, and the parts of times, with cel-go's errors."""

import datetime
import math
import zoneinfo
from collections.abc import Callable
from typing import Any, Final

from hyperdrive_local.schema.cel.formatting import plain
from hyperdrive_local.schema.formats import duration_nanoseconds

_TRUE: Final = frozenset({"1", "t", "true", "TRUE", "True"})
_FALSE: Final = frozenset({"0", "f", "false", "FALSE", "False"})
_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def _refusal(wanted: str) -> ValueError:
    return ValueError(f"type conversion error from 'string' to '{wanted}'")


def _to_text(value: Any) -> str:
    if isinstance(value, dict):
        return str(value["text"])  # an address or a network
    if not isinstance(value, bytes):
        return plain(value)
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise ValueError("invalid UTF-8 in bytes, cannot convert to string") from error


def _to_bool(value: Any) -> bool:
    if isinstance(value, str) and value not in _TRUE | _FALSE:
        raise _refusal("bool")
    return value in _TRUE if isinstance(value, str) else bool(value)


def _whole(value: float, overflow: str) -> int:
    if not math.isfinite(value):
        raise ValueError(overflow)
    return int(value)


def _to_int(value: Any) -> int:
    if isinstance(value, str):
        try:
            number = int(value)
        except ValueError as error:
            raise _refusal("int") from error
    elif isinstance(value, datetime.datetime):
        number = int((value - _EPOCH).total_seconds() // 1)
    elif isinstance(value, datetime.timedelta):
        number = value // datetime.timedelta(microseconds=1) * 1000
    else:
        number = _whole(value, "integer overflow")
    if not -(2**63) <= number < 2**63:
        raise ValueError("integer overflow")
    return number


def _to_uint(value: Any) -> int:
    try:
        number = int(value) if isinstance(value, str) else _whole(value, "unsigned integer overflow")
    except ValueError as error:
        raise (_refusal("uint") if isinstance(value, str) else error) from error
    if not 0 <= number < 2**64:
        raise ValueError("unsigned integer overflow")
    return number


def _to_double(value: Any) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise _refusal("double") from error


def _to_timestamp(value: Any) -> datetime.datetime:
    if isinstance(value, datetime.datetime):
        return value
    if isinstance(value, int):
        return _EPOCH + datetime.timedelta(seconds=value)
    try:
        parsed = datetime.datetime.fromisoformat(value)
    except ValueError as error:
        raise _refusal("google.protobuf.Timestamp") from error
    if parsed.tzinfo is None:
        raise _refusal("google.protobuf.Timestamp")
    return parsed


def _to_duration(value: Any) -> datetime.timedelta:
    if isinstance(value, datetime.timedelta):
        return value
    nanoseconds = duration_nanoseconds(value)
    if nanoseconds is None:
        raise _refusal("google.protobuf.Duration")
    return datetime.timedelta(microseconds=nanoseconds / 1000)


def _getter(
    of_time: Callable[[datetime.datetime], int], of_span: Callable[[datetime.timedelta], int] | None = None
) -> Callable[..., int]:
    def call(value: Any, zone: str = "UTC") -> int:
        if isinstance(value, datetime.timedelta):
            if of_span is None:
                raise TypeError("no such overload")
            return of_span(value)
        return of_time(value.astimezone(_zone(zone)))

    return call


def _zone(name: str) -> datetime.tzinfo:
    sign, hours, _, minutes = name[:1], name[-5:-3], name[-3:-2], name[-2:]
    if (hours + minutes).isdigit() and name[-3:-2] == ":":
        offset = datetime.timedelta(hours=int(hours), minutes=int(minutes))
        return datetime.timezone(-offset if sign == "-" else offset)
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"unknown time zone {name}") from error


def _of(unit: datetime.timedelta) -> Callable[[datetime.timedelta], int]:
    return lambda span: int(span / unit)


CONVERSIONS: Final[dict[str, Callable[..., Any]]] = {
    "x_string": _to_text,
    "x_bool": _to_bool,
    "x_int": _to_int,
    "x_uint": _to_uint,
    "x_double": _to_double,
    "x_timestamp": _to_timestamp,
    "x_duration": _to_duration,
    "x_getFullYear": _getter(lambda time: time.year),
    "x_getMonth": _getter(lambda time: time.month - 1),
    "x_getDate": _getter(lambda time: time.day),
    "x_getDayOfMonth": _getter(lambda time: time.day - 1),
    "x_getDayOfWeek": _getter(lambda time: time.isoweekday() % 7),
    "x_getDayOfYear": _getter(lambda time: time.timetuple().tm_yday - 1),
    "x_getHours": _getter(lambda time: time.hour, _of(datetime.timedelta(hours=1))),
    "x_getMinutes": _getter(lambda time: time.minute, _of(datetime.timedelta(minutes=1))),
    "x_getSeconds": _getter(lambda time: time.second, _of(datetime.timedelta(seconds=1))),
    "x_getMilliseconds": _getter(lambda time: time.microsecond // 1000, _of(datetime.timedelta(milliseconds=1))),
}
