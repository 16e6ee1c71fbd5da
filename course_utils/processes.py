"""Programs of the course that a chapter starts, and that never outlive it (chapter 12)."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

_UNTIL_PARENT_ENDS = "COURSE_UNTIL_PARENT_ENDS"


@contextlib.contextmanager
def started(module, *arguments, settings=({},), log):
    """Run ``python -m MODULE ARGUMENTS`` once or several times, until the block is left.

    The programs are killed where they still run when the block is left, by whatever way. They call
    `end_with_parent`, so that they also end where this process is killed.

    Parameters
    ----------
    module : str
        Such as "course_utils.serve".
    *arguments
        Of the command line.
    settings : sequence of dict of str to str, optional
        The environment variables of each program that are not as this process has them.
    log : path
        What they print is added to this file; with several, to files with 0, 1, … behind the name.

    Yields
    ------
    list of subprocess.Popen
    """
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    common = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), _UNTIL_PARENT_ENDS: "1"}
    common |= {"PYTHONUTF8": "1"}
    with contextlib.ExitStack() as stack:
        programs = []
        for number, own in enumerate(settings):
            path = f"{log}{number}" if len(settings) > 1 else log
            file = stack.enter_context(open(path, "ab"))
            program = subprocess.Popen(
                [sys.executable, "-m", module, *map(str, arguments)],
                env=os.environ | common | own,
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
            stack.callback(_end, program)
            programs.append(program)
        yield programs


def _end(program):
    program.kill()  # does nothing where it has ended
    program.wait()
    program.stdin.close()


def end_with_parent():
    """End this process where that which started it ends, however it does."""
    if os.environ.get(_UNTIL_PARENT_ENDS):
        threading.Thread(target=_wait_for_the_end, daemon=True).start()


def _wait_for_the_end():
    while os.read(0, 1):  # standard input, a pipe that is open as long as the parent lives
        pass
    os._exit(1)


def free_ports(count):
    """Return numbers of ports of this machine on which nobody listens at the moment."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in found]


def wait_until(happened, programs, log, seconds=300):
    """Wait until something has happened.

    Parameters
    ----------
    happened : callable
        Returns whether it has.
    programs : sequence of subprocess.Popen
        Those that are to bring it about.
    log : path
        Where they print to, for the error.
    seconds : float, optional

    Raises
    ------
    RuntimeError
        If one of the programs ends before, or it takes too long. The error has the log's end.
    """
    end = time.monotonic() + seconds
    while not happened():
        ended = any(program.poll() is not None for program in programs)
        if ended or time.monotonic() > end:
            why = "a program has ended" if ended else f"nothing has happened in {seconds:g} s"
            raise RuntimeError(f"{why}; its last words:\n{last_words(log)}")
        time.sleep(0.02)


def last_words(log, most=2_000):
    """Return the end of what was printed into a log."""
    return Path(log).read_text(encoding="utf-8", errors="replace")[-most:]


class Memory:
    """How much memory a process takes while a block runs, in megabytes.

    Parameters
    ----------
    pid : int, optional
        Of the process; this one, unless told.
    every : float, optional
        Seconds between two looks.

    Attributes
    ----------
    seconds, megabytes : list of float
        When it was looked at, and what was found.
    """

    def __init__(self, pid=None, every=0.005):
        import psutil

        self.seconds, self.megabytes = [], []
        self._process, self._every = psutil.Process(pid), every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    @property
    def growth(self):
        """The most that it took, less what it had at the beginning."""
        return max(self.megabytes) - self.megabytes[0]

    def __enter__(self):
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._ended.set()
        self._thread.join()
        self._look()

    def _follow(self):
        while not self._ended.wait(self._every):
            self._look()

    def _look(self):
        self.seconds.append(time.monotonic())
        self.megabytes.append(self._process.memory_info().rss / 1e6)
