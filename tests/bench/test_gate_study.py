"""The study of the gate: slowed copies, recordings that survive anything, and decisions replayed on known noise."""

import ast
import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import posix_only
from typer.testing import CliRunner

from bench import gate_replay as replays
from bench import gate_study as study
from bench import gate_trees as trees
from fastsym.regression.cells import CELLS
from fastsym.regression.decision import LEAST_SLOTS
from fastsym.regression.worktree import open_repository
from fastsym.report.recorded import read_gate
from fastsym.sweep.store import locked

ROOT = Path(__file__).parents[2]


# The trees


@pytest.fixture
def kernels(tmp_path):
    return shutil.copytree(
        ROOT / "fastsym" / "kernels", tmp_path / "kernels", ignore=shutil.ignore_patterns("__pycache__")
    )


def test_a_slowed_kernel_differs_in_one_place(kernels):
    before = {path: path.read_text(encoding="utf-8") for path in kernels.glob("*.py")}
    trees.slow_down(kernels, 0.125)
    changed = [path for path, text in before.items() if path.read_text(encoding="utf-8") != text]
    assert len(changed) == 1
    code = changed[0].read_text(encoding="utf-8")
    added = [line for line in code.splitlines() if line not in before[changed[0]].splitlines()]
    assert len(added) == len(trees.EXTRA.splitlines()) + 1  # and an import
    names = [
        node.func.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call) and hasattr(node.func, "id")
    ]
    loop = names[names.index("hidden_forward") :]
    assert "slice_sums" in loop
    assert "0.125 * plan.groups" in code


@pytest.mark.parametrize("times", [0, 2])
def test_a_kernel_that_the_study_does_not_know_is_refused(kernels, times):
    for path in kernels.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        path.write_text(trees.MARKER.sub(lambda match: "\n".join([match[0]] * times), text), encoding="utf-8")
    with pytest.raises(trees.UnknownKernelError, match=f"got {times}; adapt MARKER"):
        trees.slow_down(kernels, 0.1)


@pytest.mark.parametrize(("share", "groups", "slices"), [(0.071, 28, 4), (0.245, 28, 4), (0.462, 14, 2), (0.9, 1, 1)])
def test_the_repeated_groups_are_the_share_of_all(share, groups, slices):
    """What the inserted lines compute, over 500 iterations."""
    first, second = trees.EXTRA.format(share=share).splitlines()[:2]
    plan = type("Plan", (), {"groups": groups})
    counts = []
    for i in range(500):
        for s in range(slices):
            names = {"i": i, "s": s, "slices": slices, "plan": plan}
            exec(f"{first}\n{second}", names)
            counts.append(names["repeated"])
    assert sum(counts) / (500 * groups) == pytest.approx(share, abs=1 / (500 * groups))
    assert max(counts) - min(counts) <= 1


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A checkout of two files, whose trees are made without compiling."""
    for name in ("fastsym/kernels/simd.py", "fastsym/play.py", "data/titanic.csv"):
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).write_text("X = 1\n")
    monkeypatch.setattr(trees, "ROOT", tmp_path / "root")
    monkeypatch.setattr(trees, "slow_down", lambda kernels, share: (kernels / "simd.py").write_text(f"X = {share}\n"))
    made = []
    monkeypatch.setattr(
        trees, "train_all", lambda tree: (made.append(tree), ({"a": "bits"}, ["fastsym/kernels/simd.py"]))[1]
    )
    return tmp_path, made


def test_trees_lie_under_paths_of_one_length_and_are_reused(small):
    folder, made = small
    found = trees.prepare(folder / "work", lambda *_: None)
    assert made == list(found.values())
    assert (
        len({len(str(tree.path)) for tree in found.values()})
        == len({len(str(tree.cache)) for tree in found.values()})
        == 1
    )
    assert len({tree.cache for tree in found.values()}) == len(trees.LABELS)
    texts = [(tree.path / "fastsym/kernels/simd.py").read_text() for tree in found.values()]
    assert texts[:3] == ["X = 1\n"] * 3
    assert len(set(texts)) == 5
    trees.prepare(folder / "work", lambda *_: None)
    (folder / "root/fastsym/play.py").write_text("X = 2\n")  # nothing that training imports
    trees.prepare(folder / "work", lambda *_: None)
    assert len(made) == len(found)
    (folder / "root/fastsym/kernels/simd.py").write_text("X = 3\n")
    trees.prepare(folder / "work", lambda *_: None)
    assert len(made) == 2 * len(found)


def test_a_slowed_tree_with_other_results_is_refused(small, monkeypatch):
    folder, _ = small
    monkeypatch.setattr(trees, "train_all", lambda tree: ({"a": "other" if tree.path.name == "tree-5" else "bits"}, []))
    with pytest.raises(
        trees.UnknownKernelError, match="slow-10: expected a to give the bits of the base, bits; got other"
    ):
        trees.prepare(folder / "work", lambda *_: None)
    assert trees.state(folder / "work") is None


# The recording


def slots_of(labels, slot, rng, slowdowns=None, sd=0.01):
    logs = rng.normal(scale=sd / np.sqrt(2), size=(len(CELLS), len(labels)))
    logs += np.log1p([(slowdowns or {}).get(label, 0.0) for label in labels])
    rows = [
        (slot, cell.name, label, 4e-6 * np.exp(x))
        for cell, row in zip(CELLS, logs, strict=True)
        for label, x in zip(labels, row, strict=True)
    ]
    return pd.DataFrame(rows, columns=["slot", "cell", "label", "seconds_per_iteration"])


@pytest.fixture
def recorder(monkeypatch, tmp_path):
    """The command ``record`` with made-up slots; returns a function that runs it."""
    monkeypatch.setattr(study, "describe_machine", lambda: {"cpu": "any"})
    fingerprint = ["one"]

    def prepare(work, _tell):
        (work / trees.FINISHED).write_text(json.dumps({"fingerprint": fingerprint[0]}))
        return dict.fromkeys(trees.LABELS)

    monkeypatch.setattr(study, "prepare", prepare)
    monkeypatch.setattr(study, "state", lambda _work: (fingerprint[0], fingerprint[0]))
    monkeypatch.setattr(study, "record_slot", lambda given, _cells, rng, slot=0: slots_of(list(given), slot, rng))

    def run(count, condition="quiet"):
        options = ["--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")]
        return CliRunner().invoke(study.app, ["record", "--slots", str(count), "--condition", condition, *options])

    run.out, run.fingerprint = tmp_path / "out", fingerprint
    return run


def test_a_recording_goes_on_where_it_ended(recorder):
    assert recorder(2).exit_code == 0
    result = recorder(3)
    assert result.exit_code == 0
    assert "slot 3, quiet" in result.stderr
    slots = replays.read_slots(recorder.out / "quiet.csv")
    assert slots["slot"].unique().tolist() == [0, 1, 2, 3, 4]
    assert not slots.duplicated(["slot", "cell", "label"]).any()
    about = json.loads((recorder.out / "quiet.json").read_text())
    assert len(about["live_slot_seconds"]) == 2
    assert about["machine"] == {"cpu": "any"}


@pytest.mark.parametrize("lost", [1, 10, 200, 1500])
def test_a_slot_that_was_cut_off_is_recorded_again(recorder, lost):
    recorder(2)
    path = recorder.out / "quiet.csv"
    whole = path.read_text()
    path.write_text(whole[:-lost])
    assert replays.read_slots(path)["slot"].unique().tolist() == [0]
    assert recorder(1).exit_code == 0
    assert replays.read_slots(path)["slot"].unique().tolist() == [0, 1]
    first = len(whole.splitlines()) // 2 + 1
    assert path.read_text().splitlines()[:first] == whole.splitlines()[:first]


@posix_only
def test_ctrl_c_ends_after_the_slot_in_flight(recorder, monkeypatch):
    def interrupted(given, _cells, rng, slot=0):
        if slot == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return slots_of(list(given), slot, rng)

    monkeypatch.setattr(study, "record_slot", interrupted)
    assert recorder(5).exit_code == 0
    assert replays.read_slots(recorder.out / "quiet.csv")["slot"].unique().tolist() == [0, 1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_recording_in_use_or_of_another_source_is_refused(recorder):
    with locked(recorder.out):
        result = recorder(1)
    assert result.exit_code == 1
    assert "no other process writes" in result.stderr
    recorder(1)
    before = (recorder.out / "quiet.csv").read_text()
    recorder.fingerprint[0] = "two"
    result = recorder(1)
    assert result.exit_code == 1
    assert "choose another --out" in result.stderr
    assert (recorder.out / "quiet.csv").read_text() == before


def test_the_neighbour_works_and_ends_with_who_started_it():
    with study.busy_neighbour(0) as process:
        assert process.poll() is None
        process.stdin.close()  # as the system does when this process is killed
        assert process.wait(300) == 0


# The replay


def recorded(count, slowdowns, sd=0.015, seed=0):
    rng = np.random.default_rng(seed)
    labels = ("base", "again", "slow-00", "slow-02", "slow-05", "slow-10", "slow-20")
    return pd.concat([slots_of(labels, slot, rng, slowdowns, sd) for slot in range(count)], ignore_index=True)


TRUE = {"slow-02": 0.02, "slow-05": 0.05, "slow-10": 0.1, "slow-20": 0.2}


def test_the_table_of_rates(tmp_path):
    slots = recorded(42, TRUE)
    slots.assign(recorded=0).to_csv(tmp_path / "quiet.csv", index=False)
    (tmp_path / "quiet.json").write_text(json.dumps({"live_slot_seconds": [3.1, 4.0, 9.0]}))
    result = CliRunner().invoke(study.app, ["table", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    (tmp_path / "reports" / "gate").mkdir(parents=True)
    shutil.copy(tmp_path / "rates.csv", tmp_path / "reports" / "gate")
    (tmp_path / "pyproject.toml").touch()
    rates = read_gate(tmp_path).set_index("slowdown_nominal")
    assert list(rates.index) == [0.0, 0.02, 0.05, 0.1, 0.2]
    assert (rates["decisions"] == 42 - 37 + 1).all()  # (180 - 30) s / 4 s
    assert (rates["disjoint"] == 1).all()
    assert rates.loc[0.0, ["detected", "rate", "low"]].tolist() == [0, 0, 0]
    assert rates.loc[0.0, "high"] == pytest.approx(1 - 0.025 ** (1 / 6), rel=1e-4)
    assert (rates.loc[0.1:, "default_rate"] == 1).all()
    for nominal in (0.05, 0.1, 0.2):
        assert rates.loc[nominal, "actual_low"] < nominal < rates.loc[nominal, "actual_high"]
    assert "not independent" in result.output
    assert "Fewer than 100 decisions" in result.output
    window = json.loads((tmp_path / "quiet.json").read_text())["window"]
    assert (window["first"], window["total"]) == (20, 37)  # 45 % for the re-run
    assert "budget" in window["why"] or "180 s" in window["why"]


def test_a_recording_shorter_than_a_window_makes_no_table(tmp_path):
    assert CliRunner().invoke(study.app, ["table", "--out", str(tmp_path)]).exit_code == 1
    recorded(12, TRUE).to_csv(tmp_path / "busy.csv", index=False)
    (tmp_path / "busy.json").write_text(json.dumps({"live_slot_seconds": [4.0]}))
    result = CliRunner().invoke(study.app, ["table", "--out", str(tmp_path)])
    assert result.exit_code == 1
    assert "expected at least 37 slots, one window; got 12" in result.stderr


def test_the_rerun_is_what_comes_next():
    """Slow at first, and no more in the slots that follow: the replay's re-run sees those and only those."""
    window = replays.Window(20, 35)
    before, after = recorded(20, TRUE, sd=0.03), recorded(20, {}, sd=0.03, seed=1)
    joined = pd.concat([before, after.assign(slot=after["slot"] + 20)])
    decision, used = replays.replay(joined, "slow-10", 0, window)
    assert used == 20
    assert decision.outcome == "pass"
    assert decision.cells[0].rerun is not None
    assert decision.cells[0].rerun.pairs == 15
    assert 0.95 < decision.cells[0].rerun.ratio < 1.05 < decision.cells[0].ratio.ratio
    assert replays.replay(recorded(35, TRUE, sd=0.03), "slow-10", 0, window)[0].outcome == "slower"
    assert replays.replay(joined, "slow-10", 10, window)[1] == 20


def test_a_replay_stops_when_it_is_enough():
    decision, used = replays.replay(recorded(40, TRUE, sd=0.001), "slow-05", 0, replays.Window(25, 40))
    assert used == LEAST_SLOTS
    assert decision.outcome == "slower"
    assert decision.cells[0].rerun.pairs == LEAST_SLOTS


def test_a_window_too_short_for_the_gate_cannot_be_judged():
    decision, _ = replays.replay(recorded(12, TRUE), "slow-20", 0, replays.Window(8, 12))
    assert decision.outcome == "cannot judge"
    with pytest.raises(replays.StudyError, match="expected some; got none"):
        replays.live_window([])


def test_live_runs_are_compared_with_the_replay(tmp_path):
    live = pd.DataFrame(
        {"condition": "quiet", "head": ["slow-00"] * 10 + ["slow-10"] * 10, "outcome": ["pass"] * 14 + ["slower"] * 6}
    )
    rates = pd.DataFrame({"condition": "quiet", "slowdown_nominal": [0.0, 0.1], "rate": [0.0, 1.0]})
    rates.to_csv(tmp_path / "rates.csv")
    first, second = replays.compare_with_replay(live, tmp_path / "rates.csv").splitlines()
    assert first.startswith("quiet, slow-00: 0 of 10 live runs say slower")
    assert first.endswith("the replay, 0.0%, agrees")
    assert second.endswith("the replay, 100.0%, DISAGREES")


def test_a_live_checkout_has_the_slowed_kernel_as_its_change(tmp_path):
    found = trees.trees_in(tmp_path)
    for label in ("base", "slow-10"):
        (found[label].path / "fastsym").mkdir(parents=True)
        (found[label].path / "fastsym" / "__init__.py").write_text("\n")
        (found[label].path / "fastsym" / "kernel.py").write_text(f"SPEED = {label!r}\n")
    for _ in range(2):  # made anew each time
        repository = open_repository(study.live_checkout(tmp_path / "live", found["slow-10"].path))
        assert repository.changed() == ["fastsym/kernel.py"]
        repository.commit("HEAD")
