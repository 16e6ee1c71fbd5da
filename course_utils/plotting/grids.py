"""Grids of pixels, and windows on them: the parts of the drawings in `course_utils.diagrams`."""

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyBboxPatch, Rectangle

from .style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, bare, new_figure

WINDOWS = (BLUE, GREEN, PURPLE, ORANGE, SKY)


def canvas(left, right, gap=2):
    """One axes with room for two grids, of `left` and of `right` cells a side, all cells alike.

    Returns the figure, the axes, and the two grids' upper left corners; lengths are in cells.
    """
    higher = max(left, right)
    cell = min(0.5, 4.4 / higher, 8.6 / (left + right + gap))  # inches
    text = 3.4 / cell  # what stands above a grid may be wider than the grid
    figure, axes = new_figure(height=(higher + 0.9) * cell + 0.62)
    ax = axes[0, 0]
    second = max(left, 1.9 / cell if left < right else text) + gap
    ax.set(xlim=(-0.1, 8.8 / cell - 0.1), ylim=(higher + 0.1, -0.8), aspect="equal", anchor="NW")
    second = min(second, 8.7 / cell - max(right, text))
    bare(ax)
    return figure, ax, (0, (higher - left) / 2), (max(second, left + 1), (higher - right) / 2)


def window_turn(row, column, kernel, stride):
    """Which colour a window gets, of how many, so that windows that overlap get different ones."""
    turns = max(2, -(-kernel // stride))
    return (row + column) % turns, turns


def draw_cell(ax, x, y, *, kind, colour="#EFEFEF"):
    dashed = kind == "padding"
    cell = Rectangle((x, y), 1, 1, facecolor=colour, edgecolor="0.6", linewidth=0.8)
    ax.add_patch(cell).set_gid(kind)
    if dashed:
        cell.set(facecolor="none", linestyle="--")
        ax.text(x + 0.5, y + 0.5, "0", color="0.6", ha="center", va="center", fontsize=8)
    else:
        cell.set_facecolor((*to_rgb(colour), 0.3 if colour in WINDOWS else 1.0))


def draw_window(ax, x, y, side, turn, turns):
    """The outline of one window, inside its cells by its turn, so that neighbours stay apart."""
    inset = 0.08 + 0.3 * turn / turns
    box = FancyBboxPatch(
        (x + inset, y + inset),
        side - 2 * inset,
        side - 2 * inset,
        boxstyle="round,pad=0,rounding_size=0.15",
        facecolor="none",
        edgecolor=WINDOWS[turn % len(WINDOWS)],
        linewidth=1.2,
    )
    ax.add_patch(box).set_gid("window")


def draw_chosen(ax, x, y, side, *, alpha):
    ax.add_patch(Rectangle((x, y), side, side, facecolor=VERMILION, alpha=alpha, linewidth=0))
    edge = Rectangle((x, y), side, side, fill=False, edgecolor=VERMILION, linewidth=3)
    ax.add_patch(edge).set_gid("chosen")


def draw_counts(ax, counts, x=0, y=0, *, cut=0, top=None, colours="Blues"):
    """Cells coloured by their count, with the number in each; the outer `cut` cells pale."""
    shades = colormaps[colours](0.02 + 0.42 * counts / (top or counts.max()))
    size = len(counts)
    for r, c in np.ndindex(counts.shape):
        kept = cut <= min(r, c) and max(r, c) < size - cut
        colour = shades[r, c] if kept else "white"
        cell = Rectangle((x + c, y + r), 1, 1, facecolor=colour, edgecolor="0.7", linewidth=0.6)
        cell.set(gid="count", linestyle="-" if kept else "--")
        ax.add_patch(cell)
        ax.text(
            x + c + 0.5,
            y + r + 0.5,
            counts[r, c],
            color="black" if kept else "0.6",
            ha="center",
            va="center",
            fontsize=min(11, 130 / size),
        )


def draw_connection(ax, left, left_side, right, right_side):
    """Dotted lines from the right edge of one square to the left edge of another."""
    for shift in (0, 1):
        ax.plot(
            [left[0] + left_side, right[0]],
            [left[1] + shift * left_side, right[1] + shift * right_side],
            color=VERMILION,
            linewidth=1,
            linestyle=":",
        )


def square(side):
    """Write the size of a square: "3 by 3"."""
    return f"{side} by {side}"


def check_sizes(*, size, kernel, stride, padding):
    for name, value, least in (
        ("size", size, 1),
        ("kernel", kernel, 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
    ):
        if value != int(value) or value < least:
            raise ValueError(f"{name} must be a whole number, {least} or more; it is {value}")


def check_position(position, count, name):
    row, column = position
    if not (0 <= row < count and 0 <= column < count):
        raise ValueError(f"position {position} is not in the {name}, which is {count} × {count}")
    return row, column
