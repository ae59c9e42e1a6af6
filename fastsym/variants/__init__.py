"""The ways to train, and ``train`` in front of them.

- ``registry``: one name and one calling convention each, also for variants of other packages
- ``training``: a variant on checked input
"""

from fastsym.variants.registry import OWN, VARIANTS, Variant
from fastsym.variants.training import NonFiniteCostWarning, Training, run, train, train_population

__all__ = ["OWN", "VARIANTS", "NonFiniteCostWarning", "Training", "Variant", "run", "train", "train_population"]
