"""The functions of Kubernetes' CEL environment and their overloads.

One line is one overload: `name: arguments -> result` for a function, `name: target.(arguments) -> result` for a
method. Capital letters are type variables.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hyperdrive_local.schema.cel.types import CelType, parsed


@dataclass(frozen=True, slots=True)
class Overload:
    """One way to call a function; `target` is None for a plain function."""

    target: CelType | None
    args: tuple[CelType, ...]
    result: CelType


_COMPARABLE: Final = ("int", "uint", "double", "bool", "string", "bytes", "timestamp", "duration")
_NUMBERS: Final = ("int", "uint", "double")
_ORDERED: Final = ("int", "uint", "double", "bool", "string", "bytes", "timestamp", "duration")

_STANDARD: Final = """
_==_: A, A -> bool
_!=_: A, A -> bool
_&&_: bool, bool -> bool
_||_: bool, bool -> bool
!_: bool -> bool
-_: int -> int
-_: double -> double
_?_:_: bool, A, A -> A
_+_: int, int -> int
_+_: uint, uint -> uint
_+_: double, double -> double
_+_: string, string -> string
_+_: bytes, bytes -> bytes
_+_: list(A), list(A) -> list(A)
_+_: timestamp, duration -> timestamp
_+_: duration, timestamp -> timestamp
_+_: duration, duration -> duration
_-_: int, int -> int
_-_: uint, uint -> uint
_-_: double, double -> double
_-_: timestamp, timestamp -> duration
_-_: timestamp, duration -> timestamp
_-_: duration, duration -> duration
_*_: int, int -> int
_*_: uint, uint -> uint
_*_: double, double -> double
_/_: int, int -> int
_/_: uint, uint -> uint
_/_: double, double -> double
_%_: int, int -> int
_%_: uint, uint -> uint
@in: A, list(A) -> bool
@in: A, map(A, B) -> bool
_[_]: list(A), int -> A
_[_]: map(A, B), A -> B
_[_]: optional_type(list(A)), int -> optional_type(A)
_[_]: optional_type(map(A, B)), A -> optional_type(B)
_[?_]: list(A), int -> optional_type(A)
_[?_]: map(A, B), A -> optional_type(B)
_[?_]: optional_type(list(A)), int -> optional_type(A)
_[?_]: optional_type(map(A, B)), A -> optional_type(B)
size: string -> int
size: bytes -> int
size: list(A) -> int
size: map(A, B) -> int
size: string.() -> int
size: bytes.() -> int
size: list(A).() -> int
size: map(A, B).() -> int
type: A -> type(A)
dyn: A -> dyn
int: int -> int
int: uint -> int
int: double -> int
int: string -> int
int: timestamp -> int
int: duration -> int
uint: uint -> uint
uint: int -> uint
uint: double -> uint
uint: string -> uint
double: double -> double
double: int -> double
double: uint -> double
double: string -> double
bool: bool -> bool
bool: string -> bool
string: string -> string
string: bool -> string
string: int -> string
string: uint -> string
string: double -> string
string: bytes -> string
string: timestamp -> string
string: duration -> string
bytes: bytes -> bytes
bytes: string -> bytes
timestamp: timestamp -> timestamp
timestamp: string -> timestamp
timestamp: int -> timestamp
duration: duration -> duration
duration: string -> duration
duration: int -> duration
contains: string.(string) -> bool
startsWith: string.(string) -> bool
endsWith: string.(string) -> bool
matches: string, string -> bool
matches: string.(string) -> bool
getHours: duration.() -> int
getMinutes: duration.() -> int
getSeconds: duration.() -> int
getMilliseconds: duration.() -> int
optional.of: A -> optional_type(A)
optional.ofNonZeroValue: A -> optional_type(A)
optional.none: -> optional_type(A)
hasValue: optional_type(A).() -> bool
value: optional_type(A).() -> A
or: optional_type(A).(optional_type(A)) -> optional_type(A)
orValue: optional_type(A).(A) -> A
"""

_EXTENSIONS: Final = """
charAt: string.(int) -> string
indexOf: string.(string) -> int
indexOf: string.(string, int) -> int
lastIndexOf: string.(string) -> int
lastIndexOf: string.(string, int) -> int
lowerAscii: string.() -> string
upperAscii: string.() -> string
replace: string.(string, string) -> string
replace: string.(string, string, int) -> string
split: string.(string) -> list(string)
split: string.(string, int) -> list(string)
substring: string.(int) -> string
substring: string.(int, int) -> string
trim: string.() -> string
join: list(string).() -> string
join: list(string).(string) -> string
format: string.(list(dyn)) -> string
strings.quote: string -> string
find: string.(string) -> string
findAll: string.(string) -> list(string)
findAll: string.(string, int) -> list(string)
indexOf: list(A).(A) -> int
lastIndexOf: list(A).(A) -> int
slice: list(A).(int, int) -> list(A)
distinct: list(A).() -> list(A)
reverse: list(A).() -> list(A)
first: list(A).() -> optional_type(A)
last: list(A).() -> optional_type(A)
flatten: list(list(A)).() -> list(A)
flatten: list(dyn).(int) -> list(dyn)
lists.range: int -> list(int)
sets.contains: list(A), list(A) -> bool
sets.equivalent: list(A), list(A) -> bool
sets.intersects: list(A), list(A) -> bool
quantity: string -> kubernetes.Quantity
isQuantity: string -> bool
isInteger: kubernetes.Quantity.() -> bool
asInteger: kubernetes.Quantity.() -> int
asApproximateFloat: kubernetes.Quantity.() -> double
isGreaterThan: kubernetes.Quantity.(kubernetes.Quantity) -> bool
isLessThan: kubernetes.Quantity.(kubernetes.Quantity) -> bool
compareTo: kubernetes.Quantity.(kubernetes.Quantity) -> int
add: kubernetes.Quantity.(kubernetes.Quantity) -> kubernetes.Quantity
add: kubernetes.Quantity.(int) -> kubernetes.Quantity
sub: kubernetes.Quantity.(kubernetes.Quantity) -> kubernetes.Quantity
sub: kubernetes.Quantity.(int) -> kubernetes.Quantity
url: string -> kubernetes.URL
isURL: string -> bool
getScheme: kubernetes.URL.() -> string
getHost: kubernetes.URL.() -> string
getHostname: kubernetes.URL.() -> string
getPort: kubernetes.URL.() -> string
getEscapedPath: kubernetes.URL.() -> string
getQuery: kubernetes.URL.() -> map(string, list(string))
ip: string -> net.IP
isIP: string -> bool
ip.isCanonical: string -> bool
family: net.IP.() -> int
isUnspecified: net.IP.() -> bool
isLoopback: net.IP.() -> bool
isLinkLocalMulticast: net.IP.() -> bool
isLinkLocalUnicast: net.IP.() -> bool
isGlobalUnicast: net.IP.() -> bool
cidr: string -> net.CIDR
isCIDR: string -> bool
containsIP: net.CIDR.(string) -> bool
containsIP: net.CIDR.(net.IP) -> bool
containsCIDR: net.CIDR.(string) -> bool
containsCIDR: net.CIDR.(net.CIDR) -> bool
ip: net.CIDR.() -> net.IP
masked: net.CIDR.() -> net.CIDR
prefixLength: net.CIDR.() -> int
string: net.IP -> string
string: net.CIDR -> string
"""

# What a real API server has beyond these.
UNSUPPORTED: Final = frozenset({
    "isSemver", "semver", "format.named", "format.dns1123Label", "format.dns1123LabelPrefix",
    "format.dns1123Subdomain", "format.dns1123SubdomainPrefix", "format.dns1035Label", "format.dns1035LabelPrefix",
    "format.qualifiedName", "format.labelValue", "format.uri", "format.uuid", "format.byte", "format.date",
    "format.datetime",
})  # fmt: skip

_GETTERS: Final = (
    "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours", "getMinutes",
    "getSeconds", "getMilliseconds",
)  # fmt: skip
_LINE: Final = re.compile(r"(?P<name>.+?): (?:(?P<target>.+)\.\()?(?P<args>.*?)(?(target)\)) ?-> (?P<result>.+)")


def _lines() -> Iterator[str]:
    yield from (line for line in (_STANDARD + _EXTENSIONS).splitlines() if line)
    for operator in ("<", "<=", ">", ">="):
        yield from (f"_{operator}_: {kind}, {kind} -> bool" for kind in _COMPARABLE)
        yield from (f"_{operator}_: {a}, {b} -> bool" for a in _NUMBERS for b in _NUMBERS if a != b)
    for getter in _GETTERS:
        yield f"{getter}: timestamp.() -> int"
        yield f"{getter}: timestamp.(string) -> int"
    for kind in _ORDERED:
        yield f"isSorted: list({kind}).() -> bool"
        yield f"sort: list({kind}).() -> list({kind})"
        yield f"min: list({kind}).() -> {kind}"
        yield f"max: list({kind}).() -> {kind}"
    yield from (f"sum: list({kind}).() -> {kind}" for kind in (*_NUMBERS, "duration"))


def _overload(line: str) -> tuple[str, Overload]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"not an overload: {line!r}")
    # a list of types is read as the parameters of a type without a name
    args = parsed(f"({match['args']})").params if match["args"].strip() else ()
    target = parsed(match["target"]) if match["target"] else None
    return match["name"], Overload(target, args, parsed(match["result"]))


def _table() -> dict[str, list[Overload]]:
    table: dict[str, list[Overload]] = {}
    for line in _lines():
        name, overload = _overload(line)
        table.setdefault(name, []).append(overload)
    return table


OVERLOADS: Final = _table()
