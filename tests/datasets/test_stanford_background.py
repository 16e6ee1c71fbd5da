"""Reading the outdoor scenes, and refusing what is not them."""

import os

import cv2
import numpy as np
import pytest
from tiny_scenes import TOP, TinyScenes, image_file, jpeg, label_file

from course_utils.datasets import IGNORE, CourseDataError, stanford_background
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
    names = {"regions": stanford_background.REGIONS, "surfaces": stanford_background.SURFACES}
    assert loaded.class_names == names[kind]
    assert loaded.source == f"files in {tmp_path}"
    # Twice as large: each label stands for 2 x 2 pixels, and none is invented between two.
    expected = scenes.expected("0000009", kind).repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(loaded.masks[0], expected)


def test_class_names_are_in_the_order_of_their_numbers():
    assert stanford_background.REGIONS[2] == "road" and len(stanford_background.REGIONS) == 8
    assert stanford_background.SURFACES == ("sky", "horizontal", "vertical")


def test_images_are_red_green_blue_and_stay_smooth(scenes, tmp_path):
    images = stanford_background.load("regions", (6, 8), scenes.unpacked(tmp_path)).images
    red, green, blue = images[0].transpose(2, 0, 1).astype(int)
    assert red[-1].min() > 200 and blue.max() < 30
    assert abs(red - 2 * green).max() < 20
    # Averaged, not picked: the first row is the mean of two rows, 0 and 23.
    assert 5 < red[0].mean() < 20


def test_sizes_as_they_are(tmp_path):
    alike = TinyScenes({"0000009": (12, 16), "0000047": (12, 16)})
    loaded = stanford_background.load("regions", None, alike.unpacked(tmp_path))
    np.testing.assert_array_equal(loaded.masks[1], alike.expected("0000047", "regions"))


def test_scenes_of_several_sizes_need_a_size(scenes, tmp_path):
    with pytest.raises(ValueError, match=r"0000047 is 12 x 16 .* 16 x 12: give a size .* scene\("):
        stanford_background.load("regions", None, scenes.unpacked(tmp_path))
    assert not list(tmp_path.glob(".decoded*.npy"))


@pytest.mark.parametrize("size", [(0, 8), (8, -1)])
def test_size_of_nothing(tmp_path, size):
    with pytest.raises(ValueError, match="1 or more each"):
        stanford_background.load("regions", size, tmp_path)


def test_kinds_that_cannot_be_loaded(tmp_path):
    with pytest.raises(ValueError, match="'depth': there are regions, surfaces"):
        stanford_background.load("depth", root=tmp_path)
    with pytest.raises(ValueError, match=r"numbers of connected stretches.*scene\(name\)\.layers"):
        stanford_background.load("layers", root=tmp_path)


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


@pytest.mark.parametrize(("name", "row"), [("0000009", 5), ("0000047", -4), ("1000001", None)])
def test_horizon(scenes, tmp_path, name, row):
    assert stanford_background.scene(name, scenes.unpacked(tmp_path)).horizon == row


@pytest.mark.parametrize("content", [None, b"", b"0000009 16 12 far\n", b"0000009\n", b"\xff\0"])
def test_nothing_depends_on_the_horizons(scenes, data, tmp_path, content):
    scenes.files.pop(f"{TOP}/horizons.txt")
    if content is not None:
        scenes.files[f"{TOP}/horizons.txt"] = content
    folder = fetch(scenes.entry(), root=data, mirror=scenes.mirror(tmp_path / "mirror"))
    assert stanford_background.scene("0000009", folder).horizon is None
    assert len(stanford_background.load("regions", (8, 8), folder)) == 3


def test_unknown_scene(scenes, tmp_path):
    with pytest.raises(ValueError, match=r"'47': there are 3, such as 0000009, 0000047"):
        stanford_background.scene("47", scenes.unpacked(tmp_path))


def test_names_without_the_archives_own_folder(scenes, tmp_path):
    folder = scenes.unpacked(tmp_path) / TOP
    assert stanford_background.names(folder) == stanford_background.names(tmp_path) == IDS


def test_everything_fetches_by_itself(scenes, data, tmp_path, monkeypatch):
    monkeypatch.setattr(stanford_background, "STANFORD_BACKGROUND", scenes.entry())
    monkeypatch.setenv("COURSE_DATA_DIR", str(data))
    monkeypatch.setenv("COURSE_MIRROR", str(scenes.mirror(tmp_path / "mirror")))
    assert stanford_background.names() == IDS
    assert stanford_background.scene("0000047").regions.shape == (16, 12)
    assert "Stanford Background: " in stanford_background.load(size=(8, 8)).source


ROW = b"0 " * 16 + b"\n"
FAULTS = {
    "no regions": (label_file("0000047", "regions"), None, "0000047.regions.txt is missing."),
    "no surfaces": (label_file("0000047", "surfaces"), None, "0000047.surfaces.txt is missing."),
    "no layers": (label_file("0000047", "layers"), None, "0000047.layers.txt is missing."),
    "no image": (image_file("0000047"), None, "the image images/0000047.jpg is missing."),
    "short row": (
        label_file("0000009", "regions"),
        4 * ROW + ROW[2:] + 7 * ROW,
        "labels/0000009.regions.txt has 15 numbers in line 5, but 16 in the lines before.",
    ),
    "long row": (
        label_file("0000009", "surfaces"),
        11 * ROW + b"1 " + ROW,
        "labels/0000009.surfaces.txt has 17 numbers in line 12, but 16 in the lines before.",
    ),
    "empty line in the middle": (
        label_file("0000009", "regions"),
        ROW + b"\n" + 11 * ROW,
        "labels/0000009.regions.txt has 0 numbers in line 2, but 16",
    ),
    "empty file": (label_file("0000009", "layers"), b"", "0000009.layers.txt is empty."),
    "blank file": (label_file("0000009", "regions"), b" \n \n", "0000009.regions.txt is empty."),
    "region 8": (
        label_file("0000009", "regions"),
        2 * ROW + b"8 " + ROW[2:] + 9 * ROW,
        "labels/0000009.regions.txt has the label 8 in line 3; there are only 8 classes, 0 to 7",
    ),
    "surface 3": (
        label_file("0000009", "surfaces"),
        11 * ROW + b"3 " + ROW[2:],
        "labels/0000009.surfaces.txt has the label 3 in line 12; there are only 3 classes",
    ),
    "a word": (
        label_file("0000009", "regions"),
        ROW + b"sky " + ROW[2:] + 10 * ROW,
        "labels/0000009.regions.txt has 'sky' in line 2, which is not a label number.",
    ),
    "a fraction": (
        label_file("0000009", "layers"),
        b"1.5 " + ROW[2:] + 11 * ROW,
        "labels/0000009.layers.txt has '1.5' in line 1, which is not a label number.",
    ),
    "a lone minus": (
        label_file("0000009", "regions"),
        b"- " + ROW[2:] + 11 * ROW,
        "labels/0000009.regions.txt has '-' in line 1, which is not a label number.",
    ),
    "a number beyond all bounds": (
        label_file("0000009", "layers"),
        b"9999999999 " + ROW[2:] + 11 * ROW,
        "labels/0000009.layers.txt has '9999999999' in line 1",
    ),
    "labels of another size": (
        label_file("0000009", "regions"),
        11 * ROW,
        "labels/0000009.regions.txt is 16 x 11 pixels, but its image is 16 x 12.",
    ),
    "garbage for an image": (
        image_file("0000047"),
        b"no picture",
        "images/0000047.jpg cannot be read as a picture.",
    ),
    "empty image": (image_file("0000047"), b"", "images/0000047.jpg cannot be read as a picture."),
    "image cut off": (
        image_file("0000047"),
        jpeg(np.random.default_rng(0).integers(0, 255, (16, 12, 3), np.uint8))[:-40],
        "images/0000047.jpg cannot be read as a picture.",
    ),
}


@pytest.fixture(params=FAULTS)
def fault(request, scenes):
    file, content, words = FAULTS[request.param]
    scenes.files.pop(file)
    if content is not None:
        scenes.files[file] = content
    return file, words


def test_fetch_keeps_nothing_of_bad_content(scenes, data, tmp_path, left, fault):
    entry = scenes.entry(pairs={"all": 3})
    with pytest.raises(CourseDataError) as caught:
        fetch(entry, root=data, mirror=scenes.mirror(tmp_path / "mirror"))
    assert fault[1] in str(caught.value)
    assert ".part" not in str(caught.value)  # no word of a folder that is gone
    assert left(data) == []


def test_load_names_the_file_at_fault(scenes, tmp_path, fault):
    file, words = fault
    scenes.unpacked(tmp_path)
    kind = "surfaces" if "surfaces" in file else "regions"
    if "layers" in file and words.endswith("is missing.") is False:
        stanford_background.load(kind, (8, 8), tmp_path)  # the layers are not read
        return
    with pytest.raises(CourseDataError) as caught:
        stanford_background.load(kind, (8, 8), tmp_path)
    assert words in str(caught.value)
    assert f"delete {tmp_path} and" in str(caught.value)
    assert not list(tmp_path.glob(".decoded*.npy"))


def test_scene_names_the_file_at_fault(scenes, tmp_path):
    del scenes.files[label_file("0000047", "layers")]
    scenes.files[label_file("0000009", "layers")] = b"1 2\n3\n"
    scenes.unpacked(tmp_path)
    with pytest.raises(CourseDataError, match=r"0000047\.layers\.txt cannot be read: No such file"):
        stanford_background.scene("0000047", tmp_path)
    with pytest.raises(CourseDataError, match=r"0000009\.layers\.txt has 1 numbers in line 2"):
        stanford_background.scene("0000009", tmp_path)


def test_a_scene_too_few(scenes, data, tmp_path, left):
    entry = scenes.entry(pairs={"all": 4})
    with pytest.raises(CourseDataError, match="the folder images holds 3 images, not 4"):
        fetch(entry, root=data, mirror=scenes.mirror(tmp_path / "mirror"))
    assert left(data) == []


def test_several_missing_files_are_counted(scenes, tmp_path):
    for name in IDS[:2]:
        del scenes.files[label_file(name, "regions")]
    with pytest.raises(CourseDataError, match=r"0000009\.regions\.txt is missing, and 1 more"):
        stanford_background.names(scenes.unpacked(tmp_path))


def test_a_folder_that_holds_something_else(tmp_path):
    with pytest.raises(CourseDataError, match="there is no folder images"):
        stanford_background.names(tmp_path)
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    with pytest.raises(CourseDataError, match="the folder images holds no JPEG file"):
        stanford_background.names(tmp_path)


@pytest.mark.parametrize(
    "text", [b"1 2 \n3 -1 \n", b"1 2\n3 -1", b"1\t2\r\n3 -1\r\n\r\n", b" 1  2 \n  3 -1\n \n"]
)
def test_blanks_at_the_end_are_normal(scenes, tmp_path, text):
    name = "0000009"
    scenes.files[image_file(name)] = jpeg(np.zeros((2, 2, 3), np.uint8))
    for kind in ("regions", "surfaces", "layers"):
        scenes.files[label_file(name, kind)] = text.replace(b"3", b"0")
    scene = stanford_background.scene(name, scenes.unpacked(tmp_path))
    assert scene.regions.tolist() == [[1, 2], [0, IGNORE]]
    assert scene.layers.tolist() == [[1, 2], [0, -1]]


def test_second_load_decodes_nothing(scenes, tmp_path, monkeypatch):
    scenes.unpacked(tmp_path)
    first = stanford_background.load("regions", (8, 8), tmp_path)

    def decode(*args):
        raise AssertionError("decoded again")

    monkeypatch.setattr(stanford_background, "read_image", decode)
    monkeypatch.setattr(stanford_background, "read_labels", decode)
    second = stanford_background.load("regions", (8, 8), tmp_path)
    np.testing.assert_array_equal(first.images, second.images)
    np.testing.assert_array_equal(first.masks, second.masks)
    with pytest.raises(AssertionError, match="decoded again"):  # another kind has other arrays
        stanford_background.load("surfaces", (8, 8), tmp_path)


def test_each_size_has_its_own_arrays(scenes, tmp_path):
    scenes.unpacked(tmp_path)
    for size in ((8, 8), (4, 8), (8, 8)):
        assert stanford_background.load("regions", size, tmp_path).masks.shape == (3, *size)


@pytest.mark.parametrize("damage", ["empty", "rubbish", "cut off"])
def test_damaged_arrays_are_made_anew(scenes, tmp_path, damage):
    expected = stanford_background.load("regions", (8, 8), scenes.unpacked(tmp_path))
    for cache in tmp_path.glob(".decoded*.npy"):
        whole = cache.read_bytes()
        cache.write_bytes({"empty": b"", "rubbish": b"rubbish"}.get(damage, whole[:-9]))
    again = stanford_background.load("regions", (8, 8), tmp_path)
    np.testing.assert_array_equal(again.masks, expected.masks)
    np.testing.assert_array_equal(again.images, expected.images)
    assert cache.stat().st_size == len(whole)


@pytest.mark.parametrize("what", ["labels", "image", "removed"])
def test_stale_arrays_are_made_anew(scenes, tmp_path, what):
    before = stanford_background.load("regions", (12, 16), scenes.unpacked(tmp_path))
    if what == "labels":
        file = tmp_path / label_file("0000009", "regions")
        file.write_bytes(12 * ROW)
    elif what == "image":
        file = tmp_path / image_file("0000009")
        file.write_bytes(jpeg(np.full((12, 16, 3), 9, np.uint8)))
    if what == "removed":
        for name in scenes.files:
            if "1000001" in name:
                (tmp_path / name).unlink()
    else:
        os.utime(file, ns=(0, 10**9))
    after = stanford_background.load("regions", (12, 16), tmp_path)
    if what == "labels":
        assert not after.masks[0].any() and before.masks[0].any()
    elif what == "image":
        assert abs(after.images[0].astype(int) - 9).max() < 3
    else:
        assert after.ids == IDS[:2] and len(after) == 2


def test_an_image_that_came_to_have_another_size_is_noticed(scenes, tmp_path):
    stanford_background.load("regions", (8, 8), scenes.unpacked(tmp_path))
    (tmp_path / image_file("0000009")).write_bytes(jpeg(np.zeros((5, 5, 3), np.uint8)))
    with pytest.raises(CourseDataError, match="16 x 12 pixels, but its image is 5 x 5"):
        stanford_background.load("regions", (8, 8), tmp_path)


def test_read_only_folder_is_read_all_the_same(scenes, read_only):
    folder, as_ordinary_user = read_only
    scenes.unpacked(folder)
    with as_ordinary_user():
        loaded = stanford_background.load("surfaces", (12, 16), folder)
    np.testing.assert_array_equal(loaded.masks[0], scenes.expected("0000009", "surfaces"))
    assert not list(folder.glob(".decoded*.npy"))


@pytest.fixture(scope="session")
def genuine(tmp_path_factory):
    """A folder with the genuine sample of the mirror alone."""
    import tarfile

    from conftest import REAL_MIRROR

    archive = REAL_MIRROR / "iccv09Data.tar.gz"
    if not archive.is_file():
        pytest.skip("no mirror with the outdoor scenes: set COURSE_MIRROR to one")
    folder = tmp_path_factory.mktemp("genuine")
    with tarfile.open(archive) as opened:
        members = [member for member in opened if "/0000047." in member.name]
        opened.extractall(folder, members, filter="data")
    return folder


def test_the_genuine_sample(genuine):
    scene = stanford_background.scene("0000047", genuine)
    assert scene.image.shape == (240, 320, 3)
    assert np.unique(scene.regions).tolist() == [0, 1, 2, 5, 7]
    assert np.unique(scene.surfaces).tolist() == [0, 1, 2]
    assert np.unique(scene.layers).tolist() == list(range(19))
    # The three kinds tell of the same things: sky is sky, and roads lie flat.
    assert ((scene.regions == 0) == (scene.surfaces == 0)).mean() > 0.99
    assert (scene.surfaces[scene.regions == 2] == 1).mean() > 0.95
    assert scene.horizon is None
    reference = np.loadtxt(genuine / label_file("0000047", "layers"), dtype=np.int32)
    np.testing.assert_array_equal(scene.layers, reference)
    for kind, classes in {"regions": 8, "surfaces": 3}.items():
        loaded = stanford_background.load(kind, (240, 320), genuine)
        np.testing.assert_array_equal(loaded.masks[0], getattr(scene, kind))
        np.testing.assert_array_equal(loaded.images[0], scene.image)
        assert len(loaded.class_names) == classes
    assert stanford_background.load("regions", None, genuine).masks.shape == (1, 240, 320)


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
