"""The blocks that U-Net and UNet++ are made of.

Functions that take a symbolic map [B, H, W, C] and return one, with a name for the block: its last
layer bears that name, the layers before it have something appended.
"""

import keras
from keras import layers, ops


def _padded(x, like):
    """Add zeros below and to the right until `x` is as high and wide as `like`."""
    below, right = (ops.shape(like)[axis] - ops.shape(x)[axis] for axis in (1, 2))
    return ops.pad(x, [[0, 0], [0, below], [0, right], [0, 0]])


@keras.saving.register_keras_serializable("course_utils")
class PadLike(layers.Layer):
    """Zeros below and to the right until a map is as high and wide as another.

    Called with ``[x, like]``, [B, h, w, C] and [B, H, W, D]; returns [B, H, W, C]. The sizes may be
    unknown until an image comes.
    """

    def call(self, inputs):
        """Return the first map, padded."""
        x, like = inputs
        return _padded(x, like)

    def compute_output_shape(self, input_shape):
        """Return height and width of the second map, the rest of the first."""
        x, like = input_shape
        return (x[0], *like[1:3], x[3])


@keras.saving.register_keras_serializable("course_utils")
class PadAndConcatenate(layers.Layer):
    """Concatenation of the channels of maps, the last of which is padded as by `PadLike`."""

    def call(self, inputs):
        """Return all maps on top of one another, as high and wide as the first."""
        *skips, x = inputs
        return ops.concatenate([*skips, _padded(x, skips[0])], axis=-1)

    def compute_output_shape(self, input_shape):
        """Return height and width of the first map and the sum of the channels."""
        return (*input_shape[0][:3], sum(shape[3] for shape in input_shape))


def vgg_block(x, filters, name, kernel_initializer="he_normal", l2=0.0):
    """Two 3x3 convolutions, each with batch normalisation and ReLU.

    Parameters
    ----------
    x : KerasTensor, shape [B, H, W, C]
    filters : int
        Channels of both convolutions.
    name : str
    kernel_initializer : str or keras.Initializer, optional
    l2 : float, optional
        Weight of the sum of the squared kernels in the loss.

    Returns
    -------
    KerasTensor, shape [B, H, W, filters]
    """
    for i in (1, 2):
        x = layers.Conv2D(
            filters,
            3,
            padding="same",
            kernel_initializer=kernel_initializer,
            kernel_regularizer=penalty(l2),
            name=f"{name}_conv{i}",
        )(x)
        # 0.99, as Keras has it, needs hundreds of steps before evaluation means anything.
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_norm{i}")(x)
        x = layers.ReLU(name=name if i == 2 else f"{name}_relu{i}")(x)
    return x


def down(x, name):
    """Halve height and width by max pooling; of an odd side the last row or column is left out."""
    return layers.MaxPooling2D(2, name=f"{name}_pool")(x)


def up(x, name):
    """Double height and width by bilinear interpolation; the channels stay."""
    # In float32 also under mixed precision: for bfloat16 a processor has no quick kernel, and the
    # same interpolation costs it about three times as much.
    return layers.UpSampling2D(2, interpolation="bilinear", dtype="float32", name=f"{name}_up")(x)


def up_transposed(x, name, filters, kernel_initializer="he_normal", l2=0.0):
    """Double height and width by a 2x2 transposed convolution with stride 2, and ReLU."""
    return layers.Conv2DTranspose(
        filters,
        2,
        strides=2,
        activation="relu",
        kernel_initializer=kernel_initializer,
        kernel_regularizer=penalty(l2),
        name=f"{name}_up",
    )(x)


def join(skips, x, name):
    """Concatenate the channels of the skips and of the map from below, padded where it must be."""
    # One layer either way, so that the weights are in the same order whatever the image's size.
    layer = layers.Concatenate if _same_size(x, skips[0]) else PadAndConcatenate
    return layer(name=f"{name}_join")([*skips, x])


def fit(x, like, name):
    """Pad to the size of `like`; no layer where the two are known to agree."""
    return x if _same_size(x, like) else PadLike(name=f"{name}_pad")([x, like])


def _same_size(x, like):
    return None not in like.shape[1:3] and x.shape[1:3] == like.shape[1:3]


def out(x, classes, name, kernel_initializer="glorot_uniform", l2=0.0):
    """One logit a class at each pixel, float32 also under mixed precision."""
    return layers.Conv2D(
        classes,
        1,
        kernel_initializer=kernel_initializer,
        kernel_regularizer=penalty(l2),
        dtype="float32",
        name=name,
    )(x)


def penalty(l2):
    """Return the regulariser, or ``None`` for 0."""
    return keras.regularizers.L2(l2) if l2 else None


def check_shape(input_shape, filters):
    """Raise ValueError where an image is too small for so many levels, or there is only one."""
    if len(filters) < 2:
        raise ValueError(f"filters must hold at least two numbers, got {tuple(filters)}.")
    least = 2 ** (len(filters) - 1)
    if any(side is not None and side < least for side in input_shape[:2]):
        raise ValueError(
            f"{len(filters)} levels halve the image {len(filters) - 1} times: height and width "
            f"must be at least {least}, got {input_shape[0]} x {input_shape[1]}."
        )
