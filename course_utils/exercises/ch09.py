"""Chapter 09: attention by hand, what it multiplies, and how far it looks."""

import numpy as np

from .judge import Check, not_whole


def _softmax(scores, axis=-1):
    powers = np.exp(scores - scores.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def _scores(queries, keys):
    return queries @ keys.T / np.sqrt(queries.shape[-1])


def _attention(queries, keys, values):
    return _softmax(_scores(queries, keys)) @ values


def _weighed(weigh):
    """Make an attention of what makes weights [queries, keys] of scores."""
    return lambda q, k, v: weigh(_scores(q, k)) @ v


def _scaled(scale):
    """Make an attention of what the products q · k are divided by."""
    return lambda q, k, v: _softmax(q @ k.T / scale(q, k)) @ v


def _naive(scores):
    return np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)


_random = np.random.default_rng(9)
QUERIES, KEYS, VALUES = (_random.normal(size=size) for size in [(3, 4), (5, 4), (5, 2)])
LONG = [np.random.default_rng(9).normal(size=size) for size in [(2, 9), (4, 9), (4, 3)]]

check_attention = Check(
    "Attention: for each query the mean of the values, weighted by the softmax of q · k / √d.",
    solution=_attention,
    cases={
        "three queries, five keys": (QUERIES, KEYS, VALUES),
        "scores of a thousand": (2000 * QUERIES, KEYS, VALUES),
        "queries of length 9": LONG,
    },
    mistakes={
        "divide the products by √d before the softmax, d the length of a query.": [
            _scaled(lambda q, k: 1)
        ],
        "divide by √d, not by d.": [_scaled(lambda q, k: q.shape[-1])],
        "divide by √d, not multiply.": [_scaled(lambda q, k: 1 / np.sqrt(q.shape[-1]))],
        "d is the length of a query, not how many queries or keys there are.": [
            _scaled(lambda q, k: np.sqrt(len(k))),
            _scaled(lambda q, k: np.sqrt(len(q))),
        ],
        "d is the length of a query, q.shape[-1], and not always 4.": [_scaled(lambda q, k: 2)],
        "subtract the largest score of each row: beside the largest of all, or of a column, all "
        "exponentials of a row may vanish.": [
            _weighed(lambda scores: _naive(scores - scores.max())),
            _weighed(lambda scores: _naive(scores - scores.max(0))),
        ],
        "exp overflows where scores are large: subtract each row's maximum first.": [
            _weighed(_naive)
        ],
        "each query's weights sum to 1: the softmax runs over the keys, axis -1.": [
            _weighed(lambda scores: _softmax(scores, 0)),
            _weighed(lambda scores: _softmax(scores, None)),
        ],
        "the softmax is missing: weights are positive and sum to 1 for each query.": [
            _weighed(lambda scores: scores),
            lambda q, k, v: q @ k.T @ v,
        ],
        "divide the exponentials by their sum over the keys.": [
            _weighed(lambda scores: np.exp(scores - scores.max(-1, keepdims=True)))
        ],
        "exponentials make the weights, not the scores over their sum.": [
            _weighed(lambda scores: scores / scores.sum(-1, keepdims=True))
        ],
        "those are the weights; with them take the mean of the values: weights @ values.": [
            lambda q, k, v: _softmax(_scores(q, k))
        ],
        "those are the scores; softmax, then weights @ values.": [lambda q, k, v: _scores(q, k)],
        "the weights are for the values, not for the keys.": [
            lambda q, k, v: _softmax(_scores(q, k)) @ k
        ],
        "all values with their weights, not that of the best key alone.": [
            lambda q, k, v: v[_scores(q, k).argmax(-1)]
        ],
        "that is the plain mean of the values: the weights differ from query to query.": [
            lambda q, k, v: np.tile(v.mean(0), (len(q), 1))
        ],
    },
    misfit="`k.T` turns the keys; with keepdims=True, max and sum leave a column.",
    used=True,
)


def _products(height, width, channels, reduction):
    return 2 * height * width * (height // reduction) * (width // reduction) * channels


CASES = [(4, 6, 5, 1), (8, 8, 3, 4), (24, 32, 32, 8), (7, 11, 2, 2)]

check_products = Check(
    "Multiplications of q · k and of weights · values, keys and values from a reduced map.",
    solution=_products,
    cases={f"{h} × {w}, {c} channels, reduction {r}": (h, w, c, r) for h, w, c, r in CASES},
    mistakes={
        "twice that: the scores q · k, and the weighted means of the values.": [
            lambda h, w, c, r: _products(h, w, c, r) // 2
        ],
        "the reduction shortens both sides of the map that keys and values come from.": [
            lambda h, w, c, r: 2 * (h * w) * (h * w // r) * c
        ],
        "queries are not reduced: every pixel asks.": [
            lambda h, w, c, r: 2 * ((h // r) * (w // r)) ** 2 * c
        ],
        "keys and values come from a smaller map: divide by the reduction.": [
            lambda h, w, c, r: _products(h, w, c, 1)
        ],
        "every query meets every key: a product, not a sum.": [
            lambda h, w, c, r: 2 * (h * w + (h // r) * (w // r)) * c
        ],
        "each pair of query and key is a product over all channels.": [
            lambda h, w, c, r: _products(h, w, 1, r)
        ],
        "the dense layers that make queries, keys and values are not asked for.": [
            lambda h, w, c, r, n=n: _products(h, w, c, r) + n * h * w * c * c for n in (1, 2, 3, 4)
        ],
        "channels count once for each product, not squared.": [
            lambda h, w, c, r: _products(h, w, c * c, r)
        ],
        "a stride that does not divide a side leaves the rest out: `//`, side by side.": [
            lambda h, w, c, r: 2 * (h * w) * (h * w // r**2) * c,
            lambda h, w, c, r: 2 * (h * w) * (-(-h // r) * -(-w // r)) * c,
            lambda h, w, c, r: 2 * (h * w) ** 2 * c / r**2,
            lambda h, w, c, r: 2 * (h * w) ** 2 * c // r**2,
        ],
    },
    also=not_whole,
    used=True,
)


def _distance(weights, down, across):
    return (weights * np.hypot(np.asarray(down)[:, None], across)).sum()


def _of_all(combine):
    """Make an answer of weights and of the distances down and across, both [rows, columns]."""
    return lambda w, down, across: combine(w, *np.meshgrid(down, across, indexing="ij"))


WEIGHTS = _softmax(_random.normal(size=12), 0).reshape(3, 4)
ALL_IN_ONE = np.zeros((2, 5))
ALL_IN_ONE[1, 4] = 1

check_distance = Check(
    "How far a pixel looks: the mean distance of what it attends to, weighted by its attention.",
    solution=_distance,
    cases={
        "a map of 3 × 4": (WEIGHTS, np.array([-16.0, 0, 16]), np.array([-24.0, -8, 8, 24])),
        "all weight on one cell": (ALL_IN_ONE, np.array([-5.0, 3]), np.array([0, 1, 2, 3, 4.0])),
    },
    mistakes={
        "weight each distance with the attention that goes there.": [
            _of_all(lambda w, y, x: np.hypot(y, x).mean())
        ],
        "the weights sum to 1 already: the sum of the products, not their mean.": [
            _of_all(lambda w, y, x: (w * np.hypot(y, x)).mean())
        ],
        "the distance is √(down² + across²), not the sum of the two.": [
            _of_all(lambda w, y, x: (w * (abs(y) + abs(x))).sum()),
            _of_all(lambda w, y, x: (w * (y + x)).sum()),
        ],
        "that is of squared distances; take the root of each before the mean.": [
            _of_all(lambda w, y, x: (w * (y**2 + x**2)).sum()),
            _of_all(lambda w, y, x: np.sqrt((w * (y**2 + x**2)).sum())),
        ],
        "that is how far the center of the attention is: the mean of distances is wanted.": [
            _of_all(lambda w, y, x: np.hypot((w * y).sum(), (w * x).sum()))
        ],
        "first the distance of each cell, then the mean, not a mean for each direction.": [
            _of_all(lambda w, y, x: np.hypot((w * abs(y)).sum(), (w * abs(x)).sum()))
        ],
        "that is the cell with the most attention; all cells count.": [
            _of_all(lambda w, y, x: np.hypot(y, x).ravel()[w.argmax()])
        ],
        "that is the farthest cell; weight each distance with its attention.": [
            _of_all(lambda w, y, x: np.hypot(y, x).max())
        ],
        "both directions count, down and across.": [
            _of_all(lambda w, y, x: (w * abs(y)).sum()),
            _of_all(lambda w, y, x: (w * abs(x)).sum()),
        ],
        "one number is wanted: the sum over all cells.": [
            _of_all(lambda w, y, x: w * np.hypot(y, x))
        ],
    },
    misfit="`down` needs to be a column: down[:, None].",
    used=True,
)
