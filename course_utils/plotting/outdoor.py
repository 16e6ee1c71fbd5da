"""Outdoor scenes: images beside their class maps, all labels of a scene, the worst predictions."""

import numpy as np
from matplotlib.colors import hsv_to_rgb

from ..metrics import confusion_matrix, mean_iou
from .classes import class_entries, draw_classes, legend_below, present_classes
from .masks import draw_image, stripe
from .style import (
    as_image,
    as_mask,
    bare,
    between,
    counted,
    described,
    listed,
    new_figure,
    same_length,
)


def scenes(images, masks, class_names, *, titles=None):
    """Draw each image beside its mask, with one legend for all.

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
    same_length(images=images, masks=masks, titles=titles)
    if len(images) == 0:
        raise ValueError("images is empty: there is nothing to draw")
    pairs = min(2, len(images))  # beside one another
    rows = [range(first, min(first + pairs, len(images))) for first in range(0, len(images), pairs)]
    width = 8.8 / (2 * pairs) - 0.05
    heights = [width * max(_steepness(images[number]) for number in row) for row in rows]
    figure, axes = new_figure(
        len(rows),
        2 * pairs,
        height=sum(heights) + len(rows) * (0.05 + 0.22 * (titles is not None)) + 0.5,
        gridspec_kw={"height_ratios": heights},
    )
    for ax in axes.flat:
        ax.set_axis_off()
    for number in range(len(images)):
        row, column = divmod(number, pairs)
        left, right = axes[row, 2 * column : 2 * column + 2]
        image = as_image(images[number], f"images[{number}]")
        mask = as_mask(masks[number], f"masks[{number}]", image.shape)
        draw_image(left, image)
        draw_classes(right, mask, class_names)
        for ax in (left, right):
            ax.set_anchor("N")
        if titles is not None:
            left.set_title(titles[number], fontsize=9, loc="left")
    legend_below(figure, class_entries(masks, class_names))
    text = f"{counted(len(images), 'image')}, each beside its class map"
    return described(figure, f"{text}: {_classes(masks, class_names)}.")


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
    shown, regions, surfaces, layers = axes[0]
    draw_image(shown, image)
    shown.set_xlabel(f"{height} × {width} pixels", fontsize=9)
    for ax, name, names in (
        (regions, "regions", region_names),
        (surfaces, "surfaces", surface_names),
    ):
        mask = as_mask(getattr(scene, name), name, image.shape)
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
    numbers = as_mask(scene.layers, "layers", image.shape)
    count = _draw_layers(layers, numbers)
    layers.set_xlabel(f"{count} layers: the number says\nwhich piece, not which class", fontsize=9)
    for ax, title in zip(axes[0], ("image", "regions", "surfaces", "layers"), strict=True):
        ax.set_title(title, fontsize=11)
        ax.set_anchor("N")
    return described(
        figure,
        f"A scene of {height} by {width} pixels four times: the image; its regions "
        f"({_classes([scene.regions], region_names)}); its surfaces "
        f"({_classes([scene.surfaces], surface_names)}); and its {counted(count, 'layer')}.",
    )


def worst_scenes(dataset, predictions, class_names, count=3, by=None):
    """Compare models of many classes on the images where one of them does worst.

    Parameters
    ----------
    dataset : course_utils.datasets.Dataset
    predictions : dict, name of the model -> masks [N, H, W], one an image of the data set
    class_names : sequence of str
    count : int
        How many images.
    by : str, optional
        The model whose mean IoU in an image chooses the images; default: the last one.

    Returns
    -------
    Figure
        A row for each image, the worst first; columns: image, truth, each model's class map with
        its mean IoU over the classes that occur in this image or are predicted in it.
    """
    by = list(predictions)[-1] if by is None else by
    if by not in predictions:
        raise ValueError(f"by is {by!r}, predictions has only {list(predictions)}")
    same_length(images=dataset.images, **predictions)
    chosen = np.argsort(_image_mious(dataset.masks, predictions[by], len(class_names)))[:count]
    n_columns = 2 + len(predictions)
    side = 8.5 / n_columns * _steepness(dataset.images)
    figure, axes = new_figure(len(chosen), n_columns, height=len(chosen) * (side + 0.27) + 0.75)
    drawn, scores = [], {name: [] for name in predictions}
    for row, number in enumerate(chosen):
        truth = dataset.masks[number]
        maps = [np.asarray(masks)[number] for masks in predictions.values()]
        draw_image(axes[row, 0], as_image(dataset.images[number]))
        axes[row, 0].set_ylabel(dataset.ids[number], fontsize=9)
        for ax, mask in zip(axes[row, 1:], (truth, *maps), strict=True):
            draw_classes(ax, as_mask(mask, "mask", truth.shape), class_names)
        for ax, kept, mask in zip(axes[row, 2:], scores.values(), maps, strict=True):
            score = _image_mious(truth[None], mask[None], len(class_names))[0]
            kept.append(score)
            known = f"{score:.2f}" if np.isfinite(score) else "–"
            ax.set_xlabel(f"mIoU {known}", fontsize=9, labelpad=2)
        drawn += [truth, *maps]
    for ax, name in zip(axes[0], ("image", "truth", *predictions), strict=True):
        ax.set_title(name, fontsize=11)
    legend_below(figure, class_entries(drawn, class_names))
    ranges = "; ".join(f"{name} {between(values)}" for name, values in scores.items())
    return described(
        figure,
        f"Where {by} does worst, {counted(len(chosen), 'scene')}, one a row: image, truth, and the "
        f"class maps of {listed(predictions)}. mIoU in these images: {ranges}.",
    )


def _classes(masks, class_names):
    """The classes in masks, the most frequent with its share of the pixels that are known."""
    present = present_classes(masks, class_names)
    if not present.size:
        return "all unknown"
    counts = sum(np.bincount(as_mask(m).ravel(), minlength=256) for m in masks)[present]
    most = f"{class_names[present[counts.argmax()]]} {counts.max() / counts.sum():.0%}"
    if len(present) == 1:
        return class_names[present[0]]
    return f"{listed((class_names[number] for number in present), 5)}, most of all {most}"


def _image_mious(truths, predictions, n_classes):
    pairs = zip(truths, np.asarray(predictions), strict=True)
    return np.array([mean_iou(confusion_matrix(t, p, n_classes)) for t, p in pairs])


def _steepness(image):
    """Height over width of an image, or of the first of a stack."""
    shape = np.shape(image)[-3:]
    height, width = shape[:2] if len(shape) == 3 else shape
    return height / width


def _draw_layers(ax, numbers):
    """One colour a number, neighbours in number far apart in hue; returns how many there are."""
    values = np.unique(numbers[numbers >= 0])
    turn = np.random.default_rng(0).permutation(len(values))
    hues = turn * 0.618 % 1  # the golden ratio: no two hues close together
    bright = np.array([0.95, 0.55, 0.8])[turn % 3]
    colours = hsv_to_rgb(np.stack([hues, np.array([0.75, 0.85, 0.4])[turn // 3 % 3], bright], 1))
    paint = np.zeros((*numbers.shape, 4))
    for value, colour in zip(values, colours, strict=True):
        paint[numbers == value] = (*colour, 1.0)
    stripe(paint, numbers < 0)
    ax.imshow(paint, interpolation="nearest")
    bare(ax)
    return len(values)
