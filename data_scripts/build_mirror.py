"""Build a mirror: a folder with the archives that a classroom, CI or an offline machine reads.

    python data_scripts/build_mirror.py /srv/course-mirror
    python data_scripts/build_mirror.py /media/stick sunnybrook --from /srv/course-mirror

The archives come from their published addresses, or from another mirror. They are gathered aside,
each data set is unpacked, checked and loaded from there, and only then do they move into the
folder, with SHA256SUMS and LICENCES.txt. Point COURSE_MIRROR at the folder, or at the address of
any web server that serves it.

Licences differ from data set to data set. Stanford Background states none: its copy must not be
passed on, so it is left out unless it is named.
"""

import argparse
import dataclasses
import importlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from course_utils.datasets import CourseDataError, catalog, fetch
from course_utils.datasets.download import get_archive, read_sums


def main(argv: list[str] | None = None) -> int:
    """Build and prove a mirror; 0 if it stands, 1 if not (the folder is then as it was)."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    free = [name for name, entry in catalog.CATALOG.items() if entry.redistributable]
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"{', '.join(catalog.CATALOG)}; default: {', '.join(free)}",
    )
    parser.add_argument("--from", dest="source", default="", help="mirror to copy from")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    options = parser.parse_args(argv)
    try:
        entries = [catalog.get(name) for name in options.names or free]
    except ValueError as error:
        parser.error(str(error))
    for entry in entries:
        if not entry.redistributable:
            print(
                f"WARNING: {entry.title}: {entry.licence}. Keep this mirror to yourself: neither "
                "publish nor hand on a folder that holds it.",
                file=sys.stderr,
            )
    try:
        build(options.folder, entries, source=options.source, progress=not options.quiet)
    except (CourseDataError, OSError) as error:
        print(f"No mirror was built.\n{error}", file=sys.stderr)
        return 1
    print(f"Set COURSE_MIRROR={options.folder.absolute()} (licences differ: see LICENCES.txt)")
    return 0


def build(
    folder: Path, entries: list[catalog.DatasetEntry], *, source: str = "", progress: bool = True
) -> Path:
    """Put the archives of `entries` into `folder`, once they have been proved.

    Archives of other data sets in the folder, and their lines in SHA256SUMS, stay.

    Raises
    ------
    CourseDataError
        If an archive cannot be had or is not what it should be; `folder` is then as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=folder) as aside:
        gathered = Path(aside) / "mirror"
        gathered.mkdir()
        sums = {}
        for entry in entries:
            for archive in entry.archives:
                got = get_archive(entry, archive, gathered, source, progress=progress)
                if got.path.parent != gathered:
                    shutil.copyfile(got.path, gathered / archive.name)
                sums[archive.name] = got.sha256
                print(f"{archive.name}: from {got.source}; compared with {got.checked}")
        # Written before the proof, so that the proof compares the copies with their hashes.
        _write_sums(gathered / "SHA256SUMS", sums)
        for entry in entries:
            print(f"{entry.name}: {_prove(entry, gathered, Path(aside) / 'data')}")
        if (folder / "SHA256SUMS").exists():
            _write_sums(gathered / "SHA256SUMS", read_sums(folder / "SHA256SUMS") | sums)
        (gathered / "LICENCES.txt").write_text(_licences(), encoding="utf-8")
        for name in (*sums, "SHA256SUMS", "LICENCES.txt"):
            os.replace(gathered / name, folder / name)
    return folder


def _prove(entry: catalog.DatasetEntry, mirror: Path, root: Path) -> str:
    """Read a data set through the mirror alone, as a reader without a network would."""
    offline = dataclasses.replace(
        entry, archives=tuple(dataclasses.replace(a, url="") for a in entry.archives)
    )
    data = fetch.fetch(offline, root=root, mirror=mirror, progress=False)
    if not entry.layout:
        files = sum(path.is_file() for path in data.rglob("*")) - 1  # not the marker
        return f"unpacks whole, {files} files (the course has no loader for it yet)"
    loader = importlib.import_module(f"course_utils.datasets.{entry.layout}")
    counts = {split: len(loader.load(split, root=data)) for split in entry.pairs}
    return "reads " + " + ".join(f"{count} {split}" for split, count in counts.items()) + " pairs"


def _write_sums(path: Path, sums: dict[str, str]) -> None:
    lines = (f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
    path.write_text("".join(lines), encoding="utf-8")


def _licences() -> str:
    parts = ["The licence of each data set of the course. Not all of them may be here.\n"]
    for entry in catalog.CATALOG.values():
        may = "may be passed on" if entry.redistributable else "MUST NOT be passed on"
        files = ", ".join(archive.name for archive in entry.archives)
        parts.append(
            f"{files}: {entry.title}; {may}\n  Licence: {entry.licence}\n"
            f"  Cite: {entry.citation}\n  {entry.homepage}\n"
        )
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
