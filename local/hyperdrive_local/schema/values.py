"""Value rules of a schema, checked in the order and with the messages of the real server's validator."""

from dataclasses import dataclass, field
from typing import Any

from hyperdrive_local.schema import errors, golang
from hyperdrive_local.schema.correlation import compared_field, old_item, old_items, same
from hyperdrive_local.schema.errors import FieldError
from hyperdrive_local.schema.formats import FORMATS
from hyperdrive_local.schema.nodes import ABSENT, Node
from hyperdrive_local.schema.numbers import check_number, is_whole


@dataclass(slots=True)
class Outcome:
    """The errors of one node; `matches` picks which alternative of an anyOf or oneOf is explained."""

    errors: list[FieldError] = field(default_factory=list)
    matches: int = 0

    def merge(self, other: "Outcome") -> None:
        self.errors += other.errors
        self.matches += other.matches


def check_value(value: Any, node: Node, path: str = "", old: Any = ABSENT) -> Outcome:
    """Check a value and all below it. What an update left as it was is not held against it (ratcheting)."""
    outcome = Outcome()
    if old is not ABSENT and same(value, old):
        return outcome
    _check_type(value, node, path, outcome)
    if value is not None:
        if node.all_of or node.any_of or node.one_of or node.negated is not None:
            _check_combinations(value, node, path, outcome)
        outcome.matches += 1  # the combinations count as a check that was made, even where there are none
        if isinstance(value, str):
            _check_string(value, node, path, outcome)
        elif isinstance(value, dict):
            _check_object(value, node, path, old, outcome)
        elif isinstance(value, list):
            _check_list(value, node, path, old, outcome)
        elif not isinstance(value, bool):
            outcome.errors += check_number(value, node, path)
            outcome.matches += 1
    _check_enum(value, node, path, outcome)
    outcome.matches += 1
    return outcome


def _check_type(value: Any, node: Node, path: str, outcome: Outcome) -> None:
    if not node.types and not node.format:
        return
    outcome.matches += 2
    actual = golang.type_name(value)
    if value is None:
        if node.types and not node.nullable:
            outcome.errors.append(_wrong_type(path, ",".join(node.types), actual))
        return
    accepted = (
        actual in node.types
        or (actual == "integer" and "number" in node.types)
        or (actual == "number" and "integer" in node.types and is_whole(value))
    )
    if accepted:
        return
    is_text_or_list = isinstance(value, str | list)
    if node.format and not is_text_or_list:
        width = {"integer": "int64", "number": "float64"}.get(actual, "")
        if width != node.format:
            outcome.errors.append(_wrong_type(path, node.format, width))
            return
    if node.format and is_text_or_list and not {"number", "integer"} & set(node.types):
        return  # the format check speaks for these
    outcome.errors.append(_wrong_type(path, ",".join(node.types), actual))


def _wrong_type(path: str, wanted: str, actual: str) -> FieldError:
    detail = f"{path} in body must be of type {wanted}: {golang.quoted(actual)}"
    return errors.type_invalid(path, actual, detail)


def _check_combinations(value: Any, node: Node, path: str, outcome: Outcome) -> None:
    name = golang.quoted(path)
    if node.any_of:
        tried = [check_value(value, child, path) for child in node.any_of]
        valid = [one for one in tried if not one.errors]
        if not valid:
            outcome.errors.append(
                errors.invalid(errors.NO_PATH, "", f"{name} must validate at least one schema (anyOf)")
            )
        outcome.merge(valid[0] if valid else _closest(tried))
    if node.one_of:
        tried = [check_value(value, child, path) for child in node.one_of]
        valid = [one for one in tried if not one.errors]
        if len(valid) != 1:
            found = f"Found {len(valid)} valid alternatives" if valid else "Found none valid"
            detail = f"{name} must validate one and only one schema (oneOf). {found}"
            outcome.errors.append(errors.invalid(errors.NO_PATH, "", detail))
        if len(valid) <= 1:
            outcome.merge(valid[0] if valid else _closest(tried))
    if node.all_of:
        tried = [check_value(value, child, path) for child in node.all_of]
        for one in tried:
            outcome.merge(one)
        failed = sum(bool(one.errors) for one in tried)
        if failed:
            ending = ". None validated" if failed == len(tried) else ""
            outcome.errors.append(
                errors.invalid(errors.NO_PATH, "", f"{name} must validate all the schemas (allOf){ending}")
            )
    if node.negated is not None and not check_value(value, node.negated, path).errors:
        outcome.errors.append(errors.invalid(errors.NO_PATH, "", f"{name} must not validate the schema (not)"))
    outcome.matches += 1


def _closest(tried: list[Outcome]) -> Outcome:
    return max(tried, key=lambda one: one.matches)  # the first of equals


def _check_string(value: str, node: Node, path: str, outcome: Outcome) -> None:
    outcome.matches += 1
    schema = node.schema
    longest, shortest = schema.get("maxLength"), schema.get("minLength")
    if longest is not None and len(value) > longest:
        outcome.errors.append(errors.too_long(path, int(longest)))
    elif shortest is not None and len(value) < shortest:
        detail = f"{path} in body should be at least {int(shortest)} chars long"
        outcome.errors.append(errors.invalid(path, value, detail))
    elif node.pattern is not None and not node.pattern.search(value):
        outcome.errors.append(errors.invalid(path, value, f"{path} in body should match '{schema['pattern']}'"))
    check = FORMATS.get(node.format)
    if check is not None:
        outcome.matches += 1
        if not check(value):
            detail = f"{path} in body must be of type {node.format}: {golang.quoted(value)}"
            outcome.errors.append(errors.type_invalid(path, value, detail))


def _check_enum(value: Any, node: Node, path: str, outcome: Outcome) -> None:
    outcome.matches += 1
    if not node.enum or (value is not None and any(_equals(value, allowed) for allowed in node.enum)):
        return
    listed = [item if isinstance(item, str) else golang.as_json(item) for item in node.enum]
    outcome.errors.append(errors.not_supported(path, value, listed))


def _equals(value: Any, allowed: Any) -> bool:
    numbers = isinstance(value, int | float) and isinstance(allowed, int | float)
    if numbers and not isinstance(value, bool) and not isinstance(allowed, bool):
        return bool(value == allowed)
    return same(value, allowed)


def _check_list(value: list[Any], node: Node, path: str, old: Any, outcome: Outcome) -> None:
    outcome.matches += 1
    if node.items is not None:
        pairs = old_items(node, old)
        for index, item in enumerate(value):
            outcome.merge(check_value(item, node.items, f"{path}[{index}]", old_item(node, pairs, item)))
    fewest, most = node.schema.get("minItems"), node.schema.get("maxItems")
    if fewest is not None and len(value) < fewest:
        detail = f"{path} in body should have at least {int(fewest)} items"
        outcome.errors.append(errors.invalid(path, len(value), detail))
    if most is not None and len(value) > most:
        outcome.errors.append(errors.too_many(path, len(value), int(most)))
    if node.schema.get("uniqueItems") and _has_twins(value):
        outcome.errors.append(errors.invalid(path, "", f"{path} in body shouldn't contain duplicates"))


def _has_twins(value: list[Any]) -> bool:
    return any(same(item, other) for index, item in enumerate(value) for other in value[:index])


def _check_object(value: dict[str, Any], node: Node, path: str, old: Any, outcome: Outcome) -> None:
    outcome.matches += 1
    fewest, most = node.schema.get("minProperties"), node.schema.get("maxProperties")
    if fewest is not None and len(value) < fewest:
        detail = f"{path} in body should have at least {int(fewest)} properties"
        outcome.errors.append(errors.invalid(path, len(value), detail))
        return
    if most is not None and len(value) > most:
        outcome.errors.append(errors.too_many(path, len(value), int(most)))
        return
    for key, item in value.items():
        child = node.properties.get(key)
        if child is not None:
            where = f"{path}.{key}" if path else key
            outcome.merge(check_value(item, child, where, compared_field(old, key)))
        elif not node.additional_allowed:
            detail = f"{path}.{key} in body is a forbidden property"
            outcome.errors.append(errors.invalid(f"{path}.{key}".lstrip("."), "", detail))
        elif node.additional is not None:
            outcome.merge(check_value(item, node.additional, f"{path}.{key}", compared_field(old, key)))
    for key in node.required:
        if key not in value:
            outcome.errors.append(errors.required(f"{path}.{key}" if path else key))
