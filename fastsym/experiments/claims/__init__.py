"""The article's claims: every sentence that can be tested, with a verdict computed from training runs.

:func:`judge_all` judges the article's fourteen, and one that is added here, on each feature set. Only the sentences
themselves are written by hand.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from fastsym.experiments.claims import comparisons, zero_start
from fastsym.experiments.claims.runs import Runs
from fastsym.experiments.claims.verdicts import Verdict
from fastsym.model.datasets import FEATURE_SETS, Dataset, load_titanic

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["CLAIMS", "QUICK_SEEDS", "SEEDS", "Claim", "Runs", "Verdict", "judge", "judge_all", "table"]

QUICK_SEEDS = 30
"""Number of random starts and of splits in a quick run."""
SEEDS = 300
"""The same in a full run."""


@dataclass(frozen=True)
class Claim:
    """A sentence of the article, or one that is added to them."""

    number: int
    text: str
    judge: Callable[[Runs], Verdict]
    figure: str
    """Name of the figure that shows it: ``costs`` of cases 1 and 2, ``layer`` for case 0, ``table`` of ten iterations,
    ``weights`` along the runs, ``saturation``, ``scale`` or ``splits``."""
    is_added: bool = False
    """Whether it is not the article's."""


CLAIMS = (
    Claim(1, "The zero start begins at a cost of ln 2.", zero_start.initial_cost, "costs"),
    Claim(2, "One layer: both starts reach the same cost.", comparisons.one_layer_meets, "layer"),
    Claim(3, "One layer: the random start begins lower.", comparisons.one_layer_begins_lower, "layer"),
    Claim(4, "Zero start: W1 and W2 never change.", zero_start.zero_weights_stay, "weights"),
    Claim(
        5,
        "Zero start: only b2 moves, because the classes are unbalanced.",
        zero_start.only_output_bias_moves,
        "weights",
    ),
    Claim(6, "The table of the first ten iterations.", zero_start.table_of_ten, "table"),
    Claim(7, "Random start: the weights change.", comparisons.random_weights_change, "weights"),
    Claim(8, "The random start converges faster.", comparisons.random_is_faster, "costs"),
    Claim(9, "Biases may start at zero.", comparisons.biases_may_be_zero, "costs"),
    Claim(
        10, "The factor 0.01 keeps tanh out of saturation.", comparisons.small_weights_avoid_saturation, "saturation"
    ),
    Claim(11, "Large weights learn slowly.", comparisons.large_weights_are_slow, "scale"),
    Claim(12, "Both cases reach the same cost by 3000 iterations.", comparisons.both_reach_the_same_cost, "costs"),
    Claim(13, "The zero start only needs more iterations.", comparisons.zero_only_needs_longer, "costs"),
    Claim(14, "The zero start overfits.", comparisons.zero_overfits, "splits"),
    Claim(15, "Added: a constant start is as bad as zero.", comparisons.constant_is_as_bad, "costs", is_added=True),
)


def judge(data: Dataset, features: str, seeds: int = QUICK_SEEDS, is_titanic: bool = False) -> list[Verdict]:
    """Judge all claims on one table.

    Parameters
    ----------
    data
        Features and labels.
    features
        Name of the table in the verdicts.
    seeds
        Number of random starts and of splits; at least 30 for useful intervals.
    is_titanic
        Whether the author's published numbers apply (claim 6).
    """
    runs = Runs(data, features, seeds, is_titanic)
    return [claim.judge(runs) for claim in CLAIMS]


def judge_all(
    seeds: int = QUICK_SEEDS, tables: Mapping[str, Dataset] | None = None, features: Iterable[str] = FEATURE_SETS
) -> list[Verdict]:
    """Judge all claims on every feature set of the Titanic table, or on a user's own tables.

    Parameters
    ----------
    seeds
        As for :func:`judge`; :data:`SEEDS` for the full run.
    tables
        Name -> Dataset, to use instead of the Titanic table.
    features
        Feature sets of the Titanic table to judge on.

    Returns
    -------
    list of Verdict
        Ordered by table, then by claim.
    """
    if tables is not None:
        return [verdict for name, data in tables.items() for verdict in judge(data, name, seeds)]
    return [verdict for name in features for verdict in judge(load_titanic(name), name, seeds, is_titanic=True)]


def table(verdicts: Iterable[Verdict]) -> "DataFrame":
    """Return one row for each verdict: its fields but ``numbers``, and the claim's text and figure."""
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
        "depends_on_threshold",
        "reason",
        "interval_low",
        "interval_high",
        "interval_of",
        "figure",
    ]
    return pd.DataFrame(rows, columns=columns)
