"""fastsym: the experiment of "Breaking Symmetry in Deep Learning", fast, proved right and measured.

Shape legend: :mod:`fastsym.model.params`. Entry points: ``python -m fastsym.report``, ``python -m fastsym.regression``,
``pytest bench/ --benchmark-only``.
"""

from fastsym.model.datasets import Dataset, load_titanic
from fastsym.model.initialise import initialise
from fastsym.model.params import LayerParams, Params
from fastsym.model.tables import load_table
from fastsym.training.registry import VARIANTS, Variant
from fastsym.training.result import Training
from fastsym.training.train import NonFiniteCostWarning, train, train_population

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
    "load_table",
    "load_titanic",
    "train",
    "train_population",
]
