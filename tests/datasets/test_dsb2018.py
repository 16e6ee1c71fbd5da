"""Reading the nuclei, merging their masks, and refusing what is not them."""

import importlib.util
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from tiny_nuclei import TinyNuclei, image_file, mask_file, palette_png, png

from course_utils.datasets import CourseDataError, catalog, dsb2018, dsb2018_merge
from course_utils.datasets.fetch import fetch, provenance

IDS = ("0a", "1b", "2c")
SCRIPT = Path(__file__).parents[2] / "data_scripts" / "dsb2018_merge_masks.py"


@pytest.fixture
def nuclei():
    return TinyNuclei()


@pytest.fixture
def merge_script():
    spec = importlib.util.spec_from_file_location("dsb2018_merge_masks", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


def test_load(nuclei, tmp_path):
    loaded = dsb2018.load((24, 32), nuclei.unpacked(tmp_path))
    assert loaded.images.shape == (3, 24, 32, 3) and loaded.masks.shape == (3, 24, 32)
    assert loaded.ids == IDS and loaded.class_names == ("background", "nucleus")
    assert loaded.groups == ("fluorescence", "fluorescence", "bright field")
    assert loaded.source == f"files in {tmp_path}"
    # Twice as large: each pixel of the merged mask stands for 2 x 2, and there is no third value.
    expected = (nuclei.instances["0a"] > 0).repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(loaded.masks[0], expected)
    assert set(np.unique(loaded.masks)) == {0, 1}


def test_images_are_averaged_in_red_green_blue(nuclei, tmp_path):
    loaded = dsb2018.load((5, 5), nuclei.unpacked(tmp_path))
    blocks = nuclei.images["2c"].reshape(5, 4, 5, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(loaded.images[2], blocks, atol=1)
    assert loaded.images[2, 4, 4].tolist() == [230, 160, 200]


def test_the_default_is_96_x_96(nuclei, tmp_path):
    assert dsb2018.load(root=nuclei.unpacked(tmp_path)).masks.shape == (3, 96, 96)


@pytest.mark.parametrize("size", [(0, 8), (8, -1), None, 96, (8.5, 8)])
def test_sizes_that_are_none(tmp_path, size):
    with pytest.raises(ValueError, match=r"size must be \(height, width\) in pixels"):
        dsb2018.load(size, tmp_path)


@pytest.mark.parametrize("name", IDS)
def test_image_and_instances_at_their_own_size(nuclei, tmp_path, name):
    nuclei.unpacked(tmp_path)
    np.testing.assert_array_equal(dsb2018.image(name, tmp_path), nuclei.images[name])
    numbers = dsb2018.instances(name, tmp_path)
    np.testing.assert_array_equal(numbers, nuclei.instances[name])
    assert numbers.dtype == np.int32


def test_unknown_image(nuclei, tmp_path):
    nuclei.unpacked(tmp_path)
    for read in (dsb2018.image, dsb2018.instances):
        with pytest.raises(ValueError, match="image '0': there are 3, such as 0a"):
            read("0", tmp_path)


def test_everything_fetches_by_itself(nuclei, data, tmp_path, monkeypatch):
    monkeypatch.setattr(dsb2018, "DSB2018", nuclei.entry())
    monkeypatch.setattr(dsb2018_merge, "DSB2018", nuclei.entry())
    monkeypatch.setenv("COURSE_DATA_DIR", str(data))
    monkeypatch.setenv("COURSE_MIRROR", str(nuclei.mirror(tmp_path / "mirror")))
    assert dsb2018.names() == IDS
    assert dsb2018.image("1b").shape == (16, 12, 3) and dsb2018.instances("1b").max() == 3
    assert "Data Science Bowl 2018" in dsb2018.load((8, 8)).source
    assert dsb2018_merge.merge(tmp_path / "out").nuclei == 9


def test_the_catalogue_checks_by_this_module(nuclei, data, tmp_path):
    assert catalog.DSB2018.layout == "dsb2018" and catalog.DSB2018.pairs == {"all": 670}
    folder = fetch(nuclei.entry(), root=data, mirror=nuclei.mirror(tmp_path / "mirror"))
    assert dsb2018.names(folder) == IDS


STRAY = {
    ".DS_Store": b"\0\0\0\1Bud1",
    "0a/.DS_Store": b"x",
    "0a/masks/.DS_Store": b"x",
    "0a/masks/._1f.png": b"not a picture",
    "0a/masks/Thumbs.db": b"x",
    "0a/images/notes.txt": b"x",
    "__MACOSX/0a/masks/._1f.png": b"x",
    "__MACOSX/._0a": b"x",
    ".hidden/masks/1.png": b"x",
    "stage1_train_labels.csv": b"ImageId,EncodedPixels\n",
}


def test_stray_files_are_ignored(nuclei, data, tmp_path):
    nuclei.files.update(STRAY)
    folder = fetch(nuclei.entry(), root=data, mirror=nuclei.mirror(tmp_path / "mirror"))
    assert dsb2018.names(folder) == IDS
    np.testing.assert_array_equal(dsb2018.instances("0a", folder), nuclei.instances["0a"])


def test_a_folder_named_as_the_archive(nuclei, tmp_path):
    nuclei.unpacked(tmp_path / "stage1_train")
    assert dsb2018.names(tmp_path) == dsb2018.names(tmp_path / "stage1_train") == IDS
    assert dsb2018.load((8, 8), tmp_path).masks.any()
    assert dsb2018.instances("0a", tmp_path).max() == 3


BOX = np.zeros((12, 16), bool)
BOX[2:5, 3:7] = True
ODD_MASKS = {
    "grey levels": png(np.where(BOX, 7, 0).astype(np.uint8)),
    "one bit": cv2.imencode(".png", BOX * np.uint8(255), [cv2.IMWRITE_PNG_BILEVEL, 1])[1].tobytes(),
    "16 bits": png(np.where(BOX, 300, 0).astype(np.uint16)),
    "colour": png(np.where(BOX[..., None], (200, 0, 0), 0).astype(np.uint8)),
    "opaque all over": png(np.dstack([BOX * 255] * 3 + [BOX * 0 + 255]).astype(np.uint8)),
    "palette": palette_png(BOX, [(0, 0, 0), (0, 0, 255)]),
}


@pytest.mark.parametrize("kind", ODD_MASKS)
def test_masks_of_any_kind_are_converted(nuclei, tmp_path, kind):
    nuclei.files = {k: v for k, v in nuclei.files.items() if not k.startswith("0a/masks")}
    nuclei.files[mask_file("0a", 1)] = ODD_MASKS[kind]
    np.testing.assert_array_equal(dsb2018.instances("0a", nuclei.unpacked(tmp_path)), BOX)


GREY = np.arange(192, dtype=np.uint8).reshape(12, 16)
ODD_IMAGES = {
    "grey": png(GREY),
    "16 bits": png(GREY.astype(np.uint16) * 257),
    "three channels": png(np.dstack([GREY] * 3)),
    "palette": palette_png(GREY, [(i, i, i) for i in range(256)]),
}


@pytest.mark.parametrize("kind", ODD_IMAGES)
def test_images_of_any_kind_become_red_green_blue(nuclei, tmp_path, kind):
    nuclei.files[image_file("0a")] = ODD_IMAGES[kind]
    picture = dsb2018.image("0a", nuclei.unpacked(tmp_path))
    np.testing.assert_array_equal(picture, np.dstack([GREY] * 3))


def test_palette_colours_keep_their_order(nuclei, tmp_path):
    nuclei.files[image_file("0a")] = palette_png(GREY * 0, [(250, 20, 3)])
    assert dsb2018.image("0a", nuclei.unpacked(tmp_path))[0, 0].tolist() == [250, 20, 3]


def test_overlaps_go_to_the_later_mask_and_are_counted(nuclei, tmp_path):
    wide = np.zeros((12, 16), bool)
    wide[3:8, 2:4] = True  # the second box, grown into two pixels of the first
    nuclei.put("0a", 2, wide)
    numbers = dsb2018.instances("0a", nuclei.unpacked(tmp_path / "data"))
    assert (numbers[3, 2:4] == 2).all() and (numbers == 1).sum() == 12 - 2
    assert np.unique(numbers).tolist() == [0, 1, 2, 3]
    assert dsb2018_merge.merge(tmp_path / "out", tmp_path / "data").overlap == 2


def without(name):
    return lambda nuclei: nuclei.files.pop(name)


def replaced(name, content):
    return lambda nuclei: nuclei.files.update({name: content})


def without_masks(nuclei, name="1b"):
    for number in (1, 2, 3):
        del nuclei.files[mask_file(name, number)]


def hidden(nuclei):
    nuclei.put("0a", 2, nuclei.instances["0a"] > 0)


FAULTS = {
    "no masks": (without_masks, "1b/images/1b.png has no mask in 1b/masks."),
    "no image": (without(image_file("0a")), "the image 0a/images/0a.png is missing."),
    "mask of another size": (
        replaced(mask_file("0a", 2), png(np.full((16, 12), 255, np.uint8))),
        "0a/masks/2f.png is 12 x 16 pixels, but its image is 16 x 12.",
    ),
    "empty mask": (
        replaced(mask_file("0a", 3), png(np.zeros((12, 16), np.uint8))),
        "0a/masks/3f.png is empty: it marks no pixel.",
    ),
    "mask of nothing but opacity": (
        replaced(mask_file("0a", 3), png(np.dstack([BOX * 0] * 3 + [BOX * 255]).astype(np.uint8))),
        "0a/masks/3f.png is empty: it marks no pixel.",
    ),
    "hidden mask": (hidden, "0a/masks/1f.png is covered wholly by masks that come after it."),
    "garbage for a mask": (
        replaced(mask_file("2c", 1), b"no picture"),
        "2c/masks/1f.png cannot be read as a picture.",
    ),
    "empty mask file": (
        replaced(mask_file("2c", 1), b""),
        "2c/masks/1f.png cannot be read as a picture.",
    ),
    "image cut off": (
        replaced(image_file("2c"), png(np.full((20, 20, 4), 9, np.uint8))[:-20]),
        "2c/images/2c.png cannot be read as a picture.",
    ),
}


@pytest.fixture(params=FAULTS)
def fault(request, nuclei):
    spoil, words = FAULTS[request.param]
    spoil(nuclei)
    return words


def test_fetch_keeps_nothing_of_bad_content(nuclei, data, tmp_path, left, fault):
    with pytest.raises(CourseDataError) as caught:
        fetch(nuclei.entry(), root=data, mirror=nuclei.mirror(tmp_path / "mirror"))
    assert fault in str(caught.value)
    assert ".part" not in str(caught.value)  # no word of a folder that is gone
    assert left(data) == []


def test_load_names_the_file_at_fault(nuclei, tmp_path, fault):
    nuclei.unpacked(tmp_path)
    with pytest.raises(CourseDataError) as caught:
        dsb2018.load((8, 8), tmp_path)
    assert fault in str(caught.value) and f"delete {tmp_path} and" in str(caught.value)
    assert not list(tmp_path.glob(".decoded*.npy"))


def test_merge_names_the_file_at_fault(nuclei, tmp_path, fault, merge_script, capsys):
    nuclei.unpacked(tmp_path / "data")
    assert merge_script([str(tmp_path / "out"), "--root", str(tmp_path / "data")]) == 1
    error = capsys.readouterr().err
    assert fault in error and "Traceback" not in error


def test_one_image_names_the_file_at_fault(nuclei, tmp_path):
    without_masks(nuclei)
    nuclei.unpacked(tmp_path)
    with pytest.raises(CourseDataError, match=r"1b/images/1b\.png has no mask in 1b/masks"):
        dsb2018.instances("1b", tmp_path)
    assert dsb2018.instances("0a", tmp_path).max() == 3  # the others can be had


def test_an_image_too_few(nuclei, data, tmp_path, left):
    with pytest.raises(CourseDataError, match="there are 3 images, not 4"):
        fetch(nuclei.entry(pairs={"all": 4}), root=data, mirror=nuclei.mirror(tmp_path / "mirror"))
    assert left(data) == []


def test_several_missing_files_are_counted(nuclei, tmp_path):
    without_masks(nuclei)
    without_masks(nuclei, "2c")
    with pytest.raises(CourseDataError, match=r"1b\.png has no mask in 1b/masks, and 1 more\."):
        dsb2018.names(nuclei.unpacked(tmp_path))


def test_a_folder_that_holds_something_else(tmp_path):
    with pytest.raises(CourseDataError, match="there is no folder <id>/images"):
        dsb2018.names(tmp_path)
    with pytest.raises(CourseDataError, match="the folder cannot be read: No such file"):
        dsb2018.names(tmp_path / "nowhere")


def test_second_load_decodes_nothing(nuclei, data, tmp_path, monkeypatch):
    folder = fetch(nuclei.entry(), root=data, mirror=nuclei.mirror(tmp_path / "mirror"))

    def decode(*args):
        raise AssertionError("decoded again")

    monkeypatch.setattr(dsb2018, "_decode", decode)
    # Not even once: the check of the unpacked files has kept the arrays at the default size.
    again = dsb2018.load(root=folder)
    assert again.masks.shape == (3, 96, 96) and again.masks.any()
    with pytest.raises(AssertionError, match="decoded again"):  # another size is another array
        dsb2018.load((8, 8), folder)


@pytest.mark.parametrize("what", ["mask", "image", "new mask", "removed"])
def test_stale_arrays_are_made_anew(nuclei, tmp_path, what):
    before = dsb2018.load((12, 16), nuclei.unpacked(tmp_path))
    file = tmp_path / mask_file("0a", 4 if what == "new mask" else 1)
    if what == "image":
        file = tmp_path / image_file("0a")
        file.write_bytes(png(np.full((12, 16), 77, np.uint8)))
    elif what == "removed":
        file.unlink()
    else:
        corner = np.zeros((12, 16), np.uint8)
        corner[11, 15] = 255
        file.write_bytes(png(corner))
    if what != "removed":
        os.utime(file, ns=(0, 10**9))
    after = dsb2018.load((12, 16), tmp_path)
    if what == "image":
        assert (after.images[0] == 77).all()
    else:
        change = {"mask": 1 - 12, "new mask": 1, "removed": -12}[what]
        assert int(after.masks[0].sum()) - int(before.masks[0].sum()) == change


def test_damaged_arrays_are_made_anew(nuclei, tmp_path):
    expected = dsb2018.load((8, 8), nuclei.unpacked(tmp_path))
    caches = list(tmp_path.glob(".decoded*.npy"))
    assert len(caches) == 2
    for cache in caches:
        cache.write_bytes(cache.read_bytes()[:-9])
    again = dsb2018.load((8, 8), tmp_path)
    np.testing.assert_array_equal(again.masks, expected.masks)
    np.testing.assert_array_equal(again.images, expected.images)


def test_read_only_folder_is_read_all_the_same(nuclei, read_only):
    folder, as_ordinary_user = read_only
    nuclei.unpacked(folder)
    with as_ordinary_user():
        loaded = dsb2018.load((12, 16), folder)
    np.testing.assert_array_equal(loaded.masks[0], nuclei.instances["0a"] > 0)
    assert not list(folder.glob(".decoded*.npy"))


@pytest.mark.parametrize(
    ("colour", "stain"),
    [
        ((20, 20, 20), "fluorescence"),
        ((200, 200, 200), "bright field"),
        ((60, 20, 60), "bright field"),
        ((230, 160, 200), "bright field"),
    ],
)
def test_stain(colour, stain):
    assert dsb2018.stain_of(np.full((9, 9, 3), colour, np.uint8)) == stain


@pytest.mark.parametrize("value", [1, 255])
def test_merge_script(nuclei, tmp_path, merge_script, capsys, value):
    root, out = nuclei.unpacked(tmp_path / "data"), tmp_path / "out"
    arguments = [str(out), "--root", str(root), *(["--white"] if value == 255 else [])]
    assert merge_script(arguments) == 0
    assert "3 images with 9 nuclei" in capsys.readouterr().out
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*.*")) == sorted(
        f"{kind}/{name}.png" for kind in ("images", "masks") for name in IDS
    )
    for name in IDS:
        mask = cv2.imread(str(out / f"masks/{name}.png"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(mask, (nuclei.instances[name] > 0) * value)
        assert (out / f"images/{name}.png").read_bytes() == nuclei.files[image_file(name)]
    assert {p.relative_to(root).as_posix() for p in root.rglob("*.*")} == set(nuclei.files)


@pytest.mark.parametrize("inside", [".", "merged", "../data/merged"])
def test_merge_never_writes_into_the_data(nuclei, tmp_path, merge_script, capsys, inside):
    root = nuclei.unpacked(tmp_path / "data")
    assert merge_script([str(root / inside), "--root", str(root)]) == 1
    assert "choose another one" in capsys.readouterr().err
    assert {p.relative_to(root).as_posix() for p in root.rglob("*.*")} == set(nuclei.files)


@pytest.mark.parametrize("value", [0, 256])
def test_merge_value(tmp_path, value):
    with pytest.raises(ValueError, match="value must be 1 to 255"):
        dsb2018_merge.merge(tmp_path / "out", tmp_path, value)


def test_merge_script_where_it_cannot_write(nuclei, tmp_path, merge_script, capsys):
    (tmp_path / "file").touch()
    root = nuclei.unpacked(tmp_path / "data")
    assert merge_script([str(tmp_path / "file"), "--root", str(root)]) == 1
    assert "Could not write into" in capsys.readouterr().err


def test_merge_runs_as_a_script():
    done = subprocess.run(
        [sys.executable, SCRIPT, "--help"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SCRIPT.parents[1])},
    )
    assert done.returncode == 0 and "--white" in done.stdout


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
    if not (real_mirror / "stage1_train.zip").is_file():
        pytest.skip("no mirror with the nuclei: set COURSE_MIRROR to one")
    began = time.perf_counter()
    folder = fetch(catalog.DSB2018, root=data, mirror=real_mirror, progress=False)
    loaded = dsb2018.load(root=folder)
    first = time.perf_counter() - began
    began = time.perf_counter()
    again = dsb2018.load(root=fetch(catalog.DSB2018, root=data, mirror=real_mirror))
    # Far below what is measured, far above no cache: a busy machine times badly.
    assert first > 15 * (time.perf_counter() - began)
    np.testing.assert_array_equal(loaded.masks, again.masks)
    assert provenance(folder)["title"] == catalog.DSB2018.title
    assert loaded.images.shape == (670, 96, 96, 3)
    assert 0.135 < loaded.masks.mean() < 0.143
    assert Counter(loaded.groups) == {"fluorescence": 546, "bright field": 124}
    assert len(list(folder.glob("*/masks/*.png"))) == 29_461
    sizes = Counter(dsb2018.image(name, folder).shape[:2] for name in loaded.ids)
    assert sizes == SIZES
    largest = next(n for n in loaded.ids if len(list((folder / n / "masks").iterdir())) == 375)
    numbers = dsb2018.instances(largest, folder)
    assert np.unique(numbers).tolist() == list(range(376))
