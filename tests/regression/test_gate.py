"""Whole runs of the gate on toy packages, with made-up times where a verdict is tested, and its command line."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import posix_only
from gate_repository import commit, git, leftovers, make, write
from typer.testing import CliRunner

from fastsym.regression import app, presentation, runner
from fastsym.regression.cells import CELLS, Cell
from fastsym.regression.command import chosen_cells
from fastsym.regression.decision import LEAST_SLOTS
from fastsym.regression.outcome import CANNOT_JUDGE, PASS, SLOWER
from fastsym.regression.runner import Settings, run
from fastsym.regression.slots import COLUMNS
from fastsym.regression.worktree import open_repository

ROOT = Path(__file__).parents[2]
DEFAULT = CELLS[0].name


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Where temporary folders are made, by our own process and by others."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path, temporary):  # noqa: ARG001
    """A repository with a commit without the package, and one with it."""
    folder = make(tmp_path / "repository")
    write(folder)
    commit(folder, "Add the package | with `marks`")
    return folder


@pytest.fixture(autouse=True, scope="module")
def machine():
    """Asked once: the processor's name takes a second to find out."""
    described = runner.describe_machine()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "describe_machine", lambda: described)
        yield


def no_progress(_fraction, _doing):
    pass


def gate(folder, tell=no_progress, **settings):
    """A run whose head is the working tree, against HEAD."""
    chosen = {"against": "HEAD", "cells": CELLS[:1], "budget_seconds": 60.0, "block_seconds": 1e-4, "seed": 1}
    return run(open_repository(folder), Settings(**(chosen | settings)), tell)


@pytest.fixture
def recorded(monkeypatch):
    """Make up times: in each recording the head takes that factor longer in the first cell. Returns what was asked."""
    calls = []

    def use(*factors, seconds=0.0, noise=0.002):
        factor = itertools.chain(factors, itertools.repeat(factors[-1]))
        current = {}

        def record(trees, cells, rng, *, slot, **_options):
            names = tuple(cell.name for cell in cells)
            if names not in current:
                current[names] = next(factor)
            calls.append((slot, names))
            time.sleep(seconds)
            rows = [
                (slot, name, label, 1e-6 * np.exp(noise * rng.standard_normal()) * slow)
                for name in names
                for label in trees
                for slow in [current[names] if label == "head" and name == names[0] else 1.0]
            ]
            return pd.DataFrame(rows, columns=list(COLUMNS))

        monkeypatch.setattr(runner, "record_slot", record)
        return calls

    return use


def test_nothing_changed(folder, temporary, recorded):
    calls = recorded(1.0)
    report = gate(folder, cells=CELLS)
    assert (report.outcome, report.exit_status) == ("pass", PASS)
    assert {cell.verdict for cell in report.decision.cells} == {"same"}
    assert [slot for slot, _ in calls] == list(range(len(calls)))
    assert {names for _, names in calls} == {tuple(cell.name for cell in CELLS)}
    assert report.head.changed == ()
    assert leftovers(folder, temporary) == []


def test_a_slowdown_is_measured_again(folder, recorded):
    calls = recorded(1.2)
    report = gate(folder, cells=CELLS)
    assert (report.outcome, report.exit_status) == ("slower", SLOWER)
    assert [c.name for c in report.decision.cells if c.verdict == "slower"] == [DEFAULT]
    again = [slot for slot, names in calls if names == (DEFAULT,)]
    assert len(again) >= LEAST_SLOTS
    assert set(report.rerun["slot"]) == set(again)
    assert set(report.rerun["slot"]).isdisjoint(report.slots["slot"])
    assert report.decision.cells[0].rerun.ratio == pytest.approx(1.2, rel=0.01)


def test_a_slowdown_that_does_not_come_again(folder, recorded):
    recorded(1.2, 1.0)
    report = gate(folder, cells=CELLS[:2])
    assert report.outcome == "pass"
    assert report.exit_status == PASS
    assert "inconclusive" in [c.verdict for c in report.decision.cells]


def test_a_speed_up_is_shown(folder, recorded):
    recorded(0.8)
    report = gate(folder)
    assert report.exit_status == PASS
    assert [c.verdict for c in report.decision.cells] == ["faster"]


def test_recording_goes_on_while_intervals_are_wide(folder, recorded):
    calls = recorded(1.0, noise=0.08, seconds=0.05)
    report = gate(folder, budget_seconds=4.0)
    assert len(calls) > LEAST_SLOTS
    assert report.seconds < 15


def test_too_little_time_for_the_slots(folder, temporary, recorded):
    calls = recorded(1.0, seconds=0.4)
    report = gate(folder, budget_seconds=2.5)
    assert (report.outcome, report.exit_status) == ("cannot judge", CANNOT_JUDGE)
    assert f"slots: expected at least {LEAST_SLOTS} of all cells within 2 s; got {len(calls)}" in report.reason
    assert "--budget" in report.reason
    assert 0 < len(calls) < LEAST_SLOTS
    assert leftovers(folder, temporary) == []


def test_too_little_time_for_the_rerun(folder, recorded, monkeypatch):
    recorded(1.2, seconds=0.1)
    monkeypatch.setattr(runner, "RERUN_SHARE", 0.0)
    monkeypatch.setattr(runner, "enough", lambda slots: False)  # noqa: ARG005
    report = gate(folder, budget_seconds=3.0)
    assert report.exit_status == CANNOT_JUDGE
    assert f"again, of {DEFAULT} alone" in report.reason


def test_a_dirty_head_says_so(folder, recorded):
    recorded(1.0)
    write(folder, "LOOPS = 1001\n")
    (folder / "new.py").write_text("")
    report = gate(folder)
    assert report.head.changed == ("fastsym/__init__.py", "new.py")
    assert "with 2 files changed since: fastsym/__init__.py, new.py" in "\n".join(presentation.lines(report))


def test_the_changed_code_is_what_is_timed(folder, recorded):
    """And the base is not: it stays the commit."""
    recorded(1.0)
    write(folder, "del VARIANTS['simd']\n")
    report = gate(folder, cells=(Cell("simd", 4, 10), Cell("fused", 4, 10)))
    assert report.notes[0] == "simd H=4 float64 is left out: no variant 'simd' in head"
    assert [cell.name for cell in report.decision.cells] == ["fused H=4 float64"]


def test_no_cell_that_both_have(folder):
    write(folder, "VARIANTS.clear()\n")
    report = gate(folder)
    assert report.exit_status == CANNOT_JUDGE
    assert "cells: expected one that both revisions have; got none" in report.reason


def test_a_wrong_head_is_wrong_and_not_timed(folder, temporary, recorded):
    calls = recorded(0.1)
    write(folder, passed=False)
    report = gate(folder)
    assert (report.outcome, report.exit_status) == ("wrong", SLOWER)
    assert report.reason == "simd float64 of the head computes wrong results: dW1: 7 times the bound"
    assert calls == []
    assert leftovers(folder, temporary) == []


def test_a_wrong_base_cannot_be_judged(folder, recorded):
    calls = recorded(0.1)
    write(folder, passed=False)
    commit(folder, "Break it")
    write(folder)
    report = gate(folder)
    assert (report.outcome, report.exit_status) == ("cannot judge", CANNOT_JUDGE)
    assert "simd float64 of the base computes wrong results" in report.reason
    assert calls == []


def test_a_revision_without_a_check_is_said_to_have_none(folder, recorded):
    recorded(1.0)
    write(folder, passed=None)
    commit(folder, "No check")
    write(folder)
    report = gate(folder)
    assert "the base has no fastsym.agreement: it is timed without a certificate" in report.notes
    assert list(presentation.certified(report)) == ["head: certified simd float64"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import a_module_that_is_nowhere", "ModuleNotFoundError"),
        ("sys.exit(7)", "exit with 7"),
        ("def train(*_): raise ValueError('bad build')", "ValueError: bad build"),
    ],
)
def test_a_revision_that_does_not_build(folder, temporary, code, reason):
    write(folder, code)
    head = gate(folder)
    assert (head.outcome, head.exit_status) == ("wrong", SLOWER)
    assert head.reason.startswith("the head fails: ")
    assert reason in head.reason
    commit(folder, "Does not build")
    write(folder)
    base = gate(folder)
    assert (base.outcome, base.exit_status) == ("cannot judge", CANNOT_JUDGE)
    assert base.reason.startswith("the base fails: ")
    assert reason in base.reason
    assert "--against" in base.reason
    assert leftovers(folder, temporary) == []


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param("os.kill(os.getpid(), 9)", "killed by SIGKILL", marks=posix_only),
        ("time.sleep(99)", "before the time is up"),
    ],
)
def test_a_head_that_dies_or_hangs_cannot_be_judged(folder, temporary, code, reason):
    write(folder, code)
    report = gate(folder, budget_seconds=2.0)
    assert (report.outcome, report.exit_status) == ("cannot judge", CANNOT_JUDGE)
    assert reason in report.reason
    assert leftovers(folder, temporary) == []


class Lost:
    """Stands for a difference of generated code."""

    kernel, loop, message = "fused", "hidden_forward", "8 lanes became 1"
    fails = True

    def __str__(self):
        return f"{self.kernel}, {self.loop}: {self.message}"


def test_lost_vectorisation_fails_before_anything_is_timed(folder, recorded, monkeypatch):
    calls = recorded(1.0)
    seen = []

    def compare(base, head):
        seen.append((base, head))
        return [Lost()]

    def prepare(_trees, _wanted, _clock, report):
        report.fingerprints = {"base": {"width": 512}, "head": {"width": 64}}
        return CELLS[:1]

    monkeypatch.setattr(runner, "_prepare", prepare)
    monkeypatch.setattr(runner.codediff, "compare", compare)
    report = gate(folder)
    assert seen == [({"width": 512}, {"width": 64})]
    assert (report.outcome, report.exit_status) == ("slower", SLOWER)
    assert "fused, hidden_forward: 8 lanes became 1" in report.reason
    assert calls == []


def test_presentations_agree(folder, recorded):
    recorded(1.2)
    write(folder, "LOOPS = 1001\n")
    report = gate(folder, cells=CELLS)
    content = json.loads(presentation.as_json(report))
    assert content["outcome"] == "slower"
    assert content["base"]["commit"] == git(folder, "rev-parse", "HEAD")
    assert content["head"]["changed"] == ["fastsym/__init__.py"]
    assert content["machine"]["versions"]["numba"]
    assert content["certificates"]["head"]["simd float32"]["passed"] is True
    assert content["seed"] == 1
    assert len(content["slots"]) == len(report.slots)
    assert set(content["slots"][0]) == set(COLUMNS)
    assert len(content["rerun"]) == len(report.rerun) > 0
    worst = content["cells"][0]
    assert (worst["name"], worst["verdict"]) == (DEFAULT, "slower")
    assert worst["ratio"]["ratio"] == pytest.approx(1.2, rel=0.01)
    page = presentation.markdown(report)
    table = [line for line in page.splitlines() if line.startswith("|")]
    assert len(table) == 2 + len(CELLS)
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1
    assert table[2].startswith(f"| {DEFAULT} |")
    assert f"{worst['ratio']['ratio'] - 1:+.1%} (" in table[2]
    assert "**slower**" in page
    assert "Add the package \\| with \\`marks\\`" in page


def test_what_is_not_finite_is_null_in_json(folder):
    report = gate(folder, against="nonsense")
    report.certificates["head"] = {"simd float64": {"passed": False, "record": {"worst_error": float("nan")}}}
    content = json.loads(presentation.as_json(report))
    assert content["certificates"]["head"]["simd float64"]["record"]["worst_error"] is None
    assert content["slots"] == []
    assert "expected a commit" in content["reason"]


def test_cells_are_chosen_by_words():
    assert chosen_cells(None) == CELLS
    assert chosen_cells("simd H=4") == CELLS[:1]
    assert [cell.name for cell in chosen_cells(" float32 ,parallel")] == ["simd H=64 float32", "parallel H=256 float64"]
    assert chosen_cells("simd H=4, simd H=4") == CELLS[:1]
    assert set(chosen_cells("simd")) < set(CELLS)


# The command line


@pytest.fixture
def command(folder, monkeypatch):
    def call(*arguments):
        monkeypatch.chdir(folder)
        return CliRunner().invoke(app, ["--quiet", *arguments])

    return call


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--against", "nonsense"), "revision 'nonsense': expected a commit, branch or tag"),
        (("--against", "HEAD~1"), "expected fastsym/__init__.py in it"),
        ((), "'HEAD~1': expected fastsym/__init__.py in it"),  # on main: the commit before
        (("--against", "HEAD", "--budget", "1"), "before the time is up"),
    ],
)
def test_what_cannot_be_judged_ends_with_2(command, folder, temporary, arguments, reason):
    write(folder, "time.sleep(99)")
    if "HEAD" not in arguments:
        git(folder, "checkout", "--quiet", ".")
    result = command(*arguments)
    assert result.exit_code == CANNOT_JUDGE
    assert f"cannot judge: {reason}" in result.stderr or (reason in result.stderr and "cannot judge: " in result.stderr)
    assert leftovers(folder, temporary) == []


def test_outside_a_repository_and_without_git(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["--json", "-"])
    assert result.exit_code == CANNOT_JUDGE
    assert "expected a git repository; got none" in result.stderr
    assert json.loads(result.stdout)["outcome"] == "cannot judge"
    monkeypatch.setenv("PATH", str(tmp_path))
    result = CliRunner().invoke(app, [])
    assert result.exit_code == CANNOT_JUDGE
    assert "git not found" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("--cells", "nothing"), "--cells"),
        (("--cells", "simd,,fused"), "--cells"),
        (("--budget", "0"), "--budget"),
        (("--budget", "nan"), "--budget"),
        (("--min-slots", "1"), "--min-slots"),
        (("--seed", "-1"), "--seed"),
        (("--tolerance", "0.2"), "--tolerance"),
        (("one.json",), "expected two files"),
        (("one.json", "two.json", "three.json"), "expected two files"),
    ],
)
def test_bad_input_is_named(command, arguments, name):
    result = command(*arguments)
    assert result.exit_code == 2
    assert name in result.stderr


def test_files_and_the_summary_of_a_workflow(command, recorded, tmp_path, monkeypatch):
    recorded(1.2)
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    result = command("--against", "HEAD", "--json", str(tmp_path / "a.json"), "--markdown", str(tmp_path / "a.md"))
    assert result.exit_code == SLOWER
    assert f"slower: {DEFAULT}" in result.stdout
    assert "parallel H=256 float64" in result.stdout
    assert result.stderr == ""  # --quiet
    assert json.loads((tmp_path / "a.json").read_text())["exit_status"] == SLOWER
    assert summary.read_text() == "before\n" + (tmp_path / "a.md").read_text()
    only = command("--against", "HEAD", "--markdown", "-")
    assert only.stdout.startswith("### Performance gate\n")
    explained = command("--against", "HEAD", "--explain", "--json", "-")
    assert explained.stdout.endswith("no generated code to show\n")
    missing = command("--against", "HEAD", "--json", str(tmp_path / "nowhere/a.json"))
    assert missing.exit_code == CANNOT_JUDGE
    assert "the result could not be written" in missing.stderr


def start(folder, *arguments):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    return subprocess.Popen(
        [sys.executable, "-m", "fastsym.regression", "--against", "HEAD", *arguments],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@posix_only
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_it_and_leave_nothing(folder, temporary, tmp_path, number, status):
    pids = tmp_path / "pids"
    write(folder, f"open({str(pids)!r}, 'a').write(f'{{os.getpid()}}\\n')\ntime.sleep(600)\n")
    with start(folder) as process:
        for _ in range(30_000):
            if pids.exists() and pids.read_text():
                break
            time.sleep(0.02)
        process.send_signal(number)
        out, err = process.communicate(timeout=600)
    assert process.returncode == status
    assert "stopped by " + number.name in err
    assert "Traceback" not in err + out
    assert "loading both revisions" in err  # progress, in plain lines
    assert leftovers(folder, temporary) == []
    for pid in pids.read_text().split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def test_real_times_show_a_real_slowdown(folder, temporary, monkeypatch):
    monkeypatch.setattr(runner, "enough", lambda slots: True)  # noqa: ARG005
    write(folder, "LOOPS = 10_000\n")
    commit(folder, "Base")
    write(folder, "LOOPS = 40_000\n")
    doings = []
    report = gate(folder, lambda fraction, doing: doings.append((fraction, doing)), block_seconds=1e-3)
    assert report.exit_status == SLOWER
    assert report.decision.cells[0].ratio.low > 1.5
    assert set(report.slots["label"]) == {"base", "again", "head"}
    assert report.slots["slot"].nunique() == LEAST_SLOTS
    assert report.rerun["slot"].nunique() == LEAST_SLOTS
    assert "no generated code was compared: a revision does not use Numba" in report.notes
    fractions = [fraction for fraction, _ in doings]
    assert fractions == sorted(fractions)
    assert any(f"slot {LEAST_SLOTS} of all cells; at most" in doing for _, doing in doings)
    assert leftovers(folder, temporary) == []
