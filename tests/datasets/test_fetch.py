"""Where data is taken from, in which order, and what is kept and said of it."""

import dataclasses
import hashlib
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tiny_dataset import weights as tiny_weights
from tiny_scenes import TinyScenes

from course_utils import runtime
from course_utils.datasets import CourseDataError, catalog, stanford_background, sunnybrook
from course_utils.datasets.fetch import data_dir, describe, fetch, fetch_weights, provenance

ARCHIVE = "iccv09Data.tar.gz"
TITLE = "Street scenes in Stanford's layout"
FILE = "resnet18_imagenet_1000_no_top.h5"
WEIGHTS = tiny_weights(conv1=np.arange(256.0), conv2=np.ones(99))
IN_SUMS = "the mirror's SHA256SUMS"
FIRST = "nothing: seen for the first time"


def files_of(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.png")}


def checked(folder):
    return [archive["checked"] for archive in provenance(folder)["archives"]]


def sources(folder):
    return [archive["source"] for archive in provenance(folder)["archives"]]


@pytest.fixture(params=["folder", "http"])
def place(request, serve):
    """A function: where a mirror's folder is to be looked for."""
    return (lambda folder: folder) if request.param == "folder" else serve


def test_a_mirror_gives_the_whole_set_and_says_so(tiny, data, tmp_path, left):
    mirror = tiny.mirror(tmp_path / "mirror")
    folder = fetch(tiny.entry(), root=data, mirror=mirror)
    assert folder == data / "sunnybrook" and left(data) == ["sunnybrook"]
    assert files_of(folder) == tiny.files
    facts = provenance(folder)
    assert facts["name"] == "sunnybrook" and facts["licence"] == "CC0 1.0"
    assert sources(folder) == [str(mirror / "train.zip"), str(mirror / "val.zip")]
    digest = hashlib.sha256(tiny.archive("train")).hexdigest()
    assert facts["archives"][0]["sha256"] == digest and checked(folder) == [IN_SUMS] * 2
    assert str(mirror / "train.zip") in describe(folder) and digest[:12] in describe(folder)
    assert provenance(tmp_path) == {} and describe(tmp_path) == f"files in {tmp_path}"


def test_second_call_reads_nothing_but_the_marker(tiny, data, tmp_path, monkeypatch):
    folder = fetch(tiny.entry(), root=data, mirror=tiny.mirror(tmp_path / "mirror"))
    monkeypatch.setattr("course_utils.datasets.fetch._install", pytest.fail)
    monkeypatch.setattr("filelock.FileLock", pytest.fail)
    assert fetch(tiny.entry(), root=data, mirror=tmp_path / "gone") == folder


def test_settings_come_from_the_environment(tiny, data, tmp_path, monkeypatch):
    assert data_dir().name == "segmentation-course"
    monkeypatch.setenv("COURSE_DATA_DIR", "~/data")
    assert data_dir() == Path.home() / "data"
    monkeypatch.setenv("COURSE_DATA_DIR", str(data))
    monkeypatch.setenv("COURSE_MIRROR", str(tiny.mirror(tmp_path / "mirror")))
    assert fetch(tiny.entry()) == data / "sunnybrook"


def test_published_archives_and_their_first_hash(tiny, data, server, left, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_MIRROR", str(tiny.mirror(tmp_path / "mirror")))
    tiny.publish(server)
    folder = fetch(tiny.entry(server.url), root=data, mirror="", progress=False)
    assert files_of(folder) == tiny.files and checked(folder) == [FIRST] * 2
    digest = hashlib.sha256(tiny.archive("val")).hexdigest()
    noted = (data / ".sunnybrook.sha256").read_text()
    assert f"{digest}  {server.url}/published/val.zip\n" in noted
    assert left(data) == [".sunnybrook.sha256", "sunnybrook"]


def test_progress_is_shown_where_it_is_wanted(tiny, data, server, capfd):
    tiny.publish(server)
    mirror = f"{server.url}/empty"
    fetch(tiny.entry(server.url), root=data / "1", mirror=mirror, progress=False)
    assert capfd.readouterr() == ("", "")
    fetch(tiny.entry(server.url), root=data / "2", mirror=mirror)
    out, err = capfd.readouterr()
    assert f"{mirror}/train.zip" in out  # passed over, but never silently
    assert "train.zip" in err and "SHA256" not in err


@pytest.mark.parametrize(
    ("at", "written"),
    [("", ""), ("/m/2026", "/m/2026//"), ("/a%20b", "/a%20b/"), ("/a%20b", "/a b")],
)
def test_http_mirror_below_any_path(tiny, data, server, serve, tmp_path, at, written):
    serve(tiny.mirror(tmp_path / "mirror"), at)
    entry = tiny.entry(server.url, sha256="0" * 64)  # published: says nothing about a mirror's
    folder = fetch(entry, root=data, mirror=server.url + written, progress=False)
    assert files_of(folder) == tiny.files and checked(folder) == [IN_SUMS] * 2
    assert not any(path.startswith("/published") for path in server.asked)


def test_http_mirror_that_has_moved(tiny, data, server, serve, tmp_path):
    new = serve(tiny.mirror(tmp_path / "mirror"), "/new")
    for name in ("train.zip", "val.zip", "SHA256SUMS"):
        server.answers[f"/old/{name}"] = [("moved", f"{new}/{name}")]
    folder = fetch(tiny.entry(), root=data, mirror=f"{server.url}/old", progress=False)
    assert sources(folder)[0] == f"{server.url}/old/train.zip" and checked(folder) == [IN_SUMS] * 2


def test_a_mirror_without_the_file_falls_back(tiny, data, server, place, tmp_path):
    tiny.publish(server)
    mirror = tiny.mirror(tmp_path / "mirror")
    (mirror / "train.zip").unlink()
    folder = fetch(tiny.entry(server.url), root=data / "1", mirror=place(mirror), progress=False)
    assert files_of(folder) == tiny.files
    assert sources(folder) == [f"{server.url}/published/train.zip", f"{place(mirror)}/val.zip"]
    folder = fetch(tiny.entry(server.url), root=data / "2", mirror=tmp_path / "unplugged")
    assert sources(folder)[1] == f"{server.url}/published/val.zip"


def test_a_mirror_that_breaks_its_own_sums_is_an_error(tiny, data, server, place, tmp_path, left):
    tiny.publish(server)
    mirror = tiny.mirror(tmp_path / "mirror")
    (mirror / "val.zip").write_bytes(tiny.archive("val") + b"x")
    with pytest.raises(CourseDataError) as caught:
        fetch(tiny.entry(server.url), root=data, mirror=place(mirror), progress=False)
    assert f"{place(mirror)}/val.zip with the mirror's SHA256SUMS" in str(caught.value)
    assert hashlib.sha256(tiny.archive("val")).hexdigest() in str(caught.value)
    assert not any(path.startswith("/published") for path in server.asked) and left(data) == []


def test_a_mirror_without_sums_is_taken_and_remembered(tiny, data, place, tmp_path, left):
    """The hash seen first outlives the data folder, and a changed file is then refused."""
    mirror = tiny.mirror(tmp_path / "mirror", sums=False)

    def get():
        if (data / "sunnybrook").exists():
            (data / "sunnybrook").rename(tmp_path / f"former-{len(list(tmp_path.iterdir()))}")
        return checked(fetch(tiny.entry(), root=data, mirror=place(mirror), progress=False))

    assert get() == [FIRST] * 2
    assert get() == ["the sha256 seen the first time"] * 2
    changed = tiny.archive("train") + b"x"
    (mirror / "train.zip").write_bytes(changed)
    with pytest.raises(CourseDataError, match=r"delete its line in .*\.sunnybrook\.sha256"):
        get()
    assert left(data) == [".sunnybrook.sha256"]
    (data / ".sunnybrook.sha256").unlink()
    assert get() == [FIRST] * 2
    assert hashlib.sha256(changed).hexdigest() in (data / ".sunnybrook.sha256").read_text()


def test_sums_in_the_forms_that_tools_and_editors_write(tiny, data, tmp_path):
    """Upper case, a star and ./ before the name, a byte-order mark, lines that end in two signs."""
    mirror = tiny.mirror(tmp_path / "mirror")
    lines = [line.split() for line in tiny.sums().splitlines()]
    text = "".join(f"{d.upper()} *./{name}\r\n" for d, name in lines) + "# made by hand\r\n"
    (mirror / "SHA256SUMS").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert checked(fetch(tiny.entry(), root=data, mirror=mirror)) == [IN_SUMS] * 2


def test_another_version_is_fetched_again_and_a_failed_one_leaves_the_old(
    tiny, data, tmp_path, left
):
    mirror = tiny.mirror(tmp_path / "mirror")
    folder = fetch(tiny.entry(), root=data, mirror=mirror)
    (folder / "old").touch()
    newer = dataclasses.replace(tiny.entry(), version="2")
    assert fetch(newer, root=data, mirror=mirror) == folder
    assert not (folder / "old").exists() and left(data) == ["sunnybrook"]
    (mirror / "val.zip").unlink()
    with pytest.raises(CourseDataError):
        fetch(dataclasses.replace(newer, version="3"), root=data, mirror=mirror)
    assert files_of(folder) == tiny.files


def test_a_readers_own_folder_is_never_overwritten(tiny, data, tmp_path):
    mine = data / "sunnybrook" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("precious")
    with pytest.raises(CourseDataError, match="Move it away"):
        fetch(tiny.entry(), root=data, mirror=tiny.mirror(tmp_path / "mirror"))
    assert mine.read_text() == "precious"


# A mirror that says that it holds something else: taken, and never under the data set's name


@pytest.fixture
def street(tmp_path):
    """A mirror's folder with two street scenes in the place of Stanford's."""
    scenes = TinyScenes({"0000047": (12, 16), "9000001": (12, 16)})
    folder = scenes.mirror(tmp_path / "street")
    (folder / f"{ARCHIVE}.source.txt").write_text(f"{TITLE}\npairs: 2\n")
    return folder


@pytest.fixture
def scenes(server):
    """The data set itself, published by the server: three scenes."""
    scenes = TinyScenes()
    server.answers[f"/published/{ARCHIVE}"] = [scenes.archive()]
    return scenes.entry(f"{server.url}/published")


def test_something_else_is_taken_under_its_own_name(street, scenes, data, server, place, capsys):
    folder = fetch(scenes, root=data, mirror=place(street))
    assert [p.name for p in data.iterdir() if p.is_dir()] == ["stanford_background-stand-in"]
    assert f"{TITLE} in the place of Stanford Background" in capsys.readouterr().out
    assert provenance(folder)["title"] == TITLE and describe(folder).startswith(f"{TITLE}: ")
    loaded = stanford_background.load("regions", (8, 8), folder)
    assert len(loaded) == 2 and loaded.source == describe(folder)
    # Again, from the same mirror: nobody is asked, and it need not be there.
    mirror = place(street)
    for path in street.iterdir():
        path.unlink()
    server.answers.clear()
    server.asked.clear()
    assert fetch(scenes, root=data, mirror=mirror) == folder
    assert not server.asked and capsys.readouterr().out == ""


def test_settings_may_begin_with_a_tilde(tiny, tmp_path, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("COURSE_DATA_DIR", "~/course-data")
    monkeypatch.setenv("COURSE_MIRROR", "~/mirror")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    tiny.mirror(tmp_path / "mirror")
    folder = fetch(tiny.entry(), progress=False)
    assert folder == tmp_path / "course-data/sunnybrook"
    assert sources(folder)[0] == str(tmp_path / "mirror/train.zip")
    assert len(sunnybrook.load("val", "~/course-data/sunnybrook")) == 2
    assert not list(Path.cwd().iterdir())


def test_a_tilde_that_stands_for_nobody(monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", "~nobody-of-that-name/data")
    monkeypatch.setattr(Path, "expanduser", lambda path: expand_user_of_posix(path))
    with pytest.raises(CourseDataError, match="Looked for ~nobody-of-that-name"):
        data_dir()


def expand_user_of_posix(path):
    """Raise as a system does that knows no such user; Windows guesses a folder for anybody."""
    raise RuntimeError(f"Could not determine home directory of {path}")


@pytest.mark.parametrize("fault", ["data folder", "full disk", "no source"])
def test_made_up_data_is_offered_where_it_helps(tiny, data, tmp_path, monkeypatch, fault):
    monkeypatch.setitem(catalog.CATALOG, "sunnybrook", tiny.entry())
    monkeypatch.setenv("COURSE_DATA_DIR", str(data))
    if fault == "data folder":
        data.write_text("in the way")
    if fault == "full disk":
        monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=50_000))
    with pytest.raises(CourseDataError) as caught:
        runtime._attach_data(runtime.Run("01", "quick", 0, "", "", ""), "sunnybrook")
    assert ('profile="showcase"' in str(caught.value)) == (fault == "no source")
    assert "COURSE_DATA_DIR" in str(caught.value)


def test_a_run_on_something_else_says_so(street, scenes, data, monkeypatch):
    monkeypatch.setitem(catalog.CATALOG, "stanford_background", scenes)
    monkeypatch.setenv("COURSE_DATA_DIR", str(data))
    monkeypatch.setenv("COURSE_MIRROR", str(street))
    run = runtime.Run("05", "quick", 0, "", "", "")
    runtime._attach_data(run, "stanford_background")
    digest = hashlib.sha256((street / ARCHIVE).read_bytes()).hexdigest()
    assert run.source == TITLE and run.provenance["sha256"] == {ARCHIVE: digest}


def test_the_data_set_and_something_else_live_side_by_side(street, scenes, data, monkeypatch):
    monkeypatch.chdir(street)  # where the mirror was, and no mirror's address, leads there
    other = fetch(scenes, root=data, mirror=".", progress=False)
    whole = fetch(scenes, root=data, mirror="", progress=False)
    assert whole == data / "stanford_background" and len(stanford_background.names(whole)) == 3
    assert fetch(scenes, root=data, mirror=street) == whole  # the data set itself comes first
    assert provenance(whole)["title"] == "Stanford Background" and other.is_dir()


def test_a_mirror_that_does_not_answer_is_asked_once_and_passed_over(scenes, data, server):
    server.answers[f"/m/{ARCHIVE}.source.txt"] = [("status", 500)]
    folder = fetch(scenes, root=data, mirror=f"{server.url}/m", progress=False)
    assert provenance(folder)["title"] == "Stanford Background"
    assert server.asked == {f"/m/{ARCHIVE}.source.txt": 5, f"/published/{ARCHIVE}": 1}


def test_a_page_for_whatever_is_not_there_says_nothing(scenes, data, server, serve, tmp_path):
    mirror = serve(TinyScenes().mirror(tmp_path / "mirror"), "/m")
    server.answers[f"/m/{ARCHIVE}.source.txt"] = [b"<!doctype html><title>Not found"]
    folder = fetch(scenes, root=data, mirror=mirror, progress=False)
    assert folder.name == "stanford_background" and sources(folder) == [f"{mirror}/{ARCHIVE}"]


@pytest.mark.parametrize(
    ("note", "words"),
    [
        (None, "holds 2 images, not 3"),  # it would pass for the data set
        (TITLE, "holds 2 images, not 3"),
        (f"{TITLE}\npairs: two\n", "first line should say"),
        ("\npairs: 2\n", "first line should say"),
    ],
)
def test_something_else_that_does_not_say_what_it_is(street, scenes, data, left, note, words):
    (street / f"{ARCHIVE}.source.txt").unlink()
    if note is not None:
        (street / f"{ARCHIVE}.source.txt").write_text(note)
    with pytest.raises(CourseDataError, match=words):
        fetch(scenes, root=data, mirror=street, progress=False)
    assert left(data) == []


def test_something_else_is_compared_with_its_hash(street, scenes, data):
    (street / ARCHIVE).write_bytes(TinyScenes().archive())
    with pytest.raises(CourseDataError, match="the mirror's SHA256SUMS"):
        fetch(scenes, root=data, mirror=street, progress=False)


# Encoder weights: a file that is kept as it comes


@pytest.fixture
def weights(monkeypatch, server):
    """Tiny weights in resnet18's place, published by the server; a function states their hash."""
    server.answers[f"/published/{FILE}"] = [WEIGHTS]
    entry = catalog.WEIGHTS["resnet18"]

    def state(**published):
        name, url = f"weights/{FILE}", f"{server.url}/published/{FILE}"
        archive = catalog.Archive(name, url, size=9, unpacked_size=None, **published)
        changed = dataclasses.replace(entry, archives=(archive,))
        monkeypatch.setitem(catalog.WEIGHTS, "resnet18", changed)

    state()
    return state


def test_weights_are_kept_as_they_come_and_described(weights, data, server, left, monkeypatch):
    weights(md5=hashlib.md5(WEIGHTS).hexdigest())
    path = fetch_weights("resnet18", root=data, progress=False)
    assert path == str(data / "weights" / "resnet18" / FILE)
    assert (data / "weights" / "resnet18" / FILE).read_bytes() == WEIGHTS
    assert checked(path) == ["the publisher's md5"] and left(data / "weights") == ["resnet18"]
    assert describe(path).startswith("ImageNet weights of the resnet18 encoder: http")
    monkeypatch.setattr("filelock.FileLock", pytest.fail)
    assert fetch_weights("resnet18", root=data) == path
    assert sum(server.asked.values()) == 1
    with pytest.raises(ValueError, match=r"'alexnet'; there are: mobilenet, mobilenetv2"):
        fetch_weights("alexnet", root=data)


def test_weights_of_a_mirror(weights, data, server, place, tmp_path):
    folder = tmp_path / "mirror"
    (folder / "weights").mkdir(parents=True)
    (folder / "weights" / FILE).write_bytes(WEIGHTS)
    (folder / "SHA256SUMS").write_text(f"{hashlib.sha256(WEIGHTS).hexdigest()}  weights/{FILE}\n")
    path = fetch_weights("resnet18", place(folder), False, data)
    assert sources(path) == [f"{place(folder)}/weights/{FILE}"] and checked(path) == [IN_SUMS]
    (folder / "weights" / f"{FILE}.source.txt").write_text("But for one kernel, which is random")
    path = fetch_weights("resnet18", place(folder), False, tmp_path / "other")
    assert describe(path).startswith("But for one kernel, which is random: ")
    (folder / "weights" / FILE).write_bytes(WEIGHTS + b"x")
    with pytest.raises(CourseDataError, match=IN_SUMS):
        fetch_weights("resnet18", place(folder), False, tmp_path / "third")


@pytest.mark.parametrize("damage", ["shorter", "gone", "the folder is gone"])
def test_damaged_weights_are_fetched_again(weights, data, server, damage):
    path = data / "weights" / "resnet18" / FILE
    fetch_weights("resnet18", root=data, progress=False)
    if damage == "shorter":
        path.write_bytes(WEIGHTS[:50])
    elif damage == "gone":
        path.unlink()
    else:
        path.parent.rename(data / "elsewhere")
    fetch_weights("resnet18", root=data, progress=False)
    assert path.read_bytes() == WEIGHTS and server.asked[f"/published/{FILE}"] == 2


@pytest.mark.parametrize(
    ("stated", "content", "words"),
    [
        ({"md5": hashlib.md5(WEIGHTS).hexdigest()}, WEIGHTS + b"x", "the publisher's md5"),
        ({"sha256": hashlib.sha256(WEIGHTS).hexdigest()}, WEIGHTS + b"x", "the publisher's sha256"),
        ({}, b"<!doctype html><title>Please log in</title>", "it is a web page"),
        ({}, b"Not found", r"not a file of weights \(HDF5\)"),
        ({}, WEIGHTS[: len(WEIGHTS) // 2], "was cut off before its end"),
        ({}, WEIGHTS[:-50], "was cut off before its end"),
        ({}, WEIGHTS.replace(b"layer_names", b"other_names"), "it is damaged"),
        ({}, tiny_weights(), "it holds no weights"),
        ({}, None, "published/resnet18.*: the server answered 404"),
    ],
)
def test_wrong_weights_are_not_kept(weights, data, server, left, stated, content, words):
    weights(**stated)
    server.answers = {f"/published/{FILE}": [content]} if content else {}
    with pytest.raises(CourseDataError, match=words) as caught:
        fetch_weights("resnet18", root=data, progress=False)
    assert caught.value.what_next and left(data / "weights") == []  # not even its hash
    server.answers = {f"/published/{FILE}": [WEIGHTS]}
    assert Path(fetch_weights("resnet18", root=data, progress=False)).read_bytes() == WEIGHTS


def test_the_real_mirrors_mobilenet_says_what_it_is(real_mirror, data):
    note = real_mirror / f"{catalog.WEIGHTS['mobilenet'].archives[0].name}.source.txt"
    if not note.is_file():
        pytest.skip("the mirror says nothing of its weights")
    path = fetch_weights("mobilenet", real_mirror, False, data)
    assert describe(path).startswith(note.read_text().splitlines()[0])
