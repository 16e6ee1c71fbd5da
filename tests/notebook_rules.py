"""The rules that every chapter keeps. Each takes a chapter and yields what breaks the rule."""

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path

from course_utils import exercises

ROOT = Path(__file__).resolve().parents[1]
MAX_CELL_LINES = 20
MAX_SETUP_LINES = 21
MAX_SOLUTION_LINES = 30
MAX_CODE_LINES = 195  # "about 150"; chapters 04 and 05 have the field's whole lists to go through
WORDS = (700, 2_450)  # "about 700 to 1,800"
MAX_BYTES = 1_000_000
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
EXERCISE_TAGS = {"exercise": "markdown", "exercise-stub": "code", "solution": "markdown"}
FOLDED = re.compile(
    r"<details>\s*<summary>Solution</summary>\n\n.*```python\n(.+?)\n```.*\n\n</details>", re.DOTALL
)


@dataclass
class Chapter:
    """A notebook as it stands in its file, and what it is held against.

    Attributes
    ----------
    name : str
        File name without ending.
    notebook : dict
        The file's JSON.
    link : str
        Where badges point, less the notebook's file name.
    setup : str
        Source of the set-up cell of the first chapter.
    folder : pathlib.Path
        Where relative links start.
    """

    name: str
    notebook: dict
    link: str
    setup: str
    folder: Path = ROOT / "notebooks"

    @property
    def cells(self):
        """The cells, each with its source as one string."""
        return [cell | {"source": "".join(cell["source"])} for cell in self.notebook["cells"]]

    @property
    def code(self):
        """The code cells."""
        return [cell for cell in self.cells if cell["cell_type"] == "code"]

    @property
    def text(self):
        """The markdown cells, as one text."""
        return "\n\n".join(c["source"] for c in self.cells if c["cell_type"] == "markdown")


def tags(cell):
    """Return a cell's tags."""
    return cell["metadata"].get("tags", [])


def lines(source):
    """Count the lines that are not blank."""
    return sum(bool(line.strip()) for line in source.splitlines())


def solution_code(cell):
    """Return the Python code of a folded solution, or None if it is not folded as it should be."""
    match = FOLDED.search(cell["source"])
    return match[1] if match else None


def output_text(cell):
    """Return all text of a cell's outputs; pictures are left out."""
    kept = []
    for output in cell.get("outputs", []):
        data = {k: v for k, v in output.get("data", {}).items() if not k.startswith("image/")}
        kept.append(json.dumps({**output, "data": data}, ensure_ascii=False))
    return "\n".join(kept)


def rule_format(chapter):
    """nbformat 4.5, Python, and no metadata left by an editor."""
    book = chapter.notebook
    if (book["nbformat"], book["nbformat_minor"]) != (4, 5):
        yield f"nbformat {book['nbformat']}.{book['nbformat_minor']} instead of 4.5"
    if extra := set(book["metadata"]) - {"kernelspec", "language_info"}:
        yield f"notebook metadata {sorted(extra)}"
    if book["metadata"].get("kernelspec", {}).get("name") != "python3":
        yield "kernelspec is not python3"
    if book["metadata"].get("language_info", {}).get("name") != "python":
        yield "language_info is not python"
    for cell in chapter.cells:
        if extra := set(cell["metadata"]) - {"tags"}:
            yield f"cell {cell['id']}: metadata {sorted(extra)}"


def rule_ids(chapter):
    """Cell ids are unique, in words, so that a change of a cell is a small change of the file."""
    ids = [cell.get("id", "") for cell in chapter.cells]
    for name in sorted({name for name in ids if ids.count(name) > 1}):
        yield f"id {name!r} stands more than once"
    for name in ids:
        in_words = re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name)
        if not in_words or re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f-]+)?", name):
            yield f"id {name!r} is not made of words"


def rule_opening(chapter):
    """Title, badge, promise and box first, then the set-up cell."""
    first = chapter.cells[0]
    title = first["source"].splitlines()[0] if first["source"] else ""
    if first["cell_type"] != "markdown" or not re.match(r"# \S", title):
        yield "the first cell does not begin with a title (`# …`)"
    badge = f"[![Open in Colab]({BADGE})]({chapter.link}{chapter.name}.ipynb)"
    if chapter.text.count(BADGE) != 1 or badge not in first["source"]:
        yield f"the first cell does not hold the one badge {badge}"
    for word in ("you will build", "you need", "minutes"):
        if word not in first["source"].lower():
            yield f"the first cell's box lacks {word!r}"


def rule_setup(chapter):
    """The set-up cell is the same everywhere, but for the chapter's name in its last line."""
    first = chapter.code[0]
    if first["id"] != "setup" or tags(first) != ["setup"]:
        yield "the first code cell has not the id and the tag `setup`"
    *head, last = first["source"].splitlines()
    if head != chapter.setup.splitlines()[:-1]:
        yield "the set-up cell differs from the first chapter's"
    if last != f'run = runtime.start("{chapter.name}")':
        yield f"the set-up cell ends with {last!r}"
    if lines(first["source"]) > MAX_SETUP_LINES:
        yield f"the set-up cell has more than {MAX_SETUP_LINES} lines"


def rule_executed(chapter):
    """Run from top to bottom, on made-up data, without errors, and saved with its outputs."""
    counts = [cell["execution_count"] for cell in chapter.code]
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts are {counts}"
    if "profile: sample" not in output_text(chapter.code[0]):
        yield "the set-up cell's output does not say `profile: sample`"
    for cell in chapter.code:
        if any(output["output_type"] == "error" for output in cell["outputs"]):
            yield f"cell {cell['id']}: its output is an error"
        if _prints(cell["source"]) and not cell["outputs"]:
            yield f"cell {cell['id']}: it prints, but has no output"


def _prints(source):
    """Does a statement of the cell itself print, or show its value?"""
    body = ast.parse(source).body
    calls = [node.value for node in body if isinstance(node, ast.Expr)]
    return any(
        isinstance(call, ast.Call)
        and re.match(r"print$|exercises\.check_|plotting\.|run\.", ast.unparse(call.func))
        for call in calls
    )


def rule_alternatives(chapter):
    """Every figure has a text for readers who cannot see it."""
    for cell in chapter.code:
        for output in cell["outputs"]:
            if "image/png" not in output.get("data", {}):
                continue
            text = output["metadata"].get("image/png", {}).get("alt", "")
            if len(text) < 20 or text.startswith("<"):
                yield (
                    f"cell {cell['id']}: its figure's text is {text!r}; end the cell with "
                    "plotting.show(figure, text), or with one of the course's functions"
                )


def rule_size(chapter):
    """The file stays under a megabyte."""
    size = len(json.dumps(chapter.notebook, indent=1, ensure_ascii=False).encode())
    if size > MAX_BYTES:
        yield f"{size:,} bytes, of {MAX_BYTES:,} allowed"


def rule_length(chapter):
    """Short cells, and as much text and code as a sitting holds."""
    for cell in chapter.code[1:]:
        if lines(cell["source"]) > MAX_CELL_LINES:
            yield f"cell {cell['id']}: {lines(cell['source'])} lines, of {MAX_CELL_LINES} allowed"
    code = sum(lines(cell["source"]) for cell in chapter.code[1:])
    if code > MAX_CODE_LINES:
        yield f"{code} lines of code without the set-up cell, of {MAX_CODE_LINES} allowed"
    words = len(prose(chapter).split())
    if not WORDS[0] <= words <= WORDS[1]:
        yield f"{words:,} words of prose; {WORDS[0]:,} to {WORDS[1]:,} are wanted"


def prose(chapter):
    """Return what there is to read: no code, formulas, links, solutions and references."""
    text = "\n\n".join(
        cell["source"]
        for cell in chapter.cells
        if cell["cell_type"] == "markdown" and "solution" not in tags(cell)
    )
    text = re.split(r"^## References\b", text, flags=re.MULTILINE)[0]
    text = re.sub(r"```.*?```|\$\$.*?\$\$|<[^>]+>", " ", text, flags=re.DOTALL)
    return re.sub(r"\]\([^)]*\)|[|#>*`]|-{3,}", " ", text)


def rule_exercises(chapter):
    """At least three exercises: task, stub with its check, folded solution, in this order."""
    cells = chapter.cells
    found = [i for i, cell in enumerate(cells) if "exercise" in tags(cell)]
    if len(found) < 3:
        yield f"{len(found)} exercises, at least 3 are wanted"
    for i in found:
        group = cells[i : i + 3]
        kinds = [(tags(cell), cell["cell_type"]) for cell in group]
        if kinds != [([tag], kind) for tag, kind in EXERCISE_TAGS.items()]:
            yield f"cell {cells[i]['id']}: not followed by its `exercise-stub` and its `solution`"
            continue
        yield from _stub(group[1])
        code = solution_code(group[2])
        if code is None:
            yield f"cell {group[2]['id']}: the solution is not folded, or holds no Python code"
        elif lines(code) > MAX_SOLUTION_LINES:
            yield f"cell {group[2]['id']}: over {MAX_SOLUTION_LINES} lines of code"
    for i, cell in enumerate(cells):
        belongs = any(0 <= i - start < 3 for start in found)
        if not belongs and (set(tags(cell)) & set(EXERCISE_TAGS) or _checks(cell)):
            yield f"cell {cell['id']}: belongs to no exercise"


def _checks(cell):
    if cell["cell_type"] != "code":
        return []
    return re.findall(r"\bexercises\.(check_\w+)\(", cell["source"])


def _stub(cell):
    tree = ast.walk(ast.parse(cell["source"]))
    if not any(isinstance(node, ast.Constant) and node.value is ... for node in tree):
        yield f"cell {cell['id']}: the stub has no `...` to fill in"
    if not _checks(cell):
        yield f"cell {cell['id']}: the stub calls no exercises.check_…"
    if _checks(cell) and exercises.MISSING not in output_text(cell):
        yield f"cell {cell['id']}: the untouched stub's output does not say what is missing"
    for name in _checks(cell):
        if not hasattr(exercises, name):
            yield f"cell {cell['id']}: there is no exercises.{name}"


def rule_closing(chapter):
    """A scoreboard where something is measured; recap, three questions with answers, references."""
    source = "\n".join(cell["source"] for cell in chapter.code)
    if "run.record(" in source and "run.scoreboard()" not in source:
        yield "it records scores, but shows no run.scoreboard()"
    if ".fit(" in source and "run.record(" not in source:
        yield "it trains, but records no score"
    sections = dict(re.findall(r"^## (\w+).*\n((?:(?!^## ).*\n?)*)", chapter.text, re.MULTILINE))
    for heading in ("Recap", "Questions", "References"):
        if not sections.get(heading, "").strip():
            yield f"no section `## {heading}`"
    if sections.get("Questions", "").count("<details>") < 3:
        yield "fewer than three questions with folded answers"
    if "](https://" not in sections.get("References", ""):
        yield "the references hold no link"


def rule_links(chapter):
    """Every file named exists, every address is https, every heading linked to is there."""
    headings = {
        re.sub(r"\s", "-", title.strip())
        for title in re.findall(r"^#+ (.+)$", chapter.text, re.MULTILINE)
    }
    text = re.sub(r"```.*?```|\$[^$]*\$", " ", chapter.text, flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)|(?:href|src)=\"([^\"]+)\"", text)
    for target in (one or other for one, other in targets):
        if target.startswith("http://"):
            yield f"{target} is not https"
        elif target.startswith("#"):
            if target[1:] not in headings:
                yield f"there is no heading {target}"
        elif re.match(r"https://|mailto:", target):
            continue
        elif not (chapter.folder / target.split("#")[0]).exists():
            yield f"there is no file {target}"
    folders = "course_utils|data_scripts|notebooks|results|tests|benchmarks|docs"
    for name in re.findall(rf"`((?:{folders})/[\w./-]*)`", chapter.text):
        if not (ROOT / name).exists():
            yield f"there is no file {name}"


def rule_paths(chapter):
    """No folder of the machine it was run on, in sources or outputs."""
    path = re.compile(r"(?<![\w.:/])/(?:root|work|home|tmp|Users|private)/|\b[A-Z]:\\+(?=\w)")
    for cell in chapter.cells:
        for text in (cell["source"], output_text(cell)):
            if match := path.search(text):
                around = text[match.start() : match.start() + 40]
                yield f"cell {cell['id']}: names a place on one machine: {around!r}"


def rule_python_only(chapter):
    """No magics and no shell: nbval lets a failing one pass."""
    for cell in chapter.code:
        for line in cell["source"].splitlines():
            if line.lstrip().startswith(("%", "!")):
                yield f"cell {cell['id']}: {line.strip()!r}; use Python"


def rule_nbval_markers(chapter):
    """Markers where nbval sees them, and none that skips a cell or expects an error unchecked."""
    for before, cell in zip(chapter.cells, [*chapter.cells[1:], None], strict=True):
        if "raises-exception" in tags(before) and not (cell and "assert " in cell["source"]):
            yield f"cell {before['id']}: raises-exception, and no assert after it"
        if "nbval-skip" in tags(before):
            yield f"cell {before['id']}: nbval-skip leaves it untested"
    for cell in chapter.code:
        for line in cell["source"].splitlines():
            if re.search(r"#.*(NBVAL|PYTEST_VALIDATE)_", line):
                if not re.fullmatch(r"# (NBVAL|PYTEST_VALIDATE)_[A-Z_]+", line):
                    yield f"cell {cell['id']}: {line!r}: a marker stands alone on its line"
                elif "SKIP" in line:
                    yield f"cell {cell['id']}: {line!r} leaves it untested"


def rule_finished(chapter):
    """Nothing left to be written."""
    for cell in chapter.cells:
        if match := re.search(r"\b(TODO|FIXME|TBD|XXX|TO BE [A-Z]+)\b", cell["source"]):
            yield f"cell {cell['id']}: {match[0]}"


RULES = [rule for name, rule in sorted(globals().items()) if name.startswith("rule_")]
