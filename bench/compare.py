"""Every variant and every other system that is installed, interleaved: ratios with intervals, and times.

    python -m bench.compare --widths 1,4,64,1024,4096 --out reports
    python -m bench.compare --features 1,9,30,100,200 --widths 64 --out reports

``pytest bench/`` times another system against the reference; this times all against each other, in every round. It
writes two files with one row a measurement:

``performance.csv``
    How many times as long a system takes as a yardstick: median of the ratios of a session's rounds, with its 95 %
    interval. A yardstick is not compared with itself, nor ``parallel`` with ``simd``, which is the inverse of another
    row.
``times.csv``
    Medians in seconds, and the fraction of the roofline of as many cores that the system reaches.

With ``--features`` it writes ``performance-features.csv`` alone: the ratios on random tables of so many features.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, NamedTuple

import numba
import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.progress import track

import fastsym
from bench.peers import PEERS, table_of
from bench.peers.process import LEARNING_RATE, SETTLE_SECONDS, PeerProcess
from bench.reported import ReportedTime
from fastsym.agreement import certify
from fastsym.timing.interleave import interleave
from fastsym.timing.machine import describe_machine, machine_name
from fastsym.timing.roofline import fewest_operations, measure_roofline
from fastsym.timing.stats import Floats, paired_ratio

YARDSTICKS = ("simd", "parallel")
"""The variants that all others are compared with: on one thread, and on as many as the other systems have."""
MOST_THREADS = max(count for peer in PEERS.values() for count in peer.threads)


class System(NamedTuple):
    """A variant or another system, on a number of threads."""

    name: str
    threads: int


def own_job(data, name, hidden, iterations, reported):
    """Training by one of our variants that reports its time."""
    params = fastsym.initialise("normal", len(data.X), hidden)

    def job():
        start = time.perf_counter()
        training = fastsym.train(data.X, data.y, params, iterations, LEARNING_RATE, name)
        reported.add(time.perf_counter() - start)
        time.sleep(SETTLE_SECONDS)
        return training

    return job


def peer_job(process, hidden, iterations, reported):
    """Training by another system, checked, that reports its time."""
    process.check(hidden)
    return lambda: reported.add(process.seconds(hidden, iterations))


def ratio_rows(seconds: Mapping[System, Floats], common: Mapping[str, object]) -> list[dict[str, object]]:
    """Compare every system with every yardstick.

    Parameters
    ----------
    seconds
        (rounds,) of each system, interleaved.
    common
        Columns that all rows share.
    """
    rows: list[dict[str, object]] = []
    for system, times in seconds.items():
        later = YARDSTICKS[YARDSTICKS.index(system.name) + 1 :] if system.name in YARDSTICKS else YARDSTICKS
        for yardstick, fast in seconds.items():
            if yardstick.name in later:
                ratio = paired_ratio(times, fast)
                row = {"system": system.name, "threads": system.threads, "yardstick": yardstick.name}
                rows.append(row | common | {"ratio": ratio.ratio, "low": ratio.low, "high": ratio.high})
    return rows


def time_rows(
    seconds: Mapping[System, Floats], common: Mapping[str, object], iterations: int, bound_seconds: float
) -> list[dict[str, object]]:
    """Give every system's median time per iteration, beside the roofline's ``bound_seconds`` of one core."""
    rows = []
    for system, times in seconds.items():
        median = float(np.median(times)) / iterations
        measured = {"seconds_per_iteration": median, "roofline_fraction": bound_seconds / system.threads / median}
        rows.append({"system": system.name, "threads": system.threads} | common | measured)
    return rows


def compare(
    widths: Sequence[int], rounds: int, only: set[str], features: int | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Time everything; return the tables of ratios and of times."""
    data = table_of(features)
    ratios: list[dict[str, object]] = []
    times: list[dict[str, object]] = []
    D, M = data.X.shape
    roofline = measure_roofline()
    numba.set_num_threads(min(MOST_THREADS, numba.get_num_threads()))
    with ExitStack() as stack:
        found = {
            System(peer.name, count): stack.enter_context(PeerProcess(peer, count, features))
            for peer in PEERS.values()
            for count in peer.threads
            if peer.name in only and peer.missing() is None
        }
        variants = [name for name in fastsym.VARIANTS if name in only]
        for name in variants:
            certificate = certify(name)
            if not certificate.passed:
                raise SystemExit(f"{name} is not equal to the reference, so it is not timed:\n{certificate.summary()}")
        for hidden in track(widths, "widths", console=Console(stderr=True)):
            iterations = max(3, min(1000, 10_000 // hidden))
            reported = ReportedTime()
            own = {name: own_job(data, name, hidden, iterations, reported) for name in variants}
            jobs = {System(name, job().threads): job for name, job in own.items()}  # the call compiles, too
            for system, process in found.items():
                jobs[system] = peer_job(process, hidden, iterations, reported)
                jobs[system]()
            labels = {f"{system.name} {system.threads}": system for system in jobs}
            several = [label for label, system in labels.items() if system.threads > 1]
            session = interleave({label: jobs[labels[label]] for label in labels}, rounds, reported.now, several)
            seconds = {labels[label]: values for label, values in session.seconds.items()}
            common = {"hidden": hidden, "iterations": iterations, "dtype": "float64", "rounds": rounds}
            ratios += ratio_rows(seconds, common)
            bound_seconds = roofline.seconds(fewest_operations(D, hidden, M))
            times += time_rows(seconds, common, iterations, bound_seconds)
    return pd.DataFrame(ratios), pd.DataFrame(times).assign(machine=machine_name(describe_machine()))


def main(
    widths: Annotated[str, typer.Option(help="Hidden widths.")] = "1,4,16,64,256,1024,4096",
    features: Annotated[str, typer.Option(help="Numbers of random features; the article's table if not given.")] = "",
    rounds: Annotated[int, typer.Option(min=1, help="How often to time each.")] = 7,
    only: Annotated[str, typer.Option(help="Variants and other systems; all if not given.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder for performance.csv and times.csv.")] = None,
) -> None:
    """Time every variant and every other system that is installed, interleaved."""
    names = set(fastsym.VARIANTS) | set(PEERS)
    chosen = set(only.split(",")) if only else names
    if unknown := chosen - names:
        raise typer.BadParameter(f"expected some of {', '.join(sorted(names))}; got {', '.join(sorted(unknown))}")
    sizes = [int(width) for width in widths.split(",")]
    if features:
        if len(sizes) != 1:
            raise typer.BadParameter(f"expected one width with --features; got {len(sizes)}", param_hint="--widths")
        counts = [int(count) for count in features.split(",")]
        ratios = pd.concat([compare(sizes, rounds, chosen, count)[0].assign(features=count) for count in counts])
        if out is not None:
            ratios.to_csv(out / "performance-features.csv", index=False, float_format="%.4g")
        print(ratios.to_string(index=False, float_format="{:.4g}".format))
        return
    ratios, times = compare(sizes, rounds, chosen)
    if out is not None:
        ratios.to_csv(out / "performance.csv", index=False, float_format="%.4g")
        times.to_csv(out / "times.csv", index=False, float_format="%.4g")
    for table in (times, ratios):
        print(table.to_string(index=False, float_format="{:.4g}".format))
    for missing in filter(None, (peer.missing() for peer in PEERS.values())):
        print(missing)


if __name__ == "__main__":
    typer.run(main)
