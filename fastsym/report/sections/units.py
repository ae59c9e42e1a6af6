"""What symmetry breaking is, in one picture: the weights of four hidden units from three starts."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fastsym.experiments.article import STANDARDISED_LEARNING_RATE, UnitPaths, follow_units
from fastsym.model.params import Array
from fastsym.report.content import Plot, Section
from fastsym.report.study import Context, Study
from fastsym.report.style import BLUE, GREEN, PURPLE, VERMILLION

NAMES = {"zeros": "zero weights", "constant": "constant weights 0.01", "normal": "random weights N(0, 1) × 0.01"}
UNIT_STYLES = ((BLUE, "-"), (VERMILLION, "--"), (GREEN, "-."), (PURPLE, ":"))


def run(context: Context) -> tuple[UnitPaths, ...]:
    """Follow the units from each start."""
    return tuple(follow_units(context.standardised, start, context.settings.seed) for start in NAMES)


def render(paths: tuple[UnitPaths, ...], context: Context) -> Section:
    """Hidden units that start equal stay equal; those that start apart learn different things."""
    together, apart = parted(paths, NAMES)
    plot = Plot(
        slug="units",
        title=f"Four hidden units stay one from {together}, and part from {apart}",
        alt="Three panels, one a start, each with the output weights of four hidden units against the iteration. "
        + " ".join(f"{NAMES[path.start]}: the units end up to {path.separation:.3g} apart." for path in paths),
        data=tidy(paths, lambda path: {"W2": path.W2}),
        draw=lambda figure: _draw(figure, paths),
        note="Output weight W2 of each of the four units; lines that lie on each other are drawn as one. "
        f"Standardised features, learning rate {STANDARDISED_LEARNING_RATE:g}, seed {context.settings.seed}.",
        height_inches=5.2,
    )
    return Section(
        "breaking",
        "What symmetry breaking is",
        f"After {paths[0].iterations[-1]} iterations the four hidden units are still one and the same from "
        f"{together}; they have become different from {apart}.",
        (
            "Two hidden units with the same weights get the same gradient, so gradient descent can never tell them "
            "apart: the network trains as if it had one unit. Random weights break that symmetry.",
            plot,
        ),
    )


def parted(paths: tuple[UnitPaths, ...], names: Mapping[str, str]) -> tuple[str, str]:
    """Name the starts whose units stay equal, and those whose units part."""
    groups = ([names[p.start] for p in paths if (p.separation == 0) == equal] for equal in (True, False))
    together, apart = (" and ".join(group) or "none of the starts" for group in groups)
    return together, apart


def tidy(paths: tuple[UnitPaths, ...], weights: Callable[[UnitPaths], Mapping[str, Array]]) -> pd.DataFrame:
    """Give one row a start, iteration and unit, with weights of which each is (K, H)."""
    parts = []
    for path in paths:
        states, units = path.W2.shape
        keys = {"start": path.start, "iteration": np.repeat(path.iterations, units)}
        keys["unit"] = np.tile(np.arange(1, units + 1), states)
        parts.append(pd.DataFrame(keys | {name: values.ravel() for name, values in weights(path).items()}))
    return pd.concat(parts, ignore_index=True)


def _draw(figure: Figure, paths: tuple[UnitPaths, ...]) -> None:
    panels = figure.subplots(len(paths), 1, sharex=True, squeeze=False)[:, 0]
    for axes, path in zip(panels, paths, strict=True):
        for unit, (colour, line) in enumerate(UNIT_STYLES):
            # Coinciding lines would hide all but the last: thick ones first.
            width = 4.6 - unit
            axes.plot(
                path.iterations,
                path.W2[:, unit],
                color=colour,
                linestyle=line,
                linewidth=width,
                label=f"unit {unit + 1}",
            )
        axes.set_title(NAMES[path.start])
        axes.set_ylabel("weight W2")
        axes.set_xscale("symlog", linthresh=1)
        if np.ptp(path.W2) == 0:
            axes.set_ylim(-1, 1)
    panels[-1].set_xlabel("iteration (0, then logarithmic)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(UNIT_STYLES))


STUDY = Study("breaking", 40, run, render, seconds=1)
