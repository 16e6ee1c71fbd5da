"""Networks compared seed by seed: the difference and its confidence interval."""

import numpy as np

from .style import GREY, LIGHT, cycle, described, new_figure, number, tidy


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
        and its 95 % confidence interval as `paired_difference` has it.

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
    for name, values in others.items():
        if not values.keys() & scores[baseline].keys():
            raise ValueError(f"{name!r} has no seed in common with {baseline!r}")

    figure, axes = new_figure(height=1.1 + 0.5 * len(others))
    ax = axes[0, 0]
    ax.axvline(0, color=GREY, linewidth=1.2, zorder=1)
    said = []
    for row, (colour, (name, values)) in enumerate(
        zip(cycle(len(others)), others.items(), strict=True)
    ):
        ax.axhline(row, color=LIGHT, linewidth=1, zorder=0)
        dots = 100 * _differences(values, scores[baseline])
        mean, low, high = (100 * value for value in paired_difference(values, scores[baseline]))
        text = f"{mean:+.2f}"
        if len(dots) > 1:
            ax.plot([low, high], [row, row], color=colour, linewidth=4, alpha=0.35, gid="interval")
            ax.plot([mean, mean], [row - 0.28, row + 0.28], color=colour, linewidth=2.5, gid="mean")
            text += f"\n[{low:+.2f}, {high:+.2f}]"
        else:
            text += "\none seed"
        said.append(_in_words(name, mean, low, high))
        look = {"s": 38, "color": colour, "alpha": 0.75, "zorder": 3, "label": name}
        ax.scatter(dots, np.full(dots.shape, row), **look)
        ax.annotate(
            text.replace("-", "−"),
            (1, row),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    ax.set_yticks(range(len(others)), list(others))
    ax.set_ylim(len(others) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    tidy(
        ax,
        f"difference to {baseline}, points of IoU"
        "\n(dot: one seed; bars: mean and its 95 % confidence interval)",
    )
    ax.spines["left"].set_visible(False)
    if len(said) > 2:  # the intervals of so many are more than one can listen to
        said = [words.partition(", from ")[0] for words in said]
    return described(
        figure,
        f"Dot chart: difference to {baseline} with the same seeds, points of IoU, mean and 95 % "
        f"interval. {'; '.join(said)}.",
    )


def paired_difference(scores, other):
    """Mean of the differences with the same seed, and its 95 % confidence interval (Student's t).

    Parameters
    ----------
    scores, other : dict, seed -> score
        Only seeds that both have count.

    Returns
    -------
    mean, low, high : float
        Of `scores` − `other`, in the scores' unit. With one common seed low and high are NaN.

    Raises
    ------
    ValueError
        If there is no common seed.
    """
    differences = _differences(scores, other)
    if differences.size == 0:
        raise ValueError(f"no seed in common: {list(scores)} and {list(other)}")
    mean = float(differences.mean())
    if differences.size == 1:
        return mean, np.nan, np.nan
    from scipy.stats import sem, t

    reach = float(t.ppf(0.975, differences.size - 1) * sem(differences))
    return mean, mean - reach, mean + reach


def _in_words(name, mean, low, high):
    text = f"{name} {number(mean, '+.2f')}"
    if np.isnan(low):
        return f"{text} with one seed"
    return f"{text}, from {number(low, '+.2f')} to {number(high, '+.2f')}"


def _differences(scores, other):
    return np.array([scores[seed] - other[seed] for seed in scores if seed in other], dtype=float)
