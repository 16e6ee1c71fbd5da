"""The scores that are functions of the confusion matrix, in the notation of `metrics`."""

import numpy as np


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


def class_accuracy(matrix):
    """Share of each class's pixels that are found, n_ii / Σ_j n_ij.

    The recall (sensitivity) of the class. What is wrongly predicted as the class costs nothing
    here: a prediction of one class everywhere has accuracy 1 for that class.

    Parameters
    ----------
    matrix : array_like of int, shape (k, k)
        Confusion matrix, rows true classes.

    Returns
    -------
    ndarray of float64, shape (k,)
        In [0, 1]; NaN for a class that is not in the truth.
    """
    matrix = _square(matrix)
    return _divide(np.diag(matrix), matrix.sum(1))


def mean_class_accuracy(matrix):
    """Mean of `class_accuracy` over the classes that occur in the truth.

    Also called mean accuracy or balanced accuracy.

    Parameters
    ----------
    matrix : array_like of int, shape (k, k)
        Confusion matrix, rows true classes.

    Returns
    -------
    float
        In [0, 1], or NaN where nothing was counted.
    """
    return _mean_of_known(class_accuracy(matrix))


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
    return _mean_of_known(class_iou(matrix))


def frequency_weighted_iou(matrix):
    """Mean of `class_iou`, each class weighted by its share of the true pixels.

    Σ_i t_i IoU_i / Σ_i t_i with t_i = Σ_j n_ij. A class that is not in the truth has weight 0, so a
    false alarm for it shows only in the IoU of the classes that it took pixels from.

    Parameters
    ----------
    matrix : array_like of int, shape (k, k)
        Confusion matrix, rows true classes.

    Returns
    -------
    float
        In [0, 1], or NaN where nothing was counted.
    """
    pixels = _square(matrix).sum(1)
    return _divide(np.nansum(pixels * class_iou(matrix)), pixels.sum()).item()


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


def summary(matrix):
    """Return the four scores that sum a whole matrix up in one number each.

    Parameters
    ----------
    matrix : array_like of int, shape (k, k)
        Confusion matrix, rows true classes.

    Returns
    -------
    dict of str to float
        ``pixel_accuracy``, ``class_accuracy`` (the mean), ``miou`` and ``weighted_iou``, each in
        [0, 1], or NaN where nothing was counted.
    """
    return {
        "pixel_accuracy": pixel_accuracy(matrix),
        "class_accuracy": mean_class_accuracy(matrix),
        "miou": mean_iou(matrix),
        "weighted_iou": frequency_weighted_iou(matrix),
    }


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


def _mean_of_known(values):
    known = values[~np.isnan(values)]
    return known.mean().item() if known.size else float("nan")
