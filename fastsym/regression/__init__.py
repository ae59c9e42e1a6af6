"""The performance gate: is this checkout slower than another revision? See ``python -m fastsym.regression --help``."""

from fastsym.regression.command import app

__all__ = ["app"]
