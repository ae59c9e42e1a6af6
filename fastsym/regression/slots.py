"""Slots: fresh processes of all sides that take turns on the same processor, in blocks of a few training calls.

Where a process's memory lies, and in which cache sets, shifts all its times together. So one process gives one number
per cell however long it runs, and the slot, with one process of each side, is what is repeated.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from fastsym.regression.cells import Cell
from fastsym.regression.child import Child, answers, children, processors
from fastsym.regression.outcome import CannotJudgeError
from fastsym.regression.worktree import Tree

COLUMNS = ("slot", "cell", "label", "seconds_per_iteration")
BLOCK_SECONDS = 0.03
"""About as long as a time slice of the system, so that an interruption spoils one block and not all."""
PALINDROMES = 2
TIMEOUT_SECONDS = 120.0


def turns(labels: Sequence[str], rng: np.random.Generator, palindromes: int) -> Iterator[str]:
    """Yield whose turn it is: A B C C B A, then perhaps C A B B A C, so that a steady drift cancels.

    Parameters
    ----------
    labels
        The sides.
    rng
        Shuffles them anew for each palindrome.
    palindromes
        How many; each has two turns of every side.
    """
    for _ in range(palindromes):
        order = [labels[i] for i in rng.permutation(len(labels))]
        yield from order
        yield from reversed(order)


def record_slot(
    trees: Mapping[str, Tree],
    cells: Sequence[Cell],
    rng: np.random.Generator,
    *,
    slot: int = 0,
    block_seconds: float = BLOCK_SECONDS,
    palindromes: int = PALINDROMES,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> pd.DataFrame:
    """Start one fresh process per side, let them take turns, and end them.

    Cells on one thread are pinned to one processor, drawn anew for each slot and the same for all sides; cells on
    several threads may use all that the gate may use. A process that waits for its turn sleeps on its pipe.

    Parameters
    ----------
    trees
        Label -> checkout; its cache should hold the cells already, see :func:`warm_all`.
    cells
        What to time.
    rng
        Draws all orders and the processor.
    slot
        Number to enter in the table.
    block_seconds
        Roughly how long one turn takes; it is made of whole calls, equally many for all sides.
    palindromes
        Turns of each side and cell, divided by two.
    timeout_seconds
        For the whole slot.

    Returns
    -------
    pandas.DataFrame
        :data:`COLUMNS`: one row per cell and label, with the median over the blocks of that process.

    Raises
    ------
    CannotJudgeError
        If a process was killed or hangs, or if Numba compiled something inside a block.
    RevisionFailedError
        If the code of a side fails.
    """
    deadline = time.monotonic() + timeout_seconds
    labels = list(trees)
    with children({labels[i]: trees[labels[i]] for i in rng.permutation(len(labels))}) as running:
        load_all(running, deadline)
        allowed = processors()
        one = None if allowed is None else [int(rng.choice(allowed))]
        threads = warm_all(running, cells, deadline)
        plan: dict[Cell, tuple[int, list[int] | None]] = {}
        for cell in cells:  # a first call of each alone, not kept: how long it takes when the others are silent
            cpus = one if threads[cell.name] == 1 else allowed
            seconds = min(_block(child, cell, 1, cpus, deadline) for child in running.values())
            plan[cell] = max(1, round(block_seconds / seconds)), cpus
        times: dict[tuple[Cell, str], list[float]] = {(cell, label): [] for cell in cells for label in labels}
        for _ in range(palindromes):
            for cell in (cells[i] for i in rng.permutation(len(cells))):
                for label in turns(labels, rng, 1):
                    times[cell, label].append(_block(running[label], cell, *plan[cell], deadline))
    medians = [
        (slot, cell.name, label, float(np.median(seconds)) / (plan[cell][0] * cell.iterations))
        for (cell, label), seconds in times.items()
    ]
    return pd.DataFrame(medians, columns=list(COLUMNS))


def load_all(running: Mapping[str, Child], deadline: float) -> dict[str, list[str]]:
    """Let all children import fastsym at once; return the variants that each has."""
    for child in running.values():
        child.ask("load", tree=str(child.tree.path))
    return {label: answer["variants"] for label, answer in answers(running, deadline).items()}


def warm_all(running: Mapping[str, Child], cells: Sequence[Cell], deadline: float) -> dict[str, int]:
    """Let all children make the cells ready at once; return on how many threads each cell runs."""
    for child in running.values():
        for cell in cells:
            child.ask("warm", name=cell.name, **asdict(cell))
    threads = {}
    for cell in cells:
        threads[cell.name] = max(answer["threads"] for answer in answers(running, deadline).values())
    return threads


def _block(child: Child, cell: Cell, calls: int, cpus: list[int] | None, deadline: float) -> float:
    child.ask("block", name=cell.name, calls=calls, cpus=cpus)
    answer = child.answer(deadline)
    if answer["compiled"]:
        raise CannotJudgeError(
            f"{child.label}: expected compiled code in a timed block of {cell.name}; got a compilation by Numba: "
            "the sample is void; make the same call give the same types every time"
        )
    return float(answer["seconds"])
