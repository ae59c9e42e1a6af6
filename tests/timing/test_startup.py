"""Start-up costs: the bookkeeping on made-up times, and one real set of fresh processes."""

from dataclasses import replace

import pandas as pd
import pytest

from fastsym.timing.startup import (
    ProcessTimes,
    Startup,
    break_even_iterations,
    break_even_table,
    measure_startup,
    summarise,
    time_fresh_process,
)

WARM = ProcessTimes(
    import_numba_seconds=1.0,
    import_fastsym_seconds=0.05,
    first_seconds=0.31,
    steady_seconds=0.01,
    compiling_seconds=0.0,
    import_compiles=False,
)
COLD = replace(WARM, first_seconds=4.01, compiling_seconds=3.5)


def test_the_four_numbers_are_kept_apart():
    slow = replace(WARM, first_seconds=9.0, import_fastsym_seconds=9.0, steady_seconds=9.0)
    startup = summarise("fused", COLD, [WARM, slow, WARM])
    assert startup.compile_seconds == pytest.approx(4.0)
    assert startup.cache_load_seconds == pytest.approx(0.3)
    assert startup.first_call_seconds == pytest.approx(0.36)
    assert startup.steady_seconds == pytest.approx(0.01)
    assert (startup.import_numba_seconds, startup.import_fastsym_seconds) == (1.0, 0.05)


def test_a_compilation_in_a_process_with_a_full_cache_voids_it():
    with pytest.raises(RuntimeError, match=r"got 3\.50 s of compiling"):
        summarise("fused", COLD, [WARM, COLD])


def test_break_even():
    assert break_even_iterations(3.0, 5e-3, 2e-3) == pytest.approx(1000)
    assert break_even_iterations(3.0, 2e-3, 2e-3) == float("inf")
    assert break_even_iterations(3.0, 2e-3, 3e-3) == float("inf")


def test_break_even_per_width_takes_the_longest_training_of_both_and_counts_both_imports():
    startup = Startup("fused", 3.95, 0.25, 0.3, 0.01, 1.0, 0.05)
    grid = pd.DataFrame(
        [
            ("reference", 1, 1, 9.0),
            ("reference", 1, 100, 3e-3),
            ("fused", 1, 1, 9.0),
            ("fused", 1, 100, 1e-3),
            ("reference", 1, 1000, 2e-3),
            ("reference", 64, 10, 30e-3),
            ("fused", 64, 10, 10e-3),
        ],
        columns=["variant", "hidden", "iterations", "seconds_per_iteration"],
    )
    table = break_even_table(grid, {"fused": startup})
    assert table.to_dict("list") == {
        "variant": ["fused", "fused"],
        "hidden": [1, 64],
        "after_compile": pytest.approx([2500, 250]),
        "after_cache_load": pytest.approx([650, 65]),
    }


def test_fresh_processes_compile_once_and_never_on_import(tmp_path):
    cold = time_fresh_process("loops", tmp_path, hidden=1)
    assert cold.compiling_seconds > 0
    assert not cold.import_compiles
    assert list(tmp_path.rglob("*.nbc")), "the cache is not where it was asked for"
    warm = time_fresh_process("loops", tmp_path, hidden=1)
    assert warm.compiling_seconds == 0


def test_a_variant_that_compiles_nothing():
    startup = measure_startup("numpy", hidden=1, processes=1)
    assert startup.variant == "numpy"
    assert startup.steady_seconds > 0


def test_a_process_that_fails_says_why(tmp_path):
    with pytest.raises(RuntimeError, match="got 'no such'; choose one"):
        time_fresh_process("no such", tmp_path)


def test_the_fresh_process_imports_this_package_and_none_that_lies_about(tmp_path, monkeypatch):
    (tmp_path / "fastsym.py").write_text("raise ImportError('the wrong one')")
    monkeypatch.chdir(tmp_path)
    assert time_fresh_process("numpy", None, hidden=1, iterations=1).steady_seconds > 0
