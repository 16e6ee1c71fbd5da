"""Where data is taken from, in which order, and what is kept of it."""

import dataclasses
import hashlib

import pytest

from course_utils.datasets import CourseDataError
from course_utils.datasets.fetch import data_dir, describe, fetch, provenance


def files_of(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in folder.rglob("*.png")
        if p.is_file()
    }


def test_mirror_folder_gives_the_whole_set_and_says_so(tiny, data, tmp_path, left):
    mirror = tiny.mirror(tmp_path / "mirror")
    folder = fetch(tiny.entry(), root=data, mirror=mirror)
    assert folder == data / "sunnybrook"
    assert files_of(folder) == tiny.files
    assert left(data) == ["sunnybrook"]
    facts = provenance(folder)
    assert facts["name"] == "sunnybrook" and facts["licence"] == "CC0 1.0"
    assert [a["source"] for a in facts["archives"]] == [
        str(mirror / "train.zip"),
        str(mirror / "val.zip"),
    ]
    digest = hashlib.sha256(tiny.archive("train")).hexdigest()
    assert facts["archives"][0]["sha256"] == digest
    assert facts["archives"][0]["bytes"] == len(tiny.archive("train"))
    assert facts["archives"][0]["checked"] == "the mirror's SHA256SUMS"
    assert str(mirror / "train.zip") in describe(folder) and digest[:12] in describe(folder)


def test_second_call_reads_nothing_but_the_marker(tiny, data, tmp_path, monkeypatch):
    folder = fetch(tiny.entry(), root=data, mirror=tiny.mirror(tmp_path / "mirror"))
    monkeypatch.setattr("course_utils.datasets.fetch._install", pytest.fail)
    monkeypatch.setattr("filelock.FileLock", pytest.fail)
    assert fetch(tiny.entry(), root=data, mirror=tmp_path / "gone") == folder


def test_settings_come_from_the_environment(tiny, data, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", str(data))
    monkeypatch.setenv("COURSE_MIRROR", str(tiny.mirror(tmp_path / "mirror")))
    assert data_dir() == data
    assert fetch(tiny.entry()) == data / "sunnybrook"


def test_data_dir_without_a_setting_is_the_users_cache():
    assert data_dir().name == "segmentation-course"


def test_published_archives_and_their_first_hash(tiny, data, server, left):
    tiny.publish(server)
    folder = fetch(tiny.entry(server.url), root=data, progress=False)
    assert files_of(folder) == tiny.files
    assert provenance(folder)["archives"][1]["checked"] == "nothing: seen for the first time"
    digest = hashlib.sha256(tiny.archive("val")).hexdigest()
    noted = (data / ".sunnybrook.sha256").read_text()
    assert f"{digest}  {server.url}/published/val.zip\n" in noted
    assert left(data) == [".sunnybrook.sha256", "sunnybrook"]


def test_download_with_a_progress_bar(tiny, data, server, capfd):
    tiny.publish(server)
    fetch(tiny.entry(server.url), root=data, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "train.zip" in err and "SHA256" not in err


def test_no_output_without_progress(tiny, data, server, capfd):
    tiny.publish(server)
    fetch(tiny.entry(server.url), root=data, mirror=f"{server.url}/mirror", progress=False)
    assert capfd.readouterr() == ("", "")


def test_mirror_comes_first(tiny, data, server, tmp_path):
    tiny.publish(server)
    fetch(tiny.entry(server.url), root=data, mirror=tiny.mirror(tmp_path / "mirror"))
    assert not server.asked


def test_empty_mirror_means_none(tiny, data, server, tmp_path, monkeypatch):
    tiny.publish(server)
    monkeypatch.setenv("COURSE_MIRROR", str(tiny.mirror(tmp_path / "mirror")))
    folder = fetch(tiny.entry(server.url), root=data, mirror="", progress=False)
    assert server.url in describe(folder)


def test_http_mirror(tiny, data, server):
    tiny.publish(server, at="mirror")
    server.answers["/mirror/SHA256SUMS"] = [tiny.sums().encode()]
    entry = tiny.entry(server.url)
    folder = fetch(entry, root=data, mirror=f"{server.url}/mirror/", progress=False)
    assert files_of(folder) == tiny.files
    assert provenance(folder)["archives"][0]["checked"] == "the mirror's SHA256SUMS"
    assert not any(path.startswith("/published") for path in server.asked)


def test_published_hash_is_not_held_against_a_mirror(tiny, data, tmp_path):
    """Mirrors may be packed anew: only their own SHA256SUMS speaks for them."""
    fetch(tiny.entry(sha256="0" * 64), root=data, mirror=tiny.mirror(tmp_path / "mirror"))


@pytest.mark.parametrize("kind", ["folder", "http", "no folder at all"])
def test_mirror_without_the_file_falls_back(tiny, data, server, tmp_path, capsys, kind):
    tiny.publish(server)
    mirror = tiny.mirror(tmp_path / "mirror")
    (mirror / "train.zip").unlink()
    if kind == "http":
        server.answers["/mirror/val.zip"] = [tiny.archive("val")]
        mirror = f"{server.url}/mirror"
    elif kind == "no folder at all":
        mirror = tmp_path / "unplugged"
    folder = fetch(tiny.entry(server.url), root=data, mirror=mirror)
    assert files_of(folder) == tiny.files
    sources = [a["source"] for a in provenance(folder)["archives"]]
    assert sources[0] == f"{server.url}/published/train.zip"
    assert (sources[1] == f"{server.url}/published/val.zip") == (kind == "no folder at all")
    assert f"{mirror}/train.zip" in capsys.readouterr().out  # never silently


@pytest.mark.parametrize("kind", ["folder", "http"])
def test_neither_mirror_nor_published(tiny, data, server, tmp_path, left, kind):
    mirror = tmp_path if kind == "folder" else f"{server.url}/mirror"
    with pytest.raises(CourseDataError) as caught:
        fetch(tiny.entry(server.url), root=data, mirror=mirror, progress=False)
    assert f"{mirror}/train.zip" in str(caught.value)
    assert f"{server.url}/published/train.zip: the server answered 404" in str(caught.value)
    assert left(data) == []


def test_made_up_data_has_no_published_address(tiny, data, left):
    with pytest.raises(CourseDataError, match="neither a mirror nor a published address"):
        fetch(tiny.entry(""), root=data)
    assert left(data) == []


@pytest.mark.parametrize("kind", ["folder", "http"])
def test_mirror_that_breaks_its_own_sums_is_an_error(tiny, data, server, tmp_path, left, kind):
    tiny.publish(server)
    mirror = tiny.mirror(tmp_path / "mirror")
    (mirror / "val.zip").write_bytes(tiny.archive("val") + b"x")
    if kind == "http":
        for file in mirror.iterdir():
            server.answers[f"/mirror/{file.name}"] = [file.read_bytes()]
        mirror = f"{server.url}/mirror"
    with pytest.raises(CourseDataError) as caught:
        fetch(tiny.entry(server.url), root=data, mirror=mirror, progress=False)
    assert f"{mirror}/val.zip with the mirror's SHA256SUMS" in str(caught.value)
    assert hashlib.sha256(tiny.archive("val")).hexdigest() in str(caught.value)
    assert not any(path.startswith("/published") for path in server.asked)
    assert left(data) == []


@pytest.mark.parametrize("kind", ["folder", "http"])
def test_mirror_without_sums_is_taken_and_remembered(tiny, data, server, tmp_path, left, kind):
    """The hash seen first outlives the data folder, and a changed file is then refused."""
    mirror = tiny.mirror(tmp_path / "mirror", sums=False)
    if kind == "http":
        tiny.publish(server, at="mirror")
        mirror = f"{server.url}/mirror"
    folder = fetch(tiny.entry(), root=data, mirror=mirror, progress=False)
    assert provenance(folder)["archives"][0]["checked"] == "nothing: seen for the first time"

    def forget_the_data():
        folder.rename(tmp_path / f"former-{len(list(tmp_path.iterdir()))}")

    forget_the_data()
    fetch(tiny.entry(), root=data, mirror=mirror, progress=False)
    assert provenance(folder)["archives"][0]["checked"] == "the sha256 seen the first time"

    forget_the_data()
    changed = tiny.archive("train") + b"x"
    if kind == "http":
        server.answers["/mirror/train.zip"] = [changed]
    else:
        (mirror / "train.zip").write_bytes(changed)
    with pytest.raises(CourseDataError, match=r"delete its line in the hidden \.sha256 file"):
        fetch(tiny.entry(), root=data, mirror=mirror, progress=False)
    assert left(data) == [".sunnybrook.sha256"]

    (data / ".sunnybrook.sha256").unlink()
    fetch(tiny.entry(), root=data, mirror=mirror, progress=False)
    assert hashlib.sha256(changed).hexdigest() in (data / ".sunnybrook.sha256").read_text()


def test_hash_of_bad_content_is_not_remembered(tiny, data, server, left):
    tiny.publish(server)
    del tiny.files["train/image/001.png"]
    server.answers["/published/train.zip"] = [tiny.archive("train")]
    with pytest.raises(CourseDataError, match=r"image train/image/001\.png is missing"):
        fetch(tiny.entry(server.url), root=data, progress=False)
    assert left(data) == []


def test_sums_in_the_forms_that_tools_write(tiny, data, tmp_path):
    mirror = tiny.mirror(tmp_path / "mirror")
    text = tiny.sums().replace("  train", " *./train").replace("\n", "\r\n")
    (mirror / "SHA256SUMS").write_text(
        "# made by hand\n"
        + text.upper().replace(".ZIP", ".zip").replace("TRAIN", "train").replace("VAL", "val")
    )
    folder = fetch(tiny.entry(), root=data, mirror=mirror)
    checked = {a["checked"] for a in provenance(folder)["archives"]}
    assert checked == {"the mirror's SHA256SUMS"}


def test_another_version_is_fetched_again(tiny, data, tmp_path, left):
    mirror = tiny.mirror(tmp_path / "mirror")
    folder = fetch(tiny.entry(), root=data, mirror=mirror)
    (folder / "old").touch()
    fetch(dataclasses.replace(tiny.entry(), version="2"), root=data, mirror=mirror)
    assert not (folder / "old").exists() and files_of(folder) == tiny.files
    assert left(data) == ["sunnybrook"]


def test_a_failed_new_version_leaves_the_old_one(tiny, data, tmp_path):
    mirror = tiny.mirror(tmp_path / "mirror")
    folder = fetch(tiny.entry(), root=data, mirror=mirror)
    (mirror / "val.zip").unlink()
    with pytest.raises(CourseDataError):
        fetch(dataclasses.replace(tiny.entry(), version="2"), root=data, mirror=mirror)
    assert files_of(folder) == tiny.files


def test_a_readers_own_folder_is_never_overwritten(tiny, data, tmp_path):
    mine = data / "sunnybrook" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("precious")
    with pytest.raises(CourseDataError, match="Move it away"):
        fetch(tiny.entry(), root=data, mirror=tiny.mirror(tmp_path / "mirror"))
    assert mine.read_text() == "precious"


def test_folder_that_fetch_did_not_make(tmp_path):
    assert provenance(tmp_path) == {}
    assert describe(tmp_path) == f"files in {tmp_path}"


def test_a_set_without_a_loader_is_unpacked(tiny, data, tmp_path):
    entry = dataclasses.replace(tiny.entry(), layout="", pairs={"all": 99})
    assert files_of(fetch(entry, root=data, mirror=tiny.mirror(tmp_path / "m"))) == tiny.files
