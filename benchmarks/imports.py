"""How long it takes to import the parts of the course that need no TensorFlow.

    python benchmarks/imports.py

Each in fresh interpreters, interleaved, median of the rounds. An interpreter that imports nothing
is timed too; its time is not taken off. The aim is less than a second, and it is an error if a
module brings TensorFlow or Keras along. On a machine that other programs use as well,
`--processor-time` counts the interpreters' processor time instead of the clock's.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from common import heading, interleaved

MODULES = (
    "course_utils",
    "course_utils.metrics",
    "course_utils.datasets",
    "course_utils.datasets.sunnybrook",
    "course_utils.datasets.samples",
    "course_utils.plotting",
    "course_utils.diagrams",
    "course_utils.exercises",
    "course_utils.scoreboard",
    "course_utils.environment",
    "course_utils.runtime",
)
CHECK = "import sys; heavy = {'tensorflow', 'keras'} & set(sys.modules); sys.exit(bool(heavy))"


def importing(module):
    """Return a function that starts a fresh interpreter and imports `module` in it."""
    root = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    code = f"import {module}; {CHECK}"

    def run():
        done = subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path})
        if done.returncode:
            raise RuntimeError(f"{module} cannot be imported, or imports TensorFlow or Keras")

    return run


def _children():
    """Processor time of all interpreters started so far."""
    times = os.times()
    return times.children_user + times.children_system


def main():
    """Print the seconds for each module; end with 1 if one takes a second or more."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processor-time", action="store_true")
    options = parser.parse_args()
    heading("numpy", "matplotlib", "opencv-python", "pooch")
    contestants = {module: importing(module) for module in ("sys", *MODULES)}
    clock = _children if options.processor_time else time.perf_counter
    seconds = interleaved(contestants, options.rounds, clock=clock)
    for module, taken in seconds.items():
        print(f"{taken:6.3f} s  {'(nothing)' if module == 'sys' else module}")
    slowest = max(seconds, key=seconds.get)
    print(f"slowest: {slowest}, {seconds[slowest]:.3f} s (aim: less than 1 s)")
    return int(seconds[slowest] >= 1)


if __name__ == "__main__":
    sys.exit(main())
