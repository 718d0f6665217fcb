"""Two replicas: one works, the other takes over when the kubelet ends the first.

What happens after a SIGKILL is shown by tests/integration/test_replicas.py.
"""

import time
from collections.abc import Callable

from .installation import NAME, Installation
from .kubectl import Kubectl, Object
from .sweeps import of, trials

#: When its pod is deleted without any grace; and at a clean stop, which gives the Lease back: a look each second.
FORCED_SECONDS, STOPPED_SECONDS = 15, 4


def test_the_other_replica_takes_over_and_no_trial_is_lost_or_doubled(
    namespace: Kubectl, operator: Installation, make_sweep: Callable[..., Object], note: Callable[[str], None]
) -> None:
    operator.note_errors()
    operator.install(replicas=2)
    namespace.apply(make_sweep("led", "sleep 3; echo score=$(params.x)", total=16, at_once=2))
    namespace.wait("hd/led", "jsonpath={.status.trials.running}=2")

    forced = _seconds_to_another_leader(operator, "--force", "--grace-period=0")
    operator.wait_ready()
    stopped = _seconds_to_another_leader(operator, "--wait=false")
    note(f"two replicas: another leads {forced:.1f} s after a forced deletion, {stopped:.1f} s after a clean end")
    assert forced < FORCED_SECONDS
    assert stopped < STOPPED_SECONDS

    namespace.wait("hd/led", "condition=Complete")
    assert [record["status"]["state"] for record in trials(namespace, "led")] == ["Succeeded"] * 16
    pods = [pod["metadata"]["labels"]["hyperdrive.dev/trial"] for pod in namespace.list("pods", of("led"))]
    assert sorted(pods) == sorted(f"led-{number}" for number in range(1, 17)), "one pod for each trial"
    operator.install()


def _seconds_to_another_leader(operator: Installation, *how: str) -> float:
    """Delete the leader's pod; return how long nobody else led."""
    before = _leader(operator)
    assert before, "nobody leads"
    began = time.monotonic()
    operator.kubectl("delete", "pod", before, *how)
    while _leader(operator) in {before, ""}:
        assert time.monotonic() - began < 60, "nobody takes over"
        time.sleep(0.1)  # `kubectl wait` can't wait for a change to any other value
    return time.monotonic() - began


def _leader(operator: Installation) -> str:
    return str(operator.kubectl.get("lease", NAME)["spec"].get("holderIdentity") or "")
