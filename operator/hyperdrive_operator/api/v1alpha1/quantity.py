"""Amounts of a resource as Kubernetes' users write them: 4, 500m, 8Gi."""

import re
from functools import lru_cache
from typing import Annotated, Any, Final

from pydantic import AfterValidator, WithJsonSchema

_MESSAGE: Final = "must be an amount of a resource above zero, as in 40, 0.5, 500m or 200Gi"
_SUFFIX: Final = "m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei"
#: Above zero: it has a digit that is not 0, before the point or behind it.
_FORM: Final = f"^([0-9]*[1-9][0-9]*([.][0-9]+)?|0*[.][0-9]*[1-9][0-9]*)({_SUFFIX})?$"
#: What Kubernetes itself writes beside that: exponents, nano and micro.
_ANY: Final = re.compile(rf"[+]?([0-9]+[.]?[0-9]*|[.][0-9]+)(?:({_SUFFIX}|n|u)|[eE]([+-]?[0-9]{{1,2}}))?")
_DECIMALS: Final = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_FACTORS: Final = {
    "": 1.0,
    **{suffix: 10.0**power for suffix, power in _DECIMALS.items()},
    **{suffix: 1024.0**power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
}


@lru_cache(maxsize=4096)  # thousands of pods ask for the same few amounts
def amount_of(quantity: float | str) -> float:
    """Return an amount in the resource's own unit (cores, bytes, devices); 0 for what is none."""
    match = _ANY.fullmatch(str(quantity))
    if match is None:
        return 0.0
    number, suffix, exponent = match.groups()
    return float(number) * _FACTORS[suffix or ""] * 10.0 ** int(exponent or 0)


def written_as(amount: float, given: int | str) -> str:
    """Write an amount in the unit of a given quantity, to three decimals: 1.5 * 2**30 beside 8Gi as 1.5Gi."""
    match = re.fullmatch(rf".*?({_SUFFIX})?", str(given))
    suffix = (match[1] if match else None) or ""
    return f"{amount / _FACTORS[suffix]:.3f}".rstrip("0").rstrip(".") + suffix


def _checked(quantity: Any) -> Any:
    is_amount = isinstance(quantity, int | str) and not isinstance(quantity, bool)
    if not is_amount or not re.fullmatch(_FORM[1:-1], str(quantity)):
        raise ValueError(_MESSAGE)
    return quantity


#: An amount above zero.
Quantity = Annotated[
    int | str,
    AfterValidator(_checked),
    WithJsonSchema({"x-kubernetes-int-or-string": True, "minimum": 1, "pattern": _FORM, "maxLength": 32}),
]
