"""Damaged masks are damaged as they say, and nowhere else."""

import numpy as np
import pytest

from course_utils import damage
from course_utils.datasets import IGNORE

MASK = np.array(
    [
        [0, 0, 0, 0, 0, 0],
        [0, 2, 2, 2, 2, 0],
        [0, 2, 2, 2, 2, 0],
        [0, 2, 2, 2, 2, IGNORE],
        [1, 1, 1, 1, 1, 1],
    ],
    np.uint8,
)


@pytest.mark.parametrize("name", ["shifted", "eroded", "dropped", "speckled"])
def test_no_damage_changes_nothing_and_the_mask_given_is_left_alone(name):
    before = MASK.copy()
    assert np.array_equal(getattr(damage, name)(MASK, 0), MASK)
    damaged = getattr(damage, name)(MASK, 20)
    assert np.array_equal(MASK, before)
    assert not np.array_equal(damaged, MASK)
    assert damaged.shape == MASK.shape
    assert damaged.dtype == MASK.dtype


def test_shifted_moves_to_the_right_and_repeats_the_edge():
    assert damage.shifted(MASK, 2)[1].tolist() == [0, 0, 0, 2, 2, 2]
    assert damage.shifted(MASK, 2)[3].tolist() == [0, 0, 0, 2, 2, 2]
    assert damage.shifted(MASK, 6)[4].tolist() == [1] * 6


def test_eroded_takes_the_rim_of_one_class():
    damaged = damage.eroded(MASK, 1)
    assert np.argwhere(damaged == 2).tolist() == [[2, 2], [2, 3]]
    changed = damaged != MASK
    assert np.unique(damaged[changed]).tolist() == [1]
    assert damaged[3, 5] == IGNORE
    assert (damage.eroded(MASK, 2) != 2).all()


def test_dropped_loses_the_left_part():
    assert damage.dropped(MASK, 50)[1].tolist() == [0, 1, 1, 2, 2, 0]
    assert (damage.dropped(MASK, 100) != 2).all()
    assert (damage.dropped(MASK, 100) == IGNORE).sum() == 1


def test_speckled_calls_single_pixels_of_one_class_another():
    few, more = damage.speckled(MASK, 3), damage.speckled(MASK, 5)
    assert (few != MASK).sum() == 3
    assert (more != MASK).sum() == 5
    assert set(MASK[more != MASK]) == {0}
    assert set(more[more != MASK]) == {2}
    assert (more != MASK)[few != MASK].all()
    assert (damage.speckled(MASK, 999) != MASK).sum() == (MASK == 0).sum()
