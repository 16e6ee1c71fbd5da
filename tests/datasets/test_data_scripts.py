"""The command lines over the data layer."""

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from course_utils.datasets import catalog, samples, sunnybrook
from course_utils.datasets.fetch import fetch, provenance

REPOSITORY = Path(__file__).parents[2]


def script(name):
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "data_scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


@pytest.fixture
def published(tiny, server, monkeypatch):
    """The catalog with the tiny set in Sunnybrook's place, published by the server."""
    tiny.publish(server)
    monkeypatch.setitem(catalog.CATALOG, "sunnybrook", tiny.entry(server.url))
    return server


def test_fetch_data(published, data, tiny, capsys):
    assert script("fetch_data")(["sunnybrook", "--root", str(data), "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert f"{published.url}/published/train.zip" in out and "CC0" in out and err == ""
    assert len(sunnybrook.load("train", data / "sunnybrook")) == 3


def test_fetch_data_takes_what_the_course_can_load(published, data, tiny, tmp_path):
    mirror = tiny.mirror(tmp_path / "mirror")
    assert script("fetch_data")(["--root", str(data), "--mirror", str(mirror)]) == 0
    assert provenance(data / "sunnybrook")["archives"][0]["source"] == str(mirror / "train.zip")


def test_fetch_data_fails_in_plain_words(published, data, capsys):
    published.answers.clear()
    assert script("fetch_data")(["--root", str(data), "--quiet"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Could not get train.zip") and "Traceback" not in err


def test_fetch_data_list(published, data, capsys):
    assert script("fetch_data")(["--list", "--root", str(data)]) == 0
    listed = capsys.readouterr().out
    for entry in catalog.CATALOG.values():
        assert entry.title in listed and entry.licence in listed
    assert "not fetched yet" in listed and not data.exists()


@pytest.mark.parametrize("arguments", [["fetch_data"], ["build_mirror", "somewhere"]])
def test_unknown_name(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        script(arguments[0])([*arguments[1:], "cityscapes"])
    assert caught.value.code == 2
    assert "there are: sunnybrook" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_build_mirror_from_the_published_files(published, data, tiny, tmp_path, capsys):
    folder = tmp_path / "mirror"
    assert script("build_mirror")([str(folder), "sunnybrook", "--quiet"]) == 0
    assert "sunnybrook: reads 3 train + 2 val pairs" in capsys.readouterr().out
    assert sorted(p.name for p in folder.iterdir()) == [
        "LICENCES.txt",
        "SHA256SUMS",
        "train.zip",
        "val.zip",
    ]
    assert (folder / "SHA256SUMS").read_text() == tiny.sums()
    assert "MUST NOT be passed on" in (folder / "LICENCES.txt").read_text(encoding="utf-8")
    there = fetch(tiny.entry(), root=data, mirror=folder)
    assert provenance(there)["archives"][0]["checked"] == "the mirror's SHA256SUMS"


def test_build_mirror_from_a_mirror_keeps_what_else_is_there(published, tiny, tmp_path):
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "other.zip").write_bytes(b"other")
    digest = hashlib.sha256(b"other").hexdigest()
    (folder / "SHA256SUMS").write_text(f"{digest}  other.zip\n")
    source = tiny.mirror(tmp_path / "old")
    assert script("build_mirror")([str(folder), "sunnybrook", "--from", str(source)]) == 0
    assert not published.asked
    assert (folder / "other.zip").read_bytes() == b"other"
    assert (folder / "SHA256SUMS").read_text() == f"{digest}  other.zip\n" + tiny.sums()
    assert (source / "train.zip").exists()


@pytest.mark.parametrize("fault", ["not there", "bad content"])
def test_build_mirror_that_fails_leaves_the_folder_as_it_was(
    published, tiny, tmp_path, capsys, fault
):
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "train.zip").write_bytes(b"former")
    if fault == "bad content":
        del tiny.files["val/label/001.png"]
        published.answers["/published/val.zip"] = [tiny.archive("val")]
    else:
        del published.answers["/published/val.zip"]
    assert script("build_mirror")([str(folder), "sunnybrook", "--quiet"]) == 1
    assert "No mirror was built." in capsys.readouterr().err
    assert [p.name for p in folder.iterdir()] == ["train.zip"]
    assert (folder / "train.zip").read_bytes() == b"former"


def test_build_mirror_warns_of_what_may_not_be_passed_on(monkeypatch, tmp_path, capsys):
    built = []
    main = script("build_mirror")
    monkeypatch.setitem(
        main.__globals__, "build", lambda folder, entries, **_: built.extend(entries)
    )
    assert main([str(tmp_path)]) == 0
    assert [entry.name for entry in built] == ["sunnybrook", "dsb2018"]  # Stanford only if named
    assert "WARNING" not in capsys.readouterr().err
    assert main([str(tmp_path), "stanford_background"]) == 0
    assert built[-1].name == "stanford_background"
    assert "WARNING: Stanford Background: not stated" in capsys.readouterr().err


def test_build_mirror_of_the_real_data(real_mirror, tmp_path, capsys):
    arguments = [str(tmp_path / "mirror"), "sunnybrook", "--from", str(real_mirror)]
    assert script("build_mirror")(arguments) == 0
    assert "sunnybrook: reads 234 train + 26 val pairs" in capsys.readouterr().out


def test_make_samples(data, tmp_path, capsys):
    folder = tmp_path / "samples"
    arguments = [str(folder), "--train", "2", "--val", "1", "--size", "64", "--seed", "5"]
    assert script("make_samples")(arguments) == 0
    assert "2 + 1 made-up pairs" in capsys.readouterr().out
    samples.write_sunnybrook(tmp_path / "same", 2, 1, seed=5, size=64)
    for name in ("train.zip", "val.zip", "SHA256SUMS"):
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


def test_benchmark_of_the_second_load(real_mirror):
    done = subprocess.run(
        [sys.executable, REPOSITORY / "benchmarks" / "second_load.py"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "COURSE_MIRROR": str(real_mirror)},
    )
    assert done.returncode == 0, done.stderr
    assert "times faster" in done.stdout
