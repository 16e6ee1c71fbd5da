"""Losses that judge each pixel by itself."""

import keras
from keras import ops

from course_utils.datasets import IGNORE

from .base import PixelLoss, check_class_weights, weights_of


@keras.saving.register_keras_serializable("course_utils")
class WeightedCrossentropy(PixelLoss):
    """Cross entropy with a weight for each class: for classes with few pixels.

    −w_t log p_t at a pixel of true class t, averaged over the known pixels.

    Parameters
    ----------
    class_weights : sequence of float
        One weight a class, at least 0; two for a network with one channel. The sum is divided by
        the number of pixels (as Keras does), not by the sum of their weights (as PyTorch does), so
        doubling all weights doubles the loss.
    ignore_class, name, reduction, dtype
        As in `keras.losses.SparseCategoricalCrossentropy`.
    """

    def __init__(self, class_weights, ignore_class=IGNORE, name="weighted_crossentropy", **kwargs):
        super().__init__(ignore_class=ignore_class, name=name, **kwargs)
        self.class_weights = check_class_weights(class_weights)

    def pixel_values(self, truth, known, logits, channels):
        """Return the weighted cross entropy of each pixel."""
        one_hot = self.one_hot(truth, logits)
        log_p = ops.sum(one_hot * ops.log_softmax(logits, axis=-1), axis=-1)
        return -log_p * weights_of(one_hot, self.class_weights)

    def get_config(self):
        """Arguments to build the loss again."""
        return {**super().get_config(), "class_weights": self.class_weights}


@keras.saving.register_keras_serializable("course_utils")
class Focal(PixelLoss):
    """Cross entropy that fades out where the model is right: for many easy pixels, few hard ones.

    −w_t (1 − p_t)^γ log p_t at a pixel of true class t, averaged over the known pixels.

    Parameters
    ----------
    gamma : float, optional
        γ, at least 0: how fast easy pixels fade. 0 is cross entropy.
    class_weights : sequence of float, optional
        w, one a class; two for a network with one channel. The paper's α for two classes is
        ``[1 - alpha, alpha]``. None unless told: Keras multiplies by α = 0.25 throughout.
    ignore_class, name, reduction, dtype
        As in `keras.losses.SparseCategoricalCrossentropy`.

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollár, "Focal Loss for Dense Object Detection",
    ICCV 2017, https://arxiv.org/abs/1708.02002
    """

    def __init__(self, gamma=2.0, class_weights=None, ignore_class=IGNORE, name="focal", **kwargs):
        super().__init__(ignore_class=ignore_class, name=name, **kwargs)
        if not gamma >= 0:
            raise ValueError(f"gamma must be at least 0, got {gamma}.")
        self.gamma = gamma
        self.class_weights = check_class_weights(class_weights)

    def pixel_values(self, truth, known, logits, channels):
        """Return the focal loss of each pixel."""
        one_hot, log_p = self.one_hot(truth, logits), ops.log_softmax(logits, axis=-1)
        log_p_true = ops.sum(one_hot * log_p, axis=-1)
        # 1 - p_t as a sum over the other classes and by its logarithm: exact where p_t is nearly 1,
        # and a power below 1 has a finite slope there.
        log_p_others = ops.logsumexp(ops.where(one_hot > 0, -1e30, log_p), axis=-1)
        values = -ops.exp(self.gamma * log_p_others) * log_p_true
        if self.class_weights is None:
            return values
        return values * weights_of(one_hot, self.class_weights)

    def get_config(self):
        """Arguments to build the loss again."""
        own = {"gamma": self.gamma, "class_weights": self.class_weights}
        return {**super().get_config(), **own}
