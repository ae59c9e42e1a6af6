"""Every variant and every installed peer in turns, as one table of ratios with intervals.

    python -m bench.compare --widths 1,4,64,1024,4096

``pytest bench/`` times a peer against the reference in turns; this times all against each other, in every round.
"""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.progress import track

import fastsym
from bench.peers import PEERS
from bench.peers.process import LEARNING_RATE, SETTLE_SECONDS, PeerProcess
from bench.reported import ReportedTime
from fastsym.agreement import certify
from fastsym.timing.interleave import interleave
from fastsym.timing.machine import describe_machine, machine_name
from fastsym.timing.roofline import fewest_operations, measure_roofline
from fastsym.timing.stats import paired_ratio
from fastsym.training.registry import OWN

FASTEST = {1: "simd", 2: "parallel"}
"""What the others are compared with, by number of threads."""


def own_job(name, hidden, iterations, reported):
    """Training by one of our variants that reports its time."""
    data = fastsym.load_titanic()
    params = fastsym.initialise("normal", len(data.X), hidden)

    def job():
        start = time.perf_counter()
        training = fastsym.train(data.X, data.y, params, iterations, LEARNING_RATE, name)
        reported.add(time.perf_counter() - start)
        time.sleep(SETTLE_SECONDS)
        return training

    return job


def peer_job(process, hidden, iterations, reported):
    """Training by a peer, checked, that reports its time."""
    process.check(hidden)
    return lambda: reported.add(process.seconds(hidden, iterations))


def compare(widths, rounds, only):
    """Time everything; one row per width, system and number of threads."""
    rows = []
    roof = measure_roofline()
    with ExitStack() as stack:
        found = {
            (peer.name, count): stack.enter_context(PeerProcess(peer, count))
            for peer in PEERS.values()
            for count in peer.threads
            if peer.name in only and peer.missing() is None
        }
        variants = [variant.name for variant in OWN if variant.name in only]
        for name in variants:
            certificate = certify(name)
            if not certificate.passed:
                raise SystemExit(f"{name} is not equal to the reference, so it is not timed:\n{certificate.summary()}")
        for hidden in track(widths, "widths", console=Console(stderr=True)):
            iterations = max(3, min(1000, 10_000 // hidden))
            reported = ReportedTime()
            own = {name: own_job(name, hidden, iterations, reported) for name in variants}
            jobs = {(name, job().threads): job for name, job in own.items()}  # the call compiles, too
            for key, process in found.items():
                jobs[key] = peer_job(process, hidden, iterations, reported)
                jobs[key]()
            labels = {f"{name} {threads}": (name, threads) for name, threads in jobs}
            several = [label for label, (_, threads) in labels.items() if threads > 1]
            turns = interleave({label: jobs[key] for label, key in labels.items()}, rounds, reported.now, several)
            least = roof.seconds(fewest_operations(9, hidden, 889))
            for label, (name, threads) in labels.items():
                median = float(np.median(turns.seconds[label])) / iterations
                row = {"hidden": hidden, "system": name, "threads": threads, "us_per_iteration": 1e6 * median}
                row["of_the_roof"] = least / threads / median
                for fast in FASTEST.values():
                    key = next((text for text in labels if text.startswith(f"{fast} ")), None)
                    if key is not None:
                        row[f"{fast} is faster"] = str(paired_ratio(turns.seconds[label], turns.seconds[key]))
                rows.append(row)
    return pd.DataFrame(rows)


def main(
    widths: Annotated[str, typer.Option(help="Hidden widths.")] = "1,4,16,64,256,1024,4096",
    rounds: Annotated[int, typer.Option(min=1, help="How often to time each.")] = 9,
    only: Annotated[str, typer.Option(help="Variants and peers; all if not given.")] = "",
    csv: Annotated[Path | None, typer.Option(help="Where to save the table.")] = None,
) -> None:
    """Time every variant and every installed peer in turns."""
    names = {variant.name for variant in OWN} | set(PEERS)
    chosen = set(only.split(",")) if only else names
    if unknown := chosen - names:
        raise typer.BadParameter(f"expected some of {', '.join(sorted(names))}; got {', '.join(sorted(unknown))}")
    table = compare([int(width) for width in widths.split(",")], rounds, chosen)
    if csv is not None:
        table.to_csv(csv, index=False)
    print(machine_name(describe_machine()))
    print(table.round({"us_per_iteration": 2, "of_the_roof": 2}).to_string(index=False))
    for missing in filter(None, (peer.missing() for peer in PEERS.values())):
        print(missing)


if __name__ == "__main__":
    typer.run(main)
