"""The finished networks of the chapters, for later chapters to take up.

Each is built in the open in the chapter that teaches it; what stands here is the same, and a test
compares the two layer by layer. Only `keras` is used, so they run on every Keras backend. All
networks end in *logits*: no sigmoid, no softmax, and float32 even under mixed precision.
"""

from .attention import attention_map, efficient_attention, mit, mix_ffn, segformer, segformer_head
from .blocks import (
    Resize,
    conv_block,
    count_multiplications,
    receptive_field,
    resize,
    response,
    segmenter,
    training_megabytes,
)
from .compared import COMPARED
from .mlp_to_unetpp import (
    DoubleSize,
    PadAndConcatenate,
    down,
    fcn,
    join,
    mlp,
    out,
    prune,
    unet,
    unetpp,
    up,
    up_transposed,
    vgg_block,
)
from .since_2015 import (
    AdaptiveAveragePooling2D,
    MaxPoolingWithIndices,
    MaxUnpooling,
    aspp,
    deeplab_head,
    deeplab_v2_head,
    deeplab_v3plus_decoder,
    fcn_head,
    jpu,
    pspnet_head,
    pyramid_pooling,
    resnet,
    segnet,
)

__all__ = [
    "COMPARED",
    "AdaptiveAveragePooling2D",
    "DoubleSize",
    "MaxPoolingWithIndices",
    "MaxUnpooling",
    "PadAndConcatenate",
    "Resize",
    "aspp",
    "attention_map",
    "conv_block",
    "count_multiplications",
    "deeplab_head",
    "deeplab_v2_head",
    "deeplab_v3plus_decoder",
    "down",
    "efficient_attention",
    "fcn",
    "fcn_head",
    "join",
    "jpu",
    "mit",
    "mix_ffn",
    "mlp",
    "out",
    "prune",
    "pspnet_head",
    "pyramid_pooling",
    "receptive_field",
    "resize",
    "resnet",
    "response",
    "segformer",
    "segformer_head",
    "segmenter",
    "segnet",
    "training_megabytes",
    "unet",
    "unetpp",
    "up",
    "up_transposed",
    "vgg_block",
]
