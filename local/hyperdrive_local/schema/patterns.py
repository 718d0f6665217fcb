"""RE2 patterns on Python's re: what differs between the two is rewritten, what RE2 refuses is refused."""

import functools
import re

_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_LITERAL = re.compile(r"\\Q(.*?)(?:\\E|$)", re.DOTALL)
_POSIX_CLASS = re.compile(r"\[:(\w+):\]")
_NAMED_GROUP = re.compile(r"\(\?P?<(?=[A-Za-z_])")
_OTHER_GROUP = re.compile(r"\(\?(?:P?[=!<>#(]|P=)")
_POSSESSIVE = re.compile(r"[*+?}]\+")
_MULTILINE = re.compile(r"\(\?[a-zA-Z]*m")


# Python's words for what is wrong, and Go's.
_WORDS = {
    "missing ), unterminated subpattern": "missing closing )",
    "unbalanced parenthesis": "unexpected )",
    "nothing to repeat": "missing argument to repetition operator",
    "multiple repeat": "invalid nested repetition operator",
    "bad character range": "invalid character class range",
    "bad escape": "invalid escape sequence",
}


class PatternError(ValueError):
    """The text is no RE2 pattern."""


@functools.lru_cache(maxsize=4096)
def compile_re2(pattern: str) -> re.Pattern[str]:
    """Return the pattern with RE2's meaning: ASCII classes, and $ only at the very end of the text."""
    try:
        return re.compile(_Translation(pattern).text(), re.ASCII)
    except (re.error, OverflowError) as error:
        raise PatternError(_explained(str(error), pattern)) from error


def _explained(problem: str, pattern: str) -> str:
    for start, words in _WORDS.items():
        if problem.startswith(start):
            return f"error parsing regexp: {words}: `{pattern}`"
    return f"error parsing regexp: {problem}: `{pattern}`"


class _Translation:
    """One pass over a pattern, left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._dollar = "$" if _MULTILINE.search(pattern) else r"\Z"

    def text(self) -> str:
        parts: list[str] = []
        while self._at < len(self._pattern):
            parts.append(self._next())
        return "".join(parts)

    def _next(self) -> str:
        char = self._pattern[self._at]
        if char == "\\":
            return self._escape()
        if char == "[":
            return self._class()
        if char == "(":
            return self._group()
        if _POSSESSIVE.match(self._pattern, self._at):
            raise PatternError(f"error parsing regexp: invalid nested repetition operator: `{self._pattern}`")
        self._at += 1
        return self._dollar if char == "$" else char

    def _escape(self) -> str:
        if literal := _LITERAL.match(self._pattern, self._at):
            self._at = literal.end()
            return re.escape(literal[1])
        escape = self._pattern[self._at : self._at + 2]
        self._at += 2
        if escape == r"\z":
            return r"\Z"
        if escape in {r"\Z", r"\C"} or escape[1:].isdigit():
            raise PatternError(f"error parsing regexp: invalid escape sequence: `{escape}`")
        if escape in {r"\p", r"\P"}:
            raise PatternError(f"the embedded cluster does not know Unicode classes in patterns: `{self._pattern}`")
        return escape

    def _class(self) -> str:
        start = self._at
        self._at += 1
        parts = ["["]
        if self._pattern.startswith("^", self._at):
            self._at += 1
            parts.append("^")
        first = True
        while self._at < len(self._pattern):
            char = self._pattern[self._at]
            if char == "]" and not first:
                self._at += 1
                return "".join([*parts, "]"])
            parts.append(self._class_item(char))
            first = False
        raise PatternError(f"error parsing regexp: missing closing ]: `{self._pattern[start:]}`")

    def _class_item(self, char: str) -> str:
        if posix := _POSIX_CLASS.match(self._pattern, self._at):
            self._at = posix.end()
            if posix[1] not in _POSIX:
                raise PatternError(f"error parsing regexp: invalid character class range: `{posix[0]}`")
            return _POSIX[posix[1]]
        if char == "\\":
            return self._escape()
        self._at += 1
        return f"\\{char}" if char in "[]&~|" else char

    def _group(self) -> str:
        if named := _NAMED_GROUP.match(self._pattern, self._at):
            self._at = named.end()
            return "(?P<"
        if _OTHER_GROUP.match(self._pattern, self._at):
            syntax = self._pattern[self._at : self._at + 3]
            raise PatternError(f"error parsing regexp: invalid or unsupported Perl syntax: `{syntax}`")
        self._at += 1
        return "("
