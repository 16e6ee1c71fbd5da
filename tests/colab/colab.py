"""A stand-in for Colab: its runtime, the course on GitHub, and a session of one notebook."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from notebook_rules import ROOT
from test_project import files_of_the_project

# The list of versions that the runtime is made of. What needs it takes minutes and a network, and
# runs only where one is named: requirements.lock, or runtime-….txt beside this module.
RUNTIME = os.environ.get("COLAB_RUNTIME")
PYTHON = os.environ.get("COLAB_PYTHON") or sys.executable
BUILT = ROOT / "build" / "colab"
# What requirements.lock has and Colab's runtime has not, by the list of what is in the latter,
# pip-freeze.txt in github.com/googlecolab/backend-info, for its version 2026.01. (On that list are
# filelock, matplotlib, pooch, scipy, tqdm, and OpenCV three times: plain, contrib, headless.)
NOT_IN_COLAB = {
    "efficientnet",
    "hatchling",
    "image-classifiers",
    "jupyterlab",
    "keras-applications",
    "nbval",
    "pydicom",
    "segmentation-models",
}
# Nobody can register a name with two hyphens side by side.
NAME, TAG = "no--body/segmentation-course", "v0.1.0-colab"
ADDRESS = f"https://github.com/{NAME}"
# As Colab does: its own module is there before the notebook is.
LAUNCH = "import google.colab; from ipykernel import kernelapp; kernelapp.launch_new_instance()"
# Settings of the person who runs the tests, of make and of pytest, that Colab would not have. (With
# pytest's, a kernel would not show what the programs print that a cell starts, such as pip.)
DROPPED = re.compile(
    r"(COURSE_|GIT_|JUPYTER|IPY|KERAS_|MAKE|MFLAGS|MPL|PYTEST|PYTHON|SM_|TF_|VIRTUAL_ENV)"
)
# Where the course came from, and which packages are loaded in another version than is installed.
ASKED = """
import json, sys
from importlib import metadata
import course_utils
origin = json.loads(metadata.distribution("segmentation-course").read_text("direct_url.json"))
print(json.dumps({
    "inside": course_utils.__file__.startswith(sys.prefix),
    "url": origin["url"],
    "tag": origin.get("vcs_info", {}).get("requested_revision"),
    "commit": origin.get("vcs_info", {}).get("commit_id"),
    "loaded": {"numpy", "tensorflow"} <= sys.modules.keys(),
    "stale": [
        name for name in ("h5py", "keras", "matplotlib", "numpy", "scipy", "tensorflow")
        if name in sys.modules and sys.modules[name].__version__ != metadata.version(name)
    ],
}))
"""


def without(text, names=NOT_IN_COLAB):
    """Return a list of requirements without those of some names, hashes and all."""
    entries = re.split(r"^(?=\w)", text, flags=re.MULTILINE)
    return "".join(one for one in entries if re.match(r"[\w.-]*", one)[0] not in names)


def build_runtime(path):
    """Return the folder of an environment with the packages that a file lists; make it if need be.

    Raises
    ------
    subprocess.CalledProcessError
        If pip fails.
    """
    packages = without(path.read_text(encoding="utf-8"))
    version = subprocess.check_output([PYTHON, "-c", "import sys; print(sys.version)"], text=True)
    key = hashlib.sha256(f"{version}{packages}".encode()).hexdigest()[:12]
    folder = BUILT / f"{path.stem}-python{version.partition(' ')[0]}-{key}"
    if (folder / "ready").exists():
        return folder
    subprocess.run([PYTHON, "-m", "venv", "--clear", folder], check=True)
    (folder / "packages.txt").write_text(packages, encoding="utf-8")
    install = "-m pip install --disable-pip-version-check --quiet -r".split()
    subprocess.run([folder / "bin" / "python", *install, folder / "packages.txt"], check=True)
    # Code that asks whether it is in Colab looks for this module.
    [site_packages] = folder.glob("lib/python*/site-packages")
    stub = site_packages / "google" / "colab" / "__init__.py"
    stub.parent.mkdir(parents=True)
    stub.write_text('"""A stand-in for the module of that name in Colab."""\n', encoding="utf-8")
    (folder / "ready").touch()
    return folder


def copy_runtime(folder, target):
    """Copy an environment by hard links, in a moment; what pip does to the copy stays there."""
    shutil.rmtree(target, ignore_errors=True)  # what a killed run left
    return shutil.copytree(folder, target, symlinks=True, copy_function=os.link)


def inventory(folder):
    """Return which packages' files an environment holds: {path: when and how they were written}."""
    [site_packages] = folder.glob("lib/python*/site-packages")
    return {
        path.relative_to(site_packages).as_posix(): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in site_packages.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def touched(before, after):
    """Return the packages of which a file has changed or gone; what was added does not count."""
    return {path.partition("/")[0] for path in before if after.get(path) != before[path]}


def git_config(path, place):
    """Write settings of git with which GitHub's addresses lead to another place."""
    path.write_text(f'[url "{place}"]\n\tinsteadOf = https://github.com/\n', encoding="utf-8")
    return path


def publish(folder):
    """Stamp a copy of the project, tag it, and let its main branch go astray after that.

    Returns
    -------
    copy : pathlib.Path
        The project as it is at the tag.
    commit : str
        The tag's.
    config : pathlib.Path
        Settings of git with which GitHub's addresses lead to the repository.
    """
    copy, work = folder / "copy", folder / "work"
    for path in files_of_the_project():
        target = copy / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    stamp = [sys.executable, "tools/stamp.py", f"{NAME}@{TAG}"]
    subprocess.run(stamp, cwd=copy, check=True, stdout=subprocess.DEVNULL)
    shutil.copytree(copy, work)

    def git(*words):
        who = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.invalid"]
        command = ["git", *who, "-c", "commit.gpgsign=false", *words]
        return subprocess.check_output(command, cwd=work, text=True).strip()

    git("init", "--quiet", "--initial-branch=main")
    git("add", "--all")
    git("commit", "--quiet", "--message=The course")
    git("tag", TAG)
    commit = git("rev-parse", "HEAD")
    later = 'raise ImportError("this is the main branch, not the tag")\n'
    (work / "course_utils" / "__init__.py").write_text(later, encoding="utf-8")
    git("commit", "--quiet", "--all", "--message=Not fit for readers")
    git("clone", "--quiet", "--bare", ".", str(folder / "github" / NAME))
    return copy, commit, git_config(folder / "gitconfig", f"{(folder / 'github').as_uri()}/")


def run(notebook, environment, folder, config, **settings):
    """Run a notebook from top to bottom, as far as it gets, alone in a folder.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Gets the outputs, and at its end a cell that prints what `ASKED` asks.
    environment, folder : pathlib.Path
        The kernel's, and an empty one.
    config : pathlib.Path
        The user's settings of git.
    **settings
        Environment variables.
    """
    content, spec = folder / "content", folder / "kernels" / "colab" / "kernel.json"
    (content / "sample_data").mkdir(parents=True)
    nbformat.write(notebook, content / "chapter.ipynb")
    notebook.cells.append(nbformat.v4.new_code_cell(ASKED))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    spec.parent.mkdir(parents=True)
    argv = [str(environment / "bin" / "python"), "-c", LAUNCH, "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": argv, "display_name": "Colab", "language": "python"}))
    kept = {key: value for key, value in os.environ.items() if not DROPPED.match(key)}
    kept |= {
        "COURSE_DATA_DIR": str(folder / "data"),
        "CUDA_VISIBLE_DEVICES": "-1",
        "GIT_CONFIG_GLOBAL": str(config),
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


def printed(cell):
    """Return what a cell printed, to either stream."""
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def errors(notebook):
    """Return what went wrong: errors, complaints of pip, cells that did not run."""
    code, found = [cell for cell in notebook.cells if cell.cell_type == "code"], []
    for cell in code:
        failed = [output for output in cell.outputs if output.output_type == "error"]
        found += [f"{output.ename}: {output.evalue}" for output in failed]
        found += re.findall(r"^ERROR: .*", printed(cell), re.MULTILINE)
    counts = [cell.execution_count for cell in code]
    return found + ([] if counts == list(range(1, len(code) + 1)) else [f"cells ran as {counts}"])
