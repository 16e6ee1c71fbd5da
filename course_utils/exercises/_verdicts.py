"""What the original checks say to an answer that stands in a kernel."""

import contextlib
import io
import warnings
from dataclasses import dataclass

from ._judge import MISSING, RIGHT, WRONG
from ._kernel import KernelDied, NoAnswer
from .basics import REAL_BASELINE

MAX_HINT = 300
NOT_GRADED, NOT_TRIED = "not graded", "not tried"
SUM = "sum"
# Answers that were typed may be those of the real data, which the grader does not have.
ON_REAL_DATA = {"check_baseline": {"elsewhere": REAL_BASELINE}}


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


def judge(exercise, kernel, given):
    """Let the original checks of an exercise look at the answer.

    Parameters
    ----------
    exercise : _copies.Exercise
    kernel : Kernel
        Where the answer stands.
    given : dict
        What the checks take beside it, by exercise and expression.

    Returns
    -------
    str, str
        The outcome and what the check said.

    Raises
    ------
    NoAnswer, KernelDied
        If there is no answer to look at.
    """
    from course_utils import environment, exercises

    said = []
    for name, arguments in exercise.checks:
        values = []
        for argument in arguments:
            if exercise.is_answer(argument):
                values.append(kernel.ask(argument))
            elif (exercise.cell, argument) in given:
                values.append(given[exercise.cell, argument])
            else:
                return NOT_GRADED, f"the original chapter, run for it, gave no `{argument}`"
        printed = io.StringIO()
        # A check may start TensorFlow, which is not to talk between the rows.
        with (
            contextlib.redirect_stdout(printed),
            warnings.catch_warnings(action="ignore"),
            environment.quiet_stderr(),
        ):
            getattr(exercises, name)(*values, **ON_REAL_DATA.get(name, {}))
        said.append(outcome_of(printed.getvalue()))
    return min(said, key=lambda one: one[0] == "right")  # the first that is not


def sum_of(rows):
    """Return one more row for the rows of one copy, which says how many are right.

    Parameters
    ----------
    rows : list of Row
        Of one copy, one or more.

    Returns
    -------
    list of Row
        The row, or nothing for a copy of no chapter.
    """
    if not rows[0].chapter:
        return []
    count = [row.outcome for row in rows].count
    rest = [f"{n} {what}" for what in (NOT_TRIED, NOT_GRADED) if (n := count(what))]
    said = f"{count('right')} of {len(rows)} right"
    return [Row(rows[0].notebook, rows[0].chapter, SUM, "", said, ", ".join(rest))]


def outcome_of(text):
    """Return the outcome that a check's text stands for, and what it says beside."""
    text = text.strip()
    prefixes = {RIGHT: "right", MISSING: NOT_TRIED, WRONG: "wrong", RIGHT[0]: "right"}
    for prefix, outcome in prefixes.items():
        if text.startswith(prefix):
            return outcome, text.removeprefix(prefix).strip()
    return NOT_GRADED, f"the check said: {text}"


def clean(text):
    """Return a text in one line, of moderate length, without what would steer a terminal."""
    text = " ".join(text[: 10 * MAX_HINT].split())
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= MAX_HINT else text[: MAX_HINT - 1] + "…"


def judge_into(row, exercise, kernel, given, trouble):
    """Judge, and keep it, unless it is an untouched stub beside an answer that was judged."""
    try:
        outcome, hint = judge(exercise, kernel, given)
    except (NoAnswer, KernelDied) as error:
        outcome, hint = "wrong", f"the cell stopped: {trouble or error}"
        if not trouble and type(error).__name__ == "NameError":
            outcome, hint = NOT_TRIED, "its cell is gone or empty"
    except Exception as error:  # of the check itself
        outcome, hint = NOT_GRADED, f"the check stopped with {type(error).__name__}: {error}"
    if row.outcome == NOT_GRADED or outcome != NOT_TRIED:
        row.outcome, row.hint = outcome, clean(hint)
