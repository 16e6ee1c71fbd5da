"""Splits by group: nothing torn apart, the share met, the seed obeyed."""

import numpy as np
import pytest

from course_utils.datasets.splits import group_split

GROUPS = np.repeat([7, 3, 11, 20, 5, 6], [20, 16, 18, 25, 13, 8])


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.95])
def test_no_group_is_torn_apart(share):
    for seed in range(8):
        groups = np.random.default_rng(seed).permutation(GROUPS)
        chosen = group_split(groups, share, seed)
        assert chosen.dtype == bool and chosen.shape == groups.shape
        assert not set(groups[chosen]) & set(groups[~chosen])
        assert set(groups[chosen]) and set(groups[~chosen])
        assert abs(chosen.sum() - share * len(groups)) <= 25  # the largest group


def test_the_seed_decides_and_names_split_as_numbers():
    splits = [group_split(GROUPS, 0.3, seed).tobytes() for seed in range(8)]
    assert len(set(splits)) > 2
    names = [f"patient {group:02}" for group in GROUPS]
    assert [group_split(names, 0.3, seed).tobytes() for seed in range(8)] == splits


def test_takes_the_groups_that_come_nearest():
    groups = np.repeat(range(10), 10)
    order = np.random.default_rng(5).permutation(10)
    assert set(groups[group_split(groups, 0.34, 5)]) == set(order[:3])


@pytest.mark.parametrize("groups", [[], [1, 1, 1], [[1, 2], [3, 4]]])
def test_too_few_groups(groups):
    with pytest.raises(ValueError, match="groups must name at least two groups"):
        group_split(groups, 0.2)


@pytest.mark.parametrize("share", [0, 1, -0.1, 20, float("nan")])
def test_share_out_of_range(share):
    with pytest.raises(ValueError, match="share must be between 0 and 1"):
        group_split(GROUPS, share)
