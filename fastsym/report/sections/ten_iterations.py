"""Cases 1 and 2: cost and weights of the first ten iterations."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fastsym.experiments.article import CASES, HIDDEN, NETWORK_LEARNING_RATE, NetworkTable, tabulate_case
from fastsym.report.charts import CASE_COLOURS, CASE_NAMES
from fastsym.report.content import Format, Plot, Section, Table
from fastsym.report.study import Context, Study


def run(context: Context) -> tuple[NetworkTable, ...]:
    """Train cases 1 and 2."""
    return tuple(tabulate_case(case, seed=context.settings.seed) for case in CASES)


def render(cases: tuple[NetworkTable, ...], _: Context) -> Section:
    """Tabulate cost, W1 and W2."""
    moved = {table.case: table.largest_change for table in cases}
    still = "no weight has changed by a single bit" if moved[1] == 0 else f"a weight has changed by {moved[1]:.2g}"
    headline = (
        f"After {len(cases[0].costs)} iterations from zeros {still}; "
        f"from the random start weights have moved by up to {moved[2]:.2g}. The cost falls in both."
        if all(table.costs[-1] < table.costs[0] for table in cases)
        else f"From zeros {still}; from the random start weights have moved by up to {moved[2]:.2g}."
    )
    plot = Plot(
        slug="ten-iterations",
        title="Largest change of any weight",
        alt=(
            "Largest absolute change of any weight against the iteration, for both cases. "
            f"Case 1 ends at {moved[1]:.2g}, case 2 at {moved[2]:.2g}."
        ),
        data=_changes(cases),
        draw=lambda figure: _draw_changes(figure, cases),
        note="The weights are those before the update of each iteration. Learning rate "
        f"{NETWORK_LEARNING_RATE:g}, {HIDDEN} hidden units.",
        height_inches=3.0,
    )
    tables = []
    for table in cases:
        tables.append(_summary(table))
        tables.append(_weights(table))
    return Section(
        "ten-iterations",
        "Cases 1 and 2: ten iterations",
        headline,
        (
            plot,
            "From zeros, only b2, the bias of the output, moves, because every gradient of W1, b1 and W2 has a factor "
            "that is exactly zero. Each row contains the weights from which its cost was computed.",
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
                color=CASE_COLOURS[table.case],
                linestyle=line,
                marker=marker,
                linewidth=width,
                label=f"{CASE_NAMES[table.case]}: {weights}",
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
        f"{CASE_NAMES[table.case].capitalize()}: cost (mean nats per sample, and summed), range of W1, each unit's W2",
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
    caption = f"{CASE_NAMES[table.case].capitalize()}: every weight, one row per hidden unit"
    return Table(f"case-{table.case}-weights", caption, frame, {"cost": ".9f", **weights}, folded=True)


STUDY = Study("ten-iterations", 80, run, render, seconds=0.1, only_titanic=True, in_lesson=True)
