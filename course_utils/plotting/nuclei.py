"""Pictures of nuclei: what is lost when their masks are merged, and how much the images differ."""

import numpy as np
from matplotlib.colors import to_rgb

from .masks import draw_image, overlay
from .style import (
    BLUE,
    GREEN,
    PURPLE,
    SKY,
    VERMILION,
    WIDTH,
    YELLOW,
    as_image,
    as_mask,
    counted,
    described,
    listed,
    new_figure,
    outline_region,
    same_length,
)

COLOURS = (SKY, YELLOW, VERMILION, BLUE, GREEN, PURPLE)
APART = 3  # pixels; nuclei that lie closer are neighbours


def merged_masks(image, instances):
    """Draw an image, each of its nuclei in a colour, and what one mask for all leaves of them.

    Parameters
    ----------
    image : array, [H,W], [H,W,1] or [H,W,3], uint8 or float in [0, 1]
    instances : int array [H,W]
        0 for the background, and a number for each nucleus, as
        `course_utils.datasets.dsb2018.instances` gives them.

    Returns
    -------
    Figure
        The titles count the nuclei, and the connected pieces of the merged mask: pixels that touch
        at a side or a corner are of one piece. Nuclei near each other differ in colour.

    Raises
    ------
    ValueError
        If the two differ in size, or a number is negative or a fraction.
    """
    import cv2

    image = as_image(image)
    instances = as_mask(instances, "instances", image.shape)
    if instances.min(initial=0) < 0:
        raise ValueError(f"instances must not be negative; the least is {instances.min()}")
    merged = (instances > 0).astype(np.uint8)
    pieces = cv2.connectedComponents(merged, connectivity=8)[0] - 1
    turns = _turns(instances)

    height, width = merged.shape
    figure, axes = new_figure(1, 3, height=2.9 * height / width + 0.45)
    plain, single, together = axes[0]
    draw_image(plain, image)
    plain.set_title("image", fontsize=11)
    draw_image(single, image)
    chosen = np.full(instances.max(initial=0) + 1, -1)  # colour of each number; none: -1
    chosen[list(turns)] = list(turns.values())
    paint = np.zeros((height, width, 4))
    for turn, colour in enumerate(COLOURS):
        inside = chosen[instances] == turn
        paint[inside] = (*to_rgb(colour), 0.8)
        outline_region(single, inside, colour, linewidth=0.8)
    single.imshow(paint, interpolation="nearest")
    single.set_title(counted(len(turns), "nucleus", "nuclei"), fontsize=11)
    overlay(together, image, merged)
    together.set_title(f"merged: {counted(pieces, 'piece')}", fontsize=11)
    return described(
        figure,
        f"One image three times: as it is, with {counted(len(turns), 'nucleus', 'nuclei')} each in "
        f"a colour, and with one mask for all, which falls into {counted(pieces, 'piece')}.",
    )


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
    same_length(images=images, titles=titles)
    if columns < 1:
        raise ValueError(f"columns must be at least 1; it is {columns}")
    if len(images) == 0:
        raise ValueError("images is empty: there is nothing to draw")
    images = [as_image(image, f"images[{number}]") for number, image in enumerate(images)]
    texts = [f"{image.shape[0]} × {image.shape[1]}" for image in images]
    if titles is not None:
        texts = [f"{text}\n{title}" for text, title in zip(texts, titles, strict=True)]
    lines = max(text.count("\n") for text in texts) + 1
    longest = max(len(line) for text in texts for line in text.split("\n"))
    least, gap, below = 0.085 * longest, 0.15, 0.05 + 0.16 * lines  # inches, for 9 points
    rows = [images[first : first + columns] for first in range(0, len(images), columns)]
    scale = min(_scale([image.shape[1] for image in row], least, gap) for row in rows)
    if scale <= 0:
        raise ValueError(f"columns is {columns}: there is no room for so many texts in a row")

    talls = [max(image.shape[0] for image in row) * scale for row in rows]
    height = sum(talls) + len(rows) * (below + gap) + 0.05
    figure, axes = new_figure(1, len(images), height=height)
    figure.set_layout_engine("none")
    drawn, top = iter(zip(axes[0], texts, strict=True)), height - 0.05
    for row, tall in zip(rows, talls, strict=True):
        left = gap / 2
        for image in row:
            ax, text = next(drawn)
            high, wide = (side * scale for side in image.shape[:2])
            draw_image(ax, image)
            slot = max(wide, least)
            middle = left + slot / 2
            box = (middle - wide / 2) / WIDTH, (top - tall) / height, wide / WIDTH, high / height
            ax.set_position(box)
            ax.set_xlabel(text, fontsize=9, labelpad=3, linespacing=1.2)
            left += slot + gap
        top -= tall + below + gap
    small, large = (pick(images, key=lambda image: image[..., :1].size) for pick in (min, max))
    sizes = dict.fromkeys(" by ".join(map(str, image.shape[:2])) for image in (small, large))
    text = f"{counted(len(images), 'image')} at one scale, of {' to '.join(sizes)} pixels"
    kinds = f": {listed(dict.fromkeys(titles))}" if titles is not None else ""
    return described(figure, f"{text}{kinds}.")


def _turns(instances):
    """A colour's number for each nucleus, such that neighbours differ: dict, number -> turn."""
    neighbours = _neighbours(instances)
    # The nucleus with the fewest neighbours goes last, then that of those left, and so on: each
    # then meets few coloured neighbours. Five at most where nuclei touch as on a map.
    left = {number: set(near) for number, near in neighbours.items()}
    order = []
    while left:
        number = min(left, key=lambda number: len(left[number]))
        order.append(number)
        for near in left.pop(number):
            left[near].discard(number)
    turns, used = {}, [0] * len(COLOURS)
    for number in reversed(order):
        taken = [turns[near] for near in neighbours[number] if near in turns]
        turn = min(range(len(COLOURS)), key=lambda turn: (taken.count(turn), used[turn]))
        turns[number] = turn
        used[turn] += 1
    return turns


def _neighbours(instances):
    """Which nuclei lie within `APART` pixels of each: dict, number -> set of numbers."""
    found = {number: set() for number in np.unique(instances[instances > 0]).tolist()}
    padded = np.pad(instances, APART)
    height, width = instances.shape
    for down in range(APART + 1):
        for right in range(-APART, APART + 1):
            rows = slice(APART + down, APART + down + height)
            shifted = padded[rows, APART + right : APART + right + width]
            near = (shifted > 0) & (instances > 0) & (shifted != instances)
            pairs = np.unique(np.stack([instances[near], shifted[near]]), axis=1)
            for one, other in pairs.T.tolist():
                found[one].add(other)
                found[other].add(one)
    return found


def _scale(widths, least, gap):
    """Inches a pixel, so that a row of images, none narrower than its text, fills the figure."""
    room = WIDTH - gap * len(widths)
    if least * len(widths) > room:
        return 0.0
    widths = sorted(widths)
    for narrow in range(len(widths)):  # so many are as wide as their text only
        scale = (room - least * narrow) / sum(widths[narrow:])
        if widths[narrow] * scale >= least:
            return scale
    return least / widths[-1]
