"""All that a run of the gate has found, or has found so far."""

from dataclasses import dataclass, field
from typing import Any

from fastsym.regression.codediff import Difference
from fastsym.regression.decision import Decision
from fastsym.regression.outcome import CANNOT_JUDGE
from fastsym.regression.triples import Sample


@dataclass(frozen=True)
class Revision:
    """One side."""

    commit: str
    title: str
    changed: tuple[str, ...] = ()
    """Files in which the timed code differs from the commit."""


@dataclass
class Report:
    """What a run found. Filled in as it goes, so that what is known can be shown when it ends early."""

    outcome: str = "cannot judge"
    """``pass``, ``slower``, ``wrong`` (the head is) or ``cannot judge``."""
    reason: str = "not finished"
    exit_status: int = CANNOT_JUDGE
    base: Revision | None = None
    head: Revision | None = None
    seed: int = 0
    bar: float = 0.0
    seconds: float = 0.0
    machine: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    """Of Python and the packages that a worker had loaded."""
    notes: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    """Test -> why it was not timed."""
    fingerprints: dict[str, dict[str, Any]] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    decision: Decision | None = None
    samples: list[Sample] = field(default_factory=list)

    def end(self, outcome: str, reason: str, exit_status: int) -> None:
        """Set how the run ended."""
        self.outcome, self.reason, self.exit_status = outcome, reason, exit_status

    def note(self, text: str) -> None:
        """Keep a note, once."""
        if text not in self.notes:
            self.notes.append(text)
