"""Nuclei under the microscope: ``<id>/images/<id>.png`` and ``<id>/masks/*.png``.

670 images of nine sizes, from 256 x 256 to 1040 x 1388 pixels, with 29,461 nuclei; each nucleus
has a mask of its own, as large as the image. J. C. Caicedo et al., "Nucleus segmentation across
imaging experiments: the 2018 Data Science Bowl", Nature Methods 16, 2019. Data: BBBC038v1.

In the published masks no nucleus overlaps another. Where masks do overlap, as in data of your own
they may, the later file wins those pixels; `merge_masks` counts them.
"""

import glob
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from . import CourseDataError, Dataset
from .catalog import DSB2018, DatasetEntry
from .download import expand_path
from .fetch import describe, fetch
from .io import READERS, DataFolder, cache_arrays, check_size, resize

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
    height, width = size = check_size(size)
    folder = open_folder(root)
    files = list_masks(folder)

    def decode_one(name):
        picture = _read_image(folder, name)
        merged, _ = _merge(folder, files[name], picture.shape[:2])
        return resize(picture, (merged > 0).astype(np.uint8), size)

    def decode():
        with ThreadPoolExecutor(READERS) as pool:
            return tuple(map(np.stack, zip(*pool.map(decode_one, files), strict=True)))

    images, masks = cache_arrays(
        folder.root / f".decoded-{height}x{width}.npy",
        folder.top,
        [file for name in files for file in (image_file(name), *files[name])],
        decode,
    )
    groups = tuple(map(stain_of, images))
    return Dataset(images, masks, CLASS_NAMES, tuple(files), groups, describe(folder.root))


def names(root: Path | str | None = None) -> tuple[str, ...]:
    """Ids of all images, sorted.

    Raises
    ------
    CourseDataError
        If an image has no masks, or masks have no image.
    """
    return tuple(list_masks(open_folder(root)))


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
    return _read_image(_open_folder_with(name, root), name)


def instances(name: str, root: Path | str | None = None) -> np.ndarray:
    """The nuclei of one image, numbered, at its own size: the first part of `merge_masks`."""
    return merge_masks(name, root)[0]


def merge_masks(name: str, root: Path | str | None = None) -> tuple[np.ndarray, int]:
    """Merge the masks of one image, at its own size.

    A pixel belongs to a nucleus where its mask is not black, be it gray, color or palette. Where
    masks overlap, the later one in the order of the files' names wins.

    Parameters
    ----------
    name : str
        One of `names`.
    root : path, optional
        As in `load`.

    Returns
    -------
    instances : ndarray, int32 [H, W]
        0 for the background, 1…n for the nuclei in the order of their files' names.
    overlap : int
        Pixels that an earlier nucleus lost to a later one.

    Raises
    ------
    CourseDataError
        If a mask is missing, empty, of another size, covered wholly by later ones, or cannot be
        read.
    ValueError
        If there is no image of that name.
    """
    folder = _open_folder_with(name, root)
    files = folder.list_files(f"{glob.escape(name)}/masks/*.png")
    if not files:
        raise _no_mask(folder, name)
    return _merge(folder, files, _read_image(folder, name).shape[:2])


def stain_of(picture: np.ndarray) -> str:
    """Tell from the colors how an image was made.

    Fluorescence is dark for the most part (mean below 100) and without color (the means of red,
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
    found, count = len(names(folder)), sum(entry.pairs.values())
    if found != count:
        raise open_folder(folder).error(f"there are {found} images, not {count}")
    # Every file has to be decoded: the arrays that are kept of it save the reader a second wait.
    load(root=folder)


def open_folder(root: Path | str | None = None) -> DataFolder:
    """Return the folder of the data, fetched where `root` is None."""
    root = fetch(DSB2018) if root is None else expand_path(root)
    # Some tools unpack an archive into a folder of its name.
    return DataFolder(root, "the images of nuclei", "stage1_train")


def image_file(name: str) -> str:
    """Return the name of an image's file in the folder."""
    return f"{name}/images/{name}.png"


def list_masks(folder: DataFolder) -> dict[str, list[str]]:
    """Return the sorted mask files of every image by its id; stray files are passed over.

    Raises
    ------
    CourseDataError
        If an image has no mask, masks have no image, or nothing is there.
    """
    images, masks = set(folder.list_files("*/images/*.png")), defaultdict(list)
    for file in folder.list_files("*/masks/*.png"):
        masks[file.split("/")[0]].append(file)
    names = sorted(masks.keys() | {file.split("/")[0] for file in images})
    if missing := [name for name in names if image_file(name) not in images]:
        raise folder.error(f"the image {image_file(missing[0])} is missing", len(missing))
    if missing := [name for name in names if name not in masks]:
        raise _no_mask(folder, missing[0], len(missing))
    if not names:
        raise folder.error("there is no file <id>/images/<id>.png")
    return {name: masks[name] for name in names}


def _no_mask(folder: DataFolder, name: str, n_images: int = 1) -> CourseDataError:
    return folder.error(f"{image_file(name)} has no mask in {name}/masks", n_images)


def _open_folder_with(name: str, root: Path | str | None) -> DataFolder:
    folder = open_folder(root)
    if not (folder.top / image_file(name)).is_file():
        known = tuple(list_masks(folder))
        if name not in known:  # else a dead link, of which the reader is told
            raise ValueError(f"image {name!r}: there are {len(known)}, such as {known[0]}")
    return folder


def _read_image(folder: DataFolder, name: str) -> np.ndarray:
    # The masks know nothing of a camera's orientation flag.
    return folder.read_image(image_file(name), upright=False)


def _merge(
    folder: DataFolder, files: list[str], image_size: tuple[int, int]
) -> tuple[np.ndarray, int]:
    """Nuclei, numbered in the order of the files, and how many pixels were claimed twice."""
    merged = np.zeros(image_size, np.int32)
    overlap = 0
    for number, file in enumerate(files, 1):
        picture = folder.open_picture(file)
        if len(picture.getbands()) > 1 or picture.mode == "P":
            picture = picture.convert("RGB")  # without the channel that says how opaque it is
        pixels = np.asarray(picture)
        mask = pixels > 0 if pixels.ndim == 2 else pixels.any(axis=2)
        folder.check_mask_size(file, mask, image_size)
        if not mask.any():
            raise folder.error(f"{file} is empty: it marks no pixel")
        overlap += np.count_nonzero(merged[mask])
        merged[mask] = number
    if overlap:
        left = np.bincount(merged.ravel(), minlength=len(files) + 1)[1:]
        if not left.all():
            file = files[int(np.argmin(left))]
            raise folder.error(f"{file} is covered wholly by masks that come after it")
    return merged, overlap
