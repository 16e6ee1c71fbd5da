"""Made-up data in the layout of the real sets: for trying the course out, for tests, for CI.

Nothing here comes from a real picture or patient: every image is drawn from a seed. A score
measured on it says that the code runs, and nothing about the real data.
"""

import dataclasses
import os
import shutil
from pathlib import Path

import cv2
import filelock
import numpy as np

from ._nuclei import nuclei
from ._nuclei_archive import write_dsb2018
from ._phantom import short_axis_slice
from ._scene import outdoor_scene
from ._scene_archive import write_stanford_background
from .archives import write_mirror, zip_bytes
from .catalog import DSB2018, STANFORD_BACKGROUND, SUNNYBROOK, Archive
from .errors import CourseDataError

__all__ = [
    "DSB2018_SAMPLE",
    "SAMPLES",
    "SAMPLE_VERSION",
    "STANFORD_BACKGROUND_SAMPLE",
    "SUNNYBROOK_SAMPLE",
    "mirror",
    "nuclei",
    "outdoor_scene",
    "short_axis_slice",
    "write_dsb2018",
    "write_stanford_background",
    "write_sunnybrook",
]

SAMPLE_VERSION = 1  # raise it when the pictures change: mirrors written earlier are then left aside
SLICES_PER_PATIENT = 6
_PAIRS = {"train": 48, "val": 12}
_SCENES = {"all": 48}
_FIELDS = {"all": 48}
_SEED = 11  # ventricles of its ten patients are spread in size much as the real ones are

SUNNYBROOK_SAMPLE = dataclasses.replace(
    SUNNYBROOK,
    name="sunnybrook-sample",
    title="Made-up short-axis heart slices in the layout of the Sunnybrook data",
    archives=tuple(
        Archive(
            name=f"{split}.zip",
            url="",  # made up here: there is nothing to download
            unpacked_size=n_pairs * 2 * 66_000,
        )
        for split, n_pairs in _PAIRS.items()
    ),
    licence="CC0 1.0 (drawn by the course's own code)",
    citation="Made-up images of this course; not for measuring anything but the code.",
    homepage="",
    pairs=dict(_PAIRS),
    redistributable=True,
    version=str(SAMPLE_VERSION),
)
STANFORD_BACKGROUND_SAMPLE = dataclasses.replace(
    STANFORD_BACKGROUND,
    name="stanford_background-sample",
    title="Made-up outdoor scenes in the layout of the Stanford Background data",
    archives=(Archive("iccv09Data.tar.gz", url="", unpacked_size=50_000_000),),
    licence=SUNNYBROOK_SAMPLE.licence,
    citation=SUNNYBROOK_SAMPLE.citation,
    homepage="",
    pairs=dict(_SCENES),
    redistributable=True,
    version=str(SAMPLE_VERSION),
)
DSB2018_SAMPLE = dataclasses.replace(
    DSB2018,
    name="dsb2018-sample",
    title="Made-up images of nuclei in the layout of the Data Science Bowl 2018 data",
    archives=(Archive("stage1_train.zip", url="", unpacked_size=40_000_000),),
    licence=SUNNYBROOK_SAMPLE.licence,
    citation=SUNNYBROOK_SAMPLE.citation,
    homepage="",
    pairs=dict(_FIELDS),
    redistributable=True,
    version=str(SAMPLE_VERSION),
)
SAMPLES = {  # by the name of the set whose place they take
    "sunnybrook": SUNNYBROOK_SAMPLE,
    "stanford_background": STANFORD_BACKGROUND_SAMPLE,
    "dsb2018": DSB2018_SAMPLE,
}


def write_sunnybrook(folder, n_train=48, n_val=12, seed=0, size=256):
    """Write made-up heart slices as `train.zip` and `val.zip`, packed as the published data are.

    Each made-up patient gives up to six slices, from base to apex at end diastole and end systole;
    no patient stands in both archives. The same arguments give the same bytes (with the same
    versions of NumPy and OpenCV).

    Parameters
    ----------
    folder : path
        Made if need be. Files of the same names in it are replaced, each in one step.
    n_train, n_val : int
        Number of image and label pairs.
    seed : int
    size : int
        Height and width of the images in pixels.

    Returns
    -------
    Path
        `folder`: a mirror that `course_utils.datasets.fetch.fetch` can read, with `SHA256SUMS`.
    """
    archives = {}
    for stream, (split, n_pairs) in enumerate({"train": n_train, "val": n_val}.items()):
        rng = np.random.default_rng([seed, stream])
        files = _sunnybrook_files(rng, split, stream, n_pairs, size)
        archives[f"{split}.zip"] = zip_bytes(files)
    return write_mirror(folder, archives)


def mirror(folder, name="sunnybrook"):
    """Make sure that a mirror with one set of sample data stands in `folder`.

    Several processes may ask at once: one writes, the others wait. A mirror of another
    `SAMPLE_VERSION` is left alone.

    Parameters
    ----------
    folder : path
    name : str
        The set whose place the sample takes, a key of `SAMPLES`.

    Returns
    -------
    Path
        The mirror, `folder/<name>-v<SAMPLE_VERSION>`, for `fetch(SAMPLES[name], mirror=…)`.

    Raises
    ------
    CourseDataError
        If it cannot be written.
    ValueError
        If there is no sample of that name.
    """
    if name not in _WRITERS:
        raise ValueError(f"no sample takes the place of {name!r}; there are: {', '.join(_WRITERS)}")
    target = Path(folder) / f"{name}-v{SAMPLE_VERSION}"
    if (target / "SHA256SUMS").exists():  # the folder is renamed into place when it is whole
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{target}.lock"):
            if not (target / "SHA256SUMS").exists():
                aside = target.with_name(f"{target.name}.partial")
                for leftover in (aside, target):  # of a killed process, or half deleted
                    shutil.rmtree(leftover, ignore_errors=True)
                _WRITERS[name](aside)
                os.replace(aside, target)
    except OSError as error:
        raise CourseDataError(
            f"Wanted to write the made-up sample data to {target}:",
            f"{error.strerror or error} ({error.filename or target}).",
            "Set COURSE_DATA_DIR to a folder that you may write to, on a disk with room.",
        ) from error
    return target


_WRITERS = {
    "sunnybrook": lambda folder: write_sunnybrook(folder, _PAIRS["train"], _PAIRS["val"], _SEED),
    "stanford_background": lambda folder: write_stanford_background(folder, _SCENES["all"]),
    "dsb2018": lambda folder: write_dsb2018(folder, _FIELDS["all"]),
}


def _sunnybrook_files(rng, split, stream, n_pairs, size):
    """Yield (name in the archive, bytes) for `n_pairs` slices of new patients."""
    numbers = rng.permutation(n_pairs)  # slices of a patient do not follow one another
    for i, number in enumerate(numbers):
        which = i % SLICES_PER_PATIENT
        if which == 0:
            # Even numbers train, odd ones validate: no patient can stand on both sides.
            patient = int(rng.integers(2**30)) * 2 + stream
            positions = np.repeat(rng.uniform([0.0, 0.3, 0.6], [0.3, 0.6, 1.0]), 2)
        image, mask = short_axis_slice(
            rng, size, patient=patient, position=positions[which], systole=float(which % 2)
        )
        yield f"{split}/image/{number:03d}.png", _png(image)
        yield f"{split}/label/{number:03d}.png", _png(mask)


def _png(image):
    return cv2.imencode(".png", image)[1].tobytes()
