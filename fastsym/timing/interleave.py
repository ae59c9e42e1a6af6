"""Times of whole training calls, taken in turns so that a noisy machine treats all sides alike.

A comparison is a ratio of times from one round of one session (:mod:`fastsym.timing.stats`); the times themselves are
shown, never judged. A sample during which Numba compiled anything, or loaded it from its cache, is void.
"""

import os
import platform
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pandas as pd
from numba.core.event import install_timer
from numpy.typing import DTypeLike

from fastsym.model.datasets import load_titanic
from fastsym.model.initialise import initialise
from fastsym.timing.saved_runs import COLUMNS, machine_name
from fastsym.timing.stats import MIN_PAIRS, Floats, paired_ratio
from fastsym.training.train import Training, train

Clock = Callable[[], float]
Job = Callable[[], object]
Cell = tuple[int, int]
"""Hidden width and number of iterations."""

WIDTHS = (1, 4, 16, 64, 256, 1024)
ITERATIONS = (1, 10, 100, 1000, 3000)
MAX_ROUNDS = 30
MAX_VOID_ROUNDS = 3
TRIAL_ITERATIONS = 10
BASELINE = "reference"
REST_SECONDS = 0.15
"""OpenBLAS keeps its threads busy for 0.08 to 0.15 s after a call (measured with OpenBLAS 0.3.31); whoever computes on
several threads meanwhile shares the processors with them, and took up to twice as long."""
THROUGH_BLAS = (BASELINE, "numpy")


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
    """Times of jobs that took turns."""

    seconds: dict[str, Floats]
    """Name -> (rounds,) seconds; entry i of all was measured in round i."""
    void_rounds: int
    """Rounds that were repeated because Numba compiled or loaded something in them."""


def interleave(
    jobs: Mapping[str, Job], rounds: int, clock: Clock = time.perf_counter, resting: Collection[str] = ()
) -> Interleaved:
    """Time jobs in turns, every other round in reverse: A B C, C B A, A B C, ...

    Parameters
    ----------
    jobs
        Name -> function without arguments. Call each once before, so that everything is compiled.
    rounds
        How often to time each, at least 1.
    clock
        Returns seconds.
    resting
        Names of jobs before whose turns :data:`REST_SECONDS` pass: those on several threads, beside others that
        use a BLAS.

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
    while len(kept) < rounds:
        times: dict[str, float] = {}
        with numba_seconds("numba:compiler_lock") as compiling:
            for name in sorted(jobs, key=list(jobs).index, reverse=len(kept) % 2 == 1):
                job = jobs[name]
                if name in resting:
                    time.sleep(REST_SECONDS)
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


def plan_rounds(costs: Mapping[Cell, float], budget_seconds: float, min_rounds: int = MIN_PAIRS) -> dict[Cell, int]:
    """Share a time budget among the cells of a grid.

    The cheapest cells come first, each with the fewest rounds that give an interval; what is then left is shared
    equally. A cell that does not fit is not in the plan.

    Parameters
    ----------
    costs
        Cell -> expected seconds of one round.
    budget_seconds
        For all rounds of all cells.
    min_rounds
        Fewer than this are not worth measuring.

    Returns
    -------
    dict
        Cell -> rounds, between ``min_rounds`` and :data:`MAX_ROUNDS`.
    """
    plan: dict[Cell, int] = {}
    left = budget_seconds
    for cell in sorted(costs, key=lambda cell: costs[cell]):
        if min_rounds * costs[cell] <= left:
            plan[cell] = min_rounds
            left -= min_rounds * costs[cell]
    for index, cell in enumerate(sorted(plan, key=lambda cell: costs[cell])):
        share = left / (len(plan) - index)
        more = min(int(share / costs[cell]), MAX_ROUNDS - min_rounds)
        plan[cell] += more
        left -= more * costs[cell]
    return plan


def _turns(
    jobs: Mapping[str, Job], several: Collection[str], rounds: int, clock: Clock
) -> tuple[dict[str, Floats], dict[str, tuple[Floats, Floats]]]:
    """Time jobs, of which some use several threads, without those of the reference's BLAS in their way.

    Those take turns of their own with the quickest of the others that need no BLAS. Over the reference they are then as
    many times as fast as the product of two ratios, each of one session.

    Returns
    -------
    seconds, paired
        Of each job its times, and two arrays whose ratio, round by round, is that over the reference.
    """
    alone = [name for name in jobs if name not in several]
    if not several or set(alone) <= set(THROUGH_BLAS):
        seconds = interleave(jobs, rounds, clock).seconds
        return seconds, {name: (seconds[BASELINE], seconds[name]) for name in jobs}
    seconds = interleave({name: jobs[name] for name in alone}, rounds, clock).seconds
    between = min((name for name in alone if name not in THROUGH_BLAS), key=lambda name: np.median(seconds[name]))
    time.sleep(REST_SECONDS)
    apart = interleave({name: jobs[name] for name in (between, *several)}, rounds, clock).seconds
    paired = {name: (seconds[BASELINE], seconds[name]) for name in alone}
    paired |= {name: (seconds[BASELINE] * apart[between], seconds[between] * apart[name]) for name in several}
    return seconds | {name: apart[name] for name in several}, paired


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
    """Time whole training calls of several variants and of the reference, in turns, over a grid of sizes.

    Parameters
    ----------
    variants
        Names in ``fastsym.VARIANTS``, or ``"fast"``; the reference is added if it is not among them.
    widths, iterations
        The grid: every H with every T, at least 1 each.
    budget_seconds
        For all timed calls together; the compilation and one trial call per variant and width come on top.
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
        reference, with a 95 % interval) and ``ratios`` (a tuple, one number a round). Cells that did not fit the
        budget are not in it; ``attrs["left_out"]`` lists them.
    """
    real = np.dtype(dtype)
    data = load_titanic(features)
    X, y = data.X.astype(real), data.y.astype(real)
    names = list(dict.fromkeys([BASELINE, *variants]))

    def job(name: str, hidden: int, count: int) -> Callable[[], Training]:
        params = initialise("normal", len(X), hidden, dtype=real)
        return partial(train, X, y, params, count, learning_rate, name)

    costs: dict[Cell, float] = {}
    threads: dict[tuple[str, int], int] = {}
    for index, hidden in enumerate(widths):
        progress(0.2 * index / len(widths), f"compiling and trying H = {hidden}")
        trials = {name: job(name, hidden, TRIAL_ITERATIONS) for name in names}
        threads |= {(name, hidden): trial().threads for name, trial in trials.items()}
        trial_seconds = sum(float(seconds[0]) for seconds in interleave(trials, 1, clock).seconds.values())
        costs |= {(hidden, count): trial_seconds * count / TRIAL_ITERATIONS for count in iterations}

    plan = plan_rounds(costs, budget_seconds)
    machine = machine_name(describe_machine())
    rows = []
    for index, ((hidden, count), rounds) in enumerate(sorted(plan.items())):
        progress(0.2 + 0.8 * index / len(plan), f"timing H = {hidden}, T = {count}")
        several = [name for name in names if threads[name, hidden] > 1]
        seconds, paired = _turns({name: job(name, hidden, count) for name in names}, several, rounds, clock)
        for name in names:
            median = float(np.median(seconds[name]))
            speedup = paired_ratio(*paired[name])
            values = (name, hidden, count, real.name, threads[name, hidden], median, median / count, rounds, machine)
            rows.append(
                dict(zip(COLUMNS, values, strict=True))
                | {"speedup": speedup.ratio, "speedup_low": speedup.low, "speedup_high": speedup.high}
                | {"ratios": tuple((paired[name][0] / paired[name][1]).tolist())}
            )
    table = pd.DataFrame(rows, columns=[*COLUMNS, "speedup", "speedup_low", "speedup_high", "ratios"])
    table.attrs["left_out"] = sorted(set(costs) - set(plan))
    return table


def describe_machine() -> dict[str, Any]:
    """Describe where something was measured, as far as it changes times.

    Returns
    -------
    dict
        Ready for JSON: ``cpu``, ``target`` (what LLVM compiles for), ``cores`` this process may use, ``system``,
        ``blas`` with its kernels and threads, ``threads`` of Numba, ``versions``, and the ``revision`` of the checkout
        (``None`` outside one).
    """
    import cpuinfo
    import llvmlite.binding
    from threadpoolctl import threadpool_info

    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    pools.sort(key=lambda pool: "numpy" not in pool["filepath"])  # SciPy may have loaded one of its own
    blas = (f"{p['internal_api']} {p['version']} ({p.get('architecture')}, {p['num_threads']} threads)" for p in pools)
    return {
        "cpu": cpuinfo.get_cpu_info().get("brand_raw") or platform.processor() or platform.machine(),
        "target": llvmlite.binding.get_host_cpu_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "system": platform.platform(terse=True),
        "blas": next(blas, "unknown"),
        "threads": numba.get_num_threads(),
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("numpy", "numba", "llvmlite")},
        "revision": _revision(Path(__file__)),
    }


def _revision(file: Path) -> str | None:
    """Commit of the checkout that ``file`` is tracked in, with ``-dirty`` if anything differs from it."""
    git = ["git", "-C", str(file.parent)]
    try:
        subprocess.run([*git, "ls-files", "--error-unmatch", file.name], check=True, capture_output=True)
        described = subprocess.run(
            [*git, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            check=True,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError):  # no git here, or not in a checkout
        return None
    return described.stdout.strip()
