"""Another system in its own process, checked against the reference before it is timed."""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np

import fastsym
from bench import ROOT
from bench.peers import table_of

LEARNING_RATE = 0.01
CHECK_ITERATIONS = 3
TOLERANCE = 1e-10  # relative to each array's largest entry; a few thousand roundings, before chaos sets in
SETTLE_SECONDS = 0.01  # threads of a pool spin for a while after the work is done; nobody else is timed meanwhile


class PeerProcess:
    """One system on a number of threads; a context manager. What it trains on: :func:`bench.peers.table_of`."""

    def __init__(self, peer, threads, features=None):
        self.peer, self.threads, self._data = peer, threads, table_of(features)
        count = str(threads)
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "bench.peers.worker",
                peer.module,
                count,
                *([] if features is None else [str(features)]),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count, "MKL_NUM_THREADS": count},
        )
        self._checked = {}

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        with suppress(BrokenPipeError):  # of a process that has died
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.kill()  # it holds nothing, and some libraries take a second to end
        self._process.wait()

    def _ask(self, hidden, iterations, with_result):
        request = {"hidden": hidden, "iterations": iterations, "with_result": with_result}
        try:
            print(json.dumps(request | {"learning_rate": LEARNING_RATE}), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise RuntimeError(f"{self.peer.name}: expected an answer; got exit {self._process.wait()}; see above")
        return json.loads(line)

    def check(self, hidden):
        """Compare a few iterations with the reference.

        Returns
        -------
        float
            Largest relative difference of costs and parameters, in units of the tolerance.

        Raises
        ------
        AssertionError
            If it is above 1, or not a number.
        """
        if hidden not in self._checked:
            answer = self._ask(hidden, CHECK_ITERATIONS, with_result=True)
            data = self._data
            params = fastsym.initialise("normal", len(data.X), hidden)
            right = fastsym.train(data.X, data.y, params, CHECK_ITERATIONS, LEARNING_RATE, "reference")
            error = 0.0
            for got, expected in zip([answer["costs"], *answer["params"]], [right.costs, *right.params], strict=True):
                assert np.shape(got) == np.shape(expected), (self.peer.name, np.shape(got), np.shape(expected))
                difference = np.abs(np.subtract(got, expected)).max() / np.abs(expected).max()
                assert difference <= TOLERANCE, (self.peer.name, hidden, difference)  # NaN fails
                error = max(error, difference / TOLERANCE)
            self._checked[hidden] = float(error)
        return self._checked[hidden]

    def seconds(self, hidden, iterations):
        """Time one whole training, by the process's own clock."""
        seconds = self._ask(hidden, iterations, with_result=False)["seconds"]
        if self.threads > 1:
            time.sleep(SETTLE_SECONDS)
        return seconds
