"""Forty kernels of one machine start at once, with one mirror and no data yet.

    python benchmarks/classroom.py
    python benchmarks/classroom.py --http
    COURSE_MIRROR=/path/to/mirror python benchmarks/classroom.py --http --kernels 10

Each kernel is an interpreter of its own that fetches whatever the mirror holds: the made-up data,
or, with ``COURSE_MIRROR`` set to a folder, the real. ``--http`` puts ``python -m http.server`` in
between; ``--apart`` gives each kernel a data folder of its own, as on forty machines. One line is
printed for what each data set cost, and the exit status is 0 where all finished with the same
files, each was unpacked once a data folder, and nothing half-written is left.
"""

import argparse
import collections
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import heading

KERNEL = """
import hashlib, json, os, pathlib, sys, time
from course_utils.datasets import catalog, fetch, samples, weights
jobs, gate = json.loads(sys.argv[1]), pathlib.Path(sys.argv[2])
install, worked = (fetch._install, weights._install), []
def noted(i):
    return lambda thing, *rest: (worked.append(thing.title), install[i](thing, *rest))[1]
fetch._install, weights._install = noted(0), noted(1)
entries = catalog.CATALOG | {entry.name: entry for entry in samples.SAMPLES.values()}
print("ready", flush=True)
while not gate.exists():
    time.sleep(0.05)
digest, start = hashlib.sha256(), time.time()
for kind, name, mirror in jobs:
    if kind == "data":
        path = fetch.fetch(entries[name], mirror=mirror, progress=False)
    else:
        path = pathlib.Path(weights.fetch_weights(name, mirror, progress=False))
    # The archives were compared with their hashes: names and sizes are enough here.
    for file in sorted([path] if path.is_file() else path.rglob("*")):
        if file.name != ".course.json":
            digest.update(f"{file.relative_to(path.parent)} {file.stat().st_size}\\n".encode())
seconds = time.time() - start
print(json.dumps([digest.hexdigest(), worked, seconds, sum(os.times()[:2])]))
"""


def what_there_is(scratch):
    """A folder to serve and the jobs: [kind, name, path below that folder]."""
    from course_utils.datasets import catalog, samples, weights
    from course_utils.datasets.download import mirror_sums, read_sums

    if not os.environ.get("COURSE_MIRROR"):
        folder = scratch / "mirrors"
        entries = samples.SAMPLES.items()
        return folder, [["data", e.name, samples.mirror(folder, n).name] for n, e in entries]
    folder = Path(os.environ["COURSE_MIRROR"]).absolute()
    held = read_sums(mirror_sums(str(folder), scratch))
    sets = [e for e in catalog.CATALOG.values() if all(a.name in held for a in e.archives)]
    encoders = [w for w in weights.WEIGHTS.values() if w.archive.name in held]
    jobs = [["data", entry.name, ""] for entry in sets]
    return folder, jobs + [["weights", encoder.backbone, ""] for encoder in encoders]


@contextlib.contextmanager
def served(folder, log):
    """The address of Python's own web server on a folder."""
    with log.open("w") as errors:
        server = subprocess.Popen(
            [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            port = re.search(r"port (\d+)", server.stdout.readline())[1]
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.communicate(timeout=30)


def start_all(kernels, jobs, scratch, apart):
    """Start the kernels, open the gate once all are ready; their processes, answers and seconds."""
    gate = scratch / "gate"
    processes = []
    for number in range(kernels):
        data = scratch / (f"data-{number}" if apart else "data")
        setting = {"COURSE_DATA_DIR": str(data), "COURSE_MIRROR": "", "NO_PROXY": "127.0.0.1"}
        setting["PYTHONPATH"] = str(Path(__file__).resolve().parents[1])
        command = [sys.executable, "-c", KERNEL, json.dumps(jobs), str(gate)]
        processes.append(
            subprocess.Popen(
                command, stdout=subprocess.PIPE, text=True, env={**os.environ, **setting}
            )
        )
    for process in processes:
        process.stdout.readline()
    start = time.perf_counter()
    gate.touch()
    texts = [process.communicate()[0] for process in processes]
    seconds = time.perf_counter() - start
    statuses = [process.returncode for process in processes]
    return [json.loads(t) for t, s in zip(texts, statuses, strict=True) if s == 0], seconds


def main():
    """Print what happened; 0 if it is what should."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kernels", type=int, default=40)
    parser.add_argument("--http", action="store_true", help="by python -m http.server")
    parser.add_argument("--apart", action="store_true", help="a data folder for each kernel")
    options = parser.parse_args()
    heading("filelock", "pooch")
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
        scratch = Path(scratch)
        folder, jobs = what_there_is(scratch)
        log = scratch / "http.log"
        place = stack.enter_context(served(folder, log)) if options.http else str(folder)
        jobs = [[kind, name, f"{place}/{below}"] for kind, name, below in jobs]
        answers, seconds = start_all(options.kernels, jobs, scratch, options.apart)
        worked = collections.Counter(title for answer in answers for title in answer[1])
        folders = options.kernels if options.apart else 1
        same = len({answer[0] for answer in answers}) == 1
        left = [p for p in scratch.glob("data*/**/*") if p.name.endswith((".part", ".new"))]
        print(
            f"{len(answers)} of {options.kernels} kernels finished in {seconds:.1f} s, "
            f"{'all with the same files' if same else 'NOT with the same files'}; the fastest "
            f"after {min(a[2] for a in answers):.1f} s; {sum(a[3] for a in answers):.1f} s of "
            f"processor time, start included; half-written files left: {len(left)}"
        )
        for title, times in worked.items():
            print(f"unpacked {times} × in {folders} data folder(s): {title}")
        asked = collections.Counter(
            re.findall(r'"GET (\S+)', log.read_text() if log.exists() else "")
        )
        for path, times in asked.items():
            print(f"asked for {times} ×: {path}")
    once = len(worked) == len(jobs) and set(worked.values()) == {folders}
    return 0 if len(answers) == options.kernels and same and once and not left else 1


if __name__ == "__main__":
    sys.exit(main())
