"""One side at work: a pytest plug-in that lets the gate decide when, and how often, each benchmark is called.

PYTEST_DONT_REWRITE

A process of ``python -m pytest -p fastsym_gate_worker``, one side of one triple. It is copied beside the checkouts and
loaded by its own name, so that it needs nothing but the standard library and pytest, and takes nothing of the
``fastsym`` that may be the code under test; its modules import each other relatively. It talks over a socket, a line of
JSON a message, because pytest captures standard output.

pytest-benchmark's fixture stays what it is: only the two methods that call the timed function, ``_raw`` and
``_raw_pedantic``, are replaced. So decorators, ``weave``, markers, ``timer``, ``extra_info`` and ``stats`` work as
ever.
"""

import os
import sys
import threading
from collections.abc import Generator
from typing import Any

import pytest

from .calls import pin
from .connection import connect, current
from .fixture import Substitute, fixture_class, patch

TEXT_END = 600
"""Characters of an error that are passed on."""
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


def _crash(longrepr: Any) -> str:
    """Say in a line what was raised, and where; pytest's own last line has the place and the kind of error only."""
    crash = getattr(longrepr, "reprcrash", None)
    if crash is None or not crash.message:
        return ""
    entries = getattr(getattr(longrepr, "reprtraceback", None), "reprentries", ())
    files = [each.reprfileloc for each in entries if getattr(each, "reprfileloc", None) is not None]
    # The last line of the project itself, for a library's own files say little.
    own = [file for file in files if not os.path.relpath(file.path).startswith(os.pardir)]
    place = own[-1] if own else crash
    return f"{crash.message.splitlines()[0]} ({os.path.relpath(place.path) if own else place.path}:{place.lineno})"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note the first thing that went wrong with a test."""
    gate = current()
    if report.failed and (gate.failed is None or gate.failed[0] == "skipped"):
        gate.failed = "failed", f"{report.when}: {str(report.longrepr)[-TEXT_END:]}\n{_crash(report.longrepr)}"
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
    if (benchmark := fixture_class()) is not None:
        patch(benchmark)
