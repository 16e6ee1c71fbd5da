"""Scores for segmentation, nearly all read off one confusion matrix.

Count once, in whole numbers, over as many batches as there are; divide once, at the end. Pixel
accuracy, class accuracy, IoU and Dice are functions of the same matrix, so two scores can never
disagree about what was counted. Two scores need more than counts: average precision needs the
order of the pixels by score, the Hausdorff distance needs to know where the pixels are.

Notation as in Long, Shelhamer and Darrell, "Fully Convolutional Networks for Semantic
Segmentation", CVPR 2015: ``n_ij`` is the number of pixels of class ``i`` predicted as class ``j``.
"""

import numpy as np

from course_utils.datasets import IGNORE, check_not_black_and_white

# The confusion matrix


def confusion_matrix(truth, prediction, n_classes, ignore=IGNORE):
    """Count how often each true class was predicted as each class.

    The matrices of several batches add up to that of all of them.

    Parameters
    ----------
    truth, prediction : array_like of int
        Class numbers, same shape, any number of dimensions. Values in ``0 … n_classes - 1``;
        ``truth`` may also hold `ignore`.
    n_classes : int
        Number of classes, at least 1.
    ignore : int or None, optional
        Pixels whose *true* class has this value are not counted. ``None`` counts every pixel.

    Returns
    -------
    ndarray of int64, shape [n_classes, n_classes]
        Row: true class. Column: predicted class.

    Raises
    ------
    ValueError
        If the shapes differ, a class number lies outside ``0 … n_classes - 1``, or of two classes
        the truth holds nothing but 0 and 255, which is taken for black and white. Where 255 does
        mean unknown, leave those pixels out: ``truth[truth != 255]``.
    TypeError
        If an array holds something other than whole numbers or booleans (scores or
        probabilities, say): threshold or ``argmax`` them first.
    """
    if n_classes < 1:
        raise ValueError(f"n_classes must be at least 1, got {n_classes}.")
    truth, prediction = _class_numbers("truth", truth), _class_numbers("prediction", prediction)
    hint = "A trailing channel axis of 1? Drop it with mask[..., 0]."
    _check_same_shape(truth, prediction=prediction, hint=hint)
    if ignore is not None and not (known := truth != ignore).all():
        if n_classes == 2 and ignore == IGNORE:
            check_not_black_and_white("truth", truth)
        truth, prediction = truth[known], prediction[known]
    for name, classes in (("truth", truth), ("prediction", prediction)):
        if classes.size and (classes.min() < 0 or classes.max() >= n_classes):
            raise ValueError(
                f"{name} holds class numbers from {classes.min()} to {classes.max()}, expected "
                f"0 to {n_classes - 1}. A mask stored as 0 and 255 needs (mask > 0) first."
            )
    # One number per pixel, row * n_classes + column, so that a single histogram is the matrix.
    pair = truth.astype(np.intp) * n_classes + prediction.astype(np.intp)
    counts = np.bincount(pair.ravel(), minlength=n_classes**2)
    return counts.astype(np.int64).reshape(n_classes, n_classes)


def _class_numbers(name, values):
    values = np.asarray(values)
    if values.dtype == bool:
        values = values.view(np.uint8)
    if values.size and not np.issubdtype(values.dtype, np.integer):
        raise TypeError(
            f"{name} must hold class numbers (integers or booleans), got {values.dtype}. "
            "Turn scores into classes first: logits > 0, probabilities > 0.5, or argmax."
        )
    return values


def _check_same_shape(truth, hint="", **other):
    ((name, values),) = other.items()
    if truth.shape != values.shape:
        raise ValueError(
            f"truth has shape {truth.shape} but {name} has shape {values.shape}: "
            f"they must be equal. {hint}".rstrip()
        )


# Functions of the matrix


def pixel_accuracy(matrix):
    """Share of pixels whose class is right, Σ n_ii / ΣΣ n_ij.

    Parameters
    ----------
    matrix : array_like of int, shape [k, k]
        Confusion matrix, rows true classes.

    Returns
    -------
    float
        In [0, 1], or NaN where nothing was counted.
    """
    matrix = _square(matrix)
    return _divide(np.trace(matrix), matrix.sum()).item()


def class_accuracy(matrix):
    """Share of each class's pixels that are found, n_ii / Σ_j n_ij.

    The recall (sensitivity) of the class. What is wrongly predicted as the class costs nothing
    here: a prediction of one class everywhere has accuracy 1 for that class.

    Parameters
    ----------
    matrix : array_like of int, shape [k, k]
        Confusion matrix, rows true classes.

    Returns
    -------
    ndarray of float64, shape [k]
        In [0, 1]; NaN for a class that is not in the truth.
    """
    matrix = _square(matrix)
    return _divide(np.diag(matrix), matrix.sum(1))


def mean_class_accuracy(matrix):
    """Mean of `class_accuracy` over the classes in the truth; also called balanced accuracy.

    Parameters
    ----------
    matrix : array_like of int, shape [k, k]
        Confusion matrix, rows true classes.

    Returns
    -------
    float
        In [0, 1], or NaN where nothing was counted.
    """
    return _mean_of_known(class_accuracy(matrix))


def class_precision(matrix):
    """Share of what is predicted as a class that is of it, n_ii / Σ_j n_ji.

    Parameters
    ----------
    matrix : array_like of int, shape [k, k]
        Confusion matrix, rows true classes.

    Returns
    -------
    ndarray of float64, shape [k]
        In [0, 1]; NaN for a class that is predicted nowhere.
    """
    matrix = _square(matrix)
    return _divide(np.diag(matrix), matrix.sum(0))


def class_iou(matrix):
    """Intersection over union (Jaccard index) of each class, n_ii / (Σ_j n_ij + Σ_j n_ji − n_ii).

    Parameters
    ----------
    matrix : array_like of int, shape [k, k]
        Confusion matrix, rows true classes.

    Returns
    -------
    ndarray of float64, shape [k]
        In [0, 1]; NaN for a class that is neither in the truth nor in the prediction, which
        `mean_iou` leaves out.
    """
    matrix = _square(matrix)
    hit = np.diag(matrix)
    return _divide(hit, matrix.sum(0) + matrix.sum(1) - hit)


def mean_iou(matrix):
    """Mean of `class_iou` over the classes that occur in truth or prediction.

    Parameters
    ----------
    matrix : array_like of int, shape [k, k]
        Confusion matrix, rows true classes.

    Returns
    -------
    float
        In [0, 1], or NaN where nothing was counted.
    """
    return _mean_of_known(class_iou(matrix))


def frequency_weighted_iou(matrix):
    """Mean of `class_iou`, each class weighted by its share of the true pixels.

    Σ_i t_i IoU_i / Σ_i t_i with t_i = Σ_j n_ij. A class that is not in the truth has weight 0, so a
    false alarm for it shows only in the IoU of the classes that it took pixels from.

    Parameters
    ----------
    matrix : array_like of int, shape [k, k]
        Confusion matrix, rows true classes.

    Returns
    -------
    float
        In [0, 1], or NaN where nothing was counted.
    """
    pixels = _square(matrix).sum(1)
    return _divide(np.nansum(pixels * class_iou(matrix)), pixels.sum()).item()


def class_dice(matrix):
    """Dice coefficient (F1 score) of each class, 2 n_ii / (Σ_j n_ij + Σ_j n_ji).

    Always at least the IoU of the same class: Dice = 2 IoU / (1 + IoU).

    Parameters
    ----------
    matrix : array_like of int, shape [k, k]
        Confusion matrix, rows true classes.

    Returns
    -------
    ndarray of float64, shape [k]
        In [0, 1]; NaN for a class that is neither in the truth nor in the prediction.
    """
    matrix = _square(matrix)
    return _divide(2 * np.diag(matrix), matrix.sum(0) + matrix.sum(1))


def summary(matrix):
    """Return the four scores that sum a whole matrix up in one number each.

    Parameters
    ----------
    matrix : array_like of int, shape [k, k]
        Confusion matrix, rows true classes.

    Returns
    -------
    dict of str to float
        ``pixel_accuracy``, ``class_accuracy`` (the mean), ``miou`` and ``weighted_iou``, each in
        [0, 1], or NaN where nothing was counted.
    """
    return {
        "pixel_accuracy": pixel_accuracy(matrix),
        "class_accuracy": mean_class_accuracy(matrix),
        "miou": mean_iou(matrix),
        "weighted_iou": frequency_weighted_iou(matrix),
    }


def _square(matrix):
    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"A confusion matrix is square, got shape {matrix.shape}.")
    return matrix


def _divide(numerator, denominator):
    numerator, denominator = np.asarray(numerator, float), np.asarray(denominator, float)
    nan = np.full(numerator.shape, np.nan)
    return np.divide(numerator, denominator, out=nan, where=denominator > 0)


def _mean_of_known(values):
    known = values[~np.isnan(values)]
    return known.mean().item() if known.size else float("nan")


# Straight from masks


def class_shares(masks, n_classes, ignore=IGNORE):
    """Return the share of each class among the known pixels.

    Parameters
    ----------
    masks : array_like of int
        Class numbers, any shape; may also hold `ignore`.
    n_classes, ignore
        As in `confusion_matrix`.

    Returns
    -------
    ndarray of float64, shape [n_classes]
        They add up to 1, or are NaN where nothing is known.
    """
    pixels = confusion_matrix(masks, np.zeros(np.shape(masks), np.uint8), n_classes, ignore).sum(1)
    return _divide(pixels, pixels.sum())


def median_frequency_weights(masks, n_classes, ignore=IGNORE):
    """Return a weight for each class: the median frequency over its own frequency.

    The frequency of a class is its share of the pixels of the pictures that show it, so a class
    that few pictures show is not weighted up for that.

    Parameters
    ----------
    masks : ndarray of int, shape [N, H, W]
        Class numbers of the training pictures; may also hold `ignore`, whose pixels count in none.
    n_classes : int
    ignore : int, optional

    Returns
    -------
    ndarray of float64, shape [n_classes]
        0 for a class that is in no picture.

    References
    ----------
    D. Eigen, R. Fergus, "Predicting Depth, Surface Normals and Semantic Labels with a Common
    Multi-Scale Convolutional Architecture", ICCV 2015, https://arxiv.org/abs/1411.4734
    """
    pixels = np.stack([(masks == number).sum(axis=(1, 2)) for number in range(n_classes)])
    of_pictures = ((masks != ignore).sum(axis=(1, 2)) * (pixels > 0)).sum(axis=1)
    found = of_pictures > 0
    frequency = pixels.sum(axis=1)[found] / of_pictures[found]
    weights = np.zeros(n_classes)
    weights[found] = np.median(frequency) / frequency
    return weights


def binary_scores(truth, prediction, name="foreground"):
    """Return the scores of a two-class prediction that the scoreboards show.

    Parameters
    ----------
    truth, prediction : array_like of int
        Class numbers 0 and 1, same shape; `truth` may also hold `IGNORE`.
    name : str, optional
        What class 1 is called in the result.

    Returns
    -------
    dict of str to float
        ``pixel_accuracy``, ``miou``, ``<name>_iou`` and ``<name>_dice``, each in [0, 1] or NaN.
    """
    matrix = confusion_matrix(truth, prediction, n_classes=2)
    return {
        "pixel_accuracy": pixel_accuracy(matrix),
        "miou": mean_iou(matrix),
        f"{name}_iou": class_iou(matrix)[1].item(),
        f"{name}_dice": class_dice(matrix)[1].item(),
    }


def constant_scores(truth, n_classes, ignore=IGNORE):
    """Return the scores of the simplest answer: the most frequent class at every pixel.

    What a model has to beat. Of equally frequent classes the first.

    Parameters
    ----------
    truth : array_like of int
        Class numbers, any shape; may also hold `ignore`.
    n_classes, ignore
        As in `confusion_matrix`.

    Returns
    -------
    dict of str to float
        As `summary`.
    """
    pixels = confusion_matrix(truth, np.zeros(np.shape(truth), np.uint8), n_classes, ignore).sum(1)
    matrix = np.zeros((n_classes, n_classes), np.int64)
    matrix[:, pixels.argmax()] = pixels
    return summary(matrix)


def image_iou(truths, predictions, class_id=1):
    """Return the IoU of one class in each image by itself.

    Parameters
    ----------
    truths, predictions : array_like of int, shape [N, H, W]
        Class numbers; `truths` may also hold `IGNORE`.
    class_id : int, optional
        The class.

    Returns
    -------
    ndarray of float64, shape [N]
        In [0, 1]; NaN for an image in which the class is neither true nor predicted.

    Raises
    ------
    ValueError, TypeError
        As `confusion_matrix`.
    """
    truths = _class_numbers("truths", truths)
    predictions = _class_numbers("predictions", predictions)
    check_not_black_and_white("truths", truths)
    ious = []
    for truth, prediction in zip(truths, predictions, strict=True):
        _check_same_shape(truth, prediction=prediction)
        known = truth != IGNORE
        # Two classes are enough here: the one asked for, and all others together.
        pair = truth[known] == class_id, prediction[known] == class_id
        ious.append(class_iou(confusion_matrix(*pair, 2))[1])
    return np.array(ious)


def foreground_ious(truth, prediction, batch_size=16, smooth=1e-5):
    """Return the IoU of the foreground, averaged in three ways that do not agree.

    Parameters
    ----------
    truth, prediction : array_like of {0, 1}, shape [N, H, W]
    batch_size : int, optional
        Images per batch, in the order given; the last batch may be shorter.
    smooth : float, optional
        Added to intersection and union, in pixels, so that where both are empty the IoU is 1.

    Returns
    -------
    dict of str to float
        Each in [0, 1]: ``iou_batches``, the mean over batches of the batch's IoU; ``iou_pixels``,
        one IoU of all pixels together; ``iou_images``, the mean over images.

    Raises
    ------
    ValueError
        If the masks are not of one shape [N, H, W], there are none, or they hold something other
        than 0 and 1.
    """
    truth, prediction = _binary_masks(truth, prediction)
    hit = (truth & prediction).sum(axis=(1, 2))
    union = (truth | prediction).sum(axis=(1, 2))

    def mean_over(size):
        firsts = np.arange(0, len(truth), size)
        hits, unions = np.add.reduceat(hit, firsts), np.add.reduceat(union, firsts)
        return ((hits + smooth) / (unions + smooth)).mean().item()

    sizes = {"iou_batches": batch_size, "iou_pixels": len(truth), "iou_images": 1}
    return {name: mean_over(size) for name, size in sizes.items()}


def pieces_hit(truth, prediction):
    """Count the pixels of each connected piece of the truth, and how many of them were found.

    Pixels that touch at a side or a corner are of one piece.

    Parameters
    ----------
    truth, prediction : array_like of {0, 1}, shape [N, H, W]

    Returns
    -------
    sizes, hits : ndarray of int, one entry per piece
        Pixels of the piece, and those of them where the prediction is 1: 0 if it was overlooked.

    Raises
    ------
    ValueError
        If the masks are not of one shape [N, H, W], there are none, or they hold something other
        than 0 and 1.
    """
    from scipy import ndimage  # takes longer to import than the rest of the package

    truth, prediction = _binary_masks(truth, prediction)
    touching = np.zeros((3, 3, 3))
    touching[1] = 1  # within an image, not from one image to the next
    pieces, count = ndimage.label(truth, touching)
    hits = np.bincount(pieces[prediction], minlength=count + 1)
    return np.bincount(pieces.ravel())[1:], hits[1:]


def _binary_masks(truth, prediction):
    truth, prediction = np.asarray(truth), np.asarray(prediction)
    if truth.ndim != 3 or truth.shape != prediction.shape or not len(truth):
        raise ValueError(
            f"truth {truth.shape} and prediction {prediction.shape} must be of one shape [N, H, W] "
            "with at least one image."
        )
    _check_binary("truth", truth)
    _check_binary("prediction", prediction)
    return truth.astype(bool), prediction.astype(bool)


# More than counts


def precision_recall_curve(truth, score, ignore=IGNORE):
    """Precision and recall of one class at every threshold, with every pixel a decision.

    Parameters
    ----------
    truth : array_like of int or bool
        1 where the pixel is of the class, 0 where not, any shape; may also hold `ignore`.
    score : array_like of float, same shape
        How sure the model is that the pixel is of the class: a probability or a logit, for only the
        order counts. Not NaN.
    ignore : int or None, optional
        Pixels whose truth has this value are not counted. ``None`` counts every pixel.

    Returns
    -------
    precision, recall : ndarray of float64, shape [T]
        In [0, 1], one for each distinct score, from the strictest threshold, where the recall is
        least, to the laxest, where it is 1. Empty where no pixel is of the class.

    Raises
    ------
    ValueError
        If the shapes differ, `truth` holds something other than 0 and 1, or `score` holds NaN.
    """
    truth, score = np.asarray(truth), np.asarray(score, np.float64)
    hint = "Take one class at a time: (truth == i, probabilities[..., i])."
    _check_same_shape(truth, score=score, hint=hint)
    known = np.ones(truth.shape, bool) if ignore is None else truth != ignore
    truth, score = truth[known], score[known]
    _check_binary("truth", truth)
    if np.isnan(score).any():
        raise ValueError("score holds NaN, which has no place in an order.")
    if not truth.any():
        return np.empty(0), np.empty(0)
    order = np.argsort(-score, kind="stable")
    truth, score = truth[order], score[order]
    # Equal scores stand or fall together: the curve has a point only at the last of them.
    last = np.flatnonzero(np.append(score[1:] != score[:-1], True))
    found = np.cumsum(truth, dtype=np.int64)[last]
    return found / (last + 1), found / found[-1]


def average_precision(truth, score, ignore=IGNORE):
    """Area under the precision-recall curve of one class.

    Σ_n (R_n − R_{n−1}) P_n over the thresholds between distinct scores, without interpolation: the
    definition of scikit-learn's ``average_precision_score``. A random score has, on average, the
    share of positive pixels.

    Parameters
    ----------
    truth, score, ignore
        As in `precision_recall_curve`, which also says what raises.

    Returns
    -------
    float
        In (0, 1]; NaN where no pixel is of the class.
    """
    precision, recall = precision_recall_curve(truth, score, ignore)
    return np.sum(np.diff(recall, prepend=0.0) * precision).item() if recall.size else float("nan")


def border_distance(masks, ignore=IGNORE):
    """How far each pixel is from the nearest pixel of another class in its picture.

    Parameters
    ----------
    masks : array_like of int, shape [H, W] or [N, H, W]
        Class numbers; may also hold `ignore`, which is neither inside nor outside a class.
    ignore : int, optional
        The number of unknown pixels.

    Returns
    -------
    ndarray of float64, same shape
        In pixels between centers: 1 for a pixel with another class beside it. NaN at unknown
        pixels, infinite where a picture holds one class only.

    Raises
    ------
    ValueError
        If `masks` has another number of axes.
    """
    from scipy import ndimage

    masks = np.asarray(masks)
    if masks.ndim not in (2, 3):
        raise ValueError(f"masks must be [H, W] or [N, H, W], got {masks.shape}.")
    if masks.ndim == 3:
        return np.stack([border_distance(mask, ignore) for mask in masks])
    distance = np.full(masks.shape, np.nan)
    for number in np.setdiff1d(masks, [ignore]):
        inside, others = masks == number, (masks != number) & (masks != ignore)
        distance[inside] = (
            ndimage.distance_transform_edt(~others)[inside] if others.any() else np.inf
        )
    return distance


def detail_scores(truth, prediction, small_class, reach=2, most=64):
    """Score apart what a mean over all pixels hides: borders and small things.

    Parameters
    ----------
    truth, prediction : array_like of int, shape [N, H, W]
        Class numbers; where the truth is `IGNORE`, nothing is counted.
    small_class : int
        The class whose pieces are looked at.
    reach : int, optional
        A pixel is near a border if another class is at most so many pixels away.
    most : int, optional
        A connected piece of the truth is small if it has at most so many pixels.

    Returns
    -------
    dict of str to float
        ``near_borders`` and ``inside``, the shares of right pixels near borders and elsewhere, and
        ``small_things``, the share that was found of the pixels of small pieces. NaN where there is
        no such pixel.
    """
    truth, prediction = np.asarray(truth), np.asarray(prediction)
    sizes, hits = pieces_hit(truth == small_class, prediction == small_class)
    distance, right = border_distance(truth), truth == prediction  # NaN is neither near nor far
    small = sizes <= most
    return {
        "near_borders": float(_divide(right[distance <= reach].sum(), (distance <= reach).sum())),
        "inside": float(_divide(right[distance > reach].sum(), (distance > reach).sum())),
        "small_things": float(_divide(hits[small].sum(), sizes[small].sum())),
    }


def hausdorff_distance(truth, prediction, percentile=100, spacing=1.0):
    """How far the borders of two regions are apart where they are farthest apart.

    From each border pixel of one mask the distance to the nearest border pixel of the other; of
    these the maximum, or a percentile; the larger of the two directions. One stray pixel decides
    the maximum, which is why the 95th percentile (HD95) is often reported instead.

    Parameters
    ----------
    truth, prediction : array_like of int or bool, shape [H, W]
        Binary masks, 1 inside the region. A border pixel is a pixel of the region that has one of
        its four neighbors outside; beyond the edge of the image is outside.
    percentile : float, optional
        In [0, 100]; 100 is the maximum.
    spacing : float or (float, float), optional
        Size of a pixel, or its height and width. The result has the same unit.

    Returns
    -------
    float
        At least 0. Infinite where one of the masks is empty, NaN where both are.

    Raises
    ------
    ValueError
        If the masks are not two-dimensional, differ in shape or hold something other than 0 and 1
        (unknown pixels have to be made one of the two first: ``truth == class_id`` makes them 0),
        `percentile` is outside [0, 100] or `spacing` is not positive.

    References
    ----------
    D. P. Huttenlocher, G. A. Klanderman, W. J. Rucklidge, "Comparing Images Using the Hausdorff
    Distance", IEEE TPAMI 15(9), 1993.
    """
    from scipy import ndimage

    truth, prediction = np.asarray(truth), np.asarray(prediction)
    for name, mask in {"truth": truth, "prediction": prediction}.items():
        if mask.ndim != 2:
            raise ValueError(
                f"{name} must have shape [H, W], got {mask.shape}: one image at a time."
            )
        _check_binary(name, mask)
    _check_same_shape(truth, prediction=prediction)
    if not 0 <= percentile <= 100:
        raise ValueError(f"percentile must be in [0, 100], got {percentile}.")
    spacing = np.broadcast_to(np.asarray(spacing, float), 2)
    if not (spacing > 0).all():
        raise ValueError(f"spacing must be positive, got {spacing.tolist()}.")
    if not (truth.any() and prediction.any()):
        return float("inf") if truth.any() or prediction.any() else float("nan")
    masks = truth.astype(bool), prediction.astype(bool)
    borders = [mask & ~ndimage.binary_erosion(mask) for mask in masks]
    to_truth, to_prediction = (ndimage.distance_transform_edt(~b, spacing) for b in borders)
    directed = to_prediction[borders[0]], to_truth[borders[1]]
    return max(np.percentile(distances, percentile).item() for distances in directed)


# Objects that are numbered one by one

BOWL_THRESHOLDS = tuple(k / 20 for k in range(10, 20))  # 0.5 … 0.95, where 0.6 is 0.6


def average_precision_of_objects(truths, predictions, thresholds=BOWL_THRESHOLDS):
    """Score whole objects as the 2018 Data Science Bowl did.

    A predicted object hits a true one where their IoU is *above* the threshold, which from 0.5 on
    it is for one pair at most. Of a picture TP / (TP + FP + FN) at each threshold, and their mean;
    of many pictures the mean.

    Parameters
    ----------
    truths, predictions : sequence of array_like of int, [H, W]
        For each picture 0 for the background and a number for each object. Sizes may differ.
    thresholds : sequence of float, optional
        In [0.5, 1).

    Returns
    -------
    dict
        ``score``, float in [0, 1]; the means ``by_image`` [N] and ``by_threshold`` [T]; ``pooled``
        [T], of the counts of all pictures together; and the counts ``tp``, ``fp``, ``fn``, int
        [N, T]. A picture with neither true nor predicted objects is NaN and has no part in the
        means; one without true objects in which something is predicted is 0.

    Raises
    ------
    ValueError, TypeError
        If there are not as many predictions as truths, a threshold is outside [0.5, 1), and as
        `object_overlaps`.

    References
    ----------
    J. C. Caicedo et al., "Nucleus segmentation across imaging experiments: the 2018 Data Science
    Bowl", Nature Methods 16, 2019
    """
    limits = np.asarray(thresholds, float)
    if limits.ndim != 1 or not limits.size or not ((limits >= 0.5) & (limits < 1)).all():
        raise ValueError(f"thresholds must be in [0.5, 1), got {thresholds}.")
    if len(truths) != len(predictions) or not len(truths):
        raise ValueError(
            f"{len(truths)} truths and {len(predictions)} predictions: one of each per picture."
        )
    counts = []
    for truth, prediction in zip(truths, predictions, strict=True):
        true, predicted, shared, true_sizes, sizes = object_overlaps(truth, prediction)
        iou = shared / (true_sizes[true] + sizes[predicted] - shared)
        tp = (iou[:, None] > limits).sum(0)
        counts.append([tp, np.count_nonzero(sizes) - tp, np.count_nonzero(true_sizes) - tp])
    counts = np.array(counts)  # [N, 3, T]
    each = _divide(counts[:, 0], counts.sum(1))
    known = ~np.isnan(each[:, 0])
    return {
        "score": _mean_of_known(each.mean(1)),
        "by_image": each.mean(1),
        "by_threshold": each[known].mean(0) if known.any() else np.full(limits.shape, np.nan),
        "pooled": _divide(counts[:, 0].sum(0), counts.sum((0, 1))),
        **dict(zip(("tp", "fp", "fn"), counts.swapaxes(0, 1), strict=True)),
    }


def object_errors(truth, prediction):
    """Tell what became of each object: found, merged, split or missed; and what was made up.

    Parameters
    ----------
    truth, prediction : array_like of int, shape [H, W]
        0 for the background and a number for each object.

    Returns
    -------
    dict of str to ndarray of int
        Numbers of true objects: ``merged``, where a predicted object holds more than half of this
        one and of another; ``split``, where more than half of each of several predicted ones lies
        in it; else ``found``, where one of them has an IoU above 0.5 with it; else ``missed``.
        Numbers of predicted objects: ``made_up``, those that took part in none of the first three.

    Raises
    ------
    ValueError, TypeError
        As `object_overlaps`.
    """
    true, predicted, shared, true_sizes, sizes = object_overlaps(truth, prediction)
    held, within = shared > true_sizes[true] / 2, shared > sizes[predicted] / 2
    pairs = {
        "merged": held & (np.bincount(predicted[held], minlength=sizes.size)[predicted] > 1),
        "split": within & (np.bincount(true[within], minlength=true_sizes.size)[true] > 1),
        "found": shared / (true_sizes[true] + sizes[predicted] - shared) > 0.5,
    }
    left, made_up = np.flatnonzero(true_sizes), np.flatnonzero(sizes)
    errors = {}
    for kind, which in pairs.items():
        errors[kind] = np.intersect1d(left, true[which])
        left, made_up = np.setdiff1d(left, true[which]), np.setdiff1d(made_up, predicted[which])
    return errors | {"missed": left, "made_up": made_up}


def object_overlaps(truth, prediction):
    """Count the pixels that the objects of two pictures share.

    Parameters
    ----------
    truth, prediction : array_like of int, shape [H, W]
        0 for the background and a number for each object, below 2²⁴, gaps allowed.

    Returns
    -------
    true, predicted, shared : ndarray of int, one entry per pair that shares a pixel
        The two objects' numbers, and the pixels that are in both.
    true_sizes, predicted_sizes : ndarray of int
        At each number the pixels of that object; 0 where there is none, as at the background's.

    Raises
    ------
    ValueError
        If the two are not of one shape [H, W], or hold other numbers.
    TypeError
        If they hold no whole numbers; a binary mask has to be numbered first.
    """
    from scipy import sparse  # takes longer to import than the rest of the package

    numbers, sizes = [], []
    for name, values in {"truth": truth, "prediction": prediction}.items():
        if np.asarray(values).dtype == bool:
            raise TypeError(f"{name} must number its objects: scipy.ndimage.label({name})[0].")
        values = _class_numbers(name, values)
        if values.ndim != 2 or not 0 <= values.min(initial=0) <= values.max(initial=0) < 1 << 24:
            raise ValueError(
                f"{name} must be one picture [H, W] of 0 and objects' numbers below 2**24; it has "
                f"shape {values.shape} and numbers to {values.max(initial=0)}. Of many pictures "
                "pass a list; skimage.segmentation.relabel_sequential numbers anew."
            )
        numbers.append(values.astype(np.int32))
        sizes.append(np.bincount(numbers[-1].ravel(), minlength=1))
        sizes[-1][0] = 0
    _check_same_shape(numbers[0], prediction=numbers[1])
    both = (numbers[0] > 0) & (numbers[1] > 0)
    pixels = np.ones(np.count_nonzero(both), np.int64), (numbers[0][both], numbers[1][both])
    # Equal pairs are summed up in the conversion; a table of all pairs would fill the memory.
    pairs = sparse.coo_array(pixels, shape=(sizes[0].size, sizes[1].size)).tocsr().tocoo()
    return pairs.row, pairs.col, pairs.data, *sizes


def _check_binary(name, mask):
    if not np.isin(mask, (0, 1)).all():
        raise ValueError(
            f"{name} must hold 0 and 1 only. Pick one class, {name} == class_id, or where a mask "
            f"is stored as 0 and 255: {name} > 0."
        )
