"""Processes of the gate that take turns, on toy packages; one slot on the real one."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from conftest import posix_only
from gate_repository import write
from hypothesis import given
from hypothesis import strategies as st

from fastsym.regression.cells import CELLS, Cell
from fastsym.regression.child import children, processors
from fastsym.regression.outcome import CannotJudgeError, RevisionFailedError
from fastsym.regression.slots import COLUMNS, load_all, record_slot, turns
from fastsym.regression.worker import Worker
from fastsym.regression.worktree import Tree

ROOT = Path(__file__).parents[2]
CELL = Cell("simd", 4, 10)
OTHER = Cell("fused", 8, 20)


def toy(folder, code="", **options):
    write(folder, code, **options)
    (folder / "cache").mkdir(exist_ok=True)
    return Tree(folder, folder / "cache")


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def slot(trees, cells, rng, **options):
    return record_slot(trees, cells, rng, **({"block_seconds": 1e-4, "timeout_seconds": 600} | options))


def gone(pid, seconds=300.0):
    """Wait until a process is no more."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


@given(st.integers(1, 7), st.integers(1, 3), st.integers(0, 99))
def test_turns_are_balanced(count, palindromes, seed):
    labels = [f"side {i}" for i in range(count)]
    order = list(turns(labels, np.random.default_rng(seed), palindromes))
    assert Counter(order) == dict.fromkeys(labels, 2 * palindromes)
    for start in range(0, len(order), 2 * count):
        part = order[start : start + 2 * count]
        assert part == part[::-1]
        assert set(part[:count]) == set(labels)


def test_turns_come_in_all_orders():
    rng = np.random.default_rng(0)
    firsts = Counter(next(iter(turns(["a", "b", "c"], rng, 1))) for _ in range(300))
    assert min(firsts[label] for label in "abc") > 60


def test_cells_are_told_apart():
    assert CELLS[0].name == "simd H=4 float64"
    assert len({cell.name for cell in CELLS}) == len(CELLS)


def test_a_slot_has_a_fresh_process_for_each_side(tmp_path, rng):
    note = f"open({str(tmp_path / 'pids')!r}, 'a').write(f'{{os.getpid()}}\\n')\n"
    trees = {label: toy(tmp_path / label, note) for label in ("base", "again", "head")}
    table = slot(trees, [CELL, OTHER], rng, slot=7)
    assert tuple(table.columns) == COLUMNS
    assert (table["slot"] == 7).all()
    assert Counter(table["label"]) == {"base": 2, "again": 2, "head": 2}
    assert Counter(table["cell"]) == {CELL.name: 3, OTHER.name: 3}
    assert (table["seconds_per_iteration"] > 0).all()
    pids = [int(line) for line in (tmp_path / "pids").read_text().split()]
    assert len(set(pids)) == 3
    assert all(gone(pid) for pid in pids)


def test_times_are_medians_per_iteration_of_equally_many_calls(tmp_path, rng, monkeypatch):
    trees = {label: toy(tmp_path / label) for label in ("base", "head")}
    asked = []

    def timed(child, _cell, calls, _cpus, _deadline):
        asked.append((child.label, calls))
        return {"base": 0.004, "head": 0.008}[child.label] * calls * (9 if len(asked) == 3 else 1)

    monkeypatch.setattr("fastsym.regression.slots._block", timed)
    table = slot(trees, [CELL], rng, block_seconds=0.03).set_index("label")["seconds_per_iteration"]
    assert {calls for _, calls in asked[2:]} == {8}  # 0.03 / 0.004, rounded
    assert Counter(label for label, _ in asked[2:]) == {"base": 4, "head": 4}
    assert table["base"] == pytest.approx(0.0004)
    assert table["head"] == pytest.approx(0.0008)  # the outlier of the first turn did not pull it


@pytest.mark.skipif(processors() is None, reason="this system cannot pin a process to a processor")
@pytest.mark.parametrize("threads", [1, 2])
def test_one_thread_is_pinned_and_several_are_not(tmp_path, rng, threads):
    note = f"""
    THREADS = {threads}
    def work():
        open({str(tmp_path / "seen")!r}, "a").write(repr(sorted(os.sched_getaffinity(0))) + "\\n")
    """
    trees = {label: toy(tmp_path / label, textwrap.dedent(note)) for label in ("base", "head")}
    slot(trees, [CELL], rng)
    first, *_, last = (tmp_path / "seen").read_text().splitlines()
    timed = (tmp_path / "seen").read_text().splitlines()[2:]  # after the two that made ready
    assert len(set(timed)) == 1
    if threads == 1:
        assert len(last.split(",")) == 1
        assert int(last.strip("[]")) in processors()
    else:
        assert last == first == repr(processors())


def test_what_is_fixed_and_what_is_left_to_chance(tmp_path, monkeypatch, rng):
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    note = f"import json; json.dump(dict(os.environ), open({str(tmp_path / 'environment')!r}, 'w'))"
    tree = toy(tmp_path / "base", note)
    slot({"base": tree}, [CELL], rng)
    environment = json.loads((tmp_path / "environment").read_text())
    assert "PYTHONHASHSEED" not in environment
    assert environment["NUMBA_CACHE_DIR"] == str(tree.cache)
    assert environment["PYTHONPATH"] == str(tree.path)
    assert environment["OPENBLAS_NUM_THREADS"] == "1"
    assert int(environment["NUMBA_NUM_THREADS"]) == len(processors() or range(os.cpu_count()))


def test_what_a_revision_prints_is_no_answer(tmp_path, rng):
    tree = toy(tmp_path / "base", "print('hello')\nsys.stderr.write('x' * 300_000)\ndef work(): print('more')\n")
    assert len(slot({"base": tree}, [CELL], rng)) == 1


def test_a_compilation_in_a_timed_block_voids_it(tmp_path, rng):
    tree = toy(tmp_path / "base", "import numba.core.event\n")
    fake = tmp_path / "base/numba/core"
    fake.mkdir(parents=True)
    (fake.parent / "__init__.py").touch()
    (fake / "__init__.py").touch()
    (fake / "event.py").write_text(
        "from contextlib import contextmanager\n"
        "@contextmanager\n"
        "def install_timer(kind, callback):\n"
        "    assert kind == 'numba:compiler_lock'\n"
        "    yield\n"
        "    callback(0.5)\n"
    )
    with pytest.raises(CannotJudgeError, match="base: expected compiled code in a timed block of simd H=4 float64"):
        slot({"base": tree}, [CELL], rng)


BREAKS_LATER = "CALLS = []\ndef work():\n    CALLS.append(1)\n    if len(CALLS) > 3:\n        {}\n"


@posix_only
@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("raise RuntimeError('not today')", RevisionFailedError, "head: RuntimeError: not today"),
        ("import a_module_that_is_nowhere", RevisionFailedError, "head: ModuleNotFoundError"),
        (
            "sys.stderr.write('so long'); sys.exit(3)",
            RevisionFailedError,
            "(?s)head: .* exit with 3; it said: .*so long",
        ),
        (BREAKS_LATER.format("1 / 0"), RevisionFailedError, "head: ZeroDivisionError"),
        (BREAKS_LATER.format("os.kill(os.getpid(), 11)"), RevisionFailedError, "head: crashed with SIGSEGV"),
        (BREAKS_LATER.format("os.kill(os.getpid(), 9)"), CannotJudgeError, "head: .* killed by SIGKILL, from outside"),
        (BREAKS_LATER.format("raise OSError(28, 'No space left on device')"), CannotJudgeError, "the disk is full"),
        ("time.sleep(99)", CannotJudgeError, "head: expected an answer of process .* before the time is up"),
        (BREAKS_LATER.format("time.sleep(99)"), CannotJudgeError, "head: expected an answer of process .* before"),
    ],
)
def test_failures_say_who_and_what(tmp_path, rng, code, error, message):
    pids = tmp_path / "pids"
    note = f"open({str(pids)!r}, 'a').write(f'{{os.getpid()}}\\n')\n"
    trees = {"base": toy(tmp_path / "base", note), "head": toy(tmp_path / "head", note + code)}
    with pytest.raises(error, match=message):
        slot(trees, [CELL], rng, timeout_seconds=5 if "sleep" in code else 600)
    assert all(gone(int(pid)) for pid in pids.read_text().split())


def test_another_fastsym_is_refused(tmp_path):
    with pytest.raises(ImportError, match="another fastsym comes first on the path"):
        Worker().load(str(tmp_path))


@posix_only
def test_a_child_ends_with_its_parent(tmp_path):
    """Even if the parent is killed while the child works."""
    tree = toy(tmp_path / "base", "time.sleep(600)")
    script = f"""
    import os, time
    from pathlib import Path
    from fastsym.regression.child import children
    from fastsym.regression.worktree import Tree
    with children({{"base": Tree(Path({str(tree.path)!r}), Path({str(tree.cache)!r}))}}) as running:
        running["base"].ask("load", tree={str(tree.path)!r})
        print(running["base"].pid, flush=True)
        time.sleep(600)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    with parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    assert gone(child)


@pytest.mark.skipif(shutil.which("ps") is None, reason="needs ps")
def test_a_waiting_child_sleeps(tmp_path):
    with children({"base": toy(tmp_path / "base")}) as running:
        load_all(running, time.monotonic() + 600)
        pid = running["base"].pid
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=True).stdout
        for _ in range(30_000):  # it has answered, and may need a moment to get back to its pipe
            if state.startswith("S"):
                break
            time.sleep(0.01)
            state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
    assert state.startswith("S")


def test_one_slot_of_the_real_package(tmp_path, rng):
    tree = Tree(ROOT, Path(os.environ.get("NUMBA_CACHE_DIR", tmp_path)))
    cells = [Cell("loops", 4, 50), Cell("numpy", 4, 20, "float32")]
    table = slot({"base": tree, "head": tree}, cells, rng, block_seconds=0.002)
    assert len(table) == 4
    assert table["seconds_per_iteration"].between(1e-7, 1).all()
