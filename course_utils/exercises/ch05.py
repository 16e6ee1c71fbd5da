"""Chapter 05: what a pretrained encoder asks of its images, and what of it is trained."""

import numpy as np

from .judge import Check, not_whole


def _each(side_of):
    """Make a function of height, width and multiple that treats each side alone."""
    return lambda height, width, multiple: (side_of(height, multiple), side_of(width, multiple))


def _round_up(side, multiple):
    return -(-side // multiple) * multiple


def _padded_size(height, width, multiple=32):
    return _round_up(height, multiple), _round_up(width, multiple)


SIZES = [(240, 320, 32), (224, 288, 32), (1, 33, 32), (250, 200, 32), (96, 128, 48), (100, 97, 48)]

check_padded_size = Check(
    "Height and width rounded up to multiples of a number.",
    solution=_padded_size,
    cases={f"of {h} × {w}, multiples of {m}": (h, w, m) for h, w, m in SIZES},
    parts=("height", "width"),
    mistakes={
        "that rounds down, and cuts pixels off; round up.": [_each(lambda n, m: n // m * m)],
        "a size that is a multiple already stays as it is.": [_each(lambda n, m: (n // m + 1) * m)],
        "those are multiples of half the number.": [_each(lambda n, m: _round_up(n, m // 2))],
        "those are multiples of twice the number.": [_each(lambda n, m: _round_up(n, 2 * m))],
        "to round up, add multiple − 1, not always 31.": [_each(lambda n, m: (n + 31) // m * m)],
        "those are multiples of 32 whatever `multiple` says.": [
            _each(lambda n, m: _round_up(n, 32))
        ],
        "height and width are swapped.": [lambda h, w, m: (_round_up(w, m), _round_up(h, m))],
        "that rounds to the nearest; no pixel should be cut off.": [
            _each(lambda n, m: round(n / m) * m)
        ],
        "those are the rows and columns to add; the size with them is wanted.": [
            _each(lambda n, m: -n % m)
        ],
        "that is how many times the number; multiply again.": [_each(lambda n, m: -(-n // m))],
        "it need not be square: each side by itself.": [
            lambda h, w, m: (_round_up(max(h, w), m),) * 2
        ],
        "a multiple of the number is wanted, not that many more.": [_each(lambda n, m: n + m)],
        "the size is as it was: `/` does not round, `//` does.": [
            _each(lambda n, m: -(-n / m) * m)
        ],
    },
    also=not_whole,
    used=True,
)

# Neither 0 nor 255 is in it, so that its own range is not that of all images.
IMAGE = np.array([[[9, 60, 240], [200, 130, 90]], [[127, 128, 30], [5, 250, 77]]], np.uint8)
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # ImageNet's, of 1
CAFFE_MEAN = np.array([103.939, 116.779, 123.68])  # its channels in the order BGR


def _wrong_for_uint8(numbers):
    """Return a hint where float images came out right, so that uint8 ones are the trouble."""
    whole, of_float = numbers
    as_wanted = whole.shape == of_float.shape == IMAGE.shape
    if not as_wanted or not np.allclose(of_float, IMAGE / 127.5 - 1, 0, 1e-5):
        return ""
    if np.array_equal(whole, np.trunc(whole)):
        return "uint8 images gave whole numbers: the result must be of a float type."
    return "uint8 images overflow on the way: make them float first."


check_preprocess = Check(
    "Images in 0 to 255 as MobileNet was trained on them, in [−1, 1].",
    solution=lambda x: x / 127.5 - 1,
    cases=[(IMAGE,), (IMAGE.astype(np.float32),)],
    mistakes={
        "that is [0, 1]; MobileNet was trained on [−1, 1].": [lambda x: x / 255],
        "that is [−0.5, 0.5]; MobileNet was trained on [−1, 1].": [lambda x: x / 255 - 0.5],
        "that is [0, 2]; subtract 1.": [lambda x: x / 127.5],
        "that turns black and white round.": [lambda x: 1 - x / 127.5],
        "half of 255 is 127.5, not 128.": [lambda x: x / 128 - 1],
        "half of 255 is 127.5, not 127.": [
            lambda x: x / 127 - 1,
            lambda x: (x - 127.0) / 127,
            lambda x: (x - 127.0) / 128,
        ],
        "`//` cuts to whole numbers; divide with `/`.": [lambda x: x // 127.5 - 1],
        "those are ImageNet's mean and standard deviation, which other encoders want; MobileNet "
        "wants [−1, 1].": [
            lambda x: (x / 255 - MEAN) / STD,
            lambda x: (x - 255 * MEAN) / (255 * STD),
            lambda x: x - 255 * MEAN,
            lambda x: x[..., ::-1] - CAFFE_MEAN,
            lambda x: x - CAFFE_MEAN,
        ],
        "that is for each image its own mean and deviation; 0 is always −1 and 255 always 1.": [
            lambda x: (x - x.mean()) / x.std()
        ],
        "the channels are turned round; MobileNet was trained on RGB.": [
            lambda x: x[..., ::-1] / 127.5 - 1
        ],
        "that stretches each picture to its own range; 0 is always −1 and 255 always 1.": [
            lambda x: 2.0 * (x - x.min()) / np.ptp(x) - 1,
            lambda x: 2 * (x - x.min()) / np.ptp(x) - 1,
            lambda x: 2 * (x / x.max()) - 1,
            lambda x: 2 * x / x.max() - 1,
        ],
        "the images are as they were.": [lambda x: x],
        "uint8 images overflow when you subtract: make them float first.": [
            lambda x: (x - 127) / 127,
            lambda x: (x - 128) / 128,
            lambda x: (x - 127) / 128,
        ],
    },
    otherwise=_wrong_for_uint8,
)

check_share_left = Check(
    "What is left of an old moving average after some steps, momentum ** steps.",
    solution=lambda m, n: m**n,
    cases={
        f"momentum {m}, {n} steps": (m, n) for m, n in [(0.99, 100), (0.9, 1), (0.5, 3), (0.999, 0)]
    },
    mistakes={
        "that is the share of the new; the old has the rest.": [lambda m, n: 1 - m**n],
        "each step multiplies what is left: a power, not a product.": [lambda m, n: m * n],
        "a step keeps `momentum` of the old; 1 − momentum is new.": [lambda m, n: (1 - m) ** n],
        "that takes the same amount each step, and goes below 0.": [lambda m, n: 1 - (1 - m) * n],
        "that is one step; there are several.": [lambda m, n: m],
        "momentum and steps are swapped.": [lambda m, n: float(n) ** m],
        "that is one step too many.": [lambda m, n: m ** (n + 1)],
    },
    used=True,
)


def _small_model(case):
    """Build a model; nothing random, nothing named by a counter, so that no figure changes."""
    import keras  # takes seconds, and only this check needs it

    (frozen,) = case
    first = keras.layers.Dense(3, kernel_initializer="zeros", trainable=not frozen, name="first")
    norm = keras.layers.BatchNormalization(name="norm")
    last = keras.layers.Dense(2, kernel_initializer="zeros", name="last")
    return [keras.Sequential([keras.Input((4,), name="input"), first, norm, last], name="small")]


def _count(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


def _trainable_share(model):
    return _count(model.trainable_weights) / _count(model.weights)


def _switched_on(model):
    return [weight for layer in model.layers if layer.trainable for weight in layer.weights]


check_trainable_share = Check(
    "Share of a model's weights, counted as numbers, that training changes.",
    solution=_trainable_share,
    cases={"a model with a frozen layer": (True,), "the same with no layer frozen": (False,)},
    prepare=_small_model,
    used=True,
    mistakes={
        "that counts layers; count the numbers in their weights.": [
            lambda m: np.mean([layer.trainable for layer in m.layers])
        ],
        "that counts arrays; count the numbers in them: np.prod(weight.shape).": [
            lambda m: len(m.trainable_weights) / len(m.weights)
        ],
        "that is the share that is frozen.": [lambda m: 1 - _trainable_share(m)],
        "divide by all weights, not by the frozen ones.": [
            lambda m: _count(m.trainable_weights) / _count(m.non_trainable_weights)
        ],
        "that is how many; divide by the number of all weights.": [
            lambda m: _count(m.trainable_weights)
        ],
        "a batch normalization's moving mean and variance are not trained.": [
            lambda m: _count(_switched_on(m)) / _count(m.weights)
        ],
        "divide by all weights: model.weights, not model.trainable_weights.": [lambda m: 1],
    },
)
