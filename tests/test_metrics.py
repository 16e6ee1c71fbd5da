"""Every score against scikit-learn, and by hand on chapter 01's picture of 4 x 4 pixels."""

import warnings

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from course_utils import metrics

TRUTH = np.array([[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]])
PREDICTION = np.array([[0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 1, 0], [0, 0, 0, 0]])


def masks(k, absent="", ignored=0.0, shape=(3, 17, 23)):
    """Random truth and prediction; the last class is absent from what `absent` names."""
    rng = np.random.default_rng([k, len(absent), round(100 * ignored)])
    truth = rng.integers(0, k, shape, np.uint8)
    prediction = np.where(rng.random(shape) < 0.6, truth, rng.integers(0, k, shape, np.uint8))
    if absent in ("truth", "both"):
        truth[truth == k - 1] = 0
    if absent in ("prediction", "both"):
        prediction[prediction == k - 1] = 0
    truth[rng.random(shape) < ignored] = 255
    return truth, prediction.astype(np.uint8)


@pytest.mark.parametrize("ignored", [0.0, 0.2])
@pytest.mark.parametrize("absent", ["", "truth", "prediction", "both"])
@pytest.mark.parametrize("k", range(2, 11))
def test_everything_equals_scikit_learn(k, absent, ignored):
    truth, prediction = masks(k, absent, ignored)
    counted = truth != 255
    assert counted.all() == (ignored == 0)
    pair, labels = (truth[counted], prediction[counted]), np.arange(k)
    present = np.isin(labels, np.concatenate(pair))
    assert present[-1] == (absent != "both")

    matrix = metrics.confusion_matrix(truth, prediction, k)
    expected = sklearn_metrics.confusion_matrix(*pair, labels=labels)
    np.testing.assert_array_equal(matrix, expected)
    assert matrix.dtype == np.int64

    accuracy = metrics.pixel_accuracy(matrix)
    assert isinstance(accuracy, float)
    assert accuracy == pytest.approx(sklearn_metrics.accuracy_score(*pair), rel=1e-12)

    iou = sklearn_metrics.jaccard_score(*pair, labels=labels, average=None, zero_division=0)
    iou = np.where(present, iou, np.nan)
    np.testing.assert_allclose(metrics.class_iou(matrix), iou, rtol=1e-12)
    mean = sklearn_metrics.jaccard_score(*pair, labels=labels[present], average="macro")
    assert isinstance(metrics.mean_iou(matrix), float)
    assert metrics.mean_iou(matrix) == pytest.approx(mean, rel=1e-12)

    dice = sklearn_metrics.f1_score(*pair, labels=labels, average=None, zero_division=np.nan)
    np.testing.assert_allclose(metrics.class_dice(matrix), dice, rtol=1e-12)

    recall = sklearn_metrics.recall_score(*pair, labels=labels, average=None, zero_division=np.nan)
    np.testing.assert_allclose(metrics.class_accuracy(matrix), recall, rtol=1e-12)
    assert np.isnan(recall[-1]) == (absent in ("truth", "both"))
    balanced = np.nanmean(recall)
    assert isinstance(metrics.mean_class_accuracy(matrix), float)
    assert metrics.mean_class_accuracy(matrix) == pytest.approx(balanced, rel=1e-12)

    weighted = sklearn_metrics.jaccard_score(*pair, average="weighted")
    assert isinstance(metrics.frequency_weighted_iou(matrix), float)
    assert metrics.frequency_weighted_iou(matrix) == pytest.approx(weighted, rel=1e-12)


def test_by_hand():
    matrix = metrics.confusion_matrix(TRUTH, PREDICTION, 2)
    assert matrix.tolist() == [[11, 1], [2, 2]]
    assert metrics.pixel_accuracy(matrix) == pytest.approx(0.8125)
    assert metrics.class_iou(matrix) == pytest.approx([11 / 14, 2 / 5])
    assert metrics.mean_iou(matrix) == pytest.approx((11 / 14 + 2 / 5) / 2)
    assert metrics.class_dice(matrix) == pytest.approx([22 / 25, 4 / 7])
    assert metrics.class_accuracy(matrix) == pytest.approx([11 / 12, 1 / 2])
    assert metrics.mean_class_accuracy(matrix) == pytest.approx((11 / 12 + 1 / 2) / 2)
    assert metrics.frequency_weighted_iou(matrix) == pytest.approx((11 * 12 / 14 + 8 / 5) / 16)
    assert metrics.pixel_accuracy(matrix.tolist()) == pytest.approx(0.8125)


def test_the_package_offers_all_its_scores():
    assert metrics.__all__ == sorted(metrics.__all__)
    assert all(callable(getattr(metrics, name)) for name in metrics.__all__)


def test_binary_scores_are_those_of_the_matrix():
    scores = metrics.binary_scores(TRUTH, PREDICTION)
    expected = {
        "pixel_accuracy": 0.8125,
        "miou": (11 / 14 + 2 / 5) / 2,
        "foreground_iou": 2 / 5,
        "foreground_dice": 4 / 7,
    }
    assert scores == pytest.approx(expected)
    assert all(type(score) is float for score in scores.values())
    truth, prediction = masks(2, ignored=0.2)
    scores = metrics.binary_scores(truth, prediction == 1, name="lv")
    matrix = metrics.confusion_matrix(truth, prediction, 2)
    assert [*scores] == ["pixel_accuracy", "miou", "lv_iou", "lv_dice"]
    assert scores["miou"] == pytest.approx(metrics.mean_iou(matrix))
    assert scores["lv_iou"] == pytest.approx(metrics.class_iou(matrix)[1])
    assert scores["lv_dice"] == pytest.approx(metrics.class_dice(matrix)[1])


@pytest.mark.parametrize("class_id", [0, 1, 3])
def test_image_iou_is_the_iou_of_each_image(class_id):
    truth, prediction = masks(4, ignored=0.2, shape=(5, 9, 8))
    truth[3], prediction[3] = (class_id + 1) % 4, (class_id + 2) % 4
    found = metrics.image_iou(truth, prediction, class_id)
    expected = [
        metrics.class_iou(metrics.confusion_matrix(t, p, 4))[class_id]
        for t, p in zip(truth, prediction, strict=True)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert np.isnan(found).tolist() == [False, False, False, True, False]


def test_image_iou_is_of_class_one_unless_told_otherwise():
    pair = np.stack([TRUTH, TRUTH]), np.stack([PREDICTION, TRUTH])
    assert metrics.image_iou(*pair) == pytest.approx([2 / 5, 1])
    found = metrics.image_iou(pair[0].tolist(), pair[1].tolist(), 0)
    assert found == pytest.approx([11 / 14, 1])
    with pytest.raises(ValueError):
        metrics.image_iou(pair[0], pair[1][:1])


def test_foreground_ious_by_hand():
    truth = np.zeros((3, 1, 8), int)
    prediction = np.zeros((3, 1, 8), int)
    truth[0, 0, :4], prediction[0, 0, 2:4] = 1, 1  # 2 of 4
    truth[1, 0, 0], prediction[1, 0, 0] = 1, 1  # 1 of 1; the third image is empty: 1
    found = metrics.foreground_ious(truth, prediction, batch_size=2)
    expected = {"iou_batches": (3 / 5 + 1) / 2, "iou_pixels": 3 / 5, "iou_images": 2.5 / 3}
    assert found == pytest.approx(expected, abs=1e-4)
    assert metrics.foreground_ious(truth, prediction, 2, smooth=1)["iou_batches"] == pytest.approx(
        (4 / 6 + 1) / 2
    )


@pytest.mark.parametrize("batch_size", [1, 4, 7, 16])
def test_foreground_ious_against_the_other_scores(batch_size):
    truth, prediction = masks(2, shape=(7, 9, 8))
    found = metrics.foreground_ious(truth, prediction, batch_size)
    matrix = metrics.confusion_matrix(truth, prediction, 2)
    assert found["iou_pixels"] == pytest.approx(metrics.class_iou(matrix)[1], abs=1e-5)
    each = metrics.image_iou(truth, prediction)
    assert found["iou_images"] == pytest.approx(each.mean(), abs=1e-5)
    if batch_size == 1:
        assert found["iou_batches"] == pytest.approx(found["iou_images"])
    if batch_size >= 7:
        assert found["iou_batches"] == pytest.approx(found["iou_pixels"])


def test_pieces_hit_by_hand():
    truth = [[[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 1, 0]], [[1, 0, 0], *[[0] * 3] * 3]]
    prediction = [[[0] * 3] * 3 + [[0, 1, 1]], [[1, 1, 0], *[[0] * 3] * 3]]
    sizes, hits = metrics.pieces_hit(truth, prediction)  # a corner joins, the next image does not
    assert sizes.tolist() == [2, 2, 1]
    assert hits.tolist() == [0, 1, 1]
    nothing = np.zeros((1, 4, 3))
    assert [found.tolist() for found in metrics.pieces_hit(nothing, truth[:1])] == [[], []]


def test_pieces_hit_against_scikit_image():
    from skimage import measure

    rng = np.random.default_rng(0)
    truth, prediction = rng.random((4, 30, 25)) < 0.3, rng.random((4, 30, 25)) < 0.3
    expected = [
        (region.area, found[tuple(region.coords.T)].sum())
        for mask, found in zip(truth, prediction, strict=True)
        for region in measure.regionprops(measure.label(mask, connectivity=2))
    ]
    assert sorted(zip(*metrics.pieces_hit(truth, prediction), strict=True)) == sorted(expected)


@pytest.mark.parametrize("score", [metrics.foreground_ious, metrics.pieces_hit])
@pytest.mark.parametrize("shapes", [((2, 3, 4), (2, 3, 5)), ((3, 4), (3, 4)), ((0, 3, 4),) * 2])
def test_scores_of_foreground_name_the_shapes(score, shapes):
    with pytest.raises(ValueError, match=r"truth \(.* and prediction \(.* must be of one shape"):
        score(*(np.zeros(shape, int) for shape in shapes))


def test_what_is_predicted_on_ignored_pixels_plays_no_role():
    truth, prediction = masks(4, ignored=0.3)
    expected = metrics.confusion_matrix(truth, prediction, 4)
    prediction[truth == 255] = 200
    np.testing.assert_array_equal(metrics.confusion_matrix(truth, prediction, 4), expected)
    assert expected.sum() == (truth != 255).sum()


def test_any_class_can_be_the_ignored_one():
    truth, prediction = masks(3)
    matrix = metrics.confusion_matrix(truth, prediction, 3, ignore=0)
    assert matrix[0].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(matrix[1:], metrics.confusion_matrix(truth, prediction, 3)[1:])


def test_without_ignore_every_pixel_counts():
    truth, prediction = masks(3)
    matrix = metrics.confusion_matrix(truth, prediction, 3, ignore=None)
    assert matrix.sum() == truth.size
    truth[0, 0, 0] = 255
    with pytest.raises(ValueError, match="truth holds class numbers from 0 to 255"):
        metrics.confusion_matrix(truth, prediction, 3, ignore=None)
    large = np.full(5, 255)
    matrix = metrics.confusion_matrix(large, large, 256, ignore=None)
    assert matrix[255, 255] == matrix.sum() == 5


@pytest.mark.parametrize("empty", [[], np.zeros((0, 4, 4), np.uint8), np.full((2, 2), 255)])
def test_where_nothing_is_counted_there_is_no_score(empty):
    matrix = metrics.confusion_matrix(empty, empty, 3)
    assert matrix.dtype == np.int64
    assert matrix.tolist() == [[0] * 3] * 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(metrics.pixel_accuracy(matrix))
        assert np.isnan(metrics.mean_iou(matrix))
        assert np.isnan(metrics.class_iou(matrix)).all()
        assert np.isnan(metrics.class_dice(matrix)).all()
        assert np.isnan(metrics.class_accuracy(matrix)).all()
        assert np.isnan(metrics.mean_class_accuracy(matrix))
        assert np.isnan(metrics.frequency_weighted_iou(matrix))


def test_one_pixel():
    assert metrics.confusion_matrix([1], [0], 2).tolist() == [[0, 0], [1, 0]]
    assert metrics.confusion_matrix(1, 1, 2).tolist() == [[0, 0], [0, 1]]
    matrix = metrics.confusion_matrix([2], [2], 3)
    for score in (metrics.class_iou, metrics.class_dice, metrics.class_accuracy):
        np.testing.assert_allclose(score(matrix), [np.nan, np.nan, 1])
    assert [*metrics.summary(matrix).values()] == pytest.approx([1] * 4)


def test_a_false_alarm_costs_the_mean_iou_most():
    # Class 1 is not in the truth; one pixel in ten is predicted as it.
    matrix = metrics.confusion_matrix([0] * 10, [0] * 9 + [1], 2)
    np.testing.assert_allclose(metrics.class_accuracy(matrix), [0.9, np.nan])
    assert [*metrics.summary(matrix).values()] == pytest.approx([0.9, 0.9, 0.45, 0.9])


def test_the_frequency_weighted_iou_hardly_sees_a_rare_class():
    matrix = metrics.confusion_matrix([0] * 98 + [1, 1], [0] * 100, 2)
    assert metrics.frequency_weighted_iou(matrix) == pytest.approx(0.98**2)
    assert metrics.mean_iou(matrix) == pytest.approx(0.49)
    assert metrics.mean_class_accuracy(matrix) == pytest.approx(0.5)


@pytest.mark.parametrize("dtype", [bool, "int8", "uint8", "int16", "uint16", "int64", "uint64"])
def test_whole_numbers_of_every_kind(dtype):
    truth, prediction = masks(2)
    expected = metrics.confusion_matrix(truth.astype(int), prediction.astype(int), 2)
    same = metrics.confusion_matrix(truth.astype(dtype), prediction.astype(dtype), 2)
    np.testing.assert_array_equal(same, expected)
    mixed = metrics.confusion_matrix(truth, prediction.astype(dtype), 2)
    np.testing.assert_array_equal(mixed, expected)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint64"])
def test_many_classes_do_not_overflow_a_small_type(dtype):
    truth, prediction = masks(100)
    matrix = metrics.confusion_matrix(truth.astype(dtype), prediction.astype(dtype), 100)
    expected = sklearn_metrics.confusion_matrix(
        truth.ravel(), prediction.ravel(), labels=np.arange(100)
    )
    np.testing.assert_array_equal(matrix, expected)


def test_arguments_stay_as_they_are():
    truth, prediction = masks(3, ignored=0.2)
    before = truth.copy(), prediction.copy()
    metrics.confusion_matrix(truth, prediction, 3)
    np.testing.assert_array_equal(truth, before[0])
    np.testing.assert_array_equal(prediction, before[1])


@pytest.mark.parametrize("cut", range(5))
def test_batches_of_any_cut_give_one_matrix(cut):
    truth, prediction = masks(5, ignored=0.1, shape=(40, 6, 5))
    rng = np.random.default_rng(cut)
    places = np.sort(rng.integers(0, 41, rng.integers(1, 9)))  # some batches are empty
    counted = metrics.ConfusionMatrix(5)
    for part in zip(np.split(truth, places), np.split(prediction, places), strict=True):
        assert counted.update(*part) is counted
    assert counted.matrix.dtype == np.int64
    np.testing.assert_array_equal(counted.matrix, metrics.confusion_matrix(truth, prediction, 5))


def test_streaming_passes_its_settings_on_and_forgets_on_reset():
    counted = metrics.ConfusionMatrix(3, ignore=0)
    counted.update([0, 1, 2], [0, 1, 1])
    assert counted.matrix.tolist() == [[0, 0, 0], [0, 1, 0], [0, 1, 0]]
    counted.reset()
    assert counted.matrix.tolist() == [[0] * 3] * 3
    counted.update([0, 1], [0, 1])
    assert counted.matrix.sum() == 1


def test_counts_are_exact_where_floats_are_not():
    counted = metrics.ConfusionMatrix(2)
    counted.matrix = np.array([[2**53, 0], [0, 2**24]])
    counted.update([0, 1, 1], [0, 1, 0])
    assert counted.matrix.tolist() == [[2**53 + 1, 0], [1, 2**24 + 1]]


@pytest.mark.parametrize(
    ("truth", "prediction", "error", "words"),
    [
        ([[0, 1]], [0, 1], ValueError, r"truth has shape \(1, 2\) but prediction .* \(2,\)"),
        ([0, 2], [0, 1], ValueError, "truth holds class numbers from 0 to 2, expected 0 to 1"),
        ([0, 1], [0, 2], ValueError, "prediction holds class numbers from 0 to 2"),
        ([-1, 1], [0, 1], ValueError, "truth holds class numbers from -1 to 1"),
        ([1, 1], [0, -1], ValueError, "prediction holds class numbers from -1 to 0"),
        ([0, 1], [0, 255], ValueError, "prediction holds class numbers from 0 to 255"),
        ([0.0, 1.0], [0, 1], TypeError, "truth must hold class numbers .* float64"),
        ([0, 1], [0.2, 0.7], TypeError, "prediction must hold class numbers .* float64"),
        (["0", "1"], [0, 1], TypeError, "truth must hold class numbers"),
    ],
)
def test_errors_name_the_argument(truth, prediction, error, words):
    with pytest.raises(error, match=words):
        metrics.confusion_matrix(truth, prediction, 2)
    with pytest.raises(error, match=words):
        metrics.ConfusionMatrix(2).update(truth, prediction)


def test_there_is_at_least_one_class():
    with pytest.raises(ValueError, match="n_classes must be at least 1, got 0"):
        metrics.confusion_matrix([], [], 0)
    assert metrics.confusion_matrix([0, 0], [0, 0], 1).tolist() == [[2]]


@pytest.mark.parametrize("matrix", [[1, 2], [[1, 2]], np.zeros((2, 2, 2))])
@pytest.mark.parametrize(
    "score",
    "pixel_accuracy class_accuracy mean_class_accuracy class_iou mean_iou frequency_weighted_iou "
    "class_dice".split(),
)
def test_a_confusion_matrix_is_square(score, matrix):
    with pytest.raises(ValueError, match="is square"):
        getattr(metrics, score)(matrix)


def test_summary_holds_each_score_under_its_name():
    matrix = np.array([[18, 2, 0], [0, 12, 0], [2, 0, 2]])
    expected = {
        "pixel_accuracy": metrics.pixel_accuracy(matrix),
        "class_accuracy": metrics.mean_class_accuracy(matrix),
        "miou": metrics.mean_iou(matrix),
        "weighted_iou": metrics.frequency_weighted_iou(matrix),
    }
    assert metrics.summary(matrix) == pytest.approx(expected)
    assert metrics.summary(matrix)["class_accuracy"] == pytest.approx((18 / 20 + 1 + 2 / 4) / 3)
