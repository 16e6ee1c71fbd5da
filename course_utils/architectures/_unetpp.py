"""UNet++: a triangle of nodes, each joined to all nodes before it on its level."""

import numbers

from ..plotting.style import counted, described
from ._blocks import arrow, block, key, sheet, write

NODE = 0.66, 0.34  # inches, wide and tall
PALE = 0.15


def unetpp(filters=(32, 64, 128, 256, 512), deep_supervision=False, highlight=None):
    """Draw the nodes X(i, j) of a UNet++: level i downwards, j steps to the right.

    Parameters
    ----------
    filters : sequence of int
        Channels of the nodes of each level, two to five levels.
    deep_supervision : bool
        Whether all of X(0, 1), X(0, 2), … have an output, or only the last of them.
    highlight : int or (i, j), optional
        A node: it and what goes into it stand out. A number d: what the output of X(0, d) needs
        stands out, which is the network that pruning leaves.

    Returns
    -------
    Figure
        Nodes and arrows bear, as their labels, "X(i, j)" and "X(i, j) → X(k, l)".

    Raises
    ------
    ValueError
        If there are too few or too many levels, or `highlight` is no node, or X(0, `highlight`)
        is none.

    References
    ----------
    Z. Zhou, M. M. R. Siddiquee, N. Tajbakhsh, J. Liang, "UNet++: A Nested U-Net Architecture for
    Medical Image Segmentation", DLMIA 2018, https://arxiv.org/abs/1807.10165
    """
    if not 2 <= len(filters) <= 5:
        raise ValueError(f"filters must hold two to five numbers; it holds {len(filters)}")
    last = len(filters) - 1
    nodes = [(i, j) for j in range(last + 1) for i in range(last + 1 - j)]
    arrows = [(source, node) for node in nodes for source in _inputs(node)]
    chosen, strong = _chosen(highlight, nodes, arrows)

    pitch, across = 0.76, min(2.4, 6.48 / last)
    above = (0.4, 0.5, 0.65, 0.8, 1.05)[last]  # room for the arcs
    figure, ax = sheet(pitch * last + above + 0.97)
    base = 0.75 + pitch * last

    def place(node):
        i, j = node
        return 2.0 + across * (j + i / 2), base - pitch * i

    for source, node in arrows:
        _arrow(ax, place, source, node).set_alpha(None if (source, node) in strong else PALE)
    for i, j in nodes:
        kind = "encoder" if j == 0 else "decoder" if i + j == last else "context"
        box = block(ax, *place((i, j)), *NODE, kind)
        box.set_label(_name((i, j)))
        text = write(ax, *place((i, j)), _name((i, j)))
        text.set_gid("inside")
        if (i, j) not in chosen:
            box.set_alpha(PALE)
            text.set_alpha(0.35)
        elif (i, j) == highlight:
            box.set(linewidth=2.5, edgecolor="black")
    for j in range(1, last + 1) if deep_supervision else (last,):
        x, y = place((0, j))
        wanted = highlight is None or highlight == j
        line = arrow(ax, (x, y + NODE[1] / 2), (x, base + above))
        line.set(color="black", alpha=None if wanted else PALE, label=f"{_name((0, j))} → output")
        text = f"output {j}" if deep_supervision else "output"
        write(ax, x, base + above + 0.1, text, alpha=None if wanted else 0.35)
    for i, depth in enumerate(filters):
        write(ax, 0.12, base - pitch * i, f"level {i}: {depth} filters", ha="left")
    note = _note(highlight, filters, len(chosen), len(nodes))
    write(ax, 8.88, 0.75, note, ha="right", linespacing=1.3)
    texts = {
        "encoder": "encoder",
        "context": "nested nodes",
        "decoder": "decoder of the plain U-Net",
        "skip": "skip within the level",
    }
    if last == 1:
        del texts["context"]
    key(ax, 0.15, 0.15, **texts)
    return described(figure, _in_words(filters, deep_supervision, highlight, chosen))


def _in_words(filters, deep_supervision, highlight, chosen):
    levels = len(filters)
    text = f"Diagram of a UNet++, a triangle of {levels * (levels + 1) // 2} nodes on {levels} "
    text += "levels. On its left the encoder; each other node takes all before it on its level "
    text += "and one from below. "
    text += "Each" if deep_supervision else "Only the last"
    text += " of those on top has an output."
    if highlight is None:
        return text
    if isinstance(highlight, numbers.Integral):
        needed = f"the {len(chosen)} nodes that the output of X(0, {highlight}) needs"
        return f"{text} Highlighted: {needed}."
    sources = f" and the {counted(len(chosen) - 1, 'node')} that it sees" * (len(chosen) > 1)
    return f"{text} Highlighted: {_name(highlight)}{sources}."


def _inputs(node):
    """The nodes whose maps go into a node; the last of them is from another level."""
    i, j = node
    if j == 0:
        return [(i - 1, 0)] if i else []
    return [*((i, k) for k in range(j)), (i + 1, j - 1)]


def _chosen(highlight, nodes, arrows):
    """The nodes and the arrows that are not pale."""
    if highlight is None:
        return set(nodes), set(arrows)
    if isinstance(highlight, numbers.Integral) and not isinstance(highlight, bool):
        if not highlight or (0, highlight) not in nodes:
            raise ValueError(
                f"highlight must be 1 to {max(nodes)[0]} where it is a number; it is {highlight}"
            )
        needed = {node for node in nodes if sum(node) <= highlight}
        return needed, {pair for pair in arrows if pair[1] in needed}
    if highlight not in nodes:
        raise ValueError(f"highlight must be a node (i, j) of the triangle; it is {highlight!r}")
    into = {pair for pair in arrows if pair[1] == highlight}
    return {highlight, *(source for source, _ in into)}, into


def _arrow(ax, place, source, node):
    """Between levels straight; within a level an arc, the higher the further it goes."""
    (x, y), (to_x, to_y) = place(source), place(node)
    half, up = NODE[0] / 2, NODE[1] / 2
    span = node[1] - source[1]
    if source[0] != node[0]:
        side = 0.28 if to_x > x else -0.28
        turn = 1 if to_y > y else -1
        line = arrow(ax, (x + side, y + turn * up), (to_x - side, to_y - turn * up))
        line.set_linewidth(1.3)
    elif span == 1:
        line = arrow(ax, (x + half, y), (to_x - half, y), kind="skip")
    else:
        # Longer arcs leave and arrive nearer to the nodes' middles, so that none cross.
        start, end = (x + 0.49 - 0.11 * span, y + up), (to_x - 0.49 + 0.11 * span, to_y + up)
        height = (0.25, 0.48, 0.75)[span - 2] if node[0] == 0 else (0.19, 0.34)[span - 2]
        line = arrow(ax, start, end, kind="skip", bend=-2 * height / (end[0] - start[0]))
    line.set_label(f"{_name(source)} → {_name(node)}")
    return line


def _note(highlight, filters, used, total):
    if highlight is None:
        return "Each node: two 3 × 3 convolutions.\nDown: 2 × 2 max pooling. Up: bilinear."
    if isinstance(highlight, numbers.Integral):
        return f"The output of X(0, {highlight}) needs\n{used} of {total} nodes."
    depths = [filters[i] for i, _ in _inputs(highlight)]
    if len(depths) < 2:
        seen = f"{depths[0]} channels, pooled" if depths else "the image"
        return f"{_name(highlight)} sees {seen}."
    added = " + ".join(map(str, depths))
    return f"{_name(highlight)} sees {added}\n= {sum(depths)} channels."


def _name(node):
    return f"X({node[0]}, {node[1]})"
