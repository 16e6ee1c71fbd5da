"""Archives whose bytes depend on their content alone, written in one step."""

import gzip
import hashlib
import io
import os
import tarfile
import zipfile
from pathlib import Path


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
