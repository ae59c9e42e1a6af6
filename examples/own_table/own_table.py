"""Train on a CSV file of one's own from four starts, and see which hidden units become different."""

from pathlib import Path

import fastsym
from fastsym.model.tables import load_table
from fastsym.model.units import class_letters, unit_classes

data = load_table(Path(__file__).with_name("machines.csv"), target="failed", standardise=True)
for start in ("zeros", "constant", "normal", "glorot"):
    params = fastsym.initialise(start, n_features=len(data.X), hidden=4)
    training = fastsym.train(data.X, data.y, params, iterations=3000, learning_rate=1)
    letters = class_letters(unit_classes(training.params))  # units that are equal share a letter
    print(f"{start:<10} units {letters}   cost {training.costs[-1]:.4f}")
