"""Reading the nuclei, merging their masks, and refusing what is not them."""

from collections import Counter

import cv2
import dsb2018_merge_masks
import numpy as np
import pytest
from PIL import Image
from tiny_dataset import png
from tiny_nuclei import TinyNuclei, image_file, mask_file, palette_png

from course_utils.datasets import CourseDataError, catalog, dsb2018, io
from course_utils.datasets.fetch import fetch

IDS = ("0a", "1b", "2c")


@pytest.fixture
def nuclei():
    return TinyNuclei()


@pytest.fixture
def merge():
    """The script that writes merged masks: a function of its arguments."""
    return lambda *arguments: dsb2018_merge_masks.main([str(argument) for argument in arguments])


def test_load(nuclei, tmp_path):
    loaded = dsb2018.load((24, 32), nuclei.unpacked(tmp_path))
    assert loaded.images.shape == (3, 24, 32, 3) and loaded.masks.shape == (3, 24, 32)
    assert loaded.ids == IDS and loaded.class_names == ("background", "nucleus")
    assert loaded.groups == ("fluorescence", "fluorescence", "bright field")
    assert loaded.source == f"files in {tmp_path}"
    # Twice as large: each pixel of the merged mask stands for 2 x 2, and there is no third value.
    expected = (nuclei.instances["0a"] > 0).repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(loaded.masks[0], expected)


@pytest.mark.parametrize("name", IDS)
def test_image_and_instances_at_their_own_size(nuclei, tmp_path, name):
    nuclei.unpacked(tmp_path)
    np.testing.assert_array_equal(dsb2018.image(name, tmp_path), nuclei.images[name])
    numbers = dsb2018.instances(name, tmp_path)
    np.testing.assert_array_equal(numbers, nuclei.instances[name])
    assert numbers.dtype == np.int32


def test_what_there_is_not(nuclei, tmp_path):
    nuclei.unpacked(tmp_path)
    for read in (dsb2018.image, dsb2018.instances):
        with pytest.raises(ValueError, match="image '0': there are 3, such as 0a"):
            read("0", tmp_path)
    with pytest.raises(ValueError, match=r"size must be \(height, width\) in pixels"):
        dsb2018.load(96, tmp_path)


def test_everything_fetches_by_itself(nuclei, data, tmp_path, monkeypatch, merge, capsys):
    monkeypatch.setattr(dsb2018, "DSB2018", nuclei.entry())
    monkeypatch.setenv("COURSE_DATA_DIR", str(data))
    monkeypatch.setenv("COURSE_MIRROR", str(nuclei.mirror(tmp_path / "mirror")))
    assert dsb2018.names() == IDS
    assert dsb2018.image("1b").shape == (16, 12, 3) and dsb2018.instances("1b").max() == 3
    assert "Data Science Bowl 2018" in dsb2018.load((8, 8)).source
    assert merge(tmp_path / "out") == 0 and "9 nuclei" in capsys.readouterr().out


STRAY = {
    ".DS_Store": b"\0\0\0\1Bud1",
    "0a/masks/.DS_Store": b"x",
    "0a/masks/._1f.png": b"not a picture",
    "0a/masks/Thumbs.db": b"x",
    "0a/images/notes.txt": b"x",
    "__MACOSX/0a/masks/._1f.png": b"x",
    ".hidden/masks/1.png": b"x",
    "stage1_train_labels.csv": b"ImageId,EncodedPixels\n",
}


@pytest.mark.parametrize("inner", ["", "stage1_train"])
def test_stray_files_and_a_folder_named_as_the_archive(nuclei, tmp_path, inner):
    nuclei.files |= STRAY
    nuclei.unpacked(tmp_path / inner)
    assert dsb2018.names(tmp_path) == IDS
    assert dsb2018.load((8, 8), tmp_path).masks.any()
    np.testing.assert_array_equal(dsb2018.instances("0a", tmp_path), nuclei.instances["0a"])


BOX = np.zeros((12, 16), bool)
BOX[2:5, 3:7] = True
BOX_255 = BOX * np.uint8(255)
ODD_MASKS = {
    "gray levels": png(BOX * np.uint8(7)),
    "one bit": cv2.imencode(".png", BOX_255, [cv2.IMWRITE_PNG_BILEVEL, 1])[1].tobytes(),
    "16 bits": png(BOX * np.uint16(200)),
    "color": png(np.dstack([BOX_255, BOX_255 * 0, BOX_255 * 0])),
    "opaque all over": png(np.dstack([BOX_255] * 3 + [BOX_255 * 0 + 255])),
    "palette": palette_png(BOX, [(0, 0, 0), (0, 0, 255)]),
    "palette the other way round": palette_png(~BOX, [(9, 0, 0), (0, 0, 0)]),
}


@pytest.mark.parametrize("kind", ODD_MASKS)
def test_masks_of_any_kind_are_converted(nuclei, tmp_path, kind):
    nuclei.changed(masks_of("0a") | {FIRST: ODD_MASKS[kind]})
    np.testing.assert_array_equal(dsb2018.instances("0a", nuclei.unpacked(tmp_path)), BOX)


def test_overlaps_go_to_the_later_mask_and_are_counted(nuclei, tmp_path, merge, capsys):
    wide = np.zeros((12, 16), bool)
    wide[3:8, 2:4] = True  # the second box, grown into two pixels of the first
    nuclei.put("0a", 2, wide)
    numbers, overlap = dsb2018.merge_masks("0a", nuclei.unpacked(tmp_path / "data"))
    assert (numbers[3, 2:4] == 2).all() and (numbers == 1).sum() == 12 - 2 and overlap == 2
    assert merge(tmp_path / "out", "--root", tmp_path / "data") == 0
    assert "; 2 pixels were claimed by two nuclei" in capsys.readouterr().out


def masks_of(*names):
    return {mask_file(name, number): None for name in names for number in (1, 2, 3)}


IMAGE, FIRST, SECOND, THIRD = image_file("0a"), *(mask_file("0a", i) for i in (1, 2, 3))
BLACK, WHITE = np.zeros((12, 16), np.uint8), np.full((12, 16), 255, np.uint8)
FAULTS = {  # what is said, and the files at fault; None for a missing one
    "1b/images/1b.png has no mask in 1b/masks.": masks_of("1b"),
    "1b/images/1b.png has no mask in 1b/masks, and 1 more.": masks_of("1b", "2c"),
    f"the image {IMAGE} is missing.": {IMAGE: None},
    "there are 2 images, not 3": masks_of("0a") | {IMAGE: None},
    "there is no file <id>/images/<id>.png.": dict.fromkeys(TinyNuclei().files),
    f"{SECOND} is 12 x 16 pixels, but its image is 16 x 12.": {SECOND: png(WHITE.T)},
    f"{THIRD} is empty: it marks no pixel.": {THIRD: png(np.dstack([BLACK] * 3 + [WHITE]))},
    f"{FIRST} is covered wholly by masks that come after it.": {SECOND: png(WHITE)},
    f"{FIRST} cannot be read as a picture.": {FIRST: b"no picture"},
    f"{IMAGE} cannot be read as a picture.": {IMAGE: png(WHITE)[:40]},
}


@pytest.mark.parametrize("words", FAULTS)
def test_what_is_at_fault_is_named_and_not_kept(nuclei, data, tmp_path, left, words):
    mirror = nuclei.changed(FAULTS[words]).mirror(tmp_path / "mirror")
    with pytest.raises(CourseDataError) as caught:
        fetch(nuclei.entry(), root=data, mirror=mirror, progress=False)
    assert words in str(caught.value)
    assert ".part" not in str(caught.value)  # no word of a folder that is gone
    assert left(data) == []


def test_load_instances_and_the_script_name_what_is_at_fault(nuclei, tmp_path, left, merge, capsys):
    root = nuclei.changed(masks_of("1b")).unpacked(tmp_path / "data")
    for read in (lambda: dsb2018.load((8, 8), root), lambda: dsb2018.instances("1b", root)):
        with pytest.raises(CourseDataError, match=r"1b\.png has no mask in 1b/masks") as caught:
            read()
        assert f"delete {root} and" in str(caught.value)
    assert left(root) == list(IDS)
    assert dsb2018.instances("0a", root).max() == 3  # the others can be had
    assert merge(tmp_path / "out", "--root", root) == 1
    error = capsys.readouterr().err
    assert "1b.png has no mask in 1b/masks" in error and "Traceback" not in error


def test_a_second_load_decodes_nothing(nuclei, data, tmp_path, monkeypatch):
    mirror = nuclei.mirror(tmp_path / "mirror")
    folder = fetch(nuclei.entry(), root=data, mirror=mirror, progress=False)
    monkeypatch.setattr(io.DataFolder, "open_picture", lambda *args: pytest.fail("decoded again"))
    # Not even once: the check of the unpacked files has kept the arrays at the default size.
    assert dsb2018.load(root=folder).masks.shape == (3, 96, 96)
    with pytest.raises(pytest.fail.Exception, match="decoded again"):  # another size
        dsb2018.load((8, 8), folder)


@pytest.mark.parametrize(("number", "change"), [(1, 1 - 12), (4, 1)])
def test_a_rewritten_or_new_mask_is_seen(nuclei, tmp_path, number, change):
    before = dsb2018.load((12, 16), nuclei.unpacked(tmp_path))
    corner = np.zeros((12, 16), np.uint8)
    corner[11, 15] = 255
    (tmp_path / mask_file("0a", number)).write_bytes(png(corner))
    after = dsb2018.load((12, 16), tmp_path)
    assert int(after.masks[0].sum()) - int(before.masks[0].sum()) == change


def test_stain():
    colors = [(20, 20, 20), (200, 200, 200), (60, 20, 60), (230, 160, 200)]
    stains = [dsb2018.stain_of(np.full((9, 9, 3), color, np.uint8)) for color in colors]
    assert stains == ["fluorescence"] + ["bright field"] * 3


@pytest.mark.parametrize("value", [1, 255])
def test_merge_script(nuclei, tmp_path, merge, capsys, value):
    root, out = nuclei.unpacked(tmp_path / "data"), tmp_path / "out"
    assert merge(out, "--root", root, *(["--white"] if value == 255 else [])) == 0
    assert "3 images with 9 nuclei" in capsys.readouterr().out
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*.*")) == sorted(
        f"{kind}/{name}.png" for kind in ("images", "masks") for name in IDS
    )
    for name in IDS:
        mask = cv2.imread(str(out / f"masks/{name}.png"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(mask, (nuclei.instances[name] > 0) * value)
        assert (out / f"images/{name}.png").read_bytes() == nuclei.files[image_file(name)]
    # Never into the data, and in plain words where it cannot write.
    for inside in (".", "merged", "../data/merged"):
        assert merge(root / inside, "--root", root) == 1
        assert "choose another one" in capsys.readouterr().err
    assert {p.relative_to(root).as_posix() for p in root.rglob("*.*")} == set(nuclei.files)
    (tmp_path / "file").touch()
    assert merge(tmp_path / "file", "--root", root) == 1
    assert "Could not read or write" in capsys.readouterr().err


SIZES = {  # height x width of the published images
    (256, 256): 334,
    (256, 320): 112,
    (520, 696): 92,
    (360, 360): 91,
    (1024, 1024): 16,
    (512, 640): 13,
    (603, 1272): 6,
    (260, 347): 5,
    (1040, 1388): 1,
}


def test_the_real_archive(real_mirror, data):
    folder = fetch(catalog.DSB2018, root=data, mirror=real_mirror, progress=False)
    loaded = dsb2018.load(root=folder)
    assert loaded.images.shape == (670, 96, 96, 3)
    assert 0.135 < loaded.masks.mean() < 0.143
    assert Counter(loaded.groups) == {"fluorescence": 546, "bright field": 124}
    assert len(list(folder.glob("*/masks/*.png"))) == 29_461
    sizes = Counter()
    for file in folder.glob("*/images/*.png"):
        with Image.open(file) as picture:
            sizes[picture.size[::-1]] += 1
    assert sizes == SIZES
    largest = next(n for n in loaded.ids if len(list((folder / n / "masks").iterdir())) == 375)
    assert np.unique(dsb2018.instances(largest, folder)).tolist() == list(range(376))
