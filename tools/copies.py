"""Filled-in copies of the chapters: what chapter one is of, what answers what, what must be run."""

import ast
import re
import warnings
from typing import NamedTuple

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

MAX_FILE_BYTES = 100_000_000
START = re.compile(r"\bruntime\.start\(\s*[\"']([^\"']+)[\"']")
CHECK = re.compile(r"\bexercises\.(check_\w+)\(")
# A typed answer may be that of the real data, which is not what copies are graded on.
ON_REAL_DATA = {"check_baseline": "elsewhere=exercises.REAL_BASELINE"}
UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
ANY = "*"
MAGICS = "get_ipython().run_cell_magic", "get_ipython().run_line_magic"


class CannotGrade(Exception):
    """The reason why nothing can be said about a copy, or about the rest of it."""


class Cell(NamedTuple):
    """What grading needs of a notebook's cell."""

    id: str
    kind: str
    tags: list
    source: str


class Exercise(NamedTuple):
    """An exercise as the original chapter has it.

    Attributes
    ----------
    cell, title : str
        Id of its stub, and its heading.
    answers : set of str
        The names that the stub binds.
    checks : list of str
        Its calls of checks, such as "exercises.check_split(split)".
    """

    cell: str
    title: str
    answers: set
    checks: list


class Chapter(NamedTuple):
    """An original chapter: its name, its code cells, and its exercises."""

    name: str
    cells: list
    exercises: list


class Step(NamedTuple):
    """Something to execute for a copy.

    Attributes
    ----------
    kind : {"setup", "run", "answer", "judge"}
    source : str
        Code; of a judge the calls of the checks.
    exercise : Exercise, optional
        What is answered or judged.
    is_optional : bool
        Whether it is there for later steps only.
    """

    kind: str
    source: str
    exercise: Exercise | None = None
    is_optional: bool = False


def read(path):
    """Return the cells of a notebook.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    list of Cell

    Raises
    ------
    CannotGrade
        If the file is no notebook.
    """
    if path.is_dir():
        raise CannotGrade(f"a folder: give {path / '*.ipynb'}")
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise OSError(f"it has over {MAX_FILE_BYTES // 10**6} MB")
        with warnings.catch_warnings(action="ignore"):  # Colab's notebooks may lack ids
            cells = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)["cells"]
        return [_cell(cell) for cell in cells]
    except OSError as error:
        raise CannotGrade(f"it cannot be read: {error.strerror or error}") from None
    except Exception as error:  # whatever is in the file, it is not what Jupyter writes
        raise CannotGrade(f"not a notebook ({type(error).__name__})") from None


def _cell(cell):
    about = cell.get("metadata") or {}
    name = cell.get("id") or about.get("id") or ""  # the latter is Colab's
    return Cell(str(name), cell["cell_type"], about.get("tags") or [], cell["source"])


def read_course(folder):
    """Return the original chapters of a folder.

    Parameters
    ----------
    folder : pathlib.Path

    Returns
    -------
    list of Chapter

    Raises
    ------
    CannotGrade
        If none has exercises.
    """
    course = []
    for path in sorted(folder.glob("*.ipynb")):
        cells, exercises, title = read(path), [], ""
        for cell in cells:
            if "exercise" in cell.tags:
                title = cell.source.partition("\n")[0].lstrip("# ").strip()
            elif "exercise-stub" in cell.tags:
                exercises.append(_exercise(cell, title))
        if exercises:
            code = [cell for cell in cells if cell.kind == "code"]
            course.append(Chapter(path.stem, code, exercises))
    if not course:
        raise CannotGrade(f"no chapter with exercises in {folder}: give --course FOLDER")
    return course


def _exercise(cell, title):
    answer, rest = _split(cell.source)
    checks = []
    for call in _check_calls(ast.parse(rest)):
        check, more = ast.unparse(call), ON_REAL_DATA.get(call.func.attr)
        checks.append(f"{check[:-1]}, {more})" if more else check)
    return Exercise(cell.id, title, _names(answer)[0], checks)


def _split(source):
    """Return a stub's code as two: the answer, and what calls checks. Unparsable, it is answer."""
    try:
        body = ast.parse(TransformerManager().transform_cell(source)).body
        answer = [statement for statement in body if not _check_calls(statement)]
        rest = [statement for statement in body if _check_calls(statement)]
        return ast.unparse(ast.Module(answer, [])), ast.unparse(ast.Module(rest, []))
    except UNPARSABLE:
        return source, ""


def _check_calls(tree):
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("exercises.check_")
    ]


def find_chapter(path, cells, course):
    """Return the chapter that a copy was made from: by its set-up cell, its exercises, its name.

    Parameters
    ----------
    path : pathlib.Path
    cells : list of Cell
        What is in the file.
    course : list of Chapter

    Returns
    -------
    Chapter

    Raises
    ------
    CannotGrade
        If it is of none.
    """
    code = [cell for cell in cells if cell.kind == "code"]
    started = {name for cell in code for name in START.findall(cell.source)}

    def signs(chapter):
        answered = [cell for cell in code if _exercise_of(cell, chapter)]
        return chapter.name in started, len(answered), path.stem.startswith(chapter.name)

    best = max(course, key=signs)
    if not any(signs(best)):
        raise CannotGrade("it is of no chapter of the course: no set-up cell, no exercise")
    return best


def _exercise_of(cell, chapter):
    """Return the exercise that a code cell answers, by its id or else by its check; or None."""
    called = set(CHECK.findall(cell.source))
    by_check = [e for e in chapter.exercises if called & set(CHECK.findall(" ".join(e.checks)))]
    by_id = [exercise for exercise in chapter.exercises if exercise.cell == cell.id]
    return next(iter(by_id + by_check), None)


def plan(cells, chapter):
    """Return what to execute for a copy, in order.

    The chapter's set-up cell takes the place of the copy's. A cell that the student left as it was
    is there only if a later step uses a name that it binds; few trainings are.

    Parameters
    ----------
    cells : list of Cell
        The copy's.
    chapter : Chapter

    Returns
    -------
    list of Step
    """
    steps = [Step("setup", cell.source) for cell in chapter.cells if "setup" in cell.tags][:1]
    has_setup, judged = bool(steps), []
    published = {cell.source for cell in chapter.cells}
    for cell in cells:
        exercise = _exercise_of(cell, chapter)
        if cell.kind != "code" or (has_setup and not exercise and _is_setup(cell)):
            continue
        if exercise:
            answer, rest = _split(cell.source)
            steps += [Step("answer", answer, exercise), _judge(exercise)]
            steps.append(Step("run", rest, is_optional=True))
            judged.append(exercise)
        else:
            steps.append(Step("run", cell.source, is_optional=cell.source in published))
    # A stub that is gone: perhaps its answer stands elsewhere.
    steps += [_judge(exercise) for exercise in chapter.exercises if exercise not in judged]
    wanted, needed = set(), []
    for step in reversed(steps):
        binds, uses = _names(step.source)
        if step.is_optional and not binds & wanted and ANY not in wanted:
            continue
        # The checks are those of the installed course, not what a copy calls `exercises`.
        wanted |= uses - {"exercises"} if step.kind == "judge" else uses
        needed.append(step)
    return needed[::-1]


def _is_setup(cell):
    """Tell whether a cell starts the course, also where its id and tags are gone."""
    return cell.id == "setup" or "setup" in cell.tags or bool(START.search(cell.source))


def _judge(exercise):
    return Step("judge", "\n".join(exercise.checks), exercise)


def _names(source):
    """Return the names that code binds or changes, and those it uses; `ANY` if it is no Python.

    What a call does to the objects that it is given is not seen.
    """
    try:
        nodes = list(ast.walk(ast.parse(TransformerManager().transform_cell(source))))
    except UNPARSABLE:
        return set(), {ANY}
    binds, uses = set(), set()
    for node in nodes:
        if isinstance(node, ast.Name):
            (uses if isinstance(node.ctx, ast.Load) else binds).add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            binds.add(node.name)
        elif isinstance(node, ast.alias):
            binds.add(node.asname or node.name.partition(".")[0])
        elif isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            binds |= _names(ast.unparse(node.value))[1]  # the `a` of `a[i].b = c`
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in MAGICS:
            # What stands behind `%time`, or in a cell below `%%time`.
            texts = [str(code.value) for code in node.args if isinstance(code, ast.Constant)]
            hidden = _names(texts[-1]) if texts else (set(), {ANY})
            binds, uses = binds | hidden[0], uses | hidden[1]
    return binds, uses
