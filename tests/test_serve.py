"""The service answers as the course does, refuses in words, and takes no more than it should."""

import contextlib
import io
import json
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import zlib
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import psutil
import pytest
from PIL import Image

from course_utils import inference, processes, serve

if not serve.is_installed():
    pytest.skip("the extra `serve` is not installed", allow_module_level=True)

NAMES = ("background", "bright")
MODEL = inference.Segmenter(lambda x: np.mean(x, axis=-1, keepdims=True) - 0.5, NAMES, (32, 48))
PICTURE = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
PICTURE[:, :15] //= 4


def png(array, **options):
    file = io.BytesIO()
    Image.fromarray(array).save(file, format=options.pop("format", "PNG"), **options)
    return file.getvalue()


def chunk(kind, content):
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def zeros(length):
    """Compress as many zero bytes, without having them: a block ends itself, and is repeated."""
    packer, million = zlib.compressobj(9), 1_000_000
    start = packer.compress(bytes(million)) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(million)) + packer.flush(zlib.Z_FULL_FLUSH)
    rest = packer.compress(bytes(length % million)) + packer.flush()
    checksum = struct.pack(">I", (length % 65_521) << 16 | 1)  # Adler-32 of zeros
    return start + block * (length // million - 1) + rest[:-4] + checksum


def black(side, *chunks, length=None):
    """A PNG of side × side black pixels, valid unless told another `length` of what is unpacked."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zeros(length or side * (side // 8 + 1)))
    return b"\x89PNG\r\n\x1a\n" + b"".join([header, *chunks, pixels, chunk(b"IEND", b"")])


def post(address, body, answer="mask", **headers):
    """Return the status and the body of the answer."""
    request = urllib.request.Request(f"{address}/predict?answer={answer}", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=600) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@contextlib.contextmanager
def running():
    import uvicorn

    [port] = processes.free_ports(1)
    options = {"host": "127.0.0.1", "port": port, "log_level": "critical"}
    server = uvicorn.Server(uvicorn.Config(serve.make_app(MODEL), **options))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def address():
    with running() as found:
        yield found


def test_it_answers_as_the_course_does(address):
    mask, body = inference.predict(MODEL, PICTURE), png(PICTURE)
    assert 0.2 < mask.mean() < 0.8
    status, found = post(address, body)
    assert status == 200 and (np.array(Image.open(io.BytesIO(found))) == mask).all()
    painted = np.array(Image.open(io.BytesIO(post(address, body, "overlay")[1])))
    assert (painted == inference.overlay(PICTURE, mask, NAMES)).all()
    shares = json.loads(post(address, body, "shares")[1])
    assert shares == pytest.approx({"background": 1 - mask.mean(), "bright": mask.mean()})
    with urllib.request.urlopen(address) as page:
        assert b"Drop a picture here" in page.read()


def test_an_overlay_in_strips_is_the_overlay(address):
    tall = np.random.default_rng(0).integers(0, 256, (600, 20, 3)).astype(np.uint8)
    found = np.array(Image.open(io.BytesIO(post(address, png(tall), "overlay")[1])))
    assert (found == inference.overlay(tall, inference.predict(MODEL, tall), NAMES)).all()


def test_the_bombs_are_pictures():
    assert not np.array(Image.open(io.BytesIO(black(4_000)))).any()


LONG_TEXT = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(20_000_000), 9))
REFUSED = {
    "nothing": (b"", 400, "Nothing came"),
    "a text": (b"Dear service,\n", 415, "no picture of these kinds: JPEG, PNG"),
    "a GIF": (png(PICTURE, format="GIF"), 415, "no picture of these kinds"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415, "no picture of"),
    "100 megapixels": (black(10_000), 413, "more than 16 megapixels"),
    "a zip bomb, 10,000 megapixels": (black(100_000), 413, "more than 16 megapixels"),
    "a zip bomb in a text": (black(4_000, LONG_TEXT), 415, "no picture of these kinds"),
    "half a picture": (png(PICTURE)[:900], 422, "cannot be used"),
    "too many bytes": (bytes(30_000_000), 413, "more than 20 megabytes"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_is_refused_in_words(what, address):
    body, status, words = REFUSED[what]
    with processes.Memory() as memory:
        found, answer = post(address, body)
    assert (found, words in json.loads(answer)["error"]) == (status, True), answer
    assert memory.growth < 50  # megabytes


def test_of_a_picture_that_unpacks_to_more_than_its_header_says_the_rest_is_left(address):
    body = black(800, length=2_000_000_000)
    with processes.Memory() as memory:
        status, found = post(address, body)
    assert status == 200 and Image.open(io.BytesIO(found)).size == (800, 800)
    assert memory.growth < 50


def test_other_mistakes_are_refused(address):
    status, found = post(address, png(PICTURE), "masks")
    assert status == 422 and "none of overlay, mask, shares" in json.loads(found)["error"]
    pieces = iter([bytes(6_000_000)] * 5)  # without a Content-Length
    assert post(address, pieces)[0] == 413


def test_a_picture_that_does_not_arrive_ends_its_turn(monkeypatch):
    import socket

    monkeypatch.setattr(serve, "SECONDS", 0.5)
    with running() as address, socket.create_connection(address[7:].split(":")) as slow:
        slow.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nabc")
        assert post(address, png(PICTURE))[0] == 200
        assert b" 408 " in slow.recv(100)


def test_the_program_serves_fifty_at_once_in_bounded_memory_and_writes_nothing(
    tmp_path, monkeypatch
):
    keras.utils.set_random_seed(0)
    image = keras.Input((64, 64, 3))
    network = keras.Model(image, keras.layers.Conv2D(1, 3, padding="same")(image))
    inference.save(inference.Segmenter(network, NAMES, (64, 64)), tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    for variable in ("TMPDIR", "TEMP", "TMP", "HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    large = np.random.default_rng(0).integers(0, 256, (1500, 1500, 3)).astype(np.uint8)
    body, log = png(large, format="JPEG"), tmp_path / "log"
    with serve.started(tmp_path / "model", log) as (address, program):
        listening = psutil.Process(program.pid).net_connections("inet")
        assert {one.laddr.ip for one in listening} == {"127.0.0.1"}
        post(address, body)
        before = sorted(tmp_path.rglob("*"))  # with the caches that imports make
        with processes.Memory(program.pid) as memory, ThreadPoolExecutor(50) as pool:
            answers = set(pool.map(lambda _: post(address, body), range(50)))
        assert sorted(tmp_path.rglob("*")) == before
    [(status, mask)] = answers
    assert status == 200 and Image.open(io.BytesIO(mask)).size == (1500, 1500)
    assert memory.growth < 300  # one of these pictures takes some 50, fifty would take 2,500


def test_a_folder_without_a_model_is_refused_in_words(tmp_path):
    command = [sys.executable, "-m", "course_utils.serve", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "network.keras and model.json" in done.stderr
