"""One address: where badges and set-up cells lead, and how it is changed."""

import json
import shutil
import subprocess
import sys

import pytest
from notebook_rules import ROOT
from stamp import PLACEHOLDER, address_of, notebooks_link, stamp


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


def test_a_chapter_from_another_repository_is_restamped_too(copy):
    chapters = [copy / "notebooks" / f"{name}.ipynb" for name in ("01_mri_mlp", "02_mri_fcn")]
    unstamped = chapters[1].read_bytes()
    stamp("upstream/course", copy)
    theirs = chapters[0].read_bytes()
    stamp("me/fork", copy)
    mine = stamped_files(copy)
    chapters[0].write_bytes(theirs)
    chapters[1].write_bytes(unstamped)
    assert stamp("me/fork", copy) == chapters
    assert stamped_files(copy) == mine


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("course", "or OWNER/NAME, got 'course'"),
        ("me/my course", "or OWNER/NAME, got 'me/my course'"),
        ("http://github.com/me/course", "Expected https://github.com/OWNER/NAME"),
        ("https://gitlab.com/me/course", "Expected https://github.com/OWNER/NAME"),
        ("https://github.com/me/course/tree/main", "Expected https://github.com/OWNER/NAME"),
        ("me/course@", "Expected https://github.com/OWNER/NAME"),
        ("me/course@a/b", "Expected https://github.com/OWNER/NAME"),
        ("me/course@v1@v2", "Expected https://github.com/OWNER/NAME"),
        ('https://github.com/me/course"; import os', "Expected https://github.com/OWNER/NAME"),
        ("owner/name", "owner/name is the example. Name your own"),
    ],
)
def test_a_wrong_repository_is_told_plainly_and_changes_nothing(copy, address, told):
    before = stamped_files(copy)
    (copy / "tools").mkdir()
    script = shutil.copy(ROOT / "tools" / "stamp.py", copy / "tools")
    done = subprocess.run([sys.executable, script, address], capture_output=True, text=True)
    assert done.returncode == 2
    assert told in done.stderr and "Traceback" not in done.stderr
    assert stamped_files(copy) == before
