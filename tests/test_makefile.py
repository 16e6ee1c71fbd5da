"""When make sets up anew, what it takes from the environment, and what it says of a slip."""

import os
import re
import shutil
import subprocess

import pytest
import run_results
from notebook_rules import ROOT
from test_workflows import needs_make, outer

pytestmark = needs_make


@pytest.fixture
def copy(tmp_path):
    """What the Makefile looks at."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "notebooks").mkdir()
    for name in ("01_mri_mlp", "02_mri_fcn"):
        (tmp_path / "notebooks" / f"{name}.ipynb").touch()
    return tmp_path


def would_run(folder, *words, **settings):
    """Return what make would run; or, where it refuses, what it says."""
    inherited = {k: v for k, v in outer({}).items() if not k.startswith("COURSE_")}
    done = subprocess.run(
        ["make", "--no-print-directory", "-n", *words],
        cwd=folder,
        env=inherited | settings,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode == 0) == (not done.stderr), done.stderr
    return done.stdout or done.stderr


def set_up(folder, *words):
    """Leave the mark that an environment is ready, as make would."""
    mark = folder / re.search(r"^touch (\S+)$", would_run(folder, "lint", *words), re.M)[1]
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()


def edit(path, before, after):
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


def test_an_environment_is_kept_when_what_it_holds_stays_as_it_was(copy):
    set_up(copy)
    assert "venv" in would_run(copy, "lint", "VERSIONS=newest")
    for before, after in {
        "https://not-stamped.invalid/OWNER/REPOSITORY": "https://github.com/some-one/course",
        'tag = ""': 'tag = "v1.2"',
        'description = "': 'description = "Another: ',
        "# Working on the course": "# Work",
        "line-length = 100": "line-length = 99",
    }.items():
        edit(copy / "pyproject.toml", before, after)
    os.utime(copy / "requirements.lock")
    assert "-m venv" not in would_run(copy, "lint")


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("pyproject.toml", "pooch>=1.8", "pooch>=1.9"),
        ("pyproject.toml", "jupyterlab>=4.2", "jupyterlab>=4.3"),
        ("pyproject.toml", "hatchling>=1.27", "hatchling>=1.28"),
        ("pyproject.toml", 'dev-mode-dirs = ["."]', 'dev-mode-dirs = ["src"]'),
        ("pyproject.toml", 'requires-python = ">=3.11"', 'requires-python = ">=3.12"'),
        ("requirements.lock", "==", "==9"),
    ],
)
@pytest.mark.parametrize("versions", ["locked", "oldest"])
def test_an_environment_is_made_anew_when_something_else_has_to_be_in_it(
    copy, name, before, after, versions
):
    set_up(copy, f"VERSIONS={versions}")
    edit(copy / name, before, after)
    anew = "-m venv --clear" in would_run(copy, "lint", f"VERSIONS={versions}")
    assert anew == ((name, versions) != ("requirements.lock", "oldest"))


def test_an_unknown_chapter_is_named_with_those_there_are(copy):
    for target in ("test-notebooks", "test-browser", "test-colab", "results"):
        said = would_run(copy, target, "CHAPTER=02_mri_fnc")
        assert "No chapter 02_mri_fnc. There are: 01_mri_mlp 02_mri_fcn." in said
    set_up(copy)
    both = would_run(copy, "test-notebooks", "CHAPTER=01_mri_mlp 02_mri_fcn")
    assert both.rstrip().endswith(" notebooks/01_mri_mlp.ipynb notebooks/02_mri_fcn.ipynb")
    assert "No chapter" not in would_run(copy, "lab", CHAPTER="of another program")


def test_unknown_versions_make_nothing(copy):
    said = would_run(copy, "test-notebooks", "VERSIONS=neweset")
    assert "No VERSIONS=neweset. There are: locked, oldest, newest" in said
    assert not (copy / "build").exists()


def test_results_take_seed_and_profile_from_the_environment(copy):
    set_up(copy)
    words = ["results", "CHAPTER=01_mri_mlp"]
    both = {"COURSE_SEED": "7", "COURSE_PROFILE": "quick"}
    assert "--seeds 0 --profile full" in would_run(copy, *words)
    assert "--seeds 7 --profile quick" in would_run(copy, *words, **both)
    own = would_run(copy, *words, "SEEDS=0 1", "PROFILE=full", **both)
    assert "--seeds 0 1 --profile full" in own
    assert "COURSE_PROFILE=sample COURSE_SEED=0 " in would_run(copy, "test-notebooks", **both)


def test_made_up_data_gives_no_results(capsys):
    with pytest.raises(SystemExit):
        run_results.main(["01_mri_mlp", "--profile", "sample"])
    assert "figures on made-up data are no results: quick or full" in capsys.readouterr().err
