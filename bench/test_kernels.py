"""Single pieces of a training step, each checked before it is timed."""

import numba
import numpy as np
import pytest

from fastsym.kernels import elementary, loops
from fastsym.kernels.lanes import load, store
from fastsym.model import reference
from fastsym.model.datasets import load_titanic
from fastsym.model.initialise import initialise

COUNT = 4096
HIDDEN = 16
ROUNDS = 50


def scalar(function):
    @numba.njit(error_model="numpy")
    def run(z, out):
        for i in range(z.shape[0]):
            out[i] = function(z[i])

    return run


def lanewise(function):
    @numba.njit(error_model="numpy")
    def run(z, out):
        for i in range(0, z.shape[0], 8):
            store(out, i, function(load(z, i, 1)))

    return run


NUMPY = {"tanh": np.tanh, "sigmoid": reference.sigmoid}
OWN = {"tanh": elementary.tanh, "sigmoid": elementary.sigmoid}


@pytest.mark.parametrize("way", ["numpy", "scalar", "lanes"])
@pytest.mark.parametrize("function", sorted(NUMPY))
def test_elementwise(benchmark, function, way):
    z = np.random.default_rng(0).normal(scale=3, size=COUNT)
    out = np.empty_like(z)
    right = NUMPY[function](z)
    if way == "numpy":

        def run(z, out):
            out[:] = NUMPY[function](z)
    else:
        run = {"scalar": scalar, "lanes": lanewise}[way](OWN[function])
    run(z, out)
    np.testing.assert_array_max_ulp(out, right, 4)
    benchmark.group = f"{function} of {COUNT} float64"
    benchmark.extra_info |= {"kind": "kernel", "elements": COUNT}
    benchmark.pedantic(run, (z, out), rounds=ROUNDS, iterations=10, warmup_rounds=2)


@numba.njit(error_model="numpy")
def all_forward(X, W1, b1, A):
    for m in range(X.shape[1]):
        loops.hidden_forward(X, m, W1, b1, A[m])


@numba.njit(error_model="numpy")
def all_backward(X, A, W2, dz2, dW1, db1, dW2):
    dW1[:] = 0
    db1[:] = 0
    dW2[:] = 0
    for m in range(X.shape[1]):
        loops.hidden_backward(X, m, A[m], W2, dz2[m], dW1, db1, dW2)


@pytest.mark.parametrize("way", ["numpy", "loops"])
def test_hidden_forward(benchmark, way):
    X, _, _ = load_titanic("standardised")
    params = initialise("normal", len(X), HIDDEN, scale=0.5)

    if way == "numpy":

        def run(X, W1, b1, A):
            np.dot(W1, X, out=A.T)
            A.T[:] += b1[:, None]
            np.tanh(A, out=A)
    else:
        run = all_forward
    A = np.empty((X.shape[1], HIDDEN), order="F" if way == "numpy" else "C")
    run(X, params.W1, params.b1, A)
    np.testing.assert_allclose(A, reference.network_forward(X, params)[1].T, rtol=1e-12, atol=1e-14)
    benchmark.group = f"hidden layer forward, H = {HIDDEN}"
    benchmark.extra_info |= {"kind": "kernel", "elements": A.size}
    benchmark.pedantic(run, (X, params.W1, params.b1, A), rounds=ROUNDS, iterations=5, warmup_rounds=2)


@pytest.mark.parametrize("way", ["numpy", "loops"])
def test_hidden_backward(benchmark, way):
    X, y, _ = load_titanic("standardised")
    params = initialise("normal", len(X), HIDDEN, scale=0.5)
    _, A1, _, A2 = reference.network_forward(X, params)
    A, dz2 = np.ascontiguousarray(A1.T), A2[0] - y
    outputs = np.empty_like(params.W1), np.empty(HIDDEN), np.empty(HIDDEN)

    if way == "numpy":

        def run(X, A, W2, dz2, dW1, db1, dW2):
            np.dot(dz2, A, out=dW2)
            dZ1 = (1 - A * A) * dz2[:, None] * W2
            np.dot(dZ1.T, X.T, out=dW1)
            np.sum(dZ1, axis=0, out=db1)
    else:
        run = all_backward
    run(X, A, params.W2, dz2, *outputs)
    right = reference.network_gradient(X, y, params)
    for got, expected in zip(outputs, right[1:4], strict=True):
        np.testing.assert_allclose(got / X.shape[1], expected, rtol=1e-10, atol=1e-14)
    benchmark.group = f"hidden layer backward, H = {HIDDEN}"
    benchmark.extra_info |= {"kind": "kernel", "elements": A.size}
    benchmark.pedantic(run, (X, A, params.W2, dz2, *outputs), rounds=ROUNDS, iterations=5, warmup_rounds=2)
