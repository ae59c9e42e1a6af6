"""How often is the gate wrong? Whole live runs, and decisions replayed on recorded processes.

    python -m bench.gate_study all --minutes 80                           # what fits; once more: what is missing
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
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import pandas as pd
import typer
from filelock import FileLock, Timeout

from bench import ROOT
from bench.gate_replay import FAILED, StudyError, as_markdown, label_of, live_markdown, rates_of, read_groups
from bench.gate_trees import CASES, EFFECTS, UnknownKernelError, make_own, make_suite, slow_own, slow_test
from fastsym._console import Quiet, Tell, progress_bar
from fastsym.regression.checkouts import check_out, workshop
from fastsym.regression.child import Side
from fastsym.regression.decision import EVERYTHING
from fastsym.regression.exploration import Exploration, explore
from fastsym.regression.findings import Report
from fastsym.regression.lockstep import record_triple
from fastsym.regression.outcome import CannotJudgeError, SideFailedError
from fastsym.regression.repository import open_repository
from fastsym.regression.runner import run
from fastsym.regression.settings import combine, read_project
from fastsym.regression.sides import copy_worker
from fastsym.regression.triples import Sample
from fastsym.timing.machine import describe_machine

BURST_SECONDS = 0.1, 2.0
RECORDING_SECONDS = 3600.0
GROUPS, REPLAYS = 120, 300
COLUMNS = Sample._fields
BUDGET_SECONDS = 180.0
LIVE_FOLDER = "live"
LOG = "study.log"
LOG_SECONDS = 10.0
RECORDING_SHARE = 0.35
"""Of the time, at least: for recordings."""


class Condition(StrEnum):
    """What else the machine does meanwhile."""

    quiet = "quiet"
    busy = "busy"


class Suite(StrEnum):
    """What is timed."""

    suite = "suite"
    own = "own"


class Live(NamedTuple):
    """A kind of live run."""

    suite: Suite
    condition: Condition
    effect: float


class Surroundings(NamedTuple):
    """Where a study writes, whom it tells, and when it ends."""

    out: Path
    work: Path
    tell: Tell
    asked: threading.Event
    """To stop after what is in flight."""
    until: float = np.inf
    """On the clock of ``time.monotonic``."""

    def over(self, seconds: float = 0.0) -> bool:
        """Whether there is no time for what takes so long."""
        return self.asked.is_set() or time.monotonic() + seconds > self.until


def _live_plan() -> list[Live]:
    """Order live runs so that the most telling ones are there whenever it ends."""
    quiet, busy = (Suite.suite, Condition.quiet), (Suite.suite, Condition.busy)
    own, own_busy = (Suite.own, Condition.quiet), (Suite.own, Condition.busy)
    turn = [Live(*quiet, 0.0), Live(*quiet, 0.05), Live(*busy, 0.0), Live(*quiet, 0.1), Live(*busy, 0.05)]
    turn += [Live(*own, 0.05), Live(*quiet, 0.0), Live(*busy, 0.1)]
    return [*turn, Live(*own, 0.0), *turn, Live(*own_busy, 0.05), *turn, Live(*own_busy, 0.0)]


LIVE_PLAN = _live_plan()
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
Out = Annotated[Path, typer.Option(help="Folder of the recordings and tables.")]
Work = Annotated[Path, typer.Option(help="Folder for the repositories that are timed.")]
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
    runs: Annotated[int, typer.Option(min=1, help="Whole runs of each amount of extra work.")] = 1,
    budget: Annotated[float | None, typer.Option(help="Seconds of each; default 180.")] = None,
    out: Out = OUT,
    work: Work = WORK,
    quiet: Quiet = False,
) -> None:
    """Run the whole gate, once and again, until there are so many runs of each; adds to ``live.csv``."""
    plan = [Live(suite, condition, effect) for _ in range(runs) for effect in EFFECTS]
    with told(out), progress_bar(quiet) as tell, finishing() as asked:
        _live_runs(plan, budget, Surroundings(out, work, tell, asked))
    typer.echo(live_markdown(pd.read_csv(out / "live.csv")))


def _live_runs(plan: Sequence[Live], budget: float | None, around: Surroundings) -> None:
    """Make the runs of a plan that are not there yet, while there is time for the next; one that fails is noted."""
    out, path = around.out, around.out / "live.csv"
    (out / LIVE_FOLDER).mkdir(exist_ok=True)
    folders: dict[Suite, Path] = {}
    there: Counter[tuple[str, str, float]] = Counter()
    if path.exists():
        rows = pd.read_csv(path)
        there.update((row.suite, row.condition, row.effect) for row in rows[rows["outcome"] != FAILED].itertuples())
    numbers = Counter(there)
    for kind in plan:
        key = (kind.suite.value, kind.condition.value, kind.effect)
        if there[key]:
            there[key] -= 1
            continue
        seconds = budget if budget is not None else BUDGET_SECONDS
        if around.over(seconds):
            return
        folders[kind.suite] = folders.get(kind.suite) or make(kind.suite, around.work / f"live-{kind.suite}")
        row = _one_live_run(kind, folders[kind.suite], numbers[key], seconds, out, around.tell)
        numbers[key] += 1
        append(path, pd.DataFrame([row]).to_csv(index=False, header=not path.exists()))
        log(out, f"live {kind.suite}, {kind.condition}, {kind.effect:.0%}: {row['outcome']}: {row['reason']}")


def _one_live_run(kind: Live, folder: Path, number: int, budget: float, out: Path, tell: Tell) -> dict[str, object]:
    suite, condition, effect = kind
    seed = (
        100_000 * [*Suite].index(suite) + 50_000 * [*Condition].index(condition) + 1000 * number + round(100 * effect)
    )
    work, units = CASES[int(np.random.default_rng(seed).integers(len(CASES)))]
    test = f"{work}-{units}" if suite is Suite.suite else "simd"
    about = {"suite": suite.value, "condition": condition.value, "effect": effect, "test": test, "budget": budget}
    began = time.monotonic()
    try:
        if suite is Suite.suite:
            slow_test(folder, test, effect)
        else:
            slow_own(folder, effect)
        settings = combine(read_project(folder), {"against": "HEAD", "budget": budget, "seed": seed})
        with neighbourly(condition, seed):
            report = run(open_repository(folder), settings, tell)
    except Exception as error:  # whatever it was, the runs after it are worth having
        report = Report(FAILED, f"{type(error).__name__}: {error}", seconds=time.monotonic() - began)
    samples = pd.DataFrame(report.samples, columns=list(COLUMNS))
    name = f"{suite}-{condition}-{seed}.csv.gz"
    samples.to_csv(out / LIVE_FOLDER / name, index=False, float_format="%.6g")
    named = named_slower(report)
    right = {name for name in named if f"[{test}" in name or (suite is Suite.own and effect)}
    return about | {
        "outcome": report.outcome,
        "found": bool(right) and effect > 0,
        "false_alarm": bool(named - (right if effect else set())),
        "named": "; ".join(sorted(named)),
        "tests": len({sample.test for sample in report.samples}),
        "triples": len({sample.triple for sample in report.samples}),
        "seconds": round(report.seconds, 1),
        "seed": seed,
        "reason": " ".join(report.reason.split())[:300],
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
    with told(out), progress_bar(quiet) as tell, finishing() as asked:
        _record(suite, condition, groups, Surroundings(out, work, tell, asked))


def _record(suite: Suite, condition: Condition, groups: int, around: Surroundings) -> None:
    """Record the groups that are not there yet, as long as there is time."""
    out = around.out
    path = out / f"{suite}-{condition}.csv"
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
    folder = make(suite, around.work / f"record-{suite}")
    with workshop() as place:
        (place.folder / "plugins").mkdir()
        copy_worker(place.folder / "plugins")
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
                if around.over():
                    return
                around.tell(number / groups, f"group {number + 1} of {groups}, {suite}, {condition}")
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


@app.command()
def table(
    out: Out = OUT,
    replays: Annotated[int, typer.Option(min=5, help="Decisions for each row.")] = REPLAYS,
    quiet: Quiet = False,
) -> None:
    """Replay decisions on what is recorded; write rates.csv, and sum up the live runs."""
    with told(out), progress_bar(quiet) as tell:
        _table(out, replays, tell)


def _table(out: Path, replays: int, tell: Tell) -> None:
    rows: list[dict[str, object]] = []
    for suite in Suite:
        for condition in Condition:
            path = out / f"{suite}-{condition}.csv"
            if not path.exists():
                continue
            try:
                rows += rates_of(read_groups(path), condition.value, suite.value, replays, tell)
            except StudyError as error:  # too short so far; the others are worth a table
                log(out, f"left out: {error}")
    there = (out / "live.csv").exists()
    if not rows and not there:
        raise StudyError(f"{out}: expected a recording; got none; record one first")
    if rows:
        rates = pd.DataFrame(rows)
        (out / "rates.csv").write_text(rates.to_csv(index=False, float_format="%.6g"), encoding="utf-8")
        typer.echo(as_markdown(rates))
    if there:
        typer.echo(live_markdown(pd.read_csv(out / "live.csv")))


@app.command(name="all")
def everything(
    minutes: Annotated[float, typer.Option(min=0, help="For everything; what is there already costs nothing.")] = 80.0,
    budget: Annotated[float | None, typer.Option(help="Seconds of a live run; default 180.")] = None,
    groups: Annotated[int, typer.Option(min=1, help="Most groups of each recording.")] = GROUPS,
    replays: Annotated[int, typer.Option(min=5, help="Decisions for each row.")] = REPLAYS,
    out: Out = OUT,
    work: Work = WORK,
) -> None:
    """Make the live runs first, then record as many groups as there is time for, and make the tables."""
    end = time.monotonic() + 60 * minutes
    with told(out), finishing() as asked:
        last = 0.0

        def tell(_fraction: float, doing: str) -> None:
            nonlocal last
            if time.monotonic() - last > LOG_SECONDS:
                last = time.monotonic()
                log(out, doing)

        most = RECORDING_SHARE * 60 * minutes
        around = Surroundings(out, work, tell, asked)
        _live_runs(LIVE_PLAN, budget, around._replace(until=end - most))
        for left, condition in zip((2, 1), Condition, strict=True):
            until = time.monotonic() + (end - time.monotonic()) / left
            try:
                _record(Suite.suite, condition, groups, around._replace(until=until))
            except (CannotJudgeError, SideFailedError) as error:
                log(out, f"recording, {condition}: {error}")
        _table(out, replays, tell)


def log(out: Path, text: str) -> None:
    """Add a line to the study's log, and show it."""
    line = f"{time.strftime('%H:%M:%S')}  {text}"
    append(out / LOG, f"{line}\n")
    typer.echo(line, err=True)


if __name__ == "__main__":
    app()
