"""The report's benchmark side and three pictures: what they say follows from the numbers, and nothing is cut off."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fastsym.experiments.article import UnitPaths
from fastsym.report import timing
from fastsym.report.committed import GATE, GATE_COLUMNS, PEERS, ROOT, read_gate, read_peers
from fastsym.report.content import Plot, Section
from fastsym.report.results import Measured, Settings, full
from fastsym.report.sections.benchmark import speed
from fastsym.report.sections.gate import gate
from fastsym.report.sections.headline import headline
from fastsym.report.sections.peers import peers
from fastsym.report.sections.scaling import scaling
from fastsym.report.sections.startup import startup
from fastsym.report.speedups import longest, own, quickest, shared, speedups
from fastsym.report.style import RC
from fastsym.timing.roofline import Roofline
from fastsym.timing.saved_runs import UnreadableRunError
from fastsym.timing.startup import ProcessTimes, Startup

D, M = 9, 889
LAWS = {  # call, iteration, unit at D, feature (seconds), threads
    "reference": (2e-4, 4.5e-5, 9e-9, 2e-10, 1),
    "numpy": (2e-4, 3.4e-5, 4.5e-9, 2e-10, 1),
    "fused": (1.3e-4, 4e-6, 2.2e-9, 1e-10, 1),
    "simd": (2.4e-4, 2.5e-6, 1.5e-9, 6e-11, 1),
    "parallel": (7e-4, 9e-6, 8e-10, 3e-11, 2),
}
ALL = [(H, T) for H in (1, 4, 16) for T in (1, 10, 100)] + [(64, 1), (64, 10)]
LONG = [(4, 1000), (64, 100)]


def seconds(name: str, hidden: int, iterations: int, features: int = D) -> float:
    call, iteration, unit, feature, _ = LAWS[name]
    return call + iterations * (iteration + M * hidden * (unit + feature * (features - D)))


def timings() -> pd.DataFrame:
    rows = []
    for hidden, iterations in ALL + LONG:
        for name in LAWS if (hidden, iterations) in ALL else ("reference", "simd"):
            time = seconds(name, hidden, iterations)
            speedup = seconds("reference", hidden, iterations) / time
            rows.append(
                {"variant": name, "hidden": hidden, "iterations": iterations, "dtype": "float64"}
                | {"threads": LAWS[name][4], "seconds": time, "seconds_per_iteration": time / iterations, "rounds": 8}
                | {"machine": "m", "speedup": speedup, "speedup_low": 0.9 * speedup, "speedup_high": 1.1 * speedup}
                | {"ratios": (speedup,) * 8}
            )
    return pd.DataFrame(rows)


def more() -> pd.DataFrame:
    cells = [
        (name, hidden, 30, LAWS[name][4], 27, seconds(name, hidden, 30, 27)) for name in LAWS for hidden in (4, 16)
    ]
    cells += [(name, 64, 200, LAWS[name][4], D, seconds(name, 64, 200)) for name in ("fused", "simd")]
    return pd.DataFrame(cells, columns=["variant", "hidden", "iterations", "threads", "features", "seconds"])


NAN = float("nan")
STARTUPS = (
    Startup("fused", NAN, 0.4, 0.5, 1e-4, 0.3, 0.1),
    Startup("simd", 9.0, 0.3, 0.4, 1e-4, 0.3, 0.1),
)
RATES = pd.DataFrame(
    [
        (condition, slowdown, 1.02 * slowdown, 120, 7, found, 2, found / 120, max(0.0, found / 120 - 0.05), 1.0)
        for condition, counts in (("quiet", (1, 60, 117, 120)), ("busy", (2, 30, 90, 105)))
        for slowdown, found in zip((0.0, 0.02, 0.05, 0.1), counts, strict=True)
    ],
    columns=list(GATE_COLUMNS),
)
OTHERS = pd.DataFrame(
    [(H, name, t, y, r, 0.9 * r, 1.2 * r) for H in (1, 4) for name, t, y, r in (
        ("c", 1, "simd", 1.5), ("jax", 1, "simd", 3.0), ("mine", 2, "parallel", 0.8), ("reference", 1, "simd", 9.0)
    )],
    columns=["hidden", "system", "threads", "yardstick", "ratio", "low", "high"],
)  # fmt: skip


def path_of(start: str, apart: float) -> UnitPaths:
    iterations = np.array([0, 1, 10, 3000])
    way = np.linspace(0, 1, 4) * (start != "zeros")
    unit = np.arange(4) * apart
    W1 = way[:, None, None] * (1 + unit[:, None] * np.array([0.1, 1.0]))
    return UnitPaths(start, iterations, W1, way[:, None] * (1 - unit))


def certificate(variant: str, passed: bool = True, worst: float = 0.7) -> Any:
    errors = SimpleNamespace(median=3e-4, worst=worst)
    return SimpleNamespace(variant=variant, dtype="float64", passed=passed, own=errors)


def results(**changes: Any) -> Any:
    roof = Roofline("float64", 3.7e9, 3.7e9, 7.4e9, 4.1e8, 3.7e9, 3.5e9)
    bounds = pd.DataFrame({"hidden": [1, 4, 16, 64], "seconds_per_iteration": [1e-6, 2.5e-6, 1e-5, 4.3e-5]})
    known = {
        "settings": Settings(),
        "own": None,
        "timings": timings(),
        "measured": Measured(D, M, more(), roof, bounds, STARTUPS),
        "untimed": (),
        "left_out": ((64, 1000),),
        "paths": (path_of("zeros", 0), path_of("constant", 0), path_of("normal", 1)),
        "certificates": tuple(certificate(name) for name in LAWS),
        "killed": {"float64": (54, 54)},
        "peers": OTHERS,
        "gate": RATES,
    }
    return SimpleNamespace(**known | changes)


def made(section: Section | None) -> Section:
    assert section is not None
    return section


def plot_of(section: Section | None, slug: str) -> Plot:
    return next(plot for plot in made(section).plots if plot.slug == slug)


def bare(**changes: Any) -> Measured:
    none = Measured(D, M, pd.DataFrame(), None, pd.DataFrame(), ())
    return replace(none, **changes)


# Every figure


@pytest.mark.parametrize("section", [headline, speed, peers, startup, scaling, gate])
def test_nothing_is_cut_off_and_everything_is_labelled(section: Callable[[Any], Section | None]) -> None:
    for plot in made(section(results())).plots:
        assert any(character.isdigit() for character in plot.title) or "zero" in plot.title
        assert len(plot.alt) > 60
        assert not plot.data.empty
        with mpl.rc_context(RC):
            figure = Figure(figsize=(plot.width_inches, plot.height_inches), layout="constrained")
            canvas = FigureCanvasAgg(figure)
            plot.draw(figure)
            canvas.draw()
            box = figure.get_tightbbox(canvas.get_renderer())
        assert box.x0 > -0.02, plot.slug
        assert box.y0 > -0.02, plot.slug
        assert box.x1 < plot.width_inches + 0.02, plot.slug
        assert box.y1 < plot.height_inches + 0.02, plot.slug
        assert any(axes.get_xlabel() for axes in figure.axes), plot.slug
        assert any(axes.get_ylabel() for axes in figure.axes), plot.slug


# The three pictures


def test_three_pictures_say_it_all() -> None:
    section = headline(results())
    assert section.slug == "headline"
    units, speed_up, belief = section.plots
    assert units.title == "Hidden units stay one from zero weights and constant weights, and part from random weights"
    assert "trains 6.2 to 9.56 times as fast as the article's NumPy code, from H = 4 to 64" in speed_up.title
    assert speed_up.data["hidden"].tolist() == [4, 16, 64]
    assert speed_up.data["iterations"].tolist() == [1000, 100, 100]
    assert belief.title == "5 of 5 certificates pass, and 54 of 54 programs broken on purpose are caught"
    assert "at H = 4, `simd` trains 9.56 times as fast as the article's code" in section.headline


def test_the_pictures_follow_the_results() -> None:
    section = headline(
        results(
            paths=(path_of("zeros", 0), path_of("constant", 2), path_of("normal", 0)),
            certificates=(certificate("reference"), certificate("simd", False, NAN), certificate("simd")),
            killed={"float64": (50, 54), "float32": (54, 54)},
        )
    )
    units, _, belief = section.plots
    assert units.title.startswith("Hidden units stay one from zero weights and random weights, and part from constant")
    assert belief.title == "2 of 3 certificates pass, and 104 of 108 programs broken on purpose are caught"
    assert belief.data["passed"].tolist() == [True, False]
    figure = Figure()
    belief.draw(figure)
    assert [len(marks.get_offsets()) for marks in figure.axes[1].collections] == [104, 4]


def test_without_timings_there_are_two_pictures() -> None:
    for empty in (pd.DataFrame(), timings().query("variant in ('reference', 'numpy')")):
        section = headline(results(timings=empty))
        assert [plot.slug for plot in section.plots] == ["headline-units", "headline-belief"]
        assert section.title == "In two pictures"


# Speed


def test_variants_are_compared_in_trainings_of_one_length() -> None:
    frame = speedups(timings())
    together = shared(frame)
    assert together.groupby("hidden")["iterations"].unique().map(list).tolist() == [[100], [100], [100], [10]]
    assert set(together["label"]) == {"reference", "numpy", "fused", "simd", "parallel, 2 threads"}
    best = longest(frame[frame["label"] == "simd"])
    assert best.set_index("hidden")["iterations"].to_dict() == {1: 100, 4: 1000, 16: 100, 64: 100}


def test_the_quickest_is_not_who_alone_trained_long() -> None:
    frame = own(speedups(timings()))
    frame.loc[frame["label"] == "fused", "over_reference"] *= 2
    frame.loc[pd.MultiIndex.from_frame(frame[["hidden", "iterations"]]).isin(LONG), "over_reference"] *= 100
    assert quickest(frame) == "fused"


def test_the_roof_is_drawn_where_it_was_measured() -> None:
    plot = plot_of(speed(results()), "time-per-iteration")
    simd = seconds("simd", 64, 100) / 100
    assert plot.title.endswith(f"at H = 64, where it runs at {100 * 4.3e-5 / simd:.0f} % of the roof")
    assert plot.data.query("label == 'roof of one core'")["microseconds_per_iteration"].tolist() == pytest.approx(
        [1, 2.5, 10, 43]
    )
    for _, rows in plot.data.groupby("label"):  # lines are drawn in this order
        assert rows["hidden"].is_monotonic_increasing
    saved = plot_of(speed(results(measured=bare())), "time-per-iteration")
    assert "roof" not in saved.title + saved.alt + saved.note
    assert set(saved.data["label"]) == set(plot.data["label"]) - {"roof of one core"}


def test_two_threads_are_not_measured_by_the_roof_of_one_core() -> None:
    fast = timings()
    fast.loc[fast["variant"] == "parallel", "speedup"] *= 100
    assert "roof" not in plot_of(speed(results(timings=fast)), "time-per-iteration").title


def test_the_heat_map_has_a_column_for_every_length() -> None:
    plot = plot_of(speed(results()), "speed-up")
    figure = Figure()
    plot.draw(figure)
    assert [label.get_text() for label in figure.axes[-1].get_xticklabels()] == ["1", "10", "100", "1000"]


def test_who_took_part_is_said() -> None:
    said = " ".join(item for item in speed(results()).content if isinstance(item, str))
    assert "In the longest trainings only `reference` and `simd` took turns" in said
    assert "H = 64 with T = 1000" in said
    cells = pd.MultiIndex.from_frame(timings()[["hidden", "iterations"]]).isin(ALL)
    said = " ".join(item for item in speed(results(timings=timings()[cells])).content if isinstance(item, str))
    assert "longest trainings only" not in said


# Other systems


def test_peers_are_ratios_of_their_own_session() -> None:
    section = made(peers(results()))
    assert section.headline == (
        "On one thread others take 1.5 to 3 times as long as `simd`; on two threads others take 0.8 to 0.8 times as "
        "long as `parallel`."
    )
    assert set(section.plots[0].data["system"]) == {"c", "jax", "mine"}
    assert not [name for name in section.plots[0].data if "second" in name]
    assert peers(results(peers=None)) is None
    assert peers(results(peers=OTHERS.query("system == 'reference'"))) is None


def save(root: Path, file: Path, text: str) -> Path:
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("")
    return tmp_path


HEAD = "system,threads,yardstick,hidden,ratio,low,high\n"


def test_saved_ratios_are_read(checkout: Path) -> None:
    rows = "jax,2,simd,4,7,7,7\njax,2,parallel,4,0.99,0.5,inf\nc,1,simd,4,1.5,1.4,1.6\nc,1,parallel,4,9,9,9\n"
    found = read_peers(save(checkout, PEERS, HEAD + rows))
    assert found is not None
    assert found.to_numpy().tolist() == [
        [4, "c", 1, "simd", 1.5, 1.4, 1.6],
        [4, "jax", 2, "parallel", 0.99, 0.5, np.inf],
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "c,1,simd,4,fast,1,2\n", r"performance\.csv: expected numbers as ratio, low and high"),
        (HEAD + "c,1,simd,4,1,,2\n", r"performance\.csv: expected numbers as ratio, low and high"),
        ("hidden,system\n4,c\n", "got 1 rows without threads, yardstick, ratio, low, high; make it again with"),
        (HEAD, "got 0 rows without any number"),
    ],
)
def test_what_is_wrong_with_saved_ratios_is_said(checkout: Path, text: str, message: str) -> None:
    with pytest.raises(UnreadableRunError, match=message):
        read_peers(save(checkout, PEERS, text))


def test_an_installed_package_has_no_saved_ratios(tmp_path: Path) -> None:
    assert read_peers(tmp_path) is None
    assert read_gate(tmp_path) is None
    assert read_peers(save(tmp_path, PEERS, "somebody else's\n")) is None


def test_what_this_checkout_holds_can_be_read() -> None:
    for read, file in ((read_peers, PEERS), (read_gate, GATE)):
        assert (read() is None) == (not (ROOT / file).is_file())


# Starts


def test_break_even_follows_from_start_and_saving() -> None:
    section = made(startup(results()))
    saving = (seconds("reference", 4, 1000) - seconds("simd", 4, 1000)) / 1000
    known = section.plots[0].data
    row = known.query("variant == 'simd' and hidden == 4 and after == 'after_compile'").iloc[0]
    assert row["iterations"] == pytest.approx((0.1 + 9.0) / saving)
    assert not ((known["variant"] == "fused") & (known["after"] == "after_compile")).any()
    assert "costs 0.3 s for loading from the cache or 9 s for compiling; at H = 4" in section.headline
    assert startup(results(measured=bare())) is None
    assert startup(results(measured=None, timings=pd.DataFrame())) is None


def test_a_variant_that_is_never_quicker_has_no_break_even() -> None:
    slow = timings()
    slow.loc[slow["variant"] != "reference", "seconds_per_iteration"] = 1.0
    section = made(startup(results(timings=slow)))
    assert section.plots == ()
    said = "Before its first iteration `simd` costs 0.3 s for loading from the cache or 9 s for compiling."
    assert section.headline == said


@pytest.mark.parametrize(("compiling", "known"), [(0.0, "cache_load_seconds"), (2.0, "compile_seconds")])
def test_one_process_shows_either_the_load_or_the_compilation(compiling: float, known: str) -> None:
    found = timing.start_of("simd", ProcessTimes(0.3, 0.1, 0.5, 0.2, compiling, False))
    other = {"cache_load_seconds", "compile_seconds"} - {known}
    assert getattr(found, known) == pytest.approx(0.3)
    assert np.isnan(getattr(found, other.pop()))


# The law


def test_the_law_that_was_put_in_is_shown() -> None:
    table = made(scaling(results())).tables[0].frame.set_index(["variant", "coefficient"])["value"]
    for name, (call, iteration, unit, feature, threads) in LAWS.items():
        label = name if threads == 1 else f"{name}, {threads} threads"
        expected = (1e6 * call, 1e6 * iteration, 1e9 * unit, 1e9 * feature, unit / feature - D)
        assert table[label].tolist() == pytest.approx(expected, rel=1e-4)


def test_the_winner_changes_where_the_laws_cross_or_not() -> None:
    section = made(scaling(results()))
    cross = (7e-4 - 2.4e-4 + 3000 * 6.5e-6) / (3000 * M * 7e-10)
    words = f"the law makes `simd` the quickest at H = 1, `parallel, 2 threads` from H = {np.ceil(cross):.0f} ("
    assert section.plots[0].title.startswith(f"At T = 3000, {words}")
    alone = timings().query("variant != 'parallel'")
    title = made(scaling(results(timings=alone, measured=bare()))).plots[0].title
    assert title == "At T = 3000, the law makes `simd` the quickest at every width from 1 to 64"


def test_without_a_second_number_of_features_the_law_says_so() -> None:
    section = made(scaling(results(measured=bare())))
    assert "All timings have D = 9, so that b and d0 cannot be told apart." in str(section.content[0])
    cells = section.tables[0].cells()
    assert ["simd", "d0", "–", "–", "–", "features"] in cells


def test_too_few_timings_make_no_law() -> None:
    assert scaling(results(timings=timings().query("hidden == 4"), measured=bare())) is None
    assert scaling(results(timings=pd.DataFrame(), measured=None)) is None


# The gate


def test_error_rates_are_shown_as_recorded() -> None:
    section = made(gate(results()))
    assert section.headline == (
        "False alarms: 1 of 120 (quiet), 2 of 120 (busy neighbour); 5 % slowdowns caught: 117 of 120 (quiet), 90 of "
        "120 (busy neighbour); 10 % slowdowns caught: 120 of 120 (quiet), 105 of 120 (busy neighbour)."
    )
    assert section.tables[0].cells()[2] == [
        "quiet", "5.0 %", "5.1 %", "117", "2", "120", "97.5 %", "92.5 %", "100.0 %"
    ]  # fmt: skip
    assert "only 7 of a condition share nothing" in section.content[0]
    assert gate(results(gate=None)) is None


def test_a_rate_just_below_zero_has_no_sign() -> None:
    table = made(gate(results(gate=RATES.assign(slowdown_actual=-1e-4)))).tables[0]
    assert {row[2] for row in table.cells()} == {"0.0 %"}


def test_a_table_of_rates_is_read_or_refused(checkout: Path) -> None:
    found = read_gate(save(checkout, GATE, RATES.assign(more=1).to_csv(index=False)))
    assert found is not None
    assert found["detected"].tolist() == RATES["detected"].tolist()
    with pytest.raises(
        UnreadableRunError, match=r"rates\.csv: .* without rate; make it again with python -m bench.gate_study"
    ):
        read_gate(save(checkout, GATE, RATES.drop(columns="rate").to_csv(index=False)))


# Timing


def grid_of(
    names: list[str], widths: list[int], iterations: list[int], fits: Callable[[int, int], bool]
) -> pd.DataFrame:
    cells = [(H, T) for H in widths for T in iterations]
    rows = timings()
    kept = rows[rows["variant"].isin(["reference", *names])].reset_index(drop=True)
    found = kept[[(H, T) in cells and fits(H, T) for H, T in zip(kept["hidden"], kept["iterations"], strict=True)]]
    found.attrs["left_out"] = sorted(set(cells) - set(zip(found["hidden"], found["iterations"], strict=True)))
    return found


def test_long_trainings_are_for_the_quickest_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def measure(names: Any, widths: Any, iterations: Any, budget: float, progress: Any) -> pd.DataFrame:
        progress(1.0, "done")
        calls.append((list(names), budget))
        return grid_of(names, list(widths), list(iterations), lambda H, T: len(names) == 1 or (H, T) in ALL)

    monkeypatch.setattr(timing, "measure_grid", measure)
    told: list[float] = []
    settings = Settings(widths=(4, 64), iterations=(10, 100, 1000), benchmark_seconds=10.0)
    found = timing._grid(["numpy", "fused", "simd"], settings, lambda fraction, _: told.append(fraction))
    assert [names for names, _ in calls] == [["numpy", "fused", "simd"], ["simd"]]
    assert sum(budget for _, budget in calls) == pytest.approx(10.0)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)
    cells = found.groupby(["hidden", "iterations"])["variant"].unique().map(sorted).to_dict()
    everybody = ["fused", "numpy", "reference", "simd"]
    alone = ["reference", "simd"]
    assert cells == {(4, 10): everybody, (4, 100): everybody, (4, 1000): alone, (64, 10): everybody, (64, 100): alone}
    assert found.attrs["left_out"] == [(64, 1000)]
    assert not found.duplicated(["variant", "hidden", "iterations"]).any()


def test_starts_are_timed_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = replace(full(Settings()), startups=("fused", "simd"))
    monkeypatch.setattr(timing, "measure_startup", lambda name: f"{name}, compiled and loaded")
    assert timing._startups(["reference", "simd"], whole) == ["simd, compiled and loaded"]
    monkeypatch.setattr(timing, "time_fresh_process", lambda *_: ProcessTimes(0.3, 0.1, 0.5, 0.2, 0.0, False))
    assert [each.variant for each in timing._startups(["fused", "simd"], Settings())] == ["fused", "simd"]
    assert timing._startups(["fused", "simd"], Settings(startups=())) == []
