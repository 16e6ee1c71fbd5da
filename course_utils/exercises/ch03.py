"""Chapter 03: sizes, parameters and channels of the U-Net, its decision, and a split by groups."""

import numpy as np

from .judge import Check, Missing, Wrong, call, look_up, not_whole, read_numbers, shown


def follow_side(down, up, bottom=4, poolings_more=0):
    """Make a function that follows a side through a U-Net, level by level."""

    def size_of(size, levels):
        for _ in range(levels + poolings_more):
            size = down(size)
        size -= bottom
        for _ in range(levels):
            size = up(size)
        return size

    return size_of


def _down(size):
    return (size - 4) // 2


def _up(size):
    return 2 * size - 4


check_unpadded_size = Check(
    "Side of the logits of a U-Net without padding, 572 to 388 with four poolings.",
    solution=follow_side(_down, _up),
    cases={f"size {n}, levels {k}": (n, k) for n, k in [(572, 4), (140, 2), (20, 1), (92, 3)]},
    mistakes={
        "a block has two convolutions, and each takes 2: 4 pixels a block.": [
            follow_side(lambda size: (size - 2) // 2, lambda size: 2 * size - 2, 2)
        ],
        "a convolution takes 1 pixel at each border, 2 in all; a block takes 4.": [
            follow_side(lambda size: (size - 8) // 2, lambda size: 2 * size - 8, 8)
        ],
        "that is with padding; without it each block takes 4 pixels.": [
            lambda size, levels: size,
            follow_side(lambda size: size // 2, lambda size: 2 * size, 0),
        ],
        "184 are lost with four levels; fewer lose less.": [lambda size, levels: size - 184],
        "the block at the bottom, below the last pooling, takes 4 too.": [
            follow_side(_down, _up, bottom=0)
        ],
        "the way up is missing: double `levels` times, each time followed by two convolutions.": [
            follow_side(_down, lambda size: size),
            follow_side(_down, lambda size: size, bottom=0),
        ],
        "the blocks of the way up take 4 pixels each, too.": [
            follow_side(_down, lambda size: 2 * size)
        ],
        "convolve before pooling (subtract, then halve) and after doubling.": [
            follow_side(lambda size: size // 2 - 4, _up),
            follow_side(lambda size: size // 2 - 4, _up, bottom=0),
            follow_side(lambda size: size / 2 - 4, _up),
            follow_side(lambda size: size / 2 - 4, _up, bottom=0),
            follow_side(_down, lambda size: 2 * (size - 4)),
        ],
        "one pooling too many: `levels` times; the bottom is not pooled.": [
            follow_side(_down, _up, poolings_more=1)
        ],
    },
    also=not_whole,
)


def _kernels(n, m):
    return 9 * n * m + 9 * m * m


MOVING = "a moving mean and variance are not trained"
A_BIAS = "has a bias for each channel that leaves it."

check_block_parameters = Check(
    "What a block of two convolutions and two batch normalizations learns.",
    solution=lambda n, m: _kernels(n, m) + 6 * m,
    cases={f"{n} channels in, {m} out": (n, m) for n, m in [(3, 64), (64, 128), (1024, 256)]},
    mistakes={
        "2 · channels_out are missing: each convolution has a bias, and each of the two "
        "batch normalizations a scale and a shift.": [lambda n, m: _kernels(n, m) + 4 * m],
        f"each of the two convolutions {A_BIAS}": [lambda n, m: _kernels(n, m) + 5 * m],
        "a batch normalization learns a scale and a shift for each channel.": [
            lambda n, m: _kernels(n, m) + 2 * m
        ],
        "those are the kernels; biases, scales and shifts are learned, too.": [_kernels],
        f"{MOVING}: two a channel, not four.": [lambda n, m: _kernels(n, m) + 10 * m],
        f"{MOVING}; the convolutions' biases are.": [lambda n, m: _kernels(n, m) + 8 * m],
        "channels_out enter the second convolution, not channels_in.": [
            lambda n, m: 2 * (9 * n * m + 3 * m)
        ],
        "channels_in enter the first convolution.": [lambda n, m: 2 * (9 * m * m + 3 * m)],
        "a 3×3 kernel has 9 numbers, not 3.": [lambda n, m: 3 * n * m + 3 * m * m + 6 * m],
        "a 3×3 kernel has 9 numbers, not 1.": [lambda n, m: n * m + m * m + 6 * m],
        "that is one convolution with its normalization; there are two.": [
            lambda n, m: 9 * n * m + 3 * m
        ],
        "there is a bias for each channel, not one a layer.": [
            lambda n, m: _kernels(n, m) + 2 + 4 * m
        ],
        f"the first convolution {A_BIAS}": [lambda n, m: _kernels(n, m) + n + 5 * m],
    },
    also=not_whole,
)


def _joins(*channels):
    return dict(zip(("up_3", "up_2", "up_1", "up_0"), channels, strict=True))


JOINS = _joins(1024, 512, 256, 128)


def _read_joins(channels):
    channels = look_up(channels, JOINS, "`channels` a dictionary from block to number of channels")
    if all(count is ... or count is None for count in channels.values()):
        raise Missing("a number for each block.")
    return read_numbers(JOINS, "")(channels)


def _first_wrong_join(numbers):
    """Return the hint of a mistake that explains the first wrong number alone."""
    (counts,) = numbers
    at, name = next((k, name) for k, name in enumerate(JOINS) if counts[k] != JOINS[name])
    hints = [hint for wrong, hint in check_join_channels.foreseen() if wrong[name] == counts[at]]
    hints.append("add the skip's channels to those of the map from below.")
    return f"{name} is not {counts[at]:g}: {hints[0]}"


check_join_channels = Check(
    "Channels that enter each decoder block of the 64-128-256-512-512 U-Net.",
    solution=JOINS,
    read=_read_joins,
    mistakes={
        "that is one map alone, skip or upsampled, or their sum; concatenated, both maps' channels "
        "enter.": [_joins(512, 256, 128, 64)],
        "those leave the block; more enter it.": [_joins(256, 128, 64, 64)],
        "from below comes the decoder block's map, which has fewer channels than the encoder's.": [
            _joins(1024, 768, 384, 192)
        ],
        "that is with a transposed convolution; bilinear upsampling keeps the channels.": [
            _joins(768, 384, 192, 128)
        ],
        "the lowest level has 512 channels here, not 1024.": [_joins(1536, 768, 384, 192)],
        "the order is turned round: up_3 is the lowest, up_0 the last.": [
            _joins(128, 256, 512, 1024)
        ],
        "the skip of up_i comes from down_i, not always from the first level.": [
            _joins(576, 320, 192, 128)
        ],
    },
    otherwise=_first_wrong_join,
)

LOGITS = np.random.default_rng(3).normal(0, 2, (2, 3, 4, 2))
LOGITS[0, 0, 0] = 1.5  # a tie
LOGITS[0, 0, 1] = -1, -0.7
LOGITS[0, 0, 2] = 2, 0.5


def _difference(logits):
    return logits[..., 1] - logits[..., 0]


def _sigmoid(logits):
    return 1 / (1 + np.exp(-_difference(logits)))


def _not_bool(answers):
    dtype = np.asarray(answers[0]).dtype
    if dtype.kind == "b":
        return ""
    return f"the decision is right, but a mask of True and False is wanted, not {dtype}."


check_same_decision = Check(
    "The mask of a two-channel softmax, decided by one logit.",
    solution=lambda z: _difference(z) > 0,
    cases=[(LOGITS,)],
    mistakes={
        "that is where class 0 wins: logit 1 − logit 0, above 0.": [
            lambda z: _difference(z) < 0,
            lambda z: _difference(z) <= 0,
        ],
        "at a tie `argmax` takes the first class: `>`, not `>=`.": [lambda z: _difference(z) >= 0],
        "a sigmoid is above 0.5 where the logit is above 0: compare the logit with 0.": [
            lambda z: _difference(z) > 0.5
        ],
        "a sigmoid is always above 0; its probability is compared with 0.5.": [
            lambda z: _sigmoid(z) > 0
        ],
        "that is the logit; decide: True where it is above 0.": [_difference],
        "that is the probability; decide: True where it is above 0.5.": [_sigmoid],
        "class 0's logit counts too: only the difference matters.": [
            lambda z: z[..., 1] > 0,
            lambda z: z[..., 1] > 0.5,
        ],
        "the mean does not tell the classes apart; the difference does.": [
            lambda z: z.mean(-1) > 0
        ],
        "the sum does not tell the classes apart; the difference does.": [
            lambda z: z.sum(-1) > 0.5
        ],
        "the axis of the classes is to go: logits[..., 1].": [lambda z: z[..., 1:] > z[..., :1]],
        "that decides each channel by itself; their difference is one logit.": [lambda z: z > 0],
        "the classes are along the last axis, whatever is before it: logits[..., 1].": [
            lambda z: z[:, :, 1] > z[:, :, 0]
        ],
    },
    also=_not_bool,
)


SEEDS = range(5)


def _group_cases():
    """Return the arguments of each call; those of the first five come twice."""
    sizes = [8, 2, 5, 6, 3, 7, 4, 5, 6, 4, 3, 7]
    numbers = [104, 209, 101, 260, 118, 111, 240, 190, 107, 130, 222, 175]
    # Shuffled, and with numbers that are neither 0, 1, 2, … nor indices of images.
    groups = np.random.default_rng(1).permutation(np.repeat(numbers, sizes))
    few = np.array([45, 30, 45, 62, 30, 62, 45, 45, 30, 62, 62, 62])
    cases = [(groups, 0.2, seed) for seed in SEEDS] * 2
    # What is nearest to the last leaves a group on the other side, too.
    cases += [(few, 0.1, 0), (groups, 0.6, 0), (groups, 0.99, 0), (few, 0.99, 0)]
    # Where a share of the groups, or the first sum above or below, is not the nearest.
    even = np.repeat(np.arange(8) * 3 + 5, 10)
    uneven = np.repeat(np.arange(12) * 7 + 3, [2, 2, 20, 2, 2, 2, 2, 20, 2, 2, 2, 2])
    cases += [(even, share, seed) for share in (0.2, 0.3) for seed in SEEDS]
    return cases + [(uneven, 0.5, seed) for seed in SEEDS]


@shown
def check_group_split(group_split):
    """True for each validation image, with every group on one side."""
    cases = _group_cases()
    answers = [call(group_split, *case) for case in cases]
    masks = []
    for answer, (groups, share, _) in zip(answers, cases, strict=True):
        masks.append(_as_mask(answer, groups))
        _require_nearest(masks[-1], groups, share)
    drawn, again = np.array(masks[: len(SEEDS)]), np.array(masks[len(SEEDS) : 2 * len(SEEDS)])
    if not np.array_equal(drawn, again):
        raise Wrong("the same seed gave two splits; draw with the seed that is handed over.")
    if (drawn == drawn[0]).all():
        raise Wrong("all seeds gave the same split; draw with the seed that is handed over.")


def _as_mask(answer, groups):
    """Return an answer as a boolean array [N], or raise `Wrong` where it is none."""
    n, known = len(groups), np.unique(groups)
    wanted = f"an array of True and False is wanted, one for each of the {n} images"
    if isinstance(answer, (tuple, list)) and len(answer) == 2 and not np.isscalar(answer[0]):
        raise Wrong(f"{wanted}, not a pair: True marks validation.")
    try:
        found = np.asarray(answer)
        numbers = found.astype(float)
    except Exception:  # whatever it is, it is no array of one kind
        raise Wrong(f"{wanted}, got {type(answer).__name__}.") from None
    if found.dtype == bool and found.shape == (n,):
        return found
    if found.dtype == bool and found.shape == known.shape:
        raise Wrong("that is one for each group; one for each image: np.isin(groups, chosen).")
    if found.ndim != 1 or found.dtype == bool:
        raise Wrong(f"{wanted}, got shape {found.shape}.")
    if not found.size:
        raise Wrong(f"{wanted}, got none.")
    if np.isin(numbers, known).all():
        raise Wrong("those are group numbers; np.isin(groups, chosen) says which images.")
    if found.shape == (n,) and np.isin(numbers, (0, 1)).all():
        raise Wrong(
            "0 and 1 are right for counting, but as an index they pick images 0 and 1: give True "
            "and False."
        )
    if np.isin(numbers, np.arange(n)).all():
        raise Wrong("those are indices of images; give True or False for each image.")
    raise Wrong(f"{wanted}, got {found.dtype}.")


def _require_nearest(mask, groups, share):
    """Raise `Wrong` where groups are cut, or another number of them comes nearer to the share."""
    n, chosen = len(groups), int(mask.sum())
    if not chosen:
        raise Wrong(f"share {share}: no image is in validation; it holds at least one group.")
    if chosen == n:
        raise Wrong(
            f"share {share}: every image is in validation; at least one group is to train on."
        )
    both = np.intersect1d(groups[mask], groups[~mask])
    if both.size:
        raise Wrong(f"group {both[0]} is on both sides: draw groups, not images.")
    if _may_be_nearest(mask, groups, share):
        return
    if _may_be_nearest(~mask, groups, share):
        raise Wrong("the sides are swapped: True is validation, and `share` is validation's.")
    change = "fewer" if chosen > share * n else "more"
    raise Wrong(
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
