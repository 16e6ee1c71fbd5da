"""The finished networks of the chapters, for later chapters to take up.

Each is built in the open in the chapter that teaches it; what stands here is the same, and a test
compares the two layer by layer. Only `keras` is used, so they run on every Keras backend. All end
in *logits*: no sigmoid, no softmax, and float32 even under mixed precision.
"""

from ._basic import fcn, mlp
from ._unet import unet
from ._unetpp import prune, unetpp
from .blocks import PadAndConcatenate, PadLike

__all__ = ["PadAndConcatenate", "PadLike", "fcn", "mlp", "prune", "unet", "unetpp"]
