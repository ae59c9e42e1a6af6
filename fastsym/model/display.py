"""How arrays, tables and curves are shown: in a line for terminals, as HTML for notebooks."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_ROWS = 12
"""Rows of a table beyond these are only counted."""
MOST_POINTS = 200
"""Points of a curve, evenly spaced in the logarithm of the iteration."""
WIDTH, HEIGHT, MARGIN = 260, 64, 4
"""Of a curve, in pixels."""


def array_line(name: str, value: Any) -> str:
    """Describe an array: name, shape and range; a single number is shown."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub" or value.size == 0:
        return f"{name} {getattr(value, 'shape', None) or repr(value)}"
    if value.ndim == 0:
        return f"{name} {value:.6g}"
    low, high = value.min(), value.max()
    return f"{name} {value.shape} " + (f"all {low:.3g}" if low == high else f"from {low:.3g} to {high:.3g}")


def listed_names(names: Sequence[str], most: int = MOST_ROWS) -> str:
    """Join names by commas; those beyond ``most`` are only counted."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more


def html_table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str]], total: int) -> str:
    """Write a table, its texts escaped.

    Parameters
    ----------
    caption
        A line above it.
    header, rows
        Texts; rows beyond :data:`MOST_ROWS` should not come, they are counted below the table.
    total
        How many rows there are, shown or not.
    """
    head = "".join(f"<th>{escape(text)}</th>" for text in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    more = f"<p>and {total - MOST_ROWS} more</p>" if total > MOST_ROWS else ""
    return f"<p>{escape(caption)}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def html_curve(values: NDArray[Any], label: str) -> str:
    """Draw (T,) numbers as a small inline SVG over the logarithm of the iteration; what is not finite is left out."""
    count = len(values)
    index = np.unique(np.rint(np.geomspace(1, max(count, 1), MOST_POINTS)).astype(int)) - 1
    index = index[np.isfinite(values[index])] if count else index[:0]
    if len(index) < 2:
        return ""
    x, y = np.log1p(index), values[index].astype(float)
    x, y = (x - x[0]) / (x[-1] - x[0]), (y - y.min()) / (np.ptp(y) or 1.0)
    points = " ".join(
        f"{MARGIN + across * (WIDTH - 2 * MARGIN):.1f},{HEIGHT - MARGIN - up * (HEIGHT - 2 * MARGIN):.1f}"
        for across, up in zip(x.tolist(), y.tolist(), strict=True)
    )
    return (
        f'<svg role="img" aria-label="{escape(label)}" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}"><title>{escape(label)}</title>'
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>'
    )
