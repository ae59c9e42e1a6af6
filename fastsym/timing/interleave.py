"""Times of whole training calls, interleaved so that a noisy machine treats all sides alike.

A comparison is a ratio of times from one round of one session (:mod:`fastsym.timing.stats`); the times themselves are
shown, never judged. A round during which Numba compiled anything, or loaded it from its cache, is void.

NumPy's BLAS keeps its threads busy for a while after a call, and a job that computes on all processors meanwhile shares
them with it. Such jobs therefore rest before their turn: what their ratio compares is each job with the processors to
itself, not a program that calls both in quick succession.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numba.core.event import install_timer
from numpy.typing import DTypeLike

from fastsym.model.datasets import load_titanic
from fastsym.model.initialise import initialise
from fastsym.timing.machine import describe_machine, machine_name
from fastsym.timing.saved_runs import COLUMNS
from fastsym.timing.stats import MIN_PAIRS, Floats, paired_ratio
from fastsym.training.train import train

Clock = Callable[[], float]
Job = Callable[[], object]
Case = tuple[int, int]
"""A benchmark case: hidden width and number of iterations."""

WIDTHS = (1, 4, 16, 64, 256, 1024)
ITERATIONS = (1, 10, 100, 1000, 3000)
MAX_ROUNDS = 30
MAX_VOID_ROUNDS = 3
TRIAL_ITERATIONS = 10
BASELINE = "reference"
REST_SECONDS = 0.15
"""How long OpenBLAS 0.3.31 keeps its threads busy after a call, at most (measured)."""


@contextmanager
def numba_seconds(kind: str) -> Iterator[list[float]]:
    """Collect the time that Numba spends on something inside the ``with`` block.

    Parameters
    ----------
    kind
        ``"numba:compile"``: compiling; ``"numba:compiler_lock"``: compiling or loading from the cache.

    Yields
    ------
    list
        Empty, or one number of seconds, after the block.
    """
    spent: list[float] = []
    with install_timer(kind, spent.append):
        yield spent


@dataclass(frozen=True)
class Interleaved:
    """Times of interleaved jobs."""

    seconds: dict[str, Floats]
    """Name -> (rounds,) seconds; entry i of all was measured in round i."""
    void_rounds: int
    """Rounds that were repeated because Numba compiled or loaded something in them."""


def interleave(
    jobs: Mapping[str, Job], rounds: int, clock: Clock = time.perf_counter, resting: Collection[str] = ()
) -> Interleaved:
    """Time jobs alternately, every other round in reverse: A B C, C B A, A B C, ...

    Parameters
    ----------
    jobs
        Name -> function without arguments. Call each once before, so that everything is compiled.
    rounds
        How often to time each, at least 1.
    clock
        Returns seconds.
    resting
        Names of jobs that compute on several threads, if others use a BLAS. Nothing runs for :data:`REST_SECONDS`
        before each of them, unless the job before is one of them, too.

    Returns
    -------
    Interleaved

    Raises
    ------
    ValueError
        If there are no jobs or no rounds.
    RuntimeError
        If Numba is still compiling after several repeated rounds.
    """
    if not jobs or rounds < 1:
        raise ValueError(
            f"rounds: expected at least 1, of at least one job; got {rounds} of {len(jobs)} jobs; add some"
        )
    kept: list[dict[str, float]] = []
    void = 0
    last = ""
    while len(kept) < rounds:
        times: dict[str, float] = {}
        with numba_seconds("numba:compiler_lock") as compiling:
            for name in sorted(jobs, key=list(jobs).index, reverse=len(kept) % 2 == 1):
                job = jobs[name]
                if name in resting and last not in resting:
                    time.sleep(REST_SECONDS)
                last = name
                start = clock()
                job()
                times[name] = clock() - start
        if not compiling:
            kept.append(times)
            continue
        void += 1
        if void > MAX_VOID_ROUNDS:
            raise RuntimeError(
                f"jobs: expected compiled code; got a compilation in {void} rounds; call each job once before timing"
            )
    return Interleaved({name: np.array([times[name] for times in kept]) for name in jobs}, void)


def plan_rounds(costs: Mapping[Case, float], budget_seconds: float, min_rounds: int = MIN_PAIRS) -> dict[Case, int]:
    """Share a time budget among the cases of a grid.

    The cheapest cases come first, each with the fewest rounds that give an interval; what is then left is shared
    equally. A case that does not fit is not in the plan.

    Parameters
    ----------
    costs
        Case -> expected seconds of one round.
    budget_seconds
        For all rounds of all cases.
    min_rounds
        Fewer than this are not worth measuring.

    Returns
    -------
    dict
        Case -> rounds, between ``min_rounds`` and :data:`MAX_ROUNDS`.
    """
    plan: dict[Case, int] = {}
    left = budget_seconds
    for case in sorted(costs, key=lambda case: costs[case]):
        if min_rounds * costs[case] <= left:
            plan[case] = min_rounds
            left -= min_rounds * costs[case]
    for index, case in enumerate(sorted(plan, key=lambda case: costs[case])):
        share = left / (len(plan) - index)
        more = min(int(share / costs[case]), MAX_ROUNDS - min_rounds)
        plan[case] += more
        left -= more * costs[case]
    return plan


def measure_grid(
    variants: Sequence[str],
    widths: Sequence[int] = WIDTHS,
    iterations: Sequence[int] = ITERATIONS,
    budget_seconds: float = 60.0,
    *,
    features: str = "article",
    dtype: DTypeLike = np.float64,
    learning_rate: float = 0.01,
    progress: Callable[[float, str], object] = lambda *_: None,
    clock: Clock = time.perf_counter,
) -> pd.DataFrame:
    """Time whole training calls of several variants and of the reference, interleaved, over a grid of sizes.

    Parameters
    ----------
    variants
        Names in ``fastsym.VARIANTS``, or ``"fast"``; the reference is added if it is not among them.
    widths, iterations
        The grid: every H with every T, at least 1 each.
    budget_seconds
        For all rounds together, rests included; the compilation and one trial call per variant and width come on top.
    features
        Feature set of the data.
    dtype
        float64 or float32.
    learning_rate
        Step size.
    progress
        Called with the fraction done and the name of what comes next.
    clock
        Returns seconds.

    Returns
    -------
    pandas.DataFrame
        :data:`fastsym.timing.saved_runs.COLUMNS`, then ``speedup``, ``speedup_low``, ``speedup_high`` (over the
        reference, with a 95 % interval) and ``ratios`` (a tuple, one number a round). Cases that did not fit the
        budget are not in it; ``attrs["left_out"]`` lists them.
    """
    real = np.dtype(dtype)
    data = load_titanic(features)
    X, y = data.X.astype(real), data.y.astype(real)
    names = list(dict.fromkeys([BASELINE, *variants]))

    threads: dict[tuple[str, int, int], int] = {}

    def job(name: str, hidden: int, count: int) -> Job:
        params = initialise("normal", len(X), hidden, dtype=real)

        def run() -> None:
            threads[name, hidden, count] = train(X, y, params, count, learning_rate, name).threads

        return run

    costs: dict[Case, float] = {}
    resting: dict[int, list[str]] = {}
    for index, hidden in enumerate(widths):
        progress(0.2 * index / len(widths), f"compiling and trying H = {hidden}")
        trials = {name: job(name, hidden, TRIAL_ITERATIONS) for name in names}
        for trial in trials.values():
            trial()
        resting[hidden] = [name for name in names if name == "fast" or threads[name, hidden, TRIAL_ITERATIONS] > 1]
        trial_seconds = sum(float(seconds[0]) for seconds in interleave(trials, 1, clock).seconds.values())
        rest_seconds = REST_SECONDS / 2 if resting[hidden] else 0.0  # as they come last, they rest in every other round
        costs |= {(hidden, count): rest_seconds + trial_seconds * count / TRIAL_ITERATIONS for count in iterations}

    plan = plan_rounds(costs, budget_seconds)
    machine = machine_name(describe_machine())
    rows = []
    for index, ((hidden, count), rounds) in enumerate(sorted(plan.items())):
        progress(0.2 + 0.8 * index / len(plan), f"timing H = {hidden}, T = {count}")
        order = sorted(names, key=resting[hidden].__contains__)
        jobs = {name: job(name, hidden, count) for name in order}
        seconds = interleave(jobs, rounds, clock, resting[hidden]).seconds
        for name in names:
            median = float(np.median(seconds[name]))
            speedup = paired_ratio(seconds[BASELINE], seconds[name])
            used = threads[name, hidden, count]
            values = (name, hidden, count, real.name, used, median, median / count, rounds, machine)
            rows.append(
                dict(zip(COLUMNS, values, strict=True))
                | {"speedup": speedup.ratio, "speedup_low": speedup.low, "speedup_high": speedup.high}
                | {"ratios": tuple((seconds[BASELINE] / seconds[name]).tolist())}
            )
    table = pd.DataFrame(rows, columns=[*COLUMNS, "speedup", "speedup_low", "speedup_high", "ratios"])
    table.attrs["left_out"] = sorted(set(costs) - set(plan))
    return table
