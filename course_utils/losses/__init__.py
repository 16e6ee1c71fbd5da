"""Losses for segmentation that know class numbers, logits and unknown pixels.

All take ``y_true`` of class numbers, shape [B, H, W] or [B, H, W, 1], and ``y_pred`` of *logits*,
shape [B, H, W, C]; with one channel the logit is that of class 1 against class 0. Pixels whose true
class is `ignore_class` have no part in value or gradient; where there is no other pixel both are 0.
They compute in float32 whatever the precision of the logits, on any Keras backend.

Plain cross entropy is not here, for Keras's own does all that:
``keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255)``. Keras's focal,
Dice and Tversky losses want one-hot masks and cannot ignore a pixel.
"""

from .boundary import HausdorffDistance, euclidean_distance
from .combined import BinaryCrossentropyDice
from .pixels import Focal, WeightedCrossentropy
from .regions import Dice, Tversky

__all__ = [
    "BinaryCrossentropyDice",
    "Dice",
    "Focal",
    "HausdorffDistance",
    "Tversky",
    "WeightedCrossentropy",
    "euclidean_distance",
]
