"""Splits that keep together what belongs together."""

import numpy as np


def group_split(groups, share, seed=0):
    """Choose whole groups, such as patients, for validation (chapter 03).

    The groups come in a random order, and as many are taken as come nearest to the share.
    (`sklearn.model_selection.GroupShuffleSplit` takes a share of the groups, not of the images.)

    Parameters
    ----------
    groups : array_like, shape [N]
        The group of each image: numbers or names.
    share : float
        Share of the images to choose, in (0, 1); met as nearly as whole groups allow.
    seed : int, optional
        Of the order.

    Returns
    -------
    ndarray of bool, shape [N]
        True where the image was chosen. At least one group is, and at least one is not.

    Raises
    ------
    ValueError
        If there are fewer than two groups, or the share is out of range.
    """
    groups = np.asarray(groups)
    known, number, images = np.unique(groups, return_inverse=True, return_counts=True)
    if groups.ndim != 1 or len(known) < 2:
        raise ValueError(
            f"groups must name at least two groups, one entry per image; it has {len(known)} and "
            f"shape {groups.shape}."
        )
    if not 0 < share < 1:
        raise ValueError(f"share must be between 0 and 1, got {share}.")
    order = np.random.default_rng(seed).permutation(len(known))
    so_far = np.cumsum(images[order])[:-1]
    nearest = np.argmin(abs(so_far - share * len(groups)))
    return np.isin(number, order[: nearest + 1])
