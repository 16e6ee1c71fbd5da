"""The instructor's check of notebooks, by copies of a made-up chapter and of a real one."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import copies
import grade
import nbformat
import pytest
import run_results
import run_tests
import student_edition
from notebook_rules import solution_code, tags

import notebooks

ROOT = Path(__file__).resolve().parents[1]
START = 'if False:\n    runtime.start("01_tiny")\n'
SHARE_CHECK = "\nexercises.check_foreground_share(foreground_share)"
BASELINE_CHECK = "\nexercises.check_baseline(accuracy, truth)"
CHAPTER = {
    "setup": START + "import numpy as np\nfrom course_utils.exercises import ch01 as exercises",
    "truth": "truth = np.zeros((2, 4, 4), np.uint8)\ntruth[0, :2] = 1",
    "axes": "axes = 1, 2",
    "first": "",
    "share-stub": "def foreground_share(masks):\n    return ...\n" + SHARE_CHECK,
    "second": "",
    "baseline-stub": "accuracy = ...\n" + BASELINE_CHECK,
    "last": "if foreground_share(truth) is ...: raise ValueError",
}
SHARE = "def foreground_share(masks):\n    return masks.mean((1, 2))\n"
BASELINE = "accuracy = (truth == 0).mean()\n"
RIGHT = {"share-stub": SHARE + SHARE_CHECK, "baseline-stub": BASELINE + BASELINE_CHECK}
CALLED = "def foreground_share(masks):\n    import os, sys, time\n    "
DEAF = (
    "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile 1: time.sleep(0.01)"
)
REFUSED = "refused = globals().get('refused', 0) + 1"
FLOOD = "while 1: print('x' * 100_000)"
LOOKS = """
import os
assert os.listdir() == [] and os.environ["COURSE_PROFILE"] == "sample"
assert "COURSE_RESULTS" not in os.environ
"""
# What a copy changes of the chapter, and what is said about its two exercises.
COPIES = {
    "foreseen mistakes": (
        {
            "share-stub": "def foreground_share(masks):\n    return masks.mean()\n" + SHARE_CHECK,
            "baseline-stub": "accuracy = 100 * (truth == 0).mean()\n" + BASELINE_CHECK,
        },
        "wrong: one number for all masks",
        "wrong: in percent",
    ),
    "typed from the real data, and a cell that fails": (
        {"share-stub": "import not_there\n" + SHARE, "baseline-stub": "accuracy = 0.982"},
        "wrong: the cell stopped: ModuleNotFoundError",
        "right: That is the share on the real masks.",
    ),
    "failing cells, no Python, questions, and ends of the kernel that are none": (
        RIGHT
        | {
            "first": f"try:\n    open('/dev/tty')\nexcept OSError:\n    {REFUSED}\n1 / 0",
            "second": f"try:\n    input()\nexcept Exception:\n    {REFUSED}\nraise SystemExit(3)",
            "share-stub": "%matplotlib inline\n" + RIGHT["share-stub"] + "\n1 / 0",
            "baseline-stub": "assert refused == 2\n" + RIGHT["baseline-stub"],
            "last": "this is no Python",
        },
        "right",
        "right",
    ),
    "figures left open while the check looks": (
        {
            "first": "%matplotlib inline\nimport matplotlib.pyplot as plt",
            "share-stub": SHARE.replace("    return", "    plt.figure()\n    return"),
            "baseline-stub": BASELINE,
        },
        "right",
        "right",
    ),
    "names overwritten, praise printed": (
        {
            "first": "print('✓ Right.')\nprint = all = type = exercises = None",
            "share-stub": SHARE,
        },
        "right",
        "not tried: replace the `...`",
    ),
    "ids gone, a stub once more, a cell gone": (
        {
            "share-stub": "",
            "first": RIGHT["share-stub"],
            "second": CHAPTER["share-stub"],
            "baseline-stub": "",
            "last": "1 / 0",
        },
        "right",
        "not tried: its cell is gone or empty",
    ),
    "check gone, answer elsewhere": (
        {"first": BASELINE, "share-stub": SHARE, "baseline-stub": ""},
        "right",
        "right",
    ),
    "what the check takes is gone": (
        {"truth": "", "share-stub": CALLED + "raise ValueError(chr(0xd800))"}
        | {"baseline-stub": "accuracy = 0.75" + BASELINE_CHECK},
        "wrong: your function stopped with ValueError: ?",
        "not graded: the check stopped with NameError: name 'truth'",
    ),
    "own set-up, own folder": (
        {
            "setup": START + "import os\nos.chdir('/')  # and downloads everything",
            "share-stub": LOOKS + SHARE,
            "baseline-stub": BASELINE + LOOKS,
        },
        "right",
        "right",
    ),
    "own set-up without id and tag": (
        RIGHT | {"first": START + "truth = None"},
        "right",
        "right",
    ),
    "magics around answers": (
        {
            "share-stub": "%%time\n" + SHARE.replace("(1, 2)", "axes") + SHARE_CHECK,
            "baseline-stub": "%%capture out\n" + RIGHT["baseline-stub"],
        },
        "right",
        "right",
    ),
    "exit in a function, no Python": (
        {"share-stub": CALLED + "sys.exit(0)", "baseline-stub": "accuracy = (("},
        "wrong: your function stopped with SystemExit",
        "wrong: the cell stopped: SyntaxError",
    ),
    "endless loop and output": (
        {
            "first": FLOOD,
            "share-stub": CALLED + "while 1: time.sleep(0.01)",
            "baseline-stub": BASELINE + "while 1: pass",
        },
        "wrong: the answer stopped: it did not end within 2 s",
        "right",
    ),
    "no interrupt": (
        RIGHT | {"second": DEAF},
        "right",
        "not graded: the kernel had ended before it",
    ),
    "a cell ends the kernel": (
        RIGHT | {"share-stub": SHARE + "import os\nos._exit(0)"},
        "wrong: the cell stopped: it ended the kernel",
        "not graded: the kernel had ended before it",
    ),
    "a function ends the kernel": (
        RIGHT | {"share-stub": CALLED + "os.abort()"},
        "wrong: the cell stopped: it ended the kernel",
        "not graded: the kernel had ended before it",
    ),
}


def cells_of(changes=None):
    """Return the tiny chapter's cells with some changed, or gone."""
    made = []
    for name, source in (CHAPTER | (changes or {})).items():
        if "-stub" in name:
            task = nbformat.v4.new_markdown_cell(f"### Exercise · {name}\n\nThus.")
            task.metadata["tags"] = ["exercise"]
            made.append(task)
        tag = {"setup": ["setup"]}.get(name, ["exercise-stub"] if "-stub" in name else [])
        if source:
            made.append(nbformat.v4.new_code_cell(source, id=name, metadata={"tags": tag}))
    return made


def save(path, cells):
    """Write a notebook."""
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the tiny chapter."""
    made = tmp_path_factory.mktemp("course")
    save(made / "01_tiny.ipynb", cells_of())
    return made


@pytest.mark.parametrize("case", COPIES)
def test_copies(folder, tmp_path, monkeypatch, case):
    changes, *expected = COPIES[case]
    if "no interrupt" in case:  # elsewhere the kernel obeys, on a busy machine later
        monkeypatch.setattr(grade, "INTERRUPT_SECONDS", 1)
    monkeypatch.setenv("COURSE_RESULTS", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "course_utils").mkdir()
    (tmp_path / "course_utils" / "__init__.py").write_text("raise RuntimeError('a copy')")
    path = save(tmp_path / "copy.ipynb", cells_of(changes))
    seconds = 2 if "2 s" in expected[0] or "no interrupt" in case else 60
    rows = grade.grade(path, copies.read_course(folder), cell_timeout=seconds)
    assert [row.exercise for row in rows] == ["share-stub", "baseline-stub"]
    assert {row.chapter for row in rows} == {"01_tiny"}
    for row, said in zip(rows, expected, strict=True):
        outcome, _, hint = said.partition(": ")
        assert row.outcome == outcome
        assert hint in row.hint


def test_time_over_and_a_set_up_that_fails_are_said_and_not_marked(folder, tmp_path):
    path = save(tmp_path / "copy.ipynb", cells_of(RIGHT))
    rows = grade.grade(path, copies.read_course(folder), timeout=1e-6)
    assert {(row.outcome, row.hint) for row in rows} == {
        ("not graded", "the notebook's time was over before it")
    }
    save(tmp_path / "01_tiny.ipynb", cells_of({"setup": "import not_there"}))
    rows = grade.grade(path, copies.read_course(tmp_path))
    assert {row.outcome for row in rows} == {"not graded"}
    assert rows[0].hint.startswith("the chapter's set-up cell failed: ModuleNotFoundError")


def test_no_output_of_a_copy_is_sent_or_kept(monkeypatch):
    seen = []
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # a kernel that sees it does not look at os.write
    with grade.start_kernel(60) as client:
        receive = client.kc.iopub_channel.get_msg

        async def see(**options):
            seen.append(await receive(**options))
            return seen[-1]

        monkeypatch.setattr(client.kc.iopub_channel, "get_msg", see)
        assert client.run("print('x')\n'y'", 30) == ""
        assert client.nb.cells[0].outputs == []
        for written in (
            "print('x')",
            "print('x', file=sys.stderr)",
            "print('x', file=sys.__stdout__)",
            "os.write(1, b'x')",
        ):
            later = "time.sleep(0.5)"  # streams are sent with a delay
            assert client.run(f"import os, sys, time\n{written}\n{later}", 30) == ""
        # Nor is it held in the kernel: 500 MB.
        grown = "\n".join(
            [
                "import psutil",
                "memory = psutil.Process().memory_info",
                "before = memory().rss",
                "for _ in range(5000): print('x' * 100_000)",
                "assert memory().rss - before < 100e6",
            ]
        )
        assert client.run(grown, 30) == ""
    kinds = {message["msg_type"] for message in seen}
    assert "execute_result" in kinds and "stream" not in kinds


def test_first_chapter_every_second_exercise_solved_the_others_as_handed_out(tmp_path):
    original = nbformat.read(ROOT / "notebooks" / "00_start_here.ipynb", 4)
    left = student_edition.student_notebook(original, (), "")
    stubs = [cell for cell in left.cells if "exercise-stub" in tags(cell)]
    solutions = [cell for cell in original.cells if "solution" in tags(cell)]
    for stub, solution in list(zip(stubs, solutions, strict=True))[1::2]:
        check = stub.source[stub.source.index("exercises.check_") :]
        stub.source = f"{solution_code(solution)}\n\n{check}"
    path = save(tmp_path / "half.ipynb", left.cells)
    rows = grade.grade(path, copies.read_course(ROOT / "notebooks"))
    assert [row.outcome for row in rows] == ["not tried", "right"] * 2


def test_chapter_is_found_by_set_up_exercises_or_name(folder, tmp_path):
    tiny = copies.Chapter("01_tiny", *copies.read_course(folder)[0][1:])
    course = [copies.Chapter("00_other", [], []), tiny]
    bare = [copies.Cell("", "code", [], "1 + 1")]

    def found(cells, name="homework of Ann.ipynb"):
        return copies.find_chapter(Path(name), cells, course).name

    read = copies.read(save(tmp_path / "copy.ipynb", cells_of({"setup": "pass"})))
    assert found([copies.Cell("", "code", [], START)]) == "01_tiny"
    assert found([cell._replace(source="1 + 1") for cell in read]) == "01_tiny"  # by ids
    assert found([cell._replace(id="") for cell in read]) == "01_tiny"  # by checks
    assert found(bare, "01_tiny (1).ipynb") == "01_tiny"
    with pytest.raises(copies.CannotGrade, match="no chapter of the course"):
        found(bare)


def test_published_cells_run_only_where_a_later_step_uses_what_they_bind():
    published = ["a, b = [1], 2", "a[0].c = 3", "slow = train()", "def f(): return slow"]
    cells = [copies.Cell("", "code", [], source) for source in published]
    chapter = copies.Chapter("01_tiny", cells, [])
    for own, needed in {
        "mine = 1": [],
        "print(a)": published[:2],
        "f()": published[2:],
        "%time b": published[:1],
        "%%capture out\nprint(f())": published[2:],
        "%%bash\nls *.ipynb": published,
    }.items():
        steps = copies.plan([*cells, copies.Cell("", "code", [], own)], chapter)
        assert [step.source for step in steps] == [*needed, own]


@pytest.mark.parametrize(
    "content", [b"no JSON", b'{"cells": 3, "nbformat": 4}', b"\xff\xfe", b"[]"]
)
def test_what_is_no_notebook_is_said(folder, tmp_path, content):
    (tmp_path / "strange.ipynb").write_bytes(content)
    course = copies.read_course(folder)
    for path, reason in {
        tmp_path / "strange.ipynb": "not a notebook",
        tmp_path / "absent.ipynb": "it cannot be read: No such file",
        tmp_path: f"a folder: give {tmp_path / '*.ipynb'}",
    }.items():
        [row] = grade.grade(path, course)
        assert (row.notebook, row.outcome) == (str(path), "not graded")
        assert row.hint.startswith(grade.clean(reason))


def test_command_line_prints_the_table_and_writes_csv(folder, tmp_path, capsys):
    good = save(tmp_path / "good.ipynb", cells_of(RIGHT))
    arguments = ["--course", str(folder), "--csv", str(tmp_path / "marks.csv")]
    assert grade.main([*arguments, str(good)]) == 0
    shown = capsys.readouterr()
    assert shown.err == f"1 of 1: {good}\n"
    head, first, *_ = shown.out.splitlines()
    assert head.split() == ["notebook", "chapter", "exercise", "title", "outcome", "hint"]
    assert first.split()[1:3] == ["01_tiny", "share-stub"]
    assert first.split()[-3:] == ["·", "share-stub", "right"]
    with (tmp_path / "marks.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["outcome"] for row in rows] == ["right", "right", "2 of 2 right"]
    assert (rows[2]["chapter"], rows[2]["exercise"]) == ("01_tiny", "sum")
    assert grade.main([*arguments, str(tmp_path / "absent.ipynb")]) == 1
    assert "cannot be read" in capsys.readouterr().out
    assert grade.main(["--course", str(tmp_path / "nowhere"), str(good)]) == 1
    assert "--course" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good.ipynb", "marks.csv"]
    with pytest.raises(SystemExit):
        grade.main(["--timeout", "-1", str(good)])


@pytest.mark.parametrize("place", ["nowhere/marks.csv", ""])
def test_a_place_for_no_csv_is_told_before_anything_is_graded(tmp_path, capsys, monkeypatch, place):
    monkeypatch.setattr(grade, "grade", lambda *_: pytest.fail("graded"))
    assert grade.main(["--csv", str(tmp_path / place), "any.ipynb"]) == 1
    why = "there is no folder" if place else "it is a folder"
    assert f"{tmp_path / place} cannot be written: {why}" in capsys.readouterr().err


def test_patterns_are_expanded_where_the_shell_does_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a [1].ipynb", "b.ipynb", "a 1.ipynb", "note.txt"):
        (tmp_path / name).touch()
    found = grade.expand(["*.ipynb", "a [1].ipynb", "none*.ipynb"])
    expected = ["a 1.ipynb", "a [1].ipynb", "b.ipynb", "a [1].ipynb", "none*.ipynb"]
    assert [str(path) for path in found] == expected


def test_the_sum_of_a_copy():
    outcomes = ["right", "wrong", "not tried", "not tried", "not graded", "right"]
    rows = [grade.Row("a.ipynb", "01_tiny", str(n), "", what) for n, what in enumerate(outcomes)]
    said = "2 not tried, 1 not graded"
    assert grade.sum_of(rows) == [grade.Row("a.ipynb", "01_tiny", "sum", "", "2 of 6 right", said)]
    assert grade.sum_of([grade.Row("a.ipynb", hint="not a notebook")]) == []


def test_table_and_csv_hold_what_students_write(tmp_path):
    hint = grade.clean("a\x1b[2J\nb\ud800" + "x" * 9999)
    assert len(hint) == grade.MAX_HINT
    rows = [grade.Row("=1+1\x1b\udcff.ipynb", "c", "e", "t", "wrong", hint)]
    assert "\x1b" not in hint + grade.table(rows)
    grade.write_csv(tmp_path / "marks.csv", rows)
    assert "'=1+1" in (tmp_path / "marks.csv").read_text(encoding="utf-8-sig")


@pytest.mark.parametrize("tool", [grade, notebooks, run_results, run_tests, student_edition])
def test_what_the_terminal_has_no_letter_for_stops_no_tool(tool, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    with pytest.raises(SystemExit):
        tool.main(["--help"])
    print("✓")
    assert sys.stdout.errors == "replace"


def test_marks_are_in_the_csv_before_they_are_printed(folder, tmp_path, monkeypatch):
    class Closed(io.TextIOWrapper):
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(grade, "grade", lambda *_: [grade.Row("a ✓.ipynb", hint="not a notebook")])
    monkeypatch.setattr(sys, "stdout", Closed(io.BytesIO()))
    with pytest.raises(BrokenPipeError):
        grade.main(["--course", str(folder), "--csv", str(tmp_path / "marks.csv"), "a.ipynb"])
    assert "a ✓.ipynb" in (tmp_path / "marks.csv").read_text(encoding="utf-8-sig")


@pytest.mark.parametrize("name", ["grade", "notebooks", "run_results", "student_edition"])
def test_scripts_say_which_python_they_need(name):
    script = ROOT / "tools" / f"{name}.py"
    done = subprocess.run([sys.executable, "-S", script], capture_output=True, text=True)
    assert done.returncode == 1
    assert "No module named" in done.stderr and "Traceback" not in done.stderr
    assert "make lab" in done.stderr
