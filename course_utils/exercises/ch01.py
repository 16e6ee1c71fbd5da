"""Chapter 01: shares of pixels, scores of a confusion matrix, cross entropy, a gradient step."""

from functools import partial

import numpy as np

from course_utils import metrics

from .judge import RIGHT, Check, NotRight, Verdict, as_numbers, shown

REAL_BASELINE = 0.982304  # of the 26 published validation masks

MASKS = np.zeros((3, 4, 6), np.uint8)
MASKS[0, 0, 0] = 1
MASKS[1, :2] = 1
LARGER = np.zeros((2, 20, 30), np.uint8)
LARGER[0, :15] = LARGER[1, 3:5, :7] = 1

check_foreground_share = Check(
    "Share of ventricle pixels in each mask.",
    solution=lambda m: m.mean((1, 2)),
    used=True,
    cases={"three masks of 4 × 6": (MASKS,), "two masks of 20 × 30": (LARGER,)},
    mistakes={
        "that is one number for all masks; one for each is wanted.": [lambda m: m.mean()],
        "those are counts; divide by the pixels of one image.": [lambda m: m.sum((1, 2))],
        "divide by the mask's own size, height times width, whatever it is.": [
            lambda m: m.sum((1, 2)) / 24,
            lambda m: m.sum((1, 2)) / 256**2,
            lambda m: m.sum((1, 2)) / m.shape[1] ** 2,
            lambda m: m.sum((1, 2)) / m.shape[2] ** 2,
            lambda m: m.sum((1, 2)) / len(m),
            lambda m: m.sum((1, 2)) / (m == 0).sum((1, 2)),
        ],
        "`masks.size` counts the pixels of all masks together.": [lambda m: m.sum((1, 2)) / m.size],
        "that averages over the images; keep axis 0.": [
            lambda m: m.mean((0, 1)),
            lambda m: m.mean(0),
        ],
        "that is the share of background.": [lambda m: 1 - m.mean((1, 2))],
        "there may be any number of masks, not three.": [
            lambda m: [m[i].mean() for i in range(3)],
            lambda m: m.reshape(3, -1).mean(1),
        ],
        "bytes wrap round at 256: 450 pixels of 1 are 194. `.mean()` adds up in larger numbers.": [
            lambda m: m.sum((1, 2), dtype=np.uint8) / m[0].size
        ],
    },
)


@shown
def check_baseline(accuracy, truth, training=None, elsewhere=None):
    """Pixel accuracy of answering "background" everywhere.

    Three digits are enough: they may have been read off and typed.

    Parameters
    ----------
    accuracy : float
        The reader's answer.
    truth : ndarray of uint8, shape [N, H, W]
        The validation masks.
    training : ndarray of uint8, shape [N, H, W], optional
        The masks that are taken by mistake.
    elsewhere : float, optional
        What would be right on other masks, and is accepted as well: the grader has made-up ones,
        and the reader may have typed what the real ones gave.
    """
    if elsewhere is not None and _to_three_digits(accuracy, elsewhere):
        return Verdict(RIGHT, "That is the share on the real masks.")
    check = baseline_of(truth, training)
    return None if _to_three_digits(accuracy, check.solution) else check.judge(accuracy)


def baseline_of(truth, training=None):
    """Return the check of an answer that was not rounded, for some masks."""
    matrix = metrics.confusion_matrix(truth, np.zeros_like(truth), 2)
    right = metrics.pixel_accuracy(matrix)
    of_training = [] if training is None else [np.mean(training == 0)]
    return Check(
        "Pixel accuracy of answering background everywhere.",
        solution=right,
        mistakes={
            "that is the share of ventricle, which this answer gets wrong.": [1 - right],
            "that is a count; divide by the number of pixels of all masks.": [
                int((np.asarray(truth) == 0).sum())
            ],
            "that is the mIoU.": [metrics.mean_iou(matrix)],
            "that is of the training masks; `val.masks` are asked for.": [
                value for n in of_training for value in (n, round(n, 3), round(n, 4))
            ],
            "one number is wanted, for all pixels together.": [
                (np.asarray(truth) == 0).mean((1, 2)),
            ],
            "nearly: three digits or more are wanted, the last one rounded.": [
                round(right, 2),
                np.floor(1000 * right) / 1000,
            ],
        },
    )


def _to_three_digits(answer, right):
    """Return whether an answer is one number, and right when both are rounded."""
    try:
        number = as_numbers(answer)
    except NotRight:
        return False
    return number.ndim == 0 and bool(abs(number - right) < 5.001e-4)


def _union(matrix):
    return matrix.sum(0) + matrix.sum(1) - np.diag(matrix)


def _of_two(score, matrix):
    """Return the score of the first two classes, as a formula for two has it."""
    return score(matrix[:2, :2])


check_mean_iou = Check(
    "mIoU of a confusion matrix, of any number of classes.",
    solution=metrics.mean_iou,
    used=True,
    cases={
        "a matrix of two classes": (np.array([[11, 1], [2, 3]]),),
        # With a larger number in its row and in its column than on the diagonal.
        "a matrix of three classes": (np.array([[9, 5, 1], [1, 4, 6], [2, 1, 7]]),),
        "a matrix whose last class is never found": (np.array([[9, 1, 0], [2, 5, 0], [3, 1, 0]]),),
    },
    mistakes={
        "that is the pixel accuracy.": [lambda m: np.trace(m) / m.sum()],
        "the union counts the hits twice: subtract n_ii once.": [
            lambda m: (np.diag(m) / (m.sum(0) + m.sum(1))).mean()
        ],
        "that is the mean Dice: the union counts the hits once.": [
            lambda m: (2 * np.diag(m) / (m.sum(0) + m.sum(1))).mean()
        ],
        "that is the IoU of each class; now take their mean.": [metrics.class_iou],
        "that is class 1 alone; the mean is over all.": [lambda m: metrics.class_iou(m)[1]],
        "that divides by the true pixels, not by the union.": [
            lambda m: (np.diag(m) / m.sum(1)).mean()
        ],
        "that divides by the predicted pixels, not the union.": [
            lambda m: (np.diag(m) / m.sum(0)).mean()
        ],
        "that is the sum over the classes; divide by their number.": [
            lambda m: metrics.class_iou(m).sum()
        ],
        "a class that is never found counts, too, with an IoU of 0.": [
            lambda m: metrics.class_iou(m)[np.diag(m) > 0].mean()
        ],
        "that is a formula for two classes; there may be any number: `np.diag` has all hits.": [
            partial(_of_two, metrics.mean_iou),
            lambda m: metrics.class_iou(m)[:2].mean(),
        ],
        "that is class 1 alone, of two; the mean is over all classes, of any number.": [
            partial(_of_two, lambda m: metrics.class_iou(m)[1])
        ],
        "that is the Dice of class 1, of two.": [
            lambda m: 2 * m[1, 1] / (m[1, :2] + m[:2, 1]).sum()
        ],
        "the largest of a row need not be its hit: the hits are on the diagonal.": [
            lambda m: (m.max(1) / (m.sum(0) + m.sum(1) - m.max(1))).mean(),
            lambda m: (m.max(1) / _union(m)).mean(),
        ],
        "divide class by class, then take the mean.": [lambda m: np.trace(m) / _union(m).sum()],
        "the columns' sums (axis=0) are missing.": [
            lambda m: (np.diag(m) / (2 * m.sum(1) - np.diag(m))).mean()
        ],
        "the rows' sums (axis=1) are missing.": [
            lambda m: (np.diag(m) / (2 * m.sum(0) - np.diag(m))).mean()
        ],
        "the union needs brackets: `/` goes before `+` and `-`.": [
            lambda m: (np.diag(m) / m.sum(1) + m.sum(0) - np.diag(m)).mean(),
            lambda m: (np.diag(m) / m.sum(0) + m.sum(1) - np.diag(m)).mean(),
        ],
    },
)

TRUTH = np.array([[1, 0, 0], [1, 0, 1]], np.uint8)
PROBABILITY = np.array([[0.9, 0.2, 0.05], [0.3, 0.6, 0.75]])


def _of_right(t, p):
    """Return the probability that each pixel's right answer was given."""
    return np.where(t == 1, p, 1 - p)


def _cross_entropy(t, p):
    return -np.log(_of_right(t, p)).mean()


check_cross_entropy = Check(
    "Mean over the pixels of −log of the probability that was given to the right answer.",
    solution=_cross_entropy,
    used=True,
    cases={
        "six pixels": (TRUTH, PROBABILITY),
        "three pixels": (TRUTH[0], PROBABILITY[1]),
        "three pixels, two of them sure mistakes": (
            np.array([1, 0, 1], np.uint8),
            np.array([0.004, 0.996, 0.7]),
        ),
        "a single pixel": (np.ones(1), np.array([0.3])),
    },
    mistakes={
        "that is the sum over the pixels; take the mean.": [
            lambda t, p: -np.log(_of_right(t, p)).sum()
        ],
        "those are the losses of the pixels; now take their mean.": [
            lambda t, p: -np.log(_of_right(t, p))
        ],
        "the logarithm of a probability is negative; the loss is minus that.": [
            lambda t, p: -_cross_entropy(t, p)
        ],
        "the background is missing: where truth is 0, the right answer has 1 − probability.": [
            lambda t, p: -(t * np.log(p)).mean(),
            lambda t, p: -np.log(p[t == 1]).mean(),
        ],
        "the ventricle is missing: where truth is 1, the right answer has the probability.": [
            lambda t, p: -((1 - t) * np.log(1 - p)).mean(),
            lambda t, p: -np.log(1 - p[t == 0]).mean(),
        ],
        "where truth is 0, the right answer has 1 − probability.": [lambda t, p: -np.log(p).mean()],
        "swapped: that is the probability given to the wrong answer.": [
            lambda t, p: _cross_entropy(1 - t, p)
        ],
        "swapped: the logarithm is of the probability, not of the truth, which may be 0.": [
            lambda t, p: -(p * np.log(t) + (1 - p) * np.log(1.0 - t)).mean()
        ],
        "the natural logarithm is wanted: `np.log`.": [
            lambda t, p: _cross_entropy(t, p) / np.log(2),
            lambda t, p: _cross_entropy(t, p) / np.log(10),
        ],
        "first the logarithm of each pixel, then the mean.": [
            lambda t, p: -np.log(_of_right(t, p).mean())
        ],
        "the logarithm is missing: −log of what the right answer got.": [
            lambda t, p: _of_right(t, p).mean(),
            lambda t, p: 1 - _of_right(t, p).mean(),
        ],
        "the masks are of uint8, in which −1 is 255: the minus goes before the logarithm.": [
            lambda t, p: (-t * np.log(p) - (1 - t) * np.log(1 - p)).mean()
        ],
        "the two halves are added before the minus, for one of them is 0: mind the signs.": [
            lambda t, p: -(t * np.log(p) - (1 - t) * np.log(1 - p)).mean(),
            lambda t, p: (t * np.log(p) - (1 - t) * np.log(1 - p)).mean(),
        ],
        "log(1 − p) is not 1 − log p: the 1 goes inside.": [
            lambda t, p: -(t * np.log(p) + (1 - t) * (1 - np.log(p))).mean()
        ],
        "`len` counts the rows; divide by the number of all pixels, as `.mean()` does.": [
            lambda t, p: -np.log(_of_right(t, p)).sum() / len(t)
        ],
        "that is the squared error.": [lambda t, p: ((t - p) ** 2).mean()],
        "the classes have equal votes there; here each pixel has one: take the mean over all.": [
            lambda t, p: (-np.log(p[t == 1]).mean() - np.log(1 - p[t == 0]).mean()) / 2,
            lambda t, p: -np.log(p[t == 1]).mean() - np.log(1 - p[t == 0]).mean(),
        ],
        "these are probabilities already: no sigmoid.": [
            lambda t, p: _cross_entropy(t, _sigmoid(p))
        ],
        "no clipping: a sure mistake costs what it costs.": [
            lambda t, p: _cross_entropy(t, np.clip(p, 0.01, 0.99)),
            lambda t, p: _cross_entropy(t, np.clip(p, 0.05, 0.95)),
        ],
        "no epsilon is needed, for no probability is 0 or 1; yours shows in the result.": [
            lambda t, p: -np.log(_of_right(t, p) + 1e-2).mean(),
            lambda t, p: -np.log(_of_right(t, p) + 1e-3).mean(),
            lambda t, p: -np.log(_of_right(t, p) + 1e-4).mean(),
        ],
    },
)


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def _logit(w, b, x):
    return w * x + b


def _step(w, b, x, y, rate, error=lambda z, y: _sigmoid(z) - y, pool=np.mean, logit=_logit):
    """Return the weights after a step, for what is said to be the loss's slope by the logit."""
    wrong = error(logit(w, b, x), y)
    return w - rate * pool(wrong * x), b - rate * pool(wrong)


def _one_after_the_other(w, b, x, y, rate):
    w = _step(w, b, x, y, rate)[0]
    return w, _step(w, b, x, y, rate)[1]


check_gradient_step = Check(
    "One step of gradient descent for a network of one weight and one bias.",
    solution=_step,
    used=True,
    cases={
        "two pixels, from 0 and 0": (0.0, 0.0, np.array([0.9, 0.2]), np.array([1.0, 0.0]), 1.0),
        "four pixels": (
            2.0,
            -1.0,
            np.array([0.8, 0.1, 0.6, 0.4]),
            np.array([1.0, 0.0, 0.0, 0.0]),
            0.3,
        ),
    },
    parts=("w", "b"),
    mistakes={
        "that climbs: the slopes point uphill; subtract.": [
            lambda w, b, x, y, rate: _step(w, b, x, y, -rate)
        ],
        "that is the sum over the pixels; the loss is a mean, and so are its slopes.": [
            partial(_step, pool=np.sum)
        ],
        "divide by the number of pixels, which is not always the example's 2: take the mean.": [
            partial(_step, pool=lambda slopes: slopes.sum() / 2)
        ],
        "the bias is missing: the logit is w x + b.": [partial(_step, logit=lambda w, b, x: w * x)],
        "the sigmoid's minus is for all of the logit: np.exp(-(w * x + b)).": [
            partial(_step, logit=lambda w, b, x: w * x - b),
            partial(_step, logit=lambda w, b, x: -_logit(w, b, x)),
        ],
        "p is 0.5 only where w and b are 0: work it out from them.": [
            partial(_step, logit=lambda w, b, x: 0 * x)
        ],
        "the slope for w is the mean of (p − y) · x: the x is missing.": [
            lambda w, b, x, y, rate: (
                w - rate * (_sigmoid(w * x + b) - y).mean(),
                _step(w, b, x, y, rate)[1],
            )
        ],
        "the mean of (p − y) · x is not the product of the two means.": [
            lambda w, b, x, y, rate: (
                w - rate * (_sigmoid(w * x + b) - y).mean() * x.mean(),
                _step(w, b, x, y, rate)[1],
            )
        ],
        "the slope for b is the mean of p − y, without x.": [
            lambda w, b, x, y, rate: (
                _step(w, b, x, y, rate)[0],
                b - rate * ((_sigmoid(w * x + b) - y) * x).mean(),
            )
        ],
        "the rate is missing: a step is rate × slope.": [
            lambda w, b, x, y, rate: _step(w, b, x, y, 1)
        ],
        "those are the steps; the new w and b are wanted: old − rate × slope.": [
            lambda w, b, x, y, rate: np.array([w, b]) - _step(w, b, x, y, rate)
        ],
        "those are the slopes; the new w and b are wanted: old − rate × slope.": [
            lambda w, b, x, y, rate: np.array([w, b]) - _step(w, b, x, y, 1)
        ],
        "the sigmoid is missing: p is a probability, w x + b a logit.": [
            partial(_step, error=lambda z, y: z - y)
        ],
        "a decision, yes or no, stays the same when w moves a little; take the probability p.": [
            partial(_step, error=lambda z, y: (z > 0) - y),
            partial(_step, error=lambda z, y: (z >= 0) - y),
        ],
        "b is left as it was; it moves, too.": [
            lambda w, b, x, y, rate: (_step(w, b, x, y, rate)[0], b)
        ],
        "w is left as it was; it moves, too.": [
            lambda w, b, x, y, rate: (w, _step(w, b, x, y, rate)[1])
        ],
        "both slopes are those at the old w and b: work them out before you change either.": [
            _one_after_the_other
        ],
        "swapped: first w, then b.": [lambda *case: _step(*case)[::-1]],
        "that is the slope of the squared error; that of the cross entropy is p − y.": [
            partial(_step, error=lambda z, y: (_sigmoid(z) - y) * _sigmoid(z) * _sigmoid(-z)),
            partial(_step, error=lambda z, y: 2 * (_sigmoid(z) - y) * _sigmoid(z) * _sigmoid(-z)),
        ],
    },
)
