"""How often is the gate wrong? Whole live runs, and decisions replayed on recorded process pairs.

    python -m bench.gate_study all                                        # everything, resumable; hours
    python -m bench.gate_study live --suite suite --condition quiet --runs 5
    python -m bench.gate_study record --suite suite --condition busy --groups 60
    python -m bench.gate_study table                                      # rates.csv, and the live runs

Stop and resume at will. Suites and their slowed heads: :mod:`bench.gate_trees`; replays: :mod:`bench.gate_replay`.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from filelock import FileLock, Timeout

from bench import ROOT
from bench.gate_replay import StudyError, as_markdown, label_of, live_table, rates_of, read_groups
from bench.gate_trees import CASES, EFFECTS, UnknownKernelError, make_own, make_suite, slow_own, slow_test
from fastsym._console import Tell, progress_bar
from fastsym.regression.checkouts import check_out, workshop
from fastsym.regression.child import PLUGIN, Side
from fastsym.regression.decision import EVERYTHING, Sample
from fastsym.regression.exploration import Exploration, explore
from fastsym.regression.findings import Report
from fastsym.regression.lockstep import record_triple
from fastsym.regression.outcome import CannotJudgeError, SideFailedError
from fastsym.regression.repository import open_repository
from fastsym.regression.runner import WORKER, run
from fastsym.regression.settings import combine, read_project
from fastsym.timing.machine import describe_machine

BURST_SECONDS = 0.1, 2.0
RECORDING_SECONDS = 3600.0
GROUPS, LIVE_RUNS, REPLAYS = 120, 4, 300
COLUMNS = Sample._fields


class Condition(StrEnum):
    """What else the machine does meanwhile."""

    quiet = "quiet"
    busy = "busy"


class Suite(StrEnum):
    """What is timed."""

    suite = "suite"
    own = "own"


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
Out = Annotated[Path, typer.Option(help="Folder of the recordings and tables.")]
Work = Annotated[Path, typer.Option(help="Folder for the repositories that are timed.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]
OUT, WORK = ROOT / "reports" / "gate", ROOT / "build" / "gate-study"


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
        env=os.environ | one,
        cwd=ROOT,
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


@contextmanager
def finishing() -> Iterator[threading.Event]:
    """Let Ctrl-C, or a polite kill, only ask to stop after what is in flight."""
    asked = threading.Event()
    before = {number: signal.signal(number, lambda *_: asked.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def told(out: Path) -> Iterator[None]:
    """Hold the folder's lock; turn what can go wrong into a message and exit status 1."""
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / "lock", timeout=0):
            yield
    except Timeout:
        typer.echo(f"error: {out}: expected a folder that no other process writes; wait for it", err=True)
        raise typer.Exit(1) from None
    except (StudyError, UnknownKernelError, CannotJudgeError, SideFailedError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


def neighbourly(condition: Condition, seed: int) -> AbstractContextManager[object]:
    """Give what the condition needs to run beside."""
    return busy_neighbour(seed) if condition is Condition.busy else nullcontext()


def make(suite: Suite, folder: Path) -> Path:
    """Make a suite's repository."""
    return make_suite(folder) if suite is Suite.suite else make_own(folder)


@app.command()
def live(
    suite: Suite = Suite.suite,
    condition: Condition = Condition.quiet,
    runs: Annotated[int, typer.Option(min=1, help="Whole runs of each amount of extra work.")] = LIVE_RUNS,
    budget: Annotated[float, typer.Option(help="Seconds of each.")] = 180.0,
    out: Out = OUT,
    work: Work = WORK,
    quiet: Quiet = False,
) -> None:
    """Run the whole gate, once and again, until there are so many runs of each; adds to ``live.csv``."""
    path = out / "live.csv"
    with told(out), progress_bar(quiet) as tell, finishing() as asked:
        done = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=["suite", "condition", "effect"])
        folder = make(suite, work / f"live-{suite}")
        for number in range(runs):
            for effect in EFFECTS:
                same = (done["suite"] == suite) & (done["condition"] == condition) & (done["effect"] == effect)
                if same.sum() > number:
                    continue
                row = _one_live_run(suite, condition, folder, effect, number, budget, tell)
                line = pd.DataFrame([row])
                append(path, line.to_csv(index=False, header=not path.exists()))
                if asked.is_set():
                    return
    typer.echo(live_table(pd.read_csv(path)))


def _one_live_run(
    suite: Suite, condition: Condition, folder: Path, effect: float, number: int, budget: float, tell: Tell
) -> dict[str, object]:
    seed = 1000 * number + round(100 * effect)
    kind, units = CASES[int(np.random.default_rng(seed).integers(len(CASES)))]
    test = f"{kind}-{units}" if suite is Suite.suite else "simd"
    if suite is Suite.suite:
        slow_test(folder, test, effect)
    else:
        slow_own(folder, effect)
    settings = combine(read_project(folder), {"against": "HEAD", "budget": budget, "seed": seed})
    with neighbourly(condition, seed):
        report = run(open_repository(folder), settings, tell)
    named = named_slower(report)
    right = {name for name in named if f"[{test}" in name or (suite is Suite.own and effect)}
    return {
        "suite": suite.value,
        "condition": condition.value,
        "effect": effect,
        "test": test,
        "outcome": report.outcome,
        "found": bool(right) and effect > 0,
        "false_alarm": bool(named - (right if effect else set())),
        "named": "; ".join(sorted(named)),
        "seconds": round(report.seconds, 1),
        "seed": seed,
    }


def named_slower(report: Report) -> set[str]:
    """Names of what a run calls slower, the median over all tests left aside where a test is named, too."""
    names = {case.name for case in report.decision.cases if case.verdict == "slower"} if report.decision else set()
    return names - {EVERYTHING} or names


@app.command()
def record(
    suite: Suite = Suite.suite,
    condition: Condition = Condition.quiet,
    groups: Annotated[int, typer.Option(min=1, help="How many there shall be.")] = GROUPS,
    out: Out = OUT,
    work: Work = WORK,
    quiet: Quiet = False,
) -> None:
    """Record groups of processes: base, control, and a head for each amount of extra work in every test."""
    path = out / f"{suite}-{condition}.csv"
    with told(out), progress_bar(quiet) as tell, finishing() as asked:
        recorded = read_groups(path)["triple"].nunique() if path.exists() else 0
        if path.exists():
            table = read_groups(path)
            path.write_text(table.to_csv(index=False), encoding="utf-8")  # without a group that was cut off
        else:
            path.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
            about = {"machine": describe_machine(), "effects": EFFECTS}
            (out / f"{suite}-{condition}.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        if recorded >= groups:
            return
        folder = make(suite, work / f"record-{suite}")
        with workshop() as place:
            (place.folder / "plugins").mkdir()
            (place.folder / "plugins" / f"{PLUGIN}.py").write_text(WORKER.read_text(encoding="utf-8"), encoding="utf-8")
            settings = combine(read_project(folder), {})
            sides = []
            for label in ("base", "control", *map(label_of, EFFECTS)):
                if label.startswith("slow-"):
                    effect = int(label.removeprefix("slow-")) / 100
                    slow_test(folder, "all", effect) if suite is Suite.suite else slow_own(folder, effect)
                tree = place.tree()
                repository = open_repository(folder)
                check_out(repository, repository.commit("HEAD"), tree, place, working=label.startswith("slow-"))
                beside = (place.folder / "plugins",)
                sides.append(Side(label, tree, sys.executable, settings.bench, settings.paths, beside))
            found = Exploration()
            labels = [replace(side, label="head") if side.label == "slow-00" else side for side in sides]
            deadline = time.monotonic() + RECORDING_SECONDS
            explore(labels, np.random.default_rng(0), deadline, "off", found, lambda _: False, lambda _: None)
            with neighbourly(condition, recorded):
                for number in range(recorded, groups):
                    tell(number / groups, f"group {number + 1} of {groups}, {suite}, {condition}")
                    samples: list[Sample] = []
                    record_triple(
                        sides,
                        found.tests,
                        found.manners,
                        np.random.default_rng(number),
                        stage="recorded",
                        number=number,
                        timeout_seconds=RECORDING_SECONDS,
                        into=samples,
                    )
                    append(path, pd.DataFrame(samples).to_csv(index=False, header=False, float_format="%.6g"))
                    if asked.is_set():
                        return


@app.command()
def table(
    out: Out = OUT,
    replays: Annotated[int, typer.Option(min=5, help="Decisions for each row.")] = REPLAYS,
    quiet: Quiet = False,
) -> None:
    """Replay decisions on what is recorded; write rates.csv, and sum up the live runs."""
    rows: list[dict[str, object]] = []
    with told(out), progress_bar(quiet) as tell:
        for suite in Suite:
            for condition in Condition:
                path = out / f"{suite}-{condition}.csv"
                if path.exists():
                    rows += rates_of(read_groups(path), condition.value, suite.value, replays, tell)
        if not rows:
            raise StudyError(f"{out}: expected a recording; got none; record one first")
        rates = pd.DataFrame(rows)
        (out / "rates.csv").write_text(rates.to_csv(index=False, float_format="%.6g"), encoding="utf-8")
    typer.echo(as_markdown(rates))
    if (out / "live.csv").exists():
        typer.echo(live_table(pd.read_csv(out / "live.csv")))


@app.command(name="all")
def everything(out: Out = OUT, work: Work = WORK, quiet: Quiet = False) -> None:
    """Record and run everything that is still missing, and make the tables."""
    for suite in Suite:
        for condition in Condition:
            record(suite, condition, GROUPS, out, work, quiet)
            live(suite, condition, LIVE_RUNS, 180.0, out, work, quiet)
    table(out, REPLAYS, quiet)


if __name__ == "__main__":
    app()
