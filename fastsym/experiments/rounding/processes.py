"""A fresh process for each OpenBLAS core type: OPENBLAS_CORETYPE is read once, when the library is loaded."""

import os
import pickle
import sys
from collections.abc import Sequence
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
    """Do a child process's work: read a request from standard input, write the outcomes to standard output."""
    jobs: list[Job]
    asked, data, jobs = pickle.load(sys.stdin.buffer)  # from our own parent
    kind, version, architecture = numpy_blas()
    accepted = asked is None or architecture.lower() == asked.lower()
    core_type = architecture if kind == "openblas" else ""
    outcomes = [observe(data, *job, core_type=core_type) for job in jobs] if accepted else []
    pickle.dump(Reply(kind, version, architecture, outcomes), sys.stdout.buffer)


def ask(core_type: str | None, data: Dataset, jobs: Sequence[Job]) -> Reply | None:
    """Run jobs in a fresh process under one core type; None if it crashed, for example by an illegal instruction."""
    package_parent = str(Path(__file__).parents[3])
    environment = os.environ | {
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, [package_parent, os.environ.get("PYTHONPATH")])),
    }
    environment.pop("OPENBLAS_CORETYPE", None)
    if core_type is not None:
        environment["OPENBLAS_CORETYPE"] = core_type
    status, out, err = run_child(
        [sys.executable, "-c", "from fastsym.experiments.rounding.processes import answer; answer()"],
        pickle.dumps((core_type, data, list(jobs))),
        environment,
    )
    if status < 0 and core_type is not None:
        return None
    if status != 0:
        raise RuntimeError(
            f"a child process of the rounding experiment failed with exit code {status}: "
            f"{err.decode(errors='replace')[-2000:]}"
        )
    reply: Reply = pickle.loads(out)  # from our own child
    return reply
