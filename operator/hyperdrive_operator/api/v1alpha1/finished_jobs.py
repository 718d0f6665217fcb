"""HyperDrive.spec.finishedJobs: which Jobs that have finished are kept, and for how long the others are."""

from typing import Literal

from pydantic import Field

from .base import Model
from .duration import Duration


class FinishedJobs(Model):
    """What becomes of Jobs when they have finished. The records of their trials stay, whatever is declared here."""

    keep: Literal["All", "Best", "Failed", "None"] = Field(
        default="All",
        description="Which are kept, with their pods and logs. All. Best: that of the best trial (with several "
        "objectives those on the Pareto front); when another is better, the former goes. Failed: those of failed "
        "trials. None. The others are deleted. Can be changed at any time.",
    )
    delete_after: Duration = Field(
        default="10m",
        description="How long those are there that are not kept, from their end on, as in 1h. A "
        "ttlSecondsAfterFinished of the template goes on counting beside it.",
    )
