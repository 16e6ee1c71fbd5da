"""Own pictures: what each annotation format holds, the classes, and what is refused in words."""

import base64
import io
import json
import os
import sys
import warnings
import zipfile

import labelme_to_masks
import numpy as np
import pytest
from PIL import ExifTags, Image

from course_utils.datasets import IGNORE, CourseDataError, own_data
from course_utils.datasets.annotations import Shape, decode_runs

SIZE = (30, 40)
COLORS = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
FLIPS = {  # by the camera's flag: how a picture that stands upright is stored
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: np.swapaxes(a, 0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(np.swapaxes(a, 0, 1), 2),
    8: lambda a: np.rot90(a, -1),
}


def saved(pixels, ending="png", mode=None, palette=None, **options):
    """A picture file as bytes, written by Pillow."""
    picture = Image.fromarray(np.asarray(pixels))
    if palette:
        picture.putpalette(palette)
    buffer = io.BytesIO()
    picture.convert(mode or picture.mode).save(buffer, ending, **options)
    return buffer.getvalue()


def flagged(flag, upright=COLORS, ending="png"):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = flag
    return saved(FLIPS[flag](upright), ending, exif=exif)


def text(content):
    return base64.b64encode(content).decode()


def shape(label, points, kind="polygon", **more):
    return {"label": label, "points": points, "shape_type": kind, **more}


def box(left, top, right, bottom, label="cat"):
    return shape(label, [[right, top], [left, bottom]], "rectangle")


def labelme(*shapes, path="x.png", size=SIZE, **more):
    head = {"version": "5.8.0", "flags": {}, "imagePath": path, "imageData": None}
    sizes = {"imageHeight": size[0], "imageWidth": size[1]} if size else {}
    return json.dumps({**head, **sizes, "shapes": shapes, **more}, ensure_ascii=False).encode()


PICTURE, JPEG = saved(COLORS), saved(COLORS, "jpeg")
CAT = labelme(box(2, 3, 7, 9))
CAT_MASK = np.zeros(SIZE, np.uint8)
CAT_MASK[3:9, 2:7] = 1


@pytest.fixture
def read(tmp_path):
    """Write files into a folder, and read it."""

    def call(files, *args, **kwargs):
        for name, content in files.items():
            path = tmp_path / "own" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return own_data.read(tmp_path / "own", *args, **kwargs)

    return call


# LabelMe -----------------------------------------------------------------------------------------


def cells(*windows, size=SIZE):
    mask = np.zeros(size, np.uint8)
    for window in windows:
        mask[window] = 1
    return mask


def disc(x, y, radius):
    rows, columns = np.indices(SIZE) + 0.5
    return (np.hypot(columns - x, rows - y) < radius).astype(np.uint8)


PATCH = saved(np.array([[1, 0, 1], [1, 1, 1]], bool))


def patch(left, top, right, bottom, content=PATCH):
    return shape("cat", [[left, top], [right, bottom]], "mask", mask=text(content))


SQUARE = [[2, 3], [7, 3], [7, 9], [2, 9]]
SHAPES = {
    "polygon": (shape("cat", SQUARE), CAT_MASK),
    "type null": (shape("cat", SQUARE, None), CAT_MASK),
    "type missing": ({"label": "cat", "points": SQUARE}, CAT_MASK),
    "rectangle": (shape("cat", [[2, 3], [7, 9]], "rectangle"), CAT_MASK),
    "rectangle, other corners": (shape("cat", [[7, 3], [2, 9]], "rectangle"), CAT_MASK),
    "rectangle, four corners": (shape("cat", SQUARE, "rectangle"), CAT_MASK),
    "oriented": (shape("cat", SQUARE, "oriented_rectangle"), CAT_MASK),
    "half outside": (shape("cat", [[-9, 3], [7, 3], [7, 99], [-9, 99]]), cells(np.s_[3:, :7])),
    "circle": (shape("cat", [[20, 15], [20, 21]], "circle"), disc(20, 15, 6)),
    "point": (shape("cat", [[20, 15]], "point"), disc(20, 15, 5)),
    "line": (shape("cat", [[10, 15], [30, 15]], "line"), cells(np.s_[10:20, 10:30])),
    "strip": (
        shape("cat", [[0, 5], [20, 5], [20, 30]], "linestrip"),
        cells(np.s_[:10, :20], np.s_[5:, 15:25]) | disc(20, 5, 5),
    ),
    "mask": (patch(4, 6, 6, 7), cells(np.s_[6:8, 4:7])),
    "mask at the edge": (patch(-1, 29, 1, 30), cells(np.s_[29, 1])),
}
SHAPES["mask"][1][6, 5] = 0


@pytest.mark.parametrize("name", SHAPES)
def test_labelme_shapes(read, name):
    one, expected = SHAPES[name]
    image, mask = read({"x.png": PICTURE, "x.json": labelme(one)})[0]
    np.testing.assert_array_equal(mask, expected)
    np.testing.assert_array_equal(image, COLORS)
    assert mask.dtype == image.dtype == np.uint8


ONE = box(2, 3, 7, 9)
EMBEDDED = {"imageData": text(PICTURE)}
HEAD = {"version": "3.16.2", "lineColor": [0, 255, 0, 128], "imagePath": "x.png"} | EMBEDDED
OLD = HEAD | {"shapes": [{"label": "cat", "line_color": None, "points": SQUARE}]}
FILES = {  # how an annotation may lead to its picture
    "embedded": {"x.json": labelme(ONE, **EMBEDDED)},
    "embedded, no path": {"x.json": labelme(ONE, path="", **EMBEDDED)},
    "both": {"x.png": PICTURE, "x.json": labelme(ONE, imageData="not looked at")},
    "version 3": {"x.png": PICTURE, "x.json": json.dumps(OLD).encode()},
    "no sizes": {"x.png": PICTURE, "x.json": labelme(ONE, size=None)},
    "Windows": {"a/x.png": PICTURE, "j/x.json": labelme(ONE, path="..\\a\\x.png")},
    "elsewhere": {"x.png": PICTURE, "x.json": labelme(ONE, path="C:\\me\\x.png")},
    "upper case": {"x.PNG": PICTURE, "x.json": CAT},
    "umlaut": {"A\u0308.PNG": PICTURE, "x.json": labelme(ONE, path="\u00e4.png")},
    "byte order mark": {"x.png": PICTURE, "x.json": b"\xef\xbb\xbf" + CAT},
    "half the size": {"x.png": PICTURE, "x.json": labelme(box(1, 1.5, 3.5, 4.5), size=(15, 20))},
}


@pytest.mark.parametrize("name", FILES)
def test_ways_from_a_labelme_file_to_its_picture(read, name):
    own = read(FILES[name])
    assert len(own) == 1 and own.class_names == ("background", "cat")
    np.testing.assert_array_equal(own[0][0], COLORS)
    if name == "half the size":
        assert own.report()["annotated at another size"] == ("x",)
    else:
        np.testing.assert_array_equal(own[0][1], CAT_MASK)


@pytest.mark.parametrize("flag", FLIPS)
def test_pictures_stand_upright_once_wherever_they_are(read, flag, tmp_path):
    shapes = box(2, 3, 7, 9)
    files = {"disk.png": flagged(flag), "disk.json": labelme(shapes, path="disk.png")}
    files["embedded.json"] = labelme(shapes, path="no.png", imageData=text(flagged(flag)))
    own = read(files)
    for image, mask in own:
        np.testing.assert_array_equal(image, COLORS)
        np.testing.assert_array_equal(mask, CAT_MASK)
    assert len(own.report()["turned upright"]) == (2 if flag > 1 else 0)
    own.save_masks(tmp_path / "saved")
    with Image.open(tmp_path / "saved" / "images" / "disk.png") as picture:
        assert picture.size == SIZE[::-1] and picture.getexif().get(0x0112, 1) == 1


# COCO --------------------------------------------------------------------------------------------

RUNS = [2 * 30 + 3, 6, 24, 6, 24, 6, 24, 6, 24, 6, 33 * 30 + 21]  # CAT_MASK, column by column
OUTLINE = np.ravel(SQUARE).tolist()


IMAGE = {"id": 5, "file_name": "x.png", "height": SIZE[0], "width": SIZE[1]}


def coco(*annotations, categories=((7, "cat"), (90, "dog")), name="x.png", **more):
    return json.dumps(
        {
            "images": [IMAGE | {"file_name": name}],
            "categories": [{"id": number, "name": name} for number, name in categories],
            "annotations": [
                {"id": 1, "image_id": 5, "category_id": 7} | one for one in annotations
            ],
            **more,
        }
    ).encode()


OUTLINES = {
    "polygon": ({"segmentation": [OUTLINE]}, CAT_MASK),
    "parts, of which a small one is no hole": (
        {"segmentation": [OUTLINE, [3, 4, 5, 4, 5, 6, 3, 6], [20, 0, 22, 0, 22, 9, 20, 9]]},
        CAT_MASK | cells(np.s_[:9, 20:22]),
    ),
    "runs": ({"segmentation": {"size": SIZE, "counts": RUNS}}, CAT_MASK),
    "crowd": ({"segmentation": [OUTLINE], "iscrowd": 1}, CAT_MASK * IGNORE),
    "nothing": ({"segmentation": []}, CAT_MASK * 0),
    "two points": ({"segmentation": [[2, 3, 7, 9]]}, CAT_MASK * 0),
    "a box alone": ({"bbox": [1, 2, 3, 4]}, CAT_MASK * 0),
    "category 90": ({"segmentation": [OUTLINE], "category_id": 90}, CAT_MASK),
}


@pytest.mark.parametrize("name", OUTLINES)
def test_coco_outlines(read, name):
    one, expected = OUTLINES[name]
    own = read({"images/x.png": PICTURE, "annotations/all.json": coco(one)})
    np.testing.assert_array_equal(own[0][1], expected)
    used = "dog" if one.get("category_id") else "cat"
    assert own.class_names == ("background", used) and len(own.notes) == 1  # of the other one
    report = own.report()
    assert bool(report["nothing marked"]) == (not (expected % IGNORE).any())
    assert bool(report["marks no pixel"]) == (not expected.any())  # told, not passed over


def test_crowds_lie_below_or_count_as_their_class(read):
    files = {"x.png": PICTURE}
    around = [0, 0, 20, 0, 20, 20, 0, 20]
    files["c.json"] = coco({"segmentation": [OUTLINE]}, {"segmentation": [around], "iscrowd": 1})
    mask = read(files)[0][1]
    assert (mask[CAT_MASK == 1] == 1).all() and mask[0, 0] == IGNORE and mask[25, 25] == 0
    assert read(files, crowd="class")[0][1][0, 0] == 1


def test_run_lengths_by_hand():
    inside = decode_runs([1, 2, 3], (2, 3))
    assert inside.tolist() == [[False, True, False], [True, False, False]]
    # "1" is 1, "2" is 2, "3" is 3; from the fourth on "O" (-1) is 1 less than two before.
    assert (decode_runs("123O", (1, 7)) == [0, 1, 1, 0, 0, 0, 1]).all()
    assert (decode_runs("0X1", (1, 40)) == 1).all()  # 40: 8, and more follow: 1 x 32
    with pytest.raises(ValueError, match="add up to 6"):
        decode_runs([1, 2, 3], (2, 4))


def test_coco_agrees_with_pycocotools():
    reference = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")
    rng = np.random.default_rng(0)
    for size in ((30, 40), (400, 300), (1, 9)):
        for density in (0.02, 0.5, 0.97):
            pixels = np.asfortranarray(rng.random(size) < density, np.uint8)
            packed = reference.encode(pixels)["counts"].decode()
            np.testing.assert_array_equal(decode_runs(packed, size), pixels)
    for _ in range(20):  # polygons of two parts; on the outline the two may differ
        angles = np.sort(rng.random((2, 9)) * 2 * np.pi, axis=1)
        parts = rng.uniform(60, 140, (2, 1, 2)) + rng.uniform(20, 60) * np.stack(
            [np.cos(angles), np.sin(angles)], axis=-1
        )
        ours = Shape("cat", "polygon", tuple(parts)).draw((200, 200))
        runs = reference.frPyObjects([part.ravel().tolist() for part in parts], 200, 200)
        theirs = reference.decode(reference.merge(runs)).astype(bool)
        assert (ours & theirs).sum() / (ours | theirs).sum() > 0.97
        assert abs(ours.sum() / theirs.sum() - 1) < 0.02


# Masks -------------------------------------------------------------------------------------------

THREE = CAT_MASK.copy()
THREE[20:, 30:] = 2
RED_GREEN = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0]], np.uint8)[THREE]
CLEAR = np.dstack([RED_GREEN, np.where(THREE, 255, 0).astype(np.uint8)])
BY_COLOR = {(0, 0, 0): "background", (255, 0, 0): "cat", (0, 255, 0): "dog"}
NAMES = ["background", "cat", "dog"]
UNKNOWN = np.where(THREE == 2, IGNORE, THREE)
TWICE = CAT_MASK.repeat(2, axis=0).repeat(2, axis=1)
MASKS = {  # files of masks beside x.jpg, classes, expected mask
    "0 and 1": ({"x.png": saved(CAT_MASK)}, None, CAT_MASK),
    "one bit": ({"x.png": saved(CAT_MASK > 0)}, None, CAT_MASK),
    "0, 255": ({"x.png": saved(CAT_MASK * 255)}, None, CAT_MASK),
    "0, 255, named": ({"x.png": saved(CAT_MASK * 255)}, ["no", "cat"], CAT_MASK),
    "0, 255 as color": ({"x.png": saved(np.dstack([CAT_MASK * 255] * 3))}, None, CAT_MASK),
    "numbers": ({"x_mask.png": saved(THREE)}, None, THREE),
    "16 bits": ({"x-label.tif": saved(THREE.astype(np.uint16), "tiff")}, NAMES, THREE),
    "palette": ({"x.jpg.png": saved(THREE, palette=list(range(9)))}, NAMES, THREE),
    "colors": ({"masks/x.png": saved(RED_GREEN)}, BY_COLOR, THREE),
    "palette of colors": ({"Masks/x_mask.gif": saved(RED_GREEN, "gif", "P")}, BY_COLOR, THREE),
    "transparent": ({"SegmentationClass/x.png": saved(CLEAR)}, BY_COLOR, THREE),
    "unknown": ({"x.png": saved(UNKNOWN)}, {0: "background", 1: "cat", 255: IGNORE}, UNKNOWN),
    "left out": ({"x.png": saved(THREE)}, {0: "background", 1: None, 2: "cat"}, THREE // 2),
    "twice the size": ({"x.png": saved(TWICE)}, None, CAT_MASK),
    "case": ({"X_Mask.PNG": saved(CAT_MASK)}, None, CAT_MASK),
}


@pytest.mark.parametrize("name", MASKS)
def test_mask_folders(read, name):
    files, classes, expected = MASKS[name]
    own = read({"images/x.jpg" if "/" in next(iter(files)) else "x.jpg": JPEG} | files, classes)
    image, mask = own[0]
    np.testing.assert_array_equal(mask, expected)
    assert len(own) == 1 and own.ids == ("x",) and image.shape == (*SIZE, 3)
    assert bool(own.notes) == name.startswith("0, 255")


# Classes, order, report --------------------------------------------------------------------------

KITTEN = labelme(
    box(2, 3, 7, 9, "kitten"),
    box(20, 0, 30, 30, "wall"),
    box(0, 0, 10, 12, "cat"),
    box(4, 4, 6, 6, "hole"),
    box(12, 12, 14, 14, "?"),
)
TABLE = {"kitten": "kitten", "cat": "cat", "wall": None, "hole": "background", "?": IGNORE}


@pytest.mark.parametrize(
    ("classes", "order", "names", "values"),  # values at a kitten, a hole, a wall, a question mark
    [
        (TABLE, "area", ("background", "kitten", "cat"), (1, 0, 0, IGNORE)),
        (TABLE, "file", ("background", "kitten", "cat"), (2, 0, 0, IGNORE)),
        (TABLE | {"kitten": "cat"}, "file", ("background", "cat"), (1, 0, 0, IGNORE)),
        (None, "area", ("background", "?", "cat", "hole", "kitten", "wall"), (4, 3, 5, 1)),
        (["wall", "hole", "?", "kitten", "cat"], "area", None, (4, 2, 1, 3)),
    ],
)
def test_classes_and_order(read, classes, order, names, values):
    own = read({"x.png": PICTURE, "x.json": KITTEN}, classes, order=order)
    assert own.class_names == (names or ("background", *classes))
    mask = own[0][1]
    assert (mask[8, 3], mask[5, 5], mask[5, 25], mask[13, 13]) == values


def test_the_report_tells_everything(read):
    second = labelme(shape("cat", [[1, 1], [5, 5]]), box(-5, 0, 3, 3), path="y.png")
    files = {"x.png": PICTURE, "x.json": KITTEN, "y.png": flagged(6), "y.json": second}
    files |= {"z.png": PICTURE, "z.json": labelme(path="z.png"), "later.png": PICTURE}
    files |= {"notes.txt": b"", ".hidden": b"", "cut.jpg": JPEG[:-400]}
    files["cut.json"] = labelme(path="cut.jpg")
    report = read(files, TABLE).report()
    expected = {
        "sizes": {"40 x 30": 4},
        "shapes": {"rectangle": 6, "polygon": 1},
        "labels": {"kitten": 1, "cat": 3, "wall": 1, "hole": 1, "?": 1},
        "pixels by class": {"background": 4671, "kitten": 0, "cat": 125, "unknown": 4},
        "nothing marked": ("cut", "z"),
        "turned upright": ("y",),
        "annotated at another size": (),
        "points outside, cut off": ("y",),
        "pixels claimed twice": {"x": 30 + 4},
        "… for two classes": {"x": 30 + 4},
        "marks no pixel": ("y.json (polygon, cat)",),
        "labels left out": {"wall": 1},
        "not annotated": ("later.png",),
        "other files": ("notes.txt",),
    }
    assert {name: report[name] for name in expected} == expected
    assert len(report["problems"]) == 1 and "cut.jpg cannot be read" in report["problems"][0]
    assert all(word in str(report) for word in ("later.png", "wall 1", "cut.jpg", "marks no pixel"))
    assert "pictures by class         background 4, cat 2, kitten 0" in str(report)


def test_labels_that_look_alike_are_told_apart(read):
    labels = [box(2, 3, 7, 9, label) for label in ("cat", "Cat", "cat ", "dog", " cow")]
    report = str(read({"x.png": PICTURE, "x.json": labelme(*labels)}).report())
    assert "5: 'cat' 1, 'Cat' 1, 'cat ' 1, dog 1, ' cow' 1" in report


def test_the_report_draws(read):
    own = read({"x.png": PICTURE, "x.json": KITTEN})
    assert "Pictures (1)" in own.report().draw().alt


def test_masks_saved_are_read_again(read, tmp_path):
    files = {"a/x.png": PICTURE, "a/x.json": KITTEN, "b/x.jpg": flagged(6, ending="jpeg")}
    files["b/x.json"] = labelme(box(0, 0, 5, 5, "cat"), path="x.jpg")
    own = read(files, TABLE)
    own.save_masks(tmp_path / "saved")
    again = own_data.read(tmp_path / "saved")
    assert again.class_names == own.class_names and again.ids == own.ids == ("a/x", "b/x")
    for (image, mask), (image_again, mask_again) in zip(own, again, strict=True):
        np.testing.assert_array_equal(mask_again, mask)
        np.testing.assert_array_equal(image_again, image)
    with pytest.raises(CourseDataError, match="is not empty"):
        own.save_masks(tmp_path / "saved")


def test_the_script(read, tmp_path, capsys):
    read({"x.png": PICTURE, "x.json": KITTEN})
    out = str(tmp_path / "out")
    words = [str(tmp_path / "own"), out, "--classes"]
    assert labelme_to_masks.main([*words, "cat", "wall="]) == 1
    assert "'kitten'" in capsys.readouterr().err
    assert (
        labelme_to_masks.main([*words, "cat", "kitten=cat", "hole=background", "wall=", "?=?"]) == 0
    )
    assert "pictures" in capsys.readouterr().out
    assert own_data.read(out).class_names == ("background", "cat")


# Splits, arrays, streams -------------------------------------------------------------------------


def several(*labels):
    files = {}
    for number, label in enumerate(labels):
        files[f"{number // 2}/{number}.png"] = saved(COLORS // (number + 1))
        shapes = [box(0, 0, 9, 9, one) for one in label.split()]
        files[f"{number // 2}/{number}.json"] = labelme(*shapes, path=f"{number}.png")
    return files


def test_splits_have_every_class_on_both_sides(read):
    own = read(several(*["cat", "cat", "dog", "cat"] * 3), groups=lambda name: name[0])
    for seed in range(5):
        train, validation = own.split(0.3, seed)
        assert len(train) + len(validation) == 12
        assert not set(train.groups) & set(validation.groups)
        for side in (train, validation):
            assert (side.count_pixels().sum(axis=0) > 0).all()
    again = own.split(0.3, 4)[1]
    assert again.ids == validation.ids


@pytest.mark.parametrize(
    ("labels", "classes", "words"),
    [
        (["cat", "cat", "cat dog", "cat"], None, "dog lies in one group only, 1"),
        (["cat"] * 4, ["cat", "dog"], "dog marks no pixel"),
    ],
)
def test_splits_that_cannot_be(read, labels, classes, words):
    own = read(several(*labels), classes, groups=lambda name: name[0])
    with pytest.raises(CourseDataError, match=words):
        own.split(0.5)


def test_streams_are_what_arrays_are(read):
    own = read(several("cat", "dog", "cat dog"))
    data = own.to_dataset((32, 32), fit="pad")
    assert data.ids == own.ids and set(np.unique(data.masks)) == {0, 1, 2, IGNORE}
    assert (data.masks[:, 4:28] != IGNORE).all() and (data.masks[:, :4] == IGNORE).all()
    batches = list(own.batches((32, 32), 2, fit="pad"))
    assert [len(images) for images, _ in batches] == [2, 1]
    np.testing.assert_allclose(
        np.concatenate([b[0] for b in batches]) * 255, data.images, atol=1e-3
    )
    np.testing.assert_array_equal(np.concatenate([b[1] for b in batches])[..., 0], data.masks)
    with pytest.raises(ValueError, match="fit must be"):
        own.to_dataset((32, 32), fit="crop")


def test_a_stream_names_the_file_at_fault(read):
    own = read({"x.jpg": JPEG[:-400], "x.json": labelme(path="x.jpg")})
    with pytest.raises(CourseDataError, match=r"x\.jpg cannot"):
        own[0]
    with pytest.raises(Exception, match=r"x\.jpg cannot be read as a picture"):
        list(own.batches((32, 32), 2))


# Faults ------------------------------------------------------------------------------------------

HUGE = b"BM" + bytes(12) + (40).to_bytes(4, "little") + (90_000).to_bytes(4, "little") * 2
HUGE += b"\1\0\30\0" + bytes(24)


def with_shapes(*shapes, **more):
    return {"x.png": PICTURE, "x.json": labelme(*shapes, **more)}


def with_coco(*annotations, **more):
    return {"x.png": PICTURE, "a.json": coco(*annotations, **more)}


def with_mask(pixels, name="x.png", **options):
    kind = {"png": "png", "jpg": "jpeg", "tif": "tiff"}[name[-3:]]
    return {"x.jpg": PICTURE, name: saved(pixels, kind, **options)}


PAIR = {"x.json": CAT, "x.png": PICTURE}
RUNS_OF_5 = {"segmentation": {"size": SIZE, "counts": [5]}}
FAULTS = [  # words of the error, files, classes
    ("no annotated picture", {"x.txt": b""}, None),
    (r"y\.json is not JSON: .*line 1", PAIR | {"y.json": CAT[:-9]}, None),
    (r"x\.json is not JSON", PAIR | {"x.json": CAT[:-9]}, None),
    (r"x\.json is not JSON", PAIR | {"x.json": b"\xff" + CAT, "w.json": CAT}, None),
    (r"none of x\.json is LabelMe's or COCO's", PAIR | {"x.json": b"[1]"}, None),
    (r"y\.json is no LabelMe file", PAIR | {"y.json": b"[1]"}, None),
    (r"x\.json names the picture x\.png, which is missing", {"x.json": CAT}, None),
    (
        r"which may be a/x\.png or b/x\.png",
        {"x.json": labelme(path="no/x.png"), "a/x.png": PICTURE, "b/x.png": PICTURE},
        None,
    ),
    ("neither imageData nor an imagePath", with_shapes(path=None), None),
    ("imageData that is not base64", with_shapes(imageData="§", path=None), None),
    (r"shape 1 \(cat\).*no number", with_shapes(shape("cat", [[1, 2], [float("nan"), 4]])), None),
    ("shape 1 has no label", with_shapes({"points": SQUARE}), None),
    ("no list of points", with_shapes(shape("cat", None)), None),
    ("no list of points", with_shapes(shape("cat", [[1, 2, 3]])), None),
    ("'cuboid'; known are polygon", with_shapes(shape("cat", SQUARE, "cuboid")), None),
    ("rectangle with 1 points", with_shapes(shape("cat", [[1, 2]], "rectangle")), None),
    ("shape 1: its mask cannot", with_shapes(patch(0, 0, 2, 1, PATCH[:30])), None),
    (r"shape 1 \(cat\) has a mask of", with_shapes(patch(0, 0, 9, 9)), None),
    ("label '🐱'", with_shapes(box(0, 0, 9, 9, "🐱")), ["cat"]),
    (r"x\.json.* 'cta'.*nearest is 'cat'", with_shapes(box(0, 0, 9, 9, "cta")), ["cat"]),
    ("is for a picture of 40 x 30", PAIR | {"x.png": saved(COLORS[:20])}, None),
    ("annotated unturned", PAIR | {"x.png": flagged(6, np.rot90(COLORS))}, None),
    (r"x\.png cannot be read as a picture", PAIR | {"x.png": b""}, None),
    (r"x\.bmp cannot be read: .*pixels", {"x.json": labelme(path="x.bmp"), "x.bmp": HUGE}, None),
    ("differ in ending, case", PAIR | {"X.json": labelme(path="X.PNG"), "X.PNG": PICTURE}, None),
    ("annotated twice", PAIR | {"y.json": CAT}, None),
    ("2 files are COCO's", with_coco() | {"b.json": coco()}, None),
    ("annotation 1 has the unknown category_id 3", with_coco({"category_id": 3}), None),
    ("annotation 1 has the unknown image_id 3", with_coco({"image_id": 3}), None),
    ("unknown image_id '5'", with_coco({"image_id": "5"}), None),
    ("no valid COCO file", with_coco(categories=[(7, None)]), None),
    ("it lacks 'categories'", PAIR | {"x.json": b'{"images": [], "annotations": []}'}, None),
    ("annotation 1 lacks 'counts'", with_coco({"segmentation": {"size": SIZE}}), None),
    (r"x\.png is annotated twice in a\.json\.", with_coco(images=[IMAGE, IMAGE | {"id": 6}]), None),
    ("annotation 1 has run lengths that add up to 5", with_coco(RUNS_OF_5), None),
    ("no list of polygons", with_coco({"segmentation": [[1, 2, 3]]}), None),
    (r"x\.png has the label 2", with_mask(THREE), ["no", "cat"]),
    ("labels that `classes` lacks: 128, 255", with_mask(THREE * 127 + 1), NAMES),
    ("255: IGNORE.* 255: 'dog'", with_mask(np.where(THREE == 2, 255, THREE)), NAMES),
    ("hold 0, 1, 255.*\n.*IGNORE.*255: 'cat'", with_mask(UNKNOWN), None),
    (r"x\.json has the label ''", with_shapes(box(0, 0, 9, 9, ""), ONE), None),
    (r"the label ' '", with_coco(RUNS_OF_5 | {"segmentation": []}, categories=[(7, " ")]), None),
    (
        r"lacks: 'Cat', 'cat '; the nearest is 'cat'",
        with_shapes(box(0, 0, 9, 9, "Cat"), box(0, 0, 9, 9, "cat ")),
        ["cat"],
    ),
    (r"x\.HEIC cannot.*\n.*to JPEG", {"x.json": labelme(ONE, path="x.HEIC"), "x.HEIC": b""}, None),
    (r"without a picture\.\n.*HEIC as JPEG", {"x.heic": b"", "masks/x.png": PICTURE}, None),
    (
        r"without a picture\.\n.*_label",
        {"images/x.jpg": JPEG, "masks/x_segmentation.png": saved(THREE)},
        None,
    ),
    ("hold 0, 40, 80", with_mask(THREE * 40), None),
    (r"hold \(0, 0, 0\)", with_mask(RED_GREEN), None),
    ("different labels", with_mask(COLORS), NAMES),
    ("export it as PNG", with_mask(THREE * 9, "x_mask.jpg"), NAMES),
    ("half transparent", with_mask(CLEAR // 2), BY_COLOR),
    ("mode is F", with_mask(CAT_MASK.astype(np.float32), "x_mask.tif"), None),
    ("without a picture", {"images/y.jpg": PICTURE, "masks/x.png": saved(THREE)}, None),
    ("two masks of the same name", with_mask(THREE) | {"x_mask.png": saved(THREE)}, None),
    (r"classes\.json is no table", with_mask(THREE) | {"classes.json": b"{}"}, None),
]


@pytest.mark.parametrize(("words", "files", "classes"), FAULTS, ids=[one[0] for one in FAULTS])
def test_what_is_at_fault_is_named_with_what_to_do(read, words, files, classes, tmp_path):
    (tmp_path / "A").mkdir()
    if "X.PNG" in files and (tmp_path / "a").exists():
        pytest.skip("this file system knows no case")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with pytest.raises(CourseDataError, match=words) as caught:
            read(files, classes)
    assert caught.value.what_next and "delete" not in str(caught.value)


def test_all_faults_are_told_at_once_and_can_be_left_out(read):
    files = several("cat", "cta", "cat") | {"9.json": labelme(path="no.png")}
    with pytest.raises(CourseDataError, match=r"(?s)no\.png.*'cta'.*leave out"):
        read(files, ["cat"])
    own = read(files, ["cat"], faults="leave out")
    assert len(own) == 2 and len(own.problems) == 2 and "'cta'" in str(own.report())


def test_pictures_of_odd_kinds(read):
    cmyk = saved(np.full((*SIZE, 3), (200, 30, 60), np.uint8), "jpeg", "CMYK")
    own = read(
        {"x.jpg": cmyk, "x.json": labelme(path="x.jpg"), "y.png": saved(CLEAR)}
        | {"y.json": labelme(box(1, 1, 3, 3, "🐱"), path="y.png")}
    )
    np.testing.assert_allclose(own[0][0].mean(axis=(0, 1)), (200, 30, 60), atol=9)
    assert own[1][0].shape == (*SIZE, 3) and own.class_names[1] == "🐱"


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"order": "size"}, "order must be one of"),
        ({"kind": "voc"}, "kind must be one of"),
        ({"classes": ["cat", "cat"]}, "classes must be a list of names"),
        ({"classes": {"cat": 1}}, "no name, None or IGNORE"),
    ],
)
def test_arguments_at_fault(read, argument, words):
    with pytest.raises(ValueError, match=words):
        read({"x.png": PICTURE, "x.json": CAT}, **argument)


def test_a_folder_without_permission_and_one_that_is_not_there(read_only, tmp_path):
    with pytest.raises(CourseDataError, match="No such file"):
        own_data.read(tmp_path / "nowhere")
    (tmp_path / "x.json").write_bytes(CAT)
    with pytest.raises(
        CourseDataError, match=rf"x\.json is a file\.\nName the folder .*{tmp_path.name}"
    ):
        own_data.read(tmp_path / "x.json")
    root, as_ordinary_user = read_only
    locked = root.with_name("locked")
    locked.mkdir(mode=0)
    with as_ordinary_user(), pytest.raises(CourseDataError, match=r"locked.*Permission denied"):
        own_data.read(locked)
    locked.chmod(0o755)


def test_ten_thousand_files(read, tmp_path):
    read({"x.png": saved(COLORS[:4, :4]), "x_mask.png": saved(CAT_MASK[2:6, 1:5])})
    for number in range(4999):
        for ending in (".png", "_mask.png"):
            os.link(tmp_path / "own" / f"x{ending}", tmp_path / "own" / f"{number}{ending}")
    own = own_data.read(tmp_path / "own")
    assert len(own) == 5000 and sys.getsizeof(own) < 1000 and own[4999][1].shape == (4, 4)


# The photographs of a stranger -------------------------------------------------------------------


def test_fourteen_photographs_of_fruit(real_mirror, tmp_path):
    archive = real_mirror / "labelme_fruit.zip"
    if not archive.is_file():
        pytest.skip("the mirror has no labelme_fruit.zip")
    with zipfile.ZipFile(archive) as members:
        members.extractall(tmp_path)
    own = own_data.read(tmp_path / "labelme_fruit")
    report = own.report()
    assert own.class_names == ("background", "date", "fig", "hazelnut")
    assert report["sizes"] == {"800 x 600": 14} and not report["problems"] and not own.orphans
    assert report["labels"] == {"date": 61, "fig": 31, "hazelnut": 42}
    assert report["shapes"] == {"polygon": 134}
    few = own.subset(range(3))
    few.save_masks(tmp_path / "saved")
    again = own_data.read(tmp_path / "saved")
    for (image, mask), (image_again, mask_again) in zip(few, again, strict=True):
        np.testing.assert_array_equal(mask_again, mask)
        np.testing.assert_array_equal(image_again, image)
