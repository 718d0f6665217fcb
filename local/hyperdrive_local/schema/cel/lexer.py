"""CEL's tokens."""

import ast
import re
from dataclasses import dataclass
from typing import Any, Final

from hyperdrive_local.schema.cel.syntax import CelSyntaxError

_ESCAPE: Final = r"\\(?:[abfnrtv\\?\"'`]|[0-3][0-7][0-7]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})"
_BODIES: Final = (
    rf'"""(?:[^\\]|{_ESCAPE})*?"""',
    rf"'''(?:[^\\]|{_ESCAPE})*?'''",
    rf'"(?:[^\\"\n\r]|{_ESCAPE})*"',
    rf"'(?:[^\\'\n\r]|{_ESCAPE})*'",
)
_RAW_BODIES: Final = (r'"""[\s\S]*?"""', r"'''[\s\S]*?'''", r'"[^"\n\r]*"', r"'[^'\n\r]*'")
_TOKEN: Final = re.compile(
    rf"""
    (?P<space>[ \t\r\n\f]+|//[^\n]*)
  | (?P<raw>(?:[rR][bB]?|[bB][rR])(?:{"|".join(_RAW_BODIES)}))
  | (?P<bytes>[bB](?:{"|".join(_BODIES)}))
  | (?P<string>{"|".join(_BODIES)})
  | (?P<double>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)
  | (?P<uint>(?:0x[0-9a-fA-F]+|\d+)[uU])
  | (?P<int>0x[0-9a-fA-F]+|\d+)
  | (?P<ident>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<op>&&|\|\||==|!=|<=|>=|[-+*/%!<>?:.,()\[\]{{}}])
    """.replace(" \\t", "\\x20\\t"),
    re.VERBOSE,
)
_MAX_INT: Final = 2**63
_MAX_UINT: Final = 2**64


@dataclass(frozen=True, slots=True)
class Token:
    """One token; the last one of a text is of kind "end"."""

    kind: str
    text: str
    at: int


def tokens_of(source: str) -> list[Token]:
    """Split a text into tokens, without spaces and comments."""
    tokens: list[Token] = []
    position = 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None or match.lastgroup is None:
            raise CelSyntaxError(position, f"Syntax error: token recognition error at: '{source[position]}'")
        if match.lastgroup != "space":
            tokens.append(Token(match.lastgroup, match[0], position))
        position = match.end()
    return [*tokens, Token("end", "<EOF>", len(source))]


def literal_value(token: Token, *, negative: bool = False) -> tuple[Any, str]:
    """Return the value of a literal and its type; `negative` is for a number after a minus."""
    if token.kind == "double":
        return float(token.text) * (-1 if negative else 1), "double"
    if token.kind in {"int", "uint"}:
        return _integer(token, negative=negative), token.kind
    if token.kind == "raw":
        prefix = token.text[:2].lower()
        body = _unquoted(token.text.lstrip("rRbB"))
        return (body.encode(), "bytes") if "b" in prefix and prefix.isalpha() else (body, "string")
    if token.kind == "bytes":
        return ast.literal_eval(f"b{_as_python(token.text[1:], as_bytes=True)}"), "bytes"
    return ast.literal_eval(_as_python(token.text, as_bytes=False)), "string"


def _integer(token: Token, *, negative: bool) -> int:
    digits = token.text.rstrip("uU")
    value = int(digits, 16) if digits.startswith("0x") else int(digits)
    if token.kind == "uint":
        if value >= _MAX_UINT or negative:
            raise CelSyntaxError(token.at, "invalid uint literal")
        return value
    if value > _MAX_INT or (value == _MAX_INT and not negative):
        raise CelSyntaxError(token.at - negative, "invalid int literal")
    return -value if negative else value


def _unquoted(text: str) -> str:
    width = 3 if text[:3] in {'"""', "'''"} else 1
    return text[width:-width]


def _as_python(text: str, *, as_bytes: bool) -> str:
    """Rewrite the few escapes that Python reads otherwise, and the characters it wants escaped."""

    def escape(match: re.Match[str]) -> str:
        found = match[0]
        if found[1] in "?`":
            return found[1]
        return "\\x" + found[2:] if found[1] == "X" else found

    quote = text[:3] if text[:3] in {'"""', "'''"} else text[0]
    body = re.sub(r"\\.", escape, _unquoted(text), flags=re.DOTALL)
    if as_bytes:
        body = "".join(
            char if ord(char) < 0x80 else "".join(f"\\x{byte:02x}" for byte in char.encode()) for char in body
        )
    return quote + body + quote
