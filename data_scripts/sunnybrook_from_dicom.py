"""Make the left-ventricle pairs from the original Sunnybrook files, with the patients kept.

    python -m pip install "pydicom>=3"
    python data_scripts/sunnybrook_from_dicom.py SCD_IMAGES SCD_ManualContours /tmp/ventricles \\
        --table scd_patientdata.csv

IMAGES and CONTOURS hold one folder for each patient, with files such as
SCD0000101/CINESAX_300/IM-0003-0048.dcm and SC-HF-I-01/…/IM-0001-0048-icontour-manual.txt. The table
joins the names of the folders (PatientID and OriginalID); where they are the same, none is needed.

FOLDER gets train/image, train/label, val/image, val/label and groups.csv. All slices of a patient
stand on one side. What cannot be used is listed, and the exit status is then 1. Then, in Python:
sunnybrook.load("train", root="/tmp/ventricles").groups

The original data are at https://www.cardiacatlas.org/sunnybrook-cardiac-data/ (CC0).
"""

import argparse
import csv
import re
import shutil
import statistics
import sys
import warnings
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from skimage.draw import polygon2mask

from course_utils.datasets.archives import is_clutter
from course_utils.datasets.download import expand_path

try:
    import pydicom
except ModuleNotFoundError:
    pydicom = None

CONTOUR = re.compile(r"IM-\d+-(\d+)-icontour-manual\.txt", re.IGNORECASE)
SPACINGS = 0.3, 4.0  # mm per pixel: beyond it a spacing is a slip, such as meters for millimeters


class Fault(ValueError):
    """What is wrong with a file, in words that follow its name."""


class Pair(NamedTuple):
    """A slice: image and mask, uint8 [H, W], millimeters per pixel, and the DICOM file."""

    image: np.ndarray
    mask: np.ndarray
    spacing: float
    source: Path


def convert(images, contours, table=None, first_pixel=0.0):
    """Read a pair for every contour of the inner wall: {(patient, number of the image): Pair}.

    The second thing returned is a line for each contour or image that gives none.
    """
    image_folder, numbered = read_table(table), find_images(images)
    pairs, left_out = {}, []
    for path in sorted(contours.rglob("*-icontour-manual.txt")):
        if is_clutter(path.relative_to(contours)):
            continue
        patient = path.relative_to(contours).parts[0]
        try:
            match = CONTOUR.fullmatch(path.name)
            if match is None:
                raise Fault("is not named IM-0001-0048-icontour-manual.txt or the like")
            if path.parent == contours:
                raise Fault("lies in no patient's folder")
            key = patient, int(match[1])
            if key in pairs:
                raise Fault(f"image {key[1]} of {patient} has another contour already")
            own = image_folder.get(plain(patient), patient)
            source = choose_image(numbered[plain(own), key[1]], key[1], own)
            corners = read_contour(path)
            try:
                image, spacing = read_slice(source)
            except Fault as error:
                raise Fault(f"its image {source} {error}") from error
            pairs[key] = Pair(image, fill(corners, image.shape, first_pixel), spacing, source)
        except Fault as error:
            left_out.append(f"{path.relative_to(contours).as_posix()}: {error}")
    return pairs, left_out + remove_odd_ones(pairs)


def read_table(path):
    """Return the image folder of each contour folder."""
    if path is None:
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return {plain(row["OriginalID"]): row["PatientID"] for row in csv.DictReader(file)}
    except (OSError, csv.Error, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} cannot be read as a table with the columns PatientID and OriginalID."
        ) from error


def plain(patient):
    """SC-HF-I-01 and SC-HF-I-1 are one patient."""
    return re.sub(r"(?<!\d)0+(?=\d)", "", patient.strip().upper())


def find_images(images):
    """Return the files of each number, by the name of each folder that they lie in."""
    files = defaultdict(list)
    for path in sorted(images.rglob("*")):
        match = re.search(r"(\d+)(?:\.dcm)?$", path.name, re.IGNORECASE)
        if match and path.is_file() and not is_clutter(path.relative_to(images)):
            for folder in path.relative_to(images).parts[:-1]:
                files[plain(folder), int(match[1])].append(path)
    return files


def choose_image(files, number, patient):
    """Return the one short-axis file among those of a patient's image number."""
    files = [path for path in files if "SAX" in path.parent.name.upper()] or files
    if not files:
        raise Fault(f"has no image: no file numbered {number} in a folder {patient}")
    if len(files) > 1:
        names = ", ".join(f"{path.parent.name}/{path.name}" for path in files[:3])
        raise Fault(f"has several images: {names}; leave one series per patient")
    return files[0]


def read_contour(path):
    """Read corners, ``x y`` per line, in pixels: float64 [n, 2]."""
    try:
        lines = path.read_text(encoding="utf-8-sig").replace(",", " ").splitlines()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an empty file
            corners = np.loadtxt(lines, comments=None, ndmin=2)
    except (OSError, UnicodeDecodeError) as error:
        raise Fault("cannot be read as text") from error
    except ValueError as error:
        raise Fault(f"does not have two numbers per line: {error}") from error
    if len(corners) < 3:
        raise Fault(f"has {len(corners)} points; a contour needs three or more")
    if corners.shape[1] != 2 or not np.isfinite(corners).all():
        raise Fault("does not have two finite numbers per line")
    return corners


def fill(corners, shape, first_pixel=0.0):
    """Return the mask of the pixels whose centers a contour encloses, uint8 with this shape.

    A drawing routine such as ``cv2.fillPoly`` also takes every pixel that the line touches: half a
    pixel too many all around, which in a ventricle of 20 pixels across is a tenth of its area.
    """
    size = np.array(shape[::-1])
    points = corners - first_pixel
    outside = ((points < -0.5) | (points > size - 0.5)).any(axis=1)
    if outside.any():
        x, y = corners[np.argmax(outside)]
        raise Fault(f"goes to x {x:g}, y {y:g}, outside the {size[0]} x {size[1]} image")
    # polygon2mask takes every center that the line meets. Moved by next to nothing, it takes those
    # on the left and the upper side alone, so that a square of 6 x 6 has 36 pixels and not 49.
    mask = polygon2mask(shape, points[:, ::-1] - [1e-9, 1e-6]).astype(np.uint8)
    if not mask.any():
        raise Fault("encloses no pixel")
    return mask


def read_slice(path):
    """Read one slice: uint8 [H, W], and millimeters per pixel."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd values in tags that nobody asks for
            slice_ = pydicom.dcmread(path)
            return to_gray(slice_, read_pixels(slice_)), read_spacing(slice_)
    except Fault:
        raise
    except pydicom.errors.InvalidDicomError as error:
        raise Fault("is not a DICOM file") from error
    except Exception as error:  # pydicom lets many kinds through where a file is broken
        raise Fault(f"is broken ({type(error).__name__}: {error})") from error


def read_spacing(slice_):
    """Return millimeters per pixel, the same in both directions."""
    value = slice_.get("PixelSpacing")
    if value is None or value == "":
        raise Fault("does not say how large its pixels are (PixelSpacing)")
    try:
        rows, columns = map(float, value)
    except (TypeError, ValueError):
        raise Fault(f"has a pixel spacing of {value}, not two numbers") from None
    low, high = SPACINGS
    for side in (rows, columns):
        if not low <= side <= high:
            raise Fault(f"has a pixel spacing of {side:g} mm; {low:g} to {high:g} mm is usual")
    if abs(rows - columns) > 0.01 * rows:
        raise Fault(f"has pixels that are not square: {rows:g} x {columns:g} mm")
    return rows


def read_pixels(slice_):
    """Return the stored values, [H, W]."""
    if "PixelData" not in slice_:
        raise Fault("holds no picture")
    syntax = slice_.file_meta.get("TransferSyntaxUID")
    try:
        pixels = slice_.pixel_array
    except Exception as error:
        if syntax is not None and syntax.is_compressed:
            raise Fault(
                f"is packed as {syntax.name}, which cannot be unpacked here: install "
                "pylibjpeg[all] (for JPEG), or unpack it first, as gdcmconv --raw of GDCM does"
            ) from error
        raise Fault(f"has pixels that cannot be read ({error})") from error
    if pixels.ndim != 2:
        raise Fault(f"holds pixels of shape {pixels.shape}, not one gray picture")
    return pixels


def to_gray(slice_, pixels):
    """Apply the file's rescale and its first display window (DICOM PS3.3 C.11.2): uint8 [H, W].

    Without a window the 1st and 99th percentile become black and white. Padding, with which a
    scanner fills up what it did not see, has no say in that and becomes black.
    """
    padded = find_padding(slice_, pixels)
    if padded.all():
        raise Fault("holds nothing but padding")
    slope, intercept = slice_.get("RescaleSlope") or 1, slice_.get("RescaleIntercept") or 0
    values = pixels * float(slope) + float(intercept)
    center, width = (np.ravel(slice_.get(tag)) for tag in ("WindowCenter", "WindowWidth"))
    if center[0] in (None, "") or width[0] in (None, "") or float(width[0]) <= 1:
        low, high = np.percentile(values[~padded], [1, 99])
    else:
        middle, half = float(center[0]) - 0.5, (float(width[0]) - 1) / 2
        low, high = middle - half, middle + half
    gray = np.clip((values - low) / max(high - low, 1e-6), 0, 1)
    if slice_.get("PhotometricInterpretation") == "MONOCHROME1":  # 0 is white
        gray = 1 - gray
    gray[padded] = 0
    return np.rint(255 * gray).astype(np.uint8)


def find_padding(slice_, pixels):
    """Return where a picture is padded (DICOM PS3.3 C.7.5.1.1.2): bool [H, W]."""
    first = slice_.get("PixelPaddingValue")
    if first is None or first == "":
        return np.zeros(pixels.shape, bool)
    ends = np.array([first, slice_.get("PixelPaddingRangeLimit") or first])
    low, high = np.sort(ends.astype(pixels.dtype))  # some files write -2000 as 63536
    return (pixels >= low) & (pixels <= high)


def remove_odd_ones(pairs):
    """Take out what differs from the rest: in size from all, in spacing from its patient's."""
    left_out, spacings, sizes = [], defaultdict(list), Counter()
    for (patient, _), pair in pairs.items():
        spacings[patient].append(pair.spacing)
        sizes["{1} x {0}".format(*pair.image.shape)] += 1
    for key, pair in list(pairs.items()):
        size, usual_size = "{1} x {0}".format(*pair.image.shape), max(sizes, key=sizes.get)
        usual = statistics.median_high(spacings[key[0]])
        if size != usual_size:
            fault = f"is {size} pixels, most others are {usual_size}"
        elif abs(pair.spacing - usual) > 0.01 * usual:
            fault = f"has {pair.spacing:g} mm per pixel, others of {key[0]} {usual:g} mm"
        else:
            continue
        left_out.append(f"{pair.source}: {fault}")
        del pairs[key]
    return left_out


def split_patients(patients, validation, seed):
    """Choose whole patients for validation: sorted lists by split."""
    mixed = np.random.default_rng(seed).permutation(sorted(patients)).tolist()
    count = min(max(1, round(validation * len(mixed))), len(mixed) - 1)
    return {"train": sorted(mixed[count:]), "val": sorted(mixed[:count])}


def write(folder, pairs, patients):
    """Write the splits and groups.csv aside, then rename; return the number of pairs by split."""
    aside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    rows, counts = [("file", "patient")], Counter()
    for split, chosen in patients.items():
        for kind in ("image", "label"):
            (aside / split / kind).mkdir(parents=True)
        for key in sorted(key for key in pairs if key[0] in chosen):
            name = f"{counts[split]:03d}.png"
            Image.fromarray(pairs[key].image).save(aside / split / "image" / name)
            Image.fromarray(pairs[key].mask).save(aside / split / "label" / name)
            rows.append((f"{split}/image/{name}", key[0]))
            counts[split] += 1
    with (aside / "groups.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    if folder.exists():
        folder.rmdir()  # it is empty
    aside.rename(folder)
    return counts


def main(argv: list[str] | None = None) -> int:
    """Write the pairs; 0 if every contour gave one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("images", "contours", "folder"):
        parser.add_argument(name, type=expand_path)
    table = "scd_patientdata.csv: names of both folders"
    parser.add_argument("--table", type=expand_path, help=table)
    parser.add_argument("--validation", type=float, default=0.1, help="share of the patients")
    parser.add_argument("--seed", type=int, default=0, help="of the split")
    first_pixel = "coordinate of the first pixel's center in the contours (default 0; Matlab: 1)"
    parser.add_argument("--first-pixel", type=float, default=0.0, help=first_pixel)
    options = parser.parse_args(argv)
    folder = options.folder
    try:
        if pydicom is None:
            raise ValueError("DICOM files need pydicom: python -m pip install 'pydicom>=3'")
        if not 0 < options.validation < 1:
            raise ValueError(f"validation must be between 0 and 1, not {options.validation}")
        if folder.exists() and any(folder.iterdir()):
            raise ValueError(f"{folder} holds something already: choose an empty folder")
        pairs, left_out = convert(
            options.images, options.contours, options.table, options.first_pixel
        )
        patients = {patient for patient, _ in pairs}
        if len(patients) < 2:
            shown = "\n".join(left_out[:5]) or "There is no file *-icontour-manual.txt"
            raise ValueError(
                f"{len(patients)} patients have a pair; two are needed, one for each side.\n"
                f"{shown}\nName the folders that hold one folder for each patient, and the table "
                "of patients where their names differ."
            )
        splits = split_patients(patients, options.validation, options.seed)
        counts = write(folder, pairs, splits)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        at_fault = error.filename or folder
        print(f"Could not read or write {at_fault}: {error.strerror}", file=sys.stderr)
        return 1
    for split, chosen in splits.items():
        print(f"{split}: {counts[split]} pairs of {len(chosen)} patients")
    print(f"{len(left_out)} left out")
    for line in left_out:
        print(f"  {line}", file=sys.stderr)
    return 1 if left_out else 0


if __name__ == "__main__":
    sys.exit(main())
