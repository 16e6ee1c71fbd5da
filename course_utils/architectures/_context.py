"""Context at many scales: the pyramid of PSPNet, and atrous (dilated) convolution."""

import numpy as np
from matplotlib.patches import Rectangle

from ..plotting.style import described, listed
from ._blocks import COLOURS, SMALL, arrow, block, grid, heading, key, sheet, write

BINS = (1, 2, 3, 6)  # cells along one side


def pspnet():
    """Draw the pyramid pooling module of PSPNet, for its 473 × 473 images of 1/8 the size.

    Returns
    -------
    Figure
    """
    side, depth = 60, 2048
    share = depth // len(BINS)
    figure, ax = sheet(3.5)
    ys = [2.75 - 0.68 * turn for turn in range(len(BINS))]
    middle = (ys[0] + ys[-1]) / 2
    block(ax, 0.62, middle, 0.95, 0.9, "encoder", "ResNet\nwith atrous\nconvolution,\nstride 8")
    block(ax, 2.0, middle, 0.95, 0.9, "encoder", f"features\n{side} × {side}\n× {depth}")
    arrow(ax, (1.11, middle), (1.51, middle))
    for bins, y in zip(BINS, ys, strict=True):
        arrow(ax, (2.5, middle + (y - middle) / 4), (3.12, y))
        box = 0.54
        grid(ax, 3.2, y + box / 2, bins, bins, box / bins, "context", marked=np.ones((bins, bins)))
        write(ax, 3.82, y, f"{bins} × {bins}", SMALL, ha="left")
        block(ax, 4.85, y, 0.72, 0.36, "context", f"1 × 1,\n{share}")
        block(ax, 6.05, y, 0.86, 0.36, "context", f"{side} × {side}\n× {share}")
        arrow(ax, (4.25, y), (4.46, y))
        arrow(ax, (5.23, y), (5.6, y))
        arrow(ax, (6.5, y), (6.88, y))
    block(ax, 7.12, middle, 0.44, 2.6, "context", f"{depth + len(BINS) * share}")
    block(ax, 8.4, middle, 0.98, 0.9, "decoder", "3 × 3, 1 × 1:\nscores;\nupsampled\n× 8")
    arrow(ax, (7.36, middle), (7.88, middle))
    around = ys[-1] - 0.42
    ax.plot([2.0, 2.0, 6.6], [middle - 0.47, around, around], color=COLOURS["skip"], linewidth=1.6)
    arrow(ax, (6.6, around), (7.12, ys[-1] - 0.29), kind="skip")
    write(ax, 5.3, around - 0.12, "the features themselves", SMALL)
    tops = (
        (3.6, "average pooled"),
        (4.85, "convolved"),
        (6.05, "upsampled"),
        (7.12, "concatenated"),
    )
    for x, text in tops:
        write(ax, x, 3.32, text)
    key(ax, 0.15, 0.15, encoder="encoder", context="context", skip="skip", decoder="decoder")
    return described(
        figure,
        f"Block diagram of PSPNet: features of {side} by {side} are averaged in a pyramid of "
        f"{listed(f'{bins} by {bins}' for bins in BINS)} cells, convolved, upsampled, and "
        "concatenated with the features themselves before the scores.",
    )


def atrous(rate=(1, 2, 4)):
    """Draw which pixels a 3 × 3 atrous convolution sees: nine weights, spread `rate` pixels apart.

    Parameters
    ----------
    rate : int or sequence of up to four ints, each 1 or more

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there are no rates, or more than four, or one is not a whole number of 1 or more.
    """
    rates = np.atleast_1d(rate).tolist()
    if not 1 <= len(rates) <= 4:
        raise ValueError(f"rate must be one to four numbers; it has {len(rates)}")
    taps = [atrous_taps(value) for value in rates]
    cells = 2 * int(max(rates)) + 3
    across = min(2.4, 8.6 / len(rates) - 0.2)
    cell = across / cells
    figure, ax = sheet(across + 0.95)
    for turn, (value, offsets) in enumerate(zip(rates, taps, strict=True)):
        x, y = 0.2 + turn * 8.6 / len(rates), across + 0.35
        rows, columns = (offsets + cells // 2).T
        seen, weights = np.zeros((cells, cells), bool), np.full((cells, cells), "", object)
        seen[rows, columns], weights[rows, columns] = True, np.arange(1, 10)
        grid(ax, x, y, cells, cells, cell, "context", weights if cell > 0.13 else None, seen)
        view, first = 2 * int(value) + 1, cells // 2 - int(value)
        corner = x + first * cell, y - (first + view) * cell
        frame = Rectangle(corner, view * cell, view * cell, fill=False, edgecolor="black")
        ax.add_patch(frame).set(gid="view", linewidth=1.8)
        heading(ax, x, y + 0.32, f"rate {int(value)}")
        write(ax, x, y + 0.12, f"9 weights, view {view} × {view}", ha="left")
    write(
        ax, 0.2, 0.17, "The same nine weights (numbered), further apart: no weight more.", ha="left"
    )
    views = listed(f"{2 * int(rate) + 1} by {2 * int(rate) + 1}" for rate in rates)
    return described(
        figure,
        f"Where the nine weights of a 3 by 3 atrous convolution lie on a grid of pixels, with "
        f"{'rate' if len(rates) == 1 else 'rates'} {listed(rates)}: the view is {views} pixels.",
    )


def atrous_taps(rate):
    """Where the nine weights of a 3 × 3 atrous convolution lie.

    Parameters
    ----------
    rate : int
        Pixels from one weight to the next; 1 is an ordinary convolution.

    Returns
    -------
    int array [9, 2]
        Rows and columns from the middle, in the order of the weights.
    """
    if rate != int(rate) or rate < 1:
        raise ValueError(f"rate must be a whole number, 1 or more; it is {rate}")
    steps = np.array([-1, 0, 1]) * int(rate)
    return np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(9, 2)
