"""Rules compiled for the CEL library, and its errors in cel-go's words."""

import logging
import re
from dataclasses import dataclass
from typing import Any, Final

import cel

from hyperdrive_local.schema.cel.checker import Checker
from hyperdrive_local.schema.cel.constants import check_constants, refused_pattern
from hyperdrive_local.schema.cel.conversions import CONVERSIONS
from hyperdrive_local.schema.cel.functions import TEXT_AND_LIST_FUNCTIONS
from hyperdrive_local.schema.cel.opaque import OPAQUE_FUNCTIONS
from hyperdrive_local.schema.cel.parser import parse
from hyperdrive_local.schema.cel.syntax import CelSyntaxError
from hyperdrive_local.schema.cel.types import CelType, optional_of

# Whatever fails is raised; the library would also log each failure of one of our functions as a warning.
logging.getLogger("cel").setLevel(logging.ERROR)

_FUNCTIONS: Final = {**CONVERSIONS, **TEXT_AND_LIST_FUNCTIONS, **OPAQUE_FUNCTIONS}
_OF_THE_LIBRARY: Final = re.compile(
    r"Function '[^']*' error: (?:Python function call failed: (?P<kind>\w+): )?(?P<text>.*?)"
    r"(?:\. Check function arguments.*)?$"
)
_ENTRY: Final = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_DYNAMIC: Final = frozenset({"dyn", "_"})


class CompileError(ValueError):
    """The text is no rule for this schema; the message is the real server's."""


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
    functions: dict[str, Any]  # those of ours that it calls

    def run(self, variables: dict[str, Any]) -> Any:
        """Evaluate; raise EvaluationError with cel-go's wording."""
        try:
            return self.compiled.execute(cel.Context(variables=variables, functions=self.functions))
        except Exception as error:  # the library raises whatever fits
            raise EvaluationError(_in_words_of_cel_go(error)) from error


def _in_words_of_cel_go(error: Exception) -> str:
    text = str(error.args[0]) if error.args else str(error)
    if isinstance(error, KeyError):
        return f"no such key: {text}"
    if isinstance(error, ZeroDivisionError):
        return "modulus by zero" if text.startswith("modulo") else "division by zero"
    if isinstance(error, OverflowError):
        return "integer overflow"
    if isinstance(error, TypeError):
        return "no such overload"
    wrapped = _OF_THE_LIBRARY.match(text)
    if wrapped is None:
        return text
    return "no such overload" if wrapped["kind"] in {"AttributeError", "TypeError"} else wrapped["text"]


def none() -> Any:
    """Return the empty optional."""
    return cel.OptionalValue.none()


def some(value: Any) -> Any:
    """Return an optional with a value."""
    return cel.OptionalValue.of(value)


def compile_rule(text: str, own_type: CelType, *, optional_old: bool = False, wanted: str = "bool") -> Program:
    """Compile an expression over self and oldSelf of a type; raise CompileError."""
    try:
        tree = parse(text)
    except CelSyntaxError as error:
        raise CompileError(f"compilation failed: {_syntax_report(text, error)}") from error
    checker = Checker()
    checked = checker.check(tree, {"self": own_type, "oldSelf": optional_of(own_type) if optional_old else own_type})
    problems = checker.problems or check_constants(tree)
    if problems:
        report = "\n".join(located(text, at, message) for at, message in sorted(problems))
        raise CompileError(f"compilation failed: {report}")
    if checked.type.name != wanted and checked.type.name not in _DYNAMIC:
        raise CompileError(f"cel expression must evaluate to a {wanted}")
    if refusal := refused_pattern(tree):
        raise CompileError(f"program instantiation failed: {refusal}")
    compiled = cel.compile(checked.text)
    known = {**_FUNCTIONS, **checker.equalities}
    called = {name: known[name] for name in compiled.functions() if name in known}
    return Program(compiled, "oldSelf" in checker.names, called)


def _syntax_report(text: str, error: CelSyntaxError) -> str:
    """Return the report of the library, whose grammar is cel-go's own, or ours if it sees no error there."""
    if str(error).startswith("Syntax error"):
        try:
            cel.compile(text)
        except ValueError as theirs:
            lines = text.split("\n")
            starts = [sum(len(line) + 1 for line in lines[:index]) for index in range(len(lines))]
            found = _ENTRY.findall(str(theirs))
            if found:
                return "\n".join(located(text, starts[int(row) - 1] + int(at) - 1, what) for row, at, what in found)
    return located(text, error.at, str(error))


def located(text: str, at: int, message: str) -> str:
    """Return one entry of a report: the place, the message, the line and a mark under the place."""
    start = text.rfind("\n", 0, at) + 1
    line = text[start:].partition("\n")[0].replace("\t", " ")
    column = at - start
    dots = "".join("." if char.isascii() else "．" for char in line[:column])  # noqa: RUF001 # as wide as the char
    mark = "^" if line[column : column + 1].isascii() else "＾"  # noqa: RUF001 # as wide as the char
    number = text.count("\n", 0, at) + 1
    return f"ERROR: <input>:{number}:{column + 1}: {message}\n | {line}\n | {dots}{mark}"
