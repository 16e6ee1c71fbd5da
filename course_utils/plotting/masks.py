"""Masks over images, class maps with their legend, and images in rows.

Images are uint8 [H,W], [H,W,1] or [H,W,3] (RGB), or float in [0, 1]; masks hold class numbers,
[H,W] or [H,W,1], with 0 as background and 255 as "ignore this pixel".
"""

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch

from ..datasets import IGNORE
from .style import (
    VERMILION,
    WIDTH,
    as_image,
    as_mask,
    bare,
    check_lengths,
    class_palette,
    described,
    listed,
    new_figure,
)

COLUMNS = 4  # of `show_pairs`


def draw_image(ax, image):
    """Draw an image at its full range of values, without ticks; returns the Axes."""
    top = 1.0 if image.dtype.kind in "fb" else 255
    ax.imshow(image, cmap="gray", vmin=0, vmax=top)
    return bare(ax)


def paint(ax, numbers, colors, alpha=1.0, unknown=None):
    """Paint pixels by their number (a dict, number -> color) over what the Axes shows.

    Other numbers are left clear; `unknown`, by default where the number is 255, is striped gray.
    """
    layer = np.zeros((*numbers.shape, 4))
    for number, color in colors.items():
        layer[numbers == number] = (*to_rgb(color), alpha)
    unknown = numbers == IGNORE if unknown is None else unknown
    rows, columns = np.indices(numbers.shape)
    dark = (rows + columns) // max(1, max(numbers.shape) // 64) % 2 == 0
    layer[unknown & dark] = (0.35, 0.35, 0.35, 0.9)
    layer[unknown & ~dark] = (0.8, 0.8, 0.8, 0.9)
    ax.imshow(layer, interpolation="nearest")


def outline_region(ax, inside, color, linewidth=1.2):
    """Draw the edge of a region along pixel borders: at (x - 0.5, y - 0.5), as imshow has them."""
    padded = np.pad(inside, 1)
    y, x = np.nonzero(padded[1:, :] != padded[:-1, :])
    flat = np.stack([np.stack([x - 1.5, y - 0.5], 1), np.stack([x - 0.5, y - 0.5], 1)], 1)
    y, x = np.nonzero(padded[:, 1:] != padded[:, :-1])
    upright = np.stack([np.stack([x - 0.5, y - 1.5], 1), np.stack([x - 0.5, y - 0.5], 1)], 1)
    lines = LineCollection(np.concatenate([flat, upright]), colors=[color], linewidths=linewidth)
    ax.add_collection(lines, autolim=False)


def overlay(ax, image, mask, *, color=VERMILION):
    """Draw an image with its mask on top, and the mask's edge along the pixels' borders.

    Parameters
    ----------
    ax : matplotlib Axes
    image : array, [H,W], [H,W,1] or [H,W,3], uint8 or float in [0, 1]
    mask : array of class numbers, [H,W] or [H,W,1]
        0 is left clear; 255 (ignore) is striped gray.
    color : color of all classes but 0

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
    classes = np.setdiff1d(mask[mask != IGNORE], [0])
    draw_image(ax, image)
    paint(ax, mask, dict.fromkeys(classes, color), alpha=0.45)
    for number in classes:
        outline_region(ax, mask == number, color)
    return ax


def show_pairs(images, masks, ids=None):
    """Draw the first images in a row, and the same images with their masks in the row below.

    Parameters
    ----------
    images, masks : sequences of the same length
        At most four are drawn, so that a whole data set may be given.
    ids : sequence of str, optional
        Stand above the images.

    Returns
    -------
    Figure
    """
    check_lengths(images=images, masks=masks, ids=ids)
    count = min(COLUMNS, len(images))
    height, width = np.asarray(images[0]).shape[:2]
    figure, axes = new_figure(2, count, height=2 * 8.6 / count * height / width + 0.3)
    for number, (above, below) in enumerate(axes.T):
        image = as_image(images[number], f"images[{number}]")
        draw_image(above, image)
        overlay(below, image, as_mask(masks[number], f"masks[{number}]", image.shape))
        if ids is not None:
            above.set_title(ids[number], fontsize=9, loc="left")
    axes[0, 0].set_ylabel("image")
    axes[1, 0].set_ylabel("with its mask")
    return described(figure, f"Images in a row ({count}), and below each the same with its mask.")


def class_map(ax, mask, class_names, *, image=None):
    """Draw every class in its color, with a legend of the classes that are there.

    Parameters
    ----------
    ax : matplotlib Axes
    mask : array of class numbers, [H,W] or [H,W,1]; 255 is striped gray ("unknown")
    class_names : sequence of str, one a class
    image : array, optional
        Drawn below the classes, and shines through them.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If mask and image differ in size, or the mask holds a class that has no name.
    """
    if image is None:
        draw_classes(ax, as_mask(mask), class_names)
    else:
        image = as_image(image)
        draw_image(ax, image)
        draw_classes(ax, as_mask(mask, shape=image.shape), class_names, alpha=0.6)
    ax.legend(
        handles=class_entries([mask], class_names),
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        frameon=False,
        fontsize=9,
        handlelength=1.2,
    )
    return ax


def draw_classes(ax, mask, class_names, alpha=1.0):
    """Draw an int mask [H, W] in the classes' colors, without a legend."""
    palette = class_palette(class_names)
    paint(ax, mask, {number: palette[number] for number in present([mask], class_names)}, alpha)
    bare(ax)


def present(masks, class_names):
    """Return the class numbers that occur in any of the masks, sorted; each must have a name."""
    numbers = np.unique(np.concatenate([np.unique(mask) for mask in masks])).astype(int)
    numbers = numbers[numbers != IGNORE].tolist()
    if numbers and not 0 <= numbers[0] <= numbers[-1] < len(class_names):
        raise ValueError(
            f"mask has the classes {numbers}, class_names only {len(class_names)} names"
        )
    return numbers


def class_entries(masks, class_names):
    """Return the legend's patches: the classes that occur, in their order, then "unknown"."""
    palette = class_palette(class_names)
    entries = [legend_patch(palette[n], class_names[n]) for n in present(masks, class_names)]
    if any((np.asarray(mask) == IGNORE).any() for mask in masks):
        entries.append(Patch(facecolor="0.8", edgecolor="0.4", hatch="////", label="unknown"))
    return entries


def legend_patch(color, label):
    """A colored field of a legend."""
    return Patch(facecolor=color, edgecolor="0.3", linewidth=0.5, label=label)


def legend_below(figure, entries):
    """One legend for the whole figure, below it, in as few rows as its width allows."""
    letters = sum(len(entry.get_label()) + 6 for entry in entries)
    rows = -(-letters // 110)
    figure.legend(
        handles=entries,
        loc="outside lower center",
        ncols=-(-len(entries) // rows) if entries else 1,
        frameon=False,
        handlelength=1.4,
        columnspacing=1.4,
    )


def scenes(images, masks, class_names, *, titles=None):
    """Draw each image beside its class map, two such pairs in a row, with one legend for all.

    Parameters
    ----------
    images, masks : sequences of the same length
        The images may differ in size; each mask is as large as its image, 255 is "unknown".
    class_names : sequence of str
    titles : sequence of str, optional
        Stand above the images.

    Returns
    -------
    Figure
    """
    check_lengths(images=images, masks=masks, titles=titles)
    columns = min(2, len(images))
    rows = -(-len(images) // columns)
    steepest = max(height / width for height, width, *_ in map(np.shape, images))
    side = 8.7 / (2 * columns) * steepest + (0.05 if titles is None else 0.27)
    figure, axes = new_figure(rows, 2 * columns, height=rows * side + 0.5)
    for ax in axes.flat:
        ax.set_axis_off()
        ax.set_anchor("N")
    for number, (left, right) in enumerate(axes.reshape(-1, 2)[: len(images)]):
        image = as_image(images[number], f"images[{number}]")
        draw_image(left, image)
        draw_classes(right, as_mask(masks[number], f"masks[{number}]", image.shape), class_names)
        if titles is not None:
            left.set_title(titles[number], fontsize=9, loc="left")
    legend_below(figure, class_entries(masks, class_names))
    names = listed(class_names[number] for number in present(masks, class_names))
    return described(figure, f"Images ({len(images)}), each beside its class map of {names}.")


def gallery(images, titles=None, columns=5):
    """Draw images of different sizes at one scale, each with its size and its title beneath.

    Parameters
    ----------
    images : sequence of array, [H,W], [H,W,1] or [H,W,3], uint8 or float in [0, 1]
    titles : sequence of str, optional
        Such as the stains.
    columns : int
        At most so many images stand in a row, in the order given.

    Returns
    -------
    Figure
        A pixel is equally large in all images.

    Raises
    ------
    ValueError
        If there are no images, not as many titles, no columns, or more than have room for texts.
    """
    check_lengths(images=images, titles=titles)
    images = [as_image(image, f"images[{number}]") for number, image in enumerate(images)]
    texts = [f"{image.shape[0]} × {image.shape[1]}" for image in images]
    if titles is not None:
        texts = [f"{text}\n{title}" for text, title in zip(texts, titles, strict=True)]
    lines = [line for text in texts for line in text.split("\n")]
    gap, least = 0.15 / WIDTH, 0.085 * max(map(len, lines)) / WIDTH  # shares of the figure's width
    if columns < 1 or min(columns, len(images)) * (least + gap) > 1:
        raise ValueError(f"columns is {columns}: a row has room for 1 to {int(1 / (least + gap))}")
    # One Axes for all, in pixels of the images. An image has as much room as its text at least,
    # which depends on how many pixels the figure is wide, which depends on the room.
    rows = [images[first : first + columns] for first in range(0, len(images), columns)]
    width = 0
    for _ in range(50):
        slots = [
            [max(image.shape[1], least * width) + gap * width for image in row] for row in rows
        ]
        width = max(map(sum, slots))
    below = (0.2 + 0.16 * (len(lines) // len(texts))) / WIDTH * width
    height = sum(max(image.shape[0] for image in row) + below for row in rows)
    figure, axes = new_figure(height=height / width * WIDTH)
    figure.set_layout_engine("none")
    ax = axes[0, 0]
    ax.set_position((0, 0, 1, 1))
    number, top = 0, 0
    for row, widths in zip(rows, slots, strict=True):
        tall = max(image.shape[0] for image in row)
        for image, middle in zip(row, np.cumsum(widths) - np.array(widths) / 2, strict=True):
            draw_image(ax, image)
            left, bottom = middle - image.shape[1] / 2, top + tall
            extent = (left, left + image.shape[1], bottom, bottom - image.shape[0])
            ax.images[-1].set_extent(extent)
            look = {"fontsize": 9, "ha": "center", "va": "top", "linespacing": 1.2}
            ax.text(middle, bottom + 0.04 / WIDTH * width, texts[number], **look)
            number += 1
        top += tall + below
    ax.set(xlim=(0, width), ylim=(height, 0))
    small, large = (pick(image.shape[:2] for image in images) for pick in (min, max))
    sizes = f"{small[0]} by {small[1]} to {large[0]} by {large[1]}"
    return described(figure, f"Images ({len(images)}) at one scale, of {sizes} pixels.")


def zoom_to(axes, marked, margin=0.35):
    """Set all axes to one square window around the marked pixels, within the image."""
    rows, columns = np.nonzero(marked)
    if rows.size == 0:
        return
    extent = max(np.ptp(rows), np.ptp(columns)) + 1
    side = min(max(extent * (1 + 2 * margin), 24), *marked.shape)
    window = []
    for centers, size in ((rows, marked.shape[0]), (columns, marked.shape[1])):
        center = (centers.min() + centers.max()) / 2
        low = np.clip(center - side / 2, -0.5, size - 0.5 - side)
        window.append((low, low + side))
    for ax in axes:
        ax.set(ylim=window[0][::-1], xlim=window[1])
