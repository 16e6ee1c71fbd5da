"""Scores as dots: of models against what they cost, and of each class."""

import numpy as np
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullFormatter

from .labels import label_points
from .style import (
    GREY,
    LIGHT,
    between,
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


def tradeoff(points, *, xlabel, ylabel):
    """Draw models as labelled points, such as a score against the number of parameters.

    Parameters
    ----------
    points : dict, name -> (x, y) or (x, list of y, one a seed)
    xlabel, ylabel : str

    Returns
    -------
    Figure
        Several y of one model are small dots on a line, with their mean as the large dot. The
        x axis is logarithmic if x covers more than a factor of ten.
    """
    if not points:
        raise ValueError("points is empty: there is nothing to draw")
    figure, axes = new_figure(height=4.2, width=7.5)
    ax = axes[0, 0]
    means, singles = [], []
    for colour, (x, y) in zip(cycle(len(points)), points.values(), strict=True):
        y = np.atleast_1d(np.asarray(y, dtype=float))
        means.append((float(x), y.mean()))
        ax.scatter(*means[-1], s=60, color=colour, zorder=3)
        if len(y) > 1:
            ax.plot([x, x], [y.min(), y.max()], color=colour, linewidth=1)
            ax.scatter(np.full(len(y), x), y, s=10, color=colour)
            singles += [(float(x), value) for value in (*y, *np.linspace(y.min(), y.max(), 20))]
    xs = [x for x, _ in means]
    if min(xs) > 0 and max(xs) > 10 * min(xs):
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_minor_formatter(NullFormatter())
    large = max(xs) >= 10_000
    ax.xaxis.set_major_formatter(EngFormatter() if large else FuncFormatter(lambda v, _: f"{v:g}"))
    ax.margins(0.12, 0.12)
    tidy(ax, xlabel, ylabel)
    ax.grid(color=LIGHT, linewidth=0.8)
    ax.set_axisbelow(True)
    label_points(figure, ax, list(points), means, cycle(len(points)), obstacles=singles)
    text = f"Dot chart of {counted(len(points), 'model')}: {ylabel} against {xlabel}, "
    text += f"{_round(min(xs))} to {_round(max(xs))}" if min(xs) < max(xs) else _round(xs[0])
    scores = {name: y for name, (_, y) in zip(points, means, strict=True)}
    return described(figure, f"{text}. Mean {ylabel}: {standing(scores, '.3g')}.")


def class_scores(scores, class_names, *, ylabel="IoU", highest=1.0):
    """Draw the score of every class, a dot for each model.

    Parameters
    ----------
    scores : dict, name of the model -> sequence of k float; NaN: the class does not occur
    class_names : sequence of k str, drawn from top to bottom
    ylabel : str
        Name of the score; it stands below, along the dots.
    highest : float
        Right end of the axis, which begins at 0.

    Returns
    -------
    Figure
    """
    k = len(class_names)
    table = np.array([np.asarray(values, dtype=float) for values in scores.values()])
    if table.shape != (len(scores), k):
        raise ValueError(f"scores are {table.shape}, but class_names has {k} names")
    figure, axes = new_figure(height=1.1 + 0.36 * k, width=7.5)
    ax = axes[0, 0]
    rows = np.arange(k)
    ax.hlines(rows, 0, highest, color=LIGHT, linewidth=1, zorder=0)
    shifts = (np.arange(len(scores)) - (len(scores) - 1) / 2) * min(0.16, 0.6 / len(scores))
    for turn, (name, values) in enumerate(zip(scores, table, strict=True)):
        ax.scatter(
            values,
            rows + shifts[turn],
            s=42,
            color=cycle(len(scores))[turn],
            marker=MARKS[turn % len(MARKS)],
            label=name,
            zorder=3,
        )
    for row in rows:
        missing = [
            name for name, value in zip(scores, table[:, row], strict=True) if value != value
        ]
        if missing:
            every = len(missing) == len(scores)
            text = "absent" if every else f"absent: {', '.join(missing)}"
            ax.text(0.01 * highest, row, text, color=GREY, fontsize=9, va="center").set_bbox(
                {"facecolor": "white", "edgecolor": "none", "pad": 1}
            )
    ax.set_yticks(rows, class_names)
    ax.set(ylim=(k - 0.5, -0.5), xlim=(-0.01 * highest, 1.01 * highest))
    ax.tick_params(axis="y", length=0)
    tidy(ax, ylabel)
    ax.spines["left"].set_visible(False)
    figure.legend(loc="outside upper center", ncols=min(4, len(scores)), frameon=False)
    text = f"Dot chart: {ylabel} of {counted(k, 'class', 'classes')} for {listed(scores)}. "
    if len(scores) > 2:
        return described(figure, f"{text}All of them: {between(table)}.")
    each = (dict(zip(class_names, values, strict=True)) for values in table)
    said = [f"{name} {standing(one, most=1)}" for name, one in zip(scores, each, strict=True)]
    return described(figure, f"{text}{'; '.join(said)}.")


def _round(value):
    """A number as one says it: parameters of a network are millions."""
    for size, word in ((1e9, " billion"), (1e6, " million"), (1e3, " thousand")):
        if abs(value) >= 10_000 and abs(value) >= size:
            return f"{number(value / size, '.3g')}{word}"
    return number(value, ".4g")
