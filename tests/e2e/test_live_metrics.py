"""Metrics while trials run: seen with kubectl, counted exactly though the operator is killed, kept of pods that go."""

from collections.abc import Callable

from .installation import Installation
from .kubectl import Kubectl, Object
from .sweeps import of, trials

REPORTS = 30
#: A report a second, each better than the one before; progress bars, junk and a line of a megabyte in between.
TALKS = f"""
i=0
while [ $i -lt {REPORTS} ]; do
  i=$((i+1))
  printf ' 10%%|#| step\\r 50%%|##| step\\r'
  echo "INFO epoch=$i loss: 0.5 score=$i"
  [ $i = 7 ] && head -c 1000000 /dev/zero | tr '\\0' 'x' && echo
  [ $i = 9 ] && head -c 100000 /dev/urandom && echo
  sleep 1
done
"""
ONE: Object = {"name": "x", "choice": {"values": ["a", "b"]}}


def test_values_grow_while_trials_run_and_count_once_though_the_operator_is_killed(
    namespace: Kubectl, operator: Installation, make_sweep: Callable[..., Object]
) -> None:
    namespace.apply(make_sweep("live", TALKS, space=ONE, total=2, at_once=2))
    namespace.wait("hdt/live-1", "jsonpath={.status.reports}")
    namespace.wait("hdt/live-2", "jsonpath={.status.state}=Running")
    row = namespace("get", "hdt", "live-1", "--no-headers").split()
    assert row[:2] == ["live-1", "Running"]
    assert 0 < int(row[2]) == int(row[3]) < REPORTS, "value and reports are so far the same number"
    operator.kill()
    assert {trial["status"]["state"] for trial in trials(namespace, "live")} == {"Running"}, "killed in their midst"
    namespace.wait("hd/live", "condition=Complete")
    for trial in trials(namespace, "live"):
        status = trial["status"]
        assert (status["state"], status["reports"], status["value"]) == ("Succeeded", REPORTS, REPORTS)
        assert status["curve"]["value"] == list(range(1, REPORTS + 1)), "none is lost and none counts twice"
        assert status["step"] == REPORTS
        assert "logPosition" not in status


def test_what_a_pod_said_counts_though_it_is_gone_a_second_after_it_finished(
    namespace: Kubectl, make_sweep: Callable[..., Object]
) -> None:
    script = "for i in 1 2 3 4 5 6 7 8; do echo score=$i; sleep 1; done"
    namespace.apply(make_sweep("gone", script, space=ONE, total=1, at_once=1))
    namespace.wait("hdt/gone-1", "jsonpath={.status.reports}")
    namespace.wait("pod", "jsonpath={.status.phase}=Succeeded", selector=of("gone"))
    namespace("delete", "pod", f"--selector={of('gone')}", "--wait=false", "--grace-period=0", "--force")
    namespace.wait("hd/gone", "condition=Complete")
    (trial,) = trials(namespace, "gone")
    assert (trial["status"]["reports"], trial["status"]["value"]) == (8, 8)


def test_a_crash_tells_its_last_lines(namespace: Kubectl, make_sweep: Callable[..., Object]) -> None:
    script = "echo score=1; echo 'ValueError: no such column' >&2; exit 3"
    namespace.apply(make_sweep("crash", script, space=ONE, total=1, at_once=1))
    namespace.wait("hd/crash", "condition=Failed")
    (trial,) = trials(namespace, "crash")
    assert "exit code 3" in trial["status"]["message"]
    assert "ValueError: no such column" in trial["status"]["message"]
