"""How the chapters are run: solved copies, and a report of what goes wrong that never crashes.

That each chapter runs, and each check accepts its solution, is tools/run_tests.py's to find out.
"""

import os
import sys

import nbformat
import pytest
import run_tests

from course_utils.chapters import CHAPTERS

SOLUTION = "<details><summary>Solution</summary>\n\n```python\n{}\n```\n\n</details>"
CHECKS = """
import os, signal, time

class exercises:
    def check_answer(answer):
        return "✓ Right." if answer == 1 else "✗ Not quite: one is wanted."
"""
# What is wrong in a chapter's last cell, and how that is reported.
FAULTS = {
    "right": ("pass", "ok"),
    "slow": ("time.sleep(60)", "took longer than 5 s in cell 'last'"),
    "deaf": (
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(60)",
        "took longer than 5 s in cell 'last'",
    ),
    "dead": ("os._exit(1)", "its kernel died (was there enough memory?) in cell 'last'"),
    "wrong": ("pass", "failed in cell 'stub'"),
}


def write_chapter(path, last, answer="answer = 1"):
    cells = [
        nbformat.v4.new_code_cell(CHECKS, id="setup"),
        nbformat.v4.new_code_cell(
            "answer = ...\n\nexercises.check_answer(answer)",
            id="stub",
            metadata={"tags": ["exercise-stub"]},
        ),
        nbformat.v4.new_markdown_cell(SOLUTION.format(answer), id="solution"),
        nbformat.v4.new_code_cell(last, id="last"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


@pytest.mark.skipif(os.name == "nt", reason="make test, whose part this is, does not run there")
def test_every_fault_is_reported_as_that_chapter_and_cell(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run_tests, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(run_tests, "BUILD", tmp_path / "build")
    for name, (last, _) in FAULTS.items():
        answer = "answer = 2" if name == "wrong" else "answer = 1"
        write_chapter(tmp_path / f"{name}.ipynb", last, answer)
    assert run_tests.main([*FAULTS, "--cell-timeout", "5", "--jobs", "4"])
    *lines, total = capsys.readouterr().out.splitlines()[-len(FAULTS) - 1 :]
    assert total.endswith("in all, 4 side by side")
    for name, (_, result) in FAULTS.items():
        [line] = [line for line in lines if f" {name}: " in line]
        assert line.startswith("ok " if result == "ok" else "FAILED "), line
        assert result == "ok" or line.endswith(f" {name}: {result}"), line


def test_what_says_nothing_any_more_is_ended(tmp_path, capsys):
    command = [sys.executable, "-c", "import time; print('began'); time.sleep(600)"]
    part = run_tests.Part("02_mri_fcn", command, tmp_path / "log", limit=1)
    run_tests.run(part, dict(os.environ), echo=True)
    assert not part.ok and part.seconds < 60
    assert part.result == "took longer than 1 s before its first cell"
    part.command = [sys.executable, "-c", "print('31 passed in 1.0s')"]
    run_tests.run(part, dict(os.environ), echo=True)
    assert part.ok and part.result == "31 passed"
    assert "31 passed" in capsys.readouterr().out


def test_an_unknown_chapter_is_named_with_those_there_are(capsys):
    with pytest.raises(SystemExit):
        run_tests.main(["02_mri_fnc"])
    last = list(CHAPTERS)[-1]
    assert f"no part 02_mri_fnc; there are: package, {last}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "path", sorted(run_tests.NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem
)
def test_each_exercise_is_solved_in_the_copy(path):
    notebook = nbformat.read(path, as_version=4)
    run_tests.solve(notebook)
    for cell in notebook.cells:
        if "exercise-stub" in cell.metadata.get("tags", []):
            compile(cell.source, cell.id, "exec")
            assert cell.source.count("accepted(exercises.check_") == 1
            assert cell.source.count("exercises.check_") == 1
