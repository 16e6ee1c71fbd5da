"""The left ventricle on short-axis heart MRI: ``train/image/000.png``, ``train/label/000.png``.

234 + 26 gray images of 256 x 256 with a mask each, 1 where an expert saw the left ventricle.
Radau et al., "Evaluation Framework for Algorithms Segmenting Short Axis Cardiac MRI", 2009.

The published files do not name the patients; pairs that ``data_scripts/sunnybrook_from_dicom.py``
made from the original files do, in ``groups.csv``.
"""

import csv
from pathlib import Path

import numpy as np

from . import Dataset
from .catalog import SUNNYBROOK, DatasetEntry
from .download import expand_path
from .fetch import describe, fetch
from .io import DataFolder, cache_arrays, size_in_words

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
    folder = _folder(root)
    pairs = _list_pairs(folder, split)
    images, masks = cache_arrays(
        folder.root / f".decoded-{split}.npy",
        folder.top,
        [file for pair in pairs for file in pair],
        lambda: _decode(folder, pairs),
    )
    ids = tuple(f"{split}/{Path(image).stem}" for image, _ in pairs)
    groups = _read_groups(folder, [image for image, _ in pairs])
    return Dataset(images, masks, CLASS_NAMES, ids, groups, describe(folder.root))


def check(folder: Path, entry: DatasetEntry) -> None:
    """Check a freshly unpacked folder: counts, pairs, sizes, label values.

    Raises
    ------
    CourseDataError
        Naming the first file at fault.
    """
    data = _folder(folder)
    for split, count in entry.pairs.items():
        pairs = _list_pairs(data, split)
        if len(pairs) != count:
            raise data.error(f"{split}/image holds {len(pairs)} images, not {count}")
        _decode(data, pairs)


def _folder(root: Path | str | None) -> DataFolder:
    root = fetch(SUNNYBROOK) if root is None else expand_path(root)
    return DataFolder(root, "the Sunnybrook images")


def _list_pairs(folder: DataFolder, split: str) -> list[tuple[str, str]]:
    """Image and mask files of a split, sorted."""
    patterns = f"{split}/image/{{}}.png", f"{split}/label/{{}}.png"
    return [tuple(p.format(name) for p in patterns) for name in folder.list_names(*patterns)]


def _decode(folder: DataFolder, pairs: list[tuple[str, str]]) -> tuple[np.ndarray, np.ndarray]:
    images, masks = [], []
    for image_file, mask_file in pairs:
        image, mask = folder.read_gray(image_file), folder.read_gray(mask_file, palette=True)
        folder.check_mask_size(mask_file, mask, image.shape)
        if images and image.shape != images[0].shape:
            sizes = f"{size_in_words(image.shape)} pixels, the ones before"
            raise folder.error(f"{image_file} is {sizes} {size_in_words(images[0].shape)}")
        if mask.max() > 1:
            labels = np.unique(mask).tolist()
            hint = ""
            if labels == [0, 255]:
                hint = " (masks saved as black and white: 255 stands for 1 in such files)"
            shown = ", ".join(map(str, labels[:8])) + (", …" if len(labels) > 8 else "")
            raise folder.error(f"{mask_file} has the labels {shown}; only 0 and 1 may occur{hint}")
        images.append(image)
        masks.append(mask)
    return np.stack(images)[..., np.newaxis], np.stack(masks)


def _read_groups(folder: DataFolder, images: list[str]) -> tuple[str, ...] | None:
    """The patient of each image, or None where no file tells."""
    table = folder.top / "groups.csv"
    if not table.is_file():
        return None
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            patients = {row["file"]: row["patient"] for row in csv.DictReader(file)}
    except OSError as error:
        raise folder.error(f"groups.csv cannot be read: {error.strerror}") from error
    except (csv.Error, KeyError, UnicodeDecodeError) as error:
        raise folder.error("groups.csv is not a table with the columns file and patient") from error
    if missing := [image for image in images if not patients.get(image)]:
        raise folder.error(f"groups.csv names no patient of {missing[0]}", len(missing))
    return tuple(patients[image] for image in images)
