"""Scores straight from masks: one prediction, or each image by itself."""

import numpy as np

from course_utils.datasets import IGNORE

from .confusion import confusion_matrix
from .scores import class_dice, class_iou, mean_iou, pixel_accuracy


def binary_scores(truth, prediction, name="foreground"):
    """Return the scores of a two-class prediction that the scoreboards show.

    Parameters
    ----------
    truth, prediction : array_like of int
        Class numbers 0 and 1, same shape; `truth` may also hold `IGNORE`.
    name : str, optional
        What class 1 is called in the result.

    Returns
    -------
    dict of str to float
        ``pixel_accuracy``, ``miou``, ``<name>_iou`` and ``<name>_dice``, each in [0, 1] or NaN.
    """
    matrix = confusion_matrix(truth, prediction, n_classes=2)
    return {
        "pixel_accuracy": pixel_accuracy(matrix),
        "miou": mean_iou(matrix),
        f"{name}_iou": class_iou(matrix)[1].item(),
        f"{name}_dice": class_dice(matrix)[1].item(),
    }


def image_iou(truths, predictions, class_id=1):
    """Return the IoU of one class in each image by itself.

    Parameters
    ----------
    truths, predictions : array_like of int, shape [N, H, W]
        Class numbers; `truths` may also hold `IGNORE`.
    class_id : int, optional
        The class.

    Returns
    -------
    ndarray of float64, shape [N]
        In [0, 1]; NaN for an image in which the class is neither true nor predicted.
    """
    ious = []
    for truth, prediction in zip(np.asarray(truths), np.asarray(predictions), strict=True):
        # Two classes are enough here: the one asked for, and all others together.
        this = np.where(truth == IGNORE, IGNORE, truth == class_id)
        ious.append(class_iou(confusion_matrix(this, prediction == class_id, 2))[1])
    return np.array(ious)
