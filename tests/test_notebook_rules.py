"""The chapters keep the rules, and each rule can be broken."""

import copy
import json
import re

import nbformat
import notebook_rules
import pytest
from notebook_rules import ROOT, RULES, Chapter
from stamp import address_of, notebooks_link

from course_utils import exercises

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LINK = notebooks_link(address_of())
END = """## Recap

Short. See [the top](#A-chapter), `course_utils/pipeline.py`.

## Questions

<details><summary>Why?</summary>Because.</details>

<details><summary>How?</summary>So.</details>

<details><summary>When?</summary>Now.</details>

## References

[A paper](https://arxiv.org/abs/1411.4038), [settings](../pyproject.toml).
"""


def load(path):
    """Read a notebook's JSON as it stands in the file."""
    return json.loads(path.read_text(encoding="utf-8"))


def setup_source():
    """Return the set-up cell of the first chapter."""
    return "".join(next(c for c in load(PATHS[0])["cells"] if c["cell_type"] == "code")["source"])


def test_the_first_chapters_are_there():
    names = [path.stem for path in PATHS]
    assert names[:3] == ["00_start_here", "01_mri_mlp", "02_mri_fcn"]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_notebook_is_valid(path):
    nbformat.validate(load(path), relax_add_props=False)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_chapter_keeps_the_rule(path, rule):
    problems = list(rule(Chapter(path.stem, load(path), LINK, setup_source())))
    if problems:
        pytest.fail("\n".join([f"{path.name}: {rule.__doc__}", *problems]), pytrace=False)


def test_set_up_cell_installs_from_the_one_address():
    address = re.search(r'^REPOSITORY = "(.+)"$', setup_source(), re.MULTILINE)[1]
    assert address == address_of()


def markdown(name, source, *tags):
    return {"cell_type": "markdown", "id": name, "metadata": _tagged(tags), "source": source}


def code(name, source, *tags, output="done\n"):
    return {
        "cell_type": "code",
        "id": name,
        "metadata": _tagged(tags),
        "source": source,
        "execution_count": None,
        "outputs": [stream(output)],
    }


def _tagged(tags):
    return {"tags": list(tags)} if tags else {}


def good_chapter():
    """A chapter of a few cells that keeps every rule."""
    title = (
        f"# A chapter\n\n[![Open in Colab]({notebook_rules.BADGE})]({LINK}good.ipynb)\n\n"
        "> What you will build, what you need, and 3 minutes.\n\n" + "word " * 800
    )
    setup = setup_source().rsplit("\n", 1)[0] + '\nrun = runtime.start("good")'
    cells = [markdown("title", title), code("setup", setup, "setup", output="profile: sample\n")]
    for number in ("one", "two", "three"):
        cells += [
            markdown(f"ex-{number}", "### Exercise\n\nSay which.", "exercise"),
            code(
                f"ex-{number}-stub",
                "a = ...\n\nexercises.check_tasks(a)",
                "exercise-stub",
                output=f"{exercises.MISSING} an answer.",
            ),
            markdown(
                f"ex-{number}-solution",
                "<details><summary>Solution</summary>\n\n```python\na = {}\n```\n\n</details>",
                "solution",
            ),
        ]
    cells += [
        code("figure", "plotting.show(figure, text)"),
        code("train", 'model.fit(x, y)\nrun.record("MLP", {})'),
        code("scoreboard", "run.scoreboard()"),
        markdown("end", END),
    ]
    cell({"cells": cells}, "figure")["outputs"] = [figure("Two pictures of one heart.")]
    for count, one in enumerate((c for c in cells if c["cell_type"] == "code"), start=1):
        one["execution_count"] = count
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "cells": cells,
    }


def problems_of(notebook, rule):
    return list(rule(Chapter("good", notebook, LINK, setup_source())))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_good_chapter_breaks_no_rule(rule):
    nbformat.validate(good_chapter())
    assert problems_of(good_chapter(), rule) == []


def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["id"] == name)


def put(name, source):
    """Return a mutation that replaces a cell's source."""
    return lambda notebook: cell(notebook, name).update(source=source)


def add(name, text):
    """Return a mutation that adds a line to a cell's source."""
    return lambda notebook: cell(notebook, name).update(
        source=cell(notebook, name)["source"] + "\n" + text
    )


def swap(name, old, new):
    """Return a mutation that replaces a part of a cell's source."""

    def mutate(notebook):
        assert old in cell(notebook, name)["source"]
        cell(notebook, name)["source"] = cell(notebook, name)["source"].replace(old, new)

    return mutate


def meta(name, **values):
    """Return a mutation that adds cell metadata."""
    return lambda notebook: cell(notebook, name)["metadata"].update(values)


def drop(*names):
    """Return a mutation that removes cells."""
    return lambda notebook: notebook.update(
        cells=[c for c in notebook["cells"] if c["id"] not in names]
    )


def outputs(name, *values):
    """Return a mutation that replaces a cell's outputs."""
    return lambda notebook: cell(notebook, name).update(outputs=list(values))


def stream(text):
    """Return an output with a text in it."""
    return {"output_type": "stream", "name": "stdout", "text": text}


def figure(alt=None):
    """Return an output with a picture in it."""
    metadata = {"image/png": {"alt": alt}} if alt else {}
    return {"output_type": "display_data", "data": {"image/png": ""}, "metadata": metadata}


ERROR = {"output_type": "error", "ename": "E", "evalue": "", "traceback": []}
BREAKS = [
    ("format", "4.4", lambda n: n.update(nbformat_minor=4)),
    ("format", "colab", lambda n: n["metadata"].update(colab={})),
    ("format", "kernelspec", lambda n: n["metadata"].update(kernelspec={"name": "venv"})),
    ("format", "language_info", lambda n: n["metadata"].pop("language_info")),
    ("format", "execution", meta("train", execution={})),
    ("ids", "more than once", lambda n: cell(n, "end").update(id="train")),
    ("ids", "not made of words", lambda n: cell(n, "end").update(id="a1b2c3d4")),
    ("ids", "not made of words", lambda n: cell(n, "end").update(id="The End")),
    ("opening", "title", swap("title", "# A", "A")),
    ("opening", "badge", swap("title", "good.ipynb", "other.ipynb")),
    ("opening", "badge", add("end", notebook_rules.BADGE)),
    ("opening", "minutes", swap("title", "minutes", "hours")),
    ("setup", "the id and the tag", meta("setup", tags=[])),
    ("setup", "differs", swap("setup", "tf.keras", "keras")),
    ("setup", "ends with", swap("setup", '"good"', '"other"')),
    ("executed", "execution counts", lambda n: cell(n, "train").update(execution_count=9)),
    ("executed", "profile: sample", outputs("setup", stream("profile: full\n"))),
    ("executed", "is an error", outputs("train", ERROR)),
    ("executed", "no output", outputs("scoreboard")),
    ("executed", "no output", outputs("ex-one-stub")),
    ("alternatives", "text is ''", outputs("train", figure())),
    ("alternatives", "text is '<F", outputs("train", figure("<Figure size 640x480 with 1 Axes>"))),
    ("size", "1,000,000", outputs("train", stream("x" * 1_000_000))),
    ("length", "21 lines", put("train", "x = 1\n" * 21)),
    ("length", "lines of code", lambda n: n["cells"].extend([cell(n, "train")] * 100)),
    ("length", "words of prose", add("title", "word " * 2500)),
    ("length", "words of prose", swap("title", "word ", "")),
    ("exercises", "2 exercises", drop("ex-one", "ex-one-stub", "ex-one-solution")),
    ("exercises", "not followed by", drop("ex-one-stub")),
    ("exercises", "not followed by", drop("ex-one-solution")),
    ("exercises", "no `...`", swap("ex-one-stub", "...", "1")),
    ("exercises", "calls no", swap("ex-one-stub", "exercises.", "")),
    ("exercises", "there is no", swap("ex-one-stub", "check_tasks", "check_nothing")),
    ("exercises", "untouched stub", outputs("ex-one-stub", stream("✓ Right."))),
    ("exercises", "not folded", swap("ex-one-solution", "<details>", "")),
    ("exercises", "not folded", swap("ex-one-solution", "```python", "```")),
    ("exercises", "over 30", swap("ex-one-solution", "a = {}", "a = {}\n" * 31)),
    ("exercises", "belongs to no", drop("ex-one")),
    ("exercises", "belongs to no", put("train", "exercises.check_tasks({})")),
    ("closing", "no run.scoreboard()", drop("scoreboard")),
    ("closing", "records no score", swap("train", "run.record", "print")),
    ("closing", "## Recap", swap("end", "## Recap", "## Summary")),
    ("closing", "three questions", swap("end", "<details>", "")),
    ("closing", "no link", swap("end", "](https://", "](http://")),
    ("links", "not https", swap("end", "https://arxiv", "http://arxiv")),
    ("links", "there is no file", swap("end", "pyproject", "notthere")),
    ("links", "there is no file", swap("end", "pipeline.py", "pipelin.py")),
    ("links", "there is no heading", swap("end", "#A-chapter", "#B-chapter")),
    ("paths", "one machine", add("end", "See /home/me/course.")),
    ("paths", "one machine", add("train", 'x = "C:\\\\Users\\\\me"')),
    ("paths", "one machine", outputs("train", stream("/root/.cache/x\n"))),
    ("python_only", "%pip", put("train", "%pip install x")),
    ("python_only", "!ls", put("train", "if x:\n    !ls")),
    ("nbval_markers", "alone", add("train", "x = 1  # NBVAL_IGNORE_OUTPUT")),
    ("nbval_markers", "untested", add("train", "# NBVAL_SKIP")),
    ("nbval_markers", "untested", meta("train", tags=["nbval-skip"])),
    ("nbval_markers", "no assert", meta("train", tags=["raises-exception"])),
    ("finished", "TODO", add("end", "TODO: write this.")),
]


@pytest.mark.parametrize(("name", "message", "mutate"), BREAKS)
def test_rule_notices(name, message, mutate):
    notebook = copy.deepcopy(good_chapter())
    mutate(notebook)
    found = problems_of(notebook, getattr(notebook_rules, f"rule_{name}"))
    assert any(message in problem for problem in found), found


def test_every_rule_is_broken_once():
    assert {f"rule_{name}" for name, *_ in BREAKS} == {rule.__name__ for rule in RULES}
