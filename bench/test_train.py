"""Whole training calls: every variant at every hidden width and number of iterations, and other systems by width.

The grid ends where one call of the reference would take longer than a third of a second or so.
"""

import numpy as np
import pytest

import fastsym
from bench.peers import PEERS
from bench.peers.process import LEARNING_RATE
from bench.reported import REPORTED
from bench.turns import REFERENCE_SECONDS
from fastsym.timing.interleave import ITERATIONS, WIDTHS

LONGEST_SECONDS = 0.3
PEER_ITERATIONS = 100
PEER_LONGEST_SECONDS = 0.1
CASES = [(H, T) for H in WIDTHS for T in ITERATIONS if T * REFERENCE_SECONDS[H] <= LONGEST_SECONDS]


@pytest.mark.parametrize("variant", list(fastsym.VARIANTS))
@pytest.mark.parametrize(("hidden", "iterations"), CASES, ids=[f"H{H}-T{T}" for H, T in CASES])
def test_train(certified, time_training, hidden, iterations, variant):
    data = fastsym.load_titanic()
    params = fastsym.initialise("normal", len(data.X), hidden)

    def job():
        return fastsym.train(data.X, data.y, params, iterations, LEARNING_RATE, variant)

    threads = job().threads
    result = time_training(job, hidden, iterations, threads, kind="variant", variant=variant, **certified)
    assert np.isfinite(result.costs).all()


@pytest.mark.benchmark(timer=REPORTED.now)
@pytest.mark.parametrize(("peer", "threads"), [(peer.name, count) for peer in PEERS.values() for count in peer.threads])
@pytest.mark.parametrize("hidden", WIDTHS, ids=[f"H{H}" for H in WIDTHS])
def test_peer(peer_process, time_training, hidden, peer, threads):
    iterations = min(PEER_ITERATIONS, int(PEER_LONGEST_SECONDS / REFERENCE_SECONDS[hidden]))
    first_seconds = peer_process.seconds(hidden, iterations)  # JAX compiles for this number of iterations

    def job():
        REPORTED.add(peer_process.seconds(hidden, iterations))

    time_training(
        job,
        hidden,
        iterations,
        threads,
        kind="peer",
        variant=peer,
        compile_seconds=max(0.0, first_seconds - peer_process.seconds(hidden, iterations)),
        worst_error=peer_process.check(hidden),
    )
