"""With NUMBA_DISABLE_JIT=1 the kernels are plain Python, and those with explicit lanes cannot run."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

PROGRAM = """
import json
import numpy as np
import fastsym

X, y = np.arange(40.0).reshape(4, 10) % 7, np.arange(10) % 2.0
network, layer = fastsym.initialise("normal", 4, 3), fastsym.initialise("normal", 4)
population = fastsym.Params(*(a[None] for a in network))


def outcome(call):
    try:
        training = call()
    except ValueError as error:
        return str(error)
    return [training.variant, *map(float, training.costs)]


print(json.dumps({
    "names": list(fastsym.VARIANTS),
    "network": {
        name: outcome(lambda: fastsym.train(X, y, network, 2, 0.1, name)) for name in ("fast", *fastsym.VARIANTS)
    },
    "layer": {name: outcome(lambda: fastsym.train(X, y, layer, 2, 0.1, name)) for name in ("fast", "fused", "loops")},
    "population": outcome(lambda: fastsym.train_population(X, y, population, 2, 0.1)),
    "multiplicity": outcome(lambda: fastsym.train(X, y, network, 2, 0.1, "simd", multiplicity=[1, 2, 3])),
}))
"""
REFUSED = ("fused", "simd", "parallel")


@pytest.fixture(scope="module")
def seen() -> Any:
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def assert_refused(answer: str, name: str) -> None:
    assert "NUMBA_DISABLE_JIT" in answer
    assert f"got '{name}'" in answer
    assert all(other in answer for other in ("reference", "numpy", "loops"))


def test_all_variants_are_listed(seen: Any) -> None:
    assert {"reference", "numpy", "loops", *REFUSED} <= set(seen["names"])


def test_variants_that_cannot_run_are_refused_and_others_train(seen: Any) -> None:
    reference = seen["network"]["reference"][1:]
    for name in REFUSED:
        assert_refused(seen["network"][name], name)
    for name in ("numpy", "loops"):
        variant, *costs = seen["network"][name]
        assert variant == name
        assert costs == pytest.approx(reference, rel=1e-14)  # few terms in another order


def test_fast_takes_one_that_can_run(seen: Any) -> None:
    for net in ("network", "layer"):
        chosen, *costs = seen[net]["fast"]
        assert chosen not in REFUSED
        assert costs == pytest.approx(seen[net]["loops"][1:], rel=1e-14)
    assert_refused(seen["layer"]["fused"], "fused")


def test_what_only_compiled_variants_do_is_refused(seen: Any) -> None:
    assert "NUMBA_DISABLE_JIT" in seen["population"]
    assert_refused(seen["multiplicity"], "simd")
