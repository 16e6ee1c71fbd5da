"""Inside a network: how far its places see, and what its kernels and maps are before and after."""

import numpy as np
from matplotlib.patches import Rectangle

from .masks import draw_image
from .style import (
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    WIDTH,
    YELLOW,
    as_image,
    bare,
    described,
    listed,
    new_figure,
)


def receptive_field(image, sides, at):
    """Draw how much of an image one place of each layer sees: squares around that place.

    Parameters
    ----------
    image : array, [H,W], [H,W,1] or [H,W,3], uint8 or float in [0, 1]
    sides : dict, name of the layer -> pixels along one side, the smallest first
    at : (float, float)
        Row and column of the squares' middle.

    Returns
    -------
    Figure
        Cut to one and a half times the largest square.
    """
    figure, axes = new_figure(height=4.4, width=6.5)
    ax = draw_image(axes[0, 0], as_image(image))
    colors = (YELLOW, ORANGE, VERMILION, PURPLE, SKY, GREEN)
    for number, (name, side) in enumerate(sides.items()):
        corner = at[1] - side / 2, at[0] - side / 2
        look = {"edgecolor": colors[number % len(colors)], "linewidth": 2, "fill": False}
        ax.add_patch(Rectangle(corner, side, side, label=f"{name}: {side} × {side}", **look))
    half = 0.75 * max(sides.values())
    ax.set(xlim=(at[1] - half, at[1] + half), ylim=(at[0] + half, at[0] - half))
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    told = listed(f"{side} ({name})" for name, side in sides.items())
    return described(figure, f"Squares around one place of an image, with sides of {told} pixels.")


def before_and_after(before, after, what, *, count=8, image=None):
    """Draw kernels or feature maps of a layer before and after training, in one scale of color.

    Parameters
    ----------
    before, after : ndarray of float, shape [H, W, N]
        The same N kernels, or their maps of one image.
    what : str
        Such as "kernels of conv1".
    count : int, optional
        So many are drawn: those that vary most after training, the strongest first.
    image : array, optional
        Of which these are maps; stands at the left.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If `before` and `after` differ in shape, or have no three axes.
    """
    rows = {"before": np.asarray(before, "float32"), "after": np.asarray(after, "float32")}
    shapes = {grids.shape for grids in rows.values()}
    if len(shapes) > 1 or len(*shapes) != 3:
        raise ValueError(f"before and after must have the same shape [H, W, N]; they have {shapes}")
    chosen = np.argsort(-rows["after"].std(axis=(0, 1)), kind="stable")[:count]
    rows = {name: grids[..., chosen] for name, grids in rows.items()}
    top = max(np.abs(grids).max() for grids in rows.values()) or 1.0
    signed = any(grids.min() < 0 for grids in rows.values())
    look = {"vmin": -top, "cmap": "RdBu_r"} if signed else {"vmin": 0, "cmap": "gray"}
    columns = len(chosen) + (image is not None)
    figure, axes = new_figure(2, columns, height=2 * 8.2 / columns + 0.4)
    for ax, (name, grids) in zip(axes, rows.items(), strict=True):
        if image is not None:
            draw_image(ax[0], as_image(image))
        ax[0].set_ylabel(name)
        for place, grid in zip(ax[-len(chosen) :], np.moveaxis(grids, -1, 0), strict=True):
            drawn = bare(place).imshow(grid, vmax=top, **look)
    figure.colorbar(drawn, ax=axes, shrink=0.8, aspect=15)
    spread = {name: grids.std() for name, grids in rows.items()}
    return described(
        figure,
        f"The {len(chosen)} strongest {what} after training, and above them the same before, in "
        f"one scale of color. Standard deviation {spread['before']:.2g} before, "
        f"{spread['after']:.2g} after.",
    )


def maps(grids, text, *, cmap="viridis"):
    """Draw maps side by side, each in a scale of color of its own, from 0 on.

    Parameters
    ----------
    grids : dict, title -> array, [H,W] of numbers, or an image [H,W,3]
    text : str
        What there is to see, for readers who cannot.
    cmap : str, optional
        Colors of the numbers.

    Returns
    -------
    Figure
    """
    steepest = max(np.shape(grid)[0] / np.shape(grid)[1] for grid in grids.values())
    figure, axes = new_figure(1, len(grids), height=WIDTH / max(3, len(grids)) * steepest + 0.4)
    for ax, (title, grid) in zip(axes[0], grids.items(), strict=True):
        bare(ax).imshow(grid, cmap=cmap, vmin=min(0, np.min(grid)))
        ax.set_title(title, fontsize=9)
    return described(figure, text)
