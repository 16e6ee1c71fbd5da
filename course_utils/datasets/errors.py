"""The one error that the data layer shows to a reader."""

import os
from pathlib import Path


class CourseDataError(RuntimeError):
    """A data set could not be had, or is not what it should be.

    Parameters
    ----------
    tried : str
        What was tried.
    came_back : str, optional
        What came back: the server's answer, the file at fault and what is wrong with it.
    what_next : str, optional
        The next thing to do.
    sample_helps : bool, optional
        Whether made-up data can be had instead: not where the data folder itself is at fault.
    """

    def __init__(
        self, tried: str, came_back: str = "", what_next: str = "", sample_helps: bool = True
    ):
        super().__init__("\n".join(part for part in (tried, came_back, what_next) if part))
        self.tried = tried
        self.came_back = came_back
        self.what_next = what_next
        self.sample_helps = sample_helps

    def _render_traceback_(self) -> list[str]:
        """Let IPython show the plain words: a stack of our own frames helps no reader."""
        return [
            f"{type(self).__name__}: {line}" if i == 0 else line
            for i, line in enumerate(str(self).splitlines())
        ]


def fault_in(root: Path, what: str, problem: str, how_many: int = 1) -> CourseDataError:
    """Return the error for a fault in data that were unpacked into `root`.

    Parameters
    ----------
    root : pathlib.Path
    what : str
        What was read there, such as "the outdoor scenes".
    problem : str
        The file at fault and what is wrong with it.
    how_many : int, optional
        How many files have this fault.
    """
    more = f", and {how_many - 1} more" if how_many > 1 else ""
    try:
        os.scandir(root).close()
    except OSError as error:
        return CourseDataError(
            f"Looked for {what} in {root}:",
            f"there is no such folder, or it cannot be read ({error.strerror}).",
            "Correct `root`, or omit it.",
        )
    return CourseDataError(
        f"Read {what} in {root}:",
        f"{problem}{more}.",
        "If the course put it there and nothing was changed, "
        f"delete {root} and try again: it is then fetched anew.",
    )
