"""The files of the Stanford Background layout, read one by one."""

from pathlib import Path

import cv2
import numpy as np

from . import IGNORE
from ._label_text import read_label_text
from ._resize import size_of
from .errors import CourseDataError, fault_in

REGIONS = ("sky", "tree", "road", "grass", "water", "building", "mountain", "foreground")
SURFACES = ("sky", "horizontal", "vertical")
CLASSES = {"regions": REGIONS, "surfaces": SURFACES}
KINDS = ("regions", "surfaces", "layers")
_TOP = "iccv09Data"  # the one folder of the archive


def top_folder(root: Path) -> Path:
    """The folder that ``images`` and ``labels`` lie in: the archive's own, or `root` itself."""
    return root / _TOP if (root / _TOP).is_dir() else root


def file_of(name: str, what: str) -> str:
    """Name of a scene's file, under the folder that `top_folder` finds."""
    return f"images/{name}.jpg" if what == "images" else f"labels/{name}.{what}.txt"


def list_names(root: Path) -> tuple[str, ...]:
    """Ids of all scenes, sorted; each has its image and its three label files."""
    top = top_folder(root)
    found = {}
    for what in ("images", *KINDS):
        ending = file_of("", what)
        folder, ending = ending.rsplit("/", 1)
        if not (top / folder).is_dir():
            raise error_in(root, f"there is no folder {folder}")
        found[what] = {p.name.removesuffix(ending) for p in (top / folder).glob(f"*{ending}")}
    images = found.pop("images")
    for kind, labelled in found.items():
        if missing := sorted(images - labelled):
            raise error_in(root, f"{file_of(missing[0], kind)} is missing", len(missing))
        if missing := sorted(labelled - images):
            raise error_in(
                root, f"the image {file_of(missing[0], 'images')} is missing", len(missing)
            )
    if not images:
        raise error_in(root, "the folder images holds no JPEG file")
    return tuple(sorted(images))


def read_image(top: Path, name: str) -> np.ndarray:
    """Red, green, blue: uint8 [H, W, 3]."""
    file = file_of(name, "images")
    content = _content(top, file)
    # OpenCV makes up the rest of a JPEG that was cut off; a whole one has an end marker.
    whole = b"\xff\xd9" in content
    # imdecode, not imread: on Windows imread cannot open a path with, say, an umlaut in it.
    # The labels know nothing of a camera's orientation flag.
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), flags) if whole else None
    if picture is None:
        raise error_in(top, f"{file} cannot be read as a picture")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def read_labels(top: Path, name: str, kind: str, image: np.ndarray) -> np.ndarray:
    """Labels of one kind, compared with their image: uint8 with `IGNORE`; layers int32 with -1."""
    file = file_of(name, kind)
    content = _content(top, file)
    try:
        labels = read_label_text(content)
    except ValueError as error:
        raise error_in(top, f"{file} {error}") from error
    if labels.shape != image.shape[:2]:
        raise error_in(
            top, f"{file} is {size_of(labels)} pixels, but its image is {size_of(image)}"
        )
    if kind == "layers":
        return np.maximum(labels, -1)
    n_classes = len(CLASSES[kind])
    if labels.max() >= n_classes:
        row, column = np.argwhere(labels >= n_classes)[0]
        raise error_in(
            top,
            f"{file} has the label {labels[row, column]} in line {row + 1}; there are only "
            f"{n_classes} classes, 0 to {n_classes - 1}, and negative numbers for unknown",
        )
    return np.where(labels < 0, IGNORE, labels).astype(np.uint8)


def read_horizon(top: Path, name: str) -> int | None:
    """Row of the horizon, or None where ``horizons.txt`` does not say: nothing depends on it."""
    try:
        lines = (top / "horizons.txt").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    rows = {words[0]: words[3] for words in map(str.split, lines) if len(words) == 4}
    try:
        return round(float(rows[name]))
    except (KeyError, ValueError, OverflowError):
        return None


def _content(top: Path, file: str) -> bytes:
    try:
        return (top / file).read_bytes()
    except OSError as error:
        raise error_in(top, f"{file} cannot be read: {error.strerror}") from error


def error_in(root: Path, problem: str, how_many: int = 1) -> CourseDataError:
    """The error for a fault in the data that lie in `root`."""
    root = root.parent if root.name == _TOP else root
    return fault_in(root, "the outdoor scenes", problem, how_many)
