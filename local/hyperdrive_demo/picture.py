"""A picture of the demo's terminal, made from what a real run has shown."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console, RenderableType
from rich.text import Text

WIDTH = 100


def save_picture(file: Path, command: str, scene: Iterable[RenderableType]) -> None:
    """Draw a command and what it printed as an SVG that needs nothing from elsewhere."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        terminal = Console(
            file=nowhere,
            record=True,
            width=WIDTH,
            force_terminal=True,
            color_system="truecolor",
            highlight=False,
            emoji=False,
            markup=False,
        )
        terminal.print(Text.assemble(("$ ", "green"), (command, "bold")))
        for line in scene:
            terminal.print(line)
        svg = terminal.export_svg(title="HyperDrive")
    file.parent.mkdir(parents=True, exist_ok=True)
    # rich's template loads its font from a server; the font that the reader has for code does as well.
    file.write_text(re.sub(r"@font-face\s*\{[^}]*\}\s*", "", svg), encoding="utf-8")
