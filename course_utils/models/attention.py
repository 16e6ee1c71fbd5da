"""SegFormer: a transformer that segments, from its blocks (chapter 09).

E. Xie et al., "SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers",
NeurIPS 2021, https://arxiv.org/abs/2105.15203
"""

import keras
import numpy as np
from keras import layers

from .blocks import check_size, conv_block, resize, segmenter
from .mlp_to_unetpp import out


def _small():
    # An initializer gives the same numbers each time it is used: one for each layer.
    return keras.initializers.TruncatedNormal(stddev=0.02)


def _norm(x, name):
    return layers.LayerNormalization(epsilon=1e-6, name=name)(x)


def _drop_path(x, rate, name):
    """Leave a residual branch out, of a whole image at a time, while training."""
    return layers.Dropout(rate, noise_shape=(None, 1, 1, 1), name=name)(x) if rate else x


def patch_embedding(x, channels, kernel, strides, name):
    """Return overlapping patches as normalized vectors; a side is divided and rounded up."""
    x = layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
    x = layers.Conv2D(
        channels, kernel, strides=strides, kernel_initializer="he_normal", name=f"{name}_conv"
    )(x)
    return _norm(x, name)


def efficient_attention(x, heads, reduction, name):
    """Multi-head self-attention of all pixels to a map that is `reduction` times smaller.

    Parameters
    ----------
    x : KerasTensor, shape [B, H, W, C]
    heads : int
        Divides C.
    reduction : int
        Keys and values come from H // reduction times W // reduction vectors, so the H W queries
        cost about H² W² / reduction² products instead of H² W².
    name : str
        Of the layer that attends, `keras.layers.MultiHeadAttention`.

    Returns
    -------
    KerasTensor, shape [B, H, W, C]
    """
    channels, seen = x.shape[-1], x
    if reduction > 1:
        seen = layers.Conv2D(
            channels,
            reduction,
            strides=reduction,
            kernel_initializer="he_normal",
            name=f"{name}_reduce",
        )(x)
        seen = _norm(seen, f"{name}_norm")
    queries = layers.Reshape((-1, channels), name=f"{name}_queries")(x)
    keys = layers.Reshape((-1, channels), name=f"{name}_keys")(seen)
    attend = layers.MultiHeadAttention(
        heads, channels // heads, kernel_initializer=_small(), name=name
    )
    return layers.Reshape(x.shape[1:], name=f"{name}_map")(attend(queries, keys))


def mix_ffn(x, name, expansion=4):
    """Return two dense layers over the channels, between them a 3x3 depthwise convolution and GELU.

    Zero padding, here and in the patches, tells where the border is. That is all that SegFormer
    learns of positions; it needs no code for them, and its weights fit images of any size.
    """
    channels = x.shape[-1]
    x = layers.Dense(expansion * channels, kernel_initializer=_small(), name=f"{name}_1")(x)
    x = layers.DepthwiseConv2D(
        3, padding="same", depthwise_initializer="he_normal", name=f"{name}_depthwise"
    )(x)
    x = layers.Activation("gelu", name=f"{name}_gelu")(x)
    return layers.Dense(channels, kernel_initializer=_small(), name=f"{name}_2")(x)


def mit(
    input_shape=(96, 128, 3),
    *,
    widths=(32, 64, 160, 256),
    depths=(2, 2, 2, 2),
    heads=(1, 2, 5, 8),
    reductions=(8, 4, 2, 1),
    drop_path=0.1,
):
    """SegFormer's encoder, a mix transformer; by default MiT-B0.

    Parameters
    ----------
    input_shape : tuple of int, optional
        Height, width, channels; with these reductions each side at least 29.
    widths, depths, heads, reductions : sequence of int, optional
        Of each stage: channels, blocks, heads of attention, and how many times smaller along a side
        the map is that it attends to.
    drop_path : float, optional
        How often the last residual branch is left out while training; the earlier, the less often.

    Returns
    -------
    keras.Model
        From float32 [N, H, W, C] to the list of the stages' maps with strides 4, 8, 16, 32; odd
        sides are rounded up. MiT-B0 has 3,319,392 parameters.

    Raises
    ------
    ValueError
        If the image is too small or its size unknown, the settings differ in length, or a stage's
        heads do not divide its channels.
    """
    settings = {"widths": widths, "depths": depths, "heads": heads, "reductions": reductions}
    if len({len(setting) for setting in settings.values()}) > 1:
        raise ValueError(f"Each setting must hold one number for each stage, got {settings}.")
    if any(width % count for width, count in zip(widths, heads, strict=True)):
        raise ValueError(f"heads must divide widths stage by stage, got {heads} and {widths}.")
    # Stage i's sides, rounded up, must hold the reduction at least once.
    least = max((ratio - 1) * 2 ** (i + 2) + 1 for i, ratio in enumerate(reductions))
    check_size(input_shape[:2], least, "mit")
    x = image = keras.Input(input_shape, name="image")
    rates = iter(np.linspace(0, drop_path, sum(depths)).tolist())
    maps = []
    for i, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        kernel, strides = (3, 2) if i else (7, 4)
        x = patch_embedding(x, width, kernel, strides, f"stage_{i}_patches")
        for j in range(depth):
            name, rate = f"stage_{i}_block_{j}", next(rates)
            y = _norm(x, f"{name}_norm_1")
            y = efficient_attention(y, heads[i], reductions[i], f"{name}_attention")
            x = layers.Add(name=f"{name}_add_1")([x, _drop_path(y, rate, f"{name}_drop_1")])
            y = mix_ffn(_norm(x, f"{name}_norm_2"), f"{name}_ffn")
            x = layers.Add(name=name)([x, _drop_path(y, rate, f"{name}_drop_2")])
        x = _norm(x, f"stage_{i}")
        maps.append(x)
    return keras.Model(image, maps, name="mit")


def segformer_head(maps, classes, width=256, name="head"):
    """The all-MLP head: every map to `width` channels and the first one's size, and mixed.

    Parameters
    ----------
    maps : sequence of KerasTensor, shapes [B, H, W, C], …
        The largest first.
    classes : int
    width : int, optional
    name : str, optional

    Returns
    -------
    KerasTensor, shape [B, H, W, classes]
        Logits, float32.
    """
    size = maps[0].shape[1:3]
    same = []
    for i, x in enumerate(maps):
        x = layers.Dense(width, kernel_initializer=_small(), name=f"{name}_map_{i}")(x)
        same.append(resize(x, size, f"{name}_map_{i}_up"))
    x = conv_block(layers.Concatenate(name=f"{name}_join")(same), width, name, 1)
    return out(layers.Dropout(0.1, name=f"{name}_dropout")(x), classes, f"{name}_logits")


def segformer(input_shape=(96, 128, 3), *, classes, width=256, **options):
    """SegFormer, by default B0.

    Parameters
    ----------
    input_shape : tuple of int, optional
        Height, width, channels; each side at least 29.
    classes : int
    width : int, optional
        Channels of the head.
    **options
        Of the encoder, `mit`.

    Returns
    -------
    keras.Model
        From float32 [N, H, W, C] to logits float32 [N, H, W, classes]. B0 with 19 classes has
        3,719,539 parameters, of which 512 are the moving statistics.

    Raises
    ------
    ValueError
        As `mit`.
    """
    encoder = mit(input_shape, **options)
    return segmenter(encoder, lambda maps: segformer_head(maps, classes, width), "segformer")


def attention_map(model, image, pixel, stage=0, block=0):
    """Work out how much one pixel attends to each part of the image.

    Parameters
    ----------
    model : keras.Model
        From `segformer` or `mit`.
    image : ndarray of float32, shape [H, W, C]
        As the model takes it.
    pixel : tuple of int
        Row and column in the image.
    stage, block : int, optional
        Which attention, both from 0.

    Returns
    -------
    ndarray of float32, shape [heads, rows, columns]
        Of the map attended to; each head's values are positive and sum to 1.

    Raises
    ------
    ValueError
        If the pixel is outside the image, or the model has no such block.
    """
    if any(not 0 <= at < side for at, side in zip(pixel, image.shape, strict=False)):
        raise ValueError(f"pixel {tuple(pixel)} is outside the image of {image.shape[:2]}.")
    attend, queries, keys = (
        model.get_layer(f"stage_{stage}_block_{block}_attention{part}")
        for part in ("", "_queries", "_keys")
    )
    vectors = keras.Model(model.input, [queries.output, keys.output])(image[None])
    _, scores = attend(*vectors, return_attention_scores=True)
    row, column = (
        at * side // whole
        for at, side, whole in zip(pixel, queries.input.shape[1:3], image.shape, strict=False)
    )
    scores = keras.ops.convert_to_numpy(scores)[0, :, row * queries.input.shape[2] + column]
    return scores.reshape(-1, *keys.input.shape[1:3]).astype("float32")
