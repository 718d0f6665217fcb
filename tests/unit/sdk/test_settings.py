"""Which process reports, and what a process knows of its trial."""

from pathlib import Path

import pytest
from tests.support.builders import sweep

from hyperdrive.settings import Server, Settings, is_reporter, read_parameters, read_settings
from hyperdrive_operator.core.jobs import build_job

TORCHRUN = {"GROUP_WORLD_SIZE": "2", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4"}
ONE_POD = {"GROUP_WORLD_SIZE": "1", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "4"}


@pytest.mark.parametrize(
    ("environ", "reports"),
    [
        pytest.param({}, True, id="a process alone"),
        pytest.param({"RANK": "0", "LOCAL_RANK": "0", **ONE_POD}, True, id="torchrun: the first process"),
        pytest.param({"RANK": "1", "LOCAL_RANK": "1", **ONE_POD}, False, id="torchrun: another"),
        pytest.param({"LOCAL_RANK": "0"}, True, id="a launcher that says the local rank alone"),
        pytest.param({"LOCAL_RANK": "3"}, False, id="the same, another process"),
        pytest.param({"RANK": "4", "LOCAL_RANK": "0", **TORCHRUN}, False, id="the first process of the second pod"),
        pytest.param({"JOB_COMPLETION_INDEX": "0"}, True, id="the first pod of an indexed Job"),
        pytest.param({"JOB_COMPLETION_INDEX": "1"}, False, id="the second pod"),
        pytest.param(
            {"RANK": "0", "LOCAL_RANK": "0", "JOB_COMPLETION_INDEX": "1", **TORCHRUN},
            True,
            id="ranks across pods are given in any order, so the first rank may be in the second pod",
        ),
        pytest.param(
            {"RANK": "4", "LOCAL_RANK": "0", "JOB_COMPLETION_INDEX": "0", **TORCHRUN}, False, id="and then only there"
        ),
        pytest.param(
            {"RANK": "0", "JOB_COMPLETION_INDEX": "1", **ONE_POD},
            False,
            id="each pod a torchrun of its own: one reports",
        ),
        pytest.param({"RANK": "0", "WORLD_SIZE": "4", "JOB_COMPLETION_INDEX": "2"}, True, id="ranks set by hand"),
        pytest.param({"RANK": "0", "WORLD_SIZE": "1", "JOB_COMPLETION_INDEX": "2"}, False, id="each pod a world"),
        pytest.param({"OMPI_COMM_WORLD_RANK": "2"}, False, id="Open MPI"),
        pytest.param({"PMI_RANK": "0"}, True, id="MPICH"),
        pytest.param({"RANK": "3", "HYPERDRIVE_REPORTER": "1"}, True, id="the user's word counts"),
        pytest.param({"HYPERDRIVE_REPORTER": "0"}, False, id="both ways"),
        pytest.param({"RANK": ""}, True, id="an empty rank is none"),
    ],
)
def test_of_several_processes_and_pods_one_reports(environ: dict[str, str], reports: bool) -> None:
    assert is_reporter(environ) is reports


def test_a_trials_container_tells_its_trial_metric_goal_and_parameters() -> None:
    parsed = sweep(objective={"primaryMetric": "loss", "goal": "Minimize"}).spec
    assert parsed is not None
    job = build_job(parsed, sweep_name="s", trial="s-3", trial_uid="u", parameters={"x": 4, "y": "a$(HOME)b"})
    variables = job["spec"]["template"]["spec"]["containers"][0]["env"]
    environ = {one["name"]: one.get("value", "the-uid").replace("$$", "$") for one in variables}
    assert read_settings(environ) == Settings(
        trial="s-3", job_uid="the-uid", primary_metric="loss", is_higher_better=False
    )
    assert read_parameters(environ) == {"x": 4, "y": "a$(HOME)b"}


def test_outside_of_a_trial_there_are_no_parameters() -> None:
    assert read_parameters({}) == {}


@pytest.mark.parametrize("text", ["[1]", "{", "[" * 100_000])
def test_parameters_that_are_no_object_are_an_error_of_their_own(text: str) -> None:
    with pytest.raises((ValueError, RecursionError)):
        read_parameters({"HYPERDRIVE_PARAMETERS": text})


@pytest.mark.parametrize(
    ("environ", "server"),
    [
        ({}, None),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "tcp://x"}, None),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "6443"}, Server("10.0.0.1", 6443)),
        (
            {"KUBERNETES_SERVICE_HOST": "fd00::1", "HYPERDRIVE_SERVICE_ACCOUNT": "/token"},
            Server("fd00::1", 443, Path("/token")),
        ),
    ],
)
def test_where_the_api_server_is(environ: dict[str, str], server: Server | None) -> None:
    assert read_settings(environ).server == server


@pytest.mark.parametrize(
    ("text", "seconds"), [("", 5.0), ("30", 30.0), ("0", 5.0), ("nan", 5.0), ("inf", 5.0), ("often", 5.0), ("1", 1.0)]
)
def test_the_interval_is_a_number_of_seconds_and_never_less_than_one(text: str, seconds: float) -> None:
    assert read_settings({"HYPERDRIVE_REPORT_INTERVAL": text}).interval_seconds == seconds
