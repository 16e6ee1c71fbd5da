"""One file, from a mirror or its published address, compared with the hash it should have."""

import os
import re
from functools import cached_property
from pathlib import Path

import pooch
from tqdm import tqdm

from .archives import WEB_PAGE, is_web_page
from .catalog import Archive
from .errors import CourseDataError

# Where one request in three fails, one file in 240 fails five times; then the cell is run again.
ATTEMPTS = 5
TIMEOUT = 30.0  # seconds without a byte; COURSE_TIMEOUT overrides it
SUMS_LINE = r"^([0-9a-fA-F]{64}) [ *](?:\./)?(.+?)\s*$"

# What a hash was compared with, and what to do when a file that was changed on purpose differs.
PUBLISHED = "the publisher's sha256"
PUBLISHED_MD5 = "the publisher's md5"
IN_MIRROR = "the mirror's SHA256SUMS"
REMEMBERED = "the sha256 seen the first time"
FIRST_TIME = "nothing: seen for the first time"
_CHANGED_ON_PURPOSE = {
    IN_MIRROR: "write its SHA256SUMS anew with data_scripts/build_mirror.py",
    REMEMBERED: "or the first one was at fault, delete its line in {seen}",
}
_WHAT_HELPS = (
    "What helps: check the network and try again; or set COURSE_MIRROR to a folder or address "
    "that holds {} (data_scripts/build_mirror.py makes one); or set COURSE_DATA_DIR to a folder "
    "that holds the data already. A chapter also runs on made-up data, without any network: set "
    "COURSE_PROFILE=showcase for it."
)
IS_IT_ON = (
    "Is the mirror's server on, and its address spelt right? Open {} in a browser on this machine: "
    "it should show SHA256SUMS."
)
_BAD_PROXY = ("InvalidProxyURL", "ProxySchemeUnknown", "LocationParseError")
_REASONS = (  # what an exception's text holds, and what that means
    (
        "ProxyError",
        "the proxy refuses or does not answer ({proxy} names it; NO_PROXY names the servers that "
        "need none)",
    ),
    ("SOCKS", 'the proxy needs PySocks: pip install "requests[socks]" ({proxy} names it)'),
    # Of our own address requests says the same without the name of that error.
    *((sign, "{proxy} is not a proxy's address") for sign in _BAD_PROXY),
    ("CA certificate bundle", "{certificates} names a file that is not there ({error})"),
    ("timed out", "no answer for {seconds:g} seconds"),
    ("CERTIFICATE_VERIFY", "no secure connection: its certificate was not accepted{trusted}"),
    ("SSLError", "no secure connection{trusted}"),
    ("aborted", "the connection was cut in the middle"),
    ("ChunkedEncodingError", "the connection was cut in the middle"),
    (
        "NameResolutionError",
        "nobody knows a server of that name: no network, or a slip in the address",
    ),
    ("ConnectionError", "no connection: no network, or nobody listens there"),
    ("TooManyRedirects", "the server sends us round in a circle"),
    ("Invalid", "that is no valid address ({error})"),
)
_NO_SENSE = "an answer that makes no sense ({error})"

pooch.get_logger().setLevel("WARNING")  # a progress bar says what is being downloaded


class Unavailable(Exception):
    """A source does not have the file (`missing`) or does not answer: the next one may."""

    def __init__(self, reason: str, missing: bool = False):
        super().__init__(reason)
        self.missing = missing


class Sources:
    """Where files come from: the mirror, if there is one, and their published addresses.

    Parameters
    ----------
    mirror : str
        Folder or http(s) address, or empty.
    into : pathlib.Path
        Folder for what has to be downloaded.
    progress : bool
        Show a bar while downloading an archive, and say so where the mirror does not help.
    attempts : int, optional
        Times that a server is asked for a file while the failure may pass; default `ATTEMPTS`.
    """

    def __init__(self, mirror: str, into: Path, progress: bool = True, attempts: int | None = None):
        self.mirror = mirror if not mirror or "://" in mirror else str(expand_path(mirror))
        self.into = into
        self.progress = progress
        self.attempts = attempts or ATTEMPTS
        self._fault = None

    def in_mirror(self, name: str) -> str:
        """Address or path of a file of the mirror."""
        if "://" in self.mirror:
            return f"{self.mirror.rstrip('/')}/{name}"
        return str(Path(self.mirror, name))

    def read(self, name: str) -> str:
        """The text of a small file of the mirror; empty if it has none.

        Raises
        ------
        Unavailable
            If the mirror does not answer, now or before; or the file cannot be read.
        """
        if self._fault:
            raise self._fault
        try:
            return self.reach(self.in_mirror(name)).read_text("utf-8-sig", errors="replace")
        except Unavailable as reason:
            if reason.missing:
                return ""
            self._fault = reason
        except OSError as error:
            self._fault = Unavailable(f"{name} cannot be read: {error.strerror}")
        raise self._fault

    @cached_property
    def sums(self) -> dict[str, str]:
        """The mirror's SHA256SUMS as {file name: hash}."""
        return read_sums(self.read("SHA256SUMS"))

    def reach(self, source: str, progress: bool = False) -> Path:
        """Where a file lies: itself, or, if it has to be downloaded, in the folder for that.

        Raises
        ------
        Unavailable
            If it is not there or cannot be read.
        """
        if is_http(source):
            return self._download(source, progress)
        if "://" in source:
            raise Unavailable("an address has to begin with http:// or https://")
        local = Path(source)
        try:
            local.open("rb").close()
        except (FileNotFoundError, NotADirectoryError) as error:
            reason = error.strerror if local.parent.is_dir() else "there is no such folder"
            raise Unavailable(reason, missing=True) from error
        except OSError as error:
            raise Unavailable(f"{local.name} cannot be read: {error.strerror}") from error
        return local

    def get(
        self,
        archive: Archive,
        title: str,
        seen: Path | None = None,
        what_next: str = _WHAT_HELPS,
    ) -> tuple[Path, dict]:
        """Get one archive and compare its hash.

        A mirror that lacks the file or does not answer is passed over; a mirror whose file is
        wrong is an error, since whoever keeps it should know. A file of a mirror folder is used
        where it lies.

        Parameters
        ----------
        archive : Archive
        title : str
            What it is a part of, for the error.
        seen : path, optional
            File with the hashes seen first, for sources that state none: `read_seen`.
        what_next : str
            For the error where no source has it.

        Returns
        -------
        tuple of pathlib.Path and dict
            Where it lies, and its ``name``, ``source``, ``sha256``, ``bytes`` and ``checked`` (what
            the hash was compared with).

        Raises
        ------
        CourseDataError
            If no source has it, or its hash is not the one it should be.
        """
        failed = []
        for source in filter(None, (self.mirror and self.in_mirror(archive.name), archive.url)):
            from_mirror = source != archive.url
            try:
                if from_mirror:
                    stated, told_by = self.sums.get(archive.name), IN_MIRROR
                else:
                    stated, told_by = archive.sha256 or archive.md5, PUBLISHED
                path = self.reach(source, self.progress)
                digest = found = _hash(path, "sha256")
            except Unavailable as reason:
                failed.append(f"  {source}: {reason}")
                if self.progress and from_mirror and archive.url:
                    print(f"The mirror does not help ({source}: {reason}).")
                    print("Trying the published file.")
                continue
            if stated is None:
                stated, told_by = read_seen(seen).get(source) if seen else None, REMEMBERED
            if told_by == PUBLISHED and not archive.sha256:
                told_by, found = PUBLISHED_MD5, _hash(path, "md5")
            if stated and found != stated:
                raise _wrong_hash(path, source, told_by, stated, found, seen)
            return path, {
                "name": archive.name,
                "source": source,
                "sha256": digest,
                "bytes": path.stat().st_size,
                "checked": told_by if stated else FIRST_TIME,
            }
        raise CourseDataError(
            f"Could not get {archive.name} of {title}. Tried:",
            "\n".join(failed) or "  nothing: there is neither a mirror nor a published address.",
            (f"{IS_IT_ON.format(self.mirror)}\n" if is_http(self.mirror) else "")
            + what_next.format(archive.name),
        )

    def _download(self, url: str, progress: bool) -> Path:
        import requests  # here, because it takes its time and most calls download nothing

        timeout, name = _timeout(), url.rpartition("/")[2]

        def once(url, file, _):
            # pooch sets the bar's total once the server has told it.
            bar = tqdm(
                total=1, desc=name, unit="B", unit_scale=True, leave=False, disable=not progress
            )
            get = pooch.HTTPDownloader(
                progressbar=progress and bar, chunk_size=1 << 16, timeout=timeout
            )
            try:
                with bar:
                    get(url, file, None)
            except requests.HTTPError as error:
                status = error.response.status_code
                if status >= 500 or status in (408, 429):
                    raise  # pooch asks again
                reason = _in_words(error, timeout)
                # Some stores say 403 of what is not there.
                raise Unavailable(reason, missing=status in (403, 404)) from error
            except (ValueError, requests.TooManyRedirects) as error:
                raise Unavailable(_in_words(error, timeout)) from error

        files = pooch.create(
            self.into,
            "",
            registry={name: None},
            urls={name: url},
            retry_if_failed=self.attempts - 1,
        )
        try:
            return Path(files.fetch(name, downloader=once))
        except requests.RequestException as error:
            tried = f"{self.attempts} attempts"
            if self.attempts == 1:
                tried = "one attempt, right after another kernel's"
            raise Unavailable(f"{_in_words(error, timeout)} ({tried})") from error
        except OSError as error:
            at_fault = error.filename and Path(error.filename)
            if error.errno and (not at_fault or at_fault.is_relative_to(self.into)):
                raise  # the disk's, which holds the data folder
            raise Unavailable(_in_words(error, timeout)) from error


def ask(url: str, timeout: float) -> None:
    """Ask whether a server has a file, and do not download it.

    Raises
    ------
    Unavailable
        If it does not, or does not answer for `timeout` seconds.
    """
    import requests

    try:
        requests.head(url, timeout=timeout, allow_redirects=True).raise_for_status()
    except (OSError, ValueError) as error:
        raise Unavailable(_in_words(error, timeout)) from error


def expand_path(path: Path | str) -> Path:
    """A path that a person or a variable gave, whole: no shell may have expanded its ``~``.

    Raises
    ------
    CourseDataError
        If it begins with the ``~`` of somebody who has no home folder.
    """
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError as error:
        raise CourseDataError(
            f"Looked for {path}:",
            "nobody knows the home folder that its ~ stands for.",
            "Write the whole path, or set COURSE_DATA_DIR to one.",
            sample_helps=False,
        ) from error


def is_http(source: str) -> bool:
    """Whether a source is a web address and not a path."""
    return source.lower().startswith(("http://", "https://"))


def read_sums(text: str) -> dict[str, str]:
    """The text of a SHA256SUMS file as {file name: hash}."""
    lines = re.findall(SUMS_LINE, text, re.MULTILINE)
    return {name: digest.lower() for digest, name in lines}


def read_seen(path: Path) -> dict[str, str]:
    """Hashes seen first, by source, of sources that state none; they outlive the data's folder."""
    return read_sums(path.read_text("utf-8", errors="replace")) if path.exists() else {}


def _hash(path: Path, algorithm: str) -> str:
    try:
        return pooch.file_hash(str(path), alg=algorithm)
    except OSError as error:
        raise Unavailable(f"{path.name} cannot be read: {error.strerror}") from error


def _in_words(error: Exception, timeout: float) -> str:
    """What a failed request means."""
    if (response := getattr(error, "response", None)) is not None and response.status_code >= 400:
        return f"the server answered {response.status_code} {response.reason}"
    words = next((words for sign, words in _REASONS if sign in repr(error)), _NO_SENSE)
    certificates = _settings("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    return words.format(
        seconds=timeout,
        error=error,
        proxy=_settings("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") or "the system's settings",
        certificates=certificates or "the package certifi",
        trusted=certificates and f" (trusted are those in the file that {certificates} names)",
    )


def _settings(*names: str) -> str:
    """Those of some variables that are set, in words; they may be written in small letters."""
    found = (name for name, value in os.environ.items() if value and name.upper() in names)
    return " or ".join(sorted(found))


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


def _wrong_hash(
    path: Path, source: str, told_by: str, stated: str, found: str, seen: Path | None
) -> CourseDataError:
    what = f" ({WEB_PAGE})" if is_web_page(path) else ""
    remedy = _CHANGED_ON_PURPOSE.get(told_by, "the course's catalog must learn its new hash")
    return CourseDataError(
        f"Compared {source} with {told_by}:",
        f"it should be {stated}, but is {found}{what}.",
        "The file was damaged on its way or has been changed; it was not used. Try "
        "again; if it stays so, take another mirror (COURSE_MIRROR) or ask whoever keeps that "
        f"file. If it was changed on purpose, {remedy.format(seen=seen)}.",
    )
