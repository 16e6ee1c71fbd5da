"""Reading the left-ventricle images and their patients, and refusing what is not them."""

import numpy as np
import pytest
from tiny_dataset import png

from course_utils.datasets import CourseDataError, io, sunnybrook
from course_utils.datasets.catalog import SUNNYBROOK
from course_utils.datasets.fetch import fetch


@pytest.mark.parametrize("split", ["train", "val"])
def test_load(tiny, tmp_path, split):
    loaded = sunnybrook.load(split, tiny.unpacked(tmp_path))
    np.testing.assert_array_equal(loaded.images, tiny.images[split])
    np.testing.assert_array_equal(loaded.masks, tiny.masks[split])
    assert loaded.ids == tuple(f"{split}/{i:03d}" for i in range(len(tiny.images[split])))
    assert loaded.class_names == ("background", "left ventricle")
    assert loaded.groups is None
    assert loaded.source == f"files in {tmp_path}"


def test_load_fetches_by_itself(tiny, data, tmp_path, monkeypatch):
    monkeypatch.setattr(sunnybrook, "SUNNYBROOK", tiny.entry())
    monkeypatch.setenv("COURSE_DATA_DIR", str(data))
    monkeypatch.setenv("COURSE_MIRROR", str(tiny.mirror(tmp_path / "mirror")))
    loaded = sunnybrook.load()
    assert len(loaded) == 3 and str(tmp_path / "mirror") in loaded.source


def test_unknown_split(tmp_path):
    with pytest.raises(ValueError, match="'test': there are train, val"):
        sunnybrook.load("test", tmp_path)


MASK = np.zeros((16, 16), np.uint8)
MASK[4:9, 4:9] = 1
SMALL = png(np.zeros((8, 8), np.uint8))
LEVELS = png(np.arange(256, dtype=np.uint8).reshape(16, 16))
COLOR = png(np.zeros((16, 16, 3), np.uint8))
IMAGE, LABEL = "train/image/001.png", "train/label/001.png"
BLACK_AND_WHITE = "(masks saved as black and white: 255 stands for 1 in such files)"
FAULTS = {  # what is said, and the files at fault; None for a missing one
    f"the mask {LABEL} is missing.": {LABEL: None},
    f"the mask {LABEL} is missing, and 1 more.": {LABEL: None, "train/label/002.png": None},
    f"the image {IMAGE} is missing.": {IMAGE: None},
    "val/image holds 1 images, not 2.": {"val/image/001.png": None, "val/label/001.png": None},
    "there is no file train/image/*.png.": {
        f"train/{kind}/00{i}.png": None for i in range(3) for kind in ("image", "label")
    },
    f"{LABEL} is 8 x 8 pixels, but its image is 16 x 16.": {LABEL: SMALL},
    f"{IMAGE} is 8 x 8 pixels, the ones before 16 x 16.": {IMAGE: SMALL, LABEL: SMALL},
    f"{LABEL} has the labels 0, 2; only 0 and 1 may occur.": {LABEL: png(MASK * 2)},
    f"{LABEL} has the labels 0, 255; only 0 and 1 may occur {BLACK_AND_WHITE}.": {
        LABEL: png(MASK * 255)
    },
    f"{LABEL} has the labels 0, 1, 2, 3, 4, 5, 6, 7, …;": {LABEL: LEVELS},
    f"{LABEL} should be gray with 8 bits, but its mode is RGB.": {LABEL: COLOR},
    f"{IMAGE} should be gray with 8 bits": {IMAGE: png(MASK.astype(np.uint16))},
    f"{LABEL} cannot be read as a picture.": {LABEL: b"no picture"},
}


@pytest.mark.parametrize("words", FAULTS)
def test_what_is_at_fault_is_named_and_not_kept(tiny, data, tmp_path, left, words):
    mirror = tiny.changed(FAULTS[words]).mirror(tmp_path / "mirror")
    with pytest.raises(CourseDataError) as caught:
        fetch(tiny.entry(), root=data, mirror=mirror, progress=False)
    assert words in str(caught.value)
    assert ".part" not in str(caught.value)  # no word of a folder that is gone
    assert left(data) == []


def test_load_names_what_is_at_fault_and_keeps_nothing(tiny, tmp_path, left):
    tiny.files["train/label/001.png"] = png(MASK * 255)
    with pytest.raises(CourseDataError, match="255 stands for 1") as caught:
        sunnybrook.load("train", tiny.unpacked(tmp_path))
    assert f"delete {tmp_path}" in str(caught.value)
    assert left(tmp_path) == ["train", "val"]


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(CourseDataError, match="there is no such folder"):
        sunnybrook.load("train", tmp_path / "nowhere")


def test_a_second_load_decodes_nothing(tiny, tmp_path, monkeypatch):
    first = sunnybrook.load("train", tiny.unpacked(tmp_path))
    monkeypatch.setattr(io.DataFolder, "open_picture", lambda *args: pytest.fail("decoded again"))
    second = sunnybrook.load("train", tmp_path)
    np.testing.assert_array_equal(first.images, second.images)
    np.testing.assert_array_equal(first.masks, second.masks)


def test_a_rewritten_mask_is_seen(tiny, tmp_path):
    sunnybrook.load("train", tiny.unpacked(tmp_path))
    (tmp_path / "train/label/001.png").write_bytes(png(np.ones((16, 16), np.uint8)))
    assert sunnybrook.load("train", tmp_path).masks[1].all()


GROUPS = "file,patient\n" + "".join(f"train/image/{i:03d}.png,P{i % 2}\n" for i in range(3))


def test_groups_beside_the_pairs(tiny, tmp_path):
    tiny.unpacked(tmp_path)
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
        ("name,patient\nx,y\n", "groups.csv is not a table with the columns file and patient"),
        ("\udcff", "groups.csv is not a table with the columns file and patient"),
    ],
)
def test_groups_at_fault(tiny, tmp_path, content, words):
    tiny.unpacked(tmp_path)
    (tmp_path / "groups.csv").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(CourseDataError, match=words):
        sunnybrook.load("train", tmp_path)


def test_real_data(real_mirror, data):
    folder = fetch(SUNNYBROOK, root=data, mirror=real_mirror, progress=False)
    for split, count in {"train": 234, "val": 26}.items():
        loaded = sunnybrook.load(split, folder)
        assert loaded.images.shape == (count, 256, 256, 1)
        assert np.unique(loaded.masks).tolist() == [0, 1]
        assert loaded.images.max() > 200
        assert 0.005 < loaded.masks.mean() < 0.05  # the ventricle is small
        assert str(real_mirror / f"{split}.zip") in loaded.source
