"""One address: where badges and set-up cells lead, and how it is changed."""

import json
import shutil
import subprocess
import sys

import pytest
import stamp_repository
from notebook_rules import ROOT
from stamp_repository import PLACEHOLDER, address_of, notebooks_link, stamp


def stamped_files(root):
    """Return the text of each file that carries the address."""
    paths = [root / "pyproject.toml", root / "README.md", *(root / "notebooks").glob("*.ipynb")]
    return {path: path.read_text(encoding="utf-8") for path in paths}


@pytest.fixture
def copy(tmp_path):
    """A copy of the files that carry the address, not yet stamped."""
    for name in ("pyproject.toml", "README.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    stamp(PLACEHOLDER, tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("address", "full", "branch"),
    [
        (
            "https://github.com/some-one/a.course.git/",
            "https://github.com/some-one/a.course",
            "main",
        ),
        ("some-one/course@v7.2", "https://github.com/some-one/course@v7.2", "v7.2"),
    ],
)
def test_stamping_reaches_every_place_and_can_be_taken_back(copy, address, full, branch):
    before = stamped_files(copy)
    stamp("first/address@v1.0", copy)
    assert set(stamp(address, copy)) >= set(before)
    assert stamp(address, copy) == []
    assert address_of(copy) == full
    repository = full.removeprefix("https://github.com/").partition("@")[0]
    link = f"https://colab.research.google.com/github/{repository}/blob/{branch}/notebooks/"
    assert notebooks_link(full) == link
    for path, text in stamped_files(copy).items():
        assert "not-stamped" not in text and "first/address" not in text and "v1.0" not in text
        if path.suffix == ".ipynb":
            assert f"]({link}{path.name})" in text
            cells = json.loads(text)["cells"]
            setup = next("".join(c["source"]) for c in cells if c["cell_type"] == "code")
            assert f'\nREPOSITORY = "{full}"\n' in setup
    assert link in (copy / "README.md").read_text(encoding="utf-8")
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


def test_stamp_script_runs_from_the_command_line():
    command = [sys.executable, stamp_repository.__file__, "http://x"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "Expected https://github.com/OWNER/NAME" in done.stderr
