"""What the gate times of fastsym: whole training calls of the article's data, one for every rung and both precisions.

    python -m fastsym.regression --against main

Each takes 10 to 30 ms on a processor of 2023: long enough that checking the input does not count.
"""

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


@pytest.mark.parametrize(
    ("variant", "hidden", "iterations", "dtype"), CASES, ids=[f"{v}-H{H}-{dtype}" for v, H, _, dtype in CASES]
)
def test_train(benchmark, certified, variant, hidden, iterations, dtype):
    data = fastsym.load_titanic()
    X, y = data.X.astype(dtype), data.y.astype(dtype)
    params = fastsym.initialise("normal", len(X), hidden, dtype=np.dtype(dtype))
    benchmark.extra_info |= certified
    benchmark(fastsym.train, X, y, params, iterations, LEARNING_RATE, variant)
