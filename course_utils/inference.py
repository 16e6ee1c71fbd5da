"""From a trained network to masks of new pictures: any size, tiles, objects, a folder that travels.

A stranger's script needs no more than

    from course_utils import inference

    model = inference.load("my_model")
    mask = inference.predict(model, "photo.jpg")

and ``python -m course_utils.inference my_model photo.jpg`` writes masks and overlays.
"""

import argparse
import glob
import json
import os
import sys
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import cv2
import keras
import numpy as np
from matplotlib.colors import to_rgb
from PIL import Image
from scipy import special
from tqdm import tqdm

from . import models  # noqa: F401, for a saved network may have layers of the course
from .datasets import IGNORE, CourseDataError
from .datasets.io import DataFolder, check_size, resize, write_mask
from .objects import instances as instances  # its place for readers is here
from .objects import tiles
from .plotting.style import class_palette
from .training import progress_bar


class Segmenter:
    """A network and what it takes to use it: class table, size of its pictures, preprocessing.

    Parameters
    ----------
    network : keras.Model or callable
        From float32 [B, h, w, C] to *logits* [B, h, w, K]; K = 1 for a single foreground class.
    class_names : sequence of str, optional
        One per class, the background's included.
    size : (int, int), optional
        Height and width that the pictures were brought to for training. None where they kept their
        scale: new ones are then predicted as they are, in tiles.
    preprocess : callable, optional
        From float32 [..., C] in 0 … 255 to what the network takes, pixel by pixel and linear, as
        ``segmentation_models.get_preprocessing(backbone)`` is. By default a division by 255, as in
        `course_utils.pipeline`.

    Raises
    ------
    ValueError
        If size or class table do not fit the network, or `preprocess` is not linear.
    """

    def __init__(self, network, class_names=None, size=None, preprocess=None):
        self.network = network
        _, *self.fixed, self.channels = getattr(network, "input_shape", [None] * 4)
        self.size = None if size is None else check_size(size)
        if self.size and None not in self.fixed and self.size != tuple(self.fixed):
            raise ValueError(f"size is {self.size}, but the network takes {self.fixed} alone.")
        self.class_names = None if class_names is None else tuple(class_names)
        channels = getattr(network, "output_shape", [None])[-1]
        if None not in (class_names, channels) and len(self.class_names) != max(channels, 2):
            raise ValueError(
                f"class_names is {self.class_names}, but the network's logits, of {channels} "
                f"channels, tell {max(channels, 2)} classes apart."
            )
        # A matrix and an offset: a function of another package could not be saved.
        self.linear = None if preprocess is None else _as_matrix(preprocess, self.channels or 3)

    def __call__(self, pictures):
        """Return the logits, float32 [B, h, w, K], of pictures [B, h, w, C] as `predict` takes."""
        pictures = _match_channels(_to_unit(pictures), self.channels)
        if self.linear is not None:
            matrix, offset = self.linear
            pictures = 255 * pictures @ matrix + offset
        logits = getattr(self.network, "predict_on_batch", self.network)(pictures)
        logits = np.asarray(logits, np.float32)
        if logits.ndim != 4 or logits.shape[:3] != pictures.shape[:3]:
            raise ValueError(
                f"The network answers {pictures.shape} by {logits.shape}: it should return one map "
                "of logits, [B, h, w, K], as high and wide as its pictures."
            )
        if np.isnan(logits).any():
            raise ValueError("The network answers NaN: its training has diverged.")
        return logits


def _as_matrix(preprocess, channels):
    """Find out what a linear function of a pixel's channels does: pixels @ matrix + offset."""
    probes = np.vstack([np.zeros((1, channels)), 255 * np.eye(channels)]).astype(np.float32)
    answers = np.asarray(preprocess(probes[np.newaxis].copy()), np.float32)[0]
    matrix, offset = (answers[1:] - answers[0]) / 255, answers[0]
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 16, channels)).astype(np.float32)
    if not np.allclose(preprocess(pixels.copy()), pixels @ matrix + offset, rtol=1e-4, atol=1e-3):
        raise ValueError(
            "preprocess is not linear in a pixel's channels, so that it cannot be kept with the "
            "network. Make it the network's first layer."
        )
    return matrix, offset


def _to_unit(pictures):
    """Return float32 in [0, 1] of uint8 or of such floats."""
    return pictures / np.float32(255) if pictures.dtype == np.uint8 else np.float32(pictures)


def _match_channels(pictures, channels):
    """Make gray color, color gray, or drop the channel of opacity, as the network needs it."""
    found = pictures.shape[-1]
    if channels in (None, found):
        return pictures
    if found == 1 and channels == 3:
        return np.repeat(pictures, 3, axis=-1)
    if found == 4 and channels in (1, 3):
        return _match_channels(pictures[..., :3], channels)
    if found == 3 and channels == 1:
        return pictures @ np.float32([[0.299], [0.587], [0.114]])
    raise ValueError(f"The picture has {found} channels, but the network takes {channels}.")


def read_picture(path):
    """Read a picture, upright, as uint8 [H, W, 3]; gray, transparent and 16-bit ones converted.

    Raises
    ------
    CourseDataError
        If it cannot be read, or has more than 16 bits per channel.
    """
    path = Path(path)
    try:
        return DataFolder(path.parent, "a picture").read_image(path.name)
    except CourseDataError as error:
        advice = "Check the name, or save it anew as PNG or JPEG with 8 bits per channel."
        raise CourseDataError(f"Read the picture {path}:", error.came_back, advice) from None


def _check_picture(image):
    """Return a picture as [H, W, C], uint8 or float in [0, 1], or say what is wrong with it."""
    if isinstance(image, str | os.PathLike):
        return read_picture(image)
    image = np.asarray(image)
    picture = image[..., np.newaxis] if image.ndim == 2 else image
    if picture.ndim != 3 or not picture.size:
        raise ValueError(
            f"image must be one picture that is not empty, [H, W] or [H, W, C]; its shape is "
            f"{image.shape}."
        )
    if picture.dtype == np.uint8:
        return picture
    if picture.dtype.kind != "f":
        raise ValueError(
            f"image is {picture.dtype}, expected uint8 or float in [0, 1]. Give the file's name, "
            "or bring 16 bits to 8: (image >> 8).astype('uint8')."
        )
    low, high = picture.min(), picture.max()
    if not (low >= 0 and high <= 1 + 1e-3):  # the slack is of resampling
        raise ValueError(
            f"image is {picture.dtype} with values from {low:.4g} to {high:.4g}, expected [0, 1] "
            "without NaN: divide it by its largest possible value, np.nan_to_num fills gaps."
        )
    return picture


def predict(model, image, **tiling):
    """Predict the class of each pixel of a picture of any size.

    Parameters
    ----------
    model : Segmenter, keras.Model, or path
        A bare network is taken for ``Segmenter(network)``; a folder is loaded, each time anew.
    image : path, or array [H, W] or [H, W, C]
        Of an array, uint8, or float in [0, 1]. A file may be gray, transparent, of 16 bits, and
        turned by its camera's flag.
    **tiling
        For `predict_large`, where the model has no size.

    Returns
    -------
    ndarray of uint8, shape [H, W]
        Class numbers. Where the model has a size the *logits* are brought back to the picture's
        before the class is taken, for between two class numbers lies a third. A single channel
        that lies in [0, 1] throughout brings a warning.

    Raises
    ------
    ValueError, CourseDataError
        If the picture cannot be read, is empty, has other values, or channels that do not fit.
    """
    if isinstance(model, str | os.PathLike):
        model = load(model)
    model = model if isinstance(model, Segmenter) else Segmenter(model)
    picture = _check_picture(image)
    height, width = picture.shape[:2]
    if model.size is None:
        logits = predict_large(model, picture, **tiling)
    else:
        picture = np.ascontiguousarray(picture)
        small, _ = resize(picture, picture[..., 0], model.size)  # as the loaders do
        logits = model(small.reshape(1, *model.size, -1))[0]
    if logits.shape[-1] == 1 and logits.min() >= 0 and logits.max() <= 1:
        warnings.warn(
            "All answers lie in [0, 1], like probabilities, but logits are wanted, with foreground "
            "above 0: take the sigmoid off the network's end.",
            stacklevel=2,
        )
    best = mask = np.zeros((height, width), np.uint8)
    scores = [logits[..., k] for k in range(logits.shape[-1])]
    if len(scores) > 1:
        best = cv2.resize(np.ascontiguousarray(scores.pop(0)), (width, height))
    for number, score in enumerate(scores, 1):  # one after the other, to save memory
        score = cv2.resize(np.ascontiguousarray(score), (width, height))
        mask = np.where(score > best, np.uint8(number), mask)
        best = np.maximum(score, best)
    return mask


def predict_large(
    model, image, tile=256, halo=128, blend=None, *, multiple=32, batch_size=1, progress=True
):
    """Predict a picture of any size tile by tile; memory is that of the result and a few tiles.

    The network sees each tile with a halo around it, `tile` + 2 `halo` pixels wide; beyond the
    picture's edge the picture is mirrored. If windows begin at multiples of 2^d and the halo is as
    wide as the network sees, each pixel comes out as if the whole mirrored picture had been
    predicted at once. The course's U-Net, halving its picture d times, sees 8 · 2^d − 6 pixels
    far: 26, 58, 122 for d = 2, 3, 4; with transposed convolutions 7 · 2^d − 5.

    Parameters
    ----------
    model : Segmenter, keras.Model or callable
    image
        As in `predict`.
    tile : int, optional
        A multiple of `multiple`.
    halo : int, optional
        Rounded up to a multiple of `multiple`.
    blend : {None, "constant", "gaussian"}, optional
        None keeps of each window its tile. The others take the mean where windows overlap, all
        pixels alike, or those near the window's middle more, with σ of an eighth of its side.
    multiple : int, optional
        What the network's sides must be multiples of: 2^d. 32 fits all networks of the course.
    batch_size : int, optional
        Windows that are predicted at a time.
    progress : bool, optional
        Whether to show a progress bar, if it takes longer than a second.

    Returns
    -------
    ndarray of float32, shape [H, W, K]
        Logits.

    Raises
    ------
    ValueError
        If tile, halo or blend do not fit, or the picture is none, as in `predict`.

    References
    ----------
    O. Ronneberger, P. Fischer, T. Brox, "U-Net: Convolutional Networks for Biomedical Image
    Segmentation", MICCAI 2015, https://arxiv.org/abs/1505.04597 (the overlap-tile strategy)
    """
    model = model if isinstance(model, Segmenter) else Segmenter(model)
    picture = _check_picture(image)
    if halo < 0 or tile < 1 or tile % multiple:
        raise ValueError(
            f"tile is {tile} and halo {halo}: tile must be a multiple of {multiple}, halo at least "
            "0. For a network that halves its picture d times pass multiple=2**d."
        )
    halo += -halo % multiple
    window = tile + 2 * halo
    if set(model.fixed) - {None, window}:
        raise ValueError(
            f"The network takes {model.fixed} alone, but tile + 2 * halo is {window}: choose a "
            "tile and a halo that fit, build it with height and width None, or have each picture "
            f"brought to that size: Segmenter(network, size={tuple(model.fixed)})."
        )
    across = np.arange(window) - (window - 1) / 2
    profiles = {
        None: np.ones(tile),
        "constant": np.ones(window),
        "gaussian": np.maximum(np.exp(-((8 * across / window) ** 2) / 2), 1e-3),
    }
    if blend not in profiles:
        raise ValueError(f"blend must be one of {[*profiles]}, got {blend!r}.")
    profile = profiles[blend].astype(np.float32)
    length, cut = len(profile), (window - len(profile)) // 2
    kept, weights = slice(cut, cut + length), np.outer(profile, profile)[..., np.newaxis]
    size = picture.shape[:2]
    # Mirroring the rows' and the columns' numbers mirrors the picture, without a copy of it.
    rows, columns = (
        np.pad(np.arange(side), (halo, halo + -side % tile), mode="reflect") for side in size
    )
    sides = len(rows) - 2 * cut, len(columns) - 2 * cut
    sums, totals = None, [np.zeros((side, 1, 1), np.float32) for side in sides]
    places = [(row.start, column.start) for row, column in tiles(size, tile)]
    bar = progress_bar(total=len(places), desc="tiles", disable=not progress, delay=1)
    for first in range(0, len(places), batch_size):
        batch = places[first : first + batch_size]
        grids = [np.ix_(rows[y : y + window], columns[x : x + window]) for y, x in batch]
        logits = model(np.stack([picture[grid] for grid in grids]))
        if sums is None:
            sums = np.zeros((*sides, logits.shape[-1]), np.float32)
        for (y, x), values in zip(batch, logits, strict=True):
            sums[y : y + length, x : x + length] += weights * values[kept, kept]
        bar.update(len(batch))
    bar.close()
    for total, side in zip(totals, size, strict=True):
        for start in range(0, side, tile):
            total[start : start + length, 0, 0] += profile
    # The weights of a grid of windows are a product: of sums over its rows and over its columns.
    whole = tuple(slice(halo - cut, halo - cut + side) for side in size)
    result = sums[whole]
    result /= totals[0][whole[0]]
    result /= totals[1][whole[1]].swapaxes(0, 1)
    return result


def ensemble(networks, images, batch_size=16):
    """Predict pictures with several networks: their mean probability, and how they differ.

    Parameters
    ----------
    networks : sequence of Segmenter, keras.Model or callable
        For the same classes; trained with different seeds, say.
    images : ndarray, shape [N, h, w, C]
        All of one size that suits the networks; uint8, or float in [0, 1].
    batch_size : int, optional

    Returns
    -------
    probability : ndarray of float32, shape [N, h, w], or [N, h, w, K] for K > 1 classes
        The mean over the networks; of a single foreground class, or of each of several.
    disagreement : ndarray of float32, shape [N, h, w]
        Its standard deviation over the networks, of several classes the largest: 0 to 0.5.

    Raises
    ------
    ValueError
        If there is no network, or `images` are not of that shape.

    References
    ----------
    B. Lakshminarayanan, A. Pritzel, C. Blundell, "Simple and Scalable Predictive Uncertainty
    Estimation using Deep Ensembles", NeurIPS 2017, https://arxiv.org/abs/1612.01474
    """
    return _mean_and_spread([_probability(model, images, batch_size) for model in networks])


def test_time(network, images, batch_size=16, flips=((), (1,), (2,), (1, 2))):
    """Predict pictures as they are and mirrored, and mirror the answers back.

    Parameters
    ----------
    network : Segmenter, keras.Model or callable
    images, batch_size
        As in `ensemble`, which also says what is returned and raised.
    flips : sequence of tuple of int, optional
        The axes along which each look mirrors the pictures: 1 upside down, 2 left to right.

    References
    ----------
    G. Wang et al., "Aleatoric Uncertainty Estimation with Test-Time Augmentation for Medical Image
    Segmentation with Convolutional Neural Networks", Neurocomputing 338, 2019,
    https://arxiv.org/abs/1807.07356
    """
    return _mean_and_spread(
        [np.flip(_probability(network, np.flip(images, axes), batch_size), axes) for axes in flips]
    )


test_time.__test__ = False  # pytest takes it for a test where it is imported by its name


def _probability(model, images, batch_size):
    model, images = model if isinstance(model, Segmenter) else Segmenter(model), np.asarray(images)
    if images.ndim != 4 or not len(images):
        raise ValueError(f"images must be [N, h, w, C], at least one, not {images.shape}.")
    starts = range(0, len(images), batch_size)
    logits = np.concatenate([model(images[k : k + batch_size]) for k in starts])
    one_class = logits.shape[-1] == 1
    return special.expit(logits[..., 0]) if one_class else special.softmax(logits, axis=-1)


def _mean_and_spread(looks):
    if not len(looks):
        raise ValueError("There is no network, or no look, to ask.")
    spread = np.std(looks, axis=0)
    return np.mean(looks, axis=0), spread if spread.ndim == 3 else spread.max(axis=-1)


def overlay(image, mask, class_names=None, alpha=0.5):
    """Paint the classes over a picture, at its own size.

    Parameters
    ----------
    image
        As in `predict`.
    mask : array of int, shape [H, W]
        Class numbers. A first class named "background" and 255, unknown, are left clear.
    class_names : sequence of str, optional
    alpha : float, optional
        How much the colors cover, in [0, 1].

    Returns
    -------
    ndarray of uint8, shape [H, W, 3]

    Raises
    ------
    ValueError
        If the two differ in size, or the mask holds a class that has no name.
    """
    picture, mask = _match_channels(_to_unit(_check_picture(image)), 3), np.asarray(mask)
    known = mask[mask != IGNORE]
    names = class_names or ["background", *map(str, range(known.max(initial=0)))]
    if mask.shape != picture.shape[:2] or known.max(initial=0) >= len(names):
        raise ValueError(
            f"mask is {mask.shape} with classes to {known.max(initial=0)}, the picture is "
            f"{picture.shape[:2]}, and there are {len(names)} class names."
        )
    colors, share = np.zeros((256, 3), np.float32), np.zeros((256, 1), np.float32)
    colors[: len(names)] = [to_rgb(color) for color in class_palette(names)]
    share[int(names[0].startswith("background")) : len(names)] = alpha
    painted = picture * (1 - share[mask]) + (colors * share)[mask]
    return np.rint(255 * np.clip(painted, 0, 1)).astype(np.uint8)


def save(model, folder):
    """Write a model into a folder that `load` reads: its network, and ``model.json`` for the rest.

    Parameters
    ----------
    model : Segmenter
        With a class table.
    folder : path
        Made where it is not there; a model that it holds is replaced.

    Raises
    ------
    ValueError
        If `model` is a bare network, or has no class table.
    """
    if not isinstance(model, Segmenter) or model.class_names is None:
        raise ValueError(
            "A model is kept with its class table: save(Segmenter(network, class_names, ...), ...)."
        )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").unlink(missing_ok=True)  # written last, so that no half is ever loaded
    network, optimizer = model.network, getattr(model.network, "optimizer", None)
    network.optimizer = None  # its state is two thirds of the file, and only training needs it
    try:
        network.save(folder / "network.keras")
    finally:
        network.optimizer = optimizer
    facts = {
        "class_names": model.class_names,
        "size": model.size,
        "linear": model.linear and [part.tolist() for part in model.linear],
        "keras": keras.__version__,
    }
    text = json.dumps(facts, ensure_ascii=False, indent=1)
    (folder / "model.json").write_text(text, encoding="utf-8")


def load(folder):
    """Read what `save` wrote.

    Returns
    -------
    Segmenter

    Raises
    ------
    CourseDataError
        If the folder is not there or not complete, or this Keras cannot read the network.
    """
    folder, saved_by = Path(folder), "an unknown version"
    try:
        facts = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        saved_by = facts["keras"]
        network = keras.saving.load_model(folder / "network.keras", compile=False)
        model = Segmenter(network, facts["class_names"], facts["size"])
        if facts["linear"]:
            model.linear = tuple(np.array(part, np.float32) for part in facts["linear"])
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise CourseDataError(
            f"Load the model in {folder}:",
            f"{type(error).__name__}: {error}",
            "It takes network.keras and model.json as inference.save writes them. Saved by Keras "
            f"{saved_by}, this is {keras.__version__}.",
        ) from error
    return model


def main(arguments=None):
    """Write masks and overlays of pictures; returns the exit status, 1 where one was refused."""
    parser = argparse.ArgumentParser(
        prog="python -m course_utils.inference",
        description="Write the mask and an overlay of each picture, as PICTURE_mask.png (class "
        "numbers, in a palette) and PICTURE_overlay.png.",
    )
    parser.add_argument("model", metavar="FOLDER", help="what inference.save wrote")
    parser.add_argument("pictures", metavar="PICTURE", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, default=Path("predictions"), help="%(default)s")
    chosen = parser.parse_args(arguments)
    pictures = []
    for path in chosen.pictures:  # the shells of Windows leave patterns as they are
        is_pattern = {*str(path)} & {*"*?"} and not path.exists()
        found = sorted(glob.glob(str(path).replace("[", "[[]"))) if is_pattern else [path]
        pictures += map(Path, found)
        if not found:
            parser.error(f"no file has a name like {path}")
    # Pictures of one name, in two folders or of two kinds, would write over one another.
    counts = Counter(path.stem.lower() for path in pictures)
    if double := [str(path) for path in pictures if counts[path.stem.lower()] > 1]:
        parser.error(f"{', '.join(double)} would have masks of one name: run them one by one")
    try:
        model = load(chosen.model)
    except CourseDataError as error:
        parser.error(str(error))
    chosen.output.mkdir(parents=True, exist_ok=True)
    refused = []
    for path in tqdm(pictures, unit="picture"):
        try:
            picture = read_picture(path)
            mask = predict(model, picture, progress=False)
        except (CourseDataError, ValueError) as error:
            refused.append(f"{path}: {error}")
            continue
        write_mask(chosen.output / f"{path.stem}_mask.png", mask, model.class_names)
        painted = overlay(picture, mask, model.class_names)
        Image.fromarray(painted).save(chosen.output / f"{path.stem}_overlay.png")
    print(f"{len(pictures) - len(refused)} masks and overlays are in {chosen.output}.")
    print(*refused, sep="\n", end="\n" if refused else "", file=sys.stderr)
    return int(bool(refused))


if __name__ == "__main__":
    sys.exit(main())
