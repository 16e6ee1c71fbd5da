"""JupyterLab as `make lab` starts it, on a copy of the project, ended with all its kernels."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import nbformat
import psutil
from notebook_rules import ROOT

NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", ".ipynb_checkpoints"
)
ARGUMENTS = "--no-browser --allow-root --LabApp.expose_app_in_browser=True"
# A first start asks whether to fetch news, and looks for updates; neither belongs in a test.
NOTIFICATIONS = "lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"


class Lab:
    """A running JupyterLab.

    Parameters
    ----------
    info : dict
        What the server wrote about itself: url, token, pid.
    """

    def __init__(self, info):
        self.url = info["url"]
        self.token = info["token"]
        self.pid = info["pid"]

    def address(self, path="", workspace=None):
        """Return where the browser finds a notebook, or where `make lab` would send it.

        Parameters
        ----------
        path : str, optional
            Relative to the project.
        workspace : str, optional
            Its tabs are the ones that come back; each test has its own.
        """
        where = f"lab/workspaces/{workspace}/tree/{path}" if path else ""
        return f"{self.url}{where}?" + urllib.parse.urlencode({"token": self.token})

    def ask(self, what, method="GET"):
        """Call the server's interface; return its answer, or None where it has no content."""
        request = urllib.request.Request(
            f"{self.url}api/{what}",
            method=method,
            headers={"Authorization": f"token {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or "null")

    def end_kernels(self):
        """Shut down every kernel, so that its memory is free for the next chapter."""
        for kernel in self.ask("kernels"):
            self.ask(f"kernels/{kernel['id']}", "DELETE")


def copy_project(folder):
    """Copy the project without what is built or downloaded; its notebooks lose their outputs.

    Returns
    -------
    pathlib.Path
    """
    copy = Path(shutil.copytree(ROOT, folder / "course", ignore=NOT_COPIED))
    for path in (copy / "notebooks").glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, path)
    return copy


@contextlib.contextmanager
def running(project, folder, seconds=120):
    """Run `make lab` in a copy of the project, with this Python in place of the one in .venv.

    Parameters
    ----------
    project : pathlib.Path
    folder : pathlib.Path
        For JupyterLab's settings, so that those of this user play no part, and for its log.
    seconds : float, optional
        How long it may take to start.

    Yields
    ------
    Lab
    """
    runtime, log = folder / "runtime", folder / "lab.log"
    settings = folder / "config" / NOTIFICATIONS
    settings.parent.mkdir(parents=True)
    settings.write_text('{"fetchNews": "false", "checkForUpdates": false}', encoding="utf-8")
    # MPLBACKEND is what the other tests set, MAKE… what `make test-browser` leaves.
    dropped = ("MPLBACKEND", "MAKEFLAGS", "MFLAGS", "MAKELEVEL")
    environment = {key: value for key, value in os.environ.items() if key not in dropped}
    environment |= {
        "COURSE_PROFILE": "sample",
        "COURSE_SEED": "0",
        "COURSE_RESULTS": "",
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = ["make", "--old-file=ready", "lab", "READY=ready"]
    command += [f"PY={sys.executable}", f"LAB_ARGS={ARGUMENTS}"]
    with log.open("w") as out:
        started = subprocess.Popen(
            command,
            cwd=project,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    lab = None
    try:
        lab = Lab(_wait_for_info(started, runtime, log, seconds))
        yield lab
    finally:
        _end(started, lab)


def _wait_for_info(started, runtime, log, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end and started.poll() is None:
        for path in runtime.glob("jpserver-*.json"):
            with contextlib.suppress(ValueError):  # still being written
                return json.loads(path.read_text(encoding="utf-8"))
        time.sleep(0.2)
    raise RuntimeError("`make lab` did not start:\n" + log.read_text(errors="replace")[-3000:])


def _end(started, lab):
    """Ask the server to stop, which ends its kernels; what is left after that is killed."""
    family = []
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(started.pid).children(recursive=True)
    with contextlib.suppress(OSError):
        if lab:
            lab.end_kernels()
            lab.ask("shutdown", "POST")
    _, left = psutil.wait_procs(family, timeout=30 if lab else 0)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    started.wait(30)
