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


def foreground_ious(truth, prediction, batch_size=16, smooth=1e-5):
    """Return the IoU of the foreground, averaged in three ways that do not agree.

    Parameters
    ----------
    truth, prediction : array_like of {0, 1}, shape [N, H, W]
    batch_size : int, optional
        Images a batch, in the order given; the last batch may be shorter.
    smooth : float, optional
        Added to intersection and union, in pixels, so that where both are empty the IoU is 1.

    Returns
    -------
    dict of str to float
        Each in [0, 1]: ``iou_batches``, the mean over batches of the batch's IoU; ``iou_pixels``,
        one IoU of all pixels together; ``iou_images``, the mean over images.
    """
    truth, prediction = _binary_masks(truth, prediction)
    hit = (truth & prediction).sum(axis=(1, 2))
    union = (truth | prediction).sum(axis=(1, 2))

    def mean_over(size):
        firsts = np.arange(0, len(truth), size)
        hits, unions = np.add.reduceat(hit, firsts), np.add.reduceat(union, firsts)
        return ((hits + smooth) / (unions + smooth)).mean().item()

    sizes = {"iou_batches": batch_size, "iou_pixels": len(truth), "iou_images": 1}
    return {name: mean_over(size) for name, size in sizes.items()}


def pieces_hit(truth, prediction):
    """Count the pixels of each connected piece of the truth, and how many of them were found.

    Pixels that touch at a side or a corner are of one piece.

    Parameters
    ----------
    truth, prediction : array_like of {0, 1}, shape [N, H, W]

    Returns
    -------
    sizes, hits : ndarray of int, one entry a piece
        Pixels of the piece, and those of them where the prediction is 1: 0 if it was overlooked.
    """
    from scipy import ndimage

    truth, prediction = _binary_masks(truth, prediction)
    touching = np.zeros((3, 3, 3))
    touching[1] = 1  # within an image, not from one image to the next
    pieces, count = ndimage.label(truth, touching)
    hits = np.bincount(pieces[prediction], minlength=count + 1)
    return np.bincount(pieces.ravel())[1:], hits[1:]


def _binary_masks(truth, prediction):
    truth, prediction = (np.asarray(masks, bool) for masks in (truth, prediction))
    if truth.ndim != 3 or truth.shape != prediction.shape or not len(truth):
        raise ValueError(
            f"truth {truth.shape} and prediction {prediction.shape} must be of one shape [N, H, W] "
            "with at least one image."
        )
    return truth, prediction
