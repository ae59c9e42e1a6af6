"""Claims that compare the zero start with other starts, one function for each: runs in, verdict out.

Every number in a reason was just measured. A claim is true if it holds in most cases: the exact 95 % interval of the
share of seeds lies above one half. If that needs a threshold, it is one of
:mod:`fastsym.experiments.claims.thresholds`, and the reason says whether another threshold would change the verdict.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from fastsym.experiments.article import CURVE_ITERATIONS, HIDDEN, SCALE
from fastsym.experiments.claims.runs import LARGE_SCALE, Runs, Split, iterations_to
from fastsym.experiments.claims.thresholds import AS_LARGE, IN_SATURATION, LEFT, SAME, SLOW, Threshold, sensitivity
from fastsym.experiments.claims.verdicts import Answer, Share, Verdict, median, share
from fastsym.experiments.claims.zero_start import LN_2
from fastsym.experiments.symmetry import each_network, saturated_fraction
from fastsym.model.params import Array

WINDOW = 100
"""Iterations whose mean cost is what case 0 reaches: on raw features its costs oscillate from one to the next."""
TARGETS = (0.01, 0.2, 0.5)
"""Remainders of the way down at which small and large weights are compared."""


def _verdict(claim: int, runs: Runs, found: Share, reason: str, numbers: dict[str, float], of: str) -> Verdict:
    numbers = {"seeds": found.total, "seeds_where_it_holds": found.count} | numbers
    return Verdict(claim, runs.features, found.answer, reason, numbers, found.interval, f"probability that {of}")


def _tested(
    claim: int,
    runs: Runs,
    threshold: Threshold,
    count: Callable[[float], Share],
    reason: str,
    numbers: dict[str, float],
    of: str,
) -> Verdict:
    """Make a verdict that depends on a threshold; ``count`` says in how many seeds the claim holds with a given one."""
    depends, sentence, tried = sensitivity(threshold, lambda value: count(value).answer)
    verdict = _verdict(claim, runs, count(threshold.value), f"{reason} {sentence}", numbers | tried, of)
    return replace(verdict, depends_on_threshold=depends)


def _percent(part: float) -> str:
    return f"{100 * part:.3g} %"


def _way_to(cost: float, left: float) -> float:
    """Return the cost at which all but a fraction of the way from ln 2 to ``cost`` is done."""
    return LN_2 + (1 - left) * (cost - LN_2)


def one_layer_meets(runs: Runs) -> Verdict:
    """Claim 2: in case 0 both starts reach the same cost; what they reach is a mean, because costs may oscillate."""
    zero = float(runs.layer_zero[-WINDOW:].mean())
    random = runs.layer_random[:, -WINDOW:].mean(axis=1)

    def count(tolerance: float) -> Share:
        return share(np.abs(random - zero) <= tolerance * zero)

    middle, found = median(random).value, count(SAME.value)
    iterations = runs.layer_random.shape[1]
    within = "" if found.answer == "true" else f", so not within {iterations} iterations"
    reason = (
        f"The zero start goes from {runs.layer_zero[0]:.4g} to {zero:.4g}, random starts to {middle:.4g} (median; "
        f"means of the last {min(WINDOW, iterations)} of {iterations} iterations); the costs agree within "
        f"{_percent(SAME.value)} in {found}{within}."
    )
    numbers = {"zero_final_cost": zero, "random_final_cost_median": middle}
    return _tested(2, runs, SAME, count, reason, numbers, "both end at the same cost")


def one_layer_begins_lower(runs: Runs) -> Verdict:
    """Claim 3: in case 0 the random start begins lower."""
    zero, random = float(runs.layer_zero[0]), runs.layer_random[:, 0]
    found = share(random < zero)
    middle = median(random).value
    reason = f"The zero start begins at {zero:.4f}, random starts at {middle:.4g} (median), which is lower in {found}."
    numbers = {"zero_first_cost": zero, "random_first_cost_median": middle}
    return _verdict(3, runs, found, reason, numbers, "the random start begins lower")


def random_weights_change(runs: Runs) -> Verdict:
    """Claim 7: from the random start the weights change, within the table's ten iterations."""
    after = runs.random_short.params
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
    return _verdict(7, runs, found, reason, numbers, "both weights change")


def random_is_faster(runs: Runs) -> Verdict:
    """Claim 8: the random start converges faster."""
    end = float(runs.zero.costs[-1])

    def times(left: float) -> tuple[float, Array]:
        cost = _way_to(end, left)
        return float(iterations_to(runs.zero.costs, cost)), iterations_to(runs.random.costs, cost)

    def count(left: float) -> Share:
        zero, random = times(left)
        return share(random < zero)

    zero, random = times(LEFT.value)
    cost, middle = _way_to(end, LEFT.value), median(random)
    reason = (
        f"To reach {cost:.4f}, {_percent(1 - LEFT.value)} of its own way down, the zero start takes {zero:g} "
        f"iterations and random starts take {middle.value:g} (median, {middle.interval[0]:g} to "
        f"{middle.interval[1]:g}); they are faster in {count(LEFT.value)}."
    )
    numbers = {"cost": cost, "zero_iterations": zero, "random_iterations_median": middle.value}
    return _tested(8, runs, LEFT, count, reason, numbers, "the random start is faster")


def biases_may_be_zero(runs: Runs) -> Verdict:
    """Claim 9: biases may start at zero; random biases change less than zero weights do."""
    zero, random, drawn = float(runs.zero.costs[-1]), runs.random.costs[:, -1], runs.random_biases.costs[:, -1]
    biases, weights = np.abs(drawn - random), np.abs(zero - random)

    def count(part: float) -> Share:
        return share(biases < part * weights)

    middle = float(np.median(biases)), float(np.median(weights))
    reason = (
        f"Biases drawn like the weights change the final cost by {middle[0]:.2g}, zero weights by {middle[1]:.2g} "
        f"(medians); biases change it less in {count(AS_LARGE.value)}."
    )
    numbers = {"change_by_biases_median": middle[0], "change_by_zero_weights_median": middle[1]}
    return _tested(9, runs, AS_LARGE, count, reason, numbers, "biases matter less than zero weights")


def small_weights_avoid_saturation(runs: Runs) -> Verdict:
    """Claim 10: the factor 0.01 keeps tanh out of saturation."""
    small, large, end = (
        np.array([saturated_fraction(runs.data.X, params) for params in networks])
        for networks in (runs.random_starts, runs.large_starts, each_network(runs.random.params))
    )

    def count(most: float) -> Share:
        return share(small <= most)

    shares = [float(np.median(each)) for each in (small, large, end)]
    reason = (
        f"Saturated hidden values (beyond 0.99): {_percent(shares[0])} at the start, {_percent(shares[1])} without the "
        f"factor 0.01, {_percent(shares[2])} after {CURVE_ITERATIONS} iterations (medians); at most "
        f"{_percent(IN_SATURATION.value)} at the start in {count(IN_SATURATION.value)}."
    )
    names = ("saturated_at_start", "saturated_at_start_without_factor", "saturated_at_end")
    numbers = dict(zip(names, shares, strict=True))
    return _tested(10, runs, IN_SATURATION, count, reason, numbers, "tanh starts outside saturation")


def large_weights_are_slow(runs: Runs) -> Verdict:
    """Claim 11: large weights learn slowly."""
    end = float(np.median(runs.random.costs[:, -1]))

    def times(left: float) -> tuple[Array, Array]:
        cost = _way_to(end, left)
        return iterations_to(runs.random.costs, cost), iterations_to(runs.large.costs, cost)

    def count(left: float) -> Share:
        small, large = times(left)
        either = np.isfinite(small) | np.isfinite(large)
        return share(large[either] > small[either])

    def first_fall(costs: Array) -> float:
        return float(np.median(costs[:, 0] - costs[:, 1]))

    middle = [float(np.median(each)) for each in times(SLOW.value)]
    cost = _way_to(end, SLOW.value)
    slower = ", ".join(f"in {count(left)} with {_percent(left)} of the way left" for left in TARGETS)
    small, large = first_fall(runs.random.costs), first_fall(runs.large.costs)
    reason = (
        f"To reach {cost:.4f}, scale {SCALE:g} takes {_time(middle[0])} and scale {LARGE_SCALE:g} {_time(middle[1])} "
        f"(medians). Where either start gets there, large weights are slower {slower}. The article argues with the "
        f"slope at the start: the first iteration lowers the cost by {small:.2g} with scale {SCALE:g} and by "
        f"{large:.2g} with scale {LARGE_SCALE:g} (medians)."
    )
    numbers = {
        "cost": cost,
        "small_iterations_median": middle[0],
        "large_iterations_median": middle[1],
        "small_first_fall_median": small,
        "large_first_fall_median": large,
    }
    return _tested(11, runs, SLOW, count, reason, numbers, "large weights are slower")


def _time(iterations: float) -> str:
    return f"{iterations:g} iterations" if np.isfinite(iterations) else f"more than {CURVE_ITERATIONS} iterations"


def both_reach_the_same_cost(runs: Runs) -> Verdict:
    """Claim 12: cases 1 and 2 reach the same cost by 3000 iterations."""
    zero, random = float(runs.zero.costs[-1]), runs.random.costs[:, -1]

    def count(tolerance: float) -> Share:
        return share(np.abs(random - zero) <= tolerance * zero)

    lower = median(zero - random)
    part = lower.value / zero
    reason = (
        f"The zero start ends at {zero:.5f}, random starts {lower.value:.2g} lower (median, {lower.interval[0]:.2g} to "
        f"{lower.interval[1]:.2g}), which is {_percent(part)} of the cost; within {_percent(SAME.value)} in "
        f"{count(SAME.value)}."
    )
    numbers = {"zero_final_cost": zero, "difference_median": lower.value}
    return _tested(12, runs, SAME, count, reason, numbers, "both end at the same cost")


def zero_only_needs_longer(runs: Runs) -> Verdict:
    """Claim 13: the zero start only needs more iterations to reach the cost of the random start."""
    limit, random = float(runs.zero_settled.costs[-1]), runs.random.costs[:, -1]

    def count(tolerance: float) -> Share:
        return share(limit - random <= tolerance * limit)

    middle = float(np.median(random))
    reason = (
        f"After {len(runs.zero_settled.costs)} iterations the zero start has converged to {limit:.5f}, the entropy of "
        f"the labels; random starts reach {middle:.5f} (median) after {CURVE_ITERATIONS}; the zero start gets as low, "
        f"within {_percent(SAME.value)}, in {count(SAME.value)}."
    )
    numbers = {"zero_limit": limit, "random_final_cost_median": middle}
    return _tested(13, runs, SAME, count, reason, numbers, "the zero start gets as low")


def zero_overfits(runs: Runs) -> Verdict:
    """Claim 14: the zero start overfits, the random start less so (train/test split)."""

    def rises(which: str) -> Array:
        curves = [getattr(split, which) for split in runs.splits]
        return np.array([curve[-1] / curve.min() - 1 for curve in curves])

    zero, random = (rises(name) for name in Split.__dataclass_fields__)

    def count(tolerance: float) -> Share:
        return share((zero > tolerance) & (zero > random))

    middle = float(np.median(zero)), float(np.median(random))
    reason = (
        f"The test cost ends {_percent(middle[0])} above its minimum with the zero start and {_percent(middle[1])} "
        f"with a random one (medians); with the zero start by more than {_percent(SAME.value)} and by more than with "
        f"the random start in {count(SAME.value)}."
    )
    numbers = {"zero_rise_median": middle[0], "random_rise_median": middle[1]}
    return _tested(14, runs, SAME, count, reason, numbers, "the zero start overfits more")


def constant_is_as_bad(runs: Runs) -> Verdict:
    """Claim 15, added: a constant start is as bad as zero. It needs no seeds; random starts are for comparison."""
    zero, constant = float(runs.zero.costs[-1]), float(runs.constant.costs[-1])
    random = float(np.median(runs.random.costs[:, -1]))

    def answer(tolerance: float) -> Answer:
        return "true" if constant >= zero * (1 - tolerance) else "false"

    depends, sentence, tried = sensitivity(SAME, answer)
    reason = (
        f"After {CURVE_ITERATIONS} iterations: constant {SCALE:g} at {constant:.5f}, {_percent(1 - constant / zero)} "
        f"below zero at {zero:.5f}, random at {random:.5f} (median), although the {HIDDEN} constant units stay "
        "identical. "
        f"{sentence}"
    )
    numbers = {"constant_final_cost": constant, "zero_final_cost": zero, "random_final_cost_median": random}
    return Verdict(15, runs.features, answer(SAME.value), reason, numbers | tried, depends_on_threshold=depends)
