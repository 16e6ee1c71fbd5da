"""Chapter 02: sizes, channels and recipe of the fully convolutional network."""

from numbers import Integral, Real

import numpy as np

from .judge import (
    RIGHT,
    Check,
    Missing,
    Verdict,
    Wrong,
    kind_of,
    look_up,
    one_number,
    read_numbers,
    shown,
)


def _named(*cases):
    names = ("size", "kernel", "stride", "padding")
    return {", ".join(f"{a} {b}" for a, b in zip(names, case, strict=True)): case for case in cases}


check_conv_size = Check(
    "Output size of a convolution, floor((in + 2p − k) / s) + 1.",
    solution=lambda n, k, s, p: (n + 2 * p - k) // s + 1,
    cases=_named((256, 5, 2, 2), (7, 3, 1, 0), (8, 3, 2, 1), (5, 5, 1, 2), (10, 4, 3, 0)),
    mistakes={
        "round down: a kernel that does not fit is not placed.": [
            lambda n, k, s, p: (n + 2 * p - k) / s + 1
        ],
        "the padding is on both sides: 2p.": [lambda n, k, s, p: (n + p - k) // s + 1],
        "count the first position too: + 1.": [lambda n, k, s, p: (n + 2 * p - k) // s],
        "the padding is missing.": [lambda n, k, s, p: (n - k) // s + 1],
        "the + 1 comes after the division by the stride.": [
            lambda n, k, s, p: (n + 2 * p - k + 1) // s
        ],
        "a larger kernel leaves fewer positions: − k.": [
            lambda n, k, s, p: (n + 2 * p + k) // s + 1
        ],
        "round down, not up.": [lambda n, k, s, p: -((n + 2 * p - k) // -s) + 1],
    },
)

check_transposed_size = Check(
    "Output size of a transposed convolution, s (in − 1) + k − 2p.",
    solution=lambda n, k, s, p: s * (n - 1) + k - 2 * p,
    cases=_named((16, 32, 16, 8), (3, 3, 2, 0), (4, 4, 2, 1), (5, 3, 1, 1)),
    mistakes={
        "n stamps have n − 1 steps between them: s (n − 1).": [
            lambda n, k, s, p: s * n + k - 2 * p
        ],
        "the padding crops both sides: 2p.": [lambda n, k, s, p: s * (n - 1) + k - p],
        "here the padding crops: − 2p.": [lambda n, k, s, p: s * (n - 1) + k + 2 * p],
        "the padding is missing; here it crops.": [lambda n, k, s, p: s * (n - 1) + k],
        "that is the ordinary convolution.": [check_conv_size.solution],
        "that holds only where k − 2p happens to equal the stride.": [lambda n, k, s, p: s * n],
    },
)

CONV = "floor((in + 2p − k) / s) + 1 with k = 5, s = 2, p = 2"
POOL = "a 2×2 pooling halves"
SAME = "stride 1 and padding (k − 1) / 2 keep the size"
FCN_SIZES = {
    "conv1": (128, CONV),
    "pool1": (64, POOL),
    "conv2": (32, CONV),
    "pool2": (16, POOL),
    "conv3": (16, SAME),
    "conv4": (16, SAME),
    "conv5": (16, "a 1×1 kernel with stride 1 keeps the size"),
    "transposed": (256, "s (in − 1) + k − 2p with k = 32, s = 16, p = 8"),
}


@shown
def check_fcn_sizes(sizes):
    """The side of each map in the FCN, predicted before it is printed."""
    sizes = look_up(sizes, FCN_SIZES, "`sizes` a dictionary from layer to side")
    if all(size is ... for size in sizes.values()):
        raise Missing("a number for each layer.")
    for name, (right, hint) in FCN_SIZES.items():
        if sizes[name] is ...:
            raise Missing(f"a number for {name}.")
        if one_number(sizes[name], f"{name}: ") != right:
            raise Wrong(f"{name} is not {sizes[name]}: {hint}.")


FCN_CHANNELS = (64, 128, 128, 128, 128)


@shown
def check_fcn_channels(channels):
    """The FCN's five channel counts.

    The verdict's `value` is a tuple of counts that can be built: the reader's where all five can be
    used, else the course's.

    Parameters
    ----------
    channels : sequence of five int, or array
        The reader's answer, with ``...`` where there is none yet.
    """
    ours = "Going on with the course's."
    channels = channels.tolist() if isinstance(channels, np.ndarray) else channels
    if not isinstance(channels, (tuple, list)) or len(channels) != 5:
        problem = f"five numbers are wanted, one for each convolution, got {kind_of(channels)}"
        raise Wrong(f"{problem}. {ours}", FCN_CHANNELS)
    if missing := sum(c is ... for c in channels):
        raise Missing(f"{missing} of the five. {ours}", FCN_CHANNELS)
    whole = all(isinstance(c, (int, np.integer)) and not isinstance(c, bool) for c in channels)
    if not whole or not all(0 < c <= 1024 for c in channels):
        raise Wrong(f"channel counts are whole numbers from 1 to 1024. {ours}", FCN_CHANNELS)
    channels = tuple(int(c) for c in channels)
    if channels == FCN_CHANNELS:
        return Verdict(RIGHT, value=channels)
    hint = "It can be built. It is not the published network, so neither is its score."
    return Verdict(RIGHT, hint, channels, opening="✓")


PASSES = 4680  # of images: a tenth of the published budget


check_steps = Check(
    "Optimizer steps that a budget of image passes allows, for batches of 128 and of 8.",
    solution={128: PASSES // 128, 8: PASSES // 8},
    read=read_numbers((128, 8), "`steps` a dictionary from batch size to number of steps"),
    mistakes={
        "a step is whole or it is not taken: round down.": [{128: PASSES / 128, 8: PASSES / 8}],
        "a larger batch makes fewer steps: divide.": [{128: PASSES * 128, 8: PASSES * 8}],
        "swapped: the larger batch makes fewer steps.": [{128: PASSES // 8, 8: PASSES // 128}],
        "that is the whole budget; take a tenth.": [{128: 10 * PASSES // 128, 8: 10 * PASSES // 8}],
        "an image pass is one image seen once; a step sees a batch.": [{128: PASSES, 8: PASSES}],
        "that is one epoch; the budget is 20 of them.": [
            {128: 234 // 128, 8: 234 // 8},
            {128: -(-234 // 128), 8: -(-234 // 8)},
        ],
        "that ends each of 20 epochs with its last batch, whole or not; here batches run on from "
        "one epoch into the next: divide the budget.": [
            {128: 20 * (234 // 128), 8: 20 * (234 // 8)},
            {128: 20 * -(-234 // 128), 8: 20 * -(-234 // 8)},
        ],
        "round down: the budget must not be exceeded.": [{128: -(-PASSES // 128), 8: PASSES // 8}],
    },
)


@shown
def check_recipe(changes, known):
    """Whether changes to a recipe change it and can be trained with. `judge_score` says the rest.

    Parameters
    ----------
    changes : dict
        The reader's settings.
    known : dict
        The complete recipe that is changed.
    """
    if changes is not ... and changes is not None and not isinstance(changes, dict):
        raise Wrong("a dictionary is wanted, from setting to value.")
    if changes is ... or not changes:
        raise Missing("a dictionary with at least one setting to change.")
    for name, value in changes.items():
        if name not in known:
            raise Wrong(f"there is no setting {name!r}; there are {', '.join(known)}.")
        if problem := _setting_problem(name, value):
            raise Wrong(problem)
    if all(value == known[name] for name, value in changes.items()):
        raise Wrong("these settings are what the recipe has already: change one.")
    return Verdict(RIGHT, "It can be trained; go on. Its score is the verdict.", opening="✓")


@shown
def judge_score(score, rival, spread=0.012):
    """What a training says about its recipe; no mark, for it takes the real data and minutes.

    Parameters
    ----------
    score, rival : float
        mIoU with the reader's recipe, and with that which was changed, at the same budget.
    spread : float, optional
        How far apart seeds of one recipe lie.
    """
    said = f"mIoU {score:.3f} against {rival:.3f}"
    if not rival > 0.5:  # "background everywhere" has less than one half
        raise Missing(
            f"{said}: the rival has learned nothing at this budget. Set a larger one, train both."
        )
    if not score > 0.5:
        raise Wrong(f"{said}: it found nothing but background.")
    if score < rival - spread:
        raise Wrong(f"{said}: it is worse. What you changed is needed; change something else.")
    if score <= rival + spread:
        remark = f"{said}: as good, for seeds lie {spread} apart. What you changed can go."
        return Verdict(RIGHT, remark)
    return Verdict(RIGHT, f"{said}: you have beaten it.")


def _setting_problem(name, value):
    number = isinstance(value, Real) and not isinstance(value, bool)
    if name == "batch_size" and not (isinstance(value, Integral) and number and 1 <= value <= 234):
        return f"batch_size is a whole number from 1 to 234, got {value!r}."
    if name == "learning_rate" and not (number and 0 < value < 1):
        return f"learning_rate is a number between 0 and 1, got {value!r}."
    if name in ("schedule", "dice", "average") and not isinstance(value, bool):
        return f"{name} is True or False, got {value!r}."
    if name == "initializer" and not isinstance(value, str):
        return f'initializer is a name such as "he_normal", got {value!r}.'
    if name == "initializer" and (problem := _initializer_problem(value)):
        return f"initializer {value!r}: {problem}."
    if name == "augment" and value is not None and not callable(value):
        return "augment is None or what pipeline.augmentation(…) returns."
    return ""


def _initializer_problem(name):
    import keras

    try:
        weights = keras.initializers.get(name)(shape=(3, 3, 1, 4))
    except Exception:  # Keras answers a name of another kind in many ways
        return "Keras has none of this name for a convolution"
    return "" if np.ptp(weights) else "with equal weights all filters learn the same, or nothing"
