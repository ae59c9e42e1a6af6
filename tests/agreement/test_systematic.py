import numpy as np
import pytest

import fastsym
from fastsym.agreement import bounds, check_case, systematic, truth
from fastsym.agreement.certificate import USUAL_FEATURES

DTYPES = ("float64", "float32")


@pytest.fixture(scope="module", params=DTYPES)
def honest(request):
    variant = fastsym.VARIANTS["reference"]
    cases = [case for case in truth.cases(request.param) if len(case.X) in USUAL_FEATURES]
    return [check_case(variant, case, again=False) for case in cases]


def wrong_by(results, units, kind="scaled"):
    """The same results with every component off by so many u: of its size, or upwards."""
    found = []
    for case, errors, reasons in results:
        size = case.truth[0][: len(errors)]
        size = np.abs(size) if kind == "upwards" else size
        u = bounds.unit_roundoff(case.dtype)
        with np.errstate(invalid="ignore", divide="ignore"):
            more = np.nan_to_num(units * u * size / case.bound[: len(errors)])
        found.append(type(results[0])(case, errors + more, reasons))
    return found


def test_an_honest_program_has_none(honest):
    found = systematic.biases(honest)
    assert len(found) > 10
    assert not list(systematic.reasons(found))


@pytest.mark.parametrize("kind", ["scaled", "upwards"])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_bias_is_seen_with_its_size_and_sign(honest, kind, sign):
    found = systematic.biases(wrong_by(honest, 12 * sign, kind))
    assert list(systematic.reasons(found))
    largest = max(found, key=lambda bias: abs(bias.estimate))
    assert abs(largest.estimate) == pytest.approx(12, abs=4)  # what rounding does is on top
    assert np.sign(largest.estimate) == sign


def test_the_estimate_grows_by_what_is_added(honest):
    before = {bias.group: bias.estimate for bias in systematic.biases(honest)}
    after = {bias.group: bias.estimate for bias in systematic.biases(wrong_by(honest, 5))}
    groups = [group for group in before if not group.endswith("upwards")]
    assert [after[group] - before[group] for group in groups] == pytest.approx([5] * len(groups), rel=1e-6)


def test_a_result_that_is_not_a_number_is_a_reason():
    bias = systematic.Bias("W1", 9, float("nan"), 1.0, 3.0)
    assert list(systematic.reasons([bias]))
