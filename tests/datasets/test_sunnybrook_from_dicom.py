"""Pairs from DICOM files and contours: what is enclosed, who is on which side, what is at fault."""

import csv
import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest
from tiny_dicom import SHAPE, SQUARE, TinyDicom, repacked

from course_utils.datasets import sunnybrook

PATH = Path(__file__).parents[2] / "data_scripts" / "sunnybrook_from_dicom.py"
SPEC = importlib.util.spec_from_file_location("sunnybrook_from_dicom", PATH)
script = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(script)


@pytest.fixture
def original(tmp_path):
    return TinyDicom(tmp_path / "original")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "pairs"


@pytest.fixture
def convert(original, out, capsys):
    """Run the script on the made-up patients: exit status, lines printed, lines of errors."""

    def run(*options, folder=out, table=original.table):
        options = ["--validation", 0.3, *(["--table", table] if table else []), *options]
        arguments = [original.images, original.contours, folder, *options]
        status = script.main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return status, printed.out.splitlines(), printed.err.splitlines()

    return run


def test_pairs_are_written_as_the_loader_reads_them(convert, out):
    status, printed, errors = convert()
    assert (status, printed[-1], errors) == (0, "0 left out", [])
    patients, files = [], []
    for split in ("train", "val"):
        loaded = sunnybrook.load(split, out)
        patients.append(set(loaded.groups))
        files += [f"{name.replace('/', '/image/')}.png" for name in loaded.ids]
        assert f"{split}: {len(loaded)} pairs of {len(patients[-1])} patients" in printed
        for mask in loaded.masks:
            assert mask.sum() == 36 and mask[6:12, 8:14].all()
        # Columns 0, 1, 2 … had 0, 10, 20 …; the window from 0 to 255 leaves them so.
        np.testing.assert_allclose(loaded.images[0, 5, :26, 0], 10 * np.arange(26), atol=1)
        assert (loaded.images[0, :, 26:] == 255).all()
    assert not patients[0] & patients[1]
    assert patients[0] | patients[1] == {"SC-HF-I-01", "SC-HF-I-2", "SC-N-03"}
    table = (out / "groups.csv").read_text()
    rows = list(csv.reader(table.splitlines()))
    assert rows[0] == ["file", "patient"] and [file for file, _ in rows[1:]] == files
    assert len(files) == 6 and "Somebody" not in table


def test_the_split_depends_on_the_seed_alone(convert, tmp_path):
    def patients(name, *options):
        assert convert(*options, folder=tmp_path / name)[0] == 0
        return frozenset(sunnybrook.load("val", tmp_path / name).groups)

    found = [patients(f"out{seed}", "--seed", seed) for seed in range(5)]
    assert patients("again", "--seed", 3) == found[3] and len(set(found)) > 1
    # Both sides have a patient, whatever the share.
    counts = [len(patients(f"share{s}", "--validation", s)) for s in (0.01, 0.6, 0.99)]
    assert counts == [1, 2, 2]


def test_folders_of_the_same_name_need_no_table(original, convert):
    for contours, images in (("SC-HF-I-01", "SCD0000101"), ("SC-N-03", "SCD0000301")):
        # 01 and 1 are one patient, however the two folders write it.
        (original.images / images).rename(original.images / contours.replace("-01", "-1"))
    status, _, errors = convert(table=None)
    assert status == 1 and len(errors) == 1 and "SC-HF-I-2" in errors[0]


def test_other_series_of_a_patient_do_not_count(original, convert):
    original.slice("SCD0000101", 48, series="CINELAX_301")
    assert convert()[0] == 0


def test_what_systems_leave_beside_the_files_is_passed_over(original, convert):
    for path in (
        original.slice_path("SCD0000101", 48),
        original.contour_path("SC-HF-I-01", 48),
    ):
        path.with_name(f"._{path.name}").write_bytes(b"what macOS leaves behind")
    status, printed, errors = convert()
    assert (status, printed[-1], errors) == (0, "0 left out", [])


def test_nothing_is_overwritten(convert, out):
    out.mkdir()
    assert convert()[0] == 0  # an empty folder is taken
    before = (out / "groups.csv").read_bytes()
    status, _, errors = convert("--seed", 1)
    assert status == 1 and "holds something already" in errors[0]
    assert (out / "groups.csv").read_bytes() == before


def contour(content):
    return lambda original: original.contour_path("SC-HF-I-01", 48).write_bytes(content)


def image(number=48, patient="SCD0000101", **tags):
    return lambda original: original.slice(patient, number, **tags)


def image_bytes(change):
    def spoil(original):
        path = original.slice_path("SCD0000101", 48)
        path.write_bytes(change(path.read_bytes()))

    return spoil


def second_contour(original):
    path = original.contour_path("SC-HF-I-01", 48)
    path.with_name("IM-0009-0048-icontour-manual.txt").write_bytes(path.read_bytes())


def renamed_contour(original):
    path = original.contour_path("SC-HF-I-01", 48)
    path.rename(path.with_name("slice48-icontour-manual.txt"))


FAULTS = {  # what is said after the file's name, and what is spoiled
    "goes to x 32.5, y 5, outside the 32 x 24 image": contour(b"20 5\n32.5 5\n25 10\n"),
    "has no image: no file numbered 48 in a folder SCD0000101": (
        lambda original: original.slice_path("SCD0000101", 48).unlink()
    ),
    "has several images: CINESAX_300/IM-0003-0048.dcm,": image(series="CINESAX_305"),
    "image 48 of SC-HF-I-01 has another contour already": second_contour,
    "is not named IM-0001-0048-icontour-manual.txt": renamed_contour,
    "cannot be read as text": contour(b"\xff\xfe\x00\x81"),
    "does not have two numbers per line: ": contour(b"1 2\n3 four\n5 6\n"),
    "does not have two numbers per line: could": contour(b"# 1 2\n3 4\n5 6\n7 8\n"),
    "does not have two finite numbers per line": contour(b"1 2\nnan 3\n4 5"),
    "has 2 points": contour(b"1 2\n3 4\n"),
    "has 0 points": contour(b""),
    "encloses no pixel": contour(b"1.2 1.2\n1.4 1.2\n1.4 1.4\n"),
    ".dcm does not say how large its pixels are": image(PixelSpacing=None),
    ".dcm has a pixel spacing of 1.25, not two numbers": image(PixelSpacing=["1.25"]),
    ".dcm has a pixel spacing of 0.00125 mm; 0.3": image(PixelSpacing=[0.00125, 0.00125]),
    ".dcm has pixels that are not square: 1.25 x 2.5 mm": image(PixelSpacing=[1.25, 2.5]),
    ".dcm: has 2.5 mm per pixel, others of SC-N-03 1.25 mm": image(
        100, "SCD0000301", PixelSpacing=[2.5, 2.5]
    ),
    ".dcm: is 30 x 30 pixels, most others are 32 x 24": image(shape=(30, 30)),
    ".dcm is packed as JPEG 2000 Image Compression (Lossless Only), which cannot be": (
        lambda original: repacked(original.slice_path("SCD0000101", 48), "1.2.840.10008.1.2.4.90")
    ),
    ".dcm has pixels that cannot be read": image_bytes(lambda content: content[:-500]),
    ".dcm is broken (": image_bytes(lambda content: content[:142]),
    ".dcm is not a DICOM file": image_bytes(lambda content: b"no slice" * 50),
    ".dcm holds no picture": image(PixelData=None),
    ".dcm holds nothing but padding": image(PixelPaddingValue=0, PixelPaddingRangeLimit=310),
    ".dcm holds pixels of shape (2, 24, 32), not one gray picture": image(
        NumberOfFrames=2, PixelData=bytes(24 * 32 * 4)
    ),
}


@pytest.mark.parametrize("words", FAULTS)
def test_what_is_at_fault_is_left_out_and_named(original, convert, out, words):
    FAULTS[words](original)
    status, printed, errors = convert()
    assert status == 1 and printed[-1] == "1 left out" and len(errors) == 1
    assert words in errors[0] and ("IM-000" in errors[0] or "slice48" in errors[0])
    n_pairs = sum(len(sunnybrook.load(split, out)) for split in ("train", "val"))
    assert n_pairs == (6 if "another contour" in words else 5)  # the others stand


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"PatientID,OriginalID\nSCD1\n", b"\xff\x81"])
def test_a_table_at_fault(original, convert, content):
    original.table.write_bytes(content)
    status, _, errors = convert()
    assert status == 1 and "columns PatientID and OriginalID" in errors[0]


def test_what_cannot_be_converted(original, convert, out, monkeypatch):
    assert "between 0 and 1" in convert("--validation", 1)[2][0]
    with monkeypatch.context() as without:
        without.setattr(script, "pydicom", None)
        assert "python -m pip install 'pydicom>=3'" in convert()[2][0]
    for name in ("SCD0000201", "SCD0000301"):
        (original.images / name).rename(original.base / name)
    status, _, errors = convert()
    assert status == 1 and errors[0].startswith("1 patients have a pair; two are needed")
    assert "IM-0001-0020" in errors[1]
    original.contours.rename(original.base / "elsewhere")
    assert "There is no file *-icontour-manual.txt" in convert()[2]
    assert not out.exists() and not list(out.parent.glob(".*.part"))


# The window is low to high: values up to the first are black, from the second on white.
GRAYS = {
    "window": ({}, 0, 255),
    "several windows": ({"WindowCenter": [100.5, 9], "WindowWidth": [101, 9]}, 50, 150),
    "rescaled": (
        {"RescaleSlope": 2, "RescaleIntercept": -100, "WindowCenter": 100.5, "WindowWidth": 101},
        75,
        125,
    ),
    "no window": ({"WindowCenter": None, "WindowWidth": None}, 0, 310),
    "window of no width": ({"WindowCenter": 5, "WindowWidth": 0}, 0, 310),
    "0 is white": ({"PhotometricInterpretation": "MONOCHROME1"}, 255, 0),
}


@pytest.mark.parametrize("kind", GRAYS)
def test_gray_values(original, kind):
    tags, low, high = GRAYS[kind]
    path = original.slice("SCD0000101", 48, **tags)
    picture, spacing = script.read_slice(path)
    values = 10.0 * np.arange(SHAPE[1])
    expected = np.clip((values - low) / (high - low), 0, 1) * 255
    np.testing.assert_allclose(picture[3], expected, atol=1)
    assert picture.dtype == np.uint8 and spacing == pytest.approx(1.25)
    slice_ = pydicom.dcmread(path)  # packed in a way that can be read
    slice_.compress(pydicom.uid.RLELossless)
    slice_.save_as(path)
    np.testing.assert_array_equal(script.read_slice(path)[0], picture)


@pytest.mark.parametrize(
    ("padding", "tags"),
    [
        (-2000, {"PixelPaddingValue": -2000}),
        (-1990, {"PixelPaddingValue": -2000, "PixelPaddingRangeLimit": -1980}),
        (2000, {"PixelPaddingValue": 2000}),
    ],
)
def test_padding_is_black_and_leaves_the_gray_values_as_they_are(original, padding, tags):
    pixels = np.broadcast_to(10 * np.arange(SHAPE[1], dtype=np.int16), SHAPE).copy()
    pixels[:6] = padding
    no_window = {"WindowCenter": None, "WindowWidth": None, "PixelRepresentation": 1}
    tags = no_window | {"PixelData": pixels.tobytes()} | tags
    picture, _ = script.read_slice(original.slice("SCD0000101", 48, **tags))
    assert (picture[:6] == 0).all()
    unsigned = {"PixelPaddingValue": padding % 2**16}  # as some files write it
    np.testing.assert_array_equal(script.find_padding(unsigned, pixels), pixels == padding)
    np.testing.assert_allclose(picture[9], 255 * np.arange(SHAPE[1]) / 31, atol=1)


@pytest.mark.parametrize("shift", [0.0, 0.25, 0.5, 0.75])
def test_a_mask_is_as_large_as_its_contour(shift):
    assert script.fill(np.array(SQUARE) + shift, SHAPE).sum() == 36
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    circle = np.stack([64 + shift + 20 * np.cos(angle), 60 + 20 * np.sin(angle)], 1)
    assert script.fill(circle, (128, 128)).sum() == pytest.approx(np.pi * 20**2, rel=0.01)


def test_pixels_whose_centers_are_inside_belong_to_it():
    triangle = np.array([(3.2, 2.1), (12.7, 5.4), (6.1, 14.9)])
    corners = triangle.astype(np.float32)
    expected = [
        [cv2.pointPolygonTest(corners, (column, row), False) > 0 for column in range(20)]
        for row in range(20)
    ]
    for points in (triangle, triangle[::-1], np.vstack([triangle, triangle[:1]])):
        np.testing.assert_array_equal(script.fill(points, (20, 20)), expected)


def test_counting_from_one_moves_the_mask_by_one():
    square = np.array(SQUARE)
    here, moved = script.fill(square, SHAPE), script.fill(square, SHAPE, first_pixel=1)
    np.testing.assert_array_equal(here[1:, 1:], moved[:-1, :-1])
    # The last pixel of all is inside only for those who count from one.
    corner = np.array([(30.0, 22.0), (32.2, 22.0), (32.2, 24.2), (30.0, 24.2)])
    assert script.fill(corner, SHAPE, first_pixel=1)[-1, -1] == 1
    with pytest.raises(ValueError, match="outside the 32 x 24 image"):
        script.fill(corner, SHAPE)


def test_the_image_ends_half_a_pixel_beyond_its_last_center():
    for corner in [(-0.6, 5), (31.6, 5), (5, -0.6), (5, 23.6)]:
        inner = np.clip(corner, (-0.5, -0.5), (31.5, 23.5))
        assert script.fill(np.array([inner, (10, 10), (12, 5.0)]), SHAPE).any()
        with pytest.raises(ValueError, match="outside"):
            script.fill(np.array([corner, (10, 10), (12, 5.0)]), SHAPE)


def test_contour_text_of_several_kinds(tmp_path):
    path = tmp_path / "contour.txt"
    path.write_bytes(b"\xef\xbb\xbf1.50 2.00 \r\n\r\n3e0\t4\r\n5,6\r\n")
    np.testing.assert_allclose(script.read_contour(path), [[1.5, 2], [3, 4], [5, 6]])
