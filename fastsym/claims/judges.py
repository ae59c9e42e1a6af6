"""One small function for each claim of the article: runs in, verdict out. Every number in a reason was just measured.

Where chance enters, a claim counts as true if it holds in most cases: the exact 95 % interval of the share of seeds
lies above one half. Thresholds that the article does not state are the constants below.
"""

import numpy as np

from fastsym import published
from fastsym.claims.runs import HIDDEN, ITERATIONS, LARGE_SCALE, SCALE, Runs, Split, iterations_to
from fastsym.claims.verdicts import Answer, Share, Verdict, median, share
from fastsym.net import Array, Params
from fastsym.symmetry import saturated_fraction, snapshots

LN_2 = float(np.log(2))
SAME = 0.001
"""Relative difference up to which two costs count as the same: what can be seen in the article's plots."""
SMALL = 0.01
"""Relative difference up to which a change makes no large difference."""
ALMOST = 0.99
"""A threshold is reached when this much of the way from ln 2 to it is done."""
IN_SATURATION = 0.05
"""Largest share of saturated hidden values with which tanh still counts as out of saturation."""


def _answer(held: bool | np.bool_) -> Answer:
    return "true" if held else "false"


def _from_share(claim: int, runs: Runs, found: Share, reason: str, numbers: dict[str, float], of: str) -> Verdict:
    numbers = {"seeds": found.total, "seeds_where_it_holds": found.count} | numbers
    return Verdict(claim, runs.features, found.answer, reason, numbers, found.interval, f"probability that {of}")


def _network(params: object) -> Params:
    """Narrow a type: these runs are all of the two-layer net."""
    assert isinstance(params, Params)
    return params


def _most_of_the_way(cost: float) -> float:
    return LN_2 + ALMOST * (cost - LN_2)


def initial_cost(runs: Runs) -> Verdict:
    """Claim 1: the cost of the zero start is ln 2."""
    cost = float(runs.zero.costs[0])
    error = abs(cost - LN_2)
    reason = f"The first cost is {cost:.16f}; ln 2 is {LN_2:.16f}."
    held = error <= 4 * np.finfo(float).eps
    return Verdict(1, runs.features, _answer(held), reason, {"cost": cost, "difference_from_ln_2": error})


def one_layer_meets(runs: Runs) -> Verdict:
    """Claim 2: in case 0 both starts reach the same cost."""
    zero, random = float(runs.layer_zero[-1]), runs.layer_random[:, -1]
    found = share(np.abs(random - zero) <= SAME * zero)
    middle = median(random).value
    reason = (
        f"In {runs.layer_random.shape[1]} iterations the zero start goes from {runs.layer_zero[0]:.4g} to {zero:.4g}, "
        f"random starts to {middle:.4g} (median); the same within {100 * SAME:g} % in {found}."
    )
    numbers = {"zero_final_cost": zero, "random_final_cost_median": middle}
    return _from_share(2, runs, found, reason, numbers, "both end at the same cost")


def one_layer_begins_lower(runs: Runs) -> Verdict:
    """Claim 3: in case 0 the random start begins lower."""
    zero, random = float(runs.layer_zero[0]), runs.layer_random[:, 0]
    found = share(random < zero)
    middle = median(random).value
    reason = f"The zero start begins at {zero:.4f}, random starts at {middle:.4g} (median); lower in {found}."
    numbers = {"zero_first_cost": zero, "random_first_cost_median": middle}
    return _from_share(3, runs, found, reason, numbers, "the random start begins lower")


def zero_weights_stay(runs: Runs) -> Verdict:
    """Claim 4: from the zero start W1 and W2 never change."""
    history = _network(runs.zero.history)
    largest = max(float(np.abs(weights).max()) for weights in (history.W1, history.W2))
    reason = f"The largest weight in {len(history.W2)} snapshots of {ITERATIONS} iterations is {largest:g}."
    return Verdict(4, runs.features, _answer(largest == 0), reason, {"largest_weight": largest})


def only_output_bias_moves(runs: Runs) -> Verdict:
    """Claim 5: only b2 moves, because the classes are unbalanced."""
    end, balanced = _network(runs.zero.params), _network(runs.balanced.params)
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


def random_weights_change(runs: Runs) -> Verdict:
    """Claim 7: from the random start the weights change, within the table's ten iterations."""
    after = _network(runs.random_short.params)
    before = [np.stack([getattr(start, name) for start in runs.random_starts]) for name in ("W1", "W2")]
    changes = [
        np.abs(now - then).reshape(runs.seeds, -1).max(axis=1)
        for now, then in zip((after.W1, after.W2), before, strict=True)
    ]
    found = share((changes[0] > 0) & (changes[1] > 0))
    reason = (
        f"After 10 iterations the largest changes (median) are {np.median(changes[0]):.2g} in W1 and "
        f"{np.median(changes[1]):.2g} in W2; both change in {found}."
    )
    numbers = {"W1_change_median": float(np.median(changes[0])), "W2_change_median": float(np.median(changes[1]))}
    return _from_share(7, runs, found, reason, numbers, "both weights change")


def random_is_faster(runs: Runs) -> Verdict:
    """Claim 8: the random start converges faster."""
    threshold = _most_of_the_way(float(runs.zero.costs[-1]))
    zero = float(iterations_to(runs.zero.costs, threshold))
    random = iterations_to(runs.random.costs, threshold)
    found, middle = share(random < zero), median(random)
    reason = (
        f"To reach {threshold:.4f}, where the zero start ends but for 1 % of its way, it takes {zero:g} iterations and "
        f"random starts {middle.value:g} (median, {middle.interval[0]:g} to {middle.interval[1]:g}); faster in {found}."
    )
    numbers = {"threshold": threshold, "zero_iterations": zero, "random_iterations_median": middle.value}
    return _from_share(8, runs, found, reason, numbers, "the random start is faster")


def biases_may_be_zero(runs: Runs) -> Verdict:
    """Claim 9: it makes no large difference that biases start at zero."""
    zero, random = runs.random.costs[:, -1], runs.random_biases.costs[:, -1]
    difference = median(random / zero - 1)
    low, high = difference.interval
    answer: Answer = "undecided"
    if low >= -SMALL and high <= SMALL:
        answer = "true"
    elif not (low <= SMALL and high >= -SMALL):
        answer = "false"
    reason = (
        f"With biases drawn like the weights the final cost changes by {100 * difference.value:+.2g} % (median, "
        f"{100 * low:+.2g} to {100 * high:+.2g} %); no large difference means within {100 * SMALL:g} %."
    )
    numbers = {"seeds": runs.seeds, "relative_change_median": difference.value}
    return Verdict(9, runs.features, answer, reason, numbers, (low, high), "median relative change of the final cost")


def small_weights_avoid_saturation(runs: Runs) -> Verdict:
    """Claim 10: the factor 0.01 keeps tanh out of saturation."""
    at_start = np.array([saturated_fraction(runs.data.X, start) for start in runs.random_starts])
    at_end = np.array([saturated_fraction(runs.data.X, p) for p in snapshots(_network(runs.random.params))])
    found = share(at_start <= IN_SATURATION)
    reason = (
        f"Saturated hidden values (beyond 0.99): {100 * np.median(at_start):.2g} % at the start and "
        f"{100 * np.median(at_end):.2g} % after {ITERATIONS} iterations (medians); at most {100 * IN_SATURATION:g} % "
        f"at the start in {found}."
    )
    numbers = {"saturated_at_start": float(np.median(at_start)), "saturated_at_end": float(np.median(at_end))}
    return _from_share(10, runs, found, reason, numbers, "tanh starts out of saturation")


def large_weights_are_slow(runs: Runs) -> Verdict:
    """Claim 11: large weights learn slowly."""
    threshold = _most_of_the_way(float(np.median(runs.random.costs[:, -1])))
    small, large = (iterations_to(run.costs, threshold) for run in (runs.random, runs.large))
    either = np.isfinite(small) | np.isfinite(large)
    found = share(large[either] > small[either])
    middle = float(np.median(small)), float(np.median(large))
    reason = (
        f"To reach {threshold:.4f}, scale {SCALE:g} takes {_time(middle[0])} and scale {LARGE_SCALE:g} "
        f"{_time(middle[1])} (medians); the large weights are slower in {found} where one of the two gets there."
    )
    numbers = {"threshold": threshold, "small_iterations_median": middle[0], "large_iterations_median": middle[1]}
    return _from_share(11, runs, found, reason, numbers, "large weights are slower")


def _time(iterations: float) -> str:
    return f"{iterations:g} iterations" if np.isfinite(iterations) else f"more than {ITERATIONS} iterations"


def both_reach_the_same_cost(runs: Runs) -> Verdict:
    """Claim 12: cases 1 and 2 reach the same cost by 3000 iterations."""
    zero, random = float(runs.zero.costs[-1]), runs.random.costs[:, -1]
    found, difference = share(np.abs(random - zero) <= SAME * zero), median(random - zero)
    reason = (
        f"The zero start ends at {zero:.5f}, random starts {-difference.value:.2g} lower (median, "
        f"{-difference.interval[1]:.2g} to {-difference.interval[0]:.2g}); within {100 * SAME:g} % in {found}."
    )
    numbers = {"zero_final_cost": zero, "difference_median": difference.value}
    return _from_share(12, runs, found, reason, numbers, "both end at the same cost")


def zero_only_needs_longer(runs: Runs) -> Verdict:
    """Claim 13: the zero start only needs more iterations to come where the random start is."""
    limit, random = float(runs.zero_settled.costs[-1]), runs.random.costs[:, -1]
    found = share(random >= limit)
    reason = (
        f"After {len(runs.zero_settled.costs)} iterations the zero start stands still at {limit:.5f}, the entropy of "
        f"the labels; random starts are at {np.median(random):.5f} (median) after {ITERATIONS}; it gets as low in "
        f"{found}."
    )
    numbers = {"zero_limit": limit, "random_final_cost_median": float(np.median(random))}
    return _from_share(13, runs, found, reason, numbers, "the zero start gets as low")


def zero_overfits(runs: Runs) -> Verdict:
    """Claim 14: the zero start overfits, the random start less so (train/test split)."""

    def rises(which: str) -> Array:
        curves = [getattr(split, which) for split in runs.splits]
        return np.array([curve[-1] / curve.min() - 1 for curve in curves])

    zero, random = (rises(name) for name in Split.__dataclass_fields__)
    found = share((zero > SAME) & (zero > random))
    middle = median(zero)
    reason = (
        f"The test cost ends {100 * middle.value:.2g} % above its lowest from the zero start and "
        f"{100 * np.median(random):.2g} % from a random one (medians); more than {100 * SAME:g} % and more than from "
        f"the random start in {found}."
    )
    numbers = {"zero_rise_median": middle.value, "random_rise_median": float(np.median(random))}
    return _from_share(14, runs, found, reason, numbers, "the zero start overfits more")


def constant_is_as_bad(runs: Runs) -> Verdict:
    """Claim 15, added: a constant start is as bad as zero."""
    zero, constant = float(runs.zero.costs[-1]), float(runs.constant.costs[-1])
    random = float(np.median(runs.random.costs[:, -1]))
    reason = (
        f"After {ITERATIONS} iterations: constant {SCALE:g} at {constant:.5f}, zero at {zero:.5f}, random at "
        f"{random:.5f} (median), although the {HIDDEN} constant units stay one."
    )
    numbers = {"constant_final_cost": constant, "zero_final_cost": zero, "random_final_cost_median": random}
    return Verdict(15, runs.features, _answer(constant >= zero * (1 - SAME)), reason, numbers)
