"""What this machine is, and whether it is ready for the course."""

import importlib.metadata
import math
import os
import platform
import shutil
import sys
import time
import tomllib
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np
from packaging.requirements import Requirement

from course_utils.chapters import MADE_UP

GIGABYTE = 10**9
# The largest chapter, 07, took 4.1 GB; see docs/instructors.md for each of them.
MEMORY = 5
# Control groups, which limit a container's memory, by the controllers that /proc/self/cgroup names
# (none in version 2): their folder, their files of the limit and of what is used, and the line of
# memory.stat with the part of it that files merely fill and that is free for the asking.
_CONTROL_GROUPS = {
    "": ("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    "memory": (
        "sys/fs/cgroup/memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
}


def in_colab():
    """Return whether this is Google Colab."""
    return "google.colab" in sys.modules


def gpus():
    """Return the names of the GPUs that TensorFlow can use."""
    with quiet_stderr():
        import tensorflow as tf

        found = tf.config.list_physical_devices("GPU")
    return [tf.config.experimental.get_device_details(g).get("device_name", g.name) for g in found]


def device():
    """Return the device that trains, in words: the first GPU, or the processor and its cores."""
    found = gpus()
    if found:
        return f"GPU {found[0]}"
    return f"CPU {processor()}, {os.cpu_count()} cores"


def precision():
    """Return "mixed_bfloat16" where the hardware computes in bfloat16, else "float32".

    Elsewhere bfloat16 is emulated and slower than float32: on a CPU without AVX512-BF16 or AMX
    (or where ONEDNN_MAX_CPU_ISA=AVX2 keeps TensorFlow from using them), and on a GPU before
    NVIDIA's Ampere (compute capability 8.0; Colab's T4 has 7.5).
    """
    import tensorflow as tf

    found = tf.config.list_physical_devices("GPU")
    if found:
        capability = tf.config.experimental.get_device_details(found[0]).get("compute_capability")
        return "mixed_bfloat16" if capability and capability >= (8, 0) else "float32"
    limited = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper().startswith(("SSE", "AVX2"))
    has_bfloat16 = {"avx512_bf16", "amx_bf16"} & set(cpu_info("flags").split())
    return "mixed_bfloat16" if has_bfloat16 and not limited else "float32"


def check(run):
    """Print a line for each thing that the course needs: OK, or what to do.

    Parameters
    ----------
    run : course_utils.runtime.Run
        The chapter's run.

    Returns
    -------
    bool
        Whether everything that is needed is there.
    """
    lines = [_python(), _tensorflow(), _gpu(), memory(), _disk(), _data(run), _profile(run)]
    for ok, what, advice in lines:
        print(f"{'OK   ' if ok else 'TO DO'}  {what}" + (f"\n       → {advice}" if advice else ""))
    return all(ok for ok, _, _ in lines)


def _python():
    ok = sys.version_info >= (3, 11)
    advice = "" if ok else "Install Python 3.11 or newer and make a new environment with it."
    return ok, f"Python {platform.python_version()}", advice


def _tensorflow():
    try:
        import keras
        import tensorflow as tf
    except ImportError as error:
        return False, f"TensorFlow cannot be imported ({error})", 'Run: pip install -e ".[local]"'
    found = {"tensorflow": tf.__version__, "keras": keras.__version__}
    wanted = _wanted(found)
    ok = all(one.specifier.contains(found[one.name], prereleases=True) for one in wanted)
    newer = "Run: pip install -U tensorflow keras"
    if in_colab():  # what pip changes there takes a restart, and breaks others
        newer = "In Colab: Runtime → Change runtime type → Runtime version, the latest."
    advice = "" if ok else f"Expected {' and '.join(map(str, wanted))}. {newer}"
    return ok, f"TensorFlow {tf.__version__} with Keras {keras.__version__}", advice


def _wanted(names):
    """Return what pyproject.toml says of these packages, which Colab has by itself."""
    try:
        project = Path(__file__).parents[1] / "pyproject.toml"
        extras = tomllib.loads(project.read_text("utf-8"))["project"]["optional-dependencies"]
        lines = extras["local"]
    except (FileNotFoundError, KeyError):  # an installed copy
        lines = importlib.metadata.requires("segmentation-course")
    return [one for one in map(Requirement, lines) if one.name in names]


def _gpu():
    try:
        found = gpus()
    except ImportError:
        return False, "GPU: cannot be looked for without TensorFlow", ""
    if found:
        return True, f"GPU: {', '.join(found)}", ""
    advice = "None is needed: the quick profile is made for a CPU."
    if in_colab():
        advice = (
            "In Colab, Runtime → Change runtime type → T4 GPU switches one on "
            "(and starts the notebook afresh)."
        )
    return True, f"GPU: none, training runs on the {device()}", advice


def memory():
    """Look whether the free memory, in a container the container's, is enough for a chapter.

    Returns
    -------
    ok : bool
    found, advice : str
        What was found, and what to do; the latter is empty where it is enough.
    """
    import psutil

    machine, container = psutil.virtual_memory().available, _free_in_container()
    free = min(machine, container) / GIGABYTE
    ok = free >= MEMORY
    elsewhere = "shut down other notebooks (Running Terminals and Kernels) and close programs"
    if in_colab():
        elsewhere = "end other sessions (Runtime → Manage sessions)"
    advice = (
        f"A chapter may take {MEMORY} GB, and where there is less its kernel dies without a word: "
        f'{elsewhere}, or go on with small made-up data: profile="sample".'
    )
    where = " in this container" if container < machine else ""
    return ok, f"Memory: {free:.1f} GB free{where}", "" if ok else advice


def _free_in_container(system=Path("/")):
    """Return how many bytes the limits of a container or batch job leave; inf without a limit."""
    listed = system / "proc/self/cgroup"
    free = [math.inf]
    for line in listed.read_text().splitlines() if listed.exists() else []:
        _, controllers, group = line.split(":", 2)
        if controllers not in _CONTROL_GROUPS:
            continue
        folder, limit, used, cache = _CONTROL_GROUPS[controllers]
        # A limit holds for the groups below. Within a container its own group is often the root.
        for path in (PurePosixPath(group), *PurePosixPath(group).parents):
            here = system / folder / path.relative_to("/")
            try:
                left = int((here / limit).read_text()) - int((here / used).read_text())
                lines = (here / "memory.stat").read_text().splitlines()
                free.append(left + int(dict(map(str.split, lines))[cache]))
            except (OSError, ValueError):
                continue  # no such group to be seen from here, or "max": it sets no limit
    return min(free)


def _disk():
    from course_utils.datasets import fetch

    folder = fetch.data_dir()
    # Path.exists raises where a folder may not be entered.
    existing = next((p for p in (folder, *folder.parents) if os.path.exists(p)), None)
    if existing is None:
        return False, f"Disk: there is no {folder.anchor}", "Set COURSE_DATA_DIR to another folder."
    free = shutil.disk_usage(existing).free / GIGABYTE
    ok = free >= 2
    advice = "" if ok else "Free 2 GB, or set COURSE_DATA_DIR to a folder on another disk."
    return ok, f"Disk: {free:.0f} GB free where the data is kept", advice


def _data(run):
    from course_utils.datasets import catalog, download, fetch

    if run.profile in MADE_UP:
        return True, "Data: made up on this machine, no download needed", ""
    if fetch.provenance(fetch.data_dir() / "sunnybrook"):
        return True, "Data: the heart images are on this machine already", ""
    mirror = download.Sources(os.environ.get("COURSE_MIRROR", ""), fetch.data_dir())
    archive = catalog.get("sunnybrook").archives[0]
    where = mirror.in_mirror(archive.name) if mirror.mirror else archive.url
    advice = (
        "Check the network, or set COURSE_MIRROR to a folder or address that has the archives, or "
        "go on with made-up data: COURSE_PROFILE=showcase."
    )
    if not download.is_http(where):
        ok = os.path.isfile(where)
        return ok, f"Data: mirror {'has' if ok else 'lacks'} {archive.name}", "" if ok else advice
    try:
        download.ask(where, timeout=10)
    except download.Unavailable as error:
        reason = " ".join(str(error).split())  # a server may have answered lines of anything
        return False, f"Data: no answer from {where} ({reason})", advice
    return True, "Data: the archive answers", ""


def _profile(run):
    advice = {
        "sample": "Made-up images, a minute or two. For the real data: COURSE_PROFILE=quick.",
        "showcase": "Made-up images, minutes on a CPU. For the real data: COURSE_PROFILE=quick.",
        "quick": "Real data, minutes on a CPU. For the published schedules: COURSE_PROFILE=full.",
        "full": "Real data, the published schedules. For a shorter run: COURSE_PROFILE=quick.",
    }[run.profile]
    return True, f"Profile: {run.profile} ({run.why})", advice


def milliseconds(model, batch_size=8, batches=4, repeats=1):
    """Measure how long a model needs for one picture, once its graph is built.

    Parameters
    ----------
    model : keras.Model
        With one input of fixed size.
    batch_size, batches : int
        So many pictures at a time, and so many times.
    repeats : int
        The fastest of so many measurements counts: what else the machine does only adds time.

    Returns
    -------
    float
        Milliseconds a picture by the clock.
    """
    import keras

    if isinstance(model, keras.Model):  # without the settings it was compiled with: `run_eagerly`
        model = keras.Model(model.inputs, model.outputs)
    pictures = np.zeros((batch_size * batches, *model.input_shape[1:]), np.float32)

    def predict():
        model.predict(pictures, batch_size=batch_size, verbose=0)

    return time_call(predict, repeats=repeats, warm_up=1) / len(pictures)


def time_call(function, *arguments, repeats=10, warm_up=2):
    """Measure how long a function takes, once its graph is built.

    Parameters
    ----------
    function : callable
    *arguments
    repeats, warm_up : int, optional
        Calls that count, and calls before them that do not.

    Returns
    -------
    float
        Milliseconds by the clock of the fastest call: what else the machine does only adds time.
    """
    for _ in range(warm_up):
        function(*arguments)
    taken = []
    for _ in range(repeats):
        _wait_for_devices()  # a GPU may still be at work
        begin = time.perf_counter()
        function(*arguments)
        _wait_for_devices()
        taken.append(time.perf_counter() - begin)
    return 1000 * min(taken)


def _wait_for_devices():
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.test.experimental.sync_devices()


def silence_tensorflow():
    """Keep TensorFlow from warning of retracing: a chapter builds many networks, on purpose."""
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")


@contextmanager
def quiet_stderr():
    """Drop what TensorFlow's C++ code writes to standard error while it is imported.

    On a machine without a GPU that is a page of remarks about CUDA, and no log level reaches the
    first of them. Whatever goes wrong is still raised as a Python exception.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    saved = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def processor():
    """Return the processor's name."""
    return cpu_info("model name") or platform.processor() or platform.machine()


def cpu_info(key):
    """Return the first value of `key` in Linux's /proc/cpuinfo, "" elsewhere."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")
