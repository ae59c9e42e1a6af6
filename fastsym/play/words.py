"""What the words on the page mean, and its tour. Shown as they stand; the page holds no other long text."""

from typing import NamedTuple

from fastsym.play.settings import MOST_TRAINED_EACH

CONTROLS = {
    "hidden": "The number of tanh units between the features and the output.",
    "start": "How the weights are chosen before training. zeros: all 0. constant: all equal to the scale. normal and "
    "uniform: random, times the scale. glorot, he and orthogonal: random, their size set by a rule (scale 1). w1 zero "
    "and w2 zero: one layer of weights is 0. blocks: groups of equal units; units left over start at 0 and stay 0.",
    "scale": "The size of the starting weights: the constant itself, or the factor by which random numbers are "
    "multiplied.",
    "perturbation": "Random numbers of this size are added to all starting weights. Units that would start equal then "
    "differ a little, and training makes the difference grow.",
    "seed": "The number that selects the random numbers. The same seed always gives the same random numbers.",
    "learning_rate": "The size of each step of gradient descent.",
    "iterations": "The number of steps. Each uses all samples.",
    "features": "article: all columns as they are, including the passenger's number. no_id: the same columns without "
    "that number. raw: the columns of your table as they are. standardised: each column has mean 0 and variance 1.",
    "test": "Samples that are not used for training. They show how well the network predicts samples it has not seen.",
    "dtype": "float64 computes with about 16 digits, float32 with about 7.",
}
"""Setting -> its meaning."""
FACTS = {
    "Final cost": "The mean cross-entropy in the last iteration, in nats per sample. A prediction of 0.5 "
    "for every sample costs ln 2 = 0.693.",
    "Output bias b2": "The number that is added to the weighted sum of all units. If all weights and "
    "biases start at 0, only b2 changes.",
    "Accuracy, training": "The share of the training samples that are classified correctly.",
    "Accuracy, test": "The share of the test samples that are classified correctly.",
    "Classes, bit for bit": "Two units are in the same class if all their weights are equal in every bit, up to the "
    f"sign of the whole unit. AAB: the first two units are equal, the third is different. Up to "
    f"{MOST_TRAINED_EACH} units are always trained each, so their equality is observed.",
    "Classes within 0.001": "The same, but weights that differ by 0.001 at most count as equal.",
    "Dead units": "Units whose weights and bias b1 are all zero. Their gradients are zero, so they stay dead.",
    "Saturated hidden values": "The share of the outputs of hidden units that are above 0.99 or below -0.99. There "
    "tanh is nearly flat, and the unit hardly learns.",
    "Training took": "The time of the training alone, without drawing.",
    "Variant": "The implementation that trained. numpy is used while the faster ones are being compiled. If more than "
    f"{MOST_TRAINED_EACH} units start equal, they are trained as one unit with a multiplicity; training each of "
    "them gives the same up to rounding, as fastsym's tests verify.",
}
"""Fact -> its meaning."""


class Step(NamedTuple):
    """One step of the tour."""

    title: str
    text: str
    changes: dict[str, str]
    """Settings that differ from the defaults."""


TOUR = (
    Step(
        "Zeros: nothing moves but b2",
        "All weights start at 0 and stay 0, because each of their gradients contains a factor that is 0. The cost "
        "nevertheless falls, because the output bias b2 learns the share of class 1. In the network, all edges are "
        "dotted: they carry a weight of 0.",
        {"start": "zeros"},
    ),
    Step(
        "A constant: all units stay equal",
        "Every weight starts at 0.01. Now the weights move, but all units get the same gradient and stay equal for "
        "ever: four units do the work of one. Each of them was trained, and they are equal in every bit. Grey lines "
        "show the previous run.",
        {"start": "constant"},
    ),
    Step(
        "A tiny difference is enough",
        "The start is the same, but random numbers of size 1e-12 are added. For a while the units look equal. Then "
        "the difference becomes visible, the units separate, and the cost falls further. Move the slider Moment to "
        "see when.",
        {"start": "constant", "perturbation": "1e-12"},
    ),
    Step(
        "Random: different from the beginning",
        "Random starting weights break the symmetry at once: within some tens of iterations, the units become clearly "
        "different. This is why networks start with random weights.",
        {},
    ),
    Step(
        "Too large: saturated",
        "Random weights of size 10 push tanh to its flat ends. Most hidden values are saturated, their gradients are "
        "nearly 0, and learning is slow. So the size of the weights matters as well as their randomness.",
        {"scale": "10.0"},
    ),
)
"""The article's story; each step starts from :data:`fastsym.play.settings.DEFAULT`."""
