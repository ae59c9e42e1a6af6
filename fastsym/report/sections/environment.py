"""Where and with what the report was made."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from fastsym.report.content import Section, Table
from fastsym.report.results import Results


def environment(results: Results) -> Section:
    """Processor, BLAS, threads, versions, revision and seeds."""
    settings = results.settings
    rows = [
        ("made", results.made.strftime("%Y-%m-%d %H:%M UTC")),
        *_flat(results.machine),
        ("seeds", f"{settings.seed} to {settings.seed + settings.seeds - 1}"),
    ]
    if settings.benchmark_json:
        rows.append(("timings read from", settings.benchmark_json.name))
    frame = pd.DataFrame(rows, columns=["what", "value"])
    return Section(
        "environment",
        "Environment",
        f"Made on {results.machine['cpu']} with {results.machine['cores']} cores.",
        (Table("environment", "What this report was made with", frame),),
    )


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value)
        else:
            yield key, "unknown" if value is None else str(value)
