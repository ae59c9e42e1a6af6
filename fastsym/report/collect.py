"""The report's door: trains and certifies, and gives what came out. Nothing else of the report does, but its timing."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from fastsym._console import Tell
from fastsym.agreement import Certificate, certify, divergence, first_failure
from fastsym.agreement.mutants import MUTANTS
from fastsym.experiments import article, breaking, published, rounding
from fastsym.experiments.claims import CLAIMS, Runs, Verdict
from fastsym.experiments.claims.runs import ITERATIONS, LAYER_ITERATIONS, RECORD_EVERY
from fastsym.experiments.snapshots import watch_runs
from fastsym.experiments.symmetry import orbit_types, saturated_fraction, snapshots
from fastsym.model.datasets import FEATURE_SETS, Dataset, load_titanic
from fastsym.model.params import Array, Params
from fastsym.report import timing
from fastsym.report.committed import read_gate, read_peers
from fastsym.report.results import Measured, OwnTable, Results, Settings
from fastsym.timing.machine import describe_machine
from fastsym.timing.saved_runs import read_benchmark_json
from fastsym.training.registry import VARIANTS

DTYPES = ("float64", "float32")
PATH_STARTS = ("zeros", "constant", "normal")
ORBIT_EPSILON = 1e-6


@contextmanager
def stage(tell: Tell, start: float, end: float, name: str) -> Iterator[Tell]:
    """Tell that a stage begins and how long it took; give a function to tell progress inside it."""
    tell(start, name)
    begin = time.perf_counter()
    yield lambda fraction, doing: tell(start + (end - start) * fraction, f"{name}: {doing}")
    tell(end, f"{name}: took {time.perf_counter() - begin:.1f} s")


def standardised(data: Dataset) -> Dataset:
    """Give every feature mean 0 and variance 1; one that is constant becomes 0."""
    X = data.X - data.X.mean(axis=1, keepdims=True)
    spread = X.std(axis=1, keepdims=True)
    return data._replace(X=X / np.where(spread > 0, spread, 1))


def collect(settings: Settings, tell: Tell, own: OwnTable | None = None) -> Results:
    """Run the article and the study of symmetry, certify every variant and measure those that are right.

    Parameters
    ----------
    settings
        What to run.
    tell
        Called with the fraction done and what is running.
    own
        A user's table; nothing of the article is run then, and nothing timed against the reference.

    Returns
    -------
    Results

    Raises
    ------
    ValueError
        If a saved run cannot be read; raised before any work is done.
    """
    saved = None if settings.benchmark_json is None else read_benchmark_json(settings.benchmark_json)
    peers, gate = (read_peers(), read_gate()) if own is None else (None, None)
    tables = {name: load_titanic(name) for name in FEATURE_SETS} if own is None else {"your table": own.data}
    first = next(iter(tables.values()))
    study = tables["standardised"] if own is None else standardised(own.data)
    with stage(tell, 0.0, 0.05, "cases 0, 1 and 2"):
        cases = _article(settings) if own is None else {"layer_cases": (), "tables": (), "comparisons": ()}
        curves = _curves(settings, first)
        if own is None:
            finals = {case: [c.summed_costs[-1] for c in curves if c.case == case] for case in article.STARTS}
            cases["comparisons"] = published.compare(cases["tables"][0].summed_costs, finals)
        paths = tuple(article.follow_units(study, start, settings.seed) for start in PATH_STARTS)
        watched = watch_runs(study, seed=settings.seed)
    with stage(tell, 0.05, 0.25, "claims") as inner:
        verdicts, claim_curves = _claims(tables, settings.claim_seeds, own is None, inner)
    with stage(tell, 0.25, 0.4, "rounding"):
        outcomes = rounding.study(study, settings.rounding_widths, settings.core_types, settings.rounding_dtypes)
    with stage(tell, 0.4, 0.45, "starts"):
        breaks, lines = _breaks(study)
    with stage(tell, 0.45, 0.5, "quotient"):
        reduced = timing.run_quotient(study, settings.quotient_width)
    with stage(tell, 0.5, 0.65, "agreement") as inner:
        certificates = _certificates(inner)
        killed = {
            dtype: (sum(first_failure(mutant, dtype) is not None for mutant in MUTANTS), len(MUTANTS))
            for dtype in settings.mutant_dtypes
        }
        divergences = {
            (name, hidden): divergence.divergence(VARIANTS[name].train_network, hidden, last=settings.path_iterations)
            for name in VARIANTS
            if name != "reference"
            for hidden in divergence.WIDTHS
        }
    timings, measured = pd.DataFrame(), None
    if own is None and saved is not None:
        timings, measured = _saved(saved, certificates, first)
    elif own is None:
        with stage(tell, 0.65, 1.0, "benchmark") as inner:
            timings, measured = timing.measure(settings, certificates, inner)
    untimed = set(VARIANTS if saved is None else saved["variant"]) - set(timings.get("variant", VARIANTS))
    return Results(
        settings=settings,
        made=datetime.now(UTC),
        machine=describe_machine(),
        own=own,
        **cases,
        curves=curves,
        paths=paths,
        watched=watched,
        verdicts=verdicts,
        claim_curves=claim_curves,
        rounding=outcomes,
        breaks=breaks,
        lines=lines,
        quotient=reduced,
        certificates=certificates,
        killed=killed,
        bands=tuple(divergence.band(hidden) for hidden in divergence.WIDTHS),
        divergences=divergences,
        timings=timings.reset_index(drop=True),
        untimed=tuple(sorted(untimed)),
        measured=measured,
        left_out=tuple(timings.attrs.get("left_out", ())),
        label_mean=float(first.y.mean()),
        peers=peers,
        gate=gate,
    )


def _article(settings: Settings) -> dict[str, Any]:
    return {
        "tables": tuple(article.tabulate_case(case, seed=settings.seed) for case in article.STARTS),
        "layer_cases": tuple(
            article.train_layer_case(start, features, settings.seed)
            for features in ("article", "no_id")
            for start in ("zeros", "normal")
        ),
    }


def _network(params: object) -> Params:
    """Narrow a type: all networks here have a hidden layer."""
    assert isinstance(params, Params)
    return params


def _curves(settings: Settings, data: Dataset) -> tuple[article.NetworkCurve, ...]:
    """Train case 1, then case 2 from each seed, on any table."""
    seeds = range(settings.seed, settings.seed + settings.seeds)
    return article.train_case(1, data), *(article.train_case(2, data, seed) for seed in seeds)


def _claims(
    tables: Mapping[str, Dataset], seeds: int, is_titanic: bool, tell: Tell
) -> tuple[tuple[Verdict, ...], pd.DataFrame]:
    verdicts: list[Verdict] = []
    frames = []
    for i, (name, data) in enumerate(tables.items()):
        tell(i / len(tables), name)
        runs = Runs(data, name, seeds, is_titanic)
        verdicts += [claim.judge(runs) for claim in CLAIMS]
        frames += [_band(name, *each) for each in _evidence(runs)]
    return tuple(verdicts), pd.concat(frames, ignore_index=True)


def _evidence(runs: Runs) -> Iterator[tuple[str, str, Array, Array]]:
    """Give figure, series, iterations (K,) and values (seeds, K) of the runs that the claims were judged by."""
    each = np.unique(np.geomspace(1, ITERATIONS, 120).astype(int)) - 1
    yield "costs", "zero start", each, runs.zero.costs[None, each]
    yield "costs", "random start", each, runs.random.costs[:, each]
    yield "costs", "constant start", each, runs.constant.costs[None, each]
    few = np.append(each[each < LAYER_ITERATIONS - 1], LAYER_ITERATIONS - 1)
    yield "layer", "zero start", few, runs.layer_zero[None, few]
    yield "layer", "random start", few, runs.layer_random[:, few]
    recorded = np.minimum(RECORD_EVERY * np.arange(-(-ITERATIONS // RECORD_EVERY) + 1), ITERATIONS)
    zero = _network(runs.zero.history)
    moved = np.maximum(np.abs(zero.W1).max(axis=(1, 2)), np.abs(zero.W2).max(axis=1))
    yield "weights", "zero start", recorded, moved[None]
    changes = [_changes(runs.random_starts, _network(run.params)) for run in (runs.random_short, runs.random)]
    ends = np.array([0, runs.random_short.costs.shape[1], ITERATIONS])
    yield "weights", "random start", ends, np.stack([np.zeros(runs.seeds), *changes], axis=1)
    saturated = [
        [saturated_fraction(runs.data.X, params) for params in nets]
        for nets in (runs.random_starts, snapshots(_network(runs.random.params)))
    ]
    yield "saturation", "random start", np.array([0, ITERATIONS]), np.array(saturated).T
    yield "scale", "scale 0.01", each, runs.random.costs[:, each]
    yield "scale", "scale 1", each, runs.large.costs[:, each]
    yield "splits", "zero start", recorded, np.array([split.zero for split in runs.splits])
    yield "splits", "random start", recorded, np.array([split.random for split in runs.splits])


def _changes(starts: list[Params], ends: Params) -> Array:
    """(seeds,) Largest change of a weight."""
    pairs = zip(starts, snapshots(ends), strict=True)
    return np.array([max(np.abs(a.W1 - b.W1).max(), np.abs(a.W2 - b.W2).max()) for a, b in pairs])


def _band(features: str, figure: str, series: str, iterations: Array, values: Array) -> pd.DataFrame:
    low, middle, high = np.quantile(values, (0.1, 0.5, 0.9), axis=0)
    keys = {"figure": figure, "features": features, "series": series}
    return pd.DataFrame(keys | {"iteration": iterations, "low": low, "middle": middle, "high": high})


def _breaks(data: Dataset) -> tuple[tuple[breaking.Break, ...], dict[str, breaking.Line]]:
    found: list[breaking.Break] = []
    lines = {}
    for dtype in DTYPES:
        zeros = breaking.time_to_break(data, "zeros", dtype=dtype)
        found += zeros
        if sum(each.measured is not None for each in zeros) >= 3:
            lines[dtype] = breaking.saddle_line(data, zeros)
    for sizes in orbit_types(article.HIDDEN):
        kind = "blocks:" + ("+".join(map(str, sizes)) or "0")
        if sizes != (1,) * article.HIDDEN:  # that one has no symmetry to break
            found += breaking.time_to_break(data, kind, [ORBIT_EPSILON], learning_rate=1.0, iterations=1000)
    return tuple(found), lines


def _certificates(tell: Tell) -> tuple[Certificate, ...]:
    pairs = [(name, dtype) for name in VARIANTS for dtype in DTYPES]
    certificates = []
    for i, (name, dtype) in enumerate(pairs):
        tell(i / len(pairs), f"{name}, {dtype}")
        certificates.append(certify(name, np.dtype(dtype)))
    return tuple(certificates)


def _saved(saved: pd.DataFrame, certificates: tuple[Certificate, ...], data: Dataset) -> tuple[pd.DataFrame, Measured]:
    """Keep what may be shown of a saved run; nothing is measured beside it, because that would be another session."""
    # Peers of a saved run were checked against the reference when it was made; our own must pass now.
    right = [(c.variant, c.dtype) for c in certificates if c.passed]
    ours = pd.MultiIndex.from_frame(saved[["variant", "dtype"]]).isin(right)
    D, M = data.X.shape
    return saved[(saved["kind"] == "peer") | ours], Measured(D, M, pd.DataFrame(), None, pd.DataFrame(), ())
