"""A whole run of the gate: check the sides out, run everything once, then screen, confirm and decide."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fastsym._console import Tell
from fastsym.regression import codediff, preparation, sources
from fastsym.regression.checkouts import Workshop, check_out, workshop
from fastsym.regression.decision import MOST_KEPT, Kept, decide, enough, screen
from fastsym.regression.exploration import NO_TIME, CodeLostError, Exploration, explore, fails_again, last_line
from fastsym.regression.findings import Report, Revision
from fastsym.regression.lockstep import Manner, Recorded, record_triple
from fastsym.regression.outcome import CANNOT_JUDGE, PASS, SLOWER, CannotJudgeError, SideFailedError
from fastsym.regression.plan import LARGEST_SHARE, MOST_CONFIRMATION, Plan, make_plan
from fastsym.regression.repository import Repository
from fastsym.regression.settings import Settings
from fastsym.regression.sides import Clock, Sides, make_plugins
from fastsym.regression.triples import Sample
from fastsym.timing.machine import describe_machine

PATIENCE = 3
"""So many times as long as the longest triple before it may a triple take, though the time be up."""
FRESH_SHARE = 0.1
"""Of the time: confirmation has fresh checkouts if making them, caches filled, takes no more."""
QUICK_SECONDS = 0.1
"""Tests whose first call took longer are rehearsed: with filled caches it may be quick."""
PANEL = 20
"""Tests on which a change of everything is confirmed."""
RESERVE_SECONDS = 2.0
"""For ending."""
FUNCTIONS_SHOWN = 5
SCREENING_SHARE = 0.35
"""Of the time from there on, as simulated (``bench/gate_plan.py``): while it lasts, screening goes on."""
MOST_SCREENING = 8


class Limits(NamedTuple):
    """How many triples a stage has."""

    least: int
    most: int
    until: float
    """Seconds of the run after which no triple beyond the least begins."""


def run(repository: Repository, settings: Settings, tell: Tell) -> Report:
    """Compare the working tree with another revision.

    Parameters
    ----------
    repository
        The checkout; its working tree as it is now is the head, files that are not committed included.
    settings
        What to do.
    tell
        Called with the fraction of the time that is spent, and what comes next.

    Returns
    -------
    Report
        Also if the revisions cannot be compared; it then says why, and holds what was recorded.
    """
    seed = secrets.randbits(32) if settings.seed is None else settings.seed
    report = Report(seed=seed, bar=settings.bar)
    clock = Clock(settings.budget, tell)
    try:
        _compare(repository, settings, clock, report)
    except CannotJudgeError as error:
        report.end("cannot judge", str(error), CANNOT_JUDGE)
    except SideFailedError as error:
        if error.label == "head":
            report.end("wrong", f"the head fails: {error.reason}", SLOWER)
        else:
            reason = f"the {error.label} fails: {error.reason}; name another with --against"
            report.end("cannot judge", reason, CANNOT_JUDGE)
    report.seconds = clock.spent
    described = describe_machine()
    report.machine = {name: described[name] for name in ("cpu", "cores", "system")}
    return report


def _compare(repository: Repository, settings: Settings, clock: Clock, report: Report) -> None:
    base = repository.commit(settings.against) if settings.against is not None else repository.usual_base()
    head = repository.commit("HEAD")
    report.base, report.head = Revision(base, repository.title(base)), Revision(head, repository.title(head))
    clock.tell("checking out")
    with workshop() as place:
        place.notes = report.notes
        beside = make_plugins(place, repository, settings)
        sides = Sides(repository, settings, place, base, head, beside)
        sides.check_out()
        trees = {side.label: side.tree.path for side in sides.sides}
        report.head = replace(report.head, changed=_changed(repository, head, trees["head"], place))
        differing = sources.differing_files(trees["base"], trees["head"])
        if not differing:
            same = "base and head hold the same files"
            if unlike := sources.differing_files(trees["base"], trees["head"], layout=True):
                same = f"only comments and the layout of Python code differ ({_some(unlike)})"
            report.end("pass", f"{same}, so there is nothing to time", PASS)
            return
        sides.build(clock)
        _Session(sides, settings, clock, report, np.random.default_rng(report.seed)).run(differing)


def _changed(repository: Repository, commit: str, tree: Path, place: Workshop) -> tuple[str, ...]:
    """List in what the working tree, as it was checked out, differs from HEAD."""
    clean = place.tree()
    check_out(repository, commit, clean, place)
    try:
        return tuple(sources.differing_files(clean.path, tree))
    finally:
        clean.remove()


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


@dataclass
class _Session:
    """One run, after the sides are there."""

    sides: Sides
    settings: Settings
    clock: Clock
    report: Report
    rng: np.random.Generator
    longest: float = 0.0
    """Seconds that a triple took."""
    triples: int = 0
    found: Exploration = field(default_factory=Exploration)
    flaky: set[str] = field(default_factory=set)
    """Tests that failed in a timed triple though they did not at first."""
    void: dict[str, int] = field(default_factory=dict)

    def run(self, differing: Sequence[str]) -> None:
        """Explore, then time what is worth it."""
        report, found, clock = self.report, self.found, self.clock
        began = clock.spent
        trees = {side.label: side.tree.path for side in self.sides.sides}

        def collected(opened: Collection[str]) -> bool:
            return sources.only_documents(differing, opened, trees["head"])

        try:
            explore(self.sides.sides, self.rng, clock.deadline, self.settings.code, found, collected, clock.tell)
        except CodeLostError:
            clock.tell("the machine code is worse")
        finally:
            report.notes += [note for note in found.notes if note not in report.notes]
            report.left_out, report.versions, report.fingerprints = found.left_out, found.versions, found.fingerprints
        if found.documents_only:
            report.end("pass", f"only documentation differs ({_some(differing)}), so there is nothing to time", PASS)
            return
        if self._worse_code(differing, trees) or self._wrong():
            return
        preparation.check_origin(found.modules, self.sides.repository.root, trees["head"], self.settings, report)
        whole = NO_TIME not in found.left_out.values()
        if whole and sources.untouched(differing, found.opened, programs=found.programs):
            count = len(found.tests)
            reason = f"nothing differs that the {count} tests load, so there is nothing to time"
            report.end("pass", reason, PASS)
            return
        self._time(clock.spent - began)

    def _worse_code(self, differing: Sequence[str], trees: Mapping[str, Path]) -> bool:
        report = self.report
        if not report.fingerprints.keys() >= {"base", "head"}:
            return False
        report.differences = codediff.compare(report.fingerprints["base"], report.fingerprints["head"])
        lost = [difference for difference in report.differences if difference.fails]
        if not lost:
            return False
        functions = sources.changed_functions(trees["base"], trees["head"], differing)
        more = f", and {len(functions) - FUNCTIONS_SHOWN} more" if len(functions) > FUNCTIONS_SHOWN else ""
        changed = f"; changed: {', '.join(functions[:FUNCTIONS_SHOWN])}{more}" if functions else ""
        also = f" (and {len(lost) - 1} more such losses)" if len(lost) > 1 else ""
        text = f"the machine code is worse: {lost[0]}{also}{changed}"
        if self.settings.code == "fail":
            report.end("slower", text, SLOWER)
            return True
        report.note(text)
        return False

    def _wrong(self) -> bool:
        if not self.found.failing:
            return False
        self.clock.tell("running again what fails at the head alone")
        imports = {name: why for name, why in self.found.failing.items() if why.startswith("cannot be imported")}
        again = imports | fails_again(
            self.sides.sides,
            self.found.tests,
            self.found.failing.keys() - imports.keys(),
            self.rng,
            self.clock.deadline,
        )
        for name in self.found.failing.keys() - again.keys():
            self.found.left_out[name] = "fails now and then"
        if again:
            name, why = next(iter(again.items()))
            more = f", and {len(again) - 1} more" if len(again) > 1 else ""
            self.report.end("wrong", f"{name} fails at the head alone{more}: {last_line(why)}", SLOWER)
        return bool(again)

    def _time(self, prepared_seconds: float) -> None:
        plan, manners, first_seconds = self._plan(prepared_seconds)
        kept = Kept(plan.tests, plan.tests, len(plan.tests) > 1, plan.tests)
        chosen = list(plan.tests)
        thresholds = []
        for look, (count, most) in enumerate(plan.screening):
            stage = "screening" if look == 0 else "second look"
            most = MOST_SCREENING if len(plan.screening) == 1 else count
            until = self.clock.spent + SCREENING_SHARE * (self.clock.left - RESERVE_SECONDS)
            doing = f"triple {{}} of {count} or more, {len(chosen)} tests, {stage}"
            self._record(stage, chosen, manners, Limits(count, most, until), doing)
            samples = [sample for sample in self.report.samples if sample.stage == stage]
            everything = kept.everything
            kept = screen(samples, self.settings.bar, most)
            thresholds.append(kept.threshold)
            kept = replace(kept, everything=everything if look else kept.everything, threshold=max(thresholds))
            chosen = list(kept.tests)
        if plan.screening and kept.everything:
            panel = self.rng.choice(plan.tests, min(PANEL, len(plan.tests)), replace=False)
            kept = replace(kept, panel=tuple(map(str, panel)))
        if kept and kept.tests:
            if plan.screening:
                self._fresh(first_seconds)
            doing = f"triple {{}} of at most {MOST_CONFIRMATION}, {len(kept.tests)} tests, confirmation"
            limits = Limits(0, MOST_CONFIRMATION, self.clock.budget_seconds - RESERVE_SECONDS)
            self._record("confirmation", kept.tests, manners, limits, doing, kept)
        self._decide(kept, plan)

    def _plan(self, prepared_seconds: float) -> tuple[Plan, dict[str, Manner], float]:
        """Find out what a triple costs now that all caches are filled; choose what there is time for."""
        found = self.found
        if not found.manners:
            shown = "; ".join(f"{name} {why}" for name, why in list(found.left_out.items())[:3])
            raise CannotJudgeError(f"tests: expected one that can be timed; got none; {shown}")
        self.clock.tell("rehearsing a triple")
        slow = {name: manner for name, manner in found.manners.items() if manner.first_seconds > QUICK_SECONDS}
        first = min(found.manners, key=lambda name: found.manners[name].cost_seconds)
        rehearsed = slow | {first: found.manners[first]}
        began = self.clock.spent
        recorded = self._triple("rehearsal", rehearsed, [])
        took = self.clock.spent - began
        manners = {
            name: replace(manner, first_seconds=recorded.first_seconds.get(name, manner.first_seconds))
            for name, manner in found.manners.items()
        }
        costs = {name: manner.cost_seconds for name, manner in manners.items()}
        start = max(0.1, took - sum(costs[name] for name in rehearsed))
        largest = LARGEST_SHARE * self.clock.budget_seconds
        for name in [name for name, cost in costs.items() if cost > largest]:
            found.left_out[name] = f"takes too long: {costs[name]:.1f} s, over a twentieth of the budget"
            del costs[name]
        fresh_seconds = prepared_seconds if len(costs) > MOST_KEPT and self._affords_fresh(prepared_seconds) else 0.0
        plan = make_plan(costs, start, self.clock.left - RESERVE_SECONDS - fresh_seconds, self.rng)
        if not plan.tests:
            raise CannotJudgeError(
                f"tests: expected time for at least one; got {max(0.0, self.clock.left):.0f} s left of "
                f"{self.settings.budget:.0f}, at {start:.1f} s to start a triple of processes; allow more with --budget"
            )
        if len(plan.tests) < len(costs):
            self.report.note(f"there was time for {len(plan.tests)} of {len(costs)} tests, drawn by chance")
        return plan, manners, prepared_seconds

    def _affords_fresh(self, first_seconds: float) -> bool:
        return first_seconds <= FRESH_SHARE * self.clock.budget_seconds

    def _fresh(self, first_seconds: float) -> None:
        """Give the confirmation other checkouts, because a checkout can be lucky or unlucky, too."""
        if not self._affords_fresh(first_seconds):
            self.sides.redraw(self.rng)
            self.report.note("confirmation used the same checkouts, because building others takes too long")
            return
        self.clock.tell("checking out anew")
        self.sides.check_out()
        self.sides.build(self.clock)
        again = Exploration()
        explore(self.sides.sides, self.rng, self.clock.deadline, "off", again, lambda _: False, lambda _: None)

    def _triple(self, stage: str, manners: Mapping[str, Manner], into: list[Sample]) -> Recorded:
        began = self.clock.spent
        recorded = record_triple(
            self.sides.sides,
            self.found.tests,
            manners,
            self.rng,
            stage=stage,
            number=self.triples,
            timeout_seconds=max(self.clock.left, PATIENCE * self.longest),
            into=into,
        )
        self.triples += 1
        self.longest = max(self.longest, self.clock.spent - began)
        for name in recorded.void:
            self.void[name] = self.void.get(name, 0) + 1
        self.flaky |= {name for name, _, _ in recorded.failed}
        return recorded

    def _record(
        self,
        stage: str,
        names: Sequence[str],
        manners: Mapping[str, Manner],
        limits: Limits,
        doing: str,
        kept: Kept | None = None,
    ) -> None:
        """Record triples of a stage until there are enough, or the time is up."""
        chosen, longest = {name: manners[name] for name in names}, 0.0
        for number in range(limits.most):
            if self.clock.left < longest or (number >= limits.least and self.clock.spent + longest > limits.until):
                return
            self.clock.tell(doing.format(number + 1))
            began = self.clock.spent
            self._triple(stage, chosen, self.report.samples)
            longest = max(longest, self.clock.spent - began)
            if kept is not None and enough(
                [s for s in self.report.samples if s.stage == stage], kept, self.settings.bar
            ):
                return

    def _decide(self, kept: Kept, plan: Plan) -> None:
        report = self.report
        for name, times in self.void.items():
            report.note(
                f"{name}: Numba compiled inside a timed block in {times} of {self.triples} triples, left out there"
            )
        for name in sorted(self.flaky):
            report.note(f"{name} fails now and then; those triples are left out")
        first = [sample for sample in report.samples if sample.stage != "confirmation"]
        second = [sample for sample in report.samples if sample.stage == "confirmation"]
        if not report.samples:
            raise CannotJudgeError("triples: expected some with times; got none; allow more with --budget")
        recorded = len({sample.triple for sample in second})
        planned = max(plan.confirmation, recorded)  # for what is said of tests that needed no confirmation
        report.decision = decide(first, second, kept, self.settings.bar, planned)
        report.end(report.decision.outcome, report.decision.reason, report.decision.exit_status)
