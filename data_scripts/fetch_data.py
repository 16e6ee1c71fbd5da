"""Get the course's data sets now, so that no chapter has to wait for them.

    python data_scripts/fetch_data.py --list
    python data_scripts/fetch_data.py sunnybrook
    python data_scripts/fetch_data.py --root /big/disk --mirror /media/stick

COURSE_DATA_DIR and COURSE_MIRROR are honoured; the options come before them.
"""

import argparse
import sys
from pathlib import Path

from course_utils.datasets import CourseDataError, catalog, fetch


def main(argv: list[str] | None = None) -> int:
    """Fetch the named data sets; 0 if all are there, 1 if one could not be had."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    loadable = [name for name, entry in catalog.CATALOG.items() if entry.layout]
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"{', '.join(catalog.CATALOG)}; default: {', '.join(loadable)}",
    )
    parser.add_argument("--list", action="store_true", help="say what there is, and fetch nothing")
    parser.add_argument("--root", type=Path, help="folder to keep data in")
    parser.add_argument("--mirror", help="folder or http(s) address tried first; '' for none")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    options = parser.parse_args(argv)
    try:
        entries = [catalog.get(name) for name in options.names or loadable]
    except ValueError as error:
        parser.error(str(error))
    root = options.root or fetch.data_dir()
    if options.list:
        for entry in catalog.CATALOG.values():
            print(_in_lines(entry, root / entry.name))
        return 0
    failed = 0
    for entry in entries:
        try:
            folder = fetch.fetch(
                entry, root=root, mirror=options.mirror, progress=not options.quiet
            )
        except CourseDataError as error:
            print(error, file=sys.stderr)
            failed = 1
        else:
            print(f"{folder}\n  {fetch.describe(folder)}\n  licence: {entry.licence}")
    return failed


def _in_lines(entry: catalog.DatasetEntry, folder: Path) -> str:
    pairs = " + ".join(f"{count} {split}" for split, count in entry.pairs.items())
    size = sum(archive.size or 0 for archive in entry.archives) / 1e6
    here = f"in {folder}" if fetch.provenance(folder) else "not fetched yet"
    return (
        f"{entry.name}: {entry.title}\n  {pairs} pairs, about {size:.0f} MB to download; {here}\n"
        f"  licence: {entry.licence}\n  {entry.homepage}"
    )


if __name__ == "__main__":
    sys.exit(main())
