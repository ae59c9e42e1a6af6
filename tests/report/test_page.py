"""The page and what lies beside it: templates, files, the data of the figure to step through, JSON for machines."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator, ValidationError
from matplotlib.figure import Figure
from pypdf import PdfReader
from typer.testing import CliRunner

import fastsym
from fastsym.experiments.claims import Verdict
from fastsym.experiments.snapshots import WatchedRun, watch_runs
from fastsym.model.params import Params
from fastsym.report import __main__ as door
from fastsym.report import collect as collecting
from fastsym.report.content import Plot, Section, Stepper, Table
from fastsym.report.folder import MANIFEST, check_destination
from fastsym.report.inside import MOST_FEATURES, inside, payload
from fastsym.report.manifest import PLOT_FILES, SCHEMA, SCHEMA_SOURCE
from fastsym.report.page import MARKDOWN, PAGE, script_data, write
from fastsym.report.results import OwnTable, Settings
from fastsym.report.style import save

HOSTILE = "</script><img src=x onerror=alert(1)>"
MACHINE = {
    "cpu": "a <b>cpu</b>",
    "cores": 2,
    "system": "s",
    "blas": "b",
    "threads": 2,
    "versions": {"python": "3"},
    "revision": None,
}


def silent(_fraction: float, _doing: str) -> None:
    pass


def draw(figure: Figure) -> None:
    axes = figure.subplots()
    axes.plot([0, 1, 2], [0, 1, 4])
    axes.set_xlabel("x")
    axes.set_ylabel("y")


def plot_of(slug: str) -> Plot:
    return Plot(slug, f"A finding of {slug}: 4", f"{slug} rises", pd.DataFrame({"x": [0, 1, 2], "y": [0, 1, 4]}), draw)


@pytest.fixture(scope="module")
def runs() -> tuple[WatchedRun, ...]:
    data = fastsym.load_titanic("standardised")
    return watch_runs(data._replace(feature_names=(HOSTILE, *data.feature_names[1:])), iterations=50)


@pytest.fixture(scope="module")
def results(runs: tuple[WatchedRun, ...]) -> Any:
    """As much of the results as the page reads."""
    certificate = SimpleNamespace(
        to_json=lambda: '{"variant":"v","dtype":"float64","passed":true,"reasons":[],"e":NaN}'
    )
    return SimpleNamespace(
        settings=Settings(benchmark_json=Path("a/run.json")),
        made=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        machine=MACHINE,
        own=None,
        watched=runs,
        verdicts=(
            Verdict(
                1, "article", "true", "reason", {"cost": np.float64(0.5), "seeds": np.int64(3)}, (0.1, np.inf), "p"
            ),
            Verdict(2, "article", "false", "reason", {"cost": float("nan")}),
            Verdict(1, "no_id", "true", "reason"),
        ),
        certificates=(certificate,),
    )


@pytest.fixture(scope="module")
def sections(results: Any) -> list[Section]:
    frame = pd.DataFrame({"text": ["a", "b"], "number": [1.5, float("nan")], "flag": [True, False]})
    table = Table("numbers", "Some numbers", frame)
    strip = Section("headline", "In two pictures", "All is well.", (plot_of("one"), "Words between.", plot_of("two")))
    return [strip, inside(results), Section("rest", "The rest", "A `finding`.", ("Text.", plot_of("three"), table))]


@pytest.fixture(scope="module")
def report(results: Any, sections: list[Section], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write(sections, results, folder, silent)
    return folder


@pytest.fixture(scope="module")
def page(report: Path) -> str:
    return (report / PAGE).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def manifest(report: Path) -> Any:
    return json.loads((report / MANIFEST).read_text(encoding="utf-8"), parse_constant=pytest.fail)


@pytest.fixture(scope="module")
def schema() -> Any:
    return json.loads(SCHEMA_SOURCE.read_text(encoding="utf-8"))


def test_headline_pictures_stand_first_side_by_side(page: str) -> None:
    strip = re.search(r'<div class="strip wide">(.*?)</div>\s*<p>Words between', page, flags=re.DOTALL)
    assert strip
    assert re.findall(r'<figure id="figure-(\w+)"', strip[1]) == ["one", "two"]
    assert page.index('id="headline"') < page.index("<nav") < page.index('id="inside"') < page.index('id="rest"')
    findings = re.search("<nav.*?</nav>", page, flags=re.DOTALL)
    assert findings
    assert re.findall('href="#([^"]*)"', findings[0]) == ["inside", "rest"]


def test_every_plot_is_there_in_every_format(report: Path, page: str) -> None:
    markdown = (report / MARKDOWN).read_text(encoding="utf-8")
    for slug in ("one", "two", "three"):
        for end in PLOT_FILES:
            assert (report / "figures" / f"{slug}.{end}").stat().st_size > 10
            assert f'href="figures/{slug}.{end}"' in page
            assert f"(figures/{slug}.{end})" in markdown


def test_pdf_is_one_page_of_vectors_with_its_title_and_no_date(report: Path, tmp_path: Path) -> None:
    file = report / "figures" / "three.pdf"
    reader = PdfReader(file)
    assert len(reader.pages) == 1
    assert len(reader.pages[0].images) == 0
    assert "A finding of three: 4" in reader.pages[0].extract_text()
    assert reader.metadata is not None
    assert reader.metadata.title == "A finding of three: 4"
    assert reader.metadata.creation_date is None
    save(plot_of("three"), tmp_path)
    assert (tmp_path / "three.pdf").read_bytes() == file.read_bytes()


def test_inline_figures_end_below_the_title(tmp_path: Path) -> None:
    inline = save(plot_of("three"), tmp_path)
    file = (tmp_path / "three.svg").read_text(encoding="utf-8")
    left, top, width, height = (float(number) for number in re.findall('viewBox="([^"]*)"', inline)[0].split())
    assert (left, width) == (0, 374.4)
    assert 10 < top < 40
    assert top + height == pytest.approx(72 * 3.4, abs=0.01)
    assert re.search(r'<svg [^>]*>.*?<rect width="100%" height="100%" fill="white"/>', file, flags=re.DOTALL)
    assert "fill: #ffffff" not in inline
    longer = save(replace(plot_of("four"), title="A longer title that needs more lines than one: 4" * 3), tmp_path)
    assert float(re.findall('viewBox="0 ([^ ]*)', longer)[0]) > top + 10


def test_width_of_a_figure_is_its_own(tmp_path: Path) -> None:
    inline = save(replace(plot_of("narrow"), width_inches=3.0), tmp_path)
    assert re.findall('viewBox="([^"]*)"', inline)[0].split()[2] == "216"


def test_script_data_cannot_leave_its_element() -> None:
    value = {"name": f"{HOSTILE} <!-- & \u2028 é"}
    text = script_data(value)
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == value
    with pytest.raises(ValueError, match="not JSON compliant"):
        script_data([float("nan")])


def test_the_page_holds_the_runs_and_one_script(page: str, runs: tuple[WatchedRun, ...]) -> None:
    assert HOSTILE not in page
    assert "<img" not in page
    data = re.search(r'<script type="application/json">(.*?)</script>', page, flags=re.DOTALL)
    assert data
    assert json.loads(data[1]) == payload(runs)
    assert page.count("<script") == page.count("</script>") == 2
    assert "http" not in page.replace("http://www.w3.org/", "")


def test_a_page_without_a_stepper_has_no_script(results: Any, tmp_path: Path) -> None:
    write([Section("rest", "The rest", "A finding.", ("Text.",))], results, tmp_path, silent)
    assert "<script" not in (tmp_path / PAGE).read_text(encoding="utf-8")


def test_payload_is_the_recorded_run_in_three_digits(runs: tuple[WatchedRun, ...]) -> None:
    drawn = json.loads(json.dumps(payload(runs), allow_nan=False))
    assert drawn["rows"] == [*runs[0].feature_names, "bias b1", "output W2"]
    np.testing.assert_array_equal(drawn["iterations"], runs[0].iterations)
    for run, part in zip(runs, drawn["runs"], strict=True):
        units = np.array(part["units"])
        np.testing.assert_allclose(units[:, :, :-2], run.history.W1, rtol=5.01e-3)
        np.testing.assert_allclose(units[:, :, -2], run.history.b1, rtol=5.01e-3)
        np.testing.assert_allclose(units[:, :, -1], run.history.W2, rtol=5.01e-3)
        np.testing.assert_allclose(part["costs"], run.costs, rtol=5.01e-5)
        assert part["classes"] == list(run.classes)
    assert [part["name"] for part in drawn["runs"]] == ["zero weights", "constant weights", "random weights"]


def test_a_value_that_is_not_finite_is_null(runs: tuple[WatchedRun, ...]) -> None:
    history = Params(*(values.copy() for values in runs[2].history))
    history.W1[3, 1, 2] = np.nan
    history.W2[3, 1] = np.inf
    part = payload((replace(runs[2], history=history),))["runs"][0]
    assert part["units"][3][1][2] is None
    assert part["units"][3][1][-1] is None


def test_of_many_features_those_that_move_most_are_shown() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 60)) * 1e-3
    X[[7, 31]] *= 1e3
    data = fastsym.Dataset(X, (X[7] + X[31] > 0).astype(float), tuple(f"f{i}" for i in range(40)))
    many = watch_runs(data, iterations=3000)
    rows = payload(many)["rows"]
    assert len(rows) == MOST_FEATURES + 2
    assert {"f7", "f31"} <= set(rows)
    section = inside(SimpleNamespace(watched=many))  # type: ignore[arg-type]
    assert f"The {40 - MOST_FEATURES} features with the smallest weights are left out" in section.steppers[0].note
    assert "W1 f0" in section.steppers[0].data
    assert len(script_data(payload(many))) < 300_000


def test_the_finding_and_the_csv_follow_the_runs(
    runs: tuple[WatchedRun, ...], report: Path, sections: list[Section]
) -> None:
    section = sections[1]
    assert "AAAA from zero weights, AAAA from constant weights, ABCD from random weights" in section.steppers[0].title
    assert f"{runs[0].costs[-1]:.3g} from zero weights" in section.headline
    frame = pd.read_csv(report / "figures" / "inside.csv")
    assert len(frame) == 3 * len(runs[0].iterations) * 4
    last = frame[(frame["start"] == "normal") & (frame["iteration"] == 50)]
    np.testing.assert_array_equal(last["W2"], runs[2].history.W2[-1])
    assert last["class"].tolist() == list("ABCD")
    other = tuple(replace(run, classes=("AABB",) * len(run.classes)) for run in runs)
    assert "AABB from zero weights" in inside(SimpleNamespace(watched=other)).steppers[0].title  # type: ignore[arg-type]


def test_report_json_follows_its_schema(manifest: Any, schema: Any, report: Path) -> None:
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(manifest)
    assert (report / manifest["$schema"]).read_bytes() == SCHEMA_SOURCE.read_bytes()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda m: m.pop("environment"),
        lambda m: m.update(more=1),
        lambda m: m["sections"][0].update(slug="Not A Slug"),
        lambda m: m["sections"][2]["tables"][0]["columns"][1]["values"].append({}),
        lambda m: m["claims"][0].update(verdict="maybe"),
        lambda m: m["certificates"][0].pop("passed"),
        lambda m: m.update(made="yesterday"),
        lambda m: m["files"].append(m["files"][0]),
    ],
)
def test_the_schema_rejects_what_is_wrong(manifest: Any, schema: Any, spoil: Any) -> None:
    wrong = json.loads(json.dumps(manifest))
    spoil(wrong)
    with pytest.raises(ValidationError):
        Draft202012Validator(schema).validate(wrong)


def test_report_json_has_everything(manifest: Any, report: Path, sections: list[Section]) -> None:
    files = {path.relative_to(report).as_posix() for path in report.rglob("*") if path.is_file()}
    assert set(manifest["files"]) == files - {MANIFEST}
    assert {SCHEMA, PAGE, MARKDOWN} < files
    check_destination(report)  # a later run knows it again
    for part, section in zip(manifest["sections"], sections, strict=True):
        assert (part["title"], part["finding"]) == (section.title, section.headline)
        assert part["text"] == [item for item in section.content if isinstance(item, str)]
        figures = [item for item in section.content if isinstance(item, Plot | Stepper)]
        for found, figure in zip(part["figures"], figures, strict=True):
            values = {column["name"]: column["values"] for column in found["columns"]}
            pd.testing.assert_frame_equal(pd.DataFrame(values), figure.data, check_exact=True)
            assert set(found["files"].values()) <= files
    assert manifest["sections"][2]["tables"][0]["columns"] == [
        {"name": "text", "values": ["a", "b"]},
        {"name": "number", "values": [1.5, None]},
        {"name": "flag", "values": [True, False]},
    ]
    assert manifest["environment"] == MACHINE
    assert manifest["made"] == "2026-01-02T03:04:05+00:00"
    assert manifest["settings"]["benchmark_json"] == "run.json"
    assert manifest["table"] == {"name": "titanic.csv", "target": "Survived"}
    assert manifest["claims"][0]["numbers"] == {"cost": 0.5, "seeds": 3}
    assert manifest["claims"][0]["interval"] == [0.1, "inf"]
    assert manifest["claims"][1]["numbers"] == {"cost": None}
    assert manifest["certificates"] == [{"variant": "v", "dtype": "float64", "passed": True, "reasons": [], "e": None}]


def test_report_json_names_a_users_table(results: Any, tmp_path: Path) -> None:
    own = OwnTable("<b>.csv", "ill", fastsym.Dataset(np.zeros((1, 2)), np.zeros(2), ("a",)))
    mine = SimpleNamespace(**{**vars(results), "own": own})
    write([Section("rest", "The rest", "A finding.", ("Text.",))], mine, tmp_path, silent)  # type: ignore[arg-type]
    content = json.loads((tmp_path / MANIFEST).read_text(encoding="utf-8"))
    assert content["table"] == {"name": "<b>.csv", "target": "ill"}


@pytest.fixture
def quick(results: Any, sections: list[Section], monkeypatch: pytest.MonkeyPatch) -> None:
    def collect(_settings: Settings, tell: Any, _own: Any) -> Any:
        tell(0.0, "claims: took 1.5 s")
        tell(0.5, "claims: article")
        return results

    monkeypatch.setattr(collecting, "collect", collect)
    monkeypatch.setattr("fastsym.report.sections.sections_of", lambda _: sections[2:])


@pytest.mark.parametrize("flags", [[], ["--quiet"]])
def test_the_command_prints_json(tmp_path: Path, quick: None, flags: list[str]) -> None:  # noqa: ARG001
    outcome = CliRunner().invoke(door.app, ["--out", str(tmp_path / "r"), "--json", *flags])
    assert outcome.exit_code == 0
    found = json.loads(outcome.stdout)
    assert found["page"] == str(tmp_path / "r" / PAGE)
    assert found["json"] == str(tmp_path / "r" / MANIFEST)
    assert found["findings"] == [{"slug": "rest", "title": "The rest", "finding": "A `finding`."}]
    assert found["claims"] == {"article": {"true": 1, "false": 1}, "no_id": {"true": 1}}
    assert found["seconds"]["claims"] == 1.5
    assert set(found["seconds"]) == {"claims", "page"}
    assert (outcome.stderr == "") == bool(flags)
    assert flags or "writing the page" in outcome.stderr


def test_a_problem_leaves_standard_output_empty(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("precious")
    outcome = CliRunner().invoke(door.app, ["--out", str(tmp_path), "--json"])
    assert outcome.exit_code == 2
    assert outcome.stdout == ""
    assert "error: out: expected" in outcome.stderr
