"""The exact test of the gate: is the head's process slower than two of the base more often than chance allows.

In each triple of processes there are three numbers: of the base, of the control (the base once more) and of the head.
If the head is no different, chance decides which of the three is called the head. So each of the three numbers is as
likely to be the head's, whatever their distribution, and the triples are independent. The statistic is the sum of the
head's ranks among all numbers, after each triple was aligned by its median; its distribution over all 3^n ways to
choose the heads follows by convolution.

Source: Hodges and Lehmann, Annals of Mathematical Statistics 33 (1962), 482-497.

With the signed-rank test of head against base the control would be wasted, and its least p-value is 2^-n.
"""

import numpy as np

from fastsym.timing.stats import Floats

HEAD = 2
"""Column of the head in (n, 3) arrays: base, control, head."""


def three_label_p_values(logs: Floats) -> tuple[float, float]:
    """Test whether the head is slower, and whether it is faster.

    Parameters
    ----------
    logs
        (n, 3) logarithms of seconds: base, control and head of each triple.

    Returns
    -------
    tuple of float
        Probability of a rank sum at least as large (slower), and at least as small (faster), if nothing differs.
        At least 3^-n.

    Raises
    ------
    ValueError
        If the shape is another, there are no triples, or a number is not finite.
    """
    from scipy.stats import rankdata

    values = np.asarray(logs, np.float64)
    if values.ndim != 2 or values.shape[1] != 3 or not len(values) or not np.isfinite(values).all():
        raise ValueError(f"logs: expected (n, 3) finite numbers; got shape {values.shape}; leave out void triples")
    aligned = values - np.median(values, axis=1, keepdims=True)
    doubled = np.rint(2 * rankdata(aligned.ravel())).astype(int).reshape(values.shape)  # ties have half ranks
    chances = np.ones(1)
    for ranks in doubled:
        following = np.zeros(len(chances) + ranks.max())
        for rank in ranks:
            following[rank : rank + len(chances)] += chances / 3
        chances = following
    observed = int(doubled[:, HEAD].sum())
    return min(1.0, float(chances[observed:].sum())), min(1.0, float(chances[: observed + 1].sum()))
