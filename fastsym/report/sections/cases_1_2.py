"""Cases 1 and 2: the published costs, the ten-iteration tables and the 3000-iteration figure."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import scipy.stats
from matplotlib.figure import Figure

from fastsym.experiments.article import HIDDEN, NETWORK_LEARNING_RATE, NetworkCurve, NetworkTable
from fastsym.experiments.published import PLATEAUS
from fastsym.report.content import Format, Plot, Section, Table, rounded
from fastsym.report.results import Results
from fastsym.report.style import BLUE, MUTED, VERMILLION

NAMES = {1: "case 1, zero start", 2: "case 2, random start"}
COLOURS = {1: BLUE, 2: VERMILLION}


def reproduction(results: Results) -> Section:
    """Set the published costs beside ours."""
    rows = results.comparisons
    matching = sum(row.matches for row in rows)
    worst = max((row for row in rows if "iteration" in row.quantity), key=lambda row: abs(row.difference))
    frame = pd.DataFrame(
        {
            "quantity": [row.quantity for row in rows],
            "published": [row.published for row in rows],
            "reproduced": [row.reproduced for row in rows],
            "difference": [row.difference for row in rows],
            "accepted": [row.bound for row in rows],
            "matches": [row.matches for row in rows],
        }
    )
    formats: dict[str, Format] = {
        "published": _published,
        "reproduced": ".13f",
        "difference": _power,
        "accepted": _power,
    }
    return Section(
        "published",
        "Published against reproduced",
        f"{matching} of {len(rows)} published numbers are reproduced; the largest difference among the "
        f"first ten costs is {abs(worst.difference):.1e} nats.",
        (
            f"The author's notebook prints the cost summed over {results.tables[0].samples} passengers; the first is "
            f"{results.tables[0].samples} ln 2. The plateaus are read off the curves, and case 2's depends on a random "
            "start whose seed was not published.",
            Table(
                "published", "Summed cost in nats: what the author published, and what fastsym computes", frame, formats
            ),
        ),
    )


def _power(value: float) -> str:
    return f"{value:.1e}" if value else "0"


def _published(value: float) -> str:
    return repr(value)


def ten_iterations(results: Results) -> Section:
    """Tabulate cost, W1 and W2."""
    moved = {table.case: table.largest_change for table in results.tables}
    still = "no weight has moved, not by one bit" if moved[1] == 0 else f"a weight has moved by {moved[1]:.2g}"
    headline = (
        f"After {len(results.tables[0].costs)} iterations from zeros {still}; "
        f"from the random start weights have moved by up to {moved[2]:.2g}. The cost falls in both."
        if all(table.costs[-1] < table.costs[0] for table in results.tables)
        else f"From zeros {still}; from the random start weights have moved by up to {moved[2]:.2g}."
    )
    plot = Plot(
        slug="ten-iterations",
        title=f"Ten iterations: weights move by {moved[1]:.2g} from zeros, by up to {moved[2]:.2g} from a random start",
        alt=(
            "Largest absolute change of any weight against the iteration, for both cases. "
            f"Case 1 ends at {moved[1]:.2g}, case 2 at {moved[2]:.2g}."
        ),
        data=_changes(results.tables),
        draw=lambda figure: _draw_changes(figure, results.tables),
        note=f"Weights before each iteration's update. Learning rate {NETWORK_LEARNING_RATE:g}, {HIDDEN} hidden units.",
        height_inches=3.0,
    )
    tables = []
    for table in results.tables:
        tables.append(_summary(table))
        tables.append(_weights(table))
    return Section(
        "ten-iterations",
        "Cases 1 and 2: ten iterations",
        headline,
        (
            plot,
            "Only b2, the bias of the output, moves from zeros: every gradient of W1, b1 and W2 has a factor that is "
            "exactly zero. Each row holds the weights from which its cost was computed.",
            *tables,
        ),
    )


def _changes(tables: tuple[NetworkTable, ...]) -> pd.DataFrame:
    columns: dict[str, object] = {"iteration": np.arange(1, len(tables[0].costs) + 1)}
    for table in tables:
        columns[f"case {table.case}, largest change of W1"] = np.abs(table.W1 - table.W1[0]).max(axis=(1, 2))
        columns[f"case {table.case}, largest change of W2"] = np.abs(table.W2 - table.W2[0]).max(axis=1)
    return pd.DataFrame(columns)


def _draw_changes(figure: Figure, tables: tuple[NetworkTable, ...]) -> None:
    axes = figure.subplots()
    frame = _changes(tables)
    for table in tables:
        for weights, line, marker, width in (("W1", "-", "o", 3.0), ("W2", "--", "s", 1.6)):
            axes.plot(
                frame["iteration"],
                frame[f"case {table.case}, largest change of {weights}"],
                color=COLOURS[table.case],
                linestyle=line,
                marker=marker,
                linewidth=width,
                label=f"{NAMES[table.case]}: {weights}",
            )
    axes.set_xticks(frame["iteration"])
    axes.set_xlabel("iteration")
    axes.set_ylabel("largest change")
    figure.legend(loc="outside lower center", ncols=2)


def _summary(table: NetworkTable) -> Table:
    frame = pd.DataFrame(
        {
            "iteration": np.arange(1, len(table.costs) + 1),
            "cost": table.costs,
            "summed cost": table.summed_costs,
            "W1 min": table.W1.min(axis=(1, 2)),
            "W1 max": table.W1.max(axis=(1, 2)),
        }
    )
    for unit in range(table.W2.shape[1]):
        frame[f"W2 ({unit + 1})"] = table.W2[:, unit]
    formats: dict[str, Format] = {"cost": ".6f", "summed cost": ".4f"}
    if table.largest_change > 0:
        formats |= {str(name): ".5f" for name in frame if str(name).startswith("W")}
    return Table(
        f"case-{table.case}-iterations",
        f"{NAMES[table.case].capitalize()}: cost (mean nats per sample, and summed), range of W1, each unit's W2",
        frame,
        formats,
    )


def _weights(table: NetworkTable) -> Table:
    iterations, units, features = table.W1.shape
    frame = pd.DataFrame(
        table.W1.reshape(iterations * units, features), columns=[f"W1 {name}" for name in table.feature_names]
    )
    frame.insert(0, "W2", table.W2.ravel())
    frame.insert(0, "unit", np.tile(np.arange(1, units + 1), iterations))
    frame.insert(0, "cost", np.repeat(table.costs, units))
    frame.insert(0, "iteration", np.repeat(np.arange(1, iterations + 1), units))
    weights = {str(name): ".6f" for name in frame if str(name).startswith("W")} if table.largest_change else {}
    caption = f"{NAMES[table.case].capitalize()}: every weight, one row a hidden unit"
    return Table(f"case-{table.case}-weights", caption, frame, {"cost": ".9f", **weights}, folded=True)


def long_run(results: Results) -> Section:
    """Draw the article's figure of 3000 iterations."""
    zero, seeds = _split(results.curves)
    finals = np.array([curve.summed_costs[-1] for curve in seeds])
    iterations = len(zero.costs)
    below = int(np.sum(finals < zero.summed_costs[-1]))
    title = (
        f"After {iterations} iterations the zero start is at {zero.summed_costs[-1]:.1f} nats, the median of "
        f"{len(seeds)} random starts at {np.median(finals):.1f}, the lowest at {finals.min():.1f}"
    )
    plot = Plot(
        slug="long-run",
        title=title,
        alt=(
            f"Summed cost against iteration. The zero start falls from {zero.summed_costs[0]:.1f} to "
            f"{zero.summed_costs[-1]:.1f}; the median of {len(seeds)} random starts from "
            f"{np.median([c.summed_costs[0] for c in seeds]):.1f} to {np.median(finals):.1f}."
        ),
        data=_curve_frame(results.curves),
        draw=lambda figure: _draw_curves(figure, results.curves, {} if results.own else PLATEAUS),
        note=(
            f"Random start: {len(seeds)} seeds. "
            f"{'The features of your table' if results.own else 'The features of the article'}, learning rate "
            f"{NETWORK_LEARNING_RATE:g}, {HIDDEN} hidden units."
        ),
    )
    return Section(
        "long-run",
        f"Cases 1 and 2: {iterations} iterations",
        f"{below} of {len(seeds)} random starts end below the zero start, in the median by "
        f"{rounded(zero.summed_costs[-1] - np.median(finals))} nats summed over the samples.",
        (
            plot,
            "The best that a constant prediction can do, to which the zero start tends, is the entropy of the labels: "
            f"{_entropy(results):.5f} nats per sample, {_entropy(results) * zero.samples:.2f} summed.",
        ),
    )


def _entropy(results: Results) -> float:
    p = results.label_mean
    return float(scipy.stats.entropy([p, 1 - p]))


def _split(curves: tuple[NetworkCurve, ...]) -> tuple[NetworkCurve, list[NetworkCurve]]:
    return next(curve for curve in curves if curve.case == 1), [curve for curve in curves if curve.case == 2]


def _curve_frame(curves: tuple[NetworkCurve, ...]) -> pd.DataFrame:
    zero, seeds = _split(curves)
    low, middle, high = np.quantile([curve.summed_costs for curve in seeds], (0.1, 0.5, 0.9), axis=0)
    return pd.DataFrame(
        {
            "iteration": np.arange(1, len(zero.costs) + 1),
            "case 1, summed cost": zero.summed_costs,
            "case 2, summed cost, median": middle,
            "case 2, summed cost, 10 %": low,
            "case 2, summed cost, 90 %": high,
        }
    )


def _draw_curves(figure: Figure, curves: tuple[NetworkCurve, ...], plateaus: Mapping[int, float]) -> None:
    axes = figure.subplots()
    frame = _curve_frame(curves)
    samples = curves[0].samples
    axes.plot(frame["iteration"], frame["case 1, summed cost"], color=COLOURS[1], label=NAMES[1])
    middle = frame["case 2, summed cost, median"]
    axes.plot(frame["iteration"], middle, color=COLOURS[2], linestyle="--", label=f"{NAMES[2]}: median")
    band = frame["case 2, summed cost, 10 %"], frame["case 2, summed cost, 90 %"]
    axes.fill_between(frame["iteration"], *band, color=COLOURS[2], alpha=0.25, linewidth=0, label="10 % to 90 %")
    for case, value in plateaus.items():
        axes.axhline(value, color=MUTED, linestyle=":", linewidth=1, label="published plateaus" if case == 1 else None)
    axes.set_xlabel("iteration")
    axes.set_ylabel("summed cost (nats)")
    mean = axes.secondary_yaxis(
        "right", functions=(lambda cost: np.asarray(cost) / samples, lambda cost: np.asarray(cost) * samples)
    )
    mean.set_ylabel("mean cost (nats per sample)")
    figure.legend(loc="outside lower center", ncols=2)
