"""Other systems that do exactly the same work, each written as its own experts would write it.

The work: full-batch gradient descent on the same data in float64, the cost of every iteration recorded before its
update. Each is a module of this folder with one function,

    build(X, y, threads) -> train
    train(params, iterations, learning_rate) -> (costs, params)

that takes and returns NumPy arrays. It runs in a process of its own (:mod:`bench.peers.process`), so that its threads,
flags and imports touch nothing else.
"""

import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

import fastsym


def table_of(features: int | None = None) -> fastsym.Dataset:
    """Give what is trained on: the article's table, or its labels with so many random features."""
    data = fastsym.load_titanic()
    if features is None:
        return data
    X = np.random.default_rng(features).standard_normal((features, data.X.shape[1]))
    return fastsym.Dataset(X, data.y, tuple(f"x{d}" for d in range(features)))


@dataclass(frozen=True)
class Peer:
    """Another system, and what it needs."""

    name: str
    title: str
    """For tables."""
    summary: str
    """How it is used."""
    module: str
    """Its name in this folder."""
    needs: str
    """A Python package; or a command, if ``is_command``."""
    install: str
    """The command that installs it."""
    is_command: bool = False
    linux_only: str = ""
    """Why it runs on Linux only, if so."""
    threads: tuple[int, ...] = (1, 2)

    def missing(self) -> str | None:
        """Say what is missing and how to install it; ``None`` if nothing is."""
        if self.linux_only and sys.platform != "linux":
            return f"{self.name} runs on Linux only: {self.linux_only}"
        found = shutil.which(self.needs) if self.is_command else find_spec(self.needs)
        return None if found else f"{self.name} needs {self.needs}, which is not installed: {self.install}"


_COMPILER = {
    "needs": "gcc",
    "is_command": True,
    "install": "apt-get install gcc",
    "linux_only": "it needs the vector mathematics library of glibc",
}
_TORCH = {"needs": "torch", "install": "pip install torch"}
_SKLEARN = "pip install scikit-learn"

PEERS = {
    peer.name: peer
    for peer in (
        Peer("c", "C, tanh", "gcc -O3 -march=native -ffast-math, vector mathematics library", "c_tanh", **_COMPILER),
        Peer(
            "c_exp", "C, tanh from exp", "with tanh z = 1 - 2 / (exp(2z) + 1), inaccurate near 0", "c_exp", **_COMPILER
        ),
        Peer(
            "jax",
            "JAX",
            "jit and scan",
            "jax_scan",
            needs="jax",
            install="pip install jax",
            linux_only="its number of threads is set by that of the processors it may use",
        ),
        Peer("torch", "PyTorch by hand", "eager, gradients into preallocated buffers", "torch_by_hand", **_TORCH),
        Peer("torch_autograd", "PyTorch autograd", "eager, with a fused optimiser", "torch_autograd", **_TORCH),
        Peer("sklearn", "scikit-learn", "MLPClassifier", "sklearn_mlp", needs="sklearn", install=_SKLEARN),
    )
}
