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

from .plotting.style import BLACK, BLUE, GREY, LIGHT, VERMILION, YELLOW

# Pixels along one side: the least and the most that each slider goes to.
CONVOLUTION = {"size": (3, 9), "kernel": (1, 5), "stride": (1, 3), "padding": (0, 2)}
TRANSPOSED = {"size": (2, 5), "kernel": (1, 5), "stride": (1, 3), "padding": (0, 2)}
COLOURS = {"black": BLACK, "grey": GREY, "light": LIGHT}
COLOURS |= {"done": BLUE, "chosen": VERMILION, "missed": YELLOW}
LEGENDS = {
    "convolution": "Dashed: the zeros of the padding. Thick: the kernel's window, and the output "
    "pixel that it writes; blue: those written before. Yellow and crossed: never seen.",
    "transposed convolution": "Each input pixel stamps the whole kernel on the output; thick: the "
    "last stamp. The numbers, and the blue: how many stamps have been added up. Black frame: the "
    "output, after the padding has cropped the border.",
}


class Setting(NamedTuple):
    """What one setting of the sliders gives. All is square: rows stand for columns as well.

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
    numbers = size, kernel, stride, padding
    return _figure("convolution", CONVOLUTION, convolution_setting, numbers, position)


def transposed_convolution(size=4, kernel=3, stride=2, padding=0, position=(-1, -1)):
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
    numbers = size, kernel, stride, padding
    return _figure("transposed convolution", TRANSPOSED, transposed_setting, numbers, position)


def convolution_setting(size, kernel, stride, padding):
    """Work out a convolution's output size and which rows its windows see; returns a Setting."""
    padded = size + 2 * padding
    room = padded - kernel
    if room < 0:
        formula = f"{size} + 2·{padding} − {kernel} = −{-room}, less than 0: out = 0"
        note = f"The kernel is {kernel} pixels wide, the input with its padding only {padded}: "
        return Setting(0, formula, (0,) * padded, note + "it fits nowhere.", True)
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
    return Setting(out, formula, counts, " ".join(notes), bool(unseen))


def transposed_setting(size, kernel, stride, padding):
    """Work out a transposed convolution's output size and how its stamps add up; a Setting."""
    full = stride * (size - 1) + kernel
    out = full - 2 * padding
    counts = _cover(size, kernel, stride, full)
    formula = f"{stride}·({size} − 1) + {kernel} − 2·{padding} = {out}".replace("-", "−")
    if out <= 0:
        note = f"The stamps are {full} pixels wide together, and the padding crops {2 * padding}: "
        formula = f"{formula}, less than 0: out = 0" if out else f"out = {formula}"
        return Setting(0, formula, counts, note + "nothing is left.", True)
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
    return Setting(out, f"out = {formula}", counts, note, warning)


def _cover(windows, kernel, stride, length):
    starts = range(0, windows * stride, stride)
    return tuple(sum(start <= row < start + kernel for start in starts) for row in range(length))


def _rows(count):
    return "1 row and column" if count == 1 else f"{count} rows and columns"


def _figure(kind, ranges, setting_of, numbers, position):
    from IPython.display import HTML

    for (name, (least, most)), number in zip(ranges.items(), numbers, strict=True):
        if number not in range(least, most + 1):
            raise ValueError(f"{name} must be a whole number from {least} to {most}, not {number}")
    start = setting_of(*numbers)
    steps = start.out if setting_of is convolution_setting else numbers[0]
    row, column = (place + steps if place < 0 else place for place in position)
    if steps and not (row in range(steps) and column in range(steps)):
        raise ValueError(f"position {position} is not among the {steps} × {steps} pixels")

    # In the order of the sliders, the last one's values next to each other, as the script reads it.
    sides = (range(least, most + 1) for least, most in ranges.values())
    settings = [setting_of(*each) for each in itertools.product(*sides)]
    notes = list(dict.fromkeys((s.note, s.warning) for s in settings))  # many share one
    table = [
        (s.out, s.formula, "".join(map(str, s.counts)), notes.index((s.note, s.warning)))
        for s in settings
    ]
    sliders = [(name, *ranges[name], at) for name, at in zip(ranges, numbers, strict=True)]
    words = {"kind": kind, "legend": LEGENDS[kind], "colours": COLOURS, "sliders": sliders}
    data = words | {"position": row * steps + column, "notes": notes, "table": table}
    text = f"A {kind} with sliders: " + ", ".join(f"{name} {at}" for name, _, _, at in sliders)
    text = f"{text}; {start.formula}. {start.note}"
    source = resources.files(__package__).joinpath("movable.js").read_text(encoding="utf-8")
    packed = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    name = f"movable-{uuid.uuid4().hex[:12]}"  # two figures on a page leave each other alone
    call = f"for (const root of document.querySelectorAll('#{name}')) movable(root, {packed});"
    fallback = f"<p>{html.escape(text)} (It moves once its cell has run here.)</p>"

    class Movable(HTML):
        def __repr__(self):
            return text

    script = f"<script>(() => {{\n{source}{call}\n}})();</script>"
    return Movable(f'<div id="{name}">{fallback}</div>\n{script}')
