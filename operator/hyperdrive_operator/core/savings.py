"""What early termination saves, in time."""

from datetime import datetime, timedelta

from .trials import Trial


def seconds_saved(trial: Trial, whole: timedelta | None, now: datetime) -> int | None:
    """Return how much longer a trial would run than until now; None while nobody can tell."""
    if whole is None or trial.started is None:
        return None
    return max(0, int((whole - (now - trial.started)).total_seconds()))
