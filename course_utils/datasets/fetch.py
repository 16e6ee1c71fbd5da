"""Get a data set or an encoder's weights once: whole, checked, from the nearest place with them."""

import dataclasses
import datetime
import importlib
import json
import os
import re
import shutil
from pathlib import Path

import filelock
import pooch

from .archives import keep_weights, unpack, write_whole
from .catalog import MB, WEIGHTS, DatasetEntry
from .download import FIRST_TIME, Sources, Unavailable, expand_path, read_seen
from .errors import CourseDataError

MARKER = ".course.json"
SAMPLE_ROOM = 300 * MB  # disk that the made-up data takes at most
STAND_IN = "-stand-in"  # ends the name of such a folder
SOURCE_NOTE = "{}.source.txt"  # beside an archive of a mirror that holds something else


def data_dir() -> Path:
    """The folder that data is kept in: ``COURSE_DATA_DIR``, else the user's cache folder."""
    return expand_path(os.environ.get("COURSE_DATA_DIR") or pooch.os_cache("segmentation-course"))


def fetch(
    entry: DatasetEntry,
    *,
    root: Path | str | None = None,
    mirror: Path | str | None = None,
    progress: bool = True,
) -> Path:
    """The folder of a data set; downloaded, checked and unpacked the first time.

    Two kernels may ask at once: one works, the other waits. The folder appears whole or not at
    all, so a run that was interrupted or killed is simply started again.

    Parameters
    ----------
    entry : DatasetEntry
    root : path, optional
        Where data is kept; default `data_dir`.
    mirror : path or str, optional
        Folder or http(s) address that holds the archives, tried before the published address;
        default ``COURSE_MIRROR``; an empty string means none.
    progress : bool
        Show a bar while downloading, and say what is waited for.

    Returns
    -------
    pathlib.Path
        ``<root>/<entry.name>``, with the archives' members in it, or the file of weights. Where
        the mirror says in ``<archive>.source.txt`` that it holds something else under that name,
        ``<root>/<entry.name>-stand-in``: `provenance` tells what. Such a folder is used again
        with the mirror that it came from, without asking there.

    Raises
    ------
    CourseDataError
        If no source has the data, a file is not what it should be, or it cannot be written.
    """
    root = expand_path(root or data_dir())
    mirror = str(os.environ.get("COURSE_MIRROR", "") if mirror is None else mirror)
    if folder := _find(entry, root, mirror):
        return folder
    lock = filelock.FileLock(_beside(root / entry.name, "lock"))
    attempts = None
    try:
        (root / entry.name).parent.mkdir(parents=True, exist_ok=True)
        try:
            held = lock.acquire(timeout=0)
        except filelock.Timeout:
            if progress:
                print(f"Another kernel is getting {entry.title}; waiting for it.")
            held = lock.acquire()
            # Where that one has tried in vain, once more is enough: the last of forty kernels
            # would hear after ten minutes that there is no network.
            attempts = 1
        with held:
            return _find(entry, root, mirror) or _install(entry, root, mirror, progress, attempts)
    except OSError as error:
        raise CourseDataError(
            f"Could not keep {entry.title} in {root}:",
            f"{error.strerror or error} ({error.filename or root}).",
            "Set COURSE_DATA_DIR to a folder that you may write to, on a disk with room.",
            sample_helps=False,
        ) from error


def fetch_weights(
    backbone: str,
    mirror: Path | str | None = None,
    progress: bool = True,
    root: Path | str | None = None,
) -> str:
    """Path of the file with a backbone's ImageNet weights; downloaded and checked the first time.

    It is the file that segmentation_models 1.0.1 would download by itself; kept by the course, it
    can come from a mirror, and its path can be given in the place of the word "imagenet"::

        segmentation_models.Unet("mobilenet", encoder_weights=fetch_weights("mobilenet"))

    Parameters
    ----------
    backbone : str
        A key of `catalog.WEIGHTS`.
    mirror, progress, root
        As in `fetch`; a mirror holds ``weights/<file>``.

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
    entry = WEIGHTS[backbone]
    folder = fetch(entry, root=root, mirror=mirror, progress=progress)
    return str(folder / Path(entry.archives[0].name).name)


def provenance(path: Path | str) -> dict:
    """Where a folder that `fetch` returned came from, or a file in it.

    Returns
    -------
    dict
        ``name``, ``title``, ``version``, ``licence``, ``citation``, ``fetched`` (date and time,
        UTC) and ``archives``, a list of dicts with ``name``, ``source``, ``sha256``, ``bytes`` and
        ``checked`` (what the hash was compared with). Empty for a folder that `fetch` did not
        make.
    """
    # Path.is_file raises where a folder may not be entered.
    folder = Path(path).parent if os.path.isfile(path) else Path(path)
    try:
        return json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def describe(path: Path | str) -> str:
    """`provenance` in one line."""
    facts = provenance(path)
    if not facts:
        return f"files in {path}"
    archives = ", ".join(f"{a['source']} (sha256 {a['sha256'][:12]}…)" for a in facts["archives"])
    return f"{facts['title']}: {archives}; fetched {facts['fetched'][:10]}"


def stand_in(entry: DatasetEntry, sources: Sources) -> DatasetEntry | None:
    """What the mirror says that it holds in the place of a data set; None if it says nothing.

    Raises
    ------
    CourseDataError
        If a note on an archive is there, but cannot be understood.
    """
    titles, pairs = [], dict(entry.pairs)
    for i, archive in enumerate(entry.archives):
        name = SOURCE_NOTE.format(archive.name)
        try:
            text = sources.read(name) if sources.mirror else ""
        except Unavailable:
            return None  # the archives will say so
        if not text or text.lstrip().startswith("<"):  # a page for whatever is not there
            continue
        count = re.search(r"^pairs:(.*)", text, re.MULTILINE)
        titles.append(text.splitlines()[0].strip())
        if not titles[-1] or (count and not count[1].strip().isdecimal()):
            raise CourseDataError(
                f"Read {sources.in_mirror(name)}:",
                "its first line should say what the archive is, and a line `pairs: 469`, if there "
                f"is one, how many images; it says {text[:60]!r}.",
                "Ask whoever keeps the mirror, or unset COURSE_MIRROR to take the published files.",
            )
        if count and i < len(pairs):  # as many archives as splits, in the same order
            pairs[list(pairs)[i]] = int(count[1])
    if not titles:
        return None
    return dataclasses.replace(
        entry,
        name=f"{entry.name}{STAND_IN}",
        title=titles[0],
        pairs=pairs,
        licence="known to whoever keeps the mirror: do not pass copies on",
        citation="",
        homepage="",
        redistributable=False,
    )


def _find(entry: DatasetEntry, root: Path, mirror: str) -> Path | None:
    """The folder that is there already: the data set, or else what this mirror had instead."""
    folder, other = root / entry.name, root / f"{entry.name}{STAND_IN}"
    facts = provenance(folder)
    if facts.get("pairs") == dict(entry.pairs) and _is_current(facts, folder, entry):
        return folder
    if mirror and (facts := provenance(other)):
        places = [Sources(mirror, root).in_mirror(archive.name) for archive in entry.archives]
        if [got["source"] for got in facts["archives"]] == places:
            return other if _is_current(facts, other, entry) else None
    return None


def _is_current(facts: dict, folder: Path, entry: DatasetEntry) -> bool:
    """Whether a folder is of the entry's version, and its weights are as long as they were."""
    names = [archive.name for archive in entry.archives]
    if facts["version"] != entry.version or [got["name"] for got in facts["archives"]] != names:
        return False
    return all(
        archive.unpacked_size or _size(folder / Path(archive.name).name) == got["bytes"]
        for archive, got in zip(entry.archives, facts["archives"], strict=True)
    )


def _size(file: Path) -> int | None:
    return file.stat().st_size if os.path.isfile(file) else None


def _beside(folder: Path, kind: str) -> Path:
    return folder.with_name(f".{folder.name}.{kind}")


def _install(
    entry: DatasetEntry, root: Path, mirror: str, progress: bool, attempts: int | None
) -> Path:
    """Do the work, under the lock, in a folder of its own beside the final one."""
    staging, seen = (_beside(root / entry.name, kind) for kind in ("part", "sha256"))
    shutil.rmtree(staging, ignore_errors=True)  # what a killed process left
    room = [archive.unpacked_size or archive.size or 0 for archive in entry.archives]
    _need_disk(root, sum(room) + sum(a.size or 0 for a in entry.archives), entry.title)
    data = staging / "data"
    data.mkdir(parents=True)
    try:
        sources = Sources(mirror, staging, progress, attempts)
        if other := stand_in(entry, sources):
            if progress:
                print(f"The mirror has {other.title} in the place of {entry.title}; taking those.")
            entry = other
        folder = root / entry.name
        if folder.exists() and not provenance(folder):
            raise CourseDataError(
                f"Wanted to put {entry.title} into {folder}:",
                "something is there already that this course did not put there whole.",
                "Move it away or delete it, then try again.",
            )
        got = []
        for archive, needed in zip(entry.archives, room, strict=True):
            path, facts = sources.get(archive, entry.title, seen)
            got.append(facts)
            _need_disk(root, needed, entry.title)
            if archive.unpacked_size is None:
                keep_weights(path, data, facts["source"])
            else:
                unpack(path, data, archive.unpacked_size, facts["source"])
        _check_content(data, entry, got)
        _write_marker(data / MARKER, entry, got)
        if new := {g["source"]: g["sha256"] for g in got if g["checked"] == FIRST_TIME}:
            lines = [f"{digest}  {source}\n" for source, digest in (read_seen(seen) | new).items()]
            write_whole(seen, "".join(lines).encode())
        if folder.exists():
            os.replace(folder, staging / "former")
        os.replace(data, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder


def _need_disk(root: Path, needed: int, title: str):
    free = shutil.disk_usage(root).free
    if free < needed:
        raise CourseDataError(
            f"Looked for room for {title} in {root}:",
            f"up to {needed / 1e6:,.0f} MB are needed, {free / 1e6:,.0f} MB are free.",
            "Make room, or set COURSE_DATA_DIR to a folder on a larger disk.",
            sample_helps=free > SAMPLE_ROOM,
        )


def _check_content(folder: Path, entry: DatasetEntry, got: list[dict]):
    if not entry.layout:
        return
    layout = importlib.import_module(f".{entry.layout}", __package__)
    try:
        layout.check(folder, entry)
    except CourseDataError as error:
        raise CourseDataError(
            f"Unpacked {' and '.join(one['source'] for one in got)} for {entry.title}:",
            error.came_back,
            "Nothing of it was kept. That copy is not the data set as published: take another "
            "mirror (COURSE_MIRROR), or unset it to take the published files.",
        ) from error


def _write_marker(path: Path, entry: DatasetEntry, got: list[dict]):
    facts = {
        "name": entry.name,
        "title": entry.title,
        "version": entry.version,
        "pairs": dict(entry.pairs),
        "licence": entry.licence,
        "citation": entry.citation,
        "fetched": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "archives": got,
    }
    path.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
