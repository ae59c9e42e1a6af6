"""What the report reads: settings, and everything that :mod:`fastsym.report.collect` found out. Types only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from fastsym.agreement import Certificate
from fastsym.agreement.divergence import Band
from fastsym.experiments.article import LayerCase, NetworkCurve, NetworkTable, UnitPaths
from fastsym.experiments.breaking import Break, Line
from fastsym.experiments.claims import QUICK_SEEDS, SEEDS, Verdict
from fastsym.experiments.published import Comparison
from fastsym.experiments.rounding import CORE_TYPES, QUICK_CORE_TYPES, QUICK_WIDTHS, WIDTHS, Rounding
from fastsym.experiments.snapshots import WatchedRun
from fastsym.model.datasets import Dataset
from fastsym.model.params import Array
from fastsym.timing.roofline import Roofline
from fastsym.timing.startup import Startup
from fastsym.timing.stats import Ratio


@dataclass(frozen=True)
class Settings:
    """What to run."""

    seed: int = 0
    """Seed of the first random start."""
    seeds: int = 30
    """How many random starts case 2 is repeated from."""
    widths: tuple[int, ...] = (1, 4, 16, 64, 256, 1024)
    iterations: tuple[int, ...] = (1, 10, 100, 1000, 3000)
    benchmark_seconds: float = 20.0
    startups: tuple[str, ...] = ("fused", "simd")
    """Variants whose start in a fresh process is timed."""
    benchmark_json: Path | None = None
    """A saved pytest-benchmark run to show instead of measuring."""
    claim_seeds: int = QUICK_SEEDS
    rounding_widths: tuple[int, ...] = QUICK_WIDTHS
    core_types: tuple[str, ...] = QUICK_CORE_TYPES
    rounding_dtypes: tuple[str, ...] = ("float64",)
    """Float types of our kernels in the rounding experiment."""
    mutant_dtypes: tuple[str, ...] = ("float64",)
    path_iterations: int = 3000
    """How far every variant's path is compared with the reference's."""
    quotient_width: int = 1_000_000
    is_full: bool = False


def full(settings: Settings) -> Settings:
    """Return the same settings with whole grids instead of reduced ones; takes minutes."""
    return Settings(
        seed=settings.seed,
        benchmark_seconds=180.0,
        startups=("loops", "fused", "simd", "parallel"),
        benchmark_json=settings.benchmark_json,
        claim_seeds=SEEDS,
        rounding_widths=WIDTHS,
        core_types=CORE_TYPES,
        rounding_dtypes=("float64", "float32"),
        mutant_dtypes=("float64", "float32"),
        is_full=True,
    )


@dataclass(frozen=True)
class OwnTable:
    """A user's table in place of the Titanic one."""

    name: str
    """Of its file."""
    target: str
    data: Dataset


@dataclass(frozen=True)
class QuotientRun:
    """A wide net with equal units, trained as one unit."""

    width: int
    costs: Array
    """(T,) of the quotient, mean nats per sample."""
    checked_width: int
    """A width at which the wide net itself was trained, too."""
    checked_costs: Array
    """(T',) of its quotient."""
    wide_costs: Array
    """(T',) of all its units."""
    wide_classes: int
    """Number of classes of bitwise equal units in it at the end."""
    ratio: Ratio
    """Time of a net of width 1 over time of the wide net's quotient, in turns."""
    seconds: float
    """Median time of training the quotient."""


@dataclass(frozen=True)
class Measured:
    """What was measured beside the grid of timings, in the same session."""

    D: int
    """Features of the table that was trained on; M its samples."""
    M: int
    more: pd.DataFrame
    """Timings with more features, and longer ones of the quick variants, for the scaling law alone: columns variant,
    hidden, iterations, threads, features, seconds. May be empty."""
    roof: Roofline | None
    """None if the timings are of another session."""
    bounds: pd.DataFrame
    """The roof's: columns hidden, seconds_per_iteration (of one core). Empty without it."""
    startups: tuple[Startup, ...]
    """NaN is what was not measured."""


@dataclass(frozen=True)
class Results:
    """Everything the sections read."""

    settings: Settings
    made: datetime
    machine: Mapping[str, Any]
    own: OwnTable | None
    """None for the Titanic table."""
    layer_cases: tuple[LayerCase, ...]
    """Case 0 from both starts, with and without PassengerId; none for a user's table, as for the next two."""
    tables: tuple[NetworkTable, ...]
    comparisons: tuple[Comparison, ...]
    curves: tuple[NetworkCurve, ...]
    """Case 1, then case 2 from each seed."""
    paths: tuple[UnitPaths, ...]
    watched: tuple[WatchedRun, ...]
    """For the figure that the reader steps through."""
    verdicts: tuple[Verdict, ...]
    """By table, then by claim."""
    claim_curves: pd.DataFrame
    """What the claims were judged by. Columns figure, features, series, iteration, low, middle, high: 10, 50 and 90 %
    of the seeds."""
    rounding: Rounding
    breaks: tuple[Break, ...]
    lines: Mapping[str, Line]
    """Float type -> line through the times to break of the zero start; without those where too few broke."""
    quotient: QuotientRun
    certificates: tuple[Certificate, ...]
    """One a variant and data type."""
    killed: Mapping[str, tuple[int, int]]
    """Float type -> how many deliberately broken programs were rejected, of how many."""
    bands: tuple[Band, ...]
    divergences: Mapping[tuple[str, int], Array]
    """Variant and width -> distance from the reference's path, at the band's iterations."""
    timings: pd.DataFrame
    """One row a variant, width and iteration count; certified variants only."""
    untimed: tuple[str, ...]
    """Variants left out of the timings because their certificate failed or there is none."""
    measured: Measured | None
    """None for a user's table."""
    left_out: tuple[tuple[int, int], ...]
    """Width and iteration count of the cells that did not fit into the time for the benchmark."""
    label_mean: float
    """Share of the label 1."""
    peers: pd.DataFrame | None
    """As from :func:`fastsym.report.committed.read_peers`."""
    gate: pd.DataFrame | None
    """As from :func:`fastsym.report.committed.read_gate`."""
