"""Losses for segmentation that know class numbers, logits and unknown pixels.

All take ``y_true`` of class numbers, shape [B, H, W] or [B, H, W, 1], and ``y_pred`` of *logits*,
shape [B, H, W, C]; with one channel the logit is that of class 1 against class 0. Pixels whose true
class is `ignore_class` have no part in value or gradient; where there is no other pixel both are 0.
They compute in float32 whatever the precision of the logits, on any Keras backend.

Plain cross entropy is not here, for Keras's own does all that:
``keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255)``. Keras's focal,
Dice and Tversky losses want one-hot masks and cannot ignore a pixel.
"""

import keras
from keras import ops

from course_utils.datasets import IGNORE

register = keras.saving.register_keras_serializable("course_utils")


def drop_channel_axis(y_true, logits, name):
    """Return the truth [B, H, W] of logits [B, H, W, C], be it [B, H, W] or [B, H, W, 1].

    Raises
    ------
    ValueError
        If it has another shape, and who says so is `name`.
    """
    y_true = ops.convert_to_tensor(y_true)
    if len(y_true.shape) == len(logits.shape) and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, axis=-1)
    sides = zip(y_true.shape, logits.shape[:-1], strict=False)
    if len(y_true.shape) != len(logits.shape) - 1 or any(
        a != b for a, b in sides if a is not None and b is not None
    ):
        raise ValueError(
            f"{name} got truth of shape {tuple(y_true.shape)} and logits of shape "
            f"{tuple(logits.shape)}: expected class numbers (not one-hot) [B, H, W] or "
            "[B, H, W, 1] and logits [B, H, W, C]."
        )
    return y_true


class SegmentationLoss(keras.losses.Loss):
    """A loss of class numbers and logits that leaves out unknown pixels.

    Parameters
    ----------
    ignore_class : int or None, optional
        Pixels with this true class are not counted. ``None`` counts every pixel.
    name, reduction : str, optional
        As in `keras.losses.Loss`.
    dtype : str, optional
        Precision of the computation.
    """

    def __init__(
        self, ignore_class=IGNORE, name=None, reduction="sum_over_batch_size", dtype="float32"
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.ignore_class = ignore_class

    def __call__(self, y_true, y_pred, sample_weight=None):
        """Return the loss; `sample_weight` has one number per image, or one per value."""
        if sample_weight is not None:
            sample_weight = self._align_weights(ops.convert_to_tensor(sample_weight), y_pred)
        return super().__call__(y_true, y_pred, sample_weight)

    def _align_weights(self, weights, y_pred):
        """Give weights [B] the values' axes; else they would be those of the columns."""
        values = tuple(y_pred.shape[: self.value_axes(y_pred)])
        shape = tuple(weights.shape)
        if len(shape) == 1 and (shape[0] == values[0] or None in (shape[0], values[0])):
            return ops.reshape(weights, (-1, *[1] * (len(values) - 1)))
        if len(shape) == len(values) or (len(shape) == len(values) + 1 and shape[-1] == 1):
            return weights
        raise ValueError(
            f"{type(self).__name__} got sample_weight of shape {shape}, expected one number per "
            f"image, {values[:1]}, or per value, {values}."
        )

    def value_axes(self, y_pred):
        """Return how many axes the values have that are averaged: those of the pixels."""
        return len(y_pred.shape) - 1

    def prepare(self, y_true, y_pred):
        """Return truth int32 [...], whether it is known, bool [...], and logits [..., C >= 2].

        Unknown pixels come back as class 0 with logits of 0, cut off from the gradient. A class
        number that the logits have no channel for makes the loss NaN, for a mask that does not fit
        the network must not go unnoticed.
        """
        logits = ops.cast(y_pred, self.dtype)
        y_true = drop_channel_axis(y_true, logits, type(self).__name__)
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
        """Return the truth as one channel per class, in the precision of the loss."""
        return ops.one_hot(truth, logits.shape[-1], dtype=self.dtype)

    def get_config(self):
        """Return the arguments that build the loss again."""
        return {**super().get_config(), "ignore_class": self.ignore_class, "dtype": self.dtype}


def _check_not_negative(**arguments):
    for name, value in arguments.items():
        if not value >= 0:
            raise ValueError(f"{name} must be at least 0, got {value}.")


# Losses that judge each pixel by itself


class PixelLoss(SegmentationLoss):
    """A loss with a value at each pixel, averaged over the known pixels of the batch.

    With ``reduction="none"`` the values themselves, [B, H, W], 0 at unknown pixels. A
    `sample_weight` has one number per image, [B], or per pixel.
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


def _check_class_weights(class_weights):
    weights = [float(weight) for weight in class_weights]
    if not weights or not all(0 <= weight < float("inf") for weight in weights):
        raise ValueError(f"class_weights must be finite and at least 0, got {weights}.")
    return weights


def _weights_of(one_hot, class_weights):
    """Return the weight of each pixel's class."""
    if len(class_weights) != one_hot.shape[-1]:
        raise ValueError(
            f"class_weights has {len(class_weights)} numbers for {one_hot.shape[-1]} classes "
            "(a network with one channel has two: background and foreground)."
        )
    return ops.sum(one_hot * ops.convert_to_tensor(class_weights, dtype=one_hot.dtype), axis=-1)


@register
class WeightedCrossentropy(PixelLoss):
    """Cross entropy with a weight for each class: for classes with few pixels.

    −w_t log p_t at a pixel of true class t, averaged over the known pixels.

    Parameters
    ----------
    class_weights : sequence of float
        One weight per class, at least 0; two for a network with one channel. The sum is divided by
        the number of pixels (as Keras does), not by the sum of their weights (as PyTorch does), so
        doubling all weights doubles the loss.
    ignore_class, name, reduction, dtype
        As in `keras.losses.SparseCategoricalCrossentropy`.
    """

    def __init__(self, class_weights, ignore_class=IGNORE, name="weighted_crossentropy", **kwargs):
        super().__init__(ignore_class=ignore_class, name=name, **kwargs)
        self.class_weights = _check_class_weights(class_weights)

    def pixel_values(self, truth, known, logits, channels):
        """Return the weighted cross entropy of each pixel."""
        one_hot = self.one_hot(truth, logits)
        log_p = ops.sum(one_hot * ops.log_softmax(logits, axis=-1), axis=-1)
        return -log_p * _weights_of(one_hot, self.class_weights)

    def get_config(self):
        """Return the arguments that build the loss again."""
        return {**super().get_config(), "class_weights": self.class_weights}


@register
class Focal(PixelLoss):
    """Cross entropy that fades out where the model is right: for many easy pixels, few hard ones.

    −w_t (1 − p_t)^γ log p_t at a pixel of true class t, averaged over the known pixels.

    Parameters
    ----------
    gamma : float, optional
        γ, at least 0: how fast easy pixels fade. 0 is cross entropy.
    class_weights : sequence of float, optional
        w, one per class; two for a network with one channel. The paper's α for two classes is
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
        _check_not_negative(gamma=gamma)
        self.gamma = gamma
        self.class_weights = None if class_weights is None else _check_class_weights(class_weights)

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
        return values * _weights_of(one_hot, self.class_weights)

    def get_config(self):
        """Return the arguments that build the loss again."""
        own = {"gamma": self.gamma, "class_weights": self.class_weights}
        return {**super().get_config(), **own}


# Losses that judge how well two regions overlap


class RegionLoss(SegmentationLoss):
    """1 − (w TP + s) / (w TP + α FP + β FN + s), the mean over classes; see `Tversky`."""

    def __init__(self, w, alpha, beta, smooth, per_image, ignore_class, name, **kwargs):
        super().__init__(ignore_class=ignore_class, name=name, **kwargs)
        _check_not_negative(alpha=alpha, beta=beta, smooth=smooth)
        self.w, self.alpha, self.beta = w, alpha, beta
        self.smooth, self.per_image = smooth, per_image

    def __call__(self, y_true, y_pred, sample_weight=None):
        """Return the loss; a weight for each image needs a loss for each image."""
        if sample_weight is not None and not self.per_image:
            raise ValueError(
                f"{type(self).__name__} takes a sample_weight with per_image=True only."
            )
        return super().__call__(y_true, y_pred, sample_weight)

    def value_axes(self, y_pred):
        """Return how many axes the values have: one number per image."""
        return 1

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
        missed = self.alpha * false_positive + self.beta * false_negative
        # As missed / whole, not 1 - hit / whole: no rounding error where the prediction is perfect.
        whole = self.w * hit + missed + self.smooth
        return ops.mean(missed / ops.where(whole == 0, 1.0, whole), axis=-1)

    def get_config(self):
        """Return the arguments that build the loss again."""
        return {**super().get_config(), "smooth": self.smooth, "per_image": self.per_image}


@register
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
        super().__init__(1, alpha, beta, smooth, per_image, ignore_class, name, **kwargs)

    def get_config(self):
        """Return the arguments that build the loss again."""
        return {**super().get_config(), "alpha": self.alpha, "beta": self.beta}


@register
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
        super().__init__(2, 1, 1, smooth, per_image, ignore_class, name, **kwargs)


@register
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
        _check_not_negative(weight=weight)
        self.weight = weight

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
        """Return the arguments that build the loss again."""
        config = {**super().get_config(), "weight": self.weight}
        del config["per_image"]
        return config


# A loss that weighs each error by its distance from the border


@register
class HausdorffDistance(PixelLoss):
    """Squared error times distance from the border: for errors far from where they could be right.

    (p − q)² (d_q^α + d_p^α) at a pixel, for probability p and truth q of a class, with d_q the
    distance from the true border and d_p that from the predicted one (of the class with the
    largest logit); the mean over the known pixels and the classes, with one channel the foreground
    alone. It lowers the Hausdorff distance without being it, and as there is no border where a
    class is neither true nor predicted, and no slope where only the border pixels waver, it goes
    *beside* cross entropy or Dice, weighted to be of their size: it grows with the image.

    Parameters
    ----------
    alpha : float, optional
        α, above 0: how strongly far errors outweigh near ones.
    ignore_class, name, reduction, dtype
        As in `keras.losses.SparseCategoricalCrossentropy`. An unknown pixel is neither inside nor
        outside a region, so the edge of an unknown area is not a border.

    Notes
    -----
    Distances are in pixels between centers: 1 on both sides of a border. They count as constants
    for the gradient. A class that fills the image or is absent from it has no border, distance 0.

    References
    ----------
    D. Karimi, S. E. Salcudean, "Reducing the Hausdorff Distance in Medical Image Segmentation with
    Convolutional Neural Networks", IEEE TMI 39(2), 2020, https://arxiv.org/abs/1904.10030
    """

    def __init__(self, alpha=2.0, ignore_class=IGNORE, name="hausdorff_distance", **kwargs):
        super().__init__(ignore_class=ignore_class, name=name, **kwargs)
        if not alpha > 0:
            raise ValueError(f"alpha must be above 0, got {alpha}.")
        self.alpha = alpha

    def pixel_values(self, truth, known, logits, channels):
        """Return the loss of each pixel, the mean over the classes."""
        if len(logits.shape) != 4:
            raise ValueError(f"Distances need logits [B, H, W, C], got {tuple(logits.shape)}.")
        first = 1 if channels == 1 else 0
        q = self.one_hot(truth, logits)[..., first:]
        p = ops.softmax(logits, axis=-1)[..., first:]
        predicted = self.one_hot(ops.argmax(logits, axis=-1), logits)[..., first:]
        distance = self._border_distance(q, known) + self._border_distance(predicted, known)
        return ops.mean(ops.square(p - q) * ops.stop_gradient(distance), axis=-1)

    def _border_distance(self, one_hot, known):
        """d^α of each class, [B, H, W, C]; all classes of all images in one go."""
        _, height, width, classes = ops.shape(one_hot)
        inside = ops.reshape(ops.transpose(one_hot > 0, (0, 3, 1, 2)), (-1, height, width))
        known = ops.repeat(known, classes, axis=0)
        to_outside = _distance_to(ops.logical_and(known, ops.logical_not(inside)))
        to_inside = _distance_to(ops.logical_and(known, inside))
        distance = ops.cast(ops.where(inside, to_outside, to_inside), self.dtype)
        distance = ops.reshape(ops.power(distance, self.alpha), (-1, classes, height, width))
        return ops.transpose(distance, (0, 2, 3, 1))

    def get_config(self):
        """Return the arguments that build the loss again."""
        return {**super().get_config(), "alpha": self.alpha}


def _distance_to(target):
    """Euclidean distance to the nearest true pixel of each image, 0 where the image has none.

    Exact, as SciPy's ``distance_transform_edt``, on any Keras backend: first along each row, then
    over the rows (Felzenszwalb and Huttenlocher, "Distance Transforms of Sampled Functions", Theory
    of Computing 8, 2012; by trying every row, not by their lower envelope). For [B, H, W], time
    goes with B H² W, memory with B H W.
    """
    height, width = ops.shape(target)[-2:]
    far = ops.cast(height + width, "float32")  # beyond any other pixel
    along_rows = _steps_along_first_axis(ops.transpose(target, (2, 0, 1)), far)
    squared = _nearest_of_first_axis(ops.transpose(ops.square(along_rows), (2, 1, 0)))
    squared = ops.transpose(squared, (1, 0, 2))
    return ops.sqrt(ops.where(squared < ops.square(far), squared, 0.0))


def _steps_along_first_axis(target, far):
    """Steps to the nearest true value along the first axis, at most `far`: there and back."""

    def step(before, line):
        now = ops.where(line, 0.0, before + 1)
        return now, now

    start = far * ops.ones_like(target[0], dtype="float32")
    _, there = ops.scan(step, start, target)
    _, back = ops.scan(step, start, target, reverse=True)
    return ops.minimum(ops.minimum(there, back), far)


def _nearest_of_first_axis(squared):
    """min_k (squared[k] + (i - k)²) at each i. One k at a time, for all at once fill the memory."""
    size = ops.shape(squared)[0]
    place = ops.reshape(ops.arange(size, dtype="float32"), (-1, 1, 1))

    def step(k, best):
        line = ops.take(squared, ops.expand_dims(k, 0), axis=0)
        return ops.minimum(best, line + ops.square(place - ops.cast(k, "float32")))

    return ops.fori_loop(0, size, step, squared)
