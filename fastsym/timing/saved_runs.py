"""Saved benchmark runs as tidy tables.

A run saved by ``pytest bench/ --benchmark-json FILE`` becomes one row per benchmark, or one row per timed round.
What a row needs and the file lacks is an error, never a gap in the table.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastsym.timing.machine import machine_name

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("variant", "peer")
"""What a training benchmark may measure: one of fastsym's variants, or another system."""

COLUMNS = (
    "variant",
    "hidden",
    "iterations",
    "dtype",
    "threads",
    "seconds",
    "seconds_per_iteration",
    "rounds",
    "machine",
)
"""Columns that every table of training times has, measured here or read from a file. ``seconds`` is the median time
of a whole training call; ``rounds`` says how often it was timed."""


class UnreadableRunError(ValueError):
    """A file is not a saved run of ``bench/``, or something is missing in it."""


def read_benchmark_json(path: str | Path) -> "pd.DataFrame":
    """Read the training benchmarks of a saved run.

    Parameters
    ----------
    path
        A file written by ``pytest bench/ --benchmark-json FILE``.

    Returns
    -------
    pandas.DataFrame
        One row per benchmark, in the file's order: :data:`COLUMNS`, then ``name`` (the benchmark's node id),
        ``kind`` (of :data:`KINDS`), ``compile_seconds``, ``worst_error`` (of the certificate, in units of its
        bound), and ``speedup`` over the reference: the median of the ratios of interleaved rounds.

    Raises
    ------
    UnreadableRunError
        If the file is no such run or lacks something.
    """
    import pandas as pd

    rounds = read_rounds(path)
    machine = machine_name(read_machine(path))
    rows = []
    for _, group in rounds.groupby("name", sort=False):
        first = group.iloc[0]
        seconds = float(group["seconds"].median())
        row = {
            **{column: first[column] for column in ("variant", "hidden", "iterations", "dtype", "threads")},
            "seconds": seconds,
            "seconds_per_iteration": seconds / first["iterations"],
            "rounds": len(group),
            "machine": machine,
            **{column: first[column] for column in ("name", "kind", "compile_seconds", "worst_error")},
            "speedup": float(group["speedup"].median()),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def read_rounds(path: str | Path) -> "pd.DataFrame":
    """Read every timed round of the training benchmarks of a saved run.

    Parameters
    ----------
    path
        As for :func:`read_benchmark_json`.

    Returns
    -------
    pandas.DataFrame
        One row per round: ``name``, ``kind``, ``variant``, ``hidden``, ``iterations``, ``dtype``, ``threads``,
        ``compile_seconds``, ``worst_error``, ``round``, ``seconds``, and ``speedup``: the reference's time for as
        many iterations, timed right before or after, divided by ``seconds``.

    Raises
    ------
    UnreadableRunError
        As for :func:`read_benchmark_json`.
    """
    import pandas as pd  # here, because the gate, which knows these files, is quick to start

    run = _read(path)
    rows: list[dict[str, Any]] = []
    seen = set()
    for benchmark in _get(run, "benchmarks", list, str(path)):
        name = _get(benchmark, "fullname", str, f"{path}: a benchmark")
        where = f"{path}: {name}"
        info = _get(benchmark, "extra_info", dict, where)
        if info.get("kind") not in KINDS:
            continue
        if name in seen:
            raise UnreadableRunError(f"{where}: expected one entry; got several; save the run again")
        seen.add(name)
        rows.extend(_rounds_of(benchmark, info, name, where))
    if not rows:
        raise UnreadableRunError(
            f"{path}: expected training benchmarks; got none; save them with pytest bench/ --benchmark-only "
            "--benchmark-json FILE"
        )
    return pd.DataFrame(rows)


def _rounds_of(benchmark: Any, info: Any, name: str, where: str) -> list[dict[str, Any]]:
    fixed = {
        "name": name,
        "kind": info["kind"],
        "variant": _get(info, "variant", str, where),
        "hidden": _get(info, "hidden", int, where),
        "iterations": _get(info, "iterations", int, where),
        "dtype": _get(info, "dtype", str, where),
        "threads": _get(info, "threads", int, where),
        "compile_seconds": _get(info, "compile_seconds", float, where),
        "worst_error": _get(info, "worst_error", float, where),
    }
    stats = _get(benchmark, "stats", dict, where)
    if "data" not in stats:  # as --benchmark-save and --benchmark-autosave leave it out
        raise UnreadableRunError(
            f"{where}: data: expected the time of every round; got none; save the run again with --benchmark-json "
            "FILE, or add --benchmark-save-data to --benchmark-save or --benchmark-autosave"
        )
    times = _get(stats, "data", list, where)
    references = _get(info, "reference_seconds", list, where)
    for label, values in (("data", times), ("reference_seconds", references)):
        if not values or not all(isinstance(value, float) and 0 < value < float("inf") for value in values):
            raise UnreadableRunError(f"{where}: {label}: expected positive seconds; got {values!r}; save the run again")
    if len(times) != len(references):
        raise UnreadableRunError(
            f"{where}: expected a reference time for each of {len(times)} rounds; got {len(references)}; "
            "save the run again"
        )
    share = fixed["iterations"] / _get(info, "reference_iterations", int, where)
    return [
        {**fixed, "round": i, "seconds": seconds, "speedup": share * reference / seconds}
        for i, (seconds, reference) in enumerate(zip(times, references, strict=True))
    ]


def read_machine(path: str | Path) -> dict[str, Any]:
    """Read the description of the machine that a saved run was made on.

    Parameters
    ----------
    path
        As for :func:`read_benchmark_json`.

    Returns
    -------
    dict
        As :func:`fastsym.timing.machine.describe_machine` made it.

    Raises
    ------
    UnreadableRunError
        As for :func:`read_benchmark_json`.
    """
    machine = _get(_get(_read(path), "machine_info", dict, str(path)), "fastsym", dict, str(path))
    for key, kind in (("cpu", str), ("cores", int), ("blas", str), ("versions", dict)):
        _get(machine, key, kind, f"{path}: machine_info.fastsym")
    return dict(machine)


def _read(path: str | Path) -> Any:
    advice = "pass a file written by pytest bench/ --benchmark-json FILE"
    try:
        run = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableRunError(f"{path}: expected a saved run; got {error.strerror}; {advice}") from error
    except ValueError as error:  # not JSON, or not even text
        raise UnreadableRunError(f"{path}: expected a saved run; got no JSON ({error}); {advice}") from error
    if not isinstance(run, dict):
        raise UnreadableRunError(f"{path}: expected a saved run; got {type(run).__name__}; {advice}")
    return run


def _get(mapping: Any, key: str, kind: type, where: str) -> Any:
    value = mapping.get(key) if isinstance(mapping, dict) else None
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise UnreadableRunError(f"{where}: {key}: expected {kind.__name__}; got {value!r}; save the run again")
    return value
