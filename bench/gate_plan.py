"""How should the gate share its time? Simulated runs for different numbers of triples, on noise like that of processes.

    python -m bench.gate_plan --runs 100

The noise of a process is drawn from Student's t distribution with three degrees of freedom, because some processes are
far off. Found are slowdowns of one test; false alarms name any other.
"""

from dataclasses import replace
from typing import Annotated

import numpy as np
import typer

from fastsym.regression.decision import Kept, decide, screen
from fastsym.regression.plan import MANY, THREE_STAGES, TWO_STAGES
from fastsym.regression.triples import LABELS, Sample

BAR = 0.02
EFFECTS = (0.0, 0.05, 0.10, 0.20)
PANEL = 20


def draw(
    names: list[str],
    effects: dict[str, float],
    count: int,
    stage: str,
    first: int,
    noise: float,
    rng: np.random.Generator,
) -> list[Sample]:
    """Make up samples of so many triples."""
    logs = noise * rng.standard_t(3, (count, len(names), len(LABELS))) / np.sqrt(3)
    logs[:, :, 2] += np.log1p([effects.get(name, 0.0) for name in names])
    seconds = np.exp(np.clip(logs, -5, 5))
    return [
        Sample(stage, first + i, name, label, *3 * (float(seconds[i, j, k]),))
        for i in range(count)
        for j, name in enumerate(names)
        for k, label in enumerate(LABELS)
    ]


def simulate(tests: int, looks: tuple[int, ...], last: int, effect: float, noise: float, seed: int) -> set[str]:
    """Run the gate once on made-up times; return what it calls slower. The slow test is ``test 0``."""
    rng = np.random.default_rng(seed)
    names, effects = [f"test {i}" for i in range(tests)], {"test 0": effect}
    first = draw(names, effects, looks[0], "screening", 0, noise, rng)
    kept = screen(first, BAR, 60 if len(looks) > 1 else 10)
    everything, threshold, second = kept.everything, kept.threshold, []
    if len(looks) > 1:
        second = draw(list(kept.tests), effects, looks[1], "second look", 100, noise, rng)
        kept = screen(second, BAR)
    panel = tuple(map(str, rng.choice(names, min(PANEL, tests), replace=False))) if everything else ()
    kept = replace(kept, everything=everything, panel=panel, threshold=max(threshold, kept.threshold))
    confirmation = draw(list(kept.tests), effects, last, "confirmation", 200, noise, rng)
    decision = decide(first + second, confirmation, kept if kept.tests else Kept((), (), False), BAR, last)
    return {case.name for case in decision.cases if case.verdict == "slower"}


def main(
    tests: Annotated[list[int] | None, typer.Option(help="Sizes of the suite; default 50, 200, 500.")] = None,
    runs: Annotated[int, typer.Option(min=1, help="Of each row.")] = 100,
    noise: Annotated[float, typer.Option(help="Standard deviation of one process.")] = 0.03,
) -> None:
    """Print how often a slowdown of one test is found, and false alarms."""
    for number in tests or [50, 200, 500]:
        plans = [((a,), b) for a, b in TWO_STAGES[:5]] if number <= MANY else [((a, b), c) for a, b, c in THREE_STAGES]
        for looks, last in plans:
            parts = []
            for effect in EFFECTS:
                named = [simulate(number, looks, last, effect, noise, seed) for seed in range(runs)]
                false = sum(bool(found - ({"test 0"} if effect else set())) for found in named)
                found = f"found {sum('test 0' in found for found in named) / runs:.0%}, " if effect else ""
                parts.append(f"{effect:.0%}: {found}false {false}")
            typer.echo(f"{number} tests, {' + '.join(map(str, looks))} then {last}: {'; '.join(parts)} of {runs}")


if __name__ == "__main__":
    typer.run(main)
