"""Threads that work on one training together: how many, how to start them, and how they wait for each other.

These are plain Python threads inside kernels that have released the interpreter lock. Between calls they sleep; a
forked child starts its own; and calls from several Python threads do not know of each other, for each takes workers
that nobody else has. (Numba's own thread pools have each of these three problems.)
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import signature
from numba.extending import intrinsic
from numba.np.ufunc import parallel as numba_pool

from fastsym.kernels._jit import jit_inline
from fastsym.model.params import Array

SPINS = 4000
"""Looks at the counter, a few microseconds in all, before a waiting thread offers its processor to others."""
ARRIVALS, STOP, NEXT, COUNTERS = 0, 8, 16, 24
"""Places in the shared counters, a cache line apart: arrivals at the barrier, a request to stop, the next network; and
the counters' length."""
LONG_WORK = 1e8
"""Sample x unit x feature steps of one iteration above which the calling thread only waits, to hear Ctrl-C."""


class Crew(NamedTuple):
    """Threads that share one network, as one of them sees it."""

    counters: Array
    thread: int
    """Its number, from 0."""
    threads: int


@intrinsic
def atomic_add(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """``atomic_add(array, index, value)``: add to an entry that other threads use; return what it was."""
    if not isinstance(array, types.Array) or array.dtype != types.int64:
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.atomic_rmw("add", builder.gep(data, [args[1]]), args[2], "seq_cst")

    return signature(types.int64, array, types.intp, types.int64), codegen


@intrinsic
def atomic_load(typingctx: Any, array: Any, index: Any) -> Any:
    """``atomic_load(array, index)``: an entry that other threads change, and all they wrote before they did."""
    if not isinstance(array, types.Array) or array.dtype != types.int64:
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.load_atomic(builder.gep(data, [args[1]]), "seq_cst", 8)

    return signature(types.int64, array, types.intp), codegen


@intrinsic
def pause(typingctx: Any) -> Any:
    """``pause()``: tell the processor that this is a waiting loop, where it has a word for it."""

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        if builder.module.triple.startswith(("x86_64", "i386", "i686")):
            call = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, call, "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()

    return signature(types.void), codegen


@intrinsic
def yield_processor(typingctx: Any) -> Any:
    """``yield_processor()``: let the system run another thread on this processor, where it has POSIX's call for it."""

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        if os.name == "posix":
            call = ir.FunctionType(ir.IntType(32), [])
            builder.call(cgutils.get_or_insert_function(builder.module, call, "sched_yield"), [])
        return context.get_dummy_value()

    return signature(types.void), codegen


@jit_inline
def barrier(crew: Crew, phase: int) -> bool:
    """Wait until the whole crew has come here in this phase, 0, 1, ...; False if asked to stop meanwhile."""
    if crew.threads == 1:
        return bool(atomic_load(crew.counters, STOP) == 0)
    atomic_add(crew.counters, ARRIVALS, 1)
    arrivals = crew.threads * (phase + 1)
    spins = 0
    while atomic_load(crew.counters, ARRIVALS) < arrivals:
        if atomic_load(crew.counters, STOP) != 0:
            return False
        pause()
        spins += 1
        if spins > SPINS:
            yield_processor()
    return True


def new_counters() -> Array:
    """Make the counters that the threads of one training share."""
    return np.zeros(COUNTERS, np.int64)


def thread_count() -> int:
    """Return what ``numba.set_num_threads`` says, but never more than there are processors."""
    # Asking Numba starts its own pool; without a pool nobody can have set another number than the default.
    count = numba.get_num_threads() if numba_pool._is_initialized else numba.config.NUMBA_NUM_THREADS
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(int(count), available))


def pin_thread(thread: int, threads: int) -> None:
    """Start the calling thread on a processor of its own, if there are as many threads as processors.

    New threads often start on one processor, and those that wait for each other then take turns on it until the
    system has noticed, which takes longer than many a training. Where a thread goes afterwards is the system's affair.
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    allowed = os.sched_getaffinity(0)
    if threads == len(allowed):
        with suppress(OSError):  # a system may forbid it, or take a processor away meanwhile
            os.sched_setaffinity(0, {sorted(allowed)[thread]})
            os.sched_setaffinity(0, allowed)


class _Worker:
    """A thread that sleeps until it is given something to do."""

    def __init__(self) -> None:
        self._wake = threading.Lock()
        self._wake.acquire()
        self._task: Callable[[], None] | None = None
        self._done = threading.Lock()
        self.fresh = True
        threading.Thread(target=self._serve, name="fastsym", daemon=True).start()

    def start(self, task: Callable[[], None]) -> threading.Lock:
        """Let it do a task, which must not raise; return a lock that it opens afterwards."""
        done = threading.Lock()
        done.acquire()
        self._task, self._done, self.fresh = task, done, False
        self._wake.release()
        return done

    def _serve(self) -> None:
        while True:
            self._wake.acquire()
            task, done, self._task = self._task, self._done, None
            if task is not None:
                task()
            del task  # and with it the arrays of the training
            _idle.append(self)
            done.release()


_idle: deque[_Worker] = deque()
"""Workers that sleep. A deque needs no lock, which a fork could leave closed."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)  # a child inherits none of the threads


def _idle_worker() -> _Worker:
    try:
        return _idle.pop()
    except IndexError:
        return _Worker()


def run_in_threads(work: Callable[[int, Array], None], threads: int, steps: float) -> None:
    """Call ``work(thread, counters)`` in so many threads at once and wait for all.

    If an iteration is long, the calling thread only waits, so that Ctrl-C reaches it at once; it then sets
    ``counters[STOP]``, which kernels look at in every block of samples, and waits for the others to leave. Otherwise
    it is the first of the threads: there is one less to wake.

    Parameters
    ----------
    work
        Called with the thread's number, 0 to threads - 1, and the shared counters, an int64 array.
    threads
        How many, at least 1.
    steps
        Sample x unit x feature steps of one iteration.

    Raises
    ------
    BaseException
        The first exception of any thread, or what interrupted the waiting.
    """
    counters = new_counters()
    failures: list[BaseException] = []
    left: list[int] = []

    def guarded(thread: int, fresh: bool) -> None:
        try:
            if fresh:
                pin_thread(thread, threads)
            work(thread, counters)
        except BaseException as error:  # raised again by the calling thread
            counters[STOP] = 1
            failures.append(error)
        finally:
            left.append(thread)

    started: list[threading.Lock] = []
    first = 1 if steps <= LONG_WORK else 0
    try:
        for thread in range(first, threads):
            worker = _idle_worker()
            started.append(worker.start(partial(guarded, thread, worker.fresh)))
        if first:
            work(0, counters)
        for done in started:
            done.acquire()
    except BaseException:
        counters[STOP] = 1
        while len(left) < len(started):  # which locks were acquired before is not known for certain
            time.sleep(0.001)
        raise
    if failures:
        raise failures[0]
