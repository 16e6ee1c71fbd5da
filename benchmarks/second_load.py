"""How much faster a data set loads the second time.

    COURSE_MIRROR=/path/to/mirror python benchmarks/second_load.py

First load: get both Sunnybrook archives from the mirror, check, unpack and decode them. Second
load: what every later start of a chapter does. Both in this run, on this machine, in a temporary
folder that is deleted afterwards; the second load is the median of five.
"""

import os
import statistics
import sys
import tempfile
import time

from _common import heading

from course_utils.datasets import fetch, sunnybrook
from course_utils.datasets.catalog import SUNNYBROOK


def load_all(root: str) -> float:
    """Seconds to get and load both splits."""
    start = time.perf_counter()
    folder = fetch.fetch(SUNNYBROOK, root=root, progress=False)
    pairs = sum(len(sunnybrook.load(split, folder)) for split in SUNNYBROOK.pairs)
    seconds = time.perf_counter() - start
    if pairs != sum(SUNNYBROOK.pairs.values()):
        raise RuntimeError(f"loaded {pairs} pairs")
    return seconds


def main() -> int:
    """Print both times and their ratio."""
    if not os.environ.get("COURSE_MIRROR"):
        print("Set COURSE_MIRROR: over the internet this would time the network.", file=sys.stderr)
        return 1
    heading("numpy", "opencv-python", "pooch")
    with tempfile.TemporaryDirectory() as root:
        first = load_all(root)
        second = statistics.median(load_all(root) for _ in range(5))
    print(
        f"first load {first:.3f} s, second load {second:.3f} s: {first / second:.0f} times faster"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
