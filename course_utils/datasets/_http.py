"""A file over http: a few attempts, short waits between them, and reasons in words."""

import contextvars
import os
import time
from pathlib import Path

import pooch
from tqdm import tqdm

from .errors import CourseDataError

# Where one request in three fails, one file in 240 fails five times; then the cell is run again.
ATTEMPTS = 5
WAIT = 0.5  # seconds before the second attempt, doubled before each later one
TIMEOUT = 30.0  # seconds without a byte; COURSE_TIMEOUT overrides it

after_another = contextvars.ContextVar("after_another", default=False)
"""Whether another kernel has just tried in vain: then once is enough, or the last of forty kernels
would hear after ten minutes that there is no network."""


class Unavailable(Exception):
    """A source does not have the file or does not answer: the next one may."""

    def __init__(self, reason: str, status: int | None = None):
        super().__init__(reason)
        self.status = status  # of the server, if it answered


def is_http(source: str) -> bool:
    """Whether a source is a web address and not a path."""
    return source.lower().startswith(("http://", "https://"))


def download(url: str, path: Path, progress: bool) -> Path:
    """Download with a few attempts; nothing is left at `path` after a failure.

    Raises
    ------
    Unavailable
        If the last attempt failed too, or the first in a way that will not pass.
    """
    import requests  # here, because it takes its time and most calls download nothing

    timeout = _timeout()
    attempts = 1 if after_another.get() else ATTEMPTS
    for attempt in range(1, attempts + 1):
        # pooch sets the bar's total once the server has told it.
        bar = tqdm(
            total=1, desc=path.name, unit="B", unit_scale=True, leave=False, disable=not progress
        )
        get = pooch.HTTPDownloader(
            progressbar=progress and bar, chunk_size=1 << 16, timeout=timeout
        )
        try:
            with bar:
                get(url, str(path), None)
            return path
        except (requests.RequestException, ValueError) as error:
            path.unlink(missing_ok=True)
            reason, code = _in_words(error, timeout)
            refused = code is not None and code < 500 and code not in (408, 429)
            if refused or isinstance(error, (ValueError, requests.TooManyRedirects)):
                raise Unavailable(reason, code) from error
        if attempt < attempts:
            time.sleep(WAIT * 2 ** (attempt - 1))
    tried = f"{attempts} attempts" if attempts > 1 else "one attempt, right after another kernel's"
    raise Unavailable(f"{reason} ({tried})", code)


def _in_words(error, timeout: float) -> tuple[str, int | None]:
    """What a failed request means, and the server's status if there was one."""
    import requests

    text = str(error)
    if isinstance(error, requests.HTTPError):
        response = error.response
        return f"the server answered {response.status_code} {response.reason}", response.status_code
    if isinstance(error, requests.exceptions.ProxyError):
        return (
            "the proxy refuses or does not answer (HTTP_PROXY or HTTPS_PROXY names it; NO_PROXY "
            "names the servers that need none)"
        ), None
    if isinstance(error, requests.Timeout) or "timed out" in text:
        return f"no answer for {timeout:g} seconds", None
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE" in text:
        return "no secure connection (its certificate was not accepted)", None
    if isinstance(error, requests.exceptions.ChunkedEncodingError) or "aborted" in text:
        return "the connection was cut in the middle", None
    if isinstance(error, requests.exceptions.SSLError):
        return "no secure connection", None
    if "NameResolutionError" in text:
        return "nobody knows a server of that name: no network, or a slip in the address", None
    if isinstance(error, requests.ConnectionError):
        return "no connection: no network, or nobody listens there", None
    if isinstance(error, requests.TooManyRedirects):
        return "the server sends us round in a circle", None
    if isinstance(error, ValueError) and isinstance(error, requests.RequestException):
        return f"that is no valid address ({text})", None
    return f"an answer that makes no sense ({text})", None


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
