"""The U-Net of chapter 03, whose convolutions pad: any image size, and logits as large as it."""

import numpy as np

from ..plotting.style import GREY, counted, described
from ._blocks import MEDIUM, SMALL, arrow, block, key, sheet, write


def padded_unet(
    size=256, channels=1, classes=1, filters=(64, 128, 256, 512, 512), upsampling="bilinear"
):
    """Draw the U-Net of chapter 03, whose convolutions pad, with the shape of every map.

    Parameters
    ----------
    size : int or (height, width)
        Pixels of the image, at least ``2 ** (len(filters) - 1)`` a side. Where a side is odd the
        drawing says what pooling leaves out, and what is padded on the way up.
    channels : int
        Channels of the image.
    classes : int
        Channels of the logits.
    filters : sequence of int
        Channels of the encoder's levels, two to five.
    upsampling : {"bilinear", "transposed"}

    Returns
    -------
    Figure
        Each box bears, as its label, the name of the layer of `course_utils.models.unet` whose
        output it is.

    Raises
    ------
    ValueError
        If the image is too small, there are too few or too many levels, or `upsampling` is unknown.
    """
    maps = _padded_maps(size, channels, classes, filters, upsampling)
    last = len(filters) - 1
    longest = max(len(_shape(shape)) for shape in maps.values())
    pitch, wide, tall = 0.84, 1.2, 0.27
    figure, ax = sheet(pitch * last + 1.35)
    bottom = 0.62
    ys = [bottom + pitch * (last - level) for level in range(last + 1)]
    left = [0.68 + 0.08 * level for level in range(last)]
    step = 5.67 / last
    # Of the decoder's blocks. A concatenation stands one step to their left, above the block below.
    right = [8.35 - step * level for level in range(last + 1)]

    def box(name, x, y, kind):
        size = MEDIUM if longest <= 15 else SMALL
        block(ax, x, y, wide, tall, kind, _shape(maps[name]), size).set_label(name)

    half = tall / 2 + 0.02
    top = ys[0] + 0.48
    box("image", left[0], top, "plain")
    arrow(ax, (left[0], top - half), (left[0], ys[0] + half))
    for level, x in enumerate((*left, right[last])):
        box(f"down_{level}", x, ys[level], "encoder")
    for level in range(last):
        x, y, below = left[level], ys[level], ys[level + 1]
        if level < last - 1:
            arrow(ax, (x + 0.06, y - half), (x + 0.06, below + half))
        else:
            ax.plot([x + 0.06, x + 0.06], [y - half, below], color=GREY, linewidth=1.1)
            arrow(ax, (x + 0.06, below), (right[last] - wide / 2 - 0.02, below))
        lost = " and ".join(_odd_sides(maps[f"down_{level}"]))
        if lost:
            write(ax, x + 0.12, y - pitch / 2, f"less the last\n{lost}", SMALL, ha="left")
    for level in reversed(range(last)):
        x, y = right[level] - step, ys[level]
        between = y - pitch / 2
        arrow(ax, (x, ys[level + 1] + half), (x, between - half))
        box(f"up_{level}_up", x, between, "plain")
        arrow(ax, (x, between + half), (x, y - half))
        box(f"up_{level}_join", x, y, "skip")
        arrow(ax, (left[level] + wide / 2 + 0.02, y), (x - wide / 2 - 0.02, y), kind="skip")
        arrow(ax, (x + wide / 2, y), (right[level] - wide / 2, y))
        box(f"up_{level}", right[level], y, "decoder")
        added = ", ".join(_odd_sides(maps[f"down_{level}"]))
        if added:
            padded = (*maps[f"down_{level}"][:2], maps[f"up_{level}_up"][2])
            note = f"+ {added} of zeros:\n{_shape(padded)}"
            write(ax, x + wide / 2 + 0.05, between, note, SMALL, ha="left")
    arrow(ax, (right[0], ys[0] + half), (right[0], top - half))
    box("logits", right[0], top, "plain")
    write(ax, left[0] + wide / 2 + 0.08, top, "image", ha="left")
    write(ax, right[0] - wide / 2 - 0.08, top, "logits, by a 1 × 1 convolution", ha="right")
    _explain(ax, 5.1, bottom - tall / 2, upsampling)
    key(
        ax,
        0.15,
        0.14,
        encoder="encoder block",
        plain="upsampled",
        skip="skip, and concatenated",
        decoder="decoder block",
    )
    height, width, _ = maps["image"]
    low, short, depth = maps[f"down_{last}"]
    return described(
        figure,
        f"Block diagram of a U-Net whose convolutions pad, in the form of a U: {height} by "
        f"{width} pixels come in and as many logits out. {counted(last, 'pooling')} down to "
        f"{low} by {short} with {depth} channels, as many {upsampling} steps up, each joined "
        "with the encoder's map.",
    )


def _padded_maps(size, channels, classes, filters, upsampling):
    """Name of the layer -> (height, width, channels), as `course_utils.models.unet` builds it."""
    height, width = sides = tuple(size) if np.ndim(size) else (size, size)
    if upsampling not in ("bilinear", "transposed"):
        raise ValueError(f'upsampling must be "bilinear" or "transposed"; it is {upsampling!r}')
    if not 2 <= len(filters) <= 5:
        raise ValueError(f"filters must hold two to five numbers; it holds {len(filters)}")
    least = 2 ** (len(filters) - 1)
    if min(sides) < least:
        raise ValueError(
            f"size must be at least {least} for {len(filters)} levels; it is {height} × {width}"
        )
    maps = {"image": (height, width, channels)}
    for level, depth in enumerate(filters):
        maps[f"down_{level}"] = (height >> level, width >> level, depth)
    depth = filters[-1]
    for level in reversed(range(len(filters) - 1)):
        below, depth = depth, max(depth // 2, filters[0])
        up = below if upsampling == "bilinear" else depth
        height, width, beside = maps[f"down_{level}"]
        maps[f"up_{level}_up"] = (height // 2 * 2, width // 2 * 2, up)
        maps[f"up_{level}_join"] = (height, width, beside + up)
        maps[f"up_{level}"] = (height, width, depth)
    return maps | {"logits": (*sides, classes)}


def _explain(ax, x, y, upsampling):
    up = {
        "bilinear": "up: bilinear, the channels stay",
        "transposed": "up: 2 × 2 transposed convolution, ReLU",
    }
    lines = (
        "block: twice 3 × 3 convolution (padded),",
        "batch normalisation, ReLU",
        "down: 2 × 2 max pooling",
        up[upsampling],
    )
    write(ax, x, y, "\n".join(lines), ha="left", va="bottom", linespacing=1.3)


def _odd_sides(shape):
    """What a map has one too many of, to be halved: "row", "column", both or nothing."""
    names = zip(("row", "column"), shape, strict=False)
    return [name for name, side in names if side % 2]


def _shape(shape):
    return " × ".join(map(str, shape))
