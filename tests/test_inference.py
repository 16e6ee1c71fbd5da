"""Tiles leave no seam, objects are counted once, and a model's folder is all that it takes."""

import json
import tracemalloc
import zipfile

import cv2
import h5py
import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from scipy import ndimage, special

from course_utils import inference, metrics, models, pipeline
from course_utils.datasets import CourseDataError
from course_utils.inference import Segmenter, instances, predict, predict_large

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (40, 53), np.uint8)
COLOR = RNG.integers(0, 256, (40, 53, 3), np.uint8)


def identity(pictures):
    return pictures


def conv(channels=3, classes=1, size=(None, None)):
    """A network that needs no training: each logit a channel's brightness."""
    image = keras.Input((*size, channels))
    kernel = np.eye(channels, classes).reshape(1, 1, channels, classes)
    out = layers.Conv2D(classes, 1, use_bias=False, kernel_initializer="zeros")
    model = keras.Model(image, out(image))
    out.set_weights([kernel])
    return model


# Tiles


@pytest.mark.parametrize(
    ("size", "tile", "number"),
    [((8, 8), 8, 1), ((8, 9), 8, 2), ((1, 1), 256, 1), ((100, 33), 32, 8), ((64, 32), 1, 2048)],
)
def test_tiles_cover_each_pixel_once(size, tile, number):
    count = np.zeros(size, int)
    for rows, columns in inference.tiles(size, tile):
        assert rows.start % tile == columns.start % tile == 0
        count[rows, columns] += 1
    assert (count == 1).all() and len(inference.tiles(size, tile)) == number


@pytest.mark.parametrize("blend", [None, "constant", "gaussian"])
@pytest.mark.parametrize(("tile", "halo"), [(16, 0), (16, 5), (32, 96), (64, 32)])
def test_a_network_that_changes_nothing_gives_the_picture_back(blend, tile, halo):
    options = {"multiple": 16, "blend": blend, "batch_size": 3, "progress": False}
    for image in (
        GRAY,
        GRAY[:1, :1],
        COLOR,
        COLOR[:, :7] / 255.0,
        np.full((20, 90), 200, np.uint8),
    ):
        found = predict_large(identity, image, tile, halo, **options)
        expected = image / 255 if image.dtype == np.uint8 else image
        assert found.dtype == np.float32
        assert_allclose(found, expected.reshape(found.shape), atol=1e-6)


@pytest.fixture(scope="module", params=[2, 3])
def unet(request):
    """A U-Net that halves its picture so many times, with weights that tell its inputs apart."""
    keras.utils.set_random_seed(0)
    model = models.unet((None, None, 1), filters=(4, 6, 8, 8)[: request.param + 1])
    for weight in model.weights:
        if weight.name != "kernel":
            weight.assign(RNG.uniform(0.5, 1.5, weight.shape))
    return model, request.param


def difference(unet, **options):
    """How far tiles are from the whole mirrored picture, in deviations of the whole."""
    model, depth = unet
    image = np.random.default_rng(1).integers(0, 256, (101, 118), np.uint8)
    near = 8 * 2**depth
    padded = np.pad(image, ((near, near - 101 % -8), (near, near - 118 % -8)), mode="reflect")
    whole = model.predict_on_batch(padded[np.newaxis, ..., np.newaxis] / np.float32(255))[0]
    whole = whole[near : near + 101, near : near + 118]
    options = {"tile": 32, "halo": near - 6, "multiple": 2**depth} | options
    found = predict_large(model, image, progress=False, **options)
    return np.abs(found - whole).max() / whole.std()


def test_tiles_are_as_the_whole_mirrored_picture(unet):
    assert difference(unet) < 1e-4


@pytest.mark.parametrize("wrong", [{"halo": 8}, {"tile": 31, "multiple": 1}, {"blend": "constant"}])
def test_seams_show_where_halo_or_origins_are_wrong_or_edges_are_blended_in(unet, wrong):
    assert difference(unet, **wrong) > 0.01


def test_memory_is_that_of_the_result():
    beside = []
    for side in (512, 2048):
        image = np.zeros((side, side), np.uint8)
        tracemalloc.start()
        result = predict_large(identity, image, 128, 32, progress=False)
        beside.append(tracemalloc.get_traced_memory()[1] - result.nbytes)
        tracemalloc.stop()
    assert beside[1] < 1.5 * beside[0] + 2e6, beside


def named(classes):
    return [f"class {k}" for k in range(classes)]


UNREADABLE = {
    "values from nan": lambda: predict(identity, np.full((4, 4), np.nan)),
    "values from 0 to inf": lambda: predict(identity, np.array([[0, np.inf]])),
    "values from -1 ": lambda: predict(identity, np.array([[-1.0, 1]])),
    "values from 0 to 200": lambda: predict(identity, np.array([[0, 200.0]])),
    "uint16.*bring 16 bits": lambda: predict(identity, GRAY.astype(np.uint16)),
    "bool": lambda: predict(identity, GRAY > 9),
    "not empty": lambda: predict(identity, GRAY[:0]),
    r"its shape is \(1, 40": lambda: predict(identity, COLOR[np.newaxis]),
    "has 2 channels.* takes 3": lambda: predict(conv(), COLOR[..., :2]),
    "tile is 100": lambda: predict_large(identity, GRAY, 100),
    "halo -1": lambda: predict_large(identity, GRAY, 64, -1),
    "blend must be": lambda: predict_large(identity, GRAY, blend="linear"),
    "tile must be at least 1": lambda: inference.tiles((4, 4), 0),
    r"\[64, 64\] alone.*is 512.*size=\(64, 64\)": lambda: predict(conv(size=(64, 64)), COLOR),
    "answers NaN": lambda: predict(lambda x: x * np.nan, GRAY),
    "one map of logits": lambda: predict(lambda x: x[:, ::2], GRAY),
    "size is ": lambda: Segmenter(conv(size=(64, 64)), size=(32, 64)),
    "tell 2 classes apart": lambda: Segmenter(conv(), named(3)),
    "not linear": lambda: Segmenter(conv(), preprocess=np.square),
    "class table": lambda: inference.save(conv(), "nowhere"),
    "mask is ": lambda: inference.overlay(GRAY, np.full(GRAY.shape, 3), named(3)),
    "of one shape": lambda: instances(GRAY / 255, COLOR / 255),
    "probabilities in": lambda: instances(np.full((4, 4), np.nan)),
    "of logits take": lambda: instances(GRAY / 25.0),
    "neighbors": lambda: instances(GRAY / 255, neighbors=6),
    "halo at least 2": lambda: instances(GRAY / 255, tile=8, halo=0),
}


@pytest.mark.parametrize("message", UNREADABLE)
def test_what_does_not_fit_is_refused_in_words(message):
    with pytest.raises(ValueError, match=message):
        UNREADABLE[message]()


# Masks of whole pictures


def test_logits_are_brought_back_before_the_class_is_taken():
    size = (20, 26)
    model = Segmenter(conv(3, 3), named(3), size)
    small = cv2.resize(COLOR, size[::-1], interpolation=cv2.INTER_AREA)
    logits = cv2.resize(small.astype("float32"), (53, 40))
    assert_array_equal(predict(model, COLOR), logits.argmax(-1))
    # Between class 0 and class 2 there is no class 1.
    halves = np.zeros((40, 53, 3), np.uint8)
    halves[:, :27, 0] = halves[:, 27:, 2] = 255
    assert set(np.unique(predict(model, halves))) == {0, 2}
    assert_array_equal(predict(conv(3, 3), COLOR), COLOR.argmax(-1))  # no size: in tiles


def test_one_channel_is_foreground_where_its_logit_is_above_0():
    found = predict(lambda pictures: pictures - 0.5, GRAY)
    assert_array_equal(found, GRAY > 127)


@pytest.mark.filterwarnings("error")
def test_probabilities_in_the_place_of_logits_are_told():
    with pytest.warns(UserWarning, match="logits are wanted"):
        predict(identity, GRAY)
    predict(lambda pictures: pictures - 0.5, GRAY)
    predict(identity, COLOR)  # of several classes, the largest is the same


def save_picture(path, image, **options):
    Image.fromarray(image).save(path, **options)
    return path


@pytest.mark.filterwarnings("ignore:All answers lie in")  # the networks here have such logits
def test_pictures_of_other_kinds_come_as_the_network_needs_them(tmp_path):
    channels = [COLOR[..., k].astype(int) for k in range(3)]
    brightest = np.argmax(channels, axis=0)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    rgba = np.dstack([COLOR, GRAY])
    deep = GRAY.astype(np.uint16) << 8 | 0xFF
    deep[0, 0] = 0xFFFF
    pictures = {
        "color": (conv(3, 3), COLOR, brightest),
        "opacity": (conv(3, 3), rgba, brightest),
        "float": (conv(3, 3), COLOR / 255.0, brightest),
        "gray for color": (conv(3, 1), GRAY, GRAY > 0),
        "color for gray": (conv(1, 1), COLOR // 255 * 0 + GRAY[..., np.newaxis], GRAY > 0),
        "rgba.png": (conv(3, 3), save_picture(tmp_path / "a.png", rgba), brightest),
        "gray.png": (conv(3, 1), save_picture(tmp_path / "b.png", GRAY), GRAY > 0),
        "16 bits": (conv(3, 1), save_picture(tmp_path / "c.png", deep), np.fmax(GRAY, 0) > 0),
        "turned": (
            conv(3, 3),
            save_picture(tmp_path / "d.png", COLOR, exif=exif),
            np.rot90(brightest, -1),
        ),
    }
    pictures["16 bits"][2][0, 0] = True
    for name, (network, picture, expected) in pictures.items():
        assert_array_equal(predict(network, picture, progress=False), expected, name)


def test_an_overlay_leaves_the_background_clear():
    mask = np.zeros(GRAY.shape, np.uint8)
    mask[:9], mask[30:] = 1, 255
    painted = inference.overlay(GRAY, mask, ("background", "cat"), alpha=1)
    assert painted.dtype == np.uint8 and len(np.unique(painted[:9].reshape(-1, 3), axis=0)) == 1
    assert_array_equal(painted[9:], np.repeat(GRAY[9:, :, np.newaxis], 3, axis=2))
    assert (inference.overlay(COLOR, mask * 0, ("sky", "tree")) != COLOR).any()
    assert_array_equal(inference.overlay(COLOR, mask * 0), COLOR)


# The folder


def flip_and_center(pictures):
    """As a network wants it that was trained in Caffe: blue first, less a mean."""
    return pictures[..., ::-1] - np.float32([103.9, 116.8, 123.7])


@pytest.mark.parametrize(
    ("size", "preprocess"),
    [((64, 48), None), (None, lambda x: x / 127.5 - 1), (None, flip_and_center)],
)
def test_a_model_that_was_saved_predicts_the_same(size, preprocess, tmp_path):
    keras.utils.set_random_seed(1)
    network = models.unet((None, None, 3), filters=(4, 6), classes=2)
    model = Segmenter(network, ("background", "Käse 🧀"), size, preprocess)
    inference.save(model, tmp_path / "new" / "model")
    loaded = inference.load(str(tmp_path / "new" / "model"))
    assert (loaded.class_names, loaded.size) == (model.class_names, size)
    assert_allclose(loaded(COLOR[np.newaxis]), model(COLOR[np.newaxis]), atol=1e-4)
    assert_array_equal(predict(tmp_path / "new" / "model", COLOR), predict(loaded, COLOR))
    if preprocess:
        right = preprocess(COLOR[np.newaxis].astype(np.float32))
        assert_allclose(model(COLOR[np.newaxis]), network.predict_on_batch(right), atol=1e-4)


def test_a_model_is_kept_without_what_only_training_needs(tmp_path):
    network = conv(3, 2, (8, 8))
    network.compile("adam", "mse")
    network.train_on_batch(np.ones((1, 8, 8, 3)), np.ones((1, 8, 8, 2)))
    inference.save(Segmenter(network, named(2)), tmp_path)
    with h5py.File(zipfile.ZipFile(tmp_path / "network.keras").open("model.weights.h5")) as file:
        assert "layers" in file and "optimizer" not in file
    assert network.optimizer.iterations == 1  # and the training can go on


@pytest.mark.parametrize("damage", ["no folder", "model.json", "network.keras", "cut", "renamed"])
def test_a_folder_that_is_not_complete_is_refused(damage, tmp_path):
    folder = tmp_path / "model"
    if damage != "no folder":
        inference.save(Segmenter(conv(3, 2), named(2)), folder)
    if (folder / damage).is_file():
        (folder / damage).unlink()
    if damage == "cut":
        (folder / "network.keras").write_bytes((folder / "network.keras").read_bytes()[:200])
    if damage == "renamed":
        facts = json.loads((folder / "model.json").read_text())
        (folder / "model.json").write_text(json.dumps(facts | {"class_names": named(3)}))
    with pytest.raises(CourseDataError, match=r"(?s)model.*inference\.save"):
        inference.load(folder)


def test_masks_and_overlays_from_the_shell(tmp_path, capsys):
    model, out = str(tmp_path / "model"), tmp_path / "out"
    inference.save(Segmenter(conv(3, 3), ("background", "cat", "dog")), model)
    good = [str(save_picture(tmp_path / name, COLOR)) for name in ("a.png", "b.b.PNG")]
    bad = tmp_path / "c.jpg"
    bad.write_bytes(b"no picture")
    assert inference.main([model, *good, "--output", str(out)]) == 0
    assert inference.main([model, good[0], str(bad), "--output", str(out)]) == 1
    assert "c.jpg cannot be read" in capsys.readouterr().err
    assert sorted(file.name for file in out.iterdir()) == [
        f"{name}_{kind}.png" for name in ("a", "b.b") for kind in ("mask", "overlay")
    ]
    mask = Image.open(out / "a_mask.png")
    assert mask.mode == "P"
    assert_array_equal(mask, COLOR.argmax(-1))
    names = [str(tmp_path / name) for name in ("[x]1.jpg", "[x]2.jpg", "[x]?.jpg", "y*.jpg")]
    for name in names[:2]:
        save_picture(name, COLOR)
    assert inference.main([model, names[2], "--output", str(tmp_path / "more")]) == 0
    assert len([*(tmp_path / "more").iterdir()]) == 4
    wrongs = [model, good[0], good[0]], [str(tmp_path / "none"), good[0]], [model, names[3]]
    for wrong in wrongs:
        with pytest.raises(SystemExit, match="2"):
            inference.main(wrong)
    assert "no file has a name like" in capsys.readouterr().err


# Several answers to one question


def corner(pictures):
    """Logits that tell where a pixel is: mirrored pictures do not get mirrored answers."""
    return pictures[..., :1] + np.linspace(0, 1, pictures.shape[2])[:, None]


@pytest.mark.parametrize("channels", [1, 3])
def test_an_ensemble_is_the_mean_of_probabilities_and_how_they_differ(channels):
    images = RNG.random((5, 6, 7, 3), np.float32)
    logits = [factor * images[..., :channels] for factor in (1, -2, 5)]
    models = [lambda x, f=factor: f * x[..., :channels] for factor in (1, -2, 5)]
    if channels == 1:
        each = [1 / (1 + np.exp(-one[..., 0])) for one in logits]
    else:
        each = [np.exp(one) / np.exp(one).sum(-1, keepdims=True) for one in logits]
    mean, spread = inference.ensemble(models, images, batch_size=2)
    assert_allclose(mean, np.mean(each, axis=0), rtol=1e-5)
    deviation = np.std(each, axis=0)
    expected = deviation if channels == 1 else deviation.max(axis=-1)
    assert_allclose(spread, expected, rtol=1e-4, atol=1e-6)
    alone, none = inference.ensemble(models[:1], images)
    assert_allclose(alone, each[0], rtol=1e-5)
    assert not none.any()


def test_flips_are_undone():
    images = RNG.integers(0, 256, (2, 8, 8, 3), np.uint8)
    mean, spread = inference.test_time(identity, images)
    alone, _ = inference.ensemble([identity], images)
    assert_allclose(mean, alone, rtol=1e-6)  # a network that looks at each pixel by itself
    assert_allclose(spread, 0, atol=1e-7)
    mean, spread = inference.test_time(corner, images, flips=[(), (2,)])
    looks = [special.expit(np.flip(corner(np.flip(images / 255, a)), a)[..., 0]) for a in ((), 2)]
    assert_allclose(mean, np.mean(looks, axis=0), rtol=1e-5)
    assert_allclose(spread, abs(looks[0] - looks[1]) / 2, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: inference.ensemble([], COLOR[None]), "no network"),
        (lambda: inference.test_time(identity, COLOR[None], flips=()), "no look"),
        (lambda: inference.test_time(identity, COLOR), r"images must be \[N, h, w, C\]"),
        (lambda: inference.ensemble([identity], COLOR[None][:0]), "at least one"),
    ],
)
def test_nobody_to_ask_is_an_error(ask, words):
    with pytest.raises(ValueError, match=words):
        ask()


# Objects


def discs(*places, size=(90, 120)):
    """Numbered discs: row, column and radius of each."""
    numbers, (rows, columns) = np.zeros(size, np.int32), np.indices(size)
    for number, (row, column, radius) in enumerate(places, 1):
        numbers[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = number
    return numbers


TOUCHING = discs((20, 20, 9), (20, 36, 9), (50, 60, 12), (69, 60, 9), (80, 110, 8))
CORNERS = np.kron(np.eye(2, dtype=int), np.ones((6, 6), int)).astype(bool)
RING = (discs((20, 20, 9)) > 0) & (discs((20, 20, 2)) == 0)


@pytest.mark.parametrize(
    ("inside", "options", "number"),
    [
        (TOUCHING > 0, {}, 5),
        (TOUCHING > 0, {"distance": None}, 3),
        (TOUCHING * 0.0, {}, 0),
        (TOUCHING * 0.0 + 1, {"distance": None}, 1),
        (TOUCHING > 0, {"threshold": 1}, 0),
        (CORNERS, {"distance": None}, 1),
        (CORNERS, {"distance": None, "neighbors": 4}, 2),
        (CORNERS, {"neighbors": 4, "min_size": 37}, 0),
        (discs((9, 9, 1)) > 0, {}, 0),
        (discs((9, 9, 1)) > 0, {"min_size": 5}, 1),
    ],
)
def test_objects_are_counted(inside, options, number):
    found = instances(inside, **options)
    assert found.dtype == np.int32
    assert_array_equal(np.unique(found[found > 0]), np.arange(1, number + 1))


def test_holes_are_filled_up_to_a_size():
    assert (instances(RING, max_hole=13) > 0).sum() == RING.sum() + 13
    assert (instances(RING, max_hole=12) > 0).sum() == RING.sum()
    pocket = np.ones((20, 20), bool)
    pocket[0, 4:7] = False  # at the picture's edge: it may go on beyond
    assert_array_equal(instances(pocket) > 0, pocket)


@pytest.mark.parametrize("touching", [False, True])
def test_a_border_class_takes_objects_apart(touching):
    inside, border = np.eye(3)[pipeline.border_classes(TOUCHING, 2, touching)].T[1:]
    found = instances(inside.T, border.T)
    score = metrics.average_precision_of_objects([TOUCHING], [found])
    assert_array_equal(score["by_threshold"][:7], 1)
    assert score["score"] == 1 or touching  # which takes the gap in, too


@pytest.mark.parametrize("tile", [17, 32, 50, 64, 200])
def test_an_object_that_a_seam_cuts_is_counted_once(tile):
    inside, border = np.eye(3)[pipeline.border_classes(TOUCHING)].T[1:]
    for maps in [(TOUCHING > 0,), (inside.T, border.T)]:
        found = instances(*maps, tile=tile, halo=44)
        score = metrics.average_precision_of_objects([instances(*maps)], [found])
        assert found.max() == 5 and score["by_threshold"][8] == 1  # but for a pixel or two


@pytest.mark.parametrize(("tile", "halo", "neighbors"), [(16, 2, 4), (33, 8, 8), (64, 30, 8)])
def test_components_of_tiles_are_those_of_the_picture(tile, halo, neighbors):
    noise = ndimage.gaussian_filter(np.random.default_rng(3).random((150, 131)), 2)
    options = {"distance": None, "neighbors": neighbors, "min_size": 6, "max_hole": 0}
    inside = noise > np.median(noise)
    found = instances(inside, **options, tile=tile, halo=halo)
    assert found.max() > 20
    assert_same_objects(found, instances(inside, **options))


def assert_same_objects(found, expected):
    one, other, shared, sizes, other_sizes = metrics.object_overlaps(found, expected)
    assert len(one) == found.max() == expected.max()
    assert_array_equal(shared, sizes[one])
    assert_array_equal(shared, other_sizes[other])
