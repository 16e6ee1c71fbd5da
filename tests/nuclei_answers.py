"""Solutions of chapters 03 and 06, and answers that are wrong in a known way, with the hint."""

import numpy as np

S = 1e-5


def unpadded_size(size, levels):
    for _ in range(levels):
        size = (size - 4) // 2
    size -= 4
    for _ in range(levels):
        size = 2 * size - 4
    return size


def block_parameters(channels_in, channels_out):
    convolutions = 9 * channels_in * channels_out + 9 * channels_out * channels_out
    biases = 2 * channels_out
    normalisations = 2 * 2 * channels_out
    return convolutions + biases + normalisations


def joins(up_3=512 + 512, up_2=256 + 256, up_1=128 + 128, up_0=64 + 64):
    return {"up_3": up_3, "up_2": up_2, "up_1": up_1, "up_0": up_0}


def same_decision(logits):
    return logits[..., 1] - logits[..., 0] > 0


def group_split(groups, share, seed):
    order = np.random.default_rng(seed).permutation(np.unique(groups))
    images = np.cumsum([np.sum(groups == group) for group in order])
    far = abs(images[:-1] - share * len(groups))
    return np.isin(groups, order[: far.argmin() + 1])


def merge_masks(masks):
    return (masks > 0).any(axis=0).astype(np.uint8)


def node_inputs(i, j):
    return [(i, k) for k in range(j)] + [(i + 1, j - 1)]


def channels_in(i, j, filters):
    return j * filters[i] + filters[i + 1]


def bce_dice(truth, probability):
    cross = -(truth * np.log(probability) + (1 - truth) * np.log(1 - probability)).mean()
    hit = (truth * probability).sum()
    dice = (2 * hit + 1e-5) / (truth.sum() + probability.sum() + 1e-5)
    return 0.5 * cross + 1 - dice


def iou(truth, prediction):
    both = np.logical_and(truth, prediction).sum()
    return (both + 1e-5) / (np.logical_or(truth, prediction).sum() + 1e-5)


def over(truth, prediction, size, score=iou, whole=False):
    n = len(truth) // size * size if whole else len(truth)
    return [score(truth[k : k + size], prediction[k : k + size]) for k in range(0, n, size)]


def three_ious(truth, prediction, batch):
    def mean_over(size):
        starts = range(0, len(truth), size)
        return np.mean([iou(truth[k : k + size], prediction[k : k + size]) for k in starts])

    return mean_over(batch), iou(truth, prediction), mean_over(1)


def pruned_nodes(depth):
    return (depth + 1) * (depth + 2) // 2


SOLUTIONS = {
    "check_unpadded_size": unpadded_size,
    "check_block_parameters": block_parameters,
    "check_join_channels": joins(),
    "check_same_decision": same_decision,
    "check_group_split": group_split,
    "check_merge_masks": merge_masks,
    "check_node_inputs": node_inputs,
    "check_channels_in": channels_in,
    "check_bce_dice": bce_dice,
    "check_three_ious": three_ious,
    "check_pruned_nodes": pruned_nodes,
}


def walk(down, up, bottom=4, more=0):
    """A side on its way through the network, with the steps as a reader may have them."""

    def size_of(size, levels):
        for _ in range(levels + more):
            size = down(size)
        size -= bottom
        for _ in range(levels):
            size = up(size)
        return size

    return size_of


def valid(size):
    return (size - 4) // 2


def double(size):
    return 2 * size - 4


def kept(size):
    return size


def kernels(n, m):
    return 9 * n * m + 9 * m * m


def by_image(groups, share, seed):
    return np.random.default_rng(seed).random(len(groups)) < share


def unseeded(groups, share, seed, generator=np.random.default_rng(0)):  # noqa: B008 - kept, on purpose
    return group_split(groups, share, generator.integers(10**6))


def chosen_groups(groups, share, seed):
    return np.unique(groups[group_split(groups, share, seed)])


def until_passed(groups, share, seed):
    order = np.random.default_rng(seed).permutation(np.unique(groups))
    images = np.cumsum([np.sum(groups == group) for group in order])
    return np.isin(groups, order[: 1 + np.argmax(images >= share * len(groups))])


def share_of_the_groups(groups, share, seed):
    order = np.random.default_rng(seed).permutation(np.unique(groups))
    return np.isin(groups, order[: max(1, round(share * len(order)))])


def while_they_fit(groups, share, seed):
    inside = np.zeros(len(groups), bool)
    for group in np.random.default_rng(seed).permutation(np.unique(groups)):
        new = inside | (groups == group)
        if new.sum() > share * len(groups):
            break
        inside = new
    return inside


def cross(t, p, log=np.log):
    return -(t * log(p) + (1 - t) * log(1 - p)).mean()


def dice(t, p, above=S, below=S):
    return (2 * (t * p).sum() + above) / (t.sum() + p.sum() + below)


def half(t, p):
    return 0.5 * cross(t, p)


def plus_dice(formula):
    return lambda t, p: formula(t, p) + 1 - dice(t, p)


def ratio(formula):
    return lambda t, p: half(t, p) + 1 - formula((t * p).sum(), t.sum() + p.sum())


def bare(t, p):
    return np.logical_and(t, p).sum() / np.logical_or(t, p).sum()


def below(t, p):
    return np.logical_and(t, p).sum() / (np.logical_or(t, p).sum() + S)


def dice_score(t, p):
    return (2 * np.logical_and(t, p).sum() + S) / (t.sum() + p.sum() + S)


def twice(t, p):
    return (np.logical_and(t, p).sum() + S) / (t.sum() + p.sum() + S)


def of_two(t, p):
    return (iou(t, p) + iou(1 - t, 1 - p)) / 2


def ious(score, mean=np.mean):
    return lambda t, p, n: (mean(over(t, p, n, score)), score(t, p), mean(over(t, p, 1, score)))


def batches(first):
    return lambda t, p, n: (first(t, p, n), *three_ious(t, p, n)[1:])


MISTAKES = {
    "check_unpadded_size": [
        (walk(lambda s: (s - 2) // 2, lambda s: 2 * s - 2, 2), "a block has two convolutions"),
        (walk(lambda s: (s - 8) // 2, lambda s: 2 * s - 8, 8), "1 pixel at each border"),
        (lambda size, levels: size, "that is with padding"),
        (lambda size, levels: size - 184, "184 are lost with four levels"),
        (walk(lambda s: s // 2, lambda s: 2 * s, 0), "that is with padding"),
        (walk(valid, double, 0), "the block at the bottom"),
        (walk(valid, kept), "the way up is missing"),
        (walk(valid, kept, 0), "the way up is missing"),
        (walk(valid, lambda s: 2 * s), "the blocks of the way up"),
        (walk(lambda s: s // 2 - 4, double), "(subtract, then halve)"),
        (walk(lambda s: s // 2 - 4, double, 0), "(subtract, then halve)"),
        (walk(lambda s: s / 2 - 4, double), "(subtract, then halve)"),
        (walk(lambda s: s / 2 - 4, double, 0), "(subtract, then halve)"),
        (walk(valid, lambda s: 2 * (s - 4)), "and after doubling"),
        (walk(valid, double, more=1), "one pooling too many"),
        (walk(lambda s: (s - 4) / 2, double), "give whole numbers"),
        (lambda size, levels: 388, "size 140, levels 2: 100 is right, got 388"),
    ],
    "check_block_parameters": [
        (lambda n, m: kernels(n, m) + 4 * m, "each convolution has a bias"),
        (lambda n, m: kernels(n, m) + 2 * m, "a scale and a shift for each channel"),
        (lambda n, m: kernels(n, m) + 5 * m, "each of the two convolutions has a bias"),
        (kernels, "those are the kernels"),
        (lambda n, m: kernels(n, m) + 2 * m + 8 * m, "two a channel, not four"),
        (lambda n, m: kernels(n, m) + 8 * m, "the convolutions' biases are"),
        (lambda n, m: 2 * (9 * n * m + m + 2 * m), "enter the second convolution"),
        (lambda n, m: 2 * (9 * m * m + m + 2 * m), "enter the first convolution"),
        (lambda n, m: 3 * n * m + 3 * m * m + 6 * m, "has 9 numbers, not 3"),
        (lambda n, m: n * m + m * m + 6 * m, "has 9 numbers, not 1"),
        (lambda n, m: 9 * n * m + m + 2 * m, "that is one convolution"),
        (lambda n, m: kernels(n, m) + 2 + 4 * m, "not one a layer"),
        (lambda n, m: kernels(n, m) + n + m + 4 * m, "for each channel that leaves it"),
        (lambda n, m: float(block_parameters(n, m)), "give whole numbers"),
        (lambda n, m: 38_976, "64 channels in, 128 out: 221952 is right, got 38976"),
    ],
    "check_join_channels": [
        (joins(256, 128, 64, 64), "those leave the block"),
        (joins(512, 256, 128, 64), "that is one map alone"),
        (joins(1024, 768, 384, 192), "fewer channels than the encoder's"),
        (joins(768, 384, 192, 128), "with a transposed convolution"),
        (joins(1536, 768, 384, 192), "512 channels here, not 1024"),
        (joins(128, 256, 512, 1024), "turned round"),
        (joins(576, 320, 192, 128), "not always from the first level"),
        (joins(up_0=64), "up_0 is not 64: that is one map alone"),
        (joins(up_1=64), "up_1 is not 64: those leave the block"),
        (joins(up_2=768), "up_2 is not 768: from below comes the decoder block's map"),
        (joins(up_3=1536), "up_3 is not 1536: the lowest level has 512"),
        (joins(up_2=500, up_0=5), "up_2 is not 500: add the skip's channels"),
        (joins(up_2="512"), "up_2 is not 512: add the skip's channels"),
        (joins(up_1=...), "a number for up_1"),
        ({"up_3": 1024, "up_2": 512}, "a number for up_1"),
        ([1024, 512, 256, 128], "keep `channels` a dictionary"),
    ],
    "check_same_decision": [
        (lambda z: z[..., 0] - z[..., 1] > 0, "that is where class 0 wins"),
        (lambda z: z.argmax(-1) == 0, "that is where class 0 wins"),
        (lambda z: z[..., 1] >= z[..., 0], "`>`, not `>=`"),
        (lambda z: z[..., 1] - z[..., 0] > 0.5, "compare the logit with 0"),
        (lambda z: 1 / (1 + np.exp(z[..., 0] - z[..., 1])) > 0, "is always above 0"),
        (lambda z: z[..., 1] - z[..., 0], "that is the logit"),
        (lambda z: 1 / (1 + np.exp(z[..., 0] - z[..., 1])), "that is the probability"),
        (lambda z: z[..., 1] > 0, "only the difference matters"),
        (lambda z: z[..., 1] > 0.5, "only the difference matters"),
        (lambda z: z.mean(axis=-1) > 0, "the mean does not tell"),
        (lambda z: z.sum(axis=-1) > 0, "the mean does not tell"),
        (lambda z: z.sum(axis=-1) > 0.5, "the sum does not tell"),
        (lambda z: z[..., 1:] > z[..., :1], "the axis of the classes is to go"),
        (lambda z: z > 0, "decides each channel by itself"),
        (lambda z: z[:, :, 1] > z[:, :, 0], "along the last axis"),
        (lambda z: z.argmax(axis=-1), "True and False is wanted, not int64"),
        (lambda z: same_decision(z).astype(np.uint8), "True and False is wanted, not uint8"),
        (lambda z: same_decision(z[0]), "shape (2, 3, 4) is wanted, got (3, 4)"),
    ],
    "check_group_split": [
        (by_image, "is on both sides: draw groups"),
        (chosen_groups, "those are group numbers"),
        (lambda g, *a: g[group_split(g, *a)], "those are group numbers"),
        (lambda *a: np.flatnonzero(group_split(*a)), "those are indices of images"),
        (lambda *a: list(np.flatnonzero(group_split(*a))), "those are indices of images"),
        (lambda *a: group_split(*a).astype(int), "as an index they pick images 0 and 1"),
        (lambda *a: group_split(*a).astype(float), "as an index they pick images 0 and 1"),
        (lambda g, *a: np.isin(np.unique(g), chosen_groups(g, *a)), "one for each group;"),
        (lambda g, *a: np.zeros(len(g), bool), "no image is in validation"),
        (lambda g, *a: group_split(g, *a) & (len(g) > 12), "share 0.1: no image is in validation"),
        (while_they_fit, "is 12, got 8: one group more comes nearer"),
        (until_passed, "one group fewer comes nearer"),
        (share_of_the_groups, "comes nearer. Count the images"),
        (lambda g, *a: np.ones(len(g), bool), "every image is in validation"),
        (lambda g, share, seed: group_split(g, share, 7), "all seeds gave the same split"),
        (unseeded, "the same seed gave two splits"),
        (lambda *a: ~group_split(*a), "the sides are swapped"),
        (lambda g, share, seed: group_split(g, 0.5, seed), "is 12, got"),
        (lambda *a: (~group_split(*a), group_split(*a)), "not a pair"),
        (lambda *a: (np.arange(40), np.arange(20)), "not a pair"),
        (lambda g, *a: np.full(len(g), 0.5), "each of the 60 images, got float64"),
        (lambda *a: group_split(*a)[None], "got shape (1, 60)"),
        (lambda *a: [], "one for each of the 60 images, got none"),
        (lambda *a: "validation", "one for each of the 60 images, got str"),
    ],
    "check_merge_masks": [
        (lambda m: m.max(axis=0), "nuclei are still 255"),
        (lambda m: (m // 255).sum(axis=0), "that counts 2"),
        (lambda m: (m / 255).sum(axis=0), "that counts 2"),
        (lambda m: m.sum(axis=0), "510 where two overlap"),
        (lambda m: ((m[0] | m[1]) > 0).astype(np.uint8), "the first two nuclei"),
        (lambda m: (m.sum(axis=0) > 255).astype(np.uint8), "where two nuclei overlap"),
        (lambda m: sum(m), "255 + 255 is 254"),
        (lambda m: m.sum(axis=0, dtype=np.uint8) / 255, "255 + 255 is 254"),
        (lambda m: sum(m) // 255, "became background"),
        (lambda m: m.mean(axis=0), "how many nuclei there are"),
        (lambda m: (m > 0).mean(axis=0), "how many nuclei there are"),
        (lambda m: m[0], "the first nucleus alone"),
        (lambda m: m[0] // 255, "the first nucleus alone"),
        (lambda m: m[-1], "the last nucleus alone"),
        (lambda m: m[-1] // 255, "the last nucleus alone"),
        (lambda m: m.max(axis=1), "along axis 0"),
        (lambda m: m.max(axis=1) // 255, "along axis 0"),
        (lambda m: m.max(axis=-1), "along axis 0"),
        (lambda m: (m > 0).any(axis=2), "along axis 0"),
        (lambda m: m.max(), "without an axis"),
        (lambda m: (m > 0).any(), "without an axis"),
        (lambda m: m.min(axis=0), "need not be in all"),
        (lambda m: np.max([k * (a > 0) for k, a in enumerate(m, 1)], axis=0), "which nucleus"),
        (lambda m: (m == 0).all(axis=0), "the wrong way round"),
        (lambda m: (m > 0).any(axis=0), "uint8, not bool"),
        (lambda m: merge_masks(m).astype(float), "uint8, not float64"),
        (lambda m: merge_masks(m).tolist(), "uint8, not list"),
        (lambda m: merge_masks(m)[None], "shape (4, 6) is wanted, got (1, 4, 6)"),
    ],
    "check_node_inputs": [
        (lambda i, j: [(i, j - 1), (i + 1, j - 1)], "not the last alone"),
        (lambda i, j: [(i, 0), (i + 1, j - 1)], "that is U-Net's"),
        (lambda i, j: [*node_inputs(i, j)[:-1], (i + 1, j)], "one step to the left"),
        (lambda i, j: node_inputs(i, j)[:-1], "the node from below, enlarged, is missing"),
        (lambda i, j: [*node_inputs(i, j)[:-1], (i - 1, j - 1)], "the level above"),
        (lambda i, j: [(b, a) for a, b in node_inputs(i, j)], "i and j are swapped"),
        (lambda i, j: node_inputs(j, i), "i and j are swapped"),
        (lambda i, j: [(i, k) for k in range(j + 1)] + [(i + 1, j - 1)], "enter itself"),
        (lambda i, j: node_inputs(i, j)[1:], "starts with the encoder's node"),
        (
            lambda i, j: [(level, k) for level in (i, i + 1) for k in range(j)],
            "not the whole level",
        ),
        (lambda i, j: node_inputs(i, j)[::-1], "comes last; the order of the others"),
        (lambda i, j: [(0, 0), (1, 0)], "X(0, 4): X(0, 1) is missing"),
        (lambda i, j: [*node_inputs(i, j), (i + 2, j)], "X(0, 1): X(2, 1) does not enter it"),
        (lambda i, j: node_inputs(i, j) * 2, "stands twice"),
        (lambda i, j: len(node_inputs(i, j)), "a list of pairs"),
        (lambda i, j: [f"x_{a}_{b}" for a, b in node_inputs(i, j)], "a list of pairs"),
        (lambda i, j: [(float(a), b) for a, b in node_inputs(i, j)], "of whole numbers"),
    ],
    "check_channels_in": [
        (lambda i, j, f: f[i] + f[i + 1], "not one: j · filters[i]"),
        (lambda i, j, f: j * f[i], "the map from below is missing"),
        (lambda i, j, f: (j + 1) * f[i], "has filters[i + 1] channels"),
        (lambda i, j, f: (j + 1) * f[i] + f[i + 1], "does not enter itself"),
        (lambda i, j, f: (j - 1) * f[i] + f[i + 1], "counts too: j maps"),
        (lambda i, j, f: j * f[i] + f[i - 1], "not i − 1"),
        (lambda i, j, f: j * (f[i] + f[i + 1]), "one map, not j"),
        (lambda i, j, f: f[i] + j * f[i + 1], "swapped"),
        (lambda i, j, f: j * f[i] + f[i + 1] // 2, "no halving"),
        (lambda i, j, f: (j + 2) * f[i], "need not be twice filters[i]"),
        (lambda i, j, f: j * f[j] + f[i + 1], "not filters[j]"),
        (lambda i, j, f: len(node_inputs(i, j)), "count their channels"),
        (lambda i, j, f: f[i], "what leaves the node"),
        (lambda i, j, f: j * 32 * 2**i + 64 * 2**i, "that are handed over"),
        (lambda i, j, f: float(channels_in(i, j, f)), "give whole numbers"),
        (lambda i, j, f: 96, "X(0, 4) with filters (32, 64, 128, 256, 512): 192 is right, got 96"),
    ],
    "check_bce_dice": [
        (plus_dice(cross), "the cross entropy counts half"),
        (lambda t, p: 0.5 * (cross(t, p) + 1 - dice(t, p)), "1 − Dice counts whole"),
        (lambda t, p: cross(t, p) + 0.5 * (1 - dice(t, p)), "swapped"),
        (ratio(lambda hit, total: (hit + S) / (total + S)), "the 2 before"),
        (lambda t, p: half(t, p) + dice(t, p), "the larger the Dice"),
        (lambda t, p: half(t, p) - dice(t, p), "the 1 before"),
        (plus_dice(lambda t, p: half(t, p) * t.size), "no sum"),
        (plus_dice(lambda t, p: 0.5 * cross(t, p, np.log10)), "not np.log10"),
        (plus_dice(lambda t, p: 0.5 * cross(t, p, np.log2)), "not np.log2"),
        (plus_dice(lambda t, p: -0.5 * (t * np.log(p)).mean()), "both halves"),
        (plus_dice(lambda t, p: -0.5 * ((1 - t) * np.log(1 - p)).mean()), "both halves"),
        (plus_dice(lambda t, p: -half(t, p)), "− in front"),
        (ratio(lambda hit, total: (2 * hit + S) / (total - hit + S)), "makes it IoU's"),
        (ratio(lambda hit, total: (hit + S) / (total - hit + S)), "makes it IoU's"),
        (
            lambda t, p: (
                half(t, p) + 1 - (2 * (t * p).sum() + S) / ((t**2).sum() + (p**2).sum() + S)
            ),
            "V-Net's form",
        ),
        (ratio(lambda hit, total: 2 * hit / total), "missing above the line"),
        (lambda t, p: half(t, p) + 1 - dice(t, p, above=0), "missing above the line"),
        (lambda t, p: half(t, p) + 1 - dice(t, p, below=0), "above and below"),
        (lambda t, p: half(t, p) + 1 - dice(t, p, 1, 1), "not 1"),
        (lambda t, p: half(t, p) + 1 - dice(t, p > 0.5), "there is no gradient"),
        (half, "1 − Dice is missing"),
        (lambda t, p: 1 - dice(t, p), "the cross entropy is missing"),
        (
            lambda t, p: half(t, p) + 1 - (2 * (t * p).mean() + S) / (t.mean() + p.mean() + S),
            "sums, not means",
        ),
        (lambda t, p: half(t, p) + 1 - dice(t, p.sum()), "pixel by pixel first"),
        (
            lambda t, p: half(t, p) + 1 - 2 * t.sum() * p.sum() / (t.sum() + p.sum() + S),
            "pixel by pixel first",
        ),
        (
            lambda t, p: half(t, p) + 1 - (2 * (t * p).sum() + S / (t.sum() + p.sum() + S)),
            "parentheses: the whole sum",
        ),
        (lambda t, p: 1 - 2 * t * p, "one number is wanted, got an array of shape (3, 4)"),
        (lambda t, p: 0.5, "an image of 3 by 4 pixels: "),
    ],
    "check_three_ious": [
        (lambda *a: three_ious(*a)[::-1], "the order is (over_batches, over_all, over_images)"),
        (lambda *a: np.roll(three_ious(*a), 1), "the order is"),
        (ious(bare), "gives 0 / 0"),
        (ious(bare, lambda v: np.mean(np.nan_to_num(v))), "is right, 1, not 0"),
        (ious(below), "is right, 1, not 0"),
        (ious(bare, np.nanmean), "counts, with IoU 1"),
        (batches(lambda t, p, n: np.mean(over(t, p, n, whole=True))), "which is shorter"),
        (
            batches(lambda t, p, n: np.sum(over(t, p, n)) / (len(t) // n)),
            "divide by the number of batches",
        ),
        (
            batches(
                lambda t, p, n: np.mean(
                    over(t, p, n, lambda a, b: np.mean(over(a, b, 1)))  # of means
                )
            ),
            "add up the pixels",
        ),
        (batches(lambda t, p, n: iou(t[:n], p[:n])), "the first batch alone"),
        (batches(lambda t, p, n: np.mean(over(t, p, 16))), "which need not be 16"),
        (
            batches(
                lambda t, p, n: np.mean(
                    [
                        iou(*pair)
                        for pair in zip(np.array_split(t, n), np.array_split(p, n), strict=True)
                    ]
                )
            ),
            "how many images a batch has",
        ),
        (ious(dice_score), "that is Dice"),
        (ious(twice), "once, not twice"),
        (ious(of_two), "nuclei alone"),
        (lambda t, p, n: iou(t, p), "three numbers are wanted"),
        (lambda *a: three_ious(*a)[:2], "three numbers are wanted"),
        (
            lambda *a: dict(
                zip(("over_batches", "over_all", "over_images"), three_ious(*a), strict=True)
            ),
            "three numbers are wanted",
        ),
        (lambda *a: (0.5, 0.5, 0.5), "over_batches, batches of 2: "),
    ],
    "check_pruned_nodes": [
        (lambda d: d + 1, "that is the top row"),
        (lambda d: 2 * d + 1, "that is a U-Net of this depth"),
        (lambda d: d + 2, "its own inputs and itself"),
        (lambda d: d * (d + 1) // 2, "the encoder's nodes"),
        (lambda d: 15, "that is the whole network"),
        (lambda d: pruned_nodes(d) - 1, "count X(0, depth) itself"),
        (lambda d: 15 - pruned_nodes(d), "how many are cut off"),
        (lambda d: (d + 1) ** 2, "that is a square"),
        (lambda d: (d + 1) * (d + 2), "halve it"),
        (lambda d: (d + 1) * (d + 2) / 2, "give whole numbers"),
        (lambda d: 3, "depth 2: 6 is right, got 3"),
    ],
}
