"""Chapter 04: scores and a loss, worked out by the reader."""

import numpy as np

from course_utils import metrics

from ._judge import judge, judge_scores, say_missing

HAUSDORFF_TRUTH = np.zeros((6, 6), np.uint8)
HAUSDORFF_TRUTH[1:3, 1:3] = 1
HAUSDORFF_PREDICTION = HAUSDORFF_TRUTH.copy()
HAUSDORFF_PREDICTION[4, 5] = 1
HAUSDORFF_TRUTH.setflags(write=False)
HAUSDORFF_PREDICTION.setflags(write=False)

MATRIX = np.array([[8, 2, 0], [1, 5, 4], [3, 1, 26]])
ONLY_PREDICTED = np.array([[8, 2, 1], [1, 5, 3], [0, 0, 0]])  # class 2 is not in the truth
ABSENT = np.array([[8, 2, 0], [1, 5, 0], [0, 0, 0]])  # nor in the prediction


def check_class_accuracies(class_accuracies):
    """Chapter 04: mean class accuracy of a confusion matrix, over the classes that occur."""
    iou = metrics.class_iou
    precision = "that divides by the predicted pixels (columns): the precision. Rows: axis=1."
    each = "those are the accuracies of the classes; now take their mean."
    absent = "a class that is not in the truth counts as {}; leave it out."

    def accuracy(matrix, smooth=0):
        return _ratio(_hits(matrix) + smooth, matrix.sum(1) + smooth)

    return judge_scores(
        class_accuracies,
        (MATRIX, ONLY_PREDICTED),
        lambda m: _mean_of(m, accuracy(m)),
        [
            (lambda m: (_hits(m) / m.sum(0)).mean(), precision),
            (lambda m: _mean_of(m, _hits(m) / m.sum(0)), precision),
            (lambda m: _hits(m).sum() / m.sum(), "that is the pixel accuracy."),
            (lambda m: accuracy(m).mean(), "a class that is not in the truth gives 0 / 0."),
            (lambda m: np.nan_to_num(accuracy(m)).mean(), absent.format(0)),
            (lambda m: accuracy(m, smooth=1e-12).mean(), absent.format(1)),
            (metrics.mean_iou, "that is the mIoU; what is wrongly found does not count here."),
            (lambda m: _mean_of(m, iou(m)), "that is the mIoU; divide by the rows' sums alone."),
            (accuracy, each),
            (lambda m: np.nan_to_num(accuracy(m)), each),
        ],
        ["a matrix with all classes", "a matrix without class 2 in the truth"],
    )


def check_frequency_weighted_iou(frequency_weighted_iou):
    """Chapter 04: IoU of the classes, weighted by their true pixels."""
    iou, mean = metrics.class_iou, "that is the mIoU: each class has the same weight"

    def weighted(matrix, axis=1):
        return np.nansum(matrix.sum(axis) * iou(matrix))

    return judge_scores(
        frequency_weighted_iou,
        (MATRIX, ABSENT),
        metrics.frequency_weighted_iou,
        [
            (metrics.mean_iou, f"{mean}."),
            (lambda m: iou(m).mean(), f"{mean}, and an absent one gives 0 / 0."),
            (lambda m: np.nan_to_num(iou(m)).mean(), f"{mean}, and an absent one counts as 0."),
            (lambda m: weighted(m, 0) / m.sum(), "the weights are the true pixels: rows, axis=1."),
            (lambda m: (m.sum(1) * iou(m)).sum() / m.sum(), "an absent class gives 0 / 0."),
            (weighted, "divide by the sum of the weights, which is all pixels."),
            (lambda m: weighted(m) / m.sum() / len(m), "add up: weights make it a mean already."),
            (lambda m: _hits(m).sum() / m.sum(), "that is the pixel accuracy; weigh the IoU."),
            (iou, "those are the IoU of the classes; now take their weighted mean."),
        ],
        ["a matrix with all classes", "a matrix without class 2"],
    )


def check_hausdorff(answers):
    """Chapter 04: both directed distances of the 6×6 example, and the Hausdorff distance.

    The masks are `HAUSDORFF_TRUTH` and `HAUSDORFF_PREDICTION`: a square of four pixels, and the
    same square with a stray pixel two rows and three columns from it.
    """
    names = ["truth to prediction", "prediction to truth", "hausdorff"]
    if not isinstance(answers, dict):
        return say_missing("keep `distances` a dictionary from name to distance.")
    values = [answers.get(name, ...) for name in names]
    for name, value in zip(names, values, strict=True):
        if value is ... or value is None:
            return say_missing(f"a number for “{name}”.")
    root = np.sqrt(13)
    slips = [
        (13, "that is the distance squared; take the root."),
        (5, "5 is 2 + 3, along the grid; the straight line is √(2² + 3²)."),
        (3, "3 is the larger of 2 rows and 3 columns; the straight line is √(2² + 3²)."),
        (root / 5, "that is the mean over the pixels; Hausdorff takes the maximum."),
        *((n, "nearly: give it unrounded, with np.sqrt.") for n in (3.6, 3.61, 3.606, 3.6056)),
    ]
    return judge(
        values,
        [0, root, root],
        [
            ([root, 0, root], "the directions are swapped: the stray pixel is a predicted one."),
            ([root, root, root], "every true pixel is a predicted one: that way it is 0."),
            ([0, root, 0], "of the two directions the larger counts."),
            ([0, root, root / 2], "of the two directions the larger counts, not their mean."),
            *(([0, slip, slip], hint) for slip, hint in slips),
            *(([0, slip, root], hint) for slip, hint in slips),
            *(([0, root, slip], hint) for slip, hint in slips),
        ],
        tolerance=1e-6,
    )


def check_dice_loss(dice_loss):
    """Chapter 04: soft Dice loss of one image, 1 − (2 Σ t p + 1) / (Σ t + Σ p + 1)."""
    truth = np.array([[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]])
    probability = np.array([[0.1, 0.8, 0.6, 0.3], [0.0, 0.9, 0.4, 0.2], [0.1, 0.7, 0.0, 0.2]])
    cases = [(truth, probability), (np.zeros_like(truth), np.zeros(truth.shape))]

    def with_sums(formula):
        return lambda t, p: formula((t * p).sum(), t.sum() + p.sum())

    def dice(t, p):
        return (2 * (t * p).sum() + 1) / (t.sum() + p.sum() + 1)

    def square(t, p):
        return 1 - (2 * (t * p).sum() + 1) / ((t**2).sum() + (p**2).sum() + 1)

    empty = "without the + 1 an empty mask that is found empty gives 0 / 0."
    both = "the + 1 stands above and below the line."
    other = (
        "Σ t² + Σ p² below the line is V-Net's form: right too, but here Σ t + Σ p is asked for."
    )
    return judge_scores(
        dice_loss,
        cases,
        lambda t, p: 1 - dice(t, p),
        [
            (with_sums(lambda hit, total: 1 - 2 * _ratio(hit, total)), empty),
            (with_sums(lambda hit, total: 1 - 2 * hit / max(total, 1e-12)), both),
            (with_sums(lambda hit, total: 1 - 2 * hit / (total + 1)), both),
            (with_sums(lambda hit, total: 1 - _ratio(2 * hit + 1, total)), both),
            (
                with_sums(lambda hit, total: 1 - (2 * hit + 1e-12) / (total + 1e-12)),
                "add 1, no less.",
            ),
            (dice, "that is the coefficient; the loss is 1 minus it."),
            (lambda t, p: -dice(t, p), "that is minus the coefficient; the loss is 1 minus it."),
            (
                lambda t, p: 1 - dice(t, p > 0.5),
                "cut at 0.5 there is no gradient: keep p as it is.",
            ),
            (
                with_sums(lambda hit, total: 1 - (hit + 1) / (total + 1)),
                "the 2 before Σ t p is missing.",
            ),
            (
                with_sums(lambda hit, total: 1 - (hit + 1) / (total - hit + 1)),
                "that is IoU's loss.",
            ),
            (square, other),
            (lambda t, p: 1 - dice(1 - t, 1 - p), "that is the Dice of the background."),
        ],
        ["a mask with four pixels", "an empty mask, found empty"],
    )


def _hits(matrix):
    return np.diag(matrix)


def _ratio(a, b):
    return np.divide(a, b, dtype=float)


def _mean_of(matrix, values):
    """Mean over the classes that are in the truth."""
    return values[matrix.sum(1) > 0].mean()
