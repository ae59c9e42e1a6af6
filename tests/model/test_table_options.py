"""The options of the command line for a user's own table."""

import io
import sys
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from fastsym import Dataset
from fastsym.model.table_options import TableOptions, with_table_options

TEXT = "no.;a;b;c, d;y\n1;2,5;red;?;M\n\n2;3,5;blue;x;B\nsum;6;;;M\n3;0,5;red;y;M\n"


@pytest.fixture
def run():
    """Run a command that has these options and one of its own; give what it got."""
    app = typer.Typer()
    got = SimpleNamespace()

    @app.command()
    @with_table_options
    def command(table: TableOptions, more: int = 7) -> None:
        got.table, got.more = table, more

    def invoke(*arguments):
        outcome = CliRunner().invoke(app, arguments)
        got.code, got.output = outcome.exit_code, outcome.output
        return got

    return invoke


def test_options_reach_the_table(run, tmp_path):
    path = tmp_path / "own.csv"
    path.write_text(TEXT, encoding="utf-16")
    options = (
        "--csv {} --target y --positive M --sep ; --decimal , --encoding utf-16 --header --skip 5 --index --drop "
        "b --missing ? --fill median --one-hot"
    )
    got = run(*options.format(path).split(), "c, d", "--standardise", "--more", "8")
    assert got.code == 0, got.output
    assert got.more == 8
    assert got.table.name == "own.csv"
    data = got.table.load()
    assert data.feature_names == ("a", "c, d=x", "c, d=y")
    assert data.y.tolist() == [1, 0, 1]
    assert abs(data.X[0].mean()) < 1e-12


def test_nothing_is_read_without_a_file(run):
    got = run()
    assert (got.code, got.more, got.table.load(), got.table.name) == (0, 7, None, "")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--target", "y"), "--target"),
        (("--one-hot", "a", "--standardise"), "--one-hot, --standardise"),
        (("--no-header",), "--header"),
    ],
)
def test_options_need_a_file(run, arguments, named):
    with pytest.raises(ValueError, match=f"csv: expected a file for {named}; got none"):
        run(*arguments).table.load()


@pytest.mark.parametrize("arguments", [("--drop", "a,b"), ("--drop", "a", "--drop", "b")])
def test_columns_are_listed_or_the_option_repeated(run, tmp_path, arguments):
    path = tmp_path / "own.csv"
    path.write_text("a,b,c,y\n1,2,3,0\n2,3,4,1\n")
    assert run("--csv", str(path), "--target", "y", *arguments).table.load().feature_names == ("c",)


@pytest.mark.parametrize("skip", [("2", "4-5"), ("2,4-5",), ("2", "4", "5"), ("2, 4, 5",)])
def test_lines_to_skip(run, tmp_path, skip):
    path = tmp_path / "own.csv"
    path.write_text("a,y\nx,x\n1,0\nx\nx\n2,1\n")
    arguments = [part for each in skip for part in ("--skip", each)]
    assert run("--csv", str(path), "--target", "y", *arguments).table.load().X.tolist() == [[1, 2]]


@pytest.mark.parametrize("skip", ["x", "1-x", "", "-1", "1.5"])
def test_bad_lines_to_skip_are_named(run, tmp_path, skip):
    path = tmp_path / "own.csv"
    path.write_text("a,y\n1,0\n2,1\n")
    with pytest.raises(ValueError, match="skip: expected numbers of lines"):
        run("--csv", str(path), "--target", "y", "--skip", skip).table.load()


def test_standard_input(run, monkeypatch):
    got = run("--csv", "-", "--target", "y")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"a,y\n1,0\n2,1\n")))
    data = got.table.load()
    assert isinstance(data, Dataset)
    assert data.X.tolist() == [[1, 2]]
    assert got.table.name == "standard input"
