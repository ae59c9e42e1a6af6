"""Systematic errors: each component within its bound, but all in one direction.

The bound of a component holds for any order of the sums and is seldom approached: the median error of honest programs
is a thousandth of it. An error of a few units in the last place that is always there hides below, but not from the
mean.

The trainings of one step from stored states, whose exact result is known, give signed errors e of components with
ground truth t and bound b. The components of one field (say W1) of one training become one sample, those that weigh
most counting most::

    x = sum(e t) / s    g = sum(u t t) / s    s = sqrt(sum(b b t t))

If a program computes (1 + k u) t where the exact result is t, then x is k g but for noise; so k is estimated by the
ratio sum(x) / sum(g), whose standard error comes from the residuals x - k g of the N samples. Of an honest program
the samples are independent (the trainings have different data or states), with mean 0 but for the bias of its
elementary functions, ``ALLOWED`` u at the most. A program is rejected if its estimate lies beyond ``ALLOWED`` by more
than Student's t quantile with N - 1 degrees of freedom, at a level that is ``FALSE_ALARMS`` shared among all tests of
a certificate (Bonferroni). So an honest program is rejected wrongly at most once in a million certificates. Each
group is also tested for errors that point upwards whatever the sign of t, with |t| for t in x.

Where X is zero and there is one sample, nothing is summed: there every component is a sample of its own, and shows
tanh, its slope, the logistic function or the cost at one known point.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from fastsym.agreement import bounds
from fastsym.agreement.examination import CaseResult
from fastsym.agreement.truth import GRADIENT_RATE, Case
from fastsym.model.params import Array

ALLOWED = 3.0
"""Bias that elementary functions may have, in units of u: one and a half units in the last place."""
FALSE_ALARMS = 1e-6
"""Probability that an honest program is rejected by these tests, all of one certificate together."""
FEWEST = 5
"""Samples of a group that is tested."""
SAMPLES = (40, 600)
"""M at which groups are divided."""
POINTS = (1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.625, 0.75, 0.875, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4)
"""Arguments of tanh at which groups are divided."""


class Bias(NamedTuple):
    """Estimated systematic error of one group."""

    group: str
    samples: int
    estimate: float
    """In units of u."""
    standard_error: float
    limit: float
    """Largest estimate that is accepted; it depends on the scatter of this program's samples."""


def samples(case: Case, errors: Array) -> Iterator[tuple[str, Array]]:
    """Give groups and their samples (N, 3) of one case: x, x upwards, g.

    Parameters
    ----------
    case
        One step.
    errors
        (1 + n) signed errors of cost and parameters, in units of their bounds.
    """
    u, M = bounds.unit_roundoff(case.dtype), case.X.shape[1]
    nothing_summed = M == 1 and not case.X.any()
    stop = 0
    for field, size in zip(("cost", *case.params._fields), (1, *map(np.size, case.params)), strict=True):
        start, stop = stop, stop + size
        t, b = case.truth[0][start:stop], case.bound[start:stop]
        each = np.stack([errors[start:stop] * b * t, errors[start:stop] * b * np.abs(t), u * t * t], axis=1)
        scale = b * np.abs(t)
        if nothing_summed and size == case.hidden > 1:
            places = np.digitize(np.abs(case.params[1]), POINTS)
            for place in np.unique(places[scale > 0]):
                low, high = (0.0, *POINTS, np.inf)[place : place + 2]
                here = (places == place) & (scale > 0)
                yield f"{field}, tanh from {low:g} to {high:g}", each[here] / scale[here, None]
        elif scale.any():
            kind = "of one sample" if nothing_summed else f"of {_range(M)} samples"
            yield f"{field} {kind}", each.sum(axis=0, keepdims=True) / np.sqrt(np.sum(scale * scale))


def _range(M: int) -> str:
    return next((f"up to {most}" for most in SAMPLES if most >= M), f"over {SAMPLES[-1]}")


def biases(results: Iterable[CaseResult]) -> list[Bias]:
    """Estimate the systematic error of each group, from single steps that show the gradient; others are left out."""
    from scipy.special import stdtrit  # takes longer to import than all of NumPy

    groups = defaultdict(list)
    for case, errors, _ in results:
        if case.iterations == 1 and case.learning_rate == GRADIENT_RATE and np.isfinite(errors).all():
            for group, sample in samples(case, errors):
                groups[group].append(sample)
    tested = {name: np.concatenate(found) for name, found in groups.items() if sum(map(len, found)) >= FEWEST}
    estimated = []
    for name, found in tested.items():
        quantile = float(stdtrit(len(found) - 1, 1 - FALSE_ALARMS / (4 * len(tested))))  # two sides, two directions
        g = found[:, 2]
        for direction, x in (("", found[:, 0]), (", upwards", found[:, 1])):
            estimate = float(x.sum() / g.sum())
            residuals = x - estimate * g
            scatter = float(np.sqrt(np.sum(residuals**2) / (len(x) - 1)))
            standard_error = scatter / (np.sqrt(len(x)) * g.mean())
            limit = ALLOWED + quantile * standard_error
            estimated.append(Bias(name + direction, len(x), estimate, standard_error, limit))
    return estimated


def reasons(found: Iterable[Bias]) -> Iterator[str]:
    """Say which groups have a systematic error that rounding does not explain."""
    for bias in found:
        if not (abs(bias.estimate) <= bias.limit):
            yield (
                f"{bias.group}: {bias.samples} results are off by {bias.estimate:+.3g} u on average, "
                f"where rounding explains {bias.limit:.2g}"
            )
