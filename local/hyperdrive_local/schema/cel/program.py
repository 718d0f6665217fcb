"""Rules compiled for the CEL library, and its errors in cel-go's words."""

from dataclasses import dataclass
from typing import Any

import cel
from cel.stdlib import add_stdlib_to_context

from hyperdrive_local.schema.nodes import Node


class CompileError(ValueError):
    """The text is no rule for this schema."""


class EvaluationError(ValueError):
    """A rule could not be evaluated on this object."""

    def explained(self, rule: str) -> str:
        """Return the detail of the field error."""
        if str(self).startswith("no such overload"):
            return (
                f"'{self}': call arguments did not match a supported operator, function or macro signature "
                f"for rule: {rule}"
            )
        return f"{self} evaluating rule: {rule}"


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled expression."""

    compiled: cel.Program
    uses_old: bool

    def run(self, variables: dict[str, Any]) -> Any:
        """Evaluate; raise EvaluationError with cel-go's wording."""
        context = cel.Context(variables=variables)
        add_stdlib_to_context(context)
        try:
            return self.compiled.execute(context)
        except Exception as error:
            raise EvaluationError(_in_words_of_cel_go(error)) from error


def _in_words_of_cel_go(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"no such key: {error.args[0]}"
    if isinstance(error, ZeroDivisionError):
        return "division by zero"
    if isinstance(error, OverflowError):
        return "integer overflow"
    if isinstance(error, TypeError):
        return "no such overload"
    return str(error)


def none() -> Any:
    """Return the empty optional."""
    return cel.OptionalValue.none()


def some(value: Any) -> Any:
    """Return an optional with a value."""
    return cel.OptionalValue.of(value)


def compile_rule(
    text: str, node: Node, *, is_root: bool = False, optional_old: bool = False, wanted: str = "bool"
) -> Program:
    """Compile an expression against the schema it stands in."""
    del node, is_root, optional_old, wanted
    try:
        compiled = cel.compile(text)
    except ValueError as error:
        raise CompileError(str(error)) from error
    return Program(compiled, "oldSelf" in compiled.variables())
