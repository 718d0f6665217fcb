"""Resource quantities: "100m", "1Gi", "2e3"."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

SYNTAX: Final = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

_QUANTITY: Final = re.compile(
    r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))(?P<suffix>[KMGTPE]i|[numkMGTPE]?|[eE][+-]?\d+)", re.ASCII
)
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY: Final = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact amount and the family of suffixes it was written in."""

    amount: Fraction
    form: str  # "decimal", "binary" or "exponent"

    def __str__(self) -> str:
        """Return the canonical form: no fraction, and the largest suffix that leaves none."""
        if self.form == "binary" and abs(self.amount) >= 1024 and self.amount.denominator == 1:
            return _binary(int(self.amount))
        amount, power = self.amount, 0
        while amount.denominator != 1 and power > -9:
            amount, power = amount * 1000, power - 3
        number = -(-amount.numerator // amount.denominator)  # below nano it is rounded up
        if number == 0:
            return "0"
        while number % 1000 == 0 and power < 18:
            number, power = number // 1000, power + 3
        if self.form == "exponent":
            return f"{number}e{power}" if power else str(number)
        return f"{number}{next(suffix for suffix, value in _DECIMAL.items() if value == power)}"


def _binary(number: int) -> str:
    power = 0
    while number % 1024 == 0 and power < len(_BINARY):
        number, power = number // 1024, power + 1
    return f"{number}{next((suffix for suffix, value in _BINARY.items() if value == power), '')}"


def parse_quantity(value: Any) -> Quantity | None:
    """Return the quantity, or None if the value is not one. JSON numbers are quantities too."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    match = _QUANTITY.fullmatch(str(value))
    if match is None:
        return None
    number, suffix = Fraction(match["number"].rstrip(".")), match["suffix"]
    if suffix in _BINARY:
        return Quantity(number * 1024 ** _BINARY[suffix], "binary")
    if suffix in _DECIMAL:
        return Quantity(number * Fraction(10) ** _DECIMAL[suffix], "decimal")
    exponent = int(suffix[1:])
    if abs(exponent) > 400:  # a number of a million digits is an attack, not a quantity
        return None
    return Quantity(number * Fraction(10) ** exponent, "exponent")
