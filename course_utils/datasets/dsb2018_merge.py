"""Images of nuclei as pairs of files: each image with one mask of all its nuclei."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ._dsb2018_files import image_file, list_files, merge_masks, read_image, top_folder
from .archives import write_whole
from .catalog import DSB2018
from .fetch import fetch


@dataclass(frozen=True)
class Merged:
    """What `merge` wrote.

    Attributes
    ----------
    images, nuclei : int
    overlap : int
        Pixels that one nucleus lost to another.
    """

    images: int
    nuclei: int
    overlap: int


def merge(folder: Path | str, root: Path | str | None = None, value: int = 1) -> Merged:
    """Write each image with one mask of all its nuclei: ``images/<id>.png``, ``masks/<id>.png``.

    Parameters
    ----------
    folder : path
        Where to write; made if need be.
    root : path, optional
        Folder of the data, as in `dsb2018.load`; nothing is written there.
    value : int
        What marks a nucleus, 1 to 255.

    Returns
    -------
    Merged

    Raises
    ------
    CourseDataError
        If a file of the data is missing or at fault.
    ValueError
        If `folder` lies in the data's own folder, or `value` does not fit into a mask.
    """
    if not 1 <= value <= 255:
        raise ValueError(f"value must be 1 to 255, not {value}")
    root = fetch(DSB2018) if root is None else Path(root)
    folder = Path(folder)
    if folder.resolve().is_relative_to(root.resolve()):
        raise ValueError(f"{folder} lies in the data's own folder {root}: choose another one")
    top, files, overlap = top_folder(root), list_files(root), 0
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for name, masks in files.items():
        merged, lost = merge_masks(top, masks, read_image(top, name))
        overlap += lost
        mask = (merged > 0).astype(np.uint8) * np.uint8(value)
        write_whole(folder / "masks" / f"{name}.png", cv2.imencode(".png", mask)[1].tobytes())
        shutil.copyfile(top / image_file(name), folder / "images" / f"{name}.png")
    return Merged(len(files), sum(map(len, files.values())), overlap)
