"""Execute a notebook from top to bottom, showing what its cells print as they print it."""

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"


class StreamingClient(NotebookClient):
    """A notebook client that hands on the cells' text at once.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
    echo : callable, optional
        Gets each piece of text.
    **options
        Those of `nbclient.NotebookClient`.
    """

    def __init__(self, notebook, echo=None, **options):
        super().__init__(notebook, **options)
        self.echo = echo

    def process_message(self, msg, cell, cell_index):
        """Hand on the text of a message, then treat it as nbclient does."""
        content = msg["content"]
        if self.echo and msg["msg_type"] == "stream":
            self.echo(content["text"])
        elif self.echo and msg["msg_type"] in ("display_data", "execute_result"):
            self.echo(content["data"].get("text/plain", "") + "\n")
        elif self.echo and msg["msg_type"] == "error":
            self.echo("\n".join(content["traceback"]) + "\n")
        return super().process_message(msg, cell, cell_index)


def read(path):
    """Read a notebook."""
    return nbformat.read(path, as_version=4)


def execute(notebook, *, echo=None, folder=NOTEBOOKS, cell_timeout=None, **settings):
    """Execute a notebook in place, also as far as it gets if a cell fails.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
    echo : callable, optional
        Gets the cells' text as it comes.
    folder : path
        Where the cells run.
    cell_timeout : int, optional
        Seconds one cell may take; no limit by default.
    **settings
        Environment variables of the course, such as ``COURSE_PROFILE="sample"``; those of this
        process that are not named, COURSE_DATA_DIR and COURSE_MIRROR apart, do not count.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    nbclient.exceptions.CellTimeoutError, nbclient.exceptions.DeadKernelError
        If a cell takes too long, or the kernel dies.
    """
    kept = ("COURSE_DATA_DIR", "COURSE_MIRROR", "COURSE_TIMEOUT")
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("COURSE_") or key in kept
    }
    client = StreamingClient(
        notebook,
        echo,
        timeout=cell_timeout,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env=environment | settings)
    return notebook
