"""Ratios that the table of all systems does not show: precision, populations, recording, threads, the load from cache.

    python -m bench.targets --csv reports/targets.csv

Each is a median of paired ratios of runs in turns, with a 95 % interval.
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
from fastsym.timing.stats import Ratio, paired_ratio

POPULATION = 1000
SHARE = 20
"""Part of the population that the reference trains: one by one it would take minutes for all."""
FEATURES = 9


def compare(slow, fast, rounds, scale=1.0, resting=()):
    """How many times as long ``slow``, times ``scale``, takes as ``fast``; ``resting`` as for ``interleave``."""
    slow(), fast()  # compiles
    seconds = interleave({"slow": slow, "fast": fast}, rounds, resting=resting).seconds
    return paired_ratio(scale * np.asarray(seconds["slow"]), seconds["fast"])


def ratios(rounds: int) -> Iterator[tuple[str, int, Ratio]]:
    """Give each measure's name, width and ratio as it is ready."""
    data = fastsym.load_titanic()
    narrow = data.X.astype(np.float32)

    def training(start, iterations, variant, X=data.X, **options):
        return partial(fastsym.train, X, data.y, start, iterations, 0.01, variant, **options)

    four = fastsym.initialise("normal", FEATURES, 4)
    for variant in ("loops", "fused", "simd"):
        yield (
            f"{variant} over reference",
            4,
            compare(training(four, 3000, "reference"), training(four, 3000, variant), rounds),
        )
    recording = training(four, 3000, "simd", record_every=10)
    yield "recording every 10th iteration over none", 4, compare(recording, training(four, 3000, "simd"), 4 * rounds)
    for hidden in (64, 256, 1024):
        iterations = max(3, 20_000 // hidden)
        wide = fastsym.initialise("normal", FEATURES, hidden)
        half = Params(*(a.astype(np.float32) for a in wide))
        single = training(half, iterations, "simd", narrow)
        yield "float32 over float64, simd", hidden, compare(training(wide, iterations, "simd"), single, rounds)
    for hidden in (4, 64, 256, 1024):
        iterations = max(3, 40_000 // hidden)
        start = fastsym.initialise("normal", FEATURES, hidden)
        one, two = (training(start, iterations, variant) for variant in ("simd", "parallel"))
        yield "parallel over simd", hidden, compare(one, two, rounds)
    wide = fastsym.initialise("normal", FEATURES, 1024)
    reference, parallel = (training(wide, 20, variant) for variant in ("reference", "parallel"))
    yield "parallel over reference", 1024, compare(reference, parallel, rounds, resting=("fast",))
    alone = [fastsym.initialise("normal", FEATURES, 4, seed=seed) for seed in range(POPULATION)]
    together = Params(*(np.stack(a) for a in zip(*alone, strict=True)))

    def one_by_one():
        for params in alone[:SHARE]:
            fastsym.train(data.X, data.y, params, 300, 0.01, "reference")

    population = partial(fastsym.train_population, data.X, data.y, together, 300, 0.01)
    name = f"population of {POPULATION} over reference one by one"
    yield name, 4, compare(one_by_one, population, rounds, POPULATION / SHARE, ("fast",))


def main(
    rounds: Annotated[int, typer.Option(min=6, help="How often to time each.")] = 9,
    csv: Annotated[Path | None, typer.Option(help="Where to save the table.")] = None,
) -> None:
    """Measure and print."""
    for variant in ("reference", "loops", "fused", "simd", "parallel"):
        for dtype in (np.float64, np.float32):
            if not certify(variant, dtype).passed:
                raise SystemExit(f"{variant} is not equal to the reference, so it is not timed")
    print(machine_name(describe_machine()))
    rows = []
    for name, hidden, ratio in ratios(rounds):
        print(f"{name}, H = {hidden}: {ratio}", flush=True)
        rows.append({"measure": name, "hidden": hidden, "ratio": ratio.ratio, "low": ratio.low, "high": ratio.high})
    if csv is not None:
        pd.DataFrame(rows).to_csv(csv, index=False, float_format="%.4g")


if __name__ == "__main__":
    typer.run(main)
