"""The rules that every chapter keeps. Each takes a chapter and yields what breaks it."""

import ast
import json
import re
from pathlib import Path

from run_tests import solution_code

from course_utils.chapters import CHAPTERS

ROOT = Path(__file__).resolve().parents[1]
MAX_CELL_LINES = 20
MAX_CODE_LINES = 195  # "about 150"; chapters 04 and 05 have the field's whole lists to go through
WORDS = (700, 2_450)  # "about 700 to 1,800"
MAX_BYTES = 1_000_000
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
EXERCISE = [("exercise", "markdown"), ("exercise-stub", "code"), ("solution", "markdown")]


class Notebook:
    """A chapter as it stands in its file, and the first one, with which it shares some cells.

    Parameters
    ----------
    name : str
        File name without ending.
    content, first : dict
        The JSON of its file, and of the first chapter's.
    """

    def __init__(self, name, content, first):
        self.name = name
        self.content = content
        self.cells = cells_of(content)
        self.code = [cell for cell in self.cells if cell["cell_type"] == "code"]
        self.prose = [cell for cell in self.cells if cell["cell_type"] == "markdown"]
        self.text = "\n\n".join(cell["source"] for cell in self.prose)
        self.first = cells_of(first)


def read(path):
    """Return a notebook's JSON as it stands in the file."""
    return json.loads(path.read_text(encoding="utf-8"))


def cells_of(content):
    """Return a notebook's cells, each with its source as one string."""
    return [{"id": "?"} | cell | {"source": "".join(cell["source"])} for cell in content["cells"]]


def tags(cell):
    """Return a cell's tags."""
    return cell["metadata"].get("tags", [])


def lines(source):
    """Count the lines that are not blank."""
    return sum(bool(line.strip()) for line in source.splitlines())


def output_text(cell):
    """Return all text of a cell's outputs; pictures are left out."""
    kept = []
    for output in cell.get("outputs", []):
        data = {k: v for k, v in output.get("data", {}).items() if not k.startswith("image/")}
        kept.append(json.dumps({**output, "data": data}, ensure_ascii=False))
    return "\n".join(kept)


def badge_link(cell):
    """Return where a first cell's badge leads, less the file's name; None without a badge."""
    found = re.search(rf"\[!\[Open in Colab\]\({re.escape(BADGE)}\)\]\((\S+/)\w+\.ipynb\)", cell)
    return found and found[1]


def opens_with_title_badge_and_box(notebook):
    """Title, badge, promise and box first, with the minutes that chapters.py has."""
    first = notebook.cells[0]["source"]
    if notebook.cells[0]["cell_type"] != "markdown" or not re.match(r"# \S", first):
        yield "the first cell does not begin with a title (`# …`)"
    link = badge_link(notebook.first[0]["source"])
    if notebook.text.count(BADGE) != 1 or f"]({link}{notebook.name}.ipynb)" not in first:
        yield f"the first cell does not hold the one badge, to {link}{notebook.name}.ipynb"
    if notebook.name not in CHAPTERS:
        yield f"course_utils/chapters.py has no row {notebook.name!r}"
        return
    minutes = f"{CHAPTERS[notebook.name].minutes} minutes"
    for words in ("You will build", "You need", minutes):
        if words not in first:
            yield f"the first cell's box lacks {words!r}"


def has_the_setup_cell(notebook):
    """The set-up cell is the same everywhere, but for the chapter's name in its last line."""
    setup = notebook.code[0]
    if setup["id"] != "setup" or tags(setup) != ["setup"]:
        yield "the first code cell has not the id and the tag `setup`"
    shared = next(cell["source"] for cell in notebook.first if cell["cell_type"] == "code")
    *head, last = setup["source"].splitlines()
    if head != shared.splitlines()[:-1]:
        yield "the set-up cell differs from the first chapter's"
    wanted = f'run = runtime.start("{notebook.name}")'
    if last != wanted:
        yield f"the set-up cell ends with {last!r}, not with {wanted!r}"


def is_saved_with_its_outputs(notebook):
    """Run from top to bottom, on made-up data, without errors, and saved with its outputs."""
    counts = [cell["execution_count"] for cell in notebook.code]
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts are {counts}: `make outputs CHAPTER={notebook.name}` saves it"
    if not re.search(r"profile: showcase\b", output_text(notebook.code[0])):
        yield "the set-up cell's output does not say `profile: showcase`"
    for cell in notebook.code:
        if any(output["output_type"] == "error" for output in cell["outputs"]):
            yield f"cell {cell['id']}: its output is an error"


def figures_have_texts(notebook):
    """Every figure has a text for readers who cannot see it."""
    for cell in notebook.code:
        for output in cell["outputs"]:
            if "image/png" in output.get("data", {}):
                text = output["metadata"].get("image/png", {}).get("alt", "")
                if len(text) < 20 or text.startswith("<"):
                    yield (
                        f"cell {cell['id']}: its figure's text is {text!r}; end the cell with "
                        "plotting.show(figure, text), or with one of the course's functions"
                    )


def is_of_a_sittings_length(notebook):
    """Short cells, as much text and code as a sitting holds, and a file under a megabyte."""
    for cell in notebook.code[1:]:
        if lines(cell["source"]) > MAX_CELL_LINES:
            yield f"cell {cell['id']}: {lines(cell['source'])} lines, of {MAX_CELL_LINES} allowed"
    code = sum(lines(cell["source"]) for cell in notebook.code[1:])
    if code > MAX_CODE_LINES:
        yield f"{code} lines of code without the set-up cell, of {MAX_CODE_LINES} allowed"
    words = _words_to_read(notebook)
    if not WORDS[0] <= words <= WORDS[1]:
        yield f"{words:,} words of prose; {WORDS[0]:,} to {WORDS[1]:,} are wanted"
    size = len(json.dumps(notebook.content, indent=1, ensure_ascii=False).encode())
    if size > MAX_BYTES:
        yield f"{size:,} bytes, of {MAX_BYTES:,} allowed"


def _words_to_read(notebook):
    """Count the words outside folds, without code, formulas, links and references."""
    text = "\n\n".join(cell["source"] for cell in notebook.prose if "solution" not in tags(cell))
    text = re.split(r"^## References\b", text, flags=re.MULTILINE)[0]
    text = re.sub(r"<details>.*?</details>", " ", text, flags=re.DOTALL)
    text = re.sub(r"```.*?```|\$\$.*?\$\$|<[^>]+>", " ", text, flags=re.DOTALL)
    return len(re.sub(r"\]\([^)]*\)|[|#>*`]|-{3,}", " ", text).split())


def has_exercises(notebook):
    """At least three exercises: task, stub with its check, folded solution, in this order."""
    tasks = [i for i, cell in enumerate(notebook.cells) if "exercise" in tags(cell)]
    if len(tasks) < 3:
        yield f"{len(tasks)} exercises, at least 3 are wanted"
    loose = {cell["id"]: cell for cell in notebook.cells}
    for i in tasks:
        group = notebook.cells[i : i + 3]
        for cell in group:
            loose.pop(cell["id"], None)
        if [(tags(cell), cell["cell_type"]) for cell in group] != [([t], k) for t, k in EXERCISE]:
            yield (
                f"cell {group[0]['id']}: not followed by its `exercise-stub` (code) and its "
                "`solution` (markdown), each with that tag alone"
            )
            continue
        _, stub, solution = group
        yield from _stub_problems(stub)
        if solution_code(solution) is None:
            yield f"cell {solution['id']}: the solution is not folded, or holds no Python code"
    for name, cell in loose.items():
        if set(tags(cell)) & {tag for tag, _ in EXERCISE} or _calls_a_check(cell):
            yield f"cell {name}: belongs to no exercise"


def _calls_a_check(cell):
    return cell["cell_type"] == "code" and "exercises.check_" in cell["source"]


def _stub_problems(stub):
    nodes = ast.walk(ast.parse(stub["source"]))
    if not any(isinstance(node, ast.Constant) and node.value is ... for node in nodes):
        yield f"cell {stub['id']}: the stub has no `...` to fill in"
    if not _calls_a_check(stub):
        yield f"cell {stub['id']}: the stub calls no exercises.check_…"
    elif "… Not yet:" not in output_text(stub):
        yield f"cell {stub['id']}: the untouched stub's output does not say what is missing"


def ends_with_recap_questions_references(notebook):
    """A scoreboard where something is measured; recap, three questions with answers, references."""
    source = "\n".join(cell["source"] for cell in notebook.code)
    if "run.record(" in source and "run.scoreboard()" not in source:
        yield "it records scores, but shows no run.scoreboard()"
    sections = dict(re.findall(r"^## (\w+).*\n((?:(?!^## ).*\n?)*)", notebook.text, re.MULTILINE))
    for heading in ("Recap", "Questions", "References"):
        if not sections.get(heading, "").strip():
            yield f"no section `## {heading}`"
    if sections.get("Questions", "").count("<details>") < 3:
        yield "fewer than three questions with folded answers"
    if "](https://" not in sections.get("References", ""):
        yield "the references hold no link"


def links_lead_somewhere(notebook):
    """Every file named exists, every address is https, every heading linked to is there."""
    headings = re.findall(r"^#+ (.+)$", notebook.text, re.MULTILINE)
    anchors = {"#" + re.sub(r"\s", "-", heading.strip()) for heading in headings}
    text = re.sub(r"```.*?```|\$[^$]*\$", " ", notebook.text, flags=re.DOTALL)
    for one, other in re.findall(r"\]\(([^)\s]+)\)|(?:href|src)=\"([^\"]+)\"", text):
        target = one or other
        if target.startswith("http://"):
            yield f"{target} is not https"
        elif target.startswith("#") and target not in anchors:
            yield f"there is no heading {target}"
        elif target.startswith(("#", "https://", "mailto:")):
            continue
        elif not (ROOT / "notebooks" / target.split("#")[0]).exists():
            yield f"there is no file {target}"
    folders = "course_utils|data_scripts|notebooks|results|tests|tools|benchmarks|docs"
    for name in re.findall(rf"`((?:{folders})/[\w./-]*)`", notebook.text):
        if not (ROOT / name).exists():
            yield f"there is no file {name}"


def names_no_place_on_one_machine(notebook):
    """No folder of the machine it was run on, in sources or outputs."""
    path = re.compile(r"(?<![\w.:/])/(?:root|work|home|tmp|Users|private)/|\b[A-Z]:\\+(?=\w)")
    for cell in notebook.cells:
        for text in (cell["source"], output_text(cell)):
            if match := path.search(text):
                around = text[match.start() : match.start() + 40]
                yield f"cell {cell['id']}: names a place on one machine: {around!r}"


def leaves_nothing_untested(notebook):
    """No magics and no shell, whose failures nbval lets pass; no marker that skips a cell."""
    for cell in notebook.code:
        for line in cell["source"].splitlines():
            if line.lstrip().startswith(("%", "!")):
                yield f"cell {cell['id']}: {line.strip()!r}; use Python"
        if re.search(r"NBVAL_(SKIP|RAISES)", cell["source"]) or set(tags(cell)) & {
            "nbval-skip",
            "nbval-raises-exception",
            "raises-exception",
        }:
            yield f"cell {cell['id']}: its marker leaves it untested"


RULES = [
    opens_with_title_badge_and_box,
    has_the_setup_cell,
    is_saved_with_its_outputs,
    figures_have_texts,
    is_of_a_sittings_length,
    has_exercises,
    ends_with_recap_questions_references,
    links_lead_somewhere,
    names_no_place_on_one_machine,
    leaves_nothing_untested,
]
