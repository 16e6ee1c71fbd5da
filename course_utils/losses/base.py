"""What all losses of the package share: arguments, shapes and the pixels that do not count."""

import keras
from keras import ops

from course_utils.datasets import IGNORE


def check_class_weights(class_weights):
    """Return the weights as a list of floats, or ``None``; ValueError where one is no weight."""
    if class_weights is None:
        return None
    weights = [float(weight) for weight in class_weights]
    if not weights or not all(0 <= weight < float("inf") for weight in weights):
        raise ValueError(f"class_weights must be finite and at least 0, got {weights}.")
    return weights


def weights_of(one_hot, class_weights):
    """Return the weight of each pixel's class; ValueError unless there is one a class."""
    if len(class_weights) != one_hot.shape[-1]:
        raise ValueError(
            f"class_weights has {len(class_weights)} numbers for {one_hot.shape[-1]} classes "
            "(a network with one channel has two: background and foreground)."
        )
    return ops.sum(one_hot * ops.convert_to_tensor(class_weights, dtype=one_hot.dtype), axis=-1)


class SegmentationLoss(keras.losses.Loss):
    """A loss of class numbers and logits that leaves out unknown pixels.

    Parameters
    ----------
    ignore_class : int or None, optional
        Pixels with this true class are not counted. ``None`` counts every pixel.
    name : str, optional
        Name of the loss.
    reduction : str or None, optional
        As in `keras.losses.Loss`.
    dtype : str, optional
        Precision of the computation.
    """

    def __init__(
        self, ignore_class=IGNORE, name=None, reduction="sum_over_batch_size", dtype="float32"
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.ignore_class = ignore_class

    def prepare(self, y_true, y_pred):
        """Return truth int32 [...], whether it is known, bool [...], and logits [..., C >= 2].

        Unknown pixels come back as class 0 with logits of 0, cut off from the gradient. A class
        number that the logits have no channel for makes the loss NaN, for a mask that does not fit
        the network must not go unnoticed.
        """
        y_true, logits = ops.convert_to_tensor(y_true), ops.cast(y_pred, self.dtype)
        if len(y_true.shape) == len(logits.shape) and y_true.shape[-1] == 1:
            y_true = ops.squeeze(y_true, axis=-1)
        sides = zip(y_true.shape, logits.shape[:-1], strict=False)
        if len(y_true.shape) != len(logits.shape) - 1 or any(
            a != b for a, b in sides if a is not None and b is not None
        ):
            raise ValueError(
                f"{type(self).__name__} got truth of shape {tuple(y_true.shape)} and logits of "
                f"shape {tuple(logits.shape)}: expected class numbers (not one-hot) [B, H, W] or "
                "[B, H, W, 1] and logits [B, H, W, C]."
            )
        if logits.shape[-1] == 1:
            # The softmax of (0, z) is the sigmoid of z.
            logits = ops.concatenate([ops.zeros_like(logits), logits], axis=-1)
        truth = ops.cast(y_true, "int32")
        if self.ignore_class is None:
            known = ops.ones_like(truth, dtype="bool")
        else:
            known = truth != self.ignore_class
        truth = ops.where(known, truth, 0)
        logits = ops.where(known[..., None], logits, 0.0)
        valid = ops.logical_and(truth >= 0, truth < logits.shape[-1])
        return truth, known, ops.where(valid[..., None], logits, float("nan"))

    def one_hot(self, truth, logits):
        """Return the truth as one channel a class, in the precision of the loss."""
        return ops.one_hot(truth, logits.shape[-1], dtype=self.dtype)

    def get_config(self):
        """Arguments to build the loss again."""
        return {**super().get_config(), "ignore_class": self.ignore_class, "dtype": self.dtype}


class PixelLoss(SegmentationLoss):
    """A loss with a value at each pixel, averaged over the known pixels of the batch.

    With ``reduction="none"`` the values themselves, [B, H, W], 0 at unknown pixels. A
    `sample_weight` has the shape of the pixels too.
    """

    def call(self, y_true, y_pred):
        """Return the value at each pixel, so scaled that the plain mean is that of known pixels."""
        truth, known, logits = self.prepare(y_true, y_pred)
        values = ops.where(known, self.pixel_values(truth, known, logits, y_pred.shape[-1]), 0.0)
        if self.reduction in (None, "none", "sum"):
            return values
        share = ops.mean(ops.cast(known, self.dtype))
        return ops.where(known, values / ops.where(share > 0, share, 1.0), 0.0)

    def pixel_values(self, truth, known, logits, channels):
        """Return the loss of each pixel; `channels` is what the network has."""
        raise NotImplementedError
