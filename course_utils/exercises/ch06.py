"""Chapter 06: masks, loss and scores of the nuclei, and the nodes of UNet++."""

import itertools
from functools import partial

import numpy as np

from .judge import Check, Wrong, kind_of, not_uint8, not_whole

SMOOTH = 1e-5

MASKS = np.zeros((3, 4, 6), np.uint8)
MASKS[0, :2, :2] = MASKS[1, 1:3, 1:4] = MASKS[2, 3, 3:] = 255  # the first two overlap
BYTE = "bytes wrap round: in uint8, 255 + 255 is 254. Take the maximum, or any."

check_merge_masks = Check(
    "One mask per nucleus, 0 and 255, to one mask of them all, 0 and 1.",
    solution=lambda m: (m > 0).any(0).astype(np.uint8),
    cases={
        "three nuclei": (MASKS,),
        "five nuclei": (np.concatenate([MASKS, MASKS[:2, ::-1]]),),
        "two nuclei in 5 × 3 pixels": (MASKS[[0, 2], :3, :5].swapaxes(1, 2),),
    },
    mistakes={
        "nuclei are still 255; they should be 1.": [lambda m: m.max(0)],
        "where two nuclei overlap that counts 2; a nucleus or none: 1 or 0.": [
            lambda m: (m > 0).sum(0)
        ],
        "that adds up, 510 where two overlap; 1 or 0 is wanted.": [lambda m: m.sum(0)],
        BYTE: [sum, lambda m: m.sum(0, dtype=np.uint8) / 255],
        f"a pixel of two nuclei became background: {BYTE}": [lambda m: sum(m) // 255],
        "the mean depends on how many nuclei there are.": [
            lambda m: m.mean(0),
            lambda m: (m > 0).mean(0),
        ],
        "that is the first nuclei; there may be any number.": [
            lambda m: (m[0] | m[1]) > 0,
            lambda m: (m[0] | m[1] | m[2]) > 0,
        ],
        "that is where two nuclei overlap.": [lambda m: m.sum(0) > 255],
        "that is the first nucleus alone.": [lambda m: m[0], lambda m: m[0] // 255],
        "that is the last nucleus alone.": [lambda m: m[-1], lambda m: m[-1] // 255],
        "nuclei are along axis 0; that merges rows or columns.": [
            lambda m: m.max(1),
            lambda m: m.max(1) // 255,
            lambda m: m.max(2),
            lambda m: m.max(2) // 255,
        ],
        "without an axis all pixels of all masks become one number.": [
            lambda m: m.max(),
            lambda m: (m > 0).any(),
        ],
        "a pixel need not be in all nuclei: one is enough.": [lambda m: m.min(0)],
        "which nucleus it is plays no role here: 1.": [
            lambda m: np.max([number * (one > 0) for number, one in enumerate(m, 1)], 0)
        ],
        "nuclei and background are the wrong way round.": [lambda m: (m == 0).all(0)],
    },
    also=not_uint8,
)


def _cross_entropy(t, p, log=np.log):
    return -(t * log(p) + (1 - t) * log(1 - p)).mean()


def _half(t, p, epsilon=0):
    return 0.5 * _cross_entropy(t, p, lambda x: np.log(x + epsilon))


def _clipped_half(t, p, epsilon):
    return _half(t, np.clip(p, epsilon, 1 - epsilon))


def _dice(t, p, above=SMOOTH, below=SMOOTH):
    return (2 * (t * p).sum() + above) / (t.sum() + p.sum() + below)


def _rowwise_dice(t, p):
    return (2 * sum(t * p) + SMOOTH) / (sum(t) + sum(p) + SMOOTH)


def _rowwise_half(t, p):
    return -0.5 * sum(t * np.log(p) + (1 - t) * np.log(1 - p)) / t.size


def _soft_iou(t, p):
    return ((t * p).sum() + SMOOTH) / ((t + p - t * p).sum() + SMOOTH)


def _loss(cross_entropy=_half, dice=_dice):
    """Make the loss of its two parts."""
    return lambda t, p: cross_entropy(t, p) + 1 - dice(t, p)


TRUTH = np.array([[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]], float)  # as `probability` is
PROBABILITY = np.array([[0.1, 0.8, 0.6, 0.3], [0.05, 0.9, 0.4, 0.2], [0.1, 0.7, 0.02, 0.2]])

check_bce_dice = Check(
    "0.5 · mean cross entropy + 1 − Dice of one image, smoothed by 1e-5.",
    solution=_loss(),
    cases={
        "an image of 3 by 4 pixels": (TRUTH, PROBABILITY),
        # Nearly none are found there: the smoothing shows.
        "an image without nuclei": (np.zeros((3, 4)), np.full((3, 4), 1e-4)),
        "an image of 1 by 2 pixels": (np.array([[1.0, 0.0]]), np.array([[0.1, 0.3]])),
    },
    mistakes={
        "the cross entropy counts half: 0.5.": [_loss(_cross_entropy)],
        "1 − Dice counts whole.": [lambda t, p: _half(t, p) + 0.5 * (1 - _dice(t, p))],
        "swapped: the cross entropy counts half, 1 − Dice whole.": [
            lambda t, p: _cross_entropy(t, p) + 0.5 * (1 - _dice(t, p))
        ],
        "the 2 before Σ p q is missing.": [
            _loss(dice=lambda t, p: ((t * p).sum() + SMOOTH) / (t.sum() + p.sum() + SMOOTH))
        ],
        "the larger the Dice, the better: 1 − Dice.": [lambda t, p: _half(t, p) + _dice(t, p)],
        "the 1 before − Dice is missing.": [lambda t, p: _half(t, p) - _dice(t, p)],
        "the cross entropy's mean, no sum.": [_loss(lambda t, p: t.size * _half(t, p))],
        "the natural logarithm: np.log, not np.log10.": [
            _loss(lambda t, p: 0.5 * _cross_entropy(t, p, np.log10))
        ],
        "the natural logarithm: np.log, not np.log2.": [
            _loss(lambda t, p: 0.5 * _cross_entropy(t, p, np.log2))
        ],
        "both halves of the cross entropy count: q log p and (1 − q) log(1 − p).": [
            _loss(lambda t, p: -0.5 * (t * np.log(p)).mean()),
            _loss(lambda t, p: -0.5 * ((1 - t) * np.log(1 - p)).mean()),
        ],
        "a logarithm of p is negative: − in front.": [_loss(lambda t, p: -_half(t, p))],
        "Σ p + Σ q is below the line; taking Σ p q away makes it IoU's.": [
            _loss(dice=_soft_iou),
            _loss(dice=lambda t, p: _dice(t, p, below=SMOOTH - (t * p).sum())),
        ],
        "Σ p² + Σ q² is V-Net's form; here it is Σ p + Σ q.": [
            _loss(dice=lambda t, p: (2 * (t * p).sum() + SMOOTH) / ((t**2 + p**2).sum() + SMOOTH))
        ],
        "s is missing above the line: without it an empty mask has 0.": [
            _loss(dice=partial(_dice, above=0))
        ],
        "s stands above and below the line.": [_loss(dice=partial(_dice, below=0))],
        "s is 1e-5, not 1.": [_loss(dice=partial(_dice, above=1, below=1))],
        "cut at 0.5 there is no gradient: keep p as it is.": [
            _loss(dice=lambda t, p: _dice(t, p > 0.5))
        ],
        "s is in pixels, so Dice takes sums, not means.": [
            _loss(dice=lambda t, p: _dice(t, p, above=SMOOTH * t.size, below=SMOOTH * t.size))
        ],
        "Σ p q: multiply pixel by pixel first, then add up.": [
            _loss(dice=lambda t, p: _dice(t.sum(), p.sum())),
            _loss(dice=lambda t, p: _dice(t.sum(), p.sum(), above=0)),
        ],
        "truth and probability are swapped: q is the truth.": [lambda t, p: _loss()(p, t)],
        "parentheses: the whole sum 2 Σ p q + s stands above the line.": [
            _loss(dice=lambda t, p: 2 * (t * p).sum() + SMOOTH / (t.sum() + p.sum() + SMOOTH))
        ],
        "parentheses: 2 Σ p q + s above the line, not 2 (Σ p q + s).": [
            _loss(dice=partial(_dice, above=2 * SMOOTH))
        ],
        "p lies strictly between 0 and 1: no ε, no clipping.": [
            *(_loss(partial(_half, epsilon=epsilon)) for epsilon in (1e-4, 1e-3)),
            *(_loss(partial(_clipped_half, epsilon=epsilon)) for epsilon in (1e-3, 1e-2)),
        ],
        "Python's `sum` adds up row by row; np.sum adds up all.": [
            _loss(dice=_rowwise_dice),
            _loss(_rowwise_half),
            _loss(_rowwise_half, _rowwise_dice),
        ],
        "1 − Dice is missing.": [_half],
        "the cross entropy is missing.": [lambda t, p: 1 - _dice(t, p)],
    },
)


def _two_segmentations():
    rng = np.random.default_rng(6)
    shares = np.array([0.6, 0.2, 0.5, 0, 0.3, 0.1, 0.7])[:, None, None]
    truth = (rng.random((7, 4, 6)) < shares).astype(np.uint8)
    prediction = np.where(rng.random(truth.shape) < 0.25, 1 - truth, truth)
    prediction[3] = 0  # nothing there, nothing found
    return truth, prediction


def _iou(t, p):
    return ((t & p).sum() + SMOOTH) / ((t | p).sum() + SMOOTH)


def _bare_iou(t, p):
    return (t & p).sum() / (t | p).sum()


def _over(t, p, size, score=_iou, whole=False):
    """Return the score of each batch of `size` images; of whole batches alone where asked for."""
    starts = range(0, len(t) // size * size if whole else len(t), size)
    return [score(t[k : k + size], p[k : k + size]) for k in starts]


def _sizes(t, size):
    return [len(t[k : k + size]) for k in range(0, len(t), size)]


def _three(score=_iou, mean=np.mean):
    """Make a function that averages a score in the three ways."""
    return lambda t, p, n: (mean(_over(t, p, n, score)), score(t, p), mean(_over(t, p, 1, score)))


def _batches(first):
    """Make a function that has the second and third number right, and `first` before them."""
    return lambda t, p, n: (first(t, p, n), *_three()(t, p, n)[1:])


def _reorder(order):
    return lambda t, p, n: [_three()(t, p, n)[k] for k in order]


def _mean_of_pieces(count):
    """Make a function that cuts into `count(images, batch)` pieces of about the same size."""

    def mean(t, p, n):
        pieces = (np.array_split(part, count(len(t), n)) for part in (t, p))
        return np.mean([_iou(*piece) for piece in zip(*pieces, strict=True)])

    return mean


check_three_ious = Check(
    "IoU as a mean over batches, over all pixels, as a mean over images.",
    solution=_three(),
    cases={f"for batches of {n}": (*_two_segmentations(), n) for n in (3, 5, 7)},
    parts=("over_batches", "over_all", "over_images"),
    mistakes={
        "the order is (over_batches, over_all, over_images).": [
            _reorder(order) for order in itertools.permutations(range(3)) if order != (0, 1, 2)
        ],
        "an image without nuclei, and none found, gives 0 / 0: add 1e-5.": [_three(_bare_iou)],
        "nothing there and nothing found is right, 1, not 0: 1e-5 stands above and below the "
        "line.": [_three(_bare_iou, mean=lambda values: np.mean(np.nan_to_num(values)))],
        "an image with nothing to find counts, with IoU 1.": [_three(_bare_iou, mean=np.nanmean)],
        "the last batch, which is shorter, counts too.": [
            _batches(lambda t, p, n: np.mean(_over(t, p, n, whole=True)))
        ],
        "7 pictures are one batch of 7: yours adds an empty one, whose IoU is 1. "
        "range(0, len(truth), batch) stops in time.": [
            _batches(lambda t, p, n: np.mean([*_over(t, p, n), *[1.0] * (len(t) % n == 0)]))
        ],
        "divide by the number of batches, the last and shorter one among them.": [
            _batches(lambda t, p, n: np.sum(_over(t, p, n)) / (len(t) // n))
        ],
        "over a batch, add up the pixels of its images first, then divide.": [
            _batches(lambda t, p, n: np.mean(_over(t, p, n, lambda a, b: np.mean(_over(a, b, 1)))))
        ],
        "each batch counts once, however many images it has.": [
            _batches(lambda t, p, n: np.average(_over(t, p, n), weights=_sizes(t, n)))
        ],
        "that is the first batch alone.": [_batches(lambda t, p, n: _iou(t[:n], p[:n]))],
        "over batches of `batch` images, which need not be 16.": [
            _batches(lambda t, p, n: np.mean(_over(t, p, 16)))
        ],
        "`batch` is how many images a batch has, not how many batches there are.": [
            _batches(_mean_of_pieces(lambda images, n: n))
        ],
        "array_split makes pieces of about one size; batches are of `batch` images, and what is "
        "left over.": [
            _batches(_mean_of_pieces(lambda images, n: -(-images // n))),
            _batches(_mean_of_pieces(lambda images, n: images // n)),
        ],
        "that is Dice: the union counts the hits once.": [
            _three(lambda t, p: (2 * (t & p).sum() + SMOOTH) / (t.sum() + p.sum() + SMOOTH))
        ],
        "the union counts the hits once, not twice.": [
            _three(lambda t, p: ((t & p).sum() + SMOOTH) / (t.sum() + p.sum() + SMOOTH))
        ],
        "that is the mean of nuclei and background; nuclei alone.": [
            _three(lambda t, p: (_iou(t, p) + _iou(1 - t, 1 - p)) / 2)
        ],
    },
)

NODES = [(0, 1), (0, 4), (1, 3), (2, 2), (3, 1)]


def _row(i, j):
    return [(i, k) for k in range(j)]


def _node_inputs(i, j):
    return [*_row(i, j), (i + 1, j - 1)]


def _sorted_nodes(answer):
    """Return a list of pairs as an array [n, 2] in order, or raise `Wrong` where it is none."""
    wanted = "a list of pairs (level, step) of whole numbers is wanted"
    if not isinstance(answer, (list, tuple, np.ndarray)):
        raise Wrong(f"{wanted}, got {kind_of(answer)}.")
    try:
        nodes = sorted((a, b) for a, b in answer)
        whole = all(isinstance(n, (int, np.integer)) for node in nodes for n in node)
    except Exception:  # whatever it holds, it is no pairs
        whole = False
    if not whole:
        raise Wrong(f"{wanted}.")
    return np.array(nodes, float).reshape(-1, 2)


def _not_last(answers):
    if all(
        tuple(nodes[-1]) == (i + 1, j - 1) for nodes, (i, j) in zip(answers, NODES, strict=True)
    ):
        return ""
    return (
        "those are its inputs, but the enlarged one, from below, comes last; the order of the "
        "others does not matter."
    )


def _missing_or_more(numbers):
    """Name a node that is missing, or one that is too many."""
    for (i, j), found in zip(NODES, numbers, strict=True):
        found, wanted = {(int(a), int(b)) for a, b in found}, set(_node_inputs(i, j))
        if wanted - found:
            return f"X({i}, {j}): X{min(wanted - found)} is missing."
        if found - wanted:
            return f"X({i}, {j}): X{min(found - wanted)} does not enter it."
    return "a node stands twice in a list."


check_node_inputs = Check(
    "The nodes that enter X(i, j), all before it on its level and one from below.",
    solution=_node_inputs,
    cases=NODES,
    read=_sorted_nodes,
    mistakes={
        "all before it on its level enter, not the last alone.": [
            lambda i, j: [(i, j - 1), (i + 1, j - 1)]
        ],
        "that is U-Net's, the encoder and the map from below; here all before it on its level.": [
            lambda i, j: [(i, 0), (i + 1, j - 1)]
        ],
        "the node from below is one step to the left: X(i + 1, j − 1).": [
            lambda i, j: [*_row(i, j), (i + 1, j)]
        ],
        "the node from below, enlarged, is missing: X(i + 1, j − 1).": [_row],
        "X(i − 1, …) is the level above; enlarged is the level below, i + 1.": [
            lambda i, j: [*_row(i, j), (i - 1, j - 1)]
        ],
        "i and j are swapped: the level comes first, then the step.": [
            lambda i, j: [(b, a) for a, b in _node_inputs(i, j)],
            lambda i, j: _node_inputs(j, i),
        ],
        "that has X(i, j) enter itself: range(j) ends before.": [
            lambda i, j: [*_row(i, j + 1), (i + 1, j - 1)]
        ],
        "the level starts with the encoder's node, X(i, 0).": [lambda i, j: _node_inputs(i, j)[1:]],
        "from below comes one node, X(i + 1, j − 1), not the whole level.": [
            lambda i, j: [*_row(i, j), *_row(i + 1, j)]
        ],
    },
    also=_not_last,
    otherwise=_missing_or_more,
    used=True,
)


def _filters_of(nodes):
    """Return the arguments for nodes, the first five with filters that double, the others not.

    The sixth is for who takes filters[j + 1], which then is no IndexError but wrong.
    """
    doubling, uneven = (32, 64, 128, 256, 512, 1024), (8, 20, 30, 50, 60, 90)
    cases = [(*node, doubling if n < 5 else uneven) for n, node in enumerate(nodes)]
    return {f"X({i}, {j}) with filters {filters}": (i, j, filters) for i, j, filters in cases}


check_channels_in = Check(
    "Channels that enter X(i, j), j maps of its own level and one from below.",
    solution=lambda i, j, f: j * f[i] + f[i + 1],
    cases=_filters_of([*NODES, (0, 3), (1, 2)]),
    mistakes={
        "j maps come from its own level, not one: j · filters[i].": [
            lambda i, j, f: f[i] + f[i + 1]
        ],
        "the map from below is missing: filters[i + 1].": [lambda i, j, f: j * f[i]],
        "the map from below has filters[i + 1] channels.": [lambda i, j, f: (j + 1) * f[i]],
        "X(i, j) does not enter itself: j maps, from 0 to j − 1.": [
            lambda i, j, f: (j + 1) * f[i] + f[i + 1]
        ],
        "the encoder's X(i, 0) counts too: j maps on its level.": [
            lambda i, j, f: (j - 1) * f[i] + f[i + 1]
        ],
        "the map from below is of level i + 1, not i − 1.": [lambda i, j, f: j * f[i] + f[i - 1]],
        "from below comes one map, not j.": [lambda i, j, f: j * (f[i] + f[i + 1])],
        "swapped: j maps of its own level, one from below.": [lambda i, j, f: f[i] + j * f[i + 1]],
        "enlarging keeps the channels: no halving.": [lambda i, j, f: j * f[i] + f[i + 1] // 2],
        "filters[i + 1] need not be twice filters[i]: take it as it is.": [
            lambda i, j, f: (j + 2) * f[i]
        ],
        "the level is i, so its maps have filters[i] channels, not filters[j].": [
            lambda i, j, f: j * f[j] + f[i + 1],
            lambda i, j, f: j * f[j] + f[j + 1],
            lambda i, j, f: i * f[j] + f[j + 1],
        ],
        "those are the maps; count their channels.": [lambda i, j, f: j + 1],
        "that is what leaves the node.": [lambda i, j, f: f[i]],
        "use the `filters` that are handed over; they need not be 32, 64, 128, …": [
            lambda i, j, f: j * 32 * 2**i + 32 * 2 ** (i + 1)
        ],
    },
    also=not_whole,
    used=True,
)


def _needed(depth):
    return (depth + 1) * (depth + 2) // 2


check_pruned_nodes = Check(
    "How many nodes X(0, depth) needs, itself among them.",
    solution=_needed,
    cases={f"depth {depth}": (depth,) for depth in range(1, 5)},
    mistakes={
        "that is the top row; its nodes need those below them.": [lambda d: d + 1],
        "the encoder's nodes, X(0, 0) to X(depth, 0), are needed too.": [
            lambda d: d * (d + 1) // 2
        ],
        "that is a U-Net of this depth; UNet++ has nodes between, too.": [lambda d: 2 * d + 1],
        "those are its own inputs and itself; they need others in turn.": [lambda d: d + 2],
        "that is the whole network; what lies beyond X(0, depth) is cut off.": [lambda d: 15],
        "count X(0, depth) itself, too.": [lambda d: _needed(d) - 1],
        "that is how many are cut off.": [lambda d: 15 - _needed(d)],
        "that is a square; from level to level there is one node less.": [lambda d: (d + 1) ** 2],
        "each level has one node less than the one above: halve it.": [lambda d: 2 * _needed(d)],
    },
    also=not_whole,
)
