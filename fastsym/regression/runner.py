"""A whole run of the gate: check both revisions out, certify them, compare their machine code, time them, decide."""

import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fastsym._console import Tell
from fastsym.regression import assembly, codediff
from fastsym.regression.cells import CELLS, Cell
from fastsym.regression.child import Child, children
from fastsym.regression.decision import LEAST_SLOTS, decide, enough
from fastsym.regression.findings import Report, Revision
from fastsym.regression.outcome import CANNOT_JUDGE, SLOWER, CannotJudgeError, RevisionFailedError
from fastsym.regression.slots import BLOCK_SECONDS, load_all, record_slot, warm_all
from fastsym.regression.worktree import Repository, Tree, checkouts
from fastsym.timing.machine import describe_machine

RERUN_SHARE = 0.45
"""Part of the time for timing that is kept for a re-run, which has fewer cells."""
PATIENCE = 3
"""So many times as long as the longest slot before it may a slot take, though the time be up."""
ASSEMBLY = Path(assembly.__file__)


@dataclass(frozen=True)
class Settings:
    """What a run is asked to do."""

    against: str | None = None
    """Revision to compare with; None for the usual one."""
    cells: tuple[Cell, ...] = CELLS
    budget_seconds: float = 180.0
    min_slots: int = LEAST_SLOTS
    seed: int | None = None
    """Of all orders; None draws one."""
    block_seconds: float = BLOCK_SECONDS


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
        Also if the revisions cannot be compared; it then says why.
    """
    report = Report(seed=secrets.randbits(32) if settings.seed is None else settings.seed)
    clock = Clock(settings.budget_seconds, tell)
    try:
        _compare(repository, settings, clock, report)
    except CannotJudgeError as error:
        report.end("cannot judge", str(error), CANNOT_JUDGE)
    except RevisionFailedError as error:
        if error.label == "head":
            report.end("wrong", f"the head fails: {error.reason}", SLOWER)
        else:
            reason = f"the base fails: {error.reason}; name another with --against"
            report.end("cannot judge", reason, CANNOT_JUDGE)
    report.machine = describe_machine()
    report.seconds = clock.spent
    return report


class Clock:
    """The time that a run may take."""

    def __init__(self, budget_seconds: float, tell: Tell) -> None:
        self.budget_seconds, self._tell = budget_seconds, tell
        self._start = time.monotonic()

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    @property
    def left(self) -> float:
        """Seconds until the time is up."""
        return self.budget_seconds - self.spent

    @property
    def deadline(self) -> float:
        """When the time is up, on the clock of ``time.monotonic``."""
        return self._start + self.budget_seconds

    def tell(self, doing: str) -> None:
        """Show how far the run is."""
        self._tell(min(1.0, self.spent / self.budget_seconds), f"{doing}; at most {max(0.0, self.left):.0f} s left")


def _compare(repository: Repository, settings: Settings, clock: Clock, report: Report) -> None:
    base = repository.commit(settings.against) if settings.against is not None else repository.usual_base()
    head = repository.commit("HEAD")
    changed = repository.changed()
    report.base = Revision(base, repository.title(base))
    report.head = Revision(head, repository.title(head), tuple(changed))
    clock.tell("checking out")
    with checkouts(repository, {"base": base, "again": base, "head": head}, {"head": changed}) as trees:
        cells = _prepare(trees, settings.cells, clock, report)
        if report.outcome != "wrong" and not _vectorisation_lost(report):
            _time(_Session(trees, np.random.default_rng(report.seed), settings, clock), cells, report)


def _prepare(trees: Mapping[str, Tree], wanted: Sequence[Cell], clock: Clock, report: Report) -> tuple[Cell, ...]:
    """Certify both revisions and fill all caches; return the cells that both sides have."""
    clock.tell("loading both revisions")
    with children({label: trees[label] for label in ("head", "base", "again")}) as running:  # the head's faults first
        variants = load_all(running, clock.deadline)
        cells = tuple(cell for cell in wanted if all(cell.variant in names for names in variants.values()))
        for cell in wanted:
            lacking = [label for label in ("base", "head") if cell.variant not in variants[label]]
            if lacking:
                report.notes.append(f"{cell.name} is left out: no variant {cell.variant!r} in {' and '.join(lacking)}")
        if not cells:
            raise CannotJudgeError(f"cells: expected one that both revisions have; got none; {report.notes[0]}")
        certified = [running["head"], running["base"]]
        kinds = list(dict.fromkeys((cell.variant, cell.dtype) for cell in cells))
        clock.tell("compiling")
        warm_all(running, cells, clock.deadline)
        for child in certified:  # all requests at once, so that both work side by side
            child.ask("fingerprint", assembly=str(ASSEMBLY))
            for variant, dtype in kinds:
                child.ask("certify", variant=variant, dtype=dtype)
        report.fingerprints = {child.label: child.answer(clock.deadline)["fingerprints"] for child in certified}
        for child in certified:
            _collect_certificates(child, kinds, clock, report)
            if report.outcome == "wrong":
                break
    return cells


def _collect_certificates(child: Child, kinds: Collection[tuple[str, str]], clock: Clock, report: Report) -> None:
    found = report.certificates[child.label] = {}
    for variant, dtype in kinds:
        clock.tell(f"certifying {variant} {dtype} of the {child.label}")
        certificate = child.answer(clock.deadline)["certificate"]
        found[f"{variant} {dtype}"] = certificate
        if certificate is not None and not certificate["passed"]:
            reasons = "; ".join(certificate["reasons"][:3])
            wrong = f"{variant} {dtype} of the {child.label} computes wrong results: {reasons}"
            if child.label != "head":
                raise CannotJudgeError(f"{wrong}; name another revision with --against")
            report.end("wrong", wrong, SLOWER)
            return
    if None in found.values():
        report.notes.append(f"the {child.label} has no fastsym.agreement: it is timed without a certificate")


def _vectorisation_lost(report: Report) -> bool:
    base, head = report.fingerprints["base"], report.fingerprints["head"]
    if base is None or head is None:
        report.notes.append("no generated code was compared: a revision does not use Numba")
        return False
    report.differences = codediff.compare(base, head)
    lost = [str(difference) for difference in report.differences if difference.fails]
    if lost:
        report.end("slower", f"the generated code is worse: {'; '.join(lost)}", SLOWER)
    return bool(lost)


@dataclass(frozen=True)
class _Session:
    """What all slots of a run share."""

    trees: Mapping[str, Tree]
    rng: np.random.Generator
    settings: Settings
    clock: Clock

    def record(self, cells: Sequence[Cell], first: int, reserve_seconds: float, what: str) -> pd.DataFrame:
        """Record slots until the intervals are tight, or only the reserve of time is left."""
        tables: list[pd.DataFrame] = []
        longest = 0.0
        while True:
            count = len(tables)
            if count >= self.settings.min_slots and (
                self.clock.left < reserve_seconds + longest or enough(pd.concat(tables))
            ):
                return pd.concat(tables, ignore_index=True)
            if self.clock.left < longest:
                raise CannotJudgeError(
                    f"slots: expected at least {self.settings.min_slots} {what} within "
                    f"{self.settings.budget_seconds:.0f} s; got {count}, at up to {longest:.1f} s each; allow "
                    "more with --budget, or fewer cells with --cells"
                )
            self.clock.tell(f"slot {count + 1} {what}")
            begin = self.clock.spent
            tables.append(
                record_slot(
                    self.trees,
                    cells,
                    self.rng,
                    slot=first + count,
                    block_seconds=self.settings.block_seconds,
                    timeout_seconds=max(self.clock.left, PATIENCE * longest),
                )
            )
            longest = max(longest, self.clock.spent - begin)


def _time(session: _Session, cells: Sequence[Cell], report: Report) -> None:
    def rerun(names: Sequence[str]) -> pd.DataFrame:
        flagged = [cell for cell in cells if cell.name in names]
        report.rerun = session.record(flagged, len(report.slots), 0.0, f"again, of {', '.join(names)} alone")
        return report.rerun

    report.slots = session.record(cells, 0, RERUN_SHARE * session.clock.left, "of all cells")
    report.decision = decide(report.slots, rerun)
    report.end(report.decision.outcome, report.decision.reason, report.decision.exit_status)
