"""What a call has returned."""

import hashlib
import math
import types
from collections.abc import Iterator
from typing import Any

MOST_PARTS = 20_000
"""Parts of a result that are looked at."""
MOST_NUMBERS = 2_000
"""Numbers of a result that are passed on; of more, as many spread evenly."""


class Result:
    """What a call has returned, as far as two processes can compare it."""

    def __init__(self, value: object) -> None:
        self._digest = hashlib.sha256()
        self._numbers: list[float] = []
        self._parts = 0
        self.comparable = True
        try:
            self._walk(value, 0)
        except Exception:  # the project's own objects may do anything
            self.comparable = False

    def message(self) -> dict[str, Any] | None:
        """Pass it on: a hash of all that is no number, and the numbers."""
        if not self.comparable:
            return None
        step = max(1, len(self._numbers) // MOST_NUMBERS)
        numbers = self._numbers[::step]
        return {
            "digest": self._digest.hexdigest(),
            "count": len(self._numbers),
            "numbers": [x if math.isfinite(x) else str(x) for x in numbers],
        }

    def _walk(self, value: Any, depth: int) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS or depth > 50:
            self.comparable = False
            return
        if isinstance(value, bool) or value is None:
            self._note(repr(value))
        elif isinstance(value, float):
            self._numbers.append(float(value))
        elif isinstance(value, int | complex):
            self._note(f"{type(value).__name__} {value!r}")
        elif isinstance(value, str | bytes | bytearray):
            self._note(type(value).__name__)
            self._digest.update(value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value)
        elif isinstance(value, dict):
            self._note(f"{type(value).__name__} {len(value)}")
            for key, item in value.items():
                self._walk(key, depth + 1)
                self._walk(item, depth + 1)
        elif isinstance(value, list | tuple):
            self._note(f"{type(value).__name__} {len(value)}")
            for item in value:
                self._walk(item, depth + 1)
        elif isinstance(value, set | frozenset):
            self._note(f"{type(value).__name__} {len(value)}")
            self._note(str(sorted(map(repr, value))))
        elif type(value).__module__ == "numpy" and hasattr(value, "dtype"):
            self._array(value)
        elif callable(value) or isinstance(value, Iterator | types.ModuleType):
            self._note(type(value).__qualname__)
        elif hasattr(value, "__dict__"):
            self._note(type(value).__qualname__)
            self._walk(vars(value), depth + 1)
        else:
            self._note(type(value).__qualname__)

    def _array(self, value: Any) -> None:
        self._note(f"{value.dtype} {value.shape}")
        if value.dtype.kind == "f":
            self._numbers += value.astype(float).ravel().tolist()[: 10 * MOST_PARTS]
        elif value.dtype.kind == "O":
            self._walk(value.tolist(), 1)
        else:
            self._digest.update(value.tobytes())

    def _note(self, text: str) -> None:
        self._digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
