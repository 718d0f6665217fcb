"""What the operator reads of what the reporter wrote."""

from collections.abc import Mapping

from tests.support.builders import AIM

from hyperdrive_operator.core.progress import read_annotation, read_lines


def metrics_of(annotations: Mapping[str, str]) -> Mapping[str, float]:
    """Return the last values that the annotations say."""
    return read_annotation(annotations["hyperdrive.dev/metrics"], AIM).last


def metrics_in(line: str) -> Mapping[str, float]:
    """Return the metrics that a line of the log says."""
    return read_lines(line, AIM).last
