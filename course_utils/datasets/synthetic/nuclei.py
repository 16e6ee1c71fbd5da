"""Made-up microscope fields of cell nuclei."""

import cv2
import numpy as np

from .drawing import blob, blur, clouds, filled, to_uint8

# Optical density of the two dyes in red, green and blue (M. Macenko et al.: A method for
# normalizing histology slides for quantitative analysis, ISBI 2009).
HEMATOXYLIN = np.array([0.56, 0.72, 0.41], np.float32)
EOSIN = np.array([0.22, 0.80, 0.56], np.float32)
STAINS = ("fluorescence", "histology")


def nuclei(rng, height=256, width=256, *, stain="fluorescence"):
    """Draw a made-up field of cell nuclei: mixed sizes, some touching, uneven background.

    Parameters
    ----------
    rng : numpy.random.Generator
    height, width : int
        In pixels.
    stain : {"fluorescence", "histology"}
        Bright nuclei on a dark ground, or purple ones in pink tissue (hematoxylin and eosin).

    Returns
    -------
    image : ndarray, uint8 [height, width, 3]
        Red, green, blue.
    instances : ndarray, uint16 [height, width]
        0 for the background, 1…n for the nuclei.
    """
    if stain not in STAINS:
        raise ValueError(f"unknown stain {stain!r}; there are: {', '.join(STAINS)}")
    instances = _place(rng, height, width)
    # Distance to the rim of a nucleus, which may be the border to another one.
    same = cv2.erode(instances, np.ones((3, 3))) == cv2.dilate(instances, np.ones((3, 3)))
    depth = cv2.distanceTransform((same & (instances > 0)).astype(np.uint8), cv2.DIST_L2, 5)
    draw = _fluorescence if stain == "fluorescence" else _histology
    return to_uint8(draw(rng, instances, depth)), instances


def _place(rng, height, width):
    """Outlines in groups; a nucleus that would hide much of another one is left out."""
    instances = np.zeros((height, width), np.uint16)
    typical = rng.uniform(6.5, 12.5) * np.sqrt(min(height, width) / 256)
    wanted = int(rng.uniform(0.1, 0.26) * height * width / (np.pi * typical**2)) + 2
    placed = []  # (x, y, radius)
    for _ in range(6 * wanted):
        if len(placed) == wanted:
            break
        radius = typical * np.clip(rng.lognormal(0, 0.35), 0.35, 2.0)
        if placed and (rng.uniform() < 0.45 or len(placed) == 1):  # beside one that is there
            x, y, other = placed[rng.integers(len(placed))]
            angle, distance = rng.uniform(0, 2 * np.pi), (radius + other) * rng.uniform(0.8, 1.0)
            center = np.array([x + distance * np.cos(angle), y + distance * np.sin(angle)])
        else:
            center = rng.uniform([0, 0], [width, height])
        if not (0 <= center[0] < width and 0 <= center[1] < height):
            continue
        radii = radius * np.array([1, rng.uniform(0.72, 1.0)])
        outline = blob(rng, center, radii, rng.uniform(0, np.pi), 0.06, 48)
        left, top = np.maximum(np.floor(outline.min(0)), 0).astype(int)
        right, bottom = np.ceil(outline.max(0)).astype(int) + 1
        there = instances[top:bottom, left:right]
        mask = filled(there.shape, outline - [left, top])
        if np.count_nonzero(mask & (there > 0)) > 0.12 * np.count_nonzero(mask):
            continue
        # Who was there first stays whole, and of a nucleus that this parts the largest piece.
        free = (mask & (there == 0)).astype(np.uint8)
        pieces, labels = cv2.connectedComponents(free, connectivity=4)
        if pieces > 1:
            there[labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])] = len(placed) + 1
            placed.append((*center, radius))
    return instances


def _fluorescence(rng, instances, depth):
    """Bright nuclei, some dim, glow of what lies out of focus, photon noise."""
    shape = instances.shape
    dye = np.clip(rng.lognormal(0, 0.55, size=instances.max() + 1), 0.18, 2.2)
    dye[0] = 0
    body = dye[instances].astype(np.float32) * (1 - 0.75 * np.exp(-depth / 1.8))
    light = blur(body * np.clip(1 + 0.18 * clouds(rng, shape, 7, 3), 0.4, 1.7), 0.9)
    light += 0.3 * blur(body, 9) + 0.12 * blur(body, 30)
    light += rng.uniform(0.05, 0.16) * (1 + 0.35 * clouds(rng, shape, shape[1] / 2, 2))
    photons = rng.uniform(40, 200)
    light = rng.poisson(np.clip(light, 0, None) * photons) / photons
    gray = 255 * rng.uniform(0.35, 0.6) * blur(light.astype(np.float32), 0.5)
    return np.repeat(gray[..., None], 3, axis=2)


def _histology(rng, instances, depth):
    """Two dyes that take light away (Beer-Lambert): purple nuclei, pink fibers, pale gaps."""
    shape, inside = instances.shape, instances > 0
    dye = np.clip(rng.normal(0.95, 0.22, size=instances.max() + 1), 0.4, 1.5)[instances]
    rim = 0.4 * np.exp(-((depth - 1) ** 2) / 1.6)  # chromatin lies against the envelope
    chromatin = 0.72 * np.clip(1 + 0.28 * clouds(rng, shape, 6, 3), 0.3, 1.8)
    # Fibers: noise drawn out along a direction that turns slowly across the field.
    warp = 14 * clouds(rng, shape, shape[1] / 2, 2)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    drawn_out = cv2.resize(clouds(rng, shape, 5, 3), None, fx=1, fy=5)
    fibers = cv2.remap(
        drawn_out, x + warp, 1.5 * y + warp, cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT
    )
    gaps = blur((clouds(rng, shape, 40, 3) > 1.25).astype(np.float32), 1.2)
    pink = np.clip(0.36 + 0.1 * fibers, 0.08, 0.9) * (1 - 0.85 * gaps)
    pink = np.where(inside, 0.3 * pink + 0.08, pink + 0.12 * blur(inside.astype(np.float32), 5))
    purple = np.where(inside, dye * (chromatin + rim), 0.0) + 0.05 + 0.04 * np.clip(fibers, -1, 2)
    density = blur(purple.astype(np.float32), 1.0)[..., None] * HEMATOXYLIN
    density = density + blur(pink.astype(np.float32), 0.7)[..., None] * EOSIN
    return rng.uniform(233, 248) * np.exp(-1.15 * density) + rng.normal(0, 2.5, size=(*shape, 3))
