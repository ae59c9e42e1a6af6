"""Whole runs on a project with Numba kernels: what the compiler lost is found without a clock."""

import platform

import pytest
from gate_repository import commit, make, write

from fastsym.regression import presentation, runner
from fastsym.regression.assembly import MACHINES
from fastsym.regression.outcome import PASS, SLOWER
from fastsym.regression.repository import open_repository
from fastsym.regression.runner import run
from fastsym.regression.settings import Settings

pytest_plugins = ("gate_fixtures",)
pytestmark = pytest.mark.skipif(
    platform.machine().lower() not in MACHINES, reason="reads the assembly of x86-64 and 64-bit ARM only"
)

KERNELS = """
import math
import numba
import numpy as np

@numba.njit(error_model="numpy")
def wave(x):
    return x * 2.0 + 1.0

@numba.njit(error_model="numpy")
def fill(x, out):
    for i in range(x.size):
        out[i] = wave(x[i])

@numba.guvectorize(["void(float64[:], float64[:])"], "(n)->(n)")
def spread(x, out):
    for i in range(x.size):
        out[i] = x[i] * 3.0 + 2.0
"""
BENCH = """
import numpy as np
from kernels import fill, spread

def test_fill(benchmark):
    benchmark(fill, np.ones(500), np.empty(500))

def test_spread(benchmark):
    benchmark(spread, np.ones(500))
"""
FILES = {"kernels.py": KERNELS, "bench/test_kernels.py": BENCH}


@pytest.fixture
def gate(tmp_path, temporary, monkeypatch):  # noqa: ARG001
    """A run whose head is another version of the kernels; nothing is timed."""

    def no_plan(*_args):
        raise runner.CannotJudgeError("nothing is timed here")

    monkeypatch.setattr(runner, "make_plan", no_plan)

    def call(kernels, code):
        folder = make(tmp_path / "repository", FILES)
        write(folder, {"kernels.py": kernels})
        return run(open_repository(folder), Settings(against="HEAD", bench=("bench",), budget=500.0, code=code), _quiet)

    return call


def _quiet(_fraction, _doing):
    pass


def test_a_lost_vectorisation_fails_with_its_place(gate):
    report = gate(KERNELS.replace("x * 2.0 + 1.0", "math.sin(x) * 2.0"), "fail")
    assert (report.outcome, report.exit_status) == ("slower", SLOWER)
    assert "kernels.fill (kernels.py:10): loop 1 of fill" in report.reason
    assert report.reason.endswith("; changed: wave (kernels.py:7)")
    assert report.samples == []


def test_it_is_a_note_where_that_is_asked_for(gate):
    report = gate(KERNELS.replace("x[i] * 3.0 + 2.0", "math.sin(x[i])"), "report")
    assert report.reason == "nothing is timed here"
    (note,) = [note for note in report.notes if "machine code" in note]
    assert "kernels.spread (kernels.py:15)" in note
    assert "kernels.spread" in presentation.as_json(report)


def test_it_is_nothing_where_nobody_asks(gate):
    report = gate(KERNELS.replace("x * 2.0 + 1.0", "math.sin(x) * 2.0"), "off")
    assert report.differences == []
    assert not any("machine code" in note for note in report.notes)


def test_unused_kernels_do_not_matter(tmp_path, temporary):  # noqa: ARG001
    folder = make(tmp_path / "repository", FILES | {"other.py": "x = 1\n"})
    commit(folder, "Second")
    write(folder, {"other.py": KERNELS})
    report = run(open_repository(folder), Settings(against="HEAD", bench=("bench",), budget=500.0, code="fail"), _quiet)
    assert report.exit_status == PASS
