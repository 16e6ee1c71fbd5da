"""A made-up outdoor scene with the three kinds of label of the Stanford Background data."""

import cv2
import numpy as np

from .drawing import blur, clouds, fill, filled, to_uint8
from .scene_objects import (
    FOREGROUND,
    GRASS,
    MOUNTAIN,
    ROAD,
    SKY,
    TREE,
    UNKNOWN,
    WATER,
    animal,
    building,
    car,
    person,
    tree,
)

SURFACE_OF = np.array([0, 2, 1, 1, 1, 2, 2, 2], np.uint8)  # 0 sky, 1 horizontal, 2 vertical
OVERSAMPLING = 2


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
    scene = Scene(rng, height * OVERSAMPLING, width * OVERSAMPLING)
    _sky(scene)
    if rng.uniform() < 0.55:
        _mountains(scene)
    _far_trees(scene)
    _ground(scene)
    if rng.uniform() < 0.4:
        _water(scene)
    has_road = rng.uniform() < 0.8
    if has_road:
        _road(scene)
    _buildings_and_trees(scene)
    _objects(scene, has_road)
    image = cv2.resize(blur(scene.image, 0.9), (width, height), interpolation=cv2.INTER_AREA)
    image = _photograph(rng, image)
    half = OVERSAMPLING // 2
    regions = scene.regions[half::OVERSAMPLING, half::OVERSAMPLING].copy()
    instances = _renumbered(scene.instances[half::OVERSAMPLING, half::OVERSAMPLING])
    surfaces = SURFACE_OF[np.minimum(regions, FOREGROUND)]
    kernel = np.ones((3, 3), np.uint8)
    border = cv2.dilate(regions, kernel) != cv2.erode(regions, kernel)
    unknown = border & (clouds(rng, regions.shape, 18, 2) > 0.3)
    regions[unknown] = surfaces[unknown] = UNKNOWN
    return image, regions, surfaces, instances


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

    def put(self, mask, color, region=None, instance=0, window=np.s_[:, :]):
        """Color (one, or one a pixel) and label where `mask` is set."""
        np.copyto(self.image[window], np.asarray(color, np.float32), where=mask[..., None])
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


def _renumbered(instances):
    """Give the objects that can be seen the numbers 1…n."""
    seen = np.unique(instances)
    return np.searchsorted(seen, instances).astype(np.uint16) + (seen[0] > 0)


def _sky(scene):
    rng, (height, width) = scene.rng, scene.shape
    top = np.array([rng.uniform(60, 120), rng.uniform(120, 165), rng.uniform(190, 225)])
    down = np.linspace(0, 1, height)[:, None, None] * height / scene.horizon
    image = top + (scene.haze - top) * np.clip(down, 0, 1) ** 0.8
    # Clouds lie flatter and smaller towards the horizon.
    flat = cv2.resize(clouds(rng, (height, width), width / 2.2, 6), None, fx=1, fy=0.55)
    cover = np.zeros(scene.shape, np.float32)
    cover[: len(flat)] = flat
    soft = np.clip((cover - rng.uniform(-0.1, 0.9)) / 1.1, 0, 1)[..., None]
    relief = _slope(blur(cover, 8), -6 * scene.sun, -6)
    white = 238 + 60 * np.clip(relief, -0.7, 0.3)[..., None]
    scene.image[:] = image * (1 - 0.85 * soft) + 0.85 * soft * white
    scene.regions[:] = SKY


def _slope(field, x, y):
    """How much higher `field` is than at the shift (x, y): the side that faces the light."""
    height, width = field.shape
    move = np.float32([[1, 0, -x], [0, 1, -y]])
    away = cv2.warpAffine(field, move, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return field - away


def _ridge(scene, level, roughness, scale):
    """Row of a skyline for each column."""
    line = clouds(scene.rng, (2, scene.width), scale, 7)[0]
    return level - roughness * np.abs(line)


def _mountains(scene):
    rng = scene.rng
    rows = np.arange(scene.height, dtype=np.float32)[:, None]
    for far in (1.0, 0.45)[: rng.integers(1, 3)]:
        height = scene.height * rng.uniform(0.07, 0.13) * (0.4 + 0.6 * far)
        ridge = _ridge(scene, scene.horizon - height * 0.4, height, scene.width / 2.2)
        # Spurs run down from the ridge: noise whose columns lean with the depth below it.
        spurs = clouds(rng, scene.shape, 70, 4) + 0.5 * clouds(rng, (2, scene.width), 45, 4)[0]
        slope = _slope(spurs, 7 * scene.sun, 3) + 0.12 * clouds(rng, scene.shape, 5, 2)
        light = (1 + 0.55 * np.clip(slope, -0.8, 0.8))[..., None]
        below = np.clip((rows - ridge) / (1.6 * height), 0, 1)
        wooded = 1 / (1 + np.exp(-8 * (below - 0.45 + 0.12 * spurs)))[..., None]
        rock = (np.array([122, 114, 104]) * (1 - wooded) + np.array([72, 92, 62]) * wooded) * light
        snow = (below < 0.16 + 0.07 * spurs) & (far == 1.0) & (rng.uniform() < 0.5)
        rock = np.where(snow[..., None], 225 * (0.4 + 0.6 * light), rock)
        veil = (0.3 + 0.3 * far + 0.25 * below)[..., None]
        scene.put(rows > ridge, rock + (scene.haze * 0.92 - rock) * np.clip(veil, 0, 0.8), MOUNTAIN)


def _far_trees(scene):
    rng = scene.rng
    # Where the row of trees thins out it sinks below the horizon.
    dense = np.clip(1.2 + 1.2 * clouds(rng, (2, scene.width), 200)[0], 0, 1)
    ridge = _ridge(scene, scene.horizon - 4, scene.height * 0.035, 40)
    ridge = scene.horizon + 2 + (ridge - scene.horizon - 2) * dense
    leaves = clouds(rng, scene.shape, 9, 3)[..., None]
    green = np.array([78, 100, 70]) * (1 + 0.18 * leaves)
    mask = np.arange(scene.height)[:, None] > ridge
    scene.put(mask, green * 0.75 + scene.haze * 0.25, TREE)


def _ground_texture(scene, scale):
    """Noise on a plane that runs to the horizon: finer and flatter with distance."""
    rows, columns = np.mgrid[: scene.height, : scene.width].astype(np.float32)
    depth = np.maximum(rows - scene.horizon, 1) / (scene.height - scene.horizon)
    noise = clouds(scene.rng, (512, 1024), scale, 4)
    below = np.s_[int(scene.horizon) :]
    u = (columns[below] - scene.vanishing) / scene.width * 500 / depth[below] + 512
    # cv2 folds a place far outside one reflection at a time; they repeat after two lengths.
    u, v = np.mod(u, 2048), np.mod(220 / depth[below], 1024)
    texture = np.zeros(scene.shape, np.float32)
    texture[below] = cv2.remap(noise, u, v, cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT)
    return texture * np.clip(2.2 * depth, 0, 1), depth


def _ground(scene):
    rng = scene.rng
    texture, depth = _ground_texture(scene, 60)
    fine = clouds(rng, scene.shape, 4, 2) * np.clip(depth, 0.1, 1)
    green = np.array([rng.uniform(88, 130), rng.uniform(122, 140), rng.uniform(52, 70)])
    lawn = green * (1 + 0.12 * texture + 0.13 * fine)[..., None]
    lawn = lawn + (scene.haze - lawn) * 0.28 * np.exp(-5 * depth)[..., None]
    mask = np.broadcast_to(np.arange(scene.height)[:, None] > scene.horizon, scene.shape)
    scene.put(mask, lawn, GRASS)


def _water(scene):
    """A lake between the far shore and the meadow: the sky upside down, with ripples."""
    rng, (height, width) = scene.rng, scene.shape
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    shore = scene.horizon + height * (
        rng.uniform(0.06, 0.2) + 0.02 * clouds(rng, (2, width), 150)[0]
    )
    scene.shore = shore
    ripple = cv2.resize(clouds(rng, (height, width // 6), 8, 3), (width, height))
    depth = (rows - scene.horizon) / height
    mirrored = 2 * scene.horizon - rows + 40 * depth * ripple
    seen = cv2.remap(scene.image, columns, mirrored, cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT)
    color = seen * np.array([0.6, 0.72, 0.8]) * (1 + 0.09 * ripple)[..., None]
    scene.put((rows > scene.horizon + 2) & (rows < shore), color, WATER)


def _road(scene):
    """A road that bends a little on its way to the vanishing point."""
    rng, (height, width) = scene.rng, scene.shape
    t = np.linspace(0, 1, 80)  # 0 at the horizon, 1 at the lower border
    rows = scene.horizon + 2 + t * (height - scene.horizon)
    reach, bend = width * rng.uniform(0.1, 0.9) - scene.vanishing, rng.normal(0, 0.18) * width
    middle = scene.vanishing + reach * t + bend * t * (1 - t)
    half = width * rng.uniform(0.24, 0.42) * t + 1
    scene.road = rows, middle, half

    def strip(left, right, part=slice(None)):
        a = np.stack([middle + half * left, rows], 1)[part]
        return np.concatenate([a, np.stack([middle + half * right, rows], 1)[part][::-1]])

    texture, depth = _ground_texture(scene, 25)
    fine = clouds(rng, scene.shape, 2.5, 1) * np.clip(depth, 0.15, 1)
    asphalt = np.array([112, 112, 116]) * rng.uniform(0.85, 1.2)
    asphalt = asphalt * (1 + 0.06 * texture + 0.05 * fine)[..., None]
    asphalt = asphalt + (scene.haze - asphalt) * 0.3 * np.exp(-5 * depth)[..., None]
    scene.put(filled(scene.shape, strip(-1.12, 1.12)), asphalt * [1.22, 1.2, 1.12], ROAD)
    scene.put(filled(scene.shape, strip(-1, 1)), asphalt, ROAD)
    paint = np.array([222, 220, 208]) * (1 + 0.06 * fine)[..., None]
    for edge in (-0.93, 0.9):
        scene.put(filled(scene.shape, strip(edge, edge + 0.03)), paint)
    dashes = np.floor(3.2 / np.maximum(t, 0.02) + rng.uniform()) % 2 == 0
    for part in np.split(np.arange(80), np.flatnonzero(np.diff(dashes)) + 1):
        if dashes[part[0]] and len(part) > 1 and t[part[0]] > 0.04:
            scene.put(filled(scene.shape, strip(-0.02, 0.02, part)), paint)


def _buildings_and_trees(scene):
    """Houses along the sides and trees before and behind them, the far ones first."""
    rng, width = scene.rng, scene.width
    things = []
    for side in (-1, 1):
        if rng.uniform() < 0.62:
            things.append((rng.uniform(0.06, 0.3), building, side))
        for _ in range(rng.integers(0, 4)):
            things.append((rng.uniform(0.05, 0.42), tree, side))
    for near, draw, side in sorted(things, key=lambda thing: thing[0]):
        base = scene.horizon + near * (scene.height - scene.horizon)
        away = side * width * (rng.uniform(0.2, 0.5) + 0.55 * near)
        x = scene.vanishing + away
        draw(scene, x, max(base, scene.shore_at(x) + 0.03 * scene.height))


def _objects(scene, has_road):
    """Cars on the road, people and animals on the ground, the far ones first."""
    rng = scene.rng
    taken = []
    for number, near in enumerate(np.sort(rng.uniform(0.22, 0.85, size=rng.integers(3, 8))), 1):
        base = scene.horizon + near * (scene.height - scene.horizon)
        draw, x = rng.choice([person, person, animal]), rng.uniform(0.08, 0.92) * scene.width
        if has_road and rng.uniform() < 0.45:
            middle, half = (np.interp(base, scene.road[0], line) for line in scene.road[1:])
            draw, x = car, middle + half * rng.choice([-0.5, 0.5])
        # Some may hide a part of others, none may stand inside another.
        room = 0.55 * scene.size_at(base)
        dry = draw is car or base > scene.shore_at(x) + 2
        if dry and all(abs(x - other) > 0.7 * (room + extent) for other, extent in taken):
            draw(scene, x, base, number)
            taken.append((x, room))


def _photograph(rng, image):
    """Light of the day, a lens that darkens the corners, contrast and noise: uint8."""
    height, width = image.shape[:2]
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    tint = 1 + rng.normal(0, 0.025, size=3) + rng.uniform(-0.02, 0.08)
    image = image * tint * (1 - 0.12 * (rows**2 + columns**2))[..., None]
    image *= (1 + 0.05 * clouds(rng, (height, width), width / 2, 1))[..., None]
    image = 255 * np.clip(image / 255, 0, None) ** rng.uniform(0.85, 1.08)
    return to_uint8(image + rng.normal(0, 3.0, size=image.shape))
