import numpy as np
import pytest

import fastsym
from fastsym import LayerParams, Params
from fastsym.experiments.symmetry import dead_units, orbit_types
from fastsym.model.initialise import PARTLY_ZERO, RULES, STARTS, initialise
from fastsym.model.units import class_letters, unit_classes

ORBIT_KINDS = ["blocks:" + ("+".join(map(str, sizes)) or "0") for sizes in orbit_types(4)]
TYPES = (np.float64, np.float32)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kind", ["zeros", "constant", "normal"])
def test_shapes_types_and_zero_biases(kind, dtype):
    network = initialise(kind, 3, 5, dtype=dtype)
    layer = initialise(kind, 3, dtype=dtype)
    assert isinstance(network, Params)
    assert isinstance(layer, LayerParams)
    assert [p.shape for p in network] == [(5, 3), (5,), (5,), ()]
    assert [p.shape for p in layer] == [(3,), ()]
    assert {p.dtype for p in (*network, *layer)} == {np.dtype(dtype)}
    assert not network.b1.any()
    assert not network.b2.any()
    assert not layer.b.any()


def test_zeros_and_constant():
    assert not any(p.any() for p in initialise("zeros", 2, 3, scale=7.0))
    constant = initialise("constant", 2, 3, scale=0.1)
    assert set(constant.W1.ravel()) | set(constant.W2) == {0.1}


def test_normal_is_the_seeded_stream_w1_first():
    rng = np.random.default_rng(42)
    network = initialise("normal", 3, 5, scale=0.01, seed=42)
    np.testing.assert_array_equal(network.W1, 0.01 * rng.standard_normal((5, 3)))
    np.testing.assert_array_equal(network.W2, 0.01 * rng.standard_normal(5))


def test_float32_draws_are_the_float64_draws_rounded():
    for wide, narrow in zip(initialise("normal", 3, 5), initialise("normal", 3, 5, dtype=np.float32), strict=True):
        np.testing.assert_array_equal(wide.astype(np.float32), narrow)


def test_each_parameter_has_its_own_memory():
    params = initialise("constant", 2, 2)
    for i, a in enumerate(params):
        assert a.flags.writeable
        assert not any(np.shares_memory(a, b) for b in params[:i])


def test_default_scale_is_the_articles_or_the_rules():
    np.testing.assert_array_equal(initialise("constant", 3, 2).W1, np.full((2, 3), 0.01))
    np.testing.assert_array_equal(initialise("he", 3, 2).W1, initialise("he", 3, 2, 1.0).W1)


@pytest.mark.parametrize(
    ("kind", "variance"),
    [("uniform", 0.01**2 / 3), ("glorot", 2 / (500 + 400)), ("he", (5 / 3) ** 2 / 400), ("orthogonal", 1 / 500)],
)
def test_variance_of_a_rule(kind, variance):
    W1 = initialise(kind, 400, 500, seed=3).W1
    assert W1.var() == pytest.approx(variance, rel=0.01)
    assert abs(W1.mean()) < 4 * np.sqrt(variance / W1.size)


def test_uniform_stays_within_scale():
    W1 = initialise("uniform", 100, 100, 0.5).W1
    assert 0.49 < np.abs(W1).max() <= 0.5


@pytest.mark.parametrize(("D", "H"), [(8, 4), (4, 8), (5, 5)])
def test_orthogonal_weights(D, H):
    params = initialise("orthogonal", D, H, seed=2)
    W = params.W1 if H <= D else params.W1.T
    np.testing.assert_allclose(W @ W.T, np.eye(min(D, H)), atol=1e-14)
    assert np.linalg.norm(params.W2) == pytest.approx(1)


def test_partly_zero_starts():
    first, second, biases = (initialise(kind, 8, 4, 0.1) for kind in PARTLY_ZERO)
    assert not first.W1.any()
    assert first.W2.all()
    assert second.W1.all()
    assert not second.W2.any()
    assert not biases.W1.any()
    assert not biases.W2.any()
    assert biases.b1.all()
    assert biases.b2 != 0


@pytest.mark.parametrize("kind", ORBIT_KINDS)
def test_all_orbit_types_of_four_units(kind):
    sizes = [int(size) for size in kind.split(":")[1].split("+") if size != "0"]
    params = initialise(kind, 8, 4, 0.1, seed=1)
    labels = unit_classes(params)
    alive = ~dead_units(params)
    assert sorted(np.bincount(labels[alive]).tolist()) == sorted(sizes)
    assert dead_units(params).sum() == 4 - sum(sizes)
    apart = initialise(kind, 8, 4, 0.1, seed=1, perturbation=1e-6)
    assert class_letters(unit_classes(apart)) == "ABCD"
    assert 1e-7 < np.abs(apart.W1 - params.W1).max() < 1e-5
    assert not apart.b1.any()


def test_blocks_hold_both_signs():
    params = initialise("blocks:40", 8, 40, 0.1)
    assert 5 < (params.W2 > 0).sum() < 35
    assert (unit_classes(params, up_to_sign=False) < 2).all()


@pytest.mark.parametrize("kind", ORBIT_KINDS)
@pytest.mark.parametrize("variant", ["fused"])
def test_an_exact_orbit_type_is_kept_for_ever(kind, variant):
    X, y, _ = fastsym.load_titanic("standardised")
    start = initialise(kind, 8, 4, 0.1, seed=1)
    end = fastsym.train(X, y, start, 500, 1.0, variant).params
    np.testing.assert_array_equal(unit_classes(end), unit_classes(start))
    np.testing.assert_array_equal(dead_units(end), dead_units(start))


@pytest.mark.parametrize("kind", [*STARTS, *RULES])
def test_one_layer(kind):
    layer = initialise(kind, 6, perturbation=1e-3, seed=4)
    assert layer.W.shape == (6,)
    assert layer.W.any()
    assert layer.b == 0


def test_float32_is_the_float64_start_rounded():
    for kind in ("he", "blocks:2+2"):
        wide, narrow = (initialise(kind, 8, 4, seed=5, dtype=dtype) for dtype in (np.float64, np.float32))
        for a, b in zip(wide, narrow, strict=True):
            assert b.dtype == np.float32
            np.testing.assert_array_equal(a.astype(np.float32), b)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "xavier"}, "kind: expected one of zeros"),
        ({"kind": "blocks:"}, "kind: expected block sizes"),
        ({"kind": "blocks:2+x"}, "kind: expected block sizes"),
        ({"kind": "blocks:3+2"}, "kind: expected blocks of 4 units"),
        ({"kind": "he", "perturbation": np.nan}, "perturbation: expected a finite"),
        ({"kind": "he", "scale": np.inf}, "scale: expected a finite"),
        ({"kind": "he", "hidden": 0}, "hidden: expected an integer"),
        ({"kind": "he", "dtype": np.int64}, "dtype: expected float64"),
        ({"n_features": 0}, "n_features: expected an integer of at least 1"),
        ({"n_features": 2.0}, r"n_features: expected an integer of at least 1; got 2\.0"),
        ({"hidden": True}, "hidden: expected an integer of at least 1; got True"),
        ({"dtype": np.float16}, "dtype: expected float64 or float32; got float16"),
        ({"kind": "w1_zero", "hidden": None}, "kind: expected one for the one-layer"),
    ],
)
def test_bad_arguments(options, message):
    arguments = {"kind": "normal", "n_features": 8, "hidden": 4} | options
    with pytest.raises(ValueError, match=message):
        initialise(**arguments)
