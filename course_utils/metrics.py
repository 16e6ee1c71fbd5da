"""Scores for segmentation, all read off one confusion matrix.

Count once, in whole numbers, over as many batches as there are; divide once, at the end. Every
score in the course (pixel accuracy, IoU, Dice) is a function of the same matrix, so two scores can
never disagree about what was counted.

Notation as in Long, Shelhamer and Darrell, "Fully Convolutional Networks for Semantic
Segmentation", CVPR 2015: ``n_ij`` is the number of pixels of class ``i`` predicted as class ``j``.
"""

import numpy as np

from course_utils.datasets import IGNORE


def confusion_matrix(truth, prediction, n_classes, ignore=IGNORE):
    """Count how often each true class was predicted as each class.

    Parameters
    ----------
    truth, prediction : array_like of int
        Class numbers, same shape, any number of dimensions. Values in ``0 … n_classes - 1``;
        ``truth`` may also hold `ignore`.
    n_classes : int
        Number of classes, at least 1.
    ignore : int or None, optional
        Pixels whose *true* class has this value are not counted. ``None`` counts every pixel.

    Returns
    -------
    ndarray of int64, shape (n_classes, n_classes)
        Row: true class. Column: predicted class.

    Raises
    ------
    ValueError
        If the shapes differ, or a class number lies outside ``0 … n_classes - 1``.
    TypeError
        If an array holds something other than whole numbers or booleans (scores or
        probabilities, say): threshold or ``argmax`` them first.
    """
    if n_classes < 1:
        raise ValueError(f"n_classes must be at least 1, got {n_classes}.")
    truth, prediction = _class_numbers("truth", truth), _class_numbers("prediction", prediction)
    if truth.shape != prediction.shape:
        raise ValueError(
            f"truth has shape {truth.shape} but prediction has shape {prediction.shape}: "
            "they must be equal. A trailing channel axis of 1? Drop it with mask[..., 0]."
        )
    truth, prediction = truth.ravel(), prediction.ravel()
    if ignore is not None and (known := truth != ignore).size and not known.all():
        truth, prediction = truth[known], prediction[known]
    for name, classes in (("truth", truth), ("prediction", prediction)):
        if classes.size and (classes.min() < 0 or classes.max() >= n_classes):
            raise ValueError(
                f"{name} holds class numbers from {classes.min()} to {classes.max()}, expected "
                f"0 to {n_classes - 1}. A mask stored as 0 and 255 needs (mask > 0) first."
            )
    # One number a pixel, row * n_classes + column, so that a single histogram is the matrix.
    pair = truth.astype(np.intp) * n_classes + prediction.astype(np.intp)
    counts = np.bincount(pair, minlength=n_classes**2)
    return counts.astype(np.int64).reshape(n_classes, n_classes)


def _class_numbers(name, values):
    values = np.asarray(values)
    if values.dtype == bool:
        values = values.view(np.uint8)
    if values.size and not np.issubdtype(values.dtype, np.integer):
        raise TypeError(
            f"{name} must hold class numbers (integers or booleans), got {values.dtype}. "
            "Turn scores into classes first: logits > 0, probabilities > 0.5, or argmax."
        )
    return values


class ConfusionMatrix:
    """A confusion matrix that grows batch by batch.

    Parameters
    ----------
    n_classes : int
        Number of classes.
    ignore : int or None, optional
        True class that is not counted, see `confusion_matrix`.

    Attributes
    ----------
    matrix : ndarray of int64, shape (n_classes, n_classes)
        The counts so far, rows true classes.
    """

    def __init__(self, n_classes, ignore=IGNORE):
        self.n_classes = n_classes
        self.ignore = ignore
        self.reset()

    def update(self, truth, prediction):
        """Add the pixels of one batch. Returns the object itself, so that calls can be chained."""
        self.matrix = self.matrix + confusion_matrix(truth, prediction, self.n_classes, self.ignore)
        return self

    def reset(self):
        """Forget all counts."""
        self.matrix = np.zeros((self.n_classes, self.n_classes), np.int64)


def pixel_accuracy(matrix):
    """Share of pixels whose class is right, Σ n_ii / ΣΣ n_ij. NaN where nothing was counted.

    Parameters
    ----------
    matrix : array_like of int, shape (k, k)
        Confusion matrix, rows true classes.

    Returns
    -------
    float
        In [0, 1].
    """
    matrix = _square(matrix)
    return _divide(np.trace(matrix), matrix.sum()).item()


def class_iou(matrix):
    """Intersection over union of each class, n_ii / (Σ_j n_ij + Σ_j n_ji − n_ii).

    Also called the Jaccard index. A class that is neither in the truth nor in the prediction has
    no IoU: it is NaN here, and `mean_iou` leaves it out.

    Parameters
    ----------
    matrix : array_like of int, shape (k, k)
        Confusion matrix, rows true classes.

    Returns
    -------
    ndarray of float64, shape (k,)
        In [0, 1], or NaN.
    """
    matrix = _square(matrix)
    hit = np.diag(matrix)
    return _divide(hit, matrix.sum(0) + matrix.sum(1) - hit)


def mean_iou(matrix):
    """Mean of `class_iou` over the classes that occur in truth or prediction.

    Parameters
    ----------
    matrix : array_like of int, shape (k, k)
        Confusion matrix, rows true classes.

    Returns
    -------
    float
        In [0, 1], or NaN where nothing was counted.
    """
    iou = class_iou(matrix)
    return float(iou[~np.isnan(iou)].mean()) if not np.isnan(iou).all() else float("nan")


def class_dice(matrix):
    """Dice coefficient (F1 score) of each class, 2 n_ii / (Σ_j n_ij + Σ_j n_ji).

    Always at least the IoU of the same class: Dice = 2 IoU / (1 + IoU).

    Parameters
    ----------
    matrix : array_like of int, shape (k, k)
        Confusion matrix, rows true classes.

    Returns
    -------
    ndarray of float64, shape (k,)
        In [0, 1]; NaN for a class that is neither in the truth nor in the prediction.
    """
    matrix = _square(matrix)
    return _divide(2 * np.diag(matrix), matrix.sum(0) + matrix.sum(1))


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


def _square(matrix):
    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"A confusion matrix is square, got shape {matrix.shape}.")
    return matrix


def _divide(numerator, denominator):
    numerator, denominator = np.asarray(numerator, float), np.asarray(denominator, float)
    return np.divide(
        numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0
    )
