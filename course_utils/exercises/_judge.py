"""What the checks share: calling the reader's function, comparing, saying what was seen."""

from copy import deepcopy

import numpy as np

RIGHT, MISSING, WRONG = "✓ Right.", "… Not yet:", "✗ Not quite:"
EMPTY = "replace the `...` (a function must also `return` its result)."


def call(function, *arguments, copy=True):
    """Return what the reader's function returns, or a `Failure`, or ``...`` without a function.

    Parameters
    ----------
    function : callable
        The reader's, or whatever stands in its place.
    *arguments
        What it is called with.
    copy : bool, optional
        Whether to hand over copies, so that what the function writes to is its own.

    Returns
    -------
    object
    """
    if function is ... or function is None:
        return ...
    if not callable(function):
        return Failure(f"a function is wanted, got {type(function).__name__}.")
    try:
        return function(*(deepcopy(arguments) if copy else arguments))
    except Exception as error:  # the reader's code may raise anything: that is what is reported
        return Failure(f"your function stopped with {type(error).__name__}: {error}")


def unanswered(answers):
    """Say so where one of the answers is still missing or is a failure.

    Parameters
    ----------
    answers : sequence
        What `call` returned, or what the reader gave.

    Returns
    -------
    bool
        Whether something was said.
    """
    for value in answers:
        if value is ... or value is None:
            say_missing(EMPTY)
            return True
        if isinstance(value, Failure):
            say_wrong(str(value))
            return True
    return False


def as_numbers(answer):
    """Return an answer as an array, or None after saying what it is instead.

    Parameters
    ----------
    answer : object

    Returns
    -------
    ndarray of float64 or None
    """
    try:
        return np.asarray(answer, float)
    except Exception:  # whatever the answer is, this is no array of numbers
        say_wrong(f"numbers are wanted, got {type(answer).__name__}.")
        return None


def judge(answer, expected, mistakes, tolerance=1e-9, wrong_at=None, also=None):
    """Compare an answer with the right one, then with the foreseen mistakes.

    Parameters
    ----------
    answer : object
        A list is several answers.
    expected : array_like
        The right numbers.
    mistakes : sequence of (array_like, str)
        The numbers that each mistake gives, and what to say to them.
    tolerance : float, optional
        Relative and absolute.
    wrong_at : sequence of str, optional
        Names of the cases, to say which is the first wrong one.
    also : callable, optional
        Called with the answer where its numbers are right; returns what else is wrong, or "".
    """
    if unanswered(answer if isinstance(answer, list) else [answer]):
        return None
    numbers = as_numbers(answer)
    if numbers is None:
        return None
    expected = np.asarray(expected, float)
    if _equal(numbers, expected, tolerance):
        problem = also(answer) if also else ""
        return say_wrong(problem) if problem else say_right()
    for value, hint in mistakes:
        if _equal(numbers, np.asarray(value, float), tolerance):
            return say_wrong(hint)
    if numbers.shape != expected.shape:
        return say_wrong(f"shape {expected.shape} is wanted, got {numbers.shape}.")
    if wrong_at:
        first = int(np.argmax(~np.isclose(numbers, expected, tolerance, tolerance)))
        return say_wrong(
            f"{wrong_at[first]}: {expected[first]:g} is right, got {numbers[first]:g}."
        )
    return say_wrong("the numbers differ from the right ones.")


def judge_scores(function, cases, score, mistakes, wrong_at):
    """Judge a function that returns one number for each case.

    Parameters
    ----------
    function : callable
        The reader's.
    cases : sequence
        The arguments of each call, or the only one.
    score : callable
        The right one.
    mistakes : sequence of (callable, str)
        Functions that are wrong in a known way, and what to say to them.
    wrong_at : sequence of str
        Names of the cases.
    """
    cases = [case if isinstance(case, tuple) else (case,) for case in cases]
    answers = [call(function, *case) for case in cases]
    shapes = [getattr(answer, "shape", ()) for answer in answers]
    if shapes[0] != shapes[1] or len(shapes[0]) > 1:
        return say_wrong(f"one number is wanted, got an array of shape {shapes[0] or shapes[1]}.")
    with np.errstate(all="ignore"):  # 0 / 0 is one of the mistakes
        return judge(
            answers,
            [score(*case) for case in cases],
            [([mistake(*case) for case in cases], hint) for mistake, hint in mistakes],
            tolerance=1e-6,
            wrong_at=wrong_at,
        )


def not_uint8(answer):
    """Say what is wrong with a mask whose numbers are right: "" where it is an array of uint8."""
    dtype = getattr(answer, "dtype", type(answer).__name__)
    if getattr(dtype, "name", dtype) == "uint8":
        return ""
    return (
        f"the numbers are right, but a mask is an array of uint8, not {dtype}: .astype(np.uint8)."
    )


def say_right():
    """Print that the answer is right."""
    print(RIGHT)


def say_missing(text):
    """Print what is still missing."""
    print(MISSING, text)


def say_wrong(text):
    """Print what is wrong."""
    print(WRONG, text)


class Failure(Exception):
    """What a reader's function raised, as a value."""


def _equal(a, b, tolerance):
    return a.shape == b.shape and np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)
