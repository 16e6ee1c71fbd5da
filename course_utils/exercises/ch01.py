"""Chapter 01: shares of pixels, scores of a confusion matrix, parameters of the perceptron."""

import numpy as np

from course_utils import metrics

from .judge import RIGHT, Check, NotRight, Verdict, as_numbers, shown

REAL_BASELINE = 0.982304  # of the 26 published validation masks

MASKS = np.zeros((3, 4, 4), np.uint8)
MASKS[0, 0, 0] = 1
MASKS[1, :2] = 1

check_foreground_share = Check(
    "Share of ventricle pixels in each mask.",
    solution=lambda m: m.mean((1, 2)),
    cases=[(MASKS,)],
    mistakes={
        "that is one number for all masks; one for each is wanted.": [lambda m: m.mean()],
        "that is in percent; a share lies between 0 and 1.": [lambda m: 100 * m.mean((1, 2))],
        "those are counts; divide by the pixels of one image.": [lambda m: m.sum((1, 2))],
        "divide by the mask's own size; the check's are small.": [lambda m: m.sum((1, 2)) / 256**2],
        "`masks.size` counts the pixels of all masks together.": [lambda m: m.sum((1, 2)) / m.size],
        "that averages over the images; keep axis 0.": [
            lambda m: m.mean((0, 1)),
            lambda m: m.mean(0),
        ],
        "that is the share of background.": [lambda m: 1 - m.mean((1, 2))],
    },
)


@shown
def check_baseline(accuracy, truth, elsewhere=None):
    """Pixel accuracy of answering "background" everywhere.

    Three digits are enough: they may have been read off and typed.

    Parameters
    ----------
    accuracy : float
        The reader's answer.
    truth : ndarray of uint8, shape [N, H, W]
        The validation masks.
    elsewhere : float, optional
        What would be right on other masks, and is accepted as well: the grader has made-up ones,
        and the reader may have typed what the real ones gave.
    """
    if elsewhere is not None and _to_three_digits(accuracy, elsewhere):
        return Verdict(RIGHT, "That is the share on the real masks.")
    check = baseline_of(truth)
    return None if _to_three_digits(accuracy, check.solution) else check.judge(accuracy)


def baseline_of(truth):
    """Return the check of an answer that was not rounded, for some masks."""
    matrix = metrics.confusion_matrix(truth, np.zeros_like(truth), 2)
    right = metrics.pixel_accuracy(matrix)
    return Check(
        "Pixel accuracy of answering background everywhere.",
        solution=right,
        mistakes={
            "that is in percent; an accuracy lies between 0 and 1.": [
                100 * right,
                round(100 * right, 1),
            ],
            "that is the share of ventricle, which this answer gets wrong.": [1 - right],
            "that is the mIoU.": [metrics.mean_iou(matrix)],
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


check_mean_iou = Check(
    "mIoU of a confusion matrix.",
    solution=lambda m: (np.diag(m) / _union(m)).mean(),
    cases=[(np.array([[9, 2, 1], [1, 4, 0], [2, 1, 5]]),)],
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
