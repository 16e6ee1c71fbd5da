"""Chapter 03: a tile's size, the parameters of a block, a decoder level, a split by groups."""

from functools import lru_cache, partial
from operator import floordiv

import numpy as np

from course_utils.datasets import splits

from .judge import RIGHT, Check, Verdict, Wrong, call, kind_of, not_whole


def _up(size):
    return 2 * size - 4


def follow_side(before=4, after=0, up=_up, bottom=4, poolings=0, halve=floordiv, odd=0):
    """Make a function that follows a side through a U-Net without padding, level by level.

    Parameters
    ----------
    before, after, bottom : int, optional
        Pixels lost before a pooling, after it, and below the last one.
    up : callable, optional
        Takes a side and returns it one level further up.
    poolings : int, optional
        How many there are besides one a level.
    halve : callable, optional
        Divides a side by 2.
    odd : int or None, optional
        What is returned where a pooling meets an odd side; None: it goes on.
    """

    def size_of(size, levels):
        for _ in range(levels + poolings):
            size -= before
            if odd is not None and size % 2:
                return odd
            size = halve(size, 2) - after
        size -= bottom
        for _ in range(levels):
            size = up(size)
        return size

    return size_of


def _with_0_from_half_way(size, levels):
    """Follow a side as the solution does, but double the 0 of an odd side on the way up."""
    size -= 4
    if not levels:
        return size
    return 0 if size % 2 else _up(_with_0_from_half_way(size // 2, levels - 1))


def _slips(**slip):
    """Return two wrong answers with the same slip: one looks for odd sides, the other does not."""
    return [follow_side(**slip), follow_side(**slip, odd=None)]


check_unpadded_size = Check(
    "Side of the logits of a U-Net without padding, 572 to 388 with four poolings; 0 where a "
    "pooling meets an odd side.",
    solution=follow_side(),
    used=True,
    cases={
        f"size {n}, levels {k}": (n, k)
        for n, k in [(572, 4), (140, 2), (20, 1), (92, 3), (440, 4), (21, 1), (22, 1)]
    },
    mistakes={
        "the even sizes are right; but from 440 the third pooling meets 103, an odd side: 0.": [
            follow_side(odd=None),
            lambda size, levels: size - 12 * 2**levels + 8,
        ],
        "each side that is pooled must be even, not the first one alone.": [
            lambda size, levels: 0 if size % 2 else follow_side(odd=None)(size, levels)
        ],
        "where a pooling meets an odd side, return 0.": [follow_side(odd=-1)],
        "where a pooling meets an odd side, return 0 as it is, without taking 4 or doubling.": [
            lambda size, levels: follow_side()(size, levels) or 4 - 8 * 2**levels,
            _with_0_from_half_way,
        ],
        "a block has two convolutions, and each takes 2: 4 pixels a block.": _slips(
            before=2, up=lambda size: 2 * size - 2, bottom=2
        ),
        "a convolution takes 1 pixel at each border, 2 in all; a block takes 4.": _slips(
            before=8, up=lambda size: 2 * size - 8, bottom=8
        ),
        "that is with padding; without it each block takes 4 pixels.": [
            lambda size, levels: size,
            *_slips(before=0, up=lambda size: 2 * size, bottom=0),
        ],
        "184 are lost with four levels; fewer lose less: use `levels`.": [
            lambda size, levels: size - 184,
            lambda size, levels: follow_side()(size, 4),
            lambda size, levels: follow_side(odd=None)(size, 4),
        ],
        "the block at the bottom, below the last pooling, takes 4 too.": _slips(bottom=0),
        "the way up is missing: double `levels` times, each time followed by two convolutions.": [
            *_slips(up=lambda size: size),
            *_slips(up=lambda size: size, bottom=0),
        ],
        "the blocks of the way up take 4 pixels each, too.": _slips(up=lambda size: 2 * size),
        "convolve before pooling (subtract, then halve) and after doubling.": [
            *_slips(before=0, after=4),
            *_slips(before=0, after=4, bottom=0),
            *_slips(up=lambda size: 2 * (size - 4)),
        ],
        "one pooling too many: `levels` times; the bottom is not pooled.": [
            *_slips(poolings=1),
            *_slips(poolings=1, bottom=0),
        ],
    },
    also=not_whole,
)


def _kernels(n, m):
    return 9 * n * m + 9 * m * m


def _learned(n, m):
    return _kernels(n, m) + 6 * m


def _count(learned):
    """Make a function that returns this number, and the right one of those that do nothing."""
    return lambda n, m: (learned(n, m), 2 * m)


def _useless(share):
    return lambda n, m: (_learned(n, m), share * m)


def _hint_for_learned(numbers):
    """Return a hint that goes by the first number alone, or ""."""
    cases = check_block_parameters.cases.values()
    learned = [number[0] for number in numbers]
    if learned == [_learned(*case) for case in cases]:
        return (
            "the first number is right; for the second: count what a normalization takes off again."
        )
    for wrong, hint in check_block_parameters.foreseen():
        if learned == [wrong(*case)[0] for case in cases]:
            return f"the first number: {hint}"
    return ""


MOVING = "a moving mean and variance are not trained"
A_BIAS = "has a bias for each channel that leaves it."

check_block_parameters = Check(
    "What a block of two convolutions and two batch normalizations learns, and how many of these "
    "numbers do nothing.",
    solution=_count(_learned),
    cases={f"{n} channels in, {m} out": (n, m) for n, m in [(3, 64), (64, 128), (1024, 256)]},
    parts=("learned", "useless"),
    mistakes={
        "2 · channels_out are missing: what does nothing is learned all the same, and each of the "
        "two normalizations has a scale and a shift.": [
            _count(lambda n, m: _kernels(n, m) + 4 * m)
        ],
        "2 · channels_out are missing: each convolution has a bias, and each of the two "
        "batch normalizations a scale and a shift.": [lambda n, m: (_kernels(n, m) + 4 * m, 0)],
        "some do nothing: a number that is added to all pixels of a channel shifts the channel's "
        "mean, which the normalization takes off.": [_useless(0)],
        "there are two convolutions, and it is the same with both.": [_useless(1)],
        "scale and shift come after the normalization: nothing takes them off.": [
            _useless(4),
            _useless(6),
        ],
        "the shift comes after the normalization: nothing takes it off.": [_useless(3)],
        "swapped: first how many are learned, then how many of them do nothing.": [
            lambda n, m: (2 * m, _learned(n, m))
        ],
        f"each of the two convolutions {A_BIAS}": [_count(lambda n, m: _kernels(n, m) + 5 * m)],
        "a batch normalization learns a scale and a shift for each channel.": [
            _count(lambda n, m: _kernels(n, m) + 2 * m)
        ],
        "those are the kernels; biases, scales and shifts are learned, too.": [_count(_kernels)],
        f"{MOVING}: two a channel, not four.": [_count(lambda n, m: _kernels(n, m) + 10 * m)],
        f"{MOVING}; the convolutions' biases are.": [_count(lambda n, m: _kernels(n, m) + 8 * m)],
        "channels_out enter the second convolution, not channels_in.": [
            _count(lambda n, m: 2 * (9 * n * m + 3 * m))
        ],
        "channels_in enter the first convolution.": [_count(lambda n, m: 2 * (9 * m * m + 3 * m))],
        "a 3×3 kernel has 9 numbers, not 3.": [_count(lambda n, m: 3 * n * m + 3 * m * m + 6 * m)],
        "a 3×3 kernel has 9 numbers, not 1.": [_count(lambda n, m: n * m + m * m + 6 * m)],
        "a convolution has a kernel for each pair of channel in and channel out.": [
            _count(lambda n, m: 18 * m + 6 * m),
            _count(lambda n, m: 9 * n + 9 * m + 6 * m),
            _count(lambda n, m: 9 * n * m + 9 * m + 6 * m),
        ],
        "a scale and a shift for each channel, not one a layer.": [
            _count(lambda n, m: _kernels(n, m) + 2 * m + 4)
        ],
        "that is one convolution with its normalization; there are two.": [
            _count(lambda n, m: 9 * n * m + 3 * m)
        ],
        "there is a bias for each channel, not one a layer.": [
            _count(lambda n, m: _kernels(n, m) + 2 + 4 * m)
        ],
        f"the first convolution {A_BIAS}": [_count(lambda n, m: _kernels(n, m) + n + 5 * m)],
    },
    also=not_whole,
    otherwise=_hint_for_learned,
)


def check_decoder_level(decoder_level, enlarge, fit_to, vgg_block):
    """A level of the decoder: the map from below, enlarged, and the skip, in one block.

    Parameters
    ----------
    decoder_level : callable
        The reader's answer.
    enlarge, fit_to, vgg_block : callable
        The chapter's blocks, of which the right answer is made.
    """
    import keras

    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")  # the last digits count here
    try:
        return decoder_check(enlarge, fit_to, vgg_block)(decoder_level)
    finally:
        keras.config.set_dtype_policy(policy)


@lru_cache(maxsize=1)  # what the foreseen mistakes give takes seconds of building layers
def decoder_check(enlarge, fit_to, vgg_block):
    """Return the check of a decoder level, for the chapter's blocks."""
    from keras import layers

    def enlarged(x, skip, filters, upsampling, l2):
        return fit_to(enlarge(x, filters, upsampling, l2), skip)

    def level(*case, join=None, below=enlarged, channels=None):
        _, skip, filters, _, l2 = case
        joined = (join or layers.Concatenate())([skip, below(*case)])
        return vgg_block(joined, channels(joined, skip) if channels else filters, l2)

    def concatenated(*case):
        return layers.Concatenate()([case[1], enlarged(*case)])

    def either_order(below):
        return [
            partial(level, below=below),
            partial(level, below=below, join=lambda maps: layers.Concatenate()(maps[::-1])),
        ]

    def always(upsampling):
        return lambda x, skip, filters, _, l2: level(x, skip, filters, upsampling, l2)

    def twice(one):
        return lambda maps: layers.Concatenate()([maps[one], maps[one]])

    def without_l2(x, skip, filters, upsampling, l2):
        return enlarged(x, skip, filters, upsampling, 0.0)

    def block_without_l2(*case):
        return vgg_block(concatenated(*case), case[2])

    check = Check(
        "A level of the decoder.",
        solution=level,
        used=True,
        cases=LEVELS,
        prepare=_as_inputs,
        read=_read_level,
        mistakes={
            "the skip does not come into it: Concatenate takes both maps.": [
                lambda *case: vgg_block(enlarged(*case), case[2], case[4]),
                partial(level, join=twice(1)),
            ],
            "the map from below does not come into it: Concatenate takes both maps.": [
                lambda *case: vgg_block(case[1], case[2], case[4]),
                partial(level, join=twice(0)),
            ],
            "that mixes the two maps into one; `layers.Concatenate()` keeps the channels of "
            "both.": [
                partial(level, join=layers.Add()),
                partial(level, join=layers.Average()),
                partial(level, join=layers.Maximum()),
                partial(level, join=layers.Multiply()),
            ],
            "that puts the maps under or beside one another, as one large picture; the channels "
            "are the last axis: `layers.Concatenate()` as it is.": [
                partial(level, join=layers.Concatenate(axis=1)),
                partial(level, join=layers.Concatenate(axis=2)),
            ],
            "the block is missing: return `vgg_block(x, filters, l2)`.": [concatenated],
            "the skip and the block are missing.": [enlarged],
            "first join, then the block: it is to see both maps.": [
                lambda *case: layers.Concatenate()(
                    [case[1], vgg_block(enlarged(*case), case[2], case[4])]
                ),
                lambda x, skip, filters, upsampling, l2: concatenated(
                    vgg_block(x, filters, l2), skip, filters, upsampling, l2
                ),
            ],
            "one block a level.": [lambda *case: vgg_block(level(*case), case[2], case[4])],
            "the block has `filters` channels.": [
                partial(level, channels=lambda joined, skip: joined.shape[-1]),
                partial(level, channels=lambda joined, skip: skip.shape[-1]),
            ],
            "make the layer, then call it with one list: `layers.Concatenate()([skip, x])`.": [
                partial(level, join=layers.Concatenate),
                partial(level, join=lambda maps: layers.Concatenate()(*maps)),
            ],
            "NumPy cannot join the maps of a network that is being built; `layers.Concatenate()` "
            "can.": [partial(level, join=lambda maps: np.concatenate(maps, -1))],
            "here the enlarged map has a row less than the skip: `fit_to(x, skip)`.": (
                either_order(lambda x, skip, *more: enlarge(x, *more))
            ),
            "`enlarge` and `fit_to` leave `x` as it is: go on with what they return.": (
                either_order(lambda x, *more: x)
            ),
            "`enlarge` first, then `fit_to`.": (
                either_order(lambda x, skip, *more: enlarge(fit_to(x, skip), *more))
            ),
            "swapped: `fit_to(x, skip)` makes x as large as the skip.": [
                partial(level, below=lambda x, skip, *more: fit_to(skip, enlarge(x, *more)))
            ],
            "`x` comes from below and is enlarged; the skip has its size already.": [
                partial(level, below=lambda x, skip, *more: fit_to(enlarge(skip, *more), x)),
                partial(level, below=lambda x, skip, *more: fit_to(enlarge(skip, *more), skip)),
            ],
            "`fit_to` alone fills up with zeros: `enlarge` first.": [
                partial(level, below=lambda x, skip, *more: fit_to(x, skip))
            ],
            "this is the order: `enlarge(x, filters, upsampling, l2)`.": [
                partial(level, below=lambda x, skip, filters, up, l2: enlarge(x, filters, l2, up))
            ],
            "hand `filters` on to `enlarge`, too.": [
                partial(
                    level,
                    below=lambda x, skip, _, *more: fit_to(enlarge(x, x.shape[-1], *more), skip),
                )
            ],
            "enlarge with `enlarge`, and hand `upsampling` on: there are two ways.": [
                always("bilinear"),
                always("transposed"),
                partial(level, below=lambda x, skip, *_: fit_to(layers.UpSampling2D(2)(x), skip)),
                partial(level, below=lambda x, skip, *_: layers.Resizing(*skip.shape[1:3])(x)),
            ],
            "hand `l2` on to `enlarge`: its kernels are penalized, too.": [
                partial(level, below=without_l2)
            ],
            "hand `l2` on to the block.": [block_without_l2],
            "hand `l2` on, to `enlarge` and to the block.": [
                lambda *case: block_without_l2(*case[:4], 0.0)
            ],
        },
        otherwise=lambda numbers: _describe_level(check.solution, numbers),
    )
    return check


# Shapes of the map from below and of the skip, then filters, upsampling and l2.
LEVELS = {
    "a skip of 8 × 6": ((4, 3, 2), (8, 6, 2), 3, "bilinear", 0.0),
    "a skip of 9 × 6, odd, where fit_to adds a row": ((4, 3, 3), (9, 6, 2), 2, "transposed", 0.5),
}


def _as_inputs(case):
    """Return a level's arguments, with maps in place of the shapes."""
    import keras

    below, skip, *more = case
    return keras.Input(below, name="below"), keras.Input(skip, name="skip"), *more


def _read_level(level):
    """Return height, width, channels, weights and penalty of a level, and what it makes of maps.

    Its kernels weigh all channels that enter alike, so it does not matter which map comes first.
    """
    import keras

    if not isinstance(level, keras.KerasTensor):
        raise Wrong(f"what the block returns is wanted, got {kind_of(level)}.")
    inputs = sorted(keras.utils.get_source_inputs(level), key=lambda tensor: tensor.name)
    model = keras.Model(inputs, level)
    rng = np.random.default_rng(0)
    weights = [rng.uniform(0.5, 1.5, weight.shape) for weight in model.weights]
    model.set_weights(
        [w.mean(2, keepdims=True).repeat(w.shape[2], 2) if w.ndim == 4 else w for w in weights]
    )
    maps = [np.random.default_rng(len(x.name)).random((1, *x.shape[1:])) for x in inputs]
    made = keras.ops.convert_to_numpy(model([x.astype("float32") for x in maps]))
    facts = [*level.shape[1:], model.count_params(), float(sum(model.losses))]
    return np.concatenate([facts, made.ravel()])


def _describe_level(solution, numbers):
    """Say what is wrong with levels that are wrong in no foreseen way."""
    for (name, case), got in zip(LEVELS.items(), numbers, strict=True):
        right = _read_level(solution(*_as_inputs(case)))
        if not np.array_equal(got[:3], right[:3]):
            sizes = (" × ".join(f"{n:g}" for n in found[:3]) for found in (right, got))
            return "{}: {} (height × width × channels) should come out, got {}.".format(
                name, *sizes
            )
        if got[3] != right[3]:
            return f"{name}: the level has {right[3]:g} weights, yours {got[3]:g}."
    return "shape and number of weights are right, but what comes out is not."


SEEDS = range(5)


def _group_cases():
    """Return the arguments of each call; those of the first five come twice."""
    sizes = [8, 2, 5, 6, 3, 7, 4, 5, 6, 4, 3, 7]
    numbers = [104, 209, 101, 260, 118, 111, 240, 190, 107, 130, 222, 175]
    # Shuffled, and with numbers that are neither 0, 1, 2, … nor indices of images.
    groups = np.random.default_rng(1).permutation(np.repeat(numbers, sizes))
    few = np.array([45, 30, 45, 62, 30, 62, 45, 45, 30, 62, 62, 62])
    cases = [(groups, 0.2, seed) for seed in SEEDS] * 2
    # Where a share of the groups, or the first sum above or below, is not the nearest.
    even = np.repeat(np.arange(8) * 3 + 5, 10)
    uneven = np.repeat(np.arange(12) * 7 + 3, [2, 2, 20, 2, 2, 2, 2, 20, 2, 2, 2, 2])
    cases += [(even, share, seed) for share in (0.2, 0.3) for seed in SEEDS]
    cases += [(uneven, 0.5, seed) for seed in SEEDS]
    # What is nearest to the last leaves a group on the other side, too.
    return [*cases, (few, 0.1, 0), (groups, 0.6, 0), (groups, 0.99, 0), (few, 0.99, 0)]


class GroupSplitCheck(Check):
    """Many splits are right: what is judged is which images come together."""

    def judge(self, group_split):
        """Raise `NotRight` where a split is not right; remark on one that draws other groups."""
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
        ours = [self.solution(*case) for case in cases]
        if not all(map(np.array_equal, masks, ours)):
            return Verdict(
                RIGHT,
                "It draws in another order than the course's: other patients are held out below.",
            )


check_group_split = GroupSplitCheck(
    "True for each validation image, with every group on one side.",
    solution=splits.group_split,
    mistakes={},
    used=True,
)


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
