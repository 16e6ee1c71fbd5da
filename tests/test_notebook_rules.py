"""The chapters keep the rules, each rule can be broken, and a new chapter takes five files."""

import json
import os
import re
import shutil
import subprocess
import sys

import nbformat
import pytest
from notebook_rules import BADGE, ROOT, RULES, Notebook, badge_link, cells_of, read
from test_project import files_of_the_project

from course_utils.chapters import CHAPTERS, Chapter

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FIRST = read(PATHS[0])
SETUP = next(cell["source"] for cell in cells_of(FIRST) if cell["cell_type"] == "code")
NEW = "99_dummy"
END = """## Recap

Short. See [the top](#A-chapter), `course_utils/pipeline.py`.

## Questions

<details><summary>Why?</summary>Because.</details>

<details><summary>How?</summary>So.</details>

<details><summary>When?</summary>Now.</details>

## References

[A paper](https://arxiv.org/abs/1411.4038), [settings](../pyproject.toml).
"""


def problems(name, content):
    """Return what is wrong with a chapter, each with the rule that says so."""
    found = [(rule, p) for rule in RULES for p in rule(Notebook(name, content, FIRST))]
    return [f"{rule.__doc__} → {problem}" for rule, problem in found]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_chapter_keeps_the_rules(path):
    nbformat.validate(read(path), relax_add_props=False)
    if found := problems(path.stem, read(path)):
        pytest.fail("\n".join([path.name, *found]), pytrace=False)


def test_the_list_of_chapters_is_that_of_the_notebooks():
    assert [path.stem for path in PATHS] == list(CHAPTERS)


def cell(name, source, *tags, output=None):
    """Return a cell: markdown, or code where there is an output."""
    made = {"id": name, "metadata": {"tags": list(tags)} if tags else {}, "source": source}
    if output is None:
        return {"cell_type": "markdown", **made}
    return {"cell_type": "code", **made, "execution_count": None, "outputs": [output]}


def stream(text):
    return {"output_type": "stream", "name": "stdout", "text": text}


def figure(**metadata):
    """Return an output with a picture in it."""
    return {
        "output_type": "display_data",
        "data": {"image/png": ""},
        "metadata": {"image/png": metadata},
    }


def new_chapter():
    """Return a notebook of a few cells that keeps every rule, and runs."""
    title = (
        f"# A chapter\n\n[![Open in Colab]({BADGE})]({badge_link(cells_of(FIRST)[0]['source'])}"
        f"{NEW}.ipynb)\n\n> You will build a thing. You need nothing, and 3 minutes.\n\n"
    )
    setup = re.sub(r'start\(".*"\)$', f'start("{NEW}")', SETUP)
    cells = [
        cell("title", title + "word " * 800),
        cell("setup", setup, "setup", output=stream("profile: showcase\n")),
        cell("imports", "from course_utils.exercises import ch99 as exercises", output=stream("")),
    ]
    for number in ("one", "two", "three"):
        stub = "a = ...\n\nexercises.check_answer(a)"
        solution = "<details><summary>Solution</summary>\n\n```python\na = 1\n```\n\n</details>"
        cells += [
            cell(f"ex-{number}", "### Exercise\n\nSay which.", "exercise"),
            cell(f"stub-{number}", stub, "exercise-stub", output=stream("… Not yet: one.\n")),
            cell(f"solution-{number}", solution, "solution"),
        ]
    record = 'run.record("MLP", {"miou": 0.5}, protocol="one seed")'
    cells += [
        cell("record", record, output=figure(alt="Two pictures of one heart.")),
        cell("scoreboard", "run.scoreboard()", output=stream("a table")),
        cell("end", END),
    ]
    for count, one in enumerate((c for c in cells if c["cell_type"] == "code"), start=1):
        one["execution_count"] = count
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}


def swap(old, new):
    """Return a change of a cell's source."""

    def change(one):
        assert old in one["source"]
        one["source"] = one["source"].replace(old, new)

    return change


def put(**values):
    """Return a change of a cell's fields."""
    return lambda one: one.update(values)


ERROR = {"output_type": "error", "ename": "E", "evalue": "", "traceback": []}
BREAKS = [  # the cell, what is done to it (None: it is left out), and how that is reported
    ("title", swap("# A", "A"), "title"),
    ("title", swap(NEW, "98_other"), "badge"),
    ("end", swap("Short.", BADGE), "badge"),
    ("title", swap("3 minutes", "4 minutes"), "lacks '3 minutes'"),
    ("setup", put(metadata={}), "the id and the tag"),
    ("setup", swap("tf.keras", "keras"), "differs"),
    ("setup", swap(NEW, "98_other"), "ends with"),
    ("record", put(execution_count=9), "execution counts"),
    ("setup", put(outputs=[stream("profile: full\n")]), "profile: showcase"),
    ("record", put(outputs=[ERROR]), "is an error"),
    ("record", put(outputs=[figure()]), "text is ''"),
    ("record", put(outputs=[figure(alt="<Figure size 640x480 with 1 Axes>")]), "text is '<F"),
    ("record", put(outputs=[stream("x" * 1_000_000)]), "1,000,000"),
    ("record", put(source="x = 1\n" * 21), "21 lines"),
    ("record", put(source="x = 1\n" * 200), "lines of code"),
    ("title", swap("word ", "word word word word "), "words of prose"),
    ("title", swap("word ", ""), "words of prose"),
    ("ex-one", None, "2 exercises"),
    ("stub-one", None, "not followed by"),
    ("solution-one", None, "not followed by"),
    ("stub-one", swap("...", "1"), "no `...`"),
    ("stub-one", swap("exercises.", ""), "calls no"),
    ("stub-one", put(outputs=[stream("✓ Right.")]), "untouched stub"),
    ("solution-one", swap("<details>", ""), "not folded"),
    ("solution-one", swap("```python", "```"), "not folded"),
    ("record", put(source="exercises.check_answer(1)"), "belongs to no"),
    ("scoreboard", None, "no run.scoreboard()"),
    ("end", swap("## Recap", "## Summary"), "## Recap"),
    ("end", swap("<details>", ""), "three questions"),
    ("end", swap("](https://", "](http://"), "no link"),
    ("end", swap("https://arxiv", "http://arxiv"), "not https"),
    ("end", swap("pyproject", "notthere"), "there is no file"),
    ("end", swap("pipeline.py", "pipelin.py"), "there is no file"),
    ("end", swap("#A-chapter", "#B-chapter"), "there is no heading"),
    ("end", swap("Short.", "See /home/me/course."), "one machine"),
    ("record", put(source='x = "C:\\\\Users\\\\me"'), "one machine"),
    ("record", put(outputs=[stream("/root/.cache/x\n")]), "one machine"),
    ("record", swap("run.", "%pip install x\nrun."), "%pip"),
    ("record", swap("run.", "if x:\n    !ls\nrun."), "!ls"),
    ("record", swap("run.", "# NBVAL_SKIP\nrun."), "untested"),
    ("record", put(metadata={"tags": ["raises-exception"]}), "untested"),
]


def test_a_chapter_without_row_and_ids_is_told_so(monkeypatch):
    monkeypatch.delitem(CHAPTERS, NEW, raising=False)
    notebook = new_chapter()
    for one in notebook["cells"]:
        del one["id"]
    found = "\n".join(problems(NEW, notebook))
    assert f"chapters.py has no row '{NEW}'" in found and "not the id" in found


def test_each_rule_notices_when_it_is_broken(monkeypatch):
    monkeypatch.setitem(CHAPTERS, NEW, Chapter("Dummy", None, 3, "1 min", "nothing", "nothing"))
    assert problems(NEW, new_chapter()) == []
    for name, change, report in BREAKS:
        notebook = new_chapter()
        one = next(one for one in notebook["cells"] if one["id"] == name)
        if change is None:
            notebook["cells"].remove(one)
        else:
            change(one)
        found = problems(NEW, notebook)
        assert any(report in problem for problem in found), (name, report, found)


CHECK = '''"""Chapter 99's check."""

from .judge import Check

check_answer = Check("The number one.", solution=1, mistakes={"that is one too many.": [2]})
'''
PUBLISHED = {
    "run": "MLP",
    "chapters": [NEW],
    "scores": {"miou": 0.5},
    "source": "a tutorial",
    "protocol": "one seed",
}


def add_chapter(root):
    """Add a chapter to a copy of the project, with the five files that CONTRIBUTING names."""
    notebook = nbformat.from_dict(new_chapter())
    nbformat.write(notebook, root / "notebooks" / f"{NEW}.ipynb")
    chapters = root / "course_utils" / "chapters.py"
    row = f'    "{NEW}": Chapter("Dummy", None, 3, "a drawing", "that it fits"),\n}}\n"""'
    chapters.write_text(chapters.read_text("utf-8").replace('}\n"""', row), "utf-8")
    published = root / "results" / "published.json"
    records = read(published)["records"]
    published.write_text(json.dumps({"records": [*records, PUBLISHED]}), "utf-8")
    (root / "course_utils" / "exercises" / "ch99.py").write_text(CHECK, "utf-8")
    (root / "course_utils" / "dummy.py").write_text('"""What chapter 99 needs."""\n', "utf-8")


# One interpreter for all of it. That the package imports nothing heavy is not asked again.
WITH_FIVE_FILES = """
import sys, pytest, readme, run_tests
sys.exit(readme.main() or pytest.main(sys.argv[2:]) or run_tests.main(sys.argv[1:2]))
"""


def test_a_chapter_is_added_with_five_files(tmp_path):
    for path in files_of_the_project():
        copied = tmp_path / path.relative_to(ROOT)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copied)
    add_chapter(tmp_path)
    names = "notebook_rules", "project", "imports", "scoreboard"
    tests = [f"tests/test_{name}.py" for name in names]
    done = subprocess.run(
        [sys.executable, "-c", WITH_FIVE_FILES, NEW, "-k", "not five_files and not heavy", *tests],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(tmp_path / "tools")])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f" {NEW}: " in done.stdout, done.stdout
