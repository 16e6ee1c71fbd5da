"""Charts of scores: of runs and seeds, of classes, and of models against what they cost."""

import numpy as np
from matplotlib import colormaps
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from ..datasets import IGNORE
from ..metrics import average_precision, border_distance, precision_recall_curve
from .curves import lines
from .style import (
    BASELINE,
    BLUE,
    GRAY,
    LIGHT,
    MARKERS,
    VERMILION,
    class_palette,
    counted,
    cycle,
    describe_baselines,
    described,
    extremes,
    listed,
    new_figure,
    tidy,
)


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
    shares = ((masks > 0) & (masks != IGNORE)).mean(axis=(1, 2))
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
        f"Histogram of {counted(len(shares), 'image')}: the share of foreground pixels is at most "
        f"{shares.max():.1%}, with a median of {median:.1%}.",
    )


def confusion(matrix, class_names):
    """Draw a confusion matrix: each cell's share of its row, that is, of the true class.

    Parameters
    ----------
    matrix : int array [k, k]; rows are the truth, columns the prediction
    class_names : sequence of k str

    Returns
    -------
    Figure
        The row of a class that does not occur is gray, and says so.
    """
    matrix = np.asarray(matrix)
    k = len(class_names)
    if matrix.shape != (k, k):
        raise ValueError(f"matrix is {matrix.shape}, but class_names has {k} names")
    totals = matrix.sum(axis=1, keepdims=True)
    share = np.divide(matrix, totals, out=np.full((k, k), np.nan), where=totals > 0)
    figure, axes = new_figure(height=1.3 + 0.45 * k, width=min(9.0, 2.6 + 0.9 * k))
    ax = axes[0, 0]
    blues = colormaps["Blues"].with_extremes(bad=LIGHT)
    ax.imshow(share, cmap=blues, vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(share):
        ax.text(
            column,
            row,
            f"{value:.1%}" if np.isfinite(value) else "–",
            ha="center",
            va="center",
            fontsize=10 if k < 7 else 9,
            color="white" if value > 0.55 else "black",
        )
    slanted = {} if k < 5 else {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
    ax.set_xticks(range(k), class_names, **slanted)
    occurs = zip(class_names, totals[:, 0], strict=True)
    ax.set_yticks(range(k), [name if total else f"{name}\n(absent)" for name, total in occurs])
    ax.spines[:].set_visible(False)
    ax.set_xticks(np.arange(1, k) - 0.5, minor=True)
    ax.set_yticks(np.arange(1, k) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=3)
    ax.tick_params(which="both", length=0)
    ax.set(xlabel="prediction", ylabel="truth")
    ax.xaxis.labelpad = 8
    ax.set_title("share of the true class", loc="left", fontsize=11)
    right = dict(zip(class_names, np.diag(share), strict=True))
    return described(
        figure,
        f"Confusion matrix of {counted(k, 'class', 'classes')}, truth in rows, prediction in "
        f"columns. Rightly found: {extremes(right, '.1%')}.",
    )


def seeds(results, *, quantity="mean IoU", baselines=None):
    """Draw the score of every seed of every run, with each run's mean.

    Parameters
    ----------
    results : dict, name of the run -> sequence of scores, one a seed; drawn from top to bottom
    quantity : str
        Name of the score.
    baselines : dict, name -> score, optional
        What needs no training, a gray line each: ``{"background everywhere": 0.49}``.

    Returns
    -------
    Figure
    """
    if not results or any(len(values) == 0 for values in results.values()):
        raise ValueError("results must hold at least one run, and each run at least one score")
    figure, axes = new_figure(height=1.0 + 0.45 * len(results))
    ax = axes[0, 0]
    colors = cycle(len(results))
    for row, (color, values) in enumerate(zip(colors, results.values(), strict=True)):
        spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
        _draw_row_of_dots(ax, row, values, color, f"{np.mean(values):.3f}{spread}")
    _name_rows(ax, results)
    for name, value in (baselines or {}).items():
        ax.axvline(value, **BASELINE)
        place = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
        ax.annotate(name, (value, 1), xytext=(0, 3), ha="center", color=GRAY, fontsize=9, **place)
    tidy(ax, f"{quantity} (dot: one seed; bar: mean; right: mean ± standard deviation)")
    ax.spines["left"].set_visible(False)
    means = {name: np.mean(values) for name, values in results.items()}
    return described(
        figure,
        f"Dot chart: {quantity} of {counted(len(results), 'run')}, a dot for each seed. "
        f"Mean: {extremes(means, '.3f')}.{describe_baselines(baselines)}",
    )


def paired(scores, baseline):
    """Draw how much better or worse than a baseline each network is with the same seeds.

    Parameters
    ----------
    scores : dict, name of the network -> dict, seed -> IoU in [0, 1]
        Only seeds that a network has in common with the baseline count.
    baseline : str
        Name of the network that the others are compared to.

    Returns
    -------
    Figure
        A row for each other network, in points of IoU (hundredths): a dot for each seed, the mean,
        and its 95 % confidence interval (Student's t) if there are two seeds at least.

    Raises
    ------
    ValueError
        If the baseline is unknown, there is no other network, or one has no seed in common.
    """
    if baseline not in scores:
        raise ValueError(f"baseline is {baseline!r}, scores has only {list(scores)}")
    others = {name: values for name, values in scores.items() if name != baseline}
    if not others:
        raise ValueError(f"scores holds {baseline!r} alone: there is nothing to compare")

    figure, axes = new_figure(height=1.1 + 0.5 * len(others))
    ax = axes[0, 0]
    ax.axvline(0, color=GRAY, linewidth=1.2, zorder=1)
    told = []
    for row, (color, name) in enumerate(zip(cycle(len(others)), others, strict=True)):
        seeds = [seed for seed in scores[name] if seed in scores[baseline]]
        if not seeds:
            raise ValueError(f"{name!r} has no seed in common with {baseline!r}")
        points = [100 * (scores[name][seed] - scores[baseline][seed]) for seed in seeds]
        mean, reach = np.mean(points), _reach(points)
        text = f"{mean:+.2f}\n[{mean - reach:+.2f}, {mean + reach:+.2f}]"
        if len(points) > 1:
            ends = [mean - reach, mean + reach]
            ax.plot(ends, [row, row], color=color, linewidth=4, alpha=0.35, gid="interval")
        else:
            text = f"{mean:+.2f}\none seed"
        _draw_row_of_dots(ax, row, points, color, text.replace("-", "−"), fontsize=9)
        told.append(f"{name} {text.replace('-', 'minus ')}")
    _name_rows(ax, others)
    tidy(
        ax,
        f"difference to {baseline}, points of IoU"
        "\n(dot: one seed; bars: mean and its 95 % confidence interval)",
    )
    ax.spines["left"].set_visible(False)
    return described(
        figure,
        f"Dot chart: difference to {baseline} with the same seeds, points of IoU, mean and 95 % "
        f"interval. {'; '.join(told)}.",
    )


def _reach(values):
    """Half the width of the 95 % confidence interval of the mean; NaN for a single value."""
    if len(values) < 2:
        return np.nan
    from scipy.stats import sem, t

    return t.ppf(0.975, len(values) - 1) * sem(values)


def _draw_row_of_dots(ax, row, values, color, text, **look):
    """A dot for each value and a bar at their mean; the text stands at the right."""
    mean = np.mean(values)
    ax.axhline(row, color=LIGHT, linewidth=1, zorder=0)
    ax.plot([mean, mean], [row - 0.28, row + 0.28], color=color, linewidth=2.5, gid="mean")
    ax.scatter(values, np.full(len(values), row), s=38, color=color, alpha=0.75, zorder=3)
    place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    ax.annotate(text, (1, row), xytext=(6, 0), va="center", **place, **look)


def _name_rows(ax, names):
    """Rows 0, 1, … from top to bottom, each with its name at the left."""
    ax.set_yticks(range(len(names)), list(names))
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)


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
    colors = cycle(len(scores))
    for turn, (name, values) in enumerate(zip(scores, table, strict=True)):
        look = {"color": colors[turn], "marker": MARKERS[turn % len(MARKERS)], "label": name}
        ax.scatter(values, rows + shifts[turn], s=42, zorder=3, **look)
    for row in rows:
        missing = [
            name for name, absent in zip(scores, np.isnan(table[:, row]), strict=True) if absent
        ]
        if missing:
            every = len(missing) == len(scores)
            text = "absent" if every else f"absent: {', '.join(missing)}"
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
            ax.text(0.01 * highest, row, text, color=GRAY, fontsize=9, va="center", bbox=box)
    _name_rows(ax, class_names)
    ax.set_xlim(-0.01 * highest, 1.01 * highest)
    tidy(ax, ylabel)
    ax.spines["left"].set_visible(False)
    figure.legend(loc="outside upper center", ncols=min(4, len(scores)), frameon=False)
    cells = {
        f"{class_name}, {name}": value
        for name, values in zip(scores, table, strict=True)
        for class_name, value in zip(class_names, values, strict=True)
    }
    text = f"Dot chart: {ylabel} of {counted(k, 'class', 'classes')} for {listed(scores)}, "
    return described(figure, f"{text}{extremes(cells, '.2f')}.")


def precision_recall(truth, probability, class_names):
    """Draw the precision-recall curve of each class that occurs, named with its average precision.

    Parameters
    ----------
    truth : int array [...]; 255 is left out
    probability : float array [..., k]
        Of each class.
    class_names : sequence of k str

    Returns
    -------
    Figure
        Each curve has its class's color.
    """
    truth = np.asarray(truth)
    palette, curves, colors = class_palette(class_names), {}, []
    for number in np.setdiff1d(truth, [IGNORE]):
        known = np.where(truth == IGNORE, IGNORE, truth == number)
        score = np.asarray(probability)[..., number]
        precision, recall = precision_recall_curve(known, score)
        name = f"{class_names[number]} {average_precision(known, score):.2f}"
        curves[name] = recall, precision
        colors.append(palette[number])
    return lines(curves, xlabel="recall", ylabel="precision", colors=colors)


def border_errors(truth, prediction, reach=10):
    """Draw how much of the error lies how close to a border between classes.

    Parameters
    ----------
    truth, prediction : int arrays [H, W] or [N, H, W]; 255 in the truth is left out
    reach : int
        The largest distance drawn, in pixels.

    Returns
    -------
    Figure
        Against the distance, the share of the wrong pixels that lie so close or closer, and the
        same share of all pixels. Distances are those of `course_utils.metrics.border_distance`.
    """
    truth, distance = np.asarray(truth), border_distance(truth)
    groups = {"wrong pixels": truth != prediction, "all pixels": np.ones(truth.shape, bool)}
    steps = np.arange(1, reach + 1)
    curves = {}
    for name, chosen in groups.items():
        distances = distance[chosen & (truth != IGNORE)]
        within = [(distances <= step).mean() if distances.size else np.nan for step in steps]
        curves[name] = steps, within
    return lines(curves, xlabel="pixels from a border, at most", ylabel="share of these pixels")


def recall_and_precision(points, class_name):
    """Draw models by the recall and precision of one class, over lines of equal IoU.

    Parameters
    ----------
    points : dict, name -> (recall, precision)
    class_name : str

    Returns
    -------
    Figure
    """
    (left, low), (right, high) = (
        np.clip(edge(list(points.values()), axis=0) + room, 0.01, 1)
        for edge, room in ((np.min, -0.1), (np.max, 0.1))
    )
    curves = {}
    for iou in np.arange(1, 10) / 10:
        recall = np.linspace(max(left, iou), max(right, iou))
        precision = 1 / (1 / iou + 1 - 1 / recall)
        inside = (low <= precision) & (precision <= high) & (recall <= right)
        if inside.any():
            curves[f"IoU {iou}"] = recall[inside], precision[inside]
    names = {"xlabel": f"recall of {class_name}", "ylabel": f"precision of {class_name}"}
    return lines(curves, dots=points, **names)


def stack(parts, xlabel):
    """Draw the parts of a whole as one bar, each with its value and its share.

    Parameters
    ----------
    parts : dict of str to float, none below 0
    xlabel : str
        What is added up, with its unit.

    Returns
    -------
    Figure
    """
    if not parts or min(parts.values()) < 0 or not sum(parts.values()):
        raise ValueError(f"parts must be numbers of 0 or more, not all 0; they are {parts}")
    figure, axes = new_figure(height=1.9)
    ax, left, whole = axes[0, 0], 0.0, sum(parts.values())
    for color, (name, value) in zip(cycle(len(parts)), parts.items(), strict=True):
        label = f"{name}: {value:.3g} ({value / whole:.0%})"
        ax.barh(0, value, left=left, color=color, edgecolor="white", label=label)
        left += value
    tidy(ax, xlabel).set_yticks([])
    ax.spines["left"].set_visible(False)
    figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    told = listed(f"{name} {value:.3g}" for name, value in parts.items())
    return described(figure, f"A bar of {whole:.3g} {xlabel} in all: {told}.")


def tradeoff(points, *, xlabel, ylabel):
    """Draw models as points, such as a score against the number of parameters.

    Parameters
    ----------
    points : dict, name -> (x, y) or (x, list of y, one a seed)
    xlabel, ylabel : str

    Returns
    -------
    Figure
        Several y of one model are small dots on a line, with their mean as the large dot. The
        x axis is logarithmic if x covers more than a factor of ten. The legend names the models
        from the highest to the lowest.
    """
    if not points:
        raise ValueError("points is empty: there is nothing to draw")
    figure, axes = new_figure(height=4.2)
    ax = axes[0, 0]
    means = {name: np.mean(y) for name, (_, y) in points.items()}
    for turn, (color, (name, (x, y))) in enumerate(
        zip(cycle(len(points)), points.items(), strict=True)
    ):
        marker = MARKERS[turn % len(MARKERS)]
        ax.scatter(x, means[name], s=60, color=color, marker=marker, zorder=3, label=name)
        if np.size(y) > 1:
            ax.plot([x, x], [np.min(y), np.max(y)], color=color, linewidth=1)
            ax.scatter(np.full(len(y), x), y, s=10, color=color)
    xs = [x for x, _ in points.values()]
    if min(xs) > 0 and max(xs) > 10 * min(xs):
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.xaxis.set_major_formatter(EngFormatter())
    ax.margins(0.12, 0.12)
    tidy(ax, xlabel, ylabel)
    ax.grid(color=LIGHT, linewidth=0.8)
    ax.set_axisbelow(True)
    handles = dict(zip(points, ax.get_legend_handles_labels()[0], strict=True))
    order = sorted(points, key=means.get, reverse=True)
    figure.legend(
        [handles[name] for name in order],
        order,
        loc="outside right upper",
        frameon=False,
        fontsize=9,
    )
    return described(
        figure,
        f"Dot chart of {counted(len(points), 'model')}: {ylabel} against {xlabel}. "
        f"Mean {ylabel}: {extremes(means)}.",
    )
