"""Made-up data in the layout of the real sets: for trying the course out, for tests, for CI.

Nothing here comes from a real picture or patient: every image is drawn from a seed. A score
measured on it says that the code runs, and nothing about the real data.
"""

import dataclasses
import os
import shutil
from functools import partial
from pathlib import Path

import filelock

from .catalog import DSB2018, STANFORD_BACKGROUND, SUNNYBROOK, Archive
from .errors import CourseDataError
from .synthetic.archives import write_dsb2018, write_stanford_background, write_sunnybrook
from .synthetic.heart import short_axis_slice
from .synthetic.nuclei import nuclei
from .synthetic.scenes import outdoor_scene

__all__ = [
    "SAMPLES",
    "SAMPLE_VERSION",
    "mirror",
    "nuclei",
    "outdoor_scene",
    "short_axis_slice",
    "write_dsb2018",
    "write_stanford_background",
    "write_sunnybrook",
]

SAMPLE_VERSION = 1  # raise it when the pictures change: mirrors written earlier are then left aside


def _sample_of(entry, title, pairs, unpacked_size):
    """The catalog's entry of what takes a data set's place."""
    archives = tuple(
        Archive(archive.name, url="", unpacked_size=unpacked_size) for archive in entry.archives
    )
    return dataclasses.replace(
        entry,
        name=f"{entry.name}-sample",
        title=f"Made-up {title}",
        archives=archives,
        licence="CC0 1.0 (drawn by the course's own code)",
        citation="Made-up images of this course; not for measuring anything but the code.",
        homepage="",
        pairs=pairs,
        redistributable=True,
        version=str(SAMPLE_VERSION),
    )


SAMPLES = {  # by the name of the set whose place they take
    "sunnybrook": _sample_of(
        SUNNYBROOK,
        "short-axis heart slices in the layout of the Sunnybrook data",
        {"train": 48, "val": 12},
        6_400_000,
    ),
    "stanford_background": _sample_of(
        STANFORD_BACKGROUND,
        "outdoor scenes in the layout of the Stanford Background data",
        {"all": 48},
        50_000_000,
    ),
    "dsb2018": _sample_of(
        DSB2018,
        "images of nuclei in the layout of the Data Science Bowl 2018 data",
        {"all": 48},
        40_000_000,
    ),
}
# Ventricles of the ten patients of seed 11 are spread in size much as the real ones are.
_WRITERS = {
    "sunnybrook": partial(write_sunnybrook, seed=11),
    "stanford_background": write_stanford_background,
    "dsb2018": write_dsb2018,
}


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
    if name not in SAMPLES:
        raise ValueError(f"no sample takes the place of {name!r}; there are: {', '.join(SAMPLES)}")
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
                _WRITERS[name](aside, *SAMPLES[name].pairs.values())
                os.replace(aside, target)
    except OSError as error:
        raise CourseDataError(
            f"Wanted to write the made-up sample data to {target}:",
            f"{error.strerror or error} ({error.filename or target}).",
            "Set COURSE_DATA_DIR to a folder that you may write to, on a disk with room.",
        ) from error
    return target
