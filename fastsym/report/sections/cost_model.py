"""What a call, an iteration and a hidden unit cost, fitted to the times, and which variant is the quickest where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from fastsym.experiments.article import CURVE_ITERATIONS
from fastsym.model.datasets import Dataset
from fastsym.model.initialise import initialise
from fastsym.report.charts import log_y, ranges, width_axis
from fastsym.report.content import Format, Plot, Section, Table, rounded
from fastsym.report.sections import agreement, speed
from fastsym.report.speedups import DTYPE, FAST, own_variants, speedups
from fastsym.report.study import Context, Study
from fastsym.report.style import GRID, INK, variant_style
from fastsym.timing.cost_model import MIN_TIMINGS, CostModel, Crossover, contenders, fit, winners
from fastsym.timing.interleave import interleave
from fastsym.training.train import train

LEARNING_RATE = 0.01
COPIES = 3
"""How many times the table's features are stacked, to see what a feature costs."""
STACKED_CASES = ((4, 30), (16, 30))
LONG_CASES = ((4, 1000), (64, 200), (1024, 20))
"""Without the slow variants, so that what threads are worth shows: starting them takes as long as many iterations."""
QUICK = 2.0
"""Times as fast as the reference that a variant must be to be timed in them."""
ROUNDS = 6


@dataclass(frozen=True)
class Fitted:
    """Cost models and what they were fitted to."""

    models: Mapping[str, CostModel]
    """By variant and, if several, threads; none where there are too few timings."""
    timings: pd.DataFrame
    """Columns label, variant, hidden, iterations, features, seconds, and model_seconds as predicted."""


def run(context: Context) -> Fitted:
    """Time more features and longer trainings than the benchmark did, and fit a model to each variant's times."""
    timings = context.result(speed.STUDY).timings
    certified = context.result(agreement.STUDY).timeable
    more = pd.DataFrame()
    if context.saved is None and certified:
        context.tell(0.0, "timing another number of features, and longer trainings")
        more = _more(certified, _quick(timings), context.data)
    context.tell(0.5, "fitting")
    return fit_all(timings, more, *context.data.X.shape)


def fit_all(timings: pd.DataFrame, more: pd.DataFrame, D: int, M: int) -> Fitted:
    """Fit a model to the times of each variant.

    Parameters
    ----------
    timings
        The benchmark's.
    more
        Others, with columns variant, hidden, iterations, threads, features, seconds; may be empty.
    D, M
        Features and samples of the benchmark's table.
    """
    frame = speedups(timings)
    kept = (frame["dtype"] == DTYPE) & (frame["kind"] == "variant") & (frame["variant"] != FAST)
    frame = frame[kept].assign(features=D)
    if not more.empty:
        labels = frame.drop_duplicates("variant").set_index("variant")["label"]
        frame = pd.concat([frame, more.assign(label=more["variant"].map(labels))], ignore_index=True)
    models, parts = {}, []
    for label, rows in frame.groupby("label", sort=False):
        if len(rows) >= MIN_TIMINGS and rows["hidden"].nunique() > 1 and rows["iterations"].nunique() > 1:
            models[str(label)] = model = fit(rows, rows["features"].to_numpy(), M)
            predicted = model.predict(rows["hidden"], rows["iterations"], rows["features"])
            parts.append(rows.assign(model_seconds=predicted))
    columns = ["label", "variant", "hidden", "iterations", "features", "seconds", "model_seconds"]
    return Fitted(models, pd.concat(parts).sort_index()[columns] if parts else pd.DataFrame(columns=columns))


def _quick(timings: pd.DataFrame) -> list[str]:
    """Names of our own variants that are much faster than the reference somewhere."""
    candidates = own_variants(speedups(timings))
    best = candidates.groupby("variant", sort=False)["over_reference"].max()
    return [str(name) for name in best.index[best > QUICK]]


def _more(names: Sequence[str], quick: Sequence[str], data: Dataset) -> pd.DataFrame:
    """Time trainings on the table's features several times over, and longer ones of the quick variants."""
    rows = []
    jobs_of = [(COPIES, names, case) for case in STACKED_CASES] + [(1, quick, case) for case in LONG_CASES if quick]
    for copies, who, (hidden, iterations) in jobs_of:
        X = np.tile(data.X, (copies, 1))
        params = initialise("normal", len(X), hidden)
        jobs = {name: partial(train, X, data.y, params, iterations, LEARNING_RATE, name) for name in who}
        threads = {name: job().threads for name, job in jobs.items()}
        several = [name for name in who if threads[name] > 1]
        seconds = interleave(jobs, ROUNDS, resting=several).seconds
        rows += [(name, hidden, iterations, threads[name], len(X), float(np.median(seconds[name]))) for name in who]
    return pd.DataFrame(rows, columns=["variant", "hidden", "iterations", "threads", "features", "seconds"])


def render(fitted: Fitted, context: Context) -> Section | None:
    """Show the models, and which makes its variant the quickest; None if there are too few timings."""
    models, timings = fitted.models, fitted.timings
    if not models:
        return None
    widths = sorted(timings["hidden"].unique())
    _, changes = winners(models, CURVE_ITERATIONS, (widths[0], widths[-1]))
    finding = _finding(contenders(models, CURVE_ITERATIONS, widths), timings)
    return Section(
        "cost-model",
        "The cost model",
        f"{finding}.",
        (
            "The model says that a training takes the time t = call + T (a + b M H (D + d0)). Each training has one "
            "call and T iterations. Each iteration takes a constant time a, and processes M samples in H hidden units. "
            "For each sample and unit, each of the D features takes the time b, and tanh and the rest take as long as "
            "d0 more features would. The model is fitted for each variant to all timings of this report, by relative "
            "errors and without negative coefficients. The intervals come from a bootstrap of the residuals by whole "
            f"widths, so they include the misfit of the model. {_features(timings, len(context.data.X))}",
            _winner_plot(models, timings, changes),
            _fit_plot(models, timings),
            _table(models),
        ),
    )


def _features(timings: pd.DataFrame, D: int) -> str:
    counts = set(timings["features"]) - {D}
    if not counts:
        return f"All timings have D = {D}, so that b and d0 cannot be told apart."
    more = ", ".join(str(count) for count in sorted(counts))
    return f"Most timings have D = {D}. In the others the features are repeated, so that D = {more}."


def _finding(contenders: Mapping[int, tuple[str, ...]], timings: pd.DataFrame) -> str:
    """Say which variant is the quickest where, and where the intervals leave it undecided."""
    decided: dict[str, list[int]] = {}
    undecided = []
    for width, (best, *rivals) in contenders.items():
        if rivals:
            undecided.append(width)
        else:
            decided.setdefault(best, []).append(width)
    parts = []
    if decided:
        steps = " and ".join(f"`{label}` at {_widths(widths)}" for label, widths in decided.items())
        parts.append(f"the fastest variant by the cost model is {steps}")
    if undecided:
        parts.append(f"the fastest variant is undecided at {_widths(undecided)}")
    return f"At T = {CURVE_ITERATIONS}{_extrapolated(timings)}, {'; '.join(parts)}"


def _widths(widths: list[int]) -> str:
    return f"H = {', '.join(map(str, widths))}"


def _extrapolated(timings: pd.DataFrame) -> str:
    """Say from which lengths the model extrapolates; nothing where all variants were timed as long."""
    longest = timings.groupby(["hidden", "label"])["iterations"].max().groupby("hidden").min()
    if longest.min() >= CURVE_ITERATIONS:
        return ""
    least, most = longest.min(), longest.max()
    return f" (extrapolated from T = {most})" if least == most else f" (extrapolated from T = {least} to {most})"


def _crossings(changes: tuple[Crossover, ...]) -> str:
    return ", ".join(
        f"to `{change.after}` at H = {change.hidden} (95 % interval {_end(change.low)} to {_end(change.high)}"
        + (")" if np.isfinite(change.high) else ", so perhaps not at all)")
        for change in changes
    )


def _end(hidden: float) -> str:
    return "never" if np.isinf(hidden) else f"{max(1, np.ceil(hidden)):.0f}"


def _winner_plot(models: Mapping[str, CostModel], timings: pd.DataFrame, changes: tuple[Crossover, ...]) -> Plot:
    hidden = np.unique(np.geomspace(timings["hidden"].min(), timings["hidden"].max(), 40).round()).astype(int)
    parts = []
    for label, model in models.items():
        low, high = model.interval(hidden, CURVE_ITERATIONS)
        seconds = model.predict(hidden, CURVE_ITERATIONS)
        parts.append(pd.DataFrame({"label": label, "hidden": hidden, "seconds": seconds, "low": low, "high": high}))
    frame = pd.concat(parts, ignore_index=True)
    variants = dict(zip(timings["label"], timings["variant"], strict=True))
    common = timings.groupby("label")["iterations"].max().min()
    return Plot(
        slug="cost-model-winner",
        title=f"Predicted time of {CURVE_ITERATIONS} iterations",
        alt=f"Predicted time of a training of {CURVE_ITERATIONS} iterations against hidden width, both axes "
        "logarithmic, one line with a band a variant. " + ranges(frame, "seconds", " s"),
        data=frame,
        draw=lambda figure: _draw_winner(figure, frame, variants, changes, timings["hidden"]),
        note="Bands: 95 % intervals. Where the band of another variant overlaps the band of the fastest one, the "
        "fastest variant is undecided. "
        + (
            f"Dotted line: the predicted fastest variant changes {_crossings(changes)}. The interval is shaded if it "
            "is narrower than the figure. "
            if changes
            else ""
        )
        + f"The longest trainings that were timed with all variants have T = {common}, and fewer iterations for wide "
        "networks; for longer trainings the model extrapolates.",
    )


def _draw_winner(
    figure: Figure,
    frame: pd.DataFrame,
    variants: Mapping[str, str],
    changes: tuple[Crossover, ...],
    measured: pd.Series,
) -> None:
    axes: Axes = figure.subplots()
    for label, rows in frame.groupby("label", sort=False):
        style = variant_style(variants[str(label)]) | {"marker": ""}
        axes.fill_between(rows["hidden"], rows["low"], rows["high"], color=style["color"], alpha=0.2, linewidth=0)
        axes.plot(rows["hidden"], rows["seconds"], label=str(label), **style)
    width_axis(axes, measured)
    least, most = frame["hidden"].min(), frame["hidden"].max()
    for change in changes:
        if change.low > least or change.high < most:  # an interval of everything would only shade the figure
            axes.axvspan(max(change.low, least), min(change.high, most), color=GRID, alpha=0.6, linewidth=0)
        axes.axvline(change.hidden, color=INK, linewidth=1, linestyle=":")
    log_y(axes)
    axes.set_ylabel(f"time of {CURVE_ITERATIONS} iterations (s)")
    figure.legend(loc="outside lower center", ncols=4)


def _fit_plot(models: Mapping[str, CostModel], timings: pd.DataFrame) -> Plot:
    data = timings.assign(measured_over_model=timings["seconds"] / timings["model_seconds"])
    misfit = (data["measured_over_model"] - 1).abs()
    return Plot(
        slug="cost-model-fit",
        title=f"Half of {len(data)} timings are within {100 * misfit.median():.0f} % of their model, nine in ten "
        f"within {100 * misfit.quantile(0.9):.0f} %",
        alt="Measured time divided by the time of the model, against the time of the model. There is one mark per "
        "timing and one kind of mark per variant. "
        "Median distance: " + " ".join(f"{label}: {100 * m.typical_error:.0f} %." for label, m in models.items()),
        data=data.drop(columns="variant"),
        draw=lambda figure: _draw_fit(figure, data),
        note="For a mark on the dashed line, the model is exact. The fit gives short and long timings the same weight.",
    )


def _draw_fit(figure: Figure, data: pd.DataFrame) -> None:
    axes: Axes = figure.subplots()
    for label, rows in data.groupby("label", sort=False):
        style = variant_style(rows["variant"].iloc[0]) | {"linestyle": ""}
        axes.plot(1e3 * rows["model_seconds"], rows["measured_over_model"], label=str(label), **style)
    axes.axhline(1, color=INK, linewidth=1, linestyle="--")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    log_y(axes)
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(
        FixedLocator([0.8, 0.9, 1, 1.1, 1.25] if high / low < 2 else [0.1, 0.2, 0.5, 1, 2, 5, 10])
    )
    axes.set_xlabel("time of a training by the model (ms)")
    axes.set_ylabel("measured over model")
    figure.legend(loc="outside lower center", ncols=4)


def _table(models: Mapping[str, CostModel]) -> Table:
    rows = []
    for label, model in models.items():
        named = (
            ("call", "call_seconds", 1e6, "µs"),
            ("a, an iteration", "iteration_seconds", 1e6, "µs"),
            (f"b (D + d0) at D = {model.D}, a sample and unit", "unit_seconds", 1e9, "ns"),
            ("b, one feature of these", "feature_seconds", 1e9, "ns"),
        )
        for words, name, factor, unit in named:
            value, (low, high) = getattr(model, name), model.intervals[name]
            rows.append((label, words, factor * value, factor * low, factor * high, unit))
        low, high = model.intervals["equivalent_features"]
        rows.append((label, "d0", model.equivalent_features, low, high, "features"))
    frame = pd.DataFrame(rows, columns=["variant", "coefficient", "value", "low", "high", "unit"])
    formats: dict[str, Format] = dict.fromkeys(("value", "low", "high"), _number)
    caption = "The model's coefficients; low and high are the limits of a 95 % interval"
    return Table("cost-model", caption, frame, formats)


def _number(value: float) -> str:
    return "–" if np.isnan(value) else "∞" if np.isinf(value) else rounded(value)


STUDY = Study("cost-model", 170, run, render, seconds=10, only_titanic=True)
