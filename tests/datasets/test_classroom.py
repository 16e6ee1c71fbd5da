"""Forty kernels of one machine that start at once, with one mirror and no data yet."""

import hashlib
import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_scenes import TinyScenes

from course_utils.datasets import catalog, weights

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork on Windows")

KERNELS = 40
FILE = "weights/mobilenet_1_0_224_tf_no_top.h5"
CONTENT = b"\x89HDF\r\n\x1a\n" + bytes(range(256))

# Forked, because an interpreter each would cost the suite far more than the work itself. The gate
# is a pipe: all of them wait at its end until the other one is closed.
CLASSROOM = """
import hashlib, json, os, pickle, signal, sys, traceback
from pathlib import Path
import requests
from course_utils.datasets import fetch, stanford_background, sunnybrook, unpack, weights

entries, encoder, stand_ins, mirror, data, out, kernels, how = pickle.load(sys.stdin.buffer)
fetch.stand_ins = lambda entry: stand_ins if entry.name == "stanford_background" else {}

def note(what):
    with open(out / "worked", "a") as file:
        file.write(what + "\\n")

def noted(module):
    install = module._install
    def call(entry, *rest):
        note(entry.archive.name if module is weights else entry.name)
        return install(entry, *rest)
    module._install = call

def killed_once(*args):
    if not (out / "killed").exists():
        (out / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return copy(*args)

noted(fetch), noted(weights)
copy = unpack._copy
if how == "one is killed":
    unpack._copy = killed_once

def digest(folder):
    files = sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

def kernel(number):
    got = {}
    for entry in entries:
        folder = fetch.fetch(entry, mirror=mirror, progress=False)
        got[folder.name] = digest(folder)
        if entry.layout == "sunnybrook":
            got["images"] = len(sunnybrook.load("train", folder))
        else:
            got["scenes"] = len(stanford_background.load("regions", (8, 8), folder))
    path = Path(weights.fetch_file(encoder, fetch.data_dir(), mirror, progress=False))
    got[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    (out / f"{number}.json").write_text(json.dumps(got))

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


@pytest.fixture
def mirror(tiny, tmp_path):
    """Tiny sets, and scenes in another's place, so that the mirror is asked before any lock."""
    folder = tiny.mirror(tmp_path / "the class mirror")
    scenes = TinyScenes()
    sums = (folder / "SHA256SUMS").read_text()
    sums += (scenes.mirror(folder) / "SHA256SUMS").read_text()
    (folder / "weights").mkdir()
    (folder / FILE).write_bytes(CONTENT)
    (folder / "SHA256SUMS").write_text(f"{sums}{hashlib.sha256(CONTENT).hexdigest()}  {FILE}\n")
    return folder


@pytest.fixture
def address(request, mirror, tmp_path, monkeypatch):
    """The mirror's folder, or its address at Python's own web server, and that server's log."""
    log = tmp_path / "http.log"
    if request.param == "folder":
        yield str(mirror), None
        return
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    from classroom import served

    with served(mirror, log) as url:
        yield f"{url}/", log


@pytest.mark.parametrize(
    ("address", "how"),
    [("folder", ""), ("http", ""), ("folder", "one is killed")],
    indirect=["address"],
    ids=["folder", "http.server", "the first one is killed"],
)
def test_forty_kernels_at_once(tiny, mirror, address, data, tmp_path, monkeypatch, how):
    place, log = address
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.setenv("COURSE_DATA_DIR", str(data))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    digest = hashlib.sha256((mirror / "iccv09Data.tar.gz").read_bytes()).hexdigest()
    stand_ins = {digest: TinyScenes().entry(name="others", title="Other scenes")}
    encoder = weights.EncoderWeights("mobilenet", catalog.Archive(FILE, "", size=9))
    entries = [tiny.entry(), TinyScenes().entry()]
    done = subprocess.run(
        [sys.executable, "-c", CLASSROOM],
        input=pickle.dumps((entries, encoder, stand_ins, place, data, out, KERNELS, how)),
        capture_output=True,
        timeout=300,
    )
    statuses = json.loads(done.stdout)
    killed = [-9] if how else []
    assert sorted(statuses) == killed + [0] * (KERNELS - len(killed)), done.stderr.decode()

    # All have the same, and it is what the mirror's archives hold.
    got = [json.loads(path.read_text()) for path in out.glob("*.json")]
    assert len(got) == KERNELS - len(killed) and all(one == got[0] for one in got)
    hearts = {name: hashlib.sha256(content).hexdigest() for name, content in tiny.files.items()}
    assert got[0]["sunnybrook"] == hearts and got[0]["images"] == 3
    assert sorted(got[0]["others"]) == sorted(TinyScenes().files) and got[0]["scenes"] == 3
    assert got[0][Path(FILE).name] == hashlib.sha256(CONTENT).hexdigest()

    # One worked (and one more where the first was killed), the others waited.
    worked = (out / "worked").read_text().split()
    assert sorted(worked) == sorted(["sunnybrook"] * (1 + len(killed)) + ["others", FILE])
    if log:
        asked = re.findall(r'"GET (\S+)', log.read_text())
        for name in ("train.zip", "val.zip", "iccv09Data.tar.gz", FILE):
            assert asked.count(f"/{name}") == 1
    names = [path.name for path in data.rglob("*")]
    assert not [name for name in names if ".part" in name or name == "former"]
    assert {p.name for p in data.iterdir() if p.suffix != ".lock"} == {
        "sunnybrook",
        "others",
        "weights",
    }
