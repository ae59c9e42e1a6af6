"""PyTorch, eager, as its tutorials have it: autograd, the cost from logits, and the fused optimiser."""

import torch
from torch.nn import functional


def build(X, y, threads):
    """Prepare; arguments as for every peer."""
    torch.set_num_threads(threads)
    samples, y = torch.tensor(X).T.contiguous(), torch.tensor(y)

    def train(params, iterations, learning_rate):
        W1, b1, W2, b2 = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in params)
        optimiser = torch.optim.SGD([W1, b1, W2, b2], lr=learning_rate, fused=True)
        costs = torch.empty(iterations, dtype=torch.float64)
        for i in range(iterations):
            optimiser.zero_grad(set_to_none=True)
            z = torch.tanh(functional.linear(samples, W1, b1)) @ W2 + b2
            cost = functional.binary_cross_entropy_with_logits(z, y)
            cost.backward()
            costs[i] = cost.detach()
            optimiser.step()
        return costs.numpy(), tuple(value.detach().numpy() for value in (W1, b1, W2, b2))

    return train
