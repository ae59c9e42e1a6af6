"""Is a variant equal to the reference? A certificate says so, or says what failed.

A variant is measured against exact results (:mod:`fastsym.agreement.truth`), not against another program, through its
public training functions alone: variants of other packages need no code for it. Equality means

- every cost and every final parameter of some 190 short trainings is within the error that rounding explains,
  whatever the order of the sums;
- over 100 iterations on the article's data it drifts no further from the reference than rounding noise does
  (:mod:`fastsym.agreement.divergence`);
- the same call gives the same bits again;
- X and y stay as they are, nothing is written or used outside the arrays, zero iterations change nothing.

Comparisons are written so that NaN fails them.
"""

from fastsym.agreement.certificate import QUANTILES, Certificate, Errors, certify, first_failure
from fastsym.agreement.examination import CaseResult, check_case

__all__ = ["QUANTILES", "CaseResult", "Certificate", "Errors", "certify", "check_case", "first_failure"]
