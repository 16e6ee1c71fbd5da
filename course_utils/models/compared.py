"""The networks that chapters 08 and 09 train on one budget, at the sizes they have there."""

from .attention import segformer
from .blocks import segmenter
from .mlp_to_unetpp import unet
from .since_2015 import (
    aspp,
    deeplab_v3plus_decoder,
    fcn_head,
    jpu,
    pspnet_head,
    resnet,
    segnet,
)


def _on_resnet(output_stride, head):
    """Make a builder of a network on the small ResNet-18 that the two chapters share."""

    def build(input_shape, classes):
        encoder = resnet(input_shape, filters=(32, 64, 128, 256), output_stride=output_stride)
        return segmenter(encoder, lambda maps: head(maps, classes))

    return build


def _fcn(maps, classes):
    return fcn_head(maps[-1], classes)


def _v3plus(maps, classes):
    return deeplab_v3plus_decoder(aspp(maps[-1], 64, (1, 2, 3)), maps[0], classes, 24, 64)


_SEGNET = {"filters": (16, 32, 64, 128), "convolutions": (2, 2, 2, 2)}
COMPARED = {
    "FCN": _on_resnet(32, _fcn),
    "FCN, dilated": _on_resnet(8, _fcn),
    "SegNet": lambda shape, classes: segnet(shape, classes=classes, **_SEGNET),
    "U-Net": lambda shape, classes: unet(shape, classes=classes, filters=(16, 32, 64, 128, 256)),
    "PSPNet": _on_resnet(8, lambda maps, classes: pspnet_head(maps[-1], classes, 64)),
    "DeepLab v3+": _on_resnet(16, _v3plus),
    "PSPNet + JPU": _on_resnet(
        32, lambda maps, classes: pspnet_head(jpu(maps[1:], 64), classes, 64)
    ),
    "SegFormer": lambda shape, classes: segformer(shape, classes=classes),
}
"""Builders by name, from the oldest: of an input shape (height, width, channels) and of classes."""
