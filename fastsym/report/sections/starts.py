"""Starts: how long a nearly symmetric one takes to break, measured and predicted."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fastsym.experiments.article import HIDDEN
from fastsym.experiments.breaking import BROKEN, LEARNING_RATE, Break, Line, saddle_line, time_to_break
from fastsym.experiments.symmetry import orbit_types
from fastsym.report.content import Format, Plot, Section, Table
from fastsym.report.study import Context, Study
from fastsym.report.style import BLUE, INK, VERMILLION

STYLES: dict[str, tuple[str, dict[str, Any]]] = {
    "float64": (BLUE, {"marker": "o", "markersize": 8, "markerfacecolor": "none"}),
    "float32": (VERMILLION, {"marker": "x", "markersize": 5}),
}
ORBIT_EPSILON = 1e-6
TENFOLD = float(np.log(10))
MIN_BREAKS = 3
"""Fewer points make no line."""


class Breaks(NamedTuple):
    """How long symmetry lasts."""

    zeros: list[Break]
    """Of starts near zero, in both float types."""
    orbits: list[Break]
    """Of starts near every other symmetry."""
    lines: dict[str, Line]
    """Float type -> line through the times to break near zero; without those where too few broke."""


def run(context: Context) -> Breaks:
    """Perturb every symmetric start and wait for it to break."""
    data = context.standardised
    zeros = {dtype: time_to_break(data, "zeros", dtype=dtype) for dtype in STYLES}
    lines = {
        dtype: saddle_line(data, found)
        for dtype, found in zeros.items()
        if sum(each.measured is not None for each in found) >= MIN_BREAKS
    }
    orbits: list[Break] = []
    for sizes in orbit_types(HIDDEN):
        kind = "blocks:" + ("+".join(map(str, sizes)) or "0")
        if sizes != (1,) * HIDDEN:  # that one has no symmetry to break
            orbits += time_to_break(data, kind, [ORBIT_EPSILON], learning_rate=1.0, iterations=1000)
    return Breaks([each for found in zeros.values() for each in found], orbits, lines)


def render(breaks: Breaks, _: Context) -> Section:
    """Time to break against ln(1/eps) near zero, and for every other kind of symmetry."""
    zeros, orbits, lines = breaks
    compared = [(each.measured, each.predicted) for each in orbits if each.measured and each.predicted]
    off = max((abs(measured - predicted) for measured, predicted in compared), default=0)
    content: list[str | Plot | Table] = [
        "Random weights of size eps are added to each symmetric start. The symmetry counts as broken when a unit is "
        f"{BROKEN:g} away from it. The prediction multiplies the first difference by the product of I - lr T along the "
        "path. Near zero, this gives 1 / ln(1 + lr |cov(x, y)|) iterations for every unit of ln(1/eps). The features "
        "are standardised, and there are 4 units.",
    ]
    if lines:
        content.append(f"With a perturbation that is ten times smaller, symmetry lasts longer: {_slopes(lines)}.")
    if any(each.measured is not None for each in zeros):
        content.append(_plot(zeros, lines))
    rows = [(_named(each), each.measured, each.predicted) for each in orbits]
    table = pd.DataFrame(rows, columns=["symmetry", "measured", "predicted"])
    table = table.astype({"measured": "float", "predicted": "float"})
    formats: dict[str, Format] = {"measured": ".0f", "predicted": ".0f"}
    caption = (
        f"Iterations until each symmetry of 4 units breaks, for eps = {ORBIT_EPSILON:g} and learning rate 1; – means "
        "never"
    )
    content.append(Table("starts-symmetries", caption, table, formats))
    return Section(
        "starts", "Starts: how long symmetry lasts", _headline(lines, len(compared), len(orbits), off), tuple(content)
    )


def _headline(lines: dict[str, Line], compared: int, orbits: int, off: int) -> str:
    if not lines:
        return f"Near the zero start, too few starts broke for a line; {compared} of {orbits} others broke."
    slopes = {f"{TENFOLD * line.slope:.1f}" for line in lines.values()}
    predicted = next(iter(lines.values())).predicted_slope
    rest = f" {compared} of {orbits} other symmetries broke"
    if compared:
        rest += f", at most {off} iterations from the prediction" if off else ", exactly when predicted"
    rest += "."
    return (
        f"Near the zero start, symmetry lasts {' or '.join(sorted(slopes))} iterations longer if the perturbation is "
        f"ten times smaller; {TENFOLD * predicted:.1f} are predicted.{rest}"
    )


def _slopes(lines: dict[str, Line]) -> str:
    return "; ".join(
        f"{dtype} {TENFOLD * line.slope:.1f} iterations (95 % interval {TENFOLD * line.interval[0]:.1f} to "
        f"{TENFOLD * line.interval[1]:.1f})"
        for dtype, line in lines.items()
    )


def _named(each: Break) -> str:
    """Say which units are equal."""
    sizes = [int(size) for size in each.kind.removeprefix("blocks:").split("+") if size != "0"]
    dead = 4 - sum(sizes)
    parts = [f"{size} equal" if size > 1 else "1 alone" for size in sizes] + ([f"{dead} zero"] if dead else [])
    return ", ".join(parts)


def _plot(zeros: list[Break], lines: dict[str, Line]) -> Plot:
    if lines:
        unexplained = max(1 - each.r_squared for each in lines.values())
        title = "The time until symmetry breaks depends linearly on the logarithm of the perturbation"
        title += f" (1 - R² at most {unexplained:.1g})"
    else:
        title = f"{sum(each.measured is not None for each in zeros)} of {len(zeros)} starts near zero broke"
    rows = [(e.dtype, e.epsilon, np.log(1 / e.epsilon), e.measured, e.predicted) for e in zeros]
    frame = pd.DataFrame(rows, columns=["dtype", "eps", "ln(1/eps)", "measured", "predicted"])
    return Plot(
        slug="starts-zero",
        title=title,
        alt="Iterations until the symmetry is broken against ln(1/eps), for float64 and float32, with the prediction. "
        + " ".join(f"eps {e.epsilon:g}, {e.dtype}: {e.measured}, predicted {e.predicted}." for e in zeros),
        data=frame,
        draw=lambda figure: _draw(figure, frame),
        note="Marks: measured times. Line: the prediction from the path of the unperturbed start. "
        f"Learning rate {LEARNING_RATE:g}.",
    )


def _draw(figure: Figure, frame: pd.DataFrame) -> None:
    axes = figure.subplots()
    known = frame[(frame["dtype"] == "float64") & frame["predicted"].notna()]
    axes.plot(known["ln(1/eps)"], known["predicted"], color=INK, linewidth=1, label="predicted")
    for dtype, (colour, style) in STYLES.items():
        found = frame[(frame["dtype"] == dtype) & frame["measured"].notna()]
        axes.plot(found["ln(1/eps)"], found["measured"], linestyle="none", color=colour, label=dtype, **style)
    axes.set_xlabel("ln(1/eps)")
    axes.set_ylabel("iterations until broken")
    figure.legend(loc="outside lower center", ncols=3)


STUDY = Study("starts", 40, run, render, seconds=4, in_lesson=True)
