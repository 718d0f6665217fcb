"""Checking an expression's types as cel-go does, and writing it anew in the words of the library that runs it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hyperdrive_local.schema.cel import types
from hyperdrive_local.schema.cel.declarations import OVERLOADS, UNSUPPORTED, Overload
from hyperdrive_local.schema.cel.equality import equal, is_special, joined
from hyperdrive_local.schema.cel.formatting import format_problems
from hyperdrive_local.schema.cel.naming import RESERVED
from hyperdrive_local.schema.cel.syntax import Call, Expr, Ident, ListExpr, Literal, MapExpr, Select
from hyperdrive_local.schema.cel.types import BOOL, DYN, NULL, STRING, UNBOUND, CelType, assignable, substituted

# Functions that the library has under the same name and with the same meaning. All others are ours, see functions.py.
NATIVE: Final = frozenset({
    "contains", "startsWith", "endsWith", "type", "dyn", "bytes", "optional.of", "optional.ofNonZeroValue",
    "optional.none", "hasValue", "value", "or", "orValue",
})  # fmt: skip
# These are native for some types only.
_NATIVE_FOR: Final = {
    "size": frozenset({"list", "map", "bytes"}),
    "int": frozenset({"int", "uint"}),
    "uint": frozenset({"int", "uint"}),
    "double": frozenset({"int", "uint", "double"}),
}
_SPECIAL: Final = {
    "_?_:_": "({} ? {} : {})",
    "_[_]": "{}[{}]",
    "_[?_]": "x_optional_item({}, {})",
    "!_": "(!{})",
    "-_": "(-{})",
    "@in": "({} in {})",
}
_TYPE_NAMES: Final = frozenset({
    "int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type", "type",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Checked:
    """An expression's type and its text for the library."""

    type: CelType
    text: str


@dataclass(slots=True)
class Checker:
    """One check; afterwards `problems` has an offset and a message for everything that is wrong."""

    problems: list[tuple[int, str]] = field(default_factory=list)
    equalities: dict[str, Callable[..., Any]] = field(default_factory=dict)  # functions made for this expression
    names: set[str] = field(default_factory=set)  # of the free variables that are used
    _mixed: list[Expr] = field(default_factory=list)  # lists whose items may be of several types

    def check(self, expr: Expr, scope: Mapping[str, CelType]) -> Checked:
        """Return type and text of an expression; what is wrong has type dyn, so that it is told of only once."""
        if isinstance(expr, Literal):
            return Checked(CelType(expr.type_name), _literal(expr))
        if isinstance(expr, Ident):
            return self._ident(expr, scope)
        if isinstance(expr, Select):
            return self._select(expr, scope)
        if isinstance(expr, ListExpr):
            return self._list(expr, scope)
        if isinstance(expr, MapExpr):
            return self._map(expr, scope)
        if isinstance(expr, Call):
            from hyperdrive_local.schema.cel.macros import MACROS  # noqa: PLC0415 # macros check their arguments here

            macro = MACROS.get((expr.name, len(expr.args), expr.target is not None))
            return macro(self, expr, scope) if macro else self._call(expr, scope)
        raise TypeError(f"no expression: {expr!r}")

    def report(self, at: int, message: str) -> Checked:
        """Note a problem; the result stands in for what could not be checked."""
        self.problems.append((at, message))
        return Checked(DYN, "null")

    def _ident(self, expr: Ident, scope: Mapping[str, CelType]) -> Checked:
        if expr.name in scope:
            self.names.add(expr.name)
            return Checked(scope[expr.name], expr.name)
        if expr.name in _TYPE_NAMES:
            return Checked(CelType("type", (CelType(expr.name),)), expr.name)
        return self.report(expr.at, f"undeclared reference to '{expr.name}' (in container '')")

    def _select(self, expr: Select, scope: Mapping[str, CelType]) -> Checked:
        operand = self.check(expr.operand, scope)
        is_object = operand.type.fields is not None
        plain = f"__{expr.name}__" if is_object and expr.name in RESERVED else expr.name
        found = self.field_of(operand.type, plain, expr.at)
        name = _quoted(plain)
        if operand.type.name == "optional_type":
            return Checked(types.optional_of(found), f"x_field_of_optional({operand.text}, {name})")
        if expr.optional:
            return Checked(types.optional_of(found), f"x_optional_field({operand.text}, {name})")
        return Checked(found, f"{operand.text}.{plain}")

    def field_of(self, operand: CelType, name: str, at: int) -> CelType:
        """Return the type of a field, seen through an optional."""
        if operand.name == "optional_type":
            operand = operand.params[0]
        if operand.fields is not None:
            if name in operand.fields:
                return operand.fields[name]
            self.report(at, f"undefined field '{name}'")
        elif operand.name == "map":
            return operand.params[1]
        elif operand.name not in {"dyn", "_"}:
            self.report(at, f"type '{operand}' does not support field selection")
        return DYN

    def _list(self, expr: ListExpr, scope: Mapping[str, CelType]) -> Checked:
        kind = UNBOUND
        mixed = expr in self._mixed
        parts: list[str] = []
        for item, optional in zip(expr.items, expr.optional, strict=True):
            checked = self.check(item, scope)
            found = checked.type
            if optional:
                found = found.params[0] if found.name == "optional_type" else DYN
                parts.append(f"x_optional_items({checked.text})")
            else:
                parts.append(f"[{checked.text}]")
            kind = DYN if mixed else self._joined(kind, found, item.at)
        if any(expr.optional):
            return Checked(types.list_of(kind), f"({' + '.join(parts)})")
        return Checked(types.list_of(kind), f"[{', '.join(part[1:-1] for part in parts)}]")

    def _joined(self, kind: CelType, found: CelType, at: int) -> CelType:
        """All items of a literal have one type, that of the first."""
        if kind == UNBOUND:
            return found
        if found != kind and not (UNBOUND in {found, *found.params} and assignable(found, kind, {})):
            self.report(at, f"expected type '{kind}' but found '{found}'")
        return kind

    def _map(self, expr: MapExpr, scope: Mapping[str, CelType]) -> Checked:
        key_type, value_type = UNBOUND, UNBOUND
        entries: list[str] = []
        if any(expr.optional):
            return self.report(expr.at, "the embedded cluster does not know optional map entries ({?key: value})")
        for key, value in zip(expr.keys, expr.values, strict=True):
            checked_key, checked_value = self.check(key, scope), self.check(value, scope)
            key_type = self._joined(key_type, checked_key.type, key.at)
            value_type = self._joined(value_type, checked_value.type, value.at)
            entries.append(f"{checked_key.text}: {checked_value.text}")
        return Checked(types.map_of(key_type, value_type), f"{{{', '.join(entries)}}}")

    def _call(self, expr: Call, scope: Mapping[str, CelType]) -> Checked:
        namespaced = _qualified(expr)
        if namespaced in UNSUPPORTED:
            return self.report(expr.at, _unknown_here(namespaced))
        if namespaced in OVERLOADS and expr.target is not None:
            expr = Call(expr.at, namespaced, None, expr.args)
        if expr.name in {"_&&_", "_||_"}:
            return self._logical(expr, scope)
        if expr.name == "format" and expr.args:
            self._mixed.append(expr.args[0])
        target = None if expr.target is None else self.check(expr.target, scope)
        args = [self.check(arg, scope) for arg in expr.args]
        if expr.name not in OVERLOADS:
            return self.report(expr.at, f"undeclared reference to '{expr.name}' (in container '')")
        if expr.name == "format" and isinstance(expr.args[0], ListExpr) and isinstance(expr.target, Literal):
            self._check_format(expr, expr.target, expr.args[0], scope)
        result = self.resolve(expr.name, target.type if target else None, [arg.type for arg in args], expr.at)
        if expr.name in {"_==_", "_!=_", "_+_"} and len(args) == 2 and is_special(args[0].type):
            return self._unordered(expr.name, args[0], args[1], result)
        return Checked(result, _call_text(expr.name, target, args))

    def _unordered(self, name: str, left: Checked, right: Checked, result: CelType) -> Checked:
        """Compare or add lists as what they are to the left: sets or maps."""
        kind = left.type
        if name == "_+_" and kind.list_keys is None:
            return Checked(kind, f"({left.text} + {right.text})")
        function = f"x_unordered{len(self.equalities)}"
        if name == "_+_":
            self.equalities[function] = lambda one, other: joined(one, other, kind)
            return Checked(kind, f"{function}({left.text}, {right.text})")
        self.equalities[function] = lambda one, other: equal(one, other, kind)
        call = f"{function}({left.text}, {right.text})"
        return Checked(result, call if name == "_==_" else f"(!{call})")

    def _check_format(self, call: Call, template: Literal, values: ListExpr, scope: Mapping[str, CelType]) -> None:
        kinds = [Checker().check(item, scope).type.name for item in values.items]
        for index, message in format_problems(str(template.value), kinds):
            self.report(call.at if index is None else values.items[index].at, message)

    def _logical(self, expr: Call, scope: Mapping[str, CelType]) -> Checked:
        args = [self.check(arg, scope) for arg in expr.args]
        for arg, checked in zip(expr.args, args, strict=True):
            self.expect_bool(checked, arg.at)
        return Checked(BOOL, _call_text(expr.name, None, args))

    def expect_bool(self, checked: Checked, at: int) -> None:
        """Report what is no condition."""
        if not assignable(checked.type, BOOL, {}):
            self.report(at, f"expected type 'bool' but found '{checked.type}'")

    def resolve(self, name: str, target: CelType | None, args: list[CelType], at: int) -> CelType:
        """Return the result of a call, dyn where several overloads could be meant."""
        results: list[CelType] = []
        for overload in OVERLOADS[name]:
            bound = _match(overload, target, args)
            if bound is not None:
                results.append(substituted(overload.result, bound))
        if not results:
            listed = f"({', '.join(map(str, args))})"
            applied = listed if target is None else f"{target}.{listed}"
            self.report(at, f"found no matching overload for '{name}' applied to '{applied}'")
            return DYN
        return results[0] if all(result == results[0] for result in results) else DYN


def _match(overload: Overload, target: CelType | None, args: list[CelType]) -> dict[str, CelType] | None:
    if (overload.target is None) != (target is None) or len(overload.args) != len(args):
        return None
    bound: dict[str, CelType] = {}
    if overload.target is not None and target is not None and not assignable(target, overload.target, bound):
        return None
    fits = all(assignable(arg, wanted, bound) for arg, wanted in zip(args, overload.args, strict=True))
    return bound if fits else None


def _qualified(expr: Call) -> str:
    """Return the dotted name of a call like sets.contains(...), or nothing."""
    parts = [expr.name]
    operand = expr.target
    while isinstance(operand, Select) and not operand.optional:
        parts.append(operand.name)
        operand = operand.operand
    if operand is None:
        return expr.name
    return ".".join(reversed([*parts, operand.name])) if isinstance(operand, Ident) else ""


def _unknown_here(name: str) -> str:
    return f"the embedded cluster does not know '{name}' in rules, though a real API server does"


def _call_text(name: str, target: Checked | None, args: list[Checked]) -> str:
    texts = [arg.text for arg in args]
    if name in {"_[_]", "_[?_]"} and args[0].type.name == "optional_type":
        return f"x_item_of_optional({', '.join(texts)})"
    if name in _SPECIAL:
        return _SPECIAL[name].format(*texts)
    if name.startswith("_"):
        return f"({texts[0]} {name[1:-1]} {texts[1]})"
    of_type = (target or args[0]).type.name if target or args else ""
    if name in NATIVE or of_type in _NATIVE_FOR.get(name, ()):
        return f"{target.text}.{name}({', '.join(texts)})" if target else f"{name}({', '.join(texts)})"
    whole = [target.text, *texts] if target else texts
    return f"x_{name.replace('.', '_')}({', '.join(whole)})"


def _literal(expr: Literal) -> str:
    if expr.type_name == "string":
        return _quoted(expr.value)
    if expr.type_name == "bytes":
        return 'b"' + "".join(f"\\x{byte:02x}" for byte in expr.value) + '"'
    if expr.type_name in {"int", "double"} and expr.text.startswith("-"):
        return f"({expr.text})"
    return expr.text


def _quoted(text: str) -> str:
    return '"' + "".join(char if char.isalnum() and char.isascii() else f"\\U{ord(char):08x}" for char in text) + '"'


__all__ = ["BOOL", "NULL", "STRING", "Checked", "Checker"]
