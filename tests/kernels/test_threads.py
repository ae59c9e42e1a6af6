"""Threads of one training: they keep to Numba's number, survive forks and strangers, and can be stopped."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import weakref

import numba
import pytest
from conftest import posix_only

import fastsym
from fastsym.kernels.threads import LONG_WORK, NEXT, STOP, pin_thread, run_in_threads, thread_count


@pytest.fixture(scope="module")
def problem():
    data = fastsym.load_titanic("standardised")
    return data.X, data.y, fastsym.initialise("normal", 8, 4, scale=0.1)


def test_numba_decides_how_many(problem):
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        assert thread_count() == 1
        assert fastsym.train(*problem, 3, 0.1, "parallel").threads == 1
    finally:
        numba.set_num_threads(before)
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert thread_count() == min(before, available)


def test_calls_take_the_threads_of_calls_before_and_these_forget_what_they_did(problem):
    fastsym.train(*problem, 20, 0.1, "parallel")
    before = set(threading.enumerate())
    fastsym.train(*problem, 20, 0.1, "parallel")
    assert set(threading.enumerate()) == before
    kept = problem[0].copy()
    used = weakref.ref(kept)
    run_in_threads(lambda _thread, _counters, _kept=kept: None, 2, 0)
    del kept
    assert used() is None


def test_sleeping_threads_use_no_processor_and_let_the_process_end():
    code = """
import time, fastsym
from fastsym.kernels.threads import run_in_threads
run_in_threads(lambda thread, counters: None, 4, 0)
begin = time.process_time()
time.sleep(0.5)
print(time.process_time() - begin < 0.1)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert (run.stdout, run.stderr, run.returncode) == ("True\n", "", 0)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system places threads alone")
def test_threads_start_on_processors_of_their_own_where_each_has_one(monkeypatch):
    allowed, asked = {5, 2, 9}, []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(allowed))
    monkeypatch.setattr(os, "sched_setaffinity", lambda _, processors: asked.append(set(processors)))
    for thread in range(3):
        pin_thread(thread, 3)
    assert asked == [{2}, allowed, {5}, allowed, {9}, allowed]
    asked.clear()
    pin_thread(0, 2)
    assert asked == []


def test_callers_do_not_disturb_each_other(problem):
    expected = fastsym.train(*problem, 200, 0.1, "parallel").costs.tobytes()
    results = []

    def call():
        results.append(fastsym.train(*problem, 200, 0.1, "parallel").costs.tobytes())

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert results == [expected] * 4


def _child(problem, queue):
    queue.put(fastsym.train(*problem, 50, 0.1, "parallel").costs.tobytes())


@pytest.mark.parametrize("method", ["spawn", *(["fork"] if sys.platform == "linux" else [])])  # not safe on macOS
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # newer Pythons warn of any fork beside threads
def test_works_in_child_processes(problem, method):
    expected = fastsym.train(*problem, 50, 0.1, "parallel").costs.tobytes()
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    child = context.Process(target=_child, args=(problem, queue))
    child.start()
    assert queue.get(timeout=600) == expected
    child.join()


@pytest.mark.parametrize("steps", [0, 2 * LONG_WORK], ids=["caller takes part", "caller waits"])
@pytest.mark.parametrize("failing", [0, 2])
def test_a_failing_thread_stops_the_others(steps, failing):
    seen = []

    def work(thread, counters):
        if thread == failing:
            raise ArithmeticError("broken")
        while counters[STOP] == 0:
            time.sleep(0.001)
        seen.append(int(counters[NEXT]))

    with pytest.raises(ArithmeticError, match="broken"):
        run_in_threads(work, 3, steps)
    assert seen == [0, 0]


@pytest.mark.parametrize(("steps", "expected"), [(0, True), (2 * LONG_WORK, False)])
def test_the_caller_takes_part_unless_it_must_hear_ctrl_c(steps, expected):
    found = {}

    def work(thread, _counters):
        found[thread] = threading.current_thread() is threading.main_thread()

    run_in_threads(work, 3, steps)
    assert found == {0: expected, 1: False, 2: False}


@posix_only
@pytest.mark.parametrize("call", ["train(X, y, p, 10**9, 0.1, 'parallel')", "train_population(X, y, P, 10**6, 0.1)"])
def test_ctrl_c_stops_training_and_leaves_the_parameters(call):
    code = f"""
import numpy as np, fastsym, sys
from fastsym import train, train_population
d = fastsym.load_titanic("standardised"); X, y = d.X, d.y
p = fastsym.initialise("normal", 8, 4, scale=0.1)
P = fastsym.Params(*(np.stack([a] * 50) for a in p))
kept = [a.tobytes() for a in (*p, *P)]
train(X, y, p, 2, 0.1, 'parallel')
train_population(X, y, P, 2, 0.1)  # or the signal might come while it compiles, where it can be lost
try:
    print("ready", flush=True)
    {call}
except KeyboardInterrupt:
    assert kept == [a.tobytes() for a in (*p, *P)]
    print("interrupted", flush=True)
    sys.exit(0)
sys.exit("ran to the end")
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout.readline() == "ready\n"
            time.sleep(0.3)  # into the threads; were it still before, the test would be weaker but not wrong
            child.send_signal(signal.SIGINT)
            out, _ = child.communicate(timeout=600)
        finally:
            child.kill()
    assert (out, child.returncode) == ("interrupted\n", 0)
