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
    draw = _fluorescence if stain == "fluorescence" else _histology
    return to_uint8(draw(rng, instances)), instances


def _place(rng, height, width):
    """Outlines in groups; a nucleus that would hide much of another one is left out."""
    instances = np.zeros((height, width), np.uint16)
    typical = rng.uniform(6.5, 12.5) * np.sqrt(min(height, width) / 256)
    wanted = int(rng.uniform(0.1, 0.26) * height * width / (np.pi * typical**2)) + 2
    placed = []  # (x, y, radius)
    for _ in range(6 * wanted):
        if len(placed) == wanted:
            break
        radius = typical * np.clip(rng.lognormal(0, 0.28), 0.45, 2.0)
        if placed and (rng.uniform() < 0.45 or len(placed) == 1):  # beside one that is there
            x, y, other = placed[rng.integers(len(placed))]
            angle, distance = rng.uniform(0, 2 * np.pi), (radius + other) * rng.uniform(0.8, 1.0)
            center = np.array([x + distance * np.cos(angle), y + distance * np.sin(angle)])
        else:
            center = rng.uniform([0, 0], [width, height])
        if not (0 <= center[0] < width and 0 <= center[1] < height):
            continue
        stretch = rng.uniform(0.72, 1.0)
        radii = radius / stretch**0.5, radius * stretch**0.5
        mask = filled(instances.shape, blob(rng, center, radii, rng.uniform(0, np.pi), 0.06, 48))
        if np.count_nonzero(mask & (instances > 0)) > 0.12 * np.count_nonzero(mask):
            continue
        mask &= instances == 0  # who was there first stays whole
        pieces, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
        if pieces > 1:
            largest = 1 + np.argmax(np.bincount(labels.ravel())[1:])
            instances[labels == largest] = len(placed) + 1
            placed.append((*center, radius))
    return instances


def _depth(instances):
    """Distance of each pixel to the rim of its own nucleus, float32 [H, W]."""
    depth = np.zeros(instances.shape, np.float32)
    for i in range(1, int(instances.max()) + 1):
        rows, columns = np.nonzero(instances == i)
        box = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        mask = np.pad((instances[box] == i).astype(np.uint8), 1)
        own = cv2.distanceTransform(mask, cv2.DIST_L2, 5)[1:-1, 1:-1]
        depth[box] = np.maximum(depth[box], own)
    return depth


def _fluorescence(rng, instances):
    """Bright nuclei, glow of what lies out of focus, photon noise."""
    shape, n = instances.shape, int(instances.max())
    depth = _depth(instances)
    dye = np.concatenate([[0], np.clip(rng.lognormal(0, 0.45, size=n), 0.3, 2.2)])
    body = dye[instances].astype(np.float32) * (1 - 0.75 * np.exp(-depth / 1.8))
    chromatin = 1 + 0.16 * clouds(rng, shape, 7, 3) + 0.05 * clouds(rng, shape, 2, 1)
    nucleoli = 1 - 0.4 * (blur(clouds(rng, shape, 5, 1), 0.8) > 1.35)
    light = blur(body * np.clip(chromatin, 0.4, 1.7) * blur(nucleoli.astype(np.float32), 0.8), 0.8)
    glow = 0.3 * blur(body, 9) + 0.12 * blur(body, 30)
    # The lamp does not light the field evenly.
    rows, columns = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j].astype(np.float32)
    off = rng.uniform(-0.5, 0.5, size=2)
    lamp = 1 - rng.uniform(0.1, 0.3) * ((rows - off[0]) ** 2 + (columns - off[1]) ** 2)
    ground = rng.uniform(0.05, 0.16) * (1 + 0.35 * clouds(rng, shape, shape[1] / 2, 2))
    light = np.clip((light + glow + ground) * np.clip(lamp, 0.25, 1), 0, None)
    photons = rng.uniform(60, 250)
    light = rng.poisson(light * photons) / photons + rng.normal(0, 0.008, size=shape)
    gray = 255 * light.astype(np.float32) * rng.uniform(0.38, 0.62)
    return np.repeat(blur(gray, 0.5)[..., None], 3, axis=2)


def _histology(rng, instances):
    """Two dyes that take light away (Beer-Lambert): purple nuclei, pink fibres, pale gaps."""
    shape, n = instances.shape, int(instances.max())
    depth = _depth(instances)
    inside = instances > 0
    dye = np.concatenate([[0], np.clip(rng.normal(1.0, 0.2, size=n), 0.55, 1.5)])[instances]
    rim = 0.45 * np.exp(-((depth - 1.5) ** 2) / 1.6)  # chromatin lies against the envelope
    chromatin = 1 + 0.28 * clouds(rng, shape, 6, 3)
    purple = np.where(inside, dye * (0.72 * np.clip(chromatin, 0.3, 1.8) + rim), 0.0)
    # Fibres: noise drawn out along a direction that turns slowly across the field.
    warp = 14 * clouds(rng, shape, shape[1] / 2, 2)
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    stretched = cv2.resize(clouds(rng, shape, 5, 3), None, fx=1, fy=5)[: 2 * shape[0]]
    fibres = cv2.remap(
        stretched, columns + warp, 1.5 * rows + warp, cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT
    )
    gaps = blur((clouds(rng, shape, 40, 3) > 1.25).astype(np.float32), 1.2)
    pink = np.clip(0.36 + 0.1 * fibres + 0.07 * clouds(rng, shape, 50, 2), 0.08, 0.9)
    pink = pink * (1 - 0.85 * gaps)
    cytoplasm = 0.12 * blur(inside.astype(np.float32), 5)
    pink = np.where(inside, 0.3 * pink + 0.08, pink + cytoplasm)
    purple = purple + 0.05 + 0.03 * np.clip(fibres, -1, 2)
    density = blur(purple.astype(np.float32), 0.9)[..., None] * HEMATOXYLIN
    density = density + blur(pink.astype(np.float32), 0.7)[..., None] * EOSIN
    lamp = rng.uniform(236, 250) * np.array([1.0, 0.985, 0.99])
    return lamp * np.exp(-1.15 * density) + rng.normal(0, 2.2, size=(*shape, 3))
