"""Drawing with chance: outlines, textures and noise that the made-up data sets share."""

import cv2
import numpy as np

SUBPIXEL_BITS = 4  # cv2 takes polygon corners in sixteenths of a pixel


def blob(rng, center, radii, angle=0.0, roughness=0.05, n_points=64):
    """Closed smooth outline: an ellipse whose radius wanders.

    Parameters
    ----------
    rng : numpy.random.Generator
    center, radii : pair of float
        (x, y) in pixels.
    angle : float
        Rotation in radians, clockwise in image coordinates.
    roughness : float
        Standard deviation of the radius, relative to it.

    Returns
    -------
    ndarray, float64 [n_points, 2]
        Corners (x, y).
    """
    theta = np.linspace(0, 2 * np.pi, n_points, endpoint=False)
    radius = 1 + wander(rng, theta, roughness)
    points = np.stack([radii[0] * radius * np.cos(theta), radii[1] * radius * np.sin(theta)], 1)
    cos, sin = np.cos(angle), np.sin(angle)
    return points @ np.array([[cos, sin], [-sin, cos]]) + np.asarray(center)


def wander(rng, theta, amount):
    """Smooth periodic random function of the angle `theta`, standard deviation about `amount`."""
    orders = np.arange(2, 7)
    weights = amount * rng.normal(size=(2, 5)) / orders / np.linalg.norm(1 / orders)
    phase = np.multiply.outer(theta, orders)
    return np.cos(phase) @ weights[0] + np.sin(phase) @ weights[1]


def fill(canvas, points, value):
    """Fill the polygon `points` [n, 2] (x, y) of `canvas` with `value`, in place."""
    cv2.fillPoly(canvas, [_corners(points)], value, cv2.LINE_8, SUBPIXEL_BITS)


def stroke(canvas, points, value, thickness=1):
    """Draw the closed line through `points` [n, 2] (x, y) on `canvas`, in place."""
    thickness = max(1, round(thickness))
    cv2.polylines(canvas, [_corners(points)], True, value, thickness, cv2.LINE_8, SUBPIXEL_BITS)


def filled(shape, points):
    """Mask of the polygon `points`: bool [H, W] with `shape` (H, W)."""
    canvas = np.zeros(shape, np.uint8)
    fill(canvas, points, 1)
    return canvas.astype(bool)


def clouds(rng, shape, scale, octaves=3):
    """Smooth noise with mean 0 and standard deviation 1: float32 [H, W].

    `scale` is the size of the largest patches in pixels; each further octave is half as large and
    half as strong.
    """
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        cell = max(scale / 2**octave, 1.0)
        grid = [max(2, round(side / cell) + 1) for side in shape]
        noise = rng.standard_normal(grid, dtype=np.float32)
        total += cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC) / 2**octave
    return (total - total.mean()) / max(float(total.std()), 1e-6)


def blur(image, sigma):
    """Gaussian blur with standard deviation `sigma` pixels."""
    return cv2.GaussianBlur(image, (0, 0), sigma)


def to_uint8(image):
    """Round and clip to 0…255."""
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _corners(points):
    return np.rint(np.asarray(points) * 2**SUBPIXEL_BITS).astype(np.int32)
