"""Predictions beside truth: what was found, what was missed, what was made up."""

import numpy as np
from matplotlib.patches import Patch

from ..metrics import image_iou
from .masks import draw_image, overlay, zoom_to
from .style import (
    FALSE_ALARM,
    GREEN,
    HIT,
    MISS,
    as_image,
    as_mask,
    between,
    counted,
    described,
    is_ignored,
    listed,
    new_figure,
    same_length,
)


def comparison(
    images, truths, predictions, *, titles=None, scores=None, score_name="IoU", zoom=False
):
    """Compare models: a row for each image; columns: the image, the truth, then each model.

    A model's column is coloured by what became of each pixel: found, missed, or made up. For masks
    with more than two classes a pixel of the wrong class counts as missed.

    Parameters
    ----------
    images, truths : sequences of the same length, one entry a row
    predictions : dict, name of the model -> sequence of masks
    titles : sequence of str, optional
        Stand at the left of the rows.
    scores : dict, name of the model -> sequence of float, optional
        Written into the model's pictures, after `score_name`.
    zoom : bool
        Cut each row to a square around what truth and predictions mark.

    Returns
    -------
    Figure
    """
    same_length(images=images, truths=truths, titles=titles, **predictions)
    scores = {} if scores is None else scores
    for name, values in scores.items():
        if name not in predictions:
            raise ValueError(f"scores has {name!r}, predictions has only {list(predictions)}")
        same_length(images=images, **{f"scores[{name!r}]": values})
    n_columns = 2 + len(predictions)
    height, width = np.asarray(images[0]).shape[:2]
    side = 8.6 / n_columns * (1.0 if zoom else height / width)
    figure, axes = new_figure(len(images), n_columns, height=len(images) * side + 0.75)
    for row, (image, truth) in enumerate(zip(images, truths, strict=True)):
        image = as_image(image, f"images[{row}]")
        truth = as_mask(truth, f"truths[{row}]", image.shape)
        draw_image(axes[row, 0], image)
        overlay(axes[row, 1], image, truth, colour=HIT)
        marked = (truth > 0) & ~is_ignored(truth)
        for column, (name, masks) in enumerate(predictions.items(), start=2):
            mask = as_mask(masks[row], f"predictions[{name!r}][{row}]", image.shape)
            overlay(
                axes[row, column],
                image,
                outcome(truth, mask),
                colour=(HIT, MISS, FALSE_ALARM),
                alpha=0.6,
                outline=False,
            )
            marked = marked | (mask > 0)
            if name in scores:
                score = scores[name][row]
                known = f"{score:.2f}" if np.isfinite(score) else "–"
                _note(axes[row, column], f"{score_name} {known}")
        if titles is not None:
            axes[row, 0].set_ylabel(titles[row], fontsize=9)
        if zoom:
            zoom_to(axes[row], marked)
    for ax, name in zip(axes[0], ("image", "truth", *predictions), strict=True):
        ax.set_title(name, fontsize=11)
    figure.legend(handles=_outcome_legend(), loc="outside lower center", ncols=3, frameon=False)
    text = (
        f"Pictures of {counted(len(images), 'case')}, one a row: image, truth, and the masks of "
        f"{listed(predictions)} with hits, misses and false alarms in three colours."
    )
    ranges = "; ".join(f"{name} {between(values)}" for name, values in scores.items())
    return described(figure, f"{text} {score_name}: {ranges}." if scores else text)


def worst(dataset, predictions, *, count=3, by=None):
    """Compare models on the images where one of them does worst.

    Parameters
    ----------
    dataset : course_utils.datasets.Dataset
    predictions : dict, name of the model -> masks [N, H, W], one an image of the data set
    count : int
        How many images.
    by : str, optional
        The model whose IoU of class 1 chooses the images; default: the last one.

    Returns
    -------
    Figure
        As `comparison` draws it, zoomed in, the worst image first.
    """
    by = list(predictions)[-1] if by is None else by
    if by not in predictions:
        raise ValueError(f"by is {by!r}, predictions has only {list(predictions)}")
    same_length(images=dataset.images, **predictions)
    ious = {name: image_iou(dataset.masks, masks) for name, masks in predictions.items()}
    chosen = np.argsort(ious[by])[:count]  # NaN, where there is nothing to find, comes last
    figure = comparison(
        dataset.images[chosen],
        dataset.masks[chosen],
        {name: np.asarray(masks)[chosen] for name, masks in predictions.items()},
        titles=[_short(dataset.ids[i]) for i in chosen],
        scores={name: values[chosen] for name, values in ious.items()},
        zoom=True,
    )
    return described(figure, figure.alt.replace("Pictures of", f"Where {by} does worst,", 1))


def _short(name):
    """Cut a name that would not fit beside its picture, such as the 64 letters of a hash."""
    return name if len(name) <= 20 else f"{name[:12]}…"


def iou_picture(truth, prediction, *, image=None, zoom=False):
    """Show one pair of masks as hits, misses and false alarms, and the IoU counted from them.

    Parameters
    ----------
    truth, prediction : masks [H,W] of 0 and 1 (255 in the truth is left out)
        Up to 16 pixels wide they are drawn with their grid, to count by hand.
    image : array, optional
        Drawn below.
    zoom : bool
        Cut to a square around what either mask marks.

    Returns
    -------
    Figure
    """
    result = outcome(truth, prediction)
    hits, misses, alarms = (int((result == number).sum()) for number in (1, 2, 3))
    figure, axes = new_figure(1, 3, height=3.5)
    below = np.full(result.shape, 1.0) if image is None else image
    colours = (HIT, MISS, FALSE_ALARM)
    alpha = 1.0 if image is None else 0.6
    kept = (result == 1) | (result == 2)
    said = (result == 1) | (result == 3)
    panels = ((kept, "truth", GREEN), (said, "prediction", GREEN), (result, "both", colours))
    for ax, (mask, title, colour) in zip(axes[0], panels, strict=True):
        overlay(ax, below, mask, colour=colour, alpha=alpha, outline=False)
        ax.set_title(title, fontsize=11)
        if max(result.shape) <= 16:
            _grid(ax, result.shape)
        if image is None:
            ax.spines[:].set(visible=True, color="0.5")
    if zoom:
        zoom_to(axes[0], kept | said)
    union = hits + misses + alarms
    score = f"{hits / union:.3f}" if union else "not defined: nothing to find, nothing found"
    figure.suptitle(
        f"IoU = hits / (hits + misses + false alarms)"
        f" = {hits:,} / ({hits:,} + {misses:,} + {alarms:,}) = {score}",
        fontsize=11,
    )
    figure.legend(handles=_outcome_legend(), loc="outside lower center", ncols=3, frameon=False)
    counts = [counted(hits, "hit"), counted(misses, "miss", "misses")]
    counts = listed([*counts, counted(alarms, "false alarm")])
    return described(
        figure,
        f"Truth and prediction, {result.shape[0]} by {result.shape[1]} pixels, and both on one "
        f"another: {counts}. IoU: {score}.",
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
    result[is_ignored(truth)] = 255
    return result


def _outcome_legend():
    names = ("hit: found", "miss: overlooked", "false alarm: made up")
    return [
        Patch(facecolor=colour, edgecolor="0.4", linewidth=0.5, label=name)
        for colour, name in zip((HIT, MISS, FALSE_ALARM), names, strict=True)
    ]


def _note(ax, text):
    ax.text(
        0.03,
        0.04,
        text,
        transform=ax.transAxes,
        fontsize=9,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 2},
    )


def _grid(ax, shape):
    ax.set_xticks(np.arange(shape[1] + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(shape[0] + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="0.5", linewidth=0.8)
    ax.tick_params(which="minor", length=0)
