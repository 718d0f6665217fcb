"""What is refused in the x-kubernetes-validations of a CRD."""

from collections.abc import Iterator
from typing import Any, Final

from hyperdrive_local.schema import errors, golang
from hyperdrive_local.schema.cel.program import CompileError, compile_rule
from hyperdrive_local.schema.cel.types import CelType, of_schema
from hyperdrive_local.schema.errors import ErrorKind, FieldError
from hyperdrive_local.schema.fieldpaths import resolve
from hyperdrive_local.schema.nodes import Node

_REASONS: Final = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"]
_NO_TYPE: Final = (
    "internal error: failed to construct type information for x-kubernetes-validations rules: "
    "unable to convert structural schema to CEL declarations"
)


def check_rules(node: Node, path: str, *, is_root: bool = True, uncorrelatable: str = "") -> Iterator[FieldError]:
    """Yield the errors of all rules here and below.

    `uncorrelatable` is the path of the nearest list above whose items can't be paired with their old selves.
    """
    if node.rules:
        own_type = of_schema(node, is_root=is_root)
        if own_type is None:
            where = f"{path}.x-kubernetes-validations"
            yield FieldError(where, ErrorKind.INTERNAL, "", _NO_TYPE)
        else:
            for index, rule in enumerate(node.rules):
                where = f"{path}.x-kubernetes-validations[{index}]"
                yield from _check_rule(rule, node, own_type, where, uncorrelatable)
    for name, child in node.properties.items():
        below = f"{path}.properties[{name}]"
        yield from check_rules(child, below, is_root=child.embedded, uncorrelatable=uncorrelatable)
    if node.additional is not None:
        below = f"{path}.additionalProperties"
        yield from check_rules(node.additional, below, is_root=node.additional.embedded, uncorrelatable=uncorrelatable)
    if node.items is not None:
        broken = uncorrelatable or ("" if node.list_type == "map" else path)
        yield from check_rules(node.items, f"{path}.items", is_root=node.items.embedded, uncorrelatable=broken)


def _check_rule(
    rule: dict[str, Any], node: Node, own_type: CelType, path: str, uncorrelatable: str
) -> Iterator[FieldError]:
    text = rule.get("rule") or ""
    yield from _check_texts(rule, path)
    if rule.get("fieldPath") and resolve(rule["fieldPath"], node) is None:
        yield errors.invalid(f"{path}.fieldPath", rule["fieldPath"], "must be a valid path")
    uses_old = False
    if text.strip() and not ("\n" in text.strip() and not _has_message(rule)):
        try:
            uses_old = compile_rule(text, own_type, optional_old=bool(rule.get("optionalOldSelf"))).uses_old
        except CompileError as error:
            yield errors.invalid(f"{path}.rule", _shown(rule), str(error))
    if uses_old and uncorrelatable and not rule.get("optionalOldSelf"):
        detail = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {uncorrelatable}"
        yield errors.invalid(f"{path}.rule", text, detail)
    if rule.get("optionalOldSelf") is not None and not uses_old:
        detail = "may not be set if oldSelf is not used in rule"
        yield errors.invalid(f"{path}.optionalOldSelf", rule["optionalOldSelf"], detail)
    yield from _check_message_expression(rule, own_type, path)


def _has_message(rule: dict[str, Any]) -> bool:
    return bool((rule.get("message") or "").strip() or (rule.get("messageExpression") or "").strip())


def _check_texts(rule: dict[str, Any], path: str) -> Iterator[FieldError]:
    text, message = (rule.get("rule") or "").strip(), rule.get("message") or ""
    if not text:
        yield errors.required(f"{path}.rule", "rule is not specified")
    if message and not message.strip():
        yield errors.invalid(f"{path}.message", message, "must be non-empty if specified")
    elif "\n" in message.strip():
        yield errors.invalid(f"{path}.message", message, "must not contain line breaks")
    elif "\n" in text and not _has_message(rule):
        yield errors.required(f"{path}.message", "message must be specified if rule contains line breaks")
    reason = rule.get("reason")
    if reason and reason not in _REASONS:
        yield errors.not_supported(f"{path}.reason", reason, _REASONS)


def _check_message_expression(rule: dict[str, Any], own_type: CelType, path: str) -> Iterator[FieldError]:
    text = rule.get("messageExpression") or ""
    where = f"{path}.messageExpression"
    if text and not text.strip():
        yield errors.required(where, "messageExpression must be non-empty if specified")
    elif text:
        try:
            compile_rule(text, own_type, optional_old=bool(rule.get("optionalOldSelf")), wanted="string")
        except CompileError as error:
            detail = str(error)
            if detail.startswith("cel expression must"):
                detail = "messageExpression must evaluate to a string"
            else:
                detail = f"messageExpression {detail}"
            yield errors.invalid(where, _shown(rule), detail)


def _shown(rule: dict[str, Any]) -> golang.Ordered:
    """Return the rule as the real server prints it: the Go struct, with its own names."""
    return golang.Ordered(
        {
            "Rule": rule.get("rule") or "",
            "Message": rule.get("message") or "",
            "MessageExpression": rule.get("messageExpression") or "",
            "Reason": rule.get("reason"),
            "FieldPath": rule.get("fieldPath") or "",
            "OptionalOldSelf": rule.get("optionalOldSelf"),
        }
    )
