"""The Sunnybrook pairs from the original DICOM files and contours, with the patients' names kept.

The published pairs do not say which patient a slice belongs to; these do. The original data:
``SCD_IMAGES_01/SCD0000101/CINESAX_300/IM-0003-0048.dcm`` and
``SCD_ManualContours/SC-HF-I-01/contours-manual/IRCCI-expert/IM-0001-0048-icontour-manual.txt``,
joined by a table, ``scd_patientdata.csv``, whose ``PatientID`` and ``OriginalID`` are the names of
these folders. Where both folders have the same name no table is needed.
"""

import csv
import re
import shutil
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ._contours import filled, read_contour
from ._dicom_slices import read_slice
from .errors import CourseDataError

GROUPS = "groups.csv"
_CONTOUR = re.compile(r"IM-\d+-(\d+)-icontour-manual\.txt", re.IGNORECASE)
_NUMBER = re.compile(r"(\d+)(?:\.dcm)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Converted:
    """What `convert` wrote.

    Attributes
    ----------
    patients : dict of str to tuple of str
        The patients in each split.
    pairs : dict of str to int
        Image and mask pairs in each split.
    left_out : tuple of str
        A line for each contour that gave no pair: the file, and what is wrong.
    """

    patients: dict[str, tuple[str, ...]]
    pairs: dict[str, int]
    left_out: tuple[str, ...]


def convert(
    images: Path | str,
    contours: Path | str,
    folder: Path | str,
    *,
    table: Path | str | None = None,
    validation: float = 0.1,
    seed: int = 0,
    first_pixel: float = 0.0,
) -> Converted:
    """Write the pairs as `sunnybrook.load` reads them, and ``groups.csv`` beside them.

    Every contour of the inner wall gives a pair; all pairs of a patient go to one side. A contour
    or image at fault is left out and listed; patients are split after that.

    Parameters
    ----------
    images, contours : path
        Folders with a folder for each patient.
    folder : path
        Where ``train`` and ``val`` are written; it must not exist, or be empty.
    table : path, optional
        ``scd_patientdata.csv``.
    validation : float
        Share of the patients that validate, at least one.
    seed : int
        Of the split.
    first_pixel : float
        Coordinate that the contours give the centre of the first pixel.

    Returns
    -------
    Converted

    Raises
    ------
    CourseDataError
        If there is nothing to convert, or fewer than two patients are left.
    ModuleNotFoundError
        If pydicom is not installed.
    ValueError
        If `validation` is no share, or `folder` holds something.
    """
    if not 0 < validation < 1:
        raise ValueError(f"validation must be between 0 and 1, not {validation}")
    images, contours, folder = Path(images), Path(contours), Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} holds something already: choose an empty folder")
    of_folder, numbered = _table(table), _numbered(images)
    pairs, left_out = {}, []
    for path in sorted(contours.rglob("*-icontour-manual.txt")):
        patient = path.relative_to(contours).parts[0]
        try:
            number = _number(path, contours)
            if (patient, number) in pairs:
                raise ValueError(f"image {number} of {patient} has another contour already")
            own = of_folder.get(_plain(patient), patient)
            source = _one_of(numbered[_plain(own), number], number, own)
            pairs[patient, number] = _pair(path, source, first_pixel)
        except ValueError as error:
            left_out.append(f"{path.relative_to(contours).as_posix()}: {error}")
    left_out += _odd_ones(pairs)
    patients = _split(sorted({patient for patient, _ in pairs}), validation, seed, left_out, images)
    counts = _write(folder, pairs, patients)
    return Converted(patients, counts, tuple(left_out))


def _table(path) -> dict[str, str]:
    """The image folder of each contour folder."""
    if path is None:
        return {}
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            return {_plain(row["OriginalID"]): row["PatientID"] for row in csv.DictReader(file)}
    except (OSError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise CourseDataError(
            f"Read the table of patients {path}:",
            "it cannot be read as a table with the columns PatientID and OriginalID.",
        ) from error


def _plain(patient: str) -> str:
    """SC-HF-I-01 and SC-HF-I-1 are one patient."""
    return re.sub(r"(?<!\d)0+(?=\d)", "", patient.strip().upper())


def _number(path: Path, contours: Path) -> int:
    match = _CONTOUR.fullmatch(path.name)
    if match is None:
        raise ValueError("is not named IM-0001-0048-icontour-manual.txt or the like")
    if path.parent == contours:
        raise ValueError("lies in no patient's folder")
    return int(match[1])


def _numbered(images: Path) -> dict[tuple[str, int], list[Path]]:
    """The files of each number, by the name of each folder that they lie in."""
    files = defaultdict(list)
    for path in sorted(images.rglob("*")):
        if (match := _NUMBER.search(path.name)) and path.is_file():
            for folder in path.relative_to(images).parts[:-1]:
                files[_plain(folder), int(match[1])].append(path)
    return files


def _one_of(files: list[Path], number: int, patient: str) -> Path:
    """The one short-axis file among those of a patient's image number."""
    files = [path for path in files if "SAX" in path.parent.name.upper()] or files
    if not files:
        raise ValueError(f"has no image: no file numbered {number} in a folder {patient}")
    if len(files) > 1:
        names = ", ".join(f"{path.parent.name}/{path.name}" for path in files[:3])
        raise ValueError(f"has several images: {names}; leave one series a patient")
    return files[0]


def _pair(contour: Path, source: Path, first_pixel: float):
    """Image, mask, millimetres a pixel, and the two files."""
    points = read_contour(contour)
    try:
        image, spacing = read_slice(source)
    except ValueError as error:
        raise ValueError(f"its image {source} {error}") from error
    return image, filled(points, image.shape, first_pixel), spacing, source


def _odd_ones(pairs: dict) -> list[str]:
    """Take out what differs from the rest: in size from all, in spacing from its patient's."""
    lines, spacings = [], defaultdict(list)
    for (patient, _), (*_, spacing, _) in pairs.items():
        spacings[patient].append(spacing)
    sizes = Counter(image.shape for image, *_ in pairs.values())
    for key, (image, _, spacing, source) in list(pairs.items()):
        usual_size = sizes.most_common(1)[0][0]
        usual = sorted(spacings[key[0]])[len(spacings[key[0]]) // 2]
        if image.shape != usual_size:
            height, width = image.shape
            lines.append(
                f"{source}: is {width} x {height} pixels, most others are "
                f"{usual_size[1]} x {usual_size[0]}"
            )
        elif abs(spacing - usual) > 0.01 * usual:
            lines.append(f"{source}: has {spacing:g} mm a pixel, others of {key[0]} {usual:g} mm")
        else:
            continue
        del pairs[key]
    return lines


def _split(patients, validation, seed, left_out, images) -> dict[str, tuple[str, ...]]:
    if len(patients) < 2:
        shown = "\n".join(left_out[:5]) or "There is no file *-icontour-manual.txt"
        raise CourseDataError(
            f"Looked in {images} for the images of the contours:",
            f"{len(patients)} patients have a pair; two are needed, one for each side.\n{shown}",
            "Name the folders that hold one folder for each patient, and the table of patients "
            "where their names differ.",
        )
    mixed = np.random.default_rng(seed).permutation(patients).tolist()
    count = min(max(1, round(validation * len(patients))), len(patients) - 1)
    return {"train": tuple(sorted(mixed[count:])), "val": tuple(sorted(mixed[:count]))}


def _write(folder: Path, pairs: dict, patients: dict) -> dict[str, int]:
    aside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    rows, counts = [], Counter()
    for split, chosen in patients.items():
        for kind in ("image", "label"):
            (aside / split / kind).mkdir(parents=True)
        for patient, number in sorted(key for key in pairs if key[0] in chosen):
            name = f"{counts[split]:03d}.png"
            for kind, picture in zip(("image", "label"), pairs[patient, number][:2], strict=True):
                png = cv2.imencode(".png", picture)[1].tobytes()
                (aside / split / kind / name).write_bytes(png)
            rows.append((f"{split}/image/{name}", patient))
            counts[split] += 1
    with (aside / GROUPS).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("file", "patient"), *rows])
    if folder.exists():
        folder.rmdir()  # it is empty
    aside.rename(folder)
    return dict(counts)
