"""The one error that the data layer shows to a reader."""


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
    """

    def __init__(self, tried: str, came_back: str = "", what_next: str = ""):
        super().__init__("\n".join(part for part in (tried, came_back, what_next) if part))
        self.tried = tried
        self.came_back = came_back
        self.what_next = what_next

    def _render_traceback_(self) -> list[str]:
        """Let IPython show the plain words: a stack of our own frames helps no reader."""
        return [
            f"{type(self).__name__}: {line}" if i == 0 else line
            for i, line in enumerate(str(self).splitlines())
        ]
