"""How often the performance gate is wrong, from a study recorded in sessions of its own."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastsym.report.content import Format, Plot, Section, Table, percent
from fastsym.report.recorded import GATE, read_gate
from fastsym.report.study import Context, Study
from fastsym.report.style import BLUE, INK, ORANGE, PURPLE, VERMILLION

SUITES = {"suite": "50 tests", "own": "fastsym"}
CONDITIONS = {"busy": "busy neighbour"}
STYLES = ((BLUE, "o", "-"), (VERMILLION, "^", "--"), (ORANGE, "D", "-."), (PURPLE, "X", ":"))


def render(rates: pd.DataFrame | None, _: Context) -> Section | None:
    """Show false alarms and detections against the size of the slowdown; None without the study's file."""
    if rates is None:
        return None
    suites = rates["suite"].map(lambda name: SUITES.get(name, name))
    conditions = rates["condition"].map(lambda name: CONDITIONS.get(name, name))
    frame = rates.assign(suite=suites, condition=conditions, line=suites + ", " + conditions)
    return Section(
        "gate",
        "How often the performance gate is wrong",
        _finding(frame, (0.05, 0.1)),
        (
            f"The rates come from `{GATE}`, which `python -m bench.gate_study` recorded in separate sessions. The "
            "recording contains groups of fresh processes of two revisions. Either both revisions were the same, or "
            "one did a known amount of extra work in one test. The suite of tests was either 50 tests made for the "
            "study, or fastsym's own tests. Each decision is replayed on groups drawn from the recording, and the "
            "intervals come from a bootstrap of the recorded groups.",
            _plot(frame),
            _table(frame),
        ),
    )


def _plot(frame: pd.DataFrame) -> Plot:
    return Plot(
        slug="gate-rates",
        title="Share of runs that report a slowdown",
        alt="Share of gate runs that report a slowdown against the size of the added slowdown, one line per suite and "
        "condition, with intervals. "
        + " ".join(
            f"{row['line']}, {100 * row['slowdown_nominal']:g} %: {row['detected']} of {row['decisions']}."
            for row in frame.to_dict("records")
        ),
        data=frame.drop(columns="line"),
        draw=lambda figure: _draw(figure, frame),
        note="At the leftmost points both revisions are the same, and every report is a false alarm. At all other "
        "points, a report of the slowed test is correct. Bars: 95 % intervals. Dotted line: 95 %, the goal for a "
        "slowdown of 5 %.",
        height_inches=4.2,
    )


def _table(frame: pd.DataFrame) -> Table:
    names = {"slowdown_nominal": "slowdown", "slowdown_actual": "measured", "detected": "reported"}
    names |= {"false_alarms": "false alarms", "cannot_judge": "cannot judge"}
    columns = ["suite", "condition", *names.values(), "decisions", "rate", "low", "high"]
    formats: dict[str, Format] = dict.fromkeys(("slowdown", "measured", "rate", "low", "high"), percent)
    caption = "Gate runs that reported a slowdown; low and high are the limits of a 95 % interval"
    return Table("gate-rates-table", caption, frame.rename(columns=names)[columns], formats)


def _finding(frame: pd.DataFrame, slowdowns: tuple[float, ...]) -> str:
    """Take the worst of all suites and conditions; the table has each."""
    rates = {float(str(size)): list(rows) for size, rows in frame.groupby("slowdown_nominal")["rate"]}
    alarms = "in an unknown share of replayed runs"
    if 0.0 in rates:
        worst = max(rates[0.0])
        alarms = f"in at most {percent(worst)} of replayed runs" if worst > 0 else "in none of the replayed runs"
    found = [f"by {100 * size:g} % in at least {percent(min(rates[size]))}" for size in slowdowns if size in rates]
    reported = f", and it reports a slowdown of one test {' and '.join(found)} of them" if found else ""
    return f"The gate raises a false alarm {alarms}{reported}."


def _draw(figure: Figure, frame: pd.DataFrame) -> None:
    axes: Axes = figure.subplots()
    groups = frame.groupby("line", sort=False)
    for (name, rows), (colour, marker, line) in zip(groups, STYLES[: len(groups)], strict=True):
        x = 100 * rows["slowdown_actual"]
        axes.plot(x, 100 * rows["rate"], color=colour, marker=marker, linestyle=line, label=str(name))
        axes.vlines(x, 100 * rows["low"], 100 * rows["high"], color=colour, linewidth=1)
    axes.axhline(95, color=INK, linewidth=0.8, linestyle=":")
    axes.set_ylim(-3, 103)
    axes.set_xlabel("slowdown, as measured (%)")
    axes.set_ylabel("runs that report it (%)")
    figure.legend(loc="outside lower center", ncols=2)


STUDY = Study("gate", 180, lambda _: read_gate(), render, only_titanic=True)
