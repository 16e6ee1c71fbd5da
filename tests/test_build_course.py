"""The web pages of the course."""

import build_course
import nbformat
import pytest
from bs4 import BeautifulSoup

TITLE = (
    "# 01 · A chapter\n\n[![Badge](b.svg)](c)\n\nThe *promise* of `it`, [here](x.md).\n\n> A box"
)


def write(folder, name, *sources):
    cells = [nbformat.v4.new_markdown_cell(TITLE)]
    cells += [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / f"{name}.ipynb")


def test_title_and_promise():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(TITLE)])
    assert build_course.title_and_promise(notebook) == (
        "01 · A chapter",
        "The promise of it, here.",
    )


def test_links_between_chapters_lead_to_their_pages():
    text = "[next](02_b.ipynb#Data), [code](../course_utils/metrics.py)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
    page = build_course.to_html(notebook, "A title")
    assert 'href="02_b.html#Data"' in page
    assert 'href="../../course_utils/metrics.py"' in page
    assert "<title>A title</title>" in page


def test_what_is_folded_stays_inside_its_fold():
    text = "<details><summary>Solution</summary>\n\n```python\nx = 6\n```\n\nHence.\n\n</details>"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
    page = build_course.to_html(notebook, "A title")
    folded = page[page.index("<details>") : page.index("</details>")]
    assert "Hence." in folded
    assert "highlight" in folded


def test_figures_say_what_they_show():
    figure = nbformat.v4.new_output(
        "display_data",
        {"image/png": "iVBORw0KGgo=", "text/plain": "text"},
        metadata={"image/png": {"alt": 'IoU of "a<b"'}},
    )
    cell = nbformat.v4.new_code_cell(outputs=[figure])
    page = build_course.to_html(nbformat.v4.new_notebook(cells=[cell]), "A title")
    (image,) = BeautifulSoup(page, "html.parser").find_all("img")
    assert image["alt"] == 'IoU of "a<b"'


def test_pages_have_dark_colours_a_width_and_code_that_scrolls():
    page = build_course.to_html(nbformat.v4.new_notebook(cells=[]), "A title")
    head = page[: page.index("</head>")]
    dark = head[head.index('<style media="(prefers-color-scheme: dark)">') :]
    assert "--jp-layout-color0" in dark[: dark.index("</style>")]
    assert "max-width: 62rem" in head
    assert "overflow-x: auto" in head


@pytest.fixture
def built(tmp_path):
    """Two chapters, the second of which fails."""
    said = []
    write(tmp_path, "01_good", "import os\nprint(os.environ['COURSE_PROFILE'], 6 * 7)")
    write(tmp_path, "02_bad", "print('so far')", "1 / 0")
    failed = build_course.build(tmp_path / "pages", tmp_path, said.append)
    return tmp_path / "pages", failed, said


def test_build_runs_chapters_in_the_sample_profile(built):
    pages, failed, said = built
    assert failed == ["02_bad"]
    assert "sample 42" in (pages / "01_good.html").read_text(encoding="utf-8")
    assert "so far" in (pages / "02_bad.html").read_text(encoding="utf-8")
    assert any("ZeroDivisionError" in line for line in said)
    index = (pages / "index.html").read_text(encoding="utf-8")
    assert '<a href="01_good.html">01 · A chapter</a>' in index
    assert index.count("failed") == 1


def test_save_keeps_outputs_and_adds_nothing_else(tmp_path):
    write(tmp_path, "01_good", "print(6 * 7)")
    before = nbformat.read(tmp_path / "01_good.ipynb", 4)
    assert build_course.build(tmp_path / "pages", tmp_path, list, save=True) == []
    after = nbformat.read(tmp_path / "01_good.ipynb", 4)
    assert after.cells[1].outputs[0].text == "42\n"
    assert after.cells[1].execution_count == 1
    assert after.metadata == before.metadata
    assert after.cells[1].metadata == before.cells[1].metadata


def test_build_leaves_the_notebooks_alone(tmp_path):
    write(tmp_path, "01_good", "print(6 * 7)")
    before = (tmp_path / "01_good.ipynb").read_bytes()
    build_course.build(tmp_path / "pages", tmp_path, list)
    assert (tmp_path / "01_good.ipynb").read_bytes() == before
