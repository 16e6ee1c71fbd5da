"""The environments with the oldest and the newest versions."""

import subprocess
import sys
from types import SimpleNamespace

import combinations
import pytest
from packaging.requirements import Requirement
from test_project import BASE, PROJECT


@pytest.fixture
def ran():
    """What was run, and the function that records it."""
    commands = []

    def run(module, *arguments, **options):
        commands.append((module, *arguments))
        return SimpleNamespace(stdout="keras==9\n")

    return SimpleNamespace(commands=commands, run=run)


def test_oldest_goes_down_to_the_lower_bounds(ran, tmp_path):
    (tmp_path / "oldest.txt").write_text("keras==9", encoding="utf-8")
    combinations.install_oldest(tmp_path, ran.run)
    assert not (tmp_path / "oldest.txt").exists(), "uv would keep to what an older list says"
    fetch, resolve, install, project = ran.commands
    assert fetch == ("pip", "install", "--quiet", "uv")
    text = " ".join(resolve)
    assert text.startswith(f"uv pip compile pyproject.toml {tmp_path / 'also.in'} ")
    for option in (
        "--resolution lowest-direct",
        "--prerelease disallow",
        "--only-binary :all:",
        f"--python-version {sys.version_info.major}.{sys.version_info.minor} ",
        "--extra local --extra test",
        "--no-emit-index-url",
        f"--output-file {tmp_path / 'oldest.txt'}",
    ):
        assert option in text
    assert install[-3:] == ("--require-hashes", "-r", str(tmp_path / "oldest.txt"))
    assert project[-3:] == ("--no-build-isolation", "-e", ".")
    assert "--no-deps" in project


def test_what_tensorflow_brings_is_taken_as_old_too(ran, tmp_path):
    combinations.install_oldest(tmp_path, ran.run)
    lines = (tmp_path / "also.in").read_text(encoding="utf-8").splitlines()
    named = {Requirement(line).name for line in lines}
    assert named == {"keras", "numpy"}
    assert named.isdisjoint(requirement.name for requirement in BASE)


def test_newest_is_what_pip_chooses_and_is_written_down(ran, tmp_path):
    combinations.install_newest(tmp_path, ran.run)
    install, _ = ran.commands
    assert install == ("pip", "install", "--quiet", "--upgrade", "-e", ".[local,test]")
    assert set(combinations.EXTRAS) <= set(PROJECT["optional-dependencies"])
    assert (tmp_path / "newest.txt").read_text(encoding="utf-8") == "keras==9\n"


def test_your_own_python_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setitem(combinations.INSTALL, "oldest", lambda *_: pytest.fail("installed"))
    with pytest.raises(SystemExit, match="your own Python"):
        combinations.main(["oldest"])


def test_a_failure_names_what_failed(monkeypatch, tmp_path):
    def fail(folder, run):
        raise subprocess.CalledProcessError(1, [sys.executable, "-m", "uv", "pip", "compile"])

    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setitem(combinations.INSTALL, "oldest", fail)
    with pytest.raises(SystemExit, match="oldest versions: -m uv pip failed"):
        combinations.main(["oldest"])


def test_modules_run_in_the_project_and_a_failure_raises(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = combinations.run_module("this", stdout=subprocess.PIPE, text=True)
    assert "Namespaces" in done.stdout
    with pytest.raises(subprocess.CalledProcessError):
        combinations.run_module("no_such_module", stderr=subprocess.DEVNULL)


def test_the_list_is_printed_without_its_hashes(tmp_path, monkeypatch, capsys):
    def install(folder, _):
        lines = ["keras==9 \\", "    --hash=sha256:12 \\", "    --hash=sha256:34", "numpy==2", ""]
        (folder / "oldest.txt").write_text("\n".join(lines), encoding="utf-8")

    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setitem(combinations.INSTALL, "oldest", install)
    combinations.main(["oldest"])
    assert capsys.readouterr().out == "keras==9\nnumpy==2\n"
