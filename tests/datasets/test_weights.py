"""Encoder weights: which file, from where, and what is said of it."""

import hashlib
import os
import re
from types import SimpleNamespace

import pytest
from course_utils.datasets._weights_catalog import EncoderWeights

from course_utils.datasets import CourseDataError, weights
from course_utils.datasets.catalog import Archive

CONTENT = b"\x89HDF\r\n\x1a\n" + bytes(range(256))
FILE = "resnet18_imagenet_1000_no_top.h5"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def tiny(monkeypatch, server):
    """Put a tiny file, published by the server with its md5, in the place of resnet18's."""
    server.answers[f"/published/{FILE}"] = [CONTENT]

    def entry(**published):
        archive = Archive(f"weights/{FILE}", f"{server.url}/published/{FILE}", size=9, **published)
        monkeypatch.setitem(weights.WEIGHTS, "resnet18", EncoderWeights("resnet18", archive))

    entry(md5=MD5)
    return entry


def mirror(folder, content=CONTENT, sums=True):
    (folder / "weights").mkdir(parents=True)
    (folder / "weights" / FILE).write_bytes(content)
    if sums:
        (folder / "SHA256SUMS").write_text(f"{SHA256}  weights/{FILE}\n")
    return folder


def test_published_file_is_compared_with_its_md5(tiny, data, left):
    path = weights.fetch_weights("resnet18", root=data, progress=False)
    assert path == str(data / "weights" / FILE)
    with open(path, "rb") as file:
        assert file.read() == CONTENT
    facts = weights.provenance(path)
    assert facts["checked"] == "the publisher's md5" and facts["sha256"] == SHA256
    assert facts["backbone"] == "resnet18" and facts["note"] == ""
    assert left(data / "weights") == [FILE, f"{FILE}.json"]


def test_kept_in_the_data_folder_and_mirror_from_the_environment(
    tiny, data, server, tmp_path, monkeypatch
):
    monkeypatch.setenv("COURSE_DATA_DIR", str(data))
    monkeypatch.setenv("COURSE_MIRROR", str(mirror(tmp_path / "mirror")))
    path = weights.fetch_weights("resnet18")
    assert path == str(data / "weights" / FILE) and not server.asked
    assert weights.provenance(path)["checked"] == "the mirror's SHA256SUMS"
    assert (tmp_path / "mirror" / "weights" / FILE).exists()


def test_mirror_over_http(tiny, data, server):
    server.answers[f"/m/weights/{FILE}"] = [CONTENT]
    server.answers["/m/SHA256SUMS"] = [f"{SHA256}  weights/{FILE}\n".encode()]
    path = weights.fetch_weights("resnet18", f"{server.url}/m", False, data)
    assert weights.provenance(path)["source"] == f"{server.url}/m/weights/{FILE}"


def test_second_call_asks_nobody(tiny, data, server, monkeypatch):
    path = weights.fetch_weights("resnet18", root=data, progress=False)
    server.asked.clear()
    monkeypatch.setattr("filelock.FileLock", pytest.fail)
    assert weights.fetch_weights("resnet18", root=data) == path
    assert not server.asked


@pytest.mark.parametrize("damage", ["shorter", "no marker", "gone"])
def test_damaged_file_is_fetched_again(tiny, data, server, damage):
    path = data / "weights" / FILE
    weights.fetch_weights("resnet18", root=data, progress=False)
    if damage == "shorter":
        path.write_bytes(CONTENT[:50])
    elif damage == "gone":
        path.unlink()
    else:
        path.with_name(f"{FILE}.json").unlink()
    weights.fetch_weights("resnet18", root=data, progress=False)
    assert path.read_bytes() == CONTENT and server.asked[f"/published/{FILE}"] == 2


@pytest.mark.parametrize("stated", ["md5", "sha256"])
def test_wrong_hash(tiny, data, server, stated, left):
    tiny(**{stated: {"md5": MD5, "sha256": SHA256}[stated]})
    server.answers[f"/published/{FILE}"] = [CONTENT + b"x"]
    with pytest.raises(CourseDataError, match=f"the publisher's {stated}") as caught:
        weights.fetch_weights("resnet18", root=data, progress=False)
    assert {"md5": MD5, "sha256": SHA256}[stated] in str(caught.value)
    assert left(data / "weights") == []


def test_mirror_with_another_file_than_it_states(tiny, data, tmp_path, left):
    with pytest.raises(CourseDataError, match="the mirror's SHA256SUMS"):
        weights.fetch_weights("resnet18", mirror(tmp_path / "m", CONTENT + b"x"), False, data)
    assert left(data / "weights") == []


def test_first_hash_is_remembered_where_none_is_stated(tiny, data, server):
    tiny()
    path = weights.fetch_weights("resnet18", root=data, progress=False)
    assert weights.provenance(path)["checked"] == "nothing: seen for the first time"
    os.unlink(path)
    server.answers[f"/published/{FILE}"] = [CONTENT + b"x"]
    with pytest.raises(CourseDataError, match="the sha256 seen the first time"):
        weights.fetch_weights("resnet18", root=data, progress=False)


def test_log_in_page_instead_of_weights(tiny, data, server, left):
    tiny()
    server.answers[f"/published/{FILE}"] = [b"<!doctype html><title>Please log in</title>"]
    with pytest.raises(CourseDataError, match=r"no weights file \(HDF5\)"):
        weights.fetch_weights("resnet18", root=data, progress=False)
    assert left(data / "weights") == []


def test_offline_names_the_file_the_mirror_path_and_the_sample_profile(tiny, data, server, left):
    server.answers.clear()
    with pytest.raises(CourseDataError) as caught:
        weights.fetch_weights("resnet18", f"{server.url}/m", False, data)
    text = str(caught.value)
    assert f"{server.url}/m/weights/{FILE}: " in text and f"published/{FILE}: the server" in text
    assert f"holds weights/{FILE}" in text and "COURSE_PROFILE=sample" in text
    assert left(data / "weights") == []


def test_unknown_backbone(data):
    with pytest.raises(ValueError, match=r"'alexnet'; there are: mobilenet, mobilenetv2"):
        weights.fetch_weights("alexnet", root=data)
    assert not data.exists()


def test_folder_that_cannot_be_written(tiny, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CourseDataError, match="COURSE_DATA_DIR"):
        weights.fetch_weights("resnet18", root=tmp_path / "file")


def test_what_is_known_of_a_file_is_said(tiny, data, tmp_path, monkeypatch):
    monkeypatch.setitem(weights.KNOWN_FILES, SHA256, "but for one kernel, which is random")
    folder = mirror(tmp_path / "mirror")
    path = weights.fetch_weights("resnet18", folder, False, data)
    assert weights.provenance(path)["note"] == "but for one kernel, which is random"
    assert weights.describe_weights(path).startswith("but for one kernel, which is random: ")
    assert str(folder) in weights.describe_weights(path)
    there = folder / "weights" / FILE  # not fetched: its hash is enough
    assert weights.describe_weights(there).startswith("but for one kernel, which is random: ")


def test_describe_weights(tiny, data, tmp_path):
    path = weights.fetch_weights("resnet18", root=data, progress=False)
    line = weights.describe_weights(path)
    assert line.startswith("ImageNet weights of the resnet18 encoder: http")
    assert SHA256[:12] in line and "fetched 20" in line
    own = tmp_path / "own.h5"
    own.write_bytes(b"something")
    assert weights.describe_weights(own).startswith(f"weights: {own} (sha256 ")
    assert weights.provenance(own) == {}


@pytest.mark.parametrize("backbone", weights.WEIGHTS)
def test_catalogue(backbone):
    entry = weights.WEIGHTS[backbone]
    assert entry.backbone == backbone and backbone in entry.title
    assert entry.archive.name == f"weights/{entry.file}"
    assert entry.archive.url.startswith("https://") and entry.archive.url.endswith(entry.file)
    assert 5e6 < entry.archive.size < 1e8
    assert re.match(r"not stated|Apache|Creative Commons", entry.licence)


def test_hashes_and_addresses_are_those_of_the_packages():
    collection = pytest.importorskip("classification_models.weights").WEIGHTS_COLLECTION
    from efficientnet import model as efficientnet
    from keras_applications import mobilenet, mobilenet_v2, vgg16

    for backbone in ("resnet18", "resnet34"):
        [stated] = [
            w
            for w in collection
            if w["model"] == backbone
            and w["classes"] == 1000
            and w["dataset"] == "imagenet"
            and not w["include_top"]
        ]
        archive = weights.WEIGHTS[backbone].archive
        assert (archive.url, archive.md5) == (stated["url"], stated["md5"])
    archives = {backbone: entry.archive for backbone, entry in weights.WEIGHTS.items()}
    assert archives["efficientnetb0"].url.startswith(efficientnet.BASE_WEIGHTS_PATH)
    assert archives["efficientnetb0"].sha256 == efficientnet.WEIGHTS_HASHES["efficientnet-b0"][1]
    assert archives["vgg16"].url == vgg16.WEIGHTS_PATH_NO_TOP
    assert archives["mobilenet"].url.startswith(mobilenet.BASE_WEIGHT_PATH)
    assert archives["mobilenetv2"].url.startswith(mobilenet_v2.BASE_WEIGHT_PATH)


def test_the_mirrors_mobilenet(real_mirror, data):
    if not (real_mirror / weights.WEIGHTS["mobilenet"].archive.name).is_file():
        pytest.skip("the mirror has no weights")
    path = weights.fetch_weights("mobilenet", real_mirror, False, data)
    if weights.provenance(path)["sha256"].startswith("d3150baf72f7"):
        assert "conv_pw_13), which is random" in weights.describe_weights(path)


def test_too_little_room(tiny, data, left, monkeypatch):
    tiny()
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1))
    with pytest.raises(CourseDataError, match=r"room for the resnet18 encoder's .* weights"):
        weights.fetch_weights("resnet18", root=data, progress=False)
    assert left(data / "weights") == []
