"""Curves with their names beside them: scores under damage, learning curves, losses."""

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from .labels import label_ends, readable
from .style import (
    BLACK,
    GREY,
    counted,
    cycle,
    described,
    listed,
    new_figure,
    number,
    standing,
    tidy,
)

MARKS = "osD^vPX<>"


def degradation(steps, scores, *, step_label, title=None, distances=None):
    """Draw how scores fall as a prediction is damaged more and more.

    Parameters
    ----------
    steps : sequence of float
        The degree of damage.
    scores : dict, name -> sequence of float in [0, 1], one a step; NaN leaves a gap
    step_label : str
        What the steps are, with their unit.
    title : str, optional
    distances : dict, name -> sequence of float in pixels, optional
        Drawn in a panel of their own; an infinite distance is an arrow head at the upper edge.

    Returns
    -------
    Figure
    """
    panels = {"score": scores}
    if distances:
        panels["distance in pixels"] = distances
    figure, axes = new_figure(
        1, len(panels), height=3.6, gridspec_kw={"width_ratios": [1.5, 1][: len(panels)]}
    )
    steps = np.asarray(steps, dtype=float)
    for ax, (label, curves) in zip(axes[0], panels.items(), strict=True):
        lines = []
        for turn, (name, values) in enumerate(curves.items()):
            values = _checked(name, values, steps)
            line = ax.plot(
                steps,
                np.where(np.isfinite(values), values, np.nan),
                color=cycle(len(curves))[turn],
                marker=MARKS[turn % len(MARKS)],
                linestyle="-" if turn < 9 else "--",
                markersize=4,
                linewidth=1.5,
            )[0]
            infinite = np.isposinf(values)
            if infinite.any():
                _draw_infinite(ax, steps[infinite], line.get_color())
            if np.isfinite(values).any():
                lines.append((name, line))
        ax.set_ylim(*((-0.02, 1.02) if label == "score" else (0, 1.1 * ax.get_ylim()[1])))
        tidy(ax, step_label, label)
        label_ends(figure, ax, lines, apart=True)
    if title:
        figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    first, last = (number(step, "g") for step in (steps[0], steps[-1]))
    text = f"Line chart: {listed(scores)} against {step_label}, {first} to {last}"
    text += f" ({title})." if title else "."
    text += f" At the end: {standing(_ends(scores))}."
    if distances:
        text += f" Beside it distances in pixels, at the end: {standing(_ends(distances), '.3g')}."
    return described(figure, text)


def learning_curve(scores, *, xlabel, ylabel):
    """Draw a score against the amount of training, with every single run.

    Parameters
    ----------
    scores : dict, name of the arm -> dict, x -> list of values, one a seed
    xlabel, ylabel : str

    Returns
    -------
    Figure
        Lines through the means, a dot for each run, a band from the lowest to the highest run.
    """
    if not scores or not all(scores.values()):
        raise ValueError("scores must hold at least one arm, and each arm at least one x")
    figure, axes = new_figure(height=3.8, width=7.5)
    ax = axes[0, 0]
    lines, ends = [], {}
    for turn, (name, runs) in enumerate(scores.items()):
        colour, mark = cycle(len(scores))[turn], MARKS[turn % len(MARKS)]
        xs = sorted(runs)
        values = [np.asarray(runs[x], dtype=float) for x in xs]
        if any(len(seeds) == 0 for seeds in values):
            raise ValueError(f"scores[{name!r}] has no value at some x")
        low, high = ([pick(seeds) for seeds in values] for pick in (np.min, np.max))
        ax.fill_between(xs, low, high, color=colour, alpha=0.15, linewidth=0)
        ax.scatter(
            np.repeat(xs, [len(seeds) for seeds in values]),
            np.concatenate(values),
            s=20,
            color=colour,
            marker=mark,
            alpha=0.7,
        )
        mean = [seeds.mean() for seeds in values]
        ends[name] = mean[-1]
        lines.append((name, ax.plot(xs, mean, color=colour, linewidth=1.8)[0]))
    xs = sorted({x for runs in scores.values() for x in runs})
    if xs[0] > 0 and xs[-1] > 4 * xs[0]:
        ax.set_xscale("log")
    if len(xs) <= 8:
        ax.xaxis.set_major_locator(FixedLocator(xs))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    tidy(ax, xlabel, ylabel)
    ax.set_title(
        "dot: one run; line: mean; band: lowest to highest", loc="left", fontsize=9, color=GREY
    )
    label_ends(figure, ax, lines)
    return described(
        figure,
        f"Line chart with bands: {ylabel} against {xlabel}, {number(xs[0], 'g')} to "
        f"{number(xs[-1], 'g')}, {counted(len(scores), 'curve')}. "
        f"Mean at the right end: {standing(ends)}.",
    )


def loss_curves(probability, losses, gradients=None):
    """Draw what a loss asks of one pixel, from hopelessly wrong (left) to surely right (right).

    Parameters
    ----------
    probability : sequence of float in [0, 1], rising
        Of the pixel's true class.
    losses : dict, name -> sequence of float, one a probability
    gradients : dict, name -> sequence of float, optional
        Of the loss with respect to the logit of the true class; default: differences of `losses`.

    Returns
    -------
    Figure
    """
    probability = np.asarray(probability, dtype=float)
    if gradients is None:
        inside = np.clip(probability, 1e-6, 1 - 1e-6)
        logit = np.log(inside / (1 - inside))
        gradients = {
            name: np.gradient(_checked(name, values, probability), logit)
            for name, values in losses.items()
        }
    figure, axes = new_figure(1, 2, height=3.7)
    colours = dict(zip(losses, cycle(len(losses)), strict=True))
    for ax, curves, label in (
        (axes[0, 0], losses, "loss of the pixel"),
        (axes[0, 1], gradients, "its gradient with respect to the logit"),
    ):
        lines = []
        shown = []
        for turn, (name, values) in enumerate(curves.items()):
            values = _checked(name, values, probability)
            style = "-" if turn < 9 else "--"
            colour = colours.get(name, BLACK)
            lines.append((name, ax.plot(probability, values, style, color=colour)[0]))
            shown.append(values[(probability >= 0.02) & np.isfinite(values)])
        shown = np.concatenate(shown)  # near 0 a cross entropy leaves every picture
        margin = 0.04 * max(np.ptp(shown), 1e-9)
        ax.set_ylim(shown.min() - margin, shown.max() + margin)
        share = min(0.5, (0.07 * max(map(len, curves)) + 0.15) / 3.4)  # of the width, for names
        ax.set_xlim(-share / (1 - share), 1.02)  # on the side where the curves differ
        ax.set_xticks(np.linspace(0, 1, 6))
        tidy(ax, "probability of the true class", label)
        ax.spines["bottom"].set_bounds(0, 1)
        ax.xaxis.set_label_coords((1 + share) / 2, -0.12)
        label_ends(figure, ax, lines, start=True)
    text = f"Two line charts against the probability of the true class, for {listed(losses)}: "
    text += "the loss of the pixel, and its gradient with respect to the logit."
    pulls = {name: _pull(probability, values) for name, values in gradients.items()}
    if len(pulls) > 1:
        pulls = standing(pulls, ".2g", most=1)
        text += f" The gradient's size where the pixel is most wrong: {pulls}."
    return described(figure, text)


def _ends(curves):
    """Name -> its last value that is no gap; NaN if there is none."""
    known = {name: np.asarray(values, dtype=float) for name, values in curves.items()}
    known = {name: values[~np.isnan(values)] for name, values in known.items()}
    return {name: values[-1] if values.size else np.nan for name, values in known.items()}


def _pull(probability, gradient):
    """Size of a gradient at the left end of what is shown; NaN if it is nowhere known."""
    gradient = np.asarray(gradient, dtype=float)
    shown = gradient[(probability >= 0.02) & np.isfinite(gradient)]
    return abs(shown[0]) if shown.size else np.nan


def _draw_infinite(ax, steps, colour):
    """Arrow heads at the upper edge, where there is no number to draw."""
    edge = ax.get_xaxis_transform()
    ones = np.ones(len(steps))
    ax.plot(steps, ones, "^", color=colour, transform=edge, clip_on=False)[0].set_gid("infinite")
    ax.annotate(
        "infinite",
        (np.mean(steps), 1),
        xycoords=edge,
        xytext=(0, 5),
        textcoords="offset points",
        ha="center",
        fontsize=9,
        color=readable(colour),
    )


def _checked(name, values, steps):
    values = np.asarray(values, dtype=float)
    if values.shape != np.shape(steps):
        raise ValueError(f"{name!r} has {values.shape} values, but there are {np.shape(steps)} x")
    return values
