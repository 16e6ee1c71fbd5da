"""Chapter 07: nuclei matched by IoU, the U-Net paper's weights, where tiles begin."""

import operator

import numpy as np

from .judge import Check, not_whole


def _field(*boxes, height=10, width=20):
    """Number boxes (top, left, height, width) from 1 in a picture."""
    picture = np.zeros((height, width), int)
    for number, (top, left, rows, columns) in enumerate(boxes, 1):
        picture[top : top + rows, left : left + columns] = number
    return picture


# Two that touch, one that is found as it is, one overlooked, one found a column off (IoU 0.6).
TRUTH = _field((0, 0, 4, 4), (0, 4, 4, 4), (6, 0, 4, 4), (6, 8, 3, 2), (0, 12, 4, 4))
# The two as one (IoU 0.5 with each), the last one, two that are made up, and the third.
FOUND = _field((0, 0, 4, 8), (0, 13, 4, 4), (6, 12, 4, 3), (6, 17, 3, 3), (6, 0, 4, 4))
WIDE = _field((0, 0, 4, 8), (0, 12, 4, 4), height=4, width=16)
HALVES = _field((0, 0, 4, 5), (0, 5, 4, 3), (0, 12, 4, 3), height=4, width=16)
EMPTY = np.zeros_like(WIDE)
THREE = _field((0, 0, 3, 3), (0, 5, 3, 3), (5, 0, 3, 3))
SHUFFLED = _field((0, 5, 3, 3), (0, 0, 3, 3), (5, 0, 3, 3))
# An L and what fills it, so that their boxes overlap; predicted with a corner for the other.
BENT = np.array([[1, 1, 2, 2], [1, 2, 2, 2], [1, 2, 2, 2]])
CORNER = np.array([[1, 1, 2, 2], [1, 2, 2, 2], [3, 2, 2, 2]])
FULL = np.ones((3, 4), int)  # a nucleus, and no background
HOLLOW = np.array([[1, 0, 1], [1, 0, 1], [1, 1, 1]])  # its center lies outside
MANY = np.arange(1, 13)[np.newaxis]


def _iou(shared, true, predicted):
    return shared / (true + predicted - shared)


def _hits(truth, prediction, threshold, score=_iou, above=operator.gt, first=1, same=False):
    pairs = [
        (truth == t, prediction == p)
        for t in range(first, truth.max() + 1)
        for p in range(first, prediction.max() + 1)
        if t == p or not same
    ]
    return sum(above(score((t & p).sum(), t.sum(), p.sum()), threshold) for t, p in pairs)


def _match(**options):
    """Make a function that matches; with `first=0` it takes the background for an object."""

    def match(truth, prediction, threshold):
        hits = int(_hits(truth, prediction, threshold, **options))
        more = 1 - options.get("first", 1)
        return hits, prediction.max() + more - hits, truth.max() + more - hits

    return match


def _match_numbers_after_the_first(truth, prediction, threshold):
    kept = [np.where(one == one.min(), 0, one) for one in (truth, prediction)]
    hits, (true, predicted) = (
        int(_hits(*kept, threshold)),
        (len(np.unique(one)) - 1 for one in kept),
    )
    return hits, predicted - hits, true - hits


def _pixels(truth, prediction, threshold):
    truth, prediction = truth > 0, prediction > 0
    return (truth & prediction).sum(), (prediction & ~truth).sum(), (truth & ~prediction).sum()


def _reorder(a, b, c):
    def match(*case):
        counts = _match()(*case)
        return counts[a], counts[b], counts[c]

    return match


check_match = Check(
    "Numbered objects of two pictures to hits, made up and missed, where IoU > threshold.",
    solution=_match(),
    cases={
        "at 0.5": (TRUTH, FOUND, 0.5),
        "at 0.6": (TRUTH, FOUND, 0.6),
        "at 0.75": (WIDE, HALVES, 0.75),
        "in another order": (THREE, SHUFFLED, 0.5),
        "where nothing is found": (WIDE, EMPTY, 0.5),
        "where nothing is": (EMPTY, WIDE, 0.5),
        "where they bend": (BENT, CORNER, 0.7),
        "without a background": (FULL, FULL, 0.5),
        "with little of it": (np.array([[1, 1, 1, 0]]), np.zeros((1, 4), int), 0.5),
        "around a hollow": (HOLLOW, HOLLOW, 0.5),
        "of 12 nuclei, numbered the other way": (MANY, MANY[:, ::-1], 0.5),
    },
    parts=("tp", "fp", "fn"),
    mistakes={
        "a hit needs an IoU *above* the threshold: > and not >=. The pair found as one has an IoU "
        "of 0.5 with each of its halves, and would count twice.": [_match(above=operator.ge)],
        "that is Dice: IoU divides what both share by what either holds.": [
            _match(score=lambda shared, true, predicted: 2 * shared / (true + predicted))
        ],
        "the union counts shared pixels once: |A| + |B| − |A ∩ B|.": [
            _match(score=lambda shared, true, predicted: shared / (true + predicted))
        ],
        "that divides by the true nucleus alone; IoU divides by the union.": [
            _match(score=lambda shared, true, predicted: shared / true)
        ],
        "that divides by the predicted nucleus alone; IoU divides by the union.": [
            _match(score=lambda shared, true, predicted: shared / predicted)
        ],
        "that counts pairs: fp and fn are the nuclei that no hit took.": [
            lambda truth, prediction, threshold: (
                hits := int(_hits(truth, prediction, threshold)),
                *[truth.max() * prediction.max() - hits] * 2,
            )
        ],
        "`==` needs parentheses beside `&`: (truth == t) & (prediction == p).": [
            lambda truth, prediction, threshold: bool(truth == 1 & prediction == 1)
        ],
        "[1:] drops the background only where there is one: numbers[numbers > 0].": [
            _match_numbers_after_the_first
        ],
        "any overlap is not enough: the IoU must be above the threshold.": [
            _match(score=lambda shared, true, predicted: shared > 0)
        ],
        "0 is the background, no nucleus: begin at 1.": [_match(first=0)],
        "numbers are only names: true nucleus 2 may be predicted nucleus 1. Compare each with each"
        ".": [_match(same=True)],
        "use the `threshold` that is handed over; it need not be 0.5.": [
            lambda truth, prediction, threshold: _match()(truth, prediction, 0.5)
        ],
        "the order is tp, fp, fn: predicted ones without a match, then true ones.": [
            _reorder(0, 2, 1)
        ],
        "the order is tp, fp, fn, the hits first.": [_reorder(1, 2, 0), _reorder(2, 1, 0)],
        "those are pixels; count nuclei.": [_pixels],
        "fp and fn are what is left: take the hits off.": [
            lambda *case: (_match()(*case)[0], case[1].max(), case[0].max())
        ],
        "1 to max(): range(1, n) leaves out the last nucleus.": [
            lambda truth, prediction, threshold: (
                hits := int(
                    _hits(
                        np.where(truth == truth.max(), 0, truth),
                        np.where(prediction == prediction.max(), 0, prediction),
                        threshold,
                    )
                ),
                prediction.max() - hits,
                truth.max() - hits,
            )
        ],
    },
    also=not_whole,
    used=True,
)


def _distances(*boxes):
    """Return the distances to the nearest and to the second nearest box, and where boxes are."""
    field = _field(*boxes, height=5, width=12)
    pixels = np.argwhere(field >= 0)[:, None]
    each = [
        np.sqrt(((pixels - np.argwhere(field == number)) ** 2).sum(-1)).min(1)
        for number in range(1, len(boxes) + 1)
    ]
    first, second = np.sort(each, axis=0)[:2].reshape(2, *field.shape)
    return first, second, field > 0


def _summand(d1, d2, w0, sigma):
    return w0 * np.exp(-((d1 + d2) ** 2) / (2 * sigma**2))


def _weights(summand=_summand, inside=1):
    """Make a function that adds a summand to 1 in the background."""
    return lambda d1, d2, nucleus, w0, sigma: np.where(
        nucleus, inside, 1 + summand(d1, d2, w0, sigma)
    )


_TWO, _THREE = ((1, 1, 2, 3), (1, 6, 3, 3)), ((0, 0, 2, 2), (0, 4, 2, 3), (3, 9, 2, 2))

check_weigh = Check(
    "The U-Net paper's weights: 1, and in gaps between nuclei up to w0 more.",
    solution=_weights(),
    cases={
        "two nuclei, w0 = 10, sigma = 5": (*_distances(*_TWO), 10.0, 5.0),
        "three nuclei, w0 = 4, sigma = 3": (*_distances(*_THREE), 4.0, 3.0),
    },
    mistakes={
        "(d1 + d2)², the width of the gap. With a minus the weight is large wherever two nuclei "
        "are equally far, however far that is.": [
            _weights(lambda d1, d2, w0, s: w0 * np.exp(-((d1 - d2) ** 2) / (2 * s**2)))
        ],
        "sigma is squared once, below the line: 2 · sigma², 50 for a sigma of 5 pixels.": [
            _weights(lambda d1, d2, w0, s: _summand(d1, d2, w0, s**2)),
            _weights(lambda d1, d2, w0, s: _summand(d1, d2, w0, s**0.5)),
            _weights(lambda d1, d2, w0, s: w0 * np.exp(-((d1 + d2) ** 2) / (2 * s) ** 2)),
        ],
        "the 2 below the line is missing: 2 · sigma².": [
            _weights(lambda d1, d2, w0, s: w0 * np.exp(-((d1 + d2) ** 2) / s**2))
        ],
        "1 nearly everywhere. Parentheses: x / 2 * sigma**2 multiplies; divide by (2 * sigma**2). "
        "Or an array of bool, which cannot hold a weight?": [
            _weights(lambda d1, d2, w0, s: w0 * np.exp(-((d1 + d2) ** 2) / 2 * s**2))
        ],
        "the sum of the distances is squared: (d1 + d2)².": [
            _weights(lambda d1, d2, w0, s: w0 * np.exp(-(d1 + d2) / (2 * s**2)))
        ],
        "add the distances first, then square: (d1 + d2)², not d1² + d2².": [
            _weights(lambda d1, d2, w0, s: w0 * np.exp(-(d1**2 + d2**2) / (2 * s**2)))
        ],
        "the weight falls with the distance: exp(− …).": [
            _weights(lambda d1, d2, w0, s: w0 * np.exp((d1 + d2) ** 2 / (2 * s**2)))
        ],
        "the second nearest nucleus counts too: d1 + d2.": [
            _weights(lambda d1, d2, w0, s: w0 * np.exp(-(d1**2) / (2 * s**2)))
        ],
        "w0 is missing: it multiplies the exponential.": [
            _weights(lambda d1, d2, w0, s: _summand(d1, d2, 1, s))
        ],
        "the 1 before the sum is missing: a pixel far from all gaps counts too.": [
            lambda d1, d2, nucleus, *case: np.where(nucleus, 1, _summand(d1, d2, *case)),
            lambda d1, d2, nucleus, *case: _summand(d1, d2, *case) * ~nucleus,
            lambda d1, d2, nucleus, *case: _summand(d1, d2, *case),
        ],
        "only the background has the second part; in a nucleus the weight is 1.": [
            lambda d1, d2, nucleus, *case: 1 + _summand(d1, d2, *case)
        ],
        "the wrong way round: `nucleus` is where nuclei are, and there the weight is 1.": [
            lambda d1, d2, nucleus, *case: 1 + _summand(d1, d2, *case) * nucleus
        ],
        "a pixel in a nucleus weighs 1, not 0.": [_weights(inside=0)],
        "use the `w0` and `sigma` that are handed over.": [
            lambda d1, d2, nucleus, *case: _weights()(d1, d2, nucleus, 10, 5)
        ],
    },
    used=True,
)


def _starts(side, tile):
    return list(range(0, side, tile))


check_origins = Check(
    "Where tiles begin that cover each pixel of a side once.",
    solution=_starts,
    cases={
        f"{side} pixels in tiles of {tile}": (side, tile)
        for side, tile in ((512, 128), (520, 256), (257, 256), (100, 96), (40, 64))
    },
    mistakes={
        "what is left over needs a tile too, even if it is one pixel: 520 = 2 · 256 + 8.": [
            lambda side, tile: list(range(0, side - tile + 1, tile)),
            lambda side, tile: [k * tile for k in range(side // tile)],
            lambda side, tile: list(range(0, side - tile, tile)),
            lambda side, tile: list(range(0, side - 1, tile)),
        ],
        "the first tile begins at 0.": [lambda side, tile: list(range(tile, side, tile))],
        "a tile that begins where the side ends holds nothing.": [
            lambda side, tile: [*_starts(side, tile), side]
        ],
        "where the side is a multiple of the tile, nothing is left over: one tile too many.": [
            lambda side, tile: list(range(0, side + 1, tile)),
        ],
        "the last tile is pushed back to the edge there: it sees some pixels twice, and does not "
        "begin at a multiple of the tile.": [
            lambda side, tile: [max(min(k, side - tile), 0) for k in _starts(side, tile)]
        ],
        "those are the ends; where does each begin? The first at 0.": [
            lambda side, tile: [k + tile for k in _starts(side, tile)],
            lambda side, tile: [min(k + tile, side) for k in _starts(side, tile)],
        ],
        "each pixel once: these tiles overlap by half.": [
            lambda side, tile: list(range(0, side, tile // 2))
        ],
        "that counts the tiles; return where each of them begins.": [
            lambda side, tile: -(-side // tile),
            lambda side, tile: len(_starts(side, tile)),
        ],
        "that is the number of the tile; times `tile` it is where it begins.": [
            lambda side, tile: list(range(-(-side // tile)))
        ],
        "tiles spread evenly begin at fractions of `tile`: step by `tile` itself.": [
            lambda side, tile: np.linspace(0, max(side - tile, 0), -(-side // tile)).tolist()
        ],
    },
    also=not_whole,
    used=True,
)
