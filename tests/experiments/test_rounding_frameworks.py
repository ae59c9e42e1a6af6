"""What NumPy and a made-up framework do, which are always there. What other libraries do is recorded, not asserted."""

from importlib import import_module
from importlib.util import find_spec
from itertools import islice

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

import fastsym
from fastsym.experiments.rounding import __main__ as command
from fastsym.experiments.rounding import frameworks
from fastsym.experiments.rounding.frameworks import FRAMEWORKS, Framework, child, figure, with_numpy
from fastsym.experiments.rounding.frameworks.programs import copied
from fastsym.experiments.symmetry import each_network
from fastsym.model.units import unit_classes

PROGRAM = """
import os
import numpy as np
from fastsym.experiments.rounding.drift import train_einsum
from fastsym.experiments.rounding.frameworks.programs import copied

def train(X, y, start, learning_rate, last_unit_sooner):
    params, cost = copied(start), np.empty(1, X.dtype)
    if last_unit_sooner:
        params.W2[-1] = np.nextafter(params.W2[-1], X.dtype.type(1))
    while True:
        train_einsum(X, y, params, X.dtype.type(learning_rate), cost)
        yield float(cost[0]), params

PROGRAMS = {
    "fair, SGD": lambda *arguments: train(*arguments, False),
    "unfair, SGD": lambda *arguments: train(*arguments, True),
    "unfair, Adam": lambda *arguments: train(*arguments, True),
}
OPERATIONS = {
    "fair": lambda units: units.A,
    "unfair": lambda units: units.A + np.arange(len(units.A))[:, None] // 2,
}

def version():
    print("what a library prints must not get into the answer")
    return "Fake 1.2, " + os.environ["OMP_NUM_THREADS"] + " " + os.environ.get("FAKE", "")

def core_type():
    return "X"
"""


@pytest.fixture(scope="module")
def data():
    return fastsym.load_titanic("standardised")


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Return the name of a module of programs; those of the environment's processes can import it."""
    (tmp_path / "fake_framework.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "fake_framework"


def test_a_framework_runs_in_processes_with_their_own_environment(data, fake):
    told, saved = [], []
    found = frameworks.study(
        data,
        [
            Framework("Fake", "numpy", "numpy", fake, ("", "FAKE=yes", "OPENBLAS_CORETYPE=Y")),
            Framework("Gone", "no_such_package", "no-such-project", "no_such_module"),
        ],
        widths=(3, 4),
        threads=(1, 2),
        iterations=900,
        tell=lambda *progress: told.append(progress),
        save=lambda fates: saved.append(len(fates.trainings)),
    )
    assert saved == [12, 24, 36]  # after each process that answered
    assert found.missing == ("Gone",)
    assert found.refused == ("Fake OPENBLAS_CORETYPE=Y",)
    assert [text for _, text in told] == [
        *("Fake, 1 thread", "Fake, 2 threads", "Fake FAKE=yes, 1 thread", "Fake OPENBLAS_CORETYPE=Y, 1 thread"),
        "done",
    ]
    table = found.trainings
    assert set(table["version"]) == {"Fake 1.2, 1 ", "Fake 1.2, 2 ", "Fake 1.2, 1 yes"}
    assert len(table) == 3 * 3 * 2 * 2  # processes, programs, float types, widths
    fair = table[table["program"] == "fair, SGD"]
    assert set(fair["classes"]) == {"AAA", "AAAA"}
    assert fair["first_split"].isna().all()
    unfair = table[table["program"] == "unfair, SGD"]
    assert set(unfair["classes"]) == {"AAB", "AAAB"}
    assert set(unfair["first_split"]) == {1}
    exact = unfair[unfair["dtype"] == "float64"]
    np.testing.assert_allclose(exact["growth_measured"], exact["growth_predicted"], rtol=0.01)
    adam = table[table["program"] == "unfair, Adam"]
    assert adam["growth_predicted"].isna().all()  # the prediction is for gradient descent
    operations = found.operations.set_index(["operation", "hidden"])["classes"]
    assert set(operations["fair", 4]) == {"AAAA"}
    assert set(operations["unfair", 4]) == {"AABB"}
    lines = frameworks.conclusions(found)
    assert "Fake 1.2, 1 , fair, SGD: units differ at the end of 0 of 4 trainings." in lines
    assert "Fake 1.2, 1 , unfair, SGD: units differ at the end of 4 of 4 trainings; at H = 3, 4." in lines
    assert lines[-2:] == [
        "Gone: not installed; pip install it to include it.",
        "Fake OPENBLAS_CORETYPE=Y: this setting does not work here.",
    ]


def test_the_program_of_numpy_is_the_reference(data):
    start = fastsym.initialise("normal", 8, 3)
    kept = copied(start)
    costs, history = child.follow(with_numpy.reference, data.X, data.y, start, 0.5, 20)
    expected = fastsym.train(data.X, data.y, start, 20, 0.5, "reference", record_every=1)
    np.testing.assert_array_equal(costs, expected.costs)
    for ours, theirs in zip(history, expected.history, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for before, after in zip(kept, start, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("name", list(with_numpy.OPERATIONS))
def test_each_operation_of_numpy_gives_equal_units_nearly_equal_rows(data, name):
    rows = with_numpy.OPERATIONS[name](child.equal_units(data, 5, "float64"))
    assert len(rows) == 5
    np.testing.assert_allclose(rows, np.broadcast_to(rows[:1], rows.shape), rtol=1e-9, atol=1e-12)


def test_rows_are_compared_bit_for_bit():
    rows = np.array([[1.0, 2.0], [1.0, np.nextafter(2.0, 3)], [1.0, 2.0]])
    assert child.row_classes(rows) == "ABA"
    assert child.row_classes(rows[:, 0]) == "AAA"


def test_every_installed_program_takes_the_steps_of_the_reference(data):
    """From a start without equal units; Adam takes other steps."""
    start = fastsym.initialise("normal", 8, 3, scale=0.5)
    expected = fastsym.train(data.X, data.y, start, 5, 0.5, "reference", record_every=1)
    checked = 0
    for framework in FRAMEWORKS:
        if framework.package not in ("fastsym", "numpy") and not find_spec(framework.package):
            continue
        for name, program in import_module(framework.module).PROGRAMS.items():
            if name.endswith("Adam"):
                continue
            steps = [(cost, copied(params)) for cost, params in islice(program(data.X, data.y, start, 0.5), 5)]
            np.testing.assert_allclose([cost for cost, _ in steps], expected.costs, rtol=1e-7)
            for (_, got), right in zip(steps, list(each_network(expected.history))[1:], strict=True):
                for ours, theirs in zip(got, right, strict=True):
                    np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)
            checked += 1
    assert checked >= 2
    assert unit_classes(start).max() == 2


def test_the_figure_shows_more_threads_only_where_they_change_the_end():
    def rows(threads, *classes):
        return [
            {
                "framework": "Fake",
                "program": "matrices, SGD",
                "dtype": "float64",
                "setting": None,
                "threads": threads,
                "hidden": len(text),
                "classes": text,
                "final_cost": 0.4,
                "first_split": None,
                "version": "1",
                "processor": "x",
            }
            for text in classes
        ]

    same = figure.figure_table(pd.DataFrame([*rows(1, "AA", "AAB"), *rows(2, "AA", "AAB")]))
    assert list(same["label"]) == ["Fake matrices, float64"] * 2
    assert list(same["count"]) == [1, 2]
    other = figure.figure_table(pd.DataFrame([*rows(1, "AA", "AAB"), *rows(2, "AB", "AAB")]))
    assert list(other["label"].unique()) == ["Fake matrices, float64", "Fake matrices, float64, 2 threads"]
    set_to = [row | {"setting": "FAKE=yes"} for row in rows(1, "AA", "AAB")]
    assert set(figure.figure_table(pd.DataFrame([*rows(1, "AA", "AAB"), *set_to]))["label"]) == set(same["label"])
    cheaper = [row | {"final_cost": 0.3} for row in set_to]
    both = figure.figure_table(pd.DataFrame([*rows(1, "AA", "AAB"), *cheaper]))
    assert list(both["label"].unique()) == ["Fake matrices, float64", "Fake matrices, float64, FAKE=yes"]
    made = Figure(layout="constrained")
    figure.draw(made, other)
    (axes,) = made.axes
    assert [text.get_text() for text in axes.texts] == ["2", "2", "2"]


def test_the_command_writes_both_tables(tmp_path):
    run = CliRunner().invoke(
        command.app,
        [
            *("--frameworks", "--only", "NumPy", "--hidden", "2", "--threads", "1", "--iterations", "5", "--quiet"),
            *("--output", str(tmp_path / "new")),
        ],
    )
    assert run.exit_code == 0, run.output
    trainings = pd.read_csv(tmp_path / "new" / "rounding-frameworks.csv")
    operations = pd.read_csv(tmp_path / "new" / "rounding-operations.csv")
    assert set(trainings["framework"]) == {"NumPy"}
    assert set(trainings["hidden"]) == {2}
    assert set(operations["operation"]) == set(with_numpy.OPERATIONS)
    assert f"NumPy {np.__version__}" in run.output
    assert "rounding-frameworks.csv" in run.output


def test_the_command_names_the_frameworks_it_knows():
    run = CliRunner().invoke(command.app, ["--frameworks", "--only", "Abacus"])
    assert run.exit_code == 2
    assert "NumPy, PyTorch" in run.output
    assert "Abacus" in run.output


def test_the_command_says_how_to_install_what_is_missing(monkeypatch):
    monkeypatch.setattr(command, "find_spec", lambda package: None if package == "sklearn" else package)
    run = CliRunner().invoke(command.app, ["--frameworks", "--only", "NumPy", "--only", "scikit-learn"])
    assert run.exit_code == 2
    assert "pip install scikit-learn" in run.output
