"""Fixtures: a web server that misbehaves on request, folders that cannot be written to."""

import contextlib
import http.server
import os
import shutil
import socket
import struct
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from tiny_dataset import Tiny

REPOSITORY = Path(__file__).parents[2]
# Read now, before the tests take the setting away.
REAL_MIRROR = Path(os.environ.get("COURSE_MIRROR") or REPOSITORY.parent / "shared" / "mirror")


@pytest.fixture(autouse=True)
def this_machine_only(monkeypatch):
    """No setting from outside, no wait between attempts, and nothing beyond 127.0.0.1."""
    for name in ("COURSE_MIRROR", "COURSE_DATA_DIR", "COURSE_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=lambda seconds: None))
    connect = socket.socket.connect

    def connect_here(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] != "127.0.0.1":
            pytest.fail(f"a test wanted to reach {address}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)


class Server:
    """Answers each path by a list of answers, one a request; the last one is repeated.

    An answer is bytes (sent whole) or a pair: ("cut", body), ("stall", body), ("late", body),
    ("reset", body), ("status", number) or ("moved", address). What is not listed is a 404.
    `disturb` may put another answer in the place of any.
    """

    def __init__(self):
        self.answers: dict[str, list] = {}
        self.disturb = lambda answer: answer
        self.asked = Counter()
        self.stop = threading.Event()
        handler = type("Handler", (_Handler,), {"owner": self})
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.stop.set()
        self.http.shutdown()
        self.http.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.owner
        answers = server.answers.get(self.path, [("status", 404)])
        answer = server.disturb(answers[min(server.asked[self.path], len(answers) - 1)])
        server.asked[self.path] += 1
        kind, body = answer if isinstance(answer, tuple) else ("whole", answer)
        if kind == "status":
            self.send_error(body)
            return
        if kind == "moved":
            self.send_response(302)
            self.send_header("Location", body)
            self.end_headers()
            return
        if kind == "reset":
            # Closed with this option set, a connection ends in a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        if kind == "late":
            server.stop.wait(0.7)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if kind in ("cut", "stall"):
            self.wfile.write(body[: len(body) // 2])
            if kind == "stall":
                self.wfile.flush()
                server.stop.wait(20)
        else:
            self.wfile.write(body)

    def log_message(self, *args):
        """Keep the tests' output clean."""


@pytest.fixture
def server():
    running = Server()
    yield running
    running.close()


@pytest.fixture
def serve(server):
    """Let the server answer with a folder's present files; returns the folder's address."""

    def call(folder: Path, at: str = "/mirror") -> str:
        for file in filter(Path.is_file, folder.rglob("*")):
            server.answers[f"{at}/{file.relative_to(folder).as_posix()}"] = [file.read_bytes()]
        return f"{server.url}{at}"

    return call


@pytest.fixture
def tiny():
    return Tiny()


@pytest.fixture
def data(tmp_path):
    """The data folder of a test."""
    return tmp_path / "data"


@pytest.fixture
def left():
    """What a folder holds apart from locks: what a failure left behind."""

    def names(folder: Path) -> list[str]:
        if not folder.is_dir():
            return []
        return sorted(p.name for p in folder.iterdir() if p.suffix != ".lock")

    return names


@pytest.fixture
def read_only():
    """A folder that may not be written to, and a context in which that holds for root too."""
    if sys.platform == "win32":
        pytest.skip("permission bits do not keep a folder from being written to on Windows")
    base = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users
    base.chmod(0o755)
    (base / "data").mkdir()

    @contextlib.contextmanager
    def as_ordinary_user():
        (base / "data").chmod(0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            yield
        finally:
            if root:
                os.seteuid(0)
            (base / "data").chmod(0o755)

    yield base / "data", as_ordinary_user
    shutil.rmtree(base)


@pytest.fixture
def real_mirror():
    """The mirror with the real archives, or a skip that says how to have one."""
    if not (REAL_MIRROR / "train.zip").is_file():
        pytest.skip("no mirror with the real data: set COURSE_MIRROR to one (build_mirror.py)")
    return REAL_MIRROR
