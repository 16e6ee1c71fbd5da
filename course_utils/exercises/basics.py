"""Chapters 00 and 01: kinds of segmentation, masks, the perceptron."""

import numpy as np

from course_utils import metrics

from ._judge import RIGHT, call, judge, say_missing, say_right, say_wrong

REAL_BASELINE = 0.982304  # of the 26 published validation masks
NEARLY = "nearly: three digits or more are wanted, the last one rounded."


def check_tasks(answers):
    """Chapter 00: which kind of segmentation answers which question."""
    expected = {
        "count the cars in a car park": "detection",
        "measure the size of every cell": "instance",
        "share of a satellite picture that is forest": "semantic",
        "blur everything behind a speaker": "semantic",
    }
    hints = {
        "count the cars in a car park": "a box around each car is enough to count them",
        "measure the size of every cell": "touching cells must be told apart, pixel by pixel",
        "share of a satellite picture that is forest": "how many forests there are plays no role",
        "blur everything behind a speaker": "person or not person, for each pixel, is all it needs",
    }
    if not isinstance(answers, dict):
        return say_missing("keep `answers` a dictionary from question to kind.")
    open_ones = [q for q in expected if answers.get(q, ...) is ...]
    if open_ones:
        return say_missing(f"an answer for “{open_ones[0]}”.")
    for question, kind in expected.items():
        answer = answers[question]
        if not isinstance(answer, str) or answer not in ("detection", "instance", "semantic"):
            return say_wrong(f"“{answer}” is none of detection, instance, semantic.")
        if answer != kind:
            return say_wrong(f"“{question}”: {hints[question]}.")
    return say_right()


def check_one_hot(one_hot):
    """Chapter 00: a mask [H, W] to one channel a class [H, W, C]."""
    mask = np.array([[0, 2, 1], [2, 2, 0]])
    expected = np.eye(4)[mask]
    return judge(
        call(one_hot, mask, 4),
        expected,
        [
            (np.moveaxis(expected, -1, 0), "the channels come first; put them last: [H, W, C]."),
            (np.eye(3)[mask], "there are n_classes channels, also for a class that is absent."),
            (expected.reshape(-1, 4), "the picture's height and width got lost."),
            (np.eye(5)[mask][..., 1:], "the classes are shifted by one; numbering starts at 0."),
            (1 - expected, "ones and zeros are the wrong way round."),
        ],
    )


def check_from_one_hot(from_one_hot):
    """Chapter 00: one channel a class [H, W, C] back to a mask [H, W]."""
    mask = np.array([[0, 2, 1], [3, 2, 0]])
    # Logits: the largest need be neither above one half nor the largest in magnitude.
    channels = np.eye(4)[mask] - np.array([[[3.0], [0.0], [1.0]], [[5.0], [2.0], [4.0]]])
    return judge(
        call(from_one_hot, channels),
        mask,
        [
            (channels.argmax(), "`argmax` without an axis looks at the whole array at once."),
            (channels.argmax(0), "that compares rows; the classes are along the last axis."),
            (channels.argmax(1), "that compares columns; the classes are along the last axis."),
            (channels.max(-1), "`max` gives the value of the largest; its position is wanted."),
            (channels.sum(-1), "a sum does not tell which channel is the largest."),
            (mask + 1, "the classes are shifted by one; numbering starts at 0."),
            (channels @ np.arange(4), "that needs ones and zeros; scores have a largest, too."),
        ],
    )


def check_one_logit(one_logit):
    """Chapter 00: the one sigmoid logit that says the same as two softmax logits."""
    a, b = np.array([0.0, 2.0, -1.0]), np.array([1.5, -0.5, 3.0])
    softmax = np.exp(b) / (np.exp(a) + np.exp(b))
    return judge(
        call(one_logit, a, b),
        b - a,
        [
            (a - b, "that is the logit of class 0; class 1 is asked for."),
            (b, "class 0's logit counts too: only the difference matters to a softmax."),
            (softmax, "that is the probability; the sigmoid comes after the logit."),
            (a + b, "adding 1 to both logits leaves a softmax as it was, but not your answer."),
            (np.exp(b - a), "those are the odds; take their logarithm."),
        ],
    )


def check_foreground_share(foreground_share):
    """Chapter 01: share of ventricle pixels in each mask."""
    masks = np.zeros((3, 4, 4), np.uint8)
    masks[0, 0, 0] = 1
    masks[1, :2] = 1
    return judge(
        call(foreground_share, masks),
        np.array([1 / 16, 0.5, 0.0]),
        [
            (masks.mean(), "that is one number for all masks; one for each is wanted."),
            (100 * masks.mean((1, 2)), "that is in percent; a share lies between 0 and 1."),
            (masks.sum((1, 2)), "those are counts; divide by the pixels of one image."),
            (masks.sum((1, 2)) / 256**2, "divide by the mask's own size; the check's are small."),
            (masks.mean((1, 2)) / 3, "`masks.size` counts the pixels of all masks together."),
            (masks.mean((0, 1)), "that averages over the images; keep axis 0."),
            (masks.mean(0), "that averages over the images; keep axis 0."),
            (1 - masks.mean((1, 2)), "that is the share of background."),
        ],
    )


def check_baseline(accuracy, truth, elsewhere=None):
    """Chapter 01: pixel accuracy of answering "background" everywhere.

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
    matrix = metrics.confusion_matrix(truth, np.zeros_like(truth), 2)
    right = metrics.pixel_accuracy(matrix)
    if elsewhere is not None and _to_three_digits(accuracy, elsewhere):
        print(RIGHT, "That is the share on the real masks.")
        return None
    if _to_three_digits(accuracy, right):
        return say_right()
    return judge(
        accuracy,
        right,
        [
            (100 * right, "that is in percent; an accuracy lies between 0 and 1."),
            (1 - right, "that is the share of ventricle, which this answer gets wrong."),
            (metrics.mean_iou(matrix), "that is the mIoU."),
            (
                (np.asarray(truth) == 0).mean((1, 2)),
                "one number is wanted, for all pixels together.",
            ),
            (round(100 * right, 1), "that is in percent; an accuracy lies between 0 and 1."),
            (round(right, 2), NEARLY),
            (np.floor(1000 * right) / 1000, NEARLY),
        ],
        tolerance=1e-6,
    )


def _to_three_digits(answer, right):
    """Return whether an answer is one number, and right when both are rounded."""
    try:
        number = np.asarray(answer, float)
    except Exception:  # whatever it is, it is no number
        return False
    return number.ndim == 0 and bool(abs(number - right) < 5.001e-4)


def check_mean_iou(mean_iou):
    """Chapter 01: mIoU of a confusion matrix."""
    matrix = np.array([[9, 2, 1], [1, 4, 0], [2, 1, 5]])
    hit = np.diag(matrix)
    doubled = hit / (matrix.sum(0) + matrix.sum(1))
    union = matrix.sum(0) + matrix.sum(1) - hit
    return judge(
        call(mean_iou, matrix),
        metrics.mean_iou(matrix),
        [
            (hit.sum() / matrix.sum(), "that is the pixel accuracy."),
            (doubled.mean(), "the union counts the hits twice: subtract n_ii once."),
            ((2 * doubled).mean(), "that is the mean Dice: the union counts the hits once."),
            (metrics.class_iou(matrix), "that is the IoU of each class; now take their mean."),
            (metrics.class_iou(matrix)[1], "that is class 1 alone; the mean is over all."),
            ((hit / matrix.sum(1)).mean(), "that divides by the true pixels, not by the union."),
            ((hit / matrix.sum(0)).mean(), "that divides by the predicted pixels, not the union."),
            (
                metrics.class_iou(matrix).sum(),
                "that is the sum over the classes; divide by their number.",
            ),
            (hit.sum() / union.sum(), "divide class by class, then take the mean."),
            ((hit / (2 * matrix.sum(1) - hit)).mean(), "the columns' sums (axis=0) are missing."),
        ],
    )


def check_mlp_parameters(count):
    """Chapter 01: how many numbers the 65,536-100-100-65,536 perceptron learns."""
    n, hidden = 256 * 256, 100
    weights = n * hidden + hidden * hidden + hidden * n
    return judge(
        count,
        weights + hidden + hidden + n,
        [
            (weights, "those are the weights; each unit also has a bias."),
            (2 * n * hidden + 2 * hidden + n, "the step from 100 to 100 units is missing."),
            (2 * n * hidden + hidden + n, "the step from 100 to 100 units is missing."),
            (weights + hidden + hidden, "the output's 65,536 biases are missing."),
            (weights + hidden + n, "a hidden layer's 100 biases are missing."),
            (weights + 3, "there is a bias for every output, not one a layer."),
        ],
    )
