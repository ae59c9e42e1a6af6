"""Ratios that the table of all systems does not show: recording, short calls, precision and populations.

    python -m bench.targets --csv reports/targets.csv

Each is a median of ratios of interleaved runs, with a 95 % interval:

``recording``
    ``simd`` with a snapshot of every 10th iteration, over ``simd`` without.
``calls``
    ``reference`` over ``fast``, by the number of iterations that a call does.
``float32``
    ``simd`` in float64 over ``simd`` in float32.
``population``
    As many nets one by one in ``reference``, over a population of 1,000 nets on all threads.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

import fastsym
from fastsym.agreement import certify
from fastsym.model.params import Params
from fastsym.timing.interleave import interleave
from fastsym.timing.machine import describe_machine, machine_name
from fastsym.timing.stats import paired_ratio

POPULATION = 1000
SHARE = 20
"""Part of the population that the reference trains: one by one it would take minutes for all."""


def compare(slow, fast, rounds, scale=1.0, resting=()):
    """How many times as long ``slow``, times ``scale``, takes as ``fast``; ``resting`` as for ``interleave``."""
    slow(), fast()  # compiles
    seconds = interleave({"slow": slow, "fast": fast}, rounds, resting=resting).seconds
    ratio = paired_ratio(scale * np.asarray(seconds["slow"]), seconds["fast"])
    return {"rounds": rounds, "ratio": ratio.ratio, "low": ratio.low, "high": ratio.high}


def repeated(job, times):
    """Do a job so many times: one short call alone is hard to time."""

    def all_of_them():
        for _ in range(times):
            job()

    return all_of_them


def measure(rounds: int) -> Iterator[dict[str, object]]:
    """Give one row of the table after the other, as it is ready."""
    data = fastsym.load_titanic()
    D = len(data.X)
    narrow = data.X.astype(np.float32)

    def training(start, iterations, variant, X=data.X, **options):
        return partial(fastsym.train, X, data.y, start, iterations, 0.01, variant, **options)

    four = fastsym.initialise("normal", D, 4)
    recording = training(four, 3000, "simd", record_every=10)
    row = {"measure": "recording", "hidden": 4, "iterations": 3000, "threads": 1}
    yield row | compare(recording, training(four, 3000, "simd"), 4 * rounds)
    for iterations in (1, 10, 3000):
        repeats = max(1, 300 // iterations)
        article, fast = (repeated(training(four, iterations, name), repeats) for name in ("reference", "fast"))
        threads = fastsym.train(data.X, data.y, four, iterations, 0.01).threads
        row = {"measure": "calls", "hidden": 4, "iterations": iterations, "threads": threads}
        yield row | compare(article, fast, 2 * rounds)
    for hidden in (64, 256, 1024):
        iterations = max(3, 20_000 // hidden)
        wide = fastsym.initialise("normal", D, hidden)
        half = Params(*(a.astype(np.float32) for a in wide))
        single = training(half, iterations, "simd", narrow)
        row = {"measure": "float32", "hidden": hidden, "iterations": iterations, "threads": 1}
        yield row | compare(training(wide, iterations, "simd"), single, rounds)
    alone = [fastsym.initialise("normal", D, 4, seed=seed) for seed in range(POPULATION)]
    together = Params(*(np.stack(a) for a in zip(*alone, strict=True)))

    def one_by_one():
        for params in alone[:SHARE]:
            fastsym.train(data.X, data.y, params, 300, 0.01, "reference")

    population = partial(fastsym.train_population, data.X, data.y, together, 300, 0.01)
    row = {"measure": "population", "hidden": 4, "iterations": 300, "threads": population().threads}
    yield row | compare(one_by_one, population, rounds, POPULATION / SHARE, ("fast",))


def main(
    rounds: Annotated[int, typer.Option(min=6, help="How often to time each.")] = 9,
    csv: Annotated[Path | None, typer.Option(help="Where to save the table.")] = None,
) -> None:
    """Measure and print."""
    for variant in ("reference", "simd"):
        for dtype in (np.float64, np.float32):
            if not certify(variant, dtype).passed:
                raise SystemExit(f"{variant} is not equal to the reference, so it is not timed")
    print(machine_name(describe_machine()))
    rows = []
    for row in measure(rounds):
        print(row, flush=True)
        rows.append(row)
    if csv is not None:
        pd.DataFrame(rows).to_csv(csv, index=False, float_format="%.4g")


if __name__ == "__main__":
    typer.run(main)
