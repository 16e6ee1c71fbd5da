"""Cross entropy plus Dice: by hand, against its two parts, and at the edges."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_utils.losses import BinaryCrossentropyDice


def logit(p):
    return np.log(np.asarray(p, float) / (1 - np.asarray(p, float)))


def pixels(ignored=0.0, shape=(3, 6, 5), seed=0):
    """Random masks, some pixels unknown, and logits that agree with them often."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, shape, np.uint8)
    logits = rng.normal(size=shape) + truth - 0.5
    truth[rng.random(shape) < ignored] = 255
    return truth, logits[..., np.newaxis].astype("float32")


def value_and_gradient(loss, truth, logits):
    logits = tf.convert_to_tensor(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(truth, logits)
    return value.numpy(), tape.gradient(value, logits).numpy()


def nearly(value, rel=1e-5, abs=1e-6):
    """Equal to `value`, as far as float32 goes; near 0 one rounding of a sum of order 1 counts."""
    return pytest.approx(value, rel=rel, abs=abs)


def assert_nearly(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


# Two images of three pixels, p = 1/4, 1/2, 3/4 and 1/2, 1/2, 1/2.
TRUTH = np.array([[[0, 1, 1]], [[1, 0, 0]]])
LOGITS = logit([[[0.25, 0.5, 0.75]], [[0.5, 0.5, 0.5]]])[..., np.newaxis]
CROSSENTROPY = np.array([(2 * np.log(4 / 3) + np.log(2)) / 3, np.log(2)])
# Σ p q = 5/4 and 1/2, Σ p = 3/2 twice, Σ q = 2 and 1.
DICE = np.array([2.5 / 3.5, 1 / 2.5])


def test_by_hand():
    each = 0.5 * CROSSENTROPY + 1 - DICE
    assert float(BinaryCrossentropyDice()(TRUTH, LOGITS)) == nearly(each.mean())
    found = BinaryCrossentropyDice(reduction="none")(TRUTH, LOGITS)
    np.testing.assert_allclose(found, each, rtol=1e-5)
    assert float(BinaryCrossentropyDice(reduction="sum")(TRUTH, LOGITS)) == nearly(each.sum())


def test_weight_and_smooth_by_hand():
    found = BinaryCrossentropyDice(weight=2, smooth=1, reduction="none")(TRUTH, LOGITS)
    smoothed = 1 - np.array([3.5 / 4.5, 2 / 3.5])
    np.testing.assert_allclose(found, 2 * CROSSENTROPY + smoothed, rtol=1e-5)
    found = BinaryCrossentropyDice(weight=0, reduction="none")(TRUTH, LOGITS)
    np.testing.assert_allclose(found, 1 - DICE, rtol=1e-5)


def test_an_unknown_pixel_by_hand():
    truth = TRUTH.copy()
    truth[0, 0, 1] = truth[1, 0, 0] = 255
    # Of the first image p = 1/4, 3/4 for 0, 1 remain; of the second two background pixels.
    expected = [0.5 * np.log(4 / 3) + 1 - 1.5 / 2, 0.5 * np.log(2) + 1 - 1e-5 / (1 + 1e-5)]
    found = BinaryCrossentropyDice(reduction="none")(truth, LOGITS)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    found = BinaryCrossentropyDice()(truth, LOGITS)
    assert float(found) == nearly(np.mean(expected))


def test_equals_the_crossentropy_and_the_dice_of_keras():
    truth, logits = pixels()
    p, q = 1 / (1 + np.exp(-logits.astype(float))), truth[..., np.newaxis].astype("float32")
    crossentropy = float(keras.losses.BinaryCrossentropy(from_logits=True)(q, logits))
    dice = float(np.mean(keras.losses.Dice(axis=(1, 2)).call(q, p)))
    found = float(BinaryCrossentropyDice(smooth=0)(truth, logits))
    assert found == nearly(0.5 * crossentropy + dice)
    together = float(np.mean(keras.losses.Dice(axis=(0, 1, 2)).call(q, p)))
    assert found != nearly(0.5 * crossentropy + together, rel=1e-4)


@pytest.mark.parametrize("options", [{}, {"weight": 3.0, "smooth": 1.0}])
def test_gradient_equals_differences(options):
    loss = BinaryCrossentropyDice(dtype="float64", **options)
    truth, logits = pixels(ignored=0.2, shape=(2, 4, 3))
    logits = logits.astype("float64")
    value, gradient = value_and_gradient(loss, truth, logits)
    assert value.dtype == "float64"
    step, differences = 1e-6, np.zeros_like(logits)
    for place in np.ndindex(logits.shape):
        there, back = logits.copy(), logits.copy()
        there[place] += step
        back[place] -= step
        differences[place] = float(loss(truth, there) - loss(truth, back)) / (2 * step)
    np.testing.assert_allclose(gradient, differences, rtol=1e-5, atol=1e-8)
    assert (gradient[truth != 255] != 0).all()
    assert_nearly(gradient[truth == 255], 0)


def test_what_is_predicted_on_unknown_pixels_plays_no_role():
    truth, logits = pixels(ignored=0.3)
    before = value_and_gradient(BinaryCrossentropyDice(), truth, logits)
    logits[truth == 255] = np.nan
    after = value_and_gradient(BinaryCrossentropyDice(), truth, logits)
    assert_nearly(after[0], before[0])
    assert_nearly(after[1], before[1])
    assert before[0] > 0


def test_another_unknown_class_or_none():
    truth, logits = pixels(ignored=0.3)
    expected = nearly(float(BinaryCrossentropyDice()(truth, logits)))
    other = np.where(truth == 255, 7, truth)
    assert float(BinaryCrossentropyDice(ignore_class=7)(other, logits)) == expected
    assert np.isnan(BinaryCrossentropyDice(ignore_class=None)(truth, logits))
    assert np.isnan(BinaryCrossentropyDice()(other, logits))


@pytest.mark.parametrize("smooth", [0, 1e-5])
def test_nothing_known_costs_nothing(smooth):
    truth, logits = pixels()
    loss = BinaryCrossentropyDice(smooth=smooth)
    value, gradient = value_and_gradient(loss, np.full_like(truth, 255), logits)
    assert_nearly(value, 0)
    assert_nearly(gradient, 0)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_extreme_logits(dtype):
    truth, _ = pixels(ignored=0.1)
    truth[2] = 0
    logits = tf.cast(np.where(truth == 1, 1e4, -1e4)[..., np.newaxis], dtype)
    value, gradient = value_and_gradient(BinaryCrossentropyDice(), truth, logits)
    assert_nearly(value, 0)
    assert value.dtype == "float32"
    assert_nearly(gradient, 0)
    value, gradient = value_and_gradient(BinaryCrossentropyDice(), truth, -logits)
    assert value == nearly(0.5 * 1e4 + 1, rel=0.01)
    assert np.isfinite(gradient).all()


def test_masks_of_every_layout_and_kind():
    truth, logits = pixels(ignored=0.2)
    expected = nearly(float(BinaryCrossentropyDice()(truth, logits)))
    for dtype in ("int32", "int64", "float32"):
        assert float(BinaryCrossentropyDice()(truth.astype(dtype), logits)) == expected
    assert float(BinaryCrossentropyDice()(truth[..., None], logits)) == expected


@pytest.mark.parametrize("channels", [2, 3])
def test_more_than_one_channel_is_an_error(channels):
    truth, logits = pixels()
    with pytest.raises(ValueError, match=f"is for one channel, got {channels}"):
        BinaryCrossentropyDice()(truth, np.repeat(logits, channels, -1))


def test_one_hot_masks_are_an_error():
    _, logits = pixels()
    with pytest.raises(ValueError, match=r"BinaryCrossentropyDice got truth of shape .*one-hot"):
        BinaryCrossentropyDice()(np.zeros((3, 6, 5, 2), int), logits)


@pytest.mark.parametrize("option", ["weight", "smooth"])
@pytest.mark.parametrize("value", [-1, float("nan")])
def test_arguments_out_of_range_are_an_error(option, value):
    with pytest.raises(ValueError, match=f"{option} must be at least 0, got {value}"):
        BinaryCrossentropyDice(**{option: value})


def test_a_weight_for_each_image():
    truth, logits = pixels(ignored=0.3)
    each = BinaryCrossentropyDice(reduction="none")(truth, logits).numpy()
    found = BinaryCrossentropyDice()(truth, logits, sample_weight=[0.0, 2.0, 1.0])
    assert float(found) == nearly((2 * each[1] + each[2]) / 3)


def test_config_builds_the_same_loss():
    options = {"weight": 0.3, "smooth": 2.0, "ignore_class": 1, "reduction": "sum", "name": "mine"}
    loss = BinaryCrossentropyDice(**options)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is BinaryCrossentropyDice
    assert again.get_config() == loss.get_config()
    assert {key: getattr(again, key) for key in options} == options
    assert BinaryCrossentropyDice().name == "binary_crossentropy_dice"


def test_a_network_learns_and_is_saved(tmp_path):
    keras.utils.set_random_seed(3)
    rng = np.random.default_rng(2)
    truth = np.repeat(np.repeat(rng.integers(0, 2, (4, 3, 3)), 4, 1), 4, 2).astype("uint8")
    images = (truth + rng.normal(0, 0.1, truth.shape)).astype("float32")[..., np.newaxis]
    truth[:, :2] = 255
    model = keras.Sequential([keras.Input((None, None, 1)), keras.layers.Conv2D(1, 1)])
    model.compile(keras.optimizers.Adam(0.1), BinaryCrossentropyDice())
    before = model.evaluate(images, truth, verbose=0)
    model.fit(images, truth, batch_size=2, epochs=15, verbose=0)
    after = model.evaluate(images, truth, verbose=0)
    assert after < 0.7 * before
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.evaluate(images, truth, verbose=0) == nearly(after)
