"""The check of the machine: a line for each thing, and what to do where it is not there."""

import os
import sys
from types import SimpleNamespace

import keras
import pytest
import requests
import tensorflow as tf

from course_utils import environment
from course_utils.datasets import fetch

SUBJECTS = ("Python", "TensorFlow", "GPU", "Memory", "Disk", "Data", "Profile")


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    """A machine that is ready: no setting, no GPU, room on the disk. Returns how to change it."""

    def has(
        gpus=(),
        memory=12,
        container=float("inf"),
        disk=50,
        python=(3, 11, 7),
        tensorflow="2.20.0",
        keras_="3.10.0",
    ):
        monkeypatch.setattr(environment, "gpus", lambda: list(gpus))
        found = SimpleNamespace(available=memory * 10**9)
        monkeypatch.setattr("psutil.virtual_memory", lambda: found)
        monkeypatch.setattr(environment, "_free_in_container", lambda: container * 10**9)

        def disk_usage(path):
            assert path == tmp_path, "the nearest folder that is there"
            return SimpleNamespace(free=disk * 10**9)

        monkeypatch.setattr(environment.shutil, "disk_usage", disk_usage)
        this = SimpleNamespace(version_info=python, modules=sys.modules)
        monkeypatch.setattr(environment, "sys", this)
        monkeypatch.setattr(tf, "__version__", tensorflow)
        monkeypatch.setattr(keras, "__version__", keras_)

    for name in ("COURSE_MIRROR", "COURSE_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "not" / "there" / "yet"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    has()
    return has


def check(capsys, profile="sample"):
    """Run the check; return its lines by subject: (whether OK, text, advice)."""
    result = environment.check(SimpleNamespace(profile=profile, why="for a test"))
    found, subject = {}, ""
    for line in capsys.readouterr().out.splitlines():
        if line.startswith("       → "):
            found[subject] = (*found[subject][:2], line.removeprefix("       → "))
            continue
        assert line.startswith(("OK     ", "TO DO  ")), line
        subject = line[7:].split()[0].rstrip(":")
        found[subject] = (line.startswith("OK"), line[7:], "")
    assert tuple(found) == SUBJECTS
    assert result is all(ok for ok, *_ in found.values())
    return found


def fails(found):
    return [name for name, (ok, *_) in found.items() if not ok]


# What the machine has, which line it is about, whether that is well, what the line says, the advice
# here and in Colab, whose packages the course leaves as they are.
MACHINES = [
    ({}, "Python", True, "Python 3", "", ""),
    ({"python": (3, 10, 14)}, "Python", False, "Python 3", "Python 3.11 or newer", "or newer"),
    ({"tensorflow": "2.21.0-rc1"}, "TensorFlow", True, "TensorFlow 2.21.0-rc1 with Keras", "", ""),
    ({"tensorflow": "3.0.0"}, "TensorFlow", True, "3.0.0", "", ""),
    ({"tensorflow": "2.19.0"}, "TensorFlow", True, "2.19.0", "", ""),  # Colab's
    ({"tensorflow": "2.18.1"}, "TensorFlow", False, "2.18.1", "pip install -U", "Runtime version"),
    ({"keras_": "3.9.2"}, "TensorFlow", False, "Keras 3.9", "keras>=3.10", "keras>=3.10"),
    ({"keras_": "2.15.0"}, "TensorFlow", False, "Keras 2.15", "pip install -U", "Runtime version"),
    ({"gpus": ["Tesla T4", "Other"]}, "GPU", True, "GPU: Tesla T4, Other", "", ""),
    ({}, "GPU", True, "GPU: none, training runs on the CPU ", "quick profile", "runtime type"),
    ({"memory": 5}, "Memory", True, "Memory: 5.0 GB free", "", ""),
    ({"memory": 4.9}, "Memory", False, "Memory: 4.9", "Terminals and Kernels", "Manage sessions"),
    ({"container": 1.5}, "Memory", False, "1.5 GB free in this container", "close", "Manage"),
    ({"container": 5}, "Memory", True, "5.0 GB free in this container", "", ""),
    ({"disk": 2}, "Disk", True, "Disk: 2 GB free", "", ""),
    ({"disk": 1.9}, "Disk", False, "Disk: 2 GB free", "COURSE_DATA_DIR", "COURSE_DATA_DIR"),
]


@pytest.mark.parametrize(("has", "subject", "ok", "text", "here", "in_colab"), MACHINES)
def test_each_line_says_what_is_there_and_what_to_do(
    has, subject, ok, text, here, in_colab, machine, capsys, monkeypatch
):
    machine(**has)
    for advice in (here, in_colab):
        found = check(capsys)
        assert fails(found) == ([] if ok else [subject])
        assert text in found[subject][1]
        assert advice in found[subject][2] and bool(advice) == bool(found[subject][2])
        monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())


def test_without_tensorflow_the_check_still_reaches_its_end(capsys, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    found = check(capsys)
    assert fails(found)[:2] == ["TensorFlow", "GPU"]
    assert "cannot be imported" in found["TensorFlow"][1]
    assert "pip install" in found["TensorFlow"][2]


OTHER_PROFILES = {"sample": "quick", "showcase": "quick", "quick": "full", "full": "quick"}


def test_each_profile_names_another(capsys, monkeypatch, tmp_path):
    (tmp_path / "train.zip").touch()
    monkeypatch.setenv("COURSE_MIRROR", str(tmp_path))
    for profile, other in OTHER_PROFILES.items():
        found = check(capsys, profile)
        assert not fails(found)
        assert found["Profile"][1] == f"Profile: {profile} (for a test)"
        assert f"COURSE_PROFILE={other}" in found["Profile"][2]


def test_the_versions_are_those_that_pyproject_asks_for(monkeypatch):
    here = environment._wanted(["tensorflow", "keras"])
    assert [one.name for one in here] == ["keras", "tensorflow"]
    # Installed, the package has no pyproject.toml beside it.
    monkeypatch.setattr(environment, "__file__", "/nowhere/course_utils/environment.py")
    lines = [f'{one}; extra == "local"' for one in here] + ["tqdm>=4"]
    monkeypatch.setattr(
        environment.importlib.metadata, "requires", {"segmentation-course": lines}.get
    )
    assert [one.specifier for one in environment._wanted(["tensorflow", "keras"])] == [
        one.specifier for one in here
    ]


GROUPS = {  # /proc/self/cgroup, the files below /sys/fs/cgroup, and what is left
    "version 2": (
        "0::/",
        {"memory.max": 1500, "memory.current": 900, "memory.stat": "anon 5\ninactive_file 300\n"},
        900,
    ),
    "version 2, no limit": (
        "0::/",
        {"memory.max": "max", "memory.current": 900, "memory.stat": "inactive_file 300"},
        float("inf"),
    ),
    "version 2, a limit above": (
        "0::/jobs/17",
        {
            "jobs/17/memory.max": "max",
            "jobs/17/memory.current": 100,
            "jobs/17/memory.stat": "inactive_file 0",
            "jobs/memory.max": 1500,
            "jobs/memory.current": 200,
            "jobs/memory.stat": "inactive_file 0",
        },
        1300,
    ),
    "version 1, seen from within": (
        "5:cpu,cpuacct:/docker/ab\n4:memory:/docker/ab\n0::/",
        {
            "memory/memory.limit_in_bytes": 1500,
            "memory/memory.usage_in_bytes": 900,
            "memory/memory.stat": "inactive_file 1\ntotal_inactive_file 300",
        },
        900,
    ),
    "no control groups": (None, {}, float("inf")),
}


@pytest.mark.parametrize("kind", GROUPS)
def test_a_containers_memory_is_what_its_limit_leaves(kind, tmp_path, monkeypatch):
    monkeypatch.undo()
    listed, files, left = GROUPS[kind]
    if listed is not None:
        files = {"../../../proc/self/cgroup": listed, **files}
    for name, text in files.items():
        path = tmp_path / "sys/fs/cgroup" / name
        (tmp_path / "sys/fs/cgroup").mkdir(parents=True, exist_ok=True)
        path.parent.resolve().mkdir(parents=True, exist_ok=True)
        path.resolve().write_text(str(text))
    assert environment._free_in_container(tmp_path) == left


def test_a_disk_that_is_not_there(capsys, monkeypatch):
    monkeypatch.setattr(os.path, "exists", lambda path: False)
    ok, text, advice = environment._disk()
    assert not ok and "there is no" in text and "COURSE_DATA_DIR" in advice


# Data


def test_data_that_is_made_up_or_here_needs_no_network(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(requests, "head", lambda *a, **k: pytest.fail("asked"))
    assert "no download needed" in check(capsys, "sample")["Data"][1]
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    (tmp_path / "sunnybrook").mkdir()
    (tmp_path / "sunnybrook" / fetch.MARKER).write_text('{"name": "sunnybrook"}')
    assert check(capsys, "quick")["Data"][:2] == (
        True,
        "Data: the heart images are on this machine already",
    )


def test_a_mirror_folder(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_MIRROR", "~")
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    ok, text, advice = check(capsys, "quick")["Data"]
    assert not ok and "mirror lacks train.zip" in text and "COURSE_PROFILE=showcase" in advice
    (tmp_path / "train.zip").touch()
    assert check(capsys, "quick")["Data"] == (True, "Data: mirror has train.zip", "")


MISSING = requests.Response()
MISSING.status_code, MISSING.reason = 404, "Not Found"
HERE = requests.Response()
HERE.status_code = 200
ANSWERS = [
    (HERE, ""),
    (MISSING, "the server answered 404 Not Found"),
    (requests.ConnectionError("nobody listens there"), "no connection"),
    (requests.Timeout("timed out"), "no answer for 10 seconds"),
    (requests.ConnectionError("BadStatusLine('this is\nno HTTP')"), "no connection"),
    (requests.exceptions.InvalidURL("a name with spaces"), "no valid address"),
    (requests.exceptions.InvalidProxyURL("no host"), "HTTPS_PROXY is not a proxy's address"),
    (OSError("no suitable TLS CA certificate bundle"), "REQUESTS_CA_BUNDLE names a file that"),
]


@pytest.mark.parametrize("mirror", ["http://127.0.0.1:1/course/", None])
@pytest.mark.parametrize(("answer", "words"), ANSWERS, ids=range(len(ANSWERS)))
def test_the_mirror_or_else_the_published_address_is_asked(
    answer, words, mirror, capsys, monkeypatch
):
    asked = []

    def head(url, **options):
        asked.append(url)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(requests, "head", head)
    for name in ("HTTPS_PROXY", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, "something")
    if mirror:
        monkeypatch.setenv("COURSE_MIRROR", mirror)
    ok, text, advice = check(capsys, "full")["Data"]
    [url] = asked
    assert url.endswith("/train.zip")
    assert url.startswith(mirror or "https://github.com/mitmul/chainer-handson/")
    if answer is HERE:
        assert (ok, text, advice) == (True, "Data: the archive answers", "")
    else:
        assert not ok and "COURSE_MIRROR" in advice
        assert text.startswith(f"Data: no answer from {url} (") and words in text


# Device and precision


def see_gpu(monkeypatch, **details):
    """Let TensorFlow see one GPU."""
    one = SimpleNamespace(name="/physical_device:GPU:0")
    monkeypatch.undo()
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [one])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda device: details)


def test_device_in_words(monkeypatch):
    assert environment.device().startswith("CPU ")
    assert environment.device().endswith(f", {os.cpu_count()} cores")
    see_gpu(monkeypatch, device_name="Tesla T4")
    assert environment.gpus() == ["Tesla T4"]
    assert environment.device() == "GPU Tesla T4"
    see_gpu(monkeypatch)
    assert environment.gpus() == ["/physical_device:GPU:0"]


def test_bfloat16_where_the_hardware_computes_in_it(monkeypatch):
    for flags, fast in {
        "fpu avx2 avx512f": False,
        "fpu avx512_bf16": True,
        "fpu amx_bf16 amx_tile": True,
        "fpu not_avx512_bf16x": False,
        "": False,
    }.items():
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
        monkeypatch.setattr(environment, "cpu_info", {"flags": flags}.get)
        assert environment.precision() == ("mixed_bfloat16" if fast else "float32"), flags
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert environment.precision() == "float32"
    for capability, fast in {(7, 5): False, (8, 0): True, (9, 0): True, None: False}.items():
        see_gpu(monkeypatch, **({"compute_capability": capability} if capability else {}))
        monkeypatch.setattr(environment, "cpu_info", {"flags": "avx512_bf16"}.get)
        assert environment.precision() == ("mixed_bfloat16" if fast else "float32"), capability


def test_facts_of_the_processor(tmp_path, monkeypatch):
    text = "processor\t: 0\nmodel name\t: Example 9: X\nflags\t\t: fpu avx2\n\nmodel name\t: other"
    (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(environment, "Path", lambda path: tmp_path / path.rpartition("/")[2])
    assert environment.cpu_info("flags") == "fpu avx2"
    assert environment.device().startswith("CPU Example 9: X, ")
    (tmp_path / "cpuinfo").unlink()
    assert environment.cpu_info("flags") == ""
    assert len(environment.device()) > len("CPU , 2 cores"), "no word for the processor"


def test_asking_for_gpus_leaves_standard_error_open(monkeypatch, capfd):
    monkeypatch.undo()
    assert isinstance(environment.gpus(), list)
    os.write(2, b"still here")
    assert capfd.readouterr().err.endswith("still here")
    with pytest.raises(ZeroDivisionError), environment.quiet_stderr():
        os.write(2, b"a page about CUDA")
        raise ZeroDivisionError
    os.write(2, b"and here")
    assert capfd.readouterr().err == "and here"


# Time


def test_milliseconds_are_those_of_the_fastest_of_the_repeats_after_the_first(monkeypatch):
    ticks = iter((0.0, 3.0, 10.0, 12.0, 20.0, 24.0))  # 3, 2 and 4 seconds
    monkeypatch.setattr(environment.time, "perf_counter", lambda: next(ticks))
    calls = []

    def predict(pictures, batch_size, verbose):
        calls.append((pictures.shape, batch_size))

    slow = SimpleNamespace(input_shape=(None, 4, 6, 3), predict=predict)
    measured = environment.milliseconds(slow, batch_size=5, batches=2, repeats=3)
    assert measured == pytest.approx(200)
    assert calls == [((10, 4, 6, 3), 5)] * 4, "the first call builds the graph"


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


def test_a_call_is_timed_by_the_fastest_of_those_that_count(monkeypatch):
    ticks, calls = iter((0.0, 3.0, 10.0, 12.0, 20.0, 24.0)), []  # 3, 2 and 4 seconds
    monkeypatch.setattr(environment.time, "perf_counter", lambda: next(ticks))
    assert environment.time_call(calls.append, 1, repeats=3) == pytest.approx(2_000)
    assert calls == [1] * 5, "two are not timed"
