"""Made-up data in the layout of the real sets: for trying the course out, for tests, for CI.

Nothing here comes from a real picture or patient: every image is drawn from a seed. A score
measured on it says that the code runs, and nothing about the real data. There are two sizes: the
profile "sample" takes the small sets, "showcase" those on which a network can learn something.
"""

import dataclasses
import os
import shutil
from functools import partial
from pathlib import Path

import filelock

from course_utils.chapters import MADE_UP

from .catalog import CATALOG, MB, Archive
from .errors import CourseDataError
from .synthetic.archives import (
    write_dsb2018,
    write_labelme_fruit,
    write_stanford_background,
    write_sunnybrook,
)
from .synthetic.fruit import write_two_annotators
from .synthetic.heart import short_axis_slice
from .synthetic.nuclei import nuclei
from .synthetic.scenes import outdoor_scene

__all__ = [
    "SAMPLES",
    "SAMPLE_VERSION",
    "entry",
    "mirror",
    "nuclei",
    "outdoor_scene",
    "short_axis_slice",
    "write_dsb2018",
    "write_labelme_fruit",
    "write_stanford_background",
    "write_sunnybrook",
    "write_two_annotators",
]

SAMPLE_VERSION = 3  # raise it when the pictures change: mirrors written earlier are then left aside
# By the name of the set whose place they take: what they are, and how many for each profile.
_SETS = {
    "sunnybrook": (
        "short-axis heart slices in the layout of the Sunnybrook data",
        {"sample": {"train": 48, "val": 12}, "showcase": {"train": 180, "val": 30}},
    ),
    "stanford_background": (
        "outdoor scenes in the layout of the Stanford Background data",
        {"sample": {"all": 48}, "showcase": {"all": 240}},
    ),
    "dsb2018": (
        "images of nuclei in the layout of the Data Science Bowl 2018 data",
        {"sample": {"all": 48}, "showcase": {"all": 160}},
    ),
    "labelme_fruit": (
        "photographs of dates, figs and hazelnuts with LabelMe files",
        {"sample": {"all": 12}, "showcase": {"all": 16}},
    ),
}
_WRITERS = {
    "sunnybrook-sample": write_sunnybrook,  # ten patients of six slices
    "sunnybrook-showcase": partial(write_sunnybrook, n_positions=7),  # fifteen of fourteen
    "stanford_background-sample": write_stanford_background,
    "stanford_background-showcase": write_stanford_background,
    "dsb2018-sample": write_dsb2018,
    "dsb2018-showcase": write_dsb2018,
    "labelme_fruit-sample": write_labelme_fruit,
    "labelme_fruit-showcase": write_labelme_fruit,
}


def _entry(name, profile):
    """The catalog's entry of what takes a data set's place."""
    title, pairs = _SETS[name]
    counts = pairs[profile].values()
    return dataclasses.replace(
        CATALOG[name],
        name=f"{name}-{profile}",
        title=f"Made-up {title} ({' + '.join(map(str, counts))} images)",
        archives=tuple(
            Archive(archive.name, url="", unpacked_size=sum(counts) * MB)
            for archive in CATALOG[name].archives
        ),
        licence="CC0 1.0 (drawn by the course's own code)",
        citation="Made-up images of this course; not for measuring anything but the code.",
        homepage="",
        pairs=pairs[profile],
        redistributable=True,
        version=str(SAMPLE_VERSION),
    )


_ENTRIES = {profile: {name: _entry(name, profile) for name in _SETS} for profile in MADE_UP}
SAMPLES = _ENTRIES["sample"]
"""Entries of the small sets, by the name of the set whose place they take."""


def entry(name, profile="sample"):
    """What takes a data set's place.

    Parameters
    ----------
    name : str
        The set whose place it takes, a key of `SAMPLES`.
    profile : {"sample", "showcase"}

    Returns
    -------
    DatasetEntry
        For `fetch`, with the `mirror` of the same arguments.

    Raises
    ------
    ValueError
        If there is no sample of that name, or no such profile.
    """
    for given, known in ((profile, _ENTRIES), (name, SAMPLES)):
        if given not in known:
            raise ValueError(f"no made-up data for {given!r}; there are: {', '.join(known)}")
    return _ENTRIES[profile][name]


def mirror(folder, name="sunnybrook", profile="sample"):
    """Make sure that a mirror with one set of made-up data stands in `folder`.

    Several processes may ask at once: one writes, the others wait. A mirror of another
    `SAMPLE_VERSION` is left alone.

    Parameters
    ----------
    folder : path
    name : str
        The set whose place it takes, a key of `SAMPLES`.
    profile : {"sample", "showcase"}

    Returns
    -------
    Path
        The mirror, `folder/<name>-<profile>-v<SAMPLE_VERSION>`, for
        `fetch(entry(name, profile), mirror=…)`.

    Raises
    ------
    CourseDataError
        If it cannot be written.
    ValueError
        If there is no sample of that name, or no such profile.
    """
    made_up = entry(name, profile)
    target = Path(folder) / f"{made_up.name}-v{SAMPLE_VERSION}"
    if (target / "SHA256SUMS").exists():  # the folder is renamed into place when it is whole
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{target}.lock"):
            if not (target / "SHA256SUMS").exists():
                aside = target.with_name(f"{target.name}.partial")
                for leftover in (aside, target):  # of a killed process, or half deleted
                    shutil.rmtree(leftover, ignore_errors=True)
                _WRITERS[made_up.name](aside, *made_up.pairs.values())
                os.replace(aside, target)
    except OSError as error:
        raise CourseDataError(
            f"Wanted to write the made-up data to {target}:",
            f"{error.strerror or error} ({error.filename or target}).",
            "Set COURSE_DATA_DIR to a folder that you may write to, on a disk with room.",
        ) from error
    return target
