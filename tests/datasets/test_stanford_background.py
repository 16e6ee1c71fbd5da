"""Reading the outdoor scenes, and refusing what is not them."""

import tarfile

import cv2
import numpy as np
import pytest
from tiny_scenes import TOP, TinyScenes, image_file, jpeg, label_file

from course_utils.datasets import IGNORE, CourseDataError, io, stanford_background
from course_utils.datasets.fetch import fetch

IDS = ("0000009", "0000047", "1000001")


@pytest.fixture
def scenes():
    return TinyScenes()


@pytest.mark.parametrize("kind", ["regions", "surfaces"])
def test_load(scenes, tmp_path, kind):
    loaded = stanford_background.load(kind, (24, 32), scenes.unpacked(tmp_path))
    assert loaded.images.shape == (3, 24, 32, 3) and loaded.masks.shape == (3, 24, 32)
    assert loaded.ids == IDS and loaded.groups is None
    first = {"regions": ("sky", "tree", "road"), "surfaces": ("sky", "horizontal", "vertical")}
    assert loaded.class_names[:3] == first[kind]
    assert len(loaded.class_names) == {"regions": 8, "surfaces": 3}[kind]
    assert loaded.source == f"files in {tmp_path}"
    # Twice as large: each label stands for 2 x 2 pixels, and none is invented between two.
    expected = scenes.expected("0000009", kind).repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(loaded.masks[0], expected)
    # Red, green, blue: the tiny pictures are red below.
    assert loaded.images[0, -1, :, 0].min() > 200 and loaded.images[0, ..., 2].max() < 30


def test_what_cannot_be_loaded(scenes, tmp_path):
    scenes.unpacked(tmp_path)
    for kind, words in {
        "depth": "'depth': there are regions, surfaces",
        "layers": r"numbers of connected stretches.*scene\(name\)\.layers",
    }.items():
        with pytest.raises(ValueError, match=words):
            stanford_background.load(kind, root=tmp_path)
    with pytest.raises(ValueError, match="1 or more each"):
        stanford_background.load("regions", (0, 8), tmp_path)
    (tmp_path / image_file("0000009")).unlink()
    (tmp_path / image_file("0000009")).symlink_to(tmp_path / "nowhere")
    with pytest.raises(CourseDataError, match=r"images/0000009\.jpg cannot be read: No such"):
        stanford_background.scene("0000009", tmp_path)
    with pytest.raises(ValueError, match=r"'47': there are 3, such as 0000009, 0000047"):
        stanford_background.scene("47", tmp_path)


@pytest.mark.parametrize("name", IDS)
def test_scene(scenes, tmp_path, name):
    scene = stanford_background.scene(name, scenes.unpacked(tmp_path))
    for kind, dtype in {"regions": np.uint8, "surfaces": np.uint8, "layers": np.int32}.items():
        labels = getattr(scene, kind)
        np.testing.assert_array_equal(labels, scenes.expected(name, kind))
        assert labels.dtype == dtype
    assert scene.image.shape == (*scene.regions.shape, 3) and scene.image.dtype == np.uint8
    assert scene.id == name
    assert scene.layers.min() == -1 and scene.regions.max() == IGNORE


def test_orientation_flags_are_left_alone(scenes, tmp_path):
    # A camera's note "turn me by 90 degrees" in an APP1 segment: the labels are not turned.
    plain = scenes.files[image_file("0000009")]
    tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    exif = b"Exif\0\0" + tiff
    turned = plain[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + plain[2:]
    assert cv2.imdecode(np.frombuffer(turned, np.uint8), cv2.IMREAD_COLOR).shape[:2] == (16, 12)
    scenes.files[image_file("0000009")] = turned
    scene = stanford_background.scene("0000009", scenes.unpacked(tmp_path))
    assert scene.image.shape[:2] == scene.regions.shape == (12, 16)


def test_names_with_and_without_the_archives_own_folder(scenes, tmp_path):
    scenes.files[f"{TOP}/images/._0000009.jpg"] = b"what macOS leaves behind"
    folder = scenes.unpacked(tmp_path) / TOP
    assert stanford_background.names(folder) == stanford_background.names(tmp_path) == IDS


def test_everything_fetches_by_itself(scenes, data, tmp_path, monkeypatch):
    monkeypatch.setattr(stanford_background, "STANFORD_BACKGROUND", scenes.entry())
    monkeypatch.setenv("COURSE_DATA_DIR", str(data))
    monkeypatch.setenv("COURSE_MIRROR", str(scenes.mirror(tmp_path / "mirror")))
    assert stanford_background.names() == IDS
    assert stanford_background.scene("0000047").regions.shape == (16, 12)
    assert "Stanford Background: " in stanford_background.load(size=(8, 8)).source


REGIONS, SURFACES, LAYERS = (
    label_file("0000009", kind) for kind in ("regions", "surfaces", "layers")
)
IMAGE = image_file("0000009")
ROW = b"0 " * 16 + b"\n"
CUT_OFF = jpeg(np.random.default_rng(0).integers(0, 255, (12, 16, 3), np.uint8))[:-9]
FAULTS = {  # what is said, and the files at fault; None for a missing one
    "labels/0000009.regions.txt is missing.": {REGIONS: None},
    "labels/0000009.layers.txt is missing, and 1 more.": {
        LAYERS: None,
        label_file("0000047", "layers"): None,
    },
    "the image images/0000009.jpg is missing.": {IMAGE: None},
    "there is no file images/*.jpg.": {image_file(name): None for name in IDS},
    "images holds 2 images, not 3.": dict.fromkeys((IMAGE, REGIONS, SURFACES, LAYERS)),
    "0000009.regions.txt has 15 numbers in line 5, but 16": {REGIONS: 4 * ROW + ROW[2:] + 7 * ROW},
    "0000009.layers.txt is 16 x 11 pixels, but its image is 16 x 12.": {LAYERS: 11 * ROW},
    "0000009.surfaces.txt has 'sky' in line 2": {SURFACES: ROW + b"sky " + ROW[2:] + 10 * ROW},
    "0000009.layers.txt is empty.": {LAYERS: b""},
    "0000009.regions.txt has the label 8 in line 3; there are only 8 classes, 0 to 7": {
        REGIONS: 2 * ROW + b"8 " + ROW[2:] + 9 * ROW
    },
    "0000009.surfaces.txt has the label 3 in line 12": {SURFACES: 11 * ROW + b"3 " + ROW[2:]},
    "images/0000009.jpg cannot be read as a picture.": {IMAGE: CUT_OFF},
}


@pytest.mark.parametrize("words", FAULTS)
def test_what_is_at_fault_is_named_and_not_kept(scenes, data, tmp_path, left, words):
    entry = scenes.entry()
    mirror = scenes.changed(FAULTS[words]).mirror(tmp_path / "mirror")
    with pytest.raises(CourseDataError) as caught:
        fetch(entry, root=data, mirror=mirror, progress=False)
    assert words in str(caught.value)
    assert ".part" not in str(caught.value)  # no word of a folder that is gone
    assert left(data) == []


def test_load_and_scene_name_what_is_at_fault(scenes, tmp_path, left):
    scenes.files |= {REGIONS: 12 * b"9 " * 16, LAYERS: b"1 2\n3\n"}
    scenes.unpacked(tmp_path)
    with pytest.raises(CourseDataError, match=r"regions\.txt is 192 x 1 pixels") as caught:
        stanford_background.load("regions", (8, 8), tmp_path)
    assert f"delete {tmp_path} and" in str(caught.value)
    assert left(tmp_path) == [TOP]
    assert len(stanford_background.load("surfaces", (8, 8), tmp_path)) == 3  # regions are not read
    (tmp_path / REGIONS).write_bytes(12 * ROW)
    with pytest.raises(CourseDataError, match=r"0000009\.layers\.txt has 1 numbers in line 2"):
        stanford_background.scene("0000009", tmp_path)


def test_nothing_depends_on_the_horizons(scenes, tmp_path):
    del scenes.files[f"{TOP}/horizons.txt"]
    stanford_background.check(scenes.unpacked(tmp_path), scenes.entry())


def test_each_kind_and_size_has_its_own_arrays_and_a_second_load_decodes_nothing(
    scenes, tmp_path, monkeypatch
):
    scenes.unpacked(tmp_path)
    wanted = [("regions", (8, 8)), ("regions", (4, 8)), ("surfaces", (8, 8))]
    first = [stanford_background.load(*which, tmp_path) for which in wanted]
    monkeypatch.setattr(io.DataFolder, "open_picture", lambda *args: pytest.fail("decoded again"))
    for which, before in zip(wanted, first, strict=True):
        again = stanford_background.load(*which, tmp_path)
        np.testing.assert_array_equal(again.images, before.images)
        np.testing.assert_array_equal(again.masks, before.masks)
        assert again.masks.shape == (3, *which[1])


def test_what_was_rewritten_is_seen(scenes, tmp_path):
    size = 12, 16
    stanford_background.load("regions", size, scenes.unpacked(tmp_path))
    (tmp_path / REGIONS).write_bytes(12 * ROW)
    assert not stanford_background.load("regions", size, tmp_path).masks[0].any()
    (tmp_path / IMAGE).write_bytes(jpeg(np.full((*size, 3), 9, np.uint8)))
    image = stanford_background.load("regions", size, tmp_path).images[0]
    np.testing.assert_allclose(image, 9, atol=2)
    (tmp_path / IMAGE).write_bytes(jpeg(np.zeros((5, 5, 3), np.uint8)))
    with pytest.raises(CourseDataError, match="16 x 12 pixels, but its image is 5 x 5"):
        stanford_background.load("regions", size, tmp_path)


def test_the_genuine_sample(real_mirror, tmp_path):
    with tarfile.open(real_mirror / "iccv09Data.tar.gz") as archive:
        members = [member for member in archive if "/0000047." in member.name]
        archive.extractall(tmp_path, members, filter="data")
    scene = stanford_background.scene("0000047", tmp_path)
    assert scene.image.shape == (240, 320, 3)
    assert np.unique(scene.regions).tolist() == [0, 1, 2, 5, 7]
    assert np.unique(scene.surfaces).tolist() == [0, 1, 2]
    assert np.unique(scene.layers).tolist() == list(range(19))
    # The kinds tell of the same things: sky is sky, and roads lie flat.
    assert ((scene.regions == 0) == (scene.surfaces == 0)).mean() > 0.99
    assert (scene.surfaces[scene.regions == 2] == 1).mean() > 0.95
    loaded = stanford_background.load("surfaces", (240, 320), tmp_path)
    np.testing.assert_array_equal(loaded.masks[0], scene.surfaces)
    np.testing.assert_array_equal(loaded.images[0], scene.image)
