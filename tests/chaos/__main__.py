"""`python -m tests.chaos`: plays every fault, prints the seed to play it again, exits with 1 if anything was wrong."""

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
from contextlib import AbstractAsyncContextManager
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
    parser.add_argument("--only", nargs="*", choices=[fault.name for fault in FAULTS], help="these faults")
    parser.add_argument("--brief", action="store_true", help="the short form: smaller sweeps, shorter faults")
    parser.add_argument("--logs", type=Path, help="keep what the operators logged in this folder")
    parser.add_argument("--json", type=Path, help="append what was found to this file, a line a round")
    return parser.parse_args()


async def _all(options: argparse.Namespace, chosen: list[Fault], seed: int, folder: Path, logs: Path) -> list[Result]:
    results = []
    async with _world(options.kubeconfig, folder) as world:
        for number in range(options.rounds):
            for fault in chosen:
                if fault.only_real and not world.is_real:
                    _say(f"SKIPPED {fault.name}: the embedded cluster has no such thing; run it with KUBECONFIG=FILE")
                    continue
                where = logs / f"{fault.name}-{seed + number}"
                result = await play(world, fault, seed=seed + number, folder=where, is_brief=options.brief)
                results.append(result)
                _report(result)
                if options.json:
                    with options.json.open("a") as file:
                        file.write(json.dumps(vars(result) | {"real": world.is_real}) + "\n")
    return results


def _world(kubeconfig: Path | None, folder: Path) -> AbstractAsyncContextManager[World]:
    return real_world(kubeconfig) if kubeconfig else embedded_world(folder)


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
