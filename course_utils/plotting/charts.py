"""Charts: learning curves, and how much of an image is foreground."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from .labels import label_ends
from .style import (
    BLUE,
    GREY,
    VERMILION,
    between,
    counted,
    cycle,
    described,
    is_ignored,
    listed,
    new_figure,
    standing,
    tidy,
)

NAMES = {
    "loss": "loss",
    "miou": "mean IoU",
    "accuracy": "pixel accuracy",
    "pixel_accuracy": "pixel accuracy",
    "lr": "learning rate",
    "learning_rate": "learning rate",
}


def history(histories, quantities=("loss", "miou"), *, log_loss=False):
    """Draw learning curves: training dashed, validation solid, each named at its end.

    Parameters
    ----------
    histories : Keras `History`, its `history` dict, or a dict of name of the run -> either
    quantities : sequence of str
        One panel each; `"miou"` draws `miou` and `val_miou`, whichever of them were recorded.
    log_loss : bool
        Draw the losses on a logarithmic axis.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If a quantity was recorded in none of the runs, or nothing was recorded at all.
    """
    runs = _runs(histories)
    quantities = (quantities,) if isinstance(quantities, str) else tuple(quantities)
    figure, axes = new_figure(1, len(quantities), height=3.2)
    for ax, quantity in zip(axes[0], quantities, strict=True):
        curves = draw_curves(ax, runs, quantity)
        if not curves:
            known = sorted({key.removeprefix("val_") for run in runs.values() for key in run})
            raise ValueError(f"quantities has {quantity!r}, but recorded were only {known}")
        if log_loss and "loss" in quantity:
            ax.set_yscale("log")
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            ax.yaxis.set_minor_formatter(NullFormatter())
        label_ends(figure, ax, curves)
    if len(runs) > 1:
        styles = [
            Line2D([], [], color=GREY, linestyle=style, label=label)
            for style, label in (("--", "training"), ("-", "validation"))
        ]
        axes[0, 0].legend(handles=styles, frameon=False, fontsize=9)
    return described(figure, describe_curves(runs, quantities))


def describe_curves(runs, quantities):
    """Say what `draw_curves` draws, and where the last quantity ends in each run."""
    epochs = max(len(values) for record in runs.values() for values in record.values())
    names = [NAMES.get(quantity, quantity) for quantity in quantities]
    said = f"Line chart of {counted(epochs, 'epoch')}: {listed(names)}"
    said += f" of {listed(runs)}" if len(runs) > 1 else ""
    for kind, prefix in (("Validation", "val_"), ("Training", "")):
        ends = {name: _last(run.get(prefix + quantities[-1], ())) for name, run in runs.items()}
        ends = {name: value for name, value in ends.items() if value is not None}
        if ends:
            ends = standing(ends, ".3g")
            return f"{said}. {kind} {names[-1]} at the end: {ends}."
    return f"{said}."


def draw_curves(ax, runs, quantity, *, first=1):
    """Draw one quantity of every run, from epoch `first` on; returns a list of (name, line)."""
    curves = []
    for colour, (name, record) in zip(cycle(len(runs)), runs.items(), strict=True):
        for key, kind, style in (
            (quantity, "training", "--"),
            (f"val_{quantity}", "validation", "-"),
        ):
            values = np.asarray(record.get(key, ()), dtype=float)
            if not np.isfinite(values).any():
                continue
            epochs = np.arange(first, first + len(values))
            mark = "o" if len(values) == 1 else None  # one point makes no line
            line = ax.plot(epochs, values, style, color=colour, marker=mark, markersize=4)[0]
            line.set_linewidth(1.8 if style == "-" else 1.3)
            line.set_gid(key)
            if len(runs) == 1 or kind == "validation" or f"val_{quantity}" not in record:
                curves.append((kind if len(runs) == 1 else name, line))
    tidy(ax, "epoch", "", NAMES.get(quantity, quantity))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    return curves


def foreground_share(masks):
    """Draw how much of each image is foreground, as a histogram with its median.

    Parameters
    ----------
    masks : array [N, H, W]
        Class numbers; foreground is every class but 0 (and 255, unknown).

    Returns
    -------
    Figure
    """
    masks = np.asarray(masks)
    if masks.ndim != 3 or masks.size == 0:
        raise ValueError(f"masks must be [N, H, W] with at least one mask, not {masks.shape}")
    shares = ((masks > 0) & ~is_ignored(masks)).mean(axis=(1, 2))
    figure, axes = new_figure(height=2.8)
    ax = axes[0, 0]
    bins = min(30, max(5, int(2 * np.sqrt(shares.size))))
    ax.hist(shares, bins=bins, range=(0, shares.max() * 1.02 or 1), color=BLUE, edgecolor="white")
    median = np.median(shares)
    ax.axvline(median, color=VERMILION, linewidth=2)
    ax.annotate(
        f"median {100 * median:.1f} %: half of the images have less",
        (median, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 4),
        textcoords="offset points",
        color=VERMILION,
        ha="left" if median < shares.max() / 2 else "right",
    )
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    tidy(ax, "foreground pixels, share of the image", "images")
    return described(
        figure,
        f"Histogram of {counted(len(shares), 'image')}: the share of foreground pixels is "
        f"{between(shares, '.1%')}, with a median of {median:.1%}.",
    )


def _last(values):
    """The last value that is finite, or None."""
    values = np.asarray(values, dtype=float)
    known = values[np.isfinite(values)]
    return float(known[-1]) if known.size else None


def _runs(histories):
    """Bring all accepted kinds of history into one: name of the run -> dict of lists."""
    if hasattr(histories, "history"):
        histories = histories.history
    if not histories:
        raise ValueError("histories is empty: has the model been trained yet?")
    first = next(iter(histories.values()))
    if not hasattr(first, "history") and not isinstance(first, dict):
        return {"": histories}
    return {name: getattr(run, "history", run) for name, run in histories.items()}
