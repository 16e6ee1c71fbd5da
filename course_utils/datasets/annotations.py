"""Files of annotation tools, read as shapes: LabelMe JSON, COCO JSON, and masks beside pictures.

Coordinates are x to the right and y down, and the pixel in column 3 reaches from x = 3 to x = 4. A
pixel belongs to a shape where its center does.
"""

import base64
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
POINTS = {"polygon": (), "linestrip": (), "rectangle": (2, 4), "oriented_rectangle": (4,)}
POINTS |= {"circle": (2,), "line": (2,), "point": (1,), "mask": (2,)}


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
    """What a file says of one picture."""

    file: str
    picture: str
    size: tuple[int, int] | None  # height and width of what was annotated, where the file tells
    shapes: list[Shape]
    content: bytes | None = None  # the picture, where the file holds it

    @property
    def picture_name(self) -> str:
        """Where the picture is, for errors too."""
        return self.picture if self.content is None else f"{self.file}: its imageData"


def same_name(path: str) -> str:
    """Return what paths have in common that differ in case or in the form of their umlauts only."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


class OwnFolder(DataFolder):
    """A folder of somebody's own pictures. Its errors advise nobody to delete it."""

    def error(self, problem: str, n_files: int = 1, what_next: str = "") -> CourseDataError:
        """Return the error for a fault, with what to do about it."""
        if not what_next and ".heic" in problem.lower():
            what_next = "Convert it to JPEG, and name that in the annotation."
        what_next = what_next or "Correct that file or take it out of the folder, then read again."
        tried = f"Read {self.contents} in {self.root}:"
        return CourseDataError(tried, f"{problem}.", what_next, sample_helps=False)

    @functools.cached_property
    def files(self) -> tuple[str, ...]:
        """All files, those of folders in it too, sorted; hidden ones are passed over."""

        def refuse(error):
            if self.root.is_file():
                what_next = f"Name the folder that it lies in: {self.root.parent}"
                raise self.error(f"{self.root} is a file", what_next=what_next)
            problem = f"{error.filename} cannot be read: {error.strerror}"
            raise self.error(problem, what_next="Correct its path, or the rights to it.")

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
        there = (self.root / exact).is_file()
        if exact in self.pictures or (there and exact.startswith("../")):
            return exact
        found = self._by_name.get(same_name(posixpath.basename(path)), [])
        beside = [file for file in found if posixpath.dirname(file) == place]
        fitting = [file for file in found if same_name(f"/{file}").endswith(same_name(f"/{path}"))]
        for candidates in (beside, fitting, found, [exact] if there else []):
            if len(candidates) == 1:
                return candidates[0]
        what = f"may be {' or '.join(found[:3])}" if found else "is missing"
        raise self.error(
            f"{annotation} names the picture {path}, which {what}",
            what_next="Put the picture there under a name of its own, or correct the file.",
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
    """A folder of LabelMe files of any version, one a picture; `keys` are the JSON files."""

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
        shapes = []
        for number, shape in enumerate(content["shapes"], 1):
            try:
                shapes.append(self._read_shape(f"{file}: shape {number}", shape))
            except (ValueError, TypeError, AttributeError) as error:
                raise self.folder.error(f"{file}: shape {number} {error}") from error
        size = read_size(content, "imageHeight", "imageWidth")
        path, embedded = content.get("imagePath"), content.get("imageData")
        if not embedded and not path:
            raise self.folder.error(f"{file} has neither imageData nor an imagePath")
        if not embedded:
            return Annotation(file, self.folder.find_picture(str(path), file), size, shapes)
        path = PureWindowsPath(str(path or posixpath.basename(file))).as_posix()
        picture = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
        # What is embedded has often been compressed once more than what lies beside it.
        if picture in self.folder.pictures and self.folder.read_size(picture)[0] == size:
            return Annotation(file, picture, size, shapes)
        try:
            content = decode_base64(embedded, "imageData")
        except ValueError as error:
            raise self.folder.error(f"{file} {error}") from error
        return Annotation(file, posixpath.splitext(file)[0] + ".png", size, shapes, content)

    def _read_shape(self, where: str, content: dict) -> Shape:
        label, kind = content.get("label"), content.get("shape_type") or "polygon"
        if not isinstance(label, str):
            raise ValueError("has no label")
        label = unicodedata.normalize("NFC", label)
        if kind not in POINTS:
            raise ValueError(f"({label}) is a {kind!r}; known are {', '.join(POINTS)}")
        points = read_points(content.get("points"), f"({label}) ")
        if POINTS[kind] and len(points) not in POINTS[kind]:
            count = " or ".join(map(str, POINTS[kind]))
            raise ValueError(f"({label}) is a {kind} with {len(points)} points, not {count}")
        if kind != "mask":
            return Shape(label, kind, (points,))
        content = decode_base64(content.get("mask"), "mask")
        patch = np.asarray(self.folder.open_picture(f"{where}: its mask", content)).astype(bool)
        box = np.ptp(points, axis=0)[::-1] + 1  # the last row and column belong to it
        if patch.ndim != 2 or (abs(patch.shape - box) > 1).any():
            raise ValueError(f"({label}) has a mask of {patch.shape} pixels for {tuple(box)}")
        return Shape(label, kind, (), patch, tuple(np.rint(points.min(axis=0)).astype(int)))


class Coco:
    """A folder with one COCO file for all pictures, whose content is kept; `keys` are image ids.

    Raises
    ------
    CourseDataError
        If images, categories and annotations do not fit one another.
    """

    title = "COCO"

    def __init__(self, folder: OwnFolder, file: str):
        self.folder, self.file, self.files = folder, file, frozenset([file])
        content = folder.read_json(file)
        try:
            self.names = {
                category["id"]: unicodedata.normalize("NFC", category["name"])
                for category in content["categories"]
            }
            self._images = {image["id"]: image for image in content["images"]}
            self._annotations = {number: [] for number in self._images}
            for number, one in enumerate(content["annotations"], 1):
                where = f"annotation {one.get('id', number)}"
                for name, known in (("category_id", self.names), ("image_id", self._images)):
                    if one[name] not in known:
                        raise folder.error(f"{file}: {where} has the unknown {name} {one[name]!r}")
                self._annotations[one["image_id"]].append((where, one))
        except (KeyError, TypeError, AttributeError) as error:
            why = f"it lacks {error}" if isinstance(error, KeyError) else repr(error)
            raise folder.error(f"{file} is no valid COCO file: {why}") from error
        self.keys = list(self._images)

    @staticmethod
    def wrote(content) -> bool:
        """Whether the content of a JSON file is COCO's."""
        return isinstance(content, dict) and {"images", "annotations"} <= content.keys()

    def read(self, number) -> Annotation:
        """Read what the file says of the image of this id.

        Raises
        ------
        CourseDataError
            If an outline or the way to the picture is at fault.
        """
        image, shapes = self._images[number], []
        picture = self.folder.find_picture(str(image.get("file_name")), self.file)
        for where, annotation in self._annotations[number]:
            try:
                shapes.append(self._read_shape(annotation))
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                why = f"lacks {error}" if isinstance(error, KeyError) else error
                raise self.folder.error(f"{self.file}: {where} {why}") from error
        sizes = {shape.patch.shape for shape in shapes if shape.patch is not None}
        sizes |= {read_size(image, "height", "width")} - {None}
        if len(sizes) > 1:
            problem = f"{self.file} has several sizes for {picture}: {sorted(sizes)}"
            raise self.folder.error(problem)
        return Annotation(self.file, picture, next(iter(sizes), None), shapes)

    def _read_shape(self, annotation: dict) -> Shape:
        label, crowd = self.names[annotation["category_id"]], bool(annotation.get("iscrowd"))
        outline = annotation.get("segmentation") or []
        if isinstance(outline, dict):
            patch = decode_runs(outline["counts"], outline["size"])
            return Shape(label, "run lengths", (), patch, crowd=crowd)
        if not all(isinstance(part, list) and len(part) % 2 == 0 for part in outline):
            raise ValueError("has an outline that is no list of polygons [x, y, x, y, …]")
        parts = tuple(read_points(list(zip(p[::2], p[1::2], strict=True))) for p in outline)
        return Shape(label, "polygon", parts, crowd=crowd)


class MaskFiles:
    """Pictures, each with a mask: beside it, or in a folder of masks.

    The mask of ``x.jpg`` is ``x.png`` or, with any ending of a picture, ``x_mask``, ``x-label`` and
    the like; or it has the picture's name and lies in ``masks``, the picture in ``images`` (further
    names: `MASK_FOLDERS`, `IMAGE_FOLDERS`). `keys` are pairs (picture, mask).

    Parameters
    ----------
    folder : OwnFolder
    named : bool
        Whether labels are names, where the folder has a `CLASS_TABLE`. Else they are numbers.
    in_colors : bool
        Whether labels are colors.

    Raises
    ------
    CourseDataError
        If two pictures or two masks have the same name, or the table is at fault.
    """

    title = "masks"

    def __init__(self, folder: OwnFolder, named: bool = True, in_colors: bool = False):
        self.folder, self.in_colors = folder, in_colors
        self.names = self._read_names() if named and CLASS_TABLE in folder.files else {}
        stems = Counter(same_name(posixpath.splitext(file)[0]) for file in folder.pictures)
        stems.update(map(same_name, folder.pictures))
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
            elif stems[same_name(path)] > 1:  # x.png beside x.jpg, or x.jpg.png
                is_mask |= ending.lower() == ".png"
            if is_mask and stem.lower().endswith(PICTURES):
                stem = posixpath.splitext(stem)[0]
            key = same_name("/".join([*outer, stem]))
            twin = (masks if is_mask else pictures).setdefault(key, file)
            if twin != file:
                problem = f"{twin} and {file} are two {'masks' if is_mask else 'pictures'}"
                what_next = "Rename or remove one of them."
                raise folder.error(f"{problem} of the same name", what_next=what_next)
        self.keys = [(pictures[key], masks[key]) for key in sorted(pictures.keys() & masks.keys())]
        self.files = frozenset([*masks.values(), CLASS_TABLE])
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
        found, shapes = np.unique(values).tolist(), []
        if len(found) > IGNORE + 1:
            problem = f"{file} has {len(found)} different labels, more than there can be classes"
            what_next = "Export classes, not objects, as PNG: JPEG and smooth edges make up colors."
            raise self.folder.error(problem, what_next=what_next)
        for value in found:
            key = (value >> 16, value >> 8 & 255, value & 255) if in_colors else value
            shapes.append(Shape(self.names.get(key, key), "mask", (), values == value))
        return Annotation(file, picture, values.shape, shapes)

    def _read_values(self, file: str) -> tuple[np.ndarray, bool]:
        """Return the mask's numbers [H, W], and whether they are colors: 0xRRGGBB."""
        picture = self.folder.open_picture(file)
        has_16_bits, mode = picture.info["has_16_bits"], picture.mode
        picture = ImageOps.exif_transpose(picture)
        if mode.startswith("I") or (mode in ("1", "L", "P") and not self.in_colors):
            values = np.asarray(picture)
            return values.astype(np.uint8) if mode == "1" else values, False
        if mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA") or has_16_bits:
            bits = " of 16 bits" if has_16_bits else ""
            problem = f"{file} should hold class numbers or colors, but its mode is {mode}{bits}"
            raise self.folder.error(problem)
        red, green, blue, opaque = np.moveaxis(np.array(picture.convert("RGBA")), -1, 0)
        if ((opaque > 0) & (opaque < 255)).any():
            raise self.folder.error(f"{file} is half transparent, so that its labels are unclear")
        values = (red.astype(np.uint32) << 16 | green.astype(np.uint32) << 8 | blue) * (opaque > 0)
        if self.in_colors or (values != (values & 255) * 0x010101).any():
            return values, True
        return values & 255, False  # gray

    def _read_names(self) -> dict:
        content = self.folder.read_json(CLASS_TABLE)
        try:
            return dict(enumerate(content["classes"])) | {content["ignore"]: IGNORE}
        except (KeyError, TypeError) as error:
            raise self.folder.error(f"{CLASS_TABLE} is no table of classes: {error!r}") from error


def read_points(points, whose: str = "") -> np.ndarray:
    """Return points as float [n, 2]; a ValueError says what is wrong."""
    try:
        points = np.array(points, float)
    except (TypeError, ValueError):
        points = np.zeros(1)
    if points.size and (points.ndim != 2 or points.shape[1] != 2):
        raise ValueError(f"{whose}has no list of points [x, y]")
    if not (abs(points) < 1e9).all():
        raise ValueError(f"{whose}has a coordinate that is no number, or far too large")
    return points.reshape(-1, 2)


def read_size(content: dict, *names: str) -> tuple[int, int] | None:
    """Return height and width where a file tells both, as whole numbers."""
    sides = tuple(content.get(name) for name in names)
    return sides if all(isinstance(side, int) and side > 0 for side in sides) else None


def decode_base64(text, name: str) -> bytes:
    """Return the bytes; a ValueError says what is wrong."""
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError) as error:
        raise ValueError(f"has {name} that is not base64: {error}") from error


def decode_runs(counts, size) -> np.ndarray:
    """Decode COCO's run lengths: pixels outside and inside in turn, column by column.

    Compressed, a length has five bits in a letter, counted from "0", and the sixth says that more
    follow; from the fourth length on it is the difference from the one two before.

    Parameters
    ----------
    counts : sequence of int, or str
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
        raise ValueError("has run lengths below 0")
    if counts.sum() != height * width:
        raise ValueError(
            f"has run lengths that add up to {counts.sum()} pixels, not {height} x {width}"
        )
    return np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(width, height).T
