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
from fastsym.play import charts, newest, retrain, tables, words
from fastsym.play.controls import SLIDERS
from fastsym.play.network import picture
from fastsym.play.settings import (
    CHOICES,
    DEFAULT,
    LABELS,
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
        iterations=draw(st.integers(1, 30_000)),
        test=draw(st.sampled_from(CHOICES["test"])),
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
        ("hidden", "0", "Hidden units H: expected a whole number from 1 to 1024; got '0'"),
        ("hidden", "1025", "Hidden units H: expected a whole number from 1 to 1024; got '1025'"),
        ("hidden", "4.5", "Hidden units H: expected a whole number from 1 to 1024; got '4.5'"),
        ("hidden", "", "Hidden units H: expected a whole number from 1 to 1024; got ''"),
        ("seed", "-1", "Seed: expected a whole number from 0 to 4294967295; got '-1'"),
        ("seed", "9" * 5000, f"Seed: expected a whole number from 0 to 4294967295; got '{'9' * 40}…'"),
        ("learning_rate", "0", "Learning rate: expected a number from 1e-06 to 100; got '0'"),
        ("learning_rate", "nan", "Learning rate: expected a number from 1e-06 to 100; got 'nan'"),
        ("scale", "inf", "Scale of the start: expected a number from 0 to 100; got 'inf'"),
        ("perturbation", "much", "Perturbation: expected a number from 0 to 10; got 'much'"),
        ("iterations", "0", "Iterations: expected a whole number from 1 to 30000; got '0'"),
        ("test", "all", "Test samples: expected one of none, every fourth; got 'all'"),
        ("dtype", "float16", "Precision: expected one of float64, float32; got 'float16'"),
        ("features", "<b>", "Features: expected one of article, no_id, standardised; got '<b>'"),
        (
            "start",
            "blocks:2+x",
            "Start of the weights: expected block sizes joined by +, as in 'blocks:2+1'; got 'blocks:2+x'",
        ),
        ("start", "blocks:3+2", "Start of the weights: expected blocks of 4 units in total at most; got 'blocks:3+2'"),
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
    assert messages[3:] == [
        "and 7 more settings that do not exist",
        "Hidden units H: expected once; got it again as '5'",
    ]


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


def trained(chosen: Settings, iterations: int | None = None) -> tuple[fastsym.Training[fastsym.Params], Any]:
    """What ``fastsym.train`` gives after so many iterations, and what the exported lines print."""
    said: list[Any] = []
    space: dict[str, Any] = {"print": said.append}
    text = to_python(chosen, tables.python(chosen.features))
    if iterations is not None:
        text = text.replace(f"iterations={chosen.iterations}", f"iterations={iterations}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastsym.NonFiniteCostWarning)
        exec(text, space)
    return space["training"], said[0]


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Train by the variants that the page uses once they are compiled."""
    retrain.warm_up()


@pytest.mark.parametrize(
    "chosen",
    [
        DEFAULT,
        Settings(hidden=1, start="zeros", features="article", learning_rate=0.01),
        Settings(hidden=5, start="constant", scale=0.1, features="no_id", dtype="float32", perturbation=1e-3),
        Settings(hidden=7, start="constant", scale=0.1),
        Settings(hidden=9, start="constant", scale=0.1),
        Settings(hidden=3, start="zeros", test="every fourth"),
        Settings(hidden=4, start="blocks:2+1", seed=3, iterations=1),
        Settings(hidden=7, start="orthogonal", scale=1.0, seed=1, iterations=1234, test="every fourth"),
        Settings(hidden=64, seed=2),
        DIVERGING,
    ],
    ids=lambda chosen: f"{chosen.start}-{chosen.hidden}-{chosen.dtype}-{chosen.iterations}",
)
def test_the_page_shows_what_fastsym_trains_and_the_exported_lines_print(chosen: Settings) -> None:
    observed = retrain.retrain(chosen)
    assert observed is not None
    training, said = trained(chosen)
    np.testing.assert_array_equal(observed.costs, training.costs)
    for ours, theirs in zip(observed.params, training.params, strict=True):
        # Equal units that are trained as one show that one's numbers.
        np.testing.assert_array_equal(ours, np.broadcast_to(theirs, ours.shape))
    for iterations in {1, 30, 100, 170, 1000, 1200} & set(observed.iterations.tolist()):
        (moment,) = np.flatnonzero(observed.iterations == iterations)
        until, _ = trained(chosen, iterations)
        np.testing.assert_array_equal(observed.history.W2[moment], np.broadcast_to(until.params.W2, chosen.hidden))
    assert charts.facts(observed)["Final cost"] == str(said)


def test_equal_units_trained_as_one_end_where_the_wide_network_does() -> None:
    chosen = Settings(hidden=9, start="constant", scale=0.1)
    observed = observed_of(chosen)
    assert observed.as_one
    assert "multiplicity 9" in charts.summary(observed)
    data = fastsym.load_titanic(chosen.features)
    start = fastsym.initialise(chosen.start, len(data.X), chosen.hidden, chosen.scale)
    wide = fastsym.train(data.X, data.y, start, chosen.iterations, chosen.learning_rate)
    assert observed.labels.tolist() == [0] * 9
    # Their sums are rounded in another order, and no unit separates: the difference stays far below that of a unit.
    np.testing.assert_allclose(observed.costs, wide.costs, rtol=1e-9)


@pytest.mark.parametrize("start", ["zeros", "constant"])
def test_few_equal_units_are_trained_each_and_many_as_one(start: str) -> None:
    few, many = Settings(hidden=8, start=start), Settings(hidden=9, start=start)
    assert len(trained(few)[0].params.W2) == 8
    assert len(trained(many)[0].params.W2) == 1
    observed = observed_of(few)
    assert not observed.as_one
    assert observed.labels.tolist() == [0] * 8
    assert "multiplicity" not in charts.summary(observed)
    assert observed_of(many).as_one


def test_units_in_no_block_are_said_to_be_dead() -> None:
    observed = observed_of(Settings(start="blocks:2+1"))
    assert observed.dead == 1
    assert "The number of dead units is 1" in charts.summary(observed)
    assert "dead" not in charts.summary(observed_of(Settings(start="blocks:2+2")))


@pytest.mark.parametrize("iterations", [1, 99, 100, 101, 1005, 3000, 30_000])
def test_snapshots_are_dense_at_first_and_end_with_the_last_iteration(iterations: int) -> None:
    observed = observed_of(Settings(hidden=1, iterations=iterations))
    moments = observed.iterations
    assert moments[: min(iterations, 100) + 1].tolist() == list(range(min(iterations, 100) + 1))
    assert moments[-1] == iterations
    assert (np.diff(moments) > 0).all()
    assert (np.diff(moments)[100:] <= moments[100:-1] / 10).all()
    assert len(observed.history.W2) == len(moments) < 500


def test_accuracy_is_that_of_the_samples_trained_on_and_of_those_kept() -> None:
    observed = observed_of(Settings(start="zeros", test="every fourth"))
    y = fastsym.load_titanic().y
    kept = np.arange(y.size) % 4 == 3
    # From zeros all samples get the probability of class 1 among those trained on, which is below a half.
    assert observed.train_accuracy == np.mean(y[~kept] == 0)
    assert observed.test_accuracy == np.mean(y[kept] == 0)
    assert observed_of(Settings(start="zeros")).test_accuracy is None
    assert charts.facts(observed_of(DEFAULT))["Accuracy, test"] == "no test samples"


def test_before_it_is_compiled_numpy_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrain, "compiled", set())
    for chosen in (DEFAULT, Settings(start="constant")):
        assert observed_of(chosen).variant == "numpy"


def test_units_that_rounding_separates_are_said_to_have_started_equal() -> None:
    observed = observed_of(Settings(start="constant", hidden=3, iterations=10))
    assert "rounding" not in charts.summary(observed)
    apart = replace(observed, variant="numpy", labels=np.array([0, 0, 1]))
    assert "the rounding of numpy separates them" in charts.summary(apart)
    assert "rounding" not in charts.summary(replace(apart, settings=replace(DEFAULT, hidden=3)))


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (DEFAULT, set()),
        (Settings(start="zeros"), {"scale", "seed"}),
        (Settings(start="zeros", perturbation=1e-3), {"scale"}),
        (Settings(start="constant"), {"seed"}),
        (Settings(start="constant", perturbation=1e-3), set()),
    ],
)
def test_settings_without_effect_change_nothing_and_the_others_do(chosen: Settings, expected: set[str]) -> None:
    assert chosen.without_effect == expected
    start = {"kind": chosen.start, "scale": chosen.scale, "seed": chosen.seed}
    for name, other in {"scale": 0.5, "seed": 7}.items():
        ends = [
            fastsym.initialise(n_features=3, hidden=2, perturbation=chosen.perturbation, **(start | changed))
            for changed in ({}, {name: other})
        ]
        same = all(np.array_equal(a, b) for a, b in zip(*ends, strict=True))
        assert same == (name in expected)


def test_each_step_of_the_tour_shows_what_it_says() -> None:
    ends = []
    for step in words.TOUR:
        chosen, problems = parse(to_texts(DEFAULT) | step.changes)
        assert problems == ()
        ends.append(observed_of(chosen))
    zeros, constant, perturbed, random, large = ends
    assert not zeros.history.W1.any()
    assert zeros.costs[-1] < zeros.costs[0]
    assert len(set(constant.labels.tolist())) == 1
    assert perturbed.near_classes == random.near_classes == 4
    early = perturbed.at(100)
    assert np.ptp(early.W2) < 1e-6
    assert perturbed.costs[-1] < constant.costs[-1]
    assert large.saturated > 0.75
    assert large.costs[-1] > random.costs[-1]


def test_every_setting_and_fact_is_explained() -> None:
    assert words.CONTROLS.keys() == LABELS.keys() == to_texts(DEFAULT).keys()
    assert words.FACTS.keys() == charts.facts(observed_of(DEFAULT)).keys()


def test_the_picture_of_the_network_carries_the_weights() -> None:
    names = tuple("abcdefghijklmno")
    W1 = np.zeros((10, len(names)))
    W1[1, 2], W1[3, 0] = 2.0, -1.0
    drawn = picture(fastsym.Params(W1, np.zeros(10), np.full(10, np.nan), np.array(0.5)), names)
    edges = {edge["text"]: edge for edge in drawn["edges"]}
    assert (edges["c to unit 2: 2"]["kind"], edges["a to unit 4: -1"]["kind"]) == ("positive", "negative")
    assert edges["c to unit 2: 2"]["width"] == 2 * edges["a to unit 4: -1"]["width"]
    assert edges["a to unit 1: 0"]["kind"] == "zero"
    assert len(edges) == 8 * 12 + 8
    assert "8 of 10 units and 12 of 15 features" in drawn["title"]
    json.dumps(drawn, allow_nan=False)


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
    monkeypatch.setattr(retrain, "compiled", {(name, "float64") for name in CHOICES["features"]})
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


def test_a_small_network_trains_in_few_parts_and_a_wide_one_in_many(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [count for _, count in stretches(monkeypatch, DEFAULT)] == [100, 900, 2000]
    wide = [count for _, count in stretches(monkeypatch, Settings(hidden=64))]
    assert len(wide) > 3
    assert sum(wide) == 3000
    assert max(count for _, count in stretches(monkeypatch, Settings(hidden=1024, iterations=150))) < 100


def test_an_abandoned_training_ends_early() -> None:
    asked = iter([False, False, True])
    told: list[float] = []
    assert retrain.retrain(Settings(hidden=64), lambda: next(asked), told.append) is None
    assert next(asked, None) is None
    assert len(told) == 2
    assert 0 == told[0] < told[1] < 1


def test_nothing_compiles_after_warming_up() -> None:
    said: list[str] = []
    retrain.warm_up(said.append)
    assert said[0] == "warming up, 1 of 6: standardised features, float64"
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
    # A line for each unit and one for the bias; the run before adds its own, of which equal ones are one.
    assert len(charts.weights_options(observed)["series"]) == min(chosen.hidden, 8) + 1
    zeros = observed_of(Settings(start="zeros", iterations=10_000))
    assert len(charts.weights_options(observed, zeros)["series"]) == min(chosen.hidden, 8) + 2
    assert len(charts.cost_options(observed, zeros)["series"]) == 2
    assert charts.cost_options(observed, zeros)["xAxis"]["max"] == 10_000
    assert len(charts.rows_options(observed)["yAxis"]["data"]) == min(chosen.hidden, 32)


def test_a_cost_that_left_the_finite_range_is_shown_as_such() -> None:
    costs = np.linspace(1, 2, 3000)
    costs[1234:] = np.nan
    observed = observed_of(DEFAULT, costs=costs)
    history = observed.history
    history = history._replace(W1=history.W1 + np.inf, W2=history.W2 * np.nan)
    observed = replace(observed, history=history)
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
    assert expected in charts.summary(observed_of(chosen))


def test_the_summary_says_why_the_cost_falls_from_zeros_and_only_there() -> None:
    assert "the output bias b2 goes from 0 to -0.47" in charts.summary(observed_of(Settings(start="zeros")))
    for start in ("constant", "normal"):
        assert "bias" not in charts.summary(observed_of(Settings(start=start)))


def test_a_moment_is_described_by_its_own_numbers() -> None:
    observed = observed_of(Settings(start="constant", perturbation=1e-12))
    assert charts.moment(observed, 0).startswith("After 0 of 3000 iterations: cost 0.693")
    assert charts.moment(observed, len(observed.iterations) - 1).startswith("After 3000 of 3000 iterations: b2 ")
    early, late = (charts.rows_options(observed, moment)["visualMap"]["max"] for moment in (0, -1))
    assert early == 0.01 < late


def test_facts_count_dead_and_equal_units() -> None:
    facts = charts.facts(observed_of(Settings(start="blocks:2+1")))
    assert facts["Classes, bit for bit"] == "3 of 4 (AABC)"
    assert facts["Dead units"] == "1"
    zeros = charts.facts(observed_of(Settings(hidden=3, start="zeros")))
    assert (zeros["Dead units"], zeros["Saturated hidden values"]) == ("3", "0.0 %")


def test_the_cost_curve_keeps_every_spike() -> None:
    costs = np.ones(2995)
    costs[[777, 778, 2991]] = 9, 0.1, 4
    iterations, kept = charts.extremes(costs)
    assert {777, 778, 2991, 0, 2994} <= set(iterations.tolist())
    assert len(kept) < 1000
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
    assert outcome.stderr.splitlines()[-1].startswith(
        f"error: port: expected a free port; got {port}, which cannot be used"
    )


def test_a_missing_nicegui_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nicegui", None)
    monkeypatch.delitem(sys.modules, "fastsym.play.page", raising=False)
    outcome = CliRunner().invoke(command.app, ["--no-browser"])
    assert outcome.exit_code == 2
    assert outcome.stderr.splitlines()[-1] == "error: the playground needs NiceGUI: pip install 'fastsym[play]'"
