"""Chapter 03: sizes, parameters and channels of the U-Net, and its decision."""

import numpy as np

from ._judge import call, judge, say_missing, say_right, say_wrong

JOINS = {"up_3": 1024, "up_2": 512, "up_1": 256, "up_0": 128}


def check_unpadded_size(unpadded_size):
    """Chapter 03: side of the logits of a U-Net without padding, 572 to 388 with four poolings."""
    cases = [(572, 4), (140, 2), (20, 1), (92, 3)]

    def sizes(cut=4, **kwargs):
        return [_walk(*case, cut=cut, **kwargs) for case in cases]

    order = "convolve before pooling (subtract, then halve) and after doubling."
    padded = "that is with padding; without it each block takes 4 pixels."
    up = "the way up is missing: double `levels` times, each time followed by two convolutions."
    return judge(
        [call(unpadded_size, *case) for case in cases],
        sizes(),
        [
            (sizes(2), "a block has two convolutions, and each takes 2: 4 pixels a block."),
            (sizes(8), "a convolution takes 1 pixel at each border, 2 in all; a block takes 4."),
            ([size for size, _ in cases], padded),
            (sizes(0), padded),
            ([size - 184 for size, _ in cases], "184 are lost with four levels; fewer lose less."),
            (sizes(bottom=0), "the block at the bottom, below the last pooling, takes 4 too."),
            (sizes(up=False), up),
            (sizes(up=False, bottom=0), up),
            (sizes(up_cut=0), "the blocks of the way up take 4 pixels each, too."),
            (sizes(halve_first=True), order),
            (sizes(halve_first=True, bottom=0), order),
            (sizes(halve_first=True, whole=False), order),
            (sizes(halve_first=True, whole=False, bottom=0), order),
            (sizes(cut_first=True), order),
            (sizes(more=1), "one pooling too many: `levels` times; the bottom is not pooled."),
        ],
        wrong_at=[f"size {size}, levels {levels}" for size, levels in cases],
        also=not_whole,
    )


def _walk(
    size,
    levels,
    cut,
    bottom=None,
    up=True,
    up_cut=None,
    halve_first=False,
    cut_first=False,
    whole=True,
    more=0,
):
    """Follow a side down and up a U-Net, with a slip or without."""
    up_cut = cut if up_cut is None else up_cut
    for _ in range(levels + more):
        size = size / 2 - cut if halve_first else (size - cut) / 2
        size = np.floor(size) if whole else size
    size -= cut if bottom is None else bottom
    for _ in range(levels if up else 0):
        size = (size - up_cut) * 2 if cut_first else size * 2 - up_cut
    return size


def check_block_parameters(block_parameters):
    """Chapter 03: what a block of two convolutions and two batch normalisations learns."""
    cases = [(3, 64), (64, 128), (1024, 256)]
    n, m = np.array(cases).T
    first, second = 9 * n * m, 9 * m * m
    right = first + second + 6 * m
    return judge(
        [call(block_parameters, *case) for case in cases],
        right,
        [
            (
                right - 2 * m,
                "2 · channels_out are missing: each convolution has a bias, and each of the two "
                "batch normalisations a scale and a shift.",
            ),
            (right - m, "each of the two convolutions has a bias for each channel that leaves it."),
            (right - 4 * m, "a batch normalisation learns a scale and a shift for each channel."),
            (right - 6 * m, "those are the kernels; biases, scales and shifts are learnt, too."),
            (right + 4 * m, "a moving mean and variance are not trained: two a channel, not four."),
            (
                right + 2 * m,
                "a moving mean and variance are not trained; the convolutions' biases are.",
            ),
            (2 * first + 6 * m, "channels_out enter the second convolution, not channels_in."),
            (2 * second + 6 * m, "channels_in enter the first convolution."),
            (right - (first + second) * 2 // 3, "a 3×3 kernel has 9 numbers, not 3."),
            (right - (first + second) * 8 // 9, "a 3×3 kernel has 9 numbers, not 1."),
            (first + 3 * m, "that is one convolution with its normalisation; there are two."),
            (first + second + 2 + 4 * m, "there is a bias for each channel, not one a layer."),
            (right - m + n, "the first convolution has a bias for each channel that leaves it."),
        ],
        wrong_at=[f"{n} channels in, {m} out" for n, m in cases],
        also=not_whole,
    )


def check_join_channels(channels):
    """Chapter 03: channels that enter each decoder block of the 64-128-256-512-512 U-Net."""
    if not isinstance(channels, dict):
        return say_missing("keep `channels` a dictionary from block to number of channels.")
    answers = [channels.get(name, ...) for name in JOINS]
    if all(a is ... or a is None for a in answers):
        return say_missing("a number for each block.")
    for name, answer in zip(JOINS, answers, strict=True):
        if answer is ... or answer is None:
            return say_missing(f"a number for {name}.")
    wrong = [name for name in JOINS if not np.array_equal(channels[name], JOINS[name])]
    if not wrong:
        return say_right()
    # A whole row first: one number alone may be two mistakes.
    for row, hint in JOIN_MISTAKES:
        if all(np.array_equal(a, n) for a, n in zip(answers, row, strict=True)):
            return say_wrong(hint)
    for row, hint in JOIN_MISTAKES:
        if np.array_equal(channels[wrong[0]], dict(zip(JOINS, row, strict=True))[wrong[0]]):
            return say_wrong(f"{wrong[0]} is not {channels[wrong[0]]}: {hint}")
    return say_wrong(
        f"{wrong[0]} is not {channels[wrong[0]]}: add the skip's channels to those of the map "
        "from below."
    )


JOIN_MISTAKES = [
    (
        (512, 256, 128, 64),
        "that is one map alone, skip or upsampled, or their sum; concatenated, both maps' channels "
        "enter.",
    ),
    ((256, 128, 64, 64), "those leave the block; more enter it."),
    (
        (1024, 768, 384, 192),
        "from below comes the decoder block's map, which has fewer channels than the encoder's.",
    ),
    (
        (768, 384, 192, 128),
        "that is with a transposed convolution; bilinear upsampling keeps the channels.",
    ),
    ((1536, 768, 384, 192), "the lowest level has 512 channels here, not 1024."),
    ((128, 256, 512, 1024), "the order is turned round: up_3 is the lowest, up_0 the last."),
    ((576, 320, 192, 128), "the skip of up_i comes from down_i, not always from the first level."),
]


def check_same_decision(same_decision):
    """Chapter 03: the mask of a two-channel softmax, decided by one logit."""
    logits = np.random.default_rng(3).normal(0, 2, (2, 3, 4, 2))
    logits[0, 0, 0] = 1.5  # a tie
    logits[0, 0, 1] = -1, -0.7
    logits[0, 0, 2] = 2, 0.5
    one = logits[..., 1] - logits[..., 0]
    zero = "a sigmoid is above 0.5 where the logit is above 0: compare the logit with 0."
    sigmoid = 1 / (1 + np.exp(-one))
    return judge(
        call(same_decision, logits),
        one > 0,
        [
            (one < 0, "that is where class 0 wins: logit 1 − logit 0, above 0."),
            (one <= 0, "that is where class 0 wins: logit 1 − logit 0, above 0."),
            (one >= 0, "at a tie `argmax` takes the first class: `>`, not `>=`."),
            (one > 0.5, zero),
            (sigmoid > 0, "a sigmoid is always above 0; its probability is compared with 0.5."),
            (one, "that is the logit; decide: True where it is above 0."),
            (sigmoid, "that is the probability; decide: True where it is above 0.5."),
            (logits[..., 1] > 0, "class 0's logit counts too: only the difference matters."),
            (logits[..., 1] > 0.5, "class 0's logit counts too: only the difference matters."),
            (logits.mean(-1) > 0, "the mean does not tell the classes apart; the difference does."),
            (logits.sum(-1) > 0.5, "the sum does not tell the classes apart; the difference does."),
            ((one > 0)[..., None], "the axis of the classes is to go: logits[..., 1]."),
            (logits > 0, "that decides each channel by itself; their difference is one logit."),
            (
                logits[:, :, 1] > logits[:, :, 0],
                "the classes are along the last axis, whatever is before it: logits[..., 1].",
            ),
        ],
        also=_not_bool,
    )


def not_whole(answers):
    """Return what is wrong with right numbers that are not of a whole kind, or ""."""
    kinds = {np.asarray(answer).dtype.kind for answer in answers}
    if kinds <= set("iu"):
        return ""
    return "the numbers are right, but they count something: give whole numbers (`//`, not `/`)."


def _not_bool(answer):
    dtype = np.asarray(answer).dtype
    if dtype.kind == "b":
        return ""
    return f"the decision is right, but a mask of True and False is wanted, not {dtype}."
