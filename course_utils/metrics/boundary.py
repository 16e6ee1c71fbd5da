"""The score that looks at the border of a region, not at its area."""

import numpy as np


def hausdorff_distance(truth, prediction, percentile=100, spacing=1.0):
    """How far the borders of two regions are apart where they are farthest apart.

    From each border pixel of one mask the distance to the nearest border pixel of the other; of
    these the maximum, or a percentile; the larger of the two directions. One stray pixel decides
    the maximum, which is why the 95th percentile (HD95) is often reported instead.

    Parameters
    ----------
    truth, prediction : array_like of int or bool, shape [H, W]
        Binary masks, 1 inside the region. A border pixel is a pixel of the region that has one of
        its four neighbours outside; beyond the edge of the image is outside.
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
    from scipy import ndimage  # takes longer to import than the rest of the package

    truth, prediction = _binary("truth", truth), _binary("prediction", prediction)
    if truth.shape != prediction.shape:
        raise ValueError(
            f"truth has shape {truth.shape} but prediction has shape {prediction.shape}: "
            "they must be equal."
        )
    if not 0 <= percentile <= 100:
        raise ValueError(f"percentile must be in [0, 100], got {percentile}.")
    spacing = np.broadcast_to(np.asarray(spacing, float), 2)
    if not (spacing > 0).all():
        raise ValueError(f"spacing must be positive, got {spacing.tolist()}.")
    if not (truth.any() and prediction.any()):
        return float("inf") if truth.any() or prediction.any() else float("nan")
    borders = [mask & ~ndimage.binary_erosion(mask) for mask in (truth, prediction)]
    to_truth, to_prediction = (ndimage.distance_transform_edt(~b, spacing) for b in borders)
    directed = to_prediction[borders[0]], to_truth[borders[1]]
    return max(np.percentile(distances, percentile).item() for distances in directed)


def _binary(name, mask):
    mask = np.asarray(mask)
    if mask.ndim != 2:
        raise ValueError(f"{name} must have shape [H, W], got {mask.shape}: one image at a time.")
    if not np.isin(mask, (0, 1)).all():
        raise ValueError(f"{name} must hold 0 and 1 only. Pick one class: {name} == class_id.")
    return mask.astype(bool)
