"""The catalog's facts, and the error that readers see."""

import re
import subprocess
import sys

import pytest

from course_utils.datasets import CourseDataError, catalog

ENTRIES = {**catalog.CATALOG, **catalog.WEIGHTS}


@pytest.mark.parametrize(
    ("name", "address", "sha256", "count", "redistributable"),
    [
        (
            "sunnybrook",
            "https://github.com/mitmul/chainer-handson/releases/download/SegmentationDataset/train.zip",
            None,
            234 + 26,
            True,
        ),
        (
            "stanford_background",
            "http://dags.stanford.edu/data/iccv09Data.tar.gz",
            None,
            715,
            False,
        ),
        (
            "dsb2018",
            "https://data.broadinstitute.org/bbbc/BBBC038/stage1_train.zip",
            "dcb6edc2690f137406638b2309581a71522c4dff19157d118453b448dcddcb68",
            670,
            True,
        ),
        (
            "labelme_fruit",
            "https://github.com/Tony607/labelme2coco/archive/29d63e6e99329e0fd8afa47bd38d9c628e94bbc8.zip",
            None,
            14,
            True,
        ),
    ],
)
def test_published_facts(name, address, sha256, count, redistributable):
    entry = catalog.get(name)
    assert (entry.archives[0].url, entry.archives[0].sha256) == (address, sha256)
    assert sum(entry.pairs.values()) == count
    assert entry.redistributable is redistributable


@pytest.mark.parametrize("name", ENTRIES)
def test_every_entry_is_complete(name):
    entry = ENTRIES[name]
    assert entry.name in (name, f"weights/{name}")
    assert entry.title and entry.licence and entry.homepage.startswith("http")
    assert name in catalog.WEIGHTS or (len(entry.citation) > 40 and entry.layout == name)
    for archive in entry.archives:
        of_a_commit = re.search(r"/archive/[0-9a-f]{40}\.zip$", archive.url)
        assert of_a_commit or archive.url.endswith(archive.name.rpartition("/")[2])
        assert 10**6 <= archive.size < (archive.unpacked_size or 10**8)


def test_archive_names_do_not_collide_in_a_mirror():
    names = [archive.name for entry in ENTRIES.values() for archive in entry.archives]
    assert len(names) == len(set(names))


def test_weights_are_those_that_the_packages_would_download():
    collection = pytest.importorskip("classification_models.weights").WEIGHTS_COLLECTION
    from efficientnet import model as efficientnet
    from keras_applications import mobilenet, mobilenet_v2, vgg16

    archives = {backbone: entry.archives[0] for backbone, entry in catalog.WEIGHTS.items()}
    for backbone in ("resnet18", "resnet34"):
        wanted = {"model": backbone, "classes": 1000, "dataset": "imagenet", "include_top": False}
        [stated] = [w for w in collection if wanted.items() <= w.items()]
        assert (archives[backbone].url, archives[backbone].md5) == (stated["url"], stated["md5"])
    assert archives["efficientnetb0"].url.startswith(efficientnet.BASE_WEIGHTS_PATH)
    assert archives["efficientnetb0"].sha256 == efficientnet.WEIGHTS_HASHES["efficientnet-b0"][1]
    assert archives["vgg16"].url == vgg16.WEIGHTS_PATH_NO_TOP
    assert archives["mobilenet"].url.startswith(mobilenet.BASE_WEIGHT_PATH)
    assert archives["mobilenetv2"].url.startswith(mobilenet_v2.BASE_WEIGHT_PATH)


def test_unknown_name():
    with pytest.raises(ValueError, match="'cityscapes'; there are: sunnybrook, stanford"):
        catalog.get("cityscapes")


def test_ipython_shows_the_words_of_an_error_and_no_traceback():
    assert str(CourseDataError("tried", "came back", "next")) == "tried\ncame back\nnext"
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell.instance()
    shown = []
    shell._showtraceback = lambda kind, value, lines: shown.extend(lines)
    shell.run_cell("from course_utils.datasets import CourseDataError as E\nraise E('a', 'b')")
    assert shown == ["CourseDataError: a", "b"]


def test_imports_bring_neither_tensorflow_nor_the_network():
    code = (
        "import sys\n"
        "import course_utils.datasets.sunnybrook, course_utils.datasets.stanford_background\n"
        "assert not {'tensorflow', 'keras', 'matplotlib', 'requests'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
