"""Units that start equal, in the libraries that people train with: which of them keep the units equal.

Each framework is optional and runs in fresh processes, one for each setting of the environment and number of threads,
because BLAS and thread pools read their environment once. :func:`study` runs all that are installed.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import llvmlite.binding

from fastsym.experiments.article import CURVE_ITERATIONS
from fastsym.experiments.rounding.drift import Outcome
from fastsym.experiments.rounding.frameworks.child import Reply, Request
from fastsym.experiments.rounding.processes import call
from fastsym.model.datasets import Dataset

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["FRAMEWORKS", "WIDTHS", "Fates", "Framework", "study"]

WIDTHS = tuple(range(2, 18))
DTYPES = ("float64", "float32")
THREADS = (1, 2)
THREAD_VARIABLES = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
)
"""XLA has none; it makes as many threads as there are processors that it may use."""
OPENBLAS_SETTINGS = tuple(f"OPENBLAS_CORETYPE={name}" for name in ("Nehalem", "Sandybridge", "Haswell", "SkylakeX"))
"""Those of x86-64 whose kernels differ, as far as the OpenBLAS of NumPy's wheels has them."""


@dataclass(frozen=True)
class Framework:
    """A library that can train, and how to run it."""

    name: str
    package: str
    """The name by which it is imported."""
    project: str
    """The name by which it is installed."""
    module: str
    """The module, like those of this package, that has its programs."""
    settings: tuple[str, ...] = ("",)
    """Environment variables to try, each as ``NAME=value``, with the first number of threads; empty for none."""


def _own(name: str) -> str:
    return f"{__name__}.with_{name}"


FRAMEWORKS = (
    Framework("fastsym", "fastsym", "fastsym", _own("fastsym")),
    Framework("NumPy", "numpy", "numpy", _own("numpy"), ("", *OPENBLAS_SETTINGS)),
    Framework("PyTorch", "torch", "torch", _own("torch"), ("", "MKL_CBWR=COMPATIBLE")),
    Framework("JAX", "jax", "jax", _own("jax")),
    Framework("TensorFlow", "tensorflow", "tensorflow", _own("tensorflow")),
    Framework("scikit-learn", "sklearn", "scikit-learn", _own("sklearn")),
)


@dataclass(frozen=True)
class Fates:
    """What became of equal units in every framework that is installed."""

    trainings: "DataFrame"
    """One row for each training: framework, version, program, dtype, threads, setting, core_type (as the framework
    reports it), processor, and the fields of :class:`fastsym.experiments.rounding.drift.Outcome` from ``hidden`` on."""
    operations: "DataFrame"
    """One row for each operation on equal units: framework, version, operation, dtype, threads, setting, core_type,
    processor, hidden, and the classes of equal rows of the result."""
    missing: tuple[str, ...]
    """Frameworks that are not installed."""
    refused: tuple[str, ...]
    """Frameworks with a setting that has no effect, or with which they crash."""


def study(
    data: Dataset,
    frameworks: Sequence[Framework] = FRAMEWORKS,
    widths: Sequence[int] = WIDTHS,
    dtypes: Sequence[str] = DTYPES,
    threads: Sequence[int] = THREADS,
    iterations: int = CURVE_ITERATIONS,
    tell: Callable[[float, str], None] = lambda _fraction, _doing: None,
    save: Callable[["Fates"], None] = lambda _fates: None,
) -> Fates:
    """Train equal units in every framework that is installed, one fresh process after the other.

    Every weight starts at :data:`fastsym.experiments.rounding.drift.EQUAL_WEIGHT`; the learning rate of gradient
    descent is :data:`fastsym.experiments.article.STANDARDISED_LEARNING_RATE`.

    Parameters
    ----------
    data
        Features and labels.
    frameworks
        Those to try; the ones that are not installed are skipped.
    widths, dtypes, threads
        Hidden widths, names of float types and numbers of threads.
    iterations
        Number of updates.
    tell
        Called with the fraction done and what runs now.
    save
        Called after each process with what is known so far, so that an interruption loses little.

    Raises
    ------
    RuntimeError
        If a child process fails for another reason than its setting.
    """
    import pandas as pd  # here, because it costs more to import than all of fastsym

    runs = [
        (framework, setting, count)
        for framework in frameworks
        if find_spec(framework.package)
        for setting in framework.settings
        for count in (threads[:1] if setting else threads)
    ]
    trainings: list[dict[str, object]] = []
    operations: list[dict[str, object]] = []
    refused: list[str] = []
    missing = tuple(framework.name for framework in frameworks if not find_spec(framework.package))

    def so_far() -> Fates:
        return Fates(pd.DataFrame(trainings), pd.DataFrame(operations), missing, tuple(dict.fromkeys(refused)))

    for done, (framework, setting, count) in enumerate(runs):
        label = f"{framework.name} {setting}".strip()
        tell(done / len(runs), f"{label}, {count} thread{'s' * (count > 1)}")
        name, _, value = setting.partition("=")
        environment: dict[str, str | None] = {variable: str(count) for variable in THREAD_VARIABLES}
        environment |= {"OPENBLAS_CORETYPE": None} | ({name: value} if name else {})
        request = Request(framework.module, setting, count, data, tuple(widths), tuple(dtypes), iterations)
        reply: Reply | None = call(f"{__name__}.child:answer", request, environment)
        if reply is None:
            if not setting:
                raise RuntimeError(f"{label}: expected an answer; got none: a signal ended its process")
            refused.append(label)
            continue
        key = {
            "framework": framework.name,
            "version": reply.version,
            "threads": count,
            "setting": setting,
            "core_type": reply.core_type,
            "processor": llvmlite.binding.get_host_cpu_name(),
        }
        trainings += [key | {"program": outcome.arithmetic} | _fields(outcome) for outcome in reply.outcomes]
        columns = ("operation", "dtype", "hidden", "classes")
        operations += [key | dict(zip(columns, product, strict=True)) for product in reply.products]
        save(so_far())
    tell(1.0, "done")
    return so_far()


def _fields(outcome: Outcome) -> dict[str, object]:
    left_out = ("arithmetic", "core_type", "drift")
    return {name: value for name, value in asdict(outcome).items() if name not in left_out}


def conclusions(fates: Fates) -> list[str]:
    """Return one sentence for each program of a framework, and which frameworks and settings are left out."""
    lines = []
    for (version, program), rows in fates.trainings.groupby(["version", "program"], sort=False):
        split = rows[rows["first_split"].notna()]
        widths = sorted(split["hidden"].unique())
        where = f"; at H = {', '.join(map(str, widths))}" if widths else ""
        lines.append(f"{version}, {program}: units differ at the end of {len(split)} of {len(rows)} trainings{where}.")
    lines += [f"{name}: not installed; pip install it to include it." for name in fates.missing]
    lines += [f"{name}: this setting does not work here." for name in fates.refused]
    return lines
