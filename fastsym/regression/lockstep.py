"""Process triples: fresh workers of all sides that walk through the same tests in lockstep and take turns.

Where a process's memory lies, and in which cache sets, shifts all its times together. So one process gives one number
per test however long it runs, and the triple, with one process of each side, is what is repeated.
"""

import statistics
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastsym.regression.child import Child, Message, Side, children, processors
from fastsym.regression.outcome import CannotJudgeError, SideFailedError
from fastsym.regression.triples import Sample

BLOCK_SECONDS = 0.003
"""Long against reading a clock. Longer ones buy nothing: a process is lucky or unlucky as a whole."""
TURNS = 4
"""Blocks of each side and test in a process; fewer where one call is long."""
LONG_SECONDS = 0.05
"""Of all turns of one side."""
WARM_BELOW_SECONDS = 0.01
"""Shorter calls have one block that is not kept, because a process's first calls are slower."""
TRIAL_SECONDS = 0.001
SEVERAL_THREADS = 1.1
"""Processor time of the whole process over that of the calling thread, from which on a test has several."""
GROWTH = 2.0


@dataclass(frozen=True)
class Test:
    """A benchmark, as pytest collected it."""

    name: str
    """Its node id."""
    group: str
    """Its class; empty if it is in none."""

    @property
    def module(self) -> str:
        """Its file."""
        return self.name.partition("::")[0]


@dataclass(frozen=True)
class Manner:
    """How a test is timed."""

    seconds: float
    """Of one call."""
    first_seconds: float
    """Until a process has made the first one, its fixtures included."""
    calls: int
    """In a block."""
    turns: int
    once: bool
    """Only the first call of a process counts."""
    several_threads: bool

    @property
    def cost_seconds(self) -> float:
        """For a triple."""
        blocks = self.turns + (0.5 if self.seconds < WARM_BELOW_SECONDS else 0.0)
        own = self.seconds if self.once else self.seconds * self.calls * blocks
        return 0.002 + self.first_seconds + 3 * own


def turns(labels: Sequence[str], rng: np.random.Generator, count: int) -> Iterator[str]:
    """Yield whose turn it is: A B C C B A, then perhaps C A B B A C, so that a steady drift cancels.

    Parameters
    ----------
    labels
        The sides.
    rng
        Shuffles them anew for every two rounds.
    count
        Rounds; each has one turn of every side.
    """
    order: list[str] = []
    for number in range(count):
        order = [labels[i] for i in rng.permutation(len(labels))] if number % 2 == 0 else order[::-1]
        yield from order


def order_of(tests: Sequence[Test], chosen: Collection[str], rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """Put tests in the order of a run: modules shuffled, inside a module as in the file.

    Returns
    -------
    tuple of list
        What to run, and which of it is only to be called once and not timed: the other tests of a class of which one
        is chosen, because tests of a class may leave something for the next.
    """
    groups = {test.group for test in tests if test.name in chosen and test.group}
    needed = [test for test in tests if test.name in chosen or test.group in groups]
    modules = list(dict.fromkeys(test.module for test in needed))
    place = dict(zip(modules, rng.permutation(len(modules)).tolist(), strict=True))
    run = sorted(needed, key=lambda test: place[test.module])
    return [test.name for test in run], [test.name for test in run if test.name not in chosen]


@dataclass
class Step:
    """How one test went in a triple."""

    ready: dict[str, Message] = field(default_factory=dict)
    """Label -> what the first call took and gave."""
    once: bool = False
    seconds: float = 0.0
    """From the start until all were ready."""
    finished: dict[str, Message] = field(default_factory=dict)
    """Label -> outcome."""


class Triple:
    """Running workers, one of each side."""

    def __init__(self, running: Mapping[str, Child], rng: np.random.Generator, deadline: float) -> None:
        self.running, self.deadline = running, deadline
        self.rng = rng
        self.labels = list(running)
        self.allowed = processors()
        self.one = None if self.allowed is None else [int(rng.choice(self.allowed))]

    def collected(self) -> dict[str, Message]:
        """Wait until all sides have collected their tests."""
        return {label: child.answer(self.deadline) for label, child in self.running.items()}

    def run(self, names: Sequence[str], untimed: Sequence[str] = ()) -> None:
        """Tell all sides what to run."""
        self.ask(self.labels, run=list(names), untimed=list(untimed))

    def ask(self, labels: Collection[str], **message: Any) -> None:
        """Send the same to several sides."""
        for label in labels:
            self.running[label].ask(**message)

    def answers(self, labels: Collection[str]) -> dict[str, Message]:
        """Wait for several sides."""
        return {label: self.running[label].answer(self.deadline) for label in labels}

    def begin(self, *, compare: bool = False, pinned: bool = False) -> Step:
        """Let all sides make the first call of the next test."""
        step = Step()
        start = time.monotonic()
        processors = self.one if pinned else self.allowed
        begun = []
        for label, answer in self.answers(self.labels).items():
            if "finished" in answer:
                step.finished[label] = answer
            else:
                begun.append(label)
                step.once |= answer["once"]
        order = [begun[i] for i in self.rng.permutation(len(begun))]
        for group in [[label] for label in order] if step.once else [order]:  # a call that counts is made alone
            self.ask(group, first=True, processors=processors, compare=compare)
            for label, answer in self.answers(group).items():
                (step.ready if "ready" in answer else step.finished)[label] = answer
        step.seconds = time.monotonic() - start
        return step

    def stop(self) -> dict[str, Message]:
        """Let all sides leave out the tests that have not begun, and wait until they are through."""
        ends = {}
        for label, child in self.running.items():
            while "end" not in (answer := child.answer(self.deadline)):
                if "begun" in answer:
                    child.ask(stop=True)
            ends[label] = answer
        return ends

    def finish(self, step: Step) -> None:
        """Let the sides that wait go on to the end of the test."""
        self.ask(step.ready, done=True)
        step.finished |= self.answers(step.ready)

    def whole(self, step: Step) -> bool:
        """Whether all sides are ready to be timed."""
        return step.ready.keys() == self.running.keys()

    def block(self, label: str, calls: int, processors: list[int] | None) -> Message:
        """Time so many calls of one side, while the others wait."""
        self.running[label].ask(time=calls, processors=processors)
        return self.running[label].answer(self.deadline)

    def end(self) -> dict[str, Message]:
        """Wait until all sides are through."""
        return self.answers(self.labels)

    def leave(self) -> None:
        """Let all sides clean up and end."""
        for child in self.running.values():
            child.ask(bye=True, processors=self.allowed)
        for child in self.running.values():
            child.leave()

    def manner(self, step: Step) -> tuple[Manner, bool]:
        """Find out, all sides at once, how long a call takes; and whether calls become slower.

        Returns
        -------
        tuple
            How to time the test, and whether its calls take twice as long the second time, on every side.
        """
        if step.once:
            seconds = min(message["wall"] for message in step.ready.values())
            return Manner(seconds, step.seconds, 1, 1, once=True, several_threads=False), False
        self.ask(self.labels, time=1, processors=self.allowed)
        second = self.answers(self.labels)
        calls = max(1, min(1000, round(TRIAL_SECONDS / max(1e-7, min(m["wall"] for m in second.values())))))
        rounds = []
        for _ in range(2):
            self.ask(self.labels, time=calls, processors=self.allowed)
            rounds.append(self.answers(self.labels))
        seconds = max(1e-7, min(m["wall"] for m in rounds[1].values()) / calls)
        grown = min(rounds[1][label]["processor"] / max(rounds[0][label]["processor"], 1e-7) for label in self.labels)
        several = (
            max(m["processor"] / max(m["thread"], 1e-7) for m in rounds[1].values() if m["processor"] > 1e-5)
            if (any(m["processor"] > 1e-5 for m in rounds[1].values()))
            else 1.0
        )
        count = max(1, min(TURNS, round(LONG_SECONDS / seconds)))
        made = Manner(
            seconds,
            step.seconds,
            max(1, round(BLOCK_SECONDS / seconds)),
            count,
            once=False,
            several_threads=several > SEVERAL_THREADS,
        )
        return made, calls > 1 and grown > GROWTH

    def time(self, step: Step, manner: Manner) -> dict[str, list[Message]] | None:
        """Time a test's blocks in turns; None if something was compiled in one."""
        if step.once:
            return {label: [message] for label, message in step.ready.items()}
        processors = self.allowed if manner.several_threads else self.one
        if manner.seconds < WARM_BELOW_SECONDS:
            for label in self.labels:
                self.block(label, max(1, manner.calls // 2), processors)
        blocks: dict[str, list[Message]] = {label: [] for label in self.labels}
        for label in turns(self.labels, self.rng, manner.turns):
            blocks[label].append(self.block(label, manner.calls, processors))
        if any(block["compiled"] for messages in blocks.values() for block in messages):
            return None
        return blocks


def sample(stage: str, number: int, test: str, label: str, blocks: Sequence[Message], calls: int) -> Sample:
    """Make one number of a process's blocks: their median."""

    def middle(values: Iterator[float]) -> float:
        return max(statistics.median(values) / calls, 1e-9)

    return Sample(
        stage,
        number,
        test,
        label,
        middle(block["processor"] for block in blocks),
        # A thread that only waits for its processor does not make the others wait longer than they did.
        middle(max(block["wall"] - block["wait"], block["thread"]) for block in blocks),
        middle(block["wall"] for block in blocks),
    )


@dataclass
class Recorded:
    """What a timed triple gave."""

    samples: list[Sample] = field(default_factory=list)
    first_seconds: dict[str, float] = field(default_factory=dict)
    """Test -> until all sides had made its first call, caches filled."""
    void: list[str] = field(default_factory=list)
    """Tests in which something was compiled in a timed block."""
    failed: list[tuple[str, str, str]] = field(default_factory=list)
    """Test, label and reason of what failed although it did not at first."""


def record_triple(
    sides: Sequence[Side],
    tests: Sequence[Test],
    manners: Mapping[str, Manner],
    rng: np.random.Generator,
    *,
    stage: str,
    number: int,
    timeout_seconds: float,
    into: list[Sample],
) -> Recorded:
    """Start one fresh process per side, let them take turns, and end them.

    Tests on one thread are pinned to one processor, drawn anew for each triple and the same for all sides; tests on
    several threads may use all that the gate may use. A process that waits for its turn sleeps on its socket.

    Parameters
    ----------
    sides
        Base, control and head.
    tests
        All that there are.
    manners
        What to time, and how.
    rng
        Draws all orders, the processor and the seed of the workers.
    stage, number
        To enter in the samples.
    timeout_seconds
        For the whole triple.
    into
        Takes each test's samples as soon as they are there, so that an interruption loses little.

    Raises
    ------
    CannotJudgeError
        If a process was killed or hangs.
    SideFailedError
        If the code of a side ends its process.
    """
    deadline = time.monotonic() + timeout_seconds
    started = [sides[i] for i in rng.permutation(len(sides))]
    run, untimed = order_of(tests, manners.keys(), rng)
    files = {side.label: list(dict.fromkeys(name.partition("::")[0] for name in run)) for side in sides}
    recorded = Recorded()
    with children(started, int(rng.integers(2**32)), files) as running:
        triple = Triple(running, rng, deadline)
        for label, answer in triple.collected().items():
            missing = {*run} - {name for name, _ in answer["collected"]}
            if missing:
                raise CannotJudgeError(
                    f"{label}: expected the same tests in every process; got no {min(missing)}; give the benchmarks "
                    "names that chance does not choose"
                )
        triple.run(run, untimed)
        for name in run:
            if name in untimed:
                triple.answers(triple.labels)
                continue
            # A first call that does not count may take whatever processor is free.
            step = begin(triple, name, pinned=manners[name].once and not manners[name].several_threads)
            recorded.first_seconds[name] = step.seconds
            blocks = None
            if triple.whole(step):
                blocks = triple.time(step, manners[name])
                if blocks is None:
                    recorded.void.append(name)
            triple.finish(step)
            bad = [(name, label, m["why"]) for label, m in step.finished.items() if m["outcome"] == "failed"]
            recorded.failed += [] if any(m["stats_read"] for m in step.finished.values()) else bad
            if blocks is not None and not bad:
                calls = 1 if step.once else manners[name].calls
                made = [sample(stage, number, name, label, found, calls) for label, found in blocks.items()]
                recorded.samples += made
                into += made
        triple.end()
        triple.leave()
    return recorded


def begin(triple: Triple, name: str, **options: bool) -> Step:
    """Begin a test; what ends a process meanwhile is said to have happened in it."""
    try:
        return triple.begin(**options)
    except SideFailedError as error:
        raise SideFailedError(error.label, f"{name}: {error.reason}") from error
    except CannotJudgeError as error:
        raise CannotJudgeError(f"{name}: {error}") from error
