"""The examples in the docstrings of the public names run and print what they say."""

import doctest
import importlib

import pytest

PUBLIC = [
    "fastsym.model.datasets",
    "fastsym.model.initialise",
    "fastsym.model.tables",
    "fastsym.training.result",
    "fastsym.training.train",
]


@pytest.mark.parametrize("name", PUBLIC)
def test_examples(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
