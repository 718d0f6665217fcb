"""fieldPath of a CEL rule: a path below the rule's own field, in the schema that it stands in."""

import re
from typing import Final

from hyperdrive_local.schema.nodes import Node

_STEP: Final = re.compile(r"\.(?P<name>[^.\[\]'\"]+)|\['(?P<quoted>(?:[^'\\]|\\.)*)'\]")


def resolve(path: str, node: Node) -> str | None:
    """Return the path as error messages write it, or None if it leads nowhere in the schema."""
    steps: list[str] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            return None
        name = match["name"] if match["name"] is not None else match["quoted"]
        if name in node.properties:
            node, step = node.properties[name], f".{name}"
        elif node.additional is not None:
            node, step = node.additional, f"[{name}]"
        else:
            return None
        steps.append(step)
        position = match.end()
    return "".join(steps)
