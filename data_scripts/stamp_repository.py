"""Write the repository's address into pyproject.toml, README, the badges and the set-up cells.

    python data_scripts/stamp_repository.py https://github.com/OWNER/NAME

The set-up cell of a chapter that is opened alone, as Colab does, installs the package from this
address: it must be yours. For a fork, run it again with the fork's address.
"""

import argparse
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACEHOLDER = "https://not-stamped.invalid/OWNER/REPOSITORY"
GITHUB = re.compile(r"https://github\.com/([A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+)")


def address_of(root=ROOT):
    """Return the address that pyproject.toml names, the one that counts."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"]["Repository"]


def normalise(address):
    """Return the address without a trailing slash and ".git".

    Raises
    ------
    ValueError
        If it is no https address of a GitHub repository: Colab opens notebooks from there only.
    """
    address = address.strip().rstrip("/").removesuffix(".git")
    if address != PLACEHOLDER and not GITHUB.fullmatch(address):
        raise ValueError(f"Expected https://github.com/OWNER/NAME, got {address!r}.")
    return address


def notebooks_link(address):
    """Return where the badges point, less the notebook's name; nowhere before stamping."""
    repository = GITHUB.fullmatch(address)
    host = f"https://colab.research.google.com/github/{repository[1]}" if repository else address
    return f"{host}/blob/main/notebooks/"


def stamp(address, root=ROOT):
    """Replace the present address by another, in place.

    Returns
    -------
    list of pathlib.Path
        The files that changed.
    """
    new, old = normalise(address), address_of(root)
    changed = []
    pages = [root / name for name in ("pyproject.toml", "README.md", "CONTRIBUTING.md")]
    for path in pages + sorted((root / "notebooks").glob("*.ipynb")):
        before = path.read_bytes().decode("utf-8")
        text = before.replace(notebooks_link(old), notebooks_link(new))
        # Not where the address is the beginning of a longer name.
        text = re.sub(re.escape(old) + r"(?![A-Za-z0-9_-])", lambda _: new, text)
        if text != before:
            path.write_bytes(text.encode("utf-8"))
            changed.append(path)
    return changed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", help="https://github.com/OWNER/NAME")
    try:
        for stamped in stamp(parser.parse_args().address):
            print(f"stamped {stamped.relative_to(ROOT)}")
    except ValueError as error:
        parser.error(str(error))
