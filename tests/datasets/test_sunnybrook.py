"""Reading the left-ventricle images, and refusing what is not them."""

import os

import cv2
import numpy as np
import pytest
from tiny_dataset import png, zipped

from course_utils.datasets import IGNORE, CourseDataError, Dataset, sunnybrook
from course_utils.datasets.catalog import SUNNYBROOK
from course_utils.datasets.fetch import fetch


@pytest.mark.parametrize("split", ["train", "val"])
def test_load(tiny, tmp_path, split):
    loaded = sunnybrook.load(split, tiny.unpacked(tmp_path))
    np.testing.assert_array_equal(loaded.images, tiny.images[split])
    np.testing.assert_array_equal(loaded.masks, tiny.masks[split])
    assert loaded.images.dtype == loaded.masks.dtype == np.uint8
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


def without(name):
    return lambda tiny: tiny.files.pop(name)


def replaced(name, content):
    return lambda tiny: tiny.files.update({name: content})


MASK = np.zeros((16, 16), np.uint8)
MASK[4:9, 4:9] = 1
WHOLE_PNG = png(np.random.default_rng(3).integers(0, 256, (16, 16), np.uint8))
FAULTS = {
    "missing mask": (without("train/label/001.png"), "the mask train/label/001.png is missing"),
    "missing image": (without("train/image/001.png"), "the image train/image/001.png is missing"),
    "mask of another size": (
        replaced("train/label/001.png", png(np.zeros((16, 12), np.uint8))),
        "train/label/001.png is 12 x 16 pixels, but its image is 16 x 16",
    ),
    "label 2": (
        replaced("train/label/001.png", png(MASK * 2)),
        "train/label/001.png has the labels 0, 2; only 0 and 1 may occur.",
    ),
    "black and white mask": (
        replaced("train/label/001.png", png(MASK * 255)),
        "train/label/001.png has the labels 0, 255; only 0 and 1 may occur "
        "(masks saved as black and white: 255 stands for 1 in such files)",
    ),
    "many labels": (
        replaced("train/label/001.png", png(np.arange(256, dtype=np.uint8).reshape(16, 16))),
        "the labels 0, 1, 2, 3, 4, 5, 6, 7, …;",
    ),
    "garbage for an image": (
        replaced("train/image/002.png", b"no picture"),
        "train/image/002.png cannot be read as a picture",
    ),
    "empty mask file": (
        replaced("train/label/002.png", b""),
        "train/label/002.png cannot be read as a picture",
    ),
    "image cut off": (
        replaced("train/image/002.png", WHOLE_PNG[:40]),
        "train/image/002.png cannot be read as a picture",
    ),
    "mask in colour": (
        replaced("train/label/000.png", png(np.zeros((16, 16, 3), np.uint8))),
        "train/label/000.png should be grey with 8 bits, but is uint8 (16, 16, 3)",
    ),
    "image with 16 bits": (
        replaced("train/image/000.png", png(np.zeros((16, 16), np.uint16))),
        "train/image/000.png should be grey with 8 bits, but is uint16 (16, 16)",
    ),
}


@pytest.fixture(params=FAULTS)
def fault(request, tiny):
    spoil, words = FAULTS[request.param]
    spoil(tiny)
    return words


def test_load_names_the_file_at_fault(tiny, tmp_path, fault):
    tiny.unpacked(tmp_path)
    with pytest.raises(CourseDataError) as caught:
        sunnybrook.load("train", tmp_path)
    assert fault in str(caught.value)
    assert f"delete {tmp_path}" in str(caught.value)
    assert not list(tmp_path.glob(".decoded*"))


def test_fetch_keeps_nothing_of_bad_content(tiny, data, tmp_path, left, fault):
    with pytest.raises(CourseDataError) as caught:
        fetch(tiny.entry(), root=data, mirror=tiny.mirror(tmp_path / "mirror"))
    assert fault in str(caught.value)
    assert str(tmp_path / "mirror" / "train.zip") in str(caught.value)
    assert ".part" not in str(caught.value)  # no word of a folder that is gone
    assert left(data) == []


def test_a_pair_too_few(tiny, data, tmp_path, left):
    del tiny.files["val/image/001.png"], tiny.files["val/label/001.png"]
    with pytest.raises(CourseDataError, match="val/image holds 1 images, not 2"):
        fetch(tiny.entry(), root=data, mirror=tiny.mirror(tmp_path / "mirror"))
    assert left(data) == []


def test_images_of_two_sizes(tiny, tmp_path):
    tiny.files["train/image/002.png"] = png(np.zeros((8, 8), np.uint8))
    tiny.files["train/label/002.png"] = png(np.zeros((8, 8), np.uint8))
    with pytest.raises(CourseDataError, match=r"002\.png is 8 x 8 pixels, the ones before 16"):
        sunnybrook.load("train", tiny.unpacked(tmp_path))


def test_split_that_is_not_there(tiny, tmp_path):
    (tmp_path / "train/image").mkdir(parents=True)
    with pytest.raises(CourseDataError, match="there is no folder train/label"):
        sunnybrook.load("train", tmp_path)
    (tmp_path / "train/label").mkdir()
    with pytest.raises(CourseDataError, match="train/image holds no PNG file"):
        sunnybrook.load("train", tmp_path)


def test_several_missing_masks_are_counted(tiny, tmp_path):
    del tiny.files["train/label/000.png"], tiny.files["train/label/002.png"]
    with pytest.raises(CourseDataError, match=r"label/000\.png is missing, and 1 more"):
        sunnybrook.load("train", tiny.unpacked(tmp_path))


def test_second_load_decodes_nothing(tiny, tmp_path, monkeypatch):
    first = sunnybrook.load("train", tiny.unpacked(tmp_path))
    monkeypatch.setattr(cv2, "imdecode", lambda *args: pytest.fail("decoded again"))
    second = sunnybrook.load("train", tmp_path)
    np.testing.assert_array_equal(first.images, second.images)
    np.testing.assert_array_equal(first.masks, second.masks)
    assert first.ids == second.ids
    kept = sorted(p.name for p in tmp_path.glob(".decoded*") if p.suffix != ".lock")
    assert kept == [".decoded-train.npz"]


@pytest.mark.parametrize("content", [b"", b"rubbish", b"cut off"])
def test_damaged_cache_is_made_anew(tiny, tmp_path, content):
    sunnybrook.load("train", tiny.unpacked(tmp_path))
    cache = tmp_path / ".decoded-train.npz"
    whole = cache.read_bytes()
    cache.write_bytes(whole[: len(whole) // 2] if content == b"cut off" else content)
    np.testing.assert_array_equal(sunnybrook.load("train", tmp_path).masks, tiny.masks["train"])
    assert cache.stat().st_size == len(whole)


@pytest.mark.parametrize("change", ["rewritten", "removed", "added"])
def test_stale_cache_is_made_anew(tiny, tmp_path, change):
    sunnybrook.load("train", tiny.unpacked(tmp_path))
    image, mask = tmp_path / "train/image/001.png", tmp_path / "train/label/001.png"
    expected = tiny.masks["train"].copy()
    if change == "rewritten":
        before = mask.stat()
        mask.write_bytes(png(1 - expected[1]))
        os.utime(mask, ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))
        expected[1] = 1 - expected[1]
    elif change == "removed":
        image.unlink()
        mask.unlink()
        expected = expected[[0, 2]]
    else:
        for file in (image, mask):
            file.with_name("003.png").write_bytes(file.read_bytes())
        expected = expected[[0, 1, 2, 1]]
    np.testing.assert_array_equal(sunnybrook.load("train", tmp_path).masks, expected)


def test_read_only_folder_is_read_all_the_same(tiny, read_only):
    folder, as_ordinary_user = read_only
    tiny.unpacked(folder)
    with as_ordinary_user():
        loaded = sunnybrook.load("val", folder)
    np.testing.assert_array_equal(loaded.masks, tiny.masks["val"])
    assert not list(folder.glob(".decoded*"))


def test_real_data(real_mirror, data):
    folder = fetch(SUNNYBROOK, root=data, mirror=real_mirror)
    for split, count in {"train": 234, "val": 26}.items():
        loaded = sunnybrook.load(split, folder)
        assert loaded.images.shape == (count, 256, 256, 1)
        assert loaded.masks.shape == (count, 256, 256)
        assert np.unique(loaded.masks).tolist() == [0, 1]
        assert loaded.images.max() > 200
        assert 0.005 < loaded.masks.mean() < 0.05  # the ventricle is small
        assert loaded.ids[:2] == (f"{split}/000", f"{split}/001")
        assert str(real_mirror / f"{split}.zip") in loaded.source


def dataset(**changes):
    parts = {
        "images": np.zeros((2, 4, 5, 3), np.uint8),
        "masks": np.full((2, 4, 5), IGNORE, np.uint8),
        "class_names": ("a", "b"),
        "ids": ("x", "y"),
        "groups": None,
        "source": "a test",
    }
    return Dataset(**(parts | changes))


def test_dataset_that_fits():
    assert len(dataset()) == 2
    assert dataset(groups=("p", "p")).groups == ("p", "p")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"images": np.zeros((2, 4, 5, 3), np.float32)}, "images must be uint8"),
        ({"images": np.zeros((2, 4, 5), np.uint8)}, "images must be uint8"),
        ({"masks": np.zeros((2, 4, 6), np.uint8)}, "masks must be uint8 with shape"),
        ({"masks": np.zeros((2, 4, 5), np.int64)}, "masks must be uint8 with shape"),
        ({"masks": np.full((2, 4, 5), 2, np.uint8)}, r"labels \[2\] in the masks"),
        ({"ids": ("x",)}, "1 ids for 2 images"),
        ({"groups": ("p",)}, "1 groups for 2 images"),
    ],
)
def test_dataset_that_does_not_fit(changes, words):
    with pytest.raises(ValueError, match=words):
        dataset(**changes)


def test_subset_keeps_what_belongs_together():
    images = np.arange(3 * 4 * 5 * 3, dtype=np.uint8).reshape(3, 4, 5, 3)
    masks = np.stack([np.full((4, 5), k, np.uint8) for k in (0, 1, IGNORE)])
    whole = dataset(images=images, masks=masks, ids=("x", "y", "z"), groups=("p", "q", "p"))
    part = whole.subset([2, 0])
    assert part.ids == ("z", "x")
    assert part.groups == ("p", "p")
    assert np.array_equal(part.images, images[[2, 0]])
    assert np.unique(part.masks[0]).tolist() == [IGNORE]
    assert (part.class_names, part.source) == (whole.class_names, whole.source)
    assert dataset().subset(np.array([1])).groups is None
    assert len(whole.subset([])) == 0
    with pytest.raises(IndexError):
        whole.subset([3])


def test_dataset_cannot_be_changed():
    with pytest.raises(AttributeError):
        dataset().source = "elsewhere"


def test_archive_without_any_member(tiny, data, tmp_path, left):
    mirror = tiny.mirror(tmp_path / "mirror", sums=False)
    for split in ("train", "val"):
        (mirror / f"{split}.zip").write_bytes(zipped({}))
    with pytest.raises(CourseDataError, match="there is no folder train/image"):
        fetch(tiny.entry(), root=data, mirror=mirror)
    assert left(data) == []
