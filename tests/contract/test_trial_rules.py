"""What a person may ask of a trial by its spec, and what both servers refuse."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.contract.client import Api
from tests.contract.crds import Served, causes, served

from hyperdrive_operator.core.jobs import build_trial

Object = dict[str, Any]

RECORD = "number, parameters and summary are a record"


def good() -> Object:
    manifest = build_trial(sweep_name="digits", sweep_uid="u", number=7, parameters={"x": 0.5, "layers": [1, 2]})
    del manifest["metadata"]["ownerReferences"]  # of a group that is not the test's
    return manifest


@pytest.fixture
async def trials(api: Api, namespace: str) -> AsyncIterator[Served]:
    """The CRD of trials, installed."""
    async with served(api, namespace, "hyperdrivetrials", good()) as installed:
        yield installed


@pytest.mark.parametrize(
    ("before", "state", "change", "error"),
    [
        pytest.param({}, "Queued", {"state": "Cancelled"}, "", id="cancelled before its start"),
        pytest.param({}, "Running", {"state": "Cancelled"}, "", id="cancelled while it runs"),
        pytest.param({}, "Succeeded", {"state": "Cancelled"}, "", id="cancelled too late"),
        pytest.param({}, "Failed", {"attempt": 2}, "", id="run again after a failure"),
        pytest.param({}, "Succeeded", {"attempt": 5}, "", id="run again after a success"),
        pytest.param({"state": "Cancelled"}, "Cancelled", {"state": "Running", "attempt": 2}, "", id="run after all"),
        pytest.param({}, "Running", {"attempt": 2}, "only a trial that has ended", id="run again while it runs"),
        pytest.param({}, "Queued", {"attempt": 2}, "only a trial that has ended", id="run again before it ran"),
        pytest.param({"attempt": 3}, "Failed", {"attempt": 2}, "can't be lowered", id="back"),
        pytest.param({}, "Failed", {"attempt": 0}, "should be greater than or equal to 1", id="none"),
        pytest.param(
            {"state": "Cancelled"},
            "Cancelled",
            {"attempt": 2},
            "set state to Running as well",
            id="again and cancelled",
        ),
        pytest.param(
            {"state": "Cancelled"}, "Cancelled", {"state": "Running"}, "set attempt to a higher number", id="resumed"
        ),
        pytest.param({}, "Failed", {"state": "Paused"}, "Unsupported value", id="paused"),
        pytest.param({}, "Failed", {"number": 8}, RECORD, id="another number"),
        pytest.param({}, "Failed", {"parameters": {"x": 0.25}}, RECORD, id="another value"),
        pytest.param({}, "Failed", {"parameters": {"y": 1}}, RECORD, id="another parameter"),
        pytest.param({}, "Failed", {"summary": None}, RECORD, id="no summary"),
    ],
)
async def test_a_wish_is_judged_alike(trials: Served, before: Object, state: str, change: Object, error: str) -> None:
    manifest = trials.as_ours(good())
    manifest["spec"] |= before
    stored = await trials.api.made(trials.path, manifest)
    path = f"{trials.path}/{stored['metadata']['name']}"
    stored = (await trials.api.patch(f"{path}/status", {"status": {"state": state}})).body
    spec = {key: value for key, value in {**stored["spec"], **change}.items() if value is not None}
    update = {**stored, "spec": spec}
    reply = await trials.api.put(path, update, dryRun="All")
    assert reply.code == (422 if error else 200), reply.body
    assert causes(reply) == trials.errors(update, stored)
    if error:
        assert error in reply.message
