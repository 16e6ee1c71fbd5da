"""Run a chapter on the real data and keep the figures in results/.

    .venv/bin/python tools/run_results.py 02_mri_fcn --seeds 0 1 2 --profile full

The chapter writes results/CHAPTER.json as its trainings end, and what the run took goes into
results/costs.json: `make readme` makes the tables of minutes and memory from it. The executed
notebook and what it printed are left in build/results/, out of git: its figures show images of the
data set. To measure as on a processor without bfloat16: ONEDNN_MAX_CPU_ISA=AVX2.
"""

import argparse
import json
import os
import sys
import time
from datetime import date
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "data_scripts"))
from own_python import needed

with needed():
    import nbformat

    from course_utils import environment
    from notebooks import FAILURES, NOTEBOOKS, ROOT, execute


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
        found = cost(time.monotonic() - begin, before)
        keep_cost(results / "costs.json", path.stem, profile, found)
        echo(f"\n{name}: done; " + ", ".join(f"{key} {found[key]}" for key in found) + "\n")
    return True


def cost(seconds, before):
    """Return what a run took: minutes, of processor time too, memory, and on what machine.

    Parameters
    ----------
    seconds : float
        By the clock.
    before : os.times_result
        Taken before the kernel's start.
    """
    found = {"minutes": round(seconds / 60, 2)}
    try:
        import resource
    except ImportError:  # Windows
        pass
    else:
        now, unit = os.times(), 1 if sys.platform == "darwin" else 1024
        processor = sum(now[2:4]) - sum(before[2:4])  # that of child processes that have ended
        found["processor_minutes"] = round(processor / 60, 2)
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
        found["gigabytes"] = round(most / 1e9, 1)
    found["device"] = environment.device()
    if limit := os.environ.get("ONEDNN_MAX_CPU_ISA"):
        found["device"] += f", limited to {limit}"
    return found | {"precision": environment.precision(), "date": date.today().isoformat()}


def keep_cost(path, chapter, profile, found):
    """Keep what a chapter took in a profile, the latest for each precision."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    kept.setdefault(chapter, {}).setdefault(profile, {})[found["precision"]] = found
    path.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def main(arguments=None):
    """Run the command line; 0 if every run reached its end."""
    sys.stdout.reconfigure(errors="replace")  # what the terminal has no letter for
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    chapters = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
    parser.add_argument("chapter", choices=chapters)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--profile", choices=("quick", "full"), default="full")
    parser.add_argument("--results", type=Path, default=ROOT / "results", help="folder to write")
    chosen = parser.parse_args(arguments)
    path, results = NOTEBOOKS / f"{chosen.chapter}.ipynb", chosen.results.resolve()
    reached_end = [
        run_chapter(path, seed, chosen.profile, results=results, build=ROOT / "build" / "results")
        for seed in chosen.seeds
    ]
    return 0 if all(reached_end) else 1


if __name__ == "__main__":
    sys.exit(main())
