"""What the article's author published, set beside what comes out here."""

import pandas as pd

from fastsym.experiments.article import CASES, NETWORK_LEARNING_RATE
from fastsym.experiments.published import Comparison, compare
from fastsym.report.charts import CASES_IN_WORDS
from fastsym.report.content import Format, Section, Table
from fastsym.report.sections import long_run, ten_iterations
from fastsym.report.study import Context, Study


def run(context: Context) -> tuple[Comparison, ...]:
    """Compare the first ten costs and where the curves end."""
    curves = context.result(long_run.STUDY)
    finals = {case: [curve.summed_costs[-1] for curve in curves if curve.case == case] for case in CASES}
    return compare(context.result(ten_iterations.STUDY)[0].summed_costs, finals)


def render(rows: tuple[Comparison, ...], context: Context) -> Section:
    """Set the published costs beside ours."""
    samples = len(context.data.y)
    costs, ends = ([row for row in rows if ("iteration" in row.quantity) == first] for first in (True, False))
    matching = sum(row.matches for row in costs)
    worst = max(costs, key=lambda row: abs(row.difference))
    columns = ["quantity", "published", "reproduced", "difference", "accepted", "matches"]
    frame = pd.DataFrame(
        [(row.quantity, row.published, row.reproduced, row.difference, row.bound, row.matches) for row in rows],
        columns=columns,
    )
    formats: dict[str, Format] = {"published": repr, "reproduced": ".13f", "difference": _power, "accepted": _power}
    return Section(
        "published",
        "Published against reproduced",
        f"{matching} of the {len(costs)} published costs are reproduced, with a largest difference of "
        f"{abs(worst.difference):.1e} nats; the ends of the two curves differ by "
        + " and ".join(f"{abs(row.difference):.2g} nats ({row.bound:g} accepted)" for row in ends)
        + ".",
        (
            f"{CASES_IN_WORDS} The learning rate is {NETWORK_LEARNING_RATE:g}.",
            f"The author's notebook prints the cost summed over {samples} passengers; the first cost is "
            f"{samples} ln 2. The plateaus, at which the curves end, are read from the published figure. The plateau "
            "of case 2 depends on a random start whose seed was not published.",
            Table(
                "published", "Summed cost in nats: what the author published, and what fastsym computes", frame, formats
            ),
        ),
    )


def _power(value: float) -> str:
    return f"{value:.1e}" if value else "0"


STUDY = Study("published", 95, run, render, seconds=0.1, only_titanic=True, in_lesson=True)
