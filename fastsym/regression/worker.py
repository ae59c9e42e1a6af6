"""One side at work: a pytest plug-in that lets the gate decide when, and how often, each benchmark is called.

PYTEST_DONT_REWRITE

A process of ``python -m pytest -p fastsym_gate_worker``, one side of one triple. It is copied beside the checkouts and
loaded by its own name, so that it needs nothing but the standard library and pytest, and takes nothing of the
``fastsym`` that may be the code under test. It talks over a socket, a line of JSON a message, because pytest captures
standard output.

pytest-benchmark's fixture stays what it is: only the two methods that call the timed function, ``_raw`` and
``_raw_pedantic``, are replaced. So decorators, ``weave``, markers, ``timer``, ``extra_info`` and ``stats`` work as
ever.
"""

import atexit
import ctypes
import functools
import gc
import hashlib
import importlib
import importlib.abc
import importlib.util
import itertools
import json
import math
import os
import random
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

Message = dict[str, Any]
TEXT_END = 600
"""Characters of an error that are passed on."""
MOST_PARTS = 20_000
"""Parts of a result that are looked at."""
MOST_NUMBERS = 2_000
"""Numbers of a result that are passed on; of more, as many spread evenly."""
OPTIONS_OF_A_SUITE: dict[str, Any] = {
    "numprocesses": None,
    "dist": "no",
    "tx": [],
    "looponfail": False,
    "benchmark_skip": False,
    "benchmark_only": False,
    "benchmark_disable": False,
    "benchmark_enable": True,
    "benchmark_json": None,
    "benchmark_autosave": False,
    "benchmark_save": None,
    "benchmark_compare": None,
    "benchmark_compare_fail": None,
    "benchmark_cprofile": None,
    "codspeed": False,
    "timeout": None,
    "maxfail": 0,
    "lf": False,
    "failedfirst": False,
    "newfirst": False,
    "stepwise": False,
    "continue_on_collection_errors": True,
    "reruns": 0,
    "count": 1,
}
"""What a suite's own ``addopts`` may have set, and what is right here."""
MARKS_LEFT_OUT = ("timeout", "flaky")
"""A worker that waits for its turn is not late."""
PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "ctypes.dlopen")
"""Audit events after which not all that was read is known."""


class Gate:
    """The other end of the socket, and what is known of the test that runs."""

    def __init__(self, descriptor: int, environment: dict[str, str]) -> None:
        os.set_inheritable(descriptor, False)
        self._socket = descriptor
        self._waiting = b""
        self.tree = Path(environment["FASTSYM_GATE_TREE"])
        self.seed = int(environment["FASTSYM_GATE_SEED"])
        self.broken: dict[str, str] = {}
        self.files = Files(self.tree) if environment.get("FASTSYM_GATE_WATCH") else None
        self.kernels = Kernels()
        self.untimed: set[str] = set()
        self.test: str | None = None
        self.session: pytest.Session | None = None
        self.used = self.stats_read = self.real = self.dismissed = False
        self.failed: tuple[str, str] | None = None

    def say(self, **message: Any) -> None:
        """Send a message."""
        data = (json.dumps(message) + "\n").encode()
        while data:
            data = data[os.write(self._socket, data) :]

    def hear(self) -> Message:
        """Wait for the gate's next message; without a gate, end."""
        while b"\n" not in self._waiting:
            more = os.read(self._socket, 65536)
            if not more:
                os.killpg(0, signal.SIGKILL)
            self._waiting += more
        line, _, self._waiting = self._waiting.partition(b"\n")
        answer: Message = json.loads(line)
        return answer

    def stop(self) -> None:
        """Leave out this test and all after it."""
        if self.session is not None:
            self.session.shouldstop = "the gate has no time for more"
        pytest.skip("no time")

    def begin(self, item: pytest.Item) -> None:
        """Forget the test before."""
        self.session = item.session
        self.test, self.used, self.stats_read, self.real, self.failed = item.nodeid, False, False, False, None
        self.seed_everything()

    def seed_everything(self) -> None:
        """Let all sides draw the same random numbers."""
        random.seed(self.seed)
        numpy = sys.modules.get("numpy")
        if numpy is not None and hasattr(numpy, "random"):
            numpy.random.seed(self.seed % 2**32)


def end_with(gate_process: int) -> None:
    """Let the system end this process when the gate's ends, even in the middle of a compilation (Linux)."""
    if sys.platform == "linux":
        set_death_signal = 1
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
        if os.getppid() != gate_process:
            os.kill(os.getpid(), signal.SIGKILL)


class Files:
    """Which files of the checkout this process has opened, and whether it has started programs."""

    def __init__(self, tree: Path) -> None:
        self._root = str(tree) + os.sep
        self.opened: set[str] = set()
        self.programs = False
        self.during: Callable[[], bool] = lambda: False
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path = arguments[0]
            if isinstance(path, bytes):
                path = os.fsdecode(path)
            if isinstance(path, str):
                path = os.path.abspath(path)
                if path.startswith(self._root):
                    self.opened.add(_source(path[len(self._root) :]))
        elif event in PROGRAMS and self.during():
            self.programs = True

    def known(self) -> list[str]:
        """List the files, those of modules included, relative to the checkout."""
        paths = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
        loaded = {os.path.abspath(path) for path in paths if isinstance(path, str)}
        inside = {_source(path[len(self._root) :]) for path in loaded if path.startswith(self._root)}
        return sorted(self.opened | inside)


def _source(path: str) -> str:
    """Name the source file of a bytecode file."""
    folder, _, name = path.rpartition("/")
    if name.endswith(".pyc") and folder.rpartition("/")[2] == "__pycache__":
        return f"{folder.rpartition('/')[0]}/{name.partition('.')[0]}.py".lstrip("/")
    return path


class Kernels(importlib.abc.MetaPathFinder):
    """Watches for Numba, whose universal functions leave no dispatcher behind to ask for their machine code."""

    MODULE = "numba.np.ufunc.ufuncbuilder"

    def __init__(self) -> None:
        self.universal: list[Any] = []
        self._fingerprints: Any = None

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:  # noqa: ARG002 the protocol's signature
        """Find that one module, and note each dispatcher that it makes."""
        if name != self.MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: types.ModuleType) -> None:
            execute(module)
            dispatcher = module.UFuncDispatcher
            begin = dispatcher.__init__

            @functools.wraps(begin)
            def noted(made: Any, *args: Any, **kwargs: Any) -> None:
                begin(made, *args, **kwargs)
                self.universal.append(made)

            dispatcher.__init__ = noted

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec

    def fingerprints(self, assembly: str, tree: Path) -> Message:
        """Describe the machine code of the checkout's kernels; None as long as nothing was compiled since."""
        if "numba.core.dispatcher" not in sys.modules:
            return {"fingerprints": None}
        if self._fingerprints is None:
            rooms = [os.path.dirname(assembly)]
            spec = importlib.util.spec_from_file_location(
                "fastsym_gate_assembly", assembly, submodule_search_locations=rooms
            )
            if spec is None or spec.loader is None:
                return {"fingerprints": None, "error": f"{assembly} cannot be loaded"}
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module  # its rooms are imported relatively to it
            spec.loader.exec_module(module)
            self._fingerprints = module.Fingerprints(str(tree), self.universal)
        return {"fingerprints": self._fingerprints.take()}


# What a call returns


class Result:
    """What a call has returned, as far as two processes can compare it."""

    def __init__(self, value: object) -> None:
        self._digest = hashlib.sha256()
        self._numbers: list[float] = []
        self._parts = 0
        self.comparable = True
        try:
            self._walk(value, 0)
        except Exception:  # the project's own objects may do anything
            self.comparable = False

    def message(self) -> Message | None:
        """Pass it on: a hash of all that is no number, and the numbers."""
        if not self.comparable:
            return None
        step = max(1, len(self._numbers) // MOST_NUMBERS)
        numbers = self._numbers[::step]
        return {
            "digest": self._digest.hexdigest(),
            "count": len(self._numbers),
            "numbers": [x if math.isfinite(x) else str(x) for x in numbers],
        }

    def _walk(self, value: Any, depth: int) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS or depth > 50:
            self.comparable = False
            return
        if isinstance(value, bool) or value is None:
            self._note(repr(value))
        elif isinstance(value, float):
            self._numbers.append(float(value))
        elif isinstance(value, int | complex):
            self._note(f"{type(value).__name__} {value!r}")
        elif isinstance(value, str | bytes | bytearray):
            self._note(type(value).__name__)
            self._digest.update(value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value)
        elif isinstance(value, dict):
            self._note(f"{type(value).__name__} {len(value)}")
            for key, item in value.items():
                self._walk(key, depth + 1)
                self._walk(item, depth + 1)
        elif isinstance(value, list | tuple):
            self._note(f"{type(value).__name__} {len(value)}")
            for item in value:
                self._walk(item, depth + 1)
        elif isinstance(value, set | frozenset):
            self._note(f"{type(value).__name__} {len(value)}")
            self._note(str(sorted(map(repr, value))))
        elif type(value).__module__ == "numpy" and hasattr(value, "dtype"):
            self._array(value)
        elif callable(value) or isinstance(value, Iterator | types.ModuleType):
            self._note(type(value).__qualname__)
        elif hasattr(value, "__dict__"):
            self._note(type(value).__qualname__)
            self._walk(vars(value), depth + 1)
        else:
            self._note(type(value).__qualname__)

    def _array(self, value: Any) -> None:
        self._note(f"{value.dtype} {value.shape}")
        if value.dtype.kind == "f":
            self._numbers += value.astype(float).ravel().tolist()[: 10 * MOST_PARTS]
        elif value.dtype.kind == "O":
            self._walk(value.tolist(), 1)
        else:
            self._digest.update(value.tobytes())

    def _note(self, text: str) -> None:
        self._digest.update(text.encode("utf-8", "surrogatepass") + b"\0")


# Timing


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

    def message(self) -> Message:
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


# The fixture


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


# pytest's hooks

_GATE: Gate | None = None


def current() -> Gate:
    """Return the gate's end; connected when pytest loads its plug-ins."""
    if _GATE is None:
        raise RuntimeError("gate: expected to be started by python -m fastsym.regression; got no socket; start that")
    return _GATE


def leave() -> None:
    """End at once, as the last of what runs at the exit: freeing all memory would take longer than many a benchmark."""
    if current().dismissed:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(0)


def connect() -> None:
    """Begin, as the first thing in this process."""
    global _GATE
    end_with(int(os.environ["FASTSYM_GATE_PROCESS"]))
    atexit.register(leave)
    _GATE = Gate(int(os.environ.pop("FASTSYM_GATE_SOCKET")), dict(os.environ))
    sys.meta_path.insert(0, _GATE.kernels)
    if _GATE.files is not None:
        _GATE.files.during = lambda: current().test is not None
    fixture = fixture_class()
    if fixture is not None:
        patch(fixture)
    _GATE.seed_everything()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Switch the measuring of coverage off."""
    early_config.known_args_namespace.no_cov = True


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Overrule what the suite's own options would do to a benchmark."""
    for name, value in (OPTIONS_OF_A_SUITE | {"randomly_seed": current().seed % 2**32}).items():
        if hasattr(config.option, name):
            setattr(config.option, name, value)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Note what cannot be collected."""
    if report.failed:
        current().broken[report.nodeid] = str(report.longrepr)[-TEXT_END:]


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, Any, Any]:
    """Tell the gate which benchmarks there are, and run those that it names, in its order."""
    result = yield
    gate = current()
    found = {item.nodeid: item for item in items if "benchmark" in getattr(item, "fixturenames", ())}
    versions = {
        name: getattr(sys.modules[name], "__version__", "unknown")
        for name in ("pytest", "pytest_benchmark", "numpy", "numba")
        if name in sys.modules
    }
    gate.say(
        collected=[[name, _class_of(item)] for name, item in found.items()],
        broken=gate.broken,
        versions={"python": sys.version.split()[0]} | versions,
        files=gate.files.known() if gate.files is not None else [],
    )
    asked = gate.hear()
    gate.untimed = set(asked["untimed"])
    items[:] = [found[name] for name in asked["run"]]
    for item in items:
        item.own_markers[:] = [mark for mark in item.own_markers if mark.name not in MARKS_LEFT_OUT]
    return result


def _class_of(item: pytest.Item) -> str:
    cls = getattr(item, "cls", None)
    return f"{item.nodeid.partition('::')[0]}::{cls.__qualname__}" if cls is not None else ""


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: Any) -> Generator[None, Any, Any]:
    """Put the substitute in the place of a fixture of that name that is not pytest-benchmark's."""
    value = yield
    if fixturedef.argname == "benchmark":
        fixture = fixture_class()
        if fixture is not None and isinstance(value, fixture):
            current().real = True
        elif not current().real:
            value = Substitute()
            fixturedef.cached_result = (value, fixturedef.cached_result[1], None)
    return value


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Tell the gate how a test ended."""
    gate = current()
    gate.begin(item)
    try:
        return (yield)
    finally:
        gate.test = None
        outcome, why = gate.failed or ("passed", "")
        gate.say(finished=item.nodeid, outcome=outcome, why=why, used=gate.used, stats_read=gate.stats_read)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note the first thing that went wrong with a test."""
    gate = current()
    if report.failed and (gate.failed is None or gate.failed[0] == "skipped"):
        gate.failed = "failed", f"{report.when}: {str(report.longrepr)[-TEXT_END:]}"
    elif report.skipped and gate.failed is None:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        gate.failed = "skipped", str(reason)[-TEXT_END:]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Tell the gate what was read, and answer what it still wants to know."""
    # Nobody reads the summary, and some plug-ins import all of themselves for it, which takes longer than the tests.
    vars(session.config.hook)["pytest_terminal_summary"] = lambda **_: []
    gate = current()
    programs = gate.files is not None and gate.files.programs
    files = gate.files.known() if gate.files is not None else []
    modules = {
        name: str(module.__file__)
        for name, module in list(sys.modules.items())
        if isinstance(getattr(module, "__file__", None), str) and not name.startswith("fastsym_gate_")
    }
    gate.say(end=int(exitstatus), files=files, programs=programs, modules=modules if gate.files is not None else {})
    while "bye" not in (asked := gate.hear()):
        gate.say(**gate.kernels.fingerprints(asked["fingerprint"], gate.tree))
    pin(asked["processors"])  # so that the sides do not wait for one another to end
    gate.dismissed = True


if "FASTSYM_GATE_SOCKET" in os.environ and threading.current_thread() is threading.main_thread():
    connect()
