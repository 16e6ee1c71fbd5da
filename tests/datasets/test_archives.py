"""Archives that are broken, or that mean harm."""

import gzip
import io
import stat
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest
from tiny_dataset import zipped

from course_utils.datasets import CourseDataError
from course_utils.datasets.archives import tar_gz_bytes, unpack, zip_bytes

LIMIT = 100_000
MB = 10**6


def refused(content: bytes, folder: Path) -> str:
    (folder / "in.zip").write_bytes(content)
    with pytest.raises(CourseDataError) as caught:
        unpack(folder / "in.zip", folder / "out", LIMIT, "THE SOURCE")
    assert "THE SOURCE" in caught.value.tried
    outside = {p.name for p in folder.rglob("*") if not p.is_relative_to(folder / "out")}
    assert outside == {"in.zip"}  # nothing left the folder
    assert sum(p.stat().st_size for p in (folder / "out").rglob("*") if p.is_file()) <= LIMIT
    return caught.value.came_back


def zip_with(name: str, mode: int = 0) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("train/image/000.png", b"good")
        member = zipfile.ZipInfo("placeholder")
        member.filename = name  # as it is: ZipInfo's constructor would mend it
        member.external_attr = mode << 16
        archive.writestr(member, b"/etc/passwd")
    return buffer.getvalue()


def tar_with(name: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "../../etc/passwd"
        archive.addfile(member, io.BytesIO())
    return buffer.getvalue()


@pytest.mark.parametrize("pack", [zip_with, tar_with])
@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "a/../../evil",
        "/tmp/evil",
        "..\\evil",
        "C:\\evil",
        "C:evil",
        "\\\\a\\b",
        "._a/../../b",
    ],
)
def test_member_that_would_leave_the_folder(tmp_path, pack, name):
    assert f"{name!r} would be written outside" in refused(pack(name), tmp_path)


def test_a_name_that_windows_cannot_write(tmp_path):
    assert "'12:30.png' has a name that Windows cannot write" in refused(
        zip_with("12:30.png"), tmp_path
    )


@pytest.mark.parametrize("pack", [zip_with, tar_with])
def test_backslashes_separate_folders(tmp_path, pack):
    (tmp_path / "in").write_bytes(pack("deep\\er\\a.txt"))
    unpack(tmp_path / "in", tmp_path / "out", LIMIT, "")
    assert (tmp_path / "out/deep/er/a.txt").is_file()
    (tmp_path / "in").write_bytes(zip_with("empty\\folder\\"))
    unpack(tmp_path / "in", tmp_path / "out2", LIMIT, "")
    assert (tmp_path / "out2/empty/folder").is_dir()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("pack", [zip_bytes, tar_gz_bytes])
def test_what_systems_leave_in_archives_is_passed_over(tmp_path, pack):
    """Each may be there twice, as in two archives of one data set."""
    names = ["__MACOSX/a/._b.txt", "a/._b.txt", "._a", ".DS_Store", "a/Thumbs.db", "desktop.ini"]
    names += ["a/b.txt:Zone.Identifier", "@eaDir/a", "__MACOSX\\a"]
    (tmp_path / "in").write_bytes(pack([(name, b"1") for name in names * 2] + [("a/b.txt", b"2")]))
    unpack(tmp_path / "in", tmp_path / "out", LIMIT, "")
    files = [p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*")]
    assert sorted(files) == ["a", "a/b.txt"]


@pytest.mark.parametrize(
    "content",
    [
        *(zip_with("link", mode | 0o777) for mode in (stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR)),
        *(tar_with("link", kind) for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE)),
    ],
)
def test_member_that_is_no_plain_file(tmp_path, content):
    assert "'link' is a link or device" in refused(content, tmp_path)
    assert not (tmp_path / "out/link").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "name", ["train/image/000.png", "train/image/000.png/a", "train/image/000.png/a/b"]
)
def test_member_that_is_there_twice_or_below_a_file(tmp_path, name):
    assert f"{name!r} is there twice" in refused(zip_with(name), tmp_path)


def encrypted() -> bytes:
    content = bytearray(zipped({"a": b"secret"}))
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def lying(size: int, declared: int) -> bytes:
    """A zip whose headers, both of them, declare another size than the content has."""
    content = bytearray(zipped({"zeros": bytes(size)}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", content, content.index(signature) + offset, declared)
    return bytes(content)


def flipped(content: bytes, text: bytes) -> bytes:
    content = bytearray(content)
    content[content.index(text) + len(text) // 2] ^= 1
    return bytes(content)


TEXT = b"0 1 2 3 " * 100
FILES = [("a", b"ok"), ("zeros", bytes(30 * MB))]
STORED = gzip.compress(gzip.decompress(tar_gz_bytes([("a", TEXT)])), 0)
WHOLE = {"zip": zipped({"a": TEXT}), "tar": tar_gz_bytes([("a", TEXT)])}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (encrypted(), "'a' is an encrypted file"),
        (zipped(dict(FILES)), "with 'zeros' it unpacks to more than the 0.1 MB"),
        (tar_gz_bytes(FILES), "with 'zeros' it unpacks to more than the 0.1 MB"),
        (zipped({f"{i:02d}": bytes(30_000) for i in range(10)}), "with '03' it unpacks to more"),
        # zipfile reads no more than is declared, and then finds that the checksum does not fit.
        (lying(30 * MB, 1000), "it is damaged"),
        # Stored, not compressed, so that only the checksum can tell.
        (flipped(zip_bytes([("a", TEXT)]), TEXT), "it is damaged"),
        (flipped(STORED, TEXT), "it is damaged"),
        *((c[: int(share * len(c))], "cut off") for c in WHOLE.values() for share in (0.3, 0.9)),
        (b"\n<!DOCTYPE html><title>Log in", "it is a web page"),
        (b"<html>", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "it is not a zip or tar archive"),
        (b"", "it is not a zip or tar archive"),
    ],
)
def test_bad_archive(tmp_path, content, words):
    assert words in refused(content, tmp_path)


@pytest.mark.parametrize("pack", [zip_bytes, tar_gz_bytes])
def test_up_to_the_limit_all_members_are_unpacked(tmp_path, pack):
    files = {"set/a.txt": b"1 2 3", "set/deep/b.txt": b"45678"}
    (tmp_path / "in").write_bytes(pack(files.items()))
    unpack(tmp_path / "in", tmp_path / "out", 10, "")
    assert {name: (tmp_path / "out" / name).read_bytes() for name in files} == files
    with pytest.raises(CourseDataError):
        unpack(tmp_path / "in", tmp_path / "less", 9, "")
