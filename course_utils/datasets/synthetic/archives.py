"""Made-up pictures packed as the published data sets are.

The same arguments give the same bytes, with the same versions of NumPy and OpenCV. Each function
returns its folder: a mirror that `course_utils.datasets.fetch.fetch` can read, with `SHA256SUMS`.
"""

import hashlib

import cv2
import numpy as np
from skimage import measure

from ..archives import tar_gz_bytes, write_mirror, zip_bytes
from .fruit import draw_by_hand, fruit_photograph, labelme_files
from .heart import short_axis_slice
from .nuclei import nuclei
from .scenes import BUILDING, ROAD, UNKNOWN, outdoor_scene

# Height and width of the scenes: mostly those of a television picture, as in the published data.
SCENE_SIZES = ((240, 320),) * 3 + ((213, 320), (240, 300), (320, 240), (225, 320))
# First digit of the ids, from the scenes with least to those with most road and building.
SCENE_SOURCES = (0, 1, 4, 9)
# Height and width of the fields of nuclei, in turns: mostly small, and those of 256 x 320 are of
# stained tissue, as in the published data.
STAINED = (256, 320)
SMALL = (256, 256)
FIELDS = (SMALL, STAINED, SMALL, (360, 360), SMALL, STAINED, (260, 347), SMALL, (520, 696), SMALL)


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
    rng = np.random.default_rng([seed, 2])
    scenes = [outdoor_scene(rng, *SCENE_SIZES[i % len(SCENE_SIZES)]) for i in range(n_scenes)]
    scenes.sort(key=lambda scene: np.isin(scene[1], (ROAD, BUILDING)).mean())
    numbers = rng.choice(10**6, size=n_scenes, replace=False)
    files, horizons = [], []
    for place, (image, regions, surfaces, objects) in enumerate(scenes):
        name = f"{SCENE_SOURCES[place * len(SCENE_SOURCES) // n_scenes]}{numbers[place]:06d}"
        jpeg = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
        files.append((f"iccv09Data/images/{name}.jpg", jpeg.tobytes()))
        # A layer is one piece of one region or object.
        seen = np.where(regions == UNKNOWN, -1, regions + 8 * objects.astype(int))
        layers = measure.label(seen, background=-1, connectivity=1) - 1
        for kind, labels in {"regions": regions, "surfaces": surfaces, "layers": layers}.items():
            labels = np.where(regions == UNKNOWN, -1, labels.astype(int))
            files.append((f"iccv09Data/labels/{name}.{kind}.txt", _label_text(labels)))
        # The ground begins where the first row is flat for the most part.
        horizon = int(np.argmax((surfaces == 1).mean(axis=1) > 0.5))
        horizons.append(f"{name} {image.shape[1]} {image.shape[0]} {horizon}\n")
    files.append(("iccv09Data/horizons.txt", "".join(sorted(horizons)).encode()))
    return write_mirror(folder, {"iccv09Data.tar.gz": tar_gz_bytes(files)})


def _label_text(labels):
    """One row per line, each number followed by a blank."""
    words = np.array([f"{number} " for number in range(-1, labels.max() + 1)], object)
    return "".join("".join(row) + "\n" for row in words[labels + 1]).encode()


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
    files = []
    for i in range(n_images):
        size = FIELDS[i % len(FIELDS)]
        stain = "histology" if size == STAINED else "fluorescence"
        image, instances = nuclei(np.random.default_rng([seed, 3, i]), *size, stain=stain)
        name = _hash(seed, i)
        files.append((f"{name}/images/{name}.png", _png(cv2.cvtColor(image, cv2.COLOR_RGB2BGRA))))
        for number in range(1, int(instances.max()) + 1):
            mask = np.where(instances == number, 255, 0).astype(np.uint8)
            files.append((f"{name}/masks/{_hash(seed, i, number)}.png", _png(mask)))
    return write_mirror(folder, {"stage1_train.zip": zip_bytes(files)})


def write_labelme_fruit(folder, n_images=12, seed=0):
    """Write made-up photographs of fruit, each with a LabelMe file, as `labelme_fruit.zip`.

    There are figs in every third of them only.

    Parameters
    ----------
    folder : path
        Made if need be. Files of the same names in it are replaced, each in one step.
    n_images : int
    seed : int
    """
    files = {}
    for i in range(n_images):
        rng = np.random.default_rng([seed, 4, i])
        image, outlines = fruit_photograph(rng, figs=i % 3 == 1)
        files |= labelme_files(str(i), image, draw_by_hand(rng, outlines))
    packed = [(f"labelme_fruit/{name}", content) for name, content in files.items()]
    return write_mirror(folder, {"labelme_fruit.zip": zip_bytes(packed)})


def _hash(*numbers):
    return hashlib.sha256(" ".join(map(str, numbers)).encode()).hexdigest()


def _png(picture):
    return cv2.imencode(".png", picture)[1].tobytes()
