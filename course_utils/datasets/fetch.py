"""Get a data set once: whole, checked, and from the nearest place that has it."""

import contextlib
import dataclasses
import datetime
import importlib
import json
import os
import shutil
import tempfile
from pathlib import Path

import filelock
import pooch

from ._http import after_another
from .catalog import DatasetEntry, stand_ins
from .download import FIRST_TIME, Got, Unavailable, archive_source, get_archive, mirror_hash
from .errors import CourseDataError
from .unpack import unpack

MARKER = ".course.json"


def data_dir() -> Path:
    """The folder that data is kept in: ``COURSE_DATA_DIR``, else the user's cache folder."""
    return Path(os.environ.get("COURSE_DATA_DIR") or pooch.os_cache("segmentation-course"))


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
        ``<root>/<entry.name>``, with the archives' members in it. Where the mirror's SHA256SUMS
        says that it holds one of `catalog.STAND_INS` in the data set's place, that one's folder:
        `provenance` tells.

    Raises
    ------
    CourseDataError
        If no source has the data, a file is not what it should be, or it cannot be written.
    """
    root = Path(root or data_dir()).expanduser().absolute()
    folder = root / entry.name
    if _is_current(folder, entry):
        return folder
    mirror = str(os.environ.get("COURSE_MIRROR", "") if mirror is None else mirror)
    if (stand_in := _stand_in(entry, root, mirror)) is not None:
        if progress and not _is_current(root / stand_in.name, stand_in):
            print(f"The mirror has {stand_in.title} in the place of {entry.title}; taking those.")
        return fetch(stand_in, root=root, mirror=mirror, progress=progress)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with locked(root / f".{entry.name}.lock", entry.title, progress):
            if not _is_current(folder, entry):
                _install(entry, root, folder, mirror, progress)
    except OSError as error:
        raise CourseDataError(
            f"Could not keep {entry.title} in {root}:",
            f"{error.strerror or error} ({error.filename or root}).",
            "Set COURSE_DATA_DIR to a folder that you may write to, on a disk with room.",
        ) from error
    return folder


def provenance(path: Path | str) -> dict:
    """Where a folder that `fetch` returned came from.

    Returns
    -------
    dict
        ``name``, ``title``, ``version``, ``licence``, ``citation``, ``fetched`` (date and time,
        UTC) and ``archives``, a list of dicts with ``name``, ``source``, ``sha256``, ``bytes`` and
        ``checked`` (what the hash was compared with). Empty for a folder that `fetch` did not
        make.
    """
    try:
        return json.loads((Path(path) / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def describe(path: Path | str) -> str:
    """`provenance` in one line."""
    facts = provenance(path)
    if not facts:
        return f"files in {path}"
    archives = ", ".join(f"{a['source']} (sha256 {a['sha256'][:12]}…)" for a in facts["archives"])
    return f"{facts['title']}: {archives}; fetched {facts['fetched'][:10]}"


def _is_current(folder: Path, entry: DatasetEntry) -> bool:
    facts = provenance(folder)
    wanted = [archive.name for archive in entry.archives]
    return (
        facts.get("version") == entry.version
        and facts.get("pairs") == dict(entry.pairs)
        and [archive["name"] for archive in facts.get("archives", [])] == wanted
    )


def _stand_in(entry: DatasetEntry, root: Path, mirror: str) -> DatasetEntry | None:
    """What the mirror holds in the place of a data set, or None."""
    for digest, stand_in in stand_ins(entry).items() if mirror else ():
        name, folder = entry.archives[0].name, root / stand_in.name
        source = archive_source(mirror, name)
        if _is_current(folder, stand_in) and provenance(folder)["archives"][0]["source"] == source:
            return stand_in  # taken from this mirror before: no need to ask it again
        with tempfile.TemporaryDirectory() as aside, contextlib.suppress(Unavailable):
            if mirror_hash(mirror, name, Path(aside)) == digest:
                return stand_in
    return None


@contextlib.contextmanager
def locked(path: Path, title: str, progress: bool):
    """Hold the lock at `path`; say so where another process holds it."""
    lock, waited = filelock.FileLock(path), None
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        if progress:
            print(f"Another kernel is getting {title}; waiting for it.")
        lock.acquire()
        waited = after_another.set(True)
    try:
        yield
    finally:
        if waited:
            after_another.reset(waited)
        lock.release()


def _install(entry: DatasetEntry, root: Path, folder: Path, mirror: str, progress: bool):
    """Do the work, under the lock, in a folder of its own beside the final one."""
    if folder.exists() and not provenance(folder):
        raise CourseDataError(
            f"Wanted to put {entry.title} into {folder}:",
            "something is there already that this course did not put there whole.",
            "Move it away or delete it, then try again.",
        )
    staging = root / f".{entry.name}.part"
    shutil.rmtree(staging, ignore_errors=True)  # what a killed process left
    unpacked_size = sum(archive.unpacked_size for archive in entry.archives)
    need_disk(
        root, unpacked_size + sum(archive.size or 0 for archive in entry.archives), entry.title
    )
    known = Remembered(root / f".{entry.name}.sha256")
    (staging / "data").mkdir(parents=True)
    try:
        got = []
        for archive in entry.archives:
            got.append(get_archive(entry.title, archive, staging, mirror, known.hashes, progress))
            need_disk(root, archive.unpacked_size, entry.title)
            unpack(got[-1].path, staging / "data", archive.unpacked_size, got[-1].source)
        _check_content(staging / "data", entry, got)
        _write_marker(staging / "data" / MARKER, entry, got)
        known.add(got)
        if folder.exists():
            os.replace(folder, staging / "former")
        os.replace(staging / "data", folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def need_disk(root: Path, needed: int, title: str):
    """Raise `CourseDataError` where fewer than `needed` bytes are free."""
    free = shutil.disk_usage(root).free
    if free < needed:
        raise CourseDataError(
            f"Looked for room for {title} in {root}:",
            f"up to {needed / 1e6:,.0f} MB are needed, {free / 1e6:,.0f} MB are free.",
            "Make room, or set COURSE_DATA_DIR to a folder on a larger disk.",
        )


def _check_content(folder: Path, entry: DatasetEntry, got: list[Got]):
    if not entry.layout:
        return
    layout = importlib.import_module(f".{entry.layout}", __package__)
    try:
        layout.check(folder, entry)
    except CourseDataError as error:
        raise CourseDataError(
            f"Unpacked {' and '.join(g.source for g in got)} for {entry.title}:",
            error.came_back,
            "Nothing of it was kept. That copy is not the data set as published: take another "
            "mirror (COURSE_MIRROR), or unset it to take the published files.",
        ) from error


def _write_marker(path: Path, entry: DatasetEntry, got: list[Got]):
    facts = {
        "name": entry.name,
        "title": entry.title,
        "version": entry.version,
        "pairs": dict(entry.pairs),
        "licence": entry.licence,
        "citation": entry.citation,
        "fetched": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "archives": [{k: v for k, v in dataclasses.asdict(g).items() if k != "path"} for g in got],
    }
    path.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


class Remembered:
    """Hashes seen first, of sources that state none; they outlive the data's own folder."""

    def __init__(self, path: Path):
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        pairs = (line.split(maxsplit=1) for line in lines if line.strip())
        self.hashes = {source: digest for digest, source in pairs}

    def add(self, got: list[Got]):
        new = {g.source: g.sha256 for g in got if g.checked == FIRST_TIME}
        if new:
            self.hashes.update(new)
            text = "".join(f"{digest}  {source}\n" for source, digest in self.hashes.items())
            aside = self.path.with_suffix(".new")
            aside.write_text(text, encoding="utf-8")
            os.replace(aside, self.path)
