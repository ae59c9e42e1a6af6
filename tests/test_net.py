from typing import Any

import numpy as np
import pytest

from fastsym import LayerParams, Params, initialise

TYPES = (np.float64, np.float32)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kind", ["zeros", "constant", "normal"])
def test_shapes_types_and_zero_biases(kind: str, dtype: type) -> None:
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


def test_zeros_and_constant() -> None:
    assert not any(p.any() for p in initialise("zeros", 2, 3, scale=7.0))
    constant = initialise("constant", 2, 3, scale=0.1)
    assert isinstance(constant, Params)
    assert set(constant.W1.ravel()) | set(constant.W2) == {0.1}


def test_normal_is_the_seeded_stream_w1_first() -> None:
    rng = np.random.default_rng(42)
    network = initialise("normal", 3, 5, scale=0.01, seed=42)
    assert isinstance(network, Params)
    np.testing.assert_array_equal(network.W1, 0.01 * rng.standard_normal((5, 3)))
    np.testing.assert_array_equal(network.W2, 0.01 * rng.standard_normal(5))


def test_float32_draws_are_the_float64_draws_rounded() -> None:
    for wide, narrow in zip(initialise("normal", 3, 5), initialise("normal", 3, 5, dtype=np.float32), strict=True):
        np.testing.assert_array_equal(wide.astype(np.float32), narrow)


def test_each_parameter_has_its_own_memory() -> None:
    params = initialise("constant", 2, 2)
    for i, a in enumerate(params):
        assert a.flags.writeable
        assert not any(np.shares_memory(a, b) for b in params[:i])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "ones"}, "kind: expected one of zeros, constant, normal"),
        ({"n_features": 0}, "n_features: expected an integer of at least 1; got 0; pass"),
        ({"n_features": 2.0}, r"n_features: expected an integer of at least 1; got 2\.0; pass"),
        ({"hidden": 0}, "hidden: expected an integer of at least 1; got 0; pass"),
        ({"hidden": True}, "hidden: expected an integer of at least 1; got True; pass"),
        ({"scale": np.nan}, "scale: expected a finite number; got nan; the article uses"),
        ({"dtype": np.float16}, "dtype: expected float64 or float32; got float16; choose"),
        ({"dtype": int}, "dtype: expected float64 or float32; got int64; choose"),
    ],
)
def test_bad_argument(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        initialise(**({"kind": "normal", "n_features": 2, "hidden": 3} | changes))
