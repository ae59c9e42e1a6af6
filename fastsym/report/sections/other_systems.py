"""Other systems beside ours, from a separate session."""

import pandas as pd
from matplotlib.figure import Figure

from fastsym.report.charts import log_y, width_axis
from fastsym.report.content import Plot, Section, Table, rounded
from fastsym.report.recorded import OTHER_SYSTEMS, YARDSTICKS, read_other_systems
from fastsym.report.study import Context, Study
from fastsym.report.style import BLUE, GREEN, INK, MUTED, ORANGE, PURPLE, SKY, VARIANT_STYLES, VERMILLION

NAMES = {
    "c": "C, tanh",
    "c_exp": "C, tanh from exp",
    "jax": "JAX",
    "torch": "PyTorch by hand",
    "torch_autograd": "PyTorch autograd",
    "sklearn": "scikit-learn",
}
STYLES = {
    "c": (BLUE, "o"),
    "c_exp": (SKY, "^"),
    "jax": (GREEN, "D"),
    "torch": (VERMILLION, "v"),
    "torch_autograd": (ORANGE, "P"),
    "sklearn": (PURPLE, "X"),
}
OTHER_STYLE = (MUTED, "s")
COUNTS = {1: "one thread", 2: "two threads"}


def render(recorded: pd.DataFrame | None, _: Context) -> Section | None:
    """Say how much longer other systems take for the same work; None without the file that says so."""
    if recorded is None:
        return None
    others = recorded[~recorded["system"].isin(VARIANT_STYLES)]
    if others.empty:
        return None
    yardsticks = {count: name for count, name in YARDSTICKS.items() if (others["threads"] == count).any()}
    parts = {
        f"on {COUNTS[count]}": (others[others["threads"] == count], yardstick)
        for count, yardstick in yardsticks.items()
    }
    finding = "; ".join(f"{where} {_range(*part)}" for where, part in parts.items())
    counted = "; ".join(f"{where} {_beside(rows)}" for where, (rows, _) in parts.items())
    plot = Plot(
        slug="other-systems",
        title="Time of other systems, divided by the time of fastsym with the same number of threads",
        alt="How many times as long each other system takes, against hidden width, both axes logarithmic, one panel "
        "per number of threads, one line per system. "
        + " ".join(
            f"{_name(str(system))}, {COUNTS[int(str(count))]}: {rounded(rows.min())} to {rounded(rows.max())}."
            for (system, count), rows in others.groupby(["system", "threads"], sort=False)["ratio"]
        ),
        data=others,
        draw=lambda figure: _draw(figure, others, yardsticks),
        note="Marks: medians of the ratios of interleaved runs. Bars: 95 % intervals. Below the line at 1, the other "
        "system is faster. If its bar crosses the line, it is undecided which system is faster.",
        height_inches=1.3 + 2.3 * len(yardsticks),
    )
    return Section(
        "other-systems",
        "Comparison with other systems",
        f"{finding[0].upper()}{finding[1:]}.",
        (
            f"The ratios come from `{OTHER_SYSTEMS}`, which was measured in a separate session. Therefore only ratios "
            "within that session are shown, and none of its times. Every system does the same work, and its result is "
            "checked before the timing: float64, the article's features, the cost of every iteration recorded. Other "
            f"systems take {counted}.",
            plot,
            _table(others),
        ),
    )


def _range(rows: pd.DataFrame, yardstick: str) -> str:
    """Say between which ratios the others lie."""
    least, most = rounded(rows["ratio"].min()), rounded(rows["ratio"].max())
    between = least if least == most else f"{least} to {most}"
    return f"other systems take {between} times as long as `{yardstick}`"


def _beside(rows: pd.DataFrame) -> str:
    """Say how many of the others are slower, and which leave open which of the two is the quicker."""
    least, most = rows.iloc[rows["ratio"].argmin()], rows.iloc[rows["ratio"].argmax()]
    slower, quicker = int((rows["low"] > 1).sum()), int((rows["high"] < 1).sum())
    between = rows[(rows["low"] <= 1) & (rows["high"] >= 1)]
    named = "; ".join(
        f"{_name(str(system))} at H = {', '.join(map(str, widths))}"
        for system, widths in between.groupby("system", sort=False)["hidden"]
    )
    text = f"{_with_interval(least)} to {_with_interval(most)} times as long as fastsym: "
    return f"{text}longer in {slower} of {len(rows)} cases, less in {quicker}, undecided in {len(between)}" + (
        f" ({named})" if named else ""
    )


def _with_interval(row: pd.Series) -> str:
    return f"{rounded(row['ratio'])} ({rounded(row['low'])} to {rounded(row['high'])})"


def _name(system: str) -> str:
    return NAMES.get(system, system)


def _draw(figure: Figure, others: pd.DataFrame, yardsticks: dict[int, str]) -> None:
    panels = figure.subplots(len(yardsticks), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (count, yardstick) in zip(panels, yardsticks.items(), strict=True):
        for system, rows in others[others["threads"] == count].groupby("system", sort=False):
            colour, marker = STYLES.get(str(system), OTHER_STYLE)
            axes.plot(rows["hidden"], rows["ratio"], color=colour, marker=marker, label=_name(str(system)))
            axes.vlines(rows["hidden"], rows["low"], rows["high"], color=colour, linewidth=1)
        axes.axhline(1, color=INK, linewidth=1, linestyle="--")
        log_y(axes, (1, 2, 5))
        axes.set_title(f"{COUNTS[count]}, over {yardstick}")
        axes.set_ylabel("times as long")
        width_axis(axes, others["hidden"])
        axes.label_outer()
    handles = {
        label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3)


def _table(others: pd.DataFrame) -> Table:
    names = {"hidden": "H", "system": "system", "threads": "threads", "yardstick": "over", "ratio": "times as long"}
    frame = others.assign(system=others["system"].map(_name)).rename(columns=names)[[*names.values(), "low", "high"]]
    formats = dict.fromkeys(("times as long", "low", "high"), ".2f")
    return Table(
        "other-systems-table",
        "Every ratio; low and high are the limits of a 95 % interval",
        frame,
        formats,
        folded=True,
    )


STUDY = Study("other-systems", 150, lambda _: read_other_systems(), render, only_titanic=True)
