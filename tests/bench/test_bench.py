"""The benchmark suite itself, run in other processes: it is found from anywhere, and what is wrong is never timed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import turns
from bench.peers import PEERS
from fastsym.timing.interleave import REST_SECONDS
from fastsym.timing.saved_runs import COLUMNS, read_benchmark_json, read_machine
from fastsym.timing.stats import MIN_PAIRS
from fastsym.training.registry import OWN

ROOT = Path(__file__).parents[2]


def bench(*arguments, cwd=ROOT, **environment):
    # What tells a process that it is a worker of pytest-xdist would switch its benchmarks off.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", str(ROOT / "bench"), "-q", *arguments],
        cwd=cwd,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def collected(done):
    return [line for line in done.stdout.splitlines() if "::" in line]


def test_every_variant_and_other_system_is_collected_whatever_is_installed(tmp_path):
    names = collected(bench("--collect-only"))
    for name in (*(variant.name for variant in OWN), *PEERS):
        assert any(f"-{name}" in line for line in names), name
    assert collected(bench("--collect-only", PATH=str(tmp_path))) == names  # no compiler


def test_another_package_of_that_name_is_not_in_the_way(tmp_path):
    other = tmp_path / "bench"
    other.mkdir()
    (other / "__init__.py").write_text("raise ImportError('the wrong one')")
    arguments = ("-k", "test_train and H1-T1-numpy", "--benchmark-disable")
    here = bench(*arguments, PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]))
    assert "1 passed" in here.stdout, here.stdout
    there = bench(*arguments, cwd=tmp_path)
    assert "1 passed" in there.stdout, there.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="this one runs on Linux only")
def test_a_peer_that_is_not_installed_is_skipped_with_the_command(tmp_path):
    done = bench("-rs", "-k", "test_peer and H1-c-1", PATH=str(tmp_path))
    assert "1 skipped" in done.stdout
    assert "c needs gcc, which is not installed: apt-get install gcc" in done.stdout


PLUGIN = """
from dataclasses import replace
import fastsym.agreement

right = fastsym.agreement.certify
def certify(variant, dtype):
    return replace(right(variant, dtype), passed=variant != "numpy", reasons=("made wrong",))

fastsym.agreement.certify = certify
"""


def test_only_a_certified_variant_is_timed_and_its_record_is_complete(tmp_path):
    (tmp_path / "wrong.py").write_text(PLUGIN)
    file = tmp_path / "run.json"
    arguments = ("-p", "wrong", "--benchmark-only", "--benchmark-json", str(file))
    done = bench(*arguments, "-k", "test_train and H1-T1- and (numpy or reference)", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "numpy float64 is not equal to the reference, so it is not timed" in done.stdout
    table = read_benchmark_json(file)
    assert set(COLUMNS) <= set(table.columns)
    (row,) = table.itertuples()
    assert (row.variant, row.hidden, row.iterations, row.dtype, row.threads) == ("reference", 1, 1, "float64", 1)
    assert row.rounds >= MIN_PAIRS
    assert 0 < row.worst_error <= 1
    assert row.machine.startswith(read_machine(file)["cpu"])


def test_every_benchmark_asks_for_the_fixture():
    """``--benchmark-only`` would silently skip one that does not; ``--benchmark-skip`` runs just those."""
    done = bench("--benchmark-skip")
    assert done.returncode == 0
    assert "passed" not in done.stdout


def test_a_training_on_several_threads_rests_after_the_reference(monkeypatch):
    rests = []
    monkeypatch.setattr(turns.time, "sleep", rests.append)
    for threads in (1, 2):
        reference = turns.Turns(1, 1, threads)
        for _ in range(3):  # the reference comes before the first and third round, and after the second
            reference.before()
            reference.after()
        assert len(reference.seconds) == 3
    assert rests == [0, 0, REST_SECONDS, REST_SECONDS]
