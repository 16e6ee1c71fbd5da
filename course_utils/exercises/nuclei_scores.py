"""Chapter 06: three averages of one score."""

from itertools import permutations

import numpy as np

from ._judge import call, judge, say_wrong, unanswered

SMOOTH = 1e-5


def check_three_ious(three_ious):
    """Chapter 06: IoU as a mean over batches, over all pixels, as a mean over images."""
    rng = np.random.default_rng(6)
    truth = (rng.random((5, 4, 6)) < np.array([0.6, 0.2, 0.5, 0, 0.3])[:, None, None]) * 1
    prediction = np.where(rng.random(truth.shape) < 0.25, 1 - truth, truth)
    prediction[3] = 0  # nothing there, nothing found
    truth, prediction = truth.astype(np.uint8), prediction.astype(np.uint8)
    names = "over_batches", "over_all", "over_images"
    answers = [call(three_ious, truth, prediction, batch) for batch in (2, 3)]
    if unanswered(answers):
        return None
    flat = []
    for answer in answers:
        try:
            over_batches, over_all, over_images = None if isinstance(answer, dict) else answer
        except Exception:  # whatever it is, it is no triple
            return say_wrong(f"three numbers are wanted: ({', '.join(names)}).")
        flat += [over_batches, over_all, over_images]

    def score(formula=_iou, batches=None, **kwargs):
        """Return the six numbers, with a slip in each or in those over the batches."""
        images = _parts(formula, truth, prediction, 1)
        found = []
        for batch in (2, 3):
            parts = _parts(formula, truth, prediction, batch)
            mean = batches(parts, images, batch) if batches else _mean(parts, **kwargs)
            found += [mean, formula(truth, prediction), _mean(images, **kwargs)]
        return found

    right = score()
    orders = [order for order in permutations(range(3)) if order != (0, 1, 2)]
    swapped = [np.reshape(right, (2, 3))[:, order].ravel() for order in orders]
    with np.errstate(all="ignore"):  # 0 / 0 is one of the mistakes
        return judge(
            flat,
            right,
            [
                *((value, f"the order is ({', '.join(names)}).") for value in swapped),
                (score(_bare), "an image without nuclei, and none found, gives 0 / 0: add 1e-5."),
                (
                    score(_bare, fill=0),
                    "nothing there and nothing found is right, 1, not 0: 1e-5 stands above and "
                    "below the line.",
                ),
                (score(_bare, leave_out=True), "an image with nothing to find counts, with IoU 1."),
                (
                    score(batches=lambda b, i, n: np.mean(b[: 5 // n])),
                    "the last batch, which is shorter, counts too.",
                ),
                (
                    score(batches=lambda b, i, n: np.sum(b) / (5 // n)),
                    "divide by the number of batches, the last and shorter one among them.",
                ),
                (
                    score(batches=lambda b, i, n: _batch_means(i, n)),
                    "over a batch, add up the pixels of its images first, then divide.",
                ),
                (score(batches=lambda b, i, n: b[0]), "that is the first batch alone."),
                (
                    score(batches=lambda b, i, n: _iou(truth, prediction)),
                    "over batches of `batch` images, which need not be 16.",
                ),
                (
                    score(batches=lambda b, i, n: np.mean(_pieces(truth, prediction, n))),
                    "`batch` is how many images a batch has, not how many batches there are.",
                ),
                (score(_dice), "that is Dice: the union counts the hits once."),
                (score(_hits_twice), "the union counts the hits once, not twice."),
                (score(_both), "that is the mean of nuclei and background; nuclei alone."),
            ],
            tolerance=1e-6,
            wrong_at=[f"{name}, batches of {batch}" for batch in (2, 3) for name in names],
        )


def _iou(t, p):
    return ((t & p).sum() + SMOOTH) / ((t | p).sum() + SMOOTH)


def _bare(t, p):
    return np.divide((t & p).sum(), (t | p).sum())


def _dice(t, p):
    return (2 * (t & p).sum() + SMOOTH) / (t.sum() + p.sum() + SMOOTH)


def _hits_twice(t, p):
    return ((t & p).sum() + SMOOTH) / (t.sum() + p.sum() + SMOOTH)


def _both(t, p):
    return (_iou(t, p) + _iou(1 - t, 1 - p)) / 2


def _parts(formula, truth, prediction, batch):
    starts = range(0, len(truth), batch)
    return np.array([formula(truth[k : k + batch], prediction[k : k + batch]) for k in starts])


def _pieces(truth, prediction, count):
    cut = (np.array_split(masks, count) for masks in (truth, prediction))
    return [_iou(t, p) for t, p in zip(*cut, strict=True)]


def _batch_means(images, batch):
    return np.mean([images[k : k + batch].mean() for k in range(0, len(images), batch)])


def _mean(values, fill=None, leave_out=False):
    if leave_out:
        return np.nanmean(values)
    return np.mean(values if fill is None else np.nan_to_num(values, nan=fill))
