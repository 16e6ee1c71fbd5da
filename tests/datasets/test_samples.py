"""The made-up data: same seed same picture, the published layout, and labels that fit."""

import dataclasses
import hashlib
import tarfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import make_samples as script
import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components

from course_utils import runtime
from course_utils.datasets import (
    IGNORE,
    CourseDataError,
    catalog,
    dsb2018,
    samples,
    stanford_background,
    sunnybrook,
)
from course_utils.datasets.fetch import fetch
from course_utils.datasets.synthetic import archives

PAINTERS = {
    "heart": lambda rng: samples.short_axis_slice(rng, 96),
    "fluorescence": lambda rng: samples.nuclei(rng, 96, 128),
    "histology": lambda rng: samples.nuclei(rng, 96, 128, stain="histology"),
    "scene": lambda rng: samples.outdoor_scene(rng, 96, 128),
}


@pytest.mark.parametrize("painter", PAINTERS.values(), ids=PAINTERS)
def test_a_seed_gives_the_same_picture_with_detail_and_contrast(painter):
    first, again, other = (painter(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0]) and not np.array_equal(first[1], other[1])
    image = first[0]
    assert image.dtype == np.uint8 and image.std() > 15 and len(np.unique(image)) > 100
    gray = image if image.ndim == 2 else image.mean(axis=2)
    # Not noise: neighbors are alike.
    assert np.corrcoef(gray[:, 1:].ravel(), gray[:, :-1].ravel())[0, 1] > 0.8


def test_ventricles_are_as_in_the_real_data():
    rng = np.random.default_rng(5)
    pairs = [
        samples.short_axis_slice(rng, patient=i // 6, position=(i % 3) / 2.5, systole=i % 2)
        for i in range(48)
    ]
    images, masks = (np.stack(arrays) for arrays in zip(*pairs, strict=True))
    assert images.shape == masks.shape == (48, 256, 256) and set(np.unique(masks)) == {0, 1}
    for image, mask in pairs:
        assert cv2.connectedComponents(mask)[0] == 2
        rows, columns = np.nonzero(mask)
        assert 90 < rows.mean() < 170 and 90 < columns.mean() < 170
        away = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5)
        muscle = (away > 2) & (away <= 5)
        assert image[mask == 1].mean() > 1.4 * image[muscle].mean()
    share = 100 * masks.mean(axis=(1, 2))  # real: 5 % 0.23, median 1.5, 95 % 3.5, most 4.4
    assert 1.0 < np.median(share) < 2.2 and share.min() > 0.02 and share.max() < 5.5
    assert 40 < images.mean() < 80 and 65 < images.std() < 95  # real: 62 and 81
    # Brightness alone does not give the ventricle away.
    bright = images > np.median(images[masks == 1])
    assert (bright & (masks == 0)).sum() > 3 * (bright & (masks == 1)).sum()


def test_a_patient_s_ventricle_shrinks_towards_apex_and_systole():
    def area(position, systole):
        rng = np.random.default_rng(0)
        return samples.short_axis_slice(rng, patient=7, position=position, systole=systole)[1].sum()

    assert area(0.1, 0.0) > area(0.5, 0.0) > area(0.9, 0.0)
    assert area(0.1, 1.0) < area(0.1, 0.0)


def test_slices_of_a_patient_look_more_alike_than_those_of_two():
    def draw(patient, position):
        rng = np.random.default_rng(int(100 * position))
        image, _ = samples.short_axis_slice(rng, patient=patient, position=position, systole=0.0)
        return cv2.GaussianBlur(image, (0, 0), 2).ravel()

    same = [np.corrcoef(draw(p, 0.3), draw(p, 0.6))[0, 1] for p in range(4)]
    different = [np.corrcoef(draw(p, 0.3), draw(p + 1, 0.6))[0, 1] for p in range(4)]
    assert min(same) > max(different)


@pytest.mark.parametrize("stain", ["fluorescence", "histology"])
def test_nuclei_are_whole_numbered_and_some_touch(stain):
    image, instances = samples.nuclei(np.random.default_rng(2), 200, 256, stain=stain)
    assert image.shape == (200, 256, 3) and instances.shape == (200, 256)
    n = int(instances.max())
    assert n >= 10 and np.array_equal(np.unique(instances), np.arange(n + 1))
    for i in range(1, n + 1):
        assert cv2.connectedComponents((instances == i).astype(np.uint8), connectivity=4)[0] == 2
    left, right = instances[:, :-1], instances[:, 1:]
    assert ((left != right) & (left > 0) & (right > 0)).any()
    inside, outside = image[instances > 0].mean(0), image[instances == 0].mean(0)
    if stain == "fluorescence":
        assert (inside > 2 * outside).all()
    else:  # darker, and blue rather than red
        assert (inside < outside).all() and inside[2] > inside[0] and outside[0] > outside[1]
    with pytest.raises(ValueError, match=r"giemsa.*fluorescence, histology"):
        samples.nuclei(np.random.default_rng(0), stain="giemsa")


def test_labels_and_colors_of_scenes_agree():
    surface_of = {0: 0, 1: 2, 2: 1, 3: 1, 4: 1, 5: 2, 6: 2, 7: 2, IGNORE: IGNORE}
    rng, seen, most = np.random.default_rng(1), set(), 0
    for _ in range(8):
        image, regions, surfaces, instances = samples.outdoor_scene(rng, 120, 160)
        assert image.shape == (120, 160, 3) and regions.shape == instances.shape == (120, 160)
        for region in np.unique(regions):
            assert set(np.unique(surfaces[regions == region])) == {surface_of[int(region)]}
        known = regions != IGNORE
        assert np.array_equal(instances[known] > 0, regions[known] == 7)
        assert np.array_equal(np.unique(instances), np.arange(instances.max() + 1))
        assert 0.001 < (~known).mean() < 0.06
        sky, grass = image[regions == 0].mean(0), image[regions == 3].mean(0)
        assert sky[2] > sky[0] and grass[1] > grass[2] and sky.mean() > grass.mean()
        seen |= set(np.unique(regions))
        most = max(most, int(instances.max()))
    assert seen == {*range(8), IGNORE} and most >= 3


def read_archive(path):
    """{name: bytes} of a zip or tar file."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(path) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}


def decode(content):
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)


WRITERS = {
    "sunnybrook": lambda folder, seed: samples.write_sunnybrook(folder, 2, 1, seed, size=64),
    "stanford_background": lambda folder, seed: samples.write_stanford_background(folder, 1, seed),
    "dsb2018": lambda folder, seed: samples.write_dsb2018(folder, 1, seed),
    "labelme_fruit": lambda folder, seed: samples.write_labelme_fruit(folder, 1, seed),
}


@pytest.mark.parametrize("name", WRITERS)
def test_the_archives_bytes_depend_on_the_seed_alone(tmp_path, name):
    contents = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        written = WRITERS[name](tmp_path / folder, seed)
        contents.append([path.read_bytes() for path in sorted(written.iterdir())])
        for line in (written / "SHA256SUMS").read_text().splitlines():
            digest, archive = line.split("  ")
            assert hashlib.sha256((written / archive).read_bytes()).hexdigest() == digest
    assert contents[0] == contents[1]
    assert all(a != b for a, b in zip(contents[0], contents[2], strict=True))


def test_slices_are_packed_as_published(tmp_path):
    folder = samples.write_sunnybrook(tmp_path, n_train=7, n_val=3, seed=1, size=64)
    for split, n in {"train": 7, "val": 3}.items():
        content = read_archive(folder / f"{split}.zip")
        kinds = ("image", "label")
        assert sorted(content) == [f"{split}/{k}/{i:03d}.png" for k in kinds for i in range(n)]
        for name, picture in content.items():
            picture = decode(picture)
            assert picture.shape == (64, 64) and picture.dtype == np.uint8
            assert "image" in name or set(np.unique(picture)) == {0, 1}


@pytest.fixture(scope="module", params=["sample", "showcase"])
def hearts(request, tmp_path_factory):
    """Small slices of a profile as written, train and then val: images, patients, number of val."""
    pairs = samples.entry("sunnybrook", request.param).pairs
    write = samples._WRITERS[f"sunnybrook-{request.param}"]
    folder = write(tmp_path_factory.mktemp("hearts"), *pairs.values(), size=64)
    n_positions = {"sample": 3, "showcase": 7}[request.param]
    slices = archives.list_slices(sum(pairs.values()), n_positions=n_positions)
    images = [
        decode(picture)
        for split in ("train", "val")
        for name, picture in sorted(read_archive(folder / f"{split}.zip").items())
        if "image" in name
    ]
    return np.stack(images), np.array([patient for patient, *_ in slices]), pairs["val"]


def test_slices_of_a_patient_stand_on_both_sides_and_are_found_by_their_likeness(hearts):
    images, patients, n_val = hearts
    small = [cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA) for image in images]
    likeness = np.corrcoef(np.stack(small).reshape(len(images), -1))
    np.fill_diagonal(likeness, -1)
    n_groups, groups = connected_components(likeness > 0.76)  # as chapter 03 groups the real ones
    pairs = set(zip(patients.tolist(), groups.tolist(), strict=True))
    assert len(pairs) == n_groups == len(np.unique(patients))
    across = likeness[-n_val:, :-n_val].max(axis=1)
    assert np.mean(across > 0.9) > 0.9  # published: 24 of 26
    assert len(set(patients[-n_val:]) & set(patients[:-n_val])) > n_groups / 2


def test_scenes_are_packed_and_read_as_published(tmp_path):
    folder = samples.write_stanford_background(tmp_path / "mirror", 9, seed=4)
    files = read_archive(folder / "iccv09Data.tar.gz")
    entry = dataclasses.replace(samples.SAMPLES["stanford_background"], pairs={"all": 9})
    data = fetch(entry, root=tmp_path, mirror=folder, progress=False)
    scenes = [stanford_background.scene(name, data) for name in stanford_background.names(data)]
    assert len(files) == 9 * 4 + 1 and "iccv09Data/horizons.txt" in files
    sizes = {scene.image.shape[:2] for scene in scenes}
    assert len(sizes) > 2 and all(200 <= side <= 320 for size in sizes for side in size)
    for scene in scenes:
        assert len(scene.id) == 7 and scene.id.isdigit()
        rows = files[f"iccv09Data/labels/{scene.id}.regions.txt"].decode().splitlines()
        assert all(row.endswith(" ") for row in rows) and "-1" in " ".join(rows).split()
        unknown = scene.regions == IGNORE
        assert np.array_equal(unknown, scene.surfaces == IGNORE)
        assert np.array_equal(unknown, scene.layers == -1)
        numbers = np.unique(scene.layers[~unknown])
        assert np.array_equal(numbers, np.arange(len(numbers))) and len(numbers) > 3
        for number in numbers:
            stretch = scene.layers == number
            assert len(np.unique(scene.regions[stretch])) == 1
            assert cv2.connectedComponents(stretch.astype(np.uint8), connectivity=4)[0] == 2
    # The order of the ids is not random.
    town = [np.isin(scene.regions, (2, 5)).mean() for scene in scenes]
    assert np.mean(town[:4]) < np.mean(town[-4:]) and len({scene.id[0] for scene in scenes}) == 4


def test_nuclei_are_packed_and_read_as_published(tmp_path):
    folder = samples.write_dsb2018(tmp_path / "mirror", 6, seed=4)
    files = read_archive(folder / "stage1_train.zip")
    entry = dataclasses.replace(samples.SAMPLES["dsb2018"], pairs={"all": 6})
    data = fetch(entry, root=tmp_path, mirror=folder, progress=False)
    loaded = dsb2018.load(root=data)
    assert len(loaded) == 6 and len(set(loaded.groups)) > 1
    assert 0.1 < loaded.masks.mean() < 0.3  # published: 0.14
    for name, stain in zip(loaded.ids, loaded.groups, strict=True):
        own = {file: decode(content) for file, content in files.items() if file.startswith(name)}
        image = own.pop(f"{name}/images/{name}.png")
        assert len(name) == 64 and image.shape[2] == 4 and (image[..., 3] == 255).all()
        assert (stain == "bright field") == (image.shape[:2] == (256, 320))
        for file, mask in own.items():
            assert file.startswith(f"{name}/masks/") and len(Path(file).stem) == 64
            assert mask.shape == image.shape[:2] and set(np.unique(mask)) == {0, 255}
        assert sum(mask.astype(int) for mask in own.values()).max() == 255  # none overlaps
        picture, numbers = dsb2018.image(name, data), dsb2018.instances(name, data)
        brighter = picture[numbers > 0].mean() > picture[numbers == 0].mean()
        assert brighter == (stain == "fluorescence") and numbers.max() == len(own) >= 5


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_neither_size_can_be_mistaken_for_the_other_or_for_the_published(name):
    published, *made_up = (
        catalog.CATALOG[name],
        *(samples.entry(name, profile) for profile in ("sample", "showcase")),
    )
    for field in ("name", "title", "pairs"):
        values = [str(getattr(entry, field)) for entry in (published, *made_up)]
        assert len(set(values)) == 3
    for entry in made_up:
        assert "ade-up" in entry.title and entry.redistributable
        assert entry.citation != published.citation
        assert all(archive.url == "" and archive.sha256 is None for archive in entry.archives)


@pytest.fixture
def small(monkeypatch):
    """Samples of one or two pictures."""
    for name, pairs in {
        "sunnybrook": {"train": 2, "val": 1},
        "stanford_background": {"all": 2},
    }.items():
        entry = dataclasses.replace(samples.SAMPLES[name], pairs=pairs)
        monkeypatch.setitem(samples.SAMPLES, name, entry)


@pytest.mark.usefixtures("small")
def test_a_mirror_is_written_once_and_finished_where_it_was_killed(tmp_path, monkeypatch, left):
    half = tmp_path / f"sunnybrook-sample-v{samples.SAMPLE_VERSION}"
    for folder in (half, half.with_name(f"{half.name}.partial")):
        folder.mkdir()
        (folder / "train.zip").write_bytes(b"half")
    target = samples.mirror(tmp_path)
    assert sorted(path.name for path in target.iterdir()) == ["SHA256SUMS", "train.zip", "val.zip"]
    assert len(read_archive(target / "train.zip")) == 4 and left(tmp_path) == [target.name]
    before = {path.name: path.stat().st_mtime_ns for path in target.iterdir()}
    assert samples.mirror(tmp_path) == target
    assert {path.name: path.stat().st_mtime_ns for path in target.iterdir()} == before
    monkeypatch.setattr(samples, "SAMPLE_VERSION", samples.SAMPLE_VERSION + 1)
    assert samples.mirror(tmp_path) != target and target.exists()


def test_mirrors_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CourseDataError, match="COURSE_DATA_DIR"):
        samples.mirror(tmp_path / "file")
    with pytest.raises(ValueError, match="'cityscapes'; there are: sunnybrook, stanford_backgr"):
        samples.mirror(tmp_path, "cityscapes")
    with pytest.raises(ValueError, match="'quick'; there are: sample, showcase"):
        samples.mirror(tmp_path, profile="quick")


def test_of_two_kernels_one_writes_and_the_other_waits(tmp_path, monkeypatch):
    written = []

    def write(folder, *pairs):
        written.append(folder)
        folder.mkdir()
        time.sleep(0.2)
        (folder / "SHA256SUMS").touch()

    monkeypatch.setitem(samples._WRITERS, "sunnybrook-sample", write)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(samples.mirror, [tmp_path, tmp_path])
    assert first == second and (first / "SHA256SUMS").is_file() and len(written) == 1


@pytest.mark.usefixtures("small")
def test_a_sample_run_has_the_set_of_its_chapter_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    run = runtime.Run("05", "sample", 0, "", "", "")
    runtime._attach_data(run, "stanford_background")
    assert run.source == samples.SAMPLES["stanford_background"].title
    assert list(run.provenance["sha256"]) == ["iccv09Data.tar.gz"]
    assert len(stanford_background.load("surfaces", (32, 32), run.data_dir)) == 2


@pytest.mark.usefixtures("small")
def test_the_sample_is_fetched_and_loaded_like_the_real_data(tmp_path):
    entry = samples.SAMPLES["sunnybrook"]
    mirror = samples.mirror(tmp_path)
    folder = fetch(entry, root=tmp_path, mirror=mirror, progress=False)
    loaded = sunnybrook.load("train", root=folder)
    assert loaded.images.shape == (2, 256, 256, 1) and entry.title in loaded.source
    content = read_archive(mirror / "train.zip")
    np.testing.assert_array_equal(loaded.masks[1], decode(content["train/label/001.png"]))


def test_make_samples(small, tmp_path, capsys):
    arguments = [str(tmp_path), "stanford_background", "--profile", "sample"]
    assert script.main(arguments) == 0
    said, folder = capsys.readouterr().out, samples.mirror(tmp_path, "stanford_background")
    assert "ade-up" in said and str(folder) in said and (folder / "SHA256SUMS").is_file()
    with pytest.raises(SystemExit):
        script.main([str(tmp_path), "cityscapes"])
    (tmp_path / "file").touch()
    assert script.main([str(tmp_path / "file")]) == 1
    assert "COURSE_DATA_DIR" in capsys.readouterr().err
