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
from pathlib import Path

from own_python import needed

with needed():
    import pooch
    from mirrors import command_of, known_files, offline, quoted

    from course_utils.datasets import CourseDataError, catalog, fetch
    from course_utils.datasets.archives import write_whole
    from course_utils.datasets.download import Sources, Unavailable, expand_path

WHAT_HELPS = (
    "Check the network and try again, or copy from another mirror: --from FOLDER_OR_ADDRESS."
)


def main(argv: list[str] | None = None) -> int:
    """Build and prove a mirror; 0 if it stands, 1 if not (the folder is then as it was)."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    free = [name for name, entry in catalog.CATALOG.items() if entry.redistributable]
    parser.add_argument("folder", type=expand_path)
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
        choices=catalog.WEIGHTS,
        metavar="BACKBONE",
        help=f"encoders whose ImageNet weights to add: {', '.join(catalog.WEIGHTS)}",
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
    entries += [catalog.WEIGHTS[backbone] for backbone in options.weights]
    for entry in entries:
        if entry.redistributable is False:
            print(
                f"WARNING: {entry.title}: {entry.licence}. Keep this mirror to yourself: neither "
                "publish nor hand on a folder that holds it.",
                file=sys.stderr,
            )
    try:
        build(options.folder, entries, source=options.source, progress=not options.quiet)
    except (CourseDataError, Unavailable, OSError) as error:
        print(f"No mirror was built.\n{error}", file=sys.stderr)
        return 1
    print(f"Set COURSE_MIRROR={options.folder.absolute()} (licences differ: see LICENCES.txt)")
    print("Without a network, with this mirror:")
    for line in offline(_sums(options.folder)):
        print(f"  {line}")
    print(f"To check it later: {command_of('fetch_data.py')} --verify {quoted(options.folder)}")
    return 0


def build(
    folder: Path, entries: list[catalog.DatasetEntry], *, source: str = "", progress: bool = True
) -> None:
    """Put the archives of `entries` into `folder`, once proved.

    Archives of other data sets in the folder, and their lines in SHA256SUMS, stay.

    Raises
    ------
    CourseDataError
        If an archive cannot be had or is not what it should be; `folder` is then as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=folder) as aside:
        gathered = Path(aside) / "mirror"
        (gathered / "weights").mkdir(parents=True)
        sources = Sources(source, Path(aside), progress)
        sums, without_note = {}, []
        for entry in entries:
            for archive in entry.archives:
                path, got = sources.get(archive, entry.title, what_next=WHAT_HELPS)
                shutil.copyfile(path, gathered / archive.name)
                sums[archive.name] = got["sha256"]
                print(f"{archive.name}: from {got['source']}; compared with {got['checked']}")
                note = fetch.SOURCE_NOTE.format(archive.name)
                if text := got["source"] != archive.url and sources.read(note):
                    (gathered / note).write_text(text, encoding="utf-8")
                    sums[note] = pooch.file_hash(str(gathered / note))
                else:
                    without_note.append(note)
        # Written before the proof, so that the proof compares the copies with their hashes.
        _write_sums(gathered, sums)
        for entry in entries:
            print(_prove(entry, gathered, Path(aside) / "data"))
        kept = {name: sha256 for name, sha256 in _sums(folder).items() if name not in without_note}
        _write_sums(gathered, kept | sums)
        for note in without_note:  # what was said of the archive that is now replaced
            (folder / note).unlink(missing_ok=True)
        for name in (*sums, "SHA256SUMS"):
            (folder / name).parent.mkdir(exist_ok=True)
            os.replace(gathered / name, folder / name)
    write_whole(folder / "LICENCES.txt", _licences(folder).encode())


def _prove(entry: catalog.DatasetEntry, mirror: Path, root: Path) -> str:
    """Read a data set through the mirror alone, as a reader without a network would."""
    archives = tuple(dataclasses.replace(archive, url="") for archive in entry.archives)
    offline = dataclasses.replace(entry, archives=archives)
    facts = fetch.provenance(fetch.fetch(offline, root=root, mirror=mirror, progress=False))
    pairs = " + ".join(f"{count} {split}" for split, count in facts["pairs"].items())
    return f"{facts['name']}: {f'reads {pairs} pairs' if pairs else facts['title']}"


def _sums(folder: Path) -> dict[str, str]:
    return Sources(str(folder), folder).sums


def _write_sums(folder: Path, sums: dict[str, str]) -> None:
    lines = (f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def _licences(folder: Path) -> str:
    sources = Sources(str(folder), folder)
    parts = [
        "The licence of each data set of the course, not all of which may be here, and of each "
        "encoder's weights that are.\n"
    ]
    for published in dict.fromkeys(known_files().values()):
        files = [archive.name for archive in published.archives]
        if published.name not in catalog.CATALOG and files[0] not in sources.sums:
            continue
        entry = fetch.stand_in(published, sources) or published
        may = {True: "; may be passed on", False: "; MUST NOT be passed on", None: ""}
        parts.append(f"{', '.join(files)}: {entry.title}{may[entry.redistributable]}\n")
        parts[-1] += f"  Licence: {entry.licence}\n"
        parts[-1] += f"  Cite: {entry.citation}\n" if entry.citation else ""
        parts[-1] += f"  {entry.homepage}\n" if entry.homepage else ""
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
