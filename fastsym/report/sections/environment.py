"""Where and with what the report was made."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from fastsym import __version__
from fastsym.report.content import Section, Table
from fastsym.report.study import Context, Study

NAMES = {
    "cpu": "processor",
    "target": "target of LLVM",
    "cores": "cores",
    "blas": "BLAS of NumPy",
    "threads": "threads of Numba",
    "revision": "git revision",
}


def render(machine: Mapping[str, Any], context: Context) -> Section:
    """Processor, BLAS, threads, versions, revision and seeds."""
    settings = context.settings
    seeds = (
        f"random starts {settings.seed} to {settings.seed + settings.seeds - 1}; claims 0 to {settings.claim_seeds - 1}"
    )
    rows = [
        ("made", context.made.strftime("%Y-%m-%d %H:%M UTC")),
        ("fastsym", __version__),
        *((NAMES.get(name, name), value) for name, value in _flat(machine)),
        ("seeds", seeds),
    ]
    if settings.benchmark_json:
        rows.append(("timings read from", settings.benchmark_json.name))
    frame = pd.DataFrame(rows, columns=["what", "value"])
    return Section(
        "environment",
        "Environment",
        f"Made on {machine['cpu']} with {machine['cores']} cores.",
        (Table("environment", "What this report was made with", frame, wraps=("value",)),),
    )


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value)
        else:
            yield key, "unknown" if value is None else str(value)


STUDY = Study("environment", 190, lambda context: context.machine, render)
