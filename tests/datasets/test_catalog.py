"""The catalog's facts, and the error that readers see."""

import subprocess
import sys

import pytest

from course_utils.datasets import CourseDataError, catalog


def test_sunnybrook():
    entry = catalog.get("sunnybrook")
    assert entry is catalog.SUNNYBROOK
    base = "https://github.com/mitmul/chainer-handson/releases/download/SegmentationDataset"
    assert [a.url for a in entry.archives] == [f"{base}/train.zip", f"{base}/val.zip"]
    assert entry.pairs == {"train": 234, "val": 26}
    assert entry.licence.startswith("CC0") and entry.redistributable
    assert entry.archives[0].sha256 is None  # none is published


def test_stanford_background_may_not_be_passed_on():
    entry = catalog.get("stanford_background")
    assert entry.archives[0].url == "http://dags.stanford.edu/data/iccv09Data.tar.gz"
    assert sum(entry.pairs.values()) == 715
    assert not entry.redistributable and entry.layout == "stanford_background"


def test_dsb2018():
    (archive,) = catalog.get("dsb2018").archives
    assert archive.url == "https://data.broadinstitute.org/bbbc/BBBC038/stage1_train.zip"
    assert archive.sha256 == "dcb6edc2690f137406638b2309581a71522c4dff19157d118453b448dcddcb68"


@pytest.mark.parametrize("entry", catalog.CATALOG.values(), ids=lambda entry: entry.name)
def test_every_entry_is_complete(entry):
    assert catalog.CATALOG[entry.name] is entry
    assert entry.title and entry.licence and len(entry.citation) > 40
    assert entry.homepage.startswith("http")
    for archive in entry.archives:
        assert archive.url.endswith(f"/{archive.name}")
        assert archive.size < archive.unpacked_size
    assert isinstance(hash(entry), int)


def test_archive_names_do_not_collide_in_a_mirror():
    names = [a.name for entry in catalog.CATALOG.values() for a in entry.archives]
    assert len(names) == len(set(names))


def test_unknown_name():
    with pytest.raises(ValueError, match="'cityscapes'; there are: sunnybrook, stanford"):
        catalog.get("cityscapes")


def test_error_is_its_three_parts():
    error = CourseDataError("tried", "came back", "next")
    assert str(error) == "tried\ncame back\nnext"
    assert (error.tried, error.came_back, error.what_next) == ("tried", "came back", "next")
    assert str(CourseDataError("only this")) == "only this"
    assert isinstance(error, RuntimeError)


def test_ipython_shows_the_words_and_no_traceback():
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell.instance()
    shown = []
    shell._showtraceback = lambda kind, value, lines: shown.extend(lines)
    shell.run_cell("from course_utils.datasets import CourseDataError as E\nraise E('a', 'b')")
    assert shown == ["CourseDataError: a", "b"]


def test_imports_bring_no_tensorflow():
    code = (
        "import sys\n"
        "import course_utils.datasets.sunnybrook, course_utils.datasets.fetch\n"
        "import course_utils.datasets.stanford_background, course_utils.datasets.weights\n"
        "assert not {'tensorflow', 'keras', 'matplotlib', 'requests'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
