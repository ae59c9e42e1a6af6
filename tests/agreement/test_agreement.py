from pathlib import Path

import numpy as np
import pytest

from fastsym import VARIANTS, Variant
from fastsym.agreement import Certificate, certify, check_case, make_truth, truth
from fastsym.agreement.make_truth import Start
from fastsym.agreement.mutants import formula, precision
from fastsym.model import reference
from fastsym.model.params import LayerParams, Params

DTYPES = ("float64", "float32")
OWN = ("reference", "numpy", "loops", "fused", "simd", "parallel")
ROOT = Path(__file__).parents[2]
COMPILED_ONCE = ("reference", "numpy", "loops", "fused")
COMPILED_FOR_EACH_SIZE = ("simd", "parallel")
"""These take seconds for each number of features, and run the two thirds of the problems that have 8 or 9."""


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OWN)
def test_own_variants_are_certified(name, dtype):
    certificate = certify(name, dtype)
    assert certificate.passed, certificate.summary()
    assert certificate.own.worst <= 1
    assert certificate.path_error <= 1.5
    assert certificate.own.quantiles[-1] == certificate.own.worst
    assert list(certificate.own.quantiles) == sorted(certificate.own.quantiles)
    assert 0 < certificate.own.median < 0.01
    assert "agrees" in certificate.summary()


@pytest.mark.parametrize("name", COMPILED_ONCE)
def test_the_thorough_check_has_more_numbers_of_features(name):
    certificate = certify(name, thorough=True)
    assert certificate.passed, certificate.summary()
    assert set(certificate.features) >= {1, 2, 5, 8, 9, 10, 13, 17, 26, 72, 100}
    assert set(certificate.hidden) >= {0, 1, 2, 4, 5, 7, 16, 33, 256}


def test_a_certificate_survives_json():
    certificate = certify("numpy")
    assert Certificate.from_json(certificate.to_json()) == certificate
    assert certificate.truth_sha256 == truth.truth_sha256()
    assert dict(certificate.versions)["numpy"] == np.__version__


def test_a_failed_certificate_names_what_failed():
    broken = Variant("broken", "drops a bias", formula.DroppedHiddenBias().train)
    certificate = certify(broken)
    assert not certificate.passed
    assert certificate.own.worst > 1e6
    assert "times its bound" in certificate.reasons[0]
    assert any(reason.startswith("path, H 4") for reason in certificate.reasons)
    assert "REJECTED" in certificate.summary()
    assert Certificate.from_json(certificate.to_json()).reasons == certificate.reasons


def test_the_reference_is_measured_on_the_same_cases():
    def two_layers(X, y, params, learning_rate, costs):
        reference.train_network(X, y, params, learning_rate, costs)

    alone = certify(Variant("two layers", "the reference without a one-layer net", two_layers))
    assert alone.own.quantiles == alone.reference.quantiles
    assert 0 not in alone.hidden
    assert 0 in certify("reference").hidden
    assert alone.reference.median != certify("reference").own.median


def test_nan_is_the_worst_error():
    certificate = certify(Variant("nan", "one NaN", precision.OneNaN().train))
    assert not certificate.passed
    assert np.isnan(certificate.own.worst)
    assert np.isnan(certificate.path_error)


def test_the_one_layer_net_is_checked_too():
    def no_bias(X, y, params: LayerParams, learning_rate, costs):
        own = LayerParams(params.W, params.b.copy())
        reference.train_layer(X, y, own, learning_rate, costs)

    good = VARIANTS["reference"]
    certificate = certify(Variant("half", "wrong in one layer only", good.train_network, no_bias))
    assert not certificate.passed
    two_layers = certify(Variant("network alone", "the same without a one-layer net", good.train_network))
    assert two_layers.passed, two_layers.summary()


def test_an_unknown_name_is_refused():
    with pytest.raises(KeyError):
        certify("nonsense")


def _random_problem(rng: np.random.Generator, number: int) -> tuple[Start, np.ndarray, np.ndarray]:
    """Any shape, any scale, with duplicated and constant features and every kind of labels."""
    D = int(rng.integers(1, 13) if number % 3 == 0 else rng.integers(8, 10))
    M, H = int(rng.integers(1, 41)), int(rng.integers(0, 7))
    X = rng.standard_normal((D, M)) * 10 ** rng.uniform(-8, 3, (D, 1))
    if number % 3 == 0:
        X[rng.integers(D)] = X[rng.integers(D)]
    if number % 4 == 0:
        X[rng.integers(D)] = rng.choice([0.0, 1.0, 1000.0])
    if number % 5 == 0:
        X[:, M // 2 :] = X[:, :1]
    y = np.full(M, float(number % 2)) if number % 7 == 0 else rng.integers(0, 2, M).astype(float)
    flat = rng.standard_normal(truth.count_parameters(D, H)) * 10 ** rng.uniform(-8, 3)
    if number % 6 == 0:
        flat = flat * 10 ** rng.uniform(-8, 0, len(flat))
    return Start(f"problem {number}", "", truth.unflatten(flat, D, H)), X, y


@pytest.mark.parametrize("part", range(4))
def test_no_false_alarm_on_a_thousand_random_problems(part):
    for number in range(250 * part, 250 * (part + 1)):
        start, X, y = _random_problem(np.random.default_rng(number), number)
        case = make_truth.solve(start, X, y, DTYPES[number % 2])
        for name in COMPILED_ONCE + COMPILED_FOR_EACH_SIZE * (len(X) in (8, 9)):
            if case.hidden or VARIANTS[name].train_layer is not None:
                result = check_case(VARIANTS[name], case)
                assert not result.reasons, (name, result.reasons)


def test_parameters_passed_by_the_checker_are_ordinary_arrays():
    seen = []

    def look(X, y, params: Params, learning_rate, costs):
        seen.extend((X, y, *params, costs))
        reference.train_network(X, y, params, learning_rate, costs)

    check_case(Variant("look", "looks at its input", look), next(c for c in truth.cases("float32") if c.hidden))
    assert seen
    for array in seen:
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert array.flags.aligned
        assert array.dtype == np.float32
