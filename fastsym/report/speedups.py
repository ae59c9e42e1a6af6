"""Tables of timings made ready for figures: labels, and speed-ups over the two baselines."""

import numpy as np
import pandas as pd

from fastsym.report.content import rounded
from fastsym.timing.stats import USUAL

BASELINES = ("reference", "numpy")
FAST = "fast"
"""Not a variant: it stands for the quickest of some."""
DTYPE = "float64"


def speedups(timings: pd.DataFrame) -> pd.DataFrame:
    """Add what the figures need to a table of timings.

    Parameters
    ----------
    timings
        As from :func:`fastsym.timing.interleave.measure_grid` or :func:`fastsym.timing.saved_runs.read_benchmark_json`.

    Returns
    -------
    pandas.DataFrame
        With ``label`` (variant and, if several, threads), ``kind`` ("variant" unless it says otherwise),
        ``over_reference`` with ``low`` and ``high``, and ``over_numpy``; NaN where unknown.
    """
    frame = timings.drop(columns="ratios", errors="ignore").rename(
        columns={"speedup": "over_reference", "speedup_low": "low", "speedup_high": "high"}
    )
    frame = frame.assign(**{name: value for name, value in (("low", np.nan), ("high", np.nan)) if name not in frame})
    if "kind" not in frame:
        frame["kind"] = "variant"
    threads = frame["threads"].map(lambda count: "" if count == 1 else f", {count} threads").astype(str)
    # However many threads it takes, which differs by size, "fast" is one line.
    frame["label"] = frame["variant"] + threads.where(frame["variant"] != FAST, "")
    keys = ["hidden", "iterations", "dtype"]
    numpy = frame.loc[frame["variant"] == "numpy", [*keys, "over_reference"]].drop_duplicates(keys)
    merged = frame.merge(numpy.rename(columns={"over_reference": "numpy"}), on=keys, how="left")
    merged["over_numpy"] = merged["over_reference"] / merged.pop("numpy")
    return merged


def own_variants(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows of fastsym's own compiled variants in float64: neither baselines, "fast" nor other systems."""
    return frame[~frame["variant"].isin((*BASELINES, FAST)) & (frame["kind"] == "variant") & (frame["dtype"] == DTYPE)]


def shared(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep, of each width, the longest training that the most labels did: all of them are then compared alike."""
    labels = frame.groupby(["hidden", "iterations"])["label"].nunique().rename("labels").reset_index()
    best = labels.sort_values(["labels", "iterations"]).groupby("hidden")["iterations"].last()
    return frame[frame["iterations"] == frame["hidden"].map(best)]


def alike(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep trainings of one length only, so that neither labels nor widths differ in it.

    It is the longest that all labels did at half of the widths or more. The other widths are dropped:
    :func:`lengths` says so.
    """
    labels = frame.groupby(["iterations", "hidden"])["label"].nunique()
    widths = labels[labels == labels.max()].groupby("iterations").size()
    common = widths.index[2 * widths >= min(2 * widths.max(), frame["hidden"].nunique())].max()
    hidden = labels[common].index[labels[common] == labels.max()]
    rows: pd.DataFrame = frame[(frame["iterations"] == common) & frame["hidden"].isin(hidden)]
    return rows


def lengths(rows: pd.DataFrame, frame: pd.DataFrame) -> str:
    """Say which length the trainings of :func:`alike` have, and which widths were not timed at it."""
    text = f"All trainings shown have T = {rows['iterations'].iloc[0]}, the longest that was timed at "
    missing = sorted(set(frame["hidden"]) - set(rows["hidden"]))
    if not missing:
        return f"{text}all of these widths."
    return f"{text}half of the widths or more; not at H = {', '.join(map(str, missing))}, left out here."


def with_interval(row: pd.Series) -> str:
    """Quote a row's speed-up over the reference with its interval, and the interval's level if it is not 95 %."""
    ratio, low, high, rounds = (float(row[name]) for name in ("over_reference", "low", "high", "rounds"))
    level = 1 - 2 ** (1 - rounds)  # of the range of all rounds, the widest interval there is
    if not (np.isfinite(low) and np.isfinite(high) and level > 0):
        return f"{rounded(ratio)} (interval unknown)"
    words = "" if level >= USUAL else f", {100 * level:.4g} %"
    return f"{rounded(ratio)} ({rounded(low)} to {rounded(high)}{words})"


def quickest(frame: pd.DataFrame) -> str:
    """Label of the variant with the largest speed-up in the geometric mean over widths.

    Parameters
    ----------
    frame
        As from :func:`speedups`, of fastsym's own variants; not empty.
    """
    rows = shared(frame)
    return str(np.log(rows["over_reference"]).groupby(rows["label"]).mean().idxmax())
