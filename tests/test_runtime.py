"""Starting a chapter: profile, seed, data; and what `record` keeps."""

import dataclasses
import hashlib
import json
import logging
import socket
import warnings
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_utils import environment, runtime
from course_utils.chapters import CHAPTERS
from course_utils.datasets import CourseDataError, _http, catalog, samples, sunnybrook

CHAPTER = "00_start_here"  # needs no data


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    """The data folder of this module's tests, empty at first: the sample is drawn once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True)
def this_machine_only(monkeypatch, data_folder):
    """No settings, no GPU, and nothing beyond 127.0.0.1."""
    for name in ("COURSE_PROFILE", "COURSE_SEED", "COURSE_MIRROR", "COURSE_RESULTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COURSE_DATA_DIR", str(data_folder))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(_http, "WAIT", 0.0)
    monkeypatch.setattr(environment, "gpus", list)
    connect = socket.socket.connect

    def connect_here(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] != "127.0.0.1":
            pytest.fail(f"a test wanted to reach {address}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)


@pytest.fixture
def nowhere():
    """An address of this machine at which nobody listens."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def a_run(profile="quick", **changes):
    made = runtime.Run("02_mri_fcn", profile, 3, "for a test", "CPU Example, 2 cores", "float32")
    return dataclasses.replace(made, **changes)


# Choosing


def test_an_unknown_chapter():
    with pytest.raises(ValueError, match="No chapter '1_mri_mlp'; there are: 00_start_here, 01_"):
        runtime.start("1_mri_mlp")


def test_every_chapter_of_the_course_can_be_started():
    notebooks = {path.stem for path in (Path(__file__).parents[1] / "notebooks").glob("*.ipynb")}
    assert notebooks == set(CHAPTERS)


def test_an_unknown_profile_says_where_it_came_from(monkeypatch):
    expected = r"Unknown profile 'fast' \(chosen in the set-up cell\)"
    with pytest.raises(ValueError, match=expected):
        runtime.start(CHAPTER, "fast")
    monkeypatch.setenv("COURSE_PROFILE", "Quick")
    with pytest.raises(
        ValueError, match=r"Unknown profile 'Quick' \(from COURSE_PROFILE\)"
    ) as caught:
        runtime.start(CHAPTER)
    assert "sample, quick, full" in str(caught.value)


@pytest.mark.parametrize("text", ["-1", "1.5", "one", "4294967296"])
def test_an_unusable_seed(text, monkeypatch):
    monkeypatch.setenv("COURSE_SEED", text)
    with pytest.raises(ValueError, match=f"COURSE_SEED must be a whole number .* got '{text}'"):
        runtime.start(CHAPTER, "sample")


@pytest.mark.parametrize(
    ("argument", "variable", "gpus", "profile", "why"),
    [
        ("sample", "full", ["A"], "sample", "set-up cell"),
        ("full", "sample", [], "full", "set-up cell"),
        (None, "sample", ["A"], "sample", "COURSE_PROFILE"),
        (None, "full", [], "full", "COURSE_PROFILE"),
        (None, None, ["A"], "full", "a GPU was found"),
        (None, None, [], "quick", "no GPU was found"),
        (None, "", [], "quick", "no GPU was found"),
    ],
)
def test_argument_then_variable_then_gpu(
    argument, variable, gpus, profile, why, monkeypatch, capsys
):
    monkeypatch.setattr(environment, "gpus", lambda: gpus)
    if variable is not None:
        monkeypatch.setenv("COURSE_PROFILE", variable)
    run = runtime.start(CHAPTER, argument)
    assert run.profile == profile
    assert why in run.why
    first, second, _ = capsys.readouterr().out.splitlines()
    assert first == f"{CHAPTER} · profile: {profile} ({run.why}) · seed 0"
    assert second.startswith("GPU A" if gpus else "CPU ")


@pytest.mark.parametrize(("text", "seed"), [(None, 0), ("", 0), ("7", 7), (str(2**32 - 1),) * 2])
def test_the_seed_decides_all_draws(text, seed, monkeypatch):
    if text is not None:
        monkeypatch.setenv("COURSE_SEED", text)
    draws = []
    for _ in range(2):
        run = runtime.start(CHAPTER, "sample")
        assert run.seed == int(seed)
        draws.append((np.random.random(), float(keras.random.uniform(()))))  # noqa: NPY002
    assert draws[0] == draws[1]
    keras.utils.set_random_seed(int(seed))
    assert np.random.random() == draws[0][0]  # noqa: NPY002


def test_start_silences_what_a_chapter_causes_on_purpose():
    logger = tf.get_logger()
    before = logger.level
    try:
        logger.setLevel("WARNING")
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            runtime.start(CHAPTER, "sample")
            warnings.warn("`shuffle=True` was passed, but will be ignored", stacklevel=1)
            assert not [w for w in seen if "shuffle" in str(w.message)]
            warnings.warn("something else", stacklevel=1)
            assert "something else" in str(seen[-1].message)
        assert not logger.isEnabledFor(logging.WARNING)
        assert logger.isEnabledFor(logging.ERROR)
    finally:
        logger.setLevel(before)


def test_choose_takes_what_belongs_to_the_profile():
    chosen = [a_run(profile).choose(sample=2, quick=20, full=200) for profile in runtime.PROFILES]
    assert chosen == [2, 20, 200]


def test_too_little_memory_is_said_in_one_line(monkeypatch, capsys):
    monkeypatch.setattr(environment, "memory", lambda: (True, "Memory: 9.0 GB free", ""))
    runtime.start("00_start_here", profile="sample")
    assert "Memory" not in capsys.readouterr().out
    monkeypatch.setattr(
        environment, "memory", lambda: (False, "Memory: 1.0 GB free", "Close others.")
    )
    runtime.start("00_start_here", profile="sample")
    assert "\nMemory: 1.0 GB free. Close others.\n" in capsys.readouterr().out


def test_versions_are_of_what_a_figure_depends_on(monkeypatch):
    found = runtime.versions()
    assert set(found) == {"Python", "TensorFlow", "Keras", "NumPy"}
    assert found["Keras"] == keras.__version__
    assert found["NumPy"] == np.__version__

    def none_installed(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(runtime, "version", none_installed)
    assert runtime.versions() == {
        "Python": found["Python"],
        **dict.fromkeys(["TensorFlow", "Keras", "NumPy"], "missing"),
    }


# Recording


def test_record_rounds_prints_and_keeps(capsys):
    run = a_run(source="Sunnybrook left ventricle", provenance={"sha256": {"train.zip": "ab"}})
    scores = {"miou": np.float32(0.9123456), "pixel_accuracy": 0.995}
    run.record("FCN", scores, protocol="published split", image_passes=4680)
    [kept] = run.results
    assert kept["scores"] == {"miou": 0.91235, "pixel_accuracy": 0.995}
    assert type(kept["scores"]["miou"]) is float
    assert kept["data"] == {
        "source": "Sunnybrook left ventricle",
        "sha256": {"train.zip": "ab"},
    }
    expected = {"run": "FCN", "profile": "quick", "seed": 3, "protocol": "published split"}
    expected |= {"image_passes": 4680, "device": "CPU Example, 2 cores"}
    expected |= {"versions": runtime.versions(), "precision": "float32"}
    assert expected.items() <= kept.items()
    printed = capsys.readouterr().out
    assert printed == "FCN (seed 3): miou 0.9123 · pixel_accuracy 0.9950\n"


def test_record_keeps_the_last_of_the_same_name():
    run = a_run()
    for name, miou in {"a": 0.1, "b": 0.2}.items():
        run.record(name, {"miou": miou}, protocol="")
    run.record("a", {"miou": 0.3}, protocol="")
    assert {kept["run"]: kept["scores"]["miou"] for kept in run.results} == {"a": 0.3, "b": 0.2}
    assert len(run.results) == 2


def test_record_names_the_precision_it_was_trained_in():
    before = keras.config.dtype_policy()
    run = a_run(precision="float32")
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        run.record("a", {"miou": 0.1}, protocol="")
    finally:
        keras.config.set_dtype_policy(before)
    assert run.results[0]["precision"] == "mixed_bfloat16"


def test_record_writes_nothing_unless_asked(tmp_path, monkeypatch):
    for value in (None, ""):
        if value is not None:
            monkeypatch.setenv("COURSE_RESULTS", value)
        a_run().record("a", {"miou": 0.1}, protocol="")
    assert list(tmp_path.iterdir()) == []


def test_figures_on_made_up_data_are_no_results(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_RESULTS", str(tmp_path / "results"))
    with pytest.raises(ValueError, match="made-up data are not results"):
        a_run("sample").record("a", {"miou": 0.1}, protocol="")
    assert not (tmp_path / "results").exists()


def test_scoreboard_shows_yours_and_the_published(capsys):
    run = a_run()
    run.record("FCN, published recipe", {"miou": 0.5}, protocol="p")
    whose = [row[1] for row in run.scoreboard().rows()]
    assert whose[1] == "yours"
    assert any(text.startswith("published: ") for text in whose)


# Data


def test_sample_needs_no_network_and_can_be_loaded(data_folder, capsys):
    run = runtime.start("01_mri_mlp", "sample")
    assert run.data_dir.is_relative_to(data_folder)
    train, val = (sunnybrook.load(split, run.data_dir) for split in ("train", "val"))
    assert train.images.shape == (48, 256, 256, 1)
    assert val.masks.shape == (12, 256, 256)
    assert run.source == samples.SAMPLES["sunnybrook"].title
    assert set(run.provenance["sha256"]) == {"train.zip", "val.zip"}
    assert f"Data: {run.source}" in capsys.readouterr().out
    assert runtime.start("02_mri_fcn", "sample").data_dir == run.data_dir


def test_the_sample_is_never_taken_for_the_real_data(nowhere, monkeypatch):
    runtime.start("01_mri_mlp", "sample")
    monkeypatch.setitem(catalog.CATALOG, "sunnybrook", published_at(nowhere))
    with pytest.raises(CourseDataError):
        runtime.start("01_mri_mlp", "quick")


def test_a_chapter_without_data_has_none():
    run = runtime.start(CHAPTER, "sample")
    assert run.data_dir is None
    assert run.source == "drawn by the chapter itself"
    assert run.provenance == {}


def published_at(address, **changes):
    archives = (
        dataclasses.replace(archive, url=f"{address}/{archive.name}")
        for archive in catalog.SUNNYBROOK.archives
    )
    return dataclasses.replace(catalog.SUNNYBROOK, archives=tuple(archives), **changes)


@pytest.mark.parametrize("profile", ["quick", "full"])
def test_without_data_the_sample_is_offered_by_a_line_that_works(nowhere, profile, monkeypatch):
    monkeypatch.setitem(catalog.CATALOG, "sunnybrook", published_at(f"{nowhere}/published"))
    monkeypatch.setenv("COURSE_MIRROR", f"{nowhere}/mirror")
    monkeypatch.setenv("COURSE_PROFILE", profile)
    with pytest.raises(CourseDataError) as caught:
        runtime.start("01_mri_mlp")
    text = str(caught.value)
    for tried in ("mirror", "published"):
        assert f"{nowhere}/{tried}/train.zip" in text
    assert "made-up images" in text
    [line] = [line.strip() for line in text.splitlines() if "runtime.start(" in line]
    assert caught.value._render_traceback_()[-1].strip() == line
    namespace = {"runtime": runtime}
    exec(line, namespace)
    assert namespace["run"].profile == "sample"
    assert len(sunnybrook.load("val", namespace["run"].data_dir)) == 12


def test_what_is_written_can_be_traced_and_names_no_folder(tmp_path, monkeypatch, nowhere):
    mirror = samples.write_sunnybrook(tmp_path / "mirror", n_train=2, n_val=1, size=32)
    entry = published_at(nowhere, pairs={"train": 2, "val": 1})
    monkeypatch.setitem(catalog.CATALOG, "sunnybrook", entry)
    monkeypatch.setenv("COURSE_MIRROR", str(mirror))
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COURSE_RESULTS", str(tmp_path / "results"))
    for seed in (5, 6):
        monkeypatch.setenv("COURSE_SEED", str(seed))
        run = runtime.start("01_mri_mlp", "quick")
        run.record("MLP", {"miou": 0.7}, protocol="published split", seconds=1)
    assert len(sunnybrook.load("train", run.data_dir)) == 2
    path = tmp_path / "results" / "01_mri_mlp.json"
    text = path.read_text(encoding="utf-8")
    written = json.loads(text)
    assert written["chapter"] == "01_mri_mlp"
    assert [record["seed"] for record in written["records"]] == [5, 6]
    record = written["records"][1]
    assert record == run.results[0]
    keys = {"run", "profile", "seed", "scores", "protocol", "seconds", "data", "device"}
    assert set(record) == keys | {"precision", "versions", "date"}
    hashes = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in mirror.glob("*.zip")}
    assert record["data"] == {"source": "Sunnybrook left ventricle", "sha256": hashes}
    for folder in (tmp_path, Path.home(), Path.cwd()):
        assert str(folder) not in text
    assert nowhere not in text
