"""Chapter 06: masks and loss of the nuclei."""

import numpy as np

from ._judge import call, judge, judge_scores, not_uint8

SMOOTH = 1e-5


def check_merge_masks(merge_masks):
    """Chapter 06: one mask a nucleus, 0 and 255, to one mask of them all, 0 and 1."""
    masks = np.zeros((3, 4, 6), np.uint8)
    masks[0, :2, :2] = masks[1, 1:3, 1:4] = masks[2, 3, 3:] = 255  # the first two overlap
    single = masks > 0
    right = single.max(0).astype(np.uint8)
    wraps = masks.sum(0, dtype=np.uint8)
    first, last = "that is the first nucleus alone.", "that is the last nucleus alone."
    axis = "nuclei are along axis 0; that merges rows or columns."
    flat = "without an axis all pixels of all masks become one number."
    byte = "bytes wrap round: in uint8, 255 + 255 is 254. Take the maximum, or any."
    return judge(
        call(merge_masks, masks),
        right,
        [
            (masks.max(0), "nuclei are still 255; they should be 1."),
            (single.sum(0), "where two nuclei overlap that counts 2; a nucleus or none: 1 or 0."),
            (masks.sum(0, dtype=int), "that adds up, 510 where two overlap; 1 or 0 is wanted."),
            (wraps, byte),
            (wraps / 255, byte),
            (wraps // 255, "a pixel of two nuclei became background: " + byte),
            (masks.mean(0), "the mean depends on how many nuclei there are."),
            (single.mean(0), "the mean depends on how many nuclei there are."),
            (single[0] | single[1], "that is the first two nuclei; there may be any number."),
            (masks.sum(0, dtype=int) > 255, "that is where two nuclei overlap."),
            (masks[0], first),
            (single[0], first),
            (masks[-1], last),
            (single[-1], last),
            (masks.max(1), axis),
            (single.max(1), axis),
            (masks.max(2), axis),
            (single.max(2), axis),
            (255, flat),
            (1, flat),
            (masks.min(0), "a pixel need not be in all nuclei: one is enough."),
            ((single * [[[1]], [[2]], [[3]]]).max(0), "which nucleus it is plays no role here: 1."),
            (1 - right, "nuclei and background are the wrong way round."),
        ],
        also=not_uint8,
    )


def check_bce_dice(bce_dice):
    """Chapter 06: 0.5 · mean cross entropy + 1 − Dice of one image, smoothed by 1e-5."""
    truth = np.array([[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]])
    probability = np.array([[0.1, 0.8, 0.6, 0.3], [0.05, 0.9, 0.4, 0.2], [0.1, 0.7, 0.02, 0.2]])
    # Without nuclei, and nearly none found: there the smoothing shows.
    cases = [(truth, probability), (np.zeros((3, 4)), np.full((3, 4), 1e-4))]

    def cross(t, p, log=np.log):
        return -(t * log(p) + (1 - t) * log(1 - p))

    def half(t, p):
        return 0.5 * cross(t, p).mean()

    def dice(t, p, twice=2, above=SMOOTH, below=SMOOTH, union=0):
        hit = (t * p).sum()
        return (twice * hit + above) / (t.sum() + p.sum() - union * hit + below)

    def square(t, p):
        return (2 * (t * p).sum() + SMOOTH) / ((t**2).sum() + (p**2).sum() + SMOOTH)

    def with_dice(**kwargs):
        return lambda t, p: half(t, p) + 1 - dice(t, p, **kwargs)

    def with_cross(formula):
        return lambda t, p: formula(t, p) + 1 - dice(t, p)

    as_iou = "Σ p + Σ q is below the line; taking Σ p q away makes it IoU's."
    one_half = "both halves of the cross entropy count: q log p and (1 − q) log(1 − p)."
    return judge_scores(
        bce_dice,
        cases,
        with_dice(),
        [
            (with_cross(lambda t, p: cross(t, p).mean()), "the cross entropy counts half: 0.5."),
            (lambda t, p: 0.5 * (2 * half(t, p) + 1 - dice(t, p)), "1 − Dice counts whole."),
            (
                lambda t, p: 2 * half(t, p) + 0.5 * (1 - dice(t, p)),
                "swapped: the cross entropy counts half, 1 − Dice whole.",
            ),
            (with_dice(twice=1), "the 2 before Σ p q is missing."),
            (lambda t, p: half(t, p) + dice(t, p), "the larger the Dice, the better: 1 − Dice."),
            (lambda t, p: half(t, p) - dice(t, p), "the 1 before − Dice is missing."),
            (with_cross(lambda t, p: 0.5 * cross(t, p).sum()), "the cross entropy's mean, no sum."),
            (
                with_cross(lambda t, p: 0.5 * cross(t, p, np.log10).mean()),
                "the natural logarithm: np.log, not np.log10.",
            ),
            (
                with_cross(lambda t, p: 0.5 * cross(t, p, np.log2).mean()),
                "the natural logarithm: np.log, not np.log2.",
            ),
            (with_cross(lambda t, p: -0.5 * (t * np.log(p)).mean()), one_half),
            (with_cross(lambda t, p: -0.5 * ((1 - t) * np.log(1 - p)).mean()), one_half),
            (with_cross(lambda t, p: -half(t, p)), "a logarithm of p is negative: − in front."),
            (with_dice(union=1), as_iou),
            (with_dice(twice=1, union=1), as_iou),
            (
                lambda t, p: half(t, p) + 1 - square(t, p),
                "Σ p² + Σ q² is V-Net's form; here it is Σ p + Σ q.",
            ),
            (with_dice(above=0), "s is missing above the line: without it an empty mask has 0."),
            (with_dice(below=0), "s stands above and below the line."),
            (with_dice(above=1, below=1), "s is 1e-5, not 1."),
            (
                lambda t, p: half(t, p) + 1 - dice(t, p > 0.5),
                "cut at 0.5 there is no gradient: keep p as it is.",
            ),
            (
                lambda t, p: (
                    half(t, p) + 1 - dice(t, p, above=SMOOTH * t.size, below=SMOOTH * t.size)
                ),
                "s is in pixels, so Dice takes sums, not means.",
            ),
            (
                lambda t, p: half(t, p) + 1 - 2 * t.sum() * p.sum() / (t.sum() + p.sum() + SMOOTH),
                "Σ p q: multiply pixel by pixel first, then add up.",
            ),
            (
                lambda t, p: (
                    half(t, p) + 1 - (2 * t.sum() * p.sum() + SMOOTH) / (t.sum() + p.sum() + SMOOTH)
                ),
                "Σ p q: multiply pixel by pixel first, then add up.",
            ),
            (
                lambda t, p: (
                    half(t, p) + 1 - (2 * (t * p).sum() + SMOOTH / (t.sum() + p.sum() + SMOOTH))
                ),
                "parentheses: the whole sum 2 Σ p q + s stands above the line.",
            ),
            (lambda t, p: half(t, p), "1 − Dice is missing."),
            (lambda t, p: 1 - dice(t, p), "the cross entropy is missing."),
        ],
        ["an image of 3 by 4 pixels", "an image without nuclei"],
    )
