"""The Keras metrics give the numbers of `course_utils.metrics`, however the pixels are fed in."""

import importlib.util
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_utils import metrics
from course_utils.datasets import IGNORE
from course_utils.keras_metrics import ClassIoU, MeanIoU

N, BATCH = 11, 4  # the last batch is short
PARTS = [slice(i, i + BATCH) for i in range(0, N, BATCH)]


def pixels(k, channels, ignored=0.15):
    """Random class numbers, some of them unknown, and logits that agree with them often."""
    rng = np.random.default_rng([k, channels])
    truth = rng.integers(0, k, (N, 6, 5), np.uint8)
    right = truth[..., np.newaxis] - 0.5 if channels == 1 else np.eye(k)[truth]
    logits = rng.normal(size=(N, 6, 5, channels)) + 1.5 * right
    truth[rng.random(truth.shape) < ignored] = IGNORE
    return truth, logits.astype("float32")


def numpy_matrix(truth, logits, k):
    chosen = logits[..., 0] > 0 if logits.shape[-1] == 1 else logits.argmax(-1)
    return metrics.confusion_matrix(truth, chosen, k)


def nearly(value):
    """Equal to `value`, as far as float32 goes."""
    return pytest.approx(value, rel=1e-6, abs=1e-7, nan_ok=True)


def give_back(channels, *measures):
    """A model whose logits are what it is given, compiled with metrics."""
    model = keras.Sequential(
        [keras.Input((6, 5, channels)), keras.layers.Activation("linear", dtype="float32")]
    )
    model.compile("sgd", "mse", metrics=list(measures))
    return model


@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
@pytest.mark.parametrize(("channels", "precision"), [(1, "float32"), (3, "mixed_bfloat16")])
def test_fit_evaluate_and_a_loaded_model_give_the_numpy_numbers(channels, precision, tmp_path):
    k = max(channels, 2)
    truth, logits = pixels(k, channels)
    matrix = numpy_matrix(truth, logits, k)
    expected = metrics.mean_iou(matrix), metrics.class_iou(matrix)[1]
    data = tf.data.Dataset.from_tensor_slices((logits, truth[..., np.newaxis])).batch(BATCH)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        miou = MeanIoU(k)
        model = give_back(channels, miou, ClassIoU(1, k, name="one"))
        history = model.fit(data, epochs=2, verbose=0).history
        np.testing.assert_array_equal(miou.matrix, matrix)  # of the second epoch alone
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
    finally:
        keras.config.set_dtype_policy(before)
    assert history["miou"] == [nearly(expected[0])] * 2
    assert history["one"] == [nearly(expected[1])] * 2
    for one in (model, loaded):
        found = one.evaluate(data, return_dict=True, verbose=0)
        assert (found["miou"], found["one"]) == (nearly(expected[0]), nearly(expected[1]))
    of_batches = [metrics.mean_iou(numpy_matrix(truth[p], logits[p], k)) for p in PARTS]
    assert found["miou"] != pytest.approx(np.mean(of_batches), rel=1e-4)


@pytest.mark.parametrize(
    ("k", "channels", "ignore", "truth_type", "logits_type"),
    [
        (2, 1, IGNORE, "uint8", "float32"),
        (2, 2, IGNORE, "float32", "float32"),
        (2, 1, IGNORE, "bfloat16", "bfloat16"),
        (7, 7, IGNORE, "int64", "float32"),
        (3, 3, None, "uint8", "float32"),
        (3, 3, 2, "uint8", "float32"),
    ],
)
def test_batches_of_any_size_and_kind(k, channels, ignore, truth_type, logits_type):
    truth, logits = pixels(k, channels, ignored=0.15 if ignore == IGNORE else 0)
    miou = MeanIoU(k, ignore_class=ignore)
    single = [ClassIoU(i, k, ignore_class=ignore) for i in range(k)]
    for part in PARTS:
        one = tf.cast(truth[part], truth_type), tf.cast(logits[part], logits_type)
        miou.update_state(*one)
        for measure in single:
            measure.update_state(one[0][..., tf.newaxis], one[1])
    rounded = tf.cast(tf.cast(logits, logits_type), "float32").numpy()
    chosen = rounded[..., 0] > 0 if channels == 1 else rounded.argmax(-1)
    matrix = metrics.confusion_matrix(truth, chosen, k, ignore)
    np.testing.assert_array_equal(miou.matrix, matrix)
    assert float(miou.result()) == nearly(metrics.mean_iou(matrix))
    assert [float(m.result()) for m in single] == nearly(metrics.class_iou(matrix).tolist())


def test_equals_the_metrics_of_keras():
    truth, logits = pixels(4, 4)
    theirs = keras.metrics.MeanIoU(4, ignore_class=IGNORE, sparse_y_pred=False)
    ours = MeanIoU(4)
    theirs.update_state(truth.astype("int32"), logits)
    ours.update_state(truth, logits)
    assert float(ours.result()) == nearly(float(theirs.result()))
    truth, logits = pixels(2, 1, ignored=0)
    for ids, ours in {(0, 1): MeanIoU(), (1,): ClassIoU(1)}.items():
        theirs = keras.metrics.BinaryIoU(ids, threshold=0.5)
        theirs.update_state(truth[..., np.newaxis], keras.ops.sigmoid(logits))
        ours.update_state(truth, logits)
        assert float(ours.result()) == nearly(float(theirs.result()))


def test_counts_are_exact_where_float32_is_not():
    miou = MeanIoU()
    miou.matrix.assign([[2**24, 0], [2**30, 2**24]])
    for _ in range(3):  # 2**24 + 1 is the first whole number that float32 lacks
        miou.update_state(np.array([0, 1]), np.array([[0.0], [1.0]], "float32"))
    np.testing.assert_array_equal(miou.matrix, [[2**24 + 3, 0], [2**30, 2**24 + 3]])
    assert float(miou.result()) == nearly(metrics.mean_iou(miou.matrix.numpy()))


def test_an_unseen_class_is_left_out_and_reset_forgets():
    miou, last = MeanIoU(3), ClassIoU(2, 3)
    logits = np.eye(3, dtype="float32")[[[0, 0], [0, 1]]]
    for measure, expected in ((miou, (3 / 4 + 0) / 2), (last, np.nan)):
        for _ in range(2):
            assert np.isnan(measure.result())
            measure.update_state(np.full((2, 2), IGNORE), logits)
            assert np.isnan(measure.result())
            measure.update_state(np.zeros((2, 2)), logits)
            assert float(measure.result()) == nearly(expected)
            measure.reset_state()


def test_config_builds_the_same_metric():
    for measure in (MeanIoU(3, ignore_class=0, name="a"), ClassIoU(1, 4, None, name="b")):
        again = type(measure).from_config(measure.get_config())
        assert again.get_config() == measure.get_config()
        assert (again.name, again.n_classes) == (measure.name, measure.n_classes)
        assert again.ignore_class == measure.ignore_class
    assert again.class_id == 1


@pytest.mark.parametrize(
    ("n_classes", "channels", "expected"),
    [(2, 3, r"expected 2 \(or 1 channel"), (3, 2, "expected 3"), (3, 1, "expected 3")],
)
def test_a_wrong_number_of_channels_is_an_error(n_classes, channels, expected):
    words = f"MeanIoU with n_classes={n_classes} got predictions with {channels} channels, "
    with pytest.raises(ValueError, match=words + expected):
        MeanIoU(n_classes).update_state(np.zeros((2, 2)), np.zeros((2, 2, channels), "float32"))


@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
@pytest.mark.parametrize(
    ("truth", "problem"),
    [([0, 1, 2, 255], "none of the 2 classes"), ([0, 1, 1, -1], "none of"), ([0, 255], "mask > 0")],
)
def test_masks_that_do_not_fit_have_no_score_and_a_warning(truth, problem):
    truth = np.resize(truth, (4, 6, 5))
    logits = np.full((4, 6, 5, 1), -1, "float32")
    for measure in (MeanIoU(), ClassIoU(0)):
        measure.update_state(truth, logits)
        with pytest.warns(UserWarning, match=problem):
            assert np.isnan(measure.result())
        with pytest.warns(UserWarning, match=problem):
            measure.reset_state()
        measure.update_state(truth * 0, logits)
        assert float(measure.result()) == 1
    model = give_back(1, MeanIoU())
    with pytest.warns(UserWarning, match=problem):  # in a graph
        history = model.fit(logits, truth[..., None], epochs=2, verbose=0).history
    assert np.isnan(history["miou"]).all()


def test_background_and_unknown_pixels_are_counted_beside_foreground():
    miou, logits = MeanIoU(), np.full((4, 1), -1, "float32")
    miou.update_state(np.array([0, 0, 0, IGNORE]), logits)
    miou.update_state(np.array([0, 0, 1, IGNORE]), logits)
    assert float(miou.result()) == nearly((5 / 6 + 0) / 2)
    three = MeanIoU(3)
    three.update_state(np.array([0, 0, 0, IGNORE]), np.eye(3, dtype="float32")[[0, 0, 0, 0]])
    assert float(three.result()) == 1


def test_callbacks_of_keras_know_that_more_is_better():
    model = give_back(1, MeanIoU(), ClassIoU(1))
    truth = np.ones((1, 6, 5, 1), "float32")
    model.fit(truth, truth, verbose=0)
    for name in ("val_miou", "iou"):
        stop = keras.callbacks.EarlyStopping(name)
        stop.set_model(model)
        stop.on_train_begin()
        stop.on_epoch_end(0, {name: 0.5})
        stop.on_epoch_end(1, {name: 0.7})
        assert stop.best == 0.7


BACKEND = """
import sys, numpy as np, keras
from course_utils import losses
from course_utils.keras_metrics import ClassIoU, MeanIoU
assert keras.backend.backend() == sys.argv[1]
truth, logits = np.array([[[0, 1, 2, 255]]]), np.eye(3, dtype="float32")[[[[0, 1, 1, 1]]]]
for measure, expected in ((MeanIoU(3), 0.5), (ClassIoU(0, 3), 1)):
    for _ in range(2):
        measure.update_state(truth[..., None], logits)
        assert abs(float(measure.result()) - expected) < 1e-6
        measure.reset_state()
for kind in (losses.Focal, losses.Dice, losses.Tversky, losses.HausdorffDistance):
    assert 0 < float(kind()(truth, logits, None)) < 1, kind
model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(1, 1)])
model.compile("sgd", losses.BinaryCrossentropyDice(), metrics=[MeanIoU(), ClassIoU(1)])
x = np.random.default_rng(0).random((8, 4, 4, 1), "float32")
pair = x, (x > 0.5).astype("float32")
stop = keras.callbacks.EarlyStopping("val_miou", patience=9)
fit = model.fit(*pair, epochs=3, validation_data=pair, verbose=0, callbacks=[stop]).history
assert np.isfinite([fit[name] for name in ("miou", "val_miou", "iou", "val_loss")]).all()
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_metrics_and_losses_on_the_other_backends(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    environ = os.environ | {"KERAS_BACKEND": backend}
    run = subprocess.run(
        [sys.executable, "-c", BACKEND, backend], env=environ, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr


def test_what_the_metrics_refuse():
    one_hot = np.eye(3)[[[0, 1]]]
    with pytest.raises(ValueError, match=r"MeanIoU got truth of shape .*not one-hot"):
        MeanIoU(3).update_state(one_hot, one_hot)
    with pytest.raises(ValueError, match="takes no sample_weight"):
        MeanIoU().update_state(np.zeros(2), np.zeros((2, 1), "float32"), sample_weight=np.ones(2))
    with pytest.raises(ValueError, match="class_id must be in 0 … 1, got 2"):
        ClassIoU(2)
