"""Predictions beside the truth: what was found, what was missed, what was made up."""

import numpy as np
from matplotlib.patches import Patch, Rectangle

from ..datasets import IGNORE
from ..metrics import confusion_matrix, image_iou, mean_iou
from ..metrics import object_errors as count_errors
from .masks import (
    class_entries,
    draw_classes,
    draw_image,
    legend_below,
    legend_patch,
    outline_region,
    overlay,
    paint,
    zoom_to,
)
from .style import (
    BLACK,
    FALSE_ALARM,
    GREEN,
    HIT,
    MISS,
    PURPLE,
    WIDTH,
    as_image,
    as_mask,
    check_lengths,
    counted,
    described,
    listed,
    new_figure,
)

OUTCOMES = {1: HIT, 2: MISS, 3: FALSE_ALARM}
ERRORS = {
    "found": HIT,
    "merged": PURPLE,
    "split": GREEN,
    "missed": MISS,
    "made_up": FALSE_ALARM,
}
NO_CLASS = "#FF00C8"


def iou_picture(truth, prediction):
    """Show one pair of small masks as hits, misses and false alarms, and the IoU counted from them.

    Parameters
    ----------
    truth, prediction : masks [H,W] of 0 and 1 (255 in the truth is left out)
        Drawn with their grid, to count by hand.

    Returns
    -------
    Figure
    """
    result = outcome(truth, prediction)
    hits, misses, alarms = (int((result == number).sum()) for number in OUTCOMES)
    figure, axes = new_figure(1, 3, height=3.5)
    panels = {
        "truth": {1: GREEN, 2: GREEN},
        "prediction": {1: GREEN, 3: GREEN},
        "both": OUTCOMES,
    }
    for ax, (title, colors) in zip(axes[0], panels.items(), strict=True):
        paint(ax, result, colors)
        ax.set_title(title, fontsize=11)
        ax.set(xticks=[], yticks=[])
        ax.set_xticks(np.arange(result.shape[1] + 1) - 0.5, minor=True)
        ax.set_yticks(np.arange(result.shape[0] + 1) - 0.5, minor=True)
        ax.grid(which="minor", color="0.5", linewidth=0.8)
        ax.tick_params(which="minor", length=0)
        ax.spines[:].set_color("0.5")
    union = hits + misses + alarms
    score = f"{hits / union:.3f}" if union else "not defined: nothing to find, nothing found"
    figure.suptitle(
        f"IoU = hits / (hits + misses + false alarms)"
        f" = {hits:,} / ({hits:,} + {misses:,} + {alarms:,}) = {score}",
        fontsize=11,
    )
    legend_below(figure, _outcome_entries())
    return described(
        figure,
        f"Truth, prediction, and both on one another: hits {hits}, misses {misses}, false alarms "
        f"{alarms}. IoU: {score}.",
    )


def outcome(truth, prediction):
    """What became of each pixel: 0 rightly background, 1 hit, 2 miss, 3 false alarm, 255 ignored.

    A foreground pixel given another foreground class is a miss.
    """
    truth = as_mask(truth, "truth")
    prediction = as_mask(prediction, "prediction", truth.shape)
    result = np.zeros(truth.shape, dtype=np.uint8)
    result[(truth > 0) & (prediction == truth)] = 1
    result[(truth > 0) & (prediction != truth)] = 2
    result[(truth == 0) & (prediction > 0)] = 3
    result[truth == IGNORE] = 255
    return result


def _outcome_entries():
    names = ("hit: found", "miss: overlooked", "false alarm: made up")
    return [legend_patch(color, name) for color, name in zip(OUTCOMES.values(), names, strict=True)]


def object_errors(image, truth, prediction):
    """Draw what became of each object: found, merged, split or missed; and what was made up.

    Parameters
    ----------
    image : array, [H,W], [H,W,1] or [H,W,3], uint8 or float in [0, 1]
    truth, prediction : int array [H,W]
        0 for the background, and a number for each object.

    Returns
    -------
    Figure
        The true objects, and those that were made up, each kind in its color, with its count in the
        legend; see `course_utils.metrics.object_errors`.

    Raises
    ------
    ValueError
        If the three differ in size, or a number is negative or a fraction.
    """
    image = as_image(image)
    truth = as_mask(truth, "truth", image.shape)
    prediction = as_mask(prediction, "prediction", image.shape)
    errors = count_errors(truth, prediction)
    height = 6 * image.shape[0] / image.shape[1] + 0.5
    figure, axes = new_figure(height=min(height, WIDTH))
    draw_image(axes[0, 0], image)
    entries = []
    for kind, color in ERRORS.items():
        objects = prediction if kind == "made_up" else truth
        objects = np.where(np.isin(objects, errors[kind]), objects, 0)
        outline_region(axes[0, 0], objects, color)
        paint(axes[0, 0], objects > 0, {True: color}, alpha=0.5, unknown=False)
        entries.append(legend_patch(color, f"{kind.replace('_', ' ')}: {len(errors[kind])}"))
    legend_below(figure, entries)
    told = listed(entry.get_label() for entry in entries)
    return described(figure, f"An image with its objects by what became of them. {told}.")


def cases(dataset, predictions, *, by=None, which=("worst", "typical", "best")):
    """Compare models on one model's worst, typical and best image.

    Parameters
    ----------
    dataset : course_utils.datasets.Dataset
    predictions : dict, name of the model -> masks [N, H, W], one an image of the data set
    by : str, optional
        The model whose score chooses the images; default: the last one.
    which : str or sequence of str, of "worst", "typical" and "best"
        The rows, from top to bottom. The typical image is the median by score: half of the others
        do no better. Images without a score, where there is nothing to find, are left out.

    Returns
    -------
    Figure
        A row for each case, named with the score of `by`; columns: image, truth, and each model's
        mask with its score in this image. With two classes that is the IoU of class 1, and the row
        is cut to a square around the truth (what a model marks farther off counts, but is not
        seen): the truth with its number of pixels, and what became of each pixel (found, missed,
        or made up). With more it is the mean IoU over the classes that occur in this image or are
        predicted in it, and the masks are class maps.

    Raises
    ------
    ValueError
        If there is no model or no image to draw, `by` is no model, a model has not as many masks
        as there are images, or `which` holds another name, or none.
    """
    class_names = dataset.class_names if len(dataset.class_names) > 2 else None
    which = (which,) if isinstance(which, str) else tuple(which)
    if not isinstance(predictions, dict) or not predictions:
        raise ValueError('predictions must name its masks, as in {"MLP": masks}')
    by = list(predictions)[-1] if by is None else by
    if by not in predictions:
        raise ValueError(f"by is {by!r}, predictions has only {list(predictions)}")
    check_lengths(images=dataset.images, **predictions)
    truths = dataset.masks
    if class_names is None:
        score_name, steepness = "IoU", 1
        scores = {name: image_iou(truths, masks) for name, masks in predictions.items()}
    else:
        score_name, steepness = "mIoU", truths.shape[1] / truths.shape[2]
        scores = {
            name: _image_mious(truths, masks, len(class_names))
            for name, masks in predictions.items()
        }
    ranked = np.argsort(scores[by])  # NaN, where there is nothing to find, comes last
    last = max(np.isfinite(scores[by]).sum() - 1, 0)
    places = {"worst": 0, "typical": last // 2, "best": last}
    if not which or not set(which) <= set(places):
        raise ValueError(f"which is {which!r}: choose from {tuple(places)}")
    chosen = ranked[[places[case] for case in which]]
    titles = [
        f"{case}: {score_name} {_score(scores[by][number])}"
        for case, number in zip(which, chosen, strict=True)
    ]

    columns = ("image", "truth", *predictions)
    side = 8.4 / len(columns) * steepness
    figure, axes = new_figure(len(chosen), len(columns), height=len(chosen) * (side + 0.27) + 0.75)
    for ax, name in zip(axes[0], columns, strict=True):
        ax.set_title(name, fontsize=11)
    masks = [np.asarray(masks)[chosen] for masks in (truths, *predictions.values())]
    draw = _draw_class_maps if class_names else _draw_outcomes
    for row, number, title, *shown in zip(axes, chosen, titles, *masks, strict=True):
        image = as_image(dataset.images[number])
        draw_image(row[0], image)
        name = dataset.ids[number]  # such as the 64 letters of a hash
        name = name if len(name) <= 20 else f"{name[:12]}…"
        row[0].set_ylabel(f"{title}\n{name}", fontsize=9)
        for ax, values in zip(row[2:], scores.values(), strict=True):
            ax.set_xlabel(f"{score_name} {_score(values[number])}", fontsize=9, labelpad=2)
        draw(row, image, shown, class_names)
    legend_below(figure, class_entries(masks, class_names) if class_names else _outcome_entries())
    columns = f"image, truth, and the masks of {listed(predictions)}"
    text = f"Pictures of {by}: {listed(which)}, one a row: {columns}. {by}: {listed(titles)}."
    return described(figure, text)


def _image_mious(truths, predictions, n_classes):
    pairs = zip(truths, predictions, strict=True)
    return np.array([mean_iou(confusion_matrix(t, p, n_classes)) for t, p in pairs])


def _score(value):
    return f"{value:.2f}" if np.isfinite(value) else "–"


def _draw_outcomes(row, image, masks, _):
    truth, *predictions = masks
    overlay(row[1], image, truth, color=HIT)
    for ax, prediction in zip(row[2:], predictions, strict=True):
        draw_image(ax, image)
        paint(ax, outcome(truth, prediction), OUTCOMES, alpha=0.6)
    true = (truth > 0) & (truth != IGNORE)
    # Each row has a scale of its own.
    row[1].set_xlabel(counted(int(true.sum()), "pixel"), fontsize=9, labelpad=2)
    zoom_to(row, true if true.any() else np.any(predictions, axis=0), margin=0.8)


def _draw_class_maps(row, _, masks, class_names):
    for ax, mask in zip(row[1:], masks, strict=True):
        draw_classes(ax, as_mask(mask), class_names)


def invented_classes(before, after, class_names, n_classes):
    """Show what a resizing that mixes class numbers makes of a mask.

    Parameters
    ----------
    before, after : masks [H,W] of the same size
        Resized rightly (nearest) and wrongly (bilinear).
    class_names : sequence of str
    n_classes : int
        Numbers from `n_classes` on, but for 255, belong to no class at all.

    Returns
    -------
    Figure
        Above the whole masks, below the place with most invented pixels, enlarged.
    """
    before = as_mask(before, "before")
    after = as_mask(after, "after", before.shape)
    wrong = invented(before, after)
    height, width = before.shape
    side = max(8, min(height, width) // 6)
    # Where a real class was made up the mistake is hardest to see: such pixels count more.
    weights = wrong * np.where(after < n_classes, 3, 1)
    sums = np.lib.stride_tricks.sliding_window_view(weights, (side, side)).sum(axis=(2, 3))
    top, left = np.unravel_index(sums.argmax(), sums.shape)
    corner = left - 0.5, top - 0.5

    ratios = {"height_ratios": [height / width, 1]}
    figure, axes = new_figure(2, 3, height=2.85 * (height / width + 1) + 0.95, gridspec_kw=ratios)
    nowhere = (after >= n_classes) & (after != IGNORE)
    known = np.where(nowhere, 0, after)
    for whole, enlarged in axes.T:
        whole.add_patch(
            Rectangle(corner, side, side, fill=False, edgecolor="red", linewidth=1.5, zorder=3)
        )
        enlarged.set(xlim=(corner[0], corner[0] + side), ylim=(corner[1] + side, corner[1]))
    for nearest, bilinear, marked in axes:
        draw_classes(nearest, before, class_names)
        draw_classes(bilinear, known, class_names)
        draw_classes(marked, known, class_names, alpha=0.25)
        paint(bilinear, nowhere, {True: NO_CLASS})
        paint(marked, wrong, {True: BLACK})
    for ax in axes[1]:
        ax.spines[:].set(visible=True, color="red", linewidth=1.5)
    count, share = int(wrong.sum()), wrong.mean()
    titles = ("nearest neighbour", "bilinear", f"invented: {count:,} pixels ({share:.1%})")
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set_title(title, fontsize=11)
    entries = class_entries([before, after[~nowhere]], class_names)
    if nowhere.any():
        entries.append(Patch(facecolor=NO_CLASS, label="no class at all"))
    entries.append(Patch(facecolor=BLACK, label="invented"))
    legend_below(figure, entries)
    return described(
        figure,
        "One mask resized by nearest neighbour, then bilinear, and where the latter invents "
        f"classes: in {counted(count, 'pixel')} ({share:.1%}). Below, one such place enlarged.",
    )


def invented(before, after, reach=2):
    """Mark the pixels of `after` whose class `before` has nowhere within `reach` pixels.

    Returns
    -------
    bool array [H, W]
    """
    padded = np.pad(before, reach, mode="edge")
    near = np.lib.stride_tricks.sliding_window_view(padded, (2 * reach + 1,) * 2)
    return (near != after[..., None, None]).all(axis=(2, 3))
