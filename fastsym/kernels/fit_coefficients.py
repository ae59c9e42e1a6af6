"""Fits the coefficients in :mod:`fastsym.kernels.elementary`.

``python -m fastsym.kernels.fit_coefficients`` prints them; it needs mpmath, which the extra ``test`` installs.

Each is a Chebyshev fit (the polynomial through the Chebyshev nodes of an interval) made in 50 digits and rounded to
float64. The intervals are a little wider than what the kernels need, because a reduced argument is rounded, too. The
last coefficient, which decides alone where the argument is small, is the exact one where that is a float64 (exp) or
known (coth, left out of the fit).
"""

from collections.abc import Callable

from mpmath import cos, coth, factorial, ln2, log1p, lu_solve, matrix, mpf, pi, sqrt, workdps

DIGITS = 50
TERMS = 35
"""Of a power series, for small arguments: the next is below 1e-55 there."""


def _coth(u: mpf) -> mpf:
    """(r coth(r ln2 / 2) - 2 / ln2) / u for u = r r."""
    r = sqrt(u)
    return (r * coth(r * ln2 / 2) - 2 / ln2) / u


def _exp(x: mpf) -> mpf:
    """(exp(x) - 1 - x) / x squared, as a series, in which nothing cancels."""
    return sum(x**n / factorial(n + 2) for n in range(TERMS))


def _log(v: mpf) -> mpf:
    """(log((1 + s) / (1 - s)) / 2 s - 1) / v for v = s s."""
    s = sqrt(v)
    return ((log1p(s) - log1p(-s)) / (2 * s) - 1) / v


def _fit(function: Callable[[mpf], mpf], low: mpf, high: mpf, count: int) -> tuple[float, ...]:
    """So many coefficients, highest power first, of the polynomial through the Chebyshev nodes of an interval."""
    nodes = [(low + high) / 2 + (high - low) / 2 * cos(pi * (k + mpf("0.5")) / count) for k in range(count)]
    powers = matrix([[x**n for n in reversed(range(count))] for x in nodes])
    return tuple(map(float, lu_solve(powers, matrix([function(x) for x in nodes]))))


def coefficients() -> dict[str, tuple[float, ...]]:
    """Return each tuple of coefficients in ``elementary`` by its name, highest power first."""
    with workdps(DIGITS):
        r, x, v = mpf("0.876"), ln2 / 2 * mpf("1.0001"), mpf("0.02945")
        return {
            "COTH_64": (*_fit(_coth, mpf(0), r * r, 6), float(2 / ln2)),
            "COTH_32": (*_fit(_coth, mpf(0), r * r, 3), float(2 / ln2)),
            "EXP_64": (*_fit(_exp, -x, x, 10)[:-1], 0.5),
            "EXP_32": (*_fit(_exp, -x, x, 5)[:-1], 0.5),
            "LOG_64": _fit(_log, mpf(0), v, 7),
        }


if __name__ == "__main__":
    for name, values in coefficients().items():
        print(f"{name} = {values}")
