"""The fixture ``benchmark``: pytest-benchmark's own, with other calls in it, or one in place of a project's own."""

import importlib
import sys
import time
from collections.abc import Callable
from typing import Any

from .calls import Call, Watch, compilations, pin, plan_pedantic
from .connection import current
from .results import Result


def serve(call: Call) -> tuple[Any, list[float]]:
    """Make the calls that the gate asks for; return the first result, and samples for the test's own statistics."""
    gate = current()
    gate.used = True
    if gate.test in gate.untimed:
        result, seconds = call.one(Watch())
        return result, [seconds]
    gate.say(begun=gate.test, once=call.once)
    asked = gate.hear()
    if "stop" in asked:
        gate.stop()
    pin(asked.get("processors"))
    watch = Watch()
    result, seconds = call.one(watch)
    returned = Result(result) if asked.get("compare") else None
    gate.say(ready=gate.test, **watch.message(), result=returned.message() if returned is not None else None)
    samples = []
    while True:
        asked = gate.hear()
        if "done" in asked:
            break
        if "fingerprint" in asked:
            gate.say(**gate.kernels.fingerprints(asked["fingerprint"], gate.tree))
        elif "repeat" in asked:
            again, _ = call.one(Watch())
            gate.say(result=Result(again).message())
        else:
            pin(asked.get("processors"))
            watch = Watch()
            with compilations() as compiling:
                own = call.many(asked["time"], watch)
            samples.append(own / asked["time"])
            gate.say(**watch.message(), compiled=bool(compiling))
    return result, samples or [seconds]


def patch(fixture: Any) -> None:
    """Replace the two methods of pytest-benchmark's fixture that call what is timed."""

    def keep(made: Any, samples: list[float]) -> None:
        stats = made._make_stats(1)
        for seconds in samples:
            stats.update(seconds)

    def _raw(self: Any, function_to_benchmark: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        result, samples = serve(Call(function_to_benchmark, lambda: (args, kwargs), self._timer))
        keep(self, samples)
        return result

    def _raw_pedantic(
        self: Any,
        target: Callable[..., Any],
        args: Any = (),
        kwargs: Any = None,
        setup: Any = None,
        teardown: Any = None,
        rounds: int = 1,
        warmup_rounds: int = 0,
        iterations: int = 1,
    ) -> Any:
        counts = {"rounds": rounds, "warmup_rounds": warmup_rounds, "iterations": iterations}
        result, samples = serve(plan_pedantic(target, args, kwargs, setup, teardown, counts, self._timer))
        keep(self, samples)
        return result

    def read(self: Any) -> Any:
        if not str(sys._getframe(1).f_globals.get("__name__")).startswith("pytest_benchmark"):
            current().stats_read = current().used
        return self.__dict__.get("_stats_kept")

    def write(self: Any, value: Any) -> None:
        self.__dict__["_stats_kept"] = value

    fixture._raw, fixture._raw_pedantic, fixture.stats = _raw, _raw_pedantic, property(read, write)


class Substitute:
    """Stands for a fixture named ``benchmark`` that is a project's own; it has the same surface."""

    enabled, disabled, skipped = True, False, False
    name, fullname, group, stats = "", "", None, None

    def __init__(self) -> None:
        self.extra_info: dict[str, Any] = {}

    def __call__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function as often as the gate asks; return its first result."""
        return serve(Call(function, lambda: (args, kwargs), time.perf_counter))[0]

    def pedantic(
        self,
        target: Callable[..., Any],
        args: Any = (),
        kwargs: Any = None,
        setup: Any = None,
        teardown: Any = None,
        rounds: int = 1,
        warmup_rounds: int = 0,
        iterations: int = 1,
    ) -> Any:
        """Do the same with arguments that are made anew."""
        counts = {"rounds": rounds, "warmup_rounds": warmup_rounds, "iterations": iterations}
        return serve(plan_pedantic(target, args, kwargs, setup, teardown, counts, time.perf_counter))[0]


def fixture_class() -> Any:
    """Return pytest-benchmark's fixture; None without it."""
    try:
        return importlib.import_module("pytest_benchmark.fixture").BenchmarkFixture
    except ImportError:
        return None
