"""What the networks since 2015 have in common: blocks, sizes, and what they see and cost.

Heights and widths must be known when a network is built: to sizes that come with the image, Keras
3.14.0 to 3.15.1 cannot enlarge bilinearly in a graph, see
https://github.com/keras-team/keras/pull/22079.
"""

import math

import keras
import numpy as np
from keras import layers, ops


def check_size(size, least, name):
    """Raise ValueError where height or width is unknown or under `least` pixels."""
    if any(side is None or side < least for side in size):
        raise ValueError(
            f"{name}: height and width must be known when the network is built and at least "
            f"{least}, got {size[0]} x {size[1]}. Build it for a size, such as (96, 128, 3)."
        )


def conv_block(x, filters, name, kernel=3, *, strides=1, rate=1, use_bias=False, relu=True):
    """Return a convolution with batch normalization and ReLU.

    A side that the strides do not divide is rounded up. The padding is the same on all sides, so
    that strides 2 give every second value of what strides 1 would give, from the first one on.
    """
    padding = "same"
    if strides > 1:
        padding = "valid"
        x = layers.ZeroPadding2D(rate * (kernel // 2), name=f"{name}_pad")(x)
    x = layers.Conv2D(
        filters,
        kernel,
        strides=strides,
        padding=padding,
        dilation_rate=rate,
        use_bias=use_bias,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_norm")(x)
    return layers.ReLU(name=name)(x) if relu else x


def resize(x, size, name):
    """Return the map at height and width `size`, interpolated bilinearly between pixel centers."""
    for known in (x.shape[1:3], size):
        check_size(known, 1, name)
    # In float32 also under mixed precision, as `up`.
    return x if x.shape[1:3] == tuple(size) else Resize(*size, dtype="float32", name=name)(x)


class ToSize(layers.Layer):
    """A layer that makes maps of a height and width; `Resize` and `MaxUnpooling` are such."""

    def __init__(self, height, width, **options):
        super().__init__(**options)
        self.height, self.width = height, width

    def get_config(self):
        """Return what it takes to build the layer again."""
        return super().get_config() | {"height": self.height, "width": self.width}


@keras.saving.register_keras_serializable("course_utils")
class Resize(ToSize):
    """Bilinear interpolation to a height and width.

    `keras.layers.Resizing` is for pipelines: in a network that is called without `training` it has
    all layers after it believe that they are trained (Keras 3.15.1).
    """

    def call(self, x):
        """Return the map [B, height, width, C]."""
        return ops.image.resize(x, (self.height, self.width), interpolation="bilinear")


def segmenter(encoder, head, name="segmenter"):
    """Put a head on an encoder, and enlarge its logits to the size of the image.

    Parameters
    ----------
    encoder : keras.Model
        From images of known size to a list of maps, such as `resnet`. It is not copied: networks on
        one encoder share its weights.
    head : callable
        From that list to logits of any height and width, such as
        ``lambda maps: pspnet_head(maps[-1], 8)``, which wants output stride 8;
        ``lambda maps: deeplab_v3plus_decoder(aspp(maps[-1]), maps[0], 8)``, which wants 16;
        ``lambda maps: pspnet_head(jpu(maps[1:]), 8)``, which wants 32.

    Returns
    -------
    keras.Model
        From float32 [N, H, W, C] to logits float32 [N, H, W, classes].
    """
    logits = resize(head(encoder.outputs), encoder.input.shape[1:3], "enlarged")
    return keras.Model(encoder.input, logits, name=name)


def receptive_field(stack):
    """Count the pixels along one side that one value behind a stack of layers sees.

    Parameters
    ----------
    stack : iterable of (kernel, stride, rate)
        From the first layer to the last; convolutions and poolings alike.

    Returns
    -------
    int
    """
    seen, step = 1, 1
    for kernel, stride, rate in stack:
        seen += (kernel - 1) * rate * step
        step *= stride
    return seen


def count_multiplications(model):
    """Count what a network multiplies for one image: with kernels, and in attention.

    Layers with two kernels, such as `keras.layers.SeparableConv2D`, are not counted, nor are
    normalization, pooling and interpolation, which multiply little.

    Parameters
    ----------
    model : keras.Model
        Built for images of known size.

    Returns
    -------
    int
    """
    total = 0
    for layer in model.layers:
        if isinstance(layer, layers.MultiHeadAttention):
            (queries, channels), (keys, _) = (each.shape[1:] for each in layer.input)
            total += 2 * (queries + keys) * channels**2 + 2 * queries * keys * channels
        elif hasattr(layer, "kernel"):
            at = layer.input if isinstance(layer, layers.Conv2DTranspose) else layer.output
            total += math.prod(layer.kernel.shape) * math.prod(at.shape[1:-1])
    return total


def response(module, *sides, at=0, channels=8):
    """Light the middle of a dark map, and see where a module with random weights notices it.

    Parameters
    ----------
    module : callable
        From symbolic maps [B, side, side, channels] to one map.
    *sides : int
        Of the maps that it takes, all of them dark.
    at : int, optional
        Which of them is lit, at one place.
    channels : int, optional
        Of each map.

    Returns
    -------
    ndarray of float32, shape [H, W]
        How much the module's output changes, from 0 to 1 and drawn together (the 0.15th power), for
        some changes are thousands of times as large as others.
    """
    keras.utils.set_random_seed(0)
    inputs = [keras.Input((side, side, channels)) for side in sides]
    model = keras.Model(inputs, module(*inputs))
    maps = [np.zeros((1, side, side, channels), "float32") for side in sides]
    dark = ops.convert_to_numpy(model(maps))
    maps[at][:, sides[at] // 2, sides[at] // 2] = 1
    change = np.abs(ops.convert_to_numpy(model(maps)) - dark)[0].mean(axis=-1)
    return (change / max(change.max(), 1e-12)) ** 0.15
