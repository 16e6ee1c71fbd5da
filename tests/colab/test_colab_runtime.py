"""What tests/colab looks for would be seen. This needs no network and runs with all other tests."""

import os
import shutil

import colab_runtime
import nbformat
import pytest
import session
from colab_runtime import changes, inventory, listed
from notebook_rules import ROOT
from packaging.requirements import Requirement
from published import ADDRESS, TAG
from test_project import BASE

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
RUNTIMES = sorted((ROOT / "tests" / "colab").glob("runtime-*.txt"))


def put(folder, name, version, *files):
    """Install a made-up package into a made-up environment."""
    packages = folder / "lib" / "python3.11" / "site-packages"
    info = packages / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    for file in files:
        (packages / file).parent.mkdir(parents=True, exist_ok=True)
        (packages / file).write_text(version)
    rows = [*files, f"{info.name}/METADATA", f"{info.name}/RECORD"]
    (info / "RECORD").write_text("".join(f"{row},,\n" for row in rows))
    return info


@pytest.fixture
def environment(tmp_path):
    """An environment with two packages."""
    folder = tmp_path / "there"
    put(folder, "numpy", "2.0.2", "numpy/__init__.py")
    put(folder, "OpenCV_Python", "4.12.0.88", "cv2/__init__.py")
    return folder


def test_an_addition_is_no_change(environment):
    before = inventory(environment)
    assert {name: package.version for name, package in before.items()} == {
        "numpy": "2.0.2",
        "opencv-python": "4.12.0.88",
    }
    put(environment, "segmentation_models", "1.0.1", "segmentation_models/__init__.py")
    after = inventory(environment)
    assert after.keys() - before.keys() == {"segmentation-models"}
    assert list(changes(before, after)) == []


def test_another_version_is_seen(environment):
    before = inventory(environment)
    (info,) = environment.glob("lib/*/*/numpy-*")
    shutil.rmtree(info)
    put(environment, "numpy", "2.4.6", "numpy/__init__.py")
    assert list(changes(before, inventory(environment))) == ["numpy 2.0.2 became 2.4.6"]


def test_a_package_that_went_or_came_anew_is_seen(environment):
    before = inventory(environment)
    (record,) = environment.glob("lib/*/*/numpy-*/RECORD")
    record.write_text(record.read_text() + "numpy/_new.py,,\n")
    (info,) = environment.glob("lib/*/*/OpenCV*")
    shutil.rmtree(info)
    assert list(changes(before, inventory(environment))) == [
        "numpy 2.0.2 was installed anew",
        "opencv-python 4.12.0.88 is gone",
    ]


def test_a_package_written_over_another_is_seen(environment):
    before = inventory(environment)
    put(environment, "opencv-python-headless", "5.0", "cv2/__init__.py", "cv2/more.py")
    assert list(changes(before, inventory(environment))) == [
        "opencv-python-headless wrote over files of opencv-python"
    ]


def test_a_copy_leaves_the_environment_as_it_was(environment, tmp_path):
    copy = colab_runtime.copy(environment, tmp_path / "copy")
    assert inventory(copy) == inventory(environment)
    put(copy, "pooch", "1.8.2", "pooch/__init__.py")
    assert "pooch" not in inventory(environment)


def test_what_colab_lacks_is_left_out_and_nothing_else():
    kept = listed(LOCK)
    assert "--hash=sha256:" in kept
    assert "tensorflow==" in kept
    gone = {line for line in LOCK.splitlines() if "==" in line} - set(kept.splitlines())
    assert {line.partition("==")[0] for line in gone} == colab_runtime.NOT_IN_COLAB


@pytest.mark.parametrize("path", RUNTIMES, ids=lambda path: path.stem)
def test_the_course_asks_a_runtime_for_no_other_version(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("#") == 3
    assert listed(text).count("==") == text.count("==")
    pinned = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            requirement = Requirement(line)
            (pin,) = requirement.specifier
            assert pin.operator == "=="
            pinned[requirement.name] = pin.version
    assert {"tensorflow", "keras", "numpy", "ipykernel", "pip"} <= pinned.keys()
    for wanted in BASE:
        if wanted.name not in colab_runtime.NOT_IN_COLAB:
            assert wanted.specifier.contains(pinned[wanted.name]), str(wanted)


FOUND = {
    "file": f"{os.sep}there{os.sep}lib{os.sep}site-packages{os.sep}course_utils{os.sep}__init__.py",
    "origin": {"url": ADDRESS, "vcs_info": {"requested_revision": TAG, "commit_id": "abc"}},
    "loaded": {"numpy": "2.0.2", "tensorflow": "2.19.0"},
}
INSTALLED = {
    "numpy": colab_runtime.Package("2.0.2", "", frozenset()),
    "tensorflow": colab_runtime.Package("2.19.0", "", frozenset()),
}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, []),
        ({"file": "/checkout/course_utils/__init__.py"}, ["course_utils is that of /checkout/"]),
        (
            {"origin": {"url": "file:///checkout", "dir_info": {}}},
            ["course_utils was installed from ('file:///checkout', None, None)"],
        ),
        (
            {"origin": {**FOUND["origin"], "vcs_info": {"commit_id": "abc"}}},
            [f"course_utils was installed from ('{ADDRESS}', None, 'abc')"],
        ),
        (
            {"loaded": {"numpy": "1.26.4", "tensorflow": "2.19.0"}},
            ["numpy 1.26.4 is loaded, 2.0.2 is installed"],
        ),
        ({"loaded": {"numpy": "2.0.2"}}, ["tensorflow is not loaded"]),
    ],
)
def test_a_course_from_elsewhere_and_a_stale_kernel_are_seen(change, told):
    wrong = list(
        session.misplaced(FOUND | change, f"{os.sep}there", ADDRESS, TAG, "abc", INSTALLED)
    )
    assert len(wrong) == len(told)
    assert all(line.startswith(start) for line, start in zip(wrong, told, strict=True)), wrong


def cell(count, *outputs):
    return nbformat.v4.new_code_cell(id=f"c{count}", execution_count=count, outputs=[*outputs])


def test_errors_a_restart_and_the_complaints_of_pip_are_seen():
    output = nbformat.v4.new_output
    told = "ERROR: pip's dependency resolver does not\n"
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("ERROR: no"),
            cell(1, output("stream", name="stderr", text=f"WARNING: this\n{told}")),
            cell(2, output("error", ename="ValueError", evalue="no", traceback=[])),
        ]
    )
    assert list(session.errors(notebook)) == [
        "cell c1: ERROR: pip's dependency resolver does not",
        "cell c2: ValueError: no",
    ]
    notebook.cells = [cell(1), cell(1)]
    assert list(session.errors(notebook)) == ["execution counts are [1, 1]"]


def test_the_course_needs_what_colab_lacks():
    # Else the set-up cell would install the course alone.
    assert {wanted.name for wanted in BASE} & colab_runtime.NOT_IN_COLAB
