"""Every chapter as a stranger opens it in Colab, and what a reader there sees when something fails.

COLAB_RUNTIME=requirements.lock python -m pytest tests/colab                  # everything
COLAB_RUNTIME=requirements.lock python -m pytest tests/colab -k 01_mri_mlp    # one chapter
"""

import json
import re
import shutil
from pathlib import Path

import colab
import nbformat
import pytest
from colab import ADDRESS, TAG, errors, inventory, printed, touched
from notebook_rules import ROOT
from stamp import PLACEHOLDER

from course_utils.chapters import CHAPTERS

if not colab.RUNTIME:
    pytest.skip("COLAB_RUNTIME names no list of versions", allow_module_level=True)

NOBODY = "http://127.0.0.1:9/"  # the port where nobody listens
NO_NETWORK = {name: NOBODY for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")}
NO_NETWORK |= {"NO_PROXY": "", "no_proxy": ""}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The course, stamped and tagged, where git finds it at GitHub's address."""
    return colab.publish(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="module")
def built():
    """The environment that every runtime here is a copy of."""
    return colab.build_runtime(Path(colab.RUNTIME).absolute())


@pytest.fixture
def environment(built):
    """A fresh runtime. It lies beside the original: hard links do not lead to another disk."""
    yield (copy := colab.copy_runtime(built, built.with_name(f"{built.name}-copy")))
    shutil.rmtree(copy)


@pytest.fixture(scope="module")
def installed(built, published, tmp_path_factory):
    """A runtime in which a chapter's set-up cell has run once."""
    copy = colab.copy_runtime(built, built.with_name(f"{built.name}-installed"))
    folder = tmp_path_factory.mktemp("installed")
    notebook = setup_of("00_start_here", f"{ADDRESS}@{TAG}")
    assert errors(colab.run(notebook, copy, folder, published[2], COURSE_PROFILE="sample")) == []
    yield copy
    shutil.rmtree(copy)


def setup_of(chapter, address, *more):
    """Return a chapter's set-up cell, leading to an address, and more cells, as a notebook."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", 4)
    setup = next(cell for cell in notebook.cells if cell.id == "setup")
    setup.source, n = re.subn(r'(?m)^(REPOSITORY = ").*"$', rf'\1{address}"', setup.source)
    assert n == 1
    notebook.cells = [setup, *map(nbformat.v4.new_code_cell, more)]
    return notebook


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter(chapter, published, environment, tmp_path):
    copy, commit, config = published
    before = inventory(environment)
    notebook = nbformat.read(copy / "notebooks" / f"{chapter}.ipynb", 4)
    notebook = colab.run(notebook, environment, tmp_path, config, COURSE_PROFILE="sample")
    nbformat.write(notebook, colab.BUILT / f"{chapter}.ipynb")
    assert errors(notebook) == []
    assert touched(before, inventory(environment)) == set()
    found = json.loads(printed(notebook.cells[-1]))
    right = {"inside": True, "url": ADDRESS, "tag": TAG, "commit": commit}
    assert found == right | {"loaded": True, "stale": []}


@pytest.mark.parametrize(
    ("source", "github", "cause"),
    [
        (PLACEHOLDER, None, ""),
        (f"{ADDRESS}@{TAG}", NOBODY, r"unable to access .*127\.0\.0\.1|[Cc]onnect"),
        (f"{ADDRESS}-2", None, "does not (appear to be a git repository|exist)"),
        (f"{ADDRESS}@v99", None, "pathspec 'v99' did not match|find.* v99"),
    ],
    ids=["no address", "no network", "no such repository", "no such tag"],
)
def test_an_address_that_fails_says_so(source, github, cause, environment, published, tmp_path):
    before = inventory(environment)
    config = colab.git_config(tmp_path / "config", github) if github else published[2]
    setup = colab.run(setup_of("01_mri_mlp", source), environment, tmp_path, config).cells[0]
    told = "Open in the course's folder, or run tools/stamp.py"
    if source != PLACEHOLDER:
        told = f"pip could not install git+{source}. Network up? Address right? See above"
    [error] = [output for output in setup.outputs if output.output_type == "error"]
    assert (error.ename, error.evalue) == ("RuntimeError", told)
    assert re.search(cause, printed(setup)), printed(setup)
    assert inventory(environment) == before


def test_data_that_cannot_be_had_says_what_was_tried_and_offers_the_sample(
    installed, published, tmp_path
):
    settings = NO_NETWORK | {"COURSE_MIRROR": f"{NOBODY}mirror"}
    notebook = setup_of("01_mri_mlp", f"{ADDRESS}@{TAG}")
    setup = colab.run(notebook, installed, tmp_path / "1", published[2], **settings).cells[0]
    [error] = [output for output in setup.outputs if output.output_type == "error"]
    assert error.ename == "CourseDataError" and f"{NOBODY}mirror" in error.evalue
    [line] = re.findall(r'run = runtime\.start\("01_mri_mlp", profile="showcase"\)', error.evalue)
    # And the line that it offers is enough.
    notebook = setup_of("01_mri_mlp", f"{ADDRESS}@{TAG}")
    setup = notebook.cells[0]
    setup.source = setup.source.replace('run = runtime.start("01_mri_mlp")', line)
    notebook = colab.run(notebook, installed, tmp_path / "2", published[2], **settings)
    assert errors(notebook) == []
    assert "profile: showcase (chosen in the set-up cell)" in printed(notebook.cells[0])


def test_without_a_gpu_the_profile_is_quick_and_the_way_to_one_is_told(
    installed, published, tmp_path
):
    check = "from course_utils import environment\n\nenvironment.check(run)"
    notebook = setup_of("00_start_here", f"{ADDRESS}@{TAG}", check)
    notebook = colab.run(notebook, installed, tmp_path, published[2], **NO_NETWORK)
    assert errors(notebook) == []
    assert "profile: quick (no GPU was found)" in printed(notebook.cells[0])
    assert "In Colab, Runtime → Change runtime type" in printed(notebook.cells[1])
