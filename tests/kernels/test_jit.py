"""The options that every kernel shares."""

from pathlib import Path

import numpy as np
import pytest

from fastsym.kernels import _jit, fused, loops
from fastsym.model.params import Array


def quotient(a: float, b: float) -> float:
    return a / b


def ordered_sum(a: Array) -> float:
    s = 0.0
    for m in range(a.size):
        s += a[m]
    return s


def total(a: Array) -> float:
    s = 0.0
    for m in range(a.size):
        s += a[m]
    return s


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own, because Numba would not notice that these functions have changed."""
    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(tmp_path))


@pytest.mark.usefixtures("own_cache")
def test_division_by_zero_is_ieee() -> None:
    assert _jit.jit(quotient)(1.0, 0.0) == np.inf


@pytest.mark.usefixtures("own_cache")
def test_sums_keep_their_order_unless_asked() -> None:
    a = np.random.default_rng(0).standard_normal(1001)
    assert _jit.jit(ordered_sum)(a) == ordered_sum(a)
    reordered = _jit.jit_reordered(total)
    assert reordered(a) == pytest.approx(a.sum(), abs=1e-12)
    assert np.isnan(reordered(np.append(a, np.nan)))
    assert np.isnan(reordered(np.append(a, [np.inf, -np.inf])))
    assert reordered(np.append(a, np.inf)) == np.inf


@pytest.mark.usefixtures("own_cache")
def test_parts_of_kernels_can_be_called_from_both_sides() -> None:
    part = _jit.jit_inline(quotient)
    assert part(1.0, 0.0) == np.inf
    assert part(np.float32(1), 2) == 0.5
    assert _jit.jit(lambda a, b: part(a, b))(1.0, 0.0) == np.inf
    assert part(3.0, 2.0) == 1.5


def test_options_are_the_same_for_every_kernel() -> None:
    for kernel in (loops._train_network, loops.hidden_forward, fused._train_network, fused.total):
        options = kernel.targetoptions
        assert options["nogil"]
        assert options["error_model"] == "numpy"
    assert "fastmath" not in loops._train_network.targetoptions
