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

from course_utils.datasets import CourseDataError, archives as unpack
from course_utils.datasets.fetch import fetch

LIMIT = 100_000


def refused(content: bytes, tmp_path: Path, limit: int = LIMIT) -> str:
    archive = tmp_path / "in.zip"
    archive.write_bytes(content)
    with pytest.raises(CourseDataError) as caught:
        unpack.unpack(archive, tmp_path / "out", limit, "THE SOURCE")
    assert "THE SOURCE" in caught.value.tried
    outside = {p.name for p in tmp_path.rglob("*") if not p.is_relative_to(tmp_path / "out")}
    assert outside == {"in.zip"}  # nothing left the folder
    assert sum(p.stat().st_size for p in (tmp_path / "out").rglob("*")) <= 50 * LIMIT
    return str(caught.value)


def with_member(name: str, mode: int = 0, content: bytes = b"evil", flags: int = 0) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("train/image/000.png", b"good")
        member = zipfile.ZipInfo("placeholder")
        member.filename = name  # as it is: ZipInfo's constructor would mend it
        member.external_attr = mode << 16
        archive.writestr(member, content)
    return buffer.getvalue()


def tarred(*members: tuple[str, bytes | None], **changes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content or b"")
            member.mode = 0o644
            for key, value in changes.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(content) if content is not None else None)
    return buffer.getvalue()


OUTSIDE = ["../evil", "train/../../evil", "/tmp/evil", "..\\evil", "C:\\evil", "C:evil", "\\\\a\\b"]


@pytest.mark.parametrize("name", OUTSIDE)
def test_zip_member_that_would_leave_the_folder(tmp_path, name):
    message = refused(with_member(name), tmp_path)
    assert f"{name!r} would be written outside the folder" in message


@pytest.mark.parametrize("name", OUTSIDE)
def test_tar_member_that_would_leave_the_folder(tmp_path, name):
    assert f"{name!r} would be written outside" in refused(tarred((name, b"evil")), tmp_path)


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_zip_member_that_is_no_plain_file(tmp_path, mode):
    message = refused(with_member("link", mode | 0o777, b"/etc/passwd"), tmp_path)
    assert "'link' is a link or device" in message
    assert not (tmp_path / "out/link").exists()


@pytest.mark.parametrize("type_", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_tar_member_that_is_no_plain_file(tmp_path, type_):
    message = refused(tarred(("link", None), type=type_, linkname="../../etc/passwd"), tmp_path)
    assert "'link' is a link or device" in message


def test_encrypted_member(tmp_path):
    content = bytearray(zipped({"a": b"secret"}))
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 8] |= 1
    assert "'a' is an encrypted file" in refused(bytes(content), tmp_path)


def test_member_that_is_there_twice(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = with_member("train/image/000.png")
    assert "'train/image/000.png' is there twice" in refused(content, tmp_path)


def test_member_below_a_file(tmp_path):
    content = with_member("train/image/000.png/evil")
    assert "'train/image/000.png/evil' is there twice" in refused(content, tmp_path)


def test_bomb_by_its_declared_size(tmp_path):
    """30 MB of zeros in 30 kB: refused before a byte of it is written."""
    message = refused(zipped({"a": b"ok", "zeros": bytes(30 * 10**6)}), tmp_path)
    assert "'zeros'" in message and "0.1 MB" in message
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a"]


def test_bomb_of_many_members(tmp_path):
    content = zipped({f"{i:02d}": bytes(30_000) for i in range(10)})
    assert "'03'" in refused(content, tmp_path)
    assert len(list((tmp_path / "out").iterdir())) == 3


def lying(size: int, declared: int) -> bytes:
    """A zip whose headers, both of them, declare another size than the content has."""
    content = bytearray(zipped({"zeros": bytes(size)}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.index(signature) + offset
        assert struct.unpack_from("<I", content, at) == (size,)
        struct.pack_into("<I", content, at, declared)
    return bytes(content)


def test_bomb_whose_headers_lie(tmp_path):
    """zipfile reads no more than is declared, and then finds that the checksum does not fit."""
    assert "it is damaged" in refused(lying(30 * 10**6, 1000), tmp_path)
    assert sum(p.stat().st_size for p in (tmp_path / "out").iterdir()) <= 1000


def test_bytes_are_counted_whatever_is_declared(tmp_path, monkeypatch):
    """The last guard: an opener that gives more than its header says."""
    content = lying(5 * 10**6, 10)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *args: io.BytesIO(bytes(5 * 10**6)))
    assert "unpacks to more than" in refused(content, tmp_path)
    assert sum(p.stat().st_size for p in (tmp_path / "out").iterdir()) <= LIMIT


def test_gzip_bomb(tmp_path):
    message = refused(tarred(("a", b"ok"), ("zeros", bytes(30 * 10**6))), tmp_path)
    assert "'zeros'" in message
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a"]


def test_the_limit_itself_is_allowed(tmp_path):
    (tmp_path / "in.zip").write_bytes(zipped({"a": bytes(60), "b": bytes(40)}))
    unpack.unpack(tmp_path / "in.zip", tmp_path / "out", 100, "")
    with pytest.raises(CourseDataError):
        unpack.unpack(tmp_path / "in.zip", tmp_path / "out2", 99, "")


def test_tar_gz(tmp_path):
    (tmp_path / "in.zip").write_bytes(tarred(("set/a.txt", b"1 2"), ("set/deep/b.txt", b"3")))
    unpack.unpack(tmp_path / "in.zip", tmp_path / "out", LIMIT, "")
    assert (tmp_path / "out/set/a.txt").read_bytes() == b"1 2"
    assert (tmp_path / "out/set/deep/b.txt").read_bytes() == b"3"


@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_truncated_archive(tmp_path, tiny, kind, share):
    content = tiny.archive("train")
    if kind == "tar.gz":
        content = tarred(*tiny.files.items())
    assert "it is damaged, or was cut off" in refused(
        content[: int(share * len(content))], tmp_path
    )


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_one_flipped_bit(tmp_path, kind):
    """Stored, not compressed, so that only the checksum can tell."""
    text = b"0 1 2 3 " * 100
    if kind == "zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("a", text)
        content = bytearray(buffer.getvalue())
    else:
        content = bytearray(gzip.compress(gzip.decompress(tarred(("a", text))), 0))
    content[content.index(text) + 300] ^= 1
    assert "it is damaged" in refused(bytes(content), tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\n<!DOCTYPE html><title>Log in", "it is a web page"),
        (b"<html>", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "it is not a zip or tar archive"),
        (b"", "it is not a zip or tar archive"),
    ],
)
def test_something_else_than_an_archive(tmp_path, content, words):
    assert words in refused(content, tmp_path)


@pytest.mark.parametrize("what", ["truncated", "../evil", "bomb"])
@pytest.mark.parametrize("where", ["mirror", "published"])
def test_fetch_keeps_nothing_of_a_bad_archive(tiny, data, server, tmp_path, left, what, where):
    """And a mirror's bad archive is an error that names it, not a reason to go elsewhere."""
    good = tiny.archive("val")
    bad = {
        "truncated": good[:-30],
        "../evil": with_member("../evil"),
        "bomb": zipped({"zeros": bytes(10**6)}),
    }[what]
    tiny.publish(server)
    mirror = tiny.mirror(tmp_path / "mirror", sums=False)
    if where == "mirror":
        (mirror / "val.zip").write_bytes(bad)
        culprit = str(mirror / "val.zip")
    else:
        server.answers["/published/val.zip"] = [bad]
        mirror, culprit = "", f"{server.url}/published/val.zip"
    with pytest.raises(CourseDataError) as caught:
        fetch(tiny.entry(server.url), root=data, mirror=mirror, progress=False)
    assert culprit in str(caught.value)
    assert left(data) == []
    assert not list(tmp_path.rglob("evil"))
    assert bool(server.asked) == (where == "published")
