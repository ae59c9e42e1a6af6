"""The reference's turns between the rounds of a training benchmark.

Each training benchmark runs A B B A ...: the reference takes its turn before one round and after the next, so that the
ratio of both is taken within a few milliseconds of one session. For long trainings the reference's turn is shorter; its
time per iteration does not depend on how many there are.
"""

import time
from contextlib import ExitStack

import pytest
from peers.process import LEARNING_RATE

import fastsym
from fastsym.timing.interleave import numba_seconds

REFERENCE_SECONDS = {1: 35e-6, 4: 55e-6, 16: 150e-6, 64: 500e-6, 256: 2.5e-3, 1024: 12e-3}
"""What one iteration of the reference takes, roughly, by width; only the number of rounds follows from it."""
TURN_SECONDS = 0.01


class Turns:
    """Times of the reference, for ``benchmark.pedantic(setup=turns.before, teardown=turns.after)``."""

    def __init__(self, hidden, iterations):
        data = fastsym.load_titanic()
        self.iterations = max(1, min(iterations, int(TURN_SECONDS / REFERENCE_SECONDS[hidden])))
        self.seconds = []
        self._arguments = data.X, data.y, fastsym.initialise("normal", len(data.X), hidden), self.iterations
        self._round = 0
        self._watch = ExitStack()
        self._compiling = []
        self._take()  # what is slower at first, memory for example, is not kept
        self.seconds.clear()

    def _take(self):
        start = time.perf_counter()
        fastsym.train(*self._arguments, LEARNING_RATE, "reference")
        self.seconds.append(time.perf_counter() - start)

    def before(self):
        """Take the turn of an even round, and watch for compilations."""
        if self._round % 2 == 0:
            self._take()
        self._compiling = self._watch.enter_context(numba_seconds("numba:compiler_lock"))

    def after(self):
        """Take the turn of an odd round; fail if anything was compiled in it."""
        self._watch.close()
        if self._compiling:
            pytest.fail("Numba compiled something, or loaded it from its cache, inside the timed region")
        if self._round % 2 == 1:
            self._take()
        self._round += 1
