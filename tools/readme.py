"""Write the README's table of chapters anew, from course_utils/chapters.py and the badges.

make readme
"""

import json
import re
from pathlib import Path

from course_utils.chapters import CHAPTERS

ROOT = Path(__file__).resolve().parents[1]
HEAD = (
    "| chapter | data | what you find out | your time | machine |\n| --- | --- | --- | --- | --- |"
)


def row(name, chapter):
    """Return a chapter's row, with the badge that its notebook has."""
    notebook = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    badge = re.search(r"\[!\[.*?\)\]\(\S+\)", "".join(notebook["cells"][0]["source"]))[0]
    link = f"[{name[:2]} · {chapter.title}](notebooks/{name}.ipynb) {badge}"
    time = f"{chapter.minutes} min | {chapter.machine}"
    return f"| {link} | {chapter.pictures} | {chapter.finding} | {time} |"


def with_table(text):
    """Return the README's text with the table as it should be."""
    table = "\n".join([HEAD, *(row(*item) for item in CHAPTERS.items())])
    return re.sub(r"^\| chapter \|.*?(?=\n\n)", lambda _: table, text, flags=re.DOTALL | re.M)


if __name__ == "__main__":
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_bytes(with_table(text).encode("utf-8"))
