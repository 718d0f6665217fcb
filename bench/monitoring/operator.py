"""The operator, with a bug: what happens to a sweep of a certain name is an exception that nobody has foreseen."""

from collections.abc import Callable

from hyperdrive_operator.controller.queue import Key
from hyperdrive_operator.controller.reconciler import Reconciler
from hyperdrive_operator.runtime.process import main

from .faults import BUGGY, BUGGY_WORDS

_reconcile = Reconciler.reconcile


async def _or_fail(
    self: Reconciler, key: Key, on_decided: Callable[[float | None], None] = lambda _: None
) -> float | None:
    if key.name == BUGGY and self._cache.sweep(key) is not None:  # once it is deleted, the bug is gone
        raise RuntimeError(BUGGY_WORDS)
    return await _reconcile(self, key, on_decided)


if __name__ == "__main__":
    Reconciler.reconcile = _or_fail  # type: ignore[method-assign]  # that is the point
    raise SystemExit(main())
