"""x-kubernetes-validations: which rules run where, against what, and how a failure reads."""

from dataclasses import dataclass, field
from typing import Any

from hyperdrive_local.schema import errors, golang
from hyperdrive_local.schema.cel.program import CompileError, EvaluationError, Program, compile_rule, none, some
from hyperdrive_local.schema.cel.types import CelType, of_schema
from hyperdrive_local.schema.cel.values import Convert, converter
from hyperdrive_local.schema.correlation import compared_field, old_field, old_item, old_items, same
from hyperdrive_local.schema.errors import ErrorKind, FieldError
from hyperdrive_local.schema.fieldpaths import resolve
from hyperdrive_local.schema.nodes import ABSENT, Node

_REASONS = {kind.reason: kind for kind in (ErrorKind.REQUIRED, ErrorKind.DUPLICATE, ErrorKind.FORBIDDEN)}


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled rule."""

    program: Program
    text: str
    message: str
    message_program: Program | None
    reason: str
    field_path: str
    optional_old: bool

    @property
    def uses_old(self) -> bool:
        """Tell whether this is a transition rule."""
        return self.program.uses_old


@dataclass(slots=True)
class _RuleNode:
    """The part of the schema tree that has rules, here or below."""

    node: Node
    rules: list[Rule]
    convert: Convert
    is_root: bool
    properties: dict[str, "_RuleNode"] = field(default_factory=dict)
    additional: "_RuleNode | None" = None
    items: "_RuleNode | None" = None
    all_of: list["_RuleNode"] = field(default_factory=list)

    @property
    def type_shown(self) -> str:
        """What stands for the value where a rule could not be evaluated."""
        shown: str = self.node.schema.get("type") or ""
        return shown


def compile_one(rule: dict[str, Any], node: Node, own_type: CelType) -> Rule:
    """Compile a rule against the schema it stands in; raise CompileError if it is none."""
    text = rule.get("rule") or ""
    optional_old = bool(rule.get("optionalOldSelf"))
    message_text = rule.get("messageExpression") or ""
    return Rule(
        program=compile_rule(text, own_type, optional_old=optional_old),
        text=text.strip(),
        message=(rule.get("message") or "").strip(),
        message_program=compile_rule(message_text, own_type, optional_old=optional_old, wanted="string")
        if message_text
        else None,
        reason=rule.get("reason") or "",
        field_path=resolve(rule.get("fieldPath") or "", node) or "",
        optional_old=optional_old,
    )


class RuleSet:
    """All rules of a schema."""

    def __init__(self, root: Node) -> None:
        self._root = _compile(root, root, is_root=True) if root.has_rules else None

    def check(self, value: Any, old: Any = None) -> list[FieldError]:
        """Run every rule that applies; `old` is None on create."""
        check = _Check()
        if self._root is not None:
            check.node(self._root, value, old, "", unchanged=False)
        return check.found


def _compile(holder: Node, node: Node, *, is_root: bool) -> _RuleNode:
    """Compile the rules of `holder`, which is `node` itself or, in an allOf, an overlay of it."""
    rules = []
    own_type = of_schema(node, is_root=is_root)
    for rule in holder.rules:
        try:
            if own_type is not None:
                rules.append(compile_one(rule, node, own_type))
        except CompileError:
            continue  # check_crd refuses these, so none gets here but from a test
    compiled = _RuleNode(node, rules, converter(node, is_root=is_root), is_root)
    for name, child in holder.properties.items():
        if child.has_rules and name in node.properties:
            compiled.properties[name] = _compile(child, node.properties[name], is_root=child.embedded)
    if holder.additional is not None and holder.additional.has_rules and node.additional is not None:
        compiled.additional = _compile(holder.additional, node.additional, is_root=node.additional.embedded)
    if holder.items is not None and holder.items.has_rules and node.items is not None:
        compiled.items = _compile(holder.items, node.items, is_root=node.items.embedded)
    compiled.all_of = [_compile(child, node, is_root=is_root) for child in holder.all_of if child.has_rules]
    return compiled


class _Check:
    """One pass over an object and its old self."""

    def __init__(self) -> None:
        self.found: list[FieldError] = []

    def node(self, at: _RuleNode, value: Any, old: Any, path: str, *, unchanged: bool) -> None:
        """Check one value; `unchanged` says that it lies in something that is as it was before.

        What has not changed is let through by all but transition rules, so only those are run then.
        """
        if value is None:
            return
        for child in at.all_of:
            self.node(child, value, old, path, unchanged=unchanged)
        unchanged = unchanged or (old is not None and same(value, old))
        if at.rules:
            self.found += _run(at, value, old, path, only_transitions=unchanged)
        if isinstance(value, list) and at.items is not None:
            pairs = old_items(at.node, old)
            for index, item in enumerate(value):
                before = old_item(at.node, pairs, item)
                where = f"{path}[{index}]"
                self.node(at.items, item, None if before is ABSENT else before, where, unchanged=unchanged)
        elif isinstance(value, dict):
            self._fields(at, value, old, path, unchanged=unchanged)

    def _fields(self, at: _RuleNode, value: dict[str, Any], old: Any, path: str, *, unchanged: bool) -> None:
        for key, item in value.items():
            child = at.properties.get(key)
            where = f"{path}.{key}" if path else key
            if child is None:
                if at.additional is None or key in at.node.properties:
                    continue
                child, where = at.additional, f"{path}[{key}]"
            before = old_field(at.node, old, key)
            kept = unchanged or (at.node.map_type == "atomic" and same(item, compared_field(old, key)))
            self.node(child, item, None if before is ABSENT else before, where, unchanged=kept)


def _run(at: _RuleNode, value: Any, old: Any, path: str, *, only_transitions: bool) -> list[FieldError]:
    rules = [
        rule
        for rule in at.rules
        if (rule.uses_old and (old is not None or rule.optional_old)) or not (rule.uses_old or only_transitions)
    ]
    if not rules:
        return []
    shown = golang.OMITTED if isinstance(value, dict | list) else value
    variables: dict[str, Any] = {"self": at.convert(value)}
    old_value = None if old is None or not any(rule.uses_old for rule in rules) else at.convert(old)
    failures: list[FieldError] = []
    for rule in rules:
        if rule.uses_old:
            variables["oldSelf"] = (none() if old is None else some(old_value)) if rule.optional_old else old_value
        try:
            passed = rule.program.run(variables)
        except EvaluationError as error:
            failures.append(
                errors.invalid(path or errors.NO_PATH, at.type_shown, error.explained(rule.message or rule.text))
            )
            continue
        if passed is not True:
            failures.append(_failure(rule, variables, path, shown))
    return failures


def _failure(rule: Rule, variables: dict[str, Any], path: str, shown: Any) -> FieldError:
    detail = rule.message or f"failed rule: {rule.text}"
    if rule.message_program is not None:
        detail = _evaluated_message(rule.message_program, variables) or detail
    where = path + rule.field_path if path else rule.field_path.lstrip(".") or errors.NO_PATH
    kind = _REASONS.get(rule.reason, ErrorKind.INVALID)
    return FieldError(where, kind, shown, "" if kind is ErrorKind.DUPLICATE else detail)


def _evaluated_message(program: Program, variables: dict[str, Any]) -> str:
    """Return the message, or nothing if it can't be made: the rule's own message then stands in."""
    try:
        text = program.run(variables)
    except EvaluationError:
        return ""
    text = text.strip() if isinstance(text, str) else ""
    return "" if "\n" in text or len(text) > 5 * 1024 else text
