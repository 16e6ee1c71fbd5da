"""Chapter 04: labels to masks, resizing, a split, confusion matrix, scores, weights, a loss."""

from numbers import Real

import numpy as np

from course_utils import metrics
from course_utils.datasets import IGNORE

from .judge import (
    RIGHT,
    Check,
    Verdict,
    Wrong,
    as_numbers,
    call,
    kind_of,
    not_uint8,
    read_numbers,
    shown,
)

check_to_labels = Check(
    "Numbers of a label file to a mask; negative means unknown, 255.",
    used=True,
    solution=lambda a: np.where(a < 0, 255, a).astype(np.uint8),
    cases=[(np.array([[0, 7, -1], [3, -3, 5]]),), (np.array([[2, -2], [0, 1], [4, 4]]),)],
    mistakes={
        "−3 became 253: uint8 wraps round, which is 255 for −1 alone. Set every negative to 255.": [
            lambda a: a.astype(np.uint8)
        ],
        "without its sign an unknown pixel has a class: −1 became tree.": [np.abs],
        "unknown pixels became 0, sky; 255 is wanted (256 does not fit into a byte).": [
            lambda a: np.maximum(a, 0),
            lambda a: np.where(a < 0, 256, a).astype(np.uint8),
        ],
        "every negative number is unknown, not −1 alone.": [lambda a: np.where(a == -1, 255, a)],
        "the negative numbers are still there; they should be 255.": [lambda a: a],
        "the known classes got lost; they stay as they are.": [lambda a: np.where(a < 0, 255, 0)],
        "unknown pixels are marked with 255, not left out.": [lambda a: a[a >= 0]],
    },
    also=not_uint8,
)


@shown
def check_resize_mask(resize_mask):
    """A mask in another size, with the classes that it had."""
    rows, columns = np.indices((12, 20))
    mask = np.array([[0, 7, 2, 5], [5, 2, 7, 0], [7, 0, 5, 2], [2, 5, 0, 7]], np.uint8)
    mask = mask[rows // 3, columns // 5]
    sizes = [(6, 10), (12, 20), (8, 13), (16, 30)]
    answers = [call(resize_mask, mask, *size) for size in sizes]
    for size, answer in zip(sizes, answers, strict=True):
        _require_classes(mask, as_numbers(answer), size)
        _require_nearest(mask, as_numbers(answer))
        dtype = np.asarray(answer).dtype
        if not np.issubdtype(dtype, np.integer):
            raise Wrong(
                f"the classes are right, but a mask holds whole numbers (uint8), not {dtype}."
            )


def _require_classes(mask, answer, size):
    """Raise `Wrong` where a resized mask has another size or other classes than asked for."""
    height, width = size
    if answer.shape == (width, height):
        raise Wrong(f"{height} × {width} was asked for; cv2.resize wants (width, height).")
    if answer.shape != size:
        raise Wrong(f"shape {size} is wanted, got {answer.shape}.")
    invented = np.setdiff1d(answer, mask)
    if np.isin(answer * 255, mask).all() and answer.any() and invented.size:
        raise Wrong("the classes were divided by 255; skimage needs preserve_range=True.")
    if invented.size:
        raise Wrong(
            f"{invented[0]:g} is not a class of the mask: averaging invents classes. Take the "
            "nearest pixel, in cv2.resize by name: `interpolation=…`. Its third place is dst."
        )


def _require_nearest(mask, answer):
    """Raise `Wrong` where a pixel shows a class that is not near its place in the old mask."""
    far = _far_from(mask, answer)
    if len(far) and not len(_far_from(mask.T, answer)):
        raise Wrong(
            "the mask is turned on its side: give cv2.resize (width, height), and take no .T."
        )
    if len(far):
        raise Wrong(
            f"{answer.shape[0]} × {answer.shape[1]}: row {far[0][0]}, column {far[0][1]} shows a "
            "class that is elsewhere in the mask. The whole mask should be resized, not cropped, "
            "turned or repeated."
        )


def _far_from(mask, answer):
    """Return the pixels, [n, 2], that show a class which is not near their place in a mask."""
    # The middle of each new pixel in the old mask, and the pixels around it: the ways to round
    # that libraries use differ by half a pixel.
    row, column = (
        np.rint((np.arange(new) + 0.5) * old / new - 0.5).astype(int)
        for new, old in zip(answer.shape, mask.shape, strict=True)
    )
    around = np.pad(mask, 1, mode="edge")
    shifts = [(down, right) for down in range(3) for right in range(3)]
    near = [answer == around[row + down][:, column + right] for down, right in shifts]
    return np.argwhere(~np.any(near, axis=0))


SKY_ROAD_BUILDING = np.zeros((6, 6), np.uint8)
SKY_ROAD_BUILDING[4:] = 1
SKY_ROAD_BUILDING[2:4, 1:3] = 2
PREDICTED = np.where(SKY_ROAD_BUILDING == 2, 0, SKY_ROAD_BUILDING)
PREDICTED[2:4, 1] = 2  # half of the building
PREDICTED[3, 4:] = 1  # two pixels of sky are called road
SKY_ROAD_BUILDING.setflags(write=False)
PREDICTED.setflags(write=False)


def _pairs(truth, prediction):
    known = truth != IGNORE
    return truth[known], prediction[known]


def _count_once(truth, prediction, n_classes):
    matrix = np.zeros((n_classes, n_classes), int)
    matrix[_pairs(truth, prediction)] += 1
    return matrix


def _count_in_bytes(truth, prediction, n_classes):
    truth, prediction = _pairs(truth, prediction)
    numbers = truth * np.uint8(n_classes) + prediction
    return np.bincount(numbers, minlength=n_classes**2).reshape(n_classes, n_classes)


def _count_up_to_255(truth, prediction, n_classes):
    matrix = np.zeros((n_classes, n_classes), np.uint8)
    np.add.at(matrix, _pairs(truth, prediction), 1)
    return matrix


def _unknown_as(number):
    return lambda t, p, n: metrics.confusion_matrix(np.where(t == IGNORE, number(p, n), t), p, n)


check_confusion_matrix = Check(
    "Confusion matrix of masks of bytes: truth in rows, prediction in columns, 255 left out.",
    used=True,
    solution=metrics.confusion_matrix,
    cases={
        "masks of three classes": (
            np.array([[0, 1, 255, 0], [2, 1, 0, 1]], np.uint8),
            np.array([[0, 2, 1, 0], [2, 0, 0, 1]], np.uint8),
            3,
        ),
        "masks of twenty classes": (
            np.array([[[19, 19]], [[18, 255]]], np.uint8),
            np.array([[[19, 18]], [[19, 3]]], np.uint8),
            20,
        ),
        "320 pixels without the last class": (
            np.repeat(np.array([[0, 1]], np.uint8), [300, 20], axis=1),
            np.zeros((1, 320), np.uint8),
            3,
        ),
    },
    mistakes={
        "turned round: rows are the truth, columns the prediction.": [
            lambda t, p, n: metrics.confusion_matrix(t, p, n).T
        ],
        "the unknown pixels were counted as class 0; leave out where the truth is 255.": [
            _unknown_as(lambda p, n: 0)
        ],
        "the unknown pixels were counted as the last class; leave out where the truth is 255.": [
            _unknown_as(lambda p, n: n - 1)
        ],
        "the unknown pixels were counted as right; leave out where the truth is 255.": [
            _unknown_as(lambda p, n: p)
        ],
        "`matrix[truth, prediction] += 1` counts a pair once, however often it comes: np.add.at.": [
            _count_once
        ],
        "in a uint8, 19 · 20 is 124, for it wraps round at 256: make the truth int first.": [
            _count_in_bytes
        ],
        "a count wraps round at 256 in a matrix of bytes: let it hold int.": [_count_up_to_255],
        "those are shares; count the pixels.": [
            lambda t, p, n: metrics.confusion_matrix(t, p, n) / np.sum(t != IGNORE)
        ],
        "those are shares of each row; count the pixels.": [
            lambda t, p, n: (
                (m := metrics.confusion_matrix(t, p, n)) / np.maximum(m.sum(1), 1)[:, None]
            )
        ],
        "those are the hits alone; the wrong pixels belong off the diagonal.": [
            lambda t, p, n: np.diag(np.diag(metrics.confusion_matrix(t, p, n)))
        ],
        "a row and a column for each of the n classes, whether it occurs or not.": [
            lambda t, p, n: metrics.confusion_matrix(t, p, n)[
                np.ix_(*[np.union1d(*_pairs(t, p))] * 2)
            ]
        ],
    },
)


def _recall(matrix, smooth=0):
    return (np.diag(matrix) + smooth) / (matrix.sum(1) + smooth)


def _mean_of_known(matrix, values):
    """Average over the classes that are in the truth."""
    return values[matrix.sum(1) > 0].mean()


MATRIX = np.array([[8, 7, 0], [1, 5, 6], [3, 1, 26]])  # the largest is not always a hit
NEVER_FOUND = np.array([[8, 2, 1], [1, 5, 3], [3, 1, 0]])  # class 2 is in the truth
ONLY_PREDICTED = np.array([[8, 2, 1], [1, 5, 3], [0, 0, 0]])  # class 2 is not in the truth

NEVER_PREDICTED = np.array([[8, 3, 0, 0], [1, 5, 0, 0], [3, 1, 0, 1], [0, 1, 0, 2]])

OF_TWO = "that is of the first two classes; there may be any number."
NO_HIT = "the largest of a row or column need not be its hit: the hits are on the diagonal."

check_class_accuracies = Check(
    "Mean class accuracy of a confusion matrix, over the classes that occur.",
    solution=lambda m: _mean_of_known(m, _recall(m)),
    cases={
        "a matrix with all classes": (MATRIX,),
        "a matrix without class 2 in the truth": (ONLY_PREDICTED,),
        "a matrix whose class 2 is never found": (NEVER_FOUND,),
        "a matrix of four classes, one of them never predicted": (NEVER_PREDICTED,),
    },
    mistakes={
        "that divides by the predicted pixels (columns): the precision. Rows: axis=1.": [
            lambda m: (np.diag(m) / m.sum(0)).mean(),
            lambda m: _mean_of_known(m, np.diag(m) / m.sum(0)),
        ],
        "a class that is in the truth and never predicted counts, as 0.": [
            lambda m: np.nanmean(_recall(m)[m.sum(0) > 0]),
            lambda m: _mean_of_known(m[m.sum(0) > 0], _recall(m)[m.sum(0) > 0]),
        ],
        "there may be any number of classes, not three.": [
            lambda m: _mean_of_known(m[:3], _recall(m)[:3])
        ],
        "that is the pixel accuracy.": [lambda m: np.trace(m) / m.sum()],
        OF_TWO: [lambda m: _recall(m[:2, :2]).mean(), lambda m: _recall(m)[:2].mean()],
        "that counts what is rightly called another class, too; here a class's own pixels alone.": [
            lambda m: np.mean(1 - (m.sum(0) + m.sum(1) - 2 * np.diag(m)) / m.sum())
        ],
        NO_HIT: [lambda m: _mean_of_known(m, m.max(1) / m.sum(1))],
        "a class that is in the truth and never found counts, as 0.": [
            lambda m: _recall(m)[np.diag(m) > 0].mean()
        ],
        "a class that is not in the truth gives 0 / 0.": [lambda m: _recall(m).mean()],
        "a class that is not in the truth counts as 0; leave it out.": [
            lambda m: np.nan_to_num(_recall(m)).mean()
        ],
        "a class that is not in the truth counts as 1; leave it out.": [
            lambda m: _recall(m, smooth=1e-12).mean()
        ],
        "that is the mIoU; what is wrongly found does not count here.": [metrics.mean_iou],
        "that is the mIoU; divide by the rows' sums alone.": [
            lambda m: _mean_of_known(m, metrics.class_iou(m))
        ],
        "those are the accuracies of the classes; now take their mean.": [
            _recall,
            lambda m: np.nan_to_num(_recall(m)),
        ],
    },
)


HAUSDORFF_TRUTH = np.zeros((6, 6), np.uint8)
HAUSDORFF_TRUTH[1:3, 1:3] = 1
HAUSDORFF_PREDICTION = HAUSDORFF_TRUTH.copy()
HAUSDORFF_PREDICTION[4, 5] = 1
HAUSDORFF_TRUTH.setflags(write=False)
HAUSDORFF_PREDICTION.setflags(write=False)
FAR = np.sqrt(2**2 + 3**2)  # the stray pixel is two rows and three columns from the square


def _distances(*values):
    keys = ("truth to prediction", "prediction to truth", "hausdorff")
    return dict(zip(keys, values, strict=True))


def _slips(*values):
    """Return the answers with a wrong distance in one place, the other, or both."""
    rows = [row for n in values for row in ((0, n, n), (0, n, FAR), (0, FAR, n))]
    return [_distances(*row) for row in rows]


check_hausdorff = Check(
    "Both directed distances of the 6×6 example, and the Hausdorff distance. The masks are "
    "`HAUSDORFF_TRUTH` and `HAUSDORFF_PREDICTION`: a square of four pixels, and the same square "
    "with a stray pixel.",
    solution=_distances(0, FAR, FAR),
    read=read_numbers(
        _distances(0, FAR, FAR),
        "`distances` a dictionary from name to distance",
    ),
    mistakes={
        "the directions are swapped: the stray pixel is a predicted one.": [
            _distances(FAR, 0, FAR)
        ],
        "every true pixel is a predicted one: that way it is 0.": [_distances(FAR, FAR, FAR)],
        "of the two directions the larger counts.": [_distances(0, FAR, 0)],
        "of the two directions the larger counts, not their mean.": [_distances(0, FAR, FAR / 2)],
        "that is the distance squared; take the root.": _slips(13),
        "5 is 2 + 3, along the grid; the straight line is √(2² + 3²).": _slips(5),
        "3 is the larger of 2 rows and 3 columns; the straight line is √(2² + 3²).": _slips(3),
        "that is the mean over the pixels; Hausdorff takes the maximum.": _slips(FAR / 5),
    },
    otherwise=lambda numbers: (
        "nearly: give it unrounded, with np.sqrt."
        if np.allclose(numbers, [0, FAR, FAR], rtol=0, atol=0.01)
        else ""
    ),
)


MASKS = np.array(
    [[[0, 0, 0, 0], [0, 0, 1, 1], [0, 3, 255, 255]], [[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 3, 255]]],
    np.uint8,
)
NO_PICTURE = "class 2 is in no picture, and N / 0 is infinite: its weight should be 0."


def _inverse_frequency(masks, n, k=None, pixels=None, absent=0.0):
    """Weights N / (K n_k), with something else for K, for N, or for an absent class's weight."""
    counts = np.bincount(masks[masks != IGNORE], minlength=n)[:n]
    factor = (pixels or counts.sum()) / (k or np.count_nonzero(counts))
    return np.divide(factor, counts, out=np.full(n, absent), where=counts > 0)


def _counts(masks, n):
    return np.array([np.sum(masks == k) for k in range(n)])


def _of_weights(change):
    return lambda masks, n: change(_inverse_frequency(masks, n))


check_class_weights = Check(
    "Weights N / (K n_k) of the classes in masks; 0 for a class that is in none.",
    used=True,
    solution=_inverse_frequency,
    cases={
        "masks of four classes, of which class 2 does not occur": (MASKS, 4),
        "masks of two classes": (np.array([[[0, 0, 1, 0, 1, 0]]], np.uint8), 2),
        "masks in which the last two of four classes do not occur": (
            np.array([[[0, 1, 1, 0, 0, 255]]], np.uint8),
            4,
        ),
    },
    mistakes={
        NO_PICTURE: [
            lambda m, n: _inverse_frequency(m, n, absent=np.inf),
            lambda m, n: _inverse_frequency(m, n, n, absent=np.inf),
            lambda m, n: np.sum(m != IGNORE) / _counts(m, n),
        ],
        "255 is no class: leave it out before you count the classes.": [
            lambda m, n: _inverse_frequency(m, n, len(np.unique(m)))
        ],
        "a weight for each of the n classes, the last ones too: `minlength=n_classes`.": [
            lambda m, n: _inverse_frequency(m, int(m[m != IGNORE].max()) + 1)
        ],
        "K counts the classes that occur.": [lambda m, n: _inverse_frequency(m, n, n)],
        "class 2 is in no picture: its weight should be 0.": [
            lambda m, n: _inverse_frequency(m, n, absent=1.0),
            lambda m, n: m[m != IGNORE].size / (n * np.maximum(_counts(m, n), 1)),
        ],
        "N counts the known pixels; 255 is not among them.": [
            lambda m, n: _inverse_frequency(m, n, pixels=m.size),
            lambda m, n: _inverse_frequency(m, n, n, pixels=m.size),
        ],
        "those are the shares: the most frequent class would weigh most. Turn them over.": [
            lambda m, n: _counts(m, n) / np.sum(m != IGNORE),
            lambda m, n: _counts(m, n) / m.size,
        ],
        "those are the counts; the weights go the other way.": [_counts],
        "the factor N / K is missing: so small a loss hardly moves the network.": [
            lambda m, n: _inverse_frequency(m, n, k=1, pixels=1)
        ],
        "divide by K as well, so that a weight is 1 on average over the pixels.": [
            lambda m, n: _inverse_frequency(m, n, k=1)
        ],
        "those add up to 1; here a weight is 1 on average over the pixels.": [
            _of_weights(lambda w: w / w.sum())
        ],
        "those average to 1 over the classes; here a weight is 1 on average over the pixels.": [
            _of_weights(lambda w: w / w[w > 0].mean()),
            _of_weights(lambda w: w / w.mean()),
        ],
        "that is 1 − share, nearly the same for all rare classes; divide instead.": [
            lambda m, n: 1 - _counts(m, n) / np.sum(m != IGNORE)
        ],
        "that is median frequency balancing, the other way to choose them.": [
            metrics.median_frequency_weights
        ],
        "that is 1 for the most frequent class; here a weight is 1 on average over the pixels.": [
            _of_weights(lambda w: w / w[w > 0].min())
        ],
        "that is 1 for the rarest class; here a weight is 1 on average over the pixels.": [
            _of_weights(lambda w: w / w.max())
        ],
    },
)


@shown
def check_guess(guess):
    """Recall and precision to be, written down before the training.

    The verdict's `value` is a dictionary from "your guess" to the two.
    """
    names = ("recall", "precision")
    numbers = read_numbers(names, "`guess` a dictionary of recall and precision")(guess)
    for name, number in zip(names, numbers, strict=True):
        given = guess[name]
        given = given[()] if isinstance(given, np.ndarray) else given  # an array without axes
        if not isinstance(given, Real) or isinstance(given, bool):
            raise Wrong(f"{name}: a number is wanted, got {type(given).__name__}.")
        if not 0 <= number <= 1:
            raise Wrong(f"{name}: a share lies between 0 and 1, got {number:g}.")
    value = {"your guess": tuple(numbers.tolist())}
    return Verdict(RIGHT, "It is in the figure below, beside what came.", value, "✓ Noted.")


def _soft_dice(t, p, above=1, below=1):
    return (2 * (t * p).sum() + above) / (t.sum() + p.sum() + below)


TRUTH = np.array([[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]])
PROBABILITY = np.array([[0.1, 0.8, 0.6, 0.3], [0.0, 0.9, 0.4, 0.2], [0.1, 0.7, 0.0, 0.2]])

check_dice_loss = Check(
    "Soft Dice loss of one image, 1 − (2 Σ t p + 1) / (Σ t + Σ p + 1).",
    solution=lambda t, p: 1 - _soft_dice(t, p),
    cases={
        "a mask with four pixels": (TRUTH, PROBABILITY),
        "an empty mask, found empty": (np.zeros((3, 4), int), np.zeros((3, 4))),
    },
    mistakes={
        "without the + 1 an empty mask that is found empty gives 0 / 0.": [
            lambda t, p: 1 - _soft_dice(t, p, above=0, below=0)
        ],
        "parentheses: both sums, each with its + 1, before you divide.": [
            lambda t, p: 1 - 2 * (t * p).sum() + 1 / (t.sum() + p.sum() + 1),
            lambda t, p: 1 - (2 * (t * p).sum() + 1) / (t.sum() + p.sum()) + 1,
            lambda t, p: 1 - (2 * (t * p).sum() + 1) / t.sum() + p.sum() + 1,
        ],
        "the 2 doubles Σ t p alone, not the + 1.": [
            lambda t, p: 1 - 2 * ((t * p).sum() + 1) / (t.sum() + p.sum() + 1)
        ],
        "the + 1 stands above and below the line.": [
            lambda t, p: 1 - 2 * (t * p).sum() / max(t.sum() + p.sum(), 1e-12),
            lambda t, p: 1 - _soft_dice(t, p, above=0),
            lambda t, p: 1 - _soft_dice(t, p, below=0),
        ],
        "add 1, no less.": [lambda t, p: 1 - _soft_dice(t, p, above=1e-12, below=1e-12)],
        "Python's `sum` adds up row by row; np.sum adds up all.": [
            lambda t, p: 1 - (2 * sum(t * p) + 1) / (sum(t) + sum(p) + 1),
            lambda t, p: 1 - (2 * sum(t * p) + 1) / (np.sum(t) + np.sum(p) + 1),
        ],
        "take sums, not means: the + 1 is one pixel.": [
            lambda t, p: 1 - (2 * (t * p).mean() + 1) / (t.mean() + p.mean() + 1)
        ],
        "Σ t p: multiply pixel by pixel first, then add up.": [
            lambda t, p: 1 - (2 * t.sum() * p.sum() + 1) / (t.sum() + p.sum() + 1)
        ],
        "that is the coefficient; the loss is 1 minus it.": [_soft_dice],
        "that is minus the coefficient; the loss is 1 minus it.": [lambda t, p: -_soft_dice(t, p)],
        "cut at 0.5 there is no gradient: keep p as it is.": [
            lambda t, p: 1 - _soft_dice(t, p > 0.5)
        ],
        "the 2 before Σ t p is missing.": [
            lambda t, p: 1 - ((t * p).sum() + 1) / (t.sum() + p.sum() + 1)
        ],
        "that is IoU's loss.": [lambda t, p: 1 - ((t * p).sum() + 1) / ((t + p - t * p).sum() + 1)],
        "Σ t² + Σ p² below the line is V-Net's form: right too, but here Σ t + Σ p is asked for.": [
            lambda t, p: 1 - (2 * (t * p).sum() + 1) / ((t**2).sum() + (p**2).sum() + 1)
        ],
        "that is the Dice of the background.": [lambda t, p: 1 - _soft_dice(1 - t, 1 - p)],
    },
)

SPLITS = [(50, 0.2, 0), (50, 0.2, 0), (50, 0.2, 1), (23, 0.3, 0), (21, 0.3, 0)]


@shown
def check_split(split):
    """Train and validation indices, shuffled by a seed."""
    answers = [call(split, *case) for case in SPLITS]
    splits = []
    for answer, (n, share, _) in zip(answers, SPLITS, strict=True):
        splits.append(_as_indices(answer, n))
        _require_halves(*splits[-1], n, round(n * share))
    first, again, other = splits[:3]
    if not all(np.array_equal(a, b) for a, b in zip(first, again, strict=True)):
        raise Wrong("the same seed gave two splits; draw with the seed that is handed over.")
    if np.array_equal(np.sort(first[1]), np.sort(other[1])):
        raise Wrong("two seeds gave the same split; draw with the seed that is handed over.")


def _as_indices(answer, n):
    """Return an answer as a pair of index arrays, or raise `Wrong` where it is none."""
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        wanted = "a pair is wanted: train indices, validation indices"
        raise Wrong(f"{wanted}, got {kind_of(answer)}.")
    if any(part is ... or part is None for part in answer):
        raise Wrong("a pair is wanted, and one half of it is missing.")
    try:
        parts = [np.asarray(part) for part in answer]
        found = [part.astype(float) for part in parts]
    except Exception:  # whatever the halves are, they are no numbers
        raise Wrong("indices are whole numbers.") from None
    if any(part.dtype == bool for part in parts):
        raise Wrong("that is True or False for each image; the indices are wanted: np.flatnonzero.")
    if not all(part.dtype.kind in "iu" for part in parts):
        raise Wrong("indices are whole numbers, and of a whole type: no image has the index 1.0.")
    if any(part.ndim != 1 for part in found):
        raise Wrong("each half is one row of indices, shape [n].")
    if not np.isin(np.concatenate(found), np.arange(n)).all():
        raise Wrong(f"for {n} images the indices are 0 to {n - 1}.")
    return found


def _require_halves(train, validation, n, wanted):
    """Raise `Wrong` where two halves are not all images, cut after a shuffle."""
    both = np.intersect1d(train, validation)
    if both.size:
        raise Wrong(f"image {both[0]:g} is in both halves: shuffle once, then cut.")
    every = np.concatenate([train, validation])
    if np.unique(every).size < every.size:
        raise Wrong("an image occurs twice in one half: draw without putting back.")
    if every.size < n:
        raise Wrong(f"image {np.setdiff1d(np.arange(n), every)[0]} is in neither half.")
    if len(validation) == n - wanted:
        raise Wrong("the shares are swapped: `share` is that of validation, and train comes first.")
    if len(validation) != wanted:
        raise Wrong(
            f"of {n} images {wanted} belong in validation, got {len(validation)}: round(n * share)."
        )
    if np.ptp(validation) == wanted - 1 and (validation.min() == 0 or validation.max() == n - 1):
        raise Wrong("that cuts the sorted order: neighboring pictures look alike. Shuffle first.")
