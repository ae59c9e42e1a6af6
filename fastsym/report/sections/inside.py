"""Look inside the run: four hidden units from three starts, moment by moment, in a figure the reader steps through.

The page's script, ``templates/stepper.js``, draws :func:`payload`.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from fastsym.experiments.snapshots import WatchedRun, watch_runs
from fastsym.experiments.symmetry import each_network
from fastsym.model.params import Array
from fastsym.model.units import unit_vectors
from fastsym.report.charts import START_NAMES
from fastsym.report.content import Section, Stepper, rounded
from fastsym.report.study import Context, Study

MOST_FEATURES = 16
"""More rows than that are no longer seen at a glance, and would make the page heavy."""


def run(context: Context) -> tuple[WatchedRun, ...]:
    """Keep moments of one training from each start."""
    return watch_runs(context.standardised, seed=context.settings.seed)


def render(runs: tuple[WatchedRun, ...], _: Context) -> Section:
    """Watch W1's rows, the units' classes and the cost move, side by side."""
    last = int(runs[0].iterations[-1])
    ends = "; ".join(
        f"{run.classes[-1]} at a cost of {rounded(float(run.costs[-1]))} from {START_NAMES[run.start]}" for run in runs
    )
    hidden = runs[0].history.W2.shape[1]
    shown = _shown_features(runs)
    left_out = len(runs[0].feature_names) - len(shown)
    stepper = Stepper(
        slug="inside",
        title="Weights, classes of equal units and cost, moment by moment",
        alt=f"The weights of {hidden} hidden units from {len(runs)} starts, iteration by iteration. "
        "Left and right arrow keys step, Space plays and pauses, Home and End go to the first and the last moment.",
        data=_frame(runs),
        payload=payload(runs),
        instead='This figure needs JavaScript. The section "What symmetry breaking is" draws the output weights.',
        note="Each column is one hidden unit: its row of W1, its bias b1 and its output weight W2. Orange is positive, "
        "blue is negative; the strength of the colour has a logarithmic scale, which is the same for all starts. "
        "Units that are equal bit for bit, up to sign, share a letter and its colour. b2 is the bias of the output. "
        "Standardised features, learning "
        f"rate {runs[0].learning_rate:g}, seed {runs[0].seed} of the random start."
        + (f" The {left_out} features with the smallest weights are left out; the CSV has all." if left_out else ""),
    )
    headline = (
        f"After {last} iterations the {hidden} hidden units have become {ends}; each letter is one class of equal "
        "units, and the cost is in nats per sample."
    )
    return Section("inside", "Look inside the run", headline, (*_why_zeros(runs), stepper))


def _why_zeros(runs: tuple[WatchedRun, ...]) -> Iterator[str]:
    """Say why a cost falls although all weights stay zero, if they do."""
    for run in runs:
        still = not (run.history.W1.any() or run.history.b1.any() or run.history.W2.any())
        if still and run.costs[-1] < run.costs[0]:
            yield (
                f"From {START_NAMES[run.start]} the cost falls although every number in the table stays 0: b2, the "
                f"bias of the output, moves to {float(run.history.b2[-1]):.3f}. The network then predicts the same for "
                "every sample: the share of the label 1."
            )


def payload(runs: tuple[WatchedRun, ...]) -> dict[str, Any]:
    """Give what the script draws; three significant digits, so that the page stays light.

    Returns
    -------
    dict
        ``iterations`` (K,); ``rows``: what a column shows, from top to bottom: features, then b1 and W2;
        ``runs``: ``name``, ``costs`` (K,), ``b2`` (K,), ``classes`` (K,) and ``units`` (K, H, rows). NaN and infinity
        are None.
    """
    shown = _shown_features(runs)
    names = runs[0].feature_names
    rows = [*shown.tolist(), len(names), len(names) + 1]
    return {
        "iterations": runs[0].iterations.tolist(),
        "rows": [*(names[i] for i in shown), "bias b1", "output W2"],
        "runs": [
            {
                "name": START_NAMES[run.start],
                "costs": _brief(run.costs, 5),
                "b2": _brief(run.history.b2, 3),
                "classes": list(run.classes),
                "units": _brief(unit_vectors(run.history)[:, :, rows], 3),
            }
            for run in runs
        ],
    }


def _shown_features(runs: tuple[WatchedRun, ...]) -> Array:
    """Give the indices of the features whose weights grow largest in any run, in their order."""
    largest = np.max([np.nan_to_num(np.abs(run.history.W1)).max(axis=(0, 1)) for run in runs], axis=0)
    return np.sort(np.argsort(-largest, kind="stable")[:MOST_FEATURES])


def _brief(values: Array, digits: int) -> Any:
    """Nested lists of numbers with few digits; whole numbers without a point."""
    if values.ndim:
        return [_brief(part, digits) for part in values]
    value = float(values)
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{digits}g}")
    return int(short) if short.is_integer() else short


def _frame(runs: tuple[WatchedRun, ...]) -> pd.DataFrame:
    parts = []
    for run in runs:
        for i, state in enumerate(each_network(run.history)):
            keys = {"start": run.start, "iteration": run.iterations[i], "cost": run.costs[i], "b2": float(state.b2)}
            units = [f"W1 {name}" for name in run.feature_names]
            columns = {"class": list(run.classes[i]), "unit": range(1, len(state.W2) + 1)}
            weights = pd.DataFrame(unit_vectors(state), columns=[*units, "b1", "W2"])
            parts.append(pd.DataFrame(keys | columns).join(weights))
    return pd.concat(parts, ignore_index=True)


STUDY = Study("inside", 30, run, render, seconds=1, in_lesson=True)
