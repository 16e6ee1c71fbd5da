"""What a mirror holds, whether it is whole, and what the chapters can do with it alone."""

import os
import re
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath

import pooch

from course_utils.chapters import CHAPTERS
from course_utils.datasets import CourseDataError, catalog
from course_utils.datasets.download import (
    IS_IT_ON,
    SUMS_LINE,
    Sources,
    Unavailable,
    is_http,
    read_sums,
)
from course_utils.datasets.fetch import stand_in


def verify(
    mirror: str, needed: Collection[str] = (), progress: bool = True
) -> Iterator[tuple[str, str, str]]:
    """Compare each file of a mirror with its hash; over http each is downloaded for that.

    Hashes are compared, content is not: ``build_mirror.py`` proves that when it makes a mirror.

    Parameters
    ----------
    mirror : str
        Folder or http(s) address.
    needed : collection of str, optional
        Archive names that it should hold besides those that SHA256SUMS names.
    progress : bool
        Show a bar while downloading.

    Yields
    ------
    name, what, fault : str
        The file, what it is to the course, and what is wrong with it; nothing is wrong where
        `fault` is empty. First come the files that SHA256SUMS names, then archives that lack a
        hash, that the other half of a data set lacks, or that are needed.

    Raises
    ------
    CourseDataError
        If there is no mirror at that place, or nothing there says what its files should be.
    """
    with tempfile.TemporaryDirectory() as aside:
        sources = Sources(mirror, Path(aside), progress)
        text = _text_of_sums(sources)
        sums = read_sums(text)
        for line in text.splitlines():
            if line.strip() and not line.startswith("#") and not re.match(SUMS_LINE, line):
                fault = f"the line {line.strip()[:60]!r} is no hash and name: cut off, or damaged"
                yield "SHA256SUMS", "the list of hashes", fault
        for name, digest in sums.items():
            yield name, _what_is(name, sources), _fault(name, digest, sources)
        here = [name for name in known_files() if name not in sums and _lies_in(sources, name)]
        for name in here:
            fault = "it is there, but SHA256SUMS does not name it"
            yield name, _what_is(name, sources), fault
        begun = {entry.name for name, entry in known_files().items() if name in sums}
        halves = [name for name, entry in known_files().items() if entry.name in begun]
        for name in dict.fromkeys([*halves, *needed]):
            if name not in sums and name not in here:
                yield name, _what_is(name, sources), "neither there nor in SHA256SUMS"


def known_files() -> dict[str, catalog.DatasetEntry]:
    """The data set, or the weights, of each file that the course may ask a mirror for."""
    entries = [*catalog.CATALOG.values(), *catalog.WEIGHTS.values()]
    return {archive.name: entry for entry in entries for archive in entry.archives}


def build_command(mirror: str, names: Collection[str]) -> str:
    """The command that puts the files of these names into a mirror; empty if it cannot."""
    entries = {entry.name: entry for name, entry in known_files().items() if name in names}
    if not entries:
        return ""
    sets = [name for name in entries if name in catalog.CATALOG]
    encoders = [key for key, entry in catalog.WEIGHTS.items() if entry.name in entries]
    weights = ["--weights", *encoders] if encoders else []
    place = "FOLDER" if is_http(mirror) else quoted(mirror)
    return " ".join([command_of("build_mirror.py"), place, *sets, *weights])


def offline(names: Collection[str]) -> Iterator[str]:
    """Say of each chapter what it can do without a network, with a mirror of these files.

    Parameters
    ----------
    names : collection of str
        Names of the files that are whole, as the mirror's SHA256SUMS has them.

    Yields
    ------
    str
        A line for the chapters that have all they need, and one for each that does not.
    """
    lacks = {}
    for chapter, needs in CHAPTERS.items():
        sets = filter(None, (needs.dataset, *needs.further))
        data = [s for s in sets if not {a.name for a in catalog.get(s).archives} <= set(names)]
        lacks[chapter] = (" and ".join(data), _missing(needs.encoders, names))
    yield f"{', '.join(c for c in lacks if not any(lacks[c]))}: with all they need"
    for chapter, (data, weights) in lacks.items():
        if data:
            also = f"; and no weights: {weights}" if weights else ""
            yield f"{chapter}: in the sample profile only, for want of {data}{also}"
        elif weights:
            yield f"{chapter}: with some encoders at random, for want of weights: {weights}"


def command_of(script: str) -> str:
    """How to run a file of ``data_scripts`` with the Python that runs now, from this folder."""
    here = Path(__file__).resolve().parent / script
    return f"{quoted(_from_here(sys.executable))} {quoted(_from_here(here))}"


def quoted(path: Path | str) -> str:
    """A path for a command line."""
    return f'"{path}"' if " " in str(path) else str(path)


def _from_here(path: Path | str) -> str:
    # Not resolved: the Python of an environment is a link to another that lacks its packages.
    try:
        return str(Path(path).relative_to(os.getcwd()))
    except ValueError:
        return str(path)


def _missing(encoders: Mapping[str, Collection[str]], names: Collection[str]) -> str:
    """In words: the encoders of a chapter whose weights are not among these files."""
    quick, full = (
        [e for e in encoders.get(profile, ()) if catalog.WEIGHTS[e].archives[0].name not in names]
        for profile in ("quick", "full")
    )
    words = ", ".join(quick)
    if more := [encoder for encoder in full if encoder not in quick]:
        words += "; in the full profile also " if quick else "in the full profile "
        words += ", ".join(more)
    return words


def _lies_in(sources: Sources, name: str) -> bool:
    return os.path.isfile(sources.in_mirror(name))


def _what_is(name: str, sources: Sources) -> str:
    entry = known_files().get(name.removesuffix(".source.txt"))
    if entry is None:
        return "unknown: the course does not ask for it"
    if name.endswith(".source.txt"):
        return f"says what {name.removesuffix('.source.txt')} is"
    held = stand_in(entry, sources) or entry
    what = entry.title if held is entry else f"stand-in for {entry.title}: {held.title}"
    return f"{what} (must not be passed on)" if held.redistributable is False else what


def _fault(name: str, stated: str, sources: Sources) -> str:
    """What is wrong with one file, or nothing."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        return "this name leads out of the mirror; nobody looked there"
    try:
        file = sources.reach(sources.in_mirror(name), sources.progress)
        size, digest = file.stat().st_size, pooch.file_hash(str(file))
    except Unavailable as reason:
        return f"it cannot be had: {reason}"
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"
    (sources.into / path.name).unlink(missing_ok=True)
    if digest == stated:
        return ""
    if not size:
        return "it is empty"
    return f"its {size:,} bytes have another hash: half-copied, damaged or changed"


def _text_of_sums(sources: Sources) -> str:
    """The text of SHA256SUMS, or an error that says why there is none and what to do."""
    mirror, is_path = sources.mirror, "://" not in sources.mirror
    folder = Path(mirror)
    tried = f"Looked for a mirror in {mirror}:"
    if is_path and not folder.is_dir():
        raise CourseDataError(
            tried,
            "that is a file." if folder.exists() else "there is no such folder.",
            "Is the disk or share there, and the address spelt right? A web address begins with "
            f"http:// or https://. To make a mirror: {command_of('build_mirror.py')} FOLDER",
        )
    try:
        text = sources.read("SHA256SUMS")
    except Unavailable as reason:
        raise CourseDataError(tried, f"{reason}.", IS_IT_ON.format(mirror)) from reason
    if read_sums(text):
        return text
    came_back = "its SHA256SUMS names no file" if text.strip() else "it has no SHA256SUMS"
    here = [name for name in known_files() if _lies_in(sources, name)]
    command = f"Build one that has it, each file proved: {build_command('NEW_FOLDER', here)}"
    if here:
        came_back += f"; it holds {', '.join(here)}"
        what_next = f"{command} --from {quoted(mirror)}"
    else:
        if is_path and not any(folder.iterdir()):
            came_back += "; the folder is empty"
        what_next = (
            "If this should be a mirror, is it the right place? To make one: "
            f"{command_of('build_mirror.py')} NEW_FOLDER"
        )
    if not is_path:
        what_next += f". {IS_IT_ON.format(mirror)}"
    raise CourseDataError(tried, f"{came_back}.", what_next)
