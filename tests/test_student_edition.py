"""The student edition holds no solution, and everything else."""

import re

import nbformat
import pytest
import student_edition
from notebook_rules import ROOT, solution_code, tags

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ADDRESS = "https://github.com/someone/course"
SOLUTION = "<details><summary>Solution</summary>\n\n```python\nanswer = 42\n```\n\n</details>"


def cell(kind, name, source, *tags_):
    """Return a cell."""
    made = getattr(nbformat.v4, f"new_{kind}_cell")(source, id=name)
    made.metadata["tags"] = list(tags_)
    return made


def small(**replaced):
    """Return a chapter with one exercise that was run."""
    stub = cell("code", "ask-stub", "answer = ...\nprint(answer)", "exercise-stub")
    stub.outputs = [nbformat.v4.new_output("stream", text="what was said")]
    stub.execution_count = 3
    cells = {
        "title": cell("markdown", "title", "# A chapter\n\n[next](02_b.ipynb#Data)"),
        "stub": stub,
        "solution": cell("markdown", "ask-solution", SOLUTION, "solution"),
    }
    return nbformat.v4.new_notebook(cells=list((cells | replaced).values()))


@pytest.fixture
def chapters(tmp_path):
    """A folder with two chapters."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name in ("01_a", "02_b"):
        nbformat.write(small(), folder / f"{name}.ipynb")
    return folder


@pytest.fixture
def out(chapters, tmp_path):
    """The student edition of these two."""
    student_edition.write(tmp_path / "deep" / "student", chapters, ADDRESS)
    return tmp_path / "deep" / "student"


def code_lines(text):
    """Return the lines that say something."""
    return {line.strip() for line in text.splitlines() if len(line.strip()) > 6}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_no_line_of_a_solution_is_left_and_everything_else_is(path):
    original = nbformat.read(path, 4)
    left = student_edition.student_notebook(original, {path.name for path in PATHS}, ADDRESS)
    nbformat.validate(left)
    lines = code_lines("\n".join(c.source for c in left.cells))
    stubs = code_lines("\n".join(c.source for c in left.cells if "exercise-stub" in tags(c)))
    solutions = [c for c in original.cells if "solution" in tags(c)]
    assert len(solutions) >= 3
    for solution in solutions:
        own = code_lines(solution_code(solution)) - stubs  # the `def` is in both
        assert own and not own & lines, solution.id
    kept = [c for c in original.cells if "solution" not in tags(c)]
    assert [(c.id, c.metadata) for c in left.cells] == [(c.id, c.metadata) for c in kept]
    title, badge, text = re.split(r"(\[!\[Open in Colab\].*\n\n)", kept[0].source)
    assert badge and left.cells[0].source == title + text
    docs = "](../docs/", f"]({ADDRESS}/blob/main/docs/"  # leads nowhere from a student's copy
    assert [c.source for c in left.cells[1:]] == [c.source.replace(*docs) for c in kept[1:]]
    assert left.metadata == original.metadata
    assert not any(c.outputs or c.execution_count for c in left.cells if c.cell_type == "code")
    assert any(c.get("outputs") for c in original.cells), "the chapter itself stays as it is"


@pytest.mark.parametrize(
    ("link", "tag", "expected"),
    [
        ("[next](02_b.ipynb#Data)", "", "[next](02_b.ipynb#Data)"),
        ("[code](../course_utils/io/)", "", f"[code]({ADDRESS}/blob/main/course_utils/io)"),
        ("[code](../course_utils/io/)", "@v7.2", f"[code]({ADDRESS}/blob/v7.2/course_utils/io)"),
        ('<img src="../docs/a.png">', "", f'<img src="{ADDRESS}/blob/main/docs/a.png">'),
        ("[away](https://example.org/a_b)", "", "[away](https://example.org/a_b)"),
        ("[here](#Data)", "", "[here](#Data)"),
    ],
)
def test_links_lead_where_they_led(link, tag, expected):
    notebook = small(title=cell("markdown", "title", link))
    left = student_edition.student_notebook(notebook, {"02_b.ipynb"}, ADDRESS + tag)
    assert left.cells[0].source == expected


@pytest.mark.parametrize(
    ("replaced", "reason"),
    [
        ({"solution": cell("markdown", "untagged", SOLUTION)}, "untagged: a solution without"),
        (
            {"solution": cell("raw", "spaced", "<details>\n<summary> <b>SOLUTION</b></summary>x")},
            "spaced: a solution without",
        ),
        ({"stub": cell("code", "full", "answer = 42", "exercise-stub")}, "full: a stub without"),
    ],
)
def test_a_solution_that_would_be_left_is_an_error(chapters, out, replaced, reason):
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    nbformat.write(small(**replaced), chapters / "02_b.ipynb")
    with pytest.raises(student_edition.CannotWrite, match=rf"02_b\.ipynb: cell {reason}"):
        student_edition.write(out, chapters, ADDRESS)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in out.parent.iterdir()] == ["student"]


def test_an_earlier_edition_is_replaced_whole(chapters, out, tmp_path):
    (out / ".ipynb_checkpoints").mkdir()  # left by who opened a chapter
    (chapters / "01_a.ipynb").unlink()
    student_edition.write(out, chapters, ADDRESS)
    assert {path.name for path in out.iterdir()} == {student_edition.NOTE, "02_b.ipynb"}
    with pytest.raises(student_edition.CannotWrite, match="no notebook"):
        student_edition.write(out, tmp_path, ADDRESS)


@pytest.mark.parametrize("name", ["01_a.ipynb", "marks.csv", "copies/a.ipynb", ".git/HEAD"])
def test_what_was_added_or_changed_is_not_thrown_away(chapters, out, name):
    (out / name).parent.mkdir(exist_ok=True)
    (out / name).write_text("mine", encoding="utf-8")
    with pytest.raises(student_edition.CannotWrite, match=name.partition("/")[0]):
        student_edition.write(out, chapters, ADDRESS)
    with pytest.raises(student_edition.CannotWrite, match="no earlier edition wrote"):
        student_edition.write(chapters, chapters, ADDRESS)
    assert (out / name).read_text(encoding="utf-8") == "mine"


def test_a_failing_rename_brings_the_old_folder_back(chapters, out, monkeypatch):
    rename = student_edition.os.rename

    def fails(source, target):
        if source.name == "new":
            raise OSError("full")
        rename(source, target)

    monkeypatch.setattr(student_edition.os, "rename", fails)
    with pytest.raises(OSError, match="full"):
        student_edition.write(out, chapters, ADDRESS)
    assert (out / "01_a.ipynb").exists()


@pytest.mark.parametrize("address", [student_edition.PLACEHOLDER, ADDRESS])
def test_command_line(tmp_path, capsys, monkeypatch, address):
    monkeypatch.setattr(student_edition, "address_of", lambda: address)
    assert student_edition.main(["--out", str(tmp_path / "s")]) == 0
    printed = capsys.readouterr()
    assert f"{len(PATHS)} chapters" in printed.out
    assert ("make badges REPO=owner/name" in printed.err) == (address != ADDRESS)
    (tmp_path / "s" / PATHS[1].name).write_text("my work", encoding="utf-8")
    assert student_edition.main(["--out", str(tmp_path / "s")]) == 1
    assert f"changed since: {PATHS[1].name}. Move that away" in capsys.readouterr().err
