"""Kinds of labels of one picture, side by side, and what one kind knows that another does not."""

import heapq

import numpy as np
from matplotlib.colors import hsv_to_rgb, to_rgb
from matplotlib.patches import Rectangle

from .masks import class_entries, draw_classes, draw_image, outline_region, overlay, paint, present
from .style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
    as_image,
    as_mask,
    class_palette,
    counted,
    described,
    listed,
    new_figure,
)

NUCLEI = (SKY, YELLOW, VERMILION, BLUE, GREEN, PURPLE)
OBJECTS = (VERMILION, BLUE, GREEN, PURPLE, ORANGE, BLACK)


def detection_instance_semantic(image, instances, regions, class_names, object_names):
    """Draw the same picture three times: as boxes, as one mask an object, as one class a pixel.

    Parameters
    ----------
    image : uint8 array [H, W, 3] or [H, W]
    instances : int array [H, W]; 0 where there is no object, then 1, 2, … one number an object
    regions : int array [H, W]; the class of each pixel, 255 where unknown
    class_names : sequence of str
    object_names : sequence of str, one an object
        Stand at the boxes.

    Returns
    -------
    Figure
    """
    image = as_image(image)
    instances = as_mask(instances, "instances", image.shape)
    regions = as_mask(regions, "regions", image.shape)
    numbers = np.setdiff1d(instances, [0])
    if len(object_names) != len(numbers):
        raise ValueError(f"object_names has {len(object_names)} names for {len(numbers)} objects")
    figure, axes = new_figure(1, 3, height=9 / 3 * image.shape[0] / image.shape[1] + 0.5)
    boxes, objects, classes = axes[0]
    panels = (
        (boxes, "detection", "a box and a class for each object"),
        (objects, "instance segmentation", "the pixels of each object"),
        (classes, "semantic segmentation", "a class for each pixel"),
    )
    for ax, title, text in panels:
        draw_image(ax, image)
        ax.set_title(title, loc="left", fontsize=11)
        ax.set_xlabel(text, loc="left")

    colors = [OBJECTS[turn % len(OBJECTS)] for turn in range(len(numbers))]
    for number, color, name in zip(numbers, colors, object_names, strict=True):
        inside = instances == number
        rows, columns = np.nonzero(inside)
        left, top = columns.min() - 0.5, rows.min() - 0.5
        sides = np.ptp(columns) + 1, np.ptp(rows) + 1
        boxes.add_patch(Rectangle((left, top), *sides, fill=False, edgecolor=color, linewidth=2))
        boxes.text(left, top, name, va="bottom", **_sign(color))
        outline_region(objects, inside, color)
    paint(objects, instances, dict(zip(numbers, colors, strict=True)), 0.5, unknown=instances < 0)

    palette = dict(enumerate(class_palette(class_names)))
    numbers = present([regions], class_names)
    paint(classes, regions, palette, alpha=0.65, unknown=regions < 0)
    for number in numbers:
        _write_inside(
            classes, regions == number, class_names[number], class_palette(class_names)[number]
        )
    return described(
        figure,
        f"One picture three times: {listed(object_names)} in boxes; the pixels of each object in a "
        "color of its own; and a class for each pixel: "
        f"{listed(class_names[number] for number in numbers)}.",
    )


def _write_inside(ax, inside, text, color):
    """Write a class's name where its region is widest; below it, where it is narrow there."""
    from scipy.ndimage import distance_transform_edt

    depth = distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(depth.argmax(), depth.shape)
    size = max(inside.shape)
    if depth.max() < 0.015 * size:
        return  # a sliver: a word would hide more than it says
    narrow = depth.max() < 0.06 * size
    y = np.nonzero(inside[:, column])[0].max() + 0.02 * size if narrow else row
    x = np.clip(column, 0.14 * inside.shape[1], 0.86 * inside.shape[1])
    ax.text(x, y, text, ha="center", va="top" if narrow else "center", **_sign(color))


def _sign(color):
    """A name's look: on its color, in black or white, whichever stands out more."""
    light = np.dot(to_rgb(color), (0.299, 0.587, 0.114)) > 0.5
    box = {"facecolor": color, "edgecolor": "none", "pad": 1.5}
    return {"color": "black" if light else "white", "bbox": box, "fontsize": 8, "clip_on": True}


def labels_of_scene(scene, region_names, surface_names):
    """Draw a scene's image, regions, surfaces and layers in a row, with their legends below.

    Parameters
    ----------
    scene : course_utils.datasets.stanford_background.Scene
        Or anything with `image`, `regions`, `surfaces` (255: unknown) and `layers` (-1: unknown).
    region_names, surface_names : sequences of str

    Returns
    -------
    Figure
    """
    image = as_image(scene.image)
    height, width = image.shape[:2]
    figure, axes = new_figure(1, 4, height=2.15 * height / width + 1.2)
    for ax, title in zip(axes[0], ("image", "regions", "surfaces", "layers"), strict=True):
        ax.set_title(title, fontsize=11)
        ax.set_anchor("N")
    draw_image(axes[0, 0], image)
    axes[0, 0].set_xlabel(f"{height} × {width} pixels", fontsize=9)
    for ax, kind, names in (
        (axes[0, 1], "regions", region_names),
        (axes[0, 2], "surfaces", surface_names),
    ):
        mask = as_mask(getattr(scene, kind), kind, image.shape)
        draw_classes(ax, mask, names)
        ax.legend(
            handles=class_entries([mask], names),
            loc="upper center",
            bbox_to_anchor=(0.5, -0.02),
            ncols=2,
            frameon=False,
            fontsize=9,
            handlelength=1.2,
            columnspacing=1.0,
        )
    layers = as_mask(scene.layers, "layers", image.shape)
    numbers = np.unique(layers[layers >= 0])
    turns = np.random.default_rng(0).permutation(len(numbers))
    hues = turns * 0.618 % 1  # the golden ratio: no two hues close together
    brightness = np.array([0.95, 0.55, 0.8])[turns % 3]
    colors = hsv_to_rgb(np.stack([hues, np.full(len(turns), 0.75), brightness], axis=1))
    draw_image(axes[0, 3], image)
    paint(axes[0, 3], layers, dict(zip(numbers, colors, strict=True)), unknown=layers < 0)
    note = f"{counted(len(numbers), 'layer')}: the number says\nwhich piece, not which class"
    axes[0, 3].set_xlabel(note, fontsize=9)
    return described(
        figure,
        f"A scene four times: the image, of {height} by {width} pixels; its regions and its "
        f"surfaces, a color for each class; and its {counted(len(numbers), 'layer')}.",
    )


def merged_masks(image, instances):
    """Draw an image, each of its nuclei in a color, and what one mask for all leaves of them.

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
        at a side or a corner are of one piece. Nuclei near each other differ in color.

    Raises
    ------
    ValueError
        If the two differ in size, or a number is negative or a fraction.
    """
    from scipy.ndimage import label

    image = as_image(image)
    instances = _as_instances(instances, image)
    merged = instances > 0
    pieces = label(merged, np.ones((3, 3)))[1]
    figure, axes = new_figure(1, 3, height=2.9 * merged.shape[0] / merged.shape[1] + 0.45)
    plain, single, together = axes[0]
    draw_image(plain, image)
    draw_instances(single, image, instances)
    overlay(together, image, merged)
    nuclei = counted(len(np.setdiff1d(instances, [0])), "nucleus", "nuclei")
    titles = ("image", nuclei, f"merged: {counted(pieces, 'piece')}")
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set_title(title, fontsize=11)
    return described(
        figure,
        f"One image three times: as it is, with {nuclei} each in a color, and with one mask for "
        f"all, which falls into {counted(pieces, 'piece')}.",
    )


def draw_instances(ax, image, instances):
    """Draw an image with its objects on top, none in the color of one near it.

    Parameters
    ----------
    ax : matplotlib Axes
    image : array, [H,W], [H,W,1] or [H,W,3], uint8 or float in [0, 1]
    instances : int array [H,W]
        0 for the background, and a number for each object.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the two differ in size, or a number is negative or a fraction.
    """
    image = as_image(image)
    instances = _as_instances(instances, image)
    draw_image(ax, image)
    turns = _turns(instances)
    for turn, color in enumerate(NUCLEI):
        outline_region(ax, turns == turn, color, linewidth=0.8)
    paint(ax, turns, dict(enumerate(NUCLEI)), alpha=0.8)
    return ax


def _as_instances(instances, image):
    instances = as_mask(instances, "instances", image.shape)
    if instances.min(initial=0) < 0:
        raise ValueError(f"instances must not be negative; the least is {instances.min()}")
    return instances


def _turns(instances):
    """Which of the colors each pixel gets, -1 in the background: int array [H, W].

    Objects that would touch if each grew by two pixels differ; else all colors are used alike. Six
    colors are enough for any map: in some order each object has at most five neighbors before it,
    and taking away the one with the fewest neighbors, again and again, is that order backwards.
    """
    from skimage.segmentation import expand_labels

    grown = expand_labels(instances, 2)
    near = {number: set() for number in np.unique(instances[instances > 0]).tolist()}
    for one, other in ((grown[1:], grown[:-1]), (grown[:, 1:], grown[:, :-1])):
        border = (one != other) & (one > 0) & (other > 0)
        for pair in np.unique(np.stack([one[border], other[border]]), axis=1).T.tolist():
            near[pair[0]].add(pair[1])
            near[pair[1]].add(pair[0])
    degrees = {number: len(others) for number, others in near.items()}
    queue = [(degree, number) for number, degree in degrees.items()]
    heapq.heapify(queue)
    order = []
    while queue:
        degree, number = heapq.heappop(queue)
        if degree != degrees.get(number):
            continue  # gone, or come up again with fewer neighbors
        order.append(number)
        del degrees[number]
        for other in near[number] & degrees.keys():
            degrees[other] -= 1
            heapq.heappush(queue, (degrees[other], other))
    turns = np.full(instances.max(initial=0) + 1, -1)
    used = np.zeros(len(NUCLEI))
    for number in reversed(order):
        taken = turns[list(near[number])].tolist()
        turn = min(range(len(NUCLEI)), key=lambda turn: (taken.count(turn), used[turn]))
        turns[number] = turn
        used[turn] += 1
    return turns[instances]
