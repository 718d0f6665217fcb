"""How values read in the demo's lines."""

import json
from collections.abc import Mapping, Sequence

from .board import Best, Sweep


def show(value: object) -> str:
    """Write a value as a person would: four digits of a fraction, quotes only where a line would be ambiguous."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.4g}"
    if isinstance(value, str):
        return (
            value if value and not any(letter.isspace() or letter in "\"'=" for letter in value) else json.dumps(value)
        )
    return json.dumps(value, separators=(",", ":"))


def pairs(values: Mapping[str, object], order: Sequence[str]) -> str:
    """Write `name=value` pairs in the order of the search space, as `kubectl get hdt` does."""
    names = [name for name in order if name in values] + sorted(set(values) - set(order))
    return " ".join(f"{name}={show(values[name])}" for name in names)


def best_trial_line(sweep: Sweep, best: Best) -> str:
    """The demo's last line; its form is an interface."""
    parameters = pairs(best.parameters, sweep.parameter_names)
    return f"best trial: {best.name} {sweep.metric}={show(best.value)} {parameters}".rstrip()
