"""Runs only the latest request; older ones are dropped, so that no queue builds up."""

import asyncio
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Wanted = TypeVar("Wanted")
Done = TypeVar("Done")

PATIENCE_SECONDS = 0.3
"""Time for which outdated work continues: without it, dragging a slider would show nothing until the drag ends."""


class Newest(Generic[Wanted, Done]):
    """Does one piece of work at a time in a thread, and then the latest of the requests that came meanwhile.

    To be used from one event loop; each client of the page has its own instance.

    Parameters
    ----------
    work
        Called in a thread with the request and a function that says whether to give up. Returns None if it gave up.
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
        """Whether work is in progress."""
        return self._busy

    async def ask(self, wanted: Wanted) -> None:
        """Request work; return at once if another call is working, which then does this work too."""
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
        """Give up the work in progress and all requests."""
        self._closed = True

    def _stale(self) -> bool:
        return self._closed or (bool(self._waiting) and time.monotonic() - self._begin > PATIENCE_SECONDS)
