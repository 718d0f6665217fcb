"""One sweep from its manifest to its end, step by step: mutate, then expect."""

from tests.support.builders import choice, expression, limits, sweep_manifest
from tests.support.laboratory import STARTED, Laboratory

from hyperdrive_operator.api import names
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS


async def test_a_sweep_runs_to_its_end(lab: Laboratory) -> None:
    await lab.settle()
    assert lab.trial_states() == {"digits-1": "Queued", "digits-2": "Queued"}
    assert lab.status["state"] == "Running"

    lab.start_jobs()
    await lab.settle()
    assert lab.status["trials"]["running"] == 0, "a mere count waits for its second"
    lab.clock.advance(1)
    await lab.settle()
    assert lab.status["trials"]["running"] == 2, "the pods run, whatever is recorded"
    assert lab.trial_states() == {"digits-1": "Queued", "digits-2": "Queued"}
    lab.clock.advance(STARTED - 1)
    await lab.settle()
    assert lab.trial_states() == {"digits-1": "Running", "digits-2": "Running"}

    lab.finish_jobs(at_most=1)
    await lab.settle()
    assert lab.trial_states() == {"digits-1": "Succeeded", "digits-2": "Running", "digits-3": "Queued"}
    assert lab.record("digits-1")["status"]["value"] == 0.0
    assert lab.status["bestTrial"]["name"] == "digits-1"

    await lab.run_to_the_end()
    assert set(lab.trial_states().values()) == {"Succeeded"}
    assert lab.status["bestTrial"] == {"name": "digits-6", "number": 6, "value": 0.05, "parameters": {"x": 5}}
    assert (lab.status["progress"], lab.status["state"]) == ("6/6", "Complete")
    assert lab.condition("Complete")["status"] == "True"
    assert lab.condition("Stalled")["status"] == "False"
    assert lab.counted.ended == {"Succeeded": 6}
    assert lab.counted.reports == {"Log": 6}
    assert lab.warnings() == []


async def test_a_trial_costs_its_record_its_job_its_start_and_its_end(lab: Laboratory) -> None:
    await lab.run_to_the_end()
    writes = lab.writes()
    assert {
        kind: writes[kind] for kind in ("create hyperdrivetrials", "create jobs", "patch hyperdrivetrials/status")
    } == {
        "create hyperdrivetrials": 6,
        "create jobs": 6,
        "patch hyperdrivetrials/status": 12,
    }
    assert set(writes) == {
        "create hyperdrivetrials",
        "create jobs",
        "patch hyperdrivetrials/status",
        "patch hyperdrives/status",
    }
    assert sum(write.is_dry_run for write in lab.cluster.writes) == 1


async def test_the_record_is_written_before_its_job_exists(lab: Laboratory) -> None:
    await lab.settle()
    order = [
        (write.kind, write.name) for write in lab.cluster.writes if write.verb == "create" and not write.is_dry_run
    ]
    for name in ("digits-1", "digits-2"):
        assert order.index((HYPERDRIVE_TRIALS, name)) < order.index((JOBS, name))


async def test_a_sweep_at_rest_costs_nothing(lab: Laboratory) -> None:
    for _ in range(3):
        await lab.settle()
        await lab.start_trials()
        before = lab.cluster.requests
        for _ in range(10):
            lab.clock.advance(60)
            assert await lab.step() is None
        assert lab.cluster.requests == before
        lab.finish_jobs()


async def test_passes_and_status_writes_are_bounded_by_the_trials(lab: Laboratory) -> None:
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"limits": limits(60, 10)}})
    await lab.run_to_the_end()
    assert lab.writes()["patch hyperdrives/status"] <= 3 * 60
    assert lab.passes <= 6 * 60


async def test_counts_alone_are_written_once_a_second() -> None:
    lab = Laboratory()
    space = [expression("x", "randint", lower=0, upper=1000)]
    lab.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(100, 50), searchSpace=space))
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    lab.clock.advance(2)
    lab.finish_jobs(lambda _: "accuracy=0.5", at_most=1)
    await lab.settle()
    before = lab.writes()["patch hyperdrives/status"]
    for _ in range(20):  # twenty trials end within a second, none better
        lab.finish_jobs(lambda _: "accuracy=0.5", at_most=1)
        lab.clock.advance(0.04)
        delay = await lab.settle()
    assert lab.writes()["patch hyperdrives/status"] == before
    assert delay is not None
    assert 0 < delay <= 0.5
    lab.clock.advance(delay)
    assert await lab.settle() is None
    assert lab.writes()["patch hyperdrives/status"] == before + 1
    assert lab.status["trials"]["succeeded"] == 21


async def test_a_message_with_a_number_in_it_is_written_once_a_second_too() -> None:
    lab = Laboratory()
    lab.cluster.put(HYPERDRIVES, sweep_manifest(limits=limits(30, 30)))
    await lab.settle()
    lab.clock.advance(2)
    for job in lab.cluster.all(JOBS):
        waiting = {"name": "train", "state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}}
        lab.add_pod(job, phase="Pending", containerStatuses=[waiting])
        await lab.settle()
    assert lab.writes()["patch hyperdrives/status"] == 3, "accepted, started, stalled"
    lab.clock.advance(2)
    await lab.settle()
    assert lab.condition("Stalled")["message"].endswith("(29 more wait)")


async def test_minimize_and_a_log_with_a_series() -> None:
    lab = Laboratory()
    objective = {"primaryMetric": "loss", "goal": "Minimize"}
    lab.cluster.put(HYPERDRIVES, sweep_manifest(objective=objective, limits=limits(4, 2)))
    await lab.run_to_the_end(lambda p: f"loss={abs(p['x'] - 2) + 0.5}\nloss=9")
    assert lab.status["bestTrial"]["name"] == "digits-3"
    assert lab.record("digits-3")["status"]["value"] == 0.5
    assert lab.record("digits-3")["status"]["reports"] == 2


async def test_an_annotation_counts_before_the_log(lab: Laboratory) -> None:
    await lab.settle()
    lab.start_jobs()
    lab.cluster.change(JOBS, "digits-1", {"metadata": {"annotations": {names.ANNOTATION_METRICS: '{"accuracy": 7}'}}})
    lab.finish_jobs()
    await lab.settle()
    assert lab.record("digits-1")["status"]["value"] == 7
    assert {pod for pod, _, _ in lab.cluster.log_requests} == {"digits-2-pod"}


async def test_no_combination_runs_twice_where_the_api_server_writes_whole_floats_as_integers() -> None:
    lab = Laboratory()
    space = [expression("x", "qUniform", min=0.0, max=3.5, q=0.5)]
    lab.cluster.put(
        HYPERDRIVES,
        sweep_manifest(searchSpace=space, samplingAlgorithm={"type": "Random"}, limits=limits(100, 3)),
    )
    await lab.run_to_the_end()
    ran = [record["spec"]["parameters"]["x"] for record in lab.cluster.all(HYPERDRIVE_TRIALS)]
    assert sorted(ran) == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5]
    assert lab.condition("Complete")["reason"] == "SearchSpaceExhausted"


async def test_a_best_trial_with_null_among_its_parameters_comes_to_rest() -> None:
    lab = Laboratory()
    space = [choice("x", None, {"depth": None, "width": 2})]
    lab.cluster.put(HYPERDRIVES, sweep_manifest(searchSpace=space, limits=limits(2, 1)))
    await lab.run_to_the_end(lambda p: f"accuracy={0.5 if p['x'] is None else 0.75}")
    assert lab.status["bestTrial"]["parameters"] == {"x": {"width": 2}}
    before = lab.cluster.requests
    assert await lab.settle() is None
    assert lab.cluster.requests == before
