"""Boxes, arrows and grids of numbers on a sheet measured in inches, y upwards."""

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyArrowPatch, Rectangle

from ..plotting.style import GREEN, GREY, ORANGE, PURPLE, SKY, WIDTH, bare, new_figure

# The same in every drawing; "plain" is an image, a score map, or what an earlier network had.
COLOURS = {
    "encoder": SKY,
    "decoder": GREEN,
    "skip": ORANGE,
    "context": PURPLE,
    "plain": "#B5B5B5",
}
SMALL, MEDIUM, LARGE = 8, 9, 11  # points


def sheet(height):
    """An empty figure, as wide as all of the course's, whose one axes counts in inches."""
    figure, axes = new_figure(height=height)
    figure.set_layout_engine("none")
    ax = axes[0, 0]
    ax.set_position([0, 0, 1, 1])
    ax.set(xlim=(0, WIDTH), ylim=(0, height))
    bare(ax)
    return figure, ax


def write(ax, x, y, text, size=MEDIUM, **look):
    """Write a text centred on a point, unless `ha` and `va` say otherwise."""
    look = {"ha": "center", "va": "center", "color": "0.15", "linespacing": 1.15, **look}
    return ax.text(x, y, text, fontsize=size, **look)


def heading(ax, x, y, text):
    """Name a part of a drawing; the point is the text's left end."""
    return write(ax, x, y, text, LARGE, ha="left", color="black")


def block(ax, x, y, wide, tall, kind, text="", size=SMALL):
    """Draw a box centred on (x, y), with its text; `kind` gives colour and gid. Returns it."""
    pale = 0.55 * np.ones(3) + 0.45 * np.array(to_rgb(COLOURS[kind]))
    corner = x - wide / 2, y - tall / 2
    box = Rectangle(corner, wide, tall, facecolor=pale, edgecolor=COLOURS[kind], linewidth=1.2)
    ax.add_patch(box).set_gid(kind)
    if text:
        write(ax, x, y, text, size).set_gid("inside")
    return box


def arrow(ax, start, end, kind=None, dashed=False, bend=0.0):
    """Draw an arrow from point to point; of a skip, say, in that kind's colour. Returns it."""
    line = FancyArrowPatch(
        start,
        end,
        arrowstyle="-|>",
        mutation_scale=9,
        shrinkA=0,
        shrinkB=0,
        color=COLOURS[kind] if kind else GREY,
        linewidth=1.6 if kind else 1.1,
        linestyle="--" if dashed else "-",
        connectionstyle=f"arc3,rad={bend}",
    )
    ax.add_patch(line).set_gid(f"{kind or 'plain'} arrow")
    return line


def grid(ax, x, y, rows, columns, cell, kind="plain", numbers=None, marked=None):
    """Draw cells from the upper left corner (x, y); those `marked` (bool) in the kind's colour.

    `numbers` (rows, columns) stand in the cells; a cell's gid is "marked" or "cell".
    """
    for row, column in np.ndindex(rows, columns):
        chosen = marked is not None and bool(marked[row][column])
        shade = (*to_rgb(COLOURS[kind]), 0.55) if chosen else "white"
        corner = x + column * cell, y - (row + 1) * cell
        square = Rectangle(corner, cell, cell, facecolor=shade, edgecolor="0.6", linewidth=0.7)
        ax.add_patch(square).set_gid("marked" if chosen else "cell")
        if numbers is not None:
            middle = corner[0] + cell / 2, corner[1] + cell / 2
            write(ax, *middle, str(numbers[row][column]), SMALL).set_gid("number")


def key(ax, x, y, **meanings):
    """Say what the colours mean, one after the other from the left; `kind=text`."""
    for kind, text in meanings.items():
        block(ax, x + 0.08, y, 0.16, 0.13, kind).set_gid("key")
        write(ax, x + 0.22, y, text, SMALL, ha="left")
        x += 0.22 + 0.068 * len(text) + 0.22
