"""What every benchmark shares: the check before timing, the reference in turns, and what is noted beside the times.

What the gate's benchmarks do not need is imported where it is used: the gate starts hundreds of processes.
"""

from contextlib import ExitStack, nullcontext
from functools import cache

import numpy as np
import pytest

import fastsym
from bench.peers import PEERS
from bench.peers.process import LEARNING_RATE, PeerProcess

CASE_SECONDS = 0.1
MAX_ROUNDS = 12


COLUMNS = ["median", "iqr", "rounds"]
"""Of the table, unless --benchmark-columns says otherwise; with all columns it is wider than a screen."""
CHECKED = set()
"""Variants and precisions of which it was said that they are checked."""


def pytest_configure(config):
    if not any(option.startswith("--benchmark-sort") for option in config.invocation_params.args):
        config.option.benchmark_sort = "median"  # the first of the columns
    if getattr(config.option, "benchmark_columns", COLUMNS) is None:
        config.option.benchmark_columns = COLUMNS


def pytest_benchmark_update_machine_info(config, machine_info):  # noqa: ARG001 the hook's signature
    from fastsym.timing.machine import describe_machine

    machine_info["fastsym"] = describe_machine()


@cache
def certify_once(variant, dtype):
    """Compile and certify; what of it goes into a record, and why it did not pass."""
    from fastsym.agreement import certify
    from fastsym.timing.interleave import numba_seconds

    data = fastsym.load_titanic()
    X, y, real = data.X.astype(dtype), data.y.astype(dtype), np.dtype(dtype)
    with numba_seconds("numba:compile") as compiling:
        fastsym.train(X, y, fastsym.initialise("normal", len(X), 4, dtype=real), 1, LEARNING_RATE, variant)
    certificate = certify(variant, dtype)
    record = {
        "compile_seconds": sum(compiling),
        "worst_error": certificate.own.worst,
        "median_error": certificate.own.median,
    }
    return record, "" if certificate.passed else certificate.summary()


@pytest.fixture
def certified(request, variant):
    """Compile and certify the benchmark's variant before anything is timed; what of it goes into a record."""
    dtype = request.node.callspec.params.get("dtype", "float64")
    if (variant, dtype) not in CHECKED:
        CHECKED.add((variant, dtype))
        terminal, capture = map(request.config.pluginmanager.get_plugin, ("terminalreporter", "capturemanager"))
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            terminal.write_line(f"checking {variant} in {dtype}, compiled first if it is new, before it is timed ...")
    record, why_not = certify_once(variant, dtype)
    if why_not:
        advice = f"to find the mistake, run: fastsym certify {variant} --dtype {dtype}"
        pytest.fail(
            f"{variant} {dtype} is not equal to the reference, so it is not timed:\n{why_not}\n{advice}", pytrace=False
        )
    return record


@pytest.fixture
def time_training(benchmark):
    """Give a function that times a training interleaved with the reference, and notes what a record needs."""
    from bench.turns import REFERENCE_SECONDS, Turns
    from fastsym.timing.stats import MIN_PAIRS

    def run(job, hidden, iterations, threads, **noted):
        if benchmark.disabled:
            return benchmark.pedantic(job)
        turns = Turns(hidden, iterations, threads)
        expected = iterations * REFERENCE_SECONDS[hidden]
        rounds = min(MAX_ROUNDS, max(MIN_PAIRS, int(CASE_SECONDS / expected)))
        benchmark.group = f"H = {hidden}, T = {iterations}"
        result = benchmark.pedantic(job, setup=turns.before, teardown=turns.after, rounds=rounds)
        benchmark.extra_info |= {"hidden": hidden, "iterations": iterations, "threads": threads, "dtype": "float64"}
        benchmark.extra_info |= {"reference_seconds": turns.seconds, "reference_iterations": turns.iterations} | noted
        return result

    return run


@pytest.fixture(scope="session")
def peer_processes():
    """Give a function that starts another system, once per number of threads."""
    with ExitStack() as stack:
        yield cache(lambda peer, threads: stack.enter_context(PeerProcess(PEERS[peer], threads)))


@pytest.fixture
def peer_process(peer_processes, peer, threads, hidden):
    """Start and check the benchmark's other system before it is timed; or skip with the command that installs it."""
    if missing := PEERS[peer].missing():
        pytest.skip(missing)
    process = peer_processes(peer, threads)
    process.check(hidden)
    return process
