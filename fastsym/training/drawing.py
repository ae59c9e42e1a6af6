"""Pictures of a training: by Matplotlib, and as HTML for notebooks."""

from typing import TYPE_CHECKING, Any

import numpy as np

from fastsym.model.display import MOST_ROWS, html_curve, html_table
from fastsym.model.params import LayerParams, Params
from fastsym.model.units import class_letters, unit_classes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fastsym.training.result import Training

MOST_ENTRIES = 10
"""A legend of more is left out."""
WIDEST, NARROWEST = 7.0, 1.5
"""Of the lines of units that start together."""
TOGETHER = 1e-6
"""Units whose starts differ by less begin on each other."""


def plot(training: "Training[Any]", log: bool = True) -> "tuple[Axes, Axes]":
    """Draw one network's training; see :meth:`fastsym.training.result.Training.plot`."""
    import matplotlib.pyplot as plt
    from matplotlib.patheffects import withStroke

    _, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    iterations = len(training.costs)
    left.plot(np.arange(iterations), training.costs, color="black")
    left.set(ylabel="cost, nats per sample", title="Cost")
    layer = isinstance(training.params, LayerParams)
    final = training.params[0] if layer else training.params.W2
    labels = np.arange(len(final)) if layer else unit_classes(training.params)
    colours = plt.get_cmap("tab10" if labels.max() < 10 else "viridis")(
        labels if labels.max() < 10 else labels / labels.max()
    )
    if training.history is None:
        right.scatter(np.full(len(final), iterations), final, c=colours, clip_on=False)
        right.set_title("Final values (record_every=n draws the paths)")
    else:
        paths = training.history[0] if layer else training.history.W2
        moments = np.append(np.arange(len(paths) - 1) * training.record_every, iterations)
        widths = np.full(len(final), NARROWEST) if layer else _line_widths(training.history)
        for path, colour, width in zip(paths.T, colours, widths, strict=True):
            edge = withStroke(linewidth=width + 0.8, foreground="white")
            right.plot(moments, path, color=colour, linewidth=width, path_effects=[edge], solid_capstyle="butt")
        right.set_title("Weights" if layer else f"Hidden units: {1 + labels.max()} of {len(final)} different")
    right.set_ylabel("weight W" if layer else "output weight W2")
    for axes in (left, right):
        if log:
            axes.set_xscale("symlog", linthresh=1)
        axes.set_xlim(0, max(iterations, 1))
        axes.set_xlabel("iteration")
        axes.spines[["top", "right"]].set_visible(False)
    if not layer and labels.max() < MOST_ENTRIES:
        marker = "o" if training.history is None else ""
        for label in range(1 + labels.max()):
            members = np.flatnonzero(labels == label)
            text = f"{class_letters(np.array([label]))}: unit{'s' if len(members) > 1 else ''} {_ranges(members + 1)}"
            right.plot([], [], marker=marker, color=colours[members[0]], label=text)
        right.legend(frameon=False, fontsize="small")
    return left, right


def _line_widths(history: Params) -> "np.ndarray[Any, Any]":
    """Give each unit a narrower line than the one before it, if any units start together."""
    units = history.W2.shape[1]
    labels = unit_classes(Params(*(values[0] for values in history)), TOGETHER)
    together = 1 + labels.max() < units
    return np.linspace(WIDEST, NARROWEST, units) if together else np.full(units, NARROWEST)


def _ranges(numbers: "np.ndarray[Any, Any]") -> str:
    """Write ascending whole numbers shortly: 1-3, 5."""
    runs = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    return ", ".join(f"{run[0]}" if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def html(training: "Training[Any]") -> str:
    """Write a summary, a curve of the cost, and a table of units, weights or networks."""
    caption = f"Training: {', '.join(training._facts())}"
    params = training.params
    if training.costs.ndim > 1:
        networks = [training.network(index) for index in range(min(len(training.costs), MOST_ROWS))]
        rows = [
            (str(index), f"{each.costs[-1]:.6g}" if each.costs.size else "", each.classes())
            for index, each in enumerate(networks)
        ]
        return html_table(caption, ("network", "final cost", "classes of units"), rows, len(training.costs))
    curve = html_curve(training.costs, "cost over the logarithm of the iteration")
    if not isinstance(params, Params):
        weights = [(str(index), f"{value:.6g}") for index, value in enumerate(params.W[:MOST_ROWS])]
        return curve + html_table(f"{caption}, b {params.b:.6g}", ("feature", "W"), weights, len(params.W))
    labels = unit_classes(params)
    with np.errstate(all="ignore"):  # of a training that left the finite range
        lengths = np.linalg.norm(params.W1, axis=1)
    units = [
        (
            str(h + 1),
            class_letters(labels[h : h + 1]),
            f"{lengths[h]:.6g}",
            f"{params.b1[h]:.6g}",
            f"{params.W2[h]:.6g}",
        )
        for h in range(min(len(labels), MOST_ROWS))
    ]
    header = ("unit", "class", "length of W1", "b1", "W2")
    return curve + html_table(f"{caption}; b2 {params.b2:.6g}", header, units, len(labels))
