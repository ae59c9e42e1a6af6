"""What one asks of a training."""

import matplotlib as mpl
import numpy as np
import pytest

import fastsym

mpl.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture(scope="module")
def data():
    return fastsym.load_titanic("standardised")


def trained(data, start="normal", hidden=4, iterations=40, **options):
    params = fastsym.initialise(start, len(data.X), hidden)
    return fastsym.train(data.X, data.y, params, iterations, 1, "reference", **options)


@pytest.fixture
def population(data):
    starts = [fastsym.initialise("normal", len(data.X), 3, seed=seed) for seed in range(5)]
    stacked = fastsym.Params(*(np.stack(values) for values in zip(*starts, strict=True)))
    return fastsym.train_population(data.X, data.y, stacked, 20, 1)


def test_probabilities_are_those_whose_cost_is_recorded(data):
    for hidden in (4, None):
        training, longer = trained(data, hidden=hidden), trained(data, hidden=hidden, iterations=41)
        p = training.probabilities(data.X)
        cost = -np.mean(data.y * np.log(p) + (1 - data.y) * np.log(1 - p))
        assert abs(cost - longer.costs[-1]) < 1e-12  # sums of 889 terms near 1, in another order
        np.testing.assert_array_equal(training.predict(data.X), p > 0.5)
        assert training.accuracy(data.X, data.y) == np.mean((p > 0.5) == data.y)


def test_accuracy_takes_what_training_takes(data):
    import pandas as pd

    training = trained(data)
    assert training.accuracy(data.X.tolist(), data.y.astype(bool)) == training.accuracy(data.X, data.y)
    assert training.accuracy(pd.DataFrame(data.X), pd.Series(data.y)) == training.accuracy(data.X, data.y)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((3, 5)), "X: expected 8 features"),
        (np.full((8, 2), np.nan), "X: expected finite numbers"),
        (np.zeros(8), "X: expected shape"),
        (np.zeros((8, 0)), "X: expected at least one"),
    ],
)
def test_features_that_do_not_fit_are_refused(data, X, message):
    with pytest.raises(ValueError, match=message):
        trained(data).predict(X)


def test_labels_and_parameters_that_do_not_fit_are_refused(data):
    training = trained(data)
    with pytest.raises(ValueError, match="y: expected shape"):
        training.accuracy(data.X, data.y[:-1])
    with pytest.raises(ValueError, match="y: expected labels 0 and 1"):
        training.accuracy(data.X, data.y + 1)
    broken = training.params._replace(W2=np.full(4, np.nan))
    with pytest.raises(ValueError, match="W2: expected finite"):
        fastsym.Training(training.costs, broken, "reference").predict(data.X)


def test_classes(data):
    assert trained(data, "constant").classes() == "AAAA"
    assert trained(data).classes() == "ABCD"
    assert trained(data, "blocks:2+1").classes() == "AABC"
    assert trained(data, hidden=None).classes() == ""
    assert trained(data).classes(tolerance=1e9) == "AAAA"


def test_one_network_of_a_population(data, population):
    alone = fastsym.initialise("normal", len(data.X), 3, seed=2)
    same = fastsym.train(data.X, data.y, alone, 20, 1, "simd")
    taken = population.network(2)
    np.testing.assert_array_equal(taken.costs, same.costs)
    np.testing.assert_array_equal(taken.predict(data.X), same.predict(data.X))
    assert taken.params.b2.shape == ()
    with pytest.raises(ValueError, match="expected several networks"):
        taken.network(0)


@pytest.mark.parametrize("ask", ["classes", "plot"])
def test_several_networks_are_no_single_one(population, ask):
    with pytest.raises(ValueError, match=r"got 5; take one, as training.network\(0\) does"):
        getattr(population, ask)()


def test_plot_draws_costs_and_the_path_of_each_unit_at_its_iterations(data):
    training = trained(data, "blocks:2+1", iterations=37, record_every=5)
    cost, units = training.plot()
    np.testing.assert_array_equal(cost.lines[0].get_ydata(), training.costs)
    assert training.record_every == 5
    paths = units.lines[:4]
    for h, line in enumerate(paths):
        np.testing.assert_array_equal(line.get_xdata(), [0, 5, 10, 15, 20, 25, 30, 35, 37])
        np.testing.assert_array_equal(line.get_ydata(), training.history.W2[:, h])
    assert paths[0].get_color() is not None
    np.testing.assert_array_equal(paths[0].get_color(), paths[1].get_color())
    assert not np.array_equal(paths[0].get_color(), paths[2].get_color())
    assert [text.get_text() for text in units.get_legend().get_texts()] == ["A: units 1-2", "B: unit 3", "C: unit 4"]
    plt.close("all")


@pytest.mark.parametrize(("kind", "perturbation"), [("constant", 0), ("constant", 1e-12), ("blocks:2+1", 0)])
def test_lines_of_units_that_start_together_are_seen_on_each_other(data, kind, perturbation):
    start = fastsym.initialise(kind, len(data.X), 4, perturbation=perturbation)
    units = fastsym.train(data.X, data.y, start, 5, 1, "simd", record_every=1).plot()[1]
    widths = np.array([line.get_linewidth() for line in units.lines[:4]])
    assert (np.diff(widths) < -1).all()  # the later ones lie on top
    apart = trained(data, iterations=5, record_every=1).plot()[1]
    assert len({line.get_linewidth() for line in apart.lines[:4]}) == 1
    plt.close("all")


@pytest.mark.parametrize(("log", "scale"), [(True, "symlog"), (False, "linear")])
def test_iterations_are_on_the_axis_that_is_asked_for(data, log, scale):
    assert [axes.get_xscale() for axes in trained(data).plot(log=log)] == [scale, scale]
    plt.close("all")


@pytest.mark.parametrize("iterations", [0, 1, 30])
@pytest.mark.parametrize("hidden", [None, 1, 40])
@pytest.mark.parametrize("every", [0, 7])
def test_any_training_can_be_shown(data, iterations, hidden, every):
    training = trained(data, hidden=hidden, iterations=iterations, record_every=every)
    cost, units = training.plot()
    cost.figure.canvas.draw()
    assert units.figure is cost.figure
    plt.close("all")
    assert f"{iterations} iteration" in repr(training)
    assert len(repr(training)) < 200
    assert training._repr_html_().count("<tr>") == 1 + min(12, hidden or 8)


def test_the_html_has_class_letters_and_a_curve(data, population):
    html = trained(data, "blocks:2+1")._repr_html_()
    assert html.count("<td>A</td>") == 2
    assert "<svg" in html
    assert population._repr_html_().count("<td>ABC</td>") == 5
    assert "5 networks" in repr(population)


def test_a_diverged_training_can_be_shown(data):
    with pytest.warns(fastsym.NonFiniteCostWarning):
        training = fastsym.train(data.X, data.y, fastsym.initialise("normal", 8, 2, 10.0), 5, 1e308, "reference")
    assert "inf" in repr(training)
    assert "inf" in training._repr_html_()


def test_variants_are_shown_by_name_and_summary():
    for text in (repr(fastsym.VARIANTS), fastsym.VARIANTS._repr_html_()):
        for name, variant in fastsym.VARIANTS.items():
            assert name in text
            assert variant.summary in text


def test_progress_is_shown_on_request_and_changes_nothing(data, capsys):
    silent = trained(data)
    assert capsys.readouterr() == ("", "")
    shown = trained(data, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "100%  40 iterations" in err
    np.testing.assert_array_equal(shown.costs, silent.costs)
