"""The command lines over the data layer."""

import dataclasses
import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_nuclei import TinyNuclei
from tiny_scenes import TinyScenes

from course_utils.datasets import (
    _commands,
    catalog,
    dsb2018,
    stanford_background,
    sunnybrook,
    weights,
)
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


def test_fetch_data_takes_what_the_course_can_load(published, data, tiny, tmp_path, monkeypatch):
    mirror = tiny.mirror(tmp_path / "mirror")
    sums = (mirror / "SHA256SUMS").read_text()
    for name, tiny_set in {"stanford_background": TinyScenes(), "dsb2018": TinyNuclei()}.items():
        monkeypatch.setitem(catalog.CATALOG, name, tiny_set.entry())
        sums += (tiny_set.mirror(mirror) / "SHA256SUMS").read_text()
    (mirror / "SHA256SUMS").write_text(sums)
    assert script("fetch_data")(["--root", str(data), "--mirror", str(mirror)]) == 0
    assert provenance(data / "sunnybrook")["archives"][0]["source"] == str(mirror / "train.zip")
    assert len(stanford_background.names(data / "stanford_background")) == 3
    assert len(dsb2018.names(data / "dsb2018")) == 3


@pytest.fixture
def encoder(server, monkeypatch):
    """Tiny weights in mobilenet's place, published by the server."""
    name = "weights/mobilenet_1_0_224_tf_no_top.h5"
    archive = catalog.Archive(name, f"{server.url}/{name}", size=9)
    monkeypatch.setitem(weights.WEIGHTS, "mobilenet", weights.EncoderWeights("mobilenet", archive))
    server.answers[f"/{name}"] = [b"\x89HDF\r\n\x1a\n"]
    return name


def test_fetch_data_with_weights_alone(encoder, server, data, capsys):
    arguments = ["--weights", "mobilenet", "--root", str(data), "--quiet"]
    assert script("fetch_data")(arguments) == 0
    assert f"{server.url}/{encoder}" in capsys.readouterr().out
    assert (data / encoder).is_file() and [p.name for p in data.iterdir()] == ["weights"]
    server.answers.clear()
    (data / encoder).unlink()
    assert script("fetch_data")(arguments) == 1
    assert encoder in capsys.readouterr().err


def test_build_mirror_with_weights(encoder, published, tiny, server, tmp_path, capsys):
    folder = tmp_path / "mirror"
    arguments = [str(folder), "sunnybrook", "--weights", "mobilenet", "--quiet"]
    assert script("build_mirror")(arguments) == 0
    digest = hashlib.sha256((folder / encoder).read_bytes()).hexdigest()
    assert f"{digest}  {encoder}\n" in (folder / "SHA256SUMS").read_text()
    licences = (folder / "LICENCES.txt").read_text(encoding="utf-8")
    assert f"{encoder}: the mobilenet encoder's ImageNet weights\n  Licence: not stated" in licences
    out = capsys.readouterr().out
    assert f"fetch_data.py --verify {folder}" in out
    assert "\n  00_start_here, 01_mri_mlp, 02_mri_fcn, 03_mri_unet: with all they need\n" in out
    assert "\n  06_dsb2018_unetpp: in the sample profile only, for want of dsb2018\n" in out
    assert script("fetch_data")(["--verify", str(folder)]) == 0
    server.answers.clear()
    path = weights.fetch_weights("mobilenet", folder, False, tmp_path / "data")
    assert weights.provenance(path)["checked"] == "the mirror's SHA256SUMS"


def test_build_mirror_does_not_keep_weights_that_are_none(
    encoder, published, server, tmp_path, capsys
):
    server.answers[f"/{encoder}"] = [b"<html>"]
    folder = tmp_path / "mirror"
    arguments = [str(folder), "sunnybrook", "--weights", "mobilenet", "--quiet"]
    assert script("build_mirror")(arguments) == 1
    assert "no weights file" in capsys.readouterr().err and not list(folder.iterdir())


def test_a_stand_in_keeps_its_name(data, tmp_path, monkeypatch, capsys):
    scenes = TinyScenes()
    content = scenes.archive()
    monkeypatch.setattr(scenes, "archive", lambda: content)
    stand_in = dataclasses.replace(scenes.entry(), name="others", title="Other scenes")
    monkeypatch.setattr(catalog, "STAND_INS", {hashlib.sha256(content).hexdigest(): stand_in})
    source = str(scenes.mirror(tmp_path / "old"))
    new = tmp_path / "new"
    assert script("build_mirror")([str(new), "stanford_background", "--from", source]) == 0
    assert "others: reads 3 all pairs" in capsys.readouterr().out
    licences = (new / "LICENCES.txt").read_text(encoding="utf-8")
    assert "iccv09Data.tar.gz: Other scenes; MUST NOT" in licences
    assert "Stanford Background" not in licences
    arguments = ["--root", str(data), "--mirror", source]
    assert script("fetch_data")(["stanford_background", *arguments]) == 0
    assert "Other scenes: " in capsys.readouterr().out
    assert script("fetch_data")(["--list", *arguments]) == 0
    assert f"Other scenes in {data / 'others'}" in capsys.readouterr().out


def test_fetch_data_fails_in_plain_words(published, data, capsys):
    published.answers.clear()
    assert script("fetch_data")(["sunnybrook", "--root", str(data), "--quiet"]) == 1
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
    err = capsys.readouterr().err
    assert "No mirror was built." in err and "run the cell" not in err
    assert ("--from FOLDER_OR_ADDRESS" in err) == (fault == "not there")
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


def test_build_mirror_adds_weights_to_the_data_that_may_be_passed_on(monkeypatch, tmp_path):
    built = []
    main = script("build_mirror")
    monkeypatch.setitem(
        main.__globals__, "build", lambda folder, entries, **_: built.append(list(entries))
    )
    arguments = [str(tmp_path), "--weights", "mobilenet"]
    main(arguments)
    sums = "".join(f"{'0' * 64}  {name}\n" for name in ("train.zip", "val.zip"))
    (tmp_path / "SHA256SUMS").write_text(sums)
    main(arguments)  # what is there already is not fetched again
    main([arguments[0], "sunnybrook", *arguments[1:]])
    names = [[entry.name for entry in entries] for entries in built]
    assert names == [["sunnybrook", "dsb2018"], ["dsb2018"], ["sunnybrook"]]


def test_build_mirror_of_the_real_data(real_mirror, tmp_path, capsys):
    arguments = [str(tmp_path / "mirror"), "sunnybrook", "--from", str(real_mirror)]
    assert script("build_mirror")(arguments) == 0
    assert "sunnybrook: reads 234 train + 26 val pairs" in capsys.readouterr().out


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


def test_printed_commands_run_as_printed(tmp_path, monkeypatch):
    python = tmp_path / "my course" / ".venv" / "bin" / "python"
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.chdir(REPOSITORY)
    script_here = Path("data_scripts") / "fetch_data.py"
    assert _commands.command_of("fetch_data.py") == f'"{python}" {script_here}'
    python.parent.mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "my course")
    from_here = Path(".venv") / "bin" / "python"
    expected = f"{from_here} {_commands.quoted(REPOSITORY / script_here)}"
    assert _commands.command_of("fetch_data.py") == expected


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
