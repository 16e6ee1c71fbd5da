"""Outdoor scenes with three kinds of label: ``images/0000047.jpg`` and three text files each.

715 colour photographs of about 240 x 320 pixels. S. Gould, R. Fulton, D. Koller: "Decomposing a
Scene into Geometric and Semantically Consistent Regions", ICCV 2009.

- ``labels/0000047.regions.txt``: what a pixel shows, `REGIONS`.
- ``labels/0000047.surfaces.txt``: how its surface lies, `SURFACES`.
- ``labels/0000047.layers.txt``: the number of the connected stretch that it belongs to, counted
  in each scene anew: no class.
- ``horizons.txt``: width, height and the row of the horizon; not every scene is listed.

A negative number means that nobody knows.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import Dataset
from ._kept import files_key, kept
from ._resize import checked_size, resized, size_of
from ._stanford_files import (
    CLASSES,
    KINDS,
    REGIONS,
    SURFACES,
    error_in,
    file_of,
    list_names,
    read_horizon,
    read_image,
    read_labels,
    top_folder,
)
from .catalog import STANFORD_BACKGROUND, DatasetEntry
from .fetch import describe, fetch

__all__ = ["REGIONS", "SURFACES", "Scene", "check", "load", "names", "scene"]


@dataclass(frozen=True)
class Scene:
    """One scene at its own size.

    Attributes
    ----------
    id : str
        Such as ``"0000047"``.
    image : numpy.ndarray, uint8, shape [H, W, 3]
        Red, green, blue.
    regions, surfaces : numpy.ndarray, uint8, shape [H, W]
        Class numbers, or `IGNORE`.
    layers : numpy.ndarray, int32, shape [H, W]
        Number of the connected stretch that a pixel belongs to, or -1.
    horizon : int or None
        Row of the horizon in pixels; None where ``horizons.txt`` does not say.
    """

    id: str
    image: np.ndarray
    regions: np.ndarray
    surfaces: np.ndarray
    layers: np.ndarray
    horizon: int | None


def load(
    kind: str = "regions",
    size: tuple[int, int] | None = (224, 288),
    root: Path | str | None = None,
) -> Dataset:
    """Load all scenes with one kind of label, resized to one size.

    The arrays are kept beside the files, so the second load takes a fraction of a second.

    Parameters
    ----------
    kind : {"regions", "surfaces"}
    size : pair of int, or None
        Height and width in pixels. Images are averaged when they shrink and interpolated linearly
        otherwise; masks take the nearest pixel's label. None keeps the scenes as they are, which
        works only where all are of one size.
    root : path, optional
        Folder that `fetch` returned, or one that you unpacked yourself; default: fetch it.

    Returns
    -------
    Dataset
        ``images`` [N, height, width, 3] in 0..255, ``masks`` [N, height, width] with the numbers
        of `REGIONS` or `SURFACES`, or `IGNORE`. ``groups`` is None: no file says which scenes
        show the same place.

    Raises
    ------
    CourseDataError
        If a file is missing or cannot be read, or a label does not fit its image.
    ValueError
        If there is no such kind or size, or `size` is None and sizes differ.
    """
    if kind == "layers":
        raise ValueError(
            "layers are numbers of connected stretches, counted in each scene anew, and no "
            "classes: a scene's are in scene(name).layers"
        )
    if kind not in CLASSES:
        raise ValueError(f"kind {kind!r}: there are {', '.join(CLASSES)}")
    size = None if size is None else checked_size(size)
    root = fetch(STANFORD_BACKGROUND) if root is None else Path(root)
    top, ids = top_folder(root), names(root)
    images, labels = ([file_of(name, what) for name in ids] for what in ("images", kind))
    decoded = functools.cache(lambda: _decode(top, kind, ids, size))
    shape = "own" if size is None else "x".join(map(str, size))
    arrays = [
        kept(root / f".decoded-{what}-{shape}.npy", files_key(top, files), lambda i=i: decoded()[i])
        for i, (what, files) in enumerate({"images": images, kind: images + labels}.items())
    ]
    return Dataset(*arrays, CLASSES[kind], ids, None, describe(root))


def names(root: Path | str | None = None) -> tuple[str, ...]:
    """Ids of all scenes, sorted: an id is a file's name without its ending.

    Raises
    ------
    CourseDataError
        If an image lacks one of its three label files, or a label file its image.
    """
    root = fetch(STANFORD_BACKGROUND) if root is None else Path(root)
    return list_names(root)


def scene(name: str, root: Path | str | None = None) -> Scene:
    """One scene at its own size, with all its labels.

    Parameters
    ----------
    name : str
        One of `names`.
    root : path, optional
        As in `load`.

    Raises
    ------
    CourseDataError
        If a file cannot be read, or a label does not fit its image.
    ValueError
        If there is no scene of that name.
    """
    root = fetch(STANFORD_BACKGROUND) if root is None else Path(root)
    top = top_folder(root)
    if not (top / file_of(name, "images")).is_file():
        known = names(root)
        raise ValueError(f"scene {name!r}: there are {len(known)}, such as {', '.join(known[:3])}")
    image = read_image(top, name)
    labels = {kind: read_labels(top, name, kind, image) for kind in KINDS}
    return Scene(name, image, **labels, horizon=read_horizon(top, name))


def check(folder: Path, entry: DatasetEntry) -> None:
    """Check a freshly unpacked folder: counts, label files, sizes, label values.

    ``horizons.txt`` may be missing: nothing of the course depends on it.

    Raises
    ------
    CourseDataError
        Naming the first file at fault.
    """
    ids = names(folder)
    if len(ids) != (count := sum(entry.pairs.values())):
        raise error_in(folder, f"the folder images holds {len(ids)} images, not {count}")
    top = top_folder(folder)
    for name in ids:
        image = read_image(top, name)
        for kind in KINDS:
            read_labels(top, name, kind, image)


def _decode(top: Path, kind: str, ids: tuple[str, ...], size) -> tuple[np.ndarray, np.ndarray]:
    images, masks = [], []
    for name in ids:
        image = read_image(top, name)
        mask = read_labels(top, name, kind, image)
        if size is not None:
            image, mask = resized(image, mask, size)
        elif images and image.shape != images[0].shape:
            raise ValueError(
                f"scene {name} is {size_of(image)} pixels, the ones before {size_of(images[0])}: "
                "give a size to load them as one array, or take them one by one with scene(name)"
            )
        images.append(image)
        masks.append(mask)
    return np.stack(images), np.stack(masks)
