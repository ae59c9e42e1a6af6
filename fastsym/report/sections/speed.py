"""How much faster: speed-up over the reference and over NumPy by width and iteration count."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from fastsym.agreement import Certificate
from fastsym.experiments.article import HIDDEN
from fastsym.report.charts import heat_plot, ratio_plot, time_plot
from fastsym.report.content import Format, Section, Table, rounded
from fastsym.report.sections import agreement
from fastsym.report.speedups import DTYPE, FAST, alike, lengths, own_variants, quickest, speedups, with_interval
from fastsym.report.study import Context, Study
from fastsym.timing.interleave import measure_grid
from fastsym.timing.roofline import fewest_operations, measure_roofline
from fastsym.training.fastest import CHOICES
from fastsym.training.registry import VARIANTS

GRID_SHARE = 0.45
"""Part of the benchmark's time for all variants; the rest is for long trainings of the quickest and the reference."""
TIMING_SHARE = 0.9
"""Part of this study's time, about, until the roofline is measured."""


@dataclass(frozen=True)
class Timings:
    """The benchmark's grid, of certified variants only."""

    timings: pd.DataFrame
    """One row per variant, width and iteration count; columns of :data:`fastsym.timing.saved_runs.COLUMNS` and more."""
    untimed: tuple[str, ...] = ()
    """Variants left out because their certificate failed or there is none."""
    left_out: tuple[tuple[int, int], ...] = ()
    """Width and iteration count of what did not fit into the time for the benchmark."""
    bounds: pd.DataFrame = field(default_factory=pd.DataFrame)
    """The measured roofline: columns hidden, seconds_per_iteration (of one core). Empty for a saved run."""


def run(context: Context) -> Timings:
    """Time every variant whose certificate passes, and what bounds it; or take both from a saved run."""
    found = context.result(agreement.STUDY)
    if context.saved is not None:
        return _saved(context.saved, found.certificates)
    timings = _grid(found.timeable, context)
    context.tell(TIMING_SHARE, "the roofline")
    roofline = measure_roofline()
    D, M = context.data.X.shape
    widths = sorted(timings["hidden"].unique())
    bounds = [roofline.seconds(fewest_operations(D, int(hidden), M)) for hidden in widths]
    return Timings(
        timings,
        tuple(sorted(set(VARIANTS) - set(timings["variant"]))),
        tuple(timings.attrs["left_out"]),
        pd.DataFrame({"hidden": widths, "seconds_per_iteration": bounds}),
    )


def _saved(saved: pd.DataFrame, certificates: tuple[Certificate, ...]) -> Timings:
    """Keep what may be shown of a saved run; nothing is measured beside it, because that would be another session."""
    # Other systems of a saved run were checked against the reference when it was made; our own must pass now.
    right = [(c.variant, c.dtype) for c in certificates if c.passed]
    ours = pd.MultiIndex.from_frame(saved[["variant", "dtype"]]).isin(right)
    kept = saved[(saved["kind"] != "variant") | ours].reset_index(drop=True)
    return Timings(kept, tuple(sorted(set(saved["variant"]) - set(kept["variant"]))))


def _grid(names: Sequence[str], context: Context) -> pd.DataFrame:
    """Time all variants as far as the time allows, then the quickest one and the reference in longer trainings."""
    settings = context.settings

    def tell(fraction: float, doing: str) -> None:
        context.tell(TIMING_SHARE * GRID_SHARE * fraction, doing)

    def tell_later(fraction: float, doing: str) -> None:
        context.tell(TIMING_SHARE * (GRID_SHARE + (1 - GRID_SHARE) * fraction), doing)

    budget = GRID_SHARE * settings.benchmark_seconds
    every = [*names, FAST] if {*CHOICES} <= {*names} else names
    timings = measure_grid(every, settings.widths, settings.iterations, budget, progress=tell)
    left = set(timings.attrs["left_out"])
    candidates = own_variants(speedups(timings))
    if not left or candidates.empty:
        return timings
    best = candidates.loc[candidates["label"] == quickest(candidates), "variant"].iloc[0]
    widths, iterations = (sorted(set(each)) for each in zip(*left, strict=True))
    rest = settings.benchmark_seconds - budget
    longer = measure_grid([best], widths, iterations, rest, progress=tell_later)
    cells = pd.MultiIndex.from_frame(longer[["hidden", "iterations"]])
    both = pd.concat([timings, longer[cells.isin(left)]], ignore_index=True)
    both.attrs["left_out"] = sorted(left - set(cells))
    return both


def render(found: Timings, context: Context) -> Section:
    """Speed-ups, with the times they come from."""
    frame = speedups(found.timings)
    shown = frame[frame["dtype"] == DTYPE]
    ours = own_variants(frame)
    is_saved = context.saved is not None
    source = (
        "a saved pytest-benchmark run"
        if is_saved
        else "this run, in which the variants, including the reference, take turns in every round"
    )
    prose = [
        f"The times are from {source}. A speed-up is a ratio of times from one session. Absolute times are shown, "
        f"too, but hold only for this run and this machine: {_listed(found.timings['machine'].unique())}. Only "
        "variants with a certificate are timed."
    ]
    if found.untimed:
        prose.append(f"Not timed, because they have no passing certificate: {_listed(found.untimed)}.")
    if found.left_out:
        by_width: dict[int, list[int]] = {}
        for hidden, count in found.left_out:
            by_width.setdefault(hidden, []).append(count)
        sizes = "; ".join(f"H = {hidden} with T = {_listed(counts)}" for hidden, counts in by_width.items())
        prose.append(f"Left out, because they did not fit into the time for the benchmark: {sizes}.")
    title = "Speed"
    if ours.empty:
        return Section("speed", title, "There are no timings of fastsym's own variants to compare.", tuple(prose))
    if (ours["threads"] > 1).any() and not is_saved:
        prose.append(
            "NumPy's BLAS may keep its threads busy for a tenth of a second after a call. Variants with several "
            "threads therefore wait for that time before their turn, so that no other program uses the processors."
        )
    best = quickest(ours)
    cells = ours[ours["label"] == best]
    together = alike(shown)
    said = lengths(together, shown)
    took_part = shown.groupby(["hidden", "iterations"])["label"].nunique()
    if not is_saved and took_part.min() < took_part.max():
        prose.append(f"In the longest trainings only `reference` and `{best}` took turns, to save time.")
    return Section(
        "speed",
        title,
        _headline(alike(cells), best),
        (
            *prose,
            heat_plot(cells, best),
            ratio_plot(together, best, said),
            time_plot(together, best, found.bounds, said),
            _shared_table(together),
            _table(frame),
        ),
    )


def _listed(names: object) -> str:
    return ", ".join(map(str, names))  # type: ignore[call-overload]


def _headline(cells: pd.DataFrame, best: str) -> str:
    """Speed-up at the article's width, or at the one closest to it."""
    cell = cells.iloc[(cells["hidden"] - HIDDEN).abs().argmin()]
    text = f"At H = {cell['hidden']} and T = {cell['iterations']}, `{best}` is {with_interval(cell)} times "
    return text + "as fast as the reference."


def _shared_table(together: pd.DataFrame) -> Table:
    labels = list(dict.fromkeys(together.sort_values("over_reference")["label"]))
    pivot = together.pivot_table(index="hidden", columns="label", values="over_reference")[labels]
    frame = pivot.rename_axis(columns=None).reset_index().rename(columns={"hidden": "H"})
    formats: dict[str, Format] = dict.fromkeys(labels, ".2f")
    return Table(
        "speed-up-by-width-table",
        "Speed-up over the reference, in trainings of the same length; the table of all timings has the intervals",
        frame,
        formats,
    )


def _table(frame: pd.DataFrame) -> Table:
    names = {"hidden": "H", "iterations": "T", "over_reference": "over reference", "over_numpy": "over numpy"}
    rows = frame.assign(**{"µs per iteration": frame["seconds_per_iteration"] * 1e6}).rename(columns=names)
    columns = ["H", "T", "variant", "dtype", "threads", "over reference", "low", "high", "over numpy"]
    rows = rows[[*columns, "µs per iteration", "rounds"]]
    formats: dict[str, Format] = dict.fromkeys(("over reference", "low", "high", "over numpy"), ".2f")
    formats["µs per iteration"] = rounded
    return Table(
        "timings",
        "All timings; low and high are the limits of a 95 % interval, or the range if there were fewer than six rounds",
        rows,
        formats,
        folded=True,
    )


STUDY = Study("speed", 140, run, render, seconds=25, only_titanic=True)
