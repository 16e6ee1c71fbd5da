"""Which cell of a filled-in copy belongs to which exercise of the original chapter."""

import ast
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path

MAX_FILE_BYTES = 100_000_000
START = re.compile(r"\bruntime\.start\(\s*[\"']([^\"']+)[\"']")
CHECK = re.compile(r"\bexercises\.(check_\w+)\(")


class CannotGrade(Exception):
    """A notebook for which there is nothing to say, with the reason."""


@dataclass
class Exercise:
    """An exercise as the original chapter has it.

    Attributes
    ----------
    cell : str
        Id of its stub.
    title : str
    source : str
        The stub.
    checks : list of (str, list of str)
        Name of each check, and its arguments as Python expressions.
    own : set of str
        The names that the stub binds: what the reader answers.
    """

    cell: str
    title: str
    source: str
    checks: list = field(default_factory=list)
    own: set = field(default_factory=set)

    def is_answer(self, argument):
        """Return whether an argument of a check is the reader's, and not the chapter's."""
        return bool(names_in(ast.parse(argument)) & self.own)


@dataclass
class Chapter:
    """An original chapter: its name, its code cells and its exercises by their stubs' ids."""

    name: str
    cells: list
    exercises: dict


def read(path):
    """Return a notebook's cells as (id, kind, tags, source).

    Raises
    ------
    CannotGrade
        If the file is no notebook.
    """
    import nbformat

    path = Path(path)
    if path.is_dir():
        raise CannotGrade(f"a folder: give {path / '*.ipynb'}")
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise CannotGrade(f"the file has over {MAX_FILE_BYTES // 10**6} MB")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Colab's notebooks may lack ids
            text = path.read_text(encoding="utf-8")
            cells = nbformat.reads(text, as_version=4)["cells"]
        return [_cell(cell) for cell in cells]
    except OSError as error:
        raise CannotGrade(f"it cannot be read: {error.strerror or error}") from None
    except CannotGrade:
        raise
    except Exception as error:  # whatever is in the file, it is not what Jupyter writes
        raise CannotGrade(f"not a notebook ({type(error).__name__})") from None


def _cell(cell):
    about = cell.get("metadata") or {}
    source = cell.get("source", "")
    source = source if isinstance(source, str) else "".join(source)
    name = cell.get("id") or about.get("id") or ""  # the latter is Colab's
    return str(name), str(cell.get("cell_type")), list(about.get("tags") or []), source


def read_course(folder):
    """Return the chapters of a folder, by name.

    Parameters
    ----------
    folder : pathlib.Path
        Of original notebooks, or of their student edition.

    Raises
    ------
    CannotGrade
        If there are none with exercises.
    """
    found = {}
    for path in sorted(Path(folder).glob("*.ipynb")):
        cells = read(path)
        exercises, title = {}, ""
        for name, kind, tags, source in cells:
            if kind == "markdown" and "exercise" in tags:
                title = source.partition("\n")[0].lstrip("# ").strip()
            if kind == "code" and "exercise-stub" in tags:
                exercises[name] = _exercise(name, title, source)
        if exercises:
            found[path.stem] = Chapter(path.stem, [c for c in cells if c[1] == "code"], exercises)
    if not found:
        raise CannotGrade(f"no chapter with exercises in {folder}: give --course FOLDER")
    return found


def _exercise(name, title, source):
    made = Exercise(name, title, source)
    for statement in ast.parse(source).body:
        calls = check_calls(statement)
        if not calls:
            made.own |= names_in(statement, ast.Store)
        for call in calls:
            arguments = [ast.unparse(argument) for argument in call.args]
            made.checks.append((call.func.attr, arguments))
    return made


def check_calls(tree):
    """Return the calls of ``exercises.check_…`` in a syntax tree."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr.startswith("check_")
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "exercises"
    ]


def names_in(tree, context=(ast.Load, ast.Store)):
    """Return the names that a syntax tree uses; functions count as names that it binds."""
    if isinstance(tree, (ast.FunctionDef, ast.ClassDef)):
        return {tree.name}
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    return {node.id for node in nodes if isinstance(node.ctx, context)}


def chapter_of(path, cells, course):
    """Return the chapter that a copy was made from: by its set-up cell, its checks, its name.

    Raises
    ------
    CannotGrade
        If it is of none.
    """
    code = [(name, source) for name, kind, _, source in cells if kind == "code"]
    for _, source in code:
        for started in START.findall(source):
            if started in course:
                return course[started]

    def shared(chapter):
        checks = {check for e in chapter.exercises.values() for check, _ in e.checks}
        called = {check for _, source in code for check in CHECK.findall(source)}
        return len(checks & called), len({name for name, _ in code} & set(chapter.exercises))

    best = max(course.values(), key=shared)
    if any(shared(best)):
        return best
    for name, chapter in course.items():
        if Path(path).stem.startswith(name):
            return chapter
    raise CannotGrade("it is of no chapter of the course: no set-up cell, no exercise")


def exercise_of(name, source, chapter):
    """Return the exercise that a code cell answers, by its id or else by its check; or None."""
    if name in chapter.exercises:
        return chapter.exercises[name]
    called = set(CHECK.findall(source))
    for exercise in chapter.exercises.values():
        if called & {check for check, _ in exercise.checks}:
            return exercise
    return None


def answer_and_rest(source):
    """Return a stub cell's code as two: the answer, and what calls the checks.

    A cell that cannot be parsed is all answer.
    """
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        body = ast.parse(TransformerManager().transform_cell(source)).body
        parts = [s for s in body if not check_calls(s)], [s for s in body if check_calls(s)]
        return tuple(ast.unparse(ast.Module(part, [])) for part in parts)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source, ""
