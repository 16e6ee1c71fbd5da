"""A made-up cardiac MR slice: short axis through the left ventricle.

The slice is made as a scanner makes one: a map of tissues with their signal, the coil's uneven
sensitivity, noise and a bounded k-space (which blurs and rings), the magnitude (which makes the
noise Rician), and at last the radiologist's window of gray values.
"""

import cv2
import numpy as np

from .drawing import blob, blur, clouds, fill, filled, stroke, to_uint8, wander

SIDE = 256  # the anatomy below is written in pixels of a 256 × 256 slice
# Signal relative to blood, as balanced steady-state sequences show it.
BLOOD, MYOCARDIUM, FAT, MUSCLE, LIVER, LUNG, EDGE = 1.0, 0.34, 1.35, 0.3, 0.42, 0.03, 0.1
OVERSAMPLING = 2  # tissues are drawn this much finer than the slice


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
    tissues = Tissues(size * OVERSAMPLING / SIDE)
    heart = _heart_geometry(body, position, systole)
    gray_fat = body.uniform(0.75, 1.3)
    _paint_trunk(tissues, body, heart, position, gray_fat)
    _paint_heart(tissues, body, heart, position, systole)
    inside = np.zeros_like(tissues.signal)
    fill(inside, heart["endocardium"] * tissues.scale, 1.0)
    layers = _bend(body, tissues.scale, tissues.signal, tissues.mottle, inside)
    image = _acquire(*layers[:2], body, rng, size)
    mask = cv2.resize(layers[2], (size, size), interpolation=cv2.INTER_AREA) >= 0.5
    return image, mask.astype(np.uint8)


class Tissues:
    """Canvas of tissue signal and of how strongly each tissue is mottled."""

    def __init__(self, scale):
        side = round(SIDE * scale)
        self.scale = scale
        self.signal = np.full((side, side), 0.01, np.float32)
        self.mottle = np.zeros((side, side), np.float32)

    def paint(self, points, signal, mottle=0.08, edge=0.0, edge_signal=EDGE):
        """Fill an outline; `edge` is the width of the dark rim between water and fat."""
        points = np.asarray(points) * self.scale
        fill(self.signal, points, signal)
        fill(self.mottle, points, mottle)
        if edge:
            stroke(self.signal, points, edge_signal, edge * self.scale)

    def copy(self):
        return self.signal.copy(), self.mottle.copy()

    def restore_outside(self, before, points):
        """Undo what was painted since `before` outside an outline."""
        outside = ~filled(self.signal.shape, np.asarray(points) * self.scale)
        self.signal[outside], self.mottle[outside] = before[0][outside], before[1][outside]

    def line(self, points, signal, width=1.0):
        stroke(self.signal, np.asarray(points) * self.scale, signal, width * self.scale, False)


def _turned(points, heart):
    """Rotate an outline about the center of the heart by the patient's own angle."""
    cos, sin = np.cos(heart["turn"]), np.sin(heart["turn"])
    return (points - heart["center"]) @ np.array([[cos, sin], [-sin, cos]]) + heart["center"]


def _paint_trunk(tissues, body, heart, position, gray_fat):
    """Skin, fat, muscle, lungs with vessels, and the organs below the diaphragm."""
    x, y = heart["center"]
    theta = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    direction = np.stack([np.cos(theta), np.sin(theta)], 1)
    middle = np.array([x + body.uniform(4, 16), y + body.uniform(48, 64)])
    half_axes = body.uniform(104, 138), body.uniform(128, 165)
    breast = body.normal(-2.3, 0.12)  # the front of the chest, up and to the left, is flat
    flat = body.uniform(106, 136) / np.maximum(np.cos(theta - breast), 0.05)
    ellipse = np.hypot(direction[:, 0] / half_axes[0], direction[:, 1] / half_axes[1]) ** -1
    skin = (ellipse**-8 + flat**-8) ** (-1 / 8) * (1 + wander(body, theta, 0.015))
    front = np.exp(2.5 * (np.cos(theta - breast - body.normal(0, 0.4)) - 1))
    fat = body.uniform(6, 15) + body.uniform(0, 18) * front + wander(body, theta, 3.0)
    muscle = body.uniform(5, 9) + body.uniform(0, 9) * front
    muscle = muscle * (1 + wander(body, theta, 0.35, orders=(3, 5, 8, 13)))
    fat, muscle = np.maximum(fat, 3), np.maximum(muscle, 3)
    cavity = skin - fat - muscle

    def ring(radius):
        return _turned(middle + direction * radius[:, None], heart)

    tissues.paint(ring(skin), FAT, 0.1)
    tissues.paint(ring(skin - fat), MUSCLE, 0.4, 1.0)
    for depth in body.uniform(0.15, 0.85, size=5):  # fat between the layers of muscle
        part = np.arange(body.integers(25, 70)) + body.integers(240)
        layer = ring(cavity + muscle * (depth + wander(body, theta, 0.12)))[part % 240]
        tissues.line(layer, FAT * body.uniform(0.4, 1), body.uniform(0.8, 2.5))
    for angle in body.uniform(-2.9, 0.6, size=8):  # ribs: marrow with a dark rim
        k = int(angle / (2 * np.pi) * 240) % 240
        rib = blob(body, ring(cavity + muscle * 0.45)[k], (5.5, 2.8), angle + np.pi / 2, 0.08)
        tissues.paint(rib, body.uniform(0.35, 0.8), 0.2, 1.2)
    tissues.paint(ring(cavity), FAT * body.uniform(0.3, 0.9), 0.15, 1.0)
    lung = ring(cavity - np.maximum(body.uniform(0.5, 2.5) + wander(body, theta, 1.5), 0))
    tissues.paint(lung, LUNG, 0.6, 1.2)
    before = tissues.copy()
    _paint_lung_vessels(tissues, body, heart)
    tissues.restore_outside(before, lung)
    cushion = blob(body, [x - 40, y - 22], (34, 24), body.normal(-0.8, 0.2), 0.1)
    tissues.paint(_turned(cushion, heart), FAT * body.uniform(0.4, 1.0), 0.15, 1.0)
    tissues.restore_outside(before, lung)
    _paint_abdomen(tissues, body, heart, middle[0], position, gray_fat)
    tissues.restore_outside(before, lung)


def _paint_lung_vessels(tissues, body, heart):
    """Twigs that start at the root of the lung and spread towards its rim."""
    for _ in range(34):
        angle, away = body.uniform(-1.9, 0.9), body.uniform(1.0, 2.6) * 40
        start = heart["center"] + away * np.array([np.cos(angle), np.sin(angle)])
        bend = angle + np.cumsum(body.normal(0, 0.35, size=5))
        steps = np.stack([np.cos(bend), np.sin(bend)], 1) * body.uniform(0.5, 2.6)
        twig = start + np.cumsum(steps, 0)
        tissues.line(twig, body.uniform(0.08, 0.6), body.uniform(0.4, 1.4))


def _paint_abdomen(tissues, body, heart, middle, position, gray_fat):
    """Liver, stomach, spleen, bowel and aorta in fat; the diaphragm bounds them above."""
    x, y = heart["center"]
    floor = y + body.uniform(31, 39) - 5 * position  # rises towards the apex
    s = np.linspace(-1, 1, 60)
    dome = np.stack([middle + s * 150, floor + body.uniform(20, 60) * (s - 0.1) ** 2], 1)
    dome[:, 1] += wander(body, s, 2.5)
    corners = [[middle + 150, 420], [middle - 150, 420]]
    dome = _turned(dome, heart)
    tissues.paint([*dome, *_turned(np.array(corners), heart)], FAT * gray_fat * 0.7, 0.16)
    tissues.line(dome, EDGE, 1.4)
    for _ in range(50):  # bowel loops, kidneys and vessels, each with wall and content
        spot = [middle + body.uniform(-100, 100), floor + body.uniform(22, 125)]
        radii, angle = body.uniform(4, 15, size=2), body.uniform(0, np.pi)
        wall, content = body.choice([0.08, 0.2, 0.32, 0.42, 0.55, 0.9], size=2)
        tissues.paint(blob(body, spot, radii, angle, 0.12), wall, 0.25, 1.2)
        tissues.paint(blob(body, spot, radii * 0.6, angle, 0.25), content, 0.3)
    for _ in range(10):  # folds of the mesentery
        start = np.array([middle + body.uniform(-90, 90), floor + body.uniform(20, 110)])
        bend = body.uniform(0, 2 * np.pi) + np.cumsum(body.normal(0, 0.35, size=8))
        fold = start + np.cumsum(np.stack([np.cos(bend), np.sin(bend)], 1) * 2.5, 0)
        tissues.line(fold, body.choice([0.15, 0.3, FAT]), body.uniform(0.8, 1.6))
    spleen = [x + body.uniform(55, 78), floor + body.uniform(26, 44)]
    radii = body.uniform(12, 19), body.uniform(24, 36)
    outline = blob(body, spleen, radii, body.normal(0.4, 0.2), 0.08)
    tissues.paint(outline, LIVER * body.uniform(0.9, 1.3), 0.06, 1.3)
    stomach = [x + body.uniform(8, 45), floor + body.uniform(14, 24)]
    radii = np.array([body.uniform(17, 32), body.uniform(10, 18)])
    tilt = body.normal(0.1, 0.25)
    tissues.paint(blob(body, stomach, radii, tilt, 0.08), LIVER * 0.9, 0.15, 1.3)
    content = blob(body, stomach, radii * 0.72, tilt, 0.14)
    tissues.paint(content, body.choice([0.08, 0.3, 0.6, 0.85]), 0.4)
    liver = np.array([x - body.uniform(22, 48), floor + body.uniform(12, 20)])
    radii, tilt = (body.uniform(38, 56), body.uniform(16, 27)), body.normal(-0.2, 0.12)
    tissues.paint(blob(body, liver, radii, tilt, 0.08), LIVER, 0.06, 1.3)
    for _ in range(14):
        spot = liver + body.uniform(-0.55, 0.55, size=2) * radii
        vessel = blob(body, spot, body.uniform(0.6, 2.4, size=2), body.uniform(0, np.pi), 0.1)
        tissues.paint(vessel, LIVER * body.uniform(1.2, 2.0), 0.05)
    aorta = [x + body.uniform(-5, 40), floor + body.uniform(6, 16)]
    tissues.paint(blob(body, aorta, (8.5, 8), 0, 0.03), BLOOD * 0.9, 0.06, 1.3)


def _heart_geometry(body, position, systole):
    """Center, axes and outlines of the left ventricle in pixels of a 256 × 256 slice."""
    center = np.array([132, 127]) + body.normal(0, 5, size=2) + position * body.normal(0, 4, size=2)
    full_radius = np.clip(body.normal(27.5, 3.8), 19, 32)
    ejection = body.uniform(0.15, 0.4)
    wall = body.uniform(6.5, 10.5)
    tip = body.uniform(0.93, 0.985)  # how near the last slice comes to the apex
    radius = full_radius * np.sqrt(1 - (position * tip) ** 2) * (1 - ejection * systole)
    wall = wall * (1 + 0.45 * systole) * (1 - 0.2 * position)
    squash, angle = body.uniform(0.88, 1.0), body.uniform(0, np.pi)
    shape = body.bit_generator.state  # inner and outer border wander alike
    endocardium = blob(body, center, (radius, radius * squash), angle, 0.035)
    body.bit_generator.state = shape
    outer = (radius + wall, radius * squash + wall)
    epicardium = blob(body, center, outer, angle, 0.025)
    return {
        "center": center,
        "radius": radius,
        "outer": radius + wall,
        "endocardium": endocardium,
        "epicardium": epicardium,
        "turn": body.normal(0, 0.26),
    }


def _paint_heart(tissues, body, heart, position, systole):
    """Epicardial fat, right ventricle, myocardium, left ventricle with papillary muscles."""
    center, outer, radius = heart["center"], heart["outer"], heart["radius"]

    def at(angle, distance):
        angle = angle + heart["turn"]
        return center + distance * np.array([np.cos(angle), np.sin(angle)])

    towards_right = np.pi + body.normal(-0.1, 0.12)  # from the left to the right ventricle
    size = body.uniform(0.85, 1.15) * (1 - 0.16 * systole) * np.sqrt(1 - 0.85 * position**2)
    rv_center = at(towards_right, outer * 0.68 + 11 * size)
    rv_radii = np.array([25 * size, 29 * size])
    tilt = towards_right - np.pi + heart["turn"] + body.normal(0, 0.15)
    for angle in body.uniform(1.6, 4.9, size=5):  # lobes of fat around the heart
        spot = at(angle, outer * 0.8 + body.uniform(6, 18) * size)
        lobe = blob(body, spot, (16, 10), angle + np.pi / 2, 0.06)
        tissues.paint(lobe, FAT * body.uniform(0.6, 1), 0.12)
    cavity = blob(body, rv_center, rv_radii, tilt, 0.07)
    coats = ((5, FAT * 0.9, 0.2), (2.4, MYOCARDIUM * 0.9, 0.3), (0, BLOOD, 0.14))
    for grow, signal, mottle in coats:
        if grow:  # the left ventricle wears the outer coats too
            left = center + (heart["epicardium"] - center) * (1 + (grow - 2.4) * 0.55 / outer)
            tissues.paint(left, signal, mottle, 0.8 * (grow > 4))
        tissues.paint(rv_center + (cavity - rv_center) * (1 + grow / rv_radii[1]), signal, mottle)
    for _ in range(6):  # trabeculae of the right ventricle
        spot = rv_center + body.uniform(-0.8, 0.8, size=2) * rv_radii
        tissues.paint(blob(body, spot, body.uniform(0.8, 2.6, size=2), 0, 0.2), 0.6, 0.2)
    # At the base the great vessels leave the heart: round, bright, with thin walls.
    for angle, distance in ((-2.0, 0.7), (-2.5, 1.25)):
        spot = at(angle + body.normal(0, 0.15), outer + 12 * distance)
        width = body.uniform(8, 12) * np.clip(1.1 - 4 * position, 0.0, 1.0)
        outline = blob(body, spot, (width, width), 0, 0.03)
        if width > 3:
            tissues.paint(outline, BLOOD, 0.08, 1.5, MYOCARDIUM)
    tissues.paint(heart["epicardium"], MYOCARDIUM * body.uniform(0.85, 1.25), 0.12)
    tissues.paint(heart["endocardium"], BLOOD * body.uniform(0.95, 1.1), 0.11)
    # Papillary muscles and trabeculae: strongest in the middle and when contracted.
    strength = np.clip(1.2 - 2.2 * abs(position - 0.55), 0, 1) * (1 + 0.3 * systole)
    for angle in (0.55, 2.0):
        spot = at(angle + body.normal(0, 0.3), radius * body.uniform(0.58, 0.78))
        radii = radius * body.uniform(0.11, 0.2, size=2) * strength
        shade, outline = body.uniform(0.4, 0.75), blob(body, spot, radii, angle, 0.12)
        if radii.min() > 0.8:
            tissues.paint(outline, shade, 0.15)
    for _ in range(16):
        spot = at(body.uniform(0, 2 * np.pi), radius * body.uniform(0.86, 1.02))
        radii = body.uniform(0.5, 1.0 + 1.4 * strength, size=2)
        tissues.paint(blob(body, spot, radii, 0, 0.1), body.uniform(0.4, 0.8), 0.1)


def _bend(body, scale, *layers):
    """Shift each pixel a little and smoothly, so that no outline stays a drawn curve."""
    shape = layers[0].shape
    shift = [
        0.8 * scale * clouds(body, shape, 20 * scale, 1)
        + 0.35 * scale * clouds(body, shape, 7 * scale, 1)
        for _ in range(2)
    ]
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    x, y = columns + shift[0], rows + shift[1]
    return [cv2.remap(layer, x, y, cv2.INTER_LINEAR) for layer in layers]


def _acquire(signal, mottle, body, rng, size):
    """Turn tissue signal into the gray values of a slice: uint8 [size, size]."""
    unit, scale = size / SIDE, signal.shape[0] / SIDE
    grain = 0.9 * clouds(rng, signal.shape, 16 * scale, 4)
    grain += 0.3 * clouds(rng, signal.shape, 3, 1)
    signal = blur(signal * np.clip(1 + mottle * grain, 0.1, 3), 0.5 * scale)
    signal = cv2.resize(signal, (size, size), interpolation=cv2.INTER_AREA)
    # Surface coils on the breast: bright near them, darker with depth.
    rows, columns = np.mgrid[:size, :size].astype(np.float32) / size
    coil = np.array([body.uniform(0.1, 0.5), body.uniform(-0.05, 0.3)])
    distance = np.hypot(columns - coil[0], rows - coil[1])
    fall = body.uniform(0.4, 1.3)
    signal *= np.exp(-fall * (distance - 0.42)) * (
        1 + 0.05 * clouds(body, (size, size), size / 2, 1)
    )
    # Noise in both channels; a bounded, fully sampled ellipse of k-space; the magnitude.
    noise = body.uniform(0.012, 0.035)
    channels = rng.standard_normal((2, size, size), dtype=np.float32) * noise
    k_space = np.fft.fftshift(np.fft.fft2(signal + channels[0] + 1j * channels[1]))
    reach = np.hypot((columns - 0.5) / body.uniform(0.38, 0.48), (rows - 0.5) / 0.48)
    k_space *= 1 / (1 + np.exp((reach - 1) / 0.03))
    signal = np.abs(np.fft.ifft2(np.fft.ifftshift(k_space))).astype(np.float32)
    # Window: some patients are shown so bright that blood and fat saturate.
    white = body.uniform(0.65, 1.8)
    image = (signal - body.uniform(-0.02, 0.045)) / white * 255
    # Field of view: round, or with the curved sides that gradient correction leaves.
    round_view = body.uniform() < 0.65
    radius, side = body.uniform(102, 127) * unit, body.uniform(4, 26) * unit
    view_center = (np.array([128, 126]) + body.normal(size=2) * 4) * unit
    x, y = columns * size, rows * size
    inside_round = np.hypot(x - view_center[0], y - view_center[1]) < radius
    bulge = side * (1 - (2 * rows - 1) ** 2)
    inside_curved = (x > bulge) & (x < size - 1 - bulge)
    return to_uint8(image * (inside_round if round_view else inside_curved))
