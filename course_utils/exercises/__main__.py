"""The teacher's check of filled-in notebooks.

    python -m course_utils.exercises grade ../copies/*.ipynb
    python -m course_utils.exercises grade --csv ../marks.csv ../copies/*/*.ipynb

Their code runs with all your rights: see `course_utils.exercises.grade`.
"""

import argparse
import csv
import dataclasses
import glob
import os
import sys
import tempfile
from pathlib import Path

from ._copies import CannotGrade
from ._verdicts import NOT_GRADED, Row, sum_of
from .grade import Grader, Limits

COURSE = Path(__file__).resolve().parents[2] / "notebooks"


def main(arguments=None):
    """Run the command line.

    Returns
    -------
    int
        0 when all notebooks were graded, whatever the marks; 1 when something of one could not be.
    """
    options = _parser().parse_args(arguments)
    try:
        import ipykernel  # noqa: F401
        import jupyter_client  # noqa: F401
        import nbformat  # noqa: F401
    except ImportError as error:
        print(f"Grading needs Jupyter, and there is no {error.name}.", file=sys.stderr)
        return 1
    if options.csv and (why := _cannot_write(options.csv)):
        print(f"Nothing was graded: {options.csv} cannot be written: {why}", file=sys.stderr)
        return 1
    try:
        grader = Grader(options.course, Limits(options.timeout, options.cell_timeout))
    except CannotGrade as error:
        print(f"Nothing was graded: {error}", file=sys.stderr)
        return 1
    rows = []
    paths = expanded(options.notebooks)
    for number, path in enumerate(paths, 1):
        print(f"{number} of {len(paths)}: {path}", file=sys.stderr, flush=True)
        found = grader.grade(path)
        rows += found + sum_of(found)
    print(table(rows))
    if options.csv:
        try:
            write_csv(options.csv, rows)
        except OSError as error:
            why = error.strerror or error
            print(f"{options.csv} was not written: {why}", file=sys.stderr)
            return 1
    return int(any(row.outcome == NOT_GRADED for row in rows))


def expanded(names):
    """Return paths for names that may hold patterns: PowerShell and cmd hand these on as they are.

    Parameters
    ----------
    names : list of str

    Returns
    -------
    list of pathlib.Path
        A pattern that fits nothing stays, so that it is told.
    """
    paths = []
    for name in names:
        found = [] if os.path.lexists(name) else sorted(glob.glob(name))
        paths += [Path(path) for path in found or [name]]
    return paths


def table(rows):
    """Return the rows as text, a line each, columns one under the other.

    Parameters
    ----------
    rows : list of Row

    Returns
    -------
    str
    """
    names = [field.name for field in dataclasses.fields(Row)]
    lines = [names, *([_printable(value) for value in dataclasses.astuple(row)] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(names))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def write_csv(path, rows):
    """Write the rows as CSV for a spreadsheet, whole or not at all.

    Parameters
    ----------
    path : pathlib.Path
    rows : list of Row
    """
    path = Path(path)
    with tempfile.TemporaryDirectory(prefix=".grade-", dir=path.absolute().parent) as aside:
        new = Path(aside) / path.name
        with new.open("w", encoding="utf-8-sig", newline="") as file:  # so that Excel reads "é"
            writer = csv.writer(file)
            writer.writerow(field.name for field in dataclasses.fields(Row))
            for row in rows:
                writer.writerow([_no_formula(_printable(v)) for v in dataclasses.astuple(row)])
        os.replace(new, path)


def _cannot_write(path):
    """Return why a file cannot be written there, or "": better known before all is graded."""
    folder = path.absolute().parent
    if path.is_dir():
        return "it is a folder"
    if not folder.is_dir():
        return f"there is no folder {folder}"
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _printable(text):
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _no_formula(text):
    """Keep a spreadsheet from computing what a student wrote."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _seconds(text):
    seconds = float(text)
    if not 0 < seconds < 1e6:
        raise ValueError
    return seconds


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m course_utils.exercises", description=__doc__.splitlines()[0]
    )
    grade = parser.add_subparsers(required=True, metavar="grade").add_parser(
        "grade",
        help="say which exercises of filled-in notebooks are right",
        epilog="The notebooks' code runs with all your rights: those of people you do not know "
        "belong in a container.",
    )
    grade.add_argument(
        "notebooks",
        nargs="+",
        metavar="NOTEBOOK",
        help='a file, or a pattern such as "../copies/*.ipynb"',
    )
    grade.add_argument("--csv", type=Path, metavar="FILE", help="also write the table there")
    grade.add_argument(
        "--course",
        type=Path,
        metavar="FOLDER",
        default=COURSE,
        help="original chapters [%(default)s]",
    )
    limits = Limits()
    for option, default, what in [
        ("--timeout", limits.notebook, "a notebook"),
        ("--cell-timeout", limits.cell, "a cell"),
    ]:
        grade.add_argument(
            option, type=_seconds, default=default, help=f"seconds {what} may take [{default}]"
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
