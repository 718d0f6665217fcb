"""Sweeps that are paused: before the first trial they show what would run, later they start no more."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from tests.support.builders import choice, expression, job_template, limits, sweep_manifest
from tests.support.fake_cluster import Write
from tests.support.laboratory import InlineOptimizer, Laboratory

from hyperdrive_operator.api import names
from hyperdrive_operator.kube.errors import InvalidError
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, Object

SPACE = [expression("x", "uniform", min=0, max=10), expression("y", "qUniform", min=0, max=4, q=0.5), choice("k", 1, 2)]
COUNTABLE = [expression("x", "randint", lower=0, upper=100), choice("k", "a", "b")]
ALGORITHMS = [
    pytest.param({"type": "Grid"}, 10, id="Grid"),
    pytest.param({"type": "Random", "seed": 4}, 10, id="Random"),
    pytest.param({"type": "Sobol", "seed": 4}, 10, id="Sobol"),
    pytest.param({"type": "Bayesian", "seed": 4}, 10, id="Bayesian"),
    pytest.param({"type": "Bayesian", "seed": 4, "bayesian": {"startupTrials": 4}}, 4, id="Bayesian that learns early"),
    pytest.param({"type": "CmaEs", "seed": 4}, 6, id="CmaEs"),
]


def manifest(state: str = "Paused", total: int = 14, at_once: int = 2, **spec: Any) -> Object:
    return sweep_manifest(**{"limits": limits(total, at_once), "state": state, **spec})


@pytest.fixture
async def lab() -> AsyncIterator[Laboratory]:
    laboratory = Laboratory()
    yield laboratory
    await laboratory.logs.close()
    await laboratory.proposer.close()


def set_state(lab: Laboratory, state: str) -> None:
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"state": state}})


def parameters_of(lab: Laboratory) -> list[Object]:
    records = sorted(lab.cluster.all(HYPERDRIVE_TRIALS), key=lambda body: int(body["spec"]["number"]))
    return [body["spec"]["parameters"] for body in records]


@pytest.mark.parametrize(("algorithm", "known"), ALGORITHMS)
@pytest.mark.parametrize("restarts", [False, True])
async def test_what_is_shown_is_what_runs(lab: Laboratory, algorithm: Object, known: int, restarts: bool) -> None:
    space = COUNTABLE if algorithm["type"] == "Grid" else SPACE
    lab.cluster.put(HYPERDRIVES, manifest(searchSpace=space, samplingAlgorithm=algorithm))
    await lab.settle()
    preview = lab.status["preview"]
    assert (len(preview["first"]), preview["planned"]) == (known, 14)
    assert set(lab.writes()) == {"patch hyperdrives/status"}, "a pause creates nothing"

    if restarts:
        lab.restart()
    set_state(lab, "Running")
    await lab.settle()
    assert "preview" not in lab.status
    job = lab.cluster.one(JOBS, "digits-1")
    assert job["spec"] == preview["job"]["spec"]
    assert preview["job"]["metadata"].items() <= job["metadata"].items()
    await lab.run_to_the_end()
    assert parameters_of(lab)[:known] == preview["first"]


async def test_a_paused_sweep_says_so_and_how_to_go_on(lab: Laboratory) -> None:
    lab.cluster.put(HYPERDRIVES, manifest())
    assert await lab.settle() is None, "nothing is to come"
    assert (lab.status["state"], lab.status["progress"]) == ("Paused", "0/14")
    assert {kind: lab.condition(kind)["status"] for kind in ("Accepted", "Progressing", "Stalled", "Complete")} == {
        "Accepted": "True",
        "Progressing": "False",
        "Stalled": "False",
        "Complete": "False",
    }
    progressing = lab.condition("Progressing")
    assert progressing["reason"] == names.REASON_PAUSED
    assert """kubectl patch hd digits --type merge -p '{"spec":{"state":"Running"}}'""" in progressing["message"]


async def test_a_pause_in_the_middle_starts_no_more_and_what_runs_goes_on(lab: Laboratory) -> None:
    lab.cluster.put(HYPERDRIVES, manifest("Running", total=6))
    await lab.settle()
    lab.start_jobs()
    await lab.settle()
    set_state(lab, "Paused")
    await lab.settle()
    assert (lab.status["state"], lab.status["trials"]["running"], "preview" in lab.status) == ("Paused", 2, False)
    assert "no more trials are started, 2 are not finished" in lab.condition("Progressing")["message"]

    lab.clock.advance(1)
    lab.finish_jobs()
    await lab.settle()
    assert lab.trial_states() == {"digits-1": "Succeeded", "digits-2": "Succeeded"}
    assert (lab.status["bestTrial"]["name"], lab.status["progress"]) == ("digits-2", "2/6")
    assert "no trial is started" in lab.condition("Progressing")["message"]

    set_state(lab, "Running")
    await lab.settle()
    assert lab.cluster.unfinished_jobs() == 2
    await lab.run_to_the_end()
    assert [one["x"] for one in parameters_of(lab)] == [0, 1, 2, 3, 4, 5]


async def test_a_record_without_a_job_gets_none_in_a_pause(lab: Laboratory) -> None:
    lab.cluster.put(HYPERDRIVES, manifest("Running"))
    await lab.settle()
    lab.cluster.remove(JOBS, "digits-1")  # it had not started
    set_state(lab, "Paused")
    await lab.settle()
    assert [job["metadata"]["name"] for job in lab.cluster.all(JOBS)] == ["digits-2"]
    assert lab.trial_states()["digits-1"] == "Queued"
    set_state(lab, "Running")
    await lab.settle()
    assert lab.cluster.unfinished_jobs() == 2


@pytest.mark.parametrize("algorithm", [{"type": "Grid"}, {"type": "Bayesian"}])
async def test_a_finished_sweep_stays_complete(lab: Laboratory, algorithm: Object) -> None:
    space = [expression("x", "randint", upper=4)]  # it ends before its limit, with Bayesian only when asked for more
    lab.cluster.put(HYPERDRIVES, manifest("Running", searchSpace=space, samplingAlgorithm=algorithm))
    await lab.run_to_the_end()
    completed = lab.status["completionTime"]
    lab.clock.advance(60)
    set_state(lab, "Paused")
    await lab.settle()
    lab.restart()
    await lab.settle()
    assert (lab.status["state"], lab.status["progress"], lab.status["completionTime"]) == ("Complete", "4/4", completed)
    assert lab.condition("Progressing")["reason"] == names.REASON_SPACE_EXHAUSTED


async def test_raised_limits_of_a_finished_sweep_wait_for_the_end_of_the_pause(lab: Laboratory) -> None:
    lab.cluster.put(HYPERDRIVES, manifest("Running", total=2))
    await lab.run_to_the_end()
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"state": "Paused", "limits": limits(4, 2)}})
    await lab.settle()
    assert (lab.status["state"], lab.status["progress"], lab.cluster.unfinished_jobs()) == ("Paused", "2/4", 0)


async def test_proposals_wait_for_the_results_of_what_still_runs() -> None:
    optimizer = InlineOptimizer()
    lab = Laboratory(optimizer=optimizer)
    lab.cluster.put(HYPERDRIVES, manifest("Running", samplingAlgorithm={"type": "Bayesian"}))
    await lab.settle()
    lab.start_jobs()
    set_state(lab, "Paused")
    await lab.settle()
    lab.finish_jobs(at_most=1)
    await lab.settle()
    assert [asked.numbers for asked in optimizer.requests] == [(1, 2)]
    lab.finish_jobs()
    await lab.settle()
    assert [(asked.numbers, len(asked.finished)) for asked in optimizer.requests] == [((1, 2), 0), ((3, 4), 2)]
    await lab.logs.close()
    await lab.proposer.close()


# --- a paused sweep is judged ------------------------------------------------------------------------------------


def refuse_restart_policy(write: Write) -> None:
    """Play the API server that judges a Job."""
    if write.kind is JOBS and write.body["spec"].get("backoffLimit") == -1:
        raise InvalidError(422, "Invalid", "spec.backoffLimit: must be greater than or equal to 0")


@pytest.mark.parametrize("algorithm", [{"type": "Grid"}, {"type": "Sobol"}])
async def test_a_template_that_the_api_server_refuses_shows_in_the_pause(lab: Laboratory, algorithm: Object) -> None:
    lab.cluster.rules.append(refuse_restart_policy)
    template = job_template(backoffLimit=-1)
    lab.cluster.put(HYPERDRIVES, manifest(samplingAlgorithm=algorithm, trialTemplate=template))
    await lab.settle()
    for kind, truth in (("Accepted", "False"), ("Stalled", "True")):
        assert (lab.condition(kind)["status"], lab.condition(kind)["reason"]) == (truth, names.REASON_INVALID_TEMPLATE)
        assert "spec.backoffLimit: must be greater" in lab.condition(kind)["message"]
    assert lab.status["state"] == "Invalid"
    assert lab.status["preview"]["job"]["spec"]["backoffLimit"] == -1, "what was refused can be seen"
    written = lab.writes()
    lab.clock.advance(301)
    await lab.settle()
    assert lab.writes() == written, "the same verdict is not written again"

    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"trialTemplate": job_template(backoffLimit=1)}})
    await lab.settle()
    assert (lab.status["state"], lab.condition("Accepted")["status"]) == ("Paused", "True")
    assert lab.status["preview"]["job"]["spec"]["backoffLimit"] == 1


async def test_a_template_edited_in_a_pause_is_judged_while_trials_still_run(lab: Laboratory) -> None:
    lab.cluster.rules.append(refuse_restart_policy)
    lab.cluster.put(HYPERDRIVES, manifest("Running"))
    await lab.settle()
    lab.start_jobs()
    template = job_template(backoffLimit=-1)
    lab.cluster.change(HYPERDRIVES, "digits", {"spec": {"state": "Paused", "trialTemplate": template}})
    await lab.settle()
    assert lab.condition("Accepted")["status"] == "False"
    assert lab.status["trials"]["running"] == 2


async def test_a_spec_with_problems_shows_them_and_no_preview(lab: Laboratory) -> None:
    template = job_template(backoffLimit="$(params.y)")
    lab.cluster.put(HYPERDRIVES, manifest(trialTemplate=template))
    await lab.settle()
    assert (lab.status["state"], "preview" in lab.status) == ("Invalid", False)
    assert "'$(params.y)' names no parameter" in lab.condition("Accepted")["message"]


async def test_constraints_that_no_combination_satisfies_show_as_the_end(lab: Laboratory) -> None:
    lab.cluster.put(HYPERDRIVES, manifest(constraints=[{"rule": "params.x < 0"}]))
    await lab.settle()
    assert (lab.status["state"], lab.condition("Failed")["reason"]) == ("Failed", names.REASON_NO_COMBINATION)
    assert lab.status["preview"]["combinations"] == 0


async def test_a_preview_whose_optimiser_fails_says_so_and_comes_later() -> None:
    optimizer = InlineOptimizer()

    async def fail(_: str, __: object) -> None:
        raise RuntimeError("it fell over")

    optimizer.behave = fail
    lab = Laboratory(optimizer=optimizer)
    lab.cluster.put(HYPERDRIVES, manifest(searchSpace=SPACE, samplingAlgorithm={"type": "Sobol"}))
    delay = await lab.settle()
    assert delay is not None
    assert lab.condition("Stalled")["reason"] == names.REASON_OPTIMIZER_FAILED
    assert "first" not in lab.status["preview"]
    optimizer.behave = None
    lab.clock.now += timedelta(seconds=delay)
    await lab.settle()
    assert len(lab.status["preview"]["first"]) == 10
    assert lab.condition("Stalled")["status"] == "False"
    await lab.logs.close()
    await lab.proposer.close()
