"""The reference's turns between the rounds of a training benchmark.

Each training benchmark runs A B B A ...: the reference takes its turn before one round and after the next, so that the
ratio of both is of one moment of one session. For long trainings the reference's turn is shorter; its time per
iteration does not depend on how many there are. A training on several threads rests after the reference's turn, until
the threads of NumPy's BLAS do nothing (:mod:`fastsym.timing.interleave`).
"""

import time
from contextlib import ExitStack

import pytest

import fastsym
from bench.peers.process import LEARNING_RATE
from fastsym.timing.interleave import REST_SECONDS, numba_seconds

REFERENCE_SECONDS = {1: 35e-6, 4: 55e-6, 16: 150e-6, 64: 500e-6, 256: 2.5e-3, 1024: 12e-3}
"""What one iteration of the reference takes, roughly, by width; only the number of rounds follows from it."""
TURN_SECONDS = 0.01


class Turns:
    """Times of the reference, for ``benchmark.pedantic(setup=turns.before, teardown=turns.after)``."""

    def __init__(self, hidden, iterations, threads):
        data = fastsym.load_titanic()
        self.iterations = max(1, min(iterations, int(TURN_SECONDS / REFERENCE_SECONDS[hidden])))
        self.seconds = []
        self._rest_seconds = REST_SECONDS if threads > 1 else 0
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
        """Take the turn of an even round, let its threads rest, and watch for compilations."""
        if self._round % 2 == 0:
            self._take()
            time.sleep(self._rest_seconds)
        self._compiling = self._watch.enter_context(numba_seconds("numba:compiler_lock"))

    def after(self):
        """Take the turn of an odd round; fail if anything was compiled in it."""
        self._watch.close()
        if self._compiling:
            pytest.fail("Numba compiled something, or loaded it from its cache, inside the timed region")
        if self._round % 2 == 1:
            self._take()
        self._round += 1
