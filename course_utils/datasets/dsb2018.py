"""Nuclei under the microscope: ``<id>/images/<id>.png`` and ``<id>/masks/*.png``.

670 images of nine sizes, from 256 x 256 to 1040 x 1388 pixels, with 29,461 nuclei; each nucleus
has a mask of its own, as large as the image. J. C. Caicedo et al., "Nucleus segmentation across
imaging experiments: the 2018 Data Science Bowl", Nature Methods 16, 2019. Data: BBBC038v1.

In the published masks no nucleus overlaps another. Where masks do overlap, as in data of your own
they may, the later file wins those pixels; `dsb2018_merge.merge` counts them.
"""

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from . import Dataset
from ._dsb2018_files import (
    error_in,
    image_file,
    list_files,
    list_masks,
    merge_masks,
    read_image,
    top_folder,
)
from ._kept import files_key, kept
from ._resize import checked_size, resized
from .catalog import DSB2018, DatasetEntry
from .fetch import describe, fetch

CLASS_NAMES = ("background", "nucleus")
STAINS = ("fluorescence", "bright field")


def load(size: tuple[int, int] = (96, 96), root: Path | str | None = None) -> Dataset:
    """Load all images, resized to one size, with the nuclei of each merged into one mask.

    The arrays are kept beside the files, so the second load takes a fraction of a second.

    Parameters
    ----------
    size : pair of int
        Height and width in pixels. Images are averaged when they shrink and interpolated linearly
        otherwise; masks take the nearest pixel's label.
    root : path, optional
        Folder that `fetch` returned, or one that you unpacked yourself; default: fetch it.

    Returns
    -------
    Dataset
        ``images`` [N, height, width, 3] in 0..255, ``masks`` [N, height, width] in {0, 1}.
        ``groups`` is the stain of each image, one of `STAINS`, as `stain_of` sees it: the files
        do not tell it.

    Raises
    ------
    CourseDataError
        If a file is missing or cannot be read, or a mask does not fit its image.
    ValueError
        If there is no such size.
    """
    size = checked_size(size)
    root = fetch(DSB2018) if root is None else Path(root)
    top, files = top_folder(root), list_files(root)
    key = files_key(top, [file for name in files for file in (image_file(name), *files[name])])
    decoded = functools.cache(lambda: _decode(top, files, size))
    shape = "x".join(map(str, size))
    images, masks = (
        kept(root / f".decoded-{what}-{shape}.npy", key, lambda i=i: decoded()[i])
        for i, what in enumerate(("images", "masks"))
    )
    groups = tuple(map(stain_of, images))
    return Dataset(images, masks, CLASS_NAMES, tuple(files), groups, describe(root))


def names(root: Path | str | None = None) -> tuple[str, ...]:
    """Ids of all images, sorted.

    Raises
    ------
    CourseDataError
        If an image has no masks, or masks have no image.
    """
    return tuple(list_files(fetch(DSB2018) if root is None else Path(root)))


def image(name: str, root: Path | str | None = None) -> np.ndarray:
    """One image at its own size.

    Parameters
    ----------
    name : str
        One of `names`.
    root : path, optional
        As in `load`.

    Returns
    -------
    ndarray, uint8 [H, W, 3]
        Red, green, blue.

    Raises
    ------
    CourseDataError
        If the file cannot be read.
    ValueError
        If there is no image of that name.
    """
    return read_image(_top_with(name, root), name)


def instances(name: str, root: Path | str | None = None) -> np.ndarray:
    """The nuclei of one image, numbered, at its own size.

    Parameters
    ----------
    name : str
        One of `names`.
    root : path, optional
        As in `load`.

    Returns
    -------
    ndarray, int32 [H, W]
        0 for the background, 1…n for the nuclei in the order of their files' names. Where masks
        overlap, the later one wins.

    Raises
    ------
    CourseDataError
        If a mask is missing, empty, of another size, covered wholly by later ones, or cannot be
        read.
    ValueError
        If there is no image of that name.
    """
    top = _top_with(name, root)
    files = list_masks(top, name)
    if not files:
        raise error_in(top, f"{image_file(name)} has no mask in {name}/masks")
    return merge_masks(top, files, read_image(top, name))[0]


def stain_of(picture: np.ndarray) -> str:
    """Tell from the colours how an image was made.

    Fluorescence is dark for the most part (mean below 100) and without colour (the means of red,
    green and blue differ by less than 5); everything else, stained tissue above all, is called
    bright field.

    Parameters
    ----------
    picture : ndarray, uint8 [H, W, 3]

    Returns
    -------
    str
        One of `STAINS`.
    """
    means = picture.mean(axis=(0, 1))
    return STAINS[0] if means.mean() < 100 and np.ptp(means) < 5 else STAINS[1]


def check(folder: Path, entry: DatasetEntry) -> None:
    """Check a freshly unpacked folder: the count, and every image and mask.

    Raises
    ------
    CourseDataError
        Naming the first file at fault.
    """
    found, count = len(list_files(folder)), sum(entry.pairs.values())
    if found != count:
        raise error_in(folder, f"there are {found} images, not {count}")
    # Every file has to be decoded: the arrays that are kept of it save the reader a second wait.
    load(root=folder)


def _top_with(name, root) -> Path:
    root = fetch(DSB2018) if root is None else Path(root)
    top = top_folder(root)
    if not (top / image_file(name)).is_file():
        known = names(root)
        raise ValueError(f"image {name!r}: there are {len(known)}, such as {known[0]}")
    return top


def _decode(top: Path, files: dict[str, list[str]], size) -> tuple[np.ndarray, np.ndarray]:
    def pair(name):
        picture = read_image(top, name)
        merged, _ = merge_masks(top, files[name], picture)
        return resized(picture, (merged > 0).astype(np.uint8), size)

    # OpenCV decodes outside Python's lock, so threads help.
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        images, masks = zip(*pool.map(pair, files), strict=True)
    return np.stack(images), np.stack(masks)
