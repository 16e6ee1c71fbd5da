"""Chapter 02: sizes, channels and recipe of the fully convolutional network."""

import numpy as np

from ._judge import RIGHT, call, judge, say_missing, say_right, say_wrong


def check_conv_size(conv_size):
    """Chapter 02: output size of a convolution, floor((in + 2p − k) / s) + 1."""
    cases = [(256, 5, 2, 2), (7, 3, 1, 0), (8, 3, 2, 1), (5, 5, 1, 2), (10, 4, 3, 0)]
    n, k, s, p = np.array(cases).T
    return judge(
        [call(conv_size, *case) for case in cases],
        (n + 2 * p - k) // s + 1,
        [
            ((n + 2 * p - k) / s + 1, "round down: a kernel that does not fit is not placed."),
            ((n + p - k) // s + 1, "the padding is on both sides: 2p."),
            ((n + 2 * p - k) // s, "count the first position too: + 1."),
            ((n - k) // s + 1, "the padding is missing."),
            ((n + 2 * p - k + 1) // s, "the + 1 comes after the division by the stride."),
            ((n + 2 * p + k) // s + 1, "a larger kernel leaves fewer positions: − k."),
            (-((n + 2 * p - k) // -s) + 1, "round down, not up."),
        ],
        wrong_at=[f"size {c[0]}, kernel {c[1]}, stride {c[2]}, padding {c[3]}" for c in cases],
    )


def check_transposed_size(transposed_size):
    """Chapter 02: output size of a transposed convolution, s (in − 1) + k − 2p."""
    cases = [(16, 32, 16, 8), (3, 3, 2, 0), (4, 4, 2, 1), (5, 3, 1, 1)]
    n, k, s, p = np.array(cases).T
    return judge(
        [call(transposed_size, *case) for case in cases],
        s * (n - 1) + k - 2 * p,
        [
            (s * n + k - 2 * p, "n stamps have n − 1 steps between them: s (n − 1)."),
            (s * (n - 1) + k - p, "the padding crops both sides: 2p."),
            (s * (n - 1) + k + 2 * p, "here the padding crops: − 2p."),
            (s * (n - 1) + k, "the padding is missing; here it crops."),
            ((n + 2 * p - k) // s + 1, "that is the ordinary convolution."),
            (s * n, "that holds only where k − 2p happens to equal the stride."),
        ],
        wrong_at=[f"size {c[0]}, kernel {c[1]}, stride {c[2]}, padding {c[3]}" for c in cases],
    )


def check_fcn_sizes(sizes):
    """Chapter 02: the side of each map in the FCN, predicted before it is printed."""
    names = ["conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "transposed"]
    right = [128, 64, 32, 16, 16, 16, 16, 256]
    if not isinstance(sizes, dict):
        return say_missing("keep `sizes` a dictionary from layer to side.")
    answers = [sizes.get(name, ...) for name in names]
    if all(a is ... for a in answers):
        return say_missing("a number for each layer.")
    for name, answer, size in zip(names, answers, right, strict=True):
        if answer is ...:
            return say_missing(f"a number for {name}.")
        if not np.array_equal(answer, size):
            stays = "stride 1 and padding (k − 1) / 2 keep the size"
            hint = {
                "pool1": "a 2×2 pooling halves",
                "pool2": "a 2×2 pooling halves",
                "conv3": stays,
                "conv4": stays,
                "conv5": "a 1×1 kernel with stride 1 keeps the size",
                "transposed": "s (in − 1) + k − 2p with k = 32, s = 16, p = 8",
            }.get(name, "floor((in + 2p − k) / s) + 1 with k = 5, s = 2, p = 2")
            return say_wrong(f"{name} is not {answer}: {hint}.")
    return say_right()


def check_fcn_channels(channels):
    """Chapter 02: the FCN's five channel counts; returns counts that can be built.

    Parameters
    ----------
    channels : sequence of five int
        The reader's answer, with ``...`` where there is none yet.

    Returns
    -------
    tuple of five int
        The reader's counts where all five can be used, else the course's.
    """
    ours = (64, 128, 128, 128, 128)
    if not isinstance(channels, (tuple, list)) or len(channels) != 5:
        say_wrong("five numbers are wanted, one for each convolution. Going on with the course's.")
        return ours
    if any(c is ... for c in channels):
        say_missing(f"{sum(c is ... for c in channels)} of the five. Going on with the course's.")
        return ours
    whole = all(isinstance(c, (int, np.integer)) and not isinstance(c, bool) for c in channels)
    if not whole or not all(0 < c <= 1024 for c in channels):
        say_wrong("channel counts are whole numbers from 1 to 1024. Going on with the course's.")
        return ours
    channels = tuple(int(c) for c in channels)
    if channels == ours:
        say_right()
    else:
        print("✓ It can be built. It is not the published network, so neither is its score.")
    return channels


def check_steps(steps, passes=4680):
    """Chapter 02: optimiser steps that a budget of image passes allows, for batches 128 and 8."""
    if not isinstance(steps, dict):
        return say_missing("keep `steps` a dictionary from batch size to number of steps.")
    return judge(
        [steps.get(128, ...), steps.get(8, ...)],
        [passes // 128, passes // 8],
        [
            ([passes / 128, passes / 8], "a step is whole or it is not taken: round down."),
            ([passes * 128, passes * 8], "a larger batch makes fewer steps: divide."),
            ([passes // 8, passes // 128], "swapped: the larger batch makes fewer steps."),
            ([10 * passes // 128, 10 * passes // 8], "that is the whole budget; take a tenth."),
            ([passes, passes], "an image pass is one image seen once; a step sees a batch."),
            ([234 // 128, 234 // 8], "that is one epoch; the budget is 20 of them."),
            ([-(-passes // 128), passes // 8], "round down: the budget must not be exceeded."),
        ],
    )


def check_recipe(changes, known):
    """Chapter 02: whether changes to a recipe can be trained with.

    Parameters
    ----------
    changes : dict
        The reader's settings.
    known : dict
        A complete recipe, for the names and kinds of the settings.

    Returns
    -------
    bool
        Whether the changes can be used.
    """
    if changes is not ... and changes is not None and not isinstance(changes, dict):
        say_wrong("a dictionary is wanted, from setting to value.")
        return False
    if changes is ... or not changes:
        say_missing("a dictionary with at least one setting to change.")
        return False
    for name, value in changes.items():
        if name not in known:
            say_wrong(f"there is no setting {name!r}; there are {', '.join(known)}.")
            return False
        problem = _setting_problem(name, value)
        if problem:
            say_wrong(problem)
            return False
    print(RIGHT, "It can be trained.")
    return True


def _setting_problem(name, value):
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if name == "batch_size" and not (isinstance(value, int) and number and 1 <= value <= 234):
        return f"batch_size is a whole number from 1 to 234, got {value!r}."
    if name == "learning_rate" and not (number and 0 < value < 1):
        return f"learning_rate is a number between 0 and 1, got {value!r}."
    if name in ("schedule", "dice", "average") and not isinstance(value, bool):
        return f"{name} is True or False, got {value!r}."
    if name == "initializer" and not isinstance(value, str):
        return f'initializer is a name such as "he_normal", got {value!r}.'
    if name == "initializer" and not _is_initializer(value):
        return f"Keras has no initializer {value!r} for a convolution."
    if name == "augment" and value is not None and not callable(value):
        return "augment is None or what pipeline.augmentation(…) returns."
    return ""


def _is_initializer(name):
    import keras

    try:
        keras.initializers.get(name)(shape=(3, 3, 1, 4))
    except Exception:  # Keras answers a name of another kind in many ways
        return False
    return True
