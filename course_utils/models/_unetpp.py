"""UNet++, nested U-Nets, and what can be cut off it."""

import keras

from . import blocks


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
        Initialisation of all kernels.

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
    blocks.check_shape(input_shape, filters)
    image = keras.Input(input_shape, name="image")
    last = len(filters) - 1

    x = {}
    for j in range(last + 1):
        for i in range(last + 1 - j):
            name = f"x_{i}_{j}"
            if i == j == 0:
                inputs = image
            elif j == 0:
                inputs = blocks.down(x[i - 1, 0], name)
            else:
                beside = [x[i, k] for k in range(j)]
                inputs = blocks.join(beside, blocks.up(x[i + 1, j - 1], name), name)
            x[i, j] = blocks.vgg_block(inputs, filters[i], name, kernel_initializer)

    def logits(j):
        return blocks.out(x[0, j], classes, f"out_{j}", kernel_initializer)

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
