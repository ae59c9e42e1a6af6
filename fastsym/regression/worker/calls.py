"""The calls of a benchmark, and what they take."""

import gc
import itertools
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any


def waited() -> dict[str, int]:
    """Tell for each thread of this process how long it waited for a processor, in nanoseconds (Linux)."""
    waits = {}
    try:
        for thread in os.listdir("/proc/self/task"):
            with suppress(OSError), open(f"/proc/self/task/{thread}/schedstat", encoding="ascii") as file:
                waits[thread] = int(file.read().split()[1])
    except OSError:
        return {}
    return waits


class Watch:
    """Sums up what timed regions take."""

    def __init__(self) -> None:
        self.processor = self.thread = self.wall = self.wait = 0.0

    @contextmanager
    def running(self) -> Generator[None]:
        """Time what is done inside; a thread that began or ended meanwhile counts as one that never waited."""
        before = waited()
        processor, thread, wall = time.process_time(), time.thread_time(), time.perf_counter()
        try:
            yield
        finally:
            wall = time.perf_counter() - wall
            thread, processor = time.thread_time() - thread, time.process_time() - processor
            after = waited()
            self.wall, self.thread, self.processor = self.wall + wall, self.thread + thread, self.processor + processor
            # Where threads share the work, the one that waited longest holds all others up.
            self.wait += max((after[name] - before[name] for name in after if name in before), default=0) / 1e9

    def message(self) -> dict[str, float]:
        """Pass it on, in seconds."""
        return {"processor": self.processor, "thread": self.thread, "wall": self.wall, "wait": self.wait}


@contextmanager
def undisturbed() -> Iterator[None]:
    """Switch garbage collection, tracing and profiling off."""
    collecting, tracing, profiling = gc.isenabled(), sys.gettrace(), sys.getprofile()
    gc.disable()
    if tracing:
        sys.settrace(None)
    if profiling:
        sys.setprofile(None)
    try:
        yield
    finally:
        if collecting:
            gc.enable()
        if tracing:
            sys.settrace(tracing)
        if profiling:
            sys.setprofile(profiling)


class Call:
    """A benchmark's call: how to make its arguments, and how often it may be made."""

    def __init__(
        self,
        target: Callable[..., Any],
        arguments: Callable[[], tuple[Any, Any]],
        timer: Callable[[], float],
        teardown: Callable[..., Any] | None = None,
        *,
        fresh: bool = False,
        once: bool = False,
    ) -> None:
        self.target, self.arguments, self.timer, self.teardown = target, arguments, timer, teardown
        self.fresh, self.once = fresh, once
        """``fresh``: new arguments, and a teardown, for each call. ``once``: only the first call counts."""

    def one(self, watch: Watch) -> tuple[Any, float]:
        """Make a single call; return its result, and seconds by the benchmark's own timer."""
        args, kwargs = self.arguments()
        with undisturbed(), watch.running():
            start = self.timer()
            result = self.target(*args, **kwargs)
            seconds = self.timer() - start
        if self.teardown is not None:
            self.teardown(*args, **kwargs)
        return result, seconds

    def many(self, count: int, watch: Watch) -> float:
        """Make so many calls in a row; return their seconds by the benchmark's own timer."""
        if self.fresh:
            return sum(self.one(watch)[1] for _ in range(count))
        args, kwargs = self.arguments()
        target, timer = self.target, self.timer
        with undisturbed(), watch.running():
            start = timer()
            for _ in itertools.repeat(None, count):
                target(*args, **kwargs)
            return timer() - start


def pin(processors: list[int] | None) -> None:
    """Run on these processors from now on."""
    if processors and set(processors) != os.sched_getaffinity(0):
        os.sched_setaffinity(0, processors)


@contextmanager
def compilations() -> Iterator[list[float]]:
    """Collect what Numba, if it is loaded at all, spends on compiling or loading from its cache."""
    spent: list[float] = []
    if "numba.core.event" not in sys.modules:
        yield spent
        return
    with sys.modules["numba.core.event"].install_timer("numba:compiler_lock", spent.append):
        yield spent


def plan_pedantic(
    target: Callable[..., Any],
    args: Any,
    kwargs: Any,
    setup: Callable[[], Any] | None,
    teardown: Callable[..., Any] | None,
    counts: dict[str, int],
    timer: Callable[[], float],
) -> Call:
    """Read what ``benchmark.pedantic`` was told, with the same errors as its own."""
    for name, least in (("iterations", 1), ("rounds", 1), ("warmup_rounds", 0)):
        if not isinstance(counts[name], int) or counts[name] < least:
            raise ValueError(f"Must have positive int for `{name}`.")
    if counts["iterations"] > 1 and setup:
        raise ValueError("Can't use more than 1 `iterations` with a `setup` function.")

    def arguments() -> tuple[Any, Any]:
        made = setup() if setup else None
        if not made:
            return args, kwargs or {}
        if args or kwargs:
            raise TypeError("Can't use `args` or `kwargs` if `setup` returns the arguments.")
        return made  # type: ignore[no-any-return]

    once = setup is None and counts["rounds"] * counts["iterations"] == 1
    return Call(target, arguments, timer, teardown, fresh=bool(setup or teardown), once=once)
