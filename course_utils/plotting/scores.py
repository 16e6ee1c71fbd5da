"""Charts of scores: the confusion matrix, and runs against each other."""

import numpy as np
from matplotlib import colormaps

from .style import GREY, LIGHT, counted, cycle, described, new_figure, standing, tidy


def confusion(matrix, class_names, *, normalise=False):
    """Draw a confusion matrix: each cell's pixels, and its share of the row (of the true class).

    Parameters
    ----------
    matrix : int array [k, k]; rows are the truth, columns the prediction
    class_names : sequence of k str
    normalise : bool
        Write the shares alone. The row of a class that does not occur is grey, and says so.

    Returns
    -------
    Figure
    """
    matrix = np.asarray(matrix)
    k = len(class_names)
    if matrix.shape != (k, k):
        raise ValueError(f"matrix is {matrix.shape}, but class_names has {k} names")
    totals = matrix.sum(axis=1, keepdims=True)
    share = np.divide(matrix, totals, out=np.full((k, k), np.nan), where=totals > 0)
    high, wide = (0.45, 0.9) if normalise else (0.75, 1.35)
    figure, axes = new_figure(height=1.3 + high * k, width=min(9.0, 2.6 + wide * k))
    ax = axes[0, 0]
    ax.imshow(
        share, cmap=colormaps["Blues"].with_extremes(bad=LIGHT), vmin=0, vmax=1, aspect="auto"
    )
    for row in range(k):
        for column in range(k):
            percent = f"{share[row, column]:.1%}" if totals[row, 0] else "–"
            ax.text(
                column,
                row,
                percent if normalise else f"{percent}\n{matrix[row, column]:,}",
                ha="center",
                va="center",
                fontsize=10 if k < 7 else 9,
                color="white" if share[row, column] > 0.55 else "black",
            )
    slanted = {} if k < 5 else {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
    ax.set_xticks(range(k), class_names, **slanted)
    occurs = zip(class_names, totals[:, 0], strict=True)
    ax.set_yticks(range(k), [name if total else f"{name}\n(absent)" for name, total in occurs])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_xticks(np.arange(1, k) - 0.5, minor=True)
    ax.set_yticks(np.arange(1, k) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=3)
    ax.tick_params(which="minor", length=0)
    ax.set(xlabel="prediction", ylabel="truth")
    ax.xaxis.labelpad = 8
    title = "share of the true class" if normalise else "pixels, and their share of the true class"
    ax.set_title(title, loc="left", fontsize=11)
    text = f"Confusion matrix of {counted(k, 'class', 'classes')}, truth in rows, prediction in "
    right = dict(zip(class_names, np.diag(share), strict=True))
    text += f"columns. Rightly found: {standing(right, '.1%')}."
    wrong = np.where(np.eye(k, dtype=bool) | np.isnan(share), 0, share)
    if wrong.any():
        row, column = np.unravel_index(wrong.argmax(), wrong.shape)
        text += f" Most often confused: {class_names[row]}, {wrong.max():.1%} of it taken for "
        text += f"{class_names[column]}."
    return described(figure, text)


def seeds(results, *, references=None, quantity="mean IoU"):
    """Draw the score of every seed of every run, with each run's mean.

    Parameters
    ----------
    results : dict, name of the run -> sequence of scores, one a seed; drawn from top to bottom
    references : dict, name -> score, optional
        Drawn as vertical lines, for instance a published figure.
    quantity : str
        Name of the score.

    Returns
    -------
    Figure
    """
    if not results or any(len(values) == 0 for values in results.values()):
        raise ValueError("results must hold at least one run, and each run at least one score")
    figure, axes = new_figure(height=1.0 + 0.45 * len(results))
    ax = axes[0, 0]
    means = {name: float(np.mean(values)) for name, values in results.items()}
    for row, (colour, values) in enumerate(zip(cycle(len(results)), results.values(), strict=True)):
        values = np.asarray(values, dtype=float)
        mean = values.mean()
        ax.axhline(row, color=LIGHT, linewidth=1, zorder=0)
        ax.plot([mean, mean], [row - 0.28, row + 0.28], color=colour, linewidth=2.5)
        ax.scatter(values, np.full(values.shape, row), s=38, color=colour, alpha=0.75, zorder=3)
        spread_text = f" ± {values.std(ddof=1):.3f}" if len(values) > 1 else ""
        ax.annotate(
            f"{mean:.3f}{spread_text}",
            (1, row),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
        )
    for name, score in (references or {}).items():
        ax.axvline(score, color=GREY, linestyle=":", linewidth=1.5)
        ax.annotate(
            f"{name} {score:.4g}",
            (score, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            color=GREY,
            fontsize=9,
        )
    ax.set_yticks(range(len(results)), list(results))
    ax.set_ylim(len(results) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    tidy(ax, f"{quantity} (dot: one seed; bar: mean; right: mean ± standard deviation)")
    ax.spines["left"].set_visible(False)
    text = f"Dot chart: {quantity} of {counted(len(results), 'run')}, a dot for each seed. "
    text += f"Mean: {standing(means, '.3f')}."
    if references:
        published = {name: float(score) for name, score in references.items()}
        text += f" To compare: {standing(published, '.4g')}."
    return described(figure, text)
