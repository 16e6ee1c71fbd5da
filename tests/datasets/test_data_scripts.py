"""The command lines over the data layer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["fetch_data", "build_mirror", "make_samples"])
def test_scripts_run_as_scripts(name):
    done = subprocess.run(
        [sys.executable, REPOSITORY / "data_scripts" / f"{name}.py", "--help"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert done.returncode == 0 and "usage:" in done.stdout


@pytest.mark.parametrize("name", ["fetch_data", "build_mirror"])
def test_scripts_say_which_python_they_need(name):
    """An isolated Python without site-packages has neither the course nor what it needs."""
    path = REPOSITORY / "data_scripts" / f"{name}.py"
    code = f"import runpy, sys; sys.path.insert(0, {str(path.parent)!r}); " + (
        f"runpy.run_path({str(path)!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "No module named" in done.stderr and "Traceback" not in done.stderr
    assert "Run this with .venv" in done.stderr and "make lab" in done.stderr
