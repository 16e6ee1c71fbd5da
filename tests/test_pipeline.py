"""From arrays to batches: nothing lost, nothing shifted, the same as chapter 01's four steps."""

from functools import cache
from types import SimpleNamespace

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf
from chapter_cells import execute
from numpy.testing import assert_array_equal
from scipy import ndimage

from course_utils import losses, pipeline
from course_utils.datasets import IGNORE


def numbered(n, height=3, width=2):
    """Images in which pixel [0, 0] is the image's number, in the mask too."""
    rng = np.random.default_rng(n)
    images = rng.integers(0, 256, (n, height, width, 1), np.uint8)
    masks = rng.integers(0, 2, (n, height, width), np.uint8)
    images[:, 0, 0, 0] = masks[:, 0, 0] = np.arange(n)
    return images, masks


def passes(dataset, n=1):
    """Image numbers in the order of `n` passes, once image and mask are seen to agree."""
    orders = []
    for _ in range(n):
        pairs = [(images.numpy(), masks.numpy()) for images, masks in dataset]
        images, masks = (np.concatenate(part) for part in zip(*pairs, strict=True))
        in_image = np.rint(images[:, 0, 0, 0] * 255).astype(int).tolist()
        assert in_image == masks[:, 0, 0, 0].astype(int).tolist()
        orders.append(in_image)
    return orders


def test_what_a_batch_holds():
    images = np.arange(11 * 4 * 2 * 3, dtype=np.uint8).reshape(11, 4, 2, 3)
    masks = images[..., 0]
    dataset = pipeline.batches(images, masks, 4)
    assert [len(batch) for batch, _ in dataset] == [4, 4, 3]
    found, found_masks = (np.concatenate(part) for part in zip(*dataset, strict=True))
    assert found.dtype == found_masks.dtype == np.float32
    np.testing.assert_allclose(found, images / 255, rtol=1e-6)
    np.testing.assert_array_equal(found_masks, masks[..., np.newaxis])


def test_every_pass_is_shuffled_anew_and_complete():
    data = numbered(40)
    dataset = pipeline.batches(*data, 16, shuffle=True, seed=3)
    orders = passes(dataset, 3)
    assert all(sorted(order) == list(range(40)) for order in orders)
    assert len({tuple(order) for order in [*orders, range(40)]}) == 4
    assert min(max(order[:16]) for order in orders) > 32, "the shuffling is only local"
    assert passes(pipeline.batches(*data, 16, shuffle=True, seed=3), 3) == orders
    assert passes(pipeline.batches(*data, 16, shuffle=True, seed=4), 3) != orders


def test_repeat_goes_on_with_complete_passes_and_full_batches():
    dataset = pipeline.batches(*numbered(10), 4, shuffle=True, repeat=True)
    assert dataset.cardinality() == tf.data.INFINITE_CARDINALITY
    assert [len(images) for images, _ in dataset.take(5)] == [4] * 5
    [order] = passes(dataset.take(5))
    assert sorted(order[:10]) == sorted(order[10:]) == list(range(10))
    assert order[:10] != order[10:]
    assert pipeline.batches(*numbered(10), 4).cardinality() == 3


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ((3, 4, 5, 1), (2, 4, 5)),
        ((3, 4, 5, 1), (3, 5, 4)),
        ((3, 4, 5, 1), (3, 4, 5, 1)),
        ((0, 4, 5, 1), (0, 4, 5)),
    ],
)
def test_images_and_masks_that_do_not_belong_together(images, masks):
    with pytest.raises(ValueError, match="do not belong together") as caught:
        pipeline.batches(np.zeros(images, np.uint8), np.zeros(masks, np.uint8), 2)
    assert f"images {images} and masks {masks}" in str(caught.value)


@pytest.mark.parametrize("dtype", ["float32", "uint16", "int64"])
def test_images_are_bytes(dtype):
    with pytest.raises(ValueError, match=f"images must be uint8 .* got {dtype}"):
        pipeline.batches(np.zeros((1, 2, 2, 1), dtype), np.zeros((1, 2, 2), np.uint8), 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"masks": 0.5}, "class numbers"),
    ],
)
def test_no_images_per_batch_and_fractions_of_classes_are_errors(change, words):
    options = {"images": np.zeros((1, 2, 2, 1), np.uint8), "masks": 0, "batch_size": 1} | change
    options["masks"] = np.full((1, 2, 2), options["masks"])
    with pytest.raises(ValueError, match=words):
        pipeline.batches(**options)


def test_equals_the_steps_of_chapter_01(capsys):
    images, masks = numbered(100)

    class Train(SimpleNamespace):
        def __len__(self):
            return len(self.images)

    names = {"np": np, "train": Train(images=images, masks=masks), "run": SimpleNamespace(seed=2)}
    theirs = execute("01_mri_mlp", "tfdata", **names)["dataset"]
    assert "[64, 36]" in capsys.readouterr().out

    ours = pipeline.batches(images, masks, 64, shuffle=True, seed=2)
    assert ours.element_spec == theirs.element_spec
    passes(ours, 1)  # as many as the cell has made
    for (a, b), (c, d) in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, c, rtol=1e-6)
        np.testing.assert_array_equal(b, d)


# Augmentation. The picture is its own mask, so that the two can be compared afterwards.

EVERYTHING = {"flip": "horizontal_and_vertical", "rotation": 30, "shift": 0.1, "zoom": 0.2}
EACH = [{name: value} for name, value in EVERYTHING.items()] + [{"brightness": 0.3}]
ALL = EVERYTHING | {"brightness": 0.3}


def blobs(n=24, height=48, width=40):
    """A shape without symmetry, n times: images 0 and 255, masks 0 and 1."""
    mask = np.zeros((height, width), np.uint8)
    mask[14:34, 12:18] = mask[28:34, 12:28] = mask[14:18, 12:22] = 1
    masks = np.repeat(mask[np.newaxis], n, axis=0)
    return masks[..., np.newaxis] * np.uint8(255), masks


def augmented(images, masks, batch_size=8, **settings):
    augment = pipeline.augmentation(**settings)
    pairs = [*pipeline.batches(images, masks, batch_size, augment=augment)]
    return tuple(np.concatenate(part) for part in zip(*pairs, strict=True))


@cache
def changed_blobs(number, seed):
    """Blobs after the augmentation with that number in EACH, or after all of it."""
    return augmented(*blobs(), seed=seed, **[*EACH, ALL][number])


def misaligned(images, masks, outline=1):
    """Share of pixels where image and mask disagree, other than along the mask's outline.

    The outline is so many pixels thick to either side: an image's edge may lie between pixels, a
    mask's may not.
    """
    inside = (masks > 0.5) & (masks != IGNORE)  # outside the picture nothing is known, or black
    differ = (images > 0.5) != inside
    edges = [
        ndimage.binary_dilation(m, iterations=outline)
        ^ ndimage.binary_erosion(m, iterations=outline)
        for m in inside[..., 0]
    ]
    return (differ[..., 0] & ~np.array(edges)).mean()


def outline(settings):
    """One pixel; two where masks were resampled more than once."""
    return 2 if len({"rotation", "shift", "zoom"} & set(settings)) > 1 else 1


@pytest.mark.parametrize(("number", "settings"), enumerate([*EACH, ALL]))
def test_image_and_mask_change_together(number, settings):
    images, masks = blobs()
    changed, changed_masks = changed_blobs(number, seed=1)
    assert misaligned(changed, changed_masks, outline(settings)) < 2e-4
    assert changed.shape == images.shape
    assert changed.dtype == changed_masks.dtype == np.float32
    assert -1e-6 <= changed.min() <= changed.max() <= 1 + 1e-6
    moved = (changed_masks[..., 0] != masks).any(axis=(1, 2))
    if set(settings) == {"brightness"}:
        assert not moved.any()
        assert len(np.unique(changed.min(axis=(1, 2, 3)))) > 5
    else:
        assert moved.mean() > 0.4, "hardly a mask has changed"


def test_an_image_that_goes_another_way_than_its_mask_is_noticed():
    images, masks = blobs()
    for number, settings in enumerate([*EACH, ALL]):
        if settings == {"brightness": 0.3}:
            continue  # all masks stay where they are
        changed, _ = changed_blobs(number, seed=1)
        _, other_masks = changed_blobs(number, seed=2)
        assert misaligned(changed, other_masks, outline(settings)) > 0.005, settings
    assert misaligned(images / 255, np.roll(masks, 2, axis=2)[..., np.newaxis]) > 0.005


def test_no_class_numbers_arise():
    images, masks = blobs()
    masks[:, 20:26, 12:18] = 255
    for settings in [*EACH, ALL]:
        _, changed = augmented(images, masks, seed=1, **settings)
        assert set(np.unique(changed)) == {0, 1, 255}, settings


def features(n, **settings):
    """What was done to each of n images: angle, shift down and right, size, brightness."""
    masks = np.zeros((n, 64, 64), np.uint8)
    masks[:, 28:36, 16:48] = 1
    images = masks[..., np.newaxis] * np.uint8(80) + np.uint8(80)
    changed, masks = augmented(images, masks, seed=0, outside=0, **settings)
    found = []
    for image, mask in zip(changed[..., 0], masks[..., 0], strict=True):
        m = cv2.moments(mask)
        angle = np.degrees(0.5 * np.arctan2(2 * m["mu11"], m["mu20"] - m["mu02"]))
        center = m["m01"] / m["m00"] - 31.5, m["m10"] / m["m00"] - 31.5
        inside = np.median(image[mask > 0]) - 160 / 255
        found.append((angle, *center, np.sqrt(m["m00"] / (8 * 32)), inside))
    return np.array(found).T


def test_amounts_are_degrees_shares_and_levels_either_way():
    angle, *_ = features(64, rotation=20)
    assert -20.5 < angle.min() < -14 and 14 < angle.max() < 20.5
    _, down, right, size, _ = features(64, shift=0.2)
    for moved in (down, right):
        assert -0.2 * 64 - 0.5 < moved.min() < -9 and 9 < moved.max() < 0.2 * 64 + 0.5
    np.testing.assert_allclose(size, 1, atol=0.02)
    *_, size, _ = features(64, zoom=0.3)
    assert 1 / 1.3 - 0.03 < size.min() < 0.85 and 1.2 < size.max() < 1 / 0.7 + 0.05
    *_, brighter = features(64, brightness=0.25)
    assert -0.251 < brighter.min() < -0.15 and 0.15 < brighter.max() < 0.251


def test_zoom_keeps_the_proportions():
    masks = np.zeros((32, 64, 64), np.uint8)
    masks[:, 20:44, 20:44] = 1
    _, changed = augmented(masks[..., np.newaxis], masks, zoom=0.3)
    heights, widths = (changed[..., 0].any(axis=axis).sum(axis=1) for axis in (2, 1))
    assert len(set(heights)) > 5
    assert np.abs(heights.astype(int) - widths).max() <= 1


@pytest.mark.parametrize(("flip", "axis"), [("horizontal", 2), ("vertical", 1)])
def test_flip_mirrors_half_of_the_images(flip, axis):
    images, masks = blobs(64)
    _, changed = augmented(images, masks, flip=flip)
    same = (changed[..., 0] == masks).all(axis=(1, 2))
    mirrored = (changed[..., 0] == np.flip(masks, axis)).all(axis=(1, 2))
    assert (same ^ mirrored).all()
    assert 16 < mirrored.sum() < 48


def test_the_changes_are_drawn_independently():
    found = features(128, rotation=20, shift=0.15, zoom=0.2, brightness=0.2)
    together = np.corrcoef(found) - np.eye(5)
    assert np.abs(together).max() < 0.4, together.round(2)


@pytest.mark.parametrize("settings", [EACH[1], EACH[2], EACH[3], EVERYTHING])
def test_outside_the_picture_is_black_and_of_no_class_unless_told(settings):
    images = np.full((8, 32, 32, 1), 255, np.uint8)
    for outside, options in ((IGNORE, {}), (0, {"outside": 0})):
        changed, masks = augmented(images, images[..., 0] // 255, **settings, **options)
        assert set(np.unique(masks)) == {1, outside}
        assert changed[masks == outside].max() < 1 and (changed == 0).any()
        assert (changed[masks == 1] == 0).mean() < 0.01


def test_a_seed_gives_the_same_pictures_again():
    images, masks = blobs(40)
    first, first_masks = augmented(images, masks, 2, seed=5, **ALL)
    again, again_masks = augmented(images, masks, 2, seed=5, **ALL)
    np.testing.assert_allclose(again, first, atol=1e-5)
    assert np.mean(again_masks != first_masks) < 1e-3
    assert len({image.tobytes() for image in first}) == 40, "some images were changed alike"
    other, _ = augmented(images, masks, 2, seed=6, **ALL)
    assert not np.allclose(other, first, atol=1e-3)


def test_every_pass_is_changed_anew():
    images, masks = blobs(8)
    dataset = pipeline.batches(images, masks, 4, augment=pipeline.augmentation(rotation=30))
    first, second = ([image.numpy() for image, _ in dataset] for _ in range(2))
    assert not np.allclose(first, second, atol=1e-3)


def test_without_settings_nothing_changes():
    images, masks = blobs(4)
    changed, changed_masks = augmented(images, masks)
    np.testing.assert_allclose(changed, images / 255, rtol=1e-6)
    np.testing.assert_array_equal(changed_masks[..., 0], masks)


def test_augmented_pictures_stay_float32_under_mixed_precision():
    before = keras.config.dtype_policy()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        augment = pipeline.augmentation(
            flip="horizontal", rotation=10, shift=0.1, zoom=0.1, brightness=0.1
        )
    finally:
        keras.config.set_dtype_policy(before)
    images, masks = augment(np.full((2, 16, 16, 1), 0.3, "float32"), np.zeros((2, 16, 16, 1)))
    assert images.dtype == masks.dtype == "float32"


def test_weights_change_with_the_masks():
    images, masks = blobs(8)
    weights = masks * np.float32(2.5) + np.float32(0.5)
    augment = pipeline.augmentation(flip="horizontal", rotation=30, shift=0.1, seed=3)
    dataset = pipeline.batches(images, masks, 4, weights=weights, augment=augment)
    for changed, mask, weight in dataset.as_numpy_iterator():
        assert mask.shape == weight.shape == (*changed.shape[:3], 1)
        known = mask != IGNORE
        np.testing.assert_allclose(weight[known], mask[known] * 2.5 + 0.5, rtol=1e-6)
    # A weight of 2 in the loss is a pixel that is there twice.
    loss = losses.WeightedCrossentropy([1, 1])
    logits = np.random.default_rng(0).normal(size=mask.shape).astype("float32")
    each = losses.WeightedCrossentropy([1, 1], reduction="none")(mask, logits).numpy()
    expected = (each * weight[..., 0]).sum() / np.sum(known)
    np.testing.assert_allclose(loss(mask, logits, sample_weight=weight), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="weights"):
        pipeline.batches(images, masks, 4, weights=weights[:, 1:])


# Two objects that touch, one beside them, one on the picture's edge, one that is thin.
OBJECTS = np.zeros((24, 30), np.int32)
OBJECTS[2:10, 2:10], OBJECTS[2:10, 10:18], OBJECTS[2:10, 20:27] = 1, 2, 30
OBJECTS[18:24, 4:12], OBJECTS[14:16, 20:28] = 4, 5


def test_border_classes_are_where_something_else_is_near():
    classes = pipeline.border_classes(OBJECTS, width=1)
    assert_array_equal(classes == 0, OBJECTS == 0)
    inside = np.zeros_like(OBJECTS)
    inside[3:9, 3:9], inside[3:9, 11:17], inside[3:9, 21:26] = 1, 2, 30
    inside[19:24, 5:11], inside[14:16, 20:28] = 4, 5  # not gone, though all of it is near others
    assert_array_equal(np.where(classes == 1, OBJECTS, 0), inside)
    touching = np.zeros_like(OBJECTS)
    touching[1:11, 9:11] = 2
    assert_array_equal(pipeline.border_classes(OBJECTS, 1, True) == 2, touching > 0)
    assert not pipeline.border_classes(OBJECTS * 0).any()
    assert (pipeline.border_classes(OBJECTS, 2, True)[4:8, 18:20] == 2).all()


@pytest.mark.parametrize(("w0", "sigma", "weights"), [(10, 5, (1, 1)), (4, 1.5, (0.5, 3))])
def test_weight_map_is_the_papers_formula(w0, sigma, weights):
    distances = np.sort([ndimage.distance_transform_edt(k != OBJECTS) for k in (1, 2, 30, 4, 5)], 0)
    gaps = w0 * np.exp(-((distances[0] + distances[1]) ** 2) / (2 * sigma**2))
    expected = np.where(OBJECTS, weights[1], weights[0] + gaps)
    found = pipeline.weight_map(OBJECTS, w0, sigma, weights)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found.dtype == np.float32
    alone = pipeline.weight_map(OBJECTS * (OBJECTS == 4), w0, sigma, weights)
    assert_array_equal(alone, np.float32(np.where(OBJECTS == 4, *weights[::-1])))


def test_shards_hold_every_picture_once_and_come_in_another_order_each_time(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (50, 8, 6, 3)).astype(np.uint8)
    order = np.arange(50)[::-1]
    load = lambda i: (pictures[i], pictures[i, ..., 0] // 100)  # noqa: E731
    for n_shards in (9, 7):  # the second time in the place of the first
        pipeline.write_shards(tmp_path / "shards", load, order, n_shards)
    assert len(list((tmp_path / "shards").iterdir())) == 7
    stream, passes = pipeline.read_shards(tmp_path / "shards", buffer=10), []
    for _ in range(2):
        numbers = []
        for image, mask, number in stream.as_numpy_iterator():
            numbers.append(int(number))
            assert (image == pictures[number]).all()
            assert (mask[..., 0] == pictures[number][..., 0] // 100).all()
        passes.append(numbers)
    assert sorted(passes[0]) == sorted(passes[1]) == list(range(50))
    assert passes[0] != passes[1]
    with pytest.raises(IndexError):  # there is no picture 50
        pipeline.write_shards(tmp_path / "shards", load, np.arange(51), 2)
    assert len(list((tmp_path / "shards").iterdir())) == 7, "what was there is still there"
    sorted_stream = pipeline.read_shards(tmp_path / "shards", at_once=1, buffer=1)
    assert [int(n) for *_, n in sorted_stream.as_numpy_iterator()] == order.tolist()
