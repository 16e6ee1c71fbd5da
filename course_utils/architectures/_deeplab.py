"""DeepLab's four versions, each drawn with what it added to the one before."""

import numpy as np

from ..plotting.style import described
from ._blocks import SMALL, arrow, block, grid, heading, key, sheet, write
from ._context import atrous_taps

WIDE = 2.0  # inches of a panel
RATES = {"v2": (6, 12, 18, 24), "v3": (6, 12, 18)}  # v3's are for stride 16


def deeplab():
    """Draw what each version of DeepLab added: coloured what is new, grey what is not.

    Returns
    -------
    Figure
    """
    figure, ax = sheet(3.9)
    panels = ((_first, "v1 · 2015"), (_second, "v2 · 2017"), (_third, "v3 · 2017"))
    panels += ((_plus, "v3+ · 2018"),)
    for turn, (draw, title) in enumerate(panels):
        x = 0.15 + 2.23 * turn
        heading(ax, x, 3.72, f"DeepLab {title}")
        draw(ax, x)
    key(
        ax,
        1.2,
        0.13,
        encoder="encoder",
        context="context",
        skip="skip",
        decoder="sharpens",
        plain="as before",
    )
    return described(
        figure,
        "Four block diagrams of DeepLab, with what is new in colour. v1: atrous convolution and a "
        "CRF; v2: ASPP, four rates in parallel; v3: three rates and the whole image, no CRF; v3+: "
        "a small decoder with finer features.",
    )


def separable_weights(kernel, inputs, outputs):
    """Weights of a convolution, and of the depthwise separable one in its place; no biases."""
    return kernel**2 * inputs * outputs, kernel**2 * inputs + inputs * outputs


def _row(ax, x, y, texts, kinds, tall=0.42, gap=0.05):
    """Blocks side by side, filling a panel; returns their middles."""
    wide = (WIDE - gap * (len(texts) - 1)) / len(texts)
    places = [x + wide / 2 + turn * (wide + gap) for turn in range(len(texts))]
    for place, text, kind in zip(places, texts, kinds, strict=True):
        block(ax, place, y, wide, tall, kind, text)
    return places


def _fan(ax, places, middle, high, low, split):
    """Arrows from one box to the boxes of a row below it, or from them to one below them."""
    for place in places:
        near = middle + 0.55 * (place - middle)
        arrow(ax, (near if split else place, high), (place if split else near, low))


def _step(ax, x, y, kind, text, tall=0.42):
    block(ax, x + WIDE / 2, y, WIDE, tall, kind, text)


def _first(ax, x):
    middle = x + WIDE / 2
    _step(ax, x, 3.3, "encoder", "VGG16; two poolings no longer\nshrink: stride 8, not 32")
    _step(ax, x, 2.18, "context", "", tall=1.1)
    cells = 7
    seen = np.zeros((cells, cells), bool)
    seen[tuple((atrous_taps(2) + 3).T)] = True
    grid(ax, x + 0.08, 2.63, cells, cells, 0.9 / cells, "context", marked=seen)
    write(
        ax,
        x + 1.06,
        2.18,
        "atrous\nconvolution:\nrate 2 in\nconv5, 4\nor 12 in fc6",
        SMALL,
        ha="left",
    )
    _step(ax, x, 1.2, "plain", "scores, upsampled × 8")
    _step(ax, x, 0.55, "decoder", "fully connected CRF:\nedges follow the colours")
    for high, low in ((3.08, 2.75), (1.62, 1.42), (0.98, 0.77)):
        arrow(ax, (middle, high), (middle, low))


def _second(ax, x):
    middle = x + WIDE / 2
    _step(ax, x, 3.3, "encoder", "ResNet-101 (or VGG16),\nstride 8")
    rates = RATES["v2"]
    texts = [f"3 × 3\nrate\n{rate}" for rate in rates]
    places = _row(ax, x, 2.35, texts, ["context"] * len(rates), tall=0.56)
    _fan(ax, places, middle, 3.08, 2.65, split=True)
    _fan(ax, places, middle, 2.06, 1.73, split=False)
    write(ax, middle, 1.62, "ASPP: in parallel, summed", SMALL)
    _step(ax, x, 1.2, "plain", "scores, upsampled × 8")
    _step(ax, x, 0.55, "plain", "fully connected CRF")
    for high, low in ((1.53, 1.42), (0.98, 0.77)):
        arrow(ax, (middle, high), (middle, low))


def _third(ax, x):
    middle = x + WIDE / 2
    _step(ax, x, 3.3, "plain", "ResNet with atrous convolution,\nstride 16 (8 when tested)")
    rates = RATES["v3"]
    texts = ["1 × 1", *(f"rate\n{rate}" for rate in rates), "whole\nimage"]
    kinds = ["context"] + ["plain"] * len(rates) + ["context"]
    places = _row(ax, x, 2.35, texts, kinds, tall=0.56, gap=0.03)
    _fan(ax, places, middle, 3.08, 2.65, split=True)
    _fan(ax, places, middle, 2.06, 1.73, split=False)
    joined = 256 * len(texts)
    block(ax, middle, 1.5, WIDE, 0.42, "context", f"5 × 256 = {joined} concatenated,\n1 × 1 to 256")
    _step(ax, x, 0.85, "plain", "scores, upsampled × 16")
    arrow(ax, (middle, 1.28), (middle, 1.07))
    write(ax, middle, 0.45, "Batch normalisation throughout;\nno CRF any more", SMALL)


def _plus(ax, x):
    left, right = x + 0.62, x + 1.5
    _step(ax, x, 3.3, "encoder", "Xception (or ResNet),\nstride 16")
    block(ax, left, 2.5, 1.24, 0.56, "context", "ASPP of v3, of\nseparable 3 × 3,\n256 channels")
    block(ax, x + 1.67, 2.5, 0.66, 0.56, "skip", "stride 4,\n1 × 1 to\n48")
    arrow(ax, (left, 3.08), (left, 2.8))
    arrow(ax, (right + 0.17, 3.08), (right + 0.17, 2.8), kind="skip")
    text = f"256 + 48 = {256 + 48} concatenated,\nseparable 3 × 3"
    _step(ax, x, 1.72, "decoder", text)
    arrow(ax, (left, 2.21), (left, 1.94))
    write(ax, left + 0.08, 2.08, "× 4", SMALL, ha="left")
    arrow(ax, (right + 0.17, 2.21), (right + 0.17, 1.94), kind="skip")
    _step(ax, x, 1.1, "plain", "scores, upsampled × 4", tall=0.34)
    arrow(ax, (x + WIDE / 2, 1.5), (x + WIDE / 2, 1.28))
    whole, apart = separable_weights(3, 256, 256)
    note = "Separable: a 3 × 3 a channel, then\n1 × 1 across them. For 256 to 256:\n"
    note += f"{apart:,} weights, not {whole:,}"
    write(ax, x + WIDE / 2, 0.58, note, SMALL)
