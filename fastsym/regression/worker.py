"""One revision at work, in a process of its own: reads requests from standard input, answers on standard output.

A script that the gate starts once per revision and slot; a line of JSON is a request, and so is the answer. The
revision may be an old one, so only what has been public since the first release is used of it, and nothing of the gate.
"""

import gc
import importlib
import importlib.util
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

Answer = dict[str, Any]
LEARNING_RATE = 0.01
OUTPUT_END = 2000
"""Characters of an error that are passed on."""


class Worker:
    """What one process has loaded."""

    def __init__(self) -> None:
        self.fastsym: Any = None
        self.jobs: dict[str, Callable[[], Any]] = {}

    def load(self, tree: str) -> Answer:
        """Import fastsym, from the given checkout and no other."""
        self.fastsym = importlib.import_module("fastsym")
        file = Path(self.fastsym.__file__).resolve()
        if not file.is_relative_to(Path(tree).resolve()):
            raise ImportError(
                f"fastsym was imported from {file}, not from {tree}: another fastsym comes first on the path"
            )
        return {
            "version": str(getattr(self.fastsym, "__version__", "unknown")),
            "variants": list(self.fastsym.VARIANTS),
        }

    def certify(self, variant: str, dtype: str) -> Answer:
        """Check a variant against the truth that is stored with this revision, if it has such a check."""
        if importlib.util.find_spec("fastsym.agreement") is None:
            return {"certificate": None}
        certificate = importlib.import_module("fastsym.agreement").certify(variant, dtype)
        record = asdict(certificate) if is_dataclass(certificate) and not isinstance(certificate, type) else {}
        reasons = [str(reason) for reason in certificate.reasons]
        return {"certificate": {"passed": bool(certificate.passed), "reasons": reasons, "record": record}}

    def warm(self, name: str, variant: str, hidden: int, iterations: int, dtype: str) -> Answer:
        """Make a cell ready: the first call compiles it, or loads it from the cache."""
        data = self.fastsym.load_titanic()
        X, y = data.X.astype(dtype), data.y.astype(dtype)
        start = self.fastsym.initialise("normal", len(X), hidden)
        params = type(start)(*(a.astype(dtype) for a in start))

        def job() -> Any:
            return self.fastsym.train(X, y, params, iterations, LEARNING_RATE, variant)

        self.jobs[name] = job
        return {"threads": int(getattr(job(), "threads", 1))}

    def fingerprint(self, assembly: str) -> Answer:
        """Describe the machine code of all kernels that this process has compiled or loaded."""
        if "numba" not in sys.modules:
            return {"fingerprints": None}
        spec = importlib.util.spec_from_file_location("assembly_of_the_gate", assembly)
        if spec is None or spec.loader is None:
            raise ImportError(f"{assembly}: expected a Python file; got something else; repair the checkout")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
        return {"fingerprints": module.fingerprints()}

    def block(self, name: str, calls: int, cpus: list[int] | None) -> Answer:
        """Time so many calls of a cell in a row, on the given processors."""
        job = self.jobs[name]
        if cpus is not None and set(cpus) != os.sched_getaffinity(0):
            os.sched_setaffinity(0, cpus)
        with compilations() as compiling:
            begin = time.perf_counter()
            for _ in range(calls):
                job()
            seconds = time.perf_counter() - begin
        return {"seconds": seconds, "compiled": bool(compiling)}


@contextmanager
def compilations() -> Iterator[list[float]]:
    """Collect what Numba, if it is loaded at all, spends on compiling or loading from its cache."""
    spent: list[float] = []
    if "numba" not in sys.modules:
        yield spent
        return
    with importlib.import_module("numba.core.event").install_timer("numba:compiler_lock", spent.append):
        yield spent


def requests() -> Iterator[dict[str, Any]]:
    """Yield what the gate asks. A second thread reads, so that this process ends with the gate even while it works."""
    waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            waiting.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        yield waiting.get()


def main() -> None:
    """Answer requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the revision prints is no answer
    gc.disable()  # a collection would fall into one block and not into another
    worker = Worker()
    for request in requests():
        try:
            answer = getattr(worker, request.pop("do"))(**request)
        except Exception as error:  # the revision may fail in any way; the gate says how
            number = error.errno if isinstance(error, OSError) else None
            answer = {"failed": f"{type(error).__name__}: {error}"[-OUTPUT_END:], "errno": number}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
