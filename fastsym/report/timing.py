"""What the report times: the grid, the roof, starts in fresh processes, and a wide net of equal units as one unit.

Beside :mod:`fastsym.report.collect` the only file of the report that trains anything.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import nan
from typing import Any

import numpy as np
import pandas as pd

from fastsym._console import Tell
from fastsym.agreement import Certificate
from fastsym.experiments.symmetry import quotient, unit_classes
from fastsym.model.datasets import Dataset, load_titanic
from fastsym.model.initialise import initialise
from fastsym.model.params import Array, Params
from fastsym.report.results import Measured, QuotientRun, Settings
from fastsym.report.speedups import own, quickest, speedups
from fastsym.timing.interleave import interleave, measure_grid
from fastsym.timing.roofline import fewest_operations, measure_roofline
from fastsym.timing.startup import ProcessTimes, Startup, measure_startup, time_fresh_process
from fastsym.timing.stats import paired_ratio
from fastsym.training.train import train

LEARNING_RATE = 0.01
LONG_SHARE = 0.55
"""Part of the benchmark's time for long trainings of the quickest variant and the reference alone."""
COPIES = 3
"""How many times the table's features are stacked, to see what a feature costs."""
STACKED_CELLS = ((4, 30), (16, 30))
LONG_CELLS = ((4, 1000), (64, 200), (1024, 20))
"""Without the slow variants, so that what threads are worth shows: starting them takes as long as many iterations."""
QUICK = 2.0
"""Times as fast as the reference that a variant must be to be timed in them."""
EXTRA_ROUNDS = 6
QUOTIENT_ITERATIONS = 3000
QUOTIENT_LEARNING_RATE = 0.1
QUOTIENT_ROUNDS = 15
CHECKED_WIDTH, CHECKED_ITERATIONS = 1024, 1000


def measure(settings: Settings, certificates: Sequence[Certificate], tell: Tell) -> tuple[pd.DataFrame, Measured]:
    """Time every variant whose float64 certificate passes, and find what bounds and delays it.

    Parameters
    ----------
    settings
        Which widths and iteration counts, and how long.
    certificates
        Of all variants.
    tell
        Called with the fraction done and what is running.

    Returns
    -------
    tuple
        Timings with the columns of :data:`fastsym.timing.saved_runs.COLUMNS` and more; and the rest.
    """
    names = [c.variant for c in certificates if c.passed and c.dtype == "float64"]
    data = load_titanic()
    D, M = data.X.shape
    timings = _grid(names, settings, lambda fraction, doing: tell(0.6 * fraction, doing))
    tell(0.6, "timing another number of features, and longer trainings")
    more = _more(names, _quick(timings), data) if names else pd.DataFrame()
    tell(0.7, "the roof")
    roof = measure_roofline()
    widths = sorted(timings["hidden"].unique())
    bounds = [roof.seconds(fewest_operations(D, int(hidden), M)) for hidden in widths]
    tell(0.75, "starts in fresh processes")
    return timings, Measured(
        D=D,
        M=M,
        more=more,
        roof=roof,
        bounds=pd.DataFrame({"hidden": widths, "seconds_per_iteration": bounds}),
        startups=tuple(_startups(names, settings)),
    )


def _grid(names: Sequence[str], settings: Settings, tell: Callable[[float, str], object]) -> pd.DataFrame:
    """Time all variants as far as the time allows, then the quickest one and the reference in longer trainings."""
    share = 1 - LONG_SHARE
    seconds = settings.benchmark_seconds
    timings = measure_grid(
        names,
        settings.widths,
        settings.iterations,
        share * seconds,
        progress=lambda fraction, doing: tell(share * fraction, doing),
    )
    left = set(timings.attrs["left_out"])
    candidates = own(speedups(timings))
    if not left or candidates.empty:
        return timings
    best = candidates.loc[candidates["label"] == quickest(candidates), "variant"].iloc[0]
    longer = measure_grid(
        [best],
        sorted({hidden for hidden, _ in left}),
        sorted({count for _, count in left}),
        LONG_SHARE * seconds,
        progress=lambda fraction, doing: tell(share + LONG_SHARE * fraction, doing),
    )
    cells = pd.MultiIndex.from_frame(longer[["hidden", "iterations"]])
    both = pd.concat([timings, longer[cells.isin(left)]], ignore_index=True)
    both.attrs["left_out"] = sorted(left - set(cells))
    return both


def _quick(timings: pd.DataFrame) -> list[str]:
    """Names of our own variants that are much faster than the reference somewhere."""
    candidates = own(speedups(timings))
    speed = candidates.groupby("variant", sort=False)["over_reference"].max()
    return [str(name) for name in speed.index[speed > QUICK]]


def _more(names: Sequence[str], quick: Sequence[str], data: Dataset) -> pd.DataFrame:
    """Time trainings on the table's features several times over, and longer ones of the quick variants."""
    rows = []
    jobs_of = [(COPIES, names, cell) for cell in STACKED_CELLS] + [(1, quick, cell) for cell in LONG_CELLS if quick]
    for copies, who, (hidden, iterations) in jobs_of:
        X = np.tile(data.X, (copies, 1))
        params = initialise("normal", len(X), hidden)
        jobs = {name: partial(train, X, data.y, params, iterations, LEARNING_RATE, name) for name in who}
        threads = {name: job().threads for name, job in jobs.items()}
        seconds = interleave(jobs, EXTRA_ROUNDS).seconds
        rows += [(name, hidden, iterations, threads[name], len(X), float(np.median(seconds[name]))) for name in who]
    return pd.DataFrame(rows, columns=["variant", "hidden", "iterations", "threads", "features", "seconds"])


def _startups(names: Sequence[str], settings: Settings) -> list[Startup]:
    """Measure what comes before the first iteration: compilation and load, or in one process the load alone."""
    chosen = [name for name in settings.startups if name in names]
    if settings.is_full:
        return [measure_startup(name) for name in chosen]
    return [start_of(name, time_fresh_process(name, None)) for name in chosen]


def start_of(variant: str, times: ProcessTimes) -> Startup:
    """Say what one process shows: the load from the cache, or the compilation if it had to compile; NaN the other."""
    start = max(0.0, times.first_seconds - times.steady_seconds)
    compiled = times.compiling_seconds > 0
    return Startup(
        variant,
        compile_seconds=start if compiled else nan,
        cache_load_seconds=nan if compiled else start,
        first_call_seconds=times.import_fastsym_seconds + times.first_seconds,
        steady_seconds=times.steady_seconds,
        import_numba_seconds=times.import_numba_seconds,
        import_fastsym_seconds=times.import_fastsym_seconds,
    )


def run_quotient(data: Dataset, width: int) -> QuotientRun:
    """Train a wide net of equal units as one unit, in turns with a net that has just one.

    Parameters
    ----------
    data
        The table.
    width
        H of the wide net.

    Returns
    -------
    QuotientRun
    """

    def start(hidden: int) -> Params:
        # Scaled so that the output begins alike at every width.
        return _network(initialise("constant", len(data.X), hidden, 0.1 / np.sqrt(hidden)))

    def run(hidden: int, iterations: int) -> Any:
        small = quotient(start(hidden))
        counts = small.multiplicity
        arguments = (data.X, data.y, small.params, iterations, QUOTIENT_LEARNING_RATE)
        return partial(train, *arguments, variant="simd", multiplicity=counts)

    wide_run, narrow_run = run(width, QUOTIENT_ITERATIONS), run(1, QUOTIENT_ITERATIONS)
    costs: Array = wide_run().costs
    narrow_run()
    seconds = interleave({"narrow": narrow_run, "wide": wide_run}, QUOTIENT_ROUNDS).seconds
    checked = (data.X, data.y, start(CHECKED_WIDTH), CHECKED_ITERATIONS, QUOTIENT_LEARNING_RATE)
    wide = train(*checked)
    return QuotientRun(
        width,
        costs,
        CHECKED_WIDTH,
        run(CHECKED_WIDTH, CHECKED_ITERATIONS)().costs,
        wide.costs,
        len(np.unique(unit_classes(_network(wide.params)))),
        paired_ratio(seconds["narrow"], seconds["wide"]),
        float(np.median(seconds["wide"])),
    )


def _network(params: object) -> Params:
    """Narrow a type: all networks here have a hidden layer."""
    assert isinstance(params, Params)
    return params
