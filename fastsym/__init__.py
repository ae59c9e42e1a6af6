"""fastsym: the experiment of "Breaking Symmetry in Deep Learning", fast, checked and measured.

Shape legend: :mod:`fastsym.model.params`. Entry points: ``python -m fastsym.report``, ``python -m fastsym.regression``,
``pytest bench/ --benchmark-only``.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastsym import kernels as kernels
    from fastsym import model as model
    from fastsym import training as training
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
_HOMES = {
    "VARIANTS": "training.registry",
    "Dataset": "model.datasets",
    "LayerParams": "model.params",
    "NonFiniteCostWarning": "training.train",
    "Params": "model.params",
    "Training": "training.result",
    "Variant": "training.registry",
    "initialise": "model.initialise",
    "load_table": "model.tables",
    "load_titanic": "model.datasets",
    "train": "training.train",
    "train_population": "training.train",
}
_WINGS = ("kernels", "model", "training")

if not TYPE_CHECKING:  # a type checker must not think that every name is there

    def __getattr__(name: str) -> object:
        """Import what is asked for: the commands, and the gate of other projects, need not wait for Numba."""
        if name in _HOMES:
            found = getattr(import_module(f"fastsym.{_HOMES[name]}"), name)
        elif name in _WINGS:
            for home in _HOMES.values():  # so that fastsym.model.params, say, is there as well
                import_module(f"fastsym.{home}")
            found = import_module(f"fastsym.{name}")
        else:
            raise AttributeError(f"module 'fastsym' has no attribute {name!r}")
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        """Show all names, imported or not."""
        return sorted({*globals(), *__all__, *_WINGS})
