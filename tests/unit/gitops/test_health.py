"""What Argo CD and Flux make of sweeps and trials: the Lua of manifests/argocd, and kstatus' rules."""

import re
from pathlib import Path
from typing import Any

import cel
import lupa
import pytest
import yaml
from tests.support.builders import NOW, choice, ended, facts, running, sweep

from hyperdrive_operator.api.v1alpha1.status import UNSEEN
from hyperdrive_operator.core.planning import Hold
from hyperdrive_operator.core.status import summarise

ROOT = Path(__file__).parents[3]
QUOTA = Hold("QuotaExceeded", "exceeded quota: pods", NOW)
BROKEN = {"spec": {"template": {"spec": {"containers": [{"image": "$(params.typo)"}]}}}}


def seen(*trials: Any, hold: Hold | None = None, **spec: Any) -> dict[str, Any]:
    """Return a HyperDrive with the status that the operator writes."""
    found = facts(sweep(**spec), list(trials), hold=hold, is_template_checked=hold is None)
    return {"metadata": {"generation": found.sweep.generation}, "status": summarise(found, NOW)}


ONE: dict[str, Any] = {"searchSpace": [choice("x", 1)]}
NEW: dict[str, Any] = {"metadata": {"generation": 1}, "status": dict(UNSEEN)}
THERE_WAS_NO_DEFAULT = {"metadata": {"generation": 1}}
#: One trial has a result, and still the sweep has failed.
TOO_MANY = seen(ended(1, 0.5), ended(2, None), ended(3, None), limits={"maxTotalTrials": 9, "maxFailedTrials": 1})
IMPOSSIBLE = [{"rule": "params.x > 5", "message": "x is too small"}]
CHANGED = seen(running(1)) | {"metadata": {"generation": 99}}
#: A sweep, and what Argo CD, kstatus and the expressions for Flux say of it.
CASES = [
    pytest.param(NEW, "Progressing", "InProgress", "InProgress", id="not seen yet"),
    pytest.param(CHANGED, "Progressing", "InProgress", "InProgress", id="a change not seen yet"),
    pytest.param(seen(running(1)), "Progressing", "Current", "InProgress", id="running"),
    pytest.param(seen(running(1), state="Paused"), "Suspended", "Current", "InProgress", id="paused"),
    pytest.param(seen(ended(1, 0.5), **ONE), "Healthy", "Current", "Current", id="complete"),
    pytest.param(seen(ended(1, None), **ONE), "Degraded", "Failed", "Failed", id="failed"),
    pytest.param(TOO_MANY, "Degraded", "Failed", "Failed", id="failed with a result"),
    pytest.param(seen(constraints=IMPOSSIBLE, **ONE), "Degraded", "Failed", "Failed", id="failed without a trial"),
    pytest.param(seen(trialTemplate=BROKEN), "Degraded", "Failed", "Failed", id="not accepted"),
    pytest.param(seen(hold=QUOTA), "Degraded", "Failed", "Failed", id="stalled"),
]


@pytest.mark.parametrize(("hyperdrive", "argo", "kstatus", "flux"), CASES)
def test_each_tool_sees_healthy_and_broken_as_they_are(
    hyperdrive: dict[str, Any], argo: str, kstatus: str, flux: str
) -> None:
    assert argo_health(hyperdrive)["status"] == argo
    assert argo_health(hyperdrive)["message"]
    assert kstatus_of(hyperdrive) == kstatus
    assert flux_health(hyperdrive) == flux


def test_without_a_status_by_default_an_unseen_sweep_would_seem_to_be_as_it_should() -> None:
    """So it was, until the schema had that default."""
    assert kstatus_of(THERE_WAS_NO_DEFAULT) == "Current"


TRIALS = [
    pytest.param({"state": "Pending"}, "Progressing", "", id="pending"),
    pytest.param({"state": "Running"}, "Progressing", "", id="running"),
    pytest.param({"state": "Succeeded", "value": 0.5}, "Healthy", "0.5", id="succeeded"),
    pytest.param(
        {"state": "EarlyStopped", "reason": "Bandit", "message": "is behind"}, "Healthy", "behind", id="stopped"
    ),
    pytest.param({"state": "Cancelled", "reason": "Stopped", "message": "spec"}, "Healthy", "spec", id="cancelled"),
    pytest.param({"state": "Failed", "reason": "JobFailed", "message": "exit 1"}, "Healthy", "exit 1", id="failed"),
    pytest.param({"state": "OfANewerOperator"}, "Healthy", "OfANewerOperator", id="what is not known"),
]


@pytest.mark.parametrize(("status", "argo", "words"), TRIALS)
def test_a_trial_that_fails_is_a_result_and_breaks_no_application(
    status: dict[str, Any], argo: str, words: str
) -> None:
    health = argo_health({"metadata": {"generation": 1}, "status": status}, "trial-health.lua")
    assert health["status"] == argo
    assert words in health["message"]
    assert status.get("reason", "") in health["message"]


def test_a_trial_without_a_status_is_progressing() -> None:
    assert argo_health({"metadata": {"generation": 1}}, "trial-health.lua")["status"] == "Progressing"


def test_argo_shows_the_reason_of_what_is_broken() -> None:
    assert argo_health(seen(hold=QUOTA))["message"] == "exceeded quota: pods"


def argo_health(body: dict[str, Any], script: str = "health.lua") -> dict[str, str]:
    """Run the health check as Argo CD does: the object is `obj`, the answer is what the script returns."""
    lua = lupa.LuaRuntime(register_eval=False, unpack_returned_tuples=True)
    lua.globals().obj = lua.table_from(body, recursive=True)
    return dict(lua.execute((ROOT / "manifests" / "argocd" / script).read_text(encoding="utf-8")))


def kstatus_of(hyperdrive: dict[str, Any]) -> str:
    """Apply the generic rules of kstatus (sigs.k8s.io/cli-utils, pkg/kstatus), for kinds without own ones."""
    status = hyperdrive.get("status", {})
    if hyperdrive["metadata"].get("deletionTimestamp"):
        return "Terminating"
    if status.get("observedGeneration", hyperdrive["metadata"]["generation"]) != hyperdrive["metadata"]["generation"]:
        return "InProgress"
    conditions = {condition["type"]: condition["status"] for condition in status.get("conditions", ())}
    if conditions.get("Reconciling") == "True":
        return "InProgress"
    if conditions.get("Stalled") == "True":
        return "Failed"
    if conditions.get("Ready", "True") != "True":
        return "InProgress"
    return "Current"


def flux_health(hyperdrive: dict[str, Any]) -> str:
    """Evaluate the guide's health check expressions by the rules of Flux' RFC 0009."""
    status = hyperdrive["status"]  # an expression that looks for what is not there fails, and with it the check
    if status.get("observedGeneration", hyperdrive["metadata"]["generation"]) != hyperdrive["metadata"]["generation"]:
        return "InProgress"
    page = (ROOT / "docs" / "guides" / "gitops.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\nspec:\n  healthCheckExprs:.*?```", page, re.DOTALL)
    (check,) = yaml.safe_load(block.strip("`").removeprefix("yaml"))["spec"]["healthCheckExprs"]
    for name in ("inProgress", "failed", "current"):
        if cel.evaluate(check[name], {"status": status}):
            return name[0].upper() + name[1:]
    return "InProgress"
