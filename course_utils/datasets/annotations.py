"""Files of annotation tools, read as shapes: LabelMe JSON, COCO JSON, and masks beside pictures.

Coordinates are x to the right and y down, and the pixel in column 3 reaches from x = 3 to x = 4. A
pixel belongs to a shape where its center does.
"""

import base64
import binascii
import functools
import itertools
import json
import os
import posixpath
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import PureWindowsPath

import numpy as np
from PIL import ImageOps
from skimage import draw

from . import IGNORE, CourseDataError
from .io import DataFolder

LINE_WIDTH, POINT_RADIUS = 10, 5  # pixels, as LabelMe's own export draws lines and points
PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
IMAGE_FOLDERS = {"image", "images", "img", "imgs", "jpegimages"}
MASK_FOLDERS = {"annotations", "label", "labels", "mask", "masks", "segmentationclass"}
MASK_ENDINGS = tuple(f"{sign}{word}" for sign in "_-." for word in ("mask", "label", "seg"))
CLASS_TABLE = "classes.json"  # as `OwnData.save_masks` writes it
# How many points LabelMe gives a shape; X-AnyLabeling gives a rectangle all four corners.
POINTS = {
    "polygon": None,
    "rectangle": (2, 4),
    "oriented_rectangle": (4,),
    "circle": (2,),
    "line": (2,),
    "linestrip": None,
    "point": (1,),
    "mask": (2,),
}


@dataclass(frozen=True)
class Shape:
    """Something marked in a picture.

    Attributes
    ----------
    label : hashable
        The name; in a mask without a table of names the number, or the color (red, green, blue).
    kind : str
        A LabelMe shape type, or "run lengths".
    parts : tuple of ndarray, float [n, 2]
        Points x, y: one part, but for COCO's polygons of several, which are united.
    patch : ndarray of bool, or None
        The pixels themselves, from `corner` (x, y) on.
    crowd : bool
        COCO's ``iscrowd``: a region of many objects that nobody outlined one by one.
    """

    label: Hashable
    kind: str
    parts: tuple[np.ndarray, ...] = ()
    patch: np.ndarray | None = None
    corner: tuple[int, int] = (0, 0)
    crowd: bool = False

    def draw(self, size: tuple[int, int]) -> np.ndarray:
        """Return which pixels of a picture of `size` (height, width) it covers: bool [H, W]."""
        inside = np.zeros(size, bool)
        if self.patch is not None:
            x, y = self.corner
            patch = self.patch[max(0, -y) :, max(0, -x) :]
            window = inside[max(0, y) :, max(0, x) :][: patch.shape[0], : patch.shape[1]]
            window[...] = patch[: window.shape[0], : window.shape[1]]
            return inside
        for points in self.parts:
            if self.kind in ("line", "linestrip"):
                _fill_path(inside, points)
            elif self.kind == "point":
                _fill_disc(inside, points[0], POINT_RADIUS)
            elif self.kind == "circle":
                _fill_disc(inside, points[0], np.hypot(*(points[1] - points[0])))
            elif self.kind == "rectangle":
                (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
                _fill(inside, [(left, top), (right, top), (right, bottom), (left, bottom)])
            else:
                _fill(inside, points)
        return inside

    def reaches_outside(self, size: tuple[int, int]) -> bool:
        """Whether a point lies outside a picture of `size` (height, width)."""
        return any((part < 0).any() or (part > size[::-1]).any() for part in self.parts)


def _fill(inside: np.ndarray, points) -> None:
    """Fill a polygon; skimage has the centers of pixels at whole numbers."""
    if len(points) >= 3:
        x, y = np.transpose(points) - 0.5
        inside[draw.polygon(y, x, inside.shape)] = True


def _fill_disc(inside: np.ndarray, center, radius: float) -> None:
    if radius > 0:
        inside[draw.disk((center[1] - 0.5, center[0] - 0.5), radius, shape=inside.shape)] = True


def _fill_path(inside: np.ndarray, points: np.ndarray) -> None:
    for start, end in itertools.pairwise(points):
        along = end - start
        if along.any():
            across = np.array([-along[1], along[0]]) * (LINE_WIDTH / 2 / np.hypot(*along))
            _fill(inside, [start + across, end + across, end - across, start - across])
    for joint in points[1:-1]:
        _fill_disc(inside, joint, LINE_WIDTH / 2)


@dataclass(frozen=True)
class Annotation:
    """What a file says of one picture.

    Attributes
    ----------
    file : str
        The file.
    picture : str
        The picture's file; with `content`, the name that it had.
    size : pair of int, or None
        Height and width of the picture that was annotated, where the file tells.
    shapes : list of Shape
        In the order of the file.
    content : bytes, or None
        The picture, where it is embedded in the file.
    """

    file: str
    picture: str
    size: tuple[int, int] | None
    shapes: list[Shape]
    content: bytes | None = None

    @property
    def picture_name(self) -> str:
        """Where the picture is, for errors too."""
        return self.picture if self.content is None else f"{self.file}: its imageData"


def same_name(path: str) -> str:
    """Return what paths have in common that differ in case or in the form of their umlauts only."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def is_class_table(file: str) -> bool:
    """Whether a file says which classes the numbers of masks are."""
    return posixpath.basename(file) == CLASS_TABLE


class OwnFolder(DataFolder):
    """A folder of somebody's own pictures. Its errors advise nobody to delete it."""

    def error(self, problem: str, n_files: int = 1, what_next: str = "") -> CourseDataError:
        """Return the error for a file at fault, with what to do about it."""
        more = f", and {n_files - 1} more" if n_files > 1 else ""
        what_next = what_next or "Correct that file or take it out of the folder, then read again."
        tried = f"Read {self.contents} in {self.root}:"
        return CourseDataError(tried, f"{problem}{more}.", what_next, sample_helps=False)

    @functools.cached_property
    def files(self) -> tuple[str, ...]:
        """All files, those of folders in it too, sorted; hidden ones are passed over."""

        def refuse(error):
            problem = f"{error.filename} cannot be read: {error.strerror}"
            raise self.error(problem, 1, "Correct the folder's path, or the rights to it.")

        found = []
        for place, folders, names in os.walk(self.root, onerror=refuse):
            folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
            start = os.path.relpath(place, self.root).replace(os.sep, "/")
            found += [posixpath.normpath(f"{start}/{n}") for n in names if not n.startswith(".")]
        return tuple(sorted(found))

    @functools.cached_property
    def pictures(self) -> dict[str, None]:
        """The files that are pictures, by the ending of their names; in order, and soon found."""
        return dict.fromkeys(file for file in self.files if file.lower().endswith(PICTURES))

    @functools.cached_property
    def _by_name(self) -> dict[str, list[str]]:
        by_name = defaultdict(list)
        for file in self.pictures:
            by_name[same_name(posixpath.basename(file))].append(file)
        return by_name

    def find_picture(self, path: str, annotation: str) -> str:
        """Find the picture that an annotation file names, by its path or else by its name alone.

        Raises
        ------
        CourseDataError
            If there is none, or more than one and none beside the annotation.
        """
        path = PureWindowsPath(path).as_posix()
        place = posixpath.dirname(annotation)
        exact = posixpath.normpath(posixpath.join(place, path))
        if exact in self.pictures or (self.root / exact).is_file():
            return exact
        found = self._by_name.get(same_name(posixpath.basename(path)), [])
        beside = [file for file in found if posixpath.dirname(file) == place]
        found = beside or found
        if len(found) == 1:
            return found[0]
        if found:
            problem = f"{annotation} names the picture {path}, which may be {' or '.join(found)}"
            raise self.error(problem, 1, "Rename one of the pictures, and correct the file.")
        raise self.error(
            f"{annotation} names the picture {path}, which is missing",
            1,
            "Put the picture there, correct its name in the file, or take the file away.",
        )

    def read_json(self, file: str):
        """Read a JSON file.

        Raises
        ------
        CourseDataError
            If it cannot be read, or is no JSON; the line is named.
        """
        try:
            return json.loads((self.root / file).read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise self.error(f"{file} cannot be read: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise self.error(f"{file} is not JSON: {error}") from error


class LabelMe:
    """A folder of LabelMe files of any version, one a picture.

    Parameters
    ----------
    folder : OwnFolder
    keys : sequence of str
        The JSON files.
    """

    title, names = "LabelMe", {}

    def __init__(self, folder: OwnFolder, keys):
        self.folder, self.keys, self.files = folder, keys, frozenset(keys)

    @staticmethod
    def wrote(content) -> bool:
        """Whether the content of a JSON file is LabelMe's."""
        return isinstance(content, dict) and isinstance(content.get("shapes"), list)

    def read(self, file: str) -> Annotation:
        """Read a file.

        Raises
        ------
        CourseDataError
            If the file, a shape in it or the way to its picture is at fault.
        """
        content = self.folder.read_json(file)
        if not self.wrote(content):
            raise self.folder.error(f"{file} is no LabelMe file: it has no list of shapes")
        shapes = [
            self._shape(f"{file}: shape {number}", shape)
            for number, shape in enumerate(content["shapes"], 1)
        ]
        size = read_size_of(content.get("imageHeight"), content.get("imageWidth"))
        path, embedded = content.get("imagePath"), content.get("imageData")
        if not embedded and not (isinstance(path, str) and path):
            raise self.folder.error(f"{file} has neither imageData nor an imagePath")
        if not embedded:
            return Annotation(file, self.folder.find_picture(path, file), size, shapes)
        path = PureWindowsPath(path or posixpath.basename(file)).as_posix()
        picture = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
        # What is embedded has often been compressed once more than what lies beside it.
        if picture in self.folder.pictures and self.folder.read_size(picture)[0] == size:
            return Annotation(file, picture, size, shapes)
        content = self._decode(file, "imageData", embedded)
        return Annotation(file, posixpath.splitext(file)[0] + ".png", size, shapes, content)

    def _decode(self, where: str, name: str, text) -> bytes:
        try:
            return base64.b64decode(text, validate=True)
        except (TypeError, binascii.Error, ValueError) as error:
            raise self.folder.error(f"{where}: its {name} is not base64: {error}") from error

    def _shape(self, where: str, content) -> Shape:
        label = content.get("label") if isinstance(content, dict) else None
        if not isinstance(label, str):
            raise self.folder.error(f"{where} has no label")
        label = unicodedata.normalize("NFC", label)
        where = f"{where} ({label})"
        kind = content.get("shape_type") or "polygon"
        if kind not in POINTS:
            known = ", ".join(POINTS)
            raise self.folder.error(f"{where} is of the type {kind!r}; known are {known}")
        points = read_points(self.folder, where, content.get("points"))
        if POINTS[kind] and len(points) not in POINTS[kind]:
            count = " or ".join(map(str, POINTS[kind]))
            raise self.folder.error(f"{where} is a {kind} with {len(points)} points, not {count}")
        if kind != "mask":
            return Shape(label, kind, (points,))
        content = self._decode(where, "mask", content.get("mask"))
        patch = np.asarray(self.folder.open_picture(f"{where}: its mask", content)).astype(bool)
        box = np.ptp(points, axis=0)[::-1] + 1  # the last row and column belong to it
        if patch.ndim != 2 or (abs(patch.shape - box) > 1).any():
            problem = f"{where} has a mask of {patch.shape} pixels in a box of {tuple(box)}"
            raise self.folder.error(problem)
        return Shape(label, kind, (), patch, tuple(np.rint(points.min(axis=0)).astype(int)))


class Coco:
    """A folder with one COCO file for all pictures.

    Parameters
    ----------
    folder : OwnFolder
    file : str
        The JSON file, whose content is kept.

    Raises
    ------
    CourseDataError
        If images, categories and annotations do not fit one another.
    """

    title = "COCO"

    def __init__(self, folder: OwnFolder, file: str):
        self.folder, self.file, self.files = folder, file, frozenset([file])
        content = folder.read_json(file)
        if not self.wrote(content):
            raise folder.error(f"{file} is no COCO file: it lacks images or annotations")
        try:
            self.names = {
                category["id"]: unicodedata.normalize("NFC", category["name"])
                for category in content.get("categories", [])
            }
            self._images = {image["id"]: image for image in content["images"]}
            self._annotations = {number: [] for number in self._images}
            for number, annotation in enumerate(content["annotations"], 1):
                where = f"{file}: annotation {annotation.get('id', number)}"
                if annotation["category_id"] not in self.names:
                    problem = f"{where} is of category {annotation['category_id']}: unknown"
                    raise folder.error(problem)
                if annotation["image_id"] not in self._images:
                    raise folder.error(f"{where} is of image {annotation['image_id']}: unknown")
                self._annotations[annotation["image_id"]].append((where, annotation))
        except (KeyError, TypeError, AttributeError) as error:
            raise folder.error(f"{file} is no valid COCO file: {error!r}") from error
        self.keys = list(self._images)

    @staticmethod
    def wrote(content) -> bool:
        """Whether the content of a JSON file is COCO's."""
        return isinstance(content, dict) and all(
            isinstance(content.get(name), list) for name in ("images", "annotations")
        )

    def read(self, number) -> Annotation:
        """Read what the file says of the image of this id.

        Raises
        ------
        CourseDataError
            If an outline or the way to the picture is at fault.
        """
        image = self._images[number]
        if not isinstance(image.get("file_name"), str):
            raise self.folder.error(f"{self.file}: image {number} has no file_name")
        picture = self.folder.find_picture(image["file_name"], self.file)
        size = read_size_of(image.get("height"), image.get("width"))
        shapes = [self._shape(where, annotation) for where, annotation in self._annotations[number]]
        for shape in shapes:
            if shape.kind == "run lengths" and size and shape.patch.shape != size:
                problem = f"run lengths of {shape.patch.shape} pixels, but the image is {size}"
                raise self.folder.error(f"{self.file}: {image['file_name']} has {problem}")
        return Annotation(self.file, picture, size, shapes)

    def _shape(self, where: str, annotation: dict) -> Shape:
        label, crowd = self.names[annotation["category_id"]], bool(annotation.get("iscrowd"))
        outline = annotation.get("segmentation") or []
        if isinstance(outline, dict):
            try:
                patch = decode_runs(outline["counts"], outline["size"])
            except (KeyError, TypeError, ValueError) as error:
                raise self.folder.error(f"{where} has run lengths at fault: {error}") from error
            return Shape(label, "run lengths", (), patch, crowd=crowd)
        if not isinstance(outline, list):
            raise self.folder.error(f"{where} has a segmentation that is no list of polygons")
        parts = []
        for part in outline:
            if not isinstance(part, list) or len(part) % 2:
                raise self.folder.error(f"{where} has a polygon that is no list x, y, x, y, …")
            pairs = list(zip(part[::2], part[1::2], strict=True))
            parts.append(read_points(self.folder, where, pairs))
        return Shape(label, "polygon", tuple(parts), crowd=crowd)


class MaskFiles:
    """Pictures, each with a mask: beside it, or in a folder of masks.

    The mask of ``x.jpg`` is ``x.png`` or, with any ending of a picture, ``x_mask``, ``x-label`` and
    the like; or it has the picture's name and lies in ``masks``, the picture in ``images`` (further
    names: `MASK_FOLDERS`, `IMAGE_FOLDERS`).

    Parameters
    ----------
    folder : OwnFolder
    labels : {None, "numbers", "colors"}
        What the masks' labels are. None: names, as the folder's `CLASS_TABLE` has them, or numbers
        where there is none.

    Attributes
    ----------
    names : dict
        Name of a number, from the folder's table.

    Raises
    ------
    CourseDataError
        If two pictures or two masks have the same name, or the table is at fault.
    """

    title = "masks"

    def __init__(self, folder: OwnFolder, labels: str | None = None):
        self.folder = folder
        self.names = {} if labels else self._read_table()
        self.in_colors = labels == "colors"
        names = Counter(same_name(file) for file in folder.pictures)
        names.update(same_name(posixpath.splitext(file)[0]) for file in folder.pictures)
        pictures, masks = {}, {}
        for file in folder.pictures:
            path, ending = posixpath.splitext(file)
            *place, stem = path.split("/")
            place = [part for part in place if part.lower() not in IMAGE_FOLDERS]
            outer = [part for part in place if part.lower() not in MASK_FOLDERS]
            if "segmentationobject" in map(str.lower, outer):
                continue  # numbers of objects, not of classes
            is_mask = len(outer) < len(place)
            if stem.lower().endswith(MASK_ENDINGS):
                is_mask, stem = True, stem[: max(map(stem.rfind, "_-."))]
            elif names[same_name(path)] > 1:  # x.png beside x.jpg, or x.jpg.png
                is_mask |= ending.lower() == ".png"
            if is_mask and stem.lower().endswith(PICTURES):
                stem = posixpath.splitext(stem)[0]
            found = masks if is_mask else pictures
            key = same_name("/".join([*outer, stem]))
            if key in found:
                what = "masks" if is_mask else "pictures"
                problem = f"{found[key]} and {file} are two {what} of the same name"
                raise folder.error(problem, 1, "Rename or remove one of them.")
            found[key] = file
        self.keys = [(pictures[key], masks[key]) for key in sorted(pictures.keys() & masks.keys())]
        self.files = frozenset(masks.values())
        self.masks_alone = [masks[key] for key in sorted(masks.keys() - pictures.keys())]

    def read(self, pair: tuple[str, str]) -> Annotation:
        """Read the mask of a pair (picture, mask): a shape for each label in it.

        Raises
        ------
        CourseDataError
            If it cannot be read, or its pixels are neither numbers nor colors.
        """
        picture, file = pair
        values, in_colors = self._read_values(file)
        shapes, found = [], np.unique(values).tolist()
        if len(found) > IGNORE + 1:
            problem = f"{file} has {len(found)} different labels, more than there can be classes"
            what_next = "Export classes, not objects, as PNG: JPEG and smooth edges make up colors."
            raise self.folder.error(problem, 1, what_next)
        for value in found:
            key = (value >> 16, value >> 8 & 255, value & 255) if in_colors else value
            label = self.names.get(key, key)
            shapes.append(Shape(label, "mask", (), values == value))
        return Annotation(file, picture, values.shape, shapes)

    def _read_values(self, file: str) -> tuple[np.ndarray, bool]:
        """Return the mask's numbers [H, W], and whether they are colors: 0xRRGGBB."""
        picture = self.folder.open_picture(file)
        has_16_bits, mode = picture.info["has_16_bits"], picture.mode
        picture = ImageOps.exif_transpose(picture)
        if mode.startswith("I") or (mode in ("1", "L", "P") and not self.in_colors):
            return np.asarray(picture).astype(int), False
        if mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA") or has_16_bits:
            bits = " of 16 bits" if has_16_bits else ""
            problem = f"{file} should hold class numbers or colors, but its mode is {mode}{bits}"
            raise self.folder.error(problem)
        pixels = np.array(picture.convert("RGBA")).astype(int)
        opaque = pixels[..., 3] == 255
        if (pixels[~opaque][:, 3] > 0).any():
            raise self.folder.error(f"{file} is half transparent, so that its labels are unclear")
        pixels[~opaque] = 0
        red, green, blue = np.moveaxis(pixels[..., :3], -1, 0)
        if not self.in_colors and (red == green).all() and (green == blue).all():
            return red, False
        return (red << 16) + (green << 8) + blue, True

    def _read_table(self) -> dict:
        file = next(filter(is_class_table, self.folder.files), None)
        if file is None:
            return {}
        content = self.folder.read_json(file)
        try:
            return dict(enumerate(content["classes"])) | {content["ignore"]: IGNORE}
        except (KeyError, TypeError) as error:
            raise self.folder.error(f"{file} is no table of classes: {error!r}") from error


def read_points(folder: OwnFolder, where: str, points) -> np.ndarray:
    """Return points as float [n, 2], or raise the folder's error, with `where` in it."""
    try:
        points = np.array(points, float).reshape(-1, 2) if points == [] else np.array(points, float)
    except (TypeError, ValueError):
        points = np.zeros(0)
    if points.ndim != 2 or points.shape[1] != 2:
        raise folder.error(f"{where} has no list of points [x, y]")
    if not np.isfinite(points).all():
        raise folder.error(f"{where} has a coordinate that is no number (NaN or infinite)")
    return points


def read_size_of(height, width) -> tuple[int, int] | None:
    """Return (height, width) where a file tells both, as whole numbers."""
    known = all(isinstance(side, int) and side > 0 for side in (height, width))
    return (height, width) if known else None


def decode_runs(counts, size) -> np.ndarray:
    """Decode COCO's run lengths: pixels outside and inside in turn, column by column.

    Parameters
    ----------
    counts : sequence of int, or str
        The lengths, or their compressed form: five bits a letter from "0" on, the sixth says that
        more follow; from the fourth length on, the difference from the one two before.
    size : pair of int
        Height and width.

    Returns
    -------
    ndarray of bool, shape [H, W]

    Raises
    ------
    ValueError
        If the lengths do not add up to the picture.
    """
    height, width = size
    if isinstance(counts, str):
        text, counts, length, shift = counts.encode("ascii"), [], 0, 0
        for letter in text:
            bits = letter - 48
            length |= (bits & 0x1F) << shift
            shift += 5
            if not bits & 0x20:
                if bits & 0x10:
                    length -= 1 << shift
                counts.append(length + (counts[-2] if len(counts) > 2 else 0))
                length = shift = 0
    counts = np.array(counts, int)
    if counts.size and counts.min() < 0:
        raise ValueError("a length is negative")
    if counts.sum() != height * width:
        raise ValueError(f"they add up to {counts.sum()} pixels, not {height} x {width}")
    return np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(width, height).T
