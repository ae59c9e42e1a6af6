"""A real report, of a small run on the Titanic table: its sections, numbers and files, and what its studies share."""

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from saved_run import benchmark, run, save

from fastsym import VARIANTS, Dataset
from fastsym.experiments.published import SUMMED_COSTS
from fastsym.report.content import Link, Section
from fastsym.report.evidence import evidence_plot
from fastsym.report.folder import MANIFEST, MARKDOWN, placed
from fastsym.report.manifest import PLOT_FILES, SCHEMA, SCHEMA_SOURCE
from fastsym.report.page import PAGE, write
from fastsym.report.sections import (
    agreement,
    case_0,
    claims,
    cost_model,
    quotient,
    rounding,
    sections_of,
    speed,
    starts,
    startup,
    studies,
)
from fastsym.report.settings import OwnTable, Settings, full
from fastsym.report.study import Context, Study
from fastsym.report.style import RC

SMALL = Settings(
    seeds=3,
    widths=(1, 4),
    iterations=(1, 20),
    benchmark_seconds=2.0,
    startups=(),
    claim_seeds=6,
    rounding_widths=(2, 3),
    core_types=(),
    mutant_dtypes=(),
    path_iterations=70,
    quotient_width=1000,
)


def silent(_fraction: float, _doing: str) -> None:
    pass


@pytest.fixture(scope="module")
def told() -> list[tuple[float, str]]:
    return []


@pytest.fixture(scope="module")
def context(told: list[tuple[float, str]]) -> Context:
    made = Context(SMALL)
    made.show = lambda fraction, doing: told.append((fraction, doing))
    return made


@pytest.fixture(scope="module")
def sections(context: Context) -> list[Section]:
    return sections_of(context)


@pytest.fixture(scope="module")
def report(context: Context, sections: list[Section], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reports") / "latest"
    with placed(out) as folder:
        write(sections, context, folder, silent)
    return out


def known(context: Context, settings: Settings = SMALL, **results: Any) -> Context:
    """Give a context that knows what studies found in this run, but for the results given."""
    other = Context(settings)
    other.results = context.results | {name.replace("_", "-"): value for name, value in results.items()}
    return other


def the(slug: str, sections: list[Section]) -> Section:
    return next(section for section in sections if section.slug == slug)


def words(section: Section) -> str:
    return " ".join(item for item in section.content if isinstance(item, str))


# Studies


def test_every_file_is_a_section(sections: list[Section]) -> None:
    found = studies()
    assert len({study.order for study in found}) == len(found)
    # A user's own table and starts in fresh processes are not in this run; without reports/, two more are not.
    optional = {"your-table", "startup", "other-systems", "gate"}
    shown = [study.slug for study in found if study.slug not in optional]
    assert [section.slug for section in sections if section.slug not in optional] == shown


def test_progress_rises_from_nothing_to_all(
    context: Context,
    sections: list[Section],  # noqa: ARG001
    told: list[tuple[float, str]],
) -> None:
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert fractions[-1] == pytest.approx(1)
    assert set(context.seconds) == {study.slug for study in studies()}
    assert all(took >= 0 for took in context.seconds.values())


def test_a_study_runs_once_and_is_not_charged_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("fastsym.report.study.time.perf_counter", lambda: now[0])

    def spend(seconds: float) -> float:
        now[0] += seconds
        return seconds

    inner = Study("inner", 2, lambda _: spend(3.0), lambda *_: None)
    outer = Study(
        "outer", 1, lambda context: context.result(inner) + context.result(inner) + spend(1.0), lambda *_: None
    )
    context = Context(SMALL)
    assert context.result(outer) == 7.0
    assert context.seconds == {"inner": 3.0, "outer": 1.0}


def test_full_settings_keep_what_was_asked_for() -> None:
    whole = full(Settings(seed=3, benchmark_json=Path("run.json")))
    assert (whole.seed, whole.benchmark_json, whole.is_full) == (3, Path("run.json"), True)
    assert whole.claim_seeds > Settings().claim_seeds
    assert set(Settings().core_types) < set(whole.core_types)


def test_constant_columns_are_refused_before_anything_runs() -> None:
    data = Dataset(np.array([[1.0, 3.0], [7.0, 7.0], [2.0, 2.0]]), np.array([0.0, 1.0]), ("a", "b", "c"))
    with pytest.raises(ValueError, match="columns 'b', 'c': expected values that differ"):
        Context(SMALL, OwnTable("t.csv", "y", data))


# Files


class Page(HTMLParser):
    """Collects what a test asks of a page, and fails on tags that do not nest."""

    VOID = frozenset({"meta", "br", "link", "img", "input"})

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


def test_all_files_are_there_and_listed(report: Path, sections: list[Section]) -> None:
    expected = {PAGE, MARKDOWN, MANIFEST, SCHEMA}
    slugs = [item.slug for section in sections for item in (*section.plots, *section.steppers, *section.tables)]
    for section in sections:
        expected |= {f"figures/{plot.slug}.{end}" for plot in section.plots for end in PLOT_FILES}
        expected |= {f"figures/{stepper.slug}.csv" for stepper in section.steppers}
        expected |= {f"tables/{table.slug}.csv" for table in section.tables}
    found = {path.relative_to(report).as_posix() for path in report.rglob("*") if path.is_file()}
    assert found == expected
    plots = [plot.slug for section in sections for plot in section.plots]
    assert len(set(plots)) == len(plots)
    assert len(slugs) > 40
    schema, manifest = (json.loads((report / name).read_text(encoding="utf-8")) for name in (SCHEMA, MANIFEST))
    Draft202012Validator(schema).validate(manifest)
    assert schema == json.loads(SCHEMA_SOURCE.read_text(encoding="utf-8"))
    assert set(manifest["files"]) == expected - {MANIFEST}
    assert {c["variant"] for c in manifest["certificates"]} == set(VARIANTS)


def test_files_hold_the_numbers_that_are_shown(report: Path, sections: list[Section]) -> None:
    frames = {f"tables/{table.slug}": table.frame for section in sections for table in section.tables}
    frames |= {f"figures/{plot.slug}": plot.data for section in sections for plot in section.plots}
    for name, frame in frames.items():
        with (report / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            columns, *rows = csv.reader(file)
        assert columns == [str(column) for column in frame], name
        for row, values in zip(rows, frame.itertuples(index=False), strict=True):
            for text, value in zip(row, values, strict=True):
                if isinstance(value, float):
                    assert float(text or "nan") == value or value != value, name
                else:
                    assert text == ("" if value is None else str(value)), name


def test_the_page_needs_nothing_from_elsewhere(page: Page, report: Path) -> None:
    assert "src" not in page.attributes
    assert "link" not in page.tags
    for url in page.urls:
        assert url[1:] in page.ids if url.startswith("#") else (report / url).is_file(), url
    assert not re.search(r"url\((?!#)", (report / PAGE).read_text(encoding="utf-8"))
    assert (report / PAGE).stat().st_size < 5e6


def test_ids_are_unique_and_figures_described(page: Page, sections: list[Section]) -> None:
    assert len(page.ids) == len(set(page.ids))
    plots = [plot for section in sections for plot in section.plots]
    assert page.tags.count("svg") == len(plots)
    assert {plot.alt for plot in plots} <= set(page.labels)


def test_no_figure_is_cut_off_or_without_labels(sections: list[Section]) -> None:
    for plot in (plot for section in sections for plot in section.plots):
        assert not plot.data.empty, plot.slug
        with mpl.rc_context(RC):
            figure = Figure(figsize=(plot.width_inches, plot.height_inches), layout="constrained")
            canvas = FigureCanvasAgg(figure)
            plot.draw(figure)
            canvas.draw()
            box = figure.get_tightbbox(canvas.get_renderer())
        # A pixel and a half: antialiasing.
        assert min(box.x0, box.y0, plot.width_inches - box.x1, plot.height_inches - box.y1) > -0.02, plot.slug
        assert any(axes.get_xlabel() for axes in figure.axes), plot.slug
        names = [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]
        labelled = figure.get_supylabel() or any(axes.get_ylabel().strip() for axes in figure.axes)
        assert labelled or any(map(str.isalpha, "".join(names))), plot.slug


@pytest.mark.parametrize("moment", ["drawing ten-iterations", "writing the page"])
def test_an_interrupted_run_leaves_nothing(
    context: Context, sections: list[Section], tmp_path: Path, moment: str
) -> None:
    def interrupt(_fraction: float, doing: str) -> None:
        if doing == moment:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), placed(tmp_path / "latest") as folder:
        write([the("ten-iterations", sections)], context, folder, interrupt)
    assert list(tmp_path.iterdir()) == []


# The article's numbers


def test_published_costs_are_shown(report: Path) -> None:
    for name in (PAGE, MARKDOWN):
        text = (report / name).read_text(encoding="utf-8")
        assert all(repr(cost) in text for cost in SUMMED_COSTS)
    frame = pd.read_csv(report / "tables" / "published.csv")
    assert frame["matches"].all()
    assert len(frame) == 12


def test_tables_of_both_cases_hold_every_weight(report: Path) -> None:
    for case in (1, 2):
        frame = pd.read_csv(report / "tables" / f"case-{case}-weights.csv")
        assert len(frame) == 10 * 4
        assert len([name for name in frame if name.startswith("W1 ")]) == 9
        assert frame.filter(regex="^W").to_numpy().any() == (case == 2)


def test_case_0_says_where_costs_have_not_settled(context: Context, sections: list[Section]) -> None:
    said = the("case-0", sections).headline
    last = {(c.features, c.start): c.costs[-100:] for c in context.result(case_0.STUDY)}
    for features, named in (("article", "with PassengerId"), ("no_id", "without PassengerId")):
        jumps = any(last[features, start].max() > 1.5 * last[features, start].min() for start in ("zeros", "normal"))
        assert f"{named} {'the costs still jump' if jumps else 'the starts end'}" in said


# Claims


def test_every_claim_is_in_the_ledger_with_a_link_that_leads_somewhere(sections: list[Section], page: Page) -> None:
    ledger = the("claims", sections).tables[0].frame
    assert len(ledger) == 45
    assert set(ledger["verdict"]) <= {"true", "false", "undecided", "not applicable"}
    links = [link for link in ledger["figure"] if isinstance(link, Link)]
    assert len(links) == 45
    assert {link.anchor for link in links} <= set(page.ids)
    assert ledger["reason"].str.contains("95 % interval of the probability that").sum() == 30  # where chance enters


def test_learning_rates_of_the_claims_are_named(sections: list[Section]) -> None:
    section = the("claims", sections)
    assert "0.01 for two layers and 0.001 for one layer" in words(section)
    rates = {plot.slug: plot.note[-25:] for plot in section.plots if plot.slug.startswith("claim-")}
    assert len(rates) == 6
    assert rates.pop("claim-layer").endswith("Learning rate 0.001.")
    assert all(note.endswith("Learning rate 0.01.") for note in rates.values())


def test_the_lesson_comes_before_the_audit_which_explains_its_cases_first(sections: list[Section]) -> None:
    slugs = [section.slug for section in sections if section.in_lesson]
    assert slugs[:4] == ["breaking", "inside", "starts", "rounding"]
    assert slugs[-2:] == ["published", "claims"]
    assert "case 1 is two layers from zeros" in words(the("published", sections))
    cases = slugs[slugs.index("case-0") :]
    assert "case 0 is one layer" in words(the(cases[0], sections))


def test_the_ledger_follows_the_verdicts(context: Context) -> None:
    judged = context.result(claims.STUDY)
    wrong = tuple(replace(verdict, verdict="undecided", reason="nobody knows") for verdict in judged.verdicts)
    section = claims.render(replace(judged, verdicts=wrong), context)
    assert "Of 45 verdicts, 0 true, 0 false, 45 undecided, 0 not applicable" in section.plots[0].alt
    assert "14 claims" in section.headline
    assert "0 are true on the same columns standardised" in section.headline
    assert "False" not in section.headline
    false = tuple(replace(verdict, verdict="false") for verdict in judged.verdicts)
    headline = claims.render(replace(judged, verdicts=false), context).headline
    assert "False on every feature set: “The zero start begins at a cost of ln 2”, “One layer: both" in headline
    assert section.tables[0].frame["reason"].str.startswith("nobody knows").all()


@pytest.mark.parametrize(
    ("figure", "ends", "said"),
    [
        (
            "costs",
            {"zero": (0.5, 0.125), "random": (0.25, 0.12501)},
            "random lowest on a (0.25); all starts alike on b",
        ),
        (
            "weights",
            {"zero": (0.5, 0.125), "random": (0.25, 0.12501)},
            "zero highest on a (0.5); all starts alike on b",
        ),
        ("saturation", {"random": (0.5, 0.25)}, "a from 1 to 0.5, b from 1 to 0.25"),
    ],
)
def test_titles_say_from_which_start_a_quantity_ends_lowest_or_highest(
    figure: str, ends: dict[str, tuple[float, float]], said: str
) -> None:
    rows = [
        (figure, features, series, iteration, value, value, value)
        for series, values in ends.items()
        for features, end in zip("ab", values, strict=True)
        for iteration, value in ((0, 1.0), (9, end))
    ]
    columns = ["figure", "features", "series", "iteration", "low", "middle", "high"]
    plot = evidence_plot(figure, pd.DataFrame(rows, columns=columns))
    assert said in plot.title


# Symmetry


def test_rounding_draws_no_conclusion_about_another_blas(context: Context) -> None:
    found = context.result(rounding.STUDY)
    outcomes = tuple(replace(o, growth_measured=None, growth_predicted=None, drift=None) for o in found.outcomes)
    other = replace(found, blas="accelerate", is_openblas=False, core_types=(), refused=("Zen",), outcomes=outcomes)
    section = rounding.render(other, context)
    assert "NumPy uses accelerate here, not OpenBLAS" in words(section)
    assert "could not be run here: Zen." in words(section)
    assert "core type" not in section.plots[0].note
    assert [plot.slug for plot in section.plots] == ["rounding-cost"]


def test_rounding_tables_show_classes_and_first_splits(context: Context) -> None:
    found = context.result(rounding.STUDY)
    outcomes = tuple(
        replace(o, classes="AAB", first_split=7, final_cost=0.1) if o.arithmetic == "fused" and o.hidden == 3 else o
        for o in found.outcomes
    )
    section = rounding.render(replace(found, outcomes=outcomes), context)
    classes, splits = (table.frame.set_index("arithmetic") for table in section.tables)
    assert (classes.loc["fused", "H = 3"], classes.loc["simd", "H = 3"]) == ("AAB", "AAA")
    assert (splits.loc["fused", "H = 3"], splits.loc["simd", "H = 3"]) == ("7", "–")
    assert "kernels of fastsym do not keep all units equal" in section.headline


def test_starts_without_a_line_say_so(context: Context, sections: list[Section]) -> None:
    found = context.result(starts.STUDY)
    zeros, orbits = ([replace(e, measured=None, predicted=None) for e in group] for group in found[:2])
    section = starts.render(starts.Breaks(zeros, orbits, {}), context)
    assert section.plots == ()
    assert "0 of 11 others broke" in section.headline
    assert section.tables[0].cells()[0][1] == "–"
    assert len(the("starts", sections).plots[0].data) == 16


def test_the_quotient_is_one_class_with_the_same_costs(context: Context, sections: list[Section]) -> None:
    found = context.result(quotient.STUDY)
    assert found is not None
    assert found.wide_classes == 1
    # Sums of 1024 equal terms against 1024 times one of them, over 1000 iterations.
    np.testing.assert_allclose(found.checked_costs, found.wide_costs, rtol=1e-12)
    assert "A net of 1,000 equal units trains in" in the("quotient", sections).headline


# Certificates and what may be timed


def test_broken_programs_are_counted(context: Context) -> None:
    section = agreement.render(replace(context.result(agreement.STUDY), killed={"float64": (53, 54)}), context)
    assert "rejects 53 of 54 in float64" in section.headline


def test_a_path_that_leaves_the_band_is_counted(context: Context) -> None:
    found = context.result(agreement.STUDY)
    paths = len(found.divergences)
    assert f"{paths} of {paths} stay inside the band" in agreement.render(found, context).plots[-1].title
    wrong = {**found.divergences, ("fused", 4): np.full(len(found.divergences["fused", 4]), np.nan)}
    title = agreement.render(replace(found, divergences=wrong), context).plots[-1].title
    assert f"{paths - 1} of {paths} stay inside the band" in title


def test_what_is_not_certified_is_said_and_not_timed(context: Context) -> None:
    found = context.result(agreement.STUDY)
    kept = ("reference", "numpy")
    certificates = tuple(
        c if c.variant in kept else replace(c, passed=False, reasons=("b2 is wrong",)) for c in found.certificates
    )
    rejected = known(context, replace(SMALL, startups=("fused",)), agreement=replace(found, certificates=certificates))
    for slug in ("speed", "cost-model", "startup", "quotient"):
        del rejected.results[slug]
    timings = rejected.result(speed.STUDY)
    assert set(timings.timings["variant"]) == set(kept)
    assert set(timings.untimed) == set(VARIANTS) - set(kept)
    assert set(rejected.result(cost_model.STUDY).timings["variant"]) <= set(kept)
    assert rejected.result(startup.STUDY) == ()
    assert rejected.result(quotient.STUDY) is None
    shown = sections_of(rejected)
    assert not {"quotient", "startup"} & {section.slug for section in shown}
    assert the("speed", shown).plots == ()
    assert f"{len(kept) * 2} of {len(certificates)} certificates pass" in the("agreement", shown).headline
    assert "`fused` in float64 fails: b2 is wrong." in the("agreement", shown).content
    assert "fused" in words(the("speed", shown))


def test_a_saved_run_is_shown_without_what_is_not_certified(context: Context, tmp_path: Path) -> None:
    entries = [
        benchmark(name, [1e-3 / quick] * 6, [0.5e-3] * 6, kind=kind)
        for name, quick, kind in (("reference", 1, "variant"), ("fused", 6, "variant"), ("unknown", 99, "variant"))
    ]
    file = save(tmp_path / "run.json", run(entries))
    saved = known(context, replace(SMALL, benchmark_json=file, startups=("fused",)))
    for slug in ("speed", "cost-model", "startup"):
        del saved.results[slug]
    shown = sections_of(saved)
    timings = saved.result(speed.STUDY)
    assert set(timings.timings["variant"]) == {"reference", "fused"}
    assert timings.untimed == ("unknown",)
    assert "unknown" in words(the("speed", shown))
    assert "`fused` is 6 (interval unknown) times as fast as the reference" in the("speed", shown).headline
    assert not {"startup", "cost-model"} & {section.slug for section in shown}  # another session's times are not mixed
