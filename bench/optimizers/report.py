"""What the results come to, as the tables of docs/sampling-quality.md: each stands between two comments there."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .bound import ARMS, Bound, drawn
from .campaign import Race, Runs
from .figures import comparable, mean_ranks
from .race import OPTUNA
from .results import machine
from .timing import DRAWN, FINISHED, PROPOSED, TOGETHER, Times
from .timing import OPTUNA as UNBOUNDED
from .verdicts import LEVEL, MARGIN, Equivalence, best_so_far, better, different, equivalence, holm, share_won

PAGE: Final = "sampling-quality.md"
_RELATIVE: Final = ("Grid", "Sobol", "Bayesian", "CmaEs", OPTUNA)
_NEVER: Final = "-"


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The p of each claim by problem, after Holm's correction, and both of them over all problems."""

    beats_random: Mapping[str, float]
    differs_from_optuna: Mapping[str, float]
    equals_optuna: Equivalence


def judge(races: Sequence[Race]) -> Verdicts:
    """Test the two claims: Bayesian beats Random, and equals Optuna's own study."""
    finals = {race.problem.name: {name: _finals(runs) for name, runs in race.runs.items()} for race in races}
    beats = {name: better(of["Bayesian"], of["Random"]) for name, of in finals.items()}
    differs = {name: different(of["Bayesian"], of[OPTUNA]) for name, of in finals.items()}
    seeds = min(len(of["Bayesian"]) for of in finals.values())
    shares = [
        share_won([of["Bayesian"][seed] for of in finals.values()], [of[OPTUNA][seed] for of in finals.values()])
        for seed in range(seeds)
    ]
    return Verdicts(holm(beats), holm(differs), equivalence(shares))


def race_table(races: Sequence[Race], verdicts: Verdicts) -> str:
    """Return the table of the races, and the ranks over all of them."""
    trials = max(len(run) for race in races for runs in race.runs.values() for run in runs)
    lines = [
        f"| problem | space | Random: median regret after {trials} trials | "
        + " | ".join(_RELATIVE)
        + " | as good as Random's last after | beats Random, p | differs from Optuna, p |",
        "|---|---|---|" + "---|" * (len(_RELATIVE) + 3),
    ]
    for race in races:
        name = race.problem.name
        of_random = statistics.median(_finals(race.runs["Random"]))
        cells = [name, race.problem.about, f"{of_random:.3g}"]
        cells += [_ratio(race.runs.get(sampler), of_random) for sampler in _RELATIVE]
        cells += [_reached(race.runs["Bayesian"], of_random)]
        cells += [_chance(verdicts.beats_random[name]), _chance(verdicts.differs_from_optuna[name])]
        lines.append(f"| {' | '.join(cells)} |")
    names, common = comparable(races)
    if not common:
        return "\n".join(lines)
    last = {name: line[-1] for name, line in mean_ranks(common, names).items()}
    order = ", ".join(f"{name} {rank:.2f}" for name, rank in sorted(last.items(), key=lambda item: item[1]))
    note = f"Mean rank after {trials} trials, over the {len(common)} problems that all of these run on: {order}."
    return "\n".join([*lines, "", note])


def verdict_text(verdicts: Verdicts) -> str:
    """Return the two claims, and what the tests say of them."""
    lost = [name for name, p in verdicts.beats_random.items() if p >= LEVEL]
    differing = [name for name, p in verdicts.differs_from_optuna.items() if p < LEVEL]
    count = len(verdicts.beats_random)
    equal = verdicts.equals_optuna
    is_equal = "equal within the margin" if equal.p < LEVEL else "not shown to be equal"
    beats = (
        f"* **Bayesian beats Random** on {count - len(lost)} of {count} problems"
        f"{'; not shown on ' + ', '.join(lost) if lost else ''} (Wilcoxon's signed-rank test over the seeds, "
        f"one-sided; Holm's correction over the problems, level {LEVEL:g}; the largest p is "
        f"{max(verdicts.beats_random.values()):.2g})."
    )
    differs = (
        f"* **Bayesian differs from Optuna's own study** on {len(differing)} of {count}"
        f"{': ' + ', '.join(differing) if differing else ''} (the same test, two-sided; the smallest p is "
        f"{min(verdicts.differs_from_optuna.values()):.2g})."
    )
    over_all = (
        f"* **Over all problems** Bayesian wins {equal.share:.1%} of the pairs with Optuna's own study, a tie counted "
        f"as half (90 % confidence {equal.low:.1%} to {equal.high:.1%}): {is_equal} of {0.5 - MARGIN:.0%} to "
        f"{0.5 + MARGIN:.0%} (two one-sided t-tests over the seeds, p = {equal.p:.2g})."
    )
    return f"{beats}\n{differs}\n{over_all}"


def time_table(times: Mapping[int, Times]) -> str:
    """Return the table of times, the facts of the machine above it."""
    optuna = {(n, k): times[n][f"{UNBOUNDED}/function/{k}"] for n in FINISHED for k in TOGETHER}
    head = [f"{n:,} finished, {'alone' if k == 1 else f'{k} together'}" for n in FINISHED for k in TOGETHER]
    lines = [f"{machine()}", "", f"| milliseconds a trial | {' | '.join(head)} |", "|---|" + "---|" * len(head)]
    for sampler in (*DRAWN, *PROPOSED):
        cells = [f"{times[n][f'{sampler}/function/{k}']:.2g}" for n in FINISHED for k in TOGETHER]
        lines.append(f"| {sampler} | {' | '.join(map(_plain, cells))} |")
    for sampler in PROPOSED:
        cells = [f"{times[n][f'{sampler}/process/{k}']:.2g}" for n in FINISHED for k in TOGETHER]
        lines.append(f"| {sampler}, through the process | {' | '.join(map(_plain, cells))} |")
    lines.append(f"| {UNBOUNDED} | {' | '.join(_plain(f'{optuna[n, k]:.2g}') for n in FINISHED for k in TOGETHER)} |")
    cells = [f"{times[n][f'Bayesian/function/{k}'] / optuna[n, k]:.2g}" for n in FINISHED for k in TOGETHER]
    lines.append(f"| ratio Bayesian : Optuna | {' | '.join(map(_plain, cells))} |")
    requests = ", ".join(f"{times[n]['request']:.2g} ms at {n:,}" for n in FINISHED)
    return "\n".join([*lines, "", f"To build the request, on the operator's event loop: {requests}."])


def bound_table(results: Mapping[str, Sequence[Mapping[str, Sequence[float]]]], bound: Bound) -> str:
    """Return what the bound costs: the best at the end, and the trials that were proposed under it."""
    some = next(iter(results.values()))
    trials, seeds = len(some[0]["bounded"]), len(some)
    lines = [
        f"{trials:,} trials, {bound.history:,} told at most, the {bound.best} best among them; {seeds} seeds:",
        "",
        (
            "| problem | best regret: bounded | unbounded | median regret of later trials: bounded | unbounded "
            "| their mean: bounded | unbounded | drawn at random, %: bounded | unbounded |"
        ),
        "|---|---|---|---|---|---|---|---|---|",
    ]
    best: dict[str, list[list[float]]] = {"bounded": [], "unbounded": []}
    for name, runs in results.items():
        cells = [name]
        for arm in ("bounded", "unbounded"):
            finals = [min(run[arm]) for run in runs]
            best[arm].append(finals)
            cells.append(f"{statistics.median(finals):.3g}")
        for arm in ("bounded", "unbounded"):
            later = [statistics.median(run[arm][bound.history :]) for run in runs]
            cells.append(f"{statistics.median(later):.3g}")
        cells += [f"{statistics.fmean(_later_mean(run[arm], bound) for run in runs):.3g}" for arm in ARMS]
        cells += [f"{100 * statistics.fmean(_share_drawn(run, arm, bound) for run in runs):.0f}" for arm in ARMS]
        lines.append(f"| {' | '.join(cells)} |")
    shares = [
        share_won([of[seed] for of in best["bounded"]], [of[seed] for of in best["unbounded"]]) for seed in range(seeds)
    ]
    found = equivalence(shares)
    worse = [name for name, p in holm(_worse(results)).items() if p < LEVEL]
    means = [
        (_later_mean(run["bounded"], bound), _later_mean(run["unbounded"], bound))
        for of in results.values()
        for run in of
    ]
    told = (
        f"The bound makes the best worse on {len(worse)} of {len(results)}{': ' + ', '.join(worse) if worse else ''} "
        f"(Wilcoxon's signed-rank test over the seeds, one-sided; Holm's correction). The bounded searches win "
        f"{found.share:.1%} of the pairs, a tie counted as half (90 % confidence {found.low:.1%} to {found.high:.1%}); "
        f"not below {0.5 - MARGIN:.0%}: p = {found.p_not_less:.2g} (t-test over the seeds, one-sided)."
    )
    wins = sum(ours <= theirs for ours, theirs in means)
    told += f" The mean of their later trials is no worse in {wins} of {len(means)} pairs."
    return "\n".join([*lines, "", told])


def _later_mean(regrets: Sequence[float], bound: Bound) -> float:
    return statistics.fmean(regrets[bound.history :])


def _share_drawn(run: Mapping[str, Sequence[float]], arm: str, bound: Bound) -> float:
    """Return the share of the later trials that were drawn at random, since all that was proposed had run."""
    return sum(place >= bound.history for place in run[drawn(arm)]) / len(run[arm][bound.history :])


def _worse(results: Mapping[str, Sequence[Mapping[str, Sequence[float]]]]) -> dict[str, float]:
    """Return the p, by problem, that the best without the bound is better."""
    finals = {
        name: {arm: [min(run[arm]) for run in runs] for arm in ("bounded", "unbounded")}
        for name, runs in results.items()
    }
    return {name: better(of["unbounded"], of["bounded"]) for name, of in finals.items()}


def write(folder: Path, blocks: Mapping[str, str]) -> None:
    """Put each table between its two comments, and leave the rest of the page as it is."""
    path = folder / PAGE
    text = path.read_text() if path.exists() else "# How good the sampling algorithms are\n"
    for name, block in blocks.items():
        begin, end = f"<!-- {name}: written by bench.optimizers -->", f"<!-- end of {name} -->"
        new = f"{begin}\n\n{block}\n\n{end}"
        if begin in text:
            before, _, rest = text.partition(begin)
            text = before + new + rest.partition(end)[2]
        else:
            text += f"\n{new}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    print(f"wrote {path}", flush=True)


def _finals(runs: Runs) -> list[float]:
    return [min(run) for run in runs]


def _ratio(runs: Runs | None, of_random: float) -> str:
    if runs is None:
        return _NEVER
    return f"{statistics.median(_finals(runs)) / of_random:.2f}" if of_random else "1.00"


def _reached(runs: Runs, goal: float) -> str:
    """Return after how many trials the median of the seeds is as good as that."""
    curves = [best_so_far(run) for run in runs]
    for trial in range(min(map(len, curves))):
        if statistics.median(curve[trial] for curve in curves) <= goal:
            return str(trial + 1)
    return _NEVER


def _chance(p: float) -> str:
    return "< 0.0001" if p < 0.0001 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def _plain(number: str) -> str:
    """Return a number without an exponent."""
    return f"{float(number):g}"
