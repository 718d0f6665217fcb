"""How values read in the demo's lines."""

import json
from collections.abc import Mapping

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


def pairs(values: Mapping[str, object]) -> str:
    """Write `name=value` pairs in the order of their names."""
    return " ".join(f"{name}={show(values[name])}" for name in sorted(values))


def best_trial_line(sweep: Sweep, best: Best) -> str:
    """The demo's last line; its form is an interface."""
    return f"best trial: {best.name} {sweep.metric}={show(best.value)} {pairs(best.parameters)}".rstrip()
