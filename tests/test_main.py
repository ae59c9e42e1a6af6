"""The command line."""

import importlib
import io
import re
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import numba
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import fastsym
from fastsym.__main__ import app
from fastsym.model import reference
from fastsym.model.datasets import titanic_path
from fastsym.model.params import Array

SHORT = ["train", "--quiet", "--iterations", "3", "--variant", "reference"]


def run(*arguments: str) -> tuple[int, str, str]:
    outcome = CliRunner().invoke(app, list(arguments))
    return outcome.exit_code, outcome.stdout, outcome.stderr


def test_train_prints_the_cost_of_the_same_training() -> None:
    code, out, _ = run(*SHORT, "--features", "no_id", "--hidden", "2", "--seed", "5", "--learning-rate", "0.1")
    X, y, _ = fastsym.load_titanic("no_id")
    training = fastsym.train(X, y, fastsym.initialise("normal", 8, 2, seed=5), 3, 0.1, "reference")
    assert code == 0
    assert f"cost:    {training.costs[-1]:.9g} nats per sample\nvariant: reference, 1 thread\n" in out


@pytest.mark.parametrize("start", ["normal", "glorot", "he", "orthogonal"])
def test_train_starts_as_the_api_does(start: str) -> None:
    _, out, _ = run(*SHORT, "--features", "no_id", "--start", start)
    X, y, _ = fastsym.load_titanic("no_id")
    training = fastsym.train(X, y, fastsym.initialise(start, 8, 4), 3, 0.01, "reference")
    assert f"cost:    {training.costs[-1]:.9g} nats" in out


def test_hidden_zero_is_the_one_layer_net() -> None:
    code, out, _ = run(*SHORT, "--hidden", "0", "--start", "zeros", "--features", "standardised")
    X, y, _ = fastsym.load_titanic("standardised")
    training = fastsym.train(X, y, fastsym.initialise("zeros", 8), 3, 0.01, "reference")
    assert code == 0
    assert f"{training.costs[-1]:.9g}" in out


def test_float32_reaches_the_arithmetic() -> None:
    costs = [run(*SHORT, "--dtype", dtype)[1].splitlines()[0] for dtype in ("float32", "float64")]
    assert costs[0] != costs[1]


def test_no_iterations_have_no_cost() -> None:
    code, out, _ = run("train", "--iterations", "0", "--variant", "reference")
    assert code == 0
    assert "cost:    none" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--variant", "nope"), "error: variant: expected 'fast' or one of reference, numpy"),
        (("--learning-rate", "-1"), "error: learning_rate: expected positive and finite in float64; got -1.0"),
        (("--learning-rate", "nan"), "error: learning_rate: expected positive and finite"),
        (("--scale", "inf"), "error: scale: expected a finite number; got inf"),
        (("--hidden", "-1"), "--hidden"),
        (("--features", "none"), "--features"),
        (("--dtype", "float16"), "--dtype"),
        (("--iterations", "1.5"), "--iterations"),
    ],
)
def test_bad_input_is_named(arguments: tuple[str, str], message: str) -> None:
    code, out, err = run(*SHORT, *arguments)
    assert code == 2
    assert out == ""
    assert message in err


def test_the_module_runs_and_lists_its_commands() -> None:
    done = subprocess.run([sys.executable, "-m", "fastsym", "--help"], capture_output=True, text=True, check=True)
    for name in ("report", "regression", "sweep", "train", "certify"):
        assert name in done.stdout


def test_report_is_the_same_command() -> None:
    code, out, _ = run("report", "--help")
    assert code == 0
    assert "--benchmark-json" in out


def test_regression_hands_its_arguments_over() -> None:
    code, _, err = run("regression", "base.json", "head.json")
    assert code == 2
    assert "base.json" in err
    code, out, _ = run("regression", "--help")
    assert code == 0
    assert "fastsym regression" in out
    assert "--tolerance" in out


@pytest.fixture
def own() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame({"a": rng.standard_normal(20), "<b>[red]": rng.standard_normal(20), "y": [0, 1] * 10})


def train_on(frame: pd.DataFrame, tmp_path: Path, *arguments: str) -> tuple[int, str, str]:
    path = tmp_path / "own.csv"
    frame.to_csv(path, index=False)
    return run(*SHORT, "--csv", str(path), *arguments)


@pytest.mark.parametrize("standardise", [False, True])
def test_train_on_an_own_table(own: pd.DataFrame, tmp_path: Path, standardise: bool) -> None:
    flags = ["--standardise"] if standardise else []
    code, out, _ = train_on(own, tmp_path, "--target", "y", "--hidden", "2", *flags)
    X = own[["a", "<b>[red]"]].to_numpy().T
    if standardise:
        X = (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True)
    training = fastsym.train(X, own["y"], fastsym.initialise("normal", 2, 2), 3, 0.01, "reference")
    assert code == 0
    assert f"cost:    {training.costs[-1]:.9g}" in out


@pytest.mark.parametrize(
    ("spoil", "arguments", "message"),
    [
        ({}, ("--target", "z"), "target: expected a column of the table: 'a', '<b>[red]', 'y'; got 'z'"),
        ({}, (), "target: expected the column of labels"),
        ({}, ("--target", "y", "--features", "no_id"), "features: expected none with --csv"),
        ({"<b>[red]": None}, ("--target", "y"), "column '<b>[red]': expected numbers; got no value in any row"),
        ({"a": "text"}, ("--target", "y"), "column 'a': expected numbers"),
        ({"y": 2}, ("--target", "y"), "target 'y': expected two kinds of labels"),
        ({"a": 1.0}, ("--target", "y", "--standardise"), "column 'a': expected values that differ"),
    ],
)
def test_problems_of_an_own_table_are_named(
    own: pd.DataFrame, tmp_path: Path, spoil: dict[str, object], arguments: tuple[str, ...], message: str
) -> None:
    code, out, err = train_on(own.assign(**spoil), tmp_path, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {message}")
    assert err.count("\n") == 1


def test_the_raw_titanic_table_is_repaired_by_options() -> None:
    repairs = ["--drop", "PassengerId,Name,Ticket,Cabin", "--one-hot", "Sex,Embarked", "--fill", "median"]
    code, out, err = run(*SHORT, "--csv", str(titanic_path()), "--target", "Survived", *repairs)
    assert (code, err) == (0, "")
    assert "cost:    0.69" in out


@pytest.mark.filterwarnings("default::fastsym.NonFiniteCostWarning")
def test_results_that_are_not_finite_end_with_status_1_and_a_warning_of_one_line() -> None:
    code, out, err = run(*SHORT, "--learning-rate", "1e308")
    assert code == 1
    assert "cost:" in out
    assert re.fullmatch(r"warning: the cost left the finite range at iteration \d+ .*\n", err)


def test_a_missing_file_is_named() -> None:
    code, _, err = run(*SHORT, "--csv", "nowhere.csv", "--target", "y")
    assert code == 2
    assert err == "error: table: expected a file; got nowhere.csv: nothing there; check the path\n"


def test_sweep_hands_its_arguments_over(tmp_path: Path) -> None:
    code, out, _ = run("sweep", "--help")
    assert code == 0
    assert "fastsym sweep" in out
    assert "--scheduler" in out
    code, _, err = run("sweep", str(tmp_path / "s"), "--features", "nope")
    assert code == 2
    assert "error: features: expected some of article" in err


def test_version() -> None:
    assert run("--version") == (0, f"fastsym {fastsym.__version__}\n", "")


@pytest.mark.parametrize("command", ["train", "certify", "report", "regression", "sweep", "play"])
def test_each_help_ends_with_an_example(command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"Example: fastsym {command}" in out


def test_train_tells_how_far_it_is_unless_quiet() -> None:
    _, loud, err = run("train", "--iterations", "3", "--variant", "reference")
    assert "0%  0 of 3 iterations" in err
    _, quiet, silence = run(*SHORT)
    assert silence == ""
    assert loud.splitlines()[:2] == quiet.splitlines()[:2]


def test_certify_refuses_unknown_names() -> None:
    code, out, err = run("certify", "nope")
    assert (code, out) == (2, "")
    assert err.startswith("error: variant: expected one of reference, numpy")


def test_certify_a_right_and_a_wrong_variant(monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = run("certify", "numpy", "--quiet")
    assert (code, err) == (0, "")
    assert out.startswith("numpy float64: agrees")

    def without_b1(X: Array, y: Array, params: fastsym.Params, rate: float, costs: Array) -> None:
        kept = params.b1.copy()
        for i in range(len(costs)):
            reference.train_network(X, y, params, rate, costs[i : i + 1])
            params.b1[:] = kept

    wrong = fastsym.Variant("wrong", "keeps b1 as it was", without_b1)
    monkeypatch.setitem(fastsym.VARIANTS._known, "wrong", wrong)  # type: ignore[attr-defined]
    code, out, _ = run("certify", "wrong", "--quiet")
    assert code == 1
    assert out.startswith("wrong float64: REJECTED")
    assert "b1" in out.splitlines()[1]
    (smallest,) = [line for line in out.splitlines() if line.startswith("smallest case that fails: D ")]
    assert "b1" in smallest
    code_shown = "\n".join(line[4:] for line in out.splitlines() if line.startswith("    "))
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(code_shown, {})
    assert "b1\n[" in printed.getvalue()
    assert "'b1': " in printed.getvalue()
    (counted,) = [line for line in out.splitlines() if line.startswith("wrong results, of ")]
    assert re.fullmatch(r"wrong results, of \d+ trainings: b1 in \d+.*", counted)


def test_certify_a_kernel_that_does_not_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    @numba.njit
    def kernel(b2: Array) -> float:
        return b2[0]  # type: ignore[no-any-return]

    def by_habit(X: Array, y: Array, params: fastsym.Params, rate: float, costs: Array) -> None:  # noqa: ARG001
        costs[:] = kernel(params.b2)

    wrong = fastsym.Variant("habit", "takes b2 for an array of one number", by_habit)
    monkeypatch.setitem(fastsym.VARIANTS._known, "habit", wrong)  # type: ignore[attr-defined]
    code, out, err = run("certify", "habit", "--quiet")
    assert (code, err) == (1, "")
    place = f"test_main.py:{kernel.py_func.__code__.co_firstlineno + 2}"
    assert f"raised TypingError at {place}: " in out.splitlines()[1]
    assert len(out.splitlines()) < 40


def test_certify_names_the_place_in_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages"
    package.mkdir()
    text = "import numpy\n\n\ndef train(X, y, params, rate, costs):\n    costs[:] = numpy.ones(3) @ numpy.ones(4)\n"
    (package / "installed_variant.py").write_text(text)
    monkeypatch.syspath_prepend(package)
    train = importlib.import_module("installed_variant").train
    monkeypatch.setitem(fastsym.VARIANTS._known, "far", fastsym.Variant("far", "fails", train))  # type: ignore[attr-defined]
    code, out, _ = run("certify", "far", "--quiet")
    assert code == 1
    assert "raised ValueError at installed_variant.py:5: " in out.splitlines()[1]


def test_certify_rejects_a_variant_that_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(X: Array, y: Array, params: fastsym.Params, rate: float, costs: Array) -> None:  # noqa: ARG001
        sys.exit("bye")

    variant = fastsym.Variant("leave", "ends the process", leave)
    monkeypatch.setitem(fastsym.VARIANTS._known, "leave", variant)  # type: ignore[attr-defined]
    code, out, _ = run("certify", "leave", "--quiet")
    assert code == 1
    assert out.startswith("leave float64: REJECTED")
    assert "raised SystemExit" in out.splitlines()[1]
