"""Get the course's data sets and encoder weights now, so that no chapter has to wait for them.

    .venv/bin/python data_scripts/fetch_data.py --list
    .venv/bin/python data_scripts/fetch_data.py sunnybrook
    .venv/bin/python data_scripts/fetch_data.py --weights mobilenet resnet34
    .venv/bin/python data_scripts/fetch_data.py --root /big/disk --mirror /media/stick
    .venv/bin/python data_scripts/fetch_data.py --verify /media/stick

COURSE_DATA_DIR and COURSE_MIRROR are honoured; the options come before them.
"""

import argparse
import os
import sys
from pathlib import Path

from own_python import needed

with needed():
    from mirrors import build_command, known_files, offline, verify

    from course_utils.datasets import CourseDataError, catalog, fetch
    from course_utils.datasets.download import expand_path


def main(argv: list[str] | None = None) -> int:
    """Fetch what is named, or verify a mirror; 0 if all is there, 1 if something is not."""
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
        choices=catalog.WEIGHTS,
        metavar="BACKBONE",
        help=f"encoders whose ImageNet weights to fetch: {', '.join(catalog.WEIGHTS)}",
    )
    parser.add_argument("--list", action="store_true", help="say what there is, and fetch nothing")
    parser.add_argument(
        "--verify",
        nargs="?",
        const="",
        metavar="MIRROR",
        help="fetch nothing; compare each file of a mirror (default: --mirror or COURSE_MIRROR) "
        "with its hash. What is named besides has to be in it",
    )
    parser.add_argument("--root", type=expand_path, help="folder to keep data in")
    parser.add_argument("--mirror", help="folder or http(s) address tried first; '' for none")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    options = parser.parse_args(argv)
    try:
        named = [catalog.get(name) for name in options.names]
    except ValueError as error:
        parser.error(str(error))
    named += [catalog.WEIGHTS[backbone] for backbone in options.weights]
    if options.verify is not None:
        place = options.verify or options.mirror or os.environ.get("COURSE_MIRROR")
        if not place:
            parser.error("which mirror? --verify MIRROR, or set COURSE_MIRROR")
        archives = [archive.name for entry in named for archive in entry.archives]
        return _verify(place, archives, not options.quiet)
    root = options.root or fetch.data_dir()
    if options.list:
        for entry in (*catalog.CATALOG.values(), *catalog.WEIGHTS.values()):
            print(_in_lines(entry, root))
        return 0
    failed = 0
    for entry in named or [catalog.CATALOG[name] for name in loadable]:
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
    return failed


def _verify(place: str, needed: list[str], progress: bool) -> int:
    """Say of each file of a mirror what it is and whether it is whole; 1 if one is not."""
    names, faulty = [], []
    try:
        for name, what, fault in verify(place, needed, progress):
            names.append(name)
            if fault:
                faulty.append(name)
            print(f"FAULT  {name}: {fault}" if fault else f"whole  {name}")
            print(f"       {what}")
    except CourseDataError as error:
        print(error, file=sys.stderr)
        return 1
    if others := [name for name in known_files() if name not in names]:
        print(f"Not in this mirror, which is no fault: {', '.join(others)}")
    print("Without a network, with this mirror:")
    for line in offline([name for name in names if name not in faulty]):
        print(f"  {line}")
    if not faulty:
        print(f"All {len(names)} files of {place} have the hash that its SHA256SUMS says.")
        return 0
    command = build_command(place, faulty)
    print(
        f"{len(faulty)} at fault in {place}: {', '.join(faulty)}.\n"
        "Copy the files and SHA256SUMS there once more from where they were made"
        + (f", or fetch them anew: {command}" if command else ", or take out what is too much."),
        file=sys.stderr,
    )
    return 1


def _in_lines(entry: catalog.DatasetEntry, root: Path) -> str:
    size = sum(archive.size or 0 for archive in entry.archives) / 1e6
    about = [f"{count} {split}" for split, count in entry.pairs.items()]
    about = f"{' + '.join(about)} pairs, " if about else ""
    folders = [root / entry.name, root / f"{entry.name}{fetch.STAND_IN}"]
    here = [f"{f['title']} in {folder}" for folder in folders if (f := fetch.provenance(folder))]
    return (
        f"{entry.name}: {entry.title}\n  {about}about {size:.0f} MB to download; "
        f"{'; '.join(here) or 'not fetched yet'}\n"
        f"  licence: {entry.licence}\n  {entry.homepage}"
    )


if __name__ == "__main__":
    sys.exit(main())
