"""What a convolution and a transposed convolution do to an image's size, and why.

The functions ``draw_…`` return figures, the functions ``explore_…`` the same with sliders: one
piece of HTML that needs neither a kernel nor a network once it is there. All numbers and sentences
are worked out here, for every setting of the sliders; `interactive.js` only draws them.

Sizes follow Dumoulin & Visin (2016), "A guide to convolution arithmetic for deep learning",
https://arxiv.org/abs/1603.07285; the checkerboard Odena, Dumoulin & Olah (2016),
"Deconvolution and Checkerboard Artifacts", https://doi.org/10.23915/distill.00003.
"""

import html
import itertools
import json
import uuid
from importlib import resources
from typing import NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.patches import FancyBboxPatch, Rectangle

from . import style

# Pixels along one side: the least and the most that each slider goes to, and that can be drawn.
CONVOLUTION = {"size": (3, 9), "kernel": (1, 5), "stride": (1, 3), "padding": (0, 2)}
TRANSPOSED = {"size": (2, 5), "kernel": (1, 5), "stride": (1, 3), "padding": (0, 2)}
DRAWABLE = {"size": (1, 32), "kernel": (1, 32), "stride": (1, 32), "padding": (0, 32)}
WINDOWS = (style.BLUE, style.GREEN, style.PURPLE, style.ORANGE, style.SKY)
COLORS = {"black": style.BLACK, "gray": style.GRAY, "light": style.LIGHT}
COLORS |= {"done": style.BLUE, "chosen": style.VERMILION, "missed": style.YELLOW}
LEGENDS = {
    "convolution": "Dashed: the zeros of the padding. Thick: the kernel's window, and the output "
    "pixel that it writes; blue: those written before. Yellow and crossed: never seen.",
    "transposed convolution": "Each input pixel stamps the whole kernel on the output; thick: the "
    "last stamp. The numbers, and the blue: how many stamps have been added up. Black frame: the "
    "output, after the padding has cropped the border.",
}


class Arithmetic(NamedTuple):
    """What one setting of size, kernel, stride and padding gives. All is square.

    `out` is the output's side in pixels (0: there is none), `formula` how it comes about.
    `counts` has a number for each row of the padded input: how many rows of windows see it; or,
    of a transposed convolution, for each painted row: how many rows of stamps reach it. `note`
    says what that means, `warning` whether something is lost or uneven.
    """

    out: int
    formula: str
    counts: tuple[int, ...]
    note: str
    warning: bool


def convolution_arithmetic(size, kernel, stride, padding):
    """Work out a convolution's output size and which rows its windows see; returns Arithmetic."""
    padded = size + 2 * padding
    room = padded - kernel
    if room < 0:
        formula = f"{size} + 2·{padding} − {kernel} = −{-room}, less than 0: out = 0"
        note = f"The kernel is {kernel} pixels wide, the input with its padding only {padded}: "
        return Arithmetic(0, formula, (0,) * padded, note + "it fits nowhere.", True)
    out = room // stride + 1
    share = f"({size} + 2·{padding} − {kernel}) / {stride}"
    formula = f"out = {f'⌊{share}⌋' if room % stride else share} + 1 = {out}"
    counts = _cover(out, kernel, stride, padded)
    end = (out - 1) * stride + kernel  # the first row that no window reaches any more
    unseen = [row for row in range(padding, padding + size) if not counts[row]]
    last = sum(row >= end for row in unseen)
    notes = []
    if len(unseen) > last:
        notes.append(f"The stride {stride} is longer than the kernel {kernel}: the windows skip")
        notes.append(f"{_rows(len(unseen) - last)} of the input in between.")
    if last:
        notes.append(f"Never seen: the last {_rows(last).removeprefix('1 ')} of the input,")
        notes.append("because one more step would push the window over the edge.")
    if not unseen:
        notes.append("Every input pixel is seen.")
        if end < padded:
            spare = _rows(padded - end).removeprefix("1 ")
            notes.append(f"Not needed: the last {spare} of the padding.")
    return Arithmetic(out, formula, counts, " ".join(notes), bool(unseen))


def transposed_arithmetic(size, kernel, stride, padding):
    """Work out a transposed convolution's output size and how its stamps add up; Arithmetic."""
    full = stride * (size - 1) + kernel
    out = full - 2 * padding
    counts = _cover(size, kernel, stride, full)
    formula = f"{stride}·({size} − 1) + {kernel} − 2·{padding} = {out}".replace("-", "−")
    if out <= 0:
        note = f"The stamps are {full} pixels wide together, and the padding crops {2 * padding}: "
        formula = f"{formula}, less than 0: out = 0" if out else f"out = {formula}"
        return Arithmetic(0, formula, counts, note + "nothing is left.", True)
    few, most = kernel // stride, -(-kernel // stride)
    multiple = f"a multiple of the stride {stride}: away from the border,"
    if few == 0:
        note = f"The kernel {kernel} is shorter than the stride {stride}: no stamp reaches the "
        note += "pixels in between, and they stay 0."
    elif most > size:
        note = f"{size} stamps along a side are too few to show what happens away from the border."
    elif few == most:
        sums = f"{few**2} stamps add up everywhere" if few > 1 else "each pixel gets one stamp"
        note = f"The kernel {kernel} is {multiple} {sums}. No checkerboard."
    else:
        note = f"The kernel {kernel} is not {multiple} {few**2}, {few * most} or {most**2} stamps "
        note += "add up in turn: a checkerboard."
    warning = few == 0 or few < most <= size
    return Arithmetic(out, f"out = {formula}", counts, note, warning)


def draw_convolution(size=7, kernel=3, stride=2, padding=1, position=(0, 0)):
    """Draw which input pixels each output pixel of a convolution sees.

    Parameters
    ----------
    size, kernel, stride, padding : int
        Pixels along one side; all squares. `padding` zeros are added on every side.
    position : (int, int)
        Row and column of the output pixel whose window is drawn strongly; −1 is the last.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If the kernel is larger than the padded input, or there is no such output pixel.
    """
    _check(DRAWABLE, size, kernel, stride, padding)
    out, formula, counts, note, warning = convolution_arithmetic(size, kernel, stride, padding)
    if not out:
        raise ValueError(note)
    row, column = _find(position, out)
    padded = len(counts)
    figure, ax, (x, y), (out_x, out_y) = _canvas(padded, out)
    for r, c in np.ndindex(padded, padded):
        inside = padding <= min(r, c) and max(r, c) < padding + size
        look = {"facecolor": "#EFEFEF"} if inside else {"fill": False, "linestyle": "--"}
        _square(ax, x + c, y + r, **look)
        if not inside:
            _write(ax, x + c, y + r, "0", color="0.6", fontsize=8)
    for r, c in np.ndindex(out, out):
        color = _window(ax, x + c * stride, y + r * stride, kernel, stride, (r, c))
        _square(ax, out_x + c, out_y + r, facecolor=(color, 0.3))
    window = x + column * stride, y + row * stride
    _choose(ax, (*window, kernel, 0.25), (out_x + column, out_y + row, 1, 0.55))

    around = f", and {padding} pixel{'s' * (padding > 1)} of zeros around it" if padding else ""
    ax.text(x, y - 0.25, f"in = {size}{around}", fontsize=11)
    ax.text(out_x, out_y - 0.25, formula, fontsize=11)
    ax.set_xlabel(
        f"A square on the left: the {kernel} × {kernel} pixels that one output pixel sees, "
        f"{stride} from the next. Thick: those of output pixel ({row}, {column})."
        + f"\n{note}"
        * warning,
        loc="left",
    )
    zeros = f" with {padding} of zeros around it" if padding else ""
    text = f"A convolution: input of {size} by {size} pixels{zeros}, kernel {kernel} by {kernel}, "
    text += f"stride {stride}, output of {out} by {out} pixels. Drawn strongly: what output row "
    text += f"{row}, column {column} sees."
    return style.described(figure, f"{text} {note}" if warning else text)


def draw_transposed_convolution(size=3, kernel=4, stride=2, padding=1, position=(0, 0)):
    """Draw how each input pixel of a transposed convolution paints a patch on the output.

    The numbers count the patches that are summed in an output pixel.

    Parameters
    ----------
    size, kernel, stride, padding : int
        Pixels along one side; all squares. `padding` pixels are cut from every side of what was
        painted.
    position : (int, int)
        Row and column of the input pixel whose patch is drawn strongly; −1 is the last.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If the padding would cut everything away, or there is no such input pixel.
    """
    _check(DRAWABLE, size, kernel, stride, padding)
    out, formula, counts, note, _ = transposed_arithmetic(size, kernel, stride, padding)
    if not out:
        raise ValueError(note)
    row, column = _find(position, size)
    figure, ax, (x, y), (out_x, out_y) = _canvas(size, len(counts))
    sums = np.outer(counts, counts)
    _draw_counts(ax, sums, out_x, out_y, cut=padding, colors="Greys")
    for r, c in np.ndindex(size, size):
        color = _window(ax, out_x + c * stride, out_y + r * stride, kernel, stride, (r, c))
        _square(ax, x + c, y + r, facecolor=(color, 0.3))
    if padding:
        frame = {"fill": False, "edgecolor": "black", "linewidth": 3}
        _square(ax, out_x + padding, out_y + padding, out, **frame)
    patch = out_x + column * stride, out_y + row * stride
    _choose(ax, (x + column, y + row, 1, 0.55), (*patch, kernel, 0))

    ax.text(x, y - 0.25, f"in = {size}", fontsize=11)
    ax.text(out_x, out_y - 0.25, formula, fontsize=11)
    ax.set_xlabel(
        f"Each input pixel paints a square of {kernel} × {kernel} pixels, {stride} from the next; "
        f"thick: pixel ({row}, {column}).\nA number: how many squares are summed there."
        + f" Black frame: the output; padding cuts {padding} from each side."
        * bool(padding),
        loc="left",
    )
    text = f"A transposed convolution: each pixel of an input of {size} by {size} paints "
    text += f"{kernel} by {kernel} pixels, {stride} from the next; {out} by {out} remain"
    text += f" after {padding} are cut from each side" if padding else ""
    kept = sums[padding : padding + out, padding : padding + out]
    few, most = kept.min(), kept.max()
    summed = f"{few} to {most}" if few < most else most
    return style.described(figure, f"{text}. In an output pixel {summed} of them add up.")


def draw_window(picture, kernel, position=(0, 0)):
    """Draw one place of a convolution in numbers, without padding: window, kernel, and their sum.

    Parameters
    ----------
    picture : ndarray of int, shape [H, W]
    kernel : ndarray of int, shape [k, k]
    position : (int, int)
        Row and column of the output pixel that is worked out.

    Returns
    -------
    Figure
    """
    windows = np.lib.stride_tricks.sliding_window_view(picture, kernel.shape)
    out = (windows * kernel).sum(axis=(2, 3))
    row, column = position
    k = len(kernel)
    shades = colormaps["Greys_r"](0.5 + 0.5 * picture / picture.max())
    chosen = {"facecolor": (style.VERMILION, 0.2), "edgecolor": style.VERMILION, "linewidth": 3}
    figure, axes = style.new_figure(height=3.4)
    ax = style.bare(axes[0, 0])
    left = 0
    grids = {
        "picture": (picture, (column, row, k), "×"),
        "kernel": (kernel, (0, 0, k), "="),
        "output": (out, (column, row, 1), ""),
    }
    for name, (grid, framed, sign) in grids.items():
        top = (len(picture) - len(grid)) / 2
        for r, c in np.ndindex(grid.shape):
            _square(ax, left + c, top + r, facecolor=shades[r, c] if grid is picture else "white")
            _write(ax, left + c, top + r, f"{grid[r, c]}".replace("-", "−"), fontsize=11)
        x, y, side = framed
        _square(ax, left + x, top + y, side, **chosen)
        ax.text(left, top - 0.25, name, fontsize=11)
        left += grid.shape[1] + 2
        _write(ax, left - 1.5, len(picture) / 2 - 0.5, sign, fontsize=16)
    terms = [
        " ".join(f"{'−' if weight < 0 else '+'} {abs(weight)}·{pixel}" for weight, pixel in pairs)
        for pairs in np.stack([kernel, windows[row, column]], axis=2)
    ]
    result = f"{out[row, column]}".replace("-", "−")
    ax.set(xlim=(-0.1, left - 1.9), ylim=(len(picture) + 0.1, -0.8), aspect="equal", anchor="NW")
    ax.set_xlabel("\n".join(terms) + f"   =  {result}", loc="left", fontsize=11)
    return style.described(
        figure,
        f"Numbers of a picture, a kernel, and the output. Framed: a window of {k} by {k} pixels "
        f"and what it gives in row {row}, column {column}: {' '.join(terms)} = {result}.",
    )


def explore_convolution(size=7, kernel=3, stride=2, padding=1, position=(0, 0)):
    """Show which input pixels each output pixel of a convolution sees, with sliders.

    Parameters
    ----------
    size, kernel, stride, padding : int
        Where the sliders stand at first: pixels along one side, within `CONVOLUTION`.
    position : (int, int)
        Row and column of the output pixel that is written at first; −1 is the last.

    Returns
    -------
    IPython.display.HTML

    Raises
    ------
    ValueError
        If a slider does not go so far, or there is no such output pixel.
    """
    numbers = _check(CONVOLUTION, size, kernel, stride, padding)
    out = convolution_arithmetic(*numbers).out
    at = _find(position, out) if out else (0, 0)
    return _sliders("convolution", CONVOLUTION, convolution_arithmetic, numbers, at, out)


def explore_transposed_convolution(size=4, kernel=3, stride=2, padding=0, position=(-1, -1)):
    """Show how the stamps of a transposed convolution add up, with sliders.

    The sizes are the paper's. Where the kernel is shorter than the stride, Keras's layer appends
    stride − kernel more rows and columns of zeros.

    Parameters
    ----------
    size, kernel, stride, padding : int
        Where the sliders stand at first: pixels along one side, within `TRANSPOSED`.
    position : (int, int)
        Row and column of the input pixel whose stamp is the last one at first; −1 is the last.

    Returns
    -------
    IPython.display.HTML

    Raises
    ------
    ValueError
        If a slider does not go so far, or there is no such input pixel.
    """
    numbers = _check(TRANSPOSED, size, kernel, stride, padding)
    at = _find(position, size)
    return _sliders("transposed convolution", TRANSPOSED, transposed_arithmetic, numbers, at, size)


def _cover(windows, kernel, stride, length):
    """How many of the windows along one side stand on each row."""
    starts = range(0, windows * stride, stride)
    return tuple(sum(start <= row < start + kernel for start in starts) for row in range(length))


def _rows(count):
    return "1 row and column" if count == 1 else f"{count} rows and columns"


def _check(ranges, *numbers):
    for (name, (least, most)), number in zip(ranges.items(), numbers, strict=True):
        if number not in range(least, most + 1):
            raise ValueError(f"{name} must be a whole number from {least} to {most}, not {number}")
    return numbers


def _find(position, side):
    """Row and column of a pixel, which may be counted from the end."""
    if not all(place in range(-side, side) for place in position):
        raise ValueError(f"position {position} is not among the {side} × {side} pixels")
    row, column = position
    return row % side, column % side


def _canvas(left, right, gap=2):
    """One axes with room for two grids, of `left` and of `right` cells a side, all cells alike.

    Returns the figure, the axes, and the two grids' upper left corners; lengths are in cells.
    """
    higher = max(left, right)
    cell = min(0.5, 4.4 / higher, 8.6 / (left + right + gap))  # inches
    text = 3.4 / cell  # what stands above a grid may be wider than the grid
    figure, axes = style.new_figure(height=(higher + 0.9) * cell + 0.62)
    ax = axes[0, 0]
    second = max(left, 1.9 / cell if left < right else text) + gap
    ax.set(xlim=(-0.1, 8.8 / cell - 0.1), ylim=(higher + 0.1, -0.8), aspect="equal", anchor="NW")
    second = min(second, 8.7 / cell - max(right, text))
    style.bare(ax)
    return figure, ax, (0, (higher - left) / 2), (max(second, left + 1), (higher - right) / 2)


def _square(ax, x, y, side=1, **look):
    look = {"edgecolor": "0.6", "linewidth": 0.8, **look}
    ax.add_patch(Rectangle((x, y), side, side, **look))


def _write(ax, x, y, text, **look):
    ax.text(x + 0.5, y + 0.5, text, ha="center", va="center", **look)


def _window(ax, x, y, kernel, stride, place):
    """Outline a window, in a color other than those that it overlaps; returns that color."""
    turns = max(2, -(-kernel // stride))
    turn = sum(place) % turns
    color = WINDOWS[turn % len(WINDOWS)]
    inset = 0.08 + 0.3 * turn / turns  # so that the outlines of neighbors stay apart
    side = kernel - 2 * inset
    look = {"facecolor": "none", "edgecolor": color, "linewidth": 1.2}
    look["boxstyle"] = "round,pad=0,rounding_size=0.15"
    ax.add_patch(FancyBboxPatch((x + inset, y + inset), side, side, **look))
    return color


def _choose(ax, *squares):
    """Draw a square (x, y, side, opacity) in each grid strongly, and join them by dotted lines."""
    for x, y, side, opacity in squares:
        fill = style.VERMILION, opacity
        _square(ax, x, y, side, facecolor=fill, edgecolor=style.VERMILION, linewidth=3)
    (x, y, side, _), (to_x, to_y, to_side, _) = squares
    for end in (0, 1):
        ys = y + end * side, to_y + end * to_side
        ax.plot((x + side, to_x), ys, color=style.VERMILION, linewidth=1, linestyle=":")


def _draw_counts(ax, counts, x=0, y=0, *, cut=0, top=None, colors="Blues"):
    """Draw cells shaded by their count, with the number in each; the outer `cut` cells pale."""
    shades = colormaps[colors](0.02 + 0.42 * counts / (top or counts.max()))
    size = len(counts)
    for r, c in np.ndindex(counts.shape):
        kept = cut <= min(r, c) and max(r, c) < size - cut
        look = {"facecolor": shades[r, c]} if kept else {"facecolor": "white", "linestyle": "--"}
        _square(ax, x + c, y + r, edgecolor="0.7", linewidth=0.6, **look)
        color = "black" if kept else "0.6"
        _write(ax, x + c, y + r, counts[r, c], color=color, fontsize=min(11, 130 / size))


def _sliders(kind, ranges, arithmetic, numbers, position, side):
    """Pack what every setting of the sliders gives, and the script that draws it, as HTML."""
    from IPython.display import HTML

    # In the order of the sliders, the last one's values next to each other, as the script reads it.
    sides = (range(least, most + 1) for least, most in ranges.values())
    settings = [arithmetic(*each) for each in itertools.product(*sides)]
    notes = list(dict.fromkeys((s.note, s.warning) for s in settings))  # many share one
    table = [
        (s.out, s.formula, "".join(map(str, s.counts)), notes.index((s.note, s.warning)))
        for s in settings
    ]
    sliders = [(name, *ranges[name], at) for name, at in zip(ranges, numbers, strict=True)]
    words = {"kind": kind, "legend": LEGENDS[kind], "colors": COLORS, "sliders": sliders}
    data = words | {"position": position[0] * side + position[1], "notes": notes, "table": table}
    start = arithmetic(*numbers)
    text = f"A {kind} with sliders: " + ", ".join(f"{name} {at}" for name, _, _, at in sliders)
    text = f"{text}; {start.formula}. {start.note}"
    script = resources.files(__package__).joinpath("interactive.js").read_text(encoding="utf-8")
    packed = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    name = f"interactive-{uuid.uuid4().hex[:12]}"  # two figures on a page leave each other alone
    call = f"for (const root of document.querySelectorAll('#{name}')) interactive(root, {packed});"
    fallback = f"<p>{html.escape(text)} (It moves once its cell has run here.)</p>"

    class Sliders(HTML):
        def __repr__(self):
            return text

    script = f"<script>(() => {{\n{script}{call}\n}})();</script>"
    return Sliders(f'<div id="{name}">{fallback}</div>\n{script}')
