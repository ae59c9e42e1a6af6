"""Pieces of the worker that need no process: what it says of results, and what it counts."""

import gc
import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from fastsym.regression.returned import describe
from fastsym.regression.worker.calls import Call, Watch, plan_pedantic, undisturbed
from fastsym.regression.worker.files import Files
from fastsym.regression.worker.results import Result


class Own:
    def __init__(self, value):
        self.value = value


def differs(a, b):
    return describe(Result(a).message(), Result(b).message())


@pytest.mark.parametrize(
    "make",
    [
        lambda: None, lambda: 3, lambda: "x", lambda: b"x", lambda: [1.0, {"a": (2, None)}], lambda: {3, 1, 2},
        lambda: np.arange(4.0), lambda: np.array(["a", "b"]), lambda: Own([Own(1), np.float32(2)]), lambda: math.nan,
        lambda: iter([1]), lambda: Own, lambda: np.array([Own(1)], object), lambda: 1j, lambda: True, object,
        lambda: np.arange(100_000.0),
    ],
)  # fmt: skip
def test_equal_results_do_not_differ(make):
    assert differs(make(), make()) is None


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (3, 4), (3, 3.0), ("x", b"x"), ([1], (1,)), ([1, 2], [2, 1]), ({"a": 1}, {"b": 1}), (Own(1), Own(2)),
        (None, False), (np.arange(3), np.arange(3.0)), (np.zeros((2, 3)), np.zeros((3, 2))), ([1.0], [1.0, 1.0]),
        ({1}, {2}), (True, 1), (np.array([1, 2]), np.array([2, 1])),
    ],
)  # fmt: skip
def test_other_results_are_something_else(a, b):
    assert differs(a, b) == "something else"


def test_numbers_are_compared_by_their_size():
    assert differs([1.0, 100.0], [1.0, 100.0 + 1e-8]) is None
    assert differs([1.0, 100.0], [1.0, 101.0]) == "other numbers, by up to 9.9e-03 of their size"
    assert differs(np.array([1.0, np.nan]), np.array([1.0, 2.0])) == "other numbers, by up to 1.0e+00 of their size"
    assert differs(math.inf, -math.inf) == "other numbers, by up to 1.0e+00 of their size"
    assert differs(0.0, 0.0) is None
    assert differs(0.0, 1e-300) is not None


def test_what_cannot_be_compared_is_not():
    endless = []
    endless.append(endless)
    assert Result(endless).message() is None
    assert Result(list(range(50_000))).message() is None
    assert differs(endless, 3) is None

    class Broken(dict):
        def items(self):
            raise RuntimeError

    assert Result(Broken()).message() is None


def test_iterators_are_left_alone():
    numbers = iter([1, 2])
    Result(numbers)
    assert list(numbers) == [1, 2]


def test_blocks_run_undisturbed():
    seen = []
    sys.setprofile(lambda *_: None)
    try:
        with undisturbed():
            seen.append((gc.isenabled(), sys.getprofile(), sys.gettrace()))
        assert sys.getprofile() is not None
    finally:
        sys.setprofile(None)
    assert seen == [(False, None, None)]
    assert gc.isenabled()


def test_a_call_is_made_as_often_as_asked():
    made = []
    call = Call(made.append, lambda: ((len(made),), {}), iter(range(100)).__next__)
    result, seconds = call.one(Watch())
    assert (result, seconds, made) == (None, 1, [0])
    assert call.many(5, Watch()) == 1
    assert made == [0, 1, 1, 1, 1, 1]  # the same arguments in a block


def test_fresh_arguments_and_a_teardown_for_each_call():
    made, undone = [], []
    call = Call(made.append, lambda: ((len(made),), {}), iter(range(100)).__next__, undone.append, fresh=True)
    watch = Watch()
    assert call.many(4, watch) == 4
    assert made == undone == [0, 1, 2, 3]
    assert watch.wall > 0


def pedantic(args=(), kwargs=None, setup=None, teardown=None, **counts):
    counts = {"rounds": 1, "warmup_rounds": 0, "iterations": 1} | counts
    return plan_pedantic(print, args, kwargs, setup, teardown, counts, float)


def test_what_pedantic_is_told():
    assert pedantic().once
    assert not pedantic(rounds=2).once
    assert not pedantic(iterations=2).once
    assert not pedantic(setup=lambda: None).once
    assert pedantic((1,), {"a": 2}).arguments() == ((1,), {"a": 2})
    assert pedantic(setup=lambda: ((3,), {"b": 4})).arguments() == ((3,), {"b": 4})
    assert pedantic((1,), setup=lambda: None).arguments() == ((1,), {})
    assert pedantic(setup=lambda: None).fresh
    assert pedantic(teardown=print).fresh
    assert not pedantic(rounds=5).fresh


def test_what_pedantic_refuses():
    for name in ("iterations", "rounds", "warmup_rounds"):
        for value in (-1, 1.5):
            with pytest.raises(ValueError, match=f"positive int for `{name}`"):
                pedantic(**{name: value})
    with pytest.raises(ValueError, match="`rounds`"):
        pedantic(rounds=0)
    with pytest.raises(ValueError, match="with a `setup`"):
        pedantic(setup=print, iterations=2)
    with pytest.raises(TypeError, match="if `setup` returns the arguments"):
        pedantic((1,), setup=lambda: ((3,), {})).arguments()


def test_opened_files_are_those_of_the_checkout(tmp_path):
    (tmp_path / "pkg" / "__pycache__").mkdir(parents=True)
    for name in ("a.txt", "pkg/b.py", "pkg/__pycache__/b.cpython-311.pyc"):
        (tmp_path / name).touch()
    files = Files(tmp_path)
    files._note("open", (str(tmp_path / "a.txt"), "r", 0))
    files._note("open", (bytes(tmp_path / "pkg/__pycache__/b.cpython-311.pyc"), "r", 0))
    files._note("open", (str(tmp_path.parent / "elsewhere"), "r", 0))
    files._note("open", (3, "r", 0))
    assert files.opened == {"a.txt", "pkg/b.py"}
    files._note("subprocess.Popen", ())
    assert not files.programs  # not during a test
    files.during = lambda: True
    files._note("subprocess.Popen", ())
    assert files.programs
    files._root = "/nowhere/"
    files.opened.clear()


def test_a_watch_sums_up():
    watch = Watch()
    for _ in range(2):
        with watch.running():
            sum(range(10_000))
    message = SimpleNamespace(**watch.message())
    assert message.wall > 0
    assert message.processor > 0
    assert message.wait >= 0
    before = watch.wall
    with watch.running():
        pass
    assert watch.wall > before
