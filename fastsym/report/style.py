"""How figures look, and how they become files: one palette for light and dark, SVG that never changes without cause."""

import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fastsym.report.content import Plot

WIDTH_INCHES = 5.2
"""Narrow, so that the text stays legible when the figure fills a phone."""

INK, MUTED, GRID = "#1f2328", "#59636e", "#d4dae1"
BLUE, ORANGE, GREEN, PURPLE, VERMILLION, SKY = "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9"
"""Okabe and Ito's palette, which people with any colour vision can tell apart."""

DARK = {
    INK: "#e6edf3",
    MUTED: "#9aa4af",
    GRID: "#333b45",
    BLUE: "#4aa8e8",
    ORANGE: "#f0b432",
    GREEN: "#2fc79c",
    PURPLE: "#e29ac2",
    VERMILLION: "#ff8040",
    SKY: "#9ad7fa",
}
"""Each colour's counterpart on a dark page."""

VARIANT_STYLES: Mapping[str, dict[str, Any]] = {
    "reference": {"color": MUTED, "marker": "s", "linestyle": "-"},
    "numpy": {"color": ORANGE, "marker": "D", "linestyle": "--"},
    "loops": {"color": SKY, "marker": "v", "linestyle": "-."},
    "fused": {"color": GREEN, "marker": "^", "linestyle": "-"},
    "simd": {"color": BLUE, "marker": "o", "linestyle": "-"},
    "parallel": {"color": VERMILLION, "marker": "P", "linestyle": "-"},
}
OTHER_STYLE: dict[str, Any] = {"color": PURPLE, "marker": "X", "linestyle": ":"}
"""For variants of installed packages."""

RC: Any = {
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "figure.titlesize": 10.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.useoffset": False,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "svg.hashsalt": "fastsym",
    "savefig.facecolor": "white",
}


def variant_style(name: str) -> dict[str, Any]:
    """Colour, marker and line of a variant, the same in every figure."""
    return dict(VARIANT_STYLES.get(name, OTHER_STYLE))


def style_sheet() -> str:
    """CSS custom properties for both themes; :func:`save` makes inline figures refer to them."""

    def block(shades: Mapping[str, str]) -> str:
        return " ".join(f"--c{colour[1:]}: {shade};" for colour, shade in shades.items())

    light = {colour: colour for colour in DARK}
    return f":root {{ {block(light)} }}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {block(DARK)} }} }}"


def save(plot: Plot, folder: Path) -> str:
    """Draw a plot, write ``<slug>.svg`` and ``<slug>.png`` with its title, and return SVG for the page.

    Parameters
    ----------
    plot
        What to draw.
    folder
        Where the two files go.

    Returns
    -------
    str
        An ``<svg>`` element without the title, whose colours are the custom properties of
        :func:`style_sheet` and whose ids are unique in the page.
    """
    with mpl.rc_context(RC):
        figure = Figure(figsize=(WIDTH_INCHES, plot.height_inches), layout="constrained")
        FigureCanvasAgg(figure)
        plot.draw(figure)
        figure.align_ylabels()
        title = figure.suptitle(
            fill(plot.title.replace("`", ""), 54), x=0.01, ha="left", fontweight="bold", parse_math=False
        )
        figure.savefig(folder / f"{plot.slug}.png", dpi=120)
        figure.set_layout_engine(None)  # what was laid out for the first file holds for the second: it takes long
        figure.savefig(folder / f"{plot.slug}.svg", metadata={"Date": None})
        title.set_visible(False)
        title.set_in_layout(False)
        figure.set_layout_engine("constrained")
        buffer = BytesIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return _inlined(buffer.getvalue().decode(), plot)


def _inlined(svg: str, plot: Plot) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{plot.slug}-", svg)
    for colour in DARK:
        svg = svg.replace(colour, f"var(--c{colour[1:]})")
    # The page sizes it by its width, and says what it shows by the label of the element around it.
    return re.sub(
        r'<svg (.*?)width="[^"]*"',
        r'<svg aria-hidden="true" \1',
        re.sub(r' height="[\d.]+pt"', "", svg, count=1),
        count=1,
    )
