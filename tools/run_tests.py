"""Run the tests in parts, two side by side: the package's, and each chapter under nbval.

    python tools/run_tests.py                      everything
    python tools/run_tests.py package
    python tools/run_tests.py 02_mri_fcn --profile quick --cell-timeout 3600

A chapter runs once, as a copy in build/tests/ that has its solutions filled in, and each check must
accept its solution. Each part is a process of its own with its log beside the copies, so a cell
that takes too long and a kernel that dies end their chapter and nothing else.
"""

import argparse
import contextlib
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil

from course_utils.runtime import PROFILES

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
BUILD = ROOT / "build" / "tests"
PACKAGE = "package"
SPARE = 60  # seconds in which a kernel starts, and nbval notices a cell's timeout by itself
FOLDED = re.compile(
    r"<details>\s*<summary>Solution</summary>\n\n.*```python\n(.+?)\n```.*\n\n</details>", re.DOTALL
)
ACCEPTED = '''

def accepted(check, *answer):
    """Call a check, which must say that the answer is right."""
    verdict = check(*answer)
    assert str(verdict).startswith("✓"), verdict
    return verdict
'''


@dataclass
class Part:
    """A part of the tests: what is run, where its log is, and what came of it.

    Attributes
    ----------
    name : str
        "package" or a chapter's name.
    command : list of str
    log : pathlib.Path
        A chapter's copy lies beside it.
    limit : float
        Seconds without a line in the log after which the part is ended.
    """

    name: str
    command: list
    log: Path
    limit: float = float("inf")
    seconds: float = 0.0
    ok: bool = False
    result: str = ""


def solution_code(cell):
    """Return the Python code of a folded solution, or None if it is not folded as it should be."""
    match = FOLDED.search(cell["source"])
    return match[1] if match else None


def fill_in(stub, solution):
    """Return a stub cell's source with the solution put before its check."""
    lines = stub.splitlines()
    check = next(i for i, line in enumerate(lines) if "exercises.check_" in line)
    return "\n".join([*lines[:check], solution, *lines[check:]])


def solve(notebook):
    """Fill in a chapter's solutions, and let each check insist on its own.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Is changed.

    Raises
    ------
    ValueError
        If a stub is not followed by a folded solution.
    """
    setup = next(cell for cell in notebook.cells if cell.cell_type == "code")
    setup.source += ACCEPTED
    for stub, after in zip(notebook.cells, notebook.cells[1:], strict=False):
        if "exercise-stub" in stub.metadata.get("tags", []):
            solution = solution_code(after)
            if solution is None:
                raise ValueError(f"no folded solution with Python code after the cell {stub.id!r}")
            source = fill_in(stub.source, solution)
            stub.source = re.sub(r"\bexercises\.(check_\w+)\(", r"accepted(exercises.\1, ", source)


def package_part():
    """Return the `Part` that runs the tests of the package."""
    command = [sys.executable, "-m", "pytest", "--durations=10", "tests"]
    return Part(PACKAGE, command, BUILD / f"{PACKAGE}.log")


def chapter_part(path, cell_timeout):
    """Write the solved copy of a chapter; return the `Part` that runs it under nbval."""
    notebook = nbformat.read(path, as_version=4)
    solve(notebook)
    nbformat.write(notebook, BUILD / path.name)
    # --assert=plain: nothing in pytest's own process that the end of a cell could interrupt.
    options = (
        "-p no:python -p no:cacheprovider --assert=plain --color=no -v -x --durations=5 "
        f"--nbval-lax --nbval-current-env --nbval-cell-timeout={cell_timeout}"
    ).split()
    command = [sys.executable, "-m", "pytest", *options, str(BUILD / path.name)]
    return Part(path.stem, command, BUILD / f"{path.stem}.log", cell_timeout + SPARE)


def run(part, environment, echo=False):
    """Run a part to its end and note what came of it.

    Parameters
    ----------
    part : Part
    environment : dict of str to str
    echo : bool, optional
        Print the log while it grows, and not only where the part fails.
    """
    began = time.monotonic()
    with open(part.log, "w", encoding="utf-8") as log:
        process = subprocess.Popen(
            part.command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        ended = _watch(process, part, echo)
    finally:
        _kill(process)
    text = _read(part.log)
    part.seconds = time.monotonic() - began
    part.ok = not ended and process.returncode == 0
    part.result = text.rstrip().rpartition("\n")[2].strip("= ").partition(" in ")[0]
    if not part.ok and part.name != PACKAGE:
        if late := re.search(r"Timeout of ([\d.]+) seconds exceeded", text):
            ended = f"took longer than {late[1]} s"
        part.result = (ended or "failed") + _where(part, text)
    if not part.ok and not echo:
        print(text, flush=True)


def _watch(process, part, echo):
    """Wait until a process ends; return why it has to be ended before, if it has."""
    printed, grew, dead = 0, time.monotonic(), 0
    while True:
        running = process.poll() is None
        text = _read(part.log)
        if len(text) > printed:
            print(text[printed:] if echo else "", end="", flush=True)
            printed, grew = len(text), time.monotonic()
        if not running:
            return ""
        # nbval waits out its timeout for a kernel that is dead.
        dead = dead + 1 if part.name != PACKAGE and _has_dead_child(process) else 0
        if dead > 4:
            return "its kernel died (was there enough memory?)"
        if time.monotonic() - grew > part.limit:
            return f"took longer than {part.limit:g} s"
        time.sleep(0.5)


def _read(log):
    return log.read_text(encoding="utf-8", errors="replace")  # it may end within a letter


def _has_dead_child(process):
    try:
        children = psutil.Process(process.pid).children()
        return any(child.status() == psutil.STATUS_ZOMBIE for child in children)
    except psutil.NoSuchProcess:
        return False


def _kill(process):
    """End a process and what it has started, where it still runs."""
    if process.poll() is None:
        for one in [*psutil.Process(process.pid).children(recursive=True), process]:
            with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended by itself
                one.kill()
        process.wait()


def _where(part, text):
    """Name the cell that a chapter's log mentions last."""
    found = re.findall(r"::Cell (\d+)", text)
    if not found:
        return " before its first cell"
    notebook = nbformat.read(part.log.with_suffix(".ipynb"), as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return f" in cell {code[int(found[-1])].id!r}"


def settings(profile, side_by_side):
    """Return the environment variables of the parts; what runs side by side shares the cores."""
    found = {key: value for key, value in os.environ.items() if key != "COURSE_RESULTS"}
    found |= {"COURSE_PROFILE": profile, "COURSE_SEED": "0", "PYTHONUTF8": "1"}
    if side_by_side > 1:
        threads = str(max(1, (os.cpu_count() or 1) // side_by_side))
        names = "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"
        found |= dict.fromkeys(names, threads) | {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    return found


def main(arguments=None):
    """Run the command line; return whether something failed."""
    sys.stdout.reconfigure(errors="replace")  # what the terminal has no letter for
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", help="package, or chapters by name; default: all")
    parser.add_argument("--profile", default="sample", choices=PROFILES)
    parser.add_argument("--cell-timeout", type=int, default=600, help="seconds a cell may take")
    parser.add_argument("--jobs", type=int, default=2, help="how many parts run side by side")
    options = parser.parse_args(arguments)
    paths = {path.stem: path for path in sorted(NOTEBOOKS.glob("*.ipynb"), reverse=True)}
    known = [PACKAGE, *paths]  # the longest first: the package, then the later chapters
    if unknown := set(options.parts) - set(known):
        parser.error(f"no part {', '.join(unknown)}; there are: {', '.join(known)}")
    names = [name for name in known if name in options.parts or not options.parts]

    BUILD.mkdir(parents=True, exist_ok=True)
    parts = [
        package_part() if name == PACKAGE else chapter_part(paths[name], options.cell_timeout)
        for name in names
    ]
    began, jobs = time.monotonic(), min(options.jobs, len(parts))
    print(f"{', '.join(names)}: {jobs} side by side, with a log of each in {BUILD}", flush=True)
    environment = settings(options.profile, jobs)
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda part: run(part, environment, echo=len(parts) == 1), parts))
    for part in sorted(parts, key=lambda part: part.name):
        print(
            f"{'ok    ' if part.ok else 'FAILED'} {part.seconds:5.0f} s  {part.name}: {part.result}"
        )
    print(f"       {time.monotonic() - began:5.0f} s  in all, {jobs} side by side")
    return not all(part.ok for part in parts)


if __name__ == "__main__":
    sys.exit(main())
