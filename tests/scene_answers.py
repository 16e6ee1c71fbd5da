"""Solutions of chapters 04 and 05, and answers that are wrong in a known way, with the hint."""

import cv2
import numpy as np

from course_utils import metrics

hits = np.diag
ROOT_13 = np.sqrt(13)


def to_labels(numbers):
    return np.where(numbers < 0, 255, numbers).astype(np.uint8)


def resize_mask(mask, height, width):
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)


def class_accuracies(matrix):
    pixels = matrix.sum(axis=1)
    return (hits(matrix)[pixels > 0] / pixels[pixels > 0]).mean()


def frequency_weighted_iou(matrix):
    pixels = matrix.sum(axis=1)
    union = pixels + matrix.sum(axis=0) - hits(matrix)
    seen = pixels > 0
    return (pixels[seen] * hits(matrix)[seen] / union[seen]).sum() / pixels.sum()


def dice_loss(truth, probability):
    hit = (truth * probability).sum()
    return 1 - (2 * hit + 1) / (truth.sum() + probability.sum() + 1)


def split(n, share, seed):
    order = np.random.default_rng(seed).permutation(n)
    n_validation = round(n * share)
    return order[n_validation:], order[:n_validation]


def padded_size(height, width):
    return -(-height // 32) * 32, -(-width // 32) * 32


def preprocess(images):
    return images / 127.5 - 1


def trainable_share(model):
    def count(weights):
        return sum(np.prod(weight.shape) for weight in weights)

    return count(model.trainable_weights) / count(model.weights)


def distances(there=0.0, back=ROOT_13, largest=ROOT_13):
    keys = "truth to prediction", "prediction to truth", "hausdorff"
    return dict(zip(keys, (there, back, largest), strict=True))


SOLUTIONS = {
    "check_to_labels": to_labels,
    "check_resize_mask": resize_mask,
    "check_class_accuracies": class_accuracies,
    "check_frequency_weighted_iou": frequency_weighted_iou,
    "check_hausdorff": distances(),
    "check_dice_loss": dice_loss,
    "check_split": split,
    "check_padded_size": padded_size,
    "check_preprocess": preprocess,
    "check_share_left": lambda momentum, steps: momentum**steps,
    "check_trainable_share": trainable_share,
}


def resized(interpolation, kind=np.uint8):
    return lambda m, h, w: cv2.resize(m.astype(kind), (w, h), interpolation=interpolation)


def unseeded(n, share, seed, generator=np.random.default_rng(0)):  # noqa: B008 - kept, on purpose
    order = generator.permutation(n)
    return order[round(n * share) :], order[: round(n * share)]


def shuffled_twice(n, share, seed):
    generator, k = np.random.default_rng(seed), round(n * share)
    return generator.permutation(n)[k:], generator.permutation(n)[:k]


def with_replacement(n, share, seed):
    train, validation = split(n, share, seed)
    return train, np.append(validation[:-1], validation[0])


def soft_dice(t, p):
    return (2 * (t * p).sum() + 1) / (t.sum() + p.sum() + 1)


def ratio_loss(formula):
    return lambda t, p: 1 - formula((t * p).sum(), t.sum() + p.sum())


def weighted(matrix, axis=1):
    return np.nansum(matrix.sum(axis) * metrics.class_iou(matrix))


def recall(matrix, smooth=0):
    return (hits(matrix) + smooth) / (matrix.sum(1) + smooth)


def known(matrix, values):
    return values[matrix.sum(1) > 0].mean()


def numbers(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


def frozen_too(model):
    on = [w for layer in model.layers if layer.trainable for w in layer.weights]
    return numbers(on) / numbers(model.weights)


MISTAKES = {
    "check_to_labels": [
        (lambda a: a.astype(np.uint8), "−3 became 253"),
        (lambda a: np.where(a == -1, 255, a).astype(np.uint8), "−3 became 253"),
        (np.abs, "without its sign"),
        (lambda a: a.clip(0).astype(np.uint8), "unknown pixels become sky"),
        (lambda a: np.where(a == -1, 255, a), "not −1 alone"),
        (lambda a: a, "still there"),
        (lambda a: a.astype(np.int16), "still there"),
        (lambda a: np.where(a < 0, 0, a), "unknown pixels become sky"),
        (lambda a: a[a >= 0], "not left out"),
        (lambda a: np.where(a < 0, 255, 0), "the known classes got lost"),
        (lambda a: np.where(a < 0, 255, a), "an array of uint8, not int64"),
        (lambda a: to_labels(a).astype(float), "an array of uint8, not float64"),
        (lambda a: tuple(to_labels(a).tolist()), "an array of uint8, not tuple"),
        (lambda a: to_labels(a)[None], "shape (2, 3) is wanted, got (1, 2, 3)"),
    ],
    "check_resize_mask": [
        (resized(cv2.INTER_LINEAR), "averaging invents classes"),
        (resized(cv2.INTER_LINEAR, np.float32), "averaging invents classes"),
        (resized(cv2.INTER_CUBIC), "averaging invents classes"),
        (resized(cv2.INTER_AREA), "averaging invents classes"),
        (lambda m, h, w: resize_mask(m, w, h), "cv2.resize wants (width, height)"),
        (lambda m, h, w: m, "shape (6, 10) is wanted, got (12, 20)"),
        (lambda m, h, w: resize_mask(m, h, w).astype(np.float32), "(uint8), not float32"),
        (lambda m, h, w: resize_mask(m, h, w) / 255, "preserve_range=True"),
        (lambda m, h, w: np.resize(m, (h, w)), "not cropped"),
        (lambda m, h, w: resize_mask(m[: len(m) // 2], h, w), "not cropped"),
        (lambda m, h, w: resize_mask(m, h, w)[::-1], "not cropped"),
        (lambda m, h, w: np.zeros((h, w), np.uint8), "not cropped"),
        (lambda m, h, w: resize_mask(m, h, w) * np.nan, "nan is not a class"),
    ],
    "check_class_accuracies": [
        (lambda m: (hits(m) / m.sum(0)).mean(), "(columns): the precision"),
        (lambda m: known(m, hits(m) / m.sum(0)), "(columns): the precision"),
        (lambda m: hits(m).sum() / m.sum(), "the pixel accuracy"),
        (lambda m: recall(m).mean(), "gives 0 / 0"),
        (lambda m: np.nan_to_num(recall(m)).mean(), "counts as 0"),
        (lambda m: (hits(m) / np.maximum(m.sum(1), 1)).mean(), "counts as 0"),
        (lambda m: recall(m, 1e-9).mean(), "counts as 1"),
        (metrics.mean_iou, "what is wrongly found"),
        (lambda m: known(m, metrics.class_iou(m)), "by the rows' sums alone"),
        (recall, "now take their mean"),
        (lambda m: np.nan_to_num(recall(m)), "now take their mean"),
        (lambda m: recall(m)[m.sum(1) > 0], "one number is wanted"),
        (lambda m: 0.5, "a matrix with all classes: "),
    ],
    "check_frequency_weighted_iou": [
        (metrics.mean_iou, "each class has the same weight."),
        (lambda m: metrics.class_iou(m).mean(), "and an absent one gives 0 / 0"),
        (lambda m: np.nan_to_num(metrics.class_iou(m)).mean(), "and an absent one counts as 0"),
        (lambda m: weighted(m, 0) / m.sum(), "the weights are the true pixels"),
        (lambda m: (m.sum(1) * metrics.class_iou(m)).sum() / m.sum(), "class gives 0 / 0"),
        (weighted, "divide by the sum of the weights"),
        (lambda m: weighted(m) / m.sum() / len(m), "make it a mean already"),
        (lambda m: hits(m).sum() / m.sum(), "the pixel accuracy"),
        (metrics.class_iou, "now take their weighted mean"),
    ],
    "check_hausdorff": [
        (distances(ROOT_13, 0, ROOT_13), "the directions are swapped"),
        (distances(ROOT_13, ROOT_13, ROOT_13), "that way it is 0"),
        (distances(largest=0), "the larger counts."),
        (distances(largest=ROOT_13 / 2), "not their mean"),
        (distances(0, 13, 13), "distance squared"),
        (distances(largest=13), "distance squared"),
        (distances(0, 5, 5), "along the grid"),
        (distances(back=5), "along the grid"),
        (distances(0, 3, 3), "the larger of 2 rows and 3 columns"),
        (distances(0, ROOT_13 / 5, ROOT_13 / 5), "the mean over the pixels"),
        (distances(0, 3.6, 3.6), "unrounded"),
        (distances(0, 3.61, 3.61), "unrounded"),
        (distances(0, 3.606, 3.606), "unrounded"),
        (distances(0, 4, 4), "the numbers differ"),
        ([0, ROOT_13, ROOT_13], "keep `distances` a dictionary"),
        ({"hausdorff": ROOT_13}, "a number for “truth to prediction”"),
        (distances(back=...), "a number for “prediction to truth”"),
    ],
    "check_dice_loss": [
        (ratio_loss(lambda hit, total: 2 * hit / total), "gives 0 / 0"),
        (ratio_loss(lambda hit, total: 2 * hit / max(total, 1e-9)), "above and below"),
        (ratio_loss(lambda hit, total: 2 * hit / (total + 1)), "above and below"),
        (ratio_loss(lambda hit, total: np.divide(2 * hit + 1, total)), "above and below"),
        (ratio_loss(lambda hit, total: (2 * hit + 1e-9) / (total + 1e-9)), "add 1, no less"),
        (soft_dice, "the loss is 1 minus it"),
        (lambda t, p: -soft_dice(t, p), "minus the coefficient"),
        (lambda t, p: 1 - soft_dice(t, p > 0.5), "there is no gradient"),
        (ratio_loss(lambda hit, total: (hit + 1) / (total + 1)), "the 2 before"),
        (ratio_loss(lambda hit, total: (hit + 1) / (total - hit + 1)), "IoU's loss"),
        (
            lambda t, p: 1 - (2 * (t * p).sum() + 1) / ((t**2).sum() + (p**2).sum() + 1),
            "V-Net's form",
        ),
        (lambda t, p: 1 - soft_dice(1 - t, 1 - p), "Dice of the background"),
        (lambda t, p: 1 - 2 * t * p, "one number is wanted, got an array of shape (3, 4)"),
    ],
    "check_split": [
        (lambda n, share, seed: np.split(np.arange(n), [n - round(n * share)]), "sorted order"),
        (lambda n, share, seed: np.split(np.arange(n), [round(n * share)])[::-1], "sorted order"),
        (shuffled_twice, "is in both halves"),
        (with_replacement, "occurs twice"),
        (lambda *a: (split(*a)[0][1:], split(*a)[1]), "is in neither half"),
        (unseeded, "the same seed gave two splits"),
        (lambda n, share, seed: split(n, share, 7), "two seeds gave the same split"),
        (lambda *a: split(*a)[::-1], "the shares are swapped"),
        (lambda n, share, seed: split(n, 1 - share, seed), "the shares are swapped"),
        (
            lambda n, share, seed: np.split(
                np.random.default_rng(seed).permutation(n), [n - int(n * share)]
            ),
            "of 23 images 7 belong in validation, got 6",
        ),
        (lambda n, share, seed: np.arange(n), "a pair is wanted"),
        (lambda *a: [np.isin(np.arange(a[0]), half) for half in split(*a)], "np.flatnonzero"),
        (lambda *a: [half + 1 for half in split(*a)], "the indices are 0 to 49"),
        (lambda *a: [half[None] for half in split(*a)], "shape [n]"),
        (lambda *a: ("train", "validation"), "whole numbers"),
        (lambda *a: (split(*a)[0], ...), "one half of it is missing"),
    ],
    "check_padded_size": [
        (lambda h, w: (h // 32 * 32, w // 32 * 32), "that rounds down"),
        (lambda h, w: ((h // 32 + 1) * 32, (w // 32 + 1) * 32), "stays as it is"),
        (lambda h, w: (-(-h // 16) * 16, -(-w // 16) * 16), "multiples of 16"),
        (lambda h, w: (-(-h // 64) * 64, -(-w // 64) * 64), "multiples of 64"),
        (lambda h, w: padded_size(w, h), "swapped"),
        (lambda h, w: (round(h / 32) * 32, round(w / 32) * 32), "to the nearest"),
        (lambda h, w: (-h % 32, -w % 32), "the rows and columns to add"),
        (lambda h, w: (-(-h // 32), -(-w // 32)), "multiply again"),
        (lambda h, w: (max(padded_size(h, w)),) * 2, "need not be square"),
        (lambda h, w: (h + 32, w + 32), "not 32 more"),
        (lambda h, w: tuple(map(float, padded_size(h, w))), "give whole numbers"),
        (lambda h, w: (256, 320), "height of 224 × 288: 224 is right, got 256"),
        (lambda h, w: padded_size(h, w)[0], "a pair (height, width) is wanted, got int"),
    ],
    "check_preprocess": [
        (lambda x: 2.0 * (x - x.min()) / np.ptp(x) - 1, "stretches each picture"),
        (lambda x: x / 255, "that is [0, 1]"),
        (lambda x: x / 255 - 0.5, "that is [−0.5, 0.5]"),
        (lambda x: x / 127.5, "that is [0, 2]"),
        (lambda x: 1 - x / 127.5, "black and white"),
        (lambda x: x / 128 - 1, "not 128"),
        (lambda x: (x - 128.0) / 128, "not 128"),
        (lambda x: x / 127 - 1, "not 127"),
        (lambda x: (x - 127.0) / 127, "not 127"),
        (lambda x: x // 127.5 - 1, "divide with `/`"),
        (lambda x: (x / 127.5 - 1).astype(int), "cut to whole numbers"),
        (lambda x: (x / 127.5 - 1).astype(x.dtype), "must be of a float type"),
        (lambda x: x[..., ::-1] / 127.5 - 1, "trained on RGB"),
        (lambda x: x, "as they were"),
        (lambda x: 2 * x / 255 - 1, "overflow on the way"),
        (lambda x: (x - 127) / 127, "overflow when you subtract"),
        (lambda x: (x - 128) / 128, "overflow when you subtract"),
        (lambda x: x[0] / 127.5 - 1, "the shape stays (2, 2, 3)"),
        (lambda x: x * 0.0, "the numbers differ"),
    ],
    "check_share_left": [
        (lambda m, n: 1 - m**n, "the share of the new"),
        (lambda m, n: m * n, "a power, not a product"),
        (lambda m, n: (1 - m) ** n, "1 − momentum is new"),
        (lambda m, n: 1 - (1 - m) * n, "goes below 0"),
        (lambda m, n: m, "that is one step"),
        (lambda m, n: float(n) ** m, "swapped"),
        (lambda m, n: m ** (n + 1), "one step too many"),
        (lambda m, n: 0.5, "momentum 0.99, 100 steps: 0.366032 is right, got 0.5"),
    ],
    "check_trainable_share": [
        (lambda m: np.mean([layer.trainable for layer in m.layers]), "counts layers"),
        (lambda m: len(m.trainable_weights) / len(m.weights), "counts arrays"),
        (lambda m: 1 - trainable_share(m), "that is frozen"),
        (lambda m: 100 * trainable_share(m), "in percent"),
        (
            lambda m: numbers(m.trainable_weights) / numbers(m.non_trainable_weights),
            "not by the frozen ones",
        ),
        (lambda m: numbers(m.trainable_weights), "that is how many"),
        (frozen_too, "moving mean and variance"),
        (lambda m: trainable_share(m) / trainable_share(m), "not model.trainable_weights"),
        (lambda m: 0.4, "the same with no layer frozen: 0.828571 is right, got 0.4"),
    ],
}
