"""Dates, figs and hazelnuts on a table: photographs that a stranger annotated with LabelMe.

They lie in a folder of a repository that holds other files too; `course_utils.datasets.own_data`
reads that folder, as it reads anybody's own.
"""

import hashlib
from pathlib import Path

from .catalog import LABELME_FRUIT, DatasetEntry
from .download import expand_path
from .errors import fault_in
from .fetch import fetch, provenance
from .own_data import read

# GitHub packs the archive when it is asked for, so that its bytes are not fixed; these files' are.
# They hold outlines and photographs both: SHA-256 of 0.json … 13.json, one after the other.
CONTENT = "4471c8e3a4a0d5ffa06c8a8ae7e20441857be51e503a3fd7a007a5dc19d804b9"


def locate(root: Path | str | None = None) -> Path:
    """Return the folder with photographs and LabelMe files, for `own_data.read`.

    Parameters
    ----------
    root : path, optional
        Folder that `fetch` returned; default: fetch it. Any other folder, such as one with
        pictures of your own, is returned as it is.

    Raises
    ------
    CourseDataError
        If there is no such folder in what was fetched.
    """
    root = fetch(LABELME_FRUIT) if root is None else expand_path(root)
    return _with_pictures(root) if provenance(root) else root


def check(folder: Path, entry: DatasetEntry) -> None:
    """Check a freshly unpacked folder: number and hash, whole pictures, shapes that can be drawn.

    Raises
    ------
    CourseDataError
        Naming the files at fault.
    """
    own, count = read(_with_pictures(folder)), sum(entry.pairs.values())
    if len(own) < count:
        raise fault_in(folder, "photographs of fruit", f"there are {len(own)}, not {count}")
    if entry == LABELME_FRUIT:
        files = [_with_pictures(folder) / f"{number}.json" for number in range(count)]
        content = b"".join(file.read_bytes() for file in files if file.is_file())
        found = hashlib.sha256(content).hexdigest()
        if found != CONTENT:
            problem = f"the SHA-256 of its LabelMe files is {found}, not {CONTENT}"
            raise fault_in(folder, "photographs of fruit", problem)
    for _ in own:  # decodes each, and draws its shapes
        pass


def _with_pictures(root: Path) -> Path:
    found = sorted(root.rglob("0.json"))
    if not found:
        raise fault_in(root, "photographs of fruit", "there is no file 0.json")
    return found[0].parent
