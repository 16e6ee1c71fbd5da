"""Chapter 01: shares of pixels, scores of a confusion matrix, parameters of the perceptron."""

from functools import partial

import numpy as np

from course_utils import metrics

from .judge import RIGHT, Check, NotRight, Verdict, as_numbers, shown

REAL_BASELINE = 0.982304  # of the 26 published validation masks

MASKS = np.zeros((3, 4, 6), np.uint8)
MASKS[0, 0, 0] = 1
MASKS[1, :2] = 1

check_foreground_share = Check(
    "Share of ventricle pixels in each mask.",
    solution=lambda m: m.mean((1, 2)),
    cases=[(MASKS,)],
    mistakes={
        "that is one number for all masks; one for each is wanted.": [lambda m: m.mean()],
        "those are counts; divide by the pixels of one image.": [lambda m: m.sum((1, 2))],
        "divide by the mask's own size, height times width; the check's are 4 × 6.": [
            lambda m: m.sum((1, 2)) / 256**2,
            lambda m: m.sum((1, 2)) / m.shape[1] ** 2,
            lambda m: m.sum((1, 2)) / m.shape[2] ** 2,
            lambda m: m.sum((1, 2)) / len(m),
            lambda m: m.sum((1, 2)) / (m == 0).sum((1, 2)),
        ],
        "`masks.size` counts the pixels of all masks together.": [lambda m: m.sum((1, 2)) / m.size],
        "that averages over the images; keep axis 0.": [
            lambda m: m.mean((0, 1)),
            lambda m: m.mean(0),
        ],
        "that is the share of background.": [lambda m: 1 - m.mean((1, 2))],
    },
)


@shown
def check_baseline(accuracy, truth, training=None, elsewhere=None):
    """Pixel accuracy of answering "background" everywhere.

    Three digits are enough: they may have been read off and typed.

    Parameters
    ----------
    accuracy : float
        The reader's answer.
    truth : ndarray of uint8, shape [N, H, W]
        The validation masks.
    training : ndarray of uint8, shape [N, H, W], optional
        The masks that are taken by mistake.
    elsewhere : float, optional
        What would be right on other masks, and is accepted as well: the grader has made-up ones,
        and the reader may have typed what the real ones gave.
    """
    if elsewhere is not None and _to_three_digits(accuracy, elsewhere):
        return Verdict(RIGHT, "That is the share on the real masks.")
    check = baseline_of(truth, training)
    return None if _to_three_digits(accuracy, check.solution) else check.judge(accuracy)


def baseline_of(truth, training=None):
    """Return the check of an answer that was not rounded, for some masks."""
    matrix = metrics.confusion_matrix(truth, np.zeros_like(truth), 2)
    right = metrics.pixel_accuracy(matrix)
    of_training = [] if training is None else [np.mean(training == 0)]
    return Check(
        "Pixel accuracy of answering background everywhere.",
        solution=right,
        mistakes={
            "that is the share of ventricle, which this answer gets wrong.": [1 - right],
            "that is the mIoU.": [metrics.mean_iou(matrix)],
            "that is of the training masks; `val.masks` are asked for.": [
                value for n in of_training for value in (n, round(n, 3), round(n, 4))
            ],
            "one number is wanted, for all pixels together.": [
                (np.asarray(truth) == 0).mean((1, 2)),
            ],
            "nearly: three digits or more are wanted, the last one rounded.": [
                round(right, 2),
                np.floor(1000 * right) / 1000,
            ],
        },
    )


def _to_three_digits(answer, right):
    """Return whether an answer is one number, and right when both are rounded."""
    try:
        number = as_numbers(answer)
    except NotRight:
        return False
    return number.ndim == 0 and bool(abs(number - right) < 5.001e-4)


def _union(matrix):
    return matrix.sum(0) + matrix.sum(1) - np.diag(matrix)


def _of_two(score, matrix):
    """Return the score of the first two classes, as a formula for two has it."""
    return score(matrix[:2, :2])


check_mean_iou = Check(
    "mIoU of a confusion matrix, of any number of classes.",
    solution=metrics.mean_iou,
    cases={
        "a matrix of two classes": (np.array([[11, 1], [2, 3]]),),
        # With a larger number in its row and in its column than on the diagonal.
        "a matrix of three classes": (np.array([[9, 5, 1], [1, 4, 6], [2, 1, 7]]),),
    },
    mistakes={
        "that is the pixel accuracy.": [lambda m: np.trace(m) / m.sum()],
        "the union counts the hits twice: subtract n_ii once.": [
            lambda m: (np.diag(m) / (m.sum(0) + m.sum(1))).mean()
        ],
        "that is the mean Dice: the union counts the hits once.": [
            lambda m: (2 * np.diag(m) / (m.sum(0) + m.sum(1))).mean()
        ],
        "that is the IoU of each class; now take their mean.": [metrics.class_iou],
        "that is class 1 alone; the mean is over all.": [lambda m: metrics.class_iou(m)[1]],
        "that divides by the true pixels, not by the union.": [
            lambda m: (np.diag(m) / m.sum(1)).mean()
        ],
        "that divides by the predicted pixels, not the union.": [
            lambda m: (np.diag(m) / m.sum(0)).mean()
        ],
        "that is the sum over the classes; divide by their number.": [
            lambda m: metrics.class_iou(m).sum()
        ],
        "that is a formula for two classes; there may be any number: `np.diag` has all hits.": [
            partial(_of_two, metrics.mean_iou),
            lambda m: metrics.class_iou(m)[:2].mean(),
        ],
        "that is class 1 alone, of two; the mean is over all classes, of any number.": [
            partial(_of_two, lambda m: metrics.class_iou(m)[1])
        ],
        "that is the Dice of class 1, of two.": [
            lambda m: 2 * m[1, 1] / (m[1, :2] + m[:2, 1]).sum()
        ],
        "the largest of a row need not be its hit: the hits are on the diagonal.": [
            lambda m: (m.max(1) / (m.sum(0) + m.sum(1) - m.max(1))).mean(),
            lambda m: (m.max(1) / _union(m)).mean(),
        ],
        "divide class by class, then take the mean.": [lambda m: np.trace(m) / _union(m).sum()],
        "the columns' sums (axis=0) are missing.": [
            lambda m: (np.diag(m) / (2 * m.sum(1) - np.diag(m))).mean()
        ],
    },
)

N, HIDDEN = 256 * 256, 100
WEIGHTS = N * HIDDEN + HIDDEN * HIDDEN + HIDDEN * N

check_mlp_parameters = Check(
    "How many numbers the 65,536-100-100-65,536 perceptron learns.",
    solution=WEIGHTS + HIDDEN + HIDDEN + N,
    mistakes={
        "those are the weights; each unit also has a bias.": [WEIGHTS],
        "the step from 100 to 100 units is missing.": [
            2 * N * HIDDEN + 2 * HIDDEN + N,
            2 * N * HIDDEN + HIDDEN + N,
        ],
        "the output's 65,536 biases are missing.": [WEIGHTS + HIDDEN + HIDDEN],
        "a hidden layer's 100 biases are missing.": [WEIGHTS + HIDDEN + N],
        "there is a bias for every output, not one a layer.": [WEIGHTS + 3],
    },
)
