"""What symmetry breaking is, in one picture: the weights of four hidden units from three starts."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fastsym.experiments.article import NETWORK_LEARNING_RATE, STANDARDISED_LEARNING_RATE, UnitPaths, follow_units
from fastsym.model.params import Array
from fastsym.report.charts import START_NAMES
from fastsym.report.content import Plot, Section, quoted
from fastsym.report.study import Context, Study
from fastsym.report.style import BLUE, GREEN, INK, PURPLE, VERMILLION

NAMES = {"zeros": "zero weights", "constant": "constant weights 0.01", "normal": "random weights N(0, 1) × 0.01"}
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE)


def run(context: Context) -> tuple[UnitPaths, ...]:
    """Follow the units from each start."""
    return tuple(follow_units(context.standardised, start, context.settings.seed) for start in NAMES)


def render(paths: tuple[UnitPaths, ...], context: Context) -> Section:
    """Hidden units that start equal stay equal; those that start apart learn different things."""
    together, apart = parted(paths, NAMES)
    plot = Plot(
        slug="units",
        title="Output weight of each of the four units",
        alt="Three panels, one per start, each with the output weights of four hidden units against the iteration. "
        + " ".join(f"{NAMES[path.start]}: the units end up to {path.separation:.3g} apart." for path in paths),
        data=tidy(paths, lambda path: {"W2": path.W2}),
        draw=lambda figure: _draw(figure, paths),
        note="Output weight W2 of each of the four units. The lines of equal units lie on top of each other, with "
        "different widths. "
        f"Standardised features, learning rate {STANDARDISED_LEARNING_RATE:g}, seed {context.settings.seed}.",
        height_inches=5.2,
    )
    return Section(
        "breaking",
        "What symmetry breaking is",
        f"Units that start equal stay equal in exact arithmetic and in fastsym: after {paths[0].iterations[-1]} "
        f"iterations the four hidden units are identical if they start from {together}, and different if they start "
        f"from {apart}.",
        (
            "Two hidden units with the same weights get the same gradient, so in exact arithmetic gradient descent can "
            "never tell them apart: the network trains as if it had one unit. Random weights break that symmetry.",
            f"To show this, features are standardised and the learning rate is {STANDARDISED_LEARNING_RATE:g}, unless "
            f"a caption names another one: with the article's {NETWORK_LEARNING_RATE:g}, units separate much later.",
            _ways_plot(paths, context.standardised.feature_names, context.settings.seed),
            plot,
        ),
    )


def parted(paths: tuple[UnitPaths, ...], names: Mapping[str, str]) -> tuple[str, str]:
    """Name the starts whose units stay equal, and those whose units part."""
    groups = ([names[p.start] for p in paths if (p.separation == 0) == equal] for equal in (True, False))
    together, apart = (" and ".join(group) or "none of the starts" for group in groups)
    return together, apart


def tidy(paths: tuple[UnitPaths, ...], weights: Callable[[UnitPaths], Mapping[str, Array]]) -> pd.DataFrame:
    """Give one row per start, iteration and unit, with weights of which each is (K, H)."""
    parts = []
    for path in paths:
        states, units = path.W2.shape
        keys = {"start": path.start, "iteration": np.repeat(path.iterations, units)}
        keys["unit"] = np.tile(np.arange(1, units + 1), states)
        parts.append(pd.DataFrame(keys | {name: values.ravel() for name, values in weights(path).items()}))
    return pd.concat(parts, ignore_index=True)


def _draw(figure: Figure, paths: tuple[UnitPaths, ...]) -> None:
    panels = figure.subplots(len(paths), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for axes, path in zip(panels, paths, strict=True):
        for unit, (colour, width) in enumerate(zip(COLOURS, _line_widths(path), strict=True)):
            axes.plot(path.iterations, path.W2[:, unit], color=colour, linewidth=width, label=f"unit {unit + 1}")
        axes.set_title(NAMES[path.start])
        axes.set_ylabel("weight W2")
        axes.set_xscale("symlog", linthresh=1)
    panels[-1].set_xlabel("iteration (0, then logarithmic)")
    # Of the last panel: the handles of the others are as thick as their bands.
    figure.legend(*panels[-1].get_legend_handles_labels(), loc="outside lower center", ncols=len(COLOURS))


def _ways_plot(paths: tuple[UnitPaths, ...], feature_names: Sequence[str], seed: int) -> Plot:
    feature = _clearest(paths)
    return Plot(
        slug="headline-units",
        title="Paths of the four units through the space of their weights",
        alt="Three panels side by side, one per start: the path of each of four hidden units, with its input weight "
        "against its output weight. "
        + " ".join(f"{START_NAMES[path.start]}: the units end up to {path.separation:.3g} apart." for path in paths),
        data=tidy(paths, lambda path: {"input weight": path.W1[:, :, feature], "output weight": path.W2}),
        draw=lambda figure: _draw_ways(figure, paths, feature),
        note=f"Each line is the path of one hidden unit in {paths[0].iterations[-1]} iterations, from the ring to the "
        "dot. All panels have the same scales. The lines of equal units lie on top of each other, with different "
        f"widths. The input weight shown is that of {quoted(feature_names[feature])}, for which the two closest units "
        f"end furthest apart. Standardised features, learning rate {STANDARDISED_LEARNING_RATE:g}, seed {seed}.",
        height_inches=2.8,
    )


def _clearest(paths: tuple[UnitPaths, ...]) -> int:
    """Input in whose weight, with the output weight, the two closest units end furthest from each other."""
    path = max(paths, key=lambda each: each.separation)
    W1, W2 = path.W1[-1], path.W2[-1]
    first, second = np.triu_indices(len(W2), 1)
    apart = np.hypot(W1[first] - W1[second], (W2[first] - W2[second])[:, None])
    return int(apart.min(axis=0).argmax())


def _draw_ways(figure: Figure, paths: tuple[UnitPaths, ...], feature: int) -> None:
    panels = figure.subplots(1, len(paths), sharex=True, sharey=True, squeeze=False)[0]
    for axes, path in zip(panels, paths, strict=True):
        for unit, (colour, width) in enumerate(zip(COLOURS, _line_widths(path), strict=True)):
            x, y = path.W1[:, unit, feature], path.W2[:, unit]
            axes.plot(x, y, color=colour, linewidth=width, solid_capstyle="round")
            axes.plot(x[-1], y[-1], "o", color=colour, markersize=width + 3)
        axes.plot(path.W1[0, :, feature], path.W2[0], "o", markerfacecolor="none", color=INK, markersize=14)
        axes.margins(0.12)
        axes.locator_params(nbins=4)
        axes.set_title(f"{START_NAMES[path.start].removesuffix(' weights')}: {_ways(path)}")
    panels[len(panels) // 2].set_xlabel("input weight W1")
    panels[0].set_ylabel("output weight W2")


def _line_widths(path: UnitPaths) -> tuple[float, ...]:
    """Give the units' lines widths by which one sees each of them even where they lie on each other."""
    return (9.0, 6.5, 4.0, 1.5) if path.separation == 0 else (1.6,) * len(COLOURS)


def _ways(path: UnitPaths) -> str:
    """Count the different ways through the weights."""
    states: Array = np.concatenate([path.W1, path.W2[:, :, None]], axis=2)
    count = len(np.unique(np.moveaxis(states, 1, 0).reshape(states.shape[1], -1), axis=0))
    if count == 1:
        return "no path" if (states == states[0]).all() else "1 path"
    return f"{count} paths"


STUDY = Study("breaking", 20, run, render, seconds=1, in_lesson=True)
