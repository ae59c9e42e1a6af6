"""Why to believe it: the certificate of each variant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastsym.agreement import QUANTILES, Certificate, certify, divergence, first_failure
from fastsym.agreement.divergence import Band
from fastsym.agreement.mutants import MUTANTS
from fastsym.model.params import Array
from fastsym.report.content import Plot, Section, Table
from fastsym.report.study import Context, Study
from fastsym.report.style import GRID, INK, MUTED, variant_style
from fastsym.training.registry import VARIANTS

DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class Agreement:
    """What is known about the variants' results."""

    certificates: tuple[Certificate, ...]
    """One a variant and float type."""
    killed: Mapping[str, tuple[int, int]]
    """Float type -> how many known wrong programs were rejected, of how many."""
    bands: tuple[Band, ...]
    divergences: Mapping[tuple[str, int], Array]
    """Variant and width -> distance from the reference's path, at the band's iterations."""

    @property
    def timeable(self) -> list[str]:
        """Variants that may be timed: those whose certificate in float64 passes."""
        return [c.variant for c in self.certificates if c.passed and c.dtype == "float64"]


def run(context: Context) -> Agreement:
    """Certify every variant, and see whether known wrong programs are rejected."""
    pairs = [(name, dtype) for name in VARIANTS for dtype in DTYPES]
    certificates = []
    for i, (name, dtype) in enumerate(pairs):
        context.tell(i / len(pairs), f"{name}, {dtype}")
        certificates.append(certify(name, np.dtype(dtype)))
    killed = {
        dtype: (sum(first_failure(mutant, dtype) is not None for mutant in MUTANTS), len(MUTANTS))
        for dtype in context.settings.mutant_dtypes
    }
    last = context.settings.path_iterations
    divergences = {
        (name, hidden): divergence.divergence(VARIANTS[name].train_network, hidden, last=last)
        for name in VARIANTS
        if name != "reference"
        for hidden in divergence.WIDTHS
    }
    bands = tuple(divergence.band(hidden) for hidden in divergence.WIDTHS)
    return Agreement(tuple(certificates), killed, bands, divergences)


def render(found: Agreement, _: Context) -> Section:
    """Show every variant's errors in units of their bounds, the reference's own included."""
    certificates = found.certificates
    rows = [
        (c.variant, c.dtype, c.passed, c.components, c.own.median, c.own.worst, c.worst_component) for c in certificates
    ]
    columns = ["variant", "dtype", "passed", "numbers", "median error", "worst error", "worst where"]
    frame = pd.DataFrame(rows, columns=columns)
    passed = int(frame["passed"].sum())
    failures = [f"`{c.variant}` in {c.dtype} fails: {c.reasons[0]}." for c in certificates if not c.passed]
    worst = frame["worst error"].max(skipna=False)
    plot = Plot(
        slug="agreement",
        title=f"The largest error of any variant is {worst:.2g} times the bound for rounding",
        alt="Median and worst error of short trainings for each variant and data type, in units of its bound. "
        + " ".join(f"{c.variant}, {c.dtype}: {c.own.median:.2g}, {c.own.worst:.2g}." for c in certificates),
        data=frame,
        draw=lambda figure: _draw(figure, certificates),
        note="Open mark: median; filled mark: worst; the line at 1 is the bound.",
        height_inches=1.3 + 0.22 * len(frame),
    )
    return Section(
        "agreement",
        "Why the results are correct: the certificates",
        f"{passed} of {len(frame)} certificates pass; {_killed(found)}.",
        (
            "A long training cannot test equality: the training of wide networks on the raw features is chaotic, and "
            "two correct programs end with different results. Therefore each variant does short trainings whose exact "
            "results are known, and the error of every cost and parameter is compared with a bound for the effect of "
            "rounding. No variant is timed without its certificate.",
            *failures,
            plot,
            Table(
                "certificates",
                "Errors of short trainings, in units of their bounds, and the place of the worst error",
                frame,
                {"median error": ".1e", "worst error": ".3f"},
            ),
            _distribution_plot(certificates),
            _band_plot(found),
        ),
    )


def _killed(agreement: Agreement) -> str:
    counts = " and ".join(f"{count} of {total} in {dtype}" for dtype, (count, total) in agreement.killed.items())
    return f"of programs with one deliberate mistake, the same check rejects {counts}"


def _distribution_plot(certificates: Sequence[Certificate]) -> Plot:
    own = [c for c in certificates if c.variant != "reference"]
    worse = sum(c.own.median > c.reference.median for c in own)
    parts = [
        pd.DataFrame(
            {
                "variant": c.variant,
                "dtype": c.dtype,
                "share of results": QUANTILES,
                "error": c.own.quantiles,
                "error of the reference": c.reference.quantiles,
            }
        )
        for c in own
    ]
    dtypes = list(dict.fromkeys(c.dtype for c in own))
    return Plot(
        slug="error-distributions",
        title=f"In {len(own) - worse} of {len(own)} cases a variant's median error is no larger than the reference's",
        alt="Share of results against their error in units of the bound, one line per variant, for each data type, "
        "with the reference's. Medians: "
        + " ".join(f"{c.variant}, {c.dtype}: {c.own.median:.2g}, reference {c.reference.median:.2g}." for c in own),
        data=pd.concat(parts, ignore_index=True),
        draw=lambda figure: _draw_distributions(figure, own, dtypes),
        note="Both errors are distances from the exact result, in the same trainings on this machine. The wide grey "
        "line is the reference.",
        height_inches=1.0 + 1.9 * len(dtypes),
    )


def _draw_distributions(figure: Figure, own: Sequence[Certificate], dtypes: list[str]) -> None:
    panels = figure.subplots(len(dtypes), 1, sharex=True, squeeze=False)[:, 0]
    for axes, dtype in zip(panels, dtypes, strict=True):
        rows = [c for c in own if c.dtype == dtype]
        # Of variants without a one-layer net the reference is taken without it, too; the lines hardly differ.
        yardstick = rows[0].reference.quantiles
        axes.plot(yardstick, QUANTILES, color=MUTED, linewidth=4, alpha=0.5, label="reference")
        for c in rows:
            axes.plot(c.own.quantiles, QUANTILES, label=c.variant, **variant_style(c.variant) | {"markersize": 3})
        axes.axvline(1, color=INK, linewidth=1, linestyle="--")
        axes.set_title(dtype)
        axes.set_xscale("log")
        axes.set_ylabel("share of results")
    panels[-1].set_xlabel("error in units of its bound (dashed: the bound)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)


def _band_plot(agreement: Agreement) -> Plot:
    ends = ", ".join(
        f"at H = {band.hidden} until iteration {band.comparable_until} of {band.iterations[-1]}"
        for band in agreement.bands
    )
    inside = [
        bool((found <= band.envelope[: len(found)])[band.iterations[: len(found)] <= band.comparable_until].all())
        for band in agreement.bands
        for (_, hidden), found in agreement.divergences.items()
        if hidden == band.hidden
    ]
    parts = [
        pd.DataFrame({"variant": name, "hidden": hidden, "iteration": iterations[: len(found)], "distance": found})
        for (name, hidden), found in agreement.divergences.items()
        for iterations in [next(band.iterations for band in agreement.bands if band.hidden == hidden)]
    ] + [
        pd.DataFrame({"variant": "band", "hidden": b.hidden, "iteration": b.iterations, "distance": b.envelope})
        for b in agreement.bands
    ]
    runs = len(agreement.bands[0].distances)
    return Plot(
        slug="path-band",
        title=f"Paths can be compared {ends}; until then, {sum(inside)} of {len(inside)} stay inside the band",
        alt="Distance from the reference's path against the iteration, both logarithmic, one panel per width, one line "
        "per variant, with the band of perturbed reference runs. "
        + " ".join(f"H = {b.hidden}: the band ends at {b.envelope[-1]:.1g}." for b in agreement.bands)
        + " "
        + " ".join(
            f"{name}, H = {hidden}: up to {found.max():.1g}." for (name, hidden), found in agreement.divergences.items()
        ),
        data=pd.concat(parts, ignore_index=True),
        draw=lambda figure: _draw_band(figure, agreement),
        note=f"Grey band: the distances of {runs} runs of the reference in which every parameter is changed by one "
        "unit in the last place before each iteration. To the right of the vertical line, even two correct programs "
        "can no longer be compared. Distance: the largest difference of a parameter, divided by the largest parameter. "
        "Case 2 on the article's features, float64.",
        height_inches=5.2,
    )


def _draw_band(figure: Figure, agreement: Agreement) -> None:
    panels = figure.subplots(len(agreement.bands), 1, sharex=True, squeeze=False)[:, 0]
    for axes, band in zip(panels, agreement.bands, strict=True):
        floor = float(np.finfo(band.dtype).eps) / 8
        axes.fill_between(band.iterations, floor, band.envelope, color=GRID, label="perturbed reference runs")
        for (name, hidden), found in agreement.divergences.items():
            if hidden == band.hidden:
                # A path that is the reference's bit for bit is drawn on the lower edge.
                shown = np.maximum(found, floor)
                style = variant_style(name) | {"markersize": 3, "linewidth": 1}
                axes.plot(band.iterations[: len(found)], shown, label=name, **style)
        if band.comparable_until < band.iterations[-1]:
            axes.axvline(band.comparable_until, color=INK, linewidth=1)
        axes.set_title(f"H = {band.hidden}")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylabel("relative distance")
    panels[-1].set_xlabel("iteration")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)


def _draw(figure: Figure, certificates: Sequence[Certificate]) -> None:
    rows = [(c.variant, c.own.median, c.own.worst, c.passed) for c in certificates]
    axes = figure.subplots()
    draw_errors(axes, pd.DataFrame(rows, columns=["variant", "median", "worst", "passed"]))
    labels = [f"{c.variant}, {c.dtype}{'' if c.passed else ' (fails)'}" for c in certificates]
    axes.set_yticks(range(len(labels)), labels[::-1])
    axes.set_xlabel("error in units of its bound")


def draw_errors(axes: Axes, errors: pd.DataFrame) -> None:
    """Draw median and worst errors, one row each from top to bottom: columns variant, median, worst, passed."""
    for y, row in enumerate(errors.iloc[::-1].to_dict("records")):
        colour = variant_style(row["variant"])["color"]
        axes.plot([row["median"], row["worst"]], [y, y], color=colour, linewidth=1.4)
        axes.plot(row["median"], y, marker="o", markerfacecolor="none", color=colour)
        axes.plot(row["worst"], y, marker="o" if row["passed"] else "X", color=colour)
    axes.axvline(1, color=INK, linewidth=1, linestyle="--")
    axes.set_yticks(range(len(errors)), errors["variant"].iloc[::-1])
    axes.set_ylim(-0.6, len(errors) - 0.4)
    axes.set_xscale("log")
    axes.grid(visible=False, axis="y")


STUDY = Study("agreement", 120, run, render, seconds=10)
