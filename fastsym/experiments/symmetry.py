"""Symmetry of a network's hidden units: which are equal, how far apart they are, and the quotient by equality.

A unit h is the vector (W1[h], b1[h], W2[h]) of D + 2 numbers. Two units are *equal* if their vectors are, and
equal *up to sign* if one vector is the negative of the other: tanh is odd, so both add the same to the output.
Equal units receive equal gradients and stay equal in exact arithmetic; rounding and perturbations end that.
Shape legend: :mod:`fastsym.model.params`.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from fastsym.model.params import Array, Params, ParamsT
from fastsym.training.train import Training

SATURATED = 0.99
"""A hidden value of larger size counts as saturated: the slope of tanh is below 0.02 there."""


def unit_vectors(params: Params) -> Array:
    """Return (..., H, D+2): each unit's (W1[h], b1[h], W2[h]); leading axes of the parameters are kept."""
    return np.concatenate([params.W1, params.b1[..., None], params.W2[..., None]], axis=-1)


def from_unit_vectors(units: Array, b2: Array) -> Params:
    """Inverse of :func:`unit_vectors`."""
    return Params(units[..., :-2].copy(), units[..., -2].copy(), units[..., -1].copy(), np.array(b2))


def unit_signs(params: Params) -> Array:
    """Return (H,) of 1 and -1: the sign of each unit's first number that is not zero (1 for an all-zero unit)."""
    units = unit_vectors(params)
    first = np.argmax(units != 0, axis=1)
    return np.where(units[np.arange(len(units)), first] < 0, -1, 1)


def unit_classes(params: Params, tolerance: float = 0.0, up_to_sign: bool = True) -> Array:
    """Assign numbers to the classes of equal units, in the order of their first units.

    Parameters
    ----------
    params
        One network.
    tolerance
        0: units are equal if all their bits are (0.0 and -0.0 count as the same). Positive: units whose numbers
        differ by at most this much are linked, and all units that a chain of links connects form a class.
        A unit that contains NaN is equal only to units with the same bits.
    up_to_sign
        Whether a unit and its negative count as equal.

    Returns
    -------
    (H,) int array
        0 for the class of the first unit, and so on: AAB is [0, 0, 1].

    Raises
    ------
    ValueError
        If the tolerance is negative or NaN.
    """
    if not tolerance >= 0:
        raise ValueError(f"tolerance: expected at least 0; got {tolerance!r}; 0 compares bit for bit")
    units = unit_vectors(params) + 0.0  # turns -0.0 into 0.0
    if up_to_sign:
        units = units * unit_signs(params)[:, None] + 0.0
    _, first, inverse = np.unique(
        units.view(np.dtype((np.void, units.dtype.itemsize * units.shape[1]))).ravel(),
        return_index=True,
        return_inverse=True,
    )
    labels = np.argsort(np.argsort(first))[inverse]
    return labels if tolerance == 0 else _linked(units[np.sort(first)], tolerance, up_to_sign)[labels]


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


def _linked(units: Array, tolerance: float, up_to_sign: bool) -> Array:
    """Label the groups of vectors that chains of steps, at most ``tolerance`` in every component, connect."""
    labels = np.full(len(units), -1)
    for start in range(len(units)):
        if labels[start] >= 0:
            continue
        group = labels.max() + 1
        labels[start] = group
        reached = [start]
        while reached:
            unit = units[reached.pop()]
            distance = np.abs(units - unit).max(axis=1)
            if up_to_sign:  # a small number of either sign may come first, so both signs are compared
                distance = np.minimum(distance, np.abs(units + unit).max(axis=1))
            found = np.flatnonzero((distance <= tolerance) & (labels < 0))
            labels[found] = group
            reached.extend(found.tolist())
    return labels


def class_letters(labels: Array) -> str:
    """Write classes as letters, AAB for [0, 0, 1]; more than 26 classes as numbers."""
    if labels.max(initial=0) < 26:
        return "".join(chr(ord("A") + int(label)) for label in labels)
    return " ".join(str(int(label)) for label in labels)


def dead_units(params: Params, tolerance: float = 0.0) -> Array:
    """Return (..., H) booleans: whether all numbers of a unit are zero (or at most ``tolerance`` in size).

    Such a unit adds nothing to the output and its gradient is exactly zero, so it stays dead. A unit with only
    W2[h] = 0 is not dead: its gradient with respect to W2[h] is not zero.
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
