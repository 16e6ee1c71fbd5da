"""Every chapter also runs with its solutions filled in, and every check accepts its solution.

That the chapters run as they are committed is nbval's part: see the Makefile.
"""

import ast
import re
import sys

import nbformat
import notebook_runner
import pytest
import run_results
from nbclient.exceptions import CellExecutionError
from notebook_rules import ROOT, output_text, solution_code, tags

from course_utils import exercises

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def fill_in(stub, solution):
    """Return a stub cell's source with the solution put before its check."""
    lines = stub.splitlines()
    check = next(i for i, line in enumerate(lines) if "exercises.check_" in line)
    return "\n".join([*lines[:check], solution, *lines[check:]])


def test_fill_in_puts_the_solution_before_the_check():
    assert fill_in("a = ...\n\nexercises.check_a(a)", "a = 1") == (
        "a = ...\n\na = 1\nexercises.check_a(a)"
    )


def up_to_the_last_use(cells, answers):
    """Return the cells up to the last one that is an answer or uses a name that one has given.

    The cells after it do what they do in the chapter as committed.
    """
    given = set()
    for statement in (line for cell in answers for line in ast.parse(cell.source).body):
        if isinstance(statement, ast.FunctionDef):
            given.add(statement.name)
        else:
            names = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
            given |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
    used = re.compile(rf"\b({'|'.join(given)})\b")
    last = max(
        index
        for index, cell in enumerate(cells)
        if cell in answers or (cell.cell_type == "code" and used.search(cell.source))
    )
    return cells[: last + 1]


def test_a_chapter_is_run_up_to_the_last_use_of_an_answer():
    sources = "x = 0", "def f(y):\n    x = y\n    return x", "x = 1", "print(f(2))", "print(x)"
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    assert up_to_the_last_use(cells, cells[1:2]) == cells[:4]
    assert up_to_the_last_use(cells, cells[2:3]) == cells
    assert up_to_the_last_use(cells[:3], cells[1:2]) == cells[:2]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_chapter_runs_with_its_solutions(path):
    notebook = notebook_runner.read(path)
    stubs = []
    for stub, after in zip(notebook.cells, notebook.cells[1:], strict=False):
        if "exercise-stub" in tags(stub):
            stub.source = fill_in(stub.source, solution_code(after))
            stubs.append(stub)
    assert stubs
    notebook.cells = up_to_the_last_use(notebook.cells, stubs)
    notebook_runner.execute(notebook, cell_timeout=300, COURSE_PROFILE="sample", COURSE_SEED="0")
    for stub in stubs:
        assert exercises.RIGHT in output_text(stub), f"{stub.id}: {output_text(stub)}"


def small_notebook(folder, *sources):
    """Write a notebook of a few code cells."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    path = folder / "small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


SETTINGS = "import os; print(sorted((k, v) for k, v in os.environ.items() if 'COURSE_' in k))"


def test_run_results_sets_the_run_and_keeps_its_log(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COURSE_SEED", "99")
    monkeypatch.delenv("COURSE_DATA_DIR")
    work = "import time\n\nwhile time.process_time() < 1.6:\n    pass\n1 + 1"
    path = small_notebook(tmp_path, SETTINGS, work)
    build = tmp_path / "build"
    assert run_results.run_chapter(path, 3, "quick", results=tmp_path / "figures", build=build)
    expected = [
        ("COURSE_PROFILE", "quick"),
        ("COURSE_RESULTS", str(tmp_path / "figures")),
        ("COURSE_SEED", "3"),
    ]
    assert str(expected) in capsys.readouterr().out
    log = (build / "small-quick-seed3.log").read_text(encoding="utf-8")
    assert str(expected) in log
    assert "\n2\n" in log
    if sys.platform != "win32":
        assert re.search(r"done in \d+ s, [1-9]\d* s of processor time, up to \d+\.\d GB", log)
    assert notebook_runner.read(build / "small-quick-seed3.ipynb").cells[1].outputs
    assert not notebook_runner.read(path).cells[0].outputs, "the chapter itself was changed"


def test_run_results_reports_a_failing_cell(tmp_path, capsys):
    path = small_notebook(tmp_path, "print('before')", "1 / 0", "print('after')")
    build = tmp_path / "build"
    assert not run_results.run_chapter(path, 0, "full", results=tmp_path, build=build)
    log = (build / "small-full-seed0.log").read_text(encoding="utf-8")
    assert "before" in log
    assert "ZeroDivisionError" in log
    assert "after" not in log
    assert notebook_runner.read(build / "small-full-seed0.ipynb").cells[0].outputs


def test_execute_lets_a_failing_cell_be_seen(tmp_path):
    notebook = notebook_runner.read(small_notebook(tmp_path, "1 / 0"))
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        notebook_runner.execute(notebook, folder=tmp_path)
