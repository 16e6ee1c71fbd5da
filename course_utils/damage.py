"""Predictions gone wrong in a known way, to see which score notices what.

Each function takes a true mask [H, W] of class numbers and returns a damaged copy; where nobody
knows the class (`IGNORE`), it stays unknown.
"""

import cv2
import numpy as np


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
