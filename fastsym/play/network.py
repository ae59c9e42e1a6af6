"""A picture of the network: inputs, hidden units and output, joined by edges as thick as their weights."""

from typing import Any

import numpy as np

from fastsym.model.params import Params

MOST_INPUTS = 12
MOST_UNITS = 8
WIDTH, ROW, TOP = 420, 30, 18
"""Size in units of the drawing; a row for each input or hidden unit."""
INPUT_X, UNIT_X, OUTPUT_X = 118, 260, 372
THICKEST = 7.0
"""Width of the edge of the largest weight."""


def picture(params: Params, feature_names: tuple[str, ...]) -> dict[str, Any]:
    """Lay out the network of these parameters.

    Returns
    -------
    dict
        width and height; title, for those who do not see it; nodes with x, y, text, note and kind; edges with x1, y1,
        x2, y2, width, kind (positive, negative or zero) and the weight as text.
    """
    W1, W2 = params.W1[:MOST_UNITS, :MOST_INPUTS], params.W2[:MOST_UNITS]
    units, inputs = W1.shape
    height = 2 * TOP + ROW * (max(units, inputs) - 1)
    input_y, unit_y = _rows(inputs, height), _rows(units, height)
    sizes = np.abs(np.concatenate([W1.ravel(), W2]))
    largest = float(sizes[np.isfinite(sizes)].max(initial=0)) or 1.0

    def edge(x1: float, y1: float, x2: float, y2: float, weight: float, name: str) -> dict[str, Any]:
        kind = "positive" if weight > 0 else "negative" if weight < 0 else "zero"
        width = round(max(0.3, THICKEST * min(1.0, abs(weight) / largest)), 2) if np.isfinite(weight) else 0.3
        ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
        return ends | {"width": width, "kind": kind, "text": f"{name}: {weight:.4g}"}

    edges = [
        edge(INPUT_X, input_y[d], UNIT_X, unit_y[h], float(W1[h, d]), f"{feature_names[d]} to unit {h + 1}")
        for h in range(units)
        for d in range(inputs)
    ] + [edge(UNIT_X, unit_y[h], OUTPUT_X, height / 2, float(W2[h]), f"unit {h + 1} to output") for h in range(units)]
    nodes = [_node(INPUT_X, input_y[d], feature_names[d], "", "input") for d in range(inputs)]
    nodes += [_node(UNIT_X, unit_y[h], str(h + 1), f"b1 {params.b1[h]:.3g}", "unit") for h in range(units)]
    nodes += [_node(OUTPUT_X, height / 2, "y", f"b2 {params.b2:.3g}", "output")]
    whole = W1.size == params.W1.size
    shown = "" if whole else f", {units} of {params.W2.size} units and {inputs} of {len(feature_names)} features"
    colours = f"the thickest edge is {largest:.3g}; orange positive, blue negative, dotted 0"
    scale = colours if sizes.any() else "all weights are 0, so all edges are dotted"
    title = f"The network{shown}: {scale}"
    return {"width": WIDTH, "height": height, "title": title, "nodes": nodes, "edges": edges}


def _rows(count: int, height: float) -> list[float]:
    return [height / 2 + ROW * (row - (count - 1) / 2) for row in range(count)]


def _node(x: float, y: float, text: str, note: str, kind: str) -> dict[str, Any]:
    return {"x": x, "y": y, "text": text if len(text) <= 14 else f"{text[:13]}…", "note": note, "kind": kind}
