"""Made-up photographs of fruit on a table, outlined as people do it with LabelMe."""

import io
import json
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image

from .drawing import blob, blur, clouds, fill, filled, to_uint8

# Half the length and half the width in pixels, color, and how strongly the skin is mottled. Figs
# and hazelnuts have nearly the same color, as those of the real photographs have.
FRUIT = {
    "date": ((50, 24), (96, 54, 34), 0.16),
    "fig": ((48, 38), (176, 136, 92), 0.14),
    "hazelnut": ((27, 24), (164, 112, 66), 0.05),
}
TABLES = ((222, 216, 206), (160, 172, 184), (206, 188, 158), (120, 128, 120))
# Ben's words for Anna's labels; what else he marked is in `write_two_annotators`.
BENS_WORDS = {"date": "Dattel", "fig": "Feige", "hazelnut": "Haselnuss"}
TURNED = 6  # the camera's flag of a picture that has to be turned by 90° to the right


def fruit_photograph(rng, height=300, width=400, figs=True):
    """Draw dates, hazelnuts and perhaps figs on a table.

    Parameters
    ----------
    rng : numpy.random.Generator
    height, width : int
        In pixels.
    figs : bool, optional

    Returns
    -------
    image : ndarray, uint8 [height, width, 3]
        Red, green, blue.
    outlines : list of (str, ndarray of float [n, 2])
        Label and points (x, y) of each fruit, from the lowest to the topmost.
    """
    image = np.array(TABLES[rng.integers(len(TABLES))]) * rng.uniform(0.8, 1.1)
    grain = cv2.resize(clouds(rng, (height, width // 8), 24, 4), (width, height))
    image = (image * (1 + 0.05 * grain)[..., None]).astype(np.float32)
    labels = rng.choice(["date", "hazelnut"], rng.integers(4, 8), p=(0.55, 0.45)).tolist()
    if figs:
        labels += ["fig"] * int(rng.integers(2, 4))
        rng.shuffle(labels)
    centers, outlines = np.empty((0, 2)), []
    for label in labels:
        (long, wide), color, mottled = FRUIT[label]
        for _ in range(50):  # side by side, now and then one on another
            center = rng.uniform((36, 36), (width - 36, height - 36))
            if (np.hypot(*(centers - center).T) > 62).all():
                break
        centers, size, angle = (
            np.vstack([centers, center]),
            rng.uniform(0.85, 1.2),
            rng.uniform(0, 7),
        )
        outline = blob(rng, center, (long * size, wide * size), angle)
        _draw_fruit(image, rng, label, outline, angle, color, mottled)
        outlines.append((label, outline))
    light = 1 + 0.12 * clouds(rng, (height, width), width)
    image = blur(image * light[..., None] * rng.uniform(0.85, 1.15), 0.7)
    return to_uint8(image + rng.normal(0, 4, image.shape)), outlines


def _draw_fruit(image, rng, label, outline, angle, color, mottled):
    """A shadow to the lower right, a body lit from the upper left, and what is special to it."""
    shape, center = image.shape[:2], outline.mean(axis=0)
    dark = np.zeros(shape, np.float32)
    fill(dark, outline + np.array([5, 6]), 0.4)
    image *= (1 - blur(dark, 4))[..., None]
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    reach = np.hypot(*(outline - center).T).max()
    x, y = (columns - center[0]) / reach, (rows - center[1]) / reach
    light = 1.1 - 0.35 * (x + y) - 0.3 * (x**2 + y**2) + mottled * clouds(rng, shape, 12, 3)
    if label != "hazelnut":  # wrinkles along a date, ribs along a fig
        across = x * np.sin(angle) - y * np.cos(angle)
        light += (0.1 if label == "date" else 0.06) * np.sin(26 * across + 3 * x)
    body = np.array(color) * rng.uniform(0.88, 1.12, 3)
    inside = filled(shape, outline)
    image[inside] = (body * light[..., None])[inside]
    if label == "hazelnut":  # the paler spot where it hung
        tip = center + 0.5 * reach * np.array([np.cos(angle), np.sin(angle)])
        spot = filled(shape, blob(rng, tip, (0.4 * reach, 0.5 * reach), angle)) & inside
        image[spot] = (np.array([206, 178, 138]) * light[..., None])[spot]


def draw_by_hand(rng, outlines, n_points=14, wider=0.0, unsteady=0.7):
    """Outline fruit as somebody does it with a mouse.

    Parameters
    ----------
    rng : numpy.random.Generator
    outlines : list of (str, ndarray of float [n, 2])
    n_points : int, optional
        Clicks for each.
    wider : float, optional
        How far outside the true outline this person clicks, relative to the fruit.
    unsteady : float, optional
        Standard deviation of a click, in pixels.

    Returns
    -------
    list of (str, ndarray of float [n_points, 2])
    """
    drawn = []
    for label, outline in outlines:
        center = outline.mean(axis=0)
        clicked = outline[np.linspace(0, len(outline), n_points, endpoint=False).astype(int)]
        clicked = center + (clicked - center) * (1 + wider)
        drawn.append((label, clicked + rng.normal(0, unsteady, clicked.shape)))
    return drawn


def labelme_files(name, image, shapes, size=None, flag=None):
    """Return a photograph and its LabelMe file as {file name: bytes}.

    Parameters
    ----------
    name : str
        Without ending.
    image : ndarray of uint8 [H, W, 3]
    shapes : list of (str, ndarray of float [n, 2])
        Label and points (x, y).
    size : pair of int, optional
        Height and width that the LabelMe file states, unless those of the image.
    flag : int, optional
        The camera's flag of orientation.
    """
    exif = Image.Exif()
    if flag is not None:
        exif[ExifTags.Base.Orientation] = flag
    photograph = io.BytesIO()
    Image.fromarray(image).save(photograph, "JPEG", quality=92, exif=exif)
    height, width = size or image.shape[:2]
    polygon = {"group_id": None, "description": "", "shape_type": "polygon", "flags": {}}
    content = {
        "version": "5.5.0",
        "flags": {},
        "shapes": [
            {"label": label, "points": points.round(2).tolist()} | polygon
            for label, points in shapes
        ],
        "imagePath": f"{name}.jpg",
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }
    text = json.dumps(content, indent=1, ensure_ascii=False).encode()
    return {f"{name}.jpg": photograph.getvalue(), f"{name}.json": text}


def write_two_annotators(folder, seed=0):
    """Write a few photographs that Anna and Ben outlined, as folders ``anna`` and ``ben``.

    Of Anna's six, three are at fault: ``IMG_02`` has a label misspelt, ``IMG_04`` is a phone's
    picture that was annotated unturned, and ``IMG_05`` was cropped after it had been annotated.
    Ben outlined the other four, wider and in his own words: ``Dattel``, ``Feige``, ``Haselnuss`` or
    ``nut``, ``?`` where he could not tell, ``gap`` for bare table within an outline, and ``crumb``.

    Parameters
    ----------
    folder : path
        Made if need be.
    seed : int, optional
    """
    for number in range(1, 7):
        rng, name = np.random.default_rng([seed, 10, number]), f"IMG_{number:02}"
        image, outlines = fruit_photograph(rng, figs=number in (1, 4, 6))
        anna, size, flag = draw_by_hand(rng, outlines), None, None
        if number == 2:
            first = next(i for i, (label, _) in enumerate(anna) if label == "hazelnut")
            anna[first] = ("hazlenut", anna[first][1])
        elif number == 4:
            flag = TURNED
        elif number == 5:
            image, size = image[:, :330], image.shape[:2]
        files = {"anna": labelme_files(name, image, anna, size, flag)}
        if number not in (4, 5):
            files["ben"] = labelme_files(name, image, _draw_as_ben(rng, outlines, number))
        for annotator, written in files.items():
            place = Path(folder) / annotator
            place.mkdir(parents=True, exist_ok=True)
            for file, content in written.items():
                (place / file).write_bytes(content)


def _draw_as_ben(rng, outlines, number):
    shapes = draw_by_hand(rng, outlines, n_points=9, wider=0.07, unsteady=1.2)
    shapes = [(BENS_WORDS[label], points) for label, points in shapes]
    if number == 2:
        shapes = [("nut" if label == "Haselnuss" else label, points) for label, points in shapes]
    if number == 3:
        shapes[0] = ("?", shapes[0][1])
    corner = outlines[-1][1][0]  # on the topmost fruit's edge
    shapes.append(("gap", blob(rng, corner, (7, 6), n_points=8)))
    crumb = outlines[-1][1].mean(axis=0)
    crumb[0] += 80 if corner[0] < 250 else -80
    return [*shapes, ("crumb", blob(rng, crumb, (4, 3), n_points=6))]
