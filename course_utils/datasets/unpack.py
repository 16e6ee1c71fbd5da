"""Unpack an archive from the internet without trusting it."""

import gzip
import stat
import tarfile
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from .errors import CourseDataError

_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    NotImplementedError,  # a compression method that zipfile does not know
)


def unpack(archive: Path, folder: Path, limit: int, source: str) -> int:
    """Unpack a zip or tar.gz archive into a folder.

    `zipfile` and `tarfile` mend a dangerous name quietly; here it is refused, because an archive
    that has one is not the data set. Only plain files and folders are written.

    Parameters
    ----------
    archive : pathlib.Path
        The file; what it is follows from its content, not from its name.
    folder : pathlib.Path
        Made if it is not there. After an error it may hold some members: throw it away.
    limit : int
        Bytes that all members together may hold. Bytes written are counted, not bytes declared.
    source : str
        Where the archive came from, for the error.

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    CourseDataError
        If the archive is damaged, no archive, too large, or has a member that may not be written.
    """
    written = 0
    try:
        with _open(archive) as (members, opened):
            for member in members:
                name, size, kind = _describe(member)
                target = folder / _safe_name(name, kind, source)
                if kind == "folder":
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                if size > limit - written:
                    raise _too_large(name, limit, source)
                target.parent.mkdir(parents=True, exist_ok=True)
                with opened(member) as stream:
                    written += _copy(stream, target, limit - written, limit, source)
    except (FileExistsError, NotADirectoryError) as error:
        raise _refusal(source, f"its member {name!r} is there twice") from error
    except _DAMAGED as error:
        raise _refusal(source, f"{_looks_like(archive)} ({error})") from error
    return written


@contextmanager
def _open(archive: Path):
    """A zip or tar archive as its members and a function that opens one."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            yield file.infolist(), file.open
    else:
        with tarfile.open(archive) as file:
            # Iterated, not listed: listing would read all of a gzip bomb.
            yield file, file.extractfile
            # tarfile stops before the padding at the end; what follows holds gzip's checksum.
            file.fileobj.read(1 << 20)


def _describe(member) -> tuple[str, int, str]:
    """Name, declared size and kind (file, folder, or what else it is) of a member."""
    if isinstance(member, tarfile.TarInfo):
        kind = "folder" if member.isdir() else "file" if member.isreg() else "a link or device"
        return member.name, member.size, kind
    unix_type = stat.S_IFMT(member.external_attr >> 16)
    if unix_type not in (0, stat.S_IFREG, stat.S_IFDIR):
        kind = "a link or device"
    elif member.flag_bits & 1:
        kind = "an encrypted file"
    else:
        kind = "folder" if member.is_dir() else "file"
    # `filename` is cut at a null byte and has its separators mended; this one is as written.
    return member.orig_filename, member.file_size, kind


def _safe_name(name: str, kind: str, source: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or any(c in name for c in "\\:\0"):
        raise _refusal(source, f"its member {name!r} would be written outside the folder")
    if kind not in ("file", "folder"):
        raise _refusal(source, f"its member {name!r} is {kind}, not a plain file")
    return path


def _copy(stream, target: Path, left: int, limit: int, source: str) -> int:
    """Write a member; stop once it is larger than what is left, whatever its header says."""
    written = 0
    with target.open("xb") as file:
        while chunk := stream.read(1 << 20):
            written += len(chunk)
            if written > left:
                raise _too_large(target.name, limit, source)
            file.write(chunk)
    return written


def is_web_page(path: Path) -> bool:
    """Whether a file begins as a web page does: what a log-in page sends for any address."""
    with path.open("rb") as file:
        return file.read(200).lstrip().lower().startswith((b"<!doctype", b"<html"))


def _looks_like(archive: Path) -> str:
    with archive.open("rb") as file:
        start = file.read(200).lstrip().lower()
    if is_web_page(archive):
        return "it is a web page, not an archive: perhaps the network wants you to log in first"
    if start.startswith((b"pk", b"\x1f\x8b")):
        return "it is damaged, or was cut off before its end"
    return "it is not a zip or tar archive"


def _too_large(name: str, limit: int, source: str) -> CourseDataError:
    return _refusal(
        source,
        f"with {name!r} it unpacks to more than the {limit / 1e6:,.1f} MB that the whole archive "
        "may hold",
    )


def _refusal(source: str, reason: str) -> CourseDataError:
    return CourseDataError(
        f"Could not unpack {source}:",
        reason + ".",
        "Nothing of it was kept. Run the cell again; if it stays so, that copy is not the data "
        "set: take another mirror (COURSE_MIRROR), or unset it to take the published files.",
    )
