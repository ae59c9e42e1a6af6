"""How a run of the gate can end."""

import errno

PASS, SLOWER, CANNOT_JUDGE = 0, 1, 2
"""Exit statuses. A head that is wrong, or whose generated code got worse, ends with the second: it must not pass."""
DISK_FULL = "No space left on device"


class CannotJudgeError(Exception):
    """The two sides cannot be compared; the message says why and what to do."""


class SideFailedError(Exception):
    """The code of one side did not do its work; the message says how."""

    def __init__(self, label: str, reason: str) -> None:
        super().__init__(f"{label}: {reason}")
        self.label, self.reason = label, reason


def disk_trouble(error: OSError, place: object) -> CannotJudgeError:
    """Say what to do about a file that could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(place)
    return CannotJudgeError(f"{place}: expected files to read and write; got {error}; set TMPDIR to another folder")


def disk_full(place: object) -> CannotJudgeError:
    """Say that there is no room left."""
    return CannotJudgeError(f"{place}: the disk is full; free some space, or set TMPDIR to a folder on another disk")
