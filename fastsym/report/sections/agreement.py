"""Why to believe it: the certificate of each variant."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from fastsym.agreement import Certificate
from fastsym.report.collect import Results
from fastsym.report.content import Plot, Section, Table
from fastsym.report.style import INK, variant_style


def certified(results: Results) -> Section:
    """Show every variant's errors in units of their bounds, the reference's own included."""
    certificates = results.certificates
    frame = pd.DataFrame(
        {
            "variant": [c.variant for c in certificates],
            "dtype": [c.dtype for c in certificates],
            "passed": [c.passed for c in certificates],
            "numbers": [c.components for c in certificates],
            "median error": [c.median_error for c in certificates],
            "worst error": [c.worst_error for c in certificates],
            "worst where": [c.worst_component for c in certificates],
        }
    )
    passed = int(frame["passed"].sum())
    failures = [f"`{c.variant}` in {c.dtype} fails: {c.reasons[0]}." for c in certificates if not c.passed]
    worst = frame["worst error"].max(skipna=False)
    plot = Plot(
        slug="agreement",
        title=f"The largest error of any variant is {worst:.2g} of what rounding can explain",
        alt="Median and worst error of short trainings for each variant and data type, in units of its bound. "
        + " ".join(f"{c.variant}, {c.dtype}: {c.median_error:.2g}, {c.worst_error:.2g}." for c in certificates),
        data=frame,
        draw=lambda figure: _draw(figure, certificates),
        note="Open mark: median; filled mark: worst; the line at 1 is the bound.",
        height_inches=1.3 + 0.22 * len(frame),
    )
    return Section(
        "agreement",
        "Why to believe it: the certificates",
        f"{passed} of {len(frame)} certificates pass.",
        (
            "A long training is no test of equality: wide nets on the raw features are chaotic, and two correct "
            "programs end apart. So each variant does short trainings whose exact results are known, and the error of "
            "every cost and parameter is set against what rounding alone can do. No variant is timed without its "
            "certificate.",
            *failures,
            plot,
            Table(
                "certificates",
                "Errors of short trainings, in units of their bounds, and where the worst is",
                frame,
                {"median error": ".1e", "worst error": ".3f"},
            ),
        ),
    )


def _draw(figure: Figure, certificates: Sequence[Certificate]) -> None:
    axes = figure.subplots()
    for y, c in enumerate(reversed(certificates)):
        colour = variant_style(c.variant)["color"]
        axes.plot([c.median_error, c.worst_error], [y, y], color=colour, linewidth=1.2)
        axes.plot(c.median_error, y, marker="o", markerfacecolor="none", color=colour)
        axes.plot(c.worst_error, y, marker="o" if c.passed else "X", color=colour)
    axes.axvline(1, color=INK, linewidth=1, linestyle="--")
    labels = [f"{c.variant}, {c.dtype}{'' if c.passed else ' (fails)'}" for c in reversed(certificates)]
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xscale("log")
    axes.set_xlabel("error in units of its bound")
    axes.grid(visible=False, axis="y")
