"""Sections about speed: what they say follows from the numbers. The numbers are made up, so that it is known."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from fastsym.agreement import Certificate, certify
from fastsym.experiments.article import UnitPaths
from fastsym.report.content import Plot, Section
from fastsym.report.recorded import (
    FRAMEWORKS,
    GATE,
    GATE_COLUMNS,
    OTHER_SYSTEMS,
    ROOT,
    read_frameworks,
    read_gate,
    read_other_systems,
)
from fastsym.report.sections import cost_model, frameworks, gate, headline, other_systems, speed, startup, units
from fastsym.report.sections.agreement import Agreement
from fastsym.report.settings import Settings, full
from fastsym.report.speedups import alike, lengths, own_variants, quickest, shared, speedups, with_interval
from fastsym.report.study import Context, Study
from fastsym.timing.saved_runs import UnreadableRunError
from fastsym.timing.startup import ProcessTimes, Startup

D, M = 9, 889
MODELS = {  # call, iteration, unit at D, feature (seconds), threads
    "reference": (2e-4, 4.5e-5, 9e-9, 2e-10, 1),
    "numpy": (2e-4, 3.4e-5, 4.5e-9, 2e-10, 1),
    "fused": (1.3e-4, 4e-6, 2.2e-9, 1e-10, 1),
    "simd": (2.4e-4, 2.5e-6, 1.5e-9, 6e-11, 1),
    "parallel": (7e-4, 9e-6, 8e-10, 3e-11, 2),
}
ALL = [(H, T) for H in (1, 4, 16) for T in (1, 10, 100)] + [(64, 1), (64, 10)]
LONG = [(4, 1000), (64, 100)]


def seconds(name: str, hidden: int, iterations: int, features: int = D) -> float:
    call, iteration, unit, feature, _ = MODELS[name]
    return call + iterations * (iteration + M * hidden * (unit + feature * (features - D)))


def timings() -> pd.DataFrame:
    rows = []
    for hidden, iterations in ALL + LONG:
        for name in MODELS if (hidden, iterations) in ALL else ("reference", "simd"):
            time = seconds(name, hidden, iterations)
            speedup = seconds("reference", hidden, iterations) / time
            rows.append(
                {"variant": name, "hidden": hidden, "iterations": iterations, "dtype": "float64"}
                | {"threads": MODELS[name][4], "seconds": time, "seconds_per_iteration": time / iterations, "rounds": 8}
                | {"machine": "m", "speedup": speedup, "speedup_low": 0.9 * speedup, "speedup_high": 1.1 * speedup}
                | {"ratios": (speedup,) * 8}
            )
    return pd.DataFrame(rows)


def more() -> pd.DataFrame:
    cells = [
        (name, hidden, 30, MODELS[name][4], 27, seconds(name, hidden, 30, 27)) for name in MODELS for hidden in (4, 16)
    ]
    cells += [(name, 64, 200, MODELS[name][4], D, seconds(name, 64, 200)) for name in ("fused", "simd")]
    return pd.DataFrame(cells, columns=["variant", "hidden", "iterations", "threads", "features", "seconds"])


NAN = float("nan")
STARTUPS = (
    Startup("fused", NAN, 0.4, 0.5, 1e-4, 0.3, 0.1),
    Startup("simd", 9.0, 0.3, 0.4, 1e-4, 0.3, 0.1),
)
RATES = pd.DataFrame(
    [
        (
            "suite",
            condition,
            slowdown,
            1.02 * slowdown,
            120,
            found,
            3,
            2,
            found / 120,
            max(0.0, found / 120 - 0.05),
            1.0,
        )
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


@cache
def real_certificate() -> Certificate:
    return certify("reference")


def certificate(variant: str, passed: bool = True, worst: float = 0.7) -> Certificate:
    errors = replace(real_certificate().own, median=3e-4, worst=worst)
    return replace(real_certificate(), variant=variant, passed=passed, own=errors)


def agreement(*certificates: Certificate, **killed: tuple[int, int]) -> Agreement:
    found = certificates or tuple(certificate(name) for name in MODELS)
    return Agreement(found, killed or {"float64": (54, 54)}, (), {})


def measured(**changes: Any) -> speed.Timings:
    bounds = pd.DataFrame({"hidden": [1, 4, 16, 64], "seconds_per_iteration": [1e-6, 2.5e-6, 1e-5, 4.3e-5]})
    known = {"timings": timings(), "left_out": ((64, 1000),), "bounds": bounds}
    return speed.Timings(**known | changes)


@cache
def fitted() -> cost_model.Fitted:
    return cost_model.fit_all(timings(), more(), D, M)


def shown(study: Study[Any], **results: Any) -> Section | None:
    """Render a study's section where these results are known, in place of such as most tests need."""
    context = Context(Settings())
    context.results = {
        "speed": measured(),
        "breaking": (path_of("zeros", 0), path_of("constant", 0), path_of("normal", 1)),
        "agreement": agreement(),
        "other-systems": OTHERS,
        "startup": STARTUPS,
        "cost-model": fitted(),
        "gate": RATES,
    }
    context.results |= {name.replace("_", "-"): value for name, value in results.items()}
    return study.render(context.result(study), context)


def section_of(study: Study[Any], **results: Any) -> Section:
    section = shown(study, **results)
    assert section is not None
    return section


def plot_of(section: Section, slug: str) -> Plot:
    return next(plot for plot in section.plots if plot.slug == slug)


# The pictures of the engineering, and of the units


def test_two_pictures_say_it_all() -> None:
    section = section_of(headline.STUDY)
    speed_up, belief = section.plots
    assert "from 6.2 (5.58 to 6.81) to 7.72 (6.95 to 8.49) times" in speed_up.alt
    assert speed_up.data["hidden"].tolist() == [4, 16, 64]
    assert speed_up.data["iterations"].tolist() == [100, 100, 100]
    assert section.headline == (
        "At H = 4 and T = 100, `simd` trains 7.72 (6.95 to 8.49) times as fast as the article's code; 5 of 5 "
        "certificates pass, and 54 of 54 known wrong programs are rejected."
    )
    for plot in section.plots:
        assert not plot.title.endswith(section.headline[-40:])
    assert belief.data["passed"].all()


def test_the_pictures_follow_the_results() -> None:
    certificates = certificate("reference"), certificate("simd", False, NAN), certificate("simd")
    found = agreement(*certificates, float64=(50, 54), float32=(54, 54))
    section = section_of(headline.STUDY, agreement=found)
    belief = section.plots[-1]
    assert section.headline.endswith("2 of 3 certificates pass, and 104 of 108 known wrong programs are rejected.")
    assert belief.data["passed"].tolist() == [True, False]
    figure = Figure()
    belief.draw(figure)
    assert [len(marks.get_offsets()) for marks in figure.axes[1].collections] == [104, 4]


def test_without_timings_there_is_one_picture() -> None:
    baselines = timings().query("variant in ('reference', 'numpy')")
    section = section_of(headline.STUDY, speed=measured(timings=baselines))
    assert [plot.slug for plot in section.plots] == ["headline-belief"]


def test_the_units_are_drawn_on_one_scale_and_equal_ones_so_that_each_is_seen() -> None:
    paths = path_of("zeros", 0), path_of("constant", 2), path_of("normal", 0)
    section = section_of(units.STUDY, breaking=paths)
    assert (
        "identical if they start from zero weights and random weights N(0, 1) × 0.01, and different if they start from "
        "constant"
    ) in section.headline
    for plot in section.plots:
        figure = Figure()
        plot.draw(figure)
        assert len({axes.get_ylim() for axes in figure.axes}) == 1
        for axes, path in zip(figure.axes, paths, strict=True):
            lines = [line for line in axes.get_lines() if line.get_linestyle() != "None" and len(line.get_xdata()) == 4]
            assert len(lines) == 4
            widths = [line.get_linewidth() for line in lines]
            if path.separation == 0:
                assert all(later <= before - 2 for before, later in pairwise(widths))


# Speed


def test_speedups_over_numpy_are_ratios_of_the_same_case() -> None:
    rows = [("reference", 4, 1.0), ("numpy", 4, 2.0), ("numpy", 8, 4.0), ("fused", 4, 6.0), ("fused", 16, 5.0)]
    frame = pd.DataFrame(rows, columns=["variant", "hidden", "speedup"]).assign(
        iterations=10, dtype="float64", threads=1
    )
    frame.loc[len(frame)] = ["parallel", 8, 12.0, 10, "float64", 2]
    found = speedups(frame)
    np.testing.assert_array_equal(found["over_numpy"], [0.5, 1.0, 1.0, 3.0, NAN, 3.0])
    assert found["label"].tolist()[3:] == ["fused", "fused", "parallel, 2 threads"]


def test_variants_are_compared_in_trainings_of_one_length() -> None:
    frame = speedups(timings())
    together = shared(frame)
    assert together.groupby("hidden")["iterations"].unique().map(list).tolist() == [[100], [100], [100], [10]]
    assert set(together["label"]) == {"reference", "numpy", "fused", "simd", "parallel, 2 threads"}


def test_figures_compare_trainings_of_one_length_and_say_what_they_leave_out() -> None:
    frame = speedups(timings())
    rows = alike(frame)
    assert (set(rows["iterations"]), set(rows["hidden"])) == ({100}, {1, 4, 16})
    assert rows["label"].nunique() * 3 == len(rows)
    assert "T = 100" in lengths(rows, frame)
    assert "not at H = 64" in lengths(rows, frame)
    simd = frame[frame["label"] == "simd"]
    assert sorted(alike(simd)["hidden"]) == [1, 4, 16, 64]
    assert "not at" not in lengths(alike(simd), simd)
    apart = simd[pd.MultiIndex.from_frame(simd[["hidden", "iterations"]]).isin([(1, 1), (4, 10), (16, 100)])]
    assert alike(apart)[["hidden", "iterations"]].to_numpy().tolist() == [[16, 100]]
    for slug in ("speed-up-by-width", "time-per-iteration"):
        data = plot_of(section_of(speed.STUDY), slug).data
        assert set(data["iterations"].dropna()) == {100}
        assert set(data["hidden"]) == {1, 4, 16}


@pytest.mark.parametrize(
    ("rounds", "low", "high", "words"),
    [
        (8, 8.0, 10.5, "9 (8 to 10.5)"),
        (6, 8.0, 10.5, "9 (8 to 10.5)"),
        (5, 8.0, 10.5, "9 (8 to 10.5, 93.75 %)"),
        (1, 9.0, 9.0, "9 (interval unknown)"),
        (8, NAN, NAN, "9 (interval unknown)"),
    ],
)
def test_a_quoted_ratio_has_its_interval(rounds: int, low: float, high: float, words: str) -> None:
    assert with_interval(pd.Series({"over_reference": 9.0, "low": low, "high": high, "rounds": rounds})) == words


def test_the_quickest_is_not_the_one_that_alone_trained_long() -> None:
    frame = own_variants(speedups(timings()))
    frame.loc[frame["label"] == "fused", "over_reference"] *= 2
    frame.loc[pd.MultiIndex.from_frame(frame[["hidden", "iterations"]]).isin(LONG), "over_reference"] *= 100
    assert quickest(frame) == "fused"


def test_the_roofline_is_drawn_where_it_was_measured() -> None:
    plot = plot_of(section_of(speed.STUDY), "time-per-iteration")
    simd = seconds("simd", 16, 100) / 100
    assert f"at H = 16, T = 100, where it runs at {100 * 1e-5 / simd:.0f} % of the roofline. " in plot.note
    bound = plot.data.query("label == 'roofline of one core'")
    assert bound["microseconds_per_iteration"].tolist() == pytest.approx([1, 2.5, 10])
    for _, rows in plot.data.groupby("label"):  # lines are drawn in this order
        assert rows["hidden"].is_monotonic_increasing
    saved = plot_of(section_of(speed.STUDY, speed=measured(bounds=pd.DataFrame())), "time-per-iteration")
    assert "roofline" not in saved.title + saved.alt + saved.note
    assert set(saved.data["label"]) == set(plot.data["label"]) - {"roofline of one core"}


def test_two_threads_are_not_measured_by_the_roofline_of_one_core() -> None:
    fast = timings()
    fast.loc[fast["variant"] == "parallel", "speedup"] *= 100
    plot = plot_of(section_of(speed.STUDY, speed=measured(timings=fast)), "time-per-iteration")
    assert "roofline" not in plot.title


def test_the_heat_map_has_a_column_for_every_length() -> None:
    plot = plot_of(section_of(speed.STUDY), "speed-up")
    figure = Figure()
    plot.draw(figure)
    assert [label.get_text() for label in figure.axes[-1].get_xticklabels()] == ["1", "10", "100", "1000"]


def test_the_middle_of_the_heat_maps_colours_is_as_fast() -> None:
    slow = timings()
    slow.loc[(slow["variant"] == "simd") & (slow["iterations"] == 1), "speedup"] = 0.3
    figure = Figure()
    plot_of(section_of(speed.STUDY, speed=measured(timings=slow)), "speed-up").draw(figure)
    for axes in figure.axes:
        (mesh,) = axes.collections
        assert mesh.norm(1.0) == pytest.approx(0.5)
        white, slower, faster = mesh.to_rgba(1.0), mesh.to_rgba(0.3), mesh.to_rgba(3.0)
        assert min(white[:3]) > 0.9
        assert slower[0] > slower[2]
        assert faster[2] > faster[0]


def test_what_took_part_is_said() -> None:
    text = " ".join(map(str, section_of(speed.STUDY).content))
    assert "In the longest trainings only `reference` and `simd` took turns" in text
    assert "H = 64 with T = 1000" in text
    everywhere = pd.MultiIndex.from_frame(timings()[["hidden", "iterations"]]).isin(ALL)
    text = " ".join(map(str, section_of(speed.STUDY, speed=measured(timings=timings()[everywhere])).content))
    assert "longest trainings only" not in text


def grid_of(
    names: list[str], widths: list[int], iterations: list[int], fits: Callable[[int, int], bool]
) -> pd.DataFrame:
    cases = [(H, T) for H in widths for T in iterations]
    rows = timings()
    kept = rows[rows["variant"].isin(["reference", *names])].reset_index(drop=True)
    found = kept[[(H, T) in cases and fits(H, T) for H, T in zip(kept["hidden"], kept["iterations"], strict=True)]]
    found.attrs["left_out"] = sorted(set(cases) - set(zip(found["hidden"], found["iterations"], strict=True)))
    return found


def test_fast_is_a_line_of_its_own_and_never_the_quickest(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def measure(names: Any, *_: Any, **__: Any) -> pd.DataFrame:
        asked.append(list(names))
        return grid_of(names, [4], [10], lambda *_: True)

    monkeypatch.setattr(speed, "measure_grid", measure)
    for names, more in ((["simd"], []), (["simd", "parallel"], ["fast"])):
        context = Context(Settings(widths=(4,), iterations=(10,)))
        context.results["agreement"] = agreement(*map(certificate, names))
        context.result(speed.STUDY)
        assert asked[-1] == names + more
    found = timings()
    chosen = found[found["variant"] == "parallel"].assign(variant="fast")
    chosen["speedup"] *= 2
    chosen.loc[chosen["hidden"] == 1, "threads"] = 1
    both = pd.concat([found, chosen], ignore_index=True)
    section = section_of(speed.STUDY, speed=measured(timings=both))
    for slug in ("speed-up-by-width", "time-per-iteration"):
        data = plot_of(section, slug).data
        assert (data["label"] == "fast").sum() == data["hidden"].nunique()
    assert "fast" not in set(own_variants(speedups(both))["label"])
    assert "fast" not in cost_model.fit_all(both, pd.DataFrame(), D, M).models


def test_long_trainings_are_for_the_quickest_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def measure(names: Any, widths: Any, iterations: Any, budget: float, progress: Any) -> pd.DataFrame:
        progress(0.0, "begin")
        progress(1.0, "done")
        calls.append((list(names), budget))
        return grid_of(names, list(widths), list(iterations), lambda H, T: len(names) == 1 or (H, T) in ALL)

    monkeypatch.setattr(speed, "measure_grid", measure)
    context = Context(Settings(widths=(4, 64), iterations=(10, 100, 1000), benchmark_seconds=10.0))
    context.results["agreement"] = agreement(*(certificate(name) for name in ("numpy", "fused", "simd")))
    context.expected_seconds = speed.STUDY.seconds
    told: list[float] = []
    context.show = lambda fraction, _: told.append(fraction)
    found = context.result(speed.STUDY)
    assert [names for names, _ in calls] == [["numpy", "fused", "simd"], ["simd"]]
    assert sum(budget for _, budget in calls) == pytest.approx(10.0)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)
    case_names = found.timings.groupby(["hidden", "iterations"])["variant"].unique().map(sorted).to_dict()
    everybody = ["fused", "numpy", "reference", "simd"]
    alone = ["reference", "simd"]
    assert case_names == {
        **dict.fromkeys([(4, 10), (4, 100), (64, 10)], everybody),
        **dict.fromkeys([(4, 1000), (64, 100)], alone),
    }
    assert found.left_out == ((64, 1000),)
    assert not found.timings.duplicated(["variant", "hidden", "iterations"]).any()


# What was recorded


def test_other_systems_are_ratios_of_their_own_session() -> None:
    section = section_of(other_systems.STUDY)
    assert section.headline == (
        "On one thread other systems take 1.5 to 3 times as long as `simd`; on two threads other systems take 0.8 "
        "times as long as `parallel`."
    )
    assert (
        "on one thread 1.5 (1.35 to 1.8) to 3 (2.7 to 3.6) times as long as fastsym: longer in 4 of 4 cases, less in "
        "0, undecided in 0; on two threads 0.8 (0.72 to 0.96) to 0.8 (0.72 to 0.96) times as long as fastsym: longer "
        "in 0 of 2 cases, less in 2, undecided in 0."
    ) in str(section.content[0])
    assert set(section.plots[0].data["system"]) == {"c", "jax", "mine"}
    assert not [name for name in section.plots[0].data if "second" in name]
    open_question = section_of(other_systems.STUDY, other_systems=OTHERS.query("system == 'mine'").assign(high=1.33))
    assert "longer in 0 of 2 cases, less in 0, undecided in 2 (mine at H = 1, 4)." in str(open_question.content[0])
    for nothing in (None, OTHERS.query("system == 'reference'")):
        assert shown(other_systems.STUDY, other_systems=nothing) is None


def trainings(framework: str, classes: Sequence[str], threads: int = 1) -> pd.DataFrame:
    first = [1.0 if len(set(text)) > 1 else np.nan for text in classes]
    fixed = {"framework": framework, "version": f"{framework} 1", "threads": threads, "setting": np.nan}
    fixed |= {"program": "by hand, gradient descent", "dtype": "float64", "processor": "x", "final_cost": 0.4}
    return pd.DataFrame({"hidden": [2, 3], "classes": classes, "first_split": first}).assign(**fixed)


def test_libraries_that_keep_units_equal_are_told_from_those_that_do_not() -> None:
    own, torch, jax = (
        trainings(*each) for each in (("fastsym", ["AA"] * 2), ("PyTorch", ["AA", "ABC"]), ("JAX", ["AA"] * 2))
    )
    section = section_of(frameworks.STUDY, frameworks=pd.concat([own, torch, jax, trainings("JAX", ["AA", "AA"], 2)]))
    assert section.headline.startswith("Units that start equal separate in PyTorch, and stay equal in JAX;")
    table = section.plots[0].data
    assert table["count"].tolist() == [1, 1, 1, 3, 1, 1]  # and no second row for the threads of JAX
    others = [torch, trainings("PyTorch", ["AB", "ABC"], 2)]
    assert section_of(frameworks.STUDY, frameworks=pd.concat(others)).plots[0].data["count"].tolist() == [1, 3, 2, 3]
    assert shown(frameworks.STUDY, frameworks=None) is None


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
    found = read_other_systems(save(checkout, OTHER_SYSTEMS, HEAD + rows))
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
        read_other_systems(save(checkout, OTHER_SYSTEMS, text))


def test_an_installed_package_has_nothing_recorded(tmp_path: Path) -> None:
    assert read_other_systems(tmp_path) is None
    assert read_gate(tmp_path) is None
    assert read_frameworks(tmp_path) is None
    assert read_other_systems(save(tmp_path, OTHER_SYSTEMS, "somebody else's\n")) is None


def test_what_this_checkout_holds_can_be_read() -> None:
    for read, file in ((read_other_systems, OTHER_SYSTEMS), (read_gate, GATE), (read_frameworks, FRAMEWORKS)):
        assert (read() is None) == (not (ROOT / file).is_file())


# Starts


def test_break_even_follows_from_start_and_saving() -> None:
    section = section_of(startup.STUDY)
    saving = (seconds("reference", 4, 1000) - seconds("simd", 4, 1000)) / 1000
    known = section.plots[0].data
    row = known.query("variant == 'simd' and hidden == 4 and after == 'after_compile'").iloc[0]
    assert row["iterations"] == pytest.approx((0.3 + 0.1 + 9.0) / saving)
    assert not ((known["variant"] == "fused") & (known["after"] == "after_compile")).any()
    assert (
        "needs 0.3 s for loading from the cache or 9 s for compiling, and 0.4 s for imports; at H" in section.headline
    )
    assert shown(startup.STUDY, startup=()) is None


def test_a_variant_that_is_never_quicker_has_no_break_even() -> None:
    slow = timings()
    slow.loc[slow["variant"] != "reference", "seconds_per_iteration"] = 1.0
    section = section_of(startup.STUDY, speed=measured(timings=slow))
    assert section.plots == ()
    assert "overtakes `reference` never (loading from the cache) and never (compiling)" in section.headline
    assert section.headline.endswith("iterations are slower after loading from the cache and after compiling.")


@pytest.mark.parametrize(
    ("load", "verdict"),
    [
        (0.01, "faster after loading from the cache and slower after compiling"),
        (0.3, "slower after loading from the cache and after compiling"),
    ],
)
def test_a_fresh_process_wins_or_loses_the_articles_own_training(load: float, verdict: str) -> None:
    start = replace(STARTUPS[1], cache_load_seconds=load, import_numba_seconds=0.04, import_fastsym_seconds=0.01)
    section = section_of(startup.STUDY, startup=(start,))
    assert section.headline.endswith(f"so the article's 3000 iterations are {verdict}.")


@pytest.mark.parametrize(("compiling", "known"), [(0.0, "cache_load_seconds"), (2.0, "compile_seconds")])
def test_one_process_shows_either_the_load_or_the_compilation(compiling: float, known: str) -> None:
    found = startup.start_of("simd", ProcessTimes(0.3, 0.1, 0.5, 0.2, compiling, False))
    other = {"cache_load_seconds", "compile_seconds"} - {known}
    assert getattr(found, known) == pytest.approx(0.3)
    assert np.isnan(getattr(found, other.pop()))


def test_starts_are_timed_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(settings: Settings, *names: str) -> tuple[Any, ...]:
        context = Context(settings)
        context.results["agreement"] = agreement(*map(certificate, names))
        return context.result(startup.STUDY)

    monkeypatch.setattr(startup, "measure_startup", lambda name: f"{name}, compiled and loaded")
    monkeypatch.setattr(startup, "time_fresh_process", lambda *_: ProcessTimes(0.3, 0.1, 0.5, 0.2, 0.0, False))
    assert started(full(Settings()), "reference", "simd") == ("simd, compiled and loaded",)
    assert [each.variant for each in started(Settings(), "fused", "simd")] == ["fused", "simd"]
    assert started(Settings(startups=()), "fused", "simd") == ()


# The cost model


def test_the_model_that_was_put_in_is_shown() -> None:
    table = section_of(cost_model.STUDY).tables[0].frame.set_index(["variant", "coefficient"])["value"]
    for name, (call, iteration, unit, feature, threads) in MODELS.items():
        label = name if threads == 1 else f"{name}, {threads} threads"
        expected = (1e6 * call, 1e6 * iteration, 1e9 * unit, 1e9 * feature, unit / feature - D)
        assert table[label].tolist() == pytest.approx(expected, rel=1e-4)


def test_the_winner_changes_where_the_models_cross_or_not() -> None:
    cross = (7e-4 - 2.4e-4 + 3000 * 6.5e-6) / (3000 * M * 7e-10)
    section = section_of(cost_model.STUDY)
    assert section.headline == (
        "At T = 3000 (extrapolated from T = 10 to 100), the fastest variant by the cost model is `simd` at H = 1, 4 "
        "and `parallel, 2 threads` at H = 16, 64."
    )
    assert f"to `parallel, 2 threads` at H = {np.ceil(cross):.0f} (" in plot_of(section, "cost-model-winner").note
    alone = cost_model.fit_all(timings().query("variant != 'parallel'"), pd.DataFrame(), D, M)
    headline = section_of(cost_model.STUDY, cost_model=alone).headline
    assert headline.endswith("the fastest variant by the cost model is `simd` at H = 1, 4, 16, 64.")


def test_where_intervals_overlap_the_quickest_is_undecided() -> None:
    twin = timings()
    twin.loc[twin["variant"] == "fused", "seconds"] = twin.loc[twin["variant"] == "simd", "seconds"].to_numpy()[
        : (twin["variant"] == "fused").sum()
    ]
    twin["seconds"] *= np.exp(0.05 * np.random.default_rng(0).standard_normal(len(twin)))
    both = cost_model.fit_all(twin.query("variant in ('reference', 'fused', 'simd')"), pd.DataFrame(), D, M)
    headline = section_of(cost_model.STUDY, cost_model=both).headline
    assert headline.endswith("the fastest variant is undecided at H = 1, 4, 16, 64.")
    assert "by the cost model" not in headline


def test_without_a_second_number_of_features_the_model_says_so() -> None:
    section = section_of(cost_model.STUDY, cost_model=cost_model.fit_all(timings(), pd.DataFrame(), D, M))
    assert "All timings have D = 9, so that b and d0 cannot be told apart." in str(section.content[0])
    assert ["simd", "d0", "–", "–", "–", "features"] in section.tables[0].cells()


def test_too_few_timings_make_no_model() -> None:
    few = cost_model.fit_all(timings().query("hidden == 4"), pd.DataFrame(), D, M)
    assert few.models == {}
    assert shown(cost_model.STUDY, cost_model=few) is None


# The gate


def test_error_rates_are_shown_as_recorded() -> None:
    section = section_of(gate.STUDY)
    assert section.headline == (
        "The gate raises a false alarm in at most 1.7 % of replayed runs, and it reports a slowdown of one test by 5 % "
        "in at least 75.0 % and by 10 % in at least 87.5 % of them."
    )
    assert section.tables[0].cells()[2] == [
        *("50 tests", "quiet", "5.0 %", "5.1 %", "117", "3", "2", "120", "97.5 %", "92.5 %", "100.0 %")
    ]
    assert shown(gate.STUDY, gate=None) is None
    only_equal = section_of(gate.STUDY, gate=RATES.query("slowdown_nominal == 0"))
    assert only_equal.headline == "The gate raises a false alarm in at most 1.7 % of replayed runs."
    silent = section_of(gate.STUDY, gate=RATES.query("slowdown_nominal == 0").assign(rate=0.0))
    assert silent.headline == "The gate raises a false alarm in none of the replayed runs."


def test_a_rate_just_below_zero_has_no_sign() -> None:
    table = section_of(gate.STUDY, gate=RATES.assign(slowdown_actual=-1e-4)).tables[0]
    assert {row[3] for row in table.cells()} == {"0.0 %"}


def test_a_table_of_rates_is_read_or_refused(checkout: Path) -> None:
    found = read_gate(save(checkout, GATE, RATES.assign(more=1).to_csv(index=False)))
    assert found is not None
    assert found["detected"].tolist() == RATES["detected"].tolist()
    with pytest.raises(
        UnreadableRunError, match=r"rates\.csv: .* without rate; make it again with python -m bench.gate_study"
    ):
        read_gate(save(checkout, GATE, RATES.drop(columns="rate").to_csv(index=False)))
