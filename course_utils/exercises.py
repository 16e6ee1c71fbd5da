"""The checks behind the exercises.

Each ``check_…`` takes the reader's answer and prints one of three things: what is still missing,
what is wrong (with a hint that names the cause where the mistake is a known one), or that it is
right. None of them raises, whatever the answer is, so that "Run All" always reaches the end.
"""

from copy import deepcopy

import numpy as np

from course_utils import metrics

RIGHT, MISSING, WRONG = "✓ Right.", "… Not yet:", "✗ Not quite:"


def check_tasks(answers):
    """Chapter 00: which kind of segmentation answers which question."""
    expected = {
        "count the cars in a car park": "detection",
        "measure the size of every cell": "instance",
        "share of a satellite picture that is forest": "semantic",
        "blur everything behind a speaker": "semantic",
    }
    hints = {
        "count the cars in a car park": "a box around each car is enough to count them",
        "measure the size of every cell": "touching cells must be told apart, pixel by pixel",
        "share of a satellite picture that is forest": "how many forests there are plays no role",
        "blur everything behind a speaker": "person or not person, for each pixel, is all it needs",
    }
    if not isinstance(answers, dict):
        return _missing("keep `answers` a dictionary from question to kind.")
    open_ones = [q for q in expected if answers.get(q, ...) is ...]
    if open_ones:
        return _missing(f"an answer for “{open_ones[0]}”.")
    for question, kind in expected.items():
        answer = answers[question]
        if not isinstance(answer, str) or answer not in ("detection", "instance", "semantic"):
            return _wrong(f"“{answer}” is none of detection, instance, semantic.")
        if answer != kind:
            return _wrong(f"“{question}”: {hints[question]}.")
    return _right()


def check_one_hot(one_hot):
    """Chapter 00: a mask [H, W] to one channel a class [H, W, C]."""
    mask = np.array([[0, 2, 1], [2, 2, 0]])
    expected = np.eye(4)[mask]
    return _judge(
        _call(one_hot, mask, 4),
        expected,
        [
            (np.moveaxis(expected, -1, 0), "the channels come first; put them last: [H, W, C]."),
            (np.eye(3)[mask], "there are n_classes channels, also for a class that is absent."),
            (expected.reshape(-1, 4), "the picture's height and width got lost."),
            (np.eye(5)[mask][..., 1:], "the classes are shifted by one; numbering starts at 0."),
            (1 - expected, "ones and zeros are the wrong way round."),
        ],
    )


def check_from_one_hot(from_one_hot):
    """Chapter 00: one channel a class [H, W, C] back to a mask [H, W]."""
    mask = np.array([[0, 2, 1], [3, 2, 0]])
    channels = 0.6 * np.eye(4)[mask] + 0.1  # scores, so that `max` and `sum` are told apart
    return _judge(
        _call(from_one_hot, channels),
        mask,
        [
            (channels.argmax(), "`argmax` without an axis looks at the whole array at once."),
            (channels.argmax(0), "that compares rows; the classes are along the last axis."),
            (channels.argmax(1), "that compares columns; the classes are along the last axis."),
            (channels.max(-1), "`max` gives the value of the largest; its position is wanted."),
            (channels.sum(-1), "each pixel's channels sum to 1, whatever the class."),
            (mask + 1, "the classes are shifted by one; numbering starts at 0."),
            (channels @ np.arange(4), "that needs ones and zeros; scores have a largest, too."),
        ],
    )


def check_one_logit(one_logit):
    """Chapter 00: the one sigmoid logit that says the same as two softmax logits."""
    a, b = np.array([0.0, 2.0, -1.0]), np.array([1.5, -0.5, 3.0])
    softmax = np.exp(b) / (np.exp(a) + np.exp(b))
    return _judge(
        _call(one_logit, a, b),
        b - a,
        [
            (a - b, "that is the logit of class 0; class 1 is asked for."),
            (b, "class 0's logit counts too: only the difference matters to a softmax."),
            (softmax, "that is the probability; the sigmoid comes after the logit."),
            (a + b, "adding 1 to both logits leaves a softmax as it was, but not your answer."),
            (np.exp(b - a), "those are the odds; take their logarithm."),
        ],
    )


def check_foreground_share(foreground_share):
    """Chapter 01: share of ventricle pixels in each mask."""
    masks = np.zeros((3, 4, 4), np.uint8)
    masks[0, 0, 0] = 1
    masks[1, :2] = 1
    return _judge(
        _call(foreground_share, masks),
        np.array([1 / 16, 0.5, 0.0]),
        [
            (masks.mean(), "that is one number for all masks; one for each is wanted."),
            (100 * masks.mean((1, 2)), "that is in percent; a share lies between 0 and 1."),
            (masks.sum((1, 2)), "those are counts; divide by the pixels of one image."),
            (masks.sum((1, 2)) / 256**2, "divide by the mask's own size; the check's are small."),
            (masks.mean((1, 2)) / 3, "`masks.size` counts the pixels of all masks together."),
            (masks.mean((0, 1)), "that averages over the images; keep axis 0."),
            (masks.mean(0), "that averages over the images; keep axis 0."),
            (1 - masks.mean((1, 2)), "that is the share of background."),
        ],
    )


def check_baseline(accuracy, truth):
    """Chapter 01: pixel accuracy of answering "background" everywhere.

    Parameters
    ----------
    accuracy : float
        The reader's answer.
    truth : ndarray of uint8, shape [N, H, W]
        The validation masks.
    """
    matrix = metrics.confusion_matrix(truth, np.zeros_like(truth), 2)
    right = metrics.pixel_accuracy(matrix)
    return _judge(
        accuracy,
        right,
        [
            (100 * right, "that is in percent; an accuracy lies between 0 and 1."),
            (1 - right, "that is the share of ventricle, which this answer gets wrong."),
            (metrics.mean_iou(matrix), "that is the mIoU."),
            (
                (np.asarray(truth) == 0).mean((1, 2)),
                "one number is wanted, for all pixels together.",
            ),
            (round(right, 3), "nearly: give it unrounded, computed from `val.masks`."),
            (round(right, 2), "nearly: give it unrounded, computed from `val.masks`."),
        ],
        tolerance=1e-6,
    )


def check_mean_iou(mean_iou):
    """Chapter 01: mIoU of a confusion matrix."""
    matrix = np.array([[9, 2], [1, 4]])
    hit = np.diag(matrix)
    doubled = hit / (matrix.sum(0) + matrix.sum(1))
    union = matrix.sum(0) + matrix.sum(1) - hit
    return _judge(
        _call(mean_iou, matrix),
        metrics.mean_iou(matrix),
        [
            (hit.sum() / matrix.sum(), "that is the pixel accuracy."),
            (doubled.mean(), "the union counts the hits twice: subtract n_ii once."),
            ((2 * doubled).mean(), "that is the mean Dice: the union counts the hits once."),
            (metrics.class_iou(matrix), "that is the IoU of each class; now take their mean."),
            (metrics.class_iou(matrix)[1], "that is class 1 alone; the mean is over both."),
            ((hit / matrix.sum(1)).mean(), "that divides by the true pixels, not by the union."),
            ((hit / matrix.sum(0)).mean(), "that divides by the predicted pixels, not the union."),
            (metrics.class_iou(matrix).sum(), "that is the sum over the classes; divide by two."),
            (hit.sum() / union.sum(), "divide class by class, then take the mean."),
            ((hit / (2 * matrix.sum(1) - hit)).mean(), "the columns' sums (axis=0) are missing."),
        ],
    )


def check_mlp_parameters(count):
    """Chapter 01: how many numbers the 65,536-100-100-65,536 perceptron learns."""
    n, hidden = 256 * 256, 100
    weights = n * hidden + hidden * hidden + hidden * n
    return _judge(
        count,
        weights + hidden + hidden + n,
        [
            (weights, "those are the weights; each unit also has a bias."),
            (2 * n * hidden + 2 * hidden + n, "the step from 100 to 100 units is missing."),
            (2 * n * hidden + hidden + n, "the step from 100 to 100 units is missing."),
            (weights + hidden + hidden, "the output's 65,536 biases are missing."),
            (weights + hidden + n, "a hidden layer's 100 biases are missing."),
            (weights + 3, "there is a bias for every output, not one a layer."),
        ],
    )


def check_conv_size(conv_size):
    """Chapter 02: output size of a convolution, floor((in + 2p − k) / s) + 1."""
    cases = [(256, 5, 2, 2), (7, 3, 1, 0), (8, 3, 2, 1), (5, 5, 1, 2), (10, 4, 3, 0)]
    n, k, s, p = np.array(cases).T
    return _judge(
        [_call(conv_size, *case) for case in cases],
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
    return _judge(
        [_call(transposed_size, *case) for case in cases],
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
        return _missing("keep `sizes` a dictionary from layer to side.")
    answers = [sizes.get(name, ...) for name in names]
    if all(a is ... for a in answers):
        return _missing("a number for each layer.")
    for name, answer, size in zip(names, answers, right, strict=True):
        if answer is ...:
            return _missing(f"a number for {name}.")
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
            return _wrong(f"{name} is not {answer}: {hint}.")
    return _right()


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
        _wrong("five numbers are wanted, one for each convolution. Going on with the course's.")
        return ours
    if any(c is ... for c in channels):
        _missing(f"{sum(c is ... for c in channels)} of the five. Going on with the course's.")
        return ours
    if not all(isinstance(c, (int, np.integer)) and c > 0 for c in channels):
        _wrong("channel counts are whole numbers above 0. Going on with the course's.")
        return ours
    channels = tuple(int(c) for c in channels)
    if channels == ours:
        _right()
    else:
        print("✓ It can be built. It is not the published network, so neither is its score.")
    return channels


def check_steps(steps, passes=4680):
    """Chapter 02: optimiser steps that a budget of image passes allows, for batches 128 and 8."""
    if not isinstance(steps, dict):
        return _missing("keep `steps` a dictionary from batch size to number of steps.")
    return _judge(
        [steps.get(128, ...), steps.get(8, ...)],
        [passes // 128, passes // 8],
        [
            ([passes / 128, passes / 8], "a step is whole or it is not taken: round down."),
            ([passes * 128, passes * 8], "a larger batch makes fewer steps: divide."),
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
        _wrong("a dictionary is wanted, from setting to value.")
        return False
    if changes is ... or not changes:
        _missing("a dictionary with at least one setting to change.")
        return False
    for name, value in changes.items():
        if name not in known:
            _wrong(f"there is no setting {name!r}; there are {', '.join(known)}.")
            return False
        problem = _setting_problem(name, value)
        if problem:
            _wrong(problem)
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


class _Failure(Exception):
    """What a reader's function raised, as a value."""


def _call(function, *arguments):
    if function is ... or function is None:
        return ...
    if not callable(function):
        return _Failure(f"a function is wanted, got {type(function).__name__}.")
    try:
        return function(*deepcopy(arguments))  # what it writes to is its own
    except Exception as error:  # the reader's code may raise anything: that is what is reported
        return _Failure(f"your function stopped with {type(error).__name__}: {error}")


def _judge(answer, expected, mistakes, tolerance=1e-9, wrong_at=None):
    """Compare an answer with the right one, then with the foreseen mistakes."""
    answers = answer if isinstance(answer, list) else [answer]
    for value in answers:
        if value is ... or value is None:
            return _missing("replace the `...` (a function must also `return` its result).")
        if isinstance(value, _Failure):
            return _wrong(str(value))
    try:
        answer = np.asarray(answer, float)
    except Exception:  # whatever the answer is, this is no array of numbers
        return _wrong(f"numbers are wanted, got {type(answer).__name__}.")
    expected = np.asarray(expected, float)
    if _equal(answer, expected, tolerance):
        return _right()
    for value, hint in mistakes:
        if _equal(answer, np.asarray(value, float), tolerance):
            return _wrong(hint)
    if answer.shape != expected.shape:
        return _wrong(f"shape {expected.shape} is wanted, got {answer.shape}.")
    if wrong_at:
        first = int(np.argmax(~np.isclose(answer, expected, tolerance, tolerance)))
        return _wrong(f"{wrong_at[first]}: {expected[first]:g} is right, got {answer[first]:g}.")
    return _wrong("the numbers differ from the right ones.")


def _equal(a, b, tolerance):
    return a.shape == b.shape and np.allclose(a, b, rtol=tolerance, atol=tolerance)


def _right():
    print(RIGHT)


def _missing(text):
    print(MISSING, text)


def _wrong(text):
    print(WRONG, text)
