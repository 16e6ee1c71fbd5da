"""The site: Sphinx builds it without a warning, and nothing of a chapter gets lost.

`make site` installs what this needs; without it, nothing here runs.
"""

import json
import re
import shutil
import subprocess
import sys

import pytest
from notebook_rules import ROOT
from stamp import PLACEHOLDER, stamp

from course_utils.chapters import CHAPTERS

pytest.importorskip("sphinx_book_theme")
bs4 = pytest.importorskip("bs4")

FILES = "README.md CONTRIBUTING.md pyproject.toml LICENSE LICENSE-text".split()
FOLDERS = "course_utils docs notebooks results".split()
FIGURES = {"image/png", "image/svg+xml"}


def build(folder, address):
    """Build the site of a copy of the project; return its folder."""
    for name in FILES:
        shutil.copy(ROOT / name, folder)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name)
    stamp(address, folder)
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--conf-dir", "docs"]
    done = subprocess.run(
        [*command, ".", "site"], cwd=folder, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site of a stamped copy."""
    return build(tmp_path_factory.mktemp("stamped"), "some-one/course@v1.2")


def page(path):
    """Return a page's tree."""
    return bs4.BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def cells(chapter):
    """Return a chapter's cells."""
    path = ROOT / "notebooks" / f"{chapter}.ipynb"
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def test_the_front_page_leads_to_every_chapter_in_order(site):
    front = page(site / "index.html")
    links = [link["href"] for link in front.select(".bd-sidebar-primary .toctree-l1 > a")]
    wanted = [f"notebooks/{chapter}.html" for chapter in CHAPTERS]
    assert [link for link in links if link.startswith("notebooks/")] == wanted
    assert "results/README.html" in links and "docs/instructors.html" in links
    table = {link["href"] for link in front.select("article td a[href]")}
    assert table >= set(wanted)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_has_its_figures_sliders_solutions_and_button(site, chapter):
    shown = page(site / "notebooks" / f"{chapter}.html")
    text = "\n".join("".join(c["source"]) for c in cells(chapter) if c["cell_type"] == "markdown")
    data = [output.get("data", {}) for c in cells(chapter) for output in c.get("outputs", [])]

    figures = shown.select("article .cell_output img")
    texts = ["".join(one["text/plain"]).split() for one in data if FIGURES & one.keys()]
    assert [figure["alt"].split() for figure in figures] == texts

    scripts = "".join("".join(one.get("text/html", "")) for one in data).count("<script>")
    assert len(shown.select("article .cell_output script")) == scripts

    folds = shown.select("article details:not(.hide)")  # .hide is the set-up cell
    assert len(folds) == text.count("<details>")
    assert not [fold for fold in folds if fold.has_attr("open")]
    inside = "".join(re.findall(r"<details>.*?</details>", text, re.DOTALL))
    code = [block for fold in folds for block in fold.select(".highlight")]
    assert len(code) == len(re.findall(r"^```\w+$", inside, re.MULTILINE))

    links = {link["href"] for link in shown.select("a[href]")}
    colab = "https://colab.research.google.com/github/some-one/course/blob/v1.2/notebooks/"
    assert f"{colab}{chapter}.ipynb" in links


def test_without_an_address_no_button_leads_nowhere(tmp_path):
    shown = page(build(tmp_path, PLACEHOLDER) / "notebooks" / "01_mri_mlp.html")
    assert not [a for a in shown.select("a[href]") if re.search("colab|not-stamped", a["href"])]
