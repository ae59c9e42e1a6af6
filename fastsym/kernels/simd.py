"""The variant ``simd``: explicit vector registers.

What it adds to ``fused``: the passes over the samples (:mod:`fastsym.kernels.passes`) are written as operations on
whole registers, so that nothing depends on what the compiler manages to vectorise, and values stay in registers where
``fused`` wrote them to memory and read them back (``reports/performance.csv`` has what that makes).

Networks of a population are trained one after another. :mod:`fastsym.kernels.population` brings what a user passes
here, on one thread or many, and takes :mod:`fastsym.kernels.bands` instead where memory would not do.
"""

from typing import Any

from fastsym.kernels._jit import jit, jit_expanded, jit_inline
from fastsym.kernels.lanes import lanes_per_register
from fastsym.kernels.layout import (
    Networks,
    Partials,
    Plan,
    Scratch,
    Source,
    Table,
    Weights,
    copy_samples,
    divided_memory,
)
from fastsym.kernels.passes import scale_weights, slice_sums, update
from fastsym.kernels.threads import NEXT, Crew, atomic_add, barrier
from fastsym.model.params import Array


@jit_inline
def copy_state(source: Array, target: Array) -> None:
    """Copy one network's state; a loop, because an assignment of slices takes longer to compile than all the rest."""
    for i in range(target.size):
        target[i] = source[i]


@jit_inline
def copy_table(source: Source, table: Table, plan: Plan) -> None:
    """Overwrite the zeros of ``table`` with features and labels."""
    copy_samples(source.X, table.X, plan.C * len(table.features), 4 * lanes_per_register(table.X))
    for m in range(source.y.size):
        table.signs[m] = 1 - 2 * source.y[m]


@jit_inline
def write_states(source: Source, table: Table, plan: Plan, states: Array) -> None:
    """Overwrite the zeros of ``states`` (P, N) with the networks."""
    F = len(table.features)
    for p in range(states.shape[0]):
        for h in range(plan.H):
            r = h * plan.C * plan.S
            for d in range(source.W1.shape[2]):
                states[p, r + d // F * plan.S + d % F] = source.W1[p, h, d]
            states[p, r + F] = source.b1[p, h]
            states[p, r + F + 1] = source.W2[p, h]
        states[p, plan.H * plan.C * plan.S] = source.b2[p]


@jit_inline
def read_states(source: Source, table: Table, plan: Plan, states: Array) -> None:
    """Overwrite the networks with ``states``."""
    F = len(table.features)
    for p in range(states.shape[0]):
        for h in range(plan.H):
            r = h * plan.C * plan.S
            for d in range(source.W1.shape[2]):
                source.W1[p, h, d] = states[p, r + d // F * plan.S + d % F]
            source.b1[p, h] = states[p, r + F]
            source.W2[p, h] = states[p, r + F + 1]
        source.b2[p] = states[p, plan.H * plan.C * plan.S]


@jit_expanded
def train_together(
    table: Table,
    plan: Plan,
    networks: Networks,
    weights: Weights,
    scratch: Scratch,
    partials: Partials,
    crew: Crew,
    p: int,
) -> bool:
    """Do one thread's share of training network p; return False if asked to stop meanwhile.

    The crew's threads share the slices of samples; each adds up all slices in the same order and updates its own copy
    of the weights, so that they need to wait for each other only once in an iteration. Sums of odd and even iterations
    lie in different places: who is ahead never overwrites what another still reads.
    """
    first, last = plan.slices * crew.thread // crew.threads, plan.slices * (crew.thread + 1) // crew.threads
    iterations, step = networks.costs.shape[1], table.X.dtype.type(networks.rates[p] / plan.M)
    copy_state(networks.states[p], weights.rows)
    scale_weights(table, plan, weights, networks.multiplicity)
    for i in range(iterations):
        if networks.every > 0 and i % networks.every == 0 and crew.thread == 0:
            copy_state(weights.rows, networks.history[p, i // networks.every])
        slot = i % 2 * plan.slices if crew.threads > 1 else 0
        for s in range(first, last):
            slice_sums(table, plan, weights, scratch, partials, crew, s, slot + s)
        if not barrier(crew, p * (iterations + 1) + i):
            return False
        cost = update(table, plan, weights, networks.multiplicity, step, partials, slot)
        if crew.thread == 0:
            networks.costs[p, i] = cost / plan.M
    # Nobody writes the state before everybody has read it.
    if not barrier(crew, p * (iterations + 1) + iterations):
        return False
    if crew.thread == 0:
        copy_state(weights.rows, networks.states[p])
    return True


@jit
def train_networks(
    table_fields: tuple[Any, ...],
    plan_fields: tuple[int, ...],
    networks_fields: tuple[Any, ...],
    memory: Array,
    partials_fields: tuple[Array, ...],
    crew_fields: tuple[Any, ...],
    source_fields: tuple[Array, ...],
) -> None:
    """Take networks from a queue and train them together with the thread's crew, until none is left.

    Structs come as plain tuples of their fields, because Numba finds the type of a NamedTuple in Python, and small
    trainings would wait for that.

    Parameters
    ----------
    table_fields, plan_fields
        Of :class:`fastsym.kernels.layout.Table` and :class:`fastsym.kernels.layout.Plan`.
    networks_fields
        Of :class:`fastsym.kernels.layout.Networks`. States are modified in place, costs and history overwritten.
    memory
        The thread's own, of :func:`fastsym.kernels.layout.thread_numbers`; or all that a small training needs.
    partials_fields
        Of :class:`fastsym.kernels.layout.Partials`, the crew's; with two copies, if it has more than one thread.
    crew_fields
        Of :class:`fastsym.kernels.threads.Crew`. Crews of one thread may share the counters, and with them the queue.
    source_fields
        Of :class:`fastsym.kernels.layout.Source`. If it is not empty, the training is small, with one thread: table,
        gradients, the thread's own and, if missing, multiplicities are parts of ``memory``, the states start as zeros,
        and the parameters are overwritten in the end.
    """
    table, plan, networks = Table(*table_fields), Plan(*plan_fields), Networks(*networks_fields)
    partials, crew, source = Partials(*partials_fields), Crew(*crew_fields), Source(*source_fields)
    small = source.X.size > 0
    if small:
        table, memory, partials, networks = divided_memory(memory, table, plan, partials, networks)
        copy_table(source, table, plan)
        write_states(source, table, plan, networks.states)
    length, block = plan.H * plan.C * plan.S, plan.block * 4 * lanes_per_register(table.X)
    z, dz, scaled, rows = plan.H * block, (plan.H + 1) * block, (plan.H + 2) * block, (plan.H + 2) * block + length
    weights = Weights(memory[rows:], memory[scaled:rows], memory[rows + length :])
    scratch = Scratch(memory[:z], memory[z:dz], memory[dz:scaled])
    # Each of the crew draws a number; nobody draws again before the barriers let all go that drew the last one.
    p = atomic_add(crew.counters, NEXT, 1) // crew.threads
    while p < networks.costs.shape[0]:
        if not train_together(table, plan, networks, weights, scratch, partials, crew, p):
            return
        p = atomic_add(crew.counters, NEXT, 1) // crew.threads
    if small:
        read_states(source, table, plan, networks.states)
