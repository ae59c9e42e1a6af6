"""The playground in headless Chromium: it opens, retrains, restores settings and asks no other server for anything."""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

import fastsym
from fastsym.play.settings import DEFAULT, Settings, parse, to_query, to_texts
from fastsym.play.words import TOUR
from tests.play.serving import PATIENCE_SECONDS, ROOT, Server, server, started

__all__ = ["server"]

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MISSING = [
    *(f"pip install {package}" for package in ("nicegui", "playwright") if find_spec(package) is None),
    *([] if CHROMIUM else ["apt-get install chromium"]),
]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"the playground's tests need: {', '.join(MISSING)}")

ANSWER_MILLISECONDS = 600_000
"""For the browser to see something; tests do not judge how long it took."""
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
LABELS = ("Hidden units H", "Scale of the start", "Learning rate", "Perturbation", "Seed", "Iterations")
CHOICES = ("Start of the weights", "Features", "Test samples", "Precision")

BADLY_PLACED = """svg => {
    const frame = svg.getBoundingClientRect(), texts = [...svg.querySelectorAll("text")];
    const boxes = texts.map(text => text.getBoundingClientRect());
    const level = texts.map(text => Math.abs(text.getScreenCTM().b) < 0.01);
    const cut = b => b.left < frame.left - 1 || b.right > frame.right + 1 || b.bottom > frame.bottom + 1;
    const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    return texts.filter((_, i) => cut(boxes[i]) || boxes.some(
        (box, j) => j < i && level[i] && level[j] && meet(boxes[i], box))).map(text => text.textContent);
}"""
"""Texts of a chart that are cut off, or lie on each other."""


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=ANSWER_MILLISECONDS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], timeout=ANSWER_MILLISECONDS
        )
        yield chromium
        chromium.close()


Opener = Callable[..., "Page"]


@pytest.fixture
def visit(server: Server, browser: "Browser") -> Iterator[Opener]:
    """Open the page as a new visitor; afterwards check that no console has errors and no other server was asked."""
    contexts, wrong, asked = [], [], []

    def opened(query: str = "", **options: object) -> "Page":
        context = browser.new_context(**options)  # type: ignore[arg-type]
        context.set_default_timeout(ANSWER_MILLISECONDS)
        context.set_default_navigation_timeout(ANSWER_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        context.on("request", lambda request: asked.append(request.url))
        page.goto(f"{server.url}{query}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert server.process.poll() is None, server.state()
    assert wrong == [], server.state()
    assert asked
    assert [url for url in asked if not url.startswith((server.url, "data:", "blob:"))] == []


def final_cost(chosen: Settings) -> str:
    data = fastsym.load_titanic(chosen.features)
    X = data.X.astype(chosen.dtype)
    start = fastsym.initialise(
        chosen.start, len(X), chosen.hidden, chosen.scale, chosen.seed, chosen.dtype, chosen.perturbation
    )
    return str(fastsym.train(X, data.y, start, chosen.iterations, chosen.learning_rate).costs[-1])


def shows(page: "Page", chosen: Settings) -> None:
    from playwright.sync_api import expect

    # At first NumPy trains, and the page trains again once the quick variants are compiled.
    expect(fact(page, "Variant")).not_to_have_text("numpy")
    expect(fact(page, "Final cost")).to_have_text(final_cost(chosen))
    expect(page).to_have_url(re.compile(re.escape(f"?{to_query(chosen)}") + "$"))


def fact(page: "Page", label: str) -> "Locator":
    return page.locator(f'[data-fact="{label}"]')


def test_it_opens_with_everything_labelled(visit: Opener) -> None:
    from playwright.sync_api import expect

    page = visit()
    shows(page, DEFAULT)
    for label in LABELS:
        assert page.get_by_role("slider", name=label, exact=True).count() == 1
        assert page.get_by_role("textbox", name=label, exact=True).count() == 1
    for label in CHOICES:
        assert page.get_by_role("combobox", name=label, exact=True).count() == 1
    assert page.get_by_role("figure").count() == 4
    for figure, words in {
        "cost": ("iteration (logarithmic)", "mean cost (nats per sample)", "10", "100"),
        "weights": ("iteration (logarithmic)", "output weight W2, bias b2", "unit 4", "bias b2"),
        "rows": ("feature", "hidden unit", "Fare"),
    }.items():
        drawn = page.locator(f"figure.{figure}")
        assert drawn.locator("figcaption").inner_text()
        assert drawn.locator("svg path").count() > 5
        texts = drawn.locator("svg text").all_text_contents()
        for word in words:
            assert word in texts
    expect(fact(page, "Classes, bit for bit")).to_have_text("4 of 4 (ABCD)")


def test_a_slider_retrains_by_keyboard_and_the_curves_move(visit: Opener) -> None:
    from playwright.sync_api import expect

    page = visit()
    shows(page, DEFAULT)
    curves = page.locator("figure.weights svg").inner_html()
    slider = page.get_by_role("slider", name="Hidden units H")
    slider.press("ArrowRight")
    shows(page, replace(DEFAULT, hidden=5))
    expect(page.get_by_role("textbox", name="Hidden units H")).to_have_value("5")
    page.wait_for_function("before => document.querySelector('figure.weights svg').innerHTML !== before", arg=curves)
    for _ in range(3):  # faster than it trains: none is lost
        slider.press("ArrowRight")
    shows(page, replace(DEFAULT, hidden=8))
    expect(page.locator("figure.weights svg").get_by_text("unit 8")).to_be_visible()
    slider.press("ArrowLeft")
    shows(page, replace(DEFAULT, hidden=7))
    expect(page.locator("figure.weights svg").get_by_text("unit ")).to_have_text(
        [f"unit {unit}" for unit in range(1, 8)]
    )


def test_dragging_a_slider_ends_with_the_last_position(visit: Opener) -> None:
    page = visit()
    shows(page, DEFAULT)
    box = page.get_by_role("slider", name="Learning rate").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.8 * box["width"], middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 1, middle, steps=25)
    page.mouse.up()
    shows(page, replace(DEFAULT, learning_rate=1e-4))


def test_choices_and_blocks_retrain(visit: Opener) -> None:
    page = visit("?features=article&learning_rate=0.01")
    page.get_by_role("combobox", name="Precision").click()
    page.get_by_role("option", name="float32").click()
    chosen = replace(DEFAULT, features="article", learning_rate=0.01, dtype="float32")
    shows(page, chosen)
    page.get_by_role("combobox", name="Start of the weights").click()
    page.get_by_role("option", name="blocks").click()
    shows(page, replace(chosen, start="blocks:2+1"))
    sizes = page.get_by_role("textbox", name="Sizes of the blocks")
    sizes.fill("4+1")
    sizes.press("Enter")
    page.get_by_text("Start of the weights: expected blocks of 4 units in total at most; got 'blocks:4+1'").wait_for()
    sizes.fill("3+1")
    sizes.press("Enter")
    shows(page, replace(chosen, start="blocks:3+1"))


def test_a_bad_value_shows_what_is_wrong_and_a_good_one_still_works(visit: Opener) -> None:
    from playwright.sync_api import expect

    page = visit()
    field = page.get_by_role("textbox", name="Hidden units H")
    for bad in ("many", "0", "1e3", "", "<b>9</b>", "1025"):
        field.fill(bad)
        field.press("Enter")
        message = f"Hidden units H: expected a whole number from 1 to 1024; got '{bad}'; 4 stays in use"
        expect(page.locator(".number .alert").first).to_have_text(message)
    page.get_by_role("slider", name="Seed").press("ArrowRight")  # the others work meanwhile
    shows(page, replace(DEFAULT, seed=1))
    field.fill("70")
    field.press("Tab")
    shows(page, replace(DEFAULT, seed=1, hidden=70))
    expect(page.locator(".number .alert").first).to_be_empty()
    expect(page.get_by_role("slider", name="Hidden units H")).to_have_value("64")


def test_two_tabs_keep_their_own_settings(visit: Opener) -> None:
    from playwright.sync_api import expect

    one = visit("?hidden=2")
    two = visit("?hidden=3&seed=7")
    for tab in (one, two):
        fact(tab, "Final cost").wait_for()
    one.get_by_role("slider", name="Seed").press("ArrowRight")
    two.get_by_role("slider", name="Hidden units H").press("ArrowLeft")
    shows(one, replace(DEFAULT, hidden=2, seed=1))
    shows(two, replace(DEFAULT, hidden=2, seed=7))
    expect(one.get_by_role("textbox", name="Seed")).to_have_value("1")
    expect(two.get_by_role("textbox", name="Seed")).to_have_value("7")


def test_the_address_restores_everything(visit: Opener) -> None:
    from playwright.sync_api import expect

    chosen = Settings(3, "blocks:1+2", 0.123, 0.07, 1e-5, "no_id", "float32", 4294967295, 300)
    page = visit(f"?{to_query(chosen)}")
    shows(page, chosen)
    page.get_by_role("slider", name="Hidden units H").press("ArrowRight")
    shows(page, replace(chosen, hidden=4))
    page.reload()
    shows(page, replace(chosen, hidden=4))
    for label, text in zip(LABELS, ("4", "0.123", "0.07", "1e-05", "4294967295", "300"), strict=True):
        expect(page.get_by_role("textbox", name=label)).to_have_value(text)
    expect(page.get_by_role("textbox", name="Sizes of the blocks")).to_have_value("1+2")


def test_a_nonsense_address_is_explained_and_harmless(visit: Opener) -> None:
    from playwright.sync_api import expect

    page = visit(
        "?hidden=%3Cimg%20src=x%20onerror=alert(1)%3E&scale=1e9&%3Cscript%3Ealert(2)%3C/script%3E=1&seed=2&seed=3"
    )
    alert = page.locator("header .alert")
    alert.get_by_text("Scale of the start: expected a number from 0 to 100; got '1e9'; the default is used").wait_for()
    text = alert.inner_text()
    assert "Hidden units H: expected a whole number from 1 to 1024; got '<img src=x onerror=alert(1)>'" in text
    assert "got '<script>alert(2)</script>'" in text
    assert "Seed: expected once; got it again as '3'" in text
    page.get_by_role("slider", name="Hidden units H").press("ArrowRight")
    shows(page, replace(DEFAULT, hidden=5, seed=2))
    expect(alert).to_be_empty()


@pytest.mark.parametrize("start", ["glorot", "he", "orthogonal"])
def test_a_rule_sets_the_scale_to_1(visit: Opener, start: str) -> None:
    from playwright.sync_api import expect

    page = visit()
    shows(page, DEFAULT)
    page.get_by_role("combobox", name="Start of the weights").click()
    page.get_by_role("option", name=start, exact=True).click()
    shows(page, replace(DEFAULT, start=start, scale=1.0))
    expect(page.get_by_role("textbox", name="Scale of the start")).to_have_value("1.0")
    page.get_by_role("combobox", name="Start of the weights").click()
    page.get_by_role("option", name="normal", exact=True).click()
    shows(page, DEFAULT)


def test_from_zeros_the_chart_shows_the_bias_and_what_has_no_effect_is_disabled(visit: Opener) -> None:
    from playwright.sync_api import expect

    page = visit("?start=zeros")
    shows(page, replace(DEFAULT, start="zeros"))
    expect(page.get_by_role("status").first).to_contain_text("the output bias b2 goes from 0 to -0.47")
    axis = page.locator("figure.weights svg").get_by_text(re.compile(r"^-?0\.\d+$"))
    assert axis.count() > 1  # the axis spans the bias, and the weights' line of zeros is not on its edge
    for label in ("Scale of the start", "Seed"):
        expect(page.get_by_role("slider", name=label)).to_be_disabled()
        expect(page.get_by_role("textbox", name=label)).to_be_disabled()
    page.get_by_role("combobox", name="Start of the weights").click()
    page.get_by_role("option", name="normal", exact=True).click()
    shows(page, DEFAULT)
    expect(page.get_by_role("slider", name="Seed")).to_be_enabled()


def test_the_moment_slider_shows_the_network_as_it_was(visit: Opener) -> None:
    from playwright.sync_api import expect

    page = visit("?start=constant&perturbation=1e-12")
    moment = page.get_by_role("slider", name="Moment")
    described = page.locator(".moment p")
    expect(described).to_contain_text("After 3000 of 3000 iterations")
    network = page.locator("svg.network")
    expect(network.locator("line")).to_have_count(4 * 8 + 4)
    before = network.inner_html()
    moment.press("Home")
    expect(described).to_contain_text("After 0 of 3000 iterations: cost 0.693")
    expect(network.locator("line").first).to_contain_text("Pclass to unit 1: 0.01")
    assert network.inner_html() != before
    moment.press("End")
    expect(described).to_contain_text("After 3000 of 3000 iterations")


def test_the_tour_tells_the_story_and_leaves_the_run_before_in_grey(visit: Opener) -> None:
    from playwright.sync_api import expect

    page = visit("?hidden=3")
    ghosts = page.locator("figure.cost svg path[stroke='var(--ghost)']")
    fact(page, "Final cost").wait_for()
    page.get_by_role("button", name="Tour in five steps").click()
    tour = page.get_by_role("region", name="Tour")
    for number, step in enumerate(TOUR, 1):
        expect(tour.get_by_role("heading")).to_have_text(f"{number} of 5. {step.title}")
        shown, problems = parse(to_texts(DEFAULT) | step.changes)
        assert problems == ()
        expect(page).to_have_url(re.compile(re.escape(f"?{to_query(shown)}") + "$"))
        expect(page.get_by_role("textbox", name="Scale of the start")).to_have_value(str(shown.scale))
        expect(ghosts).to_have_count(0 if number == 1 else 1)
        if number < len(TOUR):
            tour.get_by_role("button", name="Next").click()
    expect(tour.get_by_role("button", name="Next")).to_be_hidden()
    tour.get_by_role("button", name="End the tour").click()
    expect(tour).to_be_hidden()


def test_a_long_training_dims_the_old_results_and_tells_how_far_it_is(visit: Opener) -> None:
    from playwright.sync_api import expect

    page = visit()
    shows(page, DEFAULT)
    expect(page.locator(".results.waiting")).to_have_count(0)
    field = page.get_by_role("textbox", name="Hidden units H")
    field.fill("1024")
    field.press("Enter")
    expect(page.locator(".results.waiting")).to_have_count(1)
    expect(page.get_by_role("status").first).to_have_text(re.compile(r"training … \d+ %"))
    field.fill("2")
    field.press("Enter")
    shows(page, replace(DEFAULT, hidden=2))
    expect(page.locator(".results.waiting")).to_have_count(0)


def test_words_are_explained_by_keyboard(visit: Opener) -> None:
    page = visit()
    fact(page, "Final cost").wait_for()
    for mark in page.locator(".word").all():
        mark.focus()
        shown = mark.evaluate("element => getComputedStyle(element, '::after').content")
        assert shown.strip('"') == mark.get_attribute("data-tip")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_exported_lines_repeat_the_run(visit: Opener) -> None:
    from playwright.sync_api import expect

    page = visit(
        "?hidden=6&start=he&scale=0.5&perturbation=0.001&dtype=float32",
        permissions=["clipboard-read", "clipboard-write"],
    )
    cost = fact(page, "Final cost")
    expect(fact(page, "Variant")).not_to_have_text("numpy")
    page.get_by_role("button", name="Python for this run").press("Enter")
    page.get_by_text("Copied.").wait_for()
    code = page.locator(".export pre").inner_text()
    assert page.evaluate("navigator.clipboard.readText()").strip() == code.strip()
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == cost.inner_text(), done.stderr


def test_it_follows_dark_mode_and_fits_a_phone(visit: Opener) -> None:
    from playwright.sync_api import expect

    papers = {}
    for scheme in ("light", "dark"):
        page = visit("?hidden=9&features=article", color_scheme=scheme, viewport={"width": 390, "height": 844})
        fact(page, "Final cost").wait_for()
        papers[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
        ink = page.evaluate("getComputedStyle(document.body).color")
        expect(page.locator("figure.cost svg text").first).to_have_css("fill", ink)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        for chart in page.locator("figure .nicegui-echart svg").all():
            assert chart.evaluate(BADLY_PLACED) == []
    assert papers["light"] != papers["dark"]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_ends_it_cleanly_while_a_page_is_open_and_training(browser: "Browser", number: signal.Signals) -> None:
    with started() as server:
        page = browser.new_page()
        page.goto(f"{server.url}?hidden=1024", timeout=ANSWER_MILLISECONDS)
        page.get_by_text("training …").wait_for(timeout=ANSWER_MILLISECONDS)
        ended(server, number)
        page.close()


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_ends_it_cleanly_while_it_warms_up(number: signal.Signals) -> None:
    with started() as server:
        server.line("warming up")
        ended(server, number)


def ended(server: Server, number: signal.Signals) -> None:
    server.process.send_signal(number)
    server.process.wait(PATIENCE_SECONDS)
    assert server.process.returncode == 128 + number, server.state()
    *before, last = server.text().splitlines()
    assert last == f"stopped by {number.name}"
    assert all(line.startswith(("loading", "warming up", "http://")) for line in before), server.state()
