"""The optimisers' processes: started when needed, killed when they hang, and no sweep waits for another's."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from hyperdrive_operator.core.proposing import Finished, Request
from hyperdrive_operator.optimizer import process
from hyperdrive_operator.optimizer.process import (
    Lane,
    Optimizer,
    OptimizerCrashError,
    OptimizerError,
    OptimizerTimeoutError,
)
from hyperdrive_operator.optimizer.propose import propose
from hyperdrive_operator.optimizer.worker import LENGTH, decoded, encoded

from .questions import PLANE, request, spec

MakeLane = Callable[..., Lane]
ROOT = Path(__file__).parents[3]
#: Speaks like the worker, needs no second of imports, and does what the sweep's seed says.
PUPPET = f"""
import sys
sys.path.insert(0, {str(ROOT / "operator")!r})
import os, time
from hyperdrive_operator.optimizer.worker import READY, _receive, _send
answers = os.fdopen(os.dup(1), "wb")
_send(answers, (READY, None))
while (request := _receive(sys.stdin.buffer)) is not None:
    seed = request.spec.sampling_algorithm.seed
    if seed == 1:
        time.sleep(1000)
    if seed == 2:
        os._exit(7)
    if seed == 3:
        _send(answers, ("error", "ValueError: bad"))
        continue
    _send(answers, ("ok", [{{"pid": os.getpid()}} for _ in request.numbers]))
"""
WELL, HANGS, DIES, FAILS = (request(spec("Bayesian", seed=seed), [1]) for seed in range(4))


@pytest.fixture
async def make_lane() -> AsyncIterator[MakeLane]:
    lanes: list[Lane] = []

    def make(seconds: float = 60.0, *, program: str = PUPPET, idle_seconds: float = 60.0) -> Lane:
        lanes.append(Lane(seconds, program=program, idle_seconds=idle_seconds))
        return lanes[-1]

    yield make
    for lane in lanes:
        await lane.close()


async def pid_of(lane: Lane) -> int:
    (answer,) = await lane.propose(WELL)
    assert answer is not None
    pid = answer["pid"]
    assert isinstance(pid, int)
    return pid


def is_alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


async def test_the_real_process_proposes_what_the_function_does(make_lane: MakeLane) -> None:
    lane = make_lane(program=process._PROGRAM)
    finished = [Finished({"x": n / 10, "y": -n / 5}, float(n)) for n in range(15)]
    for algorithm in ("Bayesian", "CmaEs", "Sobol"):
        asked = request(spec(algorithm, *PLANE, seed=3), [16, 17], finished)
        assert await lane.propose(asked) == propose(asked)


async def test_an_error_in_the_function_is_told_and_the_process_lives_on(make_lane: MakeLane) -> None:
    lane = make_lane(program=process._PROGRAM)
    with pytest.raises(OptimizerError, match="KeyError: 'Random'"):
        await lane.propose(request(spec("Random"), [1]))
    pid = lane.pid
    asked = request(spec("Sobol"), [1])
    assert await lane.propose(asked) == propose(asked)
    assert lane.pid == pid


async def test_one_process_answers_all_requests_in_turn(make_lane: MakeLane) -> None:
    lane = make_lane()
    assert lane.pid is None, "nothing is started before it is needed"
    assert len({*await asyncio.gather(*(pid_of(lane) for _ in range(5)))}) == 1


async def test_a_process_that_hangs_is_killed_and_the_next_request_gets_another(make_lane: MakeLane) -> None:
    lane = make_lane(3)  # an answer takes a millisecond, but on a busy machine it may wait for its turn
    pid = await pid_of(lane)
    with pytest.raises(OptimizerTimeoutError, match=r"longer than 3 s"):
        await lane.propose(HANGS)
    assert not is_alive(pid)
    assert await pid_of(lane) != pid


async def test_a_process_that_dies_is_started_again(make_lane: MakeLane) -> None:
    lane = make_lane()
    with pytest.raises(OptimizerCrashError, match=r"exit code 7"):
        await lane.propose(DIES)
    pid = await pid_of(lane)
    assert lane._process is not None
    os.kill(pid, signal.SIGKILL)
    await lane._process.wait()
    with pytest.raises(OptimizerCrashError, match="exit code -9"):
        await lane.propose(WELL)
    assert await pid_of(lane) != pid


async def test_a_request_that_is_cancelled_leaves_no_answer_for_the_next(make_lane: MakeLane) -> None:
    lane = make_lane()
    await pid_of(lane)
    task = asyncio.create_task(lane.propose(HANGS))
    while not task.done():
        await asyncio.sleep(0)
        if lane._turn.locked():
            task.cancel()
    assert await pid_of(lane)


async def test_a_process_that_can_not_start_is_an_error(make_lane: MakeLane, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OptimizerCrashError, match="exit code 1"):
        await make_lane(program="raise SystemExit(1)").propose(WELL)
    monkeypatch.setattr(process, "START_SECONDS", 0.3)
    with pytest.raises(OptimizerTimeoutError, match="did not start"):
        await make_lane(program="import time; time.sleep(1000)").propose(WELL)


async def test_an_idle_process_ends(make_lane: MakeLane) -> None:
    lane = make_lane(idle_seconds=0.05)
    pid = await pid_of(lane)
    assert lane._process is not None
    assert await asyncio.wait_for(lane._process.wait(), 30) == 0
    assert lane.pid is None
    assert await pid_of(lane) != pid


async def test_a_closed_lane_leaves_no_process(make_lane: MakeLane) -> None:
    lane = make_lane()
    pid = await pid_of(lane)
    await lane.close()
    assert not is_alive(pid)


async def test_a_slow_sweep_is_moved_aside_and_delays_the_others_once(make_lane: MakeLane) -> None:
    optimizer = Optimizer(make_lane(3), make_lane(60))
    slow = asyncio.create_task(optimizer.propose("slow", HANGS))
    await asyncio.sleep(0)  # it comes first
    quick = [await optimizer.propose("quick", WELL) for _ in range(10)]
    assert not slow.done(), "it goes on, in a process of its own"
    slow.cancel()
    await asyncio.gather(slow, return_exceptions=True)
    assert len({str(answer) for answer in quick}) == 1


async def test_a_sweep_that_kills_its_process_does_so_to_the_others_once(make_lane: MakeLane) -> None:
    optimizer = Optimizer(make_lane(), make_lane())
    with pytest.raises(OptimizerCrashError):
        await optimizer.propose("bad", DIES)
    (first,) = await optimizer.propose("good", WELL)
    for _ in range(3):
        with pytest.raises(OptimizerCrashError):
            await optimizer.propose("bad", DIES)
        assert await optimizer.propose("good", WELL) == [first]
    with pytest.raises(OptimizerError, match="ValueError: bad"):
        await optimizer.propose("good", FAILS)
    assert await optimizer.propose("good", WELL) == [first]
    await optimizer.close()


def test_the_operator_itself_imports_no_numerical_library() -> None:
    program = (
        "import sys; import hyperdrive_operator.runtime.supervisor, hyperdrive_operator.controller.controller; "
        "print([name for name in ('numpy', 'optuna', 'scipy', 'cmaes', 'sqlalchemy') if name in sys.modules])"
    )
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT / 'operator')!r}); {program}"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("algorithm", ["Bayesian", "CmaEs", "Sobol"])
def test_proposals_are_the_same_whatever_seed_the_hashes_of_strings_have(algorithm: str) -> None:
    program = f"""
import sys
sys.path[:0] = {[str(ROOT / "operator"), str(ROOT)]!r}
import warnings; warnings.simplefilter("ignore")
from tests.unit.optimizer.test_proposing import CONDITIONAL
from tests.unit.optimizer.questions import *
print(search(spec({algorithm!r}, *CONDITIONAL, bayesian=None), quadratic, 16))
"""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_a_request_survives_the_way_to_the_process() -> None:
    asked = request(spec("Bayesian"), [3], [Finished({"x": 1}, 2.0)])
    assert isinstance(decoded(encoded(asked)[LENGTH.size :]), Request)
    assert decoded(encoded(asked)[LENGTH.size :]) == asked
