"""Is ``fast`` the quickest? And the constants by which it chooses (:mod:`fastsym.training.fastest`).

    python -m bench.fast_choice --csv reports/fast-choice.csv

Sizes are drawn by chance from a grid of H 0 (the one-layer net) to 4096, T 1 to 3000, D 1 to 200 and M 10 to 100,000,
in both precisions. Where a training would take ``simd`` longer than ``--longest`` T is cut, and sizes are left out
whose single iteration would. Times are medians of whole calls in turns; ``share`` is the best variant's time over the
variant's. As the best of several medians is a little too good by chance, shares are a little too small.

The printed constants are fitted to the same sizes. Take those of one ``--seed`` and record with another.
"""

import time
from functools import partial
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from scipy.optimize import nnls

import fastsym
from fastsym.kernels.population import threads_used
from fastsym.timing.interleave import interleave
from fastsym.training import fastest

FEATURES = (1, 3, 9, 18, 30, 60, 100, 200)
WIDTHS = (0, 1, 2, 4, 8, 16, 64, 256, 1024, 4096)
SAMPLES = (10, 100, 889, 3000, 10_000, 30_000, 100_000)
ITERATIONS = (1, 3, 10, 30, 100, 300, 1000, 3000)
VARIANTS = {True: ("numpy", "loops", "fused"), False: ("numpy", "fused", "simd", "parallel")}
"""Whether the net has one layer -> what is timed."""
SHORT_SECONDS = 1e-3
"""Calls are repeated for so long, because clocks are coarse."""
NEAR = 1 / 1.07
"""Share of the quickest variant's time from which another is as good."""
ROUNDS = 6


def sizes(seconds: float, longest: float, seed: int):
    """Yield D, H, M, T and the type of numbers, as many as can be measured in so many seconds."""
    rng, end = np.random.default_rng(seed), time.monotonic() + seconds
    grid = list(product(FEATURES, WIDTHS, SAMPLES, ITERATIONS, (np.float64, np.float32)))
    seen = set()
    for i in rng.permutation(len(grid)):
        D, H, M, T, dtype = grid[i]
        one = M * max(H, 1) * (D + fastest.OWN_FEATURES) * fastest.STEP_SECONDS
        size = D, H, M, max(1, min(T, int(longest / one))), dtype
        if time.monotonic() > end:
            return
        if one <= longest and size not in seen:
            seen.add(size)
            yield size


def repeated(call, times: int) -> None:
    """Call it so many times."""
    for _ in range(times):
        call()


def measure(D, H, M, T, dtype, rng) -> list[dict[str, object]]:
    """Time whole calls of all variants in turns; return a row for each."""
    X = rng.standard_normal((D, M)).astype(dtype)
    y = (X[0] > 0).astype(dtype)
    made = fastsym.initialise("normal", D, H or None, seed=1, dtype=dtype.__name__)
    threads = threads_used(X) if H else 1
    jobs, calls = {}, {}
    for name in VARIANTS[H == 0]:
        if name == "parallel" and threads == 1:
            continue
        call = partial(fastsym.train, X, y, made, T, 1e-3, name)
        call()  # compiles
        begin = time.perf_counter()
        call()
        calls[name] = max(1, int(SHORT_SECONDS / (time.perf_counter() - begin)))
        jobs[name] = partial(repeated, call, calls[name])
    seconds = interleave(jobs, ROUNDS, resting=("parallel",)).seconds
    took = {name: float(np.median(seconds[name])) / calls[name] for name in jobs}
    chosen = fastsym.train(X, y, made, T, 1e-3).variant
    best = min(took.values())
    size = {"features": D, "hidden": H, "samples": M, "iterations": T, "dtype": dtype.__name__, "threads": threads}
    return [
        size | {"variant": name, "seconds": one, "share": best / one, "chosen": name == chosen}
        for name, one in took.items()
    ]


def fit(table: pd.DataFrame) -> None:
    """Print the constants that explain best what threads saved, relative to the time of one thread."""
    wide = table.pivot_table(
        index=["features", "hidden", "samples", "iterations", "dtype", "threads"], columns="variant", values="seconds"
    ).reset_index()
    wide = wide[wide["parallel"].notna()] if "parallel" in wide else wide[:0]
    if wide.empty:
        return
    rows = []
    for row in wide.itertuples():
        itemsize = np.dtype(row.dtype).itemsize
        shorter = fastest.samples_saved(row.samples, itemsize, row.threads)
        work = shorter * row.hidden * (row.features + fastest.OWN_FEATURES) * itemsize / 8
        rows.append((row.iterations * work, -row.iterations, -1.0))
    design, saved = np.array(rows), (wide["simd"] - wide["parallel"]).to_numpy()
    weight = 1 / np.minimum(wide["simd"], wide["parallel"]).to_numpy()
    scale = np.linalg.norm(design * weight[:, None], axis=0)
    found = nnls(design * weight[:, None] / scale, saved * weight)[0] / scale
    print("step {:.3g} s, barrier {:.3g} s, start {:.3g} s".format(*found))


def main(
    seconds: Annotated[float, typer.Option(help="How long to measure.")] = 240,
    longest: Annotated[float, typer.Option(help="Longest training, in seconds.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Draws the sizes.")] = 0,
    csv: Annotated[Path | None, typer.Option(help="Where to save the table.")] = None,
) -> None:
    """Measure and print."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame([row for size in sizes(seconds, longest, seed) for row in measure(*size, rng)])
    if csv is not None:
        table.to_csv(csv, index=False, float_format="%.4g")
    fit(table)
    chosen = table[table["chosen"]].sort_values("share")
    print(chosen[chosen["share"] < NEAR].to_string(index=False))
    print(f"{len(chosen)} sizes; the chosen variant takes at most 7 % longer than the best in {_near(chosen)}")
    same_bits = table[table["variant"].isin(["simd", "parallel"]) & (table["threads"] > 1)]
    keys = ["features", "hidden", "samples", "iterations", "dtype"]
    of_these = same_bits.assign(share=same_bits.groupby(keys)["seconds"].transform("min") / same_bits["seconds"])
    print(f"of simd and parallel alone, where there are both: {_near(of_these[of_these['chosen']])}")


def _near(rows: pd.DataFrame) -> str:
    return f"{(rows['share'] >= NEAR).sum()} of {len(rows)}"


if __name__ == "__main__":
    typer.run(main)
