"""Outdoor scenes with three kinds of label: ``images/0000047.jpg`` and three text files each.

715 color photographs of about 240 x 320 pixels. S. Gould, R. Fulton, D. Koller: "Decomposing a
Scene into Geometric and Semantically Consistent Regions", ICCV 2009.

- ``labels/0000047.regions.txt``: what a pixel shows, `REGIONS`.
- ``labels/0000047.surfaces.txt``: how its surface lies, `SURFACES`.
- ``labels/0000047.layers.txt``: the number of the connected stretch that it belongs to, counted
  in each scene anew: not a class.

A negative number means that nobody knows.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import IGNORE, Dataset
from .catalog import STANFORD_BACKGROUND, DatasetEntry
from .download import expand_path
from .fetch import describe, fetch
from .io import DataFolder, cache_arrays, check_size, resize

REGIONS = ("sky", "tree", "road", "grass", "water", "building", "mountain", "foreground")
SURFACES = ("sky", "horizontal", "vertical")
_CLASSES = {"regions": REGIONS, "surfaces": SURFACES}
_IMAGE = "images/{}.jpg"
_LABELS = {kind: f"labels/{{}}.{kind}.txt" for kind in ("regions", "surfaces", "layers")}


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
    """

    id: str
    image: np.ndarray
    regions: np.ndarray
    surfaces: np.ndarray
    layers: np.ndarray


def load(
    kind: str = "regions",
    size: tuple[int, int] = (224, 288),
    root: Path | str | None = None,
) -> Dataset:
    """Load all scenes with one kind of label, resized to one size.

    The arrays are kept beside the files, so the second load takes a fraction of a second.

    Parameters
    ----------
    kind : {"regions", "surfaces"}
    size : pair of int
        Height and width in pixels. Images are averaged when they shrink and interpolated linearly
        otherwise; masks take the nearest pixel's label.
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
        If there is no such kind or size.
    """
    if kind == "layers":
        raise ValueError(
            "layers are numbers of connected stretches, counted in each scene anew, and not "
            "classes: a scene's are in scene(name).layers"
        )
    if kind not in _CLASSES:
        raise ValueError(f"kind {kind!r}: there are {', '.join(_CLASSES)}")
    height, width = size = check_size(size)
    folder = _folder(root)
    ids = _list_names(folder)

    def decode():
        images = (_read_image(folder, name) for name in ids)
        pairs = (
            resize(image, _read_labels(folder, name, kind, image), size)
            for name, image in zip(ids, images, strict=True)
        )
        return tuple(map(np.stack, zip(*pairs, strict=True)))

    images, masks = cache_arrays(
        folder.root / f".decoded-{kind}-{height}x{width}.npy",
        folder.top,
        [pattern.format(name) for pattern in (_IMAGE, _LABELS[kind]) for name in ids],
        decode,
    )
    return Dataset(images, masks, _CLASSES[kind], ids, None, describe(folder.root))


def names(root: Path | str | None = None) -> tuple[str, ...]:
    """Ids of all scenes, sorted: an id is a file's name without its ending.

    Raises
    ------
    CourseDataError
        If an image lacks one of its three label files, or a label file its image.
    """
    return _list_names(_folder(root))


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
    folder = _folder(root)
    if not (folder.top / _IMAGE.format(name)).is_file():
        known = _list_names(folder)
        if name not in known:  # else a dead link, of which the reader is told below
            shown = ", ".join(known[:3])
            raise ValueError(f"scene {name!r}: there are {len(known)}, such as {shown}")
    image = _read_image(folder, name)
    labels = {kind: _read_labels(folder, name, kind, image) for kind in _LABELS}
    return Scene(name, image, **labels)


def check(folder: Path, entry: DatasetEntry) -> None:
    """Check a freshly unpacked folder: counts, label files, sizes, label values.

    Raises
    ------
    CourseDataError
        Naming the first file at fault.
    """
    data = _folder(folder)
    ids = _list_names(data)
    if len(ids) != (count := sum(entry.pairs.values())):
        raise data.error(f"the folder images holds {len(ids)} images, not {count}")
    for name in ids:
        image = _read_image(data, name)
        for kind in _LABELS:
            _read_labels(data, name, kind, image)


def _folder(root: Path | str | None) -> DataFolder:
    root = fetch(STANFORD_BACKGROUND) if root is None else expand_path(root)
    return DataFolder(root, "the outdoor scenes", "iccv09Data")


def _list_names(folder: DataFolder) -> tuple[str, ...]:
    return folder.list_names(_IMAGE, *_LABELS.values())


def _read_image(folder: DataFolder, name: str) -> np.ndarray:
    # The labels know nothing of a camera's orientation flag.
    return folder.read_image(_IMAGE.format(name), upright=False)


def _read_labels(folder: DataFolder, name: str, kind: str, image: np.ndarray) -> np.ndarray:
    """Labels of one kind, compared with their image: uint8 with `IGNORE`; layers int32 with -1."""
    file = _LABELS[kind].format(name)
    labels = folder.read_label_text(file)
    folder.check_mask_size(file, labels, image.shape[:2])
    if kind == "layers":
        return np.maximum(labels, -1)
    n_classes = len(_CLASSES[kind])
    if labels.max() >= n_classes:
        row, column = np.argwhere(labels >= n_classes)[0]
        raise folder.error(
            f"{file} has the label {labels[row, column]} in line {row + 1}; there are only "
            f"{n_classes} classes, 0 to {n_classes - 1}, and negative numbers for unknown"
        )
    return np.where(labels < 0, IGNORE, labels).astype(np.uint8)
