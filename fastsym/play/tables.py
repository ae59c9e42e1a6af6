"""The table that the page trains on: the article's, or the user's own; one for the whole process."""

from fastsym.model.datasets import Dataset, load_titanic, standardise
from fastsym.model.table_options import TableOptions
from fastsym.play.settings import CHOICES

_own: dict[str, Dataset] = {}
"""Feature set of the user's table -> its data."""
_options = TableOptions()


def use(options: TableOptions) -> None:
    """Train on the table of these options, if they name one, from now on.

    Raises
    ------
    OSError, ValueError
        If it cannot be read or standardised.
    """
    global _own, _options
    if options.standardise:
        raise ValueError("standardise: expected none for the playground; got it; choose the features on the page")
    data = options.load()
    if data is not None:
        _own, _options = {"raw": data, "standardised": standardise(data)}, options
        CHOICES["features"] = tuple(_own)


def load(features: str) -> Dataset:
    """Give a feature set of the table."""
    return _own[features] if _own else load_titanic(features)


def name() -> str:
    """Name of the table, for people."""
    return _options.name if _own else "the Titanic table"


def python(features: str) -> str:
    """Write the expression that loads a feature set."""
    if not _own:
        return f"fastsym.load_titanic({features!r})"
    options = _options.arguments() | ({"standardise": True} if features == "standardised" else {})
    written = [f"{key}={value!r}" for key, value in options.items()]
    source = "/dev/stdin" if str(_options.csv) == "-" else str(_options.csv)
    return f"fastsym.load_table({', '.join([repr(source), repr(_options.target), *written])})"
