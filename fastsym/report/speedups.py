"""Tables of timings made ready for figures: labels, and speed-ups over the two baselines."""

import numpy as np
import pandas as pd

BASELINES = ("reference", "numpy")
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
    frame["label"] = frame["variant"] + threads
    keys = ["hidden", "iterations", "dtype"]
    numpy = frame.loc[frame["variant"] == "numpy", [*keys, "over_reference"]].drop_duplicates(keys)
    merged = frame.merge(numpy.rename(columns={"over_reference": "numpy"}), on=keys, how="left")
    merged["over_numpy"] = merged["over_reference"] / merged.pop("numpy")
    return merged


def own_variants(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows of fastsym's own compiled variants in float64: neither baselines nor other systems."""
    return frame[~frame["variant"].isin(BASELINES) & (frame["kind"] == "variant") & (frame["dtype"] == DTYPE)]


def longest(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep, of each label and width, the row with the most iterations."""
    return frame.loc[frame.groupby(["label", "hidden"])["iterations"].idxmax()].sort_index()


def shared(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep, of each width, the longest training that the most labels did: all of them are then compared alike."""
    labels = frame.groupby(["hidden", "iterations"])["label"].nunique().rename("labels").reset_index()
    best = labels.sort_values(["labels", "iterations"]).groupby("hidden")["iterations"].last()
    return frame[frame["iterations"] == frame["hidden"].map(best)]


def quickest(frame: pd.DataFrame) -> str:
    """Label of the variant with the largest speed-up in the geometric mean over widths.

    Parameters
    ----------
    frame
        As from :func:`speedups`, of fastsym's own variants; not empty.
    """
    rows = shared(frame)
    return str(np.log(rows["over_reference"]).groupby(rows["label"]).mean().idxmax())
