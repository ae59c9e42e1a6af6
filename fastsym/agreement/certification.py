"""All checks of a variant, and their verdict."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from importlib.metadata import version

import numpy as np
from numpy.typing import DTypeLike

from fastsym.agreement import bounds, divergence, truth
from fastsym.agreement.certificate import QUANTILES, Certificate
from fastsym.agreement.examination import examine
from fastsym.agreement.truth import Case
from fastsym.model import reference
from fastsym.model.params import LayerParams
from fastsym.training.registry import VARIANTS, Variant

USUAL_FEATURES = (8, 9, 17, 26, 72)
"""D of the article's feature sets, and some that a kernel may treat in pieces of 8 or 9.

A kernel may be compiled anew for each size of a piece, which takes seconds.
"""
PATH_ITERATIONS = 100
"""As far as paths are compared; with 16 units they are different trainings by then."""
PATH_LIMIT = 10.0
"""A decade: a program whose own rounding is tenfold drifts apart that much sooner, and is not wrong."""


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
        for reason in examine(variant, case).reasons:
            return reason
    return next(_path_reasons(path_errors(variant, name)), None)


def certify(variant: str | Variant, dtype: DTypeLike = np.float64, *, thorough: bool = False) -> Certificate:
    """Check a variant against the stored truth.

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
    found = [examine(variant, case) for case in cases]
    errors = np.concatenate([finding.errors for finding in found])
    tops = [float(np.max(finding.errors)) for finding in found]
    worst = int(np.argmax(np.nan_to_num(tops, nan=np.inf)))  # what is not finite is the worst there can be
    place = truth.component(cases[worst].params, cases[worst].iterations, int(np.argmax(found[worst].errors)))
    paths = path_errors(variant, dtype)
    reasons = [reason for finding in found for reason in finding.reasons] + list(_path_reasons(paths))
    own = tops[worst], float(np.median(errors)), tuple(float(q) for q in np.quantile(errors, QUANTILES))
    yardstick = own
    if variant.train_network is not reference.train_network:
        same_nets = VARIANTS["reference"] if variant.train_layer else replace(VARIANTS["reference"], train_layer=None)
        other = _certify(same_nets, dtype, thorough)
        yardstick = other.worst_error, other.median_error, other.error_quantiles
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
        worst_error=own[0],
        worst_component=f"{place} of {cases[worst].name}",
        median_error=own[1],
        error_quantiles=own[2],
        reference_worst_error=yardstick[0],
        reference_median_error=yardstick[1],
        reference_error_quantiles=yardstick[2],
        path_error=max(paths.values(), key=lambda error: np.nan_to_num(error, nan=np.inf)),
        bound=f"{bounds.ELEMENTARY} u for elementary functions, {bounds.PRODUCTS} u for products",
        truth_sha256=truth.truth_sha256(),
        versions=tuple((name, version(name)) for name in ("numpy", "numba")),
    )


def _distinct(numbers: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(numbers)))
