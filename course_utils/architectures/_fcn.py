"""The fully convolutional network: a classifier for any size of image, and its scores upsampled."""

import itertools

from ..plotting.style import described
from ._blocks import LARGE, SMALL, arrow, block, heading, key, sheet, write


def fcn(size=(384, 512), classes=21):
    """Draw how a classifier becomes fully convolutional, and how FCN-16s and FCN-8s get finer.

    The first fully connected layer of VGG16 becomes a 7 × 7 convolution, the others 1 × 1
    convolutions; here with padding, so that the map keeps its size (the paper pads the image by
    100 pixels instead, and crops).

    Parameters
    ----------
    size : (int, int)
        Height and width of the image in pixels, multiples of 32.
    classes : int
        Classes with the background; 21 are those of PASCAL VOC.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If the size is not a multiple of 32.
    """
    height, width = size
    if min(size) < 32 or height % 32 or width % 32:
        raise ValueError(f"size must be multiples of 32, for five poolings by 2; it is {size}")
    figure, ax = sheet(4.2)
    columns = 0.75, 2.35, 3.9, 5.4, 6.75, 8.25
    coarse = f"{height // 32} × {width // 32}"
    rows = (
        (3.62, "224 × 224 × 3", ("7 × 7 × 512", "4096 units", "4096 units", "1000 units")),
        (
            2.28,
            f"{height} × {width} × 3",
            tuple(f"{coarse} × {depth}" for depth in (512, 4096, 4096, classes)),
        ),
    )
    heading(ax, 0.1, 4.03, "Classifier (VGG16): one size in, one label out")
    heading(ax, 0.1, 2.7, "FCN: any size in, a coarse map of scores out, upsampled")
    for y, image, maps in rows:
        texts = (image, *maps)
        kinds = ("plain", "encoder", "encoder", "encoder", "plain")
        for x, text, kind in zip(columns, texts, kinds, strict=False):
            block(ax, x, y, 1.16, 0.34, kind, text)
        for left, right in itertools.pairwise(columns[:5]):
            arrow(ax, (left + 0.6, y), (right - 0.6, y))
    write(ax, columns[5], 3.62, "“cat”", LARGE)
    block(ax, columns[5], 2.28, 1.24, 0.34, "decoder", f"{height} × {width} × {classes}")
    for y in (3.62, 2.28):
        arrow(ax, (columns[4] + 0.6, y), (columns[5] - 0.64, y))
    between = (
        "5 poolings:\nstride 32",
        "fc6 becomes a\n7 × 7 convolution",
        "fc7 becomes a\n1 × 1 convolution",
        "scores:\n1 × 1 conv.",
        "upsampled\n× 32",
    )
    for (left, right), text in zip(itertools.pairwise(columns), between, strict=True):
        write(ax, (left + right) / 2, 3.15, text, SMALL)
    heading(ax, 0.1, 1.82, "Finer: scores of earlier maps added on the way up")
    _fusion(ax)
    return described(
        figure,
        f"Block diagram. Above: VGG16 makes one label of one size of image. Middle: the FCN makes "
        f"{height // 32} by {width // 32} scores of {height} by {width} pixels and upsamples them. "
        f"Below: FCN-16s and FCN-8s add the scores of earlier, finer maps.",
    )


def _fusion(ax):
    """The three ways from the coarse scores to the image's size."""
    y, places = 1.42, (1.2, 4.1, 7.0)
    names = ("FCN-32s", "FCN-16s", "FCN-8s")
    for turn, (x, name) in enumerate(zip(places, names, strict=True)):
        stride = 32 >> turn
        text = f"scores, stride {stride}" if turn == 0 else f"sum, stride {stride}"
        block(ax, x, y, 1.25, 0.32, "plain" if turn == 0 else "decoder", text)
        arrow(ax, (x + 0.45, y - 0.17), (x + 0.45, 0.62))
        write(ax, x + 0.52, 0.85, f"× {stride}", SMALL, ha="left")
        write(ax, x + 0.45, 0.5, name, 9, weight="bold")
        if turn:
            arrow(ax, (places[turn - 1] + 0.65, y), (x - 0.65, y))
            write(ax, (places[turn - 1] + x) / 2, y + 0.12, "× 2", SMALL)
            block(ax, x - 1.05, 0.72, 1.35, 0.4, "skip", f"1 × 1 scores\nfrom pool{5 - turn}")
            arrow(ax, (x - 0.75, 0.93), (x - 0.4, y - 0.18), kind="skip")
    key(ax, 0.1, 0.15, encoder="encoder", decoder="upsampled", skip="skip: finer scores, added")
