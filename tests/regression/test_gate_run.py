"""Whole runs of the gate on toy projects: real processes, short budgets."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from gate_repository import BENCH, FILES, PACKAGE, SLOWER, commit, git, leftovers, write

from fastsym.regression import exploration, presentation, runner, sides
from fastsym.regression.findings import Report
from fastsym.regression.outcome import CANNOT_JUDGE, PASS
from fastsym.regression.outcome import SLOWER as EXIT_SLOWER
from fastsym.regression.repository import open_repository
from fastsym.regression.runner import run
from fastsym.regression.settings import Settings
from fastsym.regression.triples import LABELS

pytest_plugins = ("gate_fixtures",)

if os.name != "posix":
    pytest.skip("needs the signals of POSIX systems", allow_module_level=True)


ROOT = Path(__file__).parents[2]
TEST = "bench/test_count.py::test_count"


def no_progress(_fraction, _doing):
    pass


def gate(folder, tell=no_progress, **settings):
    """A run whose head is the working tree, against HEAD."""
    chosen = {"against": "HEAD", "bench": ("bench",), "budget": 120.0, "seed": 1}
    return run(open_repository(folder), Settings(**(chosen | settings)), tell)


@pytest.fixture
def untimed(monkeypatch):
    """End every run before anything is timed, as if there were no time; what was found until then stays."""

    def plan(*_args, **_options):
        raise runner.CannotJudgeError("nothing is timed here")

    monkeypatch.setattr(runner, "make_plan", plan)


def slower(folder):
    write(folder, SLOWER)


def test_a_slower_head_is_slower(folder, temporary):
    slower(folder)
    doings = []
    report = gate(folder, lambda fraction, doing: doings.append((fraction, doing)))
    assert (report.outcome, report.exit_status) == ("slower", EXIT_SLOWER)
    assert report.reason.startswith(f"{TEST} by ")
    (case,) = report.decision.cases
    assert case.change.low > 1.5
    assert case.clock == "processor"
    assert {sample.label for sample in report.samples} == {*LABELS}
    assert report.head.changed == ("src/toy_package/__init__.py",)
    assert report.versions["pytest"] == pytest.__version__
    assert doings[-1][0] > 0
    assert [fraction for fraction, _ in doings] == sorted(fraction for fraction, _ in doings)
    assert leftovers(folder, temporary) == []
    assert git(folder, "status", "--porcelain") == "M src/toy_package/__init__.py"


def test_a_faster_head_passes_and_is_told(folder):
    write(folder, SLOWER)
    commit(folder, "Slower")
    write(folder, FILES)
    report = gate(folder)
    assert report.exit_status in (PASS, CANNOT_JUDGE)  # a busy machine may hide small slowdowns, never this gain
    assert f"faster: {TEST} by " in report.reason


def test_equal_files_pass_at_once(folder, temporary):
    report = gate(folder)
    assert (report.outcome, report.exit_status) == ("pass", PASS)
    assert "same files" in report.reason
    assert report.samples == []
    assert leftovers(folder, temporary) == []


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"README.md": "Other\n"}, "only documentation differs (README.md)"),
        ({"src/toy_package/__init__.py": PACKAGE + "# a comment\n"}, "comments"),
        ({"src/toy_package/unused.py": "x = 1\n"}, "nothing differs that the 1 tests load"),
    ],
)
def test_what_the_timed_code_is_not_made_of_passes_at_once(folder, untimed, files, words):  # noqa: ARG001
    write(folder, files)
    report = gate(folder)
    assert report.exit_status == PASS
    assert words in report.reason


def test_a_file_that_a_test_reads_matters(folder, untimed):  # noqa: ARG001
    write(
        folder,
        {
            "bench/test_count.py": BENCH + "    open(__file__.rpartition('/')[0] + '/data.md').read()\n",
            "bench/data.md": "1",
        },
    )
    commit(folder, "Data")
    write(folder, {"bench/data.md": "2"})
    assert gate(folder).reason == "nothing is timed here"


def test_a_library_that_a_test_imports_late_matters(folder, untimed):  # noqa: ARG001
    write(folder, {"src/late.py": "x = 1\n", "bench/test_count.py": BENCH + "    import late\n"})
    commit(folder, "Late")
    write(folder, {"src/late.py": "x = 2\n"})
    assert gate(folder).reason == "nothing is timed here"


BREAKS = [
    ("src/toy_package/__init__.py", PACKAGE + "1 / 0\n", "ZeroDivisionError"),
    ("src/toy_package/__init__.py", "import a_module_that_is_nowhere\n", "a_module_that_is_nowhere"),
    ("src/toy_package/__init__.py", PACKAGE.replace("return total", "return total + 1"), "assert 19901 == 19900"),
    ("src/toy_package/__init__.py", PACKAGE.replace("total = 0", "import os; os._exit(7)"), "exit with 7"),
    (
        "src/toy_package/__init__.py",
        PACKAGE.replace("total = 0", "import os; os.kill(os.getpid(), 11)"),
        "crashed with SIGSEGV",
    ),
    ("conftest.py", "1 / 0\n", "ZeroDivisionError"),
]


@pytest.mark.parametrize(("name", "code", "words"), BREAKS)
def test_what_fails_at_the_head_alone_is_wrong(folder, temporary, name, code, words):
    write(folder, {name: code})
    report = gate(folder)
    assert (report.outcome, report.exit_status) == ("wrong", EXIT_SLOWER)
    assert words in report.reason
    assert leftovers(folder, temporary) == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [("{}['i']", "KeyError: 'i'"), ("__import__('fractions').Fraction(1, 0)", "ZeroDivisionError: Fraction(1, 0)")],
)
def test_what_is_wrong_is_said_with_its_place_in_the_project(folder, wrong, message):
    code = PACKAGE.replace("total = 0", f"total = {wrong}")
    write(folder, {"src/toy_package/__init__.py": code})
    line = next(number for number, text in enumerate(code.splitlines(), start=1) if wrong in text)
    reason = gate(folder).reason
    assert reason == f"{TEST} fails at the head alone: {message} (src/toy_package/__init__.py:{line})"


@pytest.mark.parametrize(("name", "code"), [BREAKS[0][:2], BREAKS[2][:2], BREAKS[4][:2]])
def test_what_fails_at_the_base_cannot_be_judged(folder, temporary, name, code):
    write(folder, {name: code})
    commit(folder, "Broken")
    write(folder, FILES)
    report = gate(folder)
    assert (report.outcome, report.exit_status) == ("cannot judge", CANNOT_JUDGE)
    assert leftovers(folder, temporary) == []


def test_one_file_that_does_not_import_is_wrong_though_others_do(folder):
    write(folder, {"bench/test_other.py": BENCH})
    commit(folder, "Two files")
    write(folder, {"bench/test_other.py": "import nowhere\n" + BENCH})
    report = gate(folder)
    assert report.outcome == "wrong"
    assert "bench/test_other.py fails at the head alone" in report.reason
    assert "nowhere" in report.reason


def test_a_test_that_fails_now_and_then_is_not_wrong(folder, untimed, tmp_path):  # noqa: ARG001
    mark = tmp_path / "mark"
    body = f"""
    benchmark(int)
    import toy_package, os
    if hasattr(toy_package, "VERSION") and os.path.exists({str(mark)!r}):
        os.remove({str(mark)!r})
        assert False
"""
    write(folder, {"bench/test_z.py": "def test_z(benchmark):" + body})
    commit(folder, "A test")
    write(folder, {"src/toy_package/__init__.py": PACKAGE + "VERSION = 2\n"})
    mark.touch()
    report = gate(folder)
    assert report.reason == "nothing is timed here"
    assert report.left_out == {"bench/test_z.py::test_z": "fails now and then"}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os; os.kill(os.getpid(), 9)", "killed by SIGKILL"),
        ("import time; time.sleep(99)", "before the time is up"),
    ],
)
def test_a_head_that_is_killed_or_hangs_cannot_be_judged(folder, temporary, code, words):
    write(folder, {"src/toy_package/__init__.py": PACKAGE + code})
    report = gate(folder, budget=8.0)
    assert (report.outcome, report.exit_status) == ("cannot judge", CANNOT_JUDGE)
    assert words in report.reason
    assert leftovers(folder, temporary) == []


def test_too_little_time_keeps_what_was_recorded(folder, monkeypatch):
    slower(folder)
    monkeypatch.setattr(runner, "RESERVE_SECONDS", 0.0)
    real = runner.make_plan
    monkeypatch.setattr(runner, "make_plan", lambda costs, start, _, rng: real(costs, start, 1e6, rng))
    monkeypatch.setattr(runner, "record_triple", _slow_triple(runner.record_triple))
    report = gate(folder, budget=15.0)
    assert report.exit_status == CANNOT_JUDGE
    assert "may be slower, and there was no time for" in report.reason
    assert 0 < len({sample.triple for sample in report.samples}) < 10
    content = json.loads(presentation.as_json(report))
    assert len(content["samples"]) == len(report.samples)


def test_stages_go_on_while_their_time_lasts(monkeypatch):
    """Screening has its least number of triples however long they take; confirmation ends with the run's time."""
    now = [0.0]
    monkeypatch.setattr(sides.time, "monotonic", lambda: now[0])
    clock = sides.Clock(100.0, lambda *_: None)
    session = runner._Session(None, Settings(), clock, Report(), np.random.default_rng(0))
    monkeypatch.setattr(session, "_triple", lambda *_: now.__setitem__(0, now[0] + 10.0))
    for limits, spent in (
        (runner.Limits(3, 8, 0.0), 30.0),
        (runner.Limits(3, 8, 55.0), 50.0),
        (runner.Limits(1, 2, 90.0), 20.0),
        (runner.Limits(0, 120, 98.0), 90.0),
        (runner.Limits(20, 120, 0.0), 100.0),
    ):
        now[0] = 0.0
        session._record("screening", (), {}, limits, "triple {}")
        assert now[0] == spent


def test_ends_of_processes_are_quick_and_clean(folder, temporary, tmp_path):
    """No plug-in is asked for a summary; what tests and plug-ins have to tidy up still is."""
    marks = tmp_path / "marks"
    marks.mkdir()
    conftest = f"""
import atexit, multiprocessing, pathlib, time, pytest
marks = pathlib.Path({str(marks)!r})

def pytest_terminal_summary():
    (marks / "summary").touch()

def pytest_sessionfinish():
    (marks / "finish").touch()

@pytest.fixture(scope="session", autouse=True)
def resource():
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,), daemon=True)
    child.start()
    with (marks / "pids").open("a") as file:
        file.write(f"{{child.pid}}\\n")
    atexit.register(lambda: (marks / "exit").touch())
    yield
    (marks / "teardown").touch()
"""
    write(folder, {"conftest.py": conftest})
    commit(folder, "Tidy up")
    slower(folder)
    assert gate(folder).exit_status == EXIT_SLOWER
    assert {path.name for path in marks.iterdir()} == {"finish", "teardown", "exit", "pids"}
    assert all(gone(int(pid)) for pid in (marks / "pids").read_text().split())
    assert leftovers(folder, temporary) == []


def _slow_triple(real):
    def record(*args, **options):
        time.sleep(2)
        return real(*args, **options)

    return record


def test_what_was_explored_in_half_of_the_time_is_timed(folder, monkeypatch):
    monkeypatch.setattr(exploration, "MOST_OF_THE_TIME", 0.0)
    more = "".join(f"\n\ndef test_more_{i}(benchmark):\n    benchmark(toy_package.count, 100)\n" for i in range(3))
    skipped = "\n\n@pytest.mark.skip\ndef test_skipped(benchmark):\n    pass\n"
    write(folder, {"bench/test_count.py": f"import pytest\n{BENCH}{skipped}{more}"})
    commit(folder, "More tests")
    slower(folder)
    report = gate(folder)
    assert report.outcome == "slower"
    assert [case.name for case in report.decision.cases] == [TEST]
    assert report.left_out == dict.fromkeys(
        [f"bench/test_count.py::test_{name}" for name in ("skipped", "more_0", "more_1", "more_2")], exploration.NO_TIME
    )
    assert not any("nothing of the checkout" in note for note in report.notes)


def test_no_time_at_all(folder):
    slower(folder)
    report = gate(folder, budget=2.0)
    assert report.exit_status == CANNOT_JUDGE
    assert "--budget" in report.reason


def test_other_results_are_a_note(folder, untimed):  # noqa: ARG001
    write(folder, {"bench/test_count.py": BENCH.replace("assert ", "").replace(" == 19900", "")})
    commit(folder, "Assert nothing")
    write(folder, {"src/toy_package/__init__.py": PACKAGE.replace("total = 0", "total = 0.5")})
    commit(folder, "A float")
    write(folder, {"src/toy_package/__init__.py": PACKAGE.replace("total = 0", "total = 0.25")})
    assert f"{TEST}: the head returns other numbers, by up to 1.3e-05 of their size" in gate(folder).notes
    assert f"{TEST}: the head returns something else" in gate(folder, against="HEAD~1").notes


def test_benchmarks_that_only_the_head_has(folder, untimed):  # noqa: ARG001
    write(folder, {"bench/test_new.py": BENCH})
    assert "only at the head, not compared: bench/test_new.py::test_count" in gate(folder).notes
    report = gate(folder, bench=("bench/test_new.py",))
    assert report.exit_status == CANNOT_JUDGE
    assert "base: expected bench/test_new.py; got no such file there; use --carry" in report.reason
    write(folder, SLOWER)
    assert gate(folder, bench=("bench/test_new.py",), carry=True).reason == "nothing is timed here"
    assert "name others with --bench" in gate(folder, bench=("nowhere",)).reason


def test_no_benchmarks(folder):
    write(folder, {"bench/test_count.py": "def test_nothing():\n    pass\n"})
    commit(folder, "None")
    slower(folder)
    assert "expected some on both sides that request the benchmark fixture" in gate(folder).reason


def test_code_of_the_working_tree_is_not_taken_for_the_checkouts(folder, untimed):  # noqa: ARG001
    """As an installation in place leads to where the checkouts do not come first on the path."""
    here = f"import sys\nsys.path.append({str(folder / 'lib')!r})\n"
    write(folder, {"lib/toy_two.py": "x = 1\n", "bench/test_count.py": "import toy_two\n" + BENCH, "conftest.py": here})
    commit(folder, "Elsewhere")
    slower(folder)
    report = gate(folder)
    assert "toy_two: expected it from the checkout" in report.reason
    assert "--path" in report.reason


def test_its_own_version_can_be_asked_for(folder, untimed):  # noqa: ARG001
    code = PACKAGE + "from importlib.metadata import version\nassert version('toy-package') == '3.4'\n"
    project = '[project]\nname = "toy-package"\nversion = "3.4"\n'
    write(folder, {"pyproject.toml": project, "src/toy_package/__init__.py": code})
    commit(folder, "A version")
    write(folder, {"src/toy_package/__init__.py": (folder / "src/toy_package/__init__.py").read_text() + "x = 1\n"})
    assert gate(folder, dist="toy-package").reason == "nothing is timed here"


def test_each_side_is_built_by_itself(folder, untimed, temporary):  # noqa: ARG001
    """A package that is only there once it is built; the build of both sides is in an environment of their own."""
    git(folder, "mv", "src", "sources")
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    command = f'touch built; cp -r sources/toy_package "$(python -c "{where}")"'
    commit(folder, "Needs a build")
    write(folder, {"sources/toy_package/__init__.py": PACKAGE.replace("return total", "return total + 1")})
    report = gate(folder, prepare=command)
    assert report.outcome == "wrong"
    assert "the control shares the base's build" in report.notes
    assert report.head.changed == ("sources/toy_package/__init__.py",)  # and nothing that the build has made
    failed = gate(folder, prepare="echo no compiler; exit 3")
    assert failed.outcome == "cannot judge"
    assert "--prepare ends with 3: no compiler" in failed.reason


# Suites as they are

SUITE = """
import random, threading, time, unittest
import pytest
from toy_package import count

@pytest.mark.parametrize("n", [1, 2], ids=["a[0]::b", "c d"])
def test_parametrised(benchmark, n):
    assert benchmark(count, n) == n * (n - 1) // 2

def test_decorator(benchmark):
    benchmark.extra_info["x"] = 1
    benchmark.group = "y"
    @benchmark
    def result():
        return count(3)
    assert result == 3

def test_pedantic(benchmark):
    seen = []
    def setup():
        seen.append("setup")
        return (3,), {}
    benchmark.pedantic(count, setup=setup, teardown=lambda n: seen.append("teardown"), rounds=3)
    assert len(seen) % 2 == 0
    assert seen == ["setup", "teardown"] * (len(seen) // 2)

def test_one_shot(benchmark):
    calls = []
    benchmark.pedantic(calls.append, args=(1,))
    assert calls == [1]

def test_stats(benchmark):
    benchmark(count, 3)
    assert benchmark.stats.stats.mean > 0
    assert benchmark.stats["min"] > 0

@pytest.mark.benchmark(timer=time.process_time, max_time=0.1, warmup=True)
@pytest.mark.timeout(0.0001)
def test_markers(benchmark):
    benchmark(count, 3)

class TestOrder:
    seen = []
    def test_first(self, benchmark):
        self.seen.append(1)
        benchmark(count, 4)
    def test_second(self, benchmark):
        assert self.seen
        benchmark(count, 5)

class TestUnit(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def keep(self, benchmark):
        self.benchmark = benchmark
    def test_unit(self):
        self.assertEqual(self.benchmark(count, 3), 3)

@pytest.fixture(scope="module")
def data():
    yield [1, 2, 3]

@pytest.fixture
def call_async(benchmark):
    import asyncio
    def call(function, *args):
        return benchmark(lambda: asyncio.run(function(*args)))
    return call

def test_fixtures(benchmark, data, tmp_path):
    assert benchmark(sum, data) == 6

def test_async(call_async):
    async def work(n):
        return count(n)
    assert call_async(work, 3) == 3

def test_random(benchmark):
    benchmark(count, random.randrange(3))

def test_generator_runs_out(benchmark):
    numbers = iter(range(5))
    benchmark(lambda: list(numbers))

def test_grows(benchmark):
    found = []
    def work():
        found.extend([0] * 20)
        return count(len(found)) and None
    benchmark(work)

def test_counts_its_calls(benchmark):
    calls = []
    benchmark(calls.append, 1)
    assert len(calls) == 1

def test_its_own_time(benchmark):
    benchmark(count, 3)
    assert benchmark.stats.stats.mean < 0

@pytest.mark.skip(reason="not today")
def test_skipped(benchmark):
    benchmark(count, 3)

def test_twice(benchmark):
    benchmark(count, 3)
    benchmark(count, 3)

def test_plain():
    assert False
"""
ADDOPTS = "-x --ff --benchmark-disable --benchmark-autosave --strict-markers --strict-config -n 2 --durations=3"
INI = """
[pytest]
addopts = {addopts}
filterwarnings = error
markers = timeout: of a plug-in that is not here
"""


@pytest.fixture
def explored(folder, monkeypatch):
    """Run everything once; returns the report, and what would have been timed."""
    seen = {}

    def plan(costs, *_args):
        seen.update(costs)
        raise runner.CannotJudgeError("nothing is timed here")

    monkeypatch.setattr(runner, "make_plan", plan)

    def explore(files, change, **settings):
        write(folder, files)
        commit(folder, "Suite")
        write(folder, change)
        report = gate(folder, **settings)
        assert report.reason == "nothing is timed here", report.reason
        return report, {name.partition("::")[2] for name in seen}

    return explore


def test_all_that_pytest_benchmark_offers(explored):
    files = {"bench/test_count.py": SUITE, "pytest.ini": INI.format(addopts=ADDOPTS)}
    report, timed = explored(files, {"src/toy_package/__init__.py": PACKAGE + "x = 1\n"})
    assert timed == {
        "test_parametrised[a[0]::b]", "test_parametrised[c d]", "test_decorator", "test_pedantic", "test_one_shot",
        "test_stats", "test_markers", "TestOrder::test_first", "TestOrder::test_second", "TestUnit::test_unit",
        "test_fixtures", "test_async", "test_random", "test_generator_runs_out", "test_grows",
    }  # fmt: skip
    left_out = {name.partition("::")[2]: why for name, why in report.left_out.items()}
    assert left_out.keys() == {"test_counts_its_calls", "test_its_own_time", "test_skipped", "test_twice"}
    assert left_out["test_counts_its_calls"].startswith("fails on both sides: ")
    assert left_out["test_its_own_time"].startswith("asserts on its own time: ")
    assert left_out["test_skipped"] == "is skipped: Skipped: not today"
    repeating = {note.split()[0].rpartition("::")[2] for note in report.notes if "changes with repetition" in note}
    assert "test_generator_runs_out" in repeating  # whether test_grows is told, too, is a matter of its times
    assert not any("the head returns" in note for note in report.notes)


LIMIT = """
def test_limit(benchmark):
    benchmark(toy_package.count, 3)
    assert benchmark.stats["mean"] < getattr(toy_package, "LIMIT", 1)
"""


def test_a_time_that_is_asserted_on_is_never_wrong(explored):
    change = {"src/toy_package/__init__.py": PACKAGE + "LIMIT = 0\n"}
    report, timed = explored({"bench/test_count.py": BENCH + LIMIT}, change)
    assert timed == {"test_count"}
    assert next(iter(report.left_out.values())).startswith("asserts on its own time")


def test_a_fixture_of_the_project_instead_of_pytest_benchmarks(explored):
    fixture = "import pytest\n@pytest.fixture\ndef benchmark():\n    return lambda f, *a: f(*a)\n"
    files = {"conftest.py": fixture, "pytest.ini": "[pytest]\naddopts = -p no:benchmark\n"}
    _, timed = explored(files, {"src/toy_package/__init__.py": PACKAGE + "x = 1\n"})
    assert timed == {"test_count"}


def test_a_module_that_is_imported_by_a_plugin_argument(explored):
    _, timed = explored(
        {"bench/test_count.py": BENCH + BENCH.replace("test_count", "test_two")},
        {"src/toy_package/__init__.py": PACKAGE + "x = 1\n"},
        pytest_args=("-k", "two"),
    )
    assert timed == {"test_two"}


def test_a_test_that_takes_too_long_is_named(folder, monkeypatch):
    write(
        folder,
        {"bench/test_count.py": BENCH + "def test_long(benchmark):\n    import time\n    benchmark(time.sleep, 0.6)\n"},
    )
    commit(folder, "Long")
    slower(folder)
    monkeypatch.setattr(runner, "LARGEST_SHARE", 0.01)
    report = gate(folder)
    assert report.outcome == "slower"
    assert "takes too long" in report.left_out["bench/test_count.py::test_long"]


# Signals


def start(folder, *arguments):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    return subprocess.Popen(
        [sys.executable, "-m", "fastsym.regression", "--against", "HEAD", "--bench", "bench", *arguments],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def gone(pid, seconds=20.0):
    """Wait until a process is no more."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


def lines_of(path, seconds=60.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if path.exists() and path.read_text().endswith("\n"):
            return path.read_text().split()
        time.sleep(0.02)
    raise AssertionError(f"{path} was not written")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_signals_end_it_and_leave_nothing(folder, temporary, tmp_path, number, status):
    """Also what the benchmarks themselves had started, unless the gate had no time to say goodbye."""
    pids = tmp_path / "pids"
    note = f"""
import os, subprocess, tempfile, time
other = subprocess.Popen(["sleep", "600"])
tempfile.mkdtemp()
open({str(pids)!r}, "a").write(f"{{os.getpid()}} {{other.pid}}\\n")
time.sleep(600)
"""
    write(folder, {"src/toy_package/__init__.py": PACKAGE + note})
    with start(folder) as process:
        found = [int(word) for word in lines_of(pids)]
        process.send_signal(number)
        out, err = process.communicate(timeout=600)
    assert process.returncode == status
    assert "Traceback" not in err + out
    assert all(gone(pid) for pid in found[:1])
    if number == signal.SIGKILL:
        os.kill(found[1], signal.SIGKILL)
        git(folder, "checkout", "--quiet", ".")
        assert gate(folder).exit_status == PASS  # and clears what the other left
    else:
        assert "stopped by " + number.name in err
        assert gone(found[1])
    assert leftovers(folder, temporary) == []


def test_a_signal_during_a_checkout_leaves_nothing(folder, temporary, tmp_path):
    started = tmp_path / "started"
    slow = tmp_path / "bin/git"
    slow.parent.mkdir()
    path = os.environ["PATH"]
    wait = f'case "$*" in *read-tree*) echo x > "{started}"; sleep 1;; esac'
    slow.write_text(f'#!/bin/sh\n{wait}\nPATH="{path}" exec git "$@"\n')
    slow.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{slow.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTHONSAFEPATH": "1",
    }
    command = [sys.executable, "-m", "fastsym.regression", "--against", "HEAD", "--bench", "bench"]
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True) as process:
        lines_of(started)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=600)
    assert process.returncode == 143
    assert "stopped by SIGTERM" in err
    assert leftovers(folder, temporary) == []
    assert not list((folder / ".git").glob("worktrees/*"))
