"""Contours written as text, ``x y`` a line in pixels, and the masks that they enclose."""

from pathlib import Path

import numpy as np


def read_contour(path: Path) -> np.ndarray:
    """Corners of a contour: float64 [n, 2], x (column) and y (row) in pixels.

    Raises
    ------
    ValueError
        If the file cannot be read as two finite numbers a line, or has fewer than three lines.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError("cannot be read as text") from error
    points = []
    for number, line in enumerate(lines, 1):
        words = line.replace(",", " ").split()
        if not words:
            continue
        try:
            x, y = map(float, words)
        except ValueError:
            raise ValueError(f"has {line[:30]!r} in line {number}, not two numbers") from None
        if not np.isfinite([x, y]).all():
            raise ValueError(f"has {line[:30]!r} in line {number}, not two finite numbers")
        points.append((x, y))
    if len(points) < 3:
        raise ValueError(f"has {len(points)} points; a contour needs three or more")
    return np.array(points)


def filled(points: np.ndarray, shape: tuple[int, int], first_pixel: float = 0.0) -> np.ndarray:
    """Mask of what a contour encloses.

    A pixel belongs to it if its centre does. A drawing routine such as ``cv2.fillPoly`` also takes
    every pixel that the line touches: half a pixel too many all around, which in a ventricle of
    20 pixels across is a tenth of its area.

    Parameters
    ----------
    points : ndarray, [n, 2]
        Corners x, y; the last is joined to the first.
    shape : pair of int
        Height and width in pixels.
    first_pixel : float
        Coordinate of the centre of the first pixel: 0, or 1 where counting begins at 1, as in
        Matlab.

    Returns
    -------
    ndarray, uint8 [height, width]
        1 inside, 0 outside.

    Raises
    ------
    ValueError
        If a corner lies outside the image, or no pixel's centre is enclosed.
    """
    points = np.asarray(points, float) - first_pixel
    size = np.array([shape[1], shape[0]])
    outside = (points < -0.5) | (points > size - 0.5)
    if outside.any():
        x, y = points[np.argmax(outside.any(axis=1))] + first_pixel
        raise ValueError(f"goes to x {x:g}, y {y:g}, outside the {size[0]} x {size[1]} image")
    mask = np.zeros(shape, np.uint8)
    ends = np.roll(points, -1, axis=0)
    columns = np.arange(shape[1])
    for row in range(shape[0]):
        # A corner on the row counts for one of its two edges only.
        edges = (points[:, 1] <= row) != (ends[:, 1] <= row)
        (x0, y0), (x1, y1) = points[edges].T, ends[edges].T
        crossings = x0 + (row - y0) * (x1 - x0) / (y1 - y0)
        mask[row] = (crossings[:, None] <= columns).sum(axis=0) % 2
    if not mask.any():
        raise ValueError("encloses no pixel")
    return mask
