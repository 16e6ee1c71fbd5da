"""The check of the machine: a line for each thing, and what to do where it is not there."""

import contextlib
import http.server
import os
import socket
import sys
import threading
from collections import namedtuple
from types import SimpleNamespace

import keras
import pytest
import tensorflow as tf

from course_utils import environment
from course_utils.datasets import fetch


@pytest.fixture(autouse=True)
def a_machine_that_is_ready(monkeypatch, tmp_path):
    """No setting, no GPU, room on the disk."""
    for name in ("COURSE_MIRROR", "COURSE_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "not" / "there" / "yet"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(environment, "gpus", list)
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    free_disk(monkeypatch, 50)
    free_memory(monkeypatch, 12)


def free_memory(monkeypatch, gigabytes):
    found = SimpleNamespace(available=gigabytes * 10**9)
    monkeypatch.setattr("psutil.virtual_memory", lambda: found)


def free_disk(monkeypatch, gigabytes):
    usage = namedtuple("usage", "total used free")(0, 0, gigabytes * 10**9)
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda path: usage)


def check(capsys, profile="sample"):
    """Run the check; return its result and its lines by subject: (whether OK, text, advice)."""
    result = environment.check(SimpleNamespace(profile=profile, why="for a test"))
    lines, subject = {}, ""
    for line in capsys.readouterr().out.splitlines():
        if line.startswith("       → "):
            lines[subject] = (*lines[subject][:2], line.removeprefix("       → "))
            continue
        assert line.startswith(("OK     ", "TO DO  ")), line
        subject = line[7:].split()[0].rstrip(":")
        lines[subject] = (line.startswith("OK"), line[7:], "")
    assert list(lines) == [*("Python", "TensorFlow", "GPU", "Memory", "Disk", "Data", "Profile")]
    return result, lines


def only_fails(found, *subjects):
    result, lines = found
    assert result is (not subjects)
    assert tuple(name for name, (ok, *_) in lines.items() if not ok) == subjects
    return lines


def test_a_ready_machine(capsys):
    lines = only_fails(check(capsys))
    assert lines["TensorFlow"][1] == f"TensorFlow {tf.__version__} with Keras {keras.__version__}"
    assert lines["Python"][1] == f"Python {'.'.join(map(str, sys.version_info[:3]))}"
    assert "50 GB free" in lines["Disk"][1]
    assert not any(lines[name][2] for name in ("Python", "TensorFlow", "Disk", "Data"))


def test_an_old_python(capsys, monkeypatch):
    old = SimpleNamespace(version_info=(3, 10, 14), modules=sys.modules)
    monkeypatch.setattr(environment, "sys", old)
    lines = only_fails(check(capsys), "Python")
    assert "Python 3.11 or newer" in lines["Python"][2]


@pytest.mark.parametrize("package", [tf, keras])
def test_an_old_tensorflow_or_keras(package, capsys, monkeypatch):
    monkeypatch.setattr(package, "__version__", "2.19.1")
    lines = only_fails(check(capsys), "TensorFlow")
    assert "2.19.1" in lines["TensorFlow"][1]
    assert "2.20 or newer with Keras 3" in lines["TensorFlow"][2]
    assert "pip install -U tensorflow" in lines["TensorFlow"][2]
    # Not in Colab, whose packages the course leaves as they are.
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    lines = only_fails(check(capsys), "TensorFlow")
    assert "pip" not in lines["TensorFlow"][2]
    assert "Runtime version" in lines["TensorFlow"][2]


@pytest.mark.parametrize("version", ["2.20.0", "2.21.0-rc1", "3.0.0"])
def test_a_new_enough_tensorflow(version, capsys, monkeypatch):
    monkeypatch.setattr(tf, "__version__", version)
    only_fails(check(capsys))


def test_without_tensorflow_the_check_still_reaches_its_end(capsys, monkeypatch):
    monkeypatch.undo()
    free_disk(monkeypatch, 50)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    lines = only_fails(check(capsys), "TensorFlow", "GPU")
    assert "cannot be imported" in lines["TensorFlow"][1]
    assert "pip install" in lines["TensorFlow"][2]


def test_a_gpu_is_named(capsys, monkeypatch):
    monkeypatch.setattr(environment, "gpus", lambda: ["Tesla T4", "Other"])
    assert only_fails(check(capsys))["GPU"] == (True, "GPU: Tesla T4, Other", "")


def test_no_gpu_is_no_fault(capsys, monkeypatch):
    here = only_fails(check(capsys))["GPU"]
    assert here[1].startswith("GPU: none, training runs on the CPU ")
    assert "quick profile" in here[2]
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    in_colab = only_fails(check(capsys))["GPU"]
    assert "Change runtime type" in in_colab[2]
    assert "quick profile" not in in_colab[2]


def test_too_little_memory(capsys, monkeypatch):
    free_memory(monkeypatch, 3.9)
    lines = only_fails(check(capsys), "Memory")
    assert lines["Memory"][1] == "Memory: 3.9 GB free"
    assert "may take 4 GB" in lines["Memory"][2]
    assert "Running Terminals and Kernels" in lines["Memory"][2]
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    assert "Manage sessions" in only_fails(check(capsys), "Memory")["Memory"][2]
    free_memory(monkeypatch, 4)
    assert only_fails(check(capsys))["Memory"] == (True, "Memory: 4.0 GB free", "")


def test_a_full_disk(capsys, monkeypatch):
    free_disk(monkeypatch, 1.9)
    lines = only_fails(check(capsys), "Disk")
    assert "COURSE_DATA_DIR" in lines["Disk"][2]
    free_disk(monkeypatch, 2)
    only_fails(check(capsys))


def test_the_disk_is_that_of_the_data(capsys, monkeypatch, tmp_path):
    asked = []
    usage = environment.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda path: asked.append(path) or usage)
    check(capsys)
    assert asked == [tmp_path], "the nearest folder that is there"


def test_each_profile_has_its_line(capsys, monkeypatch, tmp_path):
    (tmp_path / "train.zip").touch()
    monkeypatch.setenv("COURSE_MIRROR", str(tmp_path))
    others = {"sample": "quick", "quick": "full", "full": "quick"}
    for profile, other in others.items():
        line = only_fails(check(capsys, profile))["Profile"]
        assert line[1] == f"Profile: {profile} (for a test)"
        assert f"COURSE_PROFILE={other}" in line[2]


# Data


def test_made_up_data_needs_no_network(capsys, monkeypatch):
    monkeypatch.setattr(environment.urllib.request, "urlopen", lambda *a, **k: pytest.fail("asked"))
    assert "no network needed" in only_fails(check(capsys, "sample"))["Data"][1]


def test_data_that_is_here_needs_no_network(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(environment.urllib.request, "urlopen", lambda *a, **k: pytest.fail("asked"))
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    (tmp_path / "sunnybrook").mkdir()
    (tmp_path / "sunnybrook" / fetch.MARKER).write_text('{"name": "sunnybrook"}')
    assert "on this machine already" in only_fails(check(capsys, "quick"))["Data"][1]


def test_a_mirror_folder(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_MIRROR", str(tmp_path))
    lacking = only_fails(check(capsys, "quick"), "Data")["Data"]
    assert "mirror lacks train.zip" in lacking[1]
    assert "COURSE_PROFILE=sample" in lacking[2]
    (tmp_path / "train.zip").touch()
    assert only_fails(check(capsys, "quick"))["Data"] == (True, "Data: mirror has train.zip", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("COURSE_MIRROR", "~")
    only_fails(check(capsys, "quick"))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.server.asked.append(self.path)
        if self.path.startswith("/silent/"):
            self.connection.shutdown(socket.SHUT_RDWR)
        elif self.path.startswith("/rubbish/"):
            self.wfile.write(b"this is no HTTP\r\n\r\n")
        else:
            self.send_response(200 if self.path == "/good/train.zip" else 404)
            self.end_headers()

    def log_message(self, *args):
        """Keep the tests' output clean."""


@contextlib.contextmanager
def serving():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_an_address_that_answers(capsys, monkeypatch):
    with serving() as (server, url):
        monkeypatch.setenv("COURSE_MIRROR", f"{url}/good/")
        line = only_fails(check(capsys, "full"))["Data"]
    assert line == (True, "Data: the archive answers", "")
    assert server.asked == ["/good/train.zip"]


@pytest.mark.parametrize("place", ["missing", "silent", "rubbish", "bad name"])
def test_an_address_that_does_not_have_it(place, capsys, monkeypatch):
    with serving() as (_, url):
        monkeypatch.setenv("COURSE_MIRROR", f"{url}/{place}")
        line = only_fails(check(capsys, "quick"), "Data")["Data"]
    assert f"no answer from {url}/{place}/train.zip" in line[1]
    assert "COURSE_MIRROR" in line[2]


def test_an_address_where_nobody_listens(capsys, monkeypatch):
    with serving() as (_, url):
        pass
    monkeypatch.setenv("COURSE_MIRROR", url)
    only_fails(check(capsys, "quick"), "Data")


def test_without_a_mirror_the_published_address_is_asked(capsys, monkeypatch):
    asked = []

    def urlopen(request, timeout):
        asked.append((request.full_url, request.get_method()))
        raise TimeoutError("timed out")

    monkeypatch.setattr(environment.urllib.request, "urlopen", urlopen)
    line = only_fails(check(capsys, "quick"), "Data")["Data"]
    [(url, method)] = asked
    assert url.startswith("https://github.com/mitmul/chainer-handson/")
    assert url.endswith("/train.zip")
    assert method == "HEAD"
    assert "timed out" in line[1]


# Device and precision


def gpu(monkeypatch, **details):
    """Let TensorFlow see one GPU."""
    one = SimpleNamespace(name="/physical_device:GPU:0")
    monkeypatch.undo()
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [one])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda device: details)


def test_device_in_words(monkeypatch):
    assert environment.device().startswith("CPU ")
    assert environment.device().endswith(f", {os.cpu_count()} cores")
    gpu(monkeypatch, device_name="Tesla T4")
    assert environment.gpus() == ["Tesla T4"]
    assert environment.device() == "GPU Tesla T4"
    gpu(monkeypatch)
    assert environment.gpus() == ["/physical_device:GPU:0"]


@pytest.mark.parametrize(
    ("capability", "precision"),
    [
        ((7, 5), "float32"),
        ((8, 0), "mixed_bfloat16"),
        ((9, 0), "mixed_bfloat16"),
        (None, "float32"),
    ],
)
def test_bfloat16_on_gpus_that_compute_in_it(capability, precision, monkeypatch):
    gpu(monkeypatch, **({"compute_capability": capability} if capability else {}))
    monkeypatch.setattr(environment, "_cpuinfo", lambda key: "avx512_bf16")
    assert environment.precision() == precision


@pytest.mark.parametrize(
    ("flags", "precision"),
    [
        ("fpu avx2 avx512f", "float32"),
        ("fpu avx512_bf16", "mixed_bfloat16"),
        ("fpu amx_bf16 amx_tile", "mixed_bfloat16"),
        ("fpu not_avx512_bf16x", "float32"),
        ("", "float32"),
    ],
)
def test_bfloat16_on_processors_that_compute_in_it(flags, precision, monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setattr(environment, "_cpuinfo", lambda key: flags if key == "flags" else "")
    assert environment.precision() == precision


def test_facts_of_the_processor(tmp_path, monkeypatch):
    text = (
        "processor\t: 0\nmodel name\t: Example 9: X\nflags\t\t: fpu avx2\n\nmodel name\t: other\n"
    )
    (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(environment, "Path", lambda path: tmp_path / path.rpartition("/")[2])
    assert environment._cpuinfo("model name") == "Example 9: X"
    assert environment._cpuinfo("flags") == "fpu avx2"
    assert environment.device().startswith("CPU Example 9: X, ")
    (tmp_path / "cpuinfo").unlink()
    assert environment._cpuinfo("flags") == ""
    assert len(environment.device()) > len("CPU , 2 cores"), "no word for the processor"


def test_asking_for_gpus_leaves_standard_error_open(monkeypatch, capfd):
    monkeypatch.undo()
    assert isinstance(environment.gpus(), list)
    os.write(2, b"still here")
    assert capfd.readouterr().err.endswith("still here")
    with pytest.raises(ZeroDivisionError), environment._quiet():
        os.write(2, b"a page about CUDA")
        raise ZeroDivisionError
    os.write(2, b"and here")
    assert capfd.readouterr().err == "and here"


def test_milliseconds_a_picture(monkeypatch):
    class Slow:
        input_shape = (None, 4, 6, 3)
        calls = ()

        def predict(self, pictures, batch_size, verbose):
            self.calls = (*self.calls, (pictures.shape, batch_size))
            clock[0] += 0.5

    clock, slow = [0.0], Slow()
    monkeypatch.setattr(environment.time, "perf_counter", lambda: clock[0])
    assert environment.milliseconds(slow, batch_size=5, batches=2) == 50
    assert slow.calls == (((10, 4, 6, 3), 5),) * 2, "the first call is not counted"


def test_milliseconds_are_those_of_a_graph_however_the_model_was_compiled():
    calls = []

    class Counted(keras.layers.Layer):
        def call(self, images):
            calls.append(images)
            return images

    image = keras.Input((4, 4, 1))
    model = keras.Model(image, Counted()(image))
    model.compile("sgd", "mse", run_eagerly=True)
    calls.clear()
    environment.milliseconds(model, batch_size=2, batches=6)
    assert 0 < len(calls) < 6, "traced, not called for each batch"


def test_milliseconds_are_those_of_the_fastest_of_the_repeats(monkeypatch):
    ticks = iter((0.0, 3.0, 10.0, 12.0, 20.0, 24.0))  # 3, 2 and 4 seconds
    monkeypatch.setattr(environment.time, "perf_counter", lambda: next(ticks))
    slow = SimpleNamespace(input_shape=(None, 4, 6, 3), predict=lambda *_, **__: None)
    assert environment.milliseconds(slow, batch_size=5, batches=2, repeats=3) == 200


def test_hush_keeps_warnings_of_retracing_away():
    logger = tf.get_logger()
    before = logger.level
    try:
        logger.setLevel("INFO")
        environment.hush()
        assert not logger.isEnabledFor(30)
        assert logger.isEnabledFor(40)
    finally:
        logger.setLevel(before)
