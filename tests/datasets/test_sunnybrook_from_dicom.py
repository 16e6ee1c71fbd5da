"""Pairs from DICOM files and contours: what is enclosed, who is on which side, what is at fault."""

import csv
import importlib.util
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest
from tiny_dataset import png
from tiny_dicom import SHAPE, SQUARE, TinyDicom, repacked

from course_utils.datasets import CourseDataError, sunnybrook, sunnybrook_dicom
from course_utils.datasets._contours import filled, read_contour
from course_utils.datasets._dicom_slices import read_slice

SCRIPT = Path(__file__).parents[2] / "data_scripts" / "sunnybrook_from_dicom.py"


@pytest.fixture
def original(tmp_path):
    return TinyDicom(tmp_path / "original")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "pairs"


@pytest.fixture
def convert(original, out):
    def run(**options):
        options = {"table": original.table, "validation": 0.3} | options
        return sunnybrook_dicom.convert(original.images, original.contours, out, **options)

    return run


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("sunnybrook_from_dicom", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


def test_pairs_are_written_as_the_loader_reads_them(convert, out):
    done = convert()
    assert done.left_out == () and sum(done.pairs.values()) == 6
    patients = {}
    for split, pairs in done.pairs.items():
        loaded = sunnybrook.load(split, out)
        assert len(loaded) == pairs and loaded.images.shape[1:] == (*SHAPE, 1)
        assert loaded.ids == tuple(f"{split}/{i:03d}" for i in range(pairs))
        patients[split] = set(loaded.groups)
        assert patients[split] == set(done.patients[split])
        for mask in loaded.masks:
            assert mask.sum() == 36 and mask[6:12, 8:14].all()
        # Columns 0, 1, 2 … had 0, 10, 20 …; the window from 0 to 255 leaves them so.
        np.testing.assert_allclose(loaded.images[0, 5, :26, 0], 10 * np.arange(26), atol=1)
        assert (loaded.images[0, :, 26:] == 255).all()
    assert not patients["train"] & patients["val"]
    assert patients["train"] | patients["val"] == {"SC-HF-I-01", "SC-HF-I-2", "SC-N-03"}


def test_the_table_of_groups_names_each_file_and_no_person(convert, out):
    convert()
    rows = list(csv.reader((out / "groups.csv").read_text().splitlines()))
    assert rows[0] == ["file", "patient"]
    files = {p.relative_to(out).as_posix() for p in out.glob("*/image/*.png")}
    assert {file for file, _ in rows[1:]} == files and len(rows) == 7
    assert "Somebody" not in (out / "groups.csv").read_text()
    assert sorted(p.name for p in out.iterdir()) == ["groups.csv", "train", "val"]


def test_the_split_depends_on_the_seed_alone(original, tmp_path):
    def patients(name, seed):
        return sunnybrook_dicom.convert(
            original.images, original.contours, tmp_path / name, table=original.table, seed=seed
        ).patients["val"]

    found = [patients(f"out{seed}", seed) for seed in range(6)]
    assert patients("again", 3) == found[3]
    assert len(set(found)) > 1 and all(len(val) == 1 for val in found)


@pytest.mark.parametrize(("validation", "count"), [(0.01, 1), (0.6, 2), (0.99, 2)])
def test_both_sides_have_a_patient(convert, validation, count):
    assert len(convert(validation=validation).patients["val"]) == count


def test_folders_of_the_same_name_need_no_table(original, convert):
    for contours, images in (("SC-HF-I-01", "SCD0000101"), ("SC-N-03", "SCD0000301")):
        # 01 and 1 are one patient, however the two folders write it.
        name = contours.replace("-01", "-1")
        (original.images / images).rename(original.images / name)
    done = convert(table=None)
    assert sum(done.pairs.values()) == 5
    assert len(done.left_out) == 1 and "SC-HF-I-2" in done.left_out[0]


def test_other_series_of_a_patient_do_not_count(original, convert):
    original.slice("SCD0000101", 48, series="CINELAX_301")
    assert convert().left_out == ()


def test_nothing_is_overwritten(original, convert, out):
    out.mkdir()
    assert convert().left_out == ()  # an empty folder is taken
    before = (out / "groups.csv").read_bytes()
    with pytest.raises(ValueError, match="holds something already"):
        convert(seed=1)
    assert (out / "groups.csv").read_bytes() == before


def outside(original):
    original.contour("SC-HF-I-01", 48, [(20.0, 5.0), (32.5, 5.0), (25.0, 10.0)])


def no_image(original):
    original.slice_path("SCD0000101", 48).unlink()


def two_images(original):
    original.slice("SCD0000101", 48, series="CINESAX_305")


def two_contours(original):
    path = original.contour_path("SC-HF-I-01", 48)
    second = path.parents[1] / "second-expert" / path.name
    second.parent.mkdir()
    second.write_bytes(path.read_bytes())


def text(content):
    return lambda original: original.contour_path("SC-HF-I-01", 48).write_bytes(content)


def with_tags(**tags):
    return lambda original: original.slice("SCD0000101", 48, **tags)


def other_spacing(original):
    original.slice("SCD0000301", 100, PixelSpacing=[2.5, 2.5])


def other_size(original):
    original.slice("SCD0000101", 48, shape=(30, 30))


def packed(syntax):
    return lambda original: repacked(original.slice_path("SCD0000101", 48), syntax)


def cut(original):
    path = original.slice_path("SCD0000101", 48)
    path.write_bytes(path.read_bytes()[:-500])


def garbage(original):
    original.slice_path("SCD0000101", 48).write_bytes(b"no slice at all" * 50)


def named_wrongly(original):
    path = original.contour_path("SC-HF-I-01", 48)
    path.rename(path.with_name("slice48-icontour-manual.txt"))


CONTOUR, IMAGE = "IM-0001-0048-icontour-manual.txt", "IM-0003-0048.dcm"
FAULTS = {
    "contour outside the image": (
        outside,
        (CONTOUR, "goes to x 32.5, y 5, outside the 32 x 24 image"),
    ),
    "contour without its image": (
        no_image,
        (CONTOUR, "has no image: no file numbered 48 in a folder SCD0000101"),
    ),
    "two images": (two_images, (CONTOUR, "has several images: CINESAX_300/IM-0003-0048.dcm,")),
    "two contours": (two_contours, ("second-expert/" + CONTOUR, "another contour already")),
    "contour that is no text": (text(b"\xff\xfe\x00\x81"), (CONTOUR, "cannot be read as text")),
    "contour with a word": (text(b"1 2\n3 four\n5 6\n"), (CONTOUR, "'3 four' in line 2")),
    "contour with three numbers": (text(b"1 2 3\n"), (CONTOUR, "'1 2 3' in line 1")),
    "contour beyond all numbers": (text(b"1 2\nnan 3\n4 5"), (CONTOUR, "'nan 3' in line 2")),
    "contour of two points": (text(b"1 2\n3 4\n"), (CONTOUR, "has 2 points")),
    "empty contour": (text(b""), (CONTOUR, "has 0 points")),
    "contour of no area": (text(b"1.2 1.2\n1.4 1.2\n1.4 1.4\n"), (CONTOUR, "encloses no pixel")),
    "contour with another name": (named_wrongly, ("slice48-icontour", "is not named IM-0001-")),
    "no spacing": (with_tags(PixelSpacing=None), (IMAGE, "does not say how large its pixels are")),
    "empty spacing": (with_tags(PixelSpacing=""), (IMAGE, "does not say how large")),
    "one number of spacing": (with_tags(PixelSpacing=["1.25"]), (IMAGE, "not two numbers")),
    "spacing in metres": (
        with_tags(PixelSpacing=[0.00125, 0.00125]),
        (IMAGE, "has a pixel spacing of 0.00125 mm; 0.3 to 4 mm is usual"),
    ),
    "negative spacing": (
        with_tags(PixelSpacing=[-1.25, -1.25]),
        (IMAGE, "has a pixel spacing of -1.25 mm"),
    ),
    "pixels that are not square": (
        with_tags(PixelSpacing=[1.25, 2.5]),
        (IMAGE, "not square: 1.25 x 2.5 mm"),
    ),
    "spacing unlike the patient's others": (
        other_spacing,
        ("IM-0003-0100.dcm", "has 2.5 mm a pixel, others of SC-N-03 1.25 mm"),
    ),
    "image of another size": (
        other_size,
        (IMAGE, "is 30 x 30 pixels, most others are 32 x 24"),
    ),
    "JPEG 2000 that cannot be read": (
        packed("1.2.840.10008.1.2.4.90"),
        (IMAGE, "is packed as JPEG 2000 Image Compression (Lossless Only), which cannot be"),
    ),
    "MPEG film": (packed("1.2.840.10008.1.2.4.100"), (IMAGE, "is packed as MPEG2 Main Profile")),
    "file cut off": (cut, (IMAGE, "cannot be read")),
    "no DICOM file": (garbage, (IMAGE, "is no DICOM file")),
    "no picture": (with_tags(PixelData=None), (IMAGE, "holds no picture")),
    "colour": (
        with_tags(
            SamplesPerPixel=3,
            PhotometricInterpretation="RGB",
            PlanarConfiguration=0,
            PixelData=bytes(24 * 32 * 6),
        ),
        (IMAGE, "(24, 32, 3), not one grey picture"),
    ),
    "film": (
        with_tags(NumberOfFrames=2, PixelData=bytes(24 * 32 * 4)),
        (IMAGE, "(2, 24, 32), not one grey picture"),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_at_fault_is_left_out_and_named(original, convert, out, fault):
    spoil, words = FAULTS[fault]
    spoil(original)
    done = convert()
    assert len(done.left_out) == 1
    assert all(word in done.left_out[0] for word in words), done.left_out[0]
    assert "\n" not in done.left_out[0]
    assert sum(done.pairs.values()) == (6 if fault == "two contours" else 5)
    assert sum(len(sunnybrook.load(split, out)) for split in done.pairs) == sum(done.pairs.values())


def test_the_script(original, out, script, capsys):
    arguments = [str(original.images), str(original.contours), str(out)]
    table = ["--table", str(original.table)]
    assert script([*arguments, *table]) == 0
    printed = capsys.readouterr()
    assert "of 2 patients" in printed.out and "0 left out" in printed.out and not printed.err
    assert script([*arguments, *table]) == 1
    assert "holds something already" in capsys.readouterr().err


def test_the_script_lists_what_is_left_out(original, out, script, capsys):
    outside(original)
    no_image_of = original.slice_path("SCD0000301", 7)
    no_image_of.unlink()
    arguments = [str(original.images), str(original.contours), str(out)]
    assert script([*arguments, "--table", str(original.table)]) == 1
    printed = capsys.readouterr()
    assert "2 left out" in printed.out and len(printed.err.splitlines()) == 2
    assert CONTOUR in printed.err and "IM-0001-0007" in printed.err
    assert (out / "groups.csv").is_file()  # the others stand


def test_the_script_without_anything_to_convert(tmp_path, out, script, capsys):
    assert script([str(tmp_path), str(tmp_path / "nothing"), str(out)]) == 1
    error = capsys.readouterr().err
    assert "There is no file *-icontour-manual.txt" in error and "Traceback" not in error
    assert not out.exists() and not list(tmp_path.glob(".*.part"))


def test_one_patient_cannot_be_split(original, convert, out):
    for name in ("SCD0000201", "SCD0000301"):
        (original.images / name).rename(original.base / name)
    with pytest.raises(CourseDataError, match=r"1 patients have a pair; two are needed[^\0]*0020"):
        convert()
    assert not out.exists()


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"PatientID,OriginalID\nSCD1\n", b"\xff\x81"])
def test_a_table_that_is_none(original, convert, content):
    original.table.write_bytes(content)
    with pytest.raises(CourseDataError, match="columns PatientID and OriginalID"):
        convert()


@pytest.mark.parametrize("validation", [0, 1, -0.5])
def test_a_share_that_is_none(convert, validation):
    with pytest.raises(ValueError, match="between 0 and 1"):
        convert(validation=validation)


def test_without_pydicom(original, out, script, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydicom", None)
    assert script([str(original.images), str(original.contours), str(out)]) == 1
    assert "no file numbered" in capsys.readouterr().err  # without the table nothing was read
    arguments = [str(original.images), str(original.contours), str(out)]
    assert script([*arguments, "--table", str(original.table)]) == 1
    assert "needs pydicom: python -m pip install 'pydicom>=3'" in capsys.readouterr().err


def test_pydicom_is_imported_only_where_it_is_needed():
    code = (
        "import sys, course_utils.datasets.sunnybrook_dicom\n"
        "assert not {'pydicom', 'tensorflow', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SCRIPT.parents[1], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


# The window is low to high: values up to the first are black, from the second on white.
GREYS = {
    "window": ({}, 0, 255),
    "narrow window": ({"WindowCenter": 100.5, "WindowWidth": 101}, 50, 150),
    "several windows": ({"WindowCenter": [100.5, 9], "WindowWidth": [101, 9]}, 50, 150),
    "rescaled": (
        {"RescaleSlope": 2, "RescaleIntercept": -100, "WindowCenter": 100.5, "WindowWidth": 101},
        75,
        125,
    ),
    "no window": ({"WindowCenter": None, "WindowWidth": None}, 0, 310),
    "window of no width": ({"WindowCenter": 5, "WindowWidth": 0}, 0, 310),
}


@pytest.mark.parametrize("kind", GREYS)
def test_grey_values(original, kind):
    tags, low, high = GREYS[kind]
    picture, spacing = read_slice(original.slice("SCD0000101", 48, **tags))
    values = 10.0 * np.arange(SHAPE[1])
    expected = np.clip((values - low) / (high - low), 0, 1) * 255
    np.testing.assert_allclose(picture[3], expected, atol=1)
    assert picture.dtype == np.uint8 and spacing == 1.25


def test_a_packed_slice_that_can_be_read(original):
    path = original.slice_path("SCD0000101", 48)
    plain, _ = read_slice(path)
    slice_ = pydicom.dcmread(path)
    slice_.compress(pydicom.uid.RLELossless)
    slice_.save_as(path)
    np.testing.assert_array_equal(read_slice(path)[0], plain)


def test_inverted_grey_values(original):
    plain, _ = read_slice(original.slice_path("SCD0000101", 48))
    turned, _ = read_slice(
        original.slice("SCD0000101", 48, PhotometricInterpretation="MONOCHROME1")
    )
    np.testing.assert_array_equal(turned, 255 - plain)


def shoelace(points):
    x, y = np.asarray(points).T
    return abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


@pytest.mark.parametrize("shift", [0.0, 0.25, 0.5, 0.75])
def test_a_mask_is_as_large_as_its_contour(shift):
    square = np.array(SQUARE) + shift
    assert filled(square, SHAPE).sum() == shoelace(square) == 36
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    circle = np.stack([64 + shift + 20 * np.cos(angle), 60 + 20 * np.sin(angle)], 1)
    ours = filled(circle, (128, 128)).sum()
    assert abs(ours - shoelace(circle)) < 0.01 * shoelace(circle)
    drawn = np.zeros((128, 128), np.uint8)
    cv2.fillPoly(drawn, [np.rint(circle).astype(np.int32)], 1)
    assert drawn.sum() > 1.03 * shoelace(circle)  # the trap


def test_pixels_whose_centres_are_inside_belong_to_it():
    triangle = np.array([(3.2, 2.1), (12.7, 5.4), (6.1, 14.9)])
    expected = np.zeros((20, 20), np.uint8)
    for row in range(20):
        for column in range(20):
            inside = cv2.pointPolygonTest(triangle.astype(np.float32), (column, row), False)
            expected[row, column] = inside > 0
    np.testing.assert_array_equal(filled(triangle, (20, 20)), expected)
    np.testing.assert_array_equal(filled(triangle[::-1], (20, 20)), expected)
    closed = np.vstack([triangle, triangle[:1]])
    np.testing.assert_array_equal(filled(closed, (20, 20)), expected)


def test_counting_from_one_moves_the_mask_by_one():
    here, moved = filled(np.array(SQUARE), SHAPE), filled(np.array(SQUARE), SHAPE, first_pixel=1)
    np.testing.assert_array_equal(here[1:, 1:], moved[:-1, :-1])
    # The last pixel of all is inside only for those who count from one.
    corner = np.array([(30.0, 22.0), (32.2, 22.0), (32.2, 24.2), (30.0, 24.2)])
    assert filled(corner, SHAPE, first_pixel=1)[-1, -1] == 1
    with pytest.raises(ValueError, match="outside the 32 x 24 image"):
        filled(corner, SHAPE)


@pytest.mark.parametrize("corner", [(-0.6, 5), (31.6, 5), (5, -0.6), (5, 23.6)])
def test_the_image_ends_half_a_pixel_beyond_its_last_centre(corner):
    inner = np.clip(corner, (-0.5, -0.5), (31.5, 23.5))
    assert filled(np.array([inner, (10, 10), (12, 5.0)]), SHAPE).any()
    with pytest.raises(ValueError, match="outside"):
        filled(np.array([corner, (10, 10), (12, 5.0)]), SHAPE)


def test_contour_text_of_several_kinds(tmp_path):
    path = tmp_path / "contour.txt"
    path.write_bytes(b"\xef\xbb\xbf1.50 2.00 \r\n\r\n3e0\t4\r\n5,6\r\n")
    assert read_contour(path).tolist() == [[1.5, 2], [3, 4], [5, 6]]


GROUPS = "file,patient\n" + "".join(f"train/image/{i:03d}.png,P{i % 2}\n" for i in range(3))


def test_groups_beside_the_pairs(tiny, tmp_path):
    tiny.unpacked(tmp_path)
    assert sunnybrook.load("train", tmp_path).groups is None
    (tmp_path / "groups.csv").write_text(GROUPS)
    assert sunnybrook.load("train", tmp_path).groups == ("P0", "P1", "P0")
    (tmp_path / "groups.csv").write_text(GROUPS.replace("P0", "Q"))  # the arrays are kept already
    assert sunnybrook.load("train", tmp_path).groups == ("Q", "P1", "Q")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (GROUPS.replace("train/image/001.png,P1\n", ""), "no patient of train/image/001.png"),
        (GROUPS.replace("001.png,P1", "001.png,"), "no patient of train/image/001.png"),
        ("", "no patient of train/image/000.png, and 2 more"),
        ("name,patient\nx,y\n", "groups.csv is no table with the columns file and patient"),
        (b"\xff\x81", "groups.csv is no table with the columns file and patient"),
    ],
)
def test_groups_at_fault(tiny, tmp_path, content, words):
    tiny.unpacked(tmp_path)
    tiny_groups = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "groups.csv").write_bytes(tiny_groups)
    with pytest.raises(CourseDataError) as caught:
        sunnybrook.load("train", tmp_path)
    assert words in str(caught.value)


def test_groups_do_not_mend_a_picture(tiny, tmp_path):
    tiny.files["train/label/001.png"] = png(np.full((16, 16), 9, np.uint8))
    tiny.unpacked(tmp_path)
    (tmp_path / "groups.csv").write_text(GROUPS)
    with pytest.raises(CourseDataError, match="has the labels 9"):
        sunnybrook.load("train", tmp_path)
