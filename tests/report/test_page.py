"""What is written of given sections: page, Markdown, sample, figures, the data to step through, JSON for machines."""

import csv
import json
import re
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError
from matplotlib.figure import Figure
from pypdf import PdfReader

import fastsym
from fastsym.agreement import certify
from fastsym.experiments.claims import Verdict
from fastsym.experiments.snapshots import WatchedRun, watch_runs
from fastsym.model.params import Params
from fastsym.report.content import Plot, Section, Stepper, Table, quoted, rounded
from fastsym.report.folder import MANIFEST, MARKDOWN, check_destination
from fastsym.report.manifest import PLOT_FILES, SCHEMA, SCHEMA_SOURCE
from fastsym.report.page import PAGE, prose, script_data, write, write_csv, write_sample
from fastsym.report.sections import inside
from fastsym.report.sections.agreement import Agreement
from fastsym.report.sections.claims import Judged
from fastsym.report.sections.inside import MOST_FEATURES, payload
from fastsym.report.settings import OwnTable, Settings
from fastsym.report.study import Context
from fastsym.report.style import DARK, save

HOSTILE = "</script><img src=x onerror=alert(1)>"
VERDICTS = (
    Verdict(1, "article", "true", "reason", {"cost": np.float64(0.5), "seeds": np.int64(3)}, (0.1, np.inf), "p"),
    Verdict(2, "article", "false", "reason", {"cost": float("nan")}),
)


def silent(_fraction: float, _doing: str) -> None:
    pass


def draw(figure: Figure) -> None:
    axes = figure.subplots()
    axes.plot([0, 1, 2], [0, 1, 4])
    axes.set_xlabel("x")
    axes.set_ylabel("y")


def plot_of(slug: str) -> Plot:
    return Plot(slug, f"A finding of {slug}: 4", f"{slug} rises", pd.DataFrame({"x": [0, 1, 2], "y": [0, 1, 4]}), draw)


def context_of(own: OwnTable | None = None) -> Context:
    context = Context(Settings(), own)
    certificate = replace(certify("reference"), path_error=float("nan"))
    context.results = {
        "claims": Judged(VERDICTS, pd.DataFrame()),
        "agreement": Agreement((certificate,), {}, (), {}),
    }
    return context


@pytest.fixture(scope="module")
def runs() -> tuple[WatchedRun, ...]:
    data = fastsym.load_titanic("standardised")
    return watch_runs(data._replace(feature_names=(HOSTILE, *data.feature_names[1:])), iterations=50)


@pytest.fixture(scope="module")
def context() -> Context:
    return context_of()


@pytest.fixture(scope="module")
def sections(runs: tuple[WatchedRun, ...], context: Context) -> list[Section]:
    frame = pd.DataFrame({"text": ["a", "b"], "number": [1.5, float("nan")], "flag": [True, False]})
    table = Table("numbers", "Some numbers", frame)
    long = Table("long", "Many numbers", frame, folded=True)
    strip = Section("headline", "In two pictures", "All is well.", (plot_of("one"), "Words between.", plot_of("two")))
    rest = Section("rest", "The rest", "A `finding`.", ("Text.", plot_of("three"), table, long))
    lesson = replace(inside.render(runs, context), in_lesson=True)
    return [lesson, strip, rest]


@pytest.fixture(scope="module")
def report(context: Context, sections: list[Section], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write(sections, context, folder, silent)
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


# The page and its files


def test_headline_pictures_stand_side_by_side_and_the_lesson_first(page: str, report: Path) -> None:
    strip = re.search(r'<div class="strip wide">(.*?)</div>\s*<p>Words between', page, flags=re.DOTALL)
    assert strip
    assert re.findall(r'<figure id="figure-(\w+)"', strip[1]) == ["one", "two"]
    places = [page.index(f'id="{slug}"') for slug in ("inside", "headline", "rest")]
    parts = [page.index(f'class="part">{name}') for name in ("The lesson", "The engineering")]
    assert page.index("<nav") < parts[0] < places[0] < parts[1] < places[1] < places[2]
    contents = re.search("<nav.*?</nav>", page, flags=re.DOTALL)
    assert contents
    assert re.findall('href="#([^"]*)"', contents[0]) == ["inside", "headline", "rest"]
    markdown = (report / MARKDOWN).read_text(encoding="utf-8")
    assert markdown.index("### The lesson") < markdown.index("(#inside)") < markdown.index("### The engineering")


def test_every_plot_is_there_in_every_format(report: Path, page: str) -> None:
    markdown = (report / MARKDOWN).read_text(encoding="utf-8")
    for slug in ("one", "two", "three"):
        for end in PLOT_FILES:
            assert (report / "figures" / f"{slug}.{end}").stat().st_size > 10
            assert f'href="figures/{slug}.{end}"' in page
            assert f"(figures/{slug}.{end})" in markdown


def test_figures_are_the_same_bytes_each_time(report: Path, tmp_path: Path) -> None:
    save(plot_of("three"), tmp_path)
    for end in ("pdf", "svg"):
        assert (tmp_path / f"three.{end}").read_bytes() == (report / "figures" / f"three.{end}").read_bytes()


def test_pdf_is_one_page_of_vectors_with_its_title(report: Path) -> None:
    reader = PdfReader(report / "figures" / "three.pdf")
    assert len(reader.pages) == 1
    assert len(reader.pages[0].images) == 0
    assert "A finding of three: 4" in reader.pages[0].extract_text()
    assert reader.metadata is not None
    assert reader.metadata.title == "A finding of three: 4"


def test_inline_figures_end_below_the_title(tmp_path: Path) -> None:
    inline = save(plot_of("three"), tmp_path)
    left, top, width, height = (float(number) for number in re.findall('viewBox="([^"]*)"', inline)[0].split())
    assert (left, width) == (0, 374.4)
    assert 10 < top < 40
    assert top + height == pytest.approx(72 * 3.4, abs=0.01)
    longer = save(replace(plot_of("four"), title="A longer title that needs more lines than one: 4" * 3), tmp_path)
    assert float(re.findall('viewBox="0 ([^ ]*)', longer)[0]) > top + 10
    for each in (inline, longer):  # letters that reach below the cut
        assert len(re.findall(r'<g id="\w+-title" visibility="hidden">', each)) == 1


def test_a_folded_table_of_sentences_is_folded_in_markdown_too(context: Context, tmp_path: Path) -> None:
    frame = pd.DataFrame({"claim": ["one", "two"], "reason": ["because", "so"]})
    table = Table("ledger", "Reasons", frame, wraps=("claim", "reason"), folded=True)
    write_sample([Section("rest", "The rest", "A finding.", (table,))], context, tmp_path, silent)
    text = (tmp_path / MARKDOWN).read_text(encoding="utf-8")
    inside = re.search(r"<details><summary>Reasons \(2 rows\)</summary>\n\n(.*?)\n\n</details>", text, flags=re.DOTALL)
    assert inside
    assert "| one | because |\n| two | so |" in inside[1]


def test_a_sample_is_markdown_with_the_figures_it_shows(
    context: Context, sections: list[Section], tmp_path: Path
) -> None:
    write_sample(sections, context, tmp_path, silent)
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {MARKDOWN, *(f"figures/{slug}.png" for slug in ("one", "two", "three"))}
    text = (tmp_path / MARKDOWN).read_text(encoding="utf-8")
    links = set(re.findall(r"\]\(([^)]*)\)", text))
    assert {link for link in links if not link.startswith("#")} == files - {MARKDOWN}
    assert all(f'<a id="{link[1:]}"></a>' in text for link in links if link.startswith("#"))
    assert "| a | 1.5 | yes |" in text
    check_destination(tmp_path)  # a later run knows it again
    (tmp_path / "figures" / "mine.png").write_text("precious")
    with pytest.raises(FileExistsError, match=r"figures.mine\.png; move it away"):
        check_destination(tmp_path)


# What the page may do, and what it may not


def test_the_page_may_use_its_own_style_and_script_and_nothing_else(page: str) -> None:
    found = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    assert found
    rules = dict(each.split(" ", 1) for each in found[1].split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert found.start() < page.index("<style")
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, flags=re.DOTALL)
        assert rules[f"{tag}-src"] == f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
    assert not re.search(r"<[^>]* (style|on\w+)=", page)


def test_inline_figures_say_as_attributes_what_their_files_say_as_style(report: Path, page: str) -> None:
    inline = re.search(r'id="figure-three">.*?(<svg.*?</svg>)', page, flags=re.DOTALL)
    assert inline
    file = (report / "figures" / "three.svg").read_text(encoding="utf-8")
    styles = [part for style in re.findall(r' style="([^"]*)"', file) for part in style.split("; ")]
    wanted = Counter(part.strip(";").replace(": ", "=") for part in styles)
    for colour in DARK:
        wanted = Counter({part.replace(colour, f"var(--c{colour[1:]})"): count for part, count in wanted.items()})
    wanted["stroke-linejoin=round"] += 1  # of the whole figure, in place of its style sheet
    names = {part.split("=")[0] for part in wanted}
    elements = ElementTree.fromstring(inline[1].replace("xlink:", "")).iter()
    assert len(names) > 3
    said = [f"{name}={value}" for each in elements for name, value in each.items() if name in names]
    assert Counter(said) == wanted


# Text is only text


def cells_of(file: Path, separator: str) -> list[str]:
    """Cells as a spreadsheet finds them that divides lines at this character."""
    with file.open(encoding="utf-8", newline="") as lines:
        return [cell for row in csv.reader(lines, delimiter=separator) for cell in row]


FORMULAS = ("=1+1", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1", "a;=1+1", "a\n@b", "＝1", "-", '"=1')


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_text_is_a_formula_and_numbers_stay_numbers(tmp_path: Path, separator: str) -> None:
    numbers = [-1.5, float("-inf"), float("nan"), *map(float, range(len(FORMULAS) - 3))]
    frame = pd.DataFrame({"=x": FORMULAS, "n": numbers, "of both": [-1, "-2", *FORMULAS[2:]]})
    write_csv(frame, tmp_path / "t.csv")
    for cell in cells_of(tmp_path / "t.csv", separator):
        if not re.fullmatch(r"[+-]?(\d+(\.\d+)?|inf)(,.*)?", cell):  # a line that the separator does not divide
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝")), cell
    back = pd.read_csv(tmp_path / "t.csv")
    np.testing.assert_array_equal(back["n"], numbers)
    assert back["of both"].tolist()[:2] == ["-1", "-2"]
    assert frame.columns[0] == "=x"  # what was given stays as it is


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    names=st.lists(st.text(st.sampled_from("=+-@\t\r\n;,'\"|<>&`\u2028ab1 ＝"), max_size=12), min_size=1, max_size=4)
)
def test_whatever_a_name_is_no_cell_is_a_formula(names: list[str]) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder, "t.csv")
        write_csv(pd.DataFrame({name: [name] for name in names}, index=[0]), file)
        for cell in cells_of(file, ","):
            assert re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", cell) or not cell.startswith(tuple("=+-@\t\r＝"))


def test_texts_are_escaped(context: Context, tmp_path: Path) -> None:
    hostile = '<script>alert(1)</script> | "x" & `<b>`'
    frame = pd.DataFrame({hostile: [hostile], "n": [1.5]})
    plot = replace(plot_of("plot"), title=hostile, alt=hostile, note=hostile)
    section = Section("hostile", hostile, hostile, (hostile, plot, Table("table", hostile, frame)))
    write([section], context, tmp_path, silent)
    text = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert "<script" not in text
    assert "<b>" not in text
    assert "<code>&lt;b&gt;</code>" in text
    markdown = (tmp_path / MARKDOWN).read_text(encoding="utf-8")
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 3 for row in rows)
    assert '"x" \\& `<b>`' in markdown


def test_script_data_cannot_leave_its_element() -> None:
    value = {"name": f"{HOSTILE} <!-- & \u2028 é"}
    text = script_data(value)
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == value
    with pytest.raises(ValueError, match="not JSON compliant"):
        script_data([float("nan")])


def test_no_line_breaks_inside_a_quantity() -> None:
    space = "\N{NO-BREAK SPACE}"
    assert prose("at H = 4 in 5 % of 10 ms, so <b> `T = 3` sixty s") == (
        f"at H{space}={space}4 in 5{space}% of 10{space}ms, so &lt;b&gt; <code>T = 3</code> sixty s"
    )


def test_names_in_prose_stay_on_one_line_and_are_no_code() -> None:
    assert quoted("a\n`b`") == r"'a\n'b''"


def test_numbers_are_rounded_for_readers() -> None:
    values = (0.0, 0.0123456, 1.0, 12.345, 12345.6, 1e-7, float("nan"))
    assert [rounded(value) for value in values] == ["0", "0.0123", "1", "12.3", "12300", "1e-07", "nan"]
    frame = pd.DataFrame({"x": [0.5, float("nan")], "flag": [True, False], "name": ["a", "b"]})
    table = Table("t", "c", frame, {"x": ".2f"})
    assert table.cells() == [["0.50", "yes", "a"], ["–", "no", "b"]]
    assert table.numeric() == [True, False, False]


# The figure to step through


def test_the_page_holds_the_runs_and_one_script(page: str, runs: tuple[WatchedRun, ...]) -> None:
    assert HOSTILE not in page
    assert "<img" not in page
    data = re.search(r'<script type="application/json">(.*?)</script>', page, flags=re.DOTALL)
    assert data
    assert json.loads(data[1]) == payload(runs)
    assert page.count("<script") == page.count("</script>") == 2
    assert "http:" not in page.replace("http://www.w3.org/", "")
    assert "https:" not in page


def test_a_page_without_a_stepper_has_no_script(context: Context, tmp_path: Path) -> None:
    write([Section("rest", "The rest", "A finding.", ("Text.",))], context, tmp_path, silent)
    assert "<script" not in (tmp_path / PAGE).read_text(encoding="utf-8")


def test_payload_is_the_recorded_run_in_three_digits(runs: tuple[WatchedRun, ...]) -> None:
    drawn = json.loads(json.dumps(payload(runs), allow_nan=False))
    assert drawn["rows"] == [*runs[0].feature_names, "bias b1", "output W2"]
    np.testing.assert_array_equal(drawn["iterations"], runs[0].iterations)
    for run, part in zip(runs, drawn["runs"], strict=True):
        units = np.array(part["units"])
        # Half a unit of the third digit of 1.00, and of the fifth for costs.
        np.testing.assert_allclose(units[:, :, :-2], run.history.W1, rtol=5.01e-3)
        np.testing.assert_allclose(units[:, :, -2], run.history.b1, rtol=5.01e-3)
        np.testing.assert_allclose(units[:, :, -1], run.history.W2, rtol=5.01e-3)
        np.testing.assert_allclose(part["costs"], run.costs, rtol=5.01e-5)
        np.testing.assert_allclose(part["b2"], run.history.b2, rtol=5.01e-3)
        assert part["classes"] == list(run.classes)


def test_a_value_that_is_not_finite_is_null(runs: tuple[WatchedRun, ...]) -> None:
    history = Params(*(values.copy() for values in runs[2].history))
    history.W1[3, 1, 2] = np.nan
    history.W2[3, 1] = np.inf
    part = payload((replace(runs[2], history=history),))["runs"][0]
    assert part["units"][3][1][2] is None
    assert part["units"][3][1][-1] is None


def test_of_many_features_those_that_move_most_are_shown(context: Context) -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 60)) * 1e-3
    X[[7, 31]] *= 1e3
    data = fastsym.Dataset(X, (X[7] + X[31] > 0).astype(float), tuple(f"f{i}" for i in range(40)))
    many = watch_runs(data, iterations=3000)
    rows = payload(many)["rows"]
    assert len(rows) == MOST_FEATURES + 2
    assert {"f7", "f31"} <= set(rows)
    assert "W1 f0" in inside.render(many, context).steppers[0].data  # the CSV has all
    assert len(script_data(payload(many))) < 300_000


def test_the_finding_and_the_csv_follow_the_runs(
    runs: tuple[WatchedRun, ...], context: Context, report: Path, sections: list[Section]
) -> None:
    costs = [rounded(float(run.costs[-1])) for run in runs]
    assert (
        f"AAAA at a cost of {costs[0]} from zero weights; AAAA at a cost of {costs[1]} from constant weights; "
        f"ABCD at a cost of {costs[2]} from random weights"
    ) in sections[0].headline
    assert f"b2, the bias of the output, moves to {runs[0].history.b2[-1]:.3f}" in str(sections[0].content[0])
    frame = pd.read_csv(report / "figures" / "inside.csv")
    assert len(frame) == 3 * len(runs[0].iterations) * 4
    last = frame[(frame["start"] == "normal") & (frame["iteration"] == 50)]
    np.testing.assert_array_equal(last["W2"], runs[2].history.W2[-1])
    assert last["class"].tolist() == list("ABCD")
    other = tuple(replace(run, classes=("AABB",) * len(run.classes)) for run in runs)
    assert "AABB at a cost of " in inside.render(other, context).headline


# report.json


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


def test_report_json_has_everything(manifest: Any, report: Path, sections: list[Section], context: Context) -> None:
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
    assert manifest["environment"] == context.machine
    assert manifest["made"] == context.made.isoformat(timespec="seconds")
    assert manifest["table"] == {"name": "titanic.csv", "target": "Survived"}
    assert manifest["claims"][0]["numbers"] == {"cost": 0.5, "seeds": 3}
    assert manifest["claims"][0]["interval"] == [0.1, "inf"]
    assert manifest["claims"][1]["numbers"] == {"cost": None}
    assert (manifest["certificates"][0]["variant"], manifest["certificates"][0]["path_error"]) == ("reference", None)


def test_report_json_names_a_users_table(tmp_path: Path) -> None:
    own = OwnTable("<b>.csv", "ill", fastsym.Dataset(np.array([[0.0, 1.0]]), np.array([0.0, 1.0]), ("a",)))
    write([Section("rest", "The rest", "A finding.", ("Text.",))], context_of(own), tmp_path, silent)
    content = json.loads((tmp_path / MANIFEST).read_text(encoding="utf-8"))
    assert content["table"] == {"name": "<b>.csv", "target": "ill"}
