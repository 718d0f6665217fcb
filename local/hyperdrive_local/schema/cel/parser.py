"""From a CEL text to its syntax tree, by recursive descent."""

from collections.abc import Callable
from typing import Final

from hyperdrive_local.schema.cel.lexer import Token, literal_value, tokens_of
from hyperdrive_local.schema.cel.syntax import (
    Call,
    CelSyntaxError,
    Expr,
    Ident,
    ListExpr,
    Literal,
    MapExpr,
    Select,
)

_RELATIONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
_RESERVED: Final = frozenset({
    "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
    "namespace", "return", "var", "void", "while",
})  # fmt: skip
_LITERALS: Final = frozenset({"string", "bytes", "raw", "int", "uint", "double"})
_CONSTANTS: Final = {"true": (True, "bool"), "false": (False, "bool"), "null": (None, "null")}
_MAX_DEPTH: Final = 60  # deeper nesting would exhaust the stack before it meant anything


def parse(source: str) -> Expr:
    """Return the syntax tree; raise CelSyntaxError."""
    return _Parser(source).whole()


class _Parser:
    def __init__(self, source: str) -> None:
        self._tokens = tokens_of(source)
        self._index = 0
        self._depth = 0

    def whole(self) -> Expr:
        expr = self._expr()
        if self._now.kind != "end":
            raise self._unexpected(f"extraneous input '{self._now.text}' expecting <EOF>")
        return expr

    @property
    def _now(self) -> Token:
        return self._tokens[self._index]

    def _next(self) -> Token:
        token = self._tokens[self._index]
        self._index += 1
        return token

    def _take(self, text: str) -> Token | None:
        return self._next() if self._now.kind in {"op", "ident"} and self._now.text == text else None

    def _expect(self, text: str) -> Token:
        token = self._take(text)
        if token is None:
            raise self._unexpected(f"mismatched input '{self._now.text}' expecting '{text}'")
        return token

    def _unexpected(self, message: str) -> CelSyntaxError:
        return CelSyntaxError(self._now.at, f"Syntax error: {message}")

    def _expr(self) -> Expr:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise CelSyntaxError(self._now.at, "expression recursion limit exceeded")
        condition = self._left("||", "_||_", self._and)
        question = self._take("?")
        if question is not None:
            yes = self._left("||", "_||_", self._and)
            self._expect(":")
            condition = Call(question.at, "_?_:_", None, (condition, yes, self._expr()))
        self._depth -= 1
        return condition

    def _and(self) -> Expr:
        return self._left("&&", "_&&_", self._relation)

    def _left(self, operator: str, name: str, operand: Callable[[], Expr]) -> Expr:
        left = operand()
        while (token := self._take(operator)) is not None:
            left = Call(token.at, name, None, (left, operand()))
        return left

    def _relation(self) -> Expr:
        left = self._sum()
        while self._now.text in _RELATIONS and self._now.kind in {"op", "ident"}:
            token = self._next()
            name = "@in" if token.text == "in" else f"_{token.text}_"
            left = Call(token.at, name, None, (left, self._sum()))
        return left

    def _sum(self) -> Expr:
        left = self._product()
        while self._now.kind == "op" and self._now.text in "+-":
            token = self._next()
            left = Call(token.at, f"_{token.text}_", None, (left, self._product()))
        return left

    def _product(self) -> Expr:
        left = self._unary()
        while self._now.kind == "op" and self._now.text in "*/%":
            token = self._next()
            left = Call(token.at, f"_{token.text}_", None, (left, self._unary()))
        return left

    def _unary(self) -> Expr:
        first = self._now
        if first.kind != "op" or first.text not in "!-":
            return self._member(None)
        signs = [self._next()]
        while self._take(first.text):
            signs.append(self._tokens[self._index - 1])
        minus = signs.pop() if first.text == "-" and self._now.kind in {"int", "uint", "double"} else None
        operand = self._member(minus)
        # an even number of them cancels out
        return Call(first.at, f"{first.text}_", None, (operand,)) if len(signs) % 2 else operand

    def _member(self, minus: Token | None) -> Expr:
        expr = self._primary(minus)
        while self._now.kind == "op" and self._now.text in {".", "["}:
            token = self._next()
            optional = self._take("?") is not None
            if token.text == "[":
                index = self._expr()
                self._expect("]")
                expr = Call(token.at, "_[?_]" if optional else "_[_]", None, (expr, index))
            else:
                expr = self._selected(expr, token, optional=optional)
        return expr

    def _selected(self, operand: Expr, dot: Token, *, optional: bool) -> Expr:
        if self._now.kind != "ident" or self._now.text in {"in", *_CONSTANTS}:
            raise CelSyntaxError(self._now.at, f"Syntax error: no viable alternative at input '.{self._now.text}'")
        name = self._next().text
        paren = None if optional else self._take("(")
        if paren is None:
            return Select(dot.at, operand, name, optional)
        return Call(paren.at, name, operand, self._arguments())

    def _arguments(self) -> tuple[Expr, ...]:
        if self._take(")"):
            return ()
        args = [self._expr()]
        while self._take(","):
            args.append(self._expr())
        self._expect(")")
        return tuple(args)

    def _primary(self, minus: Token | None) -> Expr:
        token = self._now
        if token.kind in _LITERALS:
            return self._literal(self._next(), minus)
        if token.kind == "ident" and token.text != "in":
            return self._named(self._next())
        if token.kind == "op" and token.text in "([{.":
            return self._bracketed(self._next())
        raise self._unexpected(f"mismatched input '{token.text}' expecting an expression")

    def _literal(self, token: Token, minus: Token | None) -> Expr:
        value, type_name = literal_value(token, negative=minus is not None)
        if minus is None:
            return Literal(token.at, value, type_name, token.text)
        return Literal(minus.at, value, type_name, f"-{token.text}")

    def _bracketed(self, opening: Token) -> Expr:
        if opening.text == "[":
            return self._list(opening)
        if opening.text == "{":
            return self._map(opening)
        if opening.text == "." and self._now.kind == "ident":
            return self._named(self._next())
        expr = self._expr()
        self._expect(")")
        return expr

    def _named(self, token: Token) -> Expr:
        if token.text in _CONSTANTS:
            return Literal(token.at, *_CONSTANTS[token.text], token.text)
        if token.text in _RESERVED:
            raise CelSyntaxError(token.at, f"reserved identifier: {token.text}")
        paren = self._take("(")
        if paren is not None:
            return Call(paren.at, token.text, None, self._arguments())
        if self._now.text == "{" and self._now.kind == "op":
            raise CelSyntaxError(
                self._now.at, "the embedded cluster does not know messages in rules (Name{field: value})"
            )
        return Ident(token.at, token.text)

    def _list(self, opening: Token) -> Expr:
        items: list[Expr] = []
        optional: list[bool] = []
        while not self._take("]"):
            optional.append(self._take("?") is not None)
            items.append(self._expr())
            if not self._take(",") and not (self._now.text == "]" and self._now.kind == "op"):
                raise self._unexpected(f"mismatched input '{self._now.text}' expecting {{']', ','}}")
        return ListExpr(opening.at, tuple(items), tuple(optional))

    def _map(self, opening: Token) -> Expr:
        keys: list[Expr] = []
        values: list[Expr] = []
        optional: list[bool] = []
        while not self._take("}"):
            optional.append(self._take("?") is not None)
            keys.append(self._expr())
            self._expect(":")
            values.append(self._expr())
            if not self._take(",") and not (self._now.text == "}" and self._now.kind == "op"):
                raise self._unexpected(f"mismatched input '{self._now.text}' expecting {{'}}', ','}}")
        return MapExpr(opening.at, tuple(keys), tuple(values), tuple(optional))
