"""A study is one section of the report: what it runs, and how it shows what came out."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from math import inf
from typing import Any, Generic, TypeVar, cast

from fastsym._console import Tell
from fastsym.model.datasets import FEATURE_SETS, Dataset, load_titanic, standardise
from fastsym.report.content import Section
from fastsym.report.settings import OwnTable, Settings
from fastsym.timing.machine import describe_machine
from fastsym.timing.saved_runs import read_benchmark_json

Result = TypeVar("Result")


@dataclass(frozen=True)
class Study(Generic[Result]):
    """One section of the report; every file of :mod:`fastsym.report.sections` holds one, named ``STUDY``."""

    slug: str
    """Of its section, and its name in what is told of the progress."""
    order: int
    """Its place in the report: sections are read in ascending order."""
    run: Callable[["Context"], Result]
    """Trains, measures or reads; may ask for what other studies found by :meth:`Context.result`."""
    render: Callable[[Result, "Context"], Section | None]
    """Shows what ``run`` found and may look at what others found; runs nothing. None leaves the section out."""
    seconds: float = 0.0
    """About what ``run`` takes with the default settings, for the progress bar."""
    in_lesson: bool = False
    """Whether it belongs to the first part, the lesson, and not to the second, the engineering."""
    only_titanic: bool = False
    """Whether it is left out where a user's table takes the Titanic table's place."""


class Context:
    """What studies share: settings, tables, each other's results, and whom to tell of the progress.

    Parameters
    ----------
    settings
        What to run.
    own
        A user's table; nothing of the article is run then, and nothing timed against the reference.

    Raises
    ------
    ValueError
        If the user's table cannot be standardised or the saved benchmark run cannot be read.
    """

    def __init__(self, settings: Settings, own: OwnTable | None = None) -> None:
        self.settings = settings
        self.own = own
        self.tables: Mapping[str, Dataset] = (
            {name: load_titanic(name) for name in FEATURE_SETS} if own is None else {"your table": own.data}
        )
        """Name -> features as given; the first is what cases 1 and 2 are trained on."""
        self.standardised = self.tables["standardised"] if own is None else standardise(own.data)
        self.saved = None if settings.benchmark_json is None else read_benchmark_json(settings.benchmark_json)
        """Timings of another session, shown in place of own ones."""
        self.made = datetime.now(UTC)
        self.show: Tell = lambda _fraction, _doing: None
        self.expected_seconds = inf
        self.seconds: dict[str, float] = {}
        """Slug -> how long the study took, without those whose results it asked for."""
        self.results: dict[str, Any] = {}
        """Slug -> what the study found."""
        self._running: list[Study[Any]] = []
        self._done_seconds = 0.0

    @property
    def data(self) -> Dataset:
        """The table that cases 1 and 2 are trained on, features as given."""
        return next(iter(self.tables.values()))

    @cached_property
    def machine(self) -> Mapping[str, Any]:
        """Where the report is made; see :func:`fastsym.timing.machine.describe_machine`."""
        return describe_machine()

    def result(self, study: Study[Result]) -> Result:
        """Give what a study found; run it if nobody has asked for it before."""
        if study.slug not in self.results:
            begin, others = time.perf_counter(), sum(self.seconds.values())
            self._running.append(study)
            self.show(self._done_seconds / self.expected_seconds, study.slug)
            self.results[study.slug] = study.run(self)
            self._running.pop()
            took = time.perf_counter() - begin - (sum(self.seconds.values()) - others)
            self.seconds[study.slug] = took
            self._done_seconds += study.seconds
            self.show(self._done_seconds / self.expected_seconds, f"{study.slug}: took {took:.1f} s")
        return cast(Result, self.results[study.slug])

    def tell(self, fraction: float, doing: str) -> None:
        """Take from the running study how much of it is done, 0 to 1, and what it does now."""
        study = self._running[-1]
        done = self._done_seconds + fraction * study.seconds
        self.show(done / self.expected_seconds, f"{study.slug}: {doing}")
