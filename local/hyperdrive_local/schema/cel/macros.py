"""CEL's macros: calls whose arguments are not values but expressions over new variables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from hyperdrive_local.schema.cel import types
from hyperdrive_local.schema.cel.checker import Checked, Checker
from hyperdrive_local.schema.cel.syntax import Call, Expr, Ident, Select
from hyperdrive_local.schema.cel.types import BOOL, DYN, INT, CelType

Scope = Mapping[str, CelType]
Macro = Callable[[Checker, Call, Scope], Checked]


@dataclass(frozen=True, slots=True)
class _Range:
    """What a comprehension goes over: its text, and the types of one variable or of two."""

    text: str
    key: CelType
    value: CelType
    is_list: bool


def _has(checker: Checker, expr: Call, scope: Scope) -> Checked:
    argument = expr.args[0]
    is_macro = isinstance(argument, Call) and argument.name == "has"
    if is_macro:
        return checker.check(argument, scope)
    if not isinstance(argument, Select) or argument.optional:
        return checker.report(argument.at, "invalid argument to has() macro")
    operand = checker.check(argument.operand, scope)
    checker.field_of(operand.type, argument.name, expr.at)
    if operand.type.name == "optional_type":
        return Checked(BOOL, f'x_field_of_optional({operand.text}, "{argument.name}").hasValue()')
    return Checked(BOOL, f"has({operand.text}.{argument.name})")


def _range(checker: Checker, expr: Call, scope: Scope) -> _Range:
    operand = expr.target
    if operand is None:
        raise TypeError("a comprehension has a range")
    checked = checker.check(operand, scope)
    kind = checked.type
    if kind.name == "list":
        return _Range(checked.text, INT, kind.params[0], is_list=True)
    if kind.name == "map":
        return _Range(checked.text, kind.params[0], kind.params[1], is_list=False)
    if kind.name not in {"dyn", "_"}:
        message = f"expression of type '{kind}' cannot be range of a comprehension (must be list, map, or dynamic)"
        checker.report(operand.at, message)
    return _Range(checked.text, DYN, DYN, is_list=True)


def _variable(checker: Checker, argument: Expr) -> str:
    if isinstance(argument, Ident):
        return argument.name
    checker.report(argument.at, "argument must be a simple name")
    return "_"


def _one_variable(checker: Checker, expr: Call, scope: Scope) -> tuple[_Range, str, Scope]:
    over = _range(checker, expr, scope)
    name = _variable(checker, expr.args[0])
    return over, name, {**scope, name: over.value if over.is_list else over.key}


def _two_variables(checker: Checker, expr: Call, scope: Scope) -> tuple[_Range, str, str, Scope]:
    over = _range(checker, expr, scope)
    first, second = (_variable(checker, argument) for argument in expr.args[:2])
    return over, first, second, {**scope, first: over.key, second: over.value}


def _body(checker: Checker, expr: Expr, scope: Scope, own: Scope) -> Checked:
    """Check a body; the names it binds are not free variables, unless the same name is free elsewhere."""
    bound = {name for name in own if own[name] is not scope.get(name)}
    before = set(checker.names)
    checked = checker.check(expr, own)
    checker.names -= bound - before
    return checked


def _quantifier(checker: Checker, expr: Call, scope: Scope) -> Checked:
    over, name, own = _one_variable(checker, expr, scope)
    condition = _body(checker, expr.args[1], scope, own)
    if expr.name == "exists_one":
        checker.resolve("_?_:_", None, [condition.type, INT, INT], expr.at)
    else:
        checker.expect_bool(condition, expr.args[1].at)
    return Checked(BOOL, f"{over.text}.{expr.name}({name}, {condition.text})")


def _filter(checker: Checker, expr: Call, scope: Scope) -> Checked:
    over, name, own = _one_variable(checker, expr, scope)
    condition = _body(checker, expr.args[1], scope, own)
    result = types.list_of(own[name])
    checker.resolve("_?_:_", None, [condition.type, result, result], expr.at)
    return Checked(result, f"{over.text}.filter({name}, {condition.text})")


def _map(checker: Checker, expr: Call, scope: Scope) -> Checked:
    over, name, own = _one_variable(checker, expr, scope)
    condition = _body(checker, expr.args[1], scope, own) if len(expr.args) == 3 else None
    item = _body(checker, expr.args[-1], scope, own)
    result = types.list_of(item.type)
    if condition is None:
        return Checked(result, f"{over.text}.map({name}, {item.text})")
    checker.resolve("_?_:_", None, [condition.type, result, result], expr.at)
    return Checked(result, f"{over.text}.map({name}, {condition.text}, {item.text})")


# The library has no comprehension of two variables: the inner one here goes over a list of one value.
def _keys(over: _Range) -> str:
    # sorted, since the library goes over a map in another order each time
    return f"x_indexes({over.text})" if over.is_list else f"x_keys({over.text})"


def _quantifier_of_two(checker: Checker, expr: Call, scope: Scope) -> Checked:
    over, key, value, own = _two_variables(checker, expr, scope)
    condition = _body(checker, expr.args[2], scope, own)
    checker.expect_bool(condition, expr.args[2].at)
    outer = "exists_one" if expr.name in {"existsOne", "exists_one"} else expr.name
    inner = "exists" if outer == "exists_one" else outer
    one = f"[{over.text}[{key}]].{inner}({value}, {condition.text})"
    return Checked(BOOL, f"{_keys(over)}.{outer}({key}, {one})")


def _transform(checker: Checker, expr: Call, scope: Scope) -> Checked:
    over, key, value, own = _two_variables(checker, expr, scope)
    keys = _keys(over)
    if len(expr.args) == 4:
        condition = _body(checker, expr.args[2], scope, own)
        checker.expect_bool(condition, expr.args[2].at)
        keys = f"{keys}.filter({key}, [{over.text}[{key}]].all({value}, {condition.text}))"
    item = _body(checker, expr.args[-1], scope, own)
    items = f"{keys}.map({key}, [{over.text}[{key}]].map({value}, {item.text})[0])"
    if expr.name == "transformMap":
        return Checked(types.map_of(over.key, item.type), f"x_map_of({keys}, {items})")
    if expr.name == "transformMapEntry":
        return Checked(item.type, f"x_merged({items})")
    return Checked(types.list_of(item.type), items)


def _sort_by(checker: Checker, expr: Call, scope: Scope) -> Checked:
    over, name, own = _one_variable(checker, expr, scope)
    key = _body(checker, expr.args[1], scope, own)
    return Checked(types.list_of(own[name]), f"x_sortBy({over.text}, {over.text}.map({name}, {key.text}))")


def _optional_map(checker: Checker, expr: Call, scope: Scope) -> Checked:
    if expr.target is None:
        raise TypeError("optMap has a target")
    operand = checker.check(expr.target, scope)
    name = _variable(checker, expr.args[0])
    inner = operand.type.params[0] if operand.type.name == "optional_type" else DYN
    item = _body(checker, expr.args[1], scope, {**scope, name: inner})
    mapped = f"[{operand.text}.value()].map({name}, {item.text})[0]"
    flat = expr.name == "optFlatMap"
    result = item.type if flat else types.optional_of(item.type)
    some = mapped if flat else f"optional.of({mapped})"
    return Checked(result, f"({operand.text}.hasValue() ? {some} : optional.none())")


# By name, number of arguments, and whether it is called on something.
MACROS: Final[dict[tuple[str, int, bool], Macro]] = {
    ("has", 1, False): _has,
    ("all", 2, True): _quantifier,
    ("exists", 2, True): _quantifier,
    ("exists_one", 2, True): _quantifier,
    ("filter", 2, True): _filter,
    ("map", 2, True): _map,
    ("map", 3, True): _map,
    ("all", 3, True): _quantifier_of_two,
    ("exists", 3, True): _quantifier_of_two,
    ("exists_one", 3, True): _quantifier_of_two,
    ("existsOne", 3, True): _quantifier_of_two,
    ("sortBy", 2, True): _sort_by,
    ("transformList", 3, True): _transform,
    ("transformList", 4, True): _transform,
    ("transformMap", 3, True): _transform,
    ("transformMap", 4, True): _transform,
    ("transformMapEntry", 3, True): _transform,
    ("transformMapEntry", 4, True): _transform,
    ("optMap", 2, True): _optional_map,
    ("optFlatMap", 2, True): _optional_map,
}
