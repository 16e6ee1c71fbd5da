"""The made-up data: same seed same picture, the published layout, and labels that fit."""

import dataclasses
import hashlib
import io
import multiprocessing
import tarfile
import zipfile

import cv2
import numpy as np
import pytest

from course_utils import runtime
from course_utils.datasets import IGNORE, CourseDataError, samples, stanford_background, sunnybrook
from course_utils.datasets.catalog import STANFORD_BACKGROUND, SUNNYBROOK
from course_utils.datasets.fetch import fetch, provenance

PAINTERS = {
    "heart": lambda rng: samples.short_axis_slice(rng, 96),
    "fluorescence": lambda rng: samples.nuclei(rng, 96, 128),
    "histology": lambda rng: samples.nuclei(rng, 96, 128, stain="histology"),
    "scene": lambda rng: samples.outdoor_scene(rng, 96, 128),
}


@pytest.fixture(scope="module")
def slices():
    """48 slices of 8 patients at the published size: images and masks [48, 256, 256]."""
    rng = np.random.default_rng(5)
    pairs = [
        samples.short_axis_slice(rng, patient=i // 6, position=(i % 3) / 2.5, systole=i % 2)
        for i in range(48)
    ]
    return tuple(np.stack(arrays) for arrays in zip(*pairs, strict=True))


@pytest.fixture(scope="module")
def scenes():
    rng = np.random.default_rng(1)
    return [samples.outdoor_scene(rng, 120, 160) for _ in range(8)]


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    return samples.mirror(tmp_path_factory.mktemp("mirror"))


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def decode(content):
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)


def ring(mask, inner, outer):
    """Pixels between `inner` and `outer` pixels outside a mask."""
    away = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5)
    return (away > inner) & (away <= outer)


@pytest.mark.parametrize("painter", PAINTERS.values(), ids=PAINTERS)
def test_a_seed_gives_the_same_picture_and_another_seed_another_one(painter):
    first, again, other = (painter(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(first[1], other[1])


@pytest.mark.parametrize("painter", PAINTERS.values(), ids=PAINTERS)
def test_pictures_have_detail_and_contrast(painter):
    image = painter(np.random.default_rng(0))[0]
    assert image.dtype == np.uint8
    assert image.std() > 15
    grey = image if image.ndim == 2 else image.mean(axis=2)
    # Neither noise (neighbours alike) nor clip-art (few values).
    assert np.corrcoef(grey[:, 1:].ravel(), grey[:, :-1].ravel())[0, 1] > 0.8
    assert len(np.unique(image)) > 100


def test_the_ventricle_is_one_piece_in_the_middle_of_the_slice(slices):
    images, masks = slices
    assert images.shape == masks.shape == (48, 256, 256)
    assert set(np.unique(masks)) == {0, 1}
    for mask in masks:
        assert cv2.connectedComponents(mask)[0] == 2
        rows, columns = np.nonzero(mask)
        assert 90 < rows.mean() < 170 and 90 < columns.mean() < 170


def test_the_ventricle_takes_as_little_of_the_slice_as_in_the_real_data(slices):
    share = 100 * slices[1].mean(axis=(1, 2))  # real: 5 % 0.23, median 1.5, 95 % 3.5, most 4.4
    assert 1.0 < np.median(share) < 2.2
    assert share.min() > 0.02 and share.max() < 5.5
    assert np.percentile(share, 95) > 2.2 and np.percentile(share, 5) < 1.0


def test_grey_values_are_spread_as_in_the_real_data(slices):
    image = slices[0]
    assert 40 < image.mean() < 80 and 65 < image.std() < 95  # real: 62 and 81
    assert 0.02 < (image == 255).mean() < 0.15  # real: 0.08
    assert 0.2 < (image == 0).mean() < 0.5  # real: 0.31


def test_blood_is_brighter_than_the_muscle_around_it(slices):
    for image, mask in zip(*slices, strict=True):
        muscle = ring(mask, 2, 5)
        assert image[mask == 1].mean() > 1.4 * image[muscle].mean()


def test_brightness_alone_does_not_give_the_ventricle_away(slices):
    images, masks = slices
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
    assert instances.dtype == np.uint16
    n = int(instances.max())
    assert n >= 10 and np.array_equal(np.unique(instances), np.arange(n + 1))
    for i in range(1, n + 1):
        mask = (instances == i).astype(np.uint8)
        assert cv2.connectedComponents(mask, connectivity=4)[0] == 2
    left, right = instances[:, :-1], instances[:, 1:]
    assert ((left != right) & (left > 0) & (right > 0)).any()
    areas = np.bincount(instances.ravel())[1:]
    assert np.percentile(areas, 90) > 1.8 * np.percentile(areas, 10)
    inside, outside = image[instances > 0].mean(0), image[instances == 0].mean(0)
    if stain == "fluorescence":
        assert (inside > 2 * outside).all()
    else:  # darker, and blue rather than red
        assert (inside < outside).all() and inside[2] > inside[0] and outside[0] > outside[1]


def test_an_unknown_stain_is_named():
    with pytest.raises(ValueError, match=r"giemsa.*fluorescence, histology"):
        samples.nuclei(np.random.default_rng(0), stain="giemsa")


def test_regions_surfaces_and_objects_of_a_scene_agree(scenes):
    surface_of = {0: 0, 1: 2, 2: 1, 3: 1, 4: 1, 5: 2, 6: 2, 7: 2, IGNORE: IGNORE}
    for image, regions, surfaces, instances in scenes:
        assert image.shape == (120, 160, 3)
        assert regions.shape == surfaces.shape == instances.shape == (120, 160)
        for region in np.unique(regions):
            assert set(np.unique(surfaces[regions == region])) == {surface_of[int(region)]}
        known = regions != IGNORE
        assert np.array_equal(instances[known] > 0, regions[known] == 7)
        assert np.array_equal(np.unique(instances), np.arange(instances.max() + 1))
        assert 0.001 < (~known).mean() < 0.06


def test_scenes_show_every_class_and_several_objects(scenes):
    seen = set().union(*(np.unique(regions) for _, regions, _, _ in scenes))
    assert seen == {*range(8), IGNORE}
    assert max(int(instances.max()) for *_, instances in scenes) >= 3


def test_colours_of_a_scene_fit_its_labels(scenes):
    for image, regions, _, _ in scenes:
        sky, grass = image[regions == 0].mean(0), image[regions == 3].mean(0)
        assert sky[2] > sky[0] and grass[1] > grass[2] and sky.mean() > grass.mean()
        assert np.nonzero(regions == 0)[0].mean() < np.nonzero(regions == 3)[0].mean()


def test_the_archives_are_laid_out_as_published(tmp_path):
    folder = samples.write_sunnybrook(tmp_path / "new", n_train=7, n_val=3, seed=1, size=64)
    assert sorted(p.name for p in folder.iterdir()) == ["SHA256SUMS", "train.zip", "val.zip"]
    for split, n in {"train": 7, "val": 3}.items():
        content = members(folder / f"{split}.zip")
        kinds = ("image", "label")
        assert sorted(content) == [f"{split}/{k}/{i:03d}.png" for k in kinds for i in range(n)]
        for name, data in content.items():
            picture = decode(data)
            assert picture.shape == (64, 64) and picture.dtype == np.uint8
            if "label" in name:
                assert set(np.unique(picture)) == {0, 1}
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_the_archives_bytes_depend_on_the_seed_alone(tmp_path):
    def write(name, seed):
        folder = samples.write_sunnybrook(tmp_path / name, n_train=2, n_val=1, seed=seed, size=64)
        return [(folder / file).read_bytes() for file in ("train.zip", "val.zip", "SHA256SUMS")]

    first = write("a", 1)
    assert first == write("b", 1)
    assert all(a != b for a, b in zip(first, write("a", 2), strict=True))


def test_no_patient_stands_on_both_sides(tmp_path, monkeypatch):
    asked = []

    def note(rng, size, *, patient, position, systole):
        asked.append((patient, position, systole))
        return np.zeros((size, size), np.uint8), np.zeros((size, size), np.uint8)

    monkeypatch.setattr(samples, "short_axis_slice", note)
    samples.write_sunnybrook(tmp_path, n_train=48, n_val=12, size=8)
    assert len(asked) == len(set(asked)) == 60
    train, val = ({patient for patient, *_ in part} for part in (asked[:48], asked[48:]))
    assert len(train) == 8 and len(val) == 2 and not train & val


def test_the_sample_is_fetched_and_loaded_like_the_real_data(mirror, tmp_path):
    entry = samples.SUNNYBROOK_SAMPLE
    assert samples.SAMPLES["sunnybrook"] is entry and entry.name != SUNNYBROOK.name
    folder = fetch(entry, root=tmp_path, mirror=mirror, progress=False)
    assert provenance(folder)["title"] == entry.title and "ade-up" in entry.title
    for split, n in entry.pairs.items():
        data = sunnybrook.load(split, root=folder)
        assert data.images.shape == (n, 256, 256, 1) and data.masks.shape == (n, 256, 256)
        content = members(mirror / f"{split}.zip")
        assert np.array_equal(
            data.masks[n // 2], decode(content[f"{split}/label/{n // 2:03d}.png"])
        )


def test_the_sample_cannot_be_mistaken_for_a_download():
    assert all(archive.url == "" for archive in samples.SUNNYBROOK_SAMPLE.archives)
    assert samples.SUNNYBROOK_SAMPLE.citation != SUNNYBROOK.citation


def test_a_mirror_is_written_once(mirror):
    before = {path.name: path.stat().st_mtime_ns for path in mirror.iterdir()}
    assert samples.mirror(mirror.parent) == mirror
    assert {path.name: path.stat().st_mtime_ns for path in mirror.iterdir()} == before


def test_a_killed_mirror_is_finished_and_another_version_stands_beside(tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "_PAIRS", {"train": 1, "val": 1})
    half = tmp_path / f"sunnybrook-v{samples.SAMPLE_VERSION}"
    for folder in (half, half.with_name(f"{half.name}.partial")):
        folder.mkdir()
        (folder / "train.zip").write_bytes(b"half")
    target = samples.mirror(tmp_path)
    assert zipfile.is_zipfile(io.BytesIO((target / "train.zip").read_bytes()))
    assert sorted(path.name for path in target.iterdir()) == ["SHA256SUMS", "train.zip", "val.zip"]
    assert not list(tmp_path.glob("*.partial"))
    monkeypatch.setattr(samples, "SAMPLE_VERSION", samples.SAMPLE_VERSION + 1)
    assert samples.mirror(tmp_path) != target and target.exists()


def test_a_folder_that_cannot_be_written_is_told_in_plain_words(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CourseDataError, match="COURSE_DATA_DIR"):
        samples.mirror(tmp_path / "file")


def _mirror_in_child(folder, start, results):
    samples._PAIRS.update(train=2, val=1)
    start.wait()
    path = samples.mirror(folder)
    results.put((path / "SHA256SUMS").read_text())


def test_two_kernels_may_ask_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(2), context.Queue()
    children = [
        context.Process(target=_mirror_in_child, args=(tmp_path, start, results)) for _ in range(2)
    ]
    for child in children:
        child.start()
    first, second = results.get(timeout=60), results.get(timeout=60)
    for child in children:
        child.join(timeout=60)
    assert first == second and [child.exitcode for child in children] == [0, 0]
    assert not list(tmp_path.glob("*.partial"))


@pytest.fixture(scope="module")
def packed_scenes(tmp_path_factory):
    """Nine made-up scenes, packed: the folder and {name in the archive: bytes}."""
    folder = samples.write_stanford_background(tmp_path_factory.mktemp("scenes"), 9, seed=4)
    with tarfile.open(folder / "iccv09Data.tar.gz") as archive:
        return folder, {m.name: archive.extractfile(m).read() for m in archive}


@pytest.fixture(scope="module")
def read_scenes(packed_scenes, tmp_path_factory):
    entry = dataclasses.replace(samples.STANFORD_BACKGROUND_SAMPLE, pairs={"all": 9})
    root = tmp_path_factory.mktemp("data")
    folder = fetch(entry, root=root, mirror=packed_scenes[0], progress=False)
    ids = stanford_background.names(folder)
    return [stanford_background.scene(name, folder) for name in ids]


def test_scenes_are_packed_as_published(packed_scenes):
    folder, files = packed_scenes
    assert sorted(p.name for p in folder.iterdir()) == ["SHA256SUMS", "iccv09Data.tar.gz"]
    ids = {name[18:25] for name in files if name.endswith(".jpg")}
    assert len(ids) == 9 and all(len(name) == 7 and name.isdigit() for name in ids)
    kinds = ("regions.txt", "surfaces.txt", "layers.txt")
    expected = {f"iccv09Data/labels/{name}.{kind}" for name in ids for kind in kinds}
    expected |= {f"iccv09Data/images/{name}.jpg" for name in ids}
    assert set(files) == expected | {"iccv09Data/horizons.txt"}
    for name in ids:
        height, width = decode(files[f"iccv09Data/images/{name}.jpg"]).shape[:2]
        for kind in kinds:
            content = files[f"iccv09Data/labels/{name}.{kind}"]
            rows = content.decode().splitlines()
            assert len(rows) == height and all(row.endswith(" ") for row in rows)
            assert {len(row.split()) for row in rows} == {width}
            assert "-1" in content.decode().split()
    digest, name = (folder / "SHA256SUMS").read_text().split()
    assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_packed_scenes_depend_on_the_seed_alone(tmp_path):
    def write(folder, seed):
        folder = samples.write_stanford_background(tmp_path / folder, n_scenes=1, seed=seed)
        return (folder / "iccv09Data.tar.gz").read_bytes()

    first = write("a", 1)
    assert first == write("b", 1) and first != write("c", 2)


def test_packed_scenes_are_of_several_sizes_around_that_of_the_published(read_scenes):
    sizes = {scene.image.shape[:2] for scene in read_scenes}
    assert len(sizes) > 2 and (240, 320) in sizes
    assert all(200 <= side <= 320 for size in sizes for side in size)


def test_labels_of_packed_scenes_agree(read_scenes):
    for scene in read_scenes:
        unknown = scene.regions == IGNORE
        assert np.array_equal(unknown, scene.surfaces == IGNORE)
        assert np.array_equal(unknown, scene.layers == -1)
        assert np.array_equal(scene.regions == 0, scene.surfaces == 0)
        numbers = np.unique(scene.layers[~unknown])
        assert np.array_equal(numbers, np.arange(len(numbers))) and len(numbers) > 3
        for number in numbers:
            stretch = scene.layers == number
            assert len(np.unique(scene.regions[stretch])) == 1
            assert cv2.connectedComponents(stretch.astype(np.uint8), connectivity=4)[0] == 2


def test_the_ground_of_packed_scenes_begins_at_the_horizon(read_scenes):
    for scene in read_scenes:
        flat = scene.surfaces == 1
        assert flat[: scene.horizon].mean() < 0.2 < flat[scene.horizon :].mean()


def test_ids_of_packed_scenes_are_no_random_order(read_scenes):
    town = [np.isin(scene.regions, (2, 5)).mean() for scene in read_scenes]
    assert np.mean(town[:4]) < np.mean(town[-4:])
    assert len({scene.id[0] for scene in read_scenes}) == 4


def test_the_sample_scenes_cannot_be_mistaken_for_the_published():
    entry = samples.SAMPLES["stanford_background"]
    assert entry is samples.STANFORD_BACKGROUND_SAMPLE and entry.name != STANFORD_BACKGROUND.name
    assert "ade-up" in entry.title and entry.citation != STANFORD_BACKGROUND.citation
    assert entry.redistributable and all(archive.url == "" for archive in entry.archives)


def test_a_mirror_holds_what_was_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "_SCENES", {"all": 1})
    monkeypatch.setattr(samples, "write_sunnybrook", pytest.fail)
    target = samples.mirror(tmp_path, "stanford_background")
    assert sorted(path.name for path in target.iterdir()) == ["SHA256SUMS", "iccv09Data.tar.gz"]
    with pytest.raises(
        ValueError, match="'cityscapes'; there are: sunnybrook, stanford_background"
    ):
        samples.mirror(tmp_path, "cityscapes")


def test_a_sample_run_has_the_scenes_and_nothing_else(tmp_path, monkeypatch):
    entry = dataclasses.replace(samples.STANFORD_BACKGROUND_SAMPLE, pairs={"all": 2})
    monkeypatch.setitem(samples.SAMPLES, "stanford_background", entry)
    monkeypatch.setattr(samples, "_SCENES", {"all": 2})
    monkeypatch.setattr(samples, "write_sunnybrook", pytest.fail)
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    run = runtime.Run("05", "sample", 0, "", "", "")
    runtime._attach_data(run, "stanford_background")
    assert run.source == entry.title and list(run.provenance["sha256"]) == ["iccv09Data.tar.gz"]
    assert len(stanford_background.load("surfaces", (32, 32), run.data_dir)) == 2
