"""What a made-up outdoor scene is built of: its canvas, houses and trees."""

import cv2
import numpy as np

from ._drawing import blob, blur, clouds, fill, filled, stroke

SKY, TREE, ROAD, GRASS, WATER, BUILDING, MOUNTAIN, FOREGROUND = range(8)
UNKNOWN = 255


class Scene:
    """Picture and labels, painted from back to front."""

    def __init__(self, rng, height, width):
        self.rng, self.height, self.width = rng, height, width
        self.shape = (height, width)
        self.image = np.zeros((height, width, 3), np.float32)
        self.regions = np.full(self.shape, UNKNOWN, np.uint8)
        self.instances = np.zeros(self.shape, np.uint16)
        self.horizon = height * rng.uniform(0.38, 0.52)
        self.vanishing = width * rng.uniform(0.3, 0.7)
        self.shore = np.full(width, self.horizon)
        self.sun = rng.choice([-1.0, 1.0])  # the side the light comes from
        self.haze = np.array([205, 218, 230], np.float32) * rng.uniform(0.85, 1.05)

    def window(self, points, margin=0):
        """Slices of the part of the picture that an outline needs, and its (x, y) grid."""
        points = np.asarray(points)
        high = np.array([self.width, self.height])
        first = np.clip(np.floor(points.min(0)) - margin, 0, high).astype(int)
        last = np.clip(np.ceil(points.max(0)) + margin + 1, first, high).astype(int)
        rows, columns = np.mgrid[first[1] : last[1], first[0] : last[0]].astype(np.float32)
        return np.s_[first[1] : last[1], first[0] : last[0]], columns, rows

    def put(self, mask, colour, region=None, instance=0, window=np.s_[:, :]):
        """Colour (one, or one a pixel) and label where `mask` is set."""
        np.copyto(self.image[window], np.asarray(colour, np.float32), where=mask[..., None])
        if region is not None:
            np.copyto(self.regions[window], region, where=mask)
            np.copyto(self.instances[window], instance, where=mask)

    def shade(self, points, strength, softness=3.0):
        """Cast a soft shadow: multiply the picture inside an outline."""
        window, columns, rows = self.window(points, int(4 * softness))
        if rows.size:
            dark = np.zeros(rows.shape, np.float32)
            fill(dark, np.asarray(points) - [columns[0, 0], rows[0, 0]], strength)
            self.image[window] *= (1 - blur(dark, softness))[..., None]

    def shore_at(self, x):
        """Row down to which there is water in column `x`."""
        return self.shore[int(np.clip(x, 0, self.width - 1))]

    def size_at(self, y):
        """Height in pixels of a person who stands at row `y`."""
        return 0.62 * (y - self.horizon)


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
