"""Trainings of a variant, watched from outside and compared with what they should give."""

import re
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np

import fastsym
from fastsym.agreement import calls, truth
from fastsym.agreement.calls import Call
from fastsym.agreement.truth import Case
from fastsym.model.params import AnyParams, Array, Params
from fastsym.training.checks import merge_samples
from fastsym.training.registry import Variant

MARGIN = 32
"""Numbers on either side of each array that is handed out, all NaN: more than a wide vector register holds."""
LIBRARIES = tuple(Path(file).parent for file in (fastsym.__file__, numba.__file__, np.__file__))
"""Folders of code that a variant calls, or is called by: a mistake of a variant's is not there."""
OTHER_BITS = "the same call gave other bits the second time"
ZERO_ITERATIONS = "zero iterations changed the parameters"
WATCHED_ITERATIONS = 2000
"""From so many iterations on X and y are watched."""
LOOK_SECONDS = 1e-5
"""Least time between two looks at arrays that are in use."""


class CaseResult(NamedTuple):
    """Outcome of one case."""

    case: Case
    errors: Array
    """Signed errors of costs, final parameters and snapshots, in units of their bounds."""
    reasons: tuple[str, ...]
    """What failed."""

    def worst(self) -> dict[str, float]:
        """Return the largest error of each kind of result (cost, W1, ...), in units of its bound."""
        case, errors = self.case, np.abs(self.errors)
        fields = np.repeat(case.params._fields, [np.size(field) for field in case.params])
        repeats = -(-max(0, len(errors) - case.iterations) // len(fields))
        kinds = np.concatenate([np.repeat("cost", case.iterations), np.tile(fields, repeats)])[: len(errors)]
        return {str(kind): float(np.max(errors[kinds == kind])) for kind in dict.fromkeys(kinds)}


class _Guarded:
    """An array in the middle of a longer one that is NaN elsewhere."""

    def __init__(self, array: Array) -> None:
        self._whole = np.full(array.size + 2 * MARGIN, np.nan, array.dtype)
        self.array = self._whole[MARGIN : MARGIN + array.size].reshape(array.shape)
        self.array[...] = array

    def margins_kept(self) -> bool:
        """Whether nothing was written beside the array."""
        return bool(np.isnan(self._whole[:MARGIN]).all() and np.isnan(self._whole[-MARGIN:]).all())


class _Arrays:
    """Guarded arrays for trainings of one shape, one after the other in the same memory."""

    def __init__(self, case: Case) -> None:
        X, y, params = case.problem()
        self._guards = {"X": _Guarded(X), "y": _Guarded(y), "costs": _Guarded(np.empty(case.iterations, X.dtype))}
        self._guards |= {name: _Guarded(field) for name, field in zip(params._fields, params, strict=True)}
        self.X, self.y, self.costs, *fields = (guarded.array for guarded in self._guards.values())
        self.params = type(params)(*fields)
        self.load(case)

    def load(self, case: Case) -> None:
        """Put another case of the same shape into the same memory."""
        self.case = case
        self.X[...], self.y[...] = case.X, case.y

    def run(self, variant: Variant, call: Call, iterations: int) -> Array:
        """Train from the start; return costs, final parameters and snapshots, flat."""
        case = self.case
        for array, value in zip(self.params, case.params, strict=True):
            array[...] = value
        self.costs[...] = np.nan
        costs = self.costs[:iterations]
        history = call(
            variant, self.X, self.y, self.params, case.learning_rate, costs, case.multiplicity, case.record_every
        )
        snapshots = [] if history is None or not iterations else _snapshots(history)
        return np.concatenate([costs.astype(np.float64), truth.flatten(self.params), *snapshots])

    def damage(self) -> Iterator[str]:
        """Say what was changed that should not have been."""
        X, y, _ = self.case.problem()
        for name, array, value in (("X", self.X, X), ("y", self.y, y)):
            if not np.array_equal(array, value):
                yield f"{name} was modified"
        for name, guarded in self._guards.items():
            if not guarded.margins_kept():
                yield f"wrote outside of {name}"


def _snapshots(history: AnyParams) -> list[Array]:
    return [truth.flatten(type(history)(*(field[i] for field in history))) for i in range(len(history[-1]))]


def compare(case: Case, result: Array) -> tuple[Array, list[str]]:
    """Return the errors of a case in units of their bounds, and what is wrong about them."""
    if result.shape != case.bound.shape:
        return np.full(len(case.bound), np.nan), [f"expected {len(case.bound)} numbers; got {len(result)}"]
    with np.errstate(invalid="ignore", over="ignore"):
        errors = ((result - case.truth[0]) - case.truth[1]) / case.bound
    finite = np.isfinite(errors)
    if not finite.all():
        return errors, [f"{np.sum(~finite)} results are not finite, {_name(case, int(np.argmin(finite)))} first"]
    worst = int(np.argmax(np.abs(errors)))
    if not (abs(errors[worst]) <= 1):
        return errors, [f"the error of {_name(case, worst)} is {abs(errors[worst]):.3g} times its bound"]
    return errors, []


def _name(case: Case, index: int) -> str:
    return truth.component(case.params, case.iterations, index)


def _of_library(file: str) -> bool:
    return any(Path(file).is_relative_to(folder) for folder in LIBRARIES)


def _failure(error: BaseException) -> str:
    """Say in one line what a variant raised, and where in its own code."""
    # Numba's messages begin with the step of the compiler, and name the place in what they could not compile.
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("Failed in ")]
    text = " ".join(lines[: 2 if lines and lines[0].endswith(":") else 1])
    places = re.findall(r'File "(.+?)", line (\d+)', str(error))
    if not places:
        frames = traceback.extract_tb(error.__traceback__)
        places = [(each.filename, str(each.lineno)) for each in frames if not _of_library(each.filename)]
    place = f" at {Path(places[-1][0]).name}:{places[-1][1]}" if places else ""
    return f"raised {type(error).__name__}{place}: {text}"


def check_case(variant: Variant, case: Case, *, again: bool = True) -> CaseResult:
    """Run one case in every way in which the variant may be called, and compare it with what it should give.

    Parameters
    ----------
    variant, case
        The variant must offer such a training (:func:`fastsym.agreement.calls.trains`).
    again
        Also check that zero iterations change nothing and that the same call gives the same bits again.
    """
    return check_changes(variant, [case], again=again)[0]


def check_changes(variant: Variant, cases: Sequence[Case], *, again: bool = False) -> list[CaseResult]:
    """Run cases of one shape one after the other in the same arrays, so that what a variant remembers is wrong.

    X and y are watched from another thread where a training takes long enough for that.
    """
    found, arrays = [], _Arrays(cases[0])
    for case in cases:
        arrays.load(case)
        reasons: list[str] = []
        errors = None
        for call in calls.ways(variant, case):
            try:
                if again:
                    untouched = arrays.run(variant, calls.call_directly, 0)
                    reasons += [] if np.array_equal(untouched, truth.flatten(case.params)) else [ZERO_ITERATIONS]
                if case.iterations >= WATCHED_ITERATIONS:
                    with watched(arrays.X, arrays.y) as seen:
                        result = arrays.run(variant, call, case.iterations)
                    reasons += seen
                else:
                    result = arrays.run(variant, call, case.iterations)
                if again and not np.array_equal(result, arrays.run(variant, call, case.iterations), equal_nan=True):
                    reasons.append(OTHER_BITS)
                compared, wrong = compare(case, result)
            except (
                Exception,
                SystemExit,
            ) as error:  # whatever a program of somebody else raises is its failure, not the check's
                compared, wrong = np.full(len(case.bound), np.nan), [_failure(error)]
            reasons += wrong
            errors = compared if errors is None else errors
        reasons += arrays.damage()
        found.append(_result(case, np.array(errors), reasons))
    return found


def _result(case: Case, errors: Array, reasons: Iterable[str], note: str = "") -> CaseResult:
    return CaseResult(case, errors, tuple(f"{case.name}{note}: {reason}" for reason in dict.fromkeys(reasons)))


def check_overflow(variant: Variant, case: Case) -> list[CaseResult]:
    """Train beyond the finite range: that must show, and not spoil the next training, which is that of ``case``."""
    most = float(np.finfo(case.dtype).max)
    # The gradient of W1 is at least 1, times so large a rate beyond the largest number whatever the order of factors.
    X = np.where(np.arange(case.X.shape[1]) >= 0, 1e6, case.X)
    flat = np.concatenate([np.zeros(len(truth.flatten(case.params)) - 1), [0.0]])
    params = truth.unflatten(flat, len(X), case.hidden)
    if isinstance(params, Params):
        params.W2[...] = 1.0
    beyond = replace(
        case, name="overflow", X=X, y=0 * case.y, params=params, iterations=1, learning_rate=most / 100,
    )  # fmt: skip
    found = []
    for call in calls.ways(variant, beyond):
        arrays = _Arrays(beyond)
        reasons = []
        try:
            result = arrays.run(variant, call, 1)
            if np.isfinite(result[1 : 1 + params[0].size]).any():
                reasons.append(f"{params._fields[0]} overflows, and yet finite numbers came out")
        except (Exception, SystemExit) as error:  # as in check_changes
            reasons.append(_failure(error))
        found.append(_result(beyond, np.zeros(0), reasons))
        found += check_changes(variant, [case])
    return found


def check_networks(variant: Variant, cases: Sequence[Case], threads: int, *, merged: bool = False) -> list[CaseResult]:
    """Train the networks of all cases, which differ in start and rate alone, in one call.

    Parameters
    ----------
    variant
        Has a ``train_population``.
    cases
        One for each network.
    threads
        How many threads share the networks.
    merged
        Pass equal samples as one, with their numbers.
    """
    first = cases[0]
    X, y, _ = first.problem()
    X, y = merge_samples(X, y) if merged else (X, y)
    guards = [_Guarded(X), _Guarded(y), _Guarded(np.full((len(cases), first.iterations), np.nan, X.dtype))]
    guards += [_Guarded(np.stack(fields)) for fields in zip(*(case.problem()[2] for case in cases), strict=True)]
    own_X, own_y, costs, *fields = (guarded.array for guarded in guards)
    params = Params(*fields)
    rates = _Guarded(np.array([case.learning_rate for case in cases]))
    counts = None if first.multiplicity is None else _Guarded(first.multiplicity.astype(X.dtype))
    kept = []
    if first.record_every:
        count = -(-first.iterations // first.record_every)
        kept = [_Guarded(np.full((len(f), count, *f.shape[1:]), np.nan, X.dtype)) for f in fields]
    history = Params(*(guarded.array for guarded in kept)) if kept else None
    note = f", {len(cases)} networks on {threads} threads" + (", equal samples merged" if merged else "")
    try:
        units = None if counts is None else counts.array
        calls.train_networks(
            variant, own_X, own_y, params, rates.array, costs, threads, units, history, first.record_every
        )
    except (Exception, SystemExit) as error:  # as in check_changes
        return [_result(first, np.full(len(first.bound), np.nan), [_failure(error)], note)]
    guards += [*kept, rates, *([] if counts is None else [counts])]
    shared = [] if all(guarded.margins_kept() for guarded in guards) else ["wrote outside of an array"]
    inputs = [(own_X, X), (own_y, y), (rates.array, np.array([case.learning_rate for case in cases]))]
    inputs += [] if counts is None else [(counts.array, np.asarray(first.multiplicity))]
    if not all(np.array_equal(array, before) for array, before in inputs):
        shared.append("X, y, learning rates or multiplicities were modified")
    found = []
    for p, case in enumerate(cases):
        own = Params(*(field[p] for field in params))
        parts = [costs[p].astype(np.float64), truth.flatten(own)]
        if history is not None:
            parts += [*_snapshots(Params(*(field[p] for field in history))), truth.flatten(own)]
        errors, reasons = compare(case, np.concatenate(parts))
        found.append(_result(case, errors, shared + reasons, f"{note}, number {p}"))
    return found


def check_side_by_side(variant: Variant, cases: Sequence[Case], repetitions: int) -> list[CaseResult]:
    """Train each case in a thread of its own, again and again, all at the same time."""
    found: list[CaseResult] = []

    def work(case: Case) -> None:
        arrays = _Arrays(case)
        for _ in range(repetitions):
            try:
                errors, reasons = compare(case, arrays.run(variant, calls.train, case.iterations))
            except (Exception, SystemExit) as error:  # as in check_changes
                errors, reasons = np.full(len(case.bound), np.nan), [_failure(error)]
            found.append(_result(case, errors, reasons, ", beside another training"))

    with _quick_switches():
        threads = [threading.Thread(target=work, args=(case,)) for case in cases]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return found


@contextmanager
def _quick_switches() -> Iterator[None]:
    """Let Python change between threads often."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(LOOK_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def watched(*arrays: Array) -> Iterator[list[str]]:
    """Look at arrays from another thread; give a list that is not empty as soon as one was seen to differ."""
    originals = [array.copy() for array in arrays]
    seen: list[str] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set() and not seen:
            if not all(map(np.array_equal, arrays, originals)):
                seen.append("another thread saw X or y change")
            time.sleep(LOOK_SECONDS)

    watcher = threading.Thread(target=look)
    with _quick_switches():
        watcher.start()
        try:
            yield seen
        finally:
            done.set()
            watcher.join()
