"""Claims about the zero start alone: they need no seeds and no thresholds, and hold to the last bit or not at all."""

import numpy as np

from fastsym.experiments import published
from fastsym.experiments.article import CURVE_ITERATIONS
from fastsym.experiments.claims.runs import Runs
from fastsym.experiments.claims.verdicts import Answer, Verdict
from fastsym.experiments.symmetry import recorded

LN_2 = float(np.log(2))


def _answer(held: bool | np.bool_) -> Answer:
    return "true" if held else "false"


def initial_cost(runs: Runs) -> Verdict:
    """Claim 1: the cost of the zero start is ln 2."""
    cost = float(runs.zero.costs[0])
    error = abs(cost - LN_2)
    reason = f"The first cost is {cost:.16f}; ln 2 is {LN_2:.16f}."
    held = error <= 4 * np.finfo(float).eps
    return Verdict(1, runs.features, _answer(held), reason, {"cost": cost, "difference_from_ln_2": error})


def zero_weights_stay(runs: Runs) -> Verdict:
    """Claim 4: from the zero start W1 and W2 never change."""
    history = recorded(runs.zero)
    largest = max(float(np.abs(weights).max()) for weights in (history.W1, history.W2))
    reason = f"The largest weight in {len(history.W2)} snapshots of {CURVE_ITERATIONS} iterations is {largest:g}."
    return Verdict(4, runs.features, _answer(largest == 0), reason, {"largest_weight": largest})


def only_output_bias_moves(runs: Runs) -> Verdict:
    """Claim 5: only b2 moves, because the classes are unbalanced."""
    end, balanced = runs.zero.params, runs.balanced.params
    others = max(float(np.abs(values).max()) for values in end[:3])
    with_balance = max(float(np.abs(values).max()) for values in balanced)
    b2 = float(end.b2)
    reason = (
        f"b2 moves to {b2:.4f}, everything else to {others:g}; with balanced labels the largest parameter is "
        f"{with_balance:g}."
    )
    numbers = {"b2": b2, "largest_other_parameter": others, "largest_parameter_if_balanced": with_balance}
    held = others == 0 and b2 != 0 and with_balance == 0
    return Verdict(5, runs.features, _answer(held), reason, numbers)


def table_of_ten(runs: Runs) -> Verdict:
    """Claim 6: the table of the first ten iterations of case 1."""
    summed = runs.zero.costs[: len(published.SUMMED_COSTS)] * len(runs.data.y)
    if not runs.is_titanic:
        return Verdict(6, runs.features, "not applicable", "The author's table is of the Titanic data.")
    error = float(np.abs(summed - published.SUMMED_COSTS).max())
    reason = (
        f"The summed costs fall from {summed[0]:.4f} to {summed[-1]:.4f}; the largest difference from the author's "
        f"{len(summed)} printed numbers is {error:.1g}."
    )
    held = error <= published.COST_BOUND
    return Verdict(6, runs.features, _answer(held), reason, {"largest_difference": error})
