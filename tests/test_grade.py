"""The teacher's check of filled-in notebooks, on a made-up chapter that needs no TensorFlow."""

import base64
import csv
import itertools
import json
import pickle
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest

from course_utils.exercises import _answers, _copies, _kernel, _slices, grade
from course_utils.exercises.__main__ import expanded, main, table, write_csv
from course_utils.exercises._verdicts import MAX_HINT, Row, clean, outcome_of, sum_of

START = 'if False:\n    runtime.start("90_tiny")\n'
SETUP = START + "import numpy as np\nfrom course_utils import exercises"
TRUTH = "truth = np.zeros((2, 4, 4), np.uint8)\ntruth[0, :2] = 1"
STUBS = {
    "share-stub": "def foreground_share(masks):\n    return ...\n\n\n"
    "exercises.check_foreground_share(foreground_share)",
    "baseline-stub": "accuracy = ...\n\nexercises.check_baseline(accuracy, truth)",
    "one-hot-stub": "def one_hot(mask, n):\n    return ...\n\n\nexercises.check_one_hot(one_hot)",
    "channels-stub": "channels = (...,) * 5\n\nchannels = exercises.check_fcn_channels(channels)",
}
RIGHT = {
    "share-stub": "def foreground_share(masks):\n    return masks.mean((1, 2))\n",
    "baseline-stub": "accuracy = (truth == 0).mean()\n",
    "one-hot-stub": "def one_hot(mask, n):\n    return np.eye(n)[mask]\n",
    "channels-stub": "channels = 64, 128, 128, 128, 128\n",
}
SHARE, BASELINE, ONE_HOT, CHANNELS = STUBS
LAST = "if len(channels) != 5: raise ValueError"


def code(name, source, *tags):
    """Return a code cell."""
    return nbformat.v4.new_code_cell(source, id=name, metadata={"tags": list(tags)})


def chapter(answers=(), before=None, setup=SETUP):
    """Return the tiny chapter's cells, some with answers, some with cells put before them."""
    answers, before = dict(answers), before or {}
    cells = [code("setup", setup, "setup"), code("truth", TRUTH)]
    for number, (name, stub) in enumerate(STUBS.items(), 1):
        if name in before:
            cells.append(code(f"more-{number}", before[name]))
        task = nbformat.v4.new_markdown_cell(f"### Exercise {number} · Do it\n\nThus.")
        task.metadata["tags"] = ["exercise"]
        check = "\n" + stub.splitlines()[-1]
        source = answers[name] + check if name in answers else stub
        cells += [task, code(name, source, "exercise-stub")]
    return [*cells, code("last", LAST)]


def save(path, cells):
    """Write a notebook."""
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course of one tiny chapter."""
    folder = tmp_path_factory.mktemp("tiny-course")
    save(folder / "90_tiny.ipynb", chapter())
    return folder


@pytest.fixture(scope="module")
def grader(course):
    """A grader whose limits no cell here reaches."""
    return grade.Grader(course, grade.Limits(notebook=120, cell=60))


@pytest.fixture
def outcomes(grader, tmp_path):
    """Grade a copy and return its outcomes and hints, by exercise."""

    def graded(cells):
        rows = grader.grade(save(tmp_path / "copy.ipynb", cells))
        assert [row.exercise for row in rows] == list(STUBS)
        assert {row.chapter for row in rows} == {"90_tiny"}
        return [row.outcome for row in rows], [row.hint for row in rows]

    return graded


def test_right_wrong_and_not_tried(outcomes):
    answers = {
        SHARE: "import helper_that_is_not_there",
        BASELINE: "accuracy = 100 * (truth == 0).mean()",
        CHANNELS: RIGHT[CHANNELS],
    }
    found, hints = outcomes(chapter(answers))
    assert found == ["wrong", "wrong", "not tried", "right"]
    assert "ModuleNotFoundError" in hints[0]
    assert "in percent" in hints[1]
    assert "replace the `...`" in hints[2]


def test_an_answer_typed_from_the_real_data_is_right(outcomes):
    found, hints = outcomes(chapter({BASELINE: "accuracy = 0.982"}))
    assert found[1] == "right"
    assert hints[1] == "That is the share on the real masks."
    assert outcomes(chapter({BASELINE: "accuracy = 0.98"}))[0][1] == "wrong"


PRAISE = 'print("✓ Right.")'
CHEATS = f"""
import builtins, sys, course_utils.metrics
exercises.check_foreground_share = exercises.check_one_hot = lambda *a: {PRAISE}
exercises.check_baseline = None
course_utils.metrics.pixel_accuracy = lambda *a: 0.5
np.allclose = lambda *a, **k: True
for name in [name for name in sys.modules if name.startswith("course_utils.exercises")]:
    del sys.modules[name]
builtins.print = lambda *a, **k: None
truth[:] = 1
class Anything:
    def __eq__(self, other): return True
    def __array__(self, *a, **k): raise TypeError
    __hash__ = None
"""


def test_overwritten_checks_truths_and_libraries_change_nothing(outcomes):
    answers = {
        SHARE: f"def foreground_share(masks):\n    {PRAISE}\n    return masks.mean()\n{PRAISE}",
        BASELINE: "accuracy = (truth == 0).mean()",  # of a truth that is all 1 now
        ONE_HOT: "def one_hot(mask, n):\n    return Anything()",
        CHANNELS: RIGHT[CHANNELS],
    }
    found, hints = outcomes(chapter(answers, {SHARE: CHEATS}))
    assert found == ["wrong", "wrong", "wrong", "right"]
    assert "one number for all masks" in hints[0]
    assert "Anything" in hints[2] or "TypeError" in hints[2]


def test_removed_edited_and_copied_check_cells(outcomes):
    cells = chapter(RIGHT)
    cells = [cell for cell in cells if cell.id != BASELINE]  # gone, and nowhere else
    by_id = {cell.id: cell for cell in cells}
    by_id[SHARE].source = RIGHT[SHARE] + PRAISE  # without its check
    by_id[ONE_HOT].id = "a1b2c3d4"  # an editor's own id: found by its check
    by_id[CHANNELS].source = STUBS[CHANNELS]
    cells.append(code("copied", RIGHT[CHANNELS] + STUBS[CHANNELS].splitlines()[-1]))
    found, hints = outcomes(cells)
    assert found == ["right", "not tried", "right", "right"]
    assert "gone" in hints[1]


def test_crashes_floods_and_exits(outcomes):
    before = {
        SHARE: "1 / 0",
        BASELINE: "for _ in range(400):\n    print('x' * 100_000)",
        ONE_HOT: "import sys\nsys.exit(3)",
        CHANNELS: "input('name?')",
    }
    answers = RIGHT | {ONE_HOT: "import sys\ndef one_hot(mask, n):\n    sys.exit(0)"}
    found, hints = outcomes(chapter(answers, before))
    assert found == ["right", "right", "wrong", "right"]
    assert "SystemExit" in hints[2]


def test_an_error_does_not_stop_what_is_asked_next(monkeypatch):
    with _kernel.Kernel(20, time.monotonic() + 60) as kernel:
        execute, options = kernel._client.execute, {}
        monkeypatch.setattr(
            kernel._client,
            "execute",
            lambda code, **kwargs: options.update(kwargs) or execute(code),
        )
        kernel.run("x = 1")
        execute("1 / 0", **options)  # both are in the kernel's queue before the first one fails
        asked = execute("x", **options)
        assert kernel._wait(asked, 20)["content"]["status"] == "ok"


def test_a_cell_that_ends_the_kernel_costs_that_cell(outcomes):
    answers = RIGHT | {
        BASELINE: "accuracy = (truth == 0).mean()\nimport os\nos._exit(0)",
        ONE_HOT: "import os\ndef one_hot(mask, n):\n    os.kill(os.getpid(), 9)",
    }
    found, hints = outcomes(chapter(answers))
    assert found == ["right", "wrong", "wrong", "right"]
    assert "ended the kernel" in hints[1]
    assert "ended the kernel" in hints[2]


def test_endless_loops_cost_their_cell_and_no_more(course, tmp_path):
    before = {SHARE: "while True: pass"}
    loop = "import time\nwhile True: time.sleep(0.01)"
    answers = RIGHT | {BASELINE: f"accuracy = 1\n{loop}"}
    answers[ONE_HOT] = "import time\ndef one_hot(mask, n):\n    while True: time.sleep(0.01)"
    path = save(tmp_path / "copy.ipynb", chapter(answers, before))
    rows = grade.Grader(course, grade.Limits(120, cell=2)).grade(path)
    assert [row.outcome for row in rows] == ["right", "wrong", "wrong", "right"]
    assert "did not end within" in rows[2].hint


def test_a_loop_that_cannot_be_interrupted_is_ended(course, tmp_path, monkeypatch):
    monkeypatch.setattr("course_utils.exercises._kernel.INTERRUPT_SECONDS", 0.3)
    deaf = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    deaf += "while True: time.sleep(0.01)"
    path = save(tmp_path / "copy.ipynb", chapter(RIGHT, {BASELINE: deaf}))
    rows = grade.Grader(course, grade.Limits(120, cell=2)).grade(path)
    assert [row.outcome for row in rows] == ["right"] * 4


def test_time_over_is_said_and_not_marked(grader, tmp_path, monkeypatch):
    path = save(tmp_path / "copy.ipynb", chapter(RIGHT))
    grader.grade(path)  # what the checks take is known
    monkeypatch.setattr(grader.limits, "notebook", 1e-6)
    rows = grader.grade(path)
    assert [row.outcome for row in rows] == ["not graded"] * 4
    assert all("time was over" in row.hint for row in rows)


def test_what_the_original_fails_at_is_not_the_students_fault(tmp_path):
    folder = tmp_path / "course"
    folder.mkdir()
    original = chapter()
    original[1].source = "1 / 0"  # no truth
    save(folder / "90_tiny.ipynb", original)
    path = save(tmp_path / "copy.ipynb", chapter(RIGHT))
    rows = grade.Grader(folder).grade(path)
    assert [row.outcome for row in rows] == ["right", "not graded", "right", "right"]
    assert "gave no `truth`" in rows[1].hint
    save(folder / "90_tiny.ipynb", chapter(setup=START + "import not_there"))
    rows = grade.Grader(folder).grade(path)
    assert [row.outcome for row in rows] == ["not graded"] * 4
    assert rows[3].hint.startswith("the chapter's set-up cell failed: ModuleNotFoundError")


def test_a_kernel_that_ends_again_and_again_ends_the_grading(grader, tmp_path):
    ends = "import os\nos._exit(1)"
    path = save(tmp_path / "copy.ipynb", chapter(RIGHT, {BASELINE: ends, ONE_HOT: ends}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grade, "MAX_STARTS", 2)
        rows = grader.grade(path)
    assert [row.outcome for row in rows] == ["right", "right", "not graded", "not graded"]
    assert "ended 2 times" in rows[2].hint


def test_a_copy_gets_the_chapters_set_up_and_an_empty_folder(outcomes):
    look = (
        "import os\nassert os.listdir() == [] and os.environ['COURSE_PROFILE'] == 'sample'\n"
        "assert 'COURSE_RESULTS' not in os.environ\n"
    )
    setup = START + "raise RuntimeError('downloads everything')"
    answers = {BASELINE: RIGHT[BASELINE] + look, SHARE: look + RIGHT[SHARE]}
    assert outcomes(chapter(answers, setup=setup))[0][:2] == ["right", "right"]


def test_chapter_is_found_without_name_and_without_ids(course, tmp_path):
    chapters = _copies.read_course(course)
    path = tmp_path / "homework of Ann.ipynb"
    bare = chapter(setup="pass")

    def found(cells, path=path):
        return _copies.chapter_of(path, _copies.read(save(path, cells)), chapters).name

    assert found(chapter()) == "90_tiny"
    assert found(bare) == "90_tiny"
    for cell in bare:
        cell.id = f"x{cell.id}"
    assert found(bare) == "90_tiny"  # by its checks
    other = [code("a", "1 + 1")]
    assert found(other, tmp_path / "90_tiny (1).ipynb") == "90_tiny"
    with pytest.raises(_copies.CannotGrade, match="no chapter of the course"):
        found(other)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no JSON", "not a notebook"),
        (b'{"cells": 3, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "not a notebook"),
        (b"\xff\xfe\x00", "not a notebook"),
        (b"[]", "not a notebook"),
        (None, "cannot be read"),
    ],
)
def test_what_is_no_notebook_is_said(grader, tmp_path, content, reason):
    path = tmp_path / "strange.ipynb"
    if content is not None:
        path.write_bytes(content)
    [row] = grader.grade(path)
    assert (row.notebook, row.outcome) == (str(path), "not graded")
    assert reason in row.hint


def test_a_folder_is_named_as_one(grader, tmp_path):
    [row] = grader.grade(tmp_path)
    assert row.outcome == "not graded"
    assert row.hint == clean(f"a folder: give {tmp_path / '*.ipynb'}")


def test_command_line_prints_the_table_and_writes_csv(course, tmp_path, capsys):
    good = save(tmp_path / "good.ipynb", chapter(RIGHT))
    marks = tmp_path / "marks.csv"
    arguments = ["grade", "--course", str(course), "--csv", str(marks)]
    assert main([*arguments, str(good)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == ["notebook", "chapter", "exercise", "title", "outcome", "hint"]
    assert printed[1].split()[1:3] == ["90_tiny", SHARE]
    assert printed[1].endswith("Exercise 1 · Do it  right")
    with marks.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["outcome"] for row in rows] == ["right"] * 4 + ["4 of 4 right"]
    assert rows[2]["title"] == "Exercise 3 · Do it"
    assert (rows[4]["chapter"], rows[4]["exercise"]) == ("90_tiny", "sum")
    assert main([*arguments, str(tmp_path / "absent.ipynb")]) == 1
    assert "cannot be read" in capsys.readouterr().out
    assert main(["grade", "--course", str(tmp_path / "nowhere"), str(good)]) == 1
    assert "--course" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good.ipynb", "marks.csv"]


@pytest.mark.parametrize(
    ("marks", "why"), [("nowhere/marks.csv", "there is no folder"), ("", "it is a folder")]
)
def test_a_place_for_no_csv_is_told_before_anything_is_graded(
    course, tmp_path, capsys, monkeypatch, marks, why
):
    monkeypatch.setattr(grade.Grader, "grade", lambda *_: pytest.fail("graded"))
    place = str(tmp_path / marks)
    assert main(["grade", "--course", str(course), "--csv", place, "any.ipynb"]) == 1
    told = capsys.readouterr().err
    assert f"{place} cannot be written: {why}" in told.replace("Nothing was graded: ", "")
    assert ".grade-" not in told


def test_patterns_are_expanded_where_the_shell_does_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a [1].ipynb", "b.ipynb", "a1.ipynb", "note.txt"):
        (tmp_path / name).touch()
    names = [str(path) for path in expanded(["*.ipynb", "a [1].ipynb", "none*.ipynb", "b.ipynb"])]
    matched = ["a [1].ipynb", "a1.ipynb", "b.ipynb"]
    assert names == [*matched, "a [1].ipynb", "none*.ipynb", "b.ipynb"]


def test_the_sum_of_a_copy():
    outcomes = ["right", "wrong", "not tried", "not tried", "not graded", "right"]
    rows = [Row("a.ipynb", "90_tiny", str(n), "", what) for n, what in enumerate(outcomes)]
    said = "2 not tried, 1 not graded"
    assert sum_of(rows) == [Row("a.ipynb", "90_tiny", "sum", "", "2 of 6 right", said)]
    assert sum_of(rows[:1])[0].hint == ""
    assert sum_of([Row("a.ipynb", hint="not a notebook")]) == []


def test_table_and_csv_hold_what_students_write(tmp_path):
    rows = [Row("=1+1.ipynb", "c", "e", "t", "wrong", clean("a\x1b[2J\nb\ud800" + "x" * 9999))]
    assert "\x1b" not in table(rows)
    assert len(rows[0].hint) == MAX_HINT
    write_csv(tmp_path / "marks.csv", rows)
    text = (tmp_path / "marks.csv").read_text(encoding="utf-8-sig")
    assert "'=1+1.ipynb" in text
    with pytest.raises(OSError):
        write_csv(tmp_path / "nowhere" / "marks.csv", rows)


def test_outcome_of_what_checks_print():
    assert outcome_of("✓ Right.\n") == ("right", "")
    assert outcome_of("✓ It can be built.") == ("right", "It can be built.")
    assert outcome_of("… Not yet: more.\n") == ("not tried", "more.")
    assert outcome_of("✗ Not quite: no.\nmore") == ("wrong", "no.\nmore")
    assert outcome_of("")[0] == "not graded"


class Named:
    """Whatever it is, only its name travels."""

    def __eq__(self, other):
        return True

    __hash__ = None


VALUES = [
    ...,
    None,
    True,
    3,
    2.5,
    float("inf"),
    "text",
    [1, (2, "a"), {3: 4.0, "k": [...]}],
    {1, 2},
    range(2, 9, 3),
    np.float32(0.1),
    np.arange(6, dtype=np.uint8).reshape(2, 3),
    np.array([[True], [False]]),
    np.array(["a", "bc"]),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_plain_data_arrives_as_it_was(value):
    got = _answers.decode(_answers.encode(value))
    assert type(got) is type(value)
    np.testing.assert_equal(got, value)
    assert getattr(got, "dtype", None) == getattr(value, "dtype", None)


def test_other_things_arrive_as_a_name_and_too_much_not_at_all():
    got = _answers.decode(_answers.encode([Named(), len, Named]))
    assert [type(item).__name__ for item in got] == ["Named", type(len).__name__, "type"]
    assert got[0] != 1
    with pytest.raises(TypeError, match="inside another"):
        got[1](1)
    endless = []
    endless.append(endless)
    for _ in range(_answers.MAX_DEPTH + 1):
        [endless] = _answers.decode(_answers.encode(endless))
    assert type(endless).__name__ == "too much"
    *numbers, last = _answers.decode(_answers.encode(iter(int, 1)))
    assert len(numbers) < _answers.MAX_ITEMS
    assert type(last).__name__ == "too much"
    large = np.broadcast_to(np.uint8(0), _answers.MAX_BYTES + 1)
    assert "bytes" in type(_answers.decode(_answers.encode(large))).__name__
    with pytest.raises(ValueError, match="does not travel"):
        _answers.decode({"array": "", "dtype": "O", "shape": [0], "scalar": False})


def test_reply_calls_and_reports(tmp_path):
    path = tmp_path / "answer.json"
    _answers.reply(str(path), {"half": lambda x: x / 2, "np": np}, "half")
    assert '"function"' in path.read_text()
    arguments = base64.b64encode(pickle.dumps((np.arange(3),))).decode()
    _answers.reply(str(path), {"half": lambda x: x / 2}, "half", arguments)
    got = _answers.decode(json.loads(path.read_text())["value"])
    np.testing.assert_array_equal(got, [0, 0.5, 1])
    _answers.reply(str(path), {}, "nothing")
    assert "NameError" in path.read_text()


class Forging(_kernel.Kernel):
    """A kernel that answers what it likes."""

    def __init__(self, root, forge):
        self.root, self._names, self.forge = root, itertools.count(), forge
        (root / "answers").mkdir()

    def run(self, code, seconds=None):
        self.forge(self.root / "answers" / "0.json")
        return ""


@pytest.mark.parametrize(
    ("forge", "reason"),
    [
        (lambda path: None, "could not be read"),
        (lambda path: path.symlink_to("/dev/zero"), "could not be read"),
        (lambda path: path.write_text("[" * 100_000), "could not be read"),
        (lambda path: path.write_text('{"value": {"list": 3, "dict": 4}}'), "could not be read"),
        (lambda path: path.write_text('{"error": ["\\ud800\\u0000", [1]]}'), r"\[1\]"),
    ],
)
def test_a_forged_reply_is_no_answer(tmp_path, forge, reason):
    with pytest.raises(_kernel.NoAnswer, match=reason):
        Forging(tmp_path, forge).ask("answer")


def test_own_cells_are_run_only_where_needed(course):
    [tiny] = _copies.read_course(course).values()
    cells = [("setup", "code", ["setup"], "0 / 0"), ("truth", "code", [], TRUTH)]
    cells += [("mine", "code", [], "mine = 1"), ("last", "code", [], LAST)]
    cells += [(SHARE, "code", [], STUBS[SHARE])]
    kinds = [(kind, source) for kind, _, source in grade.plan(cells, tiny)]
    assert kinds[:2] == [("setup", SETUP), ("run", "mine = 1")]
    assert [kind for kind, _ in kinds[2:]] == ["answer", *["judge"] * 4]
    cells[2] = ("mine", "code", [], "mine = truth.mean()")
    kinds = [(kind, source) for kind, _, source in grade.plan(cells, tiny)]
    assert kinds[:2] == [("setup", SETUP), ("run", TRUTH)]
    names = "channels = exercises.check_fcn_channels(channels)"
    cells = [(CHANNELS, "code", [], STUBS[CHANNELS]), ("last", "code", [], LAST)]
    cells += [("mine", "code", [], "channels")]
    assert ("check", None, names) in grade.plan(cells, tiny)


def test_names_that_code_binds_and_uses():
    source = "import a.b, c as d\ndef f(x):\n    return y\ne[0].g = h\nclass K: pass\nz += 1"
    binds, loads = _slices.names_of(source)
    assert binds == {"a", "d", "f", "e", "K", "z"}
    assert loads == {"y", "e", "h"}
    published = [("x = 1", False, set()), ("y = 2", False, set())]
    assert _slices.needed([*published, ("print(y)", True, set())]) == [False, True, True]
    assert _slices.needed([*published, ("%time print(y)", True, set())]) == [True, True, True]
    assert _slices.needed([*published, ("", True, {"x"})]) == [True, False, True]


def test_the_course_itself_can_be_graded():
    chapters = _copies.read_course(Path(__file__).parents[1] / "notebooks")
    assert len(chapters) >= 7
    for found in chapters.values():
        assert len(found.exercises) >= 3
        for exercise in found.exercises.values():
            assert exercise.checks, exercise.cell
            assert exercise.title.startswith("Exercise")
            assert any(exercise.is_answer(a) for _, given in exercise.checks for a in given)
            answer, rest = _copies.answer_and_rest(exercise.source)
            assert "exercises.check_" in rest
            assert "exercises.check_" not in answer
