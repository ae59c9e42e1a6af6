"""How much faster ``simd`` is than ``fused``, in code for this processor and for others.

    python -m bench.processors --csv reports/processors.csv

Code for others must run here: ``haswell`` stands for AVX2. Each row is a median of ratios of interleaved runs, with a
95 % interval. Each processor has a process of its own, because Numba decides once for which it compiles.
"""

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

HIDDEN = (1, 4, 64, 1024)


def measure(processor: str, dtype: str, rounds: int) -> list[dict[str, object]]:
    """Measure in this process, whose kernels are for the processor."""
    import fastsym
    from bench.targets import compare
    from fastsym.model.params import Params

    data = fastsym.load_titanic()
    X, rows = data.X.astype(dtype), []
    for hidden in HIDDEN:
        start = Params(*(a.astype(dtype) for a in fastsym.initialise("normal", len(X), hidden)))
        iterations = max(3, 20_000 // hidden)
        fused, simd = (
            partial(fastsym.train, X, data.y, start, iterations, 0.01, variant) for variant in ("fused", "simd")
        )
        row = {"processor": processor, "dtype": dtype, "hidden": hidden, "iterations": iterations}
        rows.append(row | compare(fused, simd, rounds))
        print(rows[-1], flush=True)
    return rows


def main(
    processors: Annotated[list[str] | None, typer.Option("--processor", help="LLVM's name; or host.")] = None,
    rounds: Annotated[int, typer.Option(min=6, help="How often to time each.")] = 9,
    csv: Annotated[Path | None, typer.Option(help="Where to save the table.")] = None,
    here: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Measure and print."""
    names = processors or ["host", "haswell"]
    if here:
        rows = [row for dtype in ("float64", "float32") for row in measure(names[0], dtype, rounds)]
        pd.DataFrame(rows).to_csv(csv, index=False, float_format="%.4g")
        return
    tables = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            part = Path(folder) / f"{name}.csv"
            chosen = {} if name == "host" else {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": ""}
            options = ["--processor", name, "--rounds", str(rounds), "--csv", str(part), "--here"]
            subprocess.run([sys.executable, "-m", "bench.processors", *options], env=os.environ | chosen, check=True)
            tables.append(pd.read_csv(part))
    if csv is not None:
        pd.concat(tables).to_csv(csv, index=False)


if __name__ == "__main__":
    typer.run(main)
