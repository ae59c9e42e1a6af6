"""The vectorised NumPy side beyond what test_kernels.py checks of every variant: its blocks of samples."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastsym import train
from fastsym.model import vectorised

TYPES = (np.float64, np.float32)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("samples", [1, 63, 64, 65, 128, 200])
def test_blocks_add_up(
    samples: int, dtype: type, make_problem: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y, params = make_problem(samples, 3, 5, samples, dtype)
    whole = train(X, y, params, 4, 0.5, "numpy")
    monkeypatch.setattr(vectorised, "BLOCK_BYTES", 1)  # blocks of 64 samples, the smallest
    blocks = train(X, y, params, 4, 0.5, "numpy")
    tolerance = 50 * np.finfo(dtype).eps  # sums of at most 200 terms of size 1, in another order
    np.testing.assert_allclose(blocks.costs, whole.costs, rtol=0, atol=tolerance)
    for a, b in zip(blocks.params, whole.params, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)


def test_output_overwrites_p_and_leaves_z() -> None:
    z = np.array([0.0, 1.0, -1.0, 800.0, -800.0])
    y = np.array([1.0, 0.0, 1.0, 1.0, 1.0])
    z_before, p, scratch = z.copy(), np.full(5, np.nan), np.full(5, np.nan)
    cost = vectorised._output(z, y, p, scratch)
    np.testing.assert_array_equal(z, z_before)
    e = np.exp(-1)
    np.testing.assert_allclose(p, [-0.5, 1 / (1 + e), e / (1 + e) - 1, 0, -1], rtol=1e-15)
    assert cost == pytest.approx(np.log(2) + 2 * (1 + np.log1p(e)) + 0 + 800, rel=1e-15)
