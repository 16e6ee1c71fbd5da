"""How much faster a data set loads the second time.

    COURSE_MIRROR=/path/to/mirror python benchmarks/second_load.py

First load: get a set's archives from the mirror, check, unpack and decode them. Second load: what
every later start of a chapter does. Both in this run, on this machine, in a temporary folder that
is deleted afterwards; the second load is the median of five. For the Stanford Background data the
arrays are the 8 regions at 224 x 288; where the mirror holds a stand-in for it, its name is
printed.
"""

import dataclasses
import os
import statistics
import sys
import tempfile
import time
from functools import partial

from common import heading

from course_utils.datasets import CourseDataError, catalog, fetch, stanford_background, sunnybrook

# By data set: what loads all of it from a folder, in one or more parts.
PARTS = {
    "sunnybrook": [partial(sunnybrook.load, split) for split in catalog.SUNNYBROOK.pairs],
    "stanford_background": [partial(stanford_background.load, "regions", (224, 288))],
}


def load_all(name: str, root: str) -> tuple[float, str]:
    """Seconds to get and load a data set, and its title."""
    entry = catalog.get(name)
    archives = tuple(dataclasses.replace(archive, url="") for archive in entry.archives)
    entry = dataclasses.replace(entry, archives=archives)  # from the mirror or not at all
    start = time.perf_counter()
    folder = fetch.fetch(entry, root=root, progress=False)
    pairs = sum(len(load(root=folder)) for load in PARTS[name])
    seconds = time.perf_counter() - start
    facts = fetch.provenance(folder)
    if pairs != sum(facts["pairs"].values()):
        raise RuntimeError(f"loaded {pairs} pairs of {facts['title']}")
    return seconds, facts["title"]


def main() -> int:
    """Print both times and their ratio for each data set."""
    if not os.environ.get("COURSE_MIRROR"):
        print("Set COURSE_MIRROR: over the internet this would time the network.", file=sys.stderr)
        return 1
    heading("numpy", "opencv-python", "pooch")
    for name in PARTS:
        with tempfile.TemporaryDirectory() as root:
            try:
                first, title = load_all(name, root)
            except CourseDataError as error:
                print(f"{name}: left out. {error.tried} {error.came_back}")
                continue
            second = statistics.median(load_all(name, root)[0] for _ in range(5))
        print(
            f"{title}: first load {first:.3f} s, second load {second:.3f} s: "
            f"{first / second:.0f} times faster"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
