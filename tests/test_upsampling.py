"""The bilinear enlargement: by hand, against Keras's own layer, and in either precision."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from course_utils.models import Upsample2x


def values_and_gradient(layer, x, upstream):
    """What the layer makes of `x`, and the gradient of Σ upstream · output."""
    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
        total = tf.reduce_sum(tf.cast(y, "float32") * upstream)
    return y, tape.gradient(total, x)


def case(shape, seed=0):
    rng = np.random.default_rng(seed)
    batch, height, width, channels = shape
    upstream = rng.normal(size=(batch, 2 * height, 2 * width, channels))
    return rng.normal(size=shape).astype("float32"), upstream.astype("float32")


def test_by_hand():
    found = Upsample2x()(np.array([4.0, 8.0, 0.0], "float32").reshape(1, 1, 3, 1))
    row = [4, 5, 7, 6, 2, 0]  # 4·¾ + 8·¼ = 5, 8·¾ + 4·¼ = 7, 8·¾ = 6, 8·¼ = 2
    np.testing.assert_array_equal(found[0, :, :, 0], [row, row])
    square = np.array([[0.0, 16.0], [32.0, 48.0]], "float32").reshape(1, 2, 2, 1)
    expected = [[0, 4, 12, 16], [8, 12, 20, 24], [24, 28, 36, 40], [32, 36, 44, 48]]
    np.testing.assert_array_equal(Upsample2x()(square)[0, :, :, 0], expected)


def test_is_sums_of_neighbours_one_quarter_and_three_quarters():
    x, _ = case((2, 4, 5, 3))
    expected = x.astype(float)
    for axis in (1, 2):
        size = expected.shape[axis]
        before, after = (
            expected.take(np.clip(np.arange(size) + step, 0, size - 1), axis) for step in (-1, 1)
        )
        pairs = [0.75 * expected + 0.25 * before, 0.75 * expected + 0.25 * after]
        shape = [2 * n if i == axis else n for i, n in enumerate(expected.shape)]
        expected = np.stack(pairs, axis + 1).reshape(shape)
    np.testing.assert_allclose(Upsample2x()(x), expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 4, 6, 3), (1, 5, 3, 1), (3, 1, 7, 2), (1, 1, 1, 4)])
def test_equals_the_layer_of_keras(shape):
    x, upstream = case(shape)
    theirs = layers.UpSampling2D(2, interpolation="bilinear")
    expected = values_and_gradient(theirs, x, upstream)
    found = values_and_gradient(Upsample2x(), x, upstream)
    for ours, others in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, others, rtol=1e-6, atol=1e-6)
    assert np.abs(found[1]).min() > 0


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "bfloat16", "float16"])
def test_half_precision_is_rounded_once(dtype):
    x, upstream = case((2, 6, 5, 3))
    layer = Upsample2x(dtype=dtype)
    half = tf.cast(x, layer.compute_dtype)
    y, gradient = values_and_gradient(layer, half, upstream)
    assert y.dtype == gradient.dtype == half.dtype
    upstream = tf.cast(tf.cast(upstream, half.dtype), "float32")  # rounded on its way back
    expected = values_and_gradient(Upsample2x(), tf.cast(half, "float32"), upstream)
    np.testing.assert_array_equal(y, tf.cast(expected[0], half.dtype))
    np.testing.assert_array_equal(gradient, tf.cast(expected[1], half.dtype))
    assert layer(x).dtype == half.dtype


def test_gradient_equals_differences():
    x, upstream = case((1, 3, 2, 1))
    _, gradient = values_and_gradient(Upsample2x(), x, upstream)
    for place in np.ndindex(x.shape):
        one = np.zeros_like(x)
        one[place] = 1  # the layer is linear: no small step is needed
        difference = np.sum((Upsample2x()(x + one) - Upsample2x()(x)) * upstream)
        assert float(gradient[place]) == pytest.approx(difference, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("side", [None, 5])
def test_shapes_known_and_unknown(side, tmp_path):
    image = keras.Input((side, None, 2))
    model = keras.Model(image, Upsample2x(name="twice")(image))
    assert model.output_shape == (None, side and 10, None, 2)
    x, _ = case((2, 5, 7, 2))
    found = model.predict(x, verbose=0)
    assert found.shape == (2, 10, 14, 2)
    np.testing.assert_allclose(found, Upsample2x()(x), atol=1e-6)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.get_layer("twice"), Upsample2x)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), found)
    assert Upsample2x().compute_output_shape((4, 3, None, 2)) == (4, 6, None, 2)


def test_keeps_its_layout_where_keras_is_set_to_channels_first():
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        assert Upsample2x()(np.zeros((1, 2, 3, 4), "float32")).shape == (1, 4, 6, 4)
    finally:
        keras.config.set_image_data_format(before)


def test_can_be_compiled_by_xla():
    x, upstream = case((2, 4, 5, 3))
    layer = Upsample2x()
    compiled = tf.function(lambda x: values_and_gradient(layer, x, upstream), jit_compile=True)
    for ours, others in zip(compiled(x), values_and_gradient(layer, x, upstream), strict=True):
        np.testing.assert_allclose(ours, others, rtol=1e-5, atol=1e-5)
