"""HyperDrive.spec.state and spec.runningTrials: whether a sweep shall run, and what becomes of the trials that do."""

from typing import Final, Literal

from pydantic import Field

from .base import Model

DesiredState = Literal["Running", "Paused", "Stopped", "Cancelled"]

STATE_DESCRIPTION: Final = (
    "Running runs trials. Paused creates no more Jobs; what runs goes on, or is suspended (runningTrials.whenPaused). "
    "Stopped creates no more Jobs, lets the trials that have begun finish, and completes the sweep. Cancelled ends all "
    "trials now and keeps their records. A sweep that is paused before its first trial shows in status.preview what it "
    "would run. Can be changed at any time, also after the end: with Running the sweep goes on with new trials."
)


class RunningTrials(Model):
    """What becomes of running trials when no more are to be started."""

    when_paused: Literal["Continue", "Suspend"] = Field(
        default="Continue",
        description="While spec.state is Paused. Continue lets them go on. Suspend suspends their Jobs, which ends "
        "their pods, and resumes them after the pause: they begin anew, or from their own checkpoint. Jobs in a queue "
        "of Kueue's are left to Kueue.",
    )
    when_ended: Literal["Terminate", "Continue"] = Field(
        default="Terminate",
        description="When a limit or the objective's target ends the sweep. Terminate ends them at once, with the "
        "state Cancelled; what they have reported is kept. Continue lets them finish.",
    )
