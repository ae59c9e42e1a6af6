"""What the commands share: progress, messages, and how they end."""

from fastsym._console.messages import markdown_escape, markdown_row, plain_warnings, stop
from fastsym._console.progress import Quiet, Tell, progress_bar
from fastsym._console.signals import run_child, run_program, shielded, stoppable, unhurried

__all__ = [
    "Quiet",
    "Tell",
    "markdown_escape",
    "markdown_row",
    "plain_warnings",
    "progress_bar",
    "run_child",
    "run_program",
    "shielded",
    "stop",
    "stoppable",
    "unhurried",
]
