"""Write the tables of chapters anew: in the README, and that of costs in docs/instructors.md.

make readme

From course_utils/chapters.py, the badges, and results/costs.json, which `make results` writes.
"""

import json
import re
from pathlib import Path

from course_utils.chapters import CHAPTERS

ROOT = Path(__file__).resolve().parents[1]
HEAD = (
    "| chapter | data | what you find out | your time | machine |\n| --- | --- | --- | --- | --- |"
)


def read_costs():
    """Return what each chapter took: chapter -> profile -> precision -> cost."""
    return json.loads((ROOT / "results" / "costs.json").read_text(encoding="utf-8"))


def cost(costs, name, key):
    """Return a chapter's cost in the ``quick`` profile in float32, as text; "–" where unknown."""
    found = costs.get(name, {}).get("quick", {}).get("float32", {}).get(key)
    return "–" if found is None else f"{found:.0f}" if found >= 10 else f"{found:.1f}"


def row(name, chapter, costs):
    """Return a chapter's row, with the badge that its notebook has."""
    notebook = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    badge = re.search(r"\[!\[.*?\)\]\(\S+\)", "".join(notebook["cells"][0]["source"]))[0]
    link = f"[{name[:2]} · {chapter.title}](notebooks/{name}.ipynb) {badge}"
    machine = cost(costs, name, "minutes")
    time = f"{chapter.minutes} min | {machine}{'' if machine == '–' else ' min'}"
    return f"| {link} | {chapter.pictures} | {chapter.finding} | {time} |"


def with_chapters(text, costs):
    """Return the README's text with the table of chapters as it should be."""
    return _replace(text, [HEAD, *(row(*item, costs) for item in CHAPTERS.items())])


def with_costs(text, costs):
    """Return the instructors' page with the table of minutes and memory as it should be."""
    table = [["chapter", *(name[:2] for name in CHAPTERS)], ["---"] * (len(CHAPTERS) + 1)]
    for title, key in (("minutes", "minutes"), ("peak memory in GB", "gigabytes")):
        table.append([title, *(cost(costs, name, key) for name in CHAPTERS)])
    return _replace(text, ["| " + " | ".join(line) + " |" for line in table])


def _replace(text, lines):
    """Put a table in the place of the first one whose first column is headed "chapter"."""
    pattern = re.compile(r"^\| chapter \|.*?(?=\n\n)", flags=re.DOTALL | re.M)
    return pattern.sub(lambda _: "\n".join(lines), text, count=1)


def main():
    """Write both pages."""
    costs = read_costs()
    for page, change in {"README.md": with_chapters, "docs/instructors.md": with_costs}.items():
        path = ROOT / page
        path.write_bytes(change(path.read_text(encoding="utf-8"), costs).encode("utf-8"))


if __name__ == "__main__":
    main()
