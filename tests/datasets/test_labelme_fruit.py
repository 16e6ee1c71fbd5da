"""The photographs of fruit: found in what was fetched; the made-up ones, and their mistakes."""

import dataclasses
import shutil

import numpy as np
import pytest

from course_utils import runtime
from course_utils.datasets import CourseDataError, labelme_fruit, own_data, samples
from course_utils.datasets.catalog import LABELME_FRUIT
from course_utils.datasets.fetch import fetch

CLASSES = ("background", "date", "fig", "hazelnut")


@pytest.fixture
def fetched(tmp_path):
    entry = dataclasses.replace(samples.SAMPLES["labelme_fruit"], pairs={"all": 2})
    mirror = samples.write_labelme_fruit(tmp_path / "mirror", 2)
    return fetch(entry, root=tmp_path, mirror=mirror, progress=False)


def test_the_made_up_photographs_are_found_and_read(fetched):
    (fetched / "trainval.json").write_text("[]")  # the repository holds other files, too
    own = own_data.read(labelme_fruit.locate(fetched))
    assert own.class_names == CLASSES and own.ids == ("0", "1")
    pixels = own.count_pixels()
    assert pixels[0, 2] == 0 < pixels[1, 2]  # figs are in every third picture, from the second on
    for image, mask in own:
        assert image.shape == (300, 400, 3) and mask.shape == (300, 400)
        assert image[mask == 1].mean() < image[mask == 0].mean() - 20  # dates are dark


@pytest.mark.parametrize("fault", ["no pictures", "too few", "a broken one"])
def test_a_copy_that_is_not_whole_is_refused(fetched, fault):
    folder, count = fetched / "labelme_fruit", 3 if fault == "too few" else 2
    if fault == "no pictures":
        (folder / "0.json").unlink()
    elif fault == "a broken one":
        (folder / "1.jpg").write_bytes((folder / "1.jpg").read_bytes()[:3000])
    entry = dataclasses.replace(samples.SAMPLES["labelme_fruit"], pairs={"all": count})
    words = {"no pictures": "0.json", "too few": "there are 2, not 3", "a broken one": "1.jpg"}
    with pytest.raises(CourseDataError, match=words[fault]):
        labelme_fruit.check(fetched, entry)


def test_the_published_photographs_are_known_by_their_content(real_mirror, tmp_path):
    archive = real_mirror / "labelme_fruit.zip"
    if not archive.is_file():
        pytest.skip("the mirror has no labelme_fruit.zip")
    shutil.unpack_archive(archive, tmp_path)
    labelme_fruit.check(tmp_path, LABELME_FRUIT)
    file = tmp_path / "labelme_fruit" / "3.json"
    file.write_text(file.read_text().replace('"date"', '"fig"', 1))
    with pytest.raises(CourseDataError, match="SHA-256 of its LabelMe files"):
        labelme_fruit.check(tmp_path, LABELME_FRUIT)


def test_anna_made_three_mistakes_and_ben_has_words_of_his_own(tmp_path):
    samples.write_two_annotators(tmp_path)
    with pytest.raises(CourseDataError) as caught:
        own_data.read(tmp_path / "anna", CLASSES)
    said = str(caught.value)
    assert "IMG_02.json has the label 'hazlenut'" in said and "IMG_05.jpg is 330 x 300" in said
    assert "IMG_04.jpg is 300 x 400 once the camera" in said
    anna = own_data.read(tmp_path / "anna", faults="leave out")
    ben = own_data.read(tmp_path / "ben")
    assert anna.ids == ben.ids == ("IMG_01", "IMG_02", "IMG_03", "IMG_06")
    assert set(ben.class_names[1:]) == {*"?", "Dattel", "Feige", "Haselnuss", "crumb", "gap", "nut"}
    assert len(anna.problems) == 2
    for (image, hers), (same, his) in zip(anna, ben, strict=True):
        assert np.array_equal(image, same)
        assert ((hers > 0) == (his > 0)).mean() > 0.95


@pytest.mark.parametrize("profile", ["quick", "sample"])
def test_a_folder_of_ones_own_takes_the_place_of_the_fruit(tmp_path, monkeypatch, profile):
    samples.write_two_annotators(tmp_path)
    monkeypatch.setenv("COURSE_OWN_PICTURES", str(tmp_path / "ben"))
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "data"))
    run = runtime.Run("10_your_own_pictures", profile, 0, "", "", "")
    if profile == "sample":
        with pytest.raises(ValueError, match='choose "quick" or "full", or unset'):
            runtime._attach_data(run, "labelme_fruit")
        return
    runtime._attach_data(run, "labelme_fruit")
    assert labelme_fruit.locate(run.data_dir) == tmp_path / "ben"
    assert run.source == "your own pictures in ben" and run.provenance == {}
