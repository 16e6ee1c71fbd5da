"""Made-up outdoor scenes packed as the Stanford Background data are."""

import cv2
import numpy as np

from ._scene import outdoor_scene
from ._scene_things import BUILDING, ROAD, UNKNOWN
from .archives import tar_gz_bytes, write_mirror

# Height and width of the scenes: mostly those of a television picture, as in the published data.
SIZES = ((240, 320), (240, 320), (240, 320), (213, 320), (240, 300), (320, 240), (225, 320))
# First digit of the ids, from the scenes with least to those with most road and building.
SOURCES = (0, 1, 4, 9)


def write_stanford_background(folder, n_scenes=48, seed=0):
    """Write made-up outdoor scenes as `iccv09Data.tar.gz`, packed as the published data are.

    Sizes vary around 240 x 320 pixels. Ids are numbers of seven digits; like the ids of a set
    that was gathered from several sources, they are no random order: scenes with little road and
    building come first. The same arguments give the same bytes (with the same versions of NumPy
    and OpenCV).

    Parameters
    ----------
    folder : path
        Made if need be. Files of the same names in it are replaced, each in one step.
    n_scenes : int
    seed : int

    Returns
    -------
    Path
        `folder`: a mirror that `course_utils.datasets.fetch.fetch` can read, with `SHA256SUMS`.
    """
    content = tar_gz_bytes(_files(np.random.default_rng([seed, 2]), n_scenes))
    return write_mirror(folder, {"iccv09Data.tar.gz": content})


def _files(rng, n_scenes):
    """List (name in the archive, bytes) of `n_scenes` scenes."""
    scenes = [_scene(rng, SIZES[i % len(SIZES)]) for i in range(n_scenes)]
    town = [np.isin(regions, (ROAD, BUILDING)).mean() for _, regions, _, _ in scenes]
    numbers = rng.choice(10**6, size=n_scenes, replace=False)
    files, horizons = [], []
    for place, i in enumerate(np.argsort(town, kind="stable")):
        image, regions, surfaces, layers = scenes[i]
        name = f"{SOURCES[place * len(SOURCES) // n_scenes]}{numbers[i]:06d}"
        # The ground begins where the first row is flat for the most part.
        horizon = int(np.argmax((surfaces == 1).mean(axis=1) > 0.5))
        horizons.append(f"{name} {image.shape[1]} {image.shape[0]} {horizon}\n")
        jpeg = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
        files.append((f"iccv09Data/images/{name}.jpg", jpeg.tobytes()))
        for kind, labels in {"regions": regions, "surfaces": surfaces, "layers": layers}.items():
            files.append((f"iccv09Data/labels/{name}.{kind}.txt", _as_text(labels)))
    files.append(("iccv09Data/horizons.txt", "".join(sorted(horizons)).encode()))
    return files


def _scene(rng, size):
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


def _as_text(labels):
    """One row a line, each number followed by a blank."""
    words = np.array([f"{value} ".encode() for value in range(-1, labels.max() + 1)])
    letters = words[labels + 1].view(np.uint8).reshape(len(labels), -1)  # short words end in 0
    lines = np.pad(letters, ((0, 0), (0, 1)), constant_values=ord("\n"))
    return lines[lines > 0].tobytes()
