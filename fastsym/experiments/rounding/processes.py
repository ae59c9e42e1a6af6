"""A fresh process for each OpenBLAS core type: OPENBLAS_CORETYPE is read once, when the library is loaded."""

import os
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastsym._console import run_child
from fastsym.experiments.rounding.drift import Outcome, observe
from fastsym.model.datasets import Dataset

Job = tuple[str, int, int, float, float, str]
"""Arguments of :func:`observe` after the data, without the core type."""


class Reply(NamedTuple):
    """The answer of a child process."""

    kind: str
    version: str
    architecture: str
    """As :func:`numpy_blas` returns it."""
    outcomes: list[Outcome]
    """Empty if the BLAS did not accept the core type that it was given."""


def numpy_blas() -> tuple[str, str, str]:
    """Return kind, version and architecture of NumPy's BLAS in this process; the last two may be empty."""
    from threadpoolctl import threadpool_info  # here, because only this needs it

    for library in threadpool_info():
        if library["user_api"] == "blas" and "scipy.libs" not in library["filepath"]:
            return library["internal_api"], str(library["version"]), str(library.get("architecture", ""))
    config: Any = np.show_config(mode="dicts")
    return str(config["Build Dependencies"]["blas"]["name"]), "", ""


def answer() -> None:
    """Do a child process's work: run the jobs of :func:`ask`."""
    jobs: list[Job]
    with answering() as (request, reply):
        asked, data, jobs = request
        kind, version, architecture = numpy_blas()
        accepted = asked is None or architecture.lower() == asked.lower()
        core_type = architecture if kind == "openblas" else ""
        outcomes = [observe(data, *job, core_type=core_type) for job in jobs] if accepted else []
        reply(Reply(kind, version, architecture, outcomes))


def ask(core_type: str | None, data: Dataset, jobs: Sequence[Job]) -> Reply | None:
    """Run jobs in a fresh process under one core type; None if it crashed, for example by an illegal instruction."""
    environment = {"OPENBLAS_NUM_THREADS": "1", "OPENBLAS_CORETYPE": core_type}
    reply: Reply | None = call(f"{__name__}:answer", (core_type, data, list(jobs)), environment)
    if reply is None and core_type is None:
        raise RuntimeError("a child process of the rounding experiment was killed by a signal, without a core type")
    return reply


@contextmanager
def answering() -> Iterator[tuple[Any, Callable[[Any], None]]]:
    """Give a child process the request of :func:`call`, and the function that sends the answer."""
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what a library prints must not get into the answer
        yield pickle.load(sys.stdin.buffer), lambda reply: pickle.dump(reply, answers)  # from our own parent


def call(function: str, request: object, environment: Mapping[str, str | None]) -> Any:
    """Run a function in a fresh process.

    Parameters
    ----------
    function
        ``module:name``; it reads the request and answers it by :func:`answering`.
    request
        Anything that can be pickled.
    environment
        Environment variables to set, or to leave out where the value is None.

    Returns
    -------
    object
        What it answered; None if a signal ended it, as an illegal instruction does.

    Raises
    ------
    RuntimeError
        If it failed in another way.
    """
    package_parent = str(Path(__file__).parents[3])
    path = os.pathsep.join(filter(None, [package_parent, os.environ.get("PYTHONPATH")]))
    wanted = {**os.environ, "PYTHONPATH": path, **environment}
    module, name = function.split(":")
    status, out, err = run_child(
        [sys.executable, "-c", f"from {module} import {name}; {name}()"],
        pickle.dumps(request),
        {key: value for key, value in wanted.items() if value is not None},
    )
    if status < 0:
        return None
    if status != 0:
        raise RuntimeError(
            f"a child process of the rounding experiment failed with exit code {status}: "
            f"{err.decode(errors='replace')[-2000:]}"
        )
    return pickle.loads(out)  # from our own child
