"""Chapter 00's first minute: small streets drawn on the spot, and a network that learns them."""

import cv2
import keras
import numpy as np
from keras import layers

from .datasets import IGNORE, Dataset
from .datasets.samples import outdoor_scene

CLASS_NAMES = ("sky", "tree", "road", "grass", "water", "building", "mountain", "foreground")
HEIGHT, WIDTH = 48, 64
EPOCHS, BATCH_SIZE = 15, 8


def draw_streets(count, seed):
    """Draw small made-up streets with their masks.

    Parameters
    ----------
    count, seed : int

    Returns
    -------
    Dataset
        `count` images of 48 x 64 pixels, of eight classes.
    """
    rng = np.random.default_rng(seed)
    scenes = [outdoor_scene(rng, 2 * HEIGHT, 2 * WIDTH)[:2] for _ in range(count)]
    size, shrink = (WIDTH, HEIGHT), cv2.INTER_AREA
    return Dataset(
        images=np.stack([cv2.resize(image, size, interpolation=shrink) for image, _ in scenes]),
        masks=np.stack([mask[::2, ::2] for _, mask in scenes]),
        class_names=CLASS_NAMES,
        ids=tuple(f"street {number}" for number in range(count)),
        groups=None,
        source="streets drawn by the course's own code",
    )


def build_network():
    """Build an untrained network: down to an eighth of the size, halfway up again, with skips.

    Returns
    -------
    keras.Model
        From images uint8 [N, 48, 64, 3] to logits float32 [N, 48, 64, 8].
    """
    image = keras.Input((HEIGHT, WIDTH, 3))
    half = _convolve(layers.Rescaling(1 / 255)(image), 32, strides=2)
    quarter = _convolve(half, 48, strides=2)
    eighth = _convolve(quarter, 64, strides=2)
    up = _convolve(layers.Concatenate()([layers.UpSampling2D()(eighth), quarter]), 48)
    up = _convolve(layers.Concatenate()([layers.UpSampling2D()(up), half]), 32)
    scores = layers.Conv2D(len(CLASS_NAMES), 1)(up)
    enlarge = layers.UpSampling2D(2, interpolation="bilinear", dtype="float32")
    return keras.Model(image, enlarge(scores), name="first_look")


def _convolve(x, filters, strides=1):
    x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def train_network(streets, callbacks=()):
    """Build a network and train it on streets: some ten seconds of one processor core.

    Parameters
    ----------
    streets : Dataset
        Of `draw_streets`.
    callbacks : sequence of keras.callbacks.Callback, optional

    Returns
    -------
    keras.Model
        As `build_network`.
    """
    steps = EPOCHS * -(-len(streets) // BATCH_SIZE)
    rate = keras.optimizers.schedules.CosineDecay(
        5e-4, steps - steps // 8, warmup_target=4e-3, warmup_steps=steps // 8
    )
    network = build_network()
    network.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=IGNORE),
    )
    network.fit(
        streets.images,
        streets.masks,
        batch_size=BATCH_SIZE,
        epochs=EPOCHS,
        verbose=0,
        callbacks=list(callbacks),
    )
    return network


def predict_masks(network, images):
    """Let a network name each pixel's class.

    Parameters
    ----------
    network : keras.Model
        Of `train_network`.
    images : ndarray of uint8, shape [N, 48, 64, 3]

    Returns
    -------
    ndarray of uint8, shape [N, 48, 64]
        Class numbers.
    """
    return network.predict(images, verbose=0).argmax(axis=-1).astype(np.uint8)
