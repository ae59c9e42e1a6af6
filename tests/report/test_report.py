"""The report: what its page holds, and that it is written whole or not at all."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

from fastsym import VARIANTS, Dataset
from fastsym.model.datasets import titanic_path
from fastsym.report import __main__ as door
from fastsym.report import collect as collecting
from fastsym.report.collect import collect
from fastsym.report.content import Link, Plot, Section, Table, quoted, rounded
from fastsym.report.folder import MANIFEST, check_destination, placed
from fastsym.report.manifest import PLOT_FILES, SCHEMA
from fastsym.report.page import MARKDOWN, PAGE, prose, write
from fastsym.report.results import OwnTable, Results, Settings, full
from fastsym.report.sections import SECTIONS, sections_of
from fastsym.report.sections.claims import COST, SHARE, _extremes
from fastsym.report.speedups import speedups
from fastsym.report.style import DARK, RC, save

SMALL = Settings(
    seeds=3,
    widths=(1, 4),
    iterations=(1, 20),
    benchmark_seconds=1.0,
    startups=(),
    claim_seeds=6,
    rounding_widths=(2, 3),
    core_types=(),
    path_iterations=70,
    quotient_width=1000,
)
NAMES = ("reference", "numpy", "fused")


def silent(_fraction: float, _doing: str) -> None:
    pass


@pytest.fixture(scope="module")
def few_variants() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collecting, "VARIANTS", {name: VARIANTS[name] for name in NAMES})
        yield


@pytest.fixture(scope="module")
def results(few_variants: None) -> Results:  # noqa: ARG001
    found = collect(SMALL, silent)
    one = found.claim_curves["features"] == "article"  # drawing takes long, and three panels show no more than one
    return replace(found, claim_curves=found.claim_curves[one])


@pytest.fixture(scope="module")
def sections(results: Results) -> list[Section]:
    return sections_of(results)


@pytest.fixture(scope="module")
def report(results: Results, sections: list[Section], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reports") / "latest"
    with placed(out) as folder:
        write(sections, results, folder, silent)
    return out


def the(slug: str, sections: list[Section]) -> Section:
    return next(section for section in sections if section.slug == slug)


def words(section: Section) -> str:
    return " ".join(item for item in section.content if isinstance(item, str))


@pytest.fixture
def quick_stages(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the results of stages that are not the test's subject from the run of this module."""
    monkeypatch.setattr(collecting, "_claims", lambda *_: (results.verdicts, results.claim_curves))
    monkeypatch.setattr(collecting.rounding, "study", lambda *_: results.rounding)
    monkeypatch.setattr(collecting, "_breaks", lambda *_: (results.breaks, results.lines))
    monkeypatch.setattr(collecting.timing, "run_quotient", lambda *_: results.quotient)


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


class Page(HTMLParser):
    """Collects what a test asks of a page, and fails on tags that do not nest."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.urls: list[str] = []
        self.tags: list[str] = []
        self.labels: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(str(value))
            elif name in ("href", "src", "xlink:href"):
                self.urls.append(str(value))
            elif name == "aria-label":
                self.labels.append(str(value))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(report: Path) -> Page:
    return Page((report / PAGE).read_text(encoding="utf-8"))


def test_every_plot_states_a_finding_and_is_labelled(sections: list[Section]) -> None:
    plots = [plot for section in sections for plot in section.plots]
    assert len(plots) >= 8
    for plot in plots:
        assert re.search(r"\d|zero", plot.title), f"{plot.slug}: no finding in {plot.title!r}"
        assert len(plot.alt) > 60, plot.slug
        assert not plot.data.empty, plot.slug
        with mpl.rc_context(RC):
            figure = Figure()
            plot.draw(figure)
        assert all(axes.get_ylabel() or axes.get_yticklabels() for axes in figure.axes), plot.slug
        assert any(axes.get_xlabel() for axes in figure.axes), plot.slug


def test_slugs_are_unique(sections: list[Section]) -> None:
    plots = [plot.slug for section in sections for plot in section.plots]
    tables = [table.slug for section in sections for table in section.tables]
    for slugs in (plots, tables, [section.slug for section in sections]):
        assert len(set(slugs)) == len(slugs)


def test_all_files_are_there_and_listed(report: Path, sections: list[Section]) -> None:
    expected = {PAGE, MARKDOWN, MANIFEST, SCHEMA}
    for section in sections:
        expected |= {f"figures/{plot.slug}.{end}" for plot in section.plots for end in PLOT_FILES}
        expected |= {f"figures/{stepper.slug}.csv" for stepper in section.steppers}
        expected |= {f"tables/{table.slug}.csv" for table in section.tables}
    assert files_in(report) == expected
    manifest = json.loads((report / MANIFEST).read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert set(manifest["files"]) == expected - {MANIFEST}
    assert {c["variant"] for c in manifest["certificates"]} == set(NAMES)


def test_the_page_needs_nothing_from_elsewhere(page: Page, report: Path) -> None:
    assert "src" not in page.attributes
    assert "link" not in page.tags
    for url in page.urls:
        assert url.startswith("#") or (report / url).is_file(), url
    for url in page.urls:
        if url.startswith("#"):
            assert url[1:] in page.ids, url
    assert not re.search(r"url\((?!#)", (report / PAGE).read_text(encoding="utf-8"))
    assert (report / PAGE).stat().st_size < 5e6


def test_ids_are_unique_and_figures_described(page: Page, sections: list[Section]) -> None:
    assert len(page.ids) == len(set(page.ids))
    plots = [plot for section in sections for plot in section.plots]
    assert page.tags.count("svg") == len(plots)
    assert {plot.alt for plot in plots} <= set(page.labels)


def test_inline_figures_follow_the_theme(report: Path) -> None:
    text = (report / PAGE).read_text(encoding="utf-8")
    drawings = "".join(re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL))
    for colour in DARK:
        assert colour not in drawings
        assert f"--c{colour[1:]}:" in text
    assert "prefers-color-scheme: dark" in text


def test_published_costs_are_shown(report: Path) -> None:
    for name in (PAGE, MARKDOWN):
        text = (report / name).read_text(encoding="utf-8")
        assert "616.2078435177914" in text
        assert "12 of 12 published numbers are reproduced" in text
    frame = pd.read_csv(report / "tables" / "published.csv")
    assert frame["matches"].all()
    assert len(frame) == 12


def test_tables_of_both_cases_hold_every_weight(report: Path) -> None:
    for case in (1, 2):
        frame = pd.read_csv(report / "tables" / f"case-{case}-weights.csv")
        assert len(frame) == 10 * 4
        assert len([name for name in frame if name.startswith("W1 ")]) == 9
        assert frame.filter(regex="^W").to_numpy().any() == (case == 2)


def test_svg_is_deterministic(sections: list[Section], tmp_path: Path) -> None:
    for plot in the("ten-iterations", sections).plots:
        first = save(plot, tmp_path)
        file = (tmp_path / f"{plot.slug}.svg").read_bytes()
        assert save(plot, tmp_path) == first
        assert (tmp_path / f"{plot.slug}.svg").read_bytes() == file
        assert b"dc:date" not in file


def test_texts_are_escaped(results: Results, tmp_path: Path) -> None:
    def draw(figure: Figure) -> None:
        figure.subplots().plot([0, 1])

    hostile = '<script>alert(1)</script> | "x" & `<b>`'
    frame = pd.DataFrame({hostile: [hostile], "n": [1.5]})
    plot = Plot("plot", hostile, hostile, frame, draw, note=hostile)
    section = Section("hostile", hostile, hostile, (hostile, plot, Table("table", hostile, frame)))
    write([section], results, tmp_path, silent)
    text = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert "<script" not in text
    assert "<b>" not in text
    assert "<code>&lt;b&gt;</code>" in text
    Page(text)
    rows = [line for line in (tmp_path / MARKDOWN).read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 3 for row in rows)


@pytest.mark.parametrize("moment", ["drawing ten-iterations", "writing the page"])
def test_an_interrupted_run_leaves_nothing(
    results: Results, sections: list[Section], tmp_path: Path, moment: str
) -> None:
    def interrupt(_fraction: float, doing: str) -> None:
        if doing == moment:
            raise KeyboardInterrupt

    out = tmp_path / "latest"
    with pytest.raises(KeyboardInterrupt), placed(out) as folder:
        write([the("ten-iterations", sections)], results, folder, interrupt)
    assert list(tmp_path.iterdir()) == []


def fake_report(folder: Path, text: str = "old", then: BaseException | None = None) -> None:
    folder.mkdir(exist_ok=True)
    (folder / PAGE).write_text(text)
    (folder / MANIFEST).write_text(json.dumps({"format": "fastsym-report", "files": [PAGE]}))
    if then is not None:
        raise then


def test_an_interrupted_run_keeps_the_earlier_report(tmp_path: Path) -> None:
    out = tmp_path / "latest"
    fake_report(out)
    with pytest.raises(KeyboardInterrupt), placed(out) as folder:
        fake_report(folder, "new", then=KeyboardInterrupt())
    assert (out / PAGE).read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_a_failed_rename_keeps_the_earlier_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "latest"
    fake_report(out)
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.name == "fresh":
            raise OSError("disk full")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="disk full"), placed(out) as folder:
        fake_report(folder, "new")
    assert (out / PAGE).read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_a_new_report_replaces_the_earlier_one(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "latest"
    for text in ("first", "second"):
        with placed(out) as folder:
            fake_report(folder, text)
        assert (out / PAGE).read_text() == text
    assert list(out.parent.iterdir()) == [out]


def test_missing_and_empty_destinations_are_fine(tmp_path: Path) -> None:
    check_destination(tmp_path / "missing")
    check_destination(tmp_path)


def test_foreign_files_are_refused_and_kept(tmp_path: Path) -> None:
    out = tmp_path / "mine"
    fake_report(out)
    (out / "notes.txt").write_text("precious")
    with pytest.raises(FileExistsError, match=r"which holds notes\.txt; move it away or choose another --out"):
        check_destination(out)
    (out / MANIFEST).write_text("{}")
    with pytest.raises(FileExistsError, match=r"index\.html and 2 more"):
        check_destination(out)
    (out / MANIFEST).write_text("not json")
    with pytest.raises(FileExistsError, match="and 2 more"):
        check_destination(out)
    with pytest.raises(FileExistsError, match="which is a file"):
        check_destination(out / "notes.txt")
    assert (out / "notes.txt").read_text() == "precious"


def test_files_that_appear_meanwhile_are_kept(tmp_path: Path) -> None:
    out = tmp_path / "latest"

    def meanwhile(folder: Path) -> None:
        fake_report(folder)
        out.mkdir()
        (out / "notes.txt").write_text("precious")

    with pytest.raises(FileExistsError), placed(out) as folder:
        meanwhile(folder)
    assert (out / "notes.txt").read_text() == "precious"


def test_the_command_refuses_before_it_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "collect", lambda *_: pytest.fail("worked before it looked"))
    (tmp_path / "notes.txt").write_text("precious")
    outcome = CliRunner().invoke(door.app, ["--out", str(tmp_path)])
    assert outcome.exit_code == 2
    assert "error: out: expected a missing or empty folder, or an earlier report" in outcome.stderr


def test_the_command_names_an_unreadable_benchmark(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(
        door.app, ["--out", str(tmp_path / "r"), "--benchmark-json", str(tmp_path / "no.json")]
    )
    assert outcome.exit_code == 2
    assert "no.json: expected a saved run" in outcome.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_command_prints_where_the_page_is(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "collect", lambda *_: results)
    monkeypatch.setattr("fastsym.report.sections.SECTIONS", SECTIONS[1:2])
    outcome = CliRunner().invoke(door.app, ["--out", str(tmp_path / "r"), "--quiet"])
    assert outcome.exit_code == 0
    assert outcome.stdout == f"report: {tmp_path / 'r' / PAGE}\n"
    assert outcome.stderr == ""
    assert (tmp_path / "r" / PAGE).is_file()


def timing(variant: str, over_reference: float, **more: Any) -> dict[str, Any]:
    row = {"variant": variant, "hidden": 4, "iterations": 10, "dtype": "float64", "threads": 1, "seconds": 1.0}
    row |= {"seconds_per_iteration": 0.1, "rounds": 6, "machine": "m", "speedup": over_reference}
    return row | more


def test_speedups_over_numpy_are_ratios_of_the_same_cell() -> None:
    frame = speedups(
        pd.DataFrame(
            [
                timing("reference", 1.0),
                timing("numpy", 2.0),
                timing("numpy", 4.0, hidden=8),
                timing("fused", 6.0),
                timing("parallel", 12.0, hidden=8, threads=2),
                timing("fused", 5.0, hidden=16),
            ]
        )
    )
    assert frame["over_numpy"].tolist()[:5] == [0.5, 1.0, 1.0, 3.0, 3.0]
    assert np.isnan(frame["over_numpy"].iloc[5])
    assert frame["label"].tolist()[3:5] == ["fused", "parallel, 2 threads"]


def saved_run(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame([{"kind": "variant"} | row for row in rows])


def test_a_saved_run_is_shown_without_what_is_not_certified(
    results: Results,
    few_variants: None,  # noqa: ARG001
    quick_stages: None,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [timing("reference", 1.0), timing("fused", 6.0), timing("unknown", 99.0), timing("jax", 2.5, kind="peer")]
    monkeypatch.setattr(collecting, "read_benchmark_json", lambda _: saved_run(rows))
    monkeypatch.setattr(collecting.timing, "measure", lambda *_: pytest.fail("measured"))
    shown_results = collect(replace(SMALL, seeds=1, benchmark_json=Path("run.json")), silent)
    assert set(shown_results.timings["variant"]) == {"reference", "fused", "jax"}
    assert shown_results.untimed == ("unknown",)
    speed = next(section(shown_results) for section in SECTIONS if section.__name__ == "speed")
    text = " ".join(item for item in speed.content if isinstance(item, str))
    assert "Times are from a saved pytest-benchmark run" in text
    assert "Not timed, for want of a passing certificate: unknown." in text
    assert "`fused` is 6 times as fast as the reference." in speed.headline
    assert results.untimed == ()


def test_timings_without_an_own_variant_make_no_figure(results: Results) -> None:
    bare = replace(results, timings=pd.DataFrame([timing("reference", 1.0), timing("numpy", 2.0)]))
    speed = next(section(bare) for section in SECTIONS if section.__name__ == "speed")
    assert speed.plots == ()
    assert "no timings" in speed.headline


def test_a_rejected_variant_is_said_and_not_timed(
    few_variants: None,  # noqa: ARG001
    quick_stages: None,  # noqa: ARG001
    results: Results,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = collecting.certify

    def certify(name: str, dtype: Any) -> Any:
        certificate = real(name, dtype)
        return replace(certificate, passed=False, reasons=("b2 is wrong",)) if name == "fused" else certificate

    timed = []

    def measure_grid(names: list[str], *_: Any, **__: Any) -> pd.DataFrame:
        timed.extend(names)
        empty = results.timings.iloc[:0].copy()
        empty.attrs["left_out"] = []
        return empty

    monkeypatch.setattr(collecting, "certify", certify)
    monkeypatch.setattr(collecting.timing, "measure_grid", measure_grid)
    rejected = collect(replace(SMALL, seeds=1), silent)
    assert timed == ["reference", "numpy"]
    assert rejected.measured is not None
    assert results.measured is not None
    assert set(results.measured.more.query("features == 9")["iterations"]) == {1000, 200, 20}
    assert set(rejected.measured.more["variant"]) == {"reference", "numpy"}
    assert "fused" in rejected.untimed
    agreement = next(section(rejected) for section in SECTIONS if section.__name__ == "certified")
    assert agreement.headline.startswith("4 of 6 certificates pass; ")
    assert "`fused` in float64 fails: b2 is wrong." in agreement.content


def test_numbers_are_rounded_for_readers() -> None:
    values = (0.0, 0.0123456, 1.0, 12.345, 12345.6, 1e-7, float("nan"))
    assert [rounded(value) for value in values] == ["0", "0.0123", "1", "12.3", "12300", "1e-07", "nan"]
    frame = pd.DataFrame({"x": [0.5, float("nan")], "flag": [True, False], "name": ["a", "b"]})
    table = Table("t", "c", frame, {"x": ".2f"})
    assert table.cells() == [["0.50", "yes", "a"], ["–", "no", "b"]]
    assert table.numeric() == [True, False, False]


def test_every_claim_is_in_the_ledger_with_a_link_that_leads_somewhere(sections: list[Section], page: Page) -> None:
    section = the("claims", sections)
    ledger = section.tables[0].frame
    assert len(ledger) == 45
    assert set(ledger["verdict"]) <= {"true", "false", "undecided", "not applicable"}
    links = [link for link in ledger["figure"] if isinstance(link, Link)]
    assert len(links) == 45
    assert {link.anchor for link in links} <= set(page.ids)
    chance = ledger["95 % interval"] != ""
    assert chance.sum() == 30
    assert ledger.loc[chance, "95 % interval"].str.contains(r" to .*, ").all()
    assert section.plots[0].title.startswith("Of 45 verdicts, ")


def test_the_ledger_follows_the_verdicts(results: Results) -> None:
    wrong = tuple(replace(verdict, verdict="undecided", reason="nobody knows") for verdict in results.verdicts)
    section = the("claims", sections_of(replace(results, verdicts=wrong)))
    assert section.plots[0].title == "Of 45 verdicts, 0 true, 0 false, 45 undecided, 0 not applicable"
    assert "0 of 15 are true on standardised" in section.headline
    assert set(section.tables[0].frame["reason"]) == {"nobody knows"}


def test_rounding_says_which_blas_and_draws_no_conclusion_about_another(results: Results) -> None:
    other = replace(results.rounding, blas="accelerate", is_openblas=False, core_types=(), refused=("Zen",))
    outcomes = tuple(replace(o, growth_measured=None, growth_predicted=None, drift=None) for o in other.outcomes)
    section = the("rounding", sections_of(replace(results, rounding=replace(other, outcomes=outcomes))))
    assert "NumPy uses accelerate here, not OpenBLAS" in words(section)
    assert "nothing is concluded about core types" in words(section)
    assert "could not be run here: Zen." in words(section)
    assert "core type" not in section.plots[0].title
    assert [plot.slug for plot in section.plots] == ["rounding-cost"]
    assert "No pair of units drifted apart" in words(section)


def test_rounding_tables_show_classes_and_first_splits(results: Results) -> None:
    outcomes = tuple(
        replace(o, classes="AAB", first_split=7, final_cost=0.1) if o.arithmetic == "fused" and o.hidden == 3 else o
        for o in results.rounding.outcomes
    )
    section = the("rounding", sections_of(replace(results, rounding=replace(results.rounding, outcomes=outcomes))))
    classes, splits = (table.frame.set_index("arithmetic") for table in section.tables)
    assert classes.loc["fused", "H = 3"] == "AAB"
    assert classes.loc["simd", "H = 3"] == "AAA"
    assert splits.loc["fused", "H = 3"] == "7"
    assert splits.loc["simd", "H = 3"] == "–"
    assert "kernels of fastsym do not keep all units equal" in section.headline


def test_starts_without_a_line_say_so(results: Results) -> None:
    never = tuple(replace(each, measured=None, predicted=None) for each in results.breaks)
    section = the("starts", sections_of(replace(results, breaks=never, lines={})))
    assert section.plots == ()
    assert section.headline == "Near the zero start, too few starts broke for a line; 0 of 11 others broke."
    assert section.tables[0].cells()[0][1] == "–"
    real = the("starts", sections_of(results))
    assert "predicted: 29.45" in real.headline
    assert len(real.plots[0].data) == 16


def test_the_quotient_is_one_class_with_the_same_costs(results: Results, sections: list[Section]) -> None:
    assert results.quotient.wide_classes == 1
    np.testing.assert_allclose(results.quotient.checked_costs, results.quotient.wide_costs, rtol=1e-12)
    section = the("quotient", sections)
    assert "A net of 1,000 equal units trains in" in section.headline
    assert "95 % interval" in section.headline


def test_broken_programs_are_counted(results: Results) -> None:
    section = the("agreement", sections_of(replace(results, killed={"float64": (53, 54)})))
    assert section.headline.endswith("the same check rejects 53 of 54 in float64.")
    assert results.killed["float64"][0] == results.killed["float64"][1] >= 50


def test_a_path_that_leaves_the_band_is_counted(results: Results) -> None:
    title = the("agreement", sections_of(results)).plots[-1].title
    assert "4 of 4 stay inside the band" in title
    wrong = results.divergences | {("fused", 4): np.full(len(results.divergences["fused", 4]), np.nan)}
    title = the("agreement", sections_of(replace(results, divergences=wrong))).plots[-1].title
    assert "3 of 4 stay inside the band" in title


def test_full_settings_hold_the_whole_grids() -> None:
    whole = full(Settings(seed=3))
    assert (whole.seed, whole.claim_seeds, whole.is_full) == (3, 300, True)
    assert whole.rounding_widths == tuple(range(1, 18))
    assert set(Settings().core_types) < set(whole.core_types)


HOSTILE = ("<script>alert(1)</script>", "a|b", "`c`", "$d", "[e](http://e)", "*f*", "--> g", "new\nline")


@pytest.fixture(scope="module")
def own_report(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((8, 60))
    own = OwnTable("<b>`x`.csv", "is | <i>ill", Dataset(X, (X[0] + X[1] > 0).astype(float), HOSTILE))
    out = tmp_path_factory.mktemp("own") / "report"

    def drawn(plot: Plot, folder: Path) -> str:  # each figure is drawn for the Titanic table; here the names matter
        return save(plot, folder) if plot.slug == "claims" else ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fastsym.report.page.save", drawn)
        patch.setattr(collecting.rounding, "study", lambda *_: results.rounding)
        patch.setattr(collecting.timing, "run_quotient", lambda *_: results.quotient)
        door.make(out, SMALL, True, own)
    return out


def test_the_report_of_a_users_table_leaves_the_article_out(own_report: Path) -> None:
    manifest = json.loads((own_report / MANIFEST).read_text(encoding="utf-8"))
    slugs = [section["slug"] for section in manifest["sections"]]
    assert slugs[0] == "your-table"
    assert not {"published", "case-0", "ten-iterations", "speed"} & set(slugs)
    assert {"claims", "rounding", "starts", "quotient", "long-run"} <= set(slugs)
    text = (own_report / PAGE).read_text(encoding="utf-8")
    assert "The article’s experiment on your table" in text
    assert "passenger" not in text
    assert "published plateaus" not in text


def test_hostile_names_are_only_text(own_report: Path) -> None:
    text = (own_report / PAGE).read_text(encoding="utf-8")
    Page(text)
    for name in ("<script>alert", "<b>", "<i>"):
        assert name not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    lines = (own_report / MARKDOWN).read_text(encoding="utf-8").splitlines()
    table = [line for line in lines if line.startswith("|")][2:10]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in table)
    assert table[0].startswith("| \\<script\\>")
    assert table[7].startswith("| new line |")
    whole = "\n".join(lines)
    assert not re.search(r"(?<!\\)<(script|b|i)>", whole)
    assert "[e](http" not in whole
    for drawing in (own_report / "figures").glob("*.svg"):
        ElementTree.fromstring(drawing.read_text(encoding="utf-8"))
    assert pd.read_csv(own_report / "tables" / "your-columns.csv")["feature"].tolist() == list(HOSTILE)


def test_titles_say_from_which_start_a_quantity_ends_lowest_or_highest() -> None:
    def listed(*rows: tuple[str, str, float]) -> pd.DataFrame:
        return pd.DataFrame(rows, columns=["features", "series", "middle"])

    ends = listed(("a", "zero", 0.5), ("a", "random", 0.25), ("b", "zero", 0.125), ("b", "random", 0.12501))
    assert _extremes(ends, ends, COST) == "random lowest on a (0.25); all starts alike on b (0.125)"
    assert _extremes(ends, ends, "change") == "zero highest on a (0.5); all starts alike on b (0.125)"
    assert _extremes(ends[:1], ends[:1].assign(middle=1.0), SHARE) == "a from 0.5 to 1"


def test_case_0_says_where_costs_have_not_settled(results: Results) -> None:
    plot = next(p for s in sections_of(results) for p in s.plots if p.slug == "case-0")
    case = {(c.features, c.start): c.costs[-100:] for c in results.layer_cases}
    for features, words in (("article", "with PassengerId"), ("no_id", "without PassengerId")):
        jumps = any(case[features, start].max() > 1.5 * case[features, start].min() for start in ("zeros", "normal"))
        assert f"{words} {'the costs still jump' if jumps else 'the starts end'}" in plot.title


def test_no_line_breaks_inside_a_quantity() -> None:
    space = "\N{NO-BREAK SPACE}"
    assert prose("at H = 4 in 5 % of 10 ms, so <b> `T = 3` sixty s") == (
        f"at H{space}={space}4 in 5{space}% of 10{space}ms, so &lt;b&gt; <code>T = 3</code> sixty s"
    )


def test_names_in_prose_stay_on_one_line_and_are_no_code() -> None:
    assert quoted("a\n`b`") == r"'a\n'b''"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--target", "y"), "csv: expected a file for --target; got none"),
        (("--csv", "no.csv", "--target", "y"), "table: expected a file; got no.csv: nothing there"),
        (("--csv", ".", "--target", "y"), "table: expected a file; got .: a folder"),
        (("--csv", str(titanic_path())), "target: expected the column of labels, one of 'PassengerId'"),
        (("--csv", "no.csv", "--benchmark-json", "b.json"), "benchmark_json: expected none with --csv"),
    ],
)
def test_bad_options_for_an_own_table_are_named(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    outcome = CliRunner().invoke(door.app, ["--out", str(tmp_path / "r"), *arguments])
    assert outcome.exit_code == 2
    assert f"error: {message}" in outcome.stderr
    assert not (tmp_path / "r").exists()


def test_stages_say_how_long_they_took() -> None:
    told: list[tuple[float, str]] = []
    with collecting.stage(lambda *each: told.append(each), 0.25, 0.75, "work") as inner:
        inner(0.5, "half")
    assert told[:2] == [(0.25, "work"), (0.5, "work: half")]
    assert re.fullmatch(r"work: took \d+\.\d s", told[2][1])


def test_a_constant_feature_does_not_spoil_the_standardised_table() -> None:
    data = collecting.standardised(Dataset(np.array([[1.0, 3.0], [7.0, 7.0]]), np.array([0.0, 1.0]), ("a", "b")))
    np.testing.assert_array_equal(data.X, [[-1, 1], [0, 0]])
