"""The playground without a browser: settings, addresses, trainings, charts and the command line."""

import asyncio
import json
import math
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba.core.event import install_timer
from typer.testing import CliRunner

import fastsym
from fastsym.model.table_options import TableOptions
from fastsym.play import __main__ as command
from fastsym.play import charts, newest, retrain, tables
from fastsym.play.controls import SLIDERS
from fastsym.play.settings import (
    CHOICES,
    DEFAULT,
    ITERATIONS,
    RANGES,
    Settings,
    from_query,
    parse,
    to_python,
    to_query,
    to_texts,
)

KINDS = [kind for kind in CHOICES["start"] if ":" not in kind]
DIVERGING = Settings(hidden=2, learning_rate=100.0, scale=100.0, features="article", dtype="float32")


def within(name: str) -> st.SearchStrategy[float]:
    return st.floats(RANGES[name].low, RANGES[name].high)


@st.composite
def settings(draw: st.DrawFn) -> Settings:
    hidden = draw(st.integers(1, 1024))
    blocks = f"blocks:{hidden // 2}+{hidden - hidden // 2}"
    return Settings(
        hidden=hidden,
        start=draw(st.sampled_from([*KINDS, blocks])),
        scale=draw(within("scale")),
        learning_rate=draw(within("learning_rate")),
        perturbation=draw(within("perturbation")),
        features=draw(st.sampled_from(CHOICES["features"])),
        dtype=draw(st.sampled_from(CHOICES["dtype"])),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


@given(settings())
def test_an_address_restores_the_settings_exactly(chosen: Settings) -> None:
    assert from_query(to_query(chosen)) == (chosen, ())


@given(st.text())
def test_no_address_is_too_strange(query: str) -> None:
    chosen, _ = from_query(query)
    assert parse(to_texts(chosen)) == (chosen, ())


@given(st.dictionaries(st.sampled_from([*to_texts(DEFAULT), "other"]), st.text()))
def test_every_bad_text_is_named_and_leaves_the_default(texts: dict[str, str]) -> None:
    chosen, problems = parse(texts)
    named = {problem.setting for problem in problems}
    assert ("other" in named) == ("other" in texts)
    for name in texts.keys() - named:
        assert name in to_texts(DEFAULT)
    for name in named - {"other"}:
        assert getattr(chosen, name) == getattr(DEFAULT, name)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("hidden", "0", "hidden: expected a whole number from 1 to 1024; got '0'"),
        ("hidden", "1025", "hidden: expected a whole number from 1 to 1024; got '1025'"),
        ("hidden", "4.5", "hidden: expected a whole number from 1 to 1024; got '4.5'"),
        ("hidden", "", "hidden: expected a whole number from 1 to 1024; got ''"),
        ("seed", "-1", "seed: expected a whole number from 0 to 4294967295; got '-1'"),
        ("seed", "9" * 5000, f"seed: expected a whole number from 0 to 4294967295; got '{'9' * 40}…'"),
        ("learning_rate", "0", "learning_rate: expected a number from 1e-06 to 100; got '0'"),
        ("learning_rate", "nan", "learning_rate: expected a number from 1e-06 to 100; got 'nan'"),
        ("scale", "inf", "scale: expected a number from 0 to 100; got 'inf'"),
        ("perturbation", "much", "perturbation: expected a number from 0 to 10; got 'much'"),
        ("dtype", "float16", "dtype: expected one of float64, float32; got 'float16'"),
        ("features", "<b>", "features: expected one of article, no_id, standardised; got '<b>'"),
        ("start", "blocks:2+x", "start: expected block sizes joined by +, as in 'blocks:2+1'; got 'blocks:2+x'"),
        ("start", "blocks:3+2", "start: expected blocks of 4 units in total at most; got 'blocks:3+2'"),
    ],
)
def test_a_bad_value_says_name_range_and_what_came(name: str, text: str, expected: str) -> None:
    chosen, (problem,) = parse({name: text})
    assert problem.setting == name
    assert problem.message.startswith(expected)
    assert chosen == DEFAULT


def test_unknown_and_repeated_settings_are_named() -> None:
    chosen, problems = from_query("hidden=3&colour=red&hidden=5&" + "&".join(f"a{i}=1" for i in range(9)))
    messages = [problem.message for problem in problems]
    assert chosen == replace(DEFAULT, hidden=3)
    assert messages[0].startswith("address: expected a setting, one of hidden, ")
    assert messages[0].endswith("; got 'colour'")
    assert messages[3:] == ["and 7 more settings that do not exist", "hidden: expected once; got it again as '5'"]


def test_a_scale_that_is_not_given_is_that_of_the_start() -> None:
    assert [parse({"start": start})[0].scale for start in ("normal", "glorot", "he", "orthogonal")] == [0.01, 1, 1, 1]
    assert parse({"start": "glorot", "scale": "0.5"})[0].scale == 0.5
    assert parse({"start": "glorot", "scale": "much"})[0].scale == 1


def test_nan_and_minus_zero_have_no_second_writing() -> None:
    assert math.copysign(1, parse({"scale": "-0.0"})[0].scale) == 1


@pytest.mark.parametrize("name", SLIDERS)
def test_each_position_of_a_slider_is_a_good_value_and_is_found_again(name: str) -> None:
    slider = SLIDERS[name]
    for step in range(round((slider.high - slider.low) / slider.step) + 1):
        position = round(slider.low + step * slider.step, 10)
        text = slider.text(position)
        chosen, problems = parse({name: text})
        assert problems == ()
        assert to_texts(chosen)[name] == text
        assert slider.position(float(text)) == position
    assert slider.position(RANGES[name].high) == slider.high
    assert slider.position(RANGES[name].low) == slider.low


def trained(chosen: Settings, iterations: int = ITERATIONS) -> tuple[fastsym.Training, Any]:
    """What ``fastsym.train`` gives after so many iterations, and what the exported lines print."""
    said: list[Any] = []
    space: dict[str, Any] = {"print": said.append}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastsym.NonFiniteCostWarning)
        exec(
            to_python(chosen, tables.python(chosen.features)).replace(
                f"iterations={ITERATIONS}", f"iterations={iterations}"
            ),
            space,
        )
    return space["training"], said[0]


@pytest.mark.parametrize(
    "chosen",
    [
        DEFAULT,
        Settings(hidden=1, start="zeros", features="article", learning_rate=0.01),
        Settings(hidden=5, start="constant", scale=0.1, features="no_id", dtype="float32", perturbation=1e-3),
        Settings(hidden=4, start="blocks:2+1", seed=3),
        Settings(hidden=7, start="orthogonal", scale=1.0, seed=1),
        Settings(hidden=64, seed=2),
        DIVERGING,
    ],
    ids=lambda chosen: f"{chosen.start}-{chosen.hidden}-{chosen.dtype}",
)
def test_the_page_shows_what_fastsym_trains_and_the_exported_lines_print(chosen: Settings) -> None:
    observed = retrain.retrain(chosen)
    assert observed is not None
    training, said = trained(chosen)
    np.testing.assert_array_equal(observed.costs, training.costs)
    for ours, theirs in zip(observed.params, training.params, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(observed.W2[-1], training.params.W2)
    for iterations, moment in ((retrain.EVERY, 1), (7 * retrain.EVERY, 7)):
        until, _ = trained(chosen, iterations)
        np.testing.assert_array_equal(observed.W2[moment], until.params.W2)
    assert charts.facts(observed)["Final cost"] == str(said)
    assert len(to_python(chosen, tables.python(chosen.features)).splitlines()) == 10


@pytest.fixture
def own_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TableOptions]:
    """Let the page use a table of three features, one of them with a missing value."""
    path = tmp_path / "own.csv"
    path.write_text("a;b;c;y\n1,5;2;red;no\n2,5;?;blue;yes\n0,5;7;red;no\n3,5;1;red;yes\n")
    options = TableOptions(path, "y", positive="yes", missing=["?"], fill="median", one_hot=["c"], skip=["5"])
    for each in ("_own", "_options"):
        monkeypatch.setattr(tables, each, getattr(tables, each))
    monkeypatch.setitem(CHOICES, "features", CHOICES["features"])
    retrain.table.cache_clear()
    tables.use(options)
    yield options
    retrain.table.cache_clear()


@pytest.mark.parametrize("features", ["raw", "standardised"])
def test_a_users_table_is_trained_and_exported(own_table: TableOptions, features: str) -> None:
    chosen, problems = parse({"features": features, "hidden": "2"})
    assert (chosen.features, problems) == (features, ())
    assert parse({"features": "article"})[1]
    observed = retrain.retrain(chosen)
    assert observed is not None
    assert observed.feature_names == ("a", "b", "c=blue", "c=red")
    training, said = trained(chosen)
    np.testing.assert_array_equal(observed.costs, training.costs)
    assert charts.facts(observed)["Final cost"] == str(said)
    assert tables.name() == "own.csv"
    assert repr(str(own_table.csv)) in tables.python(features)


def test_a_users_table_is_standardised_on_the_page_only(own_table: TableOptions) -> None:
    with pytest.raises(ValueError, match="standardise: expected none for the playground"):
        tables.use(replace(own_table, standardise=True))


def stretches(monkeypatch: pytest.MonkeyPatch, chosen: Settings) -> list[tuple[str, int]]:
    """The variant and the number of iterations of each stretch of a training."""
    ran = []
    run = retrain.run

    def seen(variant: Any, problem: Any, costs: Any, *more: Any) -> Any:
        ran.append((variant.name, len(costs)))
        return run(variant, problem, costs, *more)

    monkeypatch.setattr(retrain, "run", seen)
    assert retrain.retrain(chosen) is not None
    monkeypatch.undo()
    return ran


def test_the_variant_is_the_one_that_fast_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    for hidden in (1, 64):
        fast, _ = trained(Settings(hidden=hidden))
        assert {name for name, _ in stretches(monkeypatch, Settings(hidden=hidden))} == {fast.variant}


def test_a_small_network_trains_in_one_stretch_and_a_wide_one_in_several(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [count for _, count in stretches(monkeypatch, DEFAULT)] == [ITERATIONS]
    wide = [count for _, count in stretches(monkeypatch, Settings(hidden=64))]
    assert len(wide) > 2
    assert sum(wide) == ITERATIONS
    assert {count for _, count in stretches(monkeypatch, Settings(hidden=1024))} == {retrain.EVERY}


def test_an_abandoned_training_ends_early() -> None:
    asked = iter([False, False, True])
    assert retrain.retrain(Settings(hidden=64), lambda: next(asked)) is None
    assert next(asked, None) is None


def test_nothing_compiles_after_warming_up() -> None:
    said: list[str] = []
    retrain.warm_up(said.append)
    assert said[0] == "warming up, 1 of 6: article features, float64"
    compiling: list[Any] = []
    with install_timer("numba:compiler_lock", compiling.append):
        for features in CHOICES["features"]:
            for dtype in CHOICES["dtype"]:
                for hidden in (1, 2, 5, 40):
                    retrain.retrain(Settings(hidden=hidden, features=features, dtype=dtype))
    assert compiling == []


def observed_of(chosen: Settings, **changes: Any) -> retrain.Observed:
    observed = retrain.retrain(chosen)
    assert observed is not None
    return replace(observed, **changes)


@pytest.mark.parametrize(
    "chosen", [DEFAULT, Settings(hidden=40), Settings(hidden=2, start="zeros")], ids=lambda chosen: str(chosen.hidden)
)
def test_every_chart_is_named_and_can_be_sent(chosen: Settings) -> None:
    observed = observed_of(chosen)
    for options in (charts.cost_options(observed), charts.weights_options(observed), charts.rows_options(observed)):
        json.dumps(options, allow_nan=False)
        assert options["xAxis"]["name"]
        assert options["yAxis"]["name"]
        assert options["aria"]["label"]["description"]
        assert options["series"]
    assert len(charts.weights_options(observed)["series"]) == min(chosen.hidden, 8)
    assert len(charts.rows_options(observed)["yAxis"]["data"]) == min(chosen.hidden, 32)


def test_a_cost_that_left_the_finite_range_is_shown_as_such() -> None:
    costs = np.linspace(1, 2, ITERATIONS)
    costs[1234:] = np.nan
    weights = np.full((4, 8), np.inf)
    observed = observed_of(DEFAULT, costs=costs)
    observed = replace(observed, params=observed.params._replace(W1=weights), W2=observed.W2 * np.nan)
    for options in (charts.cost_options(observed), charts.weights_options(observed), charts.rows_options(observed)):
        json.dumps(options, allow_nan=False)
    assert charts.summary(observed).startswith("The training diverged: the cost is not finite from iteration 1234 on.")
    assert charts.facts(observed)["Final cost"] == "nan"


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (DEFAULT, "All 4 units are different."),
        (Settings(start="zeros"), "All 4 units are identical."),
        (Settings(start="blocks:2+1"), "4 units fall into 3 classes of equal units: AABC."),
        (Settings(hidden=1), "There is one unit."),
    ],
    ids=lambda value: value.start if isinstance(value, Settings) else "",
)
def test_the_summary_says_what_became_of_the_units(chosen: Settings, expected: str) -> None:
    assert charts.summary(observed_of(chosen)).endswith(expected)


def test_facts_count_dead_and_equal_units() -> None:
    facts = charts.facts(observed_of(Settings(start="blocks:2+1")))
    assert facts["Classes, bit for bit"] == "3 of 4 (AABC)"
    assert facts["Dead units"] == "1"
    zeros = charts.facts(observed_of(Settings(hidden=3, start="zeros")))
    assert (zeros["Dead units"], zeros["Saturated hidden values"]) == ("3", "0.0 %")


def test_the_cost_curve_keeps_every_spike() -> None:
    costs = np.ones(ITERATIONS)
    costs[[777, 778]] = 9, 0.1
    iterations, kept = charts.extremes(costs)
    assert {777, 778, 0, ITERATIONS - 1} <= set(iterations.tolist())
    assert len(kept) < ITERATIONS / 3
    assert (np.diff(iterations) > 0).all()


class Bench:
    """Work that waits until it is let go, and notes what was done and shown."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.shown: list[int] = []
        self.go = threading.Event()
        self.newest: newest.Newest[int, int] = newest.Newest(self.work, self.shown.append)

    def work(self, wanted: int, abandoned: Callable[[], bool]) -> int | None:
        self.started.append(wanted)
        while not self.go.wait(0.001):
            if abandoned():
                return None
        return wanted

    async def begun(self, count: int) -> None:
        while len(self.started) < count:
            await asyncio.sleep(0.001)


def test_of_many_questions_the_newest_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newest, "PATIENCE_SECONDS", math.inf)
    bench = Bench()

    async def scenario() -> None:
        first = asyncio.create_task(bench.newest.ask(1))
        await bench.begun(1)
        for wanted in (2, 3, 4):
            await bench.newest.ask(wanted)
        bench.go.set()
        await first
        await bench.newest.ask(5)

    asyncio.run(scenario())
    assert bench.started == bench.shown == [1, 4, 5]


def test_stale_work_is_given_up_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newest, "PATIENCE_SECONDS", 0.0)
    bench = Bench()

    async def scenario() -> None:
        first = asyncio.create_task(bench.newest.ask(1))
        await bench.begun(1)
        await bench.newest.ask(2)
        await bench.begun(2)
        bench.go.set()
        await first

    asyncio.run(scenario())
    assert bench.started == [1, 2]
    assert bench.shown == [2]


def test_closing_ends_work_and_shows_nothing() -> None:
    bench = Bench()

    async def scenario() -> None:
        first = asyncio.create_task(bench.newest.ask(1))
        await bench.begun(1)
        bench.newest.close()
        await first

    asyncio.run(scenario())
    assert bench.shown == []


def test_work_that_fails_does_not_block_what_comes_after() -> None:
    shown: list[float] = []
    reciprocal: newest.Newest[float, float] = newest.Newest(lambda wanted, _: 1 / wanted, shown.append)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(reciprocal.ask(0))
    asyncio.run(reciprocal.ask(2))
    assert shown == [0.5]


def test_a_taken_default_port_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(command, "DEFAULT_PORT", port)
        assert command.free_port(None) != port
        outcome = CliRunner().invoke(command.app, ["--no-browser", "--port", str(port)])
    assert command.free_port(None) == port
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith(f"error: port: expected a free port; got {port}, which cannot be used")


def test_a_missing_nicegui_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nicegui", None)
    monkeypatch.delitem(sys.modules, "fastsym.play.page", raising=False)
    outcome = CliRunner().invoke(command.app, ["--no-browser"])
    assert outcome.exit_code == 2
    assert outcome.stderr == "error: the playground needs NiceGUI: pip install 'fastsym[play]'\n"
