"""What was measured in sessions of its own and lies in a checkout's ``reports/``; an installed package has none."""

from pathlib import Path

import pandas as pd

from fastsym.timing.saved_runs import UnreadableRunError

ROOT = Path(__file__).parents[2]
OTHER_SYSTEMS = Path("reports/performance.csv")
GATE = Path("reports/gate/rates.csv")
FRAMEWORKS = Path("reports/rounding-frameworks.csv")

OTHER_SYSTEMS_COLUMNS = ("hidden", "system", "threads", "yardstick", "ratio", "low", "high")
GATE_COLUMNS = (
    *("suite", "condition", "slowdown_nominal", "slowdown_actual", "decisions", "detected", "false_alarms"),
    *("cannot_judge", "rate", "low", "high"),
)
FRAMEWORKS_COLUMNS = (
    *("framework", "version", "threads", "setting", "processor", "program", "dtype", "hidden", "classes"),
    *("final_cost", "first_split"),
)
YARDSTICKS = {1: "simd", 2: "parallel"}
"""Threads -> the variant that systems with as many are compared with."""


def read_other_systems(root: Path = ROOT) -> pd.DataFrame | None:
    """Read how much longer other systems take, as :mod:`bench.compare` saved it.

    Parameters
    ----------
    root
        Of a checkout.

    Returns
    -------
    pandas.DataFrame or None
        Columns hidden, system, threads, yardstick (our variant on as many threads), ratio (of the system's time to the
        yardstick's, in one session), low, high (95 % interval). None if there is no such file.

    Raises
    ------
    UnreadableRunError
        If the file is there and something is missing in it.
    """
    found = _read(root, OTHER_SYSTEMS, OTHER_SYSTEMS_COLUMNS, "python -m bench.compare")
    if found is None:
        return None
    numbers = found[["ratio", "low", "high"]].apply(pd.to_numeric, errors="coerce")
    if numbers.isna().to_numpy().any():
        raise UnreadableRunError(
            f"{OTHER_SYSTEMS}: expected numbers as ratio, low and high; got others; make the file again"
        )
    alike = found[found["yardstick"] == found["threads"].map(YARDSTICKS)]
    return alike.loc[:, list(OTHER_SYSTEMS_COLUMNS)].sort_values("threads", kind="stable", ignore_index=True)


def read_gate(root: Path = ROOT) -> pd.DataFrame | None:
    """Read the gate's error rates, as :mod:`bench.gate_study` saved them.

    Parameters
    ----------
    root
        Of a checkout.

    Returns
    -------
    pandas.DataFrame or None
        At least :data:`GATE_COLUMNS`. None if there is no such file.

    Raises
    ------
    UnreadableRunError
        If the file is there and something is missing in it.
    """
    return _read(root, GATE, GATE_COLUMNS, "python -m bench.gate_study table")


def read_frameworks(root: Path = ROOT) -> pd.DataFrame | None:
    """Read what became of equal units in other libraries, as ``fastsym.experiments.rounding --frameworks`` saved it.

    Parameters
    ----------
    root
        Of a checkout.

    Returns
    -------
    pandas.DataFrame or None
        At least :data:`FRAMEWORKS_COLUMNS`. None if there is no such file.

    Raises
    ------
    UnreadableRunError
        If the file is there and something is missing in it.
    """
    return _read(root, FRAMEWORKS, FRAMEWORKS_COLUMNS, "python -m fastsym.experiments.rounding --frameworks")


def _read(root: Path, file: Path, columns: tuple[str, ...], command: str) -> pd.DataFrame | None:
    # Without the package's own build file beside it, a folder of that name is somebody else's.
    if not (root / "pyproject.toml").is_file() or not (root / file).is_file():
        return None
    table = pd.read_csv(root / file)
    missing = [name for name in columns if name not in table]
    if missing or table.empty:
        raise UnreadableRunError(
            f"{file}: expected rows with the columns {', '.join(columns)}; got {len(table)} rows without "
            f"{', '.join(missing) or 'any number'}; make it again with {command}, or delete it"
        )
    return table
