"""The figure of all frameworks: in how many classes of equal units each training ends."""

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

if TYPE_CHECKING:
    from pandas import DataFrame

EQUAL, APART = "#59636e", "#d55e00"
"""Colours of the report's palette, which has a counterpart for a dark page."""
SHORT = {
    **dict.fromkeys(("reference", "parallel", "MLPClassifier"), ""),
    "Dense": "with Keras Dense",
    "matrices by hand": "by hand",
    "MKL_CBWR=COMPATIBLE": "MKL for any x86-64",
    **{f"OPENBLAS_CORETYPE={name}": f"for {name}" for name in ("Nehalem", "Sandybridge", "Haswell", "SkylakeX")},
}
"""What a label says of a program or a setting, where its own name would be too long."""
ROW_INCHES = 0.24
"""Height of one line."""


def figure_table(trainings: "DataFrame") -> "DataFrame":
    """Return what :func:`draw` shows: one row for each training, with a label and the number of classes.

    Parameters
    ----------
    trainings
        As :class:`fastsym.experiments.rounding.frameworks.Fates` or the recorded CSV has them. Trainings on more
        threads are left out where all of them end in the same classes as on the fewest threads, and those with a
        setting where all of them end with the same costs as without.
    """
    table = trainings.assign(setting=trainings["setting"].astype(object).fillna(""))
    keys = ["framework", "program", "dtype", "setting"]
    table["count"] = table["classes"].map(count_letters)
    kept: list[DataFrame] = []
    ends: dict[tuple[str, str, str], list[float]] = {}
    for key, rows in table.groupby(keys, sort=False):
        framework, program, dtype, setting = map(str, key)
        name, _, optimiser = program.rpartition(", ")
        words = (SHORT.get(name, name), "Adam" if optimiser == "Adam" else "", dtype, SHORT.get(setting, setting))
        label = ", ".join([f"{framework} {words[0]}".strip(), *filter(None, words[1:])])
        fewest = rows[rows["threads"] == rows["threads"].min()]
        end = list(fewest["final_cost"])
        if setting and end == ends.get((framework, program, dtype)):
            continue  # it is what the library chooses by itself
        ends.setdefault((framework, program, dtype), end)
        kept.append(fewest.assign(label=label))
        for threads, others in rows.groupby("threads"):
            if threads != rows["threads"].min() and list(others["classes"]) != list(fewest["classes"]):
                kept.append(others.assign(label=f"{label}, {threads} threads"))
    return _joined(kept)[["label", "hidden", "classes", "count", "final_cost", "first_split", "version", "processor"]]


def count_letters(classes: str) -> int:
    """Return how many classes a text such as AAB, or numbers if there are many, names."""
    return len(set(classes.split() if " " in classes else classes))


def _joined(frames: list["DataFrame"]) -> "DataFrame":
    import pandas as pd  # here, because it costs more to import than all of fastsym

    return pd.concat(frames, ignore_index=True)


def height_inches(table: "DataFrame") -> float:
    """Return the height at which the lines of a :func:`figure_table` have room."""
    return 0.8 + ROW_INCHES * table["label"].nunique()


def draw(figure: Figure, table: "DataFrame") -> None:
    """Draw a :func:`figure_table`: a dot where all units end equal, else the number of classes in a square."""
    axes = figure.subplots()
    widths = sorted(table["hidden"].unique())
    labels = list(table["label"].unique())
    place = table["label"].map(labels.index)
    apart = table["count"] > 1
    equal = table[~apart]
    axes.plot(equal["hidden"], place[~apart], color=EQUAL, linestyle="none", marker=".", label="all units equal")
    axes.plot(
        table.loc[apart, "hidden"],
        place[apart],
        color=APART,
        linestyle="none",
        marker="s",
        markersize=9,
        markerfacecolor="none",
        label="units differ: number of classes",
    )
    for hidden, row, count in zip(table["hidden"], place, table["count"], strict=True):
        if count > 1:
            axes.text(hidden, row, str(count), ha="center", va="center_baseline", fontsize=7)
    axes.set_yticks(range(len(labels)), labels, fontsize=7)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_xticks(widths, list(map(str, widths)), fontsize=7)
    axes.set_xlim(table["hidden"].min() - 0.5, table["hidden"].max() + 0.5)
    axes.set_xlabel("hidden width H")
    axes.grid(visible=False)
    figure.legend(loc="outside lower center", ncols=2)
