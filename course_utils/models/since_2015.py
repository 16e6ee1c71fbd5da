"""The networks since 2015: SegNet, PSPNet, DeepLab v1 to v3+, and FastFCN's JPU (chapter 08).

Modules and heads are functions from symbolic maps [B, H, W, C] of known size, of whatever encoder,
to such maps. Each begins the names of its layers with `name`.
"""

import keras
import numpy as np
from keras import layers, ops

from .blocks import ToSize, check_size, conv_block, resize
from .mlp_to_unetpp import out

# SegNet


@keras.saving.register_keras_serializable("course_utils")
class MaxPoolingWithIndices(layers.Layer):
    """Max pooling 2x2 that also says at which place of its window each maximum stood.

    Of equal values the first counts, and it alone gets the gradient. An odd last row or column is
    left out.
    """

    def call(self, x):
        """Return the maxima [B, H // 2, W // 2, C], and their places: 0, 1 above, 2, 3 below."""
        height, width = (side - side % 2 for side in x.shape[1:3])
        corners = [x[:, i:height:2, j:width:2] for i in (0, 1) for j in (0, 1)]
        windows = ops.stack(corners, axis=3)
        places = ops.argmax(windows, axis=3)
        # The maximum as a sum, for `ops.max` would share the gradient among equal values, which
        # zeros behind a ReLU are.
        return ops.sum(windows * ops.one_hot(places, 4, axis=3, dtype=x.dtype), axis=3), places


@keras.saving.register_keras_serializable("course_utils")
class MaxUnpooling(ToSize):
    """The way back from `MaxPoolingWithIndices`: each value at its place, zeros elsewhere."""

    def call(self, x, places):
        """Return the values [B, h, w, C] in a map [B, height, width, C]."""
        h, w, channels = x.shape[1:]
        windows = ops.expand_dims(x, 3) * ops.one_hot(places, 4, axis=3, dtype=x.dtype)
        windows = ops.reshape(windows, (-1, h, w, 2, 2, channels))
        x = ops.reshape(ops.transpose(windows, (0, 1, 3, 2, 4, 5)), (-1, 2 * h, 2 * w, channels))
        return ops.pad(x, [[0, 0], [0, self.height - 2 * h], [0, self.width - 2 * w], [0, 0]])


def segnet(
    input_shape=(96, 128, 3),
    *,
    classes,
    filters=(64, 128, 256, 512, 512),
    convolutions=(2, 2, 3, 3, 3),
):
    """SegNet: a decoder that puts values back where the encoder's poolings took them from.

    The encoder is VGG16's with batch normalization, the decoder its mirror image.

    Parameters
    ----------
    input_shape : tuple of int, optional
        Height, width, channels; each side at least ``2 ** len(filters)``.
    classes : int
        Channels of the logits.
    filters, convolutions : sequence of int, optional
        Channels and number of the encoder's convolutions before each pooling.

    Returns
    -------
    keras.Model
        From float32 [N, H, W, C] to logits float32 [N, H, W, classes]. Without the moving
        statistics it has 29,444,162 parameters for 2 classes, 29,455,125 for 21.

    Raises
    ------
    ValueError
        If the image is too small or its size unknown.

    References
    ----------
    V. Badrinarayanan, A. Kendall, R. Cipolla, "SegNet: A Deep Convolutional Encoder-Decoder
    Architecture for Image Segmentation", TPAMI 2017, https://arxiv.org/abs/1511.00561
    """
    check_size(input_shape[:2], 2 ** len(filters), "segnet")
    x = image = keras.Input(input_shape, name="image")
    pooled = []
    for i, (width, count) in enumerate(zip(filters, convolutions, strict=True)):
        for j in range(count):
            x = conv_block(x, width, f"down_{i}_{j}", use_bias=True)
        size = x.shape[1:3]
        x, places = MaxPoolingWithIndices(name=f"down_{i}_pool")(x)
        pooled.append((size, places))
    for i, (size, places) in reversed(list(enumerate(pooled))):
        x = MaxUnpooling(*size, name=f"up_{i}_unpool")(x, places)
        for j in reversed(range(convolutions[i])):
            if i or j:
                x = conv_block(x, filters[i if j else i - 1], f"up_{i}_{j}", use_bias=True)
    return keras.Model(image, out(x, classes, "logits", kernel=3, padding="same"), name="segnet")


# An encoder that strides or dilates


def resnet(
    input_shape=(96, 128, 3),
    *,
    filters=(64, 128, 256, 512),
    blocks=(2, 2, 2, 2),
    output_stride=32,
):
    """The encoder of ResNet-18, dilated in place of its last strides where that is asked for.

    The weights fit whatever the output stride: with the same ones the dilated encoder gives what
    the other gives, and the values between.

    Parameters
    ----------
    input_shape : tuple of int, optional
        Height, width, channels.
    filters, blocks : sequence of int, optional
        Channels and number of residual blocks of each stage. With three channels and otherwise as
        they stand, ResNet-18's 11,176,512 parameters.
    output_stride : {32, 16, 8}, optional
        How much smaller than the image the last map is. Where a stage does not stride, rate 2 (and
        4 in the stage after) keeps what its convolutions see.

    Returns
    -------
    keras.Model
        From float32 [N, H, W, C] to the list of the stages' maps, with strides 4, 8, 16, 32, though
        none over `output_stride`; sides that do not divide are rounded up.

    Raises
    ------
    ValueError
        If the size is unknown or the output stride another.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016,
    https://arxiv.org/abs/1512.03385. F. Yu, V. Koltun, "Multi-Scale Context Aggregation by Dilated
    Convolutions", ICLR 2016, https://arxiv.org/abs/1511.07122
    """
    check_size(input_shape[:2], 1, "resnet")
    if output_stride not in (8, 16, 32):
        raise ValueError(f"output_stride must be 8, 16 or 32, got {output_stride}.")
    image = keras.Input(input_shape, name="image")
    x = conv_block(image, filters[0], "stem", kernel=7, strides=2)
    x = layers.MaxPooling2D(3, 2, name="pool")(layers.ZeroPadding2D(1, name="pool_pad")(x))
    stride, rate, maps = 4, 1, []
    for i, (width, count) in enumerate(zip(filters, blocks, strict=True)):
        for j in range(count):
            name, shortcut = f"stage_{i}_block_{j}", x
            first = {"strides": 1, "rate": rate}
            if i and not j:
                if stride < output_stride:
                    stride, first["strides"] = stride * 2, 2
                else:  # the values that striding leaves out stay, and the kernels skip them
                    rate *= 2
                shortcut = conv_block(
                    x, width, f"{name}_shortcut", 1, strides=first["strides"], relu=False
                )
            x = conv_block(x, width, f"{name}_1", **first)
            x = conv_block(x, width, f"{name}_2", rate=rate, relu=False)
            x = layers.ReLU(name=name)(layers.Add(name=f"{name}_add")([shortcut, x]))
        maps.append(x)
    return keras.Model(image, maps, name="resnet")


def fcn_head(x, classes, name="fcn"):
    """Return logits from one 3x3 convolution to a quarter of the channels: nothing but the map.

    With 2048 channels and 21 classes it has 9,448,981 parameters, as torchvision's.
    """
    x = conv_block(x, x.shape[-1] // 4, f"{name}_last")
    return out(layers.Dropout(0.1, name=f"{name}_dropout")(x), classes, f"{name}_logits")


# DeepLab


def deeplab_v2_head(x, classes, rates=(6, 12, 18, 24), name="deeplab_v2"):
    """Return the sum of logits from 3x3 convolutions that see differently far.

    L.-C. Chen et al., "DeepLab: Semantic Image Segmentation with Deep Convolutional Nets, Atrous
    Convolution, and Fully Connected CRFs", TPAMI 2018, https://arxiv.org/abs/1606.00915; as on its
    ResNet-101. With ``rates=(12,)`` it stands for DeepLab v1, https://arxiv.org/abs/1412.7062,
    whose large field of view is one convolution of rate 12.
    """
    dilated = {"kernel": 3, "padding": "same"}
    logits = [
        out(x, classes, f"{name}_rate_{rate}", dilation_rate=rate, **dilated) for rate in rates
    ]
    if len(logits) == 1:
        return logits[0]
    return layers.Add(dtype="float32", name=f"{name}_sum")(logits)


def aspp(x, channels=256, rates=(6, 12, 18), name="aspp"):
    """Atrous spatial pyramid pooling, as in DeepLab v3 and v3+.

    A 1x1 convolution, a 3x3 convolution of each rate and the mean of the whole map, side by side,
    and a 1x1 convolution over all of them.

    Parameters
    ----------
    x : KerasTensor, shape [B, H, W, C]
        With output stride 16 for these rates, with 8 for twice as high ones. Where the map is no
        larger than a rate, that convolution sees little but its middle.
    channels : int, optional
        Of each branch and of the result.
    rates : sequence of int, optional
    name : str, optional

    Returns
    -------
    KerasTensor, shape [B, H, W, channels]
        From 2048 channels to 256, with 15,535,104 parameters without the moving statistics, as in
        torchvision.

    References
    ----------
    L.-C. Chen, G. Papandreou, F. Schroff, H. Adam, "Rethinking Atrous Convolution for Semantic
    Image Segmentation", 2017, https://arxiv.org/abs/1706.05587
    """
    branches = [conv_block(x, channels, f"{name}_1x1", 1)]
    branches += [conv_block(x, channels, f"{name}_rate_{rate}", rate=rate) for rate in rates]
    mean = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_mean")(x)
    mean = conv_block(mean, channels, f"{name}_image", 1)
    branches.append(resize(mean, x.shape[1:3], f"{name}_image_up"))
    joined = layers.Concatenate(name=f"{name}_join")(branches)
    return conv_block(joined, channels, name, 1)


def deeplab_head(x, classes, channels=256, rates=(6, 12, 18), name="deeplab"):
    """Return DeepLab v3's logits: `aspp`, a 3x3 convolution, which torchvision added, and a 1x1.

    From 2048 channels to 21 classes it has torchvision's 16,130,837 parameters.
    """
    x = conv_block(aspp(x, channels, rates, f"{name}_aspp"), channels, f"{name}_last")
    return out(x, classes, f"{name}_logits")


def deeplab_v3plus_decoder(high, low, classes, reduced=48, channels=256, name="decoder"):
    """DeepLab v3+'s decoder: fine contours from an early map, classes from a late one.

    Parameters
    ----------
    high : KerasTensor, shape [B, h, w, C]
        From `aspp`.
    low : KerasTensor, shape [B, H, W, D]
        An early map, with stride 4 in the paper.
    classes : int
    reduced : int, optional
        Channels that are left of `low`, lest it drown out `high`.
    channels : int, optional
        Of the two 3x3 convolutions, which are not separable ones here.
    name : str, optional

    Returns
    -------
    KerasTensor, shape [B, H, W, classes]
        Logits, float32.

    References
    ----------
    L.-C. Chen et al., "Encoder-Decoder with Atrous Separable Convolution for Semantic Image
    Segmentation", ECCV 2018, https://arxiv.org/abs/1802.02611
    """
    low = conv_block(low, reduced, f"{name}_low", 1)
    high = resize(high, low.shape[1:3], f"{name}_up")
    x = layers.Concatenate(name=f"{name}_join")([high, low])
    for i in (1, 2):
        x = conv_block(x, channels, f"{name}_{i}")
    return out(x, classes, f"{name}_logits")


# PSPNet


@keras.saving.register_keras_serializable("course_utils")
class AdaptiveAveragePooling2D(layers.Layer):
    """Means over bins x bins parts of a map, which need not divide evenly.

    Along a side of n pixels, part i reaches from floor(i n / bins) up to ceil((i + 1) n / bins), so
    that neighbors may share a pixel. Keras has such a layer from 3.13 on; the course runs on 3.10.

    Parameters
    ----------
    bins : int
    """

    def __init__(self, bins, **options):
        super().__init__(**options)
        self.bins = bins

    def build(self, input_shape):
        """Work out how much each row and each column weighs in each part."""
        check_size(input_shape[1:3], 1, self.name)
        self.rows, self.columns = (self._weights(side) for side in input_shape[1:3])

    def _weights(self, side):
        weights = np.zeros((self.bins, side), "float32")
        for i in range(self.bins):
            start, stop = i * side // self.bins, -(-(i + 1) * side // self.bins)
            weights[i, start:stop] = 1 / (stop - start)
        return weights

    def call(self, x):
        """Return the means [B, bins, bins, C]."""
        rows, columns = (ops.convert_to_tensor(w, x.dtype) for w in (self.rows, self.columns))
        return ops.einsum("ih,bhwc,jw->bijc", rows, x, columns)

    def get_config(self):
        """Return what it takes to build the layer again."""
        return super().get_config() | {"bins": self.bins}


def pyramid_pooling(x, bins=(1, 2, 3, 6), name="pyramid"):
    """Put beside a map what it looks like from afar: its means over 1, 4, 9 and 36 parts.

    Parameters
    ----------
    x : KerasTensor, shape [B, H, W, C]
    bins : sequence of int, optional
        Parts along each side, for each branch. Together the branches have C channels.
    name : str, optional

    Returns
    -------
    KerasTensor, shape [B, H, W, C + len(bins) * (C // len(bins))]

    References
    ----------
    H. Zhao, J. Shi, X. Qi, X. Wang, J. Jia, "Pyramid Scene Parsing Network", CVPR 2017,
    https://arxiv.org/abs/1612.01105
    """
    maps = [x]
    for count in bins:
        means = AdaptiveAveragePooling2D(count, dtype="float32", name=f"{name}_mean_{count}")(x)
        means = conv_block(means, x.shape[-1] // len(bins), f"{name}_{count}", 1)
        maps.append(resize(means, x.shape[1:3], f"{name}_{count}_up"))
    return layers.Concatenate(name=name)(maps)


def pspnet_head(x, classes, channels=512, bins=(1, 2, 3, 6), name="pspnet"):
    """Return PSPNet's logits: `pyramid_pooling`, a 3x3 convolution, dropout, a 1x1 convolution.

    From 2048 channels to 21 classes it has 23,084,565 parameters without the moving statistics.
    """
    x = conv_block(pyramid_pooling(x, bins, f"{name}_pyramid"), channels, f"{name}_last")
    return out(layers.Dropout(0.1, name=f"{name}_dropout")(x), classes, f"{name}_logits")


# FastFCN


def jpu(maps, width=512, dilations=(1, 2, 4, 8), name="jpu"):
    """Joint pyramid upsampling: what a dilated encoder's last map would show, from undilated maps.

    Parameters
    ----------
    maps : sequence of KerasTensor, shapes [B, H, W, C], …
        The largest first: those with strides 8, 16 and 32.
    width : int, optional
        Channels to which each map is brought, and of each branch.
    dilations : sequence of int, optional
        Rates of the separable convolutions over all maps, at the size of the first.
    name : str, optional

    Returns
    -------
    KerasTensor, shape [B, H, W, len(dilations) * width]
        From 512, 1024 and 2048 channels with 19,735,552 parameters without the moving statistics.

    References
    ----------
    H. Wu, J. Zhang, K. Huang, K. Liang, Y. Yu, "FastFCN: Rethinking Dilated Convolution in the
    Backbone for Semantic Segmentation", 2019, https://arxiv.org/abs/1903.11816
    """
    size = maps[0].shape[1:3]
    same = [conv_block(x, width, f"{name}_map_{i}") for i, x in enumerate(maps)]
    same = [resize(x, size, f"{name}_map_{i}_up") for i, x in enumerate(same)]
    joined = layers.Concatenate(name=f"{name}_join")(same)
    branches = []
    for rate in dilations:
        branch = f"{name}_rate_{rate}"
        x = layers.DepthwiseConv2D(
            3,
            padding="same",
            dilation_rate=rate,
            use_bias=False,
            depthwise_initializer="he_normal",
            name=f"{branch}_depthwise",
        )(joined)
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{branch}_norm_1")(x)
        branches.append(conv_block(x, width, branch, 1))
    return layers.Concatenate(name=name)(branches)
