"""All that a run of the gate has found, or has found so far."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from fastsym.regression.codediff import Difference
from fastsym.regression.decision import Decision
from fastsym.regression.outcome import CANNOT_JUDGE
from fastsym.regression.slots import COLUMNS


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
    """``pass``, ``slower``, ``wrong`` (the head's results are) or ``cannot judge``."""
    reason: str = "not finished"
    exit_status: int = CANNOT_JUDGE
    base: Revision | None = None
    head: Revision | None = None
    seed: int = 0
    seconds: float = 0.0
    machine: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    certificates: dict[str, dict[str, dict[str, Any] | None]] = field(default_factory=dict)
    """Label -> variant and data type -> certificate; None if the revision has no check."""
    fingerprints: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    decision: Decision | None = None
    slots: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(COLUMNS)))
    rerun: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(COLUMNS)))

    def end(self, outcome: str, reason: str, exit_status: int) -> None:
        """Set how the run ended."""
        self.outcome, self.reason, self.exit_status = outcome, reason, exit_status
