"""MLP, FCN, U-Net and UNet++ (chapters 01, 02, 03 and 06), and the blocks they are made of."""

import keras
from keras import layers, ops


def mlp(input_shape=(256, 256, 1), hidden=100, kernel_initializer="glorot_uniform"):
    """A multilayer perceptron that looks at all pixels and answers for all pixels (chapter 01).

    Two hidden layers of `hidden` units and an output layer with one unit per pixel, as in chapter 5
    of the Medical AI Course Materials (Japanese Association for Medical AI; Chainer 5).

    Parameters
    ----------
    input_shape : tuple of int, optional
        Height, width, channels; the size is fixed once the network is built.
    hidden : int, optional
        Units of each of the two hidden layers.
    kernel_initializer : str or keras.Initializer, optional
        Initialization of all three weight matrices.

    Returns
    -------
    keras.Model
        From float32 [N, H, W, C], values in [0, 1], to logits float32 [N, H, W, 1].
    """
    height, width, _ = input_shape
    return keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Flatten(),
            layers.Dense(hidden, activation="relu", kernel_initializer=kernel_initializer),
            layers.Dense(hidden, activation="relu", kernel_initializer=kernel_initializer),
            layers.Dense(height * width, kernel_initializer=kernel_initializer, dtype="float32"),
            layers.Reshape((height, width, 1), dtype="float32"),
        ],
        name="mlp",
    )


def fcn(
    channels=(64, 128, 128, 128, 128),
    input_shape=(256, 256, 1),
    kernel_initializer="glorot_uniform",
):
    """A fully convolutional network: five convolutions, one transposed convolution (chapter 02).

    The network of chapter 5 of the Medical AI Course Materials (Japanese Association for Medical
    AI; Chainer 5), after Long, Shelhamer and Darrell, "Fully Convolutional Networks for Semantic
    Segmentation", CVPR 2015.

    Parameters
    ----------
    channels : tuple of five int, optional
        Channels of the five convolutions.
    input_shape : tuple of int, optional
        Height, width, channels; height and width are multiples of 16.
    kernel_initializer : str or keras.Initializer, optional
        Initialization of all six kernels.

    Returns
    -------
    keras.Model
        From float32 [N, H, W, C], values in [0, 1], to logits float32 [N, H, W, 1].

    Raises
    ------
    ValueError
        If `channels` does not hold five numbers, or a side is not a multiple of 16.
    """
    if len(channels) != 5:
        raise ValueError(f"channels must hold five numbers, got {len(channels)}: {channels}.")
    if any(side is not None and side % 16 for side in input_shape[:2]):
        raise ValueError(
            f"The FCN shrinks its input 16 times: height and width must be multiples of 16, "
            f"got {input_shape[0]} x {input_shape[1]}."
        )
    conv = {"padding": "same", "activation": "relu", "kernel_initializer": kernel_initializer}
    return keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Conv2D(channels[0], 5, strides=2, name="conv1", **conv),
            layers.MaxPooling2D(2, name="pool1"),
            layers.Conv2D(channels[1], 5, strides=2, name="conv2", **conv),
            layers.MaxPooling2D(2, name="pool2"),
            layers.Conv2D(channels[2], 3, name="conv3", **conv),
            layers.Conv2D(channels[3], 3, name="conv4", **conv),
            layers.Conv2D(channels[4], 1, name="conv5", **conv),
            # float32 also under mixed precision: on a CPU this layer is five times faster in it.
            layers.Conv2DTranspose(
                1,
                32,
                strides=16,
                padding="same",
                kernel_initializer=kernel_initializer,
                dtype="float32",
                name="transposed",
            ),
        ],
        name="fcn",
    )


# The blocks that U-Net and UNet++ are made of: functions that take a symbolic map [B, H, W, C] and
# return one, with a name for the block. Its last layer bears that name, the layers before it have
# something appended.


def vgg_block(x, filters, name, kernel_initializer="he_normal", l2=0.0):
    """Two 3x3 convolutions, each with batch normalization and ReLU.

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
            kernel_regularizer=_penalty(l2),
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
    options = {"dtype": "float32", "name": f"{name}_up"}
    if None in x.shape[1:3]:
        return DoubleSize(**options)(x)
    return layers.UpSampling2D(2, interpolation="bilinear", **options)(x)


@keras.saving.register_keras_serializable("course_utils")
class DoubleSize(layers.Layer):
    """``UpSampling2D(2, interpolation="bilinear")`` for maps of unknown height and width.

    Keras 3.14.0 to 3.15.1 cannot do that in a graph (https://github.com/keras-team/keras/pull/22079
    brought a check of the size that a graph cannot answer).
    """

    def call(self, x):
        """Return the map at twice its height and width, interpolated between pixel centers."""
        x = ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2)
        x = ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="symmetric")
        # Two means of neighbors weigh a pixel and those beside it 1 : 2 : 1.
        return ops.average_pool(ops.average_pool(x, 2, strides=1), 2, strides=1)

    def compute_output_shape(self, input_shape):
        """Return the doubled height and width, where they are known."""
        batch, *sides, channels = input_shape
        return (batch, *(side and 2 * side for side in sides), channels)


def up_transposed(x, name, filters, kernel_initializer="he_normal", l2=0.0):
    """Double height and width by a 2x2 transposed convolution with stride 2, and ReLU."""
    return layers.Conv2DTranspose(
        filters,
        2,
        strides=2,
        activation="relu",
        kernel_initializer=kernel_initializer,
        kernel_regularizer=_penalty(l2),
        name=f"{name}_up",
    )(x)


def join(skips, x, name):
    """Concatenate the channels of the skips and of the map from below, padded where it must be."""
    fits = None not in skips[0].shape[1:3] and x.shape[1:3] == skips[0].shape[1:3]
    # One layer either way, so that the weights are in the same order whatever the image's size.
    layer = layers.Concatenate if fits else PadAndConcatenate
    return layer(name=f"{name}_join")([*skips, x])


@keras.saving.register_keras_serializable("course_utils")
class PadAndConcatenate(layers.Layer):
    """Concatenation of the channels of maps, the last of which may be a little smaller.

    Zeros below and to the right make it as high and wide as the first. The sizes may be unknown
    until an image comes.
    """

    def call(self, inputs):
        """Return all maps on top of one another, as high and wide as the first."""
        *skips, x = inputs
        below, right = (ops.shape(skips[0])[axis] - ops.shape(x)[axis] for axis in (1, 2))
        x = ops.pad(x, [[0, 0], [0, below], [0, right], [0, 0]])
        return ops.concatenate([*skips, x], axis=-1)

    def compute_output_shape(self, input_shape):
        """Return height and width of the first map and the sum of the channels."""
        return (*input_shape[0][:3], sum(shape[3] for shape in input_shape))


def out(x, classes, name, kernel_initializer="glorot_uniform", l2=0.0, kernel=1, **options):
    """One logit per class at each pixel, float32 also under mixed precision."""
    return layers.Conv2D(
        classes,
        kernel,
        kernel_initializer=kernel_initializer,
        kernel_regularizer=_penalty(l2),
        dtype="float32",
        name=name,
        **options,
    )(x)


def _penalty(l2):
    return keras.regularizers.L2(l2) if l2 else None


def _pad(x, like, name):
    """Add zeros below and to the right until `x` is as high and wide as `like`."""
    below, right = (like.shape[axis] - x.shape[axis] for axis in (1, 2))
    if below or right:
        x = layers.ZeroPadding2D(((0, below), (0, right)), name=f"{name}_pad")(x)
    return x


def _check_shape(input_shape, filters):
    """Raise ValueError where an image is too small for so many levels, or there is only one."""
    if len(filters) < 2:
        raise ValueError(f"filters must hold at least two numbers, got {tuple(filters)}.")
    least = 2 ** (len(filters) - 1)
    if any(side is not None and side < least for side in input_shape[:2]):
        raise ValueError(
            f"{len(filters)} levels halve the image {len(filters) - 1} times: height and width "
            f"must be at least {least}, got {input_shape[0]} x {input_shape[1]}."
        )


def unet(
    input_shape=(256, 256, 1),
    *,
    filters=(64, 128, 256, 512, 512),
    classes=1,
    upsampling="bilinear",
    skips=True,
    l2=0.0,
    kernel_initializer="he_normal",
):
    """A U-Net for images of any size: an encoder, a decoder, and skips between them (chapter 03).

    The encoder's levels have `filters` channels. Each step up halves the channels of the level
    below, though not under those of the first: 64-128-256-512-512 comes up with 256-128-64-64,
    64-128-256-512-1024 with 512-256-128-64.

    Unlike the paper's, the convolutions pad, so that the skips need no cropping and the logits are
    as large as the image, and each is followed by batch normalization.

    Parameters
    ----------
    input_shape : tuple of int or None, optional
        Height, width, channels. Any size of at least ``2 ** (len(filters) - 1)``, or ``None``
        where it is not known beforehand: where a side is odd the map from below is padded by a row
        or column of zeros.
    filters : sequence of int, optional
        Channels of the encoder's levels, at least two.
    classes : int, optional
        Channels of the logits; 1 for a single foreground class.
    upsampling : {"bilinear", "transposed"}, optional
        How the decoder doubles the size: by interpolation, which learns nothing and keeps the
        channels, or by a 2x2 transposed convolution with ReLU, which gives as many channels as the
        block after it.
    skips : bool, optional
        Whether the decoder sees the encoder's maps. Without them height and width must be known.
    l2 : float, optional
        Weight of the sum of the squared kernels, added to the loss; biases and batch normalization
        are free.
    kernel_initializer : str or keras.Initializer, optional
        Initialization of all kernels. The paper's, unless told.

    Returns
    -------
    keras.Model
        From float32 [N, H, W, C], values in [0, 1], to logits float32 [N, H, W, classes]. The
        blocks are ``down_0``, … and ``up_0`` (the last), …

    Raises
    ------
    ValueError
        If the image is too small, `filters` too short, `upsampling` unknown, or the size unknown
        where there are no skips.

    References
    ----------
    O. Ronneberger, P. Fischer, T. Brox, "U-Net: Convolutional Networks for Biomedical Image
    Segmentation", MICCAI 2015, https://arxiv.org/abs/1505.04597
    """
    if upsampling not in ("bilinear", "transposed"):
        raise ValueError(f'upsampling must be "bilinear" or "transposed", got {upsampling!r}.')
    if not skips and None in input_shape[:2]:
        raise ValueError(f"Without skips height and width must be known, got {input_shape}.")
    _check_shape(input_shape, filters)
    kernels = {"kernel_initializer": kernel_initializer, "l2": l2}
    x = image = keras.Input(input_shape, name="image")

    encoded = []
    for i, width in enumerate(filters):
        if i:
            x = down(x, f"down_{i}")
        x = vgg_block(x, width, f"down_{i}", **kernels)
        encoded.append(x)

    width = filters[-1]
    for i, skip in reversed(list(enumerate(encoded[:-1]))):
        width = max(width // 2, filters[0])
        if upsampling == "bilinear":
            x = up(x, f"up_{i}")
        else:
            x = up_transposed(x, f"up_{i}", width, **kernels)
        x = join([skip], x, f"up_{i}") if skips else _pad(x, skip, f"up_{i}")
        x = vgg_block(x, width, f"up_{i}", **kernels)

    return keras.Model(image, out(x, classes, "logits", **kernels), name="unet")


def supervise(model):
    """Give a U-Net one logit a pixel on each level of its decoder: deep supervision (chapter 06).

    Parameters
    ----------
    model : keras.Model
        From `unet`, for images whose height and width are known and can be halved evenly on each
        level.

    Returns
    -------
    keras.Model
        From the same images to a list of logits float32 [N, H, W, 1], ``out_1`` from the coarsest
        level to the finest level's; a coarse level's are enlarged bilinearly. The layers below are
        the model's own.

    References
    ----------
    C.-Y. Lee et al., "Deeply-Supervised Nets", AISTATS 2015, https://arxiv.org/abs/1409.5185
    """
    logits = []
    while f"up_{len(logits)}" in {layer.name for layer in model.layers}:
        logits.append(model.get_layer(f"up_{len(logits)}").output)
    for depth in range(len(logits)):
        name = f"out_{len(logits) - depth}"
        enlarge = layers.UpSampling2D(
            2**depth, interpolation="bilinear", dtype="float32", name=name
        )
        small = out(logits[depth], 1, f"{name}_small" if depth else name, "he_normal")
        logits[depth] = enlarge(small) if depth else small
    return keras.Model(model.input, logits[::-1], name=f"{model.name}_supervised")


def unetpp(
    input_shape=(96, 96, 3),
    *,
    filters=(32, 64, 128, 256, 512),
    classes=1,
    deep_supervision=False,
    kernel_initializer="he_normal",
):
    """UNet++: a triangle of blocks, each of which sees all blocks before it on its level (06).

    Node X(i, j), on level i and j steps to the right of the encoder, takes X(i, 0) … X(i, j − 1)
    and X(i + 1, j − 1) at twice its size.

    Parameters
    ----------
    input_shape : tuple of int or None, optional
        Height, width, channels; as in `unet`.
    filters : sequence of int, optional
        Channels of the nodes of each level, at least two levels.
    classes : int, optional
        Channels of the logits; 1 for a single foreground class.
    deep_supervision : bool, optional
        Whether all of X(0, 1), X(0, 2), … have logits, or only the last of them. The loss is then
        the mean of the outputs' losses, ``loss_weights=[1 / 4] * 4`` in `compile`.
    kernel_initializer : str or keras.Initializer, optional
        Initialization of all kernels.

    Returns
    -------
    keras.Model
        From float32 [N, H, W, C], values in [0, 1], to logits float32 [N, H, W, classes]; with
        `deep_supervision` a list of them, from X(0, 1) to the last. A node ends in the layer
        ``x_i_j``, the logits of X(0, j) are the layer, and the output, ``out_j``.

    Raises
    ------
    ValueError
        If the image is too small or `filters` too short.

    See Also
    --------
    prune : the part of a deeply supervised network that one of its outputs needs.

    References
    ----------
    Z. Zhou, M. M. R. Siddiquee, N. Tajbakhsh, J. Liang, "UNet++: A Nested U-Net Architecture for
    Medical Image Segmentation", DLMIA 2018, https://arxiv.org/abs/1807.10165
    """
    _check_shape(input_shape, filters)
    image = keras.Input(input_shape, name="image")
    last = len(filters) - 1

    x = {}
    for j in range(last + 1):
        for i in range(last + 1 - j):
            name = f"x_{i}_{j}"
            if i == j == 0:
                inputs = image
            elif j == 0:
                inputs = down(x[i - 1, 0], name)
            else:
                beside = [x[i, k] for k in range(j)]
                inputs = join(beside, up(x[i + 1, j - 1], name), name)
            x[i, j] = vgg_block(inputs, filters[i], name, kernel_initializer)

    def logits(j):
        return out(x[0, j], classes, f"out_{j}", kernel_initializer)

    outputs = [logits(j) for j in range(1, last + 1)] if deep_supervision else logits(last)
    return keras.Model(image, outputs, name="unetpp")


def prune(model, depth):
    """Cut a deeply supervised UNet++ down to what one of its outputs needs.

    Parameters
    ----------
    model : keras.Model
        From `unetpp` with ``deep_supervision=True``, trained or not.
    depth : int
        The output to keep, X(0, depth): 1 is the smallest network, ``len(model.outputs)`` the
        largest.

    Returns
    -------
    keras.Model
        From the same images to that output's logits alone. Its layers *are* the model's: the
        weights are shared, not copied.

    Raises
    ------
    ValueError
        If the model has no such output.
    """
    names = list(model.output_names)
    if f"out_{depth}" not in names:
        raise ValueError(
            f"depth {depth} needs an output named out_{depth}, but {model.name} has {names}: "
            "build it by unetpp(deep_supervision=True)."
        )
    logits = model.outputs[names.index(f"out_{depth}")]
    return keras.Model(model.input, logits, name=f"{model.name}_{depth}")
