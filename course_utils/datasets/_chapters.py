"""What a chapter can do where a mirror is all there is."""

from collections.abc import Collection, Iterator, Mapping

from course_utils.chapters import Chapter

from . import catalog
from ._weights_catalog import WEIGHTS


def offline(names: Collection[str], chapters: Mapping[str, Chapter]) -> Iterator[str]:
    """Say of each chapter what it can do without a network, with a mirror of these files.

    Parameters
    ----------
    names : collection of str
        Names of the files that are whole, as the mirror's SHA256SUMS has them.
    chapters : mapping of str to Chapter
        `course_utils.chapters.CHAPTERS`.

    Yields
    ------
    str
        A line for the chapters that have all they need, and one for each that does not.
    """
    lacks = {name: _lacks(chapter, names) for name, chapter in chapters.items()}
    whole = [chapter for chapter, (data, weights) in lacks.items() if not data and not weights]
    yield f"{', '.join(whole)}: with all they need"
    for chapter, (data, weights) in lacks.items():
        if data:
            also = f"; and no weights: {weights}" if weights else ""
            yield f"{chapter}: in the sample profile only, for want of {data}{also}"
        elif weights:
            yield f"{chapter}: with some encoders at random, for want of weights: {weights}"


def _lacks(chapter: Chapter, names: Collection[str]) -> tuple[str, str]:
    """The data set and, in words, the encoders that a chapter misses."""
    data = chapter.dataset
    archives = catalog.get(data).archives if data else ()
    missing = {
        profile: [key for key in keys if WEIGHTS[key].archive.name not in names]
        for profile, keys in chapter.encoders.items()
    }
    quick = missing.get("quick", [])
    more = [key for key in missing.get("full", []) if key not in quick]
    words = ", ".join(quick)
    if more:
        words += f"{'; ' if quick else ''}in the full profile{' also' if quick else ''} "
        words += ", ".join(more)
    whole = all(archive.name in names for archive in archives)
    return "" if whole else str(data), words
