"""Chapter 04: label files to masks, masks of another size, a split."""

import numpy as np

from ._judge import as_numbers, call, judge, not_uint8, say_right, say_wrong, unanswered


def check_to_labels(to_labels):
    """Chapter 04: numbers of a label file to a mask; negative means unknown, 255."""
    numbers = np.array([[0, 7, -1], [3, -3, 5]])
    unknown = numbers < 0
    expected = np.where(unknown, 255, numbers)
    only_one = np.where(numbers == -1, 255, numbers)
    wraps = (
        "−3 became 253: uint8 wraps round, which is 255 for −1 alone. Set every negative to 255."
    )
    return judge(
        call(to_labels, numbers),
        expected,
        [
            (numbers % 256, wraps),
            (np.abs(numbers), "without its sign an unknown pixel has a class: −1 became tree."),
            (np.maximum(numbers, 0), "cut off at 0, unknown pixels become sky."),
            (np.minimum(only_one, 255), "every negative number is unknown, not −1 alone."),
            (numbers, "the negative numbers are still there; they should be 255."),
            (np.where(unknown, 255, 0), "the known classes got lost; they stay as they are."),
            (numbers[~unknown], "unknown pixels are marked with 255, not left out."),
        ],
        also=not_uint8,
    )


def check_resize_mask(resize_mask):
    """Chapter 04: a mask in another size, with the classes that it had."""
    rows, columns = np.indices((12, 20))
    mask = np.array([[0, 7, 2, 5], [5, 2, 7, 0], [7, 0, 5, 2], [2, 5, 0, 7]], np.uint8)
    mask = mask[rows // 3, columns // 5]
    sizes = [(6, 10), (12, 20), (8, 13), (16, 30)]
    answers = [call(resize_mask, mask, *size) for size in sizes]
    if unanswered(answers):
        return None
    for size, answer in zip(sizes, answers, strict=True):
        numbers = as_numbers(answer)
        if numbers is None:
            return None
        problem = _resized_problem(mask, numbers, size) or _not_whole(answer)
        if problem:
            return say_wrong(problem)
    return say_right()


def _resized_problem(mask, answer, size):
    height, width = size
    if answer.shape == (width, height):
        return f"{height} × {width} was asked for; cv2.resize wants (width, height)."
    if answer.shape != size:
        return f"shape {size} is wanted, got {answer.shape}."
    invented = np.setdiff1d(answer, mask)
    if np.isin(answer * 255, mask).all() and answer.any() and invented.size:
        return "the classes were divided by 255; skimage needs preserve_range=True."
    if invented.size:
        return (
            f"{invented[0]:g} is not a class of the mask: averaging invents classes. "
            "Take the nearest pixel."
        )
    near = np.zeros(size, bool)
    # The middle of each new pixel in the old mask, and the pixels around it: the ways to round
    # that libraries use differ by half a pixel.
    row, column = (
        np.rint((np.arange(new) + 0.5) * old / new - 0.5).astype(int)
        for new, old in zip(size, mask.shape, strict=True)
    )
    around = np.pad(mask, 1, mode="edge")
    for down in range(3):
        for right in range(3):
            near |= answer == around[row + down][:, column + right]
    if not near.all():
        i, j = np.argwhere(~near)[0]
        return (
            f"{height} × {width}: row {i}, column {j} shows a class that is elsewhere in the mask. "
            "The whole mask should be resized, not cropped, turned or repeated."
        )
    return ""


def check_split(split):
    """Chapter 04: train and validation indices, shuffled by a seed."""
    answers = [call(split, *case) for case in [(50, 0.2, 0), (50, 0.2, 0), (50, 0.2, 1)]]
    answers.append(call(split, 23, 0.3, 0))
    if unanswered(answers):
        return None
    splits = []
    for answer, n, share in zip(answers, (50, 50, 50, 23), (0.2, 0.2, 0.2, 0.3), strict=True):
        problem, found = _indices(answer, n)
        problem = problem or _split_problem(*found, n, round(n * share))
        if problem:
            return say_wrong(problem)
        splits.append(found)
    first, again, other = splits[:3]
    if not all(np.array_equal(a, b) for a, b in zip(first, again, strict=True)):
        return say_wrong("the same seed gave two splits; draw with the seed that is handed over.")
    if np.array_equal(np.sort(first[1]), np.sort(other[1])):
        return say_wrong("two seeds gave the same split; draw with the seed that is handed over.")
    return say_right()


def _indices(answer, n):
    """Return what is wrong with a pair of index arrays, and the pair."""
    nothing = np.array([]), np.array([])
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        return "a pair is wanted: train indices, validation indices.", nothing
    if any(part is ... or part is None for part in answer):
        return "a pair is wanted, and one half of it is missing.", nothing
    try:
        parts = [np.asarray(part) for part in answer]
        found = [part.astype(float) for part in parts]
    except Exception:  # whatever the halves are, they are no numbers
        return "indices are whole numbers.", nothing
    if any(part.dtype == bool for part in parts):
        return (
            "that is True or False for each image; the indices are wanted: np.flatnonzero.",
            found,
        )
    if any(part.ndim != 1 for part in found):
        return "each half is one row of indices, shape [n].", found
    every = np.concatenate(found)
    if not np.isin(every, np.arange(n)).all():
        return f"for {n} images the indices are 0 to {n - 1}.", found
    return "", found


def _split_problem(train, validation, n, wanted):
    both = np.intersect1d(train, validation)
    if both.size:
        return f"image {both[0]:g} is in both halves: shuffle once, then cut."
    every = np.concatenate([train, validation])
    if np.unique(every).size < every.size:
        return "an image occurs twice in one half: draw without putting back."
    if every.size < n:
        absent = np.setdiff1d(np.arange(n), every)
        return f"image {absent[0]} is in neither half."
    if len(validation) == n - wanted:
        return "the shares are swapped: `share` is that of validation, and train comes first."
    if len(validation) != wanted:
        return (
            f"of {n} images {wanted} belong in validation, got {len(validation)}: round(n * share)."
        )
    if np.ptp(validation) == wanted - 1 and (validation.min() == 0 or validation.max() == n - 1):
        return "that cuts the sorted order: neighbouring pictures look alike. Shuffle first."
    return ""


def _not_whole(answer):
    dtype = np.asarray(answer).dtype
    if np.issubdtype(dtype, np.integer):
        return ""
    return f"the classes are right, but a mask holds whole numbers (uint8), not {dtype}."
