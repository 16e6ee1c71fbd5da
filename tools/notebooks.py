"""Execute chapters in the showcase profile, and save them with their outputs.

    make outputs                                those that anything has changed for
    python tools/notebooks.py 02_mri_fcn        these chapters, whatever has changed

A chapter is saved as soon as it has reached its end, so after a failure or Ctrl-C the same command
goes on with the chapters that are left. One that fails stays as it was; how far it got is left in
build/notebooks/.
"""

import argparse
import hashlib
import os
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "data_scripts"))
from own_python import needed

with needed():
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
BUILD = ROOT / "build" / "notebooks"
FAILURES = CellExecutionError, CellTimeoutError, DeadKernelError
# Of the settings that this process has, a chapter gets these; of the rest, what is given to it.
HANDED_ON = "COURSE_DATA_DIR", "COURSE_MIRROR", "COURSE_TIMEOUT"


class StreamingClient(NotebookClient):
    """A notebook client that hands on what the cells print as they print it.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
    echo : callable
        Gets each piece of text.
    **options
        Those of `nbclient.NotebookClient`.
    """

    def __init__(self, notebook, echo, **options):
        super().__init__(notebook, **options)
        self.echo = echo

    def process_message(self, msg, cell, cell_index):
        """Hand on the text of a message, then treat it as nbclient does."""
        content = msg["content"]
        if msg["msg_type"] == "stream":
            self.echo(content["text"])
        elif msg["msg_type"] in ("display_data", "execute_result"):
            self.echo(content["data"].get("text/plain", "") + "\n")
        elif msg["msg_type"] == "error":
            self.echo("\n".join(content["traceback"]) + "\n")
        return super().process_message(msg, cell, cell_index)


def execute(notebook, folder=NOTEBOOKS, *, echo=lambda text: None, cell_timeout=None, **settings):
    """Execute a notebook in place, also as far as it gets if a cell fails.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
    folder : path, optional
        Where the cells run.
    echo : callable, optional
        Gets the cells' text as it comes.
    cell_timeout : int, optional
        Seconds one cell may take; no limit by default.
    **settings
        Environment variables of the course, such as ``COURSE_PROFILE="sample"``. Those of this
        process do not count, but for `HANDED_ON`.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    nbclient.exceptions.CellTimeoutError, nbclient.exceptions.DeadKernelError
        If a cell takes too long, or the kernel dies.
    """
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("COURSE_") or key in HANDED_ON
    }
    client = StreamingClient(
        notebook,
        echo,
        timeout=cell_timeout,
        kernel_name="python3",
        record_timing=False,  # no times in what is saved
        store_widget_state=False,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env=environment | settings)


def digest(path):
    """Return a hash of all that a chapter's outputs follow from: its cells and the project's files.

    Parameters
    ----------
    path : pathlib.Path
        The notebook; its outputs do not count.
    """
    notebook = nbformat.read(path, as_version=4)
    found = hashlib.sha256(
        repr([(cell.cell_type, cell.source) for cell in notebook.cells]).encode()
    )
    for folder in (ROOT / "course_utils", ROOT / "results"):
        for file in sorted(folder.rglob("*")):
            if file.is_file() and file.suffix != ".pyc":
                found.update(file.relative_to(ROOT).as_posix().encode() + file.read_bytes())
    return found.hexdigest()


def save(path, build=BUILD, cell_timeout=3600):
    """Execute a chapter in the showcase profile, and save it with its outputs.

    Ids and metadata of the notebook and its cells stay as they are.

    Parameters
    ----------
    path : pathlib.Path
        The notebook.
    build : pathlib.Path, optional
        Where the mark is put that `is_saved` looks for, or a chapter that fails, as far as it got.
    cell_timeout : int, optional
        Seconds one cell may take.

    Raises
    ------
    nbclient.exceptions.CellExecutionError, …
        See `execute`; the file is then as it was.
    """
    build.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.read(path, as_version=4)
    metadata = notebook.metadata.copy()
    try:
        execute(
            notebook,
            path.parent,
            cell_timeout=cell_timeout,
            COURSE_PROFILE="showcase",
            COURSE_SEED="0",
        )
    except FAILURES:
        nbformat.write(notebook, build / path.name)
        raise
    notebook.metadata = metadata  # the kernel adds its versions
    nbformat.write(notebook, path)
    (build / f"{path.stem}.saved").write_text(digest(path), encoding="utf-8")


def is_saved(path, build=BUILD):
    """Say whether `save` has saved a chapter and nothing it depends on has changed since."""
    mark = build / f"{path.stem}.saved"
    return mark.is_file() and mark.read_text(encoding="utf-8") == digest(path)


def main(arguments=None, notebooks=NOTEBOOKS, build=BUILD):
    """Run the command line; 0 if every chapter reached its end."""
    sys.stdout.reconfigure(errors="replace")  # what the terminal has no letter for
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    paths = {path.stem: path for path in sorted(notebooks.glob("*.ipynb"))}
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER")
    parser.add_argument("--cell-timeout", type=int, default=3600, help="seconds a cell may take")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.chapters) - set(paths):
        parser.error(f"no chapter {', '.join(unknown)}; there are: {', '.join(paths)}")
    failed = []
    for name in chosen.chapters or paths:
        if not chosen.chapters and is_saved(paths[name], build):
            print(f"{name}: nothing has changed since it was saved", flush=True)
            continue
        begin = time.monotonic()
        try:
            save(paths[name], build, chosen.cell_timeout)
        except FAILURES as error:
            failed.append(name)
            print(f"{name} failed; how far it got is in {build}\n{error}", flush=True)
        else:
            print(f"{name}: saved after {time.monotonic() - begin:.0f} s", flush=True)
    if failed:
        print(f"Failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
