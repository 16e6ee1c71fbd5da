"""One archive, from a mirror or its published address, compared with the hash it should have."""

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pooch
from tqdm import tqdm

from .catalog import Archive
from .errors import CourseDataError

ATTEMPTS = 3
WAIT = 1.0  # seconds before the second attempt, doubled before each later one
TIMEOUT = 30.0  # seconds without a byte; COURSE_TIMEOUT overrides it

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
    "What helps: check the network and run the cell again; or set COURSE_MIRROR to a folder "
    "or address that holds the archives; or set COURSE_DATA_DIR to a folder that holds the "
    "data already; or work on made-up data, without any network: set COURSE_PROFILE=sample."
)


class Unavailable(Exception):
    """A source does not have the file or does not answer: the next one may."""

    def __init__(self, reason: str, status: int | None = None):
        super().__init__(reason)
        self.status = status  # of the server, if it answered


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
            path = _reach(source, into / archive.name, progress)
        except Unavailable as reason:
            failed.append(f"  {source}: {reason}")
            if progress and from_mirror and _is_http(archive.url):
                print(f"The mirror does not help ({source}: {reason}); trying the published file.")
            continue
        if stated is None:
            stated, told_by = remembered.get(source), REMEMBERED
        digest = pooch.file_hash(str(path))
        found = pooch.file_hash(str(path), alg="md5") if told_by == PUBLISHED_MD5 else digest
        if stated and found != stated:
            raise _wrong_hash(source, told_by, stated, found)
        checked = told_by if stated else FIRST_TIME
        return Got(path, archive.name, source, digest, path.stat().st_size, checked)
    raise CourseDataError(
        f"Could not get {archive.name} of {title}. Tried:",
        "\n".join(failed) or "  nothing: there is neither a mirror nor a published address.",
        what_next,
    )


def archive_source(mirror: str, name: str) -> str:
    """Address or path of a file of a mirror."""
    if _is_http(mirror):
        return f"{mirror.rstrip('/')}/{name}"
    return str(Path(mirror).expanduser().absolute() / name)


def _sources(archive: Archive, mirror: str):
    if mirror:
        yield archive_source(mirror, archive.name), True
    if _is_http(archive.url):
        yield archive.url, False


def _is_http(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def mirror_hash(mirror: str, name: str, into: Path) -> str | None:
    """What the mirror's SHA256SUMS says of a file; None if it says nothing."""
    if _is_http(mirror):
        try:
            sums = _download(f"{mirror.rstrip('/')}/SHA256SUMS", into / "SHA256SUMS", False)
        except Unavailable as reason:
            if reason.status in (403, 404):  # some stores say 403 for what is not there
                return None
            raise
    else:
        sums = Path(mirror).expanduser() / "SHA256SUMS"
    try:
        return read_sums(sums).get(name)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Unavailable(f"its SHA256SUMS cannot be read: {error.strerror}") from error


def read_sums(path: Path) -> dict[str, str]:
    """A SHA256SUMS file as {file name: hash}."""
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = re.findall(r"^([0-9a-fA-F]{64}) [ *](?:\./)?(.+?)\s*$", text, re.MULTILINE)
    return {name: digest.lower() for digest, name in lines}


def _reach(source: str, path: Path, progress: bool) -> Path:
    if _is_http(source):
        return _download(source, path, progress)
    local = Path(source)
    if not local.parent.is_dir():
        raise Unavailable("there is no such folder")
    try:
        local.open("rb").close()
    except OSError as error:
        raise Unavailable(error.strerror) from error
    return local


def _download(url: str, path: Path, progress: bool) -> Path:
    """Download with a few attempts; nothing is left at `path` after a failure."""
    import requests  # here, because it takes its time and most calls download nothing

    timeout = _timeout()
    for attempt in range(1, ATTEMPTS + 1):
        # pooch sets the bar's total once the server has told it.
        bar = tqdm(
            total=1, desc=path.name, unit="B", unit_scale=True, leave=False, disable=not progress
        )
        download = pooch.HTTPDownloader(
            progressbar=progress and bar, chunk_size=1 << 16, timeout=timeout
        )
        try:
            with bar:
                download(url, str(path), None)
            return path
        except requests.RequestException as error:
            path.unlink(missing_ok=True)
            reason, code = _in_words(error, timeout)
            if code is not None and code < 500 and code not in (408, 429):
                raise Unavailable(reason, code) from error
        if attempt < ATTEMPTS:
            time.sleep(WAIT * 2 ** (attempt - 1))
    raise Unavailable(f"{reason} ({ATTEMPTS} attempts)", code)


def _in_words(error, timeout: float) -> tuple[str, int | None]:
    """What a failed request means, and the server's status if there was one."""
    import requests

    if isinstance(error, requests.HTTPError):
        response = error.response
        return f"the server answered {response.status_code} {response.reason}", response.status_code
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return f"no answer for {timeout:g} seconds", None
    if isinstance(error, requests.exceptions.SSLError):
        return "no secure connection (its certificate was not accepted)", None
    if isinstance(error, requests.exceptions.ChunkedEncodingError) or "aborted" in str(error):
        return "the connection was cut in the middle", None
    if isinstance(error, requests.ConnectionError):
        return "no connection: no network, or nobody listens there", None
    return str(error), None


def _timeout() -> float:
    text = os.environ.get("COURSE_TIMEOUT", "")
    try:
        seconds = float(text or TIMEOUT)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise CourseDataError(
            f"Read COURSE_TIMEOUT={text!r}:",
            "it should be a number of seconds above zero.",
            "Correct it, or unset it for the default of 30 seconds.",
        )
    return seconds


def _wrong_hash(source: str, told_by: str, stated: str, digest: str) -> CourseDataError:
    return CourseDataError(
        f"Compared {source} with {told_by}:",
        f"it should be {stated}, but is {digest}.",
        "The file was damaged on its way or has been changed; it was not used. Run the cell "
        "again; if it stays so, take another mirror (COURSE_MIRROR) or ask whoever keeps that "
        f"file. If it was changed on purpose, {_CHANGED_ON_PURPOSE[told_by]}.",
    )
