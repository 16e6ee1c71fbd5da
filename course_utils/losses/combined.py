"""Losses that add up two of the others."""

import keras
from keras import ops

from course_utils.datasets import IGNORE

from .regions import Dice, _not_negative


@keras.saving.register_keras_serializable("course_utils")
class BinaryCrossentropyDice(Dice):
    """Cross entropy for each pixel and Dice for the whole: the loss of U-Net and UNet++ on nuclei.

    For each image ``weight`` times the mean cross entropy of its known pixels, plus
    1 − (2 Σ p q + s) / (Σ p + Σ q + s) for the foreground's probability p and truth q; the mean
    over the images. For networks with one channel.

    Parameters
    ----------
    weight : float, optional
        What the cross entropy counts beside Dice, at least 0.
    smooth : float, optional
        s, in pixels, at least 0; see `Tversky`. The default only keeps an image without foreground
        from dividing by zero: it then costs nearly 1 however little is predicted in it.
    ignore_class, name, reduction, dtype
        As in `keras.losses.SparseCategoricalCrossentropy`. Without reduction the loss of each
        image, [B], and a `sample_weight` has that shape too.

    References
    ----------
    Z. Zhou, M. M. R. Siddiquee, N. Tajbakhsh, J. Liang, "UNet++: A Nested U-Net Architecture for
    Medical Image Segmentation", DLMIA 2018, https://arxiv.org/abs/1807.10165
    """

    def __init__(
        self,
        weight=0.5,
        smooth=1e-5,
        ignore_class=IGNORE,
        name="binary_crossentropy_dice",
        **kwargs,
    ):
        super().__init__(smooth, per_image=True, ignore_class=ignore_class, name=name, **kwargs)
        self.weight = _not_negative(weight=weight)

    def call(self, y_true, y_pred):
        """Return the loss of each image."""
        if y_pred.shape[-1] != 1:
            raise ValueError(
                f"BinaryCrossentropyDice is for one channel, got {y_pred.shape[-1]}: take "
                "SparseCategoricalCrossentropy and Dice for more."
            )
        truth, known, logits = self.prepare(y_true, y_pred)
        log_p = ops.sum(self.one_hot(truth, logits) * ops.log_softmax(logits, axis=-1), axis=-1)
        counted = ops.cast(known, self.dtype)
        axes = tuple(range(1, len(truth.shape)))
        pixels = ops.maximum(ops.sum(counted, axes), 1.0)
        crossentropy = -ops.sum(log_p * counted, axes) / pixels
        return self.weight * crossentropy + super().call(y_true, y_pred)

    def get_config(self):
        """Arguments to build the loss again."""
        config = {**super().get_config(), "weight": self.weight}
        del config["per_image"]
        return config
