"""`python -m tests.chaos`: plays every fault, prints the seed to play it again, exits with 1 if anything was wrong."""

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from .faults import FAULTS, Fault
from .play import Result, play
from .world import World, embedded_world, real_world


def main() -> int:
    """Run as a command."""
    options = _options()
    seed = options.seed if options.seed is not None else secrets.randbelow(10_000)
    chosen = [fault for fault in FAULTS if not options.only or fault.name in options.only]
    _say(f"seed {seed}: play the same again with SEED={seed}")
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        logs = options.logs or Path(folder)
        results = asyncio.run(_all(options, chosen, seed, Path(folder), logs))
    failed = [result for result in results if result.problems]
    _say(f"seed {seed}: {len(results) - len(failed)} of {len(results)} rounds as promised")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="default: any")
    parser.add_argument("--rounds", type=int, default=1, help="how often each fault is played, each with its own seed")
    parser.add_argument("--kubeconfig", type=Path, help="a real cluster without HyperDrive; default: the embedded one")
    parser.add_argument(
        "--at-once", type=int, default=1, help="rounds at a time, each on an embedded cluster of its own"
    )
    parser.add_argument("--only", nargs="*", choices=[fault.name for fault in FAULTS], help="these faults")
    parser.add_argument("--brief", action="store_true", help="the short form: smaller sweeps, shorter faults")
    parser.add_argument("--logs", type=Path, help="keep what the operators logged in this folder")
    parser.add_argument("--json", type=Path, help="append what was found to this file, a line a round")
    return parser.parse_args()


async def _all(options: argparse.Namespace, chosen: list[Fault], seed: int, folder: Path, logs: Path) -> list[Result]:
    """Play all rounds. What a fault does to a real cluster, it does to all of it: there they are played one by one."""
    rounds = [(fault, seed + number) for number in range(options.rounds) for fault in chosen]
    is_real = options.kubeconfig is not None
    async with _real(options.kubeconfig) as real:
        places = asyncio.Semaphore(1 if is_real else options.at_once)

        async def one(fault: Fault, seed: int) -> Result:
            where = logs / f"{fault.name}-{seed}"
            async with places, _world(real, folder / f"{fault.name}-{seed}") as world:
                result = await play(world, fault, seed=seed, folder=where, is_brief=options.brief)
            _report(result)
            if options.json:
                _keep(options.json, result, is_real=is_real)
            return result

        for fault in chosen:
            if fault.only_real and not is_real:
                _say(f"SKIPPED {fault.name}: the embedded cluster has no such thing; run it with KUBECONFIG=FILE")
        return await asyncio.gather(*(one(*each) for each in rounds if is_real or not each[0].only_real))


@asynccontextmanager
async def _real(kubeconfig: Path | None) -> AsyncIterator[World | None]:
    if kubeconfig is None:
        yield None
    else:
        async with real_world(kubeconfig) as world:
            yield world


@asynccontextmanager
async def _world(real: World | None, folder: Path) -> AsyncIterator[World]:
    """Give a round the real cluster, or an embedded one of its own."""
    if real is not None:
        yield real
    else:
        async with embedded_world(folder) as world:
            yield world


def _keep(path: Path, result: Result, *, is_real: bool) -> None:
    with path.open("a") as file:
        file.write(json.dumps(vars(result) | {"real": is_real}) + "\n")


def _report(result: Result) -> None:
    verdict = "WRONG" if result.problems else "ok"
    facts = ", ".join(f"{name} {value}" for name, value in result.facts.items() if value)
    _say(
        f"{verdict:5} {result.fault:12} seed {result.seed}: {result.seconds:.0f} s, "
        f"at work again after {result.back_to_work:.1f} s; {facts}"
    )
    for line in (*(result.notes if result.problems else ()), *result.problems):
        _say(f"      {line}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
