"""The report of a user's table with hostile names, as text and in a real browser.

The browser is headless Chromium, driven by Playwright; its tests are skipped, with the reason, without.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator

from fastsym import Dataset
from fastsym.report.__main__ import make
from fastsym.report.folder import MANIFEST, MARKDOWN
from fastsym.report.manifest import SCHEMA
from fastsym.report.page import PAGE
from fastsym.report.settings import OwnTable, Settings
from fastsym.report.study import Context

SMALL = Settings(
    seeds=2,
    claim_seeds=2,
    rounding_widths=(2,),
    core_types=(),
    mutant_dtypes=(),
    path_iterations=70,
    quotient_width=1000,
)
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
NAMES = (
    "<script>window.hacked=1</script>",
    "</script><img src=x onerror=window.hacked=1>",
    "a\"' & {{ b }}",
    "c" * 200,
    "d|e `f` $g$ *h*",
    "[i](http://i)",
    "--> j",
    "new\nline",
    "=1+1|'k'!A0",
    "@l;-1",
    "&lt;m&gt;javascript:n",
)
IN_A_SPREADSHEET = {"--> j": "'--> j", "=1+1|'k'!A0": "'=1+1|'k'!A0", "@l;-1": "'@l;'-1"}
"""Names that would be formulas, as they are in CSV files."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of so small a table that the run is quick; the names in it are markup."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((len(NAMES), 80))
    y = (X[0] * X[1] + X[2] + rng.standard_normal(80) > 0.5).astype(float)
    own = OwnTable("<img src=x onerror=window.hacked=1>`x`.csv", "is | <i>ill", Dataset(X, y, NAMES))
    folder = tmp_path_factory.mktemp("own") / "report"
    make(folder, Context(SMALL, own), quiet=True)
    return folder


def test_the_article_is_left_out(report: Path) -> None:
    schema, content = (json.loads((report / name).read_text(encoding="utf-8")) for name in (SCHEMA, MANIFEST))
    Draft202012Validator(schema).validate(content)
    slugs = [section["slug"] for section in content["sections"]]
    assert slugs[0] == "your-table"
    assert not {"published", "case-0", "ten-iterations", "speed", "other-systems", "gate"} & set(slugs)
    parts = [section["part"] for section in content["sections"]]
    assert parts == sorted(parts, reverse=True)  # the lesson first
    assert {"headline", "claims", "rounding", "starts", "quotient", "long-run", "agreement"} <= set(slugs)
    text = (report / PAGE).read_text(encoding="utf-8")
    assert "passenger" not in text
    assert "published plateaus" not in text


def test_hostile_names_are_only_text_in_every_file(report: Path) -> None:
    page, markdown = ((report / name).read_text(encoding="utf-8") for name in (PAGE, MARKDOWN))
    for tag in ("<script>w", "<img", "<i>"):
        assert tag not in page
        assert not re.search(rf"(?<!\\){tag}", markdown)
    assert "&lt;script&gt;window.hacked=1&lt;/script&gt;" in page
    assert "[i](http" not in markdown
    table = [line for line in markdown.splitlines() if line.startswith("|")][2 : 2 + len(NAMES)]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in table)
    assert any(row.startswith("| new line |") for row in table)
    for drawing in (report / "figures").glob("*.svg"):
        ElementTree.fromstring(drawing.read_text(encoding="utf-8"))
    features = pd.read_csv(report / "tables" / "your-columns.csv")["feature"].tolist()
    assert features == [IN_A_SPREADSHEET.get(name, name) for name in NAMES]


@pytest.fixture(scope="module")
def recorded(report: Path) -> pd.DataFrame:
    """What the figure to step through shows, as its CSV file has it."""
    return pd.read_csv(report / "figures" / "inside.csv")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        pytest.skip("no browser: install one, for example with apt-get install chromium")
    api = pytest.importorskip("playwright.sync_api", reason="no driver of browsers: pip install playwright")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


Open = Callable[..., Any]


@pytest.fixture
def opened(chromium: Any) -> Iterator[Open]:
    """Give a function that opens a page; afterwards no error and no request elsewhere may have been seen."""
    seen: list[str] = []
    contexts = []

    def open_page(report: Path, scripts: bool = True, **options: Any) -> Any:
        context = chromium.new_context(java_script_enabled=scripts, **({"viewport": WIDE} | options))
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: seen.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: seen.append(f"error: {error}"))
        page.on("request", lambda request: seen.append(request.url) if request.url != address else None)
        address = (report / PAGE).as_uri()
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert seen == []


def moment(page: Any) -> tuple[str, str, str]:
    """What the figure shows: the iteration, the state in words, and where the marker of the curve is."""
    figure = page.locator(".stepper")
    marker = figure.locator(".marker").get_attribute("x1")
    return figure.locator("output").inner_text(), figure.locator(".state").inner_text(), marker


def test_all_figures_are_drawn(opened: Open, report: Path) -> None:
    page = opened(report)
    content = json.loads((report / MANIFEST).read_text(encoding="utf-8"))
    figures = [figure for section in content["sections"] for figure in section["figures"]]
    assert len(figures) > 10
    for figure in figures:
        drawing = page.locator(f"#figure-{figure['slug']} svg").first
        box = drawing.bounding_box()
        assert box["width"] > 250, figure["slug"]
        assert box["height"] > 80, figure["slug"]
        assert drawing.locator("path, polyline").count() > 5 or figure["slug"] == "inside"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE, {"width": 800, "height": 600}])
def test_nothing_is_wider_than_the_window(opened: Open, report: Path, viewport: Any, scheme: str) -> None:
    page = opened(report, viewport=viewport, color_scheme=scheme)
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")


def test_a_phone_shows_the_reasons_of_the_verdicts(opened: Open, report: Path) -> None:
    page = opened(report, viewport=PHONE)
    ledger = page.locator(".sentences")
    page.locator("details:has(.sentences) summary").click()
    assert ledger.evaluate("e => e.scrollWidth <= e.clientWidth")
    reasons = ledger.locator("td[data-column=reason]")
    box = reasons.first.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    said = reasons.first.evaluate("e => getComputedStyle(e, '::before').content")
    assert said == '"reason: "'


def test_light_and_dark_differ_in_paper_ink_and_figures(opened: Open, report: Path) -> None:
    colours = []
    for scheme in ("light", "dark"):
        page = opened(report, color_scheme=scheme)
        colours.append(
            page.evaluate(
                "['html', '#figure-units path[stroke]', '.curve polyline', '.stepper td']"
                ".map((which) => { const style = getComputedStyle(document.querySelector(which));"
                " return [style.backgroundColor, style.stroke, style.color]; })"
            )
        )
    for light, dark in zip(*colours, strict=True):
        assert light != dark


def test_keys_step_through_the_run(opened: Open, report: Path) -> None:
    page = opened(report)
    figure = page.locator(".stepper")
    assert moment(page)[0] == "Iteration 3000 of 3000"
    assert "Zero weights: AAAA, cost 0." in moment(page)[1]
    assert re.search(r"cost 0\.\d+, b2 −0\.\d+; Constant", moment(page)[1])
    assert "Random weights: ABCD" in moment(page)[1]
    figure.focus()
    page.keyboard.press("Home")
    first = moment(page)
    assert first[0] == "Iteration 0 of 3000"
    assert first[1].count("cost 0.69") == 3
    page.keyboard.press("ArrowRight")
    second = moment(page)
    assert second[0] == "Iteration 1 of 3000"
    assert all(a != b for a, b in zip(first, second, strict=True))
    page.keyboard.press("ArrowLeft")
    assert moment(page) == first
    page.keyboard.press("ArrowLeft")
    assert moment(page) == first
    page.keyboard.press("End")
    assert moment(page)[0] == "Iteration 3000 of 3000"


def test_slider_and_buttons_move_every_part(opened: Open, report: Path, recorded: pd.DataFrame) -> None:
    page = opened(report)
    run = recorded[recorded["start"] == "normal"]
    iterations = run["iteration"].unique()
    there = run[run["iteration"] == iterations[40]]
    slider = page.get_by_role("slider", name="Moment")
    slider.fill("40")
    assert moment(page)[0] == f"Iteration {iterations[40]} of 3000"
    words = f"Random weights: {''.join(there['class'])}, cost {there['cost'].iloc[0]:.4f}"
    assert words in moment(page)[1]
    cells = page.locator(".runs table").nth(2).locator("tbody tr").last.locator("td").all_inner_texts()
    shown = [float(text.replace("−", "-")) for text in cells]
    np.testing.assert_allclose(shown, there["W2"], rtol=0.051)
    for name, index in (("Next", 41), ("Back", 40), ("First", 0), ("Last", len(iterations) - 1)):
        page.get_by_role("button", name=name, exact=True).click()
        assert moment(page)[0] == f"Iteration {iterations[index]} of 3000"
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert moment(page)[0] == f"Iteration {iterations[-2]} of 3000"
    assert slider.get_attribute("aria-valuetext") == moment(page)[0]


def test_a_press_on_the_curve_goes_to_that_moment(opened: Open, report: Path, recorded: pd.DataFrame) -> None:
    page = opened(report)
    iterations = recorded["iteration"].unique()
    curve = page.locator(".curve svg")
    curve.scroll_into_view_if_needed()
    box = curve.bounding_box()
    page.get_by_role("button", name="First", exact=True).click()
    left = float(moment(page)[2])
    page.get_by_role("button", name="Last", exact=True).click()
    right = float(moment(page)[2])
    for share in (0.3, 0.7):
        page.mouse.click(box["x"] + left + share * (right - left), box["y"] + box["height"] / 2)
        nearest = iterations[np.abs(np.log1p(iterations) / np.log1p(iterations[-1]) - share).argmin()]
        assert moment(page)[0] == f"Iteration {nearest} of 3000"
    page.mouse.down()
    page.mouse.move(box["x"] + left - 20, box["y"] + 90)
    assert moment(page)[0] == "Iteration 0 of 3000"
    page.mouse.up()
    page.mouse.move(box["x"] + right, box["y"] + 90)
    assert moment(page)[0] == "Iteration 0 of 3000"


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_space_plays_and_pauses(opened: Open, report: Path, recorded: pd.DataFrame, motion: str) -> None:
    page = opened(report, reduced_motion=motion)
    page.clock.install(time=datetime(2026, 1, 1))
    page.clock.pause_at(datetime(2026, 1, 2))
    figure, play = page.locator(".stepper"), page.locator("[data-do=play]")
    figure.focus()
    page.keyboard.press("Space")
    assert (play.inner_text(), moment(page)[0]) == ("Pause", "Iteration 0 of 3000")
    assert figure.locator(".state").get_attribute("aria-live") == "off"
    page.clock.run_for(1000)
    iterations = recorded["iteration"].unique()
    end = len(iterations) - 1
    index = -(-end // 10) if motion == "reduce" else 11  # ten still pictures, one a second, or a film
    assert moment(page)[0] == f"Iteration {iterations[index]} of 3000"
    page.keyboard.press("Space")
    assert play.inner_text() == "Play"
    assert figure.locator(".state").get_attribute("aria-live") == "polite"
    page.clock.run_for(5000)
    assert moment(page)[0] == f"Iteration {iterations[index]} of 3000"
    play.focus()
    page.keyboard.press("Space")
    page.clock.run_for(20_000)
    assert (play.inner_text(), moment(page)[0]) == ("Play", "Iteration 3000 of 3000")


def test_equal_units_share_a_colour(opened: Open, report: Path) -> None:
    page = opened(report)
    for start, count in enumerate((1, 1, 4)):
        letters = page.locator(".runs table").nth(start).locator(".letter")
        colours = letters.evaluate_all("(cells) => cells.map((cell) => getComputedStyle(cell).borderBottomColor)")
        assert len(colours) == 4
        assert len(set(colours)) == len(set(letters.all_inner_texts())) == count


def test_focus_is_visible(opened: Open, report: Path) -> None:
    page = opened(report)
    for which in (".stepper", "[data-do=play]", ".controls input"):
        page.keyboard.press("Tab")  # what the keyboard reached is what :focus-visible is for
        page.locator(which).focus()
        assert page.locator(which).evaluate("(each) => parseFloat(getComputedStyle(each).outlineWidth)") >= 2


def test_print_shows_the_last_moment_without_controls(opened: Open, report: Path) -> None:
    page = opened(report, color_scheme="dark")
    page.locator(".stepper").focus()
    page.keyboard.press("Home")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert moment(page)[0] == "Iteration 3000 of 3000"
    assert not page.locator("[data-do=play]").is_visible()
    assert page.locator("output").is_visible()
    assert page.locator(".stepper ~ figcaption").is_visible()
    assert not page.locator("kbd").first.is_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"


def test_figures_on_paper_have_labels_as_large_as_drawn(opened: Open, report: Path) -> None:
    page = opened(report, viewport={"width": 658, "height": 900})  # A4 without margins, in CSS pixels
    page.emulate_media(media="print")
    shares = page.locator("section > figure .drawing svg").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect().width / (e.viewBox.baseVal.width * 96 / 72))"
    )
    assert min(shares) >= 0.95


def test_without_scripts_the_page_says_so(opened: Open, report: Path) -> None:
    page = opened(report, scripts=False)
    assert not page.locator(".stepper").is_visible()
    assert page.get_by_text("This figure needs JavaScript.").is_visible()
    assert not opened(report).get_by_text("This figure needs JavaScript.").is_visible()


def test_hostile_names_do_nothing_in_a_browser(opened: Open, report: Path) -> None:
    for viewport in (WIDE, PHONE):
        page = opened(report, viewport=viewport)
        assert page.locator(".runs table").first.locator("th").all_inner_texts()[-len(NAMES) - 2 : -2] == [
            " ".join(name.split()) for name in NAMES
        ]
        for name in NAMES:
            assert page.locator("#your-table td").filter(has_text=" ".join(name.split())).first.is_visible()
        assert page.evaluate("window.hacked") is None
        assert page.locator("img").count() == 0


def test_the_page_runs_no_script_and_loads_nothing_that_is_not_its_own(chromium: Any, report: Path) -> None:
    """Even if a name became markup; that the page's own style and script work, the other tests see."""
    context = chromium.new_context(viewport=WIDE)
    page = context.new_page()
    page.goto((report / PAGE).as_uri())
    page.evaluate(
        "document.addEventListener('securitypolicyviolation', (event) => seen.push(event.effectiveDirective));"
        "window.seen = [];"
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=hacked=1><i style=color:red>');"
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'hacked=2'}))"
    )
    page.wait_for_function("new Set(seen).size >= 4")
    assert set(page.evaluate("seen")) == {"img-src", "style-src-attr", "script-src-attr", "script-src-elem"}
    assert page.evaluate("window.hacked") is None
    context.close()
