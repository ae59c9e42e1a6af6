"""Is a variant equal to the reference? A certificate says so, or says what failed.

A variant is called as users call it: by :func:`fastsym.train` with its checks and pieces, by the function for several
networks where it has one, and directly. Variants of other packages need no code for it. Costs and final parameters are
compared with exact results (:mod:`fastsym.agreement.truth`), or where those would be too large to store, with the same
training in float64 within the error that rounding explains, whatever the order of the sums.

A certificate speaks of these classes of cases, and of nothing else (:attr:`Certificate.covers` has those that were
tried, :attr:`Certificate.not_covered` those that do not apply):

- exact: a step and a few iterations from random and from trained states
- sizes: each of D, H and M beyond 65,536, and at the ends of blocks; remainders: every pair of remainders by 16
- states: zero, constant, equal, opposite, dead, saturated, tiny and huge starts
- labels: all alike, one apart, balanced, sorted; rates: from 1e-12 to 1e12
- features: from 1e-20 to 1e15, -0.0, denormals, duplicates, constants
- snapshots, multiplicities, several networks in one call, 1 to 4 threads
- long: one call of thousands of iterations, in cases that chaos does not reach, while another thread watches X and y
- changes: what a call might remember of the one before; side by side: two at the same time; overflow
- path: 100 iterations on the article's features stay within rounding noise (:mod:`fastsym.agreement.divergence`)
- bias: the mean signed error of each kind of result (:mod:`fastsym.agreement.systematic`)

In all of them X and y stay as they are, nothing is written or used outside the arrays, zero iterations change nothing,
and the same call gives the same bits again. ``thorough=True`` tries more sizes of each class.

Not covered are errors inside rounding, and joint conditions of sizes beyond their remainders: large sizes are tried one
at a time, with the others small or at a few fixed choices. So a program that is wrong only at D = 13, H = 37 and
M = 1003 together passes, thorough or not: nobody can try all triples, and no condition on single sizes or on
remainders by 16 of two of them hints at this one.

Comparisons are written so that NaN fails them.
"""

from fastsym.agreement.certificate import QUANTILES, Certificate, Errors, certify, first_failure, smallest_failure
from fastsym.agreement.examination import CaseResult, check_case

__all__ = [
    "QUANTILES",
    "CaseResult",
    "Certificate",
    "Errors",
    "certify",
    "check_case",
    "first_failure",
    "smallest_failure",
]
