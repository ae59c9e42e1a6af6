"""PyTorch: matrices by hand, and a module of two ``nn.Linear`` with an optimiser.

Samples are the columns by hand, as in the article, and the rows in the module, as PyTorch wants them.
"""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from fastsym.experiments.rounding.frameworks.programs import EqualUnits, Operation, Program
from fastsym.model.params import Array, Params

ADAM_RATE = 1e-3
"""Adam's usual rate; the learning rate of the study is for gradient descent."""


def by_hand(X: Array, y: Array, start: Params, learning_rate: float) -> Iterator[tuple[float, Params]]:
    """Train by the article's formulas."""
    samples, labels = torch.tensor(X), torch.tensor(y)
    W1, b1, W2, b2 = (torch.tensor(np.asarray(values)) for values in start)
    m = X.shape[1]
    while True:
        A1 = torch.tanh(W1 @ samples + b1[:, None])
        Z2 = W2 @ A1 + b2
        cost = nn.functional.binary_cross_entropy_with_logits(Z2, labels)
        dZ2 = torch.sigmoid(Z2) - labels
        dZ1 = W2[:, None] * dZ2 * (1 - A1 * A1)
        W2 = W2 - learning_rate * (A1 @ dZ2) / m
        b2 = b2 - learning_rate * dZ2.mean()
        W1 = W1 - learning_rate * (dZ1 @ samples.T) / m
        b1 = b1 - learning_rate * dZ1.mean(dim=1)
        yield float(cost), Params(*(values.numpy() for values in (W1, b1, W2, b2)))


def _module(
    X: Array, y: Array, start: Params, optimiser: type[torch.optim.Optimizer], rate: float
) -> Iterator[tuple[float, Params]]:
    samples, labels = torch.tensor(np.ascontiguousarray(X.T)), torch.tensor(y)
    D, H = X.shape[0], len(start.W2)
    model = nn.Sequential(nn.Linear(D, H), nn.Tanh(), nn.Linear(H, 1)).to(samples.dtype)
    first, last = model[0], model[2]
    with torch.no_grad():
        first.weight.copy_(torch.tensor(start.W1))
        first.bias.copy_(torch.tensor(start.b1))
        last.weight.copy_(torch.tensor(start.W2)[None])
        last.bias.fill_(float(start.b2))
    loss_function: Any = nn.BCEWithLogitsLoss()
    steps = optimiser(model.parameters(), lr=rate)
    while True:
        steps.zero_grad()
        loss = loss_function(model(samples)[:, 0], labels)
        loss.backward()
        steps.step()
        found = first.weight, first.bias, last.weight[0], last.bias[0]
        yield float(loss.detach()), Params(*(values.detach().numpy() for values in found))


def linear_sgd(X: Array, y: Array, start: Params, learning_rate: float) -> Iterator[tuple[float, Params]]:
    """Train ``nn.Linear``, tanh, ``nn.Linear`` by ``torch.optim.SGD``."""
    return _module(X, y, start, torch.optim.SGD, learning_rate)


def linear_adam(X: Array, y: Array, start: Params, _learning_rate: float) -> Iterator[tuple[float, Params]]:
    """Train the same by ``torch.optim.Adam``, at :data:`ADAM_RATE`."""
    return _module(X, y, start, torch.optim.Adam, ADAM_RATE)


def version() -> str:
    """Name PyTorch and its BLAS."""
    mkl = re.search(r"(?:Math Kernel Library|MKL)\D*?Version (\S+)", torch.__config__.show())
    return f"PyTorch {torch.__version__}" + (f", MKL {mkl[1]}" if mkl else "")


def core_type() -> str:
    """Return the vector instructions that PyTorch's own loops use; MKL does not report its choice."""
    return str(torch.backends.cpu.get_cpu_capability())


PROGRAMS: dict[str, Program] = {
    "matrices by hand, gradient descent": by_hand,
    "nn.Linear, SGD": linear_sgd,
    "nn.Linear, Adam": linear_adam,
}


def _operations() -> dict[str, Operation]:
    def operands(units: EqualUnits) -> tuple[torch.Tensor, ...]:
        return tuple(torch.tensor(each) for each in units)

    def forward(units: EqualUnits) -> Array:
        X, W, _, _ = operands(units)
        return np.asarray((W @ X).numpy())

    def linear(units: EqualUnits) -> Array:
        X, W, _, _ = operands(units)
        return np.asarray(torch.addmm(torch.zeros(len(W), dtype=W.dtype), X.T.contiguous(), W.T).numpy().T)

    def gradient(units: EqualUnits) -> Array:
        X, _, A, _ = operands(units)
        return np.asarray((A @ X.T).numpy())

    def linear_gradient(units: EqualUnits) -> Array:
        X, _, A, _ = operands(units)
        return np.asarray(torch.mm(A.T.contiguous().T, X.T.contiguous()).numpy())

    def vector(units: EqualUnits) -> Array:
        _, _, A, r = operands(units)
        return np.asarray((A @ r).numpy())

    def vector_gradient(units: EqualUnits) -> Array:
        _, _, A, r = operands(units)
        return np.asarray(torch.mm(r[None], A.T.contiguous()).numpy().T)

    def tanh(units: EqualUnits) -> Array:
        return np.asarray(torch.tanh(operands(units)[2]).numpy())

    def by_unit(units: EqualUnits) -> Array:
        return np.asarray(operands(units)[2].sum(dim=1).numpy())

    def by_sample(units: EqualUnits) -> Array:
        return np.asarray(operands(units)[2].T.contiguous().sum(dim=0).numpy())

    return {
        "W1 @ X": forward,
        "addmm(b1, X.T, W1.T), as nn.Linear forward": linear,
        "dZ1 @ X.T": gradient,
        "mm(dZ1, X.T), as nn.Linear backward": linear_gradient,
        "A1 @ dZ2": vector,
        "mm(dZ2, A1), as nn.Linear backward of W2": vector_gradient,
        "tanh(Z1)": tanh,
        "sum(dZ1, dim=1)": by_unit,
        "sum(dZ1.T, dim=0)": by_sample,
    }


OPERATIONS = _operations()
