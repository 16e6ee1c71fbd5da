"""What tests/colab looks for would be seen; the lists of versions fit the course. No network."""

import shutil

import colab
import nbformat
import pytest
from colab import NOT_IN_COLAB, errors, inventory, touched, without
from notebook_rules import ROOT
from test_project import BASE

RUNTIMES = sorted((ROOT / "tests" / "colab").glob("runtime-*.txt"))
PACKAGES = {
    "numpy": {"numpy/__init__.py": "2.0", "numpy-2.0.dist-info/RECORD": "numpy"},
    "cv2": {"cv2/__init__.py": "4.12"},
}


def write(folder, files):
    """Write files of packages into a made-up environment."""
    for name, text in files.items():
        path = folder / "lib" / "python3.11" / "site-packages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # as pip does: not into a file that has other names
        path.write_text(text)


@pytest.mark.parametrize(
    ("gone", "written", "seen"),
    [
        ("", {"segmentation_models/__init__.py": "1.0.1"}, set()),
        ("", {"numpy/__init__.py": "2.4.6"}, {"numpy"}),
        ("", {"numpy-2.0.dist-info/RECORD": "numpy"}, {"numpy-2.0.dist-info"}),
        ("cv2", {}, {"cv2"}),
        ("", {"headless/__init__.py": "5.0", "cv2/__init__.py": "5.0"}, {"cv2"}),
    ],
    ids=["an addition", "another version", "the same anew", "gone", "written over by another"],
)
def test_what_an_installation_did_to_other_packages_is_seen(gone, written, seen, tmp_path):
    for files in PACKAGES.values():
        write(tmp_path / "there", files)
    before = inventory(tmp_path / "there")
    copy = colab.copy_runtime(tmp_path / "there", tmp_path / "copy")
    assert touched(before, inventory(copy)) == set()
    if gone:
        shutil.rmtree(copy / "lib" / "python3.11" / "site-packages" / gone)
    write(copy, written)
    assert touched(before, inventory(copy)) == seen
    assert inventory(tmp_path / "there") == before


def test_errors_a_restart_and_the_complaints_of_pip_are_seen():
    output = nbformat.v4.new_output
    text = "WARNING: this\nERROR: pip's resolver does not\n"
    outputs = [
        output("stream", name="stderr", text=text),
        output("error", ename="ValueError", evalue="no", traceback=[]),
    ]
    cells = [
        nbformat.v4.new_markdown_cell("ERROR: no"),
        *(nbformat.v4.new_code_cell(execution_count=1, outputs=[one]) for one in outputs),
    ]
    assert errors(nbformat.v4.new_notebook(cells=cells)) == [
        "ERROR: pip's resolver does not",
        "ValueError: no",
        "cells ran as [1, 1]",
    ]


def test_what_colab_lacks_is_left_out_and_the_course_needs_some_of_it():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    gone = {line for line in lock.splitlines() if "==" in line} - set(without(lock).splitlines())
    assert {line.partition("==")[0] for line in gone} == NOT_IN_COLAB
    # Else the set-up cell would install the course alone.
    assert {wanted.name for wanted in BASE} & NOT_IN_COLAB


@pytest.mark.parametrize("path", RUNTIMES, ids=lambda path: path.stem)
def test_the_course_asks_a_runtime_for_no_other_version(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert {"tensorflow", "keras", "numpy", "ipykernel", "pip"} <= pinned.keys() - NOT_IN_COLAB
    for wanted in BASE:
        if wanted.name not in NOT_IN_COLAB:
            assert wanted.specifier.contains(pinned[wanted.name]), str(wanted)
