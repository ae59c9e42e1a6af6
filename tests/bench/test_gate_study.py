"""The study of the gate: slowed copies, recordings that survive anything, and decisions replayed on known noise."""

import ast
import contextlib
import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from typer.testing import CliRunner

from bench import gate_replay, gate_study, gate_trees
from bench.gate_replay import Groups, StudyError, label_of, rates_of, read_groups, replay
from fastsym.regression.findings import Report
from fastsym.regression.triples import LABELS, Sample
from fastsym.report.recorded import read_gate

ROOT = Path(__file__).parents[2]

# The repositories


@pytest.fixture
def kernels(tmp_path):
    ignored = shutil.ignore_patterns("__pycache__")
    return shutil.copytree(ROOT / "fastsym" / "kernels", tmp_path / "kernels", ignore=ignored)


def test_a_slowed_kernel_differs_in_one_place(kernels):
    before = {path: path.read_text(encoding="utf-8") for path in kernels.glob("*.py")}
    gate_trees.slow_down(kernels, 0.125)
    changed = [path for path, text in before.items() if path.read_text(encoding="utf-8") != text]
    assert len(changed) == 1
    code = changed[0].read_text(encoding="utf-8")
    added = [line for line in code.splitlines() if line not in before[changed[0]].splitlines()]
    assert len(added) == len(gate_trees.EXTRA.splitlines()) + 1  # and an import
    calls = [n.func.id for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Call) and hasattr(n.func, "id")]
    assert "slice_sums" in calls[calls.index("hidden_forward") :]
    assert "0.125 * plan.groups" in code


@pytest.mark.parametrize("times", [0, 2])
def test_a_kernel_that_the_study_does_not_know_is_refused(kernels, times):
    for path in kernels.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        found = gate_trees.MARKER.search(text)
        if found:
            path.write_text(text.replace(found[0], "\n".join([found[0]] * times)), encoding="utf-8")
    with pytest.raises(gate_trees.UnknownKernelError, match=f"got {times}"):
        gate_trees.slow_down(kernels, 0.1)


@pytest.mark.parametrize("share", [0.0, 0.038, 0.375, 1.0])
def test_over_the_iterations_the_share_comes_out_right(share):
    first, second, *_ = gate_trees.EXTRA.format(share=share).splitlines()
    groups, slices, counts = 56, 5, []

    class Plan:
        pass

    Plan.groups, Plan.slices = groups, slices
    for i in range(500):
        for s in range(slices):
            names = {"i": i, "s": s, "plan": Plan}
            exec(f"{first}\n{second}", names)
            counts.append(names["repeated"])
    assert sum(counts) / (500 * groups) == pytest.approx(share, abs=1 / (500 * groups))
    assert max(counts) - min(counts) <= 1


def test_the_suite_does_more_of_the_same(tmp_path):
    folder = gate_trees.make_suite(tmp_path / "suite")
    names: dict = {}
    exec((folder / "studied/work.py").read_text().replace("@numba.njit(cache=True)\n", ""), names)
    for kind, units in gate_trees.CASES:
        assert units >= 100, "2 % more has to be a whole number of units"
        assert callable(names[kind])
    assert names["arithmetic"](10) == sum(i * i % 7 for i in range(10))
    assert len(gate_trees.CASES) == 50
    gate_trees.slow_test(folder, "text-100", 0.05)
    extra: dict = {}
    exec((folder / gate_trees.EXTRA_FILE).read_text(), extra)
    assert extra["EXTRA"] == {"text-100": 0.05}
    assert "studied/extra.py" in gate_study.open_repository(folder).files()


# Recordings


def table_of(count, effects=gate_trees.EFFECTS, tests=12, sd=0.01, seed=0):
    """Recorded groups whose heads take as much longer as they say."""
    rng = np.random.default_rng(seed)
    rows = []
    for triple in range(count):
        for test in range(tests):
            for label, effect in [("base", 0.0), ("control", 0.0), *((label_of(e), e) for e in effects)]:
                seconds = 1e-3 * (1 + effect) * np.exp(sd * rng.normal())
                rows.append(Sample("recorded", triple, f"test {test}", label, seconds, seconds, seconds))
    return pd.DataFrame(rows)


@pytest.fixture
def recorder(monkeypatch, tmp_path):
    """The command ``record`` with made-up process groups; returns a function that runs it."""
    monkeypatch.setattr(gate_study, "describe_machine", lambda: {"cpu": "any"})
    monkeypatch.setattr(gate_study, "explore", lambda *_: None)
    asked = []

    def record_triple(sides, _tests, _manners, _rng, *, number, into, **_options):
        asked.append([side.label for side in sides])
        made = table_of(1, tests=3, seed=number).assign(triple=number)
        into += [Sample(*row) for row in made.itertuples(index=False)]
        if number == interrupt[0]:
            os.kill(os.getpid(), signal.SIGINT)

    interrupt = [-1]
    monkeypatch.setattr(gate_study, "record_triple", record_triple)

    def run(groups, *options):
        folders = "--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")
        return CliRunner().invoke(gate_study.app, ["record", "--groups", str(groups), "--quiet", *folders, *options])

    run.path, run.asked, run.interrupt = tmp_path / "out" / "suite-quiet.csv", asked, interrupt
    return run


def test_a_recording_goes_on_where_it_ended(recorder):
    assert recorder(2).exit_code == 0
    assert recorder.asked == [["base", "control", "slow-00", "slow-02", "slow-05", "slow-10", "slow-20"]] * 2
    before = recorder.path.read_text()
    assert recorder(4).exit_code == 0
    assert len(recorder.asked) == 4
    assert read_groups(recorder.path)["triple"].unique().tolist() == [0, 1, 2, 3]
    assert recorder.path.read_text().startswith(before[:1000])
    assert recorder(4).exit_code == 0
    assert len(recorder.asked) == 4
    assert json.loads((recorder.path.parent / "suite-quiet.json").read_text())["machine"] == {"cpu": "any"}


@pytest.mark.parametrize("lost", [1, 30, 300])
def test_a_group_that_was_cut_off_is_recorded_again(recorder, lost):
    recorder(3)
    whole = recorder.path.read_text()
    recorder.path.write_text(whole[:-lost])
    recorder(3)
    assert read_groups(recorder.path).groupby("triple").size().tolist() == [21, 21, 21]
    assert len(recorder.asked) == 4


def test_ctrl_c_ends_after_the_group_in_flight(recorder):
    recorder.interrupt[0] = 1
    assert recorder(5).exit_code == 0
    assert read_groups(recorder.path)["triple"].unique().tolist() == [0, 1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_folder_in_use_is_refused(recorder):
    recorder.path.parent.mkdir()
    with FileLock(recorder.path.parent / "lock"):
        result = recorder(1)
    assert result.exit_code == 1
    assert "no other process writes" in result.stderr


def test_the_neighbour_works_and_ends_with_who_started_it():
    with gate_study.busy_neighbour(0) as process:
        assert process.poll() is None
        process.stdin.close()  # as the system does when this process is killed
        assert process.wait(30) == 0


# Replays


def test_a_replayed_run_sees_the_test_that_was_slowed():
    groups = Groups(table_of(60))
    rng = np.random.default_rng(0)
    slow = replay(groups, {"test 3": 0.1}, range(48), rng)
    assert {case.name for case in slow.cases if case.verdict == "slower"} == {"test 3"}
    assert replay(groups, {}, range(48), rng).exit_status == 0
    few = Groups(table_of(60, tests=4))
    assert {c.name for c in replay(few, {"test 3": 0.1}, range(40), rng).cases if c.verdict == "slower"} == {"test 3"}


def test_samples_are_of_the_sides_that_were_asked_for():
    groups = Groups(table_of(3, tests=2, sd=0.0))
    found = groups.samples([2, 0], ["test 1"], {"test 1": 0.2}, "screening", 7)
    assert [(s.triple, s.label) for s in found] == [(n, label) for n in (7, 8) for label in LABELS]
    assert found[2].processor_seconds == pytest.approx(1.2e-3)
    assert found[0].processor_seconds == pytest.approx(1e-3)


def test_the_table_of_rates(tmp_path):
    (tmp_path / "reports" / "gate").mkdir(parents=True)
    out = tmp_path / "reports" / "gate"
    table_of(60).to_csv(out / "suite-quiet.csv", index=False)
    table_of(45, tests=4).to_csv(out / "own-busy.csv", index=False)
    result = CliRunner().invoke(gate_study.app, ["table", "--out", str(out), "--replays", "10", "--quiet"])
    assert result.exit_code == 0, result.output
    (tmp_path / "pyproject.toml").touch()
    rates = read_gate(tmp_path)
    assert set(rates["suite"]) == {"suite", "own"}
    quiet = rates[rates["suite"] == "suite"].set_index("slowdown_nominal")
    assert quiet.index.tolist() == [0.0, 0.02, 0.05, 0.1, 0.2]
    assert quiet.loc[0.0, "detected"] == 0
    assert quiet.loc[0.0, "high"] > 0.5  # 60 groups are one whole run
    assert (quiet.loc[0.05:, "rate"] == 1).all()
    for effect in (0.05, 0.1, 0.2):
        assert quiet.loc[effect, "slowdown_actual"] == pytest.approx(effect, abs=0.01)
    assert (quiet["low"] <= quiet["rate"]).all()
    assert "| suite | quiet | " in result.output


def test_a_recording_shorter_than_a_run_makes_no_table():
    with pytest.raises(StudyError, match="expected at least 36 groups; got 35"):
        rates_of(table_of(35), "quiet", "suite", 5, lambda *_: None)
    with pytest.raises(StudyError, match="expected a recording; got none"):
        read_groups(Path("nowhere.csv"))


def test_live_runs_are_kept_and_go_on(monkeypatch, tmp_path):
    seen = []

    def run(repository, settings, _tell):
        text = (repository.root / gate_trees.EXTRA_FILE).read_text()
        seen.append((settings.seed, text, settings.bench))
        report = Report(seed=settings.seed)
        report.end("pass", "made up", 0)
        return report

    monkeypatch.setattr(gate_study, "run", run)
    options = ["live", "--quiet", "--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")]
    result = CliRunner().invoke(gate_study.app, [*options, "--runs", "1"])
    assert result.exit_code == 0, result.output
    assert len(seen) == len(gate_trees.EFFECTS)
    assert [f": {effect}" in text for effect, (_, text, _) in zip(gate_trees.EFFECTS, seen, strict=True)] == [True] * 5
    assert "| suite | quiet | 5% | 180 | 1 | 0 of 1 (0% to 98%) | 0 of 1 (0% to 98%) | 0 | 0 |" in result.stdout
    CliRunner().invoke(gate_study.app, [*options, "--runs", "2"])
    assert len(seen) == 2 * len(gate_trees.EFFECTS)
    live = pd.read_csv(tmp_path / "out" / "live.csv")
    assert live.groupby("effect").size().tolist() == [2] * 5
    assert live["seed"].is_unique


def test_all_notes_a_live_run_that_fails_and_goes_on(monkeypatch, tmp_path):
    kinds = gate_study.LIVE_PLAN[:3]
    calls, recorded = [], []

    def run(_repository, settings, _tell):
        calls.append(settings.budget)
        if len(calls) == 2:
            raise RuntimeError("made to fail")
        report = Report(samples=[Sample("screening", 0, "a", "base", 1.0, 1.0, 1.0)])
        report.end("pass", "made up", 0)
        return report

    monkeypatch.setattr(gate_study, "run", run)
    monkeypatch.setattr(gate_study, "neighbourly", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr(gate_study, "LIVE_PLAN", kinds)
    monkeypatch.setattr(gate_study, "_record", lambda *arguments: recorded.append(arguments[:2]))
    out = tmp_path / "out"
    options = ["all", "--minutes", "60", "--out", str(out), "--work", str(tmp_path / "work")]
    result = CliRunner().invoke(gate_study.app, options)
    assert result.exit_code == 0, result.output
    live = pd.read_csv(out / "live.csv")
    assert live["outcome"].tolist() == ["pass", "failed", "pass"]
    assert recorded == [(gate_study.Suite.suite, condition) for condition in gate_study.Condition]
    assert "made to fail" in (out / "study.log").read_text()
    assert len(pd.read_csv(next((out / "live").glob("suite-quiet-0.csv.gz")))) == 1
    assert "| suite | quiet | 5% | 180 | 0 | 0 of 0 | 0 of 0 | 0 | 1 |" in result.stdout
    assert CliRunner().invoke(gate_study.app, options).exit_code == 0
    assert len(calls) == 4  # the one that failed is made again, the others are there


def test_all_ends_in_time(monkeypatch, tmp_path):
    monkeypatch.setattr(gate_study, "run", lambda *_: pytest.fail("there is no time for a run"))
    monkeypatch.setattr(gate_study, "_record", lambda *_: None)
    options = ["--minutes", "3", "--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")]
    assert CliRunner().invoke(gate_study.app, ["all", *options]).exit_code == 1  # nothing for a table


def test_shares_have_exact_intervals():
    assert gate_replay.share(0, 10)[:2] == (0.0, 0.0)
    assert gate_replay.share(0, 10)[2] == pytest.approx(1 - 0.025 ** (1 / 10))
