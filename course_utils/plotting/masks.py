"""Masks over images.

Images are uint8 [H,W], [H,W,1] or [H,W,3] (RGB), or float in [0, 1]; masks hold class numbers,
[H,W] or [H,W,1], with 0 as background and 255 as "ignore this pixel".
"""

import numpy as np
from matplotlib.colors import is_color_like, to_rgb

from .style import (
    VERMILION,
    as_image,
    as_mask,
    bare,
    between,
    described,
    is_ignored,
    new_figure,
    outline_region,
    same_length,
)


def overlay(ax, image, mask, *, colour=VERMILION, alpha=0.45, outline=True):
    """Draw an image with its mask on top.

    Parameters
    ----------
    ax : matplotlib Axes
    image : array, [H,W], [H,W,1] or [H,W,3], uint8 or float in [0, 1]
    mask : array of class numbers, [H,W] or [H,W,1]
        0 is left clear; 255 (ignore) is striped grey.
    colour : one colour for all classes, or a sequence with one colour each for class 1, 2, …
    alpha : float
        How strongly a mask covers the image; 0 leaves the outline alone.
    outline : bool
        Draw the mask's edge along the pixels' borders.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If mask and image differ in size, or the mask holds fractions.
    """
    image = as_image(image)
    mask = as_mask(mask, shape=image.shape)
    colours = [colour] if is_color_like(colour) else list(colour)
    draw_image(ax, image)
    paint = np.zeros((*mask.shape, 4))
    for number in np.setdiff1d(mask, [0, 255]):
        paint[mask == number] = (*to_rgb(colours[(number - 1) % len(colours)]), alpha)
    stripe(paint, is_ignored(mask))
    ax.imshow(paint, interpolation="nearest")
    if outline:
        for number in np.setdiff1d(mask, [0, 255]):
            outline_region(ax, mask == number, colours[(number - 1) % len(colours)])
    return ax


def show_pairs(images, masks, ids=None, *, columns=4, rows=1, zoom=False):
    """Draw the first images in a row, and the same images with their masks in the row below.

    Parameters
    ----------
    images, masks : sequences of the same length
    ids : sequence of str, optional
        Stand above the images.
    columns, rows : int
        At most `columns * rows` images are drawn, so that a whole data set may be given.
    zoom : bool
        Cut both to a square around the mask.

    Returns
    -------
    Figure
    """
    same_length(images=images, masks=masks, ids=ids)
    if len(images) == 0:
        raise ValueError("images is empty: there is nothing to draw")
    count = min(columns * rows, len(images))
    columns = min(columns, count)
    rows = -(-count // columns)
    height, width = np.asarray(images[0]).shape[:2]
    side = 8.6 / columns * (1 if zoom else height / width)
    figure, axes = new_figure(
        2 * rows, columns, height=rows * (2 * side + 0.1 + 0.2 * (ids is not None))
    )
    for ax in axes.flat:
        ax.set_axis_off()
    covered = []
    for number in range(count):
        row, column = divmod(number, columns)
        above, below = pair = axes[2 * row : 2 * row + 2, column]
        image = as_image(images[number], f"images[{number}]")
        mask = as_mask(masks[number], f"masks[{number}]", image.shape)
        draw_image(above, image)
        overlay(below, image, mask)
        covered.append(((mask > 0) & ~is_ignored(mask)).mean())
        for ax, text in zip(pair, ("image", "with its mask"), strict=True):
            ax.set_axis_on()
            if column == 0:
                ax.set_ylabel(text)
        if ids is not None:
            above.set_title(ids[number], fontsize=9, loc="left")
        if zoom:
            zoom_to(pair, mask > 0)
    text = "An image, and below it the same with its mask on top"
    if count > 1:
        text = f"{count} images, and below each the same with its mask on top"
    text += ", cut to a square around the mask" if zoom else ""
    covered = between(covered, ".1%")
    return described(figure, f"{text}. A mask covers {covered} of its image.")


def draw_image(ax, image):
    """Draw an image at its full range of values, without ticks."""
    top = 1.0 if image.dtype.kind in "fb" else 255
    ax.imshow(image, cmap="gray", vmin=0, vmax=top)
    return bare(ax)


def stripe(paint, where):
    """Paint diagonal stripes, grey and clear by turns, on the pixels of `where`."""
    rows, columns = np.indices(where.shape)
    step = max(1, max(where.shape) // 64)
    dark = (rows + columns) // step % 2 == 0
    paint[where & dark] = (0.35, 0.35, 0.35, 0.9)
    paint[where & ~dark] = (0.8, 0.8, 0.8, 0.9)


def zoom_to(axes, marked, margin=0.35):
    """Set all axes to one square window around the marked pixels, within the image."""
    rows, columns = np.nonzero(marked)
    if rows.size == 0:
        return
    extent = max(np.ptp(rows), np.ptp(columns)) + 1
    side = min(max(extent * (1 + 2 * margin), 24), *marked.shape)
    window = []
    for centres, size in ((rows, marked.shape[0]), (columns, marked.shape[1])):
        centre = (centres.min() + centres.max()) / 2
        low = np.clip(centre - side / 2, -0.5, size - 0.5 - side)
        window.append((low, low + side))
    for ax in axes:
        ax.set(ylim=window[0][::-1], xlim=window[1])
