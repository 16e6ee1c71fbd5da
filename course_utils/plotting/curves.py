"""Curves with their names beside them: training, scores under damage, learning curves, losses."""

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from ..datasets import IGNORE
from .masks import legend_below, outline_region
from .style import (
    BASELINE,
    BLACK,
    GRAY,
    MARKERS,
    as_mask,
    bare,
    counted,
    cycle,
    describe_baselines,
    described,
    extremes,
    listed,
    new_figure,
    tidy,
)


def history(histories, quantities=("loss", "miou"), *, baselines=None):
    """Draw learning curves: training dashed, validation solid, each named at its end.

    Parameters
    ----------
    histories : Keras `History`, its `history` dict, or a dict of name of the run -> either
    quantities : sequence of str
        One panel each; `"miou"` draws `miou` and `val_miou`, whichever of them were recorded.
    baselines : dict, name -> dict of quantity -> score, optional
        What needs no training, a gray line in each panel whose quantity it has:
        ``{"background everywhere": metrics.constant_scores(masks, 2)}``.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If `histories` is something else, a quantity was recorded in none of the runs, nothing was
        recorded at all, or a baseline has no score of any panel.
    """
    quantities = (quantities,) if isinstance(quantities, str) else tuple(quantities)
    runs = getattr(histories, "history", histories)
    if not runs:
        raise ValueError("histories is empty: has the model been trained yet?")
    if isinstance(runs, dict):
        runs = {name: getattr(run, "history", run) for name, run in runs.items()}
    if not isinstance(runs, dict) or not any(isinstance(run, dict) for run in runs.values()):
        runs = {"": runs}
    for run in runs.values():
        if not isinstance(run, dict) or any(np.ndim(values) != 1 for values in run.values()):
            raise ValueError(
                "histories must be what model.fit returns, its history (name of the quantity -> "
                f"one value per epoch), or a dict of name -> either; it has {run!r:.60}"
            )
    baselines = check_baselines(baselines, quantities)
    figure, axes = new_figure(1, len(quantities), height=3.2 + 0.3 * bool(baselines))
    lines = {}
    for ax, quantity in zip(axes[0], quantities, strict=True):
        curves = draw_curves(ax, runs, quantity)
        lines |= draw_baselines(ax, baselines, quantity)
        if not curves:
            known = sorted({key.removeprefix("val_") for run in runs.values() for key in run})
            raise ValueError(f"quantities has {quantity!r}, but recorded were only {known}")
        label_ends(figure, ax, curves)
    if len(runs) > 1:
        styles = [
            Line2D([], [], color=GRAY, linestyle=style, label=label)
            for style, label in (("--", "training"), ("-", "validation"))
        ]
        axes[0, 0].legend(handles=styles, frameon=False, fontsize=9)
    if lines:
        legend_below(figure, lines.values())
    return described(figure, describe_curves(runs, quantities, baselines))


def check_baselines(baselines, quantities):
    """Return the baselines' scores of these quantities; each must have one."""
    scores = {
        name: {quantity: values[quantity] for quantity in quantities if quantity in values}
        for name, values in (baselines or {}).items()
    }
    for name, values in scores.items():
        if not values:
            raise ValueError(
                f"baselines[{name!r}] has a score of none of {tuple(quantities)}, "
                f"only of {list(baselines[name])}"
            )
    return scores


def draw_baselines(ax, baselines, quantity):
    """Draw a gray line where each baseline's score of this quantity is; returns name -> line."""
    return {
        name: ax.axhline(values[quantity], **BASELINE, label=name)
        for name, values in baselines.items()
        if quantity in values
    }


def draw_curves(ax, runs, quantity, *, first=1):
    """Draw one quantity of every run, from epoch `first` on; returns a list of (name, line).

    A curve without a finite value has no line to be seen, and says so in its name.
    """
    curves = []
    for color, (name, record) in zip(cycle(len(runs)), runs.items(), strict=True):
        for key, kind, style in (
            (quantity, "training", "--"),
            (f"val_{quantity}", "validation", "-"),
        ):
            values = np.asarray(record.get(key, ()), dtype=float)
            if len(values) == 0:
                continue
            epochs = np.arange(first, first + len(values))
            mark = "o" if len(values) == 1 else None  # one point makes no line
            line = ax.plot(epochs, values, style, color=color, marker=mark, markersize=4)[0]
            line.set_linewidth(1.8 if style == "-" else 1.3)
            line.set_gid(key)
            if len(runs) == 1 or kind == "validation" or f"val_{quantity}" not in record:
                curves.append((_or_nan(kind if len(runs) == 1 else name, values), line))
    tidy(ax, "epoch", "", _name(quantity))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    return curves


def _or_nan(name, values):
    return name if np.isfinite(values).any() else f"{name}: NaN"


def _name(quantity):
    return "mean IoU" if quantity == "miou" else quantity.replace("_", " ")


def describe_curves(runs, quantities, baselines=None):
    """Say what `draw_curves` draws, where the last quantity ends, and the baselines' scores."""
    epochs = max(len(values) for record in runs.values() for values in record.values())
    *_, last = names = [_name(quantity) for quantity in quantities]
    text = f"Line chart of {counted(epochs, 'epoch')}: {listed(names)}"
    text += f" of {counted(len(runs), 'run')}." if len(runs) > 1 else "."
    for kind, key in (("Validation", f"val_{quantities[-1]}"), ("Training", quantities[-1])):
        ends = {name: record[key][-1] for name, record in runs.items() if key in record}
        if ends:
            text += f" {kind} {last} at the end: {extremes(ends)}."
            break
    for name, values in (baselines or {}).items():
        told = listed(f"{_name(quantity)} {value:.3g}" for quantity, value in values.items())
        text += f" Gray line, {name}: {told}."
    return text


def label_ends(figure, ax, curves):
    """Write the names of finished curves at the right edge.

    Names that would overlap are moved apart.

    Parameters
    ----------
    figure, ax : the figure, and the Axes that holds the curves
    curves : list of (name, Line2D)
        Values that are not finite are passed over. Without any, the name stands at the bottom.
    """
    figure.draw_without_rendering()  # so that the axes have their final size
    ends = []
    for _, line in curves:
        points = np.asarray(line.get_xydata(), dtype=float)
        finite = points[np.isfinite(points[:, 1])]
        ends.append(finite[-1] if len(finite) else (ax.get_xlim()[1], ax.get_ylim()[0]))
    ends = np.clip(ends, (-np.inf, min(ax.get_ylim())), (np.inf, max(ax.get_ylim())))
    edge = ends[:, 0].max()
    scale = 72 / figure.dpi  # points a pixel
    heights = ax.transData.transform(ends)[:, 1] * scale
    order = np.argsort(heights, kind="stable")
    placed = heights[order]
    for _ in range(200):  # neighbors push each other away until there is room for both
        push = np.clip(11.25 - np.diff(placed), 0, None) / 2
        placed[:-1] -= push
        placed[1:] += push
    low = ax.transAxes.transform((0, 0))[1] * scale
    placed += max(0, low + 6 - placed[0])  # lower names would stand on the axis or its numbers
    for number, height in zip(order, placed, strict=True):
        name, line = curves[number]
        ax.annotate(
            name,
            (edge, ends[number, 1]),
            xytext=(6, height - heights[number]),
            textcoords="offset points",
            ha="left",
            va="center",
            color=_darker(line.get_color()),
            fontsize=9,
            annotation_clip=False,
        )


def _darker(color):
    """The color of a text that belongs to a curve of this color, to be read on white."""
    return tuple(0.6 * channel for channel in to_rgb(color))


def degradation(steps, scores, distances, *, step_label):
    """Draw how scores fall as a prediction is damaged more and more.

    Parameters
    ----------
    steps : sequence of float
        The degree of damage.
    scores : dict, name -> sequence of float in [0, 1], one a step; NaN leaves a gap
    distances : dict, name -> sequence of float in pixels
        Drawn in a panel of their own; an infinite distance is an arrow head at the upper edge.
    step_label : str
        What the steps are, with their unit.

    Returns
    -------
    Figure
    """
    panels = {"score": scores, "distance in pixels": distances}
    ratios = {"width_ratios": [1.5, 1]}
    figure, axes = new_figure(1, 2, height=3.6, sharex=True, gridspec_kw=ratios)
    steps = np.asarray(steps, dtype=float)
    for ax, (label, curves) in zip(axes[0], panels.items(), strict=True):
        lines = []
        for turn, (name, values) in enumerate(curves.items()):
            values = _as_curve(name, values, steps)
            finite, infinite = np.isfinite(values), np.isposinf(values)
            look = {"color": cycle(len(curves))[turn], "marker": MARKERS[turn % len(MARKERS)]}
            drawn = np.where(finite, values, np.nan)
            line = ax.plot(steps, drawn, **look, markersize=4, linewidth=1.5)[0]
            if finite.any():
                lines.append((name, line))
            if infinite.any():
                _draw_infinite(ax, steps[infinite], line.get_color())
        ax.set_ylim(*((-0.02, 1.02) if label == "score" else (0, 1.1 * ax.get_ylim()[1])))
        tidy(ax, step_label, label)
        if lines:
            label_ends(figure, ax, lines)
    ends = {name: values[-1] for name, values in scores.items()}
    return described(
        figure,
        f"Line charts against {step_label}: {listed(scores)}; beside it {listed(distances)}. "
        f"Scores at the end: {extremes(ends, '.2f')}.",
    )


def _draw_infinite(ax, steps, color):
    """Arrow heads at the upper edge, where there is no number to draw."""
    edge = ax.get_xaxis_transform()
    ones = np.ones(len(steps))
    ax.plot(steps, ones, "^", color=color, transform=edge, clip_on=False, gid="infinite")
    look = {"ha": "center", "fontsize": 9, "color": _darker(color)}
    place = {"xycoords": edge, "textcoords": "offset points"}
    ax.annotate("infinite", (np.mean(steps), 1), xytext=(0, 5), **place, **look)


def learning_curve(scores, *, xlabel, ylabel, baselines=None):
    """Draw a score against the amount of training, with every single run.

    Parameters
    ----------
    scores : dict, name of the arm -> dict, x > 0 -> list of values, one a seed
    xlabel, ylabel : str
    baselines : dict, name -> score, optional
        What needs no training, a gray line each: ``{"most frequent class everywhere": 0.06}``.

    Returns
    -------
    Figure
        Lines through the means, a dot for each run, a band from the lowest to the highest run. The
        x axis is logarithmic.
    """
    if not scores or not all(scores.values()):
        raise ValueError("scores must hold at least one arm, and each arm at least one x")
    figure, axes = new_figure(height=3.8, width=7.5)
    ax = axes[0, 0]
    lines, ends = [], {}
    for turn, (name, runs) in enumerate(scores.items()):
        if not all(map(len, runs.values())):
            raise ValueError(f"scores[{name!r}] has no value at some x")
        color = cycle(len(scores))[turn]
        xs = sorted(runs)
        low, mean, high = ([pick(runs[x]) for x in xs] for pick in (np.min, np.mean, np.max))
        ax.fill_between(xs, low, high, color=color, alpha=0.15, linewidth=0)
        dots = np.array([(x, value) for x in xs for value in runs[x]])
        ax.scatter(*dots.T, s=20, color=color, marker=MARKERS[turn % len(MARKERS)], alpha=0.7)
        lines.append((_or_nan(name, mean), ax.plot(xs, mean, color=color, linewidth=1.8)[0]))
        ends[name] = mean[-1]
    xs = sorted({x for runs in scores.values() for x in runs})
    ax.set_xscale("log")
    ax.set_xticks(xs, [f"{x:g}" for x in xs])
    ax.set_xticks([], minor=True)
    tidy(ax, xlabel, ylabel)
    note = "dot: one run; line: mean; band: lowest to highest"
    ax.set_title(note, loc="left", fontsize=9, color=GRAY)
    for name, value in (baselines or {}).items():
        lines.append((name, ax.plot([xs[0], xs[-1]], [value, value], **BASELINE)[0]))
    label_ends(figure, ax, lines)
    return described(
        figure,
        f"Line chart with bands: {ylabel} against {xlabel}, {xs[0]:g} to {xs[-1]:g}. "
        f"Mean at the right end: {extremes(ends)}.{describe_baselines(baselines)}",
    )


def lines(curves, *, xlabel, ylabel, dots=None, colors=None):
    """Draw curves with a name at the right end of each, and points that the legend names.

    Parameters
    ----------
    curves : dict, name -> (sequence of x, sequence of y)
        In the order in which the points are joined.
    xlabel, ylabel : str
    dots : dict, name -> (x, y), optional
        With them the curves are thin and gray, a background to compare with.
    colors : sequence of color, optional
        One a curve. Such curves have a dark edge, so that pale ones are seen on white.

    Returns
    -------
    Figure
    """
    if not curves:
        raise ValueError("curves is empty: there is nothing to draw")
    figure, axes = new_figure(height=3.8, width=7.5)
    ax = axes[0, 0]
    drawn = []
    edge = {"path_effects": [withStroke(linewidth=2.8, foreground="0.3")]} if colors else {}
    colors = colors or ([GRAY] * len(curves) if dots else cycle(len(curves)))
    for color, (name, (x, y)) in zip(colors, curves.items(), strict=True):
        look = {"color": color, "linewidth": 0.8 if dots else 1.6} | edge
        line = ax.plot(x, _as_curve(name, y, x), **look)[0]
        drawn.append((_or_nan(name, np.asarray(y, dtype=float)), line))
    tidy(ax, xlabel, ylabel)
    if dots:
        for turn, (color, (name, (x, y))) in enumerate(
            zip(cycle(len(dots)), dots.items(), strict=True)
        ):
            marker = MARKERS[turn % len(MARKERS)]
            ax.scatter(x, y, s=55, color=color, marker=marker, label=name, zorder=3)
        figure.legend(loc="outside right upper", frameon=False, fontsize=9)
    label_ends(figure, ax, drawn)
    ends = {name: np.asarray(y, dtype=float)[-1] for name, (_, y) in curves.items()}
    named = f" Dots: {listed(dots)}." if dots else ""
    return described(
        figure,
        f"Line chart: {ylabel} against {xlabel}, for {listed(curves)}. At the right end "
        f"{extremes(ends, '.2f')}.{named}",
    )


def _as_curve(name, values, x):
    values = np.asarray(values, dtype=float)
    if values.shape != np.shape(x):
        raise ValueError(f"{name!r} has {values.shape} values, but there are {np.shape(x)} x")
    return values


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
    panels = {"truth": np.where(truth == IGNORE, np.nan, truth), "probability": probability}
    panels |= gradients
    rows = -(-len(panels) // 4)
    columns = -(-len(panels) // rows)
    figure, axes = new_figure(rows, columns, height=rows * (8.4 / columns * 1.05 + 0.65))
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    for ax, (name, values) in zip(axes.flat, panels.items(), strict=False):
        values = np.asarray(values, dtype=float)
        if values.shape != truth.shape:
            raise ValueError(f"{name!r} is {values.shape}, but the truth is {truth.shape}")
        top = (np.nanmax(np.abs(values)) or 1.0) if name in gradients else 1.0
        low, colors = (-top, "RdBu_r") if name in gradients else (0, "Greys")
        shown = ax.imshow(values, cmap=colors, vmin=low, vmax=top)
        outline_region(ax, truth == 1, BLACK)
        bare(ax)
        ax.spines[:].set(visible=True, color="0.6")
        ax.set_title(name, fontsize=10)
        ticks = (low, 0, top) if name in gradients else (0, 1)
        bar = figure.colorbar(shown, ax=ax, orientation="horizontal", fraction=0.06, pad=0.03)
        bar.set_ticks(ticks, labels=[f"{tick:.2g}" for tick in ticks])
        bar.ax.tick_params(labelsize=8, length=2)
    figure.supxlabel(
        "blue: training raises the logit here; red: it lowers it; line: edge of the truth",
        fontsize=9,
    )
    return described(
        figure,
        f"Maps of {truth.shape[0]} by {truth.shape[1]} pixels: the truth, the probability, and in "
        f"blue and red which way {listed(gradients)} pull each logit.",
    )
