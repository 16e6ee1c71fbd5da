"""The made-up nuclei: packed as the published ones, the same each time, and read as those are."""

import dataclasses
import hashlib
import importlib.util
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from course_utils.datasets import dsb2018, samples
from course_utils.datasets.catalog import DSB2018
from course_utils.datasets.fetch import fetch

N = 10


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """Ten made-up images, packed: the folder and {name in the archive: bytes}."""
    folder = samples.write_dsb2018(tmp_path_factory.mktemp("nuclei"), N, seed=4)
    with zipfile.ZipFile(folder / "stage1_train.zip") as archive:
        return folder, {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def fetched(packed, tmp_path_factory):
    entry = dataclasses.replace(samples.DSB2018_SAMPLE, pairs={"all": N})
    return fetch(entry, root=tmp_path_factory.mktemp("data"), mirror=packed[0], progress=False)


def decode(content):
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)


def test_nuclei_are_packed_as_published(packed):
    folder, files = packed
    assert sorted(p.name for p in folder.iterdir()) == ["SHA256SUMS", "stage1_train.zip"]
    ids = {name.split("/")[0] for name in files}
    assert len(ids) == N and all(len(name) == 64 and int(name, 16) for name in ids)
    for name in ids:
        own = {file: decode(content) for file, content in files.items() if file.startswith(name)}
        image = own.pop(f"{name}/images/{name}.png")
        assert image.shape[2] == 4 and (image[..., 3] == 255).all()
        assert len(own) >= 5
        for file, mask in own.items():
            assert file.startswith(f"{name}/masks/") and len(Path(file).stem) == 64
            assert mask.shape == image.shape[:2] and mask.dtype == np.uint8
            assert set(np.unique(mask)) == {0, 255}
        assert sum(mask.astype(int) for mask in own.values()).max() == 255  # none overlaps
    digest, name = (folder / "SHA256SUMS").read_text().split()
    assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_packed_nuclei_depend_on_the_seed_alone(tmp_path):
    def write(folder, seed):
        folder = samples.write_dsb2018(tmp_path / folder, n_images=1, seed=seed)
        return (folder / "stage1_train.zip").read_bytes()

    first = write("a", 1)
    assert first == write("b", 1) and first != write("c", 2)


def test_packed_nuclei_are_of_several_sizes_and_two_stains(fetched):
    shapes = {name: dsb2018.image(name, fetched).shape[:2] for name in dsb2018.names(fetched)}
    assert len(set(shapes.values())) == 5 and (256, 256) in shapes.values()
    stains = dict(zip(shapes, dsb2018.load(root=fetched).groups, strict=True))
    assert {name for name in shapes if stains[name] == "bright field"} == {
        name for name in shapes if shapes[name] == (256, 320)
    }


def test_the_drawn_nuclei_are_what_is_read(fetched):
    for name in dsb2018.names(fetched):
        image, numbers = dsb2018.image(name, fetched), dsb2018.instances(name, fetched)
        brighter = image[numbers > 0].mean() > image[numbers == 0].mean()
        assert brighter == (dsb2018.stain_of(image) == "fluorescence")
        assert (np.bincount(numbers.ravel())[1:] > 3).all()


def test_the_share_of_nuclei_is_near_that_of_the_published(fetched):
    share = dsb2018.load(root=fetched).masks.mean()
    assert 0.1 < share < 0.3  # published: 0.14


def test_the_sample_nuclei_cannot_be_mistaken_for_the_published():
    entry = samples.SAMPLES["dsb2018"]
    assert entry is samples.DSB2018_SAMPLE and entry.name != DSB2018.name
    assert "ade-up" in entry.title and entry.citation != DSB2018.citation
    assert all(archive.url == "" and archive.sha256 is None for archive in entry.archives)


def test_a_mirror_holds_the_nuclei(tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "_FIELDS", {"all": 1})
    target = samples.mirror(tmp_path, "dsb2018")
    with zipfile.ZipFile(target / "stage1_train.zip") as archive:
        assert sum("/images/" in name for name in archive.namelist()) == 1


def test_make_samples_of_nuclei(tmp_path, capsys):
    path = Path(__file__).parents[2] / "data_scripts" / "make_samples.py"
    spec = importlib.util.spec_from_file_location("make_samples", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path / "samples"
    assert module.main([str(folder), "dsb2018", "--images", "1", "--seed", "5"]) == 0
    assert "1 made-up images of nuclei" in capsys.readouterr().out
    samples.write_dsb2018(tmp_path / "same", 1, seed=5)
    for name in ("stage1_train.zip", "SHA256SUMS"):
        assert (folder / name).read_bytes() == (tmp_path / "same" / name).read_bytes()
    with pytest.raises(SystemExit):
        module.main([str(tmp_path / "none"), "dsb2018", "--images", "0"])
