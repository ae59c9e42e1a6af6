"""What the report is to run, and on which table."""

from dataclasses import dataclass, replace
from pathlib import Path

from fastsym.experiments.claims import QUICK_SEEDS, SEEDS
from fastsym.experiments.rounding import CORE_TYPES, QUICK_CORE_TYPES, QUICK_WIDTHS, WIDTHS
from fastsym.model.datasets import Dataset


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
    only_lesson: bool = False
    """Whether the second part, the engineering, is left out."""


def full(settings: Settings) -> Settings:
    """Return the same settings with whole grids instead of reduced ones; takes minutes."""
    return replace(
        settings,
        benchmark_seconds=180.0,
        startups=("loops", "fused", "simd", "parallel"),
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
