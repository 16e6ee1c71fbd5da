"""Get the course's data sets and encoder weights now, so that no chapter has to wait for them.

    python data_scripts/fetch_data.py --list
    python data_scripts/fetch_data.py sunnybrook
    python data_scripts/fetch_data.py --weights mobilenet resnet34
    python data_scripts/fetch_data.py --root /big/disk --mirror /media/stick

COURSE_DATA_DIR and COURSE_MIRROR are honoured; the options come before them.
"""

import argparse
import sys
from pathlib import Path

from course_utils.datasets import CourseDataError, catalog, fetch, weights


def main(argv: list[str] | None = None) -> int:
    """Fetch what is named; 0 if all is there, 1 if something could not be had."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    loadable = [name for name, entry in catalog.CATALOG.items() if entry.layout]
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"{', '.join(catalog.CATALOG)}; default: {', '.join(loadable)}, "
        "or none where --weights is given",
    )
    parser.add_argument(
        "--weights",
        nargs="+",
        default=[],
        choices=weights.WEIGHTS,
        metavar="BACKBONE",
        help=f"encoders whose ImageNet weights to fetch: {', '.join(weights.WEIGHTS)}",
    )
    parser.add_argument("--list", action="store_true", help="say what there is, and fetch nothing")
    parser.add_argument("--root", type=Path, help="folder to keep data in")
    parser.add_argument("--mirror", help="folder or http(s) address tried first; '' for none")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    options = parser.parse_args(argv)
    try:
        entries = [
            catalog.get(name) for name in options.names or (not options.weights and loadable) or ()
        ]
    except ValueError as error:
        parser.error(str(error))
    root = options.root or fetch.data_dir()
    if options.list:
        for entry in catalog.CATALOG.values():
            print(_in_lines(entry, root))
        for known in weights.WEIGHTS.values():
            path = root / weights.FOLDER / known.file
            here = f"in {path}" if weights.provenance(path) else "not fetched yet"
            print(f"{known.title}: about {known.archive.size / 1e6:.0f} MB to download; {here}")
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
            licence = fetch.provenance(folder)["licence"]
            print(f"{folder}\n  {fetch.describe(folder)}\n  licence: {licence}")
    for backbone in options.weights:
        try:
            path = weights.fetch_weights(backbone, options.mirror, not options.quiet, root)
        except CourseDataError as error:
            print(error, file=sys.stderr)
            failed = 1
        else:
            print(f"{path}\n  {weights.describe_weights(path)}")
    return failed


def _in_lines(entry: catalog.DatasetEntry, root: Path) -> str:
    pairs = " + ".join(f"{count} {split}" for split, count in entry.pairs.items())
    size = sum(archive.size or 0 for archive in entry.archives) / 1e6
    folders = [root / kept.name for kept in (entry, *catalog.stand_ins(entry).values())]
    here = [f"{f['title']} in {folder}" for folder in folders if (f := fetch.provenance(folder))]
    return (
        f"{entry.name}: {entry.title}\n  {pairs} pairs, about {size:.0f} MB to download; "
        f"{'; '.join(here) or 'not fetched yet'}\n"
        f"  licence: {entry.licence}\n  {entry.homepage}"
    )


if __name__ == "__main__":
    sys.exit(main())
