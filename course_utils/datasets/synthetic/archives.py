"""Made-up pictures packed as the published data sets are.

The same arguments give the same bytes, with the same versions of NumPy and OpenCV. Each function
returns its folder: a mirror that `course_utils.datasets.fetch.fetch` can read, with `SHA256SUMS`.
"""

import hashlib

import cv2
import numpy as np

from ..archives import tar_gz_bytes, write_mirror, zip_bytes
from .heart import short_axis_slice
from .nuclei import nuclei
from .scene_objects import BUILDING, ROAD, UNKNOWN
from .scenes import outdoor_scene

# Height and width of the scenes: mostly those of a television picture, as in the published data.
SCENE_SIZES = ((240, 320),) * 3 + ((213, 320), (240, 300), (320, 240), (225, 320))
# First digit of the ids, from the scenes with least to those with most road and building.
SCENE_SOURCES = (0, 1, 4, 9)
# Height, width and stain of the nuclei, in turns. As in the published data most images are small
# and dark, and the stained tissue is of one size.
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


def write_sunnybrook(folder, n_train=48, n_val=12, seed=0, size=256, n_positions=3):
    """Write made-up heart slices as `train.zip` and `val.zip`.

    The slices of all patients are shuffled before they are cut into train and val. So, as in the
    published files, most patients stand on both sides, and no name says which slices are whose:
    `list_slices` does.

    Parameters
    ----------
    folder : path
        Made if need be. Files of the same names in it are replaced, each in one step.
    n_train, n_val : int
        Number of image and label pairs.
    seed : int
    size : int
        Height and width of the images in pixels.
    n_positions : int
        Places from base to apex at which a patient is shown, at end diastole and end systole.
    """
    files = {"train": [], "val": []}
    slices = list_slices(n_train + n_val, seed, n_positions)
    for number, (patient, position, systole) in enumerate(slices):
        split, number = ("train", number) if number < n_train else ("val", number - n_train)
        rng = np.random.default_rng([seed, patient, int(1000 * position), systole])
        image, mask = short_axis_slice(
            rng, size, patient=1000 * seed + patient, position=position, systole=systole
        )
        for kind, picture in (("image", image), ("label", mask)):
            files[split].append((f"{split}/{kind}/{number:03d}.png", _png(picture)))
    return write_mirror(folder, {f"{split}.zip": zip_bytes(f) for split, f in files.items()})


def list_slices(n_slices, seed=0, n_positions=3):
    """List what `write_sunnybrook` shows in each slice, in the order of train and then val.

    Returns
    -------
    list of (int, float, int)
        Number of the patient, position from 0 (base) to 1 (apex), and 1 at end systole.
    """
    rng = np.random.default_rng(seed)
    slices = []
    for i in range(n_slices):
        patient, which = divmod(i, 2 * n_positions)
        if which % 2 == 0:  # both moments show the same place
            position = (which // 2 + rng.uniform()) / n_positions
        slices.append((patient, position, which % 2))
    return [slices[i] for i in rng.permutation(n_slices)]


def write_stanford_background(folder, n_scenes=48, seed=0):
    """Write made-up outdoor scenes as `iccv09Data.tar.gz`.

    Sizes vary around 240 x 320 pixels. Ids are numbers of seven digits; like the ids of a set
    that was gathered from several sources, their order is not random: scenes with little road and
    building come first.

    Parameters
    ----------
    folder : path
        Made if need be. Files of the same names in it are replaced, each in one step.
    n_scenes : int
    seed : int
    """
    content = tar_gz_bytes(_scene_files(np.random.default_rng([seed, 2]), n_scenes))
    return write_mirror(folder, {"iccv09Data.tar.gz": content})


def _scene_files(rng, n_scenes):
    """List (name in the archive, bytes) of `n_scenes` scenes."""
    scenes = [_labeled_scene(rng, SCENE_SIZES[i % len(SCENE_SIZES)]) for i in range(n_scenes)]
    town = [np.isin(regions, (ROAD, BUILDING)).mean() for _, regions, _, _ in scenes]
    numbers = rng.choice(10**6, size=n_scenes, replace=False)
    files, horizons = [], []
    for place, i in enumerate(np.argsort(town, kind="stable")):
        image, *labels = scenes[i]
        name = f"{SCENE_SOURCES[place * len(SCENE_SOURCES) // n_scenes]}{numbers[i]:06d}"
        # The ground begins where the first row is flat for the most part.
        horizon = int(np.argmax((labels[1] == 1).mean(axis=1) > 0.5))
        horizons.append(f"{name} {image.shape[1]} {image.shape[0]} {horizon}\n")
        jpeg = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
        files.append((f"iccv09Data/images/{name}.jpg", jpeg.tobytes()))
        for kind, numbered in zip(("regions", "surfaces", "layers"), labels, strict=True):
            files.append((f"iccv09Data/labels/{name}.{kind}.txt", _label_text(numbered)))
    files.append(("iccv09Data/horizons.txt", "".join(sorted(horizons)).encode()))
    return files


def _labeled_scene(rng, size):
    """Image, regions, surfaces and layers, -1 where unknown."""
    image, regions, surfaces, objects = outdoor_scene(rng, *size)
    layers = np.full(size, -1, np.int32)
    seen = np.where(regions == UNKNOWN, 0, 1 + regions + 8 * objects.astype(np.int32))
    for value in np.unique(seen[seen > 0]):
        pieces = cv2.connectedComponents((seen == value).astype(np.uint8), connectivity=4)[1]
        layers[pieces > 0] = pieces[pieces > 0] + layers.max()
    regions, surfaces = (
        np.where(labels == UNKNOWN, -1, labels.astype(np.int32)) for labels in (regions, surfaces)
    )
    return image, regions, surfaces, layers


def _label_text(labels):
    """One row per line, each number followed by a blank."""
    return "".join("".join(f"{value} " for value in row) + "\n" for row in labels.tolist()).encode()


def write_dsb2018(folder, n_images=48, seed=0):
    """Write made-up nuclei as `stage1_train.zip`.

    Images of several sizes and two stains, with four channels, the fourth of them opaque all
    over; one mask per nucleus. Ids and the names of masks are numbers of 64 hexadecimal digits.

    Parameters
    ----------
    folder : path
        Made if need be. Files of the same names in it are replaced, each in one step.
    n_images : int
    seed : int
    """
    content = zip_bytes(file for i in range(n_images) for file in _nuclei_files(seed, i))
    return write_mirror(folder, {"stage1_train.zip": content})


def _nuclei_files(seed, i):
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
