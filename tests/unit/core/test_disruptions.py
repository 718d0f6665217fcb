"""What a Job is told about pods that the cluster takes away."""

from typing import Any

import pytest
from tests.support.builders import job_template

from .test_jobs import job

IGNORED = {"rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]}
OWN = {"rules": [{"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]}


@pytest.mark.parametrize(
    ("given", "policy"),
    [
        pytest.param({}, IGNORED, id="they do not count as failures"),
        pytest.param({"backoffLimit": 3}, IGNORED, id="nor against the limit of failures"),
        pytest.param({"podFailurePolicy": OWN}, OWN, id="the user's own policy stands"),
        pytest.param({"podReplacementPolicy": "Failed"}, IGNORED, id="beside the only replacement it goes with"),
        pytest.param({"podReplacementPolicy": "TerminatingOrFailed"}, None, id="not beside another one"),
    ],
)
def test_pods_that_the_cluster_takes_away(given: dict[str, Any], policy: Any) -> None:
    assert job(job_template(**given))["spec"].get("podFailurePolicy") == policy


def test_a_pod_that_restarts_in_place_can_have_no_such_policy() -> None:
    template = job_template()
    template["spec"]["template"]["spec"]["restartPolicy"] = "OnFailure"
    assert "podFailurePolicy" not in job(template)["spec"]
