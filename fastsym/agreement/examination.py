"""One short training of a variant, watched from outside and compared with its exact result."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from fastsym.agreement import truth
from fastsym.agreement.truth import Case
from fastsym.model.params import AnyParams, Array, LayerParams
from fastsym.training.registry import Variant

MARGIN = 32
"""Numbers on either side of each array that is handed out, all NaN: more than a wide vector register holds."""


class CaseResult(NamedTuple):
    """Outcome of one case."""

    errors: Array
    """(T + n) errors of costs and final parameters, in units of their bounds."""
    reasons: tuple[str, ...]
    """What failed."""


class _Guarded:
    """An array in the middle of a longer one that is NaN elsewhere."""

    def __init__(self, array: Array) -> None:
        self._whole = np.full(array.size + 2 * MARGIN, np.nan, array.dtype)
        self.array = self._whole[MARGIN : MARGIN + array.size].reshape(array.shape)
        self.array[...] = array

    def margins_kept(self) -> bool:
        """Whether nothing was written beside the array."""
        return bool(np.isnan(self._whole[:MARGIN]).all() and np.isnan(self._whole[-MARGIN:]).all())


def _train(variant: Variant, X: Array, y: Array, params: AnyParams, learning_rate: float, costs: Array) -> None:
    with np.errstate(all="ignore"):
        if not isinstance(params, LayerParams):
            variant.train_network(X, y, params, learning_rate, costs)
        elif variant.train_layer is not None:
            variant.train_layer(X, y, params, learning_rate, costs)


class _Rig:
    """The arrays of one case, guarded, for as many runs as wanted."""

    def __init__(self, case: Case) -> None:
        self.case = case
        X, y, params = case.problem()
        self.X, self.y = _Guarded(X), _Guarded(y)
        self.fields = [_Guarded(field) for field in params]
        self.start = params
        self.costs = _Guarded(np.empty(case.iterations, X.dtype))

    def run(self, variant: Variant, iterations: int) -> Array:
        """Train from the start; return costs and final parameters, flat."""
        params = type(self.start)(*(field.array for field in self.fields))
        for array, value in zip(params, self.start, strict=True):
            array[...] = value
        self.costs.array[...] = np.nan
        _train(variant, self.X.array, self.y.array, params, self.case.learning_rate, self.costs.array[:iterations])
        return np.append(self.costs.array[:iterations].astype(np.float64), truth.flatten(params))

    def damage(self) -> Iterator[str]:
        """Say what was changed that should not have been."""
        X, y, _ = self.case.problem()
        for name, guarded, value in (("X", self.X, X), ("y", self.y, y)):
            if not np.array_equal(guarded.array, value):
                yield f"{name} was modified"
        guards = {"X": self.X, "y": self.y, "costs": self.costs}
        guards |= dict(zip(self.start._fields, self.fields, strict=True))
        for name, guarded in guards.items():
            if not guarded.margins_kept():
                yield f"wrote outside of {name}"


def check_case(variant: Variant, case: Case) -> CaseResult:
    """Run one case and compare it with the ground truth."""
    rig = _Rig(case)
    reasons = []
    if not np.array_equal(rig.run(variant, 0), truth.flatten(rig.start)):
        reasons.append("zero iterations changed the parameters")
    result = rig.run(variant, case.iterations)
    if not np.array_equal(result, rig.run(variant, case.iterations), equal_nan=True):
        reasons.append("the same call gave other bits the second time")
    reasons += rig.damage()
    with np.errstate(invalid="ignore"):
        errors = np.abs((result - case.truth[0]) - case.truth[1]) / case.bound
    finite = np.isfinite(errors)
    if not finite.all():
        first = truth.component(case.params, case.iterations, int(np.argmin(finite)))
        reasons.append(f"{np.sum(~finite)} results are not finite, {first} first")
    elif not (errors.max() <= 1):
        worst = truth.component(case.params, case.iterations, int(np.argmax(errors)))
        reasons.append(f"the error of {worst} is {errors.max():.3g} times its bound")
    return CaseResult(errors, tuple(f"{case.name}: {reason}" for reason in reasons))
