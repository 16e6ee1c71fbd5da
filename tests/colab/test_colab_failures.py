"""What a reader in Colab sees when something is wrong: one line that says it, and what to do."""

import json
import re

import colab_runtime
import pytest
import session
from notebook_rules import ROOT
from published import ADDRESS, TAG, leading_to
from stamp_repository import PLACEHOLDER

if not colab_runtime.RUNTIME:
    pytest.skip("COLAB_RUNTIME names no list of versions", allow_module_level=True)

NOBODY = "http://127.0.0.1:9/"  # the port where nobody listens
NO_NETWORK = {name: NOBODY for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")}
SAMPLE = {"COURSE_PROFILE": "sample"}
NO_NETWORK |= {"NO_PROXY": "", "no_proxy": ""}


def chapter(name, address, *more):
    """Return a chapter's set-up cell, leading to an address, and more cells, as a notebook."""
    notebook = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    setup = next(cell for cell in notebook["cells"] if cell["id"] == "setup")
    line = f'REPOSITORY = "{address}"'
    setup["source"] = re.sub(
        r'^REPOSITORY = ".*"$', line, "".join(setup["source"]), flags=re.MULTILINE
    )
    assert line in setup["source"]
    cells = [setup, *({**setup, "id": f"more-{i}", "source": s} for i, s in enumerate(more))]
    return {**notebook, "cells": cells}


def last_words(notebook):
    """Return what the set-up cell ended with."""
    (output,) = [o for o in notebook.cells[0].outputs if o.output_type == "error"]
    return f"{output.ename}: {output.evalue}"


@pytest.fixture(scope="module")
def untouched(runtimes):
    """A runtime in which nothing gets as far as being installed."""
    return runtimes()


def test_a_chapter_without_an_address_says_so(untouched, published, tmp_path):
    before = colab_runtime.inventory(untouched)
    notebook = chapter("01_mri_mlp", PLACEHOLDER)
    notebook = session.run(notebook, untouched, tmp_path, published.git_config)
    assert last_words(notebook) == (
        "RuntimeError: Open in the course's folder, or run data_scripts/stamp_repository.py"
    )
    assert colab_runtime.inventory(untouched) == before


@pytest.mark.parametrize(
    ("source", "place", "cause"),
    [
        (f"{ADDRESS}@{TAG}", NOBODY, r"unable to access .*127\.0\.0\.1|[Cc]onnect"),
        (f"{ADDRESS}-2", None, "does not (appear to be a git repository|exist)"),
        (f"{ADDRESS}@v99", None, "pathspec 'v99' did not match|find.* v99"),
    ],
    ids=["no network", "no such repository", "no such tag"],
)
def test_an_address_that_fails_says_so(source, place, cause, untouched, published, tmp_path):
    before = colab_runtime.inventory(untouched)
    config = leading_to(place, tmp_path / "gitconfig") if place else published.git_config
    notebook = session.run(chapter("01_mri_mlp", source), untouched, tmp_path, config)
    assert last_words(notebook) == (
        f"RuntimeError: pip could not install git+{source}. Network up? Address right? See above"
    )
    assert re.search(cause, session.said(notebook.cells[0])), session.said(notebook.cells[0])
    assert colab_runtime.inventory(untouched) == before


@pytest.fixture(scope="module")
def installed(published, runtimes, tmp_path_factory):
    """A runtime in which a chapter's set-up cell has run once."""
    environment, folder = runtimes(), tmp_path_factory.mktemp("installed")
    notebook = chapter("00_start_here", f"{ADDRESS}@{TAG}")
    notebook = session.run(notebook, environment, folder, published.git_config, **SAMPLE)
    assert list(session.errors(notebook)) == []
    return environment


def test_data_that_cannot_be_had_says_what_was_tried_and_offers_the_sample(
    installed, published, tmp_path
):
    notebook = chapter("01_mri_mlp", f"{ADDRESS}@{TAG}")
    settings = NO_NETWORK | {"COURSE_MIRROR": f"{NOBODY}mirror"}
    said = session.run(notebook, installed, tmp_path / "1", published.git_config, **settings)
    words = last_words(said)
    assert words.startswith("CourseDataError: ")
    assert f"{NOBODY}mirror" in words
    (line,) = re.findall(r'run = runtime\.start\("01_mri_mlp", profile="sample"\)', words)
    # And the line that it offers is enough.
    setup = notebook["cells"][0]
    setup["source"] = setup["source"].replace('run = runtime.start("01_mri_mlp")', line)
    said = session.run(notebook, installed, tmp_path / "2", published.git_config, **settings)
    assert list(session.errors(said)) == []
    assert "profile: sample (chosen in the set-up cell)" in session.said(said.cells[0])


def test_without_a_gpu_the_profile_is_quick_and_the_way_to_one_is_told(
    installed, published, tmp_path
):
    check = "from course_utils import environment\n\nmachine.check(run)"
    notebook = chapter("00_start_here", f"{ADDRESS}@{TAG}", check)
    notebook = session.run(notebook, installed, tmp_path, published.git_config, **NO_NETWORK)
    assert list(session.errors(notebook)) == []
    assert "profile: quick (no GPU was found)" in session.said(notebook.cells[0])
    assert "In Colab, Runtime → Change runtime type" in session.said(notebook.cells[1])
