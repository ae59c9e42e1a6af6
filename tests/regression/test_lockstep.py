import pytest

from fastsym.regression.lockstep import GROWTH, Step, Triple

LABELS = ("base", "control", "head")


class MadeUp(Triple):
    """Three sides whose calls take the processor times that are given, in seconds, one list a side."""

    def __init__(self, **seconds):
        self.labels, self.allowed = LABELS, {0}
        self._seconds = {label: iter(seconds[label]) for label in LABELS}

    def ask(self, *_, **__):
        pass

    def answers(self, labels):
        times = {label: next(self._seconds[label]) for label in labels}
        return {label: {"wall": t, "processor": t, "thread": t} for label, t in times.items()}


def grown(**seconds):
    return MadeUp(**seconds).manner(Step())[1]


def test_calls_that_become_slower_on_every_side_are_told():
    slower = [1e-6, 1e-3, 1e-3 * GROWTH * 1.01]
    steady = [1e-6, 1e-3, 1e-3 * GROWTH * 0.99]
    assert grown(base=slower, control=slower, head=slower)
    assert not grown(base=slower, control=steady, head=slower)
    assert not grown(base=steady, control=steady, head=steady)


@pytest.mark.parametrize("call", [1e-3, 0.1])
def test_one_call_a_block_says_nothing_of_growth(call):
    assert not grown(**{label: [call, call, 10 * call] for label in LABELS})
