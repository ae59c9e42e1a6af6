"""``python -m fastsym.report``: what it refuses before it works, and what it prints."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from fastsym.model.datasets import titanic_path
from fastsym.report import __main__ as command
from fastsym.report import sections
from fastsym.report.content import Section
from fastsym.report.folder import MANIFEST, MARKDOWN
from fastsym.report.page import PAGE
from fastsym.report.sections.agreement import Agreement
from fastsym.report.sections.claims import Judged
from fastsym.report.study import Context, Study
from fastsym.timing import machine


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "studies", lambda: pytest.fail("worked before it looked"))


@pytest.fixture
def one_study(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace all sections by one that says how large the table is; nothing is claimed or certified."""

    def render(count: int, context: Context) -> Section:
        context.results |= {"claims": Judged((), pd.DataFrame()), "agreement": Agreement((), {}, (), {})}
        return Section("size", "Size", f"{count} samples.", ("Text.",))

    study = Study("size", 1, lambda context: len(context.data.y), render, seconds=1)
    monkeypatch.setattr(sections, "studies", lambda: [study])


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(command.app, [str(argument) for argument in arguments])


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--target", "y"), "csv: expected a file for --target; got none"),
        (("--csv", "no.csv", "--target", "y"), "table: expected a file; got no.csv: nothing there"),
        (("--csv", ".", "--target", "y"), "table: expected a file; got .: a folder"),
        (("--csv", str(titanic_path())), "target: expected the column of labels, one of 'PassengerId'"),
        (("--csv", "no.csv", "--benchmark-json", "b.json"), "benchmark_json: expected none with --csv"),
        (("--csv", "no.csv", "--target", "y", "--sample"), "sample: expected the Titanic table; got --csv"),
        (("--lesson", "--benchmark-json", "b.json"), "benchmark_json: expected none with --lesson"),
        (("--benchmark-json", "no.json"), "no.json: expected a saved run"),
    ],
)
def test_bad_options_are_named(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    outcome = invoke("--out", tmp_path / "r", *arguments)
    assert outcome.exit_code == 2
    assert f"error: {message}" in outcome.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_work")
def test_a_table_with_a_constant_column_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("a,b,y\n1,7,0\n2,7,1\n3,7,0\n")
    outcome = invoke("--out", tmp_path / "r", "--csv", table, "--target", "y")
    assert outcome.exit_code == 2
    assert "error: column 'b': expected values that differ" in outcome.stderr
    assert not (tmp_path / "r").exists()


@pytest.mark.usefixtures("no_work")
def test_foreign_files_are_refused_and_standard_output_stays_empty(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("precious")
    outcome = invoke("--out", tmp_path, "--json")
    assert outcome.exit_code == 2
    assert outcome.stdout == ""
    assert "error: out: expected a missing or empty folder, or an earlier report" in outcome.stderr


@pytest.mark.usefixtures("one_study")
def test_the_command_prints_where_the_page_is(tmp_path: Path) -> None:
    outcome = invoke("--out", tmp_path / "r", "--quiet")
    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout == f"report: {tmp_path / 'r' / PAGE}\n"
    assert outcome.stderr == ""
    assert (tmp_path / "r" / PAGE).is_file()


@pytest.mark.usefixtures("no_work")
def test_a_destination_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    outcome = invoke("--out", tmp_path / "file" / "r")
    assert outcome.exit_code == 2
    assert outcome.stderr == (
        f"error: out: expected a folder that can be written; got {tmp_path / 'file' / 'r'}: Not a directory; "
        "choose another --out\n"
    )


def test_a_lesson_certifies_and_times_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def render(_: None, context: Context) -> Section:
        context.results |= {"claims": Judged((), pd.DataFrame())}
        return Section("words", "Words", "A finding.", ("Text.",))

    lesson = Study("words", 2, lambda _: None, render, seconds=1, in_lesson=True)
    engineering = Study("work", 1, lambda _: pytest.fail("worked"), lambda *_: None)
    monkeypatch.setattr(sections, "studies", lambda: [engineering, lesson])
    outcome = invoke("--out", tmp_path / "r", "--quiet", "--lesson")
    assert outcome.exit_code == 0, outcome.output
    content = json.loads((tmp_path / "r" / MANIFEST).read_text(encoding="utf-8"))
    assert [section["part"] for section in content["sections"]] == ["lesson"]
    assert content["certificates"] == []
    assert "report --lesson" in (tmp_path / "r" / PAGE).read_text(encoding="utf-8")


@pytest.mark.usefixtures("one_study")
def test_the_command_prints_json(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("a,y\n1,0\n2,1\n4,0\n")
    outcome = invoke("--out", tmp_path / "r", "--json", "--csv", table, "--target", "y")
    assert outcome.exit_code == 0, outcome.output
    found = json.loads(outcome.stdout)
    assert found["page"] == str(tmp_path / "r" / PAGE)
    assert found["json"] == str(tmp_path / "r" / MANIFEST)
    assert found["findings"] == [{"slug": "size", "title": "Size", "finding": "3 samples."}]
    assert set(found["seconds"]) == {"size", "page"}
    assert "100%" in outcome.stderr  # progress does not disturb it


@pytest.mark.usefixtures("one_study")
def test_a_sample_comes_from_a_clean_checkout_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e"]
    file = tmp_path / "machine.py"
    file.write_text("1")
    monkeypatch.setattr(machine, "__file__", str(file))
    out = tmp_path / "reports" / "sample"
    for prepare, status in (
        (None, 2),  # no checkout
        (["init", "-q"], 2),
        (["add", "machine.py"], 2),
        (["commit", "-qm", "m"], 0),
        (["tag", "v1"], 0),  # over the earlier one
    ):
        if prepare is not None:
            subprocess.run([*git, *prepare], check=True)
        outcome = invoke("--out", out, "--quiet", "--sample")
        assert outcome.exit_code == status, outcome.output
        assert out.exists() == (status == 0)
    assert outcome.stdout == f"report: {out / MARKDOWN}\n"
    file.write_text("2")
    outcome = invoke("--out", out, "--quiet", "--sample")
    assert outcome.exit_code == 2
    assert "error: sample: expected a git checkout without changes" in outcome.stderr
