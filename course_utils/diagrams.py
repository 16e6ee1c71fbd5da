"""Drawings: what a convolution and a transposed convolution do to an image's size, and why.

Sizes follow Dumoulin & Visin (2016), "A guide to convolution arithmetic for deep learning",
https://arxiv.org/abs/1603.07285; the checkerboard Odena, Dumoulin & Olah (2016),
"Deconvolution and Checkerboard Artifacts", https://doi.org/10.23915/distill.00003.
"""

import numpy as np
from matplotlib.patches import Rectangle

from .plotting.grids import (
    WINDOWS,
    canvas,
    check_position,
    check_sizes,
    draw_cell,
    draw_chosen,
    draw_connection,
    draw_counts,
    draw_window,
    square,
    window_turn,
)
from .plotting.networks import network
from .plotting.style import bare, counted, described, new_figure

__all__ = [
    "checkerboard",
    "convolution",
    "network",
    "overlap_count",
    "transposed_convolution",
]


def convolution(size=7, kernel=3, stride=2, padding=1, position=(0, 0)):
    """Draw which input pixels each output pixel of a convolution sees.

    Parameters
    ----------
    size, kernel, stride, padding : int
        Pixels along one side; all squares. `padding` zeros are added on every side.
    position : (int, int)
        Row and column of the output pixel whose window is drawn strongly.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If the kernel is larger than the padded input, or there is no such output pixel.
    """
    check_sizes(size=size, kernel=kernel, stride=stride, padding=padding)
    padded = size + 2 * padding
    if kernel > padded:
        raise ValueError(
            f"kernel is {kernel} pixels wide, but the input with its padding only {padded}: "
            "it fits nowhere"
        )
    rest = (padded - kernel) % stride
    out = (padded - kernel) // stride + 1
    row, column = check_position(position, out, "output")
    figure, ax, (x, y), (out_x, out_y) = canvas(padded, out)

    for r, c in np.ndindex(padded, padded):
        inside = padding <= min(r, c) and max(r, c) < padding + size
        draw_cell(ax, x + c, y + r, kind="input" if inside else "padding")
    for r, c in np.ndindex(out, out):
        turn, turns = window_turn(r, c, kernel, stride)
        draw_window(ax, x + c * stride, y + r * stride, kernel, turn, turns)
        draw_cell(ax, out_x + c, out_y + r, kind="output", colour=WINDOWS[turn % len(WINDOWS)])
    chosen = x + column * stride, y + row * stride
    draw_chosen(ax, *chosen, kernel, alpha=0.25)
    draw_chosen(ax, out_x + column, out_y + row, 1, alpha=0.55)
    draw_connection(ax, chosen, kernel, (out_x + column, out_y + row), 1)

    around = f", and {padding} pixel{'s' * (padding > 1)} of zeros around it" if padding else ""
    ax.text(x, y - 0.25, f"in = {size}{around}", fontsize=11)
    share = f"({size} + 2·{padding} − {kernel})/{stride}"
    share = f"⌊{share}⌋" if rest else share
    ax.text(out_x, out_y - 0.25, f"out = {share} + 1 = {out}", fontsize=11)
    note = f"A square on the left: the {kernel} × {kernel} pixels that one output pixel sees, "
    note += f"{stride} from the next. Thick: those of output pixel ({row}, {column})."
    if rest:
        note += f"\n{rest} row{'s' * (rest > 1)} and as many columns at the end are never seen."
    ax.set_xlabel(note, loc="left")
    text = f"A convolution: input of {square(size)} pixels"
    text += f" with {padding} of zeros around it" if padding else ""
    text += f", kernel {square(kernel)}, stride {stride}, output of {square(out)} pixels. Drawn "
    text += f"strongly: what output row {row}, column {column} sees."
    if rest:
        text += f" Never seen: {counted(rest, 'row')} and as many columns at the end."
    return described(figure, text)


def transposed_convolution(size=3, kernel=4, stride=2, padding=1, position=(0, 0)):
    """Draw how each input pixel of a transposed convolution paints a patch on the output.

    The numbers count the patches that are summed in an output pixel.

    Parameters
    ----------
    size, kernel, stride, padding : int
        Pixels along one side; all squares. `padding` pixels are cut from every side of what was
        painted.
    position : (int, int)
        Row and column of the input pixel whose patch is drawn strongly.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If the padding would cut everything away, or there is no such input pixel.
    """
    counts = overlap_count(size, kernel, stride)
    out = overlap_count(size, kernel, stride, padding).shape[0]
    row, column = check_position(position, size, "input")
    figure, ax, (x, y), (out_x, out_y) = canvas(size, len(counts))

    draw_counts(ax, counts, out_x, out_y, cut=padding, colours="Greys")
    for r, c in np.ndindex(size, size):
        turn, turns = window_turn(r, c, kernel, stride)
        draw_cell(ax, x + c, y + r, kind="input", colour=WINDOWS[turn % len(WINDOWS)])
        draw_window(ax, out_x + c * stride, out_y + r * stride, kernel, turn, turns)
    if padding:
        corner = out_x + padding, out_y + padding
        frame = Rectangle(corner, out, out, fill=False, edgecolor="black", linewidth=3)
        ax.add_patch(frame).set_gid("kept")
    patch = out_x + column * stride, out_y + row * stride
    draw_chosen(ax, x + column, y + row, 1, alpha=0.55)
    draw_chosen(ax, *patch, kernel, alpha=0)
    draw_connection(ax, (x + column, y + row), 1, patch, kernel)

    ax.text(x, y - 0.25, f"in = {size}", fontsize=11)
    formula = f"out = {stride}·({size} − 1) + {kernel} − 2·{padding} = {out}"
    ax.text(out_x, out_y - 0.25, formula, fontsize=11)
    note = (
        f"Each input pixel paints a square of {kernel} × {kernel} pixels, {stride} from the next; "
    )
    note += f"thick: pixel ({row}, {column}).\nA number: how many squares are summed there."
    if padding:
        note += f" Black frame: the output; padding cuts {padding} from each side."
    ax.set_xlabel(note, loc="left")
    text = f"A transposed convolution: each pixel of an input of {square(size)} paints "
    text += f"{square(kernel)} pixels, {stride} from the next; {square(out)} remain"
    text += f" after {padding} are cut from each side" if padding else ""
    kept = counts[padding : padding + out, padding : padding + out]
    sums = f"{kept.min()} to {kept.max()}" if np.ptp(kept) else str(kept.max())
    return described(figure, f"{text}. In an output pixel {sums} of them add up.")


def overlap_count(size, kernel, stride, padding=0):
    """Count how many input pixels of a transposed convolution reach each output pixel.

    Parameters
    ----------
    size, kernel, stride, padding : int
        Pixels along one side; all squares.

    Returns
    -------
    int array [out, out], with out = stride · (size − 1) + kernel − 2 · padding

    Raises
    ------
    ValueError
        If a number is too small, or the padding would cut everything away.
    """
    check_sizes(size=size, kernel=kernel, stride=stride, padding=padding)
    full = stride * (size - 1) + kernel
    if full <= 2 * padding:
        raise ValueError(f"padding {padding} cuts away all of the {full} pixels that are painted")
    along = np.zeros(full, dtype=int)
    for start in range(0, stride * size, stride):
        along[start : start + kernel] += 1
    along = along[padding : full - padding]
    return np.outer(along, along)


def checkerboard(settings=((3, 2), (4, 2)), size=6):
    """Draw the overlap counts of several (kernel, stride): uneven where stride does not divide.

    Parameters
    ----------
    settings : sequence of (kernel, stride)
    size : int
        Input pixels along one side.

    Returns
    -------
    Figure
    """
    counts = [overlap_count(size, kernel, stride) for kernel, stride in settings]
    figure, axes = new_figure(1, len(settings), height=min(9 / len(settings), 4) + 0.6)
    top = max(count.max() for count in counts)
    said = []
    for ax, count, (kernel, stride) in zip(axes[0], counts, settings, strict=True):
        draw_counts(ax, count, top=top)
        ax.set(xlim=(-0.1, len(count) + 0.1), ylim=(len(count) + 0.1, -0.1), aspect="equal")
        bare(ax)
        border = min(kernel - 1, len(count) // 2)
        inner = np.unique(count[border : len(count) - border, border : len(count) - border])
        ax.set_title(f"kernel {kernel}, stride {stride}", loc="left", fontsize=11)
        numbers = " or ".join(str(number) for number in inner)
        ax.set_xlabel(
            f"inside, {numbers} input pixels reach an output pixel:\n"
            + ("even" if inner.size == 1 else "uneven, seen as a checkerboard"),
            loc="left",
        )
        even = "even" if inner.size == 1 else "an uneven checkerboard"
        said.append(f"kernel {kernel} with stride {stride}: {numbers}, {even}")
    return described(
        figure,
        "How many input pixels of a transposed convolution reach each output pixel, away from the "
        f"border: {'; '.join(said)}.",
    )
