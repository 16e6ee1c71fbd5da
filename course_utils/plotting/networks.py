"""The shape of a network, as a row of blocks."""

import itertools
import textwrap

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyArrowPatch, Polygon

from .style import GREY, SKY, bare, counted, described, new_figure


def network(layers):
    """Draw a network as a row of blocks: tall where the picture is large, wide where it is deep.

    Parameters
    ----------
    layers : sequence of (label, height, channels)
        What makes the block (stands below it), its size in pixels along one side (1 for a dense
        layer) and its channels (or units). Both stand above it.

    Returns
    -------
    Figure
    """
    if not layers:
        raise ValueError("layers is empty: there is nothing to draw")
    figure, axes = new_figure(height=2.7)
    ax = axes[0, 0]
    sides = [height if height > 1 else np.sqrt(channels) for _, height, channels in layers]
    x, lines, blocks = 0.0, 1, []
    for (label, height, channels), side in zip(layers, sides, strict=True):
        tall = 2.0 * np.sqrt(side / max(sides))
        wide = 0.1 + 0.09 * np.log2(channels) if height > 1 else 0.14
        depth = 0.22 * tall if height > 1 else 0.0
        slot = max(1.2, wide + depth + 0.65)
        start = x + (slot - wide - depth) / 2
        _block(ax, start, wide, tall, depth)
        size = f"{height} × {height}\n× {channels}" if height > 1 else f"{channels:,}\nunits"
        ax.text(x + slot / 2, 1.7, size, ha="center", va="bottom", fontsize=9, color="0.25")
        below = "\n".join(textwrap.fill(part, 12) for part in label.split("\n"))
        lines = max(lines, below.count("\n") + 1)
        ax.text(x + slot / 2, -1.2, below, ha="center", va="top", fontsize=9)
        blocks.append((start, start + wide + depth))
        x += slot
    for (_, end), (start, _) in itertools.pairwise(blocks):
        look = {"arrowstyle": "-|>", "mutation_scale": 10, "shrinkA": 0, "shrinkB": 0}
        arrow = FancyArrowPatch((end + 0.04, 0), (start - 0.04, 0), color=GREY, **look)
        ax.add_patch(arrow)
    ax.set(xlim=(0, x), ylim=(-1.3 - 0.3 * lines, 2.4))
    bare(ax)
    sizes = [
        f"{label}, {f'{height} by {height} by {channels}' if height > 1 else f'{channels:,} units'}"
        for label, height, channels in layers
    ]
    return described(
        figure,
        f"A network as a row of {counted(len(layers), 'block')}, tall where the map is large, "
        f"wide where it is deep: from {sizes[0]}, to {sizes[-1]}.",
    )


def _block(ax, x, wide, tall, depth, colour=SKY):
    """A box seen from the side: its front is channels by rows, its depth the columns."""
    low, high = -tall / 2, tall / 2
    dark, pale = (tuple(np.array(to_rgb(colour)) * factor) for factor in (0.6, 0.85))
    front = [(x, low), (x + wide, low), (x + wide, high), (x, high)]
    right, back, up = x + wide, x + wide + depth, high + depth
    top = [(x, high), (right, high), (back, up), (x + depth, up)]
    end = [(right, low), (back, low + depth), (back, up), (right, high)]
    for corners, face in ((front, colour), (top, pale), (end, dark)):
        ax.add_patch(Polygon(corners, facecolor=face, edgecolor="white", linewidth=0.8))
