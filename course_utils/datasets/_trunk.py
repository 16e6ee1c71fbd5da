"""What lies around the heart in a made-up MR slice: chest wall, lungs, belly."""

import numpy as np

from ._drawing import blob, fill, filled, stroke, wander

SIDE = 256  # the anatomy below is written in pixels of a 256 × 256 slice
# Signal relative to blood, as balanced steady-state sequences show it.
BLOOD, MYOCARDIUM, FAT, MUSCLE, LIVER, LUNG, EDGE = 1.0, 0.34, 1.35, 0.3, 0.42, 0.03, 0.1


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
    """Rotate an outline about the centre of the heart by the patient's own angle."""
    cos, sin = np.cos(heart["turn"]), np.sin(heart["turn"])
    return (points - heart["centre"]) @ np.array([[cos, sin], [-sin, cos]]) + heart["centre"]


def paint_trunk(tissues, body, heart, position, grey_fat):
    """Skin, fat, muscle, lungs with vessels, and the organs below the diaphragm."""
    x, y = heart["centre"]
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
    _paint_abdomen(tissues, body, heart, middle[0], position, grey_fat)
    tissues.restore_outside(before, lung)


def _paint_lung_vessels(tissues, body, heart):
    """Twigs that start at the root of the lung and spread towards its rim."""
    for _ in range(34):
        angle, away = body.uniform(-1.9, 0.9), body.uniform(1.0, 2.6) * 40
        start = heart["centre"] + away * np.array([np.cos(angle), np.sin(angle)])
        bend = angle + np.cumsum(body.normal(0, 0.35, size=5))
        steps = np.stack([np.cos(bend), np.sin(bend)], 1) * body.uniform(0.5, 2.6)
        twig = start + np.cumsum(steps, 0)
        tissues.line(twig, body.uniform(0.08, 0.6), body.uniform(0.4, 1.4))


def _paint_abdomen(tissues, body, heart, middle, position, grey_fat):
    """Liver, stomach, spleen, bowel and aorta in fat; the diaphragm bounds them above."""
    x, y = heart["centre"]
    floor = y + body.uniform(31, 39) - 5 * position  # rises towards the apex
    s = np.linspace(-1, 1, 60)
    dome = np.stack([middle + s * 150, floor + body.uniform(20, 60) * (s - 0.1) ** 2], 1)
    dome[:, 1] += wander(body, s, 2.5)
    corners = [[middle + 150, 420], [middle - 150, 420]]
    dome = _turned(dome, heart)
    tissues.paint([*dome, *_turned(np.array(corners), heart)], FAT * grey_fat * 0.7, 0.16)
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
