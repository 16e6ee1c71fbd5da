"""Data sets of the course: what they are, how to get them, and as arrays.

Every loader returns a `Dataset`; every failure is a `CourseDataError` in plain words.
"""

import warnings
from dataclasses import dataclass, replace

import numpy as np

from .errors import CourseDataError

# pooch asks for a progress bar made of ipywidgets, which the course does without.
warnings.filterwarnings("ignore", message="IProgress not found")

__all__ = ["IGNORE", "CourseDataError", "Dataset"]

IGNORE = 255
"""The label of a pixel whose class nobody knows; no score and no loss counts it."""


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
        If shapes, types or labels do not fit one another.
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

    def __len__(self) -> int:
        return len(self.images)

    def subset(self, chosen) -> "Dataset":
        """Return the images of these indices (a sequence of int), in this order, with their masks.

        Raises
        ------
        IndexError
            If there is no such image.
        """
        chosen = np.asarray(chosen, dtype=int)
        ids = tuple(self.ids[i] for i in chosen)
        groups = None if self.groups is None else tuple(self.groups[i] for i in chosen)
        return replace(
            self, images=self.images[chosen], masks=self.masks[chosen], ids=ids, groups=groups
        )
