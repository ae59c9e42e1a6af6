"""All checks of a variant, and their verdict as one record."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from fastsym.agreement import bounds, case_classes, divergence, long_run, systematic, truth
from fastsym.agreement.calls import trains
from fastsym.agreement.case_classes import CLASSES
from fastsym.agreement.examination import (
    OTHER_BITS,
    CaseResult,
    check_case,
    check_changes,
    check_networks,
    check_overflow,
    check_side_by_side,
)
from fastsym.model.params import Array
from fastsym.training.registry import VARIANTS, Variant

QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
USUAL_FEATURES = (8, 9, 17, 26, 72)
"""D of the stored cases that are not for the thorough check alone."""
OTHER = {"float64": "float32", "float32": "float64"}
FEW = 10
"""Cases after which a variant that gave no number in any of them is not asked further."""
SIDE_BY_SIDE = 25
"""Trainings of each of two threads at the same time."""
PATH_ITERATIONS = 100
"""As far as paths are compared; with 16 units they are different trainings by then."""
PATH_LIMIT = 10.0
"""A decade: a program whose own rounding is tenfold drifts apart that much sooner, and is not wrong."""


@dataclass(frozen=True)
class Errors:
    """Errors of a program's costs and final parameters, in units of their bounds."""

    worst: float
    """NaN if a result was not finite."""
    median: float
    quantiles: tuple[float, ...]
    """Errors at :data:`QUANTILES`."""


@dataclass(frozen=True)
class Certificate:
    """Outcome of the check of one variant in one data type."""

    variant: str
    dtype: str
    passed: bool
    reasons: tuple[str, ...]
    """What failed; empty if nothing did."""
    wrong: tuple[tuple[str, int], ...]
    """Kinds of results (cost, W1, ...) that were beyond their bounds, and in how many cases."""
    cases: int
    """Trainings that were compared: with their exact result, with float64, or with the same in another way."""
    components: int
    """Numbers that were compared with an exact result."""
    covers: tuple[str, ...]
    """The classes of cases that were tried. What is in none of them was not looked at."""
    not_covered: tuple[str, ...]
    """Classes that do not apply: the variant trains no one-layer nets, or no several networks in one call."""
    features: tuple[int, ...]
    """D that occur in the cases; so for the next two."""
    hidden: tuple[int, ...]
    """H; 0 for the one-layer net."""
    samples: tuple[int, ...]
    own: Errors
    """The variant's errors, against exact results."""
    worst_component: str
    """Where the largest of them is."""
    reference: Errors
    """Errors of the article's NumPy program in the same cases on this machine."""
    bias: float
    """Largest mean signed error of any group, in units of the last place's half (u)."""
    bias_group: str
    """Where it is."""
    path_error: float
    """Largest distance of its path from the reference's, over what perturbed reference runs reach."""
    bound: str
    """Constants of the error bound, see :mod:`fastsym.agreement.bounds`."""
    truth_sha256: str
    """Fingerprint of the stored ground truth, which fixes shapes, seeds, states and bounds."""
    versions: tuple[tuple[str, str], ...]
    """Names and versions of the packages that computed."""

    def to_json(self) -> str:
        """Serialise; :meth:`from_json` reads it back."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> "Certificate":
        """Read what :meth:`to_json` wrote."""
        fields: dict[str, Any] = json.loads(text)
        fields |= {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
        for name in ("own", "reference"):
            errors = fields[name]
            fields[name] = Errors(errors["worst"], errors["median"], tuple(errors["quantiles"]))
        for name in ("versions", "wrong"):
            fields[name] = tuple((kind, number) for kind, number in fields[name])
        return Certificate(**fields)

    def summary(self) -> str:
        """Say it in one line."""
        if not self.passed:
            return (
                f"{self.variant} {self.dtype}: REJECTED for {len(self.reasons)} reasons; the first: {self.reasons[0]}"
            )
        return (
            f"{self.variant} {self.dtype}: agrees in {self.cases} trainings of {len(self.covers)} of "
            f"{len(self.covers) + len(self.not_covered)} classes, "
            f"{self.components} numbers exactly known: worst {self.own.worst:.2g} of the bound "
            f"({self.worst_component}), median {self.own.median:.1e} (reference: worst {self.reference.worst:.2g}, "
            f"median {self.reference.median:.1e}), largest bias {self.bias:.2g} u; "
            "nothing beyond these classes was looked at"
        )


COVERS = {
    "exact": "one step and a few iterations from random and from trained states, against exact results",
    **{each.name: each.covers for each in CLASSES},
    "long": f"one call of up to {long_run.CALLS[-1]} iterations with every cost, while another thread watches X and y",
    "changes": "X, y, start, rate and data type changed between two calls",
    "networks": "several networks in one call, on 1 to 4 threads, with snapshots, multiplicities, merged samples",
    "side by side": "two trainings at the same time",
    "overflow": "a training that overflows, and the next one",
    "path": f"{PATH_ITERATIONS} iterations on the article's features within the band of rounding noise",
    "bias": "the mean signed error of each kind of result",
}
"""The classes of cases, in the order in which they are tried, and what each covers."""


def _results(variant: Variant, dtype: str, thorough: bool) -> Iterator[tuple[str, CaseResult]]:
    """Run case after case, most telling ones first; give the class of each and what was found."""
    for case in truth.cases(dtype):
        if trains(variant, case) and (thorough or len(case.X) in USUAL_FEATURES):
            yield "exact", check_case(variant, case, again=bool(case.X.any()))
    for each in CLASSES:
        for case in case_classes.cases(each.name, dtype, thorough):
            if trains(variant, case):
                yield each.name, check_case(variant, case, again=False)
    for cases in case_classes.changes(dtype):
        if trains(variant, cases[0]):
            yield from (("changes", result) for result in check_changes(variant, cases))
    if variant.train_population is not None:
        for networks in case_classes.networks(dtype):
            found = check_networks(variant, networks.cases, networks.threads, merged=networks.merged)
            yield from (("networks", result) for result in found)
    for case in long_run.cases(dtype):
        if trains(variant, case):
            yield "long", check_case(variant, case, again=False)
    for pair, other in zip(case_classes.pairs(dtype), case_classes.pairs(OTHER[dtype]), strict=True):
        if trains(variant, pair[0]):
            check_case(variant, other[0])  # what it leaves behind is seen in the next
            yield "changes", check_case(variant, pair[0])
            yield from (("side by side", result) for result in check_side_by_side(variant, pair, SIDE_BY_SIDE))
            yield from (("overflow", result) for result in check_overflow(variant, pair[0]))


def _tried(variant: Variant, dtype: str, thorough: bool) -> list[tuple[str, CaseResult]]:
    """Run all cases, but few if none of these gives a number: more of the same would only take time."""
    found: list[tuple[str, CaseResult]] = []
    for each in _results(variant, dtype, thorough):
        found.append(each)
        if len(found) == FEW and all(np.isnan(result.errors).all() for _, result in found):
            break
    return found


def path_errors(variant: Variant, dtype: str) -> dict[int, float]:
    """Largest distance from the reference's path over the band's envelope, for each width; NaN if the variant fails."""
    errors = {}
    for hidden in divergence.WIDTHS:
        try:
            distances = divergence.divergence(variant.train_network, hidden, dtype, PATH_ITERATIONS)
        except (Exception, SystemExit):  # what a program of somebody else raises is its failure, which the cases report
            errors[hidden] = float("nan")
            continue
        errors[hidden] = float(np.max(distances / divergence.band(hidden, dtype).envelope[: len(distances)]))
    return errors


def _path_reasons(errors: dict[int, float]) -> Iterator[str]:
    for hidden, error in errors.items():
        if not (error <= PATH_LIMIT):
            yield (
                f"path, H {hidden}: within {PATH_ITERATIONS} iterations the distance from the reference is {error:.3g} "
                "times what rounding noise gives"
            )


def first_failure(variant: Variant, dtype: DTypeLike = np.float64) -> str | None:
    """Return the first reason to reject the variant, and stop there; ``None`` if there is none."""
    name = np.dtype(dtype).name
    exact = []
    for kind, result in _results(variant, name, thorough=False):
        if result.reasons:
            return result.reasons[0]
        if kind == "exact":
            exact.append(result)
    paths = _path_reasons(path_errors(variant, name))
    return next(chain(paths, systematic.reasons(systematic.biases(exact))), None)


def smallest_failure(
    variant: str | Variant, dtype: DTypeLike = np.float64, *, thorough: bool = False
) -> CaseResult | None:
    """Return the failing case that takes the fewest steps, to debug a variant by; None if no single case fails.

    Cases without multiplicities come first, because any variant can be called with them; and of these the ones in
    which the same call gave other bits, because that names the cause. Arguments as for :func:`certify`.
    """
    checked = VARIANTS[variant] if isinstance(variant, str) else variant
    failures = [result for _, result in _tried(checked, np.dtype(dtype).name, thorough) if result.reasons]
    return min(failures, key=_steps, default=None)


def _steps(failure: CaseResult) -> tuple[bool, bool, int]:
    case, changes = failure.case, any(reason.endswith(OTHER_BITS) for reason in failure.reasons)
    return case.multiplicity is not None, not changes, case.iterations * case.X.size * max(case.hidden, 1)


def _wrong(results: Iterable[CaseResult]) -> tuple[tuple[str, int], ...]:
    """Count for each kind of result the cases in which it was beyond its bound."""
    counts = Counter(kind for result in results for kind, error in result.worst().items() if not (error <= 1))
    return tuple(counts.most_common())


def certify(variant: str | Variant, dtype: DTypeLike = np.float64, *, thorough: bool = False) -> Certificate:
    """Check a variant in all classes of cases that :mod:`fastsym.agreement` lists.

    Parameters
    ----------
    variant
        A name in :data:`fastsym.VARIANTS`, or the variant itself, which need not be registered.
    dtype
        float64 or float32.
    thorough
        Try more sizes: exact results for more numbers of features, many more pairs of remainders, larger tables.

    Returns
    -------
    Certificate
        Look at ``passed``, and at ``reasons`` if it is false. Computed once per variant and data type in a process.

    Raises
    ------
    KeyError
        If there is no variant of that name.
    """
    return _certify(VARIANTS[variant] if isinstance(variant, str) else variant, np.dtype(dtype).name, thorough)


@cache
def _reference_errors(dtype: str, thorough: bool, has_layer: bool) -> Errors:
    """Measure the reference in the cases with exact results that a variant runs."""
    variant = VARIANTS["reference"]
    cases = [case for case in truth.cases(dtype) if thorough or len(case.X) in USUAL_FEATURES]
    results = [check_case(variant, case, again=False) for case in cases if case.hidden or has_layer]
    return _errors(results)


def _errors(results: Sequence[CaseResult]) -> Errors:
    """Sum up; what is exactly 0, and comes out so from any program, is left out."""
    errors = np.abs(np.concatenate([result.errors[result.case.truth[0] != 0] for result in results]))
    quantiles = tuple(float(q) for q in np.quantile(errors, QUANTILES))
    return Errors(float(np.max(errors)), float(np.median(errors)), quantiles)


@cache
def _certify(variant: Variant, dtype: str, thorough: bool) -> Certificate:
    found = _tried(variant, dtype, thorough)
    exact = [result for kind, result in found if kind == "exact"]
    worst = max(exact, key=lambda result: _size(result.errors))
    place = truth.component(worst.case.params, worst.case.iterations, int(np.argmax(_finite(worst.errors))))
    paths, biases = path_errors(variant, dtype), systematic.biases(exact)
    largest = max(biases, key=lambda bias: abs(bias.estimate) / bias.limit, default=None)
    reasons = [reason for _, result in found for reason in result.reasons]
    reasons += [*_path_reasons(paths), *systematic.reasons(biases)]
    covers = {kind for kind, _ in found} | {"path", "bias"}
    return Certificate(
        variant=variant.name,
        dtype=dtype,
        passed=not reasons,
        reasons=tuple(reasons),
        wrong=_wrong(result for _, result in found),
        cases=len(found),
        components=sum(int(np.count_nonzero(result.case.truth[0])) for result in exact),
        covers=tuple(text for kind, text in COVERS.items() if kind in covers),
        not_covered=tuple(text for kind, text in COVERS.items() if kind not in covers),
        features=_distinct(len(result.case.X) for _, result in found),
        hidden=_distinct(result.case.hidden for _, result in found),
        samples=_distinct(result.case.X.shape[1] for _, result in found),
        own=_errors(exact),
        worst_component=f"{place} of {worst.case.name}",
        reference=_reference_errors(dtype, thorough, variant.train_layer is not None),
        bias=largest.estimate if largest else float("nan"),
        bias_group=largest.group if largest else "",
        path_error=max(paths.values(), key=lambda error: np.nan_to_num(error, nan=np.inf)),
        bound=f"{bounds.ELEMENTARY} u for elementary functions, {bounds.PRODUCTS} u for products",
        truth_sha256=truth.truth_sha256(),
        versions=tuple((name, version(name)) for name in ("numpy", "numba")),
    )


def _finite(errors: Array) -> Array:
    """Sizes of errors, in which what is not finite is the worst there can be."""
    return np.nan_to_num(np.abs(errors), nan=np.inf)


def _size(errors: Array) -> float:
    return float(_finite(errors).max())


def _distinct(numbers: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(numbers)))
