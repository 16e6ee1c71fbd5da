"""What the checks share: the verdict, and comparing an answer with the right and the wrong ones."""

import functools
import re
import warnings
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np

RIGHT, MISSING, WRONG = "right", "missing", "wrong"
OPENINGS = {RIGHT: "✓ Right.", MISSING: "… Not yet:", WRONG: "✗ Not quite:"}
EMPTY = "replace the `...`."
RETURNED_NOTHING = "replace the `...` (a function must also `return` its result)."


@dataclass(frozen=True)
class Verdict:
    """What a check found out about an answer. It is true where the answer is right.

    Attributes
    ----------
    outcome : {"right", "missing", "wrong"}
    hint : str
        What is missing or wrong, or a remark on what is right.
    value : object
        What the chapter goes on with, where it needs an answer that can be used.
    opening : str
        What stands before the hint, where it is not the outcome's usual words.
    """

    outcome: str
    hint: str = ""
    value: object = None
    opening: str = ""

    def __bool__(self):
        return self.outcome == RIGHT

    def __str__(self):
        return f"{self.opening or OPENINGS[self.outcome]} {self.hint}".strip()

    def _ipython_display_(self):
        """Show nothing: the check printed it, and Jupyter would show a cell's last value again."""


class NotRight(Exception):
    """Ends a check. Raised as `Missing` or `Wrong`, with the hint and the verdict's value."""

    def __init__(self, hint, value=None):
        super().__init__(hint)
        self.verdict = Verdict(self.outcome, hint, value)


class Missing(NotRight):
    """There is no answer yet."""

    outcome = MISSING


class Wrong(NotRight):
    """The answer is wrong."""

    outcome = WRONG


def shown(check):
    """Make a check print its verdict and return it, and never raise.

    The check itself raises `Missing` or `Wrong`. Where it returns, the answer is right: it returns
    None, or a `Verdict` that says more.
    """

    @functools.wraps(check)
    def check_and_show(*args, **kwargs):
        verdict = verdict_of(check, *args, **kwargs)
        print(verdict)
        return verdict

    return check_and_show


def verdict_of(check, *args, **kwargs):
    """Return the verdict of a check that raises `Missing` or `Wrong`; whatever it meets."""
    try:
        verdict = check(*args, **kwargs)
    except NotRight as found:
        verdict = found.verdict
    except Exception as error:  # an answer may be anything, and raise when it is looked at
        verdict = Verdict(WRONG, f"this answer cannot be read ({type(error).__name__}).")
    return Verdict(RIGHT) if verdict is None else verdict


def set_beside(guess, came, digits=2):
    """Print a reader's prediction beside what came. There is no wrong one.

    Parameters
    ----------
    guess : float, str or whatever a reader writes
        The prediction, ``...`` where there is none yet. What is no number is shown as it is.
    came : float or str
        What the cells above computed.
    digits : int, optional
        Digits after the point; a share has two at least, and is put in percent beside a guess that
        is in percent.
    """
    in_words = isinstance(came, str)
    it_is = came if in_words else f"{came:.{digits}f}"
    if guess is ... or guess is None:
        print(f"It is {it_is}. Next time, write yours first.")
        return
    try:
        number = None if in_words else one_number(guess)
    except NotRight:  # such as "0.55", "55%" or "half"
        number = None
    said = f"{guess:.{digits}f}" if isinstance(guess, float) else guess
    if digits > 1 and number is not None and number > 1 >= came >= 0:  # the reader's in percent
        it_is += f", or {came:.0%}"
    print(f"You said {said}, and it is {it_is}.")


def call(function, *arguments, prepare=deepcopy, case="", misfit="", nothing=RETURNED_NOTHING):
    """Return what the reader's function returns, without warnings such as those of 0 / 0.

    Parameters
    ----------
    function : callable
        The reader's, or whatever stands in its place.
    *arguments
        What it is called with.
    prepare : callable, optional
        Takes and returns the arguments. By default the function gets copies that it may write to.
    case : str, optional
        What the arguments are, for the hint where the function stops.
    misfit : str, optional
        Ends that hint where the shapes of arrays do not fit.
    nothing : str, optional
        The hint where None comes back.

    Raises
    ------
    Missing
        If there is no function, or it returns nothing.
    Wrong
        If it is no function, or raises.
    """
    require(function)
    if not callable(function):
        raise Wrong(f"a function is wanted, got {type(function).__name__}.")
    arguments = prepare(arguments)
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            answer = function(*arguments)
    except Exception as error:  # the reader's code may raise anything: that is what is reported
        problem = f"your function stopped with {type(error).__name__}: {error}".rstrip(" :.") + "."
        # NumPy's words of its operators, of @ and of np.dot.
        if misfit and any(word in str(error) for word in ("broadcast", "mismatch", "not aligned")):
            problem += f" {misfit}"
        raise Wrong(f"{case}: {problem}" if case else problem) from None
    require(answer, nothing if answer is None else RETURNED_NOTHING)
    return answer


def require(answer, hint=EMPTY):
    """Raise `Missing` where an answer is None or ``...``."""
    if answer is ... or answer is None:
        raise Missing(hint)


def look_up(answers, keys, wanted):
    """Return what the reader's dictionary holds for some keys, ``...`` for what it does not.

    Raises
    ------
    Missing
        If there is no answer; `wanted` says which dictionary it should be.
    Wrong
        If it is no dictionary.
    """
    require(answers, f"make {wanted}.")
    if not isinstance(answers, dict):
        raise Wrong(f"keep {wanted}, got {type(answers).__name__}.")
    return {key: answers.get(key, ...) for key in keys}


def read_numbers(keys, wanted):
    """Make a function that reads the numbers of the reader's dictionary.

    Parameters
    ----------
    keys : sequence
    wanted : str
        Which dictionary it is, for the hint.
    """

    def read(answers):
        answers = look_up(answers, keys, wanted)
        for key, answer in answers.items():
            require(answer, f"a number for {key!r}.")
        return np.array([one_number(answer, f"{key}: ") for key, answer in answers.items()])

    return read


def kind_of(answer):
    """Name the type of an answer for a hint, such as "list of str"."""
    name = type(answer).__name__
    if isinstance(answer, (list, tuple)) and answer:
        return f"{name} of {type(answer[0]).__name__}"
    return f"array of {answer.dtype}" if isinstance(answer, np.ndarray) else name


def as_numbers(answer, of=""):
    """Return an answer as an array of float64, or raise `NotRight`; `of` comes before the hint."""
    require(answer)
    try:
        if np.asarray(answer).dtype.kind in "US":
            raise TypeError("digits in a text are no number")
        return np.asarray(answer, float)
    except Exception:  # whatever the answer is, this is no array of numbers
        more = ": make a list of it" if hasattr(answer, "__next__") else ""
        raise Wrong(f"{of}numbers are wanted, got {kind_of(answer)}{more}.") from None


def one_number(answer, of=""):
    """Return an answer as an array without axes, or raise `NotRight`, as `as_numbers` does."""
    number = as_numbers(answer, of)
    if number.ndim:
        raise Wrong(f"{of}one number is wanted, got an array of shape {number.shape}.")
    return number


def equal(some, others, tolerance):
    """Return whether two lists of arrays hold the same numbers in the same shapes."""
    return len(some) == len(others) and all(
        a.shape == b.shape and np.allclose(a, b, tolerance, tolerance, equal_nan=True)
        for a, b in zip(some, others, strict=True)
    )


def _unnumbered(stopped):
    """Return what a function stopped with, without the numbers that Keras gives its layers."""
    return re.sub(r"_\d+\b", "", str(stopped))


@dataclass(eq=False, repr=False)
class Check:
    """A check that compares an answer with the right one, then with the foreseen mistakes.

    Attributes
    ----------
    task : str
        What is asked for; the docstring of the check.
    solution : callable or object
        The right answer: a function, or a value where there are no `cases`.
    mistakes : dict
        For each hint a list of the wrong answers that it is for. Where one stops with an error, the
        hint is for answers that stop with the same.
    cases : dict or list of tuple, optional
        Arguments to call the functions with. In a dictionary they have names, and the hint says at
        which an answer is wrong.
    parts : tuple of str, optional
        Names of the numbers, where a function returns several at once.
    prepare : callable, optional
        Takes the arguments of a case and returns those that a function gets.
    read : callable, optional
        Makes numbers of what a function returned, or raises `NotRight`.
    also : callable, optional
        Takes the answers to all cases where the numbers are right; returns what else is wrong with
        them, or "".
    otherwise : callable, optional
        Takes the numbers of all cases where they are wrong in no foreseen way; returns a hint, or
        "".
    misfit : str, optional
        What to look for where a function stops because shapes do not fit; ends the hint.
    used : bool, optional
        Whether the chapter goes on with the answer: the verdict's `value` is the reader's where it
        is right, else the solution. A function gets copies of arrays, as in the check, and where
        the solution returns an array, so does the reader's: the chapter calculates with it.
    """

    task: str
    solution: object
    mistakes: dict
    cases: object = None
    parts: tuple = ()
    prepare: object = deepcopy
    read: object = as_numbers
    also: object = None
    otherwise: object = None
    misfit: str = ""
    used: bool = False

    def __post_init__(self):
        self.__doc__ = self.task

    @shown
    def __call__(self, answer):
        """Print and return the verdict on an answer."""
        verdict = verdict_of(self.judge, answer)
        if not self.used:
            return verdict
        if verdict:
            return replace(verdict, value=self._usable(answer) if self.cases else answer)
        hint = f"{verdict.hint} Going on with the course's."
        return replace(verdict, hint=hint, value=self.solution)

    def _usable(self, function):
        """Return the reader's function with what lets a chapter use it like the solution."""
        wants_array = isinstance(self._read_all(self.solution)[0][0], np.ndarray)

        def own(value):
            return value.copy() if isinstance(value, np.ndarray) else value

        @functools.wraps(function)
        def use(*arguments, **named):
            named = {name: own(value) for name, value in named.items()}
            answer = function(*map(own, arguments), **named)
            return np.asarray(answer) if wants_array and type(answer) in (list, tuple) else answer

        return use

    def judge(self, answer):
        """Return None where an answer is right; raise `NotRight` where it is not."""
        try:
            returned, numbers = self._read_all(answer)
        except Wrong as stopped:
            known = [hint for wrong, hint in self._wrong if wrong == _unnumbered(stopped)]
            raise (Wrong(known[0]) if known else stopped) from None
        whole = all(np.array_equal(n, np.round(n)) for n in self._right)
        tolerance = 1e-9 if whole else 1e-5  # what was computed may be of float32
        if equal(numbers, self._right, tolerance):
            if self.also and (problem := self.also(returned)):
                raise Wrong(problem)
            return
        for known, hint in self._wrong:
            if not isinstance(known, str) and equal(numbers, known, tolerance):
                raise Wrong(hint)
        more = "" if whole else self._altered(numbers, tolerance)
        if self.otherwise and not more:
            more = self.otherwise(numbers)
        raise Wrong(more or self._difference(numbers, tolerance))

    def foreseen(self):
        """Return each foreseen wrong answer with its hint, in the order in which they are tried."""
        return [(wrong, hint) for hint, several in self.mistakes.items() for wrong in several]

    @functools.cached_property
    def _right(self):
        return self._numbers(self.solution)

    @functools.cached_property
    def _wrong(self):
        return [(self._numbers_or_stop(wrong), hint) for wrong, hint in self.foreseen()]

    def _numbers(self, known):
        return self._read_all(known)[1]

    def _numbers_or_stop(self, known):
        """Return the numbers of a wrong answer, or as a str what it stops with."""
        try:
            return self._numbers(known)
        except Wrong as stopped:
            return _unnumbered(stopped)

    def _read_all(self, answer):
        """Return what an answer gives in each case, and the numbers that were read from it."""
        returned = [] if self.cases else [answer]
        named = isinstance(self.cases, dict)
        cases = self.cases.items() if named else [("", case) for case in self.cases or ()]
        for name, case in cases:
            try:
                options = {"prepare": self.prepare, "misfit": self.misfit}
                returned.append(call(answer, *case, case=name, **options))
            except Missing:
                if not returned:
                    raise
                where = f"{name}: " if name else "in one case "
                raise Missing(f"{where}nothing comes back; every way out needs a result.") from None
        return returned, [self._read_parts(value) for value in returned]

    def _read_parts(self, value):
        if not self.parts:
            return self.read(value)
        try:
            numbers = [] if isinstance(value, (dict, str)) else list(value)
        except TypeError:
            numbers = []
        if len(numbers) != len(self.parts):
            kind = type(value).__name__ + (f" of {len(numbers)}" if numbers else "")
            raise Wrong(f"a tuple ({', '.join(self.parts)}) is wanted, got {kind}.")
        named = zip(numbers, self.parts, strict=True)
        return np.array([one_number(number, f"{name}: ") for number, name in named])

    def _altered(self, numbers, tolerance):
        """Return a hint where the right numbers, not all whole, were rounded or the like, or ""."""

        def are(change):
            return equal(numbers, [change(right) for right in self._right], tolerance)

        if are(np.trunc):
            return (
                "that was cut to whole numbers: `//` and int cut, and so does an array of integers."
            )
        if any(are(lambda right, k=k: np.round(right, k)) for k in range(2, 6)):
            return "that was rounded: give the numbers as they come out."
        shares = all(np.all((right >= 0) & (right <= 1)) for right in self._right)
        if shares and any(are(lambda right, k=k: np.round(100 * right, k)) for k in range(12)):
            return "that is in percent; a share lies between 0 and 1."
        return ""

    def _difference(self, numbers, tolerance):
        """Describe the first difference."""
        named = self.cases if isinstance(self.cases, dict) else [""] * len(numbers)
        for name, got, wanted in zip(named, numbers, self._right, strict=True):
            if equal([got], [wanted], tolerance):
                continue
            if not wanted.ndim:
                one_number(got)
            if got.shape != wanted.shape:
                found = got.shape if got.ndim else "a single number"
                where = f"{name}: " if name else ""
                return f"{where}shape {wanted.shape} is wanted, got {found}."
            if not name:
                break
            at = int(np.argmax(~np.isclose(got, wanted, tolerance, tolerance)))
            part = f"{self.parts[at]} " if self.parts else ""
            return f"{part}{name}: {wanted.flat[at]:g} is right, got {got.flat[at]:g}."
        if not self.cases and not self._right[0].ndim:
            return "the number is not the right one."
        return "the numbers differ from the right ones."


def not_uint8(answers):
    """Return what is wrong with masks whose numbers are right: "" for arrays of uint8."""
    for answer in answers:
        dtype = getattr(answer, "dtype", type(answer).__name__)
        if getattr(dtype, "name", dtype) != "uint8":
            return (
                "the numbers are right, but a mask is an array of uint8, not "
                f"{dtype}: .astype(np.uint8)."
            )
    return ""


def not_whole(answers):
    """Return what is wrong with right numbers that are not of a whole kind, or ""."""
    for answer in answers:
        dtype = np.asarray(answer).dtype
        if dtype.kind not in "iu":
            return f"the numbers are right, but should be whole, not {dtype}: int(…) or `//`."
    return ""
