"""When make sets up anew, and what it says of a slip."""

import os
import re
import shutil
import subprocess

import pytest
from notebook_rules import ROOT

pytestmark = pytest.mark.skipif(
    os.name == "nt" or not shutil.which("make"), reason="there is no make"
)
FILES = ("Makefile", "pyproject.toml", "requirements.lock")


def would_run(folder, *words):
    """Return what make would run; or, where it refuses, what it says."""
    bare = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    command = ["make", "--no-print-directory", "-n", *words]
    done = subprocess.run(command, cwd=folder, env=bare, capture_output=True, text=True)
    return done.stdout or done.stderr


@pytest.mark.parametrize(
    ("name", "before", "after", "anew"),
    [
        ("pyproject.toml", "pooch>=1.8", "pooch>=1.9", {"locked", "oldest"}),
        ("pyproject.toml", "hatchling>=1.27", "hatchling>=1.28", {"locked", "oldest"}),
        ("pyproject.toml", 'requires-python = ">=3', 'requires-python = ">3', {"locked", "oldest"}),
        ("pyproject.toml", 'mode-dirs = ["."]', 'mode-dirs = ["s"]', {"locked", "oldest"}),
        ("requirements.lock", "==", "==9", {"locked"}),
        ("pyproject.toml", "not-stamped.invalid", "github.com", set()),
        ("pyproject.toml", 'tag = ""', 'tag = "v1.2"', set()),
        ("pyproject.toml", "line-length = 100", "line-length = 99", set()),
    ],
)
def test_an_environment_is_made_anew_when_something_else_has_to_be_in_it(
    tmp_path, name, before, after, anew
):
    for file in FILES:
        shutil.copy(ROOT / file, tmp_path)
    for versions in ("locked", "oldest"):
        ready = re.search(r"touch (\S+)$", would_run(tmp_path, "setup", f"VERSIONS={versions}"))[1]
        (tmp_path / ready).parent.mkdir(parents=True)
        (tmp_path / ready).touch()
    text = (tmp_path / name).read_text(encoding="utf-8")
    assert before in text
    (tmp_path / name).write_text(text.replace(before, after, 1), encoding="utf-8")
    made = {
        v for v in ("locked", "oldest") if "venv" in would_run(tmp_path, "setup", f"VERSIONS={v}")
    }
    assert made == anew


def test_an_unknown_chapter_or_version_is_named_with_those_there_are():
    said = would_run(ROOT, "test-notebooks", "CHAPTER=02_mri_fnc")
    assert "No chapter 02_mri_fnc. There are: 00_start_here 01_mri_mlp" in said
    said = would_run(ROOT, "test-notebooks", "VERSIONS=neweset")
    assert "No VERSIONS=neweset. There are: locked, oldest, newest" in said
