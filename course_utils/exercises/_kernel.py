"""A kernel of its own for a notebook that nobody has read: limits, and answers as plain data."""

import base64
import itertools
import json
import os
import pickle
import subprocess
import tempfile
import time
from pathlib import Path

from . import _answers

START_SECONDS = 60
INTERRUPT_SECONDS = 15  # for the kernel to obey
PROJECT = Path(__file__).resolve().parents[2]
# One expression, so that nothing is added to the reader's names.
CODE = (
    "(lambda m: exec({source!r}, m) or m['reply']({path!r}, globals(), {asked!r}, {given!r}))({{}})"
)


class KernelDied(Exception):
    """The kernel is gone, or obeys no more and was ended."""


class NoAnswer(Exception):
    """An answer could not be had."""


class Kernel:
    """A fresh kernel in an empty folder of its own, in the sample profile.

    What its cells print is not listened to, however much it is.

    Parameters
    ----------
    cell_seconds : float
        What one request may take.
    deadline : float
        When all of it must have ended, by `time.monotonic`.
    """

    def __init__(self, cell_seconds, deadline):
        self.cell_seconds, self.deadline = cell_seconds, deadline

    def __enter__(self):
        """Start it."""
        from jupyter_client import KernelManager

        self._folder = tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True)
        self.root = Path(self._folder.name)
        for name in ("work", "answers"):
            (self.root / name).mkdir()
        self._names = itertools.count()
        self._manager = KernelManager(kernel_name="python3")
        try:
            self._manager.start_kernel(
                cwd=str(self.root / "work"),
                env=environment(self.root),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            self._client = self._manager.blocking_client()
            # Without the channel of outputs: megabytes of them cost nothing, and none can be lost.
            self._client.start_channels(iopub=False, stdin=False, hb=False, control=False)
            if self._wait(self._client.kernel_info(), START_SECONDS) is None:
                raise KernelDied(f"the kernel did not start within {START_SECONDS} s")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        """End it, and all that it has started; its folder goes, too."""
        if self._manager.has_kernel:
            self._manager.shutdown_kernel(now=True)
        if hasattr(self, "_client"):
            self._client.stop_channels()
        self._manager.cleanup_resources()
        self._folder.cleanup()

    @property
    def is_alive(self):
        """Whether it still runs."""
        return self._manager.is_alive()

    @property
    def time_is_over(self):
        """Whether the deadline has passed."""
        return time.monotonic() >= self.deadline

    def run(self, code, seconds=None):
        """Execute code.

        Parameters
        ----------
        code : str
        seconds : float, optional
            What it may take; default: what a cell may.

        Returns
        -------
        str
            What went wrong, or "".

        Raises
        ------
        KernelDied
            If the kernel ended, or had to be.
        """
        seconds = min(seconds or self.cell_seconds, self.deadline - time.monotonic())
        if seconds <= 0:
            return "the notebook's time was over"
        # After an error the kernel would drop what comes within a moment: the next cell.
        options = {"store_history": False, "allow_stdin": False, "stop_on_error": False}
        asked = self._client.execute(code, **options)
        answer = self._wait(asked, seconds)
        if answer is not None:
            failed = answer["content"].get("status") != "ok"
            name, text = (answer["content"].get(key, "") for key in ("ename", "evalue"))
            return f"{name}: {text}" if failed else ""
        for _ in range(2):  # `except: pass` inside a loop may catch the first one
            self._manager.interrupt_kernel()
            if self._wait(asked, INTERRUPT_SECONDS) is not None:
                return f"it did not end within {seconds:.0f} s"
        self._manager.shutdown_kernel(now=True)
        raise KernelDied(f"it did not end within {seconds:.0f} s, and could not be interrupted")

    def ask(self, expression, arguments=None):
        """Return what an expression stands for in the kernel, or what calling it returns.

        Parameters
        ----------
        expression : str
        arguments : tuple, optional
            Positional arguments of a call.

        Returns
        -------
        object
            Plain data; for a function, a `Function`.

        Raises
        ------
        NoAnswer
            If it cannot be had, with the reason. An exception that the reader's code raised keeps
            its name.
        KernelDied
            As for `run`.
        """
        path = self.root / "answers" / f"{next(self._names)}.json"
        given = arguments
        if arguments is not None:
            given = base64.b64encode(pickle.dumps(arguments)).decode()
        source = Path(_answers.__file__).read_text(encoding="utf-8")
        trouble = self.run(
            CODE.format(source=source, path=str(path), asked=expression, given=given)
        )
        if trouble:
            raise NoAnswer(trouble)
        try:
            if path.is_symlink() or not path.is_file():  # a pipe would never end
                raise ValueError("no file")
            if path.stat().st_size > 4 * _answers.MAX_BYTES:
                raise ValueError("too much")
            found = json.loads(path.read_text(encoding="utf-8"))
            if "error" in found:
                name, text = found["error"]
            elif "function" in found:
                return Function(self, expression)
            else:
                return _answers.decode(found["value"])
        except Exception as error:  # the kernel can write anything there, or nothing
            raise NoAnswer(f"the answer could not be read ({error})") from None
        # The checks print the name of what a function raised, so it keeps that name.
        raise type(_answers.type_name(name), (NoAnswer,), {})(str(text))

    def _wait(self, asked, seconds):
        """Return the reply to a request, or None when the seconds are over."""
        from queue import Empty

        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                message = self._client.get_shell_msg(timeout=min(0.5, max(seconds, 0.01)))
            except Empty:
                if not self.is_alive:
                    raise KernelDied("it ended the kernel") from None
                continue
            if message["parent_header"].get("msg_id") == asked:
                return message
        return None


class Function:
    """A function of the notebook: called here, executed there, on copies.

    Parameters
    ----------
    kernel : Kernel
    expression : str
        What it is called there.
    """

    def __init__(self, kernel, expression):
        self.kernel, self.expression, self.trouble = kernel, expression, None

    def __call__(self, *arguments):
        """Return what it returns; after the kernel's end or a time-out, fail at once."""
        if self.trouble:
            raise self.trouble
        try:
            return self.kernel.ask(self.expression, arguments)
        except KernelDied as error:
            self.trouble = error
            raise
        except NoAnswer as error:
            if type(error) is NoAnswer:  # not of the reader's code
                self.trouble = error
            raise


def environment(root):
    """Return the environment variables of a kernel.

    Parameters
    ----------
    root : pathlib.Path
        Folder for all that it keeps.

    Returns
    -------
    dict of str to str
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith("COURSE_")}
    paths = [str(PROJECT), *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {
        "COURSE_PROFILE": "sample",
        "COURSE_SEED": "0",
        "COURSE_DATA_DIR": str(root / "data"),
        "IPYTHONDIR": str(root / "ipython"),
        "MPLBACKEND": "agg",
        "PIP_NO_INDEX": "1",  # nothing is installed into the teacher's environment
        "PYTHONPATH": os.pathsep.join(paths),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
