"""Colab's runtime, as far as the course meets it, and what an installation did to it."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import NamedTuple

from notebook_rules import ROOT

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


class Package(NamedTuple):
    """An installed package: its version, its list of files as it stands there, and the files."""

    version: str
    record: str
    files: frozenset


def listed(text, without=NOT_IN_COLAB):
    """Return a list of requirements without those of some names, hashes and all."""
    entries = re.split(r"^(?=\w)", text, flags=re.MULTILINE)
    return "".join(e for e in entries if re.match(r"[\w.-]*", e)[0] not in without)


def build(path, base=PYTHON, built=BUILT):
    """Return the folder of an environment with these packages; make it if it is not there yet.

    Parameters
    ----------
    path : pathlib.Path
        The list of versions.
    base : str, optional
        The Python that it is an environment of.
    built : pathlib.Path, optional
        Where such environments are kept, one for each list and Python.

    Raises
    ------
    subprocess.CalledProcessError
        If pip fails.
    """
    packages = listed(path.read_text(encoding="utf-8"))
    version = subprocess.check_output([base, "-c", "import sys; print(sys.version)"], text=True)
    key = hashlib.sha256(f"{version}{packages}".encode()).hexdigest()[:12]
    folder = built / f"{path.stem}-python{version.partition(' ')[0]}-{key}"
    if (folder / "ready").exists():
        return folder
    subprocess.run([base, "-m", "venv", "--clear", folder], check=True)
    (folder / "packages.txt").write_text(packages, encoding="utf-8")
    install = "-m pip install --disable-pip-version-check --quiet -r".split()
    subprocess.run([python_of(folder), *install, folder / "packages.txt"], check=True)
    # Code that asks whether it is in Colab looks for this module.
    stub = site_packages(folder) / "google" / "colab" / "__init__.py"
    stub.parent.mkdir(parents=True)
    stub.write_text('"""A stand-in for the module of that name in Colab."""\n', encoding="utf-8")
    (folder / "ready").touch()
    return folder


def copy(folder, target):
    """Copy an environment by hard links, in a moment; what pip does to the copy stays there."""
    shutil.copytree(folder, target, symlinks=True, copy_function=os.link)
    return target


def python_of(folder):
    """Return an environment's Python."""
    return folder / "bin" / "python"


def site_packages(folder):
    """Return the folder of an environment's packages."""
    (found,) = Path(folder).glob("lib/python*/site-packages")
    return found


def inventory(folder):
    """Return what is installed in an environment, as {name: Package}."""
    packages = {}
    for found in distributions(path=[str(site_packages(folder))]):
        record = found.read_text("RECORD") or ""
        files = frozenset(str(file) for file in found.files or () if ".dist-info/" not in str(file))
        name = re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower()
        packages[name] = Package(found.version, record, files)
    return packages


def changes(before, after):
    """Yield what an installation changed in the packages that were there; additions are none."""
    for name, old in sorted(before.items()):
        new = after.get(name)
        if new is None:
            yield f"{name} {old.version} is gone"
        elif new.version != old.version:
            yield f"{name} {old.version} became {new.version}"
        elif new.record != old.record:
            yield f"{name} {old.version} was installed anew"
    owners = {file: name for name, package in before.items() for file in package.files}
    for name in sorted(after.keys() - before.keys()):
        for owner in sorted({owners[file] for file in after[name].files & owners.keys()}):
            yield f"{name} wrote over files of {owner}"
