"""Ratios that the table of all systems does not show: precision, populations, recording, and threads.

    python bench/targets.py

Each is a median of paired ratios of runs in turns, with a 95 % interval.
"""

from functools import partial

import numpy as np
import typer

import fastsym
from fastsym.agreement import certify
from fastsym.measure import describe_machine, interleave
from fastsym.net import Params
from fastsym.records import machine_name
from fastsym.stats import paired_ratio

POPULATION = 1000
SHARE = 20
"""Part of the population that the reference trains: one by one it would take minutes for all."""


def compare(slow, fast, rounds):
    """How many times as long ``slow`` takes as ``fast``."""
    slow(), fast()  # compiles
    seconds = interleave({"slow": slow, "fast": fast}, rounds).seconds
    return paired_ratio(seconds["slow"], seconds["fast"])


def main(rounds: int = 9) -> None:
    """Measure and print."""
    for variant in ("reference", "fused", "simd", "parallel"):
        for dtype in (np.float64, np.float32):
            if not certify(variant, dtype).passed:
                raise SystemExit(f"{variant} is not equal to the reference, so it is not timed")
    data = fastsym.load_titanic()
    narrow = data.X.astype(np.float32)
    print(machine_name(describe_machine()))
    for hidden in (64, 256, 1024):
        iterations = max(3, 20_000 // hidden)
        wide = fastsym.initialise("normal", 9, hidden)
        half = Params(*(a.astype(np.float32) for a in wide))
        ratio = compare(
            partial(fastsym.train, data.X, data.y, wide, iterations, 0.01, "simd"),
            partial(fastsym.train, narrow, data.y, half, iterations, 0.01, "simd"),
            rounds,
        )
        print(f"float32 over float64, simd, H = {hidden}: {ratio}")
    for hidden in (4, 64, 256, 1024):
        iterations = max(3, 40_000 // hidden)
        start = fastsym.initialise("normal", 9, hidden)
        ratio = compare(
            partial(fastsym.train, data.X, data.y, start, iterations, 0.01, "simd"),
            partial(fastsym.train, data.X, data.y, start, iterations, 0.01, "parallel"),
            rounds,
        )
        print(f"parallel over simd, H = {hidden}: {ratio}")
    start = fastsym.initialise("normal", 9, 4)
    ratio = compare(
        partial(fastsym.train, data.X, data.y, start, 3000, 0.01, "simd", record_every=10),
        partial(fastsym.train, data.X, data.y, start, 3000, 0.01, "simd"),
        2 * rounds,
    )
    print(f"recording every 10th iteration over recording nothing, H = 4, T = 3000: {ratio}")
    for variant in ("fused", "simd"):
        ratio = compare(
            partial(fastsym.train, data.X, data.y, start, 3000, 0.01, "reference"),
            partial(fastsym.train, data.X, data.y, start, 3000, 0.01, variant),
            rounds,
        )
        print(f"{variant} over reference, H = 4, T = 3000: {ratio}")
    alone = [fastsym.initialise("normal", 9, 4, seed=seed) for seed in range(POPULATION)]
    together = Params(*(np.stack(a) for a in zip(*alone, strict=True)))

    def one_by_one():
        for params in alone[:SHARE]:
            fastsym.train(data.X, data.y, params, 300, 0.01, "reference")

    ratio = compare(one_by_one, partial(fastsym.train_population, data.X, data.y, together, 300, 0.01), rounds)
    scale = POPULATION / SHARE
    print(
        f"population of {POPULATION} over the reference one by one, H = 4, T = 300: "
        f"{scale * ratio.ratio:.1f} ({scale * ratio.low:.1f} to {scale * ratio.high:.1f})"
    )


if __name__ == "__main__":
    typer.run(main)
