"""Two saved runs, made up so that the truth is known, through the command line of the gate."""

import numpy as np
import pytest
from saved_run import noisy_run, save
from typer.testing import CliRunner

from fastsym.regression import app
from fastsym.regression.outcome import CANNOT_JUDGE, PASS, SLOWER
from fastsym.regression.saved import compare


@pytest.fixture
def gate(tmp_path):
    def run(base, head, *options):
        files = [str(save(tmp_path / f"{side}.json", content)) for side, content in (("base", base), ("head", head))]
        result = CliRunner().invoke(app, [*files, *options])
        return result.exit_code, " ".join(result.output.split())

    return run


def test_nothing_changed(gate):
    status, output = gate(noisy_run(0), noisy_run(1))
    assert status == PASS
    assert "0 of 4 benchmarks slower" in output


def test_a_slower_variant_is_named(gate):
    status, output = gate(noisy_run(0), noisy_run(1, slowdown={"simd": 1.4}))
    assert status == SLOWER
    assert "2 of 4 benchmarks slower by more than 10%" in output
    assert "test_train[H64-T100-simd]" in output
    assert "fused" not in output


def test_faster_is_fine(gate):
    assert gate(noisy_run(0), noisy_run(1, slowdown={"simd": 0.5}))[0] == PASS


def test_a_slower_machine_is_fine(gate):
    slow = noisy_run(1, slowdown={"fused": 3.0, "simd": 3.0, "reference": 3.0})
    for entry in slow["benchmarks"]:
        entry["extra_info"]["reference_seconds"] = [3 * t for t in entry["extra_info"]["reference_seconds"]]
    assert gate(noisy_run(0), slow)[0] == PASS


def test_the_tolerance_decides(gate):
    head = noisy_run(1, slowdown={"fused": 1.4})
    assert gate(noisy_run(0), head, "--tolerance", "0.5")[0] == PASS
    assert gate(noisy_run(0), head, "--tolerance", "0.2")[0] == SLOWER


def test_what_may_be_an_accident_cannot_be_judged(gate):
    status, output = gate(noisy_run(0, noise=1.0), noisy_run(1, noise=1.0, slowdown={"simd": 1.2}))
    assert status == CANNOT_JUDGE
    assert "0 of 4 benchmarks slower" in output
    assert "too much noise" in output


def test_a_saved_run_without_its_rounds_names_the_option(gate):
    head = noisy_run(1)
    del head["benchmarks"][1]["stats"]["data"]
    status, output = gate(noisy_run(0), head)
    assert status == CANNOT_JUDGE
    assert "--benchmark-save-data" in output


def test_verdicts_are_sorted_and_carry_both_sides(tmp_path):
    files = save(tmp_path / "a.json", noisy_run(0)), save(tmp_path / "b.json", noisy_run(1, slowdown={"simd": 2.0}))
    verdicts = compare(*files)
    changes = [verdict.change.ratio for verdict in verdicts]
    assert changes == sorted(changes)
    worst = verdicts[0]
    assert worst.word == "slower"
    assert (worst.base_speedup, worst.head_speedup) == pytest.approx((14, 7), rel=0.1)
    assert worst.change.low < 0.5 < worst.change.high


def test_false_alarms_are_rare(tmp_path):
    alarms = 0
    for seed in range(40):
        files = save(tmp_path / "a.json", noisy_run(2 * seed)), save(tmp_path / "b.json", noisy_run(2 * seed + 1))
        alarms += any(verdict.word == "slower" for verdict in compare(*files, tolerance=0.0))
    assert alarms <= 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda run: run["machine_info"]["fastsym"].update(cpu="Other"), "another machine: cpu 'Toy 8086' and 'Other'"),
        (lambda run: run["machine_info"]["fastsym"].update(cores=64), "another machine: cores 2 and 64"),
        (lambda run: run["machine_info"]["fastsym"]["versions"].update(numpy="9"), "numpy '2.0.0' and '9'"),
        (lambda run: run["benchmarks"].pop(), "missing benchmark: bench/test_train.py::test_train[H64-T100-simd]"),
        (lambda run: run.pop("machine_info"), "machine_info: expected dict"),
        (lambda run: run["benchmarks"].clear(), "expected training benchmarks; got none"),
        (lambda run: run.update(benchmarks=run["benchmarks"][:1]), "expected benchmarks of variants; got none"),
    ],
)
def test_it_says_why_it_cannot_judge(gate, change, reason):
    head = noisy_run(1)
    change(head)
    status, output = gate(noisy_run(0), head)
    assert status == CANNOT_JUDGE
    assert f"cannot judge: {reason}" in output or reason in output
    assert "slower" not in output


def test_too_few_samples(gate):
    status, output = gate(noisy_run(0), noisy_run(1, rounds=5, slowdown={"simd": 9.0}))
    assert status == CANNOT_JUDGE
    assert "too few samples: expected at least 6 rounds; got 5" in output


def test_a_new_benchmark_does_not_matter(gate):
    base = noisy_run(0)
    base["benchmarks"].pop()
    assert gate(base, noisy_run(1))[0] == PASS


def test_files_that_cannot_be_read(tmp_path):
    good = save(tmp_path / "good.json", noisy_run(0))
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    for other in (broken, tmp_path / "none.json"):
        result = CliRunner().invoke(app, [str(good), str(other)])
        assert result.exit_code == CANNOT_JUDGE
        assert "cannot judge" in result.output
    assert CliRunner().invoke(app, [str(good), str(good), "--tolerance", "nan"]).exit_code == CANNOT_JUDGE
    assert CliRunner().invoke(app, [str(good)]).exit_code == CANNOT_JUDGE


def test_speedups_are_judged_not_times(tmp_path):
    """The same times with a slower reference are a greater speed-up."""
    base, head = noisy_run(0), noisy_run(0)
    for entry in head["benchmarks"]:
        info = entry["extra_info"]
        info["reference_seconds"] = (2 * np.array(info["reference_seconds"])).tolist()
    for verdict in compare(save(tmp_path / "a.json", base), save(tmp_path / "b.json", head)):
        assert verdict.change.ratio == pytest.approx(2)
