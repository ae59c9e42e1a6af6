"""One pass over the samples with explicit vector registers: forward, output, backward, and the update after it.

The loops over samples work on whole registers (:mod:`fastsym.kernels.lanes`), as many at once as the processor has room
for (:mod:`fastsym.kernels.target`). Forward, two hidden units times a tile of samples: each load of X serves two units,
and independent chains hide the latency of the arithmetic. What is between two loops goes through first-level cache,
so that each keeps little in registers. Backward, the gradients of one unit, or of two, grow in registers over a block
of samples.

Every sum has one fixed order: samples go in blocks, blocks in slices, slices in turn. Who computes which slice
does not matter, so that one thread and many give the same bits.

The layout of the data and the structs are in :mod:`fastsym.kernels.layout`; the shape legend in
:mod:`fastsym.model.params`.
"""

from typing import Any

from fastsym.kernels._jit import jit_expanded, jit_inline
from fastsym.kernels.elementary import TWO_LOG2_E, exp_of_minus_normal, log, log_up_to_two, sigmoid_from, tanh_scaled
from fastsym.kernels.lanes import (
    accumulate,
    add_reduced,
    fabs,
    fma,
    fneg,
    lanes_per_register,
    like,
    load,
    load_splat,
    reduce_add,
    reduce_mul,
    select_negative,
    splat,
    store,
    zeros,
)
from fastsym.kernels.layout import LONG_BLOCK, Partials, Plan, Scratch, Table, Weights
from fastsym.kernels.target import first_features, in_pairs, later_features, tile
from fastsym.kernels.threads import STOP, Crew, atomic_load
from fastsym.model.params import Array

# Forward


@jit_inline
def arguments_of_pair(table: Table, plan: Plan, scaled: Array, x: int, r: int, s: int) -> Any:
    """Arguments of tanh in two units, whose rows begin at r and s, for the tile of samples at x."""
    F, G = len(table.features), 4 * lanes_per_register(table.X)
    y0 = load_splat(scaled, r + F, tile())
    y1 = load_splat(scaled, s + F, tile())
    for _ in range(plan.C):
        for f in range(F):
            v = load(table.X, x, tile())
            y0 = fma(load_splat(scaled, r + f, tile()), v, y0)
            y1 = fma(load_splat(scaled, s + f, tile()), v, y1)
            x += G
        r += plan.S
        s += plan.S
    return y0, y1


@jit_inline
def arguments_of_one(table: Table, plan: Plan, scaled: Array, x: int, r: int) -> Any:
    """One unit, as :func:`arguments_of_pair`."""
    F, G = len(table.features), 4 * lanes_per_register(table.X)
    y = load_splat(scaled, r + F, tile())
    for _ in range(plan.C):
        for f in range(F):
            y = fma(load_splat(scaled, r + f, tile()), load(table.X, x, tile()), y)
            x += G
        r += plan.S
    return y


@jit_inline
def start_output(weights: Weights, z: Array, groups: int) -> None:
    """Overwrite the output's argument z (block,) with what it is without hidden units."""
    G = 4 * lanes_per_register(z)
    for g in range(groups):
        store(z, g * G, load_splat(weights.b2, 0, 4))


@jit_expanded
def hidden_forward(table: Table, plan: Plan, weights: Weights, scratch: Scratch, x: int, groups: int) -> None:
    """Overwrite the hidden activations A (H, block) and add to the output's argument z (block,), for a block at x."""
    F, L, R = len(table.features), lanes_per_register(table.X), plan.C * plan.S
    G = 4 * L
    B, size, samples = plan.block * G, plan.C * F * G, groups * G
    A, z, scaled = scratch.A, scratch.z, weights.scaled
    for h in range(0, plan.H, 2):
        r, s = h * R, (h + 1) * R
        if h + 1 < plan.H:
            for i in range(0, samples, tile() * L):
                y0, y1 = arguments_of_pair(table, plan, scaled, x + i // G * size + i % G, r, s)
                store(A, h * B + i, y0)
                store(A, (h + 1) * B + i, y1)
        else:
            for i in range(0, samples, tile() * L):
                store(A, h * B + i, arguments_of_one(table, plan, scaled, x + i // G * size + i % G, r))
        for unit in range(h, min(h + 2, plan.H)):
            a, w = unit * B, unit * R + F + 1
            for i in range(0, samples, tile() * L):
                t = tanh_scaled(load(A, a + i, tile()))
                store(A, a + i, t)
                store(z, i, fma(load_splat(scaled, w, tile()), t, load(z, i, tile())))


# Output


@jit_inline
def output(table: Table, scratch: Scratch, start: int, groups: int, weighted: int) -> Any:
    """Overwrite dz with sigmoid(z) - y, summed over equal samples; return its sum, and two parts of the cost.

    With t = z for label 0 and t = -z for label 1 the cost is softplus(t) = max(t, 0) + log(1 + exp(-|t|)), and
    its derivative by t is sigmoid(t). Returned are the sum of max(t, 0) and the product of the logs' arguments,
    which are left in z. A sample that stands for several is once in the product, and else in the sum. If some of
    those have label 1 and others 0, all are taken for 0 first, and what that leaves out by z is linear.
    """
    z, dz, L = scratch.z, scratch.dz, lanes_per_register(scratch.z)
    slopes, linear, factors = splat(z.dtype.type(0), 4), splat(z.dtype.type(0), 4), splat(z.dtype.type(1), 4)
    slopes_of_ones, weighted_cost = splat(z.dtype.type(0), 1), splat(z.dtype.type(0), 1)
    for i in range(0, weighted * L, L):
        weighted_cost = fma(fneg(load(table.ones, start + i, 1)), load(z, i, 1), weighted_cost)
    samples, at_once = groups * 4 * L, in_pairs()  # where two units' gradients fit, these sums do, too
    tile_slopes, tile_linear = splat(z.dtype.type(0), tile()), splat(z.dtype.type(0), tile())
    tile_factors = splat(z.dtype.type(1), tile())
    if not at_once:
        for i in range(0, samples, 4 * L):
            argument = load(z, i, 4)
            positive = select_negative(load(table.signs, start + i, 4) * argument, like(argument, 0.0), argument)
            linear = fma(load(table.signed_weights, start + i, 4), positive, linear)
    for i in range(0, samples, tile() * L):
        argument, sign = load(z, i, tile()), load(table.signs, start + i, tile())
        t, weight = sign * argument, load(table.signed_weights, start + i, tile())
        e, e_low = exp_of_minus_normal(fabs(t))
        slope, factor = weight * sigmoid_from(t, e, e_low), fma(fabs(sign), e, like(t, 1.0))  # 1 for a missing sample
        store(dz, i, slope)
        store(z, i, factor)
        if at_once:
            tile_slopes, tile_factors = tile_slopes + slope, tile_factors * factor
            tile_linear = fma(weight, select_negative(t, like(t, 0.0), argument), tile_linear)
    if not at_once:
        for i in range(0, samples, 4 * L):
            slopes = slopes + load(dz, i, 4)
            factors = factors * load(z, i, 4)
    for i in range(0, weighted * L, L):
        ones = load(table.ones, start + i, 1)
        store(dz, i, load(dz, i, 1) - ones)
        slopes_of_ones = slopes_of_ones + ones
        further = fabs(load(table.signed_weights, start + i, 1)) - like(ones, 1.0)
        weighted_cost = fma(further, log_up_to_two(load(z, i, 1)), weighted_cost)
    ones_sum, weighted_sum = reduce_add(slopes_of_ones), reduce_add(weighted_cost)
    if at_once:
        return reduce_add(tile_slopes) - ones_sum, reduce_add(tile_linear) + weighted_sum, reduce_mul(tile_factors)
    return reduce_add(slopes) - ones_sum, reduce_add(linear) + weighted_sum, reduce_mul(factors)


# Backward: nearly the same loop more than once, because what is in registers must be spelled out


@jit_inline
def backward_pair(
    table: Table, plan: Plan, scratch: Scratch, gradients: Array, x: int, groups: int, a: int, r: int
) -> None:
    """Add the first chunk of gradients of two units at r; leave their slopes in A, at a, for further chunks."""
    X, A = table.X, scratch.A
    G, L, R = 4 * lanes_per_register(X), lanes_per_register(X), plan.C * plan.S
    size, B = plan.C * len(table.features) * G, plan.block * G
    row0, row1 = zeros(X, table.features), zeros(X, table.features)
    bias0, bias1, weight0, weight1 = (
        splat(X.dtype.type(0), 1),
        splat(X.dtype.type(0), 1),
        splat(X.dtype.type(0), 1),
        splat(X.dtype.type(0), 1),
    )
    for i in range(0, groups * G, L):
        column = x + i // G * size + i % G
        slope = load(scratch.dz, i, 1)
        t0 = load(A, a + i, 1)
        t1 = load(A, a + B + i, 1)
        product0 = t0 * slope
        product1 = t1 * slope
        weight0 = weight0 + product0
        weight1 = weight1 + product1
        slope0 = fma(fneg(t0), product0, slope)
        slope1 = fma(fneg(t1), product1, slope)
        bias0 = bias0 + slope0
        bias1 = bias1 + slope1
        row0 = accumulate(row0, slope0, X, column, G)
        row1 = accumulate(row1, slope1, X, column, G)
        # Even if there is no further chunk: a branch here makes LLVM keep some of the sums in memory.
        store(A, a + i, slope0)
        store(A, a + B + i, slope1)
    add_reduced(gradients, r, row0 + (bias0, weight0))
    add_reduced(gradients, r + R, row1 + (bias1, weight1))


@jit_inline
def chunk_sums(table: Table, plan: Plan, A: Array, x: int, groups: int, a: int, features: Any) -> Any:
    """Sum the slopes in A, from a on, times each of so many features from x on."""
    G, L = 4 * lanes_per_register(table.X), lanes_per_register(table.X)
    size = plan.C * len(table.features) * G
    row = zeros(table.X, features)
    for i in range(0, groups * G, L):
        row = accumulate(row, load(A, a + i, 1), table.X, x + i // G * size + i % G, G)
    return row


@jit_inline
def backward_one(
    table: Table, plan: Plan, scratch: Scratch, gradients: Array, x: int, groups: int, a: int, r: int
) -> None:
    """One unit, as :func:`backward_pair`; in two passes, if the processor has few registers."""
    X, A = table.X, scratch.A
    G, L = 4 * lanes_per_register(X), lanes_per_register(X)
    size, later = plan.C * len(table.features) * G, later_features(table.features)
    row = zeros(X, first_features(table.features))
    bias, weight = splat(X.dtype.type(0), 1), splat(X.dtype.type(0), 1)
    for i in range(0, groups * G, L):
        slope = load(scratch.dz, i, 1)
        t = load(A, a + i, 1)
        product = t * slope
        weight = weight + product
        slope = fma(fneg(t), product, slope)
        bias = bias + slope
        row = accumulate(row, slope, X, x + len(later) * G + i // G * size + i % G, G)
        store(A, a + i, slope)
    add_reduced(gradients, r, chunk_sums(table, plan, A, x, groups, a, later) + row + (bias, weight))


@jit_inline
def backward_chunk(table: Table, plan: Plan, A: Array, gradients: Array, x: int, groups: int, a: int, r: int) -> None:
    """Add one further chunk of gradients of one unit, whose slopes are in ``A``."""
    G, later = 4 * lanes_per_register(table.X), later_features(table.features)
    row = chunk_sums(table, plan, A, x + len(later) * G, groups, a, first_features(table.features))
    add_reduced(gradients, r, chunk_sums(table, plan, A, x, groups, a, later) + row)


@jit_expanded
def hidden_backward(
    table: Table, plan: Plan, scratch: Scratch, gradients: Array, x: int, groups: int, start: int
) -> None:
    """Add the gradient sums of one block to those of its slice, which begin at ``start``."""
    G, R = 4 * lanes_per_register(table.X), plan.C * plan.S
    B = plan.block * G
    paired = plan.H // 2 * 2 if in_pairs() else 0
    for h in range(0, paired, 2):
        backward_pair(table, plan, scratch, gradients, x, groups, h * B, start + h * R)
    for h in range(paired, plan.H):
        backward_one(table, plan, scratch, gradients, x, groups, h * B, start + h * R)
    for c in range(1, plan.C):
        column = x + c * len(table.features) * G
        for h in range(plan.H):
            row = start + h * R + c * plan.S
            backward_chunk(table, plan, scratch.A, gradients, column, groups, h * B, row)


# All of it


@jit_expanded
def slice_sums(
    table: Table, plan: Plan, weights: Weights, scratch: Scratch, partials: Partials, crew: Crew, s: int, slot: int
) -> None:
    """Work through slice s of the samples; overwrite what ``partials`` has at ``slot``, or stop half-way if asked."""
    G = 4 * lanes_per_register(table.X)
    length = plan.H * plan.C * plan.S
    start = slot * length
    blocks = -(-plan.groups // plan.block)
    for i in range(start, start + length):
        partials.gradients[i] = 0
    db2, linear, logs, factors, pending = 0.0, 0.0, 0.0, 1.0, 0
    for block in range(blocks * s // plan.slices, blocks * (s + 1) // plan.slices):
        first = block * plan.block
        groups = min(plan.block, plan.groups - first)
        x = first * plan.C * len(table.features) * G
        if atomic_load(crew.counters, STOP) != 0:
            break
        start_output(weights, scratch.z, groups)
        hidden_forward(table, plan, weights, scratch, x, groups)
        weighted = min(max(plan.weighted - first * 4, 0), groups * 4)
        slope_sum, linear_sum, factor = output(table, scratch, first * G, groups, weighted)
        hidden_backward(table, plan, scratch, partials.gradients, x, groups, start)
        db2 += slope_sum
        linear += linear_sum
        if pending + groups * G > LONG_BLOCK:
            logs += log(factors)
            factors, pending = 1.0, 0
        factors *= factor
        pending += groups * G
    partials.bias_cost[slot, 0] = db2
    partials.bias_cost[slot, 1] = linear + (logs + log(factors))


@jit_expanded
def update(
    table: Table, plan: Plan, weights: Weights, multiplicity: Array, step: Any, partials: Partials, slot: int
) -> float:
    """Add up the slices from ``slot`` on, take one step of gradient descent, and return the summed cost."""
    rows, scaled, gradients = weights.rows, weights.scaled, partials.gradients
    F, L, R = len(table.features), lanes_per_register(rows), plan.C * plan.S
    length = plan.H * R
    base = slot * length
    for h in range(plan.H):
        r, w = h * R, h * R + F + 1
        old = rows[w]
        slope = splat(-step * old, 1)
        dW2 = gradients[base + w]
        for s in range(1, plan.slices):
            dW2 += gradients[base + s * length + w]
        for i in range(r, r + R, L):
            gradient = load(gradients, base + i, 1)
            for s in range(1, plan.slices):
                gradient = gradient + load(gradients, base + s * length + i, 1)
            new = fma(slope, gradient, load(rows, i, 1))
            store(rows, i, new)
            store(scaled, i, new * like(new, TWO_LOG2_E))
        rows[w] = fma(-step, dW2, old)
        scaled[w] = multiplicity[h] * rows[w]
    db2, cost = 0.0, 0.0
    for s in range(slot, slot + plan.slices):
        db2 += partials.bias_cost[s, 0]
        cost += partials.bias_cost[s, 1]
    weights.b2[0] -= step * rows.dtype.type(db2)
    return cost


@jit_expanded
def scale_weights(table: Table, plan: Plan, weights: Weights, multiplicity: Array) -> None:
    """Overwrite the scaled weights with those of ``rows`` as the forward pass wants them."""
    F, R = len(table.features), plan.C * plan.S
    for i in range(weights.scaled.size):
        weights.scaled[i] = weights.rows[i] * weights.rows.dtype.type(TWO_LOG2_E)
    for h in range(plan.H):
        weights.scaled[h * R + F + 1] = multiplicity[h] * weights.rows[h * R + F + 1]
