"""What docs/rounding.md quotes of ``reports/rounding-frameworks.csv`` and ``reports/rounding-operations.csv``.

Both are recorded by ``python -m fastsym.experiments.rounding --frameworks``.
"""

from pathlib import Path

import pandas as pd

from fastsym._console import markdown_row
from fastsym.experiments.rounding.frameworks.figure import count_letters, figure_table

LETTERED = range(2, 9)
"""Widths of which a table shows every class."""
EQUAL = "="


def _row(label: str, rows: pd.DataFrame, cells: pd.Series) -> str:
    apart = rows["classes"].map(count_letters) > 1
    wider = rows.loc[apart & (rows["hidden"] > LETTERED[-1]), "hidden"]
    shown = [cells[rows["hidden"] == hidden].iloc[0] if (rows["hidden"] == hidden).any() else "" for hidden in LETTERED]
    return markdown_row([label, *shown, ", ".join(map(str, wider)) or "none"])


def _header(first: str, widths: pd.Series) -> list[str]:
    heads = [first, *(f"H = {hidden}" for hidden in LETTERED), f"differ among {LETTERED[-1] + 1} to {widths.max()}"]
    return [markdown_row(heads), "|---" * len(heads) + "|"]


def fates(reports: Path) -> str:
    """Show the classes and the cost of every training by width, and where the units of wider nets separate."""
    table = figure_table(pd.read_csv(reports / "rounding-frameworks.csv"))
    apart = table["count"] > 1
    cells = (table["classes"] + " " + table["final_cost"].map("{:.4f}".format)).where(apart, EQUAL)
    lines = _header("program", table["hidden"])
    for label, rows in table.groupby("label", sort=False):
        lines.append(_row(str(label), rows, cells[rows.index]))
    adam = table["label"].str.contains("Adam")
    plain, other = (f"{kept.min():.4f} to {kept.max():.4f}" for kept in (_equal(table, ~adam), _equal(table, adam)))
    return "\n".join(lines) + f"\n\nWhere all units stay equal, the final cost is {plain}, and with Adam {other}.\n"


def _equal(table: pd.DataFrame, which: pd.Series) -> pd.Series:
    return table.loc[which & (table["count"] == 1), "final_cost"]


def growth(reports: Path) -> str:
    """Say when units first differ, and how near the measured growth comes to the prediction."""
    table = pd.read_csv(reports / "rounding-frameworks.csv")
    apart = table[table["first_split"].notna()]
    early = (apart["first_split"] <= 5).mean()
    known = apart[apart["growth_predicted"].notna()]
    error = (known["growth_measured"] / known["growth_predicted"] - 1).abs()
    return (
        f"Of {len(table)} trainings, units differ at the end of {len(apart)}; in {100 * early:.0f} % of these they "
        f"first differ after at most five updates, in the others after at most {int(apart['first_split'].max()):,}. "
        f"In {len(known)} of these trainings both differences were reached, and the logarithms of measured and "
        f"predicted growth differ by {100 * error.median():.2f} % in the median and by at most "
        f"{100 * error.max():.1f} %.\n"
    )


def operations(reports: Path) -> str:
    """Show which single operations treat the rows of equal units differently, on one thread, and in which classes."""
    table = pd.read_csv(reports / "rounding-operations.csv", keep_default_na=False)
    table = table[(table["threads"] == 1) & ~table["setting"].str.startswith("OPENBLAS")]
    lines = _header("operation", table["hidden"])
    alike = 0
    for key, rows in table.groupby(["framework", "operation", "dtype", "setting"], sort=False):
        framework, operation, dtype, setting = map(str, key)
        apart = rows["classes"].map(count_letters) > 1
        if not apart.any():
            alike += 1
            continue
        label = f"{framework}: {operation}, {dtype}" + (f", {setting}" if setting else "")
        lines.append(_row(label, rows, rows["classes"].where(apart, EQUAL)))
    return "\n".join(lines) + f"\n\n{alike} others (counting each type and setting) treat all units alike.\n"
