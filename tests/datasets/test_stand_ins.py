"""A mirror that holds other scenes in a data set's place: taken, and never under its name."""

import dataclasses
import hashlib

import pytest
from tiny_scenes import TinyScenes

from course_utils import runtime
from course_utils.datasets import CourseDataError, catalog, stanford_background
from course_utils.datasets.fetch import describe, fetch, provenance

STREET = {"0000047": (12, 16), "9000001": (12, 16)}
ARCHIVE = "iccv09Data.tar.gz"


@pytest.fixture
def street(monkeypatch):
    """A made-up stand-in, in the catalog by the hash of its archive."""
    scenes = TinyScenes(STREET)
    content = scenes.archive()
    scenes.archive = lambda: content  # gzip notes the time: pack it once
    digest = hashlib.sha256(content).hexdigest()
    scenes.stand_in = dataclasses.replace(
        catalog.CAMVID_SCENES,
        archives=(dataclasses.replace(scenes.entry().archives[0], url="", sha256=digest),),
        pairs={"all": 2},
    )
    monkeypatch.setattr(catalog, "STAND_INS", {digest: scenes.stand_in})
    return scenes


@pytest.fixture
def published(server):
    """The data set itself, published by the server: three other scenes."""
    scenes = TinyScenes()
    scenes.url = f"{server.url}/published"
    server.answers[f"/published/{ARCHIVE}"] = [scenes.archive()]
    return scenes


def test_the_mirrors_stand_in_is_taken_under_its_own_name(
    street, published, data, server, tmp_path, capsys, left
):
    folder = fetch(published.entry(published.url), root=data, mirror=street.mirror(tmp_path / "m"))
    assert folder == data / "stanford_background-camvid"
    assert left(data) == ["stanford_background-camvid"]
    facts = provenance(folder)
    assert facts["title"] == "CamVid scenes in Stanford's layout" and "Brostow" in facts["citation"]
    assert describe(folder).startswith("CamVid scenes in Stanford's layout: ")
    assert "CamVid scenes in Stanford's layout in the place of" in capsys.readouterr().out
    assert stanford_background.load("regions", (8, 8), folder).source == describe(folder)
    assert "Stanford Background" not in describe(folder)
    assert not server.asked


@pytest.mark.parametrize("over_http", [False, True])
def test_second_call_needs_neither_mirror_nor_network(
    street, data, server, tmp_path, over_http, capsys
):
    mirror = street.mirror(tmp_path / "mirror")
    if over_http:
        for name in (ARCHIVE, "SHA256SUMS"):
            server.answers[f"/m/{name}"] = [(mirror / name).read_bytes()]
        mirror = f"{server.url}/m/"
    folder = fetch(TinyScenes().entry(), root=data, mirror=mirror, progress=False)
    for path in (tmp_path / "mirror").iterdir():
        path.unlink()
    server.answers.clear()
    server.asked.clear()
    assert fetch(TinyScenes().entry(), root=data, mirror=mirror) == folder
    assert not server.asked and capsys.readouterr().out == ""


def test_a_mirror_with_another_file_is_no_stand_in(street, data, tmp_path):
    scenes = TinyScenes()
    folder = fetch(scenes.entry(), root=data, mirror=scenes.mirror(tmp_path / "mirror"))
    assert folder == data / "stanford_background"
    assert provenance(folder)["title"] == "Stanford Background"


def test_the_data_set_that_is_there_comes_first(street, published, data, tmp_path):
    entry = published.entry(published.url)
    folder = fetch(entry, root=data, progress=False)
    assert fetch(entry, root=data, mirror=street.mirror(tmp_path / "mirror")) == folder
    assert provenance(folder)["title"] == "Stanford Background"


def test_without_that_mirror_the_data_set_is_fetched(street, published, data, tmp_path):
    entry = published.entry(published.url)
    fetch(entry, root=data, mirror=street.mirror(tmp_path / "mirror"), progress=False)
    folder = fetch(entry, root=data, mirror="", progress=False)
    assert folder == data / "stanford_background"
    assert len(stanford_background.names(folder)) == 3


def test_a_mirror_that_does_not_answer_is_passed_over(street, published, data, server):
    server.answers["/m/SHA256SUMS"] = [("status", 500)]
    entry = published.entry(published.url)
    folder = fetch(entry, root=data, mirror=f"{server.url}/m", progress=False)
    assert provenance(folder)["title"] == "Stanford Background"


def test_a_stand_in_is_compared_with_its_hash(street, data, tmp_path):
    mirror = street.mirror(tmp_path / "mirror")
    (mirror / ARCHIVE).write_bytes(TinyScenes().archive())
    with pytest.raises(CourseDataError, match="the mirror's SHA256SUMS"):
        fetch(TinyScenes().entry(), root=data, mirror=mirror)


def test_a_run_on_the_stand_in_says_so(street, data, tmp_path, monkeypatch):
    monkeypatch.setitem(catalog.CATALOG, "stanford_background", TinyScenes().entry())
    monkeypatch.setenv("COURSE_DATA_DIR", str(data))
    monkeypatch.setenv("COURSE_MIRROR", str(street.mirror(tmp_path / "mirror")))
    run = runtime.Run("05", "quick", 0, "", "", "")
    runtime._attach_data(run, "stanford_background")
    assert run.source == "CamVid scenes in Stanford's layout"
    assert run.provenance["sha256"] == {ARCHIVE: street.stand_in.archives[0].sha256}


def test_the_catalogs_stand_in():
    digest = "1ae79cf5f97179b0740f5b4bc4fa09d3cbfa59685a5f6463c5dbd73f01bcc101"
    entry = catalog.STAND_INS[digest]
    assert catalog.stand_ins(catalog.STANFORD_BACKGROUND) == {digest: entry}
    assert catalog.stand_ins(entry) == catalog.stand_ins(catalog.SUNNYBROOK) == {}
    assert entry.title == "CamVid scenes in Stanford's layout"
    assert entry.name != "stanford_background" and entry.name not in catalog.CATALOG
    assert not entry.redistributable and entry.pairs == {"all": 469}
    assert entry.archives[0].url == "" and "0000047" in entry.citation
