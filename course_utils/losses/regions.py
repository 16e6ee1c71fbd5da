"""Losses that judge how well two regions overlap."""

import keras
from keras import ops

from course_utils.datasets import IGNORE

from .base import SegmentationLoss


def _not_negative(**argument):
    ((name, value),) = argument.items()
    if not value >= 0:
        raise ValueError(f"{name} must be at least 0, got {value}.")
    return value


class RegionLoss(SegmentationLoss):
    """1 − (w TP + s) / (w TP + α FP + β FN + s), the mean over classes; see `Tversky`."""

    def __init__(self, smooth, per_image, ignore_class, name, **kwargs):
        super().__init__(ignore_class=ignore_class, name=name, **kwargs)
        self.smooth, self.per_image = _not_negative(smooth=smooth), per_image

    def weights(self):
        """Return w, α and β."""
        raise NotImplementedError

    def __call__(self, y_true, y_pred, sample_weight=None):
        """Return the loss; a weight for each image needs a loss for each image."""
        if sample_weight is not None and not self.per_image:
            raise ValueError(
                f"{type(self).__name__} takes a sample_weight with per_image=True only."
            )
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true, y_pred):
        """Return the loss of the batch, or of each image."""
        truth, known, logits = self.prepare(y_true, y_pred)
        counted = ops.cast(known, self.dtype)[..., None]
        probability = ops.softmax(logits, axis=-1) * counted
        one_hot = self.one_hot(truth, logits) * counted
        if y_pred.shape[-1] == 1:
            probability, one_hot = probability[..., 1:], one_hot[..., 1:]
        axes = tuple(range(1 if self.per_image else 0, len(logits.shape) - 1))
        hit = ops.sum(probability * one_hot, axes)
        false_positive = ops.sum(probability * (1 - one_hot), axes)
        false_negative = ops.sum((1 - probability) * one_hot, axes)
        w, alpha, beta = self.weights()
        missed = alpha * false_positive + beta * false_negative
        # As missed / whole, not 1 - hit / whole: no rounding error where the prediction is perfect.
        whole = w * hit + missed + self.smooth
        return ops.mean(missed / ops.where(whole == 0, 1.0, whole), axis=-1)

    def get_config(self):
        """Arguments to build the loss again."""
        return {**super().get_config(), "smooth": self.smooth, "per_image": self.per_image}


@keras.saving.register_keras_serializable("course_utils")
class Tversky(RegionLoss):
    """One minus the soft Tversky index: for when a missed pixel costs more than a false alarm.

    1 − (TP + s) / (TP + α FP + β FN + s) with the sums over probabilities: TP = Σ p q,
    FP = Σ p (1 − q), FN = Σ (1 − p) q for probability p and truth q of a class. The mean over the
    classes; with one channel the foreground alone.

    Parameters
    ----------
    alpha : float, optional
        Cost of a false positive.
    beta : float, optional
        Cost of a false negative. ``alpha = beta = 0.5`` gives Dice, ``alpha = beta = 1`` IoU. Keras
        means it the other way round: the false negatives bear *its* `alpha`.
    smooth : float, optional
        s, in pixels, at least 0. It lets a class that is absent be predicted with loss 0, and gives
        a slope that drives its probability down. With 0 an absent class costs 1 however little of
        it is predicted, and 0 where nothing is.
    per_image : bool, optional
        Whether the sums run over each image, and the loss is the mean over images. Unless told they
        run over the batch, so that a class need not be in each image.
    ignore_class, name, reduction, dtype
        As in `keras.losses.SparseCategoricalCrossentropy`; a `sample_weight` ([B]) needs
        `per_image`.

    References
    ----------
    S. S. M. Salehi, D. Erdogmus, A. Gholipour, "Tversky Loss Function for Image Segmentation Using
    3D Fully Convolutional Deep Networks", MLMI 2017, https://arxiv.org/abs/1706.05721
    """

    def __init__(
        self,
        alpha=0.3,
        beta=0.7,
        smooth=1.0,
        per_image=False,
        ignore_class=IGNORE,
        name="tversky",
        **kwargs,
    ):
        super().__init__(smooth, per_image, ignore_class, name, **kwargs)
        self.alpha, self.beta = _not_negative(alpha=alpha), _not_negative(beta=beta)

    def weights(self):
        """Return what TP, FP and FN count."""
        return 1, self.alpha, self.beta

    def get_config(self):
        """Arguments to build the loss again."""
        return {**super().get_config(), "alpha": self.alpha, "beta": self.beta}


@keras.saving.register_keras_serializable("course_utils")
class Dice(RegionLoss):
    """One minus the soft Dice coefficient: for a small region before a large background.

    1 − (2 Σ p q + s) / (Σ p + Σ q + s) for probability p and truth q of a class, the mean over the
    classes; with one channel the foreground alone.

    Parameters
    ----------
    smooth, per_image, ignore_class, name, reduction, dtype
        As in `Tversky`.

    References
    ----------
    F. Milletari, N. Navab, S.-A. Ahmadi, "V-Net: Fully Convolutional Neural Networks for Volumetric
    Medical Image Segmentation", 3DV 2016, https://arxiv.org/abs/1606.04797 (there with p² and q² in
    the denominator)
    """

    def __init__(self, smooth=1.0, per_image=False, ignore_class=IGNORE, name="dice", **kwargs):
        super().__init__(smooth, per_image, ignore_class, name, **kwargs)

    def weights(self):
        """Return what TP, FP and FN count."""
        return 2, 1, 1
