"""The U-Net: an encoder, a decoder, and the encoder's maps concatenated to the decoder's."""

from ..plotting.style import counted, described
from ._blocks import SMALL, arrow, block, key, sheet, write

UNET_CHANNELS = (64, 128, 256, 512, 1024)


def unet(size=572, classes=2):
    """Draw the U-Net of the paper: convolutions without padding, skips cropped and concatenated.

    Parameters
    ----------
    size : int
        Pixels along one side of the image; every map that is pooled must have an even side.
    classes : int

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If the size does not fit.
    """
    down, up = _unet_sizes(size)
    figure, ax = sheet(3.8)
    left = [0.85 + 0.72 * level for level in range(4)]
    ys = [3.05 - 0.62 * level for level in range(5)]
    for level, (x, y) in enumerate(zip(left, ys, strict=False)):
        depth = UNET_CHANNELS[level]
        block(ax, x, y, 1.3, 0.3, "encoder", f"{down[level]} × {down[level]} × {depth}")
        block(ax, 9 - x, y, 1.3, 0.3, "decoder", f"{up[level]} × {up[level]} × {depth}")
        arrow(ax, (x + 0.68, y), (9 - x - 0.68, y), kind="skip")
        cropped = up[level] + 4  # two convolutions take two pixels each
        write(ax, 4.5, y + 0.12, f"cropped {down[level]} → {cropped}", SMALL)
        if level < 3:
            arrow(ax, (x + 0.36, y - 0.17), (x + 0.36, ys[level + 1] + 0.17))
            arrow(ax, (9 - x - 0.36, ys[level + 1] + 0.17), (9 - x - 0.36, y - 0.17))
    block(ax, 4.5, ys[4], 1.4, 0.3, "encoder", f"{down[4]} × {down[4]} × {UNET_CHANNELS[4]}")
    arrow(ax, (left[3] + 0.2, ys[3] - 0.17), (4.5 - 0.72, ys[4] + 0.02))
    arrow(ax, (4.5 + 0.72, ys[4] + 0.02), (9 - left[3] - 0.2, ys[3] - 0.17))
    write(ax, 0.85, 3.5, f"image {size} × {size} × 1", SMALL)
    write(ax, 8.15, 3.5, f"logits {up[0]} × {up[0]} × {classes}", SMALL)
    arrow(ax, (0.85, 3.42), (0.85, 3.22))
    arrow(ax, (8.15, 3.22), (8.15, 3.42))
    write(ax, 0.1, 1.35, "down: max pooling 2 × 2,\nchannels doubled", SMALL, ha="left")
    write(ax, 8.9, 1.35, "up: 2 × 2 transposed\nconvolution, channels halved", SMALL, ha="right")
    note = "Each box: two 3 × 3 convolutions without padding; each takes 2 pixels off a side"
    write(ax, 4.5, 3.68, note, SMALL)
    key(ax, 1.2, 0.13, encoder="encoder", decoder="decoder", skip="skip: cropped, concatenated")
    return described(
        figure,
        f"Block diagram of the U-Net, in the form of a U: {counted(classes, 'channel')} of logits "
        f"for {up[0]} by {up[0]} of the image's {size} by {size} pixels. Four poolings down to "
        f"{down[4]} by {down[4]}, four steps up, each joined with the encoder's cropped maps.",
    )


def _unet_sizes(size):
    """Sides of the maps that leave each level: five on the way down, four (top first) up."""
    down, side = [], size
    for level in range(5):
        side -= 4
        down.append(side)
        if level < 4:
            if side < 2 or side % 2:
                raise ValueError(
                    f"size {size} does not fit: level {level + 1} would pool {side} pixels a side"
                )
            side //= 2
    up = []
    for _ in range(4):
        side = 2 * side - 4
        up.insert(0, side)
    if up[0] < 1:
        raise ValueError(f"size {size} is too small: nothing is left of it")
    return down, up
