"""Broken networks, disks, processes: a right retry or a clear error, and nothing half-written."""

import errno
import json
import os
import pickle
import random
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import filelock
import pooch
import pytest
import requests
from tiny_scenes import TinyScenes

from course_utils.datasets import CourseDataError, download
from course_utils.datasets.fetch import fetch, provenance

WHOLE = [".sunnybrook.sha256", "sunnybrook"]


@pytest.fixture
def get(tiny, data, server):
    """Fetch the tiny set, published by the server."""
    tiny.publish(server)

    def call(**changes):
        return fetch(tiny.entry(server.url, **changes), root=data, progress=False)

    return call


def refused(call) -> str:
    with pytest.raises(CourseDataError) as caught:
        call()
    assert caught.value.tried and caught.value.came_back and caught.value.what_next
    return str(caught.value)


@pytest.mark.parametrize("first", ["cut", "stall", "reset", "500", "503", "429"])
def test_one_failure_is_retried(get, tiny, data, server, left, monkeypatch, first):
    # Short only where it has to run out: a busy machine answers late, and is asked once more.
    monkeypatch.setenv("COURSE_TIMEOUT", "1" if first == "stall" else "20")
    body = tiny.archive("train")
    failure = ("status", int(first)) if first.isdigit() else (first, body)
    server.answers["/published/train.zip"] = [failure, body]
    folder = get()
    assert (folder / "train/image/002.png").read_bytes() == tiny.files["train/image/002.png"]
    assert server.asked["/published/train.zip"] == 2 and left(data) == WHOLE


@pytest.mark.parametrize(
    ("failure", "requests", "words"),
    [
        ("cut", 5, "the connection was cut in the middle (5 attempts)"),
        ("stall", 5, "no answer for 0.2 seconds (5 attempts)"),
        (("status", 500), 5, "the server answered 500 Internal Server Error (5 attempts)"),
        (("status", 404), 1, "the server answered 404 Not Found"),
        (("moved", "/published/val.zip"), 31, "the server sends us round in a circle"),
    ],
)
def test_failure_that_lasts(get, tiny, data, server, left, monkeypatch, failure, requests, words):
    began = time.monotonic()
    # As above: where it need not run out, a late answer would be another failure.
    monkeypatch.setenv("COURSE_TIMEOUT", "0.2" if failure == "stall" else "20")
    failure = failure if isinstance(failure, tuple) else (failure, tiny.archive("val"))
    server.answers["/published/val.zip"] = [failure]  # after train.zip has come whole
    assert f"{server.url}/published/val.zip: {words}" in refused(get)
    assert server.asked["/published/val.zip"] == requests and left(data) == []
    assert time.monotonic() - began < 20  # five times 0.2 seconds, on a busy machine


@pytest.mark.parametrize("attempts", [1, download.ATTEMPTS])
def test_one_request_in_three_is_dropped(
    tiny, server, serve, data, tmp_path, monkeypatch, attempts
):
    """Nothing is lost and nothing wrong is kept: by one call, or by calls made again."""
    monkeypatch.setattr(download, "ATTEMPTS", attempts)
    monkeypatch.setenv("COURSE_TIMEOUT", "0.3")
    failures = [("status", 500), ("status", 503), "cut", "reset", "stall"]
    rng, dropped, again = random.Random(attempts), Counter(), 0

    def disturb(answer):
        if rng.random() > 1 / 3 or not isinstance(answer, bytes):
            return answer
        failure = failures[dropped.total() % len(failures)]
        dropped[failure] += 1
        return failure if isinstance(failure, tuple) else (failure, answer)

    tiny.publish(server)
    mirror = serve(tiny.mirror(tmp_path / "m"))
    server.disturb = disturb
    for number in range(100):
        root = data / str(number)
        for _ in range(50):
            try:
                place = mirror if number % 2 else ""
                folder = fetch(tiny.entry(server.url), root=root, mirror=place, progress=False)
                break
            except CourseDataError as error:
                assert error.tried and error.came_back and error.what_next
                assert not list(root.rglob("*.png"))
                again += 1
        else:
            pytest.fail("it did not come in fifty calls")
        there = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*.png")}
        assert {name: path.read_bytes() for name, path in there.items()} == tiny.files
        assert not list(root.rglob("*.part"))
        if dropped.total() > 25:
            break
    assert len(dropped) == len(failures)
    assert again if attempts == 1 else again < 5


def test_right_after_another_kernel_that_failed_once_is_enough(
    get, tiny, server, data, monkeypatch
):
    """Else the last of forty kernels would hear after ten minutes that there is no network."""
    tiny.publish(server)
    server.disturb = lambda answer: ("reset", b"")
    data.mkdir()
    other = filelock.FileLock(data / ".sunnybrook.lock")
    other.acquire()
    said = []
    monkeypatch.setattr("builtins.print", lambda text: (said.append(text), other.release()))
    entry = tiny.entry(server.url)
    message = refused(lambda: fetch(entry, root=data, mirror=""))
    assert said == ["Another kernel is getting Sunnybrook left ventricle; waiting for it."]
    assert "one attempt, right after another kernel's" in message
    assert server.asked == {"/published/train.zip": 1}
    assert "5 attempts" in refused(get)  # nobody was before it


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_no_network_at_all(tiny, data, left):
    there = f"http://127.0.0.1:{closed_port()}"
    message = refused(lambda: fetch(tiny.entry(there), root=data, mirror=f"{there}/m"))
    for place in ("m", "published"):
        assert f"{there}/{place}/train.zip: no connection" in message
    for what_helps in ("COURSE_MIRROR", "COURSE_DATA_DIR", "COURSE_PROFILE=showcase", "server on"):
        assert what_helps in message
    assert "neither a mirror nor a" in refused(lambda: fetch(tiny.entry(""), root=data))
    assert left(data) == []


def test_a_server_whose_name_nobody_knows(tiny, data, monkeypatch):
    def unknown(host, *args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    entry = tiny.entry("http://course.invalid")
    message = refused(lambda: fetch(entry, root=data, mirror="http://share.invalid/m"))
    assert "http://share.invalid/m/train.zip: nobody knows a server of that name" in message
    assert "http://course.invalid/published/train.zip: nobody knows" in message


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("how", ["nobody listens", "refuses"])
def test_a_proxy_that_does_not_help(tiny, data, server, monkeypatch, how, scheme):
    proxy = f"http://127.0.0.1:{closed_port()}" if how == "nobody listens" else server.url
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, proxy)
    server.answers["http://course.invalid/published/train.zip"] = [("status", 407)]
    entry = tiny.entry(f"{scheme}://course.invalid")
    message = refused(lambda: fetch(entry, root=data, progress=False))
    if (how, scheme) == ("refuses", "http"):
        assert "the server answered 407 Proxy Authentication Required" in message
    else:
        assert "the proxy refuses or does not answer (" in message and "NO_PROXY" in message
        assert f"{scheme.upper()}_PROXY" in message


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HTTPS_PROXY", "http://", "HTTPS_PROXY is not a proxy's address"),
        ("HTTPS_PROXY", "http://me:secret@proxy:port", "HTTPS_PROXY is not a proxy's address"),
        ("https_proxy", "http://me:secret@127.0.0.1:99999", "is not a proxy's address"),
        ("ALL_PROXY", "gopher://proxy:70", "ALL_PROXY is not a proxy's address"),
        ("HTTPS_PROXY", "socks5h://127.0.0.1:1", "needs PySocks"),
        ("REQUESTS_CA_BUNDLE", "gone.pem", "REQUESTS_CA_BUNDLE names a file that is not there"),
        ("CURL_CA_BUNDLE", "gone.pem", "CURL_CA_BUNDLE names a file that is not there"),
        ("REQUESTS_CA_BUNDLE", __file__, "in the file that REQUESTS_CA_BUNDLE names"),
    ],
)
def test_a_setting_at_fault_is_named(tiny, data, server, left, monkeypatch, name, value, words):
    """Not the disk, and not the address."""
    monkeypatch.setattr("requests.adapters.SOCKSProxyManager", requests_without_socks)
    for other in ("NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(other, raising=False)
        monkeypatch.delenv(other.lower(), raising=False)
    monkeypatch.setenv(name, value)
    entry = tiny.entry(server.url.replace("http:", "https:"))
    message = refused(lambda: fetch(entry, root=data, progress=False))
    assert words in message and name in message
    assert "Could not keep" not in message and "no valid address" not in message
    assert "secret" not in message and left(data) == []


def requests_without_socks(*args, **kwargs):
    """Stand for what requests has in the place of SOCKS where PySocks is missing."""
    raise requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")


@pytest.mark.parametrize("file", ["train.zip", "SHA256SUMS"])
def test_a_mirror_that_cannot_be_read_is_not_taken_for_the_data_folder(
    tiny, data, server, tmp_path, monkeypatch, file
):
    """A stick that is pulled out: the published file is taken instead."""
    tiny.publish(server)
    mirror = tiny.mirror(tmp_path / "mirror")
    for owner, name in ((pooch, "file_hash"), (Path, "read_text")):
        real = getattr(owner, name)

        def read(path, *args, real=real, **kwargs):
            if str(path) == str(mirror / file):
                raise OSError(errno.EIO, os.strerror(errno.EIO))  # as reading does: without a name
            return real(path, *args, **kwargs)

        monkeypatch.setattr(owner, name, read)
    folder = fetch(tiny.entry(server.url), root=data, mirror=mirror, progress=False)
    assert provenance(folder)["archives"][0]["source"] == f"{server.url}/published/train.zip"
    message = refused(lambda: fetch(tiny.entry(), root=data / "2", mirror=mirror, progress=False))
    assert f"{file} cannot be read: Input/output error" in message
    assert "Could not keep" not in message


@pytest.mark.parametrize(
    ("mirror", "words"),
    [
        ("file:///srv/mirror", "an address has to begin with http:// or https://"),
        ("ftp://share/m", "an address has to begin with http:// or https://"),
        ("http://[m", "that is no valid address"),
    ],
)
def test_a_mirror_of_another_kind(tiny, data, mirror, words):
    assert f"{mirror}/train.zip: {words}" in refused(
        lambda: fetch(tiny.entry(), root=data, mirror=mirror)
    )


def test_an_answer_that_makes_no_sense(get, monkeypatch):
    monkeypatch.setattr("pooch.HTTPDownloader.__call__", lambda self, *args: int("many"))
    assert "an answer that makes no sense" in refused(get)


@pytest.mark.parametrize("text", ["soon", "0", "-3", "nan"])
def test_senseless_timeout(get, data, left, monkeypatch, text):
    monkeypatch.setenv("COURSE_TIMEOUT", text)
    assert f"COURSE_TIMEOUT={text!r}" in refused(get) and left(data) == []


@pytest.mark.parametrize(
    ("content", "changes", "words"),
    [
        (b"<html>Log in</html>", {"sha256": "0" * 64}, "it is a web page: perhaps the network"),
        (b"<html>Log in</html>", {}, "it is a web page: perhaps the network"),
        (b"PK cut off", {"sha256": "0" * 64}, "with the publisher's sha256"),
        (b"PK cut off", {}, "was cut off before its end"),
        (None, {}, "image train/image/001.png is missing"),
    ],
)
def test_nothing_of_a_wrong_file_is_kept(get, tiny, data, server, left, content, changes, words):
    if content is None:
        del tiny.files["train/image/001.png"]
        content = tiny.archive("train")
    server.answers["/published/train.zip"] = [content]
    message = refused(lambda: get(**changes))
    assert words in message and f"{server.url}/published/train.zip" in message
    assert left(data) == []  # not even its hash


@pytest.mark.parametrize("place", ["the folder itself", "its parent"])
def test_data_dir_that_is_a_file(tiny, tmp_path, place):
    file = tmp_path / "file"
    file.write_text("mine")
    root = file if place == "the folder itself" else file / "data"
    mirror = tiny.mirror(tmp_path / "mirror")
    message = refused(lambda: fetch(tiny.entry(), root=root, mirror=mirror))
    assert str(file) in message and "Set COURSE_DATA_DIR" in message
    assert file.read_text() == "mine"


def test_read_only_folders(tiny, read_only, tmp_path, left):
    """No room for new data there; data that is there, or a mirror, is used without writing."""
    folder, as_ordinary_user = read_only
    mirror = tiny.mirror(folder.parent / "mirror")
    with as_ordinary_user():
        for root in (folder, folder / "new"):
            message = refused(lambda root=root: fetch(tiny.entry(), root=root, mirror=mirror))
            assert "Permission denied" in message and "Set COURSE_DATA_DIR" in message
    assert left(folder) == []
    tiny.mirror(folder)  # now it is a mirror itself
    there, before = fetch(tiny.entry(), root=folder / "data", mirror=mirror), left(folder)
    (folder.parent / "own").mkdir()
    (folder.parent / "own").chmod(0o777)
    with as_ordinary_user():
        assert fetch(tiny.entry(), root=folder / "data", mirror=mirror) == there
        fetch(tiny.entry(), root=folder.parent / "own", mirror=folder, progress=False)
    assert left(folder) == before


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC])
@pytest.mark.parametrize("when", ["while unpacking", "at the last rename"])
def test_disk_that_fails_on_the_way(tiny, data, tmp_path, left, monkeypatch, number, when):
    """A file system that turns read-only or fills up once the work has begun."""
    target, name = (Path, "open") if when == "while unpacking" else (os, "replace")
    real = getattr(target, name)

    def fail(*args, **kwargs):
        path = str(args[0])
        if ".sunnybrook.part" in path and (path.endswith("001.png") or name == "replace"):
            raise OSError(number, os.strerror(number), path)
        return real(*args, **kwargs)

    mirror = tiny.mirror(tmp_path / "mirror")
    monkeypatch.setattr(target, name, fail)
    assert os.strerror(number) in refused(lambda: fetch(tiny.entry(), root=data, mirror=mirror))
    assert left(data) == []
    monkeypatch.undo()
    fetch(tiny.entry(), root=data, mirror=mirror)


@pytest.mark.parametrize("free", [[50_000], [10**9, 50_000]], ids=["at first", "before unpacking"])
def test_too_little_disk(get, data, server, left, monkeypatch, free):
    answers = iter(free)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=next(answers)))
    message = refused(get)
    assert "0 MB are free" in message and "COURSE_DATA_DIR" in message
    assert sum(server.asked.values()) == len(free) - 1  # asked before, not found out after
    assert left(data) == []


def test_the_stop_button_leaves_nothing(get, data, left, monkeypatch):
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("course_utils.datasets.fetch.unpack", stop)
    with pytest.raises(KeyboardInterrupt):
        get()
    assert left(data) == []


# Forked, because an interpreter each would cost the suite far more than the work itself. The gate
# is a pipe: all of them wait at its end until the other one is closed.
KERNELS = """
import json, os, pickle, signal, sys, traceback
from course_utils.datasets import fetch

entries, mirror, data, out, kernels, kill = pickle.load(sys.stdin.buffer)
install, unpack = fetch._install, fetch.unpack

def noted(entry, *rest):
    with open(out / "worked", "a") as file:
        file.write(entry.name + "\\n")
    return install(entry, *rest)

def killed_once(archive, folder, *rest):
    unpack(archive, folder, *rest)
    if kill and not (out / "killed").exists():
        (out / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)

fetch._install, fetch.unpack = noted, killed_once

def kernel(number):
    folders = [fetch.fetch(e, root=data, mirror=mirror, progress=False) for e in entries]
    found = {}
    for folder in folders:
        files = [p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")]
        found[folder.name] = sorted((str(p.relative_to(folder)), p.stat().st_size) for p in files)
    (out / f"{number}.json").write_text(json.dumps(found))

wait, gate = os.pipe()
children = []
for number in range(kernels):
    child = os.fork()
    if child == 0:
        os.close(gate)
        os.read(wait, 1)
        try:
            kernel(number)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)  # without taking the interpreter down piece by piece: that is what costs
    children.append(child)
os.close(gate)
print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork on Windows")
@pytest.mark.parametrize(
    ("kernels", "over_http", "kill"),
    [(2, True, False), (40, False, False), (12, True, True)],
    ids=["two over http", "forty", "the first one is killed"],
)
def test_kernels_at_once(tiny, server, serve, data, tmp_path, kernels, over_http, kill):
    """One works, the others wait for it; each file is downloaded once, all see the same."""
    out, scenes, mirror = tmp_path / "out", TinyScenes(), tiny.mirror(tmp_path / "mirror")
    out.mkdir()
    sums = (mirror / "SHA256SUMS").read_text()
    sums += (scenes.mirror(mirror) / "SHA256SUMS").read_text()
    (mirror / "SHA256SUMS").write_text(sums)
    (mirror / "iccv09Data.tar.gz.source.txt").write_text("Other scenes")
    entries = [tiny.entry(), scenes.entry()]
    place = serve(mirror) if over_http else mirror
    done = subprocess.run(
        [sys.executable, "-c", KERNELS],
        input=pickle.dumps((entries, place, data, out, kernels, kill)),
        capture_output=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "NO_PROXY": "*"},
    )
    statuses, killed = json.loads(done.stdout), [-9] * kill
    assert sorted(statuses) == killed + [0] * (kernels - len(killed)), done.stderr.decode()
    found = [json.loads(path.read_text()) for path in out.glob("*.json")]
    assert len(found) == kernels - len(killed) and all(one == found[0] for one in found)
    assert [name for name, _ in found[0]["sunnybrook"]] == sorted(tiny.files)
    assert len(found[0]["stanford_background-stand-in"]) == len(scenes.files)
    # One worked, and one more where the first was killed.
    worked = Counter((out / "worked").read_text().split())
    assert worked == {"sunnybrook": 1 + kill, "stanford_background": 1}
    if over_http:
        for name, times in {"train.zip": 1 + kill, "iccv09Data.tar.gz": 1}.items():
            assert server.asked[f"/mirror/{name}"] == times
    assert provenance(data / "stanford_background-stand-in")["title"] == "Other scenes"
    assert {p.name for p in data.iterdir() if p.suffix != ".lock"} == set(found[0])
