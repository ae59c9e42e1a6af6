"""``python -m fastsym.regression``: the performance gate."""

from fastsym._console import run_program
from fastsym.regression.command import app

if __name__ == "__main__":
    run_program(app, "python -m fastsym.regression")
