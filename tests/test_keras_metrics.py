"""The Keras metrics give the numbers of `course_utils.metrics`, however the pixels are fed in."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_utils import metrics
from course_utils.keras_metrics import ClassIoU, MeanIoU

N, BATCH = 11, 4  # the last batch is short
PARTS = [slice(i, i + BATCH) for i in range(0, N, BATCH)]


@pytest.fixture(autouse=True)
def set_precision():
    """Restore the precision after each test."""
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


def pixels(k, channels, ignored=0.15):
    """Random class numbers, some of them unknown, and logits that agree with them often."""
    rng = np.random.default_rng([k, channels])
    truth = rng.integers(0, k, (N, 6, 5), np.uint8)
    right = truth[..., np.newaxis] - 0.5 if channels == 1 else np.eye(k)[truth]
    logits = rng.normal(size=(N, 6, 5, channels)) + 1.5 * right
    truth[rng.random(truth.shape) < ignored] = 255
    return truth, logits.astype("float32")


def numpy_matrix(truth, logits, k):
    chosen = logits[..., 0] > 0 if logits.shape[-1] == 1 else logits.argmax(-1)
    return metrics.confusion_matrix(truth, chosen, k)


def nearly(value):
    """Equal to `value`, as far as float32 goes."""
    return pytest.approx(value, rel=1e-6, nan_ok=True)


def flat(truth, logits):
    """A loss with nothing to learn."""
    return 0.0 * keras.ops.mean(logits)


def untrained_model(channels, *measures):
    """A model that `fit` leaves as it is."""
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [
            keras.Input((6, 5, 2)),
            keras.layers.Conv2D(4, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(channels, 1),
            keras.layers.Activation("linear", dtype="float32"),
        ]
    )
    model.compile("sgd", flat, metrics=list(measures))
    return model


@pytest.mark.parametrize(
    ("channels", "source", "precision"),
    [
        (1, "arrays", "float32"),
        (1, "dataset", "mixed_bfloat16"),
        (3, "dataset", "float32"),
        (3, "arrays", "mixed_bfloat16"),
    ],
)
def test_fit_and_evaluate_give_the_numpy_numbers(channels, source, precision, set_precision):
    set_precision(precision)
    k = max(channels, 2)
    miou, iou = MeanIoU(k), ClassIoU(1, k, name="one")
    model = untrained_model(channels, miou, iou)
    images = np.random.default_rng(0).normal(size=(N, 6, 5, 2)).astype("float32")
    truth, _ = pixels(k, channels)
    logits = model.predict(images, verbose=0)
    matrix = numpy_matrix(truth, logits, k)
    assert 0 < matrix.sum() < truth.size, "no pixel is ignored"
    assert (matrix.sum(0) > 0).all(), "the model does not predict every class"

    feed, options = (images, truth[..., np.newaxis]), {"batch_size": BATCH, "verbose": 0}
    if source == "dataset":
        feed, options = (tf.data.Dataset.from_tensor_slices(feed).batch(BATCH),), {"verbose": 0}
    expected = metrics.mean_iou(matrix), metrics.class_iou(matrix)[1]

    history = model.fit(*feed, epochs=2, shuffle=source == "arrays", **options).history
    assert history["miou"] == [nearly(expected[0])] * 2
    assert history["one"] == [nearly(expected[1])] * 2
    np.testing.assert_array_equal(miou.matrix, matrix)  # of the second epoch alone

    found = model.evaluate(*feed, return_dict=True, **options)
    assert (found["miou"], found["one"]) == (nearly(expected[0]), nearly(expected[1]))
    np.testing.assert_array_equal(iou.matrix, matrix)
    of_batches = [metrics.mean_iou(numpy_matrix(truth[p], logits[p], k)) for p in PARTS]
    assert found["miou"] != pytest.approx(np.mean(of_batches), rel=1e-4)


@pytest.mark.parametrize("with_axis", [True, False])
@pytest.mark.parametrize(("k", "channels"), [(2, 1), (2, 2), (3, 3), (7, 7)])
def test_batches_of_any_size_give_the_numpy_numbers(k, channels, with_axis):
    truth, logits = pixels(k, channels)
    miou = MeanIoU(k)
    single = [ClassIoU(i, k) for i in range(k)]
    for part in PARTS:
        for measure in (miou, *single):
            measure.update_state(
                truth[part, ..., np.newaxis] if with_axis else truth[part], logits[part]
            )
    matrix = numpy_matrix(truth, logits, k)
    np.testing.assert_array_equal(miou.matrix, matrix)
    assert float(miou.result()) == nearly(metrics.mean_iou(matrix))
    np.testing.assert_allclose(miou.class_iou(), metrics.class_iou(matrix), rtol=1e-6)
    assert [float(m.result()) for m in single] == nearly(metrics.class_iou(matrix).tolist())


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "bfloat16"])
def test_masks_and_logits_of_every_kind(dtype):
    truth, logits = pixels(2, 1)
    kind = "bfloat16" if dtype == "bfloat16" else "float32"
    miou = MeanIoU()
    miou.update_state(tf.cast(truth, dtype), tf.cast(logits, kind))
    rounded = tf.cast(tf.cast(logits, kind), "float32").numpy()
    np.testing.assert_array_equal(miou.matrix, numpy_matrix(truth, rounded, 2))


def test_a_logit_of_zero_is_background():
    miou = MeanIoU()
    miou.update_state(np.array([[0, 1, 1]]), np.array([[[0.0], [0.0], [1e-6]]], "float32"))
    assert miou.matrix.numpy().tolist() == [[1, 0], [1, 1]]


@pytest.mark.parametrize("ignore", [None, 0, 2])
def test_any_class_can_be_the_ignored_one(ignore):
    truth, logits = pixels(3, 3, ignored=0)
    miou = MeanIoU(3, ignore_class=ignore)
    miou.update_state(truth, logits)
    expected = metrics.confusion_matrix(truth, logits.argmax(-1), 3, ignore=ignore)
    np.testing.assert_array_equal(miou.matrix, expected)


@pytest.mark.parametrize("ignored", [0.0, 0.2])
def test_equals_the_mean_iou_of_keras(ignored):
    truth, logits = pixels(4, 4, ignored)
    theirs = keras.metrics.MeanIoU(4, ignore_class=255, sparse_y_pred=False)
    ours = MeanIoU(4)
    for part in PARTS:
        theirs.update_state(truth[part].astype("int32"), logits[part])
        ours.update_state(truth[part], logits[part])
    assert float(ours.result()) == nearly(float(theirs.result()))


def test_equals_the_binary_iou_of_keras():
    truth, logits = pixels(2, 1, ignored=0)
    both, one = (keras.metrics.BinaryIoU(ids, threshold=0.5) for ids in ([0, 1], [1]))
    ours, ours_one = MeanIoU(), ClassIoU(1)
    for part in PARTS:
        for theirs in (both, one):
            theirs.update_state(truth[part, ..., np.newaxis], keras.ops.sigmoid(logits[part]))
        for measure in (ours, ours_one):
            measure.update_state(truth[part], logits[part])
    assert float(ours.result()) == nearly(float(both.result()))
    assert float(ours_one.result()) == nearly(float(one.result()))


def test_counts_are_exact_where_float32_is_not():
    miou = MeanIoU()
    miou.matrix.assign([[2**24, 0], [2**30, 2**24]])
    for _ in range(3):  # 2**24 + 1 is the first whole number that float32 lacks
        miou.update_state(np.array([0, 1]), np.array([[-1.0], [1.0]], "float32"))
    matrix = np.array([[2**24 + 3, 0], [2**30, 2**24 + 3]])
    np.testing.assert_array_equal(miou.matrix, matrix)
    assert float(miou.result()) == nearly(metrics.mean_iou(matrix))


def test_where_nothing_is_counted_the_result_is_nan():
    miou, iou = MeanIoU(3), ClassIoU(2, 3)
    assert np.isnan(miou.result())
    assert np.isnan(iou.result())
    unknown = np.full((2, 2), 255)
    for measure in (miou, iou):
        measure.update_state(unknown, np.zeros((2, 2, 3), "float32"))
        assert np.isnan(measure.result())
    seen = np.zeros((2, 2)), np.eye(3, dtype="float32")[[[0, 0], [0, 1]]]
    for measure in (miou, iou):
        measure.update_state(*seen)
    assert float(miou.result()) == nearly((3 / 4 + 0) / 2)  # classes 0 and 1; 2 is left out
    assert np.isnan(iou.result())


def test_reset_forgets():
    miou = MeanIoU()
    miou.update_state(np.array([1]), np.array([[-1.0]], "float32"))
    assert float(miou.result()) == pytest.approx(0, abs=1e-7)
    miou.reset_state()
    assert np.isnan(miou.result())
    miou.update_state(np.array([1]), np.array([[1.0]], "float32"))
    assert float(miou.result()) == nearly(1)


@pytest.mark.parametrize(
    "measure", [MeanIoU(3, ignore_class=0, name="a"), ClassIoU(1, 4, ignore_class=None, name="b")]
)
def test_config_builds_the_same_metric(measure):
    again = type(measure).from_config(measure.get_config())
    for part in ("name", "n_classes", "ignore_class", "class_id"):
        assert getattr(again, part, None) == getattr(measure, part, None)
    assert again.get_config() == measure.get_config()


def test_a_compiled_model_is_saved_and_loaded(tmp_path):
    measures = [MeanIoU(3, ignore_class=0), ClassIoU(2, 3, ignore_class=0)]
    model = untrained_model(3)
    model.compile("sgd", "mse", metrics=measures)
    images = np.random.default_rng(0).normal(size=(N, 6, 5, 2)).astype("float32")
    truth, _ = pixels(3, 3, ignored=0)
    before = model.evaluate(images, truth[..., np.newaxis], verbose=0, return_dict=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    after = loaded.evaluate(images, truth[..., np.newaxis], verbose=0, return_dict=True)
    assert after == pytest.approx(before, rel=1e-5)
    assert {"miou", "iou"} < set(after)


@pytest.mark.parametrize(
    ("n_classes", "channels", "expected"),
    [
        (2, 3, r"n_classes=2 got predictions with 3 channels, expected 2 \(or 1 channel"),
        (3, 2, "n_classes=3 got predictions with 2 channels, expected 3"),
        (3, 1, "n_classes=3 got predictions with 1 channels, expected 3"),
    ],
)
def test_a_wrong_number_of_channels_is_an_error(n_classes, channels, expected):
    logits = np.zeros((2, 2, channels), "float32")
    for measure in (MeanIoU(n_classes), ClassIoU(0, n_classes)):
        with pytest.raises(ValueError, match=f"{type(measure).__name__} with {expected}"):
            measure.update_state(np.zeros((2, 2)), logits)


def test_sample_weights_are_refused():
    with pytest.raises(ValueError, match="takes no sample_weight"):
        MeanIoU().update_state(np.zeros(2), np.zeros((2, 1), "float32"), sample_weight=np.ones(2))


@pytest.mark.parametrize("class_id", [-1, 2])
def test_the_class_is_one_of_those_there_are(class_id):
    with pytest.raises(ValueError, match=f"class_id must be in 0 … 1, got {class_id}"):
        ClassIoU(class_id)
