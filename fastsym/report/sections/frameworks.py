"""Equal units in the libraries that people train with, from a separate session."""

import pandas as pd

from fastsym.experiments.article import STANDARDISED_LEARNING_RATE
from fastsym.experiments.rounding.drift import EQUAL_WEIGHT
from fastsym.experiments.rounding.frameworks.figure import draw, figure_table, height_inches
from fastsym.report.content import Plot, Section
from fastsym.report.recorded import FRAMEWORKS, read_frameworks
from fastsym.report.study import Context, Study

OWN = "fastsym"


def render(recorded: pd.DataFrame | None, _: Context) -> Section | None:
    """Show in how many classes of equal units each training ended; None without the file that says so."""
    if recorded is None:
        return None
    table = figure_table(recorded)
    others = recorded[recorded["framework"] != OWN]
    apart = others.loc[others["first_split"].notna(), "framework"].unique().tolist()
    kept = [name for name in others["framework"].unique() if name not in apart]
    finding = (
        f"Units that start equal separate in {_listed(apart)}" if apart else "All units that start equal stay equal"
    )
    finding += f", and stay equal in {_listed(kept)}" if apart and kept else ""
    counts = {str(label): int((rows["count"] > 1).sum()) for label, rows in table.groupby("label", sort=False)}
    return Section(
        "frameworks",
        "Equal units in widely used libraries",
        f"{finding}; the cause is the order in which a library adds.",
        (
            f"The results come from `{FRAMEWORKS}`, which was recorded in a separate session. Every weight starts at "
            f"{EQUAL_WEIGHT:g}, and the learning rate of gradient descent is {STANDARDISED_LEARNING_RATE:g}. The "
            "programs train by full-batch gradient descent (or Adam, if it is named) on standardised features, and are "
            "written in the way that is usual for their libraries. "
            f"Versions: {'; '.join(recorded['version'].unique())}. "
            f"Processor: {', '.join(recorded['processor'].unique())}.",
            Plot(
                slug="rounding-frameworks",
                title="Classes of equal units at the end, by program and width",
                alt="One row per program, one column per hidden width. A dot means that all units end equal; a number "
                "in a square is the number of classes in which they end. Number of widths at which units separate, by "
                "row: " + "; ".join(f"{label}: {count}" for label, count in counts.items()) + ".",
                data=table,
                draw=lambda figure: draw(figure, table),
                note="Rows for more threads are shown only if the number of threads changes a class.",
                height_inches=height_inches(table),
            ),
        ),
    )


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


STUDY = Study("frameworks", 60, lambda _: read_frameworks(), render, in_lesson=True, only_titanic=True)
