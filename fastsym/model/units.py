"""Hidden units as vectors, and the classes of those that are equal.

A unit h is the vector (W1[h], b1[h], W2[h]) of D + 2 numbers. Two units are *equal* if their vectors are, and
equal *up to sign* if one vector is the negative of the other: tanh is odd, so both add the same to the output.
Shape legend: :mod:`fastsym.model.params`.
"""

import numpy as np

from fastsym.model.params import Array, Params


def unit_vectors(params: Params) -> Array:
    """Return (..., H, D+2): each unit's (W1[h], b1[h], W2[h]); leading axes of the parameters are kept."""
    return np.concatenate([params.W1, params.b1[..., None], params.W2[..., None]], axis=-1)


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
