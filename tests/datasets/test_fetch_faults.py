"""Broken networks, disks, processes: a right retry or a clear error, and nothing half-written."""

import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections import namedtuple
from pathlib import Path

import filelock
import pytest

from course_utils.datasets import CourseDataError
from course_utils.datasets.download import Sources
from course_utils.datasets.fetch import fetch

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


@pytest.mark.parametrize("first", ["cut", "stall", "500", "503", "429"])
def test_one_failure_is_retried(get, tiny, data, server, left, monkeypatch, first):
    # Short only where it has to run out: a busy machine answers late, and is asked once more.
    monkeypatch.setenv("COURSE_TIMEOUT", "1" if first == "stall" else "20")
    body = tiny.archive("train")
    failure = ("status", int(first)) if first.isdigit() else (first, body)
    server.answers["/published/train.zip"] = [failure, body]
    folder = get()
    assert (folder / "train/image/002.png").read_bytes() == tiny.files["train/image/002.png"]
    assert server.asked["/published/train.zip"] == 2
    assert left(data) == WHOLE


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("cut", "the connection was cut in the middle (5 attempts)"),
        ("stall", "no answer for 0.2 seconds (5 attempts)"),
        ("500", "the server answered 500 Internal Server Error (5 attempts)"),
    ],
)
def test_failure_that_lasts_is_an_error(get, tiny, data, server, left, monkeypatch, kind, words):
    monkeypatch.setenv("COURSE_TIMEOUT", "0.2")
    failure = ("status", 500) if kind == "500" else (kind, tiny.archive("val"))
    server.answers["/published/val.zip"] = [failure]  # after train.zip has come whole
    assert f"{server.url}/published/val.zip: {words}" in refused(get)
    assert server.asked["/published/val.zip"] == 5
    assert left(data) == []


def test_404_is_not_tried_again(get, data, server, left):
    del server.answers["/published/train.zip"]
    assert "the server answered 404 Not Found" in refused(get)
    assert server.asked["/published/train.zip"] == 1
    assert left(data) == []


def test_waits_between_attempts_grow(get, server, monkeypatch):
    waits = []
    monkeypatch.setattr("course_utils.datasets._http.WAIT", 0.01)
    monkeypatch.setattr("course_utils.datasets._http.time.sleep", waits.append)
    server.answers["/published/train.zip"] = [("status", 502)]
    refused(get)
    assert waits == [0.01, 0.02, 0.04, 0.08]


def test_wrong_hash(get, tiny, data, server, left):
    message = refused(lambda: get(sha256="0" * 64))
    assert f"{server.url}/published/train.zip with the publisher's sha256" in message
    assert "0" * 64 in message
    assert left(data) == []


def test_no_network_at_all(tiny, data, left):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    entry = tiny.entry(f"http://127.0.0.1:{port}")
    message = refused(lambda: fetch(entry, root=data, progress=False))
    assert f"http://127.0.0.1:{port}/published/train.zip: no connection" in message
    for help_ in ("COURSE_MIRROR", "COURSE_DATA_DIR", "COURSE_PROFILE=sample"):
        assert help_ in message
    assert left(data) == []


@pytest.mark.parametrize("text", ["soon", "0", "-3", "nan"])
def test_senseless_timeout(get, data, left, monkeypatch, text):
    monkeypatch.setenv("COURSE_TIMEOUT", text)
    assert f"COURSE_TIMEOUT={text!r}" in refused(get)
    assert left(data) == []


@pytest.mark.parametrize("place", ["the folder itself", "its parent"])
def test_data_dir_that_is_a_file(tiny, tmp_path, place):
    file = tmp_path / "file"
    file.write_text("mine")
    root = file if place == "the folder itself" else file / "data"
    mirror = tiny.mirror(tmp_path / "mirror")
    message = refused(lambda: fetch(tiny.entry(), root=root, mirror=mirror))
    assert str(file) in message and "Set COURSE_DATA_DIR" in message
    assert file.read_text() == "mine"


def test_read_only_folder(tiny, read_only, left):
    folder, as_ordinary_user = read_only
    mirror = tiny.mirror(folder.parent / "mirror")
    with as_ordinary_user():
        message = refused(lambda: fetch(tiny.entry(), root=folder, mirror=mirror))
        deeper = refused(lambda: fetch(tiny.entry(), root=folder / "new", mirror=mirror))
    for text in (message, deeper):
        assert "Permission denied" in text and str(folder) in text
        assert "Set COURSE_DATA_DIR" in text
    assert left(folder) == []


def test_data_in_a_read_only_folder_is_used(tiny, read_only):
    """A classroom's shared copy: whole already, so nothing needs to be written."""
    folder, as_ordinary_user = read_only
    mirror = tiny.mirror(folder.parent / "mirror")
    there = fetch(tiny.entry(), root=folder, mirror=mirror)
    with as_ordinary_user():
        assert fetch(tiny.entry(), root=folder, mirror=mirror) == there


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
    usage = namedtuple("usage", "total used free")
    answers = iter(free)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, next(answers)))
    message = refused(get)
    assert "0 MB are free" in message and "COURSE_DATA_DIR" in message
    assert sum(server.asked.values()) == len(free) - 1  # asked before, not found out after
    assert left(data) == []


def test_interrupt_leaves_nothing(get, data, left, monkeypatch):
    """The stop button of a notebook."""

    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("course_utils.datasets.fetch.unpack", stop)
    with pytest.raises(KeyboardInterrupt):
        get()
    assert left(data) == []


CHILD = """
import dataclasses, sys, time
from course_utils.datasets import fetch, unpack
from course_utils.datasets.catalog import SUNNYBROOK
root, url, how = sys.argv[1:]
archives = tuple(
    dataclasses.replace(a, url=f"{url}/published/{a.name}", size=10_000, unpacked_size=100_000)
    for a in SUNNYBROOK.archives
)
entry = dataclasses.replace(SUNNYBROOK, archives=archives, pairs={"train": 3, "val": 2})
if how == "stop while unpacking":
    copy, done = unpack._copy, []
    def stop(*args):
        if len(done) == 3:
            print("unpacking", flush=True)
            time.sleep(60)
        done.append(copy(*args))
        return done[-1]
    unpack._copy = stop
print(fetch.fetch(entry, root=root, mirror=""), flush=True)
"""


def start(data, server, how):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(data), server.url, how],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "NO_PROXY": "*"},
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_killed_while_unpacking_and_started_again(get, tiny, data, server, left):
    child = start(data, server, "stop while unpacking")
    try:
        assert child.stdout.readline() == "unpacking\n"
    finally:
        child.send_signal(signal.SIGKILL)
        child.communicate(timeout=10)
    assert left(data) == [".sunnybrook.part"]  # aside, never in the place of the data
    assert len(list((data / ".sunnybrook.part").rglob("*.png"))) == 3
    folder = get()
    assert left(data) == WHOLE
    assert len(list(folder.rglob("*.png"))) == len(tiny.files)


def test_two_processes_at_once(tiny, data, server, left):
    """One works, the other waits for it: each archive is downloaded once."""
    tiny.publish(server)
    server.answers["/published/train.zip"] = [("late", tiny.archive("train"))]
    children = [start(data, server, "plain") for _ in range(2)]
    outputs = [child.communicate(timeout=30)[0] for child in children]
    assert [child.returncode for child in children] == [0, 0]
    assert [text.splitlines()[-1] for text in outputs] == [str(data / "sunnybrook")] * 2
    assert server.asked == {"/published/train.zip": 1, "/published/val.zip": 1}
    assert left(data) == WHOLE


def test_waiting_is_said(tiny, data, tmp_path, monkeypatch):
    data.mkdir()
    held, said = threading.Event(), threading.Event()

    def hold():
        with filelock.FileLock(data / ".sunnybrook.lock"):
            held.set()
            said.wait(10)

    other = threading.Thread(target=hold)
    other.start()
    held.wait(10)
    monkeypatch.setattr("builtins.print", lambda text: (words.append(text), said.set()))
    words = []
    fetch(tiny.entry(), root=data, mirror=tiny.mirror(tmp_path / "mirror"))
    other.join()
    assert words == ["Another kernel is getting Sunnybrook left ventricle; waiting for it."]


def test_a_failed_download_leaves_no_part_of_the_file(tiny, server, tmp_path):
    tiny.publish(server)
    entry = tiny.entry(server.url)
    server.answers["/published/train.zip"] = [("cut", tiny.archive("train"))]
    refused(lambda: get_archive(entry.title, entry.archives[0], tmp_path, progress=False))
    assert not list(tmp_path.iterdir())
