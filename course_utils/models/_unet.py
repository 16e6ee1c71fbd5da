"""The U-Net."""

import keras

from . import blocks


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
    as large as the image, and each is followed by batch normalisation.

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
        Whether the decoder sees the encoder's maps.
    l2 : float, optional
        Weight of the sum of the squared kernels, added to the loss; biases and batch normalisation
        are free.
    kernel_initializer : str or keras.Initializer, optional
        Initialisation of all kernels. The paper's, unless told.

    Returns
    -------
    keras.Model
        From float32 [N, H, W, C], values in [0, 1], to logits float32 [N, H, W, classes]. The
        blocks are ``down_0``, … and ``up_0`` (the last), …

    Raises
    ------
    ValueError
        If the image is too small, `filters` too short or `upsampling` unknown.

    References
    ----------
    O. Ronneberger, P. Fischer, T. Brox, "U-Net: Convolutional Networks for Biomedical Image
    Segmentation", MICCAI 2015, https://arxiv.org/abs/1505.04597
    """
    if upsampling not in ("bilinear", "transposed"):
        raise ValueError(f'upsampling must be "bilinear" or "transposed", got {upsampling!r}.')
    blocks.check_shape(input_shape, filters)
    kernels = {"kernel_initializer": kernel_initializer, "l2": l2}
    x = image = keras.Input(input_shape, name="image")

    encoded = []
    for i, width in enumerate(filters):
        if i:
            x = blocks.down(x, f"down_{i}")
        x = blocks.vgg_block(x, width, f"down_{i}", **kernels)
        encoded.append(x)

    width = filters[-1]
    for i, skip in reversed(list(enumerate(encoded[:-1]))):
        width = max(width // 2, filters[0])
        if upsampling == "bilinear":
            x = blocks.up(x, f"up_{i}")
        else:
            x = blocks.up_transposed(x, f"up_{i}", width, **kernels)
        x = blocks.join([skip], x, f"up_{i}") if skips else blocks.fit(x, skip, f"up_{i}")
        x = blocks.vgg_block(x, width, f"up_{i}", **kernels)

    return keras.Model(image, blocks.out(x, classes, "logits", **kernels), name="unet")
