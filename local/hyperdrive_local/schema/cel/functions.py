"""Kubernetes' extension functions on texts and lists, and those of CEL's own that the library words differently."""

import itertools
from collections.abc import Callable
from typing import Any, Final

import cel

from hyperdrive_local.schema import golang
from hyperdrive_local.schema.cel.formatting import format_text
from hyperdrive_local.schema.correlation import same
from hyperdrive_local.schema.patterns import compile_re2


def _char_at(text: str, index: int) -> str:
    if not 0 <= index <= len(text):
        raise IndexError(f"index out of range: {index}")
    return text[index : index + 1]


def _index_of(where: Any, what: Any, offset: int = 0) -> int:
    if isinstance(where, str):
        if offset < 0:
            raise IndexError(f"index out of range: {offset}")
        return where.find(what, offset) if what else offset
    return next((index for index, item in enumerate(where) if same(item, what)), -1)


def _last_index_of(where: Any, what: Any, offset: int | None = None) -> int:
    if isinstance(where, str):
        if offset is None:
            return where.rfind(what)
        if offset < 0:
            raise IndexError(f"index out of range: {offset}")
        return where.rfind(what, 0, offset + len(what)) if offset < len(where) else -1
    return next((index for index in range(len(where) - 1, -1, -1) if same(where[index], what)), -1)


def _ascii(change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: "".join(change(char) if char.isascii() else char for char in text)


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if limit == 1:
        return [text]
    if separator:
        return text.split(separator, limit - 1 if limit > 0 else -1)
    pieces = list(text) if limit < 0 else [*text[: limit - 1], text[limit - 1 :]]
    return [piece for piece in pieces if piece]


def _substring(text: str, start: int, end: int | None = None) -> str:
    end = len(text) if end is None else end
    if not 0 <= start <= len(text):
        raise IndexError(f"index out of range: {start}")
    if not 0 <= end <= len(text):
        raise IndexError(f"index out of range: {end}")
    if start > end:
        raise ValueError(f"invalid substring range. start: {start}, end: {end}")
    return text[start:end]


def _slice(items: list[Any], start: int, end: int) -> list[Any]:
    if start < 0 or end < 0:
        raise IndexError(f"cannot slice({start}, {end}), negative indexes not supported")
    if start > end:
        raise IndexError(f"cannot slice({start}, {end}), start index must be less than or equal to end index")
    if end > len(items):
        raise IndexError(f"cannot slice({start}, {end}), list is length {len(items)}")
    return items[start:end]


def _distinct(items: list[Any]) -> list[Any]:
    kept: list[Any] = []
    for item in items:
        if not any(same(item, other) for other in kept):
            kept.append(item)
    return kept


def _flatten(items: list[Any], depth: int = 1) -> list[Any]:
    flat: list[Any] = []
    for item in items:
        flat += _flatten(item, depth - 1) if isinstance(item, list) and depth > 0 else [item]
    return flat


def _extreme(name: str, choose: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    def call(items: list[Any]) -> Any:
        if not items:
            raise ValueError(f"{name} called on empty list")
        return choose(items)

    return call


def _sum(items: list[Any]) -> Any:
    return sum(items[1:], items[0]) if items else 0


def _is_sorted(items: list[Any]) -> bool:
    return all(one <= other for one, other in itertools.pairwise(items))


def _contains_all(items: list[Any], wanted: list[Any]) -> bool:
    return all(any(same(item, other) for other in items) for item in wanted)


def _sort_by(items: list[Any], keys: list[Any]) -> list[Any]:
    return [items[index] for index in sorted(range(len(items)), key=keys.__getitem__)]


def _merged(maps: list[dict[Any, Any]]) -> dict[Any, Any]:
    whole: dict[Any, Any] = {}
    for one in maps:
        for key, value in one.items():
            if key in whole:
                raise ValueError(f"insert failed: key '{key}' already exists")
            whole[key] = value
    return whole


def _find(text: str, pattern: str) -> str:
    match = compile_re2(pattern).search(text)
    return match[0] if match else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found = [match[0] for match in compile_re2(pattern).finditer(text)]
    return found if limit < 0 else found[:limit]


def _field(value: Any, name: str) -> Any:
    return cel.OptionalValue.of(value[name]) if name in value else cel.OptionalValue.none()


def _item(value: Any, index: Any) -> Any:
    inside = 0 <= index < len(value) if isinstance(value, list) else index in value
    return cel.OptionalValue.of(value[index]) if inside else cel.OptionalValue.none()


def _through(read: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda optional, name: read(optional.value(), name) if optional.has_value() else optional


TEXT_AND_LIST_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "x_size": len,
    "x_matches": lambda text, pattern: compile_re2(pattern).search(text) is not None,
    "x_charAt": _char_at,
    "x_indexOf": _index_of,
    "x_lastIndexOf": _last_index_of,
    "x_lowerAscii": _ascii(str.lower),
    "x_upperAscii": _ascii(str.upper),
    "x_replace": lambda text, old, new, limit=-1: text.replace(old, new, limit),
    "x_split": _split,
    "x_substring": _substring,
    "x_trim": str.strip,
    "x_join": lambda items, separator="": separator.join(items),
    "x_format": format_text,
    "x_strings_quote": golang.quoted,
    "x_find": _find,
    "x_findAll": _find_all,
    "x_slice": _slice,
    "x_distinct": _distinct,
    "x_reverse": lambda items: items[::-1],
    "x_flatten": _flatten,
    "x_first": lambda items: _item(items, 0),
    "x_last": lambda items: _item(items, len(items) - 1),
    "x_sort": sorted,
    "x_sortBy": _sort_by,
    "x_map_of": lambda keys, values: dict(zip(keys, values, strict=True)),
    "x_merged": _merged,
    "x_isSorted": _is_sorted,
    "x_sum": _sum,
    "x_min": _extreme("min", min),
    "x_max": _extreme("max", max),
    "x_lists_range": lambda count: list(range(count)),
    "x_sets_contains": _contains_all,
    "x_sets_equivalent": lambda one, other: _contains_all(one, other) and _contains_all(other, one),
    "x_sets_intersects": lambda one, other: any(same(item, item2) for item in one for item2 in other),
    "x_indexes": lambda items: list(range(len(items))),
    "x_keys": lambda value: sorted(value, key=str),
    "x_optional_field": _field,
    "x_optional_item": _item,
    "x_optional_items": lambda optional: [optional.value()] if optional.has_value() else [],
    "x_field_of_optional": _through(_field),
    "x_item_of_optional": _through(_item),
}
