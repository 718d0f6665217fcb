"""A trial that is run several times: its value is the mean of its repeats', and how far they lie apart is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from hyperdrive_operator.api.v1alpha1 import HyperDriveSpec

from .metrics import Report
from .outcome import aim_of, lacking, value_of
from .progress import Progress


@dataclass(frozen=True, slots=True)
class Repeats:
    """What came of them together."""

    #: One report: the mean of each metric. Of the first repeat that lacks an objective, what that one has said.
    progress: Progress
    #: The value of each, by number; none unless all have one.
    values: tuple[float, ...] = ()
    #: Number of the first repeat that lacks an objective.
    incomplete: int | None = None


def together(repeats: Sequence[Progress], spec: HyperDriveSpec) -> Repeats:
    """Return what repeats have given. With one that has no value there is none: a mean of fewer would be another's."""
    for number, one in enumerate(repeats):
        if lacking(one, spec.objective):
            return Repeats(one, incomplete=number)
    primary = spec.objective.primary_metric
    values = tuple(value for one in repeats if (value := value_of(one, spec)) is not None)
    common = [name for name in repeats[0].last if name != primary and all(name in one.last for one in repeats)]
    means = [(name, fmean(one.last[name] for one in repeats)) for name in common]
    report = Report(((primary, fmean(values)), *means), None)
    return Repeats(Progress().reported(report, aim_of(spec.objective)), values)
