"""`python -m bench.monitoring --prometheus FILE`: every alert fires for its cause, and none while all is well.

The operator runs on the embedded cluster behind a proxy, Prometheus scrapes it and evaluates the chart's own rules.
Needs helm on the PATH. Takes about six minutes.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.chaos.operators import Log, Operator
from tests.chaos.proxy import Proxy
from tests.chaos.server import Server, wait_until
from tests.chaos.weather import Weather
from tests.chaos.world import embedded_world

from .faults import BUGGY_WORDS, NAMESPACE, SWEEPS, Faults, sweep
from .picture import draw, take
from .prometheus import Prometheus, prometheus

ALERT_SECONDS: Final = 120.0
HEALTHY_SECONDS: Final = 240.0
#: The ports of the operator's metrics and of Prometheus.
METRICS, WEB = 18090, 18091
CURVE: Final = "import time\nfor i in range(1, 9): print('score=%f' % ($(params.x) * i), flush=True); time.sleep(0.5)"


async def run(program: Path, picture: Path | None, folder: Path) -> int:
    """Play everything; return the number of alerts that did not do as they should."""
    async with embedded_world(folder) as world:
        weather, log = Weather(1), Log()
        proxy = Proxy(world.operators, weather, folder)
        await world.make_namespace(NAMESPACE)
        await proxy.start()
        flags = ("--listen", f"127.0.0.1:{METRICS}", "--workers", "2")
        operator = Operator(proxy.kubeconfig, log, *flags, module="bench.monitoring.operator")
        await operator.start()
        try:
            async with prometheus(program, folder / "prometheus", WEB, f"127.0.0.1:{METRICS}") as seen:
                faults = Faults(world, weather, operator)
                began = time.time()
                await wait_until(lambda: _is_up(seen), 60, "the operator is scraped and leads")
                await wait_until(lambda: _is_quiet(seen), 60, "no alert fires any more for the time before it led")
                await asyncio.sleep(2)
                wrong = await _healthy(faults, seen, world.server)
                wrong += await _play(faults, seen)
                if picture is not None:
                    draw(await take(seen, began), picture)
        finally:
            await operator.stop()
            await proxy.stop()
    found = [bug for bug in log.bugs if BUGGY_WORDS not in bug]
    for bug in found:
        print(f"the operator met a bug that was not injected: {bug}", flush=True)
    return wrong + len(found)


async def _is_up(seen: Prometheus) -> bool:
    return bool(await seen.over_time("hyperdrive_leader == 1", time.time() - 3))


async def _healthy(faults: Faults, seen: Prometheus, server: Server) -> int:
    """Run good sweeps to their ends; return 1 if an alert fired."""
    sweeps = [
        sweep("random", 40, 4),
        sweep("stopped-early", 24, 4, CURVE, earlyTermination={"type": "MedianStopping", "delayEvaluation": 3}),
        sweep("bayesian", 16, 2, CURVE, samplingAlgorithm={"type": "Bayesian", "seed": 1}),
        sweep("with-failures", 10, 2, "x = $(params.x); print('score=%f' % x); raise SystemExit(x < 0.3)"),
    ]
    since = time.time()
    await faults.create(*sweeps)

    async def are_over() -> bool:
        items = (await server.get(SWEEPS))["items"]
        return all("completionTime" in one["status"] for one in items)

    await wait_until(are_over, HEALTHY_SECONDS, "the sweeps have ended")
    await asyncio.sleep(20)  # longer than any alert waits
    fired = await seen.fired(since)
    print(f"healthy, {len(sweeps)} sweeps: {sorted(fired) or 'no alert'}", flush=True)
    await faults.delete(*sweeps)
    return len(fired)


async def _play(faults: Faults, seen: Prometheus) -> int:
    """Play each fault; return how many did not raise their alert, or whose alert did not end with them."""
    wrong = 0
    for alert, fault in faults.all().items():
        since = time.time()
        try:
            async with fault():
                await wait_until(lambda alert=alert: _fires(seen, alert), ALERT_SECONDS, f"{alert} fires")
                after = time.time() - since
            await wait_until(lambda: _is_quiet(seen), ALERT_SECONDS, "no alert fires")
            others = await seen.fired(since) - {alert}
            print(f"{alert}: fired after {after:.0f} s, beside it {sorted(others) or 'none'}; ended", flush=True)
        except AssertionError as error:
            wrong += 1
            print(f"{alert}: {error}; firing: {sorted(await seen.firing())}", flush=True)
    return wrong


async def _fires(seen: Prometheus, alert: str) -> bool:
    return alert in await seen.firing()


async def _is_quiet(seen: Prometheus) -> bool:
    return not await seen.firing()


def main() -> int:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(prog="bench.monitoring", description=__doc__)
    parser.add_argument("--prometheus", type=Path, required=True, help="the program")
    parser.add_argument("--picture", type=Path, help="write the dashboard's picture there (PNG)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(run(arguments.prometheus, arguments.picture, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
