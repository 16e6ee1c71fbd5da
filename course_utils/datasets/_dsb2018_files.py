"""The files of the Data Science Bowl 2018, read one by one."""

import os
from pathlib import Path

import cv2
import numpy as np

from ._resize import size_of
from .errors import CourseDataError, fault_in

_TOP = "stage1_train"  # some tools unpack an archive into a folder of its name


def top_folder(root: Path) -> Path:
    """The folder that the ids lie in: `root`, or ``stage1_train`` in it."""
    return root / _TOP if (root / _TOP).is_dir() else root


def image_file(name: str) -> str:
    """Name of the file of an image, under the folder that `top_folder` finds."""
    return f"{name}/images/{name}.png"


def list_files(root: Path) -> dict[str, list[str]]:
    """The masks of every image, {id: sorted file names}; stray files are passed over.

    Raises
    ------
    CourseDataError
        If an image has no mask, masks have no image, or nothing is there.
    """
    top = top_folder(root)
    found, no_image, no_mask = {}, [], []
    for name in sorted(_entries(top, root)):
        kinds = [kind for kind in ("images", "masks") if (top / name / kind).is_dir()]
        if not kinds:
            continue  # a folder of something else, such as __MACOSX
        if not (top / image_file(name)).is_file():
            no_image.append(image_file(name))
        found[name] = list_masks(top, name)
        if not found[name]:
            no_mask.append(f"{name}/masks")
    if no_image:
        raise error_in(root, f"the image {no_image[0]} is missing", len(no_image))
    if no_mask:
        raise error_in(
            root, f"{image_file(no_mask[0][:-6])} has no mask in {no_mask[0]}", len(no_mask)
        )
    if not found:
        raise error_in(root, "there is no folder <id>/images")
    return found


def list_masks(top: Path, name: str) -> list[str]:
    """Sorted names of an image's mask files; empty if there are none."""
    folder = top / name / "masks"
    if not folder.is_dir():
        return []
    # macOS leaves files such as ._abc.png beside abc.png.
    return sorted(
        f"{name}/masks/{file}"
        for file in os.listdir(folder)
        if file.endswith(".png") and not file.startswith(".")
    )


def read_image(top: Path, name: str) -> np.ndarray:
    """Red, green, blue: uint8 [H, W, 3]; grey and palette pictures are converted."""
    file = image_file(name)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    return cv2.cvtColor(_decoded(top, file, flags), cv2.COLOR_BGR2RGB)


def merge_masks(top: Path, files: list[str], image: np.ndarray) -> tuple[np.ndarray, int]:
    """Merge the masks of one image.

    A pixel belongs to a nucleus where its mask is not black, be it grey, colour or palette. Where
    masks overlap, the later one in the order of the files wins.

    Parameters
    ----------
    top : pathlib.Path
    files : list of str
        The masks; the first one becomes number 1.
    image : ndarray, [H, W, 3]

    Returns
    -------
    instances : ndarray, int32 [H, W]
        0 for the background, 1…n for the nuclei.
    overlap : int
        Pixels that an earlier nucleus lost to a later one.

    Raises
    ------
    CourseDataError
        If a mask cannot be read, is empty, is of another size than the image, or is covered
        wholly by later ones.
    """
    instances = np.zeros(image.shape[:2], np.int32)
    overlap = 0
    for number, file in enumerate(files, 1):
        mask = _decoded(top, file, cv2.IMREAD_UNCHANGED)
        # The colours of a pixel; a fourth channel says how opaque it is.
        mask = mask > 0 if mask.ndim == 2 else mask[..., :3].any(axis=2)
        if mask.shape != instances.shape:
            raise error_in(
                top, f"{file} is {size_of(mask)} pixels, but its image is {size_of(image)}"
            )
        if not mask.any():
            raise error_in(top, f"{file} is empty: it marks no pixel")
        overlap += np.count_nonzero(instances[mask])
        instances[mask] = number
    if overlap:
        left = np.bincount(instances.ravel(), minlength=len(files) + 1)[1:]
        if not left.all():
            file = files[int(np.argmin(left))]
            raise error_in(top, f"{file} is covered wholly by masks that come after it")
    return instances, overlap


def error_in(root: Path, problem: str, how_many: int = 1) -> CourseDataError:
    """The error for a fault in the data that lie in `root`."""
    root = root.parent if root.name == _TOP else root
    return fault_in(root, "the images of nuclei", problem, how_many)


def _entries(top: Path, root: Path) -> list[str]:
    try:
        with os.scandir(top) as entries:
            return [e.name for e in entries if e.is_dir() and not e.name.startswith(".")]
    except OSError as error:
        raise error_in(root, f"the folder cannot be read: {error.strerror}") from error


def _decoded(top: Path, file: str, flags: int) -> np.ndarray:
    try:
        content = (top / file).read_bytes()
    except OSError as error:
        raise error_in(top, f"{file} cannot be read: {error.strerror}") from error
    # imdecode, not imread: on Windows imread cannot open a path with, say, an umlaut in it.
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), flags) if content else None
    if picture is None:
        raise error_in(top, f"{file} cannot be read as a picture")
    return picture
