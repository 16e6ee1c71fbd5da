"""Archives: packed to the same bytes each time, unpacked without trusting them."""

import gzip
import hashlib
import io
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from functools import partial
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

from .errors import CourseDataError

_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    NotImplementedError,  # a compression method that zipfile does not know
)

# What operating systems and storage boxes leave beside the files of a folder.
_CLUTTER = {"__macosx", ".ds_store", "thumbs.db", "desktop.ini", "@eadir"}

WEB_PAGE = "it is a web page: perhaps the network wants you to log in first"


def zip_bytes(files):
    """Archive of (name, bytes), the same bytes each time: fixed order, dates and permissions."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(files):
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.external_attr = 0o644 << 16
            member.create_system = 3
            archive.writestr(member, content)
    return buffer.getvalue()


def tar_gz_bytes(files):
    """Compressed archive of (name, bytes), the same bytes each time."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=6, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, content in sorted(files):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def write_whole(path, content):
    """Write aside and rename, so that no reader ever meets half a file."""
    aside = path.with_name(f"{path.name}.{os.getpid()}.partial")
    aside.write_bytes(content)
    os.replace(aside, path)


def write_mirror(folder, archives):
    """Write archives (name -> bytes) and their SHA256SUMS into a folder, each in one step.

    Returns
    -------
    Path
        `folder`, made if need be.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    sums = []
    for name, content in archives.items():
        write_whole(folder / name, content)
        sums.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
    write_whole(folder / "SHA256SUMS", "".join(sums).encode())
    return folder


def unpack(archive: Path, folder: Path, limit: int, source: str):
    """Unpack a zip or tar.gz archive, which it is by its content, into a folder.

    `zipfile` and `tarfile`, and so pooch, mend a dangerous name quietly; here it is refused,
    because an archive that has one is not the data set. Only plain files and folders are written.
    Backslashes in names, which some tools of Windows write, separate folders; `is_clutter` is
    passed over.
    After an error the folder may hold some members: throw it away.

    Parameters
    ----------
    archive, folder : pathlib.Path
    limit : int
        Bytes that all members together may hold. Bytes written are counted, not bytes declared.
    source : str
        Where the archive came from, for the error.

    Raises
    ------
    CourseDataError
        If the archive is damaged, no archive, too large, or has a member that may not be written.
    """
    written = 0
    try:
        for name, kind, opened in _members(archive):
            path = PurePosixPath(name.replace("\\", "/"))
            if path.is_absolute() or ".." in path.parts or PureWindowsPath(name).drive:
                raise _refusal(source, f"its member {name!r} would be written outside the folder")
            if is_clutter(path):
                continue
            if ":" in name or "\0" in name:
                raise _refusal(source, f"its member {name!r} has a name that Windows cannot write")
            if kind not in ("file", "folder"):
                raise _refusal(source, f"its member {name!r} is {kind}, not a plain file")
            target = folder / path
            if kind == "folder":
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened() as stream, target.open("xb") as file:
                while chunk := stream.read(1 << 20):
                    written += len(chunk)
                    if written > limit:
                        raise _refusal(
                            source,
                            f"with {name!r} it unpacks to more than the {limit / 1e6:,.1f} MB that "
                            "the whole archive may hold",
                        )
                    file.write(chunk)
    except (FileExistsError, NotADirectoryError) as error:
        raise _refusal(source, f"its member {name!r} is there twice") from error
    except _DAMAGED as error:
        raise _refusal(source, f"{_looks_like(archive)} ({error})") from error


def is_clutter(path: PurePath) -> bool:
    """Whether a file is none of a data set's but what a system leaves: ``._1.jpg``, ``Thumbs.db``.

    Parameters
    ----------
    path : pathlib.PurePath
        Relative to the data set's folder.
    """
    return path.name.endswith(":Zone.Identifier") or any(
        part.startswith("._") or part.lower() in _CLUTTER for part in path.parts
    )


def keep_weights(file: Path, folder: Path, source: str):
    """Copy a file of Keras weights into a folder once every array in it has been read.

    Raises
    ------
    CourseDataError
        If it is no such file (HDF5), is damaged or was cut off.
    """
    import h5py  # here, because it takes its time and most calls read no weights

    try:
        with h5py.File(file) as weights:
            layers = weights if "layer_names" in weights.attrs else weights["model_weights"]
            arrays = [
                layers[layer][name][()]
                for layer in layers.attrs["layer_names"]
                for name in layers[layer].attrs["weight_names"]
            ]
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
        reason = f"{_looks_like(file, 'file of weights (HDF5)')} ({error})"
        raise _refusal(source, reason) from error
    if not arrays:
        raise _refusal(source, "it holds no weights")
    shutil.copyfile(file, folder / file.name)


def _members(archive: Path):
    """Yield name, kind (file, folder, or what else) and opener of each member."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            for member in file.infolist():
                unix_type = stat.S_IFMT(member.external_attr >> 16)
                kind = "folder" if member.orig_filename.endswith(("/", "\\")) else "file"
                if unix_type not in (0, stat.S_IFREG, stat.S_IFDIR):
                    kind = "a link or device"
                elif member.flag_bits & 1:
                    kind = "an encrypted file"
                # `filename` is cut at a null byte and has its separators mended.
                yield member.orig_filename, kind, partial(file.open, member)
        return
    with tarfile.open(archive) as file:
        # Iterated, not listed: listing would read all of a gzip bomb.
        for member in file:
            kind = "folder" if member.isdir() else "file" if member.isreg() else "a link or device"
            yield member.name, kind, partial(file.extractfile, member)
        # tarfile stops before the padding at the end; what follows holds gzip's checksum.
        file.fileobj.read(1 << 20)


def is_web_page(path: Path) -> bool:
    """Whether a file begins as a web page does: what a log-in page sends for any address."""
    with path.open("rb") as file:
        return file.read(200).lstrip().lower().startswith((b"<!doctype", b"<html"))


def _looks_like(file: Path, wanted: str = "zip or tar archive") -> str:
    with file.open("rb") as stream:
        if stream.read(8).startswith((b"PK", b"\x1f\x8b", b"\x89HDF\r\n\x1a\n")):
            return "it is damaged, or was cut off before its end"
    return WEB_PAGE if is_web_page(file) else f"it is not a {wanted}"


def _refusal(source: str, reason: str) -> CourseDataError:
    return CourseDataError(
        f"Could not unpack {source}:",
        reason + ".",
        "Nothing of it was kept. Run the cell again; if it stays so, that copy is not the data "
        "set: take another mirror (COURSE_MIRROR), or unset it to take the published files.",
    )
