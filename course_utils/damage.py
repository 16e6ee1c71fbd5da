"""Predictions gone wrong in a known way, to see which score notices what.

Each function takes a true mask [H, W] of class numbers and returns a damaged copy; where nobody
knows the class (`IGNORE`), it stays unknown.
"""

import cv2
import numpy as np

from course_utils import metrics
from course_utils.datasets import IGNORE


def eroded(mask, pixels, class_id=2, into=1):
    """Take a rim of so many pixels from class `class_id` and call it class `into`.

    Parameters
    ----------
    mask : ndarray of int, shape [H, W]
    pixels : int
        Width of the rim, on every side; 0 changes nothing.
    class_id, into : int
        Class numbers.

    Returns
    -------
    ndarray of int, shape [H, W]
    """
    inside = (mask == class_id).astype(np.uint8)
    kernel = np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)
    return np.where((inside == 1) & (cv2.erode(inside, kernel) == 0), into, mask)


def speckled(mask, pixels, class_id=0, into=2, seed=0):
    """Call so many single pixels of class `class_id`, drawn at random, class `into`.

    Parameters
    ----------
    mask : ndarray of int, shape [H, W]
    pixels : int
        How many; all of them if the class has fewer.
    class_id, into : int
        Class numbers.
    seed : int
        The same seed draws the same pixels, and more pixels include the fewer.

    Returns
    -------
    ndarray of int, shape [H, W]
    """
    places = np.flatnonzero(mask == class_id)
    damaged = mask.copy()
    damaged.flat[np.random.default_rng(seed).permutation(places)[:pixels]] = into
    return damaged


def follow(spoil, truth, steps, n_classes=3, class_id=2):
    """Score a true mask that is damaged more and more, as if it were a prediction.

    Parameters
    ----------
    spoil : callable
        `eroded` or `speckled`: takes the mask and the degree of damage.
    truth : ndarray of int, shape [H, W]
        Class numbers, or `IGNORE`, which is predicted as class 0.
    steps : sequence
        The degrees of damage.
    n_classes, class_id : int
        How many classes there are, and the one whose borders are compared.

    Returns
    -------
    scores, distances : dict of str to list of float, one a step
        Those of `metrics.summary`; the Hausdorff distance and its 95th percentile, in pixels.
    """
    known = np.where(truth == IGNORE, 0, truth)  # a network has no "unknown" to predict
    masks = [spoil(known, step) for step in steps]
    rows = [metrics.summary(metrics.confusion_matrix(truth, m, n_classes)) for m in masks]
    borders = {"Hausdorff": 100, "95 %": 95}
    pairs = [(truth == class_id, mask == class_id) for mask in masks]
    return {name.replace("_", " "): [row[name] for row in rows] for name in rows[0]}, {
        name: [metrics.hausdorff_distance(*pair, percentile) for pair in pairs]
        for name, percentile in borders.items()
    }


def three_faults():
    """Return a true mask of 16 x 16 pixels and a prediction of it that is wrong in three ways.

    Returns
    -------
    truth : ndarray of int, shape [16, 16]
        A rectangle of class 1.
    probability : ndarray of float, shape [16, 16]
        Of class 1: the shape is found two pixels too far to the right, its upper edge is unsure,
        and there is a false alarm far away.
    """
    truth, probability = np.zeros((16, 16), int), np.full((16, 16), 0.03)
    truth[4:12, 3:9] = 1
    probability[4:12, 5:11] = 0.9
    probability[4:6, 5:11] = 0.4
    probability[13, 14] = 0.9
    return truth, probability
