"""Sizes: name them, check them, bring images and masks to one."""

import operator

import cv2
import numpy as np


def size_of(picture: np.ndarray) -> str:
    """Width and height in words."""
    return f"{picture.shape[1]} x {picture.shape[0]}"


def checked_size(size) -> tuple[int, int]:
    """Height and width as two whole numbers.

    Raises
    ------
    ValueError
        If they are not two whole numbers of 1 or more.
    """
    try:
        height, width = (operator.index(side) for side in size)
    except TypeError as error:
        raise ValueError(f"size must be (height, width) in pixels, not {size!r}") from error
    if min(height, width) < 1:
        raise ValueError(f"size must be (height, width) in pixels, 1 or more each, not {size}")
    return height, width


def resized(
    image: np.ndarray, mask: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """An image and its mask at the size (height, width).

    The image is averaged where it shrinks and interpolated linearly otherwise; the mask takes the
    nearest pixel's label.
    """
    height, width = size
    shrinks = height * width < mask.size
    image = cv2.resize(
        image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return image, cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
