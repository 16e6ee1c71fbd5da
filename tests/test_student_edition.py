"""The student edition holds no solution, and everything else."""

import re

import nbformat
import notebook_runner
import pytest
import student_edition
from notebook_rules import ROOT, solution_code, tags

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ADDRESS = "https://github.com/someone/course"
SOLUTION = "<details><summary>Solution</summary>\n\n```python\nanswer = 42\n```\n\n</details>"


def cell(kind, name, source, *tags_):
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
        "ask": cell("markdown", "ask", "### Exercise 1", "exercise"),
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


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The student edition of the course."""
    return student_edition.write(tmp_path_factory.mktemp("student") / "student")


def code_lines(text):
    return {line.strip() for line in text.splitlines() if len(line.strip()) > 6}


def test_no_line_of_a_solution_is_left(written):
    assert [path.name for path in written] == [path.name for path in PATHS]
    solutions = 0
    for before, after in zip(PATHS, written, strict=True):
        left = nbformat.read(after, 4)
        lines = code_lines("\n".join(c.source for c in left.cells))
        stubs = code_lines("\n".join(c.source for c in left.cells if "exercise-stub" in tags(c)))
        for original in nbformat.read(before, 4).cells:
            if "solution" in tags(original):
                solutions += 1
                own = code_lines(solution_code(original)) - stubs  # the `def` is in both
                assert own, original.id
                assert not own & lines, (after.name, own & lines)
    assert solutions >= 3 * len(PATHS)


def test_everything_else_of_the_course_is_left(written):
    for before, after in zip(PATHS, written, strict=True):
        original, left = nbformat.read(before, 4), nbformat.read(after, 4)
        nbformat.validate(left)
        kept = [c for c in original.cells if "solution" not in tags(c)]
        assert [(c.id, c.cell_type, c.metadata) for c in left.cells] == [
            (c.id, c.cell_type, c.metadata) for c in kept
        ]
        badge = re.search(r"\[!\[Open in Colab\].*\n\n", kept[0].source)[0]
        kept[0].source = kept[0].source.replace(badge, "")
        assert [c.source for c in left.cells] == [c.source for c in kept], "a link was rewritten"
        assert "colab" not in left.cells[0].source
        assert left.metadata == original.metadata
        assert all(
            not c.outputs and c.execution_count is None for c in left.cells if "outputs" in c
        )
        assert "<details><summary>" in left.cells[-1].source, "the questions keep their answers"


def test_first_chapter_runs_elsewhere_with_the_package_installed(written, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = notebook_runner.read(written[0])
    notebook_runner.execute(
        notebook, folder=tmp_path, cell_timeout=300, COURSE_PROFILE="sample", COURSE_SEED="0"
    )
    assert notebook.cells[1].outputs
    assert not notebook_runner.read(written[0]).cells[1].outputs


def test_outputs_and_solutions_go_and_the_chapter_itself_stays():
    notebook = small()
    left = student_edition.student_notebook(notebook, {"02_b.ipynb"}, ADDRESS)
    assert [c.id for c in left.cells] == ["title", "ask", "ask-stub"]
    badge = f"[![Open in Colab](https://a.org/b.svg)]({ADDRESS}/blob/main/notebooks/01_a.ipynb)"
    notebook.cells[0].source = f"# A chapter\n\n{badge}\n\n[next](02_b.ipynb#Data)"
    left = student_edition.student_notebook(notebook, {"02_b.ipynb"}, ADDRESS)
    notebook.cells[0].source = "# A chapter\n\n[next](02_b.ipynb#Data)"
    assert left.cells[0].source == notebook.cells[0].source
    assert (left.cells[2].outputs, left.cells[2].execution_count) == ([], None)
    assert len(notebook.cells) == 4
    assert notebook.cells[2].outputs
    assert notebook.cells[2].execution_count == 3


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("[next](02_b.ipynb#Data)", "[next](02_b.ipynb#Data)"),
        ("[code](../course_utils/metrics/)", f"[code]({ADDRESS}/blob/main/course_utils/metrics)"),
        ('<img src="../docs/a.png">', f'<img src="{ADDRESS}/blob/main/docs/a.png">'),
        ("[away](https://example.org/a_b)", "[away](https://example.org/a_b)"),
        ("[here](#Data)", "[here](#Data)"),
    ],
)
def test_links_lead_where_they_led(link, expected):
    notebook = small(title=cell("markdown", "title", link))
    left = student_edition.student_notebook(notebook, {"02_b.ipynb"}, ADDRESS)
    assert left.cells[0].source == expected


def test_links_lead_to_the_tag_where_there_is_one():
    notebook = small(title=cell("markdown", "title", "[code](../course_utils/metrics/)"))
    left = student_edition.student_notebook(notebook, (), f"{ADDRESS}@v7.2")
    assert left.cells[0].source == f"[code]({ADDRESS}/blob/v7.2/course_utils/metrics)"


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
def test_a_solution_that_would_be_left_is_an_error(chapters, tmp_path, replaced, reason):
    out = tmp_path / "student"
    student_edition.write(out, chapters, ADDRESS)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    nbformat.write(small(**replaced), chapters / "02_b.ipynb")
    with pytest.raises(student_edition.CannotWrite, match=rf"02_b\.ipynb: cell {reason}"):
        student_edition.write(out, chapters, ADDRESS)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notebooks", "student"]


def test_an_earlier_edition_is_replaced_and_nothing_else(chapters, tmp_path):
    out = tmp_path / "deep" / "student"
    student_edition.write(out, chapters, ADDRESS)
    (chapters / "01_a.ipynb").unlink()
    student_edition.write(out, chapters, ADDRESS)
    assert {path.name for path in out.iterdir()} == {student_edition.NOTE, "02_b.ipynb"}
    for folder in (chapters, tmp_path):
        with pytest.raises(student_edition.CannotWrite, match="no earlier edition wrote"):
            student_edition.write(folder, chapters, ADDRESS)
    assert (chapters / "02_b.ipynb").exists()
    with pytest.raises(student_edition.CannotWrite, match="no notebook"):
        student_edition.write(out, tmp_path, ADDRESS)


@pytest.mark.parametrize(
    ("name", "work"),
    [("01_a.ipynb", "mine"), ("marks.csv", "mine"), ("copies/a.ipynb", "mine"), (".git/HEAD", "x")],
)
def test_what_was_added_or_changed_is_not_thrown_away(chapters, tmp_path, name, work):
    out = tmp_path / "student"
    student_edition.write(out, chapters, ADDRESS)
    (out / name).parent.mkdir(exist_ok=True)
    (out / name).write_text(work, encoding="utf-8")
    with pytest.raises(student_edition.CannotWrite, match=name.partition("/")[0]):
        student_edition.write(out, chapters, ADDRESS)
    assert (out / name).read_text(encoding="utf-8") == work


def test_what_opening_a_chapter_leaves_is_no_obstacle(chapters, tmp_path):
    out = tmp_path / "student"
    student_edition.write(out, chapters, ADDRESS)
    (out / ".ipynb_checkpoints").mkdir()
    (out / ".ipynb_checkpoints" / "01_a-checkpoint.ipynb").write_text("x", encoding="utf-8")
    student_edition.write(out, chapters, ADDRESS)
    assert not (out / ".ipynb_checkpoints").exists()


def test_a_failing_rename_brings_the_old_folder_back(chapters, tmp_path, monkeypatch):
    out = tmp_path / "student"
    student_edition.write(out, chapters, ADDRESS)
    rename = student_edition.os.rename

    def fails(source, target):
        if source.name == "new":
            raise OSError("full")
        rename(source, target)

    monkeypatch.setattr(student_edition.os, "rename", fails)
    with pytest.raises(OSError, match="full"):
        student_edition.write(out, chapters, ADDRESS)
    assert (out / "01_a.ipynb").exists()


def test_command_line(tmp_path, capsys, monkeypatch):
    assert student_edition.main(["--out", str(tmp_path / "s")]) == 0
    assert f"{len(PATHS)} chapters" in capsys.readouterr().out
    (tmp_path / "s" / "01_mri_mlp.ipynb").write_text("my work", encoding="utf-8")
    assert student_edition.main(["--out", str(tmp_path / "s")]) == 1
    assert "changed since: 01_mri_mlp.ipynb. Move that away" in capsys.readouterr().err


@pytest.mark.parametrize("address", [student_edition.PLACEHOLDER, ADDRESS])
def test_a_copy_without_address_is_warned_of(tmp_path, capsys, monkeypatch, address):
    monkeypatch.setattr(student_edition, "address_of", lambda: address)
    assert student_edition.main(["--out", str(tmp_path / "s")]) == 0
    assert ("make badges REPO=owner/name" in capsys.readouterr().err) == (address != ADDRESS)
