"""The command lines over the data layer."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from course_utils.datasets import samples, sunnybrook
from course_utils.datasets.fetch import fetch

REPOSITORY = Path(__file__).parents[2]


def script(name):
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "data_scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


def test_make_samples(data, tmp_path, capsys):
    folder = tmp_path / "samples"
    arguments = [str(folder), "--train", "2", "--val", "1", "--size", "64", "--seed", "5"]
    assert script("make_samples")(arguments) == 0
    assert "2 + 1 made-up pairs" in capsys.readouterr().out
    samples.write_sunnybrook(tmp_path / "same", 2, 1, seed=5, size=64)
    for name in ("train.zip", "val.zip", "SHA256SUMS"):
        assert (folder / name).read_bytes() == (tmp_path / "same" / name).read_bytes()


def test_make_samples_of_scenes(tmp_path, capsys):
    folder = tmp_path / "samples"
    arguments = [str(folder), "stanford_background", "--scenes", "1", "--seed", "5"]
    assert script("make_samples")(arguments) == 0
    assert "1 made-up scenes" in capsys.readouterr().out
    samples.write_stanford_background(tmp_path / "same", 1, seed=5)
    for name in ("iccv09Data.tar.gz", "SHA256SUMS"):
        assert (folder / name).read_bytes() == (tmp_path / "same" / name).read_bytes()


def test_make_samples_of_nothing(tmp_path, capsys):
    with pytest.raises(SystemExit):
        script("make_samples")([str(tmp_path / "samples"), "--val", "0"])
    assert not (tmp_path / "samples").exists()


def test_make_samples_where_it_cannot_write(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert script("make_samples")([str(tmp_path / "file"), "--train", "1", "--val", "1"]) == 1
    assert "Could not write into" in capsys.readouterr().err


def test_samples_pass_for_the_real_layout(data, tmp_path):
    mirror = samples.mirror(tmp_path)
    folder = fetch(samples.SUNNYBROOK_SAMPLE, root=data, mirror=mirror)
    for split, count in samples.SUNNYBROOK_SAMPLE.pairs.items():
        assert len(sunnybrook.load(split, folder)) == count


@pytest.mark.parametrize("name", ["fetch_data", "build_mirror", "make_samples"])
def test_scripts_run_as_scripts(name):
    done = subprocess.run(
        [sys.executable, REPOSITORY / "data_scripts" / f"{name}.py", "--help"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert done.returncode == 0 and "usage:" in done.stdout


@pytest.mark.parametrize("name", ["fetch_data", "build_mirror", "student_edition", "run_results"])
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


def test_benchmark_of_the_second_load(real_mirror):
    done = subprocess.run(
        [sys.executable, REPOSITORY / "benchmarks" / "second_load.py"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "COURSE_MIRROR": str(real_mirror)},
    )
    assert done.returncode == 0, done.stderr
    assert "Sunnybrook left ventricle: first load" in done.stdout
    if (real_mirror / "iccv09Data.tar.gz").is_file():
        scenes_line = done.stdout.splitlines()[-1]
        # A ratio of two times on a busy machine: far below what is measured, far above no cache.
        assert int(scenes_line.rsplit(":", 1)[1].split()[0]) > 10
    else:
        assert "stanford_background: left out." in done.stdout
