"""Curves, dots and matrices: what is given is what is drawn, and the names stay legible."""

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import same_color, to_rgba

matplotlib.use("Agg")

from course_utils import plotting
from course_utils.plotting.labels import readable
from course_utils.plotting.style import LIGHT

REGIONS = ("sky", "tree", "road", "grass", "water", "building", "mountain", "foreground")
STEPS = [0, 2, 4, 8]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def boxes(figure, texts):
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    return [matplotlib.text.Text.get_window_extent(text, renderer) for text in texts]


def assert_apart(figure, texts):
    extents = boxes(figure, texts)
    for number, box in enumerate(extents):
        assert not any(box.overlaps(other) for other in extents[:number])


def named(ax):
    return {text.get_text(): text for text in ax.texts if text.get_text()}


def test_degradation_draws_every_score_and_names_it_at_its_end():
    scores = {
        "pixel accuracy": [1, 0.99, 0.98, 0.97],
        "mIoU": [1, 0.98, 0.97, 0.965],
        "IoU of tree": [1, 0.5, np.nan, np.nan],
    }
    figure = plotting.degradation(STEPS, scores, step_label="shift, pixels", title="shifted")
    (ax,) = figure.axes
    for line, values in zip(ax.lines, scores.values(), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), STEPS)
        np.testing.assert_array_equal(line.get_ydata(), values)
    labels = named(ax)
    assert list(labels) == list(scores)
    assert [text.xy for text in labels.values()] == [(8, 0.97), (8, 0.965), (2, 0.5)]
    assert all(
        same_color(text.get_color(), readable(line.get_color()))
        for text, line in zip(labels.values(), ax.lines, strict=True)
    )
    assert len({line.get_marker() for line in ax.lines}) == 3  # for those who see no colours
    assert_apart(figure, labels.values())
    assert ax.get_xlabel() == "shift, pixels" and ax.get_ylabel() == "score"
    assert figure.get_suptitle() == "shifted" and not figure.legends
    bottom, top = ax.get_ylim()
    assert bottom <= 0 and top >= 1


def test_degradation_puts_distances_into_a_panel_of_their_own():
    distances = {"Hausdorff": [0, 3, np.inf, np.inf], "95th percentile": [0, 1, 2, 5]}
    figure = plotting.degradation(
        STEPS, {"mIoU": [1, 0.9, 0.8, 0.7]}, step_label="shift", distances=distances
    )
    score, distance = figure.axes
    assert len(score.lines) == 1 and "pixels" in distance.get_ylabel()
    curves = [line for line in distance.lines if line.get_gid() != "infinite"]
    np.testing.assert_array_equal(curves[0].get_ydata(), [0, 3, np.nan, np.nan])
    np.testing.assert_array_equal(curves[1].get_ydata(), distances["95th percentile"])
    (heads,) = [line for line in distance.lines if line.get_gid() == "infinite"]
    np.testing.assert_array_equal(heads.get_xdata(), [4, 8])
    assert heads.get_color() == curves[0].get_color()
    assert set(named(distance)) == {"Hausdorff", "95th percentile", "infinite"}
    assert distance.get_position().x0 > score.get_position().x1  # beside, no twin axis


def test_degradation_of_a_score_that_never_was_defined():
    figure = plotting.degradation(
        STEPS, {"none": [np.nan] * 4, "one": [1, 1, 1, 1]}, step_label="shift"
    )
    assert list(named(figure.axes[0])) == ["one"]
    with pytest.raises(ValueError, match="'mIoU'"):
        plotting.degradation(STEPS, {"mIoU": [1, 0.9]}, step_label="shift")


ARMS = {
    "random": {50: [0.30, 0.34], 400: [0.5, 0.52, 0.57], 100: [0.4]},
    "ImageNet": {50: [0.45, 0.47], 100: [0.5], 400: [0.56, 0.58]},
}


def test_learning_curve_draws_means_single_runs_and_their_range():
    figure = plotting.learning_curve(ARMS, xlabel="training images", ylabel="mean IoU")
    (ax,) = figure.axes
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [50, 100, 400])
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.32, 0.4, 0.53])
    bands, dots = ax.collections[0::2], ax.collections[1::2]
    assert sorted(map(tuple, dots[0].get_offsets())) == [
        (50, 0.30),
        (50, 0.34),
        (100, 0.4),
        (400, 0.5),
        (400, 0.52),
        (400, 0.57),
    ]
    corners = bands[0].get_paths()[0].vertices
    at_400 = corners[corners[:, 0] == 400][:, 1]
    assert (at_400.min(), at_400.max()) == (0.5, 0.57)
    for line, band, dot in zip(ax.lines, bands, dots, strict=True):
        assert same_color(band.get_facecolor()[0, :3], line.get_color())
        assert same_color(dot.get_facecolor()[0, :3], line.get_color())
    assert list(named(ax)) == list(ARMS)
    assert_apart(figure, ax.texts)
    assert ax.get_xscale() == "log" and list(ax.get_xticks()) == [50, 100, 400]
    assert ax.get_xlabel() == "training images" and ax.get_ylabel() == "mean IoU"
    assert "band" in ax.get_title(loc="left")


def test_learning_curve_over_epochs_has_a_plain_axis():
    arms = {"random": {epoch: [0.1 * epoch] for epoch in range(12)}}
    figure = plotting.learning_curve(arms, xlabel="epoch", ylabel="mean IoU")
    assert figure.axes[0].get_xscale() == "linear"
    assert len(figure.axes[0].get_xticks()) < 12
    for bad in ({}, {"random": {}}):
        with pytest.raises(ValueError, match="scores"):
            plotting.learning_curve(bad, xlabel="", ylabel="")
    with pytest.raises(ValueError, match=r"'random'.*no value"):
        plotting.learning_curve({"random": {50: []}}, xlabel="", ylabel="")


POINTS = {
    "tiny": (0.4e6, 0.5),
    "mobilenet": (8.3e6, [0.61, 0.63]),
    "mobilenetv2": (8.0e6, [0.60, 0.62, 0.62]),
    "resnet18": (14.3e6, 0.62),
    "seresnet18": (14.4e6, 0.622),
    "vgg16": (23.7e6, 0.64),
}


def test_tradeoff_names_every_point_without_covering_another():
    figure = plotting.tradeoff(POINTS, xlabel="parameters", ylabel="mean IoU")
    (ax,) = figure.axes
    large = [dots.get_offsets()[0] for dots in ax.collections if dots.get_sizes()[0] > 30]
    means = [(x, np.mean(y)) for x, y in POINTS.values()]
    np.testing.assert_allclose(large, means)
    small = [dots.get_offsets() for dots in ax.collections if dots.get_sizes()[0] < 30]
    np.testing.assert_allclose(small[0], [(8.3e6, 0.61), (8.3e6, 0.63)])
    labels = named(ax)
    assert list(labels) == list(POINTS)
    np.testing.assert_allclose([text.xy for text in labels.values()], means)
    assert_apart(figure, labels.values())
    marks = ax.transData.transform(means)
    for box in boxes(figure, labels.values()):
        assert not any(box.contains(*mark) for mark in marks)
        assert ax.bbox.fully_contains(box.x0, box.y0) and ax.bbox.fully_contains(box.x1, box.y1)
    assert ax.get_xscale() == "log"
    assert "10 M" in [tick.get_text() for tick in ax.get_xticklabels()]
    assert ax.get_xlabel() == "parameters" and ax.get_ylabel() == "mean IoU"


def test_tradeoff_of_many_points_in_one_place_stays_legible():
    points = {f"model {number}": (20 + 0.1 * number, 0.6) for number in range(9)}
    figure = plotting.tradeoff(points, xlabel="seconds", ylabel="mean IoU")
    (ax,) = figure.axes
    assert ax.get_xscale() == "linear"
    assert_apart(figure, named(ax).values())
    with pytest.raises(ValueError, match="points is empty"):
        plotting.tradeoff({}, xlabel="", ylabel="")


PROBABILITY = np.linspace(0.001, 0.999, 999)
LOSSES = {
    "cross entropy": -np.log(PROBABILITY),
    "focal": -((1 - PROBABILITY) ** 2) * np.log(PROBABILITY),
}


def test_loss_curves_draws_losses_and_their_gradients():
    figure = plotting.loss_curves(PROBABILITY, LOSSES)
    losses, gradients = figure.axes
    for line, values in zip(losses.lines, LOSSES.values(), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), PROBABILITY)
        np.testing.assert_array_equal(line.get_ydata(), values)
    # d(-log p) / d logit = p - 1
    np.testing.assert_allclose(gradients.lines[0].get_ydata(), PROBABILITY - 1, atol=0.01)
    for ax in figure.axes:
        assert list(named(ax)) == list(LOSSES)
        assert_apart(figure, ax.texts)
        assert ax.get_xlabel() == "probability of the true class"
        assert min(box.x0 for box in boxes(figure, ax.texts)) > ax.bbox.x0  # off the y axis
    assert [line.get_color() for line in losses.lines] == [
        line.get_color() for line in gradients.lines
    ]
    assert "logit" in gradients.get_ylabel()
    assert losses.get_ylim()[1] < 5  # not the whole of an unbounded loss


def test_loss_curves_takes_the_gradients_it_is_given():
    given = {"focal": PROBABILITY * 0 - 0.25}
    figure = plotting.loss_curves(PROBABILITY, LOSSES, given)
    losses, gradients = figure.axes
    assert len(gradients.lines) == 1 and (gradients.lines[0].get_ydata() == -0.25).all()
    assert gradients.lines[0].get_color() == losses.lines[1].get_color()
    with pytest.raises(ValueError, match="'focal'"):
        plotting.loss_curves(PROBABILITY, {"focal": [1.0]})


def test_loss_curves_bears_an_infinite_loss_at_zero():
    probability = np.linspace(0, 1, 101)
    with np.errstate(divide="ignore"):
        losses = {"cross entropy": -np.log(probability)}
    figure = plotting.loss_curves(probability, losses)
    np.testing.assert_allclose(
        figure.axes[1].lines[0].get_ydata()[5:-5], probability[5:-5] - 1, atol=0.02
    )
    assert np.isfinite(figure.axes[0].get_ylim()).all()


def matrix_of_eight():
    matrix = np.full((8, 8), 1000) + np.diag(np.full(8, 1_992_000))
    matrix[4] = 0
    return matrix


def test_confusion_of_eight_classes_has_room_for_its_numbers():
    figure = plotting.confusion(matrix_of_eight(), REGIONS)
    (ax,) = figure.axes
    assert_apart(figure, ax.texts)
    assert min(text.get_fontsize() for text in ax.texts) >= 9
    assert ax.texts[0].get_text() == "99.7%\n1,993,000"
    assert_apart(figure, ax.get_xticklabels())
    rows = [tick.get_text() for tick in ax.get_yticklabels()]
    assert rows[4] == "water\n(absent)" and rows[3] == "grass"
    drawn = ax.images[0].to_rgba(ax.images[0].get_array())
    assert np.allclose(drawn[4], to_rgba(LIGHT)) and not np.allclose(drawn[3, 0], to_rgba(LIGHT))


def test_confusion_normalised_writes_shares_alone():
    figure = plotting.confusion(matrix_of_eight(), REGIONS, normalise=True)
    (ax,) = figure.axes
    written = np.array([text.get_text() for text in ax.texts]).reshape(8, 8)
    assert written[0, 0] == "99.7%" and written[0, 1] == "0.1%" and set(written[4]) == {"–"}
    assert "share of the true class" in ax.get_title(loc="left")


def test_class_scores_draws_a_dot_for_every_model_and_says_what_is_absent():
    random = np.array([0.9, 0.5, np.nan, 0.2])
    better = np.array([0.95, np.nan, np.nan, 0.4])
    figure = plotting.class_scores(
        {"random": random, "ImageNet": better}, REGIONS[:4], ylabel="recall"
    )
    (ax,) = figure.axes
    dots = [
        collection
        for collection in ax.collections
        if collection.get_label() in ("random", "ImageNet")
    ]
    for collection, values in zip(dots, (random, better), strict=True):
        drawn = np.ma.filled(collection.get_offsets(), np.nan)
        np.testing.assert_array_equal(drawn[:, 0], values)
        np.testing.assert_allclose(
            drawn[:, 1], np.where(values == values, range(4), np.nan), atol=0.3
        )
    assert not same_color(dots[0].get_facecolor(), dots[1].get_facecolor())
    assert {name: text.get_position()[1] for name, text in named(ax).items()} == {
        "absent: ImageNet": 1,
        "absent": 2,
    }
    assert [tick.get_text() for tick in ax.get_yticklabels()] == list(REGIONS[:4])
    top, bottom = ax.get_ylim()
    assert top > bottom and ax.get_xlabel() == "recall"  # the first class above
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["random", "ImageNet"]
    with pytest.raises(ValueError, match="class_names has 3"):
        plotting.class_scores({"random": random}, REGIONS[:3])


def test_class_scores_can_end_before_one():
    figure = plotting.class_scores({"all": [0.1, 0.3]}, ("a", "b"), ylabel="share", highest=0.4)
    left, right = figure.axes[0].get_xlim()
    assert left < 0 < 0.4 < right < 0.42
