"""The passes of ``simd`` for networks that are too large for it: bands of hidden units, and the forward pass twice.

``simd`` keeps a copy of the weights and several of their gradients for each thread, and the activations of all units.
Here an iteration first finds the outputs of all samples, a band of units at a time, and keeps nothing of a band. Then
each band's activations are made again, its gradients summed over all samples, and its weights updated: threads share
the bands, and nothing is as large as the weights but the weights. Every sum has the order that ``simd`` gives it, so
that the bits are the same.

The layout of the data and the structs are in :mod:`fastsym.kernels.layout`; the shape legend in
:mod:`fastsym.model.params`.
"""

from typing import Any, NamedTuple

import numpy as np

from fastsym.kernels._jit import jit, jit_inline
from fastsym.kernels.elementary import TWO_LOG2_E, log
from fastsym.kernels.lanes import fma, lanes_per_register
from fastsym.kernels.layout import LONG_BLOCK, REGISTER_BYTES, Plan, Scratch, Table, Weights, aligned
from fastsym.kernels.passes import hidden_backward, hidden_forward, output, start_output
from fastsym.kernels.threads import STOP, Crew, atomic_load, barrier, run_in_threads
from fastsym.model.params import Array, Params

MOST_UNITS = 64
"""Units of a band, unless they have very many features."""
BAND_BYTES = 1 << 20
"""Weights of a band, unless one unit has more; a thread needs three times as much."""


class Sums(NamedTuple):
    """A thread's sums over the samples for the weights of a band, like rows."""

    gradients: Array
    """Of one slice."""
    total: Array
    """Of the slices so far."""


class Outputs(NamedTuple):
    """What the threads of one network share."""

    dz: Array
    """(samples,) sigmoid(z) - y."""
    bias_cost: Array
    """(slices, 8): gradient of b2, and cost."""


@jit
def band_forward(table: Table, plan: Plan, weights: Weights, scratch: Scratch, x: int, groups: int) -> None:
    """Do what :func:`hidden_forward` does; compiled once for both places that need it."""
    hidden_forward(table, plan, weights, scratch, x, groups)


@jit
def load_band(table: Table, plan: Plan, params: Params, multiplicity: Array, first: int, scaled: Array) -> None:
    """Overwrite ``scaled`` with the weights of the units from ``first`` on, as the forward pass wants them."""
    D, F, R = params.W1.shape[1], len(table.features), plan.C * plan.S
    factor = scaled.dtype.type(TWO_LOG2_E)
    for h in range(plan.H):
        for c in range(plan.C):
            r = h * R + c * plan.S
            for f in range(min(F, D - c * F)):
                scaled[r + f] = params.W1[first + h, c * F + f] * factor
        scaled[h * R + F] = params.b1[first + h] * factor
        scaled[h * R + F + 1] = multiplicity[first + h] * params.W2[first + h]


@jit_inline
def update_band(table: Table, plan: Plan, params: Params, first: int, step: Any, total: Array) -> None:
    """Take one step of gradient descent with the units from ``first`` on."""
    D, F, R = params.W1.shape[1], len(table.features), plan.C * plan.S
    for h in range(plan.H):
        old = params.W2[first + h]
        slope = -step * old
        for c in range(plan.C):
            r = h * R + c * plan.S
            for f in range(min(F, D - c * F)):
                params.W1[first + h, c * F + f] = fma(slope, total[r + f], params.W1[first + h, c * F + f])
        params.b1[first + h] = fma(slope, total[h * R + F], params.b1[first + h])
        params.W2[first + h] = fma(-step, total[h * R + F + 1], old)


@jit_inline
def band_plan(plan: Plan, first: int, hidden: int) -> Plan:
    """Return the plan of the band that begins at unit ``first`` of so many."""
    units = min(plan.H, hidden - first)
    return Plan(units, plan.M, plan.groups, plan.C, plan.S, plan.slices, plan.weighted, plan.block)


@jit
def output_slice(
    table: Table,
    plan: Plan,
    params: Params,
    multiplicity: Array,
    weights: Weights,
    scratch: Scratch,
    outputs: Outputs,
    crew: Crew,
    s: int,
) -> None:
    """Overwrite dz, the gradient of b2 and the cost of slice s of the samples."""
    G, H = 4 * lanes_per_register(table.X), params.W2.size
    blocks = -(-plan.groups // plan.block)
    weights.b2[0] = params.b2[()]
    db2, linear, logs, factors, pending = 0.0, 0.0, 0.0, 1.0, 0
    for block in range(blocks * s // plan.slices, blocks * (s + 1) // plan.slices):
        first = block * plan.block
        groups = min(plan.block, plan.groups - first)
        start_output(weights, scratch.z, groups)
        for unit in range(0, H, plan.H):
            if atomic_load(crew.counters, STOP) != 0:
                return
            band = band_plan(plan, unit, H)
            load_band(table, band, params, multiplicity, unit, weights.scaled)
            band_forward(table, band, weights, scratch, first * plan.C * len(table.features) * G, groups)
        weighted = min(max(plan.weighted - first * 4, 0), groups * 4)
        here = Scratch(scratch.A, scratch.z, outputs.dz[first * G :])
        slope_sum, linear_sum, factor = output(table, here, first * G, groups, weighted)
        db2 += slope_sum
        linear += linear_sum
        if pending + groups * G > LONG_BLOCK:
            logs += log(factors)
            factors, pending = 1.0, 0
        factors *= factor
        pending += groups * G
    outputs.bias_cost[s, 0] = db2
    outputs.bias_cost[s, 1] = linear + (logs + log(factors))


@jit
def train_band(
    table: Table,
    plan: Plan,
    params: Params,
    step: Any,
    multiplicity: Array,
    weights: Weights,
    scratch: Scratch,
    sums: Sums,
    outputs: Outputs,
    crew: Crew,
    unit: int,
) -> None:
    """Update the units of one band, which begins at ``unit``; all outputs are known."""
    G = 4 * lanes_per_register(table.X)
    blocks = -(-plan.groups // plan.block)
    load_band(table, plan, params, multiplicity, unit, weights.scaled)
    for s in range(plan.slices):
        sums.gradients[:] = 0
        for block in range(blocks * s // plan.slices, blocks * (s + 1) // plan.slices):
            if atomic_load(crew.counters, STOP) != 0:
                return
            first = block * plan.block
            groups = min(plan.block, plan.groups - first)
            x = first * plan.C * len(table.features) * G
            here = Scratch(scratch.A, scratch.z, outputs.dz[first * G :])
            band_forward(table, plan, weights, here, x, groups)  # z is not needed any more
            hidden_backward(table, plan, here, sums.gradients, x, groups, 0)
        for i in range(sums.total.size):
            sums.total[i] = sums.gradients[i] if s == 0 else sums.total[i] + sums.gradients[i]
    update_band(table, plan, params, unit, step, sums.total)


@jit
def train_in_bands(
    table: Table,
    plan: Plan,
    params: Params,
    step: Any,
    multiplicity: Array,
    costs: Array,
    history: Params,
    every: int,
    weights: Weights,
    scratch: Scratch,
    sums: Sums,
    outputs: Outputs,
    crew: Crew,
) -> None:
    """Do one thread's share of training a network, until it is done or asked to stop.

    Parameters
    ----------
    table, plan
        From :func:`fastsym.kernels.layout.pack`, for as many units as a band has.
    params
        Modified in place.
    step
        Learning rate over M.
    multiplicity
        (H,) How many equal units each hidden unit stands for.
    costs, history
        Overwritten; snapshots before iterations 0, ``every``, 2 ``every``, ...; none if that is 0.
    weights, scratch, sums
        The thread's own, for a band.
    outputs
        Shared.
    """
    H = params.W2.size
    first, last = plan.slices * crew.thread // crew.threads, plan.slices * (crew.thread + 1) // crew.threads
    for i in range(costs.size):
        if every > 0 and i % every == 0 and crew.thread == 0:
            history.W1[i // every] = params.W1
            history.b1[i // every] = params.b1
            history.W2[i // every] = params.W2
            history.b2[i // every] = params.b2[()]
        for s in range(first, last):
            output_slice(table, plan, params, multiplicity, weights, scratch, outputs, crew, s)
        if not barrier(crew, 2 * i):
            return
        for unit in range(crew.thread * plan.H, H, crew.threads * plan.H):
            band = band_plan(plan, unit, H)
            train_band(table, band, params, step, multiplicity, weights, scratch, sums, outputs, crew, unit)
        if crew.thread == 0:
            db2, cost = 0.0, 0.0
            for s in range(plan.slices):
                db2 += outputs.bias_cost[s, 0]
                cost += outputs.bias_cost[s, 1]
            params.b2[()] -= step * params.W2.dtype.type(db2)
            costs[i] = cost / plan.M
        if not barrier(crew, 2 * i + 1):
            return


def units_of_band(plan: Plan, real: np.dtype[Any]) -> int:
    """Return how many units a band has: an even number, if there are so many."""
    fitting = BAND_BYTES // (plan.C * plan.S * real.itemsize)
    return max(1, min(plan.H, MOST_UNITS, fitting // 2 * 2))


def band_bytes(plan: Plan, real: np.dtype[Any]) -> int:
    """Return the bytes that each thread needs."""
    units, block = units_of_band(plan, real), plan.block * 4 * REGISTER_BYTES
    return 3 * units * plan.C * plan.S * real.itemsize + (units + 1) * block


def train_network(
    table: Table,
    plan: Plan,
    params: Params,
    learning_rate: float,
    costs: Array,
    threads: int,
    multiplicity: Array,
    history: Params,
    every: int,
) -> None:
    """Train one network; arguments as for :func:`fastsym.kernels.population.train_population`, without P."""
    real, L = table.X.dtype, REGISTER_BYTES // table.X.itemsize
    plan = plan._replace(H=units_of_band(plan, real))
    block, length = plan.block * 4 * L, plan.H * plan.C * plan.S
    outputs = Outputs(aligned(plan.groups * 4 * L, real), aligned(plan.slices * 8, np.float64).reshape(-1, 8))
    step = real.type(learning_rate / plan.M)

    def work(thread: int, counters: Array) -> None:
        none, dz = aligned(0, real), outputs.dz
        weights = Weights(none, aligned(length, real), aligned(L, real))
        scratch = Scratch(aligned(plan.H * block, real), aligned(block, real), dz)
        sums = Sums(aligned(length, real), aligned(length, real))
        crew = Crew(counters, thread, threads)
        train_in_bands(
            table, plan, params, step, multiplicity, costs, history, every, weights, scratch, sums, outputs, crew
        )

    run_in_threads(work, threads, params.W2.size * table.X.size)
