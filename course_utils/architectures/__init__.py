"""Drawings of networks: one idea each, in one set of colours.

Sizes, strides, channels and rates are those of the papers, but for the U-Nets that the chapters
build (`padded_unet`, `unetpp`): Long, Shelhamer & Darrell (2015),
https://arxiv.org/abs/1411.4038; Ronneberger, Fischer & Brox (2015),
https://arxiv.org/abs/1505.04597; Badrinarayanan, Kendall & Cipolla (2017),
https://arxiv.org/abs/1511.00561; Zhao et al. (2017), https://arxiv.org/abs/1612.01105;
Chen et al. (2015, 2017, 2017, 2018), https://arxiv.org/abs/1412.7062,
https://arxiv.org/abs/1606.00915, https://arxiv.org/abs/1706.05587,
https://arxiv.org/abs/1802.02611; Zhou et al. (2018), https://arxiv.org/abs/1807.10165;
Wu et al. (2019), https://arxiv.org/abs/1903.11816.
"""

from ._context import atrous, atrous_taps, pspnet
from ._deeplab import deeplab
from ._fastfcn import fastfcn
from ._fcn import fcn
from ._overview import WORKS, timeline
from ._padded_unet import padded_unet
from ._segnet import pool_with_positions, segnet, unpool
from ._unet import unet
from ._unetpp import unetpp

__all__ = [
    "WORKS",
    "atrous",
    "atrous_taps",
    "deeplab",
    "fastfcn",
    "fcn",
    "padded_unet",
    "pool_with_positions",
    "pspnet",
    "segnet",
    "timeline",
    "unet",
    "unetpp",
    "unpool",
]
