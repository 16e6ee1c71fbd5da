"""Each loss against its formula in NumPy and against Keras's own, and at the edges."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import distance_transform_edt

from course_utils import losses
from course_utils.datasets import IGNORE

WEIGHTS = [0.5, 2.0, 1.0]


def crossentropy(weights):
    return lambda p, q, known: (-np.log(p) * q @ weights[: p.shape[-1]])[known].mean()


def focal(gamma, weights):
    def formula(p, q, known):
        value = -((1 - p) ** gamma) * np.log(p)
        return (value * q @ weights[: p.shape[-1]])[known].mean()

    return formula


def region(w, alpha, beta, smooth, per_image=False):
    def formula(p, q, known):
        p, q = (part[..., -1:] if part.shape[-1] == 2 else part for part in (p, q))
        p, q = p * known[..., None], q * known[..., None]
        axes = (1, 2) if per_image else (0, 1, 2)
        tp, fp, fn = ((a * b).sum(axes) for a, b in ((p, q), (p, 1 - q), (1 - p, q)))
        whole = w * tp + alpha * fp + beta * fn + smooth
        return 1 - np.mean(np.divide(w * tp + smooth, whole))

    return formula


def crossentropy_and_dice(weight, smooth):
    def formula(p, q, known):
        pixels = -(np.log(p) * q).sum(-1) * known
        mean = np.mean(pixels.sum((1, 2)) / known.sum((1, 2)))
        return weight * mean + region(2, 1, 1, smooth, per_image=True)(p, q, known)

    return formula


def hausdorff(alpha):
    def distance(inside, known):
        to_outside, to_inside = (
            distance_transform_edt(~target) if target.any() else np.zeros(target.shape)
            for target in (known & ~inside, known & inside)
        )
        return np.where(inside, to_outside, to_inside) ** alpha

    def formula(p, q, known):
        predicted, total = p.argmax(-1), 0
        classes = [1] if p.shape[-1] == 2 else range(p.shape[-1])
        for c in classes:
            for b, counts in enumerate(known):
                d = distance(q[b, ..., c] == 1, counts) + distance(predicted[b] == c, counts)
                total += ((p[b, ..., c] - q[b, ..., c]) ** 2 * d)[counts].sum()
        return total / len(classes) / known.sum()

    return formula


# The loss, its arguments, and its formula for probabilities and one-hot truth [B, H, W, C] of at
# least two classes, and whether a pixel is known. Two classes stand for a network with one channel.
EVERY = {
    "crossentropy": (
        losses.WeightedCrossentropy,
        {"class_weights": WEIGHTS},
        crossentropy(WEIGHTS),
    ),
    "focal": (losses.Focal, {}, focal(2, [1, 1, 1])),
    "weighted focal": (
        losses.Focal,
        {"gamma": 0.5, "class_weights": WEIGHTS},
        focal(0.5, WEIGHTS),
    ),
    "dice": (losses.Dice, {}, region(2, 1, 1, 1)),
    "dice per image": (
        losses.Dice,
        {"smooth": 0, "per_image": True},
        region(2, 1, 1, 0, per_image=True),
    ),
    "tversky": (losses.Tversky, {}, region(1, 0.3, 0.7, 1)),
    "other tversky": (
        losses.Tversky,
        {"alpha": 0.2, "beta": 0.9, "smooth": 2},
        region(1, 0.2, 0.9, 2),
    ),
    "hausdorff": (losses.HausdorffDistance, {}, hausdorff(2)),
    "hausdorff with root": (losses.HausdorffDistance, {"alpha": 0.5}, hausdorff(0.5)),
    "both": (losses.BinaryCrossentropyDice, {}, crossentropy_and_dice(0.5, 1e-5)),
    "both, weighted": (
        losses.BinaryCrossentropyDice,
        {"weight": 3, "smooth": 1},
        crossentropy_and_dice(3, 1),
    ),
}
CASES = [(which, channels) for which in EVERY for channels in (1, 3)]
CASES.remove(("both", 3))  # for one channel only
CASES.remove(("both, weighted", 3))


def build(which, channels, **options):
    kind, arguments, _ = EVERY[which]
    if "class_weights" in arguments:
        arguments = arguments | {"class_weights": WEIGHTS[: max(channels, 2)]}
    return kind(**arguments, **options)


def pixels(channels, ignored=0.0, shape=(3, 6, 5)):
    """Random class numbers, some of them unknown, and logits that agree with them often."""
    rng = np.random.default_rng(channels)
    k = max(channels, 2)
    truth = rng.integers(0, k, shape, np.uint8)
    right = truth[..., np.newaxis] - 0.5 if channels == 1 else np.eye(k)[truth]
    logits = rng.normal(size=(*shape, channels)) + right
    truth[rng.random(shape) < ignored] = IGNORE
    return truth, logits.astype("float32")


def sure(truth, channels, size=1e4):
    """Logits that leave no doubt."""
    if channels == 1:
        return np.where(truth == 1, size, -size)[..., np.newaxis].astype("float32")
    return np.where(np.arange(channels) == truth[..., np.newaxis], size, -size).astype("float32")


def probabilities(logits):
    """The probability of each class, in float64."""
    logits = np.asarray(logits, float)
    if logits.shape[-1] == 1:
        logits = np.concatenate([0 * logits, logits], -1)
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def by_formula(which, truth, logits):
    known = truth != IGNORE
    p = probabilities(logits)
    return EVERY[which][2](p, np.eye(p.shape[-1])[np.where(known, truth, 0)], known)


def value_and_gradient(loss, truth, logits):
    logits = tf.convert_to_tensor(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(truth, logits)
    return value.numpy(), tape.gradient(value, logits).numpy()


def nearly(value):
    """Equal to `value`, as far as float32 goes; near 0 a rounding of a sum of order 1 counts."""
    return pytest.approx(value, rel=1e-5, abs=1e-6)


def assert_nearly(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


# Values and gradients


@pytest.mark.parametrize("ignored", [0.0, 0.3])
@pytest.mark.parametrize(("which", "channels"), CASES)
def test_value_and_gradient_are_those_of_the_formula(which, channels, ignored):
    truth, logits = pixels(channels, ignored, shape=(2, 5, 4))
    logits = logits.astype("float64")
    value, gradient = value_and_gradient(build(which, channels, dtype="float64"), truth, logits)
    assert value.dtype == "float64"
    assert value == pytest.approx(by_formula(which, truth, logits), rel=1e-6)
    step, differences = 1e-6, np.zeros_like(logits)
    for place in np.ndindex(logits.shape):
        there, back = logits.copy(), logits.copy()
        there[place] += step
        back[place] -= step
        differences[place] = by_formula(which, truth, there) - by_formula(which, truth, back)
    np.testing.assert_allclose(gradient, differences / (2 * step), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("channels", [1, 3])
def test_equal_to_the_losses_of_keras(channels):
    truth, logits = pixels(channels)
    both = np.concatenate([0 * logits, logits], -1) if channels == 1 else logits
    p, q = probabilities(logits), np.eye(max(channels, 2))[truth]
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=IGNORE)
    entropy = float(entropy(truth, both))
    theirs = keras.losses.CategoricalFocalCrossentropy(WEIGHTS[: q.shape[-1]], 2, from_logits=True)
    weighted = losses.Focal(2, WEIGHTS[: q.shape[-1]])
    assert float(weighted(truth, logits)) == nearly(float(theirs(q, both)))
    assert float(losses.Focal(gamma=0)(truth, logits)) == nearly(entropy)
    doubled = losses.WeightedCrossentropy([2.0] * q.shape[-1])
    assert float(doubled(truth, logits)) == nearly(2 * entropy)
    if channels == 1:
        p, q = p[..., 1:], q[..., 1:]
    for per_image in (False, True):
        theirs = keras.losses.Dice(axis=(1, 2) if per_image else (0, 1, 2))
        ours = losses.Dice(smooth=0, per_image=per_image)
        assert float(ours(truth, logits)) == nearly(float(np.mean(theirs.call(q, p))))
    theirs = keras.losses.Tversky(alpha=0.7, beta=0.3, axis=(0, 1, 2))  # exchanged
    ours = losses.Tversky(alpha=0.3, beta=0.7, smooth=0)
    assert float(ours(truth, logits)) == nearly(float(np.mean(theirs.call(q, p))))


def test_hausdorff_distance_makes_a_far_error_dearer_than_a_near_one():
    truth = np.zeros((1, 9, 9), int)
    truth[:, 4, :3] = 1
    for column, expected in {3: 2 / 81, 8: (36 + 1) / 81}.items():
        prediction = truth.copy()
        prediction[0, 4, column] = 1
        found = losses.HausdorffDistance()(truth, sure(prediction, 1))
        assert float(found) == nearly(expected)


# Unknown pixels, absent classes, extremes


@pytest.mark.parametrize(("which", "channels"), CASES)
def test_what_is_predicted_on_unknown_pixels_plays_no_role(which, channels):
    loss = build(which, channels)
    truth, logits = pixels(channels, ignored=0.3)
    before = value_and_gradient(loss, truth, logits)
    logits[truth == IGNORE] = np.nan
    after = value_and_gradient(loss, truth, logits)
    assert_nearly(after[0], before[0])
    assert_nearly(after[1], before[1])
    assert_nearly(after[1][truth == IGNORE], 0)
    other = build(which, channels, ignore_class=7)(np.where(truth == IGNORE, 7, truth), logits)
    assert float(other) == nearly(before[0])
    assert np.isnan(build(which, channels, ignore_class=None)(truth, logits))

    nothing = value_and_gradient(loss, np.full_like(truth, IGNORE), logits)
    assert_nearly(nothing[0], 0)
    assert_nearly(nothing[1], 0)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize(("which", "channels"), CASES)
def test_logits_beyond_doubt(which, channels, dtype):
    loss, (truth, _) = build(which, channels), pixels(channels, ignored=0.1)
    value, gradient = value_and_gradient(loss, truth, tf.cast(sure(truth, channels), dtype))
    assert value.dtype == "float32"
    assert_nearly(value, 0)
    assert_nearly(gradient, 0)
    opposite = (truth + 1) % max(channels, 2)
    value, gradient = value_and_gradient(loss, truth, tf.cast(sure(opposite, channels), dtype))
    assert np.isfinite(value)
    assert value > 0.3
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(("which", "channels"), CASES)
def test_one_pixel_and_an_absent_class(which, channels):
    loss = build(which, channels)
    for truth in (np.ones((1, 1, 1), int), np.zeros((1, 8, 8), int)):
        logits = np.zeros((*truth.shape, channels), "float32")
        value, gradient = value_and_gradient(loss, truth, logits)
        assert np.isfinite(gradient).all()
        # Where one class fills the picture, of the truth and of the prediction, is no border.
        assert value > 0.05 or isinstance(loss, losses.HausdorffDistance)


def test_smooth_lets_an_absent_class_be_predicted_at_no_cost():
    truth = np.repeat([0, 1], 32).reshape(1, 8, 8)
    almost = sure(truth, 3, size=4.0)
    smoothed, bare = (float(losses.Dice(smooth=s)(truth, almost)) for s in (1, 0))
    assert smoothed < 0.02
    assert bare > 1 / 3


# Arguments


@pytest.mark.parametrize(("which", "channels"), CASES)
def test_masks_of_every_layout_and_kind(which, channels):
    loss = build(which, channels)
    truth, logits = pixels(channels, ignored=0.2)
    expected = nearly(float(loss(truth, logits)))
    for dtype in ("int64", "float32"):
        assert float(loss(truth.astype(dtype), logits)) == expected
    assert float(loss(truth[..., None], logits)) == expected
    assert float(loss(tf.constant(truth), tf.constant(logits))) == expected
    narrow = truth[..., :1], logits[..., :1, :]  # one column, which is not a channel axis
    assert float(loss(narrow[0][..., None], narrow[1])) == nearly(float(loss(*narrow)))
    for wrong in (max(channels, 2), -1):  # a class without a channel
        spoilt = truth.astype(int)
        spoilt[0, 0, 0] = wrong
        assert np.isnan(loss(spoilt, logits))
    words = f"{type(loss).__name__} got truth of shape .*one-hot"
    for shape in ((3, 6, 5, 2), (3, 6), (3, 6, 4)):
        with pytest.raises(ValueError, match=words):
            loss(np.zeros(shape, int), logits)


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda: losses.WeightedCrossentropy([1, -1]), "class_weights must be finite"),
        (lambda: losses.WeightedCrossentropy([]), "class_weights must be finite"),
        (lambda: losses.Focal(class_weights=[float("inf"), 1]), "class_weights must be finite"),
        (lambda: losses.Focal(gamma=-1), "gamma must be at least 0, got -1"),
        (lambda: losses.Dice(smooth=-1), "smooth must be at least 0, got -1"),
        (lambda: losses.Tversky(alpha=-1), "alpha must be at least 0, got -1"),
        (lambda: losses.Tversky(beta=float("nan")), "beta must be at least 0, got nan"),
        (lambda: losses.BinaryCrossentropyDice(weight=-1), "weight must be at least 0, got -1"),
        (lambda: losses.HausdorffDistance(alpha=0), "alpha must be above 0, got 0"),
        (lambda: losses.WeightedCrossentropy([1] * 4)(*pixels(1)), "has 4 numbers for 2 classes"),
        (lambda: losses.Focal(2, [1] * 4)(*pixels(3)), "has 4 numbers for 3 classes"),
        (lambda: losses.BinaryCrossentropyDice()(*pixels(3)), "is for one channel, got 3"),
        (
            lambda: losses.HausdorffDistance()(*pixels(3, shape=(3, 6))),
            r"need logits \[B, H, W, C\]",
        ),
        (
            lambda: losses.Dice()(*pixels(3), sample_weight=[0.0, 2.0, 1.0]),
            "Dice takes a sample_weight with per_image=True only",
        ),
        (
            lambda: losses.Dice(per_image=True)(*pixels(3), sample_weight=np.ones((3, 6, 5))),
            r"Dice got sample_weight of shape \(3, 6, 5\)",
        ),
    ],
)
def test_arguments_that_are_refused(use, words):
    with pytest.raises(ValueError, match=words):
        use()


@pytest.mark.parametrize(("which", "channels"), CASES)
def test_reductions_and_sample_weights(which, channels):
    truth, logits = pixels(channels, ignored=0.3)
    values = build(which, channels, reduction="none")(truth, logits).numpy()
    loss, total = build(which, channels), build(which, channels, reduction="sum")
    assert float(total(truth, logits)) == nearly(values.sum())
    if values.ndim == 3:  # a value for each pixel
        known, weights = truth != IGNORE, np.arange(truth.size).reshape(truth.shape)
        assert_nearly(values[~known], 0)
        assert float(loss(truth, logits)) == nearly(values[known].mean())
        for shape in (truth.shape, (*truth.shape, 1)):
            found = loss(truth, logits, sample_weight=weights.reshape(shape))
            assert float(found) == nearly((values * weights)[known].sum() / known.sum())
        square = truth[:, :, :3], logits[:, :, :3]  # as wide as there are images
        values = build(which, channels, reduction="none")(*square).numpy()
        found = total(*square, sample_weight=[0.0, 2.0, 1.0])
        assert float(found) == nearly((2 * values[1] + values[2]).sum())
        with pytest.raises(ValueError, match=r"sample_weight of shape \(5,\).* image, \(3,\)"):
            loss(truth, logits, sample_weight=np.ones(5))
    else:  # or for each image, or one
        assert float(loss(truth, logits)) == nearly(values.mean())
    if values.ndim == 1:
        found = loss(truth, logits, sample_weight=[0.0, 2.0, 1.0])
        assert float(found) == nearly((2 * values[1] + values[2]) / 3)


# In training


@pytest.mark.parametrize(("which", "channels"), [("tversky", 3), ("hausdorff", 3), ("both", 1)])
def test_a_network_learns_and_is_saved(which, channels, tmp_path):
    keras.utils.set_random_seed(3)
    truth = np.arange(2 * 12 * 12).reshape(2, 12, 12) // 48 % max(channels, 2)
    images = np.stack([truth == 1, truth == 2], -1).astype("float32")
    truth[:, :2] = IGNORE
    model = keras.Sequential([keras.Input((None, None, 2)), keras.layers.Conv2D(channels, 1)])
    loss = build(which, channels, ignore_class=IGNORE, name="mine")
    model.compile(keras.optimizers.Adam(0.2), loss)
    history = model.fit(images, truth[..., None], epochs=8, verbose=0).history["loss"]
    assert history[-1] < 0.7 * history[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.loss) is type(loss)
    assert loaded.loss.get_config() == loss.get_config()
    found = loaded.loss(truth[..., None], loaded(images))
    assert float(found) == nearly(float(loss(truth[..., None], model(images))))


@pytest.mark.parametrize(("which", "channels"), CASES)
def test_config_builds_the_same_loss(which, channels):
    options = {"ignore_class": 7, "reduction": "sum", "name": "mine"}
    loss = build(which, channels, **options)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert {key: getattr(again, key) for key in options} == options
    assert float(again(*pixels(channels))) == nearly(float(loss(*pixels(channels))))


def test_the_distance_can_be_compiled_by_xla():
    truth, logits = pixels(3, ignored=0.2)
    loss = losses.HausdorffDistance()
    compiled = tf.function(loss, jit_compile=True)
    found = compiled(tf.constant(truth), tf.constant(logits))
    assert float(found) == nearly(float(loss(truth, logits)))
