"""Who asks faster than the work goes gets the newest answer, and no queue builds up."""

import asyncio
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Wanted = TypeVar("Wanted")
Done = TypeVar("Done")

PATIENCE_SECONDS = 0.3
"""Work that nobody wants any more goes on for so long: a slider being dragged would otherwise never show anything."""


class Newest(Generic[Wanted, Done]):
    """Does one piece of work at a time in a thread, then the newest of what was asked for meanwhile.

    Used from one event loop; each client of the page has its own.

    Parameters
    ----------
    work
        Called in a thread, with what is wanted and a function that says whether to give up; None if it did.
    show
        Called in the event loop with each result.
    """

    def __init__(self, work: Callable[[Wanted, Callable[[], bool]], Done | None], show: Callable[[Done], None]) -> None:
        self._work = work
        self._show = show
        self._waiting: list[Wanted] = []
        self._busy = False
        self._closed = False
        self._begin = 0.0

    @property
    def busy(self) -> bool:
        """Whether something is being worked on."""
        return self._busy

    async def ask(self, wanted: Wanted) -> None:
        """Ask for work; return at once if another call is at work, which then does this, too."""
        self._waiting[:] = [wanted]
        if self._busy:
            return
        self._busy = True
        try:
            while self._waiting and not self._closed:
                newest = self._waiting.pop()
                self._begin = time.monotonic()
                done = await asyncio.to_thread(self._work, newest, self._stale)
                if done is not None and not self._closed:
                    self._show(done)
        finally:
            self._busy = False

    def close(self) -> None:
        """Give up what is being worked on, and everything asked for."""
        self._closed = True

    def _stale(self) -> bool:
        return self._closed or (bool(self._waiting) and time.monotonic() - self._begin > PATIENCE_SECONDS)
