"""A made-up outdoor scene with the three kinds of label of the Stanford Background data."""

import cv2
import numpy as np

from .drawing import blob, blur, clouds, fill, filled, to_uint8

SKY, TREE, ROAD, GRASS, WATER, BUILDING, MOUNTAIN, FOREGROUND = range(8)
UNKNOWN = 255
SURFACE_OF = np.array([0, 2, 1, 1, 1, 2, 2, 2], np.uint8)  # 0 sky, 1 horizontal, 2 vertical
# How strongly the surface of each region is mottled.
TEXTURE_OF = np.array([0.01, 0.16, 0.06, 0.14, 0.05, 0.09, 0.16, 0.08], np.float32)
WALLS = [[176, 124, 98], [196, 184, 162], [150, 152, 158], [206, 172, 120], [120, 128, 112]]
COATS = [[170, 40, 36], [36, 66, 130], [200, 200, 204], [56, 60, 66], [188, 146, 60]]
COLORS = {"dark": (36, 34, 38), "glass": (78, 94, 110), "lamp": (196, 44, 36)}
COLORS["skin"] = (200, 150, 120)
# Parts of cars and people from back to front: color and the left half of the outline; (0, 0) is
# where they stand, y points up, and a person is 1 tall.
PARTS = {
    "car": [
        ("dark", [(-0.6, 0.0), (-0.6, 0.2)]),
        ("coat", [(-0.61, 0.1), (-0.63, 0.4), (-0.47, 0.52), (-0.36, 0.84)]),
        ("glass", [(-0.39, 0.53), (-0.3, 0.77)]),
        ("lamp", [(-0.6, 0.34), (-0.6, 0.43)]),
        ("coat", [(-0.42, 0.34), (-0.42, 0.43)]),
        ("dark", [(-0.17, 0.29), (-0.17, 0.37)]),
    ],
    "person": [
        ("dark", [(-0.11, 0.0), (-0.1, 0.5), (-0.02, 0.5), (-0.03, 0.0)]),
        ("coat", [(-0.11, 0.48), (-0.18, 0.5), (-0.14, 0.78), (-0.05, 0.85)]),
        ("skin", [(-0.03, 0.82), (-0.06, 0.9), (-0.05, 0.97), (-0.02, 1.0)]),
        ("dark", [(-0.06, 0.93), (-0.055, 0.98), (-0.02, 1.01)]),
    ],
}


def outdoor_scene(rng, height=240, width=320):
    """Draw a made-up outdoor scene and its labels.

    Parameters
    ----------
    rng : numpy.random.Generator
    height, width : int
        In pixels.

    Returns
    -------
    image : ndarray, uint8 [height, width, 3]
        Red, green, blue.
    regions : ndarray, uint8 [height, width]
        0 sky, 1 tree, 2 road, 3 grass, 4 water, 5 building, 6 mountain, 7 foreground object,
        255 unknown (patches of the borders between regions).
    surfaces : ndarray, uint8 [height, width]
        0 sky, 1 horizontal, 2 vertical, 255 unknown.
    instances : ndarray, uint16 [height, width]
        0 where there is no foreground object, 1…n in the objects, the farthest first.
    """
    scene = Scene(rng, height, width)
    _draw_landscape(scene)
    if rng.uniform() < 0.75:
        _draw_road(scene)
    _draw_things(scene)
    image, regions = _photograph(scene), scene.regions
    # The objects that can be seen get the numbers 1…n.
    instances = np.unique(scene.instances, return_inverse=True)[1].reshape(scene.shape)
    surfaces = SURFACE_OF[regions]
    kernel = np.ones((3, 3), np.uint8)
    border = cv2.dilate(regions, kernel) != cv2.erode(regions, kernel)
    unknown = border & (clouds(rng, regions.shape, 18, 2) > 0.3)
    regions[unknown] = surfaces[unknown] = UNKNOWN
    return image, regions, surfaces, instances.astype(np.uint16)


class Scene:
    """Picture and labels, painted from back to front."""

    def __init__(self, rng, height, width):
        self.rng, self.shape = rng, (height, width)
        self.image = np.zeros((height, width, 3), np.float32)
        self.regions = np.full(self.shape, SKY, np.uint8)
        self.instances = np.zeros(self.shape, np.uint16)
        self.rows, self.columns = np.mgrid[:height, :width].astype(np.float32)
        self.horizon = height * rng.uniform(0.35, 0.55)
        self.vanishing = np.array([width * rng.uniform(0.25, 0.75), self.horizon])
        self.shore = np.full(width, self.horizon)  # the row down to which there is water
        self.road = None  # points (x, y) of its middle, and half its width at each
        self.sun = rng.choice([-1.0, 1.0])  # the side the light comes from

    def put(self, mask, color, region):
        """Color (one, or one per pixel) and label where `mask` is set."""
        np.copyto(self.image, np.asarray(color, np.float32), where=mask[..., None])
        self.regions[mask], self.instances[mask] = region, 0

    def paint(self, points, color, region=None, number=0):
        """Fill an outline with one color, and label it unless it belongs to what is there."""
        fill(self.image, points, np.asarray(color).tolist())
        if region is not None:
            fill(self.regions, points, region)
            self.instances[filled(self.shape, points)] = number

    def shade(self, x, y, wide, high):
        """Cast a soft oval shadow."""
        dark = np.zeros(self.shape, np.float32)
        fill(dark, blob(self.rng, (x - self.sun * wide / 4, y), (wide, high)), 0.5)
        self.image *= (1 - blur(dark, 2))[..., None]


def _draw_landscape(scene):
    """Sky, mountains, a line of trees, grass and a lake, some of them in some scenes only."""
    rng, (height, width) = scene.rng, scene.shape
    haze = np.array([205, 214, 226], np.float32) * rng.uniform(0.75, 1.05)
    down = np.clip(scene.rows / scene.horizon, 0, 1)[..., None]
    blue = rng.uniform([70, 120, 175], [150, 165, 225])
    cover = clouds(rng, scene.shape, width / 3, 5) - rng.uniform(-0.5, 1.2)
    white = 0.85 * np.clip(cover, 0, 1)[..., None]
    scene.image[:] = (blue + (haze - blue) * down) * (1 - white) + haze * 1.1 * white
    if rng.uniform() < 0.4:
        ridge = np.abs(clouds(rng, (2, width), width / 3, 6)[0]) + 0.4
        top = scene.horizon - height * rng.uniform(0.06, 0.16) * ridge
        spurs = clouds(rng, scene.shape, 40, 4)  # one side of each is lit
        light = np.clip(1 + 0.8 * scene.sun * (spurs - np.roll(spurs, 3, axis=1)), 0.5, 1.4)
        rock = rng.uniform([80, 95, 80], [125, 115, 125]) * light[..., None]
        scene.put(scene.rows > top, rock * 0.65 + haze * 0.35, MOUNTAIN)
    top = scene.horizon + 2 - 0.03 * height * (clouds(rng, (2, width), 60, 6)[0] + 0.8)
    green = np.array([52, 72, 50]) * rng.uniform(0.7, 1.2)
    scene.put(scene.rows > top, green + haze * 0.25, TREE)
    # Patches of grass, green or dry, lie flatter than they are wide; so do ripples.
    patches = cv2.resize(clouds(rng, (height, width // 4), 30, 3), (width, height))
    grass = rng.uniform([85, 115, 45], [150, 140, 75]) * (1 + 0.12 * patches)[..., None]
    scene.put(scene.rows > scene.horizon, grass, GRASS)
    if rng.uniform() < 0.35:
        line = rng.uniform(0.08, 0.25) + 0.02 * clouds(rng, (2, width), 80)[0]
        scene.shore = scene.horizon + height * line
        ripples = cv2.resize(clouds(rng, (height, width // 6), 6, 3), (width, height))
        water = (blue + haze) * rng.uniform(0.25, 0.42) * (1 + 0.12 * ripples)[..., None]
        wet = (scene.rows > scene.horizon) & (scene.rows < scene.shore)
        scene.put(wet, water, WATER)


def _draw_road(scene):
    """A road of asphalt or earth that bends on its way to the vanishing point."""
    rng, (height, width) = scene.rng, scene.shape
    near = np.linspace(0, 1, 60)
    reach, bend = width * rng.uniform(0.1, 0.9) - scene.vanishing[0], rng.normal(0, 0.18) * width
    x = scene.vanishing[0] + reach * near + bend * near * (1 - near)
    middle = np.stack([x, scene.horizon + 1 + near * (height - scene.horizon)], 1)
    half = width * rng.uniform(0.2, 0.42) * near + 1
    surface = np.array([142, 122, 98] if rng.uniform() < 0.3 else [112, 112, 116])
    surface = surface * rng.uniform(0.75, 1.2)
    for share, light in ((1.1, 1.2), (1, 1), (0.03, 1.8)):  # verge, road, line in the middle
        across = np.stack([share * half, np.zeros(60)], 1)
        scene.paint([*(middle - across), *(middle + across)[::-1]], surface * light, ROAD)
    scene.road = middle, half


def _draw_things(scene):
    """Houses and trees along the sides, cars and people: the far ones first."""
    rng, (height, width) = scene.rng, scene.shape
    things = [(near, "object") for near in rng.uniform(0.22, 0.8, rng.integers(3, 8))]
    things += [(near, "tree") for near in rng.uniform(0.05, 0.42, rng.integers(0, 7))]
    things += [(near, "building") for near in rng.uniform(0.06, 0.3, rng.integers(0, 3))]
    for number, (near, kind) in enumerate(sorted(things), 1):
        base = scene.horizon + near * (height - scene.horizon)
        if kind == "object" and scene.road and rng.uniform() < 0.4:
            middle, half = scene.road
            lane = middle[:, 0] + half * rng.choice([-0.5, 0.5])
            _draw_object(scene, "car", np.interp(base, middle[:, 1], lane), base, number)
            continue
        aside = rng.choice([-1, 1]) * width * (rng.uniform(0.2, 0.5) + 0.55 * near)
        x = rng.uniform(0.08, 0.92) * width if kind == "object" else scene.vanishing[0] + aside
        shore = scene.shore[int(np.clip(x, 0, width - 1))]
        base = max(base, shore + 0.03 * height)  # nobody stands in the water
        if kind == "object":
            _draw_object(scene, "person", x, base, number)
        else:
            {"tree": _draw_tree, "building": _draw_building}[kind](scene, x, base)


def _size_at(scene, row):
    """Height in pixels of a person who stands at a row."""
    return 0.62 * (row - scene.horizon)


def _draw_object(scene, kind, x, base, number):
    """A car or a person, with its shadow."""
    rng = scene.rng
    size = _size_at(scene, base) * rng.uniform(0.85, 1.1)
    scene.shade(x, base, size * (0.2 if kind == "person" else 0.7), size * 0.06)
    coat = np.array(rng.choice(COATS)) * rng.uniform(0.6, 1.15)
    for part, left in PARTS[kind]:
        outline = np.array([*left, *((-u, v) for u, v in reversed(left))])
        color = coat if part == "coat" else COLORS[part]
        scene.paint(np.array([x, base]) + outline * [size, -size], color, FOREGROUND, number)


def _draw_tree(scene, x, base):
    """A trunk and a crown of leaves, lit from the sun's side."""
    rng = scene.rng
    size = max(_size_at(scene, base), 8.0)
    tall, crown = size * rng.uniform(2.0, 3.6), size * rng.uniform(0.7, 1.3)
    scene.shade(x, base, crown, size * 0.16)
    trunk = [(x - 0.06 * crown, base), (x, base - tall), (x + 0.06 * crown, base)]
    scene.paint(trunk, np.array([84, 68, 54]) * rng.uniform(0.7, 1.1), TREE)
    # From fresh green to the leaves of autumn.
    green = rng.uniform([50, 80, 36], [130, 118, 60])
    clumps = clouds(rng, scene.shape, crown * 0.6, 4)
    u, v = (scene.columns - x) / crown, (scene.rows - base + 0.65 * tall) / (0.45 * tall)
    light = np.clip(0.85 + 0.2 * (scene.sun * u - v) + 0.25 * clumps, 0.3, 1.6)
    scene.put(np.hypot(u, v) + 0.15 * clumps < 1, green * light[..., None], TREE)


def _draw_building(scene, x, base):
    """A front, and a side that runs to the vanishing point, both with windows."""
    rng = scene.rng
    side = 1 if x > scene.vanishing[0] else -1
    floors = int(rng.integers(2, 6))
    tall = _size_at(scene, base) * 1.7 * floors + 0.05 * scene.shape[0]
    wide = side * tall * rng.uniform(0.7, 1.3)
    color = np.array(rng.choice(WALLS)) * rng.uniform(0.75, 1.15)
    front = np.array([(x, base - tall), (x + wide, base - tall), (x + wide, base), (x, base)])
    back = front + (scene.vanishing - front) * rng.uniform(0.3, 0.55)
    flank = np.stack([back[0], front[0], front[3], back[3]])
    lit = 1.0 if scene.sun == side else 0.7
    for wall, light, columns in ((flank, 1.6 - lit, 4), (front, lit, int(rng.integers(3, 6)))):
        scene.paint(wall, color * light, BUILDING)
        for row, column in np.ndindex(floors, columns):
            left, top = (column + 0.28) / columns, (row + 0.22) / floors
            across = np.array([left, left + 0.44 / columns])[:, None]
            upper, lower = (wall[a] + across * (wall[b] - wall[a]) for a, b in ((0, 1), (3, 2)))
            pane = [upper + v * (lower - upper) for v in (top, top + 0.5 / floors)]
            glass = np.array(COLORS["glass"]) * rng.uniform(0.6, 1.4)
            scene.paint([*pane[0], *pane[1][::-1]], glass)


def _photograph(scene):
    """Mottled surfaces, light of the day, a lens that darkens the corners, noise: uint8."""
    rng, shape = scene.rng, scene.shape
    image = scene.image * (1 + TEXTURE_OF[scene.regions] * clouds(rng, shape, 6, 3))[..., None]
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j].astype(np.float32)
    image *= rng.uniform(0.85, 1.2) * (1 + rng.normal(0, 0.03, size=3).astype(np.float32))
    image *= ((1 - 0.12 * (x**2 + y**2)) * (1 + 0.07 * clouds(rng, shape, shape[1] / 2)))[..., None]
    image = 255 * np.clip(blur(image, 0.6) / 255, 0, None) ** rng.uniform(0.85, 1.15)
    return to_uint8(image + rng.normal(0, 5, size=image.shape))
