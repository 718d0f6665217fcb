"""Whether each report counts once while the kubelet rotates the log that it stands in.

    python -m bench.rotation --kubeconfig FILE [--seconds 60]

Needs a real cluster with the CRDs of this checkout and no other operator. The kubelet rotates a log that it finds
larger than `containerLogMaxSize` (10 MiB, looked at every 10 s). Three trials report once a second and print in
between: half
a megabyte a second, five, and half a megabyte with 20 a second in its last seconds.
"""

import argparse
import asyncio
import os
from typing import Final

from hyperdrive_operator.kube.client import KubeClient
from hyperdrive_operator.kube.kinds import HYPERDRIVES

from . import live

#: Megabytes a second, and in the last seconds; `x` is the place in this list.
RATES: Final = ((0.5, 0.5), (5.0, 5.0), (0.5, 20.0))
LAST_SECONDS: Final = 12
_SCRIPT: Final = """
import os, sys, time
rates, seconds, last = {rates}, {seconds}, {last}
slow, fast = rates[int(os.environ["HYPERDRIVE_PARAM_X"])]
line = "INFO trainer: a batch of 100 took 12 ms, and the learning rate is still what it was " + "." * 116 + chr(10)
for second in range(1, seconds + 1):
    began = time.monotonic()
    lines = int((fast if second > seconds - last else slow) * 1e6 / len(line))
    for tenth in range(1, 11):
        sys.stdout.write(line * (lines // 10))
        sys.stdout.flush()
        time.sleep(max(0, began + tenth / 10 - time.monotonic()))
    print(f"epoch={{second}} score={{second}}", flush=True)
"""


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--seconds", type=int, default=60, help="how long each trial runs (default: 60)")
    parser.add_argument("--image", default=live.IMAGE, help=f"an image with Python (default: {live.IMAGE})")
    parser.add_argument("--operator-log", default=os.devnull)
    asyncio.run(_run(parser.parse_args()))


async def _run(arguments: argparse.Namespace) -> None:
    client = await KubeClient.connect(kubeconfig=arguments.kubeconfig, user_agent="bench")
    script = _SCRIPT.format(rates=RATES, seconds=arguments.seconds, last=LAST_SECONDS)
    space = [{"name": "x", "randint": {"lower": 0, "upper": len(RATES)}}]
    body = live.sweep("rotated", script, len(RATES), image=arguments.image, searchSpace=space)
    body["spec"]["samplingAlgorithm"] = {"type": "Grid"}
    async with (
        live.namespace(client, "bench-rotation") as namespace,
        live.operator(arguments.kubeconfig, namespace, arguments.operator_log),
    ):
        await client.create(HYPERDRIVES, namespace, body)

        async def is_over() -> bool:
            found = await client.get(HYPERDRIVES, namespace, "rotated")
            return found.get("status", {}).get("state") in {"Complete", "Failed"}

        await live.wait_for("the sweep's end", is_over, arguments.seconds + live.START_SECONDS)
        for record in await live.records(client, namespace):
            _print(record, arguments.seconds)
    await client.close()


def _print(record: live.Object, seconds: int) -> None:
    slow, fast = RATES[record["spec"]["parameters"]["x"]]
    status = record["status"]
    megabytes = slow * (seconds - LAST_SECONDS) + fast * LAST_SECONDS
    print(
        f"{megabytes:.0f} MB at {slow} then {fast} MB/s: {status['state']}, {status.get('reports', 0)} of {seconds} "
        f"reports counted, the last value {status.get('metrics', {}).get('score')}"
    )


if __name__ == "__main__":
    main()
