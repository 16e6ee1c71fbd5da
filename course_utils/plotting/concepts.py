"""Drawings of ideas: the three tasks side by side, and what the IoU counts."""

import collections

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Circle, Rectangle

from .style import (
    BLACK,
    BLUE,
    FALSE_ALARM,
    GREEN,
    HIT,
    MISS,
    ORANGE,
    PURPLE,
    VERMILION,
    as_image,
    as_mask,
    bare,
    class_palette,
    counted,
    described,
    is_ignored,
    listed,
    new_figure,
    outline_region,
)

INSTANCES = (VERMILION, BLUE, GREEN, PURPLE, ORANGE, BLACK)


def detection_instance_semantic(image, instances, regions, class_names, *, object_names=None):
    """Draw the same picture three times: as boxes, as one mask an object, as one class a pixel.

    Parameters
    ----------
    image : uint8 array [H, W, 3] or [H, W]
    instances : int array [H, W]; 0 where there is no object, then 1, 2, … one number an object
    regions : int array [H, W]; the class of each pixel, 255 where unknown
    class_names : sequence of str
    object_names : sequence of str, one an object, optional
        Stand at the boxes; else the name of the class that most of the object's pixels have.

    Returns
    -------
    Figure
    """
    image = as_image(image)
    instances = as_mask(instances, "instances", image.shape)
    regions = as_mask(regions, "regions", image.shape)
    known = regions[~is_ignored(regions)]
    if known.size and known.max() >= len(class_names):
        raise ValueError(f"regions has the class {known.max()}, class_names {len(class_names)}")
    figure, axes = new_figure(1, 3, height=9 / 3 * image.shape[0] / image.shape[1] + 0.5)
    numbers = np.setdiff1d(instances, [0, 255])
    colours = [INSTANCES[order % len(INSTANCES)] for order in range(len(numbers))]
    for ax in axes[0]:
        ax.imshow(image, cmap="gray", vmin=0, vmax=255)
        bare(ax)

    if object_names is not None and len(object_names) != len(numbers):
        raise ValueError(f"object_names has {len(object_names)} names for {len(numbers)} objects")
    tags = collections.Counter()
    for order, (number, colour) in enumerate(zip(numbers, colours, strict=True)):
        inside = instances == number
        rows, columns = np.nonzero(inside)
        corner = columns.min() - 0.5, rows.min() - 0.5
        sides = np.ptp(columns) + 1, np.ptp(rows) + 1
        axes[0, 0].add_patch(Rectangle(corner, *sides, fill=False, edgecolor=colour, linewidth=2))
        classes = regions[inside & ~is_ignored(regions)]
        name = class_names[np.bincount(classes).argmax()] if classes.size else None
        name = name if object_names is None else object_names[order]
        if name is not None:
            _tag(axes[0, 0], inside, name, colour)
            tags[name] += 1
        _paint(axes[0, 1], inside, colour, 0.5)
        outline_region(axes[0, 1], inside, colour)
    for number in np.unique(known):
        colour = class_palette(class_names)[number]
        _paint(axes[0, 2], regions == number, colour, 0.65)
        _name(axes[0, 2], regions == number, class_names[number], colour)

    panels = (
        ("detection", "a box and a class for each object"),
        ("instance segmentation", "the pixels of each object"),
        ("semantic segmentation", "a class for each pixel"),
    )
    for ax, (title, text) in zip(axes[0], panels, strict=True):
        ax.set_title(title, loc="left", fontsize=11)
        ax.set_xlabel(text, loc="left")
    found = listed(f"{count} {name}" for name, count in tags.items())
    classes = listed((class_names[number] for number in np.unique(known)), 8)
    return described(
        figure,
        f"One picture three times: {counted(len(numbers), 'object')} in named boxes"
        f"{f' ({found})' if tags else ''}; the pixels of each object in a colour of its own; and "
        f"a class for each pixel{f': {classes}' if classes else ''}.",
    )


def iou_venn():
    """Draw the IoU: the overlap of truth and prediction over all that either of them covers.

    Returns
    -------
    Figure
    """
    figure, axes = new_figure(1, 2, height=3.0, width_ratios=(3, 2))
    left, right = axes[0]
    _venn(left, (0, 0), 1.0, FALSE_ALARM, MISS, HIT)
    for x, text in ((-1.05, "missed"), (0, "hit"), (1.05, "false\nalarm")):
        left.text(x, 0, text, ha="center", va="center", fontsize=11)
    left.text(-1.15, 1.08, "truth", ha="center", fontsize=11)
    left.text(1.15, 1.08, "prediction", ha="center", fontsize=11)
    left.set(xlim=(-2, 2), ylim=(-1.15, 1.35), aspect="equal")

    _venn(right, (1.0, 0.72), 0.5, "white", "white", HIT)
    _venn(right, (1.0, -0.72), 0.5, FALSE_ALARM, MISS, HIT)
    right.plot([0.05, 1.95], [0, 0], color="black", linewidth=1.5)
    right.text(-0.12, 0, "IoU  =", ha="right", va="center", fontsize=13)
    right.text(2.1, 0.72, "hits", va="center", fontsize=11)
    right.text(2.1, -0.72, "hits + misses\n+ false alarms", va="center", fontsize=11)
    right.set(xlim=(-0.8, 3.7), ylim=(-1.35, 1.35), aspect="equal")
    for ax in axes[0]:
        bare(ax)
    return described(
        figure,
        "Two circles that overlap, truth and prediction. The overlap is hit, the rest of the "
        "truth missed, the rest of the prediction false alarm; the IoU is the overlap divided by "
        "all that the circles cover.",
    )


def _venn(ax, centre, scale, right, left, both):
    """Two circles that overlap; the overlap is the second one cut by the first."""
    x, y = centre
    truth = Circle((x - 0.55 * scale, y), scale, facecolor=left, edgecolor="black", linewidth=1.5)
    said = Circle((x + 0.55 * scale, y), scale, facecolor=right, edgecolor="black", linewidth=1.5)
    overlap = Circle((x + 0.55 * scale, y), scale, facecolor=both, edgecolor="black", linewidth=1.5)
    for circle in (truth, said, overlap):
        ax.add_patch(circle)
    overlap.set_clip_path(Circle((x - 0.55 * scale, y), scale, transform=ax.transData))
    rim = Circle((x - 0.55 * scale, y), scale, fill=False, edgecolor="black", linewidth=1.5)
    ax.add_patch(rim)


def _paint(ax, inside, colour, alpha):
    layer = np.zeros((*inside.shape, 4))
    layer[inside] = (*to_rgb(colour), alpha)
    ax.imshow(layer, interpolation="nearest")


def _tag(ax, inside, text, colour):
    """Write an object's class on top of its box, towards the picture's middle."""
    rows, columns = np.nonzero(inside)
    right = columns.mean() > inside.shape[1] / 2
    ax.text(
        columns.max() + 0.5 if right else columns.min() - 0.5,
        rows.min() - 0.5,
        text,
        fontsize=8,
        ha="right" if right else "left",
        va="bottom",
        **_sign(colour),
    )


def _name(ax, inside, text, colour):
    """Write a class's name where its region is widest; below it, where it is narrow there."""
    import cv2

    depth = cv2.distanceTransform(np.pad(inside, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    row, column = np.unravel_index(depth.argmax(), depth.shape)
    size = max(inside.shape)
    if depth[row, column] < 0.015 * size:
        return  # a sliver: a word would hide more than it says
    narrow = depth[row, column] < 0.06 * size
    y = np.nonzero(inside[:, column])[0].max() + 0.02 * size if narrow else row
    x = np.clip(column, 0.14 * inside.shape[1], 0.86 * inside.shape[1])
    va = "top" if narrow else "center"
    ax.text(x, y, text, fontsize=8, ha="center", va=va, **_sign(colour))


def _sign(colour):
    """A label's look: on its colour, in black or white, whichever stands out more."""
    red, green, blue = to_rgb(colour)
    light = 0.299 * red + 0.587 * green + 0.114 * blue > 0.5
    box = {"facecolor": colour, "edgecolor": "none", "pad": 1.5}
    return {"color": "black" if light else "white", "bbox": box, "clip_on": True}
