"""Pods, on the embedded cluster and on a real one: how they start, end, and say what is wrong."""

from typing import Any

import pytest
from tests.contract.moving.bench import NEVER, Bench, conditions, container, is_running, pod, pod_spec, state

LATER = "no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."


def ended(obj: dict[str, Any]) -> tuple[str, int, str]:
    """How a pod ended: its phase, and the exit code and reason of its first container."""
    last = state(obj)["terminated"]
    return obj["status"]["phase"], last["exitCode"], last["reason"]


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        pytest.param("print(1)", ("Succeeded", 0, "Completed"), id="well"),
        pytest.param("raise SystemExit(3)", ("Failed", 3, "Error"), id="badly"),
        pytest.param("import os, signal; os.kill(os.getpid(), 9); os.abort()", ("Failed", 137, "Error"), id="killed"),
    ],
)
async def test_a_pod_ends_as_its_process_does(bench: Bench, code: str, ending: tuple[str, int, str]) -> None:
    # in a container, the first process can't kill itself: a child stands for it, and its end is handed on
    wrapped = (
        f"import subprocess as s, sys; c = s.call([sys.executable, '-c', {code!r}]); sys.exit(c if c >= 0 else 128-c)"
    )
    done = await bench.finished_pod(pod("a", pod_spec(container(wrapped))))
    assert ended(done) == ending


async def test_the_conditions_of_a_running_and_of_a_finished_pod(bench: Bench) -> None:
    await bench.api.made(bench.pods, pod("a", pod_spec(container("import time; time.sleep(1)"))))
    [running] = await bench.until(bench.pods, is_running)
    assert running["status"]["phase"] == "Running"
    assert [c[:2] for c in conditions(running)] == [
        ("PodReadyToStartContainers", "True"),
        ("Initialized", "True"),
        ("Ready", "True"),
        ("ContainersReady", "True"),
        ("PodScheduled", "True"),
    ]
    done = await bench.until_one(bench.pods, "a", lambda p: p["status"]["phase"] == "Succeeded")
    assert conditions(done) == [
        ("PodReadyToStartContainers", "False", "", ""),
        ("Initialized", "True", "PodCompleted", ""),
        ("Ready", "False", "PodCompleted", ""),
        ("ContainersReady", "False", "PodCompleted", ""),
        ("PodScheduled", "True", "", ""),
    ]
    assert done["status"]["qosClass"] == "BestEffort"


async def test_a_program_that_is_not_there_is_a_start_error(bench: Bench) -> None:
    done = await bench.finished_pod(pod("a", pod_spec({**container(""), "command": ["nosuch", "--flag"]})))
    assert ended(done) == ("Failed", 128, "StartError")
    assert state(done)["terminated"]["message"].endswith('exec: "nosuch": executable file not found in $PATH: unknown')


async def test_a_container_waits_for_its_config_map(bench: Bench) -> None:
    source = {"configMapKeyRef": {"name": "settings", "key": "depth"}}
    main = container("import os; print(os.environ['DEPTH'])", env=[{"name": "DEPTH", "valueFrom": source}])
    await bench.api.made(bench.pods, pod("a", pod_spec(main)))
    waiting = {"reason": "CreateContainerConfigError", "message": 'configmap "settings" not found'}
    await bench.until_one(
        bench.pods, "a", lambda p: p["status"].get("containerStatuses") and state(p) == {"waiting": waiting}
    )
    await bench.api.made(bench.config_maps, {"metadata": {"name": "settings"}, "data": {"depth": "7"}})
    await bench.until_one(bench.pods, "a", lambda p: p["status"]["phase"] == "Succeeded")
    assert await bench.log("a") == "7\n"


async def test_a_pod_that_is_too_big_waits_and_says_so(bench: Bench) -> None:
    big = container("", resources={"requests": {"cpu": "1000", "memory": "1Ki"}})
    await bench.api.made(bench.pods, pod("a", pod_spec(big)))
    waiting = await bench.until_one(bench.pods, "a", lambda p: p["status"].get("conditions"))
    message = f"0/1 nodes are available: 1 Insufficient cpu. {LATER}"
    assert conditions(waiting) == [("PodScheduled", "False", "Unschedulable", message)]
    assert waiting["status"]["phase"] == "Pending"


async def test_init_containers_come_first_and_in_order(bench: Bench) -> None:
    mounted: dict[str, Any] = {"volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}
    steps = [container(f"open('/shared/log', 'a').write('{n}')", f"init-{n}", **mounted) for n in (1, 2)]
    main = container("print(open('/shared/log').read())", **mounted)
    spec = pod_spec(main, initContainers=steps, volumes=[{"name": "shared", "emptyDir": {}}])
    done = await bench.finished_pod(pod("a", spec))
    assert ended(done) == ("Succeeded", 0, "Completed")
    assert await bench.log("a") == "12\n"
    assert [status["ready"] for status in done["status"]["initContainerStatuses"]] == [True, True]


async def test_a_failed_init_container_fails_the_pod(bench: Bench) -> None:
    spec = pod_spec(container("print(1)"), initContainers=[container("raise SystemExit(2)", "first")])
    done = await bench.finished_pod(pod("a", spec))
    assert done["status"]["phase"] == "Failed"
    assert state(done) == {"waiting": {"reason": "PodInitializing"}}
    first = done["status"]["initContainerStatuses"][0]["state"]["terminated"]
    assert (first["exitCode"], first["reason"]) == (2, "Error")
    assert ("Initialized", "False") in [c[:2] for c in conditions(done)]


async def test_the_last_words_are_in_the_status(bench: Bench) -> None:
    policy = "FallbackToLogsOnError"
    said = container("print('last words'); raise SystemExit(1)", "said", terminationMessagePolicy=policy)
    written = container("open('/dev/termination-log', 'w').write('written')", "written")
    done = await bench.finished_pod(pod("a", pod_spec(said, written)))
    assert state(done, 0)["terminated"]["message"] == "last words\n"
    assert state(done, 1)["terminated"]["message"] == "written"


async def test_a_crashing_container_is_started_again_then_backs_off(bench: Bench) -> None:
    spec = pod_spec(container("raise SystemExit(7)"), restartPolicy="OnFailure")
    made = await bench.api.made(bench.pods, pod("a", spec))

    def backs_off(obj: dict[str, Any]) -> bool:
        statuses = obj["status"].get("containerStatuses")
        return bool(statuses) and statuses[0]["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff"

    waiting = await bench.until_one(bench.pods, "a", backs_off)
    whose = f"a_{bench.namespace}({made['metadata']['uid']})"
    assert state(waiting)["waiting"]["message"] == f"back-off 10s restarting failed container=main pod={whose}"
    status = waiting["status"]["containerStatuses"][0]
    assert status["restartCount"] == 1
    assert status["lastState"]["terminated"]["exitCode"] == 7
    assert waiting["status"]["phase"] == "Running"


async def test_the_environment_and_the_command_are_expanded(bench: Bench) -> None:
    await bench.api.made(bench.config_maps, {"metadata": {"name": "all"}, "data": {"WIDTH": "3"}})
    field = {"fieldRef": {"fieldPath": "metadata.labels['team']"}}
    main = container(
        "import sys; print(sys.argv[1:])",
        args=["$(WIDTH)", "$(DEPTH)", "$$(DEPTH)", "$(NOBODY)", "$(TEAM)", "$(WHERE)"],
        envFrom=[{"configMapRef": {"name": "all"}}],
        env=[
            {"name": "DEPTH", "value": "$(WIDTH)0"},
            {"name": "TEAM", "valueFrom": field},
            {"name": "WHERE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        ],
    )
    manifest = pod("a", pod_spec(main))
    manifest["metadata"]["labels"] = {"team": "vision"}
    await bench.finished_pod(manifest)
    assert await bench.log("a") == f"['3', '30', '$(DEPTH)', '$(NOBODY)', 'vision', '{bench.namespace}']\n"


async def test_logs_are_cut_as_asked(bench: Bench) -> None:
    code = "import sys; print('one'); print('two', file=sys.stderr); sys.stderr.flush(); print('three', end='')"
    await bench.finished_pod(pod("a", pod_spec(container(code))))
    # the two streams are read side by side, so only what each says is in order
    assert sorted((await bench.log("a")).replace("three", "three\n").split()) == ["one", "three", "two"]
    assert len((await bench.log("a", tailLines="1")).splitlines()) == 1
    stamped = await bench.log("a", timestamps="true")
    assert all(line.split(" ", 1)[0].endswith("Z") for line in stamped.splitlines())


async def test_a_followed_log_ends_with_the_container(bench: Bench) -> None:
    code = "import time\nfor n in range(5): print(n, flush=True); time.sleep(.2)"
    await bench.api.made(bench.pods, pod("a", pod_spec(container(code))))
    await bench.until(bench.pods, is_running)
    assert await bench.log("a", follow="true") == "0\n1\n2\n3\n4\n"


async def test_deletion_gives_a_pod_its_grace_period(bench: Bench) -> None:
    code = (
        "import signal, time, sys; signal.signal(15, lambda *_: sys.exit(5)); print('up', flush=True); time.sleep(600)"
    )
    manifest = pod("a", pod_spec(container(code), terminationGracePeriodSeconds=30))
    # keeps the pod to be looked at
    manifest["metadata"]["finalizers"] = [f"{bench.namespace}.example.com/hold"]
    await bench.api.made(bench.pods, manifest)
    await bench.until(bench.pods, is_running)
    await bench.logged("a", "up")
    await bench.api.delete(f"{bench.pods}/a")
    gone = await bench.until_one(bench.pods, "a", lambda p: p["metadata"].get("deletionGracePeriodSeconds") == 0)
    assert ended(gone) == ("Failed", 5, "Error")
    await bench.api.patch(f"{bench.pods}/a", {"metadata": {"finalizers": None}})
    await bench.until_gone(bench.pods)


async def test_a_pod_that_ignores_the_signal_is_killed(bench: Bench) -> None:
    code = f"import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); {NEVER}"
    manifest = pod("a", pod_spec(container(code)))
    manifest["metadata"]["finalizers"] = [f"{bench.namespace}.example.com/hold"]
    await bench.api.made(bench.pods, manifest)
    await bench.until(bench.pods, is_running)
    await bench.logged("a", "up")
    await bench.api.delete(f"{bench.pods}/a")
    gone = await bench.until_one(bench.pods, "a", lambda p: p["metadata"].get("deletionGracePeriodSeconds") == 0)
    assert ended(gone) == ("Failed", 137, "Error")
    await bench.api.patch(f"{bench.pods}/a", {"metadata": {"finalizers": None}})


async def test_a_pod_ends_when_all_its_containers_have(bench: Bench) -> None:
    quick, slow = container("pass", "quick"), container("import time; time.sleep(1); raise SystemExit(4)", "slow")
    done = await bench.finished_pod(pod("a", pod_spec(quick, slow)))
    assert done["status"]["phase"] == "Failed"
    assert [state(done, n)["terminated"]["exitCode"] for n in (0, 1)] == [0, 4]
