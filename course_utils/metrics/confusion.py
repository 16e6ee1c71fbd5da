"""The confusion matrix: counts in whole numbers, over as many batches as there are."""

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
