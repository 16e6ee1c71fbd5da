"""Chapter 11: calibration error, temperature, and the risk that is left."""

import numpy as np

from .judge import Check


def _bin_numbers(p, bins):
    return np.minimum((p * bins).astype(int), bins - 1)


def _by_bins(combine, came=lambda t, p: t, said=lambda p, number, bins: p, into=_bin_numbers):
    """Make a function that combines each bin's share of the pixels and its gap."""

    def calibration(truth, probability, bins):
        t, p = np.ravel(truth), np.ravel(probability)
        number = into(p, bins)
        came_true, predicted = came(t, p), said(p, number, bins)
        filled = [number == k for k in np.unique(number)]
        gaps = [came_true[one].mean() - predicted[one].mean() for one in filled]
        return combine(np.array(gaps), np.array([one.mean() for one in filled]), bins)

    return calibration


def _expected(gaps, shares, bins):
    return (shares * abs(gaps)).sum()


def _with_one_left_out(t, p, bins):
    """A last bin that does not hold 1.0."""
    kept = (np.ravel(p) * bins).astype(int) < bins
    gap = _by_bins(_expected)(np.ravel(t)[kept], np.ravel(p)[kept], bins)
    return gap * kept.mean()


def _with_empty_bins(t, p, bins):
    number, t, p = _bin_numbers(np.ravel(p), bins), np.ravel(t), np.ravel(p)
    parts = [number == k for k in range(bins)]
    return sum(one.mean() * abs(t[one].mean() - p[one].mean()) for one in parts)


_rng = np.random.default_rng(11)
P = np.round(_rng.random((6, 8)) ** 3, 3)  # most of them low, as of a background
T = (_rng.random(P.shape) < 0.8 * P + 0.02).astype(np.uint8)
P[0, :3], T[0, :3] = [1.0, 0.0, 1.0], [0, 0, 1]
GAPPED = np.where(P < 0.5, P / 2, 1 - P / 8)  # of eight bins those in the middle are empty
# The smallest is not 0 and the largest not 1, so that np.histogram alone draws other bins.
INNER = (0.05 + 0.9 * P).reshape(2, 6, 4)
# In the last bin what is sure comes true less often, what is nearly sure more often than it says.
LAST, CAME = np.array([1.0, 1.0, 0.93, 0.91, 0.92, 0.31, 0.12]), np.array([0, 1, 1, 1, 1, 0, 0])


def _confidence(p, *rest):
    return np.maximum(p, 1 - p)


def _of_equally_many(p, bins):
    return np.minimum(np.argsort(np.argsort(p)) * bins // p.size, bins - 1)


def _by_histogram(t, p, bins):
    every, came, said = (np.histogram(p, bins, weights=w)[0] for w in (np.ones_like(p), t, p))
    return abs(came - said).sum() / every.sum()


check_calibration_error = Check(
    "The expected calibration error of pixels' probabilities, with so many bins.",
    solution=_by_bins(_expected),
    cases={
        "6 × 8 pixels, 5 bins": (T, P, 5),
        "6 × 8 pixels, 8 bins, some of them empty": (T, GAPPED, 8),
        "two pictures of 6 × 4 pixels, none sure": (T.reshape(INNER.shape), INNER, 5),
        "seven pixels in a row, two of them 1.0": (CAME, LAST, 5),
    },
    mistakes={
        "an empty bin has no mean: pass over it.": [_with_empty_bins],
        "each bin counts by its pixels, not all bins alike.": [
            _by_bins(lambda gaps, shares, bins: abs(gaps).mean()),
            _by_bins(lambda gaps, shares, bins: abs(gaps).sum() / bins),
        ],
        "that is the worst bin's gap, the maximum calibration error.": [
            _by_bins(lambda gaps, shares, bins: abs(gaps).max())
        ],
        "without abs, bins that promise too much make up for bins that promise too little.": [
            _by_bins(lambda gaps, shares, bins: (shares * gaps).sum()),
            _by_bins(lambda gaps, shares, bins: -(shares * gaps).sum()),
            lambda t, p, bins: abs(t.mean() - p.mean()),  # which is the same
        ],
        "the gap itself, not its square.": [
            _by_bins(lambda gaps, shares, bins: (shares * gaps**2).sum()),
            _by_bins(lambda gaps, shares, bins: np.sqrt((shares * gaps**2).sum())),
        ],
        "divide by the number of pixels.": [
            lambda t, p, bins: t.size * _by_bins(_expected)(t, p, bins)
        ],
        "the mean of the probabilities that fell into the bin, not the bin's middle.": [
            _by_bins(_expected, said=lambda p, number, bins: (number + 0.5) / bins)
        ],
        "the mean of the probabilities that fell into the bin, not the bin's edge.": [
            _by_bins(_expected, said=lambda p, number, bins: number / bins),
            _by_bins(_expected, said=lambda p, number, bins: (number + 1) / bins),
        ],
        "what comes true is class 1, whatever a threshold would make of the pixel.": [
            _by_bins(_expected, came=lambda t, p: (p > 0.5) == t),
            _by_bins(_expected, came=lambda t, p: p > 0.5),
        ],
        "a probability of 1.0 belongs to the last bin.": [
            _with_one_left_out,
            _by_bins(_expected, into=lambda p, bins: (p * bins).astype(int)),  # it has its own
        ],
        "the bins divide 0 to 1, not the smallest to the largest probability: "
        "np.histogram(…, range=(0, 1)).": [_by_histogram],
        "bins of equal width are wanted, not of equally many pixels.": [
            _by_bins(_expected, into=_of_equally_many)
        ],
        "the bin's number is p · bins rounded down.": [
            _by_bins(_expected, into=lambda p, bins: np.round(p * bins).astype(int)),
            _by_bins(
                _expected,
                into=lambda p, bins: np.minimum(np.round(p * bins).astype(int), bins - 1),
            ),
            _by_bins(_expected, into=lambda p, bins: np.round(p * (bins - 1)).astype(int)),
        ],
        "the probability of class 1 and how often it *is* class 1, not the confidence "
        "max(p, 1 − p) and the accuracy.": [
            _by_bins(
                _expected,
                came=lambda t, p: (p > 0.5) == t,
                said=_confidence,
                into=lambda p, bins: _bin_numbers(_confidence(p), bins),
            ),
            _by_bins(_expected, came=lambda t, p: (p > 0.5) == t, said=_confidence),
        ],
        "that is the mean gap of single pixels: a bin's means come first.": [
            lambda t, p, bins: abs(t - p).mean()
        ],
        "the number of bins is an argument.": [
            lambda t, p, bins: _by_bins(_expected)(t, p, 10),
            lambda t, p, bins: _by_bins(_expected)(t, p, 15),
        ],
    },
    used=True,
)


def _cross_entropy(logits, truth):
    """From logits, without a logarithm of 0: log(1 + exp(z)) − q z."""
    return (np.logaddexp(0, logits) - truth * logits).mean()


def _sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def _best(cost, pick=np.argmin):
    """Make a function that picks from the grid by the cost of logits at a temperature."""
    return lambda logits, truth, grid: grid[pick([cost(logits, truth, t) for t in grid])]


def _cost(logits, truth, t):
    return _cross_entropy(logits / t, truth)


def _by_logarithm(log):
    """Make a cost of probabilities, with a logarithm that is not quite one, or finds 0."""

    def cost(logits, truth, t):
        p = _sigmoid(logits / t)
        return -(truth * log(p) + (1 - truth) * log(1 - p)).mean()

    return _best(cost)


def _divided_on_and_on(logits, truth, grid):
    z, costs = logits.astype(float), []
    for t in grid:
        z /= t
        costs.append(_cross_entropy(z, truth))
    return grid[np.argmin(costs)]


def _outside(numbers):
    within = all(one.ndim or np.isclose(one, GRID, rtol=1e-4).any() for one in numbers)
    return "" if within else "return one of the temperatures in `grid`."


def _network(scale, offset=0.0):
    """Logits that are too large by `scale`, and what came true."""
    rng = np.random.default_rng(int(10 * scale))
    honest = rng.normal(0, 2.5, (40, 40)) + offset
    return scale * honest, (rng.random(honest.shape) < _sigmoid(honest)).astype(np.uint8)


GRID = np.geomspace(0.2, 8, 75)
SURE, CAME_TRUE = _network(3.0)
SURE[0, :2], CAME_TRUE[0, :2] = [60.0, -50.0], [0, 1]  # wrong, with a probability that rounds to 1

check_temperature = Check(
    "The temperature of a grid with the least mean cross entropy.",
    solution=_best(_cost),
    cases={
        "a network that is too sure": (*_network(2.2), GRID),
        "a network that is not sure enough": (*_network(0.5, 1.0), GRID),
        "a network that is wrong where it is quite sure": (SURE, CAME_TRUE, GRID),
    },
    mistakes={
        "a probability that rounds to 1 has log(1 − p) = −∞: np.logaddexp(0, z) − q z is the same "
        "cross entropy, from the logits z.": [_by_logarithm(np.log)],
        "the logits are divided by the temperature.": [
            _best(lambda z, q, t: _cross_entropy(z * t, q))
        ],
        "the least cross entropy is wanted, not the largest.": [_best(_cost, np.argmax)],
        "return the temperature itself, not its place in the grid.": [
            lambda z, q, grid: np.argmin([_cost(z, q, t) for t in grid])
        ],
        "return the temperature, not the cross entropy it brings.": [
            lambda z, q, grid: min(_cost(z, q, t) for t in grid)
        ],
        "no temperature moves a logit across 0: the accuracy is the same for all of them. Take the "
        "cross entropy.": [lambda z, q, grid: grid[0]],
        "that is the largest of the grid each time: are the logits divided in both terms, "
        "log(1 + exp(z / T)) − q z / T?": [
            _best(lambda z, q, t: (np.logaddexp(0, z / t) - q * z).mean()),
            lambda z, q, grid: grid[-1],
        ],
        "a clip, or a little something in the logarithm, caps what a sure mistake costs: "
        "np.logaddexp(0, z) − q z, from the logits z, needs neither.": [
            *(
                _by_logarithm(lambda p, edge=edge: np.log(np.clip(p, edge, 1 - edge)))
                for edge in (1e-4, 1e-5, 1e-6, 1e-7)
            ),
            *(
                _by_logarithm(lambda p, little=little: np.log(p + little))
                for little in (1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
            ),
        ],
        "the cross entropy is to be least, not the calibration error.": [
            _best(lambda z, q, t, bins=bins: _by_bins(_expected)(q, _sigmoid(z / t), bins))
            for bins in (5, 10, 15, 20)
        ],
        "the cross entropy is to be least, not the squared error.": [
            _best(lambda z, q, t: ((_sigmoid(z / t) - q) ** 2).mean())
        ],
        "z /= T divides what the last temperature has left: divide the logits themselves, each "
        "time.": [_divided_on_and_on],
        "return the temperature, not 1 / T.": [lambda z, q, grid: 1 / _best(_cost)(z, q, grid)],
        "a temperature of 1 changes nothing; the grid has better ones.": [
            lambda z, q, grid: 1.0,
            lambda z, q, grid: grid[np.argmin(abs(grid - 1))],
        ],
        "the sigmoid comes after the division: sigmoid(z / T), not sigmoid(z) / T.": [
            _best(lambda z, q, t: _cross_entropy(np.clip(_sigmoid(z) / t, 0, 1), q)),
        ],
        "log(1 + exp(z)) − q z wants logits; those are probabilities already.": [
            _best(lambda z, q, t: _cross_entropy(_sigmoid(z / t), q))
        ],
        "both halves of the cross entropy count: the pixels of class 0, too.": [
            _best(lambda z, q, t: np.logaddexp(0, -z[q == 1] / t).mean()),
            _best(lambda z, q, t: np.logaddexp(0, z[q == 0] / t).mean()),
        ],
    },
    otherwise=_outside,
    used=True,
)


def _curve(order):
    """Make a function that follows the mean risk in this order of cases."""
    return lambda risk, doubt: _means(risk[order(risk, doubt)])


def _means(risk):
    return np.cumsum(risk) / np.arange(1, len(risk) + 1)


def _by_doubt(risk, doubt):
    return np.argsort(doubt)


RISK = np.array([0.31, 0.04, 0.12, 0.9, 0.07, 0.22, 0.05, 0.4])
DOUBT = np.array([0.5, 0.1, 0.35, 0.8, 0.3, 0.2, 0.15, 0.9])

check_risk_coverage = Check(
    "The mean risk of the least doubtful picture, of the two least doubtful, …, of all.",
    solution=_curve(_by_doubt),
    cases={
        "eight pictures": (RISK, DOUBT),
        "in another order, larger doubts": (RISK[::-1], 10 * DOUBT[::-1]),
        "three pictures": (np.array([0.5, 0.0, 0.2]), np.array([3.0, 1.0, 2.0])),
    },
    mistakes={
        "the most doubtful come last: they are the first to be handed over.": [
            _curve(lambda risk, doubt: np.argsort(-doubt))
        ],
        "sorted by the risk itself, which takes the truth to know. Sort by the doubt.": [
            _curve(lambda risk, doubt: np.argsort(risk))
        ],
        "the pictures are still in their first order: sort them by doubt.": [
            lambda risk, doubt: _means(risk)
        ],
        "argsort of argsort gives ranks, not the order.": [
            _curve(lambda risk, doubt: np.argsort(np.argsort(doubt)))
        ],
        "those are the risks one by one; take the mean of all up to each.": [
            lambda risk, doubt: risk[np.argsort(doubt)]
        ],
        "those are sums; divide by how many pictures they are of.": [
            lambda risk, doubt: np.cumsum(risk[np.argsort(doubt)])
        ],
        "divide by how many pictures are kept, not by all.": [
            lambda risk, doubt: np.cumsum(risk[np.argsort(doubt)]) / len(risk)
        ],
        "the first mean is of one picture: divide by 1, 2, …, not by 0, 1, …": [
            lambda risk, doubt: np.cumsum(risk[np.argsort(doubt)]) / np.arange(len(risk)),
            # The means of [:0], [:1], …
            lambda risk, doubt: np.r_[np.nan, _means(risk[np.argsort(doubt)])[:-1]],
        ],
        "the mean risk is wanted, not 1 − risk.": [
            lambda risk, doubt: _means(1 - risk[np.argsort(doubt)])
        ],
        "the curve begins with the single least doubtful picture and ends with all of them.": [
            lambda risk, doubt: _means(risk[np.argsort(doubt)])[::-1]
        ],
        "that is the doubt of what is kept; its risk is wanted.": [
            lambda risk, doubt: _means(np.sort(doubt))
        ],
        "the mean, not the maximum, of what is kept.": [
            lambda risk, doubt: np.maximum.accumulate(risk[np.argsort(doubt)])
        ],
    },
    used=True,
)
