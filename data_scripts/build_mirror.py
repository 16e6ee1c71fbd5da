"""Build a mirror: a folder with the archives that a classroom, CI or an offline machine reads.

    .venv/bin/python data_scripts/build_mirror.py /srv/course-mirror
    .venv/bin/python data_scripts/build_mirror.py /srv/course-mirror --weights mobilenet resnet18
    .venv/bin/python data_scripts/build_mirror.py /media/stick sunnybrook --from /srv/course-mirror

The archives come from their published addresses, or from another mirror. They are gathered aside,
each data set is unpacked and checked from there, and only then do they move into the folder, with
SHA256SUMS and LICENCES.txt; encoder weights lie under weights/. Point COURSE_MIRROR at the folder,
or at the address of any web server that serves it.

Licences differ from data set to data set. Stanford Background states none: its copy must not be
passed on, so it is left out unless it is named.
"""

import argparse
import dataclasses
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from own_python import needed

with needed():
    from course_utils.chapters import CHAPTERS
    from course_utils.datasets import CourseDataError, catalog, fetch, weights
    from course_utils.datasets._chapters import offline
    from course_utils.datasets._commands import command_of, quoted
    from course_utils.datasets.download import get_archive, read_sums

WHAT_HELPS = (
    "Check the network and try again, or copy from another mirror: --from FOLDER_OR_ADDRESS."
)


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
        help=f"{', '.join(catalog.CATALOG)}; default: {', '.join(free)}, "
        "less what the folder has already where --weights is given",
    )
    parser.add_argument(
        "--weights",
        nargs="+",
        default=[],
        choices=weights.WEIGHTS,
        metavar="BACKBONE",
        help=f"encoders whose ImageNet weights to add: {', '.join(weights.WEIGHTS)}",
    )
    parser.add_argument("--from", dest="source", default="", help="mirror to copy from")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    options = parser.parse_args(argv)
    held = _sums(options.folder) if options.weights else {}
    missing = [n for n in free if any(a.name not in held for a in catalog.get(n).archives)]
    try:
        entries = [catalog.get(name) for name in options.names or missing]
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
        build(
            options.folder,
            entries,
            encoders=[weights.WEIGHTS[backbone] for backbone in options.weights],
            source=options.source,
            progress=not options.quiet,
        )
    except (CourseDataError, OSError) as error:
        print(f"No mirror was built.\n{error}", file=sys.stderr)
        return 1
    print(f"Set COURSE_MIRROR={options.folder.absolute()} (licences differ: see LICENCES.txt)")
    print("Without a network, with this mirror:")
    for line in offline(_sums(options.folder), CHAPTERS):
        print(f"  {line}")
    print(f"To check it later: {command_of('fetch_data.py')} --verify {quoted(options.folder)}")
    return 0


def build(
    folder: Path,
    entries: list[catalog.DatasetEntry],
    *,
    encoders: Sequence[weights.EncoderWeights] = (),
    source: str = "",
    progress: bool = True,
) -> Path:
    """Put the archives of `entries` and the files of `encoders` into `folder`, once proved.

    Archives of other data sets in the folder, and their lines in SHA256SUMS, stay.

    Raises
    ------
    CourseDataError
        If an archive cannot be had or is not what it should be; `folder` is then as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=folder) as aside:
        gathered = Path(aside) / "mirror"
        (gathered / weights.FOLDER).mkdir(parents=True)
        sums = {}
        wanted = [(entry.title, archive) for entry in entries for archive in entry.archives]
        wanted += [(encoder.title, encoder.archive) for encoder in encoders]
        for title, archive in wanted:
            got = get_archive(
                title, archive, gathered, source, progress=progress, what_next=WHAT_HELPS
            )
            if not got.path.is_relative_to(gathered):
                shutil.copyfile(got.path, gathered / archive.name)
            sums[archive.name] = got.sha256
            print(f"{archive.name}: from {got.source}; compared with {got.checked}")
        # Written before the proof, so that the proof compares the copies with their hashes.
        _write_sums(gathered / "SHA256SUMS", sums)
        for entry in entries:
            print(_prove(entry, gathered, Path(aside) / "data"))
        for encoder in encoders:
            offline = dataclasses.replace(encoder, archive=_offline(encoder.archive))
            path = weights.fetch_file(offline, Path(aside) / "data", gathered, progress=False)
            print(f"{encoder.backbone}: {weights.provenance(path)['note'] or encoder.title}")
        all_sums = _sums(folder) | sums
        _write_sums(gathered / "SHA256SUMS", all_sums)
        (gathered / "LICENCES.txt").write_text(_licences(all_sums), encoding="utf-8")
        for name in (*sums, "SHA256SUMS", "LICENCES.txt"):
            (folder / name).parent.mkdir(exist_ok=True)
            os.replace(gathered / name, folder / name)
    return folder


def _prove(entry: catalog.DatasetEntry, mirror: Path, root: Path) -> str:
    """Read a data set through the mirror alone, as a reader without a network would."""
    offline = dataclasses.replace(entry, archives=tuple(map(_offline, entry.archives)))
    data = fetch.fetch(offline, root=root, mirror=mirror, progress=False)
    if not entry.layout:
        files = sum(path.is_file() for path in data.rglob("*")) - 1  # not the marker
        return f"{entry.name}: unpacks whole, {files} files (the course has no loader for it yet)"
    facts = fetch.provenance(data)
    pairs = " + ".join(f"{count} {split}" for split, count in facts["pairs"].items())
    return f"{facts['name']}: reads {pairs} pairs"


def _offline(archive: catalog.Archive) -> catalog.Archive:
    return dataclasses.replace(archive, url="")


def _sums(folder: Path) -> dict[str, str]:
    path = folder / "SHA256SUMS"
    return read_sums(path.read_text("utf-8-sig", "replace")) if path.exists() else {}


def _write_sums(path: Path, sums: dict[str, str]) -> None:
    lines = (f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
    path.write_text("".join(lines), encoding="utf-8")


def _licences(sums: dict[str, str]) -> str:
    parts = [
        "The licence of each data set of the course, not all of which may be here, and of each "
        "encoder's weights that are.\n"
    ]
    for published in catalog.CATALOG.values():
        held = [sums.get(archive.name) for archive in published.archives]
        entry = catalog.stand_ins(published).get(held[0], published)
        may = "may be passed on" if entry.redistributable else "MUST NOT be passed on"
        files = ", ".join(archive.name for archive in entry.archives)
        parts.append(
            f"{files}: {entry.title}; {may}\n  Licence: {entry.licence}\n"
            f"  Cite: {entry.citation}\n  {entry.homepage}\n"
        )
    for encoder in weights.WEIGHTS.values():
        if encoder.archive.name in sums:
            parts.append(
                f"{encoder.archive.name}: {encoder.title}\n"
                f"  Licence: {encoder.licence}\n  {encoder.archive.url}\n"
            )
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
