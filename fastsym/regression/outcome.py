"""How a run of the gate can end."""

import errno

PASS, SLOWER, CANNOT_JUDGE = 0, 1, 2
"""Exit statuses. A head that is wrong, or whose generated code got worse, ends with the second: it must not pass."""


class CannotJudgeError(Exception):
    """The two sides cannot be compared; the message says why and what to do."""


class RevisionFailedError(Exception):
    """The code of one revision did not do its work; the message says how."""

    def __init__(self, label: str, reason: str) -> None:
        super().__init__(f"{label}: {reason}")
        self.label, self.reason = label, reason


def disk_trouble(error: OSError, place: object) -> CannotJudgeError:
    """Say what to do about a file that could not be written."""
    if error.errno == errno.ENOSPC:
        return CannotJudgeError(f"{place}: the disk is full; free some space, or set TMPDIR to another disk")
    return CannotJudgeError(f"{place}: expected files to read and write; got {error}; set TMPDIR to another folder")
