"""Early termination: scripts that only print, stopped while they run, and every stop explained."""

import json
from collections.abc import Callable

import pytest
import yaml

from .installation import SAMPLE_IMAGE, SAMPLES, Images
from .kubectl import Kubectl, Object
from .sweeps import choice, events, of, trials

LINES = 60
#: Prints its parameter twice a second for half a minute; when told to end it takes two seconds for it.
SCRIPT = (
    "trap 'sleep 2; exit 0' TERM; i=0; "
    f'while [ $i -lt {LINES} ]; do i=$((i + 1)); echo "epoch=$i score=$HYPERDRIVE_PARAM_X"; sleep 0.5 & wait $!; done'
)


def assert_explained(record: Object, policy: str, names: set[str]) -> None:
    """Hold a stopped trial's status to what it promises."""
    status = record["status"]
    explanation = status["earlyTermination"]
    assert (status["state"], status["reason"], explanation["policy"]) == ("EarlyStopped", policy, policy)
    assert f"at interval {explanation['interval']} " in status["message"]
    assert set(explanation["comparedWith"]) < names
    assert all(name in status["message"] for name in explanation["comparedWith"])
    assert 0 < explanation["interval"] <= status["reports"] == status["curve"]["interval"][-1]


def test_hopeless_trials_are_stopped_while_they_run_and_the_best_goes_on(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    policy = {"type": "Bandit", "delayEvaluation": 4, "bandit": {"slackAmount": 5}}
    sweep = make_sweep("hopeless", SCRIPT, space=choice("x", 1, 20, 19, 2), total=4, at_once=4, earlyTermination=policy)
    sweep["spec"]["trialTemplate"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 20
    namespace.apply(sweep)
    for number in (1, 4):
        namespace.wait(f"hdt/hopeless-{number}", "jsonpath={.status.state}=EarlyStopped")

    first, second, third, fourth = trials(namespace, "hopeless")
    names = {record["metadata"]["name"] for record in (first, second, third, fourth)}
    for record in (first, fourth):
        assert_explained(record, "Bandit", names)
        assert record["status"]["earlyTermination"]["threshold"] in {14, 15}, "5 less than 20, or 19 if that was first"
        assert record["status"]["reports"] < LINES, "stopped in its midst"
        namespace.wait(f"job/{record['metadata']['name']}", "condition=Failed")
    for record in (second, third):
        namespace.wait(f"hdt/{record['metadata']['name']}", "jsonpath={.status.state}=Running")
    assert events(namespace, "hopeless")["TrialStopped"].startswith("hopeless-")

    # whoever tries to bring it back meets a Job that has ended and a record that is final
    before = namespace.get("hdt", "hopeless-1")
    for change in ({"suspend": True}, {"suspend": False}, {"activeDeadlineSeconds": None}):
        namespace("patch", "job", "hopeless-1", "--type=merge", f"--patch={json.dumps({'spec': change})}")
    namespace.wait("hd/hopeless", "condition=Complete")
    assert namespace.get("hdt", "hopeless-1") == before
    assert namespace.get("job", "hopeless-1")["status"].get("active") is None

    status = namespace.get("hd", "hopeless")["status"]
    assert (status["trials"]["earlyStopped"], status["trials"]["succeeded"]) == (2, 2)
    assert (status["progress"], status["bestTrial"]["name"]) == ("4/4", "hopeless-2")


def test_a_suspended_job_of_a_stopped_trial_never_runs_again(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    """As when Kueue takes a trial off its node at that moment, and brings it back later."""
    policy = {"type": "Threshold", "delayEvaluation": 4, "threshold": {"lower": 5}}
    sweep = make_sweep("queued", SCRIPT, space=choice("x", 1), total=1, at_once=1, earlyTermination=policy)
    namespace.apply(sweep)
    namespace.wait("hdt/queued-1", "jsonpath={.status.state}=EarlyStopped")
    namespace("patch", "job", "queued-1", "--type=merge", '--patch={"spec":{"suspend":true}}')
    namespace("patch", "job", "queued-1", "--type=merge", '--patch={"spec":{"suspend":false}}')
    namespace.wait("job/queued-1", "condition=Failed")
    namespace.wait("hd/queued", "condition=Complete")
    assert namespace.get("hd", "queued")["status"]["bestTrial"]["value"] == 1
    assert trials(namespace, "queued")[0]["status"]["state"] == "EarlyStopped"


@pytest.mark.trains
def test_the_sample_of_median_stopping_stops_some_and_keeps_the_best(
    namespace: Kubectl, built: Images, note: Callable[[str], None]
) -> None:
    text = (SAMPLES / "early-termination" / "median.yaml").read_text().replace(SAMPLE_IMAGE, built.sample)
    total = yaml.safe_load(text)["spec"]["limits"]["maxTotalTrials"]
    namespace("apply", "--filename=-", stdin=text)
    namespace.wait("hd/median", "condition=Complete", seconds=400)

    records, status = trials(namespace, "median"), namespace.get("hd", "median")["status"]
    names = {record["metadata"]["name"] for record in records}
    ended_early = [record for record in records if record["status"]["state"] == "EarlyStopped"]
    assert len(names) == total
    assert 0 < len(ended_early) == status["trials"]["earlyStopped"] < total
    for record in ended_early:
        assert_explained(record, "MedianStopping", names)
    reports = [record["status"]["reports"] for record in ended_early]
    assert min(reports) < 400, "none was stopped while it trained"  # one may have been about to end by itself
    saved = [record["status"]["earlyTermination"].get("secondsSaved", 0) for record in ended_early]
    assert status["timeSavedSeconds"] == sum(saved)
    values = {record["metadata"]["name"]: record["status"]["value"] for record in records}
    assert status["bestTrial"]["value"] == max(values.values())
    assert len(namespace.list("jobs", of("median"))) == total
    note(f"median stopping: {len(ended_early)} of {total} stopped, {sum(saved)} s saved, best {status['bestTrial']}")
