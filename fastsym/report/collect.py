"""The report's door: trains, certifies and measures, and gives what came out. The only file of the report that does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fastsym import article, published
from fastsym.agreement import Certificate, certify
from fastsym.data import load_titanic
from fastsym.measure import describe_machine, measure_grid
from fastsym.records import read_benchmark_json
from fastsym.report.progress import Tell
from fastsym.variants import VARIANTS

DTYPES = ("float64", "float32")
PATH_STARTS = ("zeros", "constant", "normal")


@dataclass(frozen=True)
class Settings:
    """What to run."""

    seed: int = 0
    """Seed of the first random start."""
    seeds: int = 30
    """How many random starts case 2 is repeated from."""
    widths: tuple[int, ...] = (1, 4, 16, 64, 256, 1024)
    iterations: tuple[int, ...] = (1, 10, 100, 1000, 3000)
    benchmark_seconds: float = 22.0
    benchmark_json: Path | None = None
    """A saved pytest-benchmark run to show instead of measuring."""


@dataclass(frozen=True)
class Results:
    """Everything the sections read."""

    settings: Settings
    made: datetime
    machine: Mapping[str, Any]
    layer_cases: tuple[article.LayerCase, ...]
    """Case 0 from both starts, with and without PassengerId."""
    tables: tuple[article.NetworkTable, ...]
    curves: tuple[article.NetworkCurve, ...]
    """Case 1, then case 2 from each seed."""
    comparisons: tuple[published.Comparison, ...]
    paths: tuple[article.UnitPaths, ...]
    certificates: tuple[Certificate, ...]
    """One a variant and data type."""
    timings: pd.DataFrame
    """One row a variant, width and iteration count; certified variants only."""
    untimed: tuple[str, ...]
    """Variants left out of the timings because their certificate failed or there is none."""
    left_out: tuple[tuple[int, int], ...]
    """Width and iteration count of the cells that did not fit into the time for the benchmark."""
    survival_rate: float
    """Mean label of the cleaned table."""


def collect(settings: Settings, tell: Tell) -> Results:
    """Run the article, certify every variant and measure those that are right.

    Parameters
    ----------
    settings
        What to run.
    tell
        Called with the fraction done and what is running.

    Returns
    -------
    Results

    Raises
    ------
    ValueError
        If the saved benchmark run cannot be read; raised before any work is done.
    """
    saved = None if settings.benchmark_json is None else read_benchmark_json(settings.benchmark_json)
    tell(0.0, "article: cases 0, 1 and 2")
    tables = tuple(article.tabulate_case(case, seed=settings.seed) for case in article.STARTS)
    curves = (
        article.train_case(1, variant="fast"),
        *(article.train_case(2, seed=settings.seed + i, variant="fast") for i in range(settings.seeds)),
    )
    finals = {case: [curve.summed_costs[-1] for curve in curves if curve.case == case] for case in article.STARTS}
    layer_cases = tuple(
        article.train_layer_case(start, features, settings.seed)
        for features in ("article", "no_id")
        for start in ("zeros", "normal")
    )
    paths = tuple(article.follow_units(start, settings.seed, variant="fast") for start in PATH_STARTS)
    certificates = []
    pairs = [(name, dtype) for name in VARIANTS for dtype in DTYPES]
    for i, (name, dtype) in enumerate(pairs):
        tell(0.1 + 0.4 * i / len(pairs), f"agreement: {name}, {dtype}")
        certificates.append(certify(name, np.dtype(dtype)))
    right = [(c.variant, c.dtype) for c in certificates if c.passed]
    if saved is None:
        names = [name for name in VARIANTS if (name, "float64") in right]
        timings = measure_grid(
            names,
            settings.widths,
            settings.iterations,
            settings.benchmark_seconds,
            progress=lambda fraction, doing: tell(0.5 + 0.5 * fraction, f"benchmark: {doing}"),
        )
    else:
        # Peers of a saved run were checked against the reference when it was made; our own must pass now.
        own = pd.MultiIndex.from_frame(saved[["variant", "dtype"]]).isin(right)
        timings = saved[(saved["kind"] == "peer") | own]
    untimed = set(VARIANTS if saved is None else saved["variant"]) - set(timings["variant"])
    return Results(
        settings,
        datetime.now(UTC),
        describe_machine(),
        layer_cases,
        tables,
        curves,
        published.compare(tables[0].summed_costs, finals),
        paths,
        tuple(certificates),
        timings.reset_index(drop=True),
        tuple(sorted(untimed)),
        tuple(timings.attrs.get("left_out", ())),
        float(load_titanic().y.mean()),
    )
