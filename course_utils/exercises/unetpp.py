"""Chapter 06: the nodes of UNet++."""

import numpy as np

from ._judge import call, judge, say_right, say_wrong, unanswered
from .unet import not_whole

FILTERS = (32, 64, 128, 256, 512)


def check_node_inputs(node_inputs):
    """Chapter 06: the nodes that enter X(i, j), all before it on its level and one from below."""
    cases = [(0, 1), (0, 4), (1, 3), (2, 2), (3, 1)]
    answers = [call(node_inputs, *case) for case in cases]
    if unanswered(answers):
        return None
    found = []
    for (i, j), answer in zip(cases, answers, strict=True):
        pairs = _pairs(answer)
        if pairs is None:
            return say_wrong(f"X({i}, {j}): a list of pairs (level, step) of whole numbers.")
        found.append(pairs)
    below = [(i + 1, j - 1) for i, j in cases]
    rows = [[(i, k) for k in range(j)] for i, j in cases]
    right = [[*row, node] for row, node in zip(rows, below, strict=True)]
    if _same(found, right):
        if any(pairs[-1] != node for pairs, node in zip(found, below, strict=True)):
            return say_wrong(
                "those are its inputs, but the enlarged one, from below, comes last; the order "
                "of the others does not matter."
            )
        return say_right()
    for mistake, hint in NODE_MISTAKES:
        if _same(found, [mistake(i, j) for i, j in cases]):
            return say_wrong(hint)
    for (i, j), pairs, wanted in zip(cases, found, right, strict=True):
        if absent := sorted(set(wanted) - set(pairs)):
            return say_wrong(f"X({i}, {j}): X{absent[0]} is missing.")
        if more := sorted(set(pairs) - set(wanted)):
            return say_wrong(f"X({i}, {j}): X{more[0]} does not enter it.")
    return say_wrong("a node stands twice in a list.")


def _row(i, j):
    return [(i, k) for k in range(j)]


def _inputs(i, j):
    return [*_row(i, j), (i + 1, j - 1)]


NODE_MISTAKES = [
    (
        lambda i, j: [(i, j - 1), (i + 1, j - 1)],
        "all before it on its level enter, not the last alone.",
    ),
    (
        lambda i, j: [(i, 0), (i + 1, j - 1)],
        "that is U-Net's, the encoder and the map from below; here all before it on its level.",
    ),
    (
        lambda i, j: [*_row(i, j), (i + 1, j)],
        "the node from below is one step to the left: X(i + 1, j − 1).",
    ),
    (_row, "the node from below, enlarged, is missing: X(i + 1, j − 1)."),
    (
        lambda i, j: [*_row(i, j), (i - 1, j - 1)],
        "X(i − 1, …) is the level above; enlarged is the level below, i + 1.",
    ),
    (
        lambda i, j: [(b, a) for a, b in _inputs(i, j)],
        "i and j are swapped: the level comes first, then the step.",
    ),
    (lambda i, j: _inputs(j, i), "i and j are swapped: the level comes first, then the step."),
    (lambda i, j: [*_inputs(i, j), (i, j)], "that has X(i, j) enter itself: range(j) ends before."),
    (lambda i, j: _inputs(i, j)[1:], "the level starts with the encoder's node, X(i, 0)."),
    (
        lambda i, j: [*_row(i, j), *_row(i + 1, j)],
        "from below comes one node, X(i + 1, j − 1), not the whole level.",
    ),
]


def _pairs(answer):
    """Return an answer as a list of pairs of int, or None."""
    try:
        pairs = [(a, b) for a, b in answer]
        whole = all(isinstance(n, (int, np.integer)) for pair in pairs for n in pair)
        return [(int(a), int(b)) for a, b in pairs] if whole else None
    except Exception:  # whatever it is, it is no list of pairs
        return None


def _same(some, others):
    return [sorted(pairs) for pairs in some] == [sorted(pairs) for pairs in others]


def check_channels_in(channels_in):
    """Chapter 06: channels that enter X(i, j), j maps of its own level and one from below."""
    uneven = (8, 20, 30, 50, 60)
    nodes = [(0, 1), (0, 4), (1, 3), (2, 2), (3, 1), (0, 3), (1, 2)]
    cases = [(i, j, uneven if n > 4 else FILTERS) for n, (i, j) in enumerate(nodes)]
    i, j = np.array(nodes).T
    here = np.array([filters[i] for i, _, filters in cases])
    below = np.array([filters[i + 1] for i, _, filters in cases])
    above = np.array([filters[i - 1] for i, _, filters in cases])
    at_step = np.array([filters[j] for _, j, filters in cases])
    return judge(
        [call(channels_in, *case) for case in cases],
        j * here + below,
        [
            (here + below, "j maps come from its own level, not one: j · filters[i]."),
            (j * here, "the map from below is missing: filters[i + 1]."),
            ((j + 1) * here, "the map from below has filters[i + 1] channels."),
            ((j + 1) * here + below, "X(i, j) does not enter itself: j maps, from 0 to j − 1."),
            ((j - 1) * here + below, "the encoder's X(i, 0) counts too: j maps on its level."),
            (j * here + above, "the map from below is of level i + 1, not i − 1."),
            (j * (here + below), "from below comes one map, not j."),
            (here + j * below, "swapped: j maps of its own level, one from below."),
            (j * here + below // 2, "enlarging keeps the channels: no halving."),
            ((j + 2) * here, "filters[i + 1] need not be twice filters[i]: take it as it is."),
            (
                j * at_step + below,
                "the level is i, so its maps have filters[i] channels, not filters[j].",
            ),
            (j + 1, "those are the maps; count their channels."),
            (here, "that is what leaves the node."),
            (
                j * 32 * 2**i + 32 * 2 ** (i + 1),
                "use the `filters` that are handed over; they need not be 32, 64, 128, …",
            ),
        ],
        wrong_at=[f"X({i}, {j}) with filters {filters}" for i, j, filters in cases],
        also=not_whole,
    )


def check_pruned_nodes(pruned_nodes):
    """Chapter 06: how many nodes X(0, depth) needs, itself among them."""
    depths = np.arange(1, 5)
    right = (depths + 1) * (depths + 2) // 2
    triangle = "that is a square; from level to level there is one node less."
    return judge(
        [call(pruned_nodes, int(depth)) for depth in depths],
        right,
        [
            (depths + 1, "that is the top row; its nodes need those below them."),
            (right - depths - 1, "the encoder's nodes, X(0, 0) to X(depth, 0), are needed too."),
            (2 * depths + 1, "that is a U-Net of this depth; UNet++ has nodes between, too."),
            (depths + 2, "those are its own inputs and itself; they need others in turn."),
            (np.full(4, 15), "that is the whole network; what lies beyond X(0, depth) is cut off."),
            (right - 1, "count X(0, depth) itself, too."),
            (15 - right, "that is how many are cut off."),
            ((depths + 1) ** 2, triangle),
            (2 * right, "each level has one node less than the one above: halve it."),
        ],
        wrong_at=[f"depth {depth}" for depth in depths],
        also=not_whole,
    )
