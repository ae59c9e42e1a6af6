"""All checks of a variant, and their verdict as one record."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from fastsym.agreement import bounds, divergence, truth
from fastsym.agreement.examination import check_case
from fastsym.agreement.truth import Case
from fastsym.model import reference
from fastsym.model.params import LayerParams
from fastsym.training.registry import VARIANTS, Variant

QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
USUAL_FEATURES = (8, 9, 17, 26, 72)
"""D of the article's feature sets, and some that a kernel may treat in pieces of 8 or 9.

A kernel may be compiled anew for each size of a piece, which takes seconds.
"""
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
    cases: int
    """Short trainings whose exact result is known."""
    components: int
    """Numbers that were compared with it."""
    features: tuple[int, ...]
    """D that occur in the cases; so for the next two."""
    hidden: tuple[int, ...]
    """H; 0 for the one-layer net."""
    samples: tuple[int, ...]
    own: Errors
    """The variant's errors."""
    worst_component: str
    """Where the largest of them is."""
    reference: Errors
    """Errors of the article's NumPy program in the same cases on this machine."""
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
        fields["versions"] = tuple((name, number) for name, number in fields["versions"])
        return Certificate(**fields)

    def summary(self) -> str:
        """Say it in one line."""
        if not self.passed:
            return f"{self.variant} {self.dtype}: REJECTED for {len(self.reasons)} reasons, first {self.reasons[0]}"
        return (
            f"{self.variant} {self.dtype}: agrees, {self.components} numbers of {self.cases} trainings, "
            f"worst {self.own.worst:.2g} of the bound ({self.worst_component}), median {self.own.median:.1e} "
            f"(reference: worst {self.reference.worst:.2g}, median {self.reference.median:.1e})"
        )


def _cases(variant: Variant, dtype: str, thorough: bool) -> list[Case]:
    """Select the cases to be run; none of the one-layer net if the variant has none."""
    return [
        case
        for case in truth.cases(dtype)
        if (thorough or len(case.X) in USUAL_FEATURES)
        and (variant.train_layer is not None or not isinstance(case.params, LayerParams))
    ]


def path_errors(variant: Variant, dtype: str) -> dict[int, float]:
    """Largest distance from the reference's path over the band's envelope, for each width."""
    errors = {}
    for hidden in divergence.WIDTHS:
        distances = divergence.divergence(variant.train_network, hidden, dtype, PATH_ITERATIONS)
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
    for case in _cases(variant, name, thorough=False):
        for reason in check_case(variant, case).reasons:
            return reason
    return next(_path_reasons(path_errors(variant, name)), None)


def certify(variant: str | Variant, dtype: DTypeLike = np.float64, *, thorough: bool = False) -> Certificate:
    """Check a variant against the stored ground truth.

    Parameters
    ----------
    variant
        A name in :data:`fastsym.VARIANTS`, or the variant itself, which need not be registered.
    dtype
        float64 or float32.
    thorough
        Check more numbers of features, from 1 to 100.

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
def _certify(variant: Variant, dtype: str, thorough: bool) -> Certificate:
    cases = _cases(variant, dtype, thorough)
    found = [check_case(variant, case) for case in cases]
    errors = np.concatenate([result.errors for result in found])
    tops = [float(np.max(result.errors)) for result in found]
    worst = int(np.argmax(np.nan_to_num(tops, nan=np.inf)))  # what is not finite is the worst there can be
    place = truth.component(cases[worst].params, cases[worst].iterations, int(np.argmax(found[worst].errors)))
    paths = path_errors(variant, dtype)
    reasons = [reason for result in found for reason in result.reasons] + list(_path_reasons(paths))
    own = Errors(tops[worst], float(np.median(errors)), tuple(float(q) for q in np.quantile(errors, QUANTILES)))
    yardstick = own
    if variant.train_network is not reference.train_network:
        same_nets = VARIANTS["reference"] if variant.train_layer else replace(VARIANTS["reference"], train_layer=None)
        yardstick = _certify(same_nets, dtype, thorough).own
    return Certificate(
        variant=variant.name,
        dtype=dtype,
        passed=not reasons,
        reasons=tuple(reasons),
        cases=len(found),
        components=len(errors),
        features=_distinct(len(case.X) for case in cases),
        hidden=_distinct(case.hidden for case in cases),
        samples=_distinct(case.X.shape[1] for case in cases),
        own=own,
        worst_component=f"{place} of {cases[worst].name}",
        reference=yardstick,
        path_error=max(paths.values(), key=lambda error: np.nan_to_num(error, nan=np.inf)),
        bound=f"{bounds.ELEMENTARY} u for elementary functions, {bounds.PRODUCTS} u for products",
        truth_sha256=truth.truth_sha256(),
        versions=tuple((name, version(name)) for name in ("numpy", "numba")),
    )


def _distinct(numbers: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(numbers)))
