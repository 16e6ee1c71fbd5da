"""Your own pictures: a folder with what an annotation tool wrote, as pictures and class numbers.

`read` takes LabelMe files, a COCO file or masks. Other tools export one of these:

============  =============================================================================
CVAT          "COCO 1.0", or "Segmentation mask 1.1", whose labelmap.txt tells the colors
Label Studio  "COCO", for polygons; its PNG of brush strokes are one for each label: merge them
Roboflow      "COCO Segmentation", without a split, or "Semantic Segmentation Masks"
QuPath        a script that exports labeled images (PNG) beside the pictures
VIA           "Export Annotations (COCO format)"
============  =============================================================================
"""

import dataclasses
import difflib
import functools
import json
import operator
import posixpath
import shutil
from collections import Counter
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from . import IGNORE, CourseDataError, Dataset
from .annotations import (
    CLASS_TABLE,
    IMAGE_FOLDERS,
    Annotation,
    Coco,
    LabelMe,
    MaskFiles,
    OwnFolder,
    same_name,
)
from .download import expand_path
from .io import READERS, check_size, resize, size_in_words, write_mask
from .splits import group_split

BACKGROUND = "background"
# Labels with a meaning of their own, those with underscores in LabelMe's label lists.
BUILT_IN = {BACKGROUND: BACKGROUND, "_background_": BACKGROUND, "__ignore__": IGNORE}
CHOICES = {
    "order": ("file", "area"),
    "crowd": ("unknown", "class"),
    "faults": ("raise", "leave out"),
    "kind": (None, "labelme", "coco", "masks"),
}
SHOWN = 6  # pictures in a report's figure, and names in a list


def read(
    folder: Path | str,
    classes=None,
    *,
    kind: str | None = None,
    order: str = "file",
    crowd: str = "unknown",
    groups: Callable[[str], str] | None = None,
    faults: str = "raise",
) -> "OwnData":
    """Read a folder of annotated pictures. Only names, sizes and labels are kept in memory.

    Parameters
    ----------
    folder : path
        Folders in it are read too.
    classes : sequence of str, or dict, optional
        One table for the whole folder. A sequence names the classes; for shapes a background, which
        is what nobody marked, is put before them unless it is there, for masks number ``k`` in the
        files is class ``k``. A dict says of each label which class it is: ``{"kitten": "cat",
        "wall": None, "hole": "background", "?": IGNORE}``; None leaves it out. The labels of masks
        are numbers, colors (red, green, blue), or the names of a table that lies in the folder.
        Unless told, the labels that are found, sorted, after the background.
    kind : {"labelme", "coco", "masks"}, optional
        Unless told, what is found.
    order : {"file", "area"}, optional
        What wins where shapes overlap: the later one, or the smaller one.
    crowd : {"unknown", "class"}, optional
        What COCO's ``iscrowd`` regions are: `IGNORE` where no other shape lies, or their class.
    groups : function, optional
        Returns the group of a picture, such as the patient, from its id. Unless told, each picture
        is a group of its own.
    faults : {"raise", "leave out"}, optional
        What happens to pictures at fault. Those left out are told by the report.

    Returns
    -------
    OwnData

    Raises
    ------
    CourseDataError
        If a file is at fault (all such files are told at once), a label is not in `classes`, or
        there are no annotated pictures.
    ValueError
        If an argument is none of those above.
    """
    given = {"order": order, "crowd": crowd, "faults": faults, "kind": kind}
    for name, choices in CHOICES.items():
        if given[name] not in choices:
            raise ValueError(f"{name} must be one of {choices}, not {given[name]!r}")
    folder = OwnFolder(expand_path(folder), "your pictures")
    source, problems = _open_source(folder, kind, classes)

    def scan(key):
        try:
            return _scan(folder, source.read(key), key)
        except CourseDataError as error:
            return error

    scanned = list(_in_threads(scan, source.keys))
    problems += [item for item in scanned if isinstance(item, CourseDataError)]
    items = sorted((i for i in scanned if isinstance(i, _Item)), key=lambda item: item.id)
    annotated = {item.picture for item in items} | source.files
    labels = {label for item in items for _, label in item.marks}
    names, numbers, notes = _make_table(folder, source, labels, classes)
    faulty = {item.id: _unknown_label(folder, item, names, numbers) for item in items}
    faulty |= _find_twins(folder, items)
    problems += dict.fromkeys(filter(None, faulty.values()))
    known = [item for item in items if not faulty[item.id]]
    if problems and (faults == "raise" or not known):
        raise _all_of(problems)
    if not known:
        raise folder.error(
            f"there is no annotated picture among {len(folder.files)} files",
            what_next="Expected are LabelMe or COCO files (.json), or masks: x.png or x_mask.png "
            "beside x.jpg, or masks/x.png and images/x.jpg. Convert HEIC to JPEG.",
        )
    return OwnData(
        _folder=folder,
        _source=source,
        _items=known,
        _numbers=numbers,
        _order=order,
        _crowd=crowd,
        _group_of=groups,
        class_names=names,
        orphans=tuple(file for file in folder.pictures if file not in annotated),
        problems=tuple(f"{error.came_back} {error.what_next}" for error in problems),
        notes=notes,
    )


@dataclass(frozen=True)
class _Item:
    """What is kept in memory of a picture."""

    key: Hashable
    id: str
    picture: str  # its file
    file: str  # of its annotation
    embedded: bool
    size: tuple[int, int]  # upright
    drawn_size: tuple[int, int]  # of the picture that was annotated
    flag: int  # the camera's, of orientation
    marks: Counter  # how many shapes by (kind, label)
    n_outside: int  # shapes with points outside


def _scan(folder: OwnFolder, annotation: Annotation, key) -> _Item:
    """Look at a picture's annotation and at the head of its file."""
    size, flag = folder.read_size(annotation.picture_name, annotation.content)
    drawn = annotation.size or size
    width, drawn_width = size[1], drawn[1]
    if min(size) < 1:
        raise folder.error(f"{annotation.picture_name} has no pixels")
    if abs(drawn_width * size[0] - width * drawn[0]) >= max(min(size), min(drawn)):  # a pixel
        problem = (
            f"{annotation.file} is for a picture of {size_in_words(drawn)} pixels, but "
            f"{annotation.picture} is {size_in_words(size)}"
        )
        what_next = "Export the annotation for this very picture, or annotate it again."
        if flag >= 5 and drawn == size[::-1]:
            problem += " once the camera's flag has turned it: it was annotated unturned"
            what_next = "Annotate it in a tool that obeys the flag, such as LabelMe, or turn both."
        raise folder.error(problem, what_next=what_next)
    *place, name = posixpath.splitext(annotation.picture)[0].split("/")
    place = [part for part in place if part.strip(".") and ":" not in part]
    return _Item(
        key=key,
        id="/".join([part for part in place if part.lower() not in IMAGE_FOLDERS] + [name]),
        picture=annotation.picture,
        file=annotation.file,
        embedded=annotation.content is not None,
        size=size,
        drawn_size=drawn,
        flag=flag,
        marks=Counter((shape.kind, shape.label) for shape in annotation.shapes),
        n_outside=sum(shape.reaches_outside(drawn) for shape in annotation.shapes),
    )


def _in_threads(function, values):
    """Map in threads, one value after the other in the order of `values`."""
    with ThreadPoolExecutor(READERS) as pool:
        yield from pool.map(function, values)


def _open_source(folder: OwnFolder, kind: str | None, classes):
    """Return the reader of the files that are there, and what is wrong with them."""
    files = [f for f in folder.files if f.lower().endswith(".json") and f != CLASS_TABLE]
    problems, coco = [], []
    for file in files if kind in (None, "coco") else ():
        try:
            content = folder.read_json(file)
        except CourseDataError as error:
            problems.append(error)
            continue
        if kind is None and LabelMe.wrote(content):
            kind = "labelme"
            break
        coco += [file] if Coco.wrote(content) else []
    if kind == "labelme":
        return LabelMe(folder, files), []
    if len(coco) > 1:
        what_next = "Put each into a folder of its own, with its pictures, and read one at a time."
        raise folder.error(f"{len(coco)} files are COCO's: {_listed(coco)}", what_next=what_next)
    if coco:
        return Coco(folder, coco[0]), []
    keys = classes if isinstance(classes, dict) else range(len(classes or ()))
    named = all(isinstance(key, str) for key in keys)
    source = MaskFiles(folder, named, any(isinstance(key, tuple) for key in keys))
    if kind == "coco" or (kind is None and files and not source.keys):
        which = f"{_listed(files) or 'no file'} is LabelMe's or COCO's"
        unknown = folder.error(f"none of {which}", what_next="Export the annotation as COCO.")
        raise _all_of(problems or [unknown])
    what_next = "Put the picture there (HEIC as JPEG), or take the mask away. A mask has its "
    what_next += "picture's name, or that and _mask, _label or _seg."
    return source, [
        folder.error(f"{mask} is a mask without a picture", what_next=what_next)
        for mask in source.masks_alone
    ]


def _find_twins(folder: OwnFolder, items: list[_Item]) -> dict[str, CourseDataError]:
    """Return the error for each picture whose name another one has on some systems."""
    first, twins = {}, {}
    for item in items:
        other = first.setdefault(same_name(item.id), item)
        if other is item:
            continue
        problem = f"{other.picture} and {item.picture} differ in ending, case or umlauts only"
        what_next = "Rename one: here or on another system they would have one name."
        if other.picture == item.picture:
            files = " and ".join(dict.fromkeys([other.file, item.file]))
            problem, what_next = f"{item.picture} is annotated twice in {files}", "Take one away."
        error = folder.error(problem, what_next=what_next)
        twins |= {other.id: error, item.id: error}
    return twins


def _all_of(problems: list[CourseDataError]) -> CourseDataError:
    """Return one error for all that is wrong."""
    if len(problems) == 1:
        return problems[0]
    lines = [f"- {error.came_back} {error.what_next}" for error in problems[:10]]
    if len(problems) > 10:
        lines.append(f"and {len(problems) - 10:,} more.")
    what_next = 'Or leave these pictures out: read(…, faults="leave out"), and see its report().'
    return CourseDataError(problems[0].tried, "\n".join(lines), what_next, sample_helps=False)


def _make_table(folder: OwnFolder, source, labels: set, classes):
    """Return the classes' names, the number of each label (None: left out), and notes."""
    is_masks, notes = isinstance(source, MaskFiles), ()
    if isinstance(classes, dict):
        given = classes
    elif classes is not None:
        given = dict(enumerate(classes)) if is_masks else {name: name for name in classes}
        if isinstance(classes, str) or len(set(classes)) < len(classes):
            raise ValueError(f"classes must be a list of names, each once, or a dict: {classes!r}")
    elif source.names or not is_masks:
        found = list(source.names.values()) or sorted(labels)
        if isinstance(source, Coco) and (unused := sorted({*found} - labels)):
            found = [name for name in found if name in labels]
            notes = (f"left out, for no shape has these categories: {_listed(unused)}",)
        # An empty label is never a class of its own accord, and so told as one that nobody knows.
        given = {label: BUILT_IN.get(label, label) for label in found if str(label).strip()}
    elif labels <= {0, 1} or labels <= {0, IGNORE}:
        given = {0: BACKGROUND, 1: "foreground"}
    elif labels == set(range(len(labels))):
        given = {0: BACKGROUND} | {k: f"class {k}" for k in range(1, len(labels))}
    else:
        raise folder.error(
            f"the masks hold {_listed(sorted(labels, key=str))}, and nobody said what that is",
            what_next="Say it: classes={0: 'background', 1: 'cat', 255: IGNORE}, say (255: 'cat' "
            "where some files write 255 for 1), or of colors {(0, 0, 0): 'background', "
            "(255, 0, 0): 'cat'}.",
        )
    for to in given.values():
        if not isinstance(to, str | None) and to != IGNORE:
            raise ValueError(f"classes has {to!r}, which is no name, None or IGNORE")
    names = list(dict.fromkeys(to for to in given.values() if isinstance(to, str)))
    if isinstance(classes, dict) and BACKGROUND in names:
        names.remove(BACKGROUND)
        names.insert(0, BACKGROUND)
    elif not is_masks and BACKGROUND not in names:
        names.insert(0, BACKGROUND)
    if is_masks and None in given.values() and BACKGROUND not in names:
        raise ValueError("classes leaves out a label of masks, but has no 'background' instead")
    if not 1 <= len(names) <= IGNORE:
        raise ValueError(f"classes has {len(names)} names; there can be 1 to {IGNORE}")
    by_name = {name: number for number, name in enumerate(names)} | {IGNORE: IGNORE, None: None}
    numbers = {label: by_name[to] for label, to in given.items()}
    if source.names or not is_masks:
        numbers = {label: by_name.get(to) for label, to in BUILT_IN.items()} | by_name | numbers
    elif given.keys() == {0, 1} and IGNORE in labels and labels <= {0, IGNORE}:
        numbers = {0: numbers[0], IGNORE: numbers[1]}
        notes = ("the masks hold 0 and 255, and there are two classes: taken for 0 and 1",)
    return tuple(names), numbers, notes


def _unknown_label(folder: OwnFolder, item: _Item, names, numbers) -> CourseDataError | None:
    """Return the error for labels that the table lacks."""
    unknown = sorted({label for _, label in item.marks if label not in numbers}, key=str)
    if not unknown:
        return None
    near = [label for label in numbers if isinstance(label, str)]
    near = difflib.get_close_matches(str(unknown[0]), near, 1, 0.5)
    has = f"the label {unknown[0]!r}, which `classes` lacks"
    if len(unknown) > 1:
        has = f"labels that `classes` lacks: {_listed(map(repr, unknown))}"
    told = f"the nearest is {near[0]!r}" if near else f"there are {_listed(names)}"
    problem = f"{item.file} has {has}; {told}"
    what_next = f"Correct the label, or say what it is: classes={{…, {unknown[0]!r}: …}}."
    if unknown == [IGNORE]:
        what_next = "If 255 means unknown, say {…, 255: IGNORE}; if it is a class, such as "
        what_next += f"{names[-1]!r}, say {{…, 255: {names[-1]!r}}}."
    elif item.file.lower().endswith((".jpg", ".jpeg")):
        what_next = "JPEG changes the numbers of a mask: export it as PNG."
    return folder.error(problem, what_next=what_next)


@dataclass(frozen=True)
class _Survey:
    """What a picture's mask holds, without its picture."""

    pixels: np.ndarray  # of each class, and then unknown ones
    n_twice: int  # pixels that more than one shape claims
    n_contested: int  # of these, those claimed for different classes
    empty: list[str]  # shapes that mark no pixel


@dataclass(frozen=True)
class OwnData:
    """Annotated pictures on disk, in the order of their names; `read` returns it.

    ``own[i]`` reads a picture, uint8 [H, W, 3], red, green, blue, upright, and its mask, uint8
    [H, W] with class numbers or `IGNORE`. It raises `CourseDataError` where the picture is cut off.

    Attributes
    ----------
    class_names : tuple of str
    ids : tuple of str
        The pictures' names: without ending, with the folders that they lie in but for ``images``.
    groups : tuple of str, or None
    orphans : tuple of str
        Pictures that nobody annotated.
    problems : tuple of str
        What was wrong with pictures that were left out.
    notes : tuple of str
        What was concluded.
    """

    _folder: OwnFolder
    _source: LabelMe | Coco | MaskFiles
    _items: list[_Item]
    _numbers: dict
    _order: str
    _crowd: str
    _group_of: Callable[[str], str] | None
    class_names: tuple[str, ...]
    orphans: tuple[str, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """The pictures' names, sorted."""
        return tuple(item.id for item in self._items)

    @property
    def groups(self) -> tuple[str, ...] | None:
        """The group of each picture, where `read` was told how to find it."""
        return self._group_of and tuple(str(self._group_of(item.id)) for item in self._items)

    @property
    def background(self) -> int:
        """The number of the class that nobody marked."""
        return self.class_names.index(BACKGROUND) if BACKGROUND in self.class_names else 0

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        title = f"{len(self)} pictures ({self._source.title})"
        return f"<{title} in {self._folder.root.name}: {', '.join(self.class_names)}>"

    def __getitem__(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        item = self._items[operator.index(i)]
        annotation = self._source.read(item.key)
        return self._read_image(annotation), self._draw(item, annotation)[0]

    def _read_image(self, annotation: Annotation) -> np.ndarray:
        return self._folder.read_image(annotation.picture_name, content=annotation.content)

    def _draw(self, item: _Item, annotation: Annotation) -> tuple[np.ndarray, _Survey]:
        flat = np.full(np.prod(item.drawn_size), self.background, np.uint8)
        claimed, drawn, empty = np.zeros(flat.shape, bool), [], []
        for shape in annotation.shapes:
            below = shape.crowd and self._crowd == "unknown"
            number = IGNORE if below else self._numbers[shape.label]
            pixels = np.flatnonzero(shape.draw(item.drawn_size))
            if pixels.size == 0:
                empty.append(f"{shape.kind}, {shape.label}")
            elif number is not None:
                rank = (not below, -pixels.size if self._order == "area" else 0)
                drawn.append((rank, number, pixels))
        n_twice = n_contested = 0
        for _, number, pixels in sorted(drawn, key=lambda one: one[0]):
            twice = pixels[claimed[pixels]]
            n_twice += twice.size
            n_contested += np.count_nonzero(flat[twice] != number)
            flat[pixels], claimed[pixels] = number, True
        mask = flat.reshape(item.drawn_size)
        if item.size != item.drawn_size:
            mask = cv2.resize(mask, item.size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
        counts = np.bincount(mask.ravel(), minlength=IGNORE + 1)
        counts = np.append(counts[: len(self.class_names)], counts[IGNORE])
        return mask, _Survey(counts, n_twice, n_contested, empty)

    @functools.cached_property
    def _surveys(self) -> list[_Survey]:
        read, draw = self._source.read, self._draw
        return list(_in_threads(lambda item: draw(item, read(item.key))[1], self._items))

    def count_pixels(self) -> np.ndarray:
        """Return the pixels of each class in each picture at its own size: int [N, C]."""
        return np.stack([survey.pixels[:-1] for survey in self._surveys])

    def subset(self, chosen) -> "OwnData":
        """Return some of the pictures: indices in the order wanted, or for each whether."""
        chosen = np.arange(len(self))[np.asarray(chosen)].tolist()
        subset = dataclasses.replace(self, _items=[self._items[i] for i in chosen])
        if "_surveys" in vars(self):
            vars(subset)["_surveys"] = [self._surveys[i] for i in chosen]
        return subset

    def split(self, share: float = 0.25, seed: int = 0) -> tuple["OwnData", "OwnData"]:
        """Split for training and validation: whole groups, and every class on both sides.

        Parameters
        ----------
        share : float
            Of the pictures, for validation.
        seed : int, optional
            Up to 1,000 orders that follow from it are tried.

        Raises
        ------
        CourseDataError
            If a class lies in one group only, or no order tried has every class on both sides.
        ValueError
            If there are fewer than two groups, or the share is out of range.
        """
        groups, present = np.array(self.groups or self.ids), self.count_pixels() > 0
        for name, there in zip(self.class_names, present.T, strict=True):
            found = sorted(set(groups[there].tolist()))
            if len(found) < 2:
                where = f"lies in one group only, {found[0]}" if found else "marks no pixel"
                raise self._folder.error(
                    f"the class {name} {where}, and cannot be on both sides of a split",
                    what_next="Annotate more pictures with it, or merge it, or leave it out.",
                )
        for turn in range(1000):
            chosen = group_split(groups, share, (seed, turn))
            if present[chosen].any(axis=0).all() and present[~chosen].any(axis=0).all():
                return self.subset(~chosen), self.subset(chosen)
        raise self._folder.error(
            f"none of 1,000 splits with {share:.0%} for validation has every class on both sides",
            what_next="Choose another share, form smaller groups, or annotate more pictures.",
        )

    def _fitted(self, i: int, size: tuple[int, int], fit: str) -> tuple[np.ndarray, np.ndarray]:
        image, mask = self[i]
        if fit == "stretch":
            return resize(image, mask, size)
        shrink = min(size[0] / mask.shape[0], size[1] / mask.shape[1])
        height, width = (max(1, round(side * shrink)) for side in mask.shape)
        top, left = (size[0] - height) // 2, (size[1] - width) // 2
        whole = np.zeros((*size, 3), np.uint8), np.full(size, IGNORE, np.uint8)
        for canvas, part in zip(whole, resize(image, mask, (height, width)), strict=True):
            canvas[top : top + height, left : left + width] = part
        return whole

    def to_dataset(self, size: tuple[int, int], fit: str = "stretch") -> Dataset:
        """Load all pictures into memory.

        Parameters
        ----------
        size : pair of int
            Height and width. Pictures are averaged or interpolated, masks take the nearest label.
        fit : {"stretch", "pad"}
            What becomes of a picture of another shape. Padded with black it keeps its own, and its
            mask is `IGNORE` there. Pad for training and scores alone: a
            `course_utils.inference.Segmenter` with a size stretches every picture to it.

        Raises
        ------
        CourseDataError
            If a picture cannot be read.
        ValueError
            If there is no such size or fit.
        """
        size = _check_fit(size, fit)
        images = np.empty((len(self), *size, 3), np.uint8)
        masks = np.empty((len(self), *size), np.uint8)
        pairs = _in_threads(lambda i: self._fitted(i, size, fit), range(len(self)))
        for i, (image, mask) in enumerate(pairs):
            images[i], masks[i] = image, mask
        source = f"own pictures in {self._folder.root.name}"
        return Dataset(images, masks, self.class_names, self.ids, self.groups, source)

    def batches(self, size: tuple[int, int], batch_size: int, *, fit: str = "stretch", **options):
        """Stream batches from disk: pictures are read when they are needed, and let go.

        Parameters
        ----------
        size, fit
            As in `to_dataset`.
        batch_size, **options
            As in `course_utils.pipeline.batches`: shuffle, augment, repeat, seed.

        Returns
        -------
        tf.data.Dataset
            Of pairs (images float32 [B, H, W, 3] in [0, 1], masks float32 [B, H, W, 1]). A picture
            that cannot be read ends it with TensorFlow's error, which names the file.
        """
        from ..pipeline import stream

        size = _check_fit(size, fit)
        return stream(lambda i: self._fitted(i, size, fit), len(self), size, batch_size, **options)

    def report(self) -> "Report":
        """Read everything once, and tell what was found."""
        return Report(self)

    def save_masks(self, folder: Path | str) -> None:
        """Write ``images/x.jpg``, ``masks/x.png`` and ``classes.json``, which `read` reads.

        Masks are PNG with a palette, whose numbers are the classes. Pictures are copied as they
        are; those that the camera's flag turns, or that an annotation file holds, are written
        upright as PNG.

        Raises
        ------
        CourseDataError
            If `folder` holds something already, or cannot be written to, or a picture is at fault.
        """
        target, tried = expand_path(folder), f"Write masks to {expand_path(folder)}:"
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            what_next = "Choose a folder that is new or empty."
            raise CourseDataError(tried, "it is not empty.", what_next, sample_helps=False)

        def write(i):
            (image, mask), item = self[i], self._items[i]
            as_png = item.embedded or item.flag != 1
            ending = ".png" if as_png else posixpath.splitext(item.picture)[1]
            paths = target / "images" / f"{item.id}{ending}", target / "masks" / f"{item.id}.png"
            for path in paths:
                path.parent.mkdir(parents=True, exist_ok=True)
            if as_png:
                Image.fromarray(image).save(paths[0])
            else:
                shutil.copyfile(self._folder.root / item.picture, paths[0])
            write_mask(paths[1], mask, self.class_names)

        try:
            list(_in_threads(write, range(len(self))))
            table = json.dumps({"classes": self.class_names, "ignore": IGNORE}, ensure_ascii=False)
            (target / CLASS_TABLE).write_text(table, encoding="utf-8")
        except OSError as error:
            problem = f"{error.filename or target}: {error.strerror}."
            what_next = "Choose a folder that may be written to."
            raise CourseDataError(tried, problem, what_next, sample_helps=False) from error


def _check_fit(size, fit: str) -> tuple[int, int]:
    if fit not in ("stretch", "pad"):
        raise ValueError(f"fit must be 'stretch' or 'pad', not {fit!r}")
    return check_size(size)


class Report(dict):
    """What a folder holds: print it, show it, or look a row up, as in ``report["turned upright"]``.

    A row is a Counter, or a tuple of pictures, files or sentences.
    """

    def __init__(self, own: OwnData):
        self._own, items = own, own._items
        pairs = list(zip(items, own._surveys, strict=True))
        shapes, labels, by_class = Counter(), Counter(), own.count_pixels()
        for item in items:
            for (kind, label), n in item.marks.items():
                shapes[kind] += n
                labels[label] += n
        pixels = sum(survey.pixels for _, survey in pairs).tolist()
        marked = np.delete(by_class, own.background, axis=1).any(axis=1)
        faults = list(_in_threads(self._find_fault, items))
        self._sound = [i for i, fault in enumerate(faults) if fault is None]
        used = {*own._folder.pictures, *own._source.files}

        def ids(chosen):
            return tuple(item.id for item, one in zip(items, chosen, strict=True) if one)

        super().__init__(
            {
                "pictures": own.ids,
                "sizes": Counter(size_in_words(item.size) for item in items),
                "shapes": shapes,
                "labels": labels,
                "pictures by class": _count(own.class_names, (by_class > 0).sum(axis=0).tolist()),
                "pixels by class": _count([*own.class_names, "unknown"], pixels),
                "nothing marked": ids(~marked),
                "turned upright": ids(item.flag != 1 for item in items),
                "annotated at another size": ids(i.size != i.drawn_size for i in items),
                "points outside, cut off": ids(item.n_outside for item in items),
                "pixels claimed twice": +_count(own.ids, [one.n_twice for _, one in pairs]),
                "… for two classes": +_count(own.ids, [one.n_contested for _, one in pairs]),
                "marks no pixel": tuple(f"{i.file} ({name})" for i, s in pairs for name in s.empty),
                "labels left out": Counter(
                    {label: n for label, n in labels.items() if own._numbers[label] is None}
                ),
                "not annotated": own.orphans,
                "other files": tuple(f for f in own._folder.files if f not in used),
                "notes": own.notes,
                "problems": own.problems + tuple(filter(None, faults)),
            }
        )

    def _find_fault(self, item: _Item) -> str | None:
        """Decode a picture; return what is wrong."""
        try:
            self._own._read_image(self._own._source.read(item.key))
        except CourseDataError as error:
            return f"{error.came_back} {error.what_next}"
        return None

    def __str__(self) -> str:
        lines = []
        for what, row in self.items():
            if what in ("notes", "problems"):
                lines += [f"{what[:-1]:26}{sentence}" for sentence in row]
                continue
            total, told = len(row), row
            if isinstance(row, Counter):
                total, names = sum(row.values()), _telling(row)
                told = [f"{names[k]} {n:,}" for k, n in row.most_common()]
            if what == "pixels by class":
                told = [f"{names[k]} {n:,} ({n / total:.1%})" for k, n in row.most_common()]
            told = _listed(told, 20 if isinstance(row, Counter) else SHOWN)
            sums = "" if what == "pictures by class" else f"{total:,}{': ' if row else ''}"
            lines.append(f"{what:26}{sums}{told}")
        return "\n".join(lines)

    __repr__ = __str__

    def draw(self):
        """Draw up to six pictures with their masks, those turned, rescaled or contested first."""
        from ..plotting import masks as plots
        from ..plotting.style import described, new_figure

        own, pairs = self._own, []
        special = {*self["turned upright"], *self["annotated at another size"]}
        special |= self["pixels claimed twice"].keys()
        order = sorted(self._sound, key=lambda i: own.ids[i] not in special)
        for i in sorted(order[:SHOWN]):
            shrink = max(1, max(own._items[i].size) / 400)
            size = tuple(max(1, round(side / shrink)) for side in own._items[i].size)
            pairs.append((own.ids[i], *own._fitted(i, size, "stretch")))
        rows = -(-len(pairs) // 3)
        figure, axes = new_figure(rows, min(3, len(pairs)), height=2.4 * rows + 0.4)
        for ax in axes.flat:
            ax.set_axis_off()
        for ax, (name, image, mask) in zip(axes.flat, pairs, strict=False):
            plots.draw_image(ax, image)
            plots.draw_classes(ax, mask, own.class_names, alpha=0.55)
            ax.set_title(name, fontsize=9, loc="left")
        entries = plots.class_entries([mask for _, _, mask in pairs], own.class_names)
        plots.legend_below(figure, entries)
        return described(figure, f"Pictures ({len(pairs)}) under the classes that were marked.")

    def _ipython_display_(self):
        from ..plotting import show

        print(self)
        if self._sound:
            figure = self.draw()
            show(figure, figure.alt)


def _count(names, counts) -> Counter:
    return Counter(dict(zip(names, counts, strict=True)))


def _telling(labels) -> dict:
    """Return labels as they are shown: in quotes where blanks or case alone tell them apart."""
    short = {label: "".join(str(label).split()).casefold() for label in labels}
    alike = Counter(short.values())
    return {k: repr(k) if alike[s] > 1 or str(k) != str(k).strip() else k for k, s in short.items()}


def _listed(values, most: int = SHOWN) -> str:
    values = [str(value) for value in values]
    more = f" and {len(values) - most:,} more" if len(values) > most else ""
    return ", ".join(values[:most]) + more
