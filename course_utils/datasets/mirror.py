"""Whether a mirror holds what its SHA256SUMS says, and what each of its files is to the course."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pooch

from . import catalog
from ._commands import command_of, quoted
from ._http import Unavailable, is_http
from ._weights_catalog import KNOWN_FILES, WEIGHTS
from .download import IS_IT_ON, SUMS_LINE, archive_source, mirror_sums, reach, read_sums
from .errors import CourseDataError


@dataclass(frozen=True)
class Checked:
    """One file of a mirror.

    Attributes
    ----------
    name : str
        As SHA256SUMS has it.
    what : str
        What it is to the course: data set, weights, a stand-in, or unknown.
    fault : str
        What is wrong with it; empty if it has the hash that SHA256SUMS says.
    """

    name: str
    what: str
    fault: str = ""


def verify(
    mirror: Path | str, needed: Sequence[str] = (), progress: bool = True
) -> Iterator[Checked]:
    """Compare each file of a mirror with its hash; over http each is downloaded for that.

    Hashes are compared, content is not: ``build_mirror.py`` proves that when it makes a mirror.

    Parameters
    ----------
    mirror : path or str
        Folder or http(s) address.
    needed : sequence of str, optional
        Archive names that it should hold besides those that SHA256SUMS names.
    progress : bool
        Show a bar while downloading.

    Yields
    ------
    Checked
        First the files that SHA256SUMS names, then what is wrong beyond them: archives that lack
        a hash, that the other half of a data set lacks, or that are needed.

    Raises
    ------
    CourseDataError
        If there is no mirror at that place, or nothing there says what its files should be.
    """
    mirror = str(mirror)
    with tempfile.TemporaryDirectory() as aside:
        text = _sums(mirror, Path(aside))
        sums = read_sums(text)
        for line in text.splitlines():
            if line.strip() and not line.startswith("#") and not re.match(SUMS_LINE, line):
                fault = f"the line {line.strip()[:60]!r} is no hash and name: cut off, or damaged"
                yield Checked("SHA256SUMS", "the list of hashes", fault)
        for name, digest in sums.items():
            fault = _fault(mirror, name, digest, Path(aside), progress)
            yield Checked(name, what_is(name, digest), fault)
        here = [name for name in _known() if name not in sums and _lies_in(mirror, name)]
        for name in here:
            yield Checked(name, what_is(name), "it is there, but SHA256SUMS does not name it")
        for name in dict.fromkeys([*_other_halves(sums), *needed]):
            if name not in sums and name not in here:
                yield Checked(name, what_is(name), "neither there nor in SHA256SUMS")


def what_is(name: str, digest: str = "") -> str:
    """What a mirror's file of that name and hash is to the course, in words."""
    for encoder in WEIGHTS.values():
        if encoder.archive.name == name:
            known = KNOWN_FILES.get(digest)
            return (
                f"stand-in for {encoder.title}: {known}" if known else f"weights: {encoder.title}"
            )
    entry = _entries().get(name)
    if entry is None:
        return "unknown: the course does not ask for it"
    stand_in = catalog.stand_ins(entry).get(digest)
    what = f"stand-in for {entry.title}: {stand_in.title}" if stand_in else f"data: {entry.title}"
    return what if (stand_in or entry).redistributable else f"{what} (must not be passed on)"


def absent(names: Sequence[str]) -> list[str]:
    """What of the course's data and weights a mirror with files of these names does not have."""
    return [name for name in _known() if name not in names]


def build_command(mirror: str, names: Sequence[str]) -> str:
    """The command that puts the files of these names into a mirror; empty if it cannot."""
    entries = dict.fromkeys(_entries()[name].name for name in names if name in _entries())
    encoders = [key for key, known in WEIGHTS.items() if known.archive.name in names]
    if not entries and not encoders:
        return ""
    weights = ["--weights", *encoders] if encoders else []
    place = "FOLDER" if is_http(mirror) else quoted(mirror)
    return " ".join([command_of("build_mirror.py"), place, *entries, *weights])


def _known() -> list[str]:
    return [*_entries(), *(encoder.archive.name for encoder in WEIGHTS.values())]


def _entries() -> dict[str, catalog.DatasetEntry]:
    return {a.name: entry for entry in catalog.CATALOG.values() for a in entry.archives}


def _other_halves(sums) -> list[str]:
    """The archives of data sets of which SHA256SUMS names one."""
    begun = {entry.name for name, entry in _entries().items() if name in sums}
    return [name for name, entry in _entries().items() if entry.name in begun]


def _lies_in(mirror: str, name: str) -> bool:
    return "://" not in mirror and Path(archive_source(mirror, name)).is_file()


def _sums(mirror: str, aside: Path) -> str:
    """The text of SHA256SUMS, or an error that says why there is none and what to do."""
    folder = Path(mirror).expanduser()
    if "://" not in mirror and not folder.is_dir():
        came_back = "that is a file." if folder.exists() else "there is no such folder."
        raise _no_mirror(
            mirror,
            came_back,
            "Is the disk or share there, and the address spelt right? A web address begins with "
            f"http:// or https://. To make a mirror: {command_of('build_mirror.py')} FOLDER",
        )
    try:
        if "://" in mirror and not is_http(mirror):
            reach(archive_source(mirror, "SHA256SUMS"), aside, False)  # says what is wrong
        text = mirror_sums(mirror, aside)
    except Unavailable as reason:
        raise _no_mirror(mirror, f"{reason}.", IS_IT_ON.format(mirror)) from reason
    if read_sums(text):
        return text
    here = [name for name in _known() if _lies_in(mirror, name)]
    command = build_command("NEW_FOLDER", here or ["train.zip"])
    held = f"; it holds {', '.join(here)}" if here else ""
    if not here and "://" not in mirror and not any(folder.iterdir()):
        held = "; the folder is empty"
    come_from = f" --from {quoted(mirror)}" if here else ""
    raise _no_mirror(
        mirror,
        ("its SHA256SUMS names no file" if text.strip() else "it has no SHA256SUMS") + held + ".",
        f"Build one that has it, each file proved: {command}{come_from}"
        + ("" if here else ". If this should be one, is it the right place?")
        + (f" {IS_IT_ON.format(mirror)}" if is_http(mirror) else ""),
    )


def _no_mirror(mirror: str, came_back: str, what_next: str) -> CourseDataError:
    return CourseDataError(f"Looked for a mirror in {mirror}:", came_back, what_next)


def _fault(mirror: str, name: str, stated: str, aside: Path, progress: bool) -> str:
    """What is wrong with one file, or nothing."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        return "this name leads out of the mirror; nobody looked there"
    try:
        file = reach(archive_source(mirror, name), aside / path.name, progress)
        size, digest = file.stat().st_size, pooch.file_hash(str(file))
        (aside / path.name).unlink(missing_ok=True)
    except Unavailable as reason:
        return f"it cannot be had: {reason}"
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"
    if digest == stated:
        return ""
    if not size:
        return "it is empty"
    return f"its {size:,} bytes have another hash: half-copied, damaged or changed"
