"""What the operator reads of what the reporter wrote."""

from collections.abc import Mapping

from hyperdrive_operator.core.metrics import read_annotation, read_log


def metrics_of(annotations: Mapping[str, str]) -> Mapping[str, float]:
    """Return the last values that the annotations say."""
    return read_annotation(annotations["hyperdrive.dev/metrics"], "accuracy", "Maximize").last


def metrics_in(line: str) -> Mapping[str, float]:
    """Return the metrics that a line of the log says."""
    return read_log(line, "accuracy", "Maximize").last
