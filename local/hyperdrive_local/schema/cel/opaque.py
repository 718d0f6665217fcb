"""Kubernetes' values beyond JSON: quantities, URLs, addresses and networks.

The library knows no types of others, so each is a map; equal values have equal maps.
"""

import ipaddress
import urllib.parse
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from hyperdrive_local.schema.builtin.quantity import SYNTAX, parse_quantity

Value = dict[str, Any]
_NETWORK_ERROR: Final = "network address parse error during conversion from string"


def _quantity(text: str) -> Value:
    parsed = parse_quantity(text)
    if parsed is None:
        raise ValueError(SYNTAX)
    return {"type": "quantity", "amount": str(parsed.amount)}


def _amount(value: Any) -> Fraction:
    return Fraction(value["amount"]) if isinstance(value, dict) else Fraction(value)


def _compare(one: Value, other: Value) -> int:
    left, right = _amount(one), _amount(other)
    return (left > right) - (left < right)


def _as_integer(value: Value) -> int:
    amount = _amount(value)
    if amount.denominator != 1:
        raise ValueError("cannot convert value to integer")
    return int(amount)


def _is_url(text: str) -> bool:
    try:
        parsed = urllib.parse.urlsplit(text)
        _ = parsed.port
    except ValueError:
        return False
    return bool(parsed.scheme) or text.startswith("/")


def _url(text: str) -> Value:
    if not _is_url(text):
        raise ValueError(f'URL parse error during conversion from string: parse "{text}": invalid URI for request')
    return {"type": "url", "text": text}


def _parts(value: Value) -> urllib.parse.SplitResult:
    return urllib.parse.urlsplit(value["text"])


def _port(value: Value) -> str:
    port = _parts(value).port
    return "" if port is None else str(port)


def _query(value: Value) -> dict[str, list[str]]:
    return urllib.parse.parse_qs(_parts(value).query, keep_blank_values=True)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(text)


def _ip(value: Any) -> Value:
    if isinstance(value, dict):  # of a network
        return {"type": "ip", "text": value["text"].partition("/")[0]}
    try:
        return {"type": "ip", "text": str(_address(value))}
    except ValueError as error:
        raise ValueError(
            f'IP Address "{value}" parse error during conversion from string: {_unparsed(value)}'
        ) from error


def _unparsed(text: str) -> str:
    return f'ParseAddr("{text}"): unable to parse IP'


def _network(value: Any) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(value["text"] if isinstance(value, dict) else value, strict=False)


def _cidr(text: str) -> Value:
    if not _parses(_network)(text) or "/" not in text:
        reason = f'netip.ParsePrefix("{text}"): ' + ("unable to parse IP" if "/" in text else "no '/'")
        raise ValueError(f"{_NETWORK_ERROR}: {_NETWORK_ERROR}: {reason}")
    return {"type": "cidr", "text": text}


def _parses(parse: Callable[[str], Any]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return check


def _contains_ip(network: Value, address: Any) -> bool:
    text = address["text"] if isinstance(address, dict) else address
    return _address(text) in _network(network)


def _contains_cidr(network: Value, other: Any) -> bool:
    outer, inner = _network(network), _network(other)
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type] # both of one version


def _is_global(value: Value) -> bool:
    address = _address(value["text"])
    special = address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local
    return not special and value["text"] != "255.255.255.255"


OPAQUE_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "x_quantity": _quantity,
    "x_isQuantity": lambda text: parse_quantity(text) is not None,
    "x_isInteger": lambda value: _amount(value).denominator == 1,
    "x_asInteger": _as_integer,
    "x_asApproximateFloat": lambda value: float(_amount(value)),
    "x_isGreaterThan": lambda one, other: _compare(one, other) > 0,
    "x_isLessThan": lambda one, other: _compare(one, other) < 0,
    "x_compareTo": _compare,
    "x_add": lambda one, other: {"type": "quantity", "amount": str(_amount(one) + _amount(other))},
    "x_sub": lambda one, other: {"type": "quantity", "amount": str(_amount(one) - _amount(other))},
    "x_url": _url,
    "x_isURL": _is_url,
    "x_getScheme": lambda value: _parts(value).scheme,
    "x_getHost": lambda value: _parts(value).netloc.rpartition("@")[2],
    "x_getHostname": lambda value: _parts(value).hostname or "",
    "x_getPort": _port,
    "x_getEscapedPath": lambda value: _parts(value).path,
    "x_getQuery": _query,
    "x_ip": _ip,
    "x_isIP": _parses(_address),
    "x_ip_isCanonical": lambda text: str(_address(text)) == text,
    "x_family": lambda value: _address(value["text"]).version,
    "x_isUnspecified": lambda value: _address(value["text"]).is_unspecified,
    "x_isLoopback": lambda value: _address(value["text"]).is_loopback,
    "x_isLinkLocalMulticast": lambda value: value["text"].startswith(("224.0.0.", "ff02:")),
    "x_isLinkLocalUnicast": lambda value: _address(value["text"]).is_link_local,
    "x_isGlobalUnicast": _is_global,
    "x_cidr": _cidr,
    "x_isCIDR": lambda text: "/" in text and _parses(_network)(text),
    "x_containsIP": _contains_ip,
    "x_containsCIDR": _contains_cidr,
    "x_masked": lambda value: {"type": "cidr", "text": str(_network(value))},
    "x_prefixLength": lambda value: _network(value).prefixlen,
}
