"""CEL's syntax tree. Positions are those that cel-go reports errors at."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Expr:
    """Any expression; `at` is its offset in the source."""

    at: int


@dataclass(frozen=True, slots=True)
class Literal(Expr):
    """A constant: its value, its type and how it is written."""

    value: Any
    type_name: str
    text: str


@dataclass(frozen=True, slots=True)
class Ident(Expr):
    """A name."""

    name: str


@dataclass(frozen=True, slots=True)
class Select(Expr):
    """operand.name, or operand.?name."""

    operand: Expr
    name: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """A function, an operator or a macro; `target` is what stands before the dot. Operators have cel-go's names."""

    name: str
    target: Expr | None
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class ListExpr(Expr):
    """[a, ?b]."""

    items: tuple[Expr, ...]
    optional: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class MapExpr(Expr):
    """{a: b, ?c: d}."""

    keys: tuple[Expr, ...]
    values: tuple[Expr, ...]
    optional: tuple[bool, ...]


class CelSyntaxError(ValueError):
    """The text is not CEL, at an offset."""

    def __init__(self, at: int, message: str) -> None:
        super().__init__(message)
        self.at = at
