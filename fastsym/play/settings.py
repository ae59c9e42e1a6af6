"""What can be chosen on the page: checked, and the same from a control, from an address and in Python.

Everything arrives as text: what somebody typed, or a query string that may say anything.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from fastsym.model.datasets import FEATURE_SETS
from fastsym.model.initialise import BLOCKS, KINDS, initialise

ITERATIONS = 3000
MOST_HIDDEN = 1024
DTYPES = ("float64", "float32")
SHOWN_OF_TEXT = 40
"""Characters of a bad value that a message repeats."""
MOST_UNKNOWN = 3
"""Settings we do not know that are named one by one; an address may hold thousands."""


@dataclass(frozen=True)
class Settings:
    """One choice; the default shows four units part within the iterations."""

    hidden: int = 4
    """H."""
    start: str = "normal"
    """A kind that :func:`fastsym.initialise` knows."""
    scale: float = 0.01
    learning_rate: float = 1.0
    perturbation: float = 0.0
    features: str = "standardised"
    dtype: str = "float64"
    seed: int = 0


class Range(NamedTuple):
    """From where to where a number may go, both ends included."""

    low: float
    high: float


class Problem(NamedTuple):
    """What is wrong with one setting."""

    setting: str
    message: str


RANGES: Mapping[str, Range] = {
    "hidden": Range(1, MOST_HIDDEN),
    "scale": Range(0, 100),
    "learning_rate": Range(1e-6, 100),
    "perturbation": Range(0, 10),
    "seed": Range(0, 2**32 - 1),
}
CHOICES: Mapping[str, tuple[str, ...]] = {"start": KINDS, "features": FEATURE_SETS, "dtype": DTYPES}
DEFAULT = Settings()


def to_texts(settings: Settings) -> dict[str, str]:
    """Return each setting as the text that :func:`parse` reads back to the same bits."""
    return {name: str(value) for name, value in asdict(settings).items()}


def to_query(settings: Settings) -> str:
    """Write all settings as a query string, without a question mark."""
    return urlencode(to_texts(settings))


def parse(texts: Mapping[str, str]) -> tuple[Settings, tuple[Problem, ...]]:
    """Read settings from texts.

    Parameters
    ----------
    texts
        Name of a setting -> its text. What is missing keeps its default.

    Returns
    -------
    settings
        Always complete: a bad text leaves the default in its place.
    problems
        One for each bad text: its name, what was expected, what came.
    """
    good: dict[str, Any] = {}
    problems = []
    for name in [field.name for field in fields(Settings) if field.name in texts]:
        try:
            good[name] = _value(name, texts[name])
        except ValueError as error:
            problems.append(Problem(name, str(error)))
    unknown = [name for name in texts if name not in to_texts(DEFAULT)]
    known = f"a setting, one of {', '.join(to_texts(DEFAULT))}"
    problems += [Problem(name, _message("address", known, name)) for name in unknown[:MOST_UNKNOWN]]
    if len(unknown) > MOST_UNKNOWN:
        problems.append(Problem("", f"and {len(unknown) - MOST_UNKNOWN} more settings that do not exist"))
    settings = replace(DEFAULT, **good)
    try:
        check_start(settings)
    except ValueError as error:
        problems.append(Problem("start", str(error).replace("kind:", "start:", 1)))
        settings = replace(settings, start=DEFAULT.start)
    return settings, tuple(problems)


def from_query(query: str) -> tuple[Settings, tuple[Problem, ...]]:
    """Read settings from the query string of an address; returns as :func:`parse`."""
    texts: dict[str, str] = {}
    repeated = []
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name in texts:
            repeated.append(Problem(name, f"{_shown(name)}: expected once; got it again as {_shown(text)!r}"))
        else:
            texts[name] = text
    settings, problems = parse(texts)
    return settings, problems + tuple(repeated[:MOST_UNKNOWN])


def check_start(settings: Settings) -> None:
    """See whether the blocks of a start, if it has any, fit into its hidden units.

    Raises
    ------
    ValueError
        If they do not.
    """
    if settings.start.startswith(BLOCKS):
        initialise(settings.start, 1, settings.hidden)


def _value(name: str, text: str) -> int | float | str:
    if name in RANGES:
        return _number(name, text)
    known = tuple(kind for kind in CHOICES[name] if not kind.startswith(BLOCKS))
    if text in known or (name == "start" and _is_blocks(text)):
        return text
    raise ValueError(_message(name, f"one of {', '.join(CHOICES[name])}", text))


def _is_blocks(text: str) -> bool:
    # Short enough that neither the sizes nor the address that holds them can become a burden.
    return text.startswith(BLOCKS) and len(text) <= len(BLOCKS) + 200


def _number(name: str, text: str) -> int | float:
    low, high = RANGES[name]
    whole = isinstance(getattr(DEFAULT, name), int)
    expected = f"a {'whole number' if whole else 'number'} from {low:.10g} to {high:.10g}"
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = math.nan
    if not (low <= value <= high):  # NaN is in no range
        raise ValueError(_message(name, expected, text))
    return value + 0  # makes 0.0 of -0.0


def _message(name: str, expected: str, text: str) -> str:
    return f"{name}: expected {expected}; got {_shown(text)!r}"


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN_OF_TEXT else f"{text[:SHOWN_OF_TEXT]}…"


def to_python(settings: Settings) -> str:
    """Write the ten lines of Python that repeat the training and print its last cost, to the last bit."""
    s = settings
    return f"""\
import fastsym

data = fastsym.load_titanic({s.features!r})
X = data.X.astype({s.dtype!r})
start = fastsym.initialise(
    {s.start!r}, n_features=len(X), hidden={s.hidden}, scale={s.scale!r},
    seed={s.seed}, dtype={s.dtype!r}, perturbation={s.perturbation!r},
)
training = fastsym.train(X, data.y, start, iterations={ITERATIONS}, learning_rate={s.learning_rate!r})
print(training.costs[-1])
"""
