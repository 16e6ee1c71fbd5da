"""Write the student edition: every chapter without the solutions of its exercises.

    make student                                                    into build/student/
    .venv/bin/python tools/student_edition.py --out FOLDER

The cells tagged `solution` go, and so do outputs, execution counts and the badge, which opens the
chapter with its solutions. Everything else stays: the exercises with their stubs and checks, and
the questions at the end with their folded answers, which are there for reading and not for handing
in. The notebooks run as the originals do, here or with course_utils installed; opened alone, as
Colab does, they install it from the repository, and links to files of the project lead there too.

An earlier edition is replaced whole. The folder is left as it was if a solution would be given
away, or if it holds a file that no edition wrote or that was changed since.
"""

import argparse
import ast
import copy
import os
import re
import sys
import tempfile
from pathlib import Path

from stamp import PLACEHOLDER, address_of

sys.path.append(str(Path(__file__).resolve().parents[1] / "data_scripts"))
from own_python import needed

with needed():
    import nbformat
    import pooch

ROOT = Path(__file__).resolve().parents[1]
BADGE = re.compile(r"^\[!\[Open in Colab\]\([^)]*\)\]\([^)]*\)\n*", re.MULTILINE)
FOLDED = re.compile(r"<summary>\s*(<\w+>\s*)*solution", re.IGNORECASE)
LINK = re.compile(r"(\]\(|\b(?:href|src)=\")(?![a-z]+:|#|/)([^)\"\s#]+)")
NOTE = "STUDENT_EDITION.txt"
NOTE_TEXT = (
    "The chapters without the solutions of their exercises, written by `make student`, which\n"
    "replaces this folder whole, unless a file was added or changed. Work in a copy of it.\n\n"
)
NOT_STAMPED = (
    "This copy has no address yet: where a student opens a chapter alone, as in Colab, its set-up\n"
    "cell ends with an error. First `make badges REPO=owner/name`, then `make student` again."
)


class CannotWrite(Exception):
    """A reason for which no student edition was written."""


def student_notebook(notebook, names, address):
    """Return a notebook without solutions, outputs, execution counts and badge.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        The chapter; it is not changed.
    names : collection of str
        Files that will lie beside it. Links to others are made to lead to the repository.
    address : str
        The repository's.

    Returns
    -------
    nbformat.NotebookNode

    Raises
    ------
    CannotWrite
        If what is left holds a folded solution, or an exercise's stub that is filled in.
    """
    left = copy.deepcopy(notebook)
    left.cells = [cell for cell in left.cells if "solution" not in cell.metadata.get("tags", [])]
    for cell in left.cells:
        if FOLDED.search(cell.source):
            raise CannotWrite(f"cell {cell.id}: a solution without the tag `solution`")
        if cell.cell_type == "code":
            if "exercise-stub" in cell.metadata.get("tags", []) and not _is_open(cell.source):
                raise CannotWrite(f"cell {cell.id}: a stub without `...`: is it filled in?")
            cell.outputs, cell.execution_count = [], None
        elif cell.cell_type == "markdown":
            cell.source = BADGE.sub("", cell.source)
            cell.source = LINK.sub(lambda found: _linked(found, names, address), cell.source)
    return left


def _is_open(source):
    nodes = ast.walk(ast.parse(source))
    return any(isinstance(node, ast.Constant) and node.value is ... for node in nodes)


def _linked(found, names, address):
    before, target = found.groups()
    if target.removeprefix("./") in names:
        return found[0]
    inside = os.path.normpath(Path("notebooks") / target).replace(os.sep, "/")
    site, _, tag = address.partition("@")
    return f"{before}{site}/blob/{tag or 'main'}/{inside}"


def write(out, notebooks, address):
    """Write the student edition of all notebooks of a folder.

    Parameters
    ----------
    out : pathlib.Path
        Folder to write; an earlier edition there is replaced.
    notebooks : pathlib.Path
        Folder of the chapters.
    address : str
        The repository's.

    Returns
    -------
    list of pathlib.Path
        The files.

    Raises
    ------
    CannotWrite
        If a chapter would give a solution away, or if `out` holds anything but an earlier edition
        as it was written; `out` is then as it was.
    """
    out = out.absolute()
    if others := _not_ours(out):
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        raise CannotWrite(
            f"{out} holds what no earlier edition wrote, or what was changed since: "
            f"{', '.join(others[:3])}{more}. Move that away, or write elsewhere "
            "(student_edition.py --out FOLDER)."
        )
    paths = sorted(notebooks.glob("*.ipynb"))
    if not paths:
        raise CannotWrite(f"there is no notebook in {notebooks}")
    names = {path.name for path in paths}
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".student-", dir=out.parent) as aside:
        new, old = Path(aside, "new"), Path(aside, "old")
        new.mkdir()
        note = NOTE_TEXT
        for path in paths:
            try:
                left = student_notebook(nbformat.read(path, 4), names, address)
            except CannotWrite as error:
                raise CannotWrite(f"{path.name}: {error}") from None
            nbformat.write(left, new / path.name)
            note += f"{pooch.file_hash(new / path.name)}  {path.name}\n"
        (new / NOTE).write_text(note, encoding="utf-8")
        if out.exists():
            os.rename(out, old)
        try:
            os.rename(new, out)
        except OSError:
            if old.exists():
                os.rename(old, out)
            raise
    return [out / path.name for path in paths]


def _not_ours(out):
    """Return the names of what is in a folder beside an earlier edition as it was written."""
    if not out.is_dir():
        return [out.name] if out.exists() else []
    note = (out / NOTE).read_text("utf-8") if (out / NOTE).is_file() else ""
    sums = {name: digest for digest, name in re.findall(r"^([0-9a-f]{64})  (.+)$", note, re.M)}
    return sorted(
        path.name
        for path in out.iterdir()
        if path.name not in (NOTE, ".ipynb_checkpoints", ".DS_Store")  # left by who only looked
        and not (path.is_file() and sums.get(path.name) == pooch.file_hash(path))
    )


def main(arguments=None):
    """Run the command line; 0 if the edition was written."""
    sys.stdout.reconfigure(errors="replace")  # what the terminal has no letter for
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "student")
    out, address = parser.parse_args(arguments).out, address_of()
    try:
        written = write(out, ROOT / "notebooks", address)
    except CannotWrite as error:
        print(f"No student edition was written. {error}", file=sys.stderr)
        return 1
    print(f"{len(written)} chapters without solutions: {out}")
    if address == PLACEHOLDER:
        print(NOT_STAMPED, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
