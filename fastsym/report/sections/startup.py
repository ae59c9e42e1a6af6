"""What a variant costs before its first iteration, and how long a training must be to earn it."""

from dataclasses import asdict
from math import nan

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastsym.experiments.article import CURVE_ITERATIONS, HIDDEN
from fastsym.report.charts import width_axis
from fastsym.report.content import Format, Plot, Section, Table, rounded
from fastsym.report.sections import agreement, speed
from fastsym.report.speedups import DTYPE, speedups
from fastsym.report.study import Context, Study
from fastsym.report.style import variant_style
from fastsym.timing.startup import ProcessTimes, Startup, break_even_table, measure_startup, time_fresh_process

KINDS = {"after_cache_load": "loading from the cache", "after_compile": "compiling"}
LINES = {"after_cache_load": "-", "after_compile": "--"}


def run(context: Context) -> tuple[Startup, ...]:
    """Measure what comes before the first iteration: compilation and load, or in one process the load alone.

    None, if the timings that it is set against are of another session.
    """
    certified = context.result(agreement.STUDY).timeable
    chosen = [name for name in context.settings.startups if name in certified and context.saved is None]
    if context.settings.is_full:
        return tuple(measure_startup(name) for name in chosen)
    return tuple(start_of(name, time_fresh_process(name, None)) for name in chosen)


def start_of(variant: str, times: ProcessTimes) -> Startup:
    """Say what one process shows: the load from the cache, or the compilation if it had to compile; NaN the other."""
    start = max(0.0, times.first_seconds - times.steady_seconds)
    compiled = times.compiling_seconds > 0
    return Startup(
        variant,
        compile_seconds=start if compiled else nan,
        cache_load_seconds=nan if compiled else start,
        first_call_seconds=times.import_fastsym_seconds + times.first_seconds,
        steady_seconds=times.steady_seconds,
        import_numba_seconds=times.import_numba_seconds,
        import_fastsym_seconds=times.import_fastsym_seconds,
    )


def render(measured: tuple[Startup, ...], context: Context) -> Section | None:
    """Break-even iterations; None if no start was measured."""
    if not measured:
        return None
    startups = {each.variant: each for each in measured}
    frame = speedups(context.result(speed.STUDY).timings)
    table = break_even_table(frame[frame["dtype"] == DTYPE], startups)
    tidy = table.melt(["variant", "hidden"], list(KINDS), var_name="after", value_name="iterations")
    known = tidy[np.isfinite(tidy["iterations"])].reset_index(drop=True)
    content: list[str | Plot | Table] = [
        "A variant is compiled once per machine, and loaded from Numba's cache once per process. Each number "
        "comes from a separate fresh process; later trainings in the same process need none of this time. Break-even "
        "is the number of iterations after which the variant has overtaken `reference`. The time of the variant "
        "includes its start and the imports of Numba and fastsym, which `reference` does not need. The numbers are "
        "computed from medians, without an interval.",
    ]
    if not known.empty:
        content.append(_plot(known))
    content += [_startup_table(startups), _break_even(table)]
    return Section("startup", "Compilation, cache and break-even", _finding(startups, tidy), tuple(content))


def _finding(startups: dict[str, Startup], tidy: pd.DataFrame) -> str:
    """Say what the last variant's start costs, and whether a training as long as the article's earns it back."""
    last = list(startups.values())[-1]
    starts = {"after_cache_load": last.cache_load_seconds, "after_compile": last.compile_seconds}
    measured = {kind: seconds for kind, seconds in starts.items() if np.isfinite(seconds)}
    costs = " or ".join(f"{rounded(seconds)} s for {KINDS[kind]}" for kind, seconds in measured.items())
    imports = last.import_numba_seconds + last.import_fastsym_seconds
    text = f"Before its first iteration `{last.variant}` needs {costs}, and {rounded(imports)} s for imports"
    rows = tidy[(tidy["variant"] == last.variant) & tidy["after"].isin(list(measured))]
    if rows.empty:
        return f"{text}."
    hidden = rows["hidden"].iloc[(rows["hidden"] - HIDDEN).abs().argmin()]
    cells = rows[rows["hidden"] == hidden].to_dict("records")
    overtaken = " and ".join(f"{_when(cell['iterations'])} ({KINDS[cell['after']]})" for cell in cells)
    text += f"; at H = {hidden} a fresh process overtakes `reference` {overtaken}"
    if hidden != HIDDEN:
        return f"{text}."
    wins = [KINDS[cell["after"]] for cell in cells if cell["iterations"] < CURVE_ITERATIONS]
    losses = [KINDS[cell["after"]] for cell in cells if not cell["iterations"] < CURVE_ITERATIONS]
    verdicts = [
        f"{word} after {' and after '.join(kinds)}" for word, kinds in (("faster", wins), ("slower", losses)) if kinds
    ]
    return f"{text}, so the article's {CURVE_ITERATIONS} iterations are {' and '.join(verdicts)}."


def _when(iterations: float) -> str:
    return f"after {_count(iterations)} iterations" if np.isfinite(iterations) else "never"


def _count(iterations: float) -> str:
    return f"{rounded(np.ceil(iterations))}"


def _plot(known: pd.DataFrame) -> Plot:
    least, most = (known.iloc[i] for i in (known["iterations"].argmin(), known["iterations"].argmax()))
    return Plot(
        slug="break-even",
        title=f"Break-even ranges from {_count(least['iterations'])} iterations at H = {least['hidden']} "
        f"(`{least['variant']}`, {KINDS[least['after']]}) to {_count(most['iterations'])} at "
        f"H = {most['hidden']} (`{most['variant']}`, {KINDS[most['after']]})",
        alt="Break-even iterations over the reference against hidden width, both axes logarithmic, one line per "
        "variant and kind of start. "
        + " ".join(
            f"{variant}, {KINDS[str(after)]}: {rounded(rows.min())} to {rounded(rows.max())}."
            for (variant, after), rows in known.groupby(["variant", "after"], sort=False)["iterations"]
        ),
        data=known,
        draw=lambda figure: _draw(figure, known),
        note="Break-even is the time of start and imports, divided by the time that one iteration saves. The saving "
        "comes from the longest training at each width that both the variant and the reference did in this session; "
        "for more iterations the number is extrapolated. A variant that is not faster has no break-even.",
    )


def _draw(figure: Figure, known: pd.DataFrame) -> None:
    axes: Axes = figure.subplots()
    for (variant, after), rows in known.groupby(["variant", "after"], sort=False):
        style = variant_style(str(variant)) | {"linestyle": LINES[str(after)]}
        axes.plot(rows["hidden"], rows["iterations"], label=f"{variant}, {KINDS[str(after)]}", **style)
    width_axis(axes, known["hidden"])
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_ylabel("break-even iterations")
    figure.legend(loc="outside lower center", ncols=2)


def _startup_table(startups: dict[str, Startup]) -> Table:
    names = {
        "compile_seconds": "compile (s)",
        "cache_load_seconds": "cache load (s)",
        "import_fastsym_seconds": "import of fastsym (s)",
        "first_call_seconds": "first call (s)",
        "steady_seconds": "steady call (s)",
        "import_numba_seconds": "import of Numba (s)",
    }
    frame = pd.DataFrame(map(asdict, startups.values()))[["variant", *names]].rename(columns=names)
    formats: dict[str, Format] = dict.fromkeys(names.values(), ".4f")
    return Table(
        "startup-times",
        "Seconds before the first iteration, at H = 4. The first call includes the import of fastsym and the first "
        "training; – means not measured",
        frame,
        formats,
    )


def _break_even(table: pd.DataFrame) -> Table:
    frame = table.rename(
        columns={"hidden": "H", "after_compile": "after compilation", "after_cache_load": "after cache load"}
    )
    formats: dict[str, Format] = dict.fromkeys(("after compilation", "after cache load"), ",.0f")
    return Table("break-even-table", "Break-even iterations over `reference`", frame, formats, folded=True)


STUDY = Study("startup", 160, run, render, seconds=3, only_titanic=True)
