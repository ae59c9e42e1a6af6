"""The first, untimed triple: which tests there are, how they end, what they cost, and what they are made of.

It also fills all caches. Whatever a timed triple does not have to find out is found out here.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fastsym.regression import assembly, codediff
from fastsym.regression.child import Message, Side, children
from fastsym.regression.lockstep import Manner, Step, Test, Triple, begin
from fastsym.regression.outcome import DISK_FULL, CannotJudgeError, disk_full
from fastsym.regression.returned import describe
from fastsym.regression.settings import Code

ASSEMBLY = Path(assembly.__file__)
SHOWN = 3
MOST_OF_THE_TIME = 0.5
"""After so much of it no test begins its first run any more: those that had one are then timed."""
NO_TIME = "there was no time for its first run: allow more with --budget"


class CodeLostError(Exception):
    """The machine code of the head is worse, and that is to fail the run."""


@dataclass
class Exploration:
    """What the first triple found."""

    tests: list[Test] = field(default_factory=list)
    """All that both sides have, in the order of the files."""
    manners: dict[str, Manner] = field(default_factory=dict)
    """Test -> how to time it."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Test -> why it cannot be timed."""
    failing: dict[str, str] = field(default_factory=dict)
    """Test -> how it failed, of those that fail on the head alone."""
    notes: list[str] = field(default_factory=list)
    opened: set[str] = field(default_factory=set)
    """Files of the checkouts that either side read."""
    programs: bool = False
    """Whether a test started another program, whose reading is not seen."""
    modules: dict[str, str] = field(default_factory=dict)
    """The head's: name -> file."""
    fingerprints: dict[str, Message] = field(default_factory=dict)
    """Label -> machine code."""
    versions: dict[str, str] = field(default_factory=dict)
    documents_only: bool = False
    """The run was ended after collecting, because nothing but documentation differs."""


def explore(
    sides: Sequence[Side],
    rng: np.random.Generator,
    deadline: float,
    code: Code,
    found: Exploration,
    collected: Callable[[Collection[str]], bool],
    tell: Callable[[str], None],
) -> None:
    """Run all tests once on all sides.

    Parameters
    ----------
    sides
        Base, control and head.
    rng
        Draws the seed of the workers.
    deadline
        On the clock of ``time.monotonic``.
    code
        Whether to compare machine code, and whether a loss ends the run.
    found
        Filled in as it goes.
    collected
        Called with the files that were opened while collecting; if it returns True, that is all.
    tell
        Called with what is done next.

    Raises
    ------
    CannotJudgeError
        If there is no test, or a process hangs or was killed.
    SideFailedError
        If a side's process ends.
    CodeLostError
        If the head's machine code is worse, and ``code`` is ``"fail"``.
    """
    with children(sides, int(rng.integers(2**32)), watch=True) as running:
        triple = Triple(running, rng, deadline)
        tell("collecting the tests")
        answers = triple.collected()
        found.versions = answers["head"]["versions"]
        found.opened |= {name for answer in answers.values() for name in answer["files"]}
        _common_tests(answers, found)
        if collected(found.opened):
            found.documents_only = True
            return
        names = [test.name for test in found.tests]
        triple.run(names)
        kernels = _Kernels(code, found.fingerprints)
        began = time.monotonic()
        latest = began + MOST_OF_THE_TIME * (deadline - began)
        for number, name in enumerate(names):
            if time.monotonic() > latest and found.manners:
                found.left_out |= dict.fromkeys(names[number:], NO_TIME)
                break
            tell(f"first run of test {number + 1} of {len(names)}")
            _first_run(triple, name, found, kernels)
        ends = triple.stop() if NO_TIME in found.left_out.values() else triple.end()
        kernels.compare(triple, whole=True)
        triple.leave()
    found.opened |= {name for answer in ends.values() for name in answer["files"]}
    found.programs = any(answer["programs"] for answer in ends.values())
    found.modules = ends["head"]["modules"]


def _common_tests(answers: Mapping[str, Message], found: Exploration) -> None:
    base, head = (dict(answers[label]["collected"]) for label in ("base", "head"))
    broken = answers["base"]["broken"], answers["head"]["broken"]
    for name, why in broken[1].items():
        if name in broken[0]:
            found.left_out[name] = f"cannot be imported on either side: {last_line(why)}"
        elif any(test.partition("::")[0] == name for test in base):
            found.failing[name] = f"cannot be imported: {last_line(why)}"
        else:
            found.left_out[name] = f"is new, and cannot be imported: {last_line(why)}"
    for name, why in broken[0].items():
        if name not in broken[1]:
            found.left_out[name] = f"cannot be imported at the base: {last_line(why)}"
    both = [name for name in head if name in base]
    for label, only in (("head", [n for n in head if n not in base]), ("base", [n for n in base if n not in head])):
        only = [name for name in only if name.partition("::")[0] not in {**broken[0], **broken[1]}]
        if only:
            more = f" and {len(only) - SHOWN} more" if len(only) > SHOWN else ""
            found.notes.append(f"only at the {label}, not compared: {', '.join(only[:SHOWN])}{more}")
    found.tests = [Test(name, head[name]) for name in both]
    if not both and not found.failing:
        why = next(iter(found.left_out.items()), None)
        raise CannotJudgeError(
            f"tests: expected some on both sides that request the benchmark fixture; got {len(base)} at the base and "
            f"{len(head)} at the head"
            + (f" ({why[0]} {why[1]})" if why else "")
            + "; name others with --bench, use --carry if the base has none, or --prepare if it has to be built"
        )


def last_line(why: str) -> str:
    """Return the end of a text of pytest's, which says what went wrong."""
    lines = [line for line in why.splitlines() if line.strip()]
    return lines[-1].removeprefix("E").strip() if lines else "no reason given"


class _Kernels:
    """Compares machine code as it comes."""

    def __init__(self, code: Code, fingerprints: dict[str, Message]) -> None:
        self._code, self.fingerprints = code, fingerprints

    def compare(self, triple: Triple, *, whole: bool = False) -> None:
        """Take the fingerprints of what was compiled since; end the run if the head has lost something."""
        if self._code == "off" or (self._code == "report" and not whole):
            return
        labels = [label for label in ("base", "head") if label in triple.labels]
        triple.ask(labels, fingerprint=str(ASSEMBLY))
        new = {label: answer["fingerprints"] for label, answer in triple.answers(labels).items()}
        self.fingerprints.update({label: found for label, found in new.items() if found is not None})
        if self._code == "fail" and any(new.values()) and self.fingerprints.keys() == {*labels}:
            differences = codediff.compare(self.fingerprints["base"], self.fingerprints["head"], whole=whole)
            if any(difference.fails for difference in differences):
                raise CodeLostError


def _first_run(triple: Triple, name: str, found: Exploration, kernels: _Kernels) -> None:
    step = begin(triple, name, compare=True)
    grown = repeats = False
    if triple.whole(step):
        kernels.compare(triple)
        manner, grown = triple.manner(step)
        found.manners[name] = manner
        if not manner.once:
            triple.ask(triple.labels, repeat=True)
            again = {label: answer["result"] for label, answer in triple.answers(triple.labels).items()}
            repeats = any(
                (r := step.ready[label]["result"]) is not None
                and again[label] is not None
                and r["digest"] != again[label]["digest"]
                for label in triple.labels
            )
    triple.finish(step)
    _judge_outcomes(step, name, found)
    if name not in found.left_out and name not in found.failing:
        if grown:
            found.notes.append(f"{name} changes with repetition: its calls become slower, so it is timed as it grows")
        elif repeats:
            found.notes.append(f"{name} changes with repetition: later calls return something else than the first")
        results = {label: message["result"] for label, message in step.ready.items()}
        differs = describe(results.get("base"), results.get("head"))
        if differs is not None and describe(results.get("base"), results.get("control")) is None:
            found.notes.append(f"{name}: the head returns {differs}")
    else:
        found.manners.pop(name, None)


def _judge_outcomes(step: Step, name: str, found: Exploration) -> None:
    """Say of a test that is not timed why, and of one that fails on the head alone that it does."""
    outcomes = {label: message["outcome"] for label, message in step.finished.items()}
    reasons = {label: message["why"] for label, message in step.finished.items()}
    for label, reason in reasons.items():
        if DISK_FULL in reason:
            raise disk_full(label)
    failed = [label for label, outcome in outcomes.items() if outcome == "failed"]
    if failed:
        why = last_line(reasons[failed[-1]])
        if any(step.finished[label]["stats_read"] for label in failed):
            found.left_out[name] = f"asserts on its own time: {why}"
        elif failed == ["head"]:
            found.failing[name] = reasons["head"]
        elif "head" in failed:
            found.left_out[name] = f"fails on both sides: {why}"
        else:
            found.left_out[name] = f"fails at the {failed[0]}: {why}"
    elif "skipped" in outcomes.values():
        label = next(label for label, outcome in outcomes.items() if outcome == "skipped")
        found.left_out[name] = f"is skipped: {reasons[label]}"
    elif name not in found.manners:
        found.left_out[name] = "does not call its benchmark fixture"


def fails_again(
    sides: Sequence[Side], tests: Sequence[Test], names: Collection[str], rng: np.random.Generator, deadline: float
) -> dict[str, str]:
    """Run tests that failed on the head alone once more, on the head and the base.

    Returns
    -------
    dict
        Test -> how it failed, of those that failed on the head again, and not on the base.
    """
    wanted = [test for test in tests if test.name in names or (test.group and test.group in _groups(tests, names))]
    if not wanted:
        return {}
    run = [test.name for test in wanted]
    files = list(dict.fromkeys(test.module for test in wanted))
    chosen = [side for side in sides if side.label != "control"]
    failing: dict[str, str] = {}
    with children(chosen, int(rng.integers(2**32)), {side.label: files for side in chosen}) as running:
        triple = Triple(running, rng, deadline)
        triple.collected()
        triple.run(run)
        for name in run:
            step = begin(triple, name)
            triple.finish(step)
            if step.finished["head"]["outcome"] == "failed" and step.finished["base"]["outcome"] != "failed":
                failing[name] = step.finished["head"]["why"]
        triple.end()
        triple.leave()
    return {name: why for name, why in failing.items() if name in names}


def _groups(tests: Sequence[Test], names: Collection[str]) -> set[str]:
    return {test.group for test in tests if test.name in names}
