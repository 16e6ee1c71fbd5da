"""What goes wrong at the borders: classes that a resizing invents, and where losses pull."""

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch, Rectangle

from .classes import class_entries, draw_classes, legend_below
from .style import (
    BLACK,
    as_mask,
    bare,
    class_palette,
    counted,
    described,
    is_ignored,
    listed,
    new_figure,
    outline_region,
    standing,
)

NO_CLASS = "#FF00C8"


def invented_classes(before, after, class_names, n_classes, *, reach=2):
    """Show what a resizing that mixes class numbers makes of a mask.

    Parameters
    ----------
    before, after : masks [H,W] of the same size
        Resized rightly (nearest) and wrongly (bilinear).
    class_names : sequence of str
    n_classes : int
        Numbers from `n_classes` on, but for 255, belong to no class at all.
    reach : int
        A pixel is invented if `before` has its class nowhere within so many pixels.

    Returns
    -------
    Figure
        Above the whole masks, below the place with most invented pixels, enlarged.
    """
    before = as_mask(before, "before")
    after = as_mask(after, "after", before.shape)
    wrong = invented(before, after, reach)
    height, width = before.shape
    side = max(8, min(height, width) // 6)
    figure, axes = new_figure(
        2,
        3,
        height=2.85 * (height / width + 1) + 0.95,
        gridspec_kw={"height_ratios": [height / width, 1]},
    )
    palette = class_palette(class_names)
    # Where a real class was made up the mistake is hardest to see: such pixels count more.
    top, left = _busiest(wrong * np.where(after < n_classes, 3, 1), side)
    for column in range(3):
        mask = (before, after, after)[column]
        known = np.where((mask >= n_classes) & ~is_ignored(mask), 255, mask)
        for ax in axes[:, column]:
            draw_classes(ax, known, class_names, palette, alpha=0.25 if column == 2 else 1.0)
            paint = np.zeros((*mask.shape, 4))
            paint[(mask != known) & (column > 0)] = (*to_rgb(NO_CLASS), 1.0)
            if column == 2:
                paint[wrong] = (*to_rgb(BLACK), 1.0)
            ax.imshow(paint, interpolation="nearest")
        axes[0, column].add_patch(
            Rectangle(
                (left - 0.5, top - 0.5), side, side, fill=False, edgecolor="red", linewidth=1.5
            )
        )
        axes[1, column].set(
            xlim=(left - 0.5, left + side - 0.5), ylim=(top + side - 0.5, top - 0.5)
        )
        axes[1, column].spines[:].set(visible=True, color="red", linewidth=1.5)
    count, share = int(wrong.sum()), wrong.mean()
    titles = ("nearest neighbour", "bilinear", f"invented: {count:,} pixels ({share:.1%})")
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set_title(title, fontsize=11)
    drawn = [before, np.where(after >= n_classes, 255 * is_ignored(after), after)]
    entries = class_entries(drawn, class_names, palette)
    none = ((after >= n_classes) & ~is_ignored(after)).any()
    if none:
        entries.append(Patch(facecolor=NO_CLASS, label="no class at all"))
    entries.append(Patch(facecolor=BLACK, label="invented"))
    legend_below(figure, entries)
    text = f"One mask resized to {height} by {width} pixels by nearest neighbour, then bilinear, "
    text += f"and where the latter invents classes: in {counted(count, 'pixel')} ({share:.1%})"
    text += ", some of no class at all" if none else ""
    return described(figure, f"{text}. Below, one such place enlarged." if count else f"{text}.")


def invented(before, after, reach=2):
    """Mark the pixels of `after` whose class `before` has nowhere within `reach` pixels.

    Returns
    -------
    bool array [H, W]
    """
    padded = np.pad(before, reach, mode="edge")
    near = np.lib.stride_tricks.sliding_window_view(padded, (2 * reach + 1,) * 2)
    return (near != after[..., None, None]).all(axis=(2, 3))


def gradient_maps(truth, probability, gradients):
    """Show on a toy mask where each loss pulls, and which way.

    Parameters
    ----------
    truth : mask [H,W] of 0 and 1 (255: unknown)
    probability : float array [H,W] in [0, 1], the prediction for class 1
    gradients : dict, name of the loss -> float array [H,W]
        With respect to the logits of class 1. Each map has a scale of its own, symmetric around 0.

    Returns
    -------
    Figure
    """
    truth = as_mask(truth, "truth")
    rows = -(-(2 + len(gradients)) // 4)
    columns = -(-(2 + len(gradients)) // rows)
    figure, axes = new_figure(rows, columns, height=rows * (8.4 / columns * 1.05 + 0.65))
    for ax in axes.flat[2 + len(gradients) :]:
        ax.set_axis_off()
    strongest = {}
    panels = {"truth": np.where(is_ignored(truth), np.nan, truth), "probability": probability}
    for ax, (name, values) in zip(axes.flat, (panels | gradients).items(), strict=False):
        values = np.asarray(values, dtype=float)
        if values.shape != truth.shape:
            raise ValueError(f"{name!r} is {values.shape}, but the truth is {truth.shape}")
        if name in gradients:
            strongest[name] = np.nanmax(np.abs(values))
            top = strongest[name] or 1.0
            shown = ax.imshow(values, cmap="RdBu_r", vmin=-top, vmax=top)
        else:
            top = 1.0
            shown = ax.imshow(values, cmap="Greys", vmin=0, vmax=1)
        outline_region(ax, truth == 1, BLACK)
        bare(ax)
        ax.spines[:].set(visible=True, color="0.6")
        ax.set_title(name, fontsize=10)
        ticks = (-top, 0, top) if name in gradients else (0, 1)
        bar = figure.colorbar(shown, ax=ax, orientation="horizontal", fraction=0.06, pad=0.03)
        bar.set_ticks(ticks, labels=[f"{tick:.2g}" for tick in ticks])
        bar.ax.tick_params(labelsize=8, length=2)
    figure.supxlabel(
        "blue: training raises the logit here; red: it lowers it; line: edge of the truth",
        fontsize=9,
    )
    text = f"Maps of {truth.shape[0]} by {truth.shape[1]} pixels: the truth, the probability"
    if not gradients:
        return described(figure, f"{text}.")
    return described(
        figure,
        f"{text}, and in blue and red which way {listed(gradients)} pull each logit. "
        f"Strongest pull: {standing(strongest, '.2g')}.",
    )


def _busiest(weights, side):
    """Return the upper left corner of the square window with the largest sum."""
    sums = np.pad(weights.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    return np.unravel_index(inside.argmax(), inside.shape)
