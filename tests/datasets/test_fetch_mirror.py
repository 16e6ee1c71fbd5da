"""`fetch_data.py --verify`, and the ways in which a mirror can be reached."""

import hashlib
import importlib.util
import re
import shutil
import socket
from pathlib import Path

import pytest
from tiny_scenes import TinyScenes

from course_utils.chapters import CHAPTERS
from course_utils.datasets import CourseDataError, _chapters, _commands, catalog, weights
from course_utils.datasets.download import Sources
from course_utils.datasets.fetch import fetch, provenance

MOBILENET = "weights/mobilenet_1_0_224_tf_no_top.h5"
CONTENT = b"\x89HDF\r\n\x1a\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def verify(capsys):
    path = Path(__file__).parents[2] / "data_scripts" / "fetch_data.py"
    spec = importlib.util.spec_from_file_location("fetch_data", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def call(*arguments):
        status = module.main([*map(str, arguments), "--quiet"])
        out, err = capsys.readouterr()
        assert "Traceback" not in err and (err == "") == (status == 0)
        return status, out, err

    return call


@pytest.fixture
def mirror(tiny, tmp_path):
    """A mirror with the tiny set and an encoder's weights, on a path with spaces."""
    folder = tiny.mirror(tmp_path / "class room mirror")
    (folder / "weights").mkdir()
    (folder / MOBILENET).write_bytes(CONTENT)
    with (folder / "SHA256SUMS").open("a") as file:
        file.write(f"{DIGEST}  {MOBILENET}\n")
    return folder


def serve(server, folder, at="/m"):
    for file in folder.rglob("*"):
        if file.is_file():
            server.answers[f"{at}/{file.relative_to(folder).as_posix()}"] = [file.read_bytes()]
    return f"{server.url}{at}"


@pytest.fixture(params=["folder", "http"])
def place(request, server, mirror):
    """A function: where the mirror is to be looked for, by its present content."""
    return lambda: mirror if request.param == "folder" else serve(server, mirror)


def test_a_whole_mirror(verify, place):
    status, out, _ = verify("--verify", place())
    assert status == 0
    assert "whole  train.zip\n       data: Sunnybrook left ventricle" in out
    assert f"whole  {MOBILENET}\n       weights: the mobilenet encoder's" in out
    assert f"All 3 files of {place()} have the hash" in out
    left_out = out.split("no fault: ")[1].splitlines()[0]
    assert "stage1_train.zip" in left_out and "train.zip," not in left_out.split(", ")
    assert "Without a network, with this mirror:\n  00_start_here, 01_mri_mlp" in out
    assert "05_stanford_pretrained_unet: in the sample profile only, for want of stanf" in out


def test_the_mirror_of_the_settings(verify, mirror, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_MIRROR", str(mirror))
    assert f"All 3 files of {mirror}" in verify("--verify")[1]
    assert verify("--mirror", tmp_path / "gone", "--verify")[0] == 1
    monkeypatch.delenv("COURSE_MIRROR")
    with pytest.raises(SystemExit):
        verify("--verify")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.unlink(), "it cannot be had: "),
        (lambda path: path.write_bytes(path.read_bytes()[:100]), "its 100 bytes have another hash"),
        (lambda path: path.write_bytes(b""), "it is empty"),
    ],
    ids=["gone", "half-written", "empty"],
)
def test_a_faulty_file(verify, place, server, mirror, damage, words):
    damage(mirror / "val.zip")
    status, out, err = verify("--verify", place())
    assert status == 1
    assert f"FAULT  val.zip: {words}" in out and "whole  train.zip" in out
    assert "1 at fault" in err and "build_mirror.py" in err and "sunnybrook" in err
    assert f"whole  {MOBILENET}" in out and "--weights" not in err
    assert "  01_mri_mlp: in the sample profile only, for want of sunnybrook\n" in out


def test_faulty_weights_name_their_encoder(verify, mirror):
    (mirror / MOBILENET).write_bytes(CONTENT[:5])
    err = verify("--verify", mirror)[2]
    assert f'build_mirror.py "{mirror}" --weights mobilenet' in err


def test_a_connection_cut_again_and_again(verify, server, mirror):
    url = serve(server, mirror)
    server.answers["/m/train.zip"] = [("cut", (mirror / "train.zip").read_bytes())]
    status, out, _ = verify("--verify", url)
    assert status == 1
    assert "FAULT  train.zip: it cannot be had: the connection was cut in the middle" in out


def test_stand_ins_are_named(verify, tmp_path, monkeypatch):
    scenes = TinyScenes()
    folder = scenes.mirror(tmp_path / "m")
    digest = hashlib.sha256((folder / "iccv09Data.tar.gz").read_bytes()).hexdigest()
    monkeypatch.setattr(catalog, "STAND_INS", {digest: catalog.CAMVID_SCENES})
    monkeypatch.setitem(weights.KNOWN_FILES, DIGEST, "but for one kernel")
    (folder / "weights").mkdir()
    (folder / MOBILENET).write_bytes(CONTENT)
    (folder / "SHA256SUMS").write_text(f"{digest}  iccv09Data.tar.gz\n{DIGEST}  {MOBILENET}\n")
    status, out, _ = verify("--verify", folder)
    assert status == 0
    assert "stand-in for Stanford Background: CamVid scenes in Stanford's layout (must not" in out
    assert "stand-in for the mobilenet encoder's ImageNet weights: but for one kernel" in out
    monkeypatch.setattr(catalog, "STAND_INS", {})
    assert "data: Stanford Background (must not be passed on)" in verify("--verify", folder)[1]


def test_an_unknown_file_is_checked_too(verify, mirror):
    (mirror / "slides.pdf").write_bytes(CONTENT)
    with (mirror / "SHA256SUMS").open("a") as file:
        file.write(f"{DIGEST}  slides.pdf\n")
    assert "whole  slides.pdf\n       unknown: " in verify("--verify", mirror)[1]
    (mirror / "slides.pdf").unlink()
    status, out, err = verify("--verify", mirror)
    assert status == 1 and "FAULT  slides.pdf" in out and "build_mirror.py" not in err


def archives(*names):
    """The files of data sets and encoders."""
    named = [catalog.CATALOG.get(name) or weights.WEIGHTS[name] for name in names]
    return [a.name for n in named for a in getattr(n, "archives", None) or (n.archive,)]


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ([], "in the sample profile only, for want of stanford_background; and no weights: mob"),
        (
            ["stanford_background"],
            "mobilenet, resnet18, efficientnetb0; in the full profile also resnet34, vgg16",
        ),
        (
            ["stanford_background", "mobilenet", "resnet18", "efficientnetb0"],
            "some encoders at random, for want of weights: in the full profile resnet34, vgg16",
        ),
        (
            ["stanford_background", "mobilenet", "resnet18", "resnet34", "efficientnetb0"],
            "full profile vgg16",
        ),
    ],
)
def test_what_chapter_05_can_do_offline(held, said):
    *_, line = [x for x in _chapters.offline(archives(*held), CHAPTERS) if "06_" not in x]
    assert line.startswith("05_stanford_pretrained_unet: ") and said in line


def test_a_mirror_with_everything_serves_every_chapter():
    names = archives(*catalog.CATALOG, *weights.WEIGHTS)
    expected = f"{', '.join(CHAPTERS)}: with all they need"
    assert list(_chapters.offline(names, CHAPTERS)) == [expected]


def test_encoders_are_those_that_the_chapters_fetch():
    folder = Path(__file__).parents[2] / "notebooks"
    asking = {p.stem: p.read_text("utf-8") for p in folder.glob("*.ipynb")}
    asking = {name: text for name, text in asking.items() if "fetch_weights(" in text}
    encoders = {name: c.encoders for name, c in CHAPTERS.items() if c.encoders}
    assert set(asking) == set(encoders)
    for name, profiles in encoders.items():
        some, more = (
            re.findall(r'\\"(\w+)\\"', listed)
            for listed in re.search(r"some, more = \((.*?)\), \((.*?)\)", asking[name]).groups()
        )
        assert profiles == {"quick": ("mobilenet", *some), "full": ("mobilenet", *more)}


def test_half_a_data_set(verify, mirror):
    """Readers would find train.zip in the mirror and val.zip nowhere."""
    lines = (mirror / "SHA256SUMS").read_text().splitlines(keepends=True)
    (mirror / "SHA256SUMS").write_text("".join(line for line in lines if "val" not in line))
    status, out, _ = verify("--verify", mirror)
    assert status == 1 and "FAULT  val.zip: it is there, but SHA256SUMS does not name it" in out
    (mirror / "val.zip").unlink()
    status, out, _ = verify("--verify", mirror)
    assert status == 1 and "FAULT  val.zip: neither there nor in SHA256SUMS" in out


def test_what_is_named_has_to_be_there(verify, mirror):
    status, out, err = verify("sunnybrook", "dsb2018", "--weights", "vgg16", "--verify", mirror)
    assert status == 1
    faults = [line.split(":")[0] for line in out.splitlines() if line.startswith("FAULT")]
    assert faults == [
        "FAULT  stage1_train.zip",
        f"FAULT  {weights.WEIGHTS['vgg16'].archive.name}",
    ]
    assert f'build_mirror.py "{mirror}" dsb2018 --weights vgg16' in err


def test_half_written_sums(verify, mirror):
    text = (mirror / "SHA256SUMS").read_text()
    (mirror / "SHA256SUMS").write_text(text[: -len(MOBILENET) - 20])
    status, out, _ = verify("--verify", mirror)
    assert status == 1 and "FAULT  SHA256SUMS: the line " in out
    assert f"FAULT  {MOBILENET}: it is there, but SHA256SUMS does not name it" in out


def test_a_name_that_leads_out_of_the_mirror(verify, mirror):
    (mirror.parent / "secret").write_bytes(CONTENT)
    with (mirror / "SHA256SUMS").open("a") as file:
        file.write(f"{DIGEST}  ../secret\n")
    status, out, _ = verify("--verify", mirror)
    assert status == 1 and "FAULT  ../secret: this name leads out" in out


def test_no_sums(verify, place, server, mirror):
    (mirror / "SHA256SUMS").unlink()
    status, out, err = verify("--verify", place())
    assert status == 1 and out == ""
    assert "it has no SHA256SUMS" in err
    assert f"{_commands.command_of('build_mirror.py')} NEW_FOLDER" in err
    assert ("Is the mirror's server on" in err) == (place() != mirror)
    if place() == mirror:
        assert f"holds train.zip, val.zip, {MOBILENET}" in err and f'--from "{mirror}"' in err


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.mkdir(), "the folder is empty"),
        (lambda path: None, "no such folder"),
        (lambda path: path.write_bytes(b""), "that is a file"),
    ],
)
def test_no_mirror_there(verify, tmp_path, make, words):
    make(tmp_path / "mirror")
    status, _, err = verify("--verify", tmp_path / "mirror")
    assert status == 1 and words in err and "build_mirror.py" in err


def test_wrong_web_addresses(verify, server, mirror):
    def said(address):
        status, _, err = verify("--verify", address)
        assert status == 1 and err.startswith(f"Looked for a mirror in {address}:\n")
        return err

    assert "it has no SHA256SUMS" in said(f"{server.url}/elsewhere")
    server.answers["/page/SHA256SUMS"] = [b"<!doctype html><title>Log in</title>"]
    assert "its SHA256SUMS names no file" in said(f"{server.url}/page")
    server.answers["/m/SHA256SUMS"] = [("status", 500)]
    assert "500 Internal Server Error (5 attempts)" in said(f"{server.url}/m")
    assert "has to begin with http:// or https://" in said("ftp://127.0.0.1/m")
    assert "no valid address" in said("http://[m")


@pytest.mark.parametrize("tail", ["", "/", "//"])
@pytest.mark.parametrize("at", ["", "/course/2026", "/a%20b"])
def test_http_mirror_at_the_top_or_below_with_or_without_slash(
    tiny, mirror, data, server, at, tail
):
    url = serve(server, mirror, at)
    folder = fetch(tiny.entry(), root=data, mirror=url + tail, progress=False)
    sources = [archive["source"] for archive in provenance(folder)["archives"]]
    assert sources == [f"{url}/train.zip", f"{url}/val.zip"]
    assert not [path for path in server.asked if path not in server.answers]


def test_http_mirror_whose_address_has_a_space(tiny, mirror, data, server):
    serve(server, mirror, "/a%20b")
    folder = fetch(tiny.entry(), root=data, mirror=f"{server.url}/a b", progress=False)
    assert provenance(folder)["archives"][0]["checked"] == "the mirror's SHA256SUMS"


def test_http_mirror_that_has_moved(tiny, mirror, data, server, verify):
    serve(server, mirror, "/new")
    for name in ("train.zip", "val.zip", "SHA256SUMS", MOBILENET):
        server.answers[f"/old/{name}"] = [("moved", f"{server.url}/new/{name}")]
    folder = fetch(tiny.entry(), root=data, mirror=f"{server.url}/old", progress=False)
    archive = provenance(folder)["archives"][0]
    assert archive["source"] == f"{server.url}/old/train.zip"
    assert archive["checked"] == "the mirror's SHA256SUMS"
    assert verify("--verify", f"{server.url}/old/")[0] == 0


def refused(call):
    with pytest.raises(CourseDataError) as caught:
        call()
    assert caught.value.tried and caught.value.came_back and caught.value.what_next
    return str(caught.value)


def test_http_mirror_that_moves_in_a_circle(tiny, data, server):
    server.answers["/m/SHA256SUMS"] = [("moved", f"{server.url}/m/SHA256SUMS")]
    mirror = f"{server.url}/m"
    message = refused(lambda: fetch(tiny.entry(), root=data, mirror=mirror, progress=False))
    assert f"{mirror}/train.zip: the server sends us round in a circle" in message
    assert server.asked["/m/SHA256SUMS"] < 100


@pytest.mark.parametrize("spaces", [True, False])
def test_a_mirror_that_may_not_be_written_to(tiny, read_only, data, mirror, spaces):
    """A stick or share that is read-only, with and without spaces in its path."""
    folder, as_ordinary_user = read_only
    place = folder / "my mirror" if spaces else folder
    shutil.copytree(mirror, place, dirs_exist_ok=True)
    data.mkdir(mode=0o777)
    root = folder.parent / "own"
    root.mkdir(mode=0o777)
    root.chmod(0o777)
    encoder = weights.EncoderWeights("mobilenet", catalog.Archive(MOBILENET, "", size=9))
    before = sorted(place.rglob("*"))
    with as_ordinary_user():
        there = fetch(tiny.entry(), root=root, mirror=place, progress=False)
        path = weights.fetch_file(encoder, root, place, progress=False)
    assert path.read_bytes() == CONTENT
    assert (there / "train/image/000.png").read_bytes() == tiny.files["train/image/000.png"]
    assert sorted(place.rglob("*")) == before


def test_a_server_whose_name_nobody_knows(tiny, data, monkeypatch, left):
    def unknown(host, *args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    entry = tiny.entry("http://course.invalid")
    message = refused(lambda: fetch(entry, root=data, mirror="http://share.invalid/m"))
    assert "Is the mirror's server on" in message and "Open http://share.invalid/m in a" in message
    assert "cell" not in message
    assert "http://share.invalid/m/train.zip: nobody knows a server of that name" in message
    assert "http://course.invalid/published/train.zip: nobody knows" in message
    assert "COURSE_PROFILE=sample" in message and left(data) == []


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("how", ["nobody listens", "refuses"])
def test_a_proxy_that_does_not_help(tiny, data, server, monkeypatch, how, scheme, left):
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.delenv("no_proxy", raising=False)
    proxy = f"http://127.0.0.1:{closed_port()}" if how == "nobody listens" else server.url
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, proxy)
    server.answers["http://course.invalid/published/train.zip"] = [("status", 407)]
    entry = tiny.entry(f"{scheme}://course.invalid")
    message = refused(lambda: fetch(entry, root=data, progress=False))
    if (how, scheme) == ("refuses", "http"):
        assert "the server answered 407 Proxy Authentication Required" in message
    else:
        assert "the proxy refuses or does not answer" in message and "NO_PROXY" in message
    assert left(data) == []


def test_a_log_in_page_in_the_place_of_a_file_with_a_hash(tiny, server, tmp_path):
    server.answers["/published/train.zip"] = [b"<html>Please log in</html>"]
    archive = tiny.entry(server.url, sha256="0" * 64).archives[0]
    message = refused(lambda: get_archive("title", archive, tmp_path, progress=False))
    assert "a web page: perhaps the network wants you to log in first" in message


@pytest.mark.parametrize("mirror", ["file:///srv/mirror", "ftp://share/m"])
def test_a_mirror_of_another_kind(tiny, data, mirror):
    message = refused(lambda: fetch(tiny.entry(), root=data, mirror=mirror, progress=False))
    assert f"{mirror}/train.zip: an address has to begin with http:// or https://" in message


def test_an_answer_that_makes_no_sense(tiny, data, server, monkeypatch):
    def nonsense(self, url, *args):
        int("many")

    monkeypatch.setattr("pooch.HTTPDownloader.__call__", nonsense)
    message = refused(lambda: fetch(tiny.entry(server.url), root=data, progress=False))
    assert "an answer that makes no sense" in message


def test_sums_saved_by_a_windows_editor(tiny, data, mirror):
    """It begins with a byte-order mark, and lines end with two signs."""
    text = (mirror / "SHA256SUMS").read_text().replace("\n", "\r\n")
    (mirror / "SHA256SUMS").write_bytes(b"\xef\xbb\xbf" + text.encode())
    folder = fetch(tiny.entry(), root=data, mirror=mirror, progress=False)
    checked = [archive["checked"] for archive in provenance(folder)["archives"]]
    assert checked == ["the mirror's SHA256SUMS"] * 2
