"""Chapter 08: unpooling, how far a stack of layers sees, and the pyramid's bins."""

import numpy as np

from .judge import Check, not_whole


def _unpooled(place, fill=0.0):
    """Make an unpooling of what says in which row and column of its window a value goes."""

    def unpool(values, places):
        height, width = values.shape
        large = np.full((2 * height, 2 * width), fill)
        for i, j in np.ndindex(height, width):
            row, column = place(places[i, j])
            large[2 * i + row, 2 * j + column] = values[i, j]
        return large

    return unpool


def _overlapping(values, places):
    large = np.zeros((2 * values.shape[0], 2 * values.shape[1]))
    for i, j in np.ndindex(values.shape):
        large[i + places[i, j] // 2, j + places[i, j] % 2] = values[i, j]
    return large


def _one_hot(values, places):
    return values[..., None] * (places[..., None] == np.arange(4))


_unpool = _unpooled(lambda place: (place // 2, place % 2))

VALUES = np.array([[5.0, -1.0, 8.0], [7.0, 0.5, 6.0]])
PLACES = np.array([[0, 3, 1], [2, 1, 2]])

check_unpool = Check(
    "Each value at its place in its window of 2 × 2, zeros elsewhere.",
    solution=_unpool,
    cases={
        "a map of 2 × 3": (VALUES, PLACES),
        "a map of 3 × 2": (VALUES.T, 3 - PLACES.T),
    },
    mistakes={
        "that copies each value into its whole window; it goes to one place, zeros elsewhere.": [
            lambda v, p: v.repeat(2, 0).repeat(2, 1)
        ],
        "places 0 and 1 are above, 2 and 3 below: the row is place // 2, the column place % 2.": [
            _unpooled(lambda place: (place % 2, place // 2))
        ],
        "that puts each value at the upper left; its place says where.": [
            _unpooled(lambda place: (0, 0)),
            _unpooled(lambda place: (0, 0), 1e-9),
        ],
        "that counts a window's places from the end.": [
            _unpooled(lambda place: (1 - place // 2, 1 - place % 2))
        ],
        "the four places of a window became four neighbors in a row: bring the axes into the order "
        "row, row in the window, column, column in the window before you reshape.": [
            lambda v, p: _one_hot(v, p).reshape(2 * v.shape[0], 2 * v.shape[1])
        ],
        "the window of values[i, j] begins in row 2 · i and column 2 · j.": [_overlapping],
        "those are windows; make one map of them, twice as high and twice as wide.": [
            _one_hot,
            lambda v, p: _one_hot(v, p).reshape(*v.shape, 2, 2),
        ],
        "elsewhere are zeros, not ones.": [_unpooled(lambda place: (place // 2, place % 2), 1.0)],
        "that puts the place there; the value is wanted.": [lambda v, p: _unpool(p, p)],
        "the value itself, not 1.": [lambda v, p: _unpool(np.ones_like(v), p)],
        "that is as small as it was.": [lambda v, p: v],
    },
    used=True,
)


def _field(grow, start=1, widen=lambda step, kernel, stride, rate: step * stride, first=False):
    """Make a function that follows a stack: what each layer adds, and how its steps widen."""

    def receptive_field(stack):
        seen, step = start, 1
        for layer in stack:
            if first:
                step = widen(step, *layer)
            seen += grow(step, *layer)
            if not first:
                step = widen(step, *layer)
        return seen

    return receptive_field


def _widened(stack):
    seen = 1
    for kernel, stride, rate in stack:
        seen = seen * stride + (kernel - 1) * rate
    return seen


def _grow(step, kernel, stride, rate):
    return (kernel - 1) * rate * step


STACKS = {
    "two 3 × 3 convolutions": [(3, 1, 1), (3, 1, 1)],
    "no layer": [],
    "stride 2, then a 3 × 3": [(3, 2, 1), (3, 1, 1)],
    "rates 1, 2, 4": [(3, 1, 1), (3, 1, 2), (3, 1, 4)],
    "a 7 × 7 with stride 2, a pooling, a 3 × 3 of rate 4": [(7, 2, 1), (3, 2, 1), (3, 1, 4)],
    "stride 2 with rate 3, then a 5 × 5": [(3, 2, 3), (5, 3, 2), (2, 1, 1)],
}

check_receptive_field = Check(
    "Pixels along a side that one value behind a stack of (kernel, stride, rate) sees.",
    solution=_field(_grow),
    cases={name: (stack,) for name, stack in STACKS.items()},
    mistakes={
        "a kernel of k adds k − 1 steps, not k: the first pixel is counted already.": [
            _field(lambda step, k, s, r: k * r * step)
        ],
        "the rate is missing: a kernel of rate r reaches r times as far.": [
            _field(lambda step, k, s, r: (k - 1) * step)
        ],
        "strides are missing: after stride 2 each step counts two pixels of the image.": [
            _field(lambda step, k, s, r: (k - 1) * r)
        ],
        "a layer's stride widens the steps of the layers after it, not its own.": [
            _field(_grow, first=True)
        ],
        "without any layer a value sees one pixel, itself: begin with 1.": [_field(_grow, start=0)],
        "strides multiply: two of 2 make steps of 4. (For two of 2 the sum happens to be right.)": [
            _field(_grow, widen=lambda step, k, s, r: step + s - (step == 1))
        ],
        "strides multiply: a step is the product of all strides before.": [
            _field(_grow, widen=lambda step, k, s, r: s)
        ],
        "a layer is (kernel, stride, rate), in this order.": [
            lambda stack: _field(_grow)([(k, r, s) for k, s, r in stack])
        ],
        "a stride does not widen what is seen so far, but the steps of the layers after it.": [
            _widened
        ],
        "a rate widens its own kernel alone; the steps after it are as they were.": [
            _field(_grow, widen=lambda step, k, s, r: step * s * r)
        ],
        "k − 1 steps of the rate, (k − 1) · r, not k · r − 1.": [
            _field(lambda step, k, s, r: (k * r - 1) * step)
        ],
        "that is to one side; both sides and the middle count.": [
            _field(lambda step, k, s, r: (k - 1) // 2 * r * step)
        ],
        "along one side, not the area.": [lambda stack: _field(_grow)(stack) ** 2],
        "a layer's own stride does not add: it widens the steps of the layers after it.": [
            _field(lambda step, k, s, r: (k - 1) * r * s, widen=lambda step, *layer: step)
        ],
    },
    also=not_whole,
    used=True,
)


def _down(i, side, bins):
    return i * side // bins


def _up(i, side, bins):
    return -(-i * side // bins)


def _edges(start, stop):
    """Make a function that lists the bins, from what gives the edges of bin i."""
    return lambda side, bins: [(start(i, side, bins), stop(i + 1, side, bins)) for i in range(bins)]


check_bin_edges = Check(
    "(start, stop) of each of the bins along a side, as adaptive average pooling cuts it.",
    solution=_edges(_down, _up),
    cases={
        f"a side of {side}, {bins} bins": (side, bins)
        for side, bins in [(12, 6), (8, 6), (7, 3), (16, 6), (4, 6), (5, 1)]
    },
    mistakes={
        "round the end up: pixels that two bins share belong to both.": [_edges(_down, _down)],
        "round the start down: pixels that two bins share belong to both.": [_edges(_up, _up)],
        "the start rounds down, the end up; that is the other way round.": [_edges(_up, _down)],
        "round the start down and the end up, not to the nearest.": [
            _edges(*(lambda i, side, bins: round(i * side / bins),) * 2)
        ],
        "side // bins leaves the rest of the side out: multiply first, then divide.": [
            lambda side, bins: [(i * (side // bins), (i + 1) * (side // bins)) for i in range(bins)]
        ],
        "side // bins leaves pixels out: multiply first, then divide, and round the end up.": [
            lambda side, bins: [
                (i * (side // bins), (i + 1) * (side // bins) if i < bins - 1 else side)
                for i in range(bins)
            ]
        ],
        "bins a whole number of pixels wide run beyond the side: multiply first, then round.": [
            lambda side, bins: [
                (i * _up(1, side, bins), (i + 1) * _up(1, side, bins)) for i in range(bins)
            ],
            lambda side, bins: [
                (min(i * _up(1, side, bins), side), min((i + 1) * _up(1, side, bins), side))
                for i in range(bins)
            ],
        ],
        "`stop` is the first pixel that no longer belongs to the bin, as in a slice.": [
            _edges(_down, lambda i, side, bins: _up(i, side, bins) - 1)
        ],
        "edges are whole pixels: the start rounded down, the end up.": [
            _edges(*(lambda i, side, bins: i * side / bins,) * 2)
        ],
        "start and stop of each bin, not start and width.": [
            lambda side, bins: [
                (_down(i, side, bins), _up(i + 1, side, bins) - _down(i, side, bins))
                for i in range(bins)
            ]
        ],
        "bins are counted from 0.": [
            lambda side, bins: [
                (_down(i, side, bins), _up(i + 1, side, bins)) for i in range(1, bins + 1)
            ]
        ],
        "side and bins are swapped.": [lambda side, bins: _edges(_down, _up)(bins, side)],
        "as many bins as `bins` says, not 6.": [lambda side, bins: _edges(_down, _up)(side, 6)],
        "`stop` is one too far.": [_edges(_down, lambda i, side, bins: _down(i, side, bins) + 1)],
    },
    also=not_whole,
    used=True,
)
