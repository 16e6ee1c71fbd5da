"""The confusion matrix of `course_utils.metrics` as Keras metrics, for `compile(metrics=[...])`.

Keras has `keras.metrics.BinaryIoU` and `MeanIoU`; they give the same numbers, but fill their matrix
by a scatter, which on a CPU costs a good part of a training step (`benchmarks/metrics.py` prints
the ratio). Here the matrix is filled by k² comparisons and sums, on any Keras backend.
"""

import warnings

import keras
from keras import ops

from course_utils.datasets import IGNORE
from course_utils.losses import drop_channel_axis


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

    It is NaN, too, where the truth has no class for a pixel, or two classes and, as a mask in black
    and white, nothing but 0 and 255. A training step runs in a graph, which cannot say so in words:
    `reset_state`, with which the next epoch and every evaluation begin, warns of it.
    """

    _direction = "up"  # tells Keras's callbacks that more is better

    def __init__(self, n_classes=2, ignore_class=IGNORE, name="miou", **kwargs):
        # float32 counts stop being exact at 2**24, about 256 images of 256x256; int32 at 2**31.
        super().__init__(name=name, dtype="int32", **kwargs)
        self.n_classes = n_classes
        self.ignore_class = ignore_class
        self.matrix = self.add_variable(
            (n_classes, n_classes), initializer="zeros", dtype="int32", name="matrix"
        )
        self.others = self.add_variable((2,), initializer="zeros", dtype="int32", name="others")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count one batch; `sample_weight` is refused, for counts have no weights."""
        if sample_weight is not None:
            raise ValueError(f"{type(self).__name__} counts pixels and takes no sample_weight.")
        y_pred = ops.convert_to_tensor(y_pred)
        truth = drop_channel_axis(y_true, y_pred, type(self).__name__)
        channels = y_pred.shape[-1]
        if channels not in (1, self.n_classes) or (channels == 1 and self.n_classes != 2):
            raise ValueError(
                f"{type(self).__name__} with n_classes={self.n_classes} got predictions with "
                f"{channels} channels, expected {self.n_classes}"
                + (" (or 1 channel of logits)." if self.n_classes == 2 else ".")
            )
        truth = ops.cast(truth, "int32")
        chosen = y_pred[..., 0] > 0 if channels == 1 else ops.argmax(y_pred, axis=-1)
        pair = truth * self.n_classes + ops.cast(chosen, "int32")
        unknown = ops.zeros((), "int32")
        if self.ignore_class is not None:
            pair = ops.where(truth == self.ignore_class, -1, pair)
            unknown = _count(truth == self.ignore_class)
        counts = ops.stack([_count(pair == i) for i in range(self.n_classes**2)])
        nameless = ops.cast(ops.size(truth), "int32") - ops.sum(counts) - unknown
        self.matrix.assign_add(ops.reshape(counts, self.matrix.shape))
        self.others.assign_add(ops.stack([unknown, nameless]))

    def class_iou(self):
        """IoU of each class so far, float32 [n_classes], NaN for a class never seen."""
        matrix = ops.cast(self.matrix, "float32")
        hit = ops.diagonal(matrix)
        union = ops.sum(matrix, 0) + ops.sum(matrix, 1) - hit
        iou = ops.where(union > 0, hit / ops.maximum(union, 1.0), float("nan"))
        wrong = ops.logical_or(*self._faults())
        return ops.where(wrong, float("nan"), iou)

    def _faults(self):
        """Whether the truth held numbers that are no class, and whether it is black and white."""
        unknown, nameless = self.others[0], self.others[1]
        background = ops.logical_and(ops.sum(self.matrix[0]) > 0, ops.sum(self.matrix[1:]) == 0)
        possible = self.n_classes == 2 and self.ignore_class == IGNORE
        return nameless > 0, ops.logical_and(unknown > 0, ops.logical_and(background, possible))

    def result(self):
        """Mean IoU so far, a float32 scalar."""
        self._warn()
        iou = self.class_iou()
        seen = ops.logical_not(ops.isnan(iou))
        classes = ops.sum(ops.cast(seen, "float32"))
        total = ops.sum(ops.where(seen, iou, 0.0))
        return ops.where(classes > 0, total / ops.maximum(classes, 1.0), float("nan"))

    def reset_state(self):
        """Forget all counts; warns if they were of masks that do not fit."""
        self._warn()
        super().reset_state()

    def _warn(self):
        """Say why there is no score, where the counts can be looked at: not in a graph."""
        try:
            nameless, black_and_white = map(bool, self._faults())
        except TypeError:  # what TensorFlow and JAX raise in a graph
            return
        problem = ""
        if nameless:
            problem = f"numbers that are none of the {self.n_classes} classes"
        elif black_and_white:
            problem = (
                "0 and 255 alone. A mask stored in black and white needs (mask > 0) first; where "
                "255 does mean unknown there is no foreground to score"
            )
        if problem:
            warnings.warn(f"{self.name} is NaN, for y_true holds {problem}.", stacklevel=3)

    def get_config(self):
        """Arguments to build the metric again."""
        return {"n_classes": self.n_classes, "ignore_class": self.ignore_class, "name": self.name}


def _count(where):
    return ops.sum(ops.cast(where, "int32"))


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
        self._warn()
        return self.class_iou()[self.class_id]

    def get_config(self):
        """Arguments to build the metric again."""
        return {"class_id": self.class_id, **super().get_config()}
