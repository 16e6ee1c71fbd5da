"""Every test starts without settings from outside, and keeps its data in a folder of its own."""

import os
import sys

import pytest


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside(tmp_path_factory):
    """Take away what COURSE_… variables the tests were started with."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("COURSE_"):
                patch.delenv(name)
        patch.setenv("COURSE_DATA_DIR", str(tmp_path_factory.mktemp("course-data")))
        patch.setenv("MPLBACKEND", "agg")
        yield


@pytest.fixture(autouse=True)
def _no_figure_left_open():
    """Close what a test has drawn."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
