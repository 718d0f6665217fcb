"""Whole scripts, as users write them, against an API server that does as it is told."""

import signal
import threading

import pytest

from .api_server import ApiServer
from .scripts import run, terminated

REPORT = "from hyperdrive import report\nfor n in range(1, 101): report(accuracy=n / 100, step=n)\n"
#: Waits for a signal, which Python's own sleep does not cut short where a handler returns.
WAIT = "import time\nprint('ready', flush=True)\nwhile True: time.sleep(0.01)\n"


def last_of(api: ApiServer) -> float:
    """The accuracy of the newest PATCH."""
    request = api.next()
    while not api.seen.empty():
        request = api.next()
    accuracy: float = request.metrics["accuracy"]
    return accuracy


def test_the_last_report_is_written_when_the_script_ends(api: ApiServer) -> None:
    assert run(REPORT, api) == (0, "", "")
    assert 1 <= api.seen.qsize() <= 2  # a hundred reports: one write at the first of them, one at the end
    last = [api.next() for _ in range(api.seen.qsize())][-1]
    assert (last.metrics, last.curve["interval"][-1]) == ({"accuracy": 1.0}, 100)


def test_it_is_written_when_the_script_fails_too(api: ApiServer) -> None:
    status, _, _ = run(f"{REPORT}raise SystemExit(3)", api)
    assert (status, last_of(api)) == (3, 1.0)


def test_outside_of_a_trial_nothing_happens() -> None:
    script = f"import hyperdrive, threading\n{REPORT}print(hyperdrive.parameters(), hyperdrive.should_stop())\n"
    assert run(f"{script}print(threading.active_count(), hyperdrive.flush())", None) == (0, "{} False\n1 True\n", "")


def test_reports_are_printed_where_that_is_asked_for() -> None:
    script = "from hyperdrive import report\nreport(accuracy=0.5, step=1)\nreport({'val/loss': 2})"
    assert run(script, None, HYPERDRIVE_PRINT="1") == (0, "step=1 accuracy=0.5\nval/loss=2\n", "")


def test_a_process_that_is_not_the_first_is_silent(api: ApiServer) -> None:
    assert run(REPORT, api, RANK="1", WORLD_SIZE="2", HYPERDRIVE_PRINT="1") == (0, "", "")
    assert api.seen.empty()


def test_parameters(api: ApiServer) -> None:
    script = "from hyperdrive import parameters\nprint(parameters()['lr'] * 2)"
    assert run(script, api, HYPERDRIVE_PARAMETERS='{"lr":0.25}') == (0, "0.5\n", "")


@pytest.mark.parametrize(
    "call",
    ["report(0.93)", "report([1])", "report(accuracy='high')", "report({3: 4})", "report(accuracy=1, step=object())"],
)
def test_a_wrong_call_raises_nothing(api: ApiServer, call: str) -> None:
    status, out, err = run(f"from hyperdrive import report\n{call}\nprint('goes on')", api)
    assert (status, out) == (0, "goes on\n")
    assert len(err.splitlines()) <= 1


def test_configure_changes_the_process_and_too_late_is_said(api: ApiServer) -> None:
    script = f"import hyperdrive\nhyperdrive.configure(is_reporter=False)\n{REPORT}hyperdrive.configure(prints=True)"
    status, out, err = run(script, api)
    assert (status, out) == (0, "")
    assert "configure() comes too late" in err
    assert api.seen.empty()


def test_a_script_without_a_handler_dies_of_sigterm_after_its_last_report(api: ApiServer) -> None:
    status, out, err = terminated(f"{REPORT}{WAIT}", api)
    assert (status, out, err) == (-signal.SIGTERM, "", "")
    assert last_of(api) == 1.0


def test_a_script_that_asks_is_told_and_ends_by_itself(api: ApiServer) -> None:
    script = f"""{REPORT}
from hyperdrive import should_stop
import time
assert not should_stop()
print("ready", flush=True)
while not should_stop(): time.sleep(0.01)
report(accuracy=7)
print("saved")
"""
    assert terminated(script, api) == (0, "saved\n", "")
    assert last_of(api) == 7.0


def test_a_scripts_own_handler_stays_in_charge(api: ApiServer) -> None:
    script = f"""
import signal, sys
signal.signal(signal.SIGTERM, lambda number, frame: (print("mine", number), sys.exit(9)))
{REPORT}{WAIT}"""
    assert terminated(script, api) == (9, "mine 15\n", "")
    assert last_of(api) == 1.0


def test_a_signal_that_the_script_ignores_stays_ignored(api: ApiServer) -> None:
    script = f"import signal, os\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{REPORT}"
    assert run(f"{script}os.kill(os.getpid(), signal.SIGTERM)\nprint('lives')", api) == (0, "lives\n", "")


def test_signals_are_left_alone_where_that_is_asked_for(api: ApiServer) -> None:
    script = f"{REPORT}import signal\nprint(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)"
    assert run(script, api, HYPERDRIVE_SIGTERM="0") == (0, "True\n", "")


def test_the_end_of_a_script_does_not_wait_for_an_api_server_that_hangs(api: ApiServer) -> None:
    hanging = threading.Event()
    api.before_answer = lambda: hanging.wait(60)
    script = f"import hyperdrive\nhyperdrive.configure(flush_seconds=0.1)\n{REPORT}print('end')"
    try:
        assert run(script, api)[:2] == (0, "end\n")
    finally:
        hanging.set()


def test_an_api_server_that_is_not_there_costs_one_line(api: ApiServer) -> None:
    status, out, err = run(f"{REPORT}print('end')", api, KUBERNETES_SERVICE_PORT="1")
    assert (status, out, len(err.splitlines())) == (0, "end\n", 1)


def test_a_forked_child_reports_for_itself_and_is_flushed_at_its_end(api: ApiServer) -> None:
    script = """
import multiprocessing
from hyperdrive import flush, report
def train(): report(accuracy=5)
report(accuracy=1)
flush()
child = multiprocessing.get_context("fork").Process(target=train)
child.start()
child.join()
"""
    assert run(script, api, PYTHONWARNINGS="default::DeprecationWarning")[0] == 0
    assert last_of(api) == 5.0


def test_a_worker_of_a_data_loader_dies_of_sigterm_as_ever(api: ApiServer) -> None:
    script = """
import multiprocessing, signal, time
from hyperdrive import flush, report
fork = multiprocessing.get_context("fork")
def work(ready):
    ready.put(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
    time.sleep(60)
report(accuracy=1)
flush()
ready = fork.SimpleQueue()
child = fork.Process(target=work, args=(ready,))
child.start()
print(ready.get())
child.terminate()
child.join()
print(child.exitcode)
"""
    assert run(script, api, PYTHONWARNINGS="default::DeprecationWarning")[:2] == (0, "True\n-15\n")


def test_many_threads_lose_no_report(api: ApiServer) -> None:
    script = """
import threading
from hyperdrive import report
def many():
    for _ in range(500): report(accuracy=1)
threads = [threading.Thread(target=many) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    assert run(script, api) == (0, "", "")
    request = api.next()
    while not api.seen.empty():
        request = api.next()
    assert request.curve["interval"][-1] == 4000
