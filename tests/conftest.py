"""Shared by all tests: how hypothesis runs, and where problems come from."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from fastsym import Dataset, LayerParams, Params, load_titanic
from fastsym.model.params import AnyParams, Array

# On a busy machine one draw has taken half a minute; that says nothing about the test.
settings.register_profile(
    "fastsym",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=40,
    derandomize="CI" in os.environ,
)
settings.load_profile("fastsym")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so a shell starts `pytest &`; programs under test inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

QUICK = (
    "model",
    "kernels/test_lanes.py",
    "kernels/test_kernels.py",
    "kernels/test_one_result.py::test_published_bits",
    "training/test_train.py::test_training_has_the_promised_shape",
    "agreement/test_truth.py",
    "agreement/test_divergence.py",
    "agreement/test_mutants.py::test_the_program_they_were_made_from_is_not[float64]",
    "agreement/test_bounds.py",
    "experiments/test_article.py",
    "experiments/test_curvature.py",
    "experiments/test_snapshots.py",
    "experiments/test_symmetry.py",
    "timing/test_interleave.py",
    "timing/test_saved_runs.py",
    "timing/test_stats.py",
    "regression/test_decision.py::test_verdicts",
    "regression/test_permutation.py",
    "regression/test_plan.py",
    "regression/test_saved.py",
    "regression/test_sources.py",
    "sweep/test_sweep.py::test_each_row",
    "play/test_guard.py",
    "report/test_page.py",
    "test_main.py",
    "test_wheel.py",
)
"""What ``pytest -m quick`` runs, by the beginnings of names: the essentials of every folder that take little time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    folder = Path(__file__).parent
    for name in QUICK:
        if not (folder / name.partition("::")[0]).exists():
            raise pytest.UsageError(
                f"tests/conftest.py: QUICK names {name}, which is not there; name what took its place"
            )
    for item in items:
        name = item.path.relative_to(folder).as_posix() + "::" + item.name
        if name.startswith(QUICK):
            item.add_marker("quick")


posix_only = pytest.mark.skipif(os.name != "posix", reason="needs the signals and shell scripts of POSIX systems")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Use every processor where pytest-xdist is installed and the command line says nothing else (``-n 0``)."""
    if "PYTEST_XDIST_WORKER" in os.environ:  # a worker comes by here, too, and must not start workers of its own
        return
    if getattr(config.option, "numprocesses", 0) is None and not config.option.usepdb:
        config.option.dist = "loadfile"  # a module shares expensive fixtures
        config.option.numprocesses = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2


class Problem(NamedTuple):
    X: Array
    y: Array
    params: AnyParams


def draw_problem(
    seed: int, D: int = 8, H: int | None = 4, M: int = 20, dtype: type = np.float64, scale: float = 0.5
) -> Problem:
    """Random features, labels and parameters, biases included."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> Array:
        return np.asarray(scale * rng.standard_normal(shape)).astype(dtype)

    X = rng.standard_normal((D, M)).astype(dtype)
    y = rng.integers(0, 2, M).astype(dtype)
    params = LayerParams(normal(D), normal()) if H is None else Params(normal(H, D), normal(H), normal(H), normal())
    return Problem(X, y, params)


def feature_counts(variant: str) -> tuple[int, ...]:
    """Numbers of features to try. simd compiles for each number anew, in seconds; these take two compilations.

    Beyond ten features it works in chunks: 16 are two chunks of 8, 17 two of 9 with a feature missing.
    """
    return (8, 9, 16, 17) if variant in ("fast", "simd", "parallel") else (1, 2, 3, 8, 9, 17)


@pytest.fixture(scope="session")
def make_problem() -> Callable[..., Problem]:
    return draw_problem


@pytest.fixture(scope="session")
def standardised() -> Dataset:
    return load_titanic("standardised")
