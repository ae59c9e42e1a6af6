"""A training's results as options for Apache ECharts: https://echarts.apache.org/en/option.html.

Colours are CSS variables of ``play.css``, so that a chart follows the light or dark page.
"""

from typing import Any

import numpy as np

from fastsym.model.initialise import BLOCKS
from fastsym.model.params import Array
from fastsym.model.units import class_letters, unit_classes
from fastsym.play.retrain import TOLERANCE, Observed, stretches

MOST_LINES = 8
"""Number of units whose output weights are drawn."""
MOST_ROWS = 32
"""Number of units whose rows of W1 are drawn."""
ZERO_AT = 0.5
"""Where the logarithmic axis shows the start, iteration 0."""
DASHES: tuple[Any, ...] = ("solid", "dashed", "dotted", [10, 3, 2, 3])
"""Line styles, so that lines can be told apart without their colours."""
BIAS_STYLE = 6
"""Of the line of the output bias; with the colour of text."""
DIVERGING = ("#0072b2", "#79b0d0", "#f2f0eb", "#e4a87a", "#d55e00")
"""From negative to positive: Okabe and Ito's blue and vermillion, as in the report."""
LEGEND_ROW = 3
"""Number of legend entries that fit side by side on a phone."""
LETTERS_AT_MOST = 16
"""Up to this many units, the classes are written out as letters."""

Options = dict[str, Any]


def cost_title(observed: Observed) -> str:
    """Say what the cost curve shows."""
    finite = np.isfinite(observed.costs)
    if not finite.all():
        return f"The training diverged: the cost is not finite from iteration {int(np.argmin(finite))} on"
    first, last = observed.costs[[0, -1]]
    verb = "falls" if last < first else "rises" if last > first else "stays"
    return f"The cost {verb} from {first:.4f} to {last:.4f}" if last != first else f"The cost stays at {last:.4f}"


def cost_options(observed: Observed, before: Observed | None = None) -> Options:
    """Draw the cost against the iteration, and that of the run before in grey."""
    lines = [_line("cost", _points(*extremes(observed.costs)), 0, 2)]
    if before is not None:
        lines.insert(0, _ghost("before", _points(*extremes(before.costs))))
    options = _lines("mean cost (nats per sample)", lines, "Cost against the iteration", observed, before)
    options["legend"] = {"show": False}
    options["yAxis"]["scale"] = True
    return options


def extremes(costs: Array) -> tuple[Array, Array]:
    """Return iterations and costs, densely at first: lowest and highest of each range between two snapshots."""
    kept = [np.array([0, costs.size - 1])]
    for first, stop, every in stretches(costs.size):
        for start in range(first, stop, every):
            part = costs[start : min(start + every, stop)]
            kept.append(start + np.array([part.argmin(), part.argmax()]))
    iterations = np.unique(np.concatenate(kept))
    return iterations, costs[iterations]


def classes_of(labels: Array) -> str:
    """Say which units are equal."""
    units, classes = len(labels), int(labels.max()) + 1
    if units == 1:
        return "there is one unit"
    if classes == 1:
        return f"all {units} units are identical"
    if classes == units:
        return f"all {units} units are different"
    letters = f": {class_letters(labels)}" if units <= LETTERS_AT_MOST else ""
    return f"{units} units fall into {classes} classes of equal units{letters}"


def weights_title(observed: Observed) -> str:
    """Say what the curves of the output weights show."""
    shown = f" of the first {MOST_LINES} units" if len(observed.labels) > MOST_LINES else ""
    return f"Output weights{shown} and bias: {classes_of(observed.labels)}"


def weights_options(observed: Observed, before: Observed | None = None) -> Options:
    """Draw the output weights of the first units and the output bias; those of the run before in grey."""
    iterations, W2, b2 = observed.iterations, observed.history.W2, observed.history.b2
    shown = min(W2.shape[1], MOST_LINES)
    lines = [
        # Lines may coincide: the earlier ones are thicker, so that all stay visible.
        _line(f"unit {unit + 1}", _points(iterations, W2[:, unit]), unit, 1.5 + 0.35 * (shown - 1 - unit))
        for unit in range(shown)
    ]
    lines.append(_line("bias b2", _points(iterations, b2), BIAS_STYLE, 1.5))
    if before is not None:
        curves = np.unique(before.history.W2[:, :MOST_LINES], axis=1).T  # equal units are one line
        lines = [*(_ghost(f"before {n}", _points(before.iterations, curve)) for n, curve in enumerate(curves)), *lines]
    of_all = f", the first {shown} of {W2.shape[1]} units" if shown < W2.shape[1] else ""
    description = f"Output weight of each unit and output bias against the iteration{of_all}"
    options = _lines("output weight W2, bias b2", lines, description, observed, before)
    names = [line["name"] for line in lines if not line.get("silent")]
    options["legend"] = {"bottom": 0, "itemWidth": 34, "textStyle": {"color": "var(--ink)"}, "data": names}
    options["grid"]["bottom"] = 50 + 24 * -(-len(names) // LEGEND_ROW)
    return options


def rows_title(observed: Observed) -> str:
    """Say which rows the heat map shows."""
    units = len(observed.labels)
    which = f"the first {MOST_ROWS} of {units} units" if units > MOST_ROWS else "each unit" if units > 1 else "the unit"
    return f"Weights into {which} (W1)"


def rows_options(observed: Observed, moment: int = -1) -> Options:
    """Draw W1 at a moment as a heat map, one row per unit."""
    rows = observed.at(moment).W1[:MOST_ROWS]
    finite = np.abs(rows[np.isfinite(rows)])
    largest = float(f"{finite.max(initial=0):.2g}") or 1.0
    cells = [[f, h, _short(value)] for h, row in enumerate(rows.tolist()) for f, value in enumerate(row)]
    return {
        "animation": False,
        "aria": {"enabled": True, "label": {"description": rows_title(observed)}},
        "grid": {"left": 52, "right": 12, "top": 12, "bottom": 122},
        "xAxis": {
            "type": "category",
            "data": list(observed.feature_names),
            "name": "feature",
            "axisLabel": {"rotate": 50, "interval": 0, "color": "var(--ink)"},
            **_named(74),
        },
        "yAxis": {
            "type": "category",
            "data": [str(h + 1) for h in range(len(rows))],
            "name": "hidden unit",
            "inverse": True,
            "axisLabel": {"color": "var(--ink)"},
            **_named(34),
        },
        "visualMap": {
            "min": -largest,
            "max": largest,
            "precision": 12,  # otherwise its pointer rounds to whole numbers
            "text": [f"{largest:g}", f"weight {-largest:g}"],
            "inRange": {"color": list(DIVERGING)},
            "orient": "horizontal",
            "left": "center",
            "bottom": 0,
            "itemHeight": 90,
            "itemWidth": 12,
            "textStyle": {"color": "var(--ink)"},
        },
        "tooltip": {"confine": True},
        "series": [{"id": "W1", "name": "W1", "type": "heatmap", "data": cells, "emphasis": {"disabled": True}}],
    }


def summary(observed: Observed) -> str:
    """Summarise the result in a sentence or two."""
    units = classes_of(observed.labels)
    said = f"{cost_title(observed)}. {units[0].upper()}{units[1:]}."
    if observed.as_one:
        said += (
            f" They start equal and were trained as one unit with multiplicity {observed.settings.hidden}; training "
            "each of them gives the same up to rounding, as fastsym's tests verify."
        )
    if observed.settings.starts_equal and observed.labels.any():
        said += (
            f" They start equal, and the rounding of {observed.variant} separates them. fastsym's own loops keep them "
            "equal; the page trains again as soon as these are compiled."
        )
    if observed.settings.start.startswith(BLOCKS) and observed.dead:
        said += f" The number of dead units is {observed.dead}: units in no block start at 0 and stay 0."
    b2 = observed.history.b2
    if not observed.history.W1.any() and not observed.history.W2.any() and b2[0] != b2[-1]:
        said += (
            f" Every weight stays 0: the cost changes because the output bias b2 goes from {b2[0]:g} to {b2[-1]:.4f}, "
            "so that the network gives each sample the same probability, the share of class 1."
        )
    return said


def moment(observed: Observed, index: int) -> str:
    """Describe the network at one snapshot."""
    iteration = int(observed.iterations[index])
    params = observed.at(index)
    units = classes_of(unit_classes(params))
    cost = f"cost {observed.costs[iteration]:.4f}, " if iteration < observed.costs.size else ""
    return f"After {iteration} of {observed.costs.size} iterations: {cost}b2 {params.b2:.4g}; {units}."


def facts(observed: Observed) -> dict[str, str]:
    """Return the numbers shown below the charts: label -> text."""
    s = observed.settings
    classes = int(observed.labels.max()) + 1
    spelled = f" ({class_letters(observed.labels)})" if len(observed.labels) <= LETTERS_AT_MOST else ""
    test = "no test samples" if observed.test_accuracy is None else f"{100 * observed.test_accuracy:.1f} %"
    counted = f", one unit with multiplicity {s.hidden}" if observed.as_one else ""
    return {
        "Final cost": str(observed.costs[-1]),
        "Output bias b2": f"{observed.params.b2:.4g}",
        "Accuracy, training": f"{100 * observed.train_accuracy:.1f} %",
        "Accuracy, test": test,
        "Classes, bit for bit": f"{classes} of {len(observed.labels)}{spelled}",
        f"Classes within {TOLERANCE:g}": str(observed.near_classes),
        "Dead units": str(observed.dead),
        "Saturated hidden values": f"{100 * observed.saturated:.1f} %",
        "Training took": f"{observed.milliseconds:.0f} ms",
        "Variant": observed.variant + counted,
    }


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _short(value: float) -> float | None:
    return float(f"{value:.5g}") if np.isfinite(value) else None


def _points(x: Array, y: Array) -> list[list[float | None]]:
    return [[a or ZERO_AT, _short(b)] for a, b in zip(x.tolist(), y.tolist(), strict=True)]


def _named(gap: int) -> Options:
    return {
        "nameLocation": "middle",
        "nameGap": gap,
        "nameTextStyle": {"color": "var(--ink)"},
        "axisLine": {"show": True, "lineStyle": {"color": "var(--muted)"}},
        "axisTick": {"lineStyle": {"color": "var(--muted)"}},
    }


def _line(name: str, points: list[list[float | None]], style: int, width: float) -> Options:
    colour = f"var(--line-{style + 1})"
    return {
        "id": name,
        "name": name,
        "type": "line",
        "data": points,
        "symbol": "none",
        "lineStyle": {"color": colour, "width": width, "type": DASHES[style % len(DASHES)]},
        "itemStyle": {"color": colour},
        "emphasis": {"disabled": True},
    }


def _ghost(name: str, points: list[list[float | None]]) -> Options:
    """Draw a line of the run before: behind the others, without a name for the reader."""
    ghost = _line(name, points, 0, 1.5)
    ghost["lineStyle"] |= {"color": "var(--ghost)", "type": "solid"}
    return ghost | {"silent": True, "z": 1, "tooltip": {"show": False}}


def _lines(
    quantity: str, series: list[Options], description: str, observed: Observed, before: Observed | None
) -> Options:
    axis = {"splitLine": {"lineStyle": {"color": "var(--grid)"}}, "axisLabel": {"color": "var(--ink)"}}
    last = max(run.costs.size for run in (observed, before) if run is not None)
    return {
        "animation": False,
        "aria": {"enabled": True, "label": {"description": description}},
        "grid": {"left": 68, "right": 22, "top": 12, "bottom": 48},
        "xAxis": {"type": "log", "name": "iteration (logarithmic)", "min": ZERO_AT, "max": last, **axis, **_named(26)},
        "yAxis": {"type": "value", "name": quantity, **axis, **_named(50)},
        "tooltip": {"trigger": "axis", "confine": True},
        "series": series,
    }
