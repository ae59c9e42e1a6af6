"""C, compiled on the spot for this processor and this number of features."""

import ctypes
import platform
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

SOURCE = Path(__file__).with_name("network.c")
FLAGS = ("-std=c11", "-O3", "-march=native", "-ffast-math", "-fopenmp", "-fPIC", "-Wall", "-Werror")
VECTOR_WIDTHS = ((), ("-mprefer-vector-width=512",)) if platform.machine() == "x86_64" else ((),)
BLOCK = 112  # 889 samples are 8 such blocks, nearly: the fastest of 32 to 448 here, and as many for each of two threads


def compiled(flags, folder, name):
    """Compile ``network.c`` into a library and load it."""
    target = Path(folder) / name
    # Linked without -ffast-math: with it the library would switch off denormals for the whole process when loaded.
    subprocess.run(["gcc", *FLAGS, *flags, "-c", SOURCE, "-o", f"{target}.o"], check=True)
    subprocess.run(["gcc", "-shared", f"{target}.o", "-o", f"{target}.so", "-fopenmp", "-lmvec", "-lm"], check=True)
    return ctypes.CDLL(f"{target}.so")


def build(X, y, threads, tanh=()):
    """Compile with and without 512-bit vectors and keep what is faster."""
    D, M = X.shape
    X, y = np.ascontiguousarray(X), np.ascontiguousarray(y)
    pointer = np.ctypeslib.ndpointer(np.float64, flags="C_CONTIGUOUS")

    def trainer(library):
        library.train.argtypes = [*[ctypes.c_int] * 4, ctypes.c_double, *[pointer] * 7]
        library.train.restype = None

        def train(params, iterations, learning_rate):
            W1, b1, W2, b2 = (np.array(value, np.float64, order="C", ndmin=1) for value in params)
            costs = np.empty(iterations)
            library.train(len(W2), M, iterations, threads, learning_rate, X, y, W1, b1, W2, b2, costs)
            return costs, (W1, b1, W2, b2[0])

        return train

    with tempfile.TemporaryDirectory() as folder:
        trainers = [
            trainer(compiled([f"-DFEATURES={D}", f"-DBLOCK={BLOCK}", *tanh, *width], folder, f"network{i}"))
            for i, width in enumerate(VECTOR_WIDTHS)
        ]
    rng = np.random.default_rng(0)
    params = rng.normal(size=(16, D)) * 0.01, np.zeros(16), rng.normal(size=16) * 0.01, 0.0

    def seconds(train):
        start = time.perf_counter()
        train(params, 50, 0.01)
        return time.perf_counter() - start

    best = [min(times) for times in zip(*([seconds(train) for train in trainers] for _ in range(7)), strict=True)]
    return trainers[int(np.argmin(best))]
