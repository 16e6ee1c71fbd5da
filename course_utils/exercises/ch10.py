"""Chapter 10: polygons, a class table, a split that keeps every class, and class weights."""

import cv2
import numpy as np
from PIL import Image, ImageDraw
from skimage import draw

from ..datasets import IGNORE
from .judge import Check, Missing, Wrong, call, kind_of, look_up


def _fill(points, height, width, shift=-0.5, shape=...):
    x, y = np.transpose(np.asarray(points) + shift)
    mask = np.zeros((height, width), bool)
    mask[draw.polygon(y, x, (height, width) if shape is ... else shape)] = True
    return mask


def _fill_with_pillow(points, height, width):
    picture = Image.new("1", (width, height))
    ImageDraw.Draw(picture).polygon([*map(tuple, points)], fill=1, outline=1)
    return np.array(picture)


def _fill_with_opencv(points, height, width, to_whole=np.rint):
    corners = to_whole(points).astype(np.int32)
    return cv2.fillPoly(np.zeros((height, width), np.uint8), [corners], 1) > 0


def _fill_and_clip(points, height, width):
    x, y = np.transpose(points - 0.5)
    mask = np.zeros((height, width), bool)
    rows, columns = draw.polygon(y, x)
    mask[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)] = True
    return mask


def _fill_the_box(points, height, width):
    (left, top), (right, bottom) = np.min(points, 0), np.max(points, 0)
    return _fill([(left, top), (right, top), (right, bottom), (left, bottom)], height, width)


SQUARE = np.array([(2.0, 2.0), (7.0, 2.0), (7.0, 7.0), (2.0, 7.0)])
# No center lies on an edge, where ways to fill differ.
LEAF = np.array([(3.2, 1.1), (9.7, 2.6), (13.4, 6.3), (6.1, 7.9), (1.3, 5.4)])
NOTCHED = np.array([(7.3, 3.2), (18.6, 1.4), (12.2, 6.3), (17.7, 12.9), (6.2, 9.1)])
OUTSIDE = LEAF + np.array([5, -3])


def _not_bool(answers):
    dtype = np.asarray(answers[0]).dtype
    if dtype.kind == "b":
        return ""
    return f"the pixels are right, but an array of True and False is wanted, not {dtype}."


check_fill_polygon = Check(
    "The pixels whose centers lie in a polygon, as bool [height, width].",
    solution=_fill,
    cases={
        "a square from 2 to 7": (SQUARE, 9, 12),
        "a leaf": (LEAF, 10, 16),
        "a leaf that reaches outside": (OUTSIDE, 10, 16),
        "a notched one that reaches outside": (NOTCHED, 10, 16),
    },
    mistakes={
        "corner points count as pixels there: the square from 2 to 7 has 5 × 5 pixels, not 6 × 6. "
        "Subtract 0.5 from the points: skimage has the centers of pixels at whole numbers, LabelMe "
        "at halves.": [lambda *case: _fill(*case, shift=0)],
        "subtract 0.5 from x and from y, both.": [
            lambda *case: _fill(*case, shift=(-0.5, 0)),
            lambda *case: _fill(*case, shift=(0, -0.5)),
        ],
        "the shift goes the other way: subtract 0.5.": [lambda *case: _fill(*case, shift=0.5)],
        "the outline is colored, too, whose pixels have their centers outside: cv2.fillPoly and "
        "Pillow do so; skimage's draw.polygon does not, with 0.5 subtracted from the points.": [
            _fill_with_opencv,
            lambda *case: _fill_with_opencv(*case, to_whole=np.floor),
            lambda *case: _fill_with_opencv(*case, to_whole=np.trunc),
            lambda *case: _fill_with_opencv(*case, to_whole=lambda points: np.rint(points - 0.5)),
            _fill_with_pillow,
            lambda points, *size: _fill_with_pillow(points - 0.5, *size),
        ],
        "give draw.polygon the mask's shape as third argument: it leaves out what lies outside.": [
            lambda *case, shift=shift: _fill(*case, shift, None) for shift in (-0.5, 0)
        ],
        "do not move the points; draw.polygon leaves out the pixels outside.": [
            lambda p, h, w, k=k: _fill(np.clip(p, 0, (w - k, h - k)), h, w) for k in (0, 0.5, 1)
        ],
        "the pixels are right, but True and False are wanted, not 0 and 255.": [
            lambda *case: 255 * _fill(*case).astype(np.uint8)
        ],
        "x and y are swapped: a point is (x, y), but rows, y, come first in an array, and the "
        "height in its shape.": [
            lambda points, height, width: _fill(points, height, width, shape=(width, height)),
            lambda points, height, width: _fill(points, width, height),
            lambda points, height, width: _fill(points, width, height, shape=(height, width)),
            lambda points, *size: _fill(points[:, ::-1], *size),
            lambda points, height, width: _fill(points, width, height).T,
            lambda points, *size: _fill(points[:, ::-1], *size, shift=0),
        ],
        "that is the box around the points; fill the polygon.": [_fill_the_box],
        "a polygon may be notched: that fills its notch, too.": [
            lambda points, *size: _fill(cv2.convexHull(np.float32(points))[:, 0], *size)
        ],
        "that paints what lies outside onto the edge; the third argument leaves it out.": [
            _fill_and_clip
        ],
        "that is what lies outside.": [lambda *case: ~_fill(*case)],
        "nothing is filled: set the pixels that draw.polygon returns to True.": [
            lambda points, height, width: np.zeros((height, width), bool)
        ],
    },
    also=_not_bool,
    used=True,
)

NAMES = ("background", "date", "fig", "hazelnut")
LEFT_OUT = -1  # None, among numbers
TABLE = {
    "Dattel": "date",
    "Feige": "fig",
    "Haselnuss": "hazelnut",
    "nut": "hazelnut",
    "gap": "background",
    "crumb": None,
    "?": IGNORE,
}


def _read_table(classes):
    wanted = "`classes` a dictionary from Ben's label to a class"
    numbers = {name: number for number, name in enumerate(NAMES)}
    numbers |= {None: LEFT_OUT, IGNORE: IGNORE}
    found = []
    for label, to in look_up(classes, TABLE, wanted).items():
        if to is ...:
            raise Missing(f"a class for {label!r}.")
        try:
            found.append(numbers[to])
        except (KeyError, TypeError):
            some = f"{', '.join(map(repr, NAMES))}, all in small letters"
            others = "None and IGNORE without quotes"
            raise Wrong(f"{label!r} is {to!r}; there are {some}, and {others}.") from None
    return np.array(found)


def _first_wrong_label(numbers):
    (found,) = numbers
    hints = [_hint_for(label, to) for label, to in zip(TABLE, found, strict=True)]
    return next(hint for hint in hints if hint)


def _hint_for(label, to):
    right = _read_table(TABLE)[list(TABLE).index(label)]
    if to == right:
        return ""
    for wrong, hint in check_class_table.foreseen():
        if wrong[label] != TABLE[label] and _read_table(wrong)[list(TABLE).index(label)] == to:
            return hint
    return f"{label!r} means something else: read once more what Ben said."


check_class_table = Check(
    "A class for each label of a stranger.",
    solution=TABLE,
    read=_read_table,
    mistakes={
        "'gap' is bare table inside an outline; None would leave the outline filled.": [
            TABLE | {"gap": None}
        ],
        "'gap' is known: it is bare table, not IGNORE.": [TABLE | {"gap": IGNORE}],
        "a crumb as background would cut a hole into the fruit that it lies on; None leaves out "
        "the shape alone.": [TABLE | {"crumb": "background"}],
        "a crumb is not unknown; leave it out, with None.": [TABLE | {"crumb": IGNORE}],
        "'?' as background would teach that this fruit is table: IGNORE.": [
            TABLE | {"?": "background"}
        ],
        "'?' with None is background in the end, for what nobody marked is; IGNORE takes it out of "
        "loss and score.": [TABLE | {"?": None}],
        "a nut is a hazelnut here.": [
            TABLE | {"nut": to} for to in (None, IGNORE, "date", "fig", "background")
        ],
        "“Dattel” is a date, “Feige” a fig, “Haselnuss” a hazelnut.": [
            TABLE | {"Dattel": "fig", "Feige": "date"},
            TABLE | {"Dattel": "hazelnut", "Haselnuss": "date"},
            TABLE | {"Feige": "hazelnut", "Haselnuss": "fig"},
        ],
    },
    otherwise=_first_wrong_label,
    used=True,
)


def choose_with_every_class(present, n_validation, seed):
    """Draw pictures for validation until every class is on both sides; None where it never is."""
    rng = np.random.default_rng(seed)
    for _ in range(1000):
        chosen = np.zeros(len(present), bool)
        chosen[rng.permutation(len(present))[:n_validation]] = True
        if present[chosen].any(axis=0).all() and present[~chosen].any(axis=0).all():
            return chosen
    return None


def _presence():
    """Return which class is in which picture, one or two of them rare, and how many to draw."""
    often = np.ones((14, 4), bool)
    often[::2, 2] = False
    rare = np.ones((12, 3), bool)
    rare[:, 2] = np.isin(np.arange(12), (1, 7))
    two = np.ones((12, 4), bool)
    two[:, 1], two[:, 3] = np.isin(np.arange(12), (0, 4)), np.isin(np.arange(12), (3, 9, 10))
    return (often, 4), (rare, 3), (two, 4), (two, 8)


class ChoiceCheck(Check):
    """Many splits are right: what is judged is how many pictures, and which classes, are where."""

    def judge(self, choose_validation):
        """Raise `NotRight` where a choice is not right."""

        def choose():
            return [
                _as_choice(call(choose_validation, *case, nothing=NO_DRAW.format(case[-1])), *case)
                for case in self.cases
            ]

        found = choose()
        for number, (chosen, case) in enumerate(zip(found, self.cases, strict=True)):
            if number == len(SEEDS):  # of the first table we have seen all
                _require_random(found[:number])
            _require_every_class(chosen, *case)
        if not all(map(np.array_equal, found, choose())):
            raise Wrong("the same seed gave two splits; draw with the seed that is handed over.")


SEEDS = range(8)
NO_DRAW = "nothing comes back with seed {}: no draw passed your test, or `return` is missing."

check_choose_validation = ChoiceCheck(
    "True for each picture that is for validation, with every class on both sides.",
    solution=choose_with_every_class,
    cases=[(table, n, k) for table, n in _presence() for k in SEEDS],
    mistakes={},
    used=True,
)


def _require_random(splits):
    if all((chosen == splits[0]).all() for chosen in splits):
        raise Wrong("all seeds gave the same split; draw with the seed that is handed over.")
    if len({tuple(chosen) for chosen in splits}) < len(SEEDS) / 2:
        raise Wrong("many seeds gave the same split; draw with the seed itself.")
    if all(np.sum(chosen != np.roll(chosen, 1)) == 2 for chosen in splits):
        raise Wrong("neighbors in a row are not drawn at random: rng.permutation.")


def _require_every_class(chosen, present, n_validation, seed):
    n = int(chosen.sum())
    if n == len(present) - n_validation != n_validation:
        raise Wrong("the sides are swapped: True is for validation.")
    if n != n_validation:
        raise Wrong(f"{n_validation} of {len(present)} pictures are wanted, got {n}.")
    for side, rows in (("validation", chosen), ("training", ~chosen)):
        missing = np.flatnonzero(~present[rows].any(axis=0))
        if missing.size:
            raise Wrong(
                f"with seed {seed} no picture for {side} holds class {missing[0]}: draw again "
                "until every class is on both sides: .any(axis=0).all() of what you return."
            )


def _as_choice(answer, present, *_):
    n = len(present)
    wanted = f"an array of True and False is wanted, one for each of the {n} pictures"
    if isinstance(answer, tuple):
        raise Wrong(f"{wanted}, not a tuple: True is for validation.")
    try:
        chosen = np.asarray(answer)
    except Exception:  # whatever it is, it is no array
        raise Wrong(f"{wanted}, got {kind_of(answer)}.") from None
    if chosen.dtype.kind in "iu" and chosen.ndim == 1:
        raise Wrong(f"{wanted}; those are numbers: chosen = np.zeros({n}, bool), then set them.")
    if chosen.dtype != bool or chosen.shape != (n,):
        raise Wrong(f"{wanted}, got {kind_of(answer)}.")
    return chosen


def _softened(counts, power=0.5):
    weights = counts**-power
    return weights * counts.sum() / (counts * weights).sum()


def _inverse_frequency(counts):
    return counts.sum() / (len(counts) * counts)


def _hint_for_a_factor(weights):
    factors = [w / r if w.shape == r.shape else np.nan for w, r in zip(weights, RIGHT, strict=True)]
    if all(np.min(f) > 0 and np.allclose(f, np.min(f), 1e-5) for f in factors):
        return "right up to a factor: choose a so that the mean weight over all pixels is 1."
    return ""


COUNTS = [np.array([6400, 1600, 900, 100]), np.array([100.0, 400.0]), np.full(3, 49.0)]
RIGHT = [_softened(counts) for counts in COUNTS]

check_softened_weights = Check(
    "One over the root of each class's pixels, scaled so that the mean over all pixels is 1.",
    solution=_softened,
    cases={f"counts {counts.tolist()}": (counts,) for counts in COUNTS},
    mistakes={
        "those are chapter 04's weights; take the root of the counts.": [_inverse_frequency],
        "NumPy raises whole numbers to no power below 0, and `c**-1/2` is (c**-1) / 2: write "
        "1 / np.sqrt(counts).": [lambda c: c**-1 / 2],
        "that gives the frequent classes the large weights; divide by the root.": [
            lambda c: _softened(c, -0.5),
            np.sqrt,
        ],
    },
    otherwise=_hint_for_a_factor,
    used=True,
)
