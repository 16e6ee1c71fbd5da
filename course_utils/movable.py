"""Figures to move: a convolution and a transposed convolution with sliders, in any notebook page.

Each is one piece of HTML that needs neither a kernel nor a network once it is there. All numbers
and sentences are worked out here, for every setting of the sliders; `movable.js` only draws them.
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

from .plotting.figures import BLACK, BLUE, GREY, LIGHT, VERMILION, YELLOW

# Pixels along one side, and the least and most of each slider.
CONVOLUTION = {"size": (3, 9), "kernel": (1, 5), "stride": (1, 3), "padding": (0, 2)}
TRANSPOSED = {"size": (2, 5), "kernel": (1, 5), "stride": (1, 3), "padding": (0, 2)}
LEGEND = {
    "convolution": "Dashed: the zeros of the padding. Thick: the kernel's window and the output "
    "pixel it is writing; blue: those written before. Yellow and crossed: never seen.",
    "transposed": "Each input pixel stamps the whole kernel on the output; thick: the last stamp. "
    "A number, and the blue: how many stamps are added up there. Black frame: what is left "
    "when the padding has cropped the border.",
}


class Setting(NamedTuple):
    """What one setting of the sliders gives; all squares, so rows stand for columns as well.

    `out` is the output's side in pixels, at least 0, and `formula` how it comes about. `counts`
    has one entry for each row of the padded input: how many rows of windows see it; or, of a
    transposed convolution, for each painted row: how many rows of stamps reach it. `note` is a
    sentence on what that means and `warning` says whether it tells of something lost or uneven.
    """

    out: int
    formula: str
    counts: tuple[int, ...]
    note: str
    warning: bool


def convolution(size=7, kernel=3, stride=2, padding=1, position=(0, 0)):
    """Show which input pixels each output pixel of a convolution sees, with sliders.

    Parameters
    ----------
    size, kernel, stride, padding : int
        Where the sliders stand at first: pixels along one side, within `CONVOLUTION`.
    position : (int, int)
        Row and column of the output pixel that is written at first.

    Returns
    -------
    IPython.display.HTML

    Raises
    ------
    ValueError
        If a slider does not go so far, or there is no such output pixel.
    """
    return _figure("convolution", (size, kernel, stride, padding), position)


def transposed_convolution(size=4, kernel=3, stride=2, padding=0, position=None):
    """Show how the stamps of a transposed convolution add up, with sliders.

    The sizes are those of the paper. Where the kernel is shorter than the stride, Keras appends
    stride − kernel more rows and columns of zeros.

    Parameters
    ----------
    size, kernel, stride, padding : int
        Where the sliders stand at first: pixels along one side, within `TRANSPOSED`.
    position : (int, int), optional
        Row and column of the input pixel that stamps last at first; by default, all have.

    Returns
    -------
    IPython.display.HTML

    Raises
    ------
    ValueError
        If a slider does not go so far, or there is no such input pixel.
    """
    return _figure("transposed", (size, kernel, stride, padding), position)


def convolution_setting(size, kernel, stride, padding):
    """Work out a convolution's output size and which rows its windows see; returns Setting."""
    padded = size + 2 * padding
    room = padded - kernel
    share = f"({size} + 2·{padding} − {kernel}) / {stride}"
    if room < 0:
        note = f"The kernel is {_pixels(kernel)} wide, the padded input only {padded}: "
        note += "it fits nowhere, and there is no output."
        formula = f"{size} + 2·{padding} − {kernel} = −{-room} < 0: no place for the kernel"
        return Setting(0, formula, (0,) * padded, note, True)
    out = room // stride + 1
    formula = f"out = {f'⌊{share}⌋' if room % stride else share} + 1 = {out}"
    counts = _cover(range(0, out * stride, stride), kernel, padded)
    end = (out - 1) * stride + kernel  # the first padded row below all windows
    unseen = [row for row in range(padding, padding + size) if not counts[row]]
    last, between = sum(row >= end for row in unseen), sum(row < end for row in unseen)
    notes = []
    if between:
        notes.append(f"The stride {stride} is longer than the kernel {kernel}, so the windows skip")
        notes.append(f"{_rows(between)} of the input.")
    if last:
        notes.append(f"Never seen: the last {_rows(last)} of the input,")
        notes.append("because one more step would push the window over the edge.")
    if not unseen:
        notes.append("Every input pixel is seen.")
        if end < padded:
            notes.append(f"Not needed: the last {_rows(padded - end)} of the padding.")
    return Setting(out, formula, counts, " ".join(notes), bool(unseen))


def transposed_setting(size, kernel, stride, padding):
    """Work out a transposed convolution's output size and how its stamps overlap; a Setting."""
    full = stride * (size - 1) + kernel
    left = full - 2 * padding
    counts = _cover(range(0, size * stride, stride), kernel, full)
    number = f"{left}".replace("-", "−")
    formula = f"out = {stride}·({size} − 1) + {kernel} − 2·{padding} = {number}"
    if left <= 0:
        formula += "" if left == 0 else " < 0"
        note = f"{_pixels(full)} are painted along a side, and the padding crops {2 * padding}: "
        return Setting(0, formula, counts, note + "nothing is left.", True)
    few, many = kernel // stride, -(-kernel // stride)
    multiple = f"a multiple of the stride {stride}: away from the border,"
    if not few:
        note = f"The kernel {kernel} is shorter than the stride {stride}: no stamp reaches the "
        note += "pixels in between, and they stay 0."
    elif many > size:
        note = f"Only {size} stamps along a side: too few to see what happens away from the border."
    elif few == many:
        sums = "one stamp reaches each pixel" if few == 1 else f"{few**2} stamps add up everywhere"
        note = f"The kernel {kernel} is {multiple} {sums}. No checkerboard."
    else:
        note = f"The kernel {kernel} is not {multiple} {few**2}, {few * many} or {many**2} stamps "
        note += "add up in turn: a checkerboard."
    return Setting(left, formula, counts, note, few != many and not few < many > size)


def _cover(starts, kernel, length):
    return tuple(sum(start <= row < start + kernel for start in starts) for row in range(length))


def _pixels(count):
    return f"{count} pixel{'s' * (count > 1)}"


def _rows(count):
    return "row and column" if count == 1 else f"{count} rows and columns"


def _table(setting_of, ranges):
    """Every setting, the last slider's fastest: [out, formula, counts as digits, note's number]."""
    sides = itertools.product(*(range(least, most + 1) for least, most in ranges.values()))
    settings = [setting_of(*numbers) for numbers in sides]
    notes = list(dict.fromkeys((setting.note, setting.warning) for setting in settings))
    rows = [
        [s.out, s.formula, "".join(map(str, s.counts)), notes.index((s.note, s.warning))]
        for s in settings
    ]
    return rows, notes


def _figure(kind, numbers, position):
    from IPython.display import HTML

    ranges = CONVOLUTION if kind == "convolution" else TRANSPOSED
    setting_of = convolution_setting if kind == "convolution" else transposed_setting
    for (name, (least, most)), number in zip(ranges.items(), numbers, strict=True):
        if number not in range(least, most + 1):
            raise ValueError(f"{name} must be a whole number from {least} to {most}, not {number}")
    start = setting_of(*numbers)
    steps = start.out if kind == "convolution" else numbers[0]
    row, column = (steps - 1, steps - 1) if position is None else position
    if steps and not (row in range(steps) and column in range(steps)):
        raise ValueError(f"position {position} is outside the {steps} × {steps} pixels")
    rows, notes = _table(setting_of, ranges)
    names = ("input size", "kernel", "stride", "padding")
    data = {
        "kind": kind,
        "sliders": [
            [name, *span, number]
            for name, span, number in zip(names, ranges.values(), numbers, strict=True)
        ],
        "position": row * steps + column,
        "table": rows,
        "notes": notes,
        "legend": LEGEND[kind],
        "colours": {
            "black": BLACK,
            "blue": BLUE,
            "grey": GREY,
            "light": LIGHT,
            "chosen": VERMILION,
            "missed": YELLOW,
        },
    }
    name = f"movable-{uuid.uuid4().hex[:12]}"
    stood = ", ".join(f"{slider} {number}" for slider, number in zip(names, numbers, strict=True))
    what = f"A figure with sliders: {kind.replace('d', 'd convolution')}; {stood}: {start.formula}"
