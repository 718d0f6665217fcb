"""How long places stay empty: what is measured of it, and what is nobody's slowness."""

from tests.support.builders import limits
from tests.support.fake_cluster import Write
from tests.support.laboratory import Laboratory

from hyperdrive_operator.kube.errors import ForbiddenError
from hyperdrive_operator.kube.kinds import HYPERDRIVES, JOBS


async def test_a_place_is_empty_from_the_end_of_a_job_to_the_creation_of_the_next(lab: Laboratory) -> None:
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    assert lab.counted.places == [], "the first trials fill places that none had before"
    lab.finish_jobs(at_most=1)
    lab.clock.advance(3)
    lab.finish_jobs(at_most=1)
    lab.clock.advance(4)
    await lab.settle()
    assert lab.counted.places == [7, 4]


async def test_each_place_counts_once_to_the_end_of_the_sweep(lab: Laboratory) -> None:
    await lab.run_to_the_end()
    assert lab.counted.places == [0] * 4, "of six trials the first two find their places empty"


async def test_the_place_of_a_trial_whose_job_is_gone_is_empty_since_the_end_that_is_recorded(lab: Laboratory) -> None:
    await lab.settle()
    await lab.start_trials()
    lab.cluster.remove(JOBS, "digits-1")
    await lab.settle()
    assert lab.counted.places == [0]


async def test_a_place_that_a_quota_kept_empty_is_not_the_operators_slowness(lab: Laboratory) -> None:
    await lab.settle()
    lab.start_jobs()
    await lab.settle()

    def refuse(write: Write) -> None:
        if write.kind is JOBS and write.verb == "create":
            raise ForbiddenError(403, "Forbidden", "exceeded quota: small, requested: pods=1")

    lab.cluster.rules.append(refuse)
    lab.finish_jobs(at_most=1)
    await lab.settle()
    lab.cluster.rules.remove(refuse)
    lab.clock.advance(60)
    await lab.settle()
    assert lab.cluster.unfinished_jobs() == 2
    assert lab.counted.places == []
    lab.start_jobs()
    lab.finish_jobs(at_most=1)
    await lab.settle()
    assert lab.counted.places == [0], "it counts again once all places were taken"


async def test_neither_a_pause_nor_a_raised_limit_is_the_operators_slowness(lab: Laboratory) -> None:
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"state": "Paused"}})
    lab.finish_jobs(at_most=1)
    await lab.settle()
    lab.clock.advance(600)
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"state": "Running", "limits": limits(6, 3)}})
    await lab.settle()
    assert lab.cluster.unfinished_jobs() == 3
    assert lab.counted.places == []


async def test_a_restart_counts_no_place_that_it_finds_empty(lab: Laboratory) -> None:
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    lab.finish_jobs(at_most=1)
    lab.clock.advance(60)
    lab.restart()
    await lab.settle()
    assert lab.cluster.unfinished_jobs() == 2
    assert lab.counted.places == []


async def test_who_leaves_after_the_limit_was_lowered_leaves_no_place(lab: Laboratory) -> None:
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"limits": limits(6, 1)}})
    await lab.settle()
    lab.finish_jobs(at_most=1)
    await lab.settle()
    lab.clock.advance(60)
    lab.finish_jobs(at_most=1)
    lab.clock.advance(2)
    await lab.settle()
    assert lab.cluster.unfinished_jobs() == 1
    assert lab.counted.places == [2], "not the 62 seconds since the first left"
