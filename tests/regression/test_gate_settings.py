"""Options and their defaults in pyproject.toml."""

import pytest

from fastsym.regression.outcome import CannotJudgeError
from fastsym.regression.settings import Settings, combine, read_project


def project(**table):
    return {"tool": {"fastsym": {"regression": table}}, "project": {"name": "some-name"}}


def test_defaults_of_the_project_and_options_over_them():
    settings = combine(project(bench="bench", bar=0.05, **{"pytest-args": ["-x"]}), {"bar": 0.1, "budget": None})
    assert settings == Settings(bench=("bench",), bar=0.1, pytest_args=("-x",), dist="some-name")
    assert combine(project(bench=["a", "b"]), {"bench": ("c",)}).bench == ("c",)
    assert combine(project(bench="a", dist="other"), {}).dist == "other"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"bench": "a", "budgets": 3}, "'budgets'"),
        ({"bench": "a", "seed": 3}, "'seed'"),
        ({"bench": 3}, "bench: expected another kind"),
        ({"bench": "a", "budget": "3"}, "budget: expected another kind"),
        ({"bench": "a", "budget": True}, "budget: expected another kind"),
        ({"bench": "a", "carry": 1}, "carry: expected another kind"),
        ({"bench": "a", "code": "maybe"}, "code: expected another kind"),
        ({"bench": "a", "pytest-args": "-x"}, "pytest_args: expected another kind"),
        ({"bench": "a", "prepare": ["make"]}, "prepare: expected another kind"),
        ({"bench": "a", "bar": float("nan")}, "--bar"),
        ({"bench": "a", "budget": 0.5}, "--budget"),
        ({"bench": "a", "bar": -0.1}, "--bar"),
        ({}, "--bench: expected files or folders"),
    ],
)
def test_what_is_wrong_in_the_project_is_named(table, words):
    with pytest.raises(CannotJudgeError, match=words):
        combine(project(**table), {})


def test_what_goes_on_the_path():
    assert Settings().paths == ("src", ".")
    assert Settings(prepare="make").paths == (".",)
    assert Settings(prepare="make", path=("lib",)).paths == ("lib",)
    assert Settings(bench=("a.py::b[c::d]", "a.py::e", "f")).bench_files == ("a.py", "f")


def test_reading_the_file(tmp_path):
    assert read_project(tmp_path) == {}
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert read_project(tmp_path) == {"project": {"name": "x"}}
    (tmp_path / "pyproject.toml").write_text("[project\n")
    with pytest.raises(CannotJudgeError, match="expected TOML"):
        read_project(tmp_path)
