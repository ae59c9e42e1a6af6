"""A clock that shows what another process says it took, for pytest-benchmark and :mod:`fastsym.timing`."""


class ReportedTime:
    """Seconds reported so far."""

    def __init__(self):
        self._seconds = 0.0

    def add(self, seconds):
        """Take note of a report."""
        self._seconds += seconds

    def now(self):
        """Return the sum of all reports: what a clock would show that only runs in the other process."""
        return self._seconds


REPORTED = ReportedTime()
