"""One archive, from a mirror or its published address, compared with the hash it should have."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pooch

from ._http import Unavailable, download, is_http
from .catalog import Archive
from .errors import CourseDataError
from .unpack import is_web_page

SUMS_LINE = r"^([0-9a-fA-F]{64}) [ *](?:\./)?(.+?)\s*$"

# What a hash was compared with, and what to do when a file that was changed on purpose differs.
PUBLISHED = "the publisher's sha256"
PUBLISHED_MD5 = "the publisher's md5"
IN_MIRROR = "the mirror's SHA256SUMS"
REMEMBERED = "the sha256 seen the first time"
FIRST_TIME = "nothing: seen for the first time"
_CHANGED_ON_PURPOSE = {
    PUBLISHED: "the course's catalog must learn its new sha256",
    PUBLISHED_MD5: "the course's catalog must learn its new md5",
    IN_MIRROR: "write its SHA256SUMS anew with data_scripts/build_mirror.py",
    REMEMBERED: "delete its line in the hidden .sha256 file of the data folder",
}
_WHAT_HELPS = (
    "What helps: check the network and try again; or set COURSE_MIRROR to a folder or address "
    "that holds the archives; or set COURSE_DATA_DIR to a folder that holds the data already. A "
    "chapter also runs on made-up data, without any network: set COURSE_PROFILE=sample for it."
)
IS_IT_ON = (
    "Is the mirror's server on, and its address spelt right? Open {} in a browser on this machine: "
    "it should show SHA256SUMS."
)


@dataclass(frozen=True)
class Got:
    """An archive at hand: where it lies, where it came from and what vouches for it."""

    path: Path
    name: str
    source: str
    sha256: str
    bytes: int
    checked: str


def get_archive(
    title: str,
    archive: Archive,
    into: Path,
    mirror: str = "",
    remembered: Mapping[str, str] | None = None,
    progress: bool = True,
    what_next: str = _WHAT_HELPS,
) -> Got:
    """Get one archive and compare its hash.

    A mirror that lacks the file or does not answer is passed over; a mirror whose file is wrong
    is an error, since whoever keeps it should know.

    Parameters
    ----------
    title : str
        What it is a part of, for the error.
    archive : Archive
    into : pathlib.Path
        Folder for the download. A file of a mirror folder is used where it lies.
    mirror : str
        Folder or http(s) address, or empty.
    remembered : mapping of str to str, optional
        Hash seen first, by source, for sources that state none.
    what_next : str
        For the error where no source has it.

    Raises
    ------
    CourseDataError
        If no source has it, or its hash is not the one it should be.
    """
    remembered = remembered or {}
    failed = []
    for source, from_mirror in _sources(archive, mirror):
        try:
            stated, told_by = archive.sha256, PUBLISHED
            if stated is None and archive.md5:
                stated, told_by = archive.md5, PUBLISHED_MD5
            if from_mirror:
                stated, told_by = mirror_hash(mirror, archive.name, into), IN_MIRROR
            path = reach(source, into / archive.name, progress)
        except Unavailable as reason:
            failed.append(f"  {source}: {reason}")
            if progress and from_mirror and is_http(archive.url):
                print(f"The mirror does not help ({source}: {reason}); trying the published file.")
            continue
        if stated is None:
            stated, told_by = remembered.get(source), REMEMBERED
        digest = pooch.file_hash(str(path))
        found = pooch.file_hash(str(path), alg="md5") if told_by == PUBLISHED_MD5 else digest
        if stated and found != stated:
            raise _wrong_hash(source, told_by, stated, found, is_web_page(path))
        checked = told_by if stated else FIRST_TIME
        return Got(path, archive.name, source, digest, path.stat().st_size, checked)
    raise CourseDataError(
        f"Could not get {archive.name} of {title}. Tried:",
        "\n".join(failed) or "  nothing: there is neither a mirror nor a published address.",
        f"{IS_IT_ON.format(mirror)}\n{what_next}" if is_http(mirror) else what_next,
    )


def archive_source(mirror: str, name: str) -> str:
    """Address or path of a file of a mirror."""
    if "://" in mirror:
        return f"{mirror.rstrip('/')}/{name}"
    return str(Path(mirror).expanduser().absolute() / name)


def _sources(archive: Archive, mirror: str):
    if mirror:
        yield archive_source(mirror, archive.name), True
    if is_http(archive.url):
        yield archive.url, False


def mirror_hash(mirror: str, name: str, into: Path) -> str | None:
    """What the mirror's SHA256SUMS says of a file; None if it says nothing."""
    return read_sums(mirror_sums(mirror, into)).get(name)


def mirror_sums(mirror: str, into: Path) -> str:
    """The text of a mirror's SHA256SUMS; empty if it has none.

    Raises
    ------
    Unavailable
        If the mirror does not answer, or the file cannot be read.
    """
    path = Path(archive_source(mirror, "SHA256SUMS"))
    try:
        if is_http(mirror):
            path = download(archive_source(mirror, "SHA256SUMS"), into / "SHA256SUMS", False)
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except Unavailable as reason:
        if reason.status in (403, 404):  # some stores say 403 for what is not there
            return ""
        raise
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise Unavailable(f"its SHA256SUMS cannot be read: {error.strerror}") from error


def read_sums(text: str) -> dict[str, str]:
    """The text of a SHA256SUMS file as {file name: hash}."""
    lines = re.findall(SUMS_LINE, text, re.MULTILINE)
    return {name: digest.lower() for digest, name in lines}


def reach(source: str, path: Path, progress: bool) -> Path:
    """Where a file lies: itself, or, if it has to be downloaded, `path`.

    Raises
    ------
    Unavailable
        If it is not there or cannot be read.
    """
    if is_http(source):
        return download(source, path, progress)
    if "://" in source:
        raise Unavailable("an address has to begin with http:// or https://")
    local = Path(source)
    if not local.parent.is_dir():
        raise Unavailable("there is no such folder")
    try:
        local.open("rb").close()
    except OSError as error:
        raise Unavailable(error.strerror) from error
    return local


def _wrong_hash(source: str, told_by: str, stated: str, digest: str, page: bool) -> CourseDataError:
    what = " (it is a web page: perhaps the network wants you to log in first)" if page else ""
    return CourseDataError(
        f"Compared {source} with {told_by}:",
        f"it should be {stated}, but is {digest}{what}.",
        "The file was damaged on its way or has been changed; it was not used. Try "
        "again; if it stays so, take another mirror (COURSE_MIRROR) or ask whoever keeps that "
        f"file. If it was changed on purpose, {_CHANGED_ON_PURPOSE[told_by]}.",
    )
