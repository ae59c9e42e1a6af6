"""The claims ledger: every sentence of the article that can be tested, with a verdict computed from runs.

``ledger()`` judges all fifteen on each feature set; nothing is typed in but the sentences themselves.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from fastsym.experiments.claims import exact, judges
from fastsym.experiments.claims.runs import Runs
from fastsym.experiments.claims.verdicts import Verdict
from fastsym.model.datasets import FEATURE_SETS, Dataset, load_titanic

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["CLAIMS", "QUICK_SEEDS", "SEEDS", "Claim", "Runs", "Verdict", "judge", "ledger", "table"]

QUICK_SEEDS = 30
SEEDS = 300


@dataclass(frozen=True)
class Claim:
    """A sentence of the article."""

    number: int
    text: str
    judge: Callable[[Runs], Verdict]
    figure: str
    """Name of the figure that shows it: ``costs`` of cases 1 and 2, ``layer`` of case 0, ``table`` of ten iterations,
    ``weights`` along the runs, ``saturation``, ``scale`` or ``splits``."""


CLAIMS = (
    Claim(1, "The zero start begins at a cost of ln 2.", exact.initial_cost, "costs"),
    Claim(2, "One layer: both starts reach the same cost.", judges.one_layer_meets, "layer"),
    Claim(3, "One layer: the random start begins lower.", judges.one_layer_begins_lower, "layer"),
    Claim(4, "Zero start: W1 and W2 never change.", exact.zero_weights_stay, "weights"),
    Claim(
        5,
        "Zero start: only b2 moves, because the classes are unbalanced.",
        exact.only_output_bias_moves,
        "weights",
    ),
    Claim(6, "The table of the first ten iterations.", exact.table_of_ten, "table"),
    Claim(7, "Random start: the weights change.", judges.random_weights_change, "weights"),
    Claim(8, "The random start converges faster.", judges.random_is_faster, "costs"),
    Claim(9, "Biases may start at zero.", judges.biases_may_be_zero, "costs"),
    Claim(10, "The factor 0.01 keeps tanh out of saturation.", judges.small_weights_avoid_saturation, "saturation"),
    Claim(11, "Large weights learn slowly.", judges.large_weights_are_slow, "scale"),
    Claim(12, "Both cases reach the same cost by 3000 iterations.", judges.both_reach_the_same_cost, "costs"),
    Claim(13, "The zero start only needs more iterations.", judges.zero_only_needs_longer, "costs"),
    Claim(14, "The zero start overfits.", judges.zero_overfits, "splits"),
    Claim(15, "A constant start is as bad as zero (added).", judges.constant_is_as_bad, "costs"),
)


def judge(data: Dataset, features: str, seeds: int = QUICK_SEEDS, is_titanic: bool = False) -> list[Verdict]:
    """Judge all claims on one table.

    Parameters
    ----------
    data
        Features and labels.
    features
        What to call this table in the verdicts.
    seeds
        How many random starts and splits; at least 30 for intervals worth reading.
    is_titanic
        Whether the author's printed numbers apply (claim 6).
    """
    runs = Runs(data, features, seeds, is_titanic)
    return [claim.judge(runs) for claim in CLAIMS]


def ledger(
    seeds: int = QUICK_SEEDS, tables: Mapping[str, Dataset] | None = None, features: Iterable[str] = FEATURE_SETS
) -> list[Verdict]:
    """Judge all claims on every feature set of the Titanic table, or on a user's own tables.

    Parameters
    ----------
    seeds
        As for :func:`judge`; :data:`SEEDS` for the full ledger.
    tables
        Name -> Dataset to use instead of the Titanic table.
    features
        Feature sets of the Titanic table.

    Returns
    -------
    list of Verdict
        By table, then by claim.
    """
    if tables is not None:
        return [verdict for name, data in tables.items() for verdict in judge(data, name, seeds)]
    return [verdict for name in features for verdict in judge(load_titanic(name), name, seeds, is_titanic=True)]


def table(verdicts: Iterable[Verdict]) -> "DataFrame":
    """One row a verdict: claim, text, features, verdict, hinges, reason, interval (three columns) and figure."""
    import pandas as pd  # here, because it costs more to import than all of fastsym

    by_number = {claim.number: claim for claim in CLAIMS}
    rows = []
    for verdict in verdicts:
        low, high = verdict.interval or (None, None)
        fields = asdict(verdict)
        del fields["numbers"], fields["interval"]
        claim = by_number[verdict.claim]
        rows.append(fields | {"text": claim.text, "figure": claim.figure, "interval_low": low, "interval_high": high})
    columns = [
        "claim",
        "text",
        "features",
        "verdict",
        "hinges",
        "reason",
        "interval_low",
        "interval_high",
        "interval_of",
        "figure",
    ]
    return pd.DataFrame(rows, columns=columns)
