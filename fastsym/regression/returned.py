"""Whether the calls of two sides returned the same, from what the workers told of it."""

from typing import Any

from fastsym.regression.child import Message

SAME = 1e-9
"""Numbers that are closer than this, relative to the largest, are the same for a reader."""


def describe(before: Message | None, after: Message | None) -> str | None:
    """Say how two results differ; None if they do not, or cannot be compared.

    Parameters
    ----------
    before, after
        As from ``Result.message`` of :mod:`fastsym.regression.worker.results`.
    """
    if before is None or after is None:
        return None
    if before["digest"] != after["digest"] or before["count"] != after["count"]:
        return "something else"
    largest = max((_apart(a, b) for a, b in zip(before["numbers"], after["numbers"], strict=True)), default=0.0)
    return f"other numbers, by up to {largest:.1e} of their size" if largest > SAME else None


def _apart(a: Any, b: Any) -> float:
    if isinstance(a, str) or isinstance(b, str):
        return 0.0 if a == b else 1.0
    return float(abs(a - b) / (max(abs(a), abs(b)) or 1.0))
