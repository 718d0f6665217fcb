"""The schema of one CRD version: pruning, defaults and validation."""

from typing import Any

from hyperdrive_local.schema import errors
from hyperdrive_local.schema.defaulting import apply_defaults
from hyperdrive_local.schema.embedded import check_embedded
from hyperdrive_local.schema.errors import ErrorKind, FieldError
from hyperdrive_local.schema.listtypes import check_list_types
from hyperdrive_local.schema.nodes import ABSENT, compile_node
from hyperdrive_local.schema.pruning import prune
from hyperdrive_local.schema.rules import RuleSet
from hyperdrive_local.schema.values import check_value

# With one of these a rule could trip over what is wrong already, so none is run.
_BLOCKING = frozenset(
    {
        ErrorKind.NOT_SUPPORTED,
        ErrorKind.REQUIRED,
        ErrorKind.TOO_LONG,
        ErrorKind.TOO_MANY,
        ErrorKind.TYPE_INVALID,
    }
)
_NOT_RUN = (
    "some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)


class StructuralSchema:
    """An openAPIV3Schema, compiled once. Safe to share: no method keeps state."""

    def __init__(self, openapi: dict[str, Any]) -> None:
        self._root = compile_node(openapi)
        self._rules = RuleSet(self._root)

    def prune(self, obj: dict[str, Any]) -> list[str]:
        """Remove the fields that the schema does not declare, in place; return their paths."""
        return prune(obj, self._root)

    def default(self, obj: dict[str, Any]) -> None:
        """Fill in the defaults, in place, and drop nulls where the schema allows none."""
        apply_defaults(obj, self._root)

    def validate(self, obj: dict[str, Any], old: dict[str, Any] | None = None) -> list[FieldError]:
        """Return all that is wrong with an object that has been pruned and defaulted.

        With `old` it is an update: what was wrong before and has not changed is let through, and rules that
        name oldSelf are run.
        """
        found = check_value(obj, self._root, "", ABSENT if old is None else old).errors
        found += check_embedded(obj, self._root)
        repeated = check_list_types(obj, self._root)
        if repeated and (old is None or not check_list_types(old, self._root)):
            found += repeated
        if not self._root.has_rules:
            return found
        if any(error.kind in _BLOCKING for error in found):
            return [*found, errors.invalid(errors.NO_PATH, None, _NOT_RUN)]
        return found + self._rules.check(obj, old)
