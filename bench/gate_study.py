"""How often is the gate wrong? Records slots of identical and of slowed code, and replays the gate's decisions on them.

    python -m bench.gate_study record --condition quiet --slots 150    # and --condition busy; stop and resume at will
    python -m bench.gate_study table                                   # reports/gate/rates.csv
    python -m bench.gate_study check --runs 10                         # whole live runs beside the replay's rates

A slot has one fresh process of each of seven trees (:mod:`bench.gate_trees`): base, again, and as heads slow-00
(untouched: what the gate says of it is a false alarm) to slow-20. A decision about one head uses base, again and that
head.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from bench import ROOT
from bench.gate_replay import (
    BUDGET_SECONDS,
    DEFAULT,
    NOTE,
    PREPARING_SECONDS,
    WANTED_DECISIONS,
    StudyError,
    as_markdown,
    compare_with_replay,
    live_window,
    nominal,
    rates_of,
    read_slots,
    recording,
    whole_lines,
)
from bench.gate_trees import FINISHED, LABELS, REPEATED, UnknownKernelError, prepare, state, trees_in
from fastsym._console import progress_bar
from fastsym.regression.cells import CELLS
from fastsym.regression.decision import LARGE
from fastsym.regression.findings import Report
from fastsym.regression.outcome import CannotJudgeError, RevisionFailedError
from fastsym.regression.runner import RERUN_SHARE, Settings, run
from fastsym.regression.slots import record_slot
from fastsym.regression.worktree import open_repository
from fastsym.sweep.store import SweepBusyError, locked
from fastsym.timing.machine import describe_machine
from fastsym.timing.stats import paired_ratio

LIVE = {"base": "base", "again": "again", "head": "slow-00"}
CHECKED = ("slow-00", "slow-10")
TIMED_LIVE_SLOTS = 5
"""How many slots of a live run's three processes are timed, to know how many fit the budget."""
BURST_SECONDS = 0.1, 2.0


class Condition(StrEnum):
    """What else the machine does meanwhile."""

    quiet = "quiet"
    busy = "busy"


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
Out = Annotated[Path, typer.Option(help="Folder of the recordings and tables.")]
Work = Annotated[Path, typer.Option(help="Folder for the trees and their caches; kept and reused.")]
OUT, WORK = Path("reports/gate"), Path("build/gate-study")


@app.command()
def neighbour(seed: int = 0) -> None:
    """Be the busy neighbour: matrix products and memory traffic on one thread, in bursts. Ends with its input."""
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    draw = random.Random(seed)
    a, traffic = np.ones((300, 300)), np.ones(4_000_000)  # the second is 32 MB, more than the caches hold
    print("ready", flush=True)
    while True:
        end = time.monotonic() + draw.uniform(*BURST_SECONDS)
        while time.monotonic() < end:
            a @ a
            np.multiply(traffic, 1.0, out=traffic)
        time.sleep(draw.uniform(*BURST_SECONDS))


@contextmanager
def busy_neighbour(seed: int) -> Iterator[subprocess.Popen[str]]:
    """Run the neighbour during the block; it cannot outlive this process."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, "-m", "bench.gate_study", "neighbour", "--seed", str(seed)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | one,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            if process.stdout is None or process.stdout.readline() != "ready\n":
                raise RuntimeError("neighbour: expected it to start; got nothing; run its command by hand to see why")
            yield process
        finally:
            process.kill()


def append(path: Path, text: str) -> None:
    """Add text to a file, and be sure that it is there."""
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def replace(path: Path, text: str) -> None:
    """Give a file a new content, at once or not at all."""
    half = path.with_name(path.name + ".half")
    half.write_text(text, encoding="utf-8")
    half.replace(path)


@contextmanager
def finishing() -> Iterator[threading.Event]:
    """Let Ctrl-C, or a polite kill, only ask to stop after the slot in flight."""
    asked = threading.Event()
    before = {number: signal.signal(number, lambda *_: asked.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def told() -> Iterator[None]:
    """Turn what can go wrong into a message and exit status 1."""
    try:
        yield
    except (StudyError, SweepBusyError, UnknownKernelError, CannotJudgeError, RevisionFailedError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


@app.command()
def record(
    slots: Annotated[int, typer.Option(min=1, help="How many more to record.")],
    condition: Annotated[Condition, typer.Option(help="With or without a busy neighbour process.")],
    out: Out = OUT,
    work: Work = WORK,
    seed: Annotated[int, typer.Option(help="Of all orders, with the number of the slot.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Record slots; adds to what is there. Ctrl-C ends after the slot in flight."""
    path, about_path = recording(out, condition), out / f"{condition}.json"
    with told(), locked(out), locked(work), progress_bar(quiet) as tell:
        refuse_another_source(path, about_path, work, seed)
        trees = prepare(work, tell)
        about = begin_recording(path, about_path, condition, work, seed)
        first = len(read_slots(path)) // (len(LABELS) * len(CELLS))
        with finishing() as asked, busy_neighbour(first) if condition is Condition.busy else nullcontext():
            for slot in range(first, first + slots):
                tell((slot - first) / slots, f"slot {slot + 1}, {condition}")
                times = record_slot(trees, CELLS, np.random.default_rng((seed, slot)), slot=slot)
                append(path, times.assign(recorded=int(time.time())).to_csv(index=False, header=False))
                if asked.is_set():
                    return
            if len(about["live_slot_seconds"]) < TIMED_LIVE_SLOTS:
                tell(1.0, "timing a slot of three processes")
                start = time.monotonic()
                live = {label: trees[tree] for label, tree in LIVE.items()}
                record_slot(live, CELLS, np.random.default_rng(seed))
                about["live_slot_seconds"].append(round(time.monotonic() - start, 3))
                replace(about_path, json.dumps(about, indent=1) + "\n")


def refuse_another_source(path: Path, about_path: Path, work: Path, seed: int) -> None:
    """Keep a recording of one source: before anything is made anew, see that it can go on."""
    if path.exists():
        about = json.loads(about_path.read_text(encoding="utf-8"))
        now = (state(work) or (None, None))[1]
        if (about["fingerprint"], about["seed"]) != (now, seed):
            raise StudyError(
                f"{path}: expected the trees in {work} to be those of this recording, and seed {about['seed']}; got "
                f"others, or seed {seed}; restore the source or --work, or choose another --out"
            )


def begin_recording(path: Path, about_path: Path, condition: str, work: Path, seed: int) -> dict[str, Any]:
    """Begin a recording, or take up the one that is there; return what is known about it."""
    if path.exists():
        replace(path, "".join(whole_lines(path)))
        about: dict[str, Any] = json.loads(about_path.read_text(encoding="utf-8"))
        return about
    made = json.loads((work / FINISHED).read_text(encoding="utf-8"))["fingerprint"]
    about = {"condition": condition, "fingerprint": made, "seed": seed, "machine": describe_machine()}
    about |= {"cells": [asdict(cell) for cell in CELLS], "labels": list(LABELS), "repeated": REPEATED}
    about |= {"live_slot_seconds": []}
    replace(about_path, json.dumps(about, indent=1) + "\n")
    replace(path, "slot,cell,label,seconds_per_iteration,recorded\n")
    return about


@app.command()
def calibrate(
    slots: Annotated[int, typer.Option(min=6)] = 20, work: Work = WORK, seed: int = 0, quiet: bool = False
) -> None:
    """Measure how much slower each tree really is in the default cell, and what would hit its nominal size."""
    with told(), locked(work), progress_bar(quiet) as tell:
        trees = prepare(work, tell)
        tables = []
        for slot in range(slots):
            tell(slot / slots, f"slot {slot + 1}")
            tables.append(record_slot(trees, CELLS[:1], np.random.default_rng((seed, slot)), slot=slot))
    wide = pd.concat(tables).pivot(index="slot", columns="label", values="seconds_per_iteration")
    ratios = {label: paired_ratio(wide[label], wide["base"]) for label in LABELS[1:]}
    slowed = [label for label, repeated in REPEATED.items() if repeated]
    # The changed loop costs, or saves, something by itself, so the line does not go through zero.
    line = np.polyfit([ratios[label].ratio for label in slowed], [REPEATED[label] for label in slowed], 1)
    for label, ratio in ratios.items():
        text = f"{label}: {ratio.ratio - 1:.2%} ({ratio.low - 1:.2%} to {ratio.high - 1:.2%})"
        if label in slowed:
            text += f" with {REPEATED[label]:.4f} repeated; {np.polyval(line, 1 + nominal(label)):.4f} should be right"
        typer.echo(text)


@app.command()
def table(out: Out = OUT, quiet: Annotated[bool, typer.Option("--quiet")] = False) -> None:
    """Replay decisions on what is recorded; write rates.csv, and the windows into the JSON files."""
    rows: list[dict[str, object]] = []
    with told(), progress_bar(quiet) as tell:
        for condition in Condition:
            path, about_path = recording(out, condition), out / f"{condition}.json"
            if not path.exists():
                continue
            slots, about = read_slots(path), json.loads(about_path.read_text(encoding="utf-8"))
            window = live_window(about["live_slot_seconds"])
            count = slots["slot"].nunique()
            if count < window.total:
                raise StudyError(
                    f"{path}: expected at least {window.total} slots, one window; got {count}; record more"
                )
            reason = f"{BUDGET_SECONDS:.0f} s less {PREPARING_SECONDS:.0f} s of preparation, over the median of the "
            reason += f"timed slots of three processes; {RERUN_SHARE:.0%} of it is kept for the re-run"
            about["window"] = asdict(window) | {"why": reason}
            replace(about_path, json.dumps(about, indent=1) + "\n")
            rows += rates_of(slots, condition, window, tell)
        if not rows:
            raise StudyError(f"{out}: expected a recording; got none; record one first")
    rates = pd.DataFrame(rows)
    replace(out / "rates.csv", rates.to_csv(index=False, float_format="%.6g"))
    typer.echo(f"{as_markdown(rates)}\n{NOTE}")
    if rates["decisions"].min() < WANTED_DECISIONS:
        typer.echo(f"Fewer than {WANTED_DECISIONS} decisions in a condition: record more slots.")


@app.command()
def check(
    runs: Annotated[int, typer.Option(min=1, help="How many whole runs, of each of the two heads.")] = 10,
    condition: Annotated[Condition, typer.Option(help="With or without a busy neighbour process.")] = Condition.quiet,
    out: Out = OUT,
    work: Work = WORK,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Run the whole gate live, against identical code and against the head slow-10, beside what the replay says.

    Adds one row a run to ``check.csv`` until there are so many runs of each, and one row a case of the gate to
    ``check_cases.csv``; Ctrl-C loses the run in flight.
    """
    path, cases_path = out / "check.csv", out / "check_cases.csv"
    with told(), locked(out), locked(work), progress_bar(quiet) as tell:
        done = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=["condition", "head"])
        trees = prepare(work, tell)
        heads = {head: live_checkout(work / f"live-{head}", trees[head].path) for head in CHECKED}
        for number in range(runs):
            for head, checkout in heads.items():
                if ((done["condition"] == condition) & (done["head"] == head)).sum() > number:
                    continue
                with busy_neighbour(number) if condition is Condition.busy else nullcontext():
                    report = run(open_repository(checkout), Settings(against="HEAD"), tell)
                for file, rows in zip((cases_path, path), check_rows(report, condition, head), strict=True):
                    if rows:
                        append(file, pd.DataFrame(rows).to_csv(index=False, header=not file.exists()))
    typer.echo(compare_with_replay(pd.read_csv(path), out / "rates.csv"))


def check_rows(report: Report, condition: str, head: str) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Give the rows of a live run: one for each case that it judged, and its own."""
    found = report.decision.cells if report.decision else ()
    cases: list[dict[str, object]] = []
    for case in found:
        row = {"seed": report.seed, "case": case.name, "slower": case.verdict == "slower"}
        row |= {"slowdown": case.ratio.ratio - 1, "rerun_slowdown": case.rerun.ratio - 1 if case.rerun else np.nan}
        cases.append(row | {"detectable": case.visible <= LARGE})
    run: dict[str, object] = {"condition": condition, "head": head, "outcome": report.outcome, "seed": report.seed}
    run |= {"default": next((case.verdict for case in found if case.name == DEFAULT), "")}
    run |= {"seconds": round(report.seconds, 1), "slots": report.slots["slot"].nunique()}
    return cases, [run | {"rerun_slots": report.rerun["slot"].nunique()}]


def live_checkout(folder: Path, tree: Path) -> Path:
    """Make a repository whose last commit is the untouched package and whose working tree is one of the trees."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(trees_in(tree.parent)["base"].path, folder)
    git = ["git", "-C", str(folder), "-c", "user.name=study", "-c", "user.email=study@localhost"]
    for command in (["init", "--quiet", "--initial-branch=main"], ["add", "."], ["commit", "--quiet", "-m", "base"]):
        subprocess.run([*git, *command], check=True)
    shutil.copytree(tree, folder, dirs_exist_ok=True)
    return folder


if __name__ == "__main__":
    app()
