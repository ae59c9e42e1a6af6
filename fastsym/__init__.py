"""fastsym: the experiment of "Breaking Symmetry in Deep Learning", fast, proved right and measured.

Shape legend: :mod:`fastsym.net`. Entry points: ``python -m fastsym.report``, ``python -m fastsym.regression``,
``pytest bench/ --benchmark-only``.
"""

from fastsym.data import Dataset, load_titanic
from fastsym.net import LayerParams, Params
from fastsym.starts import initialise
from fastsym.variants import VARIANTS, NonFiniteCostWarning, Training, Variant, train, train_population

__version__ = "0.1.0"

__all__ = [
    "VARIANTS",
    "Dataset",
    "LayerParams",
    "NonFiniteCostWarning",
    "Params",
    "Training",
    "Variant",
    "initialise",
    "load_titanic",
    "train",
    "train_population",
]
