"""The options every kernel shares, and the cache that must notice a change in any file a kernel is made of."""

import os
import shutil
import subprocess
import sys
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


def test_options_are_the_same_for_every_kernel() -> None:
    for kernel in (loops._train_network, loops.hidden_forward, fused._train_network, fused.total):
        options = kernel.targetoptions
        assert options["nogil"]
        assert options["error_model"] == "numpy"
    assert "fastmath" not in loops._train_network.targetoptions


def test_every_file_of_the_kernels_counts() -> None:
    """Numba's stamp is replaced; were its private name to change, kernels would go stale unnoticed."""
    for kernel in (loops._train_network, fused._train_network):
        assert kernel._cache._cache_file._source_stamp == _jit.source_fingerprint()


CALL = "from fastsym.kernels.outer import outer; print(outer(1.0), sum(outer.stats.cache_hits.values()))"


def test_a_kernel_is_compiled_again_when_a_file_it_inlines_changes(tmp_path: Path) -> None:
    package = tmp_path / "fastsym"
    (package / "kernels").mkdir(parents=True)
    shutil.copy(_jit.__file__, package / "kernels")
    for empty in ("__init__.py", "kernels/__init__.py"):
        (package / empty).touch()
    inner = "from fastsym.kernels._jit import jit_inline\n@jit_inline\ndef inner(x):\n    return x + {}\n"
    outer = (
        "from fastsym.kernels._jit import jit\nfrom fastsym.kernels.elementary import inner\n"
        "@jit\ndef outer(x):\n    return inner(x)\n"
    )
    (package / "kernels" / "elementary.py").write_text(inner.format("1.0"))
    (package / "kernels" / "outer.py").write_text(outer)
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def call() -> str:
        return subprocess.run(
            [sys.executable, "-c", CALL], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout

    assert call() == "2.0 0\n"
    assert call() == "2.0 1\n"
    (package / "kernels" / "elementary.py").write_text(inner.format("10.0"))
    assert call() == "11.0 0\n"
