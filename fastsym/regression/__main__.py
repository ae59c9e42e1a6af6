"""``python -m fastsym.regression``: the performance gate."""

from fastsym.regression.command import app

if __name__ == "__main__":
    app(prog_name="python -m fastsym.regression")
