"""Say which exercises of filled-in notebooks are right.

    .venv/bin/python tools/grade.py ../copies/*.ipynb
    .venv/bin/python tools/grade.py --csv ../marks.csv ../copies/*/*.ipynb

Each copy runs in a kernel and an empty folder of its own, in the sample profile, with the chapter's
set-up cell in place of its own and as far as its answers need it. After the cell of an exercise the
chapter's own check is called there; what it returns, not what the copy prints, is the mark.

The copies' code runs with all your rights: it can read and delete your files and use the network.
Grade the notebooks of people you do not know in a container, or on a machine that holds nothing
else. Nor is it seen where an answer comes from: copied from the solution, it is right.
"""

import argparse
import contextlib
import csv
import glob
import inspect
import logging
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import astuple, dataclass, fields
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "data_scripts"))
from own_python import needed

with needed():
    import copies
    import nbclient
    import nbformat

    from course_utils.exercises.judge import MISSING

PROJECT = Path(__file__).resolve().parents[1]
NOT_GRADED, NOT_TRIED = "not graded", "not tried"
VERDICT = "application/vnd.segmentation-course.verdict+json"
TIME_OUT = "the time limit"
INTERRUPT_SECONDS = 15  # for the kernel to obey
MAX_HINT = 300
# Run in a kernel first: what a copy prints is dropped at once. IPython would keep all of it, by an
# attribute that it sets on these streams.
SILENCE = """
import io, sys

class Nowhere(io.TextIOBase):
    def write(self, text):
        return len(text)

    def __setattr__(self, name, value):
        pass

sys.stdout = sys.stderr = Nowhere()
"""


@dataclass
class Row:
    """What was found out about one exercise of one copy.

    Attributes
    ----------
    notebook, chapter, exercise, title : str
        The file, the chapter's name, the id of the exercise's cell, and its heading.
    outcome : {"right", "wrong", "not tried", "not graded"}
        "not graded" where it could not be found out. In a sum, such as "3 of 4 right".
    hint : str
        What the check said, or why there is no outcome.
    """

    notebook: str
    chapter: str = ""
    exercise: str = ""
    title: str = ""
    outcome: str = NOT_GRADED
    hint: str = ""


COLUMNS = [field.name for field in fields(Row)]


class Client(nbclient.NotebookClient):
    """Executes code in the kernel of a copy; of all that this puts out, only verdicts are kept.

    Parameters
    ----------
    deadline : float
        When all must have ended, by `time.monotonic`.
    """

    def __init__(self, deadline):
        self.deadline = deadline
        super().__init__(
            nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell()]),
            allow_errors=True,  # else the kernel drops what is asked soon after an error
            error_on_timeout={"ename": TIME_OUT},
            # Nothing that is printed is sent here, where endless output would fill the memory.
            extra_arguments=["--IPKernelApp.outstream_class=None"],
            interrupt_on_timeout=True,
            log=logging.Logger("silent", logging.CRITICAL + 1),
            on_cell_executed=self._keep_reply,
            shell_timeout_interval=1,
            shutdown_kernel="immediate",
            timeout=INTERRUPT_SECONDS,
            timeout_func=lambda _: self.seconds,
        )

    def process_message(self, msg, cell, cell_index):
        """Keep a verdict, notice the end of a cell, and drop everything else."""
        if msg["msg_type"] == "status":
            super().process_message(msg, cell, cell_index)
        elif msg["msg_type"] == "display_data":
            # What else is displayed, such as figures left open, may come after it.
            self.verdict = msg["content"]["data"].get(VERDICT, self.verdict)

    def _keep_reply(self, cell, cell_index, execute_reply):
        self.reply = execute_reply["content"]

    def run(self, source, seconds):
        """Execute code for some seconds at most.

        Returns
        -------
        str
            What went wrong, or "".

        Raises
        ------
        nbclient.exceptions.DeadKernelError
            If the kernel ended, or cannot be interrupted.
        copies.CannotGrade
            If the copy's time is over.
        """
        self.seconds = min(seconds, self.deadline - time.monotonic())
        self.reply, self.verdict = {"status": "ok"}, None
        if self.seconds > 0:
            self.execute_cell(nbformat.v4.new_code_cell(source), 0, store_history=False)
            if self.reply["status"] != "error":
                return ""
            if self.reply["ename"] != TIME_OUT:
                return f"{self.reply['ename']}: {self.reply['evalue']}"
        if time.monotonic() >= self.deadline:
            raise copies.CannotGrade("the notebook's time was over before it")
        if self.wait_for_reply(self.kc.execute("")) is None:
            raise nbclient.exceptions.DeadKernelError
        return f"it did not end within {seconds:.0f} s"

    def judge(self, chapter, exercise, seconds, trouble):
        """Return outcome and hint of the checks for an answer that stands in the kernel.

        Parameters
        ----------
        chapter : copies.Chapter
        exercise : copies.Exercise
        seconds : float
            What the checks may take.
        trouble : str
            What went wrong in the answer's cell, or "".

        Returns
        -------
        str, str
        """
        module = f"course_utils.exercises.ch{chapter.name[:2]}"
        asked = f"{VERDICT!r}, {module!r}, {exercise.checks!r}, {sorted(exercise.answers)!r}"
        # One expression, so that nothing is added to the copy's names.
        stopped = self.run(
            f"(lambda own: exec({inspect.getsource(report_verdict)!r}, own) or "
            f"own['report_verdict']({asked}, globals()))({{}})",
            seconds,
        )
        if self.reply.get("ename") == TIME_OUT:
            return "wrong", f"the answer stopped: {stopped}"
        if self.verdict is None:
            return NOT_GRADED, f"the check gave no verdict: {stopped}"
        outcome, hint = self.verdict
        if outcome != MISSING:
            return outcome, hint
        return ("wrong", f"the cell stopped: {trouble}") if trouble else (NOT_TRIED, hint)


def report_verdict(mime_type, module, checks, answers, names):
    """Call checks on what stands in a namespace, and display the first verdict that is not right.

    This function's source is sent to a kernel, so it uses nothing of this module.

    Parameters
    ----------
    mime_type, module : str
        What the verdict is displayed as, and where the checks are.
    checks, answers : list of str
        Expressions with `exercises` for the module, and the names that must be there.
    names : dict
        The copy's namespace.
    """
    import contextlib
    import importlib
    import os

    from IPython.display import display

    from course_utils.exercises.judge import MISSING, RIGHT, WRONG, Verdict

    verdict = Verdict(MISSING, "its cell is gone or empty")
    with open(os.devnull, "w", errors="replace") as nowhere, contextlib.redirect_stdout(nowhere):
        try:
            exercises = importlib.import_module(module)
            for check in checks if all(name in names for name in answers) else []:
                verdict = eval(check, {**names, "exercises": exercises})
                if verdict.outcome != RIGHT:
                    break
        except SystemExit as error:
            verdict = Verdict(WRONG, f"your function stopped with SystemExit: {error}")
        except Exception as error:
            problem = f"the check stopped with {type(error).__name__}: {error}"
            verdict = Verdict("not graded", problem)
    hint = verdict.hint[:10_000].encode("utf-8", "replace").decode()
    display({mime_type: [verdict.outcome, hint]}, raw=True)


@contextlib.contextmanager
def start_kernel(timeout):
    """Start a kernel in an empty folder, in the sample profile; afterwards both are gone."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("COURSE_")}
    with tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True) as root:
        environment = kept | {
            "COURSE_PROFILE": "sample",
            "COURSE_SEED": "0",
            "COURSE_DATA_DIR": f"{root}/data",
            "IPYTHONDIR": f"{root}/ipython",
            "MPLBACKEND": "agg",
            "PIP_NO_INDEX": "1",  # nothing is installed into the instructor's environment
            "PYTHONPATH": os.pathsep.join([str(PROJECT), *filter(None, [kept.get("PYTHONPATH")])]),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        folder = Path(root, "work")
        folder.mkdir()
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        client = Client(time.monotonic() + timeout)
        with client.setup_kernel(cwd=str(folder), env=environment, **silent):
            client.run(f"exec({SILENCE!r}, {{}})", math.inf)
            yield client


def grade(path, course, timeout=900, cell_timeout=120):
    """Return the rows of one copy; whatever it is and does, this raises nothing.

    Parameters
    ----------
    path : pathlib.Path
    course : list of copies.Chapter
        What `copies.read_course` returns.
    timeout, cell_timeout : float, optional
        Seconds that the copy and each of its cells may take.

    Returns
    -------
    list of Row
        One for each exercise of the chapter, or a single one where there is no chapter.
    """
    rows, why = {"": Row(str(path))}, ""
    try:
        cells = copies.read(path)
        chapter = copies.find_chapter(path, cells, course)
        rows = {
            exercise.cell: Row(str(path), chapter.name, exercise.cell, clean(exercise.title))
            for exercise in chapter.exercises
        }
        with start_kernel(timeout) as client:
            _fill_in(rows, chapter, copies.plan(cells, chapter), client, cell_timeout)
    except copies.CannotGrade as error:
        why = str(error)
    except Exception as error:  # one copy must not cost the others their marks
        why = f"{type(error).__name__}: {error}"
    for row in rows.values():
        if row.outcome == NOT_GRADED and not row.hint:
            row.hint = clean(why)
    return list(rows.values())


def _fill_in(rows, chapter, steps, client, seconds):
    """Take the steps of a copy, and keep the verdicts."""
    trouble = ""
    for kind, source, exercise, _ in steps:
        error = ""
        try:
            if kind == "judge":
                _keep(rows[exercise.cell], *client.judge(chapter, exercise, seconds, trouble))
            else:
                # Starting TensorFlow in the set-up cell may take longer than a cell may.
                error = client.run(source, math.inf if kind == "setup" else seconds)
        except nbclient.exceptions.DeadKernelError:
            if exercise:
                hint = "the cell stopped: it ended the kernel, or could not be interrupted"
                _keep(rows[exercise.cell], "wrong", hint)
            raise copies.CannotGrade("the kernel had ended before it") from None
        if kind == "setup" and error:
            raise copies.CannotGrade(f"the chapter's set-up cell failed: {error}")
        trouble = error if kind == "answer" else ""


def _keep(row, outcome, hint):
    """Fill in a row, unless it is an untouched stub beside an answer that was judged."""
    if row.outcome == NOT_GRADED or outcome != NOT_TRIED:
        row.outcome, row.hint = outcome, clean(hint)


def sum_of(rows):
    """Return a list of one row, which says how many of a copy's are right; empty of no chapter."""
    if not rows[0].chapter:
        return []
    count = [row.outcome for row in rows].count
    rest = [f"{n} {what}" for what in (NOT_TRIED, NOT_GRADED) if (n := count(what))]
    said = f"{count('right')} of {len(rows)} right"
    return [Row(rows[0].notebook, rows[0].chapter, "sum", "", said, ", ".join(rest))]


def expand(names):
    """Return paths for names that may hold patterns, which PowerShell and cmd hand on as they are.

    A pattern that fits nothing stays, so that it is told.
    """
    paths = []
    for name in names:
        found = [] if os.path.lexists(name) else sorted(glob.glob(name))
        paths += [Path(path) for path in found or [name]]
    return paths


def clean(text):
    """Return a text in one line, of moderate length, without what would steer a terminal."""
    text = _printable(" ".join(text[: 10 * MAX_HINT].split()))
    return text if len(text) <= MAX_HINT else text[: MAX_HINT - 1] + "…"


def _printable(text):
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def table(rows):
    """Return the rows as text, a line each, columns one under the other."""
    lines = [COLUMNS, *([_printable(value) for value in astuple(row)] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def write_csv(path, rows):
    """Write the rows as CSV for a spreadsheet, whole or not at all."""
    with tempfile.TemporaryDirectory(prefix=".grade-", dir=path.absolute().parent) as aside:
        new = Path(aside, path.name)
        with new.open("w", encoding="utf-8-sig", newline="") as file:  # so that Excel reads "é"
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for row in rows:
                writer.writerow([_no_formula(_printable(value)) for value in astuple(row)])
        os.replace(new, path)


def _no_formula(text):
    """Keep a spreadsheet from computing what a student wrote."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


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


def _seconds(text):
    seconds = float(text)
    if not 0 < seconds < 1e6:
        raise ValueError
    return seconds


def _parser():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="The notebooks' code runs with all your rights: those of people you do not know "
        "belong in a container.",
    )
    parser.add_argument(
        "notebooks",
        nargs="+",
        metavar="NOTEBOOK",
        help='a file, or a pattern such as "../copies/*.ipynb"',
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="also write the table there")
    parser.add_argument(
        "--course",
        type=Path,
        metavar="FOLDER",
        default=PROJECT / "notebooks",
        help="original chapters [%(default)s]",
    )
    for option, default, what in [
        ("--timeout", 900, "a notebook"),
        ("--cell-timeout", 120, "a cell"),
    ]:
        parser.add_argument(
            option, type=_seconds, default=default, help=f"seconds {what} may take [{default}]"
        )
    return parser


def main(arguments=None):
    """Run the command line.

    Returns
    -------
    int
        0 when all notebooks were graded, whatever the marks; 1 when something of one could not be.
    """
    sys.stdout.reconfigure(errors="replace")  # what the terminal has no letter for
    options = _parser().parse_args(arguments)
    if options.csv and (why := _cannot_write(options.csv)):
        print(f"Nothing was graded: {options.csv} cannot be written: {why}", file=sys.stderr)
        return 1
    try:
        course = copies.read_course(options.course)
    except copies.CannotGrade as error:
        print(f"Nothing was graded: {error}", file=sys.stderr)
        return 1
    rows, paths = [], expand(options.notebooks)
    for number, path in enumerate(paths, 1):
        print(f"{number} of {len(paths)}: {path}", file=sys.stderr, flush=True)
        found = grade(path, course, options.timeout, options.cell_timeout)
        rows += found + sum_of(found)
    trouble = any(row.outcome == NOT_GRADED for row in rows)
    if options.csv:
        try:
            write_csv(options.csv, rows)
        except OSError as error:
            trouble = True
            print(f"{options.csv} was not written: {error.strerror or error}", file=sys.stderr)
    print(table(rows))
    return int(trouble)


if __name__ == "__main__":
    sys.exit(main())
