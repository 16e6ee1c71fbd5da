"""Scores against scikit-learn, SciPy and scikit-image, and by hand on a few pixels."""

import time
import warnings

import numpy as np
import pytest
from scipy import ndimage, optimize
from scipy.spatial.distance import directed_hausdorff
from skimage import measure
from sklearn import metrics as sklearn_metrics
from sklearn.dummy import DummyClassifier

from course_utils import damage, metrics
from course_utils.datasets import IGNORE

NAN = np.nan
# Chapter 01's picture.
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
    truth[rng.random(shape) < ignored] = IGNORE
    return truth, prediction.astype(np.uint8)


# The confusion matrix and what is read off it


@pytest.mark.parametrize(
    ("k", "absent", "ignored"),
    [
        (2, "", 0.0),
        (2, "", 0.2),
        (2, "both", 0.0),
        (3, "truth", 0.2),
        (5, "prediction", 0.0),
        (10, "both", 0.2),
        (10, "", 0.0),
    ],
)
def test_everything_equals_scikit_learn(k, absent, ignored):
    truth, prediction = masks(k, absent, ignored)
    pair, labels = (truth[truth != IGNORE], prediction[truth != IGNORE]), np.arange(k)
    present = np.isin(labels, np.concatenate(pair))
    per_class = {"labels": labels, "average": None, "zero_division": NAN}
    recall = sklearn_metrics.recall_score(*pair, **per_class)
    precision = sklearn_metrics.precision_score(*pair, **per_class)
    iou = sklearn_metrics.jaccard_score(*pair, **per_class | {"zero_division": 0})

    matrix = metrics.confusion_matrix(truth, prediction, k)
    expected = sklearn_metrics.confusion_matrix(*pair, labels=labels)
    np.testing.assert_array_equal(matrix, expected)
    assert matrix.dtype == np.int64
    np.testing.assert_allclose(metrics.class_precision(matrix), precision)
    shares = np.bincount(pair[0], minlength=k) / len(pair[0])
    np.testing.assert_allclose(metrics.class_shares(truth, k), shares)
    np.testing.assert_allclose(metrics.class_iou(matrix), np.where(present, iou, NAN))
    np.testing.assert_allclose(
        metrics.class_dice(matrix), sklearn_metrics.f1_score(*pair, **per_class)
    )
    np.testing.assert_allclose(metrics.class_accuracy(matrix), recall)
    expected = {
        "pixel_accuracy": sklearn_metrics.accuracy_score(*pair),
        "class_accuracy": np.nanmean(recall),
        "miou": iou[present].mean(),
        "weighted_iou": sklearn_metrics.jaccard_score(*pair, average="weighted"),
    }
    assert metrics.summary(matrix) == pytest.approx(expected)
    assert all(type(score) is float for score in metrics.summary(matrix).values())


@pytest.mark.parametrize(
    ("truth", "prediction", "expected"),
    [
        (TRUTH, PREDICTION, [13 / 16, 17 / 24, 83 / 140, (66 / 7 + 8 / 5) / 16]),
        # One pixel in ten is predicted as a class that is not there.
        ([0] * 10, [0] * 9 + [1], [0.9, 0.9, 0.45, 0.9]),
        # A rare class is overlooked.
        ([0] * 98 + [1, 1], [0] * 100, [0.98, 0.5, 0.49, 0.98**2]),
        ([2], [2], [1, 1, 1, 1]),
        (1, 1, [1, 1, 1, 1]),
        ([], [], [NAN] * 4),
        (np.full((2, 2), IGNORE), np.zeros((2, 2), int), [NAN] * 4),
    ],
)
def test_scores_by_hand(truth, prediction, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        matrix = metrics.confusion_matrix(truth, prediction, 3)
        np.testing.assert_allclose([*metrics.summary(matrix).values()], expected)
        assert metrics.pixel_accuracy(matrix.tolist()) == pytest.approx(expected[0], nan_ok=True)


def test_unknown_pixels_and_class_numbers_of_every_kind():
    truth, prediction = masks(100, ignored=0.3)
    known = truth != IGNORE
    before = truth.copy(), prediction.copy()
    expected = sklearn_metrics.confusion_matrix(
        truth[known], prediction[known], labels=np.arange(100)
    )
    for dtype in ("uint8", "int16", "uint64"):  # 100² pairs would overflow the first
        found = metrics.confusion_matrix(truth.astype(dtype), prediction.astype(dtype), 100)
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal((truth, prediction), before)

    prediction[~known] = 200  # plays no role
    np.testing.assert_array_equal(metrics.confusion_matrix(truth, prediction, 100), expected)
    truth[~known] = prediction[~known] = 7
    counted = metrics.confusion_matrix(truth, prediction, 100, ignore=None)
    assert counted.sum() == truth.size
    background = np.array([0, 0, IGNORE])  # with unknown pixels, told from black and white
    assert metrics.confusion_matrix(background, [0, 2, 0], 3).tolist()[0] == [1, 0, 1]
    found = metrics.image_iou([background, [0, 1, IGNORE]], [[0, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(found, [NAN, 1])
    without = metrics.confusion_matrix(truth, prediction, 100, ignore=7)
    np.testing.assert_array_equal(without, np.where(np.arange(100)[:, None] == 7, 0, counted))
    boolean = metrics.confusion_matrix(truth > 50, prediction > 50, 2)
    whole = metrics.confusion_matrix((truth > 50) * 1, (prediction > 50) * 1, 2)
    np.testing.assert_array_equal(boolean, whole)


def test_binary_scores():
    expected = {
        "pixel_accuracy": 13 / 16,
        "miou": 83 / 140,
        "lv_iou": 2 / 5,
        "lv_dice": 4 / 7,
    }
    unknown = np.full((1, 4), IGNORE)
    scores = metrics.binary_scores(
        np.concatenate([TRUTH, unknown]), np.concatenate([PREDICTION > 0, unknown == 0]), "lv"
    )
    assert scores == pytest.approx(expected)
    assert all(type(score) is float for score in scores.values())


@pytest.mark.parametrize(("k", "ignored"), [(2, 0.0), (5, 0.2)])
def test_constant_scores_are_those_of_scikit_learns_dummy(k, ignored):
    truth, _ = masks(k, ignored=ignored)
    known = truth[truth != IGNORE]
    dummy = DummyClassifier(strategy="most_frequent").fit(known[:, None], known)
    expected = metrics.confusion_matrix(known, dummy.predict(known[:, None]), k)
    assert metrics.constant_scores(truth, k) == metrics.summary(expected)


@pytest.mark.parametrize("class_id", [0, 3])
def test_image_iou_is_the_iou_of_each_image(class_id):
    truth, prediction = masks(4, ignored=0.2, shape=(5, 9, 8))
    truth[3], prediction[3] = (class_id + 1) % 4, (class_id + 2) % 4
    expected = [
        metrics.class_iou(metrics.confusion_matrix(t, p, 4))[class_id]
        for t, p in zip(truth, prediction, strict=True)
    ]
    assert np.isnan(expected).tolist() == [False, False, False, True, False]
    np.testing.assert_allclose(metrics.image_iou(truth, prediction, class_id), expected)


def test_foreground_ious():
    truth = np.zeros((3, 1, 8), int)
    prediction = np.zeros((3, 1, 8), int)
    truth[0, 0, :4], prediction[0, 0, 2:4] = 1, 1  # 2 of 4
    truth[1, 0, 0], prediction[1, 0, 0] = 1, 1  # 1 of 1; the third image is empty: 1
    found = metrics.foreground_ious(truth, prediction, batch_size=2)
    expected = {"iou_batches": (3 / 5 + 1) / 2, "iou_pixels": 3 / 5, "iou_images": 2.5 / 3}
    assert found == pytest.approx(expected, abs=1e-4)
    smoothed = metrics.foreground_ious(truth, prediction, 2, smooth=1)
    assert smoothed["iou_batches"] == pytest.approx((4 / 6 + 1) / 2)


def test_details_are_scored_apart():
    truth = np.zeros((2, 20, 30), np.uint8)
    truth[0, 4:6, 4:6] = truth[0, 10:20, 10:20] = 2  # small, and large
    truth[1, :, :15], truth[1, :, 27:] = 1, IGNORE
    right = metrics.detail_scores(truth, truth, 2, most=4)
    assert right == {"near_borders": 1, "inside": 1, "small_things": 1}
    wrong = truth.copy()
    wrong[0, 4] = wrong[0, 15, 15] = 1  # a row with half the small thing, and one pixel inside
    distance = metrics.border_distance(truth)
    near, known = distance <= 2, truth != IGNORE
    found = metrics.detail_scores(truth, wrong, 2, most=4)
    assert found["near_borders"] == (wrong == truth)[near].mean()
    assert found["inside"] == (wrong == truth)[known & ~near].mean()
    assert found["small_things"] == 0.5
    assert metrics.detail_scores(truth, wrong, 2, most=100)["small_things"] == 101 / 104
    assert np.isnan(metrics.detail_scores(truth, wrong, 3)["small_things"])


def test_pieces_hit():
    truth = [[[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 1, 0]], [[1, 0, 0], *[[0] * 3] * 3]]
    prediction = [[[0] * 3] * 3 + [[0, 1, 1]], [[1, 1, 0], *[[0] * 3] * 3]]
    sizes, hits = metrics.pieces_hit(truth, prediction)  # a corner joins, the next image does not
    assert (sizes.tolist(), hits.tolist()) == ([2, 2, 1], [0, 1, 1])
    nothing = np.zeros((1, 4, 3))
    assert [found.tolist() for found in metrics.pieces_hit(nothing, truth[:1])] == [[], []]

    rng = np.random.default_rng(0)
    truth, prediction = rng.random((4, 30, 25)) < 0.3, rng.random((4, 30, 25)) < 0.3
    expected = [
        (region.area, found[tuple(region.coords.T)].sum())
        for mask, found in zip(truth, prediction, strict=True)
        for region in measure.regionprops(measure.label(mask, connectivity=2))
    ]
    assert sorted(zip(*metrics.pieces_hit(truth, prediction), strict=True)) == sorted(expected)


# More than counts


@pytest.mark.parametrize(("levels", "ignored"), [(None, 0.0), (None, 0.2), (10, 0.2), (1, 0.0)])
def test_average_precision_equals_scikit_learn(levels, ignored):
    rng = np.random.default_rng(7)
    truth = (rng.random((5, 13, 11)) < 0.3).astype(np.uint8)
    score = rng.normal(size=truth.shape) + truth
    if levels:  # many equal scores
        score = np.round(score * levels) / levels
    truth[rng.random(truth.shape) < ignored] = IGNORE
    known = truth != IGNORE
    expected = sklearn_metrics.average_precision_score(truth[known], score[known])
    assert metrics.average_precision(truth, score) == pytest.approx(expected)
    curve = sklearn_metrics.precision_recall_curve(truth[known], score[known])
    for found, values in zip(metrics.precision_recall_curve(truth, score), curve, strict=False):
        np.testing.assert_allclose(found, values[-2::-1])  # theirs begins at the other end
    assert metrics.average_precision(truth, 3 * score - 100) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("truth", "score", "options", "expected"),
    [
        # In order of score: 1 0 1 0. Precision where a positive is met: 1/1 and 2/3.
        ([0, 1, 0, 1], [0.1, 0.9, 0.6, 0.4], {}, (1 + 2 / 3) / 2),
        ([[0, 1], [1, 0]], [[0, 1], [0.5, 0]], {}, 1),
        ([1, 0, 0, 0], [0.5] * 4, {}, 1 / 4),
        ([1, 0, 1, 0], [np.inf, np.inf, -np.inf, -np.inf], {}, 1 / 2),
        ([1, 0], np.array([7, 200], np.uint8), {}, 1 / 2),
        (True, 0.5, {}, 1),
        ([1, 255, 0], [0.5, NAN, 0.4], {}, 1),
        ([1, 7, 0], [0.5, 0.9, 0.4], {"ignore": 7}, 1),
        ([1, 0, 0], [0.5, 0.9, 0.4], {"ignore": None}, 1 / 2),
        ([], [], {}, NAN),
        ([0, 255], [0, 0], {}, NAN),
    ],
)
def test_average_precision_by_hand(truth, score, options, expected):
    found = metrics.average_precision(truth, score, **options)
    assert found == pytest.approx(expected, nan_ok=True)


def test_median_frequency_weights_by_hand():
    masks = np.array([[[0, 0, 0, 1]], [[0, 2, IGNORE, IGNORE]]])  # of 4 and of 2 known pixels
    # Frequencies in the pictures that show the class: 4/6, 1/4, 1/2; their median is 1/2.
    found = metrics.median_frequency_weights(masks, 4)
    np.testing.assert_allclose(found, [0.75, 2, 1, 0])


def test_border_distance_is_that_to_the_nearest_pixel_of_another_known_class():
    rng = np.random.default_rng(5)
    masks = np.repeat(np.repeat(rng.integers(0, 3, (2, 3, 4)), 3, axis=1), 2, axis=2)
    masks[rng.random(masks.shape) < 0.2] = IGNORE
    found = metrics.border_distance(masks)
    places = np.argwhere(np.ones(masks.shape[1:]))
    for mask, distances in zip(masks, found, strict=True):
        for place in places:
            number = mask[tuple(place)]
            others = places[(mask != number).ravel() & (mask != IGNORE).ravel()]
            expected = np.hypot(*(others - place).T).min() if number != IGNORE else NAN
            assert distances[tuple(place)] == pytest.approx(expected, nan_ok=True)
    assert metrics.border_distance([[0, 0, 1]]).tolist() == [[2, 1, 1]]
    assert metrics.border_distance([[4, 4, 4]]).tolist() == [[np.inf] * 3]


@pytest.mark.parametrize("spacing", [1.0, (2.0, 0.5)])
def test_hausdorff_distance_equals_scipy(spacing):
    rows, columns = np.indices((23, 31))
    truth = np.abs(np.hypot(rows - 11, columns - 12) - 4) < 2  # a ring
    prediction = (np.hypot(rows - 13, columns - 15) < 5) | (np.hypot(rows, columns) < 3)
    borders = []
    for mask in (truth, prediction):
        padded = np.pad(mask, 1)
        shifted = [np.roll(padded, step, axis) for step in (1, -1) for axis in (0, 1)]
        border = padded & ~np.all(shifted, axis=0)
        borders.append((np.argwhere(border) - 1) * np.broadcast_to(spacing, 2))
    a, b = borders
    directed = directed_hausdorff(a, b)[0], directed_hausdorff(b, a)[0]
    for one, other in [(truth, prediction), (prediction, truth)]:
        found = metrics.hausdorff_distance(one, other, spacing=spacing)
        assert found == pytest.approx(max(directed))
    between = np.linalg.norm(a[:, None] - b[None], axis=-1)
    for percentile in (0, 50, 95):
        expected = max(np.percentile(between.min(axis), percentile) for axis in (0, 1))
        found = metrics.hausdorff_distance(truth, prediction, percentile, spacing)
        assert found == pytest.approx(expected)


def region(*places, shape=(40, 40)):
    mask = np.zeros(shape, int)
    for place in places:
        mask[place] = 1
    return mask


SQUARE = np.s_[10:20, 10:20]
EMPTY, FULL = np.zeros((4, 5)), np.ones((4, 5))


@pytest.mark.parametrize(
    ("truth", "prediction", "options", "expected"),
    [
        (region((1, 1)), region((4, 5)), {}, 5),
        (region((1, 1)), region((4, 5)), {"spacing": (4, 1.25)}, 13),
        # One stray pixel decides the maximum and not the percentile.
        (region(SQUARE), region(SQUARE, (39, 19)), {}, 20),
        (region(SQUARE), region(SQUARE, (39, 19)), {"percentile": 95}, 0),
        # The one pixel lies in the other region, but four pixels from its border.
        (np.ones((9, 9), bool), region((4, 4), shape=(9, 9)), {"percentile": 0}, 4),
        ([[1]], [[1]], {}, 0),
        (FULL, FULL, {}, 0),
        (EMPTY, FULL, {}, np.inf),
        (FULL, EMPTY, {"percentile": 95}, np.inf),
        (EMPTY, EMPTY, {}, NAN),
    ],
)
def test_hausdorff_distance_by_hand(truth, prediction, options, expected):
    found = metrics.hausdorff_distance(truth, prediction, **options)
    assert found == pytest.approx(expected, abs=1e-12, nan_ok=True)


# Objects


def blocks(*places, shape=(12, 20)):
    """Numbered rectangles: rows and columns of each, from and to."""
    numbers = np.zeros(shape, np.int32)
    for number, (top, bottom, left, right) in enumerate(places, 1):
        numbers[top:bottom, left:right] = number
    return numbers


NOTHING, ONE, TWO = blocks(), blocks((0, 4, 0, 8)), blocks((0, 4, 0, 4), (0, 4, 4, 8))
FAR = blocks((8, 12, 0, 8))
THREE_FIFTHS = blocks((0, 1, 0, 3)), blocks((0, 1, 0, 5))  # IoU 0.6


@pytest.mark.parametrize(
    ("truth", "prediction", "by_threshold"),
    [
        (TWO, TWO * 1000, [1] * 10),
        (ONE, NOTHING, [0] * 10),
        (NOTHING, ONE, [0] * 10),
        (NOTHING, NOTHING, [NAN] * 10),
        (TWO, ONE, [0] * 10),  # merged: IoU is 0.5 with both, and not above
        (ONE, TWO, [0] * 10),
        (*THREE_FIFTHS, [1] * 2 + [0] * 8),  # not above 0.6 either
        (ONE, ONE + FAR * 2, [0.5] * 10),
        (TWO, np.where(TWO == 1, 7, 0), [0.5] * 10),
        # 20 of 32 pixels, and 4 of 16: one hit up to 0.6, a false alarm and a miss
        (ONE + FAR * 2, blocks((0, 4, 0, 5), (8, 9, 0, 4)), [1 / 3] * 3 + [0] * 7),
    ],
)
def test_average_precision_of_objects_by_hand(truth, prediction, by_threshold):
    found = metrics.average_precision_of_objects([truth], [prediction])
    np.testing.assert_allclose(found["by_threshold"], by_threshold)
    np.testing.assert_allclose(found["pooled"], by_threshold)
    np.testing.assert_allclose(found["by_image"], [np.mean(by_threshold)])
    assert found["score"] == pytest.approx(np.mean(by_threshold), nan_ok=True)


def test_pictures_count_alike_and_pooled_objects_do():
    pictures = [(TWO, TWO), (ONE, FAR), (NOTHING, NOTHING), (np.ones((3, 5), int),) * 2]
    found = metrics.average_precision_of_objects(*zip(*pictures, strict=True), thresholds=[0.5])
    assert found["score"] == pytest.approx(2 / 3)
    np.testing.assert_allclose(found["by_image"], [1, 0, NAN, 1])
    np.testing.assert_allclose([found["by_threshold"], found["pooled"]], [[2 / 3], [3 / 5]])
    counts = [found[name][:, 0].tolist() for name in ("tp", "fp", "fn")]
    assert counts == [[2, 0, 0, 1], [0, 1, 0, 0], [0, 1, 0, 0]]


def test_average_precision_of_objects_gives_stardists_worked_figure():
    line = np.arange(2210 + 333 + 103) + 1
    truth, prediction = np.where(line <= 2543, line, 0), np.where(line > 333, line, 0)
    found = metrics.average_precision_of_objects([truth[None]], [prediction[None]])
    counts = [found[name][0, 0] for name in ("tp", "fp", "fn")]
    assert counts == [2210, 103, 333]
    assert found["pooled"][0] == pytest.approx(0.8352, abs=5e-5)


@pytest.mark.parametrize("seed", range(3))
def test_average_precision_of_objects_equals_a_loop_with_the_best_assignment(seed):
    rng = np.random.default_rng(seed)
    truth = measure.label(ndimage.gaussian_filter(rng.random((60, 70)), 2) > 0.5)
    moved = np.roll(truth, rng.integers(0, 3, 2), (0, 1))
    prediction = np.where(rng.random(moved.shape) < 0.05, 0, moved)
    found = metrics.average_precision_of_objects([truth], [prediction])
    true, predicted = (np.unique(one)[1:] for one in (truth, prediction))
    iou = [
        [
            ((truth == i) & (prediction == j)).sum() / ((truth == i) | (prediction == j)).sum()
            for j in predicted
        ]
        for i in true
    ]
    pairs = optimize.linear_sum_assignment(iou, maximize=True)
    for limit, score in zip(metrics.BOWL_THRESHOLDS, found["by_threshold"], strict=True):
        hits = sum(iou[i][j] > limit for i, j in zip(*pairs, strict=True))
        assert score == pytest.approx(hits / (len(true) + len(predicted) - hits))


def test_a_thousand_objects_of_a_large_picture_take_no_time():
    truth = np.kron(np.arange(1, 1025).reshape(32, 32), np.pad(np.ones((56, 56), int), 3))
    start = time.process_time()
    found = metrics.average_precision_of_objects([truth], [np.roll(truth, 9)])
    assert time.process_time() - start < 2  # a quarter of a second, where nothing else runs
    assert found["tp"][0, 0] == 1024


@pytest.mark.parametrize(
    ("truth", "prediction", "expected"),
    [
        (TWO, TWO, {"found": [1, 2]}),
        (TWO, ONE, {"merged": [1, 2]}),
        (TWO, blocks((0, 4, 0, 5), (0, 4, 5, 8)), {"found": [1, 2]}),  # a little of the neighbor
        (blocks((0, 4, 0, 5), (0, 4, 5, 8)), TWO, {"found": [1, 2]}),
        (ONE, TWO, {"split": [1]}),
        (ONE, NOTHING, {"missed": [1]}),
        (ONE, FAR, {"missed": [1], "made_up": [1]}),
        (ONE, blocks((0, 4, 0, 3)), {"missed": [1], "made_up": [1]}),  # too little of it
        (ONE + FAR * 7, ONE * 5 + FAR * 9, {"found": [1, 7]}),
        # The larger part would do for a hit; it is split nevertheless.
        (ONE, blocks((0, 4, 0, 6), (0, 4, 6, 8)), {"split": [1]}),
        (NOTHING, NOTHING, {}),
    ],
)
def test_errors_of_objects_by_kind(truth, prediction, expected):
    found = metrics.object_errors(truth, prediction)
    assert set(found) == {"found", "merged", "split", "missed", "made_up"}
    assert {kind: list(numbers) for kind, numbers in found.items() if len(numbers)} == expected


# Errors

ZEROS = np.zeros((2, 3, 4), int)


@pytest.mark.parametrize(
    ("score", "arguments", "words"),
    [
        ("confusion_matrix", ([[0, 1]], [0, 1], 2), r"shape \(1, 2\) but prediction .* \(2,\)"),
        ("confusion_matrix", ([0, 2], [0, 1], 2), "truth .* from 0 to 2, expected 0 to 1"),
        ("confusion_matrix", ([0, 1], [0, -1], 2), "prediction .* from -1 to 0"),
        ("confusion_matrix", ([0, 255], [0, 1], 2, None), "truth .* from 0 to 255"),
        ("confusion_matrix", ([0.0, 1.0], [0, 1], 2), "truth must hold class numbers .* float64"),
        ("confusion_matrix", ([0, 1], [0.2, 0.7], 2), "prediction must hold class .* float64"),
        ("confusion_matrix", (["0"], [0], 2), "truth must hold class numbers"),
        ("confusion_matrix", ([], [], 0), "n_classes must be at least 1, got 0"),
        ("confusion_matrix", ([0, 255], [0, 0], 2), r"truth holds 0 and 255 alone.*\(mask > 0\)"),
        ("binary_scores", ([[0, 255]], [[0, 1]]), r"\(mask > 0\)"),
        ("constant_scores", ([0, 255], 2), r"\(mask > 0\)"),
        ("image_iou", (ZEROS + np.array([0, 0, 0, 255]), ZEROS), r"\(mask > 0\)"),
        ("pixel_accuracy", ([1, 2],), "is square"),
        ("class_iou", ([[1, 2]],), "is square"),
        ("class_dice", (ZEROS,), "is square"),
        ("class_accuracy", (ZEROS,), "is square"),
        ("frequency_weighted_iou", (ZEROS,), "is square"),
        ("image_iou", (ZEROS, ZEROS[:1]), "shorter"),
        ("image_iou", (ZEROS, ZEROS + 0.7), "predictions must hold class numbers"),
        ("image_iou", (ZEROS, ZEROS[..., 1:]), r"prediction has shape \(3, 3\)"),
        ("foreground_ious", (ZEROS + 255, ZEROS), "truth must hold 0 and 1 only"),
        ("detail_scores", (ZEROS[:0], ZEROS[:0], 1), "with at least one image"),
        ("pieces_hit", (ZEROS, ZEROS + 0.7), "prediction must hold 0 and 1 only"),
        ("foreground_ious", (ZEROS, ZEROS[..., 1:]), r"truth \(.* must be of one shape"),
        ("foreground_ious", (ZEROS[0], ZEROS[0]), "must be of one shape"),
        ("pieces_hit", (ZEROS[:0], ZEROS[:0]), "with at least one image"),
        ("average_precision_of_objects", ([ONE], []), "1 truths and 0 predictions"),
        ("average_precision_of_objects", (ONE, ONE), "must be one picture"),
        ("average_precision_of_objects", ([ONE > 0], [ONE]), r"scipy.ndimage.label\(truth\)"),
        ("average_precision_of_objects", ([ONE], [ONE - 1]), "prediction must be one picture"),
        ("average_precision_of_objects", ([ONE], [ONE << 24]), "relabel_sequential"),
        ("average_precision_of_objects", ([ONE], [ONE[1:]]), "they must be equal"),
        ("average_precision_of_objects", ([ONE], [ONE], [0.4]), r"in \[0.5, 1\), got \[0.4\]"),
        ("object_errors", (ONE, ONE / 2), "prediction must hold class numbers"),
        ("average_precision", ([0, 1], [0.1]), r"shape \(2,\) but score has shape \(1,\)"),
        ("average_precision", ([0, 2], [0.1, 0.2]), "truth must hold 0 and 1 only"),
        ("average_precision", ([0.3, 1], [0.1, 0.2]), "truth must hold 0 and 1 only"),
        ("average_precision", ([1, 255], [0.1, 0.2], None), "truth must hold 0 and 1 only"),
        ("average_precision", ([0, 1], [NAN, 0.2]), "score holds NaN"),
        ("border_distance", ([0, 1],), r"must be \[H, W\] or \[N, H, W\], got \(2,\)"),
        ("hausdorff_distance", ([[0, 1]], [[0], [1]]), r"shape \(1, 2\) but prediction .*\(2, 1\)"),
        ("hausdorff_distance", ([[0]], [[[0]]]), r"prediction must have shape \[H, W\]"),
        ("hausdorff_distance", ([[0, 255]], [[0, 1]]), "truth must hold 0 and 1 only"),
        ("hausdorff_distance", ([[0]], [[0]], 101), r"percentile must be in \[0, 100\], got 101"),
        ("hausdorff_distance", ([[0]], [[0]], 100, (1, -1)), "spacing must be positive"),
    ],
)
def test_errors_name_the_argument(score, arguments, words):
    with pytest.raises((ValueError, TypeError), match=words):
        getattr(metrics, score)(*arguments)


# Masks damaged on purpose

MASK = np.array(
    [
        [0, 0, 0, 0, 0, 0],
        [0, 2, 2, 2, 2, 0],
        [0, 2, 2, 2, 2, 0],
        [0, 2, 2, 2, 2, IGNORE],
        [1, 1, 1, 1, 1, 1],
    ],
    np.uint8,
)


@pytest.mark.parametrize(
    ("spoil", "amount", "row", "expected"),
    [
        (damage.eroded, 1, 2, [0, 1, 2, 2, 1, 0]),
        (damage.eroded, 1, 3, [0, 1, 1, 1, 1, IGNORE]),
        (damage.eroded, 2, 2, [0, 1, 1, 1, 1, 0]),
        (damage.speckled, 999, 3, [2, 2, 2, 2, 2, IGNORE]),
    ],
)
def test_damage(spoil, amount, row, expected):
    before = MASK.copy()
    damaged = spoil(MASK, amount)
    assert damaged[row].tolist() == expected
    assert (damaged.dtype, damaged.shape) == (MASK.dtype, MASK.shape)
    np.testing.assert_array_equal(spoil(MASK, 0), MASK)
    np.testing.assert_array_equal(MASK, before)


def test_damage_is_followed_by_scores_and_distances():
    scores, distances = damage.follow(damage.eroded, MASK, [0, 1, 9])
    assert scores["pixel accuracy"] == pytest.approx([1, 19 / 29, 17 / 29])
    assert distances["Hausdorff"] == pytest.approx([0, 2**0.5, np.inf])


def test_more_speckles_include_the_fewer():
    few, more = (damage.speckled(MASK, pixels) != MASK for pixels in (3, 5))
    assert (few.sum(), more.sum()) == (3, 5)
    assert more[few].all()
    assert set(MASK[more]) == {0}
