"""From arrays to batches: `tf.data` pipelines in which image and mask never part."""

import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from keras import layers

from .datasets import IGNORE
from .datasets.io import READERS


def batches(
    images, masks, batch_size, *, weights=None, shuffle=False, augment=None, repeat=False, seed=0
):
    """Cut a data set into batches for `fit`, `evaluate` and `predict`.

    Parameters
    ----------
    images : ndarray of uint8, shape [N, H, W, C]
        Values in 0 … 255.
    masks : ndarray of uint8, shape [N, H, W]
        Class numbers.
    batch_size : int
        Images a batch; the last batch may be shorter, no image is dropped.
    weights : ndarray of float32, shape [N, H, W], optional
        What each pixel counts in the loss, such as `weight_map` gives. The course's losses take
        them; augmentation moves them with the masks.
    shuffle : bool, optional
        Draw a new order for every pass.
    augment : callable or None, optional
        What `augmentation` returns: maps a batch of images and masks to another.
    repeat : bool, optional
        Go on for ever, for `fit(..., steps_per_epoch=...)`.
    seed : int, optional
        Seed of the shuffling.

    Returns
    -------
    tf.data.Dataset
        Of pairs (images float32 [B, H, W, C] in [0, 1], masks float32 [B, H, W, 1]), with `weights`
        of triples: the last are float32 [B, H, W, 1], too.

    Raises
    ------
    ValueError
        If images, masks and weights do not belong together, there are none, the masks hold no class
        numbers, or `batch_size` is less than 1.
    """
    images, masks = np.asarray(images), np.asarray(masks)
    if images.ndim != 4 or len(images) == 0 or images.shape[:3] != masks.shape:
        raise ValueError(
            f"images {images.shape} and masks {masks.shape} do not belong together: expected "
            "[N, H, W, C] and [N, H, W] with equal N (at least 1), H and W."
        )
    if images.dtype != np.uint8:
        raise ValueError(f"images must be uint8 with values 0 … 255, got {images.dtype}.")
    if masks.dtype.kind not in "uib":
        raise ValueError(f"masks must hold class numbers (integers or bool), got {masks.dtype}.")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}.")
    parts = [images, masks[..., np.newaxis]]
    if weights is not None:
        if np.shape(weights) != masks.shape:
            raise ValueError(f"weights {np.shape(weights)} must be as masks, {masks.shape}.")
        parts.append(np.asarray(weights, np.float32)[..., np.newaxis])
    dataset = tf.data.Dataset.from_tensor_slices(tuple(parts))
    return _batched(_in_order(dataset, shuffle, repeat, seed), batch_size, augment)


def stream(load, n_images, size, batch_size, *, shuffle=False, augment=None, repeat=False, seed=0):
    """Cut pictures into batches that are read one by one: memory does not grow with their number.

    Parameters
    ----------
    load : callable
        Returns picture ``i``, uint8 [H, W, 3], and its mask, uint8 [H, W].
    n_images : int
    size : pair of int
        Height and width of all of them.
    batch_size, shuffle, augment, repeat, seed
        As in `batches`.

    Returns
    -------
    tf.data.Dataset
        As from `batches`. An error that `load` raises ends it, in the words of TensorFlow's error.

    Raises
    ------
    ValueError
        If there are no pictures, or `batch_size` is less than 1.
    """
    if n_images < 1 or batch_size < 1:
        raise ValueError(f"{n_images} pictures in batches of {batch_size}: 1 or more of each.")

    def load_one(i):
        image, mask = load(int(i))
        return image, mask[..., np.newaxis]

    def read(i):
        image, mask = tf.numpy_function(load_one, [i], (tf.uint8, tf.uint8), stateful=False)
        return tf.ensure_shape(image, (*size, 3)), tf.ensure_shape(mask, (*size, 1))

    dataset = _in_order(tf.data.Dataset.range(n_images), shuffle, repeat, seed)
    dataset = dataset.map(read, num_parallel_calls=READERS)
    return _batched(dataset, batch_size, augment)


def _in_order(dataset, shuffle, repeat, seed):
    if shuffle:
        dataset = dataset.shuffle(len(dataset), seed=seed, reshuffle_each_iteration=True)
    return dataset.repeat() if repeat else dataset


def _batched(dataset, batch_size, augment):
    with_weights = len(dataset.element_spec) == 3
    dataset = dataset.batch(batch_size).map(_to_float)
    if augment is not None:
        # One batch after the other: side by side, they would race for the next random number and
        # the same seed would not give the same pictures.
        dataset = dataset.map(augment)
    if with_weights:
        dataset = dataset.map(lambda image, mask: (image, mask[..., :1], mask[..., 1:]))
    return _ahead(dataset)


def _ahead(dataset):
    # Without the tuner of tf.data. It naps for 10 ms, 20 ms, 40 ms and so on up to a minute, and at
    # the end of `fit` TensorFlow 2.21 waits until it wakes: a training took up to twice its time.
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(2).with_options(options)


def _to_float(image, *masks):
    masks = tf.concat([tf.cast(one, tf.float32) for one in masks], axis=-1)  # weights are another
    return tf.cast(image, tf.float32) / 255.0, masks


def augmentation(
    *, flip=None, rotation=0.0, shift=0.0, zoom=0.0, brightness=0.0, outside=IGNORE, seed=0
):
    """Random changes that hit an image and its mask alike, by Keras's own layers.

    Images are resampled bilinearly, masks by nearest neighbor, so that no new class numbers arise.
    What comes in from outside the picture is black, and in the mask `outside`. Brightness changes
    the image alone.

    Parameters
    ----------
    flip : {None, "horizontal", "vertical", "horizontal_and_vertical"}, optional
        Mirror half of the images.
    rotation : float, optional
        Up to this many degrees either way.
    shift : float, optional
        Up to this share of height and width, in [0, 1].
    zoom : float, optional
        Up to this share larger or smaller, in [0, 1).
    brightness : float, optional
        Add up to this much, in [0, 1], either way.
    outside : int, optional
        Class number of what comes in from outside. Nobody knows what is there, so the default is
        `IGNORE`, which loss and metrics have to leave out: the course's do, Keras's binary ones do
        not. Where it is known, as beyond the edge of an MRI slice, name the class.
    seed : int, optional
        Seed of all draws.

    Returns
    -------
    callable
        ``(images, masks) -> (images, masks)``, for batches as `batches` makes them.
    """
    # A seed for each: with one for all, the picture turned most would be the one zoomed most.
    # And float32, whatever the global policy: a picture in bfloat16 has lost half of its grays.
    seeds = np.random.SeedSequence(seed).generate_state(5)
    options = [{"seed": int(s), "dtype": "float32"} for s in seeds]
    black = {"fill_mode": "constant", "fill_value": 0.0}
    steps = []
    if brightness:
        steps.append(layers.RandomBrightness(brightness, value_range=(0, 1), **options[0]))
    if flip:
        steps.append(layers.RandomFlip(flip, **options[1]))
    if rotation:
        steps.append(layers.RandomRotation(rotation / 360, **black, **options[2]))
    if shift:
        steps.append(layers.RandomTranslation(shift, shift, **black, **options[3]))
    if zoom:
        steps.append(layers.RandomZoom((-zoom, zoom), **black, **options[4]))

    for step in steps:
        _resample_masks_by_nearest(step, outside)

    def augment(images, masks):
        pair = {"images": images, "segmentation_masks": masks}
        for step in steps:
            pair = step(pair, training=True)
        return pair["images"], tf.cast(pair["segmentation_masks"], tf.float32)

    return augment


def _resample_masks_by_nearest(step, outside):
    """Keep class numbers whole, which Keras's layers do from 3.14 on; and fill in `outside`."""
    if not hasattr(step, "interpolation"):
        return
    for_masks = {"interpolation": "nearest", "fill_value": float(outside)}

    def nearest(segmentation_masks, transformation, training=True):
        for_images = {name: getattr(step, name) for name in for_masks}
        vars(step).update(for_masks)
        try:
            return step.transform_images(segmentation_masks, transformation, training=training)
        finally:
            vars(step).update(for_images)

    step.transform_segmentation_masks = nearest


# More pictures than memory: shards


def write_shards(folder, load, order, n_shards=20):
    """Write pictures and masks into a few large files, which are read faster than many small ones.

    Each file is a TFRecord of `tf.train.Example`; image and mask stand in it as PNG.

    Parameters
    ----------
    folder : path
        Made where it is not there; shards that it holds are replaced once all are written.
    load : callable
        Returns picture ``i``, uint8 [H, W, C], and its mask, uint8 [H, W].
    order : sequence of int
        Which pictures, as they are to stand in the files. A random order, for a shuffle while
        reading reaches a few hundred pictures far.
    n_shards : int, optional
        Files, ``000.tfrecord`` and so on.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as aside:  # gone with half of it, where one fails
        for k, numbers in enumerate(np.array_split(order, n_shards)):
            with tf.io.TFRecordWriter(f"{aside}/{k:03}.tfrecord") as file:
                for number in numbers.tolist():
                    file.write(_record(*load(number), number))
        for old in folder.glob("*.tfrecord"):
            old.unlink()
        for new in Path(aside).iterdir():
            new.rename(folder / new.name)


def _record(image, mask, number):
    pngs = [tf.io.encode_png(part).numpy() for part in (image, mask[..., np.newaxis])]
    lists = [tf.train.BytesList(value=[value]) for value in (*pngs, b"%d" % number)]
    named = zip(_FEATURES, lists, strict=True)
    features = {name: tf.train.Feature(bytes_list=values) for name, values in named}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


_FEATURES = {name: tf.io.FixedLenFeature([], tf.string) for name in ("image", "mask", "number")}


def read_shards(folder, *, at_once=4, buffer=1_000, seed=None):
    """Stream what `write_shards` wrote, in an order that is new in each pass.

    Parameters
    ----------
    folder : path
    at_once : int, optional
        So many files are read by turns, drawn in random order; 1: one after the other, sorted.
    buffer : int, optional
        Of so many pictures in memory each next one is drawn.
    seed : int, optional

    Returns
    -------
    tf.data.Dataset
        Of (image uint8 [H, W, C], mask uint8 [H, W, 1], number).
    """

    def decode(record):
        found = tf.io.parse_single_example(record, _FEATURES)
        image, mask = (tf.io.decode_png(found[name]) for name in ("image", "mask"))
        return image, mask, tf.strings.to_number(found["number"], tf.int64)

    files = tf.data.Dataset.list_files(f"{folder}/*.tfrecord", shuffle=at_once > 1, seed=seed)
    records = files.interleave(tf.data.TFRecordDataset, cycle_length=at_once)
    records = records.shuffle(buffer, seed=seed)
    return _ahead(records.map(decode, num_parallel_calls=READERS))


# What a network is taught that is to tell touching objects apart


def border_classes(instances, width=2, touching=False):
    """Make classes of numbered objects: 0 background, 1 inside, 2 border.

    Parameters
    ----------
    instances : array_like of int, shape [H, W]
        0 for the background, and a number for each object.
    width : int, optional
        Pixels of an object are border where something else is at most so many rows and columns
        away. An object that has no inside then is inside altogether, lest it be lost.
    touching : bool, optional
        Border is where *two objects* are so near, the background between them included, as the
        winners of the 2018 Data Science Bowl had it. Where they touch, the border class is the gap
        that the masks of the U-Net paper have: ``np.where(classes == 2, 0, instances)``.

    Returns
    -------
    ndarray of uint8, shape [H, W]
    """
    from scipy import ndimage

    instances, window = np.asarray(instances), 2 * width + 1
    highest = ndimage.maximum_filter(instances, window, mode="nearest")
    if touching:
        none = instances.max(initial=0) + 1
        least = ndimage.minimum_filter(np.where(instances, instances, none), window, mode="nearest")
        border = least < highest
    else:
        least = ndimage.minimum_filter(instances, window, mode="nearest")
        border = (least < highest) & (instances > 0)
    lost = np.setdiff1d(instances[border], instances[~border])
    border &= ~np.isin(instances, lost[lost > 0])
    return np.where(border, 2, instances > 0).astype(np.uint8)


def weight_map(instances, w0=10.0, sigma=5.0, class_weights=(1.0, 1.0)):
    """Weigh each pixel as the U-Net paper does: most where the gap between two objects is narrow.

    w = w_c + w0 exp(−(d1 + d2)² / 2σ²), the second part in the background only, with d1 and d2 the
    distances to the nearest object and to the second nearest. Objects that touch leave no such
    pixel: cut a gap first, by `border_classes`, and train on the mask that has it.

    Parameters
    ----------
    instances : array_like of int, shape [H, W]
        0 for the background, and a number for each object.
    w0, sigma : float, optional
        Weight of the gaps, and σ, in pixels. The paper's, unless told.
    class_weights : pair of float, optional
        w_c: weights of background and objects.

    Returns
    -------
    ndarray of float32, shape [H, W]

    References
    ----------
    O. Ronneberger, P. Fischer, T. Brox, "U-Net: Convolutional Networks for Biomedical Image
    Segmentation", MICCAI 2015, https://arxiv.org/abs/1505.04597
    """
    from scipy import ndimage

    instances = np.asarray(instances)
    first, second = np.full((2, *instances.shape), np.inf)
    reach = int(np.ceil(7 * sigma))  # farther off, float32 has no digit left for the summand
    for number, place in enumerate(ndimage.find_objects(instances), 1):
        if place is None:
            continue  # no object has this number
        near = tuple(slice(max(0, side.start - reach), side.stop + reach) for side in place)
        distance = ndimage.distance_transform_edt(instances[near] != number)
        second[near] = np.minimum(second[near], np.maximum(first[near], distance))
        first[near] = np.minimum(first[near], distance)
    gaps = w0 * np.exp(-((first + second) ** 2) / (2 * sigma**2)) * (instances == 0)
    return (np.where(instances > 0, *class_weights[::-1]) + gaps).astype(np.float32)
