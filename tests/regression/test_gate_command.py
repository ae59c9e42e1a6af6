"""The command line of the gate, and how what was found is shown."""

import json
from pathlib import Path

import pytest
from gate_repository import SLOWER, leftovers, write
from typer.testing import CliRunner

from fastsym.regression import app, command, presentation
from fastsym.regression.codediff import Difference
from fastsym.regression.decision import Kept, decide
from fastsym.regression.findings import Report, Revision
from fastsym.regression.outcome import CANNOT_JUDGE, PASS, CannotJudgeError
from fastsym.regression.outcome import SLOWER as EXIT_SLOWER
from fastsym.regression.triples import LABELS, Sample

pytest_plugins = ("gate_fixtures",)


def made_up(effect=0.3, tests=30):
    """A report of made-up times, as of a run whose first test became slower."""
    names = [f"bench/test_{i}.py::test[a|b]" for i in range(tests)]
    samples = [
        Sample("screening", triple, name, label, seconds, seconds, seconds)
        for triple in range(8)
        for i, name in enumerate(names)
        for j, label in enumerate(LABELS)
        for seconds in [
            1e-3 * (1 + 1e-4 * ((7 * triple + 3 * i + j) % 5)) * (1 + effect * (i == 0) * (label == "head"))
        ]
    ]
    again = [
        s._replace(stage="confirmation", triple=s.triple + k) for s in samples if s.test == names[0] for k in (8, 16)
    ]
    kept = Kept((names[0],), (), False)
    report = Report(base=Revision("0" * 40, "0000 Base `x`"), head=Revision("1" * 40, "1111 Head", ("a.py",)), seed=3)
    report.decision = decide(samples, again, kept, 0.02, 40)
    report.samples = samples + again
    report.machine = {"cpu": "Toy", "cores": 2, "system": "Toyix"}
    report.versions = {"python": "3.11", "pytest_benchmark": "5"}
    report.left_out = {f"test_{i}": "fails on both sides: line\nand line" for i in range(12)}
    report.differences = [Difference("pkg.kernel(float64)", "loop 1 of kernel", "spills", False, "pkg.py:3")]
    report.end(report.decision.outcome, report.decision.reason, report.decision.exit_status)
    return report


@pytest.fixture
def call(folder, monkeypatch):
    """Run the command in a repository; ``report`` stands for a run."""

    def run(*arguments, report=None, where=folder):
        monkeypatch.chdir(where)
        given = []
        if report is not None:
            monkeypatch.setattr(
                command, "run", lambda _repository, settings, _tell: (given.append(settings), report)[1]
            )
        result = CliRunner().invoke(app, ["--quiet", *arguments])
        result.settings = given[0] if given else None
        return result

    return run


def test_options_become_settings(call):
    result = call(
        *("--against", "main", "--bench", "a", "--bench", "b::c", "--budget", "30", "--bar", "5", "--carry"),
        *("--prepare", "make", "--path", "lib", "--dist", "x", "--pytest-arg=-x", "--code", "off", "--seed", "4"),
        report=made_up(),
    )
    settings = result.settings
    assert (settings.against, settings.bench, settings.budget, settings.bar) == ("main", ("a", "b::c"), 30.0, 0.05)
    assert (settings.carry, settings.prepare, settings.path, settings.dist) == (True, "make", ("lib",), "x")
    assert (settings.pytest_args, settings.code, settings.seed) == (("-x",), "off", 4)


def test_the_projects_defaults(call, folder):
    write(folder, {"pyproject.toml": '[tool.fastsym.regression]\nbench = "some"\nbar = 0.1\n'})
    settings = call(report=made_up()).settings
    assert (settings.bench, settings.bar) == (("some",), 0.1)
    assert call("--bench", "other", report=made_up()).settings.bench == ("other",)


def test_the_last_line_is_the_verdict(call):
    result = call("--bench", "bench", report=made_up())
    assert result.exit_code == EXIT_SLOWER
    assert result.stdout.splitlines()[-1].startswith("slower: bench/test_0.py::test[a|b] by 30.0%")
    assert "bench/test_0.py::test[a|b]" in result.stdout
    assert "left out: test_0: fails on both sides: line and line" in result.stdout
    assert "4 more" in result.stdout
    assert "1 files changed since: a.py" in result.stdout
    passed = call("--bench", "bench", report=made_up(0.0))
    assert passed.exit_code == PASS
    assert passed.stdout.splitlines()[-1].startswith("pass: none of 30 tests is slower by more than 2%")


def test_presentations_agree(call, tmp_path, monkeypatch):
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    files = "--json", str(tmp_path / "a.json"), "--markdown", str(tmp_path / "a.md")
    report = made_up()
    call("--bench", "bench", *files, report=report)
    content = json.loads((tmp_path / "a.json").read_text())
    assert (content["outcome"], content["exit_status"], content["reason"]) == ("slower", 1, report.reason)
    assert len(content["samples"]) == len(report.samples)
    assert content["samples"][0].keys() == {*Sample._fields}
    assert [case["name"] for case in content["tests"]] == [case.name for case in report.decision.cases]
    assert content["head"]["changed"] == ["a.py"]
    page = (tmp_path / "a.md").read_text()
    assert summary.read_text() == "before\n" + page
    table = [line for line in page.splitlines() if line.startswith("|")]
    assert len(table) == 2 + presentation.SHOWN
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1
    assert "**slower**" in page
    assert "0000 Base \\`x\\`" in page


def test_what_is_written_to_standard_output_is_alone_there(call):
    report = made_up()
    result = call("--bench", "bench", "--json", "-", report=report)
    assert json.loads(result.stdout)["outcome"] == "slower"
    assert result.stderr.splitlines()[-1].startswith("slower: ")
    assert call("--bench", "bench", "--markdown", "-", report=report).stdout == presentation.markdown(report)


def test_what_is_not_finite_is_null_in_json():
    report = made_up()
    report.machine["x"] = (float("nan"), float("inf"), {"y": 1.0})
    assert json.loads(presentation.as_json(report))["machine"]["x"] == [None, None, {"y": 1.0}]


def test_the_generated_code_can_be_shown(call):
    assert "no generated code to show" in call("--bench", "bench", "--explain", report=made_up()).stdout


def test_what_cannot_be_written_cannot_be_judged(call, tmp_path):
    result = call("--bench", "bench", "--json", str(tmp_path / "nowhere" / "a.json"), report=made_up())
    assert result.exit_code == CANNOT_JUDGE
    assert "the result could not be written" in result.stderr
    if Path("/dev/full").exists():
        assert "the disk is full" in call("--bench", "bench", "--json", "/dev/full", report=made_up()).stderr


def test_what_cannot_be_judged_is_said_on_standard_error(call, folder, temporary):
    write(folder, SLOWER)
    for arguments, words in [
        (("--against", "nonsense", "--bench", "bench"), "revision 'nonsense': expected a commit, branch or tag"),
        ((), "--bench: expected files or folders"),
        (("--against", "HEAD", "--bench", "nowhere"), "expected nowhere; got no such file there"),
    ]:
        result = call(*arguments)
        assert result.exit_code == CANNOT_JUDGE, result.output
        assert "cannot judge: " in result.stderr
        assert words in result.stderr
    write(folder, {"pyproject.toml": "[tool.fastsym.regression]\nbudgett = 1\n"})
    assert "'budgett'" in call("--bench", "bench").stderr
    assert leftovers(folder, temporary) == []


def test_outside_a_repository(call, tmp_path):
    result = call("--json", "-", where=tmp_path)
    assert result.exit_code == CANNOT_JUDGE
    assert "expected a git repository; got none" in result.stderr
    assert json.loads(result.stdout)["outcome"] == "cannot judge"


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("--budget", "0"), "--budget"),
        (("--budget", "nan"), "--budget"),
        (("--bar", "-1"), "--bar"),
        (("--seed", "-1"), "--seed"),
        (("--code", "perhaps"), "--code"),
        (("--tolerance", "0.2"), "--tolerance"),
        (("--bench", "/absolute"), "--bench"),
        (("--json", "-", "--markdown", "-"), "--markdown"),
        (("one.json",), "expected two files"),
        (("one.json", "two.json", "three.json"), "expected two files"),
    ],
)
def test_bad_input_is_named(call, arguments, name):
    result = call(
        *(arguments if "json" in arguments[0] or "--bench" in arguments else ("--bench", "bench", *arguments))
    )
    assert result.exit_code == CANNOT_JUDGE
    assert name in result.stderr


@pytest.mark.parametrize(
    "option",
    [
        ("--json", "-"), ("--markdown", "-"), ("--against", "main"), ("--bench", "b"), ("--budget", "9"),
        ("--explain",), ("--carry",), ("--code", "off"), ("--seed", "1"), ("--bar", "1"),
        ("--pytest-arg", "-x"), ("--path", "."),
    ],
)  # fmt: skip
def test_options_that_do_not_apply_to_saved_runs_are_refused(call, option):
    result = call("one.json", "two.json", *option)
    assert result.exit_code == CANNOT_JUDGE
    assert f"expected no {option[0]} with two saved runs" in " ".join(result.stderr.replace("│", " ").split())


def test_an_error_before_the_run_is_no_traceback(call, monkeypatch):
    def broken(*_args):
        raise CannotJudgeError("not here")

    monkeypatch.setattr(command, "open_repository", broken)
    result = call("--bench", "bench")
    assert (result.exit_code, "cannot judge: not here" in result.stderr) == (CANNOT_JUDGE, True)
