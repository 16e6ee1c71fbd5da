"""Starting a chapter: profile, seed, data; and what `record` keeps."""

import dataclasses
import hashlib
import json
import logging
import socket
import time
import warnings
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_utils import environment, runtime
from course_utils.datasets import CourseDataError, catalog, samples, sunnybrook

CHAPTER = "00_start_here"  # needs no data
CURVES = {"loss": [0.69314718, 1.23456e-5], "val_miou": [0.5, 0.75]}


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    """The data folder of this module's tests, empty at first: the sample is drawn once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True)
def _this_machine_only(monkeypatch, data_folder):
    """No settings, no GPU, enough memory, and no waiting."""
    for name in ("COURSE_PROFILE", "COURSE_SEED", "COURSE_MIRROR", "COURSE_RESULTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COURSE_DATA_DIR", str(data_folder))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(environment, "gpus", list)
    monkeypatch.setattr(environment, "memory", lambda: (True, "Memory: 9.0 GB free", ""))


@pytest.fixture
def nowhere():
    """An address of this machine at which nobody listens."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def published_at(address, **changes):
    """Return Sunnybrook's entry with its archives at another address."""
    entry = catalog.get("sunnybrook")
    archives = tuple(
        dataclasses.replace(archive, url=f"{address}/{archive.name}") for archive in entry.archives
    )
    return dataclasses.replace(entry, archives=archives, **changes)


def a_run(profile="quick", **changes):
    made = runtime.Run("02_mri_fcn", profile, 3, "for a test", "CPU Example, 2 cores", "float32")
    return dataclasses.replace(made, **changes)


# Choosing


@pytest.mark.parametrize(
    ("argument", "variable", "gpus", "profile", "why"),
    [
        ("sample", "full", ["A"], "sample", "set-up cell"),
        (None, "sample", ["A"], "sample", "COURSE_PROFILE"),
        (None, "full", [], "full", "COURSE_PROFILE"),
        (None, None, ["A"], "full", "a GPU was found"),
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
    assert run.profile == profile and why in run.why
    assert (run.data_dir, run.source) == (None, "drawn by the chapter itself")
    first, second, _ = capsys.readouterr().out.splitlines()
    assert first == f"{CHAPTER} · profile: {profile} ({run.why}) · seed 0"
    assert second.startswith("GPU A" if gpus else "CPU ")
    assert f"Keras {keras.__version__}, NumPy {np.__version__}" in second


@pytest.mark.parametrize(
    ("chapter", "profile", "variables", "message"),
    [
        ("1_mri_mlp", "sample", {}, "No chapter '1_mri_mlp'; there are: 00_start_here, 01_"),
        (CHAPTER, "fast", {}, r"'fast' \(chosen in the set-up cell\).*the set-up cell's last line"),
        (CHAPTER, None, {"COURSE_PROFILE": "Quick"}, "from COURSE_PROFILE.* sample, showcase"),
        (CHAPTER, "sample", {"COURSE_SEED": "-1"}, "COURSE_SEED .* got '-1'"),
        (CHAPTER, "sample", {"COURSE_SEED": "1.5"}, "COURSE_SEED .* got '1.5'"),
        (CHAPTER, "sample", {"COURSE_SEED": "4294967296"}, "COURSE_SEED .* got '4294967296'"),
    ],
)
def test_what_does_not_exist_is_an_error_that_says_what_does(
    chapter, profile, variables, message, monkeypatch
):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=message):
        runtime.start(chapter, profile)


def draw():
    found = [np.random.random(), float(keras.initializers.RandomUniform()(()))]  # noqa: NPY002
    if not keras.__version__.startswith("3.10."):  # which keeps its generator where it has one
        found.append(float(keras.random.uniform(())))
    return found


@pytest.mark.parametrize("text", ["", "7", str(2**32 - 1)])
def test_the_seed_decides_all_draws(text, monkeypatch):
    monkeypatch.setenv("COURSE_SEED", text)
    draws = []
    for _ in range(2):
        assert runtime.start(CHAPTER, "sample").seed == int(text or 0)
        draws.append(draw())
    assert draws[0] == draws[1]
    keras.utils.set_random_seed(int(text or 0))
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
            warnings.warn("something else", stacklevel=1)
        assert [str(w.message) for w in seen][-1] == "something else"
        assert not any("shuffle" in str(w.message) for w in seen)
        assert not logger.isEnabledFor(logging.WARNING) and logger.isEnabledFor(logging.ERROR)
    finally:
        logger.setLevel(before)


def test_choose_takes_what_belongs_to_the_profile():
    chosen = [a_run(profile).choose(sample=2, quick=20, full=200) for profile in runtime.PROFILES]
    assert chosen == [2, 20, 20, 200]


def test_too_little_memory_is_said_in_one_line(monkeypatch, capsys):
    for found in ((True, "Memory: 9.0 GB free", ""), (False, "Memory: 1.0 GB free", "Close.")):
        monkeypatch.setattr(environment, "memory", lambda found=found: found)
        runtime.start(CHAPTER, profile="sample")
        said = "\nMemory: 1.0 GB free. Close.\n" in capsys.readouterr().out
        assert said is not found[0]


# Recording


def test_record_rounds_prints_and_keeps_the_last_of_a_name(capsys):
    run = a_run(source="Sunnybrook left ventricle", provenance={"sha256": {"train.zip": "ab"}})
    for name, miou in (("FCN", 0.5), ("MLP", 0.2), ("FCN", np.float32(0.9123456))):
        run.record(name, {"miou": miou}, protocol="published split", image_passes=4680)
    assert capsys.readouterr().out.splitlines()[-1] == "FCN (seed 3): miou 0.9123"
    assert [kept["run"] for kept in run.results] == ["MLP", "FCN"]
    kept = run.results[1]
    assert json.dumps(kept["scores"]) == '{"miou": 0.91235}'
    expected = {"run": "FCN", "profile": "quick", "seed": 3, "protocol": "published split"}
    expected |= {"image_passes": 4680, "device": "CPU Example, 2 cores", "precision": "float32"}
    expected |= {"versions": runtime.versions()}
    expected["data"] = {"source": "Sunnybrook left ventricle", "sha256": {"train.zip": "ab"}}
    assert expected.items() <= kept.items()
    assert set(kept["versions"]) == {"Python", "TensorFlow", "Keras", "NumPy"}
    whose = [row[1] for row in a_run(results=run.results).scoreboard().rows()]
    assert "yours" in whose and any(text.startswith("published: ") for text in whose)


def test_record_names_the_precision_it_was_trained_in():
    before = keras.config.dtype_policy()
    run = a_run(precision="float32")
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        run.record("a", {"miou": 0.1}, protocol="")
    finally:
        keras.config.set_dtype_policy(before)
    assert run.results[0]["precision"] == "mixed_bfloat16"


def test_figures_on_made_up_data_are_not_results(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_RESULTS", str(tmp_path / "results"))
    with pytest.raises(ValueError, match="made-up data are not results"):
        a_run("sample").record("a", {"miou": 0.1}, protocol="")
    monkeypatch.setenv("COURSE_RESULTS", "")
    a_run("sample").record("a", {"miou": 0.1}, protocol="")
    assert list(tmp_path.iterdir()) == []


# Data


def test_the_sample_needs_no_network_and_is_never_taken_for_the_real_data(
    data_folder, nowhere, monkeypatch, capsys
):
    run = runtime.start("01_mri_mlp", "sample")
    assert run.data_dir == data_folder / "samples" / "sunnybrook-sample"
    assert sunnybrook.load("train", run.data_dir).images.shape == (48, 256, 256, 1)
    assert sunnybrook.load("val", run.data_dir).masks.shape == (12, 256, 256)
    assert run.source == samples.SAMPLES["sunnybrook"].title
    assert set(run.provenance["sha256"]) == {"train.zip", "val.zip"}
    assert f"Data: {run.source}" in capsys.readouterr().out
    assert runtime.start("02_mri_fcn", "sample").data_dir == run.data_dir
    monkeypatch.setitem(catalog.CATALOG, "sunnybrook", published_at(nowhere))
    with pytest.raises(CourseDataError):
        runtime.start("01_mri_mlp", "quick")


def test_a_chapter_goes_on_with_another_data_set_and_records_which(capsys):
    run = runtime.start("11_can_you_trust_it", "sample")
    hearts = run.data_dir
    nuclei = run.use("dsb2018")
    assert nuclei == run.data_dir != hearts and run.source == samples.SAMPLES["dsb2018"].title
    assert capsys.readouterr().out.endswith(f"Data: {run.source}\n")
    run.record("a", {"miou": 0.5}, protocol="")
    assert set(run.results[0]["data"]["sha256"]) == {"stage1_train.zip"}
    assert run.use("sunnybrook") == hearts and run.source == samples.SAMPLES["sunnybrook"].title
    with pytest.raises(ValueError, match="has no 'cats' in"):
        run.use("cats")


@pytest.mark.parametrize("profile", ["quick", "full"])
def test_without_data_the_sample_is_offered_by_a_line_that_works(nowhere, profile, monkeypatch):
    monkeypatch.setitem(catalog.CATALOG, "sunnybrook", published_at(f"{nowhere}/published"))
    monkeypatch.setenv("COURSE_MIRROR", f"{nowhere}/mirror")
    monkeypatch.setenv("COURSE_PROFILE", profile)
    small = partial(samples.write_sunnybrook, n_positions=7, size=64)
    monkeypatch.setitem(samples._WRITERS, "sunnybrook-showcase", small)
    with pytest.raises(CourseDataError) as caught:
        runtime.start("01_mri_mlp")
    text = str(caught.value)
    assert f"{nowhere}/mirror/train.zip" in text and f"{nowhere}/published/train.zip" in text
    [line] = [line.strip() for line in text.splitlines() if "runtime.start(" in line]
    assert caught.value._render_traceback_()[-1].strip() == line
    namespace = {"runtime": runtime}
    exec(line, namespace)
    assert namespace["run"].profile == "showcase"


def test_what_is_written_can_be_traced_and_names_no_folder(tmp_path, monkeypatch, nowhere):
    mirror = samples.write_sunnybrook(tmp_path / "mirror", n_train=2, n_val=1, size=32)
    entry = published_at(nowhere, pairs={"train": 2, "val": 1})
    monkeypatch.setitem(catalog.CATALOG, "sunnybrook", entry)
    for name, folder in {"MIRROR": mirror, "DATA_DIR": "data", "RESULTS": "results"}.items():
        monkeypatch.setenv(f"COURSE_{name}", str(tmp_path / folder))
    for seed in (5, 6):
        monkeypatch.setenv("COURSE_SEED", str(seed))
        run = runtime.start("01_mri_mlp", "quick")
        run.record("MLP", {"miou": 0.7}, protocol="published split", seconds=1, history=CURVES)
    text = (tmp_path / "results" / "01_mri_mlp.json").read_text(encoding="utf-8")
    written = json.loads(text)
    assert written["chapter"] == "01_mri_mlp"
    assert [record["seed"] for record in written["records"]] == [5, 6]
    record = written["records"][1]
    assert record == run.results[0]
    assert record["history"] == {"loss": [0.6931, 1.235e-5], "val_miou": [0.5, 0.75]}
    keys = {"run", "profile", "seed", "scores", "protocol", "seconds", "history", "data", "device"}
    assert set(record) == keys | {"precision", "versions", "date"}
    hashes = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in mirror.glob("*.zip")}
    assert record["data"] == {"source": "Sunnybrook left ventricle", "sha256": hashes}
    for place in (tmp_path, Path.home(), Path.cwd(), nowhere):
        assert str(place) not in text
