"""Each loss by hand, against Keras's and segmentation_models' own, and at the edges."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from scipy.ndimage import distance_transform_edt

from course_utils import losses


def every_loss(channels, **options):
    """One of each, for a network of so many channels."""
    weights = [0.5, 2.0, 1.0, 3.0][: max(channels, 2)]
    return [
        losses.WeightedCrossentropy(weights, **options),
        losses.Focal(**options),
        losses.Focal(gamma=0.5, class_weights=weights, **options),
        losses.Dice(**options),
        losses.Dice(smooth=0, per_image=True, **options),
        losses.Tversky(**options),
        losses.HausdorffDistance(**options),
        losses.HausdorffDistance(alpha=0.5, **options),
    ]


EVERY = range(len(every_loss(1)))
CHANNELS = [1, 2, 3, 4]


def pixels(channels, ignored=0.0, shape=(3, 6, 5), seed=0):
    """Random class numbers, some of them unknown, and logits that agree with them often."""
    rng = np.random.default_rng([channels, seed])
    k = max(channels, 2)
    truth = rng.integers(0, k, shape, np.uint8)
    right = truth[..., np.newaxis] - 0.5 if channels == 1 else np.eye(k)[truth]
    logits = rng.normal(size=(*shape, channels)) + right
    truth[rng.random(shape) < ignored] = 255
    return truth, logits.astype("float32")


def probabilities(logits):
    """The probability of each class, in float64."""
    logits = np.asarray(logits, float)
    if logits.shape[-1] == 1:
        logits = np.concatenate([0 * logits, logits], -1)
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def value_and_gradient(loss, truth, logits):
    logits = tf.convert_to_tensor(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(truth, logits)
    return value.numpy(), tape.gradient(value, logits).numpy()


def perfect(truth, channels, size=1e4):
    """Logits that leave no doubt."""
    if channels == 1:
        return np.where(truth == 1, size, -size)[..., np.newaxis].astype("float32")
    return np.where(np.arange(channels) == truth[..., np.newaxis], size, -size).astype("float32")


def nearly(value, rel=1e-5, abs=1e-6):
    """Equal to `value`, as far as float32 goes; near 0 one rounding of a sum of order 1 counts."""
    return pytest.approx(value, rel=rel, abs=abs)


def assert_nearly(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


# By hand


TOY_TRUTH = np.array([[[0, 1, 1]]])
TOY_LOGITS = np.log([[[[0.25 / 0.75], [0.5 / 0.5], [0.75 / 0.25]]]])  # p = 1/4, 1/2, 3/4


def test_weighted_crossentropy_by_hand():
    loss = losses.WeightedCrossentropy([1, 10])
    expected = (-np.log(0.75) - 10 * np.log(0.5) - 10 * np.log(0.75)) / 3
    assert float(loss(TOY_TRUTH, TOY_LOGITS)) == nearly(expected)


def test_focal_by_hand():
    found = losses.Focal(reduction="none")(TOY_TRUTH, TOY_LOGITS)
    expected = [-np.log(0.75) / 16, -np.log(0.5) / 4, -np.log(0.75) / 16]
    np.testing.assert_allclose(found, [[expected]], rtol=1e-5)
    found = losses.Focal(gamma=1, class_weights=[1, 10])(TOY_TRUTH, TOY_LOGITS)
    expected = (-np.log(0.75) / 4 - 10 * np.log(0.5) / 2 - 10 * np.log(0.75) / 4) / 3
    assert float(found) == nearly(expected)


def test_dice_and_tversky_by_hand():
    # Σ p q = 5/4, Σ p = 3/2, Σ q = 2, so FP = 1/4 and FN = 3/4.
    assert float(losses.Dice()(TOY_TRUTH, TOY_LOGITS)) == nearly(1 - 3.5 / 4.5)
    assert float(losses.Dice(smooth=0)(TOY_TRUTH, TOY_LOGITS)) == nearly(1 - 2.5 / 3.5)
    found = losses.Tversky()(TOY_TRUTH, TOY_LOGITS)
    assert float(found) == nearly(1 - 2.25 / (1.25 + 0.3 * 0.25 + 0.7 * 0.75 + 1))
    found = losses.Tversky(alpha=1, beta=0, smooth=0)(TOY_TRUTH, TOY_LOGITS)
    assert float(found) == nearly(1 - 1.25 / 1.5)


def test_hausdorff_distance_by_hand():
    # True region: the last pixel of five, distances 4 3 2 1 1. Predicted: the last two, 3 2 1 1 2.
    truth = np.array([[[0, 0, 0, 0, 1]]])
    p = np.array([0.1, 0.2, 0.3, 0.6, 0.9])
    logits = np.log(p / (1 - p)).reshape(1, 1, 5, 1)
    squared = np.array([0.01, 0.04, 0.09, 0.36, 0.01])
    found = losses.HausdorffDistance(reduction="none")(truth, logits)
    np.testing.assert_allclose(found, [[squared * [16 + 9, 9 + 4, 4 + 1, 1 + 1, 1 + 4]]], rtol=1e-5)
    found = losses.HausdorffDistance(alpha=1)(truth, logits)
    assert float(found) == nearly((squared * [7, 5, 3, 2, 3]).mean())


def test_hausdorff_distance_makes_a_far_error_dearer_than_a_near_one():
    truth = np.zeros((2, 9, 9), int)
    truth[:, 4, :3] = 1
    prediction = truth.copy()
    prediction[0, 4, 3] = prediction[1, 4, 8] = 1
    logits = perfect(prediction, 1)
    near, far = (
        float(losses.HausdorffDistance()(t, z))
        for t, z in zip(truth[:, None], logits[:, None], strict=True)
    )
    assert near == nearly(2 / 81)  # one pixel beyond the true border, one within the predicted
    assert far == nearly((36 + 1) / 81)
    for loss in (losses.Dice(), losses.WeightedCrossentropy([1, 1])):
        a, b = (float(loss(t, z)) for t, z in zip(truth[:, None], logits[:, None], strict=True))
        assert a == nearly(b)


# Against others


@pytest.mark.parametrize("ignored", [0.0, 0.3])
@pytest.mark.parametrize("channels", CHANNELS)
def test_with_weights_of_one_it_is_the_crossentropy_of_keras(channels, ignored):
    truth, logits = pixels(channels, ignored)
    both = np.concatenate([0 * logits, logits], -1) if channels == 1 else logits
    theirs = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255)
    expected = float(theirs(truth, both))
    weights = [1.0] * max(channels, 2)
    assert float(losses.WeightedCrossentropy(weights)(truth, logits)) == nearly(expected)
    assert float(losses.Focal(gamma=0)(truth, logits)) == nearly(expected)
    doubled = losses.WeightedCrossentropy([2.0] * max(channels, 2))(truth, logits)
    assert float(doubled) == nearly(2 * expected)


@pytest.mark.parametrize("gamma", [0, 0.5, 2.0, 3.0])
@pytest.mark.parametrize("channels", [2, 3, 4])
def test_focal_equals_keras(channels, gamma):
    truth, logits = pixels(channels)
    one_hot, weights = np.eye(channels)[truth], [0.2, 0.7, 1.0, 0.1][:channels]
    for alpha, ours in ((1.0, None), (weights, weights)):
        theirs = keras.losses.CategoricalFocalCrossentropy(alpha, gamma, from_logits=True)
        found = losses.Focal(gamma, ours)(truth, logits)
        assert float(found) == nearly(float(theirs(one_hot, logits)))


def test_focal_of_one_channel_equals_keras():
    truth, logits = pixels(1)
    theirs = keras.losses.BinaryFocalCrossentropy(
        apply_class_balancing=True, alpha=0.2, from_logits=True
    )
    found = losses.Focal(class_weights=[0.8, 0.2])(truth, logits)
    assert float(found) == nearly(float(theirs(truth[..., None], logits)))


@pytest.mark.parametrize("channels", CHANNELS)
def test_dice_equals_keras(channels):
    truth, logits = pixels(channels)
    p, q = probabilities(logits), np.eye(max(channels, 2))[truth]
    if channels == 1:
        p, q = p[..., 1:], q[..., 1:]
    batch, image = (keras.losses.Dice(axis=axis) for axis in ((0, 1, 2), (1, 2)))
    found = losses.Dice(smooth=0)(truth, logits)
    assert float(found) == nearly(float(np.mean(batch.call(q, p))))
    found = losses.Dice(smooth=0, per_image=True)(truth, logits)
    assert float(found) == nearly(float(np.mean(image.call(q, p))))
    assert float(found) != nearly(float(np.mean(batch.call(q, p))), rel=1e-4)


@pytest.mark.parametrize("channels", CHANNELS)
def test_tversky_equals_keras_with_alpha_and_beta_exchanged(channels):
    truth, logits = pixels(channels)
    p, q = probabilities(logits), np.eye(max(channels, 2))[truth]
    if channels == 1:
        p, q = p[..., 1:], q[..., 1:]
    theirs = keras.losses.Tversky(alpha=0.7, beta=0.3, axis=(0, 1, 2))
    found = losses.Tversky(alpha=0.3, beta=0.7, smooth=0)(truth, logits)
    assert float(found) == nearly(float(np.mean(theirs.call(q, p))))
    # Which of the two is which: with alpha alone ours is one minus the precision.
    only = losses.Tversky(alpha=1, beta=0, smooth=0)(truth, logits)
    assert float(only) == nearly(np.mean(1 - (p * q).sum((0, 1, 2)) / p.sum((0, 1, 2))))


@pytest.mark.parametrize("smooth", [0, 1, 1e-3])
def test_dice_is_tversky_with_equal_costs(smooth):
    truth, logits = pixels(3, ignored=0.2)
    dice = float(losses.Dice(smooth)(truth, logits))
    assert float(losses.Tversky(0.5, 0.5, smooth / 2)(truth, logits)) == nearly(dice)


@pytest.fixture(scope="module")
def published():
    """The losses of segmentation_models, which take one-hot masks and probabilities."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SM_FRAMEWORK", "tf.keras")
        import segmentation_models

        yield segmentation_models.losses


@pytest.mark.parametrize("channels", CHANNELS)
def test_equals_segmentation_models(published, channels):
    truth, logits = pixels(channels)
    p, q = probabilities(logits).astype("float32"), np.eye(max(channels, 2), dtype="float32")[truth]
    weights = [0.5, 2.0, 1.0, 3.0][: max(channels, 2)]
    # Theirs is the mean over the channels of the one-hot mask too, of which all but one are 0.
    theirs = published.CategoricalCELoss(class_weights=np.array(weights, "float32"))(q, p)
    ours = losses.WeightedCrossentropy(weights)(truth, logits)
    assert float(ours) == nearly(len(weights) * float(theirs))
    theirs = published.CategoricalFocalLoss(alpha=0.25, gamma=2.0)(q, p)
    ours = losses.Focal(class_weights=[0.25] * len(weights))(truth, logits)
    assert float(ours) == nearly(len(weights) * float(theirs))

    if channels == 1:
        p, q = p[..., 1:], q[..., 1:]
        # Its text says alpha for both classes, its code gives the background 1 - alpha.
        theirs = published.BinaryFocalLoss(alpha=0.25, gamma=2.0)(q, p)
        ours = losses.Focal(class_weights=[0.75, 0.25])(truth, logits)
        assert float(ours) == nearly(float(theirs))
    for per_image in (False, True):
        theirs = published.DiceLoss(smooth=1e-5, per_image=per_image)(q, p)
        ours = losses.Dice(smooth=1e-5, per_image=per_image)(truth, logits)
        assert float(ours) == nearly(float(theirs))
        theirs = published.JaccardLoss(smooth=1.0, per_image=per_image)(q, p)
        ours = losses.Tversky(1, 1, smooth=1.0, per_image=per_image)(truth, logits)
        assert float(ours) == nearly(float(theirs))


def masks(shape=(6, 17, 23)):
    """Masks from nearly empty to nearly full, of pixels and of larger pieces."""
    rng = np.random.default_rng(4)
    mask = rng.random(shape) < np.linspace(0.1, 0.99, shape[0])[:, None, None]
    mask[1, 3:14, 2:20] = True
    mask[2] = True
    mask[2, 0, 5] = False
    return mask


def test_euclidean_distance_equals_scipy():
    mask = masks()
    expected = np.stack([distance_transform_edt(image) for image in mask])
    assert expected.max() > 15
    found = losses.euclidean_distance(mask)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(losses.euclidean_distance(mask * 7), expected, rtol=1e-6)
    turned = losses.euclidean_distance(mask.transpose(0, 2, 1).astype("float32"))
    np.testing.assert_allclose(turned, expected.transpose(0, 2, 1), rtol=1e-6)
    unsized = tf.function(
        losses.euclidean_distance, input_signature=[tf.TensorSpec([None, None, None], "bool")]
    )
    np.testing.assert_allclose(unsized(tf.constant(mask)), expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 9), (1, 8, 1), (3, 4, 4)])
def test_euclidean_distance_without_an_outside_is_zero(shape):
    assert not np.any(losses.euclidean_distance(np.ones(shape)))
    assert not np.any(losses.euclidean_distance(np.zeros(shape)))
    corner = np.ones(shape)
    corner[:, 0, 0] = 0
    expected = [distance_transform_edt(image) for image in corner]
    np.testing.assert_allclose(losses.euclidean_distance(corner), expected, rtol=1e-6)


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("alpha", [1.0, 2.0])
def test_hausdorff_distance_is_the_formula_of_the_paper(channels, alpha):
    truth, logits = pixels(channels, shape=(2, 9, 8))
    p, k = probabilities(logits), max(channels, 2)
    predicted = p.argmax(-1)
    total = 0
    for c in range(1 if channels == 1 else 0, k):
        for b in range(2):
            q, hard = truth[b] == c, predicted[b] == c
            d_q, d_p = (distance_transform_edt(m) + distance_transform_edt(~m) for m in (q, hard))
            total += np.mean((p[b, ..., c] - q) ** 2 * (d_q**alpha + d_p**alpha)) / 2
    expected = total / channels
    assert float(losses.HausdorffDistance(alpha)(truth, logits)) == nearly(expected)


# Gradients


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("which", EVERY)
def test_gradient_equals_differences(which, channels):
    loss = every_loss(channels, dtype="float64")[which]
    truth, logits = pixels(channels, ignored=0.2, shape=(2, 4, 3))
    logits = logits.astype("float64")
    value, gradient = value_and_gradient(loss, truth, logits)
    assert value.dtype == "float64"
    step, quick = 1e-6, tf.function(loss)
    truth = tf.constant(truth)
    differences = np.zeros_like(logits)
    for place in np.ndindex(logits.shape):
        there, back = logits.copy(), logits.copy()
        there[place] += step
        back[place] -= step
        differences[place] = float(
            quick(truth, tf.constant(there)) - quick(truth, tf.constant(back))
        )
    np.testing.assert_allclose(gradient, differences / (2 * step), rtol=1e-5, atol=1e-8)
    assert (np.abs(gradient).max(-1) > 0).sum() > 10
    assert_nearly(gradient[truth.numpy() == 255], 0)


# Unknown pixels, absent classes, extremes


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("which", EVERY)
def test_what_is_predicted_on_unknown_pixels_plays_no_role(which, channels):
    loss = every_loss(channels)[which]
    truth, logits = pixels(channels, ignored=0.3)
    before = value_and_gradient(loss, truth, logits)
    logits[truth == 255] = np.random.default_rng(5).choice([np.nan, np.inf, -1e30, 3.0])
    after = value_and_gradient(loss, truth, logits)
    assert_nearly(after[0], before[0])
    assert_nearly(after[1], before[1])
    assert before[0] > 0


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("which", EVERY)
def test_unknown_pixels_are_as_if_cut_off(which, channels):
    loss = every_loss(channels)[which]
    truth, logits = pixels(channels)
    wide = np.concatenate([truth, np.full_like(truth, 255)], 2)
    wide_logits = np.concatenate([logits, logits[:, ::-1]], 2)
    expected = value_and_gradient(loss, truth, logits)
    found = value_and_gradient(loss, wide, wide_logits)
    assert found[0] == nearly(expected[0])
    np.testing.assert_allclose(found[1][:, :, :5], expected[1], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("ignore", [0, 2, -1])
@pytest.mark.parametrize("which", EVERY)
def test_any_class_can_be_the_unknown_one(which, ignore):
    truth, logits = pixels(3, ignored=0.3)
    renamed = truth.astype(int)
    if ignore >= 0:
        renamed[truth == ignore] = 255
        truth[truth == 255] = ignore
    else:
        truth = np.where(truth == 255, -1, renamed)
    expected = every_loss(3)[which](renamed, logits)
    assert float(every_loss(3, ignore_class=ignore)[which](truth, logits)) == nearly(
        float(expected)
    )
    known = np.where(truth == ignore, 1, truth)
    counted = every_loss(3, ignore_class=None)[which](known, logits)
    assert float(counted) == nearly(float(every_loss(3)[which](known, logits)))


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("which", EVERY)
def test_where_all_is_unknown_loss_and_gradient_are_zero(which, channels):
    truth = np.full((2, 4, 4), 255)
    value, gradient = value_and_gradient(
        every_loss(channels)[which], truth, pixels(channels, shape=(2, 4, 4))[1]
    )
    assert_nearly(value, 0)
    assert_nearly(gradient, 0)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("which", EVERY)
def test_a_perfect_prediction_costs_nothing(which, channels, dtype):
    truth, _ = pixels(channels, ignored=0.1)
    logits = tf.cast(perfect(truth, channels), dtype)
    value, gradient = value_and_gradient(every_loss(channels)[which], truth, logits)
    assert_nearly(value, 0)
    assert value.dtype == "float32"
    assert_nearly(gradient, 0)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("which", EVERY)
def test_finite_where_all_is_wrong(which, channels, dtype):
    k = max(channels, 2)
    truth, _ = pixels(channels, ignored=0.1)
    opposite = np.where(truth == 255, 255, (truth + 1) % k)
    logits = perfect(opposite, channels).astype(dtype)
    value, gradient = value_and_gradient(every_loss(channels)[which], truth, logits)
    assert np.isfinite(value)
    assert value > 0.3
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("which", EVERY)
def test_half_precision_logits_are_computed_in_full(which):
    truth, logits = pixels(3, shape=(2, 64, 64))
    half = tf.cast(logits, "float16")
    expected = every_loss(3)[which](truth, tf.cast(half, "float32"))
    found = every_loss(3)[which](truth, half)
    assert found.dtype == "float32"
    assert float(found) == nearly(float(expected))


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("which", EVERY)
def test_one_pixel(which, channels):
    loss = every_loss(channels)[which]
    _, logits = pixels(channels, shape=(1, 1, 1))
    value, gradient = value_and_gradient(loss, [[[1]]], logits)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    # With a single pixel there is no border.
    assert (value < 1e-6) == isinstance(loss, losses.HausdorffDistance)


def test_an_absent_class():
    truth = np.zeros((1, 8, 8), int)
    truth[:, :4] = 1
    undecided = np.zeros((1, 8, 8, 3), "float32")
    for loss in every_loss(3):
        value, gradient = value_and_gradient(loss, truth, undecided)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()
    almost = perfect(truth, 3, size=4.0)
    smoothed, bare = (float(losses.Dice(smooth=s)(truth, almost)) for s in (1, 0))
    assert smoothed < 0.02
    assert bare > 1 / 3


def test_dice_sums_over_the_batch_unless_told_otherwise():
    truth = np.array([[[1, 1, 1, 1]], [[1, 0, 0, 0]]])
    logits = perfect(np.array([[[1, 1, 1, 1]], [[0, 0, 0, 0]]]), 1)
    assert float(losses.Dice(smooth=0)(truth, logits)) == nearly(1 - 8 / 9)
    assert float(losses.Dice(smooth=0, per_image=True)(truth, logits)) == nearly((0 + 1) / 2)


# Arguments


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("which", EVERY)
def test_masks_of_every_layout_and_kind(which, channels):
    loss = every_loss(channels)[which]
    truth, logits = pixels(channels, ignored=0.2)
    expected = nearly(float(loss(truth, logits)))
    for dtype in ("int32", "int64", "float32"):
        assert float(loss(truth.astype(dtype), logits)) == expected
    assert float(loss(truth[..., None], logits)) == expected
    assert float(loss(tf.constant(truth), tf.constant(logits))) == expected
    narrow = truth[..., :1], logits[..., :1, :]  # one column, which is not a channel axis
    assert float(loss(narrow[0][..., None], narrow[1])) == nearly(float(loss(*narrow)))


@pytest.mark.parametrize("which", EVERY)
def test_a_class_without_a_channel_makes_the_loss_nan(which):
    for channels, wrong in ((3, 3), (1, 2), (3, -1)):
        truth, logits = pixels(channels)
        truth = truth.astype(int)
        truth[0, 0, 0] = wrong
        assert np.isnan(every_loss(channels)[which](truth, logits))


@pytest.mark.parametrize(
    ("truth", "logits"),
    [((2, 4, 4, 3), (2, 4, 4, 3)), ((2, 4), (2, 4, 4, 3)), ((2, 4, 5), (2, 4, 4, 3))],
)
@pytest.mark.parametrize("which", EVERY)
def test_shapes_that_do_not_fit_are_an_error(which, truth, logits):
    loss = every_loss(3)[which]
    with pytest.raises(ValueError, match=f"{type(loss).__name__} got truth of shape .*one-hot"):
        loss(np.zeros(truth, int), np.zeros(logits, "float32"))


def test_distances_need_images():
    with pytest.raises(ValueError, match=r"need logits \[B, H, W, C\]"):
        losses.HausdorffDistance()(np.zeros((2, 4), int), np.zeros((2, 4, 3), "float32"))
    assert float(losses.Dice()(np.zeros((2, 4), int), np.zeros((2, 4, 3), "float32"))) > 0


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: losses.WeightedCrossentropy([1, -1]), "class_weights must be finite"),
        (lambda: losses.WeightedCrossentropy([1, float("nan")]), "class_weights must be finite"),
        (lambda: losses.WeightedCrossentropy([]), "class_weights must be finite"),
        (lambda: losses.Focal(class_weights=[float("inf"), 1]), "class_weights must be finite"),
        (lambda: losses.Focal(gamma=-1), "gamma must be at least 0, got -1"),
        (lambda: losses.Dice(smooth=-1), "smooth must be at least 0, got -1"),
        (lambda: losses.Tversky(alpha=-1), "alpha must be at least 0, got -1"),
        (lambda: losses.Tversky(beta=float("nan")), "beta must be at least 0, got nan"),
        (lambda: losses.HausdorffDistance(alpha=0), "alpha must be above 0, got 0"),
    ],
)
def test_arguments_out_of_range_are_an_error(build, words):
    with pytest.raises(ValueError, match=words):
        build()


@pytest.mark.parametrize("channels", [1, 3])
def test_there_is_one_weight_a_class(channels):
    truth, logits = pixels(channels)
    for loss in (losses.WeightedCrossentropy([1.0] * 4), losses.Focal(class_weights=[1.0] * 4)):
        with pytest.raises(ValueError, match=f"has 4 numbers for {max(channels, 2)} classes"):
            loss(truth, logits)


@pytest.mark.parametrize("which", EVERY)
def test_reductions(which):
    truth, logits = pixels(3, ignored=0.3)
    values = every_loss(3, reduction="none")[which](truth, logits).numpy()
    total = float(every_loss(3, reduction="sum")[which](truth, logits))
    mean = float(every_loss(3)[which](truth, logits))
    if values.ndim == 3:
        assert values.shape == truth.shape
        assert_nearly(values[truth == 255], 0)
        assert total == nearly(values.sum())
        assert mean == nearly(values[truth != 255].mean())
    else:
        assert values.shape == ((3,) if every_loss(3)[which].per_image else ())
        assert total == nearly(values.sum())
        assert mean == nearly(values.mean())


def test_sample_weights():
    truth, logits = pixels(3, ignored=0.3)
    weights = np.random.default_rng(1).random(truth.shape).astype("float32")
    values = losses.Focal(reduction="none")(truth, logits).numpy()
    found = losses.Focal()(truth, logits, sample_weight=weights)
    assert float(found) == nearly((values * weights)[truth != 255].sum() / (truth != 255).sum())
    images = losses.Dice(per_image=True, reduction="none")(truth, logits).numpy()
    found = losses.Dice(per_image=True)(truth, logits, sample_weight=[0.0, 2.0, 1.0])
    assert float(found) == nearly((2 * images[1] + images[2]) / 3)
    for loss in (losses.Dice(), losses.Tversky()):
        with pytest.raises(ValueError, match=f"{type(loss).__name__} takes a sample_weight with"):
            loss(truth, logits, sample_weight=[0.0, 2.0, 1.0])


# In training


def small_model(loss, channels=3, **options):
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((None, None, 2)),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(channels, 1, dtype="float32"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.02), loss, **options)
    return model


@pytest.mark.parametrize("which", EVERY)
def test_a_network_learns_and_is_saved(which, tmp_path):
    rng = np.random.default_rng(2)
    truth = np.repeat(np.repeat(rng.integers(0, 3, (4, 3, 3)), 4, 1), 4, 2).astype("uint8")
    images = np.stack([truth == 1, truth == 2], -1) + rng.normal(0, 0.1, (4, 12, 12, 2))
    truth[:, :2] = 255
    model = small_model(every_loss(3)[which])
    data = images.astype("float32"), truth[..., None]
    before = model.evaluate(*data, verbose=0)
    model.fit(*data, batch_size=2, epochs=15, verbose=0)
    after = model.evaluate(*data, verbose=0)
    assert after < 0.7 * before
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.evaluate(*data, verbose=0) == nearly(after)


def test_the_distance_can_be_compiled_by_xla():
    truth, logits = pixels(3, ignored=0.2)
    loss = losses.HausdorffDistance()
    compiled = tf.function(loss, jit_compile=True)
    assert float(compiled(tf.constant(truth), tf.constant(logits))) == nearly(
        float(loss(truth, logits))
    )


@pytest.mark.parametrize("which", EVERY)
def test_config_builds_the_same_loss(which):
    options = {"ignore_class": 2, "reduction": "sum", "name": "mine"}
    loss = every_loss(3, **options)[which]
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert {key: getattr(again, key) for key in options} == options
    truth, logits = pixels(3)
    assert float(again(truth, logits)) == nearly(float(loss(truth, logits)))


def test_the_package_offers_its_losses():
    assert losses.__all__ == sorted(losses.__all__)
    names = [type(loss).__name__ for loss in every_loss(2)]
    others = {"BinaryCrossentropyDice", "euclidean_distance"}  # the first: test_losses_nuclei.py
    assert {*names} | others == {*losses.__all__}
    assert [loss.name for loss in every_loss(2)][::3] == [
        "weighted_crossentropy",
        "dice",
        "hausdorff_distance",
    ]
    assert not ops.any(losses.euclidean_distance([[[0]]]))
