"""A session in Colab: one notebook, one kernel, and nothing of the project near it."""

import contextlib
import json
import os
import re

import nbformat
from colab_runtime import python_of
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

# As Colab does: its own module is there before the notebook is.
LAUNCH = "import google.colab; from ipykernel import kernelapp; kernelapp.launch_new_instance()"
# Settings of the person who runs the tests, of make and of pytest, that Colab would not have. (With
# pytest's, a kernel would not show what the programs print that a cell starts, such as pip.)
DROPPED = re.compile(
    r"(COURSE_|GIT_|JUPYTER|IPY|KERAS_|MAKE|MFLAGS|MPL|PYTEST|PYTHON|SM_|TF_|VIRTUAL_ENV)"
)
ASKED = """
import json, sys
from importlib import metadata
import course_utils
print(json.dumps({
    "file": course_utils.__file__,
    "origin": json.loads(metadata.distribution("segmentation-course").read_text("direct_url.json")),
    "loaded": {name: sys.modules[name].__version__ for name in %r if name in sys.modules},
}))
"""
LOADED = ("h5py", "keras", "matplotlib", "numpy", "scipy", "tensorflow")


def run(notebook, environment, folder, git_config, **settings):
    """Run a notebook from top to bottom, as far as it gets, and ask it where it stands.

    Parameters
    ----------
    notebook : dict
        As read from its file.
    environment : pathlib.Path
        That of the kernel.
    folder : pathlib.Path
        An empty one.
    git_config : pathlib.Path
        The user's settings of git.
    **settings
        Environment variables.

    Returns
    -------
    nbformat.NotebookNode
        With the outputs of this run, those of a last cell included that this function adds.
    """
    content = folder / "content"
    (content / "sample_data").mkdir(parents=True)
    (content / "chapter.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    notebook = nbformat.read(content / "chapter.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.cells.append(nbformat.v4.new_code_cell(ASKED % (LOADED,)))
    spec = folder / "kernels" / "colab" / "kernel.json"
    spec.parent.mkdir(parents=True)
    argv = [str(python_of(environment)), "-c", LAUNCH, "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": argv, "display_name": "Colab", "language": "python"}))
    kept = {key: value for key, value in os.environ.items() if not DROPPED.match(key)}
    kept |= {
        "COURSE_DATA_DIR": str(folder / "data"),
        "CUDA_VISIBLE_DEVICES": "-1",
        "GIT_CONFIG_GLOBAL": str(git_config),
        "IPYTHONDIR": str(folder / "ipython"),
        "PATH": os.pathsep.join([str(environment / "bin"), os.environ["PATH"]]),
    }
    options = {"kernel_name": "colab", "timeout": 600, "record_timing": False}
    client = NotebookClient(notebook, resources={"metadata": {"path": str(content)}}, **options)
    client.create_kernel_manager()
    client.km.kernel_spec_manager = KernelSpecManager(kernel_dirs=[str(folder / "kernels")])
    with contextlib.suppress(CellExecutionError):  # the notebook holds it
        client.execute(env=kept | settings)
    return notebook


def said(cell):
    """Return what a cell printed, to either stream."""
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def errors(notebook):
    """Yield what went wrong in a notebook: errors, cells that did not run, complaints of pip."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"cell {cell.id}: {output.ename}: {output.evalue}"
        for line in re.findall(r"^ERROR: .*", said(cell), re.MULTILINE):
            yield f"cell {cell.id}: {line}"
    counts = [cell.execution_count for cell in code]
    if counts != list(range(1, len(code) + 1)):
        yield f"execution counts are {counts}"


def answer(notebook):
    """Return what the added last cell found out."""
    return json.loads(said(notebook.cells[-1]))


def misplaced(found, environment, address, tag, commit, packages):
    """Yield what is wrong with where the course came from, or with the versions that are loaded.

    Parameters
    ----------
    found : dict
        See `answer`.
    environment : pathlib.Path
    address, tag, commit : str
        What the course should have been installed from.
    packages : dict
        What is installed; see `colab_runtime.inventory`.
    """
    if not found["file"].startswith(f"{environment}{os.sep}lib{os.sep}"):
        yield f"course_utils is that of {found['file']}"
    asked = found["origin"].get("vcs_info", {})
    got = (found["origin"]["url"], asked.get("requested_revision"), asked.get("commit_id"))
    if got != (address, tag, commit):
        yield f"course_utils was installed from {got}"
    for name, version in found["loaded"].items():
        if version != packages[name].version:
            yield f"{name} {version} is loaded, {packages[name].version} is installed"
    for name in {"numpy", "tensorflow"} - found["loaded"].keys():
        yield f"{name} is not loaded"
