"""Every chapter in a real JupyterLab and a real browser: what a reader sees and does there.

CHROMIUM=chromium python -m pytest tests/browser                  # all chapters
CHROMIUM=chromium python -m pytest tests/browser -k 01_mri_mlp    # one
"""

import hashlib
import re

import notebook_runner
import pytest
import seen
from notebook_page import CHROMIUM
from notebook_rules import ROOT, solution_code, tags
from run_tests import fill_in

from course_utils.exercises import judge

if not CHROMIUM:
    pytest.skip("CHROMIUM does not name a browser's program", allow_module_level=True)

CHAPTERS = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
FOLDED = re.compile(r"<details>\s*<summary>.*?</summary>(.*?)</details>", re.DOTALL)

# An exercise of each chapter, an answer with a known mistake, and words of the hint to it.
WRONG = {
    "00_start_here": (
        "ex-from-one-hot-stub",
        "def from_one_hot(channels):\n    return channels.argmax(axis=0)",
        "that compares rows",
    ),
    "01_mri_mlp": (
        "ex-miou-stub",
        "def mean_iou(matrix):\n    return np.diag(matrix).sum() / matrix.sum()",
        "that is the pixel accuracy",
    ),
    "02_mri_fcn": (
        "ex-conv-stub",
        "def conv_size(size, kernel, stride, padding):\n"
        "    return (size + padding - kernel) // stride + 1",
        "the padding is on both sides",
    ),
    "03_mri_unet": (
        "ex-decision-stub",
        "def same_decision(logits):\n    return logits[..., 1] > 0",
        "class 0's logit counts too",
    ),
    "04_stanford_labels_and_scores": (
        "ex-labels-stub",
        "def to_labels(numbers):\n    return numbers.astype(np.uint8)",
        "−3 became 253",
    ),
    "05_stanford_pretrained_unet": (
        "ex-size-stub",
        "def padded_size(height, width):\n    return height // 32 * 32, width // 32 * 32",
        "that rounds down",
    ),
    "06_dsb2018_unetpp": (
        "ex-merge-stub",
        "def merge_masks(masks):\n    return masks.max(axis=0)",
        "nuclei are still 255",
    ),
}


def files(folder, but):
    """Return a hash of each file, that of one path and JupyterLab's checkpoints left out."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and ".ipynb_checkpoints" not in path.parts and path != folder / but
    }


def plain_words(text):
    """Return the longest stretch of a Markdown text that no markup interrupts."""
    return max(re.findall(r"[A-Za-z][A-Za-z ,]*[A-Za-z]", text), key=len)


@pytest.fixture(scope="module", params=CHAPTERS)
def chapter(request, opened, project):
    """A chapter as committed; open in the browser, and run; the files before that."""
    saved = notebook_runner.read(ROOT / "notebooks" / f"{request.param}.ipynb")
    path = f"notebooks/{request.param}.ipynb"
    before = files(project, path)
    notebook = opened(path)
    notebook.run_all()
    return saved, notebook, before


def test_runs_without_an_error(chapter):
    _, notebook, _ = chapter
    assert not list(seen.not_run(notebook))


def test_figures_are_seen(chapter):
    saved, notebook, _ = chapter
    wanted = {
        cell.id: sum("image/png" in output.get("data", {}) for output in cell.outputs)
        for cell in saved.cells
        if cell.cell_type == "code"
    }
    assert not list(seen.figures_missing(notebook, wanted))
    assert not list(seen.not_moving(notebook))
    assert not list(seen.formulas_wrong(notebook))
    notebook.pictures()


def test_exercises_are_open(chapter):
    saved, notebook, _ = chapter
    stubs = [cell.id for cell in saved.cells if "exercise-stub" in tags(cell)]
    assert stubs
    assert not list(seen.not_open(notebook, stubs))


def test_solutions_are_folded(chapter):
    saved, notebook, _ = chapter
    wanted = {
        cell.id: [plain_words(inside) for inside in FOLDED.findall(cell.source)]
        for cell in saved.cells
        if cell.cell_type == "markdown" and "<details>" in cell.source
    }
    assert wanted
    assert not list(seen.not_folded(notebook, wanted))
    notebook.cell(next(cell.id for cell in saved.cells if "solution" in tags(cell)))
    notebook.picture("opened")


def test_an_answer_is_judged(chapter):
    saved, notebook, _ = chapter
    if notebook.name not in WRONG:
        pytest.skip("no wrong answer is written down for this chapter")
    name, wrong, hint = WRONG[notebook.name]
    at = next(i for i, cell in enumerate(saved.cells) if cell.id == name)
    stub, right = saved.cells[at].source, solution_code(saved.cells[at + 1])
    said = notebook.fill_in(name, fill_in(stub, wrong))
    notebook.picture("wrong")
    assert said.startswith(judge.OPENINGS[judge.WRONG])
    assert hint in said
    said = notebook.fill_in(name, fill_in(stub, right))
    notebook.picture("right")
    assert said.strip() == judge.OPENINGS[judge.RIGHT]


def test_nothing_else_is_changed(chapter, project):
    _, notebook, before = chapter
    notebook.save()
    kept = notebook_runner.read(project / notebook.path)
    assert judge.OPENINGS[judge.RIGHT] in str(kept.cells) or notebook.name not in WRONG
    assert files(project, notebook.path) == before
