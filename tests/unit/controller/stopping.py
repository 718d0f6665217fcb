"""A laboratory whose trials are stopped before their time."""

from typing import Any, Literal

from tests.support.builders import expression, limits, sweep_manifest
from tests.support.laboratory import Laboratory

from hyperdrive_operator.kube.kinds import HYPERDRIVES, JOBS

WHEN: tuple[Literal["before", "after"], ...] = ("before", "after")
BANDIT = {"type": "Bandit", "bandit": {"slackAmount": 0.1}, "delayEvaluation": 0}


def laboratory(policy: dict[str, Any] | None = None, *, total: int = 4, at_once: int = 2, **spec: Any) -> Laboratory:
    lab = Laboratory()
    space = [expression("x", "randint", lower=0, upper=100)]
    manifest = sweep_manifest(
        limits=limits(total, at_once), searchSpace=space, earlyTermination=policy or BANDIT, **spec
    )
    lab.cluster.put(HYPERDRIVES, manifest)
    return lab


async def start(lab: Laboratory) -> None:
    await lab.settle()
    await lab.start_trials()


async def stop_the_second(lab: Laboratory) -> None:
    """Let the second trial fall behind the first."""
    await start(lab)
    lab.report("digits-1", 0.5, 0.9)
    lab.report("digits-2", 0.5, 0.7)
    await lab.settle()


def deadline(lab: Laboratory, name: str) -> Any:
    return lab.cluster.one(JOBS, name)["spec"].get("activeDeadlineSeconds")


class Killed(BaseException):
    """The operator was killed: nothing in it may catch this."""
