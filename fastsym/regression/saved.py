"""Two saved benchmark runs, and whether the second is slower.

Judged are speed-ups over the reference, which took turns with the variant, so that two sessions can be compared at all.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.console import Console
from rich.table import Column, Table

from fastsym.regression.outcome import CANNOT_JUDGE, PASS, SLOWER, CannotJudgeError
from fastsym.timing.saved_runs import UnreadableRunError, read_machine, read_rounds
from fastsym.timing.stats import MIN_PAIRS, Floats, Ratio, holm, lower_p_value, ratio_of_medians

BASELINE = "reference"
FALSE_ALARMS = 0.01
"""Accepted probability that a run in which nothing changed has a slower benchmark, if its rounds are independent."""
SHOWN = 10
LOG_WIDTH = 120
HARDLY_KNOWN = 0.5
"""If a speed-up may have become less than this share of what it was, too little is known of it."""
Word = Literal["slower", "not slower", "cannot judge"]


@dataclass(frozen=True)
class Verdict:
    """One benchmark in both runs."""

    name: str
    base_speedup: float
    head_speedup: float
    change: Ratio
    """Head's speed-up over base's: below 1 is slower."""
    p_value: float
    """Corrected for the number of benchmarks."""
    word: Word


def compare(base: Path, head: Path, tolerance: float = 0.1) -> list[Verdict]:
    """Judge every benchmark of two saved runs.

    Parameters
    ----------
    base, head
        Files written by ``pytest bench/ --benchmark-json FILE``, before and after a change.
    tolerance
        The loss of speed-up that does not matter, as a fraction.

    Returns
    -------
    list of Verdict
        The greatest loss first. A benchmark is slower if an exact test, corrected for the number of benchmarks,
        says that it lost more than the tolerance. It cannot be judged if the test does not say so, but the median loss
        is more than the tolerance, or the interval does not rule out a loss of half of the speed-up.

    Raises
    ------
    CannotJudgeError
        If a file cannot be read, the machines differ, a benchmark of the base is missing in the head, or one has too
        few rounds.
    ValueError
        If the tolerance is out of range.
    """
    try:
        machines = read_machine(base), read_machine(head)
        samples = _speedups(base), _speedups(head)
    except UnreadableRunError as error:
        raise CannotJudgeError(str(error)) from error
    _refuse_other_machine(*machines)
    _refuse_missing(*samples)
    names = list(samples[0])
    pairs = [(samples[0][name], samples[1][name]) for name in names]
    p_values = holm([lower_p_value(before, after, tolerance) for before, after in pairs])
    verdicts = []
    for name, (before, after), p_value in zip(names, pairs, p_values, strict=True):
        change = ratio_of_medians(before, after)
        middles = float(np.median(before)), float(np.median(after))
        word: Word = "not slower"
        if p_value < FALSE_ALARMS:
            word = "slower"
        elif not (change.ratio >= 1 - tolerance and change.low >= min(HARDLY_KNOWN, 1 - tolerance)):
            word = "cannot judge"
        verdicts.append(Verdict(name, *middles, change, float(p_value), word))
    return sorted(verdicts, key=lambda verdict: verdict.change.ratio)


def _speedups(path: Path) -> dict[str, Floats]:
    rounds = read_rounds(path)
    judged = rounds[(rounds["kind"] == "variant") & (rounds["variant"] != BASELINE)]
    if judged.empty:
        raise CannotJudgeError(f"{path}: expected benchmarks of variants; got none; save a whole run of bench/")
    samples = {str(name): group["speedup"].to_numpy() for name, group in judged.groupby("name", sort=False)}
    few = {name: len(sample) for name, sample in samples.items() if len(sample) < MIN_PAIRS}
    if few:
        name, count = next(iter(few.items()))
        raise CannotJudgeError(
            f"{path}: too few samples: expected at least {MIN_PAIRS} rounds; got {count} of {name}, and {len(few)} "
            "such benchmarks in all; save the run again without changing the rounds"
        )
    return samples


def _refuse_other_machine(base: dict[str, Any], head: dict[str, Any]) -> None:
    def identity(machine: dict[str, Any]) -> dict[str, Any]:
        return {key: machine[key] for key in ("cpu", "cores", "blas")} | {"numpy": machine["versions"].get("numpy")}

    before, after = identity(base), identity(head)
    differing = [f"{key} {before[key]!r} and {after[key]!r}" for key in before if before[key] != after[key]]
    if differing:
        raise CannotJudgeError(
            f"another machine: {'; '.join(differing)}; the reference itself runs differently there; make both runs on "
            "one machine with one NumPy"
        )


def _refuse_missing(base: dict[str, Floats], head: dict[str, Floats]) -> None:
    missing = [name for name in base if name not in head]
    if missing:
        raise CannotJudgeError(
            f"missing benchmark: {missing[0]}, one of {len(missing)} that are in the base but not in the head; run the "
            "whole of bench/, or make a new base if they were removed on purpose"
        )


def _table(verdicts: list[Verdict]) -> Table:
    shown = [verdict for verdict in verdicts if verdict.word != "not slower"] or verdicts[:SHOWN]
    table = Table(Column("benchmark", overflow="fold"), "base", "head", "head / base", "p", "verdict")
    for verdict in shown:
        speedups = f"{verdict.base_speedup:.2f}x", f"{verdict.head_speedup:.2f}x"
        table.add_row(
            verdict.name.partition("::")[2], *speedups, str(verdict.change), f"{verdict.p_value:.3g}", verdict.word
        )
    return table


def show(base: Path, head: Path, tolerance: float) -> int:
    """Print the comparison of two saved runs and return the exit status."""
    console = Console()
    if not console.is_terminal:  # a log has room
        console = Console(width=LOG_WIDTH)
    try:
        verdicts = compare(base, head, tolerance)
    except CannotJudgeError as error:
        Console(stderr=True).print(f"cannot judge: {error}", soft_wrap=True, markup=False, highlight=False)
        return CANNOT_JUDGE
    console.print(_table(verdicts))
    words = Counter(verdict.word for verdict in verdicts)
    console.print(
        f"{words['slower']} of {len(verdicts)} benchmarks slower by more than {tolerance:.0%}", highlight=False
    )
    if words["cannot judge"]:
        text = f"cannot judge {words['cannot judge']} of {len(verdicts)}: too much noise; save both runs again"
        console.print(text, highlight=False)
    return SLOWER if words["slower"] else CANNOT_JUDGE if words["cannot judge"] else PASS
