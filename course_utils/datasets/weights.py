"""Encoder weights trained on ImageNet, fetched with the care that the data sets are.

The files are those that segmentation_models 1.0.1 would download by itself; kept by the course,
they can come from a mirror, and a path can be given in the place of the word "imagenet"::

    segmentation_models.Unet("mobilenet", encoder_weights=fetch_weights("mobilenet"))
"""

import dataclasses
import datetime
import json
import os
import shutil
from pathlib import Path

import pooch

from ._weights_catalog import FOLDER, KNOWN_FILES, WEIGHTS, EncoderWeights
from .download import get_archive
from .errors import CourseDataError
from .fetch import Remembered, data_dir, locked, need_disk

__all__ = [
    "FOLDER",
    "KNOWN_FILES",
    "WEIGHTS",
    "EncoderWeights",
    "describe_weights",
    "fetch_file",
    "fetch_weights",
    "provenance",
]

_HDF5 = b"\x89HDF\r\n\x1a\n"


def fetch_weights(
    backbone: str,
    mirror: Path | str | None = None,
    progress: bool = True,
    root: Path | str | None = None,
) -> str:
    """Path of the file with a backbone's ImageNet weights; downloaded and checked the first time.

    Parameters
    ----------
    backbone : str
        A key of `WEIGHTS`.
    mirror : path or str, optional
        Folder or http(s) address that holds ``weights/<file>``, tried before the published
        address; default ``COURSE_MIRROR``; an empty string means none.
    progress : bool
        Show a bar while downloading, and say what is waited for.
    root : path, optional
        Where data is kept; default `course_utils.datasets.fetch.data_dir`.

    Returns
    -------
    str
        For ``encoder_weights=`` of segmentation_models.

    Raises
    ------
    CourseDataError
        If no source has the file, it is not what it should be, or it cannot be written.
    ValueError
        If there is no such backbone here.
    """
    if backbone not in WEIGHTS:
        raise ValueError(f"no weights for {backbone!r}; there are: {', '.join(WEIGHTS)}")
    mirror = os.environ.get("COURSE_MIRROR", "") if mirror is None else mirror
    return str(fetch_file(WEIGHTS[backbone], root or data_dir(), mirror, progress))


def fetch_file(
    weights: EncoderWeights, root: Path | str, mirror: Path | str, progress: bool = True
) -> Path:
    """Do what `fetch_weights` does, for weights that may not be in the catalogue."""
    folder = Path(root).expanduser().absolute() / FOLDER
    path = folder / weights.file
    if _is_whole(path):
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / f".{weights.file}.lock", weights.title, progress):
            if not _is_whole(path):
                _install(weights, path, str(mirror), progress)
    except OSError as error:
        raise CourseDataError(
            f"Could not keep {weights.title} in {folder}:",
            f"{error.strerror or error} ({error.filename or folder}).",
            "Set COURSE_DATA_DIR to a folder that you may write to, on a disk with room.",
        ) from error
    return path


def provenance(path: Path | str) -> dict:
    """Where a file that `fetch_weights` returned came from.

    Returns
    -------
    dict
        ``backbone``, ``title``, ``fetched`` (date and time, UTC), ``source``, ``sha256``,
        ``bytes``, ``checked`` (what the hash was compared with) and ``note`` (what is known of a
        file that is not the published one, else empty). Empty for a file of another origin.
    """
    try:
        return json.loads(_marker(Path(path)).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def describe_weights(path: Path | str) -> str:
    """`provenance` in one line. What is known of the file is said whatever its origin."""
    facts = provenance(path)
    digest = facts.get("sha256") or pooch.file_hash(str(path))
    plain = f"ImageNet weights of the {facts['backbone']} encoder" if facts else "weights"
    line = f"{KNOWN_FILES.get(digest, plain)}: {facts.get('source', path)} (sha256 {digest[:12]}…)"
    return f"{line}; fetched {facts['fetched'][:10]}" if facts else line


def _marker(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _is_whole(path: Path) -> bool:
    return path.is_file() and provenance(path).get("bytes") == path.stat().st_size


def _install(weights: EncoderWeights, path: Path, mirror: str, progress: bool) -> None:
    """Do the work, under the lock; marker and file appear one after the other, each whole."""
    staging = path.with_name(f".{path.name}.part")
    shutil.rmtree(staging, ignore_errors=True)  # what a killed process left
    need_disk(path.parent, 2 * weights.archive.size, weights.title)
    known = Remembered(path.with_name(f".{path.name}.sha256"))
    aside = staging / weights.archive.name
    aside.parent.mkdir(parents=True)
    try:
        got = get_archive(
            weights.title, weights.archive, staging, mirror, known.hashes, progress, _help(weights)
        )
        _check_content(got.path, got.source, weights)
        if got.path != aside:
            shutil.copyfile(got.path, aside)
        facts = {
            "backbone": weights.backbone,
            "title": weights.title,
            "fetched": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            **{k: v for k, v in dataclasses.asdict(got).items() if k not in ("path", "name")},
            "note": KNOWN_FILES.get(got.sha256, ""),
        }
        marker = staging / "marker"
        marker.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        known.add([got])
        path.unlink(missing_ok=True)  # a marker never stands beside a file that it does not mean
        os.replace(marker, _marker(path))
        os.replace(aside, path)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _check_content(path: Path, source: str, weights: EncoderWeights) -> None:
    """Where no hash is stated this tells a weights file from a log-in page."""
    with path.open("rb") as file:
        if file.read(len(_HDF5)) != _HDF5:
            raise CourseDataError(
                f"Looked into {source} for {weights.title}:",
                "it is no weights file (HDF5): perhaps a web page that wants you to log in first.",
                "It was not kept. Try again; if it stays so, take another mirror "
                "(COURSE_MIRROR), or unset it to take the published file.",
            )


def _help(weights: EncoderWeights) -> str:
    return (
        "What helps: check the network and try again; or set COURSE_MIRROR to a folder or address "
        f"that holds {weights.archive.name} (data_scripts/build_mirror.py makes one). A chapter "
        "also runs in the sample profile, which needs no weights: set COURSE_PROFILE=sample for it."
    )
