"""What a report costs the operator: CPU and memory of followed logs, of annotations, and of what is recorded of them.

    python -m bench.reports [--streams 200] [--seconds 10] [--noise 20]

Needs no cluster. A process of its own serves the logs over TLS on 127.0.0.1, each trial printing one report a second
and, in the second round, so many other lines beside it; this process is the operator's part.
"""

import argparse
import asyncio
import gc
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web
from tests.support.builders import AIM, job_body, pod_body, record_body, sweep_body

from hyperdrive_local.server.access import HOST, Certificate, write_kubeconfig
from hyperdrive_operator.controller.cache import Cache
from hyperdrive_operator.core.loglines import LogFeed
from hyperdrive_operator.core.metrics import line_reader
from hyperdrive_operator.core.planning import make_plan
from hyperdrive_operator.core.progress import Progress
from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.kinds import HYPERDRIVE_TRIALS, HYPERDRIVES, JOBS, PODS

#: Streams that are opened at once, so that the handshakes do not time out.
AT_ONCE = 50
READY = "ready"


def main() -> None:
    """Measure, or serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--noise", type=int, default=20)
    parser.add_argument("--serve", metavar="KUBECONFIG", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(_serve(Path(arguments.serve), arguments.noise))
        return
    for noise in (0, arguments.noise):
        _measure_logs(arguments.streams, arguments.seconds, noise)
    _measure_annotations(arguments.streams)


# --- logs ------------------------------------------------------------


async def _serve(kubeconfig: Path, noise: int) -> None:
    async def log(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        for epoch in range(10**6):
            if request.transport is None or request.transport.is_closing():
                break
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
            lines = [f"[2026-03-01 12:00:00,123] INFO trainer: batch {n} of 100 took 12 ms" for n in range(noise)]
            lines.append(f"epoch={epoch} loss=0.{epoch:04} accuracy=0.{epoch:04}")
            await response.write("".join(f"{now} {line}\n" for line in lines).encode())
            await asyncio.sleep(1)
        return response

    certificate = Certificate()
    app = web.Application()
    app.router.add_get("/api/v1/namespaces/{namespace}/pods/{pod}/log", log)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0, ssl_context=certificate.server_context(), backlog=4096)
    await site.start()
    write_kubeconfig(kubeconfig, f"https://{HOST}:{runner.addresses[0][1]}", certificate.authority, "token")
    print(READY, flush=True)
    await asyncio.Event().wait()


def _measure_logs(streams: int, seconds: float, noise: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        kubeconfig = str(Path(folder) / "kubeconfig")
        command = [sys.executable, "-m", "bench.reports", "--serve", kubeconfig, "--noise", str(noise)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603  this file, again
            try:
                assert server.stdout is not None  # noqa: S101  it is a pipe
                server.stdout.readline()
                asyncio.run(_follow(kubeconfig, streams, seconds, noise))
            finally:
                server.terminate()


async def _follow(kubeconfig: str, streams: int, seconds: float, noise: int) -> None:
    client = await KubeClient.connect(kubeconfig=kubeconfig, user_agent="bench")
    feeds = [LogFeed(f"{n}", line_reader(AIM), AIM, progress=Progress()) for n in range(streams)]

    async def follow(feed: LogFeed) -> None:
        async for chunk in client.stream_log("lab", feed.pod, "train", timestamps=True):
            feed.feed(chunk)

    gc.collect()
    before = _resident_kib()
    tasks = []
    for begin in range(0, streams, AT_ONCE):
        tasks += [asyncio.create_task(follow(feed)) for feed in feeds[begin : begin + AT_ONCE]]
        await asyncio.sleep(0.5)
    gc.collect()
    memory, reports, cpu = _resident_kib() - before, sum(feed.progress.reports for feed in feeds), time.process_time()
    await asyncio.sleep(seconds)
    cpu, reports = time.process_time() - cpu, sum(feed.progress.reports for feed in feeds) - reports
    print(f"log, {noise} other lines a report: {1e6 * cpu / reports:.0f} us of CPU a report")
    if not noise:  # later rounds take what this one gave back
        print(f"log: {memory / streams:.0f} KiB a stream ({streams} streams over TLS)")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await client.close()


# --- annotations, and passes ----------------------------------------


def _measure_annotations(trials: int) -> None:
    cache = Cache()
    cache.observe(HYPERDRIVES, "ADDED", sweep_body(limits={"maxTotalTrials": trials, "maxConcurrentTrials": 1000}))
    for number in range(1, trials + 1):
        cache.observe(HYPERDRIVE_TRIALS, "ADDED", record_body(number, state="Running", startTime=_now()))
        cache.observe(JOBS, "ADDED", job_body(number, ready=1))
        cache.observe(PODS, "ADDED", pod_body(number))
    rounds = 20
    bodies = [
        job_body(number, ready=1, metrics=f'{{"accuracy": 0.{report:02}, "loss": 1}}')
        for report in range(rounds)
        for number in range(1, trials + 1)
    ]
    began = time.process_time()
    for body in bodies:
        cache.observe(JOBS, "MODIFIED", body)
    each = (time.process_time() - began) / len(bodies)
    (sweep,) = cache.sweeps()
    began = time.process_time()
    known = cache.trials(sweep)
    make_plan(sweep, known, hold=None, is_template_checked=True, now=datetime.now(UTC))
    whole = time.process_time() - began
    counted = sum(trial.curve.reports for trial in known)
    print(
        f"annotation: {1e6 * each:.0f} us of CPU a change, once its JSON is parsed ({counted} of {len(bodies)} counted)"
    )
    print(f"a pass that finds {trials} running trials with news: {1e3 * whole:.1f} ms, at most once a second")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _resident_kib() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


if __name__ == "__main__":
    main()
