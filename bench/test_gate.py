"""What the gate times of fastsym: whole training calls of the article's data, one for every rung and both precisions.

    python -m fastsym.regression --against main

Each takes 10 to 30 ms on a processor of 2023: long enough that checking the input does not count.

A variant is first compared with exact results, by the very kernels that are timed: they are compiled for a number of
features. That is a small part of its certificate (:mod:`fastsym.agreement`), which the tests issue; the whole of it
compiles many more.
"""

import os
from pathlib import Path

import numpy as np
import pytest

import fastsym
from bench.peers.process import LEARNING_RATE

CASES = (
    ("simd", 4, 3000, "float64"),
    ("simd", 64, 200, "float64"),
    ("simd", 64, 400, "float32"),
    ("fused", 4, 1000, "float64"),
    ("parallel", 256, 50, "float64"),
)


def compare_with_exact_results(variant, dtype):
    """Train in all cases whose results are known; return what is wrong, and in how many cases nothing is."""
    from fastsym.agreement import examination, truth

    right, features = 0, len(fastsym.load_titanic().X)
    for case in truth.cases(dtype):
        if case.hidden and len(case.X) == features:
            result = fastsym.train(*case.problem(), case.iterations, case.learning_rate, variant)
            flat = np.concatenate([result.costs.astype(np.float64), truth.flatten(result.params)])
            _, wrong = examination.compare(case, flat)
            if wrong:
                return f"{case.name}: {wrong[0]}", right
            right += 1
    return "", right


@pytest.fixture
def equal(variant, dtype):
    """Compare before anything is timed; the first process of a side does it for the others."""
    kept = Path(os.environ["FASTSYM_GATE_KEEP"]) if "FASTSYM_GATE_KEEP" in os.environ else None
    if kept is not None and (kept / f"{variant}-{dtype}").exists():
        return
    wrong, right = compare_with_exact_results(variant, dtype)
    if wrong or not right:
        pytest.fail(f"{variant} {dtype} is not equal to the reference, so it is not timed: {wrong or 'no cases'}")
    if kept is not None:
        (kept / f"{variant}-{dtype}").touch()


@pytest.mark.usefixtures("equal")
@pytest.mark.parametrize(
    ("variant", "hidden", "iterations", "dtype"), CASES, ids=[f"{v}-H{H}-{dtype}" for v, H, _, dtype in CASES]
)
def test_train(benchmark, variant, hidden, iterations, dtype):
    data = fastsym.load_titanic()
    X, y = data.X.astype(dtype), data.y.astype(dtype)
    params = fastsym.initialise("normal", len(X), hidden, dtype=np.dtype(dtype))
    benchmark(fastsym.train, X, y, params, iterations, LEARNING_RATE, variant)
