"""Grade filled-in copies of the chapters: ``python -m course_utils.exercises grade NOTEBOOK…``.

Each copy runs in a fresh kernel, in the sample profile and in an empty folder, cell by cell: an
error, a time-out or a kernel that ends costs that cell and not the rest. The chapter's own set-up
cell takes the place of the copy's. Cells that the student left as they were and that no other cell
needs, such as most trainings, are left out.

After the cell of an exercise the *original* check judges what stands under the exercise's names,
and it does so here, in the grader's process: a function of the copy is called in its kernel, and
only numbers, text and arrays come back. What the copy prints, what its check cells say and what it
does to ``exercises``, NumPy or ``print`` therefore plays no part. What a check needs beside the
answer, such as the masks, comes from the original chapter.

Not defended: the copy's code runs with all your rights. It can read and delete your files, use the
network, fill the memory, or end the grader. Grade the notebooks of people you do not know in a
container or on a machine that holds nothing else. Nor is it seen where an answer comes from: copied
from the solution, or calling course_utils for the right one, it is right.
"""

import contextlib
import math
import time
from dataclasses import dataclass

from . import _copies, _slices
from ._copies import CannotGrade
from ._kernel import Kernel, KernelDied, NoAnswer
from ._verdicts import NOT_GRADED, Row, clean, judge_into

MAX_STARTS = 5


@dataclass
class Limits:
    """How long a notebook and each of its cells may take, in seconds."""

    notebook: float = 900
    cell: float = 120


class Grader:
    """Grades copies of the chapters of one course.

    Parameters
    ----------
    folder : pathlib.Path
        The original notebooks.
    limits : Limits, optional

    Raises
    ------
    CannotGrade
        If the folder holds no chapter with exercises.
    """

    def __init__(self, folder, limits=None):
        self.course = _copies.read_course(folder)
        self.limits = limits or Limits()
        self._given = {}

    def grade(self, path):
        """Return the rows of one copy; whatever it is and does, this raises nothing.

        Parameters
        ----------
        path : path

        Returns
        -------
        list of Row
            One for each exercise of the chapter, or a single one where there is no chapter.
        """
        try:
            cells = _copies.read(path)
            chapter = _copies.chapter_of(path, cells, self.course)
        except CannotGrade as error:
            return [Row(str(path), hint=clean(str(error)))]
        rows = {
            name: Row(str(path), chapter.name, name, clean(exercise.title))
            for name, exercise in chapter.exercises.items()
        }
        try:
            given = self._given_values(chapter)
            deadline = time.monotonic() + self.limits.notebook
            _Copy(plan(cells, chapter), rows, given).run(self.limits.cell, deadline)
        except CannotGrade as error:
            _say_why(rows, str(error))
        except Exception as error:  # one copy must not cost the others their marks
            _say_why(rows, f"{type(error).__name__}: {error}")
        return list(rows.values())

    def _given_values(self, chapter):
        """Return what the checks take beside answers, by exercise and expression."""
        if chapter.name not in self._given:
            self._given[chapter.name] = self._from_original(chapter)
        return self._given[chapter.name]

    def _from_original(self, chapter):
        wanted = {
            (name, argument)
            for name, exercise in chapter.exercises.items()
            for _, arguments in exercise.checks
            for argument in arguments
            if not exercise.is_answer(argument)
        }
        values = {}
        if not wanted:
            return values
        deadline = time.monotonic() + self.limits.notebook
        places = []
        for name, _, tags, source in chapter.cells:
            asked = [argument for cell, argument in sorted(wanted) if cell == name]
            names = set().union(*(_slices.names_of(argument)[1] for argument in asked))
            places.append((name, asked, (source, "setup" in tags, names)))
        keep = _slices.needed([step for _, _, step in places])
        with Kernel(math.inf, deadline) as kernel, contextlib.suppress(KernelDied):
            for kept, (name, asked, (source, _, _)) in zip(keep, places, strict=True):
                for argument in asked:
                    with contextlib.suppress(NoAnswer):  # those who need it are told
                        values[name, argument] = kernel.ask(argument)
                if kept:
                    kernel.run(source)
        return values


def plan(cells, chapter):
    """Return the steps of a run: what is executed, and where is judged.

    Parameters
    ----------
    cells : list
        The copy's, as `_copies.read` returns them.
    chapter : _copies.Chapter
        Its original.

    Returns
    -------
    list of (str, Exercise or None, str)
        Kind ("setup", "run", "answer", "judge" or "check"), exercise, code. The chapter's own
        cells are there as far as another step uses what they bind.
    """
    own_setup = [source for _, _, tags, source in chapter.cells if "setup" in tags][:1]
    steps = [("setup", None, source) for source in own_setup]
    for name, kind, tags, source in cells:
        if kind != "code" or (own_setup and (name == "setup" or "setup" in tags)):
            continue
        exercise = _copies.exercise_of(name, source, chapter)
        if exercise is None:
            steps.append(("run", None, source))
            continue
        answer, rest = _copies.answer_and_rest(source)
        steps += [("answer", exercise, answer), ("judge", exercise, ""), ("check", None, rest)]
    # A stub that is gone: perhaps its answer stands elsewhere.
    judged = [what.cell for kind, what, _ in steps if kind == "judge"]
    steps += [("judge", e, "") for name, e in chapter.exercises.items() if name not in judged]
    as_published = {source for _, _, _, source in chapter.cells}
    keep = _slices.needed(
        [
            (source, not (kind == "check" or (kind == "run" and source in as_published)), names)
            for kind, what, source in steps
            for names in [what.own if kind == "judge" else set()]
        ]
    )
    return [step for kept, step in zip(keep, steps, strict=True) if kept]


def _say_why(rows, why):
    for row in rows.values():
        if row.outcome == NOT_GRADED:
            row.hint = row.hint or clean(why)


class _Copy:
    """One copy on its way through kernels: a cell that ended one is left out in the next."""

    def __init__(self, steps, rows, given):
        self.steps, self.rows, self.given = steps, rows, given
        self.judged, self.skipped, self.troubles = set(), set(), {}

    def run(self, cell_seconds, deadline):
        """Fill in the rows, as far as the time reaches."""
        for _ in range(MAX_STARTS):
            with Kernel(cell_seconds, deadline) as kernel:
                why = self._pass(kernel)
            if why is None:
                return
            if time.monotonic() >= deadline:
                why = "the notebook's time was over before it"
                break
        _say_why(self.rows, why)

    def _pass(self, kernel):
        """Return None at the end of the steps, or what ended the pass before."""
        for number, step in enumerate(self.steps):
            if kernel.time_is_over:
                return "the time was over"
            try:
                self._take(number, *step, kernel)
            except KernelDied as error:
                self.skipped.add(number)
                if step[0] == "answer":
                    self.troubles[step[1].cell] = str(error)
                return f"the kernel had ended {MAX_STARTS} times before it"
        return None

    def _take(self, number, kind, exercise, source, kernel):
        if number in self.judged or number in self.skipped:
            return
        if kind == "judge":
            self.judged.add(number)
            trouble = self.troubles.get(exercise.cell, "")
            judge_into(self.rows[exercise.cell], exercise, kernel, self.given, trouble)
            if not kernel.is_alive and number + 1 < len(self.steps):
                raise KernelDied("an answer ended the kernel")
            return
        # The set-up cell is the chapter's own, and starting TensorFlow may take long.
        trouble = kernel.run(source, math.inf if kind == "setup" else None)
        if kind == "setup" and trouble:
            raise CannotGrade(f"the chapter's set-up cell failed: {trouble}")
        if kind == "answer":
            self.troubles[exercise.cell] = trouble
