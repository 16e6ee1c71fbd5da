"""The command lines over the data layer: fetch_data.py with --verify, and build_mirror.py."""

import dataclasses
import hashlib
import re
from pathlib import Path

import build_mirror
import fetch_data
import mirrors
import numpy as np
import pytest
from tiny_dataset import weights
from tiny_nuclei import TinyNuclei
from tiny_scenes import TinyScenes

from course_utils.chapters import CHAPTERS
from course_utils.datasets import catalog, samples
from course_utils.datasets.fetch import fetch, fetch_weights, provenance

REPOSITORY = Path(__file__).parents[2]
MOBILENET = "weights/mobilenet_1_0_224_tf_no_top.h5"
CONTENT = weights(conv=np.ones(9))
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def published(tiny, server, monkeypatch):
    """The catalog with tiny sets and weights, two of them published by the server."""
    tiny.publish(server)
    server.answers[f"/published/{MOBILENET}"] = [CONTENT]
    weights = catalog.WEIGHTS["mobilenet"]
    archive = dataclasses.replace(
        weights.archives[0], url=f"{server.url}/published/{MOBILENET}", size=9
    )
    weights = dataclasses.replace(weights, archives=(archive,))
    monkeypatch.setitem(catalog.WEIGHTS, "mobilenet", weights)
    (archive,) = catalog.LABELME_FRUIT.archives
    archive = dataclasses.replace(archive, url="", size=10_000, unpacked_size=10**6)
    fruit = dataclasses.replace(catalog.LABELME_FRUIT, archives=(archive,), pairs={"all": 1})
    for entry in (tiny.entry(server.url), TinyScenes().entry(), TinyNuclei().entry(), fruit):
        monkeypatch.setitem(catalog.CATALOG, entry.name, entry)


@pytest.fixture
def run(capsys):
    def call(script, *arguments):
        status = script.main([*map(str, arguments), "--quiet"])
        out, err = capsys.readouterr()
        assert "Traceback" not in err and (status == 0 or err)
        return status, out, err

    return call


def state(folder, name, content):
    """Put a file into a mirror, and its hash into SHA256SUMS."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    with (folder / "SHA256SUMS").open("a") as file:
        file.write(f"{hashlib.sha256(content).hexdigest()}  {name}\n")


@pytest.fixture
def mirror(tiny, tmp_path):
    """A mirror with the tiny set and an encoder's weights, on a path with spaces."""
    folder = tiny.mirror(tmp_path / "class room mirror")
    state(folder, MOBILENET, CONTENT)
    return folder


@pytest.fixture(params=["folder", "http"])
def place(request, serve, server, mirror):
    """A function: where the mirror is to be looked for, by its present content."""

    def call():
        server.answers.clear()
        return mirror if request.param == "folder" else serve(mirror, "/m")

    return call


# fetch_data.py


def test_fetch_data(run, server, data, tiny):
    arguments = ["sunnybrook", "--weights", "mobilenet", "--root", data]
    status, out, err = run(fetch_data, *arguments)
    assert status == 0 and err == "" and "licence: CC0" in out
    assert f"{server.url}/published/train.zip" in out and f"/published/{MOBILENET}" in out
    assert len(list((data / "sunnybrook").rglob("*.png"))) == len(tiny.files)
    listed = run(fetch_data, "--list", "--root", data)[1]
    assert f"Sunnybrook left ventricle in {data / 'sunnybrook'}" in listed
    for entry in (*catalog.CATALOG.values(), *catalog.WEIGHTS.values()):
        assert entry.title in listed and entry.licence in listed
    server.answers.clear()
    status, out, err = run(fetch_data, *arguments[:-1], data / "new")
    assert status == 1 and out == "" and not list(data.rglob("new/*.zip"))
    assert err.startswith("Could not get train.zip") and f"Could not get {MOBILENET}" in err


def test_fetch_data_takes_by_default_what_the_course_can_load(run, data, tiny, tmp_path):
    folder, sums = tiny.mirror(tmp_path / "mirror"), tiny.sums()
    for tiny_set in (TinyScenes(), TinyNuclei()):
        sums += (tiny_set.mirror(folder) / "SHA256SUMS").read_text()
    sums += (samples.write_labelme_fruit(folder, 1) / "SHA256SUMS").read_text()
    (folder / "SHA256SUMS").write_text(sums)
    assert run(fetch_data, "--root", data, "--mirror", folder)[0] == 0
    assert {p.name for p in data.iterdir() if p.suffix != ".lock"} == set(catalog.CATALOG)
    assert run(fetch_data, "--root", data / "2", "--weights", "mobilenet")[0] == 0
    assert [p.name for p in (data / "2").iterdir()] == ["weights"]


@pytest.mark.parametrize(("script", "first"), [(fetch_data, []), (build_mirror, ["somewhere"])])
def test_unknown_name(script, first, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        script.main([*first, "cityscapes"])
    assert caught.value.code == 2 and not list(tmp_path.iterdir())
    assert "there are: sunnybrook" in capsys.readouterr().err


# fetch_data.py --verify


def test_a_whole_mirror(run, place, monkeypatch):
    status, out, err = run(fetch_data, "--verify", place())
    assert status == 0 and err == ""
    assert "whole  train.zip\n       Sunnybrook left ventricle" in out
    assert f"whole  {MOBILENET}\n       ImageNet weights of the mobilenet encoder" in out
    assert f"All 3 files of {place()} have the hash" in out
    left_out = out.split("no fault: ")[1].splitlines()[0].split(", ")
    assert "stage1_train.zip" in left_out and "train.zip" not in left_out
    assert "Without a network, with this mirror:\n  00_start_here, 01_mri_mlp" in out
    assert "05_stanford_pretrained_unet: in the sample profile only, for want of stanf" in out
    with pytest.raises(SystemExit):
        run(fetch_data, "--verify")
    monkeypatch.setenv("COURSE_MIRROR", str(place()))
    assert run(fetch_data, "--verify")[0] == 0
    assert run(fetch_data, "--mirror", f"{place()}-gone", "--verify")[0] == 1


def without(folder, name):
    lines = (folder / "SHA256SUMS").read_text().splitlines(keepends=True)
    (folder / "SHA256SUMS").write_text("".join(line for line in lines if name not in line))


def shorten(path, length):
    path.write_bytes(path.read_bytes()[:length])


@pytest.mark.parametrize(
    ("damage", "faults", "advice"),
    [
        (lambda m: (m / "val.zip").unlink(), {"val.zip": "it cannot be had: "}, "sunnybrook"),
        (
            lambda m: shorten(m / "val.zip", 100),
            {"val.zip": "its 100 bytes have another hash"},
            "sunnybrook",
        ),
        (lambda m: shorten(m / "val.zip", 0), {"val.zip": "it is empty"}, "sunnybrook"),
        (
            lambda m: shorten(m / MOBILENET, 5),
            {MOBILENET: "its 5 bytes have another hash"},
            "--weights mobilenet",
        ),
        # Readers would find train.zip in the mirror and val.zip nowhere.
        (
            lambda m: (without(m, "val"), (m / "val.zip").unlink()),
            {"val.zip": "neither there nor in SHA256SUMS"},
            "sunnybrook",
        ),
        # A file that the course does not ask for is checked too.
        (
            lambda m: (state(m, "slides.pdf", b"1"), (m / "slides.pdf").unlink()),
            {"slides.pdf": "it cannot be had: "},
            "take out what is too much",
        ),
        (
            lambda m: state(m, "../secret", CONTENT),
            {"../secret": "this name leads out of the mirror"},
            "take out what is too much",
        ),
    ],
)
def test_a_faulty_file(run, place, mirror, damage, faults, advice):
    damage(mirror)
    status, out, err = run(fetch_data, "--verify", place())
    assert status == 1 and "whole  train.zip" in out
    said = dict(re.findall(r"^FAULT  (\S+): (.*)", out, re.MULTILINE))
    assert said.keys() == faults.keys()
    assert all(said[name].startswith(words) for name, words in faults.items())
    assert "1 at fault" in err and advice in err
    if "val.zip" in faults:
        assert "  01_mri_mlp: in the sample profile only, for want of sunnybrook\n" in out


def test_sums_that_do_not_name_what_is_there(run, mirror):
    shorten(mirror / "SHA256SUMS", -len(MOBILENET) - 20)
    status, out, err = run(fetch_data, "--verify", mirror)
    assert status == 1 and "FAULT  SHA256SUMS: the line " in out
    assert f"FAULT  {MOBILENET}: it is there, but SHA256SUMS does not name it" in out
    assert f'build_mirror.py "{mirror}" --weights mobilenet' in err


def test_a_connection_cut_again_and_again(run, server, serve, mirror):
    url = serve(mirror)
    server.answers["/mirror/train.zip"] = [("cut", (mirror / "train.zip").read_bytes())]
    status, out, _ = run(fetch_data, "--verify", url)
    assert status == 1
    assert "FAULT  train.zip: it cannot be had: the connection was cut in the middle" in out


def test_what_is_named_has_to_be_there(run, mirror):
    arguments = ["sunnybrook", "dsb2018", "--weights", "vgg16", "--verify", mirror]
    status, out, err = run(fetch_data, *arguments)
    vgg16 = catalog.WEIGHTS["vgg16"].archives[0].name
    assert status == 1
    assert re.findall(r"^FAULT  (\S+):", out, re.MULTILINE) == ["stage1_train.zip", vgg16]
    assert f'build_mirror.py "{mirror}" dsb2018 --weights vgg16' in err


def test_no_sums(run, place, mirror):
    (mirror / "SHA256SUMS").unlink()
    status, out, err = run(fetch_data, "--verify", place())
    assert status == 1 and out == "" and "it has no SHA256SUMS" in err
    assert f"{mirrors.command_of('build_mirror.py')} NEW_FOLDER" in err
    if place() == mirror:
        assert f"holds train.zip, val.zip, {MOBILENET}" in err and f'--from "{mirror}"' in err
    else:
        assert "Is the mirror's server on" in err


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("{folder}/empty", "the folder is empty"),
        ("{folder}/none", "no such folder"),
        ("{folder}/file", "that is a file"),
        ("{url}/elsewhere", "it has no SHA256SUMS"),
        ("{url}/page", "its SHA256SUMS names no file"),
        ("{url}/broken", "500 Internal Server Error (5 attempts)"),
        ("ftp://127.0.0.1/m", "has to begin with http:// or https://"),
        ("http://[m", "no valid address"),
    ],
)
def test_no_mirror_there(run, server, tmp_path, address, words):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    server.answers["/page/SHA256SUMS"] = [b"<!doctype html><title>Log in</title>"]
    server.answers["/broken/SHA256SUMS"] = [("status", 500)]
    address = address.format(folder=tmp_path, url=server.url)
    status, _, err = run(fetch_data, "--verify", address)
    assert status == 1 and err.startswith(f"Looked for a mirror in {address}:\n") and words in err


def archives(*names):
    entries = [catalog.CATALOG.get(name) or catalog.WEIGHTS[name] for name in names]
    return [archive.name for entry in entries for archive in entry.archives]


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ([], "in the sample profile only, for want of stanford_background; and no weights: mob"),
        (
            ["stanford_background"],
            "mobilenet; in the full profile also resnet18, resnet34, efficientnetb0, vgg16",
        ),
        (
            ["stanford_background", "mobilenet", "resnet18", "efficientnetb0"],
            "some encoders at random, for want of weights: in the full profile resnet34, vgg16",
        ),
    ],
)
def test_what_chapter_05_can_do_offline(held, said):
    [line] = [x for x in mirrors.offline(archives(*held)) if x.startswith("05_")]
    assert line.startswith("05_stanford_pretrained_unet: ") and said in line
    [line] = [x for x in mirrors.offline(archives("sunnybrook")) if x.startswith("11_")]
    assert line.endswith("sample profile only, for want of dsb2018")
    names = archives(*catalog.CATALOG, *catalog.WEIGHTS)
    assert list(mirrors.offline(names)) == [f"{', '.join(CHAPTERS)}: with all they need"]


def test_encoders_of_the_list_of_chapters_are_those_that_the_chapters_fetch():
    asking = {p.stem: p.read_text("utf-8") for p in (REPOSITORY / "notebooks").glob("*.ipynb")}
    asking = {name: text for name, text in asking.items() if "fetch_weights(" in text}
    encoders = {name: c.encoders for name, c in CHAPTERS.items() if c.encoders}
    assert set(asking) == set(encoders)
    for name, profiles in encoders.items():
        listed = re.search(r"backbones = \((.*?)\)", asking[name])
        more = re.findall(r'\\"(\w+)\\"', listed[1]) if listed else ()
        assert profiles == {"quick": ("mobilenet",), "full": ("mobilenet", *more)}


# build_mirror.py


def test_build_mirror_from_the_published_files(run, server, data, tiny, tmp_path):
    folder = tmp_path / "mirror"
    status, out, _ = run(build_mirror, folder, "sunnybrook", "--weights", "mobilenet")
    assert status == 0 and "sunnybrook: reads 3 train + 2 val pairs" in out
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert names == {"LICENCES.txt", "SHA256SUMS", "train.zip", "val.zip", MOBILENET}
    assert (folder / "SHA256SUMS").read_text() == tiny.sums() + f"{DIGEST}  {MOBILENET}\n"
    licences = (folder / "LICENCES.txt").read_text("utf-8")
    assert "iccv09Data.tar.gz: Stanford Background; MUST NOT be passed on" in licences
    assert f"{MOBILENET}: ImageNet weights of the mobilenet encoder\n  Licence: Apache" in licences
    assert f"fetch_data.py --verify {folder}" in out
    alone = [(), ("sunnybrook",)]  # the sets of chapters that need no more
    sets = {name: (*filter(None, [one.dataset]), *one.further) for name, one in CHAPTERS.items()}
    whole = ", ".join(name for name in sets if sets[name] in alone)
    assert f"\n  {whole}: with all they need\n" in out
    assert "\n  06_dsb2018_unetpp: in the sample profile only, for want of dsb2018\n" in out
    server.answers.clear()
    assert run(fetch_data, "--verify", folder)[0] == 0
    there = fetch(tiny.entry(), root=data, mirror=folder)
    path = fetch_weights("mobilenet", folder, False, data)
    for got in (there, path):
        assert provenance(got)["archives"][0]["checked"] == "the mirror's SHA256SUMS"


def test_build_mirror_from_a_mirror_keeps_what_else_is_there(run, server, place, tiny, tmp_path):
    folder, source = tmp_path / "new", place()
    state(folder, "other.zip", b"other")
    before = (folder / "SHA256SUMS").read_text()
    assert run(build_mirror, folder, "sunnybrook", "--from", source)[0] == 0
    assert not any(path.startswith("/published") for path in server.asked)
    assert (folder / "other.zip").read_bytes() == b"other"
    assert (folder / "SHA256SUMS").read_text() == before + tiny.sums()


@pytest.mark.parametrize("fault", ["not there", "bad content", "no weights"])
def test_build_mirror_that_fails_leaves_the_folder_as_it_was(run, server, tiny, tmp_path, fault):
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "train.zip").write_bytes(b"former")
    if fault == "bad content":
        del tiny.files["val/label/001.png"]
        server.answers["/published/val.zip"] = [tiny.archive("val")]
    elif fault == "not there":
        del server.answers["/published/val.zip"]
    else:
        server.answers[f"/published/{MOBILENET}"] = [CONTENT[: len(CONTENT) // 2]]
    status, _, err = run(build_mirror, folder, "sunnybrook", "--weights", "mobilenet")
    assert status == 1 and "No mirror was built." in err
    assert ("--from FOLDER_OR_ADDRESS" in err) == (fault == "not there")
    assert [p.name for p in folder.iterdir()] == ["train.zip"]
    assert (folder / "train.zip").read_bytes() == b"former"


def test_build_mirror_from_a_server_that_fails_on_the_way(run, server, serve, mirror, tmp_path):
    source = serve(mirror)
    server.answers["/mirror/train.zip.source.txt"] = [("status", 500)]
    status, _, err = run(build_mirror, tmp_path / "new", "sunnybrook", "--from", source)
    assert status == 1 and "No mirror was built.\nthe server answered 500" in err
    assert not any((tmp_path / "new").iterdir())


def test_build_mirror_takes_by_default_what_may_be_passed_on(run, monkeypatch, tmp_path):
    built = []

    def build(folder, entries, **_):
        built.append([entry.name for entry in entries])

    monkeypatch.setattr(build_mirror, "build", build)
    assert "WARNING" not in run(build_mirror, tmp_path)[2]
    _, _, err = run(build_mirror, tmp_path, "stanford_background")
    assert "WARNING: Stanford Background: not stated" in err
    state(tmp_path, "train.zip", b"")
    state(tmp_path, "val.zip", b"")
    run(build_mirror, tmp_path, "--weights", "mobilenet")  # what is there is not fetched again
    run(build_mirror, tmp_path, "sunnybrook", "--weights", "mobilenet")
    assert built == [
        ["sunnybrook", "dsb2018", "labelme_fruit"],
        ["stanford_background"],
        ["dsb2018", "labelme_fruit", "weights/mobilenet"],
        ["sunnybrook", "weights/mobilenet"],
    ]


def test_what_is_something_else_keeps_its_name(run, data, tmp_path):
    old = TinyScenes({"0000047": (12, 16)}).mirror(tmp_path / "old")
    (old / "iccv09Data.tar.gz.source.txt").write_text("Other scenes\npairs: 1\n")
    verified = run(fetch_data, "--verify", old)[1]
    assert "stand-in for Stanford Background: Other scenes (must not be passed on)" in verified
    new = tmp_path / "new"
    status, out, _ = run(build_mirror, new, "stanford_background", "--from", old)
    assert status == 0 and "stanford_background-stand-in: reads 1 all pairs" in out
    licences = (new / "LICENCES.txt").read_text("utf-8")
    assert "iccv09Data.tar.gz: Other scenes; MUST NOT" in licences
    assert "Stanford Background" not in licences
    assert "says what iccv09Data.tar.gz is" in run(fetch_data, "--verify", new)[1]
    arguments = ["--root", data, "--mirror", new]
    assert "Other scenes: " in run(fetch_data, "stanford_background", *arguments)[1]
    assert f"Other scenes in {data}" in run(fetch_data, "--list", *arguments)[1]
    # The data set itself in its place: what was said of the other goes.
    real = TinyScenes().mirror(tmp_path / "real")
    assert run(build_mirror, new, "stanford_background", "--from", real)[0] == 0
    status, out, _ = run(fetch_data, "--verify", new)
    assert (
        status == 0 and "Other" not in out and not (new / "iccv09Data.tar.gz.source.txt").exists()
    )


def test_printed_commands_run_as_printed(tmp_path, monkeypatch):
    python = tmp_path / "my course" / ".venv" / "bin" / "python"
    monkeypatch.setattr("sys.executable", str(python))
    monkeypatch.chdir(REPOSITORY)
    script_here = Path("data_scripts") / "fetch_data.py"
    assert mirrors.command_of("fetch_data.py") == f'"{python}" {script_here}'
    python.parent.mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "my course")
    from_here = Path(".venv") / "bin" / "python"
    expected = f"{from_here} {mirrors.quoted(REPOSITORY / script_here)}"
    assert mirrors.command_of("fetch_data.py") == expected


def test_build_mirror_of_the_real_data(real_mirror, tmp_path, run, monkeypatch):
    monkeypatch.setitem(catalog.CATALOG, "sunnybrook", catalog.SUNNYBROOK)
    status, out, _ = run(build_mirror, tmp_path / "m", "sunnybrook", "--from", real_mirror)
    assert status == 0 and "sunnybrook: reads 234 train + 26 val pairs" in out
