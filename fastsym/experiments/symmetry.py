"""Symmetry of a network's hidden units: which are equal, how far apart they are, and the quotient by equality.

Which units are equal is defined in :mod:`fastsym.model.units`. They receive equal gradients and stay equal in exact
arithmetic; rounding and perturbations end that.
Shape legend: :mod:`fastsym.model.params`.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from fastsym.model.params import Array, Params, ParamsT
from fastsym.model.units import unit_classes, unit_signs, unit_vectors
from fastsym.training.result import Training

SATURATED = 0.99
"""A hidden value of larger size counts as saturated: the slope of tanh is below 0.02 there."""


def from_unit_vectors(units: Array, b2: Array) -> Params:
    """Inverse of :func:`unit_vectors`."""
    return Params(units[..., :-2].copy(), units[..., -2].copy(), units[..., -1].copy(), np.array(b2))


def count_classes(params: Params, tolerance: float = 0.0) -> Array:
    """Count the classes of :func:`unit_classes`, up to sign, in each network of a population.

    Parameters
    ----------
    params
        W1 (P, H, D), b1 (P, H), W2 (P, H), b2 (P,).
    tolerance
        As for :func:`unit_classes`.

    Returns
    -------
    (P,) int array
    """
    sizes = np.sort(np.abs(unit_vectors(params)), axis=-2)
    # If one number alone tells all units apart, each is a class of its own: the usual case.
    apart = np.diff(sizes, axis=-2).min(axis=-2, initial=np.inf).max(axis=-1) > tolerance
    counts = np.full(len(apart), params.W2.shape[-1])
    for index in np.flatnonzero(~apart).tolist():
        counts[index] = unit_classes(network_at(params, index), tolerance).max() + 1
    return counts


def dead_units(params: Params, tolerance: float = 0.0) -> Array:
    """Return (..., H) booleans: whether all numbers of a unit are zero (or at most ``tolerance`` in size).

    A unit whose numbers are all zero adds nothing to the output and its gradient is exactly zero, so it stays dead. A
    unit with only W2[h] = 0, or only b1[h] not zero, is not dead: its gradient with respect to W2[h] is not zero.
    """
    return np.asarray(np.abs(unit_vectors(params)).max(axis=-1) <= tolerance)


def spread(params: Params, labels: Array | None = None) -> Array:
    """Largest distance of a unit from the mean of its class; leading axes of the parameters are kept.

    Parameters
    ----------
    params
        One network, or a history with leading axes.
    labels
        (H,) classes, from :func:`unit_classes` without sign; by default all units are one class.

    Returns
    -------
    (...) array
        Euclidean distance in the D + 2 numbers of a unit.
    """
    units = unit_vectors(params)
    groups = np.zeros(units.shape[-2], int) if labels is None else labels
    worst = np.zeros(units.shape[:-2])
    for label in np.unique(groups):
        members = units[..., groups == label, :]
        # Relative to the first member, so that equal units give exactly 0 however their mean is rounded.
        members = members - members[..., :1, :]
        members = members - members.mean(axis=-2, keepdims=True)
        worst = np.maximum(worst, np.linalg.norm(members, axis=-1).max(axis=-1))
    return worst


def first_split(history: Params, labels: Array | None = None) -> int | None:
    """Index of the first snapshot in which units of one class differ in any bit; None if there is none.

    Parameters
    ----------
    history
        Snapshots along a leading axis, as ``Training.history``.
    labels
        (H,) classes at the start; by default those of the first snapshot, without sign.
    """
    units = unit_vectors(history)
    groups = unit_classes(network_at(history, 0), up_to_sign=False) if labels is None else labels
    leaders = np.array([np.flatnonzero(groups == label)[0] for label in groups])
    different = (units != units[:, leaders, :]).any(axis=(1, 2))
    return int(np.argmax(different)) if different.any() else None


def recorded(training: Training[ParamsT]) -> ParamsT:
    """Return the snapshots of a training.

    Raises
    ------
    ValueError
        If it has none.
    """
    if training.history is None:
        raise ValueError("training: expected one with snapshots; got none; train with record_every")
    return training.history


def network_at(history: Params, index: int) -> Params:
    """Return one network of a history or a population."""
    return Params(*(np.asarray(values[index]) for values in history))


def each_network(history: Params) -> Iterator[Params]:
    """Iterate over the networks of a history or a population."""
    return (network_at(history, index) for index in range(len(history.W2)))


def effective_rank(matrix: Array) -> Array:
    """Exponential of the entropy of the normalised singular values; 0 for a zero matrix.

    Source: Roy and Vetterli, "The effective rank" (2007).

    Parameters
    ----------
    matrix
        (..., H, D), finite; for example W1 of one network or of a population.
    """
    sigma = np.linalg.svd(matrix, compute_uv=False)
    total = sigma.sum(axis=-1, keepdims=True)
    p = np.divide(sigma, total, out=np.zeros_like(sigma), where=total > 0)
    entropy = -np.sum(p * np.log(p, out=np.zeros_like(p), where=p > 0), axis=-1)
    return np.where(total[..., 0] > 0, np.exp(entropy), 0.0)


def saturated_fraction(X: Array, params: Params) -> float:
    """Fraction of the H x M hidden values whose size exceeds :data:`SATURATED`."""
    return float(np.mean(np.abs(np.tanh(params.W1 @ X + params.b1[:, None])) > SATURATED))


class Quotient(NamedTuple):
    """A network reduced to one unit for each class of equal units."""

    params: Params
    """C units, one member of each class."""
    multiplicity: Array
    """(C,) float: number of units of each class; the output is b2 + sum of multiplicity * W2 * tanh(...)."""
    labels: Array
    """(H,) class of each unit of the wide network."""
    signs: Array
    """(H,) 1, or -1 for a unit that is the negative of the unit that stands for its class."""


def quotient(params: Params) -> Quotient:
    """Reduce a network to one unit for each class of units that are equal, bit for bit and up to sign.

    Training the result with its multiplicities takes the same steps as the wide network, at the cost of C units.
    :func:`lift` is the inverse.
    """
    labels = unit_classes(params)
    _, first = np.unique(labels, return_index=True)
    signs = unit_signs(params)
    small = from_unit_vectors(unit_vectors(params)[first], params.b2)
    multiplicity = np.bincount(labels).astype(params.W2.dtype)
    return Quotient(small, multiplicity, labels, signs * signs[first][labels])


def lift(params: Params, labels: Array, signs: Array) -> Params:
    """Return the wide network of a quotient: unit h is exactly ``signs[h]`` times unit ``labels[h]``."""
    units = unit_vectors(params)[labels]
    return from_unit_vectors(units * signs[:, None].astype(units.dtype), params.b2)


def orbit_types(hidden: int) -> list[tuple[int, ...]]:
    """List the ways in which H units can be equal up to sign and order: sizes of the classes of non-zero units.

    The remaining units are zero. There are 1, 2, 4, 7, 12 ways for H = 0 to 4: the partitions of 0, 1, ..., H.
    """

    def partitions(total: int, largest: int) -> Iterator[tuple[int, ...]]:
        if total == 0:
            yield ()
        for size in range(min(total, largest), 0, -1):
            yield from ((size, *rest) for rest in partitions(total - size, size))

    return [sizes for alive in range(hidden + 1) for sizes in partitions(alive, alive)]
