"""What a variant costs before its first iteration: import, compilation, loading from the cache.

Each number comes from a fresh process, because a process compiles only once. Break-even iterations follow: how long a
training must be before the faster variant has earned its start.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pandas as pd

STEADY_CALLS = 5

_PROCESS = """
import json, sys, time
clock = time.perf_counter
variant, hidden, iterations, calls = sys.argv[1], *map(int, sys.argv[2:])
start = clock()
import numba
import_numba = clock() - start
from numba.core.event import install_timer
compiling_import, compiling_call = [], []
with install_timer("numba:compile", compiling_import.append):
    start = clock()
    from fastsym import initialise, load_titanic, train
    import_fastsym = clock() - start
data = load_titanic()
params = initialise("normal", len(data.X), hidden)
times = []
with install_timer("numba:compile", compiling_call.append):
    for _ in range(1 + calls):
        start = clock()
        train(data.X, data.y, params, iterations, 0.01, variant)
        times.append(clock() - start)
json.dump({
    "import_numba_seconds": import_numba, "import_fastsym_seconds": import_fastsym, "first_seconds": times[0],
    "steady_seconds": sorted(times[1:])[calls // 2], "compiling_seconds": sum(compiling_import + compiling_call),
    "import_compiles": bool(compiling_import),
}, sys.stdout)
"""


@dataclass(frozen=True)
class ProcessTimes:
    """Times of one fresh process."""

    import_numba_seconds: float
    import_fastsym_seconds: float
    """Beyond Numba's import, which came first."""
    first_seconds: float
    """First training call."""
    steady_seconds: float
    """Median of the training calls after it."""
    compiling_seconds: float
    """Part of it all that Numba spent compiling; 0 if everything came from the cache."""
    import_compiles: bool
    """Whether the import alone compiled something."""


@dataclass(frozen=True)
class Startup:
    """What one variant costs before its first iteration."""

    variant: str
    compile_seconds: float
    """What the first call takes longer than a steady one if nothing is in the cache."""
    cache_load_seconds: float
    """What the first call takes longer than a steady one if everything is in the cache."""
    first_call_seconds: float
    """From a loaded Numba to the end of the first training: fastsym's import and the first call, from the cache."""
    steady_seconds: float
    """A training call after the first."""
    import_numba_seconds: float
    import_fastsym_seconds: float
    """Beyond Numba's import."""


def time_fresh_process(variant: str, cache_dir: Path | None, hidden: int = 4, iterations: int = 10) -> ProcessTimes:
    """Import fastsym and train in a new process.

    Parameters
    ----------
    variant
        ``"fast"`` or a name in ``fastsym.VARIANTS``.
    cache_dir
        Numba's cache in that process, empty or not; None for the one that this process uses.
    hidden, iterations
        H and T of each training call, on the raw article features.

    Returns
    -------
    ProcessTimes

    Raises
    ------
    RuntimeError
        If the process fails; the message holds what it printed.
    """
    root = Path(__file__).parents[2]  # the folder or zip file that holds this very package
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    if cache_dir is not None:
        environment["NUMBA_CACHE_DIR"] = str(cache_dir)
    arguments = [variant, str(hidden), str(iterations), str(STEADY_CALLS)]
    done = subprocess.run(
        [sys.executable, "-P", "-c", _PROCESS, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(
            f"variant {variant!r} in a fresh process: expected times; got exit {done.returncode}:\n{done.stderr}"
        )
    return ProcessTimes(**json.loads(done.stdout))


def summarise(variant: str, cold: ProcessTimes, warm: Sequence[ProcessTimes]) -> Startup:
    """Combine a process that found an empty cache with several that found a full one.

    Raises
    ------
    RuntimeError
        If a process with a full cache compiled: its times then are no cache load.
    """
    compiling = [times.compiling_seconds for times in warm]
    if any(compiling):
        raise RuntimeError(
            f"variant {variant!r}: expected everything in the cache; got {max(compiling):.2f} s of compiling; "
            "its kernels do not cache on disk"
        )
    steady = median([times.steady_seconds for times in warm])
    first = median([times.first_seconds for times in warm])
    imported = median([times.import_fastsym_seconds for times in warm])
    return Startup(
        variant=variant,
        compile_seconds=max(0.0, cold.first_seconds - steady),
        cache_load_seconds=max(0.0, first - steady),
        first_call_seconds=imported + first,
        steady_seconds=steady,
        import_numba_seconds=median([times.import_numba_seconds for times in warm]),
        import_fastsym_seconds=imported,
    )


def measure_startup(variant: str = "fast", hidden: int = 4, iterations: int = 10, processes: int = 3) -> Startup:
    """Measure what a variant costs before its first iteration.

    Parameters
    ----------
    variant, hidden, iterations
        As for :func:`time_fresh_process`.
    processes
        How many processes with a full cache; one with an empty cache comes before them.

    Returns
    -------
    Startup

    Raises
    ------
    RuntimeError
        If a process fails, or compiles although the cache is full.
    """
    with tempfile.TemporaryDirectory() as folder:
        cold, *warm = (time_fresh_process(variant, Path(folder), hidden, iterations) for _ in range(1 + processes))
    return summarise(variant, cold, warm)


def break_even_iterations(
    startup_seconds: float, baseline_seconds_per_iteration: float, seconds_per_iteration: float
) -> float:
    """Count the iterations after which a variant with a slow start has overtaken a baseline without one.

    Parameters
    ----------
    startup_seconds
        What the variant spends before its first iteration, and the baseline does not.
    baseline_seconds_per_iteration, seconds_per_iteration
        Of the baseline and of the variant.

    Returns
    -------
    float
        Infinity if the variant is not the faster.
    """
    saved = baseline_seconds_per_iteration - seconds_per_iteration
    return startup_seconds / saved if saved > 0 else float("inf")


def break_even_table(grid: pd.DataFrame, startups: Mapping[str, Startup], baseline: str = "reference") -> pd.DataFrame:
    """Break-even iterations over the baseline for each variant and width.

    Parameters
    ----------
    grid
        A table with the columns of :data:`fastsym.timing.saved_runs.COLUMNS`; of each width the longest training
        that both the variant and the baseline did counts.
    startups
        Variant -> its :class:`Startup`.
    baseline
        Variant that needs neither Numba nor fastsym, and so no start.

    Returns
    -------
    pandas.DataFrame
        Columns variant, hidden, after_compile, after_cache_load (iterations).
    """
    keys = ["hidden", "iterations"]
    times = grid[["variant", *keys, "seconds_per_iteration"]]
    pairs = times.merge(times[times["variant"] == baseline], on=keys, suffixes=("", "_baseline"))
    longest = pairs.sort_values("iterations").groupby(["variant", "hidden"], sort=False).last().sort_index()
    rows = []
    for name, startup in startups.items():
        imports = startup.import_numba_seconds + startup.import_fastsym_seconds
        for hidden, pair in longest.loc[name].iterrows():
            pace = float(pair["seconds_per_iteration_baseline"]), float(pair["seconds_per_iteration"])
            rows.append(
                {
                    "variant": name,
                    "hidden": hidden,
                    "after_compile": break_even_iterations(imports + startup.compile_seconds, *pace),
                    "after_cache_load": break_even_iterations(imports + startup.cache_load_seconds, *pace),
                }
            )
    return pd.DataFrame(rows, columns=["variant", "hidden", "after_compile", "after_cache_load"])
