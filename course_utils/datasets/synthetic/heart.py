"""A made-up cardiac MR slice: short axis through the left ventricle.

Tissues with their signal are painted from the skin inwards, in pixels of a 256 × 256 slice about
the center of the heart; the picture is then taken as a scanner and a radiologist's window do.
"""

import cv2
import numpy as np

from .drawing import blob, blur, clouds, fill, filled, stroke, to_uint8, wander

SIDE = 256  # the anatomy below is written in pixels of a 256 × 256 slice
OVERSAMPLING = 2  # tissues are painted this much finer
# Signal relative to blood, as balanced steady-state sequences show it.
BLOOD, MYOCARDIUM, FAT, MUSCLE, ORGAN, LUNG, RIM = 1.0, 0.34, 1.35, 0.3, 0.42, 0.03, 0.1


def short_axis_slice(rng, size=256, *, patient=None, position=None, systole=None):
    """Draw a made-up short-axis cardiac MR slice and the outline of its left ventricle.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of everything that is not given.
    size : int
        Height and width of the slice in pixels.
    patient : int, optional
        Seed of the anatomy: slices with the same number show the same person.
    position : float, optional
        0 at the base of the heart, 1 at its apex.
    systole : float, optional
        0 when the ventricle is full (end diastole), 1 when it is contracted (end systole).

    Returns
    -------
    image : ndarray, uint8 [size, size]
    mask : ndarray, uint8 [size, size]
        1 inside the endocardium, 0 elsewhere. Papillary muscles belong to the inside, as in the
        experts' contours of the Sunnybrook data.
    """
    patient = int(rng.integers(2**31)) if patient is None else patient
    position = rng.uniform() if position is None else position
    systole = rng.choice([0.0, 1.0]) if systole is None else systole
    # The same stream for each slice of a patient: what does not depend on `position` or `systole`
    # comes out the same. Every draw below must therefore happen whatever the slice shows.
    body = np.random.default_rng(patient)
    slice_ = Slice(body, position)
    _paint_trunk(slice_, body, position)
    inside = _paint_heart(slice_, body, position, systole)
    image = _photograph(slice_, body, rng, size)
    mask = cv2.resize(inside, (size, size), interpolation=cv2.INTER_AREA) >= 0.5
    return image, mask.astype(np.uint8)


class Slice:
    """The signal of the tissues, and where in the picture the patient lies."""

    def __init__(self, body, position):
        side = SIDE * OVERSAMPLING
        self.signal = np.full((side, side), 0.01, np.float32)
        # From patient to patient the heart lies elsewhere, more or less turned, larger or smaller.
        self.center = np.array([130, 127]) + body.uniform(-15, 15, size=2)
        self.center += position * body.normal(0, 4, size=2)
        turn, zoom = body.uniform(-0.6, 0.6), body.uniform(0.88, 1.12)
        self.turn = zoom * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])

    def place(self, points):
        """Turn points [n, 2] about the heart into points of the canvas."""
        return (np.asarray(points) @ self.turn + self.center) * OVERSAMPLING

    def paint(self, points, signal, rim=0.0):
        """Fill an outline; `rim` is the width of the dark line between water and fat."""
        fill(self.signal, self.place(points), signal)
        if rim:
            stroke(self.signal, self.place(points), RIM, rim * OVERSAMPLING)


def _paint_trunk(slice_, body, position):
    """Skin, fat, muscle, the lungs, and what lies below the diaphragm."""
    theta = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    direction = np.stack([np.cos(theta), np.sin(theta)], 1)
    middle = np.array([body.uniform(0, 20), body.uniform(40, 70)])
    half_axes = body.uniform(95, 145), body.uniform(120, 170)
    breast = body.normal(-2.3, 0.2)  # the front of the chest, up and to the left, is flat
    flat = body.uniform(95, 140) / np.maximum(np.cos(theta - breast), 0.05)
    skin = (np.linalg.norm(direction / half_axes, axis=1) ** 8 + flat**-8) ** (-1 / 8)
    front = np.exp(2.5 * (np.cos(theta - breast - body.normal(0, 0.4)) - 1))
    fat = body.uniform(4, 16) + body.uniform(0, 22) * front + wander(body, theta, 3.0)
    muscle = body.uniform(4, 9) + body.uniform(0, 10) * front + wander(body, theta, 1.5)
    depth = np.cumsum([np.zeros(240), np.maximum(fat, 3), np.maximum(muscle, 3)], axis=0)
    rings = [middle + direction * (skin - d)[:, None] for d in depth]
    for ring, signal, rim in zip(rings, (FAT, MUSCLE, LUNG), (0, 1, 1.5), strict=True):
        slice_.paint(ring, signal, rim)
    outside = ~filled(slice_.signal.shape, slice_.place(rings[-1]))
    before = slice_.signal[outside]
    _paint_abdomen(slice_, body, position, middle[0])
    slice_.signal[outside] = before


def _paint_abdomen(slice_, body, position, middle):
    """Fat under the dome of the diaphragm, and in it liver, stomach, spleen and bowel."""
    floor = body.uniform(30, 42) - 5 * position  # rises towards the apex
    s = np.linspace(-1, 1, 60)
    dome = np.stack([middle + s * 200, floor + body.uniform(20, 60) * (s - 0.1) ** 2], 1)
    slice_.paint([*dome, [300, 420], [-300, 420]], FAT * body.uniform(0.2, 0.9), 1.4)
    for _ in range(30):  # loops of the bowel: wall and content
        spot = [middle + body.uniform(-100, 100), floor + body.uniform(25, 125)]
        radii, angle = body.uniform(4, 15, size=2), body.uniform(0, np.pi)
        wall, content = body.choice([0.08, 0.2, 0.32, 0.42, 0.55, 0.9], size=2)
        slice_.paint(blob(body, spot, radii, angle, 0.12), wall, 1.2)
        slice_.paint(blob(body, spot, radii * 0.6, angle, 0.25), content)
    for spot, radii, signal in (
        ([66, 36], (15, 30), ORGAN * 1.1),  # spleen
        ([26, 19], (24, 14), body.choice([0.1, 0.3, 0.6, 0.85])),  # stomach
        ([-35, 16], (47, 22), ORGAN),  # liver
    ):
        spot = spot + body.uniform(-12, 12, size=2) * [1, 0.4] + [0, floor]
        outline = blob(body, spot, radii * body.uniform(0.8, 1.2, size=2), body.normal(0, 0.2))
        slice_.paint(outline, signal * body.uniform(0.8, 1.25), 1.3)


def _paint_heart(slice_, body, position, systole):
    """Right ventricle, then the left one: muscle, blood, papillary muscles; return its mask."""
    # How near the last slice comes to the apex decides how small its ventricle is.
    full, tip = np.clip(body.normal(26.5, 3.0), 20, 31), body.uniform(0.95, 0.985)
    contraction = 1 - body.uniform(0.15, 0.4) * systole
    radius = full * np.sqrt(1 - (position * tip) ** 2) * contraction
    wall = body.uniform(6.5, 10.5) * (1 + 0.45 * systole) * (1 - 0.2 * position)
    squash, angle = body.uniform(0.88, 1.0), body.uniform(0, np.pi)
    inner = blob(body, (0, 0), (radius, radius * squash), angle, 0.035)
    outer = inner * (1 + wall / radius)

    right = body.uniform(2.8, 3.4)  # the direction of the right ventricle
    size = body.uniform(0.85, 1.15) * (1 - 0.16 * systole) * np.sqrt(1 - 0.85 * position**2)
    spot = (0.68 * (radius + wall) + 11 * size) * np.array([np.cos(right), np.sin(right)])
    cavity = blob(body, (0, 0), (25 * size, 29 * size), right - np.pi, 0.07)
    slice_.paint(spot + cavity * (1 + 3 / (27 * size)), MYOCARDIUM, 0.8)
    slice_.paint(spot + cavity, BLOOD)
    slice_.paint(outer, MYOCARDIUM * body.uniform(0.85, 1.25), 0.8)
    slice_.paint(inner, BLOOD * body.uniform(0.95, 1.1))
    # Papillary muscles are strongest in the middle and when contracted.
    strength = np.clip(1.2 - 2.2 * abs(position - 0.55), 0, 1) * (1 + 0.3 * systole)
    for direction in np.array([0.55, 2.0]) + body.normal(0, 0.3, size=2):
        away = radius * body.uniform(0.58, 0.78)
        place = away * np.array([np.cos(direction), np.sin(direction)])
        radii = radius * body.uniform(0.11, 0.2, size=2) * strength
        slice_.paint(blob(body, place, radii, direction, 0.12), body.uniform(0.4, 0.75))
    inside = np.zeros_like(slice_.signal)
    fill(inside, slice_.place(inner), 1.0)
    return inside


def _photograph(slice_, body, rng, size):
    """Turn tissue signal into the gray values of a slice: uint8 [size, size]."""
    signal = cv2.resize(blur(slice_.signal, 1.5), (size, size), interpolation=cv2.INTER_AREA)
    signal *= np.clip(1 + 0.12 * clouds(rng, (size, size), 8, 3), 0.1, 3)
    # Surface coils on the breast: bright near them, darker with depth.
    y, x = np.mgrid[:size, :size].astype(np.float32) / size
    fall, coil = body.uniform(0.4, 1.3), (body.uniform(0.1, 0.5), body.uniform(-0.05, 0.3))
    signal *= np.exp(-fall * (np.hypot(x - coil[0], y - coil[1]) - 0.42))
    # A scanner shows the magnitude of a signal with noise in two channels.
    noise = body.uniform(0.015, 0.04) * rng.standard_normal((2, size, size), dtype=np.float32)
    signal = blur(np.hypot(signal + noise[0], noise[1]), 0.5)
    # Some patients are shown so bright that blood and fat saturate.
    image = (signal - body.uniform(-0.02, 0.045)) / body.uniform(0.55, 1.5) * 255
    # Field of view: round, or with the curved sides that gradient correction leaves.
    radius, side = body.uniform(0.4, 0.5), body.uniform(0.02, 0.1)
    bulge = side * (1 - (2 * y - 1) ** 2)
    round_view = np.hypot(x - 0.5, y - 0.49) < radius
    curved_view = (x > bulge) & (x < 1 - bulge)
    return to_uint8(image * (round_view if body.uniform() < 0.65 else curved_view))
