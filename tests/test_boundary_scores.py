"""The scores that need more than counts: average precision, Hausdorff distance."""

import numpy as np
import pytest
from scipy.spatial.distance import directed_hausdorff
from sklearn import metrics as sklearn_metrics

from course_utils import metrics


def decisions(seed, levels=None, ignored=0.0):
    """Random truth and a score that agrees with it somewhat, of few `levels` where told."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((5, 13, 11)) < 0.3).astype(np.uint8)
    score = rng.normal(size=truth.shape) + truth
    if levels:
        score = np.round(score * levels) / levels
    truth[rng.random(truth.shape) < ignored] = 255
    return truth, score


@pytest.mark.parametrize("ignored", [0.0, 0.2])
@pytest.mark.parametrize("levels", [None, 10, 1])
@pytest.mark.parametrize("seed", range(4))
def test_average_precision_equals_scikit_learn(seed, levels, ignored):
    truth, score = decisions(seed, levels, ignored)
    known = truth != 255
    expected = sklearn_metrics.average_precision_score(truth[known], score[known])
    found = metrics.average_precision(truth, score)
    assert isinstance(found, float)
    assert found == pytest.approx(expected, rel=1e-12)
    assert 0.3 < found < 1


def test_average_precision_by_hand():
    # In order of score: 1 0 1 0. Precision where a positive is met: 1/1 and 2/3.
    for truth, score, expected in [
        ([0, 1, 0, 1], [0.1, 0.9, 0.6, 0.4], (1 + 2 / 3) / 2),
        ([[0, 1], [1, 0]], [[0, 1], [0.5, 0]], 1),
        ([1, 0, 0, 0], [0.5] * 4, 1 / 4),
        ([True, True], [0.0, 1.0], 1),
        ([1], [3], 1),
        (1, 0.5, 1),
    ]:
        assert metrics.average_precision(truth, score) == pytest.approx(expected)


def test_average_precision_depends_on_the_order_alone():
    truth, score = decisions(7)
    expected = pytest.approx(metrics.average_precision(truth, score))
    assert metrics.average_precision(truth, 1 / (1 + np.exp(-score))) == expected
    assert metrics.average_precision(truth == 1, score * 3 - 100) == expected
    infinite = metrics.average_precision([1, 0, 1, 0], [np.inf, np.inf, -np.inf, -np.inf])
    assert infinite == pytest.approx(1 / 2)
    whole = metrics.average_precision([1, 0], np.array([7, 200], np.uint8))
    assert whole == pytest.approx(1 / 2)


def test_average_precision_ignores_what_it_is_told_to():
    one, half = pytest.approx(1), pytest.approx(1 / 2)
    assert metrics.average_precision([1, 255, 0], [0.5, np.nan, 0.4]) == one
    assert metrics.average_precision([1, 7, 0], [0.5, 0.9, 0.4], ignore=7) == one
    assert metrics.average_precision([1, 0, 0], [0.5, 0.9, 0.4], ignore=None) == half
    with pytest.raises(ValueError, match="0 and 1 only"):
        metrics.average_precision([1, 255, 0], [0.5, 0.9, 0.4], ignore=None)


@pytest.mark.parametrize("truth", [[], [0, 0, 0], [255, 255], [0, 255]])
def test_average_precision_without_a_positive_is_nan(truth):
    assert np.isnan(metrics.average_precision(truth, np.zeros(len(truth))))


@pytest.mark.parametrize(
    ("truth", "score", "words"),
    [
        ([0, 1], [0.1], r"truth has shape \(2,\) but score has shape \(1,\)"),
        ([0, 2], [0.1, 0.2], "truth must hold 0 and 1 only"),
        ([0, -1], [0.1, 0.2], "truth must hold 0 and 1 only"),
        ([0.3, 1], [0.1, 0.2], "truth must hold 0 and 1 only"),
        ([0, 1], [np.nan, 0.2], "score holds NaN"),
    ],
)
def test_average_precision_says_what_is_wrong(truth, score, words):
    with pytest.raises(ValueError, match=words):
        metrics.average_precision(truth, score)


def blobs(seed, shape=(23, 31)):
    """Two regions that overlap, one of them with a hole and touching the edge."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices(shape)

    def disc(row, column, radius):
        return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2

    row, column = rng.integers(8, 15), rng.integers(8, 20)
    truth = disc(row, column, 6) & ~disc(row, column, 2)
    prediction = disc(row + rng.integers(-3, 4), column + rng.integers(-3, 4), 5)
    return truth, prediction | disc(0, 0, rng.integers(1, 4))


def border_points(mask):
    """Pixels of the mask with one of four neighbours outside, found one by one."""
    padded = np.pad(mask, 1)
    return np.array(
        [
            (row, column)
            for row, column in np.argwhere(mask)
            if not all(
                padded[row + 1 + down, column + 1 + right]
                for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1))
            )
        ]
    )


@pytest.mark.parametrize("spacing", [1.0, 1.25, (2.0, 0.5)])
@pytest.mark.parametrize("seed", range(5))
def test_hausdorff_distance_equals_scipy(seed, spacing):
    truth, prediction = blobs(seed)
    a, b = (border_points(mask) * np.broadcast_to(spacing, 2) for mask in (truth, prediction))
    directed = directed_hausdorff(a, b)[0], directed_hausdorff(b, a)[0]
    assert directed[0] != directed[1]
    found = metrics.hausdorff_distance(truth, prediction, spacing=spacing)
    assert isinstance(found, float)
    assert found == pytest.approx(max(directed), rel=1e-12)
    assert metrics.hausdorff_distance(prediction, truth, spacing=spacing) == pytest.approx(found)

    between = np.linalg.norm(a[:, None] - b[None], axis=-1)
    for percentile in (0, 50, 95):
        expected = max(np.percentile(between.min(axis), percentile) for axis in (0, 1))
        found = metrics.hausdorff_distance(truth, prediction, percentile, spacing)
        assert found == pytest.approx(expected, rel=1e-12)


def test_hausdorff_distance_by_hand():
    truth, prediction = np.zeros((2, 6, 6), int)
    truth[1, 1] = prediction[4, 5] = 1
    for spacing, expected in {1: 5, 2: 10, (4, 1.25): 13}.items():  # 3 down, 4 right
        found = metrics.hausdorff_distance(truth, prediction, spacing=spacing)
        assert found == pytest.approx(expected)
    same = metrics.hausdorff_distance(truth.tolist(), truth.tolist())
    assert same == pytest.approx(0, abs=1e-12)


def test_one_stray_pixel_decides_the_maximum_and_not_the_percentile():
    truth = np.zeros((40, 40), bool)
    truth[10:20, 10:20] = True
    prediction = truth.copy()
    prediction[39, 19] = True
    assert metrics.hausdorff_distance(truth, prediction) == pytest.approx(20)
    found = metrics.hausdorff_distance(truth, prediction, percentile=95)
    assert found == pytest.approx(0, abs=1e-12)


def test_borders_are_compared_not_areas():
    truth = np.ones((9, 9), bool)
    inside = np.zeros((9, 9), bool)
    inside[4, 4] = True
    # The one pixel lies in the other region, but four pixels from its border.
    assert metrics.hausdorff_distance(truth, inside, percentile=0) == pytest.approx(4)
    assert metrics.hausdorff_distance(truth, inside) == pytest.approx(32**0.5)


def test_hausdorff_distance_without_a_region():
    empty, full = np.zeros((4, 5), np.uint8), np.ones((4, 5), np.uint8)
    assert np.isnan(metrics.hausdorff_distance(empty, empty))
    assert metrics.hausdorff_distance(empty, full) == np.inf
    assert metrics.hausdorff_distance(full, empty, percentile=95) == np.inf
    assert metrics.hausdorff_distance(full, full) == pytest.approx(0, abs=1e-12)
    assert metrics.hausdorff_distance([[1]], [[1]]) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("truth", "prediction", "options", "words"),
    [
        ([[0, 1]], [[0], [1]], {}, r"truth has shape \(1, 2\) but prediction has shape \(2, 1\)"),
        ([0, 1], [[0, 1]], {}, r"truth must have shape \[H, W\], got \(2,\)"),
        ([[0, 1]], [[[0, 1]]], {}, r"prediction must have shape \[H, W\], got \(1, 1, 2\)"),
        ([[0, 255]], [[0, 1]], {}, "truth must hold 0 and 1 only"),
        ([[0, 1]], [[0.4, 0.6]], {}, "prediction must hold 0 and 1 only"),
        ([[0, 1]], [[0, 1]], {"percentile": 101}, r"percentile must be in \[0, 100\], got 101"),
        ([[0, 1]], [[0, 1]], {"percentile": -1}, "percentile must be"),
        ([[0, 1]], [[0, 1]], {"spacing": 0}, "spacing must be positive"),
        ([[0, 1]], [[0, 1]], {"spacing": (1, -1)}, "spacing must be positive"),
    ],
)
def test_hausdorff_distance_says_what_is_wrong(truth, prediction, options, words):
    with pytest.raises(ValueError, match=words):
        metrics.hausdorff_distance(truth, prediction, **options)
