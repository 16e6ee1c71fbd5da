"""Chapter 03: a split that keeps the images of one group together."""

import numpy as np

from ._judge import call, say_right, say_wrong, unanswered

SEEDS = range(5)


def check_group_split(group_split):
    """Chapter 03: True for each validation image, with every group on one side."""
    sizes = [8, 2, 5, 6, 3, 7, 4, 5, 6, 4, 3, 7]
    numbers = [104, 209, 101, 260, 118, 111, 240, 190, 107, 130, 222, 175]
    # Shuffled, and with numbers that are neither 0, 1, 2, … nor indices of images.
    groups = np.random.default_rng(1).permutation(np.repeat(numbers, sizes))
    few = np.array([45, 30, 45, 62, 30, 62, 45, 45, 30, 62, 62, 62])
    cases = [(groups, 0.2, seed) for seed in SEEDS] * 2 + [(few, 0.1, 0), (groups, 0.6, 0)]
    # Where a share of the groups, or the first sum above or below, is not the nearest.
    even = np.repeat(np.arange(8) * 3 + 5, 10)
    uneven = np.repeat(np.arange(12) * 7 + 3, [2, 2, 20, 2, 2, 2, 2, 20, 2, 2, 2, 2])
    cases += [(even, share, seed) for share in (0.2, 0.3) for seed in SEEDS]
    cases += [(uneven, 0.5, seed) for seed in SEEDS]
    answers = [call(group_split, *case) for case in cases]
    if unanswered(answers):
        return None
    masks = []
    for answer, (case, share, _) in zip(answers, cases, strict=True):
        problem, mask = _as_mask(answer, case)
        problem = problem or _split_problem(mask, case, share)
        if problem:
            return say_wrong(problem)
        masks.append(mask)
    drawn, again = np.array(masks[: len(SEEDS)]), np.array(masks[len(SEEDS) : 2 * len(SEEDS)])
    if not np.array_equal(drawn, again):
        return say_wrong("the same seed gave two splits; draw with the seed that is handed over.")
    if (drawn == drawn[0]).all():
        return say_wrong("all seeds gave the same split; draw with the seed that is handed over.")
    return say_right()


def _as_mask(answer, groups):
    """Return what is wrong with an answer as a boolean array [N], and the array."""
    n, known = len(groups), np.unique(groups)
    wanted = f"an array of True and False is wanted, one for each of the {n} images"
    nothing = np.array([], bool)
    try:
        found = np.asarray(answer)
        numbers = found.astype(float)
    except Exception:  # whatever it is, it is no array of one kind
        if isinstance(answer, (tuple, list)) and len(answer) == 2:
            return f"{wanted}, not a pair: True marks validation.", nothing
        return f"{wanted}, got {type(answer).__name__}.", nothing
    if isinstance(answer, tuple) and len(answer) == 2:
        return f"{wanted}, not a pair: True marks validation.", nothing
    if found.dtype == bool and found.shape == (n,):
        return "", found
    if found.dtype == bool and found.shape == known.shape:
        return "that is one for each group; one for each image: np.isin(groups, chosen).", nothing
    if found.ndim != 1 or found.dtype == bool:
        return f"{wanted}, got shape {found.shape}.", nothing
    if not found.size:
        return f"{wanted}, got none.", nothing
    if np.isin(numbers, known).all():
        return "those are group numbers; np.isin(groups, chosen) says which images.", nothing
    if found.shape == (n,) and np.isin(numbers, (0, 1)).all():
        return (
            "0 and 1 are right for counting, but as an index they pick images 0 and 1: give True "
            "and False.",
            nothing,
        )
    if np.isin(numbers, np.arange(n)).all():
        return "those are indices of images; give True or False for each image.", nothing
    return f"{wanted}, got {found.dtype}.", nothing


def _split_problem(mask, groups, share):
    n, chosen = len(groups), int(mask.sum())
    if not chosen:
        return f"share {share}: no image is in validation; it holds at least one group."
    if chosen == n:
        return f"share {share}: every image is in validation; at least one group is to train on."
    both = np.intersect1d(groups[mask], groups[~mask])
    if both.size:
        return f"group {both[0]} is on both sides: draw groups, not images."
    if _may_be_nearest(mask, groups, share):
        return ""
    if _may_be_nearest(~mask, groups, share):
        return "the sides are swapped: True is validation, and `share` is validation's."
    change = "fewer" if chosen > share * n else "more"
    return (
        f"share {share} of {n} images is {share * n:g}, got {chosen}: one group {change} comes "
        "nearer. Count the images of the first group, the first two, and so on."
    )


def _may_be_nearest(mask, groups, share):
    """Tell whether some order of the groups makes this side the one nearest to the share.

    Its last group may be any of those inside, the next any of those outside.
    """
    inside, outside = (np.unique(groups[side], return_counts=True)[1] for side in (mask, ~mask))
    over = mask.sum() - share * len(groups)
    if over > 0:  # without its last group it would be further away, or empty
        return inside.size == 1 or 2 * over <= inside.max() + 1e-9
    return outside.size == 1 or -2 * over <= outside.max() + 1e-9
