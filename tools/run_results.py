"""Run a chapter on the real data and keep the figures in results/.

    .venv/bin/python tools/run_results.py 02_mri_fcn --seeds 0 1 2 --profile full

The chapter writes results/CHAPTER.json as its trainings end. The executed notebook and what it
printed are left in build/results/, out of git: its figures show images of the data set.
"""

import argparse
import os
import sys
import time
from pathlib import Path

# nbformat by way of the module that says what to do where it is not installed.
from notebooks import FAILURES, NOTEBOOKS, ROOT, execute, nbformat


def run_chapter(path, seed, profile, *, results, build):
    """Execute one chapter once; True if it reached its end.

    Parameters
    ----------
    path : pathlib.Path
        The notebook.
    seed : int
    profile : {"quick", "full"}
    results, build : pathlib.Path
        Folders of the figures, and of the executed notebook and its log.
    """
    name = f"{path.stem}-{profile}-seed{seed}"
    build.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.read(path, as_version=4)
    settings = {
        "COURSE_PROFILE": profile,
        "COURSE_SEED": str(seed),
        "COURSE_RESULTS": str(results),
    }
    begin, before = time.monotonic(), os.times()
    with (build / f"{name}.log").open("w", encoding="utf-8") as log:

        def echo(text):
            for out in (sys.stdout, log):
                out.write(text)
                out.flush()

        try:
            execute(notebook, path.parent, echo=echo, **settings)
        except FAILURES as error:
            echo(f"\n{name} stopped: {type(error).__name__}; see the traceback above.\n")
            return False
        finally:
            nbformat.write(notebook, build / f"{name}.ipynb")
        echo(f"\n{name}: done in {time.monotonic() - begin:.0f} s{cost(before)}\n")
    return True


def cost(before):
    """Say what the kernel needed; nothing where it is not known.

    Parameters
    ----------
    before : os.times_result
        Taken before the kernel's start.
    """
    try:
        import resource
    except ImportError:  # Windows
        return ""
    now, unit = os.times(), 1 if sys.platform == "darwin" else 1024
    seconds = sum(now[2:4]) - sum(before[2:4])  # those of child processes that have ended
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
    return f", {seconds:.0f} s of processor time, up to {most / 1e9:.1f} GB of memory"


def main(arguments=None):
    """Run the command line; 0 if every run reached its end."""
    sys.stdout.reconfigure(errors="replace")  # what the terminal has no letter for
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    chapters = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
    parser.add_argument("chapter", choices=chapters)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--profile", choices=("sample", "quick", "full"), default="full")
    parser.add_argument("--results", type=Path, default=ROOT / "results", help="folder to write")
    chosen = parser.parse_args(arguments)
    if chosen.profile == "sample":
        parser.error("figures on made-up data are no results: quick or full (make: PROFILE=quick)")
    path, results = NOTEBOOKS / f"{chosen.chapter}.ipynb", chosen.results.resolve()
    reached_end = [
        run_chapter(path, seed, chosen.profile, results=results, build=ROOT / "build" / "results")
        for seed in chosen.seeds
    ]
    return 0 if all(reached_end) else 1


if __name__ == "__main__":
    sys.exit(main())
