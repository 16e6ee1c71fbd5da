"""The perceptron and the fully convolutional network of the first two chapters."""

import keras
from keras import layers


def mlp(input_shape=(256, 256, 1), hidden=100, kernel_initializer="glorot_uniform"):
    """A multilayer perceptron that looks at all pixels and answers for all pixels (chapter 01).

    Two hidden layers of `hidden` units and an output layer with one unit a pixel, as in chapter 5
    of the Medical AI Course Materials (Japanese Association for Medical AI; Chainer 5).

    Parameters
    ----------
    input_shape : tuple of int, optional
        Height, width, channels; the size is fixed once the network is built.
    hidden : int, optional
        Units of each of the two hidden layers.
    kernel_initializer : str or keras.Initializer, optional
        Initialisation of all three weight matrices.

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
        Initialisation of all six kernels.

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
