"""What the project promises: dependencies, lock, wheel, README, and a set-up cell that finds it."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import readme
from hatchling.builders.wheel import WheelBuilder
from notebook_rules import ROOT, cells_of, read
from packaging.requirements import Requirement

import course_utils

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
BASE = [Requirement(line) for line in PROJECT["dependencies"]]
IMPORT_NAMES = {"opencv-python": "cv2", "scikit-image": "skimage"}
README = (ROOT / "README.md").read_text(encoding="utf-8")
FIRST = cells_of(read(ROOT / "notebooks" / "00_start_here.ipynb"))
SETUP = next(cell["source"] for cell in FIRST if cell["cell_type"] == "code")


def files_of_the_project():
    """Yield every file that a clone would have."""
    own = {".venv", "build", "dist", ".git", ".ipynb_checkpoints", "fruit_model"}
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        caches = any(part in own or part.endswith(("_cache", "__", ".tmp")) for part in parts)
        if path.is_file() and not caches:
            yield path


def test_dependencies_have_lower_bounds_and_colab_keeps_its_tensorflow_and_numpy():
    theirs = {"tensorflow", "tf-keras", "keras", "numpy", "jax", "jaxlib", "torch"}
    assert theirs.isdisjoint(requirement.name.lower() for requirement in BASE)
    extras = [
        Requirement(one) for extra in PROJECT["optional-dependencies"].values() for one in extra
    ]
    for requirement in BASE + extras:
        assert {part.operator for part in requirement.specifier} == {">="}, str(requirement)


def test_lock_is_versions_and_hashes_that_satisfy_pyproject():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", "")
    versions = {}
    for line in (line for line in text.splitlines() if not line.startswith("#")):
        requirement, *hashes = line.split(" --")
        (version,) = (locked := Requirement(requirement)).specifier
        assert version.operator == "==" and hashes, line
        assert all(re.fullmatch(r"hash=sha256:[0-9a-f]{64} *", one) for one in hashes), line
        versions[locked.name] = version.version
    extras = PROJECT["optional-dependencies"]
    for wanted in [*BASE, *map(Requirement, extras["local"] + extras["test"])]:
        assert wanted.specifier.contains(versions[wanted.name]), str(wanted)


def test_version_stands_once():
    assert course_utils.__version__ == PROJECT["version"]


def test_the_tables_of_chapters_are_as_the_list_and_the_costs_have_them():
    costs, page = readme.read_costs(), (ROOT / "docs/instructors.md").read_text(encoding="utf-8")
    assert readme.with_chapters(README, costs) == README, "make readme writes the table anew"
    assert readme.with_costs(page, costs) == page, "make readme writes the table anew"


def test_readme_names_only_files_that_exist():
    for one, other in re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", README):
        name = one or other
        assert name.startswith("https://") or (ROOT / name).exists(), name


def test_no_file_is_large_or_of_others_or_names_an_index_or_a_place_on_one_machine():
    forbidden = re.compile(
        r"pypi\.org|python" + r"hosted\.org|(?<![\w.:/\"'])/(root|home|work|Users)/\w"
    )
    foreign = {".zip", ".gz", ".h5", ".keras", ".npz", ".jpg", ".jpeg", ".dcm"}
    for path in files_of_the_project():
        assert path.stat().st_size < 1_000_000, path
        assert path.suffix.lower() not in foreign, path
        if path.suffix != ".png" and "tests" not in path.relative_to(ROOT).parts:
            found = forbidden.search(path.read_text(encoding="utf-8"))
            assert not found, f"{path}: {found[0]}"


def test_wheel_holds_the_package_and_the_figures(tmp_path):
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        archive.extractall(tmp_path / "installed")
    package = {
        path for path in files_of_the_project() if path.is_relative_to(ROOT / "course_utils")
    }
    assert names == {path.relative_to(ROOT).as_posix() for path in package} | {
        f"course_utils/_results/{path.name}" for path in (ROOT / "results").iterdir()
    }
    code = (
        "import sys; sys.path.insert(0, 'installed'); from course_utils import scoreboard;"
        "print(scoreboard.results_folder())"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    folder = Path(found.stdout.strip())
    assert folder.parts[-3:] == ("installed", "course_utils", "_results")


# The set-up cell, run with another course_utils, and with pip and what is installed made up.
PRELUDE = """
import importlib.util, json, os, subprocess, sys
missing, real = set(json.loads(sys.argv[1])), importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in missing else real(name, *rest)
def pip(command):
    assert command[:5] == [sys.executable, "-m", "pip", "install", "-q"]
    print("PIP", *command[5:], flush=True)
    if command[5] == "git+https://github.com/me/course":
        os._exit(0)  # what it would have installed is not there
    return subprocess.CompletedProcess(command, int("broken" in command[5]))
subprocess.run = pip
"""
STAND_IN = """
import os, pathlib
def start(chapter):
    print("STARTED", pathlib.Path(__file__).parents[1].name, os.environ["SM_FRAMEWORK"])
"""
NOBODYS = "https://not-stamped.invalid/OWNER/REPOSITORY"
MINE, BROKEN = "https://github.com/me/course", "https://github.com/me/broken"
# Where there are copies of the project, where the cell is run, what is missing, the address; and
# what the cell prints last, or the error it ends with.
SETUPS = [
    (["here"], "here", [], NOBODYS, "STARTED here tf.keras"),
    (["here"], "here/notebooks/mine", [], NOBODYS, "STARTED here tf.keras"),
    (["here/below"], "here", [], NOBODYS, "STARTED below tf.keras"),
    (["here", "here/notebooks/old"], "here/notebooks", [], NOBODYS, "STARTED here tf.keras"),
    (["here"], "here", ["pooch"], NOBODYS, "PIP {}\nSTARTED here tf.keras"),
    ([], "here", ["course_utils"], MINE, f"PIP git+{MINE}"),
    (
        [],
        "here",
        ["course_utils"],
        BROKEN,
        f"RuntimeError: pip could not install git+{BROKEN}. Network up? Address right? See above",
    ),
    ([], "here", ["course_utils"], NOBODYS, "RuntimeError: Open in the course's folder, or run "),
]


@pytest.mark.parametrize(("copies", "place", "missing", "address", "end"), SETUPS)
def test_the_setup_cell_takes_the_nearest_copy_or_the_address(
    copies, place, missing, address, end, tmp_path
):
    for copy in copies:
        package = tmp_path / copy / "course_utils"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "runtime.py").write_text(STAND_IN)
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    cell = re.sub(r'^REPOSITORY = ".*"$', f'REPOSITORY = "{address}"', SETUP, flags=re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + cell, json.dumps(missing)],
        cwd=tmp_path / place,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if "Error" in end:
        assert done.returncode and done.stderr.strip().splitlines()[-1].startswith(end)
        assert ("PIP" in done.stdout) == (address != NOBODYS)
    else:
        assert done.stdout.startswith(end.format(tmp_path / "here") + "\n"), done.stderr


def test_the_setup_cell_looks_for_every_dependency():
    named = re.search(r'^needed = "(.*)"$', SETUP, re.MULTILINE)[1].split()
    wanted = [IMPORT_NAMES.get(one.name, one.name.replace("-", "_")) for one in BASE]
    assert named == sorted(["course_utils", *wanted])
