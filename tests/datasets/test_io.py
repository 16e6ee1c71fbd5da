"""Reading pictures and label text, and keeping decoded arrays beside the files."""

import io
import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import ExifTags, Image
from tiny_dataset import png

from course_utils.datasets import CourseDataError
from course_utils.datasets.io import DataFolder, cache_arrays, check_size, resize

GRAY = np.arange(192, dtype=np.uint8).reshape(12, 16)
COLORS = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)


def saved(pixels, ending="png", mode=None, palette=None, **options):
    """A picture file as bytes, written by Pillow."""
    picture = Image.fromarray(pixels)
    if palette is not None:
        picture.putpalette(palette)
    buffer = io.BytesIO()
    picture.convert(mode or picture.mode).save(buffer, ending, **options)
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path):
    return DataFolder(tmp_path, "the test's pictures")


@pytest.fixture
def file(folder):
    """Write bytes into the folder; the file's name has what Windows finds hard."""

    def write(content, name="Äpfel.png"):
        (folder.root / name).write_bytes(content)
        return name

    return write


TURNS = tuple((i, 9, 255 - i) for i in range(256))
KINDS = {
    "gray": (saved(GRAY), np.dstack([GRAY] * 3)),
    "16 bits": (saved(GRAY.astype(np.uint16) * 257 + (64 << 8)), np.dstack([GRAY + 64] * 3)),
    "16 bits, color": (png(COLORS[..., ::-1].astype(np.uint16) * 257), COLORS),
    "red, green, blue": (png(COLORS[..., ::-1]), COLORS),
    "transparent": (saved(np.dstack([COLORS, GRAY])), COLORS),
    "palette": (saved(GRAY, palette=np.ravel(TURNS).tolist()), np.array(TURNS, np.uint8)[GRAY]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_images_of_any_kind_become_red_green_blue(folder, file, kind):
    content, expected = KINDS[kind]
    np.testing.assert_array_equal(folder.read_image(file(content)), expected)


@pytest.mark.parametrize("n_bits", [8, 10, 12, 14])
def test_pictures_of_cameras_with_less_than_16_bits(folder, file, n_bits):
    content = saved(GRAY.astype(np.uint16) << (n_bits - 8))
    with pytest.warns(UserWarning, match=rf"Äpfel\.png has 16 bits.* a picture of {n_bits} bits"):
        picture = folder.read_image(file(content))
    np.testing.assert_array_equal(picture, np.dstack([GRAY] * 3))
    color = png(COLORS.astype(np.uint16) << (n_bits - 8))
    with pytest.raises(CourseDataError, match=r"Äpfel\.png has 16 bits.* leaves the upper ones"):
        folder.read_image(file(color))


def test_photographs_are_turned_upright_once_unless_their_labels_were_not(folder, file):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # "turn me by 90 degrees"
    name = file(saved(COLORS, "png", exif=exif))
    np.testing.assert_array_equal(folder.read_image(name), np.rot90(COLORS, -1))
    np.testing.assert_array_equal(folder.read_image(name, upright=False), COLORS)


def test_masks_are_class_numbers(folder, file):
    np.testing.assert_array_equal(folder.read_gray(file(saved(GRAY))), GRAY)
    indices = saved(GRAY, palette=np.ravel(TURNS).tolist())
    np.testing.assert_array_equal(folder.read_gray(file(indices), palette=True), GRAY)
    one_bit = saved(GRAY > 9)
    assert np.unique(folder.read_gray(file(one_bit))).tolist() == [0, 255]


PNG, JPEG = saved(COLORS), saved(COLORS, "jpeg")
FAULTS = [  # content, and what is said of it
    (b"no picture", "cannot be read as a picture."),
    (b"", "cannot be read as a picture."),
    (PNG[: len(PNG) // 2], "cannot be read as a picture."),
    (JPEG[:-2], "cannot be read as a picture."),
    (PNG, "should be gray with 8 bits, but its mode is RGB."),
    (saved(COLORS, mode="P"), "should be gray with 8 bits, but its mode is P."),
    (saved(GRAY.astype(np.uint16)), "should be gray with 8 bits, but its mode is I;16."),
]


@pytest.mark.parametrize(("content", "words"), FAULTS, ids=range(len(FAULTS)))
def test_a_picture_at_fault_is_named(folder, file, content, words):
    with pytest.raises(CourseDataError) as caught:
        folder.read_gray(file(content))
    assert f"Äpfel.png {words}" in str(caught.value)
    assert f"Read the test's pictures in {folder.root}:" in str(caught.value)
    assert f"delete {folder.root} and try again" in str(caught.value)


def test_pictures_of_32_bits_are_refused(folder, file):
    with pytest.raises(CourseDataError, match=r"32\.tif should have 8 bits per channel"):
        folder.read_image(file(saved(GRAY.astype(np.int32), "tiff"), "32.tif"))


def test_a_missing_file_is_named(folder):
    for read in (folder.read_image, folder.read_gray, folder.read_label_text):
        with pytest.raises(CourseDataError, match=r"not there cannot be read: No such file"):
            read("not there")


@pytest.mark.parametrize(
    "text", [b"1 2 \n3 -1 \n", b"1 2\n3 -1", b"1\t2\r\n3 -1\r\n\r\n", b" 1  2 \n  3 -1\n \n"]
)
def test_label_text(folder, file, text):
    labels = folder.read_label_text(file(text))
    assert labels.tolist() == [[1, 2], [3, -1]] and labels.dtype == np.int32
    assert folder.read_label_text(file(b"7")).tolist() == [[7]]


TEXT_FAULTS = {
    b"": "is empty.",
    b" \n \n": "is empty.",
    b"1 2\n3\n": "has 1 numbers in line 2, but 2 in the lines before.",
    b"1 2\n3 4 5\n": "has 3 numbers in line 2, but 2 in the lines before.",
    b"1 2\n\n3 sky\n": "has 'sky' in line 3, which is not a label number.",
    b"1.5 2\n": "has '1.5' in line 1, which is not a label number.",
    b"1 2\n3 -\n": "has '-' in line 2, which is not a label number.",
    b"9999999999 1\n": "has '9999999999' in line 1, which is not a label number.",
    b"# 1 2\n3 4 5\n": "has '#' in line 1, which is not a label number.",
    b"\xff\xfe1 2\n": "in line 1, which is not a label number.",
}


@pytest.mark.parametrize("text", TEXT_FAULTS)
def test_label_text_at_fault(folder, file, text):
    with pytest.raises(CourseDataError) as caught:
        folder.read_label_text(file(text, "a.regions.txt"))
    assert "a.regions.txt" in str(caught.value) and TEXT_FAULTS[text] in str(caught.value)


def test_images_are_averaged_and_masks_take_the_nearest_label():
    checkers = np.indices((8, 8)).sum(axis=0).astype(np.uint8) % 2 * 200
    image, mask = resize(np.dstack([checkers] * 3), checkers, (4, 4))
    np.testing.assert_allclose(image, 100, atol=1)
    assert set(np.unique(mask)) <= {0, 200}
    image, mask = resize(checkers[..., None], checkers, (16, 16))
    np.testing.assert_array_equal(mask, checkers.repeat(2, axis=0).repeat(2, axis=1))
    assert len(np.unique(image)) > 2  # interpolated


@pytest.mark.parametrize("size", [(0, 8), (8, -1), None, 96, (8.5, 8)])
def test_a_size_at_fault(size):
    with pytest.raises(ValueError, match=r"size must be \(height, width\) in pixels"):
        check_size(size)


class Decoder:
    """Two arrays decoded from two files, and how often that was done."""

    def __init__(self, root):
        self.root, self.files, self.count = root, ["a", "b"], 0
        for name in self.files:
            (root / name).write_bytes(b"1")

    def __call__(self):
        self.count += 1
        time.sleep(0.1)
        sizes = [(self.root / file).read_bytes() for file in self.files]
        return np.array([len(size) for size in sizes]), np.full(100, self.count)

    def load(self):
        images, _ = cache_arrays(self.root / ".decoded.npy", self.root, self.files, self)
        return images.tolist()


@pytest.fixture
def decoder(tmp_path):
    return Decoder(tmp_path)


def test_a_second_load_decodes_nothing(decoder, left):
    assert decoder.load() == decoder.load() == [1, 1] and decoder.count == 1
    assert left(decoder.root) == [".decoded.npy", "a", "b"]


@pytest.mark.parametrize("change", ["longer", "newer", "renamed", "added", "removed"])
def test_arrays_out_of_date_are_made_anew(decoder, change):
    decoder.load()
    if change == "longer":
        times = (decoder.root / "a").stat()
        (decoder.root / "a").write_bytes(b"11")
        os.utime(decoder.root / "a", ns=(times.st_atime_ns, times.st_mtime_ns))
    elif change == "newer":
        os.utime(decoder.root / "a", ns=(0, 10**9))
    elif change == "renamed":
        (decoder.root / "b").rename(decoder.root / "c")
    else:
        (decoder.root / "c").write_bytes(b"")
    files = {"renamed": ["a", "c"], "added": ["a", "b", "c"], "removed": ["a"]}
    decoder.files = files.get(change, ["a", "b"])
    expected = {"longer": [2, 1], "added": [1, 1, 0], "removed": [1]}.get(change, [1, 1])
    assert decoder.load() == expected and decoder.count == 2


@pytest.mark.parametrize("damage", ["empty", "rubbish", "cut off"])
def test_damaged_arrays_are_made_anew(decoder, damage):
    decoder.load()
    cache = decoder.root / ".decoded.npy"
    whole = cache.read_bytes()
    cache.write_bytes({"empty": b"", "rubbish": b"rubbish", "cut off": whole[:-9]}[damage])
    assert decoder.load() == [1, 1] and decoder.count == 2
    assert len(cache.read_bytes()) == len(whole)


def test_of_two_kernels_one_decodes_and_the_other_waits(decoder):
    with ThreadPoolExecutor(2) as pool:
        loaded = list(pool.map(lambda _: decoder.load(), range(2)))
    assert loaded == [[1, 1], [1, 1]]
    assert decoder.count == 1


def test_a_dead_link_is_named(decoder):
    (decoder.root / "a").unlink()
    (decoder.root / "a").symlink_to(decoder.root / "nowhere")
    with pytest.raises(CourseDataError, match="a cannot be read: No such file"):
        decoder.load()


def test_a_folder_that_may_not_be_entered_is_named(read_only):
    root, as_ordinary_user = read_only
    root = root.with_name("locked")
    root.mkdir(mode=0)
    refused = pytest.raises(CourseDataError, match=r"cannot be read \(Permission denied\)")
    with as_ordinary_user(), refused:
        DataFolder(root / "inner", "the pictures", "inner").list_names("{}.png")
    root.chmod(0o755)


def test_a_folder_that_may_not_be_written_to_is_only_slower(read_only):
    root, as_ordinary_user = read_only
    decoder = Decoder(root)
    with as_ordinary_user():
        assert decoder.load() == decoder.load() == [1, 1]
    assert decoder.count == 2 and sorted(path.name for path in root.iterdir()) == ["a", "b"]
