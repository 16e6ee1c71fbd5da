"""The confusion matrix of `course_utils.metrics` as Keras metrics, for `compile(metrics=[...])`.

Keras has `keras.metrics.BinaryIoU` and `MeanIoU`; they give the same numbers, but fill their matrix
by a scatter, which on a CPU costs a good part of a training step (`benchmarks/metrics.py` prints
the ratio). Here the matrix is filled by k² comparisons and sums, on any Keras backend.
"""

import keras
from keras import ops

from course_utils.datasets import IGNORE


@keras.saving.register_keras_serializable("course_utils")
class MeanIoU(keras.metrics.Metric):
    """Mean IoU over everything seen since the last reset.

    The metric keeps counts, not scores, and divides only in `result`, so the number does not
    depend on how the pixels were cut into batches.

    Parameters
    ----------
    n_classes : int, optional
        Number of classes. The default, 2, goes with a model of one output channel.
    ignore_class : int or None, optional
        Pixels with this true class are not counted.
    name : str, optional
        Name in the logs.

    Notes
    -----
    `update_state` takes ``y_true`` of class numbers, shape [..., 1] or [...], and ``y_pred`` of
    *logits*, shape [..., 1] (class 1 where the logit is above 0, that is, where the sigmoid is
    above 0.5) or [..., n_classes] (the largest wins). A model that ends in a softmax may be passed
    as it is; one that ends in a sigmoid may not.

    A class that is in neither truth nor prediction is left out of the mean, as in
    `course_utils.metrics.mean_iou`; where nothing was counted the result is NaN.
    """

    def __init__(self, n_classes=2, ignore_class=IGNORE, name="miou", **kwargs):
        # float32 counts stop being exact at 2**24, about 256 images of 256x256; int32 at 2**31.
        super().__init__(name=name, dtype="int32", **kwargs)
        self.n_classes = n_classes
        self.ignore_class = ignore_class
        self.matrix = self.add_variable(
            (n_classes, n_classes), initializer="zeros", dtype="int32", name="matrix"
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count one batch; `sample_weight` is refused, for counts have no weights."""
        if sample_weight is not None:
            raise ValueError(f"{type(self).__name__} counts pixels and takes no sample_weight.")
        channels = y_pred.shape[-1]
        if channels not in (1, self.n_classes) or (channels == 1 and self.n_classes != 2):
            raise ValueError(
                f"{type(self).__name__} with n_classes={self.n_classes} got predictions with "
                f"{channels} channels, expected {self.n_classes}"
                + (" (or 1 channel of logits)." if self.n_classes == 2 else ".")
            )
        truth = ops.reshape(ops.cast(y_true, "int32"), (-1,))
        chosen = y_pred[..., 0] > 0 if channels == 1 else ops.argmax(y_pred, axis=-1)
        pair = truth * self.n_classes + ops.reshape(ops.cast(chosen, "int32"), (-1,))
        if self.ignore_class is not None:
            pair = ops.where(truth == self.ignore_class, -1, pair)
        counts = [ops.sum(ops.cast(pair == i, "int32")) for i in range(self.n_classes**2)]
        self.matrix.assign_add(ops.reshape(ops.stack(counts), self.matrix.shape))

    def class_iou(self):
        """IoU of each class so far, float32 [n_classes], NaN for a class never seen."""
        matrix = ops.cast(self.matrix, "float32")
        hit = ops.diagonal(matrix)
        return hit / (ops.sum(matrix, 0) + ops.sum(matrix, 1) - hit)

    def result(self):
        """Mean IoU so far, a float32 scalar."""
        iou = self.class_iou()
        seen = ops.logical_not(ops.isnan(iou))
        total = ops.sum(ops.where(seen, iou, 0.0))
        return total / ops.cast(ops.sum(ops.cast(seen, "int32")), "float32")

    def reset_state(self):
        """Forget all counts."""
        self.matrix.assign(ops.zeros_like(self.matrix))

    def get_config(self):
        """Arguments to build the metric again."""
        return {"n_classes": self.n_classes, "ignore_class": self.ignore_class, "name": self.name}


@keras.saving.register_keras_serializable("course_utils")
class ClassIoU(MeanIoU):
    """IoU of one class, over everything seen since the last reset.

    Parameters
    ----------
    class_id : int
        The class.
    n_classes, ignore_class, name
        As in `MeanIoU`.
    """

    def __init__(self, class_id, n_classes=2, ignore_class=IGNORE, name="iou", **kwargs):
        super().__init__(n_classes=n_classes, ignore_class=ignore_class, name=name, **kwargs)
        if not 0 <= class_id < n_classes:
            raise ValueError(f"class_id must be in 0 … {n_classes - 1}, got {class_id}.")
        self.class_id = class_id

    def result(self):
        """IoU of the class so far, a float32 scalar."""
        return self.class_iou()[self.class_id]

    def get_config(self):
        """Arguments to build the metric again."""
        return {"class_id": self.class_id, **super().get_config()}
