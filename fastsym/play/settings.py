"""The settings of the page: checked, and the same whether they come from a control, an address or Python.

Everything arrives as text, from an input field or a query string, and may hold anything.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from fastsym.model.datasets import FEATURE_SETS
from fastsym.model.initialise import BLOCKS, KINDS, default_scale, initialise

MOST_HIDDEN = 1024
MOST_ITERATIONS = 30_000
MOST_TRAINED_EACH = 8
"""Up to this many units that start equal are trained each, so that one sees that they stay equal."""
DTYPES = ("float64", "float32")
TEST = ("none", "every fourth")
"""Which samples are kept from training, for the test accuracy."""
SHOWN_OF_TEXT = 40
"""Number of characters of a bad value that a message repeats."""
MOST_UNKNOWN = 3
"""Number of unknown settings that are named one by one; an address may hold thousands."""


@dataclass(frozen=True)
class Settings:
    """The settings of one training; with the defaults, four units separate within the iterations."""

    hidden: int = 4
    """H."""
    start: str = "normal"
    """One of the kinds of :func:`fastsym.initialise`."""
    scale: float = 0.01
    learning_rate: float = 1.0
    perturbation: float = 0.0
    features: str = "standardised"
    dtype: str = "float64"
    seed: int = 0
    iterations: int = 3000
    """T."""
    test: str = TEST[0]

    @property
    def starts_equal(self) -> bool:
        """Whether all units start equal."""
        return self.start in ("zeros", "constant") and self.perturbation == 0

    @property
    def one_unit(self) -> bool:
        """Whether one unit is trained with multiplicity H, because so many units start equal."""
        return self.starts_equal and self.hidden > MOST_TRAINED_EACH

    @property
    def without_effect(self) -> set[str]:
        """Names of the settings that change nothing with this start."""
        scale = {"scale"} if self.start == "zeros" else set()
        return scale | ({"seed"} if self.starts_equal else set())


class Range(NamedTuple):
    """The allowed range of a number, both ends included."""

    low: float
    high: float


class InvalidSetting(NamedTuple):
    """An error in one setting."""

    setting: str
    message: str


RANGES: Mapping[str, Range] = {
    "hidden": Range(1, MOST_HIDDEN),
    "scale": Range(0, 100),
    "learning_rate": Range(1e-6, 100),
    "perturbation": Range(0, 10),
    "seed": Range(0, 2**32 - 1),
    "iterations": Range(1, MOST_ITERATIONS),
}
LABELS = {
    "hidden": "Hidden units H",
    "start": "Start of the weights",
    "scale": "Scale of the start",
    "perturbation": "Perturbation",
    "seed": "Seed",
    "learning_rate": "Learning rate",
    "iterations": "Iterations",
    "features": "Features",
    "test": "Test samples",
    "dtype": "Precision",
}
"""What the page calls each setting, in the order of the page."""
CHOICES: dict[str, tuple[str, ...]] = {"start": KINDS, "features": FEATURE_SETS, "dtype": DTYPES, "test": TEST}
"""What can be chosen; :mod:`fastsym.play.tables` changes the features to those of the user's table."""
DEFAULT = Settings()


def to_texts(settings: Settings) -> dict[str, str]:
    """Return each setting as text that :func:`parse` converts back to exactly the same value."""
    return {name: str(value) for name, value in asdict(settings).items()}


def to_query(settings: Settings) -> str:
    """Write all settings as a query string, without a question mark."""
    return urlencode(to_texts(settings))


def parse(texts: Mapping[str, str]) -> tuple[Settings, tuple[InvalidSetting, ...]]:
    """Read settings from texts.

    Parameters
    ----------
    texts
        Name of a setting -> its text. A missing setting keeps its default.

    Returns
    -------
    settings
        Always complete: a bad text is replaced by the default; that of the scale depends on the start.
    problems
        One for each bad text: the name, what was expected and what was given.
    """
    good: dict[str, Any] = {}
    problems = []
    for name in [field.name for field in fields(Settings) if field.name in texts]:
        try:
            good[name] = _value(name, texts[name])
        except ValueError as error:
            problems.append(InvalidSetting(name, str(error)))
    unknown = [name for name in texts if name not in to_texts(DEFAULT)]
    known = f"a setting, one of {', '.join(to_texts(DEFAULT))}"
    problems += [InvalidSetting(name, _message("address", known, name)) for name in unknown[:MOST_UNKNOWN]]
    if len(unknown) > MOST_UNKNOWN:
        problems.append(InvalidSetting("", f"and {len(unknown) - MOST_UNKNOWN} more settings that do not exist"))
    settings = replace(DEFAULT, **good)
    try:
        check_start(settings)
    except ValueError as error:
        problems.append(InvalidSetting("start", str(error).replace("kind:", f"{LABELS['start']}:", 1)))
        settings = replace(settings, start=DEFAULT.start)
    if "scale" not in good:
        settings = replace(settings, scale=default_scale(settings.start))
    return settings, tuple(problems)


def from_query(query: str) -> tuple[Settings, tuple[InvalidSetting, ...]]:
    """Read settings from the query string of an address; returns the same as :func:`parse`."""
    texts: dict[str, str] = {}
    repeated = []
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name in texts:
            repeated.append(
                InvalidSetting(
                    name, f"{LABELS.get(name, _shown(name))}: expected once; got it again as {_shown(text)!r}"
                )
            )
        else:
            texts[name] = text
    settings, problems = parse(texts)
    return settings, problems + tuple(repeated[:MOST_UNKNOWN])


def check_start(settings: Settings) -> None:
    """Check that the blocks of a start, if it has any, fit into the hidden units.

    Raises
    ------
    ValueError
        If they do not fit.
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
    # The limit keeps addresses, and the work of reading the sizes, short.
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
    return value + 0  # turns -0.0 into 0.0


def _message(name: str, expected: str, text: str) -> str:
    return f"{LABELS.get(name, name)}: expected {expected}; got {_shown(text)!r}"


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN_OF_TEXT else f"{text[:SHOWN_OF_TEXT]}…"


def to_python(settings: Settings, data: str) -> str:
    """Write the lines of Python that repeat the training exactly and print its last cost.

    Parameters
    ----------
    settings
        Of the training.
    data
        The expression that loads its table.
    """
    s = settings
    hidden, note, more = s.hidden, "", ""
    if s.one_unit:
        hidden, more = 1, f"\n    multiplicity=[{s.hidden}],"
        note = f"# All {s.hidden} units start equal: one unit with a multiplicity stands for them.\n"
    X, y = ("data.X", "data.y") if s.test == TEST[0] else ("data.X[:, train]", "data.y[train]")
    split = "" if s.test == TEST[0] else "train = [m for m in range(len(data.y)) if m % 4 != 3]\n"
    return f"""\
import fastsym

data = {data}
{split}X, y = {X}.astype({s.dtype!r}), {y}
{note}start = fastsym.initialise(
    {s.start!r}, n_features=len(X), hidden={hidden}, scale={s.scale!r},
    seed={s.seed}, dtype={s.dtype!r}, perturbation={s.perturbation!r},
)
training = fastsym.train(
    X, y, start, iterations={s.iterations}, learning_rate={s.learning_rate!r},{more}
)
print(training.costs[-1])
"""
