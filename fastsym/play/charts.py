"""A training's results as options for Apache ECharts: https://echarts.apache.org/en/option.html.

Colours are CSS variables of ``play.css``, so that a chart follows the light or dark page.
"""

from typing import Any

import numpy as np

from fastsym.model.params import Array
from fastsym.model.units import class_letters
from fastsym.play.retrain import TOLERANCE, Observed
from fastsym.play.settings import ITERATIONS

MOST_LINES = 8
"""Number of units whose output weights are drawn."""
MOST_ROWS = 32
"""Number of units whose rows of W1 are drawn."""
BUCKET = 10
"""The cost curve keeps the lowest and the highest of every 10 costs: no spike is lost, and the page stays light."""
DASHES: tuple[Any, ...] = ("solid", "dashed", "dotted", [10, 3, 2, 3])
"""Line styles, so that lines can be told apart without their colours."""
DIVERGING = ("#2166ac", "#92c5de", "#f2f0eb", "#f4a582", "#b2182b")
"""ColorBrewer's RdBu, which is safe for colour-blind readers."""
LEGEND_ROW = 4
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


def cost_options(observed: Observed) -> Options:
    """Draw the cost against the iteration."""
    points = _points(*extremes(observed.costs))
    return _lines("mean cost (nats per sample)", [_line("cost", points, 0, 2)], "Cost against the iteration")


def extremes(costs: Array) -> tuple[Array, Array]:
    """Return the iterations and costs of the extremes of each bucket, and of the first and last iteration."""
    buckets = costs.reshape(-1, BUCKET)
    starts = np.arange(0, costs.size, BUCKET)
    kept = [starts + buckets.argmin(axis=1), starts + buckets.argmax(axis=1), [0, costs.size - 1]]
    iterations = np.unique(np.concatenate(kept))
    return iterations, costs[iterations]


def classes_of(observed: Observed) -> str:
    """Say which units are equal at the end."""
    units, classes = len(observed.labels), int(observed.labels.max()) + 1
    if units == 1:
        return "there is one unit"
    if classes == 1:
        return f"all {units} units are identical"
    if classes == units:
        return f"all {units} units are different"
    letters = f": {class_letters(observed.labels)}" if units <= LETTERS_AT_MOST else ""
    return f"{units} units fall into {classes} classes of equal units{letters}"


def weights_title(observed: Observed) -> str:
    """Say what the curves of the output weights show."""
    shown = f" of the first {MOST_LINES} units" if len(observed.labels) > MOST_LINES else ""
    return f"Output weights{shown}: {classes_of(observed)}"


def weights_options(observed: Observed) -> Options:
    """Draw the output weights of the first units against the iteration."""
    shown = min(observed.W2.shape[1], MOST_LINES)
    lines = [
        # Lines may coincide: the earlier ones are thicker, so that all stay visible.
        _line(
            f"unit {unit + 1}",
            _points(observed.iterations, observed.W2[:, unit]),
            unit,
            1.5 + 0.35 * (shown - 1 - unit),
        )
        for unit in range(shown)
    ]
    of_all = f", the first {shown} of {observed.W2.shape[1]} units" if shown < observed.W2.shape[1] else ""
    options = _lines("output weight W2", lines, f"Output weight of each unit against the iteration{of_all}")
    options["legend"] = {"bottom": 0, "itemWidth": 34, "textStyle": {"color": "var(--ink)"}}
    options["grid"]["bottom"] = 74 if shown <= LEGEND_ROW else 98
    return options


def rows_title(observed: Observed) -> str:
    """Say which rows the heat map shows."""
    units = len(observed.labels)
    which = f"the first {MOST_ROWS} of {units} units" if units > MOST_ROWS else "each unit" if units > 1 else "the unit"
    return f"Weights into {which} after {ITERATIONS} iterations (W1)"


def rows_options(observed: Observed) -> Options:
    """Draw the final W1 as a heat map, one row per unit."""
    rows = observed.params.W1[:MOST_ROWS]
    finite = np.abs(rows[np.isfinite(rows)])
    largest = float(f"{finite.max(initial=0):.2g}") or 1.0
    cells = [[f, h, _number(value)] for h, row in enumerate(rows.tolist()) for f, value in enumerate(row)]
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
    units = classes_of(observed)
    return f"{cost_title(observed)}. {units[0].upper()}{units[1:]}."


def facts(observed: Observed) -> dict[str, str]:
    """Return the numbers shown below the charts: label -> text."""
    classes = int(observed.labels.max()) + 1
    spelled = f" ({class_letters(observed.labels)})" if len(observed.labels) <= LETTERS_AT_MOST else ""
    return {
        "Final cost": str(observed.costs[-1]),
        "Classes, bit for bit": f"{classes} of {len(observed.labels)}{spelled}",
        f"Classes within {TOLERANCE:g}": str(observed.near_classes),
        "Dead units": str(observed.dead),
        "Saturated hidden values": f"{100 * observed.saturated:.1f} %",
        "Training took": f"{observed.milliseconds:.0f} ms",
        "Variant": observed.variant,
    }


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _points(x: Array, y: Array) -> list[list[float | None]]:
    return [[a, _number(b)] for a, b in zip(x.tolist(), y.tolist(), strict=True)]


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


def _lines(quantity: str, series: list[Options], description: str) -> Options:
    axis = {"splitLine": {"lineStyle": {"color": "var(--grid)"}}, "axisLabel": {"color": "var(--ink)"}}
    return {
        "animation": False,
        "aria": {"enabled": True, "label": {"description": description}},
        "grid": {"left": 68, "right": 22, "top": 12, "bottom": 48},
        "xAxis": {"type": "value", "name": "iteration", "min": 0, "max": ITERATIONS, **axis, **_named(26)},
        "yAxis": {"type": "value", "name": quantity, "scale": True, **axis, **_named(50)},
        "tooltip": {"trigger": "axis", "confine": True},
        "series": series,
    }
