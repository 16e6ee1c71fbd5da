"""Data sets of the course: what they are, how to get them, and as arrays.

Every loader returns a `Dataset`; every failure is a `CourseDataError` in plain words.
"""

import copy
import warnings
from dataclasses import dataclass

import numpy as np

from .errors import CourseDataError

# pooch asks for a progress bar made of ipywidgets, which the course does without.
warnings.filterwarnings("ignore", message="IProgress not found")

__all__ = ["IGNORE", "CourseDataError", "Dataset"]

IGNORE = 255
"""The label of a pixel whose class nobody knows; no score and no loss counts it."""


def check_not_black_and_white(name, masks):
    """Raise a ValueError where masks of two classes hold 0 and 255, and nothing else.

    That is far more often a mask stored in black and white than background and unknown pixels
    without any foreground, and would score a perfect 1 for finding nothing.
    """
    known = masks[masks != IGNORE]
    if 0 < known.size < masks.size and not known.any():
        raise ValueError(
            f"{name} holds 0 and 255 alone. A mask stored in black and white needs (mask > 0) "
            "first. If 255 does mean unknown here, leave those pixels out: mask[mask != 255]."
        )


@dataclass(frozen=True)
class Dataset:
    """Images and their masks, in memory.

    Attributes
    ----------
    images : numpy.ndarray, uint8, shape [N, H, W, C], values 0..255
        Gray images have one channel, color images three in the order red, green, blue.
    masks : numpy.ndarray, uint8, shape [N, H, W]
        One class number per pixel, ``0 .. len(class_names) - 1``, or `IGNORE`.
    class_names : tuple of str
        Class ``k`` is called ``class_names[k]``.
    ids : tuple of str
        The name of each image, as its file has it.
    groups : tuple of str, or None
        The patient or scene of each image, where known.
    source : str
        Where the data came from, in words.

    Raises
    ------
    ValueError
        If shapes, types or labels do not fit one another, or all masks of two classes together hold
        nothing but 0 and 255.
    """

    images: np.ndarray
    masks: np.ndarray
    class_names: tuple[str, ...]
    ids: tuple[str, ...]
    groups: tuple[str, ...] | None
    source: str

    def __post_init__(self):
        if self.images.dtype != np.uint8 or self.images.ndim != 4:
            raise ValueError(
                "images must be uint8 [N, H, W, C], not "
                f"{self.images.dtype} with shape {self.images.shape}"
            )
        if self.masks.dtype != np.uint8 or self.masks.shape != self.images.shape[:3]:
            raise ValueError(
                f"masks must be uint8 with shape {self.images.shape[:3]}, not "
                f"{self.masks.dtype} with shape {self.masks.shape}"
            )
        for name in ("ids", "groups"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.images):
                raise ValueError(f"{len(values)} {name} for {len(self.images)} images")
        unknown = (self.masks >= len(self.class_names)) & (self.masks != IGNORE)
        if unknown.any():
            raise ValueError(
                f"labels {np.unique(self.masks[unknown]).tolist()} in the masks, but there are "
                f"only {len(self.class_names)} classes"
            )
        if len(self.class_names) == 2:
            check_not_black_and_white("masks", self.masks)

    def __len__(self) -> int:
        return len(self.images)

    def subset(self, chosen) -> "Dataset":
        """Return some of the images with their masks.

        Parameters
        ----------
        chosen : sequence of int or of bool
            Indices, in the order wanted, or for each image whether it is wanted.

        Raises
        ------
        IndexError
            If there is no such image, `chosen` holds fractions, or not one bool for each image.
        """
        chosen = np.asarray(chosen)
        chosen = np.arange(len(self))[chosen if chosen.size else chosen.astype(int)]
        ids = tuple(self.ids[i] for i in chosen)
        groups = None if self.groups is None else tuple(self.groups[i] for i in chosen)
        subset = copy.copy(self)
        # Past __post_init__, for a few masks may hold nothing but background and unknown pixels.
        vars(subset).update(
            images=self.images[chosen], masks=self.masks[chosen], ids=ids, groups=groups
        )
        return subset
