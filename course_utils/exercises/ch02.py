"""Chapter 02: a convolution, a transposed one, and sizes, schedule and recipe of the FCN."""

from functools import partial
from numbers import Integral, Real

import numpy as np

from .judge import RIGHT, Check, Missing, Verdict, Wrong, look_up, one_number, shown

PICTURE = np.array(
    [[2, 1, 2, 7, 8], [1, 2, 3, 8, 7], [2, 2, 8, 9, 8], [1, 3, 9, 8, 9], [2, 1, 8, 9, 8]]
)
EDGES = np.array([[-1, 0, 1]] * 3)  # right minus left


def _named(*cases):
    names = ("size", "kernel", "stride", "padding")
    return {", ".join(f"{a} {b}" for a, b in zip(names, case, strict=True)): case for case in cases}


check_conv_size = Check(
    "Output size of a convolution, floor((in + 2p − k) / s) + 1.",
    solution=lambda n, k, s, p: (n + 2 * p - k) // s + 1,
    cases=_named(
        (256, 5, 2, 2), (7, 3, 1, 0), (8, 3, 2, 1), (6, 3, 2, 1), (5, 5, 1, 2), (10, 4, 3, 0)
    ),
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
        "round down, not to the nearest: `//`.": [
            lambda n, k, s, p: round((n + 2 * p - k) / s + 1),
            lambda n, k, s, p: round((n + 2 * p - k) / s) + 1,
        ],
        "`//` goes before + and −: bracket what is divided.": [
            lambda n, k, s, p: n + 2 * p - k // s + 1
        ],
    },
)


def _windows(picture, kernel, rows=1, columns=1):
    """Return the pixels below the kernel at each place, [places down, places across, k, k]."""
    windows = np.lib.stride_tricks.sliding_window_view(picture, kernel.shape)
    return windows[::rows, ::columns]


def _convolve(picture, kernel, stride=1):
    return (_windows(picture, kernel, stride, stride) * kernel).sum((2, 3))


def _at_first_place(array):
    """Return an array that is filled at its first place only."""
    filled = np.zeros_like(array)
    filled[0, 0] = array[0, 0]
    return filled


def _in_size(array, height, width):
    """Return an array cut, or filled up with zeros, to a size."""
    result = np.zeros((height, width))
    part = array[:height, :width]
    result[: part.shape[0], : part.shape[1]] = part
    return result


def _convolve_in_place(picture, kernel, stride=1):
    """Return what comes where each window's products are written to the picture."""
    out = np.zeros(_convolve(picture, kernel, stride).shape)
    for r, c in np.ndindex(out.shape):
        window = picture[r * stride :, c * stride :][: len(kernel), : len(kernel)]
        window *= kernel
        out[r, c] = window.sum()
    return out


ONE_PLACE_LESS = "that is one place too few: where the window begins counts, too. + 1."

check_convolve = Check(
    "A convolution of a picture [H, W] with a kernel [k, k], without padding.",
    used=True,
    misfit="The window has len(kernel) rows and columns, and it has to stay inside the picture.",
    solution=_convolve,
    cases={
        "the picture of the drawing": (PICTURE, EDGES),
        "3 × 4 pixels, kernel 2 × 2": (
            np.array([[1, 2, 0, 1], [3, 4, 1, 0], [0, 1, 2, 5.0]]),
            np.array([[1, 0.5], [0, -1]]),
            1,
        ),
        "7 × 6 pixels, stride 2": (
            np.arange(42).reshape(7, 6) % 5,
            np.array([[1, 0, -1], [2, 3, -2], [0, 1, -1]]),
            2,
        ),
        "3 × 8 pixels, stride 2": (
            np.arange(24).reshape(3, 8) % 5,
            np.array([[1, 0, -1], [2, 3, -2], [0, 1, -1]]),
            2,
        ),
    },
    mistakes={
        "that turns the kernel upside down, as mathematicians and scipy.signal.convolve do; here "
        "it lies on the picture as it is.": [lambda p, k, s=1: _convolve(p, k[::-1, ::-1], s)],
        "the kernel's rows lie along the picture's columns.": [
            lambda p, k, s=1: _convolve(p, k.T, s)
        ],
        "the stride is forgotten: the window moves on by `stride` pixels.": [
            lambda p, k, s=1: _convolve(p, k)
        ],
        "the stride counts down and across alike.": [
            lambda p, k, s=1: (_windows(p, k, s, 1) * k).sum((2, 3)),
            lambda p, k, s=1: (_windows(p, k, 1, s) * k).sum((2, 3)),
        ],
        "the number of places is right, but each window begins at r · stride, c · stride.": [
            lambda p, k, s=1: _in_size(_convolve(p, k), *_convolve(p, k, s).shape)
        ],
        ONE_PLACE_LESS: [
            lambda p, k, s=1: _convolve(p, k, s)[:-1, :-1],
            lambda p, k, s=1: _convolve(p[:-1, :-1], k, s),  # range(0, H - k, stride)
        ],
        "no padding here: the window stays inside, and the result is smaller than the picture.": [
            lambda p, k, s=1: _convolve(np.pad(p, len(k) // 2), k, s),
            lambda p, k, s=1: _in_size(_convolve(p, k, s), *p.shape),
        ],
        "each pixel is multiplied by its weight; yours are added.": [
            lambda p, k, s=1: (_windows(p, k, s, s) + k).sum((2, 3))
        ],
        "the weights are missing: that is the sum of the pixels.": [
            lambda p, k, s=1: _windows(p, k, s, s).sum((2, 3))
        ],
        "that is the mean over the window; the sum is wanted.": [
            lambda p, k, s=1: _convolve(p, k, s) / k.size
        ],
        "`@` is the matrix product; pixel by pixel it is `*`.": [
            lambda p, k, s=1: (_windows(p, k, s, s) @ k).sum((2, 3))
        ],
        "Python's `sum` adds up row by row; np.sum adds up all.": [
            lambda p, k, s=1: (_windows(p, k, s, s) * k).sum(2)
        ],
        "down and across are swapped in the result.": [lambda p, k, s=1: _convolve(p, k, s).T],
        "`*=` changes the picture, and the next window finds it so; use `*`.": [_convolve_in_place],
        "no ReLU here: what is negative stays.": [
            lambda p, k, s=1: np.maximum(_convolve(p, k, s), 0)
        ],
        "that is the first place alone: does `return` stand inside the loop?": [
            lambda p, k, s=1: _convolve(p, k, s)[0, 0],
            lambda p, k, s=1: _at_first_place(_convolve(p, k, s)),
        ],
    },
)


def _stamp(small, kernel, stride, ink=np.multiply, put=np.add):
    """Stamp a kernel on zeros: `ink` of value and kernel, `put` on what was there."""
    k = len(kernel)
    out = np.zeros([stride * (side - 1) + k for side in small.shape])
    for r, c in np.ndindex(small.shape):
        place = np.s_[r * stride : r * stride + k, c * stride : c * stride + k]
        out[place] = put(out[place], ink(small[r, c], kernel))
    return out


def _sized(side_of):
    """Return `_stamp`, its result cut or filled up with zeros to sides `side_of(n, k, s)`."""

    def stamp(small, kernel, stride):
        sides = [side_of(n, len(kernel), stride) for n in small.shape]
        return _in_size(_stamp(small, kernel, stride), *sides)

    return stamp


check_stamp = Check(
    "A transposed convolution of a map [h, w] with a kernel [k, k], nothing cropped.",
    used=True,
    misfit="A stamp hangs over the edge: `stride` apart, n of them need s (n − 1) + k pixels.",
    solution=_stamp,
    cases={
        "kernel 2 × 2, stride 1": (np.array([[1, 2], [3, 4]]), np.array([[1, 0], [2, -1]]), 1),
        "3 × 2 pixels, kernel 3 × 3, stride 2": (
            np.array([[1, 2], [0, 3], [5, 1]]),
            np.array([[1, 2, 3], [4, 5, 6], [7, 8, 0.5]]),
            2,
        ),
        "2 × 3 pixels, kernel 4 × 4, stride 2": (
            np.array([[1, 0, 2], [4, 1, 3]]),
            np.arange(16).reshape(4, 4),
            2,
        ),
        "1 × 2 pixels, kernel 2 × 2, stride 2": (
            np.array([[1.5, -2.25]]),
            np.array([[1, 2], [3, 4]]),
            2,
        ),
    },
    mistakes={
        "a stamp wipes out what it overlaps; they add up: `+=`.": [
            partial(_stamp, put=lambda old, new: new)
        ],
        "where stamps overlap, add them up; you take the larger.": [
            partial(_stamp, put=np.maximum)
        ],
        "the value is missing: a stamp is the kernel times its pixel's value.": [
            partial(_stamp, ink=lambda value, kernel: kernel)
        ],
        "`*=` changes the kernel for all stamps to come; use `*`.": [
            partial(_stamp, ink=lambda value, kernel: np.multiply(value, kernel, out=kernel))
        ],
        "the kernel is multiplied by the pixel's value; yours are added.": [
            partial(_stamp, ink=np.add)
        ],
        "the stride is forgotten: the stamps lie `stride` pixels apart.": [
            lambda m, k, s: _stamp(m, k, 1),
            lambda m, k, s: _in_size(_stamp(m, k, 1), *_stamp(m, k, s).shape),
        ],
        "the size is too large: between n stamps there are n − 1 steps, s (n − 1) + k.": [
            _sized(lambda n, k, s: s * n + k),
            _sized(lambda n, k, s: s * n + k - 1),
        ],
        "the last stamps are cut off: s (n − 1) + k pixels hold them all.": [
            _sized(lambda n, k, s: s * n),
            _sized(lambda n, k, s: s * (n - 1)),
            _sized(lambda n, k, s: s * (n - 1) + k - 1),
        ],
        "nothing is cropped here.": [lambda m, k, s: _stamp(m, k, s)[1:-1, 1:-1]],
        "the kernel is upside down; it is stamped as it is.": [
            lambda m, k, s: _stamp(m, k[::-1, ::-1], s)
        ],
        "the kernel's rows lie along the output's columns.": [lambda m, k, s: _stamp(m, k.T, s)],
        "down and across are swapped in the result.": [lambda m, k, s: _stamp(m, k, s).T],
        "that is the mean of the stamps on a pixel; they add up.": [
            lambda m, k, s: _stamp(m, k, s) / _stamp(np.ones_like(m), np.ones_like(k), s).clip(1)
        ],
        "that is the first stamp alone: does `return` stand inside the loop?": [
            lambda m, k, s: _stamp(_at_first_place(m), k, s)
        ],
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


def _half_cosine(done):
    return (1 + np.cos(np.pi * done)) / 2


def _share_done(step, steps, warm_up):
    return (step - warm_up) / (steps - warm_up)


def _rate_at(step, steps, peak, start=0.01, fall=_half_cosine, done=_share_done, warm_up=None):
    """Rise in a straight line from `start` times the peak, then fall as `fall(done)` does."""
    warm_up = steps // 20 if warm_up is None else warm_up(steps)
    if step < warm_up:
        return peak * (start + (1 - start) * step / warm_up)
    return peak * fall(done(step, steps, warm_up))


def _in_parts(
    climb=lambda share, peak: peak * (0.01 + 0.99 * share),
    fall=lambda done, peak: peak * _half_cosine(done),
):
    """Make a schedule of what may use the peak in a wrong place."""

    def rate_at(step, steps, peak):
        warm_up = steps // 20
        if step < warm_up:
            return climb(step / warm_up, peak)
        return fall(_share_done(step, steps, warm_up), peak)

    return rate_at


check_rate_at = Check(
    "Learning rate of a step: up in a straight line, then down to 0 along half a cosine.",
    used=True,
    solution=_rate_at,
    cases={
        f"step {step} of {steps}, peak {peak:g}": (step, steps, peak)
        for step, steps, peak in (
            *((0, 200, 1.0), (5, 200, 1.0), (10, 200, 1.0), (57, 200, 1.0), (105, 200, 2.0)),
            *((2, 50, 1.0), (0, 10, 1.0), (3, 10, 1.0)),
            *((5, 200, 2.0), (57, 200, 2.0), (2, 59, 1.0)),
        )
    },
    mistakes={
        "the rise begins at peak / 100, not at 0.": [partial(_rate_at, start=0.0)],
        "there is no rise: it begins at peak / 100 and takes steps // 20 steps.": [
            partial(_rate_at, start=1.0),
            partial(_rate_at, warm_up=lambda steps: 0),
        ],
        "the rise ends at peak: it gains peak − peak / 100.": [
            lambda step, steps, peak: (
                _rate_at(step, steps, peak)
                + (step < steps // 20 and peak / 100 * step / (steps // 20))
            )
        ],
        "fewer than 20 steps have no rise: the first has the peak.": [
            partial(_rate_at, warm_up=lambda steps: max(1, steps // 20))
        ],
        "step // warm_up is 0 until the rise is over: `/`, not `//`.": [
            lambda step, steps, peak: (
                peak / 100 if step < steps // 20 else _rate_at(step, steps, peak)
            )
        ],
        "steps // 20 is whole: `//` rounds down, `/` does not.": [
            partial(_rate_at, warm_up=lambda steps: steps / 20)
        ],
        "the fall begins where the rise ends: count its steps from there.": [
            partial(_rate_at, done=lambda step, steps, warm_up: step / steps)
        ],
        "the fall has steps − steps // 20 steps to reach 0.": [
            partial(_rate_at, done=lambda step, steps, warm_up: (step - warm_up) / steps)
        ],
        "the fall reaches 0 at `steps`, one after the last step.": [
            partial(
                _rate_at,
                done=lambda step, steps, warm_up: (step - warm_up) / (steps - 1 - warm_up),
            )
        ],
        "a whole cosine comes up again: half of it is from 0 to π.": [
            partial(_rate_at, fall=lambda done: _half_cosine(2 * done))
        ],
        "that is a quarter of a cosine; half of it is from 0 to π.": [
            partial(_rate_at, fall=lambda done: np.cos(np.pi / 2 * done))
        ],
        "a cosine goes from 1 to −1, a rate to 0: (1 + cos) / 2.": [
            partial(_rate_at, fall=lambda done: np.cos(np.pi * done))
        ],
        "1 + cos lies between 0 and 2: halve it.": [
            partial(_rate_at, fall=lambda done: 1 + np.cos(np.pi * done))
        ],
        "π is missing: half a cosine is from 0 to π.": [
            partial(_rate_at, fall=lambda done: (1 + np.cos(done)) / 2)
        ],
        "np.cos takes radians: π, not 180.": [
            partial(_rate_at, fall=lambda done: (1 + np.cos(180 * done)) / 2)
        ],
        "that rises along the cosine: (1 + cos) / 2, not (1 − cos) / 2.": [
            partial(_rate_at, fall=lambda done: _half_cosine(1 - done))
        ],
        "that falls in a straight line; it should be half a cosine.": [
            partial(_rate_at, fall=lambda done: 1 - done)
        ],
        "after the rise it stays at the peak; let it fall.": [
            partial(_rate_at, fall=lambda done: 1.0)
        ],
        "at the end the rate is 0, not peak / 100.": [
            partial(_rate_at, fall=lambda done: 0.01 + 0.99 * _half_cosine(done))
        ],
        "peak multiplies the whole of 1 + cos: mind the brackets.": [
            _in_parts(fall=lambda done, peak: (peak + np.cos(np.pi * done)) / 2),
            _in_parts(fall=lambda done, peak: peak / 2 + np.cos(np.pi * done) / 2),
        ],
        "the climb goes from peak / 100 to peak; a number in yours stays as it is.": [
            _in_parts(climb=lambda share, peak: 0.01 + 0.99 * share),
            _in_parts(climb=lambda share, peak: peak / 100 + 0.99 * share),
            _in_parts(climb=lambda share, peak: 0.01 + (peak - 0.01) * share),
        ],
        "the climb takes steps // 20 steps: `//` rounds down, and `round` does not.": [
            partial(_rate_at, warm_up=lambda steps: round(steps / 20))
        ],
        "the peak is missing: it need not be 1.": [
            lambda step, steps, peak: _rate_at(step, steps, 1.0)
        ],
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
def judge_score(score, rival, spread=0.03):
    """What a training says about its recipe; no mark, for it takes the real data and minutes.

    Parameters
    ----------
    score, rival : float
        mIoU with the reader's recipe, and with that which was changed, at the same budget.
    spread : float, optional
        How far apart seeds of one recipe lie: by default three of the chapter's last rung, at a
        twentieth of the published budget.
    """
    said = f"mIoU {score:.3f} against {rival:.3f}"
    if not rival > 0.5:  # "background everywhere" has less than one half
        raise Missing(
            f"{said}: the rival has learned nothing at this budget. Set a larger one, train both."
        )
    if not score > 0.5:
        raise Wrong(f"{said}: it found nothing but background.")
    if score < rival - spread:
        raise Wrong(f"{said}: it is worse. Leave that as it was; change something else.")
    if score <= rival + spread:
        remark = f"{said}: as good, for seeds lie {spread} apart. A part that you dropped can go."
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
