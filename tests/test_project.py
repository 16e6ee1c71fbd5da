"""What the project promises: dependencies, lock, address, wheel, set-up cell."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest
from hatchling.builders.wheel import WheelBuilder
from notebook_rules import ROOT
from packaging.requirements import Requirement
from stamp import PLACEHOLDER, address_of, notebooks_link, stamp
from test_notebook_rules import setup_source

import course_utils

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
BASE = [Requirement(line) for line in PROJECT["dependencies"]]
IMPORT_NAMES = {"opencv-python": "cv2", "segmentation-models": "segmentation_models"}
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_colab_keeps_its_tensorflow_and_numpy():
    names = {requirement.name.lower() for requirement in BASE}
    assert names.isdisjoint({"tensorflow", "tf-keras", "keras", "numpy", "jax", "jaxlib", "torch"})


@pytest.mark.parametrize("extra", ["base", "local", "browser", "dicom", "test"])
def test_dependencies_have_lower_bounds_only(extra):
    lines = PROJECT["dependencies"] if extra == "base" else PROJECT["optional-dependencies"][extra]
    for requirement in map(Requirement, lines):
        assert {part.operator for part in requirement.specifier} == {">="}, str(requirement)


def locked():
    """Return the lock as a list of (requirement line, its hash lines)."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", "")
    entries = [line.split() for line in text.splitlines() if not line.startswith("#")]
    return [
        (" ".join(w for w in words if "--" not in w), [w for w in words if "--" in w])
        for words in entries
    ]


def test_lock_is_versions_and_hashes_only():
    assert len(locked()) > 50
    for line, options in locked():
        assert [part.operator for part in Requirement(line).specifier] == ["=="], line
        assert options, line
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", option) for option in options), line


def test_lock_satisfies_pyproject():
    versions = {
        r.name: [part.version for part in r.specifier]
        for r in (Requirement(line) for line, _ in locked())
    }
    extras = PROJECT["optional-dependencies"]
    for wanted in [*BASE, *map(Requirement, extras["local"] + extras["test"])]:
        assert wanted.specifier.contains(versions[wanted.name][0]), str(wanted)


def test_version_stands_once():
    assert course_utils.__version__ == PROJECT["version"]


def test_readme_names_only_what_there_is():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert {"lab", "test", "course", "results", "lint"} <= targets
    assert set(re.findall(r"^ *make ([a-z-]+)", README, re.MULTILINE)) <= targets
    for target in re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", README):
        name = target[0] or target[1]
        assert name.startswith("https://") or (ROOT / name).exists(), name
    for script in re.findall(r"data_scripts/\w+\.py", README):
        assert (ROOT / script).exists(), script


def test_readme_has_every_chapter_with_its_badge():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert f"]({notebooks_link(address_of())}{path.name})" in README
        assert f"](notebooks/{path.name})" in README


def stamped_files(root):
    """Return the text of each file that carries the address."""
    paths = [root / "pyproject.toml", root / "README.md", *(root / "notebooks").glob("*.ipynb")]
    return {path: path.read_text(encoding="utf-8") for path in paths}


def test_address_is_the_same_everywhere():
    link = notebooks_link(address_of())
    for path, text in stamped_files(ROOT).items():
        assert address_of().partition("@")[0] in text or link in text, path
        for badge in re.findall(r"colab-badge\.svg\)\]\(([^)]*)\)", text):
            assert badge.startswith(link), f"{path}: {badge}"


@pytest.fixture
def copy(tmp_path):
    """A copy of the files that carry the address, not yet stamped."""
    for name in ("pyproject.toml", "README.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    stamp(PLACEHOLDER, tmp_path)
    return tmp_path


def test_stamping_reaches_every_place(copy):
    before = stamped_files(copy)
    changed = stamp("https://github.com/some-one/a.course.git/", copy)
    assert set(changed) >= set(before)
    assert address_of(copy) == "https://github.com/some-one/a.course"
    colab = "https://colab.research.google.com/github/some-one/a.course/blob/main/notebooks/"
    for path, text in stamped_files(copy).items():
        assert "not-stamped" not in text, path
        if path.suffix == ".ipynb":
            assert f"]({colab}{path.name})" in text
            cells = json.loads(text)["cells"]
            setup = next("".join(c["source"]) for c in cells if c["cell_type"] == "code")
            assert '\nREPOSITORY = "https://github.com/some-one/a.course"\n' in setup
    assert colab in (copy / "README.md").read_text(encoding="utf-8")


def test_stamping_twice_is_stamping_once_and_can_be_taken_back(copy):
    before = stamped_files(copy)
    stamp("https://github.com/some-one/course", copy)
    stamp("https://github.com/other/course-2", copy)
    assert "some-one" not in "".join(stamped_files(copy).values())
    assert stamp("https://github.com/other/course-2", copy) == []
    stamp(PLACEHOLDER, copy)
    assert stamped_files(copy) == before


def test_stamping_at_a_tag_leads_badges_and_set_up_cells_there(copy):
    before = stamped_files(copy)
    stamp("some-one/course@v7.2", copy)
    assert address_of(copy) == "https://github.com/some-one/course@v7.2"
    colab = "https://colab.research.google.com/github/some-one/course/blob/v7.2/notebooks/"
    for path, text in stamped_files(copy).items():
        assert "not-stamped" not in text, path
        assert text.count("course@v7.2") == (path.suffix == ".ipynb"), path
        if path.suffix == ".ipynb":
            assert 'REPOSITORY = \\"https://github.com/some-one/course@v7.2\\"\\n' in text
            assert f"]({colab}{path.name})" in text
    assert colab in (copy / "README.md").read_text(encoding="utf-8")
    stamp("some-one/course@v7.3", copy)
    assert "v7.2" not in "".join(stamped_files(copy).values())
    stamp("other/course", copy)
    assert "v7.3" not in "".join(stamped_files(copy).values())
    stamp(PLACEHOLDER, copy)
    assert stamped_files(copy) == before


def test_stamping_leaves_longer_addresses_alone(copy):
    stamp("https://github.com/me/course", copy)
    with (copy / "README.md").open("a", encoding="utf-8") as readme:
        readme.write("https://github.com/me/course-data")
    stamp("https://github.com/you/course", copy)
    text = (copy / "README.md").read_text(encoding="utf-8")
    assert text.endswith("https://github.com/me/course-data")


@pytest.mark.parametrize(
    "address",
    [
        "http://github.com/me/course",
        "https://gitlab.com/me/course",
        "https://github.com/me",
        "https://github.com/me/course/tree/main",
        "me/course@",
        "me/course@a/b",
        "me/course@v1@v2",
        'https://github.com/me/course"; import os',
    ],
)
def test_stamping_refuses_what_colab_cannot_open(copy, address):
    before = stamped_files(copy)
    with pytest.raises(ValueError, match=r"Expected https://github\.com/OWNER/NAME"):
        stamp(address, copy)
    assert stamped_files(copy) == before


def test_placeholder_can_be_nobodys():
    assert PLACEHOLDER.split("/")[2].endswith(".invalid")
    assert notebooks_link(PLACEHOLDER).startswith(PLACEHOLDER)


# The set-up cell, run with another course_utils, and with pip and what is installed made up.
PRELUDE = """
import importlib.util, json, os, subprocess, sys
missing, real = set(json.loads(sys.argv[1])), importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in missing else real(name, *rest)
def pip(command):
    assert command[:5] == [sys.executable, "-m", "pip", "install", "-q"]
    print("PIP", *command[5:])
    return subprocess.CompletedProcess(command, int(os.environ.get("PIP_FAILS", "0")))
subprocess.run = pip
"""
RUNTIME = """
import os, pathlib
def start(chapter):
    print("STARTED", chapter, pathlib.Path(__file__).parents[1], os.environ["SM_FRAMEWORK"])
"""


def run_setup(cwd, *missing, address=PLACEHOLDER):
    """Run the set-up cell in a fresh Python; return the finished process."""
    line = f'REPOSITORY = "{address}"'
    cell = re.sub(r'^REPOSITORY = ".*"$', line, setup_source(), flags=re.MULTILINE)
    assert line in cell
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + cell, json.dumps(missing)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
    )


def put_copy(folder):
    """Write a stand-in for the project."""
    (folder / "course_utils").mkdir(parents=True)
    (folder / "course_utils" / "__init__.py").touch()
    (folder / "course_utils" / "runtime.py").write_text(RUNTIME)
    return folder


@pytest.mark.parametrize("place", [".", "notebooks", "notebooks/mine"])
def test_setup_takes_a_copy_here_or_above(tmp_path, place):
    put_copy(tmp_path)
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    done = run_setup(tmp_path / place)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(rf"STARTED \w+ {re.escape(str(tmp_path))} tf\.keras\n", done.stdout)


def test_setup_takes_a_copy_just_below(tmp_path):
    put_copy(tmp_path / "course-main")
    done = run_setup(tmp_path)
    assert str(tmp_path / "course-main") in done.stdout, done.stderr


def test_setup_prefers_the_copy_above_to_one_below(tmp_path):
    put_copy(tmp_path)
    put_copy(tmp_path / "notebooks" / "old")
    done = run_setup(tmp_path / "notebooks")
    assert f"{tmp_path} tf" in done.stdout, done.stderr


def test_setup_installs_what_is_missing_from_the_copy(tmp_path):
    put_copy(tmp_path)
    done = run_setup(tmp_path, "pooch")
    assert done.stdout.startswith(f"PIP {tmp_path}\nSTARTED"), done.stderr


def test_setup_without_copy_installs_from_the_address(tmp_path):
    done = run_setup(tmp_path, "course_utils", address="https://github.com/me/course")
    assert done.stdout.startswith("PIP git+https://github.com/me/course\n")


def test_setup_says_what_to_do_when_pip_fails(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_FAILS", "1")
    done = run_setup(tmp_path, "course_utils", address="https://github.com/me/course")
    assert done.returncode
    assert done.stderr.strip().splitlines()[-1] == (
        "RuntimeError: pip could not install git+https://github.com/me/course. "
        "Network up? Address right? See above"
    )


def test_setup_without_copy_or_address_says_how_to_stamp(tmp_path):
    done = run_setup(tmp_path, "course_utils")
    assert done.returncode
    assert "PIP" not in done.stdout
    last = done.stderr.strip().splitlines()[-1]
    assert last == ("RuntimeError: Open in the course's folder, or run tools/stamp.py")


def test_setup_looks_for_every_dependency():
    named = re.search(r'^needed = "(.*)"\.split\(\)$', setup_source(), re.MULTILINE)[1].split()
    wanted = [IMPORT_NAMES.get(requirement.name, requirement.name) for requirement in BASE]
    assert named == sorted(["course_utils", *wanted])


def test_wheel_holds_the_package_and_the_figures(tmp_path):
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        archive.extractall(tmp_path / "installed")
    modules = {
        str(path.relative_to(ROOT).as_posix())
        for path in (ROOT / "course_utils").rglob("*")
        if path.suffix in (".py", ".js")
    }
    figures = {f"course_utils/_results/{path.name}" for path in (ROOT / "results").iterdir()}
    assert figures
    assert names == modules | figures
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.path.insert(0, sys.argv[1]); from course_utils import scoreboard;"
            "print(scoreboard.results_folder())",
            str(tmp_path / "installed"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == str(tmp_path / "installed" / "course_utils" / "_results")


def files_of_the_project():
    """Yield every file that a clone would have."""
    own = {".venv", "build", "dist", ".git"}
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        caches = any(part in own or part.endswith(("_cache", "__", ".tmp")) for part in parts)
        if path.is_file() and not caches and ".ipynb_checkpoints" not in parts:
            yield path


def test_no_file_names_an_index_or_a_place_on_one_machine():
    forbidden = re.compile(
        r"pypi\.org|python" + r"hosted\.org|(?<![\w.:/\"'])/(root|home|work|Users)/\w"
    )
    names = [path for path in files_of_the_project() if path.suffix not in (".png", ".npz")]
    assert ROOT / "pyproject.toml" in names
    for path in names:
        if "tests" not in path.relative_to(ROOT).parts:
            found = forbidden.search(path.read_text(encoding="utf-8"))
            assert not found, f"{path}: {found[0]}"


def test_no_file_is_large_and_no_image_or_weight_comes_along():
    for path in files_of_the_project():
        assert path.stat().st_size < 1_000_000, path
        assert path.suffix not in (".zip", ".gz", ".h5", ".keras", ".npz", ".jpg", ".dcm"), path


def test_stamp_script_runs_from_the_command_line():
    script = str(ROOT / "tools" / "stamp.py")
    done = subprocess.run(
        [sys.executable, script, "http://x"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "Expected https://github.com/OWNER/NAME" in done.stderr
