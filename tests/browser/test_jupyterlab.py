"""That `make lab` leads to the first chapter, and that what is wrong in a notebook is seen."""

import nbformat
import pytest
import seen
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from notebook_page import CHROMIUM

if not CHROMIUM:
    pytest.skip("CHROMIUM does not name a browser's program", allow_module_level=True)

BROKEN = (
    "from IPython.display import Image\nImage(data=b'\\x89PNG\\r\\n\\x1a\\n no more', format='png')"
)
DRAWN = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
HTML = "from IPython.display import HTML\n"


def test_make_lab_opens_the_first_chapter(lab, opened):
    notebook = opened("notebooks/00_start_here.ipynb", lab.address())
    assert notebook.cell("title").locator("h1").is_visible()


@pytest.fixture
def small(project, opened):
    """Return a function that opens and runs a notebook of these cells, named a, b, c, …"""

    def run(*sources):
        book = new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python"}})
        for name, source in zip("abcdef", sources, strict=False):
            new = new_markdown_cell if source.startswith("<") else new_code_cell
            book.cells.append(new(source, id=name))
        nbformat.write(book, project / "notebooks" / "small.ipynb")
        notebook = opened("notebooks/small.ipynb")
        notebook.run_all(minutes=2)
        return notebook

    return run


def test_a_failing_cell_is_seen(small):
    notebook = small("1 + 1", "1 / 0", "2 + 2")
    assert list(seen.not_run(notebook)) == [
        "cell b: ZeroDivisionError: division by zero",
        "cell c: number None instead of 3",
    ]


def test_a_dead_kernel_is_seen(small):
    notebook = small("1 + 1", "import os, time\ntime.sleep(1)\nos._exit(1)", "2 + 2")
    assert "the kernel died" in list(seen.not_run(notebook))


def test_other_faults_are_seen(small):
    folded = (
        "<details><summary>Solution</summary>\n\nHalf of it: $\\nothing$ $\\frac{1}$.\n\n</details>"
    )
    notebook = small(
        "import sys\nprint('a warning', file=sys.stderr)",
        DRAWN,
        BROKEN,
        folded.replace("<details>", "<details open>"),
        folded,
        HTML + "HTML('<div id=interactive-1><input type=range><svg width=9 height=9></svg></div>')",
    )
    assert list(seen.not_run(notebook)) == ["cell a: in red: a warning\n"]
    assert list(seen.figures_missing(notebook, {"a": 1, "b": 1, "c": 1})) == [
        "cell a: 0 figures of 1",
        "cell c: a figure is not to be seen",
    ]
    assert list(seen.not_open(notebook, "b"))
    words = {"d": ["Half"], "e": ["Half", "Whole"]}
    assert list(seen.not_folded(notebook, words)) == [
        "cell d: a folded part stands open",
        "cell e: 1 folded parts of 2",
    ]
    assert list(seen.not_folded(notebook, {"e": ["Whole"]})) == [
        "cell e: opened, it does not show 'Whole'"
    ]
    assert list(seen.not_moving(notebook)) == ["cell f: a slider moves nothing"]
    unset = ["a formula is not set: \\nothing", "a formula is not set: \\frac{1}"]
    assert list(seen.formulas_wrong(notebook)) == 2 * unset


def test_figures_with_sliders_move(small):
    notebook = small(
        "import sys\nsys.path.insert(0, '..')",
        "from course_utils.plotting import interactive\ninteractive.explore_convolution()",
    )
    assert notebook.page.locator('[id^="interactive-"] input').count()
    assert not list(seen.not_moving(notebook))
