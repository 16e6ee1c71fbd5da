"""Chapter 05: what a pretrained encoder asks of its images, and what of it is trained."""

import numpy as np

from ._judge import as_numbers, call, judge, say_wrong, unanswered
from .unet import not_whole


def check_padded_size(padded_size):
    """Chapter 05: height and width rounded up to multiples of 32."""
    cases = [(240, 320), (224, 288), (1, 33), (250, 200)]
    answers = [call(padded_size, *case) for case in cases]
    if unanswered(answers):
        return None
    flat = []
    for answer in answers:
        try:
            height, width = answer
        except Exception:  # whatever it is, it is no pair
            return say_wrong(f"a pair (height, width) is wanted, got {type(answer).__name__}.")
        flat += [height, width]
    sizes = np.array(cases)
    right = -(-sizes // 32) * 32
    mistakes = [
        (sizes // 32 * 32, "that rounds down, and cuts pixels off; round up."),
        ((sizes // 32 + 1) * 32, "a size that is a multiple of 32 already stays as it is."),
        (-(-sizes // 16) * 16, "those are multiples of 16; five halvings need 2⁵ = 32."),
        (-(-sizes // 64) * 64, "those are multiples of 64; five halvings need 2⁵ = 32."),
        (right[:, ::-1], "height and width are swapped."),
        (np.rint(sizes / 32) * 32, "that rounds to the nearest; no pixel should be cut off."),
        (-sizes % 32, "those are the rows and columns to add; the size with them is wanted."),
        (right // 32, "that is how many times 32; multiply again."),
        (np.repeat(right.max(1), 2), "it need not be square: each side by itself."),
        (sizes + 32, "a multiple of 32 is wanted, not 32 more."),
    ]
    return judge(
        flat,
        right.ravel(),
        [(value.ravel(), hint) for value, hint in mistakes],
        wrong_at=[f"{side} of {h} × {w}" for h, w in cases for side in ("height", "width")],
        also=not_whole,
    )


def check_preprocess(preprocess):
    """Chapter 05: images in 0 to 255 as MobileNet was trained on them, in [−1, 1]."""
    whole = np.array([[[9, 60, 255], [200, 130, 90]], [[127, 128, 30], [5, 250, 77]]], np.uint8)
    images = whole.astype(np.float32)
    right = images / 127.5 - 1
    answers = [call(preprocess, whole), call(preprocess, images)]
    if unanswered(answers):
        return None
    found = [as_numbers(answer) for answer in answers]
    if any(numbers is None for numbers in found):
        return None
    for numbers in found:
        if numbers.shape != whole.shape:
            return say_wrong(f"the shape stays {whole.shape}, got {numbers.shape}.")
    if np.allclose(found[1], right, 0, 1e-5) and not np.allclose(found[0], right, 0, 1e-5):
        if np.array_equal(found[0], np.trunc(found[0])):
            return say_wrong("uint8 images gave whole numbers: the result must be of a float type.")
        return say_wrong("uint8 images overflow on the way: make them float first.")
    mistakes = [
        (images / 255, "that is [0, 1]; MobileNet was trained on [−1, 1]."),
        (images / 255 - 0.5, "that is [−0.5, 0.5]; MobileNet was trained on [−1, 1]."),
        (images / 127.5, "that is [0, 2]; subtract 1."),
        (1 - images / 127.5, "that turns black and white round."),
        (images / 128 - 1, "half of 255 is 127.5, not 128."),
        ((images - 128) / 128, "half of 255 is 127.5, not 128."),
        (images / 127 - 1, "half of 255 is 127.5, not 127."),
        ((images - 127) / 127, "half of 255 is 127.5, not 127."),
        (images // 127.5 - 1, "`//` cuts to whole numbers; divide with `/`."),
        (np.trunc(right), "the result was cut to whole numbers; it must be of a float type."),
        (right[..., ::-1], "the channels are turned round; MobileNet was trained on RGB."),
        (
            2 * (images - images.min()) / np.ptp(images) - 1,
            "that stretches each picture to its own range; 0 is always −1 and 255 always 1.",
        ),
        (images, "the images are as they were."),
    ]
    wraps = "uint8 images overflow when you subtract: make them float first."
    pairs = [([value, value], hint) for value, hint in mistakes]
    for half in (127, 128):
        pairs.append(([(whole - np.uint8(half)) / half, (images - half) / half], wraps))
    return judge(found, [right, right], pairs, tolerance=1e-5)


def check_share_left(share_left):
    """Chapter 05: what is left of an old moving average after some steps, momentum ** steps."""
    cases = [(0.99, 100), (0.9, 1), (0.5, 3), (0.999, 0)]
    momentum, steps = np.array(cases).T
    return judge(
        [call(share_left, *case) for case in cases],
        momentum**steps,
        [
            (1 - momentum**steps, "that is the share of the new; the old has the rest."),
            (momentum * steps, "each step multiplies what is left: a power, not a product."),
            ((1 - momentum) ** steps, "a step keeps `momentum` of the old; 1 − momentum is new."),
            (1 - (1 - momentum) * steps, "that takes the same amount each step, and goes below 0."),
            (momentum, "that is one step; there are several."),
            (steps**momentum, "momentum and steps are swapped."),
            (momentum ** (steps + 1), "that is one step too many."),
        ],
        tolerance=1e-6,
        wrong_at=[f"momentum {m}, {n} steps" for m, n in cases],
    )


def check_trainable_share(trainable_share):
    """Chapter 05: share of a model's weights, counted as numbers, that training changes."""
    if not callable(trainable_share):
        return judge(call(trainable_share), 0, [])
    import keras  # takes seconds, and only this check needs it

    def numbers(weights):
        return sum(int(np.prod(weight.shape)) for weight in weights)

    models = [_small_model(keras, frozen) for frozen in (True, False)]
    answers = [call(trainable_share, model, copy=False) for model in models]
    models = [_small_model(keras, frozen) for frozen in (True, False)]  # as they were
    whole = np.array([numbers(model.weights) for model in models])
    trained = np.array([numbers(model.trainable_weights) for model in models])
    tensors = [len(model.trainable_weights) / len(model.weights) for model in models]
    on = [np.mean([layer.trainable for layer in model.layers]) for model in models]
    switched = [
        numbers(w for layer in model.layers if layer.trainable for w in layer.weights)
        for model in models
    ]
    return judge(
        answers,
        trained / whole,
        [
            (on, "that counts layers; count the numbers in their weights."),
            (tensors, "that counts arrays; count the numbers in them: np.prod(weight.shape)."),
            (1 - trained / whole, "that is the share that is frozen."),
            (100 * trained / whole, "that is in percent; a share lies between 0 and 1."),
            (trained / (whole - trained), "divide by all weights, not by the frozen ones."),
            (trained, "that is how many; divide by the number of all weights."),
            (switched / whole, "a batch normalisation's moving mean and variance are not trained."),
            ([1, 1], "divide by all weights: model.weights, not model.trainable_weights."),
        ],
        tolerance=1e-6,
        wrong_at=["a model with a frozen layer", "the same with no layer frozen"],
    )


def _small_model(keras, frozen):
    """Build a model; nothing random, nothing named by a counter, so that no figure changes."""
    first = keras.layers.Dense(3, kernel_initializer="zeros", trainable=not frozen, name="first")
    norm = keras.layers.BatchNormalization(name="norm")
    last = keras.layers.Dense(2, kernel_initializer="zeros", name="last")
    return keras.Sequential([keras.Input((4,), name="input"), first, norm, last], name="small")
