"""What stands in a made-up outdoor scene: trees, houses, cars, people, animals."""

import cv2
import numpy as np

from .drawing import blob, clouds, filled, stroke

SKY, TREE, ROAD, GRASS, WATER, BUILDING, MOUNTAIN, FOREGROUND = range(8)
UNKNOWN = 255
DARK = np.array([34.0, 32.0, 34.0])


def tree(scene, x, base):
    """A trunk and a crown of leaves, lit from the sun's side."""
    rng, person = scene.rng, max(scene.size_at(base), 14.0)
    tall, crown = person * rng.uniform(2.2, 3.6), person * rng.uniform(0.8, 1.3)
    shadow = blob(rng, (x - scene.sun * crown * 0.4, base), (crown * 1.1, person * 0.16))
    scene.shade(shadow, 0.5, 4)
    height = tall * rng.uniform(0.34, 0.44)
    top = base - tall + 1.1 * crown
    green = np.array([rng.uniform(62, 100), rng.uniform(98, 116), rng.uniform(42, 56)])
    corners = [[x - 1.5 * crown, top - 1.5 * height], [x + 1.5 * crown, base]]
    window, columns, rows = scene.window(corners)
    if min(rows.shape) < 2:
        return
    leaves, clumps = clouds(rng, rows.shape, 4, 2), clouds(rng, rows.shape, crown * 0.6, 4)
    trunk = (np.abs(columns - x) < crown * (0.06 + 0.05 * (rows - top) / tall)) & (rows > top)
    bark = (
        np.array([86, 68, 52])
        * (1 + 0.15 * leaves - 0.4 * scene.sun * (x - columns) / crown)[..., None]
    )
    scene.put(trunk, bark, TREE, window=window)
    u, v = (columns - x) / crown, (rows - top) / height
    leafy = np.hypot(u, v) + 0.13 * clumps + 0.04 * leaves < 1
    light = 0.82 + 0.2 * (scene.sun * u - v) + 0.2 * clumps + 0.15 * leaves
    scene.put(leafy, green * np.clip(light, 0.25, 1.6)[..., None], TREE, window=window)


def building(scene, x, base):
    """Two walls in perspective, each painted flat first and then put in place."""
    rng, person = scene.rng, scene.size_at(base)
    side = 1 if x > scene.vanishing else -1
    floors = int(rng.integers(2, 6))
    tall = person * 1.75 * floors + 0.05 * scene.height
    wide = tall * rng.uniform(0.7, 1.3)
    wall = np.array(rng.choice([[176, 124, 98], [196, 184, 162], [168, 168, 172], [206, 172, 120]]))
    wall = wall * rng.uniform(0.85, 1.1)
    target = np.array([scene.vanishing, scene.horizon])
    front = np.array(
        [[x, base - tall], [x + side * wide, base - tall], [x + side * wide, base], [x, base]]
    )
    shrink = rng.uniform(0.3, 0.55)  # how far the side wall runs towards the vanishing point
    back = front[[0, 3]] + (target - front[[0, 3]]) * shrink
    flank = np.array([back[0], front[0], front[3], back[1]])
    kerb = np.array([0, person * 0.3])
    scene.shade([front[3], front[2], front[2] + kerb, front[3] + kerb], 0.4)
    lit = 1.0 if scene.sun == side else 0.68
    for quad, light, columns in ((flank, 1.68 - lit, 5), (front, lit, int(rng.integers(3, 6)))):
        facade = _facade(rng, wall, floors, columns) * light
        mask = filled(scene.shape, quad)
        corners = np.float32(
            [[0, 0], [facade.shape[1], 0], facade.shape[1::-1], [0, facade.shape[0]]]
        )
        place = cv2.getPerspectiveTransform(corners, np.float32(quad))
        scene.put(mask, cv2.warpPerspective(facade, place, scene.shape[::-1]), BUILDING)
    edge = front[0], (front[0] + front[1]) / 2 - [0, tall * 0.28], front[1]
    if floors < 4:  # a gable roof, else a flat one with a cornice
        roof = np.array([rng.uniform(110, 150), 72, 62]) * (0.6 + 0.5 * lit)
        tiles = roof * (1 + 0.12 * clouds(rng, scene.shape, 5, 2))[..., None]
        slope = [back[0], edge[1] + (target - edge[1]) * shrink, edge[1], front[0]]
        scene.put(filled(scene.shape, slope), tiles, BUILDING)
        scene.put(filled(scene.shape, edge), wall * lit * 0.95, BUILDING)
        stroke(scene.image, edge, (roof * 0.7).tolist(), 4, False)
    else:
        stroke(scene.image, [back[0], front[0], front[1]], (wall * 0.6).tolist(), 5, False)


def _facade(rng, wall, floors, columns):
    """A wall seen straight on: plaster or brick, rows of windows, a door."""
    cell = 48
    height, width = floors * cell, columns * cell
    grain = clouds(rng, (height, width), 60, 5)
    facade = wall * (1 + 0.05 * grain + 0.03 * clouds(rng, (height, width), 2, 1))[..., None]
    if wall[0] > 1.3 * wall[2]:
        facade[::5] *= 0.86
    glass = np.array([70, 86, 104]) * (1 + 0.3 * clouds(rng, (height, width), 40, 2))[..., None]
    frame = np.clip(wall * 1.25, 0, 240)
    door = int(rng.integers(columns))
    for row in range(floors):
        for column in range(columns):
            x, y = column * cell + 13, row * cell + 11
            bottom = y + 26
            if row == floors - 1 and column == door:
                facade[y:height, x - 1 : x + 23] = wall * 0.4
                continue
            facade[y - 3 : bottom + 3, x - 3 : x + 25] = frame
            facade[y:bottom, x : x + 22] = glass[y:bottom, x : x + 22] * rng.uniform(0.7, 1.5)
            facade[y:bottom, x + 10 : x + 12] = frame
            facade[bottom + 3 : bottom + 6, x - 3 : x + 25] *= 0.6
    return facade.astype(np.float32)


class _Figure:
    """Draws the parts of one object; (0, 0) is where it stands, y points up."""

    def __init__(self, scene, x, base, size, number, facing=1.0):
        self.scene, self.origin, self.number = scene, np.array([x, base]), number
        self.unit = np.array([size * facing, -size])
        self.size = size

    def shadow(self, width):
        lean = self.origin - [self.scene.sun * self.size * 0.14, 0]
        radii = self.size * width, max(self.size * 0.05, 1)
        self.scene.shade(blob(self.scene.rng, lean, radii, 0, 0), 0.65, 2.5)

    def oval(self, color, center, radii, tilt=0.0, **look):
        outline = blob(self.scene.rng, center, radii, tilt, 0.01, 40)
        self.part(color, outline, **look)

    def part(self, color, corners, light=0.35, patches=0.0):
        """Fill an outline, brighter above and on the sun's side; `patches`: size of the coat's."""
        scene = self.scene
        points = self.origin + np.asarray(corners) * self.unit
        window, columns, rows = scene.window(points)
        if min(rows.shape) < 2:
            return
        mask = filled(rows.shape, points - [columns[0, 0], rows[0, 0]])
        (left, top), span = points.min(0), np.maximum(np.ptp(points, 0), 1)
        u, v = (columns - left) / span[0] - 0.5, (rows - top) / span[1] - 0.5
        shading = 1 + light * (0.6 * scene.sun * u - 0.8 * v)
        shading *= 1 + 0.04 * clouds(scene.rng, rows.shape, 4, 2)
        if patches:
            shading *= np.where(clouds(scene.rng, rows.shape, patches * self.size) > 0.5, 0.4, 1)
        color = np.asarray(color) * shading[..., None]
        scene.put(mask, color, FOREGROUND, self.number, window)


def car(scene, x, base, number):
    """A car seen from behind."""
    rng = scene.rng
    paint = np.array(
        rng.choice([[170, 40, 36], [36, 66, 130], [200, 200, 204], [56, 60, 66], [188, 146, 60]])
    )
    draw = _Figure(scene, x, base, 0.84 * scene.size_at(base), number)
    draw.shadow(0.86)
    for side in (-0.57, 0.57):
        draw.oval(DARK * 0.7, (side, 0.13), (0.12, 0.15))
    cabin = [(-0.56, 0.55), (-0.45, 0.93), (-0.3, 1.0), (0.3, 1.0), (0.45, 0.93), (0.56, 0.55)]
    draw.part(paint * 0.9, cabin)
    lower = [(-0.72, 0.14), (-0.74, 0.48), (-0.67, 0.6), (-0.5, 0.63)]
    draw.part(paint, lower + [(-a, b) for a, b in lower[::-1]], 0.5)
    draw.part((66, 82, 96), [(-0.46, 0.63), (-0.37, 0.91), (0.37, 0.91), (0.46, 0.63)], 0.9)
    draw.part(paint * 0.7, [(-0.6, 0.35), (-0.6, 0.37), (0.6, 0.37), (0.6, 0.35)])
    for a, b in ((-0.71, -0.52), (0.52, 0.71)):
        draw.part((196, 38, 32), [(a, 0.42), (a, 0.53), (b, 0.53), (b, 0.42)], 0.8)
    draw.part((222, 222, 212), [(-0.2, 0.38), (-0.2, 0.48), (0.2, 0.48), (0.2, 0.38)], 0.1)
    draw.part(DARK * 1.5, [(-0.73, 0.1), (-0.73, 0.23), (0.73, 0.23), (0.73, 0.1)])


def person(scene, x, base, number):
    """A person who stands or walks."""
    rng = scene.rng
    coat = rng.uniform(50, 170) + rng.normal(0, 28, size=3)
    trousers = rng.uniform(35, 90) + np.array([-4, 0, 10])
    skin, hair = np.array([208, 160, 130]) * rng.uniform(0.5, 1.08), rng.uniform(25, 90)
    draw = _Figure(scene, x, base, scene.size_at(base), number, rng.choice([-1.0, 1.0]))
    draw.shadow(0.24)
    step, swing = rng.uniform(0.02, 0.11), rng.uniform(0.0, 0.06)
    for side in (-1, 1):
        foot, shade = side * step, 1 + 0.12 * side
        draw.oval(DARK, (foot + 0.02, 0.014), (0.055, 0.022))
        knee = foot * 0.6 + 0.012
        leg = [(side * 0.04 - 0.055, 0.5), (knee - 0.045, 0.27), (foot - 0.032, 0.02)]
        leg += [(foot + 0.032, 0.02), (knee + 0.045, 0.27), (side * 0.04 + 0.055, 0.5)]
        draw.part(trousers * shade, leg)
    for side in (-1, 1):
        hand = side * 0.14 + swing
        draw.oval(skin, (hand, 0.445), (0.022, 0.03))
        arm = [(side * 0.07, 0.81), (side * 0.12, 0.79), (side * 0.155 + swing / 2, 0.62)]
        arm += [(hand + 0.022, 0.46), (hand - 0.022, 0.46), (side * 0.1 + swing / 2, 0.62)]
        draw.part(coat * 0.85, arm)
    torso = [(-0.105, 0.5), (-0.092, 0.62), (-0.12, 0.77), (-0.09, 0.82), (-0.035, 0.845)]
    draw.part(coat, torso + [(-a, b) for a, b in torso[::-1]], 0.5)
    draw.part(skin * 0.9, [(-0.028, 0.82), (-0.028, 0.88), (0.028, 0.88), (0.028, 0.82)])
    draw.oval((hair, hair * 0.85, hair * 0.7), (-0.006, 0.945), (0.056, 0.062))
    draw.oval(skin, (0.006, 0.92), (0.045, 0.06), light=0.5)


def animal(scene, x, base, number):
    """A cow or a dog from the side."""
    rng = scene.rng
    cow = rng.uniform() < 0.5
    coat = np.array(rng.choice([[150, 98, 58], [72, 62, 56], [214, 202, 184]]))
    coat = coat * rng.uniform(0.85, 1.1)
    size = scene.size_at(base) * (0.85 if cow else 0.45)
    draw = _Figure(scene, x, base, size, number, rng.choice([-1.0, 1.0]))
    draw.shadow(0.75)
    tail = [(-0.6, 0.8), (-0.67, 0.78), (-0.72, 0.5), (-0.74, 0.3), (-0.69, 0.3), (-0.65, 0.55)]
    draw.part(coat * 0.7, tail)
    for a, shade in ((-0.36, 0.6), (0.33, 0.6), (-0.5, 0.9), (0.46, 0.9)):  # far legs first
        leg = [(a - 0.1, 0.6), (a - 0.055, 0.28), (a - 0.045, 0), (a + 0.05, 0), (a + 0.05, 0.28)]
        draw.part(coat * shade, [*leg, (a + 0.11, 0.6)])
    trunk = [(-0.64, 0.62), (-0.62, 0.82), (-0.45, 0.89), (0.1, 0.86), (0.45, 0.9), (0.6, 0.74)]
    trunk += [(0.58, 0.52), (0.42, 0.41), (0.0, 0.37), (-0.3, 0.4), (-0.52, 0.46)]
    draw.part(coat, trunk, 0.75, 0.4 if cow else 0.0)
    draw.part(coat * 0.95, [(0.36, 0.88), (0.66, 1.06), (0.84, 0.92), (0.7, 0.74), (0.54, 0.5)])
    draw.oval(coat, (0.82, 0.97), (0.2, 0.115), -0.45, light=0.6)
    draw.oval(coat * 0.55, (0.95, 0.9), (0.075, 0.07))
    draw.oval(coat * 0.6, (0.66, 1.05), (0.05, 0.1), 0.6 if cow else -0.2)
    draw.oval(DARK, (0.82, 1.01), (0.018, 0.018))
