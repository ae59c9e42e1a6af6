"""What a user's table holds."""

import numpy as np
import pandas as pd

from fastsym.report.content import Format, Section, Table, quoted
from fastsym.report.study import Context, Study

LARGE = 300
"""0.01 times this is where tanh is 0.995."""


def render(_: None, context: Context) -> Section | None:
    """Describe the columns; None for the Titanic table."""
    if context.own is None:
        return None
    data = context.own.data
    frame = pd.DataFrame(
        {
            "feature": data.feature_names,
            "lowest": data.X.min(axis=1),
            "mean": data.X.mean(axis=1),
            "highest": data.X.max(axis=1),
        }
    )
    reach = np.abs(data.X).max(axis=1)
    large = [quoted(name) for name, value in zip(data.feature_names, reach, strict=True) if value > LARGE]
    advice = (
        f"Values above {LARGE:g} saturate tanh even with a weight of 0.01, and the network then learns little. This "
        f"table has such values in {', '.join(large)}. Use --standardise to give every feature mean 0 and variance 1."
    )
    formats: dict[str, Format] = dict.fromkeys(("lowest", "mean", "highest"), ".4g")
    return Section(
        "your-table",
        "Your table",
        f"{len(data.y)} samples of {len(data.X)} features; {int(data.y.sum())} have the label 1.",
        (
            f"The file is {quoted(context.own.name)}, and the label is in column {quoted(context.own.target)}. The "
            "claims and the cost curves use the features as they are in this table. Results that are called "
            "standardised use the features with mean 0 and variance 1.",
            *([advice] if large else []),
            Table("your-columns", "Features, as trained on", frame, formats),
        ),
    )


STUDY = Study("your-table", 10, lambda _: None, render, in_lesson=True)
