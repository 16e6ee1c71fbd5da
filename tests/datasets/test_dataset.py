"""What a data set in memory must be, and parts of it."""

import numpy as np
import pytest

from course_utils.datasets import IGNORE, Dataset

PARTS = {
    "images": np.arange(120, dtype=np.uint8).reshape(2, 4, 5, 3),
    "masks": np.full((2, 4, 5), IGNORE, np.uint8),
    "class_names": ("a", "b"),
    "ids": ("x", "y"),
    "groups": None,
    "source": "a test",
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"images": np.zeros((2, 4, 5, 3), np.float32)}, "images must be uint8"),
        ({"images": np.zeros((2, 4, 5), np.uint8)}, "images must be uint8"),
        ({"masks": np.zeros((2, 4, 6), np.uint8)}, "masks must be uint8 with shape"),
        ({"masks": np.zeros((2, 4, 5), np.int64)}, "masks must be uint8 with shape"),
        ({"masks": np.full((2, 4, 5), 2, np.uint8)}, r"labels \[2\] in the masks"),
        ({"masks": PARTS["masks"] * np.array([0, 1, 1, 0, 1], np.uint8)}, r"\(mask > 0\)"),
        ({"ids": ("x",)}, "1 ids for 2 images"),
        ({"groups": ("p",)}, "1 groups for 2 images"),
    ],
)
def test_a_dataset_that_does_not_fit(changes, words):
    with pytest.raises(ValueError, match=words):
        Dataset(**(PARTS | changes))


def test_a_dataset_cannot_be_changed():
    with pytest.raises(AttributeError):
        Dataset(**PARTS).source = "elsewhere"


def test_a_subset_keeps_what_belongs_together():
    masks = np.stack([np.full((4, 5), k, np.uint8) for k in (0, 1)])
    masks[:, 3] = IGNORE
    whole = Dataset(**(PARTS | {"masks": masks, "groups": ("p", "q")}))
    part = whole.subset([1, 0, 1])
    assert part.ids == ("y", "x", "y") and part.groups == ("q", "p", "q")
    np.testing.assert_array_equal(part.images, whole.images[[1, 0, 1]])
    np.testing.assert_array_equal(part.masks[:, 0, 0], [1, 0, 1])
    assert (part.class_names, part.source) == (whole.class_names, whole.source)
    for chosen in ([True, False], np.array([0], np.uint8), (-2,)):
        part = whole.subset(chosen)  # whose mask has background and unknown pixels alone
        assert part.ids == ("x",) and set(part.masks.flat) == {0, IGNORE}
    assert len(whole.subset([])) == 0 and Dataset(**PARTS).subset(np.array([1])).groups is None
    for chosen in ([2], [0.7, 1.2], [True]):
        with pytest.raises(IndexError):
            whole.subset(chosen)
