"""How the time is shared, at the sizes for which it was chosen and where it is short."""

import numpy as np
import pytest

from fastsym.regression.plan import make_plan


def plan(number, left, *, start=1.5, cost=0.05):
    return make_plan({f"test {i}": cost for i in range(number)}, start, left, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("number", "left", "screening", "confirmation"),
    [
        (5, 180, (), 40),
        (10, 180, (), 40),
        (50, 170, ((8, 10),), 40),
        (200, 175, ((7, 10),), 35),
        (500, 175, ((3, 60), (6, 10)), 25),
    ],
)
def test_the_time_of_a_usual_run(number, left, screening, confirmation):
    made = plan(number, left)
    assert made.tests == tuple(f"test {i}" for i in range(number))
    assert made.screening == screening
    assert made.confirmation == confirmation


def test_few_tests_take_what_there_is_time_for():
    assert plan(5, 30, start=1.0, cost=0.1).confirmation == int(30 / (1.1 * 1.5))
    assert plan(5, 15.9, start=1.0, cost=0.1).tests != ()
    assert plan(1, 10, start=1.0, cost=0.1).tests == ()  # ten triples of 1.21 s


def test_where_there_is_no_time_for_all_some_are_drawn():
    made = plan(2000, 100)
    assert 20 < len(made.tests) < 600
    assert len(set(made.tests)) == len(made.tests)
    order = [int(name.split()[1]) for name in made.tests]
    assert order == sorted(order)  # in the order of the files
    assert max(order) > 1500
    assert made.screening
    assert plan(2000, 5).tests == ()


def test_a_plan_fits_the_time():
    for number in (3, 12, 60, 250, 400):
        for left in (20, 60, 180, 600):
            made = plan(number, left)
            if not made.tests:
                continue
            kept = min(10, len(made.tests))
            spent, running = 0.0, len(made.tests)
            for count, most in made.screening:
                spent += count * (1.5 + 0.05 * running)
                running = most
            assert spent + made.confirmation * (1.5 + 0.05 * kept) <= left
