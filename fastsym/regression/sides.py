"""The sides of a run: their checkouts and builds, the plug-in of their workers, and the time all of it may take."""

import shutil
import sys
import time
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

import numpy as np

from fastsym._console import Tell
from fastsym.regression import preparation
from fastsym.regression.checkouts import Tree, Workshop, carry, check_out
from fastsym.regression.child import PLUGIN, Side
from fastsym.regression.outcome import CannotJudgeError
from fastsym.regression.repository import Repository
from fastsym.regression.settings import Settings, read_project

WORKER = Path(__file__).with_name("worker")


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


@dataclass
class Sides:
    """Makes the checkouts of the sides, and starts of workers for them."""

    repository: Repository
    settings: Settings
    workshop: Workshop
    base: str
    head: str
    beside: tuple[Path, ...] = ()
    sides: tuple[Side, ...] = ()

    def check_out(self) -> None:
        """Check all sides out anew, and remove the checkouts from before."""
        old = [side.tree for side in self.sides]
        trees = {label: self.workshop.tree() for label in ("base", "control", "head")}
        for label, tree in trees.items():
            commit = self.head if label == "head" else self.base
            check_out(self.repository, commit, tree, self.workshop, working=label == "head")
            if self.settings.carry and label != "head":
                carry(self.repository, self.settings.bench_files, tree)
        self.sides = tuple(self._side(label, tree) for label, tree in trees.items())
        for tree in old:
            tree.remove()

    def build(self, clock: Clock) -> None:
        """Build base and head by the user's command, if there is one."""
        command = self.settings.prepare
        if command is None:
            return
        pythons = {}
        for side in self.sides:
            if side.label != "control":
                clock.tell(f"building the {side.label}")
                pythons[side.label] = preparation.prepare(side.tree, side.label, command, clock.deadline)
        pythons["control"] = pythons["base"]
        self.workshop.note("the control shares the base's build")
        self.sides = tuple(replace(side, python=pythons[side.label]) for side in self.sides)

    def _side(self, label: str, tree: Tree) -> Side:
        settings = self.settings
        bench = tuple(name for name in settings.bench if (tree.path / name.partition("::")[0]).exists())
        missing = [name for name in settings.bench if name not in bench]
        if missing and not bench:
            names = ", ".join(missing)
            if any((self.repository.root / name.partition("::")[0]).exists() for name in missing):
                raise CannotJudgeError(
                    f"{label}: expected {names}; got no such file there; use --carry to put the head's on both sides"
                )
            raise CannotJudgeError(f"bench: expected {names}; got no such file there; name others with --bench")
        if missing:
            self.workshop.note(f"the {label} has no {', '.join(missing)}")
        return Side(label, tree, sys.executable, bench, settings.paths, self.beside, settings.pytest_args)

    def redraw(self, rng: np.random.Generator) -> None:
        """Let the two checkouts of the base change roles, or not."""
        base, control, head = self.sides
        if rng.integers(2) and self.settings.prepare is None:
            base, control = replace(base, tree=control.tree), replace(control, tree=base.tree)
        self.sides = (base, control, head)


def copy_worker(folder: Path) -> None:
    """Put the plug-in for the workers into a folder."""
    shutil.copytree(WORKER, folder / PLUGIN, ignore=shutil.ignore_patterns("__pycache__"))


def make_plugins(place: Workshop, repository: Repository, settings: Settings) -> tuple[Path, ...]:
    """Put what every worker needs beside the checkouts."""
    folder = place.folder / "plugins"
    folder.mkdir()
    copy_worker(folder)
    if settings.dist is not None and settings.prepare is None:
        try:
            metadata.version(settings.dist)
        except metadata.PackageNotFoundError:
            preparation.make_metadata(folder, settings.dist, read_project(repository.root))
    return (folder,)
