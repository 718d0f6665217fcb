"""HyperDrive.spec.state: whether a sweep shall run."""

from typing import Final, Literal

DesiredState = Literal["Running", "Paused"]

STATE_DESCRIPTION: Final = (
    "Running runs trials. Paused creates no more Jobs; trials that run go on, and are recorded. A sweep that is paused "
    "before its first trial shows in status.preview what it would run. Can be changed at any time."
)
