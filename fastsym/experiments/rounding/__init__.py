"""Rounding breaks symmetry: which arithmetic keeps units equal that start equal.

A BLAS may add the last rows of a matrix product in another order than the rest. Units that start equal then receive
gradients that differ in the last bit, and the difference grows as :mod:`fastsym.experiments.curvature` predicts.
OpenBLAS chooses its kernels by the CPU, or by the environment variable OPENBLAS_CORETYPE. Loops that treat every unit
alike keep equal units equal, bit for bit. :func:`study` runs the experiment on any data.
"""

import os
import platform
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from fastsym.experiments.article import CURVE_ITERATIONS, STANDARDISED_LEARNING_RATE
from fastsym.experiments.rounding.drift import EQUAL_WEIGHT, Drift, Outcome, observe
from fastsym.experiments.rounding.processes import Job, ask
from fastsym.model.datasets import Dataset
from fastsym.training.registry import VARIANTS

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = [
    "CORE_TYPES",
    "QUICK_CORE_TYPES",
    "QUICK_WIDTHS",
    "WIDTHS",
    "Drift",
    "Outcome",
    "Rounding",
    "observe",
    "study",
]

X86_CORE_TYPES = (
    *("Sandybridge", "Haswell", "SkylakeX", "Nehalem", "Katmai", "Core2", "Penryn", "Dunnington", "Atom", "Barcelona"),
    *("Bobcat", "Bulldozer", "Piledriver", "Steamroller", "Excavator", "Zen", "Cooperlake", "SapphireRapids"),
)
"""The names that OpenBLAS reports, which may differ from those it accepts: for Prescott it reports Katmai."""
ARM_CORE_TYPES = ("ARMV8", "NEOVERSEN1", "NEOVERSEV1", "CORTEXA57", "NEOVERSEN2")
CORE_TYPES = X86_CORE_TYPES if platform.machine().lower() in ("x86_64", "amd64") else ARM_CORE_TYPES
"""Values of OPENBLAS_CORETYPE for this kind of CPU; trying them shows which work on this machine."""
QUICK_CORE_TYPES = CORE_TYPES[:2]
WIDTHS = tuple(range(1, 18))
QUICK_WIDTHS = (2, 3, 4, 5)
KERNEL_EVERY = 10
"""Updates between two checks of the units of our kernels, which have never separated."""
SAME_COST = 1e-6
"""Final costs closer than this count as equal: they differ by rounding alone."""
THROUGH_BLAS = ("reference", "numpy")
"""Variants whose results may depend on the BLAS."""


@dataclass(frozen=True)
class Rounding:
    """All outcomes, and the BLAS that made them."""

    blas: str
    """Name and version of NumPy's BLAS."""
    is_openblas: bool
    core_types: tuple[str, ...]
    """Core types that OpenBLAS accepted and this machine can run; the default comes first."""
    refused: tuple[str, ...]
    """Core types that did not run: unknown to this build of OpenBLAS, or not for this CPU."""
    iterations: int
    learning_rate: float
    scale: float
    outcomes: tuple[Outcome, ...]

    def table(self) -> "DataFrame":
        """Return one row for each outcome; the columns are the fields of :class:`Outcome` without the drift."""
        import pandas as pd  # here, because it costs more to import than all of fastsym

        return pd.DataFrame([asdict(outcome) for outcome in self.outcomes]).drop(columns="drift")

    def drifts(self) -> "DataFrame":
        """Return one row for each record of a drift: arithmetic, dtype, core_type, hidden and the fields of Drift."""
        import pandas as pd  # here, because it costs more to import than all of fastsym

        keys = ("arithmetic", "dtype", "core_type", "hidden")
        frames = [
            pd.DataFrame({key: getattr(outcome, key) for key in keys} | vars(outcome.drift))
            for outcome in self.outcomes
            if outcome.drift is not None
        ]
        columns = [*keys, *Drift.__dataclass_fields__]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)

    def conclusions(self) -> list[str]:
        """Return the sentences that follow from the outcomes."""
        own = [o for o in self.outcomes if o.arithmetic not in (*THROUGH_BLAS, "einsum")]
        blas = [o for o in self.outcomes if o.arithmetic == "reference" and o.dtype == "float64"]
        lines = [
            f"With our kernels, units differ at the end of {_count(own, _split)} trainings; "
            "with the reference through einsum, which adds in a fixed order, of "
            f"{_count([o for o in self.outcomes if o.arithmetic == 'einsum'], _split)}; "
            f"with the reference through {self.blas}, in float64, of {_count(blas, _split)}.",
        ]
        if not self.is_openblas:
            lines.append(
                f"NumPy uses {self.blas} here, not OpenBLAS: OPENBLAS_CORETYPE has no effect, so this run says nothing "
                "about core types."
            )
        elif len(self.core_types) < 2:
            lines.append("OpenBLAS accepted no second core type here, so this run says nothing about core types.")
        else:
            widths = sorted({o.hidden for o in blas})
            costs = {h: [o.final_cost for o in blas if o.hidden == h] for h in widths}
            differ = [h for h, values in costs.items() if not (max(values) - min(values) <= SAME_COST)]
            lines.append(
                f"Between the core types {', '.join(self.core_types)}, the final cost differs at "
                + (f"H = {', '.join(map(str, differ))}." if differ else "no width.")
            )
        return lines


def _split(outcome: Outcome) -> bool:
    return len(set(outcome.classes.split() if " " in outcome.classes else outcome.classes)) > 1


def _count(outcomes: Sequence[Outcome], condition: Callable[[Outcome], bool]) -> str:
    return f"{sum(map(condition, outcomes))} of {len(outcomes)}"


def study(
    data: Dataset,
    widths: Sequence[int] = WIDTHS,
    core_types: Sequence[str] = CORE_TYPES,
    kernel_dtypes: Sequence[str] = ("float64", "float32"),
    iterations: int = CURVE_ITERATIONS,
    learning_rate: float = STANDARDISED_LEARNING_RATE,
    scale: float = EQUAL_WEIGHT,
    tell: Callable[[float, str], None] = lambda _fraction, _doing: None,
) -> Rounding:
    """Run the experiment: every width in every arithmetic, and under every core type of OpenBLAS that works here.

    Parameters
    ----------
    data
        Features and labels; the report uses the standardised Titanic table.
    widths
        H of each training.
    core_types
        Values of OPENBLAS_CORETYPE to try.
    kernel_dtypes
        Float types to run our kernels in.
    iterations, learning_rate, scale
        As for :func:`observe`.
    tell
        Called with the fraction that is done, and what comes next.

    Raises
    ------
    RuntimeError
        If a child process fails for another reason than its core type.
    """

    def jobs(arithmetic: str, dtype: str) -> list[Job]:
        return [(arithmetic, hidden, iterations, learning_rate, scale, dtype) for hidden in widths]

    exact = jobs("reference", "float64")
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # child processes do the work; the threads only wait for them
        default = pool.submit(ask, None, data, exact)
        others = pool.submit(ask, None, data, [*jobs("reference", "float32"), *jobs("numpy", "float64")])
        forced = {core_type: pool.submit(ask, core_type, data, exact) for core_type in core_types}
        kernels = [name for name in VARIANTS if name not in THROUGH_BLAS]
        todo = [(job, 1) for job in jobs("einsum", "float64")] + [
            (job, KERNEL_EVERY) for kernel in kernels for dtype in kernel_dtypes for job in jobs(kernel, dtype)
        ]
        own: list[Outcome] = []
        for job, every in todo:
            tell(len(own) / (len(todo) + 1), f"{job[0]}, H = {job[1]}, {job[-1]}")
            own.append(observe(data, *job, record_every=every))
        tell(len(own) / (len(todo) + 1), "waiting for NumPy in other processes")
        first, rest = default.result(), others.result()
        answers = {core_type: f.result() for core_type, f in forced.items()}
    assert first is not None, "ask gives None only when a core type was forced"
    assert rest is not None
    is_openblas = first.kind == "openblas"
    if not is_openblas:
        answers = {}
    accepted = {name: reply for name, reply in answers.items() if reply is not None and reply.outcomes}
    others_of = {reply.architecture: reply for reply in accepted.values() if reply.architecture != first.architecture}
    return Rounding(
        f"{'OpenBLAS' if is_openblas else first.kind} {first.version}".strip(),
        is_openblas,
        (first.architecture, *others_of) if is_openblas else (),
        tuple(name for name in answers if name not in accepted),
        iterations,
        learning_rate,
        scale,
        (*first.outcomes, *rest.outcomes, *(o for reply in others_of.values() for o in reply.outcomes), *own),
    )
