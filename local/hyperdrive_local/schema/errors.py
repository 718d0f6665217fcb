"""Field errors, worded as the real API server words them."""

import enum
from dataclasses import dataclass
from typing import Any, Final

from hyperdrive_local.schema import golang


class ErrorKind(enum.Enum):
    """The kinds of field errors: the text in the message and the reason in a Status cause."""

    NOT_FOUND = ("Not found", "FieldValueNotFound")
    REQUIRED = ("Required value", "FieldValueRequired")
    DUPLICATE = ("Duplicate value", "FieldValueDuplicate")
    INVALID = ("Invalid value", "FieldValueInvalid")
    NOT_SUPPORTED = ("Unsupported value", "FieldValueNotSupported")
    FORBIDDEN = ("Forbidden", "FieldValueForbidden")
    TOO_LONG = ("Too long", "FieldValueTooLong")
    TOO_MANY = ("Too many", "FieldValueTooMany")
    TYPE_INVALID = ("Invalid value", "FieldValueTypeInvalid")
    INTERNAL = ("Internal error", "InternalError")

    @property
    def text(self) -> str:
        """The words that open the message."""
        return self.value[0]

    @property
    def reason(self) -> str:
        """The machine-readable reason."""
        return self.value[1]


NO_PATH: Final = "<nil>"  # of an error about the whole object, as Go prints it
# These never repeat the offending value: there is none, or it may be huge.
_WITHOUT_VALUE: Final = frozenset({ErrorKind.REQUIRED, ErrorKind.FORBIDDEN, ErrorKind.TOO_LONG, ErrorKind.INTERNAL})


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with one field."""

    path: str
    kind: ErrorKind
    value: Any
    detail: str

    @property
    def reason(self) -> str:
        """The reason of this error in the causes of a Status."""
        return self.kind.reason

    @property
    def body(self) -> str:
        """The message without the field: what a Status cause carries."""
        text = self.kind.text
        if self.kind not in _WITHOUT_VALUE and self.value is not golang.OMITTED:
            text += f": {_printed(self.value)}"
        return f"{text}: {self.detail}" if self.detail else text

    def __str__(self) -> str:
        return f"{self.path}: {self.body}"


def _printed(value: Any) -> str:
    if isinstance(value, str):
        return golang.quoted(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return golang.number(value)
    return golang.as_json(value)


def invalid(path: str, value: Any, detail: str) -> FieldError:
    """Return the error for a value that breaks a rule."""
    return FieldError(path, ErrorKind.INVALID, value, detail)


def required(path: str, detail: str = "") -> FieldError:
    """Return the error for a value that is missing."""
    return FieldError(path, ErrorKind.REQUIRED, "", detail)


def forbidden(path: str, detail: str) -> FieldError:
    """Return the error for a value that may not be there."""
    return FieldError(path, ErrorKind.FORBIDDEN, "", detail)


def duplicate(path: str, value: Any) -> FieldError:
    """Return the error for a value that is there twice."""
    return FieldError(path, ErrorKind.DUPLICATE, value, "")


def not_supported(path: str, value: Any, supported: list[str]) -> FieldError:
    """Return the error for a value outside a closed set; the set is listed in the order given."""
    listed = ", ".join(golang.quoted(item) for item in supported)
    return FieldError(path, ErrorKind.NOT_SUPPORTED, value, f"supported values: {listed}" if supported else "")


def too_long(path: str, limit: int) -> FieldError:
    """Return the error for a string or object above its limit in bytes."""
    return FieldError(path, ErrorKind.TOO_LONG, "", f"may not be more than {limit} bytes")


def too_many(path: str, actual: int, limit: int) -> FieldError:
    """Return the error for a list or map above its limit."""
    plural = "item" if limit == 1 else "items"
    return FieldError(path, ErrorKind.TOO_MANY, actual, f"must have at most {limit} {plural}")


def type_invalid(path: str, value: Any, detail: str) -> FieldError:
    """Return the error for a value of the wrong JSON type."""
    return FieldError(path, ErrorKind.TYPE_INVALID, value, detail)


def invalid_message(kind: str, group: str, name: str, errors: list[FieldError]) -> str:
    """Return the message of the 422 Status for these errors: duplicates merged, several in brackets."""
    qualified = f"{kind}.{group}" if group else kind
    texts = list(dict.fromkeys(str(error) for error in errors))
    listed = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    return f"{qualified} {golang.quoted(name)} is invalid: {listed}"
