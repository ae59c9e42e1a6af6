"""The heat map of speed-ups over widths and iteration counts."""

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from fastsym.report.content import Plot, rounded
from fastsym.report.speedups import BASELINES


def heat_plot(cells: pd.DataFrame, best: str) -> Plot:
    """Speed-up of one variant over the baselines.

    Parameters
    ----------
    cells
        As from :func:`fastsym.report.speedups.speedups`, of one variant.
    best
        Its label.
    """
    known = [name for name in BASELINES if cells[f"over_{name}"].notna().any()]
    title = f"`{best}` is " + " and ".join(
        f"{rounded(cells[f'over_{name}'].min())} to {rounded(cells[f'over_{name}'].max())} times as fast as `{name}`"
        for name in known
    )
    columns = ["hidden", "iterations", *(f"over_{name}" for name in known)]
    return Plot(
        slug="speed-up",
        title=f"{title}, by width and iterations",
        alt=f"A heat map per baseline ({', '.join(known)}): speed-up of {best} by hidden width and iteration count. "
        + " ".join(
            f"Over {name}: lowest {rounded(cells[f'over_{name}'].min())}, "
            f"median {rounded(cells[f'over_{name}'].median())}, highest {rounded(cells[f'over_{name}'].max())}."
            for name in known
        ),
        data=cells[columns],
        draw=lambda figure: _draw_heat(figure, cells, known),
        note="Numbers are times as fast. An empty cell was not measured.",
        height_inches=0.6 + len(known) * (0.8 + 0.27 * cells["hidden"].nunique()),
    )


def _draw_heat(figure: Figure, cells: pd.DataFrame, known: list[str]) -> None:
    values = cells[[f"over_{name}" for name in known]].to_numpy()
    norm = LogNorm(min(1.0, np.nanmin(values)), max(np.nanmax(values), 2.0))
    panels = figure.subplots(len(known), 1, sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(panels, known, strict=True):
        grid = cells.pivot(index="hidden", columns="iterations", values=f"over_{name}")
        mesh = axes.pcolormesh(grid.to_numpy(), norm=norm, cmap="cividis", edgecolor="none")
        axes.set_title(f"over {name}")
        axes.set_xticks(np.arange(grid.shape[1]) + 0.5, [str(count) for count in grid.columns])
        axes.set_yticks(np.arange(grid.shape[0]) + 0.5, [str(width) for width in grid.index])
        axes.set_ylabel("hidden width H")
        axes.grid(visible=False)
        for (row, column), value in np.ndenumerate(grid.to_numpy()):
            if np.isfinite(value):
                text = f"{value:.1f}" if value < 100 else f"{value:.0f}"
                colour = _legible_on(mesh.to_rgba(value))
                axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=colour)
    panels[-1].set_xlabel("iterations T")


def _legible_on(background: ArrayLike) -> str:
    """Black or white, whichever has the higher contrast as WCAG 2 defines it, with sRGB's curve taken as a power."""
    luminance = np.asarray(background)[:3] ** 2.2 @ (0.2126, 0.7152, 0.0722)
    return "black" if luminance > 0.179 else "white"
