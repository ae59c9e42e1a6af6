"""How figures look, and how they become files: one palette for light and dark, SVG that never changes without cause."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from fastsym.report.content import WIDTH_INCHES, Plot, unbroken

TITLE_LETTERS = 54
"""In a line of a title over a figure of :data:`fastsym.report.content.WIDTH_INCHES`."""
TITLE_ID = "title"
PNG_DOTS_PER_INCH = 120
SVG = "http://www.w3.org/2000/svg"

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
    # On the line of the variant that it stands for, which must still be seen.
    "fast": {"color": INK, "marker": "", "linestyle": ":"},
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
    # Hinting rounds the widths of texts to whole dots, by which they would not fit in files without dots.
    "text.hinting": "none",
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


@contextmanager
def _drawn(plot: Plot) -> Iterator[tuple[Figure, Text]]:
    """Draw a plot; give the figure and its title."""
    words = fill(unbroken(plot.title.replace("`", "")), round(TITLE_LETTERS * plot.width_inches / WIDTH_INCHES))
    with mpl.rc_context(RC):
        figure = Figure(figsize=(plot.width_inches, plot.height_inches), layout="constrained")
        FigureCanvasAgg(figure)
        plot.draw(figure)
        figure.align_ylabels()
        yield figure, figure.suptitle(words, x=0.01, ha="left", fontweight="bold", parse_math=False, gid=TITLE_ID)


def save_png(plot: Plot, folder: Path) -> None:
    """Draw a plot and write ``<slug>.png`` with its title into a folder."""
    with _drawn(plot) as (figure, _):
        figure.savefig(folder / f"{plot.slug}.png", dpi=PNG_DOTS_PER_INCH)


def save(plot: Plot, folder: Path) -> str:
    """Draw a plot, write ``<slug>.svg``, ``<slug>.pdf`` and ``<slug>.png`` with its title, and return SVG for the page.

    Parameters
    ----------
    plot
        What to draw.
    folder
        Where the three files go.

    Returns
    -------
    str
        An ``<svg>`` element cut off below the title, whose colours are the custom properties of
        :func:`style_sheet` and whose ids are unique in the page.
    """
    with _drawn(plot) as (figure, title):
        figure.savefig(folder / f"{plot.slug}.png", dpi=PNG_DOTS_PER_INCH)
        figure.set_layout_engine(None)  # what was laid out for the first file holds for the others: it takes long
        figure.savefig(folder / f"{plot.slug}.pdf", metadata={"CreationDate": None, "Title": title.get_text()})
        buffer = BytesIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
        title_share = 1 - title.get_window_extent().y0 / figure.bbox.height
    svg = buffer.getvalue().decode()
    opaque = svg.replace("<defs>", '<rect width="100%" height="100%" fill="white"/>\n <defs>', 1)
    (folder / f"{plot.slug}.svg").write_text(opaque, encoding="utf-8")
    return _inlined(svg, plot, title_share)


def _inlined(svg: str, plot: Plot, title_share: float) -> str:
    """Make an SVG file an element of the page, without the top that holds the title, which the page has in words."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # The page's content security policy allows no style but its own: attributes say the same.
    svg = re.sub(r"<style .*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' style="([^"]*)"', lambda found: _attributes(found[1]), svg)
    # Hidden, because a letter may reach below the cut; not removed, because later texts use its glyphs.
    svg = svg.replace(f'<g id="{TITLE_ID}">', f'<g id="{TITLE_ID}" visibility="hidden">', 1)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{plot.slug}-", svg)
    for colour in DARK:
        svg = svg.replace(colour, f"var(--c{colour[1:]})")
    width, height = 72 * plot.width_inches, 72 * plot.height_inches
    top = title_share * height
    # The page sizes it by its width, and says what it shows by the label of the element around it.
    begin = (
        f'<svg aria-hidden="true" viewBox="0 {top:.2f} {width:g} {height - top:.2f}" stroke-linejoin="round" '
        f'xmlns="{SVG}" version="1.1">'
    )
    return re.sub(r"<svg [^>]*>", begin, svg, count=1)


def _attributes(style: str) -> str:
    """Write a style attribute as presentation attributes, which mean the same where no style sheet speaks of them."""
    declarations = (each.split(":", 1) for each in style.split(";") if each.strip())
    return "".join(f' {name.strip()}="{value.strip()}"' for name, value in declarations)
