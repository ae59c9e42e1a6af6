"""What the words on the page mean, and its tour. Shown as they stand; the page holds no other long text."""

from typing import NamedTuple

CONTROLS = {
    "hidden": "The number of tanh units between the features and the output.",
    "start": "How the weights are chosen before training. zeros: all 0. constant: all equal to the scale. normal and "
    "uniform: random, times the scale. glorot, he and orthogonal: random, their size set by a rule (scale 1). w1 zero "
    "and w2 zero: one layer of weights is 0. blocks: groups of equal units.",
    "scale": "The size of the starting weights: the constant itself, or what random numbers are multiplied by.",
    "perturbation": "Random numbers of this size are added to every starting weight. Units that would start equal then "
    "differ a little, and training makes the difference grow.",
    "seed": "Which random numbers are drawn; the same seed gives the same numbers.",
    "learning_rate": "The size of each step of gradient descent.",
    "iterations": "The number of steps. Each uses all samples.",
    "features": "article: all columns as they are, with the passenger's number. no_id: without that number. raw: your "
    "table as it is. standardised: each column shifted and scaled to mean 0 and variance 1.",
    "test": "Samples that are kept from training, to see how well the network does on samples it has not seen.",
    "dtype": "float64 computes with about 16 digits, float32 with about 7.",
}
"""Setting -> its meaning."""
FACTS = {
    "Final cost": "The mean cross-entropy in the last iteration, in nats per sample; ln 2 = 0.693 is a coin toss.",
    "Output bias b2": "The number that is added to the weighted sum of all units. From zero weights it alone moves.",
    "Accuracy, training": "The share of the training samples that are classified rightly.",
    "Accuracy, test": "The share of the samples kept from training that are classified rightly.",
    "Classes, bit for bit": "Units are in one class if all their weights are equal, in every bit, up to the sign of "
    "the whole unit. AAB: the first two are equal, the third is not.",
    "Classes within 0.001": "The same, but weights that differ by 0.001 at most count as equal.",
    "Dead units": "Units whose weights are all zero. Their gradients are zero, so they stay dead.",
    "Saturated hidden values": "The share of the outputs of hidden units beyond 0.99 in size: there tanh is nearly "
    "flat, and the unit hardly learns.",
    "Training took": "The time of the training alone, without drawing.",
    "Variant": "The program that trained. numpy is used while the quick ones are being compiled.",
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
        "All weights start at 0 and stay there: their gradients are products with weights that are 0. The cost falls "
        "all the same, because the output bias b2 learns the share of class 1. Look at the network: no edge appears.",
        {"start": "zeros"},
    ),
    Step(
        "A constant: all units are one",
        "Every weight starts at 0.01. Now the weights move, but all units get the same gradient and stay equal for "
        "ever: four units do the work of one. The run before stays behind as a grey line.",
        {"start": "constant"},
    ),
    Step(
        "A tiny difference is enough",
        "The same start, with random numbers of size 1e-12 added. For a while the units look equal; then the "
        "difference has grown, they separate, and the cost falls further. Move the slider of the moment to see when.",
        {"start": "constant", "perturbation": "1e-12"},
    ),
    Step(
        "Random: different from the beginning",
        "Random starting weights break the symmetry at once: each unit goes its own way within some tens of "
        "iterations. This is why networks are started at random.",
        {},
    ),
    Step(
        "Too large: saturated",
        "Random weights of size 10 push tanh to its flat ends: most hidden values are saturated, their gradients are "
        "nearly 0, and learning is slow. The size matters as well as the randomness.",
        {"scale": "10.0"},
    ),
)
"""The article's story; each step starts from :data:`fastsym.play.settings.DEFAULT`."""
