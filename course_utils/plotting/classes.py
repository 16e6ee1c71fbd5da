"""Every class in its colour, and the legend that names the classes."""

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch

from .masks import draw_image, stripe
from .style import WIDTH, as_image, as_mask, bare, class_palette, is_ignored


def class_map(ax, mask, class_names, palette=None, *, image=None, alpha=0.6):
    """Draw every class in its colour, with a legend of the classes that are there.

    Parameters
    ----------
    ax : matplotlib Axes
    mask : array of class numbers, [H,W] or [H,W,1]; 255 is striped grey ("unknown")
    class_names : sequence of str, one a class
    palette : sequence of colours, one a class, optional
    image : array, optional
        Drawn below the classes, which then cover it by `alpha`.

    Returns
    -------
    Axes
    """
    mask = as_mask(mask, shape=None if image is None else as_image(image).shape)
    palette = class_palette(class_names) if palette is None else palette
    if image is not None:
        draw_image(ax, as_image(image))
    draw_classes(ax, mask, class_names, palette, alpha=1.0 if image is None else alpha)
    ax.legend(
        handles=class_entries([mask], class_names, palette),
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        frameon=False,
        fontsize=9,
        handlelength=1.2,
    )
    return ax


def draw_classes(ax, mask, class_names, palette=None, *, alpha=1.0):
    """Draw a mask in the classes' colours, without a legend; returns the Axes.

    Raises
    ------
    ValueError
        If the mask holds a class that has no name.
    """
    mask = as_mask(mask)
    palette = class_palette(class_names) if palette is None else palette
    paint = np.zeros((*mask.shape, 4))
    for number in present_classes([mask], class_names):
        paint[mask == number] = (*to_rgb(palette[number]), alpha)
    stripe(paint, is_ignored(mask))
    ax.imshow(paint, interpolation="nearest")
    return bare(ax)


def present_classes(masks, class_names):
    """Return the class numbers that occur in any of the masks, sorted, without "unknown"."""
    numbers = [np.unique(as_mask(mask)) for mask in masks]
    present = np.unique(np.concatenate(numbers))
    present = present[~is_ignored(present)]
    if present.size and not 0 <= present[0] <= present[-1] < len(class_names):
        raise ValueError(
            f"mask has the classes {present.tolist()}, class_names only {len(class_names)} names"
        )
    return present


def class_entries(masks, class_names, palette=None):
    """Return the legend's patches: the classes that occur, in their order, then "unknown"."""
    palette = class_palette(class_names) if palette is None else palette
    entries = [
        Patch(facecolor=palette[number], edgecolor="0.3", linewidth=0.5, label=class_names[number])
        for number in present_classes(masks, class_names)
    ]
    if any(is_ignored(np.asarray(mask)).any() for mask in masks):
        entries.append(Patch(facecolor="0.8", edgecolor="0.4", hatch="////", label="unknown"))
    return entries


def legend_below(figure, entries, size=10):
    """One legend for the whole figure, below it, in as few rows as its width allows."""
    inches = [0.0075 * size * len(entry.get_label()) + 0.045 * size for entry in entries]
    rows = int(np.ceil(sum(inches) / (WIDTH - 0.3))) or 1
    return figure.legend(
        handles=entries,
        loc="outside lower center",
        ncols=int(np.ceil(len(entries) / rows)) or 1,
        frameon=False,
        fontsize=size,
        handlelength=1.4,
        columnspacing=1.4,
    )
