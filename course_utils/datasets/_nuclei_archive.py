"""Made-up nuclei packed as the Data Science Bowl 2018 data are."""

import hashlib

import cv2
import numpy as np

from ._nuclei import nuclei
from .archives import write_mirror, zip_bytes

# Height, width and stain, in turns. As in the published data most images are small and dark, and
# the stained tissue is of one size.
FIELDS = (
    (256, 256, "fluorescence"),
    (256, 320, "histology"),
    (256, 256, "fluorescence"),
    (360, 360, "fluorescence"),
    (256, 256, "fluorescence"),
    (256, 320, "histology"),
    (260, 347, "fluorescence"),
    (256, 256, "fluorescence"),
    (520, 696, "fluorescence"),
    (256, 256, "fluorescence"),
)


def write_dsb2018(folder, n_images=48, seed=0):
    """Write made-up nuclei as `stage1_train.zip`, packed as the published data are.

    Images of several sizes and two stains, with four channels, the fourth of them opaque all
    over; one mask a nucleus. Ids and the names of masks are numbers of 64 hexadecimal digits. The
    same arguments give the same bytes (with the same versions of NumPy and OpenCV).

    Parameters
    ----------
    folder : path
        Made if need be. Files of the same names in it are replaced, each in one step.
    n_images : int
    seed : int

    Returns
    -------
    Path
        `folder`: a mirror that `course_utils.datasets.fetch.fetch` can read, with `SHA256SUMS`.
    """
    content = zip_bytes(file for i in range(n_images) for file in _files(seed, i))
    return write_mirror(folder, {"stage1_train.zip": content})


def _files(seed, i):
    """Yield (name in the archive, bytes) of one image and its masks."""
    height, width, stain = FIELDS[i % len(FIELDS)]
    image, instances = nuclei(np.random.default_rng([seed, 3, i]), height, width, stain=stain)
    name = _hash(seed, i)
    yield f"{name}/images/{name}.png", _png(cv2.cvtColor(image, cv2.COLOR_RGB2BGRA))
    for number in range(1, int(instances.max()) + 1):
        mask = np.where(instances == number, 255, 0).astype(np.uint8)
        yield f"{name}/masks/{_hash(seed, i, number)}.png", _png(mask)


def _hash(*numbers):
    return hashlib.sha256(" ".join(map(str, numbers)).encode()).hexdigest()


def _png(picture):
    return cv2.imencode(".png", picture)[1].tobytes()
