"""Write the repository's address into pyproject.toml, README, the badges and the set-up cells.

    make badges REPO=OWNER/NAME
    make badges REPO=OWNER/NAME@TAG        chapters that stay at this tag
    python tools/stamp.py OWNER/NAME       the same without make

The set-up cell of a chapter that is opened alone, as Colab does, installs the package from this
address: it must be yours. For a fork, run it again with the fork's address. With a tag, badges and
set-up cells lead to the course as it is at that tag, whatever becomes of the main branch: stamp,
commit, `git tag TAG`, push both.
"""

import argparse
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACEHOLDER = "https://not-stamped.invalid/OWNER/REPOSITORY"
GITHUB = re.compile(
    r"https://github\.com/([A-Za-z0-9][A-Za-z0-9-]*/(?!\.+(?:@|$))[A-Za-z0-9._-]+)"
    r"(?:@(v?[0-9][A-Za-z0-9._-]*))?"
)
EXAMPLES = {"owner/name", "owner/repository"}


def address_of(root=ROOT):
    """Return the address that pyproject.toml names, the one that counts, and @TAG if it has."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    tag = settings["tool"]["segmentation-course"]["tag"]
    return settings["project"]["urls"]["Repository"] + (f"@{tag}" if tag else "")


def normalize(address):
    """Return the address in full, without a trailing slash and ".git".

    Parameters
    ----------
    address : str
        "https://github.com/OWNER/NAME" or "OWNER/NAME", either with "@TAG" behind it or not. A
        tag is a version, such as v1.2.

    Raises
    ------
    ValueError
        If it is no GitHub repository, for Colab opens notebooks from there only; or if it is the
        example of these pages, for the set-up cells would install what its owner puts there.
    """
    short, at, tag = address.strip().partition("@")
    short = short.rstrip("/").removesuffix(".git") + at + tag
    full = short if "://" in short else f"https://github.com/{short}"
    if full == PLACEHOLDER:
        return full
    repository = GITHUB.fullmatch(full)
    if not repository:
        raise ValueError(
            f"Expected https://github.com/OWNER/NAME or OWNER/NAME, got {address!r}. (A version's "
            "tag may follow, as in OWNER/NAME@v1.2.)"
        )
    if repository[1].lower() in EXAMPLES:
        raise ValueError(f"{repository[1]} is the example. Name your own repository.")
    return full


def notebooks_link(address):
    """Return where the badges point, less the notebook's name; nowhere before stamping."""
    repository = GITHUB.fullmatch(address)
    host = f"https://colab.research.google.com/github/{repository[1]}" if repository else address
    branch = (repository and repository[2]) or "main"
    return f"{host}/blob/{branch}/notebooks/"


def stamp(address, root=ROOT):
    """Replace the present address by another, in place.

    A chapter's badge and its set-up cell are rewritten whatever they name: a chapter merged from
    the repository that was forked comes with that one's.

    Returns
    -------
    list of pathlib.Path
        The files that changed.
    """
    new, old = normalize(address), address_of(root)
    chapters = sorted((root / "notebooks").glob("*.ipynb"))
    names = "|".join(re.escape(path.name) for path in chapters)
    known = "|".join(re.escape(notebooks_link(one)) for one in (old, PLACEHOLDER))
    badge = re.compile(
        rf"(?:{known}|https://colab\.research\.google\.com/github/[^\s/]+/[^\s/]+/blob/[^\s/]+"
        rf"/notebooks/)(?={names})"
    )
    setup = re.compile(r'(?<="REPOSITORY = \\")[^"\\]*')  # as JSON writes it
    # Not where the address is the beginning of a longer name.
    known = "|".join(re.escape(one) for one in (old.partition("@")[0], PLACEHOLDER))
    elsewhere = re.compile(rf"(?:{known})(?![A-Za-z0-9_-])")
    plain, _, tag = new.partition("@")
    pages = [root / name for name in ("pyproject.toml", "README.md", "CONTRIBUTING.md")]
    changed = []
    for path in [*pages, *sorted((root / "docs").glob("*.md")), *chapters]:
        before = path.read_bytes().decode("utf-8")
        text = badge.sub(lambda _: notebooks_link(new), before)
        if path in chapters:
            text = setup.sub(lambda _: new, text)
        if path.name == "pyproject.toml":
            text = re.sub(r'^tag = ".*"', lambda _: f'tag = "{tag}"', text, flags=re.MULTILINE)
        text = elsewhere.sub(lambda _: plain, text)
        if text != before:
            path.write_bytes(text.encode("utf-8"))
            changed.append(path)
    return changed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", help="OWNER/NAME or https://github.com/OWNER/NAME")
    try:
        for stamped in stamp(parser.parse_args().address):
            print(f"stamped {stamped.relative_to(ROOT)}")
    except ValueError as error:
        parser.error(str(error))
