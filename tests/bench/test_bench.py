"""The benchmark suite itself, run in other processes: its names are pinned, and what is wrong is never timed."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastsym.timing.saved_runs import COLUMNS, read_benchmark_json, read_machine
from fastsym.timing.stats import MIN_PAIRS

ROOT = Path(__file__).parents[2]
NODE_IDS = ROOT / "bench" / "node_ids.txt"


def bench(*arguments, **environment):
    # What tells a process that it is a worker of pytest-xdist would switch its benchmarks off.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "bench", "-q", *arguments],
        cwd=ROOT,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("path", [os.environ.get("PATH", ""), ""], ids=["as-is", "no-compiler"])
def test_node_ids_are_those_of_the_list(path):
    """Renew the list on purpose with: pytest bench --collect-only -q | grep :: > bench/node_ids.txt"""
    collected = [line for line in bench("--collect-only", PATH=path).stdout.splitlines() if "::" in line]
    assert collected == NODE_IDS.read_text().splitlines()


def test_a_peer_that_is_not_installed_is_skipped_with_the_command(tmp_path):
    done = bench("-rs", "-k", "test_peer and H1-c-1", PATH=str(tmp_path))
    assert "1 skipped" in done.stdout
    assert "c needs gcc, which is not installed: apt-get install gcc" in done.stdout


PLUGIN = """
from dataclasses import replace
import fastsym.agreement

right = fastsym.agreement.certify
fastsym.agreement.certify = lambda variant: replace(right(variant), passed=variant != "numpy", reasons=("made wrong",))
"""


def test_only_a_certified_variant_is_timed_and_its_record_is_complete(tmp_path):
    (tmp_path / "wrong.py").write_text(PLUGIN)
    file = tmp_path / "run.json"
    arguments = ("-p", "wrong", "--benchmark-only", "--benchmark-json", str(file))
    done = bench(*arguments, "-k", "test_train and H1-T1- and (numpy or reference)", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "numpy is not equal to the reference, so it is not timed" in done.stdout
    table = read_benchmark_json(file)
    assert set(COLUMNS) <= set(table.columns)
    (row,) = table.itertuples()
    assert (row.variant, row.hidden, row.iterations, row.dtype, row.threads) == ("reference", 1, 1, "float64", 1)
    assert row.rounds >= MIN_PAIRS
    assert 0 < row.worst_error <= 1
    assert row.machine.startswith(read_machine(file)["cpu"])


def test_every_benchmark_asks_for_the_fixture():
    """``--benchmark-only`` would silently skip one that does not."""
    for file in NODE_IDS.parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                names = {argument.arg for argument in node.args.args}
                assert names & {"benchmark", "time_training"}, f"{file.name}: {node.name}"
