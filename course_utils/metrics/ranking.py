"""The score that needs no threshold."""

import numpy as np

from course_utils.datasets import IGNORE


def average_precision(truth, score, ignore=IGNORE):
    """Area under the precision-recall curve of one class, with every pixel a decision.

    Σ_n (R_n − R_{n−1}) P_n over the thresholds between distinct scores, without interpolation: the
    definition of scikit-learn's ``average_precision_score``. A random score has, on average, the
    share of positive pixels.

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
    float
        In (0, 1]; NaN where no pixel is of the class.

    Raises
    ------
    ValueError
        If the shapes differ, `truth` holds something other than 0 and 1, or `score` holds NaN.
    """
    truth, score = np.asarray(truth), np.asarray(score, np.float64)
    if truth.shape != score.shape:
        raise ValueError(
            f"truth has shape {truth.shape} but score has shape {score.shape}: they must be equal. "
            "Take one class at a time: average_precision(truth == i, probabilities[..., i])."
        )
    if ignore is not None:
        known = truth != ignore
        truth, score = truth[known], score[known]
    if not np.isin(truth, (0, 1)).all():
        raise ValueError("truth must hold 0 and 1 only. Pick one class: truth == class_id.")
    if np.isnan(score).any():
        raise ValueError("score holds NaN, which has no place in an order.")
    truth, score = truth.ravel(), score.ravel()
    if not truth.any():
        return float("nan")
    order = np.argsort(-score, kind="stable")
    truth, score = truth[order], score[order]
    # Equal scores stand or fall together: the curve has a point only at the last of them.
    last = np.flatnonzero(np.append(score[1:] != score[:-1], True))
    found = np.cumsum(truth, dtype=np.int64)[last]
    recall = found / found[-1]
    return np.sum(np.diff(recall, prepend=0.0) * found / (last + 1)).item()
