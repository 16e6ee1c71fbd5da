"""SegNet: pooling remembers where each maximum was, unpooling puts it back there."""

import numpy as np

from ..plotting.style import described, listed
from ._blocks import SMALL, arrow, block, grid, heading, key, sheet, write

POOLING_EXAMPLE = ((1, 5, 2, 0), (3, 2, 8, 1), (0, 1, 4, 2), (7, 3, 1, 6))
VGG_CHANNELS = (64, 128, 256, 512, 512)


def segnet(numbers=POOLING_EXAMPLE):
    """Draw SegNet, and max pooling that remembers where each maximum was, on real numbers.

    Parameters
    ----------
    numbers : 4 × 4 numbers, optional
        What is pooled and unpooled.

    Returns
    -------
    Figure
    """
    numbers = np.asarray(numbers)
    if numbers.shape != (4, 4):
        raise ValueError(f"numbers must have the shape (4, 4); it has {numbers.shape}")
    pooled, positions = pool_with_positions(numbers)
    restored = unpool(pooled, positions)

    figure, ax = sheet(3.2)
    heading(ax, 0.1, 3.0, "Encoder and decoder mirror each other")
    talls = (1.3, 1.05, 0.8, 0.55, 0.35)
    # Maps that leave a stage; the decoder's last has one channel a class.
    depths = (*VGG_CHANNELS, *VGG_CHANNELS[3::-1], "classes")
    places = [0.35 + 0.4 * stage + (0.05 if stage > 4 else 0) for stage in range(10)]
    for x, tall, depth, stage in zip(
        places, (*talls, *talls[::-1]), depths, range(10), strict=True
    ):
        kind = "encoder" if stage < 5 else "decoder"
        block(ax, x, 1.25, 0.26, tall, kind)
        below = 0.45 if stage < 9 else 0.28
        write(ax, x, below, str(depth), SMALL)
    for stage in range(5):
        top = 1.25 + talls[stage] / 2 + 0.03
        ends = (places[stage], top), (places[9 - stage], top)
        arrow(ax, *ends, kind="skip", dashed=True, bend=-0.06 - 0.07 * stage)
    write(ax, (places[4] + places[5]) / 2, 2.4, "positions of the maxima", SMALL)
    write(ax, places[0] - 0.17, 0.13, "channels after each stage", SMALL, ha="left")
    key(ax, 2.15, 0.13, encoder="encoder", decoder="decoder")

    heading(ax, 4.75, 3.0, "Pooled, and put back where it was")
    cell, top = 0.29, 2.4
    chosen = unpool(np.ones((2, 2), bool), positions)
    grid(ax, 4.75, top, 4, 4, cell, "skip", numbers, chosen)
    grid(ax, 6.4, top + 0.05, 2, 2, cell, "encoder", pooled, np.ones((2, 2)))
    grid(ax, 6.4, top - 1.0, 2, 2, cell, "skip", positions, np.ones((2, 2)))
    grid(ax, 7.6, top, 4, 4, cell, "skip", restored, chosen)
    write(ax, 5.33, 1.1, "before pooling", SMALL)
    write(ax, 8.18, 1.1, "after unpooling", SMALL)
    write(ax, 6.69, top + 0.22, "maxima", SMALL)
    write(ax, 6.69, top - 0.83, "positions", SMALL)
    for start, middle in ((top - 0.25, top - 0.25), (top - 1.0, top - 1.25)):
        arrow(ax, (5.97, start), (6.35, middle))
        arrow(ax, (7.03, middle), (7.53, start))
    note = (
        "A position is 0 1 over 2 3 within its 2 × 2 window: two bits each.\n"
        "The zeros are filled by the convolutions that follow."
    )
    write(ax, 4.75, 0.4, note, SMALL, ha="left")
    return described(
        figure,
        "Block diagram of SegNet: an encoder of five stages and a decoder that mirrors it, joined "
        "by the positions of the maxima. Beside it 4 by 4 numbers, pooled to "
        f"{listed(pooled.ravel())} and put back where they were, with zeros around.",
    )


def pool_with_positions(numbers):
    """Max pooling 2 × 2 that remembers where in its window each maximum was.

    Parameters
    ----------
    numbers : array [H, W], H and W even

    Returns
    -------
    pooled : array [H/2, W/2]
    positions : int array [H/2, W/2]
        0 upper left, 1 upper right, 2 lower left, 3 lower right; the first of equals.
    """
    numbers = np.asarray(numbers)
    if numbers.ndim != 2 or any(side % 2 for side in numbers.shape):
        raise ValueError(f"numbers must be [H,W] with even sides; its shape is {numbers.shape}")
    rows, columns = (side // 2 for side in numbers.shape)
    windows = numbers.reshape(rows, 2, columns, 2).swapaxes(1, 2).reshape(rows, columns, 4)
    return windows.max(-1), windows.argmax(-1)


def unpool(pooled, positions):
    """Put each maximum back where `pool_with_positions` found it, and zeros around it.

    Parameters
    ----------
    pooled, positions : arrays [H, W]

    Returns
    -------
    array [2H, 2W]
    """
    pooled, positions = np.asarray(pooled), np.asarray(positions)
    rows, columns = pooled.shape
    windows = np.zeros((rows, columns, 4), pooled.dtype)
    np.put_along_axis(windows, positions[..., None], pooled[..., None], axis=-1)
    return windows.reshape(rows, columns, 2, 2).swapaxes(1, 2).reshape(2 * rows, 2 * columns)
