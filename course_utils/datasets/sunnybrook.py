"""The left ventricle on short-axis heart MRI: ``train/image/000.png``, ``train/label/000.png``.

234 + 26 grey images of 256 x 256 with a mask each, 1 where an expert saw the left ventricle.
Radau et al., "Evaluation Framework for Algorithms Segmenting Short Axis Cardiac MRI", 2009.

The published files do not name the patients; pairs that ``data_scripts/sunnybrook_from_dicom.py``
made from the original files do, in ``groups.csv``.
"""

import contextlib
import csv
import os
import zipfile
from pathlib import Path

import cv2
import filelock
import numpy as np

from . import Dataset
from ._kept import files_key
from ._resize import size_of
from .catalog import SUNNYBROOK, DatasetEntry
from .errors import CourseDataError, fault_in
from .fetch import describe, fetch

CLASS_NAMES = ("background", "left ventricle")


def load(split: str = "train", root: Path | str | None = None) -> Dataset:
    """Load one split.

    The decoded arrays are kept beside the images, so the second load takes milliseconds.

    Parameters
    ----------
    split : {"train", "val"}
    root : path, optional
        Folder that `fetch` returned, or one that you unpacked yourself; default: fetch it.

    Returns
    -------
    Dataset
        ``images`` [N, H, W, 1] in 0..255, ``masks`` [N, H, W] in {0, 1}. ``groups`` is the
        patient of each slice where ``groups.csv`` (columns ``file`` and ``patient``) lies beside
        the splits, else None: the published files do not say it.

    Raises
    ------
    CourseDataError
        If a file is missing or cannot be read, a mask does not fit its image, or ``groups.csv``
        does not name an image's patient.
    ValueError
        If there is no such split.
    """
    if split not in SUNNYBROOK.pairs:
        raise ValueError(f"split {split!r}: there are {', '.join(SUNNYBROOK.pairs)}")
    root = fetch(SUNNYBROOK) if root is None else Path(root)
    names = _names(root, split)
    key = files_key(
        root, [f"{split}/{kind}/{name}" for kind in ("image", "label") for name in names]
    )
    cache = root / f".decoded-{split}.npz"
    arrays = _read_cache(cache, key)
    if arrays is None:
        arrays = _decode(root, split, names)
        # A folder that may not be written to, as on a shared classroom disk, is only slower.
        with contextlib.suppress(OSError):
            _write_cache(cache, key, arrays)
    ids = tuple(f"{split}/{Path(name).stem}" for name in names)
    return Dataset(*arrays, CLASS_NAMES, ids, _groups(root, split, names), describe(root))


def check(folder: Path, entry: DatasetEntry) -> None:
    """Check a freshly unpacked folder: counts, pairs, sizes, label values.

    Raises
    ------
    CourseDataError
        Naming the first file at fault.
    """
    for split, count in entry.pairs.items():
        names = _names(folder, split)
        if len(names) != count:
            raise _error(folder, f"{split}/image holds {len(names)} images, not {count}")
        _decode(folder, split, names)


def _names(root: Path, split: str) -> list[str]:
    """Sorted file names of a split, each of which is there as an image and as a mask."""
    found = []
    for kind in ("image", "label"):
        part = root / split / kind
        if not part.is_dir():
            raise _error(root, f"there is no folder {split}/{kind}")
        found.append({path.name for path in part.glob("*.png")})
    images, masks = found
    if missing := sorted(images - masks):
        raise _error(root, f"the mask {split}/label/{missing[0]} is missing", len(missing))
    if missing := sorted(masks - images):
        raise _error(root, f"the image {split}/image/{missing[0]} is missing", len(missing))
    if not images:
        raise _error(root, f"{split}/image holds no PNG file")
    return sorted(images)


def _groups(root: Path, split: str, names: list[str]) -> tuple[str, ...] | None:
    """The patient of each image, or None where no file tells."""
    if not (root / "groups.csv").is_file():
        return None
    try:
        with (root / "groups.csv").open(encoding="utf-8-sig", newline="") as file:
            patients = {row["file"]: row["patient"] for row in csv.DictReader(file)}
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise _error(root, "groups.csv is no table with the columns file and patient") from error
    files = [f"{split}/image/{name}" for name in names]
    if missing := [file for file in files if not patients.get(file)]:
        raise _error(root, f"groups.csv names no patient of {missing[0]}", len(missing))
    return tuple(patients[file] for file in files)


def _decode(root: Path, split: str, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    images, masks = [], []
    for name in names:
        image_file, mask_file = f"{split}/image/{name}", f"{split}/label/{name}"
        image, mask = _read_grey(root, image_file), _read_grey(root, mask_file)
        if mask.shape != image.shape:
            raise _error(
                root, f"{mask_file} is {size_of(mask)} pixels, but its image is {size_of(image)}"
            )
        if images and image.shape != images[0].shape:
            raise _error(
                root,
                f"{image_file} is {size_of(image)} pixels, the ones before {size_of(images[0])}",
            )
        if mask.max() > 1:
            labels = np.unique(mask).tolist()
            hint = ""
            if labels == [0, 255]:
                hint = " (masks saved as black and white: 255 stands for 1 in such files)"
            shown = ", ".join(map(str, labels[:8])) + (", …" if len(labels) > 8 else "")
            raise _error(root, f"{mask_file} has the labels {shown}; only 0 and 1 may occur{hint}")
        images.append(image)
        masks.append(mask)
    return np.stack(images)[..., np.newaxis], np.stack(masks)


def _read_grey(root: Path, file: str) -> np.ndarray:
    content = np.frombuffer((root / file).read_bytes(), np.uint8)
    # imdecode, not imread: on Windows imread cannot open a path with, say, an umlaut in it.
    picture = cv2.imdecode(content, cv2.IMREAD_UNCHANGED) if content.size else None
    if picture is None:
        raise _error(root, f"{file} cannot be read as a picture")
    if picture.ndim != 2 or picture.dtype != np.uint8:
        raise _error(
            root, f"{file} should be grey with 8 bits, but is {picture.dtype} {picture.shape}"
        )
    return picture


def _error(root: Path, problem: str, how_many: int = 1) -> CourseDataError:
    return fault_in(root, "the Sunnybrook images", problem, how_many)


def _read_cache(cache: Path, key: str) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        with cache.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            if str(kept["key"]) == key:
                return kept["images"], kept["masks"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # none yet, or damaged: it is made anew from the images
    return None


def _write_cache(cache: Path, key: str, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    aside = cache.with_suffix(".part")
    with filelock.FileLock(cache.with_suffix(".lock")):
        try:
            with aside.open("wb") as file:
                np.savez(file, key=np.array(key), images=arrays[0], masks=arrays[1])
            os.replace(aside, cache)
        finally:
            aside.unlink(missing_ok=True)
